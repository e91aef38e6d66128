/* block_client.c - galley.Blocks/Fetch from the reader's side, synchronously.
 *
 * The calling thread polls a completion queue of its own ("pluck"), so bytes go from the socket
 * into its memory without a hand-over.  Queues are pooled: there are as many as threads ever
 * fetched at once.  Data is copied once, from gRPC's slices behind the message header into the
 * target. Invariant: a connection is freed when the last fetch on it is over and it is no longer in
 * the table. Retries: UNAVAILABLE and broken streams on a fresh connection after 20 ms and 200 ms;
 * what the peer refused (no such file) is not tried again.
 */
#include "lib/net/block_client.h"

#include "lib/base/alloc.h"
#include "lib/base/array.h"
#include "lib/base/clock.h"
#include "lib/net/grpc_internal.h"
#include "lib/net/wire.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

enum { ATTEMPTS = 3, MOST_AHEAD = 64 << 20, STALL_MS = 60000, POLL_MS = 200 };

typedef struct connection {
    char *endpoint;
    char name[64]; /* that the peer's certificate must carry: an address may change its owner */
    grpc_channel *channel;
    uint32_t users; /* plus one while in the table */
} connection;

struct gly_block_client {
    gly_tls_identity identity;
    bool encrypted;
    atomic_bool cancelled;
    pthread_mutex_t lock;
    GLY_ARRAY(connection *) connections;
    GLY_ARRAY(grpc_completion_queue *) queues; /* idle ones */
};

gly_block_client *gly_block_client_make(const gly_tls_identity *identity) {
    gly_block_client *client = GLY_NEW(gly_block_client);
    pthread_mutex_init(&client->lock, NULL);
    if (identity != NULL) {
        client->encrypted = true;
        client->identity = (gly_tls_identity){gly_alloc_string(identity->authority_pem),
                                              gly_alloc_string(identity->certificate_pem),
                                              gly_alloc_string(identity->key_pem)};
    }
    gly_grpc_loop_start_library();
    return client;
}

/* The caller holds the lock. */
static void drop_user(connection *peer) {
    if (--peer->users == 0) {
        grpc_channel_destroy(peer->channel);
        free(peer->endpoint);
        free(peer);
    }
}

void gly_block_client_free(gly_block_client *client) {
    if (client == NULL) {
        return;
    }
    for (size_t i = 0; i < client->connections.count; i++) {
        drop_user(client->connections.items[i]);
    }
    for (size_t i = 0; i < client->queues.count; i++) {
        grpc_completion_queue_shutdown(client->queues.items[i]);
        grpc_completion_queue_destroy(client->queues.items[i]);
    }
    gly_array_clear(&client->connections);
    gly_array_clear(&client->queues);
    gly_tls_identity_clear(&client->identity);
    pthread_mutex_destroy(&client->lock);
    free(client);
    grpc_shutdown();
}

void gly_block_client_cancel(gly_block_client *client) { atomic_store(&client->cancelled, true); }

static connection *connect_to(gly_block_client *client, gly_str endpoint, gly_str executor_id) {
    char name[64];
    snprintf(name, sizeof name, GLY_TLS_EXECUTOR_PREFIX "%.*s",
             (int)GLY_MIN(executor_id.size, (size_t)20), executor_id.data);
    pthread_mutex_lock(&client->lock);
    for (size_t i = 0; i < client->connections.count; i++) {
        connection *peer = client->connections.items[i];
        if (gly_str_equal(gly_str_of(peer->endpoint), endpoint) && strcmp(peer->name, name) == 0) {
            peer->users++;
            pthread_mutex_unlock(&client->lock);
            return peer;
        }
    }
    connection *peer = GLY_NEW(connection);
    peer->endpoint = gly_alloc(endpoint.size + 1);
    memcpy(peer->endpoint, endpoint.data, endpoint.size);
    peer->endpoint[endpoint.size] = '\0';
    memcpy(peer->name, name, sizeof name);
    peer->channel = gly_grpc_client_channel(
        peer->endpoint, client->encrypted ? &client->identity : NULL, peer->name, true);
    peer->users = 2;
    gly_array_push(&client->connections, peer);
    pthread_mutex_unlock(&client->lock);
    return peer;
}

static void release_connection(gly_block_client *client, connection *peer, bool broken) {
    pthread_mutex_lock(&client->lock);
    for (size_t i = 0; broken && i < client->connections.count; i++) {
        if (client->connections.items[i] == peer) {
            gly_array_remove_at(&client->connections, i);
            peer->users--; /* the table's; ours is left */
            break;
        }
    }
    drop_user(peer);
    pthread_mutex_unlock(&client->lock);
}

void gly_block_client_forget(gly_block_client *client, gly_str endpoint) {
    pthread_mutex_lock(&client->lock);
    for (size_t i = client->connections.count; i-- > 0;) {
        connection *peer = client->connections.items[i];
        if (gly_str_equal(gly_str_of(peer->endpoint), endpoint)) {
            gly_array_remove_at(&client->connections, i);
            drop_user(peer);
        }
    }
    pthread_mutex_unlock(&client->lock);
}

