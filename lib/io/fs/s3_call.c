/* s3_call.c - builds and signs a request, and decides what a failure means.
 *
 * The one connection pool and the credentials belong to the process: they are made at the first
 * request and stopped at exit (docs/decisions/0008), so that programs that never touch an object
 * store pay nothing.  Each try is signed anew: the time is part of the signature and credentials
 * may have changed.
 *
 * Invariant: secrets are in no message; messages name bucket and key, the status, S3's code and
 * what to do.
 */
#include "lib/io/fs/s3_call.h"

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/random.h"
#include "lib/io/fs/s3_credentials.h"
#include "lib/io/fs/s3_listing.h"
#include "lib/net/digest.h"

#include <pthread.h>
#include <stdio.h>

enum { MOST_TRIES = 8, FIRST_WAIT_MS = 100, LONGEST_WAIT_MS = 5000, MOST_OWN_HEADERS = 8 };

typedef struct s3_client {
    gly_arena *arena;
    gly_s3_settings settings;
    gly_http_client *http;
    gly_s3_provider *provider;
    gly_status status; /* of reading the settings */
    gly_error error;
} s3_client;

struct gly_s3_call {
    gly_arena *arena; /* of the request's copy */
    gly_s3_request request;
    char payload_hash[GLY_DIGEST_HEX_SIZE]; /* filled at the first try */
    gly_http_exchange *exchange;            /* NULL: the try could not be started (error) */
    gly_error error;
    bool renew; /* credentials were refused as expired */
};

/* ---- the process's client -----------------------------------------------------------------------
 */

static s3_client shared;
static pthread_once_t shared_once = PTHREAD_ONCE_INIT;

static const char *environment(const char *name) { return getenv(name); }

static void stop_shared(void) { gly_http_client_stop(shared.http); }

static void make_shared(void) {
    shared.arena = gly_arena_make();
    shared.status =
        gly_s3_settings_read(shared.arena, environment, &shared.settings, &shared.error);
    gly_http_options options = {.ca_file = shared.settings.ca_file};
    shared.http = gly_http_client_make(&options);
    shared.provider = gly_s3_credentials_make(&shared.settings, environment, shared.http);
    atexit(stop_shared);
}

static gly_status get_client(s3_client **ret, gly_error *err) {
    pthread_once(&shared_once, make_shared);
    *ret = &shared;
    return shared.status == GLY_OK ? GLY_OK : gly_error_copy(err, &shared.error);
}

/* ---- building a request -------------------------------------------------------------------------
 */

/* Buckets with dots cannot be host names under a wildcard certificate. */
static bool is_path_style(const gly_s3_settings *settings, gly_str bucket) {
    return settings->is_path_style ||
           (settings->is_tls && memchr(bucket.data, '.', bucket.size) != NULL);
}

static gly_str make_path(const s3_client *client, const gly_s3_request *request, gly_arena *arena) {
    gly_builder path = {0};
    gly_builder_add_str(&path, client->settings.base_path);
    if (is_path_style(&client->settings, request->bucket)) {
        gly_builder_add_char(&path, '/');
        gly_sigv4_encode(request->bucket, false, &path);
    }
    if (request->key.size > 0 || !is_path_style(&client->settings, request->bucket)) {
        gly_builder_add_char(&path, '/');
        gly_sigv4_encode(request->key, true, &path);
    }
    gly_str result = gly_arena_str(arena, gly_builder_str(&path));
    gly_builder_clear(&path);
    return result;
}

static gly_str make_host(const s3_client *client, gly_str bucket, gly_arena *arena) {
    if (is_path_style(&client->settings, bucket)) {
        return client->settings.host;
    }
    return gly_str_of(gly_arena_format(arena, "%.*s.%.*s", GLY_STR_ARG(bucket),
                                       GLY_STR_ARG(client->settings.host)));
}

static gly_str sorted_query(gly_str query, gly_arena *arena) {
    gly_builder sorted = {0};
    gly_sigv4_sort_query(query, &sorted);
    gly_str result = gly_arena_str(arena, gly_builder_str(&sorted));
    gly_builder_clear(&sorted);
    return result;
}

static gly_str payload_hash(const s3_client *client, gly_s3_call *call) {
    if (client->settings.is_tls && call->request.body.size > 0) {
        return GLY_STR("UNSIGNED-PAYLOAD"); /* TLS protects it */
    }
    if (call->payload_hash[0] == '\0') {
        uint8_t digest[GLY_DIGEST_BYTES];
        gly_digest_sha256(call->request.body, digest);
        gly_digest_hex(digest, call->payload_hash);
    }
    return gly_str_of(call->payload_hash);
}

