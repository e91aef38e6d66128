/* fn_hash.c - the hashes users see, bit by bit as Spark computes them.
 *
 * The hash of several arguments is a chain: each one's hash with the hash so far as seed; a NULL
 * leaves it as it is.  Small integers, dates and booleans are hashed as 32-bit, the rest as 64-bit
 * numbers or bytes; a decimal beyond 18 digits by its shortest big-endian two's complement.
 * hash(): MurmurHash3_x86_32 (Appleby, public domain), except that Spark's takes the last 1 to 3
 * bytes one by one as signed numbers.  xxhash64(): XXH64 (Collet, specification of xxHash).
 * Inside tables and shuffles lib/base/hash.h is used instead.
 */
#include "lib/engine/function/fn_hash.h"

#include <math.h>

static inline uint32_t rotate32(uint32_t value, int bits) {
    return value << bits | value >> (32 - bits);
}

static inline uint64_t rotate64(uint64_t value, int bits) {
    return value << bits | value >> (64 - bits);
}

/* MurmurHash3 */

static uint32_t murmur_mix(uint32_t hash, uint32_t block) {
    block *= 0xcc9e2d51;
    block = rotate32(block, 15) * 0x1b873593;
    return rotate32(hash ^ block, 13) * 5 + 0xe6546b64;
}

static uint32_t murmur_finish(uint32_t hash, uint32_t size) {
    hash ^= size;
    hash = (hash ^ hash >> 16) * 0x85ebca6b;
    hash = (hash ^ hash >> 13) * 0xc2b2ae35;
    return hash ^ hash >> 16;
}

uint32_t gly_fn_hash_murmur3_bytes(const void *bytes, size_t size, uint32_t seed) {
    const uint8_t *at = bytes;
    uint32_t hash = seed, block = 0;
    for (size_t i = 0; i + 4 <= size; i += 4) {
        memcpy(&block, at + i, 4);
        hash = murmur_mix(hash, block);
    }
    size_t tail = size & ~(size_t)3;
    block = 0;
    for (size_t i = size; i > tail; i--) {
        block = block << 8 | at[i - 1];
    }
    if (size > tail) {
        hash ^= rotate32(block * 0xcc9e2d51, 15) * 0x1b873593;
    }
    return murmur_finish(hash, (uint32_t)size);
}

static uint64_t murmur_int(uint32_t value, uint64_t seed) {
    return murmur_finish(murmur_mix((uint32_t)seed, value), 4);
}

static uint64_t murmur_long(uint64_t value, uint64_t seed) {
    uint32_t hash = murmur_mix((uint32_t)seed, (uint32_t)value);
    return murmur_finish(murmur_mix(hash, (uint32_t)(value >> 32)), 8);
}

/* Spark's own tail: every byte left is a block of its own. */
static uint64_t murmur_spark(const void *bytes, size_t size, uint64_t seed) {
    const uint8_t *at = bytes;
    uint32_t hash = (uint32_t)seed, block;
    size_t i = 0;
    for (; i + 4 <= size; i += 4) {
        memcpy(&block, at + i, 4);
        hash = murmur_mix(hash, block);
    }
    for (; i < size; i++) {
        hash = murmur_mix(hash, (uint32_t)(int32_t)(int8_t)at[i]);
    }
    return murmur_finish(hash, (uint32_t)size);
}

/* XXH64 */

static const uint64_t P1 = UINT64_C(0x9E3779B185EBCA87), P2 = UINT64_C(0xC2B2AE3D27D4EB4F);
static const uint64_t P3 = UINT64_C(0x165667B19E3779F9), P4 = UINT64_C(0x85EBCA77C2B2AE63);
static const uint64_t P5 = UINT64_C(0x27D4EB2F165667C5);

static uint64_t xx_finish(uint64_t hash) {
    hash = (hash ^ hash >> 33) * P2;
    hash = (hash ^ hash >> 29) * P3;
    return hash ^ hash >> 32;
}

static uint64_t xx_round(uint64_t accumulator, uint64_t lane) {
    return rotate64(accumulator + lane * P2, 31) * P1;
}

static uint64_t xx_word(uint64_t hash, uint64_t lane) {
    return rotate64(hash ^ xx_round(0, lane), 27) * P1 + P4;
}

static uint64_t xx_half(uint64_t hash, uint32_t lane) {
    return rotate64(hash ^ (uint64_t)lane * P1, 23) * P2 + P3;
}

static uint64_t xx_int(uint32_t value, uint64_t seed) {
    return xx_finish(xx_half(seed + P5 + 4, value));
}

static uint64_t xx_long(uint64_t value, uint64_t seed) {
    return xx_finish(xx_word(seed + P5 + 8, value));
}

