/* fn_like.h - LIKE, startswith, endswith, contains. */
#ifndef GLY_FN_LIKE_H
#define GLY_FN_LIKE_H

#include "lib/engine/function/function_table.h"

gly_function_run gly_fn_like_run, gly_fn_like_starts, gly_fn_like_ends, gly_fn_like_contains;
gly_function_prepare gly_fn_like_prepare;

#endif
