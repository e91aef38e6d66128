/* test_moved_blocks.c - where blocks went: the last place counts, and queries take theirs along. */
#include "executor/moved_blocks.h"
#include "tests/support/check.h"

#include <pthread.h>

static void put(gly_moved_blocks *blocks, const char *executor, const char *path) {
    char host[32], endpoint[32];
    snprintf(host, sizeof host, "host-%s", executor);
    snprintf(endpoint, sizeof endpoint, "10.0.0.%s:99", executor);
    char *paths[] = {(char *)(uintptr_t)path};
    Galley__MovedBlocks message = GALLEY__MOVED_BLOCKS__INIT;
    message.executor_id = (char *)(uintptr_t)executor;
    message.host_id = host;
    message.endpoint = endpoint;
    message.n_paths = 1;
    message.paths = paths;
    gly_moved_blocks_put(blocks, &message);
}

static bool find(gly_moved_blocks *blocks, const char *path, gly_builder *texts,
                 gly_map_status *ret) {
    gly_builder_reset(texts);
    return gly_moved_blocks_find(blocks, gly_str_of(path), texts, ret);
}

GLY_TEST(the_last_place_counts) {
    gly_moved_blocks *blocks = gly_moved_blocks_make();
    gly_builder texts = {0};
    gly_map_status place = {.partition_count = 7};
    GLY_CHECK(!find(blocks, "/a/shuffle-1-2-3-4.data", &texts, &place));
    put(blocks, "5", "/b/shuffle-1-2-3-4.data");
    GLY_CHECK(find(blocks, "/a/shuffle-1-2-3-4.data", &texts, &place));
    GLY_CHECK(gly_str_equal(place.executor_id, GLY_STR("5")));
    GLY_CHECK(gly_str_equal(place.host_id, GLY_STR("host-5")));
    GLY_CHECK(gly_str_equal(place.endpoint, GLY_STR("10.0.0.5:99")));
    GLY_CHECK(gly_str_equal(place.path, GLY_STR("/b/shuffle-1-2-3-4.data")));
    GLY_CHECK_INT(place.partition_count, 7);
    put(blocks, "6", "/c/shuffle-1-2-3-4.data"); /* and on */
    GLY_CHECK(find(blocks, "/a/shuffle-1-2-3-4.data", &texts, &place));
    GLY_CHECK(gly_str_equal(place.path, GLY_STR("/c/shuffle-1-2-3-4.data")));
    GLY_CHECK(find(blocks, "/b/shuffle-1-2-3-4.data", &texts, &place));
    GLY_CHECK(!find(blocks, "/a/shuffle-1-2-3-5.data", &texts, &place));
    put(blocks, "7", "cache/1f/0");
    GLY_CHECK(find(blocks, "cache/1f/0", &texts, &place));
    GLY_CHECK(!find(blocks, "0", &texts, &place)); /* a name that is no path is known as a whole */
    gly_builder_clear(&texts);
    gly_moved_blocks_free(blocks);
    gly_moved_blocks_free(NULL);
}

GLY_TEST(queries_take_theirs_along) {
    gly_moved_blocks *blocks = gly_moved_blocks_make();
    gly_builder texts = {0};
    gly_map_status place;
    char path[64];
    for (int query = 1; query <= 3; query++) {
        for (int i = 0; i < 100; i++) {
            snprintf(path, sizeof path, "/x/shuffle-%d-0-%d-9.data", query, i);
            put(blocks, "1", path);
        }
    }
    put(blocks, "1", "cache/2/5");
    gly_moved_blocks_drop(blocks, GLY_STR("shuffle-2-"));
    GLY_CHECK(find(blocks, "/shuffle-1-0-99-9.data", &texts, &place));
    GLY_CHECK(!find(blocks, "/shuffle-2-0-50-9.data", &texts, &place));
    GLY_CHECK(find(blocks, "/shuffle-3-0-0-9.data", &texts, &place));
    GLY_CHECK(find(blocks, "cache/2/5", &texts, &place));
    gly_moved_blocks_drop(blocks, GLY_STR("cache/2/"));
    gly_moved_blocks_drop(blocks, GLY_STR("shuffle-1-"));
    gly_moved_blocks_drop(blocks, GLY_STR("shuffle-3-"));
    GLY_CHECK(!find(blocks, "cache/2/5", &texts, &place));
    gly_builder_clear(&texts);
    gly_moved_blocks_free(blocks);
}

static void *ask(void *context) {
    gly_builder texts = {0};
    gly_map_status place;
    for (int i = 0; i < 20000; i++) {
        if (find(context, "/x/shuffle-1-0-3-9.data", &texts, &place)) {
            GLY_CHECK(gly_str_ends_with(place.path, GLY_STR("/shuffle-1-0-3-9.data")));
        }
    }
    gly_builder_clear(&texts);
    return NULL;
}

GLY_TEST(many_may_ask) {
    gly_moved_blocks *blocks = gly_moved_blocks_make();
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) {
        GLY_ASSERT(pthread_create(&threads[i], NULL, ask, blocks) == 0);
    }
    for (int i = 0; i < 200; i++) {
        put(blocks, i % 2 == 0 ? "1" : "2",
            i % 2 == 0 ? "/a/shuffle-1-0-3-9.data" : "/b/shuffle-1-0-3-9.data");
        if (i % 50 == 49) {
            gly_moved_blocks_drop(blocks, GLY_STR("shuffle-1-"));
        }
    }
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
    }
    gly_moved_blocks_free(blocks);
}

GLY_SUITE("moved blocks", the_last_place_counts, queries_take_theirs_along, many_may_ask)
