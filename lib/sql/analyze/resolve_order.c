/* resolve_order.c - ORDER BY, SORT BY, DISTRIBUTE BY, and the Project below them.
 *
 * A key is matched against the select list first: what equals an item, or is made of items only, is
 * computed from the Project's output.  Any other key becomes a hidden column of the Project, which
 * is dropped by another Project after sorting.  LIMIT stands directly on the Sort, so that the
 * planner sees a top-N.
 */
#include "lib/sql/analyze/analyzer.h"

/* 1, 2, ...: the item's expression. */
static gly_status resolve_ordinal(gly_analyzer *an, const gly_ast_expr *ast, uint32_t item_count,
                                  const gly_item *items, const char *clause, gly_expr **ret) {
    int64_t ordinal = ast->value.i64;
    if (ordinal < 1 || ordinal > item_count) {
        return gly_analyze_fail(an, GLY_E_ANALYSIS, ast->line, ast->position,
                                "%s %lld is not a column of the select list, which has %u", clause,
                                (long long)ordinal, item_count);
    }
    *ret = items[ordinal - 1].expr;
    return GLY_OK;
}

static bool is_ordinal(const gly_ast_expr *ast) {
    return ast->kind == GLY_AST_LITERAL && ast->value.type.id == GLY_TYPE_INT &&
           !ast->value.is_null;
}

static gly_status resolve_key(gly_analyzer *an, gly_scope *scope, const gly_ast_expr *ast,
                              const char *clause, uint32_t item_count, const gly_item *items,
                              gly_expr **ret) {
    if (is_ordinal(ast)) {
        return resolve_ordinal(an, ast, item_count, items, clause, ret);
    }
    scope->clause = clause;
    return gly_resolve_expr_tree(an, scope, ast, ret);
}

gly_status gly_resolve_order_keys(gly_analyzer *an, const gly_ast_query *query, gly_scope *scope,
                                  uint32_t item_count, const gly_item *items, uint32_t *ret_count,
                                  gly_expr ***ret) {
    uint32_t count = query->order_count + query->sort_count + query->distribute_count;
    gly_expr **keys = GLY_ARENA_ARRAY(an->arena, gly_expr *, count);
    uint32_t at = 0;
    scope->alias_use = GLY_ALIAS_FIRST;
    scope->aliases = items;
    scope->alias_count = item_count;
    for (uint32_t i = 0; i < query->order_count; i++) {
        GLY_TRY(resolve_key(an, scope, query->orders[i].expr, "ORDER BY", item_count, items,
                            &keys[at++]));
    }
    for (uint32_t i = 0; i < query->sort_count; i++) {
        GLY_TRY(resolve_key(an, scope, query->sorts[i].expr, "SORT BY", item_count, items,
                            &keys[at++]));
    }
    for (uint32_t i = 0; i < query->distribute_count; i++) {
        scope->clause = "DISTRIBUTE BY";
        GLY_TRY(gly_resolve_expr_tree(an, scope, query->distributes[i], &keys[at++]));
    }
    *ret_count = count;
    *ret = keys;
    return GLY_OK;
}

/* The nodes over a plan that has all keys' columns. */
static gly_status build_clauses(gly_analyzer *an, const gly_ast_query *query, gly_logical *plan,
                                gly_expr **keys, gly_logical **ret) {
    gly_sort_key *orders = GLY_ARENA_ARRAY(an->arena, gly_sort_key, query->order_count);
    gly_sort_key *sorts = GLY_ARENA_ARRAY(an->arena, gly_sort_key, query->sort_count);
    uint32_t at = 0;
    for (uint32_t i = 0; i < query->order_count; i++) {
        orders[i] =
            (gly_sort_key){keys[at++], query->orders[i].descending, query->orders[i].nulls_first};
    }
    for (uint32_t i = 0; i < query->sort_count; i++) {
        sorts[i] =
            (gly_sort_key){keys[at++], query->sorts[i].descending, query->sorts[i].nulls_first};
    }
    if (query->distribute_count > 0) {
        GLY_TRY(gly_node_build_repartition(an, plan, query->distribute_count, keys + at,
                                           (uint32_t)query->repartition, &plan));
    } else if (query->repartition > 0) {
        GLY_TRY(gly_node_build_repartition(an, plan, 0, NULL, (uint32_t)query->repartition, &plan));
    }
    GLY_TRY(gly_node_build_sort(an, plan, query->sort_count, sorts, true, &plan));
    GLY_TRY(gly_node_build_sort(an, plan, query->order_count, orders, false, &plan));
    return gly_analyze_limits(an, query, plan, ret);
}

