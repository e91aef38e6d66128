/* fn_digest.c - md5, sha1, sha2, crc32 of a row's bytes, as lower-case digits.
 *
 * Written from RFC 1321 (MD5), FIPS 180-4 (SHA) and ISO 3309 (CRC-32); they are for people who
 * compare data with what other programs computed, not for secrets, whose code is OpenSSL in
 * lib/net. All four digests work the same way: whole blocks from the row's own bytes, then a tail
 * with the padding and the length.  SHA-224 and SHA-256 take their constants from SHA-384 and
 * SHA-512: the first 32 bits of the same roots.
 */
#include "lib/engine/function/fn_digest.h"

enum { MOST_BLOCK = 128, MOST_WORDS = 8 };

typedef union words {
    uint32_t narrow[MOST_WORDS];
    uint64_t wide[MOST_WORDS];
} words;

typedef struct algorithm {
    size_t block_size;
    size_t length_size; /* bytes of the message's length, at the end of the padding */
    bool is_little;
    bool is_wide; /* 64-bit words */
    size_t size_bytes;
    void (*start)(words *state);
    void (*compress)(words *state, const uint8_t *block);
} algorithm;

static inline uint32_t left32(uint32_t value, unsigned bits) {
    return value << bits | value >> (32 - bits);
}

static inline uint32_t right32(uint32_t value, unsigned bits) { return left32(value, 32 - bits); }

static inline uint64_t right64(uint64_t value, unsigned bits) {
    return value >> bits | value << (64 - bits);
}

