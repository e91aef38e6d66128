/* test_plan_codec.c - plans survive the wire; hostile bytes do not hurt. */
#include "lib/plan/explain.h"
#include "lib/plan/plan_check.h"
#include "lib/plan/plan_codec.h"
#include "tests/support/check.h"
#include "tests/support/plan_samples.h"

static gly_builder encode(const gly_physical *plan) {
    gly_builder bytes = {0};
    gly_plan_codec_encode(plan, &bytes);
    return bytes;
}

static void check_round_trip(gly_arena *arena, const gly_physical *plan) {
    gly_error err = {0};
    gly_physical *back = NULL;
    gly_builder first = encode(plan);
    GLY_CHECK_OK(gly_plan_codec_decode(arena, gly_builder_str(&first), &back, &err), &err);
    gly_builder second = encode(back);
    GLY_CHECK_INT(second.size, first.size);
    GLY_CHECK(gly_str_equal(gly_builder_str(&first), gly_builder_str(&second)));
    gly_builder text = {0}, back_text = {0};
    gly_explain_formatted(plan, &text);
    gly_explain_formatted(back, &back_text);
    GLY_CHECK_TEXT(back_text.data, text.data);
    gly_builder_clear(&first);
    gly_builder_clear(&second);
    gly_builder_clear(&text);
    gly_builder_clear(&back_text);
}

GLY_TEST(every_kind_survives) {
    for (int kind = 0; kind < GLY_PHYSICAL_COUNT; kind++) {
        gly_arena *arena = gly_arena_make();
        gly_error err = {0};
        gly_physical *node = gly_plan_samples_node(arena, (gly_physical_kind)kind);
        GLY_CHECK(node != NULL);
        (void)gly_physical_number(node, 1);
        GLY_CHECK_OK(gly_plan_check(node, &err), &err);
        check_round_trip(arena, node);
        gly_arena_free(arena);
    }
}

GLY_TEST(values_survive_exactly) {
    gly_arena *arena = gly_arena_make();
    gly_error err = {0};
    gly_physical *node = gly_plan_samples_node(arena, GLY_PHYSICAL_VALUES), *back = NULL;
    gly_builder bytes = encode(node);
    GLY_CHECK_OK(gly_plan_codec_decode(arena, gly_builder_str(&bytes), &back, &err), &err);
    for (uint32_t r = 0; r < node->values.row_count; r++) {
        for (uint32_t c = 0; c < node->schema.field_count; c++) {
            GLY_CHECK(gly_value_equal(&node->values.rows[r][c], &back->values.rows[r][c]));
        }
    }
    gly_builder_clear(&bytes);
    gly_arena_free(arena);
}

GLY_TEST(shared_nodes_stay_shared) {
    gly_arena *arena = gly_arena_make();
    gly_error err = {0};
    gly_physical *node = gly_plan_samples_node(arena, GLY_PHYSICAL_UNION), *back = NULL;
    gly_builder bytes = encode(node);
    GLY_CHECK_OK(gly_plan_codec_decode(arena, gly_builder_str(&bytes), &back, &err), &err);
    GLY_CHECK(back->children[0] == back->children[1]);
    gly_physical *project = gly_plan_samples_node(arena, GLY_PHYSICAL_PROJECT);
    gly_builder_reset(&bytes);
    gly_plan_codec_encode(project, &bytes);
    GLY_CHECK_OK(gly_plan_codec_decode(arena, gly_builder_str(&bytes), &back, &err), &err);
    GLY_CHECK(back->project.exprs[1]->args[0] == back->project.exprs[1]->args[1]);
    GLY_CHECK_INT(back->project.exprs[1]->line, 3);
    GLY_CHECK_INT(back->project.exprs[1]->position, 14);
    gly_builder_clear(&bytes);
    gly_arena_free(arena);
}

GLY_TEST(a_deep_expression_needs_no_stack) {
    gly_arena *arena = gly_arena_make();
    gly_error err = {0};
    gly_physical *node = gly_plan_samples_node(arena, GLY_PHYSICAL_FILTER), *back = NULL;
    gly_expr *deep = node->filter.condition;
    for (int i = 0; i < 3000; i++) {
        gly_expr **args = GLY_ARENA_ARRAY(arena, gly_expr *, 1);
        args[0] = deep;
        deep = gly_expr_call(arena, GLY_FN_NOT, GLY_TYPE_OF(BOOLEAN), true, 1, args);
    }
    node->filter.condition = deep;
    gly_builder bytes = encode(node);
    GLY_CHECK_OK(gly_plan_codec_decode(arena, gly_builder_str(&bytes), &back, &err), &err);
    gly_builder_clear(&bytes);
    gly_arena_free(arena);
}

GLY_TEST(an_expression_that_explodes_is_refused) {
    gly_arena *arena = gly_arena_make();
    gly_error err = {0};
    gly_physical *node = gly_plan_samples_node(arena, GLY_PHYSICAL_PROJECT), *back = NULL;
    gly_expr *sum = node->project.exprs[1];
    for (int i = 0; i < 60; i++) { /* x + x, of that twice, ...: 2^60 when written out */
        gly_expr **args = GLY_ARENA_ARRAY(arena, gly_expr *, 2);
        args[0] = args[1] = sum;
        sum = gly_expr_call(arena, GLY_FN_ADD, GLY_TYPE_OF(BIGINT), true, 2, args);
    }
    node->project.exprs[1] = sum;
    gly_builder bytes = encode(node);
    GLY_CHECK_INT(gly_plan_codec_decode(arena, gly_builder_str(&bytes), &back, &err),
                  GLY_E_PROTOCOL);
    gly_builder_clear(&bytes);
    gly_arena_free(arena);
}

