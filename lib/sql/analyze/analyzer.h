/* analyzer.h - what the files of this folder share: the analyzer's state, scopes, helpers.
 *
 * For this folder only; everybody else calls gly_analyze_query (sql.h).
 */
#ifndef GLY_ANALYZER_H
#define GLY_ANALYZER_H

#include "lib/sql/catalog/catalog.h"
#include "lib/sql/parse/ast.h"
#include "lib/sql/sql.h"

/* A column that can be named. */
typedef struct gly_scope_column {
    gly_str relation; /* the alias or name of its table; empty: none */
    gly_str name;
    uint32_t id;
    gly_type type;
    bool nullable;
    bool is_hidden; /* the other side of USING: only by its qualified name */
    const gly_logical *plan; /* that puts it out; NULL: not known */
} gly_scope_column;

/* A subquery's plan waiting to be joined to the plan of the clause that uses it. */
typedef struct gly_pending_join {
    gly_join_kind kind;
    gly_logical *plan;
    gly_expr *condition; /* or NULL */
} gly_pending_join;

typedef struct gly_pending {
    uint32_t count;
    gly_pending_join *joins;
} gly_pending;

/* A select item or a hidden sort key: what it is called and what it is, before aggregates are split
 * off. */
typedef struct gly_item {
    gly_str name;
    gly_expr *expr;
} gly_item;

typedef enum gly_alias_use {
    GLY_ALIAS_NONE,  /* WHERE, ON */
    GLY_ALIAS_LAST,  /* GROUP BY, SELECT (the items before): columns of FROM come first */
    GLY_ALIAS_FIRST, /* HAVING, ORDER BY */
} gly_alias_use;

/* Where names are looked up while one clause is resolved. */
typedef struct gly_scope gly_scope;
struct gly_scope {
    uint32_t count, capacity;
    gly_scope_column *columns;
    const gly_scope *outer; /* of the query around a subquery; NULL: none */
    bool outer_allowed;     /* WHERE of a subquery: may name outer columns */
    const char *clause;     /* "WHERE": for messages */
    bool aggregates_allowed;
    bool in_aggregate; /* inside the argument of an aggregate */
    bool subqueries_allowed;
    gly_alias_use alias_use;
    uint32_t alias_count;
    const gly_item *aliases;
    gly_pending *pending;       /* where subqueries of this clause are joined */
    gly_pending *pending_below; /* those inside aggregates: below the Aggregate */
};

/* WITH: names visible at this place, innermost first. */
typedef struct gly_cte_frame gly_cte_frame;
struct gly_cte_frame {
    const gly_ast_cte *cte;
    const gly_cte_frame *visible; /* what its own query may name */
    const gly_cte_frame *next;
};

/* Views being expanded, innermost first: a view may not use itself. */
typedef struct gly_view_frame gly_view_frame;
struct gly_view_frame {
    gly_str name;
    const gly_view_frame *next;
};

typedef struct gly_analyzer {
    gly_arena *arena;
    const gly_analyze_options *options;
    uint32_t *next_id;
    const gly_cte_frame *ctes;
    const gly_view_frame *views;
    const gly_scope *around;    /* of queries around this one whose columns it may not name */
    const gly_ast_query *hints; /* the SELECT whose FROM is being resolved: its BROADCAST hints */
    uint32_t depth;
    uint32_t work;     /* nodes, columns and expressions made; bounded */
    uint32_t literals; /* every fourth is work: long VALUES and IN lists are honest text */
    gly_error *err;
} gly_analyzer;

enum { GLY_ANALYZER_MAX_DEPTH = 2000, GLY_ANALYZER_MAX_WORK = 1000000 };

/* What a subquery's SELECT is asked for when its WHERE names columns of the query around it. */
typedef enum gly_correlation_want {
    GLY_WANT_EXISTS, /* rows only */
    GLY_WANT_ROWS,   /* the select list, and the columns the conjuncts need */
    GLY_WANT_VALUE,  /* one value per outer row */
} gly_correlation_want;

