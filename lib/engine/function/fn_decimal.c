/* fn_decimal.c - decimal arithmetic with Spark's result types, HALF_UP, errors on overflow.
 *
 * Three ways, tried in this order for a whole batch: 64-bit loops when the bits of both sides leave
 * room (k_decimal.c), products of 64-bit values in 128 bits, and rows one by one in 128 and 256
 * bits (lib/data/decimal.c).  Only the last can find an overflow, so only it reports one.
 * Invariant: a result has the scale of expr->type and at most its digits.
 */
#include "lib/engine/function/fn_decimal.h"

#include "lib/data/decimal.h"
#include "lib/engine/kernel/k_arith.h"
#include "lib/engine/kernel/k_decimal.h"

#include <stdio.h>

/* An argument as 64-bit values, when it has them. */
typedef struct narrow_arg {
    const int64_t *values;
    int64_t constant; /* values points here for constants */
    uint32_t mask;
    int bits;         /* |value| <= 2^bits */
} narrow_arg;

static int bits_of(uint64_t magnitude) {
    return magnitude == 0 ? 0 : 64 - __builtin_clzll(magnitude);
}

static bool read_narrow(const gly_call *call, uint32_t j, narrow_arg *ret) {
    const gly_column *arg = &call->args[j];
    bool is_wide = gly_type_kind(arg->type) == GLY_KIND_I128;
    ret->mask = call->masks[j];
    if (call->narrow != NULL && call->narrow[j] != NULL) {
        ret->values = call->narrow[j];
    } else if (!is_wide) {
        ret->values = arg->data;
    } else if (ret->mask == 0) {
        gly_i128 value = *(const gly_i128 *)arg->data;
        ret->constant = (int64_t)value;
        ret->values = &ret->constant;
        if (value != (gly_i128)ret->constant) {
            return false;
        }
    } else {
        return false;
    }
    ret->bits = bits_of(gly_k_arith_magnitude(ret->values, ret->mask == 0 ? 1 : call->count));
    return true;
}

static bool is_dense(const gly_call *call) { return call->dense || call->rows == NULL; }

/* Where 64-bit results go: NULL if the caller wants 128-bit ones right away. */
static int64_t *narrow_target(gly_call *call) {
    return gly_type_kind(call->result->type) == GLY_KIND_I64 ? call->result->data
                                                             : call->result_narrow;
}

static void narrow_done(gly_call *call) {
    call->is_narrow = gly_type_kind(call->result->type) == GLY_KIND_I128;
}

static gly_status overflow(const gly_call *call, const char *advice, gly_error *err) {
    char what[64];
    char type[GLY_TYPE_TEXT_SIZE];
    snprintf(what, sizeof what, "Overflow of %s",
             gly_type_format(call->expr->type, type, sizeof type));
    return gly_call_fail(call, err, GLY_E_OVERFLOW, what, advice);
}

typedef bool row_function(const gly_call *call, gly_i128 a, gly_i128 b, gly_i128 *ret);

/* Row by row; rows with NULL are skipped. */
static gly_status run_rows(gly_call *call, row_function *function, bool is_try,
                           const char *advice, gly_error *err) {
    int precision = call->expr->type.precision;
    GLY_CALL_EACH(call, row) {
        gly_i128 value;
        if (!gly_call_row_valid(call, row)) {
            gly_call_put_decimal(call, row, 0);
            continue;
        }
        if (function(call, gly_call_decimal(call, 0, row), gly_call_decimal(call, 1, row),
                     &value) &&
            gly_decimal_fits(value, precision)) {
            gly_call_put_decimal(call, row, value);
        } else if (is_try) {
            gly_call_put_decimal(call, row, 0);
            gly_call_set_null(call, row);
        } else {
            return overflow(call, advice, err);
        }
    }
    return GLY_OK;
}

/* + and - */

