/* grpc_stream.c - the operations of one call, so that users see messages and an end.
 *
 * At most one send and one receive are outstanding (gRPC's rule).  What is sent meanwhile waits in
 * `pending` and leaves as one message: under load the number of messages falls, not the throughput.
 * The call is closed when its closing operation (server: RECV_CLOSE, client: RECV_STATUS) and all
 * others have completed; then on_closed runs and the call is given back.
 * Invariant: operations start only under !closing, counted in `outstanding`; the loop lives longer.
 * Not here: who dials (grpc_client.c) and who accepts (grpc_server.c).
 */
#include "lib/base/alloc.h"
#include "lib/base/tsan.h"
#include "lib/net/grpc_internal.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/support/alloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

enum { KEEP_INBOX = 1 << 20 };

/* Tags are embedded; each knows its stream. */
typedef struct op_tag {
    gly_grpc_tag tag;
    gly_grpc_stream *stream;
} op_tag;

struct gly_grpc_stream {
    gly_grpc_loop *loop;
    grpc_call *call;
    gly_grpc_stream_events events;
    bool is_server;
    atomic_uint references;
    op_tag send_tag, receive_tag, close_tag;
    char peer[128];

    pthread_mutex_t lock; /* guards what follows, up to the next comment */
    gly_builder pending;
    size_t sending_size;
    uint32_t outstanding;
    bool sending, started, closing, closed, finish_wanted, finish_sent;
    int finish_code;
    char *finish_reason;

    /* the loop's thread only */
    grpc_byte_buffer *received;
    gly_builder inbox;
    grpc_metadata_array initial, trailing;
    bool initial_received;
    int cancelled; /* server */
    grpc_status_code status;
    grpc_slice status_details;
};

static void send_done(gly_grpc_tag *tag, bool success);
static void receive_done(gly_grpc_tag *tag, bool success);
static void close_done(gly_grpc_tag *tag, bool success);

static gly_grpc_stream *make(gly_grpc_loop *loop, grpc_call *call, bool is_server) {
    gly_grpc_stream *stream = GLY_NEW(gly_grpc_stream);
    stream->loop = loop;
    stream->call = call;
    stream->is_server = is_server;
    atomic_init(&stream->references, 1); /* the loop's, given back when closed */
    stream->send_tag = (op_tag){{send_done}, stream};
    stream->receive_tag = (op_tag){{receive_done}, stream};
    stream->close_tag = (op_tag){{close_done}, stream};
    pthread_mutex_init(&stream->lock, NULL);
    grpc_metadata_array_init(&stream->initial);
    grpc_metadata_array_init(&stream->trailing);
    stream->status_details = grpc_empty_slice();
    gly_grpc_loop_begin(loop);
    return stream;
}

void gly_grpc_stream_ref(gly_grpc_stream *stream) { atomic_fetch_add(&stream->references, 1); }

void gly_grpc_stream_unref(gly_grpc_stream *stream) {
    if (stream == NULL || atomic_fetch_sub(&stream->references, 1) != 1) {
        return;
    }
    grpc_metadata_array_destroy(&stream->initial);
    grpc_metadata_array_destroy(&stream->trailing);
    grpc_slice_unref(stream->status_details);
    gly_builder_clear(&stream->pending);
    gly_builder_clear(&stream->inbox);
    free(stream->finish_reason);
    pthread_mutex_destroy(&stream->lock);
    free(stream);
}

const char *gly_grpc_stream_peer(const gly_grpc_stream *stream) { return stream->peer; }

static void start(gly_grpc_stream *stream, const grpc_op *ops, size_t count, op_tag *tag) {
    grpc_call *call = stream->call; /* once the batch has started, the stream may end any time */
    GLY_TSAN_RELEASE(&tag->tag);
    grpc_call_error error = grpc_call_start_batch(call, ops, count, &tag->tag, NULL);
    GLY_ASSERT(error == GRPC_CALL_OK);
}

