/* log.h - the log of a process: JSON lines on stderr, one write for each line.
 *
 *   gly_log_warn("executor lost", GLY_LOG_STR("executor", name), GLY_LOG_INT("tasks", count));
 *   {"time":"2026-11-21T15:51:53.123Z","level":"warn","program":"galley-driver","message":"executor
 * lost", "executor":"3","tasks":12}
 *
 * Only floor 3 logs, once, at the place that decides what to do about it; libraries return errors.
 * Any thread may log.  Every value is bounded (GLY_LOG_VALUE_SIZE), so that nobody's input fills a
 * disk.
 */
#ifndef GLY_LOG_H
#define GLY_LOG_H

#include "lib/base/str.h"

typedef enum gly_log_level {
    GLY_LOG_DEBUG,
    GLY_LOG_INFO,
    GLY_LOG_WARN,
    GLY_LOG_ERROR,
    GLY_LOG_OFF,
} gly_log_level;

typedef enum gly_log_kind {
    GLY_LOG_KIND_END, /* closes the list */
    GLY_LOG_KIND_STR,
    GLY_LOG_KIND_INT,
    GLY_LOG_KIND_DOUBLE,
    GLY_LOG_KIND_BOOL,
} gly_log_kind;

typedef struct gly_log_field {
    const char *key;
    gly_log_kind kind;
    const char *text; /* NULL is written as null */
    int64_t number;
    double real;
} gly_log_field;

enum { GLY_LOG_VALUE_SIZE = 4096 };

#define GLY_LOG_STR(name, value)                                                                   \
    ((gly_log_field){.key = (name), .kind = GLY_LOG_KIND_STR, .text = (value)})
#define GLY_LOG_INT(name, value)                                                                   \
    ((gly_log_field){.key = (name), .kind = GLY_LOG_KIND_INT, .number = (int64_t)(value)})
#define GLY_LOG_DOUBLE(name, value)                                                                \
    ((gly_log_field){.key = (name), .kind = GLY_LOG_KIND_DOUBLE, .real = (value)})
#define GLY_LOG_BOOL(name, value)                                                                  \
    ((gly_log_field){.key = (name), .kind = GLY_LOG_KIND_BOOL, .number = (value)})
/* What a gly_error says. */
#define GLY_LOG_ERR(err) GLY_LOG_STR("error", (err)->message)

#define GLY_LOG_AT(at_level, message, ...)                                                         \
    do {                                                                                           \
        if (gly_log_enabled(at_level)) {                                                           \
            gly_log_write((at_level), (message),                                                   \
                          (const gly_log_field[]){__VA_ARGS__ __VA_OPT__(, ){0}});                 \
        }                                                                                          \
    } while (0)
#define gly_log_debug(...) GLY_LOG_AT(GLY_LOG_DEBUG, __VA_ARGS__)
#define gly_log_info(...) GLY_LOG_AT(GLY_LOG_INFO, __VA_ARGS__)
#define gly_log_warn(...) GLY_LOG_AT(GLY_LOG_WARN, __VA_ARGS__)
#define gly_log_error(...) GLY_LOG_AT(GLY_LOG_ERROR, __VA_ARGS__)

/* Called once by main before other threads start: the program's name for each line (a literal), and
 * the level of GALLEY_LOG_LEVEL (debug, info, warn, error, off; info if unset).  An unknown level
 * is info, and a line says so. */
void gly_log_start(const char *program);
void gly_log_set_level(gly_log_level level);
bool gly_log_enabled(gly_log_level level);
bool gly_log_parse_level(gly_str text, gly_log_level *ret);

/* The line, without where it goes (for tests): ends with a newline. */
void gly_log_format(gly_log_level level, const char *program, int64_t wall_ms, const char *message,
                    const gly_log_field *fields, gly_builder *out);
void gly_log_write(gly_log_level level, const char *message, const gly_log_field *fields);

#endif
