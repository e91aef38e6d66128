/* test_decode_rle.c - runs and bit-packed numbers: every width, every position, cut input. */
#include "lib/base/alloc.h"
#include "lib/base/random.h"
#include "lib/io/parquet/bit_unpack.h"
#include "lib/io/parquet/decode_rle.h"
#include "lib/io/parquet/parquet_encode.h"
#include "tests/support/check.h"

enum { MOST = 5000 };

static uint32_t wanted[MOST];

/* Copies into memory with exactly the padding that decoders may touch. */
static uint8_t *padded(const gly_builder *bytes) {
    uint8_t *copy = gly_alloc(bytes->size + GLY_BIT_UNPACK_OVERREAD);
    memcpy(copy, bytes->data, bytes->size);
    memset(copy + bytes->size, 0xff, GLY_BIT_UNPACK_OVERREAD);
    return copy;
}

static void make_values(gly_random *random, unsigned width, uint32_t count, int pattern) {
    uint64_t bound = UINT64_C(1) << width;
    uint32_t value = 0;
    for (uint32_t i = 0; i < count; i++) {
        bool is_new = pattern == 0 || gly_random_below(random, pattern == 1 ? 5 : 60) == 0;
        value = is_new ? (uint32_t)gly_random_below(random, bound) : value;
        wanted[i] = value;
    }
}

GLY_TEST(unpacks_every_width) {
    gly_random random = {1};
    for (unsigned width = 0; width <= 64; width++) {
        size_t size = 600 * 8 + GLY_BIT_UNPACK_OVERREAD;
        uint8_t *bytes = gly_alloc(size);
        for (size_t i = 0; i < size; i++) {
            bytes[i] = (uint8_t)gly_random_u64(&random);
        }
        for (uint64_t first = 0; first < 20; first++) {
            for (uint32_t count = 0; count < 500; count += 1 + count / 3) {
                uint64_t words[520];
                uint32_t halves[520 + GLY_BIT_UNPACK_OVERWRITE];
                gly_bit_unpack64(bytes, first, width, count, words);
                if (width <= 32) {
                    gly_bit_unpack32(bytes, first, width, count, halves);
                }
                bool same = true;
                for (uint32_t i = 0; i < count; i++) {
                    uint64_t value = 0;
                    for (unsigned b = 0; b < width; b++) {
                        uint64_t bit = (first + i) * width + b;
                        value |= (uint64_t)((bytes[bit >> 3] >> (bit & 7)) & 1) << b;
                    }
                    same &= words[i] == value && (width > 32 || halves[i] == value);
                }
                GLY_CHECK(same);
            }
        }
        free(bytes);
    }
}

GLY_TEST(reads_what_the_encoder_writes) {
    gly_random random = {2};
    for (unsigned width = 0; width <= 32; width++) {
        for (int pattern = 0; pattern < 3; pattern++) {
            for (uint32_t count = 0; count <= MOST; count += 1 + count) {
                make_values(&random, width, count, pattern);
                gly_builder out = {0};
                gly_builder_add(&out, "", 0);
                gly_parquet_encode_rle(&out, wanted, count, width);
                uint8_t *bytes = padded(&out);
                gly_decode_rle rle;
                uint32_t got[MOST + GLY_BIT_UNPACK_OVERWRITE];
                gly_decode_rle_open(&rle, bytes, out.size, width);
                bool same = gly_decode_rle_read(&rle, count, got);
                same = same && memcmp(got, wanted, count * sizeof *got) == 0;
                GLY_CHECK(same);
                /* In uneven pieces, with skips. */
                gly_decode_rle_open(&rle, bytes, out.size, width);
                for (uint32_t at = 0; at < count;) {
                    uint32_t step = 1 + (uint32_t)gly_random_below(&random, 50);
                    step = GLY_MIN(step, count - at);
                    if (gly_random_below(&random, 3) == 0) {
                        same = same && gly_decode_rle_skip(&rle, step);
                    } else {
                        same = same && gly_decode_rle_read(&rle, step, got) &&
                               memcmp(got, wanted + at, step * sizeof *got) == 0;
                    }
                    at += step;
                }
                GLY_CHECK(same);
                free(bytes);
                gly_builder_clear(&out);
            }
        }
    }
}

