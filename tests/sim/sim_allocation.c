/* sim_allocation.c - dynamic allocation against a simulated cluster, thousands of seeded lives.
 *
 * Jobs come as stages of tasks of random length; executors take a random time to start, some never
 * do, some die; limits are changed while it runs.  Checked after every step: the target lies
 * between floor and cap; nobody is let go twice; what goes for idleness is idle long enough and
 * holds nothing that is needed.  At the end: all tasks ran, and a quiet cluster has shrunk to its
 * minimum.
 *
 *   sim_allocation            2,000 seeds
 *   sim_allocation 17         one seed, with its time line
 */
#include "driver/allocation/allocation.h"
#include "lib/base/array.h"
#include "lib/base/random.h"
#include "lib/base/str.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct worker {
    gly_allocation_executor seen;
    int64_t comes_ms;           /* registers then; NEVER: it hangs ... */
    int64_t given_up_ms;        /* ... until then */
    GLY_ARRAY(int64_t) ends_ms; /* of running tasks */
} worker;

typedef struct world {
    gly_random random;
    gly_allocation *allocation;
    gly_allocation_rules rules;
    GLY_ARRAY(worker) workers;
    GLY_ARRAY(gly_allocation_executor) view;
    uint64_t pending, done, total;
    uint32_t next_id;
    int64_t now_ms;
    bool is_loud;
    uint32_t peak;
} world;

static uint64_t below(world *w, uint64_t bound) { return gly_random_below(&w->random, bound); }

#define REQUIRE(w, condition)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("at %lld ms: %s does not hold (line %d)\n", (long long)(w)->now_ms, #condition, \
                   __LINE__);                                                                      \
            return false;                                                                          \
        }                                                                                          \
    } while (0)

static void random_rules(world *w) {
    gly_allocation_rules *r = &w->rules;
    r->is_dynamic = true;
    r->min = (uint32_t)below(w, 3);
    r->max = r->min + 1 + (uint32_t)below(w, 40);
    r->initial = (uint32_t)below(w, 6);
    r->backlog_ms = 100 + (int64_t)below(w, 2000);
    r->sustained_ms = 100 + (int64_t)below(w, 2000);
    r->idle_ms = 500 + (int64_t)below(w, 20000);
    r->slots = 1 + (uint32_t)below(w, 4);
    r->admitted = below(w, 4) == 0 ? 1 + (uint32_t)below(w, 10) : GLY_ALLOCATION_NO_CAP;
    r->can_migrate = below(w, 2) == 0;
}

static void hire(world *w, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        worker fresh = {.seen = {.id = ++w->next_id, .idle_since_ms = w->now_ms},
                        .comes_ms = below(w, 50) == 0 ? GLY_ALLOCATION_NEVER
                                                      : w->now_ms + (int64_t)below(w, 3000),
                        .given_up_ms = w->now_ms + 20000};
        gly_array_push(&w->workers, fresh);
    }
}

static void fire(world *w, size_t index) {
    w->pending += w->workers.items[index].ends_ms.count;
    gly_array_clear(&w->workers.items[index].ends_ms);
    gly_array_remove_at(&w->workers, index);
}

/* Tasks end, executors come and go, free slots take tasks. */
static void live(world *w) {
    for (size_t i = w->workers.count; i-- > 0;) {
        worker *one = &w->workers.items[i];
        if (!one->seen.is_registered && w->now_ms >= one->comes_ms) {
            one->seen.is_registered = true;
            one->seen.idle_since_ms = w->now_ms;
        }
        for (size_t t = one->ends_ms.count; t-- > 0;) {
            if (w->now_ms >= one->ends_ms.items[t]) {
                gly_array_remove_at(&one->ends_ms, t);
                w->done++;
                one->seen.idle_since_ms = w->now_ms;
                one->seen.has_shuffle = true;
                one->seen.shuffle_bytes += below(w, 1000);
            }
        }
        while (one->seen.is_registered && !one->seen.is_leaving && w->pending > 0 &&
               one->ends_ms.count < w->rules.slots) {
            gly_array_push(&one->ends_ms, w->now_ms + 20 + (int64_t)below(w, 4000));
            w->pending--;
        }
        one->seen.is_busy = one->ends_ms.count > 0;
        bool dies = one->seen.is_registered && below(w, 20000) == 0;
        bool left = one->seen.is_leaving && one->ends_ms.count == 0;
        bool hung = !one->seen.is_registered && w->now_ms >= one->given_up_ms;
        if (dies || left || hung) {
            fire(w, i);
        }
    }
    if (w->done == w->total && w->pending == 0) { /* no live job: its shuffles are forgotten */
        for (size_t i = 0; i < w->workers.count; i++) {
            w->workers.items[i].seen.has_shuffle = false;
            w->workers.items[i].seen.shuffle_bytes = 0;
        }
    }
}

