/* error.c - the error object: a status, a sentence, where it was made.
 *
 * The buffer is fixed and caller-owned, so an error can be made when memory is gone.
 * Invariant: a message never contains a newline at its end and is always NUL-terminated.
 * The codes are in errors.def; the macros that pass errors up are in base.h.
 */
#include "lib/base/base.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *name;
    const char *sqlstate;
    const char *spark_class;
    bool retryable;
} codes[GLY_STATUS_COUNT] = {
    [GLY_OK] = {"OK", "00000", "", false},
#define GLY_ERROR(code, sqlstate_text, class_text, may_retry)                                      \
    [GLY_E_##code] = {#code, sqlstate_text, class_text, may_retry},
#include "lib/base/errors.def"
#undef GLY_ERROR
};

gly_status gly_error_set(gly_error *err, gly_status status, const char *file, int line,
                         const char *format, ...) {
    if (err != NULL) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(err->message, sizeof err->message, format, arguments);
        va_end(arguments);
        err->status = status;
        err->retryable = gly_error_status_retryable(status);
        err->file = file;
        err->line = line;
    }
    return status;
}

void gly_error_add(gly_error *err, const char *format, ...) {
    if (err == NULL) {
        return;
    }
    char context[GLY_ERROR_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(context, sizeof context, format, arguments);
    va_end(arguments);
    if (length < 0) {
        return;
    }
    size_t used = GLY_MIN((size_t)length, sizeof context - 1);
    if (used + 3 >= sizeof context) {
        return; /* no room left for the message itself: keep the message */
    }
    size_t room = sizeof context - used - 3;
    size_t message_size = strlen(err->message);
    size_t kept = GLY_MIN(message_size, room);
    memcpy(context + used, ": ", 2);
    memcpy(context + used + 2, err->message, kept);
    context[used + 2 + kept] = '\0';
    memcpy(err->message, context, used + 2 + kept + 1);
}

gly_status gly_error_copy(gly_error *to, const gly_error *from) {
    if (from == NULL) {
        return GLY_OK;
    }
    if (to != NULL && to != from) {
        *to = *from;
    }
    return from->status;
}

gly_status gly_error_from_errno(gly_error *err, int errno_value, const char *format, ...) {
    char what[768];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    char text[128];
    const char *reason = strerror_r(errno_value, text, sizeof text);
    gly_status status = GLY_E_IO;
    if (errno_value == ENOSPC || errno_value == EDQUOT) {
        status = GLY_E_DISK_FULL;
        reason = "the disk is full";
    } else if (errno_value == ENOENT || errno_value == ENOTDIR) {
        status = GLY_E_PATH_NOT_FOUND;
    }
    return gly_error_set(err, status, __FILE__, __LINE__, "%s: %s", what, reason);
}

const char *gly_error_name(gly_status status) {
    return status < GLY_STATUS_COUNT ? codes[status].name : "UNKNOWN";
}

const char *gly_error_sqlstate(gly_status status) {
    return status < GLY_STATUS_COUNT ? codes[status].sqlstate : "XX000";
}

const char *gly_error_spark_class(gly_status status) {
    return status < GLY_STATUS_COUNT ? codes[status].spark_class : "INTERNAL_ERROR";
}

bool gly_error_status_retryable(gly_status status) {
    return status < GLY_STATUS_COUNT && codes[status].retryable;
}
