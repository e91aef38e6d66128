/* sort_key.c - values to bytes whose order is the order of the values.
 *
 * Spark's order: NaN is the largest double and equal to itself, -0.0 equals 0.0, text is compared
 * bytewise, NULLs go where the query says, whatever the direction.
 * Invariant: words compare as the keys do, or are equal while the keys are not (then not is_exact).
 */
#include "lib/data/sort_key.h"

enum { TEXT_PREFIX = 23 }; /* with the null byte: three words */

static uint32_t value_width(gly_type type) {
    switch (gly_type_kind(type)) {
    case GLY_KIND_I8:
        return 1;
    case GLY_KIND_I16:
        return 2;
    case GLY_KIND_I32:
    case GLY_KIND_F32:
        return 4;
    case GLY_KIND_I128:
        return 16;
    case GLY_KIND_TEXT:
        return TEXT_PREFIX;
    default:
        return 8;
    }
}

void gly_sort_key_layout_make(gly_sort_key_part *parts, uint32_t part_count,
                              gly_sort_key_layout *ret) {
    gly_sort_key_layout layout = {.part_count = part_count, .parts = parts, .is_exact = true};
    uint32_t at = 0;
    layout.first_inexact = part_count;
    for (uint32_t i = 0; i < part_count; i++) {
        gly_sort_key_part *part = &parts[i];
        uint32_t null_size = part->nullable ? 1 : 0;
        uint32_t room = GLY_SORT_KEY_WORDS * 8 - at;
        part->offset = at;
        part->width = 0;
        if (!layout.is_exact || room <= null_size) {
            layout.first_inexact = GLY_MIN(layout.first_inexact, i);
            layout.is_exact = false;
            continue;
        }
        bool is_text = gly_type_kind(part->type) == GLY_KIND_TEXT;
        uint32_t whole = value_width(part->type);
        /* Half a number would do, but only text is worth it. */
        part->width = is_text ? GLY_MIN(whole, room - null_size) : whole;
        if (part->width + null_size > room) {
            part->width = 0;
            layout.first_inexact = i;
            layout.is_exact = false;
            continue;
        }
        at += null_size + part->width;
        if (is_text) {
            layout.first_inexact = i;
            layout.is_exact = false;
        }
    }
    layout.words = GLY_MAX((at + 7) / 8, 1u);
    *ret = layout;
}

/* Puts the low `width` bytes of value at byte `offset`. */
static inline void put_bytes(uint64_t *words, uint32_t offset, uint32_t width, uint64_t value) {
    uint32_t word = offset / 8;
    uint32_t end = offset % 8 + width; /* in bytes from the word's start */
    if (end <= 8) {
        words[word] |= value << (8 * (8 - end));
    } else {
        words[word] |= value >> (8 * (end - 8));
        words[word + 1] |= value << (8 * (16 - end));
    }
}

