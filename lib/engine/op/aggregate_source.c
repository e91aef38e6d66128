/* aggregate_source.c - groups out: the one table there is, or partition by partition, merged.
 *
 * A partition is merged from all workers' tables and spills; one that does not fit in memory is
 * split again by other hash bits, into more work of the same kind.
 * Invariant: work is taken under the lock; what a worker merges is its own.
 */
#include "lib/base/alloc.h"
#include "lib/engine/op/aggregate_state.h"

typedef struct sourcer {
    gly_aggregation *owner;
    gly_worker *worker;
    gly_arena *arena; /* the batch put out */
    gly_agg_groups merged;
    gly_agg_groups *current; /* merged, or the direct table; NULL: get gly_aggregate_work */
    gly_group_cursor cursor;
    gly_batch batch;
} sourcer;

gly_status gly_aggregate_source_open(gly_op_node *node, gly_worker *worker, void **ret_local,
                                     gly_error *err) {
    (void)err;
    sourcer *s = GLY_NEW(sourcer);
    s->owner = node->state;
    s->worker = worker;
    s->arena = gly_arena_make();
    *ret_local = s;
    return GLY_OK;
}

void gly_aggregate_source_close(void *local) {
    sourcer *s = local;
    gly_agg_groups_clear(&s->merged);
    gly_arena_free(s->arena);
    free(s);
}

static gly_status merge_batch(sourcer *s, const gly_batch *batch, gly_partition_spill **sub,
                              uint32_t level, gly_error *err) {
    gly_aggregation *a = s->owner;
    gly_agg_batch rows = {batch->columns + a->key_count, batch->selection, batch->selected,
                          batch->count};
    return gly_aggregate_state_add(a, &s->merged, batch->columns, &rows, true, sub, level,
                                   s->worker->scratch, err);
}

static gly_status merge_spill(sourcer *s, const gly_partition_spill *spill, uint32_t partition,
                              gly_partition_spill **sub, uint32_t level, gly_error *err) {
    gly_partition_reader *reader = gly_partition_reader_make(spill, partition);
    const gly_batch *batch;
    gly_status status;
    while ((status = gly_partition_reader_next(reader, &batch, err)) == GLY_OK && batch != NULL) {
        gly_arena_reset(s->worker->scratch);
        status = merge_batch(s, batch, sub, level, err);
        if (status != GLY_OK) {
            break;
        }
    }
    gly_partition_reader_free(reader);
    return status;
}

static gly_status merge_sorted(sourcer *s, const gly_aggregate_sinker *from, uint32_t partition,
                               gly_partition_spill **sub, gly_error *err) {
    if (from->sorted == NULL) {
        return GLY_OK;
    }
    for (uint64_t at = from->starts[partition]; at < from->starts[partition + 1];) {
        uint32_t n = (uint32_t)GLY_MIN(from->starts[partition + 1] - at, (uint64_t)GLY_BATCH_ROWS);
        gly_batch batch;
        gly_arena_reset(s->worker->scratch);
        GLY_TRY(gly_agg_groups_emit_rows(&from->groups, from->sorted + at, n, GLY_AGG_FORM_STEPS,
                                         s->worker->scratch, &batch, err));
        GLY_TRY(merge_batch(s, &batch, sub, 1, err));
        at += n;
    }
    return GLY_OK;
}

/* Splits what is left of a partition that did not fit into works of the next level. */
static gly_status split(sourcer *s, gly_partition_spill *sub, uint32_t level, gly_error *err) {
    gly_aggregation *a = s->owner;
    GLY_TRY(gly_aggregate_state_spill(a, &s->merged, &sub, level, err));
    GLY_TRY(gly_partition_spill_seal(sub, err));
    pthread_mutex_lock(&a->lock);
    gly_partition_spill **spills = GLY_ARENA_NEW(a->node->task->arena, gly_partition_spill *);
    spills[0] = sub;
    for (uint32_t p = GLY_PARTITION_SPILL_COUNT; p-- > 0;) {
        if (gly_partition_spill_rows(sub, p) > 0) {
            gly_array_push(&a->works, ((gly_aggregate_work){p, level + 1, spills, 1}));
        }
    }
    pthread_mutex_unlock(&a->lock);
    return GLY_OK;
}

/* Merges one partition; afterwards s->merged holds its groups, or nothing when it was split. */
static gly_status run_work(sourcer *s, const gly_aggregate_work *w, gly_error *err) {
    gly_aggregation *a = s->owner;
    uint32_t level = w->level + 1; /* of a further split */
    gly_partition_spill *sub = NULL;
    gly_agg_groups_clear(&s->merged);
    gly_agg_groups_init(&s->merged, &a->plan, a->keys, a->key_count, &a->budget);
    if (w->spills != NULL) {
        for (uint32_t i = 0; i < w->spill_count; i++) {
            GLY_TRY(merge_spill(s, w->spills[i], w->partition, &sub, level, err));
        }
    }
    for (size_t i = 0; w->spills == NULL && i < a->sinkers.count; i++) {
        const gly_aggregate_sinker *from = a->sinkers.items[i];
        GLY_TRY(merge_sorted(s, from, w->partition, &sub, err));
        if (from->spill != NULL) {
            GLY_TRY(merge_spill(s, from->spill, w->partition, &sub, level, err));
        }
    }
    if (sub == NULL) {
        return GLY_OK;
    }
    pthread_mutex_lock(&a->lock);
    gly_array_push(&a->sub_spills, sub); /* freed by dispose, whatever happens */
    pthread_mutex_unlock(&a->lock);
    return split(s, sub, level, err);
}

static bool take_work(gly_aggregation *a, gly_aggregate_work *ret, bool *ret_direct) {
    pthread_mutex_lock(&a->lock);
    *ret_direct = a->direct != NULL && !a->is_direct_taken;
    a->is_direct_taken = a->is_direct_taken || *ret_direct;
    bool found = *ret_direct || a->works.count > 0;
    if (!*ret_direct && a->works.count > 0) {
        *ret = a->works.items[--a->works.count];
    }
    pthread_mutex_unlock(&a->lock);
    return found;
}

gly_status gly_aggregate_source_next(void *local, const gly_batch **ret, gly_error *err) {
    sourcer *s = local;
    for (;;) {
        if (s->current != NULL) {
            gly_arena_reset(s->arena);
            GLY_TRY(gly_agg_groups_emit(s->current, &s->cursor, GLY_AGG_FORM_OUTPUT, s->arena,
                                        &s->batch, err));
            if (s->batch.count > 0) {
                *ret = &s->batch;
                return GLY_OK;
            }
            gly_agg_groups_drop(s->current);
            s->current = NULL;
        }
        gly_aggregate_work w;
        bool is_direct;
        if (!take_work(s->owner, &w, &is_direct)) {
            *ret = NULL;
            return GLY_OK;
        }
        s->cursor = (gly_group_cursor){0};
        if (is_direct) {
            s->current = &s->owner->direct->groups;
        } else {
            GLY_TRY(run_work(s, &w, err));
            s->current = &s->merged;
        }
    }
}
