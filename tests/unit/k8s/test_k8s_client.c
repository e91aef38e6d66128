/* test_k8s_client.c - requests against a server that answers well, late, wrongly, or not at all. */
#include "k8s/client/k8s_client.h"

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "tests/support/check.h"
#include "tests/support/fake_k8s.h"

#include <pthread.h>
#include <unistd.h>

typedef struct world {
    gly_fake_k8s *fake;
    gly_k8s_client *client;
} world;

typedef struct seen {
    int calls;
    gly_status status;
    int http_code;
    uint32_t attempts;
    char reason[64], message[800];
    cJSON *body;
    int64_t at_ms;
} seen;

static void open_world(world *self) {
    self->fake = gly_fake_k8s_start();
    gly_error error;
    gly_k8s_config config = {.server = gly_fake_k8s_url(self->fake), .namespace_name = "default"};
    GLY_CHECK_OK(gly_k8s_client_make(&config, &self->client, &error), &error);
}

static void close_world(world *self) {
    gly_k8s_client_free(self->client);
    gly_fake_k8s_stop(self->fake);
}

static void on_done(void *context, gly_k8s_response *response) {
    seen *self = context;
    self->calls++;
    self->status = response->status;
    self->http_code = response->http_code;
    self->attempts = response->attempts;
    snprintf(self->reason, sizeof self->reason, "%s", response->reason);
    snprintf(self->message, sizeof self->message, "%s", response->message);
    self->body = response->body;
    response->body = NULL;
    self->at_ms = gly_clock_ms();
}

static gly_k8s_request make_request(const char *method, const char *path, const char *body) {
    return (gly_k8s_request){.method = method,
                             .path = gly_str_of(path),
                             .body = gly_str_of(body != NULL ? body : ""),
                             .on_done = on_done};
}

static void wait_for(world *self, seen *result) {
    int64_t give_up_ms = gly_clock_ms() + 20000;
    while (result->calls == 0) {
        GLY_ASSERT(gly_clock_ms() < give_up_ms);
        gly_k8s_client_poll(self->client, 1000);
    }
}

static void run(world *self, const gly_k8s_request *request, seen *ret) {
    *ret = (seen){0};
    gly_k8s_request own = *request;
    own.context = ret;
    gly_k8s_client_send(self->client, &own);
    wait_for(self, ret);
    GLY_CHECK_INT(ret->calls, 1);
    cJSON_Delete(ret->body);
}

/* --- answers --- */

GLY_TEST(a_good_answer) {
    world self;
    open_world(&self);
    gly_fake_k8s_rule(self.fake, &(gly_fake_rule){.match = {"GET /api/v1/x?a=b%20c"},
                                                  .pieces = {{0, "{\"kind\":"}, {5, "\"X\"}"}}});
    gly_k8s_request request = make_request("GET", "/api/v1/x?a=b%20c", NULL);
    int http_code;
    cJSON *body;
    gly_error error;
    GLY_CHECK_OK(gly_k8s_client_call(self.client, &request, &http_code, &body, &error), &error);
    GLY_CHECK_INT(http_code, 200);
    GLY_CHECK_TEXT(cJSON_GetObjectItem(body, "kind")->valuestring, "X");
    cJSON_Delete(body);
    char *text = gly_fake_k8s_request(self.fake, "GET", 0);
    GLY_CHECK(strstr(text, "GET /api/v1/x?a=b%20c HTTP/1.1\r\n") != NULL);
    GLY_CHECK(strstr(text, "\r\nAccept: application/json\r\n") != NULL);
    GLY_CHECK(strcasestr(text, "authorization") == NULL);
    free(text);
    close_world(&self);
}

