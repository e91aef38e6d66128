/* test_parse.c - the parser: kinds of statements and what they carry, literals, error messages. */
#include "tests/unit/sql/analyze_case.h"

/* SQL, the error.  Analysis errors are there where the grammar leaves a check to the analyzer. */
static const struct {
    const char *sql, *error;
} bad[] = {
    {"SELECT FROM t",
     "PARSE: Syntax error at or near 'FROM' (line 1, column 8): expected a value or a "
     "column"},
    {"SELECT a, FROM t",
     "PARSE: Syntax error at or near 'FROM' (line 1, column 11): expected a value or a "
     "column"},
    {"SELECT a FROM",
     "PARSE: Syntax error at the end of the statement (line 1, column 14): expected a "
     "table, a query in parentheses or format.`path`"},
    {"SELECT a FROM t WHERE",
     "PARSE: Syntax error at the end of the statement (line 1, column 22): expected a "
     "value, a column or an expression"},
    {"SELECT group FROM t",
     "PARSE: Syntax error at or near 'group' (line 1, column 8): expected a value or a "
     "column; the word GROUP is reserved, write `group`"},
    {"SELECT a FROM t GROUP a",
     "PARSE: Syntax error at or near 'a' (line 1, column 23): expected BY"},
    {"SELECT a FROM t ORDER a",
     "PARSE: Syntax error at or near 'a' (line 1, column 23): expected BY"},
    {"SELECT a b c FROM t",
     "PARSE: Syntax error at or near 'c' (line 1, column 12): expected the end of the "
     "statement"},
    {"SELECT (a FROM t", "PARSE: Syntax error at or near 'FROM' (line 1, column 11): expected ')'"},
    {"SELECT a) FROM t",
     "PARSE: Syntax error at or near ')' (line 1, column 9): expected the end of the "
     "statement"},
    {"SELECT 'abc",
     "PARSE: Syntax error at or near ''abc' (line 1, column 8): the string is never closed"},
    {"SELECT `abc",
     "PARSE: Syntax error at or near '`abc' (line 1, column 8): the back quote is never "
     "closed"},
    {"SELECT /* abc",
     "PARSE: Syntax error at or near '/* abc' (line 1, column 8): the comment is never "
     "closed"},
    {"SELECT a FROM t JOIN u ON",
     "PARSE: Syntax error at the end of the statement (line 1, column 26): expected a "
     "value, a column or an expression"},
    {"SELECT a FROM t JION u ON t.a = u.a",
     "PARSE: Syntax error at or near 'u' (line 1, column 22): expected the end of the "
     "statement. Did you mean JOIN instead of 'JION'?"},
    {"SELECT a FROM t WHERE a = 1 ADN b = 2",
     "PARSE: Syntax error at or near 'ADN' (line 1, column 29): expected the end of the "
     "statement. Did you mean AND instead of 'ADN'?"},
    {"SELEC a FROM t",
     "PARSE: Syntax error at or near 'SELEC' (line 1, column 1): expected a statement "
     "(SELECT, WITH, VALUES, CREATE, ...). Did you mean SELECT instead of 'SELEC'?"},
    {"SELECT CASE a WHEN 1 THEN 2 FROM t",
     "PARSE: Syntax error at or near 'FROM' (line 1, column 29): expected WHEN, ELSE or "
     "END of the CASE at line 1, column 8"},
    {"SELECT CAST(a AS foo) FROM t",
     "PARSE: Syntax error at or near 'foo' (line 1, column 18): expected a type such as "
     "int, string or decimal(10,2)"},
    {"SELECT CAST(a int) FROM t",
     "PARSE: Syntax error at or near 'int' (line 1, column 15): expected AS"},
    {"SELECT a FROM t LIMT 5",
     "PARSE: Syntax error at or near '5' (line 1, column 22): expected the end of the "
     "statement. Did you mean LIMIT instead of 'LIMT'?"},
    {"SELECT a FROM t WHERE a BETWEEN 1",
     "PARSE: Syntax error at the end of the statement (line 1, column 34): expected AND "
     "and the upper bound of BETWEEN"},
    {"SELECT a FROM t WHERE a IN ()",
     "PARSE: Syntax error at or near ')' (line 1, column 29): expected a value, a column "
     "or an expression"},
    {"SELECT a FROM t WHERE a IN 5",
     "PARSE: Syntax error at or near '5' (line 1, column 28): expected '(' and a list of "
     "values or a query"},
    {"SELECT a FROM t WHERE a IS 5",
     "PARSE: Syntax error at or near '5' (line 1, column 28): expected NULL, TRUE, FALSE "
     "or DISTINCT FROM"},
    {"SELECT a FROM t CROSS JOIN u ON t.a = u.a",
     "PARSE: Syntax error at or near 'ON' (line 1, column 30): CROSS JOIN takes no "
     "condition"},
    {"SELECT 99999999999999999999999999999999999999999",
     "PARSE: Syntax error at or near '9999999999999999999999999999999999999999' (line 1, "
     "column 8): this number has more than 38 digits; write it as a double (1.5D or 1e3)"},
    {"SELECT 300Y",
     "PARSE: Syntax error at or near '300Y' (line 1, column 8): this number does not fit "
     "the type tinyint"},
    {"SELECT 1e999",
     "PARSE: Syntax error at or near '1e999' (line 1, column 8): this number does not fit "
     "the type double"},
    {"SELECT date '2020-13-01'",
     "PARSE: '2020-13-01' is not a date (line 1, column 13); write it as DATE '2024-01-31'"},
    {"SELECT interval '1' foo",
     "PARSE: Syntax error at or near ''1'' (line 1, column 17): expected an interval such "
     "as INTERVAL '3' MONTH, INTERVAL 90 DAYS or INTERVAL '1 02:03:04' DAY TO SECOND"},
    {"SELECT x'1G'", "PARSE: Syntax error at or near 'x'1G'' (line 1, column 8): X'...' must hold "
                     "hexadecimal digits only"},
    {"SELECT 1.2.3",
     "PARSE: Syntax error at or near '.' (line 1, column 11): expected the end of the "
     "statement"},
    {"SELECT # FROM t",
     "PARSE: Syntax error at or near '#' (line 1, column 8): expected a value, a column "
     "or an expression"},
    {"SELECT a FROM t UNION",
     "PARSE: Syntax error at the end of the statement (line 1, column 22): expected a "
     "query (SELECT, VALUES, WITH or '(')"},
    {"SELECT a FROM (SELECT 1",
     "PARSE: Syntax error at the end of the statement (line 1, column 24): expected ')'"},
    {"VALUES (1, 2), (3)",
     "PARSE: The rows of VALUES must have as many values as the first one: this one has "
     "1, not 2 (line 1, column 16)"},
    {"WITH q AS SELECT 1 SELECT 2",
     "PARSE: Syntax error at or near 'SELECT' (line 1, column 11): expected '('"},
    {"WITH q AS (SELECT 1), q AS (SELECT 2) SELECT * FROM q",
     "ANALYSIS: WITH names 'q' twice (line 1, column 23)"},
    {"SELECT count(DISTINCT) FROM t",
     "PARSE: Syntax error at or near ')' (line 1, column 22): expected a value, a column "
     "or an expression"},
    {"SELECT a FROM t ORDER BY a NULLS MIDDLE",
     "PARSE: Syntax error at or near 'NULLS' (line 1, column 28): expected the end of the "
     "statement"},
    {"SELECT extract(foo FROM d) FROM t",
     "ANALYSIS: EXTRACT does not know the field 'foo'; it knows year, quarter, month, "
     "week, day, dayofweek, doy, hour, minute and second (line 1, column 8)"},
    {"SELECT a FROM t FETCH FIRST 5 ROWS ONLY",
     "UNSUPPORTED: FETCH is not supported; write LIMIT n (line 1, column 17)"},
    {"CREATE TABLE x (a int)",
     "UNSUPPORTED: CREATE TABLE is not supported yet; write files with INSERT OVERWRITE "
     "DIRECTORY, read them with CREATE TEMPORARY VIEW ... USING (line 1, column 1)"},
    {"CREATE VIEW x AS SELECT 1",
     "UNSUPPORTED: Only temporary views are supported; write CREATE TEMPORARY VIEW (line "
     "1, column 1)"},
    {"CREATE TEMPORARY VIEW x",
     "PARSE: Syntax error at the end of the statement (line 1, column 24): expected AS "
     "and a query, or USING and a format"},
    {"CREATE TEMPORARY VIEW x (a int) AS SELECT 1",
     "PARSE: Syntax error at or near 'AS' (line 1, column 33): expected USING and a "
     "format (columns with types describe files)"},
    {"INSERT INTO t VALUES (1)",
     "UNSUPPORTED: There are no tables to insert into yet; write INSERT OVERWRITE "
     "DIRECTORY 'path' USING parquet SELECT ... (line 1, column 1)"},
    {"INSERT OVERWRITE DIRECTORY USING parquet SELECT 1",
     "PARSE: Syntax error at or near 'SELECT' (line 1, column 42): the path of the "
     "directory is missing: write it behind DIRECTORY, in quotes"},
    {"DROP TABLE x",
     "UNSUPPORTED: There are no tables yet; DROP VIEW drops temporary views (line 1, "
     "column 1)"},
    {"UPDATE t SET a = 1", "UNSUPPORTED: UPDATE is not supported yet (line 1, column 1)"},
    {"SHOW ME", "PARSE: Syntax error at or near 'ME' (line 1, column 6): expected TABLES, VIEWS, "
                "FUNCTIONS or COLUMNS IN view"},
    {"EXPLAIN EXPLAIN SELECT 1",
     "PARSE: Syntax error at or near 'EXPLAIN' (line 1, column 9): expected the statement "
     "to explain"},
    {"SET a b=c",
     "PARSE: Syntax error at or near 'a b=c' (line 1, column 5): expected SET key=value, "
     "SET key or SET"},
    {"DESCRIBE", "PARSE: Syntax error at the end of the statement (line 1, column 9): expected the "
                 "name of a view, or a query"},
    {"SELECT ?", "UNSUPPORTED: Parameters in SQL text are not supported yet (line 1, column 8)"},
    {"SELECT :x", "UNSUPPORTED: Parameters in SQL text are not supported yet (line 1, column 8)"},
    {"SELECT a FROM t TABLESAMPLE (10 PERCENT)",
     "UNSUPPORTED: TABLESAMPLE is not supported yet (line 1, column 17)"},
    {"SELECT a FROM t LATERAL VIEW explode(x) y",
     "UNSUPPORTED: LATERAL is not supported yet (line 1, column 17)"},
    {"SELECT * FROM t PIVOT (x)", "UNSUPPORTED: PIVOT is not supported yet (line 1, column 17)"},
    {"select a from t where a=1 and",
     "PARSE: Syntax error at the end of the statement (line 1, column 30): expected a "
     "value, a column or an expression"},
    {"select a, from t",
     "PARSE: Syntax error at or near 'from' (line 1, column 11): expected a value or a "
     "column"},
    {"SELECT t.* x FROM t",
     "PARSE: Syntax error at or near 'x' (line 1, column 12): expected the end of the "
     "statement"},
    {"SELECT * AS x FROM t", "ANALYSIS: * cannot have an alias (line 1, column 8)"},
    {"SELECT count(t.*) FROM t",
     "ANALYSIS: * is allowed only as an item of SELECT and in count(*) (line 1, column 14)"},
    {"SELECT max(*) FROM t",
     "WRONG_ARGUMENTS: max(*) has no meaning; only count(*) has (line 1, column 8)"},
    {"SELECT a FROM t a b",
     "PARSE: Syntax error at or near 'b' (line 1, column 19): expected the end of the "
     "statement"},
    {"SELECT a FROM s.t",
     "TABLE_NOT_FOUND: 's.t' does not exist: there are no schemas yet, and 's' is not a "
     "format such as parquet.`path` (line 1, column 15)"},
    {"FROM t SELECT a",
     "PARSE: Syntax error at or near 'FROM' (line 1, column 1): expected a statement "
     "(SELECT, WITH, VALUES, CREATE, ...)"},
    {"1", "PARSE: Syntax error at or near '1' (line 1, column 1): expected a statement "
          "(SELECT, WITH, VALUES, CREATE, ...)"},
    {"()", "PARSE: Syntax error at or near ')' (line 1, column 2): expected a query (SELECT, "
           "VALUES, WITH or '(')"},
};

