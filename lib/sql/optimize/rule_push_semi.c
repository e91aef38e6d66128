/* rule_push_semi.c - a selective semi join goes below the inner joins it stands on.
 *
 *   (a JOIN b) SEMI r ON a.x = r.x   ->   (a SEMI r ON a.x = r.x) JOIN b
 *
 * when its condition asks for columns of one side only and it is expected to drop at least half of
 * that side's rows.  TPC-H Q18 and Q20: the few orders or parts that qualify are found first, and the
 * joins around them become small.  Runs before joins are ordered, so that the reduced relation is
 * one of those ordered.
 */
#include "lib/sql/optimize/rule.h"

static const double LEAST_DROPPED = 0.5;

static gly_logical *make_semi(gly_rule_context *context, const gly_logical *semi,
                              gly_logical *left) {
    gly_logical **children = GLY_ARENA_ARRAY(context->arena, gly_logical *, 2);
    children[0] = left;
    children[1] = semi->children[1];
    return gly_rule_with_children(context, semi, children);
}

/* left with the semi join as far down as it goes; NULL if it goes nowhere. */
static gly_logical *push(gly_rule_context *context, const gly_logical *semi, gly_logical *left) {
    if (left->kind != GLY_LOGICAL_JOIN || left->join.kind != GLY_JOIN_INNER) {
        return NULL;
    }
    gly_id_set right_ids = gly_id_set_make(context->arena);
    gly_id_set_add_output(&right_ids, semi->children[1]);
    for (uint32_t side = 0; side < 2; side++) {
        gly_id_set ids = gly_id_set_copy(&right_ids);
        gly_id_set_add_output(&ids, left->children[side]);
        if (!gly_id_set_covers(&ids, semi->join.condition)) {
            continue;
        }
        gly_logical *deeper = push(context, semi, left->children[side]);
        if (deeper == NULL) {
            const gly_cardinality_estimate *before =
                gly_cardinality_of(context->cardinality, left->children[side]);
            gly_logical *fresh = make_semi(context, semi, left->children[side]);
            const gly_cardinality_estimate *after =
                gly_cardinality_of(context->cardinality, fresh);
            if (after->rows > (1 - LEAST_DROPPED) * before->rows) {
                return NULL;
            }
            deeper = fresh;
        }
        gly_logical **children = gly_arena_copy(context->arena, left->children,
                                                2 * sizeof *children);
        children[side] = deeper;
        return gly_rule_with_children(context, left, children);
    }
    return NULL;
}

static gly_logical *change(gly_rule_context *context, gly_logical *node) {
    if (node->kind != GLY_LOGICAL_JOIN || node->join.kind != GLY_JOIN_SEMI ||
        node->join.condition == NULL || gly_expr_can_fail(node->join.condition)) {
        return node;
    }
    gly_logical *pushed = push(context, node, node->children[0]);
    return pushed == NULL ? node : pushed;
}

gly_logical *gly_rule_push_semi_apply(gly_rule_context *context, gly_logical *plan) {
    return gly_rule_each_node(context, plan, change);
}
