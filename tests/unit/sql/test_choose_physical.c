/* test_choose_physical.c - which operators and exchanges queries get. */
#include "tests/unit/sql/plan_test.h"

static plan_test make(void) {
    plan_test t = plan_test_make();
    plan_test_set(&t, "spark.sql.shuffle.partitions=8");
    return t;
}

GLY_TEST(select_one_is_one_task) {
    plan_test t = make();
    gly_physical *plan = plan_test_physical(&t, "SELECT 1 AS a");
    GLY_CHECK_INT(plan->kind, GLY_PHYSICAL_RESULT);
    GLY_CHECK_INT(plan->partition_count, 1);
    GLY_CHECK_TEXT(plan_test_text(&t, "SELECT 1 AS a"), "LocalTableScan [a], 1 row\n");
    GLY_CHECK_TEXT(plan_test_without(&t, "combine_unions", "SELECT 1 AS a"),
                   "Project [1 AS a]\n+- LocalTableScan [], 1 row\n");
    plan_test_free(&t);
}

GLY_TEST(a_group_by_has_two_phases) {
    plan_test t = make();
    static const char *const sql = "SELECT s_item, avg(s_price) AS a FROM sales GROUP BY s_item";
    GLY_CHECK_TEXT(plan_test_text(&t, sql),
                   "Project [s_item, avg(s_price) AS a]\n"
                   "+- HashAggregate(keys=[s_item], functions=[avg(s_price)])\n"
                   "   +- Exchange hashpartitioning(s_item, 8)\n"
                   "      +- HashAggregate(keys=[s_item], functions=[partial_avg(s_price)])\n"
                   "         +- FileScan parquet sales [s_item,s_price] PushedFilters: []\n");
    GLY_CHECK_TEXT(plan_test_without(&t, "partial_aggregation", sql),
                   "Project [s_item, avg(s_price) AS a]\n"
                   "+- HashAggregate(keys=[s_item], functions=[avg(s_price)])\n"
                   "   +- Exchange hashpartitioning(s_item, 8)\n"
                   "      +- FileScan parquet sales [s_item,s_price] PushedFilters: []\n");
    PLAN_CHECK_HAS(plan_test_text(&t, "SELECT count(*) FROM sales"),
                   "+- Exchange SinglePartition\n"
                   "   +- HashAggregate(keys=[], functions=[partial_count(1)])\n");
    plan_test_free(&t);
}

GLY_TEST(one_partition_needs_no_exchange) {
    plan_test t = make();
    const char *text = plan_test_text(
        &t, "SELECT i_kind, count(*) FROM items JOIN tiny ON i_id = t_id GROUP BY i_kind "
            "ORDER BY i_kind LIMIT 3");
    PLAN_CHECK_LACKS(text, "Exchange");
    PLAN_CHECK_HAS(text, "TakeOrdered(limit=3");
    PLAN_CHECK_HAS(text, "ShuffledHashJoin [i_id], [t_id], Inner, BuildRight");
    plan_test_free(&t);
}

