/* test_split_stages.c - plans cut at exchanges. */
#include "driver/scheduler/split_stages.h"
#include "lib/plan/explain.h"
#include "lib/plan/plan_check.h"
#include "tests/support/check.h"
#include "tests/support/plan_samples.h"

GLY_TEST(a_chain_of_exchanges_is_a_chain_of_stages) {
    gly_arena *arena = gly_arena_make();
    gly_physical *root = gly_plan_samples_query(arena);
    gly_builder before = {0}, after = {0};
    gly_explain_formatted(root, &before);
    uint32_t next = 10, count = 0;
    gly_stage_plan *stages = NULL;
    GLY_CHECK_INT(gly_split_stages_count(root), 2);
    gly_split_stages(arena, root, &next, &count, &stages);
    GLY_CHECK_INT(next, 12);
    GLY_CHECK_INT(count, 3);
    GLY_CHECK_INT(stages[0].shuffle_id, 10);
    GLY_CHECK_INT(stages[0].task_count, 2); /* the scan's partitions */
    GLY_CHECK_INT(stages[0].parent_count, 0);
    GLY_CHECK_INT(stages[0].plan->kind, GLY_PHYSICAL_SHUFFLE_WRITE);
    GLY_CHECK_INT(stages[0].plan->exchange.partitioning.partition_count, 4);
    GLY_CHECK_INT(stages[1].task_count, 4);
    GLY_CHECK_INT(stages[1].parent_count, 1);
    GLY_CHECK_INT(stages[1].parents[0], 0);
    GLY_CHECK_INT(stages[1].parent_shuffle_ids[0], 10);
    GLY_CHECK_INT(stages[2].task_count, 1);
    GLY_CHECK(stages[2].is_result);
    GLY_CHECK_INT(stages[2].shuffle_id, 0);
    GLY_CHECK_INT(stages[2].parents[0], 1);
    for (uint32_t i = 0; i < count; i++) {
        gly_error err = {0};
        GLY_CHECK_INT(stages[i].stage, i);
        GLY_CHECK_OK(gly_plan_check(stages[i].plan, &err), &err);
    }
    gly_explain_formatted(root, &after);
    GLY_CHECK_TEXT(after.data, before.data); /* the plan itself is as it was */
    gly_builder_clear(&before);
    gly_builder_clear(&after);
    gly_arena_free(arena);
}

GLY_TEST(no_exchange_is_one_stage) {
    gly_arena *arena = gly_arena_make();
    gly_physical *root = gly_plan_samples_node(arena, GLY_PHYSICAL_RESULT);
    uint32_t next = 1, count = 0;
    gly_stage_plan *stages = NULL;
    gly_split_stages(arena, root, &next, &count, &stages);
    GLY_CHECK_INT(count, 1);
    GLY_CHECK_INT(next, 1);
    GLY_CHECK(stages[0].plan == root);
    GLY_CHECK(stages[0].is_result);
    gly_arena_free(arena);
}

GLY_TEST(a_shared_exchange_is_one_stage_read_twice) {
    gly_arena *arena = gly_arena_make();
    gly_physical *both = gly_physical_make(arena, GLY_PHYSICAL_UNION, 2);
    gly_physical *exchange = gly_plan_samples_node(arena, GLY_PHYSICAL_EXCHANGE);
    both->children[0] = both->children[1] = exchange;
    both->schema = exchange->schema;
    both->partition_count = 16;
    gly_physical *root = gly_physical_make(arena, GLY_PHYSICAL_RESULT, 1);
    root->children[0] = both;
    root->schema = both->schema;
    root->partition_count = 16;
    (void)gly_physical_number(root, 1);
    uint32_t next = 1, count = 0;
    gly_stage_plan *stages = NULL;
    GLY_CHECK_INT(gly_split_stages_count(root), 1);
    gly_split_stages(arena, root, &next, &count, &stages);
    GLY_CHECK_INT(count, 2);
    GLY_CHECK_INT(stages[1].parent_count, 1);
    gly_physical *result = stages[1].plan->children[0];
    GLY_CHECK_INT(result->children[0]->kind, GLY_PHYSICAL_SHUFFLE_READ);
    GLY_CHECK_INT(result->children[0]->shuffle_read.shuffle_id, stages[0].shuffle_id);
    GLY_CHECK_INT(result->children[1]->shuffle_read.shuffle_id, stages[0].shuffle_id);
    GLY_CHECK_INT(result->children[0]->id, exchange->id);
    gly_arena_free(arena);
}

GLY_TEST(a_broadcast_is_one_partition_for_all) {
    gly_arena *arena = gly_arena_make();
    gly_physical *join = gly_plan_samples_node(arena, GLY_PHYSICAL_HASH_JOIN);
    join->children[1] = gly_plan_samples_exchange(arena, join->children[1],
                                                  GLY_PARTITIONING_BROADCAST, 1);
    gly_physical *root = gly_physical_make(arena, GLY_PHYSICAL_RESULT, 1);
    root->children[0] = join;
    root->schema = join->schema;
    root->partition_count = join->partition_count;
    (void)gly_physical_number(root, 1);
    uint32_t next = 1, count = 0;
    gly_stage_plan *stages = NULL;
    gly_split_stages(arena, root, &next, &count, &stages);
    GLY_CHECK_INT(count, 2);
    GLY_CHECK(stages[0].is_broadcast);
    GLY_CHECK_INT(stages[0].task_count, 2);
    GLY_CHECK_INT(stages[0].plan->exchange.partitioning.partition_count, 1);
    GLY_CHECK(!stages[1].is_broadcast);
    GLY_CHECK_INT(stages[1].task_count, 2);
    GLY_CHECK(stages[1].plan->children[0]->children[1]->shuffle_read.is_broadcast);
    gly_arena_free(arena);
}

GLY_TEST(a_thousand_exchanges_below_each_other) {
    gly_arena *arena = gly_arena_make();
    gly_physical *node = gly_plan_samples_scan(arena);
    for (int i = 0; i < 1000; i++) {
        node = gly_plan_samples_exchange(arena, node, GLY_PARTITIONING_ROUND_ROBIN, 3);
    }
    gly_physical *root = gly_physical_make(arena, GLY_PHYSICAL_RESULT, 1);
    root->children[0] = node;
    root->schema = node->schema;
    root->partition_count = 3;
    (void)gly_physical_number(root, 1);
    uint32_t next = 1, count = 0;
    gly_stage_plan *stages = NULL;
    gly_split_stages(arena, root, &next, &count, &stages);
    GLY_CHECK_INT(count, 1001);
    for (uint32_t i = 1; i < count; i++) {
        GLY_CHECK_INT(stages[i].parents[0], i - 1);
    }
    gly_arena_free(arena);
}

GLY_SUITE("split_stages", a_chain_of_exchanges_is_a_chain_of_stages, no_exchange_is_one_stage,
          a_shared_exchange_is_one_stage_read_twice, a_broadcast_is_one_partition_for_all,
          a_thousand_exchanges_below_each_other)