static gly_arena *arena;

static gly_statement *parse(const char *sql, uint32_t expected_count) {
    uint32_t count;
    gly_statement *statements;
    gly_error err;
    GLY_CHECK_OK(gly_parse_script(arena, gly_str_of(sql), &count, &statements, &err), &err);
    GLY_CHECK_INT(count, expected_count);
    return statements;
}

static void check_str(gly_str actual, const char *expected) {
    GLY_CHECK_TEXT(gly_arena_str(arena, actual).data, expected);
}

GLY_TEST(errors_say_what_was_expected) {
    case_fixture fixture = case_open();
    for (size_t i = 0; i < GLY_ARRAY_LEN(bad); i++) {
        gly_error err;
        uint32_t count;
        gly_statement *statements;
        gly_status status =
            gly_parse_script(fixture.arena, gly_str_of(bad[i].sql), &count, &statements, &err);
        if (status == GLY_OK) {
            GLY_CHECK_TEXT(case_columns(&fixture, bad[i].sql), bad[i].error);
            continue;
        }
        gly_builder_reset(&fixture.text);
        gly_builder_format(&fixture.text, "%s: %s", gly_error_name(status), err.message);
        GLY_CHECK_TEXT(fixture.text.data, bad[i].error);
    }
    case_close(&fixture);
}

