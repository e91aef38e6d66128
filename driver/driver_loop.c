/* driver_loop.c - the owner thread: messages in, scheduler steps, actions done.
 *
 * One thread holds the scheduler and everything that belongs to it, so there are no locks but the
 * inbox's.  A round takes all messages at once; launches of a round go to each executor as one send.
 * Invariant: a stage's plan is sent to an executor before the first launch of that stage attempt, and
 * a job is not touched after gly_driver_job_finish (its tasks' records then point to no job).
 * Not here: executors coming and going (driver_executors.c).
 */
#include "driver/driver_internal.h"

#include "lib/base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void gly_driver_loop_post(gly_driver *driver, gly_driver_message message) {
    pthread_mutex_lock(&driver->lock);
    gly_array_push(&driver->inbox, message);
    pthread_cond_signal(&driver->arrived);
    pthread_mutex_unlock(&driver->lock);
}

/* ---- actions ------------------------------------------------------------------------------ */

static bool knows_stage(const gly_driver_executor *executor, uint32_t stage_id, uint32_t attempt) {
    for (size_t i = executor->sent.count; i-- > 0;) {
        if (executor->sent.items[i].stage_id == stage_id &&
            executor->sent.items[i].stage_attempt == attempt) {
            return true;
        }
    }
    return false;
}

static gly_driver_job *find_job(gly_driver *driver, uint64_t job_id) {
    for (size_t i = 0; i < driver->jobs.count; i++) {
        if (driver->jobs.items[i]->job_id == job_id) {
            return driver->jobs.items[i];
        }
    }
    return NULL;
}

static void launch(gly_driver *driver, const gly_scheduler_action *action) {
    gly_driver_job *job = find_job(driver, action->launch.job_id);
    gly_driver_executor *executor = gly_driver_executors_find(driver, action->launch.executor_id);
    if (job == NULL) { /* it was cancelled by an earlier action of the same step */
        gly_scheduler_event event = {
            .kind = GLY_SCHEDULER_TASK_FINISHED,
            .finished = {.task_id = action->launch.task_id,
                         .executor_id = action->launch.executor_id,
                         .end = GLY_TASK_END_KILLED,
                         .message = GLY_STR("its job has ended")}};
        gly_driver_loop_step(driver, &event, NULL);
        return;
    }
    GLY_ASSERT(executor != NULL);
    uint32_t stage_index = action->launch.stage_index;
    if (!knows_stage(executor, action->launch.stage_id, action->launch.stage_attempt)) {
        gly_executor_endpoint_send_stage(driver->endpoint, executor->id,
                                         gly_driver_job_encode_stage(job, driver, stage_index,
                                                                     action->launch.stage_attempt));
        gly_driver_sent sent = {action->launch.stage_id, action->launch.stage_attempt};
        if (executor->sent.count >= 256) {
            gly_array_remove_at(&executor->sent, 0);
        }
        gly_array_push(&executor->sent, sent);
    }
    gly_executor_endpoint_launch item = {
        .task_id = action->launch.task_id,
        .query_id = job->request->query_id,
        .stage_id = action->launch.stage_id,
        .stage_attempt = action->launch.stage_attempt,
        .partition = action->launch.partition,
        .task_attempt = action->launch.attempt,
        .width = action->launch.width,
    };
    gly_array_push(&executor->launches, item);
    gly_driver_task *task = GLY_NEW(gly_driver_task);
    *task = (gly_driver_task){action->launch.task_id, job, stage_index, action->launch.partition,
                              executor->id};
    gly_map_put(&driver->tasks, task->task_id, task);
    executor->running_tasks++;
    gly_driver_job_launched(job, stage_index);
}

static void send_launches(gly_driver *driver) {
    gly_driver_executor *executor;
    for (size_t i = 0; (executor = gly_map_next(&driver->executors, &i)) != NULL;) {
        if (executor->launches.count > 0) {
            gly_executor_endpoint_send_launch(driver->endpoint, executor->id,
                                              executor->launches.items, executor->launches.count);
            executor->launches.count = 0;
        }
    }
}

