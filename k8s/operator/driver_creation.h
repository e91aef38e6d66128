/* driver_creation.h - the effect "create driver": both TLS secrets, then the pod; safe to do twice.
 */
#ifndef GLY_DRIVER_CREATION_H
#define GLY_DRIVER_CREATION_H

#include "k8s/operator/operator_core.h"

typedef enum gly_driver_creation_outcome {
    GLY_CREATION_DONE,     /* the pod is there, now or before */
    GLY_CREATION_REFUSED,  /* reason and message say why; perhaps later */
    GLY_CREATION_FINAL,    /* the same, and trying again cannot help */
    GLY_CREATION_TROUBLE,  /* no answer, or one of the server's own trouble: try again */
    GLY_CREATION_CANCELLED /* the client is ending; touch it no more */
} gly_driver_creation_outcome;

typedef struct gly_driver_creation_result {
    gly_driver_creation_outcome outcome;
    bool is_new;
    const char *reason, *message; /* valid during the call ... */
    const cJSON *pod;             /* ... as this, which is NULL unless the outcome is DONE */
} gly_driver_creation_result;

/* application must live until on_done. */
void gly_driver_creation_start(
    gly_operator_core *core, const gly_application *application, uint32_t attempt,
    void (*on_done)(void *context, const gly_driver_creation_result *result), void *context);

/* Whether an object is owned by the application (its uid is among the owners). */
bool gly_driver_creation_is_ours(const cJSON *object, const char *application_uid);

#endif