/* t + r / 10^k, HALF_UP, where |r| < 10^k and the signs may differ. */
static gly_i128 round_sum(gly_i128 whole, gly_i128 rest, gly_i128 unit) {
    gly_i128 twice = rest < 0 ? -rest - (unit + rest) : rest - (unit - rest); /* 2|r| - unit */
    bool at_least_half = twice >= 0;
    if (rest == 0) {
        return whole;
    }
    if (whole == 0 || (whole < 0) == (rest < 0)) {
        return at_least_half ? whole + (rest < 0 ? -1 : 1) : whole;
    }
    return twice > 0 ? whole + (rest < 0 ? -1 : 1) : whole; /* a tie goes away from zero: whole */
}

/* a at scale a_scale <= scale, b at b_scale > scale. */
static bool add_mixed(gly_i128 a, int a_scale, gly_i128 b, int b_scale, int scale,
                      gly_i128 *ret) {
    gly_i128 unit = gly_decimal_power(b_scale - scale);
    gly_i128 exact;
    if (!gly_decimal_rescale(a, a_scale, scale, &exact)) {
        return false;
    }
    *ret = round_sum(exact + b / unit, b % unit, unit);
    return true;
}

/* x + y at scale `from`, brought to scale `to` (not larger); the sum may have 39 digits. */
static bool add_exact(gly_i128 x, gly_i128 y, int from, int to, gly_i128 *ret) {
    gly_i128 sum;
    if (!__builtin_add_overflow(x, y, &sum) && gly_decimal_rescale(sum, from, to, ret)) {
        return true;
    }
    if (from == to || (x < 0) != (y < 0)) {
        return false;
    }
    gly_u128 unit = (gly_u128)gly_decimal_power(from - to);
    gly_u128 magnitude = (gly_u128)(x < 0 ? -x : x) + (gly_u128)(y < 0 ? -y : y);
    gly_u128 quotient = magnitude / unit;
    quotient += magnitude % unit >= unit - unit / 2;
    *ret = x < 0 ? -(gly_i128)quotient : (gly_i128)quotient;
    return gly_decimal_fits(*ret, 38);
}

static bool add_values(const gly_call *call, gly_i128 a, gly_i128 b, gly_i128 *ret) {
    int a_scale = call->args[0].type.scale, b_scale = call->args[1].type.scale;
    int scale = call->expr->type.scale;
    int most = GLY_MAX(a_scale, b_scale);
    gly_i128 x, y;
    if (gly_decimal_rescale(a, a_scale, most, &x) && gly_decimal_rescale(b, b_scale, most, &y)) {
        return add_exact(x, y, most, scale, ret);
    }
    if (a_scale <= scale && b_scale > scale) {
        return add_mixed(a, a_scale, b, b_scale, scale, ret);
    }
    if (b_scale <= scale && a_scale > scale) {
        return add_mixed(b, b_scale, a, a_scale, scale, ret);
    }
    return gly_decimal_rescale(a, a_scale, scale, &x) &&
           gly_decimal_rescale(b, b_scale, scale, &y) && add_exact(x, y, scale, scale, ret);
}

static bool subtract_values(const gly_call *call, gly_i128 a, gly_i128 b, gly_i128 *ret) {
    return add_values(call, a, -b, ret);
}

/* The whole batch in 64 bits, if the numbers are small enough. */
static bool add_narrow(gly_call *call, int sign) {
    int a_scale = call->args[0].type.scale, b_scale = call->args[1].type.scale;
    int scale = GLY_MAX(a_scale, b_scale);
    int64_t *out = narrow_target(call);
    narrow_arg a, b;
    if (!is_dense(call) || out == NULL || call->expr->type.scale != scale ||
        scale - a_scale > 18 || scale - b_scale > 18 || !read_narrow(call, 0, &a) ||
        !read_narrow(call, 1, &b)) {
        return false;
    }
    int64_t a_factor = (int64_t)gly_decimal_power(scale - a_scale);
    int64_t b_factor = (int64_t)gly_decimal_power(scale - b_scale);
    if (a.bits + bits_of((uint64_t)a_factor) > 61 || b.bits + bits_of((uint64_t)b_factor) > 61) {
        return false;
    }
    gly_k_decimal_add(a.values, a.mask, a_factor, b.values, b.mask, sign * b_factor, call->count,
                      out);
    narrow_done(call);
    return true;
}

