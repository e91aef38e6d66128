/* op_cached.c - a partition of a cached table, read back.
 *
 * The driver places the task where the partition was cached, if that executor has a slot soon; any
 * other reads the partition from there, in windows, through the fetcher.  If nobody has it any
 * more, the task fails with FETCH_FAILED (shuffle id UINT32_MAX), and the table has to be computed
 * again.
 *
 * Invariant: a partition that is here is held in the store from prepare to dispose; one worker
 * reads.
 */
#include "lib/base/alloc.h"
#include "lib/engine/op/operators.h"
#include "lib/engine/pipeline/block_place.h"
#include "lib/engine/pipeline/block_store.h"
#include "lib/engine/pipeline/block_stream.h"
#include "lib/engine/pipeline/cached_header.h"
#include "lib/engine/pipeline/shared_cache.h"
#include "lib/engine/pipeline/task_state.h"

typedef struct state {
    gly_block_store *store;
    gly_cached_block *block; /* NULL: it is elsewhere, and */
    gly_block_place place;   /* there */
    uint64_t header_bytes;
    const gly_type *types; /* of all columns of the table */
    uint32_t column_count;
    uint64_t size; /* of the blocks */
    atomic_bool is_taken;
} state;

typedef struct local {
    gly_op_node *node;
    gly_block_stream *stream;
    gly_batch batch; /* the wanted columns of the block's batch */
    uint64_t rows, bytes;
    bool is_mine;
} local;

static gly_status lost(gly_op_node *node, const char *why, gly_error *err) {
    gly_error cause;
    (void)!gly_fail(&cause, GLY_E_FETCH_FAILED, "table %.*s %s",
                    GLY_STR_ARG(node->plan->cached.table), why);
    const state *shared = node->state;
    gly_str executor = shared->place.now.executor_id;
    return gly_task_state_fetch_failed(
        node->task, UINT32_MAX, node->partition,
        executor.size > 0 ? executor : node->task->environment->executor_id, &cause, err);
}

/* ---- elsewhere ---- */

/* Bytes of the partition, header included, from whoever has it. */
static gly_status fetch(const gly_op_node *node, uint64_t offset, uint64_t length, gly_builder *out,
                        gly_error *err) {
    const gly_task_environment *environment = node->task->environment;
    state *shared = node->state;
    gly_status status;
    size_t before = out->size;
    do {
        const gly_map_status *place = &shared->place.now;
        out->size = before;
        status =
            environment->fetcher.fetch(environment->fetcher.context, place->endpoint,
                                       place->executor_id, place->path, offset, length, out, err);
        if (status == GLY_OK && out->size - before != length) {
            status = gly_fail(err, GLY_E_FETCH_FAILED, "%.*s sent %zu bytes instead of %llu",
                              GLY_STR_ARG(place->endpoint), out->size - before,
                              (unsigned long long)length);
        }
    } while (status != GLY_OK && gly_block_place_has_moved(&shared->place, environment));
    return status;
}

static gly_status read_header(gly_op_node *node, gly_error *err) {
    state *shared = node->state;
    gly_arena *arena = node->task->arena;
    gly_cached_header header;
    size_t size;
    gly_builder bytes = {0};
    gly_status status = fetch(node, 0, GLY_CACHED_HEADER_FIXED, &bytes, err);
    if (status == GLY_OK) {
        status = gly_cached_header_decode(gly_builder_str(&bytes), &header, &size, err);
    }
    if (status == GLY_OK && size > GLY_CACHED_HEADER_FIXED) {
        gly_builder_reset(&bytes);
        status = fetch(node, GLY_CACHED_HEADER_FIXED, size - GLY_CACHED_HEADER_FIXED, &bytes, err);
        if (status == GLY_OK) {
            status = gly_cached_header_decode_types(arena, gly_builder_str(&bytes), &header, err);
        }
    }
    gly_builder_clear(&bytes);
    if (status == GLY_OK) {
        shared->header_bytes = size;
        shared->types = header.types;
        shared->column_count = header.column_count;
        shared->size = header.block_bytes;
    }
    return status;
}

/* False: nobody is known to have it. */
static bool find_elsewhere(gly_op_node *node) {
    const gly_task_spec *spec = node->task->spec;
    const gly_task_environment *environment = node->task->environment;
    state *shared = node->state;
    for (uint32_t i = 0; environment->fetcher.fetch != NULL && i < spec->cached_count; i++) {
        const gly_cached_place *place = &spec->cached[i];
        if (place->cache_id == node->plan->cached.cache_id && place->partition == node->partition) {
            char *name = gly_arena_alloc(node->task->arena, GLY_CACHED_NAME_SIZE);
            gly_map_status said = {.executor_id = place->executor_id,
                                   .endpoint = place->endpoint,
                                   .path = gly_str_of(gly_cached_header_name(name, place->cache_id,
                                                                             place->partition))};
            gly_block_place_set(&shared->place, environment, &said);
            return true;
        }
    }
    return false;
}

