/* block_store.h - partitions of cached tables on one executor: compressed blocks, in memory or on
 * disk.
 *
 * What the executor's budget does not allow goes to disk; and when tasks need the memory, the least
 * recently used partitions follow (gly_block_store_reclaim is the budget's hook).  Thread-safe.
 */
#ifndef GLY_BLOCK_STORE_H
#define GLY_BLOCK_STORE_H

#include "lib/base/budget.h"
#include "lib/base/str.h"
#include "lib/data/type.h"
#include "lib/shuffle/disk_space.h"

typedef struct gly_block_store gly_block_store;
typedef struct gly_scratch_file gly_scratch_file; /* lib/shuffle/scratch_file.h */
typedef struct gly_cached_block gly_cached_block; /* one partition, while it is held */

gly_block_store *gly_block_store_make(gly_budget *memory, const char *local_dir);
void gly_block_store_free(gly_block_store *store); /* accepts NULL */
/* What its files take is taken from there; before the first block comes. */
void gly_block_store_set_disk(gly_block_store *store, gly_disk_space *disk);
/* Takes bytes (blocks of shuffle_block.h, one after the other) and leaves *bytes empty, also on
 * failure.  file: the blocks are in there instead; taken, too.  Replaces what was there.  DISK_FULL
 * or IO when neither memory nor disk has room. */
GLY_NODISCARD gly_status gly_block_store_put(gly_block_store *store, uint64_t cache_id,
                                             uint32_t partition, const gly_type *types,
                                             uint32_t column_count, uint64_t row_count,
                                             gly_builder *bytes, gly_scratch_file *file,
                                             gly_error *err);
const char *gly_block_store_directory(const gly_block_store *store); /* for such files */
/* NULL: not here.  A held partition stays where it is until it is released. */
gly_cached_block *gly_block_store_hold(gly_block_store *store, uint64_t cache_id,
                                       uint32_t partition);
void gly_block_store_release(gly_block_store *store, gly_cached_block *block);
const gly_type *gly_block_store_types(const gly_cached_block *block, uint32_t *ret_column_count);
uint64_t gly_block_store_size(const gly_cached_block *block);
uint64_t gly_block_store_rows(const gly_cached_block *block);
/* Appends bytes [offset, offset + length) to out. */
GLY_NODISCARD gly_status gly_block_store_read(gly_cached_block *block, uint64_t offset,
                                              size_t length, gly_builder *out, gly_error *err);
/* Forgets a table's partitions: UNCACHE TABLE. */
void gly_block_store_drop(gly_block_store *store, uint64_t cache_id);
/* Moves partitions to disk until at least bytes are free; returns how many became free. */
size_t gly_block_store_reclaim(void *store, size_t bytes);
void gly_block_store_usage(gly_block_store *store, uint64_t *ret_memory, uint64_t *ret_disk);

#endif
