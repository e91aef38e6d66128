/* test_scheduler.c - the rules of stages and tasks, one at a time, through the façade. */
#include "tests/unit/driver/scheduler_harness.h"

static harness h; /* large; every test starts it anew */

static void start(uint32_t executors, uint32_t slots) {
    harness_init(&h);
    harness_start(&h);
    for (uint32_t i = 0; i < executors; i++) {
        harness_executor(&h, i, i % 2 == 0 ? "even" : "odd", slots);
    }
}

static const gly_scheduler_action *launch(uint32_t task) { return &h.launches[task]; }

GLY_TEST(parents_run_first_and_waves_fill_slots) {
    start(2, 2);
    harness_submit_two(&h, 7, 6, 3);
    GLY_CHECK_INT(h.launch_count, 4);
    GLY_CHECK_INT(harness_count(&h, GLY_SCHEDULER_STAGE_STARTED), 1);
    for (uint32_t i = 0; i < 6; i++) {
        GLY_CHECK_INT(launch(i)->launch.stage_index, 0);
        GLY_CHECK_INT(launch(i)->launch.partition, i);
        harness_ok(&h, i);
        GLY_CHECK_INT(h.launch_count, i < 2 ? 5 + i : i < 5 ? 6 : 9);
    }
    uint32_t count = 0;
    const gly_map_output *outputs = gly_scheduler_map_outputs(h.scheduler, 1, &count);
    GLY_CHECK_INT(count, 6);
    GLY_CHECK(outputs[5].is_available && gly_str_equal(outputs[5].bytes, GLY_STR("status")));
    GLY_CHECK_INT(launch(6)->launch.stage_index, 1);
    GLY_CHECK_INT(launch(6)->launch.job_id, 7);
    harness_ok(&h, 6);
    harness_ok(&h, 7);
    GLY_CHECK(!h.job_ended);
    harness_ok(&h, 8);
    GLY_CHECK(h.job_ended && h.job_status == GLY_OK);
    GLY_CHECK_INT(h.done_count, 3);
    gly_scheduler_load load = gly_scheduler_current_load(h.scheduler);
    GLY_CHECK_INT(load.free_slots, 4);
    GLY_CHECK_INT(load.active_jobs, 0);
    GLY_CHECK_INT(gly_event_bus_count(h.bus, GLY_EVENT_TASK_END), 9);
    GLY_CHECK(gly_scheduler_next_tick(h.scheduler) == INT64_MAX);
    harness_stop(&h);
}

GLY_TEST(stages_without_tasks_are_done_at_once) {
    start(1, 1);
    harness_submit_two(&h, 1, 0, 2);
    GLY_CHECK_INT(h.launch_count, 1);
    harness_ok(&h, 0);
    harness_ok(&h, 1);
    GLY_CHECK(h.job_ended && h.job_status == GLY_OK);
    gly_scheduler_stage nothing = {.stage_id = 9};
    harness_submit(&h, 2, &nothing, 1);
    GLY_CHECK(h.job_ended && h.job_status == GLY_OK);
    harness_stop(&h);
}

GLY_TEST(a_diamond_runs_each_stage_once) {
    start(1, 8);
    static const uint32_t first[] = {0}, both[] = {1, 2};
    gly_scheduler_stage stages[4] = {
        {.stage_id = 1, .is_shuffle_map = true, .shuffle_id = 1, .task_count = 1},
        {.stage_id = 2, .is_shuffle_map = true, .shuffle_id = 2, .task_count = 1},
        {.stage_id = 3, .is_shuffle_map = true, .shuffle_id = 3, .task_count = 1},
        {.stage_id = 4, .task_count = 1},
    };
    stages[1].parents = stages[2].parents = first;
    stages[1].parent_count = stages[2].parent_count = 1;
    stages[3].parents = both;
    stages[3].parent_count = 2;
    harness_submit(&h, 1, stages, 4);
    GLY_CHECK_INT(h.launch_count, 1);
    harness_ok(&h, 0);
    GLY_CHECK_INT(h.launch_count, 3); /* both sides at once */
    harness_ok(&h, 2);
    GLY_CHECK_INT(h.launch_count, 3);
    harness_ok(&h, 1);
    harness_ok(&h, 3);
    GLY_CHECK(h.job_ended && h.job_status == GLY_OK);
    GLY_CHECK_INT(h.launch_count, 4);
    harness_stop(&h);
}

GLY_TEST(a_task_that_fails_four_times_fails_its_job) {
    start(2, 1);
    gly_scheduler_stage stage = {.stage_id = 3, .task_count = 1};
    harness_submit(&h, 1, &stage, 1);
    for (uint32_t i = 0; i < 4; i++) {
        GLY_CHECK(!h.job_ended);
        GLY_CHECK_INT(h.launch_count, i + 1);
        GLY_CHECK_INT(launch(i)->launch.attempt, i);
        if (i > 0) { /* elsewhere */
            GLY_CHECK(launch(i)->launch.executor_id != launch(i - 1)->launch.executor_id);
        }
        harness_fail(&h, i, GLY_E_DISK_FULL, "no space left on /data");
    }
    GLY_CHECK(h.job_ended);
    GLY_CHECK_INT(h.job_status, GLY_E_DISK_FULL);
    GLY_CHECK(strstr(h.job_error, "partition 0 of stage 3 failed 4 times") != NULL);
    GLY_CHECK(strstr(h.job_error, "no space left on /data") != NULL);
    GLY_CHECK_INT(gly_scheduler_current_load(h.scheduler).free_slots, 2); /* the cluster is well */
    harness_stop(&h);
}

