/* task_set.c - pending tasks as stacks by place, with entries that are thrown away when met.
 *
 * A pending task lies on the stack of every place it prefers and, if it prefers any, on `all`; a
 * task without preferences lies on `no_preference` only.  Launching it does not look for its other
 * entries: an entry whose task is no longer pending is removed when a search meets it.  So finding
 * a task is O(1) amortised, whatever the number of tasks, executors and hosts.  Pattern: Spark's
 * TaskSetManager.
 *
 * Invariant: pending_count, pending_at[] and the scheduler's pending_tasks count tasks in state
 * PENDING of sets that are not zombies; remaining_count counts those that are not DONE.
 * Not here: the order of sets (pool.c), waiting for locality (locality.c), failures
 * (dag_scheduler.c).
 */
#include "driver/scheduler/task_set.h"

#include "driver/scheduler/attempt.h"
#include "driver/scheduler/health_tracker.h"
#include "driver/scheduler/locality.h"
#include "driver/scheduler/pool.h"
#include "driver/scheduler/stage.h"

static void push_place(gly_map *map, uint64_t key, uint32_t partition) {
    gly_index_stack *stack = gly_map_get(map, key);
    if (stack == NULL) {
        stack = GLY_NEW(gly_index_stack);
        gly_map_put(map, key, stack);
    }
    if (stack->count > 0 && stack->items[stack->count - 1] == partition) {
        return; /* two executors of one host are one host */
    }
    gly_array_push(stack, partition);
}

static void push_places(gly_task_set *set, uint32_t partition) {
    const gly_scheduler *scheduler = set->scheduler;
    const gly_stage *stage = set->stage;
    uint8_t mask = 0;
    for (uint32_t i = stage->first_place[partition]; i < stage->first_place[partition + 1]; i++) {
        gly_place place = stage->places[i];
        if (place.executor_id != GLY_SCHEDULER_NONE) {
            const gly_executor *executor = gly_map_get(&scheduler->executors, place.executor_id);
            if (executor == NULL || !executor->is_alive) {
                continue; /* its cache is gone, and its host with it for all we know */
            }
            push_place(&set->by_executor, executor->id, partition);
            mask |= 1u << GLY_LOCALITY_PROCESS;
            place.host = executor->host;
        }
        push_place(&set->by_host, place.host, partition);
        mask |= 1u << GLY_LOCALITY_NODE;
        uint32_t rack = scheduler->hosts.items[place.host].rack;
        if (rack != GLY_SCHEDULER_NONE) {
            push_place(&set->by_rack, rack, partition);
            mask |= 1u << GLY_LOCALITY_RACK;
        }
    }
    if (mask == 0) {
        gly_array_push(&set->no_preference, partition);
        mask = 1u << GLY_LOCALITY_NO_PREF;
    }
    if (set->has_preferences) {
        gly_array_push(&set->all, partition);
        mask |= 1u << GLY_LOCALITY_ANY;
    }
    set->tasks[partition].pending_mask = mask;
}

static void add_pending(gly_task_set *set, uint32_t partition) {
    gly_task *task = &set->tasks[partition];
    task->state = GLY_TASK_PENDING;
    if (set->stage->first_place != NULL) {
        push_places(set, partition);
    } else {
        gly_array_push(&set->no_preference, partition);
        task->pending_mask = 1u << GLY_LOCALITY_NO_PREF;
    }
    for (int level = 0; level < GLY_LOCALITY_COUNT; level++) {
        set->pending_at[level] += (task->pending_mask >> level) & 1;
    }
    set->pending_count++;
    set->scheduler->pending_tasks++;
    set->scheduler->is_dirty = true;
    gly_pool_list(set);
    if (set->health != NULL) {
        gly_health_tracker_check_task(set, partition);
    }
}

/* The task is no longer pending; its stack entries are left behind. */
static void drop_pending(gly_task_set *set, gly_task *task) {
    for (int level = 0; level < GLY_LOCALITY_COUNT; level++) {
        set->pending_at[level] -= (task->pending_mask >> level) & 1;
    }
    task->pending_mask = 0;
    set->pending_count--;
    set->scheduler->pending_tasks--;
    if (!gly_task_set_has_work(set)) {
        set->scheduler->has_empty_sets = true;
    }
}

static void drop_speculative(gly_task_set *set, uint32_t partition) {
    if (!set->tasks[partition].is_speculatable) {
        return;
    }
    set->tasks[partition].is_speculatable = false;
    if (set->is_zombie) {
        return; /* its list was emptied when it stopped */
    }
    for (size_t i = 0; i < set->speculatable.count; i++) {
        if (set->speculatable.items[i] == partition) {
            gly_array_remove_at(&set->speculatable, i);
            break;
        }
    }
    set->scheduler->pending_speculative--;
    if (!gly_task_set_has_work(set)) {
        set->scheduler->has_empty_sets = true;
    }
}