static void finish_job(gly_driver *driver, uint64_t job_id, gly_status status, gly_str message) {
    gly_driver_job *job = find_job(driver, job_id);
    if (job == NULL) {
        return;
    }
    for (size_t i = 0; i < driver->jobs.count; i++) {
        if (driver->jobs.items[i] == job) {
            gly_array_remove_at(&driver->jobs, i);
            break;
        }
    }
    /* A query is one job: nobody will read its map outputs again. */
    GLY_ARRAY(uint32_t) shuffles = {0};
    for (uint32_t i = 0; i < job->request->stage_count; i++) {
        if (!job->request->stages[i].is_result) {
            gly_array_push(&shuffles, job->request->stages[i].shuffle_id);
        }
    }
    if (status == GLY_E_CANCELLED && job->own_error != GLY_OK) {
        status = job->own_error;
    }
    if (!gly_driver_drain_begin(driver, job, status, message)) {
        gly_driver_drain_forget(driver, job);
        gly_driver_job_fail(job, status, message);
        gly_driver_job_finish(job); /* from here on it is the caller's */
    }
    for (size_t i = 0; i < shuffles.count; i++) {
        gly_scheduler_event event = {.kind = GLY_SCHEDULER_SHUFFLE_REMOVED,
                                     .shuffle = {shuffles.items[i]}};
        gly_driver_loop_step(driver, &event, NULL);
    }
    gly_array_clear(&shuffles);
    gly_driver_allocation_end_job(driver, job_id);
}

static void cancel_job(gly_driver *driver, uint64_t job_id, gly_str reason) {
    gly_scheduler_event event = {.kind = GLY_SCHEDULER_JOB_CANCELLED,
                                 .cancelled = {job_id, reason}};
    gly_driver_loop_step(driver, &event, NULL);
}

/* Results come with the update that caused the action. */
static void take_result(gly_driver *driver, const gly_scheduler_action *action,
                        const gly_task_update *update) {
    gly_driver_job *job = find_job(driver, action->done.job_id);
    if (job == NULL || update == NULL || update->task_id != action->done.task_id) {
        return;
    }
    gly_driver_task *task = gly_map_get(&driver->tasks, update->task_id);
    gly_error err = {0};
    if (job->request->cache_id != 0) {
        gly_driver_cache_put(driver, job->request->cache_id, job->result_count,
                             action->done.partition, task == NULL ? 0 : task->executor_id);
    }
    if (!gly_driver_job_take(job, action->done.stage_index, action->done.partition,
                             task == NULL ? 0 : task->executor_id, update, &err)) {
        job->own_error = err.status; /* what its cancellation is told as */
        cancel_job(driver, job->job_id, gly_str_of(err.message));
    }
}

static void do_action(gly_driver *driver, const gly_scheduler_action *action,
                      const gly_task_update *update) {
    gly_driver_job *job;
    switch (action->kind) {
    case GLY_SCHEDULER_LAUNCH_TASK:
        launch(driver, action);
        break;
    case GLY_SCHEDULER_KILL_TASK:
        send_launches(driver); /* so that the kill does not overtake its launch */
        gly_executor_endpoint_send_kill(driver->endpoint, action->kill.executor_id,
                                        &action->kill.task_id, 1);
        break;
    case GLY_SCHEDULER_PARTITION_DONE:
        take_result(driver, action, update);
        break;
    case GLY_SCHEDULER_STAGE_STARTED:
        job = find_job(driver, action->stage.job_id);
        if (job != NULL) {
            gly_driver_stage *stage = &job->stages[action->stage.stage_index];
            stage->attempts++;
            stage->start_ns = stage->start_ns == 0 ? gly_clock_ns() : stage->start_ns;
        }
        break;
    case GLY_SCHEDULER_STAGE_COMPLETED:
        job = find_job(driver, action->stage.job_id);
        if (job != NULL) {
            gly_driver_job_stage_ended(job, action->stage.stage_index, action->stage.accumulators);
        }
        break;
    case GLY_SCHEDULER_JOB_FINISHED:
        job = find_job(driver, action->job.job_id);
        if (job != NULL) {
            job->recomputed_tasks = action->job.recomputed_tasks;
        }
        finish_job(driver, action->job.job_id, action->job.status, action->job.error);
        break;
    case GLY_SCHEDULER_EXECUTOR_REFUSED:
        gly_executor_endpoint_shutdown(driver->endpoint, action->refused.executor_id,
                                       "its id was used before");
        break;
    default:
        break;
    }
}

