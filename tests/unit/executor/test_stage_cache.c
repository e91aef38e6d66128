/* test_stage_cache.c - stages come once, are decoded once, and go with their last user. */
#include "executor/stage_cache.h"

#include "tests/support/check.h"

static void put(gly_stage_cache *cache, uint64_t query_id, uint32_t stage_id, uint32_t attempt,
                gly_str plan, uint32_t shuffle_id, gly_str map_status) {
    gly_arena *arena = gly_arena_make();
    Galley__StagePlan *message = GLY_ARENA_NEW(arena, Galley__StagePlan);
    galley__stage_plan__init(message);
    message->query_id = query_id;
    message->stage_id = stage_id;
    message->stage_attempt = attempt;
    plan = gly_arena_str(arena, plan);
    message->plan = (ProtobufCBinaryData){plan.size, (uint8_t *)(uintptr_t)plan.data};
    message->shuffle_id = shuffle_id;
    if (map_status.size > 0) {
        map_status = gly_arena_str(arena, map_status);
        Galley__StageInput *input = GLY_ARENA_NEW(arena, Galley__StageInput);
        galley__stage_input__init(input);
        input->shuffle_id = 3;
        input->n_map_statuses = 1;
        input->map_statuses = GLY_ARENA_NEW(arena, ProtobufCBinaryData);
        input->map_statuses[0] =
            (ProtobufCBinaryData){map_status.size, (uint8_t *)(uintptr_t)map_status.data};
        message->n_inputs = 1;
        message->inputs = gly_arena_copy(arena, &input, sizeof input);
    }
    gly_stage_cache_put(cache, arena, message);
}

static const gly_str none = {"", 0};

GLY_TEST(finds_drops_and_keeps_for_users) {
    gly_error error;
    gly_stage_cache *cache = gly_stage_cache_make();
    put(cache, 1, 0, 0, none, 10, none);
    put(cache, 1, 0, 1, none, 11, none);
    put(cache, 1, 1, 0, none, 12, none);
    put(cache, 2, 0, 0, none, 13, none);
    put(cache, 2, 0, 0, none, 99, none); /* known: ignored */
    gly_stage *stage = gly_stage_cache_get(cache, 2, 0, 0);
    const gly_stage_plan *plan, *again;
    GLY_CHECK_OK(gly_stage_cache_plan(stage, &plan, &error), &error);
    GLY_CHECK_INT(plan->shuffle_id, 13);
    GLY_CHECK_OK(gly_stage_cache_plan(stage, &again, &error), &error);
    GLY_CHECK(plan == again);
    gly_stage_cache_drop_query(cache, 2);
    GLY_CHECK(gly_stage_cache_get(cache, 2, 0, 0) == NULL);
    GLY_CHECK_INT(plan->shuffle_id, 13); /* still ours */
    gly_stage_cache_unref(stage);
    gly_stage_cache_drop_stage(cache, 1, 0, 0);
    GLY_CHECK(gly_stage_cache_get(cache, 1, 0, 0) == NULL);
    stage = gly_stage_cache_get(cache, 1, 0, 1);
    GLY_CHECK(stage != NULL);
    gly_stage_cache_free(cache);
    GLY_CHECK_OK(gly_stage_cache_plan(stage, &plan, &error), &error);
    GLY_CHECK_INT(plan->shuffle_id, 11);
    gly_stage_cache_unref(stage);
    gly_stage_cache_unref(NULL);
}

GLY_TEST(decodes_map_statuses) {
    gly_error error;
    uint64_t offsets[] = {0, 5, 9};
    gly_map_status map = {.map_partition = 4,
                          .executor_id = GLY_STR("1"),
                          .host_id = GLY_STR("h"),
                          .endpoint = GLY_STR("e:1"),
                          .path = GLY_STR("/p"),
                          .partition_count = 2,
                          .offsets = offsets};
    gly_builder bytes = {0};
    gly_map_status_encode(&map, &bytes);
    gly_stage_cache *cache = gly_stage_cache_make();
    put(cache, 1, 0, 0, none, 0, gly_builder_str(&bytes));
    put(cache, 1, 1, 0, none, 0, (gly_str){bytes.data, bytes.size / 2});
    gly_stage *stage = gly_stage_cache_get(cache, 1, 0, 0);
    const gly_stage_plan *plan;
    GLY_CHECK_OK(gly_stage_cache_plan(stage, &plan, &error), &error);
    GLY_CHECK_INT(plan->input_count, 1);
    GLY_CHECK_INT(plan->inputs[0].shuffle_id, 3);
    GLY_CHECK_INT(plan->inputs[0].maps[0].offsets[2], 9);
    gly_stage_cache_unref(stage);
    stage = gly_stage_cache_get(cache, 1, 1, 0);
    GLY_CHECK(gly_stage_cache_plan(stage, &plan, &error) != GLY_OK);
    GLY_CHECK(strstr(error.message, "input 0 of stage 1") != NULL);
    gly_stage_cache_unref(stage);
    gly_builder_clear(&bytes);
    gly_stage_cache_free(cache);
}

GLY_TEST(a_bad_plan_fails_each_time_the_same) {
    gly_stage_cache *cache = gly_stage_cache_make();
    put(cache, 1, 0, 0, GLY_STR("this is no plan"), 0, none);
    gly_stage *stage = gly_stage_cache_get(cache, 1, 0, 0);
    gly_error first = {0}, second = {0};
    const gly_stage_plan *plan;
    GLY_CHECK(gly_stage_cache_plan(stage, &plan, &first) != GLY_OK);
    GLY_CHECK(gly_stage_cache_plan(stage, &plan, &second) == first.status);
    GLY_CHECK_TEXT(first.message, second.message);
    gly_stage_cache_unref(stage);
    gly_stage_cache_free(cache);
}

GLY_SUITE("stage cache", finds_drops_and_keeps_for_users, decodes_map_statuses,
          a_bad_plan_fails_each_time_the_same)
