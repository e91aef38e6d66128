/* k8s_path.h - paths of the API, for any kind, of any length.
 *
 *   gly_k8s_path(arena, &GLY_K8S_PODS, "ns", "name", "status", "fieldManager=x")
 *     -> /api/v1/namespaces/ns/pods/name/status?fieldManager=x
 */
#ifndef GLY_K8S_PATH_H
#define GLY_K8S_PATH_H

#include "lib/base/arena.h"

typedef struct gly_k8s_kind {
    const char *group; /* "" is the core group */
    const char *version, *plural, *kind;
} gly_k8s_kind;

extern const gly_k8s_kind GLY_K8S_PODS, GLY_K8S_SECRETS, GLY_K8S_CONFIG_MAPS, GLY_K8S_SERVICES,
    GLY_K8S_EVENTS, GLY_K8S_NODES, GLY_K8S_LEASES, GLY_K8S_SERVICE_ACCOUNTS, GLY_K8S_ROLES,
    GLY_K8S_ROLE_BINDINGS, GLY_K8S_APPLICATIONS, GLY_K8S_SCHEDULES;

/* namespace_name NULL: all namespaces; name NULL: the collection; subresource and query may be
 * NULL. Names are percent-encoded, the query is taken as it is. */
gly_str gly_k8s_path(gly_arena *arena, const gly_k8s_kind *kind, const char *namespace_name,
                     const char *name, const char *subresource, const char *query);
/* Adds "&key=value" (or "?"), value percent-encoded. */
void gly_k8s_path_add_query(gly_builder *path, const char *key, const char *value);

#endif
