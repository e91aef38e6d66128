/* test_accumulators.c - sums and maxima, once for each partition. */
#include "driver/scheduler/accumulators.h"
#include "tests/support/check.h"

GLY_TEST(merges_each_partition_once) {
    gly_accumulators sum;
    gly_accumulators_init(&sum, 3);
    gly_operator_rows first[] = {{4, 10}, {2, 5}}, second[] = {{2, 7}, {9, 1}};
    gly_task_numbers numbers = {.operator_count = 2, .operators = first};
    numbers.values[GLY_TASK_NUMBER_INPUT_ROWS] = 100;
    numbers.values[GLY_TASK_NUMBER_PEAK_MEMORY_BYTES] = 50;
    GLY_CHECK(gly_accumulators_merge(&sum, 0, &numbers));
    GLY_CHECK(!gly_accumulators_merge(&sum, 0, &numbers));
    numbers.operators = second;
    numbers.values[GLY_TASK_NUMBER_PEAK_MEMORY_BYTES] = 30;
    GLY_CHECK(gly_accumulators_merge(&sum, 2, &numbers));
    GLY_CHECK(gly_accumulators_merge(&sum, 1, NULL));
    GLY_CHECK_INT(sum.values[GLY_TASK_NUMBER_INPUT_ROWS], 200);
    GLY_CHECK_INT(sum.values[GLY_TASK_NUMBER_PEAK_MEMORY_BYTES], 50);
    GLY_CHECK_INT(sum.merged_count, 3);
    GLY_CHECK_INT(sum.operators.count, 3);
    GLY_CHECK(sum.operators.items[1].node_id == 2 && sum.operators.items[1].rows == 12);
    gly_accumulators_clear(&sum);
}

GLY_TEST(every_number_has_a_key) {
    for (int i = 0; i < GLY_TASK_NUMBER_COUNT; i++) {
        GLY_CHECK(strlen(gly_accumulators_key((gly_task_number)i)) > 1);
    }
    GLY_CHECK_TEXT(gly_accumulators_key(GLY_TASK_NUMBER_RUN_NS), "runNs");
    GLY_CHECK_TEXT(gly_accumulators_key(GLY_TASK_NUMBER_COUNT), "?");
}

GLY_SUITE("accumulators", merges_each_partition_once, every_number_has_a_key)
