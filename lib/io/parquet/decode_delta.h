/* decode_delta.h - the delta encodings: integers, lengths of text, prefixes of text.
 *
 *   DELTA_BINARY_PACKED      varints: block size, miniblocks per block, values; zigzag: first
 * value; then blocks: zigzag least delta, widths, bit-packed (delta - least)
 *   DELTA_LENGTH_BYTE_ARRAY  the lengths so, then the bytes
 *   DELTA_BYTE_ARRAY         lengths shared with the value before, so; then the rest as above
 *
 * (Parquet's Encodings.md.)  Readers stream: nothing is allocated for a page but the bytes of
 * DELTA_BYTE_ARRAY's values.  GLY_BIT_UNPACK_OVERREAD bytes behind the data must be readable.
 */
#ifndef GLY_DECODE_DELTA_H
#define GLY_DECODE_DELTA_H

#include "lib/data/text.h"
#include "lib/io/parquet/parquet_page.h"

typedef struct gly_decode_delta {
    const uint8_t *cursor, *end;
    uint64_t total, left; /* values in all, not yet read */
    uint32_t miniblock_count, miniblock_size;
    uint64_t value; /* the last one read; the next one if is_first */
    bool is_first;
    uint64_t least; /* least delta of the block */
    const uint8_t *widths;
    uint32_t miniblock; /* index in the block; miniblock_count: a new block is due */
    const uint8_t *packed;
    uint32_t packed_at, packed_left; /* values of the miniblock */
    unsigned width;
} gly_decode_delta;

/* False: the header is impossible. */
GLY_NODISCARD bool gly_decode_delta_open(gly_decode_delta *delta, const uint8_t *bytes,
                                         const uint8_t *end);
/* The next count values as 64-bit words (32-bit columns: take the low half). */
GLY_NODISCARD bool gly_decode_delta_read(gly_decode_delta *delta, uint32_t count, uint64_t *output);
GLY_NODISCARD bool gly_decode_delta_skip(gly_decode_delta *delta, uint64_t count);
/* Where the encoded integers end; walks a copy over all blocks.  NULL: they pass the end. */
const uint8_t *gly_decode_delta_end(const gly_decode_delta *delta);

/* Both text encodings. */
typedef struct gly_decode_delta_text {
    bool has_prefixes;
    gly_decode_delta prefixes, lengths;
    const uint8_t *bytes, *end;
    gly_parquet_buffer last; /* DELTA_BYTE_ARRAY: the value before */
    size_t last_size;
} gly_decode_delta_text;

GLY_NODISCARD bool gly_decode_delta_text_open(gly_decode_delta_text *text, const uint8_t *bytes,
                                              const uint8_t *end, bool has_prefixes);
/* The next count (at most GLY_BATCH_ROWS) values.  With prefixes their bytes are made in heap,
 * whose contents are lost; without, they are views into the page.  CORRUPT_FILE. */
GLY_NODISCARD gly_status gly_decode_delta_text_read(gly_decode_delta_text *text, uint32_t count,
                                                    gly_parquet_buffer *heap, gly_text *output,
                                                    gly_error *err);
GLY_NODISCARD gly_status gly_decode_delta_text_skip(gly_decode_delta_text *text, uint64_t count,
                                                    gly_error *err);
void gly_decode_delta_text_close(gly_decode_delta_text *text);

#endif
