/* op_nested_join.c - joins without equal keys: every probe row against every build row.
 *
 * The build side is held in memory (the planner broadcasts it).  Rows are not paired one by one:
 * with few build rows, each becomes constants next to a whole probe batch; with few probe rows, each
 * becomes constants next to a chunk of the build side.  The condition then selects, and what is put
 * out is that batch with its selection: nothing is copied.
 * Invariant: at any time one side of the pair is constant.
 */
#include "lib/base/alloc.h"
#include "lib/base/array.h"
#include "lib/data/row_store.h"
#include "lib/engine/expr/expr_run.h"
#include "lib/engine/op/operators.h"

typedef struct nested { /* node->state */
    gly_op_node *node;
    gly_budget budget;
    gly_row_layout layout;       /* build columns; tail: match mark */
    gly_expr_program *condition; /* NULL: everything matches */
    uint8_t kind;
    uint32_t probe_count, build_count; /* columns */
    pthread_mutex_t lock;
    GLY_ARRAY(gly_row_store *) stores;
    bool *has_nulls; /* per build column, set by seal */
    atomic_uint next_store;
} nested;

static bool puts_out_build(const nested *n) { return gly_physical_join_puts_out_build(n->kind); }
static bool keeps_probe(const nested *n) {
    return n->kind == GLY_JOIN_LEFT || n->kind == GLY_JOIN_FULL;
}
static bool keeps_build(const nested *n) {
    return n->kind == GLY_JOIN_RIGHT || n->kind == GLY_JOIN_FULL;
}

static gly_status prepare(gly_op_node *node, gly_error *err) {
    const gly_physical *plan = node->plan;
    gly_arena *arena = node->task->arena;
    const gly_schema *build = &plan->children[1]->schema;
    nested *n = GLY_NEW(nested);
    node->state = n;
    n->node = node;
    pthread_mutex_init(&n->lock, NULL);
    gly_budget_init(&n->budget, &node->task->budget, SIZE_MAX);
    n->kind = plan->nested_join.kind;
    n->probe_count = plan->children[0]->schema.field_count;
    n->build_count = build->field_count;
    if (n->kind == GLY_JOIN_NULL_AWARE_ANTI) {
        return gly_fail(err, GLY_E_UNSUPPORTED, "NOT IN needs a column to compare with");
    }
    gly_type *types = GLY_ARENA_ARRAY(arena, gly_type, build->field_count);
    for (uint32_t c = 0; c < build->field_count; c++) {
        types[c] = build->fields[c].type;
    }
    gly_row_layout_make(arena, 0, types, build->field_count, 8, &n->layout);
    n->has_nulls = GLY_ARENA_ARRAY(arena, bool, build->field_count);
    return plan->nested_join.condition == NULL
               ? GLY_OK
               : gly_expr_compile(arena, 1, &plan->nested_join.condition, &n->condition, err);
}

static void dispose(gly_op_node *node) {
    nested *n = node->state;
    if (n == NULL) {
        return;
    }
    for (size_t i = 0; i < n->stores.count; i++) {
        gly_row_store_clear(n->stores.items[i]);
        free(n->stores.items[i]);
    }
    gly_array_clear(&n->stores);
    pthread_mutex_destroy(&n->lock);
    free(n);
    node->state = NULL;
}

/* ---- sink ---- */

typedef struct sinker {
    nested *owner;
    gly_row_store *store;
} sinker;

static gly_status open_sink(gly_op_node *node, gly_worker *worker, void **ret_local,
                            gly_error *err) {
    nested *n = node->state;
    (void)worker;
    (void)err;
    sinker *s = GLY_NEW(sinker);
    s->owner = n;
    s->store = GLY_NEW(gly_row_store);
    gly_row_store_init(s->store, &n->layout, &n->budget);
    pthread_mutex_lock(&n->lock);
    gly_array_push(&n->stores, s->store);
    pthread_mutex_unlock(&n->lock);
    *ret_local = s;
    return GLY_OK;
}

static void close_sink(void *local) { free(local); }

