/* resolve_select.c - one SELECT: FROM, WHERE, the select list, GROUP BY, HAVING, in the order they
 * mean.
 *
 *   FROM -> subqueries of WHERE -> Filter -> semi and anti joins -> [subqueries inside aggregates
 *   -> Aggregate] -> subqueries of the list -> Filter (HAVING) -> Project -> ... (resolve_order.c)
 *
 * Everything is bound over the columns of FROM first; resolve_aggregate.c splits it afterwards.
 * When WHERE names columns of the query around a subquery, those conjuncts are handed to the caller
 * (gly_correlation), which makes them a join condition; see resolve_subquery.c.
 */
#include "lib/sql/analyze/analyzer.h"

typedef struct select {
    const gly_ast_query *query;
    gly_scope scope; /* columns of FROM */
    gly_logical *plan;
    bool is_aggregate;
    uint32_t item_count;
    gly_item *items;
    uint32_t group_count;
    gly_item *groups;
    uint32_t having_count;
    gly_expr **having;
    uint32_t key_count;
    gly_expr **keys;
    gly_pending below, above; /* the aggregate */
} select;

static bool calls_aggregates(const gly_ast_query *query) {
    if (query->has_groups || query->having != NULL) {
        return true;
    }
    for (uint32_t i = 0; i < query->item_count; i++) {
        if (gly_resolve_call_has_aggregate(query->items[i].expr)) {
            return true;
        }
    }
    for (uint32_t i = 0; i < query->order_count; i++) {
        if (gly_resolve_call_has_aggregate(query->orders[i].expr)) {
            return true;
        }
    }
    return false;
}

static gly_status resolve_from(gly_analyzer *an, select *state) {
    if (state->query->from != NULL) {
        an->hints = state->query;
        return gly_resolve_from_relation(an, state->query->from, &state->scope, &state->plan);
    }
    gly_logical *node = gly_logical_make(an->arena, GLY_LOGICAL_VALUES, 0, 0);
    node->values.row_count = 1;
    node->values.rows = GLY_ARENA_ARRAY(an->arena, gly_expr **, 1);
    state->plan = node;
    return GLY_OK;
}

/* Conjuncts one by one; those that are subquery tests become pending joins. */
static gly_status resolve_conjuncts(gly_analyzer *an, gly_scope *scope, const gly_ast_expr *ast,
                                    uint32_t *count, gly_expr ***conjuncts) {
    if (ast->kind == GLY_AST_OPERATOR && ast->function == GLY_FN_AND) {
        GLY_TRY(gly_analyze_enter(an, 1, ast->line, ast->position));
        for (uint32_t i = 0; i < ast->arg_count; i++) {
            GLY_TRY(resolve_conjuncts(an, scope, ast->args[i], count, conjuncts));
        }
        an->depth--;
        return GLY_OK;
    }
    bool taken;
    GLY_TRY(gly_resolve_subquery_conjunct(an, scope, ast, &taken));
    if (taken) {
        return GLY_OK;
    }
    gly_expr *conjunct;
    GLY_TRY(gly_resolve_expr_condition(an, scope, ast, &conjunct));
    GLY_ANALYZER_PUSH(an, *conjuncts, *count, conjunct);
    return GLY_OK;
}

static gly_status resolve_where(gly_analyzer *an, select *state, gly_correlation *correlation) {
    if (state->query->where == NULL) {
        return GLY_OK;
    }
    gly_pending pending = {0};
    gly_scope scope = state->scope;
    scope.clause = "WHERE";
    scope.outer_allowed = correlation != NULL;
    scope.subqueries_allowed = true;
    scope.pending = &pending;
    uint32_t count = 0, inner_count = 0;
    gly_expr **conjuncts = NULL, **inner = NULL;
    GLY_TRY(resolve_conjuncts(an, &scope, state->query->where, &count, &conjuncts));
    GLY_TRY(gly_node_build_pending(an, state->plan, &pending, false, &state->plan));
    for (uint32_t i = 0; i < count; i++) {
        if (correlation != NULL && gly_resolve_subquery_is_outer(state->plan, conjuncts[i])) {
            GLY_ANALYZER_PUSH(an, correlation->conjuncts, correlation->count, conjuncts[i]);
            correlation->is_used = true;
        } else {
            GLY_ANALYZER_PUSH(an, inner, inner_count, conjuncts[i]);
        }
    }
    GLY_TRY(gly_node_build_filter(an, state->plan, gly_expr_and(an->arena, inner_count, inner),
                                  &state->plan));
    return gly_node_build_pending(an, state->plan, &pending, true, &state->plan);
}

