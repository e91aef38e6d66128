/* test_optimize.c - each rule does its part, and without it the plan still means the same. */
#include "lib/sql/optimize/optimize.h"
#include "tests/unit/sql/plan_test.h"

static plan_test make(void) {
    plan_test t = plan_test_make();
    plan_test_set(&t, "spark.sql.shuffle.partitions=8");
    return t;
}

GLY_TEST(constants_are_folded_but_not_their_errors) {
    plan_test t = make();
    static const char *const sql = "SELECT s_id FROM sales WHERE s_day < DATE '2020-01-31' + "
                                   "INTERVAL 1 MONTH AND s_item > 2 * 3 + 1";
    PLAN_CHECK_HAS(plan_test_text(&t, sql),
                   "PushedFilters: [(s_day < 2020-02-29), (s_item > 7)]");
    PLAN_CHECK_LACKS(plan_test_without(&t, "fold_constants", sql), "2020-02-29");
    PLAN_CHECK_HAS(plan_test_text(&t, "SELECT 1 / 0 AS x"), "/ ");
    PLAN_CHECK_HAS(plan_test_text(&t, "SELECT CASE WHEN false THEN 1 / 0 ELSE 2.0D END AS x"),
                   "LocalTableScan [x], 1 row");
    PLAN_CHECK_HAS(plan_test_text(&t, "SELECT rand(1) AS x"), "rand");
    plan_test_free(&t);
}

GLY_TEST(expressions_get_simpler) {
    static const struct {
        const char *condition;
        const char *filters;
    } cases[] = {
        {"NOT NOT s_item > 5", "[(s_item > 5)]"},
        {"NOT (s_item > 5)", "[(s_item <= 5)]"},
        {"NOT (s_item > 5 OR s_id = 3)", "[(s_item <= 5), NOT (s_id = 3)]"},
        {"NOT (s_note IS NULL)", "[isnotnull(s_note)]"},
        {"s_item > 5 AND true AND s_item > 5", "[(s_item > 5)]"},
        {"5 < s_item", "[(s_item > 5)]"},
        {"s_item IN (5)", "[(s_item = 5)]"},
        {"CASE WHEN 1 = 2 THEN s_item > 1 ELSE s_item > 2 END", "[(s_item > 2)]"},
        {"if(true, s_item > 1, s_item > 2)", "[(s_item > 1)]"},
        {"coalesce(NULL, s_item) > 1", "[(s_item > 1)]"},
        {"s_item > 1 OR false", "[(s_item > 1)]"},
        {"(s_item > 1 AND s_id > 2) OR (s_item > 1 AND s_id > 3)",
         "[(s_item > 1), ((s_id > 2) OR (s_id > 3))]"},
        {"(s_item > 1 AND s_id > 2) OR s_item > 1", "[(s_item > 1)]"},
    };
    plan_test t = make();
    for (size_t i = 0; i < GLY_ARRAY_LEN(cases); i++) {
        char sql[300], filters[300];
        snprintf(sql, sizeof sql, "SELECT s_id FROM sales WHERE %s", cases[i].condition);
        snprintf(filters, sizeof filters, "PushedFilters: %s\n", cases[i].filters);
        PLAN_CHECK_HAS(plan_test_text(&t, sql), filters);
    }
    PLAN_CHECK_HAS(plan_test_without(&t, "simplify", "SELECT s_id FROM sales WHERE NOT s_item > 5"),
                   "NOT (s_item > 5)");
    plan_test_free(&t);
}

GLY_TEST(casts_of_compared_columns_go_when_that_is_exact) {
    static const struct {
        const char *condition;
        const char *filters;
    } cases[] = {
        {"s_item > 5L", "[(s_item > 5)]"},
        {"s_item = 5000000000L", "[(cast(s_item as bigint) = 5000000000)]"}, /* no such int */
        {"s_item > 5.5D", "[(cast(s_item as double) > 5.5)]"},
        {"s_item > 5.0D", "[(s_item > 5)]"},
        {"s_item IN (1L, 2L)", "[s_item IN (1,2)]"},
        {"s_price < 24", "[(s_price < 24.00)]"},
        {"s_price >= 0.05", "[(s_price >= 0.05)]"},
        {"s_day < TIMESTAMP '2020-03-01 00:00:00'", "[(s_day < 2020-03-01)]"},
        {"s_big > 5.0D", "[(cast(s_big as double) > 5.0)]"}, /* not every bigint is a double */
    };
    plan_test t = make();
    for (size_t i = 0; i < GLY_ARRAY_LEN(cases); i++) {
        char sql[300], filters[300];
        snprintf(sql, sizeof sql, "SELECT s_id FROM sales WHERE %s", cases[i].condition);
        snprintf(filters, sizeof filters, "PushedFilters: %s\n", cases[i].filters);
        PLAN_CHECK_HAS(plan_test_text(&t, sql), filters);
    }
    plan_test_free(&t);
}

