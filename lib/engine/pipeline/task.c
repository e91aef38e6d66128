/* task.c - one task from its spec to its result: build steps, prepare, run them, dispose.
 *
 * The steps come from pipeline_build.c, each pipeline runs in worker.c.  Invariant: every prepared
 * operator is disposed and the task's memory given back, whatever failed; on failure the sinks'
 * dispose removes what they wrote (they know whether they were sealed).
 */
#include "lib/engine/task.h"

#include "lib/base/clock.h"
#include "lib/engine/op/op_hash_join.h"
#include "lib/engine/pipeline/pipeline_build.h"
#include "lib/engine/pipeline/task_state.h"
#include "lib/engine/pipeline/worker.h"

static gly_status run_step(gly_task_state *task, const gly_step *step, uint32_t *next,
                           gly_error *err) {
    switch ((gly_step_kind)step->kind) {
    case GLY_STEP_BUILD: {
        bool is_needed;
        GLY_TRY(gly_op_hash_join_needs_build(step->node, &is_needed, err));
        *next = is_needed ? *next : step->skip_to;
        return GLY_OK;
    }
    case GLY_STEP_SEAL:
        GLY_TRY(gly_task_state_check(task, err));
        return step->node->op->seal == NULL ? GLY_OK : step->node->op->seal(step->node, err);
    case GLY_STEP_RUN_IF_LEFT:
        if (!step->node->op->needs_after(step->node)) {
            return GLY_OK;
        }
        return gly_worker_run(task, &step->pipeline, err);
    default:
        return gly_worker_run(task, &step->pipeline, err);
    }
}

static gly_status run_steps(gly_task_state *task, const gly_pipeline_steps *steps,
                            uint32_t *prepared, gly_error *err) {
    for (; *prepared < steps->node_count; ++*prepared) {
        gly_op_node *node = steps->nodes[*prepared];
        if (node->op->prepare != NULL) {
            GLY_TRY(node->op->prepare(node, err));
        }
    }
    for (uint32_t at = 0; at < steps->step_count;) {
        const gly_step *step = &steps->steps[at++];
        GLY_TRY(run_step(task, step, &at, err));
    }
    return GLY_OK;
}

static void report_rows(gly_task_state *task, const gly_pipeline_steps *steps) {
    gly_task_result *result = task->result;
    result->operators = GLY_ARENA_ARRAY(task->arena, gly_task_operator_rows, steps->node_count);
    result->operator_count = steps->node_count;
    for (uint32_t i = 0; i < steps->node_count; i++) {
        const gly_op_node *node = steps->nodes[i];
        result->operators[i].node_id = node->plan->id;
        result->operators[i].rows = atomic_load(&((gly_op_node *)(uintptr_t)node)->rows_out);
    }
}

gly_status gly_task_run(gly_arena *arena, const gly_task_environment *environment,
                        const gly_task_spec *spec, gly_task_result *ret, gly_error *err) {
    int64_t started_ns = gly_clock_ns();
    int64_t started_cpu_ns = gly_clock_cpu_ns();
    memset(ret, 0, sizeof *ret);
    gly_task_state task;
    gly_task_state_init(&task, arena, environment, spec, ret);
    gly_pipeline_steps steps = {0};
    uint32_t prepared = 0;
    gly_error local = {0};
    gly_status status = gly_pipeline_build_steps(&task, &steps, &local);
    if (status == GLY_OK) {
        status = run_steps(&task, &steps, &prepared, &local);
        prepared += prepared < steps.node_count; /* the one whose prepare failed, too */
    }
    report_rows(&task, &steps);
    for (uint32_t i = 0; i < prepared; i++) {
        if (steps.nodes[i]->op->dispose != NULL) {
            steps.nodes[i]->op->dispose(steps.nodes[i]);
        }
    }
    gly_task_state_clear(&task);
    ret->metrics.cpu_ns += (uint64_t)(gly_clock_cpu_ns() - started_cpu_ns);
    ret->metrics.run_ns = (uint64_t)(gly_clock_ns() - started_ns);
    return status == GLY_OK ? GLY_OK : gly_error_copy(err, &local);
}
