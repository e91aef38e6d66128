/* operator.h - the contract of an operator: up to three faces, source, stream and sink.
 *
 * A task's plan is cut into pipelines: source -> streams -> sink.  Every worker thread of a pipeline
 * pulls batches from its own source cursor and pushes them down.  A pipeline breaker (aggregate,
 * sort, join build) is the sink of one pipeline and the source of the next.
 *
 *   prepare           once per task and node, before any pipeline: node->state
 *   open_*            once per worker and pipeline: a local state
 *   next / push       per batch.  Batches are borrowed: valid until the call that got them returns
 *                     (push) or the next `next` of that source
 *   flush (stream), finish (sink)   once per worker when its source is at the end
 *   seal (sink)       once per node, single-threaded, after ALL pipelines into the sink are done
 *   dispose           once per task, also after failure; must cope with any earlier stage
 *
 * A HASH_JOIN has all faces: sink for children[1], stream for children[0], and, for unmatched build
 * rows and spilled partitions, a source that runs through the same downstream afterwards
 * (needs_after says so when the probe pipeline is done).
 *
 * Errors: return a status; the task stops and disposes.  Cancellation is checked by the worker.
 */
#ifndef GLY_OPERATOR_H
#define GLY_OPERATOR_H

#include "lib/base/budget.h"
#include "lib/data/batch.h"
#include "lib/engine/task.h"
#include "lib/plan/physical.h"

#include <pthread.h>
#include <stdatomic.h>

typedef struct gly_operator gly_operator;
typedef struct gly_op_node gly_op_node;
typedef struct gly_worker gly_worker;

/* What a running task offers its operators (made by pipeline/task_state.c). */
typedef struct gly_task_state {
    const gly_task_environment *environment;
    const gly_task_spec *spec;
    gly_arena *arena;    /* task-long; used by prepare and seal only (single-threaded) */
    gly_budget budget;   /* the task's share; operators reserve from it and spill when refused */
    char *spill_dir;     /* this task's own; made at first use by gly_spill_open (pipeline/spill.h) */
    atomic_uint_fast64_t spill_bytes, spill_count, spill_files;
    gly_task_result *result;
    pthread_mutex_t *lock; /* for result and shared counters */
} gly_task_state;

struct gly_worker { /* one thread of one pipeline */
    gly_task_state *task;
    uint32_t index;      /* 0 .. width-1 */
    gly_arena *scratch;  /* reset by the worker loop before each source batch */
    bool stop;           /* a LIMIT has enough: the worker pulls no more */
};

typedef struct gly_downstream { /* where a stream pushes */
    gly_status (*push)(void *context, const gly_batch *batch, gly_error *err);
    void *context;
} gly_downstream;

static inline gly_status gly_downstream_push(const gly_downstream *next, const gly_batch *batch,
                                             gly_error *err) {
    return batch->selected == 0 ? GLY_OK : next->push(next->context, batch, err);
}

struct gly_op_node { /* one physical node in one task */
    const gly_operator *op;
    const gly_physical *plan;
    gly_task_state *task;
    uint32_t partition; /* which partition of this node the task reads (differs below a UNION) */
    void *state;        /* prepare's */
    atomic_uint_fast64_t rows_out; /* counted by the pipeline */
};

struct gly_operator {
    const char *name;
    gly_status (*prepare)(gly_op_node *node, gly_error *err);
    void (*dispose)(gly_op_node *node);

    gly_status (*open_source)(gly_op_node *node, gly_worker *worker, void **ret_local,
                              gly_error *err);
    /* *ret NULL: this worker's end. */
    gly_status (*next)(void *local, const gly_batch **ret, gly_error *err);
    void (*close_source)(void *local);

    gly_status (*open_stream)(gly_op_node *node, gly_worker *worker, gly_downstream next,
                              void **ret_local, gly_error *err);
    gly_status (*push)(void *local, const gly_batch *batch, gly_error *err);
    gly_status (*flush)(void *local, gly_error *err); /* may push; NULL: nothing to flush */
    void (*close_stream)(void *local);

    gly_status (*open_sink)(gly_op_node *node, gly_worker *worker, void **ret_local,
                            gly_error *err);
    gly_status (*sink)(void *local, const gly_batch *batch, gly_error *err);
    gly_status (*finish)(void *local, gly_error *err); /* combine into node->state; thread-safe */
    void (*close_sink)(void *local);
    gly_status (*seal)(gly_op_node *node, gly_error *err);

    bool (*needs_after)(gly_op_node *node); /* joins only */
};

/* lib/engine/op/operator_table.c: the implementation of a kind; NULL for EXCHANGE. */
const gly_operator *gly_operator_find(gly_physical_kind kind);

#endif
