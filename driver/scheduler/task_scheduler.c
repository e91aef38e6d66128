/* task_scheduler.c - offer rounds, and the ends of tasks and executors.
 *
 * A round offers a list of executors to the task sets in the order of their pools, one task at a
 * time.  Normally the list is the one executor on which a task has just ended: all others with
 * free slots were refused by everyone before.  Only when something became launchable elsewhere
 * (new tasks, a looser locality level, a new executor) the scheduler is dirty and all executors
 * with free slots are offered.  Within a round a set never looks twice at an executor it has
 * refused at a level, so a round costs O(launched tasks + sets * free executors) at worst and O(1)
 * in the steady state.
 *
 * A wide task that fits nowhere yet holds the executor's free slots for the round, so that narrow
 * tasks of later sets do not starve it.
 * Not here: the order of sets (pool.c), the choice among a set's tasks (task_set.c).
 */
#include "driver/scheduler/task_scheduler.h"

#include "driver/scheduler/attempt.h"
#include "driver/scheduler/dag_scheduler.h"
#include "driver/scheduler/executor_table.h"
#include "driver/scheduler/health_tracker.h"
#include "driver/scheduler/locality.h"
#include "driver/scheduler/output_commit.h"
#include "driver/scheduler/pool.h"
#include "driver/scheduler/stage.h"
#include "driver/scheduler/task_set.h"

/* ---- offers ---- */

typedef struct offer {
    gly_executor **executors;
    uint32_t count;
    bool is_full; /* all executors with free slots */
} offer;

static bool may_use(gly_scheduler *scheduler, const gly_task_set *set,
                    const gly_executor *executor) {
    if (executor->free_slots == 0 || executor->held_round == scheduler->round) {
        return false;
    }
    return !scheduler->options.exclude_on_failure ||
           (!gly_health_tracker_is_excluded(scheduler, executor) &&
            gly_health_tracker_allows_set(set, executor));
}

/* A task for this executor at the set's current level of the round, launched if it fits. */
static bool try_executor(gly_task_set *set, gly_executor *executor) {
    gly_scheduler *scheduler = set->scheduler;
    if (!may_use(scheduler, set, executor)) {
        return false;
    }
    bool is_speculative = set->round_level == set->level_count;
    gly_locality level =
        is_speculative ? GLY_LOCALITY_ANY : (gly_locality)set->levels[set->round_level];
    uint32_t partition = 0;
    bool is_found = is_speculative ? gly_task_set_find_speculative(set, executor, &partition)
                                   : gly_task_set_find(set, executor, level, &partition);
    if (!is_found) {
        return false;
    }
    if (executor->free_slots < GLY_MIN(set->stage->width, executor->slots)) {
        executor->held_round = scheduler->round;
        set->round_held = true;
        return false;
    }
    gly_task_set_launch(set, partition, executor, level, is_speculative);
    set->round_launched = true;
    set->round_best = (uint8_t)GLY_MIN(set->round_best, level);
    return true;
}

static void begin_round(gly_task_set *set, const offer *offered) {
    gly_scheduler *scheduler = set->scheduler;
    set->round = scheduler->round;
    set->round_level = 0;
    set->round_allowed = (uint8_t)gly_locality_allowed(set);
    set->round_best = GLY_LOCALITY_ANY;
    set->round_launched = set->round_held = false;
    set->round_misses = 0;
    set->round_cursor = offered->count == 1 ? 0 : scheduler->start_cursor % offered->count;
    gly_array_push(&scheduler->touched, set);
}

static bool is_level_open(const gly_task_set *set) {
    if (set->round_level == set->level_count) {
        return set->speculatable.count > 0;
    }
    uint8_t level = set->levels[set->round_level];
    return set->pending_at[level] > 0 &&
           (level <= set->round_allowed || level == GLY_LOCALITY_NO_PREF);
}

/* One task of the set on one of the executors; false: the set has declined for this round. */
static bool launch_one(gly_task_set *set, const offer *offered) {
    gly_scheduler *scheduler = set->scheduler;
    if (set->round != scheduler->round) {
        begin_round(set, offered);
    }
    for (; set->round_level <= set->level_count; set->round_level++, set->round_misses = 0) {
        while (set->round_misses < offered->count && is_level_open(set)) {
            gly_executor *executor = offered->executors[set->round_cursor];
            set->round_cursor = set->round_cursor + 1 == offered->count ? 0 : set->round_cursor + 1;
            set->round_misses++;
            if (try_executor(set, executor)) {
                set->round_misses = 0;
                scheduler->start_cursor = set->round_cursor;
                return true;
            }
        }
    }
    set->declined_round = scheduler->round;
    return false;
}

