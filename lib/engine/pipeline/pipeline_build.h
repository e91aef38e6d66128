/* pipeline_build.h - a stage's tree of operators cut into steps: run a pipeline, seal a sink.
 *
 * Steps are in dependency order; some are conditional, because a broadcast table may be there
 * already and a join may have nothing left to put out.
 */
#ifndef GLY_PIPELINE_BUILD_H
#define GLY_PIPELINE_BUILD_H

#include "lib/engine/op/operator.h"

typedef struct gly_pipeline {
    gly_op_node *source;
    uint32_t stream_count;
    gly_op_node **streams; /* in the order that batches pass them */
    gly_op_node *sink;
} gly_pipeline;

typedef enum gly_step_kind {
    GLY_STEP_RUN,         /* pipeline */
    GLY_STEP_RUN_IF_LEFT, /* pipeline, if its source (a join) says needs_after */
    GLY_STEP_SEAL,        /* node */
    GLY_STEP_BUILD,       /* node, a join: go to `skip_to` if it does not need its build side */
} gly_step_kind;

typedef struct gly_step {
    uint8_t kind; /* gly_step_kind */
    gly_op_node *node;
    uint32_t skip_to;
    gly_pipeline pipeline;
} gly_step;

typedef struct gly_pipeline_steps {
    uint32_t node_count;
    gly_op_node **nodes; /* parents before children; nodes[0] is the root */
    uint32_t step_count;
    gly_step *steps;
} gly_pipeline_steps;

/* Memory in the task's arena.  INTERNAL for a plan that is no stage (its root is no sink, it has an
 * EXCHANGE, a partition does not exist). */
GLY_NODISCARD gly_status gly_pipeline_build_steps(gly_task_state *task, gly_pipeline_steps *ret,
                                                  gly_error *err);
#endif
