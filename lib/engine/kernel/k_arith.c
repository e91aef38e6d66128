/* k_arith.c - checked arithmetic on arrays.
 *
 * Overflow is collected in one accumulator by the xor form ((a^r)&(b^r) is negative iff a+b
 * overflowed), which the compiler vectorizes; __builtin_add_overflow is not vectorized and costs
 * twice as much.  64-bit products are checked by magnitude: if the widest a and the widest b
 * together have at most 62 bits, no product can overflow, else the slow loop multiplies in 128
 * bits. Invariant: results are defined for garbage input (wrapping), nothing traps. Not here:
 * division and remainder of integers (fn_arith.c), decimals (k_decimal.c).
 */
#include "lib/engine/kernel/k_arith.h"

#define ADD(T, U, W, a, b) ((T)(U)((U)(a) + (U)(b)))
#define ADD_BAD(T, U, W, a, b, r) ((U)(((U)(a) ^ (U)(r)) & ((U)(b) ^ (U)(r))))
#define SUB(T, U, W, a, b) ((T)(U)((U)(a) - (U)(b)))
#define SUB_BAD(T, U, W, a, b, r) ((U)(((U)(a) ^ (U)(b)) & ((U)(a) ^ (U)(r))))
#define MUL(T, U, W, a, b) ((T)((W)(a) * (W)(b)))
/* the top bit is set if the wide product is not its own low half */
#define MUL_BAD(T, U, W, a, b, r) ((U)((U)0 - (U)((W)(a) * (W)(b) != (W)(r))))
#define BAND(T, U, W, a, b) ((T)((a) & (b)))
#define BOR(T, U, W, a, b) ((T)((a) | (b)))
#define BXOR(T, U, W, a, b) ((T)((a) ^ (b)))
#define NEVER_BAD(T, U, W, a, b, r) ((U)0)

/* The three shapes of one operation on one type; `top` shifts the sign bit down. */
#define INTEGER_LOOP(T, U, W, OP, BAD, A, B)                                                       \
    for (uint32_t i = 0; i < count; i++) {                                                         \
        T r = OP(T, U, W, A, B);                                                                   \
        bad |= BAD(T, U, W, A, B, r);                                                              \
        z[i] = r;                                                                                  \
    }
#define INTEGER_SHAPES(T, U, W, OP, BAD)                                                           \
    {                                                                                              \
        const T *restrict x = a;                                                                   \
        const T *restrict y = b;                                                                   \
        T *restrict z = out;                                                                       \
        U bad = 0;                                                                                 \
        if (a_mask == 0) {                                                                         \
            T k = x[0];                                                                            \
            INTEGER_LOOP(T, U, W, OP, BAD, k, y[i])                                                \
        } else if (b_mask == 0) {                                                                  \
            T k = y[0];                                                                            \
            INTEGER_LOOP(T, U, W, OP, BAD, x[i], k)                                                \
        } else {                                                                                   \
            INTEGER_LOOP(T, U, W, OP, BAD, x[i], y[i])                                             \
        }                                                                                          \
        return (bad >> (sizeof(T) * 8 - 1)) & 1;                                                   \
    }
#define FLOAT_SHAPES(T, OP)                                                                        \
    {                                                                                              \
        const T *restrict x = a;                                                                   \
        const T *restrict y = b;                                                                   \
        T *restrict z = out;                                                                       \
        if (a_mask == 0) {                                                                         \
            T k = x[0];                                                                            \
            for (uint32_t i = 0; i < count; i++) {                                                 \
                z[i] = k OP y[i];                                                                  \
            }                                                                                      \
        } else if (b_mask == 0) {                                                                  \
            T k = y[0];                                                                            \
            for (uint32_t i = 0; i < count; i++) {                                                 \
                z[i] = x[i] OP k;                                                                  \
            }                                                                                      \
        } else {                                                                                   \
            for (uint32_t i = 0; i < count; i++) {                                                 \
                z[i] = x[i] OP y[i];                                                               \
            }                                                                                      \
        }                                                                                          \
        return false;                                                                              \
    }

#define BY_KIND(OP, BAD, FLOAT_OP)                                                                 \
    switch (kind) {                                                                                \
    case GLY_KIND_I8:                                                                              \
        INTEGER_SHAPES(int8_t, uint8_t, int32_t, OP, BAD)                                          \
    case GLY_KIND_I16:                                                                             \
        INTEGER_SHAPES(int16_t, uint16_t, int32_t, OP, BAD)                                        \
    case GLY_KIND_I32:                                                                             \
        INTEGER_SHAPES(int32_t, uint32_t, int64_t, OP, BAD)                                        \
    case GLY_KIND_I64:                                                                             \
        INTEGER_SHAPES(int64_t, uint64_t, gly_i128, OP, BAD)                                       \
    case GLY_KIND_F32:                                                                             \
        FLOAT_SHAPES(float, FLOAT_OP)                                                              \
    case GLY_KIND_F64:                                                                             \
        FLOAT_SHAPES(double, FLOAT_OP)                                                             \
    default:                                                                                       \
        GLY_UNREACHABLE();                                                                         \
    }
