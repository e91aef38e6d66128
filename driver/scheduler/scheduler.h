/* scheduler.h - jobs to tasks: the façade of the DAG scheduler and the task scheduler.
 *
 * A pure state machine: gly_scheduler_step(state, event, now) gives actions.  It has no clock, no
 * socket, no thread and no log; the same events at the same times give the same actions.  One
 * thread owns it (the driver's loop); nothing here is thread-safe.
 *
 * The owner's loop:
 *
 *     event from somewhere (executor message, user, timer)
 *       -> actions = gly_scheduler_step(scheduler, &event, now_ms, &count)
 *       -> do every action, in order
 *       -> set the timer to gly_scheduler_next_tick(scheduler); when it fires: event TICK
 *
 * Numbers: job ids, stage ids, shuffle ids and executor ids are the owner's; task ids and attempts
 * are the scheduler's.  Stages are named by (job_id, stage_index), the index into the job's own
 * array, so that the owner finds the stage's plan without a map.
 */
#ifndef GLY_SCHEDULER_H
#define GLY_SCHEDULER_H

#include "driver/scheduler/accumulators.h"
#include "lib/base/str.h"

typedef struct gly_scheduler gly_scheduler;
typedef struct gly_event_bus gly_event_bus;
typedef struct gly_map_output gly_map_output; /* map_output_tracker.h */

typedef enum gly_locality {
    GLY_LOCALITY_PROCESS, /* the executor holds the data (cached block) */
    GLY_LOCALITY_NODE,    /* same host */
    GLY_LOCALITY_NO_PREF, /* the task does not care */
    GLY_LOCALITY_RACK,
    GLY_LOCALITY_ANY,
    GLY_LOCALITY_COUNT
} gly_locality;

const char *gly_scheduler_locality_name(gly_locality locality); /* "PROCESS_LOCAL" */

/* ---- options ------------------------------------------------------------------------------ */

typedef struct gly_scheduler_pool { /* a FAIR pool, as in Spark's allocation file */
    gly_str name;
    uint32_t weight;    /* 0 means 1 */
    uint32_t min_share; /* slots */
    bool is_fair;       /* inside the pool: FAIR, else FIFO */
} gly_scheduler_pool;

typedef struct gly_scheduler_options {
    bool is_fair; /* spark.scheduler.mode FAIR; else FIFO */
    uint32_t pool_count;
    const gly_scheduler_pool *pools; /* only read by make; unknown pools get weight 1, FIFO */
    uint32_t max_task_failures;      /* spark.task.maxFailures, 4 */
    uint32_t max_stage_attempts;     /* spark.stage.maxConsecutiveAttempts, 4 */
    int64_t locality_wait_ms[GLY_LOCALITY_COUNT]; /* PROCESS, NODE, RACK are used; 3000 each */
    int64_t resubmit_delay_ms; /* after a fetch failure, so that its siblings arrive first; 200 */
    int64_t avoid_ms; /* a failed task avoids that executor this long, if others live; 1000 */
    /* Tasks that a busy executor may hold beyond its slots when a stage's tasks are so short that
     * the round trip of a launch would cost more than they do; per slot, 0: never. */
    uint32_t launch_ahead;
    bool speculation;
    int64_t speculation_interval_ms;  /* 100 */
    double speculation_multiplier;    /* 3 */
    double speculation_quantile;      /* 0.9 */
    int64_t speculation_min_ms;       /* 100: tasks shorter than this are never speculated */
    bool exclude_on_failure;          /* spark.excludeOnFailure.enabled */
    int64_t exclude_timeout_ms;       /* 1 h */
    int64_t unschedulable_timeout_ms; /* 120 s: every executor excluded for a task fails its job */
    gly_event_bus *bus;               /* gets job, stage, task and executor events; NULL: nobody */
    int64_t wall_offset_ms;           /* wall clock = now_ms + this, in published events only */
    uint64_t seed;                    /* where offers start */
} gly_scheduler_options;

/* Spark 4's defaults. */
void gly_scheduler_options_default(gly_scheduler_options *ret);

/* ---- events (in) -------------------------------------------------------------------------- */

