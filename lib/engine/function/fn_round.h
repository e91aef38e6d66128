/* fn_round.h - round, bround, floor, ceil. */
#ifndef GLY_FN_ROUND_H
#define GLY_FN_ROUND_H

#include "lib/engine/function/function_table.h"

gly_function_run gly_fn_round_half_up, gly_fn_round_half_even, gly_fn_round_floor;
gly_function_run gly_fn_round_ceil;

#endif
