/* test_op_nested_join.c - joins without equal keys against nested loops, both ways of pairing. */
#include "tests/support/check.h"
#include "tests/support/op_harness.h"

static gly_type types[2];

static gly_op_table *make_table(gly_arena *arena, uint32_t rows, int64_t bound, uint64_t seed) {
    gly_random random = {seed};
    types[0] = GLY_TYPE_OF(INT);
    types[1] = GLY_TYPE_OF(STRING);
    gly_op_table *table = gly_op_harness_table(arena, types, 2, rows);
    for (uint32_t r = 0; r < rows; r++) {
        int64_t value = (int64_t)gly_random_below(&random, (uint64_t)bound);
        if (value % 11 != 3) {
            table->rows[r][0] = gly_value_i64(types[0], value);
        }
        table->rows[r][1] = gly_value_text(
            types[1],
            gly_str_of(gly_arena_format(arena, value % 2 == 0 ? "%d" : "not so short a text %d",
                                        (int)(value % 7))));
    }
    return table;
}

static void put(const gly_value *probe, const gly_value *build, bool has_build, gly_op_lines *ret) {
    gly_value row[4];
    for (uint32_t c = 0; c < 2; c++) {
        row[c] = probe == NULL ? gly_value_null(types[c]) : probe[c];
        row[2 + c] = build == NULL ? gly_value_null(types[c]) : build[c];
    }
    gly_builder line = {0};
    gly_op_harness_format(row, has_build ? 4 : 2, &line);
    gly_op_harness_add(ret, line.data);
    gly_builder_clear(&line);
}

static void expect(gly_join_kind kind, bool has_condition, const gly_op_table *probe,
                   const gly_op_table *build, gly_op_lines *ret) {
    bool *matched = calloc(build->row_count + 1, 1);
    bool has_build = gly_physical_join_puts_out_build((uint8_t)kind);
    for (uint32_t p = 0; p < probe->row_count; p++) {
        const gly_value *a = probe->rows[p];
        bool any = false;
        for (uint32_t b = 0; b < build->row_count; b++) {
            const gly_value *x = build->rows[b];
            if (!has_condition || (!a[0].is_null && !x[0].is_null && a[0].i64 < x[0].i64)) {
                any = matched[b] = true;
                if (has_build) {
                    put(a, x, true, ret);
                }
            }
        }
        if ((kind == GLY_JOIN_SEMI && any) || (kind == GLY_JOIN_ANTI && !any) ||
            ((kind == GLY_JOIN_LEFT || kind == GLY_JOIN_FULL) && !any)) {
            put(a, NULL, has_build, ret);
        }
    }
    for (uint32_t b = 0; b < build->row_count; b++) {
        if (!matched[b] && (kind == GLY_JOIN_RIGHT || kind == GLY_JOIN_FULL)) {
            put(NULL, build->rows[b], true, ret);
        }
    }
    free(matched);
}

static gly_physical *make_plan(gly_arena *arena, gly_join_kind kind, bool has_condition) {
    gly_type output[4] = {types[0], types[1], types[0], types[1]};
    bool has_build = gly_physical_join_puts_out_build((uint8_t)kind);
    gly_physical *plan =
        gly_op_harness_plan(arena, GLY_PHYSICAL_NESTED_JOIN, 2, output, has_build ? 4 : 2);
    for (uint32_t i = 0; i < 2; i++) {
        plan->children[i] = gly_op_harness_plan(arena, GLY_PHYSICAL_VALUES, 0, types, 2);
    }
    plan->nested_join.kind = (uint8_t)kind;
    if (has_condition) {
        gly_expr **args = GLY_ARENA_ARRAY(arena, gly_expr *, 2);
        args[0] = gly_op_harness_column(arena, 0, types[0]);
        args[1] = gly_op_harness_column(arena, 2, types[0]);
        plan->nested_join.condition =
            gly_expr_call(arena, GLY_FN_LESS, GLY_TYPE_OF(BOOLEAN), true, 2, args);
    }
    return plan;
}

GLY_TEST(joins_like_nested_loops) {
    static const uint32_t sizes[] = {0, 1, 3, 300};
    for (uint32_t round = 0; round < 7 * 2 * 4 * 4; round++) {
        gly_arena *arena = gly_arena_make();
        gly_join_kind kind = (gly_join_kind)(round % 7);
        bool has_condition = round / 7 % 2;
        if (kind == GLY_JOIN_NULL_AWARE_ANTI) {
            gly_arena_free(arena);
            continue;
        }
        gly_op_table *probe = make_table(arena, sizes[round / 14 % 4], 60, round);
        gly_op_table *build = make_table(arena, sizes[round / 56 % 4], 50, round + 1);
        const gly_op_table *inputs[] = {probe, build};
        gly_op_run run = {.seed = round, .width = 1 + round % 3};
        gly_op_lines actual = {0};
        gly_op_lines expected = {0};
        gly_error err = {0};
        GLY_CHECK_OK(
            gly_op_harness_run(make_plan(arena, kind, has_condition), inputs, &run, &actual, &err),
            &err);
        expect(kind, has_condition, probe, build, &expected);
        GLY_CHECK(gly_op_harness_same(&actual, &expected));
        gly_op_harness_clear(&actual);
        gly_op_harness_clear(&expected);
        gly_arena_free(arena);
    }
}

GLY_TEST(says_when_the_build_side_is_too_large) {
    gly_arena *arena = gly_arena_make();
    gly_op_table *probe = make_table(arena, 10, 60, 1);
    gly_op_table *build = make_table(arena, 5000, 50, 2);
    const gly_op_table *inputs[] = {probe, build};
    gly_op_run run = {.memory_bytes = 1000};
    gly_op_lines lines = {0};
    gly_error err = {0};
    GLY_CHECK_INT(
        gly_op_harness_run(make_plan(arena, GLY_JOIN_INNER, true), inputs, &run, &lines, &err),
        GLY_E_OUT_OF_MEMORY);
    GLY_CHECK(strstr(err.message, "without equal keys") != NULL);
    gly_op_harness_clear(&lines);
    gly_arena_free(arena);
}

GLY_SUITE("op_nested_join", joins_like_nested_loops, says_when_the_build_side_is_too_large)
