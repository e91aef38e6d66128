/* k8s_stream.h - a GET whose body is handed over as it comes: the wire under a watch.
 *
 * Inside this folder only.  Runs in the watches' lane, without retries.
 */
#ifndef GLY_K8S_STREAM_H
#define GLY_K8S_STREAM_H

#include "k8s/client/k8s_client_internal.h"

typedef struct gly_k8s_stream gly_k8s_stream;

typedef struct gly_k8s_stream_end {
    gly_status status;   /* GLY_OK: the server ended it in good order */
    int http_code;       /* 0: none came */
    const char *message; /* one sentence if status is not GLY_OK */
    int64_t retry_after_ms;
} gly_k8s_stream_end;

typedef struct gly_k8s_stream_options {
    gly_str path; /* copied */
    const char *accept;
    int64_t timeout_ms;
    void (*on_bytes)(void *context, gly_str bytes); /* of 2xx answers only */
    void (*on_end)(void *context, const gly_k8s_stream_end *end);
    void *context;
} gly_k8s_stream_options;

gly_k8s_stream *gly_k8s_stream_open(gly_k8s_client *client, const gly_k8s_stream_options *options);
/* No callback comes after it; also within a callback, and after on_end.  Accepts NULL. */
void gly_k8s_stream_close(gly_k8s_stream *stream);

#endif
