/* agg_run.h - running an aggregation plan: batches into states, states into columns. */
#ifndef GLY_AGG_RUN_H
#define GLY_AGG_RUN_H

#include "lib/engine/function/agg_plan.h"

/* One batch as update sees it. */
typedef struct gly_agg_batch {
    const gly_column *inputs;  /* input_count, `count` rows each */
    const uint16_t *selection; /* the live rows, or NULL */
    uint32_t live;
    uint32_t count;
} gly_agg_batch;

bool gly_agg_run_needs_flags(const gly_agg_plan *plan, const gly_agg_batch *batch);
/* Bytes of long text this batch may add to states. */
size_t gly_agg_run_text_bytes(const gly_agg_plan *plan, const gly_agg_batch *batch);
/* The live rows so that those of a group lie together; worth making when groups are few. */
typedef struct gly_agg_order {
    const uint16_t *live;      /* 0 .. live-1, group by group, in their order */
    const uint16_t *positions; /* the same as rows of the batch */
    uint32_t group_count;
    const uint32_t *ends; /* where each group ends */
    uint8_t *const *rows; /* of each group */
} gly_agg_order;

/* Whether update with an order does without rows[] for this batch: no NULLs, no filters. */
bool gly_agg_run_takes_order(const gly_agg_plan *plan, const gly_agg_batch *batch);

/* rows[i]: the i-th live row's group; its states begin at rows[i] + base.  heap: for text.
 * is_single: all rows[] are the same.  order: NULL, or the groups' rows. */
GLY_NODISCARD gly_status gly_agg_run_update(const gly_agg_plan *plan, const gly_agg_batch *batch,
                                            uint8_t *const *rows, bool is_single,
                                            const gly_agg_order *order, uint32_t base,
                                            gly_row_store *heap, gly_arena *scratch,
                                            gly_error *err);

/* Groups' states as columns (made in the arena): all steps' ... */
void gly_agg_run_step_columns(const gly_agg_plan *plan, uint8_t *const *rows, uint32_t count,
                              uint32_t base, gly_arena *arena, gly_column *ret);
/* ... or what the calls put out, one after the other: states or results.  OVERFLOW. */
GLY_NODISCARD gly_status gly_agg_run_output(const gly_agg_plan *plan, uint8_t *const *rows,
                                            uint32_t count, uint32_t base, gly_arena *arena,
                                            gly_column *ret, gly_error *err);
/* Every row as a group of its own: PARTIAL calls' state columns straight from the inputs, aligned
 * with the batch (its selection applies). */
void gly_agg_run_pass(const gly_agg_plan *plan, const gly_agg_batch *batch, gly_arena *arena,
                      gly_column *ret);

#endif
