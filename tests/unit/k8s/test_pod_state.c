/* test_pod_state.c - pods as a real cluster (Kubernetes 1.34) shows them, trouble by trouble. */
#include "k8s/pod/pods.h"
#include "tests/unit/k8s/pod_support.h"

#define TIMES "'startedAt': '2026-11-21T08:00:00Z', 'finishedAt': '2026-11-21T08:00:09Z'"
#define TERMINATED(code, reason, message)                                                          \
    "'containerStatuses': [{'name': 'side', 'state': {'running': {}}}, {'name': "                  \
    "'galley-executor', 'state': "                                                                 \
    "{'terminated': {'exitCode': " #code ", 'reason': '" reason "', 'message': " message           \
    ", " TIMES "}}}]"
#define WAITING(reason, message)                                                                   \
    "'phase': 'Pending', 'containerStatuses': [{'name': 'galley-executor', 'image': "              \
    "'galley-executor:dev', "                                                                      \
    "'state': {'waiting': {'reason': '" reason "', 'message': '" message "'}}}]"
#define RUNNING                                                                                    \
    "'containerStatuses': [{'name': 'galley-executor', 'ready': true, 'state': {'running': "       \
    "{'startedAt': '2026-11-21T08:00:00Z'}}}]"
#define CONDITION(type, status, reason, message)                                                   \
    "'conditions': [{'type': 'Initialized', 'status': 'True'}, {'type': '" type                    \
    "', 'status': '" status "', 'reason': '" reason "', 'message': '" message "'}]"

static cJSON *pod_with(const char *status, bool has_node) {
    char text[8192];
    snprintf(text, sizeof text,
             "{'metadata': {'name': 'shopflow-exec-3', 'uid': 'u3', 'creationTimestamp': "
             "'2026-11-21T07:59:00Z', "
             "'labels': {'galley.dev/executor-id': '3', 'galley.dev/attempt': '2'}}, 'spec': {%s "
             "'containers': ["
             "{'name': 'galley-executor', 'resources': {'limits': {'memory': '2Gi'}}}]}, 'status': "
             "{%s}}",
             has_node ? "'nodeName': 'node-2'," : "", status);
    return parse_json(text);
}

