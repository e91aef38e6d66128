/* op_values.c - literal rows, all of them in partition 0.
 *
 * Few rows: the columns of each batch are made from the plan's values when the batch is asked for.
 * Invariant: batch b has rows [b * GLY_BATCH_ROWS, ...) and is drawn by one worker.
 */
#include "lib/base/alloc.h"
#include "lib/engine/op/operators.h"

typedef struct state {
    atomic_uint_fast64_t next; /* row */
} state;

typedef struct local {
    gly_op_node *node;
    gly_arena *arena; /* of the current batch */
} local;

static gly_status prepare(gly_op_node *node, gly_error *err) {
    (void)err;
    state *shared = GLY_ARENA_NEW(node->task->arena, state);
    atomic_init(&shared->next, node->partition == 0 ? 0 : node->plan->values.row_count);
    node->state = shared;
    return GLY_OK;
}

static gly_status open_source(gly_op_node *node, gly_worker *worker, void **ret_local,
                              gly_error *err) {
    (void)worker, (void)err;
    local *self = GLY_NEW(local);
    self->node = node;
    self->arena = gly_arena_make();
    *ret_local = self;
    return GLY_OK;
}

static gly_status next(void *context, const gly_batch **ret, gly_error *err) {
    (void)err;
    local *self = context;
    const gly_physical *plan = self->node->plan;
    state *shared = self->node->state;
    uint64_t first = atomic_fetch_add(&shared->next, GLY_BATCH_ROWS);
    if (first >= plan->values.row_count) {
        *ret = NULL;
        return GLY_OK;
    }
    gly_arena_reset(self->arena);
    uint32_t count = (uint32_t)GLY_MIN(plan->values.row_count - first, (uint64_t)GLY_BATCH_ROWS);
    gly_batch *batch = GLY_ARENA_NEW(self->arena, gly_batch);
    batch->column_count = plan->schema.field_count;
    batch->count = batch->selected = count;
    batch->columns = GLY_ARENA_ARRAY(self->arena, gly_column, batch->column_count + 1);
    for (uint32_t c = 0; c < batch->column_count; c++) {
        gly_column *column = &batch->columns[c];
        gly_column_make_flat(self->arena, plan->schema.fields[c].type, count, column);
        column->count = count;
        for (uint32_t row = 0; row < count; row++) {
            gly_column_set(self->arena, column, row, &plan->values.rows[first + row][c]);
        }
    }
    *ret = batch;
    return GLY_OK;
}

static void close_source(void *context) {
    local *self = context;
    gly_arena_free(self->arena);
    free(self);
}

const gly_operator gly_op_values = {.name = "LocalTableScan",
                                    .prepare = prepare,
                                    .open_source = open_source,
                                    .next = next,
                                    .close_source = close_source};