/* The wait for locality starts again when nothing was refused for its sake.  True if another round
 * is due: slots were held for wide tasks which then found room elsewhere. */
static bool end_round(gly_scheduler *scheduler, const offer *offered) {
    bool is_due = false;
    for (size_t i = 0; i < scheduler->touched.count; i++) {
        gly_task_set *set = scheduler->touched.items[i];
        is_due |= set->round_held && !gly_task_set_has_work(set);
        if (!set->has_preferences) {
            continue;
        }
        bool has_refused = set->declined_round == scheduler->round && set->pending_count > 0 &&
                           set->round_allowed < set->levels[set->level_count - 1];
        if (has_refused) {
            set->no_rejects_since_reset = false;
        } else if (set->round_launched && (offered->is_full || set->no_rejects_since_reset)) {
            gly_locality_reset(set, (gly_locality)set->round_best);
        }
    }
    scheduler->touched.count = 0;
    gly_executor_table_settle(scheduler);
    gly_pool_settle(scheduler);
    return is_due;
}

static bool run_round(gly_scheduler *scheduler, const offer *offered) {
    scheduler->round++;
    while (scheduler->free_slots > 0) {
        gly_task_set *set = gly_pool_pick(scheduler);
        if (set == NULL) {
            break;
        }
        (void)launch_one(set, offered);
    }
    return end_round(scheduler, offered);
}

/* ---- ahead ---- */

enum { AHEAD_AFTER = 64, AHEAD_BELOW_NS = 2000000 };

/* The only set with pending tasks, if they are short and run anywhere; else NULL. */
static gly_task_set *find_short_set(const gly_scheduler *scheduler) {
    for (size_t i = 0; i < scheduler->live_sets.count; i++) {
        gly_task_set *set = scheduler->live_sets.items[i];
        if (set->pending_count == 0) {
            continue;
        }
        const gly_accumulators *numbers = &set->stage->accumulators;
        bool is_short =
            numbers->merged_count >= AHEAD_AFTER &&
            numbers->values[GLY_TASK_NUMBER_RUN_NS] / numbers->merged_count < AHEAD_BELOW_NS;
        bool is_only = set->pending_count == scheduler->pending_tasks;
        return is_short && is_only && !set->has_preferences && set->stage->width <= 1 ? set : NULL;
    }
    return NULL;
}

/* Tops up executors on which a task has just ended.  Not near the end of the stage, where the last
 * tasks should go wherever a slot is free first. */
static void launch_ahead(gly_scheduler *scheduler) {
    uint32_t limit = scheduler->options.launch_ahead;
    gly_task_set *set = scheduler->drained.count == 0 || scheduler->options.exclude_on_failure
                            ? NULL
                            : find_short_set(scheduler);
    scheduler->is_launching_ahead = true;
    for (size_t i = 0; set != NULL && i < scheduler->drained.count; i++) {
        gly_executor *executor = scheduler->drained.items[i];
        uint32_t most = limit * executor->slots;
        if (!executor->is_alive || executor->is_decommissioning || executor->free_slots > 0 ||
            executor->ahead_count * 2 > most) {
            continue;
        }
        uint32_t partition = 0;
        while (executor->ahead_count < most &&
               set->pending_count > most * scheduler->live_executors.count &&
               gly_task_set_find(set, executor, GLY_LOCALITY_NO_PREF, &partition)) {
            gly_task_set_launch(set, partition, executor, GLY_LOCALITY_NO_PREF, false);
        }
    }
    scheduler->is_launching_ahead = false;
    scheduler->drained.count = 0;
}

void gly_task_scheduler_offer(gly_scheduler *scheduler) {
    gly_pool_settle(scheduler);
    while (scheduler->is_dirty || scheduler->freed.count > 0) {
        offer offered = {scheduler->freed.items, (uint32_t)scheduler->freed.count, false};
        if (scheduler->is_dirty) {
            scheduler->is_dirty = false;
            offered = (offer){scheduler->free_executors.items,
                              (uint32_t)scheduler->free_executors.count, true};
        }
        bool is_due = false;
        if (offered.count > 0 && scheduler->pending_tasks + scheduler->pending_speculative > 0) {
            is_due = run_round(scheduler, &offered);
        }
        if (offered.is_full) {
            scheduler->is_dirty = false; /* a level that opened was used in this very round */
        }
        scheduler->is_dirty |= is_due;
        scheduler->freed.count = 0;
    }
    launch_ahead(scheduler);
}