GLY_TEST(filters_go_down) {
    plan_test t = make();
    const char *text = plan_test_text(
        &t, "SELECT * FROM (SELECT s_item + 0 AS x, s_item AS y FROM sales) WHERE y = 3");
    PLAN_CHECK_HAS(text, "PushedFilters: [(s_item = 3)]");
    text = plan_test_text(&t, "SELECT s_item, n FROM (SELECT s_item, count(*) AS n FROM sales GROUP "
                              "BY s_item) WHERE s_item = 3 AND n > 10");
    PLAN_CHECK_HAS(text, "PushedFilters: [(s_item = 3)]");
    PLAN_CHECK_HAS(text, "Filter (count(1) > 10)");
    /* One row comes out of an empty input, so a condition may not go below. */
    text = plan_test_text(&t, "SELECT n FROM (SELECT count(*) AS n FROM sales) WHERE 1 = n");
    PLAN_CHECK_HAS(text, "Filter");
    text = plan_test_text(&t, "SELECT * FROM (SELECT s_id AS a FROM sales UNION ALL SELECT e_id "
                              "FROM events) WHERE a > 7");
    PLAN_CHECK_HAS(text, "sales [s_id] PushedFilters: [(s_id > 7)]");
    PLAN_CHECK_HAS(text, "events [e_id] PushedFilters: [(e_id > 7)]");
    text = plan_test_text(&t, "SELECT * FROM (SELECT s_id FROM sales LIMIT 5) WHERE s_id > 7");
    PLAN_CHECK_HAS(text, "Filter (s_id > 7)\n");
    text = plan_test_text(&t, "SELECT s_id FROM sales WHERE s_item = 1 AND rand() < 0.5");
    PLAN_CHECK_HAS(text, "PushedFilters: [(s_item = 1)]");
    PLAN_CHECK_HAS(text, "Filter (rand");
    PLAN_CHECK_HAS(plan_test_without(&t, "push_filter", "SELECT s_id FROM sales WHERE s_item = 1"),
                   "Filter (s_item = 1)\n");
    plan_test_free(&t);
}

GLY_TEST(conditions_that_may_fail_stay_behind_what_protects_them) {
    plan_test t = make();
    const char *text = plan_test_text(
        &t, "SELECT s_id FROM sales WHERE s_note <> '' AND cast(s_note AS int) > 5");
    PLAN_CHECK_HAS(text, "Filter (cast(s_note as int) > 5)\n");
    PLAN_CHECK_HAS(text, "PushedFilters: [NOT (s_note = )]");
    text = plan_test_text(&t, "SELECT s_id FROM sales JOIN items ON s_item = i_id WHERE i_kind = "
                              "'number' AND cast(s_note AS int) > 5");
    PLAN_CHECK_HAS(text, "Filter (cast(s_note as int) > 5)\n");
    PLAN_CHECK_HAS(text, "\n+- Filter"); /* above the join */
    plan_test_free(&t);
}

GLY_TEST(filters_meet_joins) {
    static const struct {
        const char *from;
        const char *has;
        const char *lacks;
    } cases[] = {
        {"sales JOIN items ON s_item = i_id WHERE s_id > 5 AND i_kind = 'a'",
         "PushedFilters: [(s_id > 5)]", "Filter "},
        {"sales, items WHERE s_item = i_id AND s_id > i_id", "Inner, BuildRight, (s_id > cast(",
         "Filter "},
        {"sales LEFT JOIN items ON s_item = i_id AND i_kind = 'a' WHERE s_id > 5",
         "PushedFilters: [(i_kind = a)]", "Filter "},
        {"sales LEFT JOIN items ON s_item = i_id AND s_id > 5",
         "LeftOuter, BuildRight, (s_id > 5)", "PushedFilters: [(s_id > 5)]"},
        {"sales LEFT JOIN items ON s_item = i_id WHERE i_kind IS NULL",
         "Filter isnull(i_kind)", "PushedFilters: [isnull"},
        {"sales FULL JOIN items ON s_item = i_id AND s_id > 5",
         "FullOuter, BuildRight, (s_id > 5)", "PushedFilters: [(s_id > 5)]"},
        {"sales LEFT ANTI JOIN items ON s_item = i_id AND i_kind = 'a' AND s_id > 5",
         "PushedFilters: [(i_kind = a)]", "PushedFilters: [(s_id > 5)]"},
    };
    plan_test t = make();
    for (size_t i = 0; i < GLY_ARRAY_LEN(cases); i++) {
        char sql[300];
        snprintf(sql, sizeof sql, "SELECT s_id FROM %s", cases[i].from);
        const char *text = plan_test_text(&t, sql);
        PLAN_CHECK_HAS(text, cases[i].has);
        PLAN_CHECK_LACKS(text, cases[i].lacks);
    }
    plan_test_free(&t);
}

