/* fn_in.c - membership in a list: a hash table of literals made once, or comparisons.
 *
 * NULL if x is, or if x is not found and the list has a NULL.  Up to SHORT literals of a fixed
 * width are compared one after the other over the whole batch; more, or text, are looked up by
 * hash.  With arguments that are not literals every row is compared with every argument.
 */
#include "lib/engine/function/fn_in.h"

#include "lib/engine/kernel/k_arith.h"
#include "lib/engine/kernel/k_compare.h"
#include "lib/engine/kernel/k_hash.h"

enum { SHORT = 4 };

typedef struct in_list {
    bool has_null;
    uint32_t count;   /* without NULLs */
    gly_column values; /* FLAT, count of them */
    uint64_t *hashes;
    uint32_t *slots;  /* index + 1 of a value, 0: empty; capacity is mask + 1 */
    uint32_t mask;
} in_list;

static const void *list_value(const in_list *list, gly_kind kind, uint32_t index) {
    return (const char *)list->values.data + index * gly_kind_width(kind);
}

static bool find(const in_list *list, gly_kind kind, uint64_t hash, const void *value) {
    for (uint32_t slot = (uint32_t)hash & list->mask; list->slots[slot] != 0;
         slot = (slot + 1) & list->mask) {
        uint32_t index = list->slots[slot] - 1;
        if (list->hashes[index] == hash &&
            gly_k_compare_values(kind, value, list_value(list, kind, index)) == 0) {
            return true;
        }
    }
    return false;
}

static void build_table(gly_arena *arena, in_list *list) {
    uint32_t capacity = 8;
    while (capacity < list->count * 2) {
        capacity *= 2;
    }
    list->mask = capacity - 1;
    list->slots = GLY_ARENA_ARRAY(arena, uint32_t, capacity);
    list->hashes = GLY_ARENA_ARRAY(arena, uint64_t, list->count);
    gly_kind kind = gly_type_kind(list->values.type);
    for (uint32_t i = 0; i < list->count; i++) {
        gly_column one = list->values;
        one.data = (char *)one.data + i * gly_kind_width(kind);
        one.count = 1;
        gly_k_hash_column(&one, NULL, 1, &list->hashes[i], false);
        uint32_t slot = (uint32_t)list->hashes[i] & list->mask;
        while (list->slots[slot] != 0) {
            slot = (slot + 1) & list->mask;
        }
        list->slots[slot] = i + 1;
    }
}

gly_status gly_fn_in_prepare(gly_arena *arena, const gly_expr *expr, const void **ret,
                             gly_error *err) {
    (void)err;
    for (uint32_t i = 1; i < expr->arg_count; i++) {
        if (!gly_expr_is_literal(expr->args[i])) {
            *ret = NULL;
            return GLY_OK;
        }
    }
    in_list *list = GLY_ARENA_NEW(arena, in_list);
    gly_column_make_flat(arena, expr->args[0]->type, expr->arg_count, &list->values);
    for (uint32_t i = 1; i < expr->arg_count; i++) {
        const gly_value *value = &expr->args[i]->value;
        if (value->is_null) {
            list->has_null = true;
        } else {
            gly_column_set(arena, &list->values, list->count++, value);
        }
    }
    list->values.count = list->count;
    build_table(arena, list);
    *ret = list;
    return GLY_OK;
}

/* Over all rows, literal by literal. */
static void run_short(gly_call *call, const in_list *list, gly_kind kind) {
    uint8_t *out = call->result->data;
    uint8_t one[GLY_CALL_ROWS];
    memset(out, 0, call->count);
    for (uint32_t k = 0; k < list->count; k++) {
        gly_k_compare_run(GLY_K_EQUAL, kind, call->args[0].data, list_value(list, kind, k), 0,
                          call->count, one);
        gly_k_arith_run(GLY_K_BIT_OR, GLY_KIND_I8, out, UINT32_MAX, one, UINT32_MAX, call->count,
                        out);
    }
}

static void run_list(gly_call *call, const in_list *list) {
    gly_kind kind = gly_type_kind(call->args[0].type);
    size_t width = gly_kind_width(kind);
    uint8_t *out = call->result->data;
    const char *data = call->args[0].data;
    if (kind != GLY_KIND_TEXT && list->count <= SHORT && call->dense && call->masks[0] != 0) {
        run_short(call, list, kind);
    } else {
        uint64_t hashes[GLY_CALL_ROWS];
        gly_k_hash_column(&call->args[0], call->rows, call->row_count, hashes, false);
        GLY_CALL_EACH(call, row) {
            out[row] = find(list, kind, hashes[gly_i], data + (row & call->masks[0]) * width);
        }
    }
    bool needs_nulls = call->args[0].validity != NULL || list->has_null;
    for (uint32_t i = 0; needs_nulls && i < call->row_count; i++) {
        uint32_t row = call->rows == NULL ? i : call->rows[i];
        if (!gly_call_arg_valid(call, 0, row) || (list->has_null && !out[row])) {
            gly_call_set_null(call, row);
        }
    }
}

gly_status gly_fn_in_run(gly_call *call, gly_error *err) {
    (void)err;
    if (call->prepared != NULL) {
        run_list(call, call->prepared);
        return GLY_OK;
    }
    gly_kind kind = gly_type_kind(call->args[0].type);
    size_t width = gly_kind_width(kind);
    GLY_CALL_EACH(call, row) {
        bool found = false;
        bool has_null = !gly_call_arg_valid(call, 0, row);
        const char *value = (const char *)call->args[0].data + (row & call->masks[0]) * width;
        for (uint32_t j = 1; j < call->arg_count && !has_null && !found; j++) {
            found = gly_call_arg_valid(call, j, row) &&
                    gly_k_compare_values(kind, value,
                                         (const char *)call->args[j].data +
                                             (row & call->masks[j]) * width) == 0;
        }
        for (uint32_t j = 1; j < call->arg_count && !found; j++) {
            has_null = has_null || !gly_call_arg_valid(call, j, row);
        }
        GLY_CALL_RESULT(call, uint8_t)[row] = found;
        if (!found && has_null) {
            gly_call_set_null(call, row);
        }
    }
    return GLY_OK;
}
