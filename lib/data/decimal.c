/* decimal.c - unscaled 128-bit decimals: powers of ten, HALF_UP rescaling, text.
 *
 * Products and quotients go through 256 bits so that the result is exact before it is rounded once.
 * Invariant: a returned number has at most 38 digits; anything more is reported as false.  Which
 * precision and scale a result has is the analyzer's business; batches of decimals are computed by
 * lib/engine/kernel/k_decimal.c, which comes here only for rows its narrow paths cannot do.
 */
#include "lib/data/decimal.h"

#include "lib/data/number_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define E18 ((gly_i128)INT64_C(1000000000000000000))
#define E36 (E18 * E18)

static const gly_i128 powers[39] = {
    1,         10,         100,         1000,         10000,         100000,       1000000,
    10000000,  100000000,  1000000000,  INT64_C(10000000000), INT64_C(100000000000),
    INT64_C(1000000000000), INT64_C(10000000000000), INT64_C(100000000000000),
    INT64_C(1000000000000000), INT64_C(10000000000000000), INT64_C(100000000000000000),
    E18,       E18 * 10,   E18 * 100,   E18 * 1000,   E18 * 10000,   E18 * 100000, E18 * 1000000,
    E18 * 10000000, E18 * 100000000, E18 * 1000000000, E18 * INT64_C(10000000000),
    E18 * INT64_C(100000000000), E18 * INT64_C(1000000000000), E18 * INT64_C(10000000000000),
    E18 * INT64_C(100000000000000), E18 * INT64_C(1000000000000000),
    E18 * INT64_C(10000000000000000), E18 * INT64_C(100000000000000000), E36, E36 * 10, E36 * 100,
};

gly_i128 gly_decimal_power(int exponent) {
    GLY_ASSERT(exponent >= 0 && exponent <= 38);
    return powers[exponent];
}

bool gly_decimal_fits(gly_i128 value, int precision) {
    return value < powers[precision] && value > -powers[precision];
}

static gly_u128 magnitude(gly_i128 value) {
    return value < 0 ? (gly_u128)0 - (gly_u128)value : (gly_u128)value;
}

static gly_i128 with_sign(gly_u128 value, bool negative) {
    return (gly_i128)(negative ? (gly_u128)0 - value : value);
}

/* value / 10^digits, HALF_UP. */
static gly_u128 drop_digits_of(gly_u128 value, int digits) {
    gly_u128 divisor = (gly_u128)powers[digits];
    gly_u128 quotient = value / divisor;
    return quotient + (value - quotient * divisor >= divisor - divisor / 2);
}

bool gly_decimal_rescale(gly_i128 value, int from_scale, int to_scale, gly_i128 *ret) {
    int add = to_scale - from_scale;
    if (add == 0) {
        *ret = value;
        return gly_decimal_fits(value, 38);
    }
    if (add > 0) {
        if (value == 0) {
            *ret = 0;
            return true;
        }
        if (add > 38 || !gly_decimal_fits(value, 38 - GLY_MIN(add, 38))) {
            return false;
        }
        *ret = value * powers[add];
        return true;
    }
    *ret = -add > 38 ? 0 : with_sign(drop_digits_of(magnitude(value), -add), value < 0);
    return gly_decimal_fits(*ret, 38);
}

/* 256 bits, least significant word first. */
typedef struct wide {
    uint64_t words[4];
} wide;

static wide multiply_wide(gly_u128 a, gly_u128 b) {
    uint64_t a0 = (uint64_t)a, a1 = (uint64_t)(a >> 64);
    uint64_t b0 = (uint64_t)b, b1 = (uint64_t)(b >> 64);
    gly_u128 low = (gly_u128)a0 * b0;
    gly_u128 middle = (gly_u128)a0 * b1 + (uint64_t)(low >> 64);
    gly_u128 other = (gly_u128)a1 * b0 + (uint64_t)middle;
    gly_u128 high = (gly_u128)a1 * b1 + (uint64_t)(middle >> 64) + (uint64_t)(other >> 64);
    return (wide){{(uint64_t)low, (uint64_t)other, (uint64_t)high, (uint64_t)(high >> 64)}};
}

/* Divides in place, returns the remainder. */
static uint64_t divide_word(wide *value, uint64_t divisor) {
    gly_u128 rest = 0;
    for (int i = 3; i >= 0; i--) {
        gly_u128 part = (rest << 64) | value->words[i];
        value->words[i] = (uint64_t)(part / divisor);
        rest = part % divisor;
    }
    return (uint64_t)rest;
}

