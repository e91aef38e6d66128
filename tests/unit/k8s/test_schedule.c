/* test_schedule.c - schedules read from JSON, what is due after an absence, and the applications
 * made. */
#include "k8s/api/names.h"
#include "k8s/api/rfc3339.h"
#include "k8s/api/schedule.h"
#include "tests/unit/k8s/pod_support.h"

static cJSON *schedule_of(const char *spec, const char *last) {
    char text[4096];
    snprintf(
        text, sizeof text,
        "{'metadata': {'name': 'nightly', 'namespace': 'shop', 'uid': 'uid-9', 'generation': 4, "
        "'creationTimestamp': '2026-05-10T10:20:30Z'}, 'spec': %s, 'status': {'lastScheduleTime': "
        "'%s'}}",
        spec, last);
    return parse_json(text);
}

static int64_t ms_of(const char *text) {
    int64_t ms = 0;
    GLY_CHECK(gly_rfc3339_parse(gly_str_of(text), &ms));
    return ms;
}

static void read_schedule(gly_arena *arena, const cJSON *object, gly_schedule *ret) {
    gly_error err;
    GLY_CHECK_OK(gly_schedule_read(arena, object, NULL, ret, &err), &err);
}

GLY_TEST(fields_and_defaults) {
    gly_arena *arena = gly_arena_make();
    gly_schedule schedule;
    cJSON *small = schedule_of("{'schedule': '@daily', 'template': {'spec': {'sql': 'x'}}}", "");
    read_schedule(arena, small, &schedule);
    GLY_CHECK_TEXT(schedule.name, "nightly");
    GLY_CHECK_TEXT(schedule.namespace_name, "shop");
    GLY_CHECK_INT(schedule.generation, 4);
    GLY_CHECK_INT(schedule.created_ms, ms_of("2026-05-10T10:20:30Z"));
    GLY_CHECK_INT(schedule.last_schedule_ms, 0);
    GLY_CHECK_TEXT(schedule.time_zone_name, "UTC");
    GLY_CHECK_INT(schedule.concurrency, GLY_CONCURRENCY_ALLOW);
    GLY_CHECK_INT(schedule.starting_deadline_ms, -1);
    GLY_CHECK_INT(schedule.successful_limit, 3);
    GLY_CHECK_INT(schedule.failed_limit, 1);
    GLY_CHECK(!schedule.suspend && !schedule.is_deleting);
    cJSON *full = schedule_of(
        "{'schedule': '0 2 * * *', 'timeZone': 'Europe/Zurich', 'concurrencyPolicy': 'Replace', "
        "'suspend': true, 'startingDeadline': '5m', 'successfulRunsHistoryLimit': 0, "
        "'failedRunsHistoryLimit': 7, 'template': {'spec': {}}}",
        "2026-05-11T00:00:00Z");
    read_schedule(arena, full, &schedule);
    GLY_CHECK_TEXT(schedule.time_zone_name, "Europe/Zurich");
    GLY_CHECK_INT(schedule.concurrency, GLY_CONCURRENCY_REPLACE);
    GLY_CHECK_INT(schedule.starting_deadline_ms, 300000);
    GLY_CHECK_INT(schedule.successful_limit, 0);
    GLY_CHECK_INT(schedule.failed_limit, 7);
    GLY_CHECK(schedule.suspend);
    GLY_CHECK_INT(schedule.last_schedule_ms, ms_of("2026-05-11T00:00:00Z"));
    cJSON_Delete(small);
    cJSON_Delete(full);
    gly_arena_free(arena);
}

