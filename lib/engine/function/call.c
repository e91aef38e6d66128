/* call.c - helpers that all scalar functions share: nulls, decimals of either width, messages.
 *
 * Invariant: a message is one sentence that names the expression as the user wrote it and its
 * place. The rules of calling are in call.h.
 */
#include "lib/engine/function/call.h"

#include <stdio.h>

uint64_t *gly_call_need_validity(gly_call *call) {
    gly_column *result = call->result;
    if (result->validity == NULL) {
        size_t size = gly_column_words(GLY_MAX(call->count, 1u)) * sizeof(uint64_t);
        result->validity = gly_arena_alloc_aligned(call->scratch, size);
        memset(result->validity, 0xff, size);
    }
    return result->validity;
}

void gly_call_set_null(gly_call *call, uint32_t row) {
    gly_bit_clear(gly_call_need_validity(call), row);
}

int64_t gly_call_integer(const gly_call *call, uint32_t j, uint32_t row) {
    const void *data = call->args[j].data;
    uint32_t at = row & call->masks[j];
    switch (gly_type_kind(call->args[j].type)) {
    case GLY_KIND_I8:
        return ((const int8_t *)data)[at];
    case GLY_KIND_I16:
        return ((const int16_t *)data)[at];
    case GLY_KIND_I32:
        return ((const int32_t *)data)[at];
    case GLY_KIND_I64:
        return ((const int64_t *)data)[at];
    default:
        GLY_UNREACHABLE();
    }
}

gly_i128 gly_call_decimal(const gly_call *call, uint32_t j, uint32_t row) {
    if (gly_type_kind(call->args[j].type) == GLY_KIND_I64) {
        return GLY_CALL_ARG(call, j, int64_t, row);
    }
    if (call->narrow != NULL && call->narrow[j] != NULL) {
        return call->narrow[j][row & call->masks[j]];
    }
    return GLY_CALL_ARG(call, j, gly_i128, row);
}

void gly_call_put_decimal(gly_call *call, uint32_t row, gly_i128 value) {
    if (gly_type_kind(call->result->type) == GLY_KIND_I64) {
        GLY_CALL_RESULT(call, int64_t)[row] = (int64_t)value;
    } else {
        GLY_CALL_RESULT(call, gly_i128)[row] = value;
    }
}

char *gly_call_room(gly_call *call, size_t size) { return gly_arena_alloc(call->scratch, size); }

void gly_call_put_text(gly_call *call, uint32_t row, gly_str text) {
    if (text.size > GLY_TEXT_INLINE) {
        char *copy = gly_call_room(call, text.size);
        memcpy(copy, text.data, text.size);
        text.data = copy;
    }
    gly_call_put_view(call, row, text);
}

const char *gly_call_place(const gly_expr *expr, char buffer[GLY_CALL_PLACE_SIZE]) {
    if (expr->line == 0) {
        buffer[0] = '\0';
    } else {
        snprintf(buffer, GLY_CALL_PLACE_SIZE, " (line %u, column %u)", expr->line,
                 expr->position);
    }
    return buffer;
}

gly_str gly_call_excerpt(gly_str text) {
    enum { LONGEST = 100 };
    if (text.size > LONGEST) {
        text.size = LONGEST;
        while (text.size > 0 && ((unsigned char)text.data[text.size] & 0xc0) == 0x80) {
            text.size--;
        }
    }
    return text;
}

gly_status gly_call_fail(const gly_call *call, gly_error *err, gly_status status,
                         const char *what, const char *advice) {
    gly_builder text = {0};
    char place[GLY_CALL_PLACE_SIZE];
    gly_expr_format(call->expr, false, &text);
    gly_str shown = gly_call_excerpt(gly_builder_str(&text));
    status = gly_fail(err, status, "%s in '%.*s%s'%s%s%s", what, GLY_STR_ARG(shown),
                      shown.size < text.size ? "..." : "", gly_call_place(call->expr, place),
                      advice == NULL ? "" : ": ", advice == NULL ? "" : advice);
    gly_builder_clear(&text);
    return status;
}
