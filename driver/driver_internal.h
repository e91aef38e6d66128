/* driver_internal.h - what driver.c (callers), driver_loop.c (the owner thread) and driver_job.c share.
 *
 * Everything of the scheduler and of `executors`, `tasks` and `jobs` belongs to the owner thread; the
 * inbox is the only door.  A gly_driver_job is shared with its caller under its own lock.
 */
#ifndef GLY_DRIVER_INTERNAL_H
#define GLY_DRIVER_INTERNAL_H

#include "driver/allocation/allocation.h"
#include "driver/cluster/cluster.h"
#include "driver/cluster/executor_endpoint.h"
#include "driver/driver.h"
#include "driver/event/event_log.h"
#include "driver/local_dir.h"
#include "driver/scheduler/scheduler.h"
#include "lib/base/array.h"
#include "lib/base/map.h"

#include <pthread.h>
#include <stdatomic.h>

typedef struct gly_driver_job gly_driver_job;

typedef enum gly_driver_message_kind {
    GLY_DRIVER_REGISTERED,
    GLY_DRIVER_UPDATES,
    GLY_DRIVER_LOST,
    GLY_DRIVER_CLUSTER, /* a cluster event */
    GLY_DRIVER_SUBMIT,
    GLY_DRIVER_CANCEL,
    GLY_DRIVER_END_QUERY,
    GLY_DRIVER_DROP_CACHE,
    GLY_DRIVER_SUBSCRIBE,
    GLY_DRIVER_ALLOCATE, /* new rules */
    GLY_DRIVER_DECOMMISSIONING,
    GLY_DRIVER_PULLED,
    GLY_DRIVER_STOP,
} gly_driver_message_kind;

typedef struct gly_driver_pulled { /* gly_executor_pulled, kept */
    uint64_t transfer_id;
    char *error, *path; /* or NULL */
    gly_str map_status;
} gly_driver_pulled;

typedef struct gly_driver_message {
    gly_driver_message_kind kind;
    uint32_t executor_id;
    uint32_t cores;
    uint64_t id; /* query or cache; of DECOMMISSIONING: its milliseconds */
    gly_driver_pulled *pulled; /* owned; of PULLED */
    int64_t pid;
    gly_cluster_event_kind cluster_kind;
    bool expected;
    char *text; /* reason or host; owned */
    char code[GLY_CLUSTER_CODE_SIZE]; /* of a cluster's warning */
    gly_allocation_rules rules;
    gly_task_update_batch updates;
    gly_driver_job *job;
    gly_event_reader reader; /* SUBSCRIBE */
    void *reader_context;
} gly_driver_message;

typedef struct gly_driver_sent { /* a stage plan an executor has */
    uint32_t stage_id, stage_attempt;
} gly_driver_sent;

typedef struct gly_driver_outputs { /* map outputs of a live job that an executor holds */
    uint64_t job_id, count, bytes;
} gly_driver_outputs;

typedef struct gly_driver_executor {
    uint32_t id;
    uint32_t cores;
    bool registered, alive;
    bool is_let_go;       /* not wanted any more: gets no tasks, is not counted, leaves by itself */
    int64_t deadline_ms;  /* to register; or, when is_leaving, to learn how it ended */
    bool is_leaving;      /* its stream ended; waiting for the process's own reason */
    char *leaving_reason;
    uint32_t running_tasks;
    uint64_t taken_bytes; /* of blocks it took over from others */
    int64_t idle_since_ms; /* when the last task ended, it registered or was asked for */
    GLY_ARRAY(gly_driver_outputs) outputs;
    GLY_ARRAY(gly_driver_sent) sent;
    GLY_ARRAY(gly_executor_endpoint_launch) launches; /* of the step being done */
} gly_driver_executor;

typedef struct gly_driver_task {
    uint64_t task_id;
    gly_driver_job *job; /* NULL: its job is over */
    uint32_t stage_index, partition, executor_id;
} gly_driver_task;

typedef struct gly_driver_stage {
    uint32_t stage_id;
    int64_t start_ns, end_ns;
    uint32_t attempts, failed_tasks, running, most_running;
    GLY_ARRAY(double) task_ms; /* of successful tasks */
    double slowest_ms;
    uint32_t slowest_partition;
    gly_task_metrics metrics;
    GLY_ARRAY(gly_operator_rows) operators; /* set when it is completed, if somebody asked */
    gly_builder encoded; /* of encoded_attempt */
    uint32_t encoded_attempt;
    uint64_t encoded_epoch; /* of the scheduler, when it was encoded */
    bool is_encoded;
} gly_driver_stage;

typedef struct gly_driver_result {
    bool is_done, is_delivered;
    char *inline_bytes;
    size_t inline_size;
    char *path; /* a block file of executor_id, or NULL */
    uint32_t executor_id;
    uint64_t size_bytes;
} gly_driver_result;

