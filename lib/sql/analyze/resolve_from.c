/* resolve_from.c - FROM: relations and joins to a plan, and their columns to a scope.
 *
 * Each side of a join is resolved into a scope of its own, ON is bound against both.  USING shows a
 * column once (the left one, the right one for RIGHT, their COALESCE for FULL) in front of the
 * others, and hides the other side's.  Derived tables do not see the tables beside them.
 */
#include "lib/sql/analyze/analyzer.h"

static gly_str relation_name(const gly_ast_relation *relation) {
    if (relation->alias.size > 0) {
        return relation->alias;
    }
    switch ((gly_ast_relation_kind)relation->kind) {
    case GLY_AST_TABLE:
        return relation->parts[relation->part_count - 1];
    case GLY_AST_FUNCTION:
        return relation->name;
    default:
        return (gly_str){"", 0};
    }
}

static gly_status resolve_leaf_plan(gly_analyzer *an, const gly_ast_relation *relation,
                                    gly_logical **ret) {
    switch ((gly_ast_relation_kind)relation->kind) {
    case GLY_AST_TABLE:
        return gly_resolve_table_named(an, relation, ret);
    case GLY_AST_FILES:
        return gly_resolve_table_files(an, relation, ret);
    case GLY_AST_FUNCTION:
        return gly_resolve_table_function(an, relation, ret);
    default:
        return gly_analyze_any_query(an, relation->query, NULL, NULL, ret);
    }
}

static gly_status resolve_leaf(gly_analyzer *an, const gly_ast_relation *relation, gly_scope *scope,
                               gly_logical **ret) {
    const gly_ast_query *hints = an->hints;
    gly_logical *plan;
    GLY_TRY(resolve_leaf_plan(an, relation, &plan));
    an->hints = hints;
    if (relation->column_count > 0 && relation->column_count != plan->output_count) {
        return gly_analyze_fail(an, GLY_E_ANALYSIS, relation->line, relation->position,
                                "'%.*s' has %u columns, but %u names are given for them",
                                GLY_STR_ARG(relation->alias), plan->output_count,
                                relation->column_count);
    }
    GLY_TRY(gly_analyze_work(an, plan->output_count + 1));
    uint32_t first = scope->count;
    gly_scope_add_outputs(an, scope, relation_name(relation), plan);
    for (uint32_t i = 0; i < relation->column_count; i++) {
        scope->columns[first + i].name = relation->columns[i];
    }
    *ret = plan;
    return GLY_OK;
}

/* joins */

static bool names_relation(const gly_ast_relation *relation, gly_str name) {
    if (relation->kind == GLY_AST_JOIN) {
        return names_relation(relation->left, name) || names_relation(relation->right, name);
    }
    return gly_str_equal_ignore_case(relation_name(relation), name);
}

static uint8_t hint_of(const gly_analyzer *an, const gly_ast_relation *join) {
    for (uint32_t i = 0; an->hints != NULL && i < an->hints->broadcast_count; i++) {
        if (names_relation(join->right, an->hints->broadcasts[i])) {
            return GLY_JOIN_HINT_BROADCAST_RIGHT;
        }
        if (join->left->kind != GLY_AST_JOIN &&
            names_relation(join->left, an->hints->broadcasts[i])) {
            return GLY_JOIN_HINT_BROADCAST_LEFT;
        }
    }
    return GLY_JOIN_HINT_NONE;
}

static gly_status find_using(gly_analyzer *an, const gly_scope *scope, const gly_ast_relation *join,
                             gly_str name, const char *side, gly_scope_column **ret) {
    gly_scope_column *found = NULL;
    for (uint32_t i = 0; i < scope->count; i++) {
        gly_scope_column *column = &scope->columns[i];
        if (column->is_hidden || !gly_str_equal_ignore_case(column->name, name)) {
            continue;
        }
        if (found != NULL && found->id != column->id) {
            return gly_analyze_fail(an, GLY_E_AMBIGUOUS_COLUMN, join->line, join->position,
                                    "Column '%.*s' of USING is ambiguous on the %s side",
                                    (int)GLY_MIN(name.size, (size_t)128), name.data, side);
        }
        found = column;
    }
    if (found == NULL) {
        return gly_analyze_fail(an, GLY_E_COLUMN_NOT_FOUND, join->line, join->position,
                                "Column '%.*s' of USING does not exist on the %s side",
                                (int)GLY_MIN(name.size, (size_t)128), name.data, side);
    }
    *ret = found;
    return GLY_OK;
}

