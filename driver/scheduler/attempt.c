/* attempt.c - starting and ending one task on one executor: slots, lists, counters.
 *
 * An attempt is on three lists at once (its task's, its executor's, its set's), so that whoever
 * ends - the task, the executor, the job - finds it without a search.
 * An attempt sent ahead has width 0 until a slot of its executor becomes free: the executor runs
 * what it holds in the order of arrival, so the oldest takes the slot.
 *
 * Invariant: an executor's free_slots + the widths of its attempts = its slots.
 * Not here: what the end means for the task (task_set.c, dag_scheduler.c).
 */
#include "driver/scheduler/attempt.h"

#include "driver/scheduler/executor_table.h"

static void link_attempt(gly_attempt *attempt) {
    gly_task_set *set = attempt->set;
    gly_executor *executor = attempt->executor;
    gly_task *task = &set->tasks[attempt->partition];
    attempt->next_of_task = task->running;
    task->running = attempt;
    task->running_count++;
    attempt->next_of_executor = executor->attempts;
    if (executor->attempts != NULL) {
        executor->attempts->previous_of_executor = attempt;
    }
    executor->attempts = attempt;
    executor->running_count++;
    attempt->next_of_set = set->attempts;
    if (set->attempts != NULL) {
        set->attempts->previous_of_set = attempt;
    }
    set->attempts = attempt;
    set->running_count++;
    set->running_slots += attempt->width;
    set->pool->running_slots += attempt->width;
}

static void append_ahead(gly_attempt *attempt) {
    gly_executor *executor = attempt->executor;
    attempt->previous_ahead = executor->last_ahead;
    if (executor->last_ahead != NULL) {
        executor->last_ahead->next_ahead = attempt;
    } else {
        executor->first_ahead = attempt;
    }
    executor->last_ahead = attempt;
    executor->ahead_count++;
}

static void remove_ahead(gly_attempt *attempt) {
    gly_executor *executor = attempt->executor;
    if (attempt->previous_ahead != NULL) {
        attempt->previous_ahead->next_ahead = attempt->next_ahead;
    } else {
        executor->first_ahead = attempt->next_ahead;
    }
    if (attempt->next_ahead != NULL) {
        attempt->next_ahead->previous_ahead = attempt->previous_ahead;
    } else {
        executor->last_ahead = attempt->previous_ahead;
    }
    attempt->previous_ahead = attempt->next_ahead = NULL;
    attempt->is_ahead = false;
    executor->ahead_count--;
}

/* The oldest attempt sent ahead takes a free slot. */
static void promote(gly_executor *executor) {
    gly_attempt *attempt = executor->first_ahead;
    gly_task_set *set = attempt->set;
    remove_ahead(attempt);
    attempt->width = 1;
    gly_executor_table_take(set->scheduler, executor, 1);
    set->running_slots++;
    set->pool->running_slots++;
}

static void announce(const gly_attempt *attempt) {
    gly_scheduler *scheduler = attempt->set->scheduler;
    const gly_stage *stage = attempt->set->stage;
    gly_scheduler_action action = {.kind = GLY_SCHEDULER_LAUNCH_TASK};
    action.launch.task_id = attempt->task_id;
    action.launch.job_id = stage->owners.items[0].job->id;
    action.launch.stage_index = stage->owners.items[0].stage_index;
    action.launch.stage_id = stage->id;
    action.launch.stage_attempt = attempt->set->attempt;
    action.launch.partition = attempt->partition;
    action.launch.attempt = attempt->number;
    action.launch.executor_id = attempt->executor->id;
    action.launch.width = GLY_MAX(attempt->width, 1);
    action.launch.locality = attempt->locality;
    action.launch.speculative = attempt->is_speculative;
    gly_scheduler_add_action(scheduler, &action);
    gly_event event = {.kind = GLY_EVENT_TASK_START};
    event.task_start.task_id = attempt->task_id;
    event.task_start.job_id = action.launch.job_id;
    event.task_start.stage_id = stage->id;
    event.task_start.stage_attempt = attempt->set->attempt;
    event.task_start.partition = attempt->partition;
    event.task_start.attempt = attempt->number;
    event.task_start.executor_id = attempt->executor->id;
    event.task_start.locality = attempt->locality;
    event.task_start.speculative = attempt->is_speculative;
    gly_scheduler_publish(scheduler, &event);
}

