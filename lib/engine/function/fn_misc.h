/* fn_misc.h - rand, monotonically_increasing_id, raise_error, assert_true, faults for tests. */
#ifndef GLY_FN_MISC_H
#define GLY_FN_MISC_H

#include "lib/engine/function/function_table.h"

gly_function_run gly_fn_misc_rand, gly_fn_misc_monotonic_id;
gly_function_run gly_fn_misc_raise_error, gly_fn_misc_assert_true;
gly_function_run gly_fn_misc_test_sleep, gly_fn_misc_test_hold;

#endif