#define BY_INTEGER_KIND(OP)                                                                        \
    switch (kind) {                                                                                \
    case GLY_KIND_I8:                                                                              \
        INTEGER_SHAPES(int8_t, uint8_t, int32_t, OP, NEVER_BAD)                                    \
    case GLY_KIND_I16:                                                                             \
        INTEGER_SHAPES(int16_t, uint16_t, int32_t, OP, NEVER_BAD)                                  \
    case GLY_KIND_I32:                                                                             \
        INTEGER_SHAPES(int32_t, uint32_t, int64_t, OP, NEVER_BAD)                                  \
    case GLY_KIND_I64:                                                                             \
        INTEGER_SHAPES(int64_t, uint64_t, gly_i128, OP, NEVER_BAD)                                 \
    default:                                                                                       \
        GLY_UNREACHABLE();                                                                         \
    }

GLY_KERNEL_CLONES
static bool add(gly_kind kind, const void *a, uint32_t a_mask, const void *b, uint32_t b_mask,
                uint32_t count, void *out) {
    BY_KIND(ADD, ADD_BAD, +)
}

GLY_KERNEL_CLONES
static bool subtract(gly_kind kind, const void *a, uint32_t a_mask, const void *b,
                     uint32_t b_mask, uint32_t count, void *out) {
    BY_KIND(SUB, SUB_BAD, -)
}

GLY_KERNEL_CLONES
static bool multiply(gly_kind kind, const void *a, uint32_t a_mask, const void *b,
                     uint32_t b_mask, uint32_t count, void *out) {
    BY_KIND(MUL, MUL_BAD, *)
}

/* No check: the caller knows that no product has more than 63 bits. */
GLY_KERNEL_CLONES
static bool multiply_small(const void *a, uint32_t a_mask, const void *b, uint32_t b_mask,
                           uint32_t count, void *out) {
#define WRAP_MUL(T, U, W, x, y) ((T)((U)(x) * (U)(y)))
    INTEGER_SHAPES(int64_t, uint64_t, int64_t, WRAP_MUL, NEVER_BAD)
}

GLY_KERNEL_CLONES
static bool bit_and(gly_kind kind, const void *a, uint32_t a_mask, const void *b, uint32_t b_mask,
                    uint32_t count, void *out) {
    BY_INTEGER_KIND(BAND)
}

static bool bit_or(gly_kind kind, const void *a, uint32_t a_mask, const void *b, uint32_t b_mask,
                   uint32_t count, void *out) {
    BY_INTEGER_KIND(BOR)
}

static bool bit_xor(gly_kind kind, const void *a, uint32_t a_mask, const void *b, uint32_t b_mask,
                    uint32_t count, void *out) {
    BY_INTEGER_KIND(BXOR)
}

GLY_KERNEL_CLONES
uint64_t gly_k_arith_magnitude(const int64_t *values, uint32_t count) {
    uint64_t all = 0;
    for (uint32_t i = 0; i < count; i++) {
        all |= (uint64_t)(values[i] ^ (values[i] >> 63));
    }
    return all;
}

static int bits_of(uint64_t magnitude) {
    return magnitude == 0 ? 0 : 64 - __builtin_clzll(magnitude);
}

bool gly_k_arith_run(gly_k_arith_op op, gly_kind kind, const void *a, uint32_t a_mask,
                     const void *b, uint32_t b_mask, uint32_t count, void *out) {
    switch (op) {
    case GLY_K_ADD:
        return add(kind, a, a_mask, b, b_mask, count, out);
    case GLY_K_SUBTRACT:
        return subtract(kind, a, a_mask, b, b_mask, count, out);
    case GLY_K_MULTIPLY:
        if (kind == GLY_KIND_I64 &&
            bits_of(gly_k_arith_magnitude(a, a_mask == 0 ? 1 : count)) +
                    bits_of(gly_k_arith_magnitude(b, b_mask == 0 ? 1 : count)) <=
                62) {
            return multiply_small(a, a_mask, b, b_mask, count, out);
        }
        return multiply(kind, a, a_mask, b, b_mask, count, out);
    case GLY_K_BIT_AND:
        return bit_and(kind, a, a_mask, b, b_mask, count, out);
    case GLY_K_BIT_OR:
        return bit_or(kind, a, a_mask, b, b_mask, count, out);
    case GLY_K_BIT_XOR:
        return bit_xor(kind, a, a_mask, b, b_mask, count, out);
    }
    GLY_UNREACHABLE();
}

