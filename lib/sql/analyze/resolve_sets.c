/* resolve_sets.c - VALUES, UNION, INTERSECT, EXCEPT.
 *
 * Branches meet column by column in their least common type; names come from the first.  UNION ALLs
 * in a row are one node.  INTERSECT and EXCEPT are one aggregation over both sides with two
 * markers: it treats NULLs as equal, and needs no join:
 *
 *   Project(columns) <- Filter(in_left = 1 AND in_right = 1 | 0)
 *     <- Aggregate(columns; max(in_left), max(in_right)) <- Union((left, 1, 0), (right, 0, 1))
 */
#include "lib/engine/evaluate.h"
#include "lib/sql/analyze/analyzer.h"

/* VALUES */

static gly_status resolve_cell(gly_analyzer *an, const gly_ast_expr *ast, gly_expr **ret) {
    gly_scope scope = {.clause = "VALUES"};
    return gly_resolve_expr_tree(an, &scope, ast, ret);
}

/* A literal of the column's type. */
static gly_status evaluate_cell(gly_analyzer *an, gly_expr *cell, gly_type type,
                                const gly_ast_expr *ast, gly_expr **ret) {
    gly_expr *cast = gly_coerce_cast(an, cell, type);
    if (cast->kind == GLY_EXPR_LITERAL) {
        *ret = cast;
        return GLY_OK;
    }
    gly_value value;
    gly_status status = gly_evaluate(an->arena, cast, &value, an->err);
    if (status != GLY_OK) {
        return gly_analyze_place(an, status, ast->line, ast->position);
    }
    *ret = gly_expr_literal(an->arena, value);
    return GLY_OK;
}

static gly_status resolve_column(gly_analyzer *an, const gly_ast_query *query, uint32_t column,
                                 gly_expr ***rows, gly_output *ret) {
    gly_type common = GLY_TYPE_OF(NULL);
    for (uint32_t row = 0; row < query->row_count; row++) {
        const gly_ast_expr *ast = query->rows[row][column];
        gly_type type = rows[row][column]->type;
        if (!gly_function_common_type(common, type, &common)) {
            char a[GLY_TYPE_TEXT_SIZE], b[GLY_TYPE_TEXT_SIZE];
            return gly_analyze_fail(an, GLY_E_TYPE_MISMATCH, ast->line, ast->position,
                                    "Column %u of VALUES has values of types %s and %s, which "
                                    "cannot be brought to one type",
                                    column + 1, gly_type_format(common, a, sizeof a),
                                    gly_type_format(type, b, sizeof b));
        }
    }
    bool nullable = false;
    for (uint32_t row = 0; row < query->row_count; row++) {
        GLY_TRY(evaluate_cell(an, rows[row][column], common, query->rows[row][column],
                              &rows[row][column]));
        nullable = nullable || rows[row][column]->value.is_null;
    }
    gly_str name = gly_str_of(gly_arena_format(an->arena, "col%u", column + 1));
    *ret = (gly_output){(*an->next_id)++, name, common, nullable};
    return GLY_OK;
}

gly_status gly_resolve_sets_values(gly_analyzer *an, const gly_ast_query *query,
                                   gly_logical **ret) {
    gly_expr ***rows = GLY_ARENA_ARRAY(an->arena, gly_expr **, query->row_count);
    for (uint32_t row = 0; row < query->row_count; row++) {
        rows[row] = GLY_ARENA_ARRAY(an->arena, gly_expr *, query->row_width);
        for (uint32_t column = 0; column < query->row_width; column++) {
            GLY_TRY(resolve_cell(an, query->rows[row][column], &rows[row][column]));
        }
    }
    gly_logical *node = gly_logical_make(an->arena, GLY_LOGICAL_VALUES, 0, query->row_width);
    for (uint32_t column = 0; column < query->row_width; column++) {
        GLY_TRY(resolve_column(an, query, column, rows, &node->output[column]));
    }
    node->values.row_count = query->row_count;
    node->values.rows = rows;
    *ret = node;
    return GLY_OK;
}

/* set operations */

typedef struct branches {
    uint32_t count;
    gly_logical **plans;
} branches;

static const char *word_of(uint8_t set) {
    return set == GLY_AST_UNION ? "UNION" : set == GLY_AST_INTERSECT ? "INTERSECT" : "EXCEPT";
}

