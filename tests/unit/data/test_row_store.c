/* test_row_store.c - rows: all kinds there and back, comparing, budgets that refuse, pages that
 * return. */
#include "tests/support/check.h"

#include "lib/base/random.h"
#include "lib/data/row_store.h"

enum { COLUMNS = 8 };

static gly_type types[COLUMNS];

static void set_types(void) {
    types[0] = GLY_TYPE_OF(BOOLEAN);
    types[1] = GLY_TYPE_OF(SMALLINT);
    types[2] = GLY_TYPE_OF(INT);
    types[3] = GLY_TYPE_OF(BIGINT);
    types[4] = GLY_TYPE_OF(FLOAT);
    types[5] = GLY_TYPE_OF(DOUBLE);
    types[6] = gly_type_decimal(30, 2);
    types[7] = GLY_TYPE_OF(STRING);
}

static gly_value make_value(gly_arena *arena, gly_type type, gly_random *random) {
    uint64_t x = gly_random_u64(random);
    switch (type.id) {
    case GLY_TYPE_FLOAT:
    case GLY_TYPE_DOUBLE:
        return gly_value_f64(type, (double)(x % 1000) / 4);
    case GLY_TYPE_DECIMAL:
        return gly_value_decimal(type, (gly_i128)x * 1000);
    case GLY_TYPE_STRING:
        return gly_value_text(type,
                              gly_str_of(gly_arena_format(
                                  arena, x % 2 == 0 ? "%u" : "a text of more than twelve bytes: %u",
                                  (unsigned)(x >> 32))));
    default:
        return gly_value_i64(type, (int64_t)(x % (type.id == GLY_TYPE_BOOLEAN ? 2 : 1000)));
    }
}

/* A batch with NULLs, its values in `values` as well. */
static gly_batch *make_batch(gly_arena *arena, uint32_t count, gly_random *random,
                             gly_value **values) {
    gly_batch *batch = gly_batch_make(arena, types, COLUMNS, count);
    batch->count = batch->selected = count;
    for (uint32_t c = 0; c < COLUMNS; c++) {
        values[c] = GLY_ARENA_ARRAY(arena, gly_value, count);
        batch->columns[c].count = count;
        memset(batch->columns[c].data, 0, count * gly_type_width(types[c]));
        for (uint32_t r = 0; r < count; r++) {
            values[c][r] = gly_random_below(random, 5) == 0 ? gly_value_null(types[c])
                                                            : make_value(arena, types[c], random);
            gly_column_set(arena, &batch->columns[c], r, &values[c][r]);
        }
    }
    return batch;
}

GLY_TEST(rows_keep_what_was_put) {
    gly_arena *arena = gly_arena_make();
    gly_random random = {1};
    gly_budget budget;
    gly_row_layout layout;
    gly_row_store store;
    set_types();
    gly_budget_init(&budget, NULL, SIZE_MAX);
    gly_row_layout_make(arena, 8, types, COLUMNS, 3, &layout);
    GLY_CHECK_INT(layout.row_size % 8, 0);
    gly_row_store_init(&store, &layout, &budget);
    for (uint32_t round = 0; round < 50; round++) {
        gly_value *values[COLUMNS];
        uint8_t *rows[GLY_BATCH_ROWS];
        uint32_t count = (uint32_t)gly_random_below(&random, GLY_MIN(GLY_BATCH_ROWS, 300)) + 1;
        gly_batch *batch = make_batch(arena, count, &random, values);
        size_t text = gly_row_store_text_bytes(&layout, batch->columns, NULL, count);
        GLY_CHECK(gly_row_store_reserve(&store, count, text, false));
        gly_row_store_append(&store, count, rows);
        gly_row_store_put(&store, batch->columns, NULL, count, rows);
        for (uint32_t c = 0; c < COLUMNS; c++) {
            gly_column column;
            uint64_t validity[GLY_BATCH_ROWS / 64 + 1];
            gly_column_make_flat(arena, types[c], count, &column);
            column.count = count;
            gly_row_layout_gather(&layout, c, (const uint8_t *const *)rows, NULL, count, true,
                                  validity, &column);
            for (uint32_t r = 0; r < count; r++) {
                gly_value value = gly_column_get(&column, r);
                GLY_CHECK(gly_value_equal(&value, &values[c][r]));
            }
        }
    }
    uint64_t seen = 0;
    gly_row_cursor cursor = {0};
    uint8_t *rows[7];
    for (uint32_t n; (n = gly_row_store_scan(&store, &cursor, 7, rows)) > 0;) {
        seen += n;
    }
    GLY_CHECK_INT(seen, store.row_count);
    gly_row_store_reset(&store);
    cursor = (gly_row_cursor){0};
    GLY_CHECK_INT(gly_row_store_scan(&store, &cursor, 7, rows), 0);
    gly_row_store_clear(&store);
    GLY_CHECK_INT(gly_budget_used(&budget), 0);
    gly_arena_free(arena);
}

