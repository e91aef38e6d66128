/* fn_bits.h - bits of integers: shifts, counts, single ones. */
#ifndef GLY_FN_BITS_H
#define GLY_FN_BITS_H

#include "lib/engine/function/function_table.h"

gly_function_run gly_fn_bits_shift_left, gly_fn_bits_shift_right;
gly_function_run gly_fn_bits_shift_right_unsigned, gly_fn_bits_count, gly_fn_bits_get;

#endif
