/* grpc_internal.h - what the gRPC files of this room share; nobody else includes it.
 *
 * A tag is the first member of whatever waits for a completion; done runs on the loop's thread.
 * Invariant: an operation is started only while its call is counted by gly_grpc_loop_begin, as gRPC
 * aborts the process when one is started after the queue's shutdown.
 */
#ifndef GLY_GRPC_INTERNAL_H
#define GLY_GRPC_INTERNAL_H

#include "lib/net/grpc_loop.h"
#include "lib/net/grpc_stream.h"
#include "lib/net/tls.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>

typedef struct gly_grpc_tag gly_grpc_tag;
struct gly_grpc_tag {
    void (*done)(gly_grpc_tag *tag, bool success);
};

/* grpc_init, with its log turned off.  Each needs a grpc_shutdown. */
void gly_grpc_loop_start_library(void);
grpc_completion_queue *gly_grpc_loop_queue(gly_grpc_loop *loop);
/* Calls and servers that still expect completions keep the loop alive. */
void gly_grpc_loop_begin(gly_grpc_loop *loop);
void gly_grpc_loop_end(gly_grpc_loop *loop);

/* A stream of the server around an accepted call, which it takes. */
gly_grpc_stream *gly_grpc_stream_accept(gly_grpc_loop *loop, grpc_call *call);
void gly_grpc_stream_serve(gly_grpc_stream *stream, const gly_grpc_stream_events *events);
/* A stream of a client; sends first at once.  events are copied. */
gly_grpc_stream *gly_grpc_stream_dial(gly_grpc_loop *loop, grpc_call *call, gly_str first,
                                      const gly_grpc_stream_events *events);

/* Channel arguments of both sides.  bulk: for block data, bigger buffers. */
enum { GLY_GRPC_MAX_ARGUMENTS = 20 };
typedef struct gly_grpc_arguments {
    grpc_channel_args list;
    grpc_arg items[GLY_GRPC_MAX_ARGUMENTS];
} gly_grpc_arguments;
void gly_grpc_client_arguments(gly_grpc_arguments *ret, bool bulk, const char *peer_name);
void gly_grpc_server_arguments(gly_grpc_arguments *ret, bool bulk);

grpc_channel_credentials *gly_grpc_client_credentials(const gly_tls_identity *identity);
grpc_server_credentials *gly_grpc_server_credentials(const gly_tls_identity *identity);
/* NULL identity: plaintext.  peer_name: common name the server's certificate must have. */
grpc_channel *gly_grpc_client_channel(const char *address, const gly_tls_identity *identity,
                                      const char *peer_name, bool bulk);

#endif
