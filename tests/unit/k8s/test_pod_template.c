/* test_pod_template.c - the user's template under our pods: what is kept, what is ours, what
 * hostile ones do. */
#include "k8s/api/names.h"
#include "k8s/pod/pods.h"
#include "tests/unit/k8s/pod_support.h"

static cJSON *executor_with(const char *template) {
    gly_arena *arena = gly_arena_make();
    cJSON *object = application_of("{'sql': 'x', 's3': {'region': 'r'}, 'executor': {'cores': 2}}");
    cJSON_AddItemToObject((cJSON *)json_at(object, "spec/executor"), "template",
                          parse_json(template));
    gly_application app;
    read_application(arena, object, &app);
    cJSON *pod = gly_executor_pod_make(&(gly_pods_context){&app, 1},
                                       &(gly_executor_pod_request){1, "10.0.0.5:4040", 0, 0});
    cJSON_Delete(object);
    gly_arena_free(arena);
    return pod;
}

static void check_all(cJSON *pod, const char *const (*expected)[2], size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(text_at(pod, expected[i][0]), expected[i][1]) != 0) {
            fprintf(stderr, "at %s\n", expected[i][0]);
        }
        GLY_CHECK_TEXT(text_at(pod, expected[i][0]), expected[i][1]);
    }
    cJSON_Delete(pod);
}

GLY_TEST(what_is_the_users_is_kept) {
    cJSON *pod = executor_with(
        "{'metadata': {'labels': {'team': 'shop'}, 'annotations': {'a': 'b'}}, 'spec': {"
        "'nodeSelector': {'disk': 'ssd'}, 'tolerations': [{'operator': 'Exists'}], 'affinity': "
        "{'x': 1},"
        "'imagePullSecrets': [{'name': 'pull'}], 'priorityClassName': 'low', 'schedulerName': "
        "'volcano',"
        "'terminationGracePeriodSeconds': 120, 'enableServiceLinks': true, 'dnsPolicy': 'None',"
        "'initContainers': [{'name': 'init', 'image': 'busybox'}], 'volumes': [{'name': 'cache', "
        "'emptyDir': {}}],"
        "'securityContext': {'fsGroup': 5, 'runAsUser': 6},"
        "'containers': [{'name': 'logs', 'image': 'fluent-bit'}, {'name': 'galley-executor',"
        "'env': [{'name': 'MINE', 'value': '$(GALLEY_POD_IP)'}], 'envFrom': [{'configMapRef': "
        "{'name': 'c'}}],"
        "'volumeMounts': [{'name': 'cache', 'mountPath': '/cache'}], 'imagePullPolicy': 'Always',"
        "'resources': {'limits': {'nvidia.com/gpu': 1}, 'requests': {'hugepages-2Mi': '4Mi'}},"
        "'securityContext': {'readOnlyRootFilesystem': false, 'capabilities': {'add': "
        "['SYS_PTRACE']}},"
        "'lifecycle': {'preStop': {'sleep': {'seconds': 1}}}}]}}");
    static const char *const expected[][2] = {
        {"metadata/labels/team", "shop"},
        {"metadata/annotations/a", "b"},
        {"spec/nodeSelector/disk", "ssd"},
        {"spec/tolerations", "[{\"operator\":\"Exists\"}]"},
        {"spec/affinity/x", "1"},
        {"spec/imagePullSecrets/0/name", "pull"},
        {"spec/priorityClassName", "low"},
        {"spec/schedulerName", "volcano"},
        {"spec/terminationGracePeriodSeconds", "120"},
        {"spec/enableServiceLinks", "true"},
        {"spec/initContainers/0/name", "init"},
        {"spec/volumes/0/name", "cache"},
        {"spec/securityContext/fsGroup", "5"},
        {"spec/securityContext/runAsUser", "6"},
        {"spec/securityContext/runAsNonRoot", "true"},
        {"spec/containers/0/name", "galley-executor"}, /* ours stands first */
        {"spec/containers/1/name", "logs"},
        {"spec/containers/1/image", "fluent-bit"},
        {"spec/containers/2", "(absent)"},
        {"spec/containers/0/env/0/name", "GALLEY_POD_NAME"}, /* ours stand before theirs */
        {"spec/containers/0/env/4/name", "GALLEY_APPLICATION_UID"},
        {"spec/containers/0/env/5/name", "GALLEY_S3_PATH_STYLE"},
        {"spec/containers/0/env/6/name", "AWS_REGION"},
        {"spec/containers/0/env/7/name", "MINE"},
        {"spec/containers/0/env/8", "(absent)"},
        {"spec/containers/0/env/name=MINE/value", "$(GALLEY_POD_IP)"},
        {"spec/containers/0/envFrom/0/configMapRef/name", "c"},
        {"spec/containers/0/volumeMounts/name=cache/mountPath", "/cache"},
        {"spec/containers/0/imagePullPolicy", "Always"},
        {"spec/containers/0/resources/limits/nvidia.com~gpu", "1"},
        {"spec/containers/0/resources/limits/memory", "1Gi"},
        {"spec/containers/0/resources/requests/hugepages-2Mi", "4Mi"},
        {"spec/containers/0/securityContext/readOnlyRootFilesystem", "false"},
        {"spec/containers/0/securityContext/allowPrivilegeEscalation", "false"},
        {"spec/containers/0/securityContext/capabilities",
         "{\"add\":[\"SYS_PTRACE\"],\"drop\":[\"ALL\"]}"},
        {"spec/containers/0/lifecycle/preStop/sleep/seconds", "1"},
    };
    check_all(pod, expected, GLY_ARRAY_LEN(expected));
}