struct gly_driver_job {
    uint64_t job_id;
    const gly_job_request *request; /* the caller's, valid until is_done */
    gly_driver_stage *stages;       /* owner thread */
    uint32_t first_stage_id;
    uint64_t result_bytes, recomputed_tasks;
    bool is_draining; /* its end is known, its last tasks' end is waited for (driver_drain.c) */
    int64_t drain_until_ms;
    gly_status own_error; /* why the driver itself cancelled it; GLY_OK: it did not */
    int64_t start_ns, end_ns;

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    bool is_done;
    gly_error error; /* status GLY_OK: succeeded */
    uint32_t result_count;
    gly_driver_result *results;
    gly_arena *arena; /* of files */
    GLY_ARRAY(gly_written_file) files;
};

typedef struct gly_driver_cache { /* of CACHE TABLE; guarded by the inbox's lock */
    uint64_t cache_id;
    uint32_t partition_count;
    uint32_t *executors; /* by partition; 0: not there */
} gly_driver_cache;

typedef struct gly_driver_numbers { /* of executors, as told last */
    uint64_t wanted, running, starting, leaving, lost;
} gly_driver_numbers;

struct gly_driver {
    const gly_config *config;
    gly_local_dir *local_dir;
    gly_tls_authority *authority;
    gly_executor_endpoint *endpoint;
    const gly_cluster_manager *manager;
    gly_cluster *cluster;
    gly_event_bus *bus;
    gly_event_log *log; /* or NULL */
    uint32_t slot_count;
    atomic_uint_fast64_t next_id;
    atomic_uint_fast32_t next_shuffle;

    pthread_mutex_t lock; /* the inbox */
    pthread_cond_t arrived;
    GLY_ARRAY(gly_driver_message) inbox;
    GLY_ARRAY(gly_driver_cache) caches;
    GLY_ARRAY(gly_driver_job *) delivering; /* whose callers still take results; also ended ones */
    atomic_uint_fast64_t cache_moves; /* partitions that changed their executor or were lost */
    pthread_t thread;
    bool has_thread;

    /* the owner thread's */
    gly_scheduler *scheduler;
    gly_map executors; /* gly_driver_executor */
    gly_map tasks;     /* gly_driver_task */
    GLY_ARRAY(gly_driver_job *) jobs;
    GLY_ARRAY(gly_driver_job *) draining;
    uint64_t next_job_id;
    uint32_t next_stage_id;
    uint32_t wanted_executors, failures_in_a_row;
    bool gave_up;         /* asks for no more, until ... */
    int64_t try_again_ms; /* ... then, if some run; or a new job comes */
    char *last_failure;
    uint64_t lost_count; /* executors that ended without having been let go */
    gly_driver_numbers numbers;
    gly_allocation *allocation;
    int64_t allocation_due_ms;  /* not before, unless time alone changes something ... */
    int64_t allocation_wake_ms; /* ... which is then */
    GLY_ARRAY(gly_allocation_executor) allocation_view; /* of a step */
    struct gly_driver_decommission *decommission; /* NULL: nobody ever had to leave */
};

/* driver_loop.c */
void *gly_driver_loop_run(void *driver);
void gly_driver_loop_post(gly_driver *driver, gly_driver_message message); /* any thread */
void gly_driver_loop_free(gly_driver *driver); /* what the loop owns, after it ended */
/* The scheduler's step and its actions; update: the one that caused the event, or NULL. */
void gly_driver_loop_step(gly_driver *driver, const gly_scheduler_event *event,
                          const gly_task_update *update);

/* driver_executors.c: owner thread */
gly_driver_executor *gly_driver_executors_find(gly_driver *driver, uint32_t id); /* or NULL */
uint32_t gly_driver_executors_count(gly_driver *driver, bool also_starting);
/* Asks for as many as are missing to wanted_executors, unless the driver gave up. */
void gly_driver_executors_fill(gly_driver *driver);
void gly_driver_executors_retry(gly_driver *driver); /* tries again if it had given up */
/* Fails all jobs if there is no executor and none will come. */
void gly_driver_executors_give_up_if_hopeless(gly_driver *driver);
void gly_driver_executors_register(gly_driver *driver, const gly_driver_message *message);
void gly_driver_executors_on_cluster(gly_driver *driver, const gly_driver_message *message);
void gly_driver_executors_on_lost(gly_driver *driver, gly_driver_message *message);
void gly_driver_executors_check_deadlines(gly_driver *driver);
int64_t gly_driver_executors_next_deadline(gly_driver *driver); /* INT64_MAX: none */
/* Gives it no more tasks, and asks it to leave; one that has not registered is gone at once. */
void gly_driver_executors_let_go(gly_driver *driver, gly_driver_executor *executor,
                                 const char *why);
void gly_driver_executors_clear(gly_driver *driver);

