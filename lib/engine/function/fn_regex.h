/* fn_regex.h - RLIKE, regexp_replace, regexp_extract. */
#ifndef GLY_FN_REGEX_H
#define GLY_FN_REGEX_H

#include "lib/engine/function/function_table.h"

gly_function_run gly_fn_regex_rlike, gly_fn_regex_replace, gly_fn_regex_extract;
gly_function_prepare gly_fn_regex_prepare;
gly_function_run gly_fn_regex_substr, gly_fn_regex_instr, gly_fn_regex_count;

#endif