GLY_TEST(every_truncation_is_refused) {
    gly_arena *arena = gly_arena_make();
    gly_builder bytes = encode(gly_plan_samples_query(arena));
    for (size_t size = 0; size < bytes.size; size++) {
        gly_arena *scratch = gly_arena_make();
        gly_physical *back = NULL;
        gly_error err = {0};
        gly_status status =
            gly_plan_codec_decode(scratch, (gly_str){bytes.data, size}, &back, &err);
        GLY_CHECK_INT(status, GLY_E_PROTOCOL);
        GLY_CHECK(err.message[0] != '\0');
        gly_arena_free(scratch);
    }
    gly_builder_clear(&bytes);
    gly_arena_free(arena);
}

static void explain_away(const gly_physical *plan) {
    gly_builder text = {0};
    gly_explain_formatted(plan, &text);
    gly_builder_clear(&text);
}

GLY_TEST(changed_bytes_never_crash) {
    gly_arena *arena = gly_arena_make();
    uint64_t seed = 7;
    for (int kind = 0; kind < GLY_PHYSICAL_COUNT; kind++) {
        gly_builder bytes = encode(gly_plan_samples_node(arena, (gly_physical_kind)kind));
        char *copy = malloc(bytes.size);
        for (int round = 0; round < 3000; round++) {
            memcpy(copy, bytes.data, bytes.size);
            for (int change = 0; change <= round % 3; change++) {
                seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
                copy[(seed >> 33) % bytes.size] ^= (char)(1 << (seed >> 60) % 8);
            }
            gly_arena *scratch = gly_arena_make();
            gly_physical *back = NULL;
            if (gly_plan_codec_decode(scratch, (gly_str){copy, bytes.size}, &back, NULL) ==
                GLY_OK) {
                explain_away(back);
            }
            gly_arena_free(scratch);
        }
        free(copy);
        gly_builder_clear(&bytes);
    }
    gly_arena_free(arena);
}

GLY_TEST(another_build_is_told_so) {
    gly_arena *arena = gly_arena_make();
    gly_error err = {0};
    gly_physical *back = NULL;
    gly_builder bytes = encode(gly_plan_samples_query(arena));
    bytes.data[4]++;
    GLY_CHECK_INT(gly_plan_codec_decode(arena, gly_builder_str(&bytes), &back, &err),
                  GLY_E_PROTOCOL);
    GLY_CHECK(strstr(err.message, "another build") != NULL);
    gly_builder_clear(&bytes);
    gly_arena_free(arena);
}

/* Plans that decode but do not fit together. */
static void check_refused(gly_arena *arena, const gly_physical *plan, const char *word) {
    gly_error err = {0};
    gly_physical *back = NULL;
    gly_builder bytes = encode(plan);
    GLY_CHECK_INT(gly_plan_codec_decode(arena, gly_builder_str(&bytes), &back, &err),
                  GLY_E_PROTOCOL);
    if (strstr(err.message, word) == NULL) {
        fprintf(stderr, "'%s' has no '%s'\n", err.message, word);
        GLY_CHECK(false);
    }
    gly_builder_clear(&bytes);
}

GLY_TEST(plans_that_do_not_fit_are_refused) {
    gly_arena *arena = gly_arena_make();
    gly_physical *node = gly_plan_samples_node(arena, GLY_PHYSICAL_FILTER);
    node->filter.condition->args[0]->column = 3;
    check_refused(arena, node, "column 3");
    node = gly_plan_samples_scan(arena);
    node->scan.splits[2].file = 2;
    check_refused(arena, node, "split 2");
    node = gly_plan_samples_scan(arena);
    node->scan.first_split[1] = 4;
    check_refused(arena, node, "not in order");
    node = gly_plan_samples_scan(arena);
    node->scan.fields[1] = 4;
    check_refused(arena, node, "file column 4");
    node = gly_plan_samples_node(arena, GLY_PHYSICAL_HASH_JOIN);
    node->join.build_keys[0]->type = GLY_TYPE_OF(INT);
    check_refused(arena, node, "HashJoin");
    node = gly_plan_samples_node(arena, GLY_PHYSICAL_HASH_JOIN);
    node->join.kind = GLY_JOIN_SEMI;
    check_refused(arena, node, "kind");
    node = gly_plan_samples_node(arena, GLY_PHYSICAL_AGGREGATE);
    node->schema.fields[1].type = GLY_TYPE_OF(INT);
    check_refused(arena, node, "aggregate 0");
    node = gly_plan_samples_node(arena, GLY_PHYSICAL_RANGE);
    node->range.step = 0;
    check_refused(arena, node, "step");
    node = gly_plan_samples_node(arena, GLY_PHYSICAL_LIMIT);
    node->partition_count = 0;
    check_refused(arena, node, "no partitions");
    node = gly_plan_samples_node(arena, GLY_PHYSICAL_EXCHANGE);
    node->exchange.partitioning.partition_count = 0;
    check_refused(arena, node, "partitioning");
    gly_arena_free(arena);
}

GLY_SUITE("plan_codec", every_kind_survives, values_survive_exactly, shared_nodes_stay_shared,
          a_deep_expression_needs_no_stack, an_expression_that_explodes_is_refused,
          every_truncation_is_refused, changed_bytes_never_crash, another_build_is_told_so,
          plans_that_do_not_fit_are_refused)
