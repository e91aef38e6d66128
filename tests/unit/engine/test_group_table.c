/* test_group_table.c - keys to groups: growth, NULL and zero, equal hashes, limits. */
#include "tests/support/check.h"

#include "lib/base/random.h"
#include "lib/engine/kernel/k_hash.h"
#include "lib/engine/table/group_table.h"

/* Adds keys[0..count) and counts rows per group in the first state. */
static void add(gly_group_table *table, const int64_t *keys, const bool *nulls, uint32_t count,
                bool bad_hashes) {
    gly_arena *arena = gly_arena_make();
    for (uint32_t at = 0; at < count;) {
        uint32_t n = GLY_MIN(count - at, (uint32_t)GLY_BATCH_ROWS);
        gly_column columns[2];
        uint64_t hashes[GLY_BATCH_ROWS];
        uint8_t *rows[GLY_BATCH_ROWS];
        uint32_t key_count = table->layout->column_count;
        gly_arena_reset(arena);
        for (uint32_t c = 0; c < key_count; c++) {
            gly_column_make_flat(arena, GLY_TYPE_OF(BIGINT), n, &columns[c]);
            columns[c].count = n;
            for (uint32_t i = 0; i < n; i++) {
                ((int64_t *)columns[c].data)[i] = c == 0 ? keys[at + i] : keys[at + i] % 3;
                if (c == 0 && nulls != NULL && nulls[at + i]) {
                    gly_column_need_validity(arena, &columns[c], n);
                    gly_bit_clear(columns[c].validity, i);
                }
            }
        }
        gly_k_hash_columns(columns, key_count, NULL, n, hashes);
        if (bad_hashes) {
            memset(hashes, 0, sizeof hashes);
        }
        GLY_CHECK(gly_group_table_reserve(table, n, 0, false));
        gly_group_table_find_or_insert(table, columns, hashes, n, rows);
        for (uint32_t i = 0; i < n; i++) {
            ++*(int64_t *)(void *)gly_group_table_state(table, rows[i]);
        }
        at += n;
    }
    gly_arena_free(arena);
}

static int compare(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Every group once, with the number of rows its key has. */
static void check_counts(const gly_group_table *table, int64_t *keys, uint32_t count) {
    gly_arena *arena = gly_arena_make();
    qsort(keys, count, sizeof *keys, compare);
    uint32_t distinct = 0;
    for (uint32_t i = 0; i < count; i++) {
        distinct += i == 0 || keys[i] != keys[i - 1];
    }
    GLY_CHECK_INT(table->group_count, distinct);
    gly_group_cursor cursor = {0};
    uint8_t *rows[GLY_BATCH_ROWS];
    uint64_t groups = 0;
    int64_t total = 0;
    for (uint32_t n; (n = gly_group_table_scan(table, &cursor, GLY_BATCH_ROWS, rows)) > 0;) {
        gly_column key;
        uint64_t validity[GLY_BATCH_ROWS / 64 + 1];
        gly_column_make_flat(arena, GLY_TYPE_OF(BIGINT), n, &key);
        key.count = n;
        gly_group_table_gather(table, 0, rows, n, validity, &key);
        for (uint32_t i = 0; i < n; i++) {
            int64_t value = ((int64_t *)key.data)[i];
            int64_t seen = *(int64_t *)(void *)gly_group_table_state(table, rows[i]);
            uint32_t low = 0;
            while (low < count && keys[low] < value) {
                low += count / 64 > 0 && low + count / 64 < count && keys[low + count / 64] < value
                           ? count / 64
                           : 1;
            }
            uint32_t expected = 0;
            while (low + expected < count && keys[low + expected] == value) {
                expected++;
            }
            GLY_CHECK_INT(seen, expected);
            total += seen;
        }
        groups += n;
    }
    GLY_CHECK_INT(groups, distinct);
    GLY_CHECK_INT(total, count);
    gly_arena_free(arena);
}

static void check_table(uint32_t key_count, uint32_t rows, uint64_t keys, bool bad_hashes) {
    gly_arena *arena = gly_arena_make();
    gly_random random = {rows + keys};
    gly_type types[2] = {GLY_TYPE_OF(BIGINT), GLY_TYPE_OF(BIGINT)};
    gly_budget budget;
    gly_group_table table;
    gly_budget_init(&budget, NULL, SIZE_MAX);
    gly_group_table_init(&table, arena, types, key_count, 8, NULL, &budget);
    int64_t *values = GLY_ARENA_ARRAY(arena, int64_t, rows + 1);
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < rows; i++) {
            values[i] = (int64_t)gly_random_below(&random, keys) - (int64_t)(keys / 2);
        }
        add(&table, values, NULL, rows, bad_hashes);
        GLY_CHECK_INT(gly_group_table_bytes(&table), gly_budget_used(&budget));
        check_counts(&table, values, rows);
        gly_group_table_reset(&table);
    }
    gly_group_table_clear(&table);
    GLY_CHECK_INT(gly_budget_used(&budget), 0);
    gly_arena_free(arena);
}

