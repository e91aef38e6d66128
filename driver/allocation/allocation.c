/* allocation.c - the target grows while tasks wait, falls with the work, and idle executors go.
 *
 *   needed = ceil((pending + running tasks) / slots of an executor)
 *   target > needed                     -> target = needed at once; nobody is let go for it
 *   tasks wait for backlog_ms           -> target + 1, then every sustained_ms + 2, + 4, + 8 ...
 *   an executor is idle for idle_ms     -> let go, if more than max(target, min) are there
 *
 * Invariants: floor <= wanted <= cap after every step (floor = min, cap = min(max, admitted)); an
 * executor is let go at most once (the owner then reports it as leaving); what is let go for
 * idleness is not busy and holds nothing that a live job or a cached table needs.
 * Not here: asking for executors (driver_executors.c) and moving their blocks away.
 */
#include "driver/allocation/allocation.h"

#include "lib/base/array.h"

struct gly_allocation {
    gly_allocation_rules rules;
    uint32_t wanted;
    bool has_started;    /* a job came, or an executor was idle for too long: the initial target is
                            over */
    uint32_t add_count;  /* executors the next addition adds */
    int64_t next_add_ms; /* NEVER: no task waits */
    GLY_ARRAY(uint32_t) let_go;
    GLY_ARRAY(const gly_allocation_executor *) candidates;
};

static uint32_t cap_of(const gly_allocation_rules *rules) {
    return GLY_MIN(rules->is_dynamic ? rules->max : rules->fixed, rules->admitted);
}

static uint32_t floor_of(const gly_allocation_rules *rules) {
    return GLY_MIN(rules->is_dynamic ? rules->min : rules->fixed, cap_of(rules));
}

static uint32_t clamp(const gly_allocation_rules *rules, uint64_t count) {
    count = GLY_MAX(count, (uint64_t)floor_of(rules));
    return (uint32_t)GLY_MIN(count, (uint64_t)cap_of(rules));
}

gly_allocation *gly_allocation_make(const gly_allocation_rules *rules) {
    gly_allocation *allocation = GLY_NEW(gly_allocation);
    allocation->add_count = 1;
    allocation->next_add_ms = GLY_ALLOCATION_NEVER;
    allocation->rules = *rules;
    allocation->wanted =
        clamp(rules, rules->is_dynamic ? GLY_MAX(rules->initial, rules->min) : rules->fixed);
    return allocation;
}

void gly_allocation_free(gly_allocation *allocation) {
    if (allocation != NULL) {
        gly_array_clear(&allocation->let_go);
        gly_array_clear(&allocation->candidates);
        free(allocation);
    }
}

void gly_allocation_set_rules(gly_allocation *allocation, const gly_allocation_rules *rules) {
    allocation->rules = *rules;
}

const gly_allocation_rules *gly_allocation_get_rules(const gly_allocation *allocation) {
    return &allocation->rules;
}

/* ---- the target ------------------------------------------------------------------------- */

static uint64_t count_needed(const gly_allocation *allocation, const gly_allocation_input *input) {
    uint64_t slots = GLY_MAX(allocation->rules.slots, 1);
    return (input->pending_tasks + input->running_tasks + slots - 1) / slots;
}

/* Adds 1, 2, 4, 8 ...; from 1 again once the target has reached what is needed or allowed. */
static void add_executors(gly_allocation *allocation, uint64_t needed, uint32_t registered) {
    uint32_t before = clamp(&allocation->rules, allocation->wanted);
    if (before >= cap_of(&allocation->rules)) {
        allocation->wanted = before;
        allocation->add_count = 1;
        return;
    }
    uint64_t target =
        GLY_MAX(before, registered); /* more are there than were wanted: start from them */
    target = GLY_MIN(target + allocation->add_count, GLY_MAX(needed, 1));
    allocation->wanted = clamp(&allocation->rules, GLY_MAX(target, before));
    bool is_whole_step = allocation->wanted - before == allocation->add_count;
    allocation->add_count = is_whole_step ? GLY_MIN(allocation->add_count * 2, 1u << 20) : 1;
}

static const char *move_target(gly_allocation *allocation, const gly_allocation_input *input,
                               uint32_t registered, int64_t now_ms) {
    const gly_allocation_rules *rules = &allocation->rules;
    uint64_t needed = count_needed(allocation, input);
    allocation->has_started |= input->active_jobs > 0;
    if (input->pending_tasks == 0) {
        allocation->next_add_ms = GLY_ALLOCATION_NEVER;
        allocation->add_count = 1;
    } else if (allocation->next_add_ms == GLY_ALLOCATION_NEVER) {
        allocation->next_add_ms = now_ms + rules->backlog_ms;
    }
    if (!allocation->has_started) {
        allocation->wanted = clamp(rules, allocation->wanted);
        return "limits changed";
    }
    if (needed < allocation->wanted) {
        uint32_t before = allocation->wanted;
        allocation->wanted = clamp(rules, needed);
        if (allocation->wanted != before) {
            allocation->add_count = 1;
        }
        return "fewer tasks than slots";
    }
    if (now_ms >= allocation->next_add_ms) {
        add_executors(allocation, needed, registered);
        allocation->next_add_ms = now_ms + GLY_MAX(rules->sustained_ms, GLY_ALLOCATION_TICK_MS);
        return "tasks wait";
    }
    allocation->wanted = clamp(rules, allocation->wanted);
    return "limits changed";
}

/* ---- letting go ------------------------------------------------------------------------- */

