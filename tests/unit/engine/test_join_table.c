/* test_join_table.c - directories over rows: arrays and chains, duplicates, misses, NULL keys. */
#include "tests/support/check.h"

#include "lib/base/random.h"
#include "lib/engine/kernel/k_hash.h"
#include "lib/engine/table/join_table.h"

static void check_table(uint32_t rows, uint64_t keys, int64_t stretch, bool expect_array,
                        bool bad_hashes) {
    gly_arena *arena = gly_arena_make();
    gly_random random = {rows + keys};
    gly_type types[2] = {GLY_TYPE_OF(BIGINT), GLY_TYPE_OF(INT)};
    static const uint32_t key_columns[] = {0};
    gly_budget budget;
    gly_row_layout layout;
    gly_row_store store;
    gly_join_table table;
    gly_budget_init(&budget, NULL, SIZE_MAX);
    gly_row_layout_make(arena, GLY_JOIN_TABLE_HEADER, types, 2, GLY_JOIN_TABLE_TAIL, &layout);
    gly_row_store_init(&store, &layout, &budget);
    int64_t *all = GLY_ARENA_ARRAY(arena, int64_t, rows + 1);
    uint8_t *out[GLY_BATCH_ROWS];
    uint64_t hashes[GLY_BATCH_ROWS];
    for (uint32_t at = 0; at < rows;) {
        uint32_t n = GLY_MIN(rows - at, (uint32_t)GLY_BATCH_ROWS);
        gly_column columns[2];
        for (uint32_t c = 0; c < 2; c++) {
            gly_column_make_flat(arena, types[c], n, &columns[c]);
            columns[c].count = n;
        }
        for (uint32_t i = 0; i < n; i++) {
            all[at + i] = (int64_t)gly_random_below(&random, keys) * stretch - 7;
            ((int64_t *)columns[0].data)[i] = all[at + i];
            ((int32_t *)columns[1].data)[i] = (int32_t)(at + i);
        }
        gly_k_hash_columns(columns, 1, NULL, n, hashes);
        GLY_CHECK(gly_row_store_reserve(&store, n, 0, false));
        gly_row_store_append(&store, n, out);
        for (uint32_t i = 0; i < n; i++) {
            *(uint64_t *)(void *)out[i] = bad_hashes ? 0 : hashes[i];
        }
        gly_row_store_put(&store, columns, NULL, n, out);
        at += n;
    }
    const gly_row_store *stores[] = {&store};
    gly_join_table_init(&table, &layout, 1, key_columns, &budget);
    GLY_CHECK(gly_join_table_build(&table, stores, 1, 1 + rows % 3, false));
    GLY_CHECK_INT(table.row_count, rows);
    GLY_CHECK(rows == 0 || table.is_array == expect_array);
    uint32_t probes = GLY_MIN(GLY_BATCH_ROWS, rows > 10000 ? 100 : 1000);
    gly_column key;
    gly_column_make_flat(arena, types[0], probes, &key);
    key.count = probes;
    uint32_t *found = GLY_ARENA_ARRAY(arena, uint32_t, probes);
    for (uint32_t i = 0; i < probes; i++) {
        ((int64_t *)key.data)[i] =
            (int64_t)gly_random_below(&random, 2 * keys) * stretch - 7 + (i % 5 == 0);
    }
    gly_k_hash_columns(&key, 1, NULL, probes, hashes);
    if (bad_hashes) {
        memset(hashes, 0, sizeof hashes);
    }
    gly_join_walk *walk = GLY_ARENA_NEW(arena, gly_join_walk);
    uint16_t matched[GLY_BATCH_ROWS];
    gly_join_table_start(&table, walk, &key, hashes, probes, NULL);
    while (walk->active_count > 0) {
        uint32_t n = gly_join_table_step(&table, walk, matched, out);
        for (uint32_t i = 0; i < n; i++) {
            int32_t row;
            memcpy(&row, out[i] + layout.offsets[1], sizeof row);
            GLY_CHECK_INT(all[row], ((int64_t *)key.data)[matched[i]]);
            GLY_CHECK(i == 0 || matched[i] > matched[i - 1]);
            found[matched[i]]++;
        }
    }
    for (uint32_t i = 0; i < probes; i++) {
        uint32_t expected = 0;
        for (uint32_t r = 0; r < rows; r++) {
            expected += all[r] == ((int64_t *)key.data)[i];
        }
        GLY_CHECK_INT(found[i], expected);
    }
    gly_join_table_clear(&table);
    gly_row_store_clear(&store);
    GLY_CHECK_INT(gly_budget_used(&budget), 0);
    gly_arena_free(arena);
}

GLY_TEST(several_threads_build_the_same) {
    check_table(200000, 150000, 1, true, false);
    check_table(200001, 150000, 1000003, false, false);
}

GLY_TEST(arrays_for_dense_keys) {
    check_table(0, 1, 1, true, false);
    check_table(1, 1, 1, true, false);
    check_table(5000, 3000, 1, true, false);
    check_table(5000, 10, 1, true, false);
}

GLY_TEST(chains_for_others) {
    check_table(1, 1000, 1000003, true, false); /* one row: any range is dense */
    check_table(5000, 3000, 1000003, false, false);
    check_table(5000, 10, 1000003, false, false);
    check_table(300, 100, 1000003, false, true);
}

GLY_SUITE("join_table", several_threads_build_the_same, arrays_for_dense_keys, chains_for_others)
