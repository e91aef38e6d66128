/* test_date.c - the calendar, and dates as text. */
#include "lib/data/date.h"
#include "tests/support/check.h"

static const char *show(int32_t days) {
    static char buffer[24];
    buffer[gly_date_format(days, buffer)] = '\0';
    return buffer;
}

GLY_TEST(civil_round_trip) {
    static const int32_t samples[] = {INT32_MIN, -719529, -719528, -1, 0, 1, 59, 10957, 19782,
                                      2932896,   INT32_MAX};
    for (size_t i = 0; i < GLY_ARRAY_LEN(samples); i++) {
        int32_t year, month, day;
        gly_date_to_civil(samples[i], &year, &month, &day);
        GLY_CHECK_INT(gly_date_from_civil(year, month, day), samples[i]);
    }
    for (int32_t days = -800000; days < 800000; days += 97) {
        int32_t year, month, day;
        gly_date_to_civil(days, &year, &month, &day);
        GLY_CHECK(gly_date_is_valid(year, month, day));
        GLY_CHECK(gly_date_from_civil(year, month, day) == days);
    }
    GLY_CHECK_INT(gly_date_from_civil(1970, 1, 1), 0);
    GLY_CHECK_INT(gly_date_from_civil(2000, 3, 1), 11017);
    GLY_CHECK_INT(gly_date_from_civil(1969, 12, 31), -1);
}

GLY_TEST(formats) {
    GLY_CHECK_TEXT(show(0), "1970-01-01");
    GLY_CHECK_TEXT(show(gly_date_from_civil(1, 2, 3)), "0001-02-03");
    GLY_CHECK_TEXT(show(gly_date_from_civil(10000, 1, 1)), "+10000-01-01");
    GLY_CHECK_TEXT(show(gly_date_from_civil(-1, 1, 1)), "-0001-01-01");
    GLY_CHECK_TEXT(show(INT32_MAX), "+5881580-07-11");
}

GLY_TEST(parses) {
    static const struct {
        const char *text;
        int32_t year, month, day;
    } good[] = {{"2024-01-31", 2024, 1, 31}, {" 2024-1-3 ", 2024, 1, 3}, {"2024-02", 2024, 2, 1},
                {"2024", 2024, 1, 1}, {"2024-01-31T12:00:00", 2024, 1, 31},
                {"2024-01-31 anything", 2024, 1, 31}, {"-0005-01-01", -5, 1, 1},
                {"+12345-06-07", 12345, 6, 7}, {"2024-02-29", 2024, 2, 29}};
    static const char *const bad[] = {"", "2024-13-01", "2023-02-29", "2024-1-", "24-01-01",
                                      "2024/01/01", "2024-01-32", "2024-001-01", "2024-01-011",
                                      "abc", "99999999-01-01", "5881581-01-01", "2024-00-01", "-"};
    for (size_t i = 0; i < GLY_ARRAY_LEN(good); i++) {
        int32_t days = 0;
        GLY_CHECK(gly_date_parse(gly_str_of(good[i].text), &days));
        GLY_CHECK_INT(days, gly_date_from_civil(good[i].year, good[i].month, good[i].day));
    }
    for (size_t i = 0; i < GLY_ARRAY_LEN(bad); i++) {
        int32_t days;
        if (gly_date_parse(gly_str_of(bad[i]), &days)) {
            fprintf(stderr, "'%s' was read\n", bad[i]);
            GLY_CHECK(false);
        }
    }
}

GLY_TEST(adds_months) {
    int32_t january = gly_date_from_civil(2024, 1, 31);
    GLY_CHECK_TEXT(show(gly_date_add_months(january, 1)), "2024-02-29");
    GLY_CHECK_TEXT(show(gly_date_add_months(january, -2)), "2023-11-30");
    GLY_CHECK_TEXT(show(gly_date_add_months(january, 13)), "2025-02-28");
    GLY_CHECK_TEXT(show(gly_date_add_months(january, -12 * 2024)), "0000-01-31");
}

GLY_SUITE("date", civil_round_trip, formats, parses, adds_months)
