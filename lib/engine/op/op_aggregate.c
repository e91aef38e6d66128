/* op_aggregate.c - GROUP BY, in two shapes.
 *
 * PARTIAL with keys is a stream: it aggregates into a table of about the size of the cache, pushes
 * the groups on when the table is full, and when hardly anything repeats passes rows straight through
 * as states (if the plan allows it).
 *
 * Everything else is a sink and a source.  Each worker aggregates into its own groups; when memory is
 * refused the groups go to disk by partition (hash bits), as step columns, and the table starts anew.
 * After seal the source hands out work: the one table there is, or a partition at a time, merged from
 * all workers' tables and spills; a partition that does not fit is split again by other hash bits.
 * Invariant: a group lies in one partition, so partitions can be put out one by one.
 * Not here: tables and states (table/agg_groups.c), blocks on disk (table/partition_spill.c).
 */
#include "lib/engine/op/op_aggregate.h"

#include "lib/base/alloc.h"
#include "lib/base/array.h"
#include "lib/engine/expr/expr_run.h"
#include "lib/engine/table/agg_groups.h"
#include "lib/engine/table/partition_spill.h"

enum {
    STREAM_TABLE_BYTES = 1 << 20,
    STREAM_LARGEST_BYTES = 8 << 20,
    STREAM_LEAST_SLOTS = 4096,
    MERGE_AT_ONCE = 8192, /* so few groups in all are merged by one thread */
};

typedef struct aggregation aggregation;

/* One partition's share of groups that must be merged: rows of workers' tables and spilled rows. */
typedef struct work {
    uint32_t partition, level;
    gly_partition_spill **spills; /* NULL: the workers' */
    uint32_t spill_count;
} work;

typedef struct sinker { /* one worker's sink; lives on in the aggregation's list after finish */
    aggregation *owner;
    gly_worker *worker; /* while it is open */
    uint32_t index;
    gly_expr_state *expr;
    gly_agg_groups groups;
    gly_partition_spill *spill;
    uint8_t **sorted;             /* the table's rows by partition, when several tables are merged */
    size_t sorted_bytes;
    uint64_t starts[GLY_PARTITION_SPILL_COUNT + 1];
    bool is_finished;
} sinker;

struct aggregation { /* node->state */
    gly_op_node *node;
    gly_budget budget;
    uint32_t key_count;
    gly_type *keys;
    gly_agg_plan plan;
    uint32_t expr_count;
    gly_expr **exprs; /* keys, then the plan's inputs */
    gly_expr_program *program; /* NULL: all are plain columns */
    pthread_mutex_t lock;
    GLY_ARRAY(sinker *) sinkers; /* all that were opened */
    GLY_ARRAY(work) works;       /* for the source, last first */
    GLY_ARRAY(gly_partition_spill *) sub_spills;
    sinker *direct; /* the only table: put out as it is */
    bool is_direct_taken;
};

/* ---- common ---- */

static gly_status prepare(gly_op_node *node, gly_error *err) {
    const gly_physical *plan = node->plan;
    gly_arena *arena = node->task->arena;
    aggregation *a = GLY_NEW(aggregation);
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
        a->exprs[i] = i < a->key_count ? plan->aggregate.groups[i]
                                       : a->plan.inputs[i - a->key_count];
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
    return is_plain ? GLY_OK
                    : gly_expr_compile(arena, a->expr_count, a->exprs, &a->program, err);
}