GLY_TEST(a_users_error_fails_at_once_in_its_own_words) {
    start(1, 3);
    gly_scheduler_stage stage = {.stage_id = 3, .task_count = 3};
    harness_submit(&h, 1, &stage, 1);
    harness_fail(&h, 1, GLY_E_DIVIDE_BY_ZERO, "divisor is zero in a / b");
    GLY_CHECK(h.job_ended);
    GLY_CHECK_INT(h.job_status, GLY_E_DIVIDE_BY_ZERO);
    GLY_CHECK_TEXT(h.job_error, "divisor is zero in a / b");
    GLY_CHECK(h.is_killed[0] && h.is_killed[2] && !h.is_killed[1]);
    /* The killed ones keep their slots until they say so. */
    GLY_CHECK_INT(gly_scheduler_current_load(h.scheduler).free_slots, 1);
    harness_killed(&h, 0);
    harness_ok(&h, 2); /* had finished before the kill came */
    GLY_CHECK_INT(gly_scheduler_current_load(h.scheduler).free_slots, 3);
    GLY_CHECK_INT(h.done_count, 0);
    harness_stop(&h);
}

GLY_TEST(a_failed_task_waits_a_little_for_another_executor) {
    start(2, 1);
    gly_scheduler_stage stage = {.stage_id = 3, .task_count = 2};
    harness_submit(&h, 1, &stage, 1);
    harness_fail(&h, 0, GLY_E_IO, "read error");
    GLY_CHECK_INT(h.launch_count, 2); /* its own executor is free, the other is busy */
    GLY_CHECK_INT(gly_scheduler_next_tick(h.scheduler), 1000);
    harness_tick(&h, 999);
    GLY_CHECK_INT(h.launch_count, 2);
    harness_tick(&h, 1000);
    GLY_CHECK_INT(h.launch_count, 3);
    GLY_CHECK_INT(launch(2)->launch.executor_id, launch(0)->launch.executor_id);
    harness_stop(&h);
}

/* Four maps, two on each of two executors; two reducers running. */
static void reach_reduce(void) {
    start(2, 2);
    harness_submit_two(&h, 1, 4, 4);
    for (uint32_t i = 0; i < 4; i++) {
        harness_ok(&h, i);
    }
    GLY_CHECK_INT(h.launch_count, 8);
}

GLY_TEST(a_fetch_failure_reruns_only_what_was_lost) {
    reach_reduce();
    harness_ok(&h, 4); /* reducer 0 is done */
    uint32_t lost = launch(0)->launch.executor_id;
    harness_fetch_failed(&h, 5, 0, lost);
    GLY_CHECK_INT(h.launch_count, 8); /* resubmitted a little later */
    GLY_CHECK(!h.is_killed[6] && !h.is_killed[7]);
    harness_fetch_failed(&h, 6, 0, lost); /* a sibling: the same loss, not a second one */
    GLY_CHECK_INT(gly_scheduler_next_tick(h.scheduler), 200);
    harness_tick(&h, 200);
    GLY_CHECK_INT(h.launch_count, 10); /* maps 0 and 2, and no reducer yet */
    harness_stop(&h);
}

GLY_TEST(after_a_fetch_failure_the_missing_reducers_run_in_a_new_attempt) {
    reach_reduce();
    harness_ok(&h, 4);
    uint32_t lost = launch(0)->launch.executor_id;
    uint32_t maps_lost = 0;
    for (uint32_t i = 0; i < 4; i++) {
        maps_lost += launch(i)->launch.executor_id == lost;
    }
    GLY_CHECK_INT(maps_lost, 2);
    harness_fetch_failed(&h, 5, 0, lost);
    harness_ok(&h, 6); /* the old attempt's results still count */
    harness_tick(&h, 200);
    GLY_CHECK_INT(h.launch_count, 10);
    GLY_CHECK_INT(launch(8)->launch.stage_index, 0);
    GLY_CHECK_INT(launch(8)->launch.stage_attempt, 1);
    harness_ok(&h, 8);
    harness_ok(&h, 9);
    GLY_CHECK_INT(h.launch_count, 12); /* reducers 1 and 3; 3 still runs in the old attempt */
    GLY_CHECK_INT(launch(10)->launch.stage_attempt, 1);
    GLY_CHECK_INT(launch(10)->launch.partition, 1);
    GLY_CHECK_INT(launch(11)->launch.partition, 3);
    harness_ok(&h, 7); /* ... and succeeds there: its copy is killed */
    GLY_CHECK(h.is_killed[11]);
    harness_ok(&h, 10);
    GLY_CHECK(h.job_ended && h.job_status == GLY_OK);
    GLY_CHECK_INT(h.done_count, 4);
    harness_stop(&h);
}

