/* executor_endpoint.c - executors as peers: who is connected, what is sent to them, what they say.
 *
 * A peer is a stream; it becomes an executor by its first message, Register, when its version is
 * ours, its certificate carries the id it claims, and the id is not taken.  Every later message is
 * decoded into one arena, which travels with the task updates to whoever wanted them: nothing is
 * copied. Invariant: peers enter and leave the table on the loop's thread only; other threads look
 * one up under the lock and hold the stream by a reference while they send. Not here: what to do
 * about any of it (the driver's owner loop), and processes (cluster.h).
 */
#include "driver/cluster/executor_endpoint.h"

#include "driver/cluster/endpoint_identity.h"
#include "driver/cluster/endpoint_messages.h"
#include "lib/base/array.h"
#include "lib/base/clock.h"
#include "lib/net/block_client.h"
#include "lib/net/grpc_server.h"
#include "lib/net/host_identity.h"
#include "proto/build_version.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

enum { TICK_MS = 500, REGISTER_WITHIN_MS = 20000, REASON_SIZE = 512 };

typedef struct peer {
    gly_executor_endpoint *endpoint;
    gly_grpc_stream *stream;
    bool registered;
    uint32_t id;
    int64_t last_seen_ms;
    char reason[REASON_SIZE]; /* why it goes, if we know better than gRPC */
    char *host_id, *block_endpoint;
} peer;

struct gly_executor_endpoint {
    gly_executor_endpoint_options options;
    gly_executor_endpoint_callbacks callbacks;
    char version[GLY_BUILD_VERSION_SIZE];
    char host_id[GLY_HOST_IDENTITY_SIZE];
    char address[300];
    gly_tls_identity identity;
    gly_endpoint_identity pods; /* how executors in pods get theirs */
    gly_grpc_loop *loop;
    gly_grpc_server *server;
    gly_block_client *blocks;
    pthread_mutex_t lock; /* the table, and stopping */
    GLY_ARRAY(peer *) peers;
    bool stopping;
};

/* --- the table --- */

/* The caller holds the lock. */
static peer *find_peer(gly_executor_endpoint *endpoint, uint32_t id) {
    for (size_t i = 0; i < endpoint->peers.count; i++) {
        peer *item = endpoint->peers.items[i];
        if (item->registered && item->id == id) {
            return item;
        }
    }
    return NULL;
}

static bool send_bytes(gly_executor_endpoint *endpoint, uint32_t id, gly_str bytes) {
    pthread_mutex_lock(&endpoint->lock);
    peer *item = find_peer(endpoint, id);
    gly_grpc_stream *stream = item == NULL ? NULL : item->stream;
    if (stream != NULL) {
        gly_grpc_stream_ref(stream);
    }
    pthread_mutex_unlock(&endpoint->lock);
    if (stream == NULL) {
        return false;
    }
    bool sent = gly_grpc_stream_send(stream, bytes);
    gly_grpc_stream_unref(stream);
    return sent;
}

/* --- what peers say --- */

static void refuse(peer *item, int code, const char *format, ...) GLY_PRINTF(3, 4);
static void refuse(peer *item, int code, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(item->reason, sizeof item->reason, format, arguments);
    va_end(arguments);
    gly_grpc_stream_finish(item->stream, code, item->reason);
}

static bool may_register(peer *item, const Galley__Register *message) {
    gly_executor_endpoint *endpoint = item->endpoint;
    if (strcmp(message->version, endpoint->version) != 0) {
        refuse(item, GLY_GRPC_FAILED_PRECONDITION,
               "executor %u is build %s, but the driver is build %s: use the same build for both",
               message->id, message->version, endpoint->version);
        return false;
    }
    char expected[64];
    snprintf(expected, sizeof expected, GLY_TLS_EXECUTOR_PREFIX "%u", message->id);
    const char *name = gly_grpc_stream_peer(item->stream);
    if (endpoint->options.authority != NULL && strcmp(name, expected) != 0) {
        refuse(item, GLY_GRPC_PERMISSION_DENIED,
               "executor %u was refused: its certificate is for \"%s\", not for \"%s\"",
               message->id, name, expected);
        return false;
    }
    pthread_mutex_lock(&endpoint->lock);
    bool taken = find_peer(endpoint, message->id) != NULL;
    pthread_mutex_unlock(&endpoint->lock);
    if (taken || item->registered) {
        refuse(item, GLY_GRPC_FAILED_PRECONDITION, "executor %u is registered already",
               message->id);
        return false;
    }
    return true;
}

