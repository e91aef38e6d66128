/* http_server.c - GET and HEAD over libevent's sockets: one request, one answer, close.
 *
 * Not evhttp, whose connections cannot be counted or ended from outside in libevent 2.1; of a
 * request only the first line matters here, and that much is parsed in one small function.  A
 * connection reads until the empty line behind the headers, answers, half-closes, and waits briefly
 * for the client's end, so that no answer is cut off by a reset.  A timer ends those that are too
 * old, however slowly they trickle. Everything of libevent stays on the one thread; stopping is a
 * byte through a pipe.
 */
#include "lib/net/http_server.h"

#include "lib/base/alloc.h"
#include "lib/base/clock.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CONNECTIONS_DEFAULT = 64,
    CONNECTION_LIFE_MS = 30000,
    SWEEP_MS = 5000,
    IDLE_SECONDS = 10,
    LINGER_SECONDS = 2,
    HEADERS_MAX = 8192,
    BACKLOG = 128,
};

typedef struct http_peer {
    gly_http_server *server; /* NULL: a free place */
    struct bufferevent *stream;
    int64_t since_ms;
    bool is_answered;
} http_peer;

struct gly_http_server {
    gly_http_server_options options;
    struct event_base *base;
    struct evconnlistener *listener;
    struct event *stop_event, *sweep_event;
    int stop_pipe[2];
    uint16_t port;
    uint32_t peer_count;
    http_peer *peers; /* max_connections */
    pthread_t thread;
    bool is_running;
};

/* --- the request line --- */

/* Visible ASCII; that leaves out control characters, spaces and anything undecoded. */
static bool copy_visible(gly_str text, char *ret) {
    if (text.size >= GLY_HTTP_SERVER_PATH_SIZE) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] <= ' ' || text.data[i] > '~') {
            return false;
        }
        ret[i] = text.data[i];
    }
    ret[text.size] = '\0';
    return true;
}

static gly_str until(gly_str *rest, char end) {
    const char *found = rest->size == 0 ? NULL : memchr(rest->data, end, rest->size);
    size_t size = found == NULL ? rest->size : (size_t)(found - rest->data);
    gly_str part = {rest->data, size};
    size_t used = found == NULL ? size : size + 1;
    *rest = (gly_str){rest->data + used, rest->size - used};
    return part;
}

int gly_http_server_parse(gly_str line, bool *ret_is_head, char *ret_path, char *ret_query) {
    gly_str rest = line;
    gly_str method = until(&rest, ' '), target = until(&rest, ' ');
    if (!gly_str_equal(rest, GLY_STR("HTTP/1.1")) && !gly_str_equal(rest, GLY_STR("HTTP/1.0"))) {
        return 400;
    }
    *ret_is_head = gly_str_equal(method, GLY_STR("HEAD"));
    if (!*ret_is_head && !gly_str_equal(method, GLY_STR("GET"))) {
        return 405;
    }
    if (target.size >= GLY_HTTP_SERVER_PATH_SIZE) {
        return 414;
    }
    gly_str path = until(&target, '?');
    if (path.size == 0 || path.data[0] != '/' || !copy_visible(path, ret_path) ||
        !copy_visible(target, ret_query)) {
        return 400;
    }
    return 0;
}

/* --- connections --- */

static void drop(http_peer *peer) {
    gly_http_server *server = peer->server;
    bufferevent_free(peer->stream); /* closes the socket */
    *peer = (http_peer){0};
    server->peer_count--;
    evconnlistener_enable(server->listener);
}

static const char *reason_of(int code) {
    return code == 200   ? "OK"
           : code == 404 ? "Not Found"
           : code == 503 ? "Service Unavailable"
                         : "-";
}

static void answer(http_peer *peer, gly_str line) {
    char path[GLY_HTTP_SERVER_PATH_SIZE], query[GLY_HTTP_SERVER_PATH_SIZE];
    gly_http_server_response response = {200, "text/plain; charset=utf-8", {0}};
    bool is_head = false;
    int refused = gly_http_server_parse(line, &is_head, path, query);
    if (refused != 0) {
        response.code = refused;
        gly_builder_add_text(&response.body, "this server answers GET and HEAD only\n");
    } else {
        const gly_http_server_options *options = &peer->server->options;
        options->on_get(options->context, path, query, &response);
    }
    struct evbuffer *out = bufferevent_get_output(peer->stream);
    evbuffer_add_printf(out,
                        "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                        "Connection: close\r\nX-Content-Type-Options: nosniff\r\n"
                        "Cache-Control: no-store\r\n%s\r\n",
                        response.code, reason_of(response.code), response.content_type,
                        response.body.size, response.code == 405 ? "Allow: GET, HEAD\r\n" : "");
    if (!is_head && response.body.size > 0) {
        evbuffer_add(out, response.body.data, response.body.size);
    }
    gly_builder_clear(&response.body);
    peer->is_answered = true;
    bufferevent_enable(peer->stream, EV_WRITE);
}

