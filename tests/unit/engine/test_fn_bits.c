/* test_fn_bits.c - shifts, counts and single bits; functions of doubles that came later. */
#include "tests/support/check.h"
#include "tests/support/expr_case.h"

static const gly_expr_case_column values[] = {{"i", "int", "1|null|-8|2147483647|0"},
                                              {"w", "bigint", "1|-1|null|-8|9223372036854775807"},
                                              {"b", "int", "1|33|-1|63|null"},
                                              {"d", "double", "0.5|null|-2|NaN|8"},
                                              {0}};

GLY_TEST(shifts) {
    GLY_EXPR_CASE(values, "(shiftleft i b)", "2|null|0|-2147483648|null");
    GLY_EXPR_CASE(values, "(shiftright i b)", "0|null|-1|0|null");
    GLY_EXPR_CASE(values, "(shiftrightunsigned i b)", "0|null|1|0|null");
    GLY_EXPR_CASE(values, "(shiftleft w b)", "2|-8589934592|null|0|null");
    GLY_EXPR_CASE(values, "(shiftright w b)", "0|-1|null|-1|null");
    GLY_EXPR_CASE(values, "(shiftrightunsigned w b)", "0|2147483647|null|1|null");
}

GLY_TEST(single_bits) {
    GLY_EXPR_CASE(values, "(bit_count i)", "1|null|61|31|0");
    GLY_EXPR_CASE(values, "(bit_count w)", "1|64|null|61|63");
    GLY_EXPR_VALUE("(bit_count true)", "1");
    GLY_EXPR_VALUE("(bit_count (cast -1 tinyint))", "64");
    GLY_EXPR_CASE(values, "(getbit w 0)", "1|1|null|0|1");
    GLY_EXPR_VALUE("(getbit -1L 63)", "1");
    GLY_EXPR_VALUE("(getbit 1 32)", "!The bit 32 is not between 0 and 31");
    GLY_EXPR_VALUE("(getbit (cast 1 tinyint) -1)", "!The bit -1 is not between 0 and 7");
}

GLY_TEST(logarithms) {
    GLY_EXPR_CASE(values, "(log d)", "-0.6931471805599453|null|null|NaN|2.0794415416798357");
    GLY_EXPR_CASE(values, "(log 2 d)", "-1.0|null|null|NaN|3.0");
    GLY_EXPR_CASE(values, "(log d 0.5)", "1.0|null|null|NaN|-0.33333333333333337");
    GLY_EXPR_CASE(values, "(log1p d)", "0.4054651081081644|null|null|NaN|2.1972245773362196");
    GLY_EXPR_VALUE("(log 1 10)", "Infinity");
    GLY_EXPR_VALUE("(log 1 1)", "NaN");
    GLY_EXPR_VALUE("(log1p -1)", "null");
    GLY_EXPR_VALUE("(expm1 0)", "0.0");
}

GLY_TEST(doubles) {
    GLY_EXPR_CASE(values, "(cbrt d)", "0.7937005259840998|null|-1.2599210498948732|NaN|2.0");
    GLY_EXPR_VALUE("(cbrt 27)", "3.0");
    GLY_EXPR_CASE(values, "(rint d)", "0.0|null|-2.0|NaN|8.0");
    GLY_EXPR_VALUE("(asinh (cast '-Infinity' double))", "-Infinity");
    GLY_EXPR_VALUE("(acosh 0)", "NaN");
    GLY_EXPR_VALUE("(atanh 1)", "Infinity");
    GLY_EXPR_VALUE("(cot 0)", "Infinity");
    GLY_EXPR_VALUE("(hypot 3 4)", "5.0");
    GLY_EXPR_VALUE("(degrees 1)", "57.29577951308232");
    GLY_EXPR_VALUE("(radians 180)", "3.141592653589793");
}

GLY_TEST(integers) {
    GLY_EXPR_CASE(values, "(factorial i)", "1|null|null|null|1");
    GLY_EXPR_VALUE("(factorial 20)", "2432902008176640000");
    GLY_EXPR_VALUE("(factorial 21)", "null");
    GLY_EXPR_CASE(values, "(width_bucket d 0 4 8L)", "2|null|0|null|9");
    GLY_EXPR_CASE(values, "(width_bucket d 4 0 8L)", "8|null|9|null|0");
    GLY_EXPR_VALUE("(width_bucket 5 0 10 9223372036854775806L)", "4611686018427387905");
    GLY_EXPR_VALUE("(width_bucket 9.999999999999999e0 0 10 9223372036854775806L)",
                   "9223372036854773761");
    GLY_EXPR_VALUE("(width_bucket 5 0 10 9223372036854775807L)", "null");
    GLY_EXPR_VALUE("(width_bucket 5 5 5 3L)", "null");
    GLY_EXPR_VALUE("(width_bucket 5 0 10 0L)", "null");
}

GLY_SUITE("fn_bits", shifts, single_bits, logarithms, doubles, integers)
