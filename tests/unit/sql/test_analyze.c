/* test_analyze.c - the analyzer: names and types of results, shapes of plans, errors.
 *
 * Tables of SQL and what must come out; the fixture's tables are in analyze_case.h.
 */
#include "tests/unit/sql/analyze_case.h"

/* SQL, the columns of its result, the shape of its plan. */
static const struct {
    const char *sql, *columns, *shape;
} good[] = {
    {"SELECT * FROM t",
     "a bigint not null, b int, s string, d date, n decimal(15,2), f double, ok boolean, "
     "ts timestamp",
     "Relation t"},
    {"SELECT t.*, 1 AS one FROM t",
     "a bigint not null, b int, s string, d date, n decimal(15,2), f double, ok boolean, "
     "ts timestamp, one int not null",
     "Project(Relation t)"},
    {"SELECT a, A, T.a FROM t",
     "a bigint not null, A bigint not null, a bigint not null",
     "Project(Relation t)"},
    {"SELECT a + 1, -b, b * 2, a % 3, a / 2, b div 2 FROM t",
     "(a + 1) bigint not null, (- b) int, (b * 2) int, (a % 3) bigint not null, (a / 2) "
     "double not null, (b div 2) bigint",
     "Project(Relation t)"},
    {"SELECT a + n, n * n, n / n, 1 - n, sum(n), avg(n) FROM t GROUP BY a, n",
     "(a + n) decimal(23,2), (n * n) decimal(31,4), (n / n) decimal(33,18), (1 - n) "
     "decimal(16,2), sum(n) decimal(25,2), avg(n) decimal(19,6)",
     "Project(Aggregate(Relation t))"},
    {"SELECT count(*), count(1), count(b), count(distinct b), COUNT(DISTINCT a, b), "
     "sum(b) filter (where ok) FROM t",
     "count(1) bigint not null, count(1) bigint not null, count(b) bigint not null, "
     "count(DISTINCT b) bigint not null, count(DISTINCT a, b) bigint not null, sum(b) "
     "FILTER (WHERE ok) bigint",
     "Project(Aggregate(Relation t))"},
    {"SELECT CASE WHEN a = 1 THEN 'x' ELSE s END, CASE a WHEN 1 THEN 2 END, CAST(a AS "
     "string), b::bigint, if(ok, 1, 2L) FROM t",
     "CASE WHEN (a = 1) THEN x ELSE s END string, CASE WHEN (a = 1) THEN 2 END int, "
     "CAST(a AS STRING) string not null, CAST(b AS BIGINT) bigint, if(ok, 1, 2) bigint "
     "not null",
     "Project(Relation t)"},
    {"SELECT a between 1 and 5, a not between 1 and 2, s like 'a%', s not like 'b', s "
     "rlike 'x', a in (1,2), a not in (3), s is null, s is not null, not ok, ok and a > 1 "
     "and b > 2 FROM t",
     "between(a, 1, 5) boolean not null, (NOT between(a, 1, 2)) boolean not null, s LIKE "
     "a% boolean, (NOT s LIKE b) boolean, RLIKE(s, x) boolean, (a IN (1, 2)) boolean not "
     "null, (NOT (a IN (3))) boolean not null, (s IS NULL) boolean not null, (s IS NOT "
     "NULL) boolean not null, (NOT ok) boolean, ((ok AND (a > 1)) AND (b > 2)) boolean",
     "Project(Relation t)"},
    {"SELECT s || 'x' || 'y', concat(s, a), substring(s from 1 for 2), trim(both 'x' from "
     "s), trim(s), position('a' in s), extract(year from d), s = 5 FROM t",
     "concat(concat(s, x), y) string, concat(s, a) string, substring(s, 1, 2) string, "
     "TRIM(BOTH x FROM s) string, trim(s) string, locate(a, s) int, extract(year FROM d) "
     "int, (s = 5) boolean",
     "Project(Relation t)"},
    {"SELECT d + interval '3' month, d - interval 1 year, d + 5, d - d, d + interval '1 "
     "02:00:00' day to second, ts + interval 2 hours, date '2020-01-01', timestamp "
     "'2020-01-01 10:00:00' FROM t",
     "(d + INTERVAL '0-3' YEAR TO MONTH) date, (d - INTERVAL '1-0' YEAR TO MONTH) date, "
     "(d + 5) date, (d - d) interval day, (d + INTERVAL '1 02:00:00' DAY TO SECOND) "
     "timestamp, (ts + INTERVAL '0 02:00:00' DAY TO SECOND) timestamp, DATE '2020-01-01' "
     "date not null, TIMESTAMP '2020-01-01 10:00:00' timestamp not null",
     "Project(Relation t)"},
    {"SELECT 1, 1L, 1S, 1Y, 1.5, 1.5D, 1e3, 1.5BD, 2.5F, 99999999999, 'it''s', \"dq\", "
     "'a' 'b', null, true, x'1F', -1, -1.5",
     "1 int not null, 1 bigint not null, 1 smallint not null, 1 tinyint not null, 1.5 "
     "decimal(2,1) not null, 1.5 double not null, 1000.0 double not null, 1.5 "
     "decimal(2,1) not null, 2.5 float not null, 99999999999 bigint not null, it's string "
     "not null, dq string not null, ab string not null, NULL void, true boolean not null, "
     "[1F] binary not null, -1 int not null, -1.5 decimal(2,1) not null",
     "Project(LocalRelation)"},
    {"SELECT a a1, b AS `select`, count(*) cnt FROM t GROUP BY a, 2 HAVING cnt > 1 ORDER "
     "BY cnt DESC, 1",
     "a1 bigint not null, select int, cnt bigint not null",
     "Sort(Project(Filter(Aggregate(Relation t))))"},
    {"SELECT a + 1 AS x, sum(b) FROM t GROUP BY x",
     "x bigint not null, sum(b) bigint",
     "Project(Aggregate(Relation t))"},
    {"SELECT a + 1, sum(b) FROM t GROUP BY a",
     "(a + 1) bigint not null, sum(b) bigint",
     "Project(Aggregate(Relation t))"},
    {"SELECT s, max(d) FROM t GROUP BY ALL",
     "s string, max(d) date",
     "Aggregate(Relation t)"},
    {"SELECT x FROM v WHERE cnt > 2",
     "x bigint not null",
     "Project(Filter(Project(Aggregate(Relation t))))"},
    {"SELECT x FROM v, t",
     "x bigint not null",
     "Project(InnerCrossJoin(Project(Aggregate(Relation t)), Relation t))"},
    {"SELECT t.a, u.a FROM t JOIN u ON t.a = u.a",
     "a bigint not null, a bigint",
     "Project(InnerJoin(Relation t, Relation u))"},
    {"SELECT * FROM t JOIN u USING (a)",
     "a bigint not null, b int, s string, d date, n decimal(15,2), f double, ok boolean, "
     "ts timestamp, c string",
     "Project(InnerJoin(Relation t, Relation u))"},
    {"SELECT * FROM u FULL JOIN u w USING (a)",
     "a bigint, c string, c string",
     "Project(Project(FullJoin(Relation u, Relation u)))"},
    {"SELECT * FROM t LEFT JOIN u ON t.a = u.a",
     "a bigint not null, b int, s string, d date, n decimal(15,2), f double, ok boolean, "
     "ts timestamp, a bigint, c string",
     "LeftJoin(Relation t, Relation u)"},
    {"SELECT * FROM u NATURAL JOIN v",
     "a bigint, c string, x bigint not null, cnt bigint not null",
     "InnerCrossJoin(Relation u, Project(Aggregate(Relation t)))"},
    {"SELECT * FROM t LEFT SEMI JOIN u ON t.a = u.a",
     "a bigint not null, b int, s string, d date, n decimal(15,2), f double, ok boolean, "
     "ts timestamp",
     "SemiJoin(Relation t, Relation u)"},
    {"SELECT DISTINCT a FROM t ORDER BY a",
     "a bigint not null",
     "Sort(Aggregate(Project(Relation t)))"},
    {"SELECT a FROM t ORDER BY b LIMIT 5 OFFSET 2",
     "a bigint not null",
     "Project(Limit(Sort(Project(Relation t))))"},
    {"SELECT a FROM t ORDER BY a + 1, s || 'x'",
     "a bigint not null",
     "Project(Sort(Project(Relation t)))"},
    {"SELECT a FROM t UNION ALL SELECT b FROM t",
     "a bigint",
     "Union(Project(Relation t), Project(Project(Relation t)))"},
    {"SELECT a FROM t UNION SELECT a FROM u UNION ALL SELECT 1",
     "a bigint",
     "Union(Aggregate(Union(Project(Relation t), Project(Relation u))), "
     "Project(Project(LocalRelation)))"},
    {"SELECT a FROM t INTERSECT SELECT a FROM u",
     "a bigint",
     "Project(Filter(Aggregate(Union(Project(Project(Relation t)), "
     "Project(Project(Relation u))))))"},
    {"SELECT a FROM t EXCEPT SELECT a FROM u ORDER BY a LIMIT 3",
     "a bigint",
     "Limit(Sort(Project(Filter(Aggregate(Union(Project(Project(Relation t)), "
     "Project(Project(Relation u))))))))"},
    {"VALUES (1, 'a'), (2, NULL)",
     "col1 int not null, col2 string",
     "LocalRelation"},
    {"SELECT col1 + x FROM VALUES (1), (2) AS w(x), (VALUES 3) ",
     "(col1 + x) int not null",
     "Project(InnerCrossJoin(LocalRelation, LocalRelation))"},
    {"SELECT * FROM VALUES (1, 2), (3, 4) AS w(x, y)",
     "x int not null, y int not null",
     "Project(LocalRelation)"},
    {"SELECT * FROM (SELECT a FROM t) q (z)",
     "z bigint not null",
     "Project(Project(Relation t))"},
    {"WITH q AS (SELECT a FROM t), r AS (SELECT a FROM q WHERE a > 1) SELECT * FROM q, r",
     "a bigint not null, a bigint not null",
     "InnerCrossJoin(Project(Relation t), Filter(Project(Relation t)))"},
    {"SELECT * FROM range(3), range(1, 5, 2) r",
     "id bigint not null, id bigint not null",
     "InnerCrossJoin(Range, Range)"},
    {"SELECT * FROM range(-1 + 2, 10 * 10, 3, 2)",
     "id bigint not null",
     "Range"},
    {"SELECT a FROM t WHERE EXISTS (SELECT * FROM u WHERE u.a = t.a AND u.c < t.s)",
     "a bigint not null",
     "Project(SemiJoin(Relation t, Relation u))"},
    {"SELECT a FROM t WHERE a IN (SELECT a FROM u) AND NOT EXISTS (SELECT 1 FROM u)",
     "a bigint not null",
     "Project(AntiCrossJoin(SemiJoin(Relation t, Project(Relation u)), "
     "Limit(Project(Relation u))))"},
    {"SELECT a FROM t WHERE b NOT IN (SELECT a FROM u)",
     "a bigint not null",
     "Project(NullAntiJoin(Relation t, Project(Relation u)))"},
    {"SELECT a FROM t WHERE a NOT IN (SELECT x FROM v)",
     "a bigint not null",
     "Project(AntiJoin(Relation t, Project(Project(Aggregate(Relation t)))))"},
    {"SELECT a FROM t WHERE (a, s) IN (SELECT a, c FROM u)",
     "a bigint not null",
     "Project(SemiJoin(Relation t, Relation u))"},
    {"SELECT a FROM t WHERE a > (SELECT max(a) FROM u)",
     "a bigint not null",
     "Project(Filter(InnerCrossJoin(Relation t, Aggregate(Relation u))))"},
    {"SELECT a FROM t WHERE a > (SELECT a FROM u)",
     "a bigint not null",
     "Project(Filter(InnerCrossJoin(Relation t, Project(Aggregate(Project(Relation u))))))"},
    {"SELECT a, (SELECT count(*) FROM u WHERE u.a = t.a) + 1 AS n FROM t",
     "a bigint not null, n bigint not null",
     "Project(LeftJoin(Relation t, Aggregate(Relation u)))"},
    {"SELECT a, (SELECT max(c) FROM u WHERE u.a = t.a AND u.c <> 'x') FROM t",
     "a bigint not null, scalarsubquery() string",
     "Project(LeftJoin(Relation t, Aggregate(Filter(Relation u))))"},
    {"SELECT a, (SELECT c FROM u WHERE u.a = t.a) FROM t",
     "a bigint not null, scalarsubquery() string",
     "Project(LeftJoin(Relation t, Aggregate(Relation u)))"},
    {"SELECT a FROM t WHERE ok OR EXISTS (SELECT 1 FROM u WHERE u.a = t.a)",
     "a bigint not null",
     "Project(Filter(LeftJoin(Relation t, Project(Aggregate(Relation u)))))"},
    {"SELECT a FROM t WHERE ok OR a IN (SELECT a FROM u)",
     "a bigint not null",
     "Project(Filter(LeftJoin(InnerCrossJoin(Relation t, Aggregate(Project(Relation u))), "
     "Project(Aggregate(Project(Relation u))))))"},
    {"SELECT a, b IN (SELECT a FROM u) FROM t",
     "a bigint not null, (b IN (listquery())) boolean",
     "Project(LeftJoin(InnerCrossJoin(Relation t, Aggregate(Project(Relation u))), "
     "Project(Aggregate(Project(Relation u)))))"},
    {"SELECT a FROM t GROUP BY a HAVING sum(b) > (SELECT max(a) FROM u)",
     "a bigint not null",
     "Project(Filter(InnerCrossJoin(Aggregate(Relation t), Aggregate(Relation u))))"},
    {"SELECT /*+ BROADCAST(u) */ t.a FROM t JOIN u ON t.a = u.a",
     "a bigint not null",
     "Project(InnerJoin(Relation t, Relation u))"},
    {"SELECT a FROM t SORT BY b",
     "a bigint not null",
     "Project(Sort(Project(Relation t)))"},
    {"SELECT a FROM t DISTRIBUTE BY b SORT BY a",
     "a bigint not null",
     "Project(Sort(Repartition(Project(Relation t))))"},
    {"SELECT a FROM t WHERE s > 5 AND d = '2020-01-01'",
     "a bigint not null",
     "Project(Filter(Relation t))"},
    {"SELECT a FROM t LIMIT 2+3",
     "a bigint not null",
     "Limit(Project(Relation t))"},
    {"INSERT OVERWRITE DIRECTORY '/tmp/x' USING parquet OPTIONS (compression 'zstd') "
     "SELECT a FROM t",
     "",
     "InsertIntoDirectory(Project(Relation t))"},
    {"SELECT a FROM t WHERE d < '1998-12-01' + interval 1 day",
     "a bigint not null",
     "Project(Filter(Relation t))"},
    {"SELECT a, sum(b) s FROM t GROUP BY a ORDER BY sum(b) + 1, s",
     "a bigint not null, s bigint",
     "Sort(Project(Aggregate(Relation t)))"},
    {"SELECT sum(b) AS b FROM t GROUP BY a HAVING sum(b) > 1",
     "b bigint",
     "Project(Filter(Aggregate(Relation t)))"},
};

