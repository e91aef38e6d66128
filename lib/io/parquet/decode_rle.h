/* decode_rle.h - the hybrid of run-length and bit-packed runs: levels, dictionary indexes,
 * booleans.
 *
 *   run := varint(count << 1) value in ceil(width/8) bytes | varint(groups << 1 | 1) groups*width
 * bytes
 *
 * (Parquet's Encodings.md, "RLE/Bit-Packing Hybrid".)  The bytes must be followed by
 * GLY_BIT_UNPACK_OVERREAD readable ones.
 */
#ifndef GLY_DECODE_RLE_H
#define GLY_DECODE_RLE_H

#include "lib/base/base.h"

typedef struct gly_decode_rle {
    const uint8_t *cursor; /* the next run's head */
    const uint8_t *end;
    uint32_t width; /* bits, 0 to 32 */
    bool is_packed;
    uint64_t run_left; /* values of the current run not yet read */
    uint32_t value;    /* run-length runs */
    const uint8_t *packed;
    uint64_t packed_at; /* index of the next value in packed */
} gly_decode_rle;

/* width must be at most 32. */
void gly_decode_rle_open(gly_decode_rle *rle, const void *bytes, size_t size, unsigned width);
/* The next count values; room for GLY_BIT_UNPACK_OVERWRITE more in output.  False: the data ends.
 */
GLY_NODISCARD bool gly_decode_rle_read(gly_decode_rle *rle, uint32_t count, uint32_t *output);
GLY_NODISCARD bool gly_decode_rle_skip(gly_decode_rle *rle, uint64_t count);
/* If the next count values are one run-length run: reads them as *ret_value. */
bool gly_decode_rle_take_run(gly_decode_rle *rle, uint64_t count, uint32_t *ret_value);
/* Width 1: ORs the next count values into bits at position `at` (those bits are zero before). */
GLY_NODISCARD bool gly_decode_rle_bits(gly_decode_rle *rle, uint32_t count, uint64_t *bits,
                                       uint32_t at, uint32_t *ret_ones);
/* Width 1: counts the ones of the next count values. */
GLY_NODISCARD bool gly_decode_rle_count(gly_decode_rle *rle, uint64_t count, uint64_t *ret_ones);
/* The largest of count values; 0 for none. */
uint32_t gly_decode_rle_largest(const uint32_t *values, uint32_t count);
/* ORs the low `count` (at most 64) bits of word into bits at position `at`. */
void gly_decode_rle_put_bits(uint64_t *bits, uint32_t at, uint64_t word, uint32_t count);

#endif
