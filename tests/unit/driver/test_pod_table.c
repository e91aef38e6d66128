/* test_pod_table.c - executor pods against an API server that answers late, twice, wrongly or not.
 */
#include "driver/cluster/pod_table.h"
#include "tests/support/check.h"

typedef struct fixture {
    gly_pod_table *table;
    const gly_pod_table_action *actions;
    size_t count;
} fixture;

static fixture make(uint32_t max_in_flight) {
    gly_pod_table_options options = {.image_timeout_ms = 30000, .max_in_flight = max_in_flight};
    return (fixture){.table = gly_pod_table_make(&options)};
}

static void take(fixture *f, int64_t now_ms) {
    f->actions = gly_pod_table_take(f->table, now_ms, &f->count);
}

static bool is_action(const fixture *f, size_t index, gly_pod_table_action_kind kind, uint32_t id) {
    return index < f->count && f->actions[index].kind == kind &&
           f->actions[index].executor_id == id;
}

static bool is_told(const fixture *f, size_t index, gly_cluster_event_kind event, uint32_t id) {
    return is_action(f, index, GLY_POD_TABLE_TELL, id) && f->actions[index].event == event;
}

static gly_pod_state pod(uint32_t id, const char *uid, gly_pod_phase phase) {
    return (gly_pod_state){.name = "app-exec-1",
                           .uid = uid,
                           .node = "",
                           .ip = "",
                           .phase = phase,
                           .is_ours = true,
                           .attempt = 1,
                           .executor_id = id,
                           .exit_code = -1,
                           .termination_message = "",
                           .trouble = "",
                           .sentence = ""};
}

/* Wants executor 1 and creates its pod "u1" at time 0. */
static void create_one(fixture *f) {
    gly_pod_table_want(f->table, 1, 0);
    take(f, 0);
    GLY_CHECK(f->count == 1 && is_action(f, 0, GLY_POD_TABLE_CREATE, 1));
    gly_pod_table_created(f->table, 1, 201, "u1", "", 10);
    take(f, 10);
    GLY_CHECK_INT(f->count, 0);
}

static void see(fixture *f, gly_pod_state state, int64_t now_ms) {
    gly_pod_table_seen(f->table, &state, now_ms);
    take(f, now_ms);
}

GLY_TEST(a_pod_lives_and_ends) {
    fixture f = make(10);
    create_one(&f);
    GLY_CHECK(gly_pod_table_owns(f.table, 1, "u1"));
    GLY_CHECK(!gly_pod_table_owns(f.table, 1, "u2") && !gly_pod_table_owns(f.table, 2, "u1"));
    see(&f, pod(1, "u1", GLY_POD_PENDING), 20);
    GLY_CHECK_INT(f.count, 0);
    see(&f, pod(1, "u1", GLY_POD_RUNNING), 30);
    GLY_CHECK(f.count == 1 && is_told(&f, 0, GLY_CLUSTER_STARTED, 1));
    see(&f, pod(1, "u1", GLY_POD_RUNNING), 31); /* a watch may say it twice */
    GLY_CHECK_INT(f.count, 0);
    gly_pod_state killed = pod(1, "u1", GLY_POD_FAILED);
    killed.exit_code = 137;
    killed.was_oom_killed = true;
    killed.trouble = "OOMKilled";
    killed.sentence = "executor 1 used more than its limit of 512Mi";
    GLY_CHECK_INT(gly_pod_table_memory(f.table, 1000), 1000);
    see(&f, killed, 40);
    GLY_CHECK_INT(f.count, 2);
    GLY_CHECK(is_told(&f, 0, GLY_CLUSTER_WARNING, 1));
    GLY_CHECK_INT(gly_pod_table_memory(f.table, 1000), 750); /* of those that come after it */
    GLY_CHECK_TEXT(f.actions[0].code, "OOMKilled");
    GLY_CHECK(is_told(&f, 1, GLY_CLUSTER_EXITED, 1) && !f.actions[1].is_expected);
    GLY_CHECK_TEXT(f.actions[1].text, killed.sentence);
    see(&f, killed, 41);
    GLY_CHECK_INT(f.count, 0); /* kept, so that its log can be read */
    gly_pod_table_gone(f.table, 1, "u1", 50);
    take(&f, 50);
    GLY_CHECK_INT(f.count, 0);
    GLY_CHECK_INT(gly_pod_table_count(f.table), 0);
    gly_pod_table_free(f.table);
}

