/* op_cache_write.c - CACHE TABLE: the partition's rows stay on this executor as compressed blocks.
 *
 * Where they stay (memory, disk) is pipeline/block_store.c's business; what the task's budget does
 * not allow to collect goes to a scratch file at once.  Invariant: the store has the partition only
 * after seal; bytes is empty once there is a file.
 */
#include "lib/base/alloc.h"
#include "lib/engine/op/block_sink.h"
#include "lib/engine/pipeline/block_store.h"
#include "lib/engine/pipeline/shared_cache.h"
#include "lib/shuffle/scratch_file.h"

typedef struct state {
    gly_block_sink sink; /* first */
    gly_builder bytes;
    size_t reserved; /* for bytes */
    gly_scratch_file *file;
} state;

static void dispose(gly_op_node *node) {
    state *shared = node->state;
    if (shared != NULL) {
        gly_builder_clear(&shared->bytes);
        gly_budget_release(&node->task->budget, shared->reserved);
        gly_scratch_file_close(shared->file);
    }
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

static gly_status prepare(gly_op_node *node, gly_error *err) {
    if (node->task->environment->shared == NULL) {
        return gly_fail(err, GLY_E_INTERNAL, "this process has no store for cached tables");
    }
    state *shared = GLY_ARENA_NEW(node->task->arena, state);
    gly_block_sink_prepare(node, &shared->sink, append);
    node->state = shared;
    return GLY_OK;
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
                                shared->sink.types, node->plan->children[0]->schema.field_count,
                                shared->sink.rows, &shared->bytes, file, err));
    result->result_rows = result->metrics.output_rows = shared->sink.rows;
    result->result_bytes = result->metrics.output_bytes = size;
    return GLY_OK;
}

const gly_operator gly_op_cache_write = {.name = "InMemoryTableWrite",
                                         .prepare = prepare,
                                         .dispose = dispose,
                                         .open_sink = gly_block_sink_open,
                                         .sink = gly_block_sink_take,
                                         .finish = gly_block_sink_finish,
                                         .close_sink = gly_block_sink_close,
                                         .seal = seal};