static const struct {
    const char *status;
    gly_pod_phase phase;
    int exit_code;
    const char *trouble, *sentence; /* sentence: all of it, "" for none */
} CASES[] = {
    {"'phase': 'Pending'", GLY_POD_PENDING, -1, "", ""},
    {"", GLY_POD_PENDING, -1, "", ""},
    {WAITING("ContainerCreating", ""), GLY_POD_PENDING, -1, "", ""},
    {WAITING("PodInitializing", ""), GLY_POD_PENDING, -1, "", ""},
    {"'phase': 'Running', " RUNNING, GLY_POD_RUNNING, -1, "", ""},
    {"'phase': 'Succeeded', " TERMINATED(0, "Completed", "''"), GLY_POD_SUCCEEDED, 0, "", ""},
    /* a side car runs on */
    {"'phase': 'Running', " TERMINATED(0, "Completed", "''"), GLY_POD_SUCCEEDED, 0, "", ""},
    {"'phase': 'Running', " TERMINATED(5, "Error", "''"), GLY_POD_FAILED, 5, "Error",
     "pod shopflow-exec-3 on node node-2 ended with exit code 5"},
    {"'phase': 'Failed', " TERMINATED(137, "OOMKilled", "'some log'"), GLY_POD_FAILED, 137,
     "OOMKilled",
     "pod shopflow-exec-3 on node node-2 was killed because it needed more than its limit of 2Gi "
     "of memory "
     "(exit code 137, OOMKilled); give it more with spec.executor.memory"},
    {"'phase': 'Failed', " TERMINATED(137, "Error", "''"), GLY_POD_FAILED, 137, "Error",
     "pod shopflow-exec-3 on node node-2 was ended by signal 9 (SIGKILL, exit code 137)"},
    {"'phase': 'Failed', " TERMINATED(137, "Error", "'registered'"), GLY_POD_FAILED, 137, "Error",
     "pod shopflow-exec-3 on node node-2 was ended by signal 9 (SIGKILL, exit code 137)"},
    {"'phase': 'Failed', " TERMINATED(139, "Error", "'line\\nlast words\\n'"), GLY_POD_FAILED, 139,
     "Error",
     "pod shopflow-exec-3 on node node-2 was ended by signal 11 (SIGSEGV, exit code 139): last "
     "words"},
    {"'phase': 'Failed', " TERMINATED(2, "Error",
                                      "'starting\\ngalley-executor: unknown option --x\\n'"),
     GLY_POD_FAILED, 2, "Error",
     "pod shopflow-exec-3 on node node-2 ended with exit code 2: galley-executor: unknown option "
     "--x"},
    {"'phase': 'Failed', " TERMINATED(128, "StartError",
                                      "'exec: \\\"galley-executor\\\": executable file not found'"),
     GLY_POD_FAILED, 128, "StartError",
     "pod shopflow-exec-3 on node node-2 could not start its container: exec: \"galley-executor\": "
     "executable "
     "file not found"},
    {"'phase': 'Failed', 'reason': 'Evicted', 'message': 'Usage of EmptyDir volume "
     "\\\"galley-local\\\" exceeds the "
     "limit \\\"10Mi\\\". ', " TERMINATED(137, "Error", "''"),
     GLY_POD_FAILED, 137, "Evicted",
     "pod shopflow-exec-3 on node node-2 was evicted: Usage of EmptyDir volume \"galley-local\" "
     "exceeds the limit "
     "\"10Mi\""},
    /* evicted before any container was known */
    {"'phase': 'Failed', 'reason': 'Evicted', 'message': 'The node was low on resource: memory.'",
     GLY_POD_FAILED, -1, "Evicted",
     "pod shopflow-exec-3 on node node-2 was evicted: The node was low on resource: memory"},
    {"'phase': 'Failed', 'reason': 'DeadlineExceeded', 'message': 'm', " TERMINATED(137, "Error",
                                                                                    "''"),
     GLY_POD_FAILED, 137, "DeadlineExceeded",
     "pod shopflow-exec-3 on node node-2 ran for longer than its activeDeadlineSeconds: m"},
    {"'phase': 'Failed', 'reason': 'NodeLost', 'message': 'Node node-2 is gone'", GLY_POD_FAILED,
     -1, "NodeLost",
     "pod shopflow-exec-3 on node node-2 was lost with its node: Node node-2 is gone"},
    {"'phase': 'Failed', 'reason': 'Terminated', 'message': 'Pod was terminated in response to "
     "imminent node "
     "shutdown.'",
     GLY_POD_FAILED, -1, "NodeShutdown",
     "pod shopflow-exec-3 on node node-2 was ended because its node shuts down: Pod was terminated "
     "in response to "
     "imminent node shutdown"},
    {"'phase': 'Failed', 'reason': 'OutOfcpu', 'message': 'Node did not have enough resource: cpu'",
     GLY_POD_FAILED, -1, "OutOfcpu",
     "pod shopflow-exec-3 on node node-2 was refused by its node (OutOfcpu): Node did not have "
     "enough "
     "resource: cpu"},
    /* PodGC after the node was deleted: the container seems to run for ever */
    {"'phase': 'Failed', " RUNNING
     ", " CONDITION("DisruptionTarget", "True", "DeletionByPodGC", "PodGC: node no longer exists"),
     GLY_POD_FAILED, -1, "NodeLost",
     "pod shopflow-exec-3 on node node-2 was lost with its node (DeletionByPodGC): PodGC: node no "
     "longer exists"},
    {"'phase': 'Failed', 'containerStatuses': [], " CONDITION("DisruptionTarget", "True",
                                                              "DeletionByPodGC", ""),
     GLY_POD_FAILED, -1, "NodeLost",
     "pod shopflow-exec-3 on node node-2 was lost with its node (DeletionByPodGC)"},
    {"'phase': 'Failed', " RUNNING, GLY_POD_FAILED, -1, "NodeLost",
     "pod shopflow-exec-3 on node node-2 is gone, and nobody saw its container end"},
    {"'phase': 'Failed'", GLY_POD_FAILED, -1, "Error",
     "pod shopflow-exec-3 on node node-2 failed before its container started"},
    {"'phase': 'Failed', " TERMINATED(137, "ContainerStatusUnknown",
                                      "'The container could not be located'"),
     GLY_POD_FAILED, 137, "NodeLost",
     "pod shopflow-exec-3 on node node-2 was lost with its node, or its node was restarted"},
    {"'phase': 'Failed', " TERMINATED(143, "Error", "''") ", " CONDITION(
         "DisruptionTarget", "True", "EvictionByEvictionAPI", "Eviction API: evicting"),
     GLY_POD_FAILED, 143, "Evicted",
     "pod shopflow-exec-3 on node node-2 was evicted, as when its node is drained "
     "(EvictionByEvictionAPI): Eviction "
     "API: evicting"},
    {"'phase': 'Running', " RUNNING
     ", " CONDITION("DisruptionTarget", "True", "PreemptionByScheduler", "m"),
     GLY_POD_RUNNING, -1, "Preempted",
     "pod shopflow-exec-3 on node node-2 is being preempted by a pod of higher priority "
     "(PreemptionByScheduler): m"},
    {"'phase': 'Running', " RUNNING ", " CONDITION("Ready", "False", "", ""), GLY_POD_RUNNING, -1,
     "NodeLost", "pod shopflow-exec-3 on node node-2 may be lost: the node does not answer"},
    {"'phase': 'Running', " RUNNING
     ", " CONDITION("Ready", "False", "ReadinessGatesNotReady", "a gate"),
     GLY_POD_RUNNING, -1, "", ""},
    {"'phase': 'Running', " RUNNING
     ", " CONDITION("Ready", "False", "ContainersNotReady", "a side car"),
     GLY_POD_RUNNING, -1, "", ""},
    {WAITING("ImagePullBackOff", "Back-off pulling image"), GLY_POD_PENDING, -1, "ImagePullBackOff",
     "pod shopflow-exec-3 on node node-2 cannot start: image 'galley-executor:dev' "
     "(ImagePullBackOff): Back-off "
     "pulling image"},
    {WAITING("ErrImageNeverPull", "not present"), GLY_POD_PENDING, -1, "ImagePullBackOff",
     "pod shopflow-exec-3 on node node-2 cannot start: image 'galley-executor:dev' "
     "(ErrImageNeverPull): not present"},
    {WAITING("CreateContainerConfigError", "secret \\\"keys\\\" not found"), GLY_POD_PENDING, -1,
     "CreateContainerConfigError",
     "pod shopflow-exec-3 on node node-2 cannot start: container 'galley-executor' "
     "(CreateContainerConfigError): "
     "secret \"keys\" not found"},
    {"'phase': 'Pending', 'initContainerStatuses': [{'name': 'fetch', 'image': 'i', 'state': "
     "{'waiting': {'reason': "
     "'ErrImagePull', 'message': 'm'}}}]",
     GLY_POD_PENDING, -1, "ImagePullBackOff",
     "pod shopflow-exec-3 on node node-2 cannot start: image 'i' (ErrImagePull): m"},
    {"'phase': 'Failed', 'initContainerStatuses': [{'name': 'fetch', 'state': {'terminated': "
     "{'exitCode': 4, "
     "'message': 'a\\ncannot fetch\\n'}}}]",
     GLY_POD_FAILED, -1, "InitContainerFailed",
     "pod shopflow-exec-3 on node node-2: its init container 'fetch' ended with exit code 4: "
     "cannot fetch"},
};

