/* number_text.c - numbers as Java prints them, and text to double.
 *
 * Java's Double.toString is the shortest decimal that reads back as the same double, with at least
 * one digit after the point, and in scientific form outside [1e-3, 1e7).  The shortest is found by
 * trying 15, 16 and 17 digits: a decimal of at most 15 digits survives the way through a double, so
 * if the 15 digits read back, dropping their trailing zeros gives the shortest form.
 * Invariant: parse(print(x)) == x.  Decimals are in decimal.c.
 */
#include "lib/data/number_text.h"

#include "lib/base/alloc.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <strings.h>

size_t gly_number_text_i64(int64_t value, char buffer[24]) {
    char digits[24];
    int count = 0;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        digits[count++] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    size_t size = 0;
    if (value < 0) {
        buffer[size++] = '-';
    }
    while (count > 0) {
        buffer[size++] = digits[--count];
    }
    return size;
}

size_t gly_number_text_i128(gly_i128 value, char buffer[48]) {
    char digits[48];
    int count = 0;
    gly_u128 rest = value < 0 ? (gly_u128)0 - (gly_u128)value : (gly_u128)value;
    do {
        digits[count++] = (char)('0' + (int)(rest % 10));
        rest /= 10;
    } while (rest > 0);
    size_t size = 0;
    if (value < 0) {
        buffer[size++] = '-';
    }
    while (count > 0) {
        buffer[size++] = digits[--count];
    }
    return size;
}

/* digits (no trailing zeros, at least one) as d.ddd * 10^exponent in Java's form. */
static size_t layout(const char *digits, int count, int exponent, bool negative, char *out) {
    char *start = out;
    if (negative) {
        *out++ = '-';
    }
    if (exponent >= -3 && exponent < 7) {
        int point = exponent + 1; /* digits before the point */
        if (point <= 0) {
            *out++ = '0';
            *out++ = '.';
            for (int i = point; i < 0; i++) {
                *out++ = '0';
            }
            memcpy(out, digits, (size_t)count);
            return (size_t)(out + count - start);
        }
        for (int i = 0; i < GLY_MAX(count, point + 1); i++) {
            if (i == point) {
                *out++ = '.';
            }
            *out++ = i < count ? digits[i] : '0';
        }
        return (size_t)(out - start);
    }
    *out++ = digits[0];
    *out++ = '.';
    if (count == 1) {
        *out++ = '0';
    }
    memcpy(out, digits + 1, (size_t)count - 1);
    out += count - 1;
    *out++ = 'E';
    char number[24];
    size_t size = gly_number_text_i64(exponent, number);
    memcpy(out, number, size);
    return (size_t)(out + size - start);
}

/* "d.ddde-05" of snprintf to digits and exponent; trailing zeros are dropped. */
static int split_scientific(const char *text, char digits[20], int *exponent) {
    int count = 0;
    const char *at = text;
    for (; *at != 'e'; at++) {
        if (*at != '.') {
            digits[count++] = *at;
        }
    }
    *exponent = (int)strtol(at + 1, NULL, 10);
    while (count > 1 && digits[count - 1] == '0') {
        count--;
    }
    return count;
}

static size_t special(double value, char *buffer) {
    const char *text = isnan(value) ? "NaN"
                       : isinf(value) ? (value < 0 ? "-Infinity" : "Infinity")
                       : signbit(value) ? "-0.0"
                                        : "0.0";
    memcpy(buffer, text, strlen(text));
    return strlen(text);
}

/* Numbers like 12.34: value * 10^6 is integral and reads back by one division. */
static bool try_short(double value, bool negative, char *buffer, size_t *ret) {
    double scaled = value * 1e6;
    if (value < 1e-3 || value >= 1e7) {
        return false;
    }
    int64_t unscaled = (int64_t)(scaled + 0.5);
    if ((double)unscaled / 1e6 != value) {
        return false;
    }
    char digits[24];
    int exponent = -7;
    size_t count = gly_number_text_i64(unscaled, digits);
    exponent += (int)count;
    while (count > 1 && digits[count - 1] == '0') {
        count--;
    }
    *ret = layout(digits, (int)count, exponent, negative, buffer);
    return true;
}

