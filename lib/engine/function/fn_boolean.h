/* fn_boolean.h - NOT, and AND and OR whose arguments are cheap enough to compute for all rows. */
#ifndef GLY_FN_BOOLEAN_H
#define GLY_FN_BOOLEAN_H

#include "lib/engine/function/function_table.h"

gly_function_run gly_fn_boolean_and, gly_fn_boolean_or, gly_fn_boolean_not;

#endif
