/* test_expr.c - bound expressions: making, comparing, walking, rewriting, printing. */
#include "lib/plan/expr.h"
#include "tests/support/check.h"

static gly_expr *column(gly_arena *arena, uint32_t id, const char *name) {
    return gly_expr_column(arena, id, GLY_TYPE_OF(BIGINT), true, gly_str_of(name));
}

static gly_expr *number(gly_arena *arena, int64_t value) {
    return gly_expr_literal(arena, gly_value_i64(GLY_TYPE_OF(BIGINT), value));
}

static gly_expr *call(gly_arena *arena, gly_function_id id, uint32_t count, gly_expr *a,
                      gly_expr *b) {
    gly_expr **args = GLY_ARENA_ARRAY(arena, gly_expr *, 2);
    args[0] = a;
    args[1] = b;
    return gly_expr_call(arena, id, GLY_TYPE_OF(BOOLEAN), true, count, args);
}

static void check_text(const gly_expr *expr, bool with_ids, const char *expected) {
    gly_builder out = {0};
    gly_expr_format(expr, with_ids, &out);
    GLY_CHECK_TEXT(out.data == NULL ? "" : out.data, expected);
    gly_builder_clear(&out);
}

GLY_TEST(ands_are_flattened) {
    gly_arena *arena = gly_arena_make();
    gly_expr *a = call(arena, GLY_FN_IS_NULL, 1, column(arena, 1, "a"), NULL);
    gly_expr *b = call(arena, GLY_FN_IS_NULL, 1, column(arena, 2, "b"), NULL);
    gly_expr *c = call(arena, GLY_FN_IS_NULL, 1, column(arena, 3, "c"), NULL);
    gly_expr *ab[2] = {a, b};
    gly_expr *abc[2] = {gly_expr_and(arena, 2, ab), c};
    gly_expr *all = gly_expr_and(arena, 2, abc);
    GLY_CHECK_INT(all->arg_count, 3);
    check_text(all, true, "((isnull(a#1) AND isnull(b#2)) AND isnull(c#3))");
    GLY_CHECK(gly_expr_and(arena, 0, NULL) == NULL);
    GLY_CHECK(gly_expr_and(arena, 1, &a) == a);
    gly_arena_free(arena);
}

GLY_TEST(equality_is_structural) {
    gly_arena *arena = gly_arena_make();
    gly_expr *x = call(arena, GLY_FN_LESS, 2, column(arena, 1, "a"), number(arena, 5));
    gly_expr *y = call(arena, GLY_FN_LESS, 2, column(arena, 1, "A"), number(arena, 5));
    gly_expr *z = call(arena, GLY_FN_LESS, 2, column(arena, 2, "a"), number(arena, 5));
    y->line = 7; /* places do not count */
    GLY_CHECK(gly_expr_equal(x, y));
    GLY_CHECK(!gly_expr_equal(x, z));
    GLY_CHECK(
        !gly_expr_equal(x, call(arena, GLY_FN_LESS, 2, column(arena, 1, "a"), number(arena, 6))));
    GLY_CHECK(!gly_expr_equal(x, NULL));
    gly_expr *narrow = gly_expr_cast(arena, x, GLY_TYPE_OF(INT), false);
    GLY_CHECK(!gly_expr_equal(narrow, gly_expr_cast(arena, x, GLY_TYPE_OF(INT), true)));
    GLY_CHECK(!gly_expr_equal(narrow, gly_expr_cast(arena, x, GLY_TYPE_OF(STRING), false)));
    gly_expr *count = call(arena, GLY_FN_COUNT, 1, column(arena, 1, "a"), NULL);
    gly_expr *distinct = call(arena, GLY_FN_COUNT, 1, column(arena, 1, "a"), NULL);
    distinct->is_distinct = true;
    GLY_CHECK(!gly_expr_equal(count, distinct));
    gly_arena_free(arena);
}