GLY_TEST(what_is_sent) {
    world self;
    open_world(&self);
    gly_fake_k8s_rule(self.fake, &(gly_fake_rule){.status = 201, .pieces = {{0, "{}"}}});
    size_t large = 3000000; /* more than a socket takes at once */
    char *body = gly_alloc(large + 1);
    memset(body, ' ', large);
    body[0] = '{', body[large - 1] = '}', body[large] = '\0';
    const char *methods[] = {"POST", "PUT", "PATCH", "DELETE"};
    for (size_t i = 0; i < GLY_ARRAY_LEN(methods); i++) {
        seen result;
        gly_k8s_request request = make_request(methods[i], "/x", body);
        if (strcmp(methods[i], "PATCH") == 0) {
            request.content_type = GLY_K8S_MERGE_PATCH;
        }
        run(&self, &request, &result);
        GLY_CHECK_INT(result.status, GLY_OK);
        char *text = gly_fake_k8s_request(self.fake, methods[i], 0);
        const char *end = strstr(text, "\r\n\r\n");
        GLY_CHECK(end != NULL && strcmp(end + 4, body) == 0);
        GLY_CHECK(strstr(text, i == 2 ? "Content-Type: application/merge-patch+json\r\n"
                                      : "Content-Type: application/json\r\n") != NULL);
        GLY_CHECK(strcasestr(text, "expect:") == NULL);
        free(text);
    }
    free(body);
    close_world(&self);
}

GLY_TEST(refusals_are_one_sentence) {
    world self;
    open_world(&self);
    gly_fake_k8s_rule(self.fake, &(gly_fake_rule){.match = {"/taken"},
                                                  .status = 409,
                                                  .pieces = {{0, "{\"kind\":\"Status\",\"reason\":"
                                                                 "\"AlreadyExists\",\"message\":"
                                                                 "\"pods \\\"a\\\"\\nexists\"}"}}});
    gly_fake_k8s_rule(self.fake, &(gly_fake_rule){.match = {"/page"},
                                                  .status = 403,
                                                  .pieces = {{0, "<html>no\n\n</html>"}}});
    gly_fake_k8s_rule(self.fake, &(gly_fake_rule){.match = {"/empty"}, .status = 410});
    gly_fake_k8s_rule(self.fake, &(gly_fake_rule){.match = {"/words"}, .pieces = {{0, "ok"}}});
    seen result;
    gly_k8s_request request = make_request("POST", "/taken", "{}");
    run(&self, &request, &result);
    GLY_CHECK_INT(result.status, GLY_E_PATH_EXISTS);
    GLY_CHECK_TEXT(result.reason, "AlreadyExists");
    GLY_CHECK_TEXT(result.message, "POST /taken: pods \"a\" exists (AlreadyExists, HTTP 409)");
    GLY_CHECK_INT(result.attempts, 1);
    request = make_request("GET", "/page", NULL);
    run(&self, &request, &result);
    GLY_CHECK_INT(result.http_code, 403);
    GLY_CHECK_TEXT(result.message, "GET /page: <html>no  </html> (HTTP 403)");
    request = make_request("GET", "/empty", NULL);
    run(&self, &request, &result);
    GLY_CHECK_TEXT(result.message, "GET /empty: (HTTP 410)");
    request = make_request("GET", "/none", NULL);
    run(&self, &request, &result);
    GLY_CHECK_INT(result.status, GLY_E_PATH_NOT_FOUND);
    request = make_request("GET", "/words", NULL); /* fine, but no JSON */
    run(&self, &request, &result);
    GLY_CHECK_INT(result.status, GLY_OK);
    GLY_CHECK(result.body == NULL);
    close_world(&self);
}

GLY_TEST(an_answer_has_a_limit) {
    world self;
    open_world(&self);
    char text[1001];
    memset(text, 'x', 1000);
    text[1000] = '\0';
    gly_fake_k8s_rule(self.fake,
                      &(gly_fake_rule){.pieces = {{0, text}, {1, text}, {1, text}, {1, text}}});
    seen result;
    gly_k8s_request request = make_request("GET", "/x", NULL);
    request.max_response_bytes = 3999;
    run(&self, &request, &result);
    GLY_CHECK_INT(result.status, GLY_E_RESULT_TOO_LARGE);
    GLY_CHECK_TEXT(result.message, "GET /x: the answer is larger than the limit of 3999 bytes");
    GLY_CHECK_INT(result.attempts, 1);
    request.max_response_bytes = 4000;
    run(&self, &request, &result);
    GLY_CHECK_INT(result.status, GLY_OK);
    close_world(&self);
}

GLY_TEST(paths_that_are_none) {
    world self;
    open_world(&self);
    const char *paths[] = {"", "x", "/a b", "/a\r\nX: y", "/a#b", "/\xc3\xa4"};
    for (size_t i = 0; i < GLY_ARRAY_LEN(paths); i++) {
        seen result;
        gly_k8s_request request = make_request("GET", paths[i], NULL);
        run(&self, &request, &result);
        GLY_CHECK_INT(result.status, GLY_E_INVALID_ARGUMENT);
    }
    GLY_CHECK_INT(gly_fake_k8s_count(self.fake, NULL), 0);
    close_world(&self);
}

