/* executor_endpoint.h - the driver's side of the executors' connections: one gRPC server, one
 * stream per executor (service galley.Driver of proto/galley/executor.proto).
 *
 * What executors say arrives as callbacks on the endpoint's own thread: they must only enqueue (no
 * blocking, no call of gly_executor_endpoint_free).  All send functions may be called by any
 * thread; they append to the executor's outgoing buffer and return at once.  Order is kept per
 * executor: a stage sent before a launch arrives before it.
 */
#ifndef GLY_EXECUTOR_ENDPOINT_H
#define GLY_EXECUTOR_ENDPOINT_H

#include "lib/base/arena.h"
#include "lib/base/codec.h"
#include "lib/net/tls.h"

typedef struct gly_executor_endpoint gly_executor_endpoint;

/* What an executor says of itself when it registers. */
typedef struct gly_executor_info {
    uint32_t id;
    uint32_t cores;
    uint64_t memory_bytes; /* --memory */
    uint64_t budget_bytes; /* what its tasks may reserve */
    int64_t pid;
    int64_t start_us;       /* exec to registration, as the executor measured it */
    gly_str host;           /* name for people */
    gly_str host_id;        /* equal: can open each other's files */
    gly_str block_endpoint; /* host:port of its block service */
    gly_str local_dir;
    gly_str version;
} gly_executor_info;

typedef enum gly_task_outcome {
    GLY_TASK_SUCCEEDED,
    GLY_TASK_FAILED,
    GLY_TASK_KILLED,       /* by send_kill or the executor's end */
    GLY_TASK_FETCH_FAILED, /* failed_* say which map output is gone */
} gly_task_outcome;

typedef struct gly_task_update_metrics { /* same fields as gly_task_metrics of lib/engine/task.h */
    uint64_t run_ns, cpu_ns;
    uint64_t input_rows, input_bytes;
    uint64_t output_rows, output_bytes;
    uint64_t shuffle_write_rows, shuffle_write_bytes;
    uint64_t shuffle_read_rows, shuffle_read_bytes, shuffle_remote_bytes;
    uint64_t spill_bytes, spill_count;
    uint64_t peak_memory_bytes;
    uint64_t row_groups_read, row_groups_skipped;
} gly_task_update_metrics;

typedef struct gly_task_update_file {
    gly_str path;
    uint64_t rows, bytes;
    gly_str token;
} gly_task_update_file;

typedef struct gly_task_update_operator {
    uint32_t node_id;
    uint64_t rows;
} gly_task_update_operator;

/* A task that ended. */
typedef struct gly_task_update {
    uint64_t task_id;
    gly_task_outcome outcome;
    gly_status status; /* GLY_OK iff SUCCEEDED */
    bool retryable;
    gly_str message; /* of a failure */
    gly_task_update_metrics metrics;
    uint64_t queue_ns; /* between its launch's arrival at the executor and its start */
    /* RESULT: inline, or (if path is not empty) a file to be fetched with fetch_block. */
    gly_str result;
    gly_str result_path;
    uint64_t result_bytes, result_rows;
    gly_str map_status; /* SHUFFLE_WRITE: bytes of gly_map_status_encode, else empty */
    uint32_t file_count;
    const gly_task_update_file *files;
    uint32_t operator_count;
    const gly_task_update_operator *operators;
    /* FETCH_FAILED */
    uint32_t failed_shuffle_id, failed_map_partition;
    gly_str failed_executor_id;
} gly_task_update;

/* Everything below lives in arena; the receiver of the batch owns it and frees the arena. */
typedef struct gly_task_update_batch {
    gly_arena *arena;
    uint32_t executor_id;
    uint32_t count;
    gly_task_update *updates;
} gly_task_update_batch;

typedef struct gly_executor_running_task {
    uint64_t task_id;
    uint64_t run_ns;            /* since it started */
    uint64_t peak_memory_bytes; /* 0: not known yet */
} gly_executor_running_task;

