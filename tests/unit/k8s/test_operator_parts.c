/* test_operator_parts.c - the operator's options, memory, Events and metrics. */
#include "k8s/api/json_field.h"
#include "k8s/operator/application_table.h"
#include "k8s/operator/driver_creation.h"
#include "k8s/operator/event_writer.h"
#include "k8s/operator/operator_metrics.h"
#include "k8s/operator/operator_options.h"
#include "tests/support/check.h"

static const char *none(const char *name) {
    (void)name;
    return NULL;
}

static const char *some(const char *name) {
    return strcmp(name, "GALLEY_NAMESPACE") == 0         ? "a, b"
           : strcmp(name, "GALLEY_LEADER_ELECT") == 0    ? "false"
           : strcmp(name, "GALLEY_METRICS_ADDRESS") == 0 ? "off"
           : strcmp(name, "GALLEY_MAX_CONCURRENT") == 0  ? "7"
           : strcmp(name, "GALLEY_HELP") == 0            ? "true" /* no variable of ours */
                                                         : NULL;
}

static gly_status parse(gly_arena *arena, const char *(*get)(const char *), const char **arguments,
                        gly_operator_options *ret, gly_error *err) {
    char *copy[16] = {(char *)"galley-operator"};
    int count = 1;
    while (arguments[count - 1] != NULL) {
        copy[count] = (char *)(uintptr_t)arguments[count - 1];
        count++;
    }
    return gly_operator_options_parse(arena, count, copy, get, ret, err);
}

GLY_TEST(options) {
    gly_arena *arena = gly_arena_make();
    gly_operator_options options;
    gly_error err;
    GLY_CHECK_OK(parse(arena, none, (const char *[]){NULL}, &options, &err), &err);
    GLY_CHECK_INT(options.namespace_count, 0);
    GLY_CHECK(options.leader_elect);
    GLY_CHECK_TEXT(options.metrics_address, "0.0.0.0:8080");
    GLY_CHECK_OK(parse(arena, some, (const char *[]){"--driver-image=x:1", NULL}, &options, &err),
                 &err);
    GLY_CHECK_INT(options.namespace_count, 2);
    GLY_CHECK_TEXT(options.namespaces[1], "b");
    GLY_CHECK(!options.leader_elect && !options.wants_help && options.metrics_address == NULL);
    GLY_CHECK_INT(options.max_concurrent, 7);
    GLY_CHECK_TEXT(options.driver_image, "x:1");
    /* flags stand over variables */
    GLY_CHECK_OK(parse(arena, some,
                       (const char *[]){"--namespace", "c", "--namespace=d", "--leader-elect",
                                        "--max-concurrent", "3", NULL},
                       &options, &err),
                 &err);
    GLY_CHECK_INT(options.namespace_count, 2);
    GLY_CHECK_TEXT(options.namespaces[0], "c");
    GLY_CHECK(options.leader_elect);
    static const char *const bad[][2] = {{"--nonsense", "--nonsense"},
                                         {"namespace", "'namespace'"},
                                         {"--max-concurrent=0", "from 1 to 1000"},
                                         {"--leader-elect=perhaps", "true or false"},
                                         {"--image-pull-policy=Often", "IfNotPresent"},
                                         {"--lease-name", "needs a value"}};
    for (size_t i = 0; i < GLY_ARRAY_LEN(bad); i++) {
        GLY_CHECK(parse(arena, none, (const char *[]){bad[i][0], NULL}, &options, &err) != GLY_OK);
        GLY_CHECK(strstr(err.message, bad[i][1]) != NULL);
    }
    gly_arena_free(arena);
}

static gly_pod_state a_pod(const char *name, uint32_t attempt, gly_pod_phase phase) {
    return (gly_pod_state){.name = name,
                           .uid = name,
                           .node = "",
                           .ip = "",
                           .attempt = attempt,
                           .phase = phase,
                           .termination_message = "",
                           .termination_reason = "",
                           .trouble = "",
                           .sentence = ""};
}

GLY_TEST(the_table_remembers_pods_and_forgets_them) {
    gly_arena *arena = gly_arena_make();
    gly_application_table *table = gly_application_table_make();
    gly_application_record *record = gly_application_table_get(table, "n", "app");
    GLY_CHECK(gly_application_table_get(table, "n", "app") == record);
    GLY_CHECK(gly_application_table_find(table, "m", "app") == NULL);
    record->exists = true;
    gly_application_table_is_uid(record, "uid-1");
    gly_pod_state first = a_pod("app-driver", 1, GLY_POD_RUNNING);
    gly_pod_state second = a_pod("app-driver-2", 2, GLY_POD_PENDING);
    GLY_CHECK(gly_application_table_put_pod(record, "uid-1", &first));
    GLY_CHECK(!gly_application_table_put_pod(record, "uid-1", &first)); /* nothing new */
    GLY_CHECK(gly_application_table_put_pod(record, "uid-1", &second));
    gly_application_stray *strays;
    GLY_CHECK_INT(gly_application_table_strays(arena, record, 2, &strays), 1);
    GLY_CHECK_TEXT(strays[0].pod, "app-driver");
    first.is_deleting = true;
    GLY_CHECK(gly_application_table_put_pod(record, "uid-1", &first));
    GLY_CHECK_INT(gly_application_table_strays(arena, record, 2, &strays), 0);
    GLY_CHECK(gly_application_table_with_pod(table, "n", "app-driver-2") == record);
    /* a new application of that name has nothing to do with the old one's pods */
    gly_application_table_is_uid(record, "uid-2");
    GLY_CHECK_INT(gly_application_table_strays(arena, record, 9, &strays), 0);
    record->exists = false;
    gly_application_table_release(table, record); /* stays: it has pods */
    GLY_CHECK(gly_application_table_find(table, "n", "app") == record);
    gly_application_table_remove_pod(record, "app-driver");
    gly_application_table_remove_pod(record, "app-driver-2");
    gly_application_table_release(table, record);
    GLY_CHECK(gly_application_table_find(table, "n", "app") == NULL);
    gly_application_table_get(table, "n", "other")->exists = true;
    gly_application_table_free(table);
    gly_arena_free(arena);
}

