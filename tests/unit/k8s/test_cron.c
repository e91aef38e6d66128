/* test_cron.c - schedules: known tables, summer time, and every answer against a search minute by
 * minute. */
#include "k8s/api/cron.h"
#include "k8s/api/rfc3339.h"
#include "lib/base/random.h"
#include "tests/support/check.h"

static const gly_time_zone *zone_of(gly_arena *arena, const char *name) {
    const gly_time_zone *zone;
    gly_error err;
    GLY_CHECK_OK(gly_time_zone_load(arena, name, NULL, &zone, &err), &err);
    return zone;
}

static gly_cron cron_of(const char *text) {
    gly_cron cron;
    gly_error err;
    GLY_CHECK_OK(gly_cron_parse(gly_str_of(text), &cron, &err), &err);
    return cron;
}

static int64_t ms_of(const char *text) {
    int64_t ms;
    if (!gly_rfc3339_parse(gly_str_of(text), &ms)) {
        fprintf(stderr, "no time: %s\n", text);
        abort();
    }
    return ms;
}

static void check_next(const char *text, const char *zone_name, const char *after,
                       const char *expected) {
    gly_arena *arena = gly_arena_make();
    gly_cron cron = cron_of(text);
    int64_t next;
    bool is_found = gly_cron_next(&cron, zone_of(arena, zone_name), ms_of(after), &next);
    const char *actual = is_found ? gly_rfc3339_format(arena, next) : "never";
    const char *wanted =
        strcmp(expected, "never") == 0 ? expected : gly_rfc3339_format(arena, ms_of(expected));
    if (strcmp(actual, wanted) != 0) {
        fprintf(stderr, "'%s' in %s after %s\n", text, zone_name, after);
    }
    GLY_CHECK_TEXT(actual, wanted);
    gly_arena_free(arena);
}

