/* stage.h - a stage: its partitions, its attempts, the jobs that want it. */
#ifndef GLY_STAGE_H
#define GLY_STAGE_H

#include "driver/scheduler/scheduler_internal.h"

/* Without parents and owners; a shuffle the tracker knows may be available at once. */
gly_stage *gly_stage_make(gly_scheduler *scheduler, const gly_scheduler_stage *description);
void gly_stage_free(gly_stage *stage);
/* Is this partition's output there (map stage) or accepted (result stage)? */
bool gly_stage_has_partition(const gly_stage *stage, uint32_t partition);
uint32_t gly_stage_missing(const gly_stage *stage); /* partitions */
static inline bool gly_stage_is_available(const gly_stage *stage) {
    return gly_stage_missing(stage) == 0;
}
/* Does some attempt of the partition run in any attempt of the stage? */
bool gly_stage_is_running(const gly_stage *stage, uint32_t partition);
/* Marks a stopped set for freeing when nothing of it runs. */
void gly_stage_release_set(gly_task_set *set);
/* Frees what was marked; called when the next step begins, because actions may point into it. */
void gly_stage_release_marked(gly_scheduler *scheduler);
/* No job wants it any more: kills what runs, unlinks it, frees it when all has ended. */
void gly_stage_detach(gly_stage *stage);
/* The STAGE_STARTED or STAGE_COMPLETED action, and the event. */
void gly_stage_announce_start(const gly_stage *stage);
void gly_stage_announce_end(const gly_stage *stage, const gly_task_set *set, const char *error);

#endif
