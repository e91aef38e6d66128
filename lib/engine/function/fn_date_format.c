/* fn_date_format.c - date_format, to_date, to_timestamp, unix_timestamp, from_unixtime.
 *
 * The pattern is the last argument; a literal one is compiled once, others are kept while they do
 * not change.  Text that does not match raises (ANSI).  Patterns themselves are in date_pattern.c.
 */
#include "lib/engine/function/fn_date_format.h"

#include "lib/base/clock.h"
#include "lib/data/date.h"
#include "lib/engine/function/date_pattern.h"

#define DEFAULT_PATTERN GLY_STR("yyyy-MM-dd HH:mm:ss")

static gly_status compile_pattern(gly_arena *arena, const gly_expr *expr, gly_str text,
                                  const gly_date_pattern **ret, gly_error *err) {
    gly_error own = {0};
    char place[GLY_CALL_PLACE_SIZE];
    gly_status status = gly_date_pattern_compile(arena, text, ret, &own);
    if (status != GLY_OK) {
        return gly_fail(err, status, "%s: '%.*s'%s", own.message,
                        GLY_STR_ARG(gly_call_excerpt(text)), gly_call_place(expr, place));
    }
    return GLY_OK;
}

gly_status gly_fn_date_format_prepare(gly_arena *arena, const gly_expr *expr, const void **ret,
                                      gly_error *err) {
    const gly_date_pattern *pattern = NULL;
    *ret = NULL;
    gly_str text = DEFAULT_PATTERN;
    if (expr->arg_count > 1) {
        if (!gly_expr_is_literal(expr->args[1]) || expr->args[1]->value.is_null) {
            return GLY_OK;
        }
        text = expr->args[1]->value.text;
    }
    GLY_TRY(compile_pattern(arena, expr, text, &pattern, err));
    *ret = pattern;
    return GLY_OK;
}

typedef struct cache {
    gly_arena *arena;
    gly_str text;
    const gly_date_pattern *pattern;
} cache;

static void free_cache(void *context) { gly_arena_free(((cache *)context)->arena); }

static gly_status pattern_of(gly_call *call, uint32_t row, const gly_date_pattern **ret,
                             gly_error *err) {
    if (call->prepared != NULL) {
        *ret = call->prepared;
        return GLY_OK;
    }
    cache *held = *call->local;
    if (held == NULL) {
        held = *call->local = GLY_ARENA_NEW(call->local_arena, cache);
        held->arena = gly_arena_make();
        gly_arena_on_free(call->local_arena, free_cache, held);
    }
    gly_str text = gly_call_text(call, 1, row);
    if (held->pattern == NULL || !gly_str_equal(held->text, text)) {
        held->pattern = NULL;
        gly_arena_reset(held->arena);
        held->text = gly_arena_str(held->arena, text);
        GLY_TRY(compile_pattern(held->arena, call->expr, held->text, &held->pattern, err));
    }
    *ret = held->pattern;
    return GLY_OK;
}

/* writing */

static gly_status run_format(gly_call *call, int64_t unit, gly_error *err) {
    gly_builder out = {0};
    gly_status status = GLY_OK;
    GLY_CALL_EACH(call, row) {
        const gly_date_pattern *pattern;
        int64_t micros;
        status = pattern_of(call, row, &pattern, err);
        if (status != GLY_OK) {
            break;
        }
        if (__builtin_mul_overflow(GLY_CALL_ARG(call, 0, int64_t, row), unit, &micros)) {
            gly_call_put_view(call, row, GLY_STR(""));
            gly_call_set_null(call, row);
            continue;
        }
        gly_builder_reset(&out);
        gly_date_pattern_format(pattern, micros, &out);
        gly_call_put_text(call, row, gly_builder_str(&out));
    }
    gly_builder_clear(&out);
    return status;
}

gly_status gly_fn_date_format_run(gly_call *call, gly_error *err) {
    return run_format(call, 1, err);
}

gly_status gly_fn_date_format_from_unixtime(gly_call *call, gly_error *err) {
    return run_format(call, GLY_TIMESTAMP_SECOND, err);
}

/* reading */

static gly_status not_a_date(const gly_call *call, gly_str text, const char *what,
                             gly_error *err) {
    char place[GLY_CALL_PLACE_SIZE];
    gly_str pattern = {NULL, 0};
    if (call->arg_count > 1 && gly_expr_is_literal(call->expr->args[1])) {
        pattern = call->expr->args[1]->value.text;
    }
    return gly_fail(err, GLY_E_DATETIME, "The text '%.*s' is not a %s%s%.*s%s%s; correct it or the "
                    "pattern, or use try_cast to get NULL instead",
                    GLY_STR_ARG(gly_call_excerpt(text)), what,
                    pattern.size > 0 ? " of the form '" : "", GLY_STR_ARG(pattern),
                    pattern.size > 0 ? "'" : "", gly_call_place(call->expr, place));
}

/* One row's text by the pattern, or as CAST reads it when there is none. */
static gly_status read_row(gly_call *call, uint32_t row, bool as_cast, const char *what,
                           int64_t *ret, gly_error *err) {
    gly_str text = gly_call_text(call, 0, row);
    bool good;
    if (as_cast) {
        good = gly_timestamp_parse(text, ret);
    } else {
        const gly_date_pattern *pattern;
        GLY_TRY(pattern_of(call, row, &pattern, err));
        good = gly_date_pattern_parse(pattern, text, ret);
    }
    return good ? GLY_OK : not_a_date(call, text, what, err);
}

gly_status gly_fn_date_format_to_date(gly_call *call, gly_error *err) {
    GLY_CALL_EACH(call, row) {
        int32_t *out = &GLY_CALL_RESULT(call, int32_t)[row];
        if (call->arg_count == 1) {
            gly_str text = gly_call_text(call, 0, row);
            if (!gly_date_parse(text, out)) {
                return not_a_date(call, text, "date", err);
            }
            continue;
        }
        int64_t micros;
        GLY_TRY(read_row(call, row, false, "date", &micros, err));
        *out = gly_timestamp_to_date(micros);
    }
    return GLY_OK;
}

gly_status gly_fn_date_format_to_timestamp(gly_call *call, gly_error *err) {
    GLY_CALL_EACH(call, row) {
        GLY_TRY(read_row(call, row, call->arg_count == 1, "timestamp",
                         &GLY_CALL_RESULT(call, int64_t)[row], err));
    }
    return GLY_OK;
}

gly_status gly_fn_date_format_unix_timestamp(gly_call *call, gly_error *err) {
    int64_t *out = call->result->data;
    GLY_CALL_EACH(call, row) {
        int64_t micros;
        if (call->arg_count == 0) {
            micros = gly_clock_wall_ms() * 1000;
        } else if (gly_type_is_text(call->args[0].type)) {
            GLY_TRY(read_row(call, row, false, "timestamp", &micros, err));
        } else {
            micros = GLY_CALL_ARG(call, 0, int64_t, row);
        }
        out[row] = micros / GLY_TIMESTAMP_SECOND - (micros % GLY_TIMESTAMP_SECOND < 0);
    }
    return GLY_OK;
}
