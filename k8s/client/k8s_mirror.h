/* k8s_mirror.h - which objects of a kind are there, by what lists and watch events said.
 *
 * Inside this folder only.  Pure: text and JSON in, callbacks out; no clock, no connection
 * (fuzzed).
 *
 * resourceVersions are opaque, but for two that are both decimal numbers the smaller is taken for
 * the older (they are etcd's revisions); of others only equality counts.
 */
#ifndef GLY_K8S_MIRROR_H
#define GLY_K8S_MIRROR_H

#include "k8s/client/k8s_watch.h"

typedef struct gly_k8s_mirror gly_k8s_mirror;

typedef enum gly_k8s_mirror_verdict {
    GLY_K8S_MIRROR_FINE,
    GLY_K8S_MIRROR_GONE,    /* the version is too old (410): list again */
    GLY_K8S_MIRROR_REFUSED, /* another ERROR event: message; watch again */
    GLY_K8S_MIRROR_GARBAGE  /* not an event: message; list again */
} gly_k8s_mirror_verdict;

typedef struct gly_k8s_mirror_list {
    const char *version;      /* of the whole list; "" if there is none */
    const char *continuation; /* of the next page; NULL: this is the last */
} gly_k8s_mirror_list;

gly_k8s_mirror *gly_k8s_mirror_make(void (*on_object)(void *context, gly_k8s_watch_kind event,
                                                      const cJSON *object),
                                    void *context);
void gly_k8s_mirror_free(gly_k8s_mirror *mirror);
/* No further callback, also not from a list or event that is being handled. */
void gly_k8s_mirror_halt(gly_k8s_mirror *mirror);

/* Reads a list's metadata; fails if this is no list. */
GLY_NODISCARD gly_status gly_k8s_mirror_read_list(const cJSON *list, gly_k8s_mirror_list *ret,
                                                  gly_error *err);
/* True: this list was made before something that an event told of already. */
bool gly_k8s_mirror_is_stale(const gly_k8s_mirror *mirror, const char *list_version);
/* A list in pages: begin, each page, end (which reports what was in no page as deleted).  A list
 * that is begun again forgets the pages before. */
void gly_k8s_mirror_begin_list(gly_k8s_mirror *mirror);
void gly_k8s_mirror_add_page(gly_k8s_mirror *mirror, const cJSON *list);
void gly_k8s_mirror_end_list(gly_k8s_mirror *mirror, const char *list_version);

/* One line of a watch.  message may be NULL; it is written for REFUSED and GARBAGE. */
gly_k8s_mirror_verdict gly_k8s_mirror_event(gly_k8s_mirror *mirror, gly_str line,
                                            gly_builder *message);

/* Where a watch is to go on; "": nothing is known. */
const char *gly_k8s_mirror_version(const gly_k8s_mirror *mirror);
size_t gly_k8s_mirror_count(const gly_k8s_mirror *mirror);

#endif
