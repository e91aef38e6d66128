/* http_client.c - a libcurl multi handle in a thread of its own, fed by a queue.
 *
 * Why one thread: a request costs its caller nothing while it is on the way, so reading ahead needs
 * no threads of the callers', and connections are shared by all.  HTTP/1.1 only: object stores
 * answer parallel requests over parallel connections, and libcurl's HTTP/2 stalls now and then when
 * it is polled.
 *
 * Invariant: an exchange is on the queue, active, or done; only the thread touches its easy handle,
 * and its buffers are touched only until `done` is set under the client's lock.  libcurl is set up
 * at the first request, so that programs that make none pay nothing.
 */
#include "lib/net/http_client.h"

#include "lib/base/alloc.h"
#include "lib/base/array.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>

enum {
    MOST_ACTIVE = 64,
    MOST_BODY_BYTES = 64 << 20,
    MOST_HEADER_BYTES = 256 << 10,
    CONNECT_TIMEOUT_MS = 10000,
    STALL_TIMEOUT_MS = 30000,
    POLL_MS = 1000,
};

struct gly_http_exchange {
    gly_http_client *client;
    gly_http_exchange *next; /* in the queue */
    char *method, *url;
    struct curl_slist *headers;
    gly_str body;
    char *buffer;
    size_t buffer_size;
    CURL *easy; /* while active */
    gly_http_response response;
    const char *refusal; /* why we stopped it ourselves */
    gly_error error;
    gly_status status;
    bool is_cancelled, is_done; /* guarded by client->lock */
    pthread_cond_t changed;
    char curl_message[CURL_ERROR_SIZE];
};

struct gly_http_client {
    char *ca_file;
    uint32_t max_active;
    long connect_timeout_ms, stall_timeout_s;
    pthread_mutex_t lock;
    pthread_t thread;
    bool has_thread, is_stopping; /* guarded by lock */
    gly_http_exchange *first, *last;
    CURLM *multi;
    /* The thread's own. */
    GLY_ARRAY(gly_http_exchange *) active;
    GLY_ARRAY(CURL *) idle;
};

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void set_up_curl(void) { curl_global_init(CURL_GLOBAL_ALL); }

/* ---- callbacks of libcurl (the client's thread) -------------------------------------------------
 */

static size_t take_header(char *bytes, size_t size, size_t count, void *context) {
    gly_http_exchange *exchange = context;
    gly_builder *headers = &exchange->response.headers;
    size *= count;
    if (size > 5 && memcmp(bytes, "HTTP/", 5) == 0) {
        gly_builder_reset(headers); /* the answer after a 100 Continue */
    }
    if (headers->size + size > MOST_HEADER_BYTES) {
        exchange->refusal = "its headers are too large";
        return 0;
    }
    gly_str line = gly_str_trim((gly_str){bytes, size});
    gly_builder_add_str(headers, line);
    gly_builder_add_char(headers, '\n');
    return size;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *context) {
    gly_http_exchange *exchange = context;
    gly_http_response *response = &exchange->response;
    long status = 0;
    size *= count;
    curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
    if (exchange->buffer != NULL && status >= 200 && status < 300) {
        if (size > exchange->buffer_size - response->buffer_filled) {
            exchange->refusal = "it sent more bytes than were asked for";
            return 0;
        }
        memcpy(exchange->buffer + response->buffer_filled, bytes, size);
        response->buffer_filled += size;
        return size;
    }
    if (response->body.size + size > MOST_BODY_BYTES) {
        exchange->refusal = "its answer is larger than 64 MiB";
        return 0;
    }
    gly_builder_add(&response->body, bytes, size);
    return size;
}

/* Executors are started while requests run: they must not inherit connections. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *to) {
    (void)context;
    (void)purpose;
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

/* ---- the thread ---------------------------------------------------------------------------------
 */

