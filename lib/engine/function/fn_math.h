/* fn_math.h - functions of doubles. */
#ifndef GLY_FN_MATH_H
#define GLY_FN_MATH_H

#include "lib/engine/function/function_table.h"

gly_function_run gly_fn_math_sqrt, gly_fn_math_power, gly_fn_math_exp, gly_fn_math_ln;
gly_function_run gly_fn_math_log10, gly_fn_math_log2, gly_fn_math_sin, gly_fn_math_cos;
gly_function_run gly_fn_math_tan, gly_fn_math_asin, gly_fn_math_acos, gly_fn_math_atan;
gly_function_run gly_fn_math_atan2, gly_fn_math_sign, gly_fn_math_pi, gly_fn_math_e;

#endif