/* --- again --- */

GLY_TEST(busy_servers_are_asked_again) {
    world self;
    open_world(&self);
    const int codes[] = {500, 503, 429, 502};
    for (size_t i = 0; i < GLY_ARRAY_LEN(codes); i++) {
        gly_fake_k8s_rule(self.fake, &(gly_fake_rule){.times = 1, .status = codes[i]});
    }
    gly_fake_k8s_rule(self.fake, &(gly_fake_rule){.pieces = {{0, "{}"}}});
    seen result;
    gly_k8s_request request = make_request("GET", "/x", NULL);
    int64_t start_ms = gly_clock_ms();
    run(&self, &request, &result);
    GLY_CHECK_INT(result.status, GLY_OK);
    GLY_CHECK_INT(result.attempts, 5);
    GLY_CHECK(gly_clock_ms() - start_ms >= 50 + 100 + 200 + 400);
    gly_fake_k8s_rule(self.fake, &(gly_fake_rule){0});
    close_world(&self);
}

GLY_TEST(attempts_have_an_end) {
    world self;
    open_world(&self);
    gly_fake_k8s_rule(self.fake, &(gly_fake_rule){.match = {"/busy"}, .status = 503});
    gly_fake_k8s_rule(self.fake, &(gly_fake_rule){.match = {"/wrong"}, .status = 422});
    gly_fake_k8s_rule(self.fake, &(gly_fake_rule){.match = {"/never"}, .status = 501});
    seen result;
    gly_k8s_request request = make_request("GET", "/busy", NULL);
    request.max_attempts = 3;
    run(&self, &request, &result);
    GLY_CHECK_INT(result.status, GLY_E_NETWORK);
    GLY_CHECK_INT(result.attempts, 3);
    request = make_request("GET", "/wrong", NULL);
    run(&self, &request, &result);
    GLY_CHECK_INT(result.attempts, 1);
    request = make_request("GET", "/never", NULL);
    run(&self, &request, &result);
    GLY_CHECK_INT(result.attempts, 1);
    close_world(&self);
}

GLY_TEST(retry_after_is_obeyed) {
    world self;
    open_world(&self);
    gly_fake_k8s_rule(self.fake,
                      &(gly_fake_rule){.times = 1, .status = 429, .headers = "Retry-After: 1\r\n"});
    gly_fake_k8s_rule(self.fake, &(gly_fake_rule){.pieces = {{0, "{}"}}});
    seen result;
    gly_k8s_request request = make_request("POST", "/x", "{\"metadata\":{\"generateName\":\"a\"}}");
    int64_t start_ms = gly_clock_ms();
    run(&self, &request, &result);
    int64_t took_ms = gly_clock_ms() - start_ms;
    GLY_CHECK_INT(result.status, GLY_OK);
    GLY_CHECK_INT(result.attempts, 2);
    GLY_CHECK(took_ms >= 1000 && took_ms < 5000);
    close_world(&self);
}

/* The answer is lost: what may have been done is only repeated if that does no harm. */
GLY_TEST(lost_answers) {
    static const struct {
        const char *method, *body, *content_type;
        uint32_t attempts;
    } cases[] = {
        {"GET", NULL, NULL, 3},
        {"DELETE", NULL, NULL, 3},
        {"PUT", "{}", NULL, 3},
        {"PATCH", "{}", GLY_K8S_MERGE_PATCH, 3},
        {"PATCH", "[]", "application/json-patch+json", 1},
        {"POST", "{\"metadata\":{\"name\":\"a\"}}", NULL, 3},
        {"POST", "{\"metadata\":{\"generateName\":\"a\"}}", NULL, 1},
    };
    world self;
    open_world(&self);
    gly_fake_end ends[] = {GLY_FAKE_DROP, GLY_FAKE_RESET};
    gly_fake_k8s_rule(
        self.fake,
        &(gly_fake_rule){.match = {"/0"}, .pieces = {{0, "{\"half\":"}, {5, ""}}, .end = ends[0]});
    gly_fake_k8s_rule(self.fake,
                      &(gly_fake_rule){.match = {"/1"}, .says_nothing = true, .end = ends[1]});
    for (size_t i = 0; i < GLY_ARRAY_LEN(cases); i++) {
        for (size_t end = 0; end < GLY_ARRAY_LEN(ends); end++) {
            seen result;
            gly_k8s_request request =
                make_request(cases[i].method, end == 0 ? "/0" : "/1", cases[i].body);
            request.content_type = cases[i].content_type;
            request.max_attempts = 3;
            run(&self, &request, &result);
            GLY_CHECK_INT(result.status, GLY_E_NETWORK);
            GLY_CHECK_INT(result.http_code, 0);
            GLY_CHECK_INT(result.attempts, cases[i].attempts);
            GLY_CHECK(strstr(result.message, "the connection to the API server at ") != NULL);
        }
    }
    close_world(&self);
}

