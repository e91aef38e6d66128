/* rule_simplify.c - expressions that say the same with less.
 *
 *   NOT NOT a -> a, NOT a < b -> a >= b, a AND true -> a, a AND false -> false, CASE and IF with
 *   literal conditions, coalesce without NULLs, IN of one, literal on the right of a comparison,
 *   cast(cast(a as wider) as t) -> cast(a as t), FILTER true, JOIN ... ON true
 *
 * and comparisons of a cast column with a literal (unwrap_cast.c).  The three-valued logic is kept:
 * a rewrite that turns NULL into false is used only where a condition is wanted (FILTER, JOIN).
 * Errors: what is dropped is not evaluated, as in Spark.
 */
#include "lib/sql/optimize/rule.h"
#include "lib/sql/optimize/unwrap_cast.h"

static bool is_call(const gly_expr *expr, gly_function_id function) {
    return expr->kind == GLY_EXPR_CALL && expr->function == function;
}

static bool contains(uint32_t count, gly_expr *const *exprs, const gly_expr *expr) {
    for (uint32_t i = 0; i < count; i++) {
        if (gly_expr_equal(exprs[i], expr)) {
            return true;
        }
    }
    return false;
}

/* AND and OR: flatten, drop repeated and neutral members; an absorbing member is all. */
static gly_expr *simplify_junction(gly_rule_context *context, gly_expr *expr) {
    enum { MOST_COMPARED = 200 }; /* repeated members are looked for in short lists only */
    bool is_and = expr->function == GLY_FN_AND;
    uint32_t most = 0, count = 0;
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        most += is_call(expr->args[i], expr->function) ? expr->args[i]->arg_count : 1;
    }
    gly_expr **members = GLY_ARENA_ARRAY(context->arena, gly_expr *, most);
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        bool nested = is_call(expr->args[i], expr->function);
        uint32_t inner = nested ? expr->args[i]->arg_count : 1;
        for (uint32_t k = 0; k < inner; k++) {
            gly_expr *member = nested ? expr->args[i]->args[k] : expr->args[i];
            bool is_known = member->kind == GLY_EXPR_LITERAL && !member->value.is_null;
            if (is_known && (member->value.i64 != 0) != is_and) {
                return member;
            }
            if (!is_known &&
                (count > MOST_COMPARED || !gly_expr_is_deterministic(member) ||
                 !contains(count, members, member))) {
                members[count++] = member;
            }
        }
    }
    if (count == 0) {
        return gly_rule_boolean(context, is_and);
    }
    if (count == 1) {
        return members[0];
    }
    return count == expr->arg_count
               ? expr
               : gly_rule_call(context, expr->function, expr->type, expr, count, members);
}

static bool negated(gly_function_id function, gly_function_id *ret) {
    static const gly_function_id pairs[][2] = {
        {GLY_FN_EQUAL, GLY_FN_NOT_EQUAL},       {GLY_FN_LESS, GLY_FN_GREATER_EQUAL},
        {GLY_FN_GREATER, GLY_FN_LESS_EQUAL},    {GLY_FN_IS_NULL, GLY_FN_IS_NOT_NULL},
    };
    for (size_t i = 0; i < GLY_ARRAY_LEN(pairs); i++) {
        for (int k = 0; k < 2; k++) {
            if (pairs[i][k] == function) {
                *ret = pairs[i][1 - k];
                return true;
            }
        }
    }
    return false;
}

static gly_expr *simplify_not(gly_rule_context *context, gly_expr *expr) {
    gly_expr *arg = expr->args[0];
    gly_function_id opposite;
    if (is_call(arg, GLY_FN_NOT)) {
        return arg->args[0];
    }
    if (arg->kind == GLY_EXPR_CALL && negated(arg->function, &opposite)) {
        return gly_rule_call(context, opposite, expr->type, arg, arg->arg_count, arg->args);
    }
    if (is_call(arg, GLY_FN_OR) || is_call(arg, GLY_FN_AND)) {
        gly_expr **members = GLY_ARENA_ARRAY(context->arena, gly_expr *, arg->arg_count);
        for (uint32_t i = 0; i < arg->arg_count; i++) {
            members[i] = simplify_not(
                context, gly_rule_call(context, GLY_FN_NOT, expr->type, arg, 1, &arg->args[i]));
        }
        return gly_rule_call(context, is_call(arg, GLY_FN_OR) ? GLY_FN_AND : GLY_FN_OR, expr->type,
                             arg, arg->arg_count, members);
    }
    return expr;
}

static gly_expr *simplify_case(gly_rule_context *context, gly_expr *expr) {
    gly_expr **args = GLY_ARENA_ARRAY(context->arena, gly_expr *, expr->arg_count);
    uint32_t count = 0;
    bool has_else = expr->arg_count % 2 == 1, is_done = false;
    for (uint32_t i = 0; i + 1 < expr->arg_count && !is_done; i += 2) {
        if (gly_rule_is_false(expr->args[i])) {
            continue;
        }
        is_done = gly_rule_is_true(expr->args[i]);
        if (!is_done) {
            args[count++] = expr->args[i];
        }
        args[count++] = expr->args[i + 1];
    }
    if (!is_done && has_else) {
        args[count++] = expr->args[expr->arg_count - 1];
    }
    if (count == expr->arg_count) {
        return expr;
    }
    if (count == 0) {
        return gly_expr_literal(context->arena, gly_value_null(expr->type));
    }
    if (count == 1) {
        return args[0];
    }
    gly_expr *call = gly_rule_call(context, GLY_FN_CASE, expr->type, expr, count, args);
    call->nullable = expr->nullable;
    return call;
}