GLY_TEST(warnings_are_told_once_and_their_memory_is_bounded) {
    gly_application_record record = {0};
    for (uint64_t i = 1; i <= 100; i++) {
        GLY_CHECK(!gly_application_table_is_warned(&record, i));
        GLY_CHECK(gly_application_table_is_warned(&record, i));
    }
    GLY_CHECK_INT(record.warned_count, GLY_APPLICATION_WARNINGS_MAX);
}

GLY_TEST(events_have_legal_names_and_sizes) {
    gly_arena *arena = gly_arena_make();
    char name[254], message[5000];
    memset(name, 'a', 253);
    name[199] = '.';
    name[253] = '\0';
    memset(message, 'm', sizeof message - 1);
    message[sizeof message - 1] = '\0';
    gly_event_writer_event event = {.kind = &GLY_K8S_APPLICATIONS,
                                    .namespace_name = "n",
                                    .name = name,
                                    .uid = "u",
                                    .is_warning = true,
                                    .reason = "Unschedulable",
                                    .message = message,
                                    .identity = 1,
                                    .time_ms = 1700000000000};
    cJSON *json = gly_event_writer_make(arena, &event, "galley-operator-x");
    const char *made = gly_json_field_string_or(gly_json_field_get(json, "metadata"), "name", "");
    GLY_CHECK(strlen(made) <= 253 && strlen(made) > 100);
    GLY_CHECK(strstr(made, "..") == NULL);
    GLY_CHECK(strlen(gly_json_field_string_or(json, "message", "")) <= 1024);
    GLY_CHECK_TEXT(gly_json_field_string_or(json, "type", ""), "Warning");
    const cJSON *about = gly_json_field_get(json, "involvedObject");
    GLY_CHECK_TEXT(gly_json_field_string_or(about, "apiVersion", ""), "galley.dev/v1alpha1");
    const char *same = gly_arena_string(arena, made);
    cJSON_Delete(json);
    json = gly_event_writer_make(arena, &event, "another");
    GLY_CHECK_TEXT(gly_json_field_string_or(gly_json_field_get(json, "metadata"), "name", ""),
                   same);
    cJSON_Delete(json);
    event.identity = 2;
    json = gly_event_writer_make(arena, &event, "another");
    GLY_CHECK(strcmp(gly_json_field_string_or(gly_json_field_get(json, "metadata"), "name", ""),
                     same) != 0);
    cJSON_Delete(json);
    gly_arena_free(arena);
}

GLY_TEST(metrics_are_prometheus_text) {
    static gly_operator_metrics metrics;
    gly_operator_metrics_observe(&metrics.submit, 30000);
    gly_operator_metrics_observe(&metrics.submit, 2000000);
    gly_operator_metrics_observe(&metrics.submit, 999000000);
    gly_operator_metrics_add(&metrics.applications[GLY_PHASE_RUNNING], 3);
    gly_operator_metrics_add(&metrics.requests[409], 2);
    gly_builder out = {0};
    gly_operator_metrics_write(&metrics, &out);
    GLY_CHECK(strstr(out.data, "galley_applications{state=\"Running\"} 3\n") != NULL);
    GLY_CHECK(strstr(out.data, "submit_latency_seconds_bucket{le=\"0.025\"} 0\n") != NULL);
    GLY_CHECK(strstr(out.data, "submit_latency_seconds_bucket{le=\"0.05\"} 1\n") != NULL);
    GLY_CHECK(strstr(out.data, "submit_latency_seconds_bucket{le=\"300\"} 2\n") != NULL);
    GLY_CHECK(strstr(out.data, "submit_latency_seconds_bucket{le=\"+Inf\"} 3\n") != NULL);
    GLY_CHECK(strstr(out.data, "submit_latency_seconds_sum 1001.030000\n") != NULL);
    GLY_CHECK(strstr(out.data, "galley_api_requests_total{code=\"409\"} 2\n") != NULL);
    GLY_CHECK(strstr(out.data, "\nprocess_resident_memory_bytes ") != NULL);
    for (char *line = out.data; *line != '\0'; line = strchr(line, '\n') + 1) {
        GLY_CHECK(*line == '#' || *line == 'g' || *line == 'p');
    }
    gly_builder_clear(&out);
}

GLY_TEST(ownership_is_by_uid) {
    cJSON *pod =
        cJSON_Parse("{\"metadata\":{\"ownerReferences\":[{\"uid\":\"x\"},{\"uid\":\"u\"}]}}");
    GLY_CHECK(gly_driver_creation_is_ours(pod, "u"));
    GLY_CHECK(!gly_driver_creation_is_ours(pod, "v"));
    GLY_CHECK(!gly_driver_creation_is_ours(NULL, "u"));
    cJSON_Delete(pod);
}

GLY_SUITE("operator_parts", options, the_table_remembers_pods_and_forgets_them,
          warnings_are_told_once_and_their_memory_is_bounded, events_have_legal_names_and_sizes,
          metrics_are_prometheus_text, ownership_is_by_uid)