/* Divides in place by a divisor of up to 127 bits: shift and subtract. */
static gly_u128 divide_wide(wide *value, gly_u128 divisor) {
    if (divisor >> 64 == 0) {
        return divide_word(value, (uint64_t)divisor);
    }
    gly_u128 rest = 0;
    for (int i = 255; i >= 0; i--) {
        uint64_t bit = (value->words[i >> 6] >> (i & 63)) & 1;
        rest = (rest << 1) | bit;
        uint64_t quotient = rest >= divisor;
        rest -= quotient ? divisor : 0;
        value->words[i >> 6] =
            (value->words[i >> 6] & ~(UINT64_C(1) << (i & 63))) | (quotient << (i & 63));
    }
    return rest;
}

/* To a signed 128-bit number of at most 38 digits. */
static bool narrow(const wide *value, bool round_up, bool negative, gly_i128 *ret) {
    gly_u128 low = ((gly_u128)value->words[1] << 64) | value->words[0];
    if (value->words[3] != 0 || value->words[2] != 0 || low >= (gly_u128)powers[38]) {
        return false;
    }
    low += round_up;
    *ret = with_sign(low, negative);
    return low < (gly_u128)powers[38];
}

bool gly_decimal_multiply(gly_i128 a, gly_i128 b, int drop_digits, gly_i128 *ret) {
    bool negative = (a < 0) != (b < 0);
    gly_u128 x = magnitude(a), y = magnitude(b);
    GLY_ASSERT(drop_digits >= 0 && drop_digits <= 38);
    if (x >> 63 == 0 && y >> 63 == 0) {
        gly_u128 product = x * y;
        product = drop_digits == 0 ? product : drop_digits_of(product, drop_digits);
        *ret = with_sign(product, negative);
        return product < (gly_u128)powers[38];
    }
    wide product = multiply_wide(x, y);
    if (drop_digits == 0) {
        return narrow(&product, false, negative, ret);
    }
    gly_u128 divisor = (gly_u128)powers[drop_digits];
    gly_u128 rest = divide_wide(&product, divisor);
    return narrow(&product, rest >= divisor - divisor / 2, negative, ret);
}

bool gly_decimal_divide(gly_i128 a, gly_i128 b, int add_digits, gly_i128 *ret) {
    if (b == 0) {
        return false;
    }
    int first = GLY_MIN(add_digits, 38);
    bool negative = (a < 0) != (b < 0);
    gly_u128 divisor = magnitude(b);
    gly_u128 factor = (gly_u128)powers[first];
    gly_u128 x = magnitude(a);
    if (x < (gly_u128)powers[38 - first] && first == add_digits) {
        x *= factor;
        gly_u128 quotient = x / divisor;
        quotient += x - quotient * divisor >= divisor - divisor / 2;
        *ret = with_sign(quotient, negative);
        return quotient < (gly_u128)powers[38];
    }
    wide dividend = multiply_wide(x, factor);
    for (int more = add_digits - first; more > 0; more--) { /* rare: scales beyond 38 */
        gly_u128 carry = 0;
        for (int i = 0; i < 4; i++) {
            carry += (gly_u128)dividend.words[i] * 10;
            dividend.words[i] = (uint64_t)carry;
            carry >>= 64;
        }
        if (carry != 0) {
            return false;
        }
    }
    gly_u128 rest = divide_wide(&dividend, divisor);
    return narrow(&dividend, rest >= divisor - divisor / 2, negative, ret);
}

size_t gly_decimal_format(gly_i128 value, int scale, char buffer[48]) {
    char digits[48];
    int count = 0;
    gly_u128 rest = magnitude(value);
    while (rest >> 64 != 0) {
        digits[count++] = (char)('0' + (int)(rest % 10));
        rest /= 10;
    }
    for (uint64_t low = (uint64_t)rest; low > 0; low /= 10) {
        digits[count++] = (char)('0' + low % 10);
    }
    while (count < scale + 1) {
        digits[count++] = '0';
    }
    size_t size = 0;
    if (value < 0) {
        buffer[size++] = '-';
    }
    while (count > 0) {
        if (count == scale) {
            buffer[size++] = '.';
        }
        buffer[size++] = digits[--count];
    }
    return size;
}

/* A number taken apart: its significant digits lie in [first, last) of text, with perhaps a point
 * between, and it is worth digits * 10^exponent. */
typedef struct number {
    bool negative;
    gly_str digits;  /* from the first non-zero digit; may contain one '.' */
    int64_t count;   /* digits in it, without the point */
    int64_t exponent;
    int64_t written; /* all digits, leading zeros too, at least 1 */
} number;

enum { EXPONENT_LIMIT = 1000000 };

