/* sort_key.h - sort keys as order-preserving words: comparing rows is comparing integers.
 *
 *   | null byte | value, big endian, sign flipped, inverted if descending | null byte | value | ...
 *
 * read as at most GLY_SORT_KEY_WORDS 64-bit numbers, the first one most significant.  The null byte
 * is left out for keys that are never NULL.  What does not fit, and everything behind a text (of
 * which only a prefix is kept), has to be compared as values: is_exact and first_inexact say so.
 */
#ifndef GLY_SORT_KEY_H
#define GLY_SORT_KEY_H

#include "lib/data/row_layout.h"

enum { GLY_SORT_KEY_WORDS = 4 };

typedef struct gly_sort_key_part {
    gly_type type;
    bool descending, nulls_first, nullable;
    uint32_t column; /* the owner's: where the value lies */
    uint32_t offset; /* of the null byte or value, in bytes */
    uint32_t width;  /* bytes of the value that are encoded; 0: none */
} gly_sort_key_part;

typedef struct gly_sort_key_layout {
    uint32_t part_count;
    gly_sort_key_part *parts;
    uint32_t words;
    bool is_exact;          /* equal words are equal keys */
    uint32_t first_inexact; /* the first part whose equality words do not show */
} gly_sort_key_layout;

/* parts: type, descending, nulls_first, nullable and column are set; the rest is decided here. */
void gly_sort_key_layout_make(gly_sort_key_part *parts, uint32_t part_count,
                              gly_sort_key_layout *ret);
/* Element i is row positions[i] (NULL: i) of columns[part->column]; its words go to
 * ret[i * stride ...].  Any column shape. */
void gly_sort_key_encode(const gly_sort_key_layout *layout, const gly_column *columns,
                         const uint16_t *positions, uint32_t count, uint64_t *ret, uint32_t stride);
/* Compares two rows by the parts from first_inexact on. */
int gly_sort_key_compare(const gly_sort_key_layout *layout, const gly_row_layout *rows,
                         const uint8_t *a, const uint8_t *b);

#endif