GLY_TEST(outer_joins_whose_extra_rows_are_dropped_are_inner) {
    static const struct {
        const char *from;
        const char *kind;
    } cases[] = {
        {"sales LEFT JOIN items ON s_item = i_id WHERE i_kind = 'a'", "Inner"},
        {"sales LEFT JOIN items ON s_item = i_id WHERE i_kind IS NOT NULL", "Inner"},
        {"sales LEFT JOIN items ON s_item = i_id WHERE i_kind = 'a' OR i_name LIKE 'b%'", "Inner"},
        {"sales LEFT JOIN items ON s_item = i_id WHERE i_kind = 'a' OR s_id = 1", "LeftOuter"},
        {"sales LEFT JOIN items ON s_item = i_id WHERE coalesce(i_kind, 'a') = 'a'", "LeftOuter"},
        {"sales FULL JOIN items ON s_item = i_id WHERE i_kind = 'a'", "RightOuter"},
        {"sales FULL JOIN items ON s_item = i_id WHERE s_id = 1", "LeftOuter"},
        {"sales FULL JOIN items ON s_item = i_id WHERE s_id = 1 AND i_id = 2", "Inner"},
        {"sales RIGHT JOIN items ON s_item = i_id WHERE s_id = 1", "Inner"},
    };
    plan_test t = make();
    for (size_t i = 0; i < GLY_ARRAY_LEN(cases); i++) {
        char sql[300], kind[40];
        snprintf(sql, sizeof sql, "SELECT s_id, i_id FROM %s", cases[i].from);
        snprintf(kind, sizeof kind, ", %s, Build", cases[i].kind);
        PLAN_CHECK_HAS(plan_test_text(&t, sql), kind);
    }
    PLAN_CHECK_HAS(plan_test_without(&t, "outer_to_inner",
                                     "SELECT s_id FROM sales LEFT JOIN items ON s_item = i_id "
                                     "WHERE i_kind = 'a'"),
                   "LeftOuter");
    plan_test_free(&t);
}

GLY_TEST(an_or_over_two_tables_says_something_about_each) {
    plan_test t = make();
    static const char *const sql =
        "SELECT s_id FROM sales, items WHERE (s_item = i_id AND i_kind = 'a' AND s_note = 'x') OR "
        "(s_item = i_id AND i_kind = 'b' AND s_note = 'y')";
    const char *text = plan_test_text(&t, sql);
    PLAN_CHECK_HAS(text, "BroadcastHashJoin [s_item], [i_id], Inner, BuildRight, (((i_kind = a)");
    PLAN_CHECK_HAS(text, "PushedFilters: [((s_note = x) OR (s_note = y))]");
    PLAN_CHECK_HAS(text, "PushedFilters: [((i_kind = a) OR (i_kind = b))]");
    PLAN_CHECK_HAS(plan_test_without(&t, "factor_or", sql), "BroadcastNestedLoopJoin");
    text = plan_test_without(&t, "derive_filters", sql);
    PLAN_CHECK_HAS(text, "BroadcastHashJoin");
    PLAN_CHECK_LACKS(text, "PushedFilters: [((s_note");
    /* A branch that says nothing about items. */
    text = plan_test_text(&t, "SELECT s_id FROM sales JOIN items ON s_item = i_id WHERE (i_kind = "
                              "'a' AND s_note = 'x') OR s_note = 'y'");
    PLAN_CHECK_HAS(text, "items [i_id,i_kind] PushedFilters: []");
    plan_test_free(&t);
}

