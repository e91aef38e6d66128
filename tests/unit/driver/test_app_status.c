/* test_app_status.c - the merge patch of the driver's part of the status. */
#include "driver/application/app_status.h"
#include "tests/support/check.h"

#include <cjson/cJSON.h>

static cJSON *take(gly_app_status *status) {
    gly_builder text = {0};
    cJSON *patch = gly_app_status_take(status, &text) ? cJSON_Parse(text.data) : NULL;
    gly_builder_clear(&text);
    return patch;
}

static const cJSON *at(const cJSON *patch, const char *section, const char *key) {
    const cJSON *object = cJSON_GetObjectItem(cJSON_GetObjectItem(patch, "status"), section);
    return key == NULL ? object : cJSON_GetObjectItem(object, key);
}

static void publish_executors(gly_app_status *status, uint64_t wanted, uint64_t running) {
    gly_event event = {.kind = GLY_EVENT_EXECUTORS};
    event.executors.wanted = wanted;
    event.executors.running = running;
    event.executors.starting = wanted - running;
    gly_app_status_read(status, &event);
}

GLY_TEST(says_what_there_is) {
    gly_app_status *status = gly_app_status_make("a=\"b\"");
    cJSON *patch = take(status);
    GLY_CHECK(patch != NULL); /* the first one is always written */
    GLY_CHECK_TEXT(at(patch, "executors", "selector")->valuestring, "a=\"b\"");
    GLY_CHECK(at(patch, "executors", "admitted") == NULL); /* somebody else's */
    cJSON_Delete(patch);
    GLY_CHECK(take(status) == NULL);
    publish_executors(status, 6, 4);
    patch = take(status);
    GLY_CHECK_INT(at(patch, "executors", "pending")->valuedouble, 2);
    GLY_CHECK_TEXT(at(patch, "display", "executors")->valuestring, "4/6");
    GLY_CHECK_TEXT(at(patch, "display", "tasks")->valuestring, "0/0");
    cJSON_Delete(patch);
    gly_app_status_put_back(status);
    patch = take(status);
    GLY_CHECK(patch != NULL);
    cJSON_Delete(patch);
    gly_app_status_end(status);
    patch = take(status);
    GLY_CHECK_TEXT(at(patch, "display", "executors")->valuestring, "0/6");
    cJSON_Delete(patch);
    gly_builder words = {0};
    gly_app_status_print(status, &words);
    cJSON *numbers = cJSON_Parse(words.data);
    const cJSON *executors = cJSON_GetObjectItem(numbers, "executors");
    GLY_CHECK_INT(cJSON_GetNumberValue(cJSON_GetObjectItem(executors, "wanted")), 6);
    GLY_CHECK(cJSON_GetObjectItem(numbers, "progress") != NULL);
    GLY_CHECK(cJSON_GetObjectItem(numbers, "display") != NULL);
    cJSON_Delete(numbers);
    gly_builder_clear(&words);
    gly_app_status_free(status);
}

GLY_TEST(warnings_are_few_and_short) {
    gly_app_status *status = gly_app_status_make("");
    char *longest = gly_alloc(5000);
    memset(longest, 'x', 4999);
    longest[4999] = '\0';
    for (int i = 0; i < 30; i++) {
        char reason[16];
        snprintf(reason, sizeof reason, "Reason%d", i);
        gly_app_status_warn(status, reason, longest, 1000);
    }
    gly_app_status_warn(status, "Reason25", "again \"quoted\"\n", 1763737200000);
    cJSON *patch = take(status);
    const cJSON *warnings = at(patch, "warnings", NULL);
    GLY_CHECK_INT(cJSON_GetArraySize(warnings), GLY_APP_STATUS_WARNINGS);
    const cJSON *last = cJSON_GetArrayItem(warnings, GLY_APP_STATUS_WARNINGS - 1);
    GLY_CHECK_TEXT(cJSON_GetObjectItem(last, "reason")->valuestring, "Reason25");
    GLY_CHECK_TEXT(cJSON_GetObjectItem(last, "message")->valuestring, "again \"quoted\"\n");
    GLY_CHECK_TEXT(cJSON_GetObjectItem(last, "time")->valuestring, "2025-11-21T15:00:00Z");
    const cJSON *first = cJSON_GetArrayItem(warnings, 0);
    GLY_CHECK_INT(strlen(cJSON_GetObjectItem(first, "message")->valuestring), 1024);
    cJSON_Delete(patch);
    free(longest);
    gly_app_status_free(status);
}

GLY_TEST(events_of_the_driver_become_warnings) {
    gly_app_status *status = gly_app_status_make("");
    gly_event event = {.kind = GLY_EVENT_WARNING, .time_ms = 5000};
    event.warning.reason = GLY_STR("Unschedulable");
    event.warning.message = GLY_STR("0/3 nodes are available");
    gly_app_status_read(status, &event);
    cJSON *patch = take(status);
    const cJSON *first = cJSON_GetArrayItem(at(patch, "warnings", NULL), 0);
    GLY_CHECK_TEXT(cJSON_GetObjectItem(first, "reason")->valuestring, "Unschedulable");
    cJSON_Delete(patch);
    gly_app_status_free(status);
}

GLY_SUITE("app_status", says_what_there_is, warnings_are_few_and_short,
          events_of_the_driver_become_warnings)