GLY_TEST(a_join_and_an_aggregate_on_its_keys_share_an_exchange) {
    plan_test t = make();
    plan_test_set(&t, "spark.sql.autoBroadcastJoinThreshold=-1");
    GLY_CHECK_TEXT(plan_test_text(&t, "SELECT s_id, count(e_code) AS n FROM sales JOIN events ON "
                                      "s_id = e_sale GROUP BY s_id"),
                   "Project [s_id, count(e_code) AS n]\n"
                   "+- HashAggregate(keys=[s_id], functions=[count(e_code)])\n"
                   "   +- ShuffledHashJoin [s_id], [e_sale], Inner, BuildLeft\n"
                   "      :- Exchange hashpartitioning(s_id, 8)\n"
                   "      :  +- FileScan parquet sales [s_id] PushedFilters: []\n"
                   "      +- Exchange hashpartitioning(e_sale, 8)\n"
                   "         +- FileScan parquet events [e_sale,e_code] PushedFilters: []\n");
    /* By the other side's key, and by more than the key, too. */
    PLAN_CHECK_LACKS(plan_test_text(&t, "SELECT e_sale, e_code, count(*) FROM sales JOIN events "
                                        "ON s_id = e_sale GROUP BY e_sale, e_code"),
                     "partial_count");
    /* A join above an aggregation on its key: only the other side moves. */
    const char *text =
        plan_test_text(&t, "SELECT s_note, n FROM sales JOIN (SELECT e_sale, count(*) AS n FROM "
                           "events GROUP BY e_sale) ON s_id = e_sale");
    PLAN_CHECK_HAS(text, "functions=[count(1)])\n");
    PLAN_CHECK_LACKS(text, "Exchange hashpartitioning(e_sale, 8)\n      +- Project");
    /* Rows invented by FULL JOIN are not where their key belongs. */
    PLAN_CHECK_HAS(plan_test_text(&t, "SELECT s_id, count(e_code) AS n FROM sales FULL JOIN events "
                                      "ON s_id = e_sale GROUP BY s_id"),
                   "partial_count");
    plan_test_free(&t);
}

GLY_TEST(small_sides_are_broadcast_where_that_is_allowed) {
    static const struct {
        const char *kind;
        const char *join; /* in the plan */
    } kinds[] = {
        {"JOIN", "BroadcastHashJoin [s_item], [i_id], Inner, BuildRight"},
        {"LEFT JOIN", "BroadcastHashJoin [s_item], [i_id], LeftOuter, BuildRight"},
        {"RIGHT JOIN", "ShuffledHashJoin [s_item], [i_id], RightOuter, BuildRight"},
        {"FULL JOIN", "ShuffledHashJoin [s_item], [i_id], FullOuter, BuildRight"},
        {"LEFT SEMI JOIN", "BroadcastHashJoin [s_item], [i_id], LeftSemi, BuildRight"},
        {"LEFT ANTI JOIN", "BroadcastHashJoin [s_item], [i_id], LeftAnti, BuildRight"},
    };
    plan_test t = make();
    for (size_t i = 0; i < GLY_ARRAY_LEN(kinds); i++) {
        char sql[200];
        snprintf(sql, sizeof sql, "SELECT s_id FROM sales %s items ON s_item = i_id",
                 kinds[i].kind);
        PLAN_CHECK_HAS(plan_test_text(&t, sql), kinds[i].join);
    }
    /* The small side on the left: built all the same, and the kinds mirrored. */
    PLAN_CHECK_HAS(plan_test_text(&t, "SELECT s_id FROM items JOIN sales ON s_item = i_id"),
                   "BroadcastHashJoin [i_id], [s_item], Inner, BuildLeft");
    PLAN_CHECK_HAS(plan_test_text(&t, "SELECT s_id FROM items RIGHT JOIN sales ON s_item = i_id"),
                   "BroadcastHashJoin [i_id], [s_item], RightOuter, BuildLeft");
    PLAN_CHECK_HAS(plan_test_text(&t, "SELECT s_id FROM items LEFT JOIN sales ON s_item = i_id"),
                   "ShuffledHashJoin [i_id], [s_item], LeftOuter, BuildLeft");
    PLAN_CHECK_HAS(plan_test_without(&t, "choose_build_side",
                                     "SELECT s_id FROM items LEFT JOIN sales ON s_item = i_id"),
                   "ShuffledHashJoin [i_id], [s_item], LeftOuter, BuildRight");
    plan_test_free(&t);
}

GLY_TEST(not_in_is_broadcast_whatever_its_size) {
    plan_test t = make();
    plan_test_set(&t, "spark.sql.autoBroadcastJoinThreshold=-1");
    PLAN_CHECK_HAS(plan_test_text(&t, "SELECT s_id FROM sales WHERE s_id NOT IN (SELECT e_sale "
                                      "FROM events)"),
                   "BroadcastHashJoin [s_id], [e_sale], NullAwareLeftAnti, BuildRight\n"
                   ":- FileScan parquet sales [s_id] PushedFilters: []\n"
                   "+- BroadcastExchange");
    plan_test_free(&t);
}