GLY_TEST(four_fetch_failed_attempts_in_a_row_fail_the_job) {
    start(1, 1);
    harness_submit_two(&h, 1, 1, 1);
    for (uint32_t i = 0; i < 4; i++) {
        harness_ok(&h, 2 * i);
        GLY_CHECK(!h.job_ended);
        GLY_CHECK_INT(launch(2 * i + 1)->launch.attempt, 0); /* not the task's failure */
        harness_fetch_failed(&h, 2 * i + 1, 0, 0);
        harness_tick(&h, h.now_ms + 200);
    }
    GLY_CHECK(h.job_ended);
    GLY_CHECK_INT(h.job_status, GLY_E_FETCH_FAILED);
    GLY_CHECK(strstr(h.job_error, "failed 4 times in a row") != NULL);
    GLY_CHECK(strstr(h.job_error, "connection refused") != NULL);
    harness_stop(&h);
}

GLY_TEST(a_map_output_older_than_the_loss_is_not_believed) {
    start(2, 2);
    static const uint32_t parents[] = {0};
    gly_scheduler_stage stages[2] = {
        {.stage_id = 1, .is_shuffle_map = true, .shuffle_id = 1, .task_count = 1},
        {.stage_id = 2, .task_count = 1, .parent_count = 1},
    };
    stages[1].parents = parents;
    harness_submit(&h, 1, stages, 2);
    harness_ok(&h, 0);
    uint32_t suspect = launch(0)->launch.executor_id;
    /* A second job's map tasks run, one on the suspect. */
    gly_scheduler_stage other[2] = {
        {.stage_id = 5, .is_shuffle_map = true, .shuffle_id = 5, .task_count = 3},
        {.stage_id = 6, .task_count = 1, .parent_count = 1},
    };
    other[1].parents = parents;
    harness_submit(&h, 2, other, 2);
    uint32_t on_suspect = UINT32_MAX, elsewhere = UINT32_MAX;
    for (uint32_t i = 2; i < h.launch_count; i++) {
        if (launch(i)->launch.executor_id == suspect) {
            on_suspect = i;
        } else {
            elsewhere = i;
        }
    }
    GLY_ASSERT(on_suspect != UINT32_MAX && elsewhere != UINT32_MAX);
    harness_fetch_failed(&h, 1, 0, suspect); /* its disk is gone, say */
    uint32_t before = h.launch_count;
    harness_ok(&h, on_suspect); /* started before that: its output may be gone, too */
    uint32_t count = 0;
    uint32_t partition = launch(on_suspect)->launch.partition;
    GLY_CHECK(!gly_scheduler_map_outputs(h.scheduler, 5, &count)[partition].is_available);
    GLY_CHECK_INT(h.launch_count, before + 1); /* again, and no failure */
    GLY_CHECK_INT(launch(before)->launch.partition, partition);
    harness_ok(&h, elsewhere);
    partition = launch(elsewhere)->launch.partition;
    GLY_CHECK(gly_scheduler_map_outputs(h.scheduler, 5, &count)[partition].is_available);
    harness_ok(&h, before); /* started after it */
    partition = launch(before)->launch.partition;
    GLY_CHECK(gly_scheduler_map_outputs(h.scheduler, 5, &count)[partition].is_available);
    harness_stop(&h);
}

GLY_TEST(old_news_of_an_executor_does_not_unregister_new_outputs) {
    reach_reduce();
    uint32_t lost = launch(0)->launch.executor_id;
    harness_fetch_failed(&h, 4, 0, lost);
    harness_tick(&h, 200);
    harness_ok(&h, 8); /* the one free slot is task 4's */
    harness_ok(&h, 9);
    GLY_CHECK_INT(launch(10)->launch.stage_index, 1);
    uint32_t count = 0, available = 0;
    uint64_t epoch = gly_scheduler_epoch(h.scheduler);
    harness_fetch_failed(&h, 5, 0, lost); /* of the old attempt, launched before the loss */
    const gly_map_output *outputs = gly_scheduler_map_outputs(h.scheduler, 1, &count);
    for (uint32_t i = 0; i < count; i++) {
        available += outputs[i].is_available;
    }
    GLY_CHECK_INT(available, 4);
    GLY_CHECK(gly_scheduler_epoch(h.scheduler) == epoch);
    harness_stop(&h);
}

GLY_TEST(a_lost_executor_costs_its_tasks_no_failure) {
    start(1, 1);
    gly_scheduler_stage stage = {.stage_id = 3, .task_count = 1};
    harness_submit(&h, 1, &stage, 1);
    for (uint32_t i = 1; i <= 10; i++) {
        harness_lose(&h, i - 1, false);
        GLY_CHECK(!h.job_ended);
        harness_executor(&h, i, "even", 1);
        GLY_CHECK_INT(h.launch_count, i + 1);
    }
    harness_ok(&h, 3); /* a zombie executor's late result */
    GLY_CHECK(!h.job_ended);
    harness_ok(&h, 10);
    GLY_CHECK(h.job_ended && h.job_status == GLY_OK);
    GLY_CHECK_INT(h.done_count, 1);
    harness_stop(&h);
}

