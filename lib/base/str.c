/* str.c - byte slices, a growing builder, numbers with units.
 *
 * Nothing here allocates but the builder.  Case folding is ASCII only; SQL's upper() and lower()
 * are in the engine with utf8proc.  Shortest double printing is in lib/data/number_text.c.
 */
#include "lib/base/str.h"

#include "lib/base/alloc.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>

static unsigned char lower(char c) {
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

bool gly_str_equal_ignore_case(gly_str a, gly_str b) {
    if (a.size != b.size) {
        return false;
    }
    for (size_t i = 0; i < a.size; i++) {
        if (lower(a.data[i]) != lower(b.data[i])) {
            return false;
        }
    }
    return true;
}

int gly_str_compare(gly_str a, gly_str b) {
    size_t common = GLY_MIN(a.size, b.size);
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

bool gly_str_starts_with(gly_str text, gly_str prefix) {
    return text.size >= prefix.size &&
           (prefix.size == 0 || memcmp(text.data, prefix.data, prefix.size) == 0);
}

bool gly_str_ends_with(gly_str text, gly_str suffix) {
    return text.size >= suffix.size &&
           (suffix.size == 0 ||
            memcmp(text.data + text.size - suffix.size, suffix.data, suffix.size) == 0);
}

gly_str gly_str_trim(gly_str text) {
    while (text.size > 0 && isspace((unsigned char)text.data[0])) {
        text.data++;
        text.size--;
    }
    while (text.size > 0 && isspace((unsigned char)text.data[text.size - 1])) {
        text.size--;
    }
    return text;
}

bool gly_str_to_u64(gly_str text, uint64_t *ret) {
    uint64_t value = 0;
    if (text.size == 0) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' ||
            __builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(text.data[i] - '0'), &value)) {
            return false;
        }
    }
    *ret = value;
    return true;
}

bool gly_str_to_i64(gly_str text, int64_t *ret) {
    bool negative = text.size > 0 && text.data[0] == '-';
    if (text.size > 0 && (text.data[0] == '-' || text.data[0] == '+')) {
        text.data++;
        text.size--;
    }
    uint64_t magnitude;
    if (!gly_str_to_u64(text, &magnitude) || magnitude > (uint64_t)INT64_MAX + negative) {
        return false;
    }
    *ret = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

bool gly_str_to_double(gly_str text, double *ret) {
    char buffer[512];
    if (text.size == 0 || text.size >= sizeof buffer) {
        return false;
    }
    memcpy(buffer, text.data, text.size);
    buffer[text.size] = '\0';
    char *end;
    double value = strtod(buffer, &end);
    if (end != buffer + text.size) {
        return false;
    }
    *ret = value;
    return true;
}

/* Splits "12.5Mi" into 12.5 and "mi"; false when there is no number in front. */
static bool split_unit(gly_str text, double *number, char unit[8]) {
    text = gly_str_trim(text);
    size_t digits = 0;
    while (digits < text.size && (isdigit((unsigned char)text.data[digits]) ||
                                  text.data[digits] == '.' ||
                                  (digits == 0 && text.data[digits] == '-'))) {
        digits++;
    }
    gly_str rest = gly_str_trim((gly_str){text.data + digits, text.size - digits});
    if (!gly_str_to_double((gly_str){text.data, digits}, number) || rest.size >= 8) {
        return false;
    }
    for (size_t i = 0; i < rest.size; i++) {
        unit[i] = (char)lower(rest.data[i]);
    }
    unit[rest.size] = '\0';
    return true;
}

bool gly_str_to_bytes(gly_str text, uint64_t *ret) {
    double number;
    char unit[8];
    if (!split_unit(text, &number, unit) || number < 0) {
        return false;
    }
    static const char letters[] = "kmgtp";
    double factor = 1;
    if (unit[0] != '\0' && strcmp(unit, "b") != 0) {
        const char *letter = strchr(letters, unit[0]);
        const char *rest = unit + 1;
        if (letter == NULL || !(rest[0] == '\0' || strcmp(rest, "b") == 0 ||
                                strcmp(rest, "i") == 0 || strcmp(rest, "ib") == 0)) {
            return false;
        }
        factor = ldexp(1.0, 10 * (int)(letter - letters + 1));
    }
    double bytes = number * factor;
    if (bytes >= 9.2e18) {
        return false;
    }
    *ret = (uint64_t)bytes;
    return true;
}

bool gly_str_to_ms(gly_str text, int64_t *ret) {
    static const struct {
        const char *unit;
        double ms;
    } units[] = {{"", 1000},  {"us", 0.001}, {"ms", 1},       {"s", 1000},
                 {"sec", 1000}, {"m", 60e3},   {"min", 60e3}, {"h", 3600e3}, {"d", 86400e3}};
    double number;
    char unit[8];
    if (!split_unit(text, &number, unit)) {
        return false;
    }
    for (size_t i = 0; i < GLY_ARRAY_LEN(units); i++) {
        if (strcmp(unit, units[i].unit) == 0) {
            *ret = (int64_t)(number * units[i].ms);
            return true;
        }
    }
    return false;
}

size_t gly_str_distance(gly_str a, gly_str b) {
    enum { LONGEST = 128 };
    if (a.size > LONGEST || b.size > LONGEST) {
        return a.size > b.size ? a.size : b.size;
    }
    size_t row[LONGEST + 1];
    for (size_t j = 0; j <= b.size; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a.size; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.size; j++) {
            size_t above = row[j];
            size_t change = diagonal + (lower(a.data[i - 1]) != lower(b.data[j - 1]));
            row[j] = GLY_MIN(GLY_MIN(above, row[j - 1]) + 1, change);
            diagonal = above;
        }
    }
    return row[b.size];
}

