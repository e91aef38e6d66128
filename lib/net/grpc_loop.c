/* grpc_loop.c - the completion queue's thread.
 *
 * gRPC's core does its reading and writing on whichever thread polls a queue, so this thread is also
 * the one that moves the bytes.  Invariant: `live` counts the calls and servers that still expect a
 * completion; the queue is shut down only at zero.
 * Not here: what the operations are (grpc_stream.c, grpc_server.c).
 */
#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/tsan.h"
#include "lib/net/grpc_internal.h"

#include <grpc/support/log.h>
#include <pthread.h>

struct gly_grpc_loop {
    grpc_completion_queue *queue;
    pthread_t thread;
    int64_t tick_ms;
    void (*tick)(void *context);
    void *context;
    char name[16];
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint32_t live;
};

static void ignore_log(gpr_log_func_args *arguments) { (void)arguments; }

/* gRPC would write to stderr, which is the user's; what goes wrong comes back as a status.  Its own
 * variable GRPC_VERBOSITY brings the log back. */
static void set_up_log(void) {
    if (getenv("GRPC_VERBOSITY") == NULL) {
        gpr_set_log_function(ignore_log);
    }
}

void gly_grpc_loop_start_library(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, set_up_log);
    grpc_init();
}

static void *run(void *argument) {
    gly_grpc_loop *loop = argument;
    pthread_setname_np(pthread_self(), loop->name);
    int64_t next_tick = gly_clock_ms() + loop->tick_ms;
    for (;;) {
        gpr_timespec deadline = gpr_inf_future(GPR_CLOCK_MONOTONIC);
        if (loop->tick != NULL) {
            int64_t left = next_tick - gly_clock_ms();
            if (left <= 0) {
                loop->tick(loop->context);
                next_tick = gly_clock_ms() + loop->tick_ms;
                left = loop->tick_ms;
            }
            deadline = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                    gpr_time_from_millis(left, GPR_TIMESPAN));
        }
        grpc_event event = grpc_completion_queue_next(loop->queue, deadline, NULL);
        if (event.type == GRPC_QUEUE_SHUTDOWN) {
            return NULL;
        }
        if (event.type == GRPC_OP_COMPLETE) {
            gly_grpc_tag *tag = event.tag;
            GLY_TSAN_ACQUIRE(tag);
            tag->done(tag, event.success != 0);
        }
    }
}

gly_grpc_loop *gly_grpc_loop_make(const char *name, int64_t tick_ms, void (*tick)(void *context),
                                  void *context) {
    gly_grpc_loop_start_library();
    gly_grpc_loop *loop = GLY_NEW(gly_grpc_loop);
    loop->queue = grpc_completion_queue_create_for_next(NULL);
    loop->tick_ms = tick_ms;
    loop->tick = tick_ms > 0 ? tick : NULL;
    loop->context = context;
    size_t size = GLY_MIN(strlen(name), sizeof loop->name - 1);
    memcpy(loop->name, name, size);
    pthread_mutex_init(&loop->lock, NULL);
    pthread_cond_init(&loop->changed, NULL);
    GLY_ASSERT(pthread_create(&loop->thread, NULL, run, loop) == 0);
    return loop;
}

void gly_grpc_loop_free(gly_grpc_loop *loop) {
    if (loop == NULL) {
        return;
    }
    pthread_mutex_lock(&loop->lock);
    while (loop->live > 0) {
        pthread_cond_wait(&loop->changed, &loop->lock);
    }
    pthread_mutex_unlock(&loop->lock);
    grpc_completion_queue_shutdown(loop->queue);
    pthread_join(loop->thread, NULL);
    grpc_completion_queue_destroy(loop->queue);
    pthread_cond_destroy(&loop->changed);
    pthread_mutex_destroy(&loop->lock);
    free(loop);
    grpc_shutdown();
}

grpc_completion_queue *gly_grpc_loop_queue(gly_grpc_loop *loop) { return loop->queue; }

void gly_grpc_loop_begin(gly_grpc_loop *loop) {
    pthread_mutex_lock(&loop->lock);
    loop->live++;
    pthread_mutex_unlock(&loop->lock);
}

void gly_grpc_loop_end(gly_grpc_loop *loop) {
    pthread_mutex_lock(&loop->lock);
    GLY_ASSERT(loop->live > 0);
    loop->live--;
    pthread_cond_signal(&loop->changed);
    pthread_mutex_unlock(&loop->lock);
}
