/* driver_client.c - one stream to the driver: dialling with patience, messages both ways, its end.
 *
 * The stream's end is how each side learns of the other's death, so nothing is ever re-dialled once
 * the driver has answered: an executor without its driver has no purpose.
 * Not here: what commands mean (executor.c).
 */
#include "executor/driver_client.h"

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/net/grpc_client.h"
#include "lib/net/protobuf_arena.h"
#include "lib/net/wire.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

enum { MOST_UNSENT = 32 << 20, RETRY_MS = 100, GOODBYE_FIELD = 4 };

struct gly_driver_client {
    gly_grpc_loop *loop;
    gly_grpc_client *connection;
    gly_driver_client_callbacks callbacks;
    char *address;
    const gly_tls_identity *identity;
    gly_builder registration;
    int64_t timeout_ms, give_up_ms;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    gly_grpc_stream *stream;
    bool answered, ended, closing;
};

static void dial(gly_driver_client *client);

static void on_message(void *context, gly_grpc_stream *stream, gly_str bytes) {
    gly_driver_client *client = context;
    (void)stream;
    pthread_mutex_lock(&client->lock);
    client->answered = true;
    pthread_mutex_unlock(&client->lock);
    /* Each command gets an arena of its own, as stages keep theirs. */
    gly_wire_field field;
    while (gly_wire_next(&bytes, &field)) {
        if (field.number != 1 || field.type != GLY_WIRE_BYTES) {
            continue;
        }
        gly_arena *arena = gly_arena_make();
        gly_protobuf_arena allocator;
        gly_protobuf_arena_init(&allocator, arena, field.bytes.size * 64 + 65536);
        const Galley__DriverCommand *command = galley__driver_command__unpack(
            &allocator.allocator, field.bytes.size, (const uint8_t *)field.bytes.data);
        if (command == NULL) {
            fprintf(stderr, "galley-executor: the driver sent a malformed command\n");
            gly_arena_free(arena);
            continue;
        }
        client->callbacks.on_command(client->callbacks.context, arena, command);
    }
}

static void on_sent(void *context, gly_grpc_stream *stream) {
    gly_driver_client *client = context;
    (void)stream;
    pthread_mutex_lock(&client->lock);
    pthread_cond_broadcast(&client->changed);
    pthread_mutex_unlock(&client->lock);
}

static void on_closed(void *context, gly_grpc_stream *stream, int code, const char *reason) {
    gly_driver_client *client = context;
    pthread_mutex_lock(&client->lock);
    bool again = !client->answered && !client->closing && code == GLY_GRPC_UNAVAILABLE &&
                 gly_clock_ms() < client->give_up_ms;
    bool refused = !client->answered;
    if (!again) {
        client->ended = true;
        pthread_cond_broadcast(&client->changed);
    }
    gly_grpc_stream *finished = client->stream;
    client->stream = NULL;
    pthread_mutex_unlock(&client->lock);
    (void)stream;
    gly_grpc_stream_unref(finished);
    if (again) {
        gly_clock_sleep_ms(RETRY_MS); /* nothing else runs on this thread yet */
        gly_grpc_client_free(client->connection);
        client->connection = NULL;
        dial(client);
        return;
    }
    char text[1200];
    if (code == GLY_GRPC_OK) {
        snprintf(text, sizeof text, "the driver ended the connection");
    } else {
        snprintf(text, sizeof text, "%s (%s)", reason, gly_grpc_status_name(code));
    }
    client->callbacks.on_gone(client->callbacks.context, refused, text);
}

static void dial(gly_driver_client *client) {
    client->connection =
        gly_grpc_client_make(client->address, client->identity, GLY_TLS_DRIVER_NAME);
    gly_grpc_stream_events events = {
        .on_message = on_message, .on_sent = on_sent, .on_closed = on_closed, .context = client};
    pthread_mutex_lock(&client->lock); /* callbacks wait until the stream is known */
    client->stream = gly_grpc_client_open(client->connection, client->loop, "/galley.Driver/Attach",
                                          gly_builder_str(&client->registration), &events);
    pthread_mutex_unlock(&client->lock);
}