/* ---- time ---- */

void gly_task_scheduler_tick(gly_scheduler *scheduler) {
    for (size_t i = 0; i < scheduler->live_sets.count; i++) {
        gly_task_set *set = scheduler->live_sets.items[i];
        if (set->pending_count > 0) {
            (void)gly_locality_allowed(set); /* marks dirty if a level opens */
        }
        if (set->next_avoid_end_ms <= scheduler->now_ms) {
            set->next_avoid_end_ms = GLY_SCHEDULER_NEVER;
            scheduler->is_dirty = true;
        }
        if (gly_health_tracker_gives_up(set)) {
            gly_str text = gly_scheduler_keep_text(
                scheduler,
                "partition %u of stage %u has failed on every executor, and none came that it may "
                "run on; see spark.excludeOnFailure.enabled",
                set->unschedulable_partition, set->stage->id);
            gly_dag_scheduler_fail_stage(set->stage, GLY_E_TASK_FAILED, text.data);
        }
    }
    if (scheduler->next_exclusion_end_ms <= scheduler->now_ms) {
        scheduler->next_exclusion_end_ms = GLY_SCHEDULER_NEVER;
        scheduler->is_dirty = true;
    }
}

int64_t gly_task_scheduler_next_ms(const gly_scheduler *scheduler) {
    int64_t next_ms = scheduler->next_exclusion_end_ms;
    for (size_t i = 0; i < scheduler->live_sets.count; i++) {
        const gly_task_set *set = scheduler->live_sets.items[i];
        next_ms = GLY_MIN(next_ms, set->next_avoid_end_ms);
        if (set->has_preferences && scheduler->free_slots > 0) {
            next_ms = GLY_MIN(next_ms, gly_locality_next_ms(set));
        }
        if (set->unschedulable_since_ms != GLY_SCHEDULER_NEVER) {
            next_ms = GLY_MIN(next_ms, set->unschedulable_since_ms +
                                           scheduler->options.unschedulable_timeout_ms);
        }
    }
    return next_ms;
}

/* ---- executors ---- */

static void update_localities(gly_scheduler *scheduler, const gly_executor *executor) {
    for (size_t i = 0; i < scheduler->live_sets.count; i++) {
        if (gly_locality_concerns(scheduler->live_sets.items[i], executor)) {
            gly_locality_update(scheduler->live_sets.items[i]);
        }
    }
}

void gly_task_scheduler_executor_registered(gly_scheduler *scheduler,
                                            const gly_scheduler_event *event) {
    gly_executor *executor =
        gly_executor_table_add(scheduler, event->registered.executor_id, event->registered.host,
                               event->registered.rack, event->registered.slots);
    if (executor == NULL) {
        gly_scheduler_action action = {.kind = GLY_SCHEDULER_EXECUTOR_REFUSED};
        action.refused.executor_id = event->registered.executor_id;
        action.refused.reason = gly_scheduler_keep_text(
            scheduler, "executor id %u was used before; a restarted executor needs a new id",
            event->registered.executor_id);
        gly_scheduler_add_action(scheduler, &action);
        return;
    }
    update_localities(scheduler, executor);
    scheduler->is_dirty = true;
    gly_event published = {.kind = GLY_EVENT_EXECUTOR_ADDED};
    published.executor_added.executor_id = executor->id;
    published.executor_added.host = event->registered.host;
    published.executor_added.slots = executor->slots;
    gly_scheduler_publish(scheduler, &published);
}

static void find_stuck(gly_scheduler *scheduler) {
    for (size_t i = 0; scheduler->options.exclude_on_failure && i < scheduler->live_sets.count;
         i++) {
        gly_health_tracker_find_stuck(scheduler->live_sets.items[i]);
    }
}

void gly_task_scheduler_decommission(gly_scheduler *scheduler, uint32_t executor_id) {
    gly_executor *executor = gly_executor_table_find(scheduler, executor_id);
    if (executor != NULL) {
        gly_executor_table_decommission(scheduler, executor);
        find_stuck(scheduler);
    }
}