GLY_TEST(killed_for_memory_again_and_again) {
    fixture f = make(10);
    for (uint32_t id = 1; id <= 20; id++) {
        gly_pod_table_want(f.table, id, 10);
        gly_pod_table_created(f.table, id, 201, "u", "", 10);
        gly_pod_state killed = pod(id, "u", GLY_POD_FAILED);
        killed.was_oom_killed = true;
        see(&f, killed, 20);
        see(&f, killed, 21);
    }
    GLY_CHECK_INT(gly_pod_table_memory(f.table, 1000), 250);
    GLY_CHECK_INT(gly_pod_table_memory(f.table, 0), 0);
    gly_pod_table_free(f.table);
}

GLY_TEST(an_end_before_the_start_is_a_failure) {
    fixture f = make(10);
    create_one(&f);
    gly_pod_state failed = pod(1, "u1", GLY_POD_FAILED);
    failed.exit_code = 2;
    see(&f, failed, 40);
    GLY_CHECK_INT(f.count, 2);
    GLY_CHECK(is_told(&f, 1, GLY_CLUSTER_FAILED, 1));
    GLY_CHECK_TEXT(f.actions[1].text, "pod app-exec-1 ended with exit code 2");
    gly_pod_table_free(f.table);
}

GLY_TEST(a_deleted_pod_has_exited) {
    fixture f = make(10);
    create_one(&f);
    see(&f, pod(1, "u1", GLY_POD_RUNNING), 20);
    gly_pod_table_gone(f.table, 1, "other", 30); /* of another pod of that name */
    take(&f, 30);
    GLY_CHECK_INT(f.count, 0);
    gly_pod_table_gone(f.table, 1, "u1", 30);
    take(&f, 30);
    GLY_CHECK(f.count == 1 && is_told(&f, 0, GLY_CLUSTER_EXITED, 1) && f.actions[0].is_expected);
    gly_pod_table_free(f.table);
}

GLY_TEST(creations_are_few_at_once) {
    fixture f = make(2);
    for (uint32_t id = 1; id <= 5; id++) {
        gly_pod_table_want(f.table, id, 0);
    }
    take(&f, 0);
    GLY_CHECK_INT(f.count, 2);
    GLY_CHECK_INT(gly_pod_table_next_ms(f.table), INT64_MAX);
    gly_pod_table_created(f.table, f.actions[0].executor_id, 201, "x", "", 5);
    GLY_CHECK_INT(gly_pod_table_next_ms(f.table), 0);
    take(&f, 5);
    GLY_CHECK_INT(f.count, 1);
    GLY_CHECK_INT(gly_pod_table_in_flight(f.table), 2);
    gly_pod_table_free(f.table);
}

GLY_TEST(a_quota_makes_wait_and_warns_once) {
    fixture f = make(10);
    static const char quota[] = "pods \"a\" is forbidden: exceeded quota: q";
    gly_pod_table_want(f.table, 1, 0);
    gly_pod_table_want(f.table, 2, 0);
    take(&f, 0);
    GLY_CHECK_INT(f.count, 2);
    gly_pod_table_created(f.table, 1, 403, "", quota, 10);
    gly_pod_table_created(f.table, 2, 403, "", quota, 10);
    take(&f, 10);
    GLY_CHECK(f.count == 1 && is_told(&f, 0, GLY_CLUSTER_WARNING, 1));
    GLY_CHECK_TEXT(f.actions[0].code, "QuotaExceeded");
    GLY_CHECK_INT(gly_pod_table_next_ms(f.table), 2010);
    take(&f, 2009);
    GLY_CHECK_INT(f.count, 0);
    take(&f, 2010);
    GLY_CHECK_INT(f.count, 2);
    gly_pod_table_created(f.table, 1, 201, "u1", "", 2020);
    gly_pod_table_created(f.table, 2, 403, "", quota, 2020);
    take(&f, 2020);
    GLY_CHECK_INT(f.count, 0);                  /* warned of already */
    gly_pod_table_gone(f.table, 1, "u1", 2500); /* there is room again: at once */
    take(&f, 2500);
    GLY_CHECK(is_action(&f, f.count - 1, GLY_POD_TABLE_CREATE, 2));
    gly_pod_table_free(f.table);
}

