/* fuzz_application.c - any JSON as an application, a schedule, a pod template, a pod, a Secret.
 *
 * What is read is used: pods are made of it and printed, and must be ours whatever the template
 * says.
 */
#include "k8s/api/json_field.h"
#include "k8s/api/names.h"
#include "k8s/api/schedule.h"
#include "k8s/pod/pods.h"
#include "k8s/pod/tls_secret.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_pod(cJSON *pod, const char *container_name) {
    const cJSON *container =
        cJSON_GetArrayItem(gly_json_field_find(pod, "spec", "containers", NULL), 0);
    const cJSON *args = gly_json_field_get(container, "args");
    const cJSON *limits = gly_json_field_find(container, "resources", "limits", NULL);
    if (strcmp(gly_json_field_string_or(container, "name", ""), container_name) != 0 ||
        cJSON_GetArraySize(args) < 6 || gly_json_field_get(limits, "memory") == NULL) {
        __builtin_trap();
    }
    cJSON_free(cJSON_PrintUnformatted(pod));
    cJSON_Delete(pod);
}

static void make_pods(const gly_application *application) {
    gly_pods_context context = {application, 2};
    gly_executor_pod_request request = {5, "10.0.0.1:4040", 1000, 1 << 28};
    check_pod(gly_driver_pod_make(&context), GLY_CONTAINER_DRIVER);
    check_pod(gly_executor_pod_make(&context, &request), GLY_CONTAINER_EXECUTOR);
    cJSON_Delete(gly_tls_secret_executor(application, "a", "b", "c"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const gly_application_defaults defaults = {"d", "e", NULL, "s"};
    cJSON *json = cJSON_ParseWithLength((const char *)data, size);
    if (json == NULL) {
        return 0;
    }
    gly_arena *arena = gly_arena_make();
    gly_application application;
    gly_schedule schedule;
    gly_pod_state state;
    gly_error err = {0};
    if (gly_application_read(arena, json, &defaults, &application, &err) == GLY_OK) {
        make_pods(&application);
    } else if (err.message[0] == '\0') {
        __builtin_trap();
    }
    application =
        (gly_application){.name = "a", .namespace_name = "n", .uid = "u", .service_account = "s"};
    application.driver = (gly_application_role){"d", NULL, 1, 1 << 30, 1 << 30, json};
    application.executor = application.driver;
    make_pods(&application); /* json as the template, unread */
    if (gly_schedule_read(arena, json, NULL, &schedule, &err) == GLY_OK) {
        gly_schedule_due due = gly_schedule_look(&schedule, INT64_C(1795249800000));
        if (due.due_ms >= 0) {
            cJSON_Delete(gly_schedule_application(&schedule, due.due_ms));
        }
    }
    gly_pod_state_read(arena, json, &state);
    if (strchr(state.sentence, '\n') != NULL ||
        (state.trouble[0] == '\0') != (state.sentence[0] == '\0')) {
        __builtin_trap();
    }
    (void)gly_tls_secret_text(arena, json, "ca.crt");
    gly_arena_free(arena);
    cJSON_Delete(json);
    return 0;
}
