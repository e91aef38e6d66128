/* dag_scheduler.c - stages wait for parents, run, complete, and run again when outputs are lost.
 *
 *   IDLE --submit--> WAITING --parents there--> RUNNING --no partition missing--> IDLE
 *                       ^                          | fetch failed, or a parent's output lost
 *                       +------- RESUBMIT <--------+
 *
 * A stage attempt reads one set of map outputs.  When one of them is lost the attempt becomes a
 * zombie: it launches nothing more, but what runs may succeed and counts; the missing map tasks run
 * again, then a new attempt of the reader with the partitions still missing.
 * Only fetch failures count as failed attempts (max_stage_attempts in a row), since a lost executor
 * is not the stage's fault and is limited elsewhere.
 *
 * Event handlers only mark (to_finish, to_submit, resubmits); drain acts, so that nothing is
 * started or freed while a handler walks the graph.  Pattern: Spark's DAGScheduler.
 * Invariant: a RUNNING stage's live_set misses exactly the partitions the stage misses, and all its
 * parents are available.
 * Not here: indeterminate stages (rollback.c), which task runs where (task_scheduler.c).
 */
#include "driver/scheduler/dag_scheduler.h"

#include "driver/scheduler/executor_table.h"
#include "driver/scheduler/health_tracker.h"
#include "driver/scheduler/job.h"
#include "driver/scheduler/output_commit.h"
#include "driver/scheduler/rollback.h"
#include "driver/scheduler/speculation.h"
#include "driver/scheduler/stage.h"
#include "driver/scheduler/task_set.h"

/* ---- jobs ---- */

static void submit_later(gly_stage *stage) {
    if (!stage->is_queued) {
        stage->is_queued = true;
        gly_array_push(&stage->scheduler->to_submit, stage);
    }
}

void gly_dag_scheduler_submit_job(gly_scheduler *scheduler, const gly_scheduler_event *event) {
    if (gly_map_get(&scheduler->jobs, event->job.job_id) != NULL) {
        return; /* a repeated message */
    }
    gly_job *job = gly_job_make(scheduler, event);
    gly_event published = {.kind = GLY_EVENT_JOB_START};
    uint64_t tasks = 0;
    uint32_t needed = gly_job_needed_stages(job, &tasks);
    published.job_start.job_id = job->id;
    published.job_start.name = event->job.name;
    published.job_start.pool = event->job.pool;
    published.job_start.stages = job->stage_count;
    published.job_start.skipped_stages = job->stage_count - needed;
    published.job_start.tasks = tasks;
    gly_scheduler_publish(scheduler, &published);
    if (gly_stage_is_available(job->final_stage)) {
        gly_job_end_later(job, GLY_OK, NULL);
    } else if (scheduler->no_executors != NULL) {
        gly_job_end_later(job, GLY_E_EXECUTOR_START, scheduler->no_executors);
    } else {
        submit_later(job->final_stage);
    }
}

void gly_dag_scheduler_cancel_job(gly_scheduler *scheduler, uint64_t job_id, gly_str reason) {
    gly_job *job = gly_map_get(&scheduler->jobs, job_id);
    if (job != NULL) {
        gly_str text = reason.size == 0 ? GLY_STR("the job was cancelled") : reason;
        gly_job_end_later(job, GLY_E_CANCELLED,
                          gly_scheduler_keep_text(scheduler, "%.*s", GLY_STR_ARG(text)).data);
    }
}

void gly_dag_scheduler_fail_all(gly_scheduler *scheduler, gly_str message) {
    if (scheduler->live_executors.count > 0) {
        return;
    }
    gly_str reason = message.size == 0 ? GLY_STR("no executor can be had") : message;
    gly_str text = gly_scheduler_keep_text(scheduler, "%.*s", GLY_STR_ARG(reason));
    free(scheduler->no_executors);
    scheduler->no_executors = gly_alloc_string(text.data);
    for (size_t i = 0; i < scheduler->job_list.count; i++) {
        gly_job_end_later(scheduler->job_list.items[i], GLY_E_EXECUTOR_START,
                          scheduler->no_executors);
    }
}

void gly_dag_scheduler_fail_stage(gly_stage *stage, gly_status status, const char *error) {
    for (size_t i = 0; i < stage->owners.count; i++) {
        gly_job_end_later(stage->owners.items[i].job, status, error);
    }
}

/* ---- starting and completing stages ---- */

static bool has_missing_parent(const gly_stage *stage) {
    for (size_t i = 0; i < stage->parents.count; i++) {
        if (!gly_stage_is_available(stage->parents.items[i])) {
            return true;
        }
    }
    return false;
}

