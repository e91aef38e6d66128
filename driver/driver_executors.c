/* driver_executors.c - the executors of this driver: asked for, started, registered, let go, lost.
 *
 *   request ──STARTED──> starting ──Register──> alive ──(let go)──> leaving ──stream ends──> gone
 *      │ FAILED              │ deadline, EXITED                                 │ EXITED
 *      └─────────────────────┴──> start_failed: counted, asked for again        └─> lose_executor
 *
 * Runs on the owner thread only.  How many are wanted is decided elsewhere (allocation/); here the
 * difference is asked for and what was lost is told to the scheduler.  Invariant: an executor that
 * is let go, or was forgotten, is given no task any more.
 */
#include "driver/driver_internal.h"

#include "lib/base/clock.h"

#include <stdio.h>
#include <stdlib.h>

enum { TRY_AGAIN_MS = 30000 }; /* after too many failures in a row, while others still run */

gly_driver_executor *gly_driver_executors_find(gly_driver *driver, uint32_t id) {
    return gly_map_get(&driver->executors, id);
}

static void add_executor(gly_driver *driver, uint32_t id) {
    gly_driver_executor *executor = GLY_NEW(gly_driver_executor);
    executor->id = id;
    executor->deadline_ms = INT64_MAX; /* until its process exists: a pod may wait for a node */
    executor->idle_since_ms = gly_clock_ms();
    gly_map_put(&driver->executors, id, executor);
}

static void forget_executor(gly_driver *driver, gly_driver_executor *executor) {
    gly_map_remove(&driver->executors, executor->id);
    gly_array_clear(&executor->sent);
    gly_array_clear(&executor->launches);
    gly_array_clear(&executor->outputs);
    free(executor->leaving_reason);
    free(executor);
}

uint32_t gly_driver_executors_count(gly_driver *driver, bool also_starting) {
    uint32_t count = 0;
    gly_driver_executor *executor;
    for (size_t i = 0; (executor = gly_map_next(&driver->executors, &i)) != NULL;) {
        count += executor->alive || (also_starting && !executor->registered);
    }
    return count;
}

/* Those that stay: alive or starting, and not let go. */
static uint32_t count_staying(gly_driver *driver) {
    uint32_t count = 0;
    gly_driver_executor *executor;
    for (size_t i = 0; (executor = gly_map_next(&driver->executors, &i)) != NULL;) {
        count += (executor->alive || !executor->registered) && !executor->is_let_go;
    }
    return count;
}

/* ---- asking ----------------------------------------------------------------------------- */

void gly_driver_executors_give_up_if_hopeless(gly_driver *driver) {
    int64_t cap = gly_config_int(driver->config, GLY_CONFIG_EXECUTOR_MAX_FAILURES);
    if (driver->failures_in_a_row >= cap && !driver->gave_up) {
        driver->gave_up = true;
        driver->try_again_ms = gly_clock_ms() + TRY_AGAIN_MS;
    }
    bool may_come = gly_config_bool(driver->config, GLY_CONFIG_EXECUTOR_REPLACE) ||
                    gly_allocation_get_rules(driver->allocation)->is_dynamic;
    if ((driver->gave_up || !may_come) && gly_driver_executors_count(driver, true) == 0) {
        char message[GLY_ERROR_MESSAGE_SIZE];
        snprintf(message, sizeof message, "No executor can be had: %s",
                 driver->last_failure == NULL ? "none could be started" : driver->last_failure);
        gly_scheduler_event event = {.kind = GLY_SCHEDULER_NO_EXECUTORS,
                                     .no_executors = {gly_str_of(message)}};
        gly_driver_loop_step(driver, &event, NULL);
    }
}

static void request_executors(gly_driver *driver, uint32_t count) {
    uint32_t *ids = GLY_NEW_ARRAY(uint32_t, count);
    gly_error err = {0};
    if (driver->manager->request(driver->cluster, count, ids, &err) != GLY_OK) {
        free(driver->last_failure);
        driver->last_failure = gly_alloc_string(err.message);
        driver->gave_up = true;
        driver->try_again_ms = gly_clock_ms() + TRY_AGAIN_MS;
        gly_driver_executors_give_up_if_hopeless(driver);
    } else {
        for (uint32_t i = 0; i < count; i++) {
            add_executor(driver, ids[i]);
        }
    }
    free(ids);
}

