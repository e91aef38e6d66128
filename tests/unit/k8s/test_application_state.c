/* test_application_state.c - each situation of an application's life, and what the operator does.
 */
#include "k8s/operator/application_state.h"
#include "k8s/operator/application_status.h"
#include "tests/support/check.h"

typedef struct scene {
    gly_arena *arena;
    gly_application application;
    gly_application_state state;
    gly_pod_state pod;
    gly_application_state_input in;
    gly_application_state_output out;
} scene;

static void scene_init(scene *s) {
    memset(s, 0, sizeof *s);
    s->arena = gly_arena_make();
    s->application = (gly_application){
        .name = "job", .max_attempts = 3, .backoff_ms = 30000, .ttl_ms = -1, .generation = 1};
    gly_application_state_init(&s->state);
    s->pod = (gly_pod_state){.name = "job-driver",
                             .uid = "u",
                             .node = "node-1",
                             .ip = "",
                             .exit_code = -1,
                             .termination_message = "",
                             .trouble = "",
                             .sentence = ""};
    s->in = (gly_application_state_input){.now_ms = 1000000,
                                          .generation = 1,
                                          .name = "job",
                                          .application = &s->application,
                                          .state = &s->state};
}

static void scene_clear(scene *s) { gly_arena_free(s->arena); }

/* One step; what it wants becomes the state. */
static void step(scene *s) {
    gly_application_state_step(s->arena, &s->in, &s->out);
    s->state = s->out.next;
}

static void with_pod(scene *s, gly_pod_phase phase, int exit_code) {
    s->pod.phase = phase;
    s->pod.exit_code = exit_code;
    s->in.pod = &s->pod;
}

static bool has_effect(const scene *s, gly_application_effect_kind kind) {
    for (uint32_t i = 0; i < s->out.effect_count; i++) {
        if (s->out.effects[i].kind == kind) {
            return true;
        }
    }
    return false;
}

static bool has_event(const scene *s, const char *reason) {
    for (uint32_t i = 0; i < s->out.event_count; i++) {
        if (strcmp(s->out.events[i].reason, reason) == 0) {
            return true;
        }
    }
    return false;
}

static void run_to_running(scene *s) {
    step(s);
    with_pod(s, GLY_POD_RUNNING, -1);
    step(s);
}

GLY_TEST(a_good_life) {
    scene s;
    scene_init(&s);
    step(&s);
    GLY_CHECK_INT(s.state.phase, GLY_PHASE_STARTING);
    GLY_CHECK_INT(s.out.effect_count, 1);
    GLY_CHECK(has_effect(&s, GLY_EFFECT_CREATE_DRIVER) && has_event(&s, "DriverCreated"));
    GLY_CHECK_TEXT(s.state.driver_pod, "job-driver");
    GLY_CHECK_INT(s.state.attempts, 1);
    GLY_CHECK_INT(s.state.history_count, 2); /* Submitted, Starting */
    with_pod(&s, GLY_POD_PENDING, -1);
    step(&s);
    GLY_CHECK_INT(s.out.effect_count, 0);
    with_pod(&s, GLY_POD_RUNNING, -1);
    step(&s);
    GLY_CHECK_INT(s.state.phase, GLY_PHASE_RUNNING);
    GLY_CHECK(s.state.conditions[GLY_CONDITION_READY].is_true);
    step(&s);
    GLY_CHECK_INT(s.out.effect_count + s.out.event_count, 0); /* nothing new */
    with_pod(&s, GLY_POD_SUCCEEDED, 0);
    step(&s);
    GLY_CHECK_INT(s.state.phase, GLY_PHASE_SUCCEEDING);
    step(&s);
    GLY_CHECK_INT(s.state.phase, GLY_PHASE_SUCCEEDED);
    GLY_CHECK(has_effect(&s, GLY_EFFECT_DELETE_EXECUTORS));
    GLY_CHECK(s.state.conditions[GLY_CONDITION_COMPLETE].is_true);
    GLY_CHECK(!s.state.conditions[GLY_CONDITION_PROGRESSING].is_true);
    GLY_CHECK_TEXT(s.state.cause, "");
    step(&s);
    GLY_CHECK_INT(s.out.effect_count, 0);
    GLY_CHECK_INT(s.out.requeue_ms, -1);
    scene_clear(&s);
}