static gly_status sink(void *local, const gly_batch *batch, gly_error *err) {
    sinker *s = local;
    uint8_t *rows[GLY_BATCH_ROWS];
    size_t text_bytes = gly_row_store_text_bytes(s->store->layout, batch->columns, batch->selection,
                                                 batch->selected);
    bool is_first = s->store->row_count == 0;
    if (!gly_row_store_reserve(s->store, batch->selected, text_bytes, is_first)) {
        char have[32];
        return gly_fail(
            err, GLY_E_OUT_OF_MEMORY,
            "the right side of a join without equal keys does not fit in the task's "
            "%s: add an equality to the join condition or raise "
            "spark.executor.memory",
            gly_str_format_bytes(s->owner->node->task->budget.limit_bytes, have, sizeof have));
    }
    gly_row_store_append(s->store, batch->selected, rows);
    for (uint32_t i = 0; i < batch->selected; i++) {
        rows[i][s->store->layout->tail_offset] = 0;
    }
    gly_row_store_put(s->store, batch->columns, batch->selection, batch->selected, rows);
    return GLY_OK;
}

static gly_status seal(gly_op_node *node, gly_error *err) {
    nested *n = node->state;
    (void)err;
    for (size_t i = 0; i < n->stores.count; i++) {
        const gly_row_store *store = n->stores.items[i];
        for (uint32_t c = 0; store->has_nulls != NULL && c < n->build_count; c++) {
            n->has_nulls[c] = n->has_nulls[c] || store->has_nulls[c];
        }
    }
    return GLY_OK;
}

static void gather(const nested *n, uint8_t *const *rows, uint32_t count, gly_arena *arena,
                   gly_column *ret) {
    for (uint32_t c = 0; c < n->build_count; c++) {
        gly_column_make_flat(arena, n->layout.types[c], count, &ret[c]);
        ret[c].count = count;
        uint64_t *validity =
            n->has_nulls[c] ? gly_arena_alloc_aligned(arena, gly_column_words(count) * 8) : NULL;
        gly_row_layout_gather(&n->layout, c, (const uint8_t *const *)rows, NULL, count,
                              validity != NULL, validity, &ret[c]);
    }
}

/* ---- stream ---- */

typedef struct streamer {
    nested *owner;
    gly_worker *worker;
    gly_downstream next;
    gly_expr_state *condition;
    gly_arena *chunk; /* columns of a chunk of the build side */
    gly_arena *pair;  /* constants and selection of one pairing */
    gly_arena *below; /* scratch of what is downstream */
    const gly_batch *batch;
    bool matched[GLY_BATCH_ROWS]; /* by live probe row */
    uint32_t open;                /* probe rows that still look for a match (SEMI, ANTI) */
    uint8_t *rows[GLY_BATCH_ROWS];
    uint32_t row_count;
    gly_column *chunk_columns;
} streamer;

static gly_status open_stream(gly_op_node *node, gly_worker *worker, gly_downstream next,
                              void **ret_local, gly_error *err) {
    nested *n = node->state;
    (void)err;
    streamer *s = GLY_NEW(streamer);
    s->owner = n;
    s->worker = worker;
    s->next = next;
    if (n->condition != NULL) {
        s->condition = gly_expr_state_make(n->condition, node->partition);
    }
    s->chunk = gly_arena_make();
    s->pair = gly_arena_make();
    s->below = gly_arena_make();
    *ret_local = s;
    return GLY_OK;
}

static void close_stream(void *local) {
    streamer *s = local;
    if (s->condition != NULL) {
        gly_expr_state_free(s->condition);
    }
    gly_arena_free(s->chunk);
    gly_arena_free(s->pair);
    gly_arena_free(s->below);
    free(s);
}

static gly_status push_on(streamer *s, const gly_batch *batch, gly_error *err) {
    gly_arena *outer = s->worker->scratch;
    gly_arena_reset(s->below);
    s->worker->scratch = s->below;
    gly_status status = gly_downstream_push(&s->next, batch, err);
    s->worker->scratch = outer;
    return status;
}

static gly_status check_cancelled(const streamer *s, gly_error *err) {
    const atomic_bool *cancelled = s->owner->node->task->spec->cancelled;
    return cancelled != NULL && atomic_load_explicit(cancelled, memory_order_relaxed)
               ? gly_fail(err, GLY_E_CANCELLED, "the task was cancelled")
               : GLY_OK;
}

/* Applies the condition to pairs (all columns); *ret then is what matched. */
static gly_status select_pairs(streamer *s, gly_batch *pairs, gly_error *err) {
    if (s->condition == NULL) {
        return GLY_OK;
    }
    uint16_t *selection = gly_arena_alloc(s->pair, pairs->count * sizeof *selection);
    uint32_t count;
    GLY_TRY(gly_expr_select(s->condition, pairs, s->pair, selection, &count, err));
    pairs->selection = selection;
    pairs->selected = count;
    return GLY_OK;
}