bool gly_task_set_has_work(const gly_task_set *set) {
    return set->pending_count > 0 || set->speculatable.count > 0;
}

/* Pushed in reverse, so that partition 0 is found first; those that still run in an old attempt of
 * the stage go below all others, because they may yet finish there. */
static void push_missing(gly_task_set *set) {
    for (uint32_t p = set->stage->task_count; set->attempt > 0 && p-- > 0;) {
        if (set->tasks[p].state != GLY_TASK_DONE && gly_stage_is_running(set->stage, p)) {
            add_pending(set, p);
        }
    }
    for (uint32_t p = set->stage->task_count; p-- > 0;) {
        if (set->tasks[p].state == GLY_TASK_RUNNING) { /* neither done nor added above */
            add_pending(set, p);
        }
    }
}

gly_task_set *gly_task_set_make(gly_stage *stage) {
    gly_job *job = stage->owners.items[0].job;
    gly_task_set *set = GLY_NEW(gly_task_set);
    set->scheduler = stage->scheduler;
    set->stage = stage;
    set->pool = job->pool;
    set->priority = job->sequence;
    set->job_id = job->id;
    set->attempt = stage->attempt_count++;
    if (stage->is_shuffle_map) {
        gly_map_output_tracker_count_attempt(set->scheduler->tracker, stage->shuffle_id);
    }
    set->has_preferences = stage->first_place != NULL;
    set->started_ms = stage->scheduler->now_ms;
    set->unschedulable_since_ms = set->next_avoid_end_ms = GLY_SCHEDULER_NEVER;
    set->tasks = GLY_NEW_ARRAY(gly_task, GLY_MAX(stage->task_count, 1));
    for (uint32_t p = 0; p < stage->task_count; p++) {
        set->tasks[p].avoid_executor = GLY_SCHEDULER_NONE;
        set->tasks[p].failure_count = stage->failure_counts == NULL ? 0 : stage->failure_counts[p];
        set->tasks[p].state = gly_stage_has_partition(stage, p) ? GLY_TASK_DONE : GLY_TASK_RUNNING;
        set->remaining_count += set->tasks[p].state != GLY_TASK_DONE;
    }
    set->missing_count = set->remaining_count;
    push_missing(set);
    gly_locality_update(set);
    gly_array_push(&stage->sets, set);
    gly_array_push(&set->scheduler->live_sets, set);
    return set;
}

static void free_places(gly_map *map) {
    size_t position = 0;
    gly_index_stack *stack;
    while ((stack = gly_map_next(map, &position)) != NULL) {
        gly_array_clear(stack);
        free(stack);
    }
    gly_map_clear(map);
}

void gly_task_set_free(gly_task_set *set) {
    GLY_ASSERT(set->running_count == 0 && !set->is_listed);
    free_places(&set->by_executor);
    free_places(&set->by_host);
    free_places(&set->by_rack);
    gly_array_clear(&set->no_preference);
    gly_array_clear(&set->all);
    gly_array_clear(&set->speculatable);
    gly_array_clear(&set->durations.low);
    gly_array_clear(&set->durations.high);
    gly_health_tracker_forget(set);
    free(set->tasks);
    free(set);
}

static bool can_run(gly_task_set *set, uint32_t partition, const gly_executor *executor) {
    const gly_task *task = &set->tasks[partition];
    if (task->avoid_executor == executor->id && set->scheduler->now_ms < task->avoid_until_ms &&
        set->scheduler->live_executors.count > 1) {
        set->next_avoid_end_ms = GLY_MIN(set->next_avoid_end_ms, task->avoid_until_ms);
        return false;
    }
    return set->health == NULL || gly_health_tracker_allows_task(set, partition, executor);
}

static gly_index_stack *stack_at(gly_task_set *set, const gly_executor *executor,
                                 gly_locality level) {
    switch (level) {
    case GLY_LOCALITY_PROCESS:
        return gly_map_get(&set->by_executor, executor->id);
    case GLY_LOCALITY_NODE:
        return gly_map_get(&set->by_host, executor->host);
    case GLY_LOCALITY_RACK: {
        uint32_t rack = set->scheduler->hosts.items[executor->host].rack;
        return rack == GLY_SCHEDULER_NONE ? NULL : gly_map_get(&set->by_rack, rack);
    }
    case GLY_LOCALITY_NO_PREF:
        return &set->no_preference;
    default:
        return &set->all;
    }
}

