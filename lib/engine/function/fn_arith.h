/* fn_arith.h - + - * / div % on numbers that are not decimals; bit operations. */
#ifndef GLY_FN_ARITH_H
#define GLY_FN_ARITH_H

#include "lib/engine/function/function_table.h"

gly_function_run gly_fn_arith_add, gly_fn_arith_subtract, gly_fn_arith_multiply;
gly_function_run gly_fn_arith_try_add, gly_fn_arith_try_subtract, gly_fn_arith_try_multiply;
gly_function_run gly_fn_arith_divide, gly_fn_arith_try_divide;
gly_function_run gly_fn_arith_int_divide, gly_fn_arith_modulo, gly_fn_arith_pmod;
gly_function_run gly_fn_arith_negate, gly_fn_arith_abs;
gly_function_run gly_fn_arith_bit_and, gly_fn_arith_bit_or, gly_fn_arith_bit_xor;
gly_function_run gly_fn_arith_bit_not;

#endif
