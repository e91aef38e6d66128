/* k8s_watch.h - LIST then WATCH of one kind, kept going for ever: what client-go calls an
 * informer's reflector.
 *
 * Lists in pages, watches from that resourceVersion with bookmarks, goes on when a watch ends,
 * lists again on 410 Gone, after relist_ms (from the API server's cache) as a safety net, and with
 * back-off after errors.  It remembers namespace, name, uid and resourceVersion of each object (no
 * more), so that stale and duplicate events are dropped and an object that vanished while we did
 * not look is reported as deleted.  Same thread rules as k8s_client.h.
 */
#ifndef GLY_K8S_WATCH_H
#define GLY_K8S_WATCH_H

#include "k8s/client/k8s_client.h"
#include "k8s/client/k8s_path.h"

typedef struct gly_k8s_watch gly_k8s_watch;

typedef enum gly_k8s_watch_kind { GLY_K8S_WATCH_APPLIED, GLY_K8S_WATCH_DELETED } gly_k8s_watch_kind;

typedef struct gly_k8s_watch_options {
    const gly_k8s_kind *kind;
    const char *namespace_name;                  /* NULL: all */
    const char *label_selector, *field_selector; /* or NULL; copied */
    bool metadata_only;                          /* ask for PartialObjectMetadata */
    int64_t relist_ms;                           /* 0: 300 s */
    uint32_t page_size;                          /* 0: 500 */
    size_t max_object_bytes; /* 0: 4 MiB; a larger one is reported by on_trouble and skipped */
    /* APPLIED: object is complete, valid during the call.  DELETED: the last state, or (after a
     * gap) only metadata.{namespace,name,uid}. */
    void (*on_object)(void *context, gly_k8s_watch_kind event, const cJSON *object);
    void (*on_synced)(void *context); /* after every complete list; may be NULL */
    void (*on_trouble)(void *context, const char *message); /* the first of a row; may be NULL */
    void *context;
} gly_k8s_watch_options;

gly_k8s_watch *gly_k8s_watch_start(gly_k8s_client *client, const gly_k8s_watch_options *options);
/* No callback comes after it.  Accepts NULL.  Must precede gly_k8s_client_free. */
void gly_k8s_watch_stop(gly_k8s_watch *watch);
bool gly_k8s_watch_is_synced(const gly_k8s_watch *watch);

#endif
