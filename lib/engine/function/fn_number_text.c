/* fn_number_text.c - bin, conv and format_number.
 *
 * conv works on unsigned 64-bit numbers and stops at the first character that is no digit of the
 * base; a negative target base means a signed result.  format_number rounds HALF_EVEN, as
 * java.text.DecimalFormat does: a double is first what Double.toString prints, so no digits appear
 * that the number does not have; only when digits are cut does its exact value decide.
 */
#include "lib/engine/function/fn_number_text.h"

#include "lib/data/decimal.h"
#include "lib/data/number_text.h"

#include <math.h>
#include <stdio.h>

static void put_null_text(gly_call *call, uint32_t row) {
    gly_call_set_null(call, row);
    gly_call_put_view(call, row, (gly_str){"", 0});
}

/* bases */

enum { MOST_DIGITS = 65 };

static gly_str write_base(uint64_t value, unsigned base, bool negative, char text[MOST_DIGITS]) {
    size_t at = MOST_DIGITS;
    do {
        unsigned digit = (unsigned)(value % base);
        text[--at] = (char)(digit < 10 ? '0' + digit : 'A' + digit - 10);
        value /= base;
    } while (value != 0);
    if (negative) {
        text[--at] = '-';
    }
    return (gly_str){text + at, MOST_DIGITS - at};
}

gly_status gly_fn_number_text_bin(gly_call *call, gly_error *err) {
    (void)err;
    GLY_CALL_EACH(call, row) {
        char text[MOST_DIGITS];
        uint64_t value = (uint64_t)GLY_CALL_ARG(call, 0, int64_t, row);
        gly_call_put_text(call, row, write_base(value, 2, false, text));
    }
    return GLY_OK;
}

static unsigned digit_of(char c) {
    if (c >= '0' && c <= '9') {
        return (unsigned)(c - '0');
    }
    if (c >= 'a' && c <= 'z') {
        return (unsigned)(c - 'a') + 10;
    }
    return c >= 'A' && c <= 'Z' ? (unsigned)(c - 'A') + 10 : 36;
}

/* The digits at the start of text; false on overflow of 64 bits. */
static bool read_base(gly_str text, unsigned base, uint64_t *ret) {
    *ret = 0;
    for (size_t i = 0; i < text.size; i++) {
        unsigned digit = digit_of(text.data[i]);
        if (digit >= base) {
            break;
        }
        if (__builtin_mul_overflow(*ret, (uint64_t)base, ret) ||
            __builtin_add_overflow(*ret, (uint64_t)digit, ret)) {
            return false;
        }
    }
    return true;
}

static gly_str trim_spaces(gly_str text) {
    while (text.size > 0 && text.data[0] == ' ') {
        text.data++;
        text.size--;
    }
    while (text.size > 0 && text.data[text.size - 1] == ' ') {
        text.size--;
    }
    return text;
}

gly_status gly_fn_number_text_conv(gly_call *call, gly_error *err) {
    GLY_CALL_EACH(call, row) {
        gly_str text = trim_spaces(gly_call_text(call, 0, row));
        int64_t from = GLY_CALL_ARG(call, 1, int32_t, row);
        int64_t to = GLY_CALL_ARG(call, 2, int32_t, row);
        int64_t base = to < 0 ? -to : to;
        if (text.size == 0 || from < 2 || from > 36 || base < 2 || base > 36) {
            put_null_text(call, row);
            continue;
        }
        bool negative = text.data[0] == '-';
        text.data += negative;
        text.size -= negative;
        uint64_t value;
        if (!read_base(text, (unsigned)from, &value)) {
            return gly_call_fail(call, err, GLY_E_OVERFLOW, "Overflow",
                                 "the number has more than 64 bits");
        }
        bool beyond = value > INT64_MAX; /* negative as a signed number */
        if (negative && to > 0) {
            value = beyond ? UINT64_MAX : 0 - value;
        } else if (to < 0 && beyond) {
            value = 0 - value;
            negative = true;
        }
        char digits[MOST_DIGITS];
        gly_call_put_text(call, row, write_base(value, (unsigned)base, negative && to < 0, digits));
    }
    return GLY_OK;
}

/* format_number */

enum { MOST_PLACES = 340, MOST_DECIMAL_PLACES = 100000 };

/* A number as digits, the first `whole` of them in front of the point; zeros are implied. */
typedef struct plain_number {
    bool negative;
    int64_t whole;
    size_t count;
    char digits[1100];
} plain_number;

