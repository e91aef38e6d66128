/* k_decimal.h - decimals that happen to fit 64 bits: narrowing, widening, scaling. */
#ifndef GLY_K_DECIMAL_H
#define GLY_K_DECIMAL_H

#include "lib/engine/kernel/kernel.h"

/* out[i] = values[i]; false (out is garbage then) if one does not fit. */
bool gly_k_decimal_narrow(const gly_i128 *values, uint32_t count, int64_t *out);
void gly_k_decimal_widen(const int64_t *values, uint32_t count, gly_i128 *out);
/* out[i] = a[i] * a_factor + b[i] * b_factor, wrapping; the caller knows it fits. */
void gly_k_decimal_add(const int64_t *a, uint32_t a_mask, int64_t a_factor, const int64_t *b,
                       uint32_t b_mask, int64_t b_factor, uint32_t count, int64_t *out);
/* out[i] = a[i] * b[i], wrapping; the caller knows it fits. */
void gly_k_decimal_multiply(const int64_t *a, uint32_t a_mask, const int64_t *b, uint32_t b_mask,
                            uint32_t count, int64_t *out);
/* out[i] = a[i] * b[i] in 128 bits: never overflows. */
void gly_k_decimal_multiply_wide(const int64_t *a, uint32_t a_mask, const int64_t *b,
                                 uint32_t b_mask, uint32_t count, gly_i128 *out);
/* values[i] / divisor rounded HALF_UP, in place; divisor is a power of ten. */
void gly_k_decimal_drop(int64_t *values, uint32_t count, int64_t divisor);

#endif
