/* fake_k8s.c - a listener thread, a thread for each connection, a list of rules under one lock.
 *
 * Everything that waits, waits on one condition until its time or the server's end, so stopping
 * takes no time.  Only what curl sends is understood: Content-Length bodies, keep-alive.
 */
#include "tests/support/fake_k8s.h"

#include "lib/base/alloc.h"
#include "lib/base/array.h"
#include "lib/base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct connection {
    gly_fake_k8s *fake;
    pthread_t thread;
    int fd; /* -1: ended */
} connection;

struct gly_fake_k8s {
    char url[64];
    uint16_t port;
    int listen_fd; /* -1: away */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t change;
    bool is_stopping, is_away;
    uint64_t epoch; /* of being away: what waits ends when it changes */
    GLY_ARRAY(gly_fake_rule *) rules;
    GLY_ARRAY(connection *) connections;
    GLY_ARRAY(char *) requests;
};

typedef struct exchange {
    connection *peer;
    gly_builder in; /* head, body and what follows */
    size_t head_size, body_size;
    char method[16], target[4096];
} exchange;

/* --- waiting and writing; no lock is held --- */

/* False: the server ends or goes away. */
static bool wait_ms(gly_fake_k8s *fake, int64_t ms) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + (ms % 1000) * 1000000;
    until.tv_sec += ms / 1000 + ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    pthread_mutex_lock(&fake->lock);
    uint64_t epoch = fake->epoch;
    int result = 0;
    while (!fake->is_stopping && fake->epoch == epoch && result != ETIMEDOUT) {
        result = pthread_cond_timedwait(&fake->change, &fake->lock, &until);
    }
    bool goes_on = !fake->is_stopping && fake->epoch == epoch;
    pthread_mutex_unlock(&fake->lock);
    return goes_on;
}

static bool write_all(int fd, const char *bytes, size_t size) {
    while (size > 0) {
        ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        bytes += sent;
        size -= (size_t)sent;
    }
    return true;
}

static bool write_chunk(int fd, gly_str text) {
    char head[32];
    int size = snprintf(head, sizeof head, "%zx\r\n", text.size);
    return write_all(fd, head, (size_t)size) && write_all(fd, text.data, text.size) &&
           write_all(fd, "\r\n", 2);
}

/* --- rules --- */

static bool matches(const gly_fake_rule *rule, const char *line) {
    for (size_t i = 0; i < GLY_ARRAY_LEN(rule->match); i++) {
        if (rule->match[i] != NULL && strstr(line, rule->match[i]) == NULL) {
            return false;
        }
    }
    return rule->not_match == NULL || strstr(line, rule->not_match) == NULL;
}

/* Fills *ret with the rule's answer; a rule of our own with 404 if there is none. */
static void choose(gly_fake_k8s *fake, exchange *now, gly_fake_rule *ret, gly_builder *out) {
    char line[sizeof now->method + sizeof now->target + 1];
    snprintf(line, sizeof line, "%s %s", now->method, now->target);
    *ret = (gly_fake_rule){.status = 404, .pieces = {{0, "{\"message\":\"there is no rule\"}"}}};
    pthread_mutex_lock(&fake->lock);
    for (size_t i = 0; i < fake->rules.count; i++) {
        gly_fake_rule *rule = fake->rules.items[i];
        if (rule->times < 0 || !matches(rule, line)) {
            continue;
        }
        *ret = *rule;
        if (rule->times > 0 && --rule->times == 0) {
            rule->times = -1; /* used up */
        }
        if (rule->answer != NULL) {
            ret->status = rule->answer(rule->context, now->method, now->target,
                                       now->in.data + now->head_size, out);
        }
        break;
    }
    gly_array_push(&fake->requests, gly_alloc_string(now->in.data));
    pthread_mutex_unlock(&fake->lock);
}

/* False: the connection is to be closed. */
static bool answer(exchange *now) {
    gly_fake_k8s *fake = now->peer->fake;
    int fd = now->peer->fd;
    gly_fake_rule rule;
    gly_builder out = {0};
    choose(fake, now, &rule, &out);
    bool goes_on = true;
    if (!rule.says_nothing) {
        char head[512];
        int size = snprintf(head, sizeof head,
                            "HTTP/1.1 %d Whatever\r\nContent-Type: application/json\r\n"
                            "Transfer-Encoding: chunked\r\n%s\r\n",
                            rule.status != 0 ? rule.status : 200,
                            rule.headers != NULL ? rule.headers : "");
        goes_on = write_all(fd, head, (size_t)size);
        if (goes_on && out.size > 0) {
            goes_on = write_chunk(fd, gly_builder_str(&out));
        }
    }
    for (size_t i = 0; i < GLY_FAKE_PIECES && goes_on && rule.pieces[i].text != NULL; i++) {
        goes_on = rule.pieces[i].delay_ms == 0 || wait_ms(fake, rule.pieces[i].delay_ms);
        if (goes_on && rule.pieces[i].text[0] != '\0') {
            goes_on = write_chunk(fd, gly_str_of(rule.pieces[i].text));
        }
    }
    gly_builder_clear(&out);
    if (goes_on && rule.end == GLY_FAKE_HANG) {
        (void)wait_ms(fake, INT32_MAX);
    }
    if (rule.end == GLY_FAKE_RESET) {
        struct linger none = {1, 0};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    }
    return goes_on && rule.end == GLY_FAKE_CLEAN && write_all(fd, "0\r\n\r\n", 5);
}

