/* test_op_aggregate.c - GROUP BY against a naive one: shapes, NULLs, spilling, widths, two phases.
 */
#include "tests/support/check.h"
#include "tests/support/op_harness.h"

#include "lib/data/decimal.h"

#include <math.h>

enum { KEY, TEXT, INT, LONG, PRICE, WIDE, DOUBLE, FLAG, DAY, COLUMNS };

static gly_type types[COLUMNS];

static void set_types(void) {
    types[KEY] = GLY_TYPE_OF(BIGINT);
    types[TEXT] = GLY_TYPE_OF(STRING);
    types[INT] = GLY_TYPE_OF(INT);
    types[LONG] = GLY_TYPE_OF(BIGINT);
    types[PRICE] = gly_type_decimal(10, 2);
    types[WIDE] = gly_type_decimal(25, 3);
    types[DOUBLE] = GLY_TYPE_OF(DOUBLE);
    types[FLAG] = GLY_TYPE_OF(BOOLEAN);
    types[DAY] = GLY_TYPE_OF(DATE);
}

static gly_op_table *make_table(gly_arena *arena, uint32_t rows, uint32_t groups, bool with_nulls,
                                uint64_t seed) {
    gly_random random = {seed};
    set_types();
    gly_op_table *table = gly_op_harness_table(arena, types, COLUMNS, rows);
    for (uint32_t r = 0; r < rows; r++) {
        gly_value *row = table->rows[r];
        uint64_t g = gly_random_below(&random, groups);
        row[KEY] = gly_value_i64(types[KEY], (int64_t)g - 3);
        const char *format = g % 3 == 0 ? "%u" : "a rather long text, group %u";
        row[TEXT] = gly_value_text(
            types[TEXT], gly_str_of(gly_arena_format(arena, format, (unsigned)(g % 1000))));
        row[INT] = gly_value_i64(types[INT], (int64_t)gly_random_below(&random, 2000) - 1000);
        row[LONG] = gly_value_i64(types[LONG], (int64_t)(gly_random_u64(&random) >> 20));
        row[PRICE] = gly_value_decimal(types[PRICE], (gly_i128)gly_random_below(&random, 100000));
        row[WIDE] = gly_value_decimal(types[WIDE],
                                      (gly_i128)gly_random_below(&random, 1000000000) * 1000000000);
        row[DOUBLE] = gly_value_f64(types[DOUBLE], (double)gly_random_below(&random, 1000));
        row[FLAG] = gly_value_i64(types[FLAG], (int64_t)gly_random_below(&random, 4) > 0);
        row[DAY] = gly_value_i64(types[DAY], (int64_t)(g % 7));
        for (uint32_t c = 0; with_nulls && c < COLUMNS; c++) {
            if (gly_random_below(&random, 10) == 0) {
                row[c] = gly_value_null(types[c]);
            }
        }
    }
    return table;
}

typedef struct call {
    gly_function_id function;
    int column;    /* -1: count(*) */
    bool filtered; /* FILTER (WHERE flag) */
} call;

static const call all_calls[] = {
    {GLY_FN_COUNT, -1, false},      {GLY_FN_COUNT, INT, false},    {GLY_FN_SUM, INT, false},
    {GLY_FN_SUM, PRICE, false},     {GLY_FN_SUM, WIDE, false},     {GLY_FN_SUM, DOUBLE, false},
    {GLY_FN_AVG, INT, false},       {GLY_FN_AVG, PRICE, false},    {GLY_FN_AVG, DOUBLE, false},
    {GLY_FN_MIN, INT, false},       {GLY_FN_MAX, LONG, false},     {GLY_FN_MIN, TEXT, false},
    {GLY_FN_MAX, TEXT, false},      {GLY_FN_MAX, WIDE, false},     {GLY_FN_MIN, DOUBLE, false},
    {GLY_FN_BOOL_AND, FLAG, false}, {GLY_FN_BOOL_OR, FLAG, false}, {GLY_FN_SUM, INT, true},
    {GLY_FN_COUNT, -1, true},       {GLY_FN_MIN, DAY, true},
};

