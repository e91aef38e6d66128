/* op_project.c - SELECT's expressions: new columns over the same rows and selection.
 *
 * Invariant: result columns live in the worker's scratch or in the child's batch (plain column
 * references pass through with their shape).
 */
#include "lib/base/alloc.h"
#include "lib/engine/expr/expr_run.h"
#include "lib/engine/op/operators.h"

typedef struct local {
    gly_worker *worker;
    gly_downstream next;
    gly_expr_state *state;
    gly_batch batch;
} local;

static gly_status prepare(gly_op_node *node, gly_error *err) {
    gly_expr_program *program;
    GLY_TRY(gly_expr_compile(node->task->arena, node->plan->schema.field_count,
                             node->plan->project.exprs, &program, err));
    node->state = program;
    return GLY_OK;
}

static gly_status open_stream(gly_op_node *node, gly_worker *worker, gly_downstream next,
                              void **ret_local, gly_error *err) {
    (void)err;
    local *self = GLY_NEW(local);
    self->worker = worker;
    self->next = next;
    self->state = gly_expr_state_make(node->state, node->partition);
    self->batch.column_count = node->plan->schema.field_count;
    self->batch.columns = GLY_NEW_ARRAY(gly_column, self->batch.column_count + 1);
    *ret_local = self;
    return GLY_OK;
}

static gly_status push(void *context, const gly_batch *batch, gly_error *err) {
    local *self = context;
    GLY_TRY(gly_expr_run(self->state, batch, self->worker->scratch, self->batch.columns, err));
    self->batch.count = batch->count;
    self->batch.selected = batch->selected;
    self->batch.selection = batch->selection;
    return gly_downstream_push(&self->next, &self->batch, err);
}

static void close_stream(void *context) {
    local *self = context;
    gly_expr_state_free(self->state);
    free(self->batch.columns);
    free(self);
}

const gly_operator gly_op_project = {.name = "Project",
                                     .prepare = prepare,
                                     .open_stream = open_stream,
                                     .push = push,
                                     .close_stream = close_stream};
