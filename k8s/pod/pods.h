/* pods.h - the pods of an application as JSON, ready to be posted.
 *
 * The user's template first, ours over it for what must hold: name, namespace, owner, labels, image,
 * command, resources, our environment and volumes, security context of our container.  Executors are
 * owned by the application, not by the driver pod.  Both pods pass the restricted Pod Security Standard
 * unless the user's template says otherwise.
 */
#ifndef GLY_PODS_H
#define GLY_PODS_H

#include "k8s/api/application.h"

/* What all pods of one attempt share. */
typedef struct gly_pods_context {
    const gly_application *application;
    uint32_t attempt;
} gly_pods_context;

/* Free the result with cJSON_Delete. */
cJSON *gly_driver_pod_make(const gly_pods_context *context);

typedef struct gly_executor_pod_request {
    uint32_t executor_id;
    const char *driver_address; /* ip:port of the executor endpoint */
    int64_t heartbeat_ms;
} gly_executor_pod_request;

cJSON *gly_executor_pod_make(const gly_pods_context *context,
                             const gly_executor_pod_request *request);

/* What a pod is doing, from its JSON; texts live in arena. */
typedef enum gly_pod_phase {
    GLY_POD_PENDING,
    GLY_POD_RUNNING,
    GLY_POD_SUCCEEDED,
    GLY_POD_FAILED, /* also when the node is gone, or it was evicted before a container started */
} gly_pod_phase;

typedef struct gly_pod_state {
    const char *name, *uid, *node, *ip; /* "" if not yet */
    gly_pod_phase phase;
    bool is_deleting;
    bool is_ours;        /* set by the caller's comparison of labels */
    uint32_t attempt, executor_id; /* of its labels; 0: none */
    int exit_code;       /* of our container; -1: none */
    bool was_oom_killed;
    const char *termination_message; /* of our container, "" if none */
    /* Why it does not start or how it ended, one sentence with pod, exit code, limit, node condition;
     * "" if there is nothing to say.  trouble: "Unschedulable", "ImagePullBackOff", "OOMKilled",
     * "Evicted", "CreateContainerConfigError", "NodeLost", "Error"; "" if none. */
    const char *trouble, *sentence;
    int64_t created_ms, started_ms; /* wall clock; 0: unknown */
} gly_pod_state;

void gly_pod_state_read(gly_arena *arena, const cJSON *pod, gly_pod_state *ret);

#endif
