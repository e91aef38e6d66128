/* fn_in.h - x IN (a, b, ...). */
#ifndef GLY_FN_IN_H
#define GLY_FN_IN_H

#include "lib/engine/function/function_table.h"

gly_function_run gly_fn_in_run;
gly_function_prepare gly_fn_in_prepare;

#endif
