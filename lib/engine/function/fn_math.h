/* fn_math.h - functions of doubles. */
#ifndef GLY_FN_MATH_H
#define GLY_FN_MATH_H

#include "lib/engine/function/function_table.h"

gly_function_run gly_fn_math_sqrt, gly_fn_math_power, gly_fn_math_exp, gly_fn_math_ln;
gly_function_run gly_fn_math_log10, gly_fn_math_log2, gly_fn_math_sin, gly_fn_math_cos;
gly_function_run gly_fn_math_tan, gly_fn_math_asin, gly_fn_math_acos, gly_fn_math_atan;
gly_function_run gly_fn_math_atan2, gly_fn_math_sign, gly_fn_math_pi, gly_fn_math_e;
gly_function_run gly_fn_math_log, gly_fn_math_log1p, gly_fn_math_expm1, gly_fn_math_cbrt;
gly_function_run gly_fn_math_hypot, gly_fn_math_rint, gly_fn_math_degrees, gly_fn_math_radians;
gly_function_run gly_fn_math_sinh, gly_fn_math_cosh, gly_fn_math_tanh, gly_fn_math_asinh;
gly_function_run gly_fn_math_acosh, gly_fn_math_atanh, gly_fn_math_cot, gly_fn_math_sec;
gly_function_run gly_fn_math_csc, gly_fn_math_factorial, gly_fn_math_width_bucket;

#endif