/* "1234.5" -> its digits. */
static void read_plain(const char *text, size_t size, plain_number *ret) {
    ret->count = 0;
    ret->whole = -1;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '.') {
            ret->whole = (int64_t)ret->count;
        } else if (text[i] >= '0' && text[i] <= '9') {
            ret->digits[ret->count++] = text[i];
        }
    }
    ret->whole = ret->whole < 0 ? (int64_t)ret->count : ret->whole;
}

static void read_double(double value, int64_t places, plain_number *ret) {
    char text[32];
    ret->negative = signbit(value);
    value = fabs(value);
    gly_str shown = {text, gly_number_text_double(value, text)};
    int64_t exponent = 0;
    for (size_t i = 0; i < shown.size; i++) {
        if (shown.data[i] == 'E') {
            (void)gly_str_to_i64((gly_str){shown.data + i + 1, shown.size - i - 1}, &exponent);
            shown.size = i;
        }
    }
    read_plain(shown.data, shown.size, ret);
    ret->whole += exponent;
    while (ret->count > 0 && ret->digits[ret->count - 1] == '0') {
        ret->count--;
    }
    if ((int64_t)ret->count - ret->whole > places) { /* digits are cut: round the exact value */
        char exact[512];
        int size = snprintf(exact, sizeof exact, "%.*f", (int)places, value);
        read_plain(exact, GLY_MIN((size_t)size, sizeof exact - 1), ret);
    }
}

static void read_decimal(gly_i128 value, int scale, int64_t places, plain_number *ret) {
    char text[48];
    ret->negative = value < 0;
    gly_u128 size = value < 0 ? -(gly_u128)value : (gly_u128)value;
    if (places < scale) {
        gly_u128 unit = (gly_u128)gly_decimal_power((int)(scale - places));
        gly_u128 rest = size % unit;
        size /= unit;
        size += rest > unit - rest || (rest == unit - rest && size % 2 == 1);
        scale = (int)places;
    }
    read_plain(text, gly_number_text_i128((gly_i128)size, text), ret);
    ret->whole = (int64_t)ret->count - scale;
}

static char digit_at(const plain_number *number, int64_t at) {
    return at < 0 || at >= (int64_t)number->count ? '0' : number->digits[at];
}

static void add_number(const plain_number *number, int64_t places, gly_builder *out) {
    int64_t first = 0;
    while (first < number->whole - 1 && digit_at(number, first) == '0') {
        first++;
    }
    if (number->negative) {
        gly_builder_add_char(out, '-');
    }
    if (number->whole <= 0) {
        gly_builder_add_char(out, '0');
    }
    for (int64_t i = first; i < number->whole; i++) {
        gly_builder_add_char(out, digit_at(number, i));
        if ((number->whole - i) % 3 == 1 && i + 1 < number->whole) {
            gly_builder_add_char(out, ',');
        }
    }
    if (places > 0) {
        gly_builder_add_char(out, '.');
    }
    for (int64_t i = 0; i < places; i++) {
        gly_builder_add_char(out, digit_at(number, number->whole + i));
    }
}

static void format_row(const gly_call *call, uint32_t row, int64_t places, gly_builder *out) {
    plain_number number;
    gly_type type = call->args[0].type;
    if (type.id == GLY_TYPE_DOUBLE) {
        double value = GLY_CALL_ARG(call, 0, double, row);
        if (!isfinite(value)) {
            gly_builder_add_text(out, isnan(value) ? "NaN" : value < 0 ? "-∞" : "∞");
            return;
        }
        read_double(value, places, &number);
    } else if (type.id == GLY_TYPE_DECIMAL) {
        read_decimal(gly_call_decimal(call, 0, row), type.scale, places, &number);
    } else {
        read_decimal(GLY_CALL_ARG(call, 0, int64_t, row), 0, places, &number);
    }
    add_number(&number, places, out);
}

gly_status gly_fn_number_text_format_number(gly_call *call, gly_error *err) {
    gly_builder out = {0};
    gly_status status = GLY_OK;
    bool decimal = call->args[0].type.id == GLY_TYPE_DECIMAL;
    GLY_CALL_EACH(call, row) {
        int64_t places = GLY_CALL_ARG(call, 1, int32_t, row);
        if (places < 0) {
            put_null_text(call, row);
            continue;
        }
        if (decimal && places > MOST_DECIMAL_PLACES) {
            status = gly_call_fail(call, err, GLY_E_INVALID_ARGUMENT, "Too many digits",
                                   "at most 100000 are shown behind the point");
            break;
        }
        gly_builder_reset(&out);
        format_row(call, row, decimal ? places : GLY_MIN(places, (int64_t)MOST_PLACES), &out);
        gly_call_put_text(call, row, gly_builder_str(&out));
    }
    gly_builder_clear(&out);
    return status;
}