static grpc_completion_queue *take_queue(gly_block_client *client) {
    grpc_completion_queue *queue = NULL;
    pthread_mutex_lock(&client->lock);
    if (client->queues.count > 0) {
        queue = client->queues.items[--client->queues.count];
    }
    pthread_mutex_unlock(&client->lock);
    return queue != NULL ? queue : grpc_completion_queue_create_for_pluck(NULL);
}

static void give_queue(gly_block_client *client, grpc_completion_queue *queue) {
    pthread_mutex_lock(&client->lock);
    gly_array_push(&client->queues, queue);
    pthread_mutex_unlock(&client->lock);
}

/* --- one attempt --- */

typedef struct fetch {
    gly_block_client *client;
    grpc_completion_queue *queue;
    grpc_call *call;
    gly_builder *out;
    uint64_t left; /* bytes still allowed; UINT64_MAX when a length is open */
    bool open_end;
    bool malformed;
} fetch;

/* Waits for the operation; gives up when nothing moves, or the process is ending. */
static bool wait_for(fetch *state, void *tag) {
    int64_t give_up_ms = gly_clock_ms() + STALL_MS;
    for (;;) {
        gpr_timespec deadline =
            gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(POLL_MS, GPR_TIMESPAN));
        grpc_event event = grpc_completion_queue_pluck(state->queue, tag, deadline, NULL);
        if (event.type == GRPC_OP_COMPLETE) {
            return event.success != 0;
        }
        if (atomic_load(&state->client->cancelled)) {
            grpc_call_cancel(state->call, NULL);
        } else if (gly_clock_ms() > give_up_ms) {
            grpc_call_cancel_with_status(state->call, GRPC_STATUS_UNAVAILABLE,
                                         "nothing came for a minute", NULL);
        }
    }
}

/* Reads a varint that may be cut by slice borders. */
typedef struct cursor {
    grpc_byte_buffer_reader reader;
    const uint8_t *at, *end;
} cursor;

static bool next_byte(cursor *at_message, uint8_t *ret) {
    while (at_message->at == at_message->end) {
        grpc_slice *slice;
        if (!grpc_byte_buffer_reader_peek(&at_message->reader, &slice)) {
            return false;
        }
        at_message->at = GRPC_SLICE_START_PTR(*slice);
        at_message->end = at_message->at + GRPC_SLICE_LENGTH(*slice);
    }
    *ret = *at_message->at++;
    return true;
}

static bool next_varint(cursor *at_message, uint64_t *ret) {
    uint64_t value = 0;
    uint8_t byte;
    for (unsigned i = 0; i < GLY_WIRE_MAX_VARINT && next_byte(at_message, &byte); i++) {
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            *ret = value;
            return true;
        }
    }
    return false;
}

static bool append_chunk(fetch *state, cursor *at_message) {
    uint64_t tag, value;
    if (!next_varint(at_message, &tag) || tag != (1 << 3 | GLY_WIRE_VARINT) ||
        !next_varint(at_message, &value) || !next_varint(at_message, &tag) ||
        tag != (2 << 3 | GLY_WIRE_BYTES) || !next_varint(at_message, &value) ||
        value > state->left) {
        return false;
    }
    state->left -= state->open_end ? 0 : value;
    char *room = gly_builder_room(state->out, (size_t)value);
    size_t filled = 0;
    while (filled < value) {
        if (at_message->at == at_message->end) {
            uint8_t first;
            if (!next_byte(at_message, &first)) {
                return false;
            }
            at_message->at--;
        }
        size_t size = GLY_MIN((size_t)(at_message->end - at_message->at), (size_t)value - filled);
        memcpy(room + filled, at_message->at, size);
        at_message->at += size;
        filled += size;
    }
    state->out->size += filled;
    uint8_t extra;
    return !next_byte(at_message, &extra);
}

static void take_message(fetch *state, grpc_byte_buffer *message) {
    cursor message_cursor = {0};
    if (!grpc_byte_buffer_reader_init(&message_cursor.reader, message)) {
        state->malformed = true;
        return;
    }
    if (!append_chunk(state, &message_cursor)) {
        state->malformed = true;
        grpc_call_cancel(state->call, NULL);
    }
    grpc_byte_buffer_reader_destroy(&message_cursor.reader);
}

static grpc_byte_buffer *encode_request(const gly_block_range *ranges, size_t count) {
    gly_builder request = {0}, item = {0};
    for (size_t i = 0; i < count; i++) {
        gly_builder_reset(&item);
        gly_wire_add_bytes(&item, 1, ranges[i].path);
        gly_wire_add_varint(&item, 2, ranges[i].offset);
        gly_wire_add_varint(&item, 3, ranges[i].length);
        gly_wire_add_bytes(&request, 1, gly_builder_str(&item));
    }
    grpc_slice slice = grpc_slice_from_copied_buffer(request.data, request.size);
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    gly_builder_clear(&request);
    gly_builder_clear(&item);
    return buffer;
}

