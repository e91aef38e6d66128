/* test_locality.c - delay scheduling: how long a task waits for its place. */
#include "tests/unit/driver/scheduler_harness.h"

static harness h;

static const gly_str host_a = {"a", 1}, host_b = {"b", 1};

static void submit_preferring(uint32_t tasks, gly_scheduler_preference preference) {
    gly_scheduler_preference *preferences = GLY_NEW_ARRAY(gly_scheduler_preference, tasks);
    for (uint32_t i = 0; i < tasks; i++) {
        preferences[i] = preference;
    }
    gly_scheduler_stage stage = {.stage_id = 1, .task_count = tasks};
    stage.preferences = preferences;
    harness_submit(&h, 1, &stage, 1);
    free(preferences);
}

GLY_TEST(a_task_goes_where_its_data_is) {
    harness_init(&h);
    harness_start(&h);
    harness_executor(&h, 0, "a", 1);
    harness_executor(&h, 1, "b", 1);
    submit_preferring(1, (gly_scheduler_preference){0, NULL, 1, &host_b});
    GLY_CHECK_INT(h.launch_count, 1);
    GLY_CHECK_INT(h.launches[0].launch.executor_id, 1);
    GLY_CHECK_INT(h.launches[0].launch.locality, GLY_LOCALITY_NODE);
    harness_stop(&h);
}

GLY_TEST(it_waits_three_seconds_and_then_takes_any) {
    harness_init(&h);
    harness_start(&h);
    harness_executor(&h, 0, "a", 1);
    harness_executor(&h, 1, "b", 1);
    h.now_ms = 1000;
    submit_preferring(2, (gly_scheduler_preference){0, NULL, 1, &host_b});
    GLY_CHECK_INT(h.launch_count, 1);
    GLY_CHECK_INT(gly_scheduler_next_tick(h.scheduler), 4000);
    harness_tick(&h, 3999);
    GLY_CHECK_INT(h.launch_count, 1);
    harness_tick(&h, 4000);
    GLY_CHECK_INT(h.launch_count, 2);
    GLY_CHECK_INT(h.launches[1].launch.executor_id, 0);
    GLY_CHECK_INT(h.launches[1].launch.locality, GLY_LOCALITY_ANY);
    harness_stop(&h);
}

GLY_TEST(a_place_that_becomes_free_in_time_is_taken) {
    harness_init(&h);
    harness_start(&h);
    harness_executor(&h, 0, "a", 1);
    harness_executor(&h, 1, "b", 1);
    submit_preferring(2, (gly_scheduler_preference){0, NULL, 1, &host_b});
    h.now_ms = 500;
    harness_ok(&h, 0);
    GLY_CHECK_INT(h.launch_count, 2);
    GLY_CHECK_INT(h.launches[1].launch.executor_id, 1);
    GLY_CHECK_INT(h.launches[1].launch.locality, GLY_LOCALITY_NODE);
    harness_stop(&h);
}

GLY_TEST(levels_are_tried_in_order_each_with_its_wait) {
    harness_init(&h);
    h.options.locality_wait_ms[GLY_LOCALITY_PROCESS] = 100;
    h.options.locality_wait_ms[GLY_LOCALITY_NODE] = 1000;
    harness_start(&h);
    harness_executor(&h, 0, "a", 1);
    harness_executor(&h, 1, "a", 1);
    harness_executor(&h, 2, "b", 1);
    static const uint32_t cached_on[] = {0};
    submit_preferring(3, (gly_scheduler_preference){1, cached_on, 0, NULL});
    GLY_CHECK_INT(h.launch_count, 1);
    GLY_CHECK_INT(h.launches[0].launch.executor_id, 0);
    GLY_CHECK_INT(h.launches[0].launch.locality, GLY_LOCALITY_PROCESS);
    harness_tick(&h, 100);
    GLY_CHECK_INT(h.launch_count, 2);
    GLY_CHECK_INT(h.launches[1].launch.executor_id, 1); /* same host */
    GLY_CHECK_INT(h.launches[1].launch.locality, GLY_LOCALITY_NODE);
    harness_tick(&h, 1099);
    GLY_CHECK_INT(h.launch_count, 2);
    harness_tick(&h, 1100);
    GLY_CHECK_INT(h.launch_count, 3);
    GLY_CHECK_INT(h.launches[2].launch.executor_id, 2);
    harness_stop(&h);
}

