/* http_client.h - HTTP requests from any thread; one thread of the client moves all bytes.
 *
 * start begins a request, finish waits for it: a caller that starts many before it finishes the
 * first has them in flight together.  Connections are kept and used again.  URLs are sent as they
 * are (the caller encodes), redirects are not followed, nothing is retried: that is for who knows
 * the protocol (lib/io/fs/s3_call.c).  All functions may be called by any thread; an exchange
 * belongs to one.
 */
#ifndef GLY_HTTP_CLIENT_H
#define GLY_HTTP_CLIENT_H

#include "lib/base/str.h"

typedef struct gly_http_client gly_http_client;
typedef struct gly_http_exchange gly_http_exchange;

typedef struct gly_http_options {
    const char *ca_file;        /* PEM bundle; NULL: the system's */
    uint32_t max_active;        /* requests on the wire, more wait; 0: 64 */
    int64_t connect_timeout_ms; /* 0: 10 s */
    int64_t stall_timeout_ms;   /* so long without a byte is a failure; 0: 30 s */
} gly_http_options;

typedef struct gly_http_request {
    const char *method; /* "GET", "HEAD", "PUT", "POST", "DELETE" */
    const char *url;    /* http:// or https://, percent-encoded */
    uint32_t header_count;
    const char *const *headers; /* "name: value" */
    gly_str body;               /* borrowed until finish; empty: none */
    /* Where the body of a 2xx answer goes (borrowed until finish); a longer body is PROTOCOL.
     * NULL: it goes to response.body, up to 64 MiB. */
    void *buffer;
    size_t buffer_size;
} gly_http_request;

typedef struct gly_http_response {
    uint32_t status; /* 200; 0: no answer came */
    /* Made for it.  0: it went out once, over an old one.  Else it may have gone out twice: a
     * request whose old connection ends without an answer is repeated over a new one by libcurl
     * itself. */
    uint32_t new_connections;
    gly_builder headers; /* "name: value\n" as the server wrote them */
    gly_builder body;
    size_t buffer_filled;
} gly_http_response;

/* Makes no thread and no connection yet. */
gly_http_client *gly_http_client_make(const gly_http_options *options);
/* Ends the thread; what is in flight fails.  The client can still be called, everything fails then.
 * For atexit: nothing may be inside of OpenSSL when its own exit handlers run. */
void gly_http_client_stop(gly_http_client *client);
void gly_http_client_free(gly_http_client *client); /* all exchanges must be finished */

/* Copies method, url and headers.  Never NULL; what goes wrong is told by finish. */
gly_http_exchange *gly_http_client_start(gly_http_client *client, const gly_http_request *request);
/* Waits for the end and frees the exchange.  OK if a whole answer came, whatever its status.
 * NETWORK (no connection, time-out, cut short), TLS (certificate), PROTOCOL (not HTTP, body too
 * large). ret must be zeroed, and cleared by the caller with response_clear, also after a failure.
 */
GLY_NODISCARD gly_status gly_http_client_finish(gly_http_exchange *exchange, gly_http_response *ret,
                                                gly_error *err);
/* Gives up an exchange and frees it; its buffers are free when this returns. */
void gly_http_client_cancel(gly_http_exchange *exchange);
/* start and finish. */
GLY_NODISCARD gly_status gly_http_client_run(gly_http_client *client,
                                             const gly_http_request *request,
                                             gly_http_response *ret, gly_error *err);

void gly_http_client_response_clear(gly_http_response *response);
/* The value of a header, case ignored; data NULL if it is not there. */
gly_str gly_http_client_header(const gly_http_response *response, const char *name);

#endif
