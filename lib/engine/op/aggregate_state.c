/* aggregate_state.c - what sink, source and stream of an aggregation do alike: evaluate, add,
 * spill.
 *
 * Invariant: a group lies in one partition of a spill, whatever level it is split at.
 */
#include "lib/engine/op/aggregate_state.h"

#include "lib/base/alloc.h"

gly_expr_state *gly_aggregate_state_make_expr(const gly_aggregation *a) {
    return a->program == NULL ? NULL : gly_expr_state_make(a->program, a->node->partition);
}

/* Keys and inputs of a batch, aligned with it. */
gly_status gly_aggregate_state_evaluate(const gly_aggregation *a, gly_expr_state *expr,
                                        const gly_batch *batch, gly_arena *scratch, gly_column *ret,
                                        gly_error *err) {
    if (a->program != NULL) {
        return gly_expr_run(expr, batch, scratch, ret, err);
    }
    for (uint32_t i = 0; i < a->expr_count; i++) {
        ret[i] = batch->columns[a->exprs[i]->column];
    }
    return GLY_OK;
}

static gly_status make_spill(gly_aggregation *a, const gly_agg_groups *groups,
                             gly_partition_spill **ret, gly_error *err) {
    uint32_t count = gly_agg_groups_columns(groups, GLY_AGG_FORM_STEPS);
    gly_type *types = GLY_NEW_ARRAY(gly_type, count);
    gly_agg_groups_step_types(groups, types);
    gly_status status = gly_partition_spill_make(a->node->task, &a->budget, types, count,
                                                 GLY_PARTITION_SPILL_COUNT, ret, err);
    free(types);
    return status;
}

/* Writes all groups to disk by partition and frees their memory. */
gly_status gly_aggregate_state_spill(gly_aggregation *a, gly_agg_groups *groups,
                                     gly_partition_spill **spill, uint32_t level, gly_error *err) {
    uint64_t hashes[GLY_BATCH_ROWS];
    if (*spill == NULL) {
        GLY_TRY(make_spill(a, groups, spill, err));
    }
    gly_arena *arena = gly_arena_make();
    gly_group_cursor cursor = {0};
    gly_status status;
    for (;;) {
        gly_batch batch;
        gly_arena_reset(arena);
        status = gly_agg_groups_emit(groups, &cursor, GLY_AGG_FORM_STEPS, arena, &batch, err);
        if (status != GLY_OK || batch.count == 0) {
            break;
        }
        gly_agg_groups_hash(batch.columns, a->key_count, NULL, batch.count, hashes);
        status = gly_partition_spill_scatter(*spill, &batch, hashes, level, err);
        if (status != GLY_OK) {
            break;
        }
    }
    gly_arena_free(arena);
    gly_agg_groups_drop(groups);
    return status;
}

/* Adds a batch, spilling the groups when memory is refused. */
gly_status gly_aggregate_state_add(gly_aggregation *a, gly_agg_groups *groups,
                                   const gly_column *keys, const gly_agg_batch *rows, bool is_merge,
                                   gly_partition_spill **spill, uint32_t level, gly_arena *scratch,
                                   gly_error *err) {
    bool is_full = false;
    bool must_fit = level >= GLY_PARTITION_SPILL_LEVELS; /* all hashes equal: nothing to split */
    GLY_TRY(gly_agg_groups_add(groups, keys, rows, is_merge, must_fit, scratch, &is_full, err));
    if (!is_full) {
        return GLY_OK;
    }
    if (gly_agg_groups_count(groups) > 0) {
        GLY_TRY(gly_aggregate_state_spill(a, groups, spill, level, err));
    }
    return gly_agg_groups_add(groups, keys, rows, is_merge, true, scratch, &is_full, err);
}