GLY_TEST(a_join_without_keys_is_nested) {
    plan_test t = make();
    PLAN_CHECK_HAS(plan_test_text(&t, "SELECT s_id, t_id FROM sales JOIN tiny ON s_item < t_id"),
                   "BroadcastNestedLoopJoin BuildRight, Inner, (s_item < t_id)");
    /* The preserved side streams: columns are put back in order above. */
    GLY_CHECK_TEXT(
        plan_test_text(&t, "SELECT t_id, s_id FROM tiny RIGHT JOIN sales ON s_item < t_id"),
        "Project [t_id, s_id]\n"
        "+- Project [t_id, s_id, s_item]\n"
        "   +- BroadcastNestedLoopJoin BuildRight, LeftOuter, (s_item < t_id)\n"
        "      :- FileScan parquet sales [s_id,s_item] PushedFilters: []\n"
        "      +- BroadcastExchange BroadcastMode\n"
        "         +- FileScan parquet tiny [t_id] PushedFilters: []\n");
    PLAN_CHECK_HAS(plan_test_text(&t, "SELECT t_id, s_id FROM tiny FULL JOIN sales ON s_item < "
                                      "t_id"),
                   "+- Exchange SinglePartition\n");
    plan_test_free(&t);
}

GLY_TEST(null_safe_equality_is_two_keys) {
    plan_test t = make();
    PLAN_CHECK_HAS(plan_test_text(&t, "SELECT s_id FROM sales JOIN items ON s_item <=> i_id"),
                   "BroadcastHashJoin [coalesce(s_item, 0), isnull(s_item)], [coalesce(i_id, 0), "
                   "isnull(i_id)], Inner, BuildRight");
    plan_test_free(&t);
}

GLY_TEST(sorting_and_limits) {
    plan_test t = make();
    GLY_CHECK_TEXT(plan_test_text(&t, "SELECT s_id FROM sales ORDER BY s_id"),
                   "Sort [s_id ASC NULLS FIRST]\n"
                   "+- Exchange SinglePartition\n"
                   "   +- FileScan parquet sales [s_id] PushedFilters: []\n");
    GLY_CHECK_TEXT(plan_test_text(&t, "SELECT s_id FROM sales SORT BY s_id"),
                   "Sort [s_id ASC NULLS FIRST]\n"
                   "+- FileScan parquet sales [s_id] PushedFilters: []\n");
    GLY_CHECK_TEXT(plan_test_text(&t, "SELECT s_id FROM sales ORDER BY s_price DESC LIMIT 10 "
                                      "OFFSET 5"),
                   "Project [s_id]\n"
                   "+- Limit 10, Offset 5\n"
                   "   +- TakeOrdered(limit=15, orderBy=[s_price DESC NULLS LAST])\n"
                   "      +- Exchange SinglePartition\n"
                   "         +- TakeOrdered(limit=15, orderBy=[s_price DESC NULLS LAST])\n"
                   "            +- FileScan parquet sales [s_id,s_price] PushedFilters: []\n");
    GLY_CHECK_TEXT(plan_test_text(&t, "SELECT s_id FROM sales LIMIT 10 OFFSET 5"),
                   "Limit 10, Offset 5\n"
                   "+- Exchange SinglePartition\n"
                   "   +- Limit 15\n"
                   "      +- FileScan parquet sales [s_id] PushedFilters: []\n");
    /* Too many rows for a heap. */
    PLAN_CHECK_HAS(plan_test_text(&t, "SELECT s_id FROM sales ORDER BY s_id LIMIT 1000000"),
                   "Limit 1000000\n+- Sort");
    plan_test_free(&t);
}

