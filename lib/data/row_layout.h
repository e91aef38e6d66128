/* row_layout.h - batches as fixed-width rows: what hash tables, joins and sorts keep.
 *
 *   | header (the owner's) | values, widest first | null bits | tail (the owner's), 8-aligned |
 *
 * A text value is its 16-byte view; long bytes lie in the row store's heap.  A set null bit means
 * NULL (so a zeroed row has no nulls).  Row sizes are multiples of 8.
 *
 * The functions here run one column at a time over many rows; `rows[i]` belongs to element i, and
 * element i is row positions[i] of the column (positions NULL: row i).  Any column shape is read.
 */
#ifndef GLY_ROW_LAYOUT_H
#define GLY_ROW_LAYOUT_H

#include "lib/data/batch.h"

typedef struct gly_row_layout {
    uint32_t column_count;
    gly_type *types;
    uint8_t *kinds; /* gly_kind */
    uint32_t *offsets;
    uint32_t null_offset;
    uint32_t tail_offset;
    uint32_t row_size;
    bool has_text;
} gly_row_layout;

/* Arrays belong to the arena. */
void gly_row_layout_make(gly_arena *arena, uint32_t header_size, const gly_type *types,
                         uint32_t column_count, uint32_t tail_size, gly_row_layout *ret);

static inline bool gly_row_layout_is_null(const gly_row_layout *layout, uint32_t column,
                                          const uint8_t *row) {
    return (row[layout->null_offset + (column >> 3)] >> (column & 7)) & 1;
}
static inline void gly_row_layout_set_null(const gly_row_layout *layout, uint32_t column,
                                           uint8_t *row) {
    row[layout->null_offset + (column >> 3)] |= (uint8_t)(1u << (column & 7));
}

/* Where element i's value lies in column->data, for all i; NULL when that is i itself.  buffer has
 * room for count. */
const uint32_t *gly_row_layout_index(const gly_column *column, const uint16_t *positions,
                                     uint32_t count, uint32_t *buffer);

/* Writes a column into rows, text as views of the column's own bytes (the row store copies them:
 * gly_row_store_put).  Rows' null bits must be 0.  Returns whether any value was NULL. */
bool gly_row_layout_scatter(const gly_row_layout *layout, uint32_t c, const gly_column *column,
                            const uint16_t *positions, uint32_t count, uint8_t *const *rows);

/* Reads column c of rows into a FLAT column that has room; element i goes to row positions[i]
 * (NULL: i).  may_be_null false skips the null bits.  validity_buffer (words for ret->count rows)
 * becomes ret->validity if a NULL was met, which then holds 1 for all rows not written. */
void gly_row_layout_gather(const gly_row_layout *layout, uint32_t c, const uint8_t *const *rows,
                           const uint16_t *positions, uint32_t count, bool may_be_null,
                           uint64_t *validity_buffer, gly_column *ret);

/* Keeps in chosen[] the elements whose value equals the row's (NULL equals NULL), appends the
 * others to missed[] (*missed_count is updated), returns how many are left.  chosen holds element
 * numbers: element e's row is rows[e]. */
uint32_t gly_row_layout_match(const gly_row_layout *layout, uint32_t c, const gly_column *column,
                              const uint32_t *index, const uint16_t *positions,
                              uint8_t *const *rows, bool may_be_null, uint16_t *chosen,
                              uint32_t chosen_count, uint16_t *missed, uint32_t *missed_count);

#endif
