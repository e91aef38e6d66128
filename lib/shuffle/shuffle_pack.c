/* shuffle_pack.c - the loops of shuffle_pack.h, stamped out per kind and width.
 *
 * Differences are computed modulo 2^64, so that any base and any packed bytes give some value and
 * hostile blocks can do nothing worse than hold wrong numbers.  Compiled with -O3.
 */
#include "lib/shuffle/shuffle_pack.h"

/* One version for each CPU generation, chosen at load time; not under sanitizers, which run before
 * the choice can be made. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) &&                             \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CLONES
#endif

#define RANGE(name, type)                                                                          \
    CLONES static bool name(const void *data, size_t count, int64_t *ret_base,                     \
                            uint64_t *ret_range) {                                                 \
        const type *values = data;                                                                 \
        type low = values[0];                                                                      \
        type high = values[0];                                                                     \
        for (size_t i = 1; i < count; i++) {                                                       \
            low = values[i] < low ? values[i] : low;                                               \
            high = values[i] > high ? values[i] : high;                                            \
        }                                                                                          \
        *ret_base = (int64_t)low;                                                                  \
        *ret_range = (uint64_t)high - (uint64_t)low;                                               \
        gly_i128 wide_low = low, wide_high = high;                                                 \
        return wide_low >= INT64_MIN && wide_high <= INT64_MAX;                                    \
    }

RANGE(range_i16, int16_t)
RANGE(range_i32, int32_t)
RANGE(range_i64, int64_t)
RANGE(range_i128, gly_i128)

bool gly_shuffle_pack_range(gly_kind kind, const void *data, size_t count, int64_t *ret_base,
                            uint64_t *ret_range) {
    switch (kind) {
    case GLY_KIND_I16:
        return range_i16(data, count, ret_base, ret_range);
    case GLY_KIND_I32:
        return range_i32(data, count, ret_base, ret_range);
    case GLY_KIND_I64:
        return range_i64(data, count, ret_base, ret_range);
    case GLY_KIND_I128:
        return range_i128(data, count, ret_base, ret_range);
    default:
        return false;
    }
}

uint32_t gly_shuffle_pack_width(uint64_t range) {
    return range <= UINT8_MAX ? 1 : range <= UINT16_MAX ? 2 : range <= UINT32_MAX ? 4 : 8;
}

#define LOOPS(type, packed_type, suffix)                                                           \
    CLONES static void narrow_##suffix(const void *restrict data, size_t count, int64_t base,      \
                                       void *restrict output) {                                    \
        const type *restrict values = data;                                                        \
        packed_type *restrict packed = output;                                                     \
        for (size_t i = 0; i < count; i++) {                                                       \
            packed[i] = (packed_type)((uint64_t)values[i] - (uint64_t)base);                       \
        }                                                                                          \
    }                                                                                              \
    CLONES static void widen_##suffix(const void *restrict data, size_t count, int64_t base,       \
                                      void *restrict output) {                                     \
        const packed_type *restrict packed = data;                                                 \
        type *restrict values = output;                                                            \
        for (size_t i = 0; i < count; i++) {                                                       \
            values[i] = (type)ADD(type, packed[i], base);                                          \
        }                                                                                          \
    }

/* The sum stays inside 64 bits for the narrow kinds; 128-bit values may exceed them. */
#define ADD(type, packed, base)                                                                    \
    (sizeof(type) == 16 ? (gly_i128)(base) + (packed)                                              \
                        : (gly_i128)(int64_t)((uint64_t)(base) + (uint64_t)(packed)))

LOOPS(int16_t, uint8_t, i16_1)
LOOPS(int32_t, uint8_t, i32_1)
LOOPS(int32_t, uint16_t, i32_2)
LOOPS(int64_t, uint8_t, i64_1)
LOOPS(int64_t, uint16_t, i64_2)
LOOPS(int64_t, uint32_t, i64_4)
LOOPS(gly_i128, uint8_t, i128_1)
LOOPS(gly_i128, uint16_t, i128_2)
LOOPS(gly_i128, uint32_t, i128_4)
LOOPS(gly_i128, uint64_t, i128_8)

typedef void loop(const void *data, size_t count, int64_t base, void *output);

static const struct {
    uint8_t kind, width;
    loop *narrow, *widen;
} loops[] = {
    {GLY_KIND_I16, 1, narrow_i16_1, widen_i16_1},
    {GLY_KIND_I32, 1, narrow_i32_1, widen_i32_1},
    {GLY_KIND_I32, 2, narrow_i32_2, widen_i32_2},
    {GLY_KIND_I64, 1, narrow_i64_1, widen_i64_1},
    {GLY_KIND_I64, 2, narrow_i64_2, widen_i64_2},
    {GLY_KIND_I64, 4, narrow_i64_4, widen_i64_4},
    {GLY_KIND_I128, 1, narrow_i128_1, widen_i128_1},
    {GLY_KIND_I128, 2, narrow_i128_2, widen_i128_2},
    {GLY_KIND_I128, 4, narrow_i128_4, widen_i128_4},
    {GLY_KIND_I128, 8, narrow_i128_8, widen_i128_8},
};

void gly_shuffle_pack_narrow(gly_kind kind, const void *data, size_t count, int64_t base,
                             uint32_t width, void *output) {
    for (size_t i = 0; i < GLY_ARRAY_LEN(loops); i++) {
        if (loops[i].kind == kind && loops[i].width == width) {
            loops[i].narrow(data, count, base, output);
            return;
        }
    }
    GLY_UNREACHABLE();
}

void gly_shuffle_pack_widen(gly_kind kind, const void *packed, size_t count, int64_t base,
                            uint32_t width, void *output) {
    for (size_t i = 0; i < GLY_ARRAY_LEN(loops); i++) {
        if (loops[i].kind == kind && loops[i].width == width) {
            loops[i].widen(packed, count, base, output);
            return;
        }
    }
    GLY_UNREACHABLE();
}