/* SQL, the error. */
static const struct {
    const char *sql, *error;
} bad[] = {
    {"SELECT s FROM t GROUP BY sum(b)",
     "GROUPING: Aggregate function sum is not allowed in GROUP BY (line 1, column 26)"},
    {"SELECT sum(sum(b)) FROM t",
     "GROUPING: Aggregate function sum cannot be inside another aggregate function; "
     "compute the inner one in a subquery (line 1, column 12)"},
    {"SELECT s FROM t HAVING count(*) > 1",
     "GROUPING: Column 's' must be in GROUP BY or inside an aggregate function (line 1, "
     "column 8)"},
    {"SELECT a FROM t, u",
     "AMBIGUOUS_COLUMN: Column 'a' is ambiguous (line 1, column 8): it could be t.a, u.a. "
     "Write the name of the table in front of it"},
    {"SELECT u.c FROM t LEFT ANTI JOIN u ON t.a = u.a",
     "COLUMN_NOT_FOUND: Column 'u.c' does not exist: FROM has no table called 'u' here "
     "(line 1, column 8)"},
    {"SELECT DISTINCT a FROM t ORDER BY b",
     "ANALYSIS: With SELECT DISTINCT, ORDER BY may name only what is selected; 'b' is not "
     "(line 1, column 35)"},
    {"SELECT a, b FROM t UNION SELECT a FROM u",
     "ANALYSIS: The queries of UNION must have the same number of columns, but they have "
     "2 and 1 (line 1, column 1)"},
    {"SELECT d FROM t UNION SELECT ok FROM t",
     "TYPE_MISMATCH: Column 1 of UNION has types date and boolean, which cannot be "
     "brought to one type (line 1, column 1)"},
    {"SELECT a FROM t WHERE a > (SELECT max(a) FROM u WHERE u.a < t.a)",
     "UNSUPPORTED: A subquery used as a value may compare its columns with those of the "
     "query around it only by = (line 1, column 59)"},
    {"SELECT a FROM t WHERE EXISTS (SELECT 1 FROM u WHERE EXISTS (SELECT 1 FROM v WHERE "
     "v.x = t.a))",
     "UNSUPPORTED: Column 't.a' belongs to a query further outside; a subquery may name "
     "such columns only in its own WHERE, compared with its own columns (line 1, column "
     "89)"},
    {"SELECT a FROM t WHERE EXISTS (SELECT 1 FROM u WHERE t.a IN (SELECT x FROM v))",
     "UNSUPPORTED: A subquery inside a subquery may not be compared with columns of the "
     "outermost query (line 1, column 57)"},
    {"SELECT a FROM t WHERE EXISTS (SELECT t.a + u.a FROM u)",
     "UNSUPPORTED: Column 't.a' belongs to the query around this one; a subquery may name "
     "such columns only in its own WHERE, compared with its own columns (line 1, column "
     "38)"},
    {"SELECT year(ts), date_part('month', d), to_date(s), to_date(s, 'yyyy'), date(s), "
     "typeof(a), log(2, f), count_if(ok) over () FROM t",
     "UNSUPPORTED: Window functions are not supported yet (line 1, column 117)"},
    {"SELECT rank() FROM t",
     "UNSUPPORTED: Window functions are not supported yet: rank (line 1, column 8)"},
    {"SELECT lenght(s) FROM t",
     "FUNCTION_NOT_FOUND: Function 'lenght' does not exist (line 1, column 8). Did you "
     "mean 'length'?"},
    {"SELECT length(s, 1) FROM t",
     "WRONG_ARGUMENTS: Function length takes 1 argument, but was given 2 (line 1, column "
     "8)"},
    {"SELECT upper(distinct s) FROM t",
     "WRONG_ARGUMENTS: DISTINCT is allowed only in aggregate functions, and 'upper' is "
     "none (line 1, column 8)"},
    {"SELECT a FROM t WHERE b",
     "TYPE_MISMATCH: The condition of WHERE must be boolean, but it is int (line 1, "
     "column 23)"},
    {"SELECT cast(d AS int) FROM t",
     "TYPE_MISMATCH: A value of type date cannot be cast to int (line 1, column 8)"},
    {"SELECT a.b.c FROM t",
     "COLUMN_NOT_FOUND: Column 'a.b.c' does not exist: FROM has no table called 'b' here "
     "(line 1, column 8)"},
    {"SELECT x.a FROM t",
     "COLUMN_NOT_FOUND: Column 'x.a' does not exist: FROM has no table called 'x' here "
     "(line 1, column 8)"},
    {"SELECT aa FROM t",
     "COLUMN_NOT_FOUND: Column 'aa' does not exist (line 1, column 8). Did you mean 'a'?"},
    {"SELECT zzz FROM t",
     "COLUMN_NOT_FOUND: Column 'zzz' does not exist (line 1, column 8). The columns here "
     "are a, b, s, d, n, f, ok, ts"},
    {"SELECT a FROM t LIMIT -1",
     "INVALID_ARGUMENT: LIMIT must not be negative (line 1, column 23)"},
    {"SELECT a FROM t LIMIT 'x'",
     "TYPE_MISMATCH: LIMIT must be a whole number, but it is string (line 1, column 23)"},
    {"SELECT * FROM parqet.`x`",
     "TABLE_NOT_FOUND: 'parqet.x' does not exist: there are no schemas yet, and 'parqet' "
     "is not a format such as parquet.`path` (line 1, column 15)"},
    {"SELECT t.a FROM t x",
     "COLUMN_NOT_FOUND: Column 't.a' does not exist: FROM has no table called 't' here "
     "(line 1, column 8)"},
    {"SELECT ROW_NUMBER() OVER (ORDER BY a) FROM t",
     "UNSUPPORTED: Window functions are not supported yet (line 1, column 21)"},
    {"SELECT a FROM t GROUP BY ROLLUP (a)",
     "UNSUPPORTED: ROLLUP, CUBE and GROUPING SETS are not supported yet (line 1, column "
     "26)"},
    {"INSERT OVERWRITE DIRECTORY '/tmp/x' USING parquet SELECT a, a FROM t",
     "ANALYSIS: Two columns of the query are called 'a'; give one of them another name "
     "with AS, files need different names"},
    {"SELECT 1 = ALL (SELECT 1)",
     "PARSE: Syntax error at or near 'SELECT' (line 1, column 17): expected a value or a "
     "column"},
    {"SELECT struct(1)",
     "FUNCTION_NOT_FOUND: Function 'struct' does not exist (line 1, column 8); SHOW "
     "FUNCTIONS lists what there is"},
    {"SELECT s[0] FROM t",
     "UNSUPPORTED: Arrays and maps are not supported yet (line 1, column 9)"},
    {"SELECT sum(a) OVER w FROM t WINDOW w AS (ORDER BY a)",
     "UNSUPPORTED: Window functions are not supported yet (line 1, column 15)"},
    {"SELECT min(a) FROM t ORDER BY a",
     "GROUPING: Column 'a' must be in GROUP BY or inside an aggregate function (line 1, "
     "column 31)"},
    {"SELECT interval '1' day * 2",
     "TYPE_MISMATCH: Cannot apply * to (interval day, int): expected numbers (line 1, "
     "column 25)"},
    {"SELECT interval '1-2' year to month, interval '1 day 2 hours', interval -3 days, "
     "interval 1 month 2 days",
     "UNSUPPORTED: Intervals that mix months and days are not supported; add two "
     "intervals one after the other (line 1, column 82)"},
};