/* --- connections --- */

static bool read_more(exchange *now) {
    char *room = gly_builder_room(&now->in, 4096);
    ssize_t got = recv(now->peer->fd, room, 4096, 0);
    if (got <= 0) {
        return false;
    }
    now->in.size += (size_t)got;
    now->in.data[now->in.size] = '\0';
    return true;
}

static bool read_request(exchange *now) {
    const char *end;
    while (now->in.size == 0 || (end = strstr(now->in.data, "\r\n\r\n")) == NULL) {
        if (!read_more(now)) {
            return false;
        }
    }
    now->head_size = (size_t)(end - now->in.data) + 4;
    now->body_size = 0;
    const char *length = strcasestr(now->in.data, "\r\ncontent-length:");
    if (length != NULL && length < end) {
        now->body_size = strtoul(length + 17, NULL, 10);
    }
    if (sscanf(now->in.data, "%15s %4095s", now->method, now->target) != 2) {
        return false;
    }
    while (now->in.size < now->head_size + now->body_size) {
        if (!read_more(now)) {
            return false;
        }
    }
    return true;
}

static void *serve(void *context) {
    connection *peer = context;
    exchange now = {.peer = peer};
    while (read_request(&now) && answer(&now)) {
        gly_builder_reset(&now.in); /* curl does not send ahead */
    }
    gly_builder_clear(&now.in);
    pthread_mutex_lock(&peer->fake->lock);
    close(peer->fd);
    peer->fd = -1;
    pthread_mutex_unlock(&peer->fake->lock);
    return NULL;
}

static void *listen_on(void *context) {
    gly_fake_k8s *fake = context;
    int listen_fd = fake->listen_fd;
    for (;;) {
        int fd = accept(listen_fd, NULL, NULL);
        pthread_mutex_lock(&fake->lock);
        bool is_over = fake->is_stopping || fake->is_away;
        if (fd >= 0 && !is_over) {
            int one = 1;
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            connection *peer = GLY_NEW(connection);
            *peer = (connection){.fake = fake, .fd = fd};
            gly_array_push(&fake->connections, peer);
            GLY_ASSERT(pthread_create(&peer->thread, NULL, serve, peer) == 0);
        } else if (fd >= 0) {
            close(fd);
        }
        pthread_mutex_unlock(&fake->lock);
        if (is_over) {
            return NULL;
        }
    }
}

/* --- the server --- */