GLY_TEST(what_cannot_work_has_failed) {
    fixture f = make(10);
    gly_pod_table_want(f.table, 1, 0);
    take(&f, 0);
    gly_pod_table_created(f.table, 1, 403, "", "pods is forbidden: violates PodSecurity", 10);
    take(&f, 10);
    GLY_CHECK(f.count == 2 && is_told(&f, 0, GLY_CLUSTER_WARNING, 1));
    GLY_CHECK(is_told(&f, 1, GLY_CLUSTER_FAILED, 1) && !f.actions[1].is_expected);
    GLY_CHECK_INT(gly_pod_table_count(f.table), 0);
    gly_pod_table_free(f.table);
}

GLY_TEST(a_lost_answer_is_made_up_by_the_watch) {
    fixture f = make(10);
    gly_pod_table_want(f.table, 1, 0);
    take(&f, 0);
    gly_pod_table_created(f.table, 1, 0, "", "POST /pods: no answer", 10);
    take(&f, 10);
    GLY_CHECK(f.count == 1 && is_told(&f, 0, GLY_CLUSTER_WARNING, 1));
    see(&f, pod(1, "u1", GLY_POD_RUNNING), 20); /* it was created all the same */
    GLY_CHECK(f.count == 1 && is_told(&f, 0, GLY_CLUSTER_STARTED, 1));
    take(&f, 60000);
    GLY_CHECK_INT(f.count, 0);
    GLY_CHECK(gly_pod_table_owns(f.table, 1, "u1"));
    gly_pod_table_free(f.table);
}

GLY_TEST(a_taken_name_is_looked_at) {
    fixture f = make(10);
    gly_pod_table_want(f.table, 1, 0);
    take(&f, 0);
    gly_pod_table_created(f.table, 1, 409, "", "AlreadyExists", 10);
    take(&f, 10);
    GLY_CHECK(f.count == 1 && is_action(&f, 0, GLY_POD_TABLE_LOOK, 1));
    see(&f, pod(1, "u9", GLY_POD_PENDING), 20);
    GLY_CHECK(gly_pod_table_owns(f.table, 1, "u9"));
    gly_pod_table_want(f.table, 2, 0);
    take(&f, 20);
    gly_pod_table_created(f.table, 2, 409, "", "AlreadyExists", 30);
    gly_pod_table_refused(f.table, 2, "another pod has its name");
    take(&f, 30);
    GLY_CHECK(is_told(&f, f.count - 1, GLY_CLUSTER_FAILED, 2));
    gly_pod_table_free(f.table);
}

GLY_TEST(kills_find_their_pod) {
    fixture f = make(1);
    gly_pod_table_want(f.table, 1, 0);
    gly_pod_table_want(f.table, 2, 0);
    take(&f, 0);
    uint32_t flying = f.actions[0].executor_id;
    uint32_t waiting = 3 - flying;
    gly_pod_table_kill(f.table, waiting, true, 1);
    GLY_CHECK_INT(gly_pod_table_count(f.table), 1);
    gly_pod_table_kill(f.table, flying, false, 2); /* its creation is under way */
    take(&f, 2);
    GLY_CHECK_INT(f.count, 0);
    gly_pod_table_created(f.table, flying, 201, "u1", "", 3);
    take(&f, 3);
    GLY_CHECK(f.count == 1 && is_action(&f, 0, GLY_POD_TABLE_DELETE, flying));
    GLY_CHECK(!f.actions[0].is_forced && !gly_pod_table_owns(f.table, flying, "u1"));
    gly_pod_table_kill(f.table, flying, true, 4);
    take(&f, 4);
    GLY_CHECK(f.count == 1 && f.actions[0].is_forced);
    gly_pod_table_deleted(f.table, flying, 0, 5); /* no answer: again */
    take(&f, 1004);
    GLY_CHECK_INT(f.count, 0);
    take(&f, 1005);
    GLY_CHECK(f.count == 1 && is_action(&f, 0, GLY_POD_TABLE_DELETE, flying));
    gly_pod_table_deleted(f.table, flying, 404, 1010);
    take(&f, 1010);
    GLY_CHECK(f.count == 1 && f.actions[0].is_expected);
    GLY_CHECK_INT(gly_pod_table_count(f.table), 0);
    gly_pod_state orphan = pod(waiting, "u7", GLY_POD_PENDING); /* nobody wants it: it goes */
    see(&f, orphan, 2000);
    GLY_CHECK(f.count == 1 && is_action(&f, 0, GLY_POD_TABLE_DELETE, waiting));
    gly_pod_table_free(f.table);
}

