/* error.h - errors are values: a status code and one clear sentence, owned by the caller.
 *
 * A gly_error is always the last parameter and may be NULL.  It is written only on failure.
 * gly_fail() makes one, GLY_TRY passes it up, GLY_TRY_ADD adds the place in front.
 */
#ifndef GLY_ERROR_H
#define GLY_ERROR_H

#include <stdarg.h>
#include <stdbool.h>

typedef enum gly_status {
    GLY_OK = 0,
#define GLY_ERROR(name, sqlstate, spark_class, retryable) GLY_E_##name,
#include "lib/base/errors.def"
#undef GLY_ERROR
    GLY_STATUS_COUNT
} gly_status;

enum { GLY_ERROR_MESSAGE_SIZE = 1024 };

typedef struct gly_error {
    gly_status status;
    bool retryable;        /* may be overridden by the owner; defaults from errors.def */
    char message[GLY_ERROR_MESSAGE_SIZE]; /* UTF-8, NUL-terminated, one sentence, no newline at the end */
    const char *file;      /* source place, for debug logs only */
    int line;
} gly_error;

/* Fills *err (which may be NULL) and returns status.  Use through gly_fail. */
gly_status gly_error_set(gly_error *err, gly_status status, const char *file, int line,
                         const char *format, ...) __attribute__((format(printf, 5, 6)));
#define gly_fail(err, status, ...) gly_error_set((err), (status), __FILE__, __LINE__, __VA_ARGS__)

/* Puts "<context>: " in front of the message; keeps the status. */
void gly_error_add(gly_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Copies from to to (either may be NULL) and returns from's status. */
gly_status gly_error_copy(gly_error *to, const gly_error *from);

/* Makes an error from errno: ENOSPC and EDQUOT become DISK_FULL, ENOENT PATH_NOT_FOUND, others IO.
 * The message is "<what>: <strerror>". */
gly_status gly_error_from_errno(gly_error *err, int errno_value, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

const char *gly_error_name(gly_status status);        /* "DIVIDE_BY_ZERO" */
const char *gly_error_sqlstate(gly_status status);    /* "22012" */
const char *gly_error_spark_class(gly_status status); /* Spark's error class */
bool gly_error_status_retryable(gly_status status);

#endif
