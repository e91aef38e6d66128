/* test_event.c - the JSON of events, and the bus. */
#include "driver/event/event_bus.h"
#include "driver/event/event_log.h"
#include "driver/scheduler/scheduler.h"
#include "lib/base/clock.h"
#include "tests/support/check.h"

#include <sys/stat.h>
#include <unistd.h>

GLY_TEST(events_are_json_objects) {
    uint64_t numbers[GLY_TASK_NUMBER_COUNT] = {
        [GLY_TASK_NUMBER_RUN_NS] = 5, [GLY_TASK_NUMBER_SPILL_BYTES] = UINT64_MAX};
    gly_event event = {.kind = GLY_EVENT_TASK_END, .time_ms = 1700000000123};
    event.task_end.task_id = 7;
    event.task_end.end = GLY_TASK_END_FAILED;
    event.task_end.error = GLY_STR("it said \"no\"\n");
    event.task_end.numbers = numbers;
    gly_builder out = {0};
    gly_event_write_json(&event, &out);
    GLY_CHECK_TEXT(out.data,
                   "{\"event\":\"TaskEnd\",\"time\":1700000000123,\"taskId\":7,\"jobId\":0,"
                   "\"stageId\":0,\"stageAttempt\":0,\"partition\":0,\"attempt\":0,"
                   "\"executorId\":0,\"end\":\"FAILED\",\"accepted\":false,"
                   "\"speculative\":false,\"durationMs\":0,\"error\":\"it said \\\"no\\\"\\n\","
                   "\"metrics\":{\"runNs\":5,\"spillBytes\":18446744073709551615}}");
    gly_builder_reset(&out);
    event = (gly_event){.kind = GLY_EVENT_TASK_START};
    event.task_start.locality = GLY_LOCALITY_RACK;
    gly_event_write_json(&event, &out);
    GLY_CHECK(strstr(out.data, "\"locality\":\"RACK_LOCAL\"") != NULL);
    gly_builder_clear(&out);
}

GLY_TEST(code_names_are_those_of_the_enums) {
    gly_builder out = {0};
    for (int i = 0; i < GLY_LOCALITY_COUNT; i++) {
        gly_event event = {.kind = GLY_EVENT_TASK_START};
        event.task_start.locality = (uint32_t)i;
        gly_builder_reset(&out);
        gly_event_write_json(&event, &out);
        GLY_CHECK(strstr(out.data, gly_scheduler_locality_name((gly_locality)i)) != NULL);
    }
    for (int i = 0; i < GLY_EVENT_COUNT; i++) { /* every kind, with nothing in it */
        gly_event event = {.kind = (gly_event_kind)i};
        gly_builder_reset(&out);
        gly_event_write_json(&event, &out);
        GLY_CHECK(out.data[0] == '{' && out.data[out.size - 1] == '}');
        GLY_CHECK(strstr(out.data, gly_event_name((gly_event_kind)i)) != NULL);
    }
    gly_builder_clear(&out);
}

static void count_up(void *context, const gly_event *event) {
    *(uint64_t *)context = *(uint64_t *)context * 10 + event->kind;
}
static void double_up(void *context, const gly_event *event) {
    (void)event;
    *(uint64_t *)context *= 2;
}

GLY_TEST(readers_are_called_in_order) {
    gly_event_bus *bus = gly_event_bus_make();
    uint64_t value = 1;
    gly_event_bus_subscribe(bus, count_up, &value);
    gly_event_bus_subscribe(bus, double_up, &value);
    gly_event event = {.kind = GLY_EVENT_APPLICATION_END};
    gly_event_bus_publish(bus, &event);
    GLY_CHECK_INT(value, 22);
    gly_event_bus_unsubscribe(bus, count_up, &value);
    gly_event_bus_unsubscribe(bus, count_up, NULL); /* never subscribed */
    gly_event_bus_publish(bus, &event);
    GLY_CHECK_INT(value, 44);
    GLY_CHECK_INT(gly_event_bus_count(bus, GLY_EVENT_APPLICATION_END), 2);
    gly_event_bus_publish(NULL, &event);
    gly_event_bus_free(bus);
    gly_event_bus_free(NULL);
}

static char directory[] = "/tmp/galley-event-log-XXXXXX";

static size_t read_whole(const char *path, char *buffer, size_t size) {
    FILE *file = fopen(path, "rb");
    size_t n = file == NULL ? 0 : fread(buffer, 1, size - 1, file);
    buffer[n] = '\0';
    if (file != NULL) {
        fclose(file);
    }
    return n;
}

