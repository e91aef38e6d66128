/* rule_eliminate_sorts.c - a SORT whose order nobody sees is left out.
 *
 * Order is seen by the result, by LIMIT, by WRITE and by first(); it is lost in joins, in
 * aggregations, in unions, in exchanges, and under another global SORT.
 */
#include "lib/sql/optimize/rule.h"

static bool has_first(const gly_logical *aggregate) {
    for (uint32_t i = 0; i < aggregate->aggregate.aggregate_count; i++) {
        if (aggregate->aggregate.aggregates[i]->function == GLY_FN_FIRST) {
            return true;
        }
    }
    return false;
}

/* Does the order of the child's rows matter, if that of node's rows does or does not? */
static bool needs_order_below(const gly_logical *node, bool is_seen) {
    switch (node->kind) {
    case GLY_LOGICAL_LIMIT:
    case GLY_LOGICAL_WRITE:
        return true;
    case GLY_LOGICAL_SORT:
        return node->sort.is_local && is_seen;
    case GLY_LOGICAL_AGGREGATE:
        return has_first(node);
    case GLY_LOGICAL_JOIN:
    case GLY_LOGICAL_UNION:
    case GLY_LOGICAL_REPARTITION:
        return false;
    default:
        return is_seen;
    }
}

static gly_logical *walk(gly_rule_context *context, gly_logical *node, bool is_seen) {
    while (node->kind == GLY_LOGICAL_SORT && !is_seen) {
        node = node->children[0];
    }
    gly_logical **children = NULL;
    for (uint32_t i = 0; i < node->child_count; i++) {
        gly_logical *child = walk(context, node->children[i], needs_order_below(node, is_seen));
        if (child != node->children[i] && children == NULL) {
            children = gly_arena_copy(context->arena, node->children,
                                      node->child_count * sizeof *children);
        }
        if (children != NULL) {
            children[i] = child;
        }
    }
    return children == NULL ? node : gly_rule_with_children(context, node, children);
}

gly_logical *gly_rule_eliminate_sorts_apply(gly_rule_context *context, gly_logical *plan) {
    return walk(context, plan, true);
}
