/* k_arith.h - checked +, -, * and bit operations on numbers of one kind. */
#ifndef GLY_K_ARITH_H
#define GLY_K_ARITH_H

#include "lib/engine/kernel/kernel.h"

/* out[i] = a[i] op b[i]; a_mask or b_mask 0: that operand is one value.  I8 to I64, F32, F64 (no
 * bit operations on floats).  Returns true if any row overflowed, garbage rows included: the
 * caller then looks for a live one.  Results that overflow are wrapped. */
bool gly_k_arith_run(gly_k_arith_op op, gly_kind kind, const void *a, uint32_t a_mask,
                     const void *b, uint32_t b_mask, uint32_t count, void *out);
/* The same for the listed rows only: out[row]. */
bool gly_k_arith_rows(gly_k_arith_op op, gly_kind kind, const void *a, uint32_t a_mask,
                      const void *b, uint32_t b_mask, const uint16_t *rows, uint32_t count,
                      void *out);
/* Division of doubles; returns true if any divisor is zero. */
bool gly_k_arith_divide(const double *a, uint32_t a_mask, const double *b, uint32_t b_mask,
                        uint32_t count, double *out);
/* All magnitudes OR-ed: |x| <= 2^(64 - clz) for every value. */
uint64_t gly_k_arith_magnitude(const int64_t *values, uint32_t count);

#endif
