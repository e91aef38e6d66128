/* k8s_client.c - requests: a queue, at most 64 on the wire, attempts with back-off.
 *
 * A request is WAITING (in the queue), ON_WIRE (in curl), or RESTING (a timer will queue it again);
 * it is in the table of ids from send to the end, and whoever takes it out of there calls on_done.
 * What may be repeated: everything that the server surely did not do, and everything that does no
 * harm when done twice: reads, DELETE, PUT, merge and apply patches, and POST of an object with a
 * name of its own (done twice it is 409, which callers take for success).  A POST with generateName
 * and a JSON patch are not repeated once they may have arrived.
 */
#include "k8s/client/k8s_client_internal.h"

#include "k8s/client/k8s_answer.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"

enum {
    MOST_IN_FLIGHT = 64,
    TIMEOUT_MS = 30000,
    ATTEMPTS = 5,
    FIRST_DELAY_MS = 100,
    MOST_DELAY_MS = 10000,
    MOST_RESPONSE = 16 << 20
};

typedef enum send_state { WAITING, ON_WIRE, RESTING } send_state;

struct gly_k8s_send {
    gly_k8s_job job; /* first: a job is a send */
    gly_k8s_client *client;
    uint64_t id;
    gly_k8s_request request; /* path, body and texts are ours */
    send_state state;
    gly_k8s_send *next, *previous; /* while WAITING */
    uint64_t timer_id;             /* while RESTING */
    struct curl_slist *headers;
    gly_builder body;
    bool is_too_large, is_fresh, had_new_token;
    uint32_t attempts;
    char error_text[CURL_ERROR_SIZE];
};

/* --- the client --- */

gly_status gly_k8s_client_make(const gly_k8s_config *config, gly_k8s_client **ret, gly_error *err) {
    gly_k8s_identity *identity;
    GLY_TRY(gly_k8s_transfer_identity(config, &identity, err));
    gly_k8s_loop *loop = gly_k8s_loop_make();
    if (loop == NULL) {
        gly_k8s_transfer_free_identity(identity);
        return gly_fail(err, GLY_E_IO, "no file descriptors are left for a Kubernetes client");
    }
    gly_k8s_client *client = GLY_NEW(gly_k8s_client);
    client->loop = loop;
    client->identity = identity;
    client->random.state = (uint64_t)gly_clock_ns() ^ (uint64_t)(uintptr_t)client;
    *ret = client;
    return GLY_OK;
}

int64_t gly_k8s_client_back_off(gly_k8s_client *client, uint32_t failures, int64_t first_ms,
                                int64_t most_ms) {
    int64_t delay_ms = GLY_MIN(first_ms << GLY_MIN(failures, 20), most_ms);
    return delay_ms - (int64_t)gly_random_below(&client->random, (uint64_t)delay_ms / 2 + 1);
}

void gly_k8s_client_poll(gly_k8s_client *client, int64_t timeout_ms) {
    gly_k8s_loop_run(client->loop, timeout_ms);
}

void gly_k8s_client_wake(gly_k8s_client *client) { gly_k8s_loop_wake(client->loop); }

uint64_t gly_k8s_client_after(gly_k8s_client *client, int64_t delay_ms,
                              void (*function)(void *context), void *context) {
    return gly_k8s_loop_after(client->loop, delay_ms, function, context);
}

void gly_k8s_client_cancel_timer(gly_k8s_client *client, uint64_t timer_id) {
    gly_k8s_loop_cancel_timer(client->loop, timer_id);
}

/* --- ending --- */

static void leave_wire(gly_k8s_send *send) {
    gly_k8s_loop_remove(send->client->loop, &send->job);
    curl_easy_cleanup(send->job.easy);
    curl_slist_free_all(send->headers);
    send->job.easy = NULL;
    send->headers = NULL;
    send->client->in_flight--;
}

static void leave_queue(gly_k8s_send *send) {
    gly_k8s_client *client = send->client;
    *(send->previous != NULL ? &send->previous->next : &client->first_waiting) = send->next;
    *(send->next != NULL ? &send->next->previous : &client->last_waiting) = send->previous;
    send->next = send->previous = NULL;
}

/* Tells the owner and frees. */
static void end(gly_k8s_send *send, gly_k8s_response *response) {
    gly_map_remove(&send->client->requests, send->id);
    response->attempts = send->attempts;
    gly_k8s_loop_progress(send->client->loop);
    if (send->request.on_done != NULL) {
        send->request.on_done(send->request.context, response);
    }
    gly_builder_clear(&send->body);
    free((void *)(uintptr_t)send->request.method);
    free((void *)(uintptr_t)send->request.path.data);
    free((void *)(uintptr_t)send->request.body.data);
    free((void *)(uintptr_t)send->request.content_type);
    free((void *)(uintptr_t)send->request.accept);
    free(send);
}