static void on_read(struct bufferevent *stream, void *context) {
    http_peer *peer = context;
    struct evbuffer *in = bufferevent_get_input(stream);
    size_t size = evbuffer_get_length(in);
    if (peer->is_answered) {
        evbuffer_drain(in, size);
        return;
    }
    char headers[HEADERS_MAX];
    ssize_t copied = evbuffer_copyout(in, headers, sizeof headers);
    size_t length = copied > 0 ? (size_t)copied : 0;
    if (memmem(headers, length, "\r\n\r\n", 4) == NULL && length < sizeof headers) {
        return; /* more to come */
    }
    const char *end = memmem(headers, length, "\r\n", 2);
    gly_str line = {headers, end == NULL ? 0 : (size_t)(end - headers)};
    if (memmem(headers, length, "\r\n\r\n", 4) == NULL) {
        line.size = 0; /* headers too large: 400 */
    }
    evbuffer_drain(in, size);
    answer(peer, line);
}

/* The answer is out: say so, and give the client a moment to close first. */
static void on_written(struct bufferevent *stream, void *context) {
    http_peer *peer = context;
    if (peer->is_answered) {
        shutdown(bufferevent_getfd(stream), SHUT_WR);
        struct timeval limit = {LINGER_SECONDS, 0};
        bufferevent_set_timeouts(stream, &limit, NULL);
        bufferevent_disable(stream, EV_WRITE);
    }
}

static void on_event(struct bufferevent *stream, short what, void *context) {
    (void)stream, (void)what; /* end, error or silence */
    drop(context);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
                      int length, void *context) {
    (void)address, (void)length;
    gly_http_server *server = context;
    uint32_t place = 0;
    while (place < server->options.max_connections && server->peers[place].server != NULL) {
        place++;
    }
    struct bufferevent *stream =
        place == server->options.max_connections
            ? NULL
            : bufferevent_socket_new(server->base, fd, BEV_OPT_CLOSE_ON_FREE);
    if (stream == NULL) {
        close(fd);
        return;
    }
    server->peers[place] = (http_peer){server, stream, gly_clock_ms(), false};
    struct timeval limit = {IDLE_SECONDS, 0};
    bufferevent_setcb(stream, on_read, on_written, on_event, &server->peers[place]);
    bufferevent_set_timeouts(stream, &limit, &limit);
    bufferevent_setwatermark(stream, EV_READ, 0, 2 * HEADERS_MAX);
    bufferevent_enable(stream, EV_READ);
    if (++server->peer_count == server->options.max_connections) {
        evconnlistener_disable(listener); /* the others wait in the kernel's queue */
    }
}

/* Out of descriptors, for instance: not a busy loop. */
static void on_accept_error(struct evconnlistener *listener, void *context) {
    (void)context;
    evconnlistener_disable(listener); /* the next sweep or close enables it */
}

static void sweep(evutil_socket_t fd, short what, void *context) {
    (void)fd, (void)what;
    gly_http_server *server = context;
    int64_t limit_ms = gly_clock_ms() - CONNECTION_LIFE_MS;
    for (uint32_t i = 0; i < server->options.max_connections; i++) {
        if (server->peers[i].server != NULL && server->peers[i].since_ms < limit_ms) {
            drop(&server->peers[i]);
        }
    }
    if (server->peer_count < server->options.max_connections) {
        evconnlistener_enable(server->listener);
    }
}

/* --- the thread --- */

static void stop_now(evutil_socket_t fd, short what, void *context) {
    (void)fd, (void)what;
    event_base_loopbreak(((gly_http_server *)context)->base);
}

static void *serve(void *context) {
    gly_http_server *server = context;
    event_base_dispatch(server->base);
    return NULL;
}

static void say_nothing(int severity, const char *message) { (void)severity, (void)message; }

