/* op_range.c - range(start, end, step): numbers, no input.
 *
 * Partition p has elements [n*p/P, n*(p+1)/P) of n, as Spark cuts them.  Workers draw morsels of
 * elements from a shared counter.  Invariant: element i is start + i*step and never overflows,
 * because it lies before end.
 */
#include "lib/base/alloc.h"
#include "lib/engine/op/operators.h"

enum { MORSEL = 60 * GLY_BATCH_ROWS };

typedef struct state {
    int64_t start, step;
    uint64_t end; /* element numbers of this partition: next .. end-1 */
    pthread_mutex_t lock;
    uint64_t next;
} state;

typedef struct local {
    state *shared;
    uint64_t next, end; /* of the current morsel */
    gly_column column;
    gly_batch batch;
} local;

static uint64_t element_count(int64_t start, int64_t end, int64_t step) {
    gly_i128 distance = (gly_i128)end - start;
    if (step == 0 || (step > 0) != (distance > 0)) {
        return 0;
    }
    gly_i128 size = step > 0 ? step : -(gly_i128)step;
    gly_i128 length = distance > 0 ? distance : -distance;
    return (uint64_t)((length + size - 1) / size);
}

static gly_status prepare(gly_op_node *node, gly_error *err) {
    const gly_physical *plan = node->plan;
    if (node->partition >= plan->partition_count) {
        return gly_fail(err, GLY_E_INTERNAL, "a range of %u partitions has no partition %u",
                        plan->partition_count, node->partition);
    }
    state *shared = GLY_ARENA_NEW(node->task->arena, state);
    uint64_t count = element_count(plan->range.start, plan->range.end, plan->range.step);
    shared->start = plan->range.start;
    shared->step = plan->range.step;
    shared->next = (uint64_t)((gly_u128)count * node->partition / plan->partition_count);
    shared->end = (uint64_t)((gly_u128)count * (node->partition + 1u) / plan->partition_count);
    pthread_mutex_init(&shared->lock, NULL);
    node->state = shared;
    return GLY_OK;
}

static void dispose(gly_op_node *node) {
    if (node->state != NULL) {
        pthread_mutex_destroy(&((state *)node->state)->lock);
    }
}

static gly_status open_source(gly_op_node *node, gly_worker *worker, void **ret_local,
                              gly_error *err) {
    (void)worker, (void)err;
    local *self = GLY_NEW(local);
    self->shared = node->state;
    self->column = (gly_column){.type = GLY_TYPE_OF(BIGINT), .shape = GLY_SHAPE_FLAT};
    self->column.data = gly_alloc_aligned(GLY_BATCH_ROWS * sizeof(int64_t));
    memset((int64_t *)self->column.data + GLY_BATCH_ROWS, 0, 64);
    self->batch.column_count = node->plan->schema.field_count; /* 0: only rows are wanted */
    self->batch.columns = &self->column;
    *ret_local = self;
    return GLY_OK;
}

static bool draw_morsel(local *self) {
    state *shared = self->shared;
    pthread_mutex_lock(&shared->lock);
    self->next = shared->next;
    self->end = shared->next + GLY_MIN((uint64_t)MORSEL, shared->end - shared->next);
    shared->next = self->end;
    pthread_mutex_unlock(&shared->lock);
    return self->next < self->end;
}

static gly_status next(void *context, const gly_batch **ret, gly_error *err) {
    (void)err;
    local *self = context;
    if (self->next == self->end && !draw_morsel(self)) {
        *ret = NULL;
        return GLY_OK;
    }
    uint32_t count = (uint32_t)GLY_MIN(self->end - self->next, (uint64_t)GLY_BATCH_ROWS);
    uint64_t step = (uint64_t)self->shared->step;
    uint64_t value = (uint64_t)self->shared->start + self->next * step;
    uint64_t *values = self->column.data;
    for (uint32_t i = 0; i < count; i++) {
        values[i] = value + i * step;
    }
    self->next += count;
    self->column.count = count;
    self->batch.count = self->batch.selected = count;
    *ret = &self->batch;
    return GLY_OK;
}

static void close_source(void *context) {
    local *self = context;
    free(self->column.data);
    free(self);
}

const gly_operator gly_op_range = {.name = "Range",
                                   .prepare = prepare,
                                   .dispose = dispose,
                                   .open_source = open_source,
                                   .next = next,
                                   .close_source = close_source};
