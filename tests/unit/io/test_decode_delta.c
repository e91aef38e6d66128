/* test_decode_delta.c - delta encodings against a small encoder, and the format's own example. */
#include "lib/base/alloc.h"
#include "lib/base/random.h"
#include "lib/data/batch.h"
#include "lib/io/parquet/bit_unpack.h"
#include "lib/io/parquet/decode_delta.h"
#include "tests/support/check.h"

static void add_varint(gly_builder *out, uint64_t value) {
    while (value >= 0x80) {
        gly_builder_add_char(out, (char)(value | 0x80));
        value >>= 7;
    }
    gly_builder_add_char(out, (char)value);
}

static void add_zigzag(gly_builder *out, int64_t value) {
    add_varint(out, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
}

/* The simplest correct encoder: blocks of 128 in 4 miniblocks, one width for each. */
static void encode(gly_builder *out, const int64_t *values, uint32_t count) {
    add_varint(out, 128);
    add_varint(out, 4);
    add_varint(out, count);
    add_zigzag(out, count > 0 ? values[0] : 0);
    for (uint32_t block = 1; block < count; block += 128) {
        uint32_t size = GLY_MIN(count - block, 128u);
        uint64_t deltas[128];
        int64_t least = INT64_MAX;
        for (uint32_t i = 0; i < size; i++) {
            deltas[i] = (uint64_t)values[block + i] - (uint64_t)values[block + i - 1];
            least = GLY_MIN(least, (int64_t)deltas[i]);
        }
        add_zigzag(out, least);
        uint8_t widths[4] = {0};
        for (uint32_t i = 0; i < size; i++) {
            uint64_t delta = deltas[i] - (uint64_t)least;
            unsigned bits = delta == 0 ? 0 : 64 - (unsigned)__builtin_clzll(delta);
            widths[i / 32] = (uint8_t)GLY_MAX(widths[i / 32], bits);
        }
        gly_builder_add(out, widths, 4);
        for (uint32_t m = 0; m < 4 && m * 32 < size; m++) {
            uint8_t packed[32 * 8] = {0};
            for (uint32_t i = 0; i < 32 && m * 32 + i < size; i++) {
                uint64_t delta = deltas[m * 32 + i] - (uint64_t)least;
                for (unsigned b = 0; b < widths[m]; b++) {
                    uint64_t bit = (uint64_t)i * widths[m] + b;
                    packed[bit >> 3] |= (uint8_t)((delta >> b & 1) << (bit & 7));
                }
            }
            gly_builder_add(out, packed, (size_t)widths[m] * 4);
        }
    }
}

static uint8_t *padded(const gly_builder *bytes) {
    uint8_t *copy = gly_alloc(bytes->size + GLY_BIT_UNPACK_OVERREAD);
    memcpy(copy, bytes->data, bytes->size);
    memset(copy + bytes->size, 0xff, GLY_BIT_UNPACK_OVERREAD);
    return copy;
}

enum { MOST = 1000 };
static int64_t wanted[MOST];

static void check_values(uint32_t count, gly_random *random) {
    gly_builder out = {0};
    encode(&out, wanted, count);
    uint8_t *bytes = padded(&out);
    gly_decode_delta delta;
    GLY_CHECK(gly_decode_delta_open(&delta, bytes, bytes + out.size));
    GLY_CHECK(gly_decode_delta_end(&delta) == bytes + out.size);
    bool same = true;
    for (uint32_t at = 0; at < count;) {
        uint32_t step = 1 + (uint32_t)gly_random_below(random, 150);
        step = GLY_MIN(step, count - at);
        uint64_t got[256];
        if (gly_random_below(random, 4) == 0) {
            same = same && gly_decode_delta_skip(&delta, step);
        } else {
            same = same && gly_decode_delta_read(&delta, step, got) &&
                   memcmp(got, wanted + at, step * sizeof *got) == 0;
        }
        at += step;
    }
    GLY_CHECK(same);
    uint64_t more;
    GLY_CHECK(!gly_decode_delta_read(&delta, 1, &more));
    for (size_t cut = 1; cut < 20 && cut < out.size; cut++) {
        uint64_t got[MOST];
        bool is_good = gly_decode_delta_open(&delta, bytes, bytes + out.size - cut) &&
                       gly_decode_delta_read(&delta, count, got);
        /* Only padding of the last miniblock may be cut. */
        GLY_CHECK(!is_good || memcmp(got, wanted, count * sizeof *got) == 0);
    }
    free(bytes);
    gly_builder_clear(&out);
}

GLY_TEST(integers) {
    gly_random random = {5};
    for (int kind = 0; kind < 4; kind++) {
        for (uint32_t count = 0; count < MOST; count += 1 + count / 2) {
            int64_t value = 0;
            for (uint32_t i = 0; i < count; i++) {
                uint64_t any = gly_random_u64(&random);
                value = kind == 0   ? 7
                        : kind == 1 ? value + (int64_t)(any % 10)
                        : kind == 2 ? (int64_t)any
                                    : (int64_t)(any % 1000) - 500;
                wanted[i] = value;
            }
            check_values(count, &random);
        }
    }
}

GLY_TEST(the_example_of_the_format) {
    /* 7, 5, 3, 1, 2, 3, 4, 5: least delta -2, deltas 0 0 0 3 3 3 3 in two bits */
    static const uint8_t bytes[64] = {128, 1, 4, 8, 14, 3, 2, 0, 0, 0, 0xc0, 0x3f};
    static const uint64_t values[8] = {7, 5, 3, 1, 2, 3, 4, 5};
    gly_decode_delta delta;
    uint64_t got[8];
    GLY_CHECK(gly_decode_delta_open(&delta, bytes, bytes + 18));
    GLY_CHECK(gly_decode_delta_read(&delta, 8, got));
    GLY_CHECK(memcmp(got, values, sizeof got) == 0);
}

GLY_TEST(impossible_heads_are_refused) {
    static const uint8_t heads[][8] = {
        {0, 4, 8, 14},                      /* no block */
        {128, 1, 0, 8, 14},                 /* no miniblocks */
        {128, 1, 3, 8, 14},                 /* not a divisor */
        {128, 1, 128, 1, 8, 14},            /* miniblocks of one value */
        {0xff, 0xff, 0xff, 0x7f, 4, 8, 14}, /* a huge block */
        {128, 1, 4, 0xff, 0xff, 0xff, 0xff, 0xff},
    };
    gly_decode_delta delta;
    for (size_t i = 0; i < GLY_ARRAY_LEN(heads); i++) {
        GLY_CHECK(!gly_decode_delta_open(&delta, heads[i], heads[i] + 8));
    }
    GLY_CHECK(!gly_decode_delta_open(&delta, heads[0], heads[0]));
}

/* Encodes texts with or without shared prefixes; checks reading and skipping. */
static void check_texts(uint32_t count, const gly_str *texts, bool has_prefixes) {
    gly_builder out = {0};
    gly_builder suffixes = {0};
    int64_t prefixes[MOST];
    int64_t lengths[MOST];
    for (uint32_t i = 0; i < count; i++) {
        size_t shared = 0;
        while (has_prefixes && i > 0 && shared < texts[i].size && shared < texts[i - 1].size &&
               texts[i].data[shared] == texts[i - 1].data[shared]) {
            shared++;
        }
        prefixes[i] = (int64_t)shared;
        lengths[i] = (int64_t)(texts[i].size - shared);
        gly_builder_add(&suffixes, texts[i].data + shared, texts[i].size - shared);
    }
    if (has_prefixes) {
        encode(&out, prefixes, count);
    }
    encode(&out, lengths, count);
    gly_builder_add(&out, suffixes.data, suffixes.size);
    uint8_t *bytes = padded(&out);
    gly_decode_delta_text text = {0};
    gly_parquet_buffer heap = {0};
    gly_text got[GLY_BATCH_ROWS];
    gly_error err;
    GLY_CHECK(gly_decode_delta_text_open(&text, bytes, bytes + out.size, has_prefixes));
    bool same = true;
    for (uint32_t at = 0; at < count;) {
        uint32_t step = GLY_MIN(GLY_MIN(count - at, 33u), (uint32_t)GLY_BATCH_ROWS);
        if (at % 5 == 3) {
            GLY_CHECK_OK(gly_decode_delta_text_skip(&text, step, &err), &err);
        } else {
            GLY_CHECK_OK(gly_decode_delta_text_read(&text, step, &heap, got, &err), &err);
            for (uint32_t i = 0; i < step; i++) {
                same &= gly_str_equal(gly_text_str(&got[i]), texts[at + i]);
            }
        }
        at += step;
    }
    GLY_CHECK(same);
    GLY_CHECK_INT(gly_decode_delta_text_read(&text, 1, &heap, got, &err), GLY_E_CORRUPT_FILE);
    gly_decode_delta_text_close(&text);
    gly_parquet_page_release(&heap);
    free(bytes);
    gly_builder_clear(&out);
    gly_builder_clear(&suffixes);
}

GLY_TEST(texts) {
    gly_arena *arena = gly_arena_make();
    gly_random random = {6};
    gly_str texts[MOST];
    for (uint32_t count = 0; count < 500; count += 1 + count / 2) {
        for (uint32_t i = 0; i < count; i++) {
            texts[i] =
                gly_str_of(gly_arena_format(arena, "%.*s%llu", (int)gly_random_below(&random, 30),
                                            "https://example.com/some/path/",
                                            (unsigned long long)gly_random_below(&random, 9)));
        }
        check_texts(count, texts, false);
        check_texts(count, texts, true);
    }
    gly_arena_free(arena);
}

GLY_TEST(impossible_lengths_are_refused) {
    gly_builder out = {0};
    encode(&out, (int64_t[]){0, 5}, 2); /* the second shares five bytes of "abc" */
    encode(&out, (int64_t[]){3, 1}, 2);
    gly_builder_add(&out, "abcd", 4);
    uint8_t *bytes = padded(&out);
    gly_decode_delta_text text = {0};
    gly_parquet_buffer heap = {0};
    gly_text got[2];
    gly_error err;
    GLY_CHECK(gly_decode_delta_text_open(&text, bytes, bytes + out.size, true));
    GLY_CHECK_INT(gly_decode_delta_text_read(&text, 2, &heap, got, &err), GLY_E_CORRUPT_FILE);
    free(bytes);
    gly_builder_clear(&out);
    encode(&out, (int64_t[]){3, -1}, 2);
    gly_builder_add(&out, "abcd", 4);
    bytes = padded(&out);
    GLY_CHECK(gly_decode_delta_text_open(&text, bytes, bytes + out.size, false));
    GLY_CHECK_INT(gly_decode_delta_text_read(&text, 2, &heap, got, &err), GLY_E_CORRUPT_FILE);
    gly_decode_delta_text_close(&text);
    gly_parquet_page_release(&heap);
    free(bytes);
    gly_builder_clear(&out);
}

GLY_SUITE("decode_delta", integers, the_example_of_the_format, impossible_heads_are_refused, texts,
          impossible_lengths_are_refused)