static gly_expr *scope_column_expr(gly_analyzer *an, const gly_scope_column *column,
                                   const gly_ast_relation *join) {
    gly_expr *expr =
        gly_expr_column(an->arena, column->id, column->type, column->nullable, column->name);
    expr->line = join->line;
    expr->position = join->position;
    return expr;
}

typedef struct using_pair {
    gly_scope_column *left, *right;
} using_pair;

static bool is_visible_in(const gly_scope *scope, gly_str name) {
    for (uint32_t i = 0; i < scope->count; i++) {
        if (!scope->columns[i].is_hidden &&
            gly_str_equal_ignore_case(scope->columns[i].name, name)) {
            return true;
        }
    }
    return false;
}

/* USING's names, or for NATURAL those that both sides have. */
static gly_status using_names(gly_analyzer *an, const gly_ast_relation *join, const gly_scope *left,
                              const gly_scope *right, uint32_t *ret_count, gly_str **ret) {
    *ret_count = join->using_count;
    *ret = join->using;
    if (!join->is_natural) {
        return GLY_OK;
    }
    uint32_t count = 0;
    gly_str *names = NULL;
    for (uint32_t i = 0; i < left->count; i++) {
        if (!left->columns[i].is_hidden && is_visible_in(right, left->columns[i].name)) {
            GLY_ANALYZER_PUSH(an, names, count, left->columns[i].name);
        }
    }
    *ret_count = count;
    *ret = names;
    return GLY_OK;
}

static gly_status resolve_using(gly_analyzer *an, const gly_ast_relation *join, gly_scope *left,
                                gly_scope *right, uint32_t *ret_count, using_pair **ret_pairs,
                                gly_expr **ret_condition) {
    uint32_t count;
    gly_str *names;
    GLY_TRY(using_names(an, join, left, right, &count, &names));
    using_pair *pairs = GLY_ARENA_ARRAY(an->arena, using_pair, count);
    gly_expr **equal = GLY_ARENA_ARRAY(an->arena, gly_expr *, count);
    for (uint32_t i = 0; i < count; i++) {
        GLY_TRY(find_using(an, left, join, names[i], "left", &pairs[i].left));
        GLY_TRY(find_using(an, right, join, names[i], "right", &pairs[i].right));
        gly_expr *sides[2] = {scope_column_expr(an, pairs[i].left, join),
                              scope_column_expr(an, pairs[i].right, join)};
        GLY_TRY(gly_coerce_call(an, GLY_FN_EQUAL, 2, sides, join->line, join->position, &equal[i]));
    }
    *ret_count = count;
    *ret_pairs = pairs;
    *ret_condition = gly_expr_and(an->arena, count, equal);
    return GLY_OK;
}

/* All columns of a side but those that moved to the front (moved may be NULL). */
static void add_side(gly_analyzer *an, gly_scope *scope, const gly_scope *side, bool nullable,
                     const bool *moved) {
    for (uint32_t i = 0; i < side->count; i++) {
        gly_scope_column column = side->columns[i];
        if (moved != NULL && moved[i]) {
            continue;
        }
        column.nullable = column.nullable || nullable;
        gly_scope_add(an, scope, column);
    }
}

/* FULL JOIN USING: a Project with COALESCE(left, right) in front of all other columns. */
static gly_status project_full(gly_analyzer *an, const gly_ast_relation *join, uint32_t count,
                               const using_pair *pairs, gly_scope *scope, gly_logical **plan) {
    uint32_t all = count + (*plan)->output_count;
    gly_item *items = GLY_ARENA_ARRAY(an->arena, gly_item, all);
    for (uint32_t i = 0; i < count; i++) {
        gly_expr *sides[2] = {scope_column_expr(an, pairs[i].left, join),
                              scope_column_expr(an, pairs[i].right, join)};
        sides[0]->nullable = sides[1]->nullable = true;
        GLY_TRY(gly_coerce_call(an, GLY_FN_COALESCE, 2, sides, join->line, join->position,
                                &items[i].expr));
        items[i].name = pairs[i].left->name;
    }
    for (uint32_t i = 0; i < (*plan)->output_count; i++) {
        items[count + i] =
            (gly_item){(*plan)->output[i].name, gly_analyze_column(an, &(*plan)->output[i])};
    }
    GLY_TRY(gly_node_build_project(an, *plan, all, items, plan));
    for (uint32_t i = 0; i < count; i++) {
        const gly_output *output = &(*plan)->output[i];
        gly_scope_add(an, scope,
                      (gly_scope_column){.name = output->name,
                                         .id = output->id,
                                         .type = output->type,
                                         .nullable = output->nullable});
    }
    return GLY_OK;
}