typedef struct header_list {
    gly_arena *arena;
    uint32_t count;
    gly_sigv4_header headers[GLY_SIGV4_MOST_HEADERS];
    const char *lines[GLY_SIGV4_MOST_HEADERS + 1];
} header_list;

static void add_header(header_list *list, const char *name, gly_str value) {
    GLY_ASSERT(list->count < GLY_SIGV4_MOST_HEADERS);
    list->headers[list->count] = (gly_sigv4_header){gly_str_of(name), value};
    list->lines[list->count] = gly_arena_format(list->arena, "%s: %.*s", name, GLY_STR_ARG(value));
    list->count++;
}

static gly_status sign(s3_client *client, gly_s3_call *call, gly_str host, gly_str path,
                       gly_str query, header_list *list, gly_error *err) {
    gly_s3_credentials credentials;
    gly_arena *arena = list->arena;
    GLY_TRY(gly_s3_credentials_get(client->provider, arena, call->renew, &credentials, err));
    call->renew = false;
    char time[17];
    gly_sigv4_format_time(gly_clock_wall_ms(), time);
    gly_str hash = payload_hash(client, call);
    add_header(list, "x-amz-content-sha256", hash);
    add_header(list, "x-amz-date", gly_arena_str(arena, gly_str_of(time)));
    if (credentials.session_token.size > 0) {
        add_header(list, "x-amz-security-token", credentials.session_token);
    }
    gly_sigv4_header signed_headers[GLY_SIGV4_MOST_HEADERS];
    memcpy(signed_headers, list->headers, list->count * sizeof *signed_headers);
    signed_headers[list->count] = (gly_sigv4_header){GLY_STR("host"), host};
    gly_sigv4_keys keys = {credentials.access_key, credentials.secret_key, client->settings.region,
                           GLY_STR("s3")};
    gly_sigv4_request request = {.method = call->request.method,
                                 .path = path,
                                 .query = query,
                                 .header_count = list->count + 1,
                                 .headers = signed_headers,
                                 .payload_hash = hash,
                                 .time = gly_str_of(time)};
    gly_builder authorization = {0};
    gly_sigv4_sign(&keys, &request, &authorization);
    list->lines[list->count] = gly_arena_format(arena, "Authorization: %s", authorization.data);
    gly_builder_clear(&authorization);
    return GLY_OK;
}

static gly_status send_try(gly_s3_call *call, gly_arena *arena, gly_error *err) {
    s3_client *client;
    const gly_s3_request *request = &call->request;
    GLY_TRY(get_client(&client, err));
    gly_str host = make_host(client, request->bucket, arena);
    gly_str path = make_path(client, request, arena);
    gly_str query = sorted_query(request->query, arena);
    header_list *list = GLY_ARENA_NEW(arena, header_list);
    list->arena = arena;
    GLY_ASSERT(request->header_count <= MOST_OWN_HEADERS);
    for (uint32_t i = 0; i < request->header_count; i++) {
        add_header(list, request->headers[i].name.data, request->headers[i].value);
    }
    uint32_t line_count = list->count;
    if (!client->settings.is_anonymous) {
        GLY_TRY(sign(client, call, host, path, query, list, err));
        line_count = list->count + 1;
    }
    gly_http_request http = {
        .method = request->method,
        .url = gly_arena_format(arena, "%.*s://%.*s%.*s%s%.*s",
                                GLY_STR_ARG(client->settings.scheme), GLY_STR_ARG(host),
                                GLY_STR_ARG(path), query.size > 0 ? "?" : "", GLY_STR_ARG(query)),
        .header_count = line_count,
        .headers = list->lines,
        .body = request->body,
        .buffer = request->buffer,
        .buffer_size = request->buffer_size,
    };
    call->exchange = gly_http_client_start(client->http, &http);
    return GLY_OK;
}

/* One try goes out; if it cannot, the error waits for finish. */
static void begin_try(gly_s3_call *call) {
    gly_arena *arena = gly_arena_make();
    call->exchange = NULL;
    call->error = (gly_error){0};
    (void)!send_try(call, arena, &call->error);
    gly_arena_free(arena);
}

gly_s3_call *gly_s3_call_start(const gly_s3_request *request) {
    gly_arena *arena = gly_arena_make();
    gly_s3_call *call = GLY_ARENA_NEW(arena, gly_s3_call);
    gly_sigv4_header *headers = GLY_ARENA_ARRAY(arena, gly_sigv4_header, request->header_count + 1);
    for (uint32_t i = 0; i < request->header_count; i++) {
        headers[i] = (gly_sigv4_header){gly_arena_str(arena, request->headers[i].name),
                                        gly_arena_str(arena, request->headers[i].value)};
    }
    call->arena = arena;
    call->request = *request;
    call->request.bucket = gly_arena_str(arena, request->bucket);
    call->request.key = gly_arena_str(arena, request->key);
    call->request.query = gly_arena_str(arena, request->query);
    call->request.headers = headers;
    begin_try(call);
    return call;
}

