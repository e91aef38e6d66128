/* fn_text.h - text functions that only look at text or return a part of it. */
#ifndef GLY_FN_TEXT_H
#define GLY_FN_TEXT_H

#include "lib/engine/function/function_table.h"

gly_function_run gly_fn_text_length, gly_fn_text_octet_length, gly_fn_text_substring;
gly_function_run gly_fn_text_left, gly_fn_text_right;
gly_function_run gly_fn_text_trim, gly_fn_text_ltrim, gly_fn_text_rtrim;
gly_function_run gly_fn_text_instr, gly_fn_text_locate, gly_fn_text_ascii;
gly_function_run gly_fn_text_split_part;

/* Helpers for the other text functions.  Characters are code points; bytes that are not UTF-8 count
 * as one each where they start one. */
int64_t gly_fn_text_count(gly_str text);
/* Byte offset of the character number `index` (from 0), or text.size. */
size_t gly_fn_text_offset(gly_str text, int64_t index);
size_t gly_fn_text_character_size(gly_str text, size_t at);
/* length characters (binary: bytes) from an SQL position: 1 is the first, -1 the last, 0 as 1. */
gly_str gly_fn_text_sql_slice(gly_str text, int64_t position, int64_t length, bool binary);

#endif
