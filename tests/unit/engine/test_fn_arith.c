/* test_fn_arith.c - arithmetic: overflow of every kind, division, remainders, try_*. */
#include "tests/support/check.h"
#include "tests/support/expr_case.h"

static const gly_expr_case_column numbers[] = {
    {"b", "tinyint", "1|null|-128|127|0|5"},
    {"h", "smallint", "1|null|-32768|32767|0|-7"},
    {"i", "int", "1|null|-2147483648|2147483647|0|-7"},
    {"l", "bigint", "1|null|-9223372036854775808|9223372036854775807|0|-7"},
    {"d", "double", "1.5|null|-Infinity|1e308|0|-7.5"},
    {"f", "float", "1.5|null|0.25|1e38|0|-7.5"},
    {0}};

GLY_TEST(overflow_raises) {
    GLY_EXPR_CASE(numbers, "(+ i 1)",
                  "!Overflow of int in '(i + 1)' (line 1, column 1): use try_add to get NULL");
    GLY_EXPR_CASE(numbers, "(- i 1)", "!Overflow of int in '(i - 1)'");
    GLY_EXPR_CASE(numbers, "(* i 2)", "!Overflow of int in '(i * 2)'");
    GLY_EXPR_CASE(numbers, "(+ l 1L)", "!Overflow of bigint");
    GLY_EXPR_CASE(numbers, "(- l 1L)", "!Overflow of bigint");
    GLY_EXPR_CASE(numbers, "(* l 2L)", "!Overflow of bigint");
    GLY_EXPR_CASE(numbers, "(+ b (cast 1 tinyint))", "!Overflow of tinyint");
    GLY_EXPR_CASE(numbers, "(+ h (cast 1 smallint))", "!Overflow of smallint");
    GLY_EXPR_CASE(numbers, "(negative i)", "!Overflow of int");
    GLY_EXPR_CASE(numbers, "(abs l)", "!Overflow of bigint");
    GLY_EXPR_CASE(numbers, "(div l -1L)", "!Overflow of bigint");
}

GLY_TEST(try_gives_null) {
    GLY_EXPR_CASE(numbers, "(try_add i 1)", "2|null|-2147483647|null|1|-6");
    GLY_EXPR_CASE(numbers, "(try_subtract b (cast 1 tinyint))", "0|null|null|126|-1|4");
    GLY_EXPR_CASE(numbers, "(try_multiply l 2L)", "2|null|null|null|0|-14");
    GLY_EXPR_CASE(numbers, "(try_divide 1 i)",
                  "1.0|null|-4.656612873077393E-10|4.656612875245797E-10|null|"
                  "-0.14285714285714285");
}

GLY_TEST(values) {
    GLY_EXPR_CASE(numbers, "(+ i 0L)", "1|null|-2147483648|2147483647|0|-7");
    GLY_EXPR_CASE(numbers, "(- 0L i)", "-1|null|2147483648|-2147483647|0|7");
    GLY_EXPR_CASE(numbers, "(* i -1L)", "-1|null|2147483648|-2147483647|0|7");
    GLY_EXPR_CASE(numbers, "(+ d 1.0e0)", "2.5|null|-Infinity|1.0E308|1.0|-6.5");
    GLY_EXPR_CASE(numbers, "(* f (cast 2 float))", "3.0|null|0.5|2.0E38|0.0|-15.0");
    GLY_EXPR_CASE(numbers, "(/ i 2)", "0.5|null|-1.073741824E9|1.0737418235E9|0.0|-3.5");
    GLY_EXPR_CASE(numbers, "(div i 2)", "0|null|-1073741824|1073741823|0|-3");
    GLY_EXPR_CASE(numbers, "(% i 3)", "1|null|-2|1|0|-1");
    GLY_EXPR_CASE(numbers, "(pmod i 3)", "1|null|1|1|0|2");
    GLY_EXPR_CASE(numbers, "(% l -1L)", "0|null|0|0|0|0");
    GLY_EXPR_CASE(numbers, "(% d 2.0e0)", "1.5|null|NaN|0.0|0.0|-1.5");
    GLY_EXPR_CASE(numbers, "(pmod d 2.0e0)", "1.5|null|NaN|0.0|0.0|0.5");
    GLY_EXPR_CASE(numbers, "(abs d)", "1.5|null|Infinity|1.0E308|0.0|7.5");
    GLY_EXPR_CASE(numbers, "(negative d)", "-1.5|null|Infinity|-1.0E308|-0.0|7.5");
    GLY_EXPR_CASE(numbers, "(& i 6)", "0|null|0|6|0|0");
    GLY_EXPR_CASE(numbers, "(| b (cast 8 tinyint))", "9|null|-120|127|8|13");
    GLY_EXPR_CASE(numbers, "(^ l -1L)", "-2|null|9223372036854775807|-9223372036854775808|-1|6");
    GLY_EXPR_CASE(numbers, "(~ h)", "-2|null|32767|-32768|-1|6");
    GLY_EXPR_CASE(numbers, "(* (cast i bigint) i)",
                  "1|null|4611686018427387904|4611686014132420609|0|49");
}

