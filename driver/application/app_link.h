/* app_link.h - the driver's line to its own GalleyApplication: reads it, follows its changes,
 * writes the driver's part of its status.
 *
 * A thread of its own does all of it; the API server being away holds up nothing but the status.
 */
#ifndef GLY_APP_LINK_H
#define GLY_APP_LINK_H

#include "driver/application/app_status.h"
#include "k8s/api/application.h"
#include "k8s/client/k8s_config.h"

typedef struct gly_app_link gly_app_link;

/* Reads it once.  *ret_object holds what ret points into: free it with cJSON_Delete.
 * INVALID_ARGUMENT: it is not there, or cannot be run as it is; NETWORK: the API server could not
 * be asked. */
GLY_NODISCARD gly_status gly_app_link_get(const gly_k8s_config *config, gly_arena *arena,
                                          const char *namespace_name, const char *name,
                                          cJSON **ret_object, gly_application *ret, gly_error *err);
/* status.executors.admitted; UINT32_MAX: there is none. */
uint32_t gly_app_link_admitted(const cJSON *object);

/* status.driver.attempt; 0: there is none. */
uint32_t gly_app_link_attempt(const cJSON *object);

typedef struct gly_app_link_options {
    const gly_k8s_config *config; /* read by start */
    const char *namespace_name, *name, *uid;
    gly_app_status *status;
    /* Called on the link's thread for every state of the application that can be read. */
    void (*on_change)(void *context, const gly_application *application, uint32_t admitted);
    /* Once, when status.driver.attempt is a later one than ours: another driver has taken over.  No
     * status is written any more. */
    uint32_t attempt;
    void (*on_superseded)(void *context, uint32_t attempt);
    void *context;
} gly_app_link_options;

GLY_NODISCARD gly_status gly_app_link_start(const gly_app_link_options *options, gly_app_link **ret,
                                            gly_error *err);
/* on_change is not called any more once this has returned. */
void gly_app_link_hold(gly_app_link *link);
/* Writes the status a last time if the API server answers within grace_ms.  Accepts NULL. */
void gly_app_link_stop(gly_app_link *link, int64_t grace_ms);

#endif
