/* test_fn_cast.c - casts between all types: values, errors, try_cast. */
#include "tests/support/check.h"
#include "tests/support/expr_case.h"

static const gly_expr_case_column numbers[] = {
    {"i", "int", "1|null|-129|300|2147483647|0"},
    {"l", "bigint", "1|null|-9223372036854775808|9223372036854775807|5000000000|0"},
    {"d", "double", "1.5|null|-2.5|1e300|NaN|-0.0"},
    {"m", "decimal(20,3)", "1.500|null|-2.499|99999999999999999.999|0.001|0"},
    {"s", "string", "12|null| -7 |3000000000|abc|1.5"},
    {0}};

GLY_TEST(among_numbers) {
    GLY_EXPR_CASE(numbers, "(cast i bigint)", "1|null|-129|300|2147483647|0");
    GLY_EXPR_CASE(numbers, "(cast i double)", "1.0|null|-129.0|300.0|2.147483647E9|0.0");
    GLY_EXPR_CASE(numbers, "(cast i tinyint)",
                  "! of type INT cannot be cast to TINYINT because it overflows (line 1, column 1)"
                  "; use try_cast to get NULL instead");
    GLY_EXPR_VALUE("(cast 300 tinyint)", "!The value 300 of type INT cannot be cast to TINYINT");
    GLY_EXPR_CASE(numbers, "(try_cast i tinyint)", "1|null|null|null|null|0");
    GLY_EXPR_CASE(numbers, "(try_cast i smallint)", "1|null|-129|300|null|0");
    GLY_EXPR_CASE(numbers, "(try_cast l int)", "1|null|null|null|null|0");
    GLY_EXPR_CASE(numbers, "(try_cast d int)", "1|null|-2|null|null|0");
    GLY_EXPR_CASE(numbers, "(cast d int)",
                  "! of type DOUBLE cannot be cast to INT because it overflows");
    GLY_EXPR_CASE(numbers, "(cast d float)", "1.5|null|-2.5|Infinity|NaN|-0.0");
    GLY_EXPR_CASE(numbers, "(cast m int)",
                  "!The value 99999999999999999.999 of type DECIMAL(20,3)");
    GLY_EXPR_CASE(numbers, "(try_cast m int)", "1|null|-2|null|0|0");
    GLY_EXPR_CASE(numbers, "(cast m double)", "1.5|null|-2.499|1.0E17|0.001|0.0");
    GLY_EXPR_CASE(numbers, "(cast m decimal(20,1))", "1.5|null|-2.5|100000000000000000.0|0.0|0.0");
    GLY_EXPR_CASE(numbers, "(cast m decimal(30,5))",
                  "1.50000|null|-2.49900|99999999999999999.99900|0.00100|0.00000");
    GLY_EXPR_CASE(numbers, "(try_cast m decimal(4,2))", "1.50|null|-2.50|null|0.00|0.00");
    GLY_EXPR_CASE(numbers, "(try_cast i decimal(5,2))", "1.00|null|-129.00|300.00|null|0.00");
    GLY_EXPR_CASE(numbers, "(try_cast d decimal(10,1))", "1.5|null|-2.5|null|null|0.0");
    GLY_EXPR_CASE(numbers, "(cast i boolean)", "true|null|true|true|true|false");
    GLY_EXPR_CASE(numbers, "(cast (cast i boolean) int)", "1|null|1|1|1|0");
    GLY_EXPR_VALUE("(cast 9.223372036854775807e18 bigint)", "9223372036854775807");
    GLY_EXPR_VALUE("(cast -1.9e0 int)", "-1");
    GLY_EXPR_VALUE("(cast 0.1e0 decimal(20,18))", "0.100000000000000000");
}

GLY_TEST(text_to_numbers) {
    GLY_EXPR_CASE(numbers, "(try_cast s int)", "12|null|-7|null|null|null");
    GLY_EXPR_CASE(numbers, "(try_cast s bigint)", "12|null|-7|3000000000|null|null");
    GLY_EXPR_CASE(numbers, "(try_cast s double)", "12.0|null|-7.0|3.0E9|null|1.5");
    GLY_EXPR_CASE(numbers, "(try_cast s decimal(5,1))", "12.0|null|-7.0|null|null|1.5");
    GLY_EXPR_VALUE("(cast 'abc' int)",
                   "!The value 'abc' of type STRING cannot be cast to INT because it is malformed "
                   "(line 1, column 1); use try_cast to get NULL instead");
    GLY_EXPR_VALUE("(cast '' int)", "!malformed");
    GLY_EXPR_VALUE("(cast ' True ' boolean)", "true");
    GLY_EXPR_VALUE("(cast 'n' boolean)", "false");
    GLY_EXPR_VALUE("(cast '2' boolean)", "!malformed");
    GLY_EXPR_VALUE("(cast '1e3' decimal(10,2))", "1000.00");
    GLY_EXPR_VALUE("(cast '99999' decimal(4,0))", "!because it overflows");
    GLY_EXPR_VALUE("(cast '-Infinity' double)", "-Infinity");
}

GLY_TEST(to_text) {
    GLY_EXPR_CASE(numbers, "(cast i string)", "1|null|-129|300|2147483647|0");
    GLY_EXPR_CASE(numbers, "(cast d string)", "1.5|null|-2.5|1.0E300|NaN|-0.0");
    GLY_EXPR_CASE(numbers, "(cast m string)",
                  "1.500|null|-2.499|99999999999999999.999|0.001|0.000");
    GLY_EXPR_VALUE("(cast true string)", "true");
    GLY_EXPR_VALUE("(cast date'2024-01-31' string)", "2024-01-31");
    GLY_EXPR_VALUE("(cast ts'2024-01-31 12:00:00.5' string)", "2024-01-31 12:00:00.5");
    GLY_EXPR_VALUE("(cast months'14' string)", "INTERVAL '1-2' YEAR TO MONTH");
    GLY_EXPR_VALUE("(cast (cast 'abc' binary) string)", "abc");
    GLY_EXPR_VALUE("(cast null int)", "null");
}

GLY_TEST(times) {
    GLY_EXPR_VALUE("(cast '2024-02-29' date)", "2024-02-29");
    GLY_EXPR_VALUE("(cast '2023-02-29' date)", "!cannot be cast to DATE because it is malformed");
    GLY_EXPR_VALUE("(try_cast '2023-02-29' date)", "null");
    GLY_EXPR_VALUE("(cast '2024-02-29 01:02:03' timestamp)", "2024-02-29 01:02:03");
    GLY_EXPR_VALUE("(cast date'2024-02-29' timestamp)", "2024-02-29 00:00:00");
    GLY_EXPR_VALUE("(cast ts'1969-12-31 23:59:59' date)", "1969-12-31");
    GLY_EXPR_VALUE("(cast ts'1969-12-31 23:59:59.5' bigint)", "-1");
    GLY_EXPR_VALUE("(cast 1.5e0 timestamp)", "1970-01-01 00:00:01.5");
    GLY_EXPR_VALUE("(cast ts'1970-01-01 00:00:01.5' double)", "1.5");
    GLY_EXPR_VALUE("(cast 86400 timestamp)", "1970-01-02 00:00:00");
    GLY_EXPR_VALUE("(cast date'2024-02-29' int)", "!of type date cannot be cast to int");
}

GLY_SUITE("fn_cast", among_numbers, text_to_numbers, to_text, times)
