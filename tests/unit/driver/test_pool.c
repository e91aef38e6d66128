/* test_pool.c - whose tasks run first: FIFO, and FAIR with weights and minimum shares. */
#include "tests/unit/driver/scheduler_harness.h"

static harness h;

static void submit(uint64_t job, const char *pool, uint32_t tasks) {
    gly_scheduler_stage stage = {.stage_id = (uint32_t)job, .task_count = tasks};
    gly_scheduler_event event = {.kind = GLY_SCHEDULER_JOB_SUBMITTED};
    event.job.job_id = job;
    event.job.pool = gly_str_of(pool);
    event.job.stages = &stage;
    event.job.stage_count = 1;
    harness_step(&h, &event);
}

static uint32_t running_of(uint64_t job) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < h.launch_count; i++) {
        count += h.launches[i].launch.job_id == job;
    }
    return count;
}

GLY_TEST(fifo_serves_the_first_job_first) {
    harness_init(&h);
    harness_start(&h);
    submit(5, "gold", 3);
    submit(4, "", 10);
    harness_executor(&h, 0, "a", 4);
    GLY_CHECK_INT(running_of(5), 3);
    GLY_CHECK_INT(running_of(4), 1);
    harness_ok(&h, 0);
    GLY_CHECK_INT(running_of(4), 2);
    harness_stop(&h);
}

GLY_TEST(fair_shares_by_weight) {
    static const gly_scheduler_pool pools[] = {{GLY_STR("gold"), 3, 0, false},
                                               {GLY_STR("silver"), 1, 0, false}};
    harness_init(&h);
    h.options.is_fair = true;
    h.options.pools = pools;
    h.options.pool_count = 2;
    harness_start(&h);
    submit(1, "silver", 100);
    submit(2, "gold", 100);
    harness_executor(&h, 0, "a", 16);
    GLY_CHECK_INT(running_of(1), 4);
    GLY_CHECK_INT(running_of(2), 12);
    harness_stop(&h);
}

GLY_TEST(fair_fills_minimum_shares_first) {
    static const gly_scheduler_pool pools[] = {{GLY_STR("gold"), 100, 0, false},
                                               {GLY_STR("silver"), 1, 6, false}};
    harness_init(&h);
    h.options.is_fair = true;
    h.options.pools = pools;
    h.options.pool_count = 2;
    harness_start(&h);
    submit(1, "gold", 100);
    submit(2, "silver", 100);
    harness_executor(&h, 0, "a", 8);
    GLY_CHECK_INT(running_of(2), 6);
    GLY_CHECK_INT(running_of(1), 2);
    harness_stop(&h);
}

GLY_TEST(a_small_job_gets_its_share_of_a_busy_cluster) {
    harness_init(&h);
    h.options.is_fair = true;
    harness_start(&h);
    harness_executor(&h, 0, "a", 4);
    submit(1, "long", 100);
    submit(2, "short", 2); /* a pool nobody configured */
    GLY_CHECK_INT(running_of(2), 0);
    harness_ok(&h, 0);
    GLY_CHECK_INT(running_of(2), 1);
    harness_ok(&h, 1);
    GLY_CHECK_INT(running_of(2), 2);
    harness_ok(&h, 2);
    GLY_CHECK_INT(running_of(1), 5);
    harness_stop(&h);
}

GLY_TEST(inside_a_pool_fifo_or_fair) {
    static const gly_scheduler_pool pools[] = {{GLY_STR("even"), 1, 0, true}};
    harness_init(&h);
    h.options.is_fair = true;
    h.options.pools = pools;
    h.options.pool_count = 1;
    harness_start(&h);
    submit(1, "even", 100);
    submit(2, "even", 100);
    submit(3, "plain", 100);
    submit(4, "plain", 100);
    harness_executor(&h, 0, "a", 8);
    GLY_CHECK_INT(running_of(1), 2);
    GLY_CHECK_INT(running_of(2), 2);
    GLY_CHECK_INT(running_of(3), 4);
    GLY_CHECK_INT(running_of(4), 0);
    harness_stop(&h);
}

GLY_SUITE("pool", fifo_serves_the_first_job_first, fair_shares_by_weight,
          fair_fills_minimum_shares_first, a_small_job_gets_its_share_of_a_busy_cluster,
          inside_a_pool_fifo_or_fair)
