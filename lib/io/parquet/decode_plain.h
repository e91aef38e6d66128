/* decode_plain.h - PLAIN values and the small loops all encodings share: gather and spread.
 *
 * Inputs are page bytes with at least 64 readable bytes behind `end`.
 */
#ifndef GLY_DECODE_PLAIN_H
#define GLY_DECODE_PLAIN_H

#include "lib/data/text.h"

/* BYTE_ARRAY: u32 size, bytes.  Views point into the page.  Returns where the next value starts, or
 * NULL if a value would pass the end. */
const uint8_t *gly_decode_plain_text(const uint8_t *cursor, const uint8_t *end, uint32_t count,
                                     gly_text *output);
const uint8_t *gly_decode_plain_skip_text(const uint8_t *cursor, const uint8_t *end,
                                          uint64_t count);
/* BOOLEAN: bits first .. first+count-1, LSB first, to bytes. */
void gly_decode_plain_bits(const uint8_t *bits, uint64_t first, uint32_t count, uint8_t *output);
/* BYTE_STREAM_SPLIT: byte b of value i is bytes[b * total + i]; values first .. first+count-1 to
 * packed values of width bytes. */
void gly_decode_plain_split(const uint8_t *bytes, uint64_t total, uint32_t width, uint64_t first,
                            uint32_t count, uint8_t *output);

/* output[i] = dictionary[codes[i]] for values of 1, 2, 4, 8 or 16 bytes. */
void gly_decode_plain_gather(const void *dictionary, const uint32_t *codes, uint32_t count,
                             size_t width, void *output);
/* Spreads dense values over rows: row i with bit at+i set gets the next one, others the value that
 * would be next (dense needs one readable value behind the last). */
void gly_decode_plain_spread(const void *dense, const uint64_t *validity, uint32_t at,
                             uint32_t count, size_t width, void *output);

#endif
