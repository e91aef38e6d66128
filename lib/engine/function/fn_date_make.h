/* fn_date_make.h - dates and timestamps from numbers and back, names of days, units of time. */
#ifndef GLY_FN_DATE_MAKE_H
#define GLY_FN_DATE_MAKE_H

#include "lib/engine/function/function_table.h"

gly_function_run gly_fn_date_make_timestamp, gly_fn_date_make_try_timestamp;
gly_function_run gly_fn_date_make_same32, gly_fn_date_make_same64;
gly_function_run gly_fn_date_make_unix_millis, gly_fn_date_make_unix_seconds;
gly_function_run gly_fn_date_make_timestamp_millis, gly_fn_date_make_timestamp_seconds;
gly_function_run gly_fn_date_make_next_day, gly_fn_date_make_dayname, gly_fn_date_make_monthname;
gly_function_run gly_fn_date_make_year_of_week, gly_fn_date_make_second_fraction;

#endif