GLY_TEST(errors_name_the_field) {
    static const char *const cases[][2] = {
        {"{'template': {'spec': {}}}", "spec.schedule: '' must have five fields"},
        {"{'schedule': '61 * * * *', 'template': {'spec': {}}}", "spec.schedule: the minute '61'"},
        {"{'schedule': 5, 'template': {'spec': {}}}", "spec.schedule: must be a text"},
        {"{'schedule': '@daily', 'timeZone': 'Mars/Base', 'template': {'spec': {}}}",
         "spec.timeZone: there is no time zone 'Mars/Base'"},
        {"{'schedule': '@daily'}", "spec.template.spec: there is nothing to run"},
        {"{'schedule': '@daily', 'template': {'spec': 'x'}}",
         "spec.template.spec: must be an object"},
        {"{'schedule': '@daily', 'template': {'spec': {}, 'metadata': {'labels': []}}}",
         "spec.template.metadata.labels: must be an object"},
        {"{'schedule': '@daily', 'concurrencyPolicy': 'x', 'template': {'spec': {}}}",
         "spec.concurrencyPolicy: must be Allow, Forbid or Replace, not 'x'"},
        {"{'schedule': '@daily', 'failedRunsHistoryLimit': -1, 'template': {'spec': {}}}",
         "spec.failedRunsHistoryLimit: "},
        {"{'schedule': '@daily', 'startingDeadline': 'x', 'template': {'spec': {}}}",
         "spec.startingDeadline: "},
        {"7", "spec: must be an object"},
    };
    for (size_t i = 0; i < GLY_ARRAY_LEN(cases); i++) {
        gly_arena *arena = gly_arena_make();
        cJSON *object = schedule_of(cases[i][0], "");
        gly_schedule schedule;
        gly_error err = {0};
        GLY_CHECK(gly_schedule_read(arena, object, NULL, &schedule, &err) != GLY_OK);
        if (strstr(err.message, cases[i][1]) == NULL) {
            fprintf(stderr, "%s: %s\n", cases[i][0], err.message);
        }
        GLY_CHECK(strstr(err.message, cases[i][1]) != NULL);
        cJSON_Delete(object);
        gly_arena_free(arena);
    }
}

static void check_due(const char *more, const char *last, const char *now, const char *due,
                      const char *late, const char *next) {
    gly_arena *arena = gly_arena_make();
    char spec[512];
    snprintf(spec, sizeof spec, "{'schedule': '0 * * * *', 'template': {'spec': {}}%s}", more);
    cJSON *object = schedule_of(spec, last);
    gly_schedule schedule;
    read_schedule(arena, object, &schedule);
    gly_schedule_due found = gly_schedule_look(&schedule, ms_of(now));
    GLY_CHECK_TEXT(found.due_ms < 0 ? "" : gly_rfc3339_format(arena, found.due_ms), due);
    GLY_CHECK_TEXT(found.late_ms < 0 ? "" : gly_rfc3339_format(arena, found.late_ms), late);
    GLY_CHECK_TEXT(found.next_ms < 0 ? "" : gly_rfc3339_format(arena, found.next_ms), next);
    cJSON_Delete(object);
    gly_arena_free(arena);
}

GLY_TEST(what_is_due) {
    static const char *const noon = "2026-05-10T12:00:00Z", *const one = "2026-05-10T13:00:00Z";
    /* nothing was made yet: from its creation at 10:20 on */
    check_due("", "", "2026-05-10T10:59:59Z", "", "", "2026-05-10T11:00:00Z");
    check_due("", "", "2026-05-10T11:00:00Z", "2026-05-10T11:00:00Z", "", noon);
    check_due("", "", "2026-05-10T12:30:00Z", noon, "", one); /* only the latest of those missed */
    check_due("", noon, "2026-05-10T12:30:00Z", "", "", one);
    check_due("", noon, "2026-05-10T13:00:01Z", one, "", "2026-05-10T14:00:00Z");
    check_due("", noon, "2026-05-10T11:00:00Z", "", "", noon); /* the clock went back */
    check_due(", 'startingDeadline': '10m'", noon, "2026-05-10T13:10:00Z", one, "",
              "2026-05-10T14:00:00Z");
    check_due(", 'startingDeadline': '10m'", noon, "2026-05-10T13:10:01Z", "", one,
              "2026-05-10T14:00:00Z");
    check_due(", 'suspend': true", noon, "2026-05-10T13:10:00Z", "", "", "");
    check_due("", noon, "2027-05-10T13:10:00Z", "2027-05-10T13:00:00Z", "", "2027-05-10T14:00:00Z");
}