static bool read_exponent(gly_str text, size_t at, int64_t *ret) {
    bool negative = at < text.size && text.data[at] == '-';
    int64_t value = 0;
    if (negative || (at < text.size && text.data[at] == '+')) {
        at++;
    }
    if (at == text.size) {
        return false;
    }
    for (; at < text.size; at++) {
        if (text.data[at] < '0' || text.data[at] > '9') {
            return false;
        }
        value = GLY_MIN(value * 10 + (text.data[at] - '0'), (int64_t)EXPONENT_LIMIT);
    }
    *ret = negative ? -value : value;
    return true;
}

static bool take_apart(gly_str text, number *ret) {
    text = gly_str_trim(text);
    size_t at = 0;
    number parts = {.negative = text.size > 0 && text.data[0] == '-'};
    if (text.size > 0 && (text.data[0] == '-' || text.data[0] == '+')) {
        at++;
    }
    bool seen_point = false, significant = false;
    int64_t fraction = 0;
    size_t end = at;
    for (; end < text.size; end++) {
        char c = text.data[end];
        if (c == '.' && !seen_point) {
            seen_point = true;
            continue;
        }
        if (c < '0' || c > '9') {
            break;
        }
        parts.written++;
        fraction += seen_point;
        if (!significant && c != '0') {
            significant = true;
            parts.digits.data = text.data + end;
        }
        parts.count += significant;
    }
    if (significant) {
        parts.digits.size = (size_t)(text.data + end - parts.digits.data);
    }
    if (parts.written == 0) {
        return false;
    }
    if (end < text.size) {
        if ((text.data[end] != 'e' && text.data[end] != 'E') ||
            !read_exponent(text, end + 1, &parts.exponent)) {
            return false;
        }
    }
    parts.exponent -= fraction;
    *ret = parts;
    return true;
}

/* digits * 10^(exponent + scale), HALF_UP; false beyond 38 digits. */
static bool put_together(const number *parts, int scale, gly_i128 *ret) {
    int64_t keep = parts->count + parts->exponent + scale;
    if (parts->count == 0 || keep < 0) {
        *ret = 0;
        return true;
    }
    if (keep > 38) {
        return false;
    }
    gly_u128 value = 0;
    int64_t taken = 0;
    bool round_up = false;
    for (size_t i = 0; i < parts->digits.size; i++) {
        char c = parts->digits.data[i];
        if (c == '.') {
            continue;
        }
        if (taken == keep) {
            round_up = c >= '5';
            break;
        }
        value = value * 10 + (unsigned)(c - '0');
        taken++;
    }
    for (; taken < keep; taken++) {
        value *= 10;
    }
    value += round_up;
    *ret = with_sign(value, parts->negative);
    return value < (gly_u128)powers[38];
}

bool gly_decimal_parse(gly_str text, gly_type type, gly_i128 *ret) {
    number parts;
    gly_i128 value;
    if (!take_apart(text, &parts) || !put_together(&parts, type.scale, &value) ||
        !gly_decimal_fits(value, type.precision)) {
        return false;
    }
    *ret = value;
    return true;
}

bool gly_decimal_parse_literal(gly_str text, gly_type *ret_type, gly_i128 *ret) {
    number parts;
    if (!take_apart(text, &parts)) {
        return false;
    }
    int64_t scale = GLY_MAX(-parts.exponent, (int64_t)0);
    int64_t integral = GLY_MAX(parts.count + parts.exponent, (int64_t)0);
    int64_t precision = GLY_MAX(integral + scale, (int64_t)1);
    if (precision > GLY_DECIMAL_MAX_PRECISION) {
        return false;
    }
    *ret_type = gly_type_decimal((int)precision, (int)scale);
    return put_together(&parts, (int)scale, ret);
}

double gly_decimal_to_double(gly_i128 value, int scale) {
    static const double exact[23] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                     1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                     1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const gly_i128 limit = (gly_i128)1 << 53;
    if (value <= limit && value >= -limit && scale <= 22) {
        return (double)(int64_t)value / exact[scale]; /* both exact: rounded once */
    }
    char buffer[56];
    size_t size = gly_decimal_format(value, scale, buffer);
    buffer[size] = '\0';
    return strtod(buffer, NULL);
}

bool gly_decimal_from_double(double value, gly_type type, gly_i128 *ret) {
    char buffer[32];
    if (!isfinite(value)) {
        return false;
    }
    size_t size = gly_number_text_double(value, buffer); /* Spark rounds the printed number */
    return gly_decimal_parse((gly_str){buffer, size}, type, ret);
}
