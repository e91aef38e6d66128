/* allocation.h - how many executors a driver wants, and which it lets go: Spark's rules as a pure
 * state machine.
 *
 *   decision = gly_allocation_step(allocation, input, now)
 *
 * No clock, no thread: the owner looks at its executors and its queue, steps at least every 100 ms
 * while something changes and at decision.next_ms, asks for `wanted` executors minus those that
 * stay, and lets the named ones go.  Pattern: Spark 4.2 ExecutorAllocationManager and
 * ExecutorMonitor.
 */
#ifndef GLY_ALLOCATION_H
#define GLY_ALLOCATION_H

#include "lib/base/base.h"

typedef struct gly_allocation gly_allocation;

#define GLY_ALLOCATION_TICK_MS 100
#define GLY_ALLOCATION_NO_CAP UINT32_MAX
#define GLY_ALLOCATION_NEVER INT64_MAX

typedef struct gly_allocation_rules { /* may change while it runs */
    bool is_dynamic;
    uint32_t fixed;             /* not dynamic: as many as that */
    uint32_t min, initial, max; /* dynamic; initial below min counts as min */
    int64_t backlog_ms;         /* tasks wait for so long before executors are added */
    int64_t sustained_ms;       /* and this long before more are */
    int64_t idle_ms;            /* an executor without a task for so long is let go */
    uint32_t slots;             /* tasks one executor runs at once; 0 means 1 */
    uint32_t admitted;          /* whatever else is said, not more than that; NO_CAP: no limit */
    bool can_migrate; /* an executor that is let go hands its shuffle blocks to others first */
} gly_allocation_rules;

typedef struct gly_allocation_executor {
    uint32_t id;
    bool is_registered;     /* else it was asked for and is starting */
    bool is_leaving;        /* let go already, or going by itself: is not counted */
    bool is_busy;           /* runs a task */
    int64_t idle_since_ms;  /* not busy: since when; not registered: when it was asked for */
    bool has_cache;         /* holds partitions of cached tables: never let go for idleness */
    uint64_t shuffle_bytes; /* map outputs of live jobs */
    bool has_shuffle;
} gly_allocation_executor;

typedef struct gly_allocation_input {
    uint64_t pending_tasks; /* ready and not running, speculative copies included */
    uint64_t running_tasks;
    uint32_t active_jobs;
    uint32_t executor_count;
    const gly_allocation_executor *executors;
} gly_allocation_input;

typedef struct gly_allocation_decision {
    uint32_t wanted;   /* executors that are not leaving, starting ones included */
    uint32_t previous; /* what the step before wanted */
    const char *why;   /* of a change or of letting go, a literal for people; "" if neither */
    uint32_t let_go_count;
    const uint32_t *let_go; /* ids; valid until the next step */
    int64_t next_ms;        /* when time alone would change something; NEVER: it would not */
} gly_allocation_decision;

gly_allocation *gly_allocation_make(const gly_allocation_rules *rules)
    __attribute__((returns_nonnull));
void gly_allocation_free(gly_allocation *allocation); /* accepts NULL */
/* What is now wanted stays, clamped to the new rules at the next step. */
void gly_allocation_set_rules(gly_allocation *allocation, const gly_allocation_rules *rules);
const gly_allocation_rules *gly_allocation_get_rules(const gly_allocation *allocation);
gly_allocation_decision gly_allocation_step(gly_allocation *allocation,
                                            const gly_allocation_input *input, int64_t now_ms);

#endif
