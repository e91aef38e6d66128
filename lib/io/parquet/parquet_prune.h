/* parquet_prune.h - can a row group have a row for which a conjunct is true?  By bounds alone. */
#ifndef GLY_PARQUET_PRUNE_H
#define GLY_PARQUET_PRUNE_H

#include "lib/plan/expr.h"

/* What is known of a column's values in a row group. */
typedef struct gly_parquet_bounds {
    bool has_bounds;
    gly_value min, max; /* of the values that are not null; FLOAT, DOUBLE: NaN may lie outside */
    uint64_t row_count;
    uint64_t null_count; /* UINT64_MAX: unknown */
} gly_parquet_bounds;

/* False only if the conjunct is certainly not true for every row.  get(context, column) returns the
 * bounds of COLUMN.column, or NULL if nothing is known. */
bool gly_parquet_prune_may_match(const gly_expr *conjunct,
                                 const gly_parquet_bounds *(*get)(void *context, uint32_t column),
                                 void *context);

#endif