GLY_TEST(equal_columns_share_their_conditions) {
    plan_test t = make();
    const char *text = plan_test_text(
        &t, "SELECT s_note FROM sales JOIN events ON s_id = e_sale WHERE s_id BETWEEN 5 AND 10");
    PLAN_CHECK_HAS(text, "events [e_sale] PushedFilters: [(e_sale >= 5), (e_sale <= 10)]");
    plan_test_free(&t);
}

GLY_TEST(columns_nobody_wants_are_not_read) {
    plan_test t = make();
    PLAN_CHECK_HAS(plan_test_text(&t, "SELECT count(*) FROM sales"), "sales [] Pushed");
    PLAN_CHECK_HAS(plan_test_text(&t, "SELECT s_id FROM (SELECT s_id, s_note, s_item + 1 AS z, "
                                      "sum(s_price) AS q FROM sales GROUP BY s_id, s_note, s_item)"),
                   "sales [s_id,s_item,s_note]");
    PLAN_CHECK_HAS(plan_test_text(&t, "SELECT a FROM (SELECT s_id AS a, s_note AS b FROM sales UNION "
                                      "ALL SELECT e_id, 'x' FROM events)"),
                   "FileScan parquet sales [s_id] PushedFilters: []");
    /* What only the filter needs does not go through the join. */
    PLAN_CHECK_HAS(plan_test_text(&t, "SELECT s_id FROM sales JOIN events ON s_id = e_sale WHERE "
                                      "e_code = 3"),
                   "Project [e_sale]\n");
    PLAN_CHECK_HAS(plan_test_without(&t, "prune_columns", "SELECT s_id FROM sales"),
                   "sales [s_id,s_item,s_day,s_price,s_note,s_big]");
    PLAN_CHECK_HAS(plan_test_text(&t, "SELECT * FROM sales"),
                   "sales [s_id,s_item,s_day,s_price,s_note,s_big]");
    plan_test_free(&t);
}

GLY_TEST(limits_go_down) {
    plan_test t = make();
    PLAN_CHECK_HAS(plan_test_text(&t, "SELECT a FROM (SELECT s_id AS a FROM sales UNION ALL SELECT "
                                      "e_id FROM events) LIMIT 5"),
                   "Limit 5\n"
                   "+- Exchange SinglePartition\n"
                   "   +- Limit 5\n"
                   "      +- Union\n"
                   "         :- Project [s_id AS a]\n"
                   "         :  +- FileScan");
    static const char *const sql =
        "SELECT s_id + 1 AS a FROM sales LEFT JOIN events ON s_id = e_sale LIMIT 5";
    PLAN_CHECK_HAS(plan_test_text(&t, sql), "            :  +- Limit 5\n");
    PLAN_CHECK_LACKS(plan_test_without(&t, "push_limit", sql), ":  +- Limit 5\n");
    PLAN_CHECK_HAS(plan_test_text(&t, "SELECT s_id FROM (SELECT s_id FROM sales LIMIT 7) LIMIT 5 "
                                      "OFFSET 4"),
                   "Limit 3, Offset 4\n");
    PLAN_CHECK_HAS(plan_test_text(&t, "SELECT s_id FROM sales LIMIT 0"),
                   "LocalTableScan [s_id], 0 rows\n");
    PLAN_CHECK_HAS(plan_test_text(&t, "SELECT s_id FROM sales LEFT JOIN items ON s_item = i_id "
                                      "LIMIT 5"),
                   "Limit 5\n");
    plan_test_free(&t);
}

GLY_TEST(joins_are_ordered_by_what_they_leave) {
    plan_test t = make();
    static const char *const sql =
        "SELECT e_id FROM events, sales, items, tiny WHERE e_sale = s_id AND s_item = i_id AND "
        "i_id = t_id";
    /* items and tiny first, then sales; events, the largest, meets what is left. */
    PLAN_CHECK_HAS(plan_test_text(&t, sql), "ShuffledHashJoin [i_id], [t_id], Inner, BuildRight");
    const char *text = plan_test_without(&t, "reorder_joins", sql);
    PLAN_CHECK_HAS(text, "Project [e_id]\n+- BroadcastHashJoin [i_id], [t_id]");
    /* Without a common condition only at the end. */
    text = plan_test_text(&t, "SELECT 1 FROM sales, tiny, items WHERE s_item = i_id");
    PLAN_CHECK_HAS(text, "BroadcastHashJoin [s_item], [i_id]");
    /* Columns keep their order. */
    text = plan_test_text(&t, "SELECT * FROM items, events, tiny WHERE e_code = i_id AND t_id = "
                              "i_id");
    PLAN_CHECK_HAS(text, "Project [i_id, i_name, i_kind, e_id, e_sale, e_code, t_id, t_word]");
    plan_test_free(&t);
}

