/* k_compare.h - comparisons of values of one kind, to bytes 0 and 1.
 *
 * Spark's order: NaN equals NaN and is largest, -0.0 equals 0.0; text is compared bytewise.
 */
#ifndef GLY_K_COMPARE_H
#define GLY_K_COMPARE_H

#include "lib/engine/kernel/kernel.h"

/* out[i] = a[i] op b[i]; b_mask 0: b is one value (a constant a: swap the sides, see _swap). */
void gly_k_compare_run(gly_k_compare_op op, gly_kind kind, const void *a, const void *b,
                       uint32_t b_mask, uint32_t count, uint8_t *out);
/* out[row] for the listed rows; either side may be one value. */
void gly_k_compare_rows(gly_k_compare_op op, gly_kind kind, const void *a, uint32_t a_mask,
                        const void *b, uint32_t b_mask, const uint16_t *rows, uint32_t count,
                        uint8_t *out);
/* a op b is b swap(op) a. */
gly_k_compare_op gly_k_compare_swap(gly_k_compare_op op);
/* <0, 0, >0 of two values in memory. */
int gly_k_compare_values(gly_kind kind, const void *a, const void *b);

#endif
