/* rule.c - walking and rebuilding logical plans, for the rules.
 *
 * Recursion is bounded: gly_optimize refuses plans that are too deep (plan_depth.h) and
 * expressions come from a bounded parser.
 * Invariant: an unchanged part of a plan keeps its address, so rules can tell that they did nothing
 * and estimates (cardinality.h) stay remembered.
 */
#include "lib/sql/optimize/rule.h"

static bool hands_on(gly_logical_kind kind) {
    return kind == GLY_LOGICAL_FILTER || kind == GLY_LOGICAL_SORT || kind == GLY_LOGICAL_LIMIT ||
           kind == GLY_LOGICAL_REPARTITION || kind == GLY_LOGICAL_JOIN;
}

static bool join_keeps_right(gly_join_kind kind) {
    return kind != GLY_JOIN_SEMI && kind != GLY_JOIN_ANTI && kind != GLY_JOIN_NULL_AWARE_ANTI;
}

static void set_output(gly_rule_context *context, gly_logical *node) {
    const gly_logical *left = node->children[0];
    bool is_join = node->kind == GLY_LOGICAL_JOIN;
    const gly_logical *right =
        is_join && join_keeps_right(node->join.kind) ? node->children[1] : NULL;
    uint32_t right_count = right == NULL ? 0 : right->output_count;
    bool null_left = is_join && (node->join.kind == GLY_JOIN_RIGHT ||
                                 node->join.kind == GLY_JOIN_FULL);
    bool null_right = is_join && (node->join.kind == GLY_JOIN_LEFT ||
                                  node->join.kind == GLY_JOIN_FULL);
    node->output_count = left->output_count + right_count;
    node->output = GLY_ARENA_ARRAY(context->arena, gly_output, node->output_count);
    for (uint32_t i = 0; i < node->output_count; i++) {
        bool is_left = i < left->output_count;
        node->output[i] = is_left ? left->output[i] : right->output[i - left->output_count];
        node->output[i].nullable |= is_left ? null_left : null_right;
    }
}

gly_logical *gly_rule_with_children(gly_rule_context *context, const gly_logical *node,
                                    gly_logical **children) {
    gly_logical *copy = gly_arena_copy(context->arena, node, sizeof *node);
    copy->children = children;
    if (hands_on(copy->kind)) {
        set_output(context, copy);
    }
    return copy;
}

gly_logical *gly_rule_with_child(gly_rule_context *context, const gly_logical *node,
                                 gly_logical *child) {
    if (node->children[0] == child) {
        return (gly_logical *)node;
    }
    gly_logical **children = GLY_ARENA_ARRAY(context->arena, gly_logical *, 1);
    children[0] = child;
    return gly_rule_with_children(context, node, children);
}

gly_logical *gly_rule_each_node(gly_rule_context *context, gly_logical *plan,
                                gly_rule_function change) {
    gly_logical **children = NULL;
    for (uint32_t i = 0; i < plan->child_count; i++) {
        gly_logical *child = gly_rule_each_node(context, plan->children[i], change);
        if (child != plan->children[i] && children == NULL) {
            children = gly_arena_copy(context->arena, plan->children,
                                      plan->child_count * sizeof *children);
        }
        if (children != NULL) {
            children[i] = child;
        }
    }
    if (children != NULL) {
        plan = gly_rule_with_children(context, plan, children);
    }
    return change(context, plan);
}

typedef struct changing {
    gly_rule_context *context;
    gly_expr *(*change)(void *state, gly_expr *expr);
    void *state;
    bool changed;
} changing;

static gly_expr *change_one(changing *c, gly_expr *expr) {
    if (expr == NULL) {
        return NULL;
    }
    gly_expr *fresh = c->change(c->state, expr);
    c->changed |= fresh != expr;
    return fresh;
}

static gly_expr **change_list(changing *c, uint32_t count, gly_expr **exprs) {
    gly_expr **fresh = GLY_ARENA_ARRAY(c->context->arena, gly_expr *, count);
    for (uint32_t i = 0; i < count; i++) {
        fresh[i] = change_one(c, exprs[i]);
    }
    return fresh;
}

static gly_sort_key *change_keys(changing *c, uint32_t count, const gly_sort_key *keys) {
    gly_sort_key *fresh = gly_arena_copy(c->context->arena, keys, count * sizeof *keys);
    for (uint32_t i = 0; i < count; i++) {
        fresh[i].expr = change_one(c, fresh[i].expr);
    }
    return fresh;
}

gly_logical *gly_rule_each_expr(gly_rule_context *context, gly_logical *node,
                                gly_expr *(*change)(void *state, gly_expr *expr), void *state) {
    changing c = {context, change, state, false};
    gly_logical copy = *node;
    switch (node->kind) {
    case GLY_LOGICAL_SCAN:
        copy.scan.filters = change_list(&c, node->scan.filter_count, node->scan.filters);
        break;
    case GLY_LOGICAL_FILTER:
        copy.filter.condition = change_one(&c, node->filter.condition);
        break;
    case GLY_LOGICAL_PROJECT:
        copy.project.exprs = change_list(&c, node->output_count, node->project.exprs);
        break;
    case GLY_LOGICAL_AGGREGATE:
        copy.aggregate.groups =
            change_list(&c, node->aggregate.group_count, node->aggregate.groups);
        copy.aggregate.aggregates =
            change_list(&c, node->aggregate.aggregate_count, node->aggregate.aggregates);
        break;
    case GLY_LOGICAL_JOIN:
        copy.join.condition = change_one(&c, node->join.condition);
        break;
    case GLY_LOGICAL_SORT:
        copy.sort.keys = change_keys(&c, node->sort.key_count, node->sort.keys);
        break;
    case GLY_LOGICAL_REPARTITION:
        copy.repartition.exprs =
            change_list(&c, node->repartition.expr_count, node->repartition.exprs);
        break;
    default:
        return node;
    }
    return c.changed ? gly_arena_copy(context->arena, &copy, sizeof copy) : node;
}

