/* k_compare.c - byte masks from comparisons.
 *
 * One loop for each operation, kind and shape, stamped by macros; fixed-width kinds vectorize.
 * Float order follows Spark (NaN largest and equal to itself) without branches: a < b holds if it
 * holds in IEEE or if only b is NaN.  Turning masks into selections is k_bits.c.
 */
#include "lib/engine/kernel/k_compare.h"

#define I_EQ(a, b) ((a) == (b))
#define I_NE(a, b) ((a) != (b))
#define I_LT(a, b) ((a) < (b))
#define I_LE(a, b) ((a) <= (b))
#define I_GT(a, b) ((a) > (b))
#define I_GE(a, b) ((a) >= (b))
#define NAN_OF(a) ((a) != (a))
#define F_EQ(a, b) (((a) == (b)) | (NAN_OF(a) & NAN_OF(b)))
#define F_NE(a, b) (!F_EQ(a, b))
#define F_LT(a, b) (((a) < (b)) | (!NAN_OF(a) & NAN_OF(b)))
#define F_GE(a, b) (!F_LT(a, b))
#define F_GT(a, b) F_LT(b, a)
#define F_LE(a, b) (!F_LT(b, a))
#define T_EQ(a, b) gly_text_equal(&(a), &(b))
#define T_NE(a, b) (!gly_text_equal(&(a), &(b)))
#define T_LT(a, b) (gly_text_compare(&(a), &(b)) < 0)
#define T_LE(a, b) (gly_text_compare(&(a), &(b)) <= 0)
#define T_GT(a, b) (gly_text_compare(&(a), &(b)) > 0)
#define T_GE(a, b) (gly_text_compare(&(a), &(b)) >= 0)

gly_k_compare_op gly_k_compare_swap(gly_k_compare_op op) {
    static const uint8_t swapped[] = {
        [GLY_K_EQUAL] = GLY_K_EQUAL,           [GLY_K_NOT_EQUAL] = GLY_K_NOT_EQUAL,
        [GLY_K_LESS] = GLY_K_GREATER,          [GLY_K_LESS_EQUAL] = GLY_K_GREATER_EQUAL,
        [GLY_K_GREATER] = GLY_K_LESS,          [GLY_K_GREATER_EQUAL] = GLY_K_LESS_EQUAL,
    };
    return swapped[op];
}

#define LOOPS(T, CMP)                                                                              \
    {                                                                                              \
        const T *restrict x = a;                                                                   \
        const T *restrict y = b;                                                                   \
        if (b_mask == 0) {                                                                         \
            T k = y[0];                                                                            \
            for (uint32_t i = 0; i < count; i++) {                                                 \
                out[i] = (uint8_t)CMP(x[i], k);                                                    \
            }                                                                                      \
        } else {                                                                                   \
            for (uint32_t i = 0; i < count; i++) {                                                 \
                out[i] = (uint8_t)CMP(x[i], y[i]);                                                 \
            }                                                                                      \
        }                                                                                          \
        return;                                                                                    \
    }