static worker *find(world *w, uint32_t id) {
    for (size_t i = 0; i < w->workers.count; i++) {
        if (w->workers.items[i].seen.id == id) {
            return &w->workers.items[i];
        }
    }
    return NULL;
}

static bool obey(world *w, const gly_allocation_decision *decision, uint32_t staying) {
    uint32_t cap = GLY_MIN(w->rules.max, w->rules.admitted);
    REQUIRE(w, decision->wanted <= cap && decision->wanted >= GLY_MIN(w->rules.min, cap));
    REQUIRE(w, decision->next_ms > w->now_ms);
    bool is_idleness = strcmp(decision->why, "idle") == 0;
    for (uint32_t i = 0; i < decision->let_go_count; i++) {
        worker *one = find(w, decision->let_go[i]);
        REQUIRE(w, one != NULL && !one->seen.is_leaving);
        if (staying <= cap) {
            REQUIRE(w, !one->seen.is_busy && !one->seen.has_cache);
            REQUIRE(w, w->now_ms >= one->seen.idle_since_ms + w->rules.idle_ms);
            REQUIRE(w, !one->seen.has_shuffle || w->rules.can_migrate);
        }
        one->seen.is_leaving = true;
    }
    REQUIRE(w, staying - decision->let_go_count >= GLY_MIN(decision->wanted, staying));
    REQUIRE(w, !is_idleness || decision->let_go_count > 0);
    uint32_t have = staying - decision->let_go_count;
    if (have < decision->wanted) {
        hire(w, decision->wanted - have);
    }
    if (w->is_loud && decision->why[0] != '\0') {
        printf("%7.1f s  wanted %2u (was %2u)  there %2u  let go %u  waiting %llu: %s\n",
               (double)w->now_ms / 1000, decision->wanted, decision->previous, staying,
               decision->let_go_count, (unsigned long long)w->pending, decision->why);
    }
    w->peak = GLY_MAX(w->peak, decision->wanted);
    return true;
}

static bool tick(world *w) {
    w->view.count = 0;
    uint64_t running = 0;
    uint32_t staying = 0;
    for (size_t i = 0; i < w->workers.count; i++) {
        gly_array_push(&w->view, w->workers.items[i].seen);
        running += w->workers.items[i].ends_ms.count;
        staying += !w->workers.items[i].seen.is_leaving;
    }
    gly_allocation_input input = {.pending_tasks = w->pending,
                                  .running_tasks = running,
                                  .active_jobs = w->pending + running > 0,
                                  .executor_count = (uint32_t)w->view.count,
                                  .executors = w->view.items};
    gly_allocation_decision decision = gly_allocation_step(w->allocation, &input, w->now_ms);
    return obey(w, &decision, staying);
}

static bool run(world *w) {
    enum { BUSY_MS = 120000, QUIET_MS = 60000, END_MS = 30000000, TICK_MS = 100 };
    int64_t end_ms = BUSY_MS;
    for (w->now_ms = 0; w->now_ms < GLY_MIN(end_ms, END_MS); w->now_ms += TICK_MS) {
        if (w->done < w->total) {
            end_ms = GLY_MAX(BUSY_MS, w->now_ms) + QUIET_MS;
        }
        if (w->now_ms < BUSY_MS && below(w, 200) == 0) {
            uint64_t tasks = below(w, 300);
            w->pending += tasks;
            w->total += tasks;
        }
        if (w->now_ms < BUSY_MS && below(w, 500) == 0) {
            random_rules(w);
            gly_allocation_set_rules(w->allocation, &w->rules);
        }
        live(w);
        if (!tick(w)) {
            return false;
        }
    }
    REQUIRE(w, w->done == w->total && w->pending == 0);
    uint32_t staying = 0;
    for (size_t i = 0; i < w->workers.count; i++) {
        staying += !w->workers.items[i].seen.is_leaving;
    }
    REQUIRE(w, staying == GLY_MIN(w->rules.min, w->rules.admitted));
    return true;
}

static bool run_seed(uint64_t seed, bool is_loud) {
    world w = {.random = {seed}, .is_loud = is_loud};
    random_rules(&w);
    w.allocation = gly_allocation_make(&w.rules);
    bool good = run(&w);
    if (!good) {
        printf("seed %llu fails\n", (unsigned long long)seed);
    }
    while (w.workers.count > 0) {
        fire(&w, 0);
    }
    gly_array_clear(&w.workers);
    gly_array_clear(&w.view);
    gly_allocation_free(w.allocation);
    return good;
}

int main(int count, char **arguments) {
    uint64_t seed;
    const char *given = count > 1 ? arguments[1] : getenv("SEED");
    if (given != NULL && gly_str_to_u64(gly_str_of(given), &seed)) {
        return run_seed(seed, true) ? 0 : 1;
    }
    enum { SEEDS = 2000 };
    for (seed = 1; seed <= SEEDS; seed++) {
        if (!run_seed(seed, false)) {
            return 1;
        }
    }
    printf("%d seeds\n", SEEDS);
    return 0;
}