typedef enum gly_scheduler_event_kind {
    GLY_SCHEDULER_TICK, /* time has passed */
    GLY_SCHEDULER_EXECUTOR_REGISTERED,
    GLY_SCHEDULER_EXECUTOR_LOST,
    GLY_SCHEDULER_EXECUTOR_DECOMMISSIONING, /* no new tasks; what runs may finish */
    GLY_SCHEDULER_NO_EXECUTORS, /* none can be had: fails all jobs, now and until one registers */
    GLY_SCHEDULER_JOB_SUBMITTED,
    GLY_SCHEDULER_JOB_CANCELLED,
    GLY_SCHEDULER_TASK_FINISHED,
    GLY_SCHEDULER_COMMIT_REQUESTED, /* a task wants to commit its output files */
    GLY_SCHEDULER_MAP_OUTPUT_MOVED, /* a decommissioning executor gave a block to another */
    GLY_SCHEDULER_SHUFFLE_REMOVED,  /* forget the map outputs: no job will read them again */
    GLY_SCHEDULER_EVENT_COUNT
} gly_scheduler_event_kind;

typedef struct gly_scheduler_preference { /* where one partition would like to run */
    uint32_t executor_count;
    const uint32_t *executors;
    uint32_t host_count;
    const gly_str *hosts;
} gly_scheduler_preference;

typedef struct gly_scheduler_stage {
    uint32_t stage_id; /* unique in the application; jobs that share a shuffle share its stage id */
    gly_str name;      /* for people: "Aggregate", may be empty */
    bool is_shuffle_map;
    bool is_indeterminate; /* a re-run may give other rows (round robin over unordered input):
                            * losing one output re-runs it whole, and all that read it */
    uint32_t shuffle_id;   /* if is_shuffle_map */
    uint32_t task_count;   /* 0 is allowed: done at once */
    uint32_t width;        /* slots of one task; 0 means 1; at most the executor's slots are used */
    uint32_t parent_count;
    const uint32_t *parents; /* map stages of this job, each of a smaller index than this stage */
    const gly_scheduler_preference *preferences; /* task_count of them, or NULL */
} gly_scheduler_stage;

typedef enum gly_task_end {
    GLY_TASK_END_OK,
    GLY_TASK_END_FAILED,
    GLY_TASK_END_FETCH_FAILED, /* a map output could not be read; not the task's fault */
    GLY_TASK_END_KILLED,       /* as asked; or the executor shuts down: does not count */
    GLY_TASK_END_LOST,         /* made by the scheduler itself when an executor is lost */
    GLY_TASK_END_COUNT
} gly_task_end;

/* Everything is copied where it must live longer than the step. */
typedef struct gly_scheduler_event {
    gly_scheduler_event_kind kind;
    union {
        struct {
            uint32_t executor_id; /* never used before: a restarted executor gets a new id */
            gly_str host, rack;   /* rack may be empty */
            uint32_t slots;
        } registered;
        struct {
            uint32_t executor_id;
            gly_str reason;          /* for people: "exit status 137 (killed, out of memory)" */
            bool exit_caused_by_app; /* its running tasks count a failure */
        } lost;
        struct {
            uint32_t executor_id;
        } decommissioning;
        struct {
            gly_str message;
        } no_executors;
        struct {
            uint64_t job_id; /* unique in the application */
            gly_str pool;    /* empty: "default" */
            gly_str name;    /* for people, in events: the SQL text or action */
            uint32_t stage_count;
            const gly_scheduler_stage *stages;
            uint32_t final_stage; /* result stage, or a map stage whose outputs are wanted */
        } job;
        struct {
            uint64_t job_id;
            gly_str reason;
        } cancelled;
        struct {
            uint64_t task_id;
            uint32_t executor_id; /* who says so; others than the task's own are ignored */
            gly_task_end end;
            gly_status error;   /* FAILED */
            bool retryable;     /* FAILED: false fails the job at once (docs/decisions/0005-...) */
            gly_str message;    /* FAILED, FETCH_FAILED, KILLED */
            gly_str map_output; /* OK of a shuffle-map task: encoded gly_map_status */
            uint32_t failed_shuffle_id, failed_map_partition, failed_executor_id; /* FETCH_FAILED */
            const gly_task_numbers *numbers; /* metrics; may be NULL */
        } finished;
        struct {
            uint64_t task_id;
            uint32_t executor_id;
        } commit;
        struct {
            uint32_t shuffle_id, map_partition;
            uint32_t from_executor_id, to_executor_id;
            gly_str map_output; /* the new encoded gly_map_status */
        } moved;
        struct {
            uint32_t shuffle_id;
        } shuffle;
    };
} gly_scheduler_event;

/* ---- actions (out) ------------------------------------------------------------------------ */

