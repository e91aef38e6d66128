/* pod_table.h - the executor pods of one driver: what was asked for, what the API server says of
 * them, and what follows.  A pure state machine: events in, actions out; no clock, no network.
 *
 *   gly_pod_table_*(table, what happened, now) ... then do all actions of gly_pod_table_take
 *
 * It is level-based: stale, duplicate and lost events of a watch change nothing for long, because
 * each pod's state is compared with what was told before.  Not thread-safe.
 */
#ifndef GLY_POD_TABLE_H
#define GLY_POD_TABLE_H

#include "driver/cluster/cluster.h"
#include "k8s/pod/pods.h"

typedef struct gly_pod_table gly_pod_table;

typedef struct gly_pod_table_options {
    int64_t image_timeout_ms; /* how long an image or a configuration may fail to come */
    uint32_t max_in_flight;   /* creations at once */
} gly_pod_table_options;

typedef enum gly_pod_table_action_kind {
    GLY_POD_TABLE_CREATE, /* POST; answer with gly_pod_table_created */
    GLY_POD_TABLE_LOOK, /* GET its name (a creation said it exists); answer with _looked or _refused
                         */
    GLY_POD_TABLE_DELETE, /* answer with gly_pod_table_deleted */
    GLY_POD_TABLE_TELL,   /* a gly_cluster_event */
} gly_pod_table_action_kind;

typedef struct gly_pod_table_action {
    gly_pod_table_action_kind kind;
    uint32_t executor_id;
    bool is_forced; /* DELETE: grace period 0 */
    /* TELL; texts are valid until the next gly_pod_table_take */
    gly_cluster_event_kind event;
    bool is_expected;
    const char *code, *text;
} gly_pod_table_action;

gly_pod_table *gly_pod_table_make(const gly_pod_table_options *options)
    __attribute__((returns_nonnull));
void gly_pod_table_free(gly_pod_table *table);

/* ---- what happened ---------------------------------------------------------------------- */
void gly_pod_table_want(gly_pod_table *table, uint32_t executor_id, int64_t now_ms);
void gly_pod_table_kill(gly_pod_table *table, uint32_t executor_id, bool is_forced, int64_t now_ms);
/* The answer to a creation: http_code 0 without one; uid of the new pod. */
void gly_pod_table_created(gly_pod_table *table, uint32_t executor_id, int http_code,
                           const char *uid, const char *message, int64_t now_ms);
void gly_pod_table_deleted(gly_pod_table *table, uint32_t executor_id, int http_code,
                           int64_t now_ms);
/* Its state, from the watch or its list; executor_id of its labels. */
void gly_pod_table_seen(gly_pod_table *table, const gly_pod_state *pod, int64_t now_ms);
/* The same from a GET: the watch may not know of it yet, and so not tell when it is gone. */
void gly_pod_table_looked(gly_pod_table *table, const gly_pod_state *pod, int64_t now_ms);
/* It is not there (any more).  uid "": whatever pod that was. */
void gly_pod_table_gone(gly_pod_table *table, uint32_t executor_id, const char *uid,
                        int64_t now_ms);
/* Its name belongs to a pod that is not ours: it failed to start. */
void gly_pod_table_refused(gly_pod_table *table, uint32_t executor_id, const char *text);
/* A complete list that began at listed_ms has been reported through _seen. */
void gly_pod_table_synced(gly_pod_table *table, int64_t listed_ms, int64_t now_ms);
/* Nothing more is created. */
void gly_pod_table_stop(gly_pod_table *table);

/* ---- what follows ----------------------------------------------------------------------- */
/* Actions that are due now; valid until the next call of any of these functions. */
const gly_pod_table_action *gly_pod_table_take(gly_pod_table *table, int64_t now_ms,
                                               size_t *ret_count);
int64_t
gly_pod_table_next_ms(const gly_pod_table *table); /* when to take again; INT64_MAX: never */
bool gly_pod_table_owns(const gly_pod_table *table, uint32_t executor_id, const char *uid);
uint32_t gly_pod_table_find_uid(const gly_pod_table *table, const char *uid); /* 0: nobody's */
/* What a new executor may use of a pod's memory: a quarter less for each one that was killed for
 * using too much (what it used beside its budget then has room), but at least a quarter. */
uint64_t gly_pod_table_memory(const gly_pod_table *table, uint64_t memory_bytes);
uint32_t gly_pod_table_in_flight(const gly_pod_table *table); /* creations without an answer */
size_t gly_pod_table_count(const gly_pod_table *table);

#endif
