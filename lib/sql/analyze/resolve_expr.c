/* resolve_expr.c - AST expressions to bound expressions, one kind after another.
 *
 * Arguments are bound first, then the call gets its types (coerce.c).  Every expression keeps the
 * line and column it was written at.  Recursion is counted by gly_analyze_enter.  Names are in
 * scope.c, named calls in resolve_call.c, subqueries in resolve_subquery.c.
 */
#include "lib/engine/evaluate.h"
#include "lib/sql/analyze/analyzer.h"

gly_status gly_resolve_expr_list(gly_analyzer *an, gly_scope *scope, uint32_t count,
                                 gly_ast_expr *const *asts, gly_expr ***ret) {
    gly_expr **exprs = GLY_ARENA_ARRAY(an->arena, gly_expr *, count);
    for (uint32_t i = 0; i < count; i++) {
        GLY_TRY(gly_resolve_expr_tree(an, scope, asts[i], &exprs[i]));
    }
    *ret = exprs;
    return GLY_OK;
}

static gly_status resolve_operator(gly_analyzer *an, gly_scope *scope, const gly_ast_expr *ast,
                                   gly_expr **ret) {
    gly_expr **args;
    GLY_TRY(gly_resolve_expr_list(an, scope, ast->arg_count, ast->args, &args));
    return gly_coerce_call(an, ast->function, ast->arg_count, args, ast->line, ast->position, ret);
}

static gly_status resolve_between(gly_analyzer *an, gly_scope *scope, const gly_ast_expr *ast,
                                  gly_expr **ret) {
    gly_expr **args;
    GLY_TRY(gly_resolve_expr_list(an, scope, 3, ast->args, &args));
    GLY_TRY(gly_analyze_shared(an, args[0], 1));
    gly_expr *low[2] = {args[0], args[1]}, *high[2] = {args[0], args[2]};
    gly_expr *both[2];
    GLY_TRY(gly_coerce_call(an, GLY_FN_GREATER_EQUAL, 2, low, ast->line, ast->position, &both[0]));
    GLY_TRY(gly_coerce_call(an, GLY_FN_LESS_EQUAL, 2, high, ast->line, ast->position, &both[1]));
    return gly_coerce_call(an, GLY_FN_AND, 2, both, ast->line, ast->position, ret);
}

/* CASE x WHEN a THEN ...: x = a for each; x is bound once and shared. */
static gly_status resolve_case(gly_analyzer *an, gly_scope *scope, const gly_ast_expr *ast,
                               gly_expr **ret) {
    gly_expr **args;
    GLY_TRY(gly_resolve_expr_list(an, scope, ast->arg_count, ast->args, &args));
    uint32_t count = ast->arg_count;
    if (ast->has_operand) {
        gly_expr *operand = args[0];
        GLY_TRY(gly_analyze_shared(an, operand, count / 2));
        args++;
        count--;
        for (uint32_t i = 0; i + 1 < count; i += 2) {
            gly_expr *sides[2] = {operand, args[i]};
            GLY_TRY(gly_coerce_call(an, GLY_FN_EQUAL, 2, sides, ast->args[i + 1]->line,
                                    ast->args[i + 1]->position, &args[i]));
        }
    }
    return gly_coerce_call(an, GLY_FN_CASE, count, args, ast->line, ast->position, ret);
}

