/* block_sink.c - the workers' half of operators whose rows stay as blocks.
 *
 * Each worker fills a block of its own and hands it over when it is full, under the task's lock;
 * with one worker the order of rows is kept.  Invariant: `rows` counts the rows of blocks that were
 * handed over.  Not here: where blocks go (op_result.c, op_cache_write.c), how they are laid out
 * (lib/shuffle/shuffle_block.c).
 */
#include "lib/engine/op/block_sink.h"

#include "lib/base/alloc.h"
#include "lib/shuffle/shuffle_block.h"

#include <stdlib.h>

enum { BLOCK_BYTES = 512 << 10, BLOCK_ROWS = 1 << 20 };

typedef struct local {
    gly_op_node *node;
    gly_shuffle_block_builder *builder;
    gly_builder block;
    uint64_t rows; /* in the builder */
} local;

void gly_block_sink_prepare(gly_op_node *node, gly_block_sink *sink,
                            gly_status (*append)(gly_op_node *, gly_str, gly_error *)) {
    const gly_schema *schema = &node->plan->children[0]->schema;
    sink->append = append;
    sink->types = GLY_ARENA_ARRAY(node->task->arena, gly_type, schema->field_count + 1);
    for (uint32_t c = 0; c < schema->field_count; c++) {
        sink->types[c] = schema->fields[c].type;
    }
}

gly_status gly_block_sink_open(gly_op_node *node, gly_worker *worker, void **ret_local,
                               gly_error *err) {
    (void)worker, (void)err;
    const gly_block_sink *shared = node->state;
    local *self = GLY_NEW(local);
    self->node = node;
    self->builder =
        gly_shuffle_block_builder_make(shared->types, node->plan->children[0]->schema.field_count);
    *ret_local = self;
    return GLY_OK;
}

static gly_status flush(local *self, gly_error *err) {
    gly_task_state *task = self->node->task;
    gly_block_sink *shared = self->node->state;
    gly_builder_reset(&self->block);
    GLY_TRY(gly_shuffle_block_builder_flush(self->builder, task->environment->shuffle_codec,
                                            &self->block, err));
    pthread_mutex_lock(task->lock);
    gly_status status = shared->append(self->node, gly_builder_str(&self->block), err);
    shared->rows += self->rows;
    pthread_mutex_unlock(task->lock);
    self->rows = 0;
    return status;
}

gly_status gly_block_sink_take(void *context, const gly_batch *batch, gly_error *err) {
    local *self = context;
    gly_shuffle_block_builder_append(self->builder, batch, NULL, 0);
    self->rows += batch->selected;
    bool is_full = gly_shuffle_block_builder_used(self->builder) >= BLOCK_BYTES ||
                   gly_shuffle_block_builder_rows(self->builder) >= BLOCK_ROWS;
    return is_full ? flush(self, err) : GLY_OK;
}

gly_status gly_block_sink_finish(void *context, gly_error *err) { return flush(context, err); }

void gly_block_sink_close(void *context) {
    local *self = context;
    gly_shuffle_block_builder_free(self->builder);
    gly_builder_clear(&self->block);
    free(self);
}
