/* shuffle_block.h - batches as bytes: shuffle files, results, cached tables, spills of batches.
 *
 * A block is self-contained: header (magic, raw size, stored size, checksum, rows, columns), then
 * per column {shape, validity?, buffers}; compressed as a whole, XXH3 checksum over the stored
 * bytes.  Text views inside are block-relative and fixed up in place when read.
 */
#ifndef GLY_SHUFFLE_BLOCK_H
#define GLY_SHUFFLE_BLOCK_H

#include "lib/base/codec.h"
#include "lib/data/batch.h"
#include "lib/data/schema.h"

/* Collects rows of one schema until flushed into a block. */
typedef struct gly_shuffle_block_builder gly_shuffle_block_builder;
gly_shuffle_block_builder *gly_shuffle_block_builder_make(const gly_type *types,
                                                          uint32_t column_count);
void gly_shuffle_block_builder_free(gly_shuffle_block_builder *builder);
/* Copies the given rows (positions in the batch, NULL: the batch's live rows). */
void gly_shuffle_block_builder_append(gly_shuffle_block_builder *builder, const gly_batch *batch,
                                      const uint16_t *rows, uint32_t row_count);
size_t gly_shuffle_block_builder_size(const gly_shuffle_block_builder *builder); /* bytes held */
size_t gly_shuffle_block_builder_used(const gly_shuffle_block_builder *builder); /* of its rows */
uint32_t gly_shuffle_block_builder_rows(const gly_shuffle_block_builder *builder);
/* Appends one block (nothing for 0 rows) to out and empties the builder. */
GLY_NODISCARD gly_status gly_shuffle_block_builder_flush(gly_shuffle_block_builder *builder,
                                                         gly_codec codec, gly_builder *out,
                                                         gly_error *err);

/* Drops the rows and gives the memory back to the allocator; the builder stays usable. */
void gly_shuffle_block_builder_reset(gly_shuffle_block_builder *builder);

/* How many of bytes, from the front, are whole blocks.  If not even the first one is whole: 0, and
 * *ret_needed is how many bytes it takes (at least; a header first).  CORRUPT_FILE if bytes do not
 * begin with a block. */
GLY_NODISCARD gly_status gly_shuffle_block_measure(gly_str bytes, size_t *ret_whole,
                                                   size_t *ret_needed, gly_error *err);
/* Puts the right checksum into the header of a whole block: for tests and fuzzing. */
void gly_shuffle_block_sign(char *block, size_t size);

/* Reads the blocks in bytes one after the other as batches of at most GLY_BATCH_ROWS. */
typedef struct gly_shuffle_block_reader gly_shuffle_block_reader;
gly_shuffle_block_reader *gly_shuffle_block_reader_make(const gly_type *types,
                                                        uint32_t column_count);
void gly_shuffle_block_reader_free(gly_shuffle_block_reader *reader);
/* bytes must stay until the next set or free.  Checks checksums: CORRUPT_FILE names the block. */
void gly_shuffle_block_reader_set(gly_shuffle_block_reader *reader, gly_str bytes);
/* NULL at the end; valid until the next call. */
GLY_NODISCARD gly_status gly_shuffle_block_reader_next(gly_shuffle_block_reader *reader,
                                                       const gly_batch **ret, gly_error *err);
#endif