/* driver_allocation.c: owner thread */
void gly_driver_allocation_stop(gly_driver *driver);
void gly_driver_allocation_set_rules(gly_driver *driver, const gly_allocation_rules *rules);
/* The executor holds one more map output of a live job. */
void gly_driver_allocation_add_output(gly_driver_executor *executor, uint64_t job_id,
                                      uint64_t bytes);
void gly_driver_allocation_end_job(gly_driver *driver, uint64_t job_id);
/* At the end of a round of the loop. */
void gly_driver_allocation_round(gly_driver *driver, bool had_messages);

/* driver_decommission.c: owner thread, but for keep */
typedef struct gly_driver_decommission gly_driver_decommission;
/* The executor has to leave within deadline_ms; it is told to when its blocks are elsewhere. */
void gly_driver_decommission_begin(gly_driver *driver, uint32_t executor_id, int64_t deadline_ms);
void gly_driver_decommission_pulled(gly_driver *driver, uint32_t executor_id,
                                    const gly_driver_pulled *pulled);
/* driver_drain.c.  False: nobody writes for this job, finish it now; true: a round will. */
bool gly_driver_drain_begin(gly_driver *driver, gly_driver_job *job, gly_status status,
                            gly_str message);
void gly_driver_drain_forget(gly_driver *driver, const gly_driver_job *job); /* by its tasks */
void gly_driver_drain_round(gly_driver *driver);
int64_t gly_driver_drain_next_ms(const gly_driver *driver); /* INT64_MAX: none */
void gly_driver_drain_end(gly_driver *driver);              /* nobody will report any more */

void gly_driver_decommission_round(gly_driver *driver);
int64_t gly_driver_decommission_next_ms(gly_driver *driver); /* INT64_MAX: none */
void gly_driver_decommission_lost(gly_driver *driver, uint32_t executor_id);
void gly_driver_decommission_free(gly_driver *driver);
gly_driver_pulled *gly_driver_decommission_keep(const gly_executor_pulled *said);
void gly_driver_decommission_forget(gly_driver_pulled *pulled); /* accepts NULL */

/* driver_cache.c: where cached partitions lie; any thread */
void gly_driver_cache_put(gly_driver *driver, uint64_t cache_id, uint32_t partition_count,
                          uint32_t partition, uint32_t executor_id);
void gly_driver_cache_lose(gly_driver *driver, uint32_t executor_id);
/* Where the partitions of the cached tables that plan reads lie; in the arena. */
const gly_executor_endpoint_cached *gly_driver_cache_places(gly_driver *driver, gly_arena *arena,
                                                            const gly_physical *plan,
                                                            uint32_t *ret_count);
/* Which executor has the partition; 0: none. */
uint32_t gly_driver_cache_find(gly_driver *driver, uint64_t cache_id, uint32_t partition);
/* False if `from` does not have it. */
bool gly_driver_cache_move(gly_driver *driver, uint64_t cache_id, uint32_t partition,
                           uint32_t from, uint32_t to);
void gly_driver_cache_remove(gly_driver *driver, uint64_t cache_id);
bool gly_driver_cache_holds(gly_driver *driver, uint32_t executor_id); /* any partition */
bool gly_driver_cache_is_complete(gly_driver *driver, uint64_t cache_id);
/* Preferences of a stage that reads a cached table, in the arena; NULL if it reads none. */
const gly_scheduler_preference *gly_driver_cache_preferences(gly_driver *driver, gly_arena *arena,
                                                             const gly_physical *plan,
                                                             uint32_t task_count);

/* driver_job.c: called by the owner thread as actions are done */
gly_driver_job *gly_driver_job_make(const gly_job_request *request);
void gly_driver_job_free(gly_driver_job *job);
void gly_driver_job_launched(gly_driver_job *job, uint32_t stage_index);
void gly_driver_job_task_ended(gly_driver_job *job, uint32_t stage_index, uint32_t partition,
                               const gly_task_update *update);
void gly_driver_job_stage_ended(gly_driver_job *job, uint32_t stage_index,
                                const gly_accumulators *accumulators);
/* Takes a result partition; false: the job's results are larger than allowed (fills err). */
bool gly_driver_job_take(gly_driver_job *job, uint32_t stage_index, uint32_t partition,
                         uint32_t executor_id, const gly_task_update *update, gly_error *err);
/* Sets the error; `status` GLY_OK: nothing.  Then, or later, finish. */
void gly_driver_job_fail(gly_driver_job *job, gly_status status, gly_str message);
void gly_driver_job_finish(gly_driver_job *job);
/* The stage message for an attempt; cached until the attempt changes. */
gly_str gly_driver_job_encode_stage(gly_driver_job *job, gly_driver *driver, uint32_t stage_index,
                                    uint32_t stage_attempt);
/* The caller's side: hands results over in order until the job is done. */
GLY_NODISCARD gly_status gly_driver_job_wait(gly_driver_job *job, gly_driver *driver,
                                             gly_error *err);
void gly_driver_job_summarize(const gly_driver_job *job, gly_job_summary *ret);

#endif
