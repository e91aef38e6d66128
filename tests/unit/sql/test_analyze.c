/* test_analyze.c - the analyzer: names and types of results, shapes of plans, errors.
 *
 * Tables of SQL and what must come out; the fixture's tables are in analyze_case.h.  Names and
 * types were compared with Spark 4.0.1; where ours differ on purpose, ours are here.
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
    {"SELECT a, A, T.a FROM t", "a bigint not null, A bigint not null, a bigint not null",
     "Project(Relation t)"},
    {"SELECT a + 1, -b, b * 2, a % 3, a / 2, b div 2 FROM t",
     "(a + 1) bigint not null, (- b) int, (b * 2) int, (a % 3) bigint, (a / 2) double, (b "
     "div 2) bigint",
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
     "CASE WHEN (a = 1) THEN x ELSE s END string, CASE WHEN (a = 1) THEN 2 END int, a "
     "string not null, b bigint, (IF(ok, 1, 2)) bigint not null",
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
     "TRIM(BOTH x FROM s) string, trim(s) string, locate(a, s, 1) int, extract(year FROM "
     "d) int, (s = 5) boolean",
     "Project(Relation t)"},
    {"SELECT d + interval '3' month, d - interval 1 year, d + 5, d - d, d + interval '1 "
     "02:00:00' day to second, ts + interval 2 hours, date '2020-01-01', timestamp "
     "'2020-01-01 10:00:00' FROM t",
     "d + INTERVAL '3' MONTH date, d - INTERVAL '1' YEAR date, date_add(d, 5) date, (d - "
     "d) interval day, d + INTERVAL '1 02:00:00' DAY TO SECOND timestamp, ts + INTERVAL "
     "'02' HOUR timestamp, DATE '2020-01-01' date not null, TIMESTAMP '2020-01-01 "
     "10:00:00' timestamp not null",
     "Project(Relation t)"},
    {"SELECT 1, 1L, 1S, 1Y, 1.5, 1.5D, 1e3, 1.5BD, 2.5F, 99999999999, 'it''s', \"dq\", "
     "'a' 'b', null, true, x'1F', -1, -1.5",
     "1 int not null, 1 bigint not null, 1 smallint not null, 1 tinyint not null, 1.5 "
     "decimal(2,1) not null, 1.5 double not null, 1000.0 double not null, 1.5 "
     "decimal(2,1) not null, 2.5 float not null, 99999999999 bigint not null, it's string "
     "not null, dq string not null, ab string not null, NULL void, true boolean not null, "
     "X'1F' binary not null, -1 int not null, -1.5 decimal(2,1) not null",
     "Project(LocalRelation)"},
    {"SELECT a a1, b AS `select`, count(*) cnt FROM t GROUP BY a, 2 HAVING cnt > 1 ORDER "
     "BY cnt DESC, 1",
     "a1 bigint not null, select int, cnt bigint not null",
     "Sort(Project(Filter(Aggregate(Relation t))))"},
    {"SELECT a + 1 AS x, sum(b) FROM t GROUP BY x", "x bigint not null, sum(b) bigint",
     "Project(Aggregate(Relation t))"},
    {"SELECT a + 1, sum(b) FROM t GROUP BY a", "(a + 1) bigint not null, sum(b) bigint",
     "Project(Aggregate(Relation t))"},
    {"SELECT s, max(d) FROM t GROUP BY ALL", "s string, max(d) date", "Aggregate(Relation t)"},
    {"SELECT x FROM v WHERE cnt > 2", "x bigint not null",
     "Project(Filter(Project(Aggregate(Relation t))))"},
    {"SELECT x FROM v, t", "x bigint not null",
     "Project(InnerCrossJoin(Project(Aggregate(Relation t)), Relation t))"},
    {"SELECT t.a, u.a FROM t JOIN u ON t.a = u.a", "a bigint not null, a bigint",
     "Project(InnerJoin(Relation t, Relation u))"},
    {"SELECT * FROM t JOIN u USING (a)",
     "a bigint not null, b int, s string, d date, n decimal(15,2), f double, ok boolean, "
     "ts timestamp, c string",
     "Project(InnerJoin(Relation t, Relation u))"},
    {"SELECT * FROM u FULL JOIN u w USING (a)", "a bigint, c string, c string",
     "Project(Project(FullJoin(Relation u, Relation u)))"},
    {"SELECT * FROM t LEFT JOIN u ON t.a = u.a",
     "a bigint not null, b int, s string, d date, n decimal(15,2), f double, ok boolean, "
     "ts timestamp, a bigint, c string",
     "LeftJoin(Relation t, Relation u)"},
    {"SELECT * FROM u NATURAL JOIN v", "a bigint, c string, x bigint not null, cnt bigint not null",
     "InnerCrossJoin(Relation u, Project(Aggregate(Relation t)))"},
    {"SELECT * FROM t LEFT SEMI JOIN u ON t.a = u.a",
     "a bigint not null, b int, s string, d date, n decimal(15,2), f double, ok boolean, "
     "ts timestamp",
     "SemiJoin(Relation t, Relation u)"},
    {"SELECT DISTINCT a FROM t ORDER BY a", "a bigint not null",
     "Sort(Aggregate(Project(Relation t)))"},
    {"SELECT a FROM t ORDER BY b LIMIT 5 OFFSET 2", "a bigint not null",
     "Project(Limit(Sort(Project(Relation t))))"},
    {"SELECT a FROM t ORDER BY a + 1, s || 'x'", "a bigint not null",
     "Project(Sort(Project(Relation t)))"},
    {"SELECT a FROM t UNION ALL SELECT b FROM t", "a bigint",
     "Union(Project(Relation t), Project(Project(Relation t)))"},
    {"SELECT a FROM t UNION SELECT a FROM u UNION ALL SELECT 1", "a bigint",
     "Union(Aggregate(Union(Project(Relation t), Project(Relation u))), "
     "Project(Project(LocalRelation)))"},
    {"SELECT a FROM t INTERSECT SELECT a FROM u", "a bigint",
     "Project(Filter(Aggregate(Union(Project(Project(Relation t)), "
     "Project(Project(Relation u))))))"},
    {"SELECT a FROM t EXCEPT SELECT a FROM u ORDER BY a LIMIT 3", "a bigint",
     "Limit(Sort(Project(Filter(Aggregate(Union(Project(Project(Relation t)), "
     "Project(Project(Relation u))))))))"},
    {"VALUES (1, 'a'), (2, NULL)", "col1 int not null, col2 string", "LocalRelation"},
    {"SELECT col1 + x FROM VALUES (1), (2) AS w(x), (VALUES 3) ", "(col1 + x) int not null",
     "Project(InnerCrossJoin(LocalRelation, LocalRelation))"},
    {"SELECT * FROM VALUES (1, 2), (3, 4) AS w(x, y)", "x int not null, y int not null",
     "Project(LocalRelation)"},
    {"SELECT * FROM (SELECT a FROM t) q (z)", "z bigint not null", "Project(Project(Relation t))"},
    {"WITH q AS (SELECT a FROM t), r AS (SELECT a FROM q WHERE a > 1) SELECT * FROM q, r",
     "a bigint not null, a bigint not null",
     "InnerCrossJoin(Project(Relation t), Filter(Project(Relation t)))"},
    {"SELECT * FROM range(3), range(1, 5, 2) r", "id bigint not null, id bigint not null",
     "InnerCrossJoin(Range, Range)"},
    {"SELECT * FROM range(-1 + 2, 10 * 10, 3, 2)", "id bigint not null", "Range"},
    {"SELECT a FROM t WHERE EXISTS (SELECT * FROM u WHERE u.a = t.a AND u.c < t.s)",
     "a bigint not null", "Project(SemiJoin(Relation t, Relation u))"},
    {"SELECT a FROM t WHERE a IN (SELECT a FROM u) AND NOT EXISTS (SELECT 1 FROM u)",
     "a bigint not null",
     "Project(AntiCrossJoin(SemiJoin(Relation t, Project(Relation u)), Limit(Relation u)))"},
    {"SELECT a FROM t WHERE b NOT IN (SELECT a FROM u)", "a bigint not null",
     "Project(NullAntiJoin(Relation t, Project(Relation u)))"},
    {"SELECT a FROM t WHERE a NOT IN (SELECT x FROM v)", "a bigint not null",
     "Project(AntiJoin(Relation t, Project(Project(Aggregate(Relation t)))))"},
    {"SELECT a FROM t WHERE (a, s) IN (SELECT a, c FROM u)", "a bigint not null",
     "Project(SemiJoin(Relation t, Relation u))"},
    {"SELECT a FROM t WHERE a > (SELECT max(a) FROM u)", "a bigint not null",
     "Project(Filter(InnerCrossJoin(Relation t, Aggregate(Relation u))))"},
    {"SELECT a FROM t WHERE a > (SELECT a FROM u)", "a bigint not null",
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
    {"SELECT a FROM t WHERE ok OR EXISTS (SELECT 1 FROM u WHERE u.a = t.a)", "a bigint not null",
     "Project(Filter(LeftJoin(Relation t, Project(Aggregate(Relation u)))))"},
    {"SELECT a FROM t WHERE ok OR a IN (SELECT a FROM u)", "a bigint not null",
     "Project(Filter(LeftJoin(InnerCrossJoin(Relation t, Aggregate(Project(Relation u))), "
     "Project(Aggregate(Project(Relation u))))))"},
    {"SELECT a, b IN (SELECT a FROM u) FROM t", "a bigint not null, (b IN (listquery())) boolean",
     "Project(LeftJoin(InnerCrossJoin(Relation t, Aggregate(Project(Relation u))), "
     "Project(Aggregate(Project(Relation u)))))"},
    {"SELECT a FROM t GROUP BY a HAVING sum(b) > (SELECT max(a) FROM u)", "a bigint not null",
     "Project(Filter(InnerCrossJoin(Aggregate(Relation t), Aggregate(Relation u))))"},
    {"SELECT a FROM t WHERE EXISTS (SELECT t.a + u.a FROM u)", "a bigint not null",
     "Project(SemiCrossJoin(Relation t, Limit(Relation u)))"},
    {"SELECT /*+ BROADCAST(u) */ t.a FROM t JOIN u ON t.a = u.a", "a bigint not null",
     "Project(InnerJoin(Relation t, Relation u))"},
    {"SELECT a FROM t SORT BY b", "a bigint not null", "Project(Sort(Project(Relation t)))"},
    {"SELECT a FROM t DISTRIBUTE BY b SORT BY a", "a bigint not null",
     "Project(Sort(Repartition(Project(Relation t))))"},
    {"SELECT a FROM t WHERE s > 5 AND d = '2020-01-01'", "a bigint not null",
     "Project(Filter(Relation t))"},
    {"SELECT a FROM t LIMIT 2+3", "a bigint not null", "Limit(Project(Relation t))"},
    {"INSERT OVERWRITE DIRECTORY '/tmp/x' USING parquet OPTIONS (compression 'zstd') "
     "SELECT a FROM t",
     "", "InsertIntoDirectory(Project(Relation t))"},
    {"SELECT a FROM t WHERE d < '1998-12-01' + interval 1 day", "a bigint not null",
     "Project(Filter(Relation t))"},
    {"SELECT a, sum(b) s FROM t GROUP BY a ORDER BY sum(b) + 1, s", "a bigint not null, s bigint",
     "Sort(Project(Aggregate(Relation t)))"},
    {"SELECT sum(b) AS b FROM t GROUP BY a HAVING sum(b) > 1", "b bigint",
     "Project(Filter(Aggregate(Relation t)))"},
    {"SELECT abs(a), ceil(f), floor(n), round(n, 1), round(f), bround(n), sqrt(a), "
     "power(a, 2), exp(f), ln(f), log10(f), log2(f), sin(f), atan2(f, 1), sign(a), pi(), "
     "e() FROM t",
     "abs(a) bigint not null, CEIL(f) bigint, FLOOR(n) decimal(14,0), round(n, 1) "
     "decimal(15,1), round(f, 0) double, bround(n, 0) decimal(14,0), SQRT(a) double not "
     "null, POWER(a, 2) double not null, EXP(f) double, ln(f) double, LOG10(f) double, "
     "LOG2(f) double, SIN(f) double, ATAN2(f, 1) double, sign(a) double not null, PI() "
     "double not null, E() double not null",
     "Project(Relation t)"},
    {"SELECT length(s), char_length(s), octet_length(s), upper(s), lower(s), substr(s, "
     "1), left(s, 2), right(s, 2), concat(s, 'x'), concat_ws(',', s, 'a'), ltrim(s), "
     "rtrim(s), lpad(s, 5, 'x'), rpad(s, 5), replace(s, 'a'), replace(s, 'a', 'b'), "
     "reverse(s), repeat(s, 2) FROM t",
     "length(s) int, char_length(s) int, octet_length(s) int, upper(s) string, lower(s) "
     "string, substr(s, 1, 2147483647) string, left(s, 2) string, right(s, 2) string, "
     "concat(s, x) string, concat_ws(,, s, a) string not null, ltrim(s) string, rtrim(s) "
     "string, lpad(s, 5, x) string, rpad(s, 5,  ) string, replace(s, a, ) string, "
     "replace(s, a, b) string, reverse(s) string, repeat(s, 2) string",
     "Project(Relation t)"},
    {"SELECT instr(s, 'a'), locate('a', s), locate('a', s, 2), ascii(s), chr(b), "
     "initcap(s), split_part(s, ',', 1), startswith(s, 'a'), endswith(s, 'a'), "
     "contains(s, 'a'), regexp_replace(s, 'a', 'b'), regexp_extract(s, 'a(b)', 1), "
     "regexp_extract(s, 'a') FROM t",
     "instr(s, a) int, locate(a, s, 1) int, locate(a, s, 2) int, ascii(s) int, chr(b) "
     "string, initcap(s) string, split_part(s, ,, 1) string, startswith(s, a) boolean, "
     "endswith(s, a) boolean, contains(s, a) boolean, regexp_replace(s, a, b, 1) string, "
     "regexp_extract(s, a(b), 1) string, regexp_extract(s, a, 1) string",
     "Project(Relation t)"},
    {"SELECT year(d), quarter(d), month(d), day(d), dayofmonth(d), dayofweek(d), "
     "weekday(d), dayofyear(d), weekofyear(d), hour(ts), minute(ts), second(ts) FROM t",
     "year(d) int, quarter(d) int, month(d) int, day(d) int, dayofmonth(d) int, "
     "dayofweek(d) int, weekday(d) int, dayofyear(d) int, weekofyear(d) int, hour(ts) "
     "int, minute(ts) int, second(ts) int",
     "Project(Relation t)"},
    {"SELECT date_add(d, 1), date_sub(d, b), datediff(d, d), add_months(d, 1), "
     "months_between(d, d), last_day(d), trunc(d, 'month'), date_trunc('hour', ts), "
     "date_format(d, 'yyyy'), to_timestamp(s), to_timestamp(s, 'yyyy'), "
     "unix_timestamp(ts), unix_timestamp(s), from_unixtime(a), make_date(b, 1, 1) FROM t",
     "date_add(d, 1) date, date_sub(d, b) date, datediff(d, d) int, add_months(d, 1) "
     "date, months_between(d, d, true) double, last_day(d) date, trunc(d, month) date, "
     "date_trunc(hour, ts) timestamp, date_format(d, yyyy) string, to_timestamp(s) "
     "timestamp, to_timestamp(s, yyyy) timestamp, unix_timestamp(ts, yyyy-MM-dd HH:mm:ss) "
     "bigint, unix_timestamp(s, yyyy-MM-dd HH:mm:ss) bigint, from_unixtime(a, yyyy-MM-dd "
     "HH:mm:ss) string not null, make_date(b, 1, 1) date",
     "Project(Relation t)"},
    {"SELECT coalesce(b, 1), nvl(b, 1), ifnull(b, 1), nvl2(b, 1, 2), nullif(b, 1), "
     "greatest(a, b), least(b, 1), isnull(b), isnotnull(b), isnan(f) FROM t",
     "coalesce(b, 1) int not null, nvl(b, 1) int not null, ifnull(b, 1) int not null, "
     "nvl2(b, 1, 2) int not null, nullif(b, 1) int, greatest(a, b) bigint not null, "
     "least(b, 1) int not null, (b IS NULL) boolean not null, (b IS NOT NULL) boolean not "
     "null, isnan(f) boolean not null",
     "Project(Relation t)"},
    {"SELECT hash(a), xxhash64(a, s), rand(5) is null, monotonically_increasing_id() FROM "
     "t",
     "hash(a) int not null, xxhash64(a, s) bigint not null, (rand(5) IS NULL) boolean not "
     "null, monotonically_increasing_id() bigint not null",
     "Project(Relation t)"},
    {"SELECT try_add(a, b), try_subtract(a, b), try_multiply(a, b), try_divide(a, b), "
     "try_cast(s as int) FROM t",
     "try_add(a, b) bigint, try_subtract(a, b) bigint, try_multiply(a, b) bigint, "
     "try_divide(a, b) double, s int",
     "Project(Relation t)"},
    {"SELECT sum(b), sum(f), sum(n), avg(b), avg(n), min(s), max(d), first(s), "
     "any_value(s), first_value(s), mean(b), stddev(b), stddev_samp(f), stddev_pop(f), "
     "variance(f), var_samp(f), var_pop(f), bool_and(ok), every(ok), bool_or(ok), "
     "some(ok), any(ok), count_if(ok), approx_count_distinct(s), std(f) FROM t",
     "sum(b) bigint, sum(f) double, sum(n) decimal(25,2), avg(b) double, avg(n) "
     "decimal(19,6), min(s) string, max(d) date, first(s) string, any_value(s) string, "
     "first_value(s) string, mean(b) double, stddev(b) double, stddev_samp(f) double, "
     "stddev_pop(f) double, variance(f) double, var_samp(f) double, var_pop(f) double, "
     "bool_and(ok) boolean, every(ok) boolean, bool_or(ok) boolean, some(ok) boolean, "
     "any(ok) boolean, count_if(ok) bigint not null, approx_count_distinct(s) bigint not "
     "null, std(f) double",
     "Project(Aggregate(Relation t))"},
    {"SELECT count(b, s), count(DISTINCT b), sum(DISTINCT b), avg(DISTINCT n) FROM t",
     "count(b, s) bigint not null, count(DISTINCT b) bigint not null, sum(DISTINCT b) "
     "bigint, avg(DISTINCT n) decimal(19,6)",
     "Project(Aggregate(Relation t))"},
    {"SELECT a + b, a - b, a * b, a / b, b % 3, b + 1.5, n + 1, n * 2, n / 3, n % 2, f + "
     "n, b / n, 1.0 / 3, 10 / 3, 2 * 1.5, n + a, n - n, -n, +n, a & b, a | 1, a ^ 1, ~a "
     "FROM t",
     "(a + b) bigint, (a - b) bigint, (a * b) bigint, (a / b) double, (b % 3) int, (b + "
     "1.5) decimal(12,1), (n + 1) decimal(16,2), (n * 2) decimal(17,2), (n / 3) "
     "decimal(19,6), (n % 2) decimal(3,2), (f + n) double, (b / n) decimal(28,16), (1.0 / "
     "3) decimal(7,6), (10 / 3) double, (2 * 1.5) decimal(4,1) not null, (n + a) "
     "decimal(23,2), (n - n) decimal(16,2), (- n) decimal(15,2), n decimal(15,2), (a & b) "
     "bigint, (a | 1) bigint not null, (a ^ 1) bigint not null, ~a bigint not null",
     "Project(Relation t)"},
    {"SELECT 1.5 + 2.25, 1.5 * 2.25, 1.5 / 2.25, 1.5 % 2.25, 100000000000 * 3, 1Y + 1S, 1 "
     "+ 1L, 1.5D + 1, 1.5F + 1, 1.5F + 1L, 1.5F * 2.5, s + 1, s * 1.5, '5' + 5 FROM t",
     "(1.5 + 2.25) decimal(4,2) not null, (1.5 * 2.25) decimal(6,3) not null, (1.5 / "
     "2.25) decimal(9,6), (1.5 % 2.25) decimal(3,2), (100000000000 * 3) bigint not null, "
     "(1 + 1) smallint not null, (1 + 1) bigint not null, (1.5 + 1) double not null, (1.5 "
     "+ 1) double not null, (1.5 + 1) double not null, (1.5 * 2.5) double not null, (s + "
     "1) bigint, (s * 1.5) double, (5 + 5) bigint not null",
     "Project(Relation t)"},
    {"SELECT s = 1, s > 1.5, d > '2020-01-01', ts = d, a = n, a = 1.5, ok = true, s = d, "
     "a in (1, 2.5), b in ('1', '2'), s between 'a' and 'b', a between 1 and n FROM t",
     "(s = 1) boolean, (s > 1.5) boolean, (d > 2020-01-01) boolean, (ts = d) boolean, (a "
     "= n) boolean, (a = 1.5) boolean not null, (ok = true) boolean, (s = d) boolean, (a "
     "IN (1, 2.5)) boolean not null, (b IN (1, 2)) boolean, between(s, a, b) boolean, "
     "between(a, 1, n) boolean",
     "Project(Relation t)"},
    {"SELECT CASE WHEN ok THEN 1 WHEN b > 1 THEN 2.5 END, CASE WHEN ok THEN a ELSE n END, "
     "CASE b WHEN 1 THEN 'a' WHEN 2 THEN 'b' ELSE 'c' END, CASE WHEN ok THEN d ELSE ts "
     "END, CASE WHEN ok THEN null ELSE 1 END, CASE WHEN ok THEN 1 ELSE '2' END FROM t",
     "CASE WHEN ok THEN 1 WHEN (b > 1) THEN 2.5 END decimal(11,1), CASE WHEN ok THEN a "
     "ELSE n END decimal(22,2), CASE WHEN (b = 1) THEN a WHEN (b = 2) THEN b ELSE c END "
     "string not null, CASE WHEN ok THEN d ELSE ts END timestamp, CASE WHEN ok THEN NULL "
     "ELSE 1 END int, CASE WHEN ok THEN 1 ELSE 2 END bigint not null",
     "Project(Relation t)"},
    {"SELECT ok AND NOT ok OR ok, NOT (a = 1), a <=> b, a IS DISTINCT FROM b, b IS NOT "
     "DISTINCT FROM 1, ok IS TRUE, ok IS NOT FALSE, s LIKE 'a', s NOT LIKE '%b' ESCAPE "
     "'!', s RLIKE 'b', s ILIKE 'X', s = 'a' OR s IS NULL FROM t",
     "((ok AND (NOT ok)) OR ok) boolean, (NOT (a = 1)) boolean not null, (a <=> b) "
     "boolean not null, (NOT (a <=> b)) boolean not null, (b <=> 1) boolean not null, (ok "
     "<=> true) boolean not null, (NOT (ok <=> false)) boolean not null, s LIKE a "
     "boolean, (NOT s LIKE %b ESCAPE '!') boolean, RLIKE(s, b) boolean, ilike(s, X) "
     "boolean, ((s = a) OR (s IS NULL)) boolean",
     "Project(Relation t)"},
    {"SELECT CAST(b AS DECIMAL(10,2)), CAST(b + 1 AS STRING), CAST('2020-01-01' AS DATE), "
     "b::double, CAST(a AS SMALLINT) + 1, TRY_CAST(s AS INT), INT(s), DOUBLE('1.5'), "
     "STRING(1) FROM t",
     "b decimal(10,2), CAST((b + 1) AS STRING) string, CAST(2020-01-01 AS DATE) date not "
     "null, b double, (CAST(a AS SMALLINT) + 1) int not null, s int, s int, CAST(1.5 AS "
     "DOUBLE) double not null, CAST(1 AS STRING) string not null",
     "Project(Relation t)"},
    {"SELECT d + INTERVAL 1 DAY, d + INTERVAL '1' MONTH, ts - INTERVAL 1 HOUR, d - DATE "
     "'2020-01-01', ts - ts, ts - d, INTERVAL 1 DAY + d, d - 1, 1 + d FROM t",
     "d + INTERVAL '1' DAY date, d + INTERVAL '1' MONTH date, ts - INTERVAL '01' HOUR "
     "timestamp, (d - DATE '2020-01-01') interval day, (ts - ts) interval day, (ts - d) "
     "interval day, (INTERVAL '1' DAY + d) date, date_sub(d, 1) date, date_add(d, 1) date",
     "Project(Relation t)"},
    {"SELECT EXTRACT(YEAR FROM ts), EXTRACT(month FROM d), EXTRACT(DOW FROM d), "
     "EXTRACT(HOUR FROM ts), date_part('YEAR', d), dateadd(d, 1), date_diff(d, d) FROM t",
     "extract(YEAR FROM ts) int, extract(month FROM d) int, extract(DOW FROM d) int, "
     "extract(HOUR FROM ts) int, date_part(YEAR, d) int, date_add(d, 1) date, "
     "date_diff(d, d) int",
     "Project(Relation t)"},
    {"SELECT a AS x, sum(b) AS y FROM t GROUP BY a HAVING y > 1 ORDER BY x",
     "x bigint not null, y bigint", "Sort(Project(Filter(Aggregate(Relation t))))"},
    {"SELECT upper(s) u, count(*) FROM t GROUP BY u", "u string, count(1) bigint not null",
     "Aggregate(Relation t)"},
    {"SELECT a % 2 AS g, max(b) - min(b) AS r, count(*) * 2, sum(n) / count(*) FROM t "
     "GROUP BY a % 2",
     "g bigint, r int, (count(1) * 2) bigint not null, (sum(n) / count(1)) decimal(38,15)",
     "Project(Aggregate(Relation t))"},
    {"SELECT * FROM t RIGHT JOIN u ON t.a = u.a",
     "a bigint, b int, s string, d date, n decimal(15,2), f double, ok boolean, ts "
     "timestamp, a bigint, c string",
     "RightJoin(Relation t, Relation u)"},
    {"SELECT * FROM t FULL OUTER JOIN u ON t.a = u.a",
     "a bigint, b int, s string, d date, n decimal(15,2), f double, ok boolean, ts "
     "timestamp, a bigint, c string",
     "FullJoin(Relation t, Relation u)"},
    {"SELECT * FROM t CROSS JOIN u",
     "a bigint not null, b int, s string, d date, n decimal(15,2), f double, ok boolean, "
     "ts timestamp, a bigint, c string",
     "InnerCrossJoin(Relation t, Relation u)"},
    {"SELECT * FROM t RIGHT JOIN u USING (a)",
     "a bigint, b int, s string, d date, n decimal(15,2), f double, ok boolean, ts "
     "timestamp, c string",
     "Project(RightJoin(Relation t, Relation u))"},
    {"SELECT * FROM t FULL JOIN u USING (a)",
     "a bigint, b int, s string, d date, n decimal(15,2), f double, ok boolean, ts "
     "timestamp, c string",
     "Project(Project(FullJoin(Relation t, Relation u)))"},
    {"SELECT * FROM t LEFT JOIN u USING (a)",
     "a bigint not null, b int, s string, d date, n decimal(15,2), f double, ok boolean, "
     "ts timestamp, c string",
     "Project(LeftJoin(Relation t, Relation u))"},
    {"SELECT t.a, u.a, c FROM t LEFT JOIN u USING (a)", "a bigint not null, a bigint, c string",
     "Project(LeftJoin(Relation t, Relation u))"},
    {"SELECT a FROM t RIGHT JOIN u USING (a)", "a bigint",
     "Project(RightJoin(Relation t, Relation u))"},
    {"SELECT t.*, c FROM t JOIN u USING (a)",
     "a bigint not null, b int, s string, d date, n decimal(15,2), f double, ok boolean, "
     "ts timestamp, c string",
     "Project(InnerJoin(Relation t, Relation u))"},
    {"SELECT x.*, y.* FROM (SELECT a, s FROM t) x JOIN u y ON x.a = y.a",
     "a bigint not null, s string, a bigint, c string",
     "InnerJoin(Project(Relation t), Relation u)"},
    {"SELECT `a` FROM t WHERE `t`.`a` = 1", "a bigint not null", "Project(Filter(Relation t))"},
    {"SELECT 1 + 1 AS two, 'x' AS `weird name`, NULL AS n",
     "two int not null, weird name string not null, n void", "Project(LocalRelation)"},
    {"SELECT a, a + 1 AS b2 FROM t ORDER BY b2, b", "a bigint not null, b2 bigint not null",
     "Project(Sort(Project(Relation t)))"},
    {"SELECT count(*) FROM t WHERE a IS NOT NULL", "count(1) bigint not null",
     "Aggregate(Filter(Relation t))"},
    {"SELECT max(a) + 1 FROM t", "(max(a) + 1) bigint", "Project(Aggregate(Relation t))"},
    {"SELECT (SELECT max(a) FROM t) AS m, 1", "m bigint, 1 int not null",
     "Project(InnerCrossJoin(LocalRelation, Aggregate(Relation t)))"},
    {"SELECT (SELECT 1), EXISTS (SELECT 1), 1 IN (SELECT 1)",
     "scalarsubquery() int not null, exists() boolean not null, (1 IN (listquery())) "
     "boolean",
     "Project(LeftJoin(InnerCrossJoin(InnerCrossJoin(InnerCrossJoin(LocalRelation, "
     "Project(LocalRelation)), Aggregate(Limit(LocalRelation))), "
     "Aggregate(Project(LocalRelation))), Project(Aggregate(Project(LocalRelation)))))"},
    {"SELECT a FROM t UNION ALL SELECT n FROM t", "a decimal(22,2)",
     "Union(Project(Project(Relation t)), Project(Project(Relation t)))"},
    {"SELECT b FROM t UNION ALL SELECT '1'", "b bigint",
     "Union(Project(Project(Relation t)), Project(Project(LocalRelation)))"},
    {"SELECT a FROM t UNION SELECT c FROM u", "a bigint",
     "Aggregate(Union(Project(Relation t), Project(Project(Relation u))))"},
    {"SELECT d FROM t UNION ALL SELECT ts FROM t", "d timestamp",
     "Union(Project(Project(Relation t)), Project(Relation t))"},
    {"SELECT NULL UNION ALL SELECT 1", "NULL int",
     "Union(Project(Project(LocalRelation)), Project(LocalRelation))"},
    {"SELECT 1.5 UNION ALL SELECT 2", "1.5 decimal(11,1) not null",
     "Union(Project(Project(LocalRelation)), Project(Project(LocalRelation)))"},
    {"SELECT b FROM t UNION ALL SELECT f FROM t", "b double",
     "Union(Project(Project(Relation t)), Project(Relation t))"},
    {"VALUES (1, NULL), (2.5, 'x')", "col1 decimal(11,1) not null, col2 string", "LocalRelation"},
    {"SELECT * FROM VALUES (1, true), (2, false) AS x(i, j)", "i int not null, j boolean not null",
     "Project(LocalRelation)"},
    {"SELECT id FROM range(5)", "id bigint not null", "Range"},
    {"SELECT ID + 1 FROM range(1, 5)", "(ID + 1) bigint not null", "Project(Range)"},
    {"SELECT count(*) c FROM range(10) HAVING c > 5", "c bigint not null",
     "Project(Filter(Aggregate(Range)))"},
    {"SELECT a.id FROM range(3) a, range(3) b", "id bigint not null",
     "Project(InnerCrossJoin(Range, Range))"},
    {"SELECT date '2020-01-01' + 1, date '2020-01-01' - date '2019-01-01', timestamp "
     "'2020-01-01' + interval 1 day",
     "date_add(DATE '2020-01-01', 1) date not null, (DATE '2020-01-01' - DATE "
     "'2019-01-01') interval day not null, TIMESTAMP '2020-01-01 00:00:00' + INTERVAL '1' "
     "DAY timestamp not null",
     "Project(LocalRelation)"},
    {"SELECT b + 'x' FROM t", "(b + x) bigint", "Project(Relation t)"},
    {"SELECT sum(s), avg(s), sum('1') FROM t", "sum(s) double, avg(s) double, sum(1) double",
     "Project(Aggregate(Relation t))"},
    {"SELECT max(ok), min(n), max(ts) FROM t",
     "max(ok) boolean, min(n) decimal(15,2), max(ts) timestamp", "Aggregate(Relation t)"},
    {"SELECT upper(1), length(12), concat(1, 2, NULL), substring('abc', '1', 2), abs('5') "
     "FROM t",
     "upper(1) string not null, length(12) int not null, concat(1, 2, NULL) string, "
     "substring(abc, 1, 2) string not null, abs(5) double not null",
     "Project(Relation t)"},
    {"SELECT date_add('2020-01-01', 1), year('2020-01-01'), date_add(d, '1'), date_add(d, "
     "1L), datediff('2020-01-01', d) FROM t",
     "date_add(2020-01-01, 1) date not null, year(2020-01-01) int not null, date_add(d, "
     "1) date, date_add(d, 1) date, datediff(2020-01-01, d) int",
     "Project(Relation t)"},
    {"SELECT nullif(a, b), nullif(b, a), nullif(s, 'x'), coalesce(null, null), nvl(null, "
     "1), greatest(1, 2.5, 3L), least('a', 'b'), greatest(s, 1) FROM t",
     "nullif(a, b) bigint, nullif(b, a) bigint, nullif(s, x) string, coalesce(NULL, NULL) "
     "void, nvl(NULL, 1) int not null, greatest(1, 2.5, 3) decimal(21,1) not null, "
     "least(a, b) string not null, greatest(s, 1) bigint not null",
     "Project(Relation t)"},
    {"SELECT cast(1 as boolean), cast('a' as binary), cast(d as timestamp), cast(ts as "
     "date), cast(a as timestamp), cast(ts as bigint), cast(ok as int), cast(1.5 as int), "
     "cast(n as decimal(5,1)) FROM t",
     "CAST(1 AS BOOLEAN) boolean not null, CAST(a AS BINARY) binary not null, d "
     "timestamp, ts date, a timestamp not null, ts bigint, ok int, CAST(1.5 AS INT) int "
     "not null, n decimal(5,1)",
     "Project(Relation t)"},
    {"SELECT a + 1 FROM t GROUP BY a + 1", "(a + 1) bigint not null", "Aggregate(Relation t)"},
    {"SELECT a + 1 + 1 FROM t GROUP BY a + 1", "((a + 1) + 1) bigint not null",
     "Project(Aggregate(Relation t))"},
    {"SELECT count(*) FROM t ORDER BY count(*)", "count(1) bigint not null",
     "Sort(Aggregate(Relation t))"},
    {"SELECT * FROM t, t",
     "a bigint not null, b int, s string, d date, n decimal(15,2), f double, ok boolean, "
     "ts timestamp, a bigint not null, b int, s string, d date, n decimal(15,2), f "
     "double, ok boolean, ts timestamp",
     "InnerCrossJoin(Relation t, Relation t)"},
    {"SELECT distinct a, b FROM t ORDER BY a + b", "a bigint not null, b int",
     "Sort(Aggregate(Project(Relation t)))"},
    {"SELECT interval '1' month + interval '2' year, interval 1 day + interval 2 hours",
     "(INTERVAL '1' MONTH + INTERVAL '2' YEAR) interval month not null, (INTERVAL '1' DAY "
     "+ INTERVAL '02' HOUR) interval day not null",
     "Project(LocalRelation)"},
    {"SELECT a FROM t LIMIT 1 + 1", "a bigint not null", "Limit(Project(Relation t))"},
    {"SELECT a FROM t OFFSET 1", "a bigint not null", "Limit(Project(Relation t))"},
    {"SELECT a + 1 AS x, x * 2 AS y, y + x AS z FROM t",
     "x bigint not null, y bigint not null, z bigint not null", "Project(Relation t)"},
    {"SELECT a AS b, b + 1 FROM t", "b bigint not null, (b + 1) int", "Project(Relation t)"},
    {"SELECT sum(b) AS sb, sb + 1 FROM t", "sb bigint, (sb + 1) bigint",
     "Project(Aggregate(Relation t))"},
    {"SELECT a, (SELECT concat(max(c), t.s) FROM u WHERE u.a = t.a) FROM t",
     "a bigint not null, scalarsubquery() string",
     "Project(LeftJoin(Relation t, Aggregate(Relation u)))"},
    {"SELECT a, (SELECT concat(max(c), t.s) FROM u) FROM t",
     "a bigint not null, scalarsubquery() string",
     "Project(InnerCrossJoin(Relation t, Aggregate(Relation u)))"},
    {"SELECT a, (SELECT count(*) + t.a FROM u WHERE u.a = t.a) AS x FROM t",
     "a bigint not null, x bigint not null",
     "Project(LeftJoin(Relation t, Aggregate(Relation u)))"},
    {"SELECT a FROM t WHERE EXISTS (SELECT t.a + u.a FROM u)", "a bigint not null",
     "Project(SemiCrossJoin(Relation t, Limit(Relation u)))"},
    {"SELECT a FROM t WHERE EXISTS (SELECT sum(u.a) FROM u WHERE u.a = t.a GROUP BY c)",
     "a bigint not null", "Project(SemiJoin(Relation t, Relation u))"},
    {"SELECT a FROM t WHERE EXISTS (SELECT c FROM u WHERE u.a = t.a ORDER BY c)",
     "a bigint not null", "Project(SemiJoin(Relation t, Relation u))"},
    {"SELECT a FROM t WHERE EXISTS (SELECT c FROM u WHERE u.a = t.a LIMIT 1)", "a bigint not null",
     "Project(SemiJoin(Relation t, Relation u))"},
    {"SELECT a, sum(b), (SELECT max(c) FROM u WHERE u.a = t.a) FROM t GROUP BY a",
     "a bigint not null, sum(b) bigint, scalarsubquery() string",
     "Project(LeftJoin(Aggregate(Relation t), Aggregate(Relation u)))"},
    {"SELECT sum((SELECT max(a) FROM u WHERE u.a = t.a)) FROM t", "sum(scalarsubquery()) bigint",
     "Project(Aggregate(LeftJoin(Relation t, Aggregate(Relation u))))"},
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
    {"SELECT s[0] FROM t", "UNSUPPORTED: Arrays and maps are not supported yet (line 1, column 9)"},
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
    {"SELECT ceil(n), ceil(a), ceil(b), floor(f), round(a, -1), round(b), round(n, -2), "
     "round(n), negative(b), positive(b) FROM t",
     "FUNCTION_NOT_FOUND: Function 'positive' does not exist (line 1, column 106). Did "
     "you mean 'position'?"},
    {"SELECT a FROM (SELECT a, b AS a FROM t)",
     "AMBIGUOUS_COLUMN: Column 'a' is ambiguous (line 1, column 8): it could be a, a. "
     "Write the name of the table in front of it"},
    {"SELECT t.a FROM t AS x",
     "COLUMN_NOT_FOUND: Column 't.a' does not exist: FROM has no table called 't' here "
     "(line 1, column 8)"},
    {"VALUES (1), ('a')",
     "CAST_INVALID: The value 'a' of type STRING cannot be cast to BIGINT because it is "
     "malformed (line 1, column 14); use try_cast to get NULL instead"},
    {"SELECT first(a), last(a) FROM t",
     "FUNCTION_NOT_FOUND: Function 'last' does not exist (line 1, column 18). Did you "
     "mean 'least'?"},
    {"SELECT collect_list(a) FROM t",
     "FUNCTION_NOT_FOUND: Function 'collect_list' does not exist (line 1, column 8); SHOW "
     "FUNCTIONS lists what there is"},
    {"SELECT if(a > 1, 'x', NULL), iff(ok, 1, 2) FROM t",
     "FUNCTION_NOT_FOUND: Function 'iff' does not exist (line 1, column 30). Did you mean "
     "'if'?"},
    {"SELECT a FROM t ORDER BY c",
     "COLUMN_NOT_FOUND: Column 'c' does not exist (line 1, column 26). Did you mean 'a' "
     "or 'b'?"},
    {"SELECT s + s FROM t",
     "TYPE_MISMATCH: Cannot apply + to (string, string): expected numbers; cast the "
     "strings (line 1, column 10)"},
    {"SELECT ok + 1 FROM t",
     "TYPE_MISMATCH: Cannot apply + to (boolean, int): expected numbers (line 1, column "
     "11)"},
    {"SELECT d + d FROM t",
     "TYPE_MISMATCH: Cannot apply + to (date, date): expected a date and a number of days "
     "(int) or an interval (line 1, column 10)"},
    {"SELECT d = 1 FROM t",
     "TYPE_MISMATCH: Cannot apply = to (date, int): expected types that can be brought to "
     "one type (line 1, column 10)"},
    {"SELECT NOT a FROM t",
     "TYPE_MISMATCH: Cannot apply NOT to (bigint): expected boolean (line 1, column 8)"},
    {"SELECT a AND ok FROM t",
     "TYPE_MISMATCH: Cannot apply AND to (bigint, boolean): expected boolean (line 1, "
     "column 10)"},
    {"SELECT sum(d) FROM t",
     "TYPE_MISMATCH: Cannot apply sum to (date): expected numbers (line 1, column 8)"},
    {"SELECT sum(ok) FROM t",
     "TYPE_MISMATCH: Cannot apply sum to (boolean): expected numbers (line 1, column 8)"},
    {"SELECT round(2.567, 1), round(2.5), round(-2.567, -1), round(1234L, -2), ceil(2.5), "
     "floor(-2.5), ceil(2.5D), bround(2.5), round(2.567, b) FROM t",
     "TYPE_MISMATCH: The number of digits of round must be a constant integer when a "
     "decimal is rounded (line 1, column 123)"},
    {"SELECT cast(d as bigint) FROM t",
     "TYPE_MISMATCH: A value of type date cannot be cast to bigint (line 1, column 8)"},
    {"SELECT cast(ok as date) FROM t",
     "TYPE_MISMATCH: A value of type boolean cannot be cast to date (line 1, column 8)"},
    {"SELECT a b FROM t GROUP BY b",
     "GROUPING: Column 'a' must be in GROUP BY or inside an aggregate function (line 1, "
     "column 8)"},
    {"SELECT a FROM t GROUP BY b",
     "GROUPING: Column 'a' must be in GROUP BY or inside an aggregate function (line 1, "
     "column 8)"},
    {"SELECT a, count(*) FROM t GROUP BY 1, 2",
     "GROUPING: GROUP BY 2 is an aggregate; groups are made before aggregates (line 1, "
     "column 39)"},
    {"SELECT count(*) FROM t GROUP BY 3",
     "ANALYSIS: GROUP BY 3 is not a column of the select list, which has 1 (line 1, "
     "column 33)"},
    {"SELECT a FROM t ORDER BY 5",
     "ANALYSIS: ORDER BY 5 is not a column of the select list, which has 1 (line 1, "
     "column 26)"},
    {"SELECT * FROM t GROUP BY a",
     "GROUPING: Column 'b' must be in GROUP BY or inside an aggregate function (line 1, "
     "column 8)"},
    {"SELECT a + 2 FROM t GROUP BY a + 1",
     "GROUPING: Column 'a' must be in GROUP BY or inside an aggregate function (line 1, "
     "column 8)"},
    {"SELECT a FROM t HAVING a > 1",
     "GROUPING: Column 'a' must be in GROUP BY or inside an aggregate function (line 1, "
     "column 8)"},
    {"SELECT a FROM t WHERE count(*) > 1",
     "GROUPING: Aggregate function count is not allowed in WHERE; use HAVING (line 1, "
     "column 23)"},
    {"SELECT a FROM t t1 JOIN t t2 ON t1.a = t2.a",
     "AMBIGUOUS_COLUMN: Column 'a' is ambiguous (line 1, column 8): it could be t1.a, "
     "t2.a. Write the name of the table in front of it"},
    {"SELECT t1.a FROM t t1 JOIN t t2 ON a = t2.a",
     "AMBIGUOUS_COLUMN: Column 'a' is ambiguous (line 1, column 36): it could be t1.a, "
     "t2.a. Write the name of the table in front of it"},
    {"SELECT a FROM t, t",
     "AMBIGUOUS_COLUMN: Column 'a' is ambiguous (line 1, column 8): it could be t.a, t.a. "
     "Write the name of the table in front of it"},
    {"SELECT t.a FROM t, t",
     "AMBIGUOUS_COLUMN: Column 't.a' is ambiguous (line 1, column 8): it could be t.a, "
     "t.a. Write the name of the table in front of it"},
    {"SELECT 1 FROM t WHERE a = (SELECT a, b FROM t)",
     "ANALYSIS: This subquery must have 1 column, but it has 2 (line 1, column 27)"},
    {"SELECT 1 FROM t WHERE a IN (SELECT a, b FROM t)",
     "ANALYSIS: This subquery must have 1 column, but it has 2 (line 1, column 25)"},
    {"SELECT a, sum(b) FROM t",
     "GROUPING: Column 'a' must be in GROUP BY or inside an aggregate function (line 1, "
     "column 8)"},
    {"SELECT (a, b) FROM t",
     "UNSUPPORTED: A row (a, b) is supported only in front of IN (query) (line 1, column "
     "8)"},
    {"SELECT a FROM t LIMIT b",
     "COLUMN_NOT_FOUND: Column 'b' does not exist (line 1, column 23). There is no FROM "
     "here that has columns; put text into quotes: '...'"},
    {"SELECT a FROM t LIMIT 1.5",
     "TYPE_MISMATCH: LIMIT must be a whole number, but it is decimal(2,1) (line 1, column "
     "23)"},
    {"SELECT int('1') + 1, bigint(b), boolean(s), date('2020-01-01')",
     "COLUMN_NOT_FOUND: Column 'b' does not exist (line 1, column 29). There is no FROM "
     "here that has columns; put text into quotes: '...'"},
    {"SELECT a, (SELECT sum(u.a + t.a) FROM u) FROM t",
     "UNSUPPORTED: What a subquery computes from its rows may not name columns of the "
     "query around it yet; only its WHERE and what is computed from its aggregates may "
     "(line 1, column 19)"},
    {"SELECT a, (SELECT t.a + 1) FROM t",
     "UNSUPPORTED: What a subquery computes from its rows may not name columns of the "
     "query around it yet; only its WHERE and what is computed from its aggregates may "
     "(line 1, column 12)"},
    {"SELECT a, (SELECT u.a + t.b FROM u WHERE u.a = t.a) AS x FROM t",
     "UNSUPPORTED: What a subquery computes from its rows may not name columns of the "
     "query around it yet; only its WHERE and what is computed from its aggregates may "
     "(line 1, column 12)"},
    {"SELECT a FROM t WHERE b = (SELECT t.a)",
     "UNSUPPORTED: What a subquery computes from its rows may not name columns of the "
     "query around it yet; only its WHERE and what is computed from its aggregates may "
     "(line 1, column 28)"},
    {"SELECT a FROM t WHERE EXISTS (SELECT sum(u.a) FROM u WHERE u.a = t.a)",
     "UNSUPPORTED: A subquery that names columns of the query around it may not have "
     "aggregates without GROUP BY, HAVING or LIMIT here yet (line 1, column 31)"},
    {"SELECT a FROM t WHERE a IN (SELECT u.a + t.b FROM u)",
     "UNSUPPORTED: Column 't.b' belongs to the query around this one; a subquery may name "
     "such columns only in its own WHERE, compared with its own columns (line 1, column "
     "42)"},
    {"SELECT a FROM t WHERE a = (SELECT max(a) FROM u WHERE u.a = t.a UNION SELECT 1)",
     "UNSUPPORTED: Column 't.a' belongs to the query around this one; a subquery may name "
     "such columns in its own WHERE, but not yet inside a set operation or a query in FROM "
     "(line 1, column 61)"},
    {"SELECT sum(b) x, (SELECT max(a) FROM u WHERE u.a = x) FROM t",
     "COLUMN_NOT_FOUND: Column 'x' does not exist (line 1, column 52). Did you mean 'a' "
     "or 'c'?"},
    {"SELECT a, sum(b), (SELECT max(c) FROM u WHERE u.a = t.b) FROM t GROUP BY a",
     "GROUPING: Column 'b' must be in GROUP BY or inside an aggregate function (line 1, "
     "column 53)"},
    {"SELECT a FROM t ORDER BY (SELECT 1)",
     "UNSUPPORTED: Subqueries are not supported in ORDER BY (line 1, column 26)"},
    {"SELECT a FROM t GROUP BY (SELECT 1)",
     "UNSUPPORTED: Subqueries are not supported in GROUP BY (line 1, column 26)"},
    {"SELECT a FROM t JOIN u ON EXISTS (SELECT 1)",
     "UNSUPPORTED: Subqueries are not supported in ON (line 1, column 27)"},
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
    gly_logical *plan = plan_of(
        &fixture, "SELECT /*+ BROADCAST(small), UNKNOWN(3) */ * FROM t JOIN u small USING (a)");
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
    gly_logical *plan =
        plan_of(&fixture, "SELECT * FROM range(2 * 5, 100, 10 - 7, 4) LIMIT 2 + 3 OFFSET 1");
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
    GLY_CHECK_INT(
        status_of(&fixture, repeat("CASE ", "1", " WHEN 1 THEN 1 WHEN 2 THEN 2 END", 300)),
        GLY_E_ANALYSIS);
    GLY_CHECK_INT(status_of(&fixture, repeat("", "true", " BETWEEN true AND false", 300)),
                  GLY_E_ANALYSIS);
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
