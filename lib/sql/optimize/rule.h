/* rule.h - what every optimizer rule is, and the tools they share.
 *
 * A rule is a function from a plan to a plan that gives the same rows; it changes no node it was
 * given.  It returns the plan itself (the same pointer) when it has nothing to do: that is how a
 * fixpoint is found.  The root's output (ids, names, types, order) never changes.
 */
#ifndef GLY_RULE_H
#define GLY_RULE_H

#include "lib/sql/optimize/cardinality.h"
#include "lib/sql/optimize/id_set.h"

typedef struct gly_rule_context {
    gly_arena *arena;
    uint32_t *next_id;
    gly_cardinality *cardinality;
    double broadcast_limit; /* bytes */
    bool keeps_joins_together; /* joins are not ordered yet: no projections between them */
} gly_rule_context;

typedef gly_logical *(*gly_rule_function)(gly_rule_context *context, gly_logical *plan);

#define GLY_RULE(name, batch) gly_logical *gly_rule_##name##_apply(gly_rule_context *, gly_logical *);
#include "lib/sql/optimize/rules.def"
#undef GLY_RULE

/* A copy of node over these children (taken over); output of nodes that only hand their child's
 * columns on (FILTER, SORT, LIMIT, REPARTITION, JOIN) is made anew from the children. */
gly_logical *gly_rule_with_children(gly_rule_context *context, const gly_logical *node,
                                    gly_logical **children);
gly_logical *gly_rule_with_child(gly_rule_context *context, const gly_logical *node,
                                 gly_logical *child);
/* Replaces each node, children first, by what change returns for it. */
gly_logical *gly_rule_each_node(gly_rule_context *context, gly_logical *plan,
                                gly_rule_function change);
/* Replaces every expression of the one node by change(...) of it (the same pointer: keep). */
gly_logical *gly_rule_each_expr(gly_rule_context *context, gly_logical *node,
                                gly_expr *(*change)(void *state, gly_expr *expr), void *state);

/* child, or FILTER over it if there are conjuncts. */
gly_logical *gly_rule_filter(gly_rule_context *context, gly_logical *child, uint32_t count,
                             gly_expr *const *conjuncts);
/* PROJECT that keeps the outputs of child whose ids are in the set, in child's order. */
gly_logical *gly_rule_keep(gly_rule_context *context, gly_logical *child, const gly_id_set *ids);
gly_expr *gly_rule_column(gly_rule_context *context, const gly_output *output);
/* The members of a condition (NULL: none). */
uint32_t gly_rule_conjuncts(gly_rule_context *context, gly_expr *condition, gly_expr ***ret);
/* expr with column ids[i] replaced by exprs[i]. */
gly_expr *gly_rule_substitute(gly_rule_context *context, gly_expr *expr, uint32_t count,
                              const gly_output *output, gly_expr *const *exprs);
bool gly_rule_is_true(const gly_expr *expr);
bool gly_rule_is_false(const gly_expr *expr); /* or NULL, as a condition */
gly_expr *gly_rule_boolean(gly_rule_context *context, bool value);
gly_expr *gly_rule_call(gly_rule_context *context, gly_function_id function, gly_type type,
                        const gly_expr *place, uint32_t count, gly_expr *const *args);
/* No rows with node's columns. */
gly_logical *gly_rule_empty(gly_rule_context *context, const gly_logical *node);
bool gly_rule_is_empty(const gly_logical *node);

#endif