static void complete_stage(gly_stage *stage) {
    gly_task_set *set = stage->live_set;
    stage->state = GLY_STAGE_IDLE;
    stage->fetch_failures = 0;
    stage->was_completed = true;
    if (set != NULL) {
        gly_health_tracker_set_succeeded(set);
        gly_stage_announce_end(stage, set, NULL);
        gly_task_set_stop(set, false, NULL);
    }
    for (size_t i = 0; i < stage->owners.count; i++) {
        if (stage->owners.items[i].job->final_stage == stage) {
            gly_job_end_later(stage->owners.items[i].job, GLY_OK, NULL);
        }
    }
    for (size_t i = 0; i < stage->children.count; i++) {
        if (stage->children.items[i]->state == GLY_STAGE_WAITING) {
            submit_later(stage->children.items[i]);
        }
    }
}

static void start_attempt(gly_stage *stage) {
    if (!gly_rollback_prepare(stage)) {
        return; /* its jobs end */
    }
    stage->state = GLY_STAGE_RUNNING;
    stage->live_set = gly_task_set_make(stage);
    gly_stage_announce_start(stage);
    if (stage->live_set->remaining_count == 0) {
        complete_stage(stage);
    }
}

static void submit_stage(gly_stage *stage) {
    if (stage->state == GLY_STAGE_RUNNING || stage->state == GLY_STAGE_RESUBMIT) {
        return;
    }
    if (gly_stage_is_available(stage)) {
        complete_stage(stage); /* the last partitions came from an old attempt, or another job */
        return;
    }
    if (!has_missing_parent(stage)) {
        start_attempt(stage);
        return;
    }
    stage->state = GLY_STAGE_WAITING;
    for (size_t i = 0; i < stage->parents.count; i++) {
        gly_stage *parent = stage->parents.items[i];
        if (!gly_stage_is_available(parent) && parent->state == GLY_STAGE_IDLE) {
            submit_later(parent);
        }
    }
}

static void leave_resubmits(gly_stage *stage) {
    gly_scheduler *scheduler = stage->scheduler;
    for (size_t i = 0; i < scheduler->resubmits.count; i++) {
        if (scheduler->resubmits.items[i] == stage) {
            gly_array_remove_at(&scheduler->resubmits, i);
            return;
        }
    }
}

void gly_dag_scheduler_fail_attempt(gly_stage *stage, int64_t resubmit_ms, const char *error) {
    if (stage->state == GLY_STAGE_RUNNING) {
        gly_stage_announce_end(stage, stage->live_set, error);
        gly_task_set_stop(stage->live_set, false, NULL);
        stage->state = GLY_STAGE_RESUBMIT;
        stage->resubmit_ms = resubmit_ms;
        gly_array_push(&stage->scheduler->resubmits, stage);
    }
}

static bool resubmit_due(gly_scheduler *scheduler) {
    for (size_t i = 0; i < scheduler->resubmits.count; i++) {
        gly_stage *stage = scheduler->resubmits.items[i];
        if (stage->resubmit_ms <= scheduler->now_ms) {
            leave_resubmits(stage);
            stage->state = GLY_STAGE_IDLE;
            submit_later(stage);
            return true;
        }
    }
    return false;
}

void gly_dag_scheduler_drain(gly_scheduler *scheduler) {
    for (;;) {
        if (scheduler->to_finish.count > 0) {
            gly_job *job = scheduler->to_finish.items[0];
            gly_array_remove_at(&scheduler->to_finish, 0);
            gly_job_end(job);
        } else if (scheduler->to_submit.count > 0) {
            gly_stage *stage = scheduler->to_submit.items[--scheduler->to_submit.count];
            stage->is_queued = false;
            submit_stage(stage);
        } else if (!resubmit_due(scheduler)) {
            return;
        }
    }
}

int64_t gly_dag_scheduler_next_ms(const gly_scheduler *scheduler) {
    int64_t next_ms = GLY_SCHEDULER_NEVER;
    for (size_t i = 0; i < scheduler->resubmits.count; i++) {
        next_ms = GLY_MIN(next_ms, scheduler->resubmits.items[i]->resubmit_ms);
    }
    return next_ms;
}

/* ---- ends of tasks ---- */

/* A partition has come, from whatever attempt of the stage. */
static void partition_done(gly_stage *stage, uint32_t partition) {
    if (stage->failure_counts != NULL) {
        stage->failure_counts[partition] = 0;
    }
    for (size_t i = 0; i < stage->sets.count; i++) {
        gly_task_set_finish(stage->sets.items[i], partition);
    }
    if (!gly_stage_is_available(stage)) {
        return;
    }
    if (stage->state == GLY_STAGE_RESUBMIT) {
        leave_resubmits(stage);
    }
    if (stage->state != GLY_STAGE_IDLE) {
        complete_stage(stage);
    }
}

