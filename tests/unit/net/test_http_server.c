/* test_http_server.c - the HTTP server with well-behaved, silly and hostile clients. */
#include "lib/base/clock.h"
#include "lib/net/http_server.h"
#include "tests/support/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

static void serve(void *context, const char *path, const char *query,
                  gly_http_server_response *response) {
    int *calls = context;
    __atomic_add_fetch(calls, 1, __ATOMIC_SEQ_CST);
    if (strcmp(path, "/hello") == 0) {
        gly_builder_format(&response->body, "hello %s", query);
    } else if (strcmp(path, "/big") == 0) {
        gly_builder_add_repeat(&response->body, 'x', 3 << 20);
    } else {
        response->code = 404;
    }
}

static gly_http_server *start(int *calls, uint32_t max_connections) {
    gly_http_server_options options = {.address = "127.0.0.1:0",
                                       .max_connections = max_connections,
                                       .on_get = serve,
                                       .context = calls};
    gly_http_server *server;
    gly_error err;
    GLY_CHECK_OK(gly_http_server_start(&options, &server, &err), &err);
    return server;
}

static int dial(const gly_http_server *server) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(gly_http_server_port(server)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        perror("connect");
        exit(1);
    }
    struct timeval limit = {15, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return fd;
}

static void say(int fd, const char *bytes, size_t size) {
    while (size > 0) {
        ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);
        if (sent <= 0) {
            return; /* the server had enough */
        }
        bytes += sent;
        size -= (size_t)sent;
    }
}

/* Everything until the server closes; false: it did not within the time limit. */
static bool hear(int fd, gly_builder *ret) {
    gly_builder_reset(ret);
    for (;;) {
        char *room = gly_builder_room(ret, 65536);
        ssize_t size = recv(fd, room, 65536, 0);
        if (size <= 0) {
            gly_builder_add_char(ret, '\0');
            close(fd);
            return size == 0 || errno == ECONNRESET;
        }
        ret->size += (size_t)size;
    }
}

static bool ask(const gly_http_server *server, const char *request, gly_builder *ret) {
    int fd = dial(server);
    say(fd, request, strlen(request));
    return hear(fd, ret);
}