gly_status gly_fn_decimal_add(gly_call *call, gly_error *err) {
    return add_narrow(call, 1) ? GLY_OK
                               : run_rows(call, add_values, false,
                                          "use try_add to get NULL instead", err);
}

gly_status gly_fn_decimal_subtract(gly_call *call, gly_error *err) {
    return add_narrow(call, -1) ? GLY_OK
                                : run_rows(call, subtract_values, false,
                                           "use try_subtract to get NULL instead", err);
}

gly_status gly_fn_decimal_try_add(gly_call *call, gly_error *err) {
    return add_narrow(call, 1) ? GLY_OK : run_rows(call, add_values, true, NULL, err);
}

gly_status gly_fn_decimal_try_subtract(gly_call *call, gly_error *err) {
    return add_narrow(call, -1) ? GLY_OK : run_rows(call, subtract_values, true, NULL, err);
}

/* * */

static int dropped_digits(const gly_call *call) {
    return call->args[0].type.scale + call->args[1].type.scale - call->expr->type.scale;
}

static bool multiply_values(const gly_call *call, gly_i128 a, gly_i128 b, gly_i128 *ret) {
    return gly_decimal_multiply(a, b, dropped_digits(call), ret);
}

static bool multiply_narrow(gly_call *call) {
    int drop = dropped_digits(call);
    narrow_arg a, b;
    if (!is_dense(call) || drop > 18 || !read_narrow(call, 0, &a) || !read_narrow(call, 1, &b)) {
        return false;
    }
    int64_t *out = narrow_target(call);
    if (out != NULL && a.bits + b.bits <= 62) {
        gly_k_decimal_multiply(a.values, a.mask, b.values, b.mask, call->count, out);
        if (drop > 0) {
            gly_k_decimal_drop(out, call->count, (int64_t)gly_decimal_power(drop));
        }
        narrow_done(call);
        return true;
    }
    if (drop == 0 && gly_type_kind(call->result->type) == GLY_KIND_I128 &&
        a.bits + b.bits <= 126) {
        gly_k_decimal_multiply_wide(a.values, a.mask, b.values, b.mask, call->count,
                                    call->result->data);
        /* 2^126 has 38 digits: only a capped precision could be too small */
        return call->expr->type.precision == 38 ||
               call->args[0].type.precision + call->args[1].type.precision <=
                   call->expr->type.precision;
    }
    return false;
}

gly_status gly_fn_decimal_multiply(gly_call *call, gly_error *err) {
    return multiply_narrow(call) ? GLY_OK
                                 : run_rows(call, multiply_values, false,
                                            "use try_multiply to get NULL instead", err);
}

gly_status gly_fn_decimal_try_multiply(gly_call *call, gly_error *err) {
    return multiply_narrow(call) ? GLY_OK : run_rows(call, multiply_values, true, NULL, err);
}

/* / div % */

/* a / b at the result's scale. */
static bool divide_values(const gly_call *call, gly_i128 a, gly_i128 b, gly_i128 *ret) {
    int add = call->expr->type.scale - call->args[0].type.scale + call->args[1].type.scale;
    if (add >= 0) {
        return gly_decimal_divide(a, b, add, ret);
    }
    gly_i128 wider; /* a capped scale below the dividend's: a / (b * 10^-add) */
    return gly_decimal_rescale(b, 0, -add, &wider) && gly_decimal_divide(a, wider, 0, ret);
}

static gly_status zero(const gly_call *call, bool remainder, const char *advice, gly_error *err) {
    return gly_call_fail(call, err, GLY_E_DIVIDE_BY_ZERO,
                         remainder ? "Remainder of a division by zero" : "Division by zero",
                         advice);
}

