/* test_driver_pod.c - the driver's pod: what is in it in the plain case, and what a specification
 * adds. */
#include "k8s/pod/pods.h"
#include "tests/unit/k8s/pod_support.h"

static cJSON *make_pod(gly_arena *arena, cJSON *object, uint32_t attempt) {
    gly_application app;
    read_application(arena, object, &app);
    return gly_driver_pod_make(&(gly_pods_context){&app, attempt});
}

GLY_TEST(the_plain_pod) {
    gly_arena *arena = gly_arena_make();
    cJSON *object = application_of("{'sql': 'SELECT 1', 'image': {'pullPolicy': 'IfNotPresent'}}");
    cJSON *pod = make_pod(arena, object, 1);
    static const char *const expected[][2] = {
        {"apiVersion", "v1"},
        {"kind", "Pod"},
        {"metadata/name", "shopflow-driver"},
        {"metadata/namespace", "shop"},
        {"metadata/labels/app.kubernetes.io~name", "galley"},
        {"metadata/labels/app.kubernetes.io~instance", "shopflow"},
        {"metadata/labels/app.kubernetes.io~component", "driver"},
        {"metadata/labels/app.kubernetes.io~managed-by", "galley"},
        {"metadata/labels/galley.dev~application", "shopflow"},
        {"metadata/labels/galley.dev~application-uid", "uid-1"},
        {"metadata/labels/galley.dev~role", "driver"},
        {"metadata/labels/galley.dev~attempt", "1"},
        {"metadata/labels/galley.dev~executor-id", "(absent)"},
        {"metadata/labels/spark-role", "driver"},
        {"metadata/labels/spark-app-selector", "uid-1"},
        {"metadata/ownerReferences",
         "[{\"apiVersion\":\"galley.dev/"
         "v1alpha1\",\"kind\":\"GalleyApplication\",\"name\":\"shopflow\","
         "\"uid\":\"uid-1\",\"controller\":true,\"blockOwnerDeletion\":false}]"},
        {"spec/serviceAccountName", "galley-driver"},
        {"spec/automountServiceAccountToken", "true"},
        {"spec/restartPolicy", "Never"},
        {"spec/enableServiceLinks", "false"},
        {"spec/terminationGracePeriodSeconds", "30"},
        {"spec/securityContext",
         "{\"seccompProfile\":{\"type\":\"RuntimeDefault\"},\"runAsNonRoot\":true}"},
        {"spec/topologySpreadConstraints", "(absent)"},
        {"spec/containers/1", "(absent)"},
        {"spec/containers/0/name", "galley-driver"},
        {"spec/containers/0/image", "galley-driver:dev"},
        {"spec/containers/0/imagePullPolicy", "IfNotPresent"},
        {"spec/containers/0/command", "[\"galley-driver\"]"},
        {"spec/containers/0/args",
         "[\"--application\",\"shopflow\",\"--namespace\",\"shop\",\"--attempt\",\"1\"]"},
        {"spec/containers/0/resources/requests",
         "{\"memory\":\"512Mi\",\"ephemeral-storage\":\"1280Mi\",\"cpu\":\"1\"}"},
        {"spec/containers/0/resources/limits",
         "{\"memory\":\"512Mi\",\"ephemeral-storage\":\"1280Mi\"}"},
        {"spec/containers/0/securityContext",
         "{\"readOnlyRootFilesystem\":true,\"allowPrivilegeEscalation\":false,\"capabilities\":{"
         "\"drop\":[\"ALL\"]}}"},
        {"spec/containers/0/env/name=GALLEY_POD_NAME/valueFrom/fieldRef/fieldPath",
         "metadata.name"},
        {"spec/containers/0/env/name=GALLEY_POD_UID/valueFrom/fieldRef/fieldPath", "metadata.uid"},
        {"spec/containers/0/env/name=GALLEY_POD_IP/valueFrom/fieldRef/fieldPath", "status.podIP"},
        {"spec/containers/0/env/name=GALLEY_APPLICATION_UID/value", "uid-1"},
        {"spec/containers/0/env/name=AWS_REGION", "(absent)"},
        {"spec/containers/0/envFrom", "(absent)"},
        {"spec/containers/0/volumeMounts/mountPath=~var~lib~galley/name", "galley-local"},
        {"spec/containers/0/volumeMounts/mountPath=~tmp/name", "galley-tmp"},
        {"spec/containers/0/volumeMounts/mountPath=~var~run~galley~tls/name", "galley-tls"},
        {"spec/containers/0/volumeMounts/mountPath=~var~run~galley~tls/readOnly", "true"},
        {"spec/containers/0/volumeMounts/mountPath=~etc~galley~job", "(absent)"},
        {"spec/volumes/name=galley-local/emptyDir/sizeLimit", "1Gi"},
        {"spec/volumes/name=galley-tmp/emptyDir/sizeLimit", "128Mi"},
        {"spec/volumes/name=galley-tls/secret/secretName", "shopflow-driver-tls"},
        {"spec/containers/0/livenessProbe", "(absent)"},
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

GLY_TEST(a_later_attempt_is_another_pod) {
    gly_arena *arena = gly_arena_make();
    cJSON *object = application_of("{'sql': 'SELECT 1'}");
    cJSON *pod = make_pod(arena, object, 3);
    GLY_CHECK_TEXT(text_at(pod, "metadata/name"), "shopflow-driver-3");
    GLY_CHECK_TEXT(text_at(pod, "metadata/labels/galley.dev~attempt"), "3");
    GLY_CHECK_TEXT(text_at(pod, "spec/containers/0/args/5"), "3");
    GLY_CHECK_TEXT(text_at(pod, "spec/volumes/name=galley-tls/secret/secretName"),
                   "shopflow-driver-tls");
    cJSON_Delete(pod);
    cJSON_Delete(object);
    gly_arena_free(arena);
}

GLY_TEST(the_config_map_is_mounted_and_may_be_missing) {
    gly_arena *arena = gly_arena_make();
    cJSON *object = application_of("{'configMap': {'name': 'jobs', 'key': 'a.sql'}}");
    cJSON *pod = make_pod(arena, object, 1);
    GLY_CHECK_TEXT(text_at(pod, "spec/containers/0/volumeMounts/mountPath=~etc~galley~job/name"),
                   "galley-job");
    GLY_CHECK_TEXT(
        text_at(pod, "spec/volumes/name=galley-job/configMap"),
        "{\"name\":\"jobs\",\"optional\":true,\"items\":[{\"key\":\"a.sql\",\"path\":\"a.sql\"}]}");
    cJSON_Delete(pod);
    cJSON_Delete(object);
    gly_arena_free(arena);
}

GLY_TEST(s3_becomes_environment) {
    gly_arena *arena = gly_arena_make();
    cJSON *object = application_of("{'sql': 'x', 's3': {'endpoint': 'http://h:9000', 'region': "
                                   "'r', 'credentialsSecret': 'keys'}}");
    cJSON *pod = make_pod(arena, object, 1);
    GLY_CHECK_TEXT(text_at(pod, "spec/containers/0/env/name=AWS_ENDPOINT_URL/value"),
                   "http://h:9000");
    GLY_CHECK_TEXT(text_at(pod, "spec/containers/0/env/name=AWS_REGION/value"), "r");
    GLY_CHECK_TEXT(text_at(pod, "spec/containers/0/env/name=GALLEY_S3_PATH_STYLE/value"), "true");
    GLY_CHECK_TEXT(text_at(pod, "spec/containers/0/envFrom"),
                   "[{\"secretRef\":{\"name\":\"keys\"}}]");
    cJSON_Delete(pod);
    cJSON_Delete(object);
    gly_arena_free(arena);
}

GLY_TEST(the_longest_name_fits) {
    gly_arena *arena = gly_arena_make();
    char name[254];
    memset(name, 'n', 253);
    name[253] = '\0';
    cJSON *object = application_of("{'sql': 'x'}");
    cJSON_ReplaceItemInObject(cJSON_GetObjectItem(object, "metadata"), "name",
                              cJSON_CreateString(name));
    cJSON *pod = make_pod(arena, object, 1);
    GLY_CHECK(strlen(text_at(pod, "metadata/name")) <= 63);
    GLY_CHECK(strlen(text_at(pod, "metadata/labels/galley.dev~application")) <= 63);
    GLY_CHECK(strlen(text_at(pod, "spec/volumes/name=galley-tls/secret/secretName")) <= 63);
    GLY_CHECK_TEXT(text_at(pod, "metadata/ownerReferences/0/name"), name);
    GLY_CHECK_TEXT(text_at(pod, "spec/containers/0/args/1"), name);
    cJSON_Delete(pod);
    cJSON_Delete(object);
    gly_arena_free(arena);
}

GLY_SUITE("driver_pod", the_plain_pod, a_later_attempt_is_another_pod,
          the_config_map_is_mounted_and_may_be_missing, s3_becomes_environment,
          the_longest_name_fits)
