/* sim_scheduler_speed.c - the scheduler's own time per task: launch, end, events, actions.
 *
 * The cluster is a list of running tasks of which a random one ends at each step.  The bar is
 * 50 us (20,000 tasks/s through the whole driver leave no more); a scan over tasks or executors for
 * each event would miss it at the larger sizes.
 */
#include "driver/event/event_bus.h"
#include "driver/scheduler/scheduler.h"
#include "lib/base/array.h"
#include "lib/base/clock.h"
#include "lib/base/random.h"
#include "tests/support/check.h"

#include <stdio.h>

typedef struct race {
    gly_scheduler *scheduler;
    GLY_ARRAY(uint64_t) running; /* task id, executor */
    uint32_t launched;
    uint32_t jobs; /* not yet over */
} race;

typedef struct course {
    const char *title;
    uint32_t tasks, executors, slots, jobs;
    bool has_preferences, is_fair;
} course;

static void race_step(race *r, const gly_scheduler_event *event, int64_t now_ms) {
    size_t count = 0;
    const gly_scheduler_action *actions = gly_scheduler_step(r->scheduler, event, now_ms, &count);
    for (size_t i = 0; i < count; i++) {
        if (actions[i].kind == GLY_SCHEDULER_LAUNCH_TASK) {
            gly_array_push(&r->running, actions[i].launch.task_id);
            gly_array_push(&r->running, actions[i].launch.executor_id);
            r->launched++;
        } else if (actions[i].kind == GLY_SCHEDULER_JOB_FINISHED) {
            r->jobs--;
        }
    }
}

static void add_executors(race *r, uint32_t executors, uint32_t slots, char (*hosts)[16]) {
    for (uint32_t i = 0; i < executors; i++) {
        (void)snprintf(hosts[i], 16, "h%u", i);
        gly_scheduler_event event = {.kind = GLY_SCHEDULER_EXECUTOR_REGISTERED};
        event.registered.executor_id = i;
        event.registered.host = gly_str_of(hosts[i]);
        event.registered.slots = slots;
        race_step(r, &event, 0);
    }
}

static void submit_jobs(race *r, const course *c, const gly_scheduler_preference *preferences) {
    static const gly_str pools[] = {GLY_STR("a"), GLY_STR("b"), GLY_STR("c"), GLY_STR("d")};
    r->jobs = c->jobs;
    for (uint32_t job = 0; job < c->jobs; job++) {
        gly_scheduler_stage stage = {.stage_id = job, .task_count = c->tasks / c->jobs};
        stage.preferences = c->has_preferences ? preferences : NULL;
        gly_scheduler_event event = {.kind = GLY_SCHEDULER_JOB_SUBMITTED};
        event.job.job_id = job;
        event.job.pool = pools[job % 4];
        event.job.stage_count = 1;
        event.job.stages = &stage;
        race_step(r, &event, 0);
    }
}

static void run(race *r, gly_random *random) {
    for (int64_t step_count = 0; r->jobs > 0; step_count++) {
        gly_scheduler_event event = {.kind = GLY_SCHEDULER_TICK};
        if (r->running.count > 0) {
            size_t pick = gly_random_below(random, r->running.count / 2) * 2;
            event.kind = GLY_SCHEDULER_TASK_FINISHED;
            event.finished.task_id = r->running.items[pick];
            event.finished.executor_id = (uint32_t)r->running.items[pick + 1];
            r->running.items[pick + 1] = r->running.items[--r->running.count];
            r->running.items[pick] = r->running.items[--r->running.count];
        }
        race_step(r, &event, step_count / 20); /* 20,000 tasks/s */
        if (gly_scheduler_next_tick(r->scheduler) <= step_count / 20) {
            race_step(r, &(gly_scheduler_event){.kind = GLY_SCHEDULER_TICK}, step_count / 20);
        }
    }
}

static double measure(const course *c) {
    gly_scheduler_options options;
    gly_scheduler_options_default(&options);
    options.is_fair = c->is_fair;
    options.bus = gly_event_bus_make();
    race r = {.scheduler = gly_scheduler_make(&options)};
    gly_random random = {1};
    char(*hosts)[16] = gly_alloc_zero(c->executors, sizeof *hosts);
    add_executors(&r, c->executors, c->slots, hosts);
    gly_str *wanted = GLY_NEW_ARRAY(gly_str, 2 * (size_t)c->tasks);
    gly_scheduler_preference *preferences = GLY_NEW_ARRAY(gly_scheduler_preference, c->tasks);
    for (uint32_t i = 0; i < c->tasks; i++) {
        wanted[2 * i] = gly_str_of(hosts[gly_random_below(&random, c->executors)]);
        wanted[2 * i + 1] = gly_str_of(hosts[gly_random_below(&random, c->executors)]);
        preferences[i] = (gly_scheduler_preference){0, NULL, 2, &wanted[2 * i]};
    }
    int64_t start = gly_clock_cpu_ns();
    submit_jobs(&r, c, preferences);
    run(&r, &random);
    double us = (double)(gly_clock_cpu_ns() - start) / 1e3 / c->tasks;
    GLY_ASSERT(r.launched == c->tasks);
    gly_array_clear(&r.running);
    gly_scheduler_free(r.scheduler);
    gly_event_bus_free(options.bus);
    free(hosts);
    free(wanted);
    free(preferences);
    return us;
}

int main(void) {
    static const course courses[] = {
        {"10,000 tasks, 2 executors of 8 slots", 10000, 2, 8, 1, false, false},
        {"10,000 tasks, 1,000 executors of 4", 10000, 1000, 4, 1, false, false},
        {"100,000 tasks, 1,000 executors of 4", 100000, 1000, 4, 1, false, false},
        {"the same with preferred hosts", 100000, 1000, 4, 1, true, false},
        {"the same in 200 jobs, FAIR", 100000, 1000, 4, 200, false, true},
        {"the same in 200 jobs, FAIR, with preferred hosts", 100000, 1000, 4, 200, true, true},
    };
    bool is_fast = true;
    for (size_t i = 0; i < GLY_ARRAY_LEN(courses); i++) {
        double us = measure(&courses[i]);
        printf("%6.2f us per task: %s\n", us, courses[i].title);
        is_fast &= us < GLY_CHECK_SIZE(50, 1000);
    }
    return is_fast ? 0 : 1;
}
