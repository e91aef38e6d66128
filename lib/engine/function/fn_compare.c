/* fn_compare.c - comparisons of two columns of one type, and the functions built on them.
 *
 * Work is done by k_compare.c; here constants are moved to the right side and 128-bit decimals that
 * fit are compared as 64-bit numbers.  Comparing columns with literals in filters does not come
 * this way (expr_conjuncts.c).
 */
#include "lib/engine/function/fn_compare.h"

#include "lib/engine/kernel/k_bits.h"
#include "lib/engine/kernel/k_compare.h"

#include <math.h>

static gly_k_compare_op op_of(gly_function_id id) {
    switch (id) {
    case GLY_FN_EQUAL:
        return GLY_K_EQUAL;
    case GLY_FN_NOT_EQUAL:
        return GLY_K_NOT_EQUAL;
    case GLY_FN_LESS:
        return GLY_K_LESS;
    case GLY_FN_LESS_EQUAL:
        return GLY_K_LESS_EQUAL;
    case GLY_FN_GREATER:
        return GLY_K_GREATER;
    case GLY_FN_GREATER_EQUAL:
        return GLY_K_GREATER_EQUAL;
    default:
        GLY_UNREACHABLE();
    }
}

typedef struct side {
    const void *data;
    uint32_t mask;
    int64_t constant;
} side;

/* 128-bit decimals as 64-bit values, if both sides have them. */
static bool use_narrow(const gly_call *call, side *a, side *b) {
    side *sides[2] = {a, b};
    for (uint32_t j = 0; j < 2; j++) {
        if (call->narrow != NULL && call->narrow[j] != NULL) {
            sides[j]->data = call->narrow[j];
        } else if (call->masks[j] == 0) {
            gly_i128 value = *(const gly_i128 *)call->args[j].data;
            sides[j]->constant = (int64_t)value;
            sides[j]->data = &sides[j]->constant;
            if (value != (gly_i128)sides[j]->constant) {
                return false;
            }
        } else {
            return false;
        }
    }
    return true;
}

/* A narrow-only side next to one that is not: both as 128-bit values, row by row. */
static void compare_mixed(gly_call *call, gly_k_compare_op op) {
    uint8_t *out = call->result->data;
    GLY_CALL_EACH(call, row) {
        gly_i128 a = gly_call_decimal(call, 0, row), b = gly_call_decimal(call, 1, row);
        gly_k_compare_run(op, GLY_KIND_I128, &a, &b, 0, 1, &out[row]);
    }
}

gly_status gly_fn_compare_run(gly_call *call, gly_error *err) {
    (void)err;
    gly_k_compare_op op = op_of(call->expr->function);
    gly_kind kind = gly_type_kind(call->args[0].type);
    side a = {call->args[0].data, call->masks[0], 0}, b = {call->args[1].data, call->masks[1], 0};
    if (kind == GLY_KIND_I128) {
        side narrow_a = a, narrow_b = b;
        if (use_narrow(call, &narrow_a, &narrow_b)) {
            a = narrow_a;
            b = narrow_b;
            a.data = a.data == &narrow_a.constant ? &a.constant : a.data;
            b.data = b.data == &narrow_b.constant ? &b.constant : b.data;
            kind = GLY_KIND_I64;
        } else if (a.data == NULL || b.data == NULL) {
            compare_mixed(call, op);
            return GLY_OK;
        }
    }
    uint8_t *out = call->result->data;
    if (!call->dense && call->rows != NULL) {
        gly_k_compare_rows(op, kind, a.data, a.mask, b.data, b.mask, call->rows, call->row_count,
                           out);
    } else if (a.mask == 0) {
        gly_k_compare_run(gly_k_compare_swap(op), kind, b.data, a.data, 0, call->count, out);
    } else {
        gly_k_compare_run(op, kind, a.data, b.data, b.mask, call->count, out);
    }
    return GLY_OK;
}

