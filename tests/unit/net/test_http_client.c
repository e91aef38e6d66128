/* test_http_client.c - requests against a server that answers, cuts, stalls, resets or is not
 * there. */
#include "lib/base/alloc.h"
#include "lib/net/http_client.h"
#include "tests/support/check.h"
#include "tests/support/fake_s3.h"

static gly_fake_s3 *fake;
static gly_http_client *client;

static void begin(void) {
    fake = gly_fake_s3_make();
    gly_http_options options = {.stall_timeout_ms = 2000};
    client = gly_http_client_make(&options);
}

static void end(void) {
    gly_http_client_free(client);
    gly_fake_s3_free(fake);
}

static char *url_of(const char *target) {
    gly_builder url = {0};
    gly_builder_format(&url, "%s%s", gly_fake_s3_endpoint(fake), target);
    return url.data;
}

static gly_http_exchange *start(const char *method, const char *target, gly_str body) {
    char *url = url_of(target);
    gly_http_request request = {.method = method, .url = url, .body = body};
    gly_http_exchange *exchange = gly_http_client_start(client, &request);
    free(url);
    return exchange;
}

GLY_TEST(methods_and_bodies) {
    begin();
    gly_error err;
    gly_http_response response = {0};
    gly_str body = GLY_STR("some bytes");
    GLY_CHECK_OK(gly_http_client_finish(start("PUT", "/b/k", body), &response, &err), &err);
    GLY_CHECK_INT(response.status, 200);
    gly_str etag = gly_http_client_header(&response, "ETAG");
    GLY_CHECK(etag.size > 2 && etag.data[0] == '"');
    GLY_CHECK(gly_http_client_header(&response, "absent").data == NULL);
    gly_http_client_response_clear(&response);
    GLY_CHECK_OK(gly_http_client_finish(start("GET", "/b/k", (gly_str){0}), &response, &err), &err);
    GLY_CHECK_TEXT(response.body.data, "some bytes");
    gly_http_client_response_clear(&response);
    GLY_CHECK_OK(gly_http_client_finish(start("HEAD", "/b/k", (gly_str){0}), &response, &err),
                 &err);
    GLY_CHECK_INT(response.body.size, 0);
    GLY_CHECK(gly_str_equal(gly_http_client_header(&response, "content-length"), GLY_STR("10")));
    gly_http_client_response_clear(&response);
    GLY_CHECK_OK(gly_http_client_finish(start("DELETE", "/b/k", (gly_str){0}), &response, &err),
                 &err);
    GLY_CHECK_INT(response.status, 204);
    gly_http_client_response_clear(&response);
    GLY_CHECK_OK(gly_http_client_finish(start("GET", "/b/k", (gly_str){0}), &response, &err), &err);
    GLY_CHECK_INT(response.status, 404);
    gly_http_client_response_clear(&response);
    char *head = gly_fake_s3_last(fake, "PUT /b/k");
    GLY_CHECK(strcasestr(head, "expect:") == NULL && strcasestr(head, "content-type:") == NULL);
    free(head);
    end();
}

GLY_TEST(paths_are_sent_as_they_are) {
    begin();
    gly_error err;
    gly_http_response response = {0};
    GLY_CHECK_OK(
        gly_http_client_finish(start("GET", "/b/a/../x%3D1/./y?z=", (gly_str){0}), &response, &err),
        &err);
    gly_http_client_response_clear(&response);
    GLY_CHECK_INT(gly_fake_s3_requests(fake, "GET /b/a/../x%3D1/./y?z= "), 1);
    end();
}

GLY_TEST(buffers) {
    begin();
    gly_error err;
    gly_http_response response = {0};
    char buffer[8] = "";
    char *url = url_of("/b/k");
    gly_fake_s3_put(fake, "b/k", "1234", 4);
    gly_http_request request = {
        .method = "GET", .url = url, .buffer = buffer, .buffer_size = sizeof buffer};
    GLY_CHECK_OK(gly_http_client_run(client, &request, &response, &err), &err);
    GLY_CHECK_INT(response.buffer_filled, 4);
    GLY_CHECK_TEXT(buffer, "1234");
    gly_http_client_response_clear(&response);
    gly_fake_s3_put(fake, "b/k", "123456789", 9);
    GLY_CHECK_INT(gly_http_client_run(client, &request, &response, &err), GLY_E_PROTOCOL);
    GLY_CHECK(strstr(err.message, "more bytes") != NULL);
    gly_http_client_response_clear(&response);
    free(url);
    end();
}

GLY_TEST(broken_connections_are_failures) {
    begin();
    gly_error err;
    gly_http_response response = {0};
    gly_fake_s3_put(fake, "b/k", "0123456789", 10);
    gly_fake_s3_fail(fake, "GET /b/k", 1, GLY_FAKE_CUT, 0, NULL);
    GLY_CHECK_INT(gly_http_client_finish(start("GET", "/b/k", (gly_str){0}), &response, &err),
                  GLY_E_NETWORK);
    gly_http_client_response_clear(&response);
    gly_fake_s3_fail(fake, "GET /b/k", 1, GLY_FAKE_RESET, 0, NULL);
    GLY_CHECK_INT(gly_http_client_finish(start("GET", "/b/k", (gly_str){0}), &response, &err),
                  GLY_E_NETWORK);
    gly_http_client_response_clear(&response);
    gly_http_request nowhere = {.method = "GET", .url = "http://127.0.0.1:1/x"};
    GLY_CHECK_INT(gly_http_client_run(client, &nowhere, &response, &err), GLY_E_NETWORK);
    GLY_CHECK(err.retryable && strstr(err.message, "127.0.0.1") != NULL);
    gly_http_client_response_clear(&response);
    gly_http_request wrong = {.method = "GET", .url = "ftp://127.0.0.1/x"};
    GLY_CHECK_INT(gly_http_client_run(client, &wrong, &response, &err), GLY_E_INVALID_ARGUMENT);
    gly_http_client_response_clear(&response);
    end();
}

GLY_TEST(many_at_once) {
    begin();
    enum { COUNT = 300 };
    gly_error err;
    static gly_http_exchange *exchanges[COUNT];
    gly_fake_s3_put(fake, "b/k", "x", 1);
    for (int i = 0; i < COUNT; i++) {
        exchanges[i] = start("GET", "/b/k", (gly_str){0});
    }
    for (int i = 0; i < COUNT; i++) {
        if (i % 3 == 0) {
            gly_http_client_cancel(exchanges[i]);
            continue;
        }
        gly_http_response response = {0};
        GLY_CHECK_OK(gly_http_client_finish(exchanges[i], &response, &err), &err);
        GLY_CHECK_TEXT(response.body.data, "x");
        gly_http_client_response_clear(&response);
    }
    end();
}

GLY_TEST(a_stopped_client_fails) {
    begin();
    gly_error err;
    gly_http_response response = {0};
    gly_http_client_stop(client);
    GLY_CHECK_INT(gly_http_client_finish(start("GET", "/b/k", (gly_str){0}), &response, &err),
                  GLY_E_CANCELLED);
    gly_http_client_response_clear(&response);
    end();
    begin();
    gly_http_client_cancel(start("GET", "/b/k", (gly_str){0}));
    gly_http_exchange *exchange = start("GET", "/b/k", (gly_str){0});
    gly_http_client_stop(client);
    (void)!gly_http_client_finish(exchange, &response, &err); /* ends, one way or the other */
    gly_http_client_response_clear(&response);
    end();
}

GLY_SUITE("http_client", methods_and_bodies, paths_are_sent_as_they_are, buffers,
          broken_connections_are_failures, many_at_once, a_stopped_client_fails)
