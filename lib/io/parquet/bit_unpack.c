/* bit_unpack.c - the inner loop of dictionary indexes: bit-packed numbers to 32-bit words.
 *
 * With AVX2, eight values at a time: the bytes that hold value i are shuffled into 32-bit lane i,
 * the lane is shifted right by its own amount and masked.  Two loads of 16 bytes (values 0-3, 4-7)
 * hold everything for widths up to 25.  The shuffle and shift tables are constants made by macros.
 * AVX-512 does the same for sixteen values.  Elsewhere, and for wider values, a 64-bit load per
 * value.  The idea: Willhalm et al., "SIMD-Scan", VLDB 2009.
 *
 * Invariant: eight values take `width` bytes, so a group that starts at a multiple of eight starts
 * on a byte.
 */
#include "lib/io/parquet/bit_unpack.h"

#include "lib/io/parquet/hot.h"

static inline uint64_t load64(const uint8_t *bytes) {
    uint64_t word;
    memcpy(&word, bytes, 8);
    return word;
}

GLY_HOT_CLONES
static void unpack_plain(const uint8_t *packed, uint64_t first_bit, unsigned width, uint32_t count,
                         uint32_t *restrict output) {
    uint64_t mask = (UINT64_C(1) << width) - 1;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t bit = first_bit + (uint64_t)i * width;
        output[i] = (uint32_t)((load64(packed + (bit >> 3)) >> (bit & 7)) & mask);
    }
}

#if defined(__x86_64__)
#include <immintrin.h>

enum { WIDEST_SHUFFLED = 25 };

typedef struct shuffle_row {
    uint8_t bytes[32]; /* for vpshufb: lanes 0-3 from the first load, 4-7 from the second */
    uint32_t shifts[8];
} shuffle_row;

#define LANE(bit) (bit) / 8, (bit) / 8 + 1, (bit) / 8 + 2, (bit) / 8 + 3
#define FOUR(start, w)                                                                             \
    LANE(start), LANE((start) + (w)), LANE((start) + 2 * (w)), LANE((start) + 3 * (w))
#define SHIFTS(start, w)                                                                           \
    (start) % 8, ((start) + (w)) % 8, ((start) + 2 * (w)) % 8, ((start) + 3 * (w)) % 8
#define ROW(w)                                                                                     \
    {                                                                                              \
        {FOUR(0, w), FOUR(4 * (w) % 8, w)}, { SHIFTS(0, w), SHIFTS(4 * (w) % 8, w) }               \
    }

static const shuffle_row shuffles[WIDEST_SHUFFLED + 1] __attribute__((aligned(64))) = {
    ROW(0),  ROW(1),  ROW(2),  ROW(3),  ROW(4),  ROW(5),  ROW(6),  ROW(7),  ROW(8),
    ROW(9),  ROW(10), ROW(11), ROW(12), ROW(13), ROW(14), ROW(15), ROW(16), ROW(17),
    ROW(18), ROW(19), ROW(20), ROW(21), ROW(22), ROW(23), ROW(24), ROW(25),
};

__attribute__((target("avx2"))) static void unpack_avx2(const uint8_t *packed, unsigned width,
                                                        uint32_t groups, uint32_t *output) {
    const shuffle_row *row = &shuffles[width];
    __m256i shuffle = _mm256_loadu_si256((const __m256i *)row->bytes);
    __m256i shifts = _mm256_loadu_si256((const __m256i *)row->shifts);
    __m256i mask = _mm256_set1_epi32((int)((UINT32_C(1) << width) - 1));
    size_t second = width / 2;
    for (uint32_t g = 0; g < groups; g++) {
        __m128i low = _mm_loadu_si128((const __m128i *)packed);
        __m128i high = _mm_loadu_si128((const __m128i *)(packed + second));
        __m256i both = _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
        __m256i lanes = _mm256_srlv_epi32(_mm256_shuffle_epi8(both, shuffle), shifts);
        _mm256_storeu_si256((__m256i *)output, _mm256_and_si256(lanes, mask));
        packed += width;
        output += 8;
    }
}