GLY_TEST(one_distinct_set_is_grouped_twice) {
    plan_test t = make();
    GLY_CHECK_TEXT(
        plan_test_text(&t, "SELECT e_code, count(DISTINCT e_sale) AS d, sum(e_id) AS s FROM events "
                           "GROUP BY e_code"),
        "Project [e_code, count(distinct e_sale) AS d, sum(e_id) AS s]\n"
        "+- HashAggregate(keys=[e_code], functions=[count(distinct e_sale), sum(e_id)])\n"
        "   +- Exchange hashpartitioning(e_code, 8)\n"
        "      +- HashAggregate(keys=[e_code], functions=[partial_count(distinct e_sale), "
        "merge_sum(e_id)])\n"
        "         +- HashAggregate(keys=[e_code, e_sale], functions=[merge_sum(e_id)])\n"
        "            +- Exchange hashpartitioning(e_code, e_sale, 8)\n"
        "               +- HashAggregate(keys=[e_code, e_sale], functions=[partial_sum(e_id)])\n"
        "                  +- FileScan parquet events [e_id,e_sale,e_code] PushedFilters: []\n");
    /* Many groups: one exchange is enough. */
    GLY_CHECK_TEXT(
        plan_test_text(&t, "SELECT e_sale, count(DISTINCT e_code) AS d FROM events GROUP BY e_sale"),
        "Project [e_sale, count(distinct e_code) AS d]\n"
        "+- HashAggregate(keys=[e_sale], functions=[count(distinct e_code)])\n"
        "   +- HashAggregate(keys=[e_sale, e_code], functions=[])\n"
        "      +- Exchange hashpartitioning(e_sale, 8)\n"
        "         +- HashAggregate(keys=[e_sale, e_code], functions=[])\n"
        "            +- FileScan parquet events [e_sale,e_code] PushedFilters: []\n");
    PLAN_CHECK_HAS(plan_test_text(&t, "SELECT count(DISTINCT t_word) FROM tiny"),
                   "HashAggregate(keys=[], functions=[count(distinct t_word)])\n"
                   "   +- HashAggregate(keys=[t_word], functions=[])\n"
                   "      +- FileScan");
    /* min and max do not care. */
    PLAN_CHECK_LACKS(plan_test_text(&t, "SELECT max(DISTINCT e_sale) FROM events"), "keys=[e_sale]");
    plan_test_free(&t);
}

GLY_TEST(several_distinct_sets_mark_copies_of_the_input) {
    plan_test t = make();
    const char *text = plan_test_text(
        &t, "SELECT count(DISTINCT e_sale) AS a, count(DISTINCT e_code) AS b, sum(e_id) AS c, "
            "count(DISTINCT e_sale) FILTER (WHERE e_code < 5) AS d FROM events");
    PLAN_CHECK_HAS(text, "Union\n");
    PLAN_CHECK_HAS(text, "0 AS set");
    PLAN_CHECK_HAS(text, "3 AS set"); /* plain, and three sets */
    PLAN_CHECK_LACKS(text, "4 AS set");
    plan_test_free(&t);
}

GLY_TEST(unions_and_repartitions_count_partitions) {
    plan_test t = make();
    gly_physical *plan = plan_test_physical(
        &t, "SELECT t_id FROM tiny UNION ALL SELECT i_id FROM items");
    GLY_CHECK_INT(plan->partition_count, 2);
    plan = plan_test_physical(&t, "SELECT /*+ REPARTITION(3) */ s_id FROM sales");
    GLY_CHECK_INT(plan->partition_count, 3);
    PLAN_CHECK_HAS(plan_test_text(&t, "SELECT /*+ REPARTITION(3) */ s_id FROM sales"),
                   "Exchange RoundRobinPartitioning(3)");
    PLAN_CHECK_HAS(plan_test_text(&t, "SELECT s_id FROM sales DISTRIBUTE BY s_item"),
                   "Exchange hashpartitioning(s_item, 8)");
    plan = plan_test_physical(&t, "SELECT id FROM range(0, 1000000, 1, 7)");
    GLY_CHECK_INT(plan->partition_count, 7);
    plan = plan_test_physical(&t, "SELECT id FROM range(10)");
    GLY_CHECK_INT(plan->partition_count, 1);
    plan_test_free(&t);
}