void gly_driver_executors_fill(gly_driver *driver) {
    uint32_t have = count_staying(driver);
    if (!driver->gave_up && have < driver->wanted_executors) {
        request_executors(driver, driver->wanted_executors - have);
    }
}

static void replace_executors(gly_driver *driver) {
    if (gly_config_bool(driver->config, GLY_CONFIG_EXECUTOR_REPLACE)) {
        gly_driver_executors_fill(driver);
    }
}

void gly_driver_executors_retry(gly_driver *driver) {
    if (driver->gave_up && gly_driver_executors_count(driver, true) == 0) {
        driver->gave_up = false;
        driver->failures_in_a_row = 0;
        replace_executors(driver);
    }
}

/* Those that run go on with the job; now and then it is tried whether more can be had. */
static void try_again(gly_driver *driver, int64_t now_ms) {
    if (driver->gave_up && now_ms >= driver->try_again_ms &&
        gly_driver_executors_count(driver, false) > 0) {
        int64_t cap = gly_config_int(driver->config, GLY_CONFIG_EXECUTOR_MAX_FAILURES);
        driver->gave_up = false;
        driver->failures_in_a_row = (uint32_t)GLY_MAX(cap - 1, 0);
        replace_executors(driver);
    }
}

/* ---- ending ----------------------------------------------------------------------------- */

static void start_failed(gly_driver *driver, gly_driver_executor *executor, const char *reason) {
    free(driver->last_failure);
    driver->last_failure = gly_alloc_string(reason);
    driver->failures_in_a_row += !executor->is_let_go;
    forget_executor(driver, executor);
    gly_driver_executors_give_up_if_hopeless(driver);
    replace_executors(driver);
}

static void lose_executor(gly_driver *driver, gly_driver_executor *executor, const char *reason,
                          bool caused_by_app) {
    executor->alive = false;
    driver->lost_count += !executor->is_let_go;
    free(driver->last_failure);
    driver->last_failure = gly_alloc_string(reason);
    gly_scheduler_event event = {.kind = GLY_SCHEDULER_EXECUTOR_LOST,
                                 .lost = {executor->id, gly_str_of(reason), caused_by_app}};
    uint32_t id = executor->id;
    gly_driver_cache_lose(driver, id);
    gly_driver_decommission_lost(driver, id);
    gly_driver_loop_step(driver, &event, NULL);
    gly_driver_task *task;
    GLY_ARRAY(uint64_t) gone = {0};
    for (size_t i = 0; (task = gly_map_next(&driver->tasks, &i)) != NULL;) {
        if (task->executor_id == id) {
            gly_array_push(&gone, task->task_id);
        }
    }
    for (size_t i = 0; i < gone.count; i++) {
        free(gly_map_remove(&driver->tasks, gone.items[i]));
    }
    gly_array_clear(&gone);
    /* A zombie must not go on; one that was let go is on its way out, and removes its files. */
    driver->manager->kill(driver->cluster, id, !executor->is_let_go);
    forget_executor(driver, executor);
    replace_executors(driver);
    gly_driver_executors_give_up_if_hopeless(driver);
}

void gly_driver_executors_let_go(gly_driver *driver, gly_driver_executor *executor,
                                 const char *why) {
    (void)why;
    executor->is_let_go = true;
    if (!executor->registered) {
        driver->manager->kill(driver->cluster, executor->id, true);
        forget_executor(driver, executor);
        return;
    }
    gly_scheduler_event event = {.kind = GLY_SCHEDULER_EXECUTOR_DECOMMISSIONING,
                                 .decommissioning = {executor->id}};
    gly_driver_loop_step(driver, &event, NULL);
    driver->manager->kill(driver->cluster, executor->id, false);
}

