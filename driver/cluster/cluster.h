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
} gly_cluster_event_kind;

typedef struct gly_cluster_event {
    gly_cluster_event_kind kind;
    uint32_t executor_id;
    int64_t pid;        /* 0 if there never was one */
    bool expected;      /* EXITED after kill or stop, or with exit code 0 */
    const char *reason; /* "executor 3 was killed by signal 9 (SIGKILL)"; valid during the call */
} gly_cluster_event;

typedef struct gly_cluster_options {
    const char *driver_address; /* host:port of the executor endpoint */
    gly_tls_authority *authority; /* NULL: plaintext */
    const char *program;        /* of the executor; NULL: found (GALLEY_EXECUTOR, next to us) */
    uint32_t cores;
    uint64_t memory_bytes;
    const char *local_dir; /* exists; executors make executor-N and executor-N.log below it */
    int64_t heartbeat_ms;
    /* Called on the manager's own thread; must only enqueue. */
    void (*on_event)(void *context, const gly_cluster_event *event);
    void *context;
} gly_cluster_options;

typedef struct gly_cluster_manager {
    const char *name; /* "local" */
    GLY_NODISCARD gly_status (*start)(const gly_cluster_options *options, gly_cluster **ret,
                                      gly_error *err);
    /* Asks for count more executors, all at once; ids (ascending from 1, never reused) are written
     * to ret_ids.  Success or failure of each comes as an event. */
    GLY_NODISCARD gly_status (*request)(gly_cluster *cluster, uint32_t count, uint32_t *ret_ids,
                                        gly_error *err);
    /* Ends one: SIGTERM, or SIGKILL if forced.  Unknown or ended ids are ignored. */
    void (*kill)(gly_cluster *cluster, uint32_t executor_id, bool forced);
    /* Ends all (SIGTERM, SIGKILL after grace_ms), waits for them, frees.  No event comes after it. */
    void (*stop)(gly_cluster *cluster, int64_t grace_ms);
} gly_cluster_manager;

/* A manager of clusters.def by its name; NULL if there is none. */
const gly_cluster_manager *gly_cluster_find(gly_str name);

#endif