GLY_TEST(what_must_hold_is_ours) {
    cJSON *pod = executor_with(
        "{'metadata': {'name': 'mine', 'namespace': 'kube-system', "
        "'ownerReferences': [], 'finalizers': ['x/y'],"
        "'labels': {'galley.dev/role': 'driver', 'galley.dev/evil': 'x', 'spark-exec-id': '99', "
        "'app.kubernetes.io/name': 'n'}},"
        "'spec': {'restartPolicy': 'Always', 'volumes': [{'name': "
        "'galley-tls', 'hostPath': {'path': '/'}}],"
        "'containers': [{'name': 'galley-executor', 'image': 'evil', "
        "'command': ['sh'], 'args': ['-c', 'x'],"
        "'env': [{'name': 'GALLEY_POD_UID', 'value': '1'}, {'name': "
        "'AWS_REGION', 'value': 'other'}],"
        "'resources': {'requests': {'memory': '1Mi', 'ephemeral-storage': "
        "'1'}, 'limits': {'memory': '1Ti'}},"
        "'volumeMounts': [{'name': 'x', 'mountPath': "
        "'/var/run/galley/tls'}, {'name': 'galley-tls', 'mountPath': '/y'}],"
        "'livenessProbe': {'exec': {}}, 'startupProbe': {'exec': {}}, "
        "'terminationMessagePath': '/x'}]}}");
    static const char *const expected[][2] = {
        {"metadata/name", "shopflow-exec-1"},
        {"metadata/namespace", "shop"},
        {"metadata/finalizers", "(absent)"},
        {"metadata/ownerReferences/0/uid", "uid-1"},
        {"metadata/labels/galley.dev~role", "executor"},
        {"metadata/labels/galley.dev~evil", "(absent)"},
        {"metadata/labels/spark-exec-id", "1"},
        {"metadata/labels/app.kubernetes.io~name", "galley"},
        {"spec/restartPolicy", "Never"},
        {"spec/containers/0/image", "galley-executor:dev"},
        {"spec/containers/0/command", "[\"galley-executor\"]"},
        {"spec/containers/0/args/0", "--driver"},
        {"spec/containers/0/env/name=GALLEY_POD_UID/value", "(absent)"},
        {"spec/containers/0/env/name=GALLEY_POD_UID/valueFrom/fieldRef/fieldPath", "metadata.uid"},
        {"spec/containers/0/env/name=AWS_REGION/value", "r"},
        {"spec/containers/0/resources/requests/memory", "1Gi"},
        {"spec/containers/0/resources/limits/memory", "1Gi"},
        {"spec/containers/0/resources/requests/ephemeral-storage", "10496Mi"},
        {"spec/volumes/name=galley-tls/hostPath", "(absent)"},
        {"spec/volumes/name=galley-tls/secret/secretName", "shopflow-executor-tls"},
        {"spec/containers/0/volumeMounts/mountPath=~var~run~galley~tls/name", "galley-tls"},
        {"spec/containers/0/volumeMounts/mountPath=~y", "(absent)"},
        {"spec/containers/0/livenessProbe", "(absent)"},
        {"spec/containers/0/startupProbe", "(absent)"},
        {"spec/containers/0/terminationMessagePath", "/dev/termination-log"},
    };
    check_all(pod, expected, GLY_ARRAY_LEN(expected));
}