char *gly_builder_room(gly_builder *builder, size_t size) {
    size_t needed = builder->size + size + 1;
    if (needed > builder->capacity) {
        size_t capacity = GLY_MAX(GLY_MAX(builder->capacity * 2, needed), (size_t)64);
        builder->data = gly_alloc_resize(builder->data, capacity);
        builder->capacity = capacity;
    }
    return builder->data + builder->size;
}

void gly_builder_add(gly_builder *builder, const void *bytes, size_t size) {
    char *room = gly_builder_room(builder, size);
    if (size > 0) {
        memcpy(room, bytes, size);
    }
    room[size] = '\0';
    builder->size += size;
}

void gly_builder_add_str(gly_builder *builder, gly_str text) {
    gly_builder_add(builder, text.data, text.size);
}

void gly_builder_add_text(gly_builder *builder, const char *text) {
    gly_builder_add(builder, text, strlen(text));
}

void gly_builder_add_char(gly_builder *builder, char c) { gly_builder_add(builder, &c, 1); }

void gly_builder_add_repeat(gly_builder *builder, char c, size_t count) {
    char *room = gly_builder_room(builder, count);
    memset(room, c, count);
    room[count] = '\0';
    builder->size += count;
}

void gly_builder_format(gly_builder *builder, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    GLY_ASSERT(length >= 0);
    char *room = gly_builder_room(builder, (size_t)length);
    va_start(arguments, format);
    vsnprintf(room, (size_t)length + 1, format, arguments);
    va_end(arguments);
    builder->size += (size_t)length;
}

void gly_builder_reset(gly_builder *builder) {
    builder->size = 0;
    if (builder->data != NULL) {
        builder->data[0] = '\0';
    }
}

void gly_builder_clear(gly_builder *builder) {
    free(builder->data);
    *builder = (gly_builder){0};
}

gly_str gly_builder_str(const gly_builder *builder) {
    return (gly_str){builder->data == NULL ? "" : builder->data, builder->size};
}

const char *gly_str_format_bytes(uint64_t bytes, char *buffer, size_t buffer_size) {
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 1024 && unit + 1 < GLY_ARRAY_LEN(units)) {
        value /= 1024;
        unit++;
    }
    snprintf(buffer, buffer_size, unit == 0 || value >= 100 ? "%.0f %s" : "%.1f %s", value,
             units[unit]);
    return buffer;
}

const char *gly_str_format_count(uint64_t count, char *buffer, size_t buffer_size) {
    char digits[32];
    int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)count);
    size_t out = 0;
    for (int i = 0; i < length && out + 2 < buffer_size; i++) {
        if (i > 0 && (length - i) % 3 == 0) {
            buffer[out++] = ',';
        }
        buffer[out++] = digits[i];
    }
    buffer[out] = '\0';
    return buffer;
}

const char *gly_str_format_ms(double ms, char *buffer, size_t buffer_size) {
    if (ms < 1) {
        snprintf(buffer, buffer_size, "%.2f ms", ms);
    } else if (ms < 1000) {
        snprintf(buffer, buffer_size, "%.0f ms", ms);
    } else if (ms < 60e3) {
        snprintf(buffer, buffer_size, "%.2f s", ms / 1000);
    } else {
        snprintf(buffer, buffer_size, "%.0f min %02.0f s", floor(ms / 60e3),
                 floor(fmod(ms, 60e3) / 1000));
    }
    return buffer;
}

/* ---- digits ------------------------------------------------------------------------------ */

int gly_str_hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int gly_str_base64_digit(char c) {
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}