gly_attempt *gly_attempt_start(gly_task_set *set, uint32_t partition, gly_executor *executor,
                               gly_locality locality, bool is_speculative) {
    gly_scheduler *scheduler = set->scheduler;
    gly_attempt *attempt = scheduler->free_attempts;
    if (attempt == NULL) {
        attempt = GLY_NEW(gly_attempt);
    } else {
        scheduler->free_attempts = attempt->next_of_task;
        memset(attempt, 0, sizeof *attempt);
    }
    attempt->task_id = scheduler->next_task_id++;
    attempt->set = set;
    attempt->executor = executor;
    attempt->partition = partition;
    attempt->number = set->tasks[partition].launch_count++;
    attempt->is_ahead = scheduler->is_launching_ahead;
    attempt->width = attempt->is_ahead ? 0 : GLY_MIN(set->stage->width, executor->slots);
    attempt->locality = locality;
    attempt->is_speculative = is_speculative;
    attempt->launched_ms = scheduler->now_ms;
    attempt->epoch = gly_map_output_tracker_epoch(scheduler->tracker);
    if (attempt->is_ahead) {
        append_ahead(attempt);
    } else {
        gly_executor_table_take(scheduler, executor, attempt->width);
    }
    link_attempt(attempt);
    gly_map_put(&scheduler->attempts, attempt->task_id, attempt);
    scheduler->running_tasks++;
    announce(attempt);
    return attempt;
}

void gly_attempt_end(gly_attempt *attempt) {
    gly_task_set *set = attempt->set;
    gly_executor *executor = attempt->executor;
    gly_task *task = &set->tasks[attempt->partition];
    for (gly_attempt **link = &task->running; *link != NULL; link = &(*link)->next_of_task) {
        if (*link == attempt) {
            *link = attempt->next_of_task;
            break;
        }
    }
    task->running_count--;
    if (attempt->previous_of_executor != NULL) {
        attempt->previous_of_executor->next_of_executor = attempt->next_of_executor;
    } else {
        executor->attempts = attempt->next_of_executor;
    }
    if (attempt->next_of_executor != NULL) {
        attempt->next_of_executor->previous_of_executor = attempt->previous_of_executor;
    }
    executor->running_count--;
    if (attempt->previous_of_set != NULL) {
        attempt->previous_of_set->next_of_set = attempt->next_of_set;
    } else {
        set->attempts = attempt->next_of_set;
    }
    if (attempt->next_of_set != NULL) {
        attempt->next_of_set->previous_of_set = attempt->previous_of_set;
    }
    set->running_count--;
    set->running_slots -= attempt->width;
    set->pool->running_slots -= attempt->width;
    set->scheduler->running_tasks--;
    (void)gly_map_remove(&set->scheduler->attempts, attempt->task_id);
    if (attempt->is_ahead) {
        remove_ahead(attempt);
    } else {
        gly_executor_table_give(set->scheduler, executor, attempt->width);
    }
    if (executor->is_alive && !executor->is_decommissioning) {
        while (executor->first_ahead != NULL && executor->free_slots > 0) {
            promote(executor);
        }
        if (set->scheduler->options.launch_ahead > 0) {
            gly_array_push(&set->scheduler->drained, executor);
        }
    }
}

void gly_attempt_recycle(gly_scheduler *scheduler, gly_attempt *attempt) {
    attempt->next_of_task = scheduler->free_attempts;
    scheduler->free_attempts = attempt;
}

void gly_attempt_kill(gly_attempt *attempt, const char *reason) {
    if (attempt->is_killed) {
        return;
    }
    attempt->is_killed = true;
    gly_scheduler_action action = {.kind = GLY_SCHEDULER_KILL_TASK};
    action.kill.task_id = attempt->task_id;
    action.kill.executor_id = attempt->executor->id;
    action.kill.reason = gly_str_of(reason); /* a literal of this folder */
    gly_scheduler_add_action(attempt->set->scheduler, &action);
}
