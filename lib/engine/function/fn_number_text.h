/* fn_number_text.h - numbers as text in other bases, and with separators. */
#ifndef GLY_FN_NUMBER_TEXT_H
#define GLY_FN_NUMBER_TEXT_H

#include "lib/engine/function/function_table.h"

gly_function_run gly_fn_number_text_bin, gly_fn_number_text_conv;
gly_function_run gly_fn_number_text_format_number;

#endif