/* Whom nobody misses comes first: not there yet, idle, little to move away, new. */
static int compare_candidates(const void *a, const void *b) {
    const gly_allocation_executor *x = *(const gly_allocation_executor *const *)a;
    const gly_allocation_executor *y = *(const gly_allocation_executor *const *)b;
    if (x->is_registered != y->is_registered) {
        return x->is_registered ? 1 : -1;
    }
    if (x->is_busy != y->is_busy) {
        return x->is_busy ? 1 : -1;
    }
    if (x->has_cache != y->has_cache) {
        return x->has_cache ? 1 : -1;
    }
    if (x->has_shuffle != y->has_shuffle) {
        return x->has_shuffle ? 1 : -1;
    }
    if (x->shuffle_bytes != y->shuffle_bytes) {
        return x->shuffle_bytes > y->shuffle_bytes ? 1 : -1;
    }
    return x->id < y->id ? 1 : -1; /* ids are never equal */
}

/* When this one may go for idleness; NEVER: not as it is. */
static int64_t idle_deadline(const gly_allocation *allocation,
                             const gly_allocation_executor *executor) {
    bool is_needed = executor->is_busy || executor->has_cache ||
                     (executor->has_shuffle && !allocation->rules.can_migrate);
    return is_needed ? GLY_ALLOCATION_NEVER : executor->idle_since_ms + allocation->rules.idle_ms;
}

static void let_go(gly_allocation *allocation, uint32_t count) {
    if (allocation->candidates.count > 0) {
        qsort(allocation->candidates.items, allocation->candidates.count,
              sizeof *allocation->candidates.items, compare_candidates);
    }
    for (size_t i = 0; i < allocation->candidates.count && i < count; i++) {
        gly_array_push(&allocation->let_go, allocation->candidates.items[i]->id);
    }
}

/* More than are allowed are there (scaled down, or less was admitted): the least missed go now. */
static uint32_t shed(gly_allocation *allocation, const gly_allocation_input *input,
                     uint32_t staying) {
    uint32_t cap = cap_of(&allocation->rules);
    if (staying <= cap) {
        return 0;
    }
    allocation->candidates.count = 0;
    for (uint32_t i = 0; i < input->executor_count; i++) {
        if (!input->executors[i].is_leaving) {
            gly_array_push(&allocation->candidates, &input->executors[i]);
        }
    }
    let_go(allocation, staying - cap);
    return staying - cap;
}

/* Lets idle executors go as long as more than the target are there; returns when the next may. */
static int64_t release_idle(gly_allocation *allocation, const gly_allocation_input *input,
                            uint32_t staying, int64_t now_ms) {
    uint32_t keep = GLY_MAX(allocation->wanted, floor_of(&allocation->rules));
    int64_t next_ms = GLY_ALLOCATION_NEVER;
    allocation->candidates.count = 0;
    for (uint32_t i = 0; i < input->executor_count; i++) {
        const gly_allocation_executor *executor = &input->executors[i];
        int64_t deadline_ms = idle_deadline(allocation, executor);
        if (executor->is_leaving || deadline_ms == GLY_ALLOCATION_NEVER) {
            continue;
        }
        if (now_ms >= deadline_ms) {
            gly_array_push(&allocation->candidates, executor);
        } else {
            next_ms = GLY_MIN(next_ms, deadline_ms);
        }
    }
    bool had_started = allocation->has_started;
    allocation->has_started |= allocation->candidates.count > 0;
    if (staying > keep) {
        let_go(allocation, staying - keep);
    }
    bool wants_another_look = !had_started && allocation->has_started;
    return wants_another_look ? now_ms + GLY_ALLOCATION_TICK_MS : next_ms;
}

gly_allocation_decision gly_allocation_step(gly_allocation *allocation,
                                            const gly_allocation_input *input, int64_t now_ms) {
    gly_allocation_decision decision = {
        .previous = allocation->wanted, .why = "", .next_ms = GLY_ALLOCATION_NEVER};
    uint32_t staying = 0;
    uint32_t registered = 0;
    for (uint32_t i = 0; i < input->executor_count; i++) {
        staying += !input->executors[i].is_leaving;
        registered += !input->executors[i].is_leaving && input->executors[i].is_registered;
    }
    allocation->let_go.count = 0;
    const char *why = "scaled";
    if (allocation->rules.is_dynamic) {
        why = move_target(allocation, input, registered, now_ms);
    } else {
        allocation->wanted = cap_of(&allocation->rules);
    }
    decision.wanted = allocation->wanted;
    uint32_t shed_count = shed(allocation, input, staying);
    if (allocation->rules.is_dynamic && shed_count == 0) {
        decision.next_ms = release_idle(allocation, input, staying, now_ms);
        bool may_grow = allocation->wanted < cap_of(&allocation->rules) &&
                        allocation->wanted < count_needed(allocation, input);
        if (may_grow && allocation->next_add_ms != GLY_ALLOCATION_NEVER) {
            int64_t soonest_ms = now_ms + GLY_ALLOCATION_TICK_MS;
            decision.next_ms =
                GLY_MIN(decision.next_ms, GLY_MAX(allocation->next_add_ms, soonest_ms));
        }
    }
    if (decision.wanted != decision.previous || shed_count > 0) {
        decision.why = why;
    } else if (allocation->let_go.count > 0) {
        decision.why = "idle";
    }
    decision.let_go_count = (uint32_t)allocation->let_go.count;
    decision.let_go = allocation->let_go.items;
    return decision;
}