GLY_TEST(a_task_that_kills_its_executor_is_counted) {
    start(1, 1);
    gly_scheduler_stage stage = {.stage_id = 3, .task_count = 1};
    harness_submit(&h, 1, &stage, 1);
    for (uint32_t i = 1; i <= 4; i++) {
        GLY_CHECK(!h.job_ended);
        harness_executor(&h, i, "even", 1);
        harness_lose(&h, i - 1, true);
    }
    GLY_CHECK(h.job_ended);
    GLY_CHECK_INT(h.job_status, GLY_E_EXECUTOR_LOST);
    GLY_CHECK(strstr(h.job_error, "exit status 137") != NULL);
    harness_stop(&h);
}

GLY_TEST(losing_an_executor_in_the_reduce_stage_reruns_its_maps) {
    reach_reduce();
    harness_lose(&h, 0, false);
    GLY_CHECK_INT(h.launch_count, 8); /* executor 1 is full of the old attempt's reducers */
    GLY_CHECK_INT(gly_event_bus_count(h.bus, GLY_EVENT_OUTPUTS_LOST), 1);
    uint32_t on_one[2], count = 0;
    for (uint32_t i = 4; i < 8; i++) {
        if (launch(i)->launch.executor_id == 1) {
            on_one[count++] = i;
        }
    }
    harness_ok(&h, on_one[0]); /* it had fetched all it needed */
    GLY_CHECK_INT(h.done_count, 1);
    GLY_CHECK_INT(launch(8)->launch.stage_index, 0);
    harness_ok(&h, on_one[1]);
    harness_ok(&h, 8);
    GLY_CHECK_INT(launch(9)->launch.stage_index, 0);
    harness_ok(&h, 9);
    GLY_CHECK_INT(h.launch_count, 12);
    GLY_CHECK_INT(launch(10)->launch.stage_attempt, 1);
    harness_ok(&h, 10);
    harness_ok(&h, 11);
    GLY_CHECK(h.job_ended && h.job_status == GLY_OK);
    GLY_CHECK_INT(h.done_count, 4);
    harness_stop(&h);
}

GLY_TEST(outputs_lost_while_the_map_stage_runs_are_made_again_in_it) {
    start(2, 1);
    harness_submit_two(&h, 1, 3, 1);
    harness_ok(&h, 0);
    harness_lose(&h, launch(0)->launch.executor_id, false);
    harness_ok(&h, 1);
    while (!h.job_ended && h.launch_count < 20) {
        GLY_CHECK_INT(launch(h.launch_count - 1)->launch.stage_attempt, 0);
        harness_ok(&h, h.launch_count - 1);
    }
    GLY_CHECK(h.job_ended && h.job_status == GLY_OK);
    GLY_CHECK_INT(h.launch_count, 3 + 2 + 1); /* 0 and the running 2 again, and the reducer */
    harness_stop(&h);
}

GLY_TEST(duplicates_and_strangers_are_ignored) {
    start(2, 1);
    gly_scheduler_stage stage = {.stage_id = 3, .task_count = 3};
    harness_submit(&h, 1, &stage, 1);
    gly_scheduler_event event = harness_end(&h, 0, GLY_TASK_END_OK);
    event.finished.executor_id = 77;
    harness_step(&h, &event);
    GLY_CHECK_INT(h.done_count, 0);
    harness_ok(&h, 0);
    harness_ok(&h, 0);
    GLY_CHECK_INT(h.done_count, 1);
    event.finished.task_id = 123456;
    harness_step(&h, &event);
    harness_lose(&h, 55, true);
    GLY_CHECK_INT(h.count, 0);
    harness_executor(&h, 1, "odd", 4);
    GLY_CHECK_INT(harness_count(&h, GLY_SCHEDULER_EXECUTOR_REFUSED), 1);
    GLY_CHECK_INT(gly_scheduler_current_load(h.scheduler).total_slots, 2);
    harness_stop(&h);
}

GLY_TEST(a_cancelled_job_kills_its_tasks_and_no_others) {
    start(1, 4);
    gly_scheduler_stage stage = {.stage_id = 3, .task_count = 2};
    harness_submit(&h, 1, &stage, 1);
    stage.stage_id = 4;
    harness_submit(&h, 2, &stage, 1);
    gly_scheduler_event event = {.kind = GLY_SCHEDULER_JOB_CANCELLED};
    event.cancelled.job_id = 1;
    event.cancelled.reason = GLY_STR("cancelled by the user");
    harness_step(&h, &event);
    GLY_CHECK(h.job_ended);
    GLY_CHECK_INT(h.job_status, GLY_E_CANCELLED);
    GLY_CHECK_TEXT(h.job_error, "cancelled by the user");
    GLY_CHECK(h.is_killed[0] && h.is_killed[1] && !h.is_killed[2] && !h.is_killed[3]);
    harness_step(&h, &event); /* again */
    GLY_CHECK_INT(h.count, 0);
    harness_stop(&h);
}