GLY_TEST(an_image_that_never_comes_fails) {
    fixture f = make(10);
    create_one(&f);
    gly_pod_state blocked = pod(1, "u1", GLY_POD_PENDING);
    blocked.trouble = "ImagePullBackOff";
    blocked.sentence = "the image nowhere:1 cannot be pulled";
    see(&f, blocked, 100);
    GLY_CHECK(f.count == 1 && is_told(&f, 0, GLY_CLUSTER_WARNING, 1));
    GLY_CHECK_INT(gly_pod_table_next_ms(f.table), 30100);
    see(&f, blocked, 20000);
    GLY_CHECK_INT(f.count, 0);
    take(&f, 30100);
    GLY_CHECK(f.count == 2 && is_told(&f, 0, GLY_CLUSTER_FAILED, 1));
    GLY_CHECK(!f.actions[0].is_expected && is_action(&f, 1, GLY_POD_TABLE_DELETE, 1));
    gly_pod_table_free(f.table);
}

GLY_TEST(unschedulable_pods_wait) {
    fixture f = make(10);
    create_one(&f);
    gly_pod_state waiting = pod(1, "u1", GLY_POD_PENDING);
    waiting.trouble = "Unschedulable";
    waiting.sentence = "0/3 nodes are available";
    see(&f, waiting, 100);
    GLY_CHECK(f.count == 1 && is_told(&f, 0, GLY_CLUSTER_WARNING, 1));
    take(&f, 10000000);
    GLY_CHECK_INT(f.count, 0);
    see(&f, pod(1, "u1", GLY_POD_RUNNING), 10000001);
    GLY_CHECK(f.count == 1 && is_told(&f, 0, GLY_CLUSTER_STARTED, 1));
    gly_pod_table_free(f.table);
}

GLY_TEST(a_pod_that_no_list_knows_is_gone) {
    fixture f = make(10);
    create_one(&f);
    gly_pod_table_synced(f.table, 2000, 2100); /* the list may be older than the creation */
    take(&f, 2100);
    GLY_CHECK_INT(f.count, 0);
    gly_pod_table_synced(f.table, 30000, 30100);
    take(&f, 30100);
    GLY_CHECK(f.count == 1 && is_told(&f, 0, GLY_CLUSTER_FAILED, 1));
    gly_pod_table_free(f.table);
}

GLY_TEST(nothing_is_created_after_the_stop) {
    fixture f = make(1);
    gly_pod_table_want(f.table, 1, 0);
    gly_pod_table_want(f.table, 2, 0);
    take(&f, 0);
    gly_pod_table_stop(f.table);
    gly_pod_table_want(f.table, 3, 0);
    gly_pod_table_created(f.table, f.actions[0].executor_id, 201, "u", "", 5);
    take(&f, 10);
    GLY_CHECK_INT(f.count, 0);
    GLY_CHECK_INT(gly_pod_table_in_flight(f.table), 0);
    gly_pod_table_free(f.table);
}

GLY_SUITE("pod_table", a_pod_lives_and_ends, killed_for_memory_again_and_again,
          an_end_before_the_start_is_a_failure, a_deleted_pod_has_exited, creations_are_few_at_once,
          a_quota_makes_wait_and_warns_once, what_cannot_work_has_failed,
          a_lost_answer_is_made_up_by_the_watch, a_taken_name_is_looked_at, kills_find_their_pod,
          an_image_that_never_comes_fails, unschedulable_pods_wait,
          a_pod_that_no_list_knows_is_gone, nothing_is_created_after_the_stop)