GLY_TEST(division_by_zero) {
    GLY_EXPR_CASE(numbers, "(/ 1 i)", "!Division by zero in '");
    GLY_EXPR_CASE(numbers, "(/ 1.0e0 d)", "!Division by zero");
    GLY_EXPR_CASE(numbers, "(% 1 i)", "!Remainder of a division by zero");
    GLY_EXPR_CASE(numbers, "(% 1.0e0 d)", "!Remainder of a division by zero");
}

static const gly_expr_case_column decimals[] = {
    {"a", "decimal(10,2)", "1.25|null|-99999999.99|0.01|7.00"},
    {"b", "decimal(20,5)", "0.50000|1|123456789012345.12345|-0.00001|2"},
    {"c", "decimal(38,10)", "1|1|9999999999999999999999999999.9999999999|-1.5|0.0000000001"},
    {0}};

GLY_TEST(decimals_have_spark_results) {
    GLY_EXPR_CASE(decimals, "(+ a b)", "1.75000|null|123456689012345.13345|0.00999|9.00000");
    GLY_EXPR_CASE(decimals, "(- a b)", "0.75000|null|-123456889012345.11345|0.01001|5.00000");
    GLY_EXPR_CASE(decimals, "(* a b)",
                  "0.6250000|null|-12345678899999944454876.5487655|-0.0000001|14.0000000");
    GLY_EXPR_CASE(decimals, "(% a 1)", "0.25|null|-0.99|0.01|0.00");
    GLY_EXPR_CASE(decimals, "(pmod a 1)", "0.25|null|0.01|0.01|0.00");
    GLY_EXPR_CASE(decimals, "(div a 0.5)", "2|null|-199999999|0|14");
    GLY_EXPR_CASE(decimals, "(negative c)",
                  "-1.0000000000|-1.0000000000|-9999999999999999999999999999.9999999999|"
                  "1.5000000000|-0.0000000001");
    GLY_EXPR_CASE(decimals, "(abs a)", "1.25|null|99999999.99|0.01|7.00");
    /* precision is capped at 38: the scale shrinks and is rounded */
    GLY_EXPR_CASE(decimals, "(+ c c)",
                  "2.000000000|2.000000000|20000000000000000000000000000.000000000|-3.000000000|"
                  "0.000000000");
    GLY_EXPR_CASE(decimals, "(* c 0.5)",
                  "0.500000000|0.500000000|5000000000000000000000000000.000000000|-0.750000000|"
                  "0.000000000");
    GLY_EXPR_CASE(decimals, "(* c c)", "!Overflow of decimal(38,6)");
    GLY_EXPR_CASE(decimals, "(try_multiply c c)",
                  "1.000000|1.000000|null|2.250000|0.000000");
}

GLY_SUITE("fn_arith", overflow_raises, try_gives_null, values, division_by_zero,
          decimals_have_spark_results)