GLY_TEST(a_second_job_skips_what_the_first_has_computed) {
    start(1, 4);
    harness_submit_two(&h, 1, 2, 1);
    for (uint32_t i = 0; i < 3; i++) {
        harness_ok(&h, i);
    }
    harness_submit_two(&h, 2, 2, 1);
    GLY_CHECK_INT(h.launch_count, 4);
    GLY_CHECK_INT(launch(3)->launch.stage_index, 1);
    harness_ok(&h, 3);
    GLY_CHECK(h.job_ended);
    gly_scheduler_event event = {.kind = GLY_SCHEDULER_SHUFFLE_REMOVED};
    event.shuffle.shuffle_id = 1;
    harness_step(&h, &event);
    uint32_t count = 0;
    GLY_CHECK(gly_scheduler_map_outputs(h.scheduler, 1, &count) == NULL);
    harness_stop(&h);
}

GLY_TEST(jobs_that_share_a_running_shuffle_run_it_once) {
    start(1, 2);
    harness_submit_two(&h, 1, 2, 1);
    harness_submit_two(&h, 2, 2, 1);
    GLY_CHECK_INT(h.launch_count, 2);
    gly_scheduler_event event = {.kind = GLY_SCHEDULER_JOB_CANCELLED};
    event.cancelled.job_id = 1;
    harness_step(&h, &event);
    GLY_CHECK(!h.is_killed[0]); /* the other job wants it */
    harness_ok(&h, 0);
    harness_ok(&h, 1);
    GLY_CHECK_INT(launch(2)->launch.job_id, 2);
    h.job_ended = false;
    harness_ok(&h, 2);
    GLY_CHECK(h.job_ended && h.job_status == GLY_OK);
    harness_stop(&h);
}

GLY_TEST(a_job_may_want_map_outputs_only) {
    start(1, 2);
    gly_scheduler_stage stage = {
        .stage_id = 1, .is_shuffle_map = true, .shuffle_id = 1, .task_count = 2};
    harness_submit(&h, 1, &stage, 1);
    harness_ok(&h, 0);
    harness_ok(&h, 1);
    GLY_CHECK(h.job_ended && h.job_status == GLY_OK);
    GLY_CHECK_INT(h.done_count, 0);
    harness_submit(&h, 2, &stage, 1);
    GLY_CHECK(h.job_ended && h.launch_count == 2);
    harness_stop(&h);
}

GLY_TEST(a_task_that_always_kills_its_executor_fails_the_job) {
    /* Each death loses the map output, too, so that the reader starts a new attempt every time. */
    start(1, 1);
    harness_submit_two(&h, 1, 1, 1);
    uint32_t executor = 0;
    for (; executor < 10 && !h.job_ended; executor++) {
        harness_ok(&h, h.launch_count - 1); /* the map task, again */
        GLY_CHECK_INT(launch(h.launch_count - 1)->launch.stage_index, 1);
        harness_lose(&h, executor, true);
        harness_executor(&h, executor + 1, "even", 1);
        harness_tick(&h, h.now_ms + 2000);
    }
    GLY_CHECK(h.job_ended && h.job_status == GLY_E_EXECUTOR_LOST);
    GLY_CHECK_INT(executor, 4);
    GLY_CHECK(strstr(h.job_error, "failed 4 times") != NULL);
    harness_stop(&h);
}

GLY_TEST(outputs_made_again_are_counted) {
    start(2, 1);
    harness_submit_two(&h, 1, 4, 1);
    for (uint32_t i = 0; i < 4; i++) {
        harness_ok(&h, i);
    }
    GLY_CHECK_INT(gly_scheduler_current_load(h.scheduler).recomputed_tasks, 0);
    uint32_t lost = 0, count = 0;
    const gly_map_output *outputs = gly_scheduler_map_outputs(h.scheduler, 1, &count);
    for (uint32_t i = 0; i < count; i++) {
        lost += outputs[i].executor_id == 0;
    }
    harness_lose(&h, 0, false);
    for (uint32_t i = 4; i < h.launch_count && !h.job_ended; i++) {
        if (launch(i)->launch.executor_id == 1) {
            harness_ok(&h, i);
        }
    }
    GLY_CHECK(lost > 0 && h.job_ended && h.job_status == GLY_OK);
    GLY_CHECK_INT(gly_scheduler_current_load(h.scheduler).recomputed_tasks, lost);
    for (size_t i = 0; i < h.count; i++) {
        if (h.actions[i].kind == GLY_SCHEDULER_JOB_FINISHED) {
            GLY_CHECK_INT(h.actions[i].job.recomputed_tasks, lost);
        }
    }
    harness_stop(&h);
}