static gly_status resolve_items(gly_analyzer *an, select *state, gly_correlation *correlation) {
    gly_scope scope = state->scope;
    scope.clause = "SELECT";
    scope.outer_allowed = correlation != NULL && correlation->want != GLY_WANT_ROWS;
    scope.aggregates_allowed = true;
    scope.alias_use = GLY_ALIAS_LAST;
    scope.subqueries_allowed = true;
    scope.pending = &state->above;
    scope.pending_below = &state->below;
    for (uint32_t i = 0; i < state->query->item_count; i++) {
        const gly_ast_item *item = &state->query->items[i];
        if (item->expr->kind == GLY_AST_STAR) {
            if (item->alias.size > 0) {
                return gly_analyze_fail(an, GLY_E_ANALYSIS, item->expr->line, item->expr->position,
                                        "* cannot have an alias");
            }
            GLY_TRY(
                gly_scope_expand(an, &state->scope, item->expr, &state->item_count, &state->items));
            continue;
        }
        gly_item bound;
        scope.aliases = state->items;
        scope.alias_count = state->item_count;
        GLY_TRY(gly_resolve_expr_tree(an, &scope, item->expr, &bound.expr));
        if (scope.outer_allowed && gly_resolve_subquery_names_outer(&state->scope, bound.expr)) {
            correlation->is_used = true;
        }
        bound.name =
            item->alias.size > 0 ? item->alias : gly_output_name_make(an, item->expr, bound.expr);
        if (item->alias.size == 0 && item->expr->kind == GLY_AST_NAME &&
            bound.expr->kind == GLY_EXPR_LITERAL) { /* current_date */
            bound.name = gly_str_of(gly_arena_format(an->arena, "%.*s()", GLY_STR_ARG(bound.name)));
        }
        GLY_ANALYZER_PUSH(an, state->items, state->item_count, bound);
    }
    return GLY_OK;
}

/* GROUP BY */

static void add_group(gly_analyzer *an, select *state, gly_expr *expr, gly_str name) {
    for (uint32_t i = 0; i < state->group_count; i++) {
        if (gly_expr_equal(state->groups[i].expr, expr)) {
            return;
        }
    }
    gly_item group = {expr->kind == GLY_EXPR_COLUMN ? expr->name : name, expr};
    GLY_ANALYZER_PUSH(an, state->groups, state->group_count, group);
}

static gly_status resolve_group_ordinal(gly_analyzer *an, select *state, const gly_ast_expr *ast) {
    int64_t ordinal = ast->value.i64;
    if (ordinal < 1 || ordinal > state->item_count) {
        return gly_analyze_fail(an, GLY_E_ANALYSIS, ast->line, ast->position,
                                "GROUP BY %lld is not a column of the select list, which has %u",
                                (long long)ordinal, state->item_count);
    }
    const gly_item *item = &state->items[ordinal - 1];
    if (gly_expr_has_aggregate(item->expr)) {
        return gly_analyze_fail(an, GLY_E_GROUPING, ast->line, ast->position,
                                "GROUP BY %lld is an aggregate; groups are made before aggregates",
                                (long long)ordinal);
    }
    add_group(an, state, item->expr, item->name);
    return GLY_OK;
}

static gly_status resolve_groups(gly_analyzer *an, select *state) {
    gly_scope scope = state->scope;
    scope.clause = "GROUP BY";
    scope.alias_use = GLY_ALIAS_LAST;
    scope.aliases = state->items;
    scope.alias_count = state->item_count;
    for (uint32_t i = 0; i < state->item_count && state->query->group_all; i++) {
        if (!gly_expr_has_aggregate(state->items[i].expr)) {
            add_group(an, state, state->items[i].expr, state->items[i].name);
        }
    }
    for (uint32_t i = 0; i < state->query->group_count; i++) {
        const gly_ast_expr *ast = state->query->groups[i];
        if (ast->kind == GLY_AST_LITERAL && ast->value.type.id == GLY_TYPE_INT &&
            !ast->value.is_null) {
            GLY_TRY(resolve_group_ordinal(an, state, ast));
            continue;
        }
        gly_expr *group;
        GLY_TRY(gly_resolve_expr_tree(an, &scope, ast, &group));
        add_group(an, state, group, gly_output_name_make(an, ast, group));
    }
    return GLY_OK;
}

