/* parquet_statistics.c - min and max by physical type, and how they are written.
 *
 * Long text is cut to TEXT_BYTES: a minimum may simply be shorter, a maximum must be made larger
 * than what was cut off (its last byte that can grow without breaking UTF-8 does).  NaN is left out
 * and zeros are written as -0.0 and +0.0, as the format asks.
 */
#include "lib/io/parquet/parquet_statistics.h"

#include "lib/io/parquet/hot.h"

#include <math.h>

enum { TEXT_BYTES = 64 };

void gly_parquet_statistics_clear(gly_parquet_range *range) {
    gly_builder_clear(&range->min);
    gly_builder_clear(&range->max);
    *range = (gly_parquet_range){.physical = range->physical, .width = range->width};
}

#define RANGE(name, type, result)                                                                  \
    GLY_HOT_CLONES static void name(const type *values, size_t count, result *min, result *max) {  \
        type low = values[0];                                                                      \
        type high = values[0];                                                                     \
        for (size_t i = 1; i < count; i++) {                                                       \
            low = values[i] < low ? values[i] : low;                                               \
            high = values[i] > high ? values[i] : high;                                            \
        }                                                                                          \
        *min = low;                                                                                \
        *max = high;                                                                               \
    }
RANGE(range_u8, uint8_t, int64_t)
RANGE(range_i32, int32_t, int64_t)
RANGE(range_i64, int64_t, int64_t)

static void add_integers(gly_parquet_range *range, int64_t low, int64_t high) {
    if (!range->has_values || low < range->min_integer) {
        range->min_integer = low;
    }
    if (!range->has_values || high > range->max_integer) {
        range->max_integer = high;
    }
    range->has_values = true;
}

static void add_double(gly_parquet_range *range, double value) {
    if (isnan(value)) {
        return;
    }
    if (!range->has_values || value < range->min_double) {
        range->min_double = value;
    }
    if (!range->has_values || value > range->max_double) {
        range->max_double = value;
    }
    range->has_values = true;
}

/* Signed big-endian numbers of one width. */
static int compare_fixed(const char *a, const char *b, size_t width) {
    if ((a[0] ^ b[0]) & 0x80) {
        return (a[0] & 0x80) != 0 ? -1 : 1;
    }
    return memcmp(a, b, width);
}

static void set(gly_builder *builder, const void *bytes, size_t size) {
    gly_builder_reset(builder);
    gly_builder_add(builder, bytes, size);
}

static void add_fixed(gly_parquet_range *range, const char *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const char *value = values + i * range->width;
        if (!range->has_values || compare_fixed(value, range->min.data, range->width) < 0) {
            set(&range->min, value, range->width);
        }
        if (!range->has_values || compare_fixed(value, range->max.data, range->width) > 0) {
            set(&range->max, value, range->width);
        }
        range->has_values = true;
    }
}

void gly_parquet_statistics_add(gly_parquet_range *range, const void *values, size_t count) {
    int64_t low = 0;
    int64_t high = 0;
    if (count == 0) {
        return;
    }
    switch (range->physical) {
    case GLY_PARQUET_BOOLEAN:
        range_u8(values, count, &low, &high);
        add_integers(range, low, high);
        break;
    case GLY_PARQUET_INT32:
        range_i32(values, count, &low, &high);
        add_integers(range, low, high);
        break;
    case GLY_PARQUET_INT64:
        range_i64(values, count, &low, &high);
        add_integers(range, low, high);
        break;
    case GLY_PARQUET_FLOAT:
        for (size_t i = 0; i < count; i++) {
            add_double(range, (double)((const float *)values)[i]);
        }
        break;
    case GLY_PARQUET_DOUBLE:
        for (size_t i = 0; i < count; i++) {
            add_double(range, ((const double *)values)[i]);
        }
        break;
    case GLY_PARQUET_FIXED:
        add_fixed(range, values, count);
        break;
    default:
        GLY_UNREACHABLE();
    }
}

/* kept is what was kept of the extreme value so far, perhaps cut: a value that only begins with it
 * is larger than it. */
