/* fn_interval.h - + and - with dates, timestamps and intervals. */
#ifndef GLY_FN_INTERVAL_H
#define GLY_FN_INTERVAL_H

#include "lib/engine/function/function_table.h"

gly_function_run gly_fn_interval_add, gly_fn_interval_subtract;
gly_function_run gly_fn_interval_try_add, gly_fn_interval_try_subtract;
gly_function_run gly_fn_interval_negate, gly_fn_interval_abs;
/* date_add, date_sub, add_months; datediff is in fn_date.h */
gly_function_run gly_fn_interval_date_add, gly_fn_interval_date_sub, gly_fn_interval_add_months;

#endif