GLY_TEST(never_restarts_by_default) {
    scene s;
    scene_init(&s);
    run_to_running(&s);
    with_pod(&s, GLY_POD_FAILED, 137);
    s.pod.was_oom_killed = true;
    s.pod.trouble = "OOMKilled";
    s.pod.sentence = "driver pod job-driver was killed at its memory limit 512Mi (exit code 137).";
    step(&s);
    GLY_CHECK_INT(s.state.phase, GLY_PHASE_FAILING);
    step(&s);
    GLY_CHECK_INT(s.state.phase, GLY_PHASE_FAILED);
    GLY_CHECK_TEXT(s.state.conditions[GLY_CONDITION_FAILED].reason, "OOMKilled");
    GLY_CHECK_TEXT(s.state.cause,
                   "driver pod job-driver was killed at its memory limit 512Mi (exit code 137)");
    GLY_CHECK(has_event(&s, "Failed"));
    scene_clear(&s);
}

/* What each policy does with each end: restarted or not. */
GLY_TEST(restart_policies) {
    static const struct {
        gly_restart_type type;
        int exit_code;
        const char *trouble;
        bool restarts;
    } cases[] = {
        {GLY_RESTART_NEVER, 3, "", false},
        {GLY_RESTART_ON_FAILURE, 1, "Error", true},
        {GLY_RESTART_ON_FAILURE, 2, "Error", false},
        {GLY_RESTART_ON_FAILURE, -1, "Evicted", true},
        {GLY_RESTART_ON_INFRASTRUCTURE_FAILURE, 1, "Error", false},
        {GLY_RESTART_ON_INFRASTRUCTURE_FAILURE, 2, "Error", false},
        {GLY_RESTART_ON_INFRASTRUCTURE_FAILURE, 3, "Error", true},
        {GLY_RESTART_ON_INFRASTRUCTURE_FAILURE, 143, "Error", true},
        {GLY_RESTART_ON_INFRASTRUCTURE_FAILURE, 137, "Error", true},
        {GLY_RESTART_ON_INFRASTRUCTURE_FAILURE, -1, "Evicted", true},
        {GLY_RESTART_ON_INFRASTRUCTURE_FAILURE, 1, "NodeLost", true},
        {GLY_RESTART_ON_INFRASTRUCTURE_FAILURE, 139, "Error", false},
        {GLY_RESTART_ALWAYS, 0, "", true},
        {GLY_RESTART_ALWAYS, 1, "Error", true},
        {GLY_RESTART_ON_FAILURE, 0, "", false},
    };
    for (size_t i = 0; i < GLY_ARRAY_LEN(cases); i++) {
        scene s;
        scene_init(&s);
        s.application.restart_type = cases[i].type;
        run_to_running(&s);
        with_pod(&s, cases[i].exit_code == 0 ? GLY_POD_SUCCEEDED : GLY_POD_FAILED,
                 cases[i].exit_code);
        s.pod.trouble = cases[i].trouble;
        step(&s);
        bool restarts = s.state.phase == GLY_PHASE_RESTARTING;
        if (restarts != cases[i].restarts) {
            fprintf(stderr, "case %zu\n", i);
        }
        GLY_CHECK_INT(restarts, cases[i].restarts);
        GLY_CHECK(!restarts || has_effect(&s, GLY_EFFECT_DELETE_EXECUTORS));
        scene_clear(&s);
    }
}

GLY_TEST(a_lost_pod_is_an_infrastructure_failure) {
    scene s;
    scene_init(&s);
    s.application.restart_type = GLY_RESTART_ON_INFRASTRUCTURE_FAILURE;
    run_to_running(&s);
    s.in.pod = NULL;
    step(&s);
    GLY_CHECK_INT(s.state.phase, GLY_PHASE_RESTARTING);
    GLY_CHECK(strstr(s.state.cause, "job-driver is gone") != NULL);
    /* so is one that ended before a container started */
    scene_clear(&s);
    scene_init(&s);
    s.application.restart_type = GLY_RESTART_ON_INFRASTRUCTURE_FAILURE;
    step(&s);
    with_pod(&s, GLY_POD_FAILED, -1);
    step(&s);
    GLY_CHECK_INT(s.state.phase, GLY_PHASE_RESTARTING);
    GLY_CHECK(s.state.cause[0] != '\0');
    scene_clear(&s);
}