static inline uint64_t flip_f64(double value) {
    uint64_t bits;
    value = value == 0 ? 0 : value;
    if (value != value) {
        return UINT64_MAX;
    }
    memcpy(&bits, &value, sizeof bits);
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static inline uint64_t flip_f32(float value) {
    uint32_t bits;
    value = value == 0 ? 0 : value;
    if (value != value) {
        return UINT32_MAX;
    }
    memcpy(&bits, &value, sizeof bits);
    return bits >> 31 ? (uint32_t)~bits : bits | UINT32_C(1) << 31;
}

typedef struct input {
    const gly_sort_key_part *part;
    const gly_column *column;
    const uint16_t *positions;
    const uint32_t *index;
    uint32_t count, stride, value_offset;
    uint64_t mask; /* of the value's bytes, all ones if descending */
    uint64_t *out;
} input;

static inline bool is_null(const input *in, uint32_t i) {
    return in->column->type.id == GLY_TYPE_NULL ||
           !gly_column_valid(in->column, in->positions == NULL ? i : in->positions[i]);
}

static void encode_nulls(const input *in) {
    const uint64_t null = in->part->nulls_first ? 0 : 2;
    bool has_nulls = in->column->validity != NULL || in->column->type.id == GLY_TYPE_NULL;
    for (uint32_t i = 0; i < in->count; i++) {
        put_bytes(in->out + (size_t)i * in->stride, in->part->offset, 1,
                  has_nulls && is_null(in, i) ? null : 1);
    }
}

static void encode_text(const input *in) {
    const gly_text *data = in->column->data;
    const uint32_t width = in->part->width;
    for (uint32_t i = 0; i < in->count; i++) {
        if (in->column->validity != NULL && is_null(in, i)) {
            continue;
        }
        const gly_text *text = &data[in->index == NULL ? i : in->index[i]];
        uint64_t words[3] = {0};
        memcpy(words, gly_text_data(text), GLY_MIN(text->size, width));
        uint64_t *out = in->out + (size_t)i * in->stride;
        for (uint32_t at = 0; at < width; at += 8) {
            uint32_t size = GLY_MIN(width - at, 8u);
            uint64_t value = (__builtin_bswap64(words[at / 8]) ^ in->mask) >> (8 * (8 - size));
            put_bytes(out, in->value_offset + at, size, value);
        }
    }
}

static void encode_i128(const input *in) {
    for (uint32_t i = 0; i < in->count; i++) {
        if (in->column->validity != NULL && is_null(in, i)) {
            continue;
        }
        gly_u128 value;
        size_t at = in->index == NULL ? i : in->index[i];
        memcpy(&value, (const char *)in->column->data + at * 16, 16);
        uint64_t *out = in->out + (size_t)i * in->stride;
        uint64_t high = (uint64_t)(value >> 64) ^ (UINT64_C(1) << 63) ^ in->mask;
        put_bytes(out, in->value_offset, 8, high);
        put_bytes(out, in->value_offset + 8, 8, (uint64_t)value ^ in->mask);
    }
}

static void encode_values(const input *in) {
    const void *data = in->column->data;
    const uint32_t width = in->part->width;
    const uint64_t ones = width == 8 ? UINT64_MAX : (UINT64_C(1) << (8 * width)) - 1;
    const uint64_t invert = in->mask & ones;
#define ENCODE(kind, type, expression)                                                             \
    case kind:                                                                                     \
        for (uint32_t i = 0; i < in->count; i++) {                                                 \
            if (in->column->validity != NULL && is_null(in, i)) {                                  \
                continue;                                                                          \
            }                                                                                      \
            const type value = ((const type *)data)[in->index == NULL ? i : in->index[i]];         \
            put_bytes(in->out + (size_t)i * in->stride, in->value_offset, width,                   \
                      ((expression)&ones) ^ invert);                                               \
        }                                                                                          \
        break;
    switch (gly_type_kind(in->column->type)) {
        ENCODE(GLY_KIND_I8, int8_t, (uint64_t)(uint8_t)value ^ 0x80)
        ENCODE(GLY_KIND_I16, int16_t, (uint64_t)(uint16_t)value ^ 0x8000)
        ENCODE(GLY_KIND_I32, int32_t, (uint64_t)(uint32_t)value ^ 0x80000000u)
        ENCODE(GLY_KIND_I64, int64_t, (uint64_t)value ^ (UINT64_C(1) << 63))
        ENCODE(GLY_KIND_F32, float, flip_f32(value))
        ENCODE(GLY_KIND_F64, double, flip_f64(value))
    default:
        break;
    }
#undef ENCODE
}

void gly_sort_key_encode(const gly_sort_key_layout *layout, const gly_column *columns,
                         const uint16_t *positions, uint32_t count, uint64_t *ret,
                         uint32_t stride) {
    uint32_t buffer[GLY_BATCH_ROWS];
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t w = 0; w < layout->words; w++) {
            ret[(size_t)i * stride + w] = 0;
        }
    }
    for (uint32_t p = 0; p < layout->part_count; p++) {
        const gly_sort_key_part *part = &layout->parts[p];
        if (part->width == 0) {
            continue;
        }
        input in = {.part = part,
                    .column = &columns[part->column],
                    .positions = positions,
                    .count = count,
                    .stride = stride,
                    .out = ret};
        in.value_offset = part->offset + (part->nullable ? 1 : 0);
        in.mask = part->descending ? UINT64_MAX : 0;
        if (part->nullable) {
            encode_nulls(&in);
        }
        if (in.column->type.id == GLY_TYPE_NULL ||
            (in.column->shape == GLY_SHAPE_DICTIONARY && in.column->dictionary_count == 0)) {
            continue;
        }
        in.index = gly_row_layout_index(in.column, positions, count, buffer);
        switch (gly_type_kind(part->type)) {
        case GLY_KIND_TEXT:
            encode_text(&in);
            break;
        case GLY_KIND_I128:
            encode_i128(&in);
            break;
        default:
            encode_values(&in);
            break;
        }
    }
}

static int compare_values(gly_kind kind, const uint8_t *a, const uint8_t *b) {
#define ORDER(x, y) (((x) > (y)) - ((x) < (y)))
#define COMPARE(name, type)                                                                        \
    case GLY_KIND_##name: {                                                                        \
        type x, y;                                                                                 \
        memcpy(&x, a, sizeof x);                                                                   \
        memcpy(&y, b, sizeof y);                                                                   \
        return ORDER(x, y);                                                                        \
    }
    switch (kind) {
        COMPARE(I8, int8_t)
        COMPARE(I16, int16_t)
        COMPARE(I32, int32_t)
        COMPARE(I64, int64_t)
        COMPARE(I128, gly_i128)
    case GLY_KIND_F32: {
        float x, y;
        memcpy(&x, a, sizeof x);
        memcpy(&y, b, sizeof y);
        return ORDER(flip_f32(x), flip_f32(y));
    }
    case GLY_KIND_F64: {
        double x, y;
        memcpy(&x, a, sizeof x);
        memcpy(&y, b, sizeof y);
        return ORDER(flip_f64(x), flip_f64(y));
    }
    case GLY_KIND_TEXT:
        return gly_text_compare((const gly_text *)(const void *)a,
                                (const gly_text *)(const void *)b);
    case GLY_KIND_COUNT:
        break;
    }
    return 0;
#undef COMPARE
#undef ORDER
}

int gly_sort_key_compare(const gly_sort_key_layout *layout, const gly_row_layout *rows,
                         const uint8_t *a, const uint8_t *b) {
    for (uint32_t p = layout->first_inexact; p < layout->part_count; p++) {
        const gly_sort_key_part *part = &layout->parts[p];
        bool null_a = gly_row_layout_is_null(rows, part->column, a);
        bool null_b = gly_row_layout_is_null(rows, part->column, b);
        if (null_a || null_b) {
            if (null_a != null_b) {
                return null_a == part->nulls_first ? -1 : 1;
            }
            continue;
        }
        uint32_t offset = rows->offsets[part->column];
        int order = compare_values((gly_kind)rows->kinds[part->column], a + offset, b + offset);
        if (order != 0) {
            return part->descending ? -order : order;
        }
    }
    return 0;
}
