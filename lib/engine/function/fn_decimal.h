/* fn_decimal.h - arithmetic of decimals; the result's precision and scale are given by its type. */
#ifndef GLY_FN_DECIMAL_H
#define GLY_FN_DECIMAL_H

#include "lib/engine/function/function_table.h"

gly_function_run gly_fn_decimal_add, gly_fn_decimal_subtract, gly_fn_decimal_multiply;
gly_function_run gly_fn_decimal_try_add, gly_fn_decimal_try_subtract, gly_fn_decimal_try_multiply;
gly_function_run gly_fn_decimal_divide, gly_fn_decimal_try_divide;
gly_function_run gly_fn_decimal_int_divide, gly_fn_decimal_modulo, gly_fn_decimal_pmod;
gly_function_run gly_fn_decimal_negate, gly_fn_decimal_abs;

#endif