GLY_TEST(attempts_are_counted_and_delays_double) {
    scene s;
    scene_init(&s);
    s.application.restart_type = GLY_RESTART_ON_FAILURE;
    run_to_running(&s);
    with_pod(&s, GLY_POD_FAILED, 1);
    step(&s);
    GLY_CHECK_INT(s.out.requeue_ms, 30000);
    s.in.pod = NULL;
    s.in.now_ms += 29000;
    step(&s);
    GLY_CHECK_INT(s.state.phase, GLY_PHASE_RESTARTING);
    GLY_CHECK_INT(s.out.requeue_ms, 1000);
    s.in.now_ms += 1000;
    step(&s);
    GLY_CHECK_INT(s.state.phase, GLY_PHASE_STARTING);
    GLY_CHECK_TEXT(s.state.driver_pod, "job-driver-2");
    with_pod(&s, GLY_POD_FAILED, 1);
    step(&s);
    GLY_CHECK_INT(s.out.requeue_ms, 60000);
    s.in.now_ms += 60000;
    s.in.pod = NULL;
    step(&s);
    GLY_CHECK_INT(s.state.attempts, 3);
    with_pod(&s, GLY_POD_FAILED, 1);
    step(&s);
    GLY_CHECK_INT(s.state.phase, GLY_PHASE_FAILING);
    GLY_CHECK_INT(gly_application_state_backoff_ms(30000, 100), 600000);
    GLY_CHECK_INT(gly_application_state_backoff_ms(3600000, 5), 3600000);
    GLY_CHECK_INT(gly_application_state_backoff_ms(0, 50), 0);
    scene_clear(&s);
}

GLY_TEST(pending_is_shown_not_failed) {
    scene s;
    scene_init(&s);
    step(&s);
    with_pod(&s, GLY_POD_PENDING, -1);
    s.pod.trouble = "Unschedulable";
    s.pod.sentence = "driver pod job-driver cannot be scheduled: 0/3 nodes are available.";
    step(&s);
    GLY_CHECK_INT(s.state.phase, GLY_PHASE_STARTING);
    GLY_CHECK(has_event(&s, "Unschedulable"));
    GLY_CHECK_TEXT(s.state.conditions[GLY_CONDITION_READY].reason, "Unschedulable");
    GLY_CHECK(strstr(s.state.cause, "0/3 nodes") != NULL);
    step(&s);
    GLY_CHECK_INT(s.out.event_count, 0); /* once */
    s.pod.trouble = s.pod.sentence = "";
    s.in.pod_warning_reason = "FailedMount";
    s.in.pod_warning = "configmap \"x\" not found";
    step(&s);
    GLY_CHECK(has_event(&s, "FailedMount"));
    GLY_CHECK_TEXT(s.state.cause, "driver pod job-driver cannot start: configmap \"x\" not found");
    s.in.pod_warning_reason = s.in.pod_warning = NULL; /* it was made good */
    step(&s);
    GLY_CHECK_TEXT(s.state.cause, "");
    GLY_CHECK_TEXT(s.state.conditions[GLY_CONDITION_READY].reason, "DriverPending");
    with_pod(&s, GLY_POD_RUNNING, -1);
    step(&s);
    GLY_CHECK_TEXT(s.state.cause, "");
    scene_clear(&s);
}

GLY_TEST(waiting_costs_little) {
    scene s;
    scene_init(&s);
    step(&s);
    GLY_CHECK_INT(s.out.requeue_ms, -1); /* the watch will tell */
    with_pod(&s, GLY_POD_PENDING, -1);
    s.pod.created_ms = s.in.now_ms;
    s.pod.node = "";
    step(&s);
    GLY_CHECK_INT(s.out.requeue_ms, -1);
    GLY_CHECK(gly_application_status_equal(s.in.state, &s.out.next)); /* nothing is written */
    s.pod.node = "node-1";
    step(&s);
    GLY_CHECK_INT(s.out.requeue_ms, 3000); /* the kubelet may be silent */
    s.in.now_ms += 20000;
    step(&s);
    GLY_CHECK_INT(s.out.requeue_ms, 10000);
    s.in.now_ms += 2000000;
    step(&s);
    GLY_CHECK_INT(s.out.requeue_ms, 60000);
    scene_clear(&s);
}

