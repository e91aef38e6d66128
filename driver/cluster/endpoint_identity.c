/* endpoint_identity.c - who may have which certificate
 * (docs/decisions/0007-identity-on-kubernetes).
 *
 * The bootstrap certificate lies in a secret that all executor pods of the application see, so it
 * proves membership and nothing more.  Which pod belongs to which executor id knows whoever made
 * the pods (may_identify); "not yet known" is a refusal like any other, because the caller tries
 * again. Invariant: a certificate is signed only for (id, pod uid) pairs that may_identify approves
 * of, and never for the id of an executor that is connected.
 */
#include "driver/cluster/endpoint_identity.h"

#include "lib/net/protobuf_arena.h"
#include "proto/galley/executor.pb-c.h"

#include <stdio.h>
#include <stdlib.h>

static int refuse(char *reason, size_t size, int code, const char *format, ...) GLY_PRINTF(4, 5);
static int refuse(char *reason, size_t size, int code, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, size, format, arguments);
    va_end(arguments);
    return code;
}

static int sign(const gly_endpoint_identity *identity, const Galley__IdentifyRequest *request,
                char **ret_certificate, char *reason, size_t size) {
    char name[64];
    snprintf(name, sizeof name, GLY_TLS_EXECUTOR_PREFIX "%u", request->executor_id);
    gly_tls_subject subject = {name, identity->application, request->pod_uid};
    gly_error error;
    if (gly_tls_authority_sign(identity->authority, gly_str_of(request->signing_request), &subject,
                               ret_certificate, &error) != GLY_OK) {
        return refuse(reason, size, GLY_GRPC_INVALID_ARGUMENT, "%s", error.message);
    }
    return GLY_GRPC_OK;
}

int gly_endpoint_identity_answer(const gly_endpoint_identity *identity, const char *peer,
                                 gly_str request, char **ret_certificate, char *reason,
                                 size_t reason_size) {
    if (identity->authority == NULL || strcmp(peer, GLY_TLS_BOOTSTRAP_NAME) != 0) {
        return refuse(reason, reason_size, GLY_GRPC_UNAUTHENTICATED,
                      "only the holder of the certificate for \"%s\" may ask for an identity, not "
                      "\"%s\"",
                      GLY_TLS_BOOTSTRAP_NAME, peer);
    }
    gly_arena *arena = gly_arena_make();
    gly_protobuf_arena allocator;
    gly_protobuf_arena_init(&allocator, arena, request.size * 64 + 65536);
    const Galley__IdentifyRequest *message = galley__identify_request__unpack(
        &allocator.allocator, request.size, (const uint8_t *)request.data);
    int code;
    if (message == NULL) {
        code = refuse(reason, reason_size, GLY_GRPC_INVALID_ARGUMENT, "the request is malformed");
    } else if (identity->is_taken != NULL &&
               identity->is_taken(identity->endpoint, message->executor_id)) {
        code = refuse(reason, reason_size, GLY_GRPC_FAILED_PRECONDITION,
                      "executor %u is connected already", message->executor_id);
    } else if (identity->may_identify == NULL ||
               !identity->may_identify(identity->context, message->executor_id, message->pod_uid)) {
        code = refuse(reason, reason_size, GLY_GRPC_PERMISSION_DENIED,
                      "the driver made no pod with uid \"%.100s\" for executor %u",
                      message->pod_uid, message->executor_id);
    } else {
        code = sign(identity, message, ret_certificate, reason, reason_size);
    }
    gly_arena_free(arena);
    return code;
}

static void on_request(void *context, gly_grpc_stream *stream, gly_str bytes) {
    const gly_endpoint_identity *identity = context;
    char *certificate = NULL;
    char reason[512] = "";
    int code = gly_endpoint_identity_answer(identity, gly_grpc_stream_peer(stream), bytes,
                                            &certificate, reason, sizeof reason);
    if (code == GLY_GRPC_OK) {
        Galley__IdentifyAnswer answer = GALLEY__IDENTIFY_ANSWER__INIT;
        answer.certificate = certificate;
        gly_builder message = {0};
        size_t size = galley__identify_answer__get_packed_size(&answer);
        uint8_t *room = (uint8_t *)gly_builder_room(&message, size);
        message.size += galley__identify_answer__pack(&answer, room);
        gly_grpc_stream_send(stream, gly_builder_str(&message));
        gly_builder_clear(&message);
    }
    free(certificate);
    gly_grpc_stream_finish(stream, code, reason);
}

static void on_closed(void *context, gly_grpc_stream *stream, int code, const char *reason) {
    (void)context;
    (void)stream;
    (void)code;
    (void)reason;
}

void gly_endpoint_identity_serve(const gly_endpoint_identity *identity,
                                 gly_grpc_stream_events *ret_events) {
    *ret_events = (gly_grpc_stream_events){.on_message = on_request,
                                           .on_closed = on_closed,
                                           .context = (void *)(uintptr_t)identity,
                                           .single_request = true};
}