static bool accept_map_output(gly_attempt *attempt, gly_str map_output) {
    gly_stage *stage = attempt->set->stage;
    /* Outputs of this executor were declared lost after the task started: this one may be, too. */
    if (attempt->executor->failure_epoch >= attempt->epoch) {
        return false;
    }
    gly_scheduler *scheduler = stage->scheduler;
    if (!gly_map_output_tracker_register(scheduler->tracker, stage->shuffle_id, attempt->partition,
                                         attempt->executor->id, attempt->task_id, map_output)) {
        return false;
    }
    uint32_t count;
    if (gly_map_output_tracker_outputs(scheduler->tracker, stage->shuffle_id,
                                       &count)[attempt->partition]
            .was_there) {
        stage->recomputed_tasks++;
        scheduler->recomputed_tasks++;
    }
    return true;
}

static void announce_result(const gly_attempt *attempt) {
    const gly_stage *stage = attempt->set->stage;
    gly_scheduler_action action = {.kind = GLY_SCHEDULER_PARTITION_DONE};
    action.done.job_id = stage->owners.items[0].job->id;
    action.done.stage_index = stage->owners.items[0].stage_index;
    action.done.stage_id = stage->id;
    action.done.partition = attempt->partition;
    action.done.task_id = attempt->task_id;
    gly_scheduler_add_action(stage->scheduler, &action);
}

bool gly_dag_scheduler_task_ok(gly_attempt *attempt, const gly_scheduler_event *event) {
    gly_task_set *set = attempt->set;
    gly_stage *stage = set->stage;
    uint32_t partition = attempt->partition;
    if (set->is_discarded || gly_stage_has_partition(stage, partition)) {
        return false;
    }
    if (stage->is_shuffle_map) {
        if (!accept_map_output(attempt, event->finished.map_output)) {
            gly_task_set_retry(set, partition);
            return false;
        }
    } else {
        stage->is_done[partition] = 1;
        stage->done_count++;
        announce_result(attempt);
    }
    (void)gly_accumulators_merge(&stage->accumulators, partition, event->finished.numbers);
    if (stage->is_shuffle_map && event->finished.numbers != NULL) {
        gly_map_output_tracker_set_cost(stage->scheduler->tracker, stage->shuffle_id, partition,
                                        event->finished.numbers->values[GLY_TASK_NUMBER_RUN_NS]);
    }
    gly_speculation_record(set, stage->scheduler->now_ms - attempt->launched_ms);
    partition_done(stage, partition);
    return true;
}

static void give_up(gly_attempt *attempt, gly_status status, gly_str message) {
    gly_stage *stage = attempt->set->stage;
    gly_scheduler *scheduler = stage->scheduler;
    gly_str text = gly_scheduler_keep_text(
        scheduler,
        "partition %u of stage %u failed %u times, the last time on executor %u (%s): %.*s",
        attempt->partition, stage->id, attempt->set->tasks[attempt->partition].failure_count,
        attempt->executor->id, scheduler->hosts.items[attempt->executor->host].name,
        GLY_STR_ARG(message));
    gly_dag_scheduler_fail_stage(stage, status, text.data);
}

void gly_dag_scheduler_task_failed(gly_attempt *attempt, gly_status status, bool retryable,
                                   gly_str message) {
    gly_task_set *set = attempt->set;
    gly_scheduler *scheduler = set->scheduler;
    gly_task *task = &set->tasks[attempt->partition];
    gly_output_commit_release(attempt);
    status = status == GLY_OK ? GLY_E_TASK_FAILED : status;
    if (set->is_zombie || task->state != GLY_TASK_RUNNING || attempt->is_killed) {
        gly_task_set_retry(set, attempt->partition);
        return;
    }
    if (!retryable) {
        gly_str text = gly_scheduler_keep_text(scheduler, "%.*s", GLY_STR_ARG(message));
        gly_dag_scheduler_fail_stage(set->stage, status, text.data);
        return;
    }
    task->failure_count++;
    if (set->stage->failure_counts == NULL) {
        set->stage->failure_counts = GLY_NEW_ARRAY(uint16_t, set->stage->task_count);
    }
    set->stage->failure_counts[attempt->partition] = task->failure_count;
    if (task->failure_count >= scheduler->options.max_task_failures) {
        give_up(attempt, status, message);
        return;
    }
    task->avoid_executor = attempt->executor->id;
    task->avoid_until_ms = scheduler->now_ms + scheduler->options.avoid_ms;
    gly_health_tracker_task_failed(set, attempt->partition, attempt->executor);
    gly_task_set_retry(set, attempt->partition);
}

