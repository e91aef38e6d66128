/* test_map_output_tracker.c - registering, losing and moving map outputs. */
#include "driver/scheduler/map_output_tracker.h"
#include "tests/support/check.h"

typedef struct lost_list {
    uint32_t count, shuffles[8], partitions[8];
} lost_list;

static void note(void *context, uint32_t shuffle_id, uint32_t map_partition) {
    lost_list *list = context;
    list->shuffles[list->count] = shuffle_id;
    list->partitions[list->count++] = map_partition;
}

static gly_map_output_tracker *make(void) {
    gly_map_output_tracker *tracker = gly_map_output_tracker_make();
    gly_map_output_tracker_add_shuffle(tracker, 9, 3);
    gly_map_output_tracker_add_shuffle(tracker, 4, 2);
    for (uint32_t p = 0; p < 3; p++) {
        GLY_CHECK(gly_map_output_tracker_register(tracker, 9, p, p % 2, 100 + p, GLY_STR("x")));
    }
    GLY_CHECK(gly_map_output_tracker_register(tracker, 4, 1, 0, 200, GLY_STR("")));
    return tracker;
}

GLY_TEST(counts_what_is_missing) {
    gly_map_output_tracker *tracker = make();
    GLY_CHECK_INT(gly_map_output_tracker_missing(tracker, 9), 0);
    GLY_CHECK_INT(gly_map_output_tracker_missing(tracker, 4), 1);
    GLY_CHECK(gly_map_output_tracker_has(tracker, 4, 1) &&
              !gly_map_output_tracker_has(tracker, 4, 0));
    GLY_CHECK(!gly_map_output_tracker_has(tracker, 4, 99) &&
              !gly_map_output_tracker_has(tracker, 77, 0));
    /* The first output stays; unknown places are refused. */
    GLY_CHECK(!gly_map_output_tracker_register(tracker, 9, 0, 5, 300, GLY_STR("y")));
    GLY_CHECK(!gly_map_output_tracker_register(tracker, 9, 3, 5, 300, GLY_STR("y")));
    GLY_CHECK(!gly_map_output_tracker_register(tracker, 1, 0, 5, 300, GLY_STR("y")));
    gly_map_output_tracker_add_shuffle(tracker, 9, 3); /* known: kept */
    GLY_CHECK_INT(gly_map_output_tracker_missing(tracker, 9), 0);
    gly_map_output_tracker_free(tracker);
}

GLY_TEST(a_lost_executor_takes_its_outputs) {
    gly_map_output_tracker *tracker = make();
    uint64_t epoch = gly_map_output_tracker_epoch(tracker);
    lost_list list = {0};
    GLY_CHECK_INT(gly_map_output_tracker_lose_executor(tracker, 0, note, &list), 3);
    GLY_CHECK(gly_map_output_tracker_epoch(tracker) > epoch);
    GLY_CHECK_INT(list.count, 3);
    GLY_CHECK(list.shuffles[0] == 9 && list.partitions[0] == 0);
    GLY_CHECK(list.shuffles[1] == 9 && list.partitions[1] == 2);
    GLY_CHECK(list.shuffles[2] == 4 && list.partitions[2] == 1);
    GLY_CHECK_INT(gly_map_output_tracker_missing(tracker, 9), 2);
    GLY_CHECK(gly_map_output_tracker_has(tracker, 9, 1));
    GLY_CHECK_INT(gly_map_output_tracker_lose_executor(tracker, 0, NULL, NULL), 0);
    GLY_CHECK(gly_map_output_tracker_register(tracker, 9, 0, 3, 400, GLY_STR("again")));
    gly_map_output_tracker_free(tracker);
}

GLY_TEST(outputs_move_if_the_giver_holds_them) {
    gly_map_output_tracker *tracker = make();
    uint64_t epoch = gly_map_output_tracker_epoch(tracker);
    GLY_CHECK(!gly_map_output_tracker_move(tracker, 9, 0, 1, 2, GLY_STR("z")));
    GLY_CHECK(!gly_map_output_tracker_move(tracker, 4, 0, 0, 2, GLY_STR("z")));
    GLY_CHECK(gly_map_output_tracker_epoch(tracker) == epoch);
    GLY_CHECK(gly_map_output_tracker_move(tracker, 9, 0, 0, 2, GLY_STR("z")));
    GLY_CHECK(gly_map_output_tracker_epoch(tracker) > epoch);
    uint32_t count = 0;
    const gly_map_output *outputs = gly_map_output_tracker_outputs(tracker, 9, &count);
    GLY_CHECK_INT(count, 3);
    GLY_CHECK(outputs[0].executor_id == 2 && gly_str_equal(outputs[0].bytes, GLY_STR("z")));
    GLY_CHECK_INT(outputs[0].task_id, 100);
    gly_map_output_tracker_free(tracker);
}

GLY_TEST(shuffles_are_forgotten) {
    gly_map_output_tracker *tracker = make();
    gly_map_output_tracker_count_attempt(tracker, 9);
    GLY_CHECK_INT(gly_map_output_tracker_attempts(tracker, 9), 1);
    GLY_CHECK_INT(gly_map_output_tracker_lose_shuffle(tracker, 9), 3);
    GLY_CHECK_INT(gly_map_output_tracker_lose_shuffle(tracker, 1234), 0);
    gly_map_output_tracker_remove_shuffle(tracker, 9);
    gly_map_output_tracker_remove_shuffle(tracker, 9);
    GLY_CHECK(!gly_map_output_tracker_knows(tracker, 9));
    uint32_t count = 7;
    GLY_CHECK(gly_map_output_tracker_outputs(tracker, 9, &count) == NULL && count == 0);
    GLY_CHECK_INT(gly_map_output_tracker_attempts(tracker, 9), 0);
    gly_map_output_tracker_free(tracker);
    gly_map_output_tracker_free(NULL);
}

GLY_SUITE("map_output_tracker", counts_what_is_missing, a_lost_executor_takes_its_outputs,
          outputs_move_if_the_giver_holds_them, shuffles_are_forgotten)