/* --- receiving --- */

static void receive_next(gly_grpc_stream *stream) {
    pthread_mutex_lock(&stream->lock);
    bool may = !stream->closing;
    if (may) {
        stream->outstanding++;
    }
    pthread_mutex_unlock(&stream->lock);
    if (!may) {
        return;
    }
    grpc_op ops[2] = {0};
    size_t count = 0;
    if (!stream->is_server && !stream->initial_received) {
        stream->initial_received = true;
        ops[count].op = GRPC_OP_RECV_INITIAL_METADATA;
        ops[count++].data.recv_initial_metadata.recv_initial_metadata = &stream->initial;
    }
    ops[count].op = GRPC_OP_RECV_MESSAGE;
    ops[count++].data.recv_message.recv_message = &stream->received;
    start(stream, ops, count, &stream->receive_tag);
}

static void complete(gly_grpc_stream *stream) {
    pthread_mutex_lock(&stream->lock);
    GLY_ASSERT(stream->outstanding > 0);
    stream->outstanding--;
    bool over = stream->closing && stream->outstanding == 0;
    if (over) {
        stream->closed = true; /* no cancel from now on */
    }
    pthread_mutex_unlock(&stream->lock);
    if (!over) {
        return;
    }
    char reason[1024] = "";
    int code = stream->cancelled ? GLY_GRPC_CANCELLED : GLY_GRPC_OK;
    if (!stream->is_server) {
        code = (int)stream->status;
        size_t size = GLY_MIN(GRPC_SLICE_LENGTH(stream->status_details), sizeof reason - 1);
        memcpy(reason, GRPC_SLICE_START_PTR(stream->status_details), size);
        reason[size] = '\0';
    } else if (stream->cancelled) {
        snprintf(reason, sizeof reason, "the connection was closed by the other side");
    }
    if (stream->events.on_closed != NULL) {
        stream->events.on_closed(stream->events.context, stream, code, reason);
    }
    grpc_call_unref(stream->call);
    stream->call = NULL;
    gly_grpc_loop *loop = stream->loop;
    gly_grpc_stream_unref(stream);
    gly_grpc_loop_end(loop);
}

/* The message as one piece: in place if it is one slice, else gathered in the inbox. */
static void deliver(gly_grpc_stream *stream, grpc_byte_buffer *buffer) {
    grpc_byte_buffer_reader reader;
    if (!grpc_byte_buffer_reader_init(&reader, buffer)) {
        return;
    }
    grpc_slice *first, *second;
    if (!grpc_byte_buffer_reader_peek(&reader, &first)) {
        stream->events.on_message(stream->events.context, stream, (gly_str){"", 0});
    } else if (!grpc_byte_buffer_reader_peek(&reader, &second)) {
        gly_str message = {(const char *)GRPC_SLICE_START_PTR(*first), GRPC_SLICE_LENGTH(*first)};
        stream->events.on_message(stream->events.context, stream, message);
    } else {
        gly_builder *inbox = &stream->inbox;
        gly_builder_room(inbox, grpc_byte_buffer_length(buffer));
        inbox->size = 0;
        gly_builder_add(inbox, GRPC_SLICE_START_PTR(*first), GRPC_SLICE_LENGTH(*first));
        do {
            gly_builder_add(inbox, GRPC_SLICE_START_PTR(*second), GRPC_SLICE_LENGTH(*second));
        } while (grpc_byte_buffer_reader_peek(&reader, &second));
        stream->events.on_message(stream->events.context, stream, gly_builder_str(inbox));
        if (inbox->capacity > KEEP_INBOX) {
            gly_builder_clear(inbox);
        }
    }
    grpc_byte_buffer_reader_destroy(&reader);
}

