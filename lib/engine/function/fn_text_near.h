/* fn_text_near.h - how near two texts are, how a text sounds, whether a number was mistyped. */
#ifndef GLY_FN_TEXT_NEAR_H
#define GLY_FN_TEXT_NEAR_H

#include "lib/engine/function/function_table.h"

gly_function_run gly_fn_text_near_levenshtein, gly_fn_text_near_soundex;
gly_function_run gly_fn_text_near_luhn_check;

#endif
