/* k8s_config.h - where the API server is and who we are: in a pod, or by a kubeconfig.
 *
 * In a pod (KUBERNETES_SERVICE_HOST is set and KUBECONFIG is not): the projected service account at
 * /var/run/secrets/kubernetes.io/serviceaccount; its token is read again when it is a minute old,
 * since kubelets rotate it.  Outside: KUBECONFIG (first file of a list) or ~/.kube/config, with
 * certificate, token, token file or user and password of the current context; exec plugins are
 * refused with a clear error.
 */
#ifndef GLY_K8S_CONFIG_H
#define GLY_K8S_CONFIG_H

#include "lib/base/arena.h"

typedef struct gly_k8s_config { /* NULL where there is none */
    const char *server;         /* "https://10.96.0.1:443", no slash at the end */
    const char *namespace_name; /* of the context or of our pod; "default" */
    const char *ca_pem, *certificate_pem, *key_pem;
    const char *token, *token_path;
    const char *user, *password;
    bool skip_verify;
} gly_k8s_config;

/* context_name: NULL for the current one.  Texts live in arena. */
GLY_NODISCARD gly_status gly_k8s_config_load(gly_arena *arena, const char *context_name,
                                             gly_k8s_config *ret, gly_error *err);
/* The parsing of a kubeconfig's text alone (fuzzed); directory: where its relative paths start. */
GLY_NODISCARD gly_status gly_k8s_config_parse(gly_arena *arena, gly_str text, const char *directory,
                                              const char *context_name, gly_k8s_config *ret,
                                              gly_error *err);
/* What a pod has: directory holds ca.crt, token and namespace. */
GLY_NODISCARD gly_status gly_k8s_config_load_pod(gly_arena *arena, const char *directory,
                                                 const char *host, const char *port,
                                                 gly_k8s_config *ret, gly_error *err);

#endif
