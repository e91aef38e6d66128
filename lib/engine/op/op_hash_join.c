/* op_hash_join.c - hash join: sink for the build side, stream for the probe side, source for the
 * rest.
 *
 * The build side is kept in rows until memory is refused; then all of it goes to disk by partition
 * (hash bits), and seal loads back as many partitions as fit in half of what is free.  Probe rows of
 * those are joined as they stream by; the others follow their partitions to disk.  Afterwards the
 * source takes spilled partitions one by one, loading the build side in chunks that fit and reading
 * the probe side once per chunk: no recursion, and equal keys in any number are no problem. A
 * broadcast table is built once per executor and shared (pipeline/shared_cache.h); it never spills.
 * Invariant: a row and all its possible partners are in one partition.
 * Not here: tables and kinds of join (table/join_*.c), the build side's rows (join_build.c), what
 * happens after the probe (join_rest.c).
 */
#include "lib/engine/op/op_hash_join.h"

#include "lib/base/alloc.h"
#include "lib/engine/kernel/k_hash.h"
#include "lib/engine/op/join_state.h"
#include "lib/engine/table/key_columns.h"

typedef struct sinker {
    gly_join_state *join;
    gly_worker *worker;
    gly_expr_state *expr;
    gly_row_store *store;       /* belongs to the build */
    gly_partition_spill *spill; /* belongs to the join */
    bool has_rows, has_null_key;
} sinker;

static void note_column(void *context, uint32_t column) { ((bool *)context)[column] = true; }

static bool all_columns(gly_expr *const *exprs, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        if (exprs[i]->kind != GLY_EXPR_COLUMN) {
            return false;
        }
    }
    return true;
}

static bool is_float(gly_type type) {
    return type.id == GLY_TYPE_FLOAT || type.id == GLY_TYPE_DOUBLE;
}

/* Decides which columns rows of the build side have. */
static void choose_layout(gly_join_state *join, gly_arena *arena) {
    const gly_physical *plan = join->node->plan;
    const gly_schema *schema = &plan->children[1]->schema;
    uint32_t probe_columns = plan->children[0]->schema.field_count;
    bool puts_out = gly_physical_join_puts_out_build(plan->join.kind);
    uint32_t *stored = GLY_ARENA_ARRAY(arena, uint32_t, schema->field_count);
    bool *wanted = GLY_ARENA_ARRAY(arena, bool, schema->field_count);
    join->layout_types =
        GLY_ARENA_ARRAY(arena, gly_type, schema->field_count + plan->join.key_count);
    join->layout_source =
        GLY_ARENA_ARRAY(arena, uint32_t, schema->field_count + plan->join.key_count);
    join->layout_keys = GLY_ARENA_ARRAY(arena, uint32_t, plan->join.key_count);
    for (uint32_t c = 0; c < schema->field_count; c++) {
        wanted[c] = puts_out || join->spec.condition_columns[probe_columns + c];
        stored[c] = GLY_JOIN_NOT_STORED;
    }
    for (uint32_t k = 0; k < plan->join.key_count; k++) {
        const gly_expr *key = plan->join.build_keys[k];
        if (key->kind == GLY_EXPR_COLUMN && !is_float(key->type)) {
            wanted[key->column] = true;
        }
    }
    for (uint32_t c = 0; c < schema->field_count; c++) {
        if (wanted[c]) {
            stored[c] = join->layout_count;
            join->layout_source[join->layout_count] = c;
            join->layout_types[join->layout_count++] = schema->fields[c].type;
        }
    }
    join->plain_count = join->layout_count;
    for (uint32_t k = 0; k < plan->join.key_count; k++) {
        const gly_expr *key = plan->join.build_keys[k];
        if (key->kind == GLY_EXPR_COLUMN && !is_float(key->type)) {
            join->layout_keys[k] = stored[key->column];
        } else {
            join->layout_keys[k] = join->layout_count;
            join->layout_source[join->layout_count] = k;
            join->layout_types[join->layout_count++] = key->type;
        }
    }
    join->spec.stored = stored;
}