gly_status gly_resolve_order_output(gly_analyzer *an, const gly_ast_query *query, gly_logical *plan,
                                    gly_logical **ret) {
    gly_scope scope = {.clause = "ORDER BY"};
    gly_item *items = GLY_ARENA_ARRAY(an->arena, gly_item, plan->output_count);
    bool any = query->order_count + query->sort_count + query->distribute_count > 0;
    for (uint32_t i = 0; i < plan->output_count && any; i++) {
        items[i] = (gly_item){plan->output[i].name, gly_analyze_column(an, &plan->output[i])};
    }
    gly_scope_add_outputs(an, &scope, (gly_str){"", 0}, plan);
    uint32_t key_count;
    gly_expr **keys;
    GLY_TRY(gly_resolve_order_keys(an, query, &scope, any ? plan->output_count : 0, items,
                                   &key_count, &keys));
    return build_clauses(an, query, plan, keys, ret);
}

/* Is key made of items (and constants) only? */
static bool is_covered(const gly_expr *key, uint32_t count, const gly_item *items) {
    for (uint32_t i = 0; i < count; i++) {
        if (key == items[i].expr || gly_expr_equal(key, items[i].expr)) {
            return true;
        }
    }
    if (key->kind == GLY_EXPR_COLUMN || !gly_expr_is_deterministic(key)) {
        return false;
    }
    for (uint32_t i = 0; i < key->arg_count; i++) {
        if (!is_covered(key->args[i], count, items)) {
            return false;
        }
    }
    return true;
}

/* The same over the Project's output. */
static gly_expr *over_output(gly_analyzer *an, gly_expr *key, uint32_t count, const gly_item *items,
                             const gly_logical *project) {
    for (uint32_t i = 0; i < count; i++) {
        if (key == items[i].expr || gly_expr_equal(key, items[i].expr)) {
            return gly_analyze_column(an, &project->output[i]);
        }
    }
    if (key->arg_count == 0) {
        return key;
    }
    gly_expr *copy = gly_arena_copy(an->arena, key, sizeof *key);
    copy->args = GLY_ARENA_ARRAY(an->arena, gly_expr *, key->arg_count);
    for (uint32_t i = 0; i < key->arg_count; i++) {
        copy->args[i] = over_output(an, key->args[i], count, items, project);
    }
    return copy;
}

static gly_status fail_distinct(gly_analyzer *an, const gly_expr *key) {
    gly_builder text = {0};
    gly_expr_format(key, false, &text);
    gly_status status = gly_analyze_fail(
        an, GLY_E_ANALYSIS, key->line, key->position,
        "With SELECT DISTINCT, ORDER BY may name only what is selected; '%.*s' is not",
        (int)GLY_MIN(text.size, (size_t)128), text.data);
    gly_builder_clear(&text);
    return status;
}

/* The visible items, then a hidden one for every key that they do not cover. */
static gly_status add_hidden(gly_analyzer *an, const gly_ast_query *query, uint32_t item_count,
                             const gly_item *items, uint32_t key_count, gly_expr *const *keys,
                             uint32_t *ret_count, gly_item **ret) {
    gly_item *all = GLY_ARENA_ARRAY(an->arena, gly_item, item_count + key_count);
    for (uint32_t i = 0; i < item_count; i++) {
        all[i] = items[i];
    }
    uint32_t count = item_count;
    for (uint32_t i = 0; i < key_count; i++) {
        if (is_covered(keys[i], count, all)) {
            continue;
        }
        if (query->is_distinct) {
            return fail_distinct(an, keys[i]);
        }
        gly_str name = keys[i]->kind == GLY_EXPR_COLUMN ? keys[i]->name : GLY_STR("_sort");
        all[count++] = (gly_item){name, keys[i]};
    }
    *ret_count = count;
    *ret = all;
    return GLY_OK;
}

gly_status gly_resolve_order_select(gly_analyzer *an, const gly_ast_query *query, gly_logical *plan,
                                    uint32_t item_count, const gly_item *items, uint32_t key_count,
                                    gly_expr **keys, gly_logical **ret) {
    uint32_t all_count = 0;
    gly_item *all = NULL;
    GLY_TRY(add_hidden(an, query, item_count, items, key_count, keys, &all_count, &all));
    GLY_TRY(gly_node_build_project(an, plan, all_count, all, &plan));
    for (uint32_t i = 0; i < key_count; i++) {
        keys[i] = over_output(an, keys[i], all_count, all, plan);
    }
    gly_item *visible = GLY_ARENA_ARRAY(an->arena, gly_item, item_count);
    for (uint32_t i = 0; i < item_count; i++) {
        visible[i] = (gly_item){plan->output[i].name, gly_analyze_column(an, &plan->output[i])};
    }
    if (query->is_distinct) {
        GLY_TRY(gly_node_build_distinct(an, plan, &plan));
    }
    GLY_TRY(build_clauses(an, query, plan, keys, &plan));
    if (all_count > item_count) {
        GLY_TRY(gly_node_build_project(an, plan, item_count, visible, &plan));
    }
    *ret = plan;
    return GLY_OK;
}