static gly_type result_type(const call *c) {
    if (c->function == GLY_FN_COUNT) {
        return GLY_TYPE_OF(BIGINT);
    }
    gly_type type = types[c->column];
    gly_type result;
    gly_error err;
    GLY_CHECK_OK(gly_function_types(c->function, 1, &type, NULL, &result, &err), &err);
    return result;
}

/* ---- the naive one ---- */

static gly_value naive(gly_arena *arena, const gly_op_table *table, const uint32_t *rows,
                       uint32_t count, const call *c) {
    gly_type type = result_type(c);
    gly_i128 sum = 0;
    double real = 0;
    int64_t n = 0;
    gly_value best = gly_value_null(type);
    for (uint32_t i = 0; i < count; i++) {
        const gly_value *row = table->rows[rows[i]];
        if (c->filtered && (row[FLAG].is_null || row[FLAG].i64 == 0)) {
            continue;
        }
        const gly_value *value = c->column < 0 ? NULL : &row[c->column];
        if (value != NULL && value->is_null) {
            continue;
        }
        n++;
        if (value == NULL) {
            continue;
        }
        sum += value->type.id == GLY_TYPE_DECIMAL  ? gly_value_unscaled(value)
               : gly_type_is_integral(value->type) ? value->i64
                                                   : 0;
        real += value->type.id == GLY_TYPE_DOUBLE   ? value->f64
                : gly_type_is_integral(value->type) ? (double)value->i64
                                                    : 0;
        bool is_min = c->function == GLY_FN_MIN || c->function == GLY_FN_BOOL_AND;
        if (best.is_null ||
            (is_min ? gly_value_compare(value, &best) < 0 : gly_value_compare(value, &best) > 0)) {
            best = *value;
        }
    }
    (void)arena;
    switch (c->function) {
    case GLY_FN_COUNT:
        return gly_value_i64(type, n);
    case GLY_FN_SUM:
        return n == 0                        ? gly_value_null(type)
               : type.id == GLY_TYPE_DOUBLE  ? gly_value_f64(type, real)
               : type.id == GLY_TYPE_DECIMAL ? gly_value_decimal(type, sum)
                                             : gly_value_i64(type, (int64_t)sum);
    case GLY_FN_AVG:
        if (n == 0) {
            return gly_value_null(type);
        }
        if (type.id == GLY_TYPE_DOUBLE) {
            return gly_value_f64(type, real / (double)n);
        }
        gly_i128 quotient;
        GLY_CHECK(gly_decimal_divide(sum, n, type.scale - types[c->column].scale, &quotient));
        return gly_value_decimal(type, quotient);
    default:
        return best;
    }
}

static const gly_op_table *sort_table;
static const int *sort_keys;
static uint32_t sort_key_count;

static int compare_rows(const void *a, const void *b) {
    const gly_value *x = sort_table->rows[*(const uint32_t *)a];
    const gly_value *y = sort_table->rows[*(const uint32_t *)b];
    for (uint32_t k = 0; k < sort_key_count; k++) {
        const gly_value *u = &x[sort_keys[k]];
        const gly_value *v = &y[sort_keys[k]];
        int order =
            u->is_null || v->is_null ? (int)v->is_null - (int)u->is_null : gly_value_compare(u, v);
        if (order != 0) {
            return order;
        }
    }
    return 0;
}

static void expect(gly_arena *arena, const gly_op_table *table, const int *keys, uint32_t key_count,
                   const call *calls, uint32_t call_count, gly_op_lines *ret) {
    uint32_t *rows = GLY_ARENA_ARRAY(arena, uint32_t, table->row_count + 1);
    for (uint32_t i = 0; i < table->row_count; i++) {
        rows[i] = i;
    }
    sort_table = table;
    sort_keys = keys;
    sort_key_count = key_count;
    qsort(rows, table->row_count, sizeof *rows, compare_rows);
    gly_value out[64];
    for (uint32_t first = 0; first < table->row_count || (key_count == 0 && first == 0);) {
        uint32_t end = first;
        while (end < table->row_count && compare_rows(&rows[first], &rows[end]) == 0) {
            end++;
        }
        for (uint32_t k = 0; k < key_count; k++) {
            out[k] = table->rows[rows[first]][keys[k]];
        }
        for (uint32_t i = 0; i < call_count; i++) {
            out[key_count + i] = naive(arena, table, rows + first, end - first, &calls[i]);
        }
        gly_builder line = {0};
        gly_op_harness_format(out, key_count + call_count, &line);
        gly_op_harness_add(ret, line.data);
        gly_builder_clear(&line);
        first = GLY_MAX(end, first + 1);
    }
}

