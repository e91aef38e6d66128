/* endpoint_identity.h - galley.Driver/Identify: a pod that shows the bootstrap certificate gets one
 * of its own, if it is the pod that was made for the executor id it names.  For executor_endpoint.c
 * only. */
#ifndef GLY_ENDPOINT_IDENTITY_H
#define GLY_ENDPOINT_IDENTITY_H

#include "lib/net/grpc_stream.h"
#include "lib/net/tls.h"

typedef struct gly_endpoint_identity {
    gly_tls_authority *authority; /* NULL: every call is refused */
    const char *application;      /* NULL: "galley" */
    bool (*may_identify)(void *context, uint32_t executor_id, const char *pod_uid); /* or NULL */
    void *context;
    /* An executor that is connected has its certificate: nobody else gets one for its id. */
    bool (*is_taken)(void *endpoint, uint32_t executor_id);
    void *endpoint;
} gly_endpoint_identity;

/* Serves one call; identity must outlive it. */
void gly_endpoint_identity_serve(const gly_endpoint_identity *identity,
                                 gly_grpc_stream_events *ret_events);
/* The decision and the signing, without a connection: a status code of gRPC; the answer's
 * certificate (free) or the reason of a refusal. */
int gly_endpoint_identity_answer(const gly_endpoint_identity *identity, const char *peer,
                                 gly_str request, char **ret_certificate, char *reason,
                                 size_t reason_size);

#endif