bool gly_task_set_find(gly_task_set *set, const gly_executor *executor, gly_locality level,
                       uint32_t *ret_partition) {
    if (set->pending_at[level] == 0) {
        return false;
    }
    gly_index_stack *stack = stack_at(set, executor, level);
    for (size_t i = stack == NULL ? 0 : stack->count; i-- > 0;) {
        uint32_t partition = stack->items[i];
        if (set->tasks[partition].state != GLY_TASK_PENDING) {
            /* What lies above are the few tasks that may not run here. */
            gly_array_remove_at(stack, i);
        } else if (can_run(set, partition, executor)) {
            *ret_partition = partition;
            return true;
        }
    }
    return false;
}

bool gly_task_set_find_speculative(gly_task_set *set, const gly_executor *executor,
                                   uint32_t *ret_partition) {
    for (size_t i = 0; i < set->speculatable.count; i++) {
        uint32_t partition = set->speculatable.items[i];
        const gly_task *task = &set->tasks[partition];
        if (task->running_count == 1 && task->running->executor != executor &&
            can_run(set, partition, executor)) {
            *ret_partition = partition;
            return true;
        }
    }
    return false;
}

void gly_task_set_launch(gly_task_set *set, uint32_t partition, gly_executor *executor,
                         gly_locality locality, bool is_speculative) {
    gly_task *task = &set->tasks[partition];
    if (is_speculative) {
        drop_speculative(set, partition);
    } else {
        GLY_ASSERT(task->state == GLY_TASK_PENDING);
        drop_pending(set, task);
        task->state = GLY_TASK_RUNNING;
    }
    if (GLY_UNLIKELY(set->unschedulable_since_ms != GLY_SCHEDULER_NEVER &&
                     set->unschedulable_partition == partition)) {
        set->unschedulable_since_ms = GLY_SCHEDULER_NEVER;
        gly_health_tracker_find_stuck(set);
    }
    (void)gly_attempt_start(set, partition, executor, locality, is_speculative);
}

void gly_task_set_finish(gly_task_set *set, uint32_t partition) {
    gly_task *task = &set->tasks[partition];
    if (task->state != GLY_TASK_DONE) {
        if (task->state == GLY_TASK_PENDING && !set->is_zombie) {
            drop_pending(set, task);
        }
        task->state = GLY_TASK_DONE;
        set->remaining_count--;
    }
    drop_speculative(set, partition);
    for (gly_attempt *other = task->running; other != NULL; other = other->next_of_task) {
        gly_attempt_kill(other, "another attempt of this task succeeded");
    }
}

void gly_task_set_reopen(gly_task_set *set, uint32_t partition) {
    gly_task *task = &set->tasks[partition];
    if (set->is_zombie || task->state != GLY_TASK_DONE) {
        return;
    }
    set->remaining_count++;
    add_pending(set, partition);
}

void gly_task_set_retry(gly_task_set *set, uint32_t partition) {
    gly_task *task = &set->tasks[partition];
    if (set->is_zombie || task->state != GLY_TASK_RUNNING || task->running_count > 0) {
        return;
    }
    drop_speculative(set, partition);
    add_pending(set, partition);
}

void gly_task_set_speculate(gly_task_set *set, uint32_t partition) {
    gly_task *task = &set->tasks[partition];
    if (!task->is_speculatable) {
        task->is_speculatable = true;
        gly_array_push(&set->speculatable, partition);
        set->scheduler->pending_speculative++;
        set->scheduler->is_dirty = true;
        gly_pool_list(set);
    }
}

static void leave_live_sets(gly_task_set *set) {
    gly_scheduler *scheduler = set->scheduler;
    for (size_t i = 0; i < scheduler->live_sets.count; i++) {
        if (scheduler->live_sets.items[i] == set) {
            gly_array_remove_at(&scheduler->live_sets, i);
            return;
        }
    }
}

void gly_task_set_stop(gly_task_set *set, bool discard, const char *reason) {
    gly_scheduler *scheduler = set->scheduler;
    if (!set->is_zombie) {
        set->is_zombie = true;
        scheduler->pending_tasks -= set->pending_count;
        scheduler->pending_speculative -= set->speculatable.count;
        set->pending_count = 0;
        set->speculatable.count = 0;
        memset(set->pending_at, 0, sizeof set->pending_at);
        gly_pool_unlist(set);
        leave_live_sets(set);
        if (set->stage->live_set == set) {
            set->stage->live_set = NULL;
        }
    }
    if (discard && !set->is_discarded) {
        set->is_discarded = true;
        for (gly_attempt *attempt = set->attempts; attempt != NULL;
             attempt = attempt->next_of_set) {
            gly_attempt_kill(attempt, reason);
        }
    }
    gly_stage_release_set(set);
}
