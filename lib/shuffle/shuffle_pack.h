/* shuffle_pack.h - integers as differences from their smallest, in as few bytes as they need.
 *
 * Frame of reference (Goldstein, Ramakrishnan and Shaft, ICDE 1998), byte-aligned so that packing
 * and unpacking are one vectorized loop.  It halves most keys before the general codec sees them.
 */
#ifndef GLY_SHUFFLE_PACK_H
#define GLY_SHUFFLE_PACK_H

#include "lib/data/type.h"

/* The smallest value and (largest - smallest) of count > 0 values of an integer kind (I16 to I128).
 * False if they do not fit 64 bits (or for other kinds). */
bool gly_shuffle_pack_range(gly_kind kind, const void *data, size_t count, int64_t *ret_base,
                            uint64_t *ret_range);
/* Bytes a difference of at most range needs: 1, 2, 4 or 8. */
uint32_t gly_shuffle_pack_width(uint64_t range);
/* output gets count * width bytes: data[i] - base. */
void gly_shuffle_pack_narrow(gly_kind kind, const void *data, size_t count, int64_t base,
                             uint32_t width, void *output);
/* The reverse: output gets count values of kind. */
void gly_shuffle_pack_widen(gly_kind kind, const void *packed, size_t count, int64_t base,
                            uint32_t width, void *output);

#endif
