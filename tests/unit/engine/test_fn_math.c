/* test_fn_math.c - functions of doubles, rounding, hashes, and functions with state. */
#include "tests/support/check.h"
#include "tests/support/expr_case.h"

static const gly_expr_case_column doubles[] = {{"d", "double", "1|null|0|-1|2.5|NaN"}, {0}};

GLY_TEST(functions) {
    GLY_EXPR_CASE(doubles, "(sqrt d)", "1.0|null|0.0|NaN|1.5811388300841898|NaN");
    GLY_EXPR_CASE(doubles, "(ln d)", "0.0|null|null|null|0.9162907318741551|NaN");
    GLY_EXPR_CASE(doubles, "(log10 d)", "0.0|null|null|null|0.3979400086720376|NaN");
    GLY_EXPR_CASE(doubles, "(sign d)", "1.0|null|0.0|-1.0|1.0|NaN");
    GLY_EXPR_VALUE("(power 2 10)", "1024.0");
    GLY_EXPR_VALUE("(power 1.0e0 (cast 'NaN' double))", "NaN");
    GLY_EXPR_VALUE("(pi)", "3.141592653589793");
    GLY_EXPR_VALUE("(atan2 1 1)", "0.7853981633974483");
    GLY_EXPR_CASE(doubles, "(floor d)", "1|null|0|-1|2|0");
    GLY_EXPR_CASE(doubles, "(ceil d)", "1|null|0|-1|3|0");
    GLY_EXPR_VALUE("(floor -2.5)", "-3");
    GLY_EXPR_VALUE("(ceil -2.5)", "-2");
    GLY_EXPR_VALUE("(ceil 2.01)", "3");
}

GLY_TEST(rounding) {
    GLY_EXPR_CASE(doubles, "(round d)", "1.0|null|0.0|-1.0|3.0|NaN");
    GLY_EXPR_CASE(doubles, "(bround d)", "1.0|null|0.0|-1.0|2.0|NaN");
    GLY_EXPR_VALUE("(round 1.005e0 2)", "1.01");
    GLY_EXPR_VALUE("(round -1.005e0 2)", "-1.01");
    GLY_EXPR_VALUE("(round 2.675e0 2)", "2.68");
    GLY_EXPR_VALUE("(bround 2.665e0 2)", "2.66");
    GLY_EXPR_VALUE("(round 1234.5678e0 -2)", "1200.0");
    GLY_EXPR_VALUE("(round 0.5e0)", "1.0");
    GLY_EXPR_VALUE("(round -0.4e0)", "-0.0");
    GLY_EXPR_VALUE("(round 1e20 3)", "1.0E20");
    GLY_EXPR_VALUE("(round 15 -1)", "20");
    GLY_EXPR_VALUE("(bround 25 -1)", "20");
    GLY_EXPR_VALUE("(round 2147483647 -1)", "!Overflow in 'round(2147483647, -1)'");
    GLY_EXPR_VALUE("(round 2.45 1)", "2.5");
    GLY_EXPR_VALUE("(bround 2.45 1)", "2.4");
    GLY_EXPR_VALUE("(round -2.5)", "-3");
    GLY_EXPR_VALUE("(round 1234.56 -2)", "1200");
}

GLY_TEST(hashes_are_sparks) {
    GLY_EXPR_VALUE("(hash 'Spark')", "228093765");
    GLY_EXPR_VALUE("(hash 1)", "-559580957");
    GLY_EXPR_VALUE("(hash 1L)", "-1712319331");
    GLY_EXPR_VALUE("(hash null)", "42");
    GLY_EXPR_VALUE("(hash '')", "142593372");
    GLY_EXPR_VALUE("(hash true)", "-559580957");
    GLY_EXPR_VALUE("(hash 0)", "933211791");
    GLY_EXPR_VALUE("(xxhash64 1L)", "-7001672635703045582");
    GLY_EXPR_VALUE("(xxhash64 '')", "-7444071767201028348");
    GLY_EXPR_VALUE("(xxhash64 'Spark')", "-4294468057691064905");
    GLY_EXPR_VALUE("(= (hash -0.0e0) (hash 0.0e0))", "true");
    GLY_EXPR_VALUE("(= (hash 1.0) (hash (cast 1 decimal(38,0))))", "false");
}

GLY_TEST(errors_on_purpose) {
    GLY_EXPR_VALUE("(raise_error 'stop here')", "!stop here (line 1, column 1)");
    GLY_EXPR_VALUE("(assert_true true)", "null");
    GLY_EXPR_VALUE("(assert_true (= 1 2) 'not equal')", "!not equal");
    GLY_EXPR_VALUE("(assert_true (= 1 2))", "!'(1 = 2)' is not true!");
    GLY_EXPR_VALUE("(galley_test_sleep 3)", "3");
    GLY_EXPR_VALUE("(galley_test_hold 100000)", "100000");
}

GLY_SUITE("fn_math", functions, rounding, hashes_are_sparks, errors_on_purpose)