static void publish_task_end(const gly_attempt *attempt, gly_task_end end, bool accepted,
                             gly_str error, const gly_task_numbers *numbers) {
    const gly_task_set *set = attempt->set;
    const gly_stage *stage = set->stage;
    gly_event event = {.kind = GLY_EVENT_TASK_END};
    event.task_end.task_id = attempt->task_id;
    event.task_end.job_id = stage->owners.count > 0 ? stage->owners.items[0].job->id : set->job_id;
    event.task_end.stage_id = stage->id;
    event.task_end.stage_attempt = set->attempt;
    event.task_end.partition = attempt->partition;
    event.task_end.attempt = attempt->number;
    event.task_end.executor_id = attempt->executor->id;
    event.task_end.end = end;
    event.task_end.accepted = accepted;
    event.task_end.speculative = attempt->is_speculative;
    event.task_end.duration_ms = (uint64_t)(set->scheduler->now_ms - attempt->launched_ms);
    event.task_end.error = error;
    event.task_end.numbers = numbers == NULL ? NULL : numbers->values;
    gly_scheduler_publish(set->scheduler, &event);
}

static void lose_attempt(gly_attempt *attempt, const gly_scheduler_event *event) {
    gly_scheduler *scheduler = attempt->set->scheduler;
    gly_str message = gly_scheduler_keep_text(
        scheduler, "executor %u (%s) was lost: %.*s", attempt->executor->id,
        scheduler->hosts.items[attempt->executor->host].name, GLY_STR_ARG(event->lost.reason));
    gly_attempt_end(attempt);
    publish_task_end(attempt, GLY_TASK_END_LOST, false, message, NULL);
    if (event->lost.exit_caused_by_app) {
        gly_dag_scheduler_task_failed(attempt, GLY_E_EXECUTOR_LOST, true, message);
    } else {
        gly_output_commit_release(attempt);
        gly_task_set_retry(attempt->set, attempt->partition);
    }
    gly_stage_release_set(attempt->set);
    gly_attempt_recycle(scheduler, attempt);
}

void gly_task_scheduler_executor_lost(gly_scheduler *scheduler, const gly_scheduler_event *event) {
    gly_executor *executor = gly_executor_table_find(scheduler, event->lost.executor_id);
    if (executor == NULL || !executor->is_alive) {
        return; /* never came, or was lost before */
    }
    uint32_t running = executor->running_count;
    gly_executor_table_remove(scheduler, executor);
    while (executor->attempts != NULL) { /* first, while their failures still count */
        lose_attempt(executor->attempts, event);
    }
    uint32_t lost_outputs = gly_dag_scheduler_lose_outputs(scheduler, executor);
    gly_event published = {.kind = GLY_EVENT_EXECUTOR_REMOVED};
    published.executor_removed.executor_id = executor->id;
    published.executor_removed.reason = event->lost.reason;
    published.executor_removed.running_tasks = running;
    published.executor_removed.lost_outputs = lost_outputs;
    gly_scheduler_publish(scheduler, &published);
    update_localities(scheduler, executor);
    find_stuck(scheduler);
}

/* ---- tasks ---- */

void gly_task_scheduler_task_finished(gly_scheduler *scheduler, const gly_scheduler_event *event) {
    gly_attempt *attempt = gly_map_get(&scheduler->attempts, event->finished.task_id);
    if (attempt == NULL || attempt->executor->id != event->finished.executor_id) {
        return; /* a duplicate, or a zombie executor's */
    }
    gly_attempt_end(attempt);
    bool accepted = false;
    switch (event->finished.end) {
    case GLY_TASK_END_OK:
        accepted = gly_dag_scheduler_task_ok(attempt, event);
        if (!accepted) {
            gly_output_commit_release(attempt);
        }
        break;
    case GLY_TASK_END_FAILED:
        gly_dag_scheduler_task_failed(attempt, event->finished.error, event->finished.retryable,
                                      event->finished.message);
        break;
    case GLY_TASK_END_FETCH_FAILED:
        gly_dag_scheduler_fetch_failed(attempt, event);
        break;
    default:
        gly_output_commit_release(attempt);
        gly_task_set_retry(attempt->set, attempt->partition);
        break;
    }
    publish_task_end(attempt, event->finished.end, accepted, event->finished.message,
                     event->finished.numbers);
    gly_stage_release_set(attempt->set);
    gly_attempt_recycle(scheduler, attempt);
}
