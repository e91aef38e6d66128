/* cluster.h - where executor processes come from: four verbs behind which each manager hides.
 *
 * start, request, kill, and events for watching.  A manager is one file (cluster_<name>.c) and one
 * line of clusters.def.  An executor that was started connects back to the driver by itself
 * (executor_endpoint.h); this interface only knows processes.
 */
#ifndef GLY_CLUSTER_H
#define GLY_CLUSTER_H

#include "lib/base/base.h"
#include "lib/base/str.h"
#include "lib/net/tls.h"

typedef struct gly_cluster gly_cluster;

typedef enum gly_cluster_event_kind {
    GLY_CLUSTER_STARTED, /* the process exists; it has not registered yet */
    GLY_CLUSTER_FAILED,  /* it could not be started at all, or ended before it registered */
    GLY_CLUSTER_EXITED,  /* it ended; reason says how */
    GLY_CLUSTER_WARNING, /* people should know: code and reason; executor_id 0: of none */
} gly_cluster_event_kind;

enum { GLY_CLUSTER_CODE_SIZE = 64 };

typedef struct gly_cluster_event {
    gly_cluster_event_kind kind;
    uint32_t executor_id;
    int64_t pid;        /* 0 if there never was one */
    bool expected;      /* EXITED after kill or stop, or with exit code 0 */
    const char *reason; /* "executor 3 was killed by signal 9 (SIGKILL)"; valid during the call */
    const char *code;   /* WARNING: one word, "Unschedulable", "ImagePullBackOff" */
} gly_cluster_event;

/* What the manager "k8s" needs to know besides; all of it outlives the cluster. */
typedef struct gly_cluster_kubernetes {
    const struct gly_k8s_config *config;
    const struct gly_application *application;
    uint32_t attempt;
} gly_cluster_kubernetes;

typedef struct gly_cluster_options {
    const char *driver_address; /* host:port of the executor endpoint */
    gly_tls_authority *authority; /* NULL: plaintext */
    const char *program;        /* of the executor; NULL: found (GALLEY_EXECUTOR, next to us) */
    uint32_t cores;
    uint64_t memory_bytes;
    const char *local_dir; /* exists; executors make executor-N and executor-N.log below it */
    int64_t heartbeat_ms;
    const gly_cluster_kubernetes *kubernetes; /* NULL: not on Kubernetes */
    int64_t image_timeout_ms; /* k8s: how long an image may fail to come */
    /* Called on the manager's own thread; must only enqueue. */
    void (*on_event)(void *context, const gly_cluster_event *event);
    void *context;
} gly_cluster_options;

typedef struct gly_cluster_manager {
    const char *name; /* "local" */
    int64_t exit_report_ms; /* how soon after its stream EXITED says how an executor ended */
    GLY_NODISCARD gly_status (*start)(const gly_cluster_options *options, gly_cluster **ret,
                                      gly_error *err);
    /* Asks for count more executors, all at once; ids (ascending from 1, never reused) are written
     * to ret_ids.  Success or failure of each comes as an event. */
    GLY_NODISCARD gly_status (*request)(gly_cluster *cluster, uint32_t count, uint32_t *ret_ids,
                                        gly_error *err);
    /* Ends one: SIGTERM, or SIGKILL if forced.  Unknown or ended ids are ignored; one that was not
     * started yet is not started any more. */
    void (*kill)(gly_cluster *cluster, uint32_t executor_id, bool forced);
    /* Whether that pod (by its uid) was made for this executor id; any thread.  NULL: executors of this
     * manager come with their identity. */
    bool (*owns)(gly_cluster *cluster, uint32_t executor_id, const char *pod_uid);
    /* Ends all (SIGTERM, SIGKILL after grace_ms), waits for them, frees.  No event comes after it. */
    void (*stop)(gly_cluster *cluster, int64_t grace_ms);
} gly_cluster_manager;

/* A manager of clusters.def by its name; NULL if there is none. */
const gly_cluster_manager *gly_cluster_find(gly_str name);

#endif
