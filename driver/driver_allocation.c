/* driver_allocation.c - the driver's side of allocation/: what it looks at, and what is done about
 * it.
 *
 * Once a round, but at most every 100 ms, the executors and the queue are shown to the state
 * machine; the difference to what it wants is asked for, and whom it names is let go.  Every change
 * of the target is an Allocation event, every change of the numbers an Executors event. Runs on the
 * owner thread.  Not here: the rules (allocation/allocation.c).
 */
#include "driver/driver_internal.h"

#include "lib/base/clock.h"

static uint32_t config_count(const gly_config *config, gly_config_id id) {
    int64_t count = gly_config_int(config, id);
    return (uint32_t)GLY_MIN(GLY_MAX(count, 0), (int64_t)UINT32_MAX - 1);
}

void gly_driver_read_allocation(const gly_config *config, gly_allocation_rules *ret) {
    uint32_t cores = GLY_MAX(config_count(config, GLY_CONFIG_EXECUTOR_CORES), 1);
    uint32_t width = GLY_MAX(config_count(config, GLY_CONFIG_TASK_WIDTH), 1);
    *ret = (gly_allocation_rules){
        .is_dynamic = gly_config_bool(config, GLY_CONFIG_DYNAMIC_ALLOCATION),
        .fixed = config_count(config, GLY_CONFIG_EXECUTOR_COUNT),
        .min = config_count(config, GLY_CONFIG_DYNAMIC_MIN),
        .initial = config_count(config, GLY_CONFIG_DYNAMIC_INITIAL),
        .max = config_count(config, GLY_CONFIG_DYNAMIC_MAX),
        .backlog_ms = gly_config_int(config, GLY_CONFIG_DYNAMIC_BACKLOG),
        .sustained_ms = gly_config_int(config, GLY_CONFIG_DYNAMIC_SUSTAINED),
        .idle_ms = gly_config_int(config, GLY_CONFIG_DYNAMIC_IDLE),
        .slots = GLY_MAX(cores / width, 1),
        .admitted = GLY_ALLOCATION_NO_CAP,
    };
}

void gly_driver_allocation_stop(gly_driver *driver) {
    gly_allocation_free(driver->allocation);
    gly_array_clear(&driver->allocation_view);
}

/* ---- what executors hold ---------------------------------------------------------------- */

void gly_driver_allocation_add_output(gly_driver_executor *executor, uint64_t job_id,
                                      uint64_t bytes) {
    for (size_t i = 0; i < executor->outputs.count; i++) {
        if (executor->outputs.items[i].job_id == job_id) {
            executor->outputs.items[i].count++;
            executor->outputs.items[i].bytes += bytes;
            return;
        }
    }
    gly_driver_outputs fresh = {job_id, 1, bytes};
    gly_array_push(&executor->outputs, fresh);
}

void gly_driver_allocation_end_job(gly_driver *driver, uint64_t job_id) {
    gly_driver_executor *executor;
    for (size_t e = 0; (executor = gly_map_next(&driver->executors, &e)) != NULL;) {
        for (size_t i = executor->outputs.count; i-- > 0;) {
            if (executor->outputs.items[i].job_id == job_id) {
                gly_array_remove_at(&executor->outputs, i);
            }
        }
    }
}

static gly_allocation_executor look_at(gly_driver *driver, const gly_driver_executor *executor) {
    gly_allocation_executor seen = {
        .id = executor->id,
        .is_registered = executor->registered,
        .is_leaving = executor->is_let_go || executor->is_leaving,
        .is_busy = executor->running_tasks > 0,
        .idle_since_ms = executor->idle_since_ms,
        .has_cache = gly_driver_cache_holds(driver, executor->id),
        .has_shuffle = executor->outputs.count > 0,
    };
    for (size_t i = 0; i < executor->outputs.count; i++) {
        seen.shuffle_bytes += executor->outputs.items[i].bytes;
    }
    return seen;
}