static void set_up_easy(gly_http_client *client, gly_http_exchange *exchange, CURL *easy) {
    curl_easy_setopt(easy, CURLOPT_URL, exchange->url);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 512L * 1024);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 1024L * 1024);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, client->connect_timeout_ms);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, client->stall_timeout_s);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (client->ca_file != NULL) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, client->ca_file);
    }
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->curl_message);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, exchange);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, exchange->headers);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
    bool has_body = strcmp(exchange->method, "PUT") == 0 || strcmp(exchange->method, "POST") == 0;
    if (strcmp(exchange->method, "HEAD") == 0) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
        return;
    }
    if (has_body) {
        const char *body = exchange->body.size > 0 ? exchange->body.data : "";
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)exchange->body.size);
    }
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, exchange->method);
}

static void finish_locked(gly_http_exchange *exchange) {
    exchange->is_done = true;
    pthread_cond_signal(&exchange->changed);
}

static void fail_result(gly_http_exchange *exchange, CURLcode code) {
    gly_error *err = &exchange->error;
    const char *detail =
        exchange->curl_message[0] != '\0' ? exchange->curl_message : curl_easy_strerror(code);
    switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_ISSUER_ERROR:
        exchange->status = gly_fail(err, GLY_E_TLS, "its certificate is not trusted: %s", detail);
        return;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        exchange->status =
            gly_fail(err, GLY_E_INVALID_ARGUMENT, "the address is wrong: %s", detail);
        return;
    case CURLE_WRITE_ERROR:
        if (exchange->refusal != NULL) {
            exchange->status = gly_fail(err, GLY_E_PROTOCOL, "%s", exchange->refusal);
            return;
        }
        break;
    default:
        break;
    }
    exchange->status = gly_fail(err, GLY_E_NETWORK, "%s", detail);
}

static void retire(gly_http_client *client, gly_http_exchange *exchange) {
    CURL *easy = exchange->easy;
    curl_multi_remove_handle(client->multi, easy);
    curl_easy_reset(easy);
    gly_array_push(&client->idle, easy);
    exchange->easy = NULL;
    for (size_t i = 0; i < client->active.count; i++) {
        if (client->active.items[i] == exchange) {
            client->active.items[i] = client->active.items[--client->active.count];
            break;
        }
    }
}

static void take_results(gly_http_client *client) {
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(client->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE) {
            continue;
        }
        gly_http_exchange *exchange = NULL;
        CURLcode code = message->data.result;
        long status = 0;
        long connections = 0;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&exchange);
        curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &status);
        exchange->response.status = (uint32_t)status;
        curl_easy_getinfo(message->easy_handle, CURLINFO_NUM_CONNECTS, &connections);
        exchange->response.new_connections = (uint32_t)connections;
        if (code != CURLE_OK) {
            fail_result(exchange, code);
        }
        retire(client, exchange);
        pthread_mutex_lock(&client->lock);
        finish_locked(exchange);
        pthread_mutex_unlock(&client->lock);
    }
}

/* Takes one waiting exchange, or NULL. */
static gly_http_exchange *take_next(gly_http_client *client) {
    if (client->first == NULL || client->active.count >= client->max_active) {
        return NULL;
    }
    gly_http_exchange *exchange = client->first;
    client->first = exchange->next;
    if (client->first == NULL) {
        client->last = NULL;
    }
    return exchange;
}

static void begin(gly_http_client *client, gly_http_exchange *exchange) {
    CURL *easy =
        client->idle.count > 0 ? client->idle.items[--client->idle.count] : curl_easy_init();
    GLY_ASSERT(easy != NULL);
    exchange->easy = easy;
    set_up_easy(client, exchange, easy);
    gly_array_push(&client->active, exchange);
    curl_multi_add_handle(client->multi, easy);
}

/* Drops what was cancelled (all, when stopping); the lock is held. */
static void drop_cancelled(gly_http_client *client, bool all) {
    for (size_t i = client->active.count; i-- > 0;) {
        gly_http_exchange *exchange = client->active.items[i];
        if (exchange->is_cancelled || all) {
            exchange->status = gly_fail(&exchange->error, GLY_E_CANCELLED, "the program is ending");
            retire(client, exchange);
            finish_locked(exchange);
        }
    }
    while (all && client->first != NULL) {
        gly_http_exchange *exchange = client->first;
        client->first = exchange->next;
        exchange->status = gly_fail(&exchange->error, GLY_E_CANCELLED, "the program is ending");
        finish_locked(exchange);
    }
    if (all) {
        client->last = NULL;
    }
}