static gly_status prepare(gly_op_node *node, gly_error *err) {
    const gly_physical *plan = node->plan;
    gly_arena *arena = node->task->arena;
    gly_join_state *join = GLY_NEW(gly_join_state);
    node->state = join;
    join->node = node;
    pthread_mutex_init(&join->lock, NULL);
    gly_budget_init(&join->budget, &node->task->budget, SIZE_MAX);
    gly_join_spec *spec = &join->spec;
    spec->kind = plan->join.kind;
    spec->is_flipped = plan->join.is_flipped;
    spec->probe_schema = &plan->children[0]->schema;
    spec->build_schema = &plan->children[1]->schema;
    spec->key_count = plan->join.key_count;
    spec->probe_keys = plan->join.probe_keys;
    spec->partition = node->partition;
    if (plan->join.key_count == 0) {
        return gly_fail(err, GLY_E_INTERNAL, "hash join #%u has no keys", plan->id);
    }
    bool *reads = GLY_ARENA_ARRAY(
        arena, bool, spec->probe_schema->field_count + spec->build_schema->field_count);
    if (plan->join.condition != NULL) {
        gly_expr_each_column(plan->join.condition, note_column, reads);
        GLY_TRY(gly_expr_compile(arena, 1, &plan->join.condition, &spec->condition, err));
    }
    spec->condition_columns = reads;
    if (!all_columns(plan->join.probe_keys, spec->key_count)) {
        GLY_TRY(gly_expr_compile(arena, spec->key_count, plan->join.probe_keys, &spec->key_program,
                                 err));
    }
    if (!all_columns(plan->join.build_keys, spec->key_count)) {
        GLY_TRY(gly_expr_compile(arena, spec->key_count, plan->join.build_keys,
                                 &join->build_program, err));
    }
    choose_layout(join, arena);
    join->is_shared = plan->join.is_broadcast && node->task->environment->shared != NULL;
    return GLY_OK;
}

static void destroy_shared(void *value) { gly_join_build_free(value); }

gly_status gly_op_hash_join_needs_build(gly_op_node *node, bool *ret_needed, gly_error *err) {
    gly_join_state *join = node->state;
    *ret_needed = true;
    if (!join->is_shared) {
        return GLY_OK;
    }
    const gly_task_spec *spec = node->task->spec;
    gly_shared_key key = {spec->query_id, spec->stage_id, node->plan->id};
    GLY_TRY(gly_shared_cache_acquire(node->task->environment->shared, key, spec->cancelled,
                                     &join->entry, ret_needed, err));
    join->is_builder = *ret_needed;
    if (!join->is_builder) {
        join->build = gly_shared_cache_value(join->entry);
    }
    return GLY_OK;
}

static void make_build(gly_join_state *join) {
    gly_budget *parent = join->is_shared
                             ? gly_shared_cache_budget(join->node->task->environment->shared)
                             : &join->budget;
    join->build =
        gly_join_build_make(parent, join->layout_types, join->layout_count, join->layout_keys,
                            join->spec.key_count, gly_join_rest_keeps_build(join));
}

static void dispose(gly_op_node *node) {
    gly_join_state *join = node->state;
    if (join == NULL) {
        return;
    }
    for (size_t i = 0; i < join->build_spills.count; i++) {
        gly_partition_spill_free(join->build_spills.items[i]);
    }
    for (size_t i = 0; i < join->probe_spills.count; i++) {
        gly_partition_spill_free(join->probe_spills.items[i]);
    }
    gly_array_clear(&join->build_spills);
    gly_array_clear(&join->probe_spills);
    if (join->entry != NULL && join->is_builder && !join->is_published) {
        gly_shared_cache_abandon(join->entry);
        gly_join_build_free(join->build);
    } else if (join->entry != NULL) {
        gly_shared_cache_release(join->entry);
    } else {
        gly_join_build_free(join->build);
    }
    pthread_mutex_destroy(&join->lock);
    free(join);
    node->state = NULL;
}

/* ---- sink ---- */