/* The scope of the join: USING columns first, then left's others, then right's. */
static gly_status join_scope(gly_analyzer *an, const gly_ast_relation *join, gly_scope *left,
                             gly_scope *right, uint32_t using_count, using_pair *pairs,
                             gly_scope *scope, gly_logical **plan) {
    gly_join_kind kind = (gly_join_kind)join->join;
    if (kind == GLY_JOIN_FULL && using_count > 0) {
        GLY_TRY(project_full(an, join, using_count, pairs, scope, plan));
    }
    bool *left_moved = GLY_ARENA_ARRAY(an->arena, bool, left->count);
    bool *right_moved = GLY_ARENA_ARRAY(an->arena, bool, right->count);
    for (uint32_t i = 0; i < using_count; i++) {
        if (kind == GLY_JOIN_RIGHT) {
            gly_scope_add(an, scope, *pairs[i].right);
            right_moved[pairs[i].right - right->columns] = true;
        } else if (kind != GLY_JOIN_FULL) {
            gly_scope_add(an, scope, *pairs[i].left);
            left_moved[pairs[i].left - left->columns] = true;
        }
        pairs[i].left->is_hidden = true;
        pairs[i].right->is_hidden = true;
    }
    add_side(an, scope, left, kind == GLY_JOIN_RIGHT || kind == GLY_JOIN_FULL, left_moved);
    if (kind != GLY_JOIN_SEMI && kind != GLY_JOIN_ANTI) {
        add_side(an, scope, right, kind == GLY_JOIN_LEFT || kind == GLY_JOIN_FULL, right_moved);
    }
    return GLY_OK;
}

static gly_status resolve_join(gly_analyzer *an, const gly_ast_relation *join, gly_scope *scope,
                               gly_logical **ret) {
    gly_scope left_scope = {0}, right_scope = {0};
    gly_logical *left, *right;
    GLY_TRY(gly_resolve_from_relation(an, join->left, &left_scope, &left));
    GLY_TRY(gly_resolve_from_relation(an, join->right, &right_scope, &right));
    uint32_t using_count = 0;
    using_pair *pairs = NULL;
    gly_expr *condition = NULL;
    GLY_TRY(gly_analyze_work(an, left_scope.count + right_scope.count));
    if (join->on != NULL) {
        gly_scope both = {.clause = "ON"};
        add_side(an, &both, &left_scope, false, NULL);
        add_side(an, &both, &right_scope, false, NULL);
        GLY_TRY(gly_resolve_expr_condition(an, &both, join->on, &condition));
    } else {
        GLY_TRY(
            resolve_using(an, join, &left_scope, &right_scope, &using_count, &pairs, &condition));
    }
    gly_logical *plan;
    GLY_TRY(gly_node_build_join(an, (gly_join_kind)join->join, left, right, condition, &plan));
    plan->join.hint = hint_of(an, join);
    GLY_TRY(join_scope(an, join, &left_scope, &right_scope, using_count, pairs, scope, &plan));
    *ret = plan;
    return GLY_OK;
}

gly_status gly_resolve_from_relation(gly_analyzer *an, const gly_ast_relation *relation,
                                     gly_scope *scope, gly_logical **ret) {
    GLY_TRY(gly_analyze_enter(an, 1, relation->line, relation->position));
    if (relation->kind == GLY_AST_JOIN) {
        GLY_TRY(resolve_join(an, relation, scope, ret));
    } else {
        GLY_TRY(resolve_leaf(an, relation, scope, ret));
    }
    an->depth--;
    return GLY_OK;
}
