/* fn_cast.h - CAST between numbers, booleans, dates and timestamps; text is in fn_cast_text.h. */
#ifndef GLY_FN_CAST_H
#define GLY_FN_CAST_H

#include "lib/engine/function/function_table.h"

/* NULL: Spark does not allow this cast. */
const gly_function_kernel *gly_fn_cast_find(gly_type from, gly_type to);
/* A row that cannot be cast: NULL for try_cast, else "The value 300 of type INT cannot be cast to
 * TINYINT because <why> (line 1, column 8); use try_cast to get NULL instead". */
gly_status gly_fn_cast_bad_row(gly_call *call, uint32_t row, gly_status status, const char *why,
                               gly_error *err);

#endif
