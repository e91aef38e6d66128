/* fn_date.h - parts of dates and times, and what is computed from them. */
#ifndef GLY_FN_DATE_H
#define GLY_FN_DATE_H

#include "lib/engine/function/function_table.h"

gly_function_run gly_fn_date_year, gly_fn_date_quarter, gly_fn_date_month, gly_fn_date_day;
gly_function_run gly_fn_date_dayofweek, gly_fn_date_weekday, gly_fn_date_dayofyear;
gly_function_run gly_fn_date_weekofyear, gly_fn_date_hour, gly_fn_date_minute;
gly_function_run gly_fn_date_second, gly_fn_date_datediff, gly_fn_date_months_between;
gly_function_run gly_fn_date_last_day, gly_fn_date_trunc_date, gly_fn_date_trunc_timestamp;
gly_function_run gly_fn_date_make_date;

#endif