GLY_TEST(bits_and_counts) {
    gly_random random = {3};
    for (int pattern = 0; pattern < 3; pattern++) {
        for (int round = 0; round < 200; round++) {
            uint32_t count = (uint32_t)gly_random_below(&random, 600);
            make_values(&random, 1, count, pattern);
            gly_builder out = {0};
            gly_builder_add(&out, "", 0);
            gly_parquet_encode_rle(&out, wanted, count, 1);
            uint8_t *bytes = padded(&out);
            gly_decode_rle rle;
            gly_decode_rle_open(&rle, bytes, out.size, 1);
            uint64_t bits[12] = {0};
            uint32_t ones = 0;
            uint32_t expected = 0;
            uint32_t at = (uint32_t)gly_random_below(&random, 70);
            uint32_t skip = count / 5;
            uint64_t skipped = 0;
            uint64_t expected_skipped = 0;
            GLY_CHECK(gly_decode_rle_count(&rle, skip, &skipped));
            GLY_CHECK(gly_decode_rle_bits(&rle, count - skip, bits, at, &ones));
            for (uint32_t i = 0; i < count; i++) {
                if (i < skip) {
                    expected_skipped += wanted[i];
                } else {
                    uint32_t bit = at + i - skip;
                    expected += wanted[i];
                    GLY_CHECK_INT((bits[bit >> 6] >> (bit & 63)) & 1, wanted[i]);
                }
            }
            GLY_CHECK_INT(ones, expected);
            GLY_CHECK_INT(skipped, expected_skipped);
            free(bytes);
            gly_builder_clear(&out);
        }
    }
}

GLY_TEST(takes_only_whole_runs) {
    uint8_t bytes[64] = {200, 1, 7}; /* 100 times 7 */
    gly_decode_rle rle;
    uint32_t value = 0;
    gly_decode_rle_open(&rle, bytes, 3, 3);
    GLY_CHECK(!gly_decode_rle_take_run(&rle, 101, &value));
    GLY_CHECK(gly_decode_rle_take_run(&rle, 60, &value));
    GLY_CHECK_INT(value, 7);
    GLY_CHECK(!gly_decode_rle_take_run(&rle, 41, &value));
    GLY_CHECK(gly_decode_rle_take_run(&rle, 40, &value));
    GLY_CHECK(!gly_decode_rle_take_run(&rle, 1, &value));
}

GLY_TEST(cut_input_is_refused) {
    gly_random random = {4};
    make_values(&random, 9, 1000, 1);
    gly_builder out = {0};
    gly_parquet_encode_rle(&out, wanted, 1000, 9);
    uint8_t *bytes = padded(&out);
    uint32_t got[1000 + GLY_BIT_UNPACK_OVERWRITE];
    for (size_t size = 0; size + 10 < out.size; size++) {
        gly_decode_rle rle;
        gly_decode_rle_open(&rle, bytes, size, 9);
        GLY_CHECK(!gly_decode_rle_read(&rle, 1000, got));
        gly_decode_rle_open(&rle, bytes, size, 9);
        GLY_CHECK(!gly_decode_rle_skip(&rle, 1000));
    }
    /* A head that claims 2^60 values, or never ends. */
    uint8_t claims[64];
    memset(claims, 0xff, sizeof claims);
    gly_decode_rle rle;
    gly_decode_rle_open(&rle, claims, 20, 9);
    GLY_CHECK(!gly_decode_rle_read(&rle, 1000, got));
    free(bytes);
    gly_builder_clear(&out);
}

GLY_TEST(run_values_have_no_more_bits_than_the_width) {
    uint8_t bytes[64] = {200, 1, 8}; /* 100 times 8, which has four bits */
    gly_decode_rle rle;
    uint32_t got[100 + GLY_BIT_UNPACK_OVERWRITE];
    gly_decode_rle_open(&rle, bytes, 3, 3);
    GLY_CHECK(!gly_decode_rle_read(&rle, 100, got));
    gly_decode_rle_open(&rle, bytes, 3, 4);
    GLY_CHECK(gly_decode_rle_read(&rle, 100, got));
}

GLY_TEST(largest_value) {
    GLY_CHECK_INT(gly_decode_rle_largest(wanted, 0), 0);
    for (uint32_t i = 0; i < 100; i++) {
        wanted[i] = i == 37 ? UINT32_MAX : i;
    }
    GLY_CHECK_INT(gly_decode_rle_largest(wanted, 37), 36);
    GLY_CHECK_INT(gly_decode_rle_largest(wanted, 100), UINT32_MAX);
}

GLY_SUITE("decode_rle", unpacks_every_width, reads_what_the_encoder_writes, bits_and_counts,
          takes_only_whole_runs, run_values_have_no_more_bits_than_the_width, cut_input_is_refused,
          largest_value)
