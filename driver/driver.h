/* driver.h - the driver: executors, the scheduler's owner thread, the event bus; jobs in, results out.
 *
 * One thread (the owner) holds the scheduler's state; everyone else posts to it.  gly_driver_run_job
 * may be called by several threads at once: jobs then share the executors.
 */
#ifndef GLY_DRIVER_H
#define GLY_DRIVER_H

#include "driver/allocation/allocation.h"
#include "driver/cluster/cluster.h"
#include "driver/event/event_bus.h"
#include "driver/scheduler/split_stages.h"
#include "lib/base/config.h"
#include "lib/engine/task.h"

typedef struct gly_driver gly_driver;

typedef struct gly_stage_summary {
    uint32_t stage;
    const char *name; /* of the stage's root operator, "ShuffleWrite" */
    uint32_t task_count, attempts, failed_tasks, wave_count;
    double wall_ms;
    double median_task_ms, slowest_task_ms; /* skew = slowest / median */
    uint32_t slowest_partition;
    gly_task_metrics metrics; /* summed over successful tasks */
} gly_stage_summary;

enum { GLY_JOB_MAX_STAGES = 64 };

typedef struct gly_job_summary {
    uint32_t job_id;
    double wall_ms;
    uint64_t recomputed_tasks; /* map tasks that had succeeded and were run again */
    uint32_t stage_count; /* at most GLY_JOB_MAX_STAGES are kept */
    gly_stage_summary stages[GLY_JOB_MAX_STAGES];
} gly_job_summary;

typedef struct gly_job_request {
    uint64_t query_id;
    gly_str description; /* the SQL, for events */
    uint32_t stage_count;
    const gly_stage_plan *stages; /* of split_stages.h; parents first */
    const gly_config *config;     /* the session's */
    uint64_t max_result_bytes;    /* 0: no limit */
    /* Called on the calling thread with each result partition's blocks, in partition order.
     * May be NULL (writes, cache). */
    gly_status (*on_result)(void *context, uint32_t partition, gly_str blocks, gly_error *err);
    /* Called on the calling thread after the job: the winning attempt's files of each task. */
    void (*on_file)(void *context, const gly_written_file *file);
    void *context;
    /* As on_file: the rows an operator put out in a stage, over the attempts that counted. */
    void (*on_operator)(void *context, uint32_t stage, uint32_t node_id, uint64_t rows);
    void *operator_context;
    uint64_t cache_id; /* CACHE_WRITE: where its partitions lie is remembered under this id */
} gly_job_request;

typedef struct gly_driver_options {
    const gly_config *config;       /* outlives the driver */
    const char *program_directory;  /* as gly_driver_start */
    const char *cluster;            /* of clusters.def; NULL: "local" */
    const gly_cluster_manager *manager; /* instead of cluster, one that is in no table; or NULL */
    const char *listen_address;     /* host:port for executors; NULL: a free port of 127.0.0.1 */
    const char *advertised_host;    /* what executors dial; NULL: 127.0.0.1 */
    gly_tls_authority *authority;   /* taken over, also by a failure; NULL: one is made */
    const gly_cluster_kubernetes *kubernetes; /* of the cluster "k8s"; outlives the driver */
    const gly_allocation_rules *allocation;   /* NULL: what the settings say */
} gly_driver_options;

GLY_NODISCARD gly_status gly_driver_start_with(const gly_driver_options *options, gly_driver **ret,
                                               gly_error *err);
/* New rules for the number of executors, from now on; thread-safe. */
void gly_driver_set_allocation(gly_driver *driver, const gly_allocation_rules *rules);
/* The rules that the settings say. */
void gly_driver_read_allocation(const gly_config *config, gly_allocation_rules *ret);
/* Starts the executors (spark.executor.instances) without waiting for them.  program_directory:
 * where galley-executor lies; NULL: next to the running program. */
GLY_NODISCARD gly_status gly_driver_start(const gly_config *config, const char *program_directory,
                                          gly_driver **ret, gly_error *err);
/* Ends executors, removes local directories. Accepts NULL. */
void gly_driver_stop(gly_driver *driver);

/* Blocks until the job is done, failed or cancelled.  summary may be NULL. */
GLY_NODISCARD gly_status gly_driver_run_job(gly_driver *driver, const gly_job_request *request,
                                            gly_job_summary *summary, gly_error *err);
/* Cancels the running jobs of a query; thread-safe, returns at once. */
void gly_driver_cancel_query(gly_driver *driver, uint64_t query_id, const char *reason);
/* Frees shuffle files and shared tables of a query on all executors. */
void gly_driver_end_query(gly_driver *driver, uint64_t query_id);
void gly_driver_drop_cache(gly_driver *driver, uint64_t cache_id);
/* All partitions of the cached table lie on executors that live. */
bool gly_driver_has_cache(gly_driver *driver, uint64_t cache_id);

uint64_t gly_driver_next_id(gly_driver *driver); /* query and cache ids, unique in the application */
/* The first of count new shuffle ids. */
uint32_t gly_driver_reserve_shuffles(gly_driver *driver, uint32_t count);
uint32_t gly_driver_slot_count(const gly_driver *driver); /* configured: executors x cores */
/* reader is called on the owner thread for every event from now on; it must be quick and outlive the
 * driver. */
void gly_driver_subscribe(gly_driver *driver, gly_event_reader reader, void *context);
const char *gly_driver_local_dir(const gly_driver *driver);

#endif