GLY_TEST(every_trouble_has_its_word_and_sentence) {
    for (size_t i = 0; i < GLY_ARRAY_LEN(CASES); i++) {
        gly_arena *arena = gly_arena_make();
        cJSON *pod = pod_with(CASES[i].status, true);
        gly_pod_state state;
        gly_pod_state_read(arena, pod, &state);
        if (state.phase != CASES[i].phase || strcmp(state.sentence, CASES[i].sentence) != 0) {
            fprintf(stderr, "%s\n", CASES[i].status);
        }
        GLY_CHECK_INT(state.phase, CASES[i].phase);
        GLY_CHECK_INT(state.exit_code, CASES[i].exit_code);
        GLY_CHECK_TEXT(state.trouble, CASES[i].trouble);
        GLY_CHECK_TEXT(state.sentence, CASES[i].sentence);
        cJSON_Delete(pod);
        gly_arena_free(arena);
    }
}

GLY_TEST(the_scheduler_has_the_word) {
    gly_arena *arena = gly_arena_make();
    gly_pod_state state;
    cJSON *pod =
        pod_with("'phase': 'Pending', " CONDITION("PodScheduled", "False", "Unschedulable",
                                                  "0/3 nodes are available: 3 Insufficient cpu."),
                 false);
    gly_pod_state_read(arena, pod, &state);
    GLY_CHECK_INT(state.phase, GLY_POD_PENDING);
    GLY_CHECK_TEXT(state.trouble, "Unschedulable");
    GLY_CHECK_TEXT(
        state.sentence,
        "no node can take pod shopflow-exec-3: 0/3 nodes are available: 3 Insufficient cpu");
    GLY_CHECK_TEXT(state.node, "");
    cJSON_Delete(pod);
    pod = pod_with(
        "'phase': 'Pending', " CONDITION("PodScheduled", "False", "SchedulingGated", "m"), false);
    gly_pod_state_read(arena, pod, &state);
    GLY_CHECK_TEXT(state.trouble, "SchedulingGated");
    cJSON_Delete(pod);
    gly_arena_free(arena);
}

