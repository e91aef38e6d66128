/* task_runner.h - from a launched task to the update that tells the driver what became of it. */
#ifndef GLY_TASK_RUNNER_H
#define GLY_TASK_RUNNER_H

#include "executor/driver_client.h"
#include "executor/executor.h"
#include "executor/task_slots.h"

typedef struct gly_task_runner {
    const gly_task_environment *environment;
    gly_executor_task_function run_task;
    gly_driver_client *client;
    atomic_llong last_trim_ms;
} gly_task_runner;

/* The callbacks of gly_task_slots; context is the gly_task_runner. */
void gly_task_runner_run(void *context, gly_arena *arena, gly_slot_task *task);
void gly_task_runner_killed(void *context, gly_slot_task *task);

#endif