static void receive_done(gly_grpc_tag *tag, bool success) {
    gly_grpc_stream *stream = ((op_tag *)tag)->stream;
    grpc_byte_buffer *buffer = stream->received;
    stream->received = NULL;
    if (buffer != NULL) {
        if (success) {
            deliver(stream, buffer);
        }
        grpc_byte_buffer_destroy(buffer);
        if (success && !stream->events.single_request) {
            receive_next(stream);
        }
    } else if (stream->is_server) {
        gly_grpc_stream_finish(stream, GLY_GRPC_OK, ""); /* the client has said all it wanted */
    }
    complete(stream);
}

static void close_done(gly_grpc_tag *tag, bool success) {
    gly_grpc_stream *stream = ((op_tag *)tag)->stream;
    (void)success;
    pthread_mutex_lock(&stream->lock);
    stream->closing = true;
    gly_builder_clear(&stream->pending);
    pthread_mutex_unlock(&stream->lock);
    complete(stream);
}

/* --- sending --- */

static void free_memory(void *memory) {
    GLY_TSAN_ACQUIRE(memory);
    free(memory);
}

/* Starts the next send or the finish if there is something to do; the caller holds the lock, which is
 * released.  Bytes are owned (malloc'd) when base is not NULL. */
static void pump(gly_grpc_stream *stream, void *base, size_t offset, size_t size) {
    if (stream->sending || stream->closing || stream->finish_sent) {
        pthread_mutex_unlock(&stream->lock);
        free(base);
        return;
    }
    if (base == NULL && stream->pending.size > 0) {
        base = stream->pending.data;
        size = stream->pending.size;
        stream->pending = (gly_builder){0};
    }
    bool finish = base == NULL && stream->finish_wanted;
    if (base == NULL && !finish && stream->started) {
        pthread_mutex_unlock(&stream->lock);
        return;
    }
    bool with_metadata = !stream->started;
    stream->started = true;
    stream->sending = true;
    stream->sending_size = size;
    stream->outstanding++;
    stream->finish_sent = finish;
    pthread_mutex_unlock(&stream->lock);

    grpc_op ops[3] = {0};
    size_t count = 0;
    if (with_metadata) {
        ops[count++].op = GRPC_OP_SEND_INITIAL_METADATA;
    }
    grpc_byte_buffer *buffer = NULL;
    grpc_slice slice;
    grpc_slice details = grpc_empty_slice();
    if (base != NULL) {
        GLY_TSAN_RELEASE(base);
        slice = grpc_slice_new_with_user_data((char *)base + offset, size, free_memory, base);
        buffer = grpc_raw_byte_buffer_create(&slice, 1);
        ops[count].op = GRPC_OP_SEND_MESSAGE;
        ops[count++].data.send_message.send_message = buffer;
        grpc_slice_unref(slice);
    }
    if (finish && stream->is_server) {
        details = grpc_slice_from_copied_string(stream->finish_reason);
        ops[count].op = GRPC_OP_SEND_STATUS_FROM_SERVER;
        ops[count].data.send_status_from_server.status = (grpc_status_code)stream->finish_code;
        ops[count++].data.send_status_from_server.status_details = &details;
    } else if (finish) {
        ops[count++].op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
    }
    start(stream, ops, count, &stream->send_tag);
    if (buffer != NULL) {
        grpc_byte_buffer_destroy(buffer);
    }
    grpc_slice_unref(details);
}

static void send_done(gly_grpc_tag *tag, bool success) {
    gly_grpc_stream *stream = ((op_tag *)tag)->stream;
    pthread_mutex_lock(&stream->lock);
    stream->sending = false;
    stream->sending_size = 0;
    bool finished = stream->finish_sent;
    if (!success) {
        gly_builder_clear(&stream->pending); /* the closing operation tells why */
    }
    bool idle = stream->pending.size == 0;
    pump(stream, NULL, 0, 0); /* unlocks */
    if (success && idle && !finished && stream->events.on_sent != NULL) {
        stream->events.on_sent(stream->events.context, stream);
    }
    complete(stream);
}