GLY_TEST(a_server_that_comes_back) {
    world self;
    open_world(&self);
    gly_fake_k8s_rule(self.fake, &(gly_fake_rule){.pieces = {{0, "{}"}}});
    seen result;
    gly_k8s_request request = make_request("GET", "/x", NULL);
    run(&self, &request, &result);
    gly_fake_k8s_set_away(self.fake, true);
    request.max_attempts = 2;
    run(&self, &request, &result);
    GLY_CHECK_INT(result.status, GLY_E_NETWORK);
    GLY_CHECK(strstr(result.message, "cannot be reached") != NULL);
    result = (seen){0};
    request.max_attempts = 20;
    request.context = &result;
    gly_k8s_client_send(self.client, &request);
    int64_t back_ms = gly_clock_ms() + 500;
    while (gly_clock_ms() < back_ms) {
        gly_k8s_client_poll(self.client, 50);
        GLY_CHECK_INT(result.calls, 0);
    }
    gly_fake_k8s_set_away(self.fake, false);
    wait_for(&self, &result);
    GLY_CHECK_INT(result.status, GLY_OK);
    GLY_CHECK(result.attempts > 2);
    cJSON_Delete(result.body);
    close_world(&self);
}

GLY_TEST(a_silent_server) {
    world self;
    open_world(&self);
    gly_fake_k8s_rule(self.fake, &(gly_fake_rule){.says_nothing = true, .end = GLY_FAKE_HANG});
    seen result;
    gly_k8s_request request = make_request("GET", "/x", NULL);
    request.timeout_ms = 200;
    request.max_attempts = 2;
    int64_t start_ms = gly_clock_ms();
    run(&self, &request, &result);
    int64_t took_ms = gly_clock_ms() - start_ms;
    GLY_CHECK_INT(result.status, GLY_E_TIMEOUT);
    GLY_CHECK_INT(result.attempts, 2);
    GLY_CHECK(took_ms >= 400 && took_ms < 3000);
    GLY_CHECK(strstr(result.message, "did not answer") != NULL);
    GLY_CHECK_INT(gly_fake_k8s_connections(self.fake), 2); /* not over the same one again */
    close_world(&self);
}

GLY_TEST(no_tls_where_tls_is_wanted) {
    gly_fake_k8s *fake = gly_fake_k8s_start();
    char url[80];
    snprintf(url, sizeof url, "https%s", gly_fake_k8s_url(fake) + 4);
    gly_k8s_config config = {.server = url, .namespace_name = "default"};
    world self = {.fake = fake};
    gly_error error;
    GLY_CHECK_OK(gly_k8s_client_make(&config, &self.client, &error), &error);
    seen result;
    gly_k8s_request request = make_request("GET", "/x", NULL);
    request.max_attempts = 1;
    request.timeout_ms = 300;
    /* the plain server waits for the end of a head that is none; ours is to give up */
    run(&self, &request, &result);
    GLY_CHECK(result.status == GLY_E_TLS || result.status == GLY_E_TIMEOUT);
    close_world(&self);
}

/* --- many --- */

static void on_order(void *context, gly_k8s_response *response) {
    GLY_CHECK_INT(response->status, GLY_OK);
    (*(int *)context)++;
}

