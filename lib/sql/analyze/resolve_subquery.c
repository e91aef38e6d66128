/* resolve_subquery.c - subqueries in expressions become joins.
 *
 *   [NOT] EXISTS, [NOT] IN as a conjunct of WHERE or HAVING: a semi or anti join; conjuncts of the
 *     subquery that name outer columns are its condition.
 *   a value: one row joined to all (uncorrelated), or the subquery grouped by what it compares with
 *     outer columns, left-joined on that (Kim's method; counts are padded with 0).
 *   EXISTS, IN anywhere else: the distinct keys with a marker, left-joined; the marker answers.
 *
 * The joins are only noted here (gly_pending); the clause's owner builds them in the right place.
 */
#include "lib/sql/analyze/analyzer.h"

typedef struct sides {
    const gly_logical *plan;
    bool has_inner, has_outer;
} sides;

static void visit_side(void *context, uint32_t column) {
    sides *state = context;
    if (gly_logical_find(state->plan, column) < state->plan->output_count) {
        state->has_inner = true;
    } else {
        state->has_outer = true;
    }
}

static sides sides_of(const gly_logical *plan, const gly_expr *expr) {
    sides state = {plan, false, false};
    gly_expr_each_column(expr, visit_side, &state);
    return state;
}

bool gly_resolve_subquery_is_outer(const gly_logical *plan, const gly_expr *expr) {
    return sides_of(plan, expr).has_outer;
}

typedef struct outer_search {
    const gly_scope *outer;
    bool found;
} outer_search;

static void visit_outer(void *context, uint32_t column) {
    outer_search *search = context;
    for (uint32_t i = 0; search->outer != NULL && i < search->outer->count; i++) {
        search->found = search->found || search->outer->columns[i].id == column;
    }
}

bool gly_resolve_subquery_names_outer(const gly_scope *scope, const gly_expr *expr) {
    outer_search search = {scope->outer, false};
    gly_expr_each_column(expr, visit_outer, &search);
    return search.found;
}

bool gly_resolve_subquery_is_inner(const gly_logical *plan, const gly_expr *expr) {
    return sides_of(plan, expr).has_inner;
}

bool gly_resolve_subquery_sides(const gly_logical *inner, gly_expr *conjunct, gly_expr **ret_inner,
                                gly_expr **ret_outer) {
    if (conjunct->kind != GLY_EXPR_CALL || conjunct->function != GLY_FN_EQUAL) {
        return false;
    }
    sides a = sides_of(inner, conjunct->args[0]), b = sides_of(inner, conjunct->args[1]);
    if (a.has_inner && !a.has_outer && b.has_outer && !b.has_inner) {
        *ret_inner = conjunct->args[0];
        *ret_outer = conjunct->args[1];
        return true;
    }
    if (b.has_inner && !b.has_outer && a.has_outer && !a.has_inner) {
        *ret_inner = conjunct->args[1];
        *ret_outer = conjunct->args[0];
        return true;
    }
    return false;
}

static void add_pending(gly_analyzer *an, gly_pending *pending, gly_join_kind kind,
                        gly_logical *plan, gly_expr *condition) {
    gly_pending_join join = {kind, plan, condition};
    GLY_ANALYZER_PUSH(an, pending->joins, pending->count, join);
}

static gly_status check_allowed(gly_analyzer *an, const gly_scope *scope, const gly_ast_expr *ast) {
    if (scope->subqueries_allowed && scope->pending != NULL) {
        return GLY_OK;
    }
    return gly_analyze_fail(an, GLY_E_UNSUPPORTED, ast->line, ast->position,
                            "Subqueries are not supported in %s",
                            scope->in_aggregate ? "this place" : scope->clause);
}

static gly_status check_width(gly_analyzer *an, const gly_ast_expr *ast, uint32_t has,
                              uint32_t wanted) {
    if (has == wanted) {
        return GLY_OK;
    }
    return gly_analyze_fail(an, GLY_E_ANALYSIS, ast->line, ast->position,
                            "This subquery must have %u column%s, but it has %u", wanted,
                            wanted == 1 ? "" : "s", has);
}

/* Number of columns of the select list; plans of correlated queries have more behind them.  A star
 * counts itself out: 0 means look at the plan. */
