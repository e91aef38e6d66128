/* k_decimal.c - decimal arithmetic in 64 bits when the batch allows it.
 *
 * decimal(15,2) * decimal(16,2) is decimal(32,4) for Spark and 128 bits wide, but the values of a
 * batch rarely are: callers OR the magnitudes together (gly_k_arith_magnitude), and if the bits of
 * both sides add up to 62 or less, everything is done in 64 bits (0.2 ns a value, not 0.8) and only
 * widened when somebody needs the 128-bit column.
 * Rows that do not fit go through lib/data/decimal.c one by one (fn_decimal.c).
 */
#include "lib/engine/kernel/k_decimal.h"

GLY_KERNEL_CLONES
bool gly_k_decimal_narrow(const gly_i128 *values, uint32_t count, int64_t *out) {
    const int64_t *restrict halves = (const int64_t *)(const void *)values; /* low, high, ... */
    int64_t *restrict to = out;
    uint64_t different = 0;
    for (uint32_t i = 0; i < count; i++) {
        int64_t low = halves[2 * (size_t)i];
        different |= (uint64_t)(halves[2 * (size_t)i + 1] ^ (low >> 63));
        to[i] = low;
    }
    return different == 0;
}

GLY_KERNEL_CLONES
void gly_k_decimal_widen(const int64_t *values, uint32_t count, gly_i128 *out) {
    int64_t *restrict halves = (int64_t *)(void *)out;
    for (uint32_t i = 0; i < count; i++) {
        halves[2 * (size_t)i] = values[i];
        halves[2 * (size_t)i + 1] = values[i] >> 63;
    }
}

#define WRAP_MULTIPLY(x, y) ((uint64_t)(x) * (uint64_t)(y))
/* The loop in the three shapes: constant operands are loaded once. */
#define SHAPES(EXPRESSION)                                                                         \
    if (a_mask == 0) {                                                                             \
        int64_t x = a[0];                                                                          \
        for (uint32_t i = 0; i < count; i++) {                                                     \
            int64_t y = b[i];                                                                      \
            to[i] = EXPRESSION;                                                                    \
        }                                                                                          \
    } else if (b_mask == 0) {                                                                      \
        int64_t y = b[0];                                                                          \
        for (uint32_t i = 0; i < count; i++) {                                                     \
            int64_t x = a[i];                                                                      \
            to[i] = EXPRESSION;                                                                    \
        }                                                                                          \
    } else {                                                                                       \
        for (uint32_t i = 0; i < count; i++) {                                                     \
            int64_t x = a[i], y = b[i];                                                            \
            to[i] = EXPRESSION;                                                                    \
        }                                                                                          \
    }

GLY_KERNEL_CLONES
void gly_k_decimal_add(const int64_t *a, uint32_t a_mask, int64_t a_factor, const int64_t *b,
                       uint32_t b_mask, int64_t b_factor, uint32_t count, int64_t *out) {
    int64_t *restrict to = out;
    if (a_factor == 1 && b_factor == 1) {
        SHAPES((int64_t)((uint64_t)x + (uint64_t)y))
    } else if (a_factor == 1 && b_factor == -1) {
        SHAPES((int64_t)((uint64_t)x - (uint64_t)y))
    } else {
        SHAPES((int64_t)(WRAP_MULTIPLY(x, a_factor) + WRAP_MULTIPLY(y, b_factor)))
    }
}

GLY_KERNEL_CLONES
void gly_k_decimal_multiply(const int64_t *a, uint32_t a_mask, const int64_t *b, uint32_t b_mask,
                            uint32_t count, int64_t *out) {
    int64_t *restrict to = out;
    SHAPES((int64_t)WRAP_MULTIPLY(x, y))
}

void gly_k_decimal_multiply_wide(const int64_t *a, uint32_t a_mask, const int64_t *b,
                                 uint32_t b_mask, uint32_t count, gly_i128 *out) {
    gly_i128 *restrict to = out;
    SHAPES((gly_i128)x * y)
}

void gly_k_decimal_drop(int64_t *values, uint32_t count, int64_t divisor) {
    int64_t half = divisor / 2; /* exact: a power of ten of at least 10 */
    for (uint32_t i = 0; i < count; i++) {
        int64_t quotient = values[i] / divisor;
        int64_t rest = values[i] - quotient * divisor;
        values[i] = quotient + (rest >= half) - (rest <= -half);
    }
}
