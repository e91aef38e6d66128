/* grpc_server.h - a gRPC server: every call is a stream, accepted or refused by its method's name. */
#ifndef GLY_GRPC_SERVER_H
#define GLY_GRPC_SERVER_H

#include "lib/net/grpc_loop.h"
#include "lib/net/grpc_stream.h"
#include "lib/net/tls.h"

typedef struct gly_grpc_server gly_grpc_server;

typedef struct gly_grpc_server_options {
    const char *address; /* "127.0.0.1:0" picks a free port */
    const gly_tls_identity *identity; /* NULL: plaintext.  Else clients need a certificate, too */
    bool bulk;                        /* serves block data: bigger buffers */
    /* A call came in.  True: *ret_events were filled and callbacks begin when this returns; keep the
     * stream with a ref.  False: the client gets UNIMPLEMENTED. */
    bool (*accept)(void *context, gly_str method, gly_grpc_stream *stream,
                   gly_grpc_stream_events *ret_events);
    void *context;
} gly_grpc_server_options;

GLY_NODISCARD gly_status gly_grpc_server_make(gly_grpc_loop *loop,
                                              const gly_grpc_server_options *options,
                                              gly_grpc_server **ret, gly_error *err);
/* Cancels all calls (each gets its on_closed) and waits until the port is free.  Not from callbacks. */
void gly_grpc_server_free(gly_grpc_server *server);
uint16_t gly_grpc_server_port(const gly_grpc_server *server);

#endif