gly_driver_client *gly_driver_client_make(gly_grpc_loop *loop, const char *address,
                                          const gly_tls_identity *identity, gly_str registration,
                                          int64_t timeout_ms,
                                          const gly_driver_client_callbacks *callbacks) {
    gly_driver_client *client = GLY_NEW(gly_driver_client);
    client->loop = loop;
    client->address = gly_alloc_string(address);
    client->identity = identity;
    client->callbacks = *callbacks;
    client->timeout_ms = timeout_ms;
    gly_builder_add(&client->registration, registration.data, registration.size);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&client->lock, NULL);
    pthread_cond_init(&client->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return client;
}

void gly_driver_client_start(gly_driver_client *client) {
    client->give_up_ms = gly_clock_ms() + client->timeout_ms;
    dial(client);
}

static gly_grpc_stream *take_stream(gly_driver_client *client) {
    gly_grpc_stream *stream = client->stream;
    if (stream != NULL) {
        gly_grpc_stream_ref(stream);
    }
    return stream;
}

void gly_driver_client_send_now(gly_driver_client *client, gly_str message) {
    pthread_mutex_lock(&client->lock);
    gly_grpc_stream *stream = take_stream(client);
    pthread_mutex_unlock(&client->lock);
    if (stream != NULL) {
        gly_grpc_stream_send(stream, message);
        gly_grpc_stream_unref(stream);
    }
}

void gly_driver_client_send(gly_driver_client *client, gly_str message) {
    pthread_mutex_lock(&client->lock);
    gly_grpc_stream *stream = take_stream(client);
    while (stream != NULL && !client->ended && !client->closing &&
           gly_grpc_stream_unsent(stream) > MOST_UNSENT) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec++;
        pthread_cond_timedwait(&client->changed, &client->lock, &until);
    }
    pthread_mutex_unlock(&client->lock);
    if (stream != NULL) {
        gly_grpc_stream_send(stream, message);
        gly_grpc_stream_unref(stream);
    }
}

static bool wait_for_end(gly_driver_client *client, int64_t wait_ms) {
    int64_t until = gly_clock_ns() + wait_ms * 1000000;
    struct timespec deadline = {until / 1000000000, until % 1000000000};
    while (!client->ended &&
           pthread_cond_timedwait(&client->changed, &client->lock, &deadline) != ETIMEDOUT) {
    }
    return client->ended;
}

void gly_driver_client_close(gly_driver_client *client, const char *goodbye, int64_t wait_ms) {
    pthread_mutex_lock(&client->lock);
    client->closing = true;
    pthread_cond_broadcast(&client->changed);
    gly_grpc_stream *stream = take_stream(client);
    pthread_mutex_unlock(&client->lock);
    if (stream != NULL) {
        gly_builder message = {0};
        gly_wire_add_bytes(&message, GOODBYE_FIELD, gly_str_of(goodbye));
        gly_grpc_stream_send(stream, gly_builder_str(&message));
        gly_builder_clear(&message);
        gly_grpc_stream_finish(stream, GLY_GRPC_OK, "");
    }
    pthread_mutex_lock(&client->lock);
    if (!wait_for_end(client, wait_ms) && stream != NULL) {
        gly_grpc_stream_cancel(stream);
        wait_for_end(client, 1000);
    }
    pthread_mutex_unlock(&client->lock);
    gly_grpc_stream_unref(stream);
}

void gly_driver_client_free(gly_driver_client *client) {
    if (client != NULL) {
        gly_grpc_client_free(client->connection);
        gly_builder_clear(&client->registration);
        pthread_mutex_destroy(&client->lock);
        pthread_cond_destroy(&client->changed);
        free(client->address);
        free(client);
    }
}
