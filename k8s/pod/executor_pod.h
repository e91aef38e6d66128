/* executor_pod.h - an executor's pod as JSON, ready to be posted; k8s/README.md says what is in it.
 */
#ifndef GLY_EXECUTOR_POD_H
#define GLY_EXECUTOR_POD_H

#include "k8s/pod/pod_parts.h"

typedef struct gly_executor_pod_request {
    uint32_t executor_id;
    const char *driver_address; /* ip:port of the executor endpoint */
    int64_t heartbeat_ms;       /* 0: the executor's default */
    uint64_t memory_bytes;      /* what it may use of the pod's memory; 0: all */
} gly_executor_pod_request;

/* Free the result with cJSON_Delete. */
cJSON *gly_executor_pod_make(const gly_pods_context *context,
                             const gly_executor_pod_request *request);

#endif
