/* test_fn_date.c - parts, arithmetic and patterns of dates and times. */
#include "tests/support/check.h"
#include "tests/support/expr_case.h"

static const gly_expr_case_column times[] = {
    {"d", "date", "2024-02-29|null|1970-01-01|1969-12-31|2021-01-03|9999-12-31"},
    {"t", "timestamp",
     "2024-02-29 13:14:15.678|null|1970-01-01|1969-12-31 23:59:59.5|2021-01-03 00:30:00|"
     "9999-12-31 12:00:00"},
    {"n", "int", "1|1|null|-1|31|0"},
    {0}};

GLY_TEST(parts) {
    GLY_EXPR_CASE(times, "(year d)", "2024|null|1970|1969|2021|9999");
    GLY_EXPR_CASE(times, "(quarter d)", "1|null|1|4|1|4");
    GLY_EXPR_CASE(times, "(month d)", "2|null|1|12|1|12");
    GLY_EXPR_CASE(times, "(day d)", "29|null|1|31|3|31");
    GLY_EXPR_CASE(times, "(dayofweek d)", "5|null|5|4|1|6");
    GLY_EXPR_CASE(times, "(weekday d)", "3|null|3|2|6|4");
    GLY_EXPR_CASE(times, "(dayofyear d)", "60|null|1|365|3|365");
    GLY_EXPR_CASE(times, "(weekofyear d)", "9|null|1|1|53|52");
    GLY_EXPR_CASE(times, "(year t)", "2024|null|1970|1969|2021|9999");
    GLY_EXPR_CASE(times, "(hour t)", "13|null|0|23|0|12");
    GLY_EXPR_CASE(times, "(minute t)", "14|null|0|59|30|0");
    GLY_EXPR_CASE(times, "(second t)", "15|null|0|59|0|0");
}

GLY_TEST(moving) {
    GLY_EXPR_CASE(times, "(date_add d n)",
                  "2024-03-01|null|null|1969-12-30|2021-02-03|9999-12-31");
    GLY_EXPR_CASE(times, "(date_sub d 1)",
                  "2024-02-28|null|1969-12-31|1969-12-30|2021-01-02|9999-12-30");
    GLY_EXPR_CASE(times, "(+ d 1)",
                  "2024-03-01|null|1970-01-02|1970-01-01|2021-01-04|+10000-01-01");
    GLY_EXPR_CASE(times, "(add_months d n)",
                  "2024-03-29|null|null|1969-11-30|2023-08-03|9999-12-31");
    GLY_EXPR_CASE(times, "(- d months'3')",
                  "2023-11-29|null|1969-10-01|1969-09-30|2020-10-03|9999-09-30");
    GLY_EXPR_CASE(times, "(+ t micros'1000000')",
                  "2024-02-29 13:14:16.678|null|1970-01-01 00:00:01|1970-01-01 00:00:00.5|"
                  "2021-01-03 00:30:01|9999-12-31 12:00:01");
    GLY_EXPR_CASE(times, "(+ d micros'172800000000')",
                  "2024-03-02|null|1970-01-03|1970-01-02|2021-01-05|+10000-01-02");
    GLY_EXPR_CASE(times, "(- d date'2024-02-28')",
                  "INTERVAL '1 00:00:00' DAY TO SECOND|null|INTERVAL '-19781 00:00:00' DAY TO "
                  "SECOND|INTERVAL '-19782 00:00:00' DAY TO SECOND|INTERVAL '-1151 00:00:00' DAY "
                  "TO SECOND|INTERVAL '2913115 00:00:00' DAY TO SECOND");
    GLY_EXPR_CASE(times, "(datediff d date'2024-02-28')", "1|null|-19781|-19782|-1151|2913115");
    GLY_EXPR_VALUE("(date_add date'2024-01-01' 2147483647)", "!Overflow of date");
    GLY_EXPR_VALUE("(months_between ts'1997-02-28 10:30:00' ts'1996-10-30')", "3.94959677");
    GLY_EXPR_VALUE("(months_between ts'2024-02-29' ts'2024-01-31')", "1.0");
    GLY_EXPR_CASE(times, "(last_day d)",
                  "2024-02-29|null|1970-01-31|1969-12-31|2021-01-31|9999-12-31");
    GLY_EXPR_VALUE("(make_date 2024 2 29)", "2024-02-29");
    GLY_EXPR_VALUE("(make_date 2023 2 29)", "!There is no such date");
}

