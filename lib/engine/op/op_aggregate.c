/* op_aggregate.c - GROUP BY, in two shapes.
 *
 * PARTIAL with keys is a stream: it aggregates into a table of about the size of the cache, pushes
 * the groups on when the table is full, and when hardly anything repeats passes rows straight
 * through as states (if the plan allows it).
 *
 * Everything else is a sink and a source.  Each worker aggregates into its own groups; when memory
 * is refused the groups go to disk by partition (hash bits), as step columns, and the table starts
 * anew. After seal the source hands out work: the one table there is, or a partition at a time,
 * merged from all workers' tables and spills; a partition that does not fit is split again by other
 * hash bits.
 * Invariant: a group lies in one partition, so partitions can be put out one by one.
 * Not here: tables and states (table/agg_groups.c), blocks on disk (table/partition_spill.c).
 */
#include "lib/engine/op/op_aggregate.h"

#include "lib/base/alloc.h"
#include "lib/engine/op/aggregate_state.h"

enum { MERGE_AT_ONCE = 8192 }; /* so few groups in all are merged by one thread */

static gly_status prepare(gly_op_node *node, gly_error *err) {
    const gly_physical *plan = node->plan;
    gly_arena *arena = node->task->arena;
    gly_aggregation *a = GLY_NEW(gly_aggregation);
    node->state = a;
    a->node = node;
    pthread_mutex_init(&a->lock, NULL);
    gly_budget_init(&a->budget, &node->task->budget, SIZE_MAX);
    a->key_count = plan->aggregate.group_count;
    a->keys = GLY_ARENA_ARRAY(arena, gly_type, a->key_count);
    GLY_TRY(gly_agg_plan_make(arena, plan->aggregate.aggregates, plan->aggregate.aggregate_count,
                              &a->plan, err));
    a->expr_count = a->key_count + a->plan.input_count;
    a->exprs = GLY_ARENA_ARRAY(arena, gly_expr *, a->expr_count);
    bool is_plain = true;
    for (uint32_t i = 0; i < a->expr_count; i++) {
        a->exprs[i] =
            i < a->key_count ? plan->aggregate.groups[i] : a->plan.inputs[i - a->key_count];
        is_plain = is_plain && a->exprs[i]->kind == GLY_EXPR_COLUMN;
        if (i < a->key_count) {
            a->keys[i] = a->exprs[i]->type;
        }
    }
    if (a->key_count + gly_agg_plan_output_count(&a->plan) != plan->schema.field_count) {
        return gly_fail(err, GLY_E_INTERNAL, "aggregate #%u puts out %u columns, its schema has %u",
                        plan->id, a->key_count + gly_agg_plan_output_count(&a->plan),
                        plan->schema.field_count);
    }
    return is_plain ? GLY_OK : gly_expr_compile(arena, a->expr_count, a->exprs, &a->program, err);
}

static void free_sinker(gly_aggregate_sinker *s) {
    gly_agg_groups_clear(&s->groups);
    gly_partition_spill_free(s->spill);
    if (s->sorted != NULL) {
        gly_row_store_unmap(s->sorted, s->sorted_bytes);
        gly_budget_release(&s->owner->budget, s->sorted_bytes);
    }
    if (s->expr != NULL) {
        gly_expr_state_free(s->expr);
    }
    free(s);
}

static void dispose(gly_op_node *node) {
    gly_aggregation *a = node->state;
    if (a == NULL) {
        return;
    }
    for (size_t i = 0; i < a->sinkers.count; i++) {
        free_sinker(a->sinkers.items[i]);
    }
    for (size_t i = 0; i < a->sub_spills.count; i++) {
        gly_partition_spill_free(a->sub_spills.items[i]);
    }
    gly_array_clear(&a->sinkers);
    gly_array_clear(&a->works);
    gly_array_clear(&a->sub_spills);
    pthread_mutex_destroy(&a->lock);
    free(a);
    node->state = NULL;
}

