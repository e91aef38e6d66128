/* test_speculation.c - stragglers get a second copy; the first to finish wins. */
#include "driver/scheduler/speculation.h"
#include "tests/unit/driver/scheduler_harness.h"

static harness h;

GLY_TEST(the_median_is_right) {
    gly_scheduler scheduler = {.options = {.speculation = true}};
    gly_task_set set = {.scheduler = &scheduler};
    gly_random random = {5};
    int64_t values[101];
    for (int i = 0; i < 101; i++) {
        values[i] = (int64_t)gly_random_below(&random, 50);
        gly_speculation_record(&set, values[i]);
        int below = 0, above = 0; /* at least half on either side */
        int64_t median = gly_speculation_median(&set);
        for (int j = 0; j <= i; j++) {
            below += values[j] <= median;
            above += values[j] >= median;
        }
        GLY_CHECK(2 * below >= i + 1 && 2 * above >= i + 1);
    }
    gly_array_clear(&set.durations.low);
    gly_array_clear(&set.durations.high);
}

static void reach_straggler(uint32_t executors) {
    harness_init(&h);
    h.options.speculation = true;
    harness_start(&h);
    for (uint32_t i = 0; i < executors; i++) {
        harness_executor(&h, i, "one host", 10 / executors);
    }
    gly_scheduler_stage stage = {.stage_id = 1, .task_count = 10};
    harness_submit(&h, 1, &stage, 1);
    h.now_ms = 200;
    for (uint32_t i = 0; i < 9; i++) {
        harness_ok(&h, i); /* 200 ms each */
    }
}

GLY_TEST(a_straggler_is_copied_after_three_medians) {
    reach_straggler(2);
    GLY_CHECK(gly_scheduler_next_tick(h.scheduler) <= 300);
    harness_tick(&h, 600);
    GLY_CHECK_INT(h.launch_count, 10);
    harness_tick(&h, 700);
    GLY_CHECK_INT(h.launch_count, 11);
    GLY_CHECK(h.launches[10].launch.speculative);
    GLY_CHECK_INT(h.launches[10].launch.partition, 9);
    GLY_CHECK_INT(h.launches[10].launch.attempt, 1);
    GLY_CHECK(h.launches[10].launch.executor_id != h.launches[9].launch.executor_id);
    harness_tick(&h, 5000);
    GLY_CHECK_INT(h.launch_count, 11); /* two are enough */
    harness_ok(&h, 10);
    GLY_CHECK(h.is_killed[9]);
    GLY_CHECK(h.job_ended && h.done_count == 10);
    harness_ok(&h, 9); /* the loser's result */
    GLY_CHECK_INT(h.done_count, 10);
    harness_stop(&h);
}

GLY_TEST(never_on_the_same_executor) {
    reach_straggler(1);
    harness_tick(&h, 5000);
    GLY_CHECK_INT(h.launch_count, 10);
    GLY_CHECK_INT(gly_scheduler_current_load(h.scheduler).pending_speculative, 1);
    harness_executor(&h, 7, "other", 1);
    GLY_CHECK_INT(h.launch_count, 11);
    harness_stop(&h);
}

GLY_TEST(not_before_the_quantile_and_not_when_off) {
    harness_init(&h);
    h.options.speculation = true;
    harness_start(&h);
    harness_executor(&h, 0, "a", 5);
    harness_executor(&h, 1, "b", 5);
    gly_scheduler_stage stage = {.stage_id = 1, .task_count = 10};
    harness_submit(&h, 1, &stage, 1);
    h.now_ms = 200;
    for (uint32_t i = 0; i < 8; i++) {
        harness_ok(&h, i);
    }
    harness_tick(&h, 60000);
    GLY_CHECK_INT(h.launch_count, 10);
    harness_stop(&h);
    harness_init(&h);
    harness_start(&h);
    harness_executor(&h, 0, "a", 5);
    harness_executor(&h, 1, "b", 5);
    harness_submit(&h, 1, &stage, 1);
    for (uint32_t i = 0; i < 9; i++) {
        harness_ok(&h, i);
    }
    GLY_CHECK(gly_scheduler_next_tick(h.scheduler) == INT64_MAX);
    harness_tick(&h, 60000);
    GLY_CHECK_INT(h.launch_count, 10);
    harness_stop(&h);
}

GLY_TEST(a_failed_copy_leaves_the_original_running) {
    reach_straggler(2);
    harness_tick(&h, 1000);
    harness_fail(&h, 10, GLY_E_IO, "disk");
    GLY_CHECK(!h.job_ended && !h.is_killed[9]);
    harness_ok(&h, 9);
    GLY_CHECK(h.job_ended && h.job_status == GLY_OK);
    GLY_CHECK_INT(gly_scheduler_current_load(h.scheduler).pending_speculative, 0);
    harness_stop(&h);
}

GLY_SUITE("speculation", the_median_is_right, a_straggler_is_copied_after_three_medians,
          never_on_the_same_executor, not_before_the_quantile_and_not_when_off,
          a_failed_copy_leaves_the_original_running)