static gly_status resolve_having(gly_analyzer *an, select *state) {
    if (state->query->having == NULL) {
        return GLY_OK;
    }
    gly_scope scope = state->scope;
    scope.clause = "HAVING";
    scope.aggregates_allowed = true;
    scope.subqueries_allowed = true;
    scope.pending = &state->above;
    scope.pending_below = &state->below;
    scope.alias_use = GLY_ALIAS_FIRST;
    scope.aliases = state->items;
    scope.alias_count = state->item_count;
    return resolve_conjuncts(an, &scope, state->query->having, &state->having_count,
                             &state->having);
}

static gly_status resolve_keys(gly_analyzer *an, select *state) {
    gly_scope scope = state->scope;
    scope.aggregates_allowed = state->is_aggregate;
    return gly_resolve_order_keys(an, state->query, &scope, state->item_count, state->items,
                                  &state->key_count, &state->keys);
}

/* All places of expressions that stand above the Aggregate. */
static gly_aggregation places_above(gly_analyzer *an, select *state) {
    gly_aggregation aggregation = {.group_count = state->group_count, .groups = state->groups};
    uint32_t most = state->item_count + state->having_count + state->key_count + state->above.count;
    aggregation.exprs = GLY_ARENA_ARRAY(an->arena, gly_expr **, most);
    for (uint32_t i = 0; i < state->item_count; i++) {
        aggregation.exprs[aggregation.expr_count++] = &state->items[i].expr;
    }
    for (uint32_t i = 0; i < state->having_count; i++) {
        aggregation.exprs[aggregation.expr_count++] = &state->having[i];
    }
    for (uint32_t i = 0; i < state->key_count; i++) {
        aggregation.exprs[aggregation.expr_count++] = &state->keys[i];
    }
    for (uint32_t i = 0; i < state->above.count; i++) {
        if (state->above.joins[i].condition != NULL) {
            aggregation.exprs[aggregation.expr_count++] = &state->above.joins[i].condition;
        }
    }
    return aggregation;
}

static gly_status build_aggregate(gly_analyzer *an, select *state) {
    GLY_TRY(gly_node_build_pending(an, state->plan, &state->below, false, &state->plan));
    gly_aggregation aggregation = places_above(an, state);
    GLY_TRY(gly_resolve_aggregate_split(an, state->plan, &aggregation, &state->plan));
    GLY_TRY(gly_node_build_pending(an, state->plan, &state->above, false, &state->plan));
    GLY_TRY(gly_node_build_filter(an, state->plan,
                                  gly_expr_and(an->arena, state->having_count, state->having),
                                  &state->plan));
    return gly_node_build_pending(an, state->plan, &state->above, true, &state->plan);
}

/* correlated subqueries: conjuncts that name outer columns were taken out of WHERE */

static gly_status refuse_correlated(gly_analyzer *an, const gly_ast_query *query,
                                    const char *what) {
    return gly_analyze_fail(an, GLY_E_UNSUPPORTED, query->line, query->position,
                            "A subquery that names columns of the query around it may not have "
                            "%s here yet",
                            what);
}

/* A select item for every column of the plan that the conjuncts need. */
typedef struct needed {
    gly_analyzer *an;
    select *state;
} needed;

static void add_needed(void *context, uint32_t id) {
    const needed *want = context;
    select *state = want->state;
    uint32_t index = gly_logical_find(state->plan, id);
    if (index == state->plan->output_count) {
        return; /* an outer one */
    }
    const gly_output *output = &state->plan->output[index];
    for (uint32_t i = 0; i < state->item_count; i++) {
        const gly_item *item = &state->items[i];
        if (item->expr->kind == GLY_EXPR_COLUMN && item->expr->column == id &&
            gly_str_equal(item->name, output->name)) {
            return;
        }
    }
    gly_item item = {output->name, gly_analyze_column(want->an, output)};
    GLY_ANALYZER_PUSH(want->an, state->items, state->item_count, item);
}

static gly_status finish_rows(gly_analyzer *an, select *state, gly_correlation *correlation,
                              gly_logical **ret) {
    if (state->is_aggregate || state->above.count > 0) {
        return refuse_correlated(an, state->query, "aggregates or subqueries in its select list");
    }
    needed want = {an, state};
    for (uint32_t i = 0; i < correlation->count; i++) {
        gly_expr_each_column(correlation->conjuncts[i], add_needed, &want);
    }
    return gly_node_build_project(an, state->plan, state->item_count, state->items, ret);
}

