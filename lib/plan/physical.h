/* physical.h - operators with algorithms chosen.  A DAG: a node may have two parents.
 *
 * Expressions refer to the child's columns by index (joins: left's columns, then right's).
 * The planner makes trees with EXCHANGE nodes; driver/scheduler/split_stages.c cuts them into
 * stages: what is below an exchange becomes a stage rooted in SHUFFLE_WRITE, and a SHUFFLE_READ leaf
 * takes its place.  The engine runs one stage's plan for one partition (lib/engine/task.h).
 *
 * Which partition a node reads when its stage runs partition p: all children the same p, except
 * UNION (children's partitions one after the other) and BROADCAST reads (everything).
 */
#ifndef GLY_PHYSICAL_H
#define GLY_PHYSICAL_H

#include "lib/data/schema.h"
#include "lib/plan/expr.h"
#include "lib/plan/logical.h"
#include "lib/plan/relation.h"

typedef enum gly_physical_kind {
#define GLY_OPERATOR(kind, name) GLY_PHYSICAL_##kind,
#include "lib/plan/operators.def"
#undef GLY_OPERATOR
    GLY_PHYSICAL_COUNT
} gly_physical_kind;

typedef enum gly_partitioning_kind {
    GLY_PARTITIONING_SINGLE,      /* one partition */
    GLY_PARTITIONING_HASH,        /* by exprs */
    GLY_PARTITIONING_ROUND_ROBIN, /* deterministic: starts at the map's partition number */
    GLY_PARTITIONING_BROADCAST,   /* one partition that every reader reads whole */
} gly_partitioning_kind;

typedef struct gly_partitioning {
    uint8_t kind;
    uint32_t partition_count;
    uint32_t expr_count;
    gly_expr **exprs; /* over the child's columns */
} gly_partitioning;

typedef struct gly_physical gly_physical;
struct gly_physical {
    gly_physical_kind kind;
    uint32_t id; /* unique in the query, pre-order; metrics and EXPLAIN FORMATTED use it */
    uint32_t child_count;
    gly_physical **children;
    gly_schema schema;        /* of what it puts out */
    uint32_t partition_count; /* of what it puts out */
    uint64_t row_estimate;    /* UINT64_MAX: unknown */
    union {
        struct {
            gly_str format;
            gly_str name; /* for people */
            uint32_t option_count;
            gly_option *options;
            uint32_t file_count;
            gly_relation_file *files;
            gly_schema *file_schema; /* of the relation, partition columns last */
            uint32_t partition_column_count;
            uint32_t *fields;      /* schema field i of this node is file_schema field fields[i] */
            uint32_t filter_count; /* conjuncts over this node's columns; the scan applies them all */
            gly_expr **filters;
            uint32_t split_count;
            gly_split *splits;
            uint32_t *first_split; /* partition p reads splits first_split[p] .. first_split[p+1]-1 */
        } scan;
        struct {
            uint64_t cache_id;
            gly_str table;
            uint32_t *fields; /* CACHED: column i is cached column fields[i] */
        } cached; /* CACHED; CACHE_WRITE: cache_id and table */
        struct {
            uint32_t row_count;
            gly_value **rows; /* rows[r][c], cast to the schema's types; all in partition 0 */
        } values;
        struct {
            int64_t start, end, step;
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
            /* Calls with a mode; output: groups, then states or results.  In every mode a call's
             * type is the result's; args: the argument (COMPLETE, PARTIAL; FILTER belongs to
             * these) or its state columns (MERGE, FINAL); name: how people know it, "sum(x)". */
            gly_expr **aggregates;
            /* A partial that may pass rows through when it does not reduce.  With aggregates and
             * groups, any PARTIAL may put a group out several times; without aggregates, only one
             * with skip_allowed.  Calls of one node may mix COMPLETE with FINAL, PARTIAL with MERGE;
             * then, as with MERGE and FINAL alone, each group comes once. */
            bool skip_allowed;
        } aggregate;
        struct {
            /* children[0] probes (streams), children[1] is built.  kind is seen from the probe:
             *   INNER, LEFT (keep every probe row), RIGHT (keep every build row), FULL (keep all),
             *   SEMI, ANTI, NULL_AWARE_ANTI: probe rows with / without a match, probe columns only.
             * Output columns: not flipped: probe's, then build's; is_flipped (children[1] is the
             * left side of the SQL text): build's, then probe's.  SEMI and both ANTI are never
             * flipped.  Is a RIGHT or FULL or NULL_AWARE_ANTI build a broadcast?  RIGHT and FULL:
             * never; NULL_AWARE_ANTI: always, unless all is one partition, and it has one key and
             * no residual condition.  A NULL key matches nothing. */
            uint8_t kind; /* gly_join_kind, seen from children[0] as left */
            bool is_flipped;
            uint32_t key_count;
            gly_expr **probe_keys; /* over children[0] */
            gly_expr **build_keys; /* over children[1]; same types */
            gly_expr *condition;   /* residual over probe columns, then build columns; or NULL */
            bool is_broadcast;     /* build side is a broadcast: build the table once per executor */
        } join;
        struct {
            gly_expr *condition; /* over left's, then right's columns; or NULL */
            /* As above with children[0] as probe; children[1] is held in memory.  Never flipped.
             * RIGHT and FULL only if both children have one partition. */
            uint8_t kind;
        } nested_join;
        struct {
            uint32_t key_count;
            gly_sort_key *keys;
            uint64_t limit; /* TOPN: rows to keep (limit + offset) */
        } sort; /* SORT and TOPN */
        struct {
            uint64_t limit, offset;
        } limit;
        struct {
            gly_partitioning partitioning;
        } exchange; /* EXCHANGE and SHUFFLE_WRITE */
        struct {
            uint32_t shuffle_id;
            bool is_broadcast;
            bool is_sorted_merge; /* reserved */
        } shuffle_read;
        struct {
            gly_str format, path; /* path: the job's temporary directory when it runs */
            uint32_t option_count;
            gly_option *options;
            uint8_t mode;
        } file_write; /* output: one row (path, rows, bytes) per file */
    };
};

gly_physical *gly_physical_make(gly_arena *arena, gly_physical_kind kind, uint32_t child_count);
const char *gly_physical_name(gly_physical_kind kind);
/* Gives every node below root whose id is 0 an id, pre-order from first_id (at least 1); returns
 * the next free one. */
uint32_t gly_physical_number(gly_physical *root, uint32_t first_id);
uint32_t gly_physical_max_id(const gly_physical *root);
/* Whether a join of this kind (gly_join_kind, seen from the probe) puts out build columns. */
bool gly_physical_join_puts_out_build(uint8_t kind);

#endif