static gly_status common_types(gly_analyzer *an, const branches *all, uint8_t set,
                               const gly_ast_query *place, gly_type **ret) {
    const gly_logical *first = all->plans[0];
    gly_type *types = GLY_ARENA_ARRAY(an->arena, gly_type, first->output_count);
    for (uint32_t b = 0; b < all->count; b++) {
        const gly_logical *plan = all->plans[b];
        if (plan->output_count != first->output_count) {
            return gly_analyze_fail(an, GLY_E_ANALYSIS, place->line, place->position,
                                    "The queries of %s must have the same number of columns, but "
                                    "they have %u and %u",
                                    word_of(set), first->output_count, plan->output_count);
        }
        for (uint32_t i = 0; i < plan->output_count; i++) {
            if (!gly_function_common_type(types[i], plan->output[i].type, &types[i])) {
                char a[GLY_TYPE_TEXT_SIZE], c[GLY_TYPE_TEXT_SIZE];
                return gly_analyze_fail(
                    an, GLY_E_TYPE_MISMATCH, place->line, place->position,
                    "Column %u of %s has types %s and %s, which cannot be brought to one type",
                    i + 1, word_of(set), gly_type_format(types[i], a, sizeof a),
                    gly_type_format(plan->output[i].type, c, sizeof c));
            }
        }
    }
    *ret = types;
    return GLY_OK;
}

/* plan with its columns cast, and extra literal columns behind them. */
static gly_status cast_outputs(gly_analyzer *an, gly_logical *plan, const gly_type *types,
                               uint32_t extra_count, const int *extra, gly_logical **ret) {
    uint32_t count = plan->output_count;
    gly_item *items = GLY_ARENA_ARRAY(an->arena, gly_item, count + extra_count);
    for (uint32_t i = 0; i < count; i++) {
        gly_expr *column = gly_analyze_column(an, &plan->output[i]);
        items[i] = (gly_item){plan->output[i].name, gly_coerce_cast(an, column, types[i])};
    }
    for (uint32_t i = 0; i < extra_count; i++) {
        items[count + i] =
            (gly_item){i == 0 ? GLY_STR("in_left") : GLY_STR("in_right"),
                       gly_expr_literal(an->arena, gly_value_i64(GLY_TYPE_OF(INT), extra[i]))};
    }
    return gly_node_build_project(an, plan, count + extra_count, items, ret);
}

/* All plans have the same types now. */
static gly_status make_union(gly_analyzer *an, const branches *all, gly_logical **ret) {
    const gly_logical *first = all->plans[0];
    GLY_TRY(gly_analyze_work(an, first->output_count + all->count));
    gly_logical *node =
        gly_logical_make(an->arena, GLY_LOGICAL_UNION, all->count, first->output_count);
    for (uint32_t b = 0; b < all->count; b++) {
        node->children[b] = all->plans[b];
    }
    for (uint32_t i = 0; i < first->output_count; i++) {
        gly_output *output = &node->output[i];
        *output = first->output[i];
        output->id = (*an->next_id)++;
        for (uint32_t b = 0; b < all->count; b++) {
            output->nullable = output->nullable || all->plans[b]->output[i].nullable;
        }
    }
    *ret = node;
    return GLY_OK;
}

static gly_status union_all(gly_analyzer *an, branches *all, const gly_ast_query *place,
                            gly_logical **ret) {
    if (all->count == 1) {
        *ret = all->plans[0];
        return GLY_OK;
    }
    gly_type *types;
    GLY_TRY(common_types(an, all, GLY_AST_UNION, place, &types));
    for (uint32_t b = 0; b < all->count; b++) {
        GLY_TRY(cast_outputs(an, all->plans[b], types, 0, NULL, &all->plans[b]));
    }
    return make_union(an, all, ret);
}

static gly_status max_of(gly_analyzer *an, const gly_output *marker, gly_expr **ret) {
    gly_expr *column = gly_analyze_column(an, marker);
    return gly_coerce_call(an, GLY_FN_MAX, 1, &column, 0, 0, ret);
}

static gly_status marker_is(gly_analyzer *an, const gly_output *marker, int value, gly_expr **ret) {
    gly_expr *sides[2] = {gly_analyze_column(an, marker),
                          gly_expr_literal(an->arena, gly_value_i64(GLY_TYPE_OF(INT), value))};
    return gly_coerce_call(an, GLY_FN_EQUAL, 2, sides, 0, 0, ret);
}