GLY_TEST(results_and_shapes) {
    case_fixture fixture = case_open();
    for (size_t i = 0; i < GLY_ARRAY_LEN(good); i++) {
        GLY_CHECK_TEXT(case_columns(&fixture, good[i].sql), good[i].columns);
        GLY_CHECK_TEXT(case_shape(&fixture, good[i].sql), good[i].shape);
    }
    case_close(&fixture);
}

GLY_TEST(errors_say_what_and_where) {
    case_fixture fixture = case_open();
    for (size_t i = 0; i < GLY_ARRAY_LEN(bad); i++) {
        GLY_CHECK_TEXT(case_columns(&fixture, bad[i].sql), bad[i].error);
    }
    case_close(&fixture);
}

static gly_logical *plan_of(case_fixture *fixture, const char *sql) {
    gly_error err;
    gly_logical *plan;
    GLY_CHECK_OK(case_analyze(fixture, sql, &plan, &err), &err);
    return plan;
}

GLY_TEST(now_is_one_moment) {
    case_fixture fixture = case_open();
    gly_logical *plan = plan_of(&fixture, "SELECT current_date, now(), current_timestamp()");
    GLY_CHECK_INT(plan->project.exprs[0]->value.i64, 19675); /* 2023-11-14 */
    GLY_CHECK_INT(plan->project.exprs[1]->value.i64, INT64_C(1700000000000000));
    GLY_CHECK_INT(plan->project.exprs[2]->value.i64, INT64_C(1700000000000000));
    case_close(&fixture);
}