GLY_TEST(which_container_is_ours) {
    static const struct {
        const char *containers, *first_env, *second_name;
    } cases[] = {
        {"[]", "GALLEY_POD_NAME", "(absent)"},
        {"[{'env': [{'name': 'HERE'}]}]", "HERE", "(absent)"},
        {"[{'name': '', 'env': [{'name': 'HERE'}]}]", "HERE", "(absent)"},
        {"[{'name': 'a'}, {'env': [{'name': 'HERE'}]}]", "HERE", "a"},
        {"[{'name': 'a'}, {'name': 'spark-kubernetes-executor', 'env': [{'name': 'HERE'}]}]",
         "HERE", "a"},
        {"[{}, {'name': 'galley-executor', 'env': [{'name': 'HERE'}]}]", "HERE", "(absent)"},
        {"[{'name': 'a', 'env': [{'name': 'HERE'}]}]", "GALLEY_POD_NAME", "a"},
    };
    for (size_t i = 0; i < GLY_ARRAY_LEN(cases); i++) {
        char template[256];
        snprintf(template, sizeof template, "{'spec': {'containers': %s}}", cases[i].containers);
        cJSON *pod = executor_with(template);
        GLY_CHECK_TEXT(text_at(pod, "spec/containers/0/name"), "galley-executor");
        bool is_there = json_at(pod, "spec/containers/0/env/name=HERE") != NULL;
        GLY_CHECK_INT(is_there, strcmp(cases[i].first_env, "HERE") == 0);
        GLY_CHECK_TEXT(text_at(pod, "spec/containers/1/name"), cases[i].second_name);
        cJSON_Delete(pod);
    }
}

GLY_TEST(the_users_cpu_stands) {
    static const struct {
        const char *resources, *request, *limit;
    } cases[] = {
        {"{}", "2", "(absent)"},
        {"{'requests': {'cpu': '250m'}}", "250m", "(absent)"},
        {"{'limits': {'cpu': '4'}}", "2", "4"},
        {"{'limits': {'cpu': '1500m'}}", "1500m", "1500m"},
        {"{'limits': {'cpu': 1}}", "1", "1"},
        {"{'limits': {'cpu': 'x'}}", "2", "x"},
        {"{'limits': {'cpu': 2}, 'requests': {'cpu': 1}}", "1", "2"},
    };
    for (size_t i = 0; i < GLY_ARRAY_LEN(cases); i++) {
        char template[256];
        snprintf(template, sizeof template, "{'spec': {'containers': [{'resources': %s}]}}",
                 cases[i].resources);
        cJSON *pod = executor_with(template);
        GLY_CHECK_TEXT(text_at(pod, "spec/containers/0/resources/requests/cpu"), cases[i].request);
        GLY_CHECK_TEXT(text_at(pod, "spec/containers/0/resources/limits/cpu"), cases[i].limit);
        cJSON_Delete(pod);
    }
}

