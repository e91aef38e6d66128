/* test_executor_pod.c - an executor's pod: its command, its disk, its place, and no token. */
#include "k8s/pod/pods.h"
#include "tests/unit/k8s/pod_support.h"

static cJSON *make_pod(gly_arena *arena, cJSON *object, uint32_t attempt, int64_t heartbeat_ms) {
    gly_application app;
    read_application(arena, object, &app);
    return gly_executor_pod_make(&(gly_pods_context){&app, attempt},
                                 &(gly_executor_pod_request){7, "10.0.0.5:4040", heartbeat_ms, 0});
}

/* What follows a flag among the arguments; "(absent)" without the flag. */
static const char *argument(const cJSON *pod, const char *flag) {
    const cJSON *arg;
    cJSON_ArrayForEach(arg, json_at(pod, "spec/containers/0/args")) {
        if (strcmp(arg->valuestring, flag) == 0) {
            return arg->next == NULL ? "" : arg->next->valuestring;
        }
    }
    return "(absent)";
}

GLY_TEST(the_command_line) {
    gly_arena *arena = gly_arena_make();
    cJSON *object = application_of(
        "{'sql': 'x', 'executor': {'cores': 4, 'memory': '2Gi', 'localDisk': '32Gi'}}");
    cJSON *pod = make_pod(arena, object, 1, 0);
    static const char *const expected[][2] = {
        {"--driver", "10.0.0.5:4040"},
        {"--id", "7"},
        {"--cores", "4"},
        {"--memory", "1867377000"},
        {"--disk", "33285996544"},
        {"--local-dir", "/var/lib/galley"},
        {"--host", "$(GALLEY_POD_IP)"},
        {"--tls-dir", "/var/run/galley/tls"},
        {"--heartbeat-ms", "(absent)"},
    };
    for (size_t i = 0; i < GLY_ARRAY_LEN(expected); i++) {
        GLY_CHECK_TEXT(argument(pod, expected[i][0]), expected[i][1]);
    }
    GLY_CHECK(strcmp(argument(pod, "--bootstrap"), "(absent)") != 0);
    cJSON_Delete(pod);
    pod = make_pod(arena, object, 1, 2500);
    GLY_CHECK_TEXT(argument(pod, "--heartbeat-ms"), "2500");
    cJSON_Delete(pod);
    gly_application app;
    read_application(arena, object, &app);
    pod = gly_executor_pod_make(&(gly_pods_context){&app, 1},
                                &(gly_executor_pod_request){7, "10.0.0.5:4040", 0, 1 << 30});
    GLY_CHECK_TEXT(argument(pod, "--memory"), "933688500"); /* less than the pod has */
    cJSON_Delete(pod);
    cJSON_Delete(object);
    gly_arena_free(arena);
}

GLY_TEST(the_plain_pod) {
    gly_arena *arena = gly_arena_make();
    cJSON *object = application_of(
        "{'sql': 'x', 'executor': {'cores': 4, 'memory': '2Gi', 'localDisk': '32Gi'}}");
    cJSON *pod = make_pod(arena, object, 1, 0);
    static const char *const expected[][2] = {
        {"metadata/name", "shopflow-exec-7"},
        {"metadata/labels/galley.dev~role", "executor"},
        {"metadata/labels/galley.dev~executor-id", "7"},
        {"metadata/labels/spark-exec-id", "7"},
        {"metadata/labels/spark-role", "executor"},
        {"metadata/ownerReferences/0/kind", "GalleyApplication"},
        {"spec/serviceAccountName", "(absent)"},
        {"spec/automountServiceAccountToken", "false"},
        {"spec/restartPolicy", "Never"},
        {"spec/containers/0/name", "galley-executor"},
        {"spec/containers/0/image", "galley-executor:dev"},
        {"spec/containers/0/command", "[\"galley-executor\"]"},
        {"spec/containers/0/resources/requests",
         "{\"memory\":\"2Gi\",\"ephemeral-storage\":\"33024Mi\",\"cpu\":\"4\"}"},
        {"spec/containers/0/resources/limits",
         "{\"memory\":\"2Gi\",\"ephemeral-storage\":\"33024Mi\"}"},
        {"spec/containers/0/env/name=GALLEY_NODE_NAME/valueFrom/fieldRef/fieldPath",
         "spec.nodeName"},
        {"spec/volumes/name=galley-local/emptyDir/sizeLimit", "32Gi"},
        {"spec/volumes/name=galley-tls/secret/secretName", "shopflow-executor-tls"},
        {"spec/topologySpreadConstraints", "[{\"maxSkew\":1,\"topologyKey\":\"kubernetes.io/"
                                           "hostname\",\"whenUnsatisfiable\":\"ScheduleAnyway\","
                                           "\"labelSelector\":{\"matchLabels\":{\"galley.dev/"
                                           "application-uid\":\"uid-1\",\"galley.dev/role\":"
                                           "\"executor\"}}}]"},
        {"spec/containers/0/livenessProbe", "(absent)"},
        {"spec/containers/0/readinessProbe", "(absent)"},
    };
    for (size_t i = 0; i < GLY_ARRAY_LEN(expected); i++) {
        if (strcmp(text_at(pod, expected[i][0]), expected[i][1]) != 0) {
            fprintf(stderr, "at %s\n", expected[i][0]);
        }
        GLY_CHECK_TEXT(text_at(pod, expected[i][0]), expected[i][1]);
    }
    cJSON_Delete(pod);
    cJSON_Delete(object);
    gly_arena_free(arena);
}