GLY_TEST(fetch_failures_at_executors_that_leave_are_nobodys) {
    start(2, 1);
    gly_scheduler_event event = {.kind = GLY_SCHEDULER_EXECUTOR_DECOMMISSIONING};
    harness_submit_two(&h, 1, 2, 1);
    harness_ok(&h, 0);
    harness_ok(&h, 1);
    event.decommissioning.executor_id = 0;
    harness_step(&h, &event);
    event = (gly_scheduler_event){.kind = GLY_SCHEDULER_MAP_OUTPUT_MOVED};
    uint32_t count = 0;
    const gly_map_output *outputs = gly_scheduler_map_outputs(h.scheduler, 1, &count);
    event.moved.map_partition = outputs[0].executor_id == 0 ? 0 : 1;
    event.moved.shuffle_id = 1;
    event.moved.to_executor_id = 1;
    event.moved.map_output = GLY_STR("moved");
    harness_step(&h, &event);
    if (launch(2)->launch.executor_id == 0) { /* the reader began there; it may end elsewhere */
        harness_killed(&h, 2);
    }
    for (int i = 0; i < 6; i++) { /* more often than attempts may fail in a row */
        uint32_t reader = h.launch_count - 1;
        GLY_CHECK_INT(launch(reader)->launch.stage_index, 1);
        harness_fetch_failed(&h, reader, 0, 0); /* it had not heard of the move */
        GLY_CHECK(!h.job_ended);
        harness_tick(&h, h.now_ms + 200);
    }
    harness_ok(&h, h.launch_count - 1);
    GLY_CHECK(h.job_ended && h.job_status == GLY_OK);
    GLY_CHECK_INT(gly_scheduler_current_load(h.scheduler).recomputed_tasks, 0);
    harness_stop(&h);
}

GLY_TEST(a_drained_executor_leaves_without_any_recompute) {
    start(2, 2);
    harness_submit_two(&h, 1, 4, 2);
    gly_scheduler_event event = {.kind = GLY_SCHEDULER_EXECUTOR_DECOMMISSIONING};
    event.decommissioning.executor_id = 0;
    harness_step(&h, &event);
    for (uint32_t i = 0; i < 4; i++) { /* what runs may finish */
        harness_ok(&h, i);
    }
    for (uint32_t i = 4; i < h.launch_count; i++) {
        GLY_CHECK_INT(launch(i)->launch.executor_id, 1);
    }
    uint64_t epoch = gly_scheduler_epoch(h.scheduler);
    for (uint32_t i = 0; i < 4; i++) {
        event = (gly_scheduler_event){.kind = GLY_SCHEDULER_MAP_OUTPUT_MOVED};
        event.moved.shuffle_id = 1;
        event.moved.map_partition = i;
        event.moved.to_executor_id = 1;
        event.moved.map_output = GLY_STR("moved");
        harness_step(&h, &event);
    }
    GLY_CHECK(gly_scheduler_epoch(h.scheduler) > epoch);
    harness_lose(&h, 0, false);
    harness_ok(&h, 4);
    harness_ok(&h, 5);
    GLY_CHECK(h.job_ended && h.job_status == GLY_OK);
    GLY_CHECK_INT(h.launch_count, 6);
    GLY_CHECK_INT(gly_event_bus_count(h.bus, GLY_EVENT_OUTPUTS_LOST), 0);
    harness_stop(&h);
}

GLY_TEST(without_hope_for_executors_jobs_fail) {
    start(1, 1);
    gly_scheduler_stage stage = {.stage_id = 3, .task_count = 2};
    harness_submit(&h, 1, &stage, 1);
    gly_scheduler_event event = {.kind = GLY_SCHEDULER_NO_EXECUTORS};
    event.no_executors.message = GLY_STR("three executors in a row did not start: bad image");
    harness_step(&h, &event);
    GLY_CHECK(!h.job_ended); /* one is alive */
    harness_lose(&h, 0, false);
    GLY_CHECK(!h.job_ended);
    harness_step(&h, &event);
    GLY_CHECK(h.job_ended);
    GLY_CHECK_INT(h.job_status, GLY_E_EXECUTOR_START);
    GLY_CHECK_TEXT(h.job_error, "three executors in a row did not start: bad image");
    harness_submit(&h, 2, &stage, 1);
    GLY_CHECK(h.job_ended); /* later ones, too ... */
    harness_executor(&h, 9, "even", 1);
    harness_submit(&h, 3, &stage, 1);
    GLY_CHECK(!h.job_ended); /* ... until one comes */
    harness_stop(&h);
}

/* An indeterminate map stage (1 task) read by a result stage of 2 tasks on other slots. */
static void reach_indeterminate(void) {
    start(2, 1);
    static const uint32_t parents[] = {0};
    gly_scheduler_stage stages[2] = {
        {.stage_id = 1, .is_shuffle_map = true, .shuffle_id = 1, .task_count = 2},
        {.stage_id = 2, .task_count = 2, .parent_count = 1},
    };
    stages[0].is_indeterminate = true;
    stages[1].parents = parents;
    harness_submit(&h, 1, stages, 2);
    harness_ok(&h, 0);
    harness_ok(&h, 1);
    GLY_CHECK_INT(h.launch_count, 4);
}

