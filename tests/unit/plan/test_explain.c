/* test_explain.c - plans as people read them. */
#include "lib/plan/explain.h"
#include "tests/support/check.h"
#include "tests/support/plan_samples.h"

static void check_physical(const gly_physical *plan, const char *expected) {
    gly_builder text = {0};
    gly_explain_physical(plan, &text);
    GLY_CHECK_TEXT(text.data, expected);
    gly_builder_clear(&text);
}

GLY_TEST(a_query_is_a_tree) {
    gly_arena *arena = gly_arena_make();
    check_physical(gly_plan_samples_query(arena),
                   "== Physical Plan ==\n"
                   "Sort [k ASC NULLS FIRST]\n"
                   "+- Exchange SinglePartition\n"
                   "   +- HashAggregate(keys=[k], functions=[sum(v)])\n"
                   "      +- Exchange hashpartitioning(k, 4)\n"
                   "         +- HashAggregate(keys=[k], functions=[partial_sum(v)])\n"
                   "            +- FileScan parquet t [k,v,s] PushedFilters: [(k > 5)]\n");
    gly_arena_free(arena);
}

GLY_TEST(joins_have_two_branches_in_the_order_of_the_text) {
    gly_arena *arena = gly_arena_make();
    gly_physical *join = gly_plan_samples_node(arena, GLY_PHYSICAL_HASH_JOIN);
    gly_physical *left = gly_physical_make(arena, GLY_PHYSICAL_LIMIT, 1);
    left->children[0] = join->children[1];
    left->schema = join->children[1]->schema;
    left->partition_count = 2;
    left->limit.limit = 7;
    join->children[1] = left; /* built, and the left of the text: the join is flipped */
    check_physical(join,
                   "== Physical Plan ==\n"
                   "BroadcastHashJoin [k], [k], RightOuter, BuildLeft, (v < v)\n"
                   ":- Limit 7\n"
                   ":  +- FileScan parquet t [k,v,s] PushedFilters: [(k > 5)]\n"
                   "+- FileScan parquet t [k,v,s] PushedFilters: [(k > 5)]\n");
    gly_arena_free(arena);
}

GLY_TEST(every_kind_has_a_line) {
    static const struct {
        gly_physical_kind kind;
        const char *line;
    } lines[] = {
        {GLY_PHYSICAL_CACHED, "InMemoryTableScan c [id]"},
        {GLY_PHYSICAL_VALUES, "LocalTableScan [a, b, c, d, e, f], 2 rows"},
        {GLY_PHYSICAL_RANGE, "Range (-5, 100, step=3, splits=3)"},
        {GLY_PHYSICAL_FILTER, "Filter (k > 5)"},
        {GLY_PHYSICAL_PROJECT, "Project [v, (k + k) AS twice, try_cast(s as int) AS n]"},
        {GLY_PHYSICAL_NESTED_JOIN, "BroadcastNestedLoopJoin BuildRight, LeftOuter, (v < v)"},
        {GLY_PHYSICAL_TOPN,
         "TakeOrdered(limit=10, orderBy=[v DESC NULLS LAST, k ASC NULLS FIRST])"},
        {GLY_PHYSICAL_LIMIT, "Limit 5, Offset 2"},
        {GLY_PHYSICAL_UNION, "Union"},
        {GLY_PHYSICAL_SHUFFLE_WRITE, "ShuffleWrite RoundRobinPartitioning(5)"},
        {GLY_PHYSICAL_SHUFFLE_READ, "ShuffleRead 12, broadcast"},
        {GLY_PHYSICAL_FILE_WRITE, "WriteFiles /out, parquet, Overwrite"},
        {GLY_PHYSICAL_CACHE_WRITE, "InMemoryTableWrite c"},
    };
    gly_arena *arena = gly_arena_make();
    for (size_t i = 0; i < GLY_ARRAY_LEN(lines); i++) {
        gly_builder text = {0};
        gly_explain_physical(gly_plan_samples_node(arena, lines[i].kind), &text);
        char *line = strchr(text.data, '\n') + 1;
        *strchr(line, '\n') = '\0';
        GLY_CHECK_TEXT(line, lines[i].line);
        gly_builder_clear(&text);
    }
    gly_arena_free(arena);
}