static uint32_t load_little32(const uint8_t *at) {
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint32_t load_big32(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint64_t load_big64(const uint8_t *at) {
    return (uint64_t)load_big32(at) << 32 | load_big32(at + 4);
}

/* MD5 */

/* floor(2^32 * |sin(i + 1)|) */
static const uint32_t md5_sines[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};

static void start_md5(words *state) {
    static const uint32_t first[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
    memcpy(state->narrow, first, sizeof first);
}

static void compress_md5(words *state, const uint8_t *block) {
    static const uint8_t shifts[4][4] = {
        {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
    uint32_t *h = state->narrow, a = h[0], b = h[1], c = h[2], d = h[3];
    for (unsigned i = 0; i < 64; i++) {
        uint32_t mixed;
        unsigned word;
        switch (i / 16) {
        case 0:
            mixed = (b & c) | (~b & d);
            word = i;
            break;
        case 1:
            mixed = (b & d) | (c & ~d);
            word = (5 * i + 1) % 16;
            break;
        case 2:
            mixed = b ^ c ^ d;
            word = (3 * i + 5) % 16;
            break;
        default:
            mixed = c ^ (b | ~d);
            word = 7 * i % 16;
            break;
        }
        mixed += a + md5_sines[i] + load_little32(block + (size_t)4 * word);
        a = d;
        d = c;
        c = b;
        b += left32(mixed, shifts[i / 16][i % 4]);
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
}

/* SHA-1 */

static void start_sha1(words *state) {
    start_md5(state);
    state->narrow[4] = 0xc3d2e1f0;
}

static void compress_sha1(words *state, const uint8_t *block) {
    static const uint32_t constants[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
    uint32_t w[80];
    for (size_t i = 0; i < 80; i++) {
        w[i] = i < 16 ? load_big32(block + 4 * i)
                      : left32(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    }
    uint32_t *h = state->narrow, a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
    for (size_t i = 0; i < 80; i++) {
        uint32_t mixed = i < 20   ? (b & c) | (~b & d)
                         : i < 40 ? b ^ c ^ d
                         : i < 60 ? (b & c) | (b & d) | (c & d)
                                  : b ^ c ^ d;
        mixed += left32(a, 5) + e + constants[i / 20] + w[i];
        e = d;
        d = c;
        c = left32(b, 30);
        b = a;
        a = mixed;
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
}

/* SHA-2 */

/* The fractions of the cube roots of the first 80 primes. */
static const uint64_t sha2_constants[80] = {
    UINT64_C(0x428a2f98d728ae22), UINT64_C(0x7137449123ef65cd), UINT64_C(0xb5c0fbcfec4d3b2f),
    UINT64_C(0xe9b5dba58189dbbc), UINT64_C(0x3956c25bf348b538), UINT64_C(0x59f111f1b605d019),
    UINT64_C(0x923f82a4af194f9b), UINT64_C(0xab1c5ed5da6d8118), UINT64_C(0xd807aa98a3030242),
    UINT64_C(0x12835b0145706fbe), UINT64_C(0x243185be4ee4b28c), UINT64_C(0x550c7dc3d5ffb4e2),
    UINT64_C(0x72be5d74f27b896f), UINT64_C(0x80deb1fe3b1696b1), UINT64_C(0x9bdc06a725c71235),
    UINT64_C(0xc19bf174cf692694), UINT64_C(0xe49b69c19ef14ad2), UINT64_C(0xefbe4786384f25e3),
    UINT64_C(0x0fc19dc68b8cd5b5), UINT64_C(0x240ca1cc77ac9c65), UINT64_C(0x2de92c6f592b0275),
    UINT64_C(0x4a7484aa6ea6e483), UINT64_C(0x5cb0a9dcbd41fbd4), UINT64_C(0x76f988da831153b5),
    UINT64_C(0x983e5152ee66dfab), UINT64_C(0xa831c66d2db43210), UINT64_C(0xb00327c898fb213f),
    UINT64_C(0xbf597fc7beef0ee4), UINT64_C(0xc6e00bf33da88fc2), UINT64_C(0xd5a79147930aa725),
    UINT64_C(0x06ca6351e003826f), UINT64_C(0x142929670a0e6e70), UINT64_C(0x27b70a8546d22ffc),
    UINT64_C(0x2e1b21385c26c926), UINT64_C(0x4d2c6dfc5ac42aed), UINT64_C(0x53380d139d95b3df),
    UINT64_C(0x650a73548baf63de), UINT64_C(0x766a0abb3c77b2a8), UINT64_C(0x81c2c92e47edaee6),
    UINT64_C(0x92722c851482353b), UINT64_C(0xa2bfe8a14cf10364), UINT64_C(0xa81a664bbc423001),
    UINT64_C(0xc24b8b70d0f89791), UINT64_C(0xc76c51a30654be30), UINT64_C(0xd192e819d6ef5218),
    UINT64_C(0xd69906245565a910), UINT64_C(0xf40e35855771202a), UINT64_C(0x106aa07032bbd1b8),
    UINT64_C(0x19a4c116b8d2d0c8), UINT64_C(0x1e376c085141ab53), UINT64_C(0x2748774cdf8eeb99),
    UINT64_C(0x34b0bcb5e19b48a8), UINT64_C(0x391c0cb3c5c95a63), UINT64_C(0x4ed8aa4ae3418acb),
    UINT64_C(0x5b9cca4f7763e373), UINT64_C(0x682e6ff3d6b2b8a3), UINT64_C(0x748f82ee5defb2fc),
    UINT64_C(0x78a5636f43172f60), UINT64_C(0x84c87814a1f0ab72), UINT64_C(0x8cc702081a6439ec),
    UINT64_C(0x90befffa23631e28), UINT64_C(0xa4506cebde82bde9), UINT64_C(0xbef9a3f7b2c67915),
    UINT64_C(0xc67178f2e372532b), UINT64_C(0xca273eceea26619c), UINT64_C(0xd186b8c721c0c207),
    UINT64_C(0xeada7dd6cde0eb1e), UINT64_C(0xf57d4f7fee6ed178), UINT64_C(0x06f067aa72176fba),
    UINT64_C(0x0a637dc5a2c898a6), UINT64_C(0x113f9804bef90dae), UINT64_C(0x1b710b35131c471b),
    UINT64_C(0x28db77f523047d84), UINT64_C(0x32caab7b40c72493), UINT64_C(0x3c9ebe0a15c9bebc),
    UINT64_C(0x431d67c49c100d4c), UINT64_C(0x4cc5d4becb3e42b6), UINT64_C(0x597f299cfc657e2a),
    UINT64_C(0x5fcb6fab3ad6faec), UINT64_C(0x6c44198c4a475817),
};

/* The fractions of the square roots of the first 8 primes, and of the next 8. */
static const uint64_t start_512[8] = {
    UINT64_C(0x6a09e667f3bcc908), UINT64_C(0xbb67ae8584caa73b), UINT64_C(0x3c6ef372fe94f82b),
    UINT64_C(0xa54ff53a5f1d36f1), UINT64_C(0x510e527fade682d1), UINT64_C(0x9b05688c2b3e6c1f),
    UINT64_C(0x1f83d9abfb41bd6b), UINT64_C(0x5be0cd19137e2179),
};
static const uint64_t start_384[8] = {
    UINT64_C(0xcbbb9d5dc1059ed8), UINT64_C(0x629a292a367cd507), UINT64_C(0x9159015a3070dd17),
    UINT64_C(0x152fecd8f70e5939), UINT64_C(0x67332667ffc00b31), UINT64_C(0x8eb44a8768581511),
    UINT64_C(0xdb0c2e0d64f98fa7), UINT64_C(0x47b5481dbefa4fa4),
};

static void start_sha512(words *state) { memcpy(state->wide, start_512, sizeof start_512); }

static void start_sha384(words *state) { memcpy(state->wide, start_384, sizeof start_384); }

static void start_sha256(words *state) {
    for (size_t i = 0; i < 8; i++) {
        state->narrow[i] = (uint32_t)(start_512[i] >> 32);
    }
}

static void start_sha224(words *state) {
    for (size_t i = 0; i < 8; i++) {
        state->narrow[i] = (uint32_t)start_384[i];
    }
}

static void compress_sha256(words *state, const uint8_t *block) {
    uint32_t w[64], v[8];
    for (size_t i = 0; i < 16; i++) {
        w[i] = load_big32(block + 4 * i);
    }
    for (size_t i = 16; i < 64; i++) {
        uint32_t s0 = right32(w[i - 15], 7) ^ right32(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t s1 = right32(w[i - 2], 17) ^ right32(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    memcpy(v, state->narrow, sizeof v);
    for (size_t i = 0; i < 64; i++) {
        uint32_t a = v[0], e = v[4];
        uint32_t t1 = v[7] + (right32(e, 6) ^ right32(e, 11) ^ right32(e, 25)) +
                      ((e & v[5]) ^ (~e & v[6])) + (uint32_t)(sha2_constants[i] >> 32) + w[i];
        uint32_t t2 = (right32(a, 2) ^ right32(a, 13) ^ right32(a, 22)) +
                      ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof *v);
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (size_t i = 0; i < 8; i++) {
        state->narrow[i] += v[i];
    }
}

static void compress_sha512(words *state, const uint8_t *block) {
    uint64_t w[80], v[8];
    for (size_t i = 0; i < 16; i++) {
        w[i] = load_big64(block + 8 * i);
    }
    for (size_t i = 16; i < 80; i++) {
        uint64_t s0 = right64(w[i - 15], 1) ^ right64(w[i - 15], 8) ^ w[i - 15] >> 7;
        uint64_t s1 = right64(w[i - 2], 19) ^ right64(w[i - 2], 61) ^ w[i - 2] >> 6;
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    memcpy(v, state->wide, sizeof v);
    for (size_t i = 0; i < 80; i++) {
        uint64_t a = v[0], e = v[4];
        uint64_t t1 = v[7] + (right64(e, 14) ^ right64(e, 18) ^ right64(e, 41)) +
                      ((e & v[5]) ^ (~e & v[6])) + sha2_constants[i] + w[i];
        uint64_t t2 = (right64(a, 28) ^ right64(a, 34) ^ right64(a, 39)) +
                      ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof *v);
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (size_t i = 0; i < 8; i++) {
        state->wide[i] += v[i];
    }
}

/* messages */

static const algorithm md5 = {64, 8, true, false, 16, start_md5, compress_md5};
static const algorithm sha1 = {64, 8, false, false, 20, start_sha1, compress_sha1};
static const algorithm sha224 = {64, 8, false, false, 28, start_sha224, compress_sha256};
static const algorithm sha256 = {64, 8, false, false, 32, start_sha256, compress_sha256};
static const algorithm sha384 = {128, 16, false, true, 48, start_sha384, compress_sha512};
static const algorithm sha512 = {128, 16, false, true, 64, start_sha512, compress_sha512};

/* What is left, a bit 1, zeros, and the length in bits: one or two blocks. */
static void finish(const algorithm *with, words *state, gly_str bytes, size_t at) {
    uint8_t tail[2 * MOST_BLOCK] = {0};
    size_t left = bytes.size - at;
    memcpy(tail, bytes.data + at, left);
    tail[left] = 0x80;
    size_t size =
        left + 1 + with->length_size <= with->block_size ? with->block_size : 2 * with->block_size;
    uint64_t bits = (uint64_t)bytes.size * 8;
    for (size_t i = 0; i < 8; i++) {
        tail[with->is_little ? size - 8 + i : size - 1 - i] = (uint8_t)(bits >> 8 * i);
    }
    for (size_t i = 0; i < size; i += with->block_size) {
        with->compress(state, tail + i);
    }
}

static void put_digest(gly_call *call, uint32_t row, const algorithm *with) {
    static const char digits[] = "0123456789abcdef";
    gly_str bytes = gly_call_text(call, 0, row);
    words state;
    size_t at = 0;
    with->start(&state);
    for (; bytes.size - at >= with->block_size; at += with->block_size) {
        with->compress(&state, (const uint8_t *)bytes.data + at);
    }
    finish(with, &state, bytes, at);
    char text[2 * 64];
    size_t width = with->is_wide ? 8 : 4;
    for (size_t i = 0; i < with->size_bytes; i++) {
        uint64_t word = with->is_wide ? state.wide[i / width] : state.narrow[i / width];
        size_t place = with->is_little ? i % width : width - 1 - i % width;
        unsigned byte = (unsigned)(word >> 8 * place) & 0xff;
        text[2 * i] = digits[byte >> 4];
        text[2 * i + 1] = digits[byte & 15];
    }
    gly_call_put_text(call, row, (gly_str){text, 2 * with->size_bytes});
}

gly_status gly_fn_digest_md5(gly_call *call, gly_error *err) {
    (void)err;
    GLY_CALL_EACH(call, row) { put_digest(call, row, &md5); }
    return GLY_OK;
}

gly_status gly_fn_digest_sha1(gly_call *call, gly_error *err) {
    (void)err;
    GLY_CALL_EACH(call, row) { put_digest(call, row, &sha1); }
    return GLY_OK;
}

/* NULL for any other number of bits; 0 is 256. */
static const algorithm *sha2_of(int32_t bits) {
    switch (bits) {
    case 224:
        return &sha224;
    case 0:
    case 256:
        return &sha256;
    case 384:
        return &sha384;
    case 512:
        return &sha512;
    default:
        return NULL;
    }
}

gly_status gly_fn_digest_sha2(gly_call *call, gly_error *err) {
    (void)err;
    GLY_CALL_EACH(call, row) {
        const algorithm *with = sha2_of(GLY_CALL_ARG(call, 1, int32_t, row));
        if (with == NULL) {
            gly_call_set_null(call, row);
            gly_call_put_view(call, row, (gly_str){"", 0});
        } else {
            put_digest(call, row, with);
        }
    }
    return GLY_OK;
}

/* CRC-32, four bits at a time: the table stays in one line of the cache or two. */
static uint32_t crc32_of(gly_str bytes) {
    static const uint32_t steps[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
                                       0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
                                       0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                       0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    uint32_t crc = ~0u;
    for (size_t i = 0; i < bytes.size; i++) {
        crc ^= (unsigned char)bytes.data[i];
        crc = crc >> 4 ^ steps[crc & 15];
        crc = crc >> 4 ^ steps[crc & 15];
    }
    return ~crc;
}

gly_status gly_fn_digest_crc32(gly_call *call, gly_error *err) {
    (void)err;
    GLY_CALL_EACH(call, row) {
        GLY_CALL_RESULT(call, int64_t)[row] = crc32_of(gly_call_text(call, 0, row));
    }
    return GLY_OK;
}