typedef struct gly_correlation {
    gly_correlation_want want;
    bool is_used; /* out: outer columns were named */
    uint32_t count;
    gly_expr **conjuncts; /* out: over the returned plan's output and outer columns */
    gly_expr *value;      /* out, GLY_WANT_VALUE: over the plan's output and outer columns */
} gly_correlation;

/* analyze.c */
/* Fails with "<message> (line L, column C)". */
gly_status gly_analyze_fail(gly_analyzer *an, gly_status status, uint32_t line, uint32_t position,
                            const char *format, ...) GLY_PRINTF(5, 6);
/* Puts the place behind the message of a failure that has none; returns status. */
gly_status gly_analyze_place(gly_analyzer *an, gly_status status, uint32_t line, uint32_t position);
GLY_NODISCARD gly_status gly_analyze_enter(gly_analyzer *an, uint32_t weight, uint32_t line,
                                           uint32_t position);
GLY_NODISCARD gly_status gly_analyze_work(gly_analyzer *an, uint32_t amount);
/* Charges for an expression that will stand in a tree uses times: trees that share are walked as if
 * they did not, and nesting makes that exponential. */
GLY_NODISCARD gly_status gly_analyze_shared(gly_analyzer *an, const gly_expr *expr, uint32_t uses);
/* LIMIT and OFFSET of query over plan. */
GLY_NODISCARD gly_status gly_analyze_limits(gly_analyzer *an, const gly_ast_query *query,
                                            gly_logical *plan, gly_logical **ret);
GLY_NODISCARD gly_status gly_analyze_any_query(gly_analyzer *an, const gly_ast_query *query,
                                               const gly_scope *outer, gly_correlation *correlation,
                                               gly_logical **ret);
gly_expr *gly_analyze_column(gly_analyzer *an, const gly_output *output);
gly_output gly_analyze_output(gly_analyzer *an, const gly_expr *expr, gly_str name);

/* node_build.c: each node's output lists are made here */
GLY_NODISCARD gly_status gly_node_build_filter(gly_analyzer *an, gly_logical *child,
                                               gly_expr *condition, gly_logical **ret);
/* Passes columns through under their own id; no node at all if nothing would change. */
GLY_NODISCARD gly_status gly_node_build_project(gly_analyzer *an, gly_logical *child,
                                                uint32_t count, const gly_item *items,
                                                gly_logical **ret);
GLY_NODISCARD gly_status gly_node_build_aggregate(gly_analyzer *an, gly_logical *child,
                                                  uint32_t group_count, const gly_item *groups,
                                                  uint32_t aggregate_count, gly_expr **aggregates,
                                                  gly_logical **ret);
GLY_NODISCARD gly_status gly_node_build_distinct(gly_analyzer *an, gly_logical *child,
                                                 gly_logical **ret);
GLY_NODISCARD gly_status gly_node_build_join(gly_analyzer *an, gly_join_kind kind,
                                             gly_logical *left, gly_logical *right,
                                             gly_expr *condition, gly_logical **ret);
GLY_NODISCARD gly_status gly_node_build_pending(gly_analyzer *an, gly_logical *plan,
                                                const gly_pending *pending, bool reducing,
                                                gly_logical **ret);
GLY_NODISCARD gly_status gly_node_build_sort(gly_analyzer *an, gly_logical *child,
                                             uint32_t key_count, gly_sort_key *keys, bool is_local,
                                             gly_logical **ret);
GLY_NODISCARD gly_status gly_node_build_repartition(gly_analyzer *an, gly_logical *child,
                                                    uint32_t expr_count, gly_expr **exprs,
                                                    uint32_t partition_count, gly_logical **ret);
/* Every expression names only columns below it; INTERNAL if not. */
GLY_NODISCARD gly_status gly_node_build_check(gly_analyzer *an, const gly_logical *plan);

/* scope.c */
void gly_scope_add(gly_analyzer *an, gly_scope *scope, gly_scope_column column);
/* All of plan's output under a relation's name. */
void gly_scope_add_outputs(gly_analyzer *an, gly_scope *scope, gly_str relation,
                           const gly_logical *plan);
