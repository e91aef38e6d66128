/* resolve_aggregate.c - splits expressions with aggregates into what is below and what is above.
 *
 * Everything has been bound over the columns of FROM, aggregates in place.  One walk from the top
 * replaces what equals a GROUP BY expression by that group's output, and every aggregate call by
 * the Aggregate's output for it (equal calls share one).  A column that remains is neither: the
 * GROUPING error.  Columns that are not the child's stay: those of subqueries joined above the
 * Aggregate, and those of the query around a correlated subquery.
 */
#include "lib/sql/analyze/analyzer.h"

typedef struct split {
    gly_analyzer *an;
    const gly_logical *child;
    const gly_aggregation *aggregation;
    uint32_t aggregate_count;
    gly_expr **aggregates;
    bool is_second_pass; /* the node exists: replace */
    const gly_logical *node;
} split;

static uint32_t find_group(const split *state, const gly_expr *expr) {
    const gly_aggregation *aggregation = state->aggregation;
    for (uint32_t i = 0; i < aggregation->group_count; i++) {
        if (gly_expr_equal(aggregation->groups[i].expr, expr)) {
            return i;
        }
    }
    return aggregation->group_count;
}

static uint32_t find_aggregate(split *state, gly_expr *call) {
    for (uint32_t i = 0; i < state->aggregate_count; i++) {
        if (gly_expr_equal(state->aggregates[i], call)) {
            return i;
        }
    }
    GLY_ANALYZER_PUSH(state->an, state->aggregates, state->aggregate_count, call);
    return state->aggregate_count - 1;
}

static bool is_aggregate(const gly_expr *expr) {
    return expr->kind == GLY_EXPR_CALL &&
           (gly_function_get(expr->function)->flags & GLY_FUNCTION_AGGREGATE) != 0;
}

static gly_expr *output_column(split *state, uint32_t index, const gly_expr *place) {
    if (!state->is_second_pass) {
        return NULL;
    }
    gly_expr *column = gly_analyze_column(state->an, &state->node->output[index]);
    column->line = place->line;
    column->position = place->position;
    return column;
}

/* The first pass only gathers (*ret is not used), the second replaces. */
static gly_status walk(split *state, gly_expr *expr, gly_expr **ret) {
    const gly_aggregation *aggregation = state->aggregation;
    *ret = expr;
    uint32_t group = find_group(state, expr);
    if (group < aggregation->group_count && expr->kind != GLY_EXPR_LITERAL) {
        *ret = output_column(state, group, expr);
        return GLY_OK;
    }
    if (is_aggregate(expr)) {
        if (gly_resolve_subquery_is_outer(state->child, expr)) {
            return gly_analyze_fail(state->an, GLY_E_UNSUPPORTED, expr->line, expr->position,
                                    "What a subquery computes from its rows may not name columns "
                                    "of the query around it yet; only its WHERE and what is "
                                    "computed from its aggregates may");
        }
        uint32_t index = find_aggregate(state, expr);
        *ret = output_column(state, aggregation->group_count + index, expr);
        return GLY_OK;
    }
    if (expr->kind == GLY_EXPR_COLUMN &&
        gly_logical_find(state->child, expr->column) < state->child->output_count) {
        return gly_analyze_fail(state->an, GLY_E_GROUPING, expr->line, expr->position,
                                "Column '%.*s' must be in GROUP BY or inside an aggregate function",
                                GLY_STR_ARG(expr->name));
    }
    gly_expr **args = GLY_ARENA_ARRAY(state->an->arena, gly_expr *, expr->arg_count);
    bool changed = false;
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        GLY_TRY(walk(state, expr->args[i], &args[i]));
        changed = changed || args[i] != expr->args[i];
    }
    if (changed) {
        gly_expr *copy = gly_arena_copy(state->an->arena, expr, sizeof *expr);
        copy->args = args;
        *ret = copy;
    }
    return GLY_OK;
}

gly_status gly_resolve_aggregate_split(gly_analyzer *an, gly_logical *child,
                                       const gly_aggregation *aggregation, gly_logical **ret) {
    split state = {.an = an, .child = child, .aggregation = aggregation};
    for (uint32_t i = 0; i < aggregation->expr_count; i++) {
        gly_expr *unused;
        GLY_TRY(walk(&state, *aggregation->exprs[i], &unused));
    }
    gly_logical *node;
    GLY_TRY(gly_node_build_aggregate(an, child, aggregation->group_count, aggregation->groups,
                                     state.aggregate_count, state.aggregates, &node));
    state.node = node;
    state.is_second_pass = true;
    for (uint32_t i = 0; i < aggregation->expr_count; i++) {
        gly_expr *replaced;
        GLY_TRY(walk(&state, *aggregation->exprs[i], &replaced));
        *aggregation->exprs[i] = replaced;
    }
    *ret = node;
    return GLY_OK;
}
