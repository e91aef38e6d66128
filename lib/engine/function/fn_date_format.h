/* fn_date_format.h - dates and times written and read by Java's patterns. */
#ifndef GLY_FN_DATE_FORMAT_H
#define GLY_FN_DATE_FORMAT_H

#include "lib/engine/function/function_table.h"

gly_function_run gly_fn_date_format_run, gly_fn_date_format_from_unixtime;
gly_function_run gly_fn_date_format_to_date, gly_fn_date_format_to_timestamp;
gly_function_run gly_fn_date_format_unix_timestamp;
gly_function_prepare gly_fn_date_format_prepare;

#endif