GLY_TEST(match_finds_equal_rows) {
    gly_arena *arena = gly_arena_make();
    gly_random random = {2};
    gly_budget budget;
    gly_row_layout layout;
    gly_row_store store;
    set_types();
    gly_budget_init(&budget, NULL, SIZE_MAX);
    gly_row_layout_make(arena, 0, types, COLUMNS, 0, &layout);
    gly_row_store_init(&store, &layout, &budget);
    gly_value *values[COLUMNS];
    uint8_t *rows[GLY_BATCH_ROWS];
    uint8_t *others[GLY_BATCH_ROWS];
    uint32_t count = GLY_MIN(GLY_BATCH_ROWS, 200);
    gly_batch *batch = make_batch(arena, count, &random, values);
    size_t text = gly_row_store_text_bytes(&layout, batch->columns, NULL, count);
    GLY_CHECK(gly_row_store_reserve(&store, count, text, false));
    gly_row_store_append(&store, count, rows);
    gly_row_store_put(&store, batch->columns, NULL, count, rows);
    for (uint32_t r = 0; r < count; r++) {
        others[r] = rows[(r + r % 2) % count]; /* every second one another's */
    }
    for (uint32_t c = 0; c < COLUMNS; c++) {
        uint16_t chosen[GLY_BATCH_ROWS];
        uint16_t missed[GLY_BATCH_ROWS];
        uint32_t missed_count = 0;
        for (uint32_t r = 0; r < count; r++) {
            chosen[r] = (uint16_t)r;
        }
        uint32_t kept = gly_row_layout_match(&layout, c, &batch->columns[c], NULL, NULL, others,
                                             true, chosen, count, missed, &missed_count);
        GLY_CHECK_INT(kept + missed_count, count);
        for (uint32_t i = 0; i < kept; i++) {
            uint32_t other = (chosen[i] + chosen[i] % 2u) % count;
            GLY_CHECK(gly_value_equal(&values[c][chosen[i]], &values[c][other]));
        }
        for (uint32_t i = 0; i < missed_count; i++) {
            uint32_t other = (missed[i] + missed[i] % 2u) % count;
            GLY_CHECK(!gly_value_equal(&values[c][missed[i]], &values[c][other]));
        }
    }
    gly_row_store_clear(&store);
    gly_arena_free(arena);
}

GLY_TEST(a_refused_budget_changes_nothing) {
    gly_arena *arena = gly_arena_make();
    gly_budget budget;
    gly_row_layout layout;
    gly_row_store store;
    set_types();
    gly_budget_init(&budget, NULL, 100000);
    gly_row_layout_make(arena, 0, types, COLUMNS, 0, &layout);
    gly_row_store_init(&store, &layout, &budget);
    GLY_CHECK(!gly_row_store_reserve(&store, 1, 1 << 20, false));
    GLY_CHECK(gly_budget_used(&budget) <= 100000);
    uint32_t rows = 0;
    while (gly_row_store_reserve(&store, 1, 0, false)) {
        (void)gly_row_store_add(&store);
        rows++;
    }
    GLY_CHECK(rows * layout.row_size <= 100000 && rows * layout.row_size > 80000);
    GLY_CHECK(gly_row_store_reserve(&store, 1, 0, true));
    (void)gly_row_store_add(&store);
    GLY_CHECK_INT(store.row_count, rows + 1);
    gly_row_store_clear(&store);
    GLY_CHECK_INT(gly_budget_used(&budget), 0);
    gly_arena_free(arena);
}

GLY_SUITE("row_store", rows_keep_what_was_put, match_finds_equal_rows,
          a_refused_budget_changes_nothing)