GLY_TEST(known_times) {
    static const char *const cases[][3] = {
        {"* * * * *", "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"},
        {"* * * * *", "2026-01-01T00:00:59.999Z", "2026-01-01T00:01:00Z"},
        {"*/15 * * * *", "2026-07-09T14:45:00Z", "2026-07-09T15:00:00Z"},
        {"20-35/15 * * * *", "2026-07-09T14:46:00Z", "2026-07-09T15:20:00Z"},
        {"*/20 * * * *", "2026-07-09T23:46:00Z", "2026-07-10T00:00:00Z"},
        {"5/20 * * * *", "2026-07-09T23:26:00Z", "2026-07-09T23:45:00Z"}, /* from 5 on */
        {"0 0 * Feb Mon", "2026-02-02T00:00:00Z", "2026-02-09T00:00:00Z"},
        {"0 0 * feb mon/2", "2026-02-02T00:00:00Z", "2026-02-04T00:00:00Z"},
        {"0 0 9 * *", "2026-07-09T00:00:00Z", "2026-08-09T00:00:00Z"},
        {"0 0 31 * *", "2026-01-31T00:00:00Z", "2026-03-31T00:00:00Z"},
        {"0 0 29 Feb *", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"},
        {"0 0 29 2 *", "2097-01-01T00:00:00Z", "2104-02-29T00:00:00Z"},     /* 2100 has none */
        {"0 0 1,15 * sun", "2026-05-10T00:00:00Z", "2026-05-15T00:00:00Z"}, /* either day */
        {"0 0 1,15 * sun", "2026-05-15T00:00:00Z", "2026-05-17T00:00:00Z"},
        {"0 0 * * sun", "2026-05-10T00:00:00Z", "2026-05-17T00:00:00Z"},
        {"0 0 ? * 7", "2026-05-10T00:00:00Z", "2026-05-17T00:00:00Z"},
        {"0 0 * * fri-sun", "2026-05-16T00:00:00Z", "2026-05-17T00:00:00Z"},
        {"0 0 * * 5-7", "2026-05-17T00:00:00Z", "2026-05-22T00:00:00Z"},
        {"0 12 */2 * 1", "2026-05-02T12:00:00Z",
         "2026-05-03T12:00:00Z"}, /* a step is no star: either day */
        {"59 23 31 12 *", "2026-12-31T23:59:00Z", "2027-12-31T23:59:00Z"},
        {"0 0 1 1 *", "1999-12-31T23:59:59Z", "2000-01-01T00:00:00Z"},
        {"@hourly", "2026-05-10T10:00:00Z", "2026-05-10T11:00:00Z"},
        {"@daily", "2026-05-10T10:00:00Z", "2026-05-11T00:00:00Z"},
        {"@midnight", "2026-05-10T10:00:00Z", "2026-05-11T00:00:00Z"},
        {"@weekly", "2026-05-10T00:00:00Z", "2026-05-17T00:00:00Z"},
        {"@monthly", "2026-05-10T00:00:00Z", "2026-06-01T00:00:00Z"},
        {"@yearly", "2026-05-10T00:00:00Z", "2027-01-01T00:00:00Z"},
        {"@annually", "2026-05-10T00:00:00Z", "2027-01-01T00:00:00Z"},
        {"  0   5  * *   *  ", "2026-05-10T00:00:00Z", "2026-05-10T05:00:00Z"},
        {"0 0 31 2 *", "2026-05-10T00:00:00Z", "never"},
        {"0 0 31 4,6,9,11 *", "2026-05-10T00:00:00Z", "never"},
    };
    for (size_t i = 0; i < GLY_ARRAY_LEN(cases); i++) {
        check_next(cases[i][0], "UTC", cases[i][1], cases[i][2]);
    }
}

/* As Kubernetes' CronJob: what the clock leaps over does not happen, what it shows twice happens
 * twice. */
GLY_TEST(summer_time) {
    static const char *const cases[][4] = {
        {"0 12 * * *", "America/New_York", "2012-03-10T12:00:00-05:00",
         "2012-03-11T12:00:00-04:00"},
        {"0 * * * *", "America/New_York", "2012-03-11T01:00:00-05:00", "2012-03-11T03:00:00-04:00"},
        {"0 * * * *", "America/New_York", "2012-03-11T03:00:00-04:00", "2012-03-11T04:00:00-04:00"},
        {"30 2 * * *", "America/New_York", "2012-03-11T00:00:00-05:00",
         "2012-03-12T02:30:00-04:00"},
        {"30 2 11 Mar *", "America/New_York", "2012-03-11T00:00:00-05:00",
         "2013-03-11T02:30:00-04:00"},
        {"0 1 * * *", "America/New_York", "2012-11-04T00:00:00-04:00", "2012-11-04T01:00:00-04:00"},
        {"0 1 * * *", "America/New_York", "2012-11-04T01:00:00-04:00", "2012-11-04T01:00:00-05:00"},
        {"0 1 * * *", "America/New_York", "2012-11-04T01:00:00-05:00", "2012-11-05T01:00:00-05:00"},
        {"0 * * * *", "America/New_York", "2012-11-04T01:00:00-04:00", "2012-11-04T01:00:00-05:00"},
        {"0 3 * * *", "America/New_York", "2012-11-04T00:00:00-04:00", "2012-11-04T03:00:00-05:00"},
        {"30 2 * * *", "Europe/Zurich", "2026-03-28T02:30:00+01:00", "2026-03-30T02:30:00+02:00"},
        {"30 2 * * *", "Europe/Zurich", "2026-10-24T02:30:00+02:00", "2026-10-25T02:30:00+02:00"},
        {"30 2 * * *", "Europe/Zurich", "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"},
        {"0 0 * * *", "America/Sao_Paulo", "2018-11-03T00:00:00-03:00",
         "2018-11-05T00:00:00-02:00"}, /* no midnight */
        {"45 1 * * *", "Australia/Lord_Howe", "2026-04-04T15:00:00Z",
         "2026-04-05T01:45:00+10:30"}, /* half an hour */
        {"1 0 * * *", "America/St_Johns", "2010-11-06T03:00:00Z",
         "2010-11-07T00:01:00-03:30"}, /* at one past midnight */
        {"30 23 * * *", "America/St_Johns", "2010-11-07T02:15:00Z", "2010-11-06T23:30:00-03:30"},
        {"0 12 * * *", "Pacific/Apia", "2011-12-29T12:00:00-10:00",
         "2011-12-31T12:00:00+14:00"}, /* a day was skipped */
        {"0 9 * * 1-5", "Asia/Kolkata", "2026-05-15T09:00:00+05:30", "2026-05-18T09:00:00+05:30"},
        {"30 2 * * *", "Europe/Zurich", "2099-03-29T00:00:00Z",
         "2099-03-30T02:30:00+02:00"}, /* by the rule */
    };
    for (size_t i = 0; i < GLY_ARRAY_LEN(cases); i++) {
        check_next(cases[i][0], cases[i][1], cases[i][2], cases[i][3]);
    }
}

static void random_field(gly_random *random, int least, int most, gly_builder *out) {
    switch (gly_random_below(random, 4)) {
    case 0:
        gly_builder_add_char(out, '*');
        break;
    case 1:
        gly_builder_format(out, "*/%d", 2 + (int)gly_random_below(random, 9));
        break;
    case 2:
        gly_builder_format(out, "%d",
                           least + (int)gly_random_below(random, (uint64_t)(most - least + 1)));
        break;
    default: {
        int a = least + (int)gly_random_below(random, (uint64_t)(most - least + 1));
        int b = a + (int)gly_random_below(random, (uint64_t)(most - a + 1));
        gly_builder_format(out, "%d-%d/%d,%d", a, b, 1 + (int)gly_random_below(random, 5), b);
    }
    }
    gly_builder_add_char(out, ' ');
}

static bool fits(const gly_cron *cron, const gly_time_zone *zone, int64_t utc) {
    int64_t local = utc + gly_time_zone_at(zone, utc).offset, year;
    int month, day;
    gly_rfc3339_date(local / 86400, &year, &month, &day);
    bool by_day = cron->days >> day & 1,
         by_weekday = cron->weekdays >> ((local / 86400 + 4) % 7) & 1;
    return (cron->minutes >> (local / 60 % 60) & 1) && (cron->hours >> (local / 3600 % 24) & 1) &&
           (cron->months >> month & 1) &&
           (cron->any_day || cron->any_weekday ? by_day && by_weekday : by_day || by_weekday);
}

GLY_TEST(the_same_as_trying_every_minute) {
    static const char *const zones[] = {"UTC", "Europe/Zurich", "Australia/Lord_Howe",
                                        "America/St_Johns", "Asia/Kathmandu"};
    gly_random random = {7};
    gly_builder text = {0};
    gly_arena *arena = gly_arena_make();
    for (int round = 0; round < 400; round++) {
        const gly_time_zone *zone = zone_of(arena, zones[round % (int)GLY_ARRAY_LEN(zones)]);
        gly_builder_reset(&text);
        random_field(&random, 0, 59, &text);
        random_field(&random, 0, 23, &text);
        random_field(&random, 1, 31, &text);
        gly_builder_add_text(&text, round % 3 == 0 ? "3,4,10,11 " : "* ");
        random_field(&random, 0, 7, &text);
        gly_cron cron = cron_of(text.data);
        /* around a change of summer time, half of the time */
        int64_t start = round % 2 == 0
                            ? INT64_C(1774742400) - 86400 * (int64_t)gly_random_below(&random, 20)
                            : INT64_C(1262304000) + (int64_t)gly_random_below(&random, 500000000);
        int64_t next, utc = start / 60 * 60 + 60, end = start + 40 * 86400;
        bool is_found = gly_cron_next(&cron, zone, start * 1000, &next);
        while (utc < end && !fits(&cron, zone, utc)) {
            utc += 60;
        }
        if (utc < end) {
            if (!is_found || next != utc * 1000) {
                fprintf(stderr, "'%s' in %s after %lld\n", text.data, zones[round % 5],
                        (long long)start);
            }
            GLY_CHECK(is_found);
            GLY_CHECK_INT(next, utc * 1000);
        } else {
            GLY_CHECK(!is_found || next >= end * 1000);
        }
    }
    gly_builder_clear(&text);
    gly_arena_free(arena);
}

GLY_TEST(the_latest_time) {
    gly_arena *arena = gly_arena_make();
    const gly_time_zone *zone = zone_of(arena, "Europe/Zurich");
    int64_t now = ms_of("2026-11-21T08:30:30Z"), found = 0;
    gly_cron minutely = cron_of("* * * * *"), yearly = cron_of("@yearly"),
             never = cron_of("0 0 31 2 *");
    GLY_CHECK(gly_cron_latest(&minutely, zone, ms_of("2016-01-01T00:00:00Z"), now,
                              &found)); /* ten years away */
    GLY_CHECK_INT(found, ms_of("2026-11-21T08:30:00Z"));
    GLY_CHECK(!gly_cron_latest(&minutely, zone, ms_of("2026-11-21T08:30:00Z"), now, &found));
    GLY_CHECK(
        !gly_cron_latest(&minutely, zone, now + 5000000, now, &found)); /* the clock went back */
    GLY_CHECK(gly_cron_latest(&yearly, zone, ms_of("2016-01-01T00:00:00Z"), now, &found));
    GLY_CHECK_INT(found, ms_of("2026-01-01T00:00:00+01:00"));
    GLY_CHECK(!gly_cron_latest(&yearly, zone, found, now, &found));
    GLY_CHECK(!gly_cron_latest(&never, zone, ms_of("2016-01-01T00:00:00Z"), now, &found));
    gly_arena_free(arena);
}

GLY_TEST(bad_texts_are_refused_and_named) {
    static const char *const cases[][2] = {
        {"", "must have five fields"},
        {" ", "must have five fields"},
        {"* * * *", "must have five fields"},
        {"* * * * * *", "must have five fields"},
        {"@noon", "must have five fields"},
        {"@every 5m", "must have five"},
        {"60 * * * *", "the minute '60' must consist of 0 to 59, *"},
        {"-1 * * * *", "the minute '-1'"},
        {"* 24 * * *", "the hour '24'"},
        {"* * 0 * *", "the day of month '0'"},
        {"* * 32 * *", "the day of month '32'"},
        {"* * * 0 *", "the month '0'"},
        {"* * * 13 *", "the month '13'"},
        {"* * * foo *", "the month 'foo'"},
        {"* * * * 8", "the day of week '8' must consist of 0 to 7 or names"},
        {"* * * * mon-", "the day of week"},
        {"1, * * * *", "the minute '1,'"},
        {",1 * * * *", "the minute ',1'"},
        {"1,,2 * * * *", "the minute"},
        {"5-1 * * * *", "the minute '5-1'"},
        {"*/0 * * * *", "the minute '*/0'"},
        {"*/ * * * *", "the minute '*/'"},
        {"*/x * * * *", "the minute"},
        {"1-2-3 * * * *", "the minute"},
        {"*-5 * * * *", "the minute"},
        {"1/2/3 * * * *", "the minute"},
        {"+5 * * * *", "the minute"},
        {"0x5 * * * *", "the minute"},
        {"99999999999999999999 * * * *", "the minute"},
        {"TZ=UTC * * * * *", "the minute 'TZ=UTC'"},
        {"*\t*\t*\t*\t*", "the minute"},
        {"*/99999999999999999999 * * * *", "the minute"},
    };
    for (size_t i = 0; i < GLY_ARRAY_LEN(cases); i++) {
        gly_cron cron;
        gly_error err = {0};
        GLY_CHECK(gly_cron_parse(gly_str_of(cases[i][0]), &cron, &err) != GLY_OK);
        if (strstr(err.message, cases[i][1]) == NULL) {
            fprintf(stderr, "'%s': %s\n", cases[i][0], err.message);
        }
        GLY_CHECK(strstr(err.message, cases[i][1]) != NULL);
    }
}

GLY_TEST(odd_clocks) {
    gly_arena *arena = gly_arena_make();
    gly_cron cron = cron_of("* * * * *");
    const gly_time_zone *zone = zone_of(arena, "Europe/Zurich");
    int64_t next;
    GLY_CHECK(!gly_cron_next(&cron, zone, -1, &next));
    GLY_CHECK(!gly_cron_next(&cron, zone, INT64_MAX, &next));
    GLY_CHECK(!gly_cron_next(&cron, zone, INT64_MIN, &next));
    GLY_CHECK(gly_cron_next(&cron, zone, 0, &next) && next == 60000);
    gly_arena_free(arena);
}

GLY_SUITE("cron", known_times, summer_time, the_same_as_trying_every_minute, the_latest_time,
          bad_texts_are_refused_and_named, odd_clocks)
