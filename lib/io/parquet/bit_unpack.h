/* bit_unpack.h - numbers of 0 to 64 bits each, packed without gaps, LSB first, into words. */
#ifndef GLY_BIT_UNPACK_H
#define GLY_BIT_UNPACK_H

#include "lib/base/base.h"

/* What the functions below may touch behind the last packed byte and the last output value. */
enum { GLY_BIT_UNPACK_OVERREAD = 32, GLY_BIT_UNPACK_OVERWRITE = 16 };

/* Values first .. first+count-1 of width (0 to 32) bits each.  OVERREAD bytes behind the packed
 * data must be readable, OVERWRITE values behind output[count-1] writable. */
void gly_bit_unpack32(const uint8_t *packed, uint64_t first, unsigned width, uint32_t count,
                      uint32_t *output);
/* The same for widths up to 64; nothing is written behind output[count-1]. */
void gly_bit_unpack64(const uint8_t *packed, uint64_t first, unsigned width, uint32_t count,
                      uint64_t *output);

#endif
