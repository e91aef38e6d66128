/* s3_call.h - one request to the object store: address, signature, retries, and what errors mean.
 *
 * start puts it on the wire, finish waits and tries again where that may help (5xx, SlowDown,
 * time-outs, broken connections, short bodies; 8 times, waiting longer each time), so many calls
 * can be in flight while failures cost no thread.  All requests we make may be repeated.
 */
#ifndef GLY_S3_CALL_H
#define GLY_S3_CALL_H

#include "lib/io/fs/s3_settings.h"
#include "lib/io/fs/sigv4.h"
#include "lib/net/http_client.h"

typedef struct gly_s3_call gly_s3_call;

typedef struct gly_s3_request {
    const char *what; /* for messages: "could not <what> s3://bucket/key" */
    const char *method;
    gly_str bucket, key; /* key as it is; empty: the bucket itself */
    gly_str query;       /* encoded pairs, any order */
    uint32_t header_count;
    const gly_sigv4_header *headers; /* besides the usual ones; lower-case names */
    gly_str body;                    /* borrowed until finish */
    void *buffer;                    /* as in gly_http_request; borrowed until finish */
    size_t buffer_size;
    bool is_exact; /* an answer that does not fill the buffer was cut short */
} gly_s3_request;

typedef struct gly_s3_response {
    gly_http_response http;
    char code[64]; /* "NoSuchKey", of an answer that is an error */
    uint32_t tries;
} gly_s3_response;

/* Never NULL; copies all but body and buffer. */
gly_s3_call *gly_s3_call_start(const gly_s3_request *request);
/* Frees the call.  OK for 2xx only; else ret->http.status and ret->code tell why, if an answer
 * came. PATH_NOT_FOUND for 404; IO that is not retryable for what will fail again (403, no such
 * bucket).  ret must be zeroed and is cleared by the caller, also after a failure. */
GLY_NODISCARD gly_status gly_s3_call_finish(gly_s3_call *call, gly_s3_response *ret,
                                            gly_error *err);
void gly_s3_call_cancel(gly_s3_call *call); /* accepts NULL */
GLY_NODISCARD gly_status gly_s3_call_run(const gly_s3_request *request, gly_s3_response *ret,
                                         gly_error *err);
void gly_s3_call_clear(gly_s3_response *response);

#endif