/* item -> CASE WHEN count(*) > 1 THEN raise_error(...) ELSE first(item) END */
static gly_status take_first(gly_analyzer *an, const gly_ast_query *query, gly_expr **item) {
    gly_expr *first, *count, *sides[2], *branches[3];
    GLY_TRY(gly_coerce_call(an, GLY_FN_FIRST, 1, item, query->line, query->position, &first));
    GLY_TRY(gly_coerce_call(an, GLY_FN_COUNT, 0, NULL, query->line, query->position, &count));
    sides[0] = count;
    sides[1] = gly_coerce_bigint(an, 1);
    GLY_TRY(
        gly_coerce_call(an, GLY_FN_GREATER, 2, sides, query->line, query->position, &branches[0]));
    gly_expr *message = gly_expr_literal(
        an->arena,
        gly_value_text(GLY_TYPE_OF(STRING),
                       GLY_STR("A subquery used as a value returned more than one row")));
    GLY_TRY(gly_coerce_call(an, GLY_FN_RAISE_ERROR, 1, &message, query->line, query->position,
                            &branches[1]));
    branches[2] = first;
    return gly_coerce_call(an, GLY_FN_CASE, 3, branches, query->line, query->position, item);
}

/* What an outer row without a match sees: count 0, everything else NULL. */
typedef struct padding {
    gly_analyzer *an;
    const gly_logical *aggregate;
    gly_status status;
} padding;

static gly_expr *pad(void *context, gly_arena *arena, gly_expr *expr) {
    padding *state = context;
    const gly_logical *node = state->aggregate;
    gly_expr *copy = gly_arena_copy(arena, expr, sizeof *expr);
    if (expr->kind == GLY_EXPR_COLUMN) {
        uint32_t index = gly_logical_find(node, expr->column);
        uint32_t groups = node->aggregate.group_count;
        copy->nullable = copy->nullable || index < node->output_count;
        if (index >= groups && index < node->output_count &&
            node->aggregate.aggregates[index - groups]->function == GLY_FN_COUNT) {
            gly_expr *args[2] = {copy, gly_coerce_bigint(state->an, 0)};
            gly_expr *padded;
            state->status = gly_coerce_call(state->an, GLY_FN_COALESCE, 2, args, expr->line,
                                            expr->position, &padded);
            return state->status == GLY_OK ? padded : expr;
        }
        return copy;
    }
    if (expr->kind == GLY_EXPR_CALL) {
        bool *nullable = GLY_ARENA_ARRAY(arena, bool, expr->arg_count + 1);
        for (uint32_t i = 0; i < expr->arg_count; i++) {
            nullable[i] = expr->args[i]->nullable;
        }
        copy->nullable = gly_function_nullable(expr->function, expr->arg_count, nullable);
    } else if (expr->kind == GLY_EXPR_CAST) {
        copy->nullable = expr->args[0]->nullable || expr->is_try;
    }
    return copy;
}

