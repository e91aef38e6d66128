/* op_cached.c - a partition of a cached table, read back.
 *
 * The driver places the task where the partition was cached.  If it is not there any more, the task
 * fails with FETCH_FAILED (shuffle id UINT32_MAX), and the driver has it computed again.
 *
 * Invariant: the partition is held in the store from prepare to dispose; one worker reads it.
 */
#include "lib/base/alloc.h"
#include "lib/engine/op/operators.h"
#include "lib/engine/pipeline/block_store.h"
#include "lib/engine/pipeline/block_stream.h"
#include "lib/engine/pipeline/shared_cache.h"
#include "lib/engine/pipeline/task_state.h"

typedef struct state {
    gly_block_store *store;
    gly_cached_block *block;
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
    return gly_task_state_fetch_failed(node->task, UINT32_MAX, node->partition,
                                       node->task->environment->executor_id, &cause, err);
}

static gly_status prepare(gly_op_node *node, gly_error *err) {
    const gly_physical *plan = node->plan;
    state *shared = GLY_ARENA_NEW(node->task->arena, state);
    node->state = shared;
    if (node->task->environment->shared != NULL) {
        shared->store = gly_shared_cache_blocks(node->task->environment->shared);
        shared->block = gly_block_store_hold(shared->store, plan->cached.cache_id, node->partition);
    }
    if (shared->block == NULL) {
        return lost(node, "has no such partition there", err);
    }
    uint32_t column_count;
    const gly_type *types = gly_block_store_types(shared->block, &column_count);
    for (uint32_t c = 0; c < plan->schema.field_count; c++) {
        uint32_t field = plan->cached.fields[c];
        if (field >= column_count || !gly_type_equal(types[field], plan->schema.fields[c].type)) {
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
}

static gly_status read_block(void *context, uint64_t offset, size_t length, gly_builder *out,
                             gly_error *err) {
    const state *shared = ((local *)context)->node->state;
    return gly_block_store_read(shared->block, offset, length, out, err);
}

static gly_status open_source(gly_op_node *node, gly_worker *worker, void **ret_local,
                              gly_error *err) {
    (void)worker, (void)err;
    state *shared = node->state;
    uint32_t column_count;
    const gly_type *types = gly_block_store_types(shared->block, &column_count);
    local *self = GLY_NEW(local);
    self->node = node;
    self->stream =
        gly_block_stream_make(types, column_count, &node->task->budget, read_block, self);
    self->batch.column_count = node->plan->schema.field_count;
    self->batch.columns = GLY_NEW_ARRAY(gly_column, self->batch.column_count + 1);
    self->is_mine = !atomic_exchange(&shared->is_taken, true);
    if (self->is_mine) {
        self->bytes = gly_block_store_size(shared->block);
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