/* ---- plans ---- */

static gly_expr *make_call(gly_arena *arena, const call *c, gly_aggregate_mode mode) {
    gly_expr **args = GLY_ARENA_ARRAY(arena, gly_expr *, 1);
    if (c->column >= 0) {
        args[0] = gly_op_harness_column(arena, (uint32_t)c->column, types[c->column]);
    }
    gly_expr *expr = gly_expr_call(arena, c->function, result_type(c), true, c->column >= 0, args);
    expr->mode = (uint8_t)mode;
    if (c->filtered) {
        expr->filter = gly_op_harness_column(arena, FLAG, types[FLAG]);
    }
    return expr;
}

static gly_physical *make_plan(gly_arena *arena, const int *keys, uint32_t key_count,
                               const call *calls, uint32_t call_count, gly_aggregate_mode mode) {
    gly_type output[128];
    uint32_t columns = 0;
    for (uint32_t k = 0; k < key_count; k++) {
        output[columns++] = types[keys[k]];
    }
    for (uint32_t i = 0; i < call_count; i++) {
        gly_type argument = calls[i].column >= 0 ? types[calls[i].column] : GLY_TYPE_OF(NULL);
        if (mode == GLY_AGGREGATE_PARTIAL) {
            columns += gly_function_states(calls[i].function, argument, result_type(&calls[i]),
                                           output + columns);
        } else {
            output[columns++] = result_type(&calls[i]);
        }
    }
    gly_physical *plan = gly_op_harness_plan(arena, GLY_PHYSICAL_AGGREGATE, 1, output, columns);
    plan->children[0] = gly_op_harness_plan(arena, GLY_PHYSICAL_VALUES, 0, types, COLUMNS);
    plan->children[0]->row_estimate = UINT64_MAX;
    plan->aggregate.group_count = key_count;
    plan->aggregate.groups = GLY_ARENA_ARRAY(arena, gly_expr *, key_count);
    for (uint32_t k = 0; k < key_count; k++) {
        plan->aggregate.groups[k] = gly_op_harness_column(arena, (uint32_t)keys[k], types[keys[k]]);
    }
    plan->aggregate.aggregate_count = call_count;
    plan->aggregate.aggregates = GLY_ARENA_ARRAY(arena, gly_expr *, call_count);
    for (uint32_t i = 0; i < call_count; i++) {
        plan->aggregate.aggregates[i] = make_call(arena, &calls[i], mode);
    }
    return plan;
}

/* The FINAL or MERGE aggregation over a partial's output. */
static gly_physical *make_second(gly_arena *arena, const gly_physical *partial, const int *keys,
                                 uint32_t key_count, const call *calls, uint32_t call_count,
                                 gly_aggregate_mode mode) {
    gly_physical *plan = make_plan(arena, keys, key_count, calls, call_count,
                                   mode == GLY_AGGREGATE_MERGE ? GLY_AGGREGATE_PARTIAL : mode);
    for (uint32_t k = 0; k < key_count; k++) {
        plan->aggregate.groups[k] = gly_op_harness_column(arena, k, types[keys[k]]);
    }
    uint32_t column = key_count;
    for (uint32_t i = 0; i < call_count; i++) {
        gly_type states[GLY_FUNCTION_MAX_STATES];
        gly_type argument = calls[i].column >= 0 ? types[calls[i].column] : GLY_TYPE_OF(NULL);
        uint32_t count =
            gly_function_states(calls[i].function, argument, result_type(&calls[i]), states);
        gly_expr **args = GLY_ARENA_ARRAY(arena, gly_expr *, count);
        for (uint32_t s = 0; s < count; s++) {
            GLY_CHECK(gly_type_equal(partial->schema.fields[column].type, states[s]));
            args[s] = gly_op_harness_column(arena, column++, states[s]);
        }
        plan->aggregate.aggregates[i] =
            gly_expr_call(arena, calls[i].function, result_type(&calls[i]), true, count, args);
        plan->aggregate.aggregates[i]->mode = (uint8_t)mode;
    }
    return plan;
}