GLY_TEST(scripts_are_split) {
    arena = gly_arena_make();
    parse("", 0);
    parse(" ;; -- nothing\n /* at all /* nested */ */ ;", 0);
    gly_statement *s = parse("SELECT 1;\n SELECT ';' -- ;\n ; (SELECT 3)", 3);
    check_str(s[0].text, "SELECT 1");
    check_str(s[1].text, "SELECT ';'");
    GLY_CHECK_INT(s[1].line, 2);
    check_str(s[2].text, "(SELECT 3)");
    GLY_CHECK_INT(s[2].line, 3);
    gly_arena_free(arena);
}

GLY_TEST(views) {
    arena = gly_arena_make();
    gly_statement *s =
        parse("CREATE OR REPLACE TEMPORARY VIEW v (a, b) AS SELECT 1, 2;"
              "create temp view w using CSV options (PATH '/x', header 'true', "
              "a.b = 5, sep=',', neg -1);"
              "CREATE TEMPORARY VIEW x (a int, `b c` decimal(10,2)) USING json OPTIONS (path 'y');"
              "DROP VIEW IF EXISTS v; DROP VIEW `w`",
              5);
    GLY_CHECK_INT(s[0].kind, GLY_STATEMENT_CREATE_VIEW);
    GLY_CHECK(s[0].or_replace && s[0].query != NULL && s[0].column_count == 2);
    check_str(s[0].name, "v");
    check_str(s[0].columns[1].name, "b");
    check_str(s[0].query_text, "SELECT 1, 2");
    GLY_CHECK(!s[1].or_replace && s[1].query == NULL);
    check_str(s[1].format, "CSV");
    check_str(s[1].path, "/x");
    GLY_CHECK_INT(s[1].option_count, 4);
    check_str(s[1].options[0].key, "header");
    check_str(s[1].options[1].key, "a.b");
    check_str(s[1].options[1].value, "5");
    check_str(s[1].options[2].value, ",");
    check_str(s[1].options[3].value, "-1");
    check_str(s[2].columns[1].name, "b c");
    GLY_CHECK(gly_type_equal(s[2].columns[1].type, gly_type_decimal(10, 2)));
    GLY_CHECK(s[3].kind == GLY_STATEMENT_DROP_VIEW && s[3].if_exists);
    GLY_CHECK(s[4].kind == GLY_STATEMENT_DROP_VIEW && !s[4].if_exists);
    check_str(s[4].name, "w");
    gly_arena_free(arena);
}