static uint32_t written_width(const gly_ast_query *query) {
    if (query->kind == GLY_AST_NESTED) {
        return written_width(query->inner);
    }
    for (uint32_t i = 0; i < query->item_count; i++) {
        if (query->items[i].expr->kind == GLY_AST_STAR) {
            return 0;
        }
    }
    return query->item_count;
}

/* plan LIMIT 1 */
static gly_logical *first_row(gly_analyzer *an, gly_logical *plan) {
    gly_logical *node = gly_logical_make(an->arena, GLY_LOGICAL_LIMIT, 1, 0);
    node->children[0] = plan;
    node->output_count = plan->output_count;
    node->output = plan->output;
    node->limit.limit = 1;
    return node;
}

/* IN */

/* x1 = y1 for each column; y are the plan's first outputs. */
static gly_status compare_rows(gly_analyzer *an, const gly_ast_expr *ast, gly_expr *const *left,
                               const gly_logical *plan, gly_expr **ret) {
    for (uint32_t i = 0; i < ast->arg_count; i++) {
        gly_expr *both[2] = {left[i], gly_analyze_column(an, &plan->output[i])};
        GLY_TRY(gly_coerce_call(an, GLY_FN_EQUAL, 2, both, ast->line, ast->position, &ret[i]));
    }
    return GLY_OK;
}

static gly_status resolve_in_plan(gly_analyzer *an, gly_scope *scope, const gly_ast_expr *ast,
                                  gly_correlation *correlation, gly_expr ***ret_left,
                                  gly_logical **ret) {
    GLY_TRY(gly_resolve_expr_list(an, scope, ast->arg_count, ast->args, ret_left));
    correlation->want = GLY_WANT_ROWS;
    GLY_TRY(gly_analyze_any_query(an, ast->query, scope, correlation, ret));
    uint32_t width = correlation->count == 0 ? (*ret)->output_count : written_width(ast->query);
    return check_width(an, ast, width, ast->arg_count);
}

/* x = y may be NULL: true unless it is false. */
static gly_status unless_false(gly_analyzer *an, gly_expr *equal, gly_expr **ret) {
    if (!equal->nullable) {
        *ret = equal;
        return GLY_OK;
    }
    GLY_TRY(gly_analyze_shared(an, equal, 1));
    gly_expr *either[2] = {equal, NULL};
    GLY_TRY(
        gly_coerce_call(an, GLY_FN_IS_NULL, 1, &equal, equal->line, equal->position, &either[1]));
    return gly_coerce_call(an, GLY_FN_OR, 2, either, equal->line, equal->position, ret);
}

static gly_status add_in(gly_analyzer *an, gly_scope *scope, const gly_ast_expr *ast,
                         bool negated) {
    gly_correlation correlation = {0};
    gly_expr **left;
    gly_logical *plan;
    GLY_TRY(resolve_in_plan(an, scope, ast, &correlation, &left, &plan));
    uint32_t count = ast->arg_count;
    gly_expr **tests = GLY_ARENA_ARRAY(an->arena, gly_expr *, count + correlation.count);
    GLY_TRY(compare_rows(an, ast, left, plan, tests));
    bool nullable = false;
    for (uint32_t i = 0; i < count; i++) {
        nullable = nullable || tests[i]->nullable;
    }
    for (uint32_t i = 0; i < correlation.count; i++) {
        tests[count + i] = correlation.conjuncts[i];
    }
    gly_join_kind kind = negated ? GLY_JOIN_ANTI : GLY_JOIN_SEMI;
    if (negated && nullable && count == 1 && correlation.count == 0) {
        kind = GLY_JOIN_NULL_AWARE_ANTI;
    } else if (negated && nullable) {
        for (uint32_t i = 0; i < count; i++) {
            GLY_TRY(unless_false(an, tests[i], &tests[i]));
        }
    }
    add_pending(an, scope->pending, kind, plan,
                gly_expr_and(an->arena, count + correlation.count, tests));
    return GLY_OK;
}

static gly_status add_exists(gly_analyzer *an, gly_scope *scope, const gly_ast_expr *ast,
                             bool negated) {
    gly_correlation correlation = {.want = GLY_WANT_EXISTS};
    gly_logical *plan;
    GLY_TRY(gly_analyze_any_query(an, ast->query, scope, &correlation, &plan));
    if (correlation.count == 0) {
        plan = first_row(an, plan);
    }
    add_pending(an, scope->pending, negated ? GLY_JOIN_ANTI : GLY_JOIN_SEMI, plan,
                gly_expr_and(an->arena, correlation.count, correlation.conjuncts));
    return GLY_OK;
}