/* ---- checks ---- */

static void check_complete(const gly_op_table *table, const int *keys, uint32_t key_count,
                           const call *calls, uint32_t call_count, gly_op_run *run) {
    gly_arena *arena = gly_arena_make();
    gly_error err = {0};
    gly_op_lines actual = {0};
    gly_op_lines expected = {0};
    gly_physical *plan =
        make_plan(arena, keys, key_count, calls, call_count, GLY_AGGREGATE_COMPLETE);
    GLY_CHECK_OK(gly_op_harness_run(plan, &table, run, &actual, &err), &err);
    expect(arena, table, keys, key_count, calls, call_count, &expected);
    GLY_CHECK(gly_op_harness_same(&actual, &expected));
    gly_op_harness_clear(&actual);
    gly_op_harness_clear(&expected);
    gly_arena_free(arena);
}

static void check_phases(const gly_op_table *table, const int *keys, uint32_t key_count,
                         const call *calls, uint32_t call_count, bool skip_allowed,
                         gly_op_run *run) {
    gly_arena *arena = gly_arena_make();
    gly_error err = {0};
    gly_op_lines states = {0};
    gly_op_lines merged = {0};
    gly_op_lines actual = {0};
    gly_op_lines expected = {0};
    gly_physical *partial =
        make_plan(arena, keys, key_count, calls, call_count, GLY_AGGREGATE_PARTIAL);
    partial->aggregate.skip_allowed = skip_allowed;
    run->keep = arena;
    GLY_CHECK_OK(gly_op_harness_run(partial, &table, run, &states, &err), &err);
    gly_op_table first = run->kept;
    const gly_op_table *input = &first;
    gly_physical *merge =
        make_second(arena, partial, keys, key_count, calls, call_count, GLY_AGGREGATE_MERGE);
    GLY_CHECK_OK(gly_op_harness_run(merge, &input, run, &merged, &err), &err);
    gly_op_table second = run->kept;
    input = &second;
    gly_physical *final =
        make_second(arena, partial, keys, key_count, calls, call_count, GLY_AGGREGATE_FINAL);
    GLY_CHECK_OK(gly_op_harness_run(final, &input, run, &actual, &err), &err);
    expect(arena, table, keys, key_count, calls, call_count, &expected);
    GLY_CHECK(gly_op_harness_same(&actual, &expected));
    gly_op_harness_clear(&states);
    gly_op_harness_clear(&merged);
    gly_op_harness_clear(&actual);
    gly_op_harness_clear(&expected);
    gly_arena_free(arena);
}

static const int by_key[] = {KEY};
static const int by_text[] = {TEXT};
static const int by_day[] = {DAY};
static const int by_double[] = {DOUBLE};
static const int by_many[] = {DAY, TEXT, FLAG, WIDE};
static const struct {
    const int *keys;
    uint32_t count;
} groupings[] = {{NULL, 0}, {by_key, 1}, {by_text, 1}, {by_day, 1}, {by_double, 1}, {by_many, 4}};

#define ALL all_calls, GLY_ARRAY_LEN(all_calls)

GLY_TEST(groups_like_the_naive_one) {
    gly_arena *arena = gly_arena_make();
    for (uint32_t nulls = 0; nulls < 2; nulls++) {
        for (uint32_t rows = 0; rows <= GLY_CHECK_SIZE(9000, 1100); rows = rows * 3 + 1) {
            gly_op_table *table = make_table(arena, rows, 500, nulls, rows + nulls);
            for (size_t g = 0; g < GLY_ARRAY_LEN(groupings); g++) {
                gly_op_run run = {.seed = rows + g};
                check_complete(table, groupings[g].keys, groupings[g].count, ALL, &run);
                run.width = 3;
                check_complete(table, groupings[g].keys, groupings[g].count, ALL, &run);
            }
        }
    }
    gly_arena_free(arena);
}