GLY_TEST(racks_count) {
    harness_init(&h);
    harness_start(&h);
    static const char *const hosts[] = {"a", "b", "c"};
    for (uint32_t i = 0; i < 3; i++) {
        gly_scheduler_event event = {.kind = GLY_SCHEDULER_EXECUTOR_REGISTERED};
        event.registered.executor_id = i;
        event.registered.host = gly_str_of(hosts[i]);
        event.registered.rack = i < 2 ? GLY_STR("left") : GLY_STR("right");
        event.registered.slots = 1;
        harness_step(&h, &event);
    }
    submit_preferring(3, (gly_scheduler_preference){0, NULL, 1, &host_a});
    GLY_CHECK_INT(h.launch_count, 1);
    harness_tick(&h, 3000);
    GLY_CHECK_INT(h.launch_count, 2);
    GLY_CHECK_INT(h.launches[1].launch.executor_id, 1);
    GLY_CHECK_INT(h.launches[1].launch.locality, GLY_LOCALITY_RACK);
    harness_tick(&h, 6000);
    GLY_CHECK_INT(h.launch_count, 3);
    GLY_CHECK_INT(h.launches[2].launch.locality, GLY_LOCALITY_ANY);
    harness_stop(&h);
}

GLY_TEST(who_wants_a_host_that_is_not_there_does_not_wait) {
    harness_init(&h);
    harness_start(&h);
    harness_executor(&h, 0, "a", 1);
    submit_preferring(1, (gly_scheduler_preference){0, NULL, 1, &host_b});
    GLY_CHECK_INT(h.launch_count, 1);
    harness_stop(&h);
}

GLY_TEST(a_host_that_comes_is_used_and_one_that_goes_is_forgotten) {
    harness_init(&h);
    harness_start(&h);
    submit_preferring(3, (gly_scheduler_preference){0, NULL, 1, &host_b});
    harness_executor(&h, 0, "b", 1);
    GLY_CHECK_INT(h.launches[0].launch.locality, GLY_LOCALITY_NODE);
    harness_executor(&h, 1, "a", 1);
    GLY_CHECK_INT(h.launch_count, 1); /* waits for b */
    harness_lose(&h, 0, false);       /* which goes: no reason to wait */
    GLY_CHECK_INT(h.launch_count, 2);
    GLY_CHECK_INT(h.launches[1].launch.executor_id, 1);
    harness_stop(&h);
}

GLY_TEST(tasks_without_preferences_never_wait) {
    harness_init(&h);
    harness_start(&h);
    harness_executor(&h, 0, "a", 2);
    harness_executor(&h, 1, "b", 1);
    gly_scheduler_preference preferences[3] = {{0, NULL, 1, &host_b}, {0, NULL, 1, &host_b}};
    gly_scheduler_stage stage = {.stage_id = 1, .task_count = 3, .preferences = preferences};
    harness_submit(&h, 1, &stage, 1);
    GLY_CHECK_INT(h.launch_count, 2);
    GLY_CHECK_INT(h.launches[1].launch.partition, 2);
    GLY_CHECK_INT(h.launches[1].launch.locality, GLY_LOCALITY_NO_PREF);
    GLY_CHECK_TEXT(gly_scheduler_locality_name(h.launches[0].launch.locality), "NODE_LOCAL");
    harness_stop(&h);
}

GLY_TEST(a_lost_preferred_executor_is_no_preference) {
    harness_init(&h);
    harness_start(&h);
    harness_executor(&h, 0, "a", 1);
    harness_executor(&h, 1, "b", 1);
    harness_lose(&h, 1, false);
    static const uint32_t cached_on[] = {1};
    submit_preferring(1, (gly_scheduler_preference){1, cached_on, 0, NULL});
    GLY_CHECK_INT(h.launch_count, 1);
    GLY_CHECK(host_a.size == 1);
    harness_stop(&h);
}

GLY_SUITE("locality", a_task_goes_where_its_data_is, it_waits_three_seconds_and_then_takes_any,
          a_place_that_becomes_free_in_time_is_taken, levels_are_tried_in_order_each_with_its_wait,
          racks_count, who_wants_a_host_that_is_not_there_does_not_wait,
          a_host_that_comes_is_used_and_one_that_goes_is_forgotten,
          tasks_without_preferences_never_wait, a_lost_preferred_executor_is_no_preference)
