/* column.c - reading, flattening and building columns, one value at a time where speed is not
 * asked.
 *
 * The hot paths are kernels (lib/engine/kernel); this is what borders, tests and slow paths use.
 * Invariant: every buffer made here is 64-byte aligned with readable padding behind, and values
 * under a NULL are initialised.
 */
#include "lib/data/column.h"

static void *make_data(gly_arena *arena, size_t width, uint32_t capacity) {
    return gly_arena_alloc_aligned(arena, width * GLY_MAX(capacity, 1u));
}

static uint64_t *make_validity(gly_arena *arena, uint32_t capacity, bool valid) {
    size_t size = gly_column_words(GLY_MAX(capacity, 1u)) * sizeof(uint64_t);
    uint64_t *validity = gly_arena_alloc_aligned(arena, size);
    memset(validity, valid ? 0xff : 0, size);
    return validity;
}

static gly_value read_value(gly_type type, const void *data, uint32_t index) {
    gly_value value;
    memset(&value, 0, sizeof value);
    value.type = type;
    switch (gly_type_kind(type)) {
    case GLY_KIND_I8:
        value.i64 = ((const int8_t *)data)[index];
        break;
    case GLY_KIND_I16:
        value.i64 = ((const int16_t *)data)[index];
        break;
    case GLY_KIND_I32:
        value.i64 = ((const int32_t *)data)[index];
        break;
    case GLY_KIND_I64:
        value.i64 = ((const int64_t *)data)[index];
        break;
    case GLY_KIND_I128:
        memcpy(&value.i128, (const char *)data + (size_t)index * 16, 16);
        break;
    case GLY_KIND_F32:
        value.f64 = (double)((const float *)data)[index];
        break;
    case GLY_KIND_F64:
        value.f64 = ((const double *)data)[index];
        break;
    case GLY_KIND_TEXT:
        value.text = gly_text_str(&((const gly_text *)data)[index]);
        break;
    case GLY_KIND_COUNT:
        break;
    }
    return value;
}

static void write_value(const gly_value *value, void *data, uint32_t index) {
    switch (gly_type_kind(value->type)) {
    case GLY_KIND_I8:
        ((int8_t *)data)[index] = (int8_t)value->i64;
        break;
    case GLY_KIND_I16:
        ((int16_t *)data)[index] = (int16_t)value->i64;
        break;
    case GLY_KIND_I32:
        ((int32_t *)data)[index] = (int32_t)value->i64;
        break;
    case GLY_KIND_I64:
        ((int64_t *)data)[index] = value->i64;
        break;
    case GLY_KIND_I128:
        memcpy((char *)data + (size_t)index * 16, &value->i128, 16);
        break;
    case GLY_KIND_F32:
        ((float *)data)[index] = (float)value->f64;
        break;
    case GLY_KIND_F64:
        ((double *)data)[index] = value->f64;
        break;
    case GLY_KIND_TEXT:
        ((gly_text *)data)[index] =
            gly_text_make(value->text.size == 0 ? "" : value->text.data, value->text.size);
        break;
    case GLY_KIND_COUNT:
        break;
    }
}

gly_value gly_column_get(const gly_column *column, uint32_t row) {
    if (column->type.id == GLY_TYPE_NULL || !gly_column_valid(column, row)) {
        return gly_value_null(column->type);
    }
    return read_value(column->type, column->data, gly_column_index(column, row));
}

/* The loops of one width: the shape is looked at once, not per row. */
#define GATHER(bytes, type)                                                                        \
    static void gather##bytes(const gly_column *column, const uint16_t *selection,                \
                              uint32_t count, void *out) {                                         \
        const type *restrict from = column->data;                                                  \
        const uint32_t *restrict codes = column->codes;                                            \
        type *restrict to = out;                                                                   \
        if (column->shape == GLY_SHAPE_CONSTANT) {                                                 \
            for (uint32_t i = 0; i < count; i++) {                                                 \
                to[i] = from[0];                                                                   \
            }                                                                                      \
        } else if (column->shape == GLY_SHAPE_DICTIONARY && selection == NULL) {                   \
            for (uint32_t i = 0; i < count; i++) {                                                 \
                to[i] = from[codes[i]];                                                            \
            }                                                                                      \
        } else if (column->shape == GLY_SHAPE_DICTIONARY) {                                        \
            for (uint32_t i = 0; i < count; i++) {                                                 \
                to[i] = from[codes[selection[i]]];                                                 \
            }                                                                                      \
        } else if (selection == NULL) {                                                            \
            memcpy(to, from, (size_t)count * sizeof *to);                                          \
        } else {                                                                                   \
            for (uint32_t i = 0; i < count; i++) {                                                 \
                to[i] = from[selection[i]];                                                        \
            }                                                                                      \
        }                                                                                          \
    }