gly_logical *gly_rule_filter(gly_rule_context *context, gly_logical *child, uint32_t count,
                             gly_expr *const *conjuncts) {
    if (count == 0) {
        return child;
    }
    gly_logical *filter = gly_logical_make(context->arena, GLY_LOGICAL_FILTER, 1, 0);
    filter->children[0] = child;
    filter->filter.condition = gly_expr_and(context->arena, count, conjuncts);
    set_output(context, filter);
    return filter;
}

gly_expr *gly_rule_column(gly_rule_context *context, const gly_output *output) {
    return gly_expr_column(context->arena, output->id, output->type, output->nullable,
                           output->name);
}

gly_logical *gly_rule_keep(gly_rule_context *context, gly_logical *child, const gly_id_set *ids) {
    gly_logical *project =
        gly_logical_make(context->arena, GLY_LOGICAL_PROJECT, 1, child->output_count);
    project->children[0] = child;
    project->project.exprs = GLY_ARENA_ARRAY(context->arena, gly_expr *, child->output_count);
    project->output_count = 0;
    for (uint32_t i = 0; i < child->output_count; i++) {
        if (gly_id_set_has(ids, child->output[i].id)) {
            project->project.exprs[project->output_count] =
                gly_rule_column(context, &child->output[i]);
            project->output[project->output_count++] = child->output[i];
        }
    }
    return project->output_count == child->output_count ? child : project;
}

typedef struct list {
    uint32_t count;
    gly_expr **items; /* NULL: only count */
} list;

static void add_item(void *context, gly_expr *conjunct) {
    list *l = context;
    if (l->items != NULL) {
        l->items[l->count] = conjunct;
    }
    l->count++;
}

uint32_t gly_rule_conjuncts(gly_rule_context *context, gly_expr *condition, gly_expr ***ret) {
    list l = {0};
    *ret = NULL;
    if (condition == NULL) {
        return 0;
    }
    gly_expr_each_conjunct(condition, add_item, &l);
    l.items = GLY_ARENA_ARRAY(context->arena, gly_expr *, l.count);
    l.count = 0;
    gly_expr_each_conjunct(condition, add_item, &l);
    *ret = l.items;
    return l.count;
}

typedef struct substitution {
    uint32_t count;
    const gly_output *output;
    gly_expr *const *exprs;
} substitution;

static gly_expr *substitute_one(void *context, gly_arena *arena, gly_expr *expr) {
    substitution *s = context;
    (void)arena;
    for (uint32_t i = 0; expr->kind == GLY_EXPR_COLUMN && i < s->count; i++) {
        if (s->output[i].id == expr->column) {
            return s->exprs[i];
        }
    }
    return NULL;
}

gly_expr *gly_rule_substitute(gly_rule_context *context, gly_expr *expr, uint32_t count,
                              const gly_output *output, gly_expr *const *exprs) {
    substitution s = {count, output, exprs};
    return gly_expr_rewrite(context->arena, expr, substitute_one, &s);
}

bool gly_rule_is_true(const gly_expr *expr) {
    return expr->kind == GLY_EXPR_LITERAL && expr->type.id == GLY_TYPE_BOOLEAN &&
           !expr->value.is_null && expr->value.i64 != 0;
}

bool gly_rule_is_false(const gly_expr *expr) {
    return expr->kind == GLY_EXPR_LITERAL && expr->type.id == GLY_TYPE_BOOLEAN &&
           (expr->value.is_null || expr->value.i64 == 0);
}

gly_expr *gly_rule_boolean(gly_rule_context *context, bool value) {
    return gly_expr_literal(context->arena, gly_value_i64(GLY_TYPE_OF(BOOLEAN), value));
}

gly_expr *gly_rule_call(gly_rule_context *context, gly_function_id function, gly_type type,
                        const gly_expr *place, uint32_t count, gly_expr *const *args) {
    gly_expr **copy = gly_arena_copy(context->arena, args, count * sizeof *args);
    bool nullable = false;
    for (uint32_t i = 0; i < count; i++) {
        nullable |= args[i]->nullable;
    }
    if (function == GLY_FN_IS_NULL || function == GLY_FN_IS_NOT_NULL ||
        function == GLY_FN_NULL_SAFE_EQUAL) {
        nullable = false;
    }
    gly_expr *call = gly_expr_call(context->arena, function, type, nullable, count, copy);
    call->line = place->line;
    call->position = place->position;
    return call;
}

gly_logical *gly_rule_empty(gly_rule_context *context, const gly_logical *node) {
    gly_logical *values =
        gly_logical_make(context->arena, GLY_LOGICAL_VALUES, 0, node->output_count);
    memcpy(values->output, node->output, node->output_count * sizeof *node->output);
    return values;
}

bool gly_rule_is_empty(const gly_logical *node) {
    return node->kind == GLY_LOGICAL_VALUES && node->values.row_count == 0;
}
