/* test_snappy_unpack.c - our decompression against the library's compression, and against bad
 * bytes. */
#include "lib/base/alloc.h"
#include "lib/base/codec.h"
#include "lib/base/random.h"
#include "lib/io/parquet/snappy_unpack.h"
#include "tests/support/check.h"

/* Decompresses with guarded ends: exact memory but for the slack. */
static bool unpack(const uint8_t *packed, size_t packed_size, uint8_t **ret, size_t size) {
    uint8_t *input = gly_alloc(packed_size + GLY_SNAPPY_UNPACK_SLACK);
    memcpy(input, packed, packed_size);
    memset(input + packed_size, 0xa5, GLY_SNAPPY_UNPACK_SLACK);
    *ret = gly_alloc(size + GLY_SNAPPY_UNPACK_SLACK);
    bool is_good = gly_snappy_unpack(input, packed_size, *ret, size);
    free(input);
    return is_good;
}

static uint8_t *make_data(gly_random *random, size_t size, int kind) {
    uint8_t *data = gly_alloc(size + 1);
    for (size_t i = 0; i < size; i++) {
        switch (kind) {
        case 0: /* nothing repeats */
            data[i] = (uint8_t)gly_random_u64(random);
            break;
        case 1: /* runs and short periods */
            data[i] = (uint8_t)(i / 1000 % 3 == 0 ? 'x' : 'a' + i % (1 + i / 100 % 20));
            break;
        default: { /* words, and numbers of eight bytes */
            static const char words[] = "the quick brown fox jumps over the lazy dog again and ";
            data[i] = gly_random_below(random, 10) == 0
                          ? (uint8_t)gly_random_u64(random)
                          : (uint8_t)words[(i + i / 64) % (sizeof words - 1)];
        }
        }
    }
    return data;
}

GLY_TEST(unpacks_what_the_library_packs) {
    gly_random random = {7};
    static const size_t sizes[] = {0,  1,   2,   15,  16,  17,   59,    60,    61,    64,
                                   65, 100, 255, 256, 257, 1000, 65535, 65536, 65537, 300000};
    for (int kind = 0; kind < 3; kind++) {
        for (size_t i = 0; i < GLY_ARRAY_LEN(sizes); i++) {
            uint8_t *data = make_data(&random, sizes[i], kind);
            size_t bound = gly_codec_bound(GLY_CODEC_SNAPPY, sizes[i]);
            uint8_t *packed = gly_alloc(bound);
            size_t packed_size = 0;
            gly_error err;
            GLY_CHECK_OK(gly_codec_compress(GLY_CODEC_SNAPPY, data, sizes[i], packed, bound,
                                            &packed_size, &err),
                         &err);
            uint8_t *back;
            GLY_CHECK(unpack(packed, packed_size, &back, sizes[i]));
            GLY_CHECK(memcmp(back, data, sizes[i]) == 0);
            free(back);
            GLY_CHECK(!unpack(packed, packed_size, &back, sizes[i] + 1));
            free(back);
            for (int cut = 0; cut < 20 && packed_size > 1; cut++) {
                size_t left = gly_random_below(&random, packed_size);
                GLY_CHECK(!unpack(packed, left, &back, sizes[i]));
                free(back);
            }
            free(packed);
            free(data);
        }
    }
}

GLY_TEST(knows_all_elements) {
    /* varint 20; literal "abcd"; copy1 length 4 offset 4; copy2 length 5 offset 2;
     * copy4 length 3 offset 1; literal with a length byte, 4 bytes */
    static const uint8_t packed[] = {20,         3 << 2, 'a', 'b',        'c', 'd', 1, 4,
                                     4 << 2 | 2, 2,      0,   2 << 2 | 3, 1,   0,   0, 0,
                                     60 << 2,    3,      'w', 'x',        'y', 'z'};
    uint8_t *back;
    GLY_CHECK(unpack(packed, sizeof packed, &back, 20));
    GLY_CHECK(memcmp(back,
                     "abcdabcdcdcdcccc"
                     "wxyz",
                     20) == 0);
    free(back);
}

GLY_TEST(offsets_before_the_start_are_refused) {
    static const uint8_t zero[] = {8, 3 << 2, 'a', 'b', 'c', 'd', 1, 0};
    static const uint8_t far[] = {8, 3 << 2, 'a', 'b', 'c', 'd', 1, 5};
    static const uint8_t first[] = {4, 1, 1};
    static const uint8_t huge[] = {8, 3 << 2, 'a', 'b', 'c', 'd', 3 << 2 | 3, 255, 255, 255, 255};
    uint8_t *back;
    GLY_CHECK(!unpack(zero, sizeof zero, &back, 8));
    free(back);
    GLY_CHECK(!unpack(far, sizeof far, &back, 8));
    free(back);
    GLY_CHECK(!unpack(first, sizeof first, &back, 4));
    free(back);
    GLY_CHECK(!unpack(huge, sizeof huge, &back, 8));
    free(back);
}

GLY_TEST(survives_random_bytes) {
    gly_random random = {8};
    for (int round = 0; round < 20000; round++) {
        uint8_t packed[100];
        size_t size = 1 + gly_random_below(&random, sizeof packed - 1);
        size_t wanted = gly_random_below(&random, 120);
        packed[0] = (uint8_t)wanted;
        for (size_t i = 1; i < size; i++) {
            packed[i] = (uint8_t)gly_random_below(&random, round % 2 == 0 ? 256 : 64);
        }
        uint8_t *mine;
        bool is_good = unpack(packed, size, &mine, wanted);
        uint8_t library[128];
        bool is_right =
            gly_codec_decompress(GLY_CODEC_SNAPPY, packed, size, library, wanted, NULL) == GLY_OK;
        GLY_CHECK_INT(is_good, is_right);
        if (is_good && is_right) {
            GLY_CHECK(memcmp(mine, library, wanted) == 0);
        }
        free(mine);
    }
}

GLY_SUITE("snappy_unpack", unpacks_what_the_library_packs, knows_all_elements,
          offsets_before_the_start_are_refused, survives_random_bytes)
