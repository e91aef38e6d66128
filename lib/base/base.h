/* base.h - the one header all files include: integers, attributes, status propagation.
 *
 * Nothing here knows of queries.  Other headers of this room are included by the files that need them.
 */
#ifndef GLY_BASE_H
#define GLY_BASE_H

#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define GLY_NODISCARD __attribute__((warn_unused_result))
#define GLY_PRINTF(format_index, first_argument)                                                   \
    __attribute__((format(printf, format_index, first_argument)))
#define GLY_NORETURN __attribute__((noreturn))
#define GLY_UNUSED __attribute__((unused))
#define GLY_LIKELY(condition) __builtin_expect(!!(condition), 1)
#define GLY_UNLIKELY(condition) __builtin_expect(!!(condition), 0)
#define GLY_CLEANUP(function) __attribute__((cleanup(function)))

#define GLY_ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))
#define GLY_MIN(a, b) ((a) < (b) ? (a) : (b))
#define GLY_MAX(a, b) ((a) > (b) ? (a) : (b))
#define GLY_ALIGN_UP(value, alignment) (((value) + (alignment)-1) & ~((alignment) - (size_t)1))

__extension__ typedef __int128 gly_i128;
__extension__ typedef unsigned __int128 gly_u128;

/* A bug, not a user's or an operational error: prints the place and aborts, in release builds too. */
GLY_NORETURN void gly_base_assert_failed(const char *condition, const char *file, int line);
#define GLY_ASSERT(condition)                                                                      \
    (GLY_LIKELY(condition) ? (void)0 : gly_base_assert_failed(#condition, __FILE__, __LINE__))
#define GLY_UNREACHABLE() gly_base_assert_failed("unreachable", __FILE__, __LINE__)

#include "lib/base/error.h"

/* Passes a failed status up as it is. */
#define GLY_TRY(expression)                                                                        \
    do {                                                                                           \
        gly_status gly_try_status = (expression);                                                  \
        if (GLY_UNLIKELY(gly_try_status != GLY_OK)) {                                              \
            return gly_try_status;                                                                 \
        }                                                                                          \
    } while (0)

/* Passes a failed status up and adds where we stand: "<context>: <message>". */
#define GLY_TRY_ADD(expression, err, ...)                                                          \
    do {                                                                                           \
        gly_status gly_try_status = (expression);                                                  \
        if (GLY_UNLIKELY(gly_try_status != GLY_OK)) {                                              \
            gly_error_add((err), __VA_ARGS__);                                                     \
            return gly_try_status;                                                                 \
        }                                                                                          \
    } while (0)

#endif
