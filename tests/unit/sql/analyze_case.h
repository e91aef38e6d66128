/* analyze_case.h - for tests of lib/sql: a catalog with small tables, SQL in, one line of text out.
 *
 *   case_columns("SELECT a + 1 FROM t") -> "(a + 1) bigint not null", or "ERROR_NAME: message"
 *   case_shape(...)                     -> "Project(Filter(Relation t))"
 */
#ifndef GLY_ANALYZE_CASE_H
#define GLY_ANALYZE_CASE_H

#include "lib/base/config.h"
#include "lib/sql/catalog/catalog.h"
#include "lib/sql/parse/ast.h"
#include "lib/sql/sql.h"
#include "tests/support/check.h"

typedef struct case_fixture {
    gly_arena *arena;
    gly_config *config;
    gly_catalog *catalog;
    gly_builder text;
} case_fixture;

typedef struct case_column {
    const char *name;
    gly_type type;
    bool nullable;
} case_column;

__attribute__((unused)) static void case_add_table(case_fixture *fixture, const char *name,
                                                   uint32_t count, const case_column *columns) {
    gly_schema schema = {count, GLY_ARENA_ARRAY(fixture->arena, gly_field, count)};
    for (uint32_t i = 0; i < count; i++) {
        schema.fields[i] =
            (gly_field){gly_str_of(columns[i].name), columns[i].type, columns[i].nullable};
    }
    gly_relation relation = {.format = GLY_STR("parquet"),
                             .name = gly_str_of(name),
                             .schema = &schema,
                             .row_count = 100};
    gly_catalog_view view = {.name = gly_str_of(name), .relation = &relation};
    gly_error err;
    GLY_CHECK_OK(gly_catalog_put(fixture->catalog, &view, true, &err), &err);
}

__attribute__((unused)) static void case_add_view(case_fixture *fixture, const char *name,
                                                  const char *query) {
    gly_catalog_view view = {.name = gly_str_of(name), .query_text = gly_str_of(query)};
    gly_error err;
    GLY_CHECK_OK(gly_catalog_put(fixture->catalog, &view, true, &err), &err);
}

/* t(a bigint not null, b int, s string, d date, n decimal(15,2), f double, ok boolean, ts
 * timestamp) u(a bigint, c string)   v = a view over t */
static case_fixture case_open(void) {
    case_fixture fixture = {
        .arena = gly_arena_make(), .config = gly_config_make(NULL), .catalog = gly_catalog_make()};
    case_column t[] = {{"a", GLY_TYPE_OF(BIGINT), false},    {"b", GLY_TYPE_OF(INT), true},
                       {"s", GLY_TYPE_OF(STRING), true},     {"d", GLY_TYPE_OF(DATE), true},
                       {"n", gly_type_decimal(15, 2), true}, {"f", GLY_TYPE_OF(DOUBLE), true},
                       {"ok", GLY_TYPE_OF(BOOLEAN), true},   {"ts", GLY_TYPE_OF(TIMESTAMP), true}};
    case_column u[] = {{"a", GLY_TYPE_OF(BIGINT), true}, {"c", GLY_TYPE_OF(STRING), true}};
    case_add_table(&fixture, "t", 8, t);
    case_add_table(&fixture, "u", 2, u);
    case_add_view(&fixture, "v", "SELECT a AS x, count(*) AS cnt FROM t GROUP BY a");
    return fixture;
}

static void case_close(case_fixture *fixture) {
    gly_builder_clear(&fixture->text);
    gly_catalog_free(fixture->catalog);
    gly_config_free(fixture->config);
    gly_arena_free(fixture->arena);
}

static gly_status case_analyze(case_fixture *fixture, const char *sql, gly_logical **ret,
                               gly_error *err) {
    uint32_t count, next_id = 1;
    gly_statement *statements;
    gly_analyze_options options = {.config = fixture->config,
                                   .catalog = fixture->catalog,
                                   .now_us = INT64_C(1700000000000000)};
    GLY_TRY(gly_parse_script(fixture->arena, gly_str_of(sql), &count, &statements, err));
    GLY_ASSERT(count == 1 && statements[0].query != NULL);
    if (statements[0].kind == GLY_STATEMENT_INSERT_DIRECTORY) {
        return gly_analyze_insert(fixture->arena, &options, &statements[0], &next_id, ret, err);
    }
    return gly_analyze_query(fixture->arena, &options, statements[0].query, &next_id, ret, err);
}

__attribute__((unused)) static const char *case_columns(case_fixture *fixture, const char *sql) {
    gly_error err;
    gly_logical *plan;
    gly_builder_reset(&fixture->text);
    gly_builder_add_text(&fixture->text, "");
    if (case_analyze(fixture, sql, &plan, &err) != GLY_OK) {
        gly_builder_format(&fixture->text, "%s: %s", gly_error_name(err.status), err.message);
        return fixture->text.data;
    }
    for (uint32_t i = 0; i < plan->output_count; i++) {
        char type[GLY_TYPE_TEXT_SIZE];
        const gly_output *output = &plan->output[i];
        gly_builder_format(
            &fixture->text, "%s%.*s %s%s", i == 0 ? "" : ", ", GLY_STR_ARG(output->name),
            gly_type_format(output->type, type, sizeof type), output->nullable ? "" : " not null");
    }
    return fixture->text.data;
}

static void case_put_shape(const gly_logical *plan, gly_builder *out) {
    static const char *const joins[] = {"Inner", "Left", "Right",   "Full",
                                        "Semi",  "Anti", "NullAnti"};
    if (plan->kind == GLY_LOGICAL_JOIN) {
        gly_builder_add_text(out, joins[plan->join.kind]);
        gly_builder_add_text(out, plan->join.condition == NULL ? "Cross" : "");
    }
    gly_builder_add_text(out, gly_logical_name(plan->kind));
    if (plan->kind == GLY_LOGICAL_SCAN) {
        gly_builder_format(out, " %.*s", GLY_STR_ARG(plan->scan.relation->name));
    }
    for (uint32_t i = 0; i < plan->child_count; i++) {
        gly_builder_add_text(out, i == 0 ? "(" : ", ");
        case_put_shape(plan->children[i], out);
    }
    gly_builder_add_text(out, plan->child_count > 0 ? ")" : "");
}

__attribute__((unused)) static const char *case_shape(case_fixture *fixture, const char *sql) {
    gly_error err;
    gly_logical *plan;
    gly_builder_reset(&fixture->text);
    if (case_analyze(fixture, sql, &plan, &err) != GLY_OK) {
        gly_builder_format(&fixture->text, "%s: %s", gly_error_name(err.status), err.message);
    } else {
        case_put_shape(plan, &fixture->text);
    }
    return fixture->text.data;
}

#endif