GLY_TEST(many_joins_are_ordered_greedily) {
    plan_test t = make();
    gly_builder sql = {0};
    gly_builder_add_text(&sql, "SELECT count(*) FROM sales s0");
    for (int i = 1; i < 14; i++) {
        gly_builder_format(&sql, ", items i%d", i);
    }
    gly_builder_add_text(&sql, " WHERE s0.s_id > 0");
    for (int i = 1; i < 14; i++) {
        gly_builder_format(&sql, " AND i%d.i_id = %s", i, i == 1 ? "s0.s_item" : "i1.i_id");
    }
    PLAN_CHECK_LACKS(plan_test_text(&t, sql.data), "NestedLoop");
    gly_builder_clear(&sql);
    plan_test_free(&t);
}

GLY_TEST(a_selective_semi_join_goes_to_its_table) {
    plan_test t = make();
    static const char *const sql =
        "SELECT s_note, e_code FROM sales JOIN events ON e_sale = s_id WHERE s_item IN (SELECT i_id "
        "FROM items WHERE i_kind = 'a')";
    PLAN_CHECK_HAS(plan_test_text(&t, sql),
                   "BroadcastHashJoin [s_item], [i_id], LeftSemi, BuildRight\n");
    PLAN_CHECK_HAS(plan_test_text(&t, sql), ":- FileScan parquet sales");
    PLAN_CHECK_HAS(plan_test_without(&t, "push_semi", sql),
                   "+- BroadcastHashJoin [s_item], [i_id], LeftSemi, BuildRight\n   :- Project");
    plan_test_free(&t);
}

GLY_TEST(an_aggregation_joined_to_few_keys_sees_only_their_rows) {
    plan_test t = make();
    static const char *const sql =
        "SELECT i_name FROM items, sales s1 WHERE i_id = s1.s_item AND i_kind = 'a' AND s1.s_price < "
        "(SELECT avg(s2.s_price) FROM sales s2 WHERE s2.s_item = i_id)";
    const char *text = plan_test_text(&t, sql);
    PLAN_CHECK_HAS(text, "functions=[partial_avg(s_price)])\n");
    PLAN_CHECK_HAS(text, "BroadcastHashJoin [s_item], [i_id], LeftSemi, BuildRight\n");
    PLAN_CHECK_LACKS(plan_test_without(&t, "reduce_aggregate", sql), "LeftSemi");
    /* Groups without a partner are in the result: they must be right. */
    PLAN_CHECK_LACKS(plan_test_text(&t, "SELECT i_name, n FROM (SELECT s_item, count(*) AS n FROM "
                                        "sales GROUP BY s_item) LEFT JOIN items ON s_item = i_id AND "
                                        "i_kind = 'a'"),
                     "LeftSemi");
    /* Not a group column. */
    PLAN_CHECK_LACKS(plan_test_text(&t, "SELECT i_name, n FROM (SELECT s_item, max(s_id) AS n FROM "
                                        "sales GROUP BY s_item) JOIN items ON n = i_id WHERE i_kind "
                                        "= 'a'"),
                     "LeftSemi");
    plan_test_free(&t);
}

