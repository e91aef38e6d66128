/* rule_fold_constants.c - calls and casts of literals become literals.
 *
 * The engine itself computes the value (lib/engine/evaluate.h), so folding cannot disagree with
 * running.  An expression whose evaluation fails stays as it is: whether it is reached, and its
 * error with its place, is decided at run time.
 */
#include "lib/sql/optimize/rule.h"

#include "lib/engine/evaluate.h"

static bool is_foldable(const gly_expr *expr) {
    if (expr->kind != GLY_EXPR_CALL && expr->kind != GLY_EXPR_CAST) {
        return false;
    }
    if (expr->kind == GLY_EXPR_CALL &&
        (gly_function_get(expr->function)->flags & (GLY_FUNCTION_AGGREGATE | GLY_FUNCTION_NONDET))) {
        return false;
    }
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        if (expr->args[i]->kind != GLY_EXPR_LITERAL) {
            return false;
        }
    }
    return true;
}

/* A strict function of NULL is NULL, whatever the other arguments are. */
static bool is_null_call(const gly_expr *expr) {
    if (expr->kind != GLY_EXPR_CALL ||
        (gly_function_get(expr->function)->flags & GLY_FUNCTION_STRICT) == 0 ||
        !gly_expr_is_deterministic(expr)) {
        return false;
    }
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        if (expr->args[i]->kind == GLY_EXPR_LITERAL && expr->args[i]->value.is_null) {
            return true;
        }
    }
    return false;
}

static gly_expr *fold_one(void *context, gly_arena *arena, gly_expr *expr) {
    gly_value value;
    (void)context;
    if (is_null_call(expr)) {
        value = gly_value_null(expr->type);
    } else if (!is_foldable(expr) || gly_evaluate(arena, expr, &value, NULL) != GLY_OK) {
        return NULL;
    }
    value.type = expr->type;
    gly_expr *literal = gly_expr_literal(arena, value);
    literal->line = expr->line;
    literal->position = expr->position;
    return literal;
}

static gly_expr *fold(void *state, gly_expr *expr) {
    gly_rule_context *context = state;
    return gly_expr_rewrite(context->arena, expr, fold_one, NULL);
}

static gly_logical *fold_node(gly_rule_context *context, gly_logical *node) {
    return gly_rule_each_expr(context, node, fold, context);
}

gly_logical *gly_rule_fold_constants_apply(gly_rule_context *context, gly_logical *plan) {
    return gly_rule_each_node(context, plan, fold_node);
}
