/* operator_core.h - what reconcilers share: client, queue, memory, metrics; and how they send
 * requests.
 *
 * All of it belongs to the operator's one thread (but the metrics, see there).
 */
#ifndef GLY_OPERATOR_CORE_H
#define GLY_OPERATOR_CORE_H

#include "k8s/api/application.h"
#include "k8s/client/k8s_client.h"
#include "k8s/client/k8s_path.h"
#include "k8s/client/work_queue.h"
#include "k8s/operator/application_table.h"
#include "k8s/operator/operator_metrics.h"

#define GLY_OPERATOR_NAME "galley-operator"
#define GLY_OPERATOR_MANAGER "fieldManager=galley-operator"

typedef struct gly_operator_core {
    gly_k8s_client *client;
    gly_work_queue *queue;
    gly_application_table *applications;
    gly_operator_metrics *metrics;
    gly_application_defaults defaults;
    const char *identity; /* pod name, for events */
    uint32_t in_flight;   /* reconciliations */
} gly_operator_core;

/* One request; body is printed and deleted, and may be NULL.  on_done as in k8s_client.h. */
void gly_operator_core_send(gly_operator_core *core, const char *method, gly_str path, cJSON *body,
                            const char *content_type,
                            void (*on_done)(void *context, gly_k8s_response *response),
                            void *context);
/* To be called first in every on_done. */
void gly_operator_core_count(gly_operator_core *core, const gly_k8s_response *response);
/* The server's own words, without our path in front. */
const char *gly_operator_core_words(const gly_k8s_response *response);

/* DeleteOptions; uid may be NULL, grace_seconds below 0 is the pod's own. */
cJSON *gly_operator_core_delete_options(const char *uid, int grace_seconds);

#endif
