/* test_op_sort.c - ORDER BY and top-N against qsort: types, directions, NULLs, ties, spilled runs.
 */
#include "tests/support/check.h"
#include "tests/support/op_harness.h"

#include <math.h>

enum { LONG, SMALL, TEXT, DOUBLE, PRICE, WIDE, FLAG, ROW, COLUMNS };

static gly_type types[COLUMNS];

static gly_op_table *make_table(gly_arena *arena, uint32_t rows, bool nulls, uint64_t seed) {
    gly_random random = {seed};
    types[LONG] = GLY_TYPE_OF(BIGINT);
    types[SMALL] = GLY_TYPE_OF(INT);
    types[TEXT] = GLY_TYPE_OF(STRING);
    types[DOUBLE] = GLY_TYPE_OF(DOUBLE);
    types[PRICE] = gly_type_decimal(10, 2);
    types[WIDE] = gly_type_decimal(30, 2);
    types[FLAG] = GLY_TYPE_OF(BOOLEAN);
    types[ROW] = GLY_TYPE_OF(INT);
    gly_op_table *table = gly_op_harness_table(arena, types, COLUMNS, rows);
    for (uint32_t r = 0; r < rows; r++) {
        gly_value *row = table->rows[r];
        uint64_t x = gly_random_u64(&random);
        row[LONG] = gly_value_i64(types[LONG], (int64_t)x);
        row[SMALL] = gly_value_i64(types[SMALL], (int64_t)(x % 9) - 4);
        static const char *const formats[] = {"%u", "a common prefix of all %u", "b%u", ""};
        row[TEXT] = gly_value_text(
            types[TEXT],
            gly_str_of(gly_arena_format(arena, formats[x % 4], (unsigned)(x >> 20) % 500)));
        static const double specials[] = {0.0, -0.0, (double)INFINITY, -(double)INFINITY,
                                          (double)NAN};
        row[DOUBLE] =
            gly_value_f64(types[DOUBLE], x % 10 < 5 ? specials[x % 5] : (double)(int64_t)x / 1e12);
        row[PRICE] = gly_value_decimal(types[PRICE], (gly_i128)(x % 20000) - 10000);
        row[WIDE] = gly_value_decimal(types[WIDE], ((gly_i128)(int64_t)x * 1000000) / 7);
        row[FLAG] = gly_value_i64(types[FLAG], (int64_t)(x >> 7) & 1);
        row[ROW] = gly_value_i64(types[ROW], r);
        for (uint32_t c = 0; nulls && c < ROW; c++) {
            if (gly_random_below(&random, 8) == 0) {
                row[c] = gly_value_null(types[c]);
            }
        }
    }
    return table;
}

typedef struct key {
    int column;
    bool descending, nulls_first;
} key;

static const key *sort_keys;
static uint32_t sort_key_count;

static int compare_keys(const gly_value *a, const gly_value *b) {
    for (uint32_t k = 0; k < sort_key_count; k++) {
        const gly_value *x = &a[sort_keys[k].column];
        const gly_value *y = &b[sort_keys[k].column];
        int order;
        if (x->is_null || y->is_null) {
            order = (int)y->is_null - (int)x->is_null; /* NULL first */
            order = sort_keys[k].nulls_first ? order : -order;
        } else {
            order = gly_value_compare(x, y);
            order = sort_keys[k].descending ? -order : order;
        }
        if (order != 0) {
            return order;
        }
    }
    return 0;
}

static int compare_rows(const void *a, const void *b) {
    return compare_keys(*(gly_value *const *)a, *(gly_value *const *)b);
}