#define INTEGER_ROWS(T, U, W, OP, BAD)                                                             \
    {                                                                                              \
        const T *x = a;                                                                            \
        const T *y = b;                                                                            \
        T *z = out;                                                                                \
        U bad = 0;                                                                                 \
        for (uint32_t i = 0; i < count; i++) {                                                     \
            uint32_t row = rows[i];                                                                \
            T p = x[row & a_mask], q = y[row & b_mask];                                            \
            T r = OP(T, U, W, p, q);                                                               \
            bad |= BAD(T, U, W, p, q, r);                                                          \
            z[row] = r;                                                                            \
        }                                                                                          \
        return (bad >> (sizeof(T) * 8 - 1)) & 1;                                                   \
    }
#define FLOAT_ROWS(T, OP)                                                                          \
    {                                                                                              \
        const T *x = a;                                                                            \
        const T *y = b;                                                                            \
        T *z = out;                                                                                \
        for (uint32_t i = 0; i < count; i++) {                                                     \
            uint32_t row = rows[i];                                                                \
            z[row] = x[row & a_mask] OP y[row & b_mask];                                           \
        }                                                                                          \
        return false;                                                                              \
    }
#define ROWS_BY_KIND(OP, BAD, FLOAT_OP)                                                            \
    switch (kind) {                                                                                \
    case GLY_KIND_I8:                                                                              \
        INTEGER_ROWS(int8_t, uint8_t, int32_t, OP, BAD)                                            \
    case GLY_KIND_I16:                                                                             \
        INTEGER_ROWS(int16_t, uint16_t, int32_t, OP, BAD)                                          \
    case GLY_KIND_I32:                                                                             \
        INTEGER_ROWS(int32_t, uint32_t, int64_t, OP, BAD)                                          \
    case GLY_KIND_I64:                                                                             \
        INTEGER_ROWS(int64_t, uint64_t, gly_i128, OP, BAD)                                         \
    case GLY_KIND_F32:                                                                             \
        FLOAT_ROWS(float, FLOAT_OP)                                                                \
    case GLY_KIND_F64:                                                                             \
        FLOAT_ROWS(double, FLOAT_OP)                                                               \
    default:                                                                                       \
        GLY_UNREACHABLE();                                                                         \
    }
#define ROWS_BY_INTEGER_KIND(OP)                                                                   \
    switch (kind) {                                                                                \
    case GLY_KIND_I8:                                                                              \
        INTEGER_ROWS(int8_t, uint8_t, int32_t, OP, NEVER_BAD)                                      \
    case GLY_KIND_I16:                                                                             \
        INTEGER_ROWS(int16_t, uint16_t, int32_t, OP, NEVER_BAD)                                    \
    case GLY_KIND_I32:                                                                             \
        INTEGER_ROWS(int32_t, uint32_t, int64_t, OP, NEVER_BAD)                                    \
    case GLY_KIND_I64:                                                                             \
        INTEGER_ROWS(int64_t, uint64_t, gly_i128, OP, NEVER_BAD)                                   \
    default:                                                                                       \
        GLY_UNREACHABLE();                                                                         \
    }

bool gly_k_arith_rows(gly_k_arith_op op, gly_kind kind, const void *a, uint32_t a_mask,
                      const void *b, uint32_t b_mask, const uint16_t *rows, uint32_t count,
                      void *out) {
    switch (op) {
    case GLY_K_ADD:
        ROWS_BY_KIND(ADD, ADD_BAD, +)
    case GLY_K_SUBTRACT:
        ROWS_BY_KIND(SUB, SUB_BAD, -)
    case GLY_K_MULTIPLY:
        ROWS_BY_KIND(MUL, MUL_BAD, *)
    case GLY_K_BIT_AND:
        ROWS_BY_INTEGER_KIND(BAND)
    case GLY_K_BIT_OR:
        ROWS_BY_INTEGER_KIND(BOR)
    case GLY_K_BIT_XOR:
        ROWS_BY_INTEGER_KIND(BXOR)
    }
    GLY_UNREACHABLE();
}

GLY_KERNEL_CLONES
bool gly_k_arith_divide(const double *a, uint32_t a_mask, const double *b, uint32_t b_mask,
                        uint32_t count, double *out) {
    uint64_t zero = 0;
    if (b_mask == 0) {
        double k = b[0];
        for (uint32_t i = 0; i < count; i++) {
            out[i] = a[i & a_mask] / k;
        }
        return k == 0;
    }
    if (a_mask == 0) {
        double k = a[0];
        for (uint32_t i = 0; i < count; i++) {
            zero |= b[i] == 0;
            out[i] = k / b[i];
        }
        return zero != 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        zero |= b[i] == 0;
        out[i] = a[i] / b[i];
    }
    return zero != 0;
}
