/* logical.h - relational nodes as the user meant them, with resolved names and types.
 *
 * Every node lists its output columns; ids are unique in a query, so an expression can move between
 * nodes without rewriting.  Nodes are immutable once built: a rule makes new ones.
 */
#ifndef GLY_LOGICAL_H
#define GLY_LOGICAL_H

#include "lib/plan/expr.h"
#include "lib/plan/relation.h"

typedef enum gly_join_kind {
    GLY_JOIN_INNER, /* CROSS is INNER without a condition */
    GLY_JOIN_LEFT,
    GLY_JOIN_RIGHT,
    GLY_JOIN_FULL,
    GLY_JOIN_SEMI,
    GLY_JOIN_ANTI,
    GLY_JOIN_NULL_AWARE_ANTI, /* NOT IN (subquery) */
} gly_join_kind;

typedef enum gly_logical_kind {
    GLY_LOGICAL_SCAN,      /* relation; output[i] is schema field scan.fields[i] */
    GLY_LOGICAL_CACHED,    /* rows of CACHE TABLE: cached.table */
    GLY_LOGICAL_VALUES,    /* literal rows (SELECT 1: one row, no columns) */
    GLY_LOGICAL_RANGE,     /* range(start, end, step, partitions): one bigint column "id" */
    GLY_LOGICAL_FILTER,    /* condition */
    GLY_LOGICAL_PROJECT,   /* exprs[i] makes output[i] */
    GLY_LOGICAL_AGGREGATE, /* output: groups, then aggregates; no group_count: one row */
    GLY_LOGICAL_JOIN,      /* output: left's, then right's (SEMI, ANTI: left's) */
    GLY_LOGICAL_SORT,
    GLY_LOGICAL_LIMIT,     /* limit rows after offset; limit UINT64_MAX: none */
    GLY_LOGICAL_UNION,     /* ALL; children match by position; fresh output ids */
    GLY_LOGICAL_REPARTITION, /* by exprs (hash) or round robin, into partition_count */
    GLY_LOGICAL_WRITE,     /* INSERT OVERWRITE DIRECTORY; no output */
    GLY_LOGICAL_COUNT
} gly_logical_kind;

typedef struct gly_output {
    uint32_t id;
    gly_str name;
    gly_type type;
    bool nullable;
} gly_output;

typedef struct gly_logical gly_logical;
struct gly_logical {
    gly_logical_kind kind;
    uint32_t child_count; /* at most 2, any for UNION */
    gly_logical **children;
    uint32_t output_count;
    gly_output *output;
    union {
        struct {
            const gly_relation *relation;
            uint32_t *fields;     /* output_count of them */
            uint32_t filter_count; /* conjuncts pushed down, over the output ids */
            gly_expr **filters;
        } scan;
        struct {
            gly_str table;
            uint64_t cache_id;
            uint32_t partition_count;
            uint64_t row_count; /* 0: unknown */
            uint32_t *fields; /* output[i] is cached column fields[i] */
        } cached;
        struct {
            uint32_t row_count;
            gly_expr ***rows; /* rows[r][c]: foldable expressions */
        } values;
        struct {
            int64_t start, end, step;
            uint32_t partition_count; /* 0: the default parallelism */
        } range;
        struct {
            gly_expr *condition;
        } filter;
        struct {
            gly_expr **exprs;
        } project;
        struct {
            uint32_t group_count;
            gly_expr **groups;
            uint32_t aggregate_count;
            gly_expr **aggregates; /* each an aggregate CALL */
        } aggregate;
        struct {
            gly_join_kind kind;
            gly_expr *condition; /* over both sides' ids; NULL: none */
            uint8_t hint;        /* gly_join_hint */
        } join;
        struct {
            uint32_t key_count;
            gly_sort_key *keys;
            bool is_local; /* SORT BY: within partitions */
        } sort;
        struct {
            uint64_t limit, offset;
        } limit;
        struct {
            uint32_t expr_count; /* 0: round robin */
            gly_expr **exprs;
            uint32_t partition_count; /* 0: spark.sql.shuffle.partitions */
        } repartition;
        struct {
            gly_str format, path;
            uint8_t mode; /* gly_write_mode */
            uint32_t option_count;
            gly_option *options;
        } write;
    };
};

typedef enum gly_join_hint {
    GLY_JOIN_HINT_NONE,
    GLY_JOIN_HINT_BROADCAST_LEFT,
    GLY_JOIN_HINT_BROADCAST_RIGHT,
} gly_join_hint;
typedef enum gly_write_mode {
    GLY_WRITE_OVERWRITE,
    GLY_WRITE_APPEND,
    GLY_WRITE_ERROR_IF_EXISTS,
    GLY_WRITE_IGNORE,
} gly_write_mode;

/* A zeroed node with room for the children and outputs. */
gly_logical *gly_logical_make(gly_arena *arena, gly_logical_kind kind, uint32_t child_count,
                              uint32_t output_count);
const char *gly_logical_name(gly_logical_kind kind); /* "Project" */
/* Index in output, or output_count. */
uint32_t gly_logical_find(const gly_logical *node, uint32_t id);
gly_schema *gly_logical_schema(gly_arena *arena, const gly_logical *node);

#endif
