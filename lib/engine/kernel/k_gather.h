/* k_gather.h - values picked by code or by row, by width. */
#ifndef GLY_K_GATHER_H
#define GLY_K_GATHER_H

#include "lib/engine/kernel/kernel.h"

/* out[i] = data[codes[i]] for i < count; width is 1, 2, 4, 8 or 16. */
void gly_k_gather_codes(const void *data, size_t width, const uint32_t *codes, uint32_t count,
                        void *out);
/* out[i] = flags[codes[i]] for bytes 0 or 1; faster than the above for few entries. */
void gly_k_gather_flags(const uint8_t *flags, uint32_t entries, const uint32_t *codes,
                        uint32_t count, uint8_t *out);
/* out[row] = data[row & mask] for the listed rows (NULL: 0..count-1). */
void gly_k_gather_merge(const void *data, size_t width, uint32_t mask, const uint16_t *rows,
                        uint32_t count, void *out);
/* out[i] = data[rows[i]]. */
void gly_k_gather_rows(const void *data, size_t width, const uint16_t *rows, uint32_t count,
                       void *out);

#endif
