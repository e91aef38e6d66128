/* k_hash.c - one 64-bit hash for each live row of a column, mixed over the key columns.
 *
 * Every value is first made an integer that is equal for equal values (sign-extended, floats
 * normalised), then mixed by gly_hash_u64; text goes through XXH3, except that inline text (up to
 * 12 bytes) is hashed as its two words.  A dictionary is hashed per entry when it is smaller than
 * the rows that use it.  Invariant: the hash depends on the value only, never on shape or
 * position.
 */
#include "lib/engine/kernel/k_hash.h"

#include "lib/base/hash.h"
#include "lib/data/batch.h"
#include "lib/engine/kernel/kernel.h"

#include <math.h>

static inline uint64_t hash_f64(double value) {
    uint64_t bits;
    value = value == 0 ? 0 : value;
    memcpy(&bits, &value, 8);
    return gly_hash_u64(isnan(value) ? UINT64_C(0x7ff8000000000000) : bits);
}

static inline uint64_t hash_i128(gly_i128 value) {
    return gly_hash_combine(gly_hash_u64((uint64_t)value),
                            gly_hash_u64((uint64_t)((gly_u128)value >> 64)));
}

static inline uint64_t hash_text(const gly_text *text) {
    if (text->size <= GLY_TEXT_INLINE) {
        uint64_t words[2];
        memcpy(words, text, 16);
        return gly_hash_combine(gly_hash_u64(words[0]), gly_hash_u64(words[1]));
    }
    return gly_hash_bytes(text->pointer, text->size);
}

#define HASH_INTEGER(value) gly_hash_u64((uint64_t)(int64_t)(value))
#define HASH_F32(value) hash_f64((double)(value))
#define HASH_TEXT(value) hash_text(&(value))

/* out[i] = hash of data[at(i)] */
#define HASH_LOOPS(type, HASH)                                                                     \
    do {                                                                                           \
        const type *restrict values = data;                                                        \
        if (selection == NULL) {                                                                   \
            for (uint32_t i = 0; i < count; i++) {                                                 \
                out[i] = HASH(values[i]);                                                          \
            }                                                                                      \
        } else {                                                                                   \
            for (uint32_t i = 0; i < count; i++) {                                                 \
                out[i] = HASH(values[selection[i]]);                                               \
            }                                                                                      \
        }                                                                                          \
    } while (0)

GLY_KERNEL_CLONES
static void hash_values(gly_kind kind, const void *data, const uint16_t *selection, uint32_t count,
                        uint64_t *restrict out) {
    switch (kind) {
    case GLY_KIND_I8:
        HASH_LOOPS(int8_t, HASH_INTEGER);
        break;
    case GLY_KIND_I16:
        HASH_LOOPS(int16_t, HASH_INTEGER);
        break;
    case GLY_KIND_I32:
        HASH_LOOPS(int32_t, HASH_INTEGER);
        break;
    case GLY_KIND_I64:
        HASH_LOOPS(int64_t, HASH_INTEGER);
        break;
    case GLY_KIND_I128:
        HASH_LOOPS(gly_i128, hash_i128);
        break;
    case GLY_KIND_F32:
        HASH_LOOPS(float, HASH_F32);
        break;
    case GLY_KIND_F64:
        HASH_LOOPS(double, hash_f64);
        break;
    case GLY_KIND_TEXT:
        HASH_LOOPS(gly_text, HASH_TEXT);
        break;
    case GLY_KIND_COUNT:
        GLY_UNREACHABLE();
    }
}

/* Value by value through the codes; for dictionaries larger than the batch. */
static void hash_codes(const gly_column *column, const uint16_t *selection, uint32_t count,
                       uint64_t *out) {
    gly_kind kind = gly_type_kind(column->type);
    size_t width = gly_kind_width(kind);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t code = column->codes[selection == NULL ? i : selection[i]];
        hash_values(kind, (const char *)column->data + code * width, NULL, 1, &out[i]);
    }
}

static void hash_dictionary(const gly_column *column, const uint16_t *selection, uint32_t count,
                            uint64_t *out) {
    uint64_t entries[GLY_BATCH_ROWS];
    if (column->dictionary_count == 0) {
        memset(out, 0, count * sizeof *out); /* all rows are NULL */
        return;
    }
    if (column->dictionary_count > GLY_MIN(count, (uint32_t)GLY_BATCH_ROWS)) {
        hash_codes(column, selection, count, out);
        return;
    }
    hash_values(gly_type_kind(column->type), column->data, NULL, column->dictionary_count,
                entries);
    for (uint32_t i = 0; i < count; i++) {
        out[i] = entries[column->codes[selection == NULL ? i : selection[i]]];
    }
}

static void put_nulls(const uint64_t *validity, const uint16_t *selection, uint32_t count,
                      uint64_t *out) {
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = selection == NULL ? i : selection[i];
        out[i] = gly_bit_get(validity, row) ? out[i] : GLY_HASH_NULL;
    }
}

static void hash_piece(const gly_column *column, const uint16_t *selection, uint32_t count,
                       uint64_t *out) {
    if (column->shape == GLY_SHAPE_CONSTANT) {
        uint64_t one = GLY_HASH_NULL;
        if (gly_column_valid(column, 0)) {
            hash_values(gly_type_kind(column->type), column->data, NULL, 1, &one);
        }
        for (uint32_t i = 0; i < count; i++) {
            out[i] = one;
        }
        return;
    }
    if (column->shape == GLY_SHAPE_DICTIONARY) {
        hash_dictionary(column, selection, count, out);
    } else {
        hash_values(gly_type_kind(column->type), column->data, selection, count, out);
    }
    if (column->validity != NULL) {
        put_nulls(column->validity, selection, count, out);
    }
}

void gly_k_hash_column(const gly_column *column, const uint16_t *selection, uint32_t count,
                       uint64_t *hashes, bool combine) {
    if (!combine) {
        hash_piece(column, selection, count, hashes);
        return;
    }
    uint64_t own[GLY_BATCH_ROWS];
    GLY_ASSERT(count <= GLY_BATCH_ROWS);
    hash_piece(column, selection, count, own);
    for (uint32_t i = 0; i < count; i++) {
        hashes[i] = gly_hash_combine(hashes[i], own[i]);
    }
}

void gly_k_hash_columns(const gly_column *columns, uint32_t column_count,
                        const uint16_t *selection, uint32_t count, uint64_t *hashes) {
    if (column_count == 0) {
        memset(hashes, 0, count * sizeof *hashes);
    }
    for (uint32_t i = 0; i < column_count; i++) {
        gly_k_hash_column(&columns[i], selection, count, hashes, i > 0);
    }
}