__attribute__((target("avx512f,avx512bw"))) static void
unpack_avx512(const uint8_t *packed, unsigned width, uint32_t groups, uint32_t *output) {
    const shuffle_row *row = &shuffles[width];
    __m512i shuffle = _mm512_broadcast_i64x4(_mm256_loadu_si256((const __m256i *)row->bytes));
    __m512i shifts = _mm512_broadcast_i64x4(_mm256_loadu_si256((const __m256i *)row->shifts));
    __m512i mask = _mm512_set1_epi32((int)((UINT32_C(1) << width) - 1));
    size_t second = width / 2;
    for (uint32_t g = 0; g < groups; g += 2) {
        const uint8_t *next = packed + width;
        __m512i bytes = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)packed));
        bytes = _mm512_inserti32x4(bytes, _mm_loadu_si128((const __m128i *)(packed + second)), 1);
        bytes = _mm512_inserti32x4(bytes, _mm_loadu_si128((const __m128i *)next), 2);
        bytes = _mm512_inserti32x4(bytes, _mm_loadu_si128((const __m128i *)(next + second)), 3);
        __m512i lanes = _mm512_srlv_epi32(_mm512_shuffle_epi8(bytes, shuffle), shifts);
        _mm512_storeu_si512(output, _mm512_and_si512(lanes, mask));
        packed += (size_t)width * 2;
        output += 16;
    }
}

/* Whole groups of eight; true if this CPU can. */
static bool unpack_groups(const uint8_t *packed, unsigned width, uint32_t groups,
                          uint32_t *output) {
    if (width > WIDEST_SHUFFLED) {
        return false;
    }
    if (groups >= 4 && __builtin_cpu_supports("avx512bw")) {
        uint32_t even = groups & ~UINT32_C(1);
        unpack_avx512(packed, width, even, output);
        packed += (size_t)even * width;
        output += (size_t)even * 8;
        groups -= even;
    }
    if (!__builtin_cpu_supports("avx2")) {
        return false;
    }
    unpack_avx2(packed, width, groups, output);
    return true;
}
#else
static bool unpack_groups(const uint8_t *packed, unsigned width, uint32_t groups,
                          uint32_t *output) {
    (void)packed;
    (void)width;
    (void)groups;
    (void)output;
    return false;
}
#endif

void gly_bit_unpack32(const uint8_t *packed, uint64_t first, unsigned width, uint32_t count,
                      uint32_t *output) {
    if (width == 0) {
        memset(output, 0, count * sizeof *output);
        return;
    }
    uint32_t head = (uint32_t)GLY_MIN((8 - first % 8) % 8, (uint64_t)count);
    if (head > 0) {
        unpack_plain(packed, first * width, width, head, output);
        first += head;
        output += head;
        count -= head;
    }
    uint32_t groups = (count + 7) / 8; /* the last one may write up to seven too many */
    if (groups > 0 && !unpack_groups(packed + first / 8 * width, width, groups, output)) {
        unpack_plain(packed, first * width, width, count, output);
    }
}

GLY_HOT
void gly_bit_unpack64(const uint8_t *packed, uint64_t first, unsigned width, uint32_t count,
                      uint64_t *output) {
    if (width == 0) {
        memset(output, 0, count * sizeof *output);
        return;
    }
    uint64_t mask = width == 64 ? UINT64_MAX : (UINT64_C(1) << width) - 1;
    uint64_t first_bit = first * width;
    if (width <= 56) {
        for (uint32_t i = 0; i < count; i++) {
            uint64_t bit = first_bit + (uint64_t)i * width;
            output[i] = (load64(packed + (bit >> 3)) >> (bit & 7)) & mask;
        }
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint64_t bit = first_bit + (uint64_t)i * width;
        unsigned shift = bit & 7;
        uint64_t low = load64(packed + (bit >> 3)) >> shift;
        uint64_t high = shift == 0 ? 0 : (uint64_t)packed[(bit >> 3) + 8] << (64 - shift);
        output[i] = (low | high) & mask;
    }
}
