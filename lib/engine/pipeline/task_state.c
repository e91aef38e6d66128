/* task_state.c - a task's budget, counters and first fetch failure.
 *
 * Invariant: after clear nothing of the task is left: no reservation, no spill file or directory.
 */
#include "lib/engine/pipeline/task_state.h"

#include "lib/base/alloc.h"

#include <unistd.h>

void gly_task_state_init(gly_task_state *task, gly_arena *arena,
                         const gly_task_environment *environment, const gly_task_spec *spec,
                         gly_task_result *result) {
    memset(task, 0, sizeof *task);
    task->environment = environment;
    task->spec = spec;
    task->arena = arena;
    task->result = result;
    size_t limit = (size_t)spec->memory_limit_bytes;
    if (limit == 0) {
        size_t all = environment->memory->limit_bytes;
        limit = all == SIZE_MAX ? all : all / GLY_MAX(environment->slot_count, 1u);
    }
    gly_budget_init(&task->budget, environment->memory, limit);
    task->lock = GLY_NEW(pthread_mutex_t);
    pthread_mutex_init(task->lock, NULL);
}

void gly_task_state_clear(gly_task_state *task) {
    gly_task_metrics *metrics = &task->result->metrics;
    metrics->spill_bytes = atomic_load(&task->spill_bytes);
    metrics->spill_count = atomic_load(&task->spill_count);
    metrics->peak_memory_bytes = gly_budget_peak(&task->budget);
    if (task->spill_dir != NULL) {
        rmdir(task->spill_dir); /* empty: spill files have no names */
        free(task->spill_dir);
    }
    gly_budget_release(&task->budget, gly_budget_used(&task->budget));
    pthread_mutex_destroy(task->lock);
    free(task->lock);
}

gly_status gly_task_state_check(const gly_task_state *task, gly_error *err) {
    const atomic_bool *cancelled = task->spec->cancelled;
    if (cancelled != NULL && atomic_load_explicit(cancelled, memory_order_relaxed)) {
        return gly_fail(err, GLY_E_CANCELLED, "the task was cancelled");
    }
    return GLY_OK;
}

gly_status gly_task_state_fetch_failed(gly_task_state *task, uint32_t shuffle_id,
                                       uint32_t map_partition, gly_str executor_id,
                                       const gly_error *cause, gly_error *err) {
    pthread_mutex_lock(task->lock);
    gly_task_result *result = task->result;
    if (!result->fetch_failed) {
        result->fetch_failed = true;
        result->failed_shuffle_id = shuffle_id;
        result->failed_map_partition = map_partition;
        result->failed_executor_id = gly_arena_str(task->arena, executor_id);
    }
    pthread_mutex_unlock(task->lock);
    if (shuffle_id == UINT32_MAX) {
        return gly_fail(err, GLY_E_FETCH_FAILED, "cached partition %u on executor %.*s is lost: %s",
                        map_partition, GLY_STR_ARG(executor_id), cause->message);
    }
    return gly_fail(err, GLY_E_FETCH_FAILED,
                    "the output of map task %u of shuffle %u on executor %.*s cannot be read: %s",
                    map_partition, shuffle_id, GLY_STR_ARG(executor_id), cause->message);
}