GLY_TEST(suspend_and_resume) {
    scene s;
    scene_init(&s);
    run_to_running(&s);
    s.application.suspend = true;
    s.in.generation = 2;
    step(&s);
    GLY_CHECK_INT(s.state.phase, GLY_PHASE_SUSPENDED);
    GLY_CHECK(has_effect(&s, GLY_EFFECT_DELETE_POD) && has_effect(&s, GLY_EFFECT_DELETE_EXECUTORS));
    s.pod.is_deleting = true;
    s.application.suspend = false; /* already again */
    step(&s);
    GLY_CHECK_INT(s.state.phase, GLY_PHASE_SUSPENDED); /* not before the old one is gone */
    GLY_CHECK_INT(s.out.effect_count, 0);
    s.in.pod = NULL;
    step(&s);
    GLY_CHECK(has_effect(&s, GLY_EFFECT_DELETE_EXECUTORS));
    GLY_CHECK_TEXT(s.state.driver_pod, "");
    step(&s);
    GLY_CHECK_INT(s.state.phase, GLY_PHASE_STARTING);
    GLY_CHECK(has_event(&s, "Resumed"));
    GLY_CHECK_INT(s.state.attempts, 2);
    GLY_CHECK_INT(s.state.failures, 0);
    scene_clear(&s);
}

GLY_TEST(an_unrecorded_driver_is_adopted_by_suspending) {
    scene s;
    scene_init(&s);
    s.application.suspend = true;
    gly_application_stray stray = {"job-driver", 1}; /* made, and the operator was killed */
    s.in.strays = &stray;
    s.in.stray_count = 1;
    step(&s);
    GLY_CHECK_INT(s.state.phase, GLY_PHASE_SUSPENDED);
    GLY_CHECK(has_effect(&s, GLY_EFFECT_DELETE_POD));
    GLY_CHECK_TEXT(s.state.driver_pod, "job-driver");
    GLY_CHECK_INT(s.state.attempts, 1);
    s.in.stray_count = 0;
    step(&s); /* it is gone; its executors may not be */
    GLY_CHECK(has_effect(&s, GLY_EFFECT_DELETE_EXECUTORS));
    GLY_CHECK_TEXT(s.state.driver_pod, "");
    /* the same, seen later */
    scene_clear(&s);
    scene_init(&s);
    s.application.suspend = true;
    step(&s);
    s.in.strays = &stray;
    s.in.stray_count = 1;
    step(&s);
    GLY_CHECK_TEXT(s.state.driver_pod, "job-driver");
    GLY_CHECK(has_effect(&s, GLY_EFFECT_DELETE_POD));
    scene_clear(&s);
}

GLY_TEST(suspended_from_the_start_makes_nothing) {
    scene s;
    scene_init(&s);
    s.application.suspend = true;
    step(&s);
    GLY_CHECK_INT(s.state.phase, GLY_PHASE_SUSPENDED);
    GLY_CHECK(!has_effect(&s, GLY_EFFECT_CREATE_DRIVER));
    step(&s);
    GLY_CHECK_INT(s.out.effect_count, 0);
    s.application.suspend = false;
    step(&s);
    GLY_CHECK_INT(s.state.attempts, 1);
    scene_clear(&s);
}

GLY_TEST(a_job_that_ends_while_it_is_suspended_has_succeeded) {
    scene s;
    scene_init(&s);
    run_to_running(&s);
    s.application.suspend = true;
    with_pod(&s, GLY_POD_SUCCEEDED, 0);
    step(&s);
    GLY_CHECK_INT(s.state.phase, GLY_PHASE_SUCCEEDING);
    scene_clear(&s);
}