/* "host:port" with a numeric host; IPv6 in brackets. */
static bool parse_address(const char *text, struct addrinfo **ret) {
    const char *colon = strrchr(text, ':');
    uint64_t port;
    char host[INET6_ADDRSTRLEN];
    if (colon == NULL || !gly_str_to_u64(gly_str_of(colon + 1), &port) || port > UINT16_MAX) {
        return false;
    }
    gly_str name = {text, (size_t)(colon - text)};
    bool is_v6 = name.size > 2 && name.data[0] == '[' && name.data[name.size - 1] == ']';
    if (is_v6) {
        name = (gly_str){name.data + 1, name.size - 2};
    }
    if (name.size == 0 || name.size >= sizeof host) {
        return false;
    }
    memcpy(host, name.data, name.size);
    host[name.size] = '\0';
    struct addrinfo hints = {.ai_family = is_v6 ? AF_INET6 : AF_INET,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
    return getaddrinfo(host, colon + 1, &hints, ret) == 0;
}

static gly_status listen_on(gly_http_server *server, gly_error *err) {
    const char *text = server->options.address;
    struct addrinfo *found = NULL;
    if (!parse_address(text, &found)) {
        return gly_fail(err, GLY_E_INVALID_ARGUMENT,
                        "'%s' is no address to listen on; write 0.0.0.0:8080 or [::]:8080", text);
    }
    errno = 0;
    server->listener =
        evconnlistener_new_bind(server->base, on_accept, server,
                                LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE,
                                BACKLOG, found->ai_addr, (int)found->ai_addrlen);
    int code = errno;
    freeaddrinfo(found);
    if (server->listener == NULL) {
        return gly_error_from_errno(err, code, "cannot listen on %s", text);
    }
    evconnlistener_set_error_cb(server->listener, on_accept_error);
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;
    getsockname(evconnlistener_get_fd(server->listener), (struct sockaddr *)&address, &length);
    server->port = address.ss_family == AF_INET6
                       ? ntohs(((struct sockaddr_in6 *)&address)->sin6_port)
                       : ntohs(((struct sockaddr_in *)&address)->sin_port);
    return GLY_OK;
}

static gly_status prepare(gly_http_server *server, gly_error *err) {
    event_set_log_callback(say_nothing); /* stderr belongs to the program's log */
    if (pipe2(server->stop_pipe, O_CLOEXEC | O_NONBLOCK) != 0) {
        return gly_error_from_errno(err, errno, "cannot make a pipe");
    }
    server->base = event_base_new();
    if (server->base == NULL) {
        return gly_fail(err, GLY_E_NETWORK, "cannot make an event loop for the HTTP server");
    }
    GLY_TRY(listen_on(server, err));
    server->stop_event = event_new(server->base, server->stop_pipe[0], EV_READ, stop_now, server);
    server->sweep_event = event_new(server->base, -1, EV_PERSIST, sweep, server);
    struct timeval period = {SWEEP_MS / 1000, 0};
    if (server->stop_event == NULL || event_add(server->stop_event, NULL) != 0 ||
        server->sweep_event == NULL || event_add(server->sweep_event, &period) != 0) {
        return gly_fail(err, GLY_E_NETWORK, "cannot add events to the HTTP server's loop");
    }
    return GLY_OK;
}

/* The thread gets no signals; those are the main thread's. */
static gly_status start_thread(gly_http_server *server, gly_error *err) {
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int code = pthread_create(&server->thread, NULL, serve, server);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (code != 0) {
        return gly_error_from_errno(err, code, "cannot start the HTTP server's thread");
    }
    pthread_setname_np(server->thread, "http");
    server->is_running = true;
    return GLY_OK;
}

gly_status gly_http_server_start(const gly_http_server_options *options, gly_http_server **ret,
                                 gly_error *err) {
    gly_http_server *server = GLY_NEW(gly_http_server);
    server->options = *options;
    if (server->options.max_connections == 0) {
        server->options.max_connections = CONNECTIONS_DEFAULT;
    }
    server->stop_pipe[0] = server->stop_pipe[1] = -1;
    server->peers = GLY_NEW_ARRAY(http_peer, server->options.max_connections);
    gly_status status = prepare(server, err);
    if (status == GLY_OK) {
        status = start_thread(server, err);
    }
    if (status != GLY_OK) {
        gly_http_server_stop(server);
        return status;
    }
    *ret = server;
    return GLY_OK;
}

uint16_t gly_http_server_port(const gly_http_server *server) { return server->port; }

void gly_http_server_stop(gly_http_server *server) {
    if (server == NULL) {
        return;
    }
    if (server->is_running) {
        while (write(server->stop_pipe[1], "", 1) < 0 && errno == EINTR) {
        }
        pthread_join(server->thread, NULL);
    }
    for (uint32_t i = 0; i < server->options.max_connections; i++) {
        if (server->peers[i].server != NULL) {
            drop(&server->peers[i]);
        }
    }
    if (server->listener != NULL) {
        evconnlistener_free(server->listener);
    }
    if (server->stop_event != NULL) {
        event_free(server->stop_event);
    }
    if (server->sweep_event != NULL) {
        event_free(server->sweep_event);
    }
    if (server->base != NULL) {
        event_base_free(server->base);
    }
    for (int i = 0; i < 2; i++) {
        if (server->stop_pipe[i] >= 0) {
            close(server->stop_pipe[i]);
        }
    }
    free(server->peers);
    free(server);
}
