/* task_set.h - the tasks of one stage attempt: what is pending, where it may run, what is done. */
#ifndef GLY_TASK_SET_H
#define GLY_TASK_SET_H

#include "driver/scheduler/scheduler_internal.h"

/* A new attempt of the stage with its missing partitions pending; listed in its pool. */
gly_task_set *gly_task_set_make(gly_stage *stage);
void gly_task_set_free(gly_task_set *set); /* nothing of it may be running */
/* A pending task for this executor at exactly this level; false if there is none.  Takes nothing.
 */
bool gly_task_set_find(gly_task_set *set, const gly_executor *executor, gly_locality level,
                       uint32_t *ret_partition);
/* A task that wants a second copy, which may run on this executor. */
bool gly_task_set_find_speculative(gly_task_set *set, const gly_executor *executor,
                                   uint32_t *ret_partition);
void gly_task_set_launch(gly_task_set *set, uint32_t partition, gly_executor *executor,
                         gly_locality locality, bool is_speculative);
/* The partition is done (by whatever attempt): not launched again, other copies are killed. */
void gly_task_set_finish(gly_task_set *set, uint32_t partition);
/* Its output was lost: pending again. */
void gly_task_set_reopen(gly_task_set *set, uint32_t partition);
/* An attempt ended without success: pending again, unless done or another copy still runs. */
void gly_task_set_retry(gly_task_set *set, uint32_t partition);
/* Wants a second copy. */
void gly_task_set_speculate(gly_task_set *set, uint32_t partition);
/* Launches nothing more (a zombie).  discard: running tasks are killed and their results refused.
 */
void gly_task_set_stop(gly_task_set *set, bool discard, const char *reason);
bool gly_task_set_has_work(const gly_task_set *set);

#endif