GLY_TEST(facts_are_read) {
    gly_arena *arena = gly_arena_make();
    gly_pod_state state;
    cJSON *pod = pod_with("'phase': 'Running', 'podIP': '10.1.2.3', " RUNNING, true);
    cJSON_AddStringToObject(cJSON_GetObjectItem(pod, "metadata"), "deletionTimestamp", "x");
    gly_pod_state_read(arena, pod, &state);
    GLY_CHECK_TEXT(state.name, "shopflow-exec-3");
    GLY_CHECK_TEXT(state.uid, "u3");
    GLY_CHECK_TEXT(state.node, "node-2");
    GLY_CHECK_TEXT(state.ip, "10.1.2.3");
    GLY_CHECK_INT(state.attempt, 2);
    GLY_CHECK_INT(state.executor_id, 3);
    GLY_CHECK(state.is_deleting && !state.is_ours && !state.was_oom_killed);
    GLY_CHECK_INT(state.created_ms, INT64_C(1795247940000));
    GLY_CHECK_INT(state.started_ms, INT64_C(1795248000000));
    cJSON_Delete(pod);
    gly_arena_free(arena);
}

GLY_TEST(a_node_is_lost_also_while_the_pod_is_deleted) {
    static const char *const disruptions[] = {"",
                                              ", {'type': 'DisruptionTarget', 'status': 'True', "
                                              "'reason': 'DeletionByTaintManager'}"};
    for (size_t i = 0; i < GLY_ARRAY_LEN(disruptions); i++) {
        gly_arena *arena = gly_arena_make();
        gly_pod_state state;
        char status[1024];
        snprintf(status, sizeof status,
                 "'phase': 'Running', " RUNNING
                 ", 'conditions': [{'type': 'Ready', 'status': 'False'}%s]",
                 disruptions[i]);
        cJSON *pod = pod_with(status, true);
        cJSON_AddStringToObject(cJSON_GetObjectItem(pod, "metadata"), "deletionTimestamp", "x");
        gly_pod_state_read(arena, pod, &state);
        GLY_CHECK_INT(state.phase, GLY_POD_RUNNING);
        GLY_CHECK_TEXT(state.trouble, "NodeLost");
        GLY_CHECK(state.is_deleting);
        cJSON_Delete(pod);
        gly_arena_free(arena);
    }
}

