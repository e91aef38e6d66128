/* rule_factor_or.c - what every branch of an OR demands is demanded by the OR.
 *
 *   (k = x AND a) OR (k = x AND b)  ->  k = x AND (a OR b)
 *
 * This is what makes a join key out of TPC-H Q19's condition.  Kleene logic distributes, so the
 * rewrite is exact, NULLs included.
 */
#include "lib/sql/optimize/rule.h"

static bool contains(uint32_t count, gly_expr *const *exprs, const gly_expr *expr) {
    for (uint32_t i = 0; i < count; i++) {
        if (gly_expr_equal(exprs[i], expr)) {
            return true;
        }
    }
    return false;
}

typedef struct branch {
    uint32_t count;
    gly_expr **members;
} branch;

static uint32_t find_common(const branch *branches, uint32_t branch_count, gly_expr **common) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < branches[0].count; i++) {
        gly_expr *member = branches[0].members[i];
        bool in_all = gly_expr_is_deterministic(member) && !contains(count, common, member);
        for (uint32_t b = 1; b < branch_count && in_all; b++) {
            in_all = contains(branches[b].count, branches[b].members, member);
        }
        if (in_all) {
            common[count++] = member;
        }
    }
    return count;
}

static gly_expr *factor_one(void *state, gly_arena *arena, gly_expr *expr) {
    enum { MOST_BRANCHES = 64 };
    gly_rule_context *context = state;
    if (expr->kind != GLY_EXPR_CALL || expr->function != GLY_FN_OR ||
        expr->arg_count > MOST_BRANCHES) {
        return expr;
    }
    branch *branches = GLY_ARENA_ARRAY(arena, branch, expr->arg_count);
    for (uint32_t b = 0; b < expr->arg_count; b++) {
        branches[b].count = gly_rule_conjuncts(context, expr->args[b], &branches[b].members);
    }
    gly_expr **common = GLY_ARENA_ARRAY(arena, gly_expr *, branches[0].count + 1);
    uint32_t count = find_common(branches, expr->arg_count, common);
    if (count == 0) {
        return expr;
    }
    gly_expr **rest = GLY_ARENA_ARRAY(arena, gly_expr *, expr->arg_count);
    bool is_implied = false; /* a branch asks for nothing more: the OR adds nothing */
    for (uint32_t b = 0; b < expr->arg_count; b++) {
        uint32_t kept = 0;
        for (uint32_t i = 0; i < branches[b].count; i++) {
            if (!contains(count, common, branches[b].members[i])) {
                branches[b].members[kept++] = branches[b].members[i];
            }
        }
        is_implied |= kept == 0;
        rest[b] = gly_expr_and(arena, kept, branches[b].members);
    }
    if (!is_implied) {
        common[count++] =
            gly_rule_call(context, GLY_FN_OR, expr->type, expr, expr->arg_count, rest);
    }
    return gly_expr_and(arena, count, common);
}

static gly_expr *factor(void *state, gly_expr *expr) {
    gly_rule_context *context = state;
    return gly_expr_rewrite(context->arena, expr, factor_one, context);
}

static gly_logical *factor_node(gly_rule_context *context, gly_logical *node) {
    if (node->kind != GLY_LOGICAL_FILTER && node->kind != GLY_LOGICAL_JOIN) {
        return node;
    }
    return gly_rule_each_expr(context, node, factor, context);
}

gly_logical *gly_rule_factor_or_apply(gly_rule_context *context, gly_logical *plan) {
    return gly_rule_each_node(context, plan, factor_node);
}
