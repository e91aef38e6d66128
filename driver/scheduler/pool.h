/* pool.h - which task set may launch next: FIFO, or FAIR between pools. */
#ifndef GLY_POOL_H
#define GLY_POOL_H

#include "driver/scheduler/scheduler_internal.h"

/* Makes the configured pools. */
void gly_pool_init(gly_scheduler *scheduler, const gly_scheduler_options *options);
void gly_pool_clear(gly_scheduler *scheduler);
/* The pool of that name, made if new.  With FIFO there is one pool for all. */
gly_pool *gly_pool_find(gly_scheduler *scheduler, gly_str name);
/* Enters a set that has something to launch (again). */
void gly_pool_list(gly_task_set *set);
void gly_pool_unlist(gly_task_set *set);
/* The set to ask next in this offer round: the first, or fairest, that has not declined yet. */
gly_task_set *gly_pool_pick(gly_scheduler *scheduler);
/* Takes out the sets that have nothing left to launch. */
void gly_pool_settle(gly_scheduler *scheduler);

#endif
