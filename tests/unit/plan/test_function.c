/* test_function.c - the function table: names, arity, type rules of Spark 4 in ANSI mode. */
#include "lib/data/value.h"
#include "lib/plan/function.h"
#include "tests/support/check.h"

static gly_type type_of(const char *text) {
    gly_type type = GLY_TYPE_OF(NULL);
    if (!gly_type_parse(gly_str_of(text), &type)) {
        fprintf(stderr, "no type: %s\n", text);
        exit(1);
    }
    return type;
}

/* "int,decimal(5;2)" -> "args -> result", or the error's name */
static void check_types(gly_function_id id, const char *in, const char *expected) {
    gly_type types[8], result;
    uint32_t count = 0;
    char copy[256];
    snprintf(copy, sizeof copy, "%s", in);
    for (char *at = copy; *at != '\0';) {
        size_t size = strcspn(at, " ");
        char end = at[size];
        at[size] = '\0';
        types[count++] = type_of(at);
        at += size + (end != '\0');
    }
    gly_builder out = {0};
    gly_error err;
    char text[GLY_TYPE_TEXT_SIZE];
    if (gly_function_types(id, count, types, NULL, &result, &err) != GLY_OK) {
        gly_builder_add_text(&out, gly_error_name(err.status));
    } else {
        for (uint32_t i = 0; i < count; i++) {
            gly_builder_format(&out, "%s ", gly_type_format(types[i], text, sizeof text));
        }
        gly_builder_format(&out, "-> %s", gly_type_format(result, text, sizeof text));
    }
    GLY_CHECK_TEXT(out.data, expected);
    gly_builder_clear(&out);
}

GLY_TEST(finds_names) {
    gly_function_id id;
    GLY_CHECK(gly_function_find(GLY_STR("SUBSTR"), &id) && id == GLY_FN_SUBSTRING);
    GLY_CHECK(gly_function_find(GLY_STR("mean"), &id) && id == GLY_FN_AVG);
    GLY_CHECK(gly_function_find(GLY_STR("Sum"), &id) && id == GLY_FN_SUM);
    GLY_CHECK(!gly_function_find(GLY_STR("$add"), &id));
    GLY_CHECK(!gly_function_find(GLY_STR(""), &id));
    GLY_CHECK(!gly_function_find(GLY_STR("nothing_like_it"), &id));
    GLY_CHECK_TEXT(gly_function_suggest(GLY_STR("sume")), "sum");
    GLY_CHECK_TEXT(gly_function_suggest(GLY_STR("substing")), "substring");
    GLY_CHECK_TEXT(gly_function_suggest(GLY_STR("quite_something_else")), "");
    GLY_CHECK_TEXT(gly_function_label(GLY_FN_ADD), "+");
    GLY_CHECK_TEXT(gly_function_label(GLY_FN_UPPER), "upper");
}

GLY_TEST(checks_arity) {
    check_types(GLY_FN_ABS, "int int", "WRONG_ARGUMENTS");
    check_types(GLY_FN_SUBSTRING, "string", "WRONG_ARGUMENTS");
    check_types(GLY_FN_COALESCE, "", "WRONG_ARGUMENTS");
    check_types(GLY_FN_CONCAT, "string string string string",
                "string string string string -> string");
}

GLY_TEST(adds_numbers) {
    check_types(GLY_FN_ADD, "int int", "int int -> int");
    check_types(GLY_FN_ADD, "tinyint bigint", "bigint bigint -> bigint");
    check_types(GLY_FN_ADD, "int double", "double double -> double");
    check_types(GLY_FN_ADD, "float float", "float float -> float");
    check_types(GLY_FN_ADD, "float int", "double double -> double");
    check_types(GLY_FN_ADD, "string int", "bigint bigint -> bigint");
    check_types(GLY_FN_ADD, "string double", "double double -> double");
    check_types(GLY_FN_ADD, "string string", "TYPE_MISMATCH");
    check_types(GLY_FN_ADD, "null int", "int int -> int");
    check_types(GLY_FN_ADD, "boolean int", "TYPE_MISMATCH");
    check_types(GLY_FN_DIVIDE, "int int", "double double -> double");
    check_types(GLY_FN_INT_DIVIDE, "int int", "bigint bigint -> bigint");
    check_types(GLY_FN_INT_DIVIDE, "double int", "TYPE_MISMATCH");
    check_types(GLY_FN_MODULO, "int bigint", "bigint bigint -> bigint");
    check_types(GLY_FN_BIT_AND, "int bigint", "bigint bigint -> bigint");
    check_types(GLY_FN_BIT_AND, "double int", "TYPE_MISMATCH");
}