void gly_driver_loop_step(gly_driver *driver, const gly_scheduler_event *event,
                          const gly_task_update *update) {
    size_t count;
    const gly_scheduler_action *actions =
        gly_scheduler_step(driver->scheduler, event, gly_clock_ms(), &count);
    /* Doing an action may step again (a cancelled job), which invalidates the list: copy it. */
    gly_scheduler_action few[8];
    gly_scheduler_action *copy = few;
    if (count > GLY_ARRAY_LEN(few)) {
        copy = gly_alloc(count * sizeof *copy);
    }
    memcpy(copy, actions, count * sizeof *copy);
    for (size_t i = 0; i < count; i++) {
        do_action(driver, &copy[i], update);
    }
    if (copy != few) {
        free(copy);
    }
}

/* ---- messages ----------------------------------------------------------------------------- */

static uint32_t parse_executor_id(gly_str text) {
    uint64_t id = UINT32_MAX;
    while (text.size > 0 && (text.data[0] < '0' || text.data[0] > '9')) {
        text.data++;
        text.size--;
    }
    return gly_str_to_u64(text, &id) ? (uint32_t)id : UINT32_MAX;
}

/* For allocation: who is idle since when, who holds map outputs. */
static void note_end(gly_driver *driver, const gly_driver_task *task,
                     const gly_task_update *update) {
    gly_driver_executor *executor = gly_driver_executors_find(driver, task->executor_id);
    if (executor == NULL) {
        return;
    }
    executor->running_tasks -= executor->running_tasks > 0;
    if (executor->running_tasks == 0) {
        executor->idle_since_ms = gly_clock_ms();
    }
    if (task->job != NULL && !task->job->is_draining && update->outcome == GLY_TASK_SUCCEEDED &&
        update->map_status.size > 0) {
        gly_driver_allocation_add_output(executor, task->job->job_id,
                                         update->metrics.shuffle_write_bytes);
    }
}

static void on_update(gly_driver *driver, uint32_t executor_id, const gly_task_update *update) {
    static const gly_task_end ends[] = {[GLY_TASK_SUCCEEDED] = GLY_TASK_END_OK,
                                        [GLY_TASK_FAILED] = GLY_TASK_END_FAILED,
                                        [GLY_TASK_KILLED] = GLY_TASK_END_KILLED,
                                        [GLY_TASK_FETCH_FAILED] = GLY_TASK_END_FETCH_FAILED};
    gly_driver_task *task = gly_map_get(&driver->tasks, update->task_id);
    if (task == NULL || task->executor_id != executor_id) {
        return;
    }
    if (task->job != NULL) {
        gly_driver_job_task_ended(task->job, task->stage_index, task->partition, update);
    }
    note_end(driver, task, update);
    gly_task_numbers numbers = {0};
    _Static_assert(sizeof numbers.values == sizeof update->metrics, "the same measures");
    memcpy(numbers.values, &update->metrics, sizeof numbers.values);
    numbers.operator_count = update->operator_count;
    _Static_assert(sizeof(gly_operator_rows) == sizeof(gly_task_update_operator), "the same rows");
    numbers.operators = (const gly_operator_rows *)(const void *)update->operators;
    gly_scheduler_event event = {
        .kind = GLY_SCHEDULER_TASK_FINISHED,
        .finished = {.task_id = update->task_id,
                     .executor_id = executor_id,
                     .end = ends[update->outcome],
                     .error = update->status,
                     .retryable = update->retryable,
                     .message = update->message,
                     .map_output = update->map_status,
                     .failed_shuffle_id = update->failed_shuffle_id,
                     .failed_map_partition = update->failed_map_partition,
                     .failed_executor_id = parse_executor_id(update->failed_executor_id),
                     .numbers = &numbers}};
    gly_driver_loop_step(driver, &event, update);
    free(gly_map_remove(&driver->tasks, update->task_id));
}

