/* task_runner.h - from a launched task to the update that tells the driver what became of it. */
#ifndef GLY_TASK_RUNNER_H
#define GLY_TASK_RUNNER_H

#include "executor/driver_client.h"
#include "executor/executor.h"
#include "executor/task_slots.h"

#include <pthread.h>

typedef struct gly_task_runner {
    const gly_task_environment *environment;
    gly_executor_task_function run_task;
    gly_driver_client *client;
    uint64_t memory_bytes; /* that the process should stay below */
    pthread_mutex_t trim_lock;
    atomic_size_t trimmed_bytes; /* resident after the last time, or less */
} gly_task_runner;

/* Gives freed memory back to the system if resident memory is near the limit and tasks do not hold
 * it. Any thread; cheap when there is nothing to do, and waits for a thread that is at it.  The
 * budget of the process calls it every GLY_TASK_RUNNER_WATCH_BYTES that tasks reserve. */
void gly_task_runner_watch_memory(gly_task_runner *runner);

enum { GLY_TASK_RUNNER_WATCH_BYTES = 4 << 20 };

/* The callbacks of gly_task_slots; context is the gly_task_runner. */
void gly_task_runner_run(void *context, gly_arena *arena, gly_slot_task *task);
void gly_task_runner_killed(void *context, gly_slot_task *task);

#endif