GLY_TEST(views_are_expanded_at_each_use) {
    case_fixture fixture = case_open();
    case_add_view(&fixture, "w", "SELECT * FROM v WHERE cnt > 1");
    gly_logical *plan = plan_of(&fixture, "SELECT * FROM w x JOIN W y ON x.x = y.x");
    for (uint32_t i = 0; i < plan->output_count; i++) {
        for (uint32_t j = 0; j < i; j++) {
            GLY_CHECK(plan->output[i].id != plan->output[j].id);
        }
    }
    case_add_view(&fixture, "self", "SELECT * FROM self");
    GLY_CHECK_TEXT(case_columns(&fixture, "SELECT * FROM self"),
                   "ANALYSIS: In view 'self': View 'self' uses itself (line 1, column 15)");
    case_add_view(&fixture, "ping", "SELECT * FROM pong");
    case_add_view(&fixture, "pong", "SELECT * FROM ping");
    GLY_CHECK_TEXT(case_columns(&fixture, "SELECT * FROM ping"),
                   "ANALYSIS: In view 'ping': In view 'pong': View 'ping' uses itself (line 1, "
                   "column 15)");
    case_add_view(&fixture, "broken", "SELECT nothing FROM t");
    GLY_CHECK_TEXT(case_columns(&fixture, "SELECT * FROM broken"),
                   "COLUMN_NOT_FOUND: In view 'broken': Column 'nothing' does not exist (line 1, "
                   "column 8). The columns here are a, b, s, d, n, f, ok, ts");
    GLY_CHECK_TEXT(case_columns(&fixture, "SELECT * FROM brokn"),
                   "TABLE_NOT_FOUND: Table or view 'brokn' does not exist (line 1, column 15). Did "
                   "you mean 'broken'?");
    /* a common table expression hides a view, and a view does not see it */
    GLY_CHECK_TEXT(case_columns(&fixture, "WITH t AS (SELECT 1 AS one) SELECT * FROM t, v"),
                   "one int not null, x bigint not null, cnt bigint not null");
    case_close(&fixture);
}

