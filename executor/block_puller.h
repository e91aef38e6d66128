/* block_puller.h - takes over blocks of executors that leave: fetches them, keeps them, reports.
 *
 * A thread of its own, made with the first order, works through the orders one by one.
 */
#ifndef GLY_BLOCK_PULLER_H
#define GLY_BLOCK_PULLER_H

#include "lib/engine/task.h"
#include "proto/galley/executor.pb-c.h"

typedef struct gly_block_puller gly_block_puller;

typedef struct gly_block_puller_options {
    const gly_task_environment *environment; /* outlives the puller */
    /* An encoded ExecutorMessage for the driver; called on the puller's thread. */
    void (*report)(void *context, gly_str message);
    void *context;
} gly_block_puller_options;

gly_block_puller *gly_block_puller_make(const gly_block_puller_options *options);
/* Forgets what waits, waits for what runs (cancel the fetcher before).  Accepts NULL. */
void gly_block_puller_free(gly_block_puller *puller);
/* Takes the arena, in which the order lies. */
void gly_block_puller_push(gly_block_puller *puller, gly_arena *arena,
                           const Galley__PullBlock *order);

#endif
