/* log.c - JSON lines on stderr, as `kubectl logs` and every log collector reads them.
 *
 * A line is built in memory and leaves with one write, so that lines of several threads (and of
 * several processes behind one pipe) do not mix.  A failing stderr is ignored: there is nobody to
 * tell. Level and program name are the process's own, set once by main; they are the only state
 * below floor 3, because a log that had to be passed everywhere would be passed nowhere.
 */
#include "lib/base/log.h"

#include "lib/base/clock.h"
#include "lib/base/json_text.h"

#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static const char *const level_names[] = {"debug", "info", "warn", "error", "off"};

static atomic_int process_level = GLY_LOG_INFO;
static _Atomic(const char *) process_program = NULL;

bool gly_log_parse_level(gly_str text, gly_log_level *ret) {
    for (size_t i = 0; i < GLY_ARRAY_LEN(level_names); i++) {
        if (gly_str_equal_ignore_case(text, gly_str_of(level_names[i]))) {
            *ret = (gly_log_level)i;
            return true;
        }
    }
    return false;
}

void gly_log_set_level(gly_log_level level) { atomic_store(&process_level, (int)level); }

bool gly_log_enabled(gly_log_level level) {
    return (int)level >= atomic_load_explicit(&process_level, memory_order_relaxed);
}

void gly_log_start(const char *program) {
    atomic_store(&process_program, program);
    const char *text = getenv("GALLEY_LOG_LEVEL");
    gly_log_level level = GLY_LOG_INFO;
    if (text != NULL && text[0] != '\0' && !gly_log_parse_level(gly_str_of(text), &level)) {
        gly_log_set_level(GLY_LOG_INFO);
        gly_log_warn("GALLEY_LOG_LEVEL is none of debug, info, warn, error, off; info is used",
                     GLY_LOG_STR("value", text));
    }
    gly_log_set_level(level);
}

static void add_time(int64_t wall_ms, gly_builder *out) {
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts;
    if (gmtime_r(&seconds, &parts) == NULL) {
        memset(&parts, 0, sizeof parts);
    }
    gly_builder_format(out, "\"%04d-%02d-%02dT%02d:%02d:%02d.%03dZ\"", parts.tm_year + 1900,
                       parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                       (int)(wall_ms % 1000));
}

static void add_text(const char *text, gly_builder *out) {
    if (text == NULL) {
        gly_builder_add_text(out, "null");
        return;
    }
    size_t size = strnlen(text, GLY_LOG_VALUE_SIZE + 1);
    bool is_cut = size > GLY_LOG_VALUE_SIZE;
    if (is_cut) {
        size = GLY_LOG_VALUE_SIZE;
        while (size > 0 && ((uint8_t)text[size] & 0xC0) == 0x80) {
            size--; /* not within a character */
        }
    }
    gly_builder_add_char(out, '"');
    gly_json_text_escape((gly_str){text, size}, out);
    gly_builder_add_text(out, is_cut ? "…\"" : "\"");
}

static void add_value(const gly_log_field *field, gly_builder *out) {
    switch (field->kind) {
    case GLY_LOG_KIND_STR:
        add_text(field->text, out);
        break;
    case GLY_LOG_KIND_INT:
        gly_builder_format(out, "%lld", (long long)field->number);
        break;
    case GLY_LOG_KIND_DOUBLE:
        if (isfinite(field->real)) {
            gly_builder_format(out, "%.6g", field->real);
        } else {
            gly_builder_add_text(out, "null"); /* JSON has no NaN */
        }
        break;
    case GLY_LOG_KIND_BOOL:
        gly_builder_add_text(out, field->number != 0 ? "true" : "false");
        break;
    case GLY_LOG_KIND_END:
        break;
    }
}

void gly_log_format(gly_log_level level, const char *program, int64_t wall_ms, const char *message,
                    const gly_log_field *fields, gly_builder *out) {
    gly_builder_add_text(out, "{\"time\":");
    add_time(wall_ms, out);
    gly_builder_format(out, ",\"level\":\"%s\"", level_names[level]);
    if (program != NULL) {
        gly_builder_add_text(out, ",\"program\":");
        add_text(program, out);
    }
    gly_builder_add_text(out, ",\"message\":");
    add_text(message, out);
    for (const gly_log_field *field = fields; field->kind != GLY_LOG_KIND_END; field++) {
        gly_builder_add_char(out, ',');
        add_text(field->key, out);
        gly_builder_add_char(out, ':');
        add_value(field, out);
    }
    gly_builder_add_text(out, "}\n");
}

void gly_log_write(gly_log_level level, const char *message, const gly_log_field *fields) {
    gly_builder line = {0};
    gly_log_format(level, atomic_load(&process_program), gly_clock_wall_ms(), message, fields,
                   &line);
    int saved_errno = errno;
    size_t done = 0;
    while (done < line.size) {
        ssize_t written = write(STDERR_FILENO, line.data + done, line.size - done);
        if (written < 0 && errno != EINTR) {
            break;
        }
        done += written > 0 ? (size_t)written : 0;
    }
    errno = saved_errno;
    gly_builder_clear(&line);
}