GLY_TEST(cached_views_are_read_from_the_cache) {
    case_fixture fixture = case_open();
    gly_field fields[] = {{GLY_STR("x"), GLY_TYPE_OF(BIGINT), false},
                          {GLY_STR("cnt"), GLY_TYPE_OF(BIGINT), false}};
    gly_schema schema = {2, fields};
    gly_catalog_set_cache(fixture.catalog, GLY_STR("V"), 7, &schema, 3, 100, 1000);
    gly_logical *plan = plan_of(&fixture, "SELECT * FROM v");
    GLY_CHECK_INT(plan->kind, GLY_LOGICAL_CACHED);
    GLY_CHECK_INT(plan->cached.cache_id, 7);
    GLY_CHECK_INT(plan->cached.partition_count, 3);
    GLY_CHECK_INT(plan->cached.fields[1], 1);
    gly_catalog_set_cache(fixture.catalog, GLY_STR("v"), 0, NULL, 0, 0, 0);
    GLY_CHECK_TEXT(case_shape(&fixture, "SELECT * FROM v"), "Project(Aggregate(Relation t))");
    case_close(&fixture);
}

GLY_TEST(hints_reach_the_join) {
    case_fixture fixture = case_open();
    gly_logical *plan =
        plan_of(&fixture, "SELECT /*+ BROADCAST(small), UNKNOWN(3) */ * FROM t JOIN u small USING (a)");
    GLY_CHECK_INT(plan->children[0]->join.hint, GLY_JOIN_HINT_BROADCAST_RIGHT);
    plan = plan_of(&fixture, "SELECT /*+ MAPJOIN(t) */ * FROM t JOIN u ON t.a = u.a");
    GLY_CHECK_INT(plan->join.hint, GLY_JOIN_HINT_BROADCAST_LEFT);
    plan = plan_of(&fixture, "SELECT * FROM t JOIN u ON t.a = u.a");
    GLY_CHECK_INT(plan->join.hint, GLY_JOIN_HINT_NONE);
    plan = plan_of(&fixture, "SELECT /*+ REPARTITION(5) */ * FROM t");
    GLY_CHECK_INT(plan->kind, GLY_LOGICAL_REPARTITION);
    GLY_CHECK_INT(plan->repartition.partition_count, 5);
    case_close(&fixture);
}