GLY_TEST(spills_and_is_still_right) {
    gly_arena *arena = gly_arena_make();
    gly_op_table *table =
        make_table(arena, GLY_CHECK_SIZE(20000, 7000), GLY_CHECK_SIZE(15000, 5300), true, 7);
    for (size_t g = 1; g < GLY_ARRAY_LEN(groupings); g++) {
        for (uint32_t width = 1; width <= 3; width += 2) {
            gly_op_run run = {
                .seed = g, .width = width, .memory_bytes = GLY_CHECK_SIZE(200, 60) << 10};
            check_complete(table, groupings[g].keys, groupings[g].count, ALL, &run);
            GLY_CHECK(run.spill_bytes > 0 || groupings[g].keys == by_day ||
                      groupings[g].keys == by_double || groupings[g].keys == by_text);
        }
    }
    gly_op_run run = {.seed = 1, .memory_bytes = 4096};
    table = make_table(arena, 4 * GLY_BATCH_ROWS, 15000, true, 8);
    check_complete(table, by_key, 1, ALL, &run);
    GLY_CHECK(run.spill_bytes > 0);
    gly_arena_free(arena);
}

GLY_TEST(two_phases_equal_one) {
    gly_arena *arena = gly_arena_make();
    for (uint32_t groups = 10; groups <= 10000; groups *= 1000) {
        gly_op_table *table =
            make_table(arena, GLY_CHECK_SIZE(15000, 1500), groups, groups == 10, groups);
        for (size_t g = 1; g < GLY_ARRAY_LEN(groupings); g++) {
            for (uint32_t skip = 0; skip < 2; skip++) {
                gly_op_run run = {.seed = g, .width = 1 + skip};
                check_phases(table, groupings[g].keys, groupings[g].count, ALL, skip, &run);
            }
        }
    }
    gly_arena_free(arena);
}

GLY_TEST(passes_rows_when_nothing_repeats) {
    gly_arena *arena = gly_arena_make();
    gly_op_table *table = make_table(arena, 100000, 2000000000, false, 3);
    static const call calls[] = {
        {GLY_FN_SUM, INT, false}, {GLY_FN_AVG, PRICE, false}, {GLY_FN_COUNT, -1, false}};
    gly_op_run run = {.seed = 1};
    check_phases(table, by_key, 1, calls, 3, true, &run);
    table = make_table(arena, 100000, 50000, false, 4); /* the table grows instead */
    check_phases(table, by_key, 1, calls, 3, true, &run);
    gly_arena_free(arena);
}

GLY_TEST(distinct_has_keys_only) {
    gly_arena *arena = gly_arena_make();
    gly_op_table *table =
        make_table(arena, GLY_CHECK_SIZE(5000, 1500), GLY_CHECK_SIZE(3000, 900), true, 6);
    for (size_t g = 1; g < GLY_ARRAY_LEN(groupings); g++) {
        gly_op_run run = {.seed = g, .width = 1 + g % 3};
        check_complete(table, groupings[g].keys, groupings[g].count, all_calls, 0, &run);
        run.memory_bytes = 30000;
        check_complete(table, groupings[g].keys, groupings[g].count, all_calls, 0, &run);
    }
    gly_arena_free(arena);
}

GLY_TEST(sum_overflow_is_an_error) {
    gly_arena *arena = gly_arena_make();
    gly_op_table *table = make_table(arena, 3, 1, false, 3);
    for (uint32_t r = 0; r < 3; r++) {
        table->rows[r][LONG].i64 = INT64_MAX / 2;
    }
    static const call calls[] = {{GLY_FN_SUM, LONG, false}};
    for (uint32_t keys = 0; keys < 2; keys++) {
        gly_op_run run = {0};
        gly_op_lines lines = {0};
        gly_error err = {0};
        const gly_op_table *input = table;
        gly_physical *plan = make_plan(arena, by_key, keys, calls, 1, GLY_AGGREGATE_COMPLETE);
        GLY_CHECK_INT(gly_op_harness_run(plan, &input, &run, &lines, &err), GLY_E_OVERFLOW);
        GLY_CHECK(strstr(err.message, "overflows bigint") != NULL);
        gly_op_harness_clear(&lines);
    }
    gly_arena_free(arena);
}

