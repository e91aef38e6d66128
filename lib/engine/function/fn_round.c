/* fn_round.c - rounding to a number of digits, HALF_UP or HALF_EVEN.
 *
 * A double is rounded as the decimal Java prints for it (1.005 to two digits is 1.01, although the
 * binary value lies below): a fast path handles values that are clearly not half-way, the others go
 * through their digits.  Integers are rounded in 128 bits, decimals to the scale of the result.
 */
#include "lib/engine/function/fn_round.h"

#include "lib/data/decimal.h"
#include "lib/data/number_text.h"

#include <math.h>
#include <stdio.h>

/* value / unit, rounded. */
static gly_i128 divide_rounded(gly_i128 value, gly_i128 unit, bool half_even) {
    gly_i128 quotient = value / unit, rest = value % unit;
    gly_i128 magnitude = rest < 0 ? -rest : rest;
    bool up = magnitude > unit - magnitude ||
              (magnitude == unit - magnitude && (!half_even || (quotient & 1) != 0));
    return up ? quotient + (value < 0 ? -1 : 1) : quotient;
}

/* The digits of a printed number without the point, and how many stand before it. */
static int read_digits(const char *text, size_t size, char digits[24], int *ret_point) {
    int count = 0, point = -1, exponent = 0;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        if (c >= '0' && c <= '9' && count < 24) {
            digits[count++] = c;
        } else if (c == '.') {
            point = count;
        } else if (c == 'E') {
            int64_t parsed = 0;
            gly_str_to_i64((gly_str){text + i + 1, size - i - 1}, &parsed);
            exponent = (int)parsed;
            break;
        }
    }
    *ret_point = (point < 0 ? count : point) + exponent;
    return count;
}

/* By the decimal digits; slow. */
static double round_digits(double value, int scale, bool half_even) {
    char text[40], digits[24], out[48];
    int point;
    size_t size = gly_number_text_double(fabs(value), text);
    int count = read_digits(text, size, digits, &point);
    int keep = point + scale;
    if (keep >= count) {
        return value;
    }
    bool up = false;
    if (keep >= 0) {
        bool exact_half = digits[keep] == '5';
        for (int i = keep + 1; i < count && exact_half; i++) {
            exact_half = digits[i] == '0';
        }
        bool odd = keep > 0 && (digits[keep - 1] & 1) != 0;
        up = digits[keep] >= '5' && (!exact_half || !half_even || odd);
    }
    gly_i128 kept = 0;
    for (int i = 0; i < keep; i++) {
        kept = kept * 10 + (digits[i] - '0');
    }
    size = gly_number_text_i128(kept + up, out);
    size += (size_t)snprintf(out + size, sizeof out - size, "e%d", -scale);
    double rounded = 0;
    gly_number_text_parse_double((gly_str){out, size}, &rounded);
    return value < 0 ? -rounded : rounded;
}

static double round_double(double value, int32_t scale, bool half_even) {
    static const double powers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
    if (!isfinite(value) || value == 0 || scale > 324) {
        return value;
    }
    if (scale < -309) {
        return 0;
    }
    if (scale >= 0 && scale < 10 && fabs(value) < 1e6) {
        double scaled = fabs(value) * powers[scale];
        double whole = floor(scaled);
        if (scaled < 1e15 && fabs(scaled - whole - 0.5) > 1e-3) {
            double rounded = (whole + (scaled - whole > 0.5)) / powers[scale];
            return value < 0 ? -rounded : rounded;
        }
    }
    return round_digits(value, scale, half_even);
}

static gly_status overflow(const gly_call *call, gly_error *err) {
    return gly_call_fail(call, err, GLY_E_OVERFLOW, "Overflow", NULL);
}

static gly_status round_integers(gly_call *call, bool half_even, gly_error *err) {
    gly_kind kind = gly_type_kind(call->result->type);
    gly_i128 limit = (gly_i128)1 << (gly_kind_width(kind) * 8 - 1);
    GLY_CALL_EACH(call, row) {
        gly_i128 value = gly_call_integer(call, 0, row);
        int32_t scale = call->arg_count > 1 ? GLY_CALL_ARG(call, 1, int32_t, row) : 0;
        if (scale < -38) {
            value = 0;
        } else if (scale < 0) {
            gly_i128 unit = gly_decimal_power(-scale);
            value = divide_rounded(value, unit, half_even);
            value = value == 0 ? 0 : value * unit;
        }
        if (value >= limit || value < -limit) {
            return overflow(call, err);
        }
        switch (kind) {
        case GLY_KIND_I8:
            GLY_CALL_RESULT(call, int8_t)[row] = (int8_t)value;
            break;
        case GLY_KIND_I16:
            GLY_CALL_RESULT(call, int16_t)[row] = (int16_t)value;
            break;
        case GLY_KIND_I32:
            GLY_CALL_RESULT(call, int32_t)[row] = (int32_t)value;
            break;
        default:
            GLY_CALL_RESULT(call, int64_t)[row] = (int64_t)value;
            break;
        }
    }
    return GLY_OK;
}

