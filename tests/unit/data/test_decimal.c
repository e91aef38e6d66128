/* test_decimal.c - 128-bit decimals: rounding, overflow, text. */
#include "lib/data/decimal.h"
#include "tests/support/check.h"

#include "lib/base/random.h"

static const char *show(gly_i128 value, int scale) {
    static char buffer[56];
    buffer[gly_decimal_format(value, scale, buffer)] = '\0';
    return buffer;
}

static gly_i128 parse(const char *text, int precision, int scale) {
    gly_i128 value = -1;
    GLY_CHECK(gly_decimal_parse(gly_str_of(text), gly_type_decimal(precision, scale), &value));
    return value;
}

GLY_TEST(formats) {
    GLY_CHECK_TEXT(show(0, 0), "0");
    GLY_CHECK_TEXT(show(0, 2), "0.00");
    GLY_CHECK_TEXT(show(-5, 2), "-0.05");
    GLY_CHECK_TEXT(show(-12340, 3), "-12.340");
    GLY_CHECK_TEXT(show(gly_decimal_power(38) - 1, 38),
                   "0.99999999999999999999999999999999999999");
    GLY_CHECK_TEXT(show(-(gly_decimal_power(38) - 1), 0),
                   "-99999999999999999999999999999999999999");
}

GLY_TEST(parses_and_rounds_half_up) {
    GLY_CHECK(parse("1.005", 10, 2) == 101);
    GLY_CHECK(parse("-1.005", 10, 2) == -101);
    GLY_CHECK(parse("1.00499999", 10, 2) == 100);
    GLY_CHECK(parse(" 12e2 ", 10, 0) == 1200);
    GLY_CHECK(parse("1.5E-1", 10, 2) == 15);
    GLY_CHECK(parse("0.005", 10, 2) == 1);
    GLY_CHECK(parse("0.0049", 10, 2) == 0);
    GLY_CHECK(parse("000000000000000000000000000000000000000000001.5", 2, 1) == 15);
    GLY_CHECK(parse("1e-1000000000000", 10, 2) == 0);
    GLY_CHECK(parse("0e999999999", 10, 2) == 0);
    gly_i128 value;
    static const char *const bad[] = {"", "a", "1.2.3", "--1", "1e", ".", "+", "1_0", "NaN"};
    for (size_t i = 0; i < GLY_ARRAY_LEN(bad); i++) {
        GLY_CHECK(!gly_decimal_parse(gly_str_of(bad[i]), gly_type_decimal(10, 2), &value));
    }
    GLY_CHECK(!gly_decimal_parse(GLY_STR("999.995"), gly_type_decimal(5, 2), &value));
    GLY_CHECK(!gly_decimal_parse(GLY_STR("1e100"), gly_type_decimal(38, 0), &value));
}

GLY_TEST(literals_have_spark_types) {
    static const struct {
        const char *text;
        int precision, scale;
    } cases[] = {{"1.50", 3, 2}, {"0.05", 2, 2}, {"0", 1, 0}, {"100", 3, 0}, {"1e3", 4, 0},
                 {"1.5e-3", 4, 4}, {"0.00", 2, 2}, {".5", 1, 1}};
    for (size_t i = 0; i < GLY_ARRAY_LEN(cases); i++) {
        gly_type type;
        gly_i128 value;
        GLY_CHECK(gly_decimal_parse_literal(gly_str_of(cases[i].text), &type, &value));
        GLY_CHECK_INT(type.precision, cases[i].precision);
        GLY_CHECK_INT(type.scale, cases[i].scale);
    }
}

GLY_TEST(multiplies_over_256_bits) {
    gly_i128 result, nines = gly_decimal_power(38) - 1;
    GLY_CHECK(gly_decimal_multiply(nines, nines, 38, &result) && result == nines - 1);
    GLY_CHECK(!gly_decimal_multiply(nines, nines, 37, &result));
    GLY_CHECK(gly_decimal_multiply(-15, 1, 1, &result) && result == -2);
    GLY_CHECK(gly_decimal_multiply(14, 1, 1, &result) && result == 1);
    GLY_CHECK(gly_decimal_multiply(gly_decimal_power(20), gly_decimal_power(18) * 9, 1, &result) &&
              result == gly_decimal_power(37) * 9);
    GLY_CHECK(!gly_decimal_multiply(gly_decimal_power(19), gly_decimal_power(19), 0, &result));
}

GLY_TEST(divides) {
    gly_i128 result;
    GLY_CHECK(!gly_decimal_divide(1, 0, 6, &result));
    GLY_CHECK(gly_decimal_divide(1, 3, 6, &result) && result == 333333);
    GLY_CHECK(gly_decimal_divide(-2, 3, 6, &result) && result == -666667);
    GLY_CHECK(gly_decimal_divide(gly_decimal_power(37), gly_decimal_power(37) * 3, 20, &result) &&
              result == gly_decimal_power(20) / 3);
    GLY_CHECK(!gly_decimal_divide(gly_decimal_power(37), 1, 10, &result));
}

/* (a * b) / b over the wide paths gives a back. */
GLY_TEST(random_products_divide_back) {
    gly_random random = {3};
    for (int i = 0; i < 5000; i++) {
        gly_i128 a = (gly_i128)(gly_random_u64(&random) >> gly_random_below(&random, 60));
        gly_i128 b = (gly_i128)(gly_random_u64(&random) >> (1 + gly_random_below(&random, 60))) + 1;
        gly_i128 product, back;
        if (i % 2 == 0) {
            a = -a;
        }
        if (gly_decimal_multiply(a, b, 0, &product)) {
            GLY_CHECK(product == a * b);
            GLY_CHECK(gly_decimal_divide(product, b, 0, &back) && back == a);
        }
    }
}

GLY_TEST(rescales) {
    gly_i128 result;
    GLY_CHECK(gly_decimal_rescale(125, 2, 1, &result) && result == 13);
    GLY_CHECK(gly_decimal_rescale(-125, 2, 1, &result) && result == -13);
    GLY_CHECK(gly_decimal_rescale(124, 2, 1, &result) && result == 12);
    GLY_CHECK(gly_decimal_rescale(12, 0, 4, &result) && result == 120000);
    GLY_CHECK(!gly_decimal_rescale(gly_decimal_power(37), 0, 1, &result));
    GLY_CHECK(gly_decimal_rescale(0, 0, 38, &result) && result == 0);
}

GLY_TEST(doubles) {
    gly_i128 value;
    GLY_CHECK(gly_decimal_to_double(12345, 2) == 123.45);
    GLY_CHECK(gly_decimal_from_double(0.1, gly_type_decimal(20, 18), &value) &&
              value == gly_decimal_power(17));
    GLY_CHECK(gly_decimal_from_double(1.005, gly_type_decimal(10, 2), &value) && value == 101);
    GLY_CHECK(!gly_decimal_from_double(1e10, gly_type_decimal(10, 0), &value));
}

GLY_SUITE("decimal", formats, parses_and_rounds_half_up, literals_have_spark_types,
          multiplies_over_256_bits, divides, random_products_divide_back, rescales, doubles)