static grpc_call *start_call(connection *peer, grpc_completion_queue *queue) {
    return grpc_channel_create_call(peer->channel, NULL, GRPC_PROPAGATE_DEFAULTS, queue,
                                    grpc_slice_from_static_string("/galley.Blocks/Fetch"), NULL,
                                    gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
}

/* Runs the call to its end; the status code, and its text in reason. */
static int run_call(fetch *state, grpc_byte_buffer *request, char *reason, size_t reason_size) {
    grpc_metadata_array initial, trailing;
    grpc_metadata_array_init(&initial);
    grpc_metadata_array_init(&trailing);
    grpc_status_code code = GRPC_STATUS_UNKNOWN;
    grpc_slice details = grpc_empty_slice();
    grpc_byte_buffer *message = NULL;
    grpc_op first[5] = {0};
    first[0].op = GRPC_OP_SEND_INITIAL_METADATA;
    first[1].op = GRPC_OP_SEND_MESSAGE;
    first[1].data.send_message.send_message = request;
    first[2].op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
    first[3].op = GRPC_OP_RECV_INITIAL_METADATA;
    first[3].data.recv_initial_metadata.recv_initial_metadata = &initial;
    first[4].op = GRPC_OP_RECV_MESSAGE;
    first[4].data.recv_message.recv_message = &message;
    grpc_op next = first[4];
    grpc_op last = {.op = GRPC_OP_RECV_STATUS_ON_CLIENT};
    last.data.recv_status_on_client.trailing_metadata = &trailing;
    last.data.recv_status_on_client.status = &code;
    last.data.recv_status_on_client.status_details = &details;
    GLY_ASSERT(grpc_call_start_batch(state->call, &last, 1, &last, NULL) == GRPC_CALL_OK);
    GLY_ASSERT(grpc_call_start_batch(state->call, first, 5, first, NULL) == GRPC_CALL_OK);
    wait_for(state, first);
    while (message != NULL) {
        take_message(state, message);
        grpc_byte_buffer_destroy(message);
        message = NULL;
        GLY_ASSERT(grpc_call_start_batch(state->call, &next, 1, &next, NULL) == GRPC_CALL_OK);
        wait_for(state, &next);
    }
    wait_for(state, &last);
    snprintf(reason, reason_size, "%.*s", (int)GRPC_SLICE_LENGTH(details),
             (const char *)GRPC_SLICE_START_PTR(details));
    grpc_slice_unref(details);
    grpc_metadata_array_destroy(&initial);
    grpc_metadata_array_destroy(&trailing);
    return (int)code;
}

static bool worth_retrying(int code) {
    return code == GLY_GRPC_UNAVAILABLE || code == GLY_GRPC_UNKNOWN || code == GLY_GRPC_INTERNAL ||
           code == GLY_GRPC_DATA_LOSS || code == GLY_GRPC_CANCELLED;
}

gly_status gly_block_client_fetch(gly_block_client *client, gly_str endpoint, gly_str executor_id,
                                  const gly_block_range *ranges, size_t range_count,
                                  gly_builder *out, gly_error *err) {
    static const int64_t waits_ms[ATTEMPTS] = {0, 20, 200};
    uint64_t total = 0;
    bool open_end = false;
    for (size_t i = 0; i < range_count; i++) {
        open_end |= ranges[i].length == UINT64_MAX || total + ranges[i].length < total;
        total += ranges[i].length;
    }
    if (range_count == 0 || (!open_end && total == 0)) {
        return GLY_OK;
    }
    size_t before = out->size;
    char reason[600] = "";
    int code = GLY_GRPC_OK;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        if (atomic_load(&client->cancelled)) {
            snprintf(reason, sizeof reason, "the executor is ending");
            break;
        }
        gly_clock_sleep_ms(waits_ms[attempt]);
        gly_builder_room(out, open_end ? 0 : (size_t)GLY_MIN(total, (uint64_t)MOST_AHEAD));
        connection *peer = connect_to(client, endpoint, executor_id);
        fetch state = {.client = client,
                       .queue = take_queue(client),
                       .out = out,
                       .left = open_end ? UINT64_MAX : total,
                       .open_end = open_end};
        state.call = start_call(peer, state.queue);
        grpc_byte_buffer *request = encode_request(ranges, range_count);
        code = run_call(&state, request, reason, sizeof reason);
        grpc_byte_buffer_destroy(request);
        grpc_call_unref(state.call);
        give_queue(client, state.queue);
        bool whole = !state.malformed && (open_end || state.left == 0);
        release_connection(client, peer, code == GLY_GRPC_UNAVAILABLE);
        if (code == GLY_GRPC_OK && whole) {
            return GLY_OK;
        }
        out->size = before;
        if (code == GLY_GRPC_OK || state.malformed) {
            snprintf(reason, sizeof reason, "the answer is malformed");
            code = GLY_GRPC_INTERNAL;
        }
        if (!worth_retrying(code)) {
            break;
        }
    }
    return gly_fail(err, GLY_E_FETCH_FAILED,
                    "cannot fetch %.*s from executor %.*s at %.*s: %s (%s)",
                    GLY_STR_ARG(ranges[0].path), GLY_STR_ARG(executor_id), GLY_STR_ARG(endpoint),
                    reason, gly_grpc_status_name(code));
}
