/* k8s_path.c - /api/v1/... and /apis/GROUP/VERSION/... for any kind, percent-encoded.
 *
 * Names come from users and from the server; whatever is in them, a name stays one segment of the
 * path and a value stays one value of the query: everything but RFC 3986's unreserved characters is
 * encoded. A name "." or ".." cannot be encoded; curl is told to leave paths as they are
 * (k8s_transfer.c).
 */
#include "k8s/client/k8s_path.h"

#include <stdlib.h>

const gly_k8s_kind GLY_K8S_PODS = {"", "v1", "pods", "Pod"};
const gly_k8s_kind GLY_K8S_SECRETS = {"", "v1", "secrets", "Secret"};
const gly_k8s_kind GLY_K8S_CONFIG_MAPS = {"", "v1", "configmaps", "ConfigMap"};
const gly_k8s_kind GLY_K8S_SERVICES = {"", "v1", "services", "Service"};
const gly_k8s_kind GLY_K8S_EVENTS = {"", "v1", "events", "Event"};
const gly_k8s_kind GLY_K8S_NODES = {"", "v1", "nodes", "Node"};
const gly_k8s_kind GLY_K8S_LEASES = {"coordination.k8s.io", "v1", "leases", "Lease"};
const gly_k8s_kind GLY_K8S_SERVICE_ACCOUNTS = {"", "v1", "serviceaccounts", "ServiceAccount"};
const gly_k8s_kind GLY_K8S_ROLES = {"rbac.authorization.k8s.io", "v1", "roles", "Role"};
const gly_k8s_kind GLY_K8S_ROLE_BINDINGS = {"rbac.authorization.k8s.io", "v1", "rolebindings",
                                            "RoleBinding"};
const gly_k8s_kind GLY_K8S_APPLICATIONS = {"galley.dev", "v1alpha1", "galleyapplications",
                                           "GalleyApplication"};
const gly_k8s_kind GLY_K8S_SCHEDULES = {"galley.dev", "v1alpha1", "galleyschedules",
                                        "GalleySchedule"};

static bool is_unreserved(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

static void add_encoded(gly_builder *out, const char *text) {
    for (const char *at = text; *at != '\0'; at++) {
        if (is_unreserved(*at)) {
            gly_builder_add_char(out, *at);
        } else {
            gly_builder_format(out, "%%%02X", (unsigned char)*at);
        }
    }
}

static void add_segment(gly_builder *out, const char *text) {
    gly_builder_add_char(out, '/');
    add_encoded(out, text);
}

gly_str gly_k8s_path(gly_arena *arena, const gly_k8s_kind *kind, const char *namespace_name,
                     const char *name, const char *subresource, const char *query) {
    gly_builder path = {0};
    if (kind->group[0] == '\0') {
        gly_builder_add_text(&path, "/api");
    } else {
        gly_builder_add_text(&path, "/apis");
        add_segment(&path, kind->group);
    }
    add_segment(&path, kind->version);
    if (namespace_name != NULL) {
        gly_builder_add_text(&path, "/namespaces");
        add_segment(&path, namespace_name);
    }
    add_segment(&path, kind->plural);
    if (name != NULL) {
        add_segment(&path, name);
    }
    if (subresource != NULL) {
        add_segment(&path, subresource);
    }
    if (query != NULL && query[0] != '\0') {
        gly_builder_add_char(&path, '?');
        gly_builder_add_text(&path, query);
    }
    gly_str copy = gly_arena_str(arena, gly_builder_str(&path));
    gly_builder_clear(&path);
    return copy;
}

void gly_k8s_path_add_query(gly_builder *path, const char *key, const char *value) {
    bool has_query = path->size > 0 && memchr(path->data, '?', path->size) != NULL;
    gly_builder_add_char(path, has_query ? '&' : '?');
    gly_builder_add_text(path, key);
    gly_builder_add_char(path, '=');
    add_encoded(path, value);
}
