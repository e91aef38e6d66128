/* scheduler_harness.h - a scheduler, a fake clock and what it did last, for tests. */
#ifndef SCHEDULER_HARNESS_H
#define SCHEDULER_HARNESS_H

#include "driver/event/event_bus.h"
#include "driver/scheduler/map_output_tracker.h"
#include "driver/scheduler/scheduler.h"
#include "tests/support/check.h"

enum { HARNESS_TASKS = 4096 };

typedef struct harness {
    gly_scheduler_options options;
    gly_scheduler *scheduler;
    gly_event_bus *bus;
    int64_t now_ms;
    const gly_scheduler_action *actions; /* of the last step */
    size_t count;
    gly_scheduler_action launches[HARNESS_TASKS]; /* by task id */
    uint32_t launch_count;
    bool is_killed[HARNESS_TASKS];
    uint32_t done_count; /* PARTITION_DONE */
    bool job_ended;      /* the last JOB_FINISHED */
    gly_status job_status;
    char job_error[512];
} harness;

GLY_UNUSED static void harness_init(harness *h) {
    memset(h, 0, sizeof *h);
    gly_scheduler_options_default(&h->options);
}

GLY_UNUSED static void harness_start(harness *h) {
    h->bus = gly_event_bus_make();
    h->options.bus = h->bus;
    h->scheduler = gly_scheduler_make(&h->options);
}

GLY_UNUSED static void harness_stop(harness *h) {
    gly_scheduler_free(h->scheduler);
    gly_event_bus_free(h->bus);
}

GLY_UNUSED static void harness_step(harness *h, const gly_scheduler_event *event) {
    h->actions = gly_scheduler_step(h->scheduler, event, h->now_ms, &h->count);
    for (size_t i = 0; i < h->count; i++) {
        const gly_scheduler_action *action = &h->actions[i];
        switch (action->kind) {
        case GLY_SCHEDULER_LAUNCH_TASK:
            GLY_ASSERT(action->launch.task_id == h->launch_count);
            h->launches[h->launch_count++] = *action;
            break;
        case GLY_SCHEDULER_KILL_TASK:
            h->is_killed[action->kill.task_id] = true;
            break;
        case GLY_SCHEDULER_PARTITION_DONE:
            h->done_count++;
            break;
        case GLY_SCHEDULER_JOB_FINISHED:
            h->job_ended = true;
            h->job_status = action->job.status;
            snprintf(h->job_error, sizeof h->job_error, "%.*s", GLY_STR_ARG(action->job.error));
            break;
        default:
            break;
        }
    }
}

GLY_UNUSED static uint32_t harness_count(const harness *h, gly_scheduler_action_kind kind) {
    uint32_t count = 0;
    for (size_t i = 0; i < h->count; i++) {
        count += h->actions[i].kind == kind;
    }
    return count;
}

GLY_UNUSED static void harness_executor(harness *h, uint32_t id, const char *host, uint32_t slots) {
    gly_scheduler_event event = {.kind = GLY_SCHEDULER_EXECUTOR_REGISTERED};
    event.registered.executor_id = id;
    event.registered.host = gly_str_of(host);
    event.registered.slots = slots;
    harness_step(h, &event);
}

GLY_UNUSED static void harness_lose(harness *h, uint32_t id, bool caused_by_app) {
    gly_scheduler_event event = {.kind = GLY_SCHEDULER_EXECUTOR_LOST};
    event.lost.executor_id = id;
    event.lost.reason = GLY_STR("exit status 137");
    event.lost.exit_caused_by_app = caused_by_app;
    harness_step(h, &event);
}

GLY_UNUSED static void harness_submit(harness *h, uint64_t job_id,
                                      const gly_scheduler_stage *stages, uint32_t count) {
    gly_scheduler_event event = {.kind = GLY_SCHEDULER_JOB_SUBMITTED};
    event.job.job_id = job_id;
    event.job.stages = stages;
    event.job.stage_count = count;
    event.job.final_stage = count - 1;
    h->job_ended = false;
    harness_step(h, &event);
}

/* A map stage of `maps` tasks (stage 1, shuffle 1) read by a result stage of `reducers`. */
GLY_UNUSED static void harness_submit_two(harness *h, uint64_t job_id, uint32_t maps,
                                          uint32_t reducers) {
    static const uint32_t parents[] = {0};
    gly_scheduler_stage stages[2] = {
        {.stage_id = 1, .is_shuffle_map = true, .shuffle_id = 1, .task_count = maps},
        {.stage_id = 100 + (uint32_t)job_id, .task_count = reducers, .parent_count = 1},
    };
    stages[1].parents = parents;
    harness_submit(h, job_id, stages, 2);
}

GLY_UNUSED static void harness_tick(harness *h, int64_t now_ms) {
    h->now_ms = now_ms;
    gly_scheduler_event event = {.kind = GLY_SCHEDULER_TICK};
    harness_step(h, &event);
}

GLY_UNUSED static gly_scheduler_event harness_end(const harness *h, uint64_t task_id,
                                                  gly_task_end end) {
    static const gly_task_numbers numbers = {.values = {[GLY_TASK_NUMBER_OUTPUT_ROWS] = 10}};
    gly_scheduler_event event = {.kind = GLY_SCHEDULER_TASK_FINISHED};
    event.finished.task_id = task_id;
    event.finished.executor_id = h->launches[task_id].launch.executor_id;
    event.finished.end = end;
    event.finished.map_output = GLY_STR("status");
    event.finished.numbers = &numbers;
    return event;
}

GLY_UNUSED static void harness_ok(harness *h, uint64_t task_id) {
    gly_scheduler_event event = harness_end(h, task_id, GLY_TASK_END_OK);
    harness_step(h, &event);
}

GLY_UNUSED static void harness_killed(harness *h, uint64_t task_id) {
    gly_scheduler_event event = harness_end(h, task_id, GLY_TASK_END_KILLED);
    harness_step(h, &event);
}

GLY_UNUSED static void harness_fail(harness *h, uint64_t task_id, gly_status status,
                                    const char *message) {
    gly_scheduler_event event = harness_end(h, task_id, GLY_TASK_END_FAILED);
    event.finished.error = status;
    event.finished.retryable = gly_error_status_retryable(status);
    event.finished.message = gly_str_of(message);
    harness_step(h, &event);
}

GLY_UNUSED static void harness_fetch_failed(harness *h, uint64_t task_id, uint32_t map,
                                            uint32_t executor) {
    gly_scheduler_event event = harness_end(h, task_id, GLY_TASK_END_FETCH_FAILED);
    event.finished.message = GLY_STR("connection refused");
    event.finished.failed_shuffle_id = 1;
    event.finished.failed_map_partition = map;
    event.finished.failed_executor_id = executor;
    harness_step(h, &event);
}

#endif