GLY_TEST(ttl_deletes) {
    scene s;
    scene_init(&s);
    s.application.ttl_ms = 60000;
    run_to_running(&s);
    with_pod(&s, GLY_POD_SUCCEEDED, 0);
    step(&s);
    step(&s);
    s.in.now_ms += 10000;
    step(&s);
    GLY_CHECK_INT(s.out.requeue_ms, 50000);
    GLY_CHECK(!has_effect(&s, GLY_EFFECT_DELETE_APPLICATION));
    s.in.now_ms += 50000;
    step(&s);
    GLY_CHECK(has_effect(&s, GLY_EFFECT_DELETE_APPLICATION));
    scene_clear(&s);
}

GLY_TEST(an_invalid_specification_fails_and_can_be_corrected) {
    scene s;
    scene_init(&s);
    s.in.application = NULL;
    s.in.invalid = "spec.executor.memory: '12 apples' is no quantity";
    step(&s);
    GLY_CHECK_INT(s.state.phase, GLY_PHASE_FAILED);
    GLY_CHECK(has_event(&s, "InvalidSpec"));
    step(&s);
    GLY_CHECK_INT(s.out.event_count + s.out.effect_count, 0);
    s.in.application = &s.application;
    s.in.generation = 2;
    step(&s);
    GLY_CHECK_INT(s.state.phase, GLY_PHASE_STARTING);
    GLY_CHECK_TEXT(s.state.cause, "");
    scene_clear(&s);
}

GLY_TEST(an_invalid_change_leaves_the_running_driver_alone) {
    scene s;
    scene_init(&s);
    run_to_running(&s);
    s.in.application = NULL;
    s.in.invalid = "bad";
    s.in.generation = 2;
    step(&s);
    GLY_CHECK_INT(s.state.phase, GLY_PHASE_RUNNING);
    GLY_CHECK(has_event(&s, "InvalidSpec"));
    GLY_CHECK_INT(s.out.effect_count, 0);
    with_pod(&s, GLY_POD_FAILED, 3);
    step(&s);
    GLY_CHECK_INT(s.state.phase, GLY_PHASE_FAILING);
    scene_clear(&s);
}

GLY_TEST(a_refused_driver_is_shown_and_tried_again) {
    scene s;
    scene_init(&s);
    gly_application_state_refused(s.arena, &s.in, "QuotaExceeded", "exceeded quota: pods.", false,
                                  &s.out);
    s.state = s.out.next;
    GLY_CHECK_INT(s.state.phase, GLY_PHASE_SUBMITTED);
    GLY_CHECK_INT(s.state.attempts, 0);
    GLY_CHECK_TEXT(s.state.cause, "exceeded quota: pods");
    GLY_CHECK(has_event(&s, "QuotaExceeded"));
    gly_application_state_refused(s.arena, &s.in, "QuotaExceeded", "exceeded quota: pods.", false,
                                  &s.out);
    GLY_CHECK_INT(s.out.event_count, 0);
    step(&s);
    GLY_CHECK_INT(s.state.phase, GLY_PHASE_STARTING);
    scene_clear(&s);
    scene_init(&s);
    gly_application_state_refused(s.arena, &s.in, "DriverPodInvalid", "spec.containers[0]…", true,
                                  &s.out);
    GLY_CHECK_INT(s.out.next.phase, GLY_PHASE_FAILED);
    scene_clear(&s);
}

GLY_TEST(strays_are_deleted) {
    scene s;
    scene_init(&s);
    gly_application_stray strays[] = {{"job-driver", 1}, {"job-driver-3", 3}};
    s.in.strays = strays;
    s.in.stray_count = 2;
    s.state.phase = GLY_PHASE_RUNNING;
    s.state.attempts = 2;
    s.state.driver_pod = "job-driver-2";
    with_pod(&s, GLY_POD_RUNNING, -1);
    step(&s);
    GLY_CHECK_INT(s.out.effect_count, 2);
    /* but the next attempt's pod, made before the status was written, is adopted */
    s.state.phase = GLY_PHASE_RESTARTING;
    s.state.attempts = 2;
    s.in.pod = NULL;
    step(&s);
    GLY_CHECK_TEXT(s.out.effects[0].pod, "job-driver");
    GLY_CHECK_INT(s.out.effects[1].kind, GLY_EFFECT_CREATE_DRIVER);
    GLY_CHECK_TEXT(s.out.effects[1].pod, "job-driver-3");
    scene_clear(&s);
}