/* A volume named galley-local, or any other mounted at its place, is the local directory. */
GLY_TEST(the_users_disk_is_the_local_directory) {
    cJSON *named = executor_with(
        "{'spec': {'volumes': [{'name': 'galley-local', 'hostPath': {'path': '/nvme'}}]}}");
    GLY_CHECK_TEXT(text_at(named, "spec/volumes/name=galley-local/hostPath/path"), "/nvme");
    GLY_CHECK_TEXT(text_at(named, "spec/containers/0/volumeMounts/mountPath=~var~lib~galley/name"),
                   "galley-local");
    GLY_CHECK_TEXT(text_at(named, "spec/containers/0/resources/requests/ephemeral-storage"),
                   "256Mi");
    cJSON_Delete(named);
    cJSON *mounted = executor_with("{'spec': {'volumes': [{'name': 'nvme', 'hostPath': {'path': "
                                   "'/nvme'}}], 'containers': [{'volumeMounts': "
                                   "[{'name': 'nvme', 'mountPath': '/var/lib/galley'}, {'name': "
                                   "'nvme', 'mountPath': '/tmp', 'subPath': 't'}]}]}}");
    GLY_CHECK_TEXT(text_at(mounted, "spec/volumes/name=galley-local"), "(absent)");
    GLY_CHECK_TEXT(text_at(mounted, "spec/volumes/name=galley-tmp"), "(absent)");
    GLY_CHECK_TEXT(
        text_at(mounted, "spec/containers/0/volumeMounts/mountPath=~var~lib~galley/name"), "nvme");
    GLY_CHECK_INT(cJSON_GetArraySize(json_at(mounted, "spec/containers/0/volumeMounts")), 3);
    cJSON_Delete(mounted);
}

GLY_TEST(a_privileged_container_is_not_contradicted) {
    cJSON *pod =
        executor_with("{'spec': {'containers': [{'securityContext': {'privileged': true}}]}}");
    GLY_CHECK_TEXT(text_at(pod, "spec/containers/0/securityContext"),
                   "{\"privileged\":true,\"readOnlyRootFilesystem\":true}");
    cJSON_Delete(pod);
}

/* Shapes that reading refuses, straight to the maker: it must still give a pod that is ours. */
GLY_TEST(hostile_templates_do_no_harm) {
    static const char *const templates[] = {
        "[]",
        "7",
        "'x'",
        "{'spec': 7}",
        "{'spec': {'containers': 'x'}}",
        "{'spec': {'containers': [1, null, [], 'x']}}",
        "{'spec': {'containers': {'name': 'galley-executor'}}}",
        "{'metadata': 5}",
        "{'metadata': {'labels': []}}",
        "{'spec': {'volumes': 'x', 'securityContext': 1, 'containers': [{'name': 5, 'env': 1, "
        "'volumeMounts': {}}]}}",
        "{'spec': {'containers': [{'env': [1, {'name': 2}, null], 'resources': 'x', "
        "'securityContext': [] }]}}",
        "{'spec': {'containers': [{'resources': {'requests': 1, 'limits': []}}]}}",
    };
    gly_arena *arena = gly_arena_make();
    for (size_t i = 0; i < GLY_ARRAY_LEN(templates); i++) {
        cJSON *object = application_of("{'sql': 'x'}");
        cJSON *template = parse_json(templates[i]);
        gly_application app;
        read_application(arena, object, &app);
        app.executor.template = template;
        cJSON *pod = gly_executor_pod_make(&(gly_pods_context){&app, 1},
                                           &(gly_executor_pod_request){1, "10.0.0.5:4040", 0, 0});
        GLY_CHECK_TEXT(text_at(pod, "spec/containers/0/name"), GLY_CONTAINER_EXECUTOR);
        GLY_CHECK_TEXT(text_at(pod, "spec/containers/0/command/0"), "galley-executor");
        GLY_CHECK_TEXT(text_at(pod, "spec/containers/0/resources/limits/memory"), "1Gi");
        GLY_CHECK_TEXT(text_at(pod, "metadata/labels/galley.dev~role"), "executor");
        cJSON_Delete(pod);
        cJSON_Delete(template);
        cJSON_Delete(object);
    }
    gly_arena_free(arena);
}

GLY_SUITE("pod_template", what_is_the_users_is_kept, what_must_hold_is_ours,
          which_container_is_ours, the_users_cpu_stands, the_users_disk_is_the_local_directory,
          a_privileged_container_is_not_contradicted, hostile_templates_do_no_harm)