GLY_TEST(get_and_head_are_answered) {
    int calls = 0;
    gly_http_server *server = start(&calls, 0);
    gly_builder text = {0};
    GLY_CHECK(ask(server, "GET /hello?you HTTP/1.1\r\nHost: x\r\n\r\n", &text));
    GLY_CHECK(strstr(text.data, "HTTP/1.1 200 ") == text.data);
    GLY_CHECK(strstr(text.data, "Content-Length: 9\r\n") != NULL);
    GLY_CHECK(strstr(text.data, "Connection: close\r\n") != NULL);
    GLY_CHECK(strstr(text.data, "\r\n\r\nhello you") != NULL);
    GLY_CHECK(ask(server, "HEAD /hello HTTP/1.1\r\nHost: x\r\n\r\n", &text));
    GLY_CHECK(strstr(text.data, "Content-Length: 6\r\n") != NULL);
    GLY_CHECK(strstr(text.data, "hello") == NULL);
    GLY_CHECK(ask(server, "GET /other HTTP/1.0\r\n\r\n", &text));
    GLY_CHECK(strstr(text.data, " 404 ") != NULL);
    GLY_CHECK(ask(server, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n", &text));
    GLY_CHECK(text.size > 3 << 20);
    GLY_CHECK_INT(calls, 4);
    gly_builder_clear(&text);
    gly_http_server_stop(server);
}

GLY_TEST(what_is_not_served_is_refused) {
    int calls = 0;
    gly_http_server *server = start(&calls, 0);
    gly_builder text = {0}, request = {0};
    GLY_CHECK(
        ask(server, "POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", &text));
    GLY_CHECK(strstr(text.data, "200 OK") == NULL);
    GLY_CHECK(ask(server, "DELETE /hello HTTP/1.1\r\nHost: x\r\n\r\n", &text));
    GLY_CHECK(strstr(text.data, "200 OK") == NULL);
    GLY_CHECK(ask(server, "\r\n\x01\x02 nonsense\r\n\r\n", &text));
    GLY_CHECK(strstr(text.data, "200 OK") == NULL);
    GLY_CHECK(
        ask(server, "GET /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n", &text));
    GLY_CHECK(strstr(text.data, "200 OK") != NULL); /* the body is not waited for */
    gly_builder_add_text(&request, "GET /hello HTTP/1.1\r\nHost: x\r\nX-Long: ");
    gly_builder_add_repeat(&request, 'a', 1 << 20);
    gly_builder_add_text(&request, "\r\n\r\n");
    GLY_CHECK(ask(server, request.data, &text));
    GLY_CHECK(strstr(text.data, "200 OK") == NULL);
    gly_builder_reset(&request);
    gly_builder_add_text(&request, "GET /");
    gly_builder_add_repeat(&request, 'p', 2000);
    gly_builder_add_text(&request, " HTTP/1.1\r\nHost: x\r\n\r\n");
    GLY_CHECK(ask(server, request.data, &text));
    GLY_CHECK(strstr(text.data, " 414 ") != NULL);
    GLY_CHECK_INT(calls, 1);
    GLY_CHECK(ask(server, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", &text)); /* and it lives */
    GLY_CHECK(strstr(text.data, "200 OK") != NULL);
    gly_builder_clear(&text);
    gly_builder_clear(&request);
    gly_http_server_stop(server);
}

GLY_TEST(connections_are_bounded_and_come_back) {
    int calls = 0;
    gly_http_server *server = start(&calls, 4);
    gly_builder text = {0};
    int idle[4];
    for (int i = 0; i < 4; i++) {
        idle[i] = dial(server);
        say(idle[i], "GET /he", 7);
    }
    gly_clock_sleep_ms(200);  /* they are accepted */
    int fifth = dial(server); /* waits in the kernel's queue */
    say(fifth, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", 33);
    struct pollfd waits = {.fd = fifth, .events = POLLIN};
    GLY_CHECK_INT(poll(&waits, 1, 300), 0);
    say(idle[0], "llo HTTP/1.1\r\nHost: x\r\n\r\n", 25);
    GLY_CHECK(hear(idle[0], &text));
    GLY_CHECK(strstr(text.data, "200 OK") != NULL);
    GLY_CHECK(hear(fifth, &text));
    GLY_CHECK(strstr(text.data, "200 OK") != NULL);
    close(idle[1]);
    gly_clock_sleep_ms(200);
    for (int i = 0; i < 20; i++) {
        GLY_CHECK(ask(server, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", &text));
        GLY_CHECK(strstr(text.data, "200 OK") != NULL);
    }
    close(idle[2]);
    close(idle[3]);
    gly_builder_clear(&text);
    gly_http_server_stop(server);
}

GLY_TEST(request_lines) {
    static const struct {
        const char *line;
        int code;
        const char *path, *query;
    } cases[] = {
        {"GET / HTTP/1.1", 0, "/", ""},
        {"GET /a?b=c?d HTTP/1.0", 0, "/a", "b=c?d"},
        {"GET /a? HTTP/1.1", 0, "/a", ""},
        {"GET / HTTP/2.0", 400, NULL, NULL},
        {"GET /", 400, NULL, NULL},
        {"", 400, NULL, NULL},
        {" / HTTP/1.1", 405, NULL, NULL},
        {"get / HTTP/1.1", 405, NULL, NULL},
        {"PUT / HTTP/1.1", 405, NULL, NULL},
        {"GET  HTTP/1.1", 400, NULL, NULL},
        {"GET http://x/ HTTP/1.1", 400, NULL, NULL},
        {"GET /a b HTTP/1.1", 400, NULL, NULL},
        {"GET /\x80 HTTP/1.1", 400, NULL, NULL},
        {"GET /\x01 HTTP/1.1", 400, NULL, NULL},
    };
    for (size_t i = 0; i < GLY_ARRAY_LEN(cases); i++) {
        bool is_head;
        char path[GLY_HTTP_SERVER_PATH_SIZE], query[GLY_HTTP_SERVER_PATH_SIZE];
        int code = gly_http_server_parse(gly_str_of(cases[i].line), &is_head, path, query);
        GLY_CHECK_INT(code, cases[i].code);
        if (code == 0) {
            GLY_CHECK_TEXT(path, cases[i].path);
            GLY_CHECK_TEXT(query, cases[i].query);
        }
    }
}

GLY_TEST(a_silent_client_is_dropped) {
    int calls = 0;
    gly_http_server *server = start(&calls, 4);
    gly_builder text = {0};
    int64_t begin_ms = gly_clock_ms();
    int fd = dial(server);
    GLY_CHECK(hear(fd, &text));
    GLY_CHECK(gly_clock_ms() - begin_ms < 14000);
    gly_builder_clear(&text);
    gly_http_server_stop(server);
}

GLY_TEST(stopping_does_not_wait_for_clients) {
    int calls = 0;
    gly_http_server *server = start(&calls, 4);
    int fd = dial(server);
    say(fd, "GET /hel", 8);
    gly_clock_sleep_ms(100);
    int64_t begin_ms = gly_clock_ms();
    gly_http_server_stop(server);
    GLY_CHECK(gly_clock_ms() - begin_ms < 2000);
    close(fd);
}

GLY_TEST(bad_addresses_are_errors) {
    static const char *const bad[] = {
        "", "8080", "nowhere:1", "127.0.0.1", "127.0.0.1:99999", "256.1.1.1:1"};
    for (size_t i = 0; i < GLY_ARRAY_LEN(bad); i++) {
        gly_http_server *server = NULL;
        gly_error err;
        gly_http_server_options options = {.address = bad[i], .on_get = serve};
        GLY_CHECK(gly_http_server_start(&options, &server, &err) != GLY_OK);
    }
    int calls = 0;
    gly_http_server *first = start(&calls, 0), *second = NULL;
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%u", gly_http_server_port(first));
    gly_error err = {0};
    gly_http_server_options options = {.address = address, .on_get = serve};
    GLY_CHECK(gly_http_server_start(&options, &second, &err) != GLY_OK);
    GLY_CHECK(strstr(err.message, address) != NULL);
    gly_http_server_stop(first);
    gly_http_server_stop(NULL);
}

GLY_SUITE("http_server", get_and_head_are_answered, what_is_not_served_is_refused,
          connections_are_bounded_and_come_back, request_lines, a_silent_client_is_dropped,
          stopping_does_not_wait_for_clients, bad_addresses_are_errors)