void gly_parquet_statistics_add_bytes(gly_parquet_range *range, gly_str value) {
    gly_str min = {range->min.data, range->min.size};
    gly_str max = {range->max.data, range->max.size};
    gly_str cut = {value.data, GLY_MIN(value.size, (size_t)TEXT_BYTES)};
    if (!range->has_values || gly_str_compare(cut, min) < 0 ||
        (range->is_min_cut && value.size == cut.size && gly_str_equal(cut, min))) {
        set(&range->min, cut.data, cut.size);
        range->is_min_cut = cut.size < value.size;
    }
    int order = range->has_values ? gly_str_compare(cut, max) : 1;
    if (order > 0) {
        set(&range->max, cut.data, cut.size);
        range->is_max_cut = cut.size < value.size;
    } else if (order == 0) {
        range->is_max_cut |= cut.size < value.size;
    }
    range->has_values = true;
}

void gly_parquet_statistics_add_text(gly_parquet_range *range, const gly_text *values,
                                     size_t count) {
    for (size_t i = 0; i < count; i++) {
        gly_parquet_statistics_add_bytes(range, gly_text_str(&values[i]));
    }
}

/* Makes cut text larger than everything that begins with it; false if that is not possible.
 * Shortens text to end in an ASCII character that has a successor. */
static bool round_up(char *text, size_t *size) {
    while (*size > 0) {
        unsigned char last = (unsigned char)text[*size - 1];
        if (last < 0x7f) {
            text[*size - 1]++;
            return true;
        }
        (*size)--;
    }
    return false;
}

/* Cut text must not end within a character. */
static size_t whole_characters(const char *text, size_t size) {
    size_t start = size;
    while (start > 0 && size - start < 4 && ((unsigned char)text[start - 1] & 0xc0) == 0x80) {
        start--;
    }
    if (start > 0 && ((unsigned char)text[start - 1] & 0xc0) == 0xc0) {
        return start - 1; /* the last character begins here, whole or not: without it is safe */
    }
    return size;
}

static void write_text(const gly_parquet_range *range, gly_thrift_writer *writer) {
    char text[TEXT_BYTES];
    size_t size = range->max.size;
    bool has_max = true;
    if (size > 0) {
        memcpy(text, range->max.data, size);
    }
    if (range->is_max_cut) {
        has_max = round_up(text, &size);
    }
    if (has_max) {
        gly_thrift_write_binary(writer, 5, (gly_str){text, size});
    }
    size_t min_size =
        range->is_min_cut ? whole_characters(range->min.data, range->min.size) : range->min.size;
    gly_thrift_write_binary(writer, 6, (gly_str){range->min.data, min_size});
    if (has_max) {
        gly_thrift_write_bool(writer, 7, !range->is_max_cut);
    }
    gly_thrift_write_bool(writer, 8, !range->is_min_cut);
}

static size_t fixed_bound(const gly_parquet_range *range, bool is_max, char *ret) {
    int64_t integer = is_max ? range->max_integer : range->min_integer;
    double number = is_max ? range->max_double : range->min_double;
    if (number == 0) {
        number = is_max ? 0.0 : -0.0;
    }
    int32_t narrow = (int32_t)integer;
    float single = (float)number;
    switch (range->physical) {
    case GLY_PARQUET_BOOLEAN:
        ret[0] = (char)integer;
        return 1;
    case GLY_PARQUET_INT32:
        memcpy(ret, &narrow, 4);
        return 4;
    case GLY_PARQUET_INT64:
        memcpy(ret, &integer, 8);
        return 8;
    case GLY_PARQUET_FLOAT:
        memcpy(ret, &single, 4);
        return 4;
    case GLY_PARQUET_DOUBLE:
        memcpy(ret, &number, 8);
        return 8;
    default:
        memcpy(ret, is_max ? range->max.data : range->min.data, range->width);
        return range->width;
    }
}

void gly_parquet_statistics_write(const gly_parquet_range *range, uint64_t null_count,
                                  gly_thrift_writer *writer) {
    gly_thrift_write_i64(writer, 3, (int64_t)null_count);
    if (range->has_values && range->physical == GLY_PARQUET_BYTE_ARRAY) {
        write_text(range, writer);
    } else if (range->has_values) {
        char bytes[16];
        size_t size = fixed_bound(range, true, bytes);
        gly_thrift_write_binary(writer, 5, (gly_str){bytes, size});
        size = fixed_bound(range, false, bytes);
        gly_thrift_write_binary(writer, 6, (gly_str){bytes, size});
        gly_thrift_write_bool(writer, 7, true);
        gly_thrift_write_bool(writer, 8, true);
    }
}
