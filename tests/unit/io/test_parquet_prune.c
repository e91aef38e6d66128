/* test_parquet_prune.c - what bounds can exclude, and what they must not. */
#include "lib/io/parquet/parquet_prune.h"
#include "tests/support/check.h"

#include <math.h>

static gly_arena *arena;
static gly_parquet_bounds bounds;

static const gly_parquet_bounds *get(void *context, uint32_t column) {
    (void)context;
    return column == 0 ? &bounds : NULL;
}

static gly_expr *call(gly_function_id function, uint32_t count, gly_expr *a, gly_expr *b,
                      gly_expr *c) {
    gly_expr **args = GLY_ARENA_ARRAY(arena, gly_expr *, 3);
    args[0] = a;
    args[1] = b;
    args[2] = c;
    return gly_expr_call(arena, function, GLY_TYPE_OF(BOOLEAN), true, count, args);
}

static gly_expr *column(uint32_t index, gly_type type) {
    return gly_expr_column(arena, index, type, true, GLY_STR("x"));
}

static gly_expr *integer(int64_t value) {
    return gly_expr_literal(arena, gly_value_i64(GLY_TYPE_OF(BIGINT), value));
}

static bool match(gly_expr *expr) { return gly_parquet_prune_may_match(expr, get, NULL); }

static bool compare(gly_function_id function, int64_t value) {
    bool result = match(call(function, 2, column(0, GLY_TYPE_OF(BIGINT)), integer(value), NULL));
    /* The mirror image must say the same. */
    gly_function_id mirror = function == GLY_FN_LESS            ? GLY_FN_GREATER
                             : function == GLY_FN_LESS_EQUAL    ? GLY_FN_GREATER_EQUAL
                             : function == GLY_FN_GREATER       ? GLY_FN_LESS
                             : function == GLY_FN_GREATER_EQUAL ? GLY_FN_LESS_EQUAL
                                                                : function;
    GLY_CHECK_INT(match(call(mirror, 2, integer(value), column(0, GLY_TYPE_OF(BIGINT)), NULL)),
                  result);
    return result;
}

static void begin(void) {
    arena = gly_arena_make();
    bounds = (gly_parquet_bounds){.has_bounds = true,
                                  .min = gly_value_i64(GLY_TYPE_OF(BIGINT), 10),
                                  .max = gly_value_i64(GLY_TYPE_OF(BIGINT), 20),
                                  .row_count = 100,
                                  .null_count = 5};
}

static void end(void) { gly_arena_free(arena); }

GLY_TEST(comparisons) {
    begin();
    GLY_CHECK(!compare(GLY_FN_EQUAL, 9) && compare(GLY_FN_EQUAL, 10) && compare(GLY_FN_EQUAL, 20) &&
              !compare(GLY_FN_EQUAL, 21));
    GLY_CHECK(!compare(GLY_FN_LESS, 10) && compare(GLY_FN_LESS, 11));
    GLY_CHECK(!compare(GLY_FN_LESS_EQUAL, 9) && compare(GLY_FN_LESS_EQUAL, 10));
    GLY_CHECK(!compare(GLY_FN_GREATER, 20) && compare(GLY_FN_GREATER, 19));
    GLY_CHECK(!compare(GLY_FN_GREATER_EQUAL, 21) && compare(GLY_FN_GREATER_EQUAL, 20));
    GLY_CHECK(compare(GLY_FN_NOT_EQUAL, 10));
    bounds.max = bounds.min;
    GLY_CHECK(!compare(GLY_FN_NOT_EQUAL, 10) && compare(GLY_FN_NOT_EQUAL, 11));
    bounds.has_bounds = false;
    GLY_CHECK(compare(GLY_FN_EQUAL, 9));
    end();
}

GLY_TEST(nulls) {
    begin();
    gly_expr *x = column(0, GLY_TYPE_OF(BIGINT));
    gly_expr *null = gly_expr_literal(arena, gly_value_null(GLY_TYPE_OF(BIGINT)));
    GLY_CHECK(match(call(GLY_FN_IS_NULL, 1, x, NULL, NULL)));
    GLY_CHECK(match(call(GLY_FN_IS_NOT_NULL, 1, x, NULL, NULL)));
    GLY_CHECK(!match(call(GLY_FN_EQUAL, 2, x, null, NULL)));
    GLY_CHECK(match(call(GLY_FN_NULL_SAFE_EQUAL, 2, x, null, NULL)));
    bounds.null_count = 0;
    GLY_CHECK(!match(call(GLY_FN_IS_NULL, 1, x, NULL, NULL)));
    GLY_CHECK(!match(call(GLY_FN_NULL_SAFE_EQUAL, 2, x, null, NULL)));
    bounds.null_count = UINT64_MAX;
    GLY_CHECK(match(call(GLY_FN_IS_NULL, 1, x, NULL, NULL)));
    bounds.null_count = 100;
    bounds.has_bounds = false;
    GLY_CHECK(!match(call(GLY_FN_IS_NOT_NULL, 1, x, NULL, NULL)));
    GLY_CHECK(!compare(GLY_FN_LESS, 1000));
    GLY_CHECK(!compare(GLY_FN_EQUAL, 15));
    end();
}