/* ---- what an answer means -----------------------------------------------------------------------
 */

static void read_code(gly_s3_response *response) {
    gly_arena *arena = gly_arena_make();
    gly_str xml = gly_builder_str(&response->http.body);
    gly_str code = xml.size == 0 ? xml : gly_s3_listing_find(arena, xml, "Code");
    snprintf(response->code, sizeof response->code, "%.*s",
             (int)GLY_MIN(code.size, sizeof response->code - 1),
             code.data == NULL ? "" : code.data);
    gly_arena_free(arena);
}

static bool has_code(const gly_s3_response *response, const char *const *codes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(response->code, codes[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_transient(const gly_s3_response *response) {
    static const char *const codes[] = {"SlowDown",           "InternalError",    "RequestTimeout",
                                        "ServiceUnavailable", "OperationAborted", "Throttling"};
    uint32_t status = response->http.status;
    return status == 500 || status == 502 || status == 503 || status == 504 || status == 429 ||
           status == 408 || has_code(response, codes, GLY_ARRAY_LEN(codes));
}

static bool is_expired(const gly_s3_response *response) {
    static const char *const codes[] = {"ExpiredToken", "TokenRefreshRequired", "InvalidToken",
                                        "ExpiredTokenException"};
    return has_code(response, codes, GLY_ARRAY_LEN(codes));
}

/* Prints a tail of advice for the code or, without a body, the status. */
static const char *advice(const gly_s3_response *response) {
    static const struct {
        const char *code, *text;
    } known[] = {
        {"InvalidAccessKeyId", "check AWS_ACCESS_KEY_ID: the server does not know this key"},
        {"XAdminUserNotFound", "check AWS_ACCESS_KEY_ID: the server does not know this key"},
        {"SignatureDoesNotMatch", "check AWS_SECRET_ACCESS_KEY: it does not belong to the key"},
        {"AccessDenied", "check that these credentials may do this with this bucket"},
        {"ExpiredToken", "the credentials have expired; give fresh ones"},
        {"InvalidToken", "check AWS_SESSION_TOKEN"},
        {"RequestTimeTooSkewed", "the clocks of this machine and of the server differ"},
        {"AuthorizationHeaderMalformed", "check AWS_REGION: the bucket may lie in another region"},
        {"PermanentRedirect", "check AWS_REGION: the bucket lies in another region"},
        {"EntityTooLarge", "the object is larger than the server allows"},
        {"InvalidBucketName", "this is no legal name of a bucket"},
    };
    for (size_t i = 0; i < GLY_ARRAY_LEN(known); i++) {
        if (strcmp(response->code, known[i].code) == 0) {
            return known[i].text;
        }
    }
    switch (response->http.status) {
    case 301:
    case 307:
    case 400:
        return "check AWS_REGION and AWS_ENDPOINT_URL";
    case 401:
    case 403:
        return "check the credentials and what they may do with this bucket";
    case 412:
        return "the object was changed while it was being read; run the query again";
    case 507:
        return "the server has no space left";
    default:
        return "see the server's log";
    }
}

/* Some servers also answer 404 to a key that they do not know. */
static bool is_absent(const gly_s3_response *response) {
    static const char *const codes[] = {"", "NoSuchKey", "NoSuchUpload", "NoSuchVersion",
                                        "NotFound"};
    return response->http.status == 404 && has_code(response, codes, GLY_ARRAY_LEN(codes));
}

static gly_status refused(const gly_s3_request *request, const gly_s3_response *response,
                          gly_error *err) {
    uint32_t status = response->http.status;
    bool is_bucket = strcmp(response->code, "NoSuchBucket") == 0;
    if (is_bucket) {
        gly_status result =
            gly_fail(err, GLY_E_IO,
                     "bucket %.*s does not exist at %.*s (404 NoSuchBucket); check its name and "
                     "AWS_ENDPOINT_URL",
                     GLY_STR_ARG(request->bucket), GLY_STR_ARG(shared.settings.host));
        if (err != NULL) {
            err->retryable = false;
        }
        return result;
    }
    if (is_absent(response)) {
        return gly_fail(err, GLY_E_PATH_NOT_FOUND, "path s3://%.*s/%.*s does not exist",
                        GLY_STR_ARG(request->bucket), GLY_STR_ARG(request->key));
    }
    bool is_again = is_transient(response);
    gly_status result =
        gly_fail(err, GLY_E_IO, "could not %s s3://%.*s/%.*s: the server answered %u%s%s%s; %s",
                 request->what, GLY_STR_ARG(request->bucket), GLY_STR_ARG(request->key), status,
                 response->code[0] == '\0' ? "" : " ", response->code,
                 is_again ? " again and again" : "", advice(response));
    if (err != NULL) {
        err->retryable = is_again;
    }
    return result;
}

static gly_status judge(const gly_s3_request *request, gly_s3_response *response, gly_error *err) {
    const gly_http_response *http = &response->http;
    if (http->status < 200 || http->status >= 300) {
        read_code(response);
        return refused(request, response, err);
    }
    if (request->is_exact && http->buffer_filled != request->buffer_size) {
        return gly_fail(err, GLY_E_NETWORK,
                        "could not %s s3://%.*s/%.*s: the answer has %zu bytes instead of %zu",
                        request->what, GLY_STR_ARG(request->bucket), GLY_STR_ARG(request->key),
                        http->buffer_filled, request->buffer_size);
    }
    /* CompleteMultipartUpload may say 200 first and fail afterwards. */
    if (http->body.size > 0 &&
        gly_str_equal(gly_s3_listing_root(gly_builder_str(&http->body)), GLY_STR("Error"))) {
        read_code(response);
        response->http.status = strcmp(response->code, "NoSuchUpload") == 0 ? 404 : 500;
        return refused(request, response, err);
    }
    return GLY_OK;
}

/* ---- trying -------------------------------------------------------------------------------------
 */

/* Exponential with full jitter, so that many tasks do not come back at once. */
static void wait_before(uint32_t tries, const void *salt) {
    gly_random random = {(uint64_t)gly_clock_ns() ^ (uintptr_t)salt};
    int64_t longest = GLY_MIN((int64_t)FIRST_WAIT_MS << tries, (int64_t)LONGEST_WAIT_MS);
    gly_clock_sleep_ms(longest / 4 + (int64_t)gly_random_below(&random, (uint64_t)longest));
}

static gly_status one_result(gly_s3_call *call, gly_s3_response *ret, gly_error *err) {
    const gly_s3_request *request = &call->request;
    if (call->exchange == NULL) {
        return gly_error_copy(err, &call->error);
    }
    gly_http_exchange *exchange = call->exchange;
    call->exchange = NULL;
    gly_status status = gly_http_client_finish(exchange, &ret->http, err);
    if (status != GLY_OK) {
        gly_error own = *err;
        const char *hint = status == GLY_E_TLS       ? "check AWS_CA_BUNDLE"
                           : status == GLY_E_NETWORK ? "check AWS_ENDPOINT_URL and the network"
                                                     : "run it again";
        return gly_fail(err, status, "could not %s s3://%.*s/%.*s at %.*s: %s; %s", request->what,
                        GLY_STR_ARG(request->bucket), GLY_STR_ARG(request->key),
                        GLY_STR_ARG(shared.settings.host), own.message, hint);
    }
    return judge(request, ret, err);
}

gly_status gly_s3_call_finish(gly_s3_call *call, gly_s3_response *ret, gly_error *err) {
    gly_status status;
    bool was_renewed = false;
    for (uint32_t tries = 1;; tries++) {
        gly_error own = {0};
        gly_s3_call_clear(ret);
        ret->tries = tries;
        status = one_result(call, ret, &own);
        bool again = status == GLY_E_NETWORK || is_transient(ret);
        if (status != GLY_OK && !was_renewed && is_expired(ret)) {
            was_renewed = call->renew = again = true;
        }
        if (status == GLY_OK || !again || tries == MOST_TRIES) {
            if (status != GLY_OK) {
                (void)!gly_error_copy(err, &own);
            }
            break;
        }
        wait_before(tries - 1, call);
        begin_try(call);
    }
    gly_arena_free(call->arena);
    return status;
}

void gly_s3_call_cancel(gly_s3_call *call) {
    if (call != NULL) {
        gly_http_client_cancel(call->exchange);
        gly_arena_free(call->arena);
    }
}

gly_status gly_s3_call_run(const gly_s3_request *request, gly_s3_response *ret, gly_error *err) {
    return gly_s3_call_finish(gly_s3_call_start(request), ret, err);
}

void gly_s3_call_clear(gly_s3_response *response) {
    gly_http_client_response_clear(&response->http);
    *response = (gly_s3_response){0};
}
