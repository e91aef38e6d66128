/* key_columns.h - key columns made ready for hash tables: flat, dense, equal keys equal bytes. */
#ifndef GLY_KEY_COLUMNS_H
#define GLY_KEY_COLUMNS_H

#include "lib/data/batch.h"

/* The live rows of a key column as a FLAT column of `live` rows; floats normalised (-0.0 is 0.0,
 * one NaN).  The column itself if it is that already. */
void gly_key_columns_prepare(const gly_column *key, const uint16_t *selection, uint32_t live,
                             gly_arena *scratch, gly_column *ret);

#endif