GLY_TEST(partitions_that_cannot_match_are_not_read) {
    plan_test t = make();
    gly_physical *plan =
        plan_test_physical(&t, "SELECT l_id FROM logs WHERE dt = DATE '2020-01-02'");
    while (plan->child_count > 0) {
        plan = plan->children[0];
    }
    GLY_CHECK_INT(plan->kind, GLY_PHYSICAL_SCAN);
    GLY_CHECK_INT(plan->scan.file_count, 1);
    GLY_CHECK_TEXT(gly_arena_string(t.arena, plan->scan.files[0].path.data), "/logs/1.parquet");
    plan = plan_test_physical(&t, "SELECT l_id FROM logs WHERE dt > DATE '2021-01-01'");
    while (plan->child_count > 0) {
        plan = plan->children[0];
    }
    GLY_CHECK_INT(plan->kind, GLY_PHYSICAL_VALUES);
    GLY_CHECK_INT(plan->values.row_count, 0);
    plan_test_free(&t);
}

GLY_TEST(keys_of_a_small_side_reduce_the_large_one) {
    plan_test t = make();
    static const char *const sql = "SELECT s_item FROM sales WHERE s_id < 5000 AND EXISTS (SELECT 1 "
                                   "FROM events WHERE e_sale = s_id)";
    GLY_CHECK_TEXT(plan_test_text(&t, sql),
                   "Project [s_item]\n"
                   "+- BroadcastHashJoin [s_id], [e_sale], LeftSemi, BuildRight\n"
                   "   :- FileScan parquet sales [s_id,s_item] PushedFilters: [(s_id < 5000)]\n"
                   "   +- BroadcastExchange BroadcastMode\n"
                   "      +- BroadcastHashJoin [e_sale], [s_id], LeftSemi, BuildRight\n"
                   "         :- FileScan parquet events [e_sale] PushedFilters: []\n"
                   "         +- BroadcastExchange BroadcastMode\n"
                   "            +- Project [s_id]\n"
                   "               +- FileScan parquet sales [s_id,s_item] PushedFilters: [(s_id < "
                   "5000)]\n");
    PLAN_CHECK_HAS(plan_test_without(&t, "reduce_join_sides", sql), "ShuffledHashJoin");
    /* A left side that costs something is computed once: its exchange is read again. */
    const char *text = plan_test_text(
        &t, "SELECT s_item FROM sales JOIN items ON s_item = i_id WHERE i_kind = 'a' AND s_id < 5000 "
            "AND EXISTS (SELECT 1 FROM events WHERE e_sale = s_id)");
    PLAN_CHECK_HAS(text, "ShuffledHashJoin [s_id], [e_sale], LeftSemi, BuildRight");
    PLAN_CHECK_HAS(text, "+- ReusedExchange");
    /* Where rows without a partner count, nothing is dropped. */
    PLAN_CHECK_LACKS(plan_test_text(&t, "SELECT s_item, e_id FROM sales FULL JOIN events ON e_sale "
                                        "= s_id AND s_id < 5000"),
                     "LeftSemi");
    PLAN_CHECK_LACKS(plan_test_text(&t, "SELECT s_item, e_id FROM (SELECT * FROM sales WHERE s_id < "
                                        "5000) RIGHT JOIN events ON e_sale = s_id"),
                     "LeftSemi");
    plan_test_free(&t);
}

