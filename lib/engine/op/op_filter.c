/* op_filter.c - WHERE: writes a selection, touches no column.
 *
 * The condition's conjuncts are compiled one by one, so that the expression runner can order them
 * by what they cost and keep.  Invariant: the batch that goes on has the child's columns and a
 * selection of its own (in the worker's local state).
 */
#include "lib/base/alloc.h"
#include "lib/base/array.h"
#include "lib/engine/expr/expr_run.h"
#include "lib/engine/op/operators.h"

typedef struct local {
    gly_worker *worker;
    gly_downstream next;
    gly_expr_state *state;
    uint16_t selection[GLY_BATCH_ROWS];
} local;

typedef GLY_ARRAY(gly_expr *) conjunct_list;

static void add_conjunct(void *context, gly_expr *conjunct) {
    conjunct_list *list = context;
    gly_array_push(list, conjunct);
}

static gly_status prepare(gly_op_node *node, gly_error *err) {
    conjunct_list list = {0};
    gly_expr_each_conjunct(node->plan->filter.condition, add_conjunct, &list);
    gly_expr_program *program;
    gly_status status =
        gly_expr_compile(node->task->arena, (uint32_t)list.count, list.items, &program, err);
    node->state = status == GLY_OK ? program : NULL;
    gly_array_clear(&list);
    return status;
}

static gly_status open_stream(gly_op_node *node, gly_worker *worker, gly_downstream next,
                              void **ret_local, gly_error *err) {
    (void)err;
    local *self = GLY_NEW(local);
    self->worker = worker;
    self->next = next;
    self->state = gly_expr_state_make(node->state, node->partition);
    *ret_local = self;
    return GLY_OK;
}

static gly_status push(void *context, const gly_batch *batch, gly_error *err) {
    local *self = context;
    uint32_t count = 0;
    GLY_TRY(
        gly_expr_select(self->state, batch, self->worker->scratch, self->selection, &count, err));
    gly_batch kept = *batch;
    kept.selected = count;
    kept.selection = count == batch->count ? NULL : self->selection;
    return gly_downstream_push(&self->next, &kept, err);
}

static void close_stream(void *context) {
    local *self = context;
    gly_expr_state_free(self->state);
    free(self);
}

const gly_operator gly_op_filter = {.name = "Filter",
                                    .prepare = prepare,
                                    .open_stream = open_stream,
                                    .push = push,
                                    .close_stream = close_stream};
