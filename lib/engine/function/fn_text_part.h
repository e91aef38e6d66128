/* fn_text_part.h - text functions of lists, delimiters and replaced characters. */
#ifndef GLY_FN_TEXT_PART_H
#define GLY_FN_TEXT_PART_H

#include "lib/engine/function/function_table.h"

gly_function_run gly_fn_text_part_substring_index, gly_fn_text_part_find_in_set;
gly_function_run gly_fn_text_part_elt, gly_fn_text_part_overlay, gly_fn_text_part_translate;
gly_function_run gly_fn_text_part_space, gly_fn_text_part_bit_length;

#endif