static gly_status open_sink(gly_op_node *node, gly_worker *worker, void **ret_local,
                            gly_error *err) {
    gly_join_state *join = node->state;
    (void)err;
    sinker *s = GLY_NEW(sinker);
    s->join = join;
    s->worker = worker;
    if (join->build_program != NULL) {
        s->expr = gly_expr_state_make(join->build_program, node->partition);
    }
    pthread_mutex_lock(&join->lock);
    if (join->build == NULL) {
        make_build(join);
    }
    s->store = gly_join_build_add_store(join->build);
    pthread_mutex_unlock(&join->lock);
    *ret_local = s;
    return GLY_OK;
}

static void close_sink(void *local) {
    sinker *s = local;
    if (s->expr != NULL) {
        gly_expr_state_free(s->expr);
    }
    free(s);
}

static gly_status need_spill(gly_join_state *join, gly_partition_spill **spill, gly_error *err) {
    if (*spill != NULL) {
        return GLY_OK;
    }
    GLY_TRY(gly_partition_spill_make(join->node->task, &join->budget, join->layout_types,
                                     join->layout_count, GLY_PARTITION_SPILL_COUNT, spill, err));
    pthread_mutex_lock(&join->lock);
    gly_array_push(&join->build_spills, *spill);
    pthread_mutex_unlock(&join->lock);
    return GLY_OK;
}

/* One input batch as layout columns: raw ones aligned with the batch, keys dense. */
typedef struct build_rows {
    gly_column *raw;    /* layout_count, aligned with the batch */
    gly_column *stored; /* layout_count; the last ones, from plain_count on, dense */
    uint64_t *hashes;   /* of the chosen rows */
    uint16_t *rows;     /* the chosen rows: positions in the batch ... */
    uint16_t *elements; /* ... and among the live ones */
    uint32_t count;
} build_rows;

static gly_status make_rows(sinker *s, const gly_batch *batch, build_rows *ret, gly_error *err) {
    gly_join_state *join = s->join;
    const gly_physical *plan = join->node->plan;
    gly_arena *scratch = s->worker->scratch;
    const uint32_t key_count = join->spec.key_count;
    gly_column *keys = GLY_ARENA_ARRAY(scratch, gly_column, key_count);
    gly_column *dense = GLY_ARENA_ARRAY(scratch, gly_column, key_count);
    if (s->expr != NULL) {
        GLY_TRY(gly_expr_run(s->expr, batch, scratch, keys, err));
    }
    for (uint32_t k = 0; k < key_count; k++) {
        if (s->expr == NULL) {
            keys[k] = batch->columns[plan->join.build_keys[k]->column];
        }
        gly_key_columns_prepare(&keys[k], batch->selection, batch->selected, scratch, &dense[k]);
    }
    ret->raw = GLY_ARENA_ARRAY(scratch, gly_column, join->layout_count);
    ret->stored = GLY_ARENA_ARRAY(scratch, gly_column, join->layout_count);
    for (uint32_t c = 0; c < join->layout_count; c++) {
        bool is_plain = c < join->plain_count;
        uint32_t source = join->layout_source[c];
        ret->raw[c] = is_plain ? batch->columns[source] : keys[source];
        ret->stored[c] = is_plain ? batch->columns[source] : dense[source];
    }
    ret->hashes = gly_arena_alloc(scratch, batch->selected * sizeof *ret->hashes);
    ret->rows = gly_arena_alloc(scratch, batch->selected * sizeof *ret->rows);
    ret->elements = gly_arena_alloc(scratch, batch->selected * sizeof *ret->elements);
    gly_k_hash_columns(dense, key_count, NULL, batch->selected, ret->hashes);
    bool keeps_nulls = join->spec.kind == GLY_JOIN_RIGHT || join->spec.kind == GLY_JOIN_FULL;
    uint32_t count = 0;
    for (uint32_t i = 0; i < batch->selected; i++) {
        bool is_null = false;
        for (uint32_t k = 0; k < key_count; k++) {
            is_null = is_null || dense[k].type.id == GLY_TYPE_NULL ||
                      (dense[k].validity != NULL && !gly_bit_get(dense[k].validity, i));
        }
        s->has_null_key = s->has_null_key || is_null;
        ret->rows[count] = (uint16_t)gly_batch_row(batch, i);
        ret->elements[count] = (uint16_t)i;
        ret->hashes[count] = ret->hashes[i];
        count += !is_null || keeps_nulls;
    }
    ret->count = count;
    return GLY_OK;
}

