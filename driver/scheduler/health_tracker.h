/* health_tracker.h - exclude on failure: keeps tasks away from where they fail.
 *
 * Off by default.  Limits are Spark's: a task, 1 failure on an executor and 2 on a host; a task
 * set, 2 tasks on an executor and 2 executors on a host; the application, 2 and 2, for
 * exclude_timeout_ms.
 */
#ifndef GLY_HEALTH_TRACKER_H
#define GLY_HEALTH_TRACKER_H

#include "driver/scheduler/scheduler_internal.h"

void gly_health_tracker_task_failed(gly_task_set *set, uint32_t partition, gly_executor *executor);
/* The failures in a set that succeeded count against the executors: the query was not to blame. */
void gly_health_tracker_set_succeeded(gly_task_set *set);
/* May this task run there, as far as its own set knows?  set->health is not NULL. */
bool gly_health_tracker_allows_task(const gly_task_set *set, uint32_t partition,
                                    const gly_executor *executor);
/* May anything of this set run there? */
bool gly_health_tracker_allows_set(const gly_task_set *set, const gly_executor *executor);
/* Is the executor, or its host, excluded for the whole application now?  Notes when that ends. */
bool gly_health_tracker_is_excluded(gly_scheduler *scheduler, const gly_executor *executor);
/* The task is pending (again): may any live executor run it?  Else the set's wait begins. */
void gly_health_tracker_check_task(gly_task_set *set, uint32_t partition);
/* An executor is gone or excluded: is there a pending task now that no live executor may run? */
void gly_health_tracker_find_stuck(gly_task_set *set);
/* True if the set has waited unschedulable_timeout_ms with a task that no live executor may run. */
bool gly_health_tracker_gives_up(gly_task_set *set);
void gly_health_tracker_forget(gly_task_set *set);

#endif
