/* health_tracker.c - counts failures by task, set and application, and answers "may it run there?".
 *
 * Counters of a set are made at its first failure, so an undisturbed set pays one NULL check for
 * each task.  Application counters only move when a set succeeds in spite of the failures.
 * Not here: the soft rule that a failed task first tries another executor (task_set.c).
 */
#include "driver/scheduler/health_tracker.h"

#include "driver/scheduler/executor_table.h"

enum {
    TASK_FAILURES_ON_EXECUTOR = 1,
    TASK_FAILURES_ON_HOST = 2,
    SET_TASKS_ON_EXECUTOR = 2,
    SET_EXECUTORS_ON_HOST = 2,
    APPLICATION_TASKS_ON_EXECUTOR = 2,
    APPLICATION_EXECUTORS_ON_HOST = 2,
};

typedef struct gly_set_health { /* all maps: key -> count */
    gly_map task_on_executor;   /* partition << 32 | executor */
    gly_map task_on_host;       /* partition << 32 | host */
    gly_map tasks_on_executor;  /* executor: distinct tasks that failed there */
    gly_map executors_on_host;  /* host: executors excluded for the set */
} gly_set_health;

static uint64_t pair_key(uint32_t a, uint32_t b) { return ((uint64_t)a << 32) | b; }

static uintptr_t count_at(const gly_map *map, uint64_t key) {
    return (uintptr_t)gly_map_get(map, key);
}

static uintptr_t count_up(gly_map *map, uint64_t key) {
    uintptr_t count = count_at(map, key) + 1;
    gly_map_put(map, key, (void *)count);
    return count;
}

static bool task_has_place(const gly_task_set *set, uint32_t partition) {
    gly_scheduler *scheduler = set->scheduler;
    for (size_t i = 0; i < scheduler->live_executors.count; i++) {
        const gly_executor *executor = scheduler->live_executors.items[i];
        if (!executor->is_decommissioning && !gly_health_tracker_is_excluded(scheduler, executor) &&
            gly_health_tracker_allows_set(set, executor) &&
            (set->health == NULL || gly_health_tracker_allows_task(set, partition, executor))) {
            return true;
        }
    }
    return false;
}

void gly_health_tracker_check_task(gly_task_set *set, uint32_t partition) {
    if (set->unschedulable_since_ms == GLY_SCHEDULER_NEVER && !task_has_place(set, partition)) {
        set->unschedulable_since_ms = set->scheduler->now_ms;
        set->unschedulable_partition = partition;
    }
}

void gly_health_tracker_find_stuck(gly_task_set *set) {
    bool is_first = true; /* of the tasks without failures: they all may run at the same places */
    for (uint32_t p = 0; set->pending_count > 0 && p < set->stage->task_count; p++) {
        if (set->unschedulable_since_ms != GLY_SCHEDULER_NEVER) {
            return;
        }
        const gly_task *task = &set->tasks[p];
        if (task->state == GLY_TASK_PENDING && (task->failure_count > 0 || is_first)) {
            is_first &= task->failure_count > 0;
            gly_health_tracker_check_task(set, p);
        }
    }
}

void gly_health_tracker_task_failed(gly_task_set *set, uint32_t partition, gly_executor *executor) {
    if (!set->scheduler->options.exclude_on_failure || set->is_zombie) {
        return;
    }
    if (set->health == NULL) {
        set->health = GLY_NEW(gly_set_health);
    }
    if (count_up(&set->health->task_on_executor, pair_key(partition, executor->id)) == 1 &&
        count_up(&set->health->tasks_on_executor, executor->id) == SET_TASKS_ON_EXECUTOR) {
        count_up(&set->health->executors_on_host, executor->host);
        gly_health_tracker_find_stuck(set); /* for whom this was the last place */
    }
    count_up(&set->health->task_on_host, pair_key(partition, executor->host));
}

bool gly_health_tracker_allows_task(const gly_task_set *set, uint32_t partition,
                                    const gly_executor *executor) {
    const gly_set_health *health = set->health;
    return count_at(&health->task_on_executor, pair_key(partition, executor->id)) <
               TASK_FAILURES_ON_EXECUTOR &&
           count_at(&health->task_on_host, pair_key(partition, executor->host)) <
               TASK_FAILURES_ON_HOST;
}