static void *run(void *context) {
    gly_http_client *client = context;
    for (;;) {
        pthread_mutex_lock(&client->lock);
        bool is_stopping = client->is_stopping;
        drop_cancelled(client, is_stopping);
        gly_http_exchange *exchange;
        while (!is_stopping && (exchange = take_next(client)) != NULL) {
            begin(client, exchange);
        }
        pthread_mutex_unlock(&client->lock);
        if (is_stopping) {
            break;
        }
        int running = 0;
        curl_multi_perform(client->multi, &running);
        size_t before = client->active.count;
        take_results(client);
        if (client->active.count == before) { /* else more may be waiting for a place */
            curl_multi_poll(client->multi, NULL, 0, POLL_MS, NULL);
        }
    }
    for (size_t i = 0; i < client->idle.count; i++) {
        curl_easy_cleanup(client->idle.items[i]);
    }
    gly_array_clear(&client->idle);
    gly_array_clear(&client->active);
    return NULL;
}

/* ---- the client ---------------------------------------------------------------------------------
 */

gly_http_client *gly_http_client_make(const gly_http_options *options) {
    gly_http_client *client = GLY_NEW(gly_http_client);
    int64_t connect_ms = options->connect_timeout_ms;
    int64_t stall_ms = options->stall_timeout_ms > 0 ? options->stall_timeout_ms : STALL_TIMEOUT_MS;
    client->ca_file = options->ca_file == NULL ? NULL : gly_alloc_string(options->ca_file);
    client->max_active = options->max_active > 0 ? options->max_active : MOST_ACTIVE;
    client->connect_timeout_ms = connect_ms > 0 ? (long)connect_ms : CONNECT_TIMEOUT_MS;
    client->stall_timeout_s = (long)((stall_ms + 999) / 1000);
    pthread_mutex_init(&client->lock, NULL);
    return client;
}

/* The lock is held; false: there is no thread to be had. */
static bool have_thread(gly_http_client *client) {
    if (client->is_stopping || client->has_thread) {
        return !client->is_stopping;
    }
    pthread_once(&curl_once, set_up_curl);
    client->multi = curl_multi_init();
    if (client->multi == NULL) {
        return false;
    }
    curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, (long)client->max_active);
    curl_multi_setopt(client->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    client->has_thread = pthread_create(&client->thread, NULL, run, client) == 0;
    if (!client->has_thread) {
        curl_multi_cleanup(client->multi);
        client->multi = NULL;
    }
    return client->has_thread;
}

void gly_http_client_stop(gly_http_client *client) {
    pthread_mutex_lock(&client->lock);
    bool has_thread = client->has_thread && !client->is_stopping;
    client->is_stopping = true;
    if (has_thread) {
        curl_multi_wakeup(client->multi);
    }
    pthread_mutex_unlock(&client->lock);
    if (has_thread) {
        pthread_join(client->thread, NULL);
        pthread_mutex_lock(&client->lock);
        client->has_thread = false;
        curl_multi_cleanup(client->multi);
        client->multi = NULL;
        pthread_mutex_unlock(&client->lock);
    }
}

void gly_http_client_free(gly_http_client *client) {
    if (client != NULL) {
        gly_http_client_stop(client);
        pthread_mutex_destroy(&client->lock);
        free(client->ca_file);
        free(client);
    }
}