static void submit(gly_driver *driver, gly_driver_job *job) {
    const gly_job_request *request = job->request;
    job->job_id = driver->next_job_id++;
    job->first_stage_id = driver->next_stage_id;
    driver->next_stage_id += request->stage_count;
    gly_array_push(&driver->jobs, job);
    gly_scheduler_stage *stages = GLY_NEW_ARRAY(gly_scheduler_stage, request->stage_count);
    uint32_t width = (uint32_t)gly_config_int(request->config, GLY_CONFIG_TASK_WIDTH);
    gly_arena *arena = gly_arena_make();
    for (uint32_t i = 0; i < request->stage_count; i++) {
        const gly_stage_plan *plan = &request->stages[i];
        job->stages[i].stage_id = job->first_stage_id + i;
        stages[i] = (gly_scheduler_stage){
            .stage_id = job->stages[i].stage_id,
            .name = gly_str_of(gly_physical_name(plan->plan->kind)),
            .is_shuffle_map = !plan->is_result,
            .shuffle_id = plan->shuffle_id,
            .task_count = plan->task_count,
            .width = width,
            .parent_count = plan->parent_count,
            .parents = plan->parents,
            .preferences = gly_driver_cache_preferences(driver, arena, plan->plan,
                                                        plan->task_count),
        };
    }
    gly_scheduler_event event = {
        .kind = GLY_SCHEDULER_JOB_SUBMITTED,
        .job = {.job_id = job->job_id,
                .pool = gly_config_text(request->config, GLY_CONFIG_SCHEDULER_POOL),
                .name = request->description,
                .stage_count = request->stage_count,
                .stages = stages,
                .final_stage = request->stage_count - 1}};
    gly_driver_executors_retry(driver); /* a new job is a new chance */
    gly_driver_loop_step(driver, &event, NULL);
    free(stages);
    gly_arena_free(arena);
    gly_driver_executors_give_up_if_hopeless(driver);
}

static void end_query(gly_driver *driver, uint64_t query_id) {
    gly_driver_executor *executor;
    for (size_t i = 0; (executor = gly_map_next(&driver->executors, &i)) != NULL;) {
        gly_executor_endpoint_send_drop_query(driver->endpoint, executor->id, query_id);
    }
}

static void cancel_query(gly_driver *driver, uint64_t query_id, const char *reason) {
    for (size_t i = driver->jobs.count; i-- > 0;) {
        if (i < driver->jobs.count && driver->jobs.items[i]->request->query_id == query_id) {
            cancel_job(driver, driver->jobs.items[i]->job_id, gly_str_of(reason));
        }
    }
}

/* False: stop. */
static bool handle(gly_driver *driver, gly_driver_message *message) {
    gly_driver_executor *executor;
    switch (message->kind) {
    case GLY_DRIVER_REGISTERED:
        gly_driver_executors_register(driver, message);
        break;
    case GLY_DRIVER_UPDATES:
        for (uint32_t i = 0; i < message->updates.count; i++) {
            on_update(driver, message->executor_id, &message->updates.updates[i]);
        }
        gly_arena_free(message->updates.arena);
        break;
    case GLY_DRIVER_LOST:
        gly_driver_executors_on_lost(driver, message);
        break;
    case GLY_DRIVER_CLUSTER:
        gly_driver_executors_on_cluster(driver, message);
        break;
    case GLY_DRIVER_SUBMIT:
        submit(driver, message->job);
        break;
    case GLY_DRIVER_CANCEL:
        cancel_query(driver, message->id, message->text);
        break;
    case GLY_DRIVER_END_QUERY:
        end_query(driver, message->id);
        break;
    case GLY_DRIVER_DROP_CACHE:
        for (size_t i = 0; (executor = gly_map_next(&driver->executors, &i)) != NULL;) {
            gly_executor_endpoint_send_drop_cache(driver->endpoint, executor->id, message->id);
        }
        break;
    case GLY_DRIVER_SUBSCRIBE:
        gly_event_bus_subscribe(driver->bus, message->reader, message->reader_context);
        break;
    case GLY_DRIVER_ALLOCATE:
        gly_driver_allocation_set_rules(driver, &message->rules);
        break;
    case GLY_DRIVER_DECOMMISSIONING:
        gly_driver_decommission_begin(driver, message->executor_id, (int64_t)message->id);
        break;
    case GLY_DRIVER_PULLED:
        gly_driver_decommission_pulled(driver, message->executor_id, message->pulled);
        gly_driver_decommission_forget(message->pulled);
        break;
    case GLY_DRIVER_STOP:
        return false;
    }
    free(message->text);
    return true;
}

