/* scheduler.c - the façade: one step is one event, what it makes due, and the offers that follow.
 *
 *   free what the last step left -> handle the event -> drain the DAG scheduler -> offer free slots
 *
 * Invariant: between steps no stage is ready and not started, and no free slot could be used by a
 * pending task under the rules of this moment.
 * Not here: any rule; see dag_scheduler.c, task_scheduler.c and README.md.
 */
#include "driver/scheduler/scheduler.h"

#include "driver/scheduler/dag_scheduler.h"
#include "driver/scheduler/executor_table.h"
#include "driver/scheduler/job.h"
#include "driver/scheduler/output_commit.h"
#include "driver/scheduler/pool.h"
#include "driver/scheduler/scheduler_internal.h"
#include "driver/scheduler/speculation.h"
#include "driver/scheduler/stage.h"
#include "driver/scheduler/task_scheduler.h"

#include <stdio.h>

const char *gly_scheduler_locality_name(gly_locality locality) {
    static const char *const names[] = {"PROCESS_LOCAL", "NODE_LOCAL", "NO_PREF", "RACK_LOCAL",
                                        "ANY"};
    return (size_t)locality < GLY_ARRAY_LEN(names) ? names[locality] : "?";
}

void gly_scheduler_options_default(gly_scheduler_options *ret) {
    *ret = (gly_scheduler_options){
        .max_task_failures = 4,
        .max_stage_attempts = 4,
        .locality_wait_ms = {3000, 3000, 0, 3000, 0},
        .resubmit_delay_ms = 200,
        .avoid_ms = 1000,
        .speculation_interval_ms = 100,
        .speculation_multiplier = 3,
        .speculation_quantile = 0.9,
        .speculation_min_ms = 100,
        .exclude_timeout_ms = 3600 * 1000,
        .unschedulable_timeout_ms = 120 * 1000,
    };
}

gly_scheduler *gly_scheduler_make(const gly_scheduler_options *options) {
    gly_scheduler *scheduler = GLY_NEW(gly_scheduler);
    scheduler->options = *options;
    scheduler->options.pools = NULL;
    scheduler->options.max_task_failures = GLY_MAX(options->max_task_failures, 1);
    scheduler->options.max_stage_attempts = GLY_MAX(options->max_stage_attempts, 1);
    scheduler->options.speculation_interval_ms = GLY_MAX(options->speculation_interval_ms, 1);
    scheduler->random.state = options->seed;
    scheduler->start_cursor = (uint32_t)gly_random_below(&scheduler->random, 1u << 20);
    scheduler->now_ms = INT64_MIN;
    scheduler->next_exclusion_end_ms = GLY_SCHEDULER_NEVER;
    scheduler->next_speculation_ms = INT64_MIN;
    scheduler->texts = gly_arena_make();
    gly_array_reserve(&scheduler->actions, 16); /* so that a step never returns NULL */
    scheduler->tracker = gly_map_output_tracker_make();
    gly_pool_init(scheduler, options);
    return scheduler;
}

void gly_scheduler_free(gly_scheduler *scheduler) {
    if (scheduler == NULL) {
        return;
    }
    size_t position = 0;
    gly_attempt *attempt;
    while ((attempt = gly_map_next(&scheduler->attempts, &position)) != NULL) {
        attempt->set->running_count = 0; /* they never end now */
        attempt->next_of_task = scheduler->free_attempts;
        scheduler->free_attempts = attempt;
    }
    gly_map_clear(&scheduler->attempts);
    while ((attempt = scheduler->free_attempts) != NULL) {
        scheduler->free_attempts = attempt->next_of_task;
        free(attempt);
    }
    for (size_t i = 0; i < scheduler->stages.count; i++) {
        for (size_t s = 0; s < scheduler->stages.items[i]->sets.count; s++) {
            gly_pool_unlist(scheduler->stages.items[i]->sets.items[s]);
        }
        gly_stage_free(scheduler->stages.items[i]);
    }
    for (size_t i = 0; i < scheduler->job_list.count; i++) {
        gly_job_free(scheduler->job_list.items[i]);
    }
    gly_pool_clear(scheduler);
    gly_executor_table_clear(scheduler);
    gly_map_output_tracker_free(scheduler->tracker);
    gly_map_clear(&scheduler->jobs);
    gly_map_clear(&scheduler->stages_by_shuffle);
    gly_array_clear(&scheduler->stages);
    gly_array_clear(&scheduler->job_list);
    gly_array_clear(&scheduler->to_submit);
    gly_array_clear(&scheduler->resubmits);
    gly_array_clear(&scheduler->to_finish);
    gly_array_clear(&scheduler->to_release);
    gly_array_clear(&scheduler->to_release_stages);
    gly_array_clear(&scheduler->live_sets);
    gly_array_clear(&scheduler->touched);
    gly_array_clear(&scheduler->actions);
    gly_arena_free(scheduler->texts);
    free(scheduler);
}

/* ---- for the other files of this folder ---- */

gly_str gly_scheduler_keep_text(gly_scheduler *scheduler, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = gly_arena_alloc(scheduler->texts, (size_t)size + 1);
    va_start(arguments, format);
    (void)vsnprintf(text, (size_t)size + 1, format, arguments);
    va_end(arguments);
    return (gly_str){text, (size_t)size};
}

void gly_scheduler_add_action(gly_scheduler *scheduler, const gly_scheduler_action *action) {
    gly_array_push(&scheduler->actions, *action);
}

