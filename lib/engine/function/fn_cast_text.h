/* fn_cast_text.h - CAST from and to text. */
#ifndef GLY_FN_CAST_TEXT_H
#define GLY_FN_CAST_TEXT_H

#include "lib/engine/function/function_table.h"

gly_function_run gly_fn_cast_text_to; /* anything to STRING */
gly_function_run gly_fn_cast_text_boolean, gly_fn_cast_text_integer, gly_fn_cast_text_float;
gly_function_run gly_fn_cast_text_decimal, gly_fn_cast_text_date, gly_fn_cast_text_timestamp;

#endif