static int64_t next_deadline(gly_driver *driver) {
    int64_t deadline = GLY_MIN(gly_scheduler_next_tick(driver->scheduler),
                               gly_driver_executors_next_deadline(driver));
    deadline = GLY_MIN(deadline, gly_driver_decommission_next_ms(driver));
    deadline = GLY_MIN(deadline, gly_driver_drain_next_ms(driver));
    return GLY_MIN(deadline, driver->allocation_wake_ms);
}

static void wait_until(gly_driver *driver, int64_t deadline_ms) {
    pthread_mutex_lock(&driver->lock);
    if (driver->inbox.count == 0) {
        if (deadline_ms == INT64_MAX) {
            pthread_cond_wait(&driver->arrived, &driver->lock);
        } else {
            struct timespec until = {deadline_ms / 1000, (deadline_ms % 1000) * 1000000};
            pthread_cond_timedwait(&driver->arrived, &driver->lock, &until);
        }
    }
    pthread_mutex_unlock(&driver->lock);
}

void *gly_driver_loop_run(void *context) {
    gly_driver *driver = context;
    pthread_setname_np(pthread_self(), "gly-driver");
    gly_driver_allocation_round(driver, true);
    gly_driver_executors_fill(driver);
    GLY_ARRAY(gly_driver_message) round = {0};
    bool goes_on = true;
    while (goes_on) {
        wait_until(driver, next_deadline(driver));
        pthread_mutex_lock(&driver->lock);
        round.count = 0;
        for (size_t i = 0; i < driver->inbox.count; i++) {
            gly_array_push(&round, driver->inbox.items[i]);
        }
        driver->inbox.count = 0;
        pthread_mutex_unlock(&driver->lock);
        for (size_t i = 0; i < round.count && goes_on; i++) {
            goes_on = handle(driver, &round.items[i]);
        }
        gly_driver_executors_check_deadlines(driver);
        if (gly_scheduler_next_tick(driver->scheduler) <= gly_clock_ms()) {
            gly_scheduler_event tick = {.kind = GLY_SCHEDULER_TICK};
            gly_driver_loop_step(driver, &tick, NULL);
        }
        gly_driver_drain_round(driver);
        gly_driver_decommission_round(driver);
        gly_driver_allocation_round(driver, round.count > 0);
        send_launches(driver);
    }
    gly_driver_drain_end(driver);
    gly_array_clear(&round);
    return NULL;
}

void gly_driver_loop_free(gly_driver *driver) {
    gly_driver_executors_clear(driver);
    gly_driver_allocation_stop(driver);
    gly_driver_decommission_free(driver);
    gly_driver_task *task;
    for (size_t i = 0; (task = gly_map_next(&driver->tasks, &i)) != NULL;) {
        free(task);
    }
    for (size_t i = 0; i < driver->inbox.count; i++) {
        free(driver->inbox.items[i].text);
        gly_driver_decommission_forget(driver->inbox.items[i].pulled);
        gly_arena_free(driver->inbox.items[i].updates.arena);
    }
    gly_map_clear(&driver->tasks);
    gly_array_clear(&driver->inbox);
    gly_array_clear(&driver->jobs);
    while (driver->caches.count > 0) {
        gly_driver_cache_remove(driver, driver->caches.items[0].cache_id);
    }
    gly_array_clear(&driver->caches);
    gly_array_clear(&driver->delivering);
    free(driver->last_failure);
}