/* Dense columns are indexed by element, the others by row: two calls would need two stores, so
 * dense ones are put where their rows are. */
static bool put_rows(sinker *s, const gly_batch *batch, build_rows *in, bool force) {
    gly_join_state *join = s->join;
    gly_arena *scratch = s->worker->scratch;
    if (join->plain_count < join->layout_count && batch->selection != NULL) {
        for (uint32_t c = 0; c < join->layout_count; c++) { /* all dense */
            if (c < join->plain_count) {
                gly_column_flatten(scratch, &in->raw[c], batch->selection, batch->selected,
                                   &in->stored[c]);
            }
        }
        return gly_join_build_put(s->store, in->stored, in->elements, in->hashes, in->count, force);
    }
    bool is_all = in->count == batch->count;
    return gly_join_build_put(s->store, in->stored, is_all ? NULL : in->rows, in->hashes, in->count,
                              force);
}

static gly_status spill_rows(sinker *s, const gly_batch *batch, const build_rows *in,
                             gly_error *err) {
    gly_batch rows = {s->join->layout_count, batch->count, in->count, in->rows, in->raw};
    return gly_partition_spill_scatter(s->spill, &rows, in->hashes, 0, err);
}

static gly_status sink(void *local, const gly_batch *batch, gly_error *err) {
    sinker *s = local;
    gly_join_state *join = s->join;
    build_rows in;
    s->has_rows = true;
    GLY_TRY(make_rows(s, batch, &in, err));
    if (!atomic_load_explicit(&join->is_spilling, memory_order_relaxed)) {
        if (put_rows(s, batch, &in, join->is_shared)) {
            return GLY_OK;
        }
        atomic_store(&join->is_spilling, true);
    }
    GLY_TRY(need_spill(join, &s->spill, err));
    if (s->store->row_count > 0) {
        GLY_TRY(gly_join_build_spill(s->store, s->spill, err));
    }
    return spill_rows(s, batch, &in, err);
}

static gly_status finish(void *local, gly_error *err) {
    sinker *s = local;
    gly_join_state *join = s->join;
    if (atomic_load(&join->is_spilling) && s->store->row_count > 0) {
        GLY_TRY(need_spill(join, &s->spill, err));
        GLY_TRY(gly_join_build_spill(s->store, s->spill, err));
    }
    pthread_mutex_lock(&join->lock);
    join->build->has_rows = join->build->has_rows || s->has_rows;
    join->build->has_null_key = join->build->has_null_key || s->has_null_key;
    pthread_mutex_unlock(&join->lock);
    return GLY_OK;
}

/* Loads a spilled partition whole; false: it does not fit (nothing is kept of it). */
static gly_status load_partition(gly_join_state *join, uint32_t partition, bool *ret_fits,
                                 gly_error *err) {
    gly_arena *scratch = gly_arena_make();
    gly_row_store *store = gly_join_build_add_store(join->build);
    gly_status status = GLY_OK;
    *ret_fits = true;
    for (size_t i = 0; status == GLY_OK && *ret_fits && i < join->build_spills.count; i++) {
        gly_partition_reader *reader =
            gly_partition_reader_make(join->build_spills.items[i], partition);
        const gly_batch *batch;
        while ((status = gly_partition_reader_next(reader, &batch, err)) == GLY_OK &&
               batch != NULL && *ret_fits) {
            gly_arena_reset(scratch);
            *ret_fits = gly_join_build_put_batch(join->build, store, batch, scratch, false);
        }
        gly_partition_reader_free(reader);
    }
    if (!*ret_fits) {
        gly_row_store_clear(store);
    }
    gly_arena_free(scratch);
    return status;
}

