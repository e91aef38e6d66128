/* test_timestamp.c - microseconds, civil time and text. */
#include "lib/data/timestamp.h"
#include "tests/support/check.h"

static const char *show(int64_t micros) {
    static char buffer[48];
    buffer[gly_timestamp_format(micros, buffer)] = '\0';
    return buffer;
}

GLY_TEST(formats) {
    GLY_CHECK_TEXT(show(0), "1970-01-01 00:00:00");
    GLY_CHECK_TEXT(show(-1), "1969-12-31 23:59:59.999999");
    GLY_CHECK_TEXT(show(1500000), "1970-01-01 00:00:01.5");
    GLY_CHECK_TEXT(show(1000001), "1970-01-01 00:00:01.000001");
    GLY_CHECK_TEXT(show(INT64_MAX), "+294247-01-10 04:00:54.775807");
    GLY_CHECK_TEXT(show(INT64_MIN), "-290308-12-21 19:59:05.224192");
}

GLY_TEST(parses) {
    static const struct {
        const char *text, *shown;
    } good[] = {{"2024-01-31 12:34:56.789", "2024-01-31 12:34:56.789"},
                {"2024-01-31T12:34:56Z", "2024-01-31 12:34:56"},
                {"2024-01-31 12:34:56+01:00", "2024-01-31 11:34:56"},
                {"2024-01-31 12:34:56.5 -0130", "2024-01-31 14:04:56.5"},
                {"2024-01-31 12:34:56 UTC", "2024-01-31 12:34:56"},
                {"2024-01-31 12:34:56GMT+2", "2024-01-31 10:34:56"},
                {"2024-1-3 1:2:3", "2024-01-03 01:02:03"},
                {"2024-01-31 12:34", "2024-01-31 12:34:00"},
                {"2024-01-31", "2024-01-31 00:00:00"},
                {"2024-01", "2024-01-01 00:00:00"},
                {"2024", "2024-01-01 00:00:00"},
                {" 2024-01-31 00:00:00.1234567 ", "2024-01-31 00:00:00.123456"}};
    static const char *const bad[] = {"",
                                      "2024-01-31 25:00:00",
                                      "2024-01-31 12:60:00",
                                      "2024-01-31 12:34:56 Mars",
                                      "2024-02-30",
                                      "2024-00-01",
                                      "x",
                                      "2024-01-31 12:34:56+99:00",
                                      "2024-01-31 12:34Z",
                                      "2024-01-31T",
                                      "2024-01-31 123:00:00",
                                      "999999-01-01 00:00:00",
                                      "2024-01-31 12:34:56+",
                                      "2024-01-31 12:34:56+1:2:3:4"};
    for (size_t i = 0; i < GLY_ARRAY_LEN(good); i++) {
        int64_t micros = 0;
        GLY_CHECK(gly_timestamp_parse(gly_str_of(good[i].text), &micros));
        GLY_CHECK_TEXT(show(micros), good[i].shown);
    }
    for (size_t i = 0; i < GLY_ARRAY_LEN(bad); i++) {
        int64_t micros;
        if (gly_timestamp_parse(gly_str_of(bad[i]), &micros)) {
            fprintf(stderr, "'%s' was read\n", bad[i]);
            GLY_CHECK(false);
        }
    }
}

GLY_TEST(civil_round_trip) {
    static const int64_t samples[] = {INT64_MIN, -1, 0, 1, 1700000000123456, INT64_MAX};
    for (size_t i = 0; i < GLY_ARRAY_LEN(samples); i++) {
        gly_civil civil;
        gly_timestamp_to_civil(samples[i], &civil);
        int64_t back;
        GLY_CHECK(gly_timestamp_from_civil_checked(&civil, &back) && back == samples[i]);
        GLY_CHECK(gly_timestamp_from_civil(&civil) == samples[i]);
    }
    GLY_CHECK_INT(gly_timestamp_to_date(-1), -1);
    GLY_CHECK_INT(gly_timestamp_from_date(1), 86400000000);
}

GLY_SUITE("timestamp", formats, parses, civil_round_trip)
