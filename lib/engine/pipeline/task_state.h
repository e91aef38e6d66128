/* task_state.h - the making and clearing of a gly_task_state (op/operator.h), and what its
 * operators report into it.
 */
#ifndef GLY_TASK_STATE_H
#define GLY_TASK_STATE_H

#include "lib/engine/op/operator.h"

/* result is zeroed by the caller.  The memory limit is the spec's, or the executor's share. */
void gly_task_state_init(gly_task_state *task, gly_arena *arena,
                         const gly_task_environment *environment, const gly_task_spec *spec,
                         gly_task_result *result);
/* Removes the spill directory, gives back what operators still hold, fills result->metrics. */
void gly_task_state_clear(gly_task_state *task);
/* CANCELLED if the task is to stop.  Thread-safe. */
GLY_NODISCARD gly_status gly_task_state_check(const gly_task_state *task, gly_error *err);
/* Notes which map output could not be read (the first one stays) and makes a FETCH_FAILED error
 * from cause.  shuffle_id UINT32_MAX: a cached block.  Thread-safe. */
GLY_NODISCARD gly_status gly_task_state_fetch_failed(gly_task_state *task, uint32_t shuffle_id,
                                                     uint32_t map_partition, gly_str executor_id,
                                                     const gly_error *cause, gly_error *err);
#endif