/* ---- reading ---- */

static gly_status prepare(gly_op_node *node, gly_error *err) {
    const gly_physical *plan = node->plan;
    state *shared = GLY_ARENA_NEW(node->task->arena, state);
    node->state = shared;
    if (node->task->environment->shared != NULL) {
        shared->store = gly_shared_cache_blocks(node->task->environment->shared);
        shared->block = gly_block_store_hold(shared->store, plan->cached.cache_id, node->partition);
    }
    if (shared->block != NULL) {
        shared->types = gly_block_store_types(shared->block, &shared->column_count);
        shared->size = gly_block_store_size(shared->block);
    } else if (!find_elsewhere(node)) {
        return lost(node, "has no such partition any more", err);
    } else {
        gly_error cause = {0};
        if (read_header(node, &cause) != GLY_OK) {
            return lost(node, cause.message, err);
        }
    }
    for (uint32_t c = 0; c < plan->schema.field_count; c++) {
        uint32_t field = plan->cached.fields[c];
        if (field >= shared->column_count ||
            !gly_type_equal(shared->types[field], plan->schema.fields[c].type)) {
            return gly_fail(err, GLY_E_INTERNAL, "cached table %.*s has other columns",
                            GLY_STR_ARG(plan->cached.table));
        }
    }
    return GLY_OK;
}

static void dispose(gly_op_node *node) {
    state *shared = node->state;
    if (shared != NULL && shared->block != NULL) {
        gly_block_store_release(shared->store, shared->block);
    }
    if (shared != NULL) {
        gly_block_place_clear(&shared->place);
    }
}

static gly_status read_block(void *context, uint64_t offset, size_t length, gly_builder *out,
                             gly_error *err) {
    const gly_op_node *node = ((local *)context)->node;
    const state *shared = node->state;
    if (shared->block == NULL) {
        return fetch(node, shared->header_bytes + offset, length, out, err);
    }
    return gly_block_store_read(shared->block, offset, length, out, err);
}

static gly_status open_source(gly_op_node *node, gly_worker *worker, void **ret_local,
                              gly_error *err) {
    (void)worker, (void)err;
    state *shared = node->state;
    local *self = GLY_NEW(local);
    self->node = node;
    self->stream = gly_block_stream_make(shared->types, shared->column_count, &node->task->budget,
                                         read_block, self);
    self->batch.column_count = node->plan->schema.field_count;
    self->batch.columns = GLY_NEW_ARRAY(gly_column, self->batch.column_count + 1);
    self->is_mine = !atomic_exchange(&shared->is_taken, true);
    if (self->is_mine) {
        self->bytes = shared->size;
        gly_block_stream_start(self->stream, 0, self->bytes);
    }
    *ret_local = self;
    return GLY_OK;
}

static gly_status next(void *context, const gly_batch **ret, gly_error *err) {
    local *self = context;
    const gly_batch *whole = NULL;
    *ret = NULL;
    gly_error cause;
    if (self->is_mine && gly_block_stream_next(self->stream, &whole, &cause) != GLY_OK) {
        return lost(self->node, cause.message, err);
    }
    if (whole == NULL) {
        return GLY_OK;
    }
    for (uint32_t c = 0; c < self->batch.column_count; c++) {
        self->batch.columns[c] = whole->columns[self->node->plan->cached.fields[c]];
    }
    self->batch.count = self->batch.selected = whole->count;
    self->rows += whole->count;
    *ret = &self->batch;
    return GLY_OK;
}

static void close_source(void *context) {
    local *self = context;
    gly_task_state *task = self->node->task;
    pthread_mutex_lock(task->lock);
    task->result->metrics.input_rows += self->rows;
    task->result->metrics.input_bytes += self->bytes;
    pthread_mutex_unlock(task->lock);
    gly_block_stream_free(self->stream);
    free(self->batch.columns);
    free(self);
}

const gly_operator gly_op_cached = {.name = "InMemoryTableScan",
                                    .prepare = prepare,
                                    .dispose = dispose,
                                    .open_source = open_source,
                                    .next = next,
                                    .close_source = close_source};
