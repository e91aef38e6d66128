/* driver_client.h - the executor's end of the stream to its driver. */
#ifndef GLY_DRIVER_CLIENT_H
#define GLY_DRIVER_CLIENT_H

#include "lib/base/arena.h"
#include "lib/net/grpc_loop.h"
#include "lib/net/tls.h"
#include "proto/galley/executor.pb-c.h"

typedef struct gly_driver_client gly_driver_client;

typedef struct gly_driver_client_callbacks { /* on the loop's thread */
    /* Takes the arena, in which the command lies. */
    void (*on_command)(void *context, gly_arena *arena, const Galley__DriverCommand *command);
    /* The stream is over, for good; refused: before Registered came. */
    void (*on_gone)(void *context, bool refused, const char *reason);
    void *context;
} gly_driver_client_callbacks;

gly_driver_client *gly_driver_client_make(gly_grpc_loop *loop, const char *address,
                                          const gly_tls_identity *identity, gly_str registration,
                                          int64_t timeout_ms,
                                          const gly_driver_client_callbacks *callbacks);
/* Connects and says Register (encoded ExecutorMessage).  Tries again while the driver cannot be
 * reached, up to timeout_ms; then on_gone.  Callbacks begin. */
void gly_driver_client_start(gly_driver_client *client);
/* Ends the stream and waits until it has ended, at most wait_ms (then it is cut). */
void gly_driver_client_close(gly_driver_client *client, const char *goodbye, int64_t wait_ms);
void gly_driver_client_free(gly_driver_client *client); /* after close; accepts NULL */

/* An encoded ExecutorMessage.  Waits while much is unsent (the driver or the network is slow).  Any
 * thread but the loop's. */
void gly_driver_client_send(gly_driver_client *client, gly_str message);
/* The same without waiting, for the loop's thread. */
void gly_driver_client_send_now(gly_driver_client *client, gly_str message);

#endif
