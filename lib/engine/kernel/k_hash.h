/* k_hash.h - 64-bit hashes of columns, for hash tables and partitions.
 *
 * hashes[i] belongs to the i-th live row: row selection[i], or row i without a selection.  Equal
 * values of one type hash equally in every shape (flat, constant, dictionary), on every machine and
 * in every process; -0.0 hashes as 0.0, all NaNs alike, NULL as GLY_HASH_NULL.  A DECIMAL of up to
 * 18 digits and a wider one are different kinds and never compared, so they need not agree.
 */
#ifndef GLY_K_HASH_H
#define GLY_K_HASH_H

#include "lib/data/column.h"

/* Writes count hashes; combine: mixes into what hashes holds already (the second key column and
 * those after it), else overwrites.  Thread-safe, allocates nothing of note. */
void gly_k_hash_column(const gly_column *column, const uint16_t *selection, uint32_t count,
                       uint64_t *hashes, bool combine);
/* All key columns: the first overwrites, the others combine.  No columns: all hashes are 0. */
void gly_k_hash_columns(const gly_column *columns, uint32_t column_count,
                        const uint16_t *selection, uint32_t count, uint64_t *hashes);

#endif
