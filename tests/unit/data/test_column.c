/* test_column.c - the three shapes read alike; values; flattening. */
#include "lib/data/batch.h"
#include "tests/support/check.h"

static void check_shown(const gly_value *value, const char *shown, const char *sql) {
    gly_builder builder = {0};
    gly_value_format(value, &builder);
    GLY_CHECK_TEXT(builder.data, shown);
    gly_builder_reset(&builder);
    gly_value_format_sql(value, &builder);
    GLY_CHECK_TEXT(builder.data, sql);
    gly_builder_clear(&builder);
}

GLY_TEST(values_are_shown) {
    gly_value value = gly_value_i64(GLY_TYPE_OF(BIGINT), -5);
    check_shown(&value, "-5", "-5L");
    value = gly_value_decimal(gly_type_decimal(30, 2), 150);
    check_shown(&value, "1.50", "1.50BD");
    value = gly_value_text(GLY_TYPE_OF(STRING), GLY_STR("it's"));
    check_shown(&value, "it's", "'it\\'s'");
    value = gly_value_text(GLY_TYPE_OF(BINARY), GLY_STR("AB"));
    check_shown(&value, "[41 42]", "X'4142'");
    value = gly_value_i64(GLY_TYPE_OF(DATE), 0);
    check_shown(&value, "1970-01-01", "DATE '1970-01-01'");
    value = gly_value_null(GLY_TYPE_OF(INT));
    check_shown(&value, "null", "NULL");
    value = gly_value_i64(GLY_TYPE_OF(BOOLEAN), 1);
    check_shown(&value, "true", "true");
    value = gly_value_i64(GLY_TYPE_OF(INTERVAL_MONTH), -14);
    check_shown(&value, "INTERVAL '-1-2' YEAR TO MONTH", "INTERVAL '-1-2' YEAR TO MONTH");
    value = gly_value_i64(GLY_TYPE_OF(INTERVAL_DAY), INT64_C(90061500000));
    check_shown(&value, "INTERVAL '1 01:01:01.5' DAY TO SECOND",
                "INTERVAL '1 01:01:01.5' DAY TO SECOND");
}

GLY_TEST(nan_is_largest_and_equal) {
    gly_value nan = gly_value_f64(GLY_TYPE_OF(DOUBLE), __builtin_nan(""));
    gly_value one = gly_value_f64(GLY_TYPE_OF(DOUBLE), 1);
    gly_value zero = gly_value_f64(GLY_TYPE_OF(DOUBLE), 0.0);
    gly_value minus = gly_value_f64(GLY_TYPE_OF(DOUBLE), -0.0);
    GLY_CHECK_INT(gly_value_compare(&nan, &one), 1);
    GLY_CHECK_INT(gly_value_compare(&one, &nan), -1);
    GLY_CHECK_INT(gly_value_compare(&nan, &nan), 0);
    GLY_CHECK_INT(gly_value_compare(&zero, &minus), 0);
}

static void check_column(const gly_column *column, const int64_t *expected, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        gly_value value = gly_column_get(column, i);
        GLY_CHECK_INT(value.is_null, expected[i] < 0);
        if (!value.is_null) {
            GLY_CHECK_INT(value.i64, expected[i]);
        }
    }
}

GLY_TEST(shapes_flatten) {
    gly_arena *arena = gly_arena_make();
    gly_type types[] = {GLY_TYPE_OF(INT), GLY_TYPE_OF(STRING)};
    gly_batch *batch = gly_batch_make(arena, types, 2, 2048);
    gly_column *flat = &batch->columns[0];
    flat->count = 130;
    int64_t expected[130];
    for (uint32_t i = 0; i < 130; i++) {
        gly_value value = i % 7 == 3 ? gly_value_null(types[0]) : gly_value_i64(types[0], i);
        expected[i] = i % 7 == 3 ? -1 : (int64_t)i;
        gly_column_set(arena, flat, i, &value);
    }
    check_column(flat, expected, 130);
    uint32_t codes[130];
    for (uint32_t i = 0; i < 130; i++) {
        codes[i] = 129 - i;
    }
    uint64_t validity[3] = {UINT64_MAX, UINT64_MAX - 1, UINT64_MAX};
    gly_column dictionary = {.type = types[0], .shape = GLY_SHAPE_DICTIONARY, .count = 130,
                             .data = flat->data, .validity = validity, .codes = codes,
                             .dictionary_count = 130, .dictionary_id = 1};
    uint16_t selection[3] = {1, 64, 129};
    gly_column out;
    gly_column_flatten(arena, &dictionary, selection, 3, &out);
    int64_t picked[3] = {128, -1, 0};
    check_column(&out, picked, 3);
    gly_column_flatten(arena, flat, NULL, 130, &out);
    check_column(&out, expected, 130);

    gly_value nothing = gly_value_null(types[0]), seven = gly_value_i64(types[0], 7);
    gly_column constant;
    int64_t nulls[2] = {-1, -1}, sevens[2] = {7, 7};
    gly_column_constant(arena, &nothing, 2, &constant);
    gly_column_flatten(arena, &constant, NULL, 2, &out);
    check_column(&out, nulls, 2);
    gly_column_constant(arena, &seven, 2, &constant);
    check_column(&constant, sevens, 2);
    gly_column_flatten(arena, &constant, NULL, 2, &out);
    check_column(&out, sevens, 2);
    gly_column empty = {.type = types[0], .shape = GLY_SHAPE_DICTIONARY, .count = 2,
                        .validity = (uint64_t[]){0}, .codes = (uint32_t[]){0, 0}};
    gly_column_flatten(arena, &empty, NULL, 2, &out);
    check_column(&out, nulls, 2);
    gly_arena_free(arena);
}

GLY_SUITE("column", values_are_shown, nan_is_largest_and_equal, shapes_flatten)