static void end_without_answer(gly_k8s_send *send, gly_status status, const char *words) {
    gly_builder message = {0};
    gly_builder_format(&message, "%s %.*s: %s", send->request.method,
                       (int)GLY_MIN(send->request.path.size, 200), send->request.path.data, words);
    gly_k8s_response response = {.status = status, .reason = "", .message = message.data};
    end(send, &response);
    cJSON_Delete(response.body);
    gly_builder_clear(&message);
}

static void cancel(gly_k8s_send *send) {
    switch (send->state) {
    case WAITING:
        leave_queue(send);
        break;
    case ON_WIRE:
        leave_wire(send);
        break;
    case RESTING:
        gly_k8s_loop_cancel_timer(send->client->loop, send->timer_id);
        break;
    }
    end_without_answer(send, GLY_E_CANCELLED, "it was cancelled");
}

void gly_k8s_client_free(gly_k8s_client *client) {
    if (client == NULL) {
        return;
    }
    client->is_closing = true;
    for (;;) {
        size_t position = 0;
        gly_k8s_send *send = gly_map_next(&client->requests, &position);
        if (send == NULL) {
            break;
        }
        cancel(send);
    }
    gly_map_clear(&client->requests);
    gly_k8s_loop_free(client->loop);
    gly_k8s_transfer_free_identity(client->identity);
    free(client);
}

/* --- the wire --- */

static size_t on_bytes(char *bytes, size_t one, size_t size, void *context) {
    (void)one;
    gly_k8s_send *send = context;
    if (size > send->request.max_response_bytes - send->body.size) {
        send->is_too_large = true;
        return 0;
    }
    gly_builder_add(&send->body, bytes, size);
    return size;
}

static void start_waiting(gly_k8s_client *client);

static void enqueue(gly_k8s_send *send) {
    gly_k8s_client *client = send->client;
    send->state = WAITING;
    send->previous = client->last_waiting;
    *(client->last_waiting != NULL ? &client->last_waiting->next : &client->first_waiting) = send;
    client->last_waiting = send;
}

static void on_rested(void *context) {
    gly_k8s_send *send = context;
    enqueue(send);
    start_waiting(send->client);
}

static bool is_repeatable(const gly_k8s_request *request) {
    if (strcmp(request->method, "POST") == 0) {
        return request->body.size == 0 ||
               memmem(request->body.data, request->body.size, "\"generateName\"", 14) == NULL;
    }
    return request->content_type == NULL ||
           strcmp(request->content_type, "application/json-patch+json") != 0;
}

static bool should_repeat(gly_k8s_send *send, const gly_k8s_answer *answer, int http_code) {
    if (send->attempts >= send->request.max_attempts) {
        return false;
    }
    if (http_code == 401) { /* the token may have been replaced meanwhile */
        bool is_first = !send->had_new_token;
        send->had_new_token = true;
        return is_first && gly_k8s_transfer_distrust_token(send->client->identity);
    }
    return answer->is_retryable && (!answer->is_ambiguous || is_repeatable(&send->request));
}

