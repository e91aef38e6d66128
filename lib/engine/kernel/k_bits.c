/* k_bits.c - byte masks to bits to selections.
 *
 * Comparing is ten times cheaper than building a selection, so filters compute byte masks for all
 * rows, pack them into bits, AND the bits (validity is bits too), and only then list the rows:
 * eight bits at a time through a table of positions, whose entries are u16 already so that one add
 * and one 16-byte store write up to eight rows.  Invariant: nothing here branches on the data but
 * for whole zero words.  The table costs 4 KiB of cache; the vector types are GCC's, not
 * intrinsics.
 */
#include "lib/engine/kernel/k_bits.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define BIT_LIST(n, b) ((n) >> (b)&1)
typedef uint16_t positions __attribute__((vector_size(16)));

typedef struct position_table {
    _Alignas(16) uint16_t rows[256][8];
} position_table;

/* Position of the k-th set bit of byte b, by constant expressions: count the bits below. */
#define BELOW(b, i)                                                                                \
    ((i) == 0 ? 0 : (BIT_LIST(b, 0) + ((i) > 1 ? BIT_LIST(b, 1) : 0) +                             \
                     ((i) > 2 ? BIT_LIST(b, 2) : 0) + ((i) > 3 ? BIT_LIST(b, 3) : 0) +             \
                     ((i) > 4 ? BIT_LIST(b, 4) : 0) + ((i) > 5 ? BIT_LIST(b, 5) : 0) +             \
                     ((i) > 6 ? BIT_LIST(b, 6) : 0)))
#define IS_KTH(b, i, k) (BIT_LIST(b, i) && BELOW(b, i) == (k))
#define KTH(b, k)                                                                                  \
    (IS_KTH(b, 0, k)   ? 0                                                                         \
     : IS_KTH(b, 1, k) ? 1                                                                         \
     : IS_KTH(b, 2, k) ? 2                                                                         \
     : IS_KTH(b, 3, k) ? 3                                                                         \
     : IS_KTH(b, 4, k) ? 4                                                                         \
     : IS_KTH(b, 5, k) ? 5                                                                         \
     : IS_KTH(b, 6, k) ? 6                                                                         \
     : IS_KTH(b, 7, k) ? 7                                                                         \
                       : 0)
#define ROW1(b)                                                                                    \
    {KTH(b, 0), KTH(b, 1), KTH(b, 2), KTH(b, 3), KTH(b, 4), KTH(b, 5), KTH(b, 6), KTH(b, 7)}
#define ROW4(b) ROW1(b), ROW1((b) + 1), ROW1((b) + 2), ROW1((b) + 3)
#define ROW16(b) ROW4(b), ROW4((b) + 4), ROW4((b) + 8), ROW4((b) + 12)
#define ROW64(b) ROW16(b), ROW16((b) + 16), ROW16((b) + 32), ROW16((b) + 48)
static const position_table table = {{ROW64(0), ROW64(64), ROW64(128), ROW64(192)}};

static uint64_t last_mask(uint32_t count) {
    return (count & 63) == 0 ? UINT64_MAX : (UINT64_C(1) << (count & 63)) - 1;
}

static inline uint64_t pack64(const uint8_t *bytes) {
    uint64_t word = 0;
#ifdef __SSE2__
    for (int i = 0; i < 4; i++) {
        __m128i part = _mm_loadu_si128((const __m128i *)(const void *)(bytes + i * 16));
        uint64_t mask = (uint32_t)_mm_movemask_epi8(_mm_slli_epi16(part, 7));
        word |= mask << (i * 16);
    }
#else
    for (int i = 0; i < 8; i++) {
        uint64_t part;
        memcpy(&part, bytes + i * 8, 8);
        word |= (((part & UINT64_C(0x0101010101010101)) * UINT64_C(0x0102040810204080)) >> 56)
                << (i * 8);
    }
#endif
    return word;
}

void gly_k_bits_from_bytes(const uint8_t *bytes, uint32_t count, uint64_t *bits) {
    uint32_t whole = count / 64;
    for (uint32_t w = 0; w < whole; w++) {
        bits[w] = pack64(bytes + (size_t)w * 64);
    }
    if (count % 64 != 0) {
        uint8_t tail[64] = {0}; /* so that callers' buffers need no padding */
        memcpy(tail, bytes + (size_t)whole * 64, count % 64);
        bits[whole] = pack64(tail);
    }
}

void gly_k_bits_to_bytes(const uint64_t *bits, uint32_t count, uint8_t *bytes) {
    for (uint32_t i = 0; i < count; i++) {
        bytes[i] = (bits[i >> 6] >> (i & 63)) & 1;
    }
}

GLY_KERNEL_CLONES
uint32_t gly_k_bits_to_selection(const uint64_t *bits, uint32_t count, uint16_t *selection) {
    uint32_t words = (uint32_t)gly_column_words(count);
    uint32_t written = 0;
    for (uint32_t w = 0; w < words; w++) {
        uint64_t word = bits[w];
        if (w + 1 == words) {
            word &= last_mask(count);
        }
        for (uint32_t base = w * 64; word != 0; word >>= 8, base += 8) {
            uint8_t part = (uint8_t)word;
            positions rows;
            memcpy(&rows, table.rows[part], 16);
            rows += (uint16_t)base;
            memcpy(selection + written, &rows, 16);
            written += (uint32_t)__builtin_popcount(part);
        }
    }
    return written;
}

void gly_k_bits_from_selection(const uint16_t *selection, uint32_t selected, uint32_t count,
                               uint64_t *bits) {
    memset(bits, 0, gly_column_words(count) * sizeof *bits);
    for (uint32_t i = 0; i < selected; i++) {
        bits[selection[i] >> 6] |= UINT64_C(1) << (selection[i] & 63);
    }
}

GLY_KERNEL_CLONES
uint32_t gly_k_bits_count(const uint64_t *bits, uint32_t count) {
    uint32_t words = (uint32_t)gly_column_words(count);
    uint32_t total = 0;
    for (uint32_t w = 0; w + 1 < words; w++) {
        total += (uint32_t)__builtin_popcountll(bits[w]);
    }
    if (words > 0) {
        total += (uint32_t)__builtin_popcountll(bits[words - 1] & last_mask(count));
    }
    return total;
}

void gly_k_bits_and(uint64_t *a, const uint64_t *b, uint32_t count) {
    uint32_t words = (uint32_t)gly_column_words(count);
    for (uint32_t w = 0; w < words; w++) {
        a[w] &= b[w];
    }
}

uint32_t gly_k_bits_filter(const uint64_t *bits, const uint16_t *selection, uint32_t selected,
                           uint16_t *out) {
    uint32_t written = 0;
    for (uint32_t i = 0; i < selected; i++) {
        uint16_t row = selection == NULL ? (uint16_t)i : selection[i];
        out[written] = row;
        written += (bits[row >> 6] >> (row & 63)) & 1;
    }
    return written;
}

uint32_t gly_k_bits_filter_bytes(const uint8_t *bytes, const uint16_t *selection,
                                 uint32_t selected, uint16_t *out) {
    uint32_t written = 0;
    for (uint32_t i = 0; i < selected; i++) {
        uint16_t row = selection == NULL ? (uint16_t)i : selection[i];
        out[written] = row;
        written += bytes[row] != 0;
    }
    return written;
}
