/* fn_compare.h - = <> < <= > >= <=>, NULL and NaN tests, greatest, least, nullif. */
#ifndef GLY_FN_COMPARE_H
#define GLY_FN_COMPARE_H

#include "lib/engine/function/function_table.h"

gly_function_run gly_fn_compare_run; /* which operator: expr->function */
gly_function_run gly_fn_compare_null_safe;
gly_function_run gly_fn_compare_is_null, gly_fn_compare_is_not_null, gly_fn_compare_is_nan;
gly_function_run gly_fn_compare_greatest, gly_fn_compare_least, gly_fn_compare_nullif;

#endif
