/* fn_like.c - LIKE: a pattern is cut at its % into pieces; pieces are found from left to right.
 *
 * The first piece is anchored at the start (unless the pattern starts with %), the last at the end,
 * those between are searched leftmost-first, which is enough: taking an earlier place never hurts.
 * A piece without _ is searched by gly_k_text_find; _ matches one character (code point).  So
 * 'abc', 'abc%', '%abc' and '%abc%' need no special cases to be fast.  No backtracking: linear per
 * piece.
 */
#include "lib/engine/function/fn_like.h"

#include "lib/engine/kernel/k_text.h"

typedef struct piece {
    gly_str bytes;   /* '_' holes are marked in holes */
    uint8_t *holes;  /* per byte: 1 is "any character"; NULL: none */
    uint32_t characters;
} piece;

typedef struct pattern {
    uint32_t piece_count; /* between the % */
    piece *pieces;
    bool open_start, open_end; /* % at the ends */
} pattern;

static size_t character_size(unsigned char lead) {
    return lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

static bool is_continuation(char c) { return ((unsigned char)c & 0xc0) == 0x80; }

/* compiling */

static gly_status bad_pattern(const gly_expr *expr, gly_str text, const char *why,
                              gly_error *err) {
    char place[GLY_CALL_PLACE_SIZE];
    return gly_fail(err, GLY_E_INVALID_ARGUMENT, "The pattern '%.*s' of LIKE is not valid: %s%s",
                    GLY_STR_ARG(gly_call_excerpt(text)), why, gly_call_place(expr, place));
}

static void close_piece(pattern *compiled, piece *open, bool has_holes) {
    if (open->bytes.size > 0) {
        for (size_t i = 0; i < open->bytes.size; i++) {
            open->characters += !is_continuation(open->bytes.data[i]);
        }
        piece *kept = &compiled->pieces[compiled->piece_count++];
        *kept = *open;
        kept->holes = has_holes ? open->holes : NULL;
    }
}

static gly_status compile_pattern(gly_arena *arena, const gly_expr *expr, gly_str text,
                                  gly_str escape, const pattern **ret, gly_error *err) {
    pattern *compiled = GLY_ARENA_NEW(arena, pattern);
    compiled->pieces = GLY_ARENA_ARRAY(arena, piece, text.size / 2 + 2);
    char *bytes = gly_arena_alloc(arena, text.size + 1);
    uint8_t *holes = gly_arena_alloc_zero(arena, text.size + 1, 1);
    piece open = {.bytes = {bytes, 0}, .holes = holes};
    size_t used = 0;
    bool has_holes = false, last_is_percent = false;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        last_is_percent = false;
        if (escape.size > 0 && text.size - i >= escape.size &&
            memcmp(text.data + i, escape.data, escape.size) == 0) {
            i += escape.size;
            if (i >= text.size) {
                return bad_pattern(expr, text, "it ends with the escape character", err);
            }
            bool is_escape = text.size - i >= escape.size &&
                             memcmp(text.data + i, escape.data, escape.size) == 0;
            if (text.data[i] != '%' && text.data[i] != '_' && !is_escape) {
                return bad_pattern(expr, text,
                                   "the escape character may only stand before %, _ or itself",
                                   err);
            }
            size_t size = is_escape ? escape.size : 1;
            memcpy(bytes + used, text.data + i, size);
            used += size;
            i += size - 1;
        } else if (c == '%') {
            last_is_percent = true;
            compiled->open_start = compiled->open_start || i == 0;
            open.bytes.size = used - (size_t)(open.bytes.data - bytes);
            close_piece(compiled, &open, has_holes);
            open = (piece){.bytes = {bytes + used, 0}, .holes = holes + used};
            has_holes = false;
            continue;
        } else {
            holes[used] = c == '_';
            has_holes = has_holes || c == '_';
            bytes[used++] = c;
        }
    }
    open.bytes.size = used - (size_t)(open.bytes.data - bytes);
    close_piece(compiled, &open, has_holes);
    compiled->open_end = last_is_percent;
    *ret = compiled;
    return GLY_OK;
}

gly_status gly_fn_like_prepare(gly_arena *arena, const gly_expr *expr, const void **ret,
                               gly_error *err) {
    *ret = NULL;
    gly_str escape = GLY_STR("\\");
    for (uint32_t i = 1; i < expr->arg_count; i++) {
        if (!gly_expr_is_literal(expr->args[i]) || expr->args[i]->value.is_null) {
            return GLY_OK;
        }
    }
    if (expr->arg_count > 2) {
        escape = expr->args[2]->value.text;
    }
    const pattern *compiled;
    GLY_TRY(compile_pattern(arena, expr, expr->args[1]->value.text, escape, &compiled, err));
    *ret = compiled;
    return GLY_OK;
}

/* matching */

/* Where the piece ends when it starts at `at`; false if it does not match there. */
static bool match_at(const piece *wanted, gly_str text, size_t at, size_t *ret_end) {
    if (wanted->holes == NULL) {
        *ret_end = at + wanted->bytes.size;
        return *ret_end <= text.size &&
               memcmp(text.data + at, wanted->bytes.data, wanted->bytes.size) == 0;
    }
    for (size_t i = 0; i < wanted->bytes.size; i++) {
        if (at >= text.size) {
            return false;
        }
        if (wanted->holes[i]) {
            at += character_size((unsigned char)text.data[at]);
        } else if (text.data[at++] != wanted->bytes.data[i]) {
            return false;
        }
    }
    *ret_end = at;
    return at <= text.size;
}