/* Spark's DecimalType docs and its precision-loss rule */
GLY_TEST(computes_decimals) {
    check_types(GLY_FN_ADD, "decimal(10,2) decimal(8,4)",
                "decimal(10,2) decimal(8,4) -> decimal(13,4)");
    check_types(GLY_FN_ADD, "decimal(38,10) decimal(38,10)",
                "decimal(38,10) decimal(38,10) -> decimal(38,9)");
    check_types(GLY_FN_ADD, "decimal(10,2) int", "decimal(10,2) decimal(10,0) -> decimal(13,2)");
    check_types(GLY_FN_ADD, "decimal(10,2) bigint", "decimal(10,2) decimal(20,0) -> decimal(23,2)");
    check_types(GLY_FN_ADD, "decimal(10,2) double", "double double -> double");
    check_types(GLY_FN_MULTIPLY, "decimal(15,2) decimal(16,2)",
                "decimal(15,2) decimal(16,2) -> decimal(32,4)");
    check_types(GLY_FN_MULTIPLY, "decimal(38,18) decimal(38,18)",
                "decimal(38,18) decimal(38,18) -> decimal(38,6)");
    check_types(GLY_FN_DIVIDE, "decimal(10,2) decimal(5,1)",
                "decimal(10,2) decimal(5,1) -> decimal(17,8)");
    check_types(GLY_FN_DIVIDE, "decimal(38,10) decimal(38,10)",
                "decimal(38,10) decimal(38,10) -> decimal(38,6)");
    check_types(GLY_FN_MODULO, "decimal(10,2) decimal(5,3)",
                "decimal(10,2) decimal(5,3) -> decimal(5,3)");
    check_types(GLY_FN_SUM, "decimal(15,2)", "decimal(15,2) -> decimal(25,2)");
    check_types(GLY_FN_SUM, "decimal(32,4)", "decimal(32,4) -> decimal(38,4)");
    check_types(GLY_FN_AVG, "decimal(15,2)", "decimal(15,2) -> decimal(19,6)");
    check_types(GLY_FN_AVG, "decimal(38,20)", "decimal(38,20) -> decimal(38,24)");
    check_types(GLY_FN_FLOOR, "decimal(10,2)", "decimal(10,2) -> decimal(9,0)");
    check_types(GLY_FN_ROUND, "decimal(10,2)", "decimal(10,2) -> decimal(9,0)");
}

GLY_TEST(literals_have_their_own_digits) {
    gly_value one = gly_value_i64(GLY_TYPE_OF(INT), 1),
              hundred = gly_value_i64(GLY_TYPE_OF(INT), -100);
    gly_type result;
    gly_error err;
    gly_type types[2] = {GLY_TYPE_OF(INT), gly_type_decimal(15, 2)};
    const gly_value *literals[2] = {&one, NULL};
    GLY_CHECK_OK(gly_function_types(GLY_FN_SUBTRACT, 2, types, literals, &result, &err), &err);
    GLY_CHECK(gly_type_equal(types[0], gly_type_decimal(1, 0)));
    GLY_CHECK(gly_type_equal(result, gly_type_decimal(16, 2)));
    gly_type compared[2] = {gly_type_decimal(4, 2), GLY_TYPE_OF(INT)};
    const gly_value *right[2] = {NULL, &hundred};
    GLY_CHECK_OK(gly_function_types(GLY_FN_LESS, 2, compared, right, &result, &err), &err);
    GLY_CHECK(gly_type_equal(compared[0], gly_type_decimal(5, 2)));
    GLY_CHECK(gly_type_equal(compared[1], gly_type_decimal(5, 2)));
    gly_type rounded[2] = {gly_type_decimal(10, 4), GLY_TYPE_OF(INT)};
    gly_value two = gly_value_i64(GLY_TYPE_OF(INT), 2);
    const gly_value *digits[2] = {NULL, &two};
    GLY_CHECK_OK(gly_function_types(GLY_FN_ROUND, 2, rounded, digits, &result, &err), &err);
    GLY_CHECK(gly_type_equal(result, gly_type_decimal(9, 2)));
    GLY_CHECK_INT(gly_function_types(GLY_FN_ROUND, 2, rounded, NULL, &result, &err),
                  GLY_E_TYPE_MISMATCH);
}