GLY_TEST(settings_are_raw_text) {
    arena = gly_arena_make();
    gly_statement *s =
        parse("SET spark.sql.shuffle.partitions = 10; SET a.b=it's raw (text\n; SET k; SET;"
              "SET -v; SET TIME ZONE 'Europe/Berlin'; RESET; RESET `a.b`; SET x=",
              2);
    /* the quote swallows the rest: a statement whose value is all of it */
    check_str(s[1].name, "a.b");
    GLY_CHECK(gly_str_starts_with(s[1].value, GLY_STR("it's raw (text\n; SET k;")));
    gly_arena_free(arena);
}

GLY_TEST(settings_one_by_one) {
    arena = gly_arena_make();
    gly_statement *s =
        parse("SET spark.sql.shuffle.partitions = 10; SET a = file:///x y # z; SET k; SET;"
              "SET -v; SET TIME ZONE 'Europe/Berlin'; RESET; RESET `a.b`; SET x=; SET q='v'",
              10);
    GLY_CHECK(s[0].kind == GLY_STATEMENT_SET && s[0].has_name && s[0].has_value);
    check_str(s[0].name, "spark.sql.shuffle.partitions");
    check_str(s[0].value, "10");
    check_str(s[1].value, "file:///x y # z");
    GLY_CHECK(s[2].has_name && !s[2].has_value);
    GLY_CHECK(!s[3].has_name && !s[3].has_value);
    GLY_CHECK(!s[4].has_name && !s[4].has_value);
    check_str(s[5].name, "spark.sql.session.timeZone");
    check_str(s[5].value, "Europe/Berlin");
    GLY_CHECK(s[6].kind == GLY_STATEMENT_RESET && !s[6].has_name);
    check_str(s[7].name, "a.b");
    GLY_CHECK(s[8].has_value && s[8].value.size == 0);
    check_str(s[9].value, "v");
    gly_arena_free(arena);
}

