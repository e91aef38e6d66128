/* rule_derive_filters.c - what an OR over two tables says about each of them alone.
 *
 *   (n1 = 'FRANCE' AND n2 = 'GERMANY') OR (n1 = 'GERMANY' AND n2 = 'FRANCE')
 *     says also  n1 = 'FRANCE' OR n1 = 'GERMANY'   and the same of n2     (TPC-H Q7, Q19)
 *
 * and what a condition on one column says about a column equal to it:
 *   a = b AND a < 5  says also  b < 5
 *
 * The new conditions are added to the join's; push_filter takes them down.  They only drop rows
 * that the join would drop, and only non-failing, deterministic parts are used.  Runs once, since
 * the original conditions stay and would be found again.
 */
#include "lib/sql/optimize/rule.h"

typedef struct derivation {
    gly_rule_context *context;
    uint32_t leaf_count;
    gly_id_set *leaves; /* column ids of each input of the tree of inner joins */
    uint32_t fact_count, fact_capacity;
    gly_expr **facts; /* every condition within the tree, those in scans too */
    uint32_t derived_count, derived_capacity;
    gly_expr **derived;
} derivation;

static bool is_inner(const gly_logical *node) {
    return node->kind == GLY_LOGICAL_JOIN && node->join.kind == GLY_JOIN_INNER;
}

static void append(derivation *d, gly_expr ***list, uint32_t *count, uint32_t *capacity,
                   gly_expr *expr) {
    if (*count == *capacity) {
        uint32_t fresh_capacity = GLY_MAX(*capacity * 2, 16);
        gly_expr **fresh = GLY_ARENA_ARRAY(d->context->arena, gly_expr *, fresh_capacity);
        if (*count > 0) {
            memcpy(fresh, *list, *count * sizeof *fresh);
        }
        *list = fresh;
        *capacity = fresh_capacity;
    }
    (*list)[(*count)++] = expr;
}

static void add_facts(derivation *d, gly_expr *condition) {
    gly_expr **members;
    uint32_t count = gly_rule_conjuncts(d->context, condition, &members);
    for (uint32_t i = 0; i < count; i++) {
        append(d, &d->facts, &d->fact_count, &d->fact_capacity, members[i]);
    }
}

static uint32_t count_leaves(const gly_logical *node) {
    return is_inner(node) ? count_leaves(node->children[0]) + count_leaves(node->children[1]) : 1;
}

static void collect(derivation *d, const gly_logical *node) {
    if (is_inner(node)) {
        add_facts(d, node->join.condition);
        collect(d, node->children[0]);
        collect(d, node->children[1]);
        return;
    }
    gly_id_set *leaf = &d->leaves[d->leaf_count++];
    *leaf = gly_id_set_make(d->context->arena);
    gly_id_set_add_output(leaf, node);
    if (node->kind == GLY_LOGICAL_FILTER) {
        add_facts(d, node->filter.condition);
        node = node->children[0];
    }
    for (uint32_t i = 0; node->kind == GLY_LOGICAL_SCAN && i < node->scan.filter_count; i++) {
        add_facts(d, node->scan.filters[i]);
    }
}

static void derive(derivation *d, gly_expr *expr) {
    for (uint32_t i = 0; i < d->fact_count; i++) {
        if (gly_expr_equal(d->facts[i], expr)) {
            return;
        }
    }
    for (uint32_t i = 0; i < d->derived_count; i++) {
        if (gly_expr_equal(d->derived[i], expr)) {
            return;
        }
    }
    append(d, &d->derived, &d->derived_count, &d->derived_capacity, expr);
}

static bool is_usable(const gly_expr *expr) {
    return gly_expr_is_deterministic(expr) && !gly_expr_can_fail(expr);
}

/* The part of an OR that is about the columns of one input; NULL if a branch has none. */
static gly_expr *part_about(derivation *d, gly_expr *any, const gly_id_set *ids) {
    gly_arena *arena = d->context->arena;
    gly_expr **branches = GLY_ARENA_ARRAY(arena, gly_expr *, any->arg_count);
    for (uint32_t b = 0; b < any->arg_count; b++) {
        gly_expr **members;
        uint32_t count = gly_rule_conjuncts(d->context, any->args[b], &members), kept = 0;
        for (uint32_t i = 0; i < count; i++) {
            if (gly_id_set_touches(ids, members[i]) && gly_id_set_covers(ids, members[i]) &&
                is_usable(members[i])) {
                members[kept++] = members[i];
            }
        }
        branches[b] = gly_expr_and(arena, kept, members);
        if (branches[b] == NULL) {
            return NULL;
        }
    }
    return gly_rule_call(d->context, GLY_FN_OR, any->type, any, any->arg_count, branches);
}

