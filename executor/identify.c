/* identify.c - galley.Driver/Identify from the pod's side: one unary call, tried again with
 * patience.
 *
 * The driver learns the uid of a pod from the API server's answer to its creation, which may come
 * after the pod's first words: a refusal is therefore asked again for a few seconds. Invariant: the
 * key stays in this process; only the signing request and the certificate travel.
 */
#include "executor/identify.h"

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/net/grpc_client.h"
#include "lib/net/protobuf_arena.h"
#include "proto/galley/executor.pb-c.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { RETRY_MS = 200, REFUSED_MS = 10000, LARGEST_ANSWER = 64 << 10 };

typedef struct call { /* the loop's thread writes, we read after `done` is readable */
    int done;
    int code;
    char *certificate;
    char reason[600];
} call;

static void on_message(void *context, gly_grpc_stream *stream, gly_str message) {
    call *self = context;
    (void)stream;
    if (self->certificate != NULL || message.size > LARGEST_ANSWER) {
        return;
    }
    gly_arena *arena = gly_arena_make();
    gly_protobuf_arena allocator;
    gly_protobuf_arena_init(&allocator, arena, message.size * 64 + 65536);
    const Galley__IdentifyAnswer *answer = galley__identify_answer__unpack(
        &allocator.allocator, message.size, (const uint8_t *)message.data);
    if (answer != NULL) {
        self->certificate = gly_alloc_string(answer->certificate);
    }
    gly_arena_free(arena);
}

static void on_closed(void *context, gly_grpc_stream *stream, int code, const char *reason) {
    call *self = context;
    (void)stream;
    self->code = code;
    snprintf(self->reason, sizeof self->reason, "%s", reason);
    uint64_t one = 1;
    (void)!write(self->done, &one, sizeof one);
}

/* One attempt; false: told to stop. */
static bool attempt(const gly_identify_options *options, gly_grpc_loop *loop, gly_str request,
                    call *self) {
    gly_grpc_client *connection =
        gly_grpc_client_make(options->driver_address, options->bootstrap, GLY_TLS_DRIVER_NAME);
    gly_grpc_stream_events events = {
        .on_message = on_message, .on_closed = on_closed, .context = self};
    gly_grpc_stream *stream =
        gly_grpc_client_open(connection, loop, "/galley.Driver/Identify", request, &events);
    gly_grpc_stream_finish(stream, GLY_GRPC_OK, "");
    struct pollfd polled[2] = {{self->done, POLLIN, 0}, {options->stop_fd, POLLIN, 0}};
    bool stopped = false;
    while (!(polled[0].revents & POLLIN)) {
        (void)poll(polled, stopped || options->stop_fd < 0 ? 1 : 2, -1);
        if (!stopped && options->stop_fd >= 0 && (polled[1].revents & POLLIN)) {
            stopped = true;
            gly_grpc_stream_cancel(stream); /* on_closed follows */
        }
    }
    uint64_t ignored;
    (void)!read(self->done, &ignored, sizeof ignored);
    gly_grpc_stream_unref(stream);
    gly_grpc_client_free(connection);
    return !stopped;
}

static bool wait_a_little(int stop_fd) {
    struct pollfd polled = {stop_fd, POLLIN, 0};
    return poll(&polled, stop_fd < 0 ? 0 : 1, RETRY_MS) == 0;
}

static gly_status ask(const gly_identify_options *options, gly_str request, call *self,
                      gly_error *err) {
    int64_t begin = gly_clock_ms();
    int64_t refused_ms = options->refused_ms > 0 ? options->refused_ms : REFUSED_MS;
    gly_grpc_loop *loop = gly_grpc_loop_make("gly-identify", 0, NULL, NULL);
    bool goes_on;
    for (;;) {
        goes_on = attempt(options, loop, request, self);
        int64_t spent = gly_clock_ms() - begin;
        bool again = (self->code == GLY_GRPC_UNAVAILABLE && spent < options->timeout_ms) ||
                     (self->code == GLY_GRPC_PERMISSION_DENIED && spent < refused_ms);
        if (!goes_on || !again) {
            break;
        }
        if (!wait_a_little(options->stop_fd)) {
            goes_on = false;
            break;
        }
    }
    gly_grpc_loop_free(loop);
    if (!goes_on) {
        return gly_fail(err, GLY_E_CANCELLED, "it was told to end before it had an identity");
    }
    if (self->code == GLY_GRPC_OK && self->certificate != NULL) {
        return GLY_OK;
    }
    return gly_fail(err, self->code == GLY_GRPC_UNAVAILABLE ? GLY_E_NETWORK : GLY_E_TLS,
                    "the driver at %s gave executor %u no identity: %s (%s)",
                    options->driver_address, options->executor_id,
                    self->code == GLY_GRPC_OK ? "its answer is malformed" : self->reason,
                    gly_grpc_status_name(self->code));
}

gly_status gly_identify_run(const gly_identify_options *options, gly_tls_identity *ret,
                            gly_error *err) {
    char *key = NULL, *signing_request = NULL;
    GLY_TRY(gly_tls_request_make(&key, &signing_request, err));
    Galley__IdentifyRequest message = GALLEY__IDENTIFY_REQUEST__INIT;
    message.executor_id = options->executor_id;
    message.pod_uid = (char *)(uintptr_t)options->pod_uid;
    message.signing_request = signing_request;
    gly_builder request = {0};
    size_t size = galley__identify_request__get_packed_size(&message);
    uint8_t *room = (uint8_t *)gly_builder_room(&request, size);
    request.size += galley__identify_request__pack(&message, room);
    call self = {.done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    GLY_ASSERT(self.done >= 0);
    gly_status status = ask(options, gly_builder_str(&request), &self, err);
    if (status == GLY_OK) {
        *ret = (gly_tls_identity){gly_alloc_string(options->bootstrap->authority_pem),
                                  self.certificate, key};
        key = self.certificate = NULL;
    }
    close(self.done);
    free(self.certificate);
    gly_tls_text_wipe(key);
    free(signing_request);
    gly_builder_clear(&request);
    return status;
}
