/* fn_regex.c - regular expressions by PCRE2, standing in for Java's.
 *
 * The syntaxes agree on what people use; \w, \d and \b are ASCII in both.  Matching has a step and
 * a depth limit, so a pattern like (a+)+b ends with an error and not with a stuck task. Invariant:
 * compiled code is read-only and shared by workers; match data is per worker (local).
 */
#include "lib/engine/function/fn_regex.h"

#include "lib/engine/function/fn_text.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum { MATCH_LIMIT = 5000000, HEAP_LIMIT_KIB = 64 * 1024 };

typedef struct worker_regex {
    pcre2_match_data *match;
    pcre2_match_context *context;
    gly_builder text;     /* the pattern that `code` was made from */
    pcre2_code *code;     /* of a pattern that is no literal */
    gly_builder out;
} worker_regex;

static void free_code(void *code) { pcre2_code_free(code); }

static void free_worker(void *context) {
    worker_regex *worker = context;
    pcre2_match_data_free(worker->match);
    pcre2_match_context_free(worker->context);
    pcre2_code_free(worker->code);
    gly_builder_clear(&worker->text);
    gly_builder_clear(&worker->out);
}

static gly_status compile_regex(const gly_expr *expr, gly_str text, pcre2_code **ret,
                                gly_error *err) {
    int number;
    PCRE2_SIZE offset;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)text.data, text.size,
                                     PCRE2_UTF | PCRE2_MATCH_INVALID_UTF, &number, &offset, NULL);
    if (code == NULL) {
        PCRE2_UCHAR reason[128];
        char place[GLY_CALL_PLACE_SIZE];
        pcre2_get_error_message(number, reason, sizeof reason);
        return gly_fail(err, GLY_E_INVALID_ARGUMENT,
                        "The regular expression '%.*s' is not valid: %s, at character %zu%s",
                        GLY_STR_ARG(gly_call_excerpt(text)), (const char *)reason,
                        (size_t)offset + 1, gly_call_place(expr, place));
    }
    (void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); /* without it matching is slower */
    *ret = code;
    return GLY_OK;
}

gly_status gly_fn_regex_prepare(gly_arena *arena, const gly_expr *expr, const void **ret,
                                gly_error *err) {
    *ret = NULL;
    if (!gly_expr_is_literal(expr->args[1]) || expr->args[1]->value.is_null) {
        return GLY_OK;
    }
    pcre2_code *code;
    GLY_TRY(compile_regex(expr, expr->args[1]->value.text, &code, err));
    gly_arena_on_free(arena, free_code, code);
    *ret = code;
    return GLY_OK;
}

static worker_regex *worker_of(gly_call *call) {
    worker_regex *worker = *call->local;
    if (worker == NULL) {
        worker = *call->local = GLY_ARENA_NEW(call->local_arena, worker_regex);
        worker->match = pcre2_match_data_create(64, NULL);
        worker->context = pcre2_match_context_create(NULL);
        GLY_ASSERT(worker->match != NULL && worker->context != NULL);
        pcre2_set_match_limit(worker->context, MATCH_LIMIT);
        pcre2_set_heap_limit(worker->context, HEAP_LIMIT_KIB);
        gly_arena_on_free(call->local_arena, free_worker, worker);
    }
    return worker;
}

static gly_status code_of(gly_call *call, worker_regex *worker, uint32_t row,
                          const pcre2_code **ret, gly_error *err) {
    if (call->prepared != NULL) {
        *ret = call->prepared;
        return GLY_OK;
    }
    gly_str text = gly_call_text(call, 1, row);
    if (worker->code == NULL || !gly_str_equal(gly_builder_str(&worker->text), text)) {
        pcre2_code_free(worker->code);
        worker->code = NULL;
        gly_builder_reset(&worker->text);
        gly_builder_add_str(&worker->text, text);
        GLY_TRY(compile_regex(call->expr, text, &worker->code, err));
    }
    *ret = worker->code;
    return GLY_OK;
}

/* *ret: number of groups that have a place (1: only the whole), 0: no match. */
static gly_status match(gly_call *call, worker_regex *worker, const pcre2_code *code, gly_str text,
                        size_t from, uint32_t options, int *ret, gly_error *err) {
    int found = pcre2_match(code, (PCRE2_SPTR)(text.size == 0 ? "" : text.data), text.size, from,
                            options, worker->match, worker->context);
    if (found == PCRE2_ERROR_NOMATCH) {
        *ret = 0;
        return GLY_OK;
    }
    if (found < 0) {
        PCRE2_UCHAR reason[128];
        pcre2_get_error_message(found, reason, sizeof reason);
        return gly_call_fail(call, err, GLY_E_INVALID_ARGUMENT,
                             "Matching a regular expression took too many steps",
                             (const char *)reason);
    }
    *ret = found == 0 ? 64 : found;
    return GLY_OK;
}