GLY_TEST(an_indeterminate_stage_is_run_again_whole) {
    reach_indeterminate();
    harness_lose(&h, 0, false);
    uint32_t running = launch(2)->launch.executor_id == 1 ? 2 : 3;
    GLY_CHECK(h.is_killed[running]); /* it read the old rows */
    harness_ok(&h, running);         /* and its result is refused */
    GLY_CHECK_INT(h.done_count, 0);
    while (!h.job_ended && h.launch_count < 20) {
        harness_ok(&h, h.launch_count - 1);
    }
    GLY_CHECK(h.job_status == GLY_OK);
    GLY_CHECK_INT(h.launch_count, 4 + 2 + 2);
    GLY_CHECK_INT(h.done_count, 2);
    harness_stop(&h);
}

GLY_TEST(results_of_an_indeterminate_stage_are_never_mixed) {
    reach_indeterminate();
    harness_ok(&h, launch(2)->launch.executor_id == 1 ? 2 : 3);
    GLY_CHECK_INT(h.done_count, 1); /* the user has it */
    harness_lose(&h, 0, false);
    GLY_CHECK(h.job_ended);
    GLY_CHECK_INT(h.job_status, GLY_E_STAGE_FAILED);
    harness_stop(&h);
}

GLY_TEST(wide_tasks_take_their_slots_and_do_not_starve) {
    start(1, 4);
    gly_scheduler_stage first = {.stage_id = 1, .task_count = 2, .width = 3};
    gly_scheduler_stage second = {.stage_id = 2, .task_count = 20};
    harness_submit(&h, 1, &first, 1);
    GLY_CHECK_INT(h.launch_count, 1);
    GLY_CHECK_INT(launch(0)->launch.width, 3);
    harness_submit(&h, 2, &second, 1);
    GLY_CHECK_INT(h.launch_count, 1); /* the free slot is held for the first job's second task */
    harness_ok(&h, 0);
    GLY_CHECK_INT(h.launch_count, 3);
    GLY_CHECK_INT(launch(1)->launch.job_id, 1);
    GLY_CHECK_INT(launch(2)->launch.job_id, 2);
    gly_scheduler_stage giant = {.stage_id = 3, .task_count = 1, .width = 64};
    harness_submit(&h, 3, &giant, 1); /* more than any executor has: takes all of one */
    for (uint32_t i = 1; i < h.launch_count; i++) {
        harness_ok(&h, i);
    }
    GLY_CHECK_INT(launch(h.launch_count - 1)->launch.job_id, 3);
    GLY_CHECK_INT(launch(h.launch_count - 1)->launch.width, 4);
    harness_stop(&h);
}

GLY_TEST(slots_held_for_a_task_that_found_room_elsewhere_are_offered_again) {
    start(1, 4);
    harness_executor(&h, 1, "odd", 4);
    gly_scheduler_stage fill = {.stage_id = 1, .task_count = 1, .width = 3};
    harness_submit(&h, 1, &fill, 1);
    gly_scheduler_stage both[2] = {{.stage_id = 2, .task_count = 1, .width = 3}};
    harness_submit(&h, 2, both, 1);
    gly_scheduler_stage rest = {.stage_id = 3, .task_count = 2};
    harness_submit(&h, 3, &rest, 1);
    GLY_CHECK_INT(h.launch_count, 4);
    GLY_CHECK_INT(gly_scheduler_current_load(h.scheduler).free_slots, 0);
    harness_stop(&h);
}

/* One executor of two slots and a stage of 400 tasks of 1 ms, of which `done` have ended. */
static void reach_ahead(uint32_t launch_ahead, uint32_t done) {
    harness_init(&h);
    h.options.launch_ahead = launch_ahead;
    harness_start(&h);
    harness_executor(&h, 0, "even", 2);
    gly_scheduler_stage stage = {.stage_id = 3, .task_count = 400};
    harness_submit(&h, 1, &stage, 1);
    for (uint32_t i = 0; i < done; i++) {
        harness_ok(&h, i);
        GLY_CHECK(h.launch_count - (i + 1) <= 2 + 2 * launch_ahead);
        GLY_CHECK(i + 1 >= 64 || h.launch_count - (i + 1) == 2); /* it has to know them first */
    }
}

GLY_TEST(short_tasks_are_sent_ahead) {
    reach_ahead(4, 100);
    GLY_CHECK(h.launch_count >= 100 + 2 + 4);
    for (uint32_t i = 100; i < 400; i++) {
        harness_ok(&h, i);
        GLY_CHECK_INT(gly_scheduler_current_load(h.scheduler).free_slots, i < 398 ? 0 : i - 397);
    }
    GLY_CHECK(h.job_ended && h.job_status == GLY_OK);
    GLY_CHECK_INT(h.launch_count, 400);
    harness_stop(&h);
    reach_ahead(0, 100); /* off */
    GLY_CHECK_INT(h.launch_count, 102);
    harness_stop(&h);
}

GLY_TEST(the_last_tasks_are_not_sent_ahead) {
    reach_ahead(4, 395);
    GLY_CHECK_INT(h.launch_count, 397);
    harness_stop(&h);
}