/* inner = outer becomes a group of the aggregate and a condition of the join above it. */
static gly_status finish_value(gly_analyzer *an, select *state, gly_correlation *correlation,
                               gly_logical **ret) {
    const gly_ast_query *query = state->query;
    if (query->has_groups || query->having != NULL || query->is_distinct ||
        state->item_count != 1 || state->above.count > 0) {
        return refuse_correlated(an, query,
                                 "GROUP BY, HAVING, DISTINCT, several columns or "
                                 "subqueries in its select list");
    }
    if (!state->is_aggregate) {
        GLY_TRY(take_first(an, query, &state->items[0].expr));
    }
    uint32_t count = correlation->count;
    gly_expr **inner = GLY_ARENA_ARRAY(an->arena, gly_expr *, count);
    gly_expr **outer = GLY_ARENA_ARRAY(an->arena, gly_expr *, count);
    gly_expr ***places = GLY_ARENA_ARRAY(an->arena, gly_expr **, count + 1);
    gly_aggregation aggregation = {.exprs = places};
    places[aggregation.expr_count++] = &state->items[0].expr;
    for (uint32_t i = 0; i < count; i++) {
        gly_expr *conjunct = correlation->conjuncts[i];
        if (gly_resolve_subquery_sides(state->plan, conjunct, &inner[i], &outer[i])) {
            add_group(an, state, inner[i], GLY_STR("_key"));
            places[aggregation.expr_count++] = &inner[i];
        } else if (gly_resolve_subquery_is_inner(state->plan, conjunct)) {
            return gly_analyze_fail(an, GLY_E_UNSUPPORTED, conjunct->line, conjunct->position,
                                    "A subquery used as a value may compare its columns with "
                                    "those of the query around it only by =");
        }
    }
    aggregation.group_count = state->group_count;
    aggregation.groups = state->groups;
    GLY_TRY(gly_node_build_pending(an, state->plan, &state->below, false, &state->plan));
    GLY_TRY(gly_resolve_aggregate_split(an, state->plan, &aggregation, &state->plan));
    for (uint32_t i = 0; i < count; i++) {
        gly_expr *sides[2] = {inner[i], outer[i]};
        if (inner[i] != NULL) {
            GLY_TRY(gly_coerce_call(an, GLY_FN_EQUAL, 2, sides, query->line, query->position,
                                    &correlation->conjuncts[i]));
        }
    }
    padding state_of = {an, state->plan, GLY_OK};
    correlation->value = gly_expr_rewrite(an->arena, state->items[0].expr, pad, &state_of);
    GLY_TRY(state_of.status);
    *ret = state->plan;
    return GLY_OK;
}

/* EXISTS asks for rows only: what is selected, its order and DISTINCT do not matter. */
static gly_status finish_exists(gly_analyzer *an, select *state, const gly_correlation *correlation,
                                gly_logical **ret) {
    if (correlation->count == 0) {
        return gly_analyze_limits(an, state->query, state->plan, ret);
    }
    int64_t limit = 1;
    if (state->query->limit != NULL) {
        GLY_TRY(gly_resolve_expr_constant(an, state->query->limit, "LIMIT", &limit));
    }
    if (limit < 1 || state->query->offset != NULL) { /* of each outer row's matches */
        return refuse_correlated(an, state->query, "OFFSET or LIMIT 0");
    }
    *ret = state->plan;
    return GLY_OK;
}

static gly_status finish_correlated(gly_analyzer *an, select *state, gly_correlation *correlation,
                                    gly_logical **ret) {
    const gly_ast_query *query = state->query;
    switch (correlation->want) {
    case GLY_WANT_EXISTS:
        if (query->having != NULL || !query->has_groups || query->limit != NULL ||
            query->offset != NULL) {
            return refuse_correlated(an, query, "aggregates without GROUP BY, HAVING or LIMIT");
        }
        *ret = state->plan; /* groups without HAVING: there are some if there are rows */
        return GLY_OK;
    case GLY_WANT_ROWS:
        return finish_rows(an, state, correlation, ret);
    case GLY_WANT_VALUE:
        return finish_value(an, state, correlation, ret);
    }
    GLY_UNREACHABLE();
}

gly_status gly_resolve_select_query(gly_analyzer *an, const gly_ast_query *query,
                                    const gly_scope *outer, gly_correlation *correlation,
                                    gly_logical **ret) {
    select *state = GLY_ARENA_NEW(an->arena, select);
    state->query = query;
    state->scope.outer = outer;
    state->is_aggregate = calls_aggregates(query);
    const gly_scope *around = an->around;
    an->around = outer != NULL ? outer : around;
    GLY_TRY(resolve_from(an, state));
    an->around = around;
    an->hints = NULL;
    GLY_TRY(resolve_where(an, state, correlation));
    GLY_TRY(resolve_items(an, state, correlation));
    if (correlation != NULL && correlation->want == GLY_WANT_EXISTS && !state->is_aggregate) {
        return finish_exists(an, state, correlation, ret);
    }
    if (correlation != NULL && correlation->is_used) {
        return finish_correlated(an, state, correlation, ret);
    }
    if (state->is_aggregate) {
        GLY_TRY(resolve_groups(an, state));
        GLY_TRY(resolve_having(an, state));
    }
    GLY_TRY(resolve_keys(an, state));
    if (state->is_aggregate) {
        GLY_TRY(build_aggregate(an, state));
    } else {
        GLY_TRY(gly_node_build_pending(an, state->plan, &state->above, false, &state->plan));
    }
    return gly_resolve_order_select(an, query, state->plan, state->item_count, state->items,
                                    state->key_count, state->keys, ret);
}