typedef struct bytes16 {
    uint64_t words[2];
} bytes16;

GATHER(1, uint8_t)
GATHER(2, uint16_t)
GATHER(4, uint32_t)
GATHER(8, uint64_t)
GATHER(16, bytes16)

static void gather(const gly_column *column, const uint16_t *selection, uint32_t count,
                   size_t width, void *out) {
    switch (width) {
    case 1:
        gather1(column, selection, count, out);
        return;
    case 2:
        gather2(column, selection, count, out);
        return;
    case 4:
        gather4(column, selection, count, out);
        return;
    case 8:
        gather8(column, selection, count, out);
        return;
    default:
        gather16(column, selection, count, out);
        return;
    }
}

void gly_column_flatten(gly_arena *arena, const gly_column *column, const uint16_t *selection,
                        uint32_t count, gly_column *ret) {
    size_t width = gly_type_width(column->type);
    gly_column flat = {.type = column->type, .shape = GLY_SHAPE_FLAT, .count = count};
    flat.data = make_data(arena, width, count);
    bool has_values = column->shape != GLY_SHAPE_DICTIONARY || column->dictionary_count > 0;
    if (has_values && count > 0) {
        gather(column, selection, count, width, flat.data);
    } else {
        memset(flat.data, 0, width * count);
    }
    if (column->validity != NULL) {
        if (column->shape == GLY_SHAPE_CONSTANT) {
            if (!gly_bit_get(column->validity, 0)) {
                flat.validity = make_validity(arena, count, false);
            }
        } else if (selection == NULL) {
            flat.validity = make_validity(arena, count, true);
            memcpy(flat.validity, column->validity, gly_column_words(count) * sizeof(uint64_t));
        } else {
            flat.validity = make_validity(arena, count, false);
            for (uint32_t i = 0; i < count; i++) {
                flat.validity[i >> 6] |= (uint64_t)gly_bit_get(column->validity, selection[i])
                                         << (i & 63);
            }
        }
    }
    *ret = flat;
}

void gly_column_constant(gly_arena *arena, const gly_value *value, uint32_t count,
                         gly_column *ret) {
    gly_column column = {.type = value->type, .shape = GLY_SHAPE_CONSTANT, .count = count};
    column.data = make_data(arena, gly_type_width(value->type), 1);
    memset(column.data, 0, gly_type_width(value->type));
    if (value->is_null || value->type.id == GLY_TYPE_NULL) {
        column.validity = make_validity(arena, 1, false);
    } else {
        gly_value copy = *value;
        if (gly_type_is_text(value->type) && value->text.size > GLY_TEXT_INLINE) {
            copy.text = gly_arena_str(arena, value->text);
        }
        write_value(&copy, column.data, 0);
    }
    *ret = column;
}

void gly_column_make_flat(gly_arena *arena, gly_type type, uint32_t capacity, gly_column *ret) {
    gly_column column = {.type = type, .shape = GLY_SHAPE_FLAT};
    column.data = make_data(arena, gly_type_width(type), capacity);
    memset(column.data, 0, gly_type_width(type) * capacity);
    *ret = column;
}

void gly_column_need_validity(gly_arena *arena, gly_column *column, uint32_t capacity) {
    if (column->validity == NULL) {
        column->validity = make_validity(arena, capacity, true);
    }
}

void gly_column_set(gly_arena *arena, gly_column *column, uint32_t row, const gly_value *value) {
    GLY_ASSERT(column->shape == GLY_SHAPE_FLAT);
    if (value->is_null) {
        /* generous: rows after this one find room too */
        gly_column_need_validity(arena, column, GLY_MAX(GLY_MAX(column->count, row + 1), 2048u));
        gly_bit_clear(column->validity, row);
        gly_value zero = {.type = column->type};
        write_value(&zero, column->data, row);
        return;
    }
    if (column->validity != NULL) {
        gly_bit_set(column->validity, row);
    }
    write_value(value, column->data, row);
}