static gly_status intersect_or_except(gly_analyzer *an, gly_logical *left, gly_logical *right,
                                      uint8_t set, const gly_ast_query *place, gly_logical **ret) {
    static const int in_left[2] = {1, 0}, in_right[2] = {0, 1};
    gly_logical *sides[2] = {left, right};
    branches both = {2, sides};
    gly_type *types;
    GLY_TRY(common_types(an, &both, set, place, &types));
    uint32_t count = left->output_count;
    GLY_TRY(cast_outputs(an, left, types, 2, in_left, &sides[0]));
    GLY_TRY(cast_outputs(an, right, types, 2, in_right, &sides[1]));
    gly_logical *plan;
    GLY_TRY(make_union(an, &both, &plan));
    gly_item *groups = GLY_ARENA_ARRAY(an->arena, gly_item, count);
    for (uint32_t i = 0; i < count; i++) {
        groups[i] = (gly_item){plan->output[i].name, gly_analyze_column(an, &plan->output[i])};
    }
    gly_expr **markers = GLY_ARENA_ARRAY(an->arena, gly_expr *, 2);
    GLY_TRY(max_of(an, &plan->output[count], &markers[0]));
    GLY_TRY(max_of(an, &plan->output[count + 1], &markers[1]));
    GLY_TRY(gly_node_build_aggregate(an, plan, count, groups, 2, markers, &plan));
    gly_expr *tests[2];
    GLY_TRY(marker_is(an, &plan->output[count], 1, &tests[0]));
    GLY_TRY(marker_is(an, &plan->output[count + 1], set == GLY_AST_INTERSECT, &tests[1]));
    GLY_TRY(gly_node_build_filter(an, plan, gly_expr_and(an->arena, 2, tests), &plan));
    for (uint32_t i = 0; i < count; i++) {
        groups[i] = (gly_item){plan->output[i].name, gly_analyze_column(an, &plan->output[i])};
    }
    return gly_node_build_project(an, plan, count, groups, ret);
}

/* all: the UNION ALL branches gathered so far; plan: the next branch. */
static gly_status add_branch(gly_analyzer *an, const gly_ast_branch *branch, gly_logical *plan,
                             branches *all, bool *is_distinct) {
    const gly_ast_query *place = branch->query;
    if (branch->set == GLY_AST_UNION && branch->is_all && !*is_distinct) {
        GLY_ANALYZER_PUSH(an, all->plans, all->count, plan);
        return GLY_OK;
    }
    if (branch->set == GLY_AST_UNION && !branch->is_all) {
        GLY_ANALYZER_PUSH(an, all->plans, all->count, plan); /* distinct over all of them */
        *is_distinct = true;
        return GLY_OK;
    }
    if (branch->set != GLY_AST_UNION && branch->is_all) {
        return gly_analyze_fail(an, GLY_E_UNSUPPORTED, place->line, place->position,
                                "%s ALL is not supported yet", word_of(branch->set));
    }
    gly_logical *left;
    GLY_TRY(union_all(an, all, place, &left));
    if (*is_distinct) {
        GLY_TRY(gly_node_build_distinct(an, left, &left));
    }
    *is_distinct = false;
    *all = (branches){0};
    if (branch->set == GLY_AST_UNION) {
        GLY_ANALYZER_PUSH(an, all->plans, all->count, left);
        GLY_ANALYZER_PUSH(an, all->plans, all->count, plan);
        return GLY_OK;
    }
    GLY_TRY(intersect_or_except(an, left, plan, branch->set, place, &left));
    GLY_ANALYZER_PUSH(an, all->plans, all->count, left);
    return GLY_OK;
}

gly_status gly_resolve_sets_query(gly_analyzer *an, const gly_ast_query *query, gly_logical **ret) {
    branches all = {0};
    bool is_distinct = false;
    for (uint32_t i = 0; i < query->branch_count; i++) {
        const gly_ast_branch *branch = &query->branches[i];
        gly_logical *plan;
        GLY_TRY(gly_analyze_any_query(an, branch->query, NULL, NULL, &plan));
        if (i == 0) {
            GLY_ANALYZER_PUSH(an, all.plans, all.count, plan);
        } else {
            GLY_TRY(add_branch(an, branch, plan, &all, &is_distinct));
        }
    }
    gly_logical *plan;
    GLY_TRY(union_all(an, &all, query, &plan));
    if (is_distinct) {
        GLY_TRY(gly_node_build_distinct(an, plan, &plan));
    }
    *ret = plan;
    return GLY_OK;
}