static void open_port(gly_fake_k8s *fake) {
    fake->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int one = 1;
    setsockopt(fake->listen_fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(fake->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    GLY_ASSERT(bind(fake->listen_fd, (struct sockaddr *)&address, size) == 0);
    GLY_ASSERT(listen(fake->listen_fd, 128) == 0);
    getsockname(fake->listen_fd, (struct sockaddr *)&address, &size);
    fake->port = ntohs(address.sin_port);
    GLY_ASSERT(pthread_create(&fake->thread, NULL, listen_on, fake) == 0);
}

/* After is_stopping or is_away was set: ends the listener and every connection. */
static void close_all(gly_fake_k8s *fake) {
    pthread_mutex_lock(&fake->lock);
    fake->epoch++;
    pthread_cond_broadcast(&fake->change);
    shutdown(fake->listen_fd, SHUT_RDWR); /* ends accept */
    pthread_mutex_unlock(&fake->lock);
    pthread_join(fake->thread, NULL);
    close(fake->listen_fd);
    fake->listen_fd = -1;
    pthread_mutex_lock(&fake->lock);
    for (size_t i = 0; i < fake->connections.count; i++) {
        if (fake->connections.items[i]->fd >= 0) {
            shutdown(fake->connections.items[i]->fd, SHUT_RDWR);
        }
    }
    pthread_mutex_unlock(&fake->lock);
}

gly_fake_k8s *gly_fake_k8s_start(void) {
    gly_fake_k8s *fake = GLY_NEW(gly_fake_k8s);
    pthread_mutex_init(&fake->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&fake->change, &attributes);
    pthread_condattr_destroy(&attributes);
    open_port(fake);
    snprintf(fake->url, sizeof fake->url, "http://127.0.0.1:%u", fake->port);
    return fake;
}

static void free_rule(gly_fake_rule *rule) {
    for (size_t i = 0; i < GLY_ARRAY_LEN(rule->match); i++) {
        free((void *)(uintptr_t)rule->match[i]);
    }
    for (size_t i = 0; i < GLY_FAKE_PIECES; i++) {
        free((void *)(uintptr_t)rule->pieces[i].text);
    }
    free((void *)(uintptr_t)rule->not_match);
    free((void *)(uintptr_t)rule->headers);
    free(rule);
}

void gly_fake_k8s_stop(gly_fake_k8s *fake) {
    pthread_mutex_lock(&fake->lock);
    fake->is_stopping = true;
    bool is_open = fake->listen_fd >= 0;
    pthread_mutex_unlock(&fake->lock);
    if (is_open) {
        close_all(fake);
    }
    for (size_t i = 0; i < fake->connections.count; i++) {
        pthread_join(fake->connections.items[i]->thread, NULL);
        free(fake->connections.items[i]);
    }
    for (size_t i = 0; i < fake->rules.count; i++) {
        free_rule(fake->rules.items[i]);
    }
    for (size_t i = 0; i < fake->requests.count; i++) {
        free(fake->requests.items[i]);
    }
    gly_array_clear(&fake->connections);
    gly_array_clear(&fake->rules);
    gly_array_clear(&fake->requests);
    pthread_cond_destroy(&fake->change);
    pthread_mutex_destroy(&fake->lock);
    free(fake);
}

const char *gly_fake_k8s_url(const gly_fake_k8s *fake) { return fake->url; }

static const char *copy_text(const char *text) {
    return text != NULL ? gly_alloc_string(text) : NULL;
}

void gly_fake_k8s_rule(gly_fake_k8s *fake, const gly_fake_rule *rule) {
    gly_fake_rule *copy = GLY_NEW(gly_fake_rule);
    *copy = *rule;
    for (size_t i = 0; i < GLY_ARRAY_LEN(copy->match); i++) {
        copy->match[i] = copy_text(rule->match[i]);
    }
    for (size_t i = 0; i < GLY_FAKE_PIECES; i++) {
        copy->pieces[i].text = copy_text(rule->pieces[i].text);
    }
    copy->not_match = copy_text(rule->not_match);
    copy->headers = copy_text(rule->headers);
    pthread_mutex_lock(&fake->lock);
    gly_array_push(&fake->rules, copy);
    pthread_mutex_unlock(&fake->lock);
}

void gly_fake_k8s_set_away(gly_fake_k8s *fake, bool is_away) {
    pthread_mutex_lock(&fake->lock);
    bool was_away = fake->is_away;
    fake->is_away = is_away;
    pthread_mutex_unlock(&fake->lock);
    if (is_away && !was_away) {
        close_all(fake);
    } else if (!is_away && was_away) {
        open_port(fake);
    }
}

void gly_fake_k8s_lock(gly_fake_k8s *fake) { pthread_mutex_lock(&fake->lock); }

void gly_fake_k8s_unlock(gly_fake_k8s *fake) { pthread_mutex_unlock(&fake->lock); }

/* The request line without the version; the caller holds the lock. */
static bool is_request(const char *request, const char *match) {
    if (match == NULL) {
        return true;
    }
    const char *found = strstr(request, match);
    return found != NULL && (size_t)(found - request) < strcspn(request, "\r");
}

size_t gly_fake_k8s_count(gly_fake_k8s *fake, const char *match) {
    size_t count = 0;
    pthread_mutex_lock(&fake->lock);
    for (size_t i = 0; i < fake->requests.count; i++) {
        count += is_request(fake->requests.items[i], match);
    }
    pthread_mutex_unlock(&fake->lock);
    return count;
}

size_t gly_fake_k8s_connections(gly_fake_k8s *fake) {
    pthread_mutex_lock(&fake->lock);
    size_t count = fake->connections.count;
    pthread_mutex_unlock(&fake->lock);
    return count;
}

char *gly_fake_k8s_request(gly_fake_k8s *fake, const char *match, size_t n) {
    const char *found = "";
    pthread_mutex_lock(&fake->lock);
    for (size_t i = 0; i < fake->requests.count; i++) {
        if (is_request(fake->requests.items[i], match) && n-- == 0) {
            found = fake->requests.items[i];
            break;
        }
    }
    char *copy = gly_alloc_string(found);
    pthread_mutex_unlock(&fake->lock);
    return copy;
}
