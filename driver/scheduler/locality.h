/* locality.h - delay scheduling: which locality a task set may use now. */
#ifndef GLY_LOCALITY_H
#define GLY_LOCALITY_H

#include "driver/scheduler/scheduler_internal.h"

/* Which levels make sense for this set with the executors there are.  Call when the set is made and
 * when an executor comes or goes. */
void gly_locality_update(gly_task_set *set);
/* True if the executor is, or is near, something this set prefers. */
bool gly_locality_concerns(const gly_task_set *set, const gly_executor *executor);
/* The loosest level allowed at the scheduler's now.  May move the set on to a looser one, and then
 * marks the scheduler dirty. */
gly_locality gly_locality_allowed(gly_task_set *set);
/* After a round in which the set got all it could use: back to the best level launched. */
void gly_locality_reset(gly_task_set *set, gly_locality best);
/* When waiting for a better place ends; NEVER if the set does not wait. */
int64_t gly_locality_next_ms(const gly_task_set *set);

#endif