GLY_TEST(a_driver_out_of_reach_is_given_up) {
    scene s;
    scene_init(&s);
    s.application.restart_type = GLY_RESTART_ON_INFRASTRUCTURE_FAILURE;
    run_to_running(&s);
    s.pod.trouble = "NodeLost";
    s.pod.sentence = "node node-1 does not answer";
    step(&s);
    GLY_CHECK_INT(s.state.phase, GLY_PHASE_RUNNING); /* it may come back */
    GLY_CHECK(has_event(&s, "NodeLost"));
    GLY_CHECK_TEXT(s.state.conditions[GLY_CONDITION_READY].reason, "NodeLost");
    GLY_CHECK_TEXT(s.state.cause, "node node-1 does not answer");
    s.pod.is_deleting = true; /* the cluster has given it up */
    step(&s);
    GLY_CHECK_INT(s.state.phase, GLY_PHASE_RESTARTING);
    scene_clear(&s);
}

GLY_TEST(deleted_applications_are_left_to_owner_references) {
    scene s;
    scene_init(&s);
    run_to_running(&s);
    s.in.is_deleting = true;
    with_pod(&s, GLY_POD_FAILED, 143);
    step(&s);
    GLY_CHECK_INT(s.out.effect_count + s.out.event_count, 0);
    GLY_CHECK_INT(s.state.phase, GLY_PHASE_RUNNING);
    scene_clear(&s);
}

GLY_TEST(history_is_bounded) {
    scene s;
    scene_init(&s);
    s.application.restart_type = GLY_RESTART_ALWAYS;
    s.application.backoff_ms = 0;
    for (int i = 0; i < 50; i++) {
        s.in.pod = NULL;
        step(&s);
        with_pod(&s, GLY_POD_FAILED, 1);
        step(&s);
        GLY_CHECK_INT(s.state.phase, GLY_PHASE_RESTARTING);
    }
    GLY_CHECK_INT(s.state.history_count, GLY_APPLICATION_HISTORY_MAX);
    GLY_CHECK_INT(s.state.history[GLY_APPLICATION_HISTORY_MAX - 1].attempt, 50);
    scene_clear(&s);
}

GLY_TEST(status_survives_json) {
    scene s;
    scene_init(&s);
    s.application.restart_type = GLY_RESTART_ON_FAILURE;
    run_to_running(&s);
    with_pod(&s, GLY_POD_FAILED, 1);
    step(&s);
    cJSON *patch = gly_application_status_patch(s.arena, &s.state, "77");
    GLY_CHECK_TEXT(cJSON_GetStringValue(cJSON_GetObjectItem(cJSON_GetObjectItem(patch, "metadata"),
                                                            "resourceVersion")),
                   "77");
    gly_application_state read;
    gly_application_status_read(patch, &read);
    GLY_CHECK(gly_application_status_equal(&read, &s.state));
    GLY_CHECK_INT(read.history[read.history_count - 1].time_ms, s.in.now_ms);
    cJSON *conditions = cJSON_GetObjectItem(cJSON_GetObjectItem(patch, "status"), "conditions");
    GLY_CHECK_INT(cJSON_GetArraySize(conditions), 4);
    const cJSON *condition;
    cJSON_ArrayForEach(condition, conditions) {
        GLY_CHECK(cJSON_GetObjectItem(condition, "reason") != NULL);
        GLY_CHECK(cJSON_GetObjectItem(condition, "lastTransitionTime") != NULL);
        GLY_CHECK_INT(cJSON_GetNumberValue(cJSON_GetObjectItem(condition, "observedGeneration")),
                      1);
    }
    cJSON_Delete(patch);
    scene_clear(&s);
}

static cJSON *with_last_words(const char *words) {
    cJSON *patch = cJSON_Parse("{\"status\":{\"state\":\"Succeeding\"}}");
    gly_application_status_add_last_words(patch, words);
    return patch;
}

static void check_last_words(const char *words, const char *expected) {
    cJSON *patch = with_last_words(words);
    char *text = cJSON_PrintUnformatted(patch);
    GLY_CHECK_TEXT(text, expected);
    cJSON_free(text);
    cJSON_Delete(patch);
}

