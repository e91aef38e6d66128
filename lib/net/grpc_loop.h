/* grpc_loop.h - one thread that waits on one gRPC completion queue and runs what completes.
 *
 * All callbacks of servers and streams made on a loop run on its thread, one at a time.
 */
#ifndef GLY_GRPC_LOOP_H
#define GLY_GRPC_LOOP_H

#include "lib/base/base.h"

typedef struct gly_grpc_loop gly_grpc_loop;

/* tick(context) runs about every tick_ms on the thread; NULL or 0: never.  name: of the thread, at
 * most 15 characters. */
gly_grpc_loop *gly_grpc_loop_make(const char *name, int64_t tick_ms, void (*tick)(void *context),
                                  void *context);
/* Waits until every stream has closed (cancel them before), then ends the thread.  Accepts NULL. */
void gly_grpc_loop_free(gly_grpc_loop *loop);

#endif