static uint64_t spilled_rows(const gly_join_state *join, uint32_t partition) {
    uint64_t rows = 0;
    for (size_t i = 0; i < join->build_spills.count; i++) {
        rows += gly_partition_spill_rows(join->build_spills.items[i], partition);
    }
    return rows;
}

/* All rows are on disk: takes back what fits in half of the free memory. */
static gly_status load_partitions(gly_join_state *join, gly_error *err) {
    gly_join_build *build = join->build;
    gly_join_build_empty(build);
    uint32_t loaded[GLY_PARTITION_SPILL_COUNT];
    uint32_t loaded_count = 0;
    bool fits = true;
    build->budget.limit_bytes = gly_budget_available(&join->budget) / 2;
    for (uint32_t p = 0; p < GLY_PARTITION_SPILL_COUNT; p++) {
        if (spilled_rows(join, p) == 0) {
            continue;
        }
        join->spilled_mask |= UINT32_C(1) << p;
        if (fits) {
            GLY_TRY(load_partition(join, p, &fits, err));
        }
        if (fits) {
            join->spilled_mask &= ~(UINT32_C(1) << p);
            loaded[loaded_count++] = p;
        }
    }
    while (!gly_join_build_seal(build, join->node->task->spec->width,
                                false)) { /* stores and partitions have the same order */
        GLY_ASSERT(loaded_count > 0);
        join->spilled_mask |= UINT32_C(1) << loaded[--loaded_count];
        for (size_t i = build->stores.count; i-- > 0;) {
            if (build->stores.items[i]->row_count > 0) {
                gly_row_store_clear(build->stores.items[i]);
                break;
            }
        }
    }
    build->budget.limit_bytes = SIZE_MAX;
    return GLY_OK;
}

static gly_status seal(gly_op_node *node, gly_error *err) {
    gly_join_state *join = node->state;
    if (join->build == NULL) {
        make_build(join);
    }
    if (!atomic_load(&join->is_spilling) &&
        !gly_join_build_seal(join->build, node->task->spec->width, join->is_shared)) {
        atomic_store(&join->is_spilling, true);
    }
    if (atomic_load(&join->is_spilling)) {
        gly_partition_spill *spill =
            join->build_spills.count > 0 ? join->build_spills.items[0] : NULL;
        GLY_TRY(need_spill(join, &spill, err));
        for (size_t i = 0; i < join->build->stores.count; i++) {
            if (join->build->stores.items[i]->row_count > 0) {
                GLY_TRY(gly_join_build_spill(join->build->stores.items[i], spill, err));
            }
        }
        for (size_t i = 0; i < join->build_spills.count; i++) {
            GLY_TRY(gly_partition_spill_seal(join->build_spills.items[i], err));
        }
        GLY_TRY(load_partitions(join, err));
    }
    if (join->is_shared && join->entry != NULL) {
        gly_shared_cache_publish(join->entry, join->build, destroy_shared);
        join->is_published = true;
    }
    return GLY_OK;
}

/* ---- stream ---- */

typedef struct streamer {
    gly_join_state *join;
    gly_worker *worker;
    gly_downstream next;
    gly_join_probe *probe;
    gly_partition_spill *spill; /* belongs to the join */
    gly_arena *arena;           /* scratch of what is downstream: many batches come of one push */
} streamer;

static gly_status open_stream(gly_op_node *node, gly_worker *worker, gly_downstream next,
                              void **ret_local, gly_error *err) {
    gly_join_state *join = node->state;
    (void)err;
    streamer *s = GLY_NEW(streamer);
    s->join = join;
    s->worker = worker;
    s->next = next;
    s->arena = gly_arena_make();
    s->probe = gly_join_probe_make(&join->spec, join->spilled_mask != 0);
    gly_join_probe_set_side(s->probe, gly_join_build_side(join->build));
    *ret_local = s;
    return GLY_OK;
}