GLY_TEST(moves_dates) {
    check_types(GLY_FN_ADD, "date int", "date int -> date");
    check_types(GLY_FN_ADD, "date bigint", "TYPE_MISMATCH");
    check_types(GLY_FN_SUBTRACT, "date date", "date date -> interval day");
    check_types(GLY_FN_SUBTRACT, "timestamp date", "timestamp timestamp -> interval day");
    check_types(GLY_FN_SUBTRACT, "string date", "date date -> interval day");
    check_types(GLY_FN_ADD, "timestamp int", "TYPE_MISMATCH");
    check_types(GLY_FN_ADD, "date date", "TYPE_MISMATCH");
    gly_type types[2] = {GLY_TYPE_OF(DATE), GLY_TYPE_OF(INTERVAL_MONTH)}, result;
    gly_error err;
    GLY_CHECK_OK(gly_function_types(GLY_FN_ADD, 2, types, NULL, &result, &err), &err);
    GLY_CHECK_INT(result.id, GLY_TYPE_DATE);
    gly_value hour = gly_value_i64(GLY_TYPE_OF(INTERVAL_DAY), INT64_C(3600000000));
    const gly_value *literals[2] = {NULL, &hour};
    types[1] = GLY_TYPE_OF(INTERVAL_DAY);
    GLY_CHECK_OK(gly_function_types(GLY_FN_ADD, 2, types, literals, &result, &err), &err);
    GLY_CHECK_INT(result.id, GLY_TYPE_TIMESTAMP);
    check_types(GLY_FN_YEAR, "timestamp", "date -> int");
    check_types(GLY_FN_HOUR, "date", "timestamp -> int");
    check_types(GLY_FN_DATEDIFF, "date string", "date date -> int");
}

GLY_TEST(finds_common_types) {
    check_types(GLY_FN_EQUAL, "string int", "bigint bigint -> boolean");
    check_types(GLY_FN_EQUAL, "string decimal(10,2)", "double double -> boolean");
    check_types(GLY_FN_EQUAL, "date string", "date date -> boolean");
    check_types(GLY_FN_EQUAL, "date timestamp", "timestamp timestamp -> boolean");
    check_types(GLY_FN_EQUAL, "date int", "TYPE_MISMATCH");
    check_types(GLY_FN_EQUAL, "boolean string", "boolean boolean -> boolean");
    check_types(GLY_FN_COALESCE, "null int bigint", "bigint bigint bigint -> bigint");
    check_types(GLY_FN_COALESCE, "int string", "bigint bigint -> bigint");
    check_types(GLY_FN_CASE, "boolean int boolean double string",
                "boolean double boolean double double -> double");
    check_types(GLY_FN_CASE, "int int", "TYPE_MISMATCH");
    check_types(GLY_FN_IF, "boolean date string", "boolean date date -> date");
    check_types(GLY_FN_IN, "int bigint decimal(5,2)",
                "decimal(22,2) decimal(22,2) decimal(22,2) -> boolean");
    check_types(GLY_FN_AND, "boolean null", "boolean boolean -> boolean");
    check_types(GLY_FN_AND, "boolean int", "TYPE_MISMATCH");
    gly_type common;
    GLY_CHECK(!gly_function_common_type(GLY_TYPE_OF(DATE), GLY_TYPE_OF(BOOLEAN), &common));
}

