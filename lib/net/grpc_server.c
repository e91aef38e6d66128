/* grpc_server.c - listening, and a pool of armed requests through which calls arrive.
 *
 * Methods are generic (dispatched by name): as fast as registered ones, and unknown ones are answered
 * by us.  A request is armed again when a call arrives, not when it ends.
 * Invariant: requests are armed only while !stopping; gRPC returns the rest at shutdown with a NULL
 * call.  Port sharing (SO_REUSEPORT) is off: a second server on a port must fail.
 */
#include "lib/net/grpc_server.h"

#include "lib/base/alloc.h"
#include "lib/base/tsan.h"
#include "lib/net/grpc_internal.h"

#include <pthread.h>

enum { ARMED_REQUESTS = 16 };

typedef struct armed {
    gly_grpc_tag tag;
    gly_grpc_server *server;
    grpc_call *call;
    grpc_call_details details;
    grpc_metadata_array metadata;
} armed;

struct gly_grpc_server {
    gly_grpc_tag stop_tag;
    gly_grpc_loop *loop;
    gly_grpc_server_options options;
    grpc_server *server;
    uint16_t port;
    armed requests[ARMED_REQUESTS];
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool stopping, stopped;
    uint32_t armed_count;
};

static void request_done(gly_grpc_tag *tag, bool success);

static void arm(armed *request) {
    gly_grpc_server *server = request->server;
    pthread_mutex_lock(&server->lock);
    bool may = !server->stopping;
    if (may) {
        server->armed_count++;
        grpc_call_details_init(&request->details);
        grpc_metadata_array_init(&request->metadata);
        request->call = NULL;
        GLY_TSAN_RELEASE(&request->tag);
        grpc_completion_queue *queue = gly_grpc_loop_queue(server->loop);
        grpc_call_error error =
            grpc_server_request_call(server->server, &request->call, &request->details,
                                     &request->metadata, queue, queue, &request->tag);
        GLY_ASSERT(error == GRPC_CALL_OK);
    }
    pthread_mutex_unlock(&server->lock);
}

static void request_done(gly_grpc_tag *tag, bool success) {
    armed *request = (armed *)tag;
    gly_grpc_server *server = request->server;
    if (success && request->call != NULL) {
        gly_grpc_stream *stream = gly_grpc_stream_accept(server->loop, request->call);
        gly_str method = {(const char *)GRPC_SLICE_START_PTR(request->details.method),
                          GRPC_SLICE_LENGTH(request->details.method)};
        gly_grpc_stream_events events = {0};
        if (server->options.accept(server->options.context, method, stream, &events)) {
            gly_grpc_stream_serve(stream, &events);
        } else {
            events = (gly_grpc_stream_events){0};
            gly_grpc_stream_serve(stream, &events);
            gly_grpc_stream_finish(stream, GLY_GRPC_UNIMPLEMENTED, "no such method");
        }
    }
    grpc_call_details_destroy(&request->details);
    grpc_metadata_array_destroy(&request->metadata);
    pthread_mutex_lock(&server->lock);
    server->armed_count--;
    pthread_cond_signal(&server->changed);
    pthread_mutex_unlock(&server->lock);
    if (success) {
        arm(request);
    }
}

static void stop_done(gly_grpc_tag *tag, bool success) {
    gly_grpc_server *server = (gly_grpc_server *)tag;
    (void)success;
    pthread_mutex_lock(&server->lock);
    server->stopped = true;
    pthread_cond_signal(&server->changed);
    pthread_mutex_unlock(&server->lock);
}

gly_status gly_grpc_server_make(gly_grpc_loop *loop, const gly_grpc_server_options *options,
                                gly_grpc_server **ret, gly_error *err) {
    gly_grpc_server *server = GLY_NEW(gly_grpc_server);
    server->stop_tag.done = stop_done;
    server->loop = loop;
    server->options = *options;
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->changed, NULL);
    gly_grpc_arguments arguments;
    gly_grpc_server_arguments(&arguments, options->bulk);
    server->server = grpc_server_create(&arguments.list, NULL);
    grpc_server_register_completion_queue(server->server, gly_grpc_loop_queue(loop), NULL);
    grpc_server_credentials *credentials = gly_grpc_server_credentials(options->identity);
    int port = credentials == NULL
                   ? 0
                   : grpc_server_add_http2_port(server->server, options->address, credentials);
    if (credentials != NULL) {
        grpc_server_credentials_release(credentials);
    }
    gly_grpc_loop_begin(loop);
    grpc_server_start(server->server);
    server->port = (uint16_t)port;
    for (size_t i = 0; i < ARMED_REQUESTS; i++) {
        server->requests[i].tag.done = request_done;
        server->requests[i].server = server;
        if (port != 0) {
            arm(&server->requests[i]);
        }
    }
    if (port == 0) {
        gly_grpc_server_free(server);
        return gly_fail(err, GLY_E_NETWORK,
                        "cannot listen on %s: the address is not ours or the port is in use",
                        options->address);
    }
    *ret = server;
    return GLY_OK;
}

void gly_grpc_server_free(gly_grpc_server *server) {
    if (server == NULL) {
        return;
    }
    pthread_mutex_lock(&server->lock);
    server->stopping = true;
    pthread_mutex_unlock(&server->lock);
    GLY_TSAN_RELEASE(&server->stop_tag);
    grpc_server_shutdown_and_notify(server->server, gly_grpc_loop_queue(server->loop),
                                    &server->stop_tag);
    grpc_server_cancel_all_calls(server->server);
    pthread_mutex_lock(&server->lock);
    while (!server->stopped || server->armed_count > 0) {
        pthread_cond_wait(&server->changed, &server->lock);
    }
    pthread_mutex_unlock(&server->lock);
    grpc_server_destroy(server->server);
    gly_grpc_loop_end(server->loop);
    pthread_cond_destroy(&server->changed);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

uint16_t gly_grpc_server_port(const gly_grpc_server *server) { return server->port; }
