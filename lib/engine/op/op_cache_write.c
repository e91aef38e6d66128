/* op_cache_write.c - CACHE TABLE: the partition's rows stay on this executor as compressed blocks.
 *
 * Where they stay (memory, disk) is pipeline/block_store.c's business.  Invariant: the store has the
 * partition only after seal.  What is being collected is charged to the task.
 */
#include "lib/base/alloc.h"
#include "lib/engine/op/operators.h"
#include "lib/engine/pipeline/block_store.h"
#include "lib/engine/pipeline/shared_cache.h"
#include "lib/shuffle/shuffle_block.h"

enum { BLOCK_BYTES = 512 << 10 };

typedef struct state {
    gly_type *types;
    gly_builder bytes;
    uint64_t rows;
    size_t charged;
} state;

typedef struct local {
    gly_op_node *node;
    gly_shuffle_block_builder *builder;
    gly_builder block;
    uint64_t rows;
} local;

static gly_status prepare(gly_op_node *node, gly_error *err) {
    const gly_schema *schema = &node->plan->children[0]->schema;
    if (node->task->environment->shared == NULL) {
        return gly_fail(err, GLY_E_INTERNAL, "this process has no store for cached tables");
    }
    state *shared = GLY_ARENA_NEW(node->task->arena, state);
    shared->types = GLY_ARENA_ARRAY(node->task->arena, gly_type, schema->field_count + 1);
    for (uint32_t c = 0; c < schema->field_count; c++) {
        shared->types[c] = schema->fields[c].type;
    }
    node->state = shared;
    return GLY_OK;
}

static void dispose(gly_op_node *node) {
    state *shared = node->state;
    if (shared != NULL) {
        gly_builder_clear(&shared->bytes);
        gly_budget_release(&node->task->budget, shared->charged);
    }
}

static gly_status open_sink(gly_op_node *node, gly_worker *worker, void **ret_local,
                            gly_error *err) {
    (void)worker, (void)err;
    const state *shared = node->state;
    local *self = GLY_NEW(local);
    self->node = node;
    self->builder = gly_shuffle_block_builder_make(shared->types,
                                                   node->plan->children[0]->schema.field_count);
    *ret_local = self;
    return GLY_OK;
}

static gly_status flush(local *self, gly_error *err) {
    gly_task_state *task = self->node->task;
    state *shared = self->node->state;
    gly_builder_reset(&self->block);
    GLY_TRY(gly_shuffle_block_builder_flush(self->builder, task->environment->shuffle_codec,
                                            &self->block, err));
    pthread_mutex_lock(task->lock);
    gly_builder_add_str(&shared->bytes, gly_builder_str(&self->block));
    shared->rows += self->rows;
    if (shared->bytes.capacity > shared->charged) {
        gly_budget_force(&task->budget, shared->bytes.capacity - shared->charged);
        shared->charged = shared->bytes.capacity;
    }
    pthread_mutex_unlock(task->lock);
    self->rows = 0;
    return GLY_OK;
}

static gly_status sink(void *context, const gly_batch *batch, gly_error *err) {
    local *self = context;
    gly_shuffle_block_builder_append(self->builder, batch, NULL, 0);
    self->rows += batch->selected;
    bool is_full = gly_shuffle_block_builder_used(self->builder) >= BLOCK_BYTES ||
                   gly_shuffle_block_builder_rows(self->builder) >= (1u << 20);
    return is_full ? flush(self, err) : GLY_OK;
}

static gly_status finish(void *context, gly_error *err) { return flush(context, err); }

static void close_sink(void *context) {
    local *self = context;
    gly_shuffle_block_builder_free(self->builder);
    gly_builder_clear(&self->block);
    free(self);
}

static gly_status seal(gly_op_node *node, gly_error *err) {
    state *shared = node->state;
    gly_task_result *result = node->task->result;
    uint64_t size = shared->bytes.size;
    gly_budget_release(&node->task->budget, shared->charged); /* the store reserves its own */
    shared->charged = 0;
    gly_block_store *store = gly_shared_cache_blocks(node->task->environment->shared);
    GLY_TRY(gly_block_store_put(store, node->plan->cached.cache_id, node->task->spec->partition,
                                shared->types, node->plan->children[0]->schema.field_count,
                                shared->rows, &shared->bytes, err));
    result->result_rows = result->metrics.output_rows = shared->rows;
    result->result_bytes = result->metrics.output_bytes = size;
    return GLY_OK;
}

const gly_operator gly_op_cache_write = {.name = "InMemoryTableWrite",
                                         .prepare = prepare,
                                         .dispose = dispose,
                                         .open_sink = open_sink,
                                         .sink = sink,
                                         .finish = finish,
                                         .close_sink = close_sink,
                                         .seal = seal};