static void split_or(derivation *d, gly_expr *any) {
    for (uint32_t leaf = 0; leaf < d->leaf_count; leaf++) {
        if (gly_id_set_touches(&d->leaves[leaf], any) && !gly_id_set_covers(&d->leaves[leaf], any)) {
            gly_expr *part = part_about(d, any, &d->leaves[leaf]);
            if (part != NULL) {
                derive(d, part);
            }
        }
    }
}

static bool is_column_equality(const gly_expr *expr) {
    return expr->kind == GLY_EXPR_CALL && expr->function == GLY_FN_EQUAL &&
           expr->args[0]->kind == GLY_EXPR_COLUMN && expr->args[1]->kind == GLY_EXPR_COLUMN &&
           gly_type_equal(expr->args[0]->type, expr->args[1]->type);
}

/* Comparison or IN of one column with literals only. */
static gly_expr *compared_column(const gly_expr *expr) {
    if (expr->kind != GLY_EXPR_CALL || expr->arg_count < 2 ||
        expr->args[0]->kind != GLY_EXPR_COLUMN) {
        return NULL;
    }
    switch (expr->function) {
    case GLY_FN_EQUAL:
    case GLY_FN_LESS:
    case GLY_FN_LESS_EQUAL:
    case GLY_FN_GREATER:
    case GLY_FN_GREATER_EQUAL:
    case GLY_FN_IN:
        break;
    default:
        return NULL;
    }
    for (uint32_t i = 1; i < expr->arg_count; i++) {
        if (expr->args[i]->kind != GLY_EXPR_LITERAL) {
            return NULL;
        }
    }
    return expr->args[0];
}

static gly_expr *about_other(derivation *d, gly_expr *fact, gly_expr *column) {
    gly_expr **args = gly_arena_copy(d->context->arena, fact->args,
                                     fact->arg_count * sizeof *args);
    args[0] = column;
    return gly_rule_call(d->context, fact->function, fact->type, fact, fact->arg_count, args);
}

static void follow_equalities(derivation *d) {
    uint32_t fact_count = d->fact_count;
    for (uint32_t e = 0; e < fact_count; e++) {
        if (!is_column_equality(d->facts[e])) {
            continue;
        }
        gly_expr *a = d->facts[e]->args[0], *b = d->facts[e]->args[1];
        for (uint32_t i = 0; i < fact_count; i++) {
            gly_expr *column = compared_column(d->facts[i]);
            if (column != NULL && column->column == a->column) {
                derive(d, about_other(d, d->facts[i], b));
            } else if (column != NULL && column->column == b->column) {
                derive(d, about_other(d, d->facts[i], a));
            }
        }
    }
}

static gly_logical *derive_at(gly_rule_context *context, gly_logical *node) {
    derivation d = {.context = context};
    d.leaves = GLY_ARENA_ARRAY(context->arena, gly_id_set, count_leaves(node));
    collect(&d, node);
    for (uint32_t i = 0; i < d.fact_count; i++) {
        if (d.facts[i]->kind == GLY_EXPR_CALL && d.facts[i]->function == GLY_FN_OR) {
            split_or(&d, d.facts[i]);
        }
    }
    follow_equalities(&d);
    if (d.derived_count == 0) {
        return node;
    }
    gly_logical *join = gly_arena_copy(context->arena, node, sizeof *node);
    gly_expr *own = join->join.condition;
    gly_expr *fresh = gly_expr_and(context->arena, d.derived_count, d.derived);
    gly_expr *both[] = {own, fresh};
    join->join.condition = own == NULL ? fresh : gly_expr_and(context->arena, 2, both);
    return join;
}

/* Only the top of each tree of inner joins derives, for the whole tree. */
static gly_logical *walk(gly_rule_context *context, gly_logical *node, bool is_below_inner) {
    gly_logical **children = NULL;
    for (uint32_t i = 0; i < node->child_count; i++) {
        gly_logical *child = walk(context, node->children[i], is_inner(node));
        if (child != node->children[i] && children == NULL) {
            children = gly_arena_copy(context->arena, node->children,
                                      node->child_count * sizeof *children);
        }
        if (children != NULL) {
            children[i] = child;
        }
    }
    if (children != NULL) {
        node = gly_rule_with_children(context, node, children);
    }
    return is_inner(node) && !is_below_inner ? derive_at(context, node) : node;
}

gly_logical *gly_rule_derive_filters_apply(gly_rule_context *context, gly_logical *plan) {
    return walk(context, plan, false);
}