GLY_TEST(a_later_attempt) {
    gly_arena *arena = gly_arena_make();
    cJSON *object = application_of("{'sql': 'x'}");
    cJSON *pod = make_pod(arena, object, 2, 0);
    GLY_CHECK_TEXT(text_at(pod, "metadata/name"), "shopflow-exec-2-7");
    GLY_CHECK_TEXT(text_at(pod, "metadata/labels/galley.dev~attempt"), "2");
    cJSON_Delete(pod);
    cJSON_Delete(object);
    gly_arena_free(arena);
}

GLY_TEST(the_grace_period_is_passed_on) {
    static const struct {
        const char *seconds, *grace_ms;
    } cases[] = {{"30", "25000"}, {"120", "106000"}, {"3", "0"}, {"0", "0"}};
    for (size_t i = 0; i < GLY_ARRAY_LEN(cases); i++) {
        gly_arena *arena = gly_arena_make();
        cJSON *object = application_of(gly_arena_format(
            arena,
            "{'sql': 'x', 'executor': {'template': {'spec': {'terminationGracePeriodSeconds': "
            "%s}}}}",
            cases[i].seconds));
        cJSON *pod = make_pod(arena, object, 1, 0);
        GLY_CHECK_TEXT(argument(pod, "--grace-ms"), cases[i].grace_ms);
        cJSON_Delete(pod);
        cJSON_Delete(object);
        gly_arena_free(arena);
    }
}

/* The disk budget stays below the volume's limit, which stays below what is asked of the node. */
GLY_TEST(disk_budgets_leave_room) {
    for (uint64_t disk = UINT64_C(16) << 20; disk < UINT64_C(1) << 44; disk = disk * 3 + 1) {
        uint64_t budget = gly_pod_parts_disk_budget(disk);
        GLY_CHECK(budget < disk - disk / 40 && budget > disk - disk / 30);
    }
}

GLY_TEST(the_template_says_where_and_whether_with_a_token) {
    gly_arena *arena = gly_arena_make();
    cJSON *object = application_of(
        "{'sql': 'x', 'executor': {'template': {'spec': {'topologySpreadConstraints': [], "
        "'serviceAccountName': 's3-reader', 'automountServiceAccountToken': true}}}}");
    cJSON *pod = make_pod(arena, object, 1, 0);
    GLY_CHECK_TEXT(text_at(pod, "spec/topologySpreadConstraints"), "[]");
    GLY_CHECK_TEXT(text_at(pod, "spec/serviceAccountName"), "s3-reader");
    GLY_CHECK_TEXT(text_at(pod, "spec/automountServiceAccountToken"), "true");
    cJSON_Delete(pod);
    cJSON_Delete(object);
    gly_arena_free(arena);
}

GLY_SUITE("executor_pod", the_command_line, the_grace_period_is_passed_on, the_plain_pod,
          a_later_attempt, disk_budgets_leave_room,
          the_template_says_where_and_whether_with_a_token)