void gly_driver_executors_register(gly_driver *driver, const gly_driver_message *message) {
    gly_driver_executor *executor = gly_driver_executors_find(driver, message->executor_id);
    if (executor == NULL) { /* given up before it came */
        gly_executor_endpoint_shutdown(driver->endpoint, message->executor_id,
                                       "it is not wanted any more");
    }
    if (executor == NULL || executor->registered) {
        return;
    }
    executor->registered = executor->alive = true;
    executor->cores = message->cores;
    executor->idle_since_ms = gly_clock_ms();
    driver->failures_in_a_row = 0;
    gly_scheduler_event event = {
        .kind = GLY_SCHEDULER_EXECUTOR_REGISTERED,
        .registered = {message->executor_id, gly_str_of(message->text), {"", 0}, message->cores}};
    gly_driver_loop_step(driver, &event, NULL);
}

static void warn(gly_driver *driver, const gly_driver_message *message) {
    gly_event event = {.kind = GLY_EVENT_WARNING, .time_ms = gly_clock_wall_ms()};
    event.warning.executor_id = message->executor_id;
    event.warning.reason = gly_str_of(message->code);
    event.warning.message = gly_str_of(message->text == NULL ? "" : message->text);
    gly_event_bus_publish(driver->bus, &event);
}

void gly_driver_executors_on_cluster(gly_driver *driver, const gly_driver_message *message) {
    gly_driver_executor *executor = gly_driver_executors_find(driver, message->executor_id);
    if (message->cluster_kind == GLY_CLUSTER_WARNING) {
        warn(driver, message);
        return;
    }
    if (executor == NULL) {
        return;
    }
    if (message->cluster_kind == GLY_CLUSTER_STARTED) {
        if (!executor->registered) {
            executor->deadline_ms =
                gly_clock_ms() + gly_config_int(driver->config, GLY_CONFIG_EXECUTOR_START_TIMEOUT);
        }
        return;
    }
    const char *reason = message->text == NULL ? "it ended" : message->text;
    if (!executor->registered) {
        start_failed(driver, executor, reason);
    } else {
        lose_executor(driver, executor, reason, !message->expected);
    }
}

void gly_driver_executors_on_lost(gly_driver *driver, gly_driver_message *message) {
    gly_driver_executor *executor = gly_driver_executors_find(driver, message->executor_id);
    if (executor == NULL || executor->is_leaving) {
        return;
    }
    executor->is_leaving = true;
    executor->deadline_ms = /* until then its process may say how it ended */
        gly_clock_ms() + (executor->is_let_go ? 0 : driver->manager->exit_report_ms);
    executor->leaving_reason = message->text;
    message->text = NULL;
}

void gly_driver_executors_check_deadlines(gly_driver *driver) {
    int64_t now = gly_clock_ms();
    try_again(driver, now);
    gly_driver_executor *executor;
    for (size_t i = 0; (executor = gly_map_next(&driver->executors, &i)) != NULL;) {
        if (executor->is_leaving && now >= executor->deadline_ms) {
            lose_executor(driver, executor, executor->leaving_reason, false);
            i = 0;
        } else if (!executor->registered && now >= executor->deadline_ms) {
            driver->manager->kill(driver->cluster, executor->id, true);
            char reason[128];
            snprintf(reason, sizeof reason, "executor %u did not register in time", executor->id);
            start_failed(driver, executor, reason);
            i = 0;
        }
    }
}

int64_t gly_driver_executors_next_deadline(gly_driver *driver) {
    bool tries_again = driver->gave_up && gly_driver_executors_count(driver, false) > 0;
    int64_t deadline = tries_again ? driver->try_again_ms : INT64_MAX;
    gly_driver_executor *executor;
    for (size_t i = 0; (executor = gly_map_next(&driver->executors, &i)) != NULL;) {
        if (executor->is_leaving || !executor->registered) {
            deadline = GLY_MIN(deadline, executor->deadline_ms);
        }
    }
    return deadline;
}

void gly_driver_executors_clear(gly_driver *driver) {
    gly_driver_executor *executor;
    for (size_t i = 0; (executor = gly_map_next(&driver->executors, &i)) != NULL; i = 0) {
        forget_executor(driver, executor);
    }
    gly_map_clear(&driver->executors);
}