GLY_TEST(limits_and_ranges_are_evaluated) {
    case_fixture fixture = case_open();
    gly_logical *plan = plan_of(&fixture, "SELECT * FROM range(2 * 5, 100, 10 - 7, 4) LIMIT 2 + 3 OFFSET 1");
    GLY_CHECK_INT(plan->limit.limit, 5);
    GLY_CHECK_INT(plan->limit.offset, 1);
    GLY_CHECK_INT(plan->children[0]->range.start, 10);
    GLY_CHECK_INT(plan->children[0]->range.step, 3);
    GLY_CHECK_INT(plan->children[0]->range.partition_count, 4);
    plan = plan_of(&fixture, "SELECT 1 OFFSET 3");
    GLY_CHECK(plan->limit.limit == UINT64_MAX);
    plan = plan_of(&fixture, "VALUES (1 + 1, upper('a')), (2.5, NULL)");
    GLY_CHECK(gly_type_equal(plan->output[0].type, gly_type_decimal(11, 1)));
    GLY_CHECK_INT(plan->values.rows[0][0]->value.i64, 20);
    GLY_CHECK(gly_str_equal(plan->values.rows[0][1]->value.text, GLY_STR("A")));
    GLY_CHECK(plan->values.rows[1][1]->value.is_null);
    case_close(&fixture);
}

