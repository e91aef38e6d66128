/* parquet_distinct.h - how many distinct values a column has, estimated from dictionary sizes. */
#ifndef GLY_PARQUET_DISTINCT_H
#define GLY_PARQUET_DISTINCT_H

#include "lib/io/fs/read_plan.h"
#include "lib/io/parquet/parquet_meta.h"

/* Looks at the heads of the dictionary pages of a few row groups of one file that stands for
 * table_rows rows.  0: nothing can be said.  Never fails: an unreadable head says nothing. */
uint64_t gly_parquet_distinct_estimate(gly_file *file, const gly_parquet_meta *meta, uint32_t leaf,
                                       uint64_t table_rows);

/* Puts all that estimates of this file's columns look at into a plan, so that it is read at once.
 */
void gly_parquet_distinct_plan(gly_read_plan *plan, const gly_parquet_meta *meta);

/* From `distinct` values found among `sampled` rows drawn at random to those among all rows. */
uint64_t gly_parquet_distinct_scale(double distinct, double sampled, double rows);

#endif
