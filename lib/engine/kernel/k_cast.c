/* k_cast.c - widening and checked narrowing of numbers, vectorized.
 *
 * Floats to integers truncate, saturate or raise by Spark's rules and go row by row (fn_cast.c).
 */
#include "lib/engine/kernel/k_cast.h"

#define CONVERT(FROM, TO)                                                                          \
    {                                                                                              \
        const FROM *restrict x = data;                                                             \
        TO *restrict z = out;                                                                      \
        uint32_t bad = 0;                                                                          \
        for (uint32_t i = 0; i < count; i++) {                                                     \
            z[i] = (TO)x[i];                                                                       \
            bad |= (FROM)z[i] != x[i];                                                             \
        }                                                                                          \
        return bad != 0;                                                                           \
    }
#define WIDEN(FROM, TO)                                                                            \
    {                                                                                              \
        const FROM *restrict x = data;                                                             \
        TO *restrict z = out;                                                                      \
        for (uint32_t i = 0; i < count; i++) {                                                     \
            z[i] = (TO)x[i];                                                                       \
        }                                                                                          \
        return false;                                                                              \
    }
#define FROM_KIND(kind_name, FROM, I8, I16, I32, I64)                                              \
    case GLY_KIND_##kind_name:                                                                     \
        switch (to) {                                                                              \
        case GLY_KIND_I8:                                                                          \
            I8(FROM, int8_t)                                                                       \
        case GLY_KIND_I16:                                                                         \
            I16(FROM, int16_t)                                                                     \
        case GLY_KIND_I32:                                                                         \
            I32(FROM, int32_t)                                                                     \
        case GLY_KIND_I64:                                                                         \
            I64(FROM, int64_t)                                                                     \
        case GLY_KIND_F32:                                                                         \
            WIDEN(FROM, float)                                                                     \
        case GLY_KIND_F64:                                                                         \
            WIDEN(FROM, double)                                                                    \
        default:                                                                                   \
            GLY_UNREACHABLE();                                                                     \
        }

GLY_KERNEL_CLONES
bool gly_k_cast_run(gly_kind from, gly_kind to, const void *data, uint32_t count, void *out) {
    switch (from) {
        FROM_KIND(I8, int8_t, WIDEN, WIDEN, WIDEN, WIDEN)
        FROM_KIND(I16, int16_t, CONVERT, WIDEN, WIDEN, WIDEN)
        FROM_KIND(I32, int32_t, CONVERT, CONVERT, WIDEN, WIDEN)
        FROM_KIND(I64, int64_t, CONVERT, CONVERT, CONVERT, WIDEN)
    case GLY_KIND_F32:
        if (to == GLY_KIND_F32) {
            WIDEN(float, float)
        }
        WIDEN(float, double)
    case GLY_KIND_F64:
        if (to == GLY_KIND_F32) {
            WIDEN(double, float)
        }
        WIDEN(double, double)
    default:
        GLY_UNREACHABLE();
    }
}