gly_status gly_resolve_subquery_conjunct(gly_analyzer *an, gly_scope *scope,
                                         const gly_ast_expr *ast, bool *ret_taken) {
    bool negated = false;
    while (ast->kind == GLY_AST_OPERATOR && ast->function == GLY_FN_NOT) {
        negated = !negated;
        ast = ast->args[0];
    }
    *ret_taken = ast->kind == GLY_AST_EXISTS || ast->kind == GLY_AST_IN_QUERY;
    if (!*ret_taken) {
        return GLY_OK;
    }
    GLY_TRY(check_allowed(an, scope, ast));
    return ast->kind == GLY_AST_EXISTS ? add_exists(an, scope, ast, negated)
                                       : add_in(an, scope, ast, negated);
}

/* one value */

/* Exactly one row, whatever the data. */
static bool is_one_row(const gly_logical *plan) {
    while (plan->kind == GLY_LOGICAL_PROJECT || plan->kind == GLY_LOGICAL_SORT) {
        plan = plan->children[0];
    }
    return (plan->kind == GLY_LOGICAL_AGGREGATE && plan->aggregate.group_count == 0) ||
           (plan->kind == GLY_LOGICAL_VALUES && plan->values.row_count == 1);
}

static bool is_at_most_one(const gly_logical *plan) {
    while (plan->kind == GLY_LOGICAL_PROJECT || plan->kind == GLY_LOGICAL_SORT ||
           plan->kind == GLY_LOGICAL_FILTER) {
        plan = plan->children[0];
    }
    return is_one_row(plan) || (plan->kind == GLY_LOGICAL_LIMIT && plan->limit.limit <= 1);
}

/* One row with first(column), which fails if there was more than one. */
static gly_status force_one_row(gly_analyzer *an, const gly_ast_expr *ast, gly_logical *plan,
                                gly_logical **ret) {
    gly_expr *column = gly_analyze_column(an, &plan->output[0]);
    gly_expr **aggregates = GLY_ARENA_ARRAY(an->arena, gly_expr *, 2);
    GLY_TRY(
        gly_coerce_call(an, GLY_FN_FIRST, 1, &column, ast->line, ast->position, &aggregates[0]));
    GLY_TRY(gly_coerce_call(an, GLY_FN_COUNT, 0, NULL, ast->line, ast->position, &aggregates[1]));
    bool sure = is_at_most_one(plan);
    GLY_TRY(gly_node_build_aggregate(an, plan, 0, NULL, sure ? 1 : 2, aggregates, &plan));
    if (sure) {
        *ret = plan;
        return GLY_OK;
    }
    gly_expr *sides_of_test[2] = {gly_analyze_column(an, &plan->output[1]),
                                  gly_coerce_bigint(an, 1)};
    gly_expr *branches[3];
    GLY_TRY(gly_coerce_call(an, GLY_FN_GREATER, 2, sides_of_test, ast->line, ast->position,
                            &branches[0]));
    gly_expr *message = gly_expr_literal(
        an->arena,
        gly_value_text(GLY_TYPE_OF(STRING),
                       GLY_STR("A subquery used as a value returned more than one row")));
    GLY_TRY(gly_coerce_call(an, GLY_FN_RAISE_ERROR, 1, &message, ast->line, ast->position,
                            &branches[1]));
    branches[2] = gly_analyze_column(an, &plan->output[0]);
    gly_item item = {GLY_STR("scalarsubquery()"), NULL};
    GLY_TRY(gly_coerce_call(an, GLY_FN_CASE, 3, branches, ast->line, ast->position, &item.expr));
    return gly_node_build_project(an, plan, 1, &item, ret);
}

static gly_status resolve_scalar(gly_analyzer *an, gly_scope *scope, const gly_ast_expr *ast,
                                 gly_expr **ret) {
    gly_correlation correlation = {.want = GLY_WANT_VALUE};
    gly_logical *plan;
    GLY_TRY(gly_analyze_any_query(an, ast->query, scope, &correlation, &plan));
    if (correlation.is_used) {
        bool one_row = correlation.count == 0 && is_one_row(plan);
        add_pending(an, scope->pending, one_row ? GLY_JOIN_INNER : GLY_JOIN_LEFT, plan,
                    gly_expr_and(an->arena, correlation.count, correlation.conjuncts));
        *ret = correlation.value;
        return GLY_OK;
    }
    GLY_TRY(check_width(an, ast, plan->output_count, 1));
    if (!is_one_row(plan)) {
        GLY_TRY(force_one_row(an, ast, plan, &plan));
    }
    add_pending(an, scope->pending, GLY_JOIN_INNER, plan, NULL);
    *ret = gly_analyze_column(an, &plan->output[0]);
    return GLY_OK;
}