bool gly_op_aggregate_is_stream(const gly_physical *plan) {
    if (plan->kind != GLY_PHYSICAL_AGGREGATE || plan->aggregate.group_count == 0) {
        return false;
    }
    for (uint32_t i = 0; i < plan->aggregate.aggregate_count; i++) {
        if (plan->aggregate.aggregates[i]->mode != GLY_AGGREGATE_PARTIAL) {
            return false;
        }
    }
    return plan->aggregate.aggregate_count > 0 || plan->aggregate.skip_allowed;
}

/* ---- sink ---- */

/* A UNION below runs several pipelines into this sink: the next one goes on with a table that is
 * finished. */
static gly_aggregate_sinker *reuse_sinker(gly_aggregation *a, const gly_worker *worker) {
    gly_aggregate_sinker *found = NULL;
    pthread_mutex_lock(&a->lock);
    for (size_t i = 0; i < a->sinkers.count && found == NULL; i++) {
        gly_aggregate_sinker *s = a->sinkers.items[i];
        if (s->index == worker->index && s->is_finished && s->sorted == NULL) {
            s->is_finished = false;
            found = s;
        }
    }
    pthread_mutex_unlock(&a->lock);
    return found;
}

static gly_status open_sink(gly_op_node *node, gly_worker *worker, void **ret_local,
                            gly_error *err) {
    gly_aggregation *a = node->state;
    (void)err;
    gly_aggregate_sinker *s = reuse_sinker(a, worker);
    if (s == NULL) {
        s = GLY_NEW(gly_aggregate_sinker);
        s->owner = a;
        s->index = worker->index;
        s->expr = gly_aggregate_state_make_expr(a);
        gly_agg_groups_init(&s->groups, &a->plan, a->keys, a->key_count, &a->budget);
        pthread_mutex_lock(&a->lock);
        gly_array_push(&a->sinkers, s);
        pthread_mutex_unlock(&a->lock);
    }
    s->worker = worker;
    *ret_local = s;
    return GLY_OK;
}

static gly_status sink(void *local, const gly_batch *batch, gly_error *err) {
    gly_aggregate_sinker *s = local;
    gly_aggregation *a = s->owner;
    gly_arena *scratch = s->worker->scratch;
    gly_column *columns = GLY_ARENA_ARRAY(scratch, gly_column, a->expr_count);
    GLY_TRY(gly_aggregate_state_evaluate(a, s->expr, batch, scratch, columns, err));
    gly_agg_batch rows = {columns + a->key_count, batch->selection, batch->selected, batch->count};
    return gly_aggregate_state_add(a, &s->groups, columns, &rows, false, &s->spill, 0, scratch,
                                   err);
}

/* Sorts the table's rows by partition, so that partitions of several tables can be merged. */
static bool sort_rows(gly_aggregate_sinker *s) {
    gly_aggregation *a = s->owner;
    uint64_t count = gly_agg_groups_count(&s->groups);
    size_t bytes = count * sizeof(uint8_t *);
    if (s->sorted != NULL) {
        return true;
    }
    if (count == 0 || !gly_budget_try_reserve(&a->budget, bytes)) {
        return count == 0;
    }
    s->sorted = gly_row_store_map(bytes);
    s->sorted_bytes = bytes;
    uint8_t *rows[GLY_BATCH_ROWS];
    uint64_t hashes[GLY_BATCH_ROWS];
    uint64_t fill[GLY_PARTITION_SPILL_COUNT];
    gly_arena *arena = gly_arena_make();
    for (int pass = 0; pass < 2; pass++) {
        gly_group_cursor cursor = {0};
        for (uint32_t n;
             (n = gly_group_table_scan(&s->groups.table, &cursor, GLY_BATCH_ROWS, rows)) > 0;) {
            gly_arena_reset(arena);
            gly_group_table_hashes(&s->groups.table, rows, n, arena, hashes);
            for (uint32_t i = 0; i < n; i++) {
                uint32_t p = gly_partition_spill_of(hashes[i], 0);
                if (pass == 0) {
                    s->starts[p + 1]++;
                } else {
                    s->sorted[fill[p]++] = rows[i];
                }
            }
        }
        for (uint32_t p = 0; pass == 0 && p < GLY_PARTITION_SPILL_COUNT; p++) {
            s->starts[p + 1] += s->starts[p];
            fill[p] = s->starts[p];
        }
    }
    gly_arena_free(arena);
    return true;
}

