/* test_cached_header.c - what goes before a cached partition, and its name; both come from
 * strangers. */
#include "lib/engine/pipeline/cached_header.h"
#include "tests/support/check.h"

GLY_TEST(goes_there_and_back) {
    gly_type types[] = {GLY_TYPE_OF(BIGINT), gly_type_decimal(38, 10), GLY_TYPE_OF(STRING)};
    gly_cached_header header = {3, 12345, 1ull << 40, types}, back;
    gly_builder bytes = {0};
    gly_arena *arena = gly_arena_make();
    gly_error error;
    size_t size;
    gly_cached_header_encode(&header, &bytes);
    gly_str fixed = {bytes.data, GLY_CACHED_HEADER_FIXED};
    gly_str rest = {bytes.data + GLY_CACHED_HEADER_FIXED, bytes.size - GLY_CACHED_HEADER_FIXED};
    GLY_CHECK_OK(gly_cached_header_decode(fixed, &back, &size, &error), &error);
    GLY_CHECK_INT(size, bytes.size);
    GLY_CHECK_OK(gly_cached_header_decode_types(arena, rest, &back, &error), &error);
    GLY_CHECK_INT(back.row_count, 12345);
    GLY_CHECK(back.block_bytes == 1ull << 40 && gly_type_equal(back.types[1], types[1]));
    /* One byte at a time is wrong: never a crash, and types are always real ones. */
    for (size_t i = 0; i < bytes.size; i++) {
        for (int flip = 1; flip < 256; flip <<= 1) {
            bytes.data[i] = (char)(bytes.data[i] ^ flip);
            if (gly_cached_header_decode(fixed, &back, &size, &error) == GLY_OK &&
                gly_cached_header_decode_types(arena, rest, &back, &error) == GLY_OK) {
                for (uint32_t c = 0; c < back.column_count; c++) {
                    GLY_CHECK(back.types[c].id < GLY_TYPE_COUNT);
                }
            }
            bytes.data[i] = (char)(bytes.data[i] ^ flip);
        }
    }
    GLY_CHECK_INT(gly_cached_header_decode(GLY_STR("GCP1"), &back, &size, &error),
                  GLY_E_FETCH_FAILED);
    gly_builder_clear(&bytes);
    gly_arena_free(arena);
}

GLY_TEST(names_are_exact) {
    char name[GLY_CACHED_NAME_SIZE];
    uint64_t cache_id = 0;
    uint32_t partition = 0;
    GLY_CHECK_TEXT(gly_cached_header_name(name, 0x1f, 30), "cache/1f/30");
    GLY_CHECK(gly_cached_header_parse_name(GLY_STR("cache/1f/30"), &cache_id, &partition));
    GLY_CHECK(cache_id == 0x1f && partition == 30);
    static const char *const wrong[] = {"",           "cache/",      "cache/1f/",    "cache/1f/30x",
                                        "cache/01/1", "/cache/1f/3", "cache/1f/-1",  "cache/ 1/2",
                                        "shuffle-1",  "cache/1F/30", "cache/1f/0030"};
    for (size_t i = 0; i < GLY_ARRAY_LEN(wrong); i++) {
        GLY_CHECK(!gly_cached_header_parse_name(gly_str_of(wrong[i]), &cache_id, &partition));
    }
}

GLY_SUITE("cached header", goes_there_and_back, names_are_exact)