/* EXISTS and IN as values */

/* The distinct keys of plan with a column that is always true. */
static gly_status mark_keys(gly_analyzer *an, gly_logical *plan, uint32_t count,
                            const gly_item *keys, gly_logical **ret) {
    GLY_TRY(gly_node_build_aggregate(an, plan, count, keys, 0, NULL, &plan));
    gly_item *items = GLY_ARENA_ARRAY(an->arena, gly_item, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        items[i] = (gly_item){plan->output[i].name, gly_analyze_column(an, &plan->output[i])};
    }
    items[count] = (gly_item){GLY_STR("_found"),
                              gly_expr_literal(an->arena, gly_value_i64(GLY_TYPE_OF(BOOLEAN), 1))};
    return gly_node_build_project(an, plan, count + 1, items, ret);
}

static gly_status marker_found(gly_analyzer *an, const gly_logical *plan, const gly_ast_expr *ast,
                               gly_expr **ret) {
    gly_expr *marker = gly_analyze_column(an, &plan->output[plan->output_count - 1]);
    marker->nullable = true; /* of a left join */
    return gly_coerce_call(an, GLY_FN_IS_NOT_NULL, 1, &marker, ast->line, ast->position, ret);
}

static gly_status count_rows(gly_analyzer *an, const gly_ast_expr *ast, gly_logical *plan,
                             gly_expr *also, gly_logical **ret) {
    gly_expr **aggregates = GLY_ARENA_ARRAY(an->arena, gly_expr *, 2);
    GLY_TRY(gly_coerce_call(an, GLY_FN_COUNT, 0, NULL, ast->line, ast->position, &aggregates[0]));
    if (also != NULL) {
        GLY_TRY(
            gly_coerce_call(an, GLY_FN_COUNT, 1, &also, ast->line, ast->position, &aggregates[1]));
    }
    return gly_node_build_aggregate(an, plan, 0, NULL, also != NULL ? 2 : 1, aggregates, ret);
}

static gly_status resolve_exists(gly_analyzer *an, gly_scope *scope, const gly_ast_expr *ast,
                                 gly_expr **ret) {
    gly_correlation correlation = {.want = GLY_WANT_EXISTS};
    gly_logical *plan;
    GLY_TRY(gly_analyze_any_query(an, ast->query, scope, &correlation, &plan));
    if (correlation.count == 0) {
        GLY_TRY(count_rows(an, ast, first_row(an, plan), NULL, &plan));
        add_pending(an, scope->pending, GLY_JOIN_INNER, plan, NULL);
        gly_expr *both[2] = {gly_analyze_column(an, &plan->output[0]), gly_coerce_bigint(an, 0)};
        return gly_coerce_call(an, GLY_FN_GREATER, 2, both, ast->line, ast->position, ret);
    }
    gly_item *keys = GLY_ARENA_ARRAY(an->arena, gly_item, correlation.count);
    gly_expr **outer = GLY_ARENA_ARRAY(an->arena, gly_expr *, correlation.count);
    for (uint32_t i = 0; i < correlation.count; i++) {
        keys[i].name = GLY_STR("_key");
        if (!gly_resolve_subquery_sides(plan, correlation.conjuncts[i], &keys[i].expr, &outer[i])) {
            return gly_analyze_fail(an, GLY_E_UNSUPPORTED, ast->line, ast->position,
                                    "EXISTS inside OR or in a select list may compare its columns "
                                    "with those of the query around it only by =");
        }
    }
    GLY_TRY(mark_keys(an, plan, correlation.count, keys, &plan));
    for (uint32_t i = 0; i < correlation.count; i++) {
        gly_expr *both[2] = {gly_analyze_column(an, &plan->output[i]), outer[i]};
        GLY_TRY(gly_coerce_call(an, GLY_FN_EQUAL, 2, both, ast->line, ast->position, &outer[i]));
    }
    add_pending(an, scope->pending, GLY_JOIN_LEFT, plan,
                gly_expr_and(an->arena, correlation.count, outer));
    return marker_found(an, plan, ast, ret);
}

