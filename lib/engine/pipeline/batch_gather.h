/* batch_gather.h - small batches put together into one that is worth passing on.
 *
 * A reduce task behind many maps reads many pieces of a few rows; what comes after pays per batch.
 * One thread.
 */
#ifndef GLY_BATCH_GATHER_H
#define GLY_BATCH_GATHER_H

#include "lib/base/arena.h"
#include "lib/data/batch.h"

typedef struct gly_batch_gather gly_batch_gather;

gly_batch_gather *gly_batch_gather_make(const gly_type *types, uint32_t column_count);
void gly_batch_gather_free(gly_batch_gather *gather); /* accepts NULL */
void gly_batch_gather_reset(gly_batch_gather *gather);
uint32_t gly_batch_gather_rows(const gly_batch_gather *gather);
/* Copies the batch's live rows, long texts included; there must be room (GLY_BATCH_ROWS in all). */
void gly_batch_gather_append(gly_batch_gather *gather, const gly_batch *batch);
/* All rows since the reset; valid until the next reset or append. */
const gly_batch *gly_batch_gather_batch(gly_batch_gather *gather);

#endif