static void mark(const nested *n, uint8_t *row) {
    __atomic_store_n(&row[n->layout.tail_offset], 1, __ATOMIC_RELAXED);
}

/* A whole probe batch next to one build row as constants. */
static gly_status pair_build_row(streamer *s, uint32_t r, gly_error *err) {
    const nested *n = s->owner;
    const gly_batch *batch = s->batch;
    gly_arena_reset(s->pair);
    gly_batch pairs = *batch;
    pairs.column_count = n->probe_count + n->build_count;
    pairs.columns = GLY_ARENA_ARRAY(s->pair, gly_column, pairs.column_count);
    memcpy(pairs.columns, batch->columns, n->probe_count * sizeof *pairs.columns);
    for (uint32_t c = 0; c < n->build_count; c++) {
        gly_value value = gly_column_get(&s->chunk_columns[c], r);
        gly_column_constant(s->pair, &value, batch->count, &pairs.columns[n->probe_count + c]);
    }
    GLY_TRY(select_pairs(s, &pairs, err));
    if (pairs.selected == 0) {
        return GLY_OK;
    }
    mark(n, s->rows[r]);
    for (uint32_t i = 0, live = 0; i < pairs.selected; i++, live++) { /* both ascend */
        uint32_t row = gly_batch_row(&pairs, i);
        while (gly_batch_row(batch, live) != row) {
            live++;
        }
        s->open -= !s->matched[live];
        s->matched[live] = true;
    }
    return puts_out_build(n) ? push_on(s, &pairs, err) : GLY_OK;
}

/* One probe row as constants next to a chunk of the build side. */
static gly_status pair_probe_row(streamer *s, uint32_t live, gly_error *err) {
    const nested *n = s->owner;
    gly_arena_reset(s->pair);
    gly_batch pairs = {n->probe_count + n->build_count, s->row_count, s->row_count, NULL, NULL};
    pairs.columns = GLY_ARENA_ARRAY(s->pair, gly_column, pairs.column_count);
    for (uint32_t c = 0; c < n->probe_count; c++) {
        gly_value value = gly_column_get(&s->batch->columns[c], gly_batch_row(s->batch, live));
        gly_column_constant(s->pair, &value, s->row_count, &pairs.columns[c]);
    }
    memcpy(pairs.columns + n->probe_count, s->chunk_columns,
           n->build_count * sizeof *pairs.columns);
    GLY_TRY(select_pairs(s, &pairs, err));
    if (pairs.selected == 0) {
        return GLY_OK;
    }
    s->open -= !s->matched[live];
    s->matched[live] = true;
    for (uint32_t i = 0; keeps_build(n) && i < pairs.selected; i++) {
        mark(n, s->rows[gly_batch_row(&pairs, i)]);
    }
    return puts_out_build(n) ? push_on(s, &pairs, err) : GLY_OK;
}

static gly_status pair_chunk(streamer *s, gly_error *err) {
    const nested *n = s->owner;
    bool by_build = s->row_count <= s->batch->selected;
    uint32_t steps = by_build ? s->row_count : s->batch->selected;
    gly_arena_reset(s->chunk);
    s->chunk_columns = GLY_ARENA_ARRAY(s->chunk, gly_column, n->build_count);
    gather(n, s->rows, s->row_count, s->chunk, s->chunk_columns);
    for (uint32_t i = 0; i < steps; i++) {
        GLY_TRY(check_cancelled(s, err));
        if (!puts_out_build(n) && (s->open == 0 || (!by_build && s->matched[i]))) {
            continue;
        }
        GLY_TRY(by_build ? pair_build_row(s, i, err) : pair_probe_row(s, i, err));
    }
    return GLY_OK;
}

