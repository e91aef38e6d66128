/* task_scheduler.h - free slots meet pending tasks; executors and tasks come and go. */
#ifndef GLY_TASK_SCHEDULER_H
#define GLY_TASK_SCHEDULER_H

#include "driver/scheduler/scheduler_internal.h"

void gly_task_scheduler_executor_registered(gly_scheduler *scheduler,
                                            const gly_scheduler_event *event);
void gly_task_scheduler_executor_lost(gly_scheduler *scheduler, const gly_scheduler_event *event);
/* No new tasks; what runs may finish. */
void gly_task_scheduler_decommission(gly_scheduler *scheduler, uint32_t executor_id);
void gly_task_scheduler_task_finished(gly_scheduler *scheduler, const gly_scheduler_event *event);
/* Launches what can be launched now. */
void gly_task_scheduler_offer(gly_scheduler *scheduler);
/* Looks for what only time changes: locality waits, avoidances, exclusions. */
void gly_task_scheduler_tick(gly_scheduler *scheduler);
int64_t gly_task_scheduler_next_ms(const gly_scheduler *scheduler);

#endif