GLY_TEST(many_at_once_are_bounded) {
    world self;
    open_world(&self);
    gly_fake_k8s_rule(self.fake, &(gly_fake_rule){.pieces = {{5, "{}"}}});
    enum { COUNT = 300 };
    int done = 0;
    for (int i = 0; i < COUNT; i++) {
        char path[32];
        snprintf(path, sizeof path, "/n/%d", i);
        gly_k8s_request request = make_request("GET", path, NULL);
        request.on_done = on_order;
        request.context = &done;
        gly_k8s_client_send(self.client, &request);
    }
    int64_t give_up_ms = gly_clock_ms() + 20000;
    while (done < COUNT && gly_clock_ms() < give_up_ms) {
        gly_k8s_client_poll(self.client, 1000);
    }
    GLY_CHECK_INT(done, COUNT);
    GLY_CHECK_INT(gly_fake_k8s_count(self.fake, NULL), COUNT);
    GLY_CHECK(gly_fake_k8s_connections(self.fake) <= 64);
    close_world(&self);
}

/* --- cancelling --- */

GLY_TEST(cancelling_in_every_state) {
    world self;
    open_world(&self);
    gly_fake_k8s_rule(
        self.fake,
        &(gly_fake_rule){.match = {"/hang"}, .says_nothing = true, .end = GLY_FAKE_HANG});
    gly_fake_k8s_rule(self.fake, &(gly_fake_rule){.match = {"/busy"}, .status = 503});
    enum { COUNT = 70 };
    static seen results[COUNT];
    uint64_t ids[COUNT];
    memset(results, 0, sizeof results);
    for (int i = 0; i < COUNT; i++) { /* 64 on the wire, the rest waits */
        gly_k8s_request request = make_request("GET", i == 0 ? "/busy" : "/hang", NULL);
        request.max_attempts = 50;
        request.context = &results[i];
        ids[i] = gly_k8s_client_send(self.client, &request);
    }
    int64_t until_ms = gly_clock_ms() + 300;
    while (gly_clock_ms() < until_ms) {
        gly_k8s_client_poll(self.client, 50);
    }
    gly_k8s_client_cancel(self.client, ids[68]);
    GLY_CHECK_INT(results[68].status, GLY_E_CANCELLED);
    gly_k8s_client_cancel(self.client, ids[0]); /* resting or on the wire */
    gly_k8s_client_cancel(self.client, ids[1]);
    GLY_CHECK_TEXT(results[1].message, "GET /hang: it was cancelled");
    gly_k8s_client_cancel(self.client, ids[1]);
    gly_k8s_client_cancel(self.client, 0);
    gly_k8s_client_cancel(self.client, 1000000);
    gly_k8s_client_free(self.client);
    for (int i = 0; i < COUNT; i++) {
        GLY_CHECK_INT(results[i].calls, 1);
        GLY_CHECK_INT(results[i].status, GLY_E_CANCELLED);
    }
    gly_fake_k8s_stop(self.fake);
}

typedef struct chain {
    world *world;
    uint64_t other;
    int left;
} chain;

static void on_link(void *context, gly_k8s_response *response) {
    chain *self = context;
    GLY_CHECK_INT(response->status, GLY_OK);
    gly_k8s_client_cancel(self->world->client, self->other);
    if (--self->left > 0) {
        gly_k8s_request request = make_request("GET", "/x", NULL);
        request.on_done = on_link;
        request.context = self;
        gly_k8s_client_send(self->world->client, &request);
    }
}

GLY_TEST(callbacks_send_and_cancel) {
    world self;
    open_world(&self);
    gly_fake_k8s_rule(self.fake, &(gly_fake_rule){.match = {"/x"}, .pieces = {{0, "{}"}}});
    gly_fake_k8s_rule(self.fake, &(gly_fake_rule){.match = {"/other"}, .pieces = {{9000, "{}"}}});
    chain links = {.world = &self, .left = 30};
    seen other = {0};
    gly_k8s_request request = make_request("GET", "/other", NULL);
    request.context = &other;
    links.other = gly_k8s_client_send(self.client, &request);
    request = make_request("GET", "/x", NULL);
    request.on_done = on_link;
    request.context = &links;
    gly_k8s_client_send(self.client, &request);
    int64_t give_up_ms = gly_clock_ms() + 20000;
    while (links.left > 0 && gly_clock_ms() < give_up_ms) {
        gly_k8s_client_poll(self.client, 1000);
    }
    GLY_CHECK_INT(links.left, 0);
    GLY_CHECK_INT(other.calls, 1);
    GLY_CHECK_INT(other.status, GLY_E_CANCELLED);
    close_world(&self);
}