GLY_TEST(finds_every_group) {
    for (uint32_t key_count = 1; key_count <= 2; key_count++) {
        check_table(key_count, 0, 1, false);
        check_table(key_count, 1, 1, false);
        check_table(key_count, 3000, 1, false);
        check_table(key_count, 20000, 100, false);
        check_table(key_count, 30000, 50000, false);
    }
}

GLY_TEST(survives_equal_hashes) { check_table(2, 1500, 700, true); }

GLY_TEST(null_and_zero_are_groups) {
    gly_arena *arena = gly_arena_make();
    gly_type type = GLY_TYPE_OF(BIGINT);
    gly_budget budget;
    gly_group_table table;
    gly_budget_init(&budget, NULL, SIZE_MAX);
    gly_group_table_init(&table, arena, &type, 1, 8, NULL, &budget);
    GLY_CHECK(table.is_word);
    static const int64_t keys[] = {0, 0, 5, 5, -1, 0};
    static const bool nulls[] = {false, true, false, true, false, false};
    add(&table, keys, nulls, 6, false);
    GLY_CHECK_INT(table.group_count, 4);
    int64_t *more = GLY_ARENA_ARRAY(arena, int64_t, 9000); /* the special slots move along */
    for (int64_t i = 0; i < 9000; i++) {
        more[i] = i + 100;
    }
    add(&table, more, NULL, 9000, false);
    GLY_CHECK_INT(table.group_count, 9004);
    gly_group_cursor cursor = {0};
    uint8_t *rows[GLY_BATCH_ROWS];
    int64_t of_null = 0;
    int64_t of_zero = 0;
    for (uint32_t n; (n = gly_group_table_scan(&table, &cursor, GLY_BATCH_ROWS, rows)) > 0;) {
        gly_column key;
        uint64_t validity[GLY_BATCH_ROWS / 64 + 1];
        gly_column_make_flat(arena, type, n, &key);
        key.count = n;
        gly_group_table_gather(&table, 0, rows, n, validity, &key);
        for (uint32_t i = 0; i < n; i++) {
            int64_t count = *(int64_t *)(void *)gly_group_table_state(&table, rows[i]);
            of_null += gly_column_valid(&key, i) ? 0 : count;
            of_zero += gly_column_valid(&key, i) && ((int64_t *)key.data)[i] == 0 ? count : 0;
        }
    }
    GLY_CHECK_INT(of_null, 2);
    GLY_CHECK_INT(of_zero, 2);
    gly_group_table_clear(&table);
    gly_arena_free(arena);
}

GLY_TEST(refuses_at_its_limits) {
    gly_arena *arena = gly_arena_make();
    gly_type type = GLY_TYPE_OF(BIGINT);
    gly_budget budget;
    gly_group_table table;
    gly_budget_init(&budget, NULL, 1000);
    gly_group_table_init(&table, arena, &type, 1, 8, NULL, &budget);
    GLY_CHECK(!gly_group_table_reserve(&table, 10, 0, false));
    GLY_CHECK_INT(gly_budget_used(&budget), 0);
    GLY_CHECK(gly_group_table_reserve(&table, 10, 0, true));
    gly_group_table_clear(&table);
    budget.limit_bytes = SIZE_MAX;
    table.max_capacity = 4096;
    GLY_CHECK(gly_group_table_reserve(&table, 2000, 0, false));
    GLY_CHECK(!gly_group_table_reserve(&table, 20000, 0, false));
    gly_group_table_clear(&table);
    gly_arena_free(arena);
}

GLY_SUITE("group_table", finds_every_group, survives_equal_hashes, null_and_zero_are_groups,
          refuses_at_its_limits)
