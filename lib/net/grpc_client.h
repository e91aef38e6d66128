/* grpc_client.h - a connection to one address and streams on it. */
#ifndef GLY_GRPC_CLIENT_H
#define GLY_GRPC_CLIENT_H

#include "lib/net/grpc_loop.h"
#include "lib/net/grpc_stream.h"
#include "lib/net/tls.h"

typedef struct gly_grpc_client gly_grpc_client;

/* Connects when the first stream is opened.  identity NULL: plaintext.  peer_name: common name that
 * the server's certificate must carry (ignored on plaintext). */
gly_grpc_client *gly_grpc_client_make(const char *address, const gly_tls_identity *identity,
                                      const char *peer_name);
void gly_grpc_client_free(gly_grpc_client *client); /* streams may go on; accepts NULL */

/* Opens a stream for "/package.Service/Method" and sends first with its headers.  The caller owns a
 * reference; failures arrive in on_closed. */
gly_grpc_stream *gly_grpc_client_open(gly_grpc_client *client, gly_grpc_loop *loop,
                                      const char *method, gly_str first,
                                      const gly_grpc_stream_events *events);

#endif