GLY_TEST(caches_and_inserts) {
    arena = gly_arena_make();
    gly_statement *s =
        parse("CACHE LAZY TABLE v; CACHE TABLE w AS SELECT 1; UNCACHE TABLE IF EXISTS v;"
              "CLEAR CACHE;"
              "INSERT OVERWRITE LOCAL DIRECTORY '/a' USING parquet OPTIONS (k 'v') SELECT 1;"
              "INSERT INTO DIRECTORY '/b' USING csv VALUES (1)",
              6);
    GLY_CHECK(s[0].kind == GLY_STATEMENT_CACHE && s[0].is_lazy && s[0].query == NULL);
    GLY_CHECK(s[1].query != NULL && !s[1].is_lazy);
    check_str(s[1].query_text, "SELECT 1");
    GLY_CHECK(s[2].kind == GLY_STATEMENT_UNCACHE && s[2].if_exists);
    GLY_CHECK(s[3].kind == GLY_STATEMENT_CLEAR_CACHE);
    GLY_CHECK(s[4].kind == GLY_STATEMENT_INSERT_DIRECTORY && s[4].mode == GLY_WRITE_OVERWRITE);
    check_str(s[4].path, "/a");
    GLY_CHECK_INT(s[4].option_count, 1);
    GLY_CHECK_INT(s[5].mode, GLY_WRITE_APPEND);
    gly_arena_free(arena);
}