/* --- tokens --- */

static int ask_for_token(void *context, const char *method, const char *target, const char *body,
                         gly_builder *out) {
    (void)method, (void)target, (void)body;
    (void)context;
    gly_builder_add_text(out, "{\"reason\":\"Unauthorized\",\"message\":\"Unauthorized\"}");
    return 401;
}

static void write_token(const char *path, const char *token) {
    FILE *file = fopen(path, "w");
    GLY_ASSERT(file != NULL && fputs(token, file) >= 0 && fclose(file) == 0);
}

GLY_TEST(tokens_rotate) {
    char path[] = "/tmp/galley-test-XXXXXX";
    int fd = mkstemp(path);
    GLY_ASSERT(fd >= 0);
    close(fd);
    write_token(path, "  one\n");
    gly_fake_k8s *fake = gly_fake_k8s_start();
    gly_k8s_config config = {.server = gly_fake_k8s_url(fake), .token_path = path};
    world self = {.fake = fake};
    gly_error error;
    GLY_CHECK_OK(gly_k8s_client_make(&config, &self.client, &error), &error);
    gly_fake_k8s_rule(fake, &(gly_fake_rule){.times = 1, .pieces = {{0, "{}"}}});
    gly_fake_k8s_rule(fake, &(gly_fake_rule){.times = 1, .answer = ask_for_token});
    gly_fake_k8s_rule(fake, &(gly_fake_rule){.times = 1, .pieces = {{0, "{}"}}});
    gly_fake_k8s_rule(fake, &(gly_fake_rule){.answer = ask_for_token});
    seen result;
    gly_k8s_request request = make_request("GET", "/x", NULL);
    run(&self, &request, &result);
    write_token(path, "two");
    run(&self, &request, &result); /* refused, read again, accepted */
    GLY_CHECK_INT(result.status, GLY_OK);
    GLY_CHECK_INT(result.attempts, 2);
    const char *expected[] = {"\r\nAuthorization: Bearer one\r\n",
                              "\r\nAuthorization: Bearer one\r\n",
                              "\r\nAuthorization: Bearer two\r\n"};
    for (size_t i = 0; i < GLY_ARRAY_LEN(expected); i++) {
        char *text = gly_fake_k8s_request(fake, "GET", i);
        GLY_CHECK(strstr(text, expected[i]) != NULL);
        free(text);
    }
    write_token(path, "not a\r\ntoken"); /* the last good one stays */
    run(&self, &request, &result);
    GLY_CHECK_INT(result.http_code, 401);
    GLY_CHECK_INT(result.attempts, 2);
    GLY_CHECK_TEXT(result.message, "GET /x: Unauthorized (Unauthorized, HTTP 401)");
    char *text = gly_fake_k8s_request(fake, "GET", 4);
    GLY_CHECK(strstr(text, "Bearer two\r\n") != NULL);
    free(text);
    close_world(&self);
    unlink(path);
}

GLY_TEST(tokens_that_are_none) {
    gly_error error;
    gly_k8s_client *client;
    gly_k8s_config config = {.server = "http://127.0.0.1:1", .token_path = "/no/such/token"};
    GLY_CHECK_INT(gly_k8s_client_make(&config, &client, &error), GLY_E_PATH_NOT_FOUND);
    config = (gly_k8s_config){.server = "http://127.0.0.1:1", .token = "a\r\nX: y"};
    GLY_CHECK_INT(gly_k8s_client_make(&config, &client, &error), GLY_E_CONFIG);
    config = (gly_k8s_config){.server = "http://127.0.0.1:1", .token_path = "/dev/null"};
    GLY_CHECK_INT(gly_k8s_client_make(&config, &client, &error), GLY_E_CONFIG);
    GLY_CHECK(strstr(error.message, "does not hold one token") != NULL);
    config = (gly_k8s_config){0};
    GLY_CHECK_INT(gly_k8s_client_make(&config, &client, &error), GLY_E_CONFIG);
}

GLY_TEST(a_token_of_a_file_is_not_resent_for_ever) {
    world self;
    open_world(&self);
    gly_fake_k8s_rule(self.fake, &(gly_fake_rule){.answer = ask_for_token});
    seen result;
    gly_k8s_request request = make_request("GET", "/x", NULL);
    run(&self, &request, &result);
    GLY_CHECK_INT(result.attempts, 1); /* there is none to read again */
    close_world(&self);
}

