/* op_limit.c - the first rows after an offset, and an early stop for the workers.
 *
 * The workers of a task share one count: a batch draws as many numbers as it has rows, and those
 * with numbers in [offset, offset + limit) pass.  Without ORDER BY any rows are right; behind a
 * sort there is one worker.  Invariant: once the count is past the end, every worker stops.
 */
#include "lib/base/alloc.h"
#include "lib/engine/op/operators.h"

typedef struct state {
    atomic_uint_fast64_t seen;
    uint64_t begin, end; /* row numbers that pass */
} state;

typedef struct local {
    state *shared;
    gly_worker *worker;
    gly_downstream next;
    uint16_t selection[GLY_BATCH_ROWS];
} local;

static gly_status prepare(gly_op_node *node, gly_error *err) {
    (void)err;
    state *shared = GLY_ARENA_NEW(node->task->arena, state);
    uint64_t limit = node->plan->limit.limit;
    shared->begin = node->plan->limit.offset;
    if (__builtin_add_overflow(shared->begin, limit, &shared->end)) {
        shared->end = UINT64_MAX;
    }
    node->state = shared;
    return GLY_OK;
}

static gly_status open_stream(gly_op_node *node, gly_worker *worker, gly_downstream next,
                              void **ret_local, gly_error *err) {
    (void)err;
    local *self = GLY_NEW(local);
    self->shared = node->state;
    self->worker = worker;
    self->next = next;
    worker->stop |= atomic_load(&self->shared->seen) >= self->shared->end;
    *ret_local = self;
    return GLY_OK;
}

static gly_status push(void *context, const gly_batch *batch, gly_error *err) {
    local *self = context;
    state *shared = self->shared;
    uint64_t first = atomic_load(&shared->seen) >= shared->end
                         ? shared->end
                         : atomic_fetch_add(&shared->seen, batch->selected);
    uint64_t last = first + batch->selected;
    uint64_t begin = GLY_MAX(first, shared->begin);
    uint64_t end = GLY_MIN(last, shared->end);
    self->worker->stop |= last >= shared->end;
    if (begin >= end) {
        return GLY_OK;
    }
    if (begin == first && end == last) {
        return gly_downstream_push(&self->next, batch, err);
    }
    gly_batch part = *batch;
    part.selected = (uint32_t)(end - begin);
    for (uint32_t i = 0; i < part.selected; i++) {
        self->selection[i] = (uint16_t)gly_batch_row(batch, (uint32_t)(begin - first) + i);
    }
    part.selection = self->selection;
    return gly_downstream_push(&self->next, &part, err);
}

const gly_operator gly_op_limit = {.name = "Limit",
                                   .prepare = prepare,
                                   .open_stream = open_stream,
                                   .push = push,
                                   .close_stream = free};