static void take_register(peer *item, const Galley__Register *message) {
    gly_executor_endpoint *endpoint = item->endpoint;
    if (!may_register(item, message)) {
        return;
    }
    gly_executor_info info;
    gly_endpoint_messages_read_register(message, &info);
    pthread_mutex_lock(&endpoint->lock);
    item->registered = true;
    item->id = info.id;
    item->host_id = gly_alloc_string(info.host_id.data);
    item->block_endpoint = gly_alloc_string(info.block_endpoint.data);
    pthread_mutex_unlock(&endpoint->lock);
    gly_builder answer = {0};
    gly_endpoint_messages_add_registered(&endpoint->options, &answer);
    gly_grpc_stream_send(item->stream, gly_builder_str(&answer));
    gly_builder_clear(&answer);
    if (endpoint->callbacks.on_registered != NULL) {
        endpoint->callbacks.on_registered(endpoint->callbacks.context, &info);
    }
}

static void take_heartbeat(peer *item, gly_arena *arena, const Galley__Heartbeat *message) {
    gly_executor_endpoint *endpoint = item->endpoint;
    if (endpoint->callbacks.on_heartbeat != NULL) {
        gly_executor_heartbeat heartbeat;
        gly_endpoint_messages_read_heartbeat(arena, item->id, message, &heartbeat);
        endpoint->callbacks.on_heartbeat(endpoint->callbacks.context, &heartbeat);
    }
}

/* What is said while blocks change hands. */
static void take_leaving(peer *item, const Galley__ExecutorMessage *message) {
    const gly_executor_endpoint_callbacks *callbacks = &item->endpoint->callbacks;
    for (size_t i = 0; i < message->n_decommissioning && callbacks->on_decommissioning != NULL;
         i++) {
        int64_t deadline_ms = message->decommissioning[i]->deadline_ms;
        callbacks->on_decommissioning(callbacks->context, item->id, GLY_MAX(deadline_ms, 0));
    }
    for (size_t i = 0; i < message->n_pulled && callbacks->on_pulled != NULL; i++) {
        gly_executor_pulled pulled;
        gly_endpoint_messages_read_pulled(item->id, message->pulled[i], &pulled);
        callbacks->on_pulled(callbacks->context, &pulled);
    }
}

static void on_message(void *context, gly_grpc_stream *stream, gly_str bytes) {
    peer *item = context;
    (void)stream;
    gly_executor_endpoint *endpoint = item->endpoint;
    item->last_seen_ms = gly_clock_ms();
    gly_arena *arena = gly_arena_make();
    Galley__ExecutorMessage *message = gly_endpoint_messages_unpack(arena, bytes);
    if (message == NULL) {
        refuse(item, GLY_GRPC_INVALID_ARGUMENT, "the executor sent a malformed message");
        gly_arena_free(arena);
        return;
    }
    for (size_t i = 0; i < message->n_register_; i++) {
        take_register(item, message->register_[i]);
    }
    if (!item->registered) {
        if (item->reason[0] == '\0') {
            refuse(item, GLY_GRPC_FAILED_PRECONDITION, "the first message was not Register");
        }
        gly_arena_free(arena);
        return;
    }
    for (size_t i = 0; i < message->n_heartbeats; i++) {
        take_heartbeat(item, arena, message->heartbeats[i]);
    }
    take_leaving(item, message);
    if (message->n_goodbye > 0) {
        snprintf(item->reason, sizeof item->reason, "%s", message->goodbye[0]);
    }
    if (message->n_updates > 0 && endpoint->callbacks.on_task_updates != NULL) {
        gly_task_update_batch batch;
        gly_endpoint_messages_read_updates(arena, item->id, message, &batch);
        endpoint->callbacks.on_task_updates(endpoint->callbacks.context, batch);
    } else {
        gly_arena_free(arena);
    }
}

static void on_closed(void *context, gly_grpc_stream *stream, int code, const char *reason) {
    peer *item = context;
    gly_executor_endpoint *endpoint = item->endpoint;
    pthread_mutex_lock(&endpoint->lock);
    for (size_t i = 0; i < endpoint->peers.count; i++) {
        if (endpoint->peers.items[i] == item) {
            gly_array_remove_at(&endpoint->peers, i);
            break;
        }
    }
    bool tell = item->registered && !endpoint->stopping;
    pthread_mutex_unlock(&endpoint->lock);
    if (tell && endpoint->callbacks.on_lost != NULL) {
        char text[REASON_SIZE + 64];
        if (item->reason[0] != '\0') {
            snprintf(text, sizeof text, "executor %u: %s", item->id, item->reason);
        } else {
            snprintf(text, sizeof text, "executor %u: its connection ended%s%.300s", item->id,
                     code == GLY_GRPC_OK || code == GLY_GRPC_CANCELLED ? "" : ": ",
                     code == GLY_GRPC_OK || code == GLY_GRPC_CANCELLED ? "" : reason);
        }
        endpoint->callbacks.on_lost(endpoint->callbacks.context, item->id, text);
    }
    if (item->block_endpoint != NULL) {
        gly_block_client_forget(endpoint->blocks, gly_str_of(item->block_endpoint));
    }
    gly_grpc_stream_unref(stream);
    free(item->host_id);
    free(item->block_endpoint);
    free(item);
}

