/* fn_arith.c - arithmetic of integers and floats, with ANSI errors or, for try_*, NULLs.
 *
 * + - * and bit operations run over whole batches in k_arith.c; only when that says that some row
 * overflowed are the rows that count looked at one by one, to find the one to report (garbage rows
 * may overflow as they like).  Division and remainder go row by row: dividers are slow anyway.
 * Decimals are in fn_decimal.c, dates and intervals in fn_interval.c.
 */
#include "lib/engine/function/fn_arith.h"

#include "lib/engine/kernel/k_arith.h"

#include <math.h>
#include <stdio.h>

static const char *const try_names[] = {"use try_add to get NULL instead",
                                        "use try_subtract to get NULL instead",
                                        "use try_multiply to get NULL instead"};

static gly_status overflow(const gly_call *call, const char *advice, gly_error *err) {
    char what[64];
    char type[GLY_TYPE_TEXT_SIZE];
    snprintf(what, sizeof what, "Overflow of %s",
             gly_type_format(call->expr->type, type, sizeof type));
    return gly_call_fail(call, err, GLY_E_OVERFLOW, what, advice);
}

static gly_i128 limit_of(gly_kind kind) {
    return (gly_i128)1 << (gly_kind_width(kind) * 8 - 1);
}

/* One row in 128 bits; false if it does not fit the kind. */
static bool compute_row(const gly_call *call, gly_k_arith_op op, gly_kind kind, uint32_t row,
                        int64_t *ret) {
    gly_i128 a = gly_call_integer(call, 0, row), b = gly_call_integer(call, 1, row);
    gly_i128 result = op == GLY_K_ADD ? a + b : op == GLY_K_SUBTRACT ? a - b : a * b;
    gly_i128 limit = limit_of(kind);
    *ret = (int64_t)result;
    return result >= -limit && result < limit;
}

static gly_status find_overflow(const gly_call *call, gly_k_arith_op op, gly_kind kind,
                                gly_error *err) {
    GLY_CALL_EACH(call, row) {
        int64_t ignored;
        if (gly_call_row_valid(call, row) && !compute_row(call, op, kind, row, &ignored)) {
            return overflow(call, try_names[op], err);
        }
    }
    return GLY_OK; /* only garbage overflowed */
}

static gly_status run_checked(gly_call *call, gly_k_arith_op op, gly_error *err) {
    gly_kind kind = gly_type_kind(call->result->type);
    const void *a = call->args[0].data, *b = call->args[1].data;
    bool bad = call->dense || call->rows == NULL
                   ? gly_k_arith_run(op, kind, a, call->masks[0], b, call->masks[1], call->count,
                                     call->result->data)
                   : gly_k_arith_rows(op, kind, a, call->masks[0], b, call->masks[1], call->rows,
                                      call->row_count, call->result->data);
    return bad ? find_overflow(call, op, kind, err) : GLY_OK;
}

gly_status gly_fn_arith_add(gly_call *call, gly_error *err) {
    return run_checked(call, GLY_K_ADD, err);
}

gly_status gly_fn_arith_subtract(gly_call *call, gly_error *err) {
    return run_checked(call, GLY_K_SUBTRACT, err);
}

gly_status gly_fn_arith_multiply(gly_call *call, gly_error *err) {
    return run_checked(call, GLY_K_MULTIPLY, err);
}

gly_status gly_fn_arith_bit_and(gly_call *call, gly_error *err) {
    return run_checked(call, GLY_K_BIT_AND, err);
}

gly_status gly_fn_arith_bit_or(gly_call *call, gly_error *err) {
    return run_checked(call, GLY_K_BIT_OR, err);
}

gly_status gly_fn_arith_bit_xor(gly_call *call, gly_error *err) {
    return run_checked(call, GLY_K_BIT_XOR, err);
}

static void put_integer(gly_call *call, gly_kind kind, uint32_t row, int64_t value) {
    void *data = call->result->data;
    switch (kind) {
    case GLY_KIND_I8:
        ((int8_t *)data)[row] = (int8_t)value;
        return;
    case GLY_KIND_I16:
        ((int16_t *)data)[row] = (int16_t)value;
        return;
    case GLY_KIND_I32:
        ((int32_t *)data)[row] = (int32_t)value;
        return;
    case GLY_KIND_I64:
        ((int64_t *)data)[row] = value;
        return;
    default:
        GLY_UNREACHABLE();
    }
}

static bool is_float(gly_type type) {
    return type.id == GLY_TYPE_FLOAT || type.id == GLY_TYPE_DOUBLE;
}

static gly_status run_try(gly_call *call, gly_k_arith_op op, gly_error *err) {
    gly_kind kind = gly_type_kind(call->result->type);
    if (is_float(call->result->type)) {
        return run_checked(call, op, err); /* never overflows */
    }
    GLY_CALL_EACH(call, row) {
        int64_t value;
        if (compute_row(call, op, kind, row, &value)) {
            put_integer(call, kind, row, value);
        } else {
            gly_call_set_null(call, row);
        }
    }
    return GLY_OK;
}

gly_status gly_fn_arith_try_add(gly_call *call, gly_error *err) {
    return run_try(call, GLY_K_ADD, err);
}

gly_status gly_fn_arith_try_subtract(gly_call *call, gly_error *err) {
    return run_try(call, GLY_K_SUBTRACT, err);
}

gly_status gly_fn_arith_try_multiply(gly_call *call, gly_error *err) {
    return run_try(call, GLY_K_MULTIPLY, err);
}

/* division */