GLY_TEST(needless_work_is_left_out) {
    plan_test t = make();
    PLAN_CHECK_LACKS(plan_test_text(&t, "SELECT count(*) FROM (SELECT s_id FROM sales ORDER BY "
                                        "s_id)"),
                     "Sort");
    PLAN_CHECK_HAS(plan_test_without(&t, "eliminate_sorts",
                                     "SELECT count(*) FROM (SELECT s_id FROM sales ORDER BY s_id)"),
                   "Sort");
    PLAN_CHECK_HAS(plan_test_text(&t, "SELECT s_id FROM (SELECT s_id FROM sales ORDER BY s_id "
                                      "LIMIT 5) ORDER BY s_id"),
                   "TakeOrdered");
    const char *text = plan_test_text(&t, "SELECT DISTINCT s_item, n FROM (SELECT s_item, count(*) "
                                          "AS n FROM sales GROUP BY s_item)");
    PLAN_CHECK_LACKS(text, "keys=[s_item, n]");
    PLAN_CHECK_HAS(plan_test_text(&t, "SELECT DISTINCT n FROM (SELECT s_item, count(*) AS n FROM "
                                      "sales GROUP BY s_item)"),
                   "functions=[])");
    PLAN_CHECK_HAS(plan_test_text(&t, "SELECT s_id FROM sales WHERE 1 = 2"),
                   "LocalTableScan [s_id], 0 rows\n");
    PLAN_CHECK_HAS(plan_test_text(&t, "SELECT s_id FROM sales JOIN items ON s_item = i_id WHERE "
                                      "false"),
                   "LocalTableScan [s_id], 0 rows\n");
    PLAN_CHECK_HAS(plan_test_text(&t, "SELECT count(*) FROM sales WHERE false"), "count(1)");
    PLAN_CHECK_HAS(plan_test_text(&t, "SELECT 1 AS a UNION ALL SELECT 2 UNION ALL SELECT 3"),
                   "LocalTableScan [a], 3 rows\n");
    plan_test_free(&t);
}

GLY_TEST(the_text_of_the_settings_names_rules) {
    gly_config *config = gly_config_make(NULL);
    gly_error err = {0};
    GLY_CHECK_OK(gly_config_set_pair(
                     config,
                     GLY_STR("spark.sql.optimizer.excludedRules= push_filter ,Reorder_Joins"),
                     &err),
                 &err);
    GLY_CHECK(gly_optimize_is_excluded(config, "push_filter"));
    GLY_CHECK(gly_optimize_is_excluded(config, "reorder_joins"));
    GLY_CHECK(!gly_optimize_is_excluded(config, "push_limit"));
    GLY_CHECK(!gly_optimize_is_excluded(config, "push"));
    size_t count = 0;
    while (gly_optimize_rule_name(count) != NULL) {
        count++;
    }
    GLY_CHECK(count >= 16);
    gly_config_free(config);
}

/* Whatever one rule does not do, the others must cope with. */
GLY_TEST(any_rule_may_be_missing) {
    static const char *const queries[] = {
        "SELECT i_kind, count(DISTINCT s_note) AS d, sum(s_price) AS s FROM sales, items, tiny, "
        "events WHERE s_item = i_id AND e_sale = s_id AND t_id = e_code AND (i_kind = 'a' OR "
        "s_day > DATE '2020-05-05') GROUP BY i_kind HAVING count(*) > 3 ORDER BY 2 DESC LIMIT 5",
        "SELECT * FROM (SELECT s_id AS k, s_note AS w FROM sales WHERE s_item IN (SELECT i_id FROM "
        "items WHERE i_kind = 'a') UNION ALL SELECT t_id, t_word FROM tiny ORDER BY 1) LEFT JOIN "
        "events ON k = e_sale WHERE e_code > 1 OR w = 'x'",
        "SELECT s_item, (SELECT max(e_code) FROM events WHERE e_sale = s_id) AS m FROM sales WHERE "
        "NOT EXISTS (SELECT 1 FROM items WHERE i_id = s_item AND i_name > s_note) AND s_id NOT IN "
        "(SELECT t_id FROM tiny)",
    };
    plan_test t = make();
    for (size_t rule = 0; gly_optimize_rule_name(rule) != NULL; rule++) {
        for (size_t i = 0; i < GLY_ARRAY_LEN(queries); i++) {
            PLAN_CHECK_HAS(plan_test_without(&t, gly_optimize_rule_name(rule), queries[i]),
                           "FileScan");
        }
    }
    plan_test_free(&t);
}

GLY_SUITE("optimize", constants_are_folded_but_not_their_errors, expressions_get_simpler,
          casts_of_compared_columns_go_when_that_is_exact, filters_go_down,
          conditions_that_may_fail_stay_behind_what_protects_them, filters_meet_joins,
          outer_joins_whose_extra_rows_are_dropped_are_inner,
          an_or_over_two_tables_says_something_about_each, equal_columns_share_their_conditions,
          columns_nobody_wants_are_not_read, limits_go_down, joins_are_ordered_by_what_they_leave,
          many_joins_are_ordered_greedily, a_selective_semi_join_goes_to_its_table,
          an_aggregation_joined_to_few_keys_sees_only_their_rows, needless_work_is_left_out,
          the_text_of_the_settings_names_rules, any_rule_may_be_missing)