GLY_TEST(expressions_know_their_place) {
    case_fixture fixture = case_open();
    gly_logical *plan = plan_of(&fixture, "SELECT a,\n  a / 0\nFROM t");
    GLY_CHECK_INT(plan->project.exprs[1]->line, 2);
    GLY_CHECK_INT(plan->project.exprs[1]->position, 5);
    case_close(&fixture);
}

/* Text repeated with a piece between: "((((1))))". */
static char *repeat(const char *before, const char *middle, const char *after, int times) {
    gly_builder out = {0};
    gly_builder_add_text(&out, "SELECT ");
    for (int i = 0; i < times; i++) {
        gly_builder_add_text(&out, before);
    }
    gly_builder_add_text(&out, middle);
    for (int i = 0; i < times; i++) {
        gly_builder_add_text(&out, after);
    }
    return out.data;
}

static gly_status status_of(case_fixture *fixture, char *sql) {
    gly_error err = {0};
    gly_logical *plan;
    gly_status status = case_analyze(fixture, sql, &plan, &err);
    free(sql);
    return status;
}

GLY_TEST(hostile_nesting_is_refused) {
    case_fixture fixture = case_open();
    GLY_CHECK_INT(status_of(&fixture, repeat("(", "1", ")", 300)), GLY_OK);
    GLY_CHECK_INT(status_of(&fixture, repeat("(", "1", ")", 100000)), GLY_E_PARSE);
    GLY_CHECK_INT(status_of(&fixture, repeat("(SELECT ", "1", ")", 50)), GLY_OK);
    GLY_CHECK_INT(status_of(&fixture, repeat("(SELECT ", "1", ")", 5000)), GLY_E_PARSE);
    GLY_CHECK_INT(status_of(&fixture, repeat("", "1", " + 1", 900)), GLY_OK);
    GLY_CHECK_INT(status_of(&fixture, repeat("", "1", " + 1", 20000)), GLY_E_PARSE);
    GLY_CHECK_INT(status_of(&fixture, repeat("- ", "a FROM t", "", 100000)), GLY_E_PARSE);
    GLY_CHECK_INT(status_of(&fixture, repeat("NOT ", "ok FROM t", "", 100000)), GLY_E_PARSE);
    GLY_CHECK_INT(status_of(&fixture, repeat("", "true", " AND true", 20000)), GLY_OK);
    GLY_CHECK_INT(status_of(&fixture, repeat("", "'a'", " || 'a'", 5000)), GLY_OK);
    GLY_CHECK_INT(status_of(&fixture, repeat("", "1", " UNION ALL SELECT 1", 3000)), GLY_OK);
    GLY_CHECK_INT(status_of(&fixture, repeat("", "1 FROM u", ", u", 5000)), GLY_E_PARSE);
    GLY_CHECK_INT(status_of(&fixture, repeat("CASE ", "1", " WHEN 1 THEN 1 WHEN 2 THEN 2 END", 300)),
                  GLY_E_ANALYSIS);
    GLY_CHECK_INT(status_of(&fixture, repeat("", "true", " BETWEEN true AND false", 300)), GLY_E_ANALYSIS);
    case_close(&fixture);
}