/* CASE WHEN rows = 0 THEN false WHEN found THEN true WHEN x IS NULL OR not all y are known THEN
 * NULL ELSE false END */
static gly_status in_answer(gly_analyzer *an, const gly_ast_expr *ast, gly_expr *x, gly_expr *found,
                            const gly_logical *counts, gly_expr **ret) {
    gly_expr *rows = gly_analyze_column(an, &counts->output[0]);
    gly_expr *known = gly_analyze_column(an, &counts->output[1]);
    gly_expr *no = gly_expr_literal(an->arena, gly_value_i64(GLY_TYPE_OF(BOOLEAN), 0));
    gly_expr *yes = gly_expr_literal(an->arena, gly_value_i64(GLY_TYPE_OF(BOOLEAN), 1));
    gly_expr *unknown = gly_expr_literal(an->arena, gly_value_null(GLY_TYPE_OF(BOOLEAN)));
    gly_expr *both[2] = {rows, gly_coerce_bigint(an, 0)};
    gly_expr *empty, *either[2], *doubt;
    GLY_TRY(gly_coerce_call(an, GLY_FN_EQUAL, 2, both, ast->line, ast->position, &empty));
    both[0] = known;
    both[1] = rows;
    GLY_TRY(gly_coerce_call(an, GLY_FN_LESS, 2, both, ast->line, ast->position, &either[0]));
    GLY_TRY(gly_coerce_call(an, GLY_FN_IS_NULL, 1, &x, ast->line, ast->position, &either[1]));
    GLY_TRY(gly_coerce_call(an, GLY_FN_OR, 2, either, ast->line, ast->position, &doubt));
    gly_expr *branches[7] = {empty, no, found, yes, doubt, unknown, no};
    return gly_coerce_call(an, GLY_FN_CASE, 7, branches, ast->line, ast->position, ret);
}

/* Analyzed twice: once for the keys, once for the counts, so that ids stay unique. */
static gly_status resolve_in(gly_analyzer *an, gly_scope *scope, const gly_ast_expr *ast,
                             gly_expr **ret) {
    if (ast->arg_count != 1) {
        return gly_analyze_fail(an, GLY_E_UNSUPPORTED, ast->line, ast->position,
                                "A row in front of IN (query) is supported only as a condition "
                                "joined by AND");
    }
    gly_correlation correlation = {0};
    gly_expr **left;
    gly_logical *plan, *again;
    GLY_TRY(resolve_in_plan(an, scope, ast, &correlation, &left, &plan));
    if (correlation.count > 0) {
        return gly_analyze_fail(an, GLY_E_UNSUPPORTED, ast->line, ast->position,
                                "IN (query) inside OR or in a select list may not name columns of "
                                "the query around it; use EXISTS");
    }
    GLY_TRY(gly_analyze_any_query(an, ast->query, NULL, NULL, &again));
    gly_logical *counts;
    GLY_TRY(count_rows(an, ast, again, gly_analyze_column(an, &again->output[0]), &counts));
    add_pending(an, scope->pending, GLY_JOIN_INNER, counts, NULL);
    gly_item key = {plan->output[0].name, gly_analyze_column(an, &plan->output[0])};
    GLY_TRY(mark_keys(an, plan, 1, &key, &plan));
    gly_expr *both[2] = {left[0], gly_analyze_column(an, &plan->output[0])};
    gly_expr *equal, *found;
    GLY_TRY(gly_coerce_call(an, GLY_FN_EQUAL, 2, both, ast->line, ast->position, &equal));
    add_pending(an, scope->pending, GLY_JOIN_LEFT, plan, equal);
    GLY_TRY(marker_found(an, plan, ast, &found));
    GLY_TRY(gly_analyze_shared(an, left[0], 2));
    return in_answer(an, ast, left[0], found, counts, ret);
}

gly_status gly_resolve_subquery_value(gly_analyzer *an, gly_scope *scope, const gly_ast_expr *ast,
                                      gly_expr **ret) {
    GLY_TRY(check_allowed(an, scope, ast));
    switch ((gly_ast_kind)ast->kind) {
    case GLY_AST_SUBQUERY:
        return resolve_scalar(an, scope, ast, ret);
    case GLY_AST_EXISTS:
        return resolve_exists(an, scope, ast, ret);
    default:
        return resolve_in(an, scope, ast, ret);
    }
}