void gly_scheduler_publish(gly_scheduler *scheduler, gly_event *event) {
    event->time_ms = scheduler->now_ms + scheduler->options.wall_offset_ms;
    gly_event_bus_publish(scheduler->options.bus, event);
}

/* ---- steps ---- */

static void answer_commit(gly_scheduler *scheduler, const gly_scheduler_event *event) {
    gly_attempt *attempt = gly_map_get(&scheduler->attempts, event->commit.task_id);
    gly_scheduler_action action = {.kind = GLY_SCHEDULER_COMMIT_ANSWER};
    action.commit.task_id = event->commit.task_id;
    action.commit.executor_id = event->commit.executor_id;
    action.commit.allowed = attempt != NULL && attempt->executor->id == event->commit.executor_id &&
                            gly_output_commit_request(attempt);
    gly_scheduler_add_action(scheduler, &action);
}

static void move_output(gly_scheduler *scheduler, const gly_scheduler_event *event) {
    const gly_executor *to = gly_executor_table_find(scheduler, event->moved.to_executor_id);
    if (to != NULL && to->is_alive) {
        (void)gly_map_output_tracker_move(scheduler->tracker, event->moved.shuffle_id,
                                          event->moved.map_partition, event->moved.from_executor_id,
                                          event->moved.to_executor_id, event->moved.map_output);
    }
}

static void remove_shuffle(gly_scheduler *scheduler, uint32_t shuffle_id) {
    if (gly_map_get(&scheduler->stages_by_shuffle, shuffle_id) == NULL) { /* a live job wants it */
        gly_map_output_tracker_remove_shuffle(scheduler->tracker, shuffle_id);
    }
}

static void handle(gly_scheduler *scheduler, const gly_scheduler_event *event) {
    switch (event->kind) {
    case GLY_SCHEDULER_TICK:
        gly_speculation_check(scheduler);
        gly_task_scheduler_tick(scheduler);
        break;
    case GLY_SCHEDULER_EXECUTOR_REGISTERED:
        gly_task_scheduler_executor_registered(scheduler, event);
        break;
    case GLY_SCHEDULER_EXECUTOR_LOST:
        gly_task_scheduler_executor_lost(scheduler, event);
        break;
    case GLY_SCHEDULER_EXECUTOR_DECOMMISSIONING:
        gly_task_scheduler_decommission(scheduler, event->decommissioning.executor_id);
        break;
    case GLY_SCHEDULER_NO_EXECUTORS:
        gly_dag_scheduler_fail_all(scheduler, event->no_executors.message);
        break;
    case GLY_SCHEDULER_JOB_SUBMITTED:
        gly_dag_scheduler_submit_job(scheduler, event);
        break;
    case GLY_SCHEDULER_JOB_CANCELLED:
        gly_dag_scheduler_cancel_job(scheduler, event->cancelled.job_id, event->cancelled.reason);
        break;
    case GLY_SCHEDULER_TASK_FINISHED:
        gly_task_scheduler_task_finished(scheduler, event);
        break;
    case GLY_SCHEDULER_COMMIT_REQUESTED:
        answer_commit(scheduler, event);
        break;
    case GLY_SCHEDULER_MAP_OUTPUT_MOVED:
        move_output(scheduler, event);
        break;
    case GLY_SCHEDULER_SHUFFLE_REMOVED:
        remove_shuffle(scheduler, event->shuffle.shuffle_id);
        break;
    case GLY_SCHEDULER_EVENT_COUNT:
        GLY_UNREACHABLE();
    }
}

const gly_scheduler_action *gly_scheduler_step(gly_scheduler *scheduler,
                                               const gly_scheduler_event *event, int64_t now_ms,
                                               size_t *ret_count) {
    gly_stage_release_marked(scheduler);
    scheduler->actions.count = 0;
    gly_arena_reset(scheduler->texts);
    scheduler->now_ms = GLY_MAX(scheduler->now_ms, now_ms);
    handle(scheduler, event);
    gly_dag_scheduler_drain(scheduler);
    gly_task_scheduler_offer(scheduler);
    *ret_count = scheduler->actions.count;
    return scheduler->actions.items;
}

int64_t gly_scheduler_next_tick(const gly_scheduler *scheduler) {
    int64_t next_ms = gly_task_scheduler_next_ms(scheduler);
    next_ms = GLY_MIN(next_ms, gly_dag_scheduler_next_ms(scheduler));
    return GLY_MIN(next_ms, gly_speculation_next_ms(scheduler));
}

const gly_map_output *gly_scheduler_map_outputs(const gly_scheduler *scheduler, uint32_t shuffle_id,
                                                uint32_t *ret_count) {
    return gly_map_output_tracker_outputs(scheduler->tracker, shuffle_id, ret_count);
}

uint64_t gly_scheduler_epoch(const gly_scheduler *scheduler) {
    return gly_map_output_tracker_epoch(scheduler->tracker);
}

gly_scheduler_load gly_scheduler_current_load(const gly_scheduler *scheduler) {
    return (gly_scheduler_load){
        .pending_tasks = scheduler->pending_tasks,
        .running_tasks = scheduler->running_tasks,
        .pending_speculative = scheduler->pending_speculative,
        .recomputed_tasks = scheduler->recomputed_tasks,
        .live_executors = (uint32_t)scheduler->live_executors.count,
        .total_slots = scheduler->total_slots,
        .free_slots = scheduler->free_slots,
        .active_jobs = (uint32_t)scheduler->job_list.count,
    };
}
