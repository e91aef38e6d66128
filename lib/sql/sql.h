/* sql.h - from words to a physical plan: the four steps, as the session calls them.
 *
 *   gly_parse_script   text        -> statements (ast.h)
 *   gly_analyze_query  AST query   -> logical plan, names and types resolved
 *   gly_optimize       logical     -> logical, rule by rule (rules.def)
 *   gly_choose_physical logical    -> physical plan with EXCHANGE nodes
 *
 * All memory of a step's result is in the arena it was given.  One thread per query.
 */
#ifndef GLY_SQL_H
#define GLY_SQL_H

#include "lib/base/config.h"
#include "lib/plan/logical.h"
#include "lib/plan/physical.h"

typedef struct gly_ast_query gly_ast_query; /* lib/sql/parse/ast.h */
typedef struct gly_catalog gly_catalog;     /* lib/sql/catalog/catalog.h */

typedef enum gly_statement_kind {
    GLY_STATEMENT_QUERY,       /* query */
    GLY_STATEMENT_EXPLAIN,     /* explain_mode, inner */
    GLY_STATEMENT_CREATE_VIEW, /* name; query (AS ...), or format + options (USING ... OPTIONS ...) */
    GLY_STATEMENT_DROP_VIEW,   /* name, if_exists */
    GLY_STATEMENT_INSERT_DIRECTORY, /* INSERT OVERWRITE DIRECTORY 'path' USING format OPTIONS (...) query */
    GLY_STATEMENT_SET,         /* key, value; no value: show it; no key: show all */
    GLY_STATEMENT_RESET,       /* key, or all */
    GLY_STATEMENT_CACHE,       /* name, is_lazy, query or NULL */
    GLY_STATEMENT_UNCACHE,     /* name, if_exists */
    GLY_STATEMENT_CLEAR_CACHE,
    GLY_STATEMENT_SHOW_TABLES, /* SHOW TABLES | SHOW VIEWS */
    GLY_STATEMENT_SHOW_FUNCTIONS,
    GLY_STATEMENT_SHOW_COLUMNS, /* name */
    GLY_STATEMENT_DESCRIBE,    /* name (a view) or query */
} gly_statement_kind;

typedef enum gly_explain_mode {
    GLY_EXPLAIN_SIMPLE,
    GLY_EXPLAIN_EXTENDED,
    GLY_EXPLAIN_FORMATTED,
    GLY_EXPLAIN_ANALYZE,
} gly_explain_mode;

typedef struct gly_statement gly_statement;
struct gly_statement {
    gly_statement_kind kind;
    gly_str text;      /* this statement's part of the script */
    uint32_t line;     /* where it starts, 1-based */
    gly_str name;      /* view, setting key */
    gly_str value;
    bool has_value, has_name, if_exists, or_replace, is_lazy;
    gly_str format;
    gly_str path;
    uint8_t mode; /* gly_write_mode */
    uint32_t option_count;
    gly_option *options;
    uint32_t column_count; /* CREATE VIEW v (a, b) AS / USING's schema */
    gly_field *columns;
    gly_ast_query *query;
    gly_str query_text;    /* the text of query: what a view keeps */
    gly_explain_mode explain_mode;
    gly_statement *inner;
};

/* Statements are separated by ';'.  PARSE errors: "<message> at line L, column C, near '...'". */
GLY_NODISCARD gly_status gly_parse_script(gly_arena *arena, gly_str text, uint32_t *ret_count,
                                          gly_statement **ret, gly_error *err);

/* next_id: the query's column id counter (start at 1). */
typedef struct gly_analyze_options {
    const gly_config *config;
    const gly_catalog *catalog;
    int64_t now_us; /* current_timestamp of this query */
    bool files_refused; /* format.`path` in FROM is an error: nothing outside the catalog is opened */
} gly_analyze_options;
GLY_NODISCARD gly_status gly_analyze_query(gly_arena *arena, const gly_analyze_options *options,
                                           const gly_ast_query *query, uint32_t *next_id,
                                           gly_logical **ret, gly_error *err);
/* Adds the WRITE node of INSERT OVERWRITE DIRECTORY over its query's plan. */
GLY_NODISCARD gly_status gly_analyze_insert(gly_arena *arena, const gly_analyze_options *options,
                                            const gly_statement *statement, uint32_t *next_id,
                                            gly_logical **ret, gly_error *err);

/* Rules named in spark.sql.optimizer.excludedRules are left out. */
GLY_NODISCARD gly_status gly_optimize(gly_arena *arena, const gly_config *config,
                                      gly_logical *plan, uint32_t *next_id, gly_logical **ret,
                                      gly_error *err);

typedef struct gly_physical_options {
    const gly_config *config;
    uint32_t slot_count; /* task slots of the application: default parallelism */
} gly_physical_options;
/* The root is FILE_WRITE, CACHE_WRITE or RESULT; EXCHANGE nodes are not yet cut. */
GLY_NODISCARD gly_status gly_choose_physical(gly_arena *arena, const gly_physical_options *options,
                                             gly_logical *plan, gly_physical **ret,
                                             gly_error *err);
#endif
