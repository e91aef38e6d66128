/* test_map_status.c - round trip, every truncation, hostile counts. */
#include "lib/shuffle/map_status.h"
#include "tests/support/check.h"

static void sample(gly_map_status *status, uint64_t *offsets, uint32_t partitions) {
    uint64_t at = 7;
    for (uint32_t p = 0; p <= partitions; p++) {
        offsets[p] = at;
        at += p % 3 == 0 ? 0 : (uint64_t)p * p * p * 1000;
    }
    *status = (gly_map_status){.map_partition = 41,
                               .executor_id = GLY_STR("executor-7"),
                               .host_id = GLY_STR("node-a"),
                               .endpoint = GLY_STR("127.0.0.1:9999"),
                               .path = GLY_STR("/data/shuffle-1-2-41-9.data"),
                               .partition_count = partitions,
                               .offsets = offsets,
                               .row_count = UINT64_C(1) << 40};
}

GLY_TEST(comes_back_as_it_went) {
    gly_arena *arena = gly_arena_make();
    uint64_t offsets[201];
    gly_map_status status;
    sample(&status, offsets, 200);
    gly_builder bytes = {0};
    gly_map_status_encode(&status, &bytes);
    gly_map_status back;
    gly_error err;
    GLY_CHECK_OK(gly_map_status_decode(arena, gly_builder_str(&bytes), &back, &err), &err);
    GLY_CHECK_INT(back.map_partition, 41);
    GLY_CHECK_INT(back.row_count, UINT64_C(1) << 40);
    GLY_CHECK_INT(back.partition_count, 200);
    GLY_CHECK(memcmp(back.offsets, offsets, sizeof offsets) == 0);
    GLY_CHECK(gly_str_equal(back.executor_id, status.executor_id));
    GLY_CHECK(gly_str_equal(back.host_id, status.host_id));
    GLY_CHECK(gly_str_equal(back.endpoint, status.endpoint));
    GLY_CHECK(gly_str_equal(back.path, status.path));
    GLY_CHECK(bytes.size < 1100);
    gly_builder_clear(&bytes);
    gly_arena_free(arena);
}

GLY_TEST(refuses_damage) {
    gly_arena *arena = gly_arena_make();
    uint64_t offsets[11];
    gly_map_status status;
    sample(&status, offsets, 10);
    gly_builder bytes = {0};
    gly_map_status_encode(&status, &bytes);
    gly_map_status back;
    gly_error err;
    for (size_t size = 0; size < bytes.size; size++) {
        gly_str cut = {bytes.data, size};
        GLY_CHECK_INT(gly_map_status_decode(arena, cut, &back, &err), GLY_E_PROTOCOL);
    }
    gly_builder_add_char(&bytes, 1); /* something behind */
    GLY_CHECK_INT(gly_map_status_decode(arena, gly_builder_str(&bytes), &back, &err),
                  GLY_E_PROTOCOL);
    static const char huge[] = "\1\0\0\0\0\0\0\xff\xff\xff\xff\x0f\0"; /* 4 G partitions */
    GLY_CHECK_INT(gly_map_status_decode(arena, (gly_str){huge, sizeof huge - 1}, &back, &err),
                  GLY_E_PROTOCOL);
    gly_builder_clear(&bytes);
    gly_arena_free(arena);
}

GLY_SUITE("map status", comes_back_as_it_went, refuses_damage)