GLY_NODISCARD gly_status gly_scope_resolve(gly_analyzer *an, gly_scope *scope,
                                           const gly_ast_expr *name, gly_expr **ret);
/* * and t.*: appends the columns; GLY_E_COLUMN_NOT_FOUND if there is no such relation. */
GLY_NODISCARD gly_status gly_scope_expand(gly_analyzer *an, const gly_scope *scope,
                                          const gly_ast_expr *star, uint32_t *count,
                                          gly_item **items);

/* resolve_from.c */
GLY_NODISCARD gly_status gly_resolve_from_relation(gly_analyzer *an,
                                                   const gly_ast_relation *relation,
                                                   gly_scope *scope, gly_logical **ret);
/* resolve_table.c: views, files, common table expressions, range() */
GLY_NODISCARD gly_status gly_resolve_table_named(gly_analyzer *an, const gly_ast_relation *relation,
                                                 gly_logical **ret);
GLY_NODISCARD gly_status gly_resolve_table_files(gly_analyzer *an, const gly_ast_relation *relation,
                                                 gly_logical **ret);
GLY_NODISCARD gly_status gly_resolve_table_function(gly_analyzer *an,
                                                    const gly_ast_relation *relation,
                                                    gly_logical **ret);

/* resolve_expr.c */
GLY_NODISCARD gly_status gly_resolve_expr_tree(gly_analyzer *an, gly_scope *scope,
                                               const gly_ast_expr *ast, gly_expr **ret);
GLY_NODISCARD gly_status gly_resolve_expr_list(gly_analyzer *an, gly_scope *scope, uint32_t count,
                                               gly_ast_expr *const *asts, gly_expr ***ret);
/* A boolean one; clause for the message. */
GLY_NODISCARD gly_status gly_resolve_expr_condition(gly_analyzer *an, gly_scope *scope,
                                                    const gly_ast_expr *ast, gly_expr **ret);
/* One without columns, evaluated and cast to bigint: LIMIT, range(). */
GLY_NODISCARD gly_status gly_resolve_expr_constant(gly_analyzer *an, const gly_ast_expr *ast,
                                                   const char *what, int64_t *ret);
/* resolve_call.c */
GLY_NODISCARD gly_status gly_resolve_call_named(gly_analyzer *an, gly_scope *scope,
                                                const gly_ast_expr *ast, gly_expr **ret);
GLY_NODISCARD gly_status gly_resolve_call_extract(gly_analyzer *an, const gly_ast_expr *ast,
                                                  gly_str field, gly_expr *arg, gly_expr **ret);
/* current_date and friends without parentheses; *ret stays NULL for other names. */
GLY_NODISCARD gly_status gly_resolve_call_bare(gly_analyzer *an, const gly_ast_expr *ast,
                                               gly_expr **ret);
/* Does the tree call an aggregate (subqueries left out)? */
bool gly_resolve_call_has_aggregate(const gly_ast_expr *ast);

/* coerce.c */
/* Function over args, cast as its type rule says. */
GLY_NODISCARD gly_status gly_coerce_call(gly_analyzer *an, gly_function_id function, uint32_t count,
                                         gly_expr **args, uint32_t line, uint32_t position,
                                         gly_expr **ret);
/* arg itself if it has the type; NULL literals become typed ones. */
gly_expr *gly_coerce_cast(gly_analyzer *an, gly_expr *arg, gly_type type);
/* CAST as written: checks that the cast exists. */
GLY_NODISCARD gly_status gly_coerce_explicit(gly_analyzer *an, gly_expr *arg, gly_type type,
                                             bool is_try, uint32_t line, uint32_t position,
                                             gly_expr **ret);
gly_expr *gly_coerce_bigint(gly_analyzer *an, int64_t value);

/* resolve_select.c */
GLY_NODISCARD gly_status gly_resolve_select_query(gly_analyzer *an, const gly_ast_query *query,
                                                  const gly_scope *outer,
                                                  gly_correlation *correlation, gly_logical **ret);