GLY_TEST(the_same_exchange_is_made_once) {
    plan_test t = make();
    static const char *const sql =
        "WITH c AS (SELECT e_sale, count(*) AS n FROM events GROUP BY e_sale) "
        "SELECT e_sale FROM c WHERE n = (SELECT max(n) FROM c)";
    PLAN_CHECK_HAS(plan_test_text(&t, sql), "ReusedExchange");
    PLAN_CHECK_LACKS(plan_test_without(&t, "share_exchanges", sql), "ReusedExchange");
    PLAN_CHECK_LACKS(plan_test_text(&t, "SELECT count(*) FROM sales WHERE rand() < 0.5 UNION ALL "
                                        "SELECT count(*) FROM sales WHERE rand() < 0.5"),
                     "ReusedExchange");
    PLAN_CHECK_HAS(plan_test_text(&t, "SELECT count(*) AS a FROM sales WHERE s_id < 5 UNION ALL "
                                      "SELECT count(*) AS b FROM sales WHERE s_id < 5"),
                   "ReusedExchange");
    PLAN_CHECK_LACKS(plan_test_text(&t, "SELECT count(*) FROM sales WHERE s_id < 5 UNION ALL "
                                        "SELECT count(*) FROM sales WHERE s_id < 6"),
                     "ReusedExchange");
    plan_test_free(&t);
}

GLY_TEST(every_node_has_its_own_id_and_an_estimate) {
    plan_test t = make();
    gly_physical *plan = plan_test_physical(
        &t, "SELECT i_kind, count(*) FROM sales JOIN items ON s_item = i_id WHERE s_id <= 500000 "
            "GROUP BY i_kind");
    bool seen[64] = {false};
    gly_physical *stack[64] = {plan};
    for (int count = 1; count > 0;) {
        gly_physical *node = stack[--count];
        GLY_CHECK(node->id > 0 && node->id < 64 && !seen[node->id]);
        seen[node->id] = true;
        GLY_CHECK(node->row_estimate != UINT64_MAX);
        if (node->kind == GLY_PHYSICAL_SCAN && node->scan.filter_count == 1) {
            GLY_CHECK(node->row_estimate > 490000 && node->row_estimate < 510000);
        }
        if (node->kind == GLY_PHYSICAL_AGGREGATE) {
            GLY_CHECK(node->row_estimate <= 40);
        }
        for (uint32_t i = 0; i < node->child_count; i++) {
            stack[count++] = node->children[i];
        }
    }
    plan_test_free(&t);
}

GLY_TEST(a_tower_of_queries_is_refused_not_fatal) {
    plan_test t = make();
    gly_error err = {0};
    uint32_t next_id = 1;
    gly_logical *plan = plan_test_analyze(&t, "SELECT id FROM range(10)", &next_id);
    for (int i = 0; i < 100000; i++) {
        gly_logical *limit = gly_logical_make(t.arena, GLY_LOGICAL_LIMIT, 1, plan->output_count);
        limit->children[0] = plan;
        limit->output = plan->output;
        limit->limit.limit = 5;
        plan = limit;
    }
    gly_physical *physical = NULL;
    gly_physical_options options = {.config = t.config, .slot_count = 2};
    GLY_CHECK_INT(gly_optimize(t.arena, t.config, plan, &next_id, &plan, &err),
                  GLY_E_UNSUPPORTED);
    GLY_CHECK_INT(gly_choose_physical(t.arena, &options, plan, &physical, &err),
                  GLY_E_UNSUPPORTED);
    plan_test_free(&t);
}

GLY_SUITE("choose_physical", select_one_is_one_task, a_group_by_has_two_phases,
          one_partition_needs_no_exchange, a_join_and_an_aggregate_on_its_keys_share_an_exchange,
          small_sides_are_broadcast_where_that_is_allowed, not_in_is_broadcast_whatever_its_size,
          a_join_without_keys_is_nested, null_safe_equality_is_two_keys, sorting_and_limits,
          one_distinct_set_is_grouped_twice, several_distinct_sets_mark_copies_of_the_input,
          unions_and_repartitions_count_partitions, partitions_that_cannot_match_are_not_read,
          keys_of_a_small_side_reduce_the_large_one, the_same_exchange_is_made_once,
          every_node_has_its_own_id_and_an_estimate, a_tower_of_queries_is_refused_not_fatal)