gly_status gly_fn_arith_divide(gly_call *call, gly_error *err) {
    double *out = call->result->data;
    bool bad = false;
    if (call->dense || call->rows == NULL) {
        bad = gly_k_arith_divide(call->args[0].data, call->masks[0], call->args[1].data,
                                 call->masks[1], call->count, out);
    } else {
        GLY_CALL_EACH(call, row) {
            double divisor = GLY_CALL_ARG(call, 1, double, row);
            bad = bad || divisor == 0;
            out[row] = GLY_CALL_ARG(call, 0, double, row) / divisor;
        }
    }
    if (bad) {
        GLY_CALL_EACH(call, row) {
            if (gly_call_row_valid(call, row) && GLY_CALL_ARG(call, 1, double, row) == 0) {
                return gly_call_fail(call, err, GLY_E_DIVIDE_BY_ZERO, "Division by zero",
                                     "use try_divide to get NULL instead");
            }
        }
    }
    return GLY_OK;
}

gly_status gly_fn_arith_try_divide(gly_call *call, gly_error *err) {
    (void)err;
    GLY_CALL_EACH(call, row) {
        double divisor = GLY_CALL_ARG(call, 1, double, row);
        if (divisor == 0) {
            gly_call_set_null(call, row);
        } else {
            GLY_CALL_RESULT(call, double)[row] = GLY_CALL_ARG(call, 0, double, row) / divisor;
        }
    }
    return GLY_OK;
}

gly_status gly_fn_arith_int_divide(gly_call *call, gly_error *err) {
    GLY_CALL_EACH(call, row) {
        int64_t a = GLY_CALL_ARG(call, 0, int64_t, row), b = GLY_CALL_ARG(call, 1, int64_t, row);
        if (b == 0) {
            return gly_call_fail(call, err, GLY_E_DIVIDE_BY_ZERO, "Division by zero",
                                 "use nullif(divisor, 0) to get NULL instead");
        }
        if (b == -1 && a == INT64_MIN) {
            return overflow(call, NULL, err);
        }
        GLY_CALL_RESULT(call, int64_t)[row] = a / b;
    }
    return GLY_OK;
}

static gly_status remainder_by_zero(const gly_call *call, gly_error *err) {
    return gly_call_fail(call, err, GLY_E_DIVIDE_BY_ZERO, "Remainder of a division by zero",
                         "use nullif(divisor, 0) to get NULL instead");
}

static double float_argument(const gly_call *call, uint32_t j, uint32_t row) {
    return call->args[j].type.id == GLY_TYPE_FLOAT ? (double)GLY_CALL_ARG(call, j, float, row)
                                                   : GLY_CALL_ARG(call, j, double, row);
}

static void put_float(gly_call *call, uint32_t row, double value) {
    if (call->result->type.id == GLY_TYPE_FLOAT) {
        GLY_CALL_RESULT(call, float)[row] = (float)value;
    } else {
        GLY_CALL_RESULT(call, double)[row] = value;
    }
}

static gly_status run_modulo(gly_call *call, bool positive, gly_error *err) {
    gly_kind kind = gly_type_kind(call->result->type);
    if (is_float(call->result->type)) {
        GLY_CALL_EACH(call, row) {
            double a = float_argument(call, 0, row), b = float_argument(call, 1, row);
            if (b == 0) {
                return remainder_by_zero(call, err);
            }
            double rest = fmod(a, b);
            put_float(call, row, positive && rest < 0 ? fmod(rest + b, b) : rest);
        }
        return GLY_OK;
    }
    GLY_CALL_EACH(call, row) {
        gly_i128 a = gly_call_integer(call, 0, row), b = gly_call_integer(call, 1, row);
        if (b == 0) {
            return remainder_by_zero(call, err);
        }
        gly_i128 rest = (int64_t)b == -1 ? 0 : (gly_i128)((int64_t)a % (int64_t)b);
        put_integer(call, kind, row, (int64_t)(positive && rest < 0 ? (rest + b) % b : rest));
    }
    return GLY_OK;
}

gly_status gly_fn_arith_modulo(gly_call *call, gly_error *err) {
    return run_modulo(call, false, err);
}

gly_status gly_fn_arith_pmod(gly_call *call, gly_error *err) {
    return run_modulo(call, true, err);
}

/* one argument */

static gly_status run_negate(gly_call *call, bool only_negative, gly_error *err) {
    gly_kind kind = gly_type_kind(call->result->type);
    if (is_float(call->result->type)) {
        GLY_CALL_EACH(call, row) {
            double value = float_argument(call, 0, row);
            put_float(call, row, only_negative ? fabs(value) : -value);
        }
        return GLY_OK;
    }
    int64_t least = (int64_t)-limit_of(kind);
    GLY_CALL_EACH(call, row) {
        int64_t value = gly_call_integer(call, 0, row);
        if (value == least) {
            return overflow(call, NULL, err);
        }
        put_integer(call, kind, row, only_negative && value >= 0 ? value : -value);
    }
    return GLY_OK;
}

gly_status gly_fn_arith_negate(gly_call *call, gly_error *err) {
    return run_negate(call, false, err);
}

gly_status gly_fn_arith_abs(gly_call *call, gly_error *err) { return run_negate(call, true, err); }

gly_status gly_fn_arith_bit_not(gly_call *call, gly_error *err) {
    (void)err;
    gly_kind kind = gly_type_kind(call->result->type);
    GLY_CALL_EACH(call, row) { put_integer(call, kind, row, ~gly_call_integer(call, 0, row)); }
    return GLY_OK;
}
