/* sorter.h - sorts more rows than memory holds: in-memory runs, spilled runs, one merge.
 *
 * A sorter is one worker's; a merge reads the runs of several sorters.  With a limit, only the
 * first rows are kept (top-N): a run is cut whenever it has twice as many, and rows behind the last
 * one kept are not even taken in.
 */
#ifndef GLY_SORTER_H
#define GLY_SORTER_H

#include "lib/data/row_store.h"
#include "lib/data/sort_key.h"
#include "lib/engine/op/operator.h"

/* Shared by all sorters of an operator; immutable. */
typedef struct gly_sort_spec {
    gly_row_layout layout;    /* output columns, then keys that are none of them */
    uint32_t output_count;    /* columns put out */
    gly_sort_key_layout keys; /* part->column: a layout column */
    uint64_t limit;           /* UINT64_MAX: all */
} gly_sort_spec;

typedef struct gly_sorter gly_sorter;
gly_sorter *gly_sorter_make(const gly_sort_spec *spec, gly_task_state *task, gly_budget *budget);
void gly_sorter_free(gly_sorter *sorter); /* accepts NULL */
/* Adds a batch's live rows: columns are the layout's, aligned with the batch. */
GLY_NODISCARD gly_status gly_sorter_add(gly_sorter *sorter, const gly_column *columns,
                                        const uint16_t *selection, uint32_t live, gly_error *err);
/* Sorts what is in memory; no add after it. */
GLY_NODISCARD gly_status gly_sorter_finish(gly_sorter *sorter, gly_error *err);
uint64_t gly_sorter_rows(const gly_sorter *sorter); /* in all runs */

typedef struct gly_sort_merge gly_sort_merge;
/* The sorters must be finished and outlive the merge. */
GLY_NODISCARD gly_status gly_sort_merge_make(gly_sorter *const *sorters, uint32_t count,
                                             gly_sort_merge **ret, gly_error *err);
void gly_sort_merge_free(gly_sort_merge *merge); /* accepts NULL */
/* The next rows in order (valid until the next call), NULL at the end. */
GLY_NODISCARD gly_status gly_sort_merge_next(gly_sort_merge *merge, const gly_batch **ret,
                                             gly_error *err);

#endif