#define BY_OP(T, P)                                                                                \
    switch (op) {                                                                                  \
    case GLY_K_EQUAL:                                                                              \
        LOOPS(T, P##_EQ)                                                                           \
    case GLY_K_NOT_EQUAL:                                                                          \
        LOOPS(T, P##_NE)                                                                           \
    case GLY_K_LESS:                                                                               \
        LOOPS(T, P##_LT)                                                                           \
    case GLY_K_LESS_EQUAL:                                                                         \
        LOOPS(T, P##_LE)                                                                           \
    case GLY_K_GREATER:                                                                            \
        LOOPS(T, P##_GT)                                                                           \
    case GLY_K_GREATER_EQUAL:                                                                      \
        LOOPS(T, P##_GE)                                                                           \
    }
#define DEFINE(name, T, P)                                                                         \
    GLY_KERNEL_CLONES                                                                              \
    static void name(gly_k_compare_op op, const void *a, const void *b, uint32_t b_mask,           \
                     uint32_t count, uint8_t *restrict out) {                                      \
        BY_OP(T, P)                                                                                \
    }
DEFINE(compare_i8, int8_t, I)
DEFINE(compare_i16, int16_t, I)
DEFINE(compare_i32, int32_t, I)
DEFINE(compare_i64, int64_t, I)
DEFINE(compare_f32, float, F)
DEFINE(compare_f64, double, F)

static void compare_i128(gly_k_compare_op op, const void *a, const void *b, uint32_t b_mask,
                         uint32_t count, uint8_t *restrict out) {
    BY_OP(gly_i128, I)
}

/* Equality with an inline constant: two words a value, no branches. */
GLY_KERNEL_CLONES
static void equal_inline(const gly_text *values, const gly_text *constant, bool wanted,
                         uint32_t count, uint8_t *restrict out) {
    const uint64_t *restrict words = (const uint64_t *)(const void *)values;
    uint64_t k[2];
    memcpy(k, constant, 16);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t different = (words[2 * (size_t)i] ^ k[0]) | (words[2 * (size_t)i + 1] ^ k[1]);
        out[i] = (uint8_t)((different == 0) == wanted);
    }
}

static void compare_text(gly_k_compare_op op, const void *a, const void *b, uint32_t b_mask,
                         uint32_t count, uint8_t *restrict out) {
    if (b_mask == 0 && op <= GLY_K_NOT_EQUAL && ((const gly_text *)b)->size <= GLY_TEXT_INLINE) {
        equal_inline(a, b, op == GLY_K_EQUAL, count, out);
        return;
    }
    BY_OP(gly_text, T)
}

void gly_k_compare_run(gly_k_compare_op op, gly_kind kind, const void *a, const void *b,
                       uint32_t b_mask, uint32_t count, uint8_t *out) {
    switch (kind) {
    case GLY_KIND_I8:
        compare_i8(op, a, b, b_mask, count, out);
        return;
    case GLY_KIND_I16:
        compare_i16(op, a, b, b_mask, count, out);
        return;
    case GLY_KIND_I32:
        compare_i32(op, a, b, b_mask, count, out);
        return;
    case GLY_KIND_I64:
        compare_i64(op, a, b, b_mask, count, out);
        return;
    case GLY_KIND_I128:
        compare_i128(op, a, b, b_mask, count, out);
        return;
    case GLY_KIND_F32:
        compare_f32(op, a, b, b_mask, count, out);
        return;
    case GLY_KIND_F64:
        compare_f64(op, a, b, b_mask, count, out);
        return;
    case GLY_KIND_TEXT:
        compare_text(op, a, b, b_mask, count, out);
        return;
    case GLY_KIND_COUNT:
        break;
    }
    GLY_UNREACHABLE();
}

#undef LOOPS
#define LOOPS(T, CMP)                                                                              \
    {                                                                                              \
        const T *x = a;                                                                            \
        const T *y = b;                                                                            \
        for (uint32_t i = 0; i < count; i++) {                                                     \
            uint32_t row = rows[i];                                                                \
            out[row] = (uint8_t)CMP(x[row & a_mask], y[row & b_mask]);                             \
        }                                                                                          \
        return;                                                                                    \
    }

void gly_k_compare_rows(gly_k_compare_op op, gly_kind kind, const void *a, uint32_t a_mask,
                        const void *b, uint32_t b_mask, const uint16_t *rows, uint32_t count,
                        uint8_t *out) {
    switch (kind) {
    case GLY_KIND_I8:
        BY_OP(int8_t, I)
        return;
    case GLY_KIND_I16:
        BY_OP(int16_t, I)
        return;
    case GLY_KIND_I32:
        BY_OP(int32_t, I)
        return;
    case GLY_KIND_I64:
        BY_OP(int64_t, I)
        return;
    case GLY_KIND_I128:
        BY_OP(gly_i128, I)
        return;
    case GLY_KIND_F32:
        BY_OP(float, F)
        return;
    case GLY_KIND_F64:
        BY_OP(double, F)
        return;
    case GLY_KIND_TEXT:
        BY_OP(gly_text, T)
        return;
    case GLY_KIND_COUNT:
        break;
    }
    GLY_UNREACHABLE();
}

#define ORDER(T, P)                                                                                \
    {                                                                                              \
        const T *x = a;                                                                            \
        const T *y = b;                                                                            \
        return P##_LT(*x, *y) ? -1 : P##_LT(*y, *x) ? 1 : 0;                                       \
    }

int gly_k_compare_values(gly_kind kind, const void *a, const void *b) {
    switch (kind) {
    case GLY_KIND_I8:
        ORDER(int8_t, I)
    case GLY_KIND_I16:
        ORDER(int16_t, I)
    case GLY_KIND_I32:
        ORDER(int32_t, I)
    case GLY_KIND_I64:
        ORDER(int64_t, I)
    case GLY_KIND_I128:
        ORDER(gly_i128, I)
    case GLY_KIND_F32:
        ORDER(float, F)
    case GLY_KIND_F64:
        ORDER(double, F)
    case GLY_KIND_TEXT:
        return gly_text_compare(a, b);
    case GLY_KIND_COUNT:
        break;
    }
    GLY_UNREACHABLE();
}