GLY_TEST(formatted_has_a_paragraph_for_each_node) {
    gly_arena *arena = gly_arena_make();
    gly_builder text = {0};
    gly_explain_formatted(gly_plan_samples_query(arena), &text);
    GLY_CHECK(strstr(text.data, "Sort (2)\n+- Exchange (3)\n") != NULL);
    GLY_CHECK(strstr(text.data, "\n(7) FileScan parquet t\n"
                                "Output [3]: [k, v, s]\n"
                                "Location: 2 files, 300 B [/data/t/dt=2024-01-01/f.parquet, ...]\n"
                                "PushedFilters: [(k > 5)]\n"
                                "ReadSchema: struct<k:bigint,v:double,s:string>\n"
                                "Partitions: 2\n"
                                "Estimated rows: 1,000\n") != NULL);
    GLY_CHECK(strstr(text.data, "\n(4) HashAggregate\n") != NULL);
    gly_builder_clear(&text);
    gly_arena_free(arena);
}

static void note_id(void *context, const gly_physical *node, gly_builder *out) {
    (*(int *)context)++;
    gly_builder_format(out, " <%u>", node->id);
}

GLY_TEST(annotations_follow_the_line) {
    gly_arena *arena = gly_arena_make();
    gly_builder text = {0};
    int calls = 0;
    gly_explain_annotated(gly_plan_samples_query(arena), note_id, &calls, &text);
    GLY_CHECK_INT(calls, 6);
    GLY_CHECK(strstr(text.data, "Exchange SinglePartition <3>\n") != NULL);
    gly_builder_clear(&text);
    gly_arena_free(arena);
}

GLY_TEST(a_shared_exchange_is_shown_once) {
    gly_arena *arena = gly_arena_make();
    gly_physical *both = gly_physical_make(arena, GLY_PHYSICAL_UNION, 2);
    gly_physical *exchange = gly_plan_samples_node(arena, GLY_PHYSICAL_EXCHANGE);
    both->children[0] = both->children[1] = exchange;
    both->schema = exchange->schema;
    both->partition_count = 16;
    (void)gly_physical_number(both, 1);
    check_physical(both, "== Physical Plan ==\n"
                         "Union\n"
                         ":- Exchange hashpartitioning(k, 8)\n"
                         ":  +- FileScan parquet t [k,v,s] PushedFilters: [(k > 5)]\n"
                         "+- ReusedExchange (2)\n");
    gly_arena_free(arena);
}

GLY_TEST(long_lists_are_cut) {
    gly_arena *arena = gly_arena_make();
    gly_physical *values = gly_physical_make(arena, GLY_PHYSICAL_VALUES, 0);
    values->schema.field_count = 30;
    values->schema.fields = GLY_ARENA_ARRAY(arena, gly_field, 30);
    for (int i = 0; i < 30; i++) {
        values->schema.fields[i] = (gly_field){GLY_STR("x"), GLY_TYPE_OF(INT), true};
    }
    gly_builder text = {0};
    gly_explain_physical(values, &text);
    GLY_CHECK(strstr(text.data, "x, ... 5 more], 0 rows") != NULL);
    gly_builder_clear(&text);
    gly_arena_free(arena);
}

GLY_TEST(logical_plans_carry_ids) {
    gly_arena *arena = gly_arena_make();
    gly_logical *range = gly_logical_make(arena, GLY_LOGICAL_RANGE, 0, 1);
    range->range.end = 10;
    range->range.step = 1;
    range->output[0] = (gly_output){7, GLY_STR("id"), GLY_TYPE_OF(BIGINT), false};
    gly_logical *project = gly_logical_make(arena, GLY_LOGICAL_PROJECT, 1, 2);
    gly_expr *id = gly_expr_column(arena, 7, GLY_TYPE_OF(BIGINT), false, GLY_STR("id"));
    project->children[0] = range;
    project->output[0] = range->output[0];
    project->output[1] = (gly_output){8, GLY_STR("other"), GLY_TYPE_OF(BIGINT), false};
    project->project.exprs = GLY_ARENA_ARRAY(arena, gly_expr *, 2);
    project->project.exprs[0] = project->project.exprs[1] = id;
    gly_builder text = {0};
    gly_explain_logical(project, &text);
    GLY_CHECK_TEXT(text.data, "Project [id#7, id#7 AS other#8]\n"
                              "+- Range (0, 10, step=1) [id#7]\n");
    gly_builder_clear(&text);
    gly_arena_free(arena);
}

GLY_SUITE("explain", a_query_is_a_tree, joins_have_two_branches_in_the_order_of_the_text,
          every_kind_has_a_line, formatted_has_a_paragraph_for_each_node,
          annotations_follow_the_line, a_shared_exchange_is_shown_once, long_lists_are_cut,
          logical_plans_carry_ids)
