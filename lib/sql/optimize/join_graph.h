/* join_graph.h - a tree of inner joins as relations and conditions between them. */
#ifndef GLY_JOIN_GRAPH_H
#define GLY_JOIN_GRAPH_H

#include "lib/sql/optimize/rule.h"

enum { GLY_JOIN_GRAPH_MAX = 64 }; /* relations: a set of them is 64 bits */

typedef struct gly_join_edge {
    gly_expr *condition;
    uint64_t relations; /* whose columns it uses */
    bool is_inferred;   /* follows from the others: a = c from a = b AND b = c */
    bool is_loose;      /* must wait for the last join: it may fail, or is about one relation */
} gly_join_edge;

typedef struct gly_join_graph {
    uint32_t relation_count;
    gly_logical **relations;
    gly_id_set *ids; /* columns of each relation */
    uint32_t edge_count;
    gly_join_edge *edges;
} gly_join_graph;

/* Is node an inner join that may be taken apart? */
bool gly_join_graph_is_inner(const gly_logical *node);
uint32_t gly_join_graph_count(const gly_logical *join);
/* join: at most GLY_JOIN_GRAPH_MAX relations. */
void gly_join_graph_make(gly_rule_context *context, gly_logical *join, gly_join_graph *ret);
/* The conditions that the join of left and right can check first, AND-ed; NULL: none. */
gly_expr *gly_join_graph_between(gly_rule_context *context, const gly_join_graph *graph,
                                 uint64_t left, uint64_t right);
/* Is one of the conditions between the two an equality that a hash table can look up? */
bool gly_join_graph_has_key(const gly_join_graph *graph, uint64_t left, uint64_t right);
bool gly_join_graph_connects(const gly_join_graph *graph, uint64_t left, uint64_t right);

#endif