static void free_sinker(sinker *s) {
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
    aggregation *a = node->state;
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

static gly_expr_state *make_expr_state(const aggregation *a) {
    return a->program == NULL ? NULL : gly_expr_state_make(a->program, a->node->partition);
}

/* Keys and inputs of a batch, aligned with it. */
static gly_status evaluate(const aggregation *a, gly_expr_state *expr, const gly_batch *batch,
                           gly_arena *scratch, gly_column *ret, gly_error *err) {
    if (a->program != NULL) {
        return gly_expr_run(expr, batch, scratch, ret, err);
    }
    for (uint32_t i = 0; i < a->expr_count; i++) {
        ret[i] = batch->columns[a->exprs[i]->column];
    }
    return GLY_OK;
}

/* ---- sink ---- */

/* A UNION below runs several pipelines into this sink: the next one goes on with a table that is
 * finished. */
static sinker *reuse_sinker(aggregation *a, const gly_worker *worker) {
    sinker *found = NULL;
    pthread_mutex_lock(&a->lock);
    for (size_t i = 0; i < a->sinkers.count && found == NULL; i++) {
        sinker *s = a->sinkers.items[i];
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
    aggregation *a = node->state;
    (void)err;
    sinker *s = reuse_sinker(a, worker);
    if (s == NULL) {
        s = GLY_NEW(sinker);
        s->owner = a;
        s->index = worker->index;
        s->expr = make_expr_state(a);
        gly_agg_groups_init(&s->groups, &a->plan, a->keys, a->key_count, &a->budget);
        pthread_mutex_lock(&a->lock);
        gly_array_push(&a->sinkers, s);
        pthread_mutex_unlock(&a->lock);
    }
    s->worker = worker;
    *ret_local = s;
    return GLY_OK;
}

static gly_status make_spill(aggregation *a, const gly_agg_groups *groups,
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
static gly_status spill_groups(aggregation *a, gly_agg_groups *groups, gly_partition_spill **spill,
                               uint32_t level, gly_error *err) {
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
static gly_status add_or_spill(aggregation *a, gly_agg_groups *groups, const gly_column *keys,
                               const gly_agg_batch *rows, bool is_merge,
                               gly_partition_spill **spill, uint32_t level, gly_arena *scratch,
                               gly_error *err) {
    bool is_full = false;
    bool must_fit = level >= GLY_PARTITION_SPILL_LEVELS; /* all hashes equal: nothing to split */
    GLY_TRY(gly_agg_groups_add(groups, keys, rows, is_merge, must_fit, scratch, &is_full, err));
    if (!is_full) {
        return GLY_OK;
    }
    if (gly_agg_groups_count(groups) > 0) {
        GLY_TRY(spill_groups(a, groups, spill, level, err));
    }
    return gly_agg_groups_add(groups, keys, rows, is_merge, true, scratch, &is_full, err);
}

static gly_status sink(void *local, const gly_batch *batch, gly_error *err) {
    sinker *s = local;
    aggregation *a = s->owner;
    gly_arena *scratch = s->worker->scratch;
    gly_column *columns = GLY_ARENA_ARRAY(scratch, gly_column, a->expr_count);
    GLY_TRY(evaluate(a, s->expr, batch, scratch, columns, err));
    gly_agg_batch rows = {columns + a->key_count, batch->selection, batch->selected, batch->count};
    return add_or_spill(a, &s->groups, columns, &rows, false, &s->spill, 0, scratch, err);
}

/* Sorts the table's rows by partition, so that partitions of several tables can be merged. */
static bool sort_rows(sinker *s) {
    aggregation *a = s->owner;
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
        for (uint32_t n; (n = gly_group_table_scan(&s->groups.table, &cursor, GLY_BATCH_ROWS,
                                                   rows)) > 0;) {
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
    sinker *s = local;
    aggregation *a = s->owner;
    s->is_finished = true;
    if (s->spill != NULL && gly_agg_groups_count(&s->groups) > 0) {
        GLY_TRY(spill_groups(a, &s->groups, &s->spill, 0, err));
    }
    if (a->node->task->spec->width > 1 && a->key_count > 0 &&
        gly_agg_groups_count(&s->groups) > MERGE_AT_ONCE && !sort_rows(s)) {
        GLY_TRY(spill_groups(a, &s->groups, &s->spill, 0, err));
    }
    return GLY_OK;
}

static void close_sink(void *local) { (void)local; /* the aggregation owns it until dispose */ }

/* Adds all groups of one table to another. */
static gly_status merge_tables(aggregation *a, gly_agg_groups *into, sinker *from,
                               gly_error *err) {
    gly_arena *arena = gly_arena_make();
    gly_group_cursor cursor = {0};
    gly_status status;
    for (;;) {
        gly_batch batch;
        bool is_full;
        gly_arena_reset(arena);
        status = gly_agg_groups_emit(&from->groups, &cursor, GLY_AGG_FORM_STEPS, arena, &batch, err);
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
    aggregation *a = node->state;
    bool has_spill = false;
    uint64_t groups = 0;
    sinker *largest = NULL;
    for (size_t i = 0; i < a->sinkers.count; i++) {
        sinker *s = a->sinkers.items[i];
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
        sinker *s = a->sinkers.items[i];
        if (gly_agg_groups_count(&s->groups) > 0 && (has_spill || !sort_rows(s))) {
            GLY_TRY(spill_groups(a, &s->groups, &s->spill, 0, err));
        }
        if (s->spill != NULL) {
            GLY_TRY(gly_partition_spill_seal(s->spill, err));
        }
    }
    for (uint32_t p = GLY_PARTITION_SPILL_COUNT; p-- > 0;) {
        gly_array_push(&a->works, ((work){.partition = p}));
    }
    return GLY_OK;
}

/* ---- source ---- */

typedef struct sourcer {
    aggregation *owner;
    gly_worker *worker;
    gly_arena *arena; /* the batch put out */
    gly_agg_groups merged;
    gly_agg_groups *current; /* merged, or the direct table; NULL: get work */
    gly_group_cursor cursor;
    gly_batch batch;
} sourcer;

static gly_status open_source(gly_op_node *node, gly_worker *worker, void **ret_local,
                              gly_error *err) {
    (void)err;
    sourcer *s = GLY_NEW(sourcer);
    s->owner = node->state;
    s->worker = worker;
    s->arena = gly_arena_make();
    *ret_local = s;
    return GLY_OK;
}

static void close_source(void *local) {
    sourcer *s = local;
    gly_agg_groups_clear(&s->merged);
    gly_arena_free(s->arena);
    free(s);
}

static gly_status merge_batch(sourcer *s, const gly_batch *batch, gly_partition_spill **sub,
                              uint32_t level, gly_error *err) {
    aggregation *a = s->owner;
    gly_agg_batch rows = {batch->columns + a->key_count, batch->selection, batch->selected,
                          batch->count};
    return add_or_spill(a, &s->merged, batch->columns, &rows, true, sub, level, s->worker->scratch,
                        err);
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

static gly_status merge_sorted(sourcer *s, const sinker *from, uint32_t partition,
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
    aggregation *a = s->owner;
    GLY_TRY(spill_groups(a, &s->merged, &sub, level, err));
    GLY_TRY(gly_partition_spill_seal(sub, err));
    pthread_mutex_lock(&a->lock);
    gly_partition_spill **spills = GLY_ARENA_NEW(a->node->task->arena, gly_partition_spill *);
    spills[0] = sub;
    for (uint32_t p = GLY_PARTITION_SPILL_COUNT; p-- > 0;) {
        if (gly_partition_spill_rows(sub, p) > 0) {
            gly_array_push(&a->works, ((work){p, level + 1, spills, 1}));
        }
    }
    pthread_mutex_unlock(&a->lock);
    return GLY_OK;
}

/* Merges one partition; afterwards s->merged holds its groups, or nothing when it was split. */
static gly_status run_work(sourcer *s, const work *w, gly_error *err) {
    aggregation *a = s->owner;
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
        const sinker *from = a->sinkers.items[i];
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

static bool take_work(aggregation *a, work *ret, bool *ret_direct) {
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

static gly_status next(void *local, const gly_batch **ret, gly_error *err) {
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
        work w;
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

/* ---- stream ---- */

typedef struct streamer {
    aggregation *owner;
    gly_worker *worker;
    gly_downstream next;
    gly_expr_state *expr;
    gly_agg_groups groups;
    gly_arena *arena; /* scratch of what is downstream while groups are pushed */
    bool is_passing;
    uint64_t rows_in, groups_out;
    uint64_t rows_since; /* the table was empty */
} streamer;

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

/* Bytes of memory for a slot of the table. */
static size_t slot_bytes(const streamer *s) {
    const gly_group_table *table = &s->groups.table;
    return table->is_word ? table->layout->row_size : table->layout->row_size + sizeof(uint64_t);
}

/* The table is full and hardly anything repeated.  Would it, with room for all keys there are?  n rows
 * of D equally likely keys repeat about n^2 / 2D times, so D is about n^2 / 2(n - groups). */
static bool grow_table(streamer *s) {
    const gly_physical *child = s->owner->node->plan->children[0];
    double rows = (double)s->rows_since;
    double groups = (double)gly_agg_groups_count(&s->groups);
    double keys = rows * rows / (2 * (rows - groups) + 1);
    double share = child->row_estimate == UINT64_MAX
                       ? 1e18
                       : (double)child->row_estimate / GLY_MAX(child->partition_count, 1u);
    uint64_t slots = s->groups.table.max_capacity;
    if (groups < rows / 2 || keys * 4 > share) {
        return false;
    }
    while ((double)slots * 5 / 8 < keys * 1.1) {
        slots *= 2;
        if (slots * slot_bytes(s) > STREAM_LARGEST_BYTES) {
            return false;
        }
    }
    bool grows = slots > s->groups.table.max_capacity;
    s->groups.table.max_capacity = slots;
    return grows;
}

static gly_status open_stream(gly_op_node *node, gly_worker *worker, gly_downstream next_stream,
                              void **ret_local, gly_error *err) {
    aggregation *a = node->state;
    (void)err;
    streamer *s = GLY_NEW(streamer);
    s->owner = a;
    s->worker = worker;
    s->next = next_stream;
    s->expr = make_expr_state(a);
    s->arena = gly_arena_make();
    gly_agg_groups_init(&s->groups, &a->plan, a->keys, a->key_count, &a->budget);
    uint64_t slots = STREAM_LEAST_SLOTS;
    while (slots * 2 * slot_bytes(s) <= STREAM_TABLE_BYTES) {
        slots *= 2;
    }
    s->groups.table.max_capacity = slots;
    *ret_local = s;
    return GLY_OK;
}

static void close_stream(void *local) {
    streamer *s = local;
    gly_agg_groups_clear(&s->groups);
    gly_arena_free(s->arena);
    if (s->expr != NULL) {
        gly_expr_state_free(s->expr);
    }
    free(s);
}

/* Pushes a batch with a scratch of its own: many batches come of one push. */
static gly_status push_on(streamer *s, const gly_batch *batch, gly_error *err) {
    gly_arena *outer = s->worker->scratch;
    s->worker->scratch = s->arena;
    gly_status status = gly_downstream_push(&s->next, batch, err);
    s->worker->scratch = outer;
    return status;
}

static gly_status push_groups(streamer *s, gly_error *err) {
    gly_group_cursor cursor = {0};
    s->groups_out += gly_agg_groups_count(&s->groups);
    for (;;) {
        gly_batch batch;
        gly_arena_reset(s->arena);
        GLY_TRY(gly_agg_groups_emit(&s->groups, &cursor, GLY_AGG_FORM_OUTPUT, s->arena, &batch,
                                    err));
        if (batch.count == 0) {
            return GLY_OK;
        }
        GLY_TRY(push_on(s, &batch, err));
    }
}

static gly_status pass(streamer *s, const gly_batch *batch, const gly_column *columns,
                       gly_error *err) {
    aggregation *a = s->owner;
    gly_arena *scratch = s->worker->scratch;
    gly_batch out = *batch;
    out.column_count = a->node->plan->schema.field_count;
    out.columns = GLY_ARENA_ARRAY(scratch, gly_column, out.column_count);
    memcpy(out.columns, columns, a->key_count * sizeof *columns);
    gly_agg_batch rows = {columns + a->key_count, batch->selection, batch->selected, batch->count};
    gly_agg_run_pass(&a->plan, &rows, scratch, out.columns + a->key_count);
    return gly_downstream_push(&s->next, &out, err);
}

static gly_status push(void *local, const gly_batch *batch, gly_error *err) {
    streamer *s = local;
    aggregation *a = s->owner;
    gly_arena *scratch = s->worker->scratch;
    gly_column *columns = GLY_ARENA_ARRAY(scratch, gly_column, a->expr_count);
    bool is_full;
    GLY_TRY(evaluate(a, s->expr, batch, scratch, columns, err));
    if (s->is_passing) {
        return pass(s, batch, columns, err);
    }
    gly_agg_batch rows = {columns + a->key_count, batch->selection, batch->selected, batch->count};
    GLY_TRY(gly_agg_groups_add(&s->groups, columns, &rows, false, false, scratch, &is_full, err));
    if (is_full && grow_table(s)) {
        GLY_TRY(gly_agg_groups_add(&s->groups, columns, &rows, false, false, scratch, &is_full,
                                   err));
    }
    if (is_full) {
        GLY_TRY(push_groups(s, err));
        if (a->node->plan->aggregate.skip_allowed && s->groups_out > s->rows_in / 5 * 4) {
            s->is_passing = true;
            gly_agg_groups_drop(&s->groups);
            return pass(s, batch, columns, err);
        }
        gly_agg_groups_reset(&s->groups);
        s->rows_since = 0;
        GLY_TRY(gly_agg_groups_add(&s->groups, columns, &rows, false, true, scratch, &is_full,
                                   err));
    }
    s->rows_in += batch->selected;
    s->rows_since += batch->selected;
    return GLY_OK;
}

static gly_status flush(void *local, gly_error *err) {
    streamer *s = local;
    gly_status status = push_groups(s, err);
    gly_agg_groups_drop(&s->groups);
    return status;
}

const gly_operator gly_op_aggregate = {
    .name = "HashAggregate",
    .prepare = prepare,
    .dispose = dispose,
    .open_source = open_source,
    .next = next,
    .close_source = close_source,
    .open_stream = open_stream,
    .push = push,
    .flush = flush,
    .close_stream = close_stream,
    .open_sink = open_sink,
    .sink = sink,
    .finish = finish,
    .close_sink = close_sink,
    .seal = seal,
};