typedef struct gly_executor_heartbeat {
    uint32_t executor_id;
    uint64_t rss_bytes;
    uint64_t memory_used_bytes; /* of the budget */
    uint32_t queued_count;      /* launched here but not started */
    uint32_t running_count;
    const gly_executor_running_task *running;
} gly_executor_heartbeat;

typedef struct gly_executor_pulled { /* a block was taken over, or could not be */
    uint32_t executor_id;            /* who took it */
    uint64_t transfer_id;
    gly_str error;      /* empty: it worked */
    gly_str path;       /* on executor_id */
    gly_str map_status; /* encoded, with the new place; empty if none was sent */
} gly_executor_pulled;

/* Each runs on the endpoint's thread; arguments are valid during the call, but for the batch. */
typedef struct gly_executor_endpoint_callbacks {
    void (*on_registered)(void *context, const gly_executor_info *info);
    void (*on_task_updates)(void *context, gly_task_update_batch batch); /* owns batch.arena */
    void (*on_heartbeat)(void *context, const gly_executor_heartbeat *heartbeat);
    /* Once per registered executor: its stream ended, it said good-bye, or it was silent too long.
     * Nothing more comes from it and sends to it return false. */
    void (*on_lost)(void *context, uint32_t executor_id, const char *reason);
    void *context;
    /* The executor has to go within deadline_ms and wants its blocks taken over; it goes when told
     * to (gly_executor_endpoint_shutdown), or at the deadline.  NULL: executors end at SIGTERM. */
    void (*on_decommissioning)(void *context, uint32_t executor_id, int64_t deadline_ms);
    void (*on_pulled)(void *context, const gly_executor_pulled *pulled); /* of send_pull */
    /* Whether that pod is the one that was made for this executor id (docs/decisions/0007).  Not
     * known yet counts as no: the executor asks again for a few seconds.  NULL: nobody may. */
    bool (*may_identify)(void *context, uint32_t executor_id, const char *pod_uid);
} gly_executor_endpoint_callbacks;

typedef struct gly_executor_endpoint_options {
    const char *listen_address;   /* "127.0.0.1:0": a free port; NULL means that */
    const char *advertised_host;  /* in gly_executor_endpoint_address; NULL: 127.0.0.1 */
    const char *application;      /* organisation in certificates of Identify; NULL: "galley" */
    gly_tls_authority *authority; /* NULL: plaintext; must outlive the endpoint */
    const char *version;          /* NULL: this build's */
    int64_t heartbeat_ms;         /* told to executors; 0: 10 s */
    int64_t liveness_ms;          /* silent for longer is lost (spark.network.timeout); 0: never */
    uint64_t max_direct_result_bytes; /* told to executors; 0: 1 MiB */
    gly_codec shuffle_codec;          /* told to executors */
    gly_executor_endpoint_callbacks callbacks;
} gly_executor_endpoint_options;

GLY_NODISCARD gly_status gly_executor_endpoint_make(const gly_executor_endpoint_options *options,
                                                    gly_executor_endpoint **ret, gly_error *err);
/* Ends all streams (executors then exit), stops the thread.  No callback runs after it. */
void gly_executor_endpoint_free(gly_executor_endpoint *endpoint);
uint16_t gly_executor_endpoint_port(const gly_executor_endpoint *endpoint);
/* "<advertised host>:port", for --driver of executors. */
const char *gly_executor_endpoint_address(const gly_executor_endpoint *endpoint);

/* --- a stage's plan: encoded once, sent to every executor that will run tasks of it --- */
typedef struct gly_executor_endpoint_input {
    uint32_t shuffle_id;
    uint32_t map_count;
    const gly_str *map_statuses; /* map_count encoded ones, as they came in updates */
} gly_executor_endpoint_input;

typedef struct gly_executor_endpoint_stage {
    uint64_t query_id;
    uint32_t stage_id, stage_attempt;
    gly_str plan; /* gly_plan_codec_encode */
    uint32_t shuffle_id;
    uint32_t input_count;
    const gly_executor_endpoint_input *inputs;
    uint64_t task_memory_bytes; /* 0: the executor's fair share */
    uint32_t cached_count;      /* of cached tables that the stage reads */
    const struct gly_executor_endpoint_cached *cached;
} gly_executor_endpoint_stage;