static void check_sort(const gly_op_table *table, const key *keys, uint32_t key_count,
                       uint64_t limit, bool computed, gly_op_run *run) {
    gly_arena *arena = gly_arena_make();
    gly_error err = {0};
    gly_op_lines lines = {0};
    gly_physical *plan = gly_op_harness_plan(
        arena, limit == UINT64_MAX ? GLY_PHYSICAL_SORT : GLY_PHYSICAL_TOPN, 1, types, COLUMNS);
    plan->sort.key_count = key_count;
    plan->sort.limit = limit;
    plan->sort.keys = GLY_ARENA_ARRAY(arena, gly_sort_key, key_count);
    for (uint32_t k = 0; k < key_count; k++) {
        uint32_t column = (uint32_t)keys[k].column;
        gly_expr *expr = gly_op_harness_column(arena, column, types[column]);
        if (computed) {
            gly_expr **args = GLY_ARENA_ARRAY(arena, gly_expr *, 2);
            args[0] = args[1] = expr;
            expr = gly_expr_call(arena, GLY_FN_COALESCE, types[column], true, 2, args);
        }
        plan->sort.keys[k] = (gly_sort_key){expr, keys[k].descending, keys[k].nulls_first};
    }
    run->keep = arena;
    GLY_CHECK_OK(gly_op_harness_run(plan, &table, run, &lines, &err), &err);
    gly_value **expected =
        gly_arena_copy(arena, table->rows, table->row_count * sizeof *table->rows);
    sort_keys = keys;
    sort_key_count = key_count;
    qsort(expected, table->row_count, sizeof *expected, compare_rows);
    GLY_CHECK_INT(run->kept.row_count, GLY_MIN(limit, (uint64_t)table->row_count));
    bool *seen = GLY_ARENA_ARRAY(arena, bool, table->row_count + 1);
    bool in_order = true;
    for (uint32_t r = 0; r < run->kept.row_count && in_order; r++) {
        const gly_value *row = run->kept.rows[r];
        uint32_t number = (uint32_t)row[ROW].i64;
        in_order = compare_keys(row, expected[r]) == 0 && !seen[number];
        for (uint32_t c = 0; c < COLUMNS && in_order; c++) {
            in_order = gly_value_equal(&row[c], &table->rows[number][c]);
        }
        seen[number] = true;
        if (!in_order) {
            fprintf(stderr, "row %u of %u, keys %u[%d], limit %llu, width %u: %s\n", r,
                    run->kept.row_count, key_count, keys[0].column, (unsigned long long)limit,
                    run->width, lines.items[r]);
        }
    }
    GLY_CHECK(in_order);
    gly_op_harness_clear(&lines);
    gly_arena_free(arena);
}

static const key by_long[] = {{LONG, false, true}};
static const key by_small[] = {{SMALL, true, false}, {PRICE, false, false}};
static const key by_text[] = {{TEXT, false, true}, {LONG, true, true}};
static const key by_text_down[] = {{TEXT, true, true}, {TEXT, false, false}};
static const key by_double[] = {{DOUBLE, true, false}, {WIDE, true, true}};
static const key by_wide[] = {{WIDE, false, false},
                              {FLAG, true, true},
                              {LONG, false, true},
                              {SMALL, false, true},
                              {DOUBLE, false, true}};
static const key by_flag[] = {{FLAG, false, false}};
static const struct {
    const key *keys;
    uint32_t count;
} orders[] = {{by_long, 1},   {by_small, 2}, {by_text, 2}, {by_text_down, 2},
              {by_double, 2}, {by_wide, 5},  {by_flag, 1}};

GLY_TEST(sorts_in_memory) {
    gly_arena *arena = gly_arena_make();
    static const uint32_t sizes[] = {
        0, 1, 2, 30, GLY_CHECK_SIZE(5000, 2000), GLY_CHECK_SIZE(20000, 5000)};
    for (size_t s = 0; s < GLY_ARRAY_LEN(sizes); s++) {
        gly_op_table *table = make_table(arena, sizes[s], s % 2 == 0, s);
        for (size_t o = 0; o < GLY_ARRAY_LEN(orders); o++) {
            gly_op_run run = {.seed = o, .width = 1 + o % 3};
            check_sort(table, orders[o].keys, orders[o].count, UINT64_MAX, false, &run);
            check_sort(table, orders[o].keys, orders[o].count, UINT64_MAX, true, &run);
        }
    }
    gly_arena_free(arena);
}

GLY_TEST(sorts_with_spilled_runs) {
    gly_arena *arena = gly_arena_make();
    gly_op_table *table = make_table(arena, 20 * GLY_MIN(GLY_BATCH_ROWS, 700), true, 9);
    for (size_t o = 0; o < GLY_ARRAY_LEN(orders); o++) {
        gly_op_run run = {.seed = o, .width = 1 + o % 3, .memory_bytes = 1};
        check_sort(table, orders[o].keys, orders[o].count, UINT64_MAX, o % 2 == 0, &run);
        GLY_CHECK(run.spill_bytes > 0);
        run.memory_bytes = 1 << 20;
        check_sort(table, orders[o].keys, orders[o].count, UINT64_MAX, false, &run);
    }
    gly_arena_free(arena);
}

GLY_TEST(keeps_the_first_rows) {
    gly_arena *arena = gly_arena_make();
    static const uint64_t limits[] = {0, 1, 10, 3000, 100000};
    gly_op_table *table = make_table(arena, GLY_CHECK_SIZE(30000, 6000), true, 4);
    for (size_t l = 0; l < GLY_ARRAY_LEN(limits); l++) {
        for (size_t o = 0; o < GLY_ARRAY_LEN(orders); o++) {
            gly_op_run run = {.seed = o, .width = 1 + l % 3};
            check_sort(table, orders[o].keys, orders[o].count, limits[l], l == 2, &run);
            run.memory_bytes = 50000;
            check_sort(table, orders[o].keys, orders[o].count, limits[l], false, &run);
        }
    }
    gly_arena_free(arena);
}

GLY_SUITE("op_sort", sorts_in_memory, sorts_with_spilled_runs, keeps_the_first_rows)