static bool is_taken(void *context, uint32_t executor_id) {
    gly_executor_endpoint *endpoint = context;
    pthread_mutex_lock(&endpoint->lock);
    bool taken = find_peer(endpoint, executor_id) != NULL;
    pthread_mutex_unlock(&endpoint->lock);
    return taken;
}

static bool accept_call(void *context, gly_str method, gly_grpc_stream *stream,
                        gly_grpc_stream_events *ret_events) {
    gly_executor_endpoint *endpoint = context;
    if (gly_str_equal(method, GLY_STR("/galley.Driver/Identify"))) {
        gly_endpoint_identity_serve(&endpoint->pods, ret_events);
        return true;
    }
    if (!gly_str_equal(method, GLY_STR("/galley.Driver/Attach"))) {
        return false;
    }
    peer *item = GLY_NEW(peer);
    item->endpoint = endpoint;
    item->stream = stream;
    item->last_seen_ms = gly_clock_ms();
    gly_grpc_stream_ref(stream);
    pthread_mutex_lock(&endpoint->lock);
    gly_array_push(&endpoint->peers, item);
    pthread_mutex_unlock(&endpoint->lock);
    *ret_events =
        (gly_grpc_stream_events){.on_message = on_message, .on_closed = on_closed, .context = item};
    return true;
}

/* Cancelling leads to on_closed, which takes the peer out. */
static void look_for_silence(void *context) {
    gly_executor_endpoint *endpoint = context;
    int64_t now = gly_clock_ms();
    pthread_mutex_lock(&endpoint->lock);
    for (size_t i = 0; i < endpoint->peers.count; i++) {
        peer *item = endpoint->peers.items[i];
        int64_t limit = item->registered ? endpoint->options.liveness_ms : REGISTER_WITHIN_MS;
        int64_t silent = now - item->last_seen_ms;
        if (limit > 0 && silent > limit) {
            if (item->reason[0] == '\0') {
                snprintf(item->reason, sizeof item->reason, "nothing was heard of it for %.1f s",
                         (double)silent / 1000);
            }
            gly_grpc_stream_cancel(item->stream);
        }
    }
    pthread_mutex_unlock(&endpoint->lock);
}

/* --- life --- */

static gly_status listen_on(gly_executor_endpoint *endpoint, gly_error *err) {
    const gly_executor_endpoint_options *options = &endpoint->options;
    const gly_tls_identity *identity = NULL;
    if (options->authority != NULL) {
        GLY_TRY(gly_tls_identity_issue(options->authority, GLY_TLS_DRIVER_NAME, &endpoint->identity,
                                       err));
        identity = &endpoint->identity;
    }
    endpoint->blocks = gly_block_client_make(identity);
    int64_t tick = options->liveness_ms > 0
                       ? GLY_MAX(GLY_MIN(options->liveness_ms / 4, (int64_t)TICK_MS), 10)
                       : TICK_MS;
    endpoint->loop = gly_grpc_loop_make("gly-endpoint", tick, look_for_silence, endpoint);
    const char *address = options->listen_address == NULL ? "127.0.0.1:0" : options->listen_address;
    gly_grpc_server_options server = {
        .address = address, .identity = identity, .accept = accept_call, .context = endpoint};
    return gly_grpc_server_make(endpoint->loop, &server, &endpoint->server, err);
}

