/* scheduler_internal.h - the state of the scheduler, for the files of this folder only.
 *
 *   job ── stages ──┬── live_set ── tasks ── attempts ── executor
 *                   └── zombie sets (old stage attempts whose last tasks still run)
 *
 * Who owns what: the scheduler owns jobs, stages, executors and pools; a stage owns its task sets;
 * a set owns its tasks; attempts come from a free list.  A stage may belong to several jobs (a
 * shared shuffle) and is freed when it has no job and no running attempt.
 */
#ifndef GLY_SCHEDULER_INTERNAL_H
#define GLY_SCHEDULER_INTERNAL_H

#include "driver/event/event_bus.h"
#include "driver/scheduler/accumulators.h"
#include "driver/scheduler/map_output_tracker.h"
#include "driver/scheduler/scheduler.h"
#include "lib/base/arena.h"
#include "lib/base/map.h"
#include "lib/base/random.h"

#define GLY_SCHEDULER_NONE UINT32_MAX
#define GLY_SCHEDULER_NEVER INT64_MAX

typedef struct gly_attempt gly_attempt;
typedef struct gly_task_set gly_task_set;
typedef struct gly_stage gly_stage;
typedef struct gly_job gly_job;
typedef struct gly_pool gly_pool;
typedef GLY_ARRAY(uint32_t) gly_index_stack;

typedef struct gly_host {
    char *name;
    uint32_t rack; /* index of a rack, or NONE */
    uint32_t live_executors;
    int64_t excluded_until_ms;
} gly_host;

typedef struct gly_executor {
    uint32_t id, host;
    uint32_t slots, free_slots;
    bool is_alive, is_decommissioning;
    uint32_t free_position; /* in the free list, or NONE */
    uint64_t held_round;    /* the offer round in which a wide task reserved what is free here */
    uint64_t failure_epoch; /* outputs of tasks launched then or before are lost; 0: none */
    uint32_t running_count;
    gly_attempt *attempts;
    uint32_t ahead_count; /* attempts sent ahead, waiting there for a slot: first_ahead is next */
    gly_attempt *first_ahead, *last_ahead;
    int64_t excluded_until_ms;
    GLY_ARRAY(int64_t) failure_expiries_ms; /* of task failures that count against it */
} gly_executor;

struct gly_attempt { /* one running task */
    uint64_t task_id;
    gly_task_set *set;
    gly_executor *executor;
    uint32_t partition, number, width;
    gly_locality locality;
    bool is_speculative, is_killed;
    bool is_ahead; /* holds no slot yet (width 0); on its executor's list of them */
    gly_attempt *previous_ahead, *next_ahead;
    int64_t launched_ms;
    uint64_t epoch;
    gly_attempt *next_of_task;
    gly_attempt *previous_of_executor, *next_of_executor;
    gly_attempt *previous_of_set, *next_of_set;
};

typedef enum gly_task_state { GLY_TASK_PENDING, GLY_TASK_RUNNING, GLY_TASK_DONE } gly_task_state;

typedef struct gly_task { /* one partition in one stage attempt */
    uint8_t state;        /* gly_task_state */
    bool is_speculatable; /* listed in set->speculatable */
    uint8_t pending_mask; /* bit per gly_locality: where it is counted in set->pending_at */
    uint16_t failure_count;
    uint16_t running_count;
    uint32_t launch_count;
    uint32_t avoid_executor; /* until avoid_until_ms */
    int64_t avoid_until_ms;
    gly_attempt *running;
} gly_task;

typedef struct gly_median { /* of durations: two heaps */
    GLY_ARRAY(int64_t) low, high;
} gly_median;

struct gly_task_set { /* one attempt of a stage: tasks[partition] for all partitions */
    gly_scheduler *scheduler;
    gly_stage *stage;
    gly_pool *pool;
    uint32_t attempt;
    uint64_t job_id, priority; /* of its first job; FIFO goes by priority */
    bool is_zombie;            /* launches nothing more; results of running tasks still count ... */
    bool is_discarded;         /* ... unless this: the job is over, or the inputs were replaced */
    bool is_listed;            /* in pool->sets */
    bool is_released;          /* in scheduler->to_release */
    uint32_t missing_count;    /* partitions of this attempt when it started */
    uint32_t remaining_count;  /* tasks not DONE */
    uint32_t pending_count, running_count, running_slots;
    int64_t started_ms;
    gly_task *tasks;
    gly_attempt *attempts;
    /* Pending tasks by place: stacks of partitions, with entries that are no longer pending. */
    bool has_preferences;
    gly_index_stack no_preference, all;
    gly_map by_executor, by_host, by_rack; /* gly_index_stack* */
    uint32_t pending_at[GLY_LOCALITY_COUNT];
    gly_index_stack speculatable;
    gly_median durations;
    /* Delay scheduling (locality.c). */
    uint8_t level_count, level_index;
    uint8_t levels[GLY_LOCALITY_COUNT];
    int64_t last_reset_ms;
    bool no_rejects_since_reset;
    /* One offer round (task_scheduler.c). */
    uint64_t round, declined_round;
    uint8_t round_level;   /* index into levels; level_count: speculative copies */
    uint8_t round_allowed; /* a gly_locality */
    uint8_t round_best;    /* best locality launched in this round */
    uint32_t round_cursor, round_misses;
    bool round_launched, round_held;
    /* Health (health_tracker.c), made at the first failure. */
    struct gly_set_health *health;
    int64_t unschedulable_since_ms; /* NEVER: it can be scheduled */
    uint32_t unschedulable_partition;
    int64_t next_avoid_end_ms; /* the earliest end of an avoidance among pending tasks; or NEVER */
};

