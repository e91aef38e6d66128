/* expr.h - bound expressions: literals, columns, calls, casts.  Immutable after building.
 *
 * In a logical plan COLUMN.column is a query-wide column id (gly_output.id); in a physical plan it
 * is an index into the child's columns.  Operators, CASE, AND, LIKE ... are calls (functions.def).
 * A sub-tree may be shared by several parents; nobody writes into it.
 */
#ifndef GLY_EXPR_H
#define GLY_EXPR_H

#include "lib/base/arena.h"
#include "lib/data/value.h"
#include "lib/plan/function.h"

typedef enum gly_expr_kind {
    GLY_EXPR_LITERAL,
    GLY_EXPR_COLUMN,
    GLY_EXPR_CALL, /* function, args; an AGGREGATE function only inside aggregate nodes */
    GLY_EXPR_CAST, /* args[0] to type; is_try: NULL instead of an error */
} gly_expr_kind;

/* How an aggregate call reads its input and what it puts out (physical plans only). */
typedef enum gly_aggregate_mode {
    GLY_AGGREGATE_COMPLETE, /* argument -> result */
    GLY_AGGREGATE_PARTIAL,  /* argument -> state columns */
    GLY_AGGREGATE_MERGE,    /* state columns -> state columns; args are the state columns */
    GLY_AGGREGATE_FINAL,    /* state columns -> result; args are the state columns */
} gly_aggregate_mode;

/* Deepest tree anybody may build (parser, Spark Connect, plan decoder refuse more); casts that the
 * analyzer puts in may double it.  Functions on expressions recurse, so this bounds their stack. */
enum { GLY_EXPR_MAX_DEPTH = 1000 };

typedef struct gly_expr gly_expr;
struct gly_expr {
    uint8_t kind; /* gly_expr_kind */
    uint8_t mode; /* gly_aggregate_mode, aggregate calls only */
    bool nullable;
    bool is_distinct; /* aggregate calls: count(DISTINCT x) */
    bool is_try;      /* CAST */
    gly_type type;    /* of the result */
    gly_function_id function;
    uint32_t column;
    uint32_t arg_count;
    gly_expr **args;
    gly_expr *filter; /* aggregate calls: FILTER (WHERE ...), or NULL */
    gly_value value;  /* LITERAL; bytes in the plan's arena */
    gly_str name;     /* COLUMN: its name, for printing; else empty */
    uint32_t line;    /* 1-based place in the SQL text, 0 = none: run-time errors name it */
    uint32_t position; /* 1-based column of that line */
};

typedef struct gly_sort_key {
    gly_expr *expr;
    bool descending;
    bool nulls_first;
} gly_sort_key;

gly_expr *gly_expr_literal(gly_arena *arena, gly_value value);
gly_expr *gly_expr_column(gly_arena *arena, uint32_t column, gly_type type, bool nullable,
                          gly_str name);
/* type and nullability as given; args are taken over, not copied. */
gly_expr *gly_expr_call(gly_arena *arena, gly_function_id function, gly_type type, bool nullable,
                        uint32_t arg_count, gly_expr **args);
gly_expr *gly_expr_cast(gly_arena *arena, gly_expr *arg, gly_type type, bool is_try);
/* NULL for none, the only one for one, else AND over all (flattened). */
gly_expr *gly_expr_and(gly_arena *arena, uint32_t count, gly_expr *const *conjuncts);
/* Calls visit(conjunct) for each member of a (possibly nested) AND; a non-AND is its own member. */
void gly_expr_each_conjunct(gly_expr *expr, void (*visit)(void *context, gly_expr *conjunct),
                            void *context);
bool gly_expr_equal(const gly_expr *a, const gly_expr *b); /* structurally; places ignored */
bool gly_expr_is_literal(const gly_expr *expr);
bool gly_expr_is_deterministic(const gly_expr *expr);
bool gly_expr_can_fail(const gly_expr *expr);
bool gly_expr_has_aggregate(const gly_expr *expr);
/* Calls visit(column id or index) for every COLUMN below expr. */
void gly_expr_each_column(const gly_expr *expr, void (*visit)(void *context, uint32_t column),
                          void *context);
/* A copy with every node replaced by what rewrite returns for it (bottom-up; NULL keeps the node).
 * Nodes that do not change are shared with the original. */
gly_expr *gly_expr_rewrite(gly_arena *arena, gly_expr *expr,
                           gly_expr *(*rewrite)(void *context, gly_arena *arena, gly_expr *expr),
                           void *context);
/* As Spark prints it: (a#1 > 5), sum(q#2), cast(x#3 as bigint).  With ids: "#id" behind columns. */
void gly_expr_format(const gly_expr *expr, bool with_ids, gly_builder *out);

#endif