gly_status gly_executor_endpoint_make(const gly_executor_endpoint_options *options,
                                      gly_executor_endpoint **ret, gly_error *err) {
    gly_executor_endpoint *endpoint = GLY_NEW(gly_executor_endpoint);
    endpoint->options = *options;
    endpoint->callbacks = options->callbacks;
    pthread_mutex_init(&endpoint->lock, NULL);
    gly_build_version_text(endpoint->version);
    if (options->version != NULL) {
        snprintf(endpoint->version, sizeof endpoint->version, "%s", options->version);
    }
    gly_host_identity_read(endpoint->host_id);
    endpoint->pods = (gly_endpoint_identity){.authority = options->authority,
                                             .application = options->application,
                                             .may_identify = options->callbacks.may_identify,
                                             .context = options->callbacks.context,
                                             .is_taken = is_taken,
                                             .endpoint = endpoint};
    gly_status status = listen_on(endpoint, err);
    if (status != GLY_OK) {
        gly_executor_endpoint_free(endpoint);
        return status;
    }
    const char *host = options->advertised_host == NULL ? "127.0.0.1" : options->advertised_host;
    snprintf(endpoint->address, sizeof endpoint->address,
             strchr(host, ':') != NULL ? "[%s]:%u" : "%s:%u", host,
             gly_executor_endpoint_port(endpoint));
    *ret = endpoint;
    return GLY_OK;
}

void gly_executor_endpoint_free(gly_executor_endpoint *endpoint) {
    if (endpoint == NULL) {
        return;
    }
    pthread_mutex_lock(&endpoint->lock);
    endpoint->stopping = true;
    pthread_mutex_unlock(&endpoint->lock);
    gly_grpc_server_free(endpoint->server);
    gly_grpc_loop_free(endpoint->loop);
    gly_block_client_free(endpoint->blocks);
    gly_array_clear(&endpoint->peers);
    gly_tls_identity_clear(&endpoint->identity);
    pthread_mutex_destroy(&endpoint->lock);
    free(endpoint);
}

uint16_t gly_executor_endpoint_port(const gly_executor_endpoint *endpoint) {
    return gly_grpc_server_port(endpoint->server);
}

const char *gly_executor_endpoint_address(const gly_executor_endpoint *endpoint) {
    return endpoint->address;
}

/* --- sends --- */

bool gly_executor_endpoint_send_stage(gly_executor_endpoint *endpoint, uint32_t executor_id,
                                      gly_str encoded_stage) {
    return send_bytes(endpoint, executor_id, encoded_stage);
}

static bool send_builder(gly_executor_endpoint *endpoint, uint32_t id, gly_builder *message) {
    bool sent = send_bytes(endpoint, id, gly_builder_str(message));
    gly_builder_clear(message);
    return sent;
}

bool gly_executor_endpoint_send_launch(gly_executor_endpoint *endpoint, uint32_t executor_id,
                                       const gly_executor_endpoint_launch *launches, size_t count) {
    if (count == 0) {
        return true;
    }
    gly_builder message = {0};
    gly_endpoint_messages_add_launch(launches, count, &message);
    return send_builder(endpoint, executor_id, &message);
}

bool gly_executor_endpoint_send_kill(gly_executor_endpoint *endpoint, uint32_t executor_id,
                                     const uint64_t *task_ids, size_t count) {
    if (count == 0) {
        return true;
    }
    gly_builder message = {0};
    gly_endpoint_messages_add_kill(task_ids, count, &message);
    return send_builder(endpoint, executor_id, &message);
}

bool gly_executor_endpoint_send_drop_stage(gly_executor_endpoint *endpoint, uint32_t executor_id,
                                           uint64_t query_id, uint32_t stage_id,
                                           uint32_t stage_attempt) {
    gly_builder message = {0};
    gly_endpoint_messages_add_drop_stage(query_id, stage_id, stage_attempt, &message);
    return send_builder(endpoint, executor_id, &message);
}

bool gly_executor_endpoint_send_drop_query(gly_executor_endpoint *endpoint, uint32_t executor_id,
                                           uint64_t query_id) {
    gly_builder message = {0};
    gly_endpoint_messages_add_drop_query(query_id, &message);
    return send_builder(endpoint, executor_id, &message);
}

bool gly_executor_endpoint_send_drop_cache(gly_executor_endpoint *endpoint, uint32_t executor_id,
                                           uint64_t cache_id) {
    gly_builder message = {0};
    gly_endpoint_messages_add_drop_cache(cache_id, &message);
    return send_builder(endpoint, executor_id, &message);
}

bool gly_executor_endpoint_shutdown(gly_executor_endpoint *endpoint, uint32_t executor_id,
                                    const char *reason) {
    gly_builder message = {0};
    gly_endpoint_messages_add_shutdown(reason, &message);
    return send_builder(endpoint, executor_id, &message);
}

