/* column.h - a vector of values of one type in one of three shapes, with a validity bitmap.
 *
 *   FLAT        data[count]
 *   CONSTANT    data[1], meant count times; validity bit 0 says whether it is NULL
 *   DICTIONARY  data[dictionary_count], codes[count]; validity is per ROW (not per entry), and the
 *               code of a NULL row is a valid index (0 is fine when dictionary_count > 0)
 *
 * data is 64-byte aligned with 64 readable bytes behind the last value (kernels may over-read).
 * validity is LSB first, 1 = valid, 64-bit words; NULL = no nulls.  Values under a null are
 * initialised (any value), so that kernels may compute them.
 *
 * Ownership: a column is a view.  Its memory belongs to whoever pushed the batch and is valid until
 * that push returns (lib/data/README.md).  Nothing downstream may write into it.
 */
#ifndef GLY_COLUMN_H
#define GLY_COLUMN_H

#include "lib/data/text.h"
#include "lib/data/type.h"
#include "lib/data/value.h"

typedef enum gly_shape { GLY_SHAPE_FLAT, GLY_SHAPE_CONSTANT, GLY_SHAPE_DICTIONARY } gly_shape;

typedef struct gly_column {
    gly_type type;
    uint8_t shape;     /* gly_shape */
    uint32_t count;    /* rows */
    void *data;        /* values of gly_type_kind(type) */
    uint64_t *validity; /* or NULL */
    uint32_t *codes;   /* DICTIONARY only */
    uint32_t dictionary_count;
    uint64_t dictionary_id; /* equal ids mean the same dictionary; 0 = unknown */
} gly_column;

static inline size_t gly_column_words(size_t count) { return (count + 63) / 64; }
static inline bool gly_bit_get(const uint64_t *bits, size_t index) {
    return (bits[index >> 6] >> (index & 63)) & 1;
}
static inline void gly_bit_set(uint64_t *bits, size_t index) {
    bits[index >> 6] |= UINT64_C(1) << (index & 63);
}
static inline void gly_bit_clear(uint64_t *bits, size_t index) {
    bits[index >> 6] &= ~(UINT64_C(1) << (index & 63));
}
static inline bool gly_column_valid(const gly_column *column, uint32_t row) {
    return column->validity == NULL ||
           gly_bit_get(column->validity, column->shape == GLY_SHAPE_CONSTANT ? 0 : row);
}
/* Where row's value lies in data. */
static inline uint32_t gly_column_index(const gly_column *column, uint32_t row) {
    return column->shape == GLY_SHAPE_FLAT       ? row
           : column->shape == GLY_SHAPE_CONSTANT ? 0
                                                 : column->codes[row];
}

/* One row as a value; text is not copied. */
gly_value gly_column_get(const gly_column *column, uint32_t row);
/* A FLAT copy in the arena of the selected rows (selection NULL: rows 0 to count-1).  Text is NOT
 * copied (views stay), so it lives as long as the source's bytes. */
void gly_column_flatten(gly_arena *arena, const gly_column *column, const uint16_t *selection,
                        uint32_t count, gly_column *ret);
/* A CONSTANT column holding value count times; memory in the arena. */
void gly_column_constant(gly_arena *arena, const gly_value *value, uint32_t count,
                         gly_column *ret);
/* An empty FLAT column with room for capacity values, no validity. */
void gly_column_make_flat(gly_arena *arena, gly_type type, uint32_t capacity, gly_column *ret);
/* Gives column an all-valid bitmap for capacity rows if it has none. */
void gly_column_need_validity(gly_arena *arena, gly_column *column, uint32_t capacity);
/* Writes value into a FLAT column at row (needs validity if it is null). */
void gly_column_set(gly_arena *arena, gly_column *column, uint32_t row, const gly_value *value);

#endif