GLY_TEST(truncating) {
    GLY_EXPR_CASE(times, "(trunc d 'MONTH')",
                  "2024-02-01|null|1970-01-01|1969-12-01|2021-01-01|9999-12-01");
    GLY_EXPR_CASE(times, "(trunc d 'week')",
                  "2024-02-26|null|1969-12-29|1969-12-29|2020-12-28|9999-12-27");
    GLY_EXPR_CASE(times, "(trunc d 'quarter')",
                  "2024-01-01|null|1970-01-01|1969-10-01|2021-01-01|9999-10-01");
    GLY_EXPR_CASE(times, "(trunc d 'hour')", "null");
    GLY_EXPR_CASE(times, "(date_trunc 'hour' t)",
                  "2024-02-29 13:00:00|null|1970-01-01 00:00:00|1969-12-31 23:00:00|"
                  "2021-01-03 00:00:00|9999-12-31 12:00:00");
    GLY_EXPR_CASE(times, "(date_trunc 'YEAR' t)",
                  "2024-01-01 00:00:00|null|1970-01-01 00:00:00|1969-01-01 00:00:00|"
                  "2021-01-01 00:00:00|9999-01-01 00:00:00");
}

GLY_TEST(patterns_out) {
    GLY_EXPR_CASE(times, "(date_format t 'yyyy-MM-dd HH:mm:ss.SSS')",
                  "2024-02-29 13:14:15.678|null|1970-01-01 00:00:00.000|1969-12-31 23:59:59.500|"
                  "2021-01-03 00:30:00.000|9999-12-31 12:00:00.000");
    GLY_EXPR_VALUE("(date_format ts'2024-02-29 13:04:05' 'EEEE, d MMM y h:m a')",
                   "Thursday, 29 Feb 2024 1:4 PM");
    GLY_EXPR_VALUE("(date_format ts'2024-02-29 00:04:05' 'E MMMM yy hh kk DDD')",
                   "Thu February 24 12 24 060");
    GLY_EXPR_VALUE("(date_format date'2024-12-31' 'QQQ-QQQQ-q XXX xx Z z')",
                   "Q4-4th quarter-4 Z +0000 +0000 UTC");
    GLY_EXPR_VALUE("(date_format date'2024-12-31' 'bbb')", "!the letter b, which is not known");
    GLY_EXPR_VALUE("(from_unixtime 0)", "1970-01-01 00:00:00");
    GLY_EXPR_VALUE("(from_unixtime 86399 'HH:mm')", "23:59");
}

GLY_TEST(patterns_in) {
    GLY_EXPR_VALUE("(to_date '2024-02-29')", "2024-02-29");
    GLY_EXPR_VALUE("(to_date '29/02/2024' 'dd/MM/yyyy')", "2024-02-29");
    GLY_EXPR_VALUE("(to_date '20240229' 'yyyyMMdd')", "2024-02-29");
    GLY_EXPR_VALUE("(to_date '5 Mar 24' 'd MMM yy')", "2024-03-05");
    GLY_EXPR_VALUE("(to_date '2024-060' 'yyyy-DDD')", "2024-02-29");
    GLY_EXPR_VALUE("(to_date '2024-02-30' 'yyyy-MM-dd')", "!The text '2024-02-30' is not a date");
    GLY_EXPR_VALUE("(to_date 'abc')", "!The text 'abc' is not a date (line 1, column 1)");
    GLY_EXPR_VALUE("(to_timestamp '2024-02-29 01:02:03')", "2024-02-29 01:02:03");
    GLY_EXPR_VALUE("(to_timestamp '29.2.2024 1:02 pm' 'd.M.yyyy h:mm a')", "2024-02-29 13:02:00");
    GLY_EXPR_VALUE("(to_timestamp '2024-02-29 01:02:03.45' 'yyyy-MM-dd HH:mm:ss.SSSSSS')",
                   "2024-02-29 01:02:03.45");
    GLY_EXPR_VALUE("(to_timestamp '2024-02-29T01:02:03+01:00' 'yyyy-MM-ddXHH:mm:ssXXX')",
                   "!is not a timestamp");
    GLY_EXPR_VALUE("(unix_timestamp '1970-01-02 00:00:00')", "86400");
    GLY_EXPR_VALUE("(unix_timestamp ts'1969-12-31 23:59:59.5')", "-1");
    GLY_EXPR_VALUE("(unix_timestamp '1970-01-02' 'yyyy-MM-dd')", "86400");
}

GLY_SUITE("fn_date", parts, moving, truncating, patterns_out, patterns_in)
