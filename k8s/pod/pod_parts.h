/* pod_parts.h - what driver and executor pods have in common. */
#ifndef GLY_POD_PARTS_H
#define GLY_POD_PARTS_H

#include "k8s/api/application.h"
#include "k8s/pod/pod_template.h"

/* What all pods of one attempt share. */
typedef struct gly_pods_context {
    const gly_application *application;
    uint32_t attempt;
} gly_pods_context;

/* Bytes beyond the local directory that a pod may write: /tmp and logs. */
#define GLY_POD_PARTS_TMP (UINT64_C(128) << 20)
#define GLY_POD_PARTS_LOGS (UINT64_C(128) << 20)

/* Labels that everything has that is made for an application.  role: "driver" or "executor". */
void gly_pod_parts_labels(cJSON *labels, const gly_application *application, const char *role);
/* The application as the controlling owner. */
void gly_pod_parts_owner(cJSON *metadata, const gly_application *application);
/* Name, namespace, owner, labels. */
void gly_pod_parts_metadata(gly_pod_template *template, const gly_pods_context *context,
                            const char *name, const char *role);
/* Image, resources, security, /tmp and the local directory, S3 settings, our environment. */
void gly_pod_parts_container(gly_pod_template *template, const gly_application *application,
                             const gly_application_role *role);
/* A secret as files, readable by any user of the pod (none but our container mounts it). */
void gly_pod_parts_tls(gly_pod_template *template, const char *secret);
/* How many bytes of the local directory may be used, so that its sizeLimit is never reached: the
 * kubelet counts whole disk blocks and directories. */
uint64_t gly_pod_parts_disk_budget(uint64_t local_disk_bytes);

#endif
