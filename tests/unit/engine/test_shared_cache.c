/* test_shared_cache.c - one builds, others wait; giving up; cancelling; dropping; cached blocks. */
#include "lib/engine/pipeline/shared_cache.h"

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/engine/pipeline/block_store.h"
#include "tests/support/check.h"

#include <pthread.h>

static atomic_int destroyed;

static void destroy(void *value) {
    free(value);
    atomic_fetch_add(&destroyed, 1);
}

typedef struct shared {
    gly_shared_cache *cache;
    atomic_int builds, failures_left, values_seen;
} shared;

static void *take_and_release(void *context) {
    shared *all = context;
    gly_shared_entry *entry;
    bool build;
    gly_error err;
    for (;;) {
        GLY_CHECK_OK(gly_shared_cache_acquire(all->cache, (gly_shared_key){1, 2, 3}, NULL, &entry,
                                              &build, &err),
                     &err);
        if (!build) {
            break;
        }
        atomic_fetch_add(&all->builds, 1);
        gly_clock_sleep_ms(5);
        if (atomic_fetch_sub(&all->failures_left, 1) > 0) {
            gly_shared_cache_abandon(entry);
            return NULL;
        }
        int *value = GLY_NEW(int);
        *value = 42;
        gly_shared_cache_publish(entry, value, destroy);
        break;
    }
    if (*(int *)gly_shared_cache_value(entry) == 42) {
        atomic_fetch_add(&all->values_seen, 1);
    }
    gly_shared_cache_release(entry);
    return NULL;
}

static void run(int failures) {
    gly_budget budget;
    gly_budget_init(&budget, NULL, SIZE_MAX);
    shared all = {.cache = gly_shared_cache_make(&budget, "/tmp"), .failures_left = failures};
    atomic_store(&destroyed, 0);
    pthread_t threads[6];
    for (int i = 0; i < 6; i++) {
        pthread_create(&threads[i], NULL, take_and_release, &all);
    }
    for (int i = 0; i < 6; i++) {
        pthread_join(threads[i], NULL);
    }
    GLY_CHECK_INT(atomic_load(&all.builds), failures + 1);
    GLY_CHECK_INT(atomic_load(&all.values_seen), 6 - failures);
    GLY_CHECK_INT(atomic_load(&destroyed), 0);
    gly_shared_cache_drop(all.cache, 1, 9); /* another stage */
    GLY_CHECK_INT(atomic_load(&destroyed), 0);
    gly_shared_cache_drop(all.cache, 1, 2);
    GLY_CHECK_INT(atomic_load(&destroyed), 1);
    gly_shared_cache_free(all.cache);
    GLY_CHECK_INT(atomic_load(&destroyed), 1);
}

GLY_TEST(one_builds_and_others_wait) { run(0); }
GLY_TEST(a_waiter_builds_when_the_builder_gives_up) { run(3); }

GLY_TEST(held_entries_outlive_a_drop) {
    gly_budget budget;
    gly_budget_init(&budget, NULL, SIZE_MAX);
    gly_shared_cache *cache = gly_shared_cache_make(&budget, "/tmp");
    gly_shared_entry *entry;
    gly_shared_entry *again;
    bool build;
    gly_error err;
    gly_shared_key key = {7, 1, 1};
    atomic_store(&destroyed, 0);
    GLY_CHECK_OK(gly_shared_cache_acquire(cache, key, NULL, &entry, &build, &err), &err);
    GLY_CHECK(build);
    gly_shared_cache_publish(entry, GLY_NEW(int), destroy);
    gly_shared_cache_drop(cache, 7, UINT32_MAX);
    GLY_CHECK_INT(atomic_load(&destroyed), 0);
    GLY_CHECK_OK(gly_shared_cache_acquire(cache, key, NULL, &again, &build, &err), &err);
    GLY_CHECK(build && again != entry); /* a new one */
    gly_shared_cache_release(entry);
    GLY_CHECK_INT(atomic_load(&destroyed), 1);
    gly_shared_cache_abandon(again);
    gly_shared_cache_free(cache);
}

GLY_TEST(waiting_ends_with_a_cancelled_task) {
    gly_budget budget;
    gly_budget_init(&budget, NULL, SIZE_MAX);
    gly_shared_cache *cache = gly_shared_cache_make(&budget, "/tmp");
    gly_shared_entry *entry;
    gly_shared_entry *other;
    bool build;
    gly_error err;
    gly_shared_key key = {7, 1, 1};
    atomic_bool cancelled = true;
    GLY_CHECK_OK(gly_shared_cache_acquire(cache, key, NULL, &entry, &build, &err), &err);
    GLY_CHECK_INT(gly_shared_cache_acquire(cache, key, &cancelled, &other, &build, &err),
                  GLY_E_CANCELLED);
    gly_shared_cache_abandon(entry);
    gly_shared_cache_free(cache);
}

static void put(gly_block_store *store, uint32_t partition, size_t size) {
    gly_type type = GLY_TYPE_OF(INT);
    gly_builder bytes = {0};
    gly_builder_add_repeat(&bytes, (char)('a' + partition), size);
    gly_error err;
    GLY_CHECK_OK(gly_block_store_put(store, 9, partition, &type, 1, 1, &bytes, NULL, &err), &err);
    GLY_CHECK(bytes.data == NULL);
}

GLY_TEST(blocks_move_to_disk_oldest_first) {
    gly_budget budget;
    gly_budget_init(&budget, NULL, 1000);
    gly_shared_cache *cache = gly_shared_cache_make(&budget, "/tmp");
    gly_block_store *store = gly_shared_cache_blocks(cache);
    put(store, 0, 400);
    put(store, 1, 400);
    gly_cached_block *held = gly_block_store_hold(store, 9, 0); /* 1 is the oldest unused now */
    put(store, 2, 400);
    uint64_t memory;
    uint64_t disk;
    gly_block_store_usage(store, &memory, &disk);
    GLY_CHECK_INT(memory, 800);
    GLY_CHECK_INT(disk, 400);
    GLY_CHECK_INT(gly_budget_used(&budget), 800);
    put(store, 3, 2000); /* more than there is */
    gly_block_store_usage(store, &memory, &disk);
    GLY_CHECK_INT(disk, 400 + 400 + 2000); /* 2 made room in vain */
    gly_error err;
    for (uint32_t p = 0; p < 4; p++) {
        gly_cached_block *block = gly_block_store_hold(store, 9, p);
        gly_builder out = {0};
        GLY_CHECK_OK(gly_block_store_read(block, 100, 200, &out, &err), &err);
        GLY_CHECK(out.size == 200 && out.data[0] == (char)('a' + p) &&
                  out.data[199] == out.data[0]);
        gly_builder_clear(&out);
        gly_block_store_release(store, block);
    }
    put(store, 0, 10); /* replaces one that is held */
    GLY_CHECK_INT(gly_block_store_size(held), 400);
    gly_block_store_release(store, held);
    gly_block_store_drop(store, 9);
    GLY_CHECK(gly_block_store_hold(store, 9, 1) == NULL);
    GLY_CHECK_INT(gly_budget_used(&budget), 0);
    gly_shared_cache_free(cache);
}

GLY_SUITE("shared cache", one_builds_and_others_wait, a_waiter_builds_when_the_builder_gives_up,
          held_entries_outlive_a_drop, waiting_ends_with_a_cancelled_task,
          blocks_move_to_disk_oldest_first)
