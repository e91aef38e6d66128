/* fn_cast.c - casts among numbers, booleans, dates and timestamps, with Spark's ANSI rules.
 *
 * Fractions are cut towards zero, decimals are rounded HALF_UP to fewer digits, a number of seconds
 * is a timestamp.  What does not fit raises; try_cast gives NULL.  A NaN or an infinity becomes
 * NULL as a DECIMAL (Spark does this in ANSI mode, too).
 */
#include "lib/engine/function/fn_cast.h"

#include "lib/data/date.h"
#include "lib/data/decimal.h"
#include "lib/engine/function/fn_cast_text.h"
#include "lib/engine/kernel/k_arith.h"
#include "lib/engine/kernel/k_cast.h"
#include "lib/engine/kernel/k_decimal.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>

static const char *const overflows = "it overflows";

static void upper_name(gly_type type, char text[GLY_TYPE_TEXT_SIZE]) {
    gly_type_format(type, text, GLY_TYPE_TEXT_SIZE);
    for (char *at = text; *at != '\0'; at++) {
        *at = (char)toupper((unsigned char)*at);
    }
}

gly_status gly_fn_cast_bad_row(gly_call *call, uint32_t row, gly_status status, const char *why,
                               gly_error *err) {
    if (call->expr->is_try) {
        memset((char *)call->result->data + row * gly_type_width(call->result->type), 0,
               gly_type_width(call->result->type));
        gly_call_set_null(call, row);
        return GLY_OK;
    }
    gly_column arg = call->args[0];
    gly_value value;
    if (arg.data == NULL) { /* only the narrow form is there */
        value = gly_value_decimal(arg.type, gly_call_decimal(call, 0, row));
    } else {
        value = gly_column_get(&arg, row);
    }
    gly_builder shown = {0};
    gly_value_format(&value, &shown);
    char from[GLY_TYPE_TEXT_SIZE], to[GLY_TYPE_TEXT_SIZE], place[GLY_CALL_PLACE_SIZE];
    upper_name(value.type, from);
    upper_name(call->expr->type, to);
    gly_str excerpt = gly_call_excerpt(gly_builder_str(&shown));
    const char *quote = gly_type_is_text(value.type) ? "'" : "";
    status = gly_fail(err, status,
                      "The value %s%.*s%s of type %s cannot be cast to %s because %s%s; use "
                      "try_cast to get NULL instead",
                      quote, GLY_STR_ARG(excerpt), quote, from, to, why,
                      gly_call_place(call->expr, place));
    gly_builder_clear(&shown);
    return status;
}