gly_http_exchange *gly_http_client_start(gly_http_client *client, const gly_http_request *request) {
    gly_http_exchange *exchange = GLY_NEW(gly_http_exchange);
    exchange->client = client;
    exchange->method = gly_alloc_string(request->method);
    exchange->url = gly_alloc_string(request->url);
    exchange->body = request->body;
    exchange->buffer = request->buffer;
    exchange->buffer_size = request->buffer_size;
    for (uint32_t i = 0; i < request->header_count; i++) {
        exchange->headers = curl_slist_append(exchange->headers, request->headers[i]);
    }
    /* What libcurl would add by itself: a wait for "100 Continue", the type of a web form. */
    exchange->headers = curl_slist_append(exchange->headers, "Expect:");
    exchange->headers = curl_slist_append(exchange->headers, "Content-Type:");
    pthread_cond_init(&exchange->changed, NULL);
    pthread_mutex_lock(&client->lock);
    if (!have_thread(client)) {
        const char *why = client->is_stopping ? "the program is ending" : "no thread can be made";
        exchange->status = gly_fail(&exchange->error, GLY_E_CANCELLED, "%s", why);
        exchange->is_done = true;
    } else {
        if (client->last == NULL) {
            client->first = exchange;
        } else {
            client->last->next = exchange;
        }
        client->last = exchange;
        curl_multi_wakeup(client->multi);
    }
    pthread_mutex_unlock(&client->lock);
    return exchange;
}

static void free_exchange(gly_http_exchange *exchange) {
    pthread_cond_destroy(&exchange->changed);
    curl_slist_free_all(exchange->headers);
    free(exchange->method);
    free(exchange->url);
    free(exchange);
}

gly_status gly_http_client_finish(gly_http_exchange *exchange, gly_http_response *ret,
                                  gly_error *err) {
    gly_http_client *client = exchange->client;
    pthread_mutex_lock(&client->lock);
    while (!exchange->is_done) {
        pthread_cond_wait(&exchange->changed, &client->lock);
    }
    pthread_mutex_unlock(&client->lock);
    gly_status status = exchange->status;
    *ret = exchange->response;
    if (status != GLY_OK) {
        (void)!gly_error_copy(err, &exchange->error);
    }
    free_exchange(exchange);
    return status;
}

/* Takes an exchange that waits out of the queue; the lock is held. */
static bool unqueue(gly_http_client *client, gly_http_exchange *exchange) {
    gly_http_exchange *before = NULL;
    for (gly_http_exchange *at = client->first; at != NULL; before = at, at = at->next) {
        if (at == exchange) {
            if (before == NULL) {
                client->first = at->next;
            } else {
                before->next = at->next;
            }
            if (client->last == at) {
                client->last = before;
            }
            return true;
        }
    }
    return false;
}

void gly_http_client_cancel(gly_http_exchange *exchange) {
    if (exchange == NULL) {
        return;
    }
    gly_http_client *client = exchange->client;
    pthread_mutex_lock(&client->lock);
    if (!exchange->is_done && !unqueue(client, exchange)) {
        exchange->is_cancelled = true;
        curl_multi_wakeup(client->multi);
        while (!exchange->is_done) {
            pthread_cond_wait(&exchange->changed, &client->lock);
        }
    }
    pthread_mutex_unlock(&client->lock);
    gly_http_client_response_clear(&exchange->response);
    free_exchange(exchange);
}

gly_status gly_http_client_run(gly_http_client *client, const gly_http_request *request,
                               gly_http_response *ret, gly_error *err) {
    return gly_http_client_finish(gly_http_client_start(client, request), ret, err);
}

void gly_http_client_response_clear(gly_http_response *response) {
    gly_builder_clear(&response->headers);
    gly_builder_clear(&response->body);
    *response = (gly_http_response){0};
}

gly_str gly_http_client_header(const gly_http_response *response, const char *name) {
    gly_str rest = gly_builder_str(&response->headers);
    gly_str wanted = gly_str_of(name);
    while (rest.size > 0) {
        const char *end = memchr(rest.data, '\n', rest.size);
        size_t size = end == NULL ? rest.size : (size_t)(end - rest.data);
        const char *colon = memchr(rest.data, ':', size);
        if (colon != NULL) {
            gly_str have = {rest.data, (size_t)(colon - rest.data)};
            if (gly_str_equal_ignore_case(have, wanted)) {
                size_t skip = have.size + 1;
                return gly_str_trim((gly_str){rest.data + skip, size - skip});
            }
        }
        size_t skip = GLY_MIN(size + 1, rest.size);
        rest = (gly_str){rest.data + skip, rest.size - skip};
    }
    return (gly_str){NULL, 0};
}