gly_status gly_fn_regex_rlike(gly_call *call, gly_error *err) {
    worker_regex *worker = worker_of(call);
    GLY_CALL_EACH(call, row) {
        const pcre2_code *code;
        int groups;
        GLY_TRY(code_of(call, worker, row, &code, err));
        GLY_TRY(match(call, worker, code, gly_call_text(call, 0, row), 0, 0, &groups, err));
        GLY_CALL_RESULT(call, uint8_t)[row] = groups > 0;
    }
    return GLY_OK;
}

gly_status gly_fn_regex_extract(gly_call *call, gly_error *err) {
    worker_regex *worker = worker_of(call);
    GLY_CALL_EACH(call, row) {
        const pcre2_code *code;
        int groups;
        int64_t index = call->arg_count > 2 ? gly_call_integer(call, 2, row) : 1;
        gly_str text = gly_call_text(call, 0, row);
        GLY_TRY(code_of(call, worker, row, &code, err));
        uint32_t group_count = 0;
        pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &group_count);
        if (index < 0 || index > (int64_t)group_count) {
            char place[GLY_CALL_PLACE_SIZE];
            return gly_fail(err, GLY_E_INVALID_ARGUMENT,
                            "regexp_extract asks for group %lld, but the expression has groups 0 "
                            "to %u%s",
                            (long long)index, group_count, gly_call_place(call->expr, place));
        }
        GLY_TRY(match(call, worker, code, text, 0, 0, &groups, err));
        const PCRE2_SIZE *places = pcre2_get_ovector_pointer(worker->match);
        bool has = index < groups && places[2 * index] != PCRE2_UNSET;
        gly_str part = {NULL, 0};
        if (has && places[2 * index + 1] > places[2 * index]) {
            part = (gly_str){text.data + places[2 * index],
                             places[2 * index + 1] - places[2 * index]};
        }
        gly_call_put_view(call, row, part);
    }
    return GLY_OK;
}

static void add_group(gly_builder *out, gly_str text, const PCRE2_SIZE *places, int64_t group,
                      int groups) {
    if (group < groups && places[2 * group] != PCRE2_UNSET &&
        places[2 * group + 1] > places[2 * group]) {
        gly_builder_add(out, text.data + places[2 * group],
                        places[2 * group + 1] - places[2 * group]);
    }
}

static gly_status bad_replacement(const gly_call *call, gly_str text, gly_error *err) {
    char place[GLY_CALL_PLACE_SIZE];
    return gly_fail(err, GLY_E_INVALID_ARGUMENT,
                    "The replacement '%.*s' is not valid: $ must be followed by a group's number "
                    "or {name}, write \\$ for a dollar sign%s",
                    GLY_STR_ARG(gly_call_excerpt(text)), gly_call_place(call->expr, place));
}

/* Java: $1, ${name}; a backslash takes the next character as it is. */
static gly_status add_replacement(const gly_call *call, gly_builder *out, const pcre2_code *code,
                                  gly_str replacement, gly_str text, const PCRE2_SIZE *places,
                                  int groups, gly_error *err) {
    uint32_t group_count = 0;
    pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &group_count);
    for (size_t i = 0; i < replacement.size; i++) {
        char c = replacement.data[i];
        if (c == '\\' && i + 1 < replacement.size) {
            gly_builder_add_char(out, replacement.data[++i]);
        } else if (c != '$') {
            gly_builder_add_char(out, c);
        } else if (i + 1 < replacement.size && replacement.data[i + 1] == '{') {
            char name[64];
            size_t size = 0;
            for (i += 2; i < replacement.size && replacement.data[i] != '}'; i++) {
                if (size + 1 < sizeof name) {
                    name[size++] = replacement.data[i];
                }
            }
            name[size] = '\0';
            int group = pcre2_substring_number_from_name(code, (PCRE2_SPTR)name);
            if (group < 0 || i >= replacement.size) {
                return bad_replacement(call, replacement, err);
            }
            add_group(out, text, places, group, groups);
        } else {
            int64_t group = -1;
            while (i + 1 < replacement.size && replacement.data[i + 1] >= '0' &&
                   replacement.data[i + 1] <= '9') {
                int64_t longer = (group < 0 ? 0 : group) * 10 + (replacement.data[i + 1] - '0');
                if (group >= 0 && longer > (int64_t)group_count) {
                    break; /* as many digits as make a group */
                }
                group = longer;
                i++;
            }
            if (group < 0 || group > (int64_t)group_count) {
                return bad_replacement(call, replacement, err);
            }
            add_group(out, text, places, group, groups);
        }
    }
    return GLY_OK;
}