/* ---- lost outputs ---- */

typedef struct lost_outputs {
    gly_scheduler *scheduler;
    GLY_ARRAY(gly_stage *) stages; /* that lost something, each once */
    uint32_t executor_id;
    uint32_t shuffle_id, count; /* of the shuffle being walked */
} lost_outputs;

static void publish_lost(lost_outputs *lost) {
    if (lost->count > 0) {
        gly_event event = {.kind = GLY_EVENT_OUTPUTS_LOST};
        event.outputs_lost.executor_id = lost->executor_id;
        event.outputs_lost.shuffle_id = lost->shuffle_id;
        event.outputs_lost.outputs = lost->count;
        gly_scheduler_publish(lost->scheduler, &event);
    }
    lost->count = 0;
}

static void note_lost(void *context, uint32_t shuffle_id, uint32_t map_partition) {
    lost_outputs *lost = context;
    gly_stage *stage = gly_map_get(&lost->scheduler->stages_by_shuffle, shuffle_id);
    if (shuffle_id != lost->shuffle_id) {
        publish_lost(lost);
        lost->shuffle_id = shuffle_id;
    }
    lost->count++;
    if (stage == NULL) {
        return; /* kept for later jobs only */
    }
    if (lost->stages.count == 0 || lost->stages.items[lost->stages.count - 1] != stage) {
        gly_array_push(&lost->stages, stage);
    }
    if (stage->live_set != NULL) {
        gly_task_set_reopen(stage->live_set, map_partition);
    }
}

void gly_dag_scheduler_check_readers(gly_stage *stage) {
    for (size_t i = 0; i < stage->children.count; i++) {
        gly_stage *child = stage->children.items[i];
        if (child->state == GLY_STAGE_RUNNING) {
            gly_dag_scheduler_fail_attempt(child, stage->scheduler->now_ms,
                                           "map outputs it reads were lost");
        } else if (child->state == GLY_STAGE_WAITING) {
            submit_later(child);
        }
    }
}

uint32_t gly_dag_scheduler_lose_outputs(gly_scheduler *scheduler, gly_executor *executor) {
    lost_outputs lost = {.scheduler = scheduler, .executor_id = executor->id};
    lost.shuffle_id = UINT32_MAX;
    uint32_t count =
        gly_map_output_tracker_lose_executor(scheduler->tracker, executor->id, note_lost, &lost);
    publish_lost(&lost);
    for (size_t i = 0; i < lost.stages.count; i++) {
        gly_dag_scheduler_check_readers(lost.stages.items[i]);
    }
    gly_array_clear(&lost.stages);
    return count;
}

/* is_excused: the executor that had the output has left in good order, which is nobody's failure.
 */
static void count_fetch_failure(gly_stage *stage, gly_str message, bool is_excused) {
    gly_scheduler *scheduler = stage->scheduler;
    stage->fetch_failures += !is_excused;
    if (stage->fetch_failures >= scheduler->options.max_stage_attempts) {
        gly_str text = gly_scheduler_keep_text(
            scheduler,
            "stage %u failed %u times in a row because map outputs could not be read, "
            "the last time: %.*s",
            stage->id, stage->fetch_failures, GLY_STR_ARG(message));
        gly_dag_scheduler_fail_stage(stage, GLY_E_FETCH_FAILED, text.data);
        return;
    }
    gly_str text = gly_scheduler_keep_text(scheduler, "%.*s", GLY_STR_ARG(message));
    gly_dag_scheduler_fail_attempt(stage, scheduler->now_ms + scheduler->options.resubmit_delay_ms,
                                   text.data);
}

void gly_dag_scheduler_fetch_failed(gly_attempt *attempt, const gly_scheduler_event *event) {
    gly_task_set *set = attempt->set;
    gly_stage *stage = set->stage;
    gly_output_commit_release(attempt);
    if (set->is_discarded || set->attempt + 1 != stage->attempt_count) {
        return; /* news of an old attempt: its outputs have been dealt with */
    }
    gly_executor *executor =
        gly_executor_table_find(stage->scheduler, event->finished.failed_executor_id);
    if (!set->is_zombie && set->tasks[attempt->partition].state == GLY_TASK_RUNNING) {
        count_fetch_failure(stage, event->finished.message,
                            executor != NULL && executor->is_decommissioning);
    }
    if (executor != NULL && executor->failure_epoch < attempt->epoch) {
        executor->failure_epoch = attempt->epoch;
        (void)gly_dag_scheduler_lose_outputs(stage->scheduler, executor);
    }
}
