/* batch.h - up to GLY_BATCH_ROWS rows: columns of equal count, and a selection of the live rows.
 *
 * The selection belongs to the batch: a filter writes one array of u16 positions (ascending) and
 * touches no column.  Columns always have `count` rows; the live ones are selection[0..selected),
 * or all when selection is NULL (then selected == count).
 *
 * Ownership: the pusher owns everything; valid until push returns; read-only downstream.
 */
#ifndef GLY_BATCH_H
#define GLY_BATCH_H

#include "lib/data/column.h"

#ifndef GLY_BATCH_ROWS
#define GLY_BATCH_ROWS 2048 /* the test build "vector2" sets 2 */
#endif

typedef struct gly_batch {
    uint32_t column_count;
    uint32_t count;    /* rows in every column */
    uint32_t selected; /* live rows */
    const uint16_t *selection; /* or NULL: all */
    gly_column *columns;
} gly_batch;

static inline uint32_t gly_batch_row(const gly_batch *batch, uint32_t live) {
    return batch->selection == NULL ? live : batch->selection[live];
}

/* An empty batch of flat columns of the given types; for tests and tools. */
gly_batch *gly_batch_make(gly_arena *arena, const gly_type *types, uint32_t column_count,
                          uint32_t capacity);

#endif