GLY_TEST(last_words_bring_what_the_driver_could_not_write) {
    check_last_words(
        "{\"reason\":\"Done\",\"message\":\"m\",\"status\":{\"executors\":{\"wanted\":3,"
        "\"running\":0,\"selector\":\"s\"},\"progress\":{\"tasksDone\":57,"
        "\"tasks\":57},\"display\":{\"tasks\":\"57/57\"}}}",
        "{\"status\":{\"state\":\"Succeeding\",\"executors\":{\"wanted\":3,"
        "\"running\":0},\"progress\":{\"tasksDone\":57,\"tasks\":57},"
        "\"display\":{\"tasks\":\"57/57\"}}}");
    /* What the API server would refuse is left out, so that the operator's part arrives. */
    const char *nothing = "{\"status\":{\"state\":\"Succeeding\"}}";
    check_last_words("{\"status\":{\"progress\":{\"tasks\":1.5,\"tasksDone\":-1,\"job\":1e300,"
                     "\"jobs\":\"2\",\"other\":1},\"display\":{\"tasks\":7,\"stage\":"
                     "\"0123456789012345678901234567890123456789012345678901234567890123456789\"},"
                     "\"executors\":[1],\"state\":\"Failed\"}}",
                     nothing);
    check_last_words("{\"status\":", nothing);
    check_last_words("a line of a log", nothing);
    check_last_words("", nothing);
}

GLY_TEST(nonsense_in_the_status_is_ignored) {
    cJSON *object =
        cJSON_Parse("{\"status\":{\"state\":\"Dancing\",\"attempts\":-4,\"failures\":1e99,"
                    "\"driver\":7,\"conditions\":[3,{\"type\":\"Ready\"}],"
                    "\"history\":[{},{\"state\":\"Running\",\"time\":\"noon\"},[]]}}");
    GLY_CHECK(object != NULL);
    gly_application_state state;
    gly_application_status_read(object, &state);
    GLY_CHECK_INT(state.phase, GLY_PHASE_NONE);
    GLY_CHECK_INT(state.attempts, 0);
    GLY_CHECK_INT(state.failures, 0);
    GLY_CHECK_TEXT(state.driver_pod, "");
    cJSON_Delete(object);
}

GLY_TEST(the_hash_ignores_progress) {
    cJSON *a = cJSON_Parse("{\"metadata\":{\"generation\":1},\"status\":{\"state\":\"Running\","
                           "\"progress\":{\"tasks\":1}}}");
    cJSON *b = cJSON_Parse("{\"metadata\":{\"generation\":1},\"status\":{\"state\":\"Running\","
                           "\"progress\":{\"tasks\":2},\"executors\":{\"running\":1}}}");
    cJSON *c = cJSON_Parse("{\"metadata\":{\"generation\":1},\"status\":{\"state\":\"Running\","
                           "\"warnings\":[{\"reason\":\"x\"}]}}");
    GLY_CHECK(gly_application_status_hash(a) == gly_application_status_hash(b));
    GLY_CHECK(gly_application_status_hash(a) != gly_application_status_hash(c));
    cJSON_Delete(a);
    cJSON_Delete(b);
    cJSON_Delete(c);
}

GLY_SUITE("application_state", a_good_life, never_restarts_by_default, restart_policies,
          a_lost_pod_is_an_infrastructure_failure, attempts_are_counted_and_delays_double,
          pending_is_shown_not_failed, waiting_costs_little, suspend_and_resume,
          an_unrecorded_driver_is_adopted_by_suspending, suspended_from_the_start_makes_nothing,
          a_job_that_ends_while_it_is_suspended_has_succeeded, ttl_deletes,
          an_invalid_specification_fails_and_can_be_corrected,
          an_invalid_change_leaves_the_running_driver_alone,
          a_refused_driver_is_shown_and_tried_again, strays_are_deleted,
          a_driver_out_of_reach_is_given_up, deleted_applications_are_left_to_owner_references,
          history_is_bounded, status_survives_json,
          last_words_bring_what_the_driver_could_not_write, nonsense_in_the_status_is_ignored,
          the_hash_ignores_progress)