/* To `digits` behind the point (may be negative), then to the scale of the result. */
static gly_status round_decimals(gly_call *call, bool half_even, gly_error *err) {
    int from = call->args[0].type.scale, to = call->expr->type.scale;
    GLY_CALL_EACH(call, row) {
        gly_i128 value = gly_call_decimal(call, 0, row);
        int32_t digits = call->arg_count > 1 ? GLY_CALL_ARG(call, 1, int32_t, row) : 0;
        int drop = from - GLY_MAX(GLY_MIN(digits, from), -38);
        if (drop > 38) {
            value = 0;
        } else if (drop > 0) {
            value = divide_rounded(value, gly_decimal_power(drop), half_even);
        }
        /* value is now at scale from - drop */
        if (!gly_decimal_rescale(value, from - drop, to, &value) ||
            !gly_decimal_fits(value, call->expr->type.precision)) {
            return overflow(call, err);
        }
        gly_call_put_decimal(call, row, value);
    }
    return GLY_OK;
}

static gly_status run_round(gly_call *call, bool half_even, gly_error *err) {
    gly_type type = call->result->type;
    if (type.id == GLY_TYPE_DECIMAL) {
        return round_decimals(call, half_even, err);
    }
    if (gly_type_is_integral(type)) {
        return round_integers(call, half_even, err);
    }
    GLY_CALL_EACH(call, row) {
        int32_t scale = call->arg_count > 1 ? GLY_CALL_ARG(call, 1, int32_t, row) : 0;
        if (type.id == GLY_TYPE_FLOAT) {
            char text[40]; /* the float's own digits, not the double's */
            size_t size = gly_number_text_float(GLY_CALL_ARG(call, 0, float, row), text);
            double value = 0;
            gly_number_text_parse_double((gly_str){text, size}, &value);
            GLY_CALL_RESULT(call, float)[row] = (float)round_double(value, scale, half_even);
        } else {
            GLY_CALL_RESULT(call, double)[row] =
                round_double(GLY_CALL_ARG(call, 0, double, row), scale, half_even);
        }
    }
    return GLY_OK;
}

gly_status gly_fn_round_half_up(gly_call *call, gly_error *err) {
    return run_round(call, false, err);
}

gly_status gly_fn_round_half_even(gly_call *call, gly_error *err) {
    return run_round(call, true, err);
}

/* Java's (long): NaN is 0, the rest saturates. */
static int64_t to_long(double value) {
    if (isnan(value)) {
        return 0;
    }
    return value >= 0x1p63 ? INT64_MAX : value < -0x1p63 ? INT64_MIN : (int64_t)value;
}

static gly_status run_floor(gly_call *call, bool up) {
    gly_type from = call->args[0].type;
    GLY_CALL_EACH(call, row) {
        if (from.id == GLY_TYPE_DECIMAL) {
            gly_i128 value = gly_call_decimal(call, 0, row), unit = gly_decimal_power(from.scale);
            gly_i128 whole = value / unit, rest = value % unit;
            whole += up ? rest > 0 : -(rest < 0);
            gly_call_put_decimal(call, row, whole);
        } else if (from.id == GLY_TYPE_DOUBLE) {
            double value = GLY_CALL_ARG(call, 0, double, row);
            GLY_CALL_RESULT(call, int64_t)[row] = to_long(up ? ceil(value) : floor(value));
        } else {
            GLY_CALL_RESULT(call, int64_t)[row] = gly_call_integer(call, 0, row);
        }
    }
    return GLY_OK;
}

gly_status gly_fn_round_floor(gly_call *call, gly_error *err) {
    (void)err;
    return run_floor(call, false);
}

gly_status gly_fn_round_ceil(gly_call *call, gly_error *err) {
    (void)err;
    return run_floor(call, true);
}