static gly_status check_divisors(const gly_call *call, bool remainder, const char *advice,
                                 gly_error *err) {
    GLY_CALL_EACH(call, row) {
        if (gly_call_row_valid(call, row) && gly_call_decimal(call, 1, row) == 0) {
            return zero(call, remainder, advice, err);
        }
    }
    return GLY_OK;
}

gly_status gly_fn_decimal_divide(gly_call *call, gly_error *err) {
    const char *advice = "use try_divide to get NULL instead";
    GLY_TRY(check_divisors(call, false, advice, err));
    return run_rows(call, divide_values, false, advice, err);
}

gly_status gly_fn_decimal_try_divide(gly_call *call, gly_error *err) {
    return run_rows(call, divide_values, true, NULL, err);
}

/* Both sides at one scale; false if that takes more than 38 digits. */
static bool same_scale(const gly_call *call, gly_i128 a, gly_i128 b, gly_i128 *x, gly_i128 *y) {
    int a_scale = call->args[0].type.scale, b_scale = call->args[1].type.scale;
    int scale = GLY_MAX(a_scale, b_scale);
    return gly_decimal_rescale(a, a_scale, scale, x) && gly_decimal_rescale(b, b_scale, scale, y);
}

gly_status gly_fn_decimal_int_divide(gly_call *call, gly_error *err) {
    const char *advice = "use nullif(divisor, 0) to get NULL instead";
    GLY_TRY(check_divisors(call, false, advice, err));
    GLY_CALL_EACH(call, row) {
        gly_i128 x, y, quotient = 0;
        if (!gly_call_row_valid(call, row)) {
            continue;
        }
        if (same_scale(call, gly_call_decimal(call, 0, row), gly_call_decimal(call, 1, row), &x,
                       &y)) {
            quotient = x / y;
        } else {
            return overflow(call, NULL, err);
        }
        if (quotient > INT64_MAX || quotient < INT64_MIN) {
            return overflow(call, NULL, err);
        }
        GLY_CALL_RESULT(call, int64_t)[row] = (int64_t)quotient;
    }
    return GLY_OK;
}

static bool modulo_values(const gly_call *call, gly_i128 a, gly_i128 b, gly_i128 *ret) {
    gly_i128 x, y;
    int scale = GLY_MAX(call->args[0].type.scale, call->args[1].type.scale);
    return same_scale(call, a, b, &x, &y) &&
           gly_decimal_rescale(x % y, scale, call->expr->type.scale, ret);
}

static bool pmod_values(const gly_call *call, gly_i128 a, gly_i128 b, gly_i128 *ret) {
    gly_i128 x, y;
    int scale = GLY_MAX(call->args[0].type.scale, call->args[1].type.scale);
    if (!same_scale(call, a, b, &x, &y)) {
        return false;
    }
    gly_i128 rest = x % y;
    return gly_decimal_rescale(rest < 0 ? (rest + y) % y : rest, scale, call->expr->type.scale,
                               ret);
}

gly_status gly_fn_decimal_modulo(gly_call *call, gly_error *err) {
    GLY_TRY(check_divisors(call, true, "use nullif(divisor, 0) to get NULL instead", err));
    return run_rows(call, modulo_values, false, NULL, err);
}

gly_status gly_fn_decimal_pmod(gly_call *call, gly_error *err) {
    GLY_TRY(check_divisors(call, true, "use nullif(divisor, 0) to get NULL instead", err));
    return run_rows(call, pmod_values, false, NULL, err);
}

/* one argument */

gly_status gly_fn_decimal_negate(gly_call *call, gly_error *err) {
    (void)err;
    GLY_CALL_EACH(call, row) {
        gly_call_put_decimal(call, row, -gly_call_decimal(call, 0, row));
    }
    return GLY_OK;
}

gly_status gly_fn_decimal_abs(gly_call *call, gly_error *err) {
    (void)err;
    GLY_CALL_EACH(call, row) {
        gly_i128 value = gly_call_decimal(call, 0, row);
        gly_call_put_decimal(call, row, value < 0 ? -value : value);
    }
    return GLY_OK;
}