GLY_TEST(explain_show_describe) {
    arena = gly_arena_make();
    gly_statement *s =
        parse("EXPLAIN SELECT 1; EXPLAIN EXTENDED SELECT 1; EXPLAIN FORMATTED SELECT 1;"
              "EXPLAIN ANALYZE SELECT 1; SHOW TABLES; SHOW VIEWS LIKE 'a*'; SHOW FUNCTIONS;"
              "SHOW COLUMNS IN v; DESCRIBE v; DESC TABLE v; DESCRIBE QUERY SELECT 1;"
              "DESCRIBE SELECT 2; DESCRIBE query",
              13);
    for (int i = 0; i < 4; i++) {
        GLY_CHECK(s[i].kind == GLY_STATEMENT_EXPLAIN && s[i].explain_mode == (gly_explain_mode)i);
        GLY_CHECK(s[i].inner->kind == GLY_STATEMENT_QUERY);
        check_str(s[i].inner->text, "SELECT 1");
    }
    GLY_CHECK_INT(s[4].kind, GLY_STATEMENT_SHOW_TABLES);
    check_str(s[5].value, "a*");
    GLY_CHECK_INT(s[6].kind, GLY_STATEMENT_SHOW_FUNCTIONS);
    GLY_CHECK_INT(s[7].kind, GLY_STATEMENT_SHOW_COLUMNS);
    check_str(s[8].name, "v");
    check_str(s[9].name, "v");
    GLY_CHECK(s[10].query != NULL && s[11].query != NULL);
    check_str(s[12].name, "query");
    gly_arena_free(arena);
}

static void check_literal(const char *sql, const char *type, const char *expected) {
    arena = gly_arena_make();
    gly_builder text = {0};
    gly_builder_format(&text, "SELECT %s", sql);
    gly_statement *s = parse(text.data, 1);
    const gly_ast_expr *expr = s[0].query->items[0].expr;
    GLY_CHECK_INT(expr->kind, GLY_AST_LITERAL);
    char name[GLY_TYPE_TEXT_SIZE];
    GLY_CHECK_TEXT(gly_type_format(expr->value.type, name, sizeof name), type);
    gly_builder_reset(&text);
    gly_value_format(&expr->value, &text);
    GLY_CHECK_TEXT(text.data, expected);
    gly_builder_clear(&text);
    gly_arena_free(arena);
}

GLY_TEST(literals) {
    check_literal("2147483647", "int", "2147483647");
    check_literal("2147483648", "bigint", "2147483648");
    check_literal("-2147483648", "int", "-2147483648");
    check_literal("-9223372036854775808", "bigint", "-9223372036854775808");
    check_literal("9223372036854775808", "decimal(19,0)", "9223372036854775808");
    check_literal("-128Y", "tinyint", "-128");
    check_literal("1.50", "decimal(3,2)", "1.50");
    check_literal(".5", "decimal(1,1)", "0.5");
    check_literal("5.", "decimal(1,0)", "5");
    check_literal("1E3", "double", "1000.0");
    check_literal("1.5e-3", "double", "0.0015");
    check_literal("7bd", "decimal(1,0)", "7");
    check_literal("3d", "double", "3.0");
    check_literal("'a\\nb\\'c'", "string", "a\nb'c");
    check_literal("'a''b'", "string", "a'b");
    check_literal("'\\u00e9\\U0001F600'", "string", "\xc3\xa9\xf0\x9f\x98\x80");
    check_literal("'\\ud83d\\ude00'", "string", "\xf0\x9f\x98\x80");
    check_literal("'\\%\\_\\q'", "string", "\\%\\_q");
    check_literal("r'a\\nb'", "string", "a\\nb");
    check_literal("'a' \"b\" 'c'", "string", "abc");
    check_literal("date '1998-12-01'", "date", "1998-12-01");
    check_literal("TIMESTAMP '2020-01-01 00:00:00Z'", "timestamp", "2020-01-01 00:00:00");
    check_literal("interval '3' month", "interval month", "INTERVAL '0-3' YEAR TO MONTH");
    check_literal("interval 2 years", "interval month", "INTERVAL '2-0' YEAR TO MONTH");
    check_literal("interval '90' day", "interval day", "INTERVAL '90 00:00:00' DAY TO SECOND");
    check_literal("interval '1 02:03:04' day to second", "interval day",
                  "INTERVAL '1 02:03:04' DAY TO SECOND");
    check_literal("interval '1-2' year to month", "interval month", "INTERVAL '1-2' YEAR TO MONTH");
    check_literal("interval '1 day 2 hours'", "interval day",
                  "INTERVAL '1 02:00:00' DAY TO SECOND");
    check_literal("interval 1 day 30 minutes", "interval day",
                  "INTERVAL '1 00:30:00' DAY TO SECOND");
    check_literal("- interval '1' hour", "interval day", "INTERVAL '-0 01:00:00' DAY TO SECOND");
    check_literal("interval -1 hour", "interval day", "INTERVAL '-0 01:00:00' DAY TO SECOND");
    check_literal("interval '1.5' second", "interval day", "INTERVAL '0 00:00:01.5' DAY TO SECOND");
}