static uint64_t xx_bytes(const void *bytes, size_t size, uint64_t seed) {
    const uint8_t *at = bytes, *end = at + size;
    uint64_t hash = seed + P5, lane;
    if (size >= 32) {
        uint64_t lanes[4] = {seed + P1 + P2, seed + P2, seed, seed - P1};
        for (; end - at >= 32; at += 32) {
            for (int i = 0; i < 4; i++) {
                memcpy(&lane, at + 8 * i, 8);
                lanes[i] = xx_round(lanes[i], lane);
            }
        }
        hash = rotate64(lanes[0], 1) + rotate64(lanes[1], 7) + rotate64(lanes[2], 12) +
               rotate64(lanes[3], 18);
        for (int i = 0; i < 4; i++) {
            hash = (hash ^ xx_round(0, lanes[i])) * P1 + P4;
        }
    }
    hash += size;
    for (; end - at >= 8; at += 8) {
        memcpy(&lane, at, 8);
        hash = xx_word(hash, lane);
    }
    if (end - at >= 4) {
        uint32_t half;
        memcpy(&half, at, 4);
        hash = xx_half(hash, half);
        at += 4;
    }
    for (; at < end; at++) {
        hash = rotate64(hash ^ *at * P5, 11) * P1;
    }
    return xx_finish(hash);
}

/* rows */

typedef struct hasher {
    uint64_t (*of_int)(uint32_t value, uint64_t seed);
    uint64_t (*of_long)(uint64_t value, uint64_t seed);
    uint64_t (*of_bytes)(const void *bytes, size_t size, uint64_t seed);
} hasher;

/* BigInteger.toByteArray: big-endian, as short as the sign allows. */
static uint64_t hash_wide(const hasher *with, gly_i128 value, uint64_t seed) {
    uint8_t bytes[16];
    for (int i = 0; i < 16; i++) {
        bytes[i] = (uint8_t)((gly_u128)value >> (120 - 8 * i));
    }
    int first = 0;
    uint8_t fill = value < 0 ? 0xff : 0;
    while (first < 15 && bytes[first] == fill && (bytes[first + 1] >> 7) == (fill >> 7)) {
        first++;
    }
    return with->of_bytes(bytes + first, (size_t)(16 - first), seed);
}

static uint64_t hash_float(const hasher *with, float value, uint64_t seed) {
    uint32_t bits;
    value = value == 0 ? 0 : value;
    memcpy(&bits, &value, 4);
    return with->of_int(isnan(value) ? 0x7fc00000 : bits, seed);
}

static uint64_t hash_double(const hasher *with, double value, uint64_t seed) {
    uint64_t bits;
    value = value == 0 ? 0 : value;
    memcpy(&bits, &value, 8);
    return with->of_long(isnan(value) ? UINT64_C(0x7ff8000000000000) : bits, seed);
}

static uint64_t hash_value(const gly_call *call, const hasher *with, uint32_t j, uint32_t row,
                           uint64_t seed) {
    switch (gly_type_kind(call->args[j].type)) {
    case GLY_KIND_I8:
    case GLY_KIND_I16:
    case GLY_KIND_I32:
        return with->of_int((uint32_t)gly_call_integer(call, j, row), seed);
    case GLY_KIND_I64:
        return with->of_long((uint64_t)GLY_CALL_ARG(call, j, int64_t, row), seed);
    case GLY_KIND_I128:
        return hash_wide(with, GLY_CALL_ARG(call, j, gly_i128, row), seed);
    case GLY_KIND_F32:
        return hash_float(with, GLY_CALL_ARG(call, j, float, row), seed);
    case GLY_KIND_F64:
        return hash_double(with, GLY_CALL_ARG(call, j, double, row), seed);
    case GLY_KIND_TEXT: {
        gly_str text = gly_call_text(call, j, row);
        return with->of_bytes(text.data, text.size, seed);
    }
    case GLY_KIND_COUNT:
        break;
    }
    GLY_UNREACHABLE();
}

static uint64_t hash_row(const gly_call *call, const hasher *with, uint32_t row) {
    uint64_t hash = 42;
    for (uint32_t j = 0; j < call->arg_count; j++) {
        if (call->args[j].type.id != GLY_TYPE_NULL && gly_call_arg_valid(call, j, row)) {
            hash = hash_value(call, with, j, row, hash);
        }
    }
    return hash;
}

gly_status gly_fn_hash_murmur3(gly_call *call, gly_error *err) {
    static const hasher murmur = {murmur_int, murmur_long, murmur_spark};
    (void)err;
    GLY_CALL_EACH(call, row) {
        GLY_CALL_RESULT(call, int32_t)[row] = (int32_t)hash_row(call, &murmur, row);
    }
    return GLY_OK;
}

gly_status gly_fn_hash_xxhash64(gly_call *call, gly_error *err) {
    static const hasher xx = {xx_int, xx_long, xx_bytes};
    (void)err;
    GLY_CALL_EACH(call, row) {
        GLY_CALL_RESULT(call, int64_t)[row] = (int64_t)hash_row(call, &xx, row);
    }
    return GLY_OK;
}
