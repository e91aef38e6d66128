/* operator_options.h - the flags of galley-operator; each may also be an environment variable. */
#ifndef GLY_OPERATOR_OPTIONS_H
#define GLY_OPERATOR_OPTIONS_H

#include "lib/base/arena.h"

typedef struct gly_operator_options {
    uint32_t namespace_count; /* 0: all */
    const char **namespaces;
    const char *driver_image, *executor_image, *image_pull_policy; /* pull policy: or NULL */
    const char *driver_service_account;
    bool leader_elect;
    const char *lease_namespace; /* NULL: of our own pod or kubeconfig */
    const char *lease_name;
    const char *metrics_address;   /* NULL: no HTTP server */
    uint32_t max_concurrent;       /* reconciles at a time */
    const char *check_application; /* NULL, or: wait for it and say whether it succeeded */
    const char *timeout;           /* of that, "120s" */
    bool wants_help, wants_version;
} gly_operator_options;

/* Texts live in arena or in arguments and environment.  get: getenv, or a test's. */
GLY_NODISCARD gly_status gly_operator_options_parse(gly_arena *arena, int count, char **arguments,
                                                    const char *(*get)(const char *name),
                                                    gly_operator_options *ret, gly_error *err);
void gly_operator_options_usage(gly_builder *out);

#endif