GLY_TEST(the_application_that_is_made) {
    gly_arena *arena = gly_arena_make();
    cJSON *object = schedule_of(
        "{'schedule': '@daily', 'template': {'metadata': {'name': 'x', 'labels': {'team': 'shop', "
        "'galley.dev/schedule': 'y'}, 'annotations': {'a': 'b'}}, 'spec': {'sql': 'SELECT 1', "
        "'executors': 3}}}",
        "");
    gly_schedule schedule;
    read_schedule(arena, object, &schedule);
    int64_t due = ms_of("2026-05-11T00:00:00Z");
    cJSON *application = gly_schedule_application(&schedule, due);
    GLY_CHECK_TEXT(text_at(application, "apiVersion"), "galley.dev/v1alpha1");
    GLY_CHECK_TEXT(text_at(application, "kind"), "GalleyApplication");
    GLY_CHECK_TEXT(text_at(application, "metadata/name"), "nightly-29640960");
    GLY_CHECK_TEXT(text_at(application, "metadata/name"),
                   gly_schedule_application_name(arena, &schedule, due));
    GLY_CHECK_TEXT(text_at(application, "metadata/namespace"), "shop");
    GLY_CHECK_TEXT(text_at(application, "metadata/labels"),
                   "{\"team\":\"shop\",\"galley.dev/schedule\":\"nightly\"}");
    GLY_CHECK_TEXT(text_at(application, "metadata/annotations"),
                   "{\"a\":\"b\",\"galley.dev/scheduled-time\":\"2026-05-11T00:00:00Z\"}");
    GLY_CHECK_TEXT(text_at(application, "metadata/ownerReferences"),
                   "[{\"apiVersion\":\"galley.dev/"
                   "v1alpha1\",\"kind\":\"GalleySchedule\",\"name\":\"nightly\",\"uid\":"
                   "\"uid-9\",\"controller\":true,\"blockOwnerDeletion\":false}]");
    GLY_CHECK_TEXT(text_at(application, "spec"), "{\"sql\":\"SELECT 1\",\"executors\":3}");
    gly_application app;
    cJSON_AddStringToObject(cJSON_GetObjectItem(application, "metadata"), "uid", "u");
    read_application(arena, application, &app); /* and it is one */
    GLY_CHECK_INT(app.executors, 3);
    cJSON_Delete(application);
    cJSON_Delete(object);
    gly_arena_free(arena);
}

GLY_TEST(time_stamps) {
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {{"1970-01-01T00:00:00Z", 0},
                {"2026-11-21T08:30:00Z", INT64_C(1795249800000)},
                {"2026-11-21T08:30:00.123456Z", INT64_C(1795249800123)},
                {"2026-11-21T10:30:00+02:00", INT64_C(1795249800000)},
                {"2026-11-21t03:00:00-05:30", INT64_C(1795249800000)},
                {"1969-12-31T23:59:59.999Z", -1},
                {"0001-01-01T00:00:00Z", INT64_C(-62135596800000)},
                {"9999-12-31T23:59:59Z", INT64_C(253402300799000)},
                {"2016-12-31T23:59:60Z", INT64_C(1483228800000)}};
    static const char *const bad[] = {"",
                                      "2026",
                                      "2026-11-21",
                                      "2026-11-21T08:30:00",
                                      "2026-13-01T00:00:00Z",
                                      "2026-02-29T00:00:00Z",
                                      "2026-02-30T00:00:00Z",
                                      "2026-11-21T24:00:00Z",
                                      "2026-11-21T08:60:00Z",
                                      "2026-11-21T08:30:61Z",
                                      "2026-11-21T08:30:00.Z",
                                      "2026-11-21T08:30:00Zx",
                                      "2026-11-21T08:30:00+24:00",
                                      "0000-01-01T00:00:00Z",
                                      "2026-11-21T08:30:00+0200",
                                      " 2026-11-21T08:30:00Z",
                                      "2026-1-21T08:30:00Z"};
    gly_arena *arena = gly_arena_make();
    for (size_t i = 0; i < GLY_ARRAY_LEN(good); i++) {
        int64_t ms;
        GLY_CHECK(gly_rfc3339_parse(gly_str_of(good[i].text), &ms));
        GLY_CHECK_INT(ms, good[i].ms);
    }
    for (size_t i = 0; i < GLY_ARRAY_LEN(bad); i++) {
        int64_t ms;
        bool is_read = gly_rfc3339_parse(gly_str_of(bad[i]), &ms);
        if (is_read) {
            fprintf(stderr, "'%s' is read\n", bad[i]);
        }
        GLY_CHECK(!is_read);
    }
    GLY_CHECK_TEXT(gly_rfc3339_format(arena, INT64_C(1795249800123)), "2026-11-21T08:30:00Z");
    GLY_CHECK_TEXT(gly_rfc3339_format(arena, -1), "1969-12-31T23:59:59Z");
    GLY_CHECK_TEXT(gly_rfc3339_format_micro(arena, INT64_C(1795249800023)),
                   "2026-11-21T08:30:00.023000Z");
    for (int64_t day = -800000; day < 2900000; day += 97) {
        int64_t year;
        int month, in_month;
        gly_rfc3339_date(day, &year, &month, &in_month);
        GLY_CHECK_INT(gly_rfc3339_days(year, month, in_month), day);
    }
    gly_arena_free(arena);
}

GLY_SUITE("schedule", fields_and_defaults, errors_name_the_field, what_is_due,
          the_application_that_is_made, time_stamps)