static gly_status resolve_tree(gly_analyzer *an, gly_scope *scope, const gly_ast_expr *ast,
                               gly_expr **ret) { /* long: one case per kind */
    gly_expr *arg;
    switch ((gly_ast_kind)ast->kind) {
    case GLY_AST_LITERAL:
        *ret = gly_expr_literal(an->arena, ast->value);
        (*ret)->line = ast->line;
        (*ret)->position = ast->position;
        return GLY_OK;
    case GLY_AST_NAME:
        return gly_scope_resolve(an, scope, ast, ret);
    case GLY_AST_STAR:
        return gly_analyze_fail(an, GLY_E_ANALYSIS, ast->line, ast->position,
                                "* is allowed only as an item of SELECT and in count(*)");
    case GLY_AST_CALL:
        return gly_resolve_call_named(an, scope, ast, ret);
    case GLY_AST_OPERATOR:
        return resolve_operator(an, scope, ast, ret);
    case GLY_AST_CAST:
        if (ast->arg_count != 1) {
            return gly_analyze_fail(an, GLY_E_WRONG_ARGUMENTS, ast->line, ast->position,
                                    "A cast takes one argument");
        }
        GLY_TRY(gly_resolve_expr_tree(an, scope, ast->args[0], &arg));
        return gly_coerce_explicit(an, arg, ast->type, ast->is_try, ast->line, ast->position, ret);
    case GLY_AST_CASE:
        return resolve_case(an, scope, ast, ret);
    case GLY_AST_BETWEEN:
        return resolve_between(an, scope, ast, ret);
    case GLY_AST_EXTRACT:
        GLY_TRY(gly_resolve_expr_tree(an, scope, ast->args[0], &arg));
        return gly_resolve_call_extract(an, ast, ast->name, arg, ret);
    case GLY_AST_SUBQUERY:
    case GLY_AST_EXISTS:
    case GLY_AST_IN_QUERY:
        return gly_resolve_subquery_value(an, scope, ast, ret);
    }
    GLY_UNREACHABLE();
}

gly_status gly_resolve_expr_tree(gly_analyzer *an, gly_scope *scope, const gly_ast_expr *ast,
                                 gly_expr **ret) {
    if (ast->kind == GLY_AST_LITERAL) {
        GLY_TRY(gly_analyze_work(an, ++an->literals % 4 == 0));
        return resolve_tree(an, scope, ast, ret);
    }
    GLY_TRY(gly_analyze_enter(an, 1, ast->line, ast->position));
    GLY_TRY(gly_analyze_work(an, 1 + ast->arg_count / 4));
    GLY_TRY(resolve_tree(an, scope, ast, ret));
    an->depth--;
    return GLY_OK;
}

gly_status gly_resolve_expr_condition(gly_analyzer *an, gly_scope *scope, const gly_ast_expr *ast,
                                      gly_expr **ret) {
    gly_expr *expr;
    GLY_TRY(gly_resolve_expr_tree(an, scope, ast, &expr));
    if (expr->type.id == GLY_TYPE_NULL) {
        expr = gly_coerce_cast(an, expr, GLY_TYPE_OF(BOOLEAN));
    }
    if (expr->type.id != GLY_TYPE_BOOLEAN) {
        char type[GLY_TYPE_TEXT_SIZE];
        return gly_analyze_fail(an, GLY_E_TYPE_MISMATCH, ast->line, ast->position,
                                "The condition of %s must be boolean, but it is %s", scope->clause,
                                gly_type_format(expr->type, type, sizeof type));
    }
    *ret = expr;
    return GLY_OK;
}

gly_status gly_resolve_expr_constant(gly_analyzer *an, const gly_ast_expr *ast, const char *what,
                                     int64_t *ret) {
    gly_scope scope = {.clause = what};
    gly_expr *expr;
    GLY_TRY(gly_resolve_expr_tree(an, &scope, ast, &expr));
    if (!gly_type_is_integral(expr->type)) {
        char type[GLY_TYPE_TEXT_SIZE];
        return gly_analyze_fail(an, GLY_E_TYPE_MISMATCH, ast->line, ast->position,
                                "%s must be a whole number, but it is %s", what,
                                gly_type_format(expr->type, type, sizeof type));
    }
    gly_value value;
    gly_status status = gly_evaluate(an->arena, expr, &value, an->err);
    if (status != GLY_OK) {
        return gly_analyze_place(an, status, ast->line, ast->position);
    }
    if (value.is_null) {
        return gly_analyze_fail(an, GLY_E_INVALID_ARGUMENT, ast->line, ast->position,
                                "%s must not be NULL", what);
    }
    *ret = value.i64;
    return GLY_OK;
}