bool gly_grpc_stream_send(gly_grpc_stream *stream, gly_str bytes) {
    pthread_mutex_lock(&stream->lock);
    if (stream->closing || stream->finish_wanted) {
        pthread_mutex_unlock(&stream->lock);
        return false;
    }
    gly_builder_add(&stream->pending, bytes.data, bytes.size);
    pump(stream, NULL, 0, 0);
    return true;
}

bool gly_grpc_stream_send_owned(gly_grpc_stream *stream, void *bytes, size_t offset, size_t size) {
    pthread_mutex_lock(&stream->lock);
    if (stream->closing || stream->finish_wanted || stream->sending) {
        pthread_mutex_unlock(&stream->lock);
        free(bytes);
        return false;
    }
    pump(stream, bytes, offset, size);
    return true;
}

size_t gly_grpc_stream_unsent(gly_grpc_stream *stream) {
    pthread_mutex_lock(&stream->lock);
    size_t size = stream->pending.size + stream->sending_size;
    pthread_mutex_unlock(&stream->lock);
    return size;
}

void gly_grpc_stream_finish(gly_grpc_stream *stream, int code, const char *reason) {
    pthread_mutex_lock(&stream->lock);
    if (stream->finish_wanted) {
        pthread_mutex_unlock(&stream->lock);
        return;
    }
    stream->finish_wanted = true;
    stream->finish_code = code;
    stream->finish_reason = gly_alloc_string(reason);
    pump(stream, NULL, 0, 0);
}

void gly_grpc_stream_cancel(gly_grpc_stream *stream) {
    pthread_mutex_lock(&stream->lock);
    if (!stream->closed) {
        grpc_call_cancel(stream->call, NULL);
    }
    pthread_mutex_unlock(&stream->lock);
}

/* --- the two ends --- */

static void read_peer(gly_grpc_stream *stream) {
    grpc_auth_context *context = grpc_call_auth_context(stream->call);
    if (context == NULL) {
        return;
    }
    grpc_auth_property_iterator iterator =
        grpc_auth_context_find_properties_by_name(context, GRPC_X509_CN_PROPERTY_NAME);
    const grpc_auth_property *property = grpc_auth_property_iterator_next(&iterator);
    if (property != NULL && property->value_length < sizeof stream->peer) {
        memcpy(stream->peer, property->value, property->value_length);
        stream->peer[property->value_length] = '\0';
    }
    grpc_auth_context_release(context);
}

gly_grpc_stream *gly_grpc_stream_accept(gly_grpc_loop *loop, grpc_call *call) {
    gly_grpc_stream *stream = make(loop, call, true);
    read_peer(stream);
    return stream;
}

void gly_grpc_stream_serve(gly_grpc_stream *stream, const gly_grpc_stream_events *events) {
    stream->events = *events;
    stream->outstanding++; /* nobody else knows the stream yet */
    grpc_op close = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER};
    close.data.recv_close_on_server.cancelled = &stream->cancelled;
    start(stream, &close, 1, &stream->close_tag);
    if (stream->events.on_message != NULL) {
        receive_next(stream);
    }
}

gly_grpc_stream *gly_grpc_stream_dial(gly_grpc_loop *loop, grpc_call *call, gly_str first,
                                      const gly_grpc_stream_events *events) {
    gly_grpc_stream *stream = make(loop, call, false);
    stream->events = *events;
    gly_grpc_stream_ref(stream); /* the caller's */
    stream->outstanding++;
    grpc_op close = {.op = GRPC_OP_RECV_STATUS_ON_CLIENT};
    close.data.recv_status_on_client.trailing_metadata = &stream->trailing;
    close.data.recv_status_on_client.status = &stream->status;
    close.data.recv_status_on_client.status_details = &stream->status_details;
    start(stream, &close, 1, &stream->close_tag);
    receive_next(stream);
    gly_grpc_stream_send(stream, first);
    return stream;
}