static gly_expr *simplify_coalesce(gly_rule_context *context, gly_expr *expr) {
    gly_expr **args = GLY_ARENA_ARRAY(context->arena, gly_expr *, expr->arg_count);
    uint32_t count = 0;
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        bool is_null = expr->args[i]->kind == GLY_EXPR_LITERAL && expr->args[i]->value.is_null;
        if (!is_null) {
            args[count++] = expr->args[i];
        }
        if (expr->args[i]->kind == GLY_EXPR_LITERAL && !is_null) {
            break; /* nothing behind it is reached */
        }
    }
    if (count == 0) {
        return gly_expr_literal(context->arena, gly_value_null(expr->type));
    }
    if (count == 1) {
        return args[0];
    }
    gly_expr *call = count == expr->arg_count
                         ? expr
                         : gly_rule_call(context, GLY_FN_COALESCE, expr->type, expr, count, args);
    return call;
}

static bool flipped(gly_function_id function, gly_function_id *ret) {
    switch (function) {
    case GLY_FN_LESS:
        *ret = GLY_FN_GREATER;
        return true;
    case GLY_FN_LESS_EQUAL:
        *ret = GLY_FN_GREATER_EQUAL;
        return true;
    case GLY_FN_GREATER:
        *ret = GLY_FN_LESS;
        return true;
    case GLY_FN_GREATER_EQUAL:
        *ret = GLY_FN_LESS_EQUAL;
        return true;
    case GLY_FN_EQUAL:
    case GLY_FN_NOT_EQUAL:
    case GLY_FN_NULL_SAFE_EQUAL:
        *ret = function;
        return true;
    default:
        return false;
    }
}

static gly_expr *simplify_comparison(gly_rule_context *context, gly_expr *expr) {
    gly_function_id function;
    if (expr->arg_count == 2 && flipped(expr->function, &function) &&
        expr->args[0]->kind == GLY_EXPR_LITERAL && expr->args[1]->kind != GLY_EXPR_LITERAL) {
        gly_expr *args[] = {expr->args[1], expr->args[0]};
        expr = gly_rule_call(context, function, expr->type, expr, 2, args);
    }
    return gly_unwrap_cast_comparison(context, expr);
}

static gly_expr *simplify_cast(gly_rule_context *context, gly_expr *expr) {
    gly_expr *inner = expr->args[0];
    if (gly_type_equal(inner->type, expr->type)) {
        return inner;
    }
    if (inner->kind != GLY_EXPR_CAST || !gly_type_is_integral(inner->type) ||
        !gly_type_is_integral(inner->args[0]->type) ||
        inner->type.id < inner->args[0]->type.id || !gly_type_is_numeric(expr->type)) {
        return expr;
    }
    gly_expr *cast = gly_expr_cast(context->arena, inner->args[0], expr->type, expr->is_try);
    cast->line = expr->line;
    cast->position = expr->position;
    return cast;
}

static gly_expr *simplify_if(gly_expr *expr) {
    if (gly_rule_is_true(expr->args[0])) {
        return expr->args[1];
    }
    return gly_rule_is_false(expr->args[0]) ? expr->args[2] : expr;
}

static gly_expr *simplify_in(gly_rule_context *context, gly_expr *expr) {
    if (expr->arg_count == 2 && gly_type_equal(expr->args[0]->type, expr->args[1]->type)) {
        return gly_rule_call(context, GLY_FN_EQUAL, expr->type, expr, 2, expr->args);
    }
    return gly_unwrap_cast_in(context, expr);
}

static gly_expr *simplify_one(void *state, gly_arena *arena, gly_expr *expr) {
    gly_rule_context *context = state;
    (void)arena;
    if (expr->kind == GLY_EXPR_CAST) {
        return simplify_cast(context, expr);
    }
    if (expr->kind != GLY_EXPR_CALL) {
        return expr;
    }
    switch (expr->function) {
    case GLY_FN_AND:
    case GLY_FN_OR:
        return simplify_junction(context, expr);
    case GLY_FN_NOT:
        return simplify_not(context, expr);
    case GLY_FN_CASE:
        return simplify_case(context, expr);
    case GLY_FN_IF:
        return simplify_if(expr);
    case GLY_FN_COALESCE:
    case GLY_FN_NVL:
        return simplify_coalesce(context, expr);
    case GLY_FN_IN:
        return simplify_in(context, expr);
    case GLY_FN_IS_NOT_NULL:
    case GLY_FN_IS_NULL:
        return expr;
    default:
        return simplify_comparison(context, expr);
    }
}

static gly_expr *simplify(void *state, gly_expr *expr) {
    gly_rule_context *context = state;
    return gly_expr_rewrite(context->arena, expr, simplify_one, context);
}

static gly_logical *simplify_node(gly_rule_context *context, gly_logical *node) {
    node = gly_rule_each_expr(context, node, simplify, context);
    if (node->kind == GLY_LOGICAL_FILTER && gly_rule_is_true(node->filter.condition)) {
        return node->children[0];
    }
    if (node->kind == GLY_LOGICAL_JOIN && node->join.condition != NULL &&
        gly_rule_is_true(node->join.condition)) {
        node = gly_arena_copy(context->arena, node, sizeof *node);
        node->join.condition = NULL;
    }
    return node;
}

gly_logical *gly_rule_simplify_apply(gly_rule_context *context, gly_logical *plan) {
    return gly_rule_each_node(context, plan, simplify_node);
}
