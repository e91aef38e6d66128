/* fn_text_build.h - text functions that make new text. */
#ifndef GLY_FN_TEXT_BUILD_H
#define GLY_FN_TEXT_BUILD_H

#include "lib/engine/function/function_table.h"

gly_function_run gly_fn_text_build_upper, gly_fn_text_build_lower, gly_fn_text_build_initcap;
gly_function_run gly_fn_text_build_concat, gly_fn_text_build_concat_ws;
gly_function_run gly_fn_text_build_lpad, gly_fn_text_build_rpad, gly_fn_text_build_replace;
gly_function_run gly_fn_text_build_reverse, gly_fn_text_build_repeat, gly_fn_text_build_chr;

#endif
