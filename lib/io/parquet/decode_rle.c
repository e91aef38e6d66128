/* decode_rle.c - run by run: a run-length run is filled, a bit-packed run is unpacked in bulk.
 *
 * Invariant: a run never claims bytes behind `end`: a bit-packed run that does is cut to the values
 * that are there (old writers cut the padding of the last run), a longer claim then fails at the
 * next run head.  Bits of levels are copied word by word, because a bit-packed run of width 1 IS a
 * validity bitmap.
 */
#include "lib/io/parquet/decode_rle.h"

#include "lib/io/parquet/bit_unpack.h"
#include "lib/io/parquet/hot.h"

void gly_decode_rle_open(gly_decode_rle *rle, const void *bytes, size_t size, unsigned width) {
    GLY_ASSERT(width <= 32);
    const uint8_t *start = bytes;
    *rle = (gly_decode_rle){.cursor = start, .end = start + size, .width = width};
}

static bool next_run(gly_decode_rle *rle) {
    while (rle->run_left == 0) {
        uint64_t head = 0;
        for (int shift = 0;; shift += 7) {
            if (rle->cursor == rle->end || shift > 35) {
                return false;
            }
            uint8_t byte = *rle->cursor++;
            head |= (uint64_t)(byte & 0x7f) << shift;
            if ((byte & 0x80) == 0) {
                break;
            }
        }
        size_t left = (size_t)(rle->end - rle->cursor);
        rle->is_packed = (head & 1) != 0;
        if (rle->is_packed) {
            uint64_t size = (head >> 1) * rle->width;
            rle->run_left = (head >> 1) * 8;
            if (size > left) {
                rle->run_left = left * 8 / rle->width;
                size = left;
                if (rle->run_left == 0) {
                    return false;
                }
            }
            rle->packed = rle->cursor;
            rle->packed_at = 0;
            rle->cursor += size;
        } else {
            size_t size = (rle->width + 7) / 8;
            if (size > left) {
                return false;
            }
            uint32_t value = 0;
            for (size_t i = 0; i < size; i++) {
                value |= (uint32_t)rle->cursor[i] << (8 * i);
            }
            if (rle->width < 32 && value >> rle->width != 0) {
                return false; /* callers rely on values of width bits */
            }
            rle->cursor += size;
            rle->value = value;
            rle->run_left = head >> 1;
        }
    }
    return true;
}

GLY_HOT_CLONES
static void fill(uint32_t *output, uint32_t count, uint32_t value) {
    for (uint32_t i = 0; i < count; i++) {
        output[i] = value;
    }
}

bool gly_decode_rle_read(gly_decode_rle *rle, uint32_t count, uint32_t *output) {
    while (count > 0) {
        if (rle->run_left == 0 && !next_run(rle)) {
            return false;
        }
        uint32_t take = (uint32_t)GLY_MIN(rle->run_left, (uint64_t)count);
        if (rle->is_packed) {
            gly_bit_unpack32(rle->packed, rle->packed_at, rle->width, take, output);
            rle->packed_at += take;
        } else {
            fill(output, take, rle->value);
        }
        rle->run_left -= take;
        output += take;
        count -= take;
    }
    return true;
}

bool gly_decode_rle_skip(gly_decode_rle *rle, uint64_t count) {
    while (count > 0) {
        if (rle->run_left == 0 && !next_run(rle)) {
            return false;
        }
        uint64_t take = GLY_MIN(rle->run_left, count);
        rle->packed_at += take;
        rle->run_left -= take;
        count -= take;
    }
    return true;
}

bool gly_decode_rle_take_run(gly_decode_rle *rle, uint64_t count, uint32_t *ret_value) {
    if (rle->run_left == 0 && !next_run(rle)) {
        return false;
    }
    if (rle->is_packed || rle->run_left < count) {
        return false;
    }
    rle->run_left -= count;
    *ret_value = rle->value;
    return true;
}

void gly_decode_rle_put_bits(uint64_t *bits, uint32_t at, uint64_t word, uint32_t count) {
    uint32_t shift = at & 63;
    if (count < 64) {
        word &= (UINT64_C(1) << count) - 1;
    }
    bits[at >> 6] |= word << shift;
    if (shift + count > 64) {
        bits[(at >> 6) + 1] |= word >> (64 - shift);
    }
}

/* Bits first .. first+count-1 (at most 56) of packed, LSB first. */
static uint64_t take_bits(const uint8_t *packed, uint64_t first, uint32_t count) {
    uint64_t word;
    memcpy(&word, packed + (first >> 3), 8);
    return (word >> (first & 7)) & ((UINT64_C(1) << count) - 1);
}

bool gly_decode_rle_bits(gly_decode_rle *rle, uint32_t count, uint64_t *bits, uint32_t at,
                         uint32_t *ret_ones) {
    uint32_t ones = 0;
    while (count > 0) {
        if (rle->run_left == 0 && !next_run(rle)) {
            return false;
        }
        uint32_t take = (uint32_t)GLY_MIN(rle->run_left, (uint64_t)count);
        for (uint32_t done = 0; done < take;) {
            uint32_t step = GLY_MIN(take - done, 56u);
            uint64_t word;
            if (rle->is_packed) {
                word = take_bits(rle->packed, rle->packed_at + done, step);
            } else {
                word = (rle->value & 1) != 0 ? (UINT64_C(1) << step) - 1 : 0;
            }
            gly_decode_rle_put_bits(bits, at + done, word, step);
            ones += (uint32_t)__builtin_popcountll(word);
            done += step;
        }
        rle->packed_at += take;
        rle->run_left -= take;
        at += take;
        count -= take;
    }
    *ret_ones = ones;
    return true;
}

bool gly_decode_rle_count(gly_decode_rle *rle, uint64_t count, uint64_t *ret_ones) {
    uint64_t ones = 0;
    while (count > 0) {
        if (rle->run_left == 0 && !next_run(rle)) {
            return false;
        }
        uint64_t take = GLY_MIN(rle->run_left, count);
        if (!rle->is_packed) {
            ones += (rle->value & 1) * take;
        } else {
            for (uint64_t done = 0; done < take; done += 56) {
                uint64_t word = take_bits(rle->packed, rle->packed_at + done,
                                          (uint32_t)GLY_MIN(take - done, UINT64_C(56)));
                ones += (uint32_t)__builtin_popcountll(word);
            }
        }
        rle->packed_at += take;
        rle->run_left -= take;
        count -= take;
    }
    *ret_ones = ones;
    return true;
}

GLY_HOT_CLONES
uint32_t gly_decode_rle_largest(const uint32_t *values, uint32_t count) {
    uint32_t largest = 0;
    for (uint32_t i = 0; i < count; i++) {
        largest = values[i] > largest ? values[i] : largest;
    }
    return largest;
}
