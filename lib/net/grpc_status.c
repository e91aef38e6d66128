/* grpc_status.c - gRPC's status codes as words for people.
 *
 * Not here: turning them into our errors; each caller knows what the failed call was for.
 */
#include "lib/net/grpc_stream.h"

const char *gly_grpc_status_name(int code) {
    static const char *const names[] = {
        "OK",           "CANCELLED",          "UNKNOWN",           "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED", "NOT_FOUND",     "ALREADY_EXISTS",    "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED",    "OUT_OF_RANGE",
        "UNIMPLEMENTED", "INTERNAL",          "UNAVAILABLE",       "DATA_LOSS",
        "UNAUTHENTICATED",
    };
    return code >= 0 && (size_t)code < GLY_ARRAY_LEN(names) ? names[code] : "UNKNOWN";
}