GLY_TEST(tasks_sent_ahead_return_when_their_executor_is_lost_or_the_job_ends) {
    reach_ahead(4, 100);
    uint32_t before = h.launch_count;
    harness_lose(&h, 0, false);
    GLY_CHECK_INT(gly_scheduler_current_load(h.scheduler).pending_tasks, 300);
    harness_executor(&h, 1, "odd", 3);
    GLY_CHECK_INT(h.launch_count, before + 3);
    harness_stop(&h);
    reach_ahead(4, 100);
    gly_scheduler_event event = {.kind = GLY_SCHEDULER_JOB_CANCELLED};
    event.cancelled.job_id = 1;
    harness_step(&h, &event);
    for (uint32_t i = h.launch_count; i-- > 100;) {
        GLY_CHECK(h.is_killed[i]);
        harness_killed(&h, i);
    }
    gly_scheduler_load load = gly_scheduler_current_load(h.scheduler);
    GLY_CHECK(load.free_slots == 2 && load.running_tasks == 0);
    harness_stop(&h);
}

static bool may_commit(uint64_t task_id) {
    gly_scheduler_event event = {.kind = GLY_SCHEDULER_COMMIT_REQUESTED};
    event.commit.task_id = task_id;
    event.commit.executor_id = h.launches[task_id].launch.executor_id;
    harness_step(&h, &event);
    GLY_CHECK_INT(h.count, 1);
    return h.actions[0].commit.allowed;
}

GLY_TEST(one_attempt_may_commit) {
    harness_init(&h);
    h.options.speculation = true;
    harness_start(&h);
    harness_executor(&h, 0, "even", 4);
    harness_executor(&h, 1, "odd", 4);
    gly_scheduler_stage stage = {.stage_id = 3, .task_count = 4};
    harness_submit(&h, 1, &stage, 1);
    h.now_ms = 100;
    harness_ok(&h, 0);
    harness_ok(&h, 1);
    harness_ok(&h, 2);
    harness_tick(&h, 1000);
    GLY_CHECK_INT(h.launch_count, 5);
    GLY_CHECK(launch(4)->launch.speculative);
    GLY_CHECK(may_commit(4));
    GLY_CHECK(!may_commit(3));
    GLY_CHECK(may_commit(4)); /* asked twice */
    harness_fail(&h, 4, GLY_E_IO, "disk");
    GLY_CHECK(may_commit(3)); /* the right is free again */
    harness_ok(&h, 3);
    GLY_CHECK(!may_commit(3));
    GLY_CHECK(h.job_ended && h.job_status == GLY_OK);
    harness_stop(&h);
}

GLY_TEST(a_stage_sums_every_partition_once) {
    reach_reduce();
    harness_lose(&h, 0, false); /* two maps run again */
    uint64_t rows = 0;
    for (uint32_t i = 4; !h.job_ended && i < 40; i++) {
        harness_ok(&h, i);
        for (size_t a = 0; a < h.count; a++) {
            if (h.actions[a].kind == GLY_SCHEDULER_STAGE_COMPLETED && h.actions[a].stage.ok) {
                rows = h.actions[a].stage.accumulators->values[GLY_TASK_NUMBER_OUTPUT_ROWS];
            }
        }
        GLY_CHECK(rows == 0 || rows == 40);
    }
    GLY_CHECK(h.job_ended && h.job_status == GLY_OK && rows == 40);
    harness_stop(&h);
}

GLY_SUITE("scheduler", a_task_that_always_kills_its_executor_fails_the_job,
          outputs_made_again_are_counted, fetch_failures_at_executors_that_leave_are_nobodys,
          parents_run_first_and_waves_fill_slots, stages_without_tasks_are_done_at_once,
          a_diamond_runs_each_stage_once, a_task_that_fails_four_times_fails_its_job,
          a_users_error_fails_at_once_in_its_own_words,
          a_failed_task_waits_a_little_for_another_executor,
          a_fetch_failure_reruns_only_what_was_lost,
          after_a_fetch_failure_the_missing_reducers_run_in_a_new_attempt,
          four_fetch_failed_attempts_in_a_row_fail_the_job,
          a_map_output_older_than_the_loss_is_not_believed,
          old_news_of_an_executor_does_not_unregister_new_outputs,
          a_lost_executor_costs_its_tasks_no_failure, a_task_that_kills_its_executor_is_counted,
          losing_an_executor_in_the_reduce_stage_reruns_its_maps,
          outputs_lost_while_the_map_stage_runs_are_made_again_in_it,
          duplicates_and_strangers_are_ignored, a_cancelled_job_kills_its_tasks_and_no_others,
          a_second_job_skips_what_the_first_has_computed,
          jobs_that_share_a_running_shuffle_run_it_once, a_job_may_want_map_outputs_only,
          a_drained_executor_leaves_without_any_recompute, without_hope_for_executors_jobs_fail,
          an_indeterminate_stage_is_run_again_whole,
          results_of_an_indeterminate_stage_are_never_mixed,
          wide_tasks_take_their_slots_and_do_not_starve,
          slots_held_for_a_task_that_found_room_elsewhere_are_offered_again,
          short_tasks_are_sent_ahead, the_last_tasks_are_not_sent_ahead,
          tasks_sent_ahead_return_when_their_executor_is_lost_or_the_job_ends,
          one_attempt_may_commit, a_stage_sums_every_partition_once)