GLY_TEST(last_words_of_our_programs) {
    gly_arena *arena = gly_arena_make();
    gly_pod_state state;
    cJSON *pod = pod_with(
        "'phase': 'Failed', " TERMINATED(3, "Error",
                                         "'{\\\"reason\\\": \\\"NoExecutors\\\", "
                                         "\\\"message\\\": \\\"no executor came within 60 s\\\"}'"),
        true);
    gly_pod_state_read(arena, pod, &state);
    GLY_CHECK_TEXT(state.termination_reason, "NoExecutors");
    GLY_CHECK_TEXT(state.termination_message, "no executor came within 60 s");
    GLY_CHECK_TEXT(
        state.sentence,
        "pod shopflow-exec-3 on node node-2 ended with exit code 3: no executor came within 60 s");
    cJSON_Delete(pod);
    pod = pod_with(
        "'phase': 'Failed', " TERMINATED(3, "Error", "'{\\\"reason\\\": 5, \\\"message'"), true);
    gly_pod_state_read(arena, pod, &state); /* cut off by the kubelet at 4 KiB */
    GLY_CHECK_TEXT(state.termination_reason, "");
    GLY_CHECK_TEXT(state.termination_message, "{\"reason\": 5, \"message");
    cJSON_Delete(pod);
    gly_arena_free(arena);
}

GLY_TEST(a_driver_is_told_to_give_the_driver_more) {
    gly_arena *arena = gly_arena_make();
    gly_pod_state state;
    cJSON *pod = parse_json(
        "{'metadata': {'name': 'a-driver'}, 'status': {'phase': 'Failed', 'containerStatuses': [{"
        "'name': 'galley-driver', 'state': {'terminated': {'exitCode': 137, 'reason': "
        "'OOMKilled'}}}]}}");
    gly_pod_state_read(arena, pod, &state);
    GLY_CHECK_TEXT(
        state.sentence,
        "pod a-driver was killed because it needed more memory than its node has (exit code "
        "137, OOMKilled); give it more with spec.driver.memory");
    cJSON_Delete(pod);
    gly_arena_free(arena);
}

GLY_TEST(long_texts_are_shortened_and_kept_on_a_line) {
    gly_arena *arena = gly_arena_make();
    gly_pod_state state;
    cJSON *pod = pod_with("'phase': 'Failed', 'reason': 'Evicted'", true);
    char message[4000];
    memset(message, 'a', sizeof message);
    for (size_t i = 1; i + 2 < sizeof message; i += 2) {
        memcpy(message + i, "\xc3\xbc", 2);
    }
    message[20] = message[21] = '\n';
    message[sizeof message - 1] = '\0';
    cJSON_AddStringToObject(cJSON_GetObjectItem(pod, "status"), "message", message);
    gly_pod_state_read(arena, pod, &state);
    size_t size = strlen(state.sentence);
    GLY_CHECK(size > 600 && size < 700);
    GLY_CHECK(strchr(state.sentence, '\n') == NULL);
    GLY_CHECK_TEXT(state.sentence + size - 5, "\xc3\xbc...");
    cJSON_Delete(pod);
    gly_arena_free(arena);
}

GLY_TEST(odd_shapes_do_no_harm) {
    static const char *const texts[] = {
        "{}",
        "[]",
        "1",
        "{'metadata': 1, 'spec': 2, 'status': 3}",
        "{'status': {'containerStatuses': {}}}",
        "{'status': {'containerStatuses': [1, {'name': 'galley-driver', 'state': 5}]}}",
        "{'status': {'containerStatuses': [{'name': 'galley-driver', 'state': {'terminated': "
        "{}}}]}}",
        "{'status': {'phase': 'Failed', 'conditions': [1, {'type': 2}], 'reason': 5, 'message': "
        "[]}}",
        "{'metadata': {'labels': {'galley.dev/attempt': '99999999999', 'galley.dev/executor-id': "
        "'x'}}}",
    };
    gly_arena *arena = gly_arena_make();
    for (size_t i = 0; i < GLY_ARRAY_LEN(texts); i++) {
        cJSON *pod = parse_json(texts[i]);
        gly_pod_state state;
        gly_pod_state_read(arena, pod, &state);
        GLY_CHECK(state.name != NULL && state.sentence != NULL && state.attempt == 0 &&
                  state.executor_id == 0);
        cJSON_Delete(pod);
    }
    gly_arena_free(arena);
}

GLY_SUITE("pod_state", every_trouble_has_its_word_and_sentence, the_scheduler_has_the_word,
          facts_are_read, a_node_is_lost_also_while_the_pod_is_deleted, last_words_of_our_programs,
          a_driver_is_told_to_give_the_driver_more, long_texts_are_shortened_and_kept_on_a_line,
          odd_shapes_do_no_harm)
