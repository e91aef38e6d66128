/* locality.c - delay scheduling: wait a little for the place where the data is.
 *
 * A set starts at its best level and moves to the next looser one when it has waited
 * locality_wait_ms[level] without getting all it could use, or when no pending task cares for the
 * level.  Going back: only a round in which no slot was refused for locality resets the wait
 * (Zaharia et al., EuroSys 2010; the reset rule is Spark's since 3.1).
 * Invariant: levels[] is in order and never empty.
 * Not here: which task fits a place (task_set.c), who is asked when (task_scheduler.c).
 */
#include "driver/scheduler/locality.h"

static bool is_near(const gly_task_set *set, const gly_executor *executor, gly_locality level) {
    const gly_host *host = &set->scheduler->hosts.items[executor->host];
    switch (level) {
    case GLY_LOCALITY_PROCESS:
        return gly_map_get(&set->by_executor, executor->id) != NULL;
    case GLY_LOCALITY_NODE:
        return gly_map_get(&set->by_host, executor->host) != NULL;
    case GLY_LOCALITY_RACK:
        return host->rack != GLY_SCHEDULER_NONE && gly_map_get(&set->by_rack, host->rack) != NULL;
    default:
        return false;
    }
}

bool gly_locality_concerns(const gly_task_set *set, const gly_executor *executor) {
    return set->has_preferences &&
           (is_near(set, executor, GLY_LOCALITY_PROCESS) ||
            is_near(set, executor, GLY_LOCALITY_NODE) || is_near(set, executor, GLY_LOCALITY_RACK));
}

static bool anyone_near(const gly_task_set *set, gly_locality level) {
    const gly_scheduler *scheduler = set->scheduler;
    for (size_t i = 0; i < scheduler->live_executors.count; i++) {
        if (is_near(set, scheduler->live_executors.items[i], level)) {
            return true;
        }
    }
    return false;
}

void gly_locality_update(gly_task_set *set) {
    bool is_new = set->level_count == 0;
    set->scheduler->is_dirty = true; /* what was refused so far may be allowed now */
    uint8_t previous_index = set->level_index;
    uint8_t previous = is_new ? 0 : set->levels[set->level_index];
    set->level_count = 0;
    for (int level = 0; set->has_preferences && level < GLY_LOCALITY_COUNT; level++) {
        bool is_useful = level == GLY_LOCALITY_ANY || level == GLY_LOCALITY_NO_PREF ||
                         anyone_near(set, (gly_locality)level);
        if (is_useful) {
            set->levels[set->level_count++] = (uint8_t)level;
        }
    }
    if (!set->has_preferences) {
        set->levels[set->level_count++] = GLY_LOCALITY_NO_PREF;
    }
    set->level_index = 0;
    while (!is_new && set->level_index + 1 < set->level_count &&
           set->levels[set->level_index] < previous) {
        set->level_index++;
    }
    if (set->level_index > previous_index) { /* a better level has appeared: try it first */
        set->level_index = 0;
    }
    if (is_new) {
        set->last_reset_ms = set->scheduler->now_ms;
        set->no_rejects_since_reset = true;
    }
}

gly_locality gly_locality_allowed(gly_task_set *set) {
    gly_scheduler *scheduler = set->scheduler;
    while (set->level_index + 1 < set->level_count) {
        uint8_t level = set->levels[set->level_index];
        int64_t wait =
            level == GLY_LOCALITY_NO_PREF ? 0 : scheduler->options.locality_wait_ms[level];
        if (set->pending_at[level] == 0) {
            set->last_reset_ms = scheduler->now_ms;
        } else if (scheduler->now_ms - set->last_reset_ms >= wait) {
            set->last_reset_ms += wait;
        } else {
            break;
        }
        set->level_index++;
        scheduler->is_dirty = true;
    }
    return (gly_locality)set->levels[set->level_index];
}

void gly_locality_reset(gly_task_set *set, gly_locality best) {
    set->last_reset_ms = set->scheduler->now_ms;
    set->no_rejects_since_reset = true;
    for (uint8_t i = 0; i < set->level_count; i++) {
        if (set->levels[i] >= best) {
            set->level_index = i;
            return;
        }
    }
}

int64_t gly_locality_next_ms(const gly_task_set *set) {
    if (set->pending_count == 0 || set->level_index + 1 >= set->level_count) {
        return GLY_SCHEDULER_NEVER;
    }
    uint8_t level = set->levels[set->level_index];
    int64_t wait = set->pending_at[level] == 0 || level == GLY_LOCALITY_NO_PREF
                       ? 0
                       : set->scheduler->options.locality_wait_ms[level];
    return set->last_reset_ms + wait;
}