/* resolve_order.c: ORDER BY, SORT BY, DISTRIBUTE BY over a plan whose columns are all one may name
 */
GLY_NODISCARD gly_status gly_resolve_order_output(gly_analyzer *an, const gly_ast_query *query,
                                                  gly_logical *plan, gly_logical **ret);
/* ... over a SELECT: its items are what aliases mean, scope what else may be named.  Makes the
 * Project (and the Aggregate of DISTINCT) as well. */
GLY_NODISCARD gly_status gly_resolve_order_select(gly_analyzer *an, const gly_ast_query *query,
                                                  gly_logical *plan, uint32_t item_count,
                                                  const gly_item *items, uint32_t key_count,
                                                  gly_expr **keys, gly_logical **ret);
/* The bound keys, in the order ORDER BY, SORT BY, DISTRIBUTE BY. */
GLY_NODISCARD gly_status gly_resolve_order_keys(gly_analyzer *an, const gly_ast_query *query,
                                                gly_scope *scope, uint32_t item_count,
                                                const gly_item *items, uint32_t *ret_count,
                                                gly_expr ***ret);

/* resolve_aggregate.c */
typedef struct gly_aggregation {
    uint32_t group_count;
    gly_item *groups;
    /* everything that is evaluated above: rewritten in place */
    uint32_t expr_count;
    gly_expr ***exprs; /* places */
} gly_aggregation;
GLY_NODISCARD gly_status gly_resolve_aggregate_split(gly_analyzer *an, gly_logical *child,
                                                     const gly_aggregation *aggregation,
                                                     gly_logical **ret);

/* resolve_sets.c */
GLY_NODISCARD gly_status gly_resolve_sets_query(gly_analyzer *an, const gly_ast_query *query,
                                                gly_logical **ret);
GLY_NODISCARD gly_status gly_resolve_sets_values(gly_analyzer *an, const gly_ast_query *query,
                                                 gly_logical **ret);

/* resolve_subquery.c */
/* Inside an expression: a value to use in its place. */
GLY_NODISCARD gly_status gly_resolve_subquery_value(gly_analyzer *an, gly_scope *scope,
                                                    const gly_ast_expr *ast, gly_expr **ret);
/* A conjunct of WHERE or HAVING that is [NOT] EXISTS or [NOT] IN (query): becomes a pending semi or
 * anti join and *ret_taken is true. */
GLY_NODISCARD gly_status gly_resolve_subquery_conjunct(gly_analyzer *an, gly_scope *scope,
                                                       const gly_ast_expr *ast, bool *ret_taken);
/* Splits "inner = outer": false if the conjunct is not of that shape. */
bool gly_resolve_subquery_sides(const gly_logical *inner, gly_expr *conjunct, gly_expr **ret_inner,
                                gly_expr **ret_outer);
/* Does expr name a column that plan does not have / does have? */
bool gly_resolve_subquery_is_outer(const gly_logical *plan, const gly_expr *expr);
/* Does expr name a column that is neither of the scope nor of a subquery joined to it? */
bool gly_resolve_subquery_names_outer(const gly_scope *scope, const gly_expr *expr);
bool gly_resolve_subquery_is_inner(const gly_logical *plan, const gly_expr *expr);

/* output_name.c: what Spark calls a column without an alias */
gly_str gly_output_name_make(gly_analyzer *an, const gly_ast_expr *ast, const gly_expr *bound);

#define GLY_ANALYZER_PUSH(an, items, count, item)                                                  \
    do {                                                                                           \
        if (((count) & ((count)-1)) == 0) {                                                        \
            void *gly_grown = gly_arena_alloc((an)->arena, ((size_t)(count)*2 + ((count) == 0)) *  \
                                                               sizeof *(items));                   \
            if ((count) > 0) {                                                                     \
                memcpy(gly_grown, (items), (size_t)(count) * sizeof *(items));                     \
            }                                                                                      \
            (items) = gly_grown;                                                                   \
        }                                                                                          \
        (items)[(count)++] = (item);                                                               \
    } while (0)

#endif
