/* test_health_tracker.c - exclude on failure: the limits for tasks, sets and the application. */
#include "tests/unit/driver/scheduler_harness.h"

static harness h;

static void start(bool exclude) {
    harness_init(&h);
    h.options.exclude_on_failure = exclude;
    h.options.avoid_ms = 0;
    h.options.unschedulable_timeout_ms = 5000;
    harness_start(&h);
}

GLY_TEST(a_task_does_not_return_to_where_it_failed) {
    start(true);
    harness_executor(&h, 0, "a", 1);
    gly_scheduler_stage stage = {.stage_id = 1, .task_count = 1};
    harness_submit(&h, 1, &stage, 1);
    harness_fail(&h, 0, GLY_E_IO, "disk");
    GLY_CHECK_INT(h.launch_count, 1);
    GLY_CHECK_INT(gly_scheduler_next_tick(h.scheduler), 5000);
    harness_executor(&h, 1, "b", 1);
    GLY_CHECK_INT(h.launch_count, 2);
    GLY_CHECK_INT(h.launches[1].launch.executor_id, 1);
    harness_stop(&h);
}

GLY_TEST(when_every_executor_is_excluded_the_job_fails_in_time) {
    start(true);
    harness_executor(&h, 0, "a", 1);
    gly_scheduler_stage stage = {.stage_id = 1, .task_count = 1};
    harness_submit(&h, 1, &stage, 1);
    harness_fail(&h, 0, GLY_E_IO, "disk");
    harness_tick(&h, 4999);
    GLY_CHECK(!h.job_ended);
    harness_tick(&h, 5000);
    GLY_CHECK(h.job_ended);
    GLY_CHECK(strstr(h.job_error, "excludeOnFailure") != NULL);
    harness_stop(&h);
}

GLY_TEST(losing_the_last_place_is_noticed) {
    start(true);
    harness_executor(&h, 0, "a", 1);
    harness_executor(&h, 1, "b", 1);
    gly_scheduler_stage stage = {.stage_id = 1, .task_count = 2};
    harness_submit(&h, 1, &stage, 1);
    harness_fail(&h, 0, GLY_E_IO, "disk");
    GLY_CHECK_INT(h.launch_count, 2); /* the other executor is busy */
    harness_lose(&h, h.launches[1].launch.executor_id, false);
    GLY_CHECK_INT(h.launch_count, 3); /* the other task moved over; the first has no place left */
    harness_ok(&h, 2);
    GLY_CHECK_INT(gly_scheduler_next_tick(h.scheduler), 5000);
    harness_tick(&h, 5000);
    GLY_CHECK(h.job_ended && h.job_status == GLY_E_TASK_FAILED);
    harness_stop(&h);
}

GLY_TEST(two_tasks_exclude_an_executor_for_the_set) {
    start(true);
    harness_executor(&h, 0, "a", 2);
    gly_scheduler_stage stage = {.stage_id = 1, .task_count = 4};
    harness_submit(&h, 1, &stage, 1);
    harness_fail(&h, 0, GLY_E_IO, "disk");
    GLY_CHECK_INT(h.launch_count, 3); /* task 2 may run here */
    harness_fail(&h, 1, GLY_E_IO, "disk");
    GLY_CHECK_INT(h.launch_count, 3); /* task 3 may not: two tasks have failed */
    harness_executor(&h, 1, "b", 4);
    GLY_CHECK_INT(h.launch_count, 6);
    harness_stop(&h);
}

GLY_TEST(excluding_the_last_place_is_noticed) {
    start(true);
    harness_executor(&h, 0, "a", 1);
    harness_executor(&h, 1, "b", 1);
    static const gly_str host = {"a", 1};
    gly_scheduler_preference preferences[4] = {{0, NULL, 1, &host}};
    gly_scheduler_stage stage = {.stage_id = 1, .task_count = 4, .preferences = preferences};
    harness_submit(&h, 1, &stage, 1);
    GLY_CHECK_INT(h.launches[0].launch.executor_id, 0);
    harness_fail(&h, 0, GLY_E_IO, "disk"); /* partition 0 now may run on b only; it still waits */
    GLY_CHECK_INT(h.launches[2].launch.executor_id, 0);
    harness_fail(&h, 1, GLY_E_IO, "disk");
    GLY_CHECK_INT(h.launches[3].launch.executor_id, 1);
    harness_fail(&h, 3, GLY_E_IO, "disk"); /* two tasks: the set may not use b any more */
    GLY_CHECK(gly_scheduler_next_tick(h.scheduler) <= 5000);
    harness_ok(&h, 2);
    harness_ok(&h, 4);
    harness_ok(&h, 5);
    GLY_CHECK_INT(h.launch_count, 6);
    harness_tick(&h, 4999);
    GLY_CHECK(!h.job_ended);
    harness_tick(&h, 5000);
    GLY_CHECK(h.job_ended && h.job_status == GLY_E_TASK_FAILED);
    harness_stop(&h);
}

GLY_TEST(a_set_that_succeeds_blames_the_executor) {
    start(true);
    harness_executor(&h, 0, "a", 2);
    gly_scheduler_stage stage = {.stage_id = 1, .task_count = 2};
    harness_submit(&h, 1, &stage, 1);
    harness_fail(&h, 0, GLY_E_IO, "disk");
    harness_fail(&h, 1, GLY_E_IO, "disk");
    harness_executor(&h, 1, "b", 2);
    harness_ok(&h, 2);
    harness_ok(&h, 3);
    GLY_CHECK(h.job_ended && h.job_status == GLY_OK);
    GLY_CHECK_INT(gly_event_bus_count(h.bus, GLY_EVENT_EXECUTOR_EXCLUDED), 1);
    stage.stage_id = 2;
    stage.task_count = 3;
    harness_submit(&h, 2, &stage, 1);
    GLY_CHECK_INT(h.launch_count, 6); /* only on executor 1 */
    GLY_CHECK_INT(h.launches[4].launch.executor_id, 1);
    GLY_CHECK_INT(h.launches[5].launch.executor_id, 1);
    GLY_CHECK_INT(gly_scheduler_next_tick(h.scheduler), 3600 * 1000);
    harness_tick(&h, 3600 * 1000);
    GLY_CHECK_INT(h.launch_count, 7); /* forgiven after an hour */
    harness_stop(&h);
}

GLY_TEST(off_by_default) {
    start(false);
    harness_executor(&h, 0, "a", 1);
    gly_scheduler_stage stage = {.stage_id = 1, .task_count = 1};
    harness_submit(&h, 1, &stage, 1);
    harness_fail(&h, 0, GLY_E_IO, "disk");
    GLY_CHECK_INT(h.launch_count, 2);
    harness_stop(&h);
}

GLY_SUITE("health_tracker", a_task_does_not_return_to_where_it_failed,
          when_every_executor_is_excluded_the_job_fails_in_time, losing_the_last_place_is_noticed,
          excluding_the_last_place_is_noticed, two_tasks_exclude_an_executor_for_the_set,
          a_set_that_succeeds_blames_the_executor, off_by_default)