static const void *value_at(const gly_call *call, uint32_t j, uint32_t row) {
    size_t width = gly_type_width(call->args[j].type);
    return (const char *)call->args[j].data + (row & call->masks[j]) * width;
}

static int order_rows(const gly_call *call, uint32_t j, uint32_t k, uint32_t row) {
    return gly_k_compare_values(gly_type_kind(call->args[j].type), value_at(call, j, row),
                                value_at(call, k, row));
}

gly_status gly_fn_compare_null_safe(gly_call *call, gly_error *err) {
    (void)err;
    uint8_t *out = call->result->data;
    GLY_CALL_EACH(call, row) {
        bool a = gly_call_arg_valid(call, 0, row), b = gly_call_arg_valid(call, 1, row);
        out[row] = a && b ? order_rows(call, 0, 1, row) == 0 : a == b;
    }
    return GLY_OK;
}

static void null_test(gly_call *call, bool wanted) {
    const gly_column *arg = &call->args[0];
    uint8_t *out = call->result->data;
    if (arg->shape == GLY_SHAPE_CONSTANT || arg->validity == NULL) {
        memset(out, gly_column_valid(arg, 0) == wanted, call->count);
        return;
    }
    gly_k_bits_to_bytes(arg->validity, call->count, out);
    for (uint32_t i = 0; i < call->count && !wanted; i++) {
        out[i] ^= 1;
    }
}

gly_status gly_fn_compare_is_null(gly_call *call, gly_error *err) {
    (void)err;
    null_test(call, false);
    return GLY_OK;
}

gly_status gly_fn_compare_is_not_null(gly_call *call, gly_error *err) {
    (void)err;
    null_test(call, true);
    return GLY_OK;
}

gly_status gly_fn_compare_is_nan(gly_call *call, gly_error *err) {
    (void)err;
    bool is_float = call->args[0].type.id == GLY_TYPE_FLOAT;
    GLY_CALL_EACH(call, row) {
        GLY_CALL_RESULT(call, uint8_t)[row] =
            gly_call_arg_valid(call, 0, row) &&
            (is_float ? isnan(GLY_CALL_ARG(call, 0, float, row))
                      : isnan(GLY_CALL_ARG(call, 0, double, row)));
    }
    return GLY_OK;
}

static void copy_value(gly_call *call, uint32_t j, uint32_t row) {
    size_t width = gly_type_width(call->result->type);
    memcpy((char *)call->result->data + row * width, value_at(call, j, row), width);
}

/* sign 1: greatest, -1: least; NULLs are skipped. */
static void extreme(gly_call *call, int sign) {
    GLY_CALL_EACH(call, row) {
        uint32_t best = UINT32_MAX;
        for (uint32_t j = 0; j < call->arg_count; j++) {
            if (gly_call_arg_valid(call, j, row) &&
                (best == UINT32_MAX || order_rows(call, j, best, row) * sign > 0)) {
                best = j;
            }
        }
        if (best == UINT32_MAX) {
            gly_call_set_null(call, row);
        } else {
            copy_value(call, best, row);
        }
    }
}

gly_status gly_fn_compare_greatest(gly_call *call, gly_error *err) {
    (void)err;
    extreme(call, 1);
    return GLY_OK;
}

gly_status gly_fn_compare_least(gly_call *call, gly_error *err) {
    (void)err;
    extreme(call, -1);
    return GLY_OK;
}

gly_status gly_fn_compare_nullif(gly_call *call, gly_error *err) {
    (void)err;
    GLY_CALL_EACH(call, row) {
        bool a = gly_call_arg_valid(call, 0, row), b = gly_call_arg_valid(call, 1, row);
        if (!a || (b && order_rows(call, 0, 1, row) == 0)) {
            gly_call_set_null(call, row);
        } else {
            copy_value(call, 0, row);
        }
    }
    return GLY_OK;
}