/* The tree as the analyzer would name it: shows precedence. */
static void check_tree(const char *sql, const char *expected) {
    case_fixture fixture = case_open();
    gly_builder text = {0};
    gly_builder_format(&text, "SELECT %s FROM t", sql);
    const char *columns = case_columns(&fixture, text.data);
    if (strncmp(columns, expected, strlen(expected)) != 0) {
        GLY_CHECK_TEXT(columns, expected);
    }
    gly_builder_clear(&text);
    case_close(&fixture);
}

GLY_TEST(precedence) {
    check_tree("a + b * 2 - 1", "((a + (b * 2)) - 1) ");
    check_tree("a - b - 1", "((a - b) - 1) ");
    check_tree("- a * b", "((- a) * b) ");
    check_tree("a = 1 or ok and not a = 2", "((a = 1) OR (ok AND (NOT (a = 2)))) ");
    check_tree("not a = 1 and ok", "((NOT (a = 1)) AND ok) ");
    check_tree("a | b & 3 ^ 1", "(a | ((b & 3) ^ 1)) ");
    check_tree("a + 1 < b * 2 = ok", "(((a + 1) < (b * 2)) = ok) ");
    check_tree("a = b is null", "((a = b) IS NULL) ");
    check_tree("a in (1, 2) = ok", "");
    check_tree("a between 1 and 2 and ok", "(between(a, 1, 2) AND ok) ");
    check_tree("s || 'a' = 'b'", "(concat(s, a) = b) ");
    check_tree("a::string || 'x'", "concat(CAST(a AS STRING), x) ");
    check_tree("a <=> b", "(a <=> b) ");
    check_tree("a is distinct from b", "(NOT (a <=> b)) ");
    check_tree("a is not distinct from b", "(a <=> b) ");
    check_tree("a != b", "(NOT (a = b)) ");
    check_tree("ok is not true", "(NOT (ok <=> true)) ");
    check_tree("s not like 'x\\%' escape '!'", "(NOT s LIKE x\\% ESCAPE '!') ");
}

/* Keywords that are not reserved are names. */
GLY_TEST(keywords_are_names) {
    case_fixture fixture = case_open();
    case_column odd[] = {{"date", GLY_TYPE_OF(DATE), true},  {"left", GLY_TYPE_OF(INT), true},
                         {"Values", GLY_TYPE_OF(INT), true}, {"interval", GLY_TYPE_OF(INT), true},
                         {"from", GLY_TYPE_OF(INT), true},   {"a b", GLY_TYPE_OF(INT), true}};
    case_add_table(&fixture, "table", 6, odd);
    GLY_CHECK_TEXT(case_columns(&fixture,
                                "SELECT date, left, values, interval, `from`, table.`A B`, "
                                "date(date) AS from, left('x', 1) AS left FROM table"),
                   "date date, left int, values int, interval int, from int, A B int, from date, "
                   "left string not null");
    case_close(&fixture);
}

GLY_SUITE("parse", errors_say_what_was_expected, scripts_are_split, views, settings_are_raw_text,
          settings_one_by_one, caches_and_inserts, explain_show_describe, literals, precedence,
          keywords_are_names)