static void on_end(gly_k8s_job *job, CURLcode code) {
    gly_k8s_send *send = (gly_k8s_send *)job;
    gly_k8s_client *client = send->client;
    long http_code = 0;
    curl_off_t retry_after_s = 0;
    curl_easy_getinfo(job->easy, CURLINFO_RESPONSE_CODE, &http_code);
    curl_easy_getinfo(job->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
    gly_k8s_answer_source source = {.code = code,
                                    .http_code = (int)http_code,
                                    .retry_after_ms = GLY_MIN(retry_after_s, INT32_MAX) * 1000,
                                    .error_text = send->error_text,
                                    .server = gly_k8s_transfer_server(client->identity),
                                    .method = send->request.method,
                                    .path = send->request.path,
                                    .body = gly_builder_str(&send->body),
                                    .too_large =
                                        send->is_too_large ? send->request.max_response_bytes : 0};
    gly_k8s_answer answer;
    gly_k8s_answer_read(&source, &answer);
    leave_wire(send);
    gly_builder_clear(&send->body);
    if (should_repeat(send, &answer, source.http_code)) {
        int64_t delay_ms =
            gly_k8s_client_back_off(client, send->attempts - 1, FIRST_DELAY_MS, MOST_DELAY_MS);
        send->state = RESTING;
        send->is_fresh = code == CURLE_OPERATION_TIMEDOUT;
        send->timer_id =
            gly_k8s_loop_after(client->loop, answer.retry_after_ms + delay_ms, on_rested, send);
    } else {
        gly_k8s_response response = {.status = answer.status,
                                     .http_code = code == CURLE_OK ? source.http_code : 0,
                                     .reason = answer.reason,
                                     .message =
                                         answer.message.data != NULL ? answer.message.data : "",
                                     .body = answer.body};
        end(send, &response);
        answer.body = response.body; /* NULL if it was taken */
    }
    gly_k8s_answer_clear(&answer);
    start_waiting(client);
}

static void start(gly_k8s_send *send) {
    gly_k8s_client *client = send->client;
    send->state = ON_WIRE;
    send->attempts++;
    send->error_text[0] = '\0';
    send->is_too_large = false;
    gly_k8s_transfer transfer = {.method = send->request.method,
                                 .path = send->request.path,
                                 .body = send->request.body,
                                 .content_type = send->request.content_type,
                                 .accept = send->request.accept,
                                 .timeout_ms = send->request.timeout_ms,
                                 .is_fresh = send->is_fresh,
                                 .on_bytes = on_bytes,
                                 .context = send,
                                 .error_text = send->error_text};
    send->job =
        (gly_k8s_job){.easy = gly_k8s_transfer_make(client->identity, &transfer, &send->headers),
                      .lane = GLY_K8S_LANE_REQUESTS,
                      .on_done = on_end};
    client->in_flight++;
    gly_k8s_loop_add(client->loop, &send->job);
}

static void start_waiting(gly_k8s_client *client) {
    while (client->in_flight < MOST_IN_FLIGHT && client->first_waiting != NULL) {
        gly_k8s_send *send = client->first_waiting;
        leave_queue(send);
        start(send);
    }
}

/* --- sending --- */

static gly_str copy_str(gly_str text) {
    char *copy = gly_alloc(text.size + 1);
    if (text.size > 0) {
        memcpy(copy, text.data, text.size);
    }
    copy[text.size] = '\0';
    return (gly_str){copy, text.size};
}

static const char *copy_text(const char *text) {
    return text != NULL ? gly_alloc_string(text) : NULL;
}

/* A path that would end the request line, or carry on with headers, is a caller's mistake. */
static bool is_path(gly_str path) {
    for (size_t i = 0; i < path.size; i++) {
        if (path.data[i] <= ' ' || path.data[i] > '~' || path.data[i] == '#') {
            return false;
        }
    }
    return path.size > 0 && path.data[0] == '/';
}

static void refuse_path(void *context) {
    end_without_answer(context, GLY_E_INVALID_ARGUMENT, "this is not a path of the API");
}

uint64_t gly_k8s_client_send(gly_k8s_client *client, const gly_k8s_request *request) {
    gly_k8s_send *send = GLY_NEW(gly_k8s_send);
    send->client = client;
    send->id = ++client->next_id;
    uint64_t id = send->id;
    send->request = *request;
    send->request.method = gly_alloc_string(request->method);
    send->request.path = copy_str(request->path);
    send->request.body = copy_str(request->body);
    send->request.content_type = copy_text(request->content_type);
    send->request.accept = copy_text(request->accept);
    if (send->request.timeout_ms <= 0) {
        send->request.timeout_ms = TIMEOUT_MS;
    }
    if (send->request.max_attempts == 0) {
        send->request.max_attempts = ATTEMPTS;
    }
    if (send->request.max_response_bytes == 0) {
        send->request.max_response_bytes = MOST_RESPONSE;
    }
    gly_map_put(&client->requests, id, send);
    if (client->is_closing) {
        end_without_answer(send, GLY_E_CANCELLED, "the client is being freed");
    } else if (!is_path(send->request.path)) {
        send->state = RESTING;
        send->timer_id = gly_k8s_loop_after(client->loop, 0, refuse_path, send);
    } else {
        enqueue(send);
        start_waiting(client);
    }
    return id;
}

void gly_k8s_client_cancel(gly_k8s_client *client, uint64_t request_id) {
    gly_k8s_send *send = gly_map_get(&client->requests, request_id);
    if (send != NULL) {
        cancel(send);
        start_waiting(client);
    }
}

/* --- one request to its end --- */

typedef struct call_result {
    bool is_done;
    gly_status status;
    int http_code;
    cJSON *body;
    gly_error error;
} call_result;

static void on_call_done(void *context, gly_k8s_response *response) {
    call_result *result = context;
    result->is_done = true;
    result->status = response->status;
    result->http_code = response->http_code;
    result->body = response->body;
    response->body = NULL;
    if (response->status != GLY_OK) {
        (void)!gly_fail(&result->error, response->status, "%s", response->message);
    }
}

gly_status gly_k8s_client_call(gly_k8s_client *client, const gly_k8s_request *request,
                               int *ret_http_code, cJSON **ret_body, gly_error *err) {
    call_result result = {0};
    gly_k8s_request own = *request;
    own.on_done = on_call_done;
    own.context = &result;
    gly_k8s_client_send(client, &own);
    while (!result.is_done) {
        gly_k8s_client_poll(client, -1);
    }
    if (ret_http_code != NULL) {
        *ret_http_code = result.http_code;
    }
    if (ret_body != NULL) {
        *ret_body = result.body;
    } else {
        cJSON_Delete(result.body);
    }
    return result.status == GLY_OK ? GLY_OK : gly_error_copy(err, &result.error);
}
