/* ast.h - what was written: expressions, relations, queries, before any name is resolved.
 *
 * Plain trees in the script's arena.  Strings point into the script's text or the arena, so the
 * text must live as long as the tree (gly_parse_script copies it).  Every node knows its line and
 * column.  Statements are gly_statement (sql.h).
 */
#ifndef GLY_AST_H
#define GLY_AST_H

#include "lib/data/value.h"
#include "lib/plan/expr.h"

typedef struct gly_ast_query gly_ast_query;
typedef struct gly_ast_expr gly_ast_expr;
typedef struct gly_ast_relation gly_ast_relation;

typedef enum gly_ast_kind {
    GLY_AST_LITERAL,  /* value; name: an interval as it was written */
    GLY_AST_NAME,     /* parts: a, t.a */
    GLY_AST_STAR,     /* parts: the qualifier, or none */
    GLY_AST_CALL,     /* name(args), is_distinct, filter; count(*): is_star */
    GLY_AST_OPERATOR, /* function; AND, OR and || have two or more args */
    GLY_AST_CAST,     /* args[0] to type; is_try */
    GLY_AST_CASE,     /* when, then, ..., [else]; has_operand: args[0] is compared with each when */
    GLY_AST_BETWEEN,  /* args[0] between args[1] and args[2] */
    GLY_AST_EXTRACT,  /* name: the field, lower case; args[0] */
    GLY_AST_SUBQUERY, /* query: one value */
    GLY_AST_EXISTS,   /* query */
    GLY_AST_IN_QUERY, /* args: the left side (several: a row); query */
} gly_ast_kind;

struct gly_ast_expr {
    uint8_t kind; /* gly_ast_kind */
    bool is_distinct, is_try, is_star, has_operand;
    uint16_t depth; /* 1 for a leaf; at most GLY_EXPR_MAX_DEPTH */
    gly_function_id function;
    uint32_t line, position;
    uint32_t arg_count;
    gly_ast_expr **args;
    gly_ast_expr *filter;
    gly_type type;
    gly_value value;
    gly_str name;
    uint32_t part_count;
    gly_str *parts;
    gly_ast_query *query;
};

typedef enum gly_ast_relation_kind {
    GLY_AST_TABLE,    /* parts */
    GLY_AST_FILES,    /* format, path: parquet.`path` */
    GLY_AST_DERIVED,  /* query */
    GLY_AST_FUNCTION, /* name(args) */
    GLY_AST_JOIN,     /* left, right, join, on or using */
} gly_ast_relation_kind;

struct gly_ast_relation {
    uint8_t kind; /* gly_ast_relation_kind */
    uint8_t join; /* gly_join_kind */
    bool is_natural;
    uint16_t depth;
    uint32_t line, position;
    gly_str alias; /* empty: none */
    uint32_t column_count;
    gly_str *columns; /* t (a, b) */
    uint32_t part_count;
    gly_str *parts;
    gly_str name, format, path;
    uint32_t arg_count;
    gly_ast_expr **args;
    gly_ast_query *query;
    gly_ast_relation *left, *right;
    gly_ast_expr *on;
    uint32_t using_count;
    gly_str *using;
};

typedef struct gly_ast_item {
    gly_ast_expr *expr;
    gly_str alias; /* empty: none */
} gly_ast_item;

typedef struct gly_ast_order {
    gly_ast_expr *expr;
    bool descending;
    bool nulls_first;
} gly_ast_order;

typedef struct gly_ast_cte {
    gly_str name;
    uint32_t column_count;
    gly_str *columns;
    gly_ast_query *query;
    uint32_t line, position;
} gly_ast_cte;

typedef enum gly_ast_set { GLY_AST_UNION, GLY_AST_INTERSECT, GLY_AST_EXCEPT } gly_ast_set;

typedef struct gly_ast_branch {
    uint8_t set; /* gly_ast_set: how it is joined to what stands before; the first's is unused */
    bool is_all;
    gly_ast_query *query;
} gly_ast_branch;

typedef enum gly_ast_query_kind {
    GLY_AST_SELECT,
    GLY_AST_VALUES, /* rows */
    GLY_AST_SETS,   /* branches, left to right */
    GLY_AST_NESTED, /* inner: a query in parentheses with clauses of its own outside */
} gly_ast_query_kind;

struct gly_ast_query {
    uint8_t kind; /* gly_ast_query_kind */
    uint32_t line, position;
    uint32_t cte_count;
    gly_ast_cte *ctes;
    /* SELECT */
    bool is_distinct;
    bool group_all;  /* GROUP BY ALL */
    bool has_groups; /* GROUP BY was written */
    uint32_t item_count;
    gly_ast_item *items;
    gly_ast_relation *from; /* NULL: one row without columns */
    gly_ast_expr *where;
    uint32_t group_count;
    gly_ast_expr **groups;
    gly_ast_expr *having;
    uint32_t broadcast_count; /* BROADCAST hints: relation names */
    gly_str *broadcasts;
    int64_t repartition; /* REPARTITION(n) hint; 0: none */
    /* VALUES */
    uint32_t row_count, row_width;
    gly_ast_expr ***rows;
    /* SETS */
    uint32_t branch_count;
    gly_ast_branch *branches;
    /* NESTED */
    gly_ast_query *inner;
    /* after any of them */
    uint32_t order_count;
    gly_ast_order *orders;
    uint32_t sort_count; /* SORT BY, CLUSTER BY */
    gly_ast_order *sorts;
    uint32_t distribute_count; /* DISTRIBUTE BY, CLUSTER BY, or the columns of REPARTITION */
    gly_ast_expr **distributes;
    gly_ast_expr *limit;  /* NULL: none (also LIMIT ALL) */
    gly_ast_expr *offset; /* NULL: none */
};

#endif