GLY_TEST(zeros_and_nans_are_one_group) {
    gly_arena *arena = gly_arena_make();
    gly_op_table *table = make_table(arena, 6, 1, false, 3);
    const double values[] = {0.0, -0.0, (double)NAN, -(double)NAN, (double)INFINITY, 0.0};
    for (uint32_t r = 0; r < 6; r++) {
        table->rows[r][DOUBLE].f64 = values[r];
    }
    static const call calls[] = {
        {GLY_FN_COUNT, -1, false}, {GLY_FN_MAX, DOUBLE, false}, {GLY_FN_MIN, DOUBLE, false}};
    gly_op_run run = {0};
    gly_op_lines lines = {0};
    gly_error err = {0};
    const gly_op_table *input = table;
    gly_physical *plan = make_plan(arena, by_double, 1, calls, 3, GLY_AGGREGATE_COMPLETE);
    GLY_CHECK_OK(gly_op_harness_run(plan, &input, &run, &lines, &err), &err);
    gly_op_harness_sort(&lines);
    GLY_CHECK_INT(lines.count, 3);
    GLY_CHECK_TEXT(lines.items[0], "0.0|3|0.0|0.0");
    GLY_CHECK_TEXT(lines.items[1], "Infinity|1|Infinity|Infinity");
    GLY_CHECK_TEXT(lines.items[2], "NaN|2|NaN|NaN");
    gly_op_harness_clear(&lines);
    plan = make_plan(arena, by_double, 0, calls, 3, GLY_AGGREGATE_COMPLETE);
    GLY_CHECK_OK(gly_op_harness_run(plan, &input, &run, &lines, &err), &err);
    GLY_CHECK_TEXT(lines.items[0], "6|NaN|0.0");
    gly_op_harness_clear(&lines);
    gly_arena_free(arena);
}

/* Variance and first are not exact or not determined by the rows: looked at by themselves. */
GLY_TEST(variance_and_first) {
    gly_arena *arena = gly_arena_make();
    gly_op_table *table = make_table(arena, 9000, 4000, true, 5);
    static const call calls[] = {{GLY_FN_VAR_POP, DOUBLE, false},
                                 {GLY_FN_STDDEV_SAMP, DOUBLE, false},
                                 {GLY_FN_FIRST, KEY, false},
                                 {GLY_FN_COUNT, DOUBLE, false}};
    gly_op_run run = {.seed = 1, .memory_bytes = 100 << 10, .keep = arena, .width = 2};
    gly_op_lines lines = {0};
    gly_error err = {0};
    const gly_op_table *input = table;
    gly_physical *partial = make_plan(arena, by_key, 1, calls, 4, GLY_AGGREGATE_PARTIAL);
    GLY_CHECK_OK(gly_op_harness_run(partial, &input, &run, &lines, &err), &err);
    gly_op_table states = run.kept;
    input = &states;
    gly_physical *final = make_second(arena, partial, by_key, 1, calls, 4, GLY_AGGREGATE_FINAL);
    GLY_CHECK_OK(gly_op_harness_run(final, &input, &run, &lines, &err), &err);
    GLY_CHECK(run.spill_bytes > 0);
    for (uint32_t i = 0; i < run.kept.row_count; i++) {
        gly_value *row = run.kept.rows[i];
        double sum = 0, squares = 0, n = 0;
        for (uint32_t r = 0; r < table->row_count; r++) {
            if (gly_value_equal(&table->rows[r][KEY], &row[0]) && !table->rows[r][DOUBLE].is_null) {
                double value = table->rows[r][DOUBLE].f64;
                sum += value;
                squares += value * value;
                n++;
            }
        }
        double variance = n == 0 ? 0 : squares / n - sum / n * (sum / n);
        GLY_CHECK(row[1].is_null == (n == 0));
        GLY_CHECK(n == 0 || (row[1].f64 - variance < 1e-6 && variance - row[1].f64 < 1e-6));
        GLY_CHECK(row[2].is_null == (n < 2));
        GLY_CHECK(gly_value_equal(&row[3], &row[0]));
        GLY_CHECK_INT(row[4].i64, (int64_t)n);
    }
    gly_op_harness_clear(&lines);
    gly_arena_free(arena);
}

GLY_SUITE("op_aggregate", groups_like_the_naive_one, spills_and_is_still_right,
          two_phases_equal_one, passes_rows_when_nothing_repeats, distinct_has_keys_only,
          sum_overflow_is_an_error, zeros_and_nans_are_one_group, variance_and_first)
