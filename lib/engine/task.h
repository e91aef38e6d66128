/* task.h - one task: a stage's plan run on one partition, by `width` threads of one executor.
 *
 * The executor (or a test) makes one environment per process and calls gly_task_run for each task.
 * Everything a task needs from outside is here; the engine opens no sockets.
 */
#ifndef GLY_TASK_H
#define GLY_TASK_H

#include "lib/base/budget.h"
#include "lib/base/codec.h"
#include "lib/plan/physical.h"
#include "lib/shuffle/disk_space.h"
#include "lib/shuffle/map_status.h"

#include <stdatomic.h>

typedef struct gly_fetch_range { /* a piece of a file at a fetcher's other end */
    gly_str path;
    uint64_t offset, length;
} gly_fetch_range;

/* Bytes of other executors' files.  Local files are opened by the engine itself. */
typedef struct gly_fetcher {
    /* Reads [offset, offset+length) of path at endpoint and appends it to out.  FETCH_FAILED on any
     * failure after its own retries.  May be called by several threads at once. */
    gly_status (*fetch)(void *context, gly_str endpoint, gly_str executor_id, gly_str path,
                        uint64_t offset, uint64_t length, gly_builder *out, gly_error *err);
    void *context;
    /* Where a block lies now if it was taken over by another executor after the stage was sent: sets
     * executor_id, host_id, endpoint and path of *ret, whose texts are appended to texts.  False: not
     * known to have moved.  NULL: nothing ever moves. */
    bool (*find_moved)(void *context, gly_str path, gly_builder *texts, gly_map_status *ret);
    /* Several pieces from one endpoint in one round trip, appended in order; all or nothing.  NULL:
     * there is only fetch. */
    gly_status (*fetch_many)(void *context, gly_str endpoint, gly_str executor_id,
                             const gly_fetch_range *ranges, uint32_t count, gly_builder *out,
                             gly_error *err);
} gly_fetcher;

typedef struct gly_cached_place { /* which executor holds a partition of a cached table */
    uint64_t cache_id;
    uint32_t partition;
    gly_str executor_id, endpoint;
} gly_cached_place;

/* Things tasks of one executor share: broadcast join tables, cached table partitions. */
typedef struct gly_shared_cache gly_shared_cache; /* lib/engine/pipeline/shared_cache.h */

typedef struct gly_task_environment {
    gly_budget *memory;    /* the executor's; tasks make children of it */
    const char *local_dir; /* shuffle and spill files; exists */
    gly_disk_space *disk;  /* what they may take; NULL: no limit */
    gly_str executor_id, host_id, endpoint; /* put into map statuses */
    gly_codec shuffle_codec;
    gly_fetcher fetcher;
    gly_shared_cache *shared;
    uint32_t slot_count;             /* tasks that may run at once: a task's fair share of memory */
    uint64_t max_direct_result_bytes; /* larger results become block files */
} gly_task_environment;

typedef struct gly_task_input { /* what a SHUFFLE_READ of this stage reads */
    uint32_t shuffle_id;
    uint32_t map_count;
    const gly_map_status *maps;
} gly_task_input;

typedef struct gly_task_spec {
    uint64_t query_id;
    uint32_t stage_id, stage_attempt;
    uint32_t partition, task_attempt;
    uint64_t task_id; /* unique in the application */
    uint32_t width;   /* threads; 1 is Spark's task */
    const gly_physical *plan;
    uint32_t shuffle_id; /* of a SHUFFLE_WRITE root */
    uint32_t input_count;
    const gly_task_input *inputs;
    uint32_t cached_count; /* of cached tables that the plan reads */
    const gly_cached_place *cached;
    uint64_t memory_limit_bytes; /* 0: memory's limit / slot_count */
    const atomic_bool *cancelled; /* looked at every batch */
} gly_task_spec;

typedef struct gly_task_metrics {
    uint64_t run_ns, cpu_ns;
    uint64_t input_rows, input_bytes;
    uint64_t output_rows, output_bytes;
    uint64_t shuffle_write_rows, shuffle_write_bytes;
    uint64_t shuffle_read_rows, shuffle_read_bytes, shuffle_remote_bytes;
    uint64_t spill_bytes, spill_count;
    uint64_t peak_memory_bytes;
    uint64_t row_groups_read, row_groups_skipped;
} gly_task_metrics;

typedef struct gly_task_operator_rows { /* rows that operator put out, for EXPLAIN ANALYZE and the UI */
    uint32_t node_id;
    uint64_t rows;
} gly_task_operator_rows;

typedef struct gly_written_file {
    gly_str path;
    uint64_t rows, bytes;
    gly_str token; /* gly_pending_file's; empty where files are renamed */
} gly_written_file;

typedef struct gly_task_result { /* memory in the arena given to gly_task_run */
    gly_task_metrics metrics;
    gly_str result;        /* RESULT root: shuffle blocks, inline ... */
    gly_str result_path;   /* ... or, if larger than max_direct_result_bytes, a file with them */
    uint64_t result_bytes, result_rows;
    bool has_map_status;
    gly_map_status map_status; /* SHUFFLE_WRITE root */
    uint32_t file_count;       /* FILE_WRITE root */
    gly_written_file *files;
    uint32_t operator_count;
    gly_task_operator_rows *operators;
    /* Set when the failure was FETCH_FAILED: which map output could not be read. */
    bool fetch_failed;
    uint32_t failed_shuffle_id, failed_map_partition;
    gly_str failed_executor_id;
} gly_task_result;

/* Runs the task to its end.  On failure *ret still carries metrics and the fetch failure, and
 * everything the task wrote is removed.  Thread-safe: many tasks at once. */
GLY_NODISCARD gly_status gly_task_run(gly_arena *arena, const gly_task_environment *environment,
                                      const gly_task_spec *spec, gly_task_result *ret,
                                      gly_error *err);
#endif