bool gly_executor_endpoint_send_pull(gly_executor_endpoint *endpoint, uint32_t executor_id,
                                     const gly_executor_endpoint_pull *pull) {
    char address[300], host_id[GLY_HOST_IDENTITY_SIZE] = "";
    pthread_mutex_lock(&endpoint->lock);
    const peer *from = find_peer(endpoint, pull->from_executor_id);
    if (from != NULL) {
        snprintf(address, sizeof address, "%s", from->block_endpoint);
        snprintf(host_id, sizeof host_id, "%s", from->host_id);
    }
    pthread_mutex_unlock(&endpoint->lock);
    if (from == NULL) {
        return false;
    }
    gly_builder message = {0};
    gly_endpoint_messages_add_pull(pull, address, host_id, &message);
    return send_builder(endpoint, executor_id, &message);
}

void gly_executor_endpoint_send_moved(gly_executor_endpoint *endpoint, uint32_t executor_id,
                                      const gly_str *paths, uint32_t count) {
    GLY_ARRAY(gly_grpc_stream *) streams = {0};
    gly_builder message = {0};
    pthread_mutex_lock(&endpoint->lock);
    const peer *to = find_peer(endpoint, executor_id);
    if (to != NULL) {
        gly_endpoint_messages_add_moved(executor_id, to->block_endpoint, to->host_id, paths, count,
                                        &message);
    }
    for (size_t i = 0; to != NULL && i < endpoint->peers.count; i++) {
        if (endpoint->peers.items[i]->registered) {
            gly_grpc_stream_ref(endpoint->peers.items[i]->stream);
            gly_array_push(&streams, endpoint->peers.items[i]->stream);
        }
    }
    pthread_mutex_unlock(&endpoint->lock);
    for (size_t i = 0; i < streams.count; i++) {
        gly_grpc_stream_send(streams.items[i], gly_builder_str(&message));
        gly_grpc_stream_unref(streams.items[i]);
    }
    gly_array_clear(&streams);
    gly_builder_clear(&message);
}

bool gly_executor_endpoint_place(gly_executor_endpoint *endpoint, uint32_t executor_id,
                                 char *address, size_t size) {
    pthread_mutex_lock(&endpoint->lock);
    const peer *item = find_peer(endpoint, executor_id);
    if (item != NULL) {
        snprintf(address, size, "%s", item->block_endpoint);
    }
    pthread_mutex_unlock(&endpoint->lock);
    return item != NULL;
}

/* --- large results --- */

static gly_status read_file(const char *path, uint64_t offset, uint64_t length, gly_builder *out,
                            gly_error *err) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return gly_error_from_errno(err, errno, "cannot open %s", path);
    }
    gly_status status = GLY_OK;
    size_t before = out->size;
    while (length > 0) {
        size_t wanted = (size_t)GLY_MIN(length, (uint64_t)1 << 20);
        char *room = gly_builder_room(out, wanted);
        ssize_t got = pread(fd, room, wanted, (off_t)offset);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            status = gly_error_from_errno(err, errno, "cannot read %s", path);
            break;
        }
        if (got == 0) {
            if (length < UINT64_MAX / 2) {
                status = gly_fail(err, GLY_E_FETCH_FAILED, "%s ends %llu bytes too early", path,
                                  (unsigned long long)length);
            }
            break;
        }
        out->size += (size_t)got;
        offset += (uint64_t)got;
        length -= (uint64_t)got;
    }
    close(fd);
    if (status != GLY_OK) {
        out->size = before;
    }
    return status;
}

gly_status gly_executor_endpoint_fetch_block(gly_executor_endpoint *endpoint, uint32_t executor_id,
                                             gly_str path, uint64_t offset, uint64_t length,
                                             gly_builder *out, gly_error *err) {
    char peer_address[300] = "", file[4096];
    bool shared = false;
    pthread_mutex_lock(&endpoint->lock);
    const peer *item = find_peer(endpoint, executor_id);
    if (item != NULL) {
        snprintf(peer_address, sizeof peer_address, "%s", item->block_endpoint);
        shared = strcmp(item->host_id, endpoint->host_id) == 0;
    }
    pthread_mutex_unlock(&endpoint->lock);
    if (peer_address[0] == '\0') {
        return gly_fail(err, GLY_E_FETCH_FAILED,
                        "cannot fetch %.*s: executor %u is not connected any more",
                        GLY_STR_ARG(path), executor_id);
    }
    if (shared && path.size < sizeof file) {
        memcpy(file, path.data, path.size);
        file[path.size] = '\0';
        if (read_file(file, offset, length, out, NULL) == GLY_OK) {
            return GLY_OK;
        }
    }
    char name[16];
    snprintf(name, sizeof name, "%u", executor_id);
    gly_block_range range = {path, offset, length};
    return gly_block_client_fetch(endpoint->blocks, gly_str_of(peer_address), gly_str_of(name),
                                  &range, 1, out, err);
}
