/* op_cache_write.c - CACHE TABLE: the partition's rows stay on this executor as compressed blocks.
 *
 * Where they stay (memory, disk) is pipeline/block_store.c's business; what the task's budget does
 * not allow to collect goes to a scratch file at once.  Invariant: the store has the partition only
 * after seal; bytes is empty once there is a file.
 */
#include "lib/base/alloc.h"
#include "lib/engine/op/operators.h"
#include "lib/engine/pipeline/block_store.h"
#include "lib/engine/pipeline/shared_cache.h"
#include "lib/shuffle/scratch_file.h"
#include "lib/shuffle/shuffle_block.h"

enum { BLOCK_BYTES = 512 << 10 };

typedef struct state {
    gly_type *types;
    gly_builder bytes;
    size_t reserved; /* for bytes */
    gly_scratch_file *file;
    uint64_t rows;
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
        gly_budget_release(&node->task->budget, shared->reserved);
        gly_scratch_file_close(shared->file);
    }
}

static gly_status open_sink(gly_op_node *node, gly_worker *worker, void **ret_local,
                            gly_error *err) {
    (void)worker, (void)err;
    const state *shared = node->state;
    local *self = GLY_NEW(local);
    self->node = node;
    self->builder =
        gly_shuffle_block_builder_make(shared->types, node->plan->children[0]->schema.field_count);
    *ret_local = self;
    return GLY_OK;
}

/* Appends a worker's block; locked. */
static gly_status append(gly_op_node *node, gly_str block, gly_error *err) {
    state *shared = node->state;
    gly_budget *budget = &node->task->budget;
    if (shared->file == NULL && gly_budget_try_reserve(budget, block.size)) {
        shared->reserved += block.size;
        gly_builder_add_str(&shared->bytes, block);
        return GLY_OK;
    }
    if (shared->file == NULL) {
        gly_block_store *store = gly_shared_cache_blocks(node->task->environment->shared);
        GLY_TRY(gly_scratch_file_open(gly_block_store_directory(store),
                                      node->task->environment->disk, &shared->file, err));
        GLY_TRY(gly_scratch_file_write(shared->file, shared->bytes.data, shared->bytes.size, err));
        gly_builder_clear(&shared->bytes);
        gly_budget_release(budget, shared->reserved);
        shared->reserved = 0;
    }
    return gly_scratch_file_write(shared->file, block.data, block.size, err);
}

static gly_status flush(local *self, gly_error *err) {
    gly_task_state *task = self->node->task;
    gly_builder_reset(&self->block);
    GLY_TRY(gly_shuffle_block_builder_flush(self->builder, task->environment->shuffle_codec,
                                            &self->block, err));
    pthread_mutex_lock(task->lock);
    gly_status status = append(self->node, gly_builder_str(&self->block), err);
    ((state *)self->node->state)->rows += self->rows;
    pthread_mutex_unlock(task->lock);
    self->rows = 0;
    return status;
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
    gly_scratch_file *file = shared->file;
    uint64_t size = file != NULL ? gly_scratch_file_size(file) : shared->bytes.size;
    gly_budget_release(&node->task->budget, shared->reserved); /* the store reserves its own */
    shared->reserved = 0;
    shared->file = NULL;
    gly_block_store *store = gly_shared_cache_blocks(node->task->environment->shared);
    GLY_TRY(gly_block_store_put(store, node->plan->cached.cache_id, node->task->spec->partition,
                                shared->types, node->plan->children[0]->schema.field_count,
                                shared->rows, &shared->bytes, file, err));
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