/* Probe rows that are put out by themselves. */
static gly_status push_rest(streamer *s, gly_error *err) {
    const nested *n = s->owner;
    const gly_batch *batch = s->batch;
    bool wants_matched = n->kind == GLY_JOIN_SEMI;
    if (!wants_matched && n->kind != GLY_JOIN_ANTI && !keeps_probe(n)) {
        return GLY_OK;
    }
    uint16_t selection[GLY_BATCH_ROWS];
    uint32_t count = 0;
    for (uint32_t i = 0; i < batch->selected; i++) {
        selection[count] = (uint16_t)gly_batch_row(batch, i);
        count += s->matched[i] == wants_matched;
    }
    gly_batch out = *batch;
    out.selection = count == batch->count ? NULL : selection;
    out.selected = count;
    if (keeps_probe(n)) {
        gly_arena_reset(s->pair);
        out.column_count = n->probe_count + n->build_count;
        out.columns = GLY_ARENA_ARRAY(s->pair, gly_column, out.column_count);
        memcpy(out.columns, batch->columns, n->probe_count * sizeof *out.columns);
        for (uint32_t c = 0; c < n->build_count; c++) {
            gly_value null = gly_value_null(n->layout.types[c]);
            gly_column_constant(s->pair, &null, batch->count, &out.columns[n->probe_count + c]);
        }
    }
    return push_on(s, &out, err);
}

static gly_status push(void *local, const gly_batch *batch, gly_error *err) {
    streamer *s = local;
    const nested *n = s->owner;
    s->batch = batch;
    s->open = batch->selected;
    memset(s->matched, 0, batch->selected);
    for (size_t i = 0; i < n->stores.count; i++) {
        gly_row_cursor cursor = {0};
        while ((s->row_count =
                    gly_row_store_scan(n->stores.items[i], &cursor, GLY_BATCH_ROWS, s->rows)) > 0 &&
               (puts_out_build(n) || s->open > 0)) {
            GLY_TRY(pair_chunk(s, err));
        }
    }
    return push_rest(s, err);
}

/* ---- source: build rows without a match ---- */

typedef struct sourcer {
    nested *owner;
    gly_arena *arena;
    const gly_row_store *store;
    gly_row_cursor cursor;
    gly_batch out;
} sourcer;

static bool needs_after(gly_op_node *node) { return keeps_build(node->state); }

static gly_status open_source(gly_op_node *node, gly_worker *worker, void **ret_local,
                              gly_error *err) {
    (void)worker;
    (void)err;
    sourcer *s = GLY_NEW(sourcer);
    s->owner = node->state;
    s->arena = gly_arena_make();
    *ret_local = s;
    return GLY_OK;
}

static void close_source(void *local) {
    sourcer *s = local;
    gly_arena_free(s->arena);
    free(s);
}

static void put_unmatched(sourcer *s, uint8_t *const *rows, uint32_t count) {
    const nested *n = s->owner;
    const gly_schema *probe = &n->node->plan->children[0]->schema;
    gly_arena_reset(s->arena);
    s->out = (gly_batch){n->probe_count + n->build_count, count, count, NULL, NULL};
    s->out.columns = GLY_ARENA_ARRAY(s->arena, gly_column, s->out.column_count);
    for (uint32_t c = 0; c < n->probe_count; c++) {
        gly_value null = gly_value_null(probe->fields[c].type);
        gly_column_constant(s->arena, &null, count, &s->out.columns[c]);
    }
    gather(n, rows, count, s->arena, s->out.columns + n->probe_count);
}

static gly_status next(void *local, const gly_batch **ret, gly_error *err) {
    sourcer *s = local;
    nested *n = s->owner;
    uint8_t *rows[GLY_BATCH_ROWS];
    (void)err;
    for (;;) {
        uint32_t count =
            s->store == NULL ? 0 : gly_row_store_scan(s->store, &s->cursor, GLY_BATCH_ROWS, rows);
        uint32_t kept = 0;
        for (uint32_t i = 0; i < count; i++) {
            rows[kept] = rows[i];
            kept += rows[i][n->layout.tail_offset] == 0;
        }
        if (kept > 0) {
            put_unmatched(s, rows, kept);
            *ret = &s->out;
            return GLY_OK;
        }
        if (count == 0) {
            uint32_t at = atomic_fetch_add(&n->next_store, 1);
            if (at >= n->stores.count) {
                *ret = NULL;
                return GLY_OK;
            }
            s->store = n->stores.items[at];
            s->cursor = (gly_row_cursor){0};
        }
    }
}

const gly_operator gly_op_nested_join = {
    .name = "BroadcastNestedLoopJoin",
    .prepare = prepare,
    .dispose = dispose,
    .open_source = open_source,
    .next = next,
    .close_source = close_source,
    .open_stream = open_stream,
    .push = push,
    .close_stream = close_stream,
    .open_sink = open_sink,
    .sink = sink,
    .close_sink = close_sink,
    .seal = seal,
    .needs_after = needs_after,
};
