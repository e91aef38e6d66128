/* block_stream.h - batches from a byte range somewhere, read in windows of a few MiB.
 *
 * What shuffle reads and cached tables have in common: a range of blocks too large to be held at
 * once, and a function that reads pieces of it.  One thread.
 */
#ifndef GLY_BLOCK_STREAM_H
#define GLY_BLOCK_STREAM_H

#include "lib/engine/op/operator.h"
#include "lib/shuffle/shuffle_block.h"

typedef struct gly_block_stream gly_block_stream;

/* Appends bytes [offset, offset + length) to out. */
typedef gly_status gly_block_stream_read(void *context, uint64_t offset, size_t length,
                                         gly_builder *out, gly_error *err);

/* Buffers are charged to the budget without asking: they are the least a reader needs. */
gly_block_stream *gly_block_stream_make(const gly_type *types, uint32_t column_count,
                                        gly_budget *budget, gly_block_stream_read *read,
                                        void *context);
void gly_block_stream_free(gly_block_stream *stream); /* accepts NULL */
/* The next calls of next give the batches of bytes [start, end). */
void gly_block_stream_start(gly_block_stream *stream, uint64_t start, uint64_t end);
/* The same for bytes that are here already; takes them and leaves *bytes empty, also on failure. */
GLY_NODISCARD gly_status gly_block_stream_start_bytes(gly_block_stream *stream, gly_builder *bytes,
                                                      gly_error *err);
/* *ret NULL at the end of the range; valid until the next call.  CORRUPT_FILE or read's error. */
GLY_NODISCARD gly_status gly_block_stream_next(gly_block_stream *stream, const gly_batch **ret,
                                               gly_error *err);
#endif
