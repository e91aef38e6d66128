/* decode_plain.c - PLAIN text, booleans, BYTE_STREAM_SPLIT, dictionary gather, spreading over
 * nulls.
 *
 * PLAIN text is stored as u32 size and bytes, which is exactly the layout of a short gly_text: one
 * unaligned 16-byte load and a mask by size make the view; for long text the second half is
 * replaced by the pointer.  No branch per value but the bounds check.
 */
#include "lib/io/parquet/decode_plain.h"

#include "lib/io/parquet/hot.h"

/* Which bytes of the 16 (size included) a text of so many bytes uses; beyond 12 all of the first
 * half: size and prefix. */
static const uint64_t low_masks[14] = {
    0x00000000ffffffff, 0x000000ffffffffff, 0x0000ffffffffffff, 0x00ffffffffffffff, UINT64_MAX,
    UINT64_MAX,         UINT64_MAX,         UINT64_MAX,         UINT64_MAX,         UINT64_MAX,
    UINT64_MAX,         UINT64_MAX,         UINT64_MAX,         UINT64_MAX};
static const uint64_t high_masks[14] = {0,
                                        0,
                                        0,
                                        0,
                                        0,
                                        0xff,
                                        0xffff,
                                        0xffffff,
                                        0xffffffff,
                                        0xffffffffff,
                                        0xffffffffffff,
                                        0xffffffffffffff,
                                        UINT64_MAX,
                                        0};

const uint8_t *gly_decode_plain_text(const uint8_t *cursor, const uint8_t *end, uint32_t count,
                                     gly_text *output) {
    for (uint32_t i = 0; i < count; i++) {
        uint64_t words[2];
        if (end - cursor < 4) {
            return NULL;
        }
        memcpy(words, cursor, 16);
        uint32_t size = (uint32_t)words[0];
        if (size > (uint64_t)(end - cursor - 4)) {
            return NULL;
        }
        uint32_t row = GLY_MIN(size, 13u);
        uint64_t pointer = (uint64_t)(uintptr_t)(cursor + 4);
        words[0] &= low_masks[row];
        uint64_t rest = words[1] & high_masks[row];
        words[1] = size <= GLY_TEXT_INLINE ? rest : pointer;
        memcpy(&output[i], words, 16);
        cursor += 4 + size;
    }
    return cursor;
}

const uint8_t *gly_decode_plain_skip_text(const uint8_t *cursor, const uint8_t *end,
                                          uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        uint32_t size;
        if (end - cursor < 4) {
            return NULL;
        }
        memcpy(&size, cursor, 4);
        if (size > (uint64_t)(end - cursor - 4)) {
            return NULL;
        }
        cursor += 4 + (size_t)size;
    }
    return cursor;
}

GLY_HOT_CLONES
void gly_decode_plain_bits(const uint8_t *bits, uint64_t first, uint32_t count, uint8_t *output) {
    for (uint32_t i = 0; i < count; i++) {
        uint64_t at = first + i;
        output[i] = (bits[at >> 3] >> (at & 7)) & 1;
    }
}

GLY_HOT_CLONES
static void split4(const uint8_t *bytes, uint64_t total, uint32_t count, uint8_t *restrict output) {
    const uint8_t *b0 = bytes;
    const uint8_t *b1 = bytes + total;
    const uint8_t *b2 = bytes + total * 2;
    const uint8_t *b3 = bytes + total * 3;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t value =
            (uint32_t)b0[i] | (uint32_t)b1[i] << 8 | (uint32_t)b2[i] << 16 | (uint32_t)b3[i] << 24;
        memcpy(output + (size_t)i * 4, &value, 4);
    }
}

GLY_HOT_CLONES
static void split8(const uint8_t *bytes, uint64_t total, uint32_t count, uint8_t *restrict output) {
    for (uint32_t i = 0; i < count; i++) {
        uint64_t value = 0;
        for (uint32_t b = 0; b < 8; b++) {
            value |= (uint64_t)bytes[b * total + i] << (8 * b);
        }
        memcpy(output + (size_t)i * 8, &value, 8);
    }
}

void gly_decode_plain_split(const uint8_t *bytes, uint64_t total, uint32_t width, uint64_t first,
                            uint32_t count, uint8_t *output) {
    bytes += first;
    if (width == 4) {
        split4(bytes, total, count, output);
    } else if (width == 8) {
        split8(bytes, total, count, output);
    } else {
        for (uint32_t b = 0; b < width; b++) {
            for (uint32_t i = 0; i < count; i++) {
                output[(size_t)i * width + b] = bytes[b * total + i];
            }
        }
    }
}

/* ---- gather and spread ---------------------------------------------------------------------- */

#define GATHER(name, type)                                                                         \
    GLY_HOT_CLONES static void name(const type *restrict dictionary,                               \
                                    const uint32_t *restrict codes, uint32_t count,                \
                                    type *restrict output) {                                       \
        for (uint32_t i = 0; i < count; i++) {                                                     \
            output[i] = dictionary[codes[i]];                                                      \
        }                                                                                          \
    }

GATHER(gather1, uint8_t)
GATHER(gather2, uint16_t)
GATHER(gather4, uint32_t)
GATHER(gather8, uint64_t)
GATHER(gather16, gly_u128)

void gly_decode_plain_gather(const void *dictionary, const uint32_t *codes, uint32_t count,
                             size_t width, void *output) {
    switch (width) {
    case 1:
        gather1(dictionary, codes, count, output);
        break;
    case 2:
        gather2(dictionary, codes, count, output);
        break;
    case 4:
        gather4(dictionary, codes, count, output);
        break;
    case 8:
        gather8(dictionary, codes, count, output);
        break;
    case 16:
        gather16(dictionary, codes, count, output);
        break;
    default:
        GLY_UNREACHABLE();
    }
}

#define SPREAD(name, type)                                                                         \
    static void name(const type *restrict dense, const uint64_t *restrict validity, uint32_t at,   \
                     uint32_t count, type *restrict output) {                                      \
        for (uint32_t i = 0; i < count; i++) {                                                     \
            output[i] = *dense;                                                                    \
            dense += (validity[(at + i) >> 6] >> ((at + i) & 63)) & 1;                             \
        }                                                                                          \
    }

SPREAD(spread1, uint8_t)
SPREAD(spread2, uint16_t)
SPREAD(spread4, uint32_t)
SPREAD(spread8, uint64_t)
SPREAD(spread16, gly_u128)

void gly_decode_plain_spread(const void *dense, const uint64_t *validity, uint32_t at,
                             uint32_t count, size_t width, void *output) {
    switch (width) {
    case 1:
        spread1(dense, validity, at, count, output);
        break;
    case 2:
        spread2(dense, validity, at, count, output);
        break;
    case 4:
        spread4(dense, validity, at, count, output);
        break;
    case 8:
        spread8(dense, validity, at, count, output);
        break;
    case 16:
        spread16(dense, validity, at, count, output);
        break;
    default:
        GLY_UNREACHABLE();
    }
}