static gly_status replace_all(gly_call *call, worker_regex *worker, const pcre2_code *code,
                              gly_str text, gly_str replacement, gly_error *err) {
    gly_builder *out = &worker->out;
    size_t at = 0, copied = 0;
    gly_builder_reset(out);
    while (at <= text.size) {
        int groups;
        GLY_TRY(match(call, worker, code, text, at, at > 0 ? PCRE2_NO_UTF_CHECK : 0, &groups,
                      err));
        if (groups == 0) {
            break;
        }
        const PCRE2_SIZE *places = pcre2_get_ovector_pointer(worker->match);
        size_t start = places[0], end = places[1];
        if (end < start || start < copied) { /* \K may do that */
            break;
        }
        gly_builder_add(out, text.data + copied, start - copied);
        GLY_TRY(add_replacement(call, out, code, replacement, text, places, groups, err));
        copied = end;
        at = end;
        if (end == start) { /* an empty match: go on behind the next character */
            at++;
            while (at < text.size && ((unsigned char)text.data[at] & 0xc0) == 0x80) {
                at++;
            }
        }
    }
    gly_builder_add(out, text.data + copied, text.size - copied);
    return GLY_OK;
}

gly_status gly_fn_regex_replace(gly_call *call, gly_error *err) {
    worker_regex *worker = worker_of(call);
    GLY_CALL_EACH(call, row) {
        const pcre2_code *code;
        GLY_TRY(code_of(call, worker, row, &code, err));
        GLY_TRY(replace_all(call, worker, code, gly_call_text(call, 0, row),
                            gly_call_text(call, 2, row), err));
        gly_call_put_text(call, row, gly_builder_str(&worker->out));
    }
    return GLY_OK;
}

/* Where the first match is; found: whether there is one. */
static gly_status find_first(gly_call *call, worker_regex *worker, uint32_t row, size_t *ret_start,
                             size_t *ret_end, bool *found, gly_error *err) {
    const pcre2_code *code;
    int groups;
    GLY_TRY(code_of(call, worker, row, &code, err));
    GLY_TRY(match(call, worker, code, gly_call_text(call, 0, row), 0, 0, &groups, err));
    const PCRE2_SIZE *places = pcre2_get_ovector_pointer(worker->match);
    *found = groups > 0;
    *ret_start = groups > 0 ? places[0] : 0;
    *ret_end = groups > 0 ? GLY_MAX(places[0], places[1]) : 0;
    return GLY_OK;
}

/* NULL without a match, and for an empty one. */
gly_status gly_fn_regex_substr(gly_call *call, gly_error *err) {
    worker_regex *worker = worker_of(call);
    GLY_CALL_EACH(call, row) {
        size_t start, end;
        bool found;
        GLY_TRY(find_first(call, worker, row, &start, &end, &found, err));
        if (!found || end == start) {
            gly_call_set_null(call, row);
        }
        gly_str text = gly_call_text(call, 0, row);
        gly_call_put_view(call, row,
                          end > start ? (gly_str){text.data + start, end - start}
                                      : (gly_str){"", 0});
    }
    return GLY_OK;
}

/* The character it starts at, from 1; Spark, too, looks at no group. */
gly_status gly_fn_regex_instr(gly_call *call, gly_error *err) {
    worker_regex *worker = worker_of(call);
    GLY_CALL_EACH(call, row) {
        size_t start, end;
        bool found;
        GLY_TRY(find_first(call, worker, row, &start, &end, &found, err));
        gly_str before = {gly_call_text(call, 0, row).data, start};
        GLY_CALL_RESULT(call, int32_t)[row] = found ? (int32_t)gly_fn_text_count(before) + 1 : 0;
    }
    return GLY_OK;
}

static gly_status count_all(gly_call *call, worker_regex *worker, const pcre2_code *code,
                            gly_str text, int32_t *ret, gly_error *err) {
    *ret = 0;
    for (size_t at = 0; at <= text.size;) {
        int groups;
        GLY_TRY(
            match(call, worker, code, text, at, at > 0 ? PCRE2_NO_UTF_CHECK : 0, &groups, err));
        const PCRE2_SIZE *places = pcre2_get_ovector_pointer(worker->match);
        if (groups == 0 || places[1] < places[0] || places[1] < at) {
            break;
        }
        ++*ret;
        at = places[1];
        if (at == places[0]) { /* an empty match: go on behind the next character */
            at += at < text.size ? gly_fn_text_character_size(text, at) : 1;
        }
    }
    return GLY_OK;
}

gly_status gly_fn_regex_count(gly_call *call, gly_error *err) {
    worker_regex *worker = worker_of(call);
    GLY_CALL_EACH(call, row) {
        const pcre2_code *code;
        GLY_TRY(code_of(call, worker, row, &code, err));
        GLY_TRY(count_all(call, worker, code, gly_call_text(call, 0, row),
                          &GLY_CALL_RESULT(call, int32_t)[row], err));
    }
    return GLY_OK;
}