typedef struct gly_place { /* where a partition would like to run */
    uint32_t executor_id;  /* or NONE */
    uint32_t host;         /* index, or NONE */
} gly_place;

typedef enum gly_stage_state {
    GLY_STAGE_IDLE,     /* not wanted yet, or complete */
    GLY_STAGE_WAITING,  /* for parents */
    GLY_STAGE_RUNNING,  /* live_set is there */
    GLY_STAGE_RESUBMIT, /* failed; starts again at resubmit_ms */
} gly_stage_state;

typedef struct gly_stage_owner {
    gly_job *job;
    uint32_t stage_index;
} gly_stage_owner;

struct gly_stage {
    gly_scheduler *scheduler;
    uint32_t id, shuffle_id, task_count, width;
    char *name;
    bool is_shuffle_map, is_indeterminate;
    bool is_queued;     /* in scheduler->to_submit */
    bool was_completed; /* others may have read its outputs */
    gly_stage_state state;
    int64_t resubmit_ms;
    GLY_ARRAY(gly_stage *) parents;
    GLY_ARRAY(gly_stage *) children;
    GLY_ARRAY(gly_stage_owner) owners;
    uint32_t *first_place; /* task_count + 1, or NULL: no preferences */
    gly_place *places;
    uint32_t attempt_count;  /* started so far */
    uint32_t fetch_failures; /* attempts failed in a row */
    uint32_t recomputed_tasks; /* map outputs that were there, got lost and were made again */
    gly_task_set *live_set;
    GLY_ARRAY(gly_task_set *) sets; /* all with running tasks, and the live one */
    uint8_t *is_done;               /* result stage: by partition */
    uint32_t done_count;
    uint64_t *committer; /* output_commit.c: task id + 1 by partition, or NULL */
    uint16_t *failure_counts; /* of a partition's task, over all attempts since it was done; or NULL */
    gly_accumulators accumulators;
};

struct gly_job {
    uint64_t id, sequence;
    char *pool_name;
    gly_pool *pool;
    int64_t started_ms;
    uint32_t stage_count;
    gly_stage **stages;
    gly_stage *final_stage;
    bool is_finishing; /* in scheduler->to_finish */
    gly_status status;
    char *error; /* NULL when OK */
};

struct gly_pool {
    char *name;
    uint32_t weight, min_share;
    bool is_fair;
    uint32_t running_slots;
    GLY_ARRAY(gly_task_set *) sets; /* with something to launch; FIFO order */
    uint32_t round_position;        /* sets before it declined this round */
    uint64_t round;
};

struct gly_scheduler {
    gly_scheduler_options options; /* pools is NULL */
    int64_t now_ms;
    gly_random random;
    /* output of the step */
    gly_arena *texts;
    GLY_ARRAY(gly_scheduler_action) actions;
    /* executors */
    gly_map executors; /* id -> gly_executor*, dead ones too: an id is never used again */
    GLY_ARRAY(gly_executor *) free_executors; /* alive, accepting, free_slots > 0 */
    GLY_ARRAY(gly_executor *) live_executors;
    char *no_executors;                /* why none can be had; NULL: some live, or may come */
    uint32_t total_slots, free_slots;  /* of executors that accept tasks */
    bool is_launching_ahead;           /* attempts that start now hold no slot */
    GLY_ARRAY(gly_executor *) drained; /* may take tasks ahead: an attempt has ended there */
    GLY_ARRAY(gly_host) hosts;
    GLY_ARRAY(char *) racks;
    gly_map host_index; /* hash of the name -> index + 1 of the first; see locality.c */
    /* work */
    gly_map jobs;
    GLY_ARRAY(gly_job *) job_list; /* in order of submission */
    uint64_t job_sequence;
    GLY_ARRAY(gly_stage *) stages; /* all that are not freed */
    gly_map stages_by_shuffle;
    GLY_ARRAY(gly_stage *) to_submit;
    GLY_ARRAY(gly_stage *) resubmits; /* in state RESUBMIT */
    GLY_ARRAY(gly_job *) to_finish;
    GLY_ARRAY(gly_task_set *) to_release; /* stopped, nothing running: freed when the step ends */
    GLY_ARRAY(gly_stage *) to_release_stages;
    GLY_ARRAY(gly_pool *) pools;
    GLY_ARRAY(gly_task_set *) live_sets;
    gly_map attempts;           /* task id -> gly_attempt* */
    gly_attempt *free_attempts; /* by next_of_task */
    uint64_t next_task_id;
    uint64_t pending_tasks, running_tasks, pending_speculative, recomputed_tasks;
    gly_map_output_tracker *tracker;
    /* offers */
    bool is_dirty;                   /* something became launchable elsewhere than on `freed` */
    bool has_empty_sets;             /* some set in a pool has nothing left to launch */
    GLY_ARRAY(gly_executor *) freed; /* executors with newly free slots */
    GLY_ARRAY(gly_executor *) emptied;
    uint64_t round;
    uint32_t start_cursor;
    GLY_ARRAY(gly_task_set *) touched; /* sets that were asked in this round */
    int64_t next_speculation_ms;
    int64_t next_exclusion_end_ms; /* of an executor that was refused because it is excluded */
};

/* ---- scheduler.c: what a step puts out ---- */

/* Copies text into the step's memory. */
gly_str gly_scheduler_keep_text(gly_scheduler *scheduler, const char *format, ...) GLY_PRINTF(2, 3);
void gly_scheduler_add_action(gly_scheduler *scheduler, const gly_scheduler_action *action);
/* Sets the time and publishes. */
void gly_scheduler_publish(gly_scheduler *scheduler, gly_event *event);

#endif
