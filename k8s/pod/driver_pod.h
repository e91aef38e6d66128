/* driver_pod.h - the driver's pod as JSON, ready to be posted; k8s/README.md says what is in it. */
#ifndef GLY_DRIVER_POD_H
#define GLY_DRIVER_POD_H

#include "k8s/pod/pod_parts.h"

/* Free the result with cJSON_Delete. */
cJSON *gly_driver_pod_make(const gly_pods_context *context);

#endif