static gly_status finish(void *local, gly_error *err) {
    gly_aggregate_sinker *s = local;
    gly_aggregation *a = s->owner;
    s->is_finished = true;
    if (s->spill != NULL && gly_agg_groups_count(&s->groups) > 0) {
        GLY_TRY(gly_aggregate_state_spill(a, &s->groups, &s->spill, 0, err));
    }
    if (a->node->task->spec->width > 1 && a->key_count > 0 &&
        gly_agg_groups_count(&s->groups) > MERGE_AT_ONCE && !sort_rows(s)) {
        GLY_TRY(gly_aggregate_state_spill(a, &s->groups, &s->spill, 0, err));
    }
    return GLY_OK;
}

static void close_sink(void *local) { (void)local; /* the aggregation owns it until dispose */ }

/* Adds all groups of one table to another. */
static gly_status merge_tables(gly_aggregation *a, gly_agg_groups *into, gly_aggregate_sinker *from,
                               gly_error *err) {
    gly_arena *arena = gly_arena_make();
    gly_group_cursor cursor = {0};
    gly_status status;
    for (;;) {
        gly_batch batch;
        bool is_full;
        gly_arena_reset(arena);
        status =
            gly_agg_groups_emit(&from->groups, &cursor, GLY_AGG_FORM_STEPS, arena, &batch, err);
        if (status != GLY_OK || batch.count == 0) {
            break;
        }
        gly_agg_batch rows = {batch.columns + a->key_count, NULL, batch.count, batch.count};
        status = gly_agg_groups_add(into, batch.columns, &rows, true, true, arena, &is_full, err);
        if (status != GLY_OK) {
            break;
        }
    }
    gly_arena_free(arena);
    gly_agg_groups_drop(&from->groups);
    return status;
}

static gly_status seal(gly_op_node *node, gly_error *err) {
    gly_aggregation *a = node->state;
    bool has_spill = false;
    uint64_t groups = 0;
    gly_aggregate_sinker *largest = NULL;
    for (size_t i = 0; i < a->sinkers.count; i++) {
        gly_aggregate_sinker *s = a->sinkers.items[i];
        has_spill = has_spill || s->spill != NULL;
        groups += gly_agg_groups_count(&s->groups);
        if (largest == NULL ||
            gly_agg_groups_count(&s->groups) > gly_agg_groups_count(&largest->groups)) {
            largest = s;
        }
    }
    if (largest == NULL) {
        return GLY_OK;
    }
    if (!has_spill && (groups == gly_agg_groups_count(&largest->groups) || a->key_count == 0 ||
                       groups <= MERGE_AT_ONCE)) {
        for (size_t i = 0; i < a->sinkers.count; i++) {
            if (a->sinkers.items[i] != largest) {
                GLY_TRY(merge_tables(a, &largest->groups, a->sinkers.items[i], err));
            }
        }
        a->direct = largest;
        return GLY_OK;
    }
    for (size_t i = 0; i < a->sinkers.count; i++) {
        gly_aggregate_sinker *s = a->sinkers.items[i];
        if (gly_agg_groups_count(&s->groups) > 0 && (has_spill || !sort_rows(s))) {
            GLY_TRY(gly_aggregate_state_spill(a, &s->groups, &s->spill, 0, err));
        }
        if (s->spill != NULL) {
            GLY_TRY(gly_partition_spill_seal(s->spill, err));
        }
    }
    for (uint32_t p = GLY_PARTITION_SPILL_COUNT; p-- > 0;) {
        gly_array_push(&a->works, ((gly_aggregate_work){.partition = p}));
    }
    return GLY_OK;
}

const gly_operator gly_op_aggregate = {
    .name = "HashAggregate",
    .prepare = prepare,
    .dispose = dispose,
    .open_source = gly_aggregate_source_open,
    .next = gly_aggregate_source_next,
    .close_source = gly_aggregate_source_close,
    .open_stream = gly_aggregate_stream_open,
    .push = gly_aggregate_stream_push,
    .flush = gly_aggregate_stream_flush,
    .close_stream = gly_aggregate_stream_close,
    .open_sink = open_sink,
    .sink = sink,
    .finish = finish,
    .close_sink = close_sink,
    .seal = seal,
};