/* --- timers, waking, idling --- */

typedef struct note {
    gly_builder *out;
    char what;
} note;

static void write_note(void *context) {
    note *self = context;
    gly_builder_add_char(self->out, self->what);
}

GLY_TEST(timers_come_in_order) {
    world self;
    open_world(&self);
    gly_builder out = {0};
    note notes[5];
    for (int i = 0; i < 5; i++) {
        notes[i] = (note){&out, (char)('a' + i)};
    }
    gly_k8s_client_after(self.client, 60, write_note, &notes[3]);
    gly_k8s_client_after(self.client, 20, write_note, &notes[1]);
    uint64_t cancelled = gly_k8s_client_after(self.client, 30, write_note, &notes[4]);
    gly_k8s_client_after(self.client, 40, write_note, &notes[2]);
    gly_k8s_client_after(self.client, -5, write_note, &notes[0]);
    gly_k8s_client_cancel_timer(self.client, cancelled);
    gly_k8s_client_cancel_timer(self.client, cancelled);
    gly_k8s_client_cancel_timer(self.client, 0);
    int64_t start_ms = gly_clock_ms();
    while (out.size < 4 && gly_clock_ms() - start_ms < 5000) {
        gly_k8s_client_poll(self.client, -1);
    }
    GLY_CHECK(gly_clock_ms() - start_ms >= 59);
    GLY_CHECK_TEXT(out.data, "abcd");
    gly_builder_clear(&out);
    close_world(&self);
}

static int renewals;

static void renew(void *context) {
    renewals++;
    gly_k8s_client_after(context, 0, renew, context);
}

GLY_TEST(a_timer_of_nothing_starves_nobody) {
    world self;
    open_world(&self);
    gly_fake_k8s_rule(self.fake, &(gly_fake_rule){.pieces = {{0, "{}"}}});
    gly_k8s_client_after(self.client, 0, renew, self.client);
    seen result;
    gly_k8s_request request = make_request("GET", "/x", NULL);
    run(&self, &request, &result);
    GLY_CHECK_INT(result.status, GLY_OK);
    GLY_CHECK(renewals > 0);
    close_world(&self);
}

static void *wake_later(void *context) {
    usleep(100000);
    gly_k8s_client_wake(context);
    return NULL;
}

GLY_TEST(polls_end_by_time_or_wake) {
    world self;
    open_world(&self);
    int64_t start_ms = gly_clock_ms(), cpu_ns = gly_clock_cpu_ns();
    gly_k8s_client_poll(self.client, 300);
    GLY_CHECK(gly_clock_ms() - start_ms >= 300);
    GLY_CHECK(gly_clock_cpu_ns() - cpu_ns < 3000000); /* nothing is under way: no ticking */
    pthread_t thread;
    GLY_ASSERT(pthread_create(&thread, NULL, wake_later, self.client) == 0);
    start_ms = gly_clock_ms();
    gly_k8s_client_poll(self.client, -1);
    GLY_CHECK(gly_clock_ms() - start_ms >= 90);
    pthread_join(thread, NULL);
    gly_k8s_client_wake(self.client); /* wakes add up to one */
    gly_k8s_client_wake(self.client);
    gly_k8s_client_poll(self.client, 10000);
    start_ms = gly_clock_ms();
    gly_k8s_client_poll(self.client, 0);
    gly_k8s_client_poll(self.client, 100);
    GLY_CHECK(gly_clock_ms() - start_ms >= 100);
    close_world(&self);
}

GLY_SUITE("k8s_client", a_good_answer, what_is_sent, refusals_are_one_sentence,
          an_answer_has_a_limit, paths_that_are_none, busy_servers_are_asked_again,
          attempts_have_an_end, retry_after_is_obeyed, lost_answers, a_server_that_comes_back,
          a_silent_server, no_tls_where_tls_is_wanted, many_at_once_are_bounded,
          cancelling_in_every_state, callbacks_send_and_cancel, tokens_rotate, tokens_that_are_none,
          a_token_of_a_file_is_not_resent_for_ever, timers_come_in_order,
          a_timer_of_nothing_starves_nobody, polls_end_by_time_or_wake)
