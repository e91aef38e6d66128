/* physical_internal.h - what the files of lib/sql/physical share: the planner and planned nodes. */
#ifndef GLY_PHYSICAL_INTERNAL_H
#define GLY_PHYSICAL_INTERNAL_H

#include "lib/sql/optimize/cardinality.h"
#include "lib/sql/sql.h"

/* How rows are spread over partitions, in terms of logical columns.  Rows that agree on all keys
 * are in the same partition.  alternatives: expressions that are equal on every row (join keys). */
typedef struct gly_spread_key {
    uint32_t count;
    gly_expr **alternatives; /* over logical ids */
} gly_spread_key;

typedef struct gly_spread {
    bool is_hash;
    uint32_t key_count;
    gly_spread_key *keys;
} gly_spread;

/* A physical node that puts out the columns of a logical one, in its order. */
typedef struct gly_planned {
    gly_physical *node;
    uint32_t column_count;
    const gly_output *columns; /* columns[i].id is node column i */
    gly_spread spread;
} gly_planned;

typedef struct gly_planner {
    gly_arena *arena;
    const gly_config *config;
    uint32_t slot_count;
    gly_cardinality *cardinality;
    double broadcast_limit;      /* bytes; 0: never */
    uint32_t shuffle_partitions;
    bool is_shuffle_fixed;       /* no fewer partitions for small inputs */
    bool partial_aggregation;
    bool choose_build_side;
    bool reduce_join_sides;
    bool share_exchanges;
} gly_planner;

/* choose_physical.c */
GLY_NODISCARD gly_status gly_choose_physical_node(gly_planner *planner, const gly_logical *node,
                                                  gly_planned *ret, gly_error *err);
/* A planned node for logical's columns, schema and row estimate filled in. */
gly_planned gly_choose_physical_make(gly_planner *planner, gly_physical_kind kind,
                                     uint32_t child_count, const gly_logical *logical);

/* bind.c: expressions over logical ids to expressions over columns of up to two inputs. */
GLY_NODISCARD gly_status gly_bind_expr(gly_planner *planner, gly_expr *expr,
                                       const gly_planned *first, const gly_planned *second,
                                       gly_expr **ret, gly_error *err);
GLY_NODISCARD gly_status gly_bind_exprs(gly_planner *planner, uint32_t count,
                                        gly_expr *const *exprs, const gly_planned *input,
                                        gly_expr ***ret, gly_error *err);
/* Column index of a planned node as an expression. */
gly_expr *gly_bind_column(gly_planner *planner, const gly_physical *node, uint32_t column);

/* place_exchanges.c.  Each leaves *planned as it is when nothing needs to move. */
void gly_place_exchanges_single(gly_planner *planner, gly_planned *planned);
void gly_place_exchanges_broadcast(gly_planner *planner, gly_planned *planned);
void gly_place_exchanges_round_robin(gly_planner *planner, gly_planned *planned, uint32_t count);
/* By exprs over logical ids. */
GLY_NODISCARD gly_status gly_place_exchanges_hash(gly_planner *planner, gly_planned *planned,
                                                  uint32_t count, gly_expr *const *exprs,
                                                  uint32_t partition_count, gly_error *err);
/* By expressions over the node's own columns; the spread becomes unknown. */
void gly_place_exchanges_hash_bound(gly_planner *planner, gly_planned *planned, uint32_t count,
                                    gly_expr **exprs, uint32_t partition_count);
/* Partitions for an exchange that moves so many bytes. */
uint32_t gly_place_exchanges_count(const gly_planner *planner, double bytes);
gly_spread gly_place_exchanges_spread(gly_planner *planner, uint32_t count,
                                      gly_expr *const *exprs);
/* The spread below, in terms of the columns (output) that exprs make of what is below. */
gly_spread gly_place_exchanges_rename(gly_planner *planner, const gly_spread *below, uint32_t count,
                                      gly_expr *const *exprs, const gly_output *output);
/* All rows that agree on exprs are in one partition. */
bool gly_place_exchanges_is_clustered(const gly_planned *planned, uint32_t count,
                                      gly_expr *const *exprs);
/* Every key of the spread is one of exprs: indexes[k] says which. */
bool gly_place_exchanges_match(const gly_planned *planned, uint32_t count, gly_expr *const *exprs,
                               uint32_t *indexes);

/* share_exchanges.c: exchanges of the same rows in the same way become one node. */
void gly_share_exchanges_in(gly_physical *root);

/* choose_distinct.c: aggregates with DISTINCT ones among them. */
GLY_NODISCARD gly_status gly_choose_distinct_node(gly_planner *planner, const gly_logical *node,
                                                  gly_planned *ret, gly_error *err);
/* choose_aggregate.c: building blocks of both. */
/* An AGGREGATE over child.  groups and calls are bound to child's columns; every call has its
 * mode and name.  output: names of the result columns, groups first (states get the call's). */
gly_physical *gly_choose_aggregate_make(gly_planner *planner, gly_physical *child,
                                        uint32_t group_count, gly_expr **groups,
                                        uint32_t call_count, gly_expr **calls,
                                        const gly_output *output);
/* call bound to input, to be run in mode COMPLETE or PARTIAL. */
GLY_NODISCARD gly_status gly_choose_aggregate_first(gly_planner *planner, gly_expr *call,
                                                    gly_aggregate_mode mode,
                                                    const gly_planned *input, gly_expr **ret,
                                                    gly_error *err);
/* The call that goes on (MERGE, FINAL) from child's state columns at *column, which it moves on. */
gly_expr *gly_choose_aggregate_next(gly_planner *planner, const gly_expr *call,
                                    gly_aggregate_mode mode, const gly_physical *child,
                                    uint32_t *column);
/* Columns 0 .. count-1 of node as expressions. */
gly_expr **gly_choose_aggregate_columns(gly_planner *planner, const gly_physical *node,
                                        uint32_t count);

/* reduce_side.c: large without the rows whose keys small does not have; small may then be used a
 * second time (a node with two parents). */
GLY_NODISCARD gly_status gly_reduce_side_by_keys(gly_planner *planner, gly_planned *large,
                                                 gly_expr *const *large_keys,
                                                 const gly_planned *small,
                                                 gly_expr *const *small_keys, uint32_t key_count,
                                                 double rows_after, gly_error *err);

/* choose_aggregate.c, choose_join.c, choose_scan.c, choose_sort.c */
GLY_NODISCARD gly_status gly_choose_aggregate_node(gly_planner *planner, const gly_logical *node,
                                                   gly_planned *ret, gly_error *err);
GLY_NODISCARD gly_status gly_choose_join_node(gly_planner *planner, const gly_logical *node,
                                              gly_planned *ret, gly_error *err);
GLY_NODISCARD gly_status gly_choose_scan_node(gly_planner *planner, const gly_logical *node,
                                              gly_planned *ret, gly_error *err);
GLY_NODISCARD gly_status gly_choose_sort_node(gly_planner *planner, const gly_logical *node,
                                              gly_planned *ret, gly_error *err);
GLY_NODISCARD gly_status gly_choose_sort_limit(gly_planner *planner, const gly_logical *node,
                                               gly_planned *ret, gly_error *err);

#endif
