/* speculation.h - second copies of tasks that take much longer than the others. */
#ifndef GLY_SPECULATION_H
#define GLY_SPECULATION_H

#include "driver/scheduler/scheduler_internal.h"

/* A task of a live set has succeeded in that time. */
void gly_speculation_record(gly_task_set *set, int64_t duration_ms);
/* Every speculation_interval_ms: marks the stragglers of all live sets. */
void gly_speculation_check(gly_scheduler *scheduler);
/* When to check next; NEVER if there is nothing to watch. */
int64_t gly_speculation_next_ms(const gly_scheduler *scheduler);
int64_t gly_speculation_median(const gly_task_set *set); /* for tests */

#endif