GLY_TEST(lists_and_connectives) {
    begin();
    gly_expr *x = column(0, GLY_TYPE_OF(BIGINT));
    GLY_CHECK(!match(call(GLY_FN_IN, 3, x, integer(1), integer(30))));
    GLY_CHECK(match(call(GLY_FN_IN, 3, x, integer(1), integer(15))));
    gly_expr *no = call(GLY_FN_EQUAL, 2, x, integer(1), NULL);
    gly_expr *maybe = call(GLY_FN_EQUAL, 2, x, integer(15), NULL);
    gly_expr *other = call(GLY_FN_EQUAL, 2, column(1, GLY_TYPE_OF(BIGINT)), integer(1), NULL);
    GLY_CHECK(!match(call(GLY_FN_AND, 2, maybe, no, NULL)));
    GLY_CHECK(match(call(GLY_FN_AND, 2, maybe, other, NULL)));
    GLY_CHECK(match(call(GLY_FN_OR, 2, maybe, no, NULL)));
    GLY_CHECK(!match(call(GLY_FN_OR, 2, no, no, NULL)));
    GLY_CHECK(match(call(GLY_FN_OR, 2, no, other, NULL)));
    GLY_CHECK(match(call(GLY_FN_NOT, 1, no, NULL, NULL)));
    GLY_CHECK(match(call(GLY_FN_NOT, 1, maybe, NULL, NULL)));
    gly_expr *off = gly_expr_literal(arena, gly_value_i64(GLY_TYPE_OF(BOOLEAN), 0));
    GLY_CHECK(!match(off));
    GLY_CHECK(
        match(call(GLY_FN_EQUAL, 2, call(GLY_FN_ADD, 2, x, integer(1), NULL), integer(1), NULL)));
    end();
}

GLY_TEST(nan_is_larger_than_every_bound) {
    begin();
    gly_type type = GLY_TYPE_OF(DOUBLE);
    bounds.min = gly_value_f64(type, 1.0);
    bounds.max = gly_value_f64(type, 2.0);
    gly_expr *x = column(0, type);
    gly_expr *three = gly_expr_literal(arena, gly_value_f64(type, 3.0));
    gly_expr *half = gly_expr_literal(arena, gly_value_f64(type, 0.5));
    gly_expr *nan = gly_expr_literal(arena, gly_value_f64(type, NAN));
    GLY_CHECK(match(call(GLY_FN_GREATER, 2, x, three, NULL))); /* NaN > 3 */
    GLY_CHECK(match(call(GLY_FN_GREATER_EQUAL, 2, x, three, NULL)));
    GLY_CHECK(match(call(GLY_FN_EQUAL, 2, x, nan, NULL)));
    GLY_CHECK(match(call(GLY_FN_LESS_EQUAL, 2, x, nan, NULL)));
    GLY_CHECK(match(call(GLY_FN_LESS, 2, x, nan, NULL)));
    GLY_CHECK(!match(call(GLY_FN_EQUAL, 2, x, three, NULL)));
    GLY_CHECK(!match(call(GLY_FN_LESS, 2, x, half, NULL)));
    bounds.min = bounds.max = gly_value_f64(type, 0.0);
    gly_expr *zero = gly_expr_literal(arena, gly_value_f64(type, -0.0));
    GLY_CHECK(match(call(GLY_FN_EQUAL, 2, x, zero, NULL)));
    GLY_CHECK(match(call(GLY_FN_NOT_EQUAL, 2, x, zero, NULL))); /* there may be NaN */
    end();
}

GLY_TEST(text_bounds_are_only_bounds) {
    begin();
    gly_type type = GLY_TYPE_OF(STRING);
    bounds.min = bounds.max = gly_value_text(type, GLY_STR("abc"));
    gly_expr *x = column(0, type);
    gly_expr *abc = gly_expr_literal(arena, gly_value_text(type, GLY_STR("abc")));
    gly_expr *abd = gly_expr_literal(arena, gly_value_text(type, GLY_STR("abd")));
    GLY_CHECK(match(call(GLY_FN_NOT_EQUAL, 2, x, abc, NULL)));
    GLY_CHECK(match(call(GLY_FN_EQUAL, 2, x, abc, NULL)));
    GLY_CHECK(!match(call(GLY_FN_EQUAL, 2, x, abd, NULL)));
    end();
}

GLY_TEST(types_must_agree) {
    begin();
    bounds.min = gly_value_decimal(gly_type_decimal(15, 2), 100);
    bounds.max = gly_value_decimal(gly_type_decimal(15, 2), 200);
    gly_expr *x = column(0, gly_type_decimal(15, 2));
    gly_value same_scale = gly_value_decimal(gly_type_decimal(30, 2), 300);
    gly_value other_scale = gly_value_decimal(gly_type_decimal(15, 3), 300);
    GLY_CHECK(!match(call(GLY_FN_EQUAL, 2, x, gly_expr_literal(arena, same_scale), NULL)));
    GLY_CHECK(match(call(GLY_FN_EQUAL, 2, x, gly_expr_literal(arena, other_scale), NULL)));
    GLY_CHECK(match(call(GLY_FN_EQUAL, 2, x, integer(5), NULL)));
    end();
}

GLY_TEST(deep_conjuncts_do_not_overflow) {
    begin();
    gly_expr *deep = call(GLY_FN_EQUAL, 2, column(0, GLY_TYPE_OF(BIGINT)), integer(1), NULL);
    for (int i = 0; i < 200000; i++) {
        deep = call(GLY_FN_AND, 1, deep, NULL, NULL);
    }
    GLY_CHECK(match(deep)); /* not understood */
    end();
}

GLY_SUITE("parquet_prune", comparisons, nulls, lists_and_connectives,
          nan_is_larger_than_every_bound, text_bounds_are_only_bounds, types_must_agree,
          deep_conjuncts_do_not_overflow)