static void put_integer(gly_call *call, uint32_t row, int64_t value) {
    void *data = call->result->data;
    switch (gly_type_kind(call->result->type)) {
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

static void put_float(gly_call *call, uint32_t row, double value) {
    if (call->result->type.id == GLY_TYPE_FLOAT) {
        GLY_CALL_RESULT(call, float)[row] = (float)value;
    } else {
        GLY_CALL_RESULT(call, double)[row] = value;
    }
}

static double float_argument(const gly_call *call, uint32_t row) {
    return call->args[0].type.id == GLY_TYPE_FLOAT ? (double)GLY_CALL_ARG(call, 0, float, row)
                                                   : GLY_CALL_ARG(call, 0, double, row);
}

/* Largest value of an integral type. */
static int64_t most_of(gly_type type) {
    return (int64_t)(UINT64_MAX >> (65 - gly_type_width(type) * 8));
}

static gly_status put_checked(gly_call *call, uint32_t row, int64_t value, gly_error *err) {
    int64_t most = most_of(call->result->type);
    if (value > most || value < -most - 1) {
        return gly_fn_cast_bad_row(call, row, GLY_E_CAST_OVERFLOW, overflows, err);
    }
    put_integer(call, row, value);
    return GLY_OK;
}

/* numbers to numbers */

static gly_status number_to_number(gly_call *call, gly_error *err) {
    gly_kind from = gly_type_kind(call->args[0].type), to = gly_type_kind(call->result->type);
    bool constant = call->masks[0] == 0;
    bool bad = gly_k_cast_run(from, to, call->args[0].data, constant ? 1 : call->count,
                              call->result->data);
    for (uint32_t i = 1; constant && i < call->count; i++) {
        size_t width = gly_kind_width(to);
        memcpy((char *)call->result->data + i * width, call->result->data, width);
    }
    if (bad) {
        GLY_CALL_EACH(call, row) {
            if (gly_call_row_valid(call, row)) {
                GLY_TRY(put_checked(call, row, gly_call_integer(call, 0, row), err));
            }
        }
    }
    return GLY_OK;
}

static gly_status float_to_integer(gly_call *call, gly_error *err) {
    double most = (double)most_of(call->result->type);
    double least = -(double)most_of(call->result->type) - 1;
    GLY_CALL_EACH(call, row) {
        double value = float_argument(call, row);
        if (!(floor(value) <= most && ceil(value) >= least)) {
            GLY_TRY(gly_fn_cast_bad_row(call, row, GLY_E_CAST_OVERFLOW, overflows, err));
        } else {
            put_integer(call, row, value >= 0x1p63 ? INT64_MAX : (int64_t)value);
        }
    }
    return GLY_OK;
}

static gly_status put_decimal(gly_call *call, uint32_t row, bool fits, gly_i128 value,
                              gly_error *err) {
    if (!fits || !gly_decimal_fits(value, call->expr->type.precision)) {
        return gly_fn_cast_bad_row(call, row, GLY_E_CAST_OVERFLOW, overflows, err);
    }
    gly_call_put_decimal(call, row, value);
    return GLY_OK;
}

static gly_status integer_to_decimal(gly_call *call, gly_error *err) {
    int scale = call->expr->type.scale;
    GLY_CALL_EACH(call, row) {
        gly_i128 value = 0;
        bool fits = gly_decimal_rescale(gly_call_integer(call, 0, row), 0, scale, &value);
        GLY_TRY(put_decimal(call, row, fits, value, err));
    }
    return GLY_OK;
}

static gly_status float_to_decimal(gly_call *call, gly_error *err) {
    GLY_CALL_EACH(call, row) {
        double number = float_argument(call, row);
        gly_i128 value = 0;
        if (!isfinite(number)) {
            gly_call_put_decimal(call, row, 0);
            gly_call_set_null(call, row);
            continue;
        }
        bool fits = gly_decimal_from_double(number, call->expr->type, &value);
        GLY_TRY(put_decimal(call, row, fits, value, err));
    }
    return GLY_OK;
}

/* More digits behind the point and values that leave room: a multiplication in 64 bits. */
static bool rescale_narrow(gly_call *call) {
    int add = call->expr->type.scale - call->args[0].type.scale;
    const int64_t *values = call->narrow != NULL ? call->narrow[0] : NULL;
    if (values == NULL && gly_type_kind(call->args[0].type) == GLY_KIND_I64) {
        values = call->args[0].data;
    }
    bool to_wide = gly_type_kind(call->result->type) == GLY_KIND_I128;
    int64_t *out = to_wide ? call->result_narrow : call->result->data;
    bool fits_by_type = call->expr->type.precision - call->expr->type.scale >=
                        call->args[0].type.precision - call->args[0].type.scale;
    if (values == NULL || out == NULL || call->masks[0] == 0 || add < 0 || add > 17 ||
        !fits_by_type || !(call->dense || call->rows == NULL)) {
        return false;
    }
    int64_t factor = (int64_t)gly_decimal_power(add);
    uint64_t magnitude = gly_k_arith_magnitude(values, call->count);
    if (magnitude > (uint64_t)(INT64_MAX / factor) - 1) {
        return false;
    }
    gly_k_decimal_multiply(values, UINT32_MAX, &factor, 0, call->count, out);
    call->is_narrow = to_wide;
    return true;
}

static gly_status decimal_to_decimal(gly_call *call, gly_error *err) {
    if (rescale_narrow(call)) {
        return GLY_OK;
    }
    int from = call->args[0].type.scale, to = call->expr->type.scale;
    GLY_CALL_EACH(call, row) {
        gly_i128 value = 0;
        if (!gly_call_row_valid(call, row)) {
            gly_call_put_decimal(call, row, 0);
            continue;
        }
        bool fits = gly_decimal_rescale(gly_call_decimal(call, 0, row), from, to, &value);
        GLY_TRY(put_decimal(call, row, fits, value, err));
    }
    return GLY_OK;
}

static gly_status decimal_to_integer(gly_call *call, gly_error *err) {
    gly_i128 unit = gly_decimal_power(call->args[0].type.scale);
    GLY_CALL_EACH(call, row) {
        gly_i128 whole = gly_call_decimal(call, 0, row) / unit;
        if (whole > INT64_MAX || whole < INT64_MIN) {
            GLY_TRY(gly_fn_cast_bad_row(call, row, GLY_E_CAST_OVERFLOW, overflows, err));
        } else {
            GLY_TRY(put_checked(call, row, (int64_t)whole, err));
        }
    }
    return GLY_OK;
}

static gly_status decimal_to_float(gly_call *call, gly_error *err) {
    (void)err;
    int scale = call->args[0].type.scale;
    GLY_CALL_EACH(call, row) {
        put_float(call, row, gly_decimal_to_double(gly_call_decimal(call, 0, row), scale));
    }
    return GLY_OK;
}

/* booleans */

static gly_status to_boolean(gly_call *call, gly_error *err) {
    (void)err;
    gly_type from = call->args[0].type;
    uint8_t *out = call->result->data;
    GLY_CALL_EACH(call, row) {
        if (from.id == GLY_TYPE_DECIMAL) {
            out[row] = gly_call_decimal(call, 0, row) != 0;
        } else if (from.id == GLY_TYPE_FLOAT || from.id == GLY_TYPE_DOUBLE) {
            out[row] = float_argument(call, row) != 0;
        } else {
            out[row] = gly_call_integer(call, 0, row) != 0;
        }
    }
    return GLY_OK;
}

/* dates and times */

static gly_status date_to_timestamp(gly_call *call, gly_error *err) {
    GLY_CALL_EACH(call, row) {
        int64_t micros;
        if (__builtin_mul_overflow((int64_t)GLY_CALL_ARG(call, 0, int32_t, row),
                                   GLY_TIMESTAMP_DAY, &micros)) {
            GLY_TRY(gly_fn_cast_bad_row(call, row, GLY_E_CAST_OVERFLOW, overflows, err));
        } else {
            GLY_CALL_RESULT(call, int64_t)[row] = micros;
        }
    }
    return GLY_OK;
}

static gly_status timestamp_to_date(gly_call *call, gly_error *err) {
    (void)err;
    GLY_CALL_EACH(call, row) {
        GLY_CALL_RESULT(call, int32_t)[row] =
            gly_timestamp_to_date(GLY_CALL_ARG(call, 0, int64_t, row));
    }
    return GLY_OK;
}

static gly_status integer_to_timestamp(gly_call *call, gly_error *err) {
    (void)err;
    bool is_boolean = call->args[0].type.id == GLY_TYPE_BOOLEAN;
    GLY_CALL_EACH(call, row) {
        int64_t seconds = gly_call_integer(call, 0, row);
        int64_t micros;
        if (is_boolean) {
            micros = seconds;
        } else if (__builtin_mul_overflow(seconds, GLY_TIMESTAMP_SECOND, &micros)) {
            micros = seconds < 0 ? INT64_MIN : INT64_MAX; /* Spark saturates */
        }
        GLY_CALL_RESULT(call, int64_t)[row] = micros;
    }
    return GLY_OK;
}

static gly_status float_to_timestamp(gly_call *call, gly_error *err) {
    GLY_CALL_EACH(call, row) {
        double micros = float_argument(call, row) * 1e6;
        if (!(micros >= -0x1p63 && micros < 0x1p63)) {
            GLY_TRY(gly_fn_cast_bad_row(call, row, GLY_E_CAST_OVERFLOW, overflows, err));
        } else {
            GLY_CALL_RESULT(call, int64_t)[row] = (int64_t)micros;
        }
    }
    return GLY_OK;
}

static gly_status decimal_to_timestamp(gly_call *call, gly_error *err) {
    int scale = call->args[0].type.scale;
    GLY_CALL_EACH(call, row) {
        gly_i128 value = gly_call_decimal(call, 0, row), micros = 0;
        bool fits = true;
        if (scale > 6) {
            micros = value / gly_decimal_power(scale - 6);
        } else {
            fits = gly_decimal_rescale(value, scale, 6, &micros);
        }
        if (!fits || micros > INT64_MAX || micros < INT64_MIN) {
            GLY_TRY(gly_fn_cast_bad_row(call, row, GLY_E_CAST_OVERFLOW, overflows, err));
        } else {
            GLY_CALL_RESULT(call, int64_t)[row] = (int64_t)micros;
        }
    }
    return GLY_OK;
}

static gly_status timestamp_to_integer(gly_call *call, gly_error *err) {
    GLY_CALL_EACH(call, row) {
        int64_t micros = GLY_CALL_ARG(call, 0, int64_t, row);
        int64_t seconds = micros / GLY_TIMESTAMP_SECOND - (micros % GLY_TIMESTAMP_SECOND < 0);
        GLY_TRY(put_checked(call, row, seconds, err));
    }
    return GLY_OK;
}

static gly_status timestamp_to_float(gly_call *call, gly_error *err) {
    (void)err;
    GLY_CALL_EACH(call, row) {
        put_float(call, row, (double)GLY_CALL_ARG(call, 0, int64_t, row) / 1e6);
    }
    return GLY_OK;
}

static gly_status timestamp_to_decimal(gly_call *call, gly_error *err) {
    GLY_CALL_EACH(call, row) {
        gly_i128 value = 0;
        bool fits = gly_decimal_rescale(GLY_CALL_ARG(call, 0, int64_t, row), 6,
                                        call->expr->type.scale, &value);
        GLY_TRY(put_decimal(call, row, fits, value, err));
    }
    return GLY_OK;
}

/* which cast */

typedef enum group { /* types that are cast alike */
    BOOLEANS,
    INTEGERS,
    FLOATS,
    DECIMALS,
    TEXTS,
    DATES,
    STAMPS,
    INTERVALS,
    GROUPS,
    NO_GROUP = GROUPS
} group;

static group group_of(gly_type type) {
    switch ((gly_type_id)type.id) {
    case GLY_TYPE_BOOLEAN:
        return BOOLEANS;
    case GLY_TYPE_TINYINT:
    case GLY_TYPE_SMALLINT:
    case GLY_TYPE_INT:
    case GLY_TYPE_BIGINT:
        return INTEGERS;
    case GLY_TYPE_FLOAT:
    case GLY_TYPE_DOUBLE:
        return FLOATS;
    case GLY_TYPE_DECIMAL:
        return DECIMALS;
    case GLY_TYPE_STRING:
    case GLY_TYPE_BINARY:
        return TEXTS;
    case GLY_TYPE_DATE:
        return DATES;
    case GLY_TYPE_TIMESTAMP:
    case GLY_TYPE_TIMESTAMP_NTZ:
        return STAMPS;
    case GLY_TYPE_INTERVAL_MONTH:
    case GLY_TYPE_INTERVAL_DAY:
        return INTERVALS;
    case GLY_TYPE_NULL:
    case GLY_TYPE_COUNT:
        break;
    }
    return NO_GROUP;
}

#define ROWS(function) {function, NULL, 0}
#define ALL(function) {function, NULL, GLY_KERNEL_VECTOR}
static const gly_function_kernel casts[GROUPS][GROUPS] = {
    [BOOLEANS] = {[INTEGERS] = ALL(number_to_number), [FLOATS] = ALL(number_to_number),
                  [DECIMALS] = ROWS(integer_to_decimal), [TEXTS] = ROWS(gly_fn_cast_text_to),
                  [STAMPS] = ROWS(integer_to_timestamp)},
    [INTEGERS] = {[BOOLEANS] = ROWS(to_boolean), [INTEGERS] = ALL(number_to_number),
                  [FLOATS] = ALL(number_to_number), [DECIMALS] = ROWS(integer_to_decimal),
                  [TEXTS] = ROWS(gly_fn_cast_text_to), [STAMPS] = ROWS(integer_to_timestamp)},
    [FLOATS] = {[BOOLEANS] = ROWS(to_boolean), [INTEGERS] = ROWS(float_to_integer),
                [FLOATS] = ALL(number_to_number), [DECIMALS] = ROWS(float_to_decimal),
                [TEXTS] = ROWS(gly_fn_cast_text_to), [STAMPS] = ROWS(float_to_timestamp)},
    [DECIMALS] = {[BOOLEANS] = ROWS(to_boolean), [INTEGERS] = ROWS(decimal_to_integer),
                  [FLOATS] = ROWS(decimal_to_float),
                  [DECIMALS] = {decimal_to_decimal, NULL, GLY_KERNEL_VECTOR | GLY_KERNEL_NARROW},
                  [TEXTS] = ROWS(gly_fn_cast_text_to), [STAMPS] = ROWS(decimal_to_timestamp)},
    [TEXTS] = {[BOOLEANS] = ROWS(gly_fn_cast_text_boolean),
               [INTEGERS] = ROWS(gly_fn_cast_text_integer),
               [FLOATS] = ROWS(gly_fn_cast_text_float),
               [DECIMALS] = ROWS(gly_fn_cast_text_decimal), [DATES] = ROWS(gly_fn_cast_text_date),
               [STAMPS] = ROWS(gly_fn_cast_text_timestamp)},
    [DATES] = {[TEXTS] = ROWS(gly_fn_cast_text_to), [STAMPS] = ROWS(date_to_timestamp)},
    [STAMPS] = {[BOOLEANS] = ROWS(to_boolean), [INTEGERS] = ROWS(timestamp_to_integer),
                [FLOATS] = ROWS(timestamp_to_float), [DECIMALS] = ROWS(timestamp_to_decimal),
                [TEXTS] = ROWS(gly_fn_cast_text_to), [DATES] = ROWS(timestamp_to_date)},
    [INTERVALS] = {[TEXTS] = ROWS(gly_fn_cast_text_to)},
};

const gly_function_kernel *gly_fn_cast_find(gly_type from, gly_type to) {
    group a = group_of(from), b = group_of(to);
    if (a == NO_GROUP || b == NO_GROUP || casts[a][b].run == NULL) {
        return NULL;
    }
    return &casts[a][b];
}