GLY_TEST(hostile_growth_is_refused) {
    case_fixture fixture = case_open();
    gly_builder sql = {0};
    gly_builder_add_text(&sql, "WITH q0 AS (SELECT 1 AS x)");
    for (int i = 1; i <= 40; i++) {
        gly_builder_format(&sql, ", q%d AS (SELECT l.x FROM q%d l, q%d r)", i, i - 1, i - 1);
    }
    gly_builder_add_text(&sql, " SELECT * FROM q40");
    GLY_CHECK_INT(status_of(&fixture, sql.data), GLY_E_ANALYSIS);
    gly_builder wide = {0};
    gly_builder_add_text(&wide, "WITH q0 AS (SELECT 1 AS x)");
    for (int i = 1; i <= 40; i++) {
        gly_builder_format(&wide, ", q%d AS (SELECT *, * FROM q%d)", i, i - 1);
    }
    gly_builder_add_text(&wide, " SELECT * FROM q40");
    GLY_CHECK_INT(status_of(&fixture, wide.data), GLY_E_ANALYSIS);
    gly_builder chain = {0};
    gly_builder_add_text(&chain, "WITH q0 AS (SELECT 1 AS x)");
    for (int i = 1; i <= 1000; i++) {
        gly_builder_format(&chain, ", q%d AS (SELECT x FROM q%d)", i, i - 1);
    }
    gly_builder_add_text(&chain, " SELECT * FROM q1000");
    GLY_CHECK_INT(status_of(&fixture, chain.data), GLY_E_ANALYSIS);
    case_close(&fixture);
}

GLY_SUITE("analyze", results_and_shapes, errors_say_what_and_where, now_is_one_moment,
          views_are_expanded_at_each_use, cached_views_are_read_from_the_cache,
          hints_reach_the_join, limits_and_ranges_are_evaluated, expressions_know_their_place,
          hostile_nesting_is_refused, hostile_growth_is_refused)