GLY_TEST(types_aggregates) {
    check_types(GLY_FN_SUM, "int", "bigint -> bigint");
    check_types(GLY_FN_SUM, "float", "double -> double");
    check_types(GLY_FN_SUM, "date", "TYPE_MISMATCH");
    check_types(GLY_FN_AVG, "int", "double -> double");
    check_types(GLY_FN_MIN, "string", "string -> string");
    check_types(GLY_FN_COUNT, "", "-> bigint");
    gly_type states[GLY_FUNCTION_MAX_STATES];
    GLY_CHECK_INT(
        gly_function_states(GLY_FN_AVG, gly_type_decimal(15, 2), gly_type_decimal(19, 6), states),
        2);
    GLY_CHECK(gly_type_equal(states[0], gly_type_decimal(25, 2)));
    GLY_CHECK(gly_type_equal(states[1], GLY_TYPE_OF(BIGINT)));
    GLY_CHECK_INT(
        gly_function_states(GLY_FN_STDDEV_SAMP, GLY_TYPE_OF(DOUBLE), GLY_TYPE_OF(DOUBLE), states),
        3);
    GLY_CHECK_INT(gly_function_states(GLY_FN_FIRST, GLY_TYPE_OF(INT), GLY_TYPE_OF(INT), states), 2);
}

GLY_TEST(tracks_nulls) {
    bool none[3] = {false, false, false}, first[3] = {true, false, false};
    GLY_CHECK(!gly_function_nullable(GLY_FN_ADD, 2, none));
    GLY_CHECK(gly_function_nullable(GLY_FN_ADD, 2, first));
    GLY_CHECK(!gly_function_nullable(GLY_FN_IS_NULL, 1, first));
    GLY_CHECK(!gly_function_nullable(GLY_FN_COALESCE, 2, first));
    GLY_CHECK(gly_function_nullable(GLY_FN_CASE, 2, none)); /* no ELSE */
    GLY_CHECK(!gly_function_nullable(GLY_FN_CASE, 3, first));
    GLY_CHECK(gly_function_nullable(GLY_FN_SUM, 1, none));
    GLY_CHECK(!gly_function_nullable(GLY_FN_COUNT, 1, first));
    GLY_CHECK(gly_function_nullable(GLY_FN_TRY_ADD, 2, none));
}

/* Every rule must survive any types: right or a clean error. */
GLY_TEST(no_rule_crashes) {
    gly_type all[] = {
        GLY_TYPE_OF(NULL),          GLY_TYPE_OF(BOOLEAN),        GLY_TYPE_OF(INT),
        GLY_TYPE_OF(DOUBLE),        gly_type_decimal(38, 38),    GLY_TYPE_OF(STRING),
        GLY_TYPE_OF(BINARY),        GLY_TYPE_OF(DATE),           GLY_TYPE_OF(TIMESTAMP),
        GLY_TYPE_OF(TIMESTAMP_NTZ), GLY_TYPE_OF(INTERVAL_MONTH), GLY_TYPE_OF(INTERVAL_DAY),
        GLY_TYPE_OF(TINYINT),       gly_type_decimal(1, 0)};
    size_t kinds = GLY_ARRAY_LEN(all);
    for (int id = 0; id < GLY_FN_COUNT_OF_FUNCTIONS; id++) {
        const gly_function *function = gly_function_get((gly_function_id)id);
        uint32_t most = function->max_args < 0 ? 3u : (uint32_t)function->max_args;
        for (uint32_t count = (uint32_t)function->min_args; count <= GLY_MIN(most, 3u); count++) {
            for (size_t mix = 0; mix < kinds * kinds * kinds; mix++) {
                gly_type types[3] = {all[mix % kinds], all[mix / kinds % kinds],
                                     all[mix / kinds / kinds]};
                gly_type result;
                gly_error err;
                gly_status status =
                    gly_function_types((gly_function_id)id, count, types, NULL, &result, &err);
                if (status == GLY_OK && result.id == GLY_TYPE_DECIMAL) {
                    GLY_CHECK(result.precision >= 1 && result.precision <= 38);
                    GLY_CHECK(result.scale >= 0 && result.scale <= result.precision);
                }
            }
        }
    }
}

GLY_SUITE("function", finds_names, checks_arity, adds_numbers, computes_decimals,
          literals_have_their_own_digits, moves_dates, finds_common_types, types_aggregates,
          tracks_nulls, no_rule_crashes)