bool gly_health_tracker_allows_set(const gly_task_set *set, const gly_executor *executor) {
    const gly_set_health *health = set->health;
    return health == NULL ||
           (count_at(&health->tasks_on_executor, executor->id) < SET_TASKS_ON_EXECUTOR &&
            count_at(&health->executors_on_host, executor->host) < SET_EXECUTORS_ON_HOST);
}

bool gly_health_tracker_is_excluded(gly_scheduler *scheduler, const gly_executor *executor) {
    int64_t until_ms = GLY_MAX(executor->excluded_until_ms,
                               scheduler->hosts.items[executor->host].excluded_until_ms);
    if (until_ms <= scheduler->now_ms) {
        return false;
    }
    scheduler->next_exclusion_end_ms = GLY_MIN(scheduler->next_exclusion_end_ms, until_ms);
    return true;
}

static void exclude(gly_scheduler *scheduler, gly_executor *executor) {
    executor->excluded_until_ms = scheduler->now_ms + scheduler->options.exclude_timeout_ms;
    uint32_t excluded_on_host = 0;
    for (size_t i = 0; i < scheduler->live_executors.count; i++) {
        const gly_executor *other = scheduler->live_executors.items[i];
        excluded_on_host +=
            other->host == executor->host && other->excluded_until_ms > scheduler->now_ms;
    }
    if (excluded_on_host >= APPLICATION_EXECUTORS_ON_HOST) {
        scheduler->hosts.items[executor->host].excluded_until_ms = executor->excluded_until_ms;
    }
    gly_event event = {.kind = GLY_EVENT_EXECUTOR_EXCLUDED};
    event.executor_excluded.executor_id = executor->id;
    event.executor_excluded.failures = executor->failure_expiries_ms.count;
    gly_scheduler_publish(scheduler, &event);
    for (size_t i = 0; i < scheduler->live_sets.count; i++) {
        gly_health_tracker_find_stuck(scheduler->live_sets.items[i]);
    }
}

static void count_application_failures(gly_scheduler *scheduler, gly_executor *executor,
                                       uintptr_t tasks) {
    size_t kept = 0;
    for (size_t i = 0; i < executor->failure_expiries_ms.count; i++) {
        if (executor->failure_expiries_ms.items[i] > scheduler->now_ms) {
            executor->failure_expiries_ms.items[kept++] = executor->failure_expiries_ms.items[i];
        }
    }
    executor->failure_expiries_ms.count = kept;
    for (uintptr_t i = 0; i < tasks; i++) {
        int64_t expiry_ms = scheduler->now_ms + scheduler->options.exclude_timeout_ms;
        gly_array_push(&executor->failure_expiries_ms, expiry_ms);
    }
    if (executor->failure_expiries_ms.count >= APPLICATION_TASKS_ON_EXECUTOR &&
        executor->excluded_until_ms <= scheduler->now_ms) {
        exclude(scheduler, executor);
    }
}

void gly_health_tracker_set_succeeded(gly_task_set *set) {
    if (set->health == NULL) {
        return;
    }
    const gly_map *map = &set->health->tasks_on_executor;
    for (size_t i = 0; i < map->capacity; i++) {
        if (map->slots[i].value != NULL) {
            gly_executor *executor =
                gly_executor_table_find(set->scheduler, (uint32_t)map->slots[i].key);
            if (executor != NULL && executor->is_alive) {
                count_application_failures(set->scheduler, executor,
                                           (uintptr_t)map->slots[i].value);
            }
        }
    }
}

bool gly_health_tracker_gives_up(gly_task_set *set) {
    const gly_scheduler *scheduler = set->scheduler;
    if (set->unschedulable_since_ms == GLY_SCHEDULER_NEVER ||
        scheduler->now_ms - set->unschedulable_since_ms <
            scheduler->options.unschedulable_timeout_ms) {
        return false;
    }
    if (set->tasks[set->unschedulable_partition].state == GLY_TASK_PENDING &&
        scheduler->live_executors.count > 0 && !task_has_place(set, set->unschedulable_partition)) {
        return true;
    }
    set->unschedulable_since_ms = GLY_SCHEDULER_NEVER;
    gly_health_tracker_find_stuck(set);
    return false;
}

void gly_health_tracker_forget(gly_task_set *set) {
    if (set->health != NULL) {
        gly_map_clear(&set->health->task_on_executor);
        gly_map_clear(&set->health->task_on_host);
        gly_map_clear(&set->health->tasks_on_executor);
        gly_map_clear(&set->health->executors_on_host);
        free(set->health);
        set->health = NULL;
    }
}