GLY_TEST(asks_about_trees) {
    gly_arena *arena = gly_arena_make();
    gly_expr *safe = call(arena, GLY_FN_LESS, 2, column(arena, 1, "a"), number(arena, 5));
    GLY_CHECK(!gly_expr_can_fail(safe));
    GLY_CHECK(gly_expr_is_deterministic(safe));
    gly_expr *sum = call(arena, GLY_FN_ADD, 2, column(arena, 1, "a"), number(arena, 5));
    GLY_CHECK(gly_expr_can_fail(sum));
    gly_expr *text = gly_expr_column(arena, 3, GLY_TYPE_OF(STRING), true, GLY_STR("s"));
    GLY_CHECK(gly_expr_can_fail(gly_expr_cast(arena, text, GLY_TYPE_OF(INT), false)));
    GLY_CHECK(!gly_expr_can_fail(gly_expr_cast(arena, text, GLY_TYPE_OF(INT), true)));
    GLY_CHECK(!gly_expr_can_fail(gly_expr_cast(arena, safe->args[0], GLY_TYPE_OF(DOUBLE), false)));
    GLY_CHECK(gly_expr_can_fail(gly_expr_cast(arena, safe->args[0], GLY_TYPE_OF(INT), false)));
    gly_expr *wide = gly_expr_cast(arena, safe->args[0], gly_type_decimal(20, 0), false);
    GLY_CHECK(!gly_expr_can_fail(wide));
    GLY_CHECK(
        gly_expr_can_fail(gly_expr_cast(arena, safe->args[0], gly_type_decimal(18, 0), false)));
    GLY_CHECK(!gly_expr_is_deterministic(call(arena, GLY_FN_RAND, 0, NULL, NULL)));
    gly_expr *aggregate = call(arena, GLY_FN_SUM, 1, column(arena, 1, "a"), NULL);
    GLY_CHECK(gly_expr_has_aggregate(call(arena, GLY_FN_LESS, 2, aggregate, number(arena, 1))));
    GLY_CHECK(!gly_expr_has_aggregate(safe));
    gly_arena_free(arena);
}

static void add_column(void *context, uint32_t id) {
    uint32_t *sum = context;
    *sum = *sum * 10 + id;
}

static gly_expr *rename_one(void *context, gly_arena *arena, gly_expr *expr) {
    (void)context;
    if (expr->kind == GLY_EXPR_COLUMN && expr->column == 1) {
        return gly_expr_column(arena, 9, expr->type, expr->nullable, expr->name);
    }
    return NULL;
}

GLY_TEST(walks_and_rewrites) {
    gly_arena *arena = gly_arena_make();
    gly_expr *left = call(arena, GLY_FN_LESS, 2, column(arena, 1, "a"), number(arena, 5));
    gly_expr *right = call(arena, GLY_FN_LESS, 2, column(arena, 2, "b"), number(arena, 5));
    gly_expr *both = call(arena, GLY_FN_OR, 2, left, right);
    both->filter = call(arena, GLY_FN_IS_NULL, 1, column(arena, 3, "c"), NULL);
    uint32_t sum = 0;
    gly_expr_each_column(both, add_column, &sum);
    GLY_CHECK_INT(sum, 123);
    gly_expr *changed = gly_expr_rewrite(arena, both, rename_one, NULL);
    GLY_CHECK(changed != both);
    GLY_CHECK(changed->args[1] == right); /* shared, because it did not change */
    sum = 0;
    gly_expr_each_column(changed, add_column, &sum);
    GLY_CHECK_INT(sum, 923);
    sum = 0;
    gly_expr_each_column(both, add_column, &sum); /* the original is as it was */
    GLY_CHECK_INT(sum, 123);
    GLY_CHECK(gly_expr_rewrite(arena, right, rename_one, NULL) == right);
    gly_arena_free(arena);
}

GLY_TEST(prints_like_spark) {
    gly_arena *arena = gly_arena_make();
    gly_expr *a = column(arena, 1, "a");
    check_text(call(arena, GLY_FN_GREATER, 2, a, number(arena, 5)), true, "(a#1 > 5)");
    check_text(call(arena, GLY_FN_GREATER, 2, a, number(arena, 5)), false, "(a > 5)");
    check_text(gly_expr_cast(arena, a, gly_type_decimal(10, 2), false), true,
               "cast(a#1 as decimal(10,2))");
    check_text(gly_expr_cast(arena, a, GLY_TYPE_OF(INT), true), true, "try_cast(a#1 as int)");
    gly_expr *sum = call(arena, GLY_FN_SUM, 1, a, NULL);
    check_text(sum, true, "sum(a#1)");
    sum->mode = GLY_AGGREGATE_PARTIAL;
    check_text(sum, true, "partial_sum(a#1)");
    check_text(call(arena, GLY_FN_COUNT, 0, NULL, NULL), true, "count(1)");
    gly_expr *distinct = call(arena, GLY_FN_COUNT, 1, a, NULL);
    distinct->is_distinct = true;
    check_text(distinct, true, "count(distinct a#1)");
    check_text(call(arena, GLY_FN_NOT, 1, call(arena, GLY_FN_IS_NULL, 1, a, NULL), NULL), true,
               "NOT isnull(a#1)");
    check_text(call(arena, GLY_FN_IN, 2, a, number(arena, 1)), true, "a#1 IN (1)");
    check_text(call(arena, GLY_FN_NOT_EQUAL, 2, a, number(arena, 1)), true, "NOT (a#1 = 1)");
    check_text(
        call(arena, GLY_FN_CASE, 2, call(arena, GLY_FN_IS_NULL, 1, a, NULL), number(arena, 1)),
        true, "CASE WHEN isnull(a#1) THEN 1 END");
    gly_arena_free(arena);
}

GLY_SUITE("expr", ands_are_flattened, equality_is_structural, asks_about_trees, walks_and_rewrites,
          prints_like_spark)