typedef struct gly_executor_endpoint_cached { /* where a cached partition lies */
    uint64_t cache_id;
    uint32_t partition, executor_id;
    gly_str endpoint; /* see gly_executor_endpoint_place */
} gly_executor_endpoint_cached;

void gly_executor_endpoint_encode_stage(const gly_executor_endpoint_stage *stage, gly_builder *out);

/* --- sends: false if the executor is not connected (on_lost has come or is coming) --- */
bool gly_executor_endpoint_send_stage(gly_executor_endpoint *endpoint, uint32_t executor_id,
                                      gly_str encoded_stage);

typedef struct gly_executor_endpoint_launch {
    uint64_t task_id; /* unique in the application */
    uint64_t query_id;
    uint32_t stage_id, stage_attempt;
    uint32_t partition, task_attempt;
    uint32_t width; /* threads; takes as many slots */
} gly_executor_endpoint_launch;

/* More tasks than free slots may be sent: the executor queues them in this order. */
bool gly_executor_endpoint_send_launch(gly_executor_endpoint *endpoint, uint32_t executor_id,
                                       const gly_executor_endpoint_launch *launches, size_t count);
/* Each answers with an update (KILLED, or its true end if that came first). */
bool gly_executor_endpoint_send_kill(gly_executor_endpoint *endpoint, uint32_t executor_id,
                                     const uint64_t *task_ids, size_t count);
/* Forgets the plan of one stage attempt; its shuffle files stay. */
bool gly_executor_endpoint_send_drop_stage(gly_executor_endpoint *endpoint, uint32_t executor_id,
                                           uint64_t query_id, uint32_t stage_id,
                                           uint32_t stage_attempt);
/* Kills what runs of the query, forgets its plans and shared tables, deletes its files. */
bool gly_executor_endpoint_send_drop_query(gly_executor_endpoint *endpoint, uint32_t executor_id,
                                           uint64_t query_id);
bool gly_executor_endpoint_send_drop_cache(gly_executor_endpoint *endpoint, uint32_t executor_id,
                                           uint64_t cache_id);
/* The executor takes a block over from one that leaves; on_pulled follows unless one of them is
 * lost. path: a file there, or "cache/<id in hex>/<partition>". */
typedef struct gly_executor_endpoint_pull {
    uint64_t transfer_id;
    uint32_t from_executor_id;
    gly_str path;
    uint64_t size_bytes; /* 0: not known */
    gly_str map_status;  /* encoded, of a shuffle file; else empty */
} gly_executor_endpoint_pull;
/* False also if from_executor_id is not connected. */
bool gly_executor_endpoint_send_pull(gly_executor_endpoint *endpoint, uint32_t executor_id,
                                     const gly_executor_endpoint_pull *pull);

/* Tells every executor that blocks now lie at executor_id, under these paths, so that tasks which
 * read from the old place find the new one. */
void gly_executor_endpoint_send_moved(gly_executor_endpoint *endpoint, uint32_t executor_id,
                                      const gly_str *paths, uint32_t count);

/* The executor's block service, "host:port"; false if it is not connected. */
bool gly_executor_endpoint_place(gly_executor_endpoint *endpoint, uint32_t executor_id,
                                 char *address, size_t size);
/* Asks the executor to end: running tasks are killed, its directory removed; on_lost follows. */
bool gly_executor_endpoint_shutdown(gly_executor_endpoint *endpoint, uint32_t executor_id,
                                    const char *reason);

/* Reads [offset, offset + length) of a file of that executor (a large result) and appends it to
 * out: from the file itself if the executor shares our file system, else from its block service.
 * Blocks; call it from a thread that may wait.  FETCH_FAILED after retries.  length UINT64_MAX: to
 * the end. */
GLY_NODISCARD gly_status gly_executor_endpoint_fetch_block(gly_executor_endpoint *endpoint,
                                                           uint32_t executor_id, gly_str path,
                                                           uint64_t offset, uint64_t length,
                                                           gly_builder *out, gly_error *err);

#endif