GLY_TEST(the_log_is_renamed_when_complete) {
    gly_error err = {0};
    GLY_ASSERT(mkdtemp(directory) != NULL);
    gly_event_log *log = NULL;
    GLY_CHECK_OK(gly_event_log_open(gly_str_of(directory), GLY_STR("app/1"), &log, &err), &err);
    char running[256], buffer[4096], final[256];
    snprintf(running, sizeof running, "%s", gly_event_log_path(log));
    snprintf(final, sizeof final, "%s/app_1", directory);
    GLY_CHECK(strstr(running, "app_1.inprogress") != NULL);
    gly_event event = {.kind = GLY_EVENT_JOB_END};
    event.job_end.error = GLY_STR("line 1\nline 2");
    gly_event_log_read(log, &event);
    GLY_CHECK(read_whole(running, buffer, sizeof buffer) > 0); /* a job's end is visible at once */
    event.kind = GLY_EVENT_TASK_START;
    gly_event_log_read(log, &event);
    GLY_CHECK_OK(gly_event_log_close(log, &err), &err);
    GLY_CHECK(access(running, F_OK) != 0);
    size_t size = read_whole(final, buffer, sizeof buffer);
    GLY_CHECK(size > 0 && buffer[size - 1] == '\n');
    uint32_t lines = 0;
    for (size_t i = 0; i < size; i++) {
        lines += buffer[i] == '\n';
    }
    GLY_CHECK_INT(lines, 3);
    GLY_CHECK(strncmp(buffer, "{\"event\":\"LogStart\",\"version\":1}\n", 33) == 0);
    unlink(final);
}

GLY_TEST(log_errors_are_reported_once) {
    gly_error err = {0};
    gly_event_log *log = NULL;
    GLY_CHECK(gly_event_log_open(GLY_STR("/nowhere/at/all"), GLY_STR("x"), &log, &err) ==
              GLY_E_PATH_NOT_FOUND);
    GLY_CHECK(strstr(err.message, "/nowhere/at/all/x.inprogress") != NULL);
    GLY_CHECK(gly_event_log_open(gly_str_of(directory), GLY_STR(""), &log, &err) != GLY_OK);
    char path[256];
    snprintf(path, sizeof path, "%s/full.inprogress", directory);
    GLY_ASSERT(symlink("/dev/full", path) == 0);
    GLY_CHECK_OK(gly_event_log_open(gly_str_of(directory), GLY_STR("full"), &log, &err), &err);
    gly_event event = {.kind = GLY_EVENT_JOB_END};
    for (int i = 0; i < 3; i++) {
        gly_event_log_read(log, &event);
    }
    GLY_CHECK(gly_event_log_close(log, &err) == GLY_E_DISK_FULL);
    GLY_CHECK(gly_event_log_close(NULL, &err) == GLY_OK);
    unlink(path);
    rmdir(directory);
}

static void write_json(void *context, const gly_event *event) {
    gly_builder *out = context;
    gly_builder_reset(out);
    gly_event_write_json(event, out);
}

GLY_TEST(events_are_cheap) {
    enum { EVENTS = 100000 };
    gly_event_bus *bus = gly_event_bus_make();
    uint64_t numbers[GLY_TASK_NUMBER_COUNT];
    for (int i = 0; i < GLY_TASK_NUMBER_COUNT; i++) {
        numbers[i] = 123456789;
    }
    gly_event event = {.kind = GLY_EVENT_TASK_END};
    event.task_end.numbers = numbers;
    int64_t start = gly_clock_cpu_ns();
    for (int i = 0; i < EVENTS; i++) {
        gly_event_bus_publish(bus, &event);
    }
    int64_t unread = gly_clock_cpu_ns() - start;
    gly_builder out = {0};
    gly_event_bus_subscribe(bus, write_json, &out);
    start = gly_clock_cpu_ns();
    for (int i = 0; i < EVENTS; i++) {
        gly_event_bus_publish(bus, &event);
    }
    int64_t written = gly_clock_cpu_ns() - start;
    printf("one event: %.3f us unread, %.3f us as JSON\n", (double)unread / EVENTS / 1e3,
           (double)written / EVENTS / 1e3);
    GLY_CHECK(unread / EVENTS < 2000);
    gly_builder_clear(&out);
    gly_event_bus_free(bus);
}

GLY_SUITE("event", events_are_json_objects, code_names_are_those_of_the_enums,
          readers_are_called_in_order, the_log_is_renamed_when_complete,
          log_errors_are_reported_once, events_are_cheap)
