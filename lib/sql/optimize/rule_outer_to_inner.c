/* rule_outer_to_inner.c - an outer join whose invented NULL rows a condition above throws away.
 *
 *   FILTER r.x > 5 (l LEFT JOIN r)  ->  FILTER r.x > 5 (l INNER JOIN r)
 *
 * A condition rejects a side if it cannot be true when all columns of that side are NULL: strict
 * functions of its columns, IS NOT NULL of such, AND with one such member, OR of only such.
 * (Galindo-Legaria and Rosenthal, TODS 1997.)
 */
#include "lib/sql/optimize/rule.h"

/* NULL whenever the columns in ids are NULL. */
static bool is_strict(const gly_expr *expr, const gly_id_set *ids) {
    if (expr->kind == GLY_EXPR_COLUMN) {
        return gly_id_set_has(ids, expr->column);
    }
    if (expr->kind == GLY_EXPR_CAST) {
        return is_strict(expr->args[0], ids);
    }
    if (expr->kind != GLY_EXPR_CALL) {
        return false;
    }
    if (expr->function == GLY_FN_IN) {
        return is_strict(expr->args[0], ids);
    }
    if ((gly_function_get(expr->function)->flags & GLY_FUNCTION_STRICT) == 0) {
        return false;
    }
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        if (is_strict(expr->args[i], ids)) {
            return true;
        }
    }
    return false;
}

/* Not true whenever the columns in ids are NULL. */
static bool rejects(const gly_expr *expr, const gly_id_set *ids) {
    bool is_and = expr->kind == GLY_EXPR_CALL && expr->function == GLY_FN_AND;
    bool is_or = expr->kind == GLY_EXPR_CALL && expr->function == GLY_FN_OR;
    if (is_and || is_or) {
        for (uint32_t i = 0; i < expr->arg_count; i++) {
            if (rejects(expr->args[i], ids) == is_and) {
                return is_and;
            }
        }
        return is_or;
    }
    if (expr->kind == GLY_EXPR_CALL && expr->function == GLY_FN_IS_NOT_NULL) {
        return is_strict(expr->args[0], ids);
    }
    return is_strict(expr, ids);
}

/* join with the kind that condition leaves of it. */
static gly_logical *tighten(gly_rule_context *context, gly_logical *join,
                            const gly_expr *condition) {
    gly_id_set left = gly_id_set_make(context->arena), right = gly_id_set_make(context->arena);
    gly_id_set_add_output(&left, join->children[0]);
    gly_id_set_add_output(&right, join->children[1]);
    gly_join_kind kind = join->join.kind;
    bool keeps_left = kind == GLY_JOIN_LEFT || kind == GLY_JOIN_FULL;
    bool keeps_right = kind == GLY_JOIN_RIGHT || kind == GLY_JOIN_FULL;
    keeps_left = keeps_left && !rejects(condition, &right);
    keeps_right = keeps_right && !rejects(condition, &left);
    gly_join_kind fresh = keeps_left    ? (keeps_right ? GLY_JOIN_FULL : GLY_JOIN_LEFT)
                          : keeps_right ? GLY_JOIN_RIGHT
                                        : GLY_JOIN_INNER;
    if (fresh == kind) {
        return join;
    }
    gly_logical copy = *join;
    copy.join.kind = fresh;
    return gly_rule_with_children(context, &copy, join->children);
}

static bool is_outer(const gly_logical *node) {
    return node->kind == GLY_LOGICAL_JOIN &&
           (node->join.kind == GLY_JOIN_LEFT || node->join.kind == GLY_JOIN_RIGHT ||
            node->join.kind == GLY_JOIN_FULL);
}

static gly_logical *change(gly_rule_context *context, gly_logical *node) {
    if (node->kind == GLY_LOGICAL_FILTER && is_outer(node->children[0])) {
        return gly_rule_with_child(
            context, node, tighten(context, node->children[0], node->filter.condition));
    }
    bool is_inner = node->kind == GLY_LOGICAL_JOIN && node->join.condition != NULL &&
                    (node->join.kind == GLY_JOIN_INNER || node->join.kind == GLY_JOIN_SEMI);
    if (!is_inner) {
        return node;
    }
    gly_logical *left = node->children[0], *right = node->children[1];
    left = is_outer(left) ? tighten(context, left, node->join.condition) : left;
    right = is_outer(right) ? tighten(context, right, node->join.condition) : right;
    if (left == node->children[0] && right == node->children[1]) {
        return node;
    }
    gly_logical **children = GLY_ARENA_ARRAY(context->arena, gly_logical *, 2);
    children[0] = left;
    children[1] = right;
    return gly_rule_with_children(context, node, children);
}

gly_logical *gly_rule_outer_to_inner_apply(gly_rule_context *context, gly_logical *plan) {
    return gly_rule_each_node(context, plan, change);
}