static void close_stream(void *local) {
    streamer *s = local;
    gly_join_probe_free(s->probe);
    gly_arena_free(s->arena);
    free(s);
}

static gly_status push_matches(streamer *s, gly_error *err) {
    const gly_batch *out;
    gly_arena *outer = s->worker->scratch;
    gly_status status;
    while ((status = gly_join_probe_next(s->probe, &out, err)) == GLY_OK && out != NULL) {
        gly_arena_reset(s->arena);
        s->worker->scratch = s->arena;
        status = gly_downstream_push(&s->next, out, err);
        s->worker->scratch = outer;
        if (status != GLY_OK) {
            break;
        }
    }
    return status;
}

/* Sends rows of spilled partitions to disk; the others become *ret. */
static gly_status split(streamer *s, const gly_batch *batch, uint16_t *selection, gly_batch *ret,
                        gly_error *err) {
    gly_join_state *join = s->join;
    const uint64_t *hashes = gly_join_probe_hashes(s->probe);
    uint16_t spilled[GLY_BATCH_ROWS];
    uint64_t spilled_hashes[GLY_BATCH_ROWS];
    uint32_t kept = 0;
    uint32_t count = 0;
    for (uint32_t i = 0; i < batch->selected; i++) {
        uint16_t row = (uint16_t)gly_batch_row(batch, i);
        bool is_spilled = (join->spilled_mask >> gly_partition_spill_of(hashes[i], 0)) & 1;
        selection[kept] = row;
        kept += !is_spilled;
        spilled[count] = row;
        spilled_hashes[count] = hashes[i];
        count += is_spilled;
    }
    if (count > 0 && s->spill == NULL) {
        const gly_schema *schema = join->spec.probe_schema;
        gly_type *types = GLY_NEW_ARRAY(gly_type, schema->field_count);
        for (uint32_t c = 0; c < schema->field_count; c++) {
            types[c] = schema->fields[c].type;
        }
        gly_status status =
            gly_partition_spill_make(join->node->task, &join->budget, types, schema->field_count,
                                     GLY_PARTITION_SPILL_COUNT, &s->spill, err);
        free(types);
        GLY_TRY(status);
        pthread_mutex_lock(&join->lock);
        gly_array_push(&join->probe_spills, s->spill);
        pthread_mutex_unlock(&join->lock);
    }
    if (count > 0) {
        gly_batch away = *batch;
        away.selection = spilled;
        away.selected = count;
        GLY_TRY(gly_partition_spill_scatter(s->spill, &away, spilled_hashes, 0, err));
    }
    *ret = *batch;
    ret->selection = selection;
    ret->selected = kept;
    return GLY_OK;
}

static gly_status push(void *local, const gly_batch *batch, gly_error *err) {
    streamer *s = local;
    GLY_TRY(gly_join_probe_begin(s->probe, batch, NULL, true, err));
    if (s->join->spilled_mask == 0) {
        return push_matches(s, err);
    }
    uint16_t selection[GLY_BATCH_ROWS];
    gly_batch resident;
    GLY_TRY(split(s, batch, selection, &resident, err));
    if (resident.selected == 0) {
        return GLY_OK;
    }
    GLY_TRY(gly_join_probe_begin(s->probe, &resident, NULL, true, err));
    return push_matches(s, err);
}

static gly_status flush(void *local, gly_error *err) {
    streamer *s = local;
    return s->spill == NULL ? GLY_OK : gly_partition_spill_seal(s->spill, err);
}

const gly_operator gly_op_hash_join = {
    .name = "HashJoin",
    .prepare = prepare,
    .dispose = dispose,
    .open_source = gly_join_rest_open,
    .next = gly_join_rest_next,
    .close_source = gly_join_rest_close,
    .open_stream = open_stream,
    .push = push,
    .flush = flush,
    .close_stream = close_stream,
    .open_sink = open_sink,
    .sink = sink,
    .finish = finish,
    .close_sink = close_sink,
    .seal = seal,
    .needs_after = gly_join_rest_is_needed,
};