static bool search(const piece *wanted, gly_str text, size_t from, size_t *ret_end) {
    if (wanted->holes == NULL) {
        size_t found = gly_k_text_find(text.data, text.size, from, wanted->bytes.data,
                                       wanted->bytes.size);
        *ret_end = found + wanted->bytes.size;
        return found != SIZE_MAX;
    }
    for (size_t at = from; at < text.size; at++) {
        if (!is_continuation(text.data[at]) && match_at(wanted, text, at, ret_end)) {
            return true;
        }
    }
    return false;
}

/* The piece must end where the text ends, and start at `from` or later. */
static bool match_end(const piece *wanted, gly_str text, size_t from) {
    size_t at = text.size, end;
    if (wanted->holes == NULL) {
        return text.size - from >= wanted->bytes.size &&
               memcmp(text.data + text.size - wanted->bytes.size, wanted->bytes.data,
                      wanted->bytes.size) == 0;
    }
    for (uint32_t i = 0; i < wanted->characters; i++) {
        if (at <= from) {
            return false;
        }
        at--;
        while (at > from && is_continuation(text.data[at])) {
            at--;
        }
    }
    return match_at(wanted, text, at, &end) && end == text.size;
}

static bool matches(const pattern *compiled, gly_str text) {
    size_t at = 0;
    uint32_t first = 0, last = compiled->piece_count;
    if (last == 0) { /* only %, or nothing */
        return compiled->open_end || text.size == 0;
    }
    if (!compiled->open_start) {
        if (!match_at(&compiled->pieces[0], text, 0, &at)) {
            return false;
        }
        first = 1;
        if (last == 1) {
            return compiled->open_end || at == text.size;
        }
    }
    if (!compiled->open_end) {
        last--;
    }
    for (uint32_t i = first; i < last; i++) {
        if (!search(&compiled->pieces[i], text, at, &at)) {
            return false;
        }
    }
    return compiled->open_end || match_end(&compiled->pieces[compiled->piece_count - 1], text, at);
}

/* The pattern compiled last, for patterns that are not literals. */
typedef struct cache {
    gly_arena *arena;
    gly_str text, escape;
    const pattern *compiled;
} cache;

static void free_cache(void *context) { gly_arena_free(((cache *)context)->arena); }

static gly_status cached_pattern(gly_call *call, uint32_t row, const pattern **ret,
                                 gly_error *err) {
    cache *held = *call->local;
    gly_str text = gly_call_text(call, 1, row);
    gly_str escape = call->arg_count > 2 ? gly_call_text(call, 2, row) : GLY_STR("\\");
    if (held == NULL) {
        held = *call->local = GLY_ARENA_NEW(call->local_arena, cache);
        held->arena = gly_arena_make();
        gly_arena_on_free(call->local_arena, free_cache, held);
    }
    if (held->compiled == NULL || !gly_str_equal(held->text, text) ||
        !gly_str_equal(held->escape, escape)) {
        held->compiled = NULL;
        gly_arena_reset(held->arena);
        held->text = gly_arena_str(held->arena, text);
        held->escape = gly_arena_str(held->arena, escape);
        GLY_TRY(compile_pattern(held->arena, call->expr, held->text, held->escape,
                                &held->compiled, err));
    }
    *ret = held->compiled;
    return GLY_OK;
}

gly_status gly_fn_like_run(gly_call *call, gly_error *err) {
    const pattern *compiled = call->prepared;
    uint8_t *out = call->result->data;
    if (compiled != NULL) {
        GLY_CALL_EACH(call, row) { out[row] = matches(compiled, gly_call_text(call, 0, row)); }
        return GLY_OK;
    }
    GLY_CALL_EACH(call, row) {
        GLY_TRY(cached_pattern(call, row, &compiled, err));
        out[row] = matches(compiled, gly_call_text(call, 0, row));
    }
    return GLY_OK;
}

gly_status gly_fn_like_starts(gly_call *call, gly_error *err) {
    (void)err;
    GLY_CALL_EACH(call, row) {
        GLY_CALL_RESULT(call, uint8_t)[row] =
            gly_str_starts_with(gly_call_text(call, 0, row), gly_call_text(call, 1, row));
    }
    return GLY_OK;
}

gly_status gly_fn_like_ends(gly_call *call, gly_error *err) {
    (void)err;
    GLY_CALL_EACH(call, row) {
        GLY_CALL_RESULT(call, uint8_t)[row] =
            gly_str_ends_with(gly_call_text(call, 0, row), gly_call_text(call, 1, row));
    }
    return GLY_OK;
}

gly_status gly_fn_like_contains(gly_call *call, gly_error *err) {
    (void)err;
    GLY_CALL_EACH(call, row) {
        gly_str text = gly_call_text(call, 0, row), needle = gly_call_text(call, 1, row);
        GLY_CALL_RESULT(call, uint8_t)[row] =
            gly_k_text_find(text.data, text.size, 0, needle.data, needle.size) != SIZE_MAX;
    }
    return GLY_OK;
}
