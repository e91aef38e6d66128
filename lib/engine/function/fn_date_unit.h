/* fn_date_unit.h - timestampadd and timestampdiff: time in a unit that the query names. */
#ifndef GLY_FN_DATE_UNIT_H
#define GLY_FN_DATE_UNIT_H

#include "lib/engine/function/function_table.h"

gly_function_run gly_fn_date_unit_add, gly_fn_date_unit_diff;

#endif
