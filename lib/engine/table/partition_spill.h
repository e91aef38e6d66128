/* partition_spill.h - rows on disk by partition: what an aggregation or a join could not keep.
 *
 * Each partition has a block being filled; full blocks go to the end of one spill file, and a list
 * of extents per partition says where.  One thread appends; after seal any number of threads read.
 */
#ifndef GLY_PARTITION_SPILL_H
#define GLY_PARTITION_SPILL_H

#include "lib/data/batch.h"
#include "lib/engine/op/operator.h"

typedef struct gly_partition_spill gly_partition_spill;
typedef struct gly_partition_reader gly_partition_reader;

enum {
    GLY_PARTITION_SPILL_BITS = 5,
    GLY_PARTITION_SPILL_COUNT = 32,
    GLY_PARTITION_SPILL_LEVELS = 8
};

/* Which partition a row hash belongs to.  Levels use different bits: a partition too large for
 * memory is split again by the next level. */
static inline uint32_t gly_partition_spill_of(uint64_t hash, uint32_t level) {
    return (uint32_t)(hash >> (43 - 5 * level)) & (GLY_PARTITION_SPILL_COUNT - 1);
}

/* types are copied.  Memory for blocks is forced from budget: a fraction of what it has. */
GLY_NODISCARD gly_status gly_partition_spill_make(gly_task_state *task, gly_budget *budget,
                                                  const gly_type *types, uint32_t column_count,
                                                  uint32_t partition_count,
                                                  gly_partition_spill **ret, gly_error *err);
void gly_partition_spill_free(gly_partition_spill *spill); /* accepts NULL */
/* Copies rows positions[0..row_count) of the batch's columns. */
GLY_NODISCARD gly_status gly_partition_spill_append(gly_partition_spill *spill, uint32_t partition,
                                                    const gly_batch *batch,
                                                    const uint16_t *positions, uint32_t row_count,
                                                    gly_error *err);
/* The batch's live rows to their partitions; hashes[i] belongs to the i-th live row. */
GLY_NODISCARD gly_status gly_partition_spill_scatter(gly_partition_spill *spill,
                                                     const gly_batch *batch, const uint64_t *hashes,
                                                     uint32_t level, gly_error *err);
/* Writes out what is in the blocks and frees them. */
GLY_NODISCARD gly_status gly_partition_spill_seal(gly_partition_spill *spill, gly_error *err);
uint64_t gly_partition_spill_rows(const gly_partition_spill *spill, uint32_t partition);

/* Reads a partition from its start, in the order of appending. */
gly_partition_reader *gly_partition_reader_make(const gly_partition_spill *spill,
                                                uint32_t partition);
void gly_partition_reader_free(gly_partition_reader *reader); /* accepts NULL */
/* NULL at the end; valid until the next call.  CANCELLED when the task is. */
GLY_NODISCARD gly_status gly_partition_reader_next(gly_partition_reader *reader,
                                                   const gly_batch **ret, gly_error *err);

#endif