size_t gly_number_text_double(double value, char buffer[32]) {
    if (!isfinite(value) || value == 0) {
        return special(value, buffer);
    }
    bool negative = value < 0;
    double positive = fabs(value);
    size_t size;
    if (try_short(positive, negative, buffer, &size)) {
        return size;
    }
    char text[40];
    for (int precision = positive < DBL_MIN ? 2 : 15; precision <= 17; precision++) {
        snprintf(text, sizeof text, "%.*e", precision - 1, positive);
        if (precision == 17 || strtod(text, NULL) == positive) {
            break;
        }
    }
    char digits[20];
    int exponent;
    int count = split_scientific(text, digits, &exponent);
    return layout(digits, count, exponent, negative, buffer);
}

size_t gly_number_text_float(float value, char buffer[32]) {
    if (!isfinite(value) || value == 0) {
        return special((double)value, buffer);
    }
    float positive = fabsf(value);
    char text[40];
    for (int precision = positive < FLT_MIN ? 2 : 6; precision <= 9; precision++) {
        snprintf(text, sizeof text, "%.*e", precision - 1, (double)positive);
        if (precision == 9 || strtof(text, NULL) == positive) {
            break;
        }
    }
    char digits[20];
    int exponent;
    int count = split_scientific(text, digits, &exponent);
    return layout(digits, count, exponent, value < 0, buffer);
}

static bool parse_special(gly_str text, double *ret) {
    double sign = 1;
    gly_str name = text;
    if (name.size > 0 && (name.data[0] == '-' || name.data[0] == '+')) {
        sign = name.data[0] == '-' ? -1 : 1;
        name.data++;
        name.size--;
    }
    if (gly_str_equal_ignore_case(name, GLY_STR("inf")) ||
        gly_str_equal_ignore_case(name, GLY_STR("infinity"))) {
        *ret = sign * (double)INFINITY;
        return true;
    }
    if (gly_str_equal_ignore_case(text, GLY_STR("nan"))) {
        *ret = (double)NAN;
        return true;
    }
    return false;
}

static bool slow_parse(gly_str text, double *ret) {
    char small[128];
    char *copy = text.size < sizeof small ? small : gly_alloc(text.size + 1);
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    char *end;
    double value = strtod(copy, &end);
    bool whole = end == copy + text.size;
    if (copy != small) {
        free(copy);
    }
    *ret = value;
    return whole;
}

/* Skips digits and adds them to *mantissa while it stays exact. */
static size_t scan_digits(gly_str text, size_t at, uint64_t *mantissa, int *count) {
    while (at < text.size && text.data[at] >= '0' && text.data[at] <= '9') {
        if (*count < 18) {
            *mantissa = *mantissa * 10 + (uint64_t)(text.data[at] - '0');
        }
        (*count)++;
        at++;
    }
    return at;
}

bool gly_number_text_parse_double(gly_str text, double *ret) {
    static const double exact[23] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                     1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                     1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    text = gly_str_trim(text);
    size_t at = 0;
    bool negative = text.size > 0 && text.data[0] == '-';
    uint64_t mantissa = 0;
    int count = 0, exponent = 0;
    at += text.size > 0 && (text.data[0] == '-' || text.data[0] == '+');
    at = scan_digits(text, at, &mantissa, &count);
    if (at < text.size && text.data[at] == '.') {
        int before = count;
        at = scan_digits(text, at + 1, &mantissa, &count);
        exponent = before - count;
    }
    if (count == 0) {
        return parse_special(text, ret);
    }
    size_t number_size = at;
    if (at < text.size && (text.data[at] == 'e' || text.data[at] == 'E')) {
        at++;
        bool below = at < text.size && text.data[at] == '-';
        at += at < text.size && (text.data[at] == '-' || text.data[at] == '+');
        size_t start = at;
        int shown = 0;
        for (; at < text.size && text.data[at] >= '0' && text.data[at] <= '9'; at++) {
            shown = GLY_MIN(shown * 10 + (text.data[at] - '0'), 100000);
        }
        if (at == start) {
            return false;
        }
        exponent += below ? -shown : shown;
        number_size = at;
    }
    if (at < text.size && strchr("dDfF", text.data[at]) != NULL && text.data[at] != '\0') {
        at++;
    }
    if (at != text.size) {
        return false;
    }
    /* mantissa and power both exact: one rounding (Clinger 1990) */
    if (count <= 18 && mantissa <= (UINT64_C(1) << 53) && exponent >= -22 && exponent <= 22) {
        double value = (double)mantissa;
        value = exponent < 0 ? value / exact[-exponent] : value * exact[exponent];
        *ret = negative ? -value : value;
        return true;
    }
    return slow_parse((gly_str){text.data, number_size}, ret);
}
