/* k8s_client.h - requests to a Kubernetes API server, many at once over one connection.
 *
 * Thread rules: a client belongs to one thread at a time, the one that polls it; callbacks run
 * inside gly_k8s_client_poll on that thread and may call everything but _poll, _call and _free.
 * Only gly_k8s_client_wake may be called from elsewhere.
 */
#ifndef GLY_K8S_CLIENT_H
#define GLY_K8S_CLIENT_H

#include "k8s/client/k8s_config.h"

#include <cjson/cJSON.h>

typedef struct gly_k8s_client gly_k8s_client;

typedef struct gly_k8s_response {
    gly_status status;   /* GLY_OK: the server answered 2xx */
    int http_code;       /* 0: no answer */
    const char *reason;  /* of a Kubernetes Status: "AlreadyExists", "Forbidden"; never NULL */
    const char *message; /* one sentence that names method, path and the server's own words */
    cJSON *body;         /* NULL if there is none or it is no JSON; the callback may keep it by
                          * setting this to NULL */
    uint32_t attempts;
} gly_k8s_response;

typedef struct gly_k8s_request {
    const char *method;       /* "GET", "POST", "PUT", "PATCH", "DELETE" */
    gly_str path;             /* with query, percent-encoded; any length; copied (see k8s_path.h) */
    gly_str body;             /* JSON text; copied; empty: none */
    const char *content_type; /* NULL: application/json; see GLY_K8S_MERGE_PATCH */
    const char *accept;       /* NULL: application/json */
    int64_t timeout_ms;       /* of one attempt; 0: 30 s */
    uint32_t max_attempts;    /* 0: 5. Connection errors, 429 and 5xx are tried again with
                               * exponential back-off and jitter, or after Retry-After */
    size_t max_response_bytes; /* 0: 16 MiB; more is an error, never more memory */
    /* Called once, also for failures and (status GLY_E_CANCELLED) when the client is freed; what is
     * sent then is cancelled before gly_k8s_client_send returns. */
    void (*on_done)(void *context, gly_k8s_response *response);
    void *context;
} gly_k8s_request;

#define GLY_K8S_MERGE_PATCH "application/merge-patch+json"
#define GLY_K8S_APPLY_PATCH "application/apply-patch+yaml"

/* Takes a copy of what it needs from config.  Makes no connection yet. */
GLY_NODISCARD gly_status gly_k8s_client_make(const gly_k8s_config *config, gly_k8s_client **ret,
                                             gly_error *err);
/* Cancels what is under way.  Accepts NULL. */
void gly_k8s_client_free(gly_k8s_client *client);

/* Starts a request; at most max_in_flight (64) are on the wire, the rest waits in order.
 * Returns an id for gly_k8s_client_cancel. */
uint64_t gly_k8s_client_send(gly_k8s_client *client, const gly_k8s_request *request);
/* on_done comes with GLY_E_CANCELLED before this returns; an ended id is ignored. */
void gly_k8s_client_cancel(gly_k8s_client *client, uint64_t request_id);

/* Runs callbacks of whatever happened; waits for at most timeout_ms (-1: for ever) if nothing has.
 * Returns after at least one wake-up, callback or the time-out. */
void gly_k8s_client_poll(gly_k8s_client *client, int64_t timeout_ms);
/* Makes a poll return soon.  Any thread, async-signal-safe. */
void gly_k8s_client_wake(gly_k8s_client *client);

/* Calls a function after delay_ms from within poll.  Returns an id; 0 is none. */
uint64_t gly_k8s_client_after(gly_k8s_client *client, int64_t delay_ms,
                              void (*function)(void *context), void *context);
void gly_k8s_client_cancel_timer(gly_k8s_client *client, uint64_t timer_id);

/* One request to its end, polling the while (other callbacks run too).  request->on_done is
 * ignored. *ret_body may be NULL; free it with cJSON_Delete. *ret_http_code may be NULL. */
GLY_NODISCARD gly_status gly_k8s_client_call(gly_k8s_client *client, const gly_k8s_request *request,
                                             int *ret_http_code, cJSON **ret_body, gly_error *err);

#endif
