/* test_k8s_path.c - groups, namespaces, names, subresources, encoding, any length. */
#include "k8s/client/k8s_path.h"

#include "tests/support/check.h"

GLY_TEST(paths_of_kinds) {
    gly_arena *arena = gly_arena_make();
    GLY_CHECK_TEXT(
        gly_k8s_path(arena, &GLY_K8S_PODS, "ns", "name", "status", "fieldManager=x").data,
        "/api/v1/namespaces/ns/pods/name/status?fieldManager=x");
    GLY_CHECK_TEXT(gly_k8s_path(arena, &GLY_K8S_NODES, NULL, NULL, NULL, NULL).data,
                   "/api/v1/nodes");
    GLY_CHECK_TEXT(gly_k8s_path(arena, &GLY_K8S_APPLICATIONS, "a", NULL, NULL, "").data,
                   "/apis/galley.dev/v1alpha1/namespaces/a/galleyapplications");
    GLY_CHECK_TEXT(gly_k8s_path(arena, &GLY_K8S_LEASES, "kube-system", "l", NULL, NULL).data,
                   "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/l");
    GLY_CHECK_TEXT(
        gly_k8s_path(arena, &GLY_K8S_ROLE_BINDINGS, "n", "system:x/y?z", NULL, NULL).data,
        "/apis/rbac.authorization.k8s.io/v1/namespaces/n/rolebindings/"
        "system%3Ax%2Fy%3Fz");
    gly_arena_free(arena);
}

GLY_TEST(names_of_any_length) {
    gly_arena *arena = gly_arena_make();
    char name[5001];
    memset(name, 'n', 5000);
    name[5000] = '\0';
    gly_str path = gly_k8s_path(arena, &GLY_K8S_PODS, "ns", name, NULL, NULL);
    GLY_CHECK_INT(path.size, strlen("/api/v1/namespaces/ns/pods/") + 5000);
    gly_arena_free(arena);
}

GLY_TEST(queries) {
    gly_builder path = {0};
    gly_builder_add_text(&path, "/api/v1/pods");
    gly_k8s_path_add_query(&path, "limit", "500");
    gly_k8s_path_add_query(&path, "labelSelector", "a=b,c in (d, \xc3\xa9)&e%");
    GLY_CHECK_TEXT(path.data, "/api/v1/pods?limit=500&labelSelector="
                              "a%3Db%2Cc%20in%20%28d%2C%20%C3%A9%29%26e%25");
    gly_builder_clear(&path);
}

GLY_SUITE("k8s_path", paths_of_kinds, names_of_any_length, queries)
