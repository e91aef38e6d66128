/* attempt.h - a running task: its links to its executor and its task set. */
#ifndef GLY_ATTEMPT_H
#define GLY_ATTEMPT_H

#include "driver/scheduler/scheduler_internal.h"

/* Takes the slots, links it everywhere, adds the LAUNCH_TASK action and the TaskStart event. */
gly_attempt *gly_attempt_start(gly_task_set *set, uint32_t partition, gly_executor *executor,
                               gly_locality locality, bool is_speculative);
/* Unlinks it and gives the slots back (also on a dead executor).  The task's state is the caller's
 * business.  The attempt stays readable until gly_attempt_recycle. */
void gly_attempt_end(gly_attempt *attempt);
void gly_attempt_recycle(gly_scheduler *scheduler, gly_attempt *attempt);
/* Adds a KILL_TASK action, once. */
void gly_attempt_kill(gly_attempt *attempt, const char *reason);

#endif
