/* grpc_stream.h - one streaming call, the same from both ends: messages out, messages in, an end.
 *
 * Messages are glued: what is sent while a message is on its way is concatenated to one message.  So
 * a message type sent with gly_grpc_stream_send must consist of repeated fields (proto/galley).
 * Callbacks run on the loop's thread; sending may be done by any thread.
 */
#ifndef GLY_GRPC_STREAM_H
#define GLY_GRPC_STREAM_H

#include "lib/base/str.h"

typedef struct gly_grpc_stream gly_grpc_stream;

/* gRPC's status codes that we use by name (https://grpc.io/docs/guides/status-codes). */
enum {
    GLY_GRPC_OK = 0,
    GLY_GRPC_CANCELLED = 1,
    GLY_GRPC_UNKNOWN = 2,
    GLY_GRPC_INVALID_ARGUMENT = 3,
    GLY_GRPC_DEADLINE_EXCEEDED = 4,
    GLY_GRPC_NOT_FOUND = 5,
    GLY_GRPC_PERMISSION_DENIED = 7,
    GLY_GRPC_FAILED_PRECONDITION = 9,
    GLY_GRPC_OUT_OF_RANGE = 11,
    GLY_GRPC_UNIMPLEMENTED = 12,
    GLY_GRPC_INTERNAL = 13,
    GLY_GRPC_UNAVAILABLE = 14,
    GLY_GRPC_DATA_LOSS = 15,
    GLY_GRPC_UNAUTHENTICATED = 16,
};
const char *gly_grpc_status_name(int code);

typedef struct gly_grpc_stream_events {
    void (*on_message)(void *context, gly_grpc_stream *stream, gly_str message);
    /* Everything given to send is with the transport: the place to send more bulk.  May be NULL. */
    void (*on_sent)(void *context, gly_grpc_stream *stream);
    /* The last callback.  Server: code is CANCELLED if the client went away, else OK.  Client: the
     * server's status. */
    void (*on_closed)(void *context, gly_grpc_stream *stream, int code, const char *reason);
    void *context;
    bool single_request; /* server: exactly one message comes (server streaming) */
} gly_grpc_stream_events;

void gly_grpc_stream_ref(gly_grpc_stream *stream);
void gly_grpc_stream_unref(gly_grpc_stream *stream); /* accepts NULL */

/* Copies the bytes.  False if the stream is closed or being closed. */
bool gly_grpc_stream_send(gly_grpc_stream *stream, gly_str bytes);
/* A bulk message of its own: takes the malloc'd bytes (of header and data together).  Only from
 * callbacks, when nothing else is being sent. */
bool gly_grpc_stream_send_owned(gly_grpc_stream *stream, void *bytes, size_t offset, size_t size);
/* Bytes that wait or are on their way. */
size_t gly_grpc_stream_unsent(gly_grpc_stream *stream);
/* After what is being sent: server ends the call with that status, client half-closes (code and
 * reason are ignored). */
void gly_grpc_stream_finish(gly_grpc_stream *stream, int code, const char *reason);
/* At once; on_closed follows.  Harmless when already closed. */
void gly_grpc_stream_cancel(gly_grpc_stream *stream);
/* The common name of the peer's certificate; "" on plaintext. */
const char *gly_grpc_stream_peer(const gly_grpc_stream *stream);

#endif
