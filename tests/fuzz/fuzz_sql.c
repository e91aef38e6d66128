/* fuzz_sql.c - any bytes as SQL: parse, analyze, optimize nothing, crash never.
 *
 * A small catalog is there, so that names resolve; files may not be opened.  What is analyzed is
 * also printed, which walks every node.  Run with -timeout=25 -rss_limit_mb=2048.
 */
#include "lib/base/config.h"
#include "lib/plan/explain.h"
#include "lib/sql/catalog/catalog.h"
#include "lib/sql/sql.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static gly_catalog *make_catalog(void) {
    gly_catalog *catalog = gly_catalog_make();
    gly_field fields[] = {{GLY_STR("a"), GLY_TYPE_OF(BIGINT), false},
                          {GLY_STR("b"), GLY_TYPE_OF(INT), true},
                          {GLY_STR("s"), GLY_TYPE_OF(STRING), true},
                          {GLY_STR("d"), GLY_TYPE_OF(DATE), true},
                          {GLY_STR("n"), {GLY_TYPE_DECIMAL, 15, 2}, true},
                          {GLY_STR("ok"), GLY_TYPE_OF(BOOLEAN), true}};
    gly_schema schema = {GLY_ARRAY_LEN(fields), fields};
    gly_relation relation = {.format = GLY_STR("parquet"), .name = GLY_STR("t"), .schema = &schema};
    gly_catalog_view views[] = {
        {.name = GLY_STR("t"), .relation = &relation},
        {.name = GLY_STR("u"), .relation = &relation},
        {.name = GLY_STR("v"), .query_text = GLY_STR("SELECT a, count(*) AS c FROM t GROUP BY a")}};
    for (size_t i = 0; i < GLY_ARRAY_LEN(views); i++) {
        if (gly_catalog_put(catalog, &views[i], true, NULL) != GLY_OK) {
            abort();
        }
    }
    return catalog;
}

static void analyze(gly_arena *arena, const gly_analyze_options *options,
                    const gly_statement *statement) {
    uint32_t next_id = 1;
    gly_logical *plan;
    gly_error err;
    gly_status status =
        statement->kind == GLY_STATEMENT_INSERT_DIRECTORY
            ? gly_analyze_insert(arena, options, statement, &next_id, &plan, &err)
            : gly_analyze_query(arena, options, statement->query, &next_id, &plan, &err);
    if (status == GLY_E_INTERNAL) {
        __builtin_trap(); /* a plan that is not whole */
    }
    if (status == GLY_OK) {
        gly_builder text = {0};
        gly_explain_logical(plan, &text);
        gly_builder_clear(&text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static gly_config *config;
    static gly_catalog *catalog;
    if (config == NULL) {
        config = gly_config_make(NULL);
        catalog = make_catalog();
    }
    gly_arena *arena = gly_arena_make();
    gly_analyze_options options = {.config = config,
                                   .catalog = catalog,
                                   .now_us = INT64_C(1700000000000000),
                                   .files_refused = true};
    uint32_t count = 0;
    gly_statement *statements = NULL;
    gly_error err;
    if (gly_parse_script(arena, (gly_str){(const char *)data, size}, &count, &statements, &err) ==
        GLY_OK) {
        for (uint32_t i = 0; i < count; i++) {
            const gly_statement *statement = &statements[i];
            while (statement->kind == GLY_STATEMENT_EXPLAIN) {
                statement = statement->inner;
            }
            if (statement->query != NULL) {
                analyze(arena, &options, statement);
            }
        }
    }
    gly_arena_free(arena);
    return 0;
}