typedef enum gly_scheduler_action_kind {
    GLY_SCHEDULER_LAUNCH_TASK,
    GLY_SCHEDULER_KILL_TASK, /* the executor then reports KILLED (or how the task really ended);
                              * its slots stay taken until it does */
    GLY_SCHEDULER_PARTITION_DONE, /* take this task's result: exactly one per result partition */
    GLY_SCHEDULER_STAGE_STARTED,
    GLY_SCHEDULER_STAGE_COMPLETED, /* done or failed; skipped stages are not announced */
    GLY_SCHEDULER_JOB_FINISHED,    /* the last action that names the job, kills excepted */
    GLY_SCHEDULER_COMMIT_ANSWER,
    GLY_SCHEDULER_EXECUTOR_REFUSED, /* the id was used before */
    GLY_SCHEDULER_ACTION_COUNT
} gly_scheduler_action_kind;

typedef struct gly_scheduler_action {
    gly_scheduler_action_kind kind;
    union {
        struct {
            uint64_t task_id; /* unique in the application */
            uint64_t job_id;  /* a live job that needs the stage */
            uint32_t stage_index, stage_id;
            uint32_t stage_attempt; /* its tasks read the same map outputs (moved: see epoch) */
            uint32_t partition;
            uint32_t attempt; /* of this partition in this stage attempt, from 0 */
            uint32_t executor_id;
            uint32_t width; /* slots taken on that executor */
            gly_locality locality;
            bool speculative;
        } launch;
        struct {
            uint64_t task_id;
            uint32_t executor_id;
            gly_str reason;
        } kill;
        struct {
            uint64_t job_id;
            uint32_t stage_index, stage_id, partition;
            uint64_t task_id;
        } done;
        struct {
            uint64_t job_id;
            uint32_t stage_index, stage_id, stage_attempt;
            uint32_t task_count; /* of this attempt: the partitions that are missing */
            bool ok;             /* COMPLETED */
            gly_str error;       /* COMPLETED and not ok */
            const gly_accumulators *accumulators; /* COMPLETED: of the partitions run so far */
        } stage;
        struct {
            uint64_t job_id;
            gly_status status; /* GLY_OK, or the task's own error, CANCELLED, ... */
            uint64_t recomputed_tasks; /* map tasks that had succeeded and were run again */
            gly_str error;     /* one sentence */
        } job;
        struct {
            uint64_t task_id;
            uint32_t executor_id;
            bool allowed;
        } commit;
        struct {
            uint32_t executor_id;
            gly_str reason;
        } refused;
    };
} gly_scheduler_action;

/* ---- calls -------------------------------------------------------------------------------- */

gly_scheduler *gly_scheduler_make(const gly_scheduler_options *options);
void gly_scheduler_free(gly_scheduler *scheduler); /* accepts NULL */

/* now_ms is monotonic and never smaller than before (a smaller one is taken as the last).  The
 * actions and their texts are valid until the next step.  Bad events (unknown ids, duplicates, late
 * results) are no errors: they are ignored, because a network makes them. */
const gly_scheduler_action *gly_scheduler_step(gly_scheduler *scheduler,
                                               const gly_scheduler_event *event, int64_t now_ms,
                                               size_t *ret_count);

/* When the next TICK is wanted; INT64_MAX: no timer is needed. */
int64_t gly_scheduler_next_tick(const gly_scheduler *scheduler);

/* The map outputs of a shuffle, one for each map partition (executor, encoded gly_map_status), for
 * the tasks of a stage that reads it.  NULL if the shuffle is unknown; a lost output has
 * is_available false (never while a LAUNCH_TASK action of a reader is being done).  Valid until
 * the next step. */
const gly_map_output *gly_scheduler_map_outputs(const gly_scheduler *scheduler, uint32_t shuffle_id,
                                                uint32_t *ret_count);
/* Changes whenever any map output of any shuffle is lost or moved: what was sent to executors about
 * map outputs at an older epoch has to be sent again. */
uint64_t gly_scheduler_epoch(const gly_scheduler *scheduler);

/* What dynamic allocation and the console want to know; all O(1). */
typedef struct gly_scheduler_load {
    uint64_t pending_tasks, running_tasks, pending_speculative;
    uint64_t recomputed_tasks; /* map outputs that were made again, since the start */
    uint32_t live_executors, total_slots, free_slots;
    uint32_t active_jobs;
} gly_scheduler_load;
gly_scheduler_load gly_scheduler_current_load(const gly_scheduler *scheduler);

#endif
