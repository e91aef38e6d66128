/* test_fn_date_make.c - timestamps from numbers and back, names of days, units of time. */
#include "tests/support/check.h"
#include "tests/support/expr_case.h"

static const gly_expr_case_column values[] = {
    {"d", "date", "2024-02-29|null|1969-12-31|0001-01-01"},
    {"t", "timestamp", "2024-02-29 12:34:56.789|1969-12-31 23:59:59.9999|null|2038-07-31 00:00:00"},
    {"n", "int", "1|-1|7|null"},
    {0}};

GLY_TEST(days) {
    GLY_EXPR_CASE(values, "(next_day d 'Th')", "2024-03-07|null|1970-01-01|0001-01-04");
    GLY_EXPR_CASE(values, "(next_day d 'wednesday')", "2024-03-06|null|1970-01-07|0001-01-03");
    GLY_EXPR_VALUE("(next_day date'2024-01-01' 'wednes')", "!'wednes' is no day of the week");
    GLY_EXPR_VALUE("(next_day date'2024-01-01' '')", "!'' is no day of the week");
    GLY_EXPR_CASE(values, "(dayname d)", "Thu|null|Wed|Mon");
    GLY_EXPR_CASE(values, "(monthname d)", "Feb|null|Dec|Jan");
    GLY_EXPR_CASE(values, "(unix_date d)", "19782|null|-1|-719162");
    GLY_EXPR_CASE(values, "(date_from_unix_date n)", "1970-01-02|1969-12-31|1970-01-08|null");
}

GLY_TEST(ends_of_the_range) {
    GLY_EXPR_VALUE("(weekofyear (date_from_unix_date 2147483647))", "28");
    GLY_EXPR_VALUE("(dayname (date_from_unix_date 2147483647))", "Fri");
    GLY_EXPR_VALUE("(dayname (date_from_unix_date (shiftleft 1 31)))", "Tue");
    GLY_EXPR_VALUE("(unix_seconds (timestamp_micros (shiftleft 1L 63)))", "-9223372036855");
    GLY_EXPR_VALUE("(unix_millis (timestamp_micros 9223372036854775807L))", "9223372036854775");
}

GLY_TEST(made) {
    GLY_EXPR_CASE(values, "(make_timestamp 2024 n n n n (cast n decimal(16,6)))",
                  "!The second is not between 0 and 60");
    GLY_EXPR_CASE(values, "(try_make_timestamp 2024 n n n n (cast n decimal(16,6)))",
                  "2024-01-01 01:01:01|null|2024-07-07 07:07:07|null");
    GLY_EXPR_VALUE("(make_timestamp 2019 6 30 23 59 60)", "2019-07-01 00:00:00");
    GLY_EXPR_VALUE("(make_timestamp 2019 6 30 23 59 60.000001)", "!The second is not");
    GLY_EXPR_VALUE("(make_timestamp 2019 2 29 0 0 0)", "!There is no such date");
    GLY_EXPR_VALUE("(make_timestamp 2147483647 2 29 0 0 0)", "!There is no such date");
    GLY_EXPR_VALUE("(make_timestamp 299999 1 1 0 0 0)", "!beyond the range");
    GLY_EXPR_VALUE("(make_timestamp 2019 2 2 24 0 0)", "!There is no such time");
    GLY_EXPR_VALUE("(make_timestamp 2019 1 1 0 0 0 '+02:00')", "2018-12-31 22:00:00");
    GLY_EXPR_VALUE("(make_timestamp 2019 1 1 0 0 0 'Mars')", "!Unknown time zone");
    GLY_EXPR_VALUE("(try_make_timestamp_ntz 2019 13 1 0 0 0)", "null");
}

GLY_TEST(numbers) {
    GLY_EXPR_CASE(values, "(unix_seconds t)", "1709210096|-1|null|2164147200");
    GLY_EXPR_CASE(values, "(unix_millis t)", "1709210096789|-1|null|2164147200000");
    GLY_EXPR_CASE(values, "(unix_micros t)", "1709210096789000|-100|null|2164147200000000");
    GLY_EXPR_CASE(values, "(timestamp_seconds n)",
                  "1970-01-01 00:00:01|1969-12-31 23:59:59|1970-01-01 00:00:07|null");
    GLY_EXPR_VALUE("(timestamp_millis -1)", "1969-12-31 23:59:59.999");
    GLY_EXPR_VALUE("(timestamp_micros -1)", "1969-12-31 23:59:59.999999");
    GLY_EXPR_VALUE("(timestamp_seconds 1.5)", "1970-01-01 00:00:01.5");
    GLY_EXPR_VALUE("(timestamp_seconds 1.1234567)", "!A part of a microsecond");
    GLY_EXPR_VALUE("(timestamp_seconds 9999999999999999999.9)", "!Overflow");
    GLY_EXPR_VALUE("(timestamp_seconds (cast 'NaN' double))", "null");
    GLY_EXPR_VALUE("(unix_micros (timestamp_seconds 1e300))", "9223372036854775807");
    GLY_EXPR_VALUE("(timestamp_seconds 9223372036854775807L)", "!Overflow");
}

GLY_TEST(units) {
    GLY_EXPR_CASE(values, "(timestampadd 'MONTH' n t)",
                  "2024-03-29 12:34:56.789|1969-11-30 23:59:59.9999|null|null");
    GLY_EXPR_CASE(values, "(timestampadd 'hour' n t)",
                  "2024-02-29 13:34:56.789|1969-12-31 22:59:59.9999|null|null");
    GLY_EXPR_VALUE("(timestampadd 'YEAR' 9223372036854775807L ts'2024-01-01 00:00:00')",
                   "!Overflow");
    GLY_EXPR_VALUE("(timestampadd 'YEAR' 300000 ts'2024-01-01 00:00:00')", "!Overflow");
    GLY_EXPR_VALUE("(timestampadd 'DAY' 9223372036854775807L ts'2024-01-01 00:00:00')",
                   "!Overflow");
    GLY_EXPR_VALUE("(timestampadd 'fortnight' 1 ts'2024-01-01 00:00:00')",
                   "!'fortnight' is no unit of time");
    GLY_EXPR_CASE(values, "(timestampdiff 'MONTH' ts'2024-01-31 00:00:00' t)", "0|-648|null|174");
    GLY_EXPR_CASE(values, "(timestampdiff 'DAY' ts'2024-01-31 00:00:00' t)", "29|-19753|null|5295");
    GLY_EXPR_VALUE("(timestampdiff 'MONTH' ts'2022-03-30 00:00:00' ts'2022-02-28 00:00:00')", "-1");
    GLY_EXPR_VALUE("(timestampdiff 'YEAR' (timestamp_micros (shiftleft 1L 63)) "
                   "(timestamp_micros 9223372036854775807L))",
                   "584554");
    GLY_EXPR_VALUE("(timestampdiff 'MICROSECOND' (timestamp_micros -1L) (timestamp_micros 1L))",
                   "2");
    GLY_EXPR_VALUE("(timestampdiff 'DAYOFYEAR' ts'2022-03-30 00:00:00' ts'2022-02-28 00:00:00')",
                   "!is no unit of time");
}

GLY_SUITE("fn_date_make", days, ends_of_the_range, made, numbers, units)