/* ---- a round ---------------------------------------------------------------------------- */

static void publish(gly_driver *driver, gly_event *event) {
    event->time_ms = gly_clock_wall_ms();
    gly_event_bus_publish(driver->bus, event);
}

static void publish_numbers(gly_driver *driver) {
    gly_driver_numbers now = {.wanted = driver->wanted_executors, .lost = driver->lost_count};
    gly_driver_executor *executor;
    for (size_t i = 0; (executor = gly_map_next(&driver->executors, &i)) != NULL;) {
        now.leaving += executor->is_let_go;
        now.running += executor->alive && !executor->is_let_go;
        now.starting += !executor->registered && !executor->is_let_go;
    }
    if (memcmp(&now, &driver->numbers, sizeof now) != 0) {
        driver->numbers = now;
        gly_event event = {.kind = GLY_EVENT_EXECUTORS};
        event.executors.wanted = now.wanted;
        event.executors.running = now.running;
        event.executors.starting = now.starting;
        event.executors.leaving = now.leaving;
        event.executors.lost = now.lost;
        publish(driver, &event);
    }
}

static void publish_decision(gly_driver *driver, const gly_allocation_decision *decision,
                             const gly_scheduler_load *load) {
    gly_event event = {.kind = GLY_EVENT_ALLOCATION};
    event.allocation.wanted = decision->wanted;
    event.allocation.previous = decision->previous;
    event.allocation.let_go = decision->let_go_count;
    event.allocation.running = load->live_executors;
    event.allocation.pending_tasks = load->pending_tasks;
    event.allocation.running_tasks = load->running_tasks;
    event.allocation.reason = gly_str_of(decision->why);
    publish(driver, &event);
}

static void decide(gly_driver *driver, int64_t now_ms) {
    driver->allocation_view.count = 0;
    gly_driver_executor *executor;
    for (size_t i = 0; (executor = gly_map_next(&driver->executors, &i)) != NULL;) {
        gly_allocation_executor seen = look_at(driver, executor);
        gly_array_push(&driver->allocation_view, seen);
    }
    gly_scheduler_load load = gly_scheduler_current_load(driver->scheduler);
    gly_allocation_input input = {
        .pending_tasks = load.pending_tasks + load.pending_speculative,
        .running_tasks = load.running_tasks,
        .active_jobs = load.active_jobs,
        .executor_count = (uint32_t)driver->allocation_view.count,
        .executors = driver->allocation_view.items,
    };
    gly_allocation_decision decision = gly_allocation_step(driver->allocation, &input, now_ms);
    driver->allocation_wake_ms = decision.next_ms;
    driver->wanted_executors = decision.wanted;
    if (decision.why[0] != '\0') {
        publish_decision(driver, &decision, &load);
    }
    for (uint32_t i = 0; i < decision.let_go_count; i++) {
        executor = gly_driver_executors_find(driver, decision.let_go[i]);
        if (executor != NULL) {
            gly_driver_executors_let_go(driver, executor, decision.why);
        }
    }
    if (decision.wanted > decision.previous) {
        gly_driver_executors_fill(driver);
    }
}

void gly_driver_allocation_round(gly_driver *driver, bool had_messages) {
    int64_t now_ms = gly_clock_ms();
    if (had_messages) {
        driver->allocation_wake_ms = GLY_MIN(driver->allocation_wake_ms, driver->allocation_due_ms);
    }
    if (now_ms >= driver->allocation_wake_ms) {
        decide(driver, now_ms);
        driver->allocation_due_ms = now_ms + GLY_ALLOCATION_TICK_MS;
    }
    publish_numbers(driver);
}

void gly_driver_allocation_set_rules(gly_driver *driver, const gly_allocation_rules *rules) {
    gly_allocation_set_rules(driver->allocation, rules);
    driver->allocation_wake_ms = 0;
}
