/* rule_reduce_aggregate.c - an aggregation that is joined by its groups to few keys need not see
 * the other groups' rows.
 *
 *   part JOIN (AGGREGATE [l_partkey] avg(l_quantity) OVER lineitem) ON p_partkey = l_partkey
 *     AGGREGATE ... OVER (lineitem SEMI part ON l_partkey = p_partkey)          (TPC-H Q17, Q20, Q2)
 *
 * The keys come from the one relation of the other side that has the key columns, scanned a second
 * time, if that is cheap and expected to leave a small part of a large input.  Valid where groups
 * without a partner do not reach the result: inner and semi joins, and the right of a left join.
 */
#include "lib/sql/optimize/fresh_copy.h"
#include "lib/sql/optimize/rule.h"

static const double MOST_LEFT_OVER = 0.3, LEAST_INPUT_ROWS = 50000;

enum { MOST_KEYS = 8 };

typedef struct reduction {
    gly_rule_context *context;
    const gly_logical *relation; /* has the key columns */
    uint32_t key_count;
    const gly_expr *outer[MOST_KEYS]; /* columns of relation */
    gly_expr *group[MOST_KEYS];       /* the group expressions they are equal to */
} reduction;

/* The AGGREGATE below projections and filters; *id follows the column down to one of its outputs. */
static const gly_logical *find_aggregate(const gly_logical *node) {
    while (node->kind == GLY_LOGICAL_PROJECT || node->kind == GLY_LOGICAL_FILTER) {
        node = node->children[0];
    }
    return node->kind == GLY_LOGICAL_AGGREGATE && node->aggregate.group_count > 0 ? node : NULL;
}

static gly_expr *group_of_column(const gly_logical *node, uint32_t id) {
    while (node->kind == GLY_LOGICAL_PROJECT || node->kind == GLY_LOGICAL_FILTER) {
        uint32_t at = gly_logical_find(node, id);
        if (at == node->output_count) {
            return NULL;
        }
        if (node->kind == GLY_LOGICAL_PROJECT) {
            if (node->project.exprs[at]->kind != GLY_EXPR_COLUMN) {
                return NULL;
            }
            id = node->project.exprs[at]->column;
        }
        node = node->children[0];
    }
    uint32_t at = gly_logical_find(node, id);
    return at < node->aggregate.group_count ? node->aggregate.groups[at] : NULL;
}

/* The smallest part of an inner-join tree whose rows have the column and include all its values. */
static const gly_logical *find_relation(const gly_logical *node, uint32_t id) {
    for (;;) {
        if (gly_logical_find(node, id) == node->output_count) {
            return NULL;
        }
        if (gly_fresh_copy_is_cheap(node)) {
            return node;
        }
        if (node->kind == GLY_LOGICAL_JOIN && node->join.kind == GLY_JOIN_INNER) {
            bool is_left = gly_logical_find(node->children[0], id) <
                           node->children[0]->output_count;
            node = node->children[is_left ? 0 : 1];
        } else if (node->kind == GLY_LOGICAL_FILTER ||
                   (node->kind == GLY_LOGICAL_JOIN && (node->join.kind == GLY_JOIN_SEMI ||
                                                       node->join.kind == GLY_JOIN_ANTI))) {
            node = node->children[0];
        } else if (node->kind == GLY_LOGICAL_PROJECT) {
            const gly_expr *expr = node->project.exprs[gly_logical_find(node, id)];
            if (expr->kind != GLY_EXPR_COLUMN || expr->column != id) {
                return NULL;
            }
            node = node->children[0];
        } else {
            return NULL;
        }
    }
}

static void find_keys(reduction *r, gly_expr *condition, const gly_logical *outer,
                      const gly_logical *inner) {
    gly_expr **members;
    uint32_t count = gly_rule_conjuncts(r->context, condition, &members);
    for (uint32_t i = 0; i < count && r->key_count < MOST_KEYS; i++) {
        const gly_expr *equal = members[i];
        if (equal->kind != GLY_EXPR_CALL || equal->function != GLY_FN_EQUAL ||
            equal->args[0]->kind != GLY_EXPR_COLUMN || equal->args[1]->kind != GLY_EXPR_COLUMN) {
            continue;
        }
        bool is_flipped = gly_logical_find(inner, equal->args[0]->column) < inner->output_count;
        const gly_expr *from = equal->args[is_flipped ? 1 : 0];
        const gly_expr *to = equal->args[is_flipped ? 0 : 1];
        gly_expr *group = group_of_column(inner, to->column);
        const gly_logical *relation = find_relation(outer, from->column);
        if (group == NULL || relation == NULL || !gly_type_equal(group->type, from->type) ||
            !gly_expr_is_deterministic(group) || gly_expr_can_fail(group) ||
            (r->relation != NULL && r->relation != relation)) {
            continue;
        }
        r->relation = relation;
        r->outer[r->key_count] = from;
        r->group[r->key_count++] = group;
    }
}

/* input SEMI (the keys of a copy of the relation). */
static gly_logical *make_semi(reduction *r, gly_logical *input) {
    gly_rule_context *context = r->context;
    uint32_t count;
    gly_output *old;
    gly_expr **fresh;
    gly_logical *copy = gly_fresh_copy_of(context, r->relation, &count, &old, &fresh);
    gly_id_set keys = gly_id_set_make(context->arena);
    gly_expr *equals[MOST_KEYS];
    for (uint32_t i = 0; i < r->key_count; i++) {
        gly_expr *column = gly_rule_substitute(context, (gly_expr *)r->outer[i], count, old, fresh);
        gly_expr *args[] = {r->group[i], column};
        equals[i] = gly_rule_call(context, GLY_FN_EQUAL, GLY_TYPE_OF(BOOLEAN), r->group[i], 2,
                                  args);
        gly_id_set_add_expr(&keys, column);
    }
    gly_logical semi = {.kind = GLY_LOGICAL_JOIN, .child_count = 2};
    gly_logical **children = GLY_ARENA_ARRAY(context->arena, gly_logical *, 2);
    children[0] = input;
    children[1] = gly_rule_keep(context, copy, &keys);
    semi.join.kind = GLY_JOIN_SEMI;
    semi.join.condition = gly_expr_and(context->arena, r->key_count, equals);
    return gly_rule_with_children(context, &semi, children);
}

static bool is_worth_it(reduction *r, const gly_logical *input, const gly_logical *semi) {
    gly_cardinality *cardinality = r->context->cardinality;
    const gly_cardinality_estimate *before = gly_cardinality_of(cardinality, input);
    const gly_cardinality_estimate *after = gly_cardinality_of(cardinality, semi);
    const gly_cardinality_estimate *keys = gly_cardinality_of(cardinality, semi->children[1]);
    return before->rows >= LEAST_INPUT_ROWS && after->rows <= MOST_LEFT_OVER * before->rows &&
           gly_cardinality_bytes(keys) <= r->context->broadcast_limit;
}

/* node with its AGGREGATE's input replaced. */
static gly_logical *replace_input(gly_rule_context *context, const gly_logical *node,
                                  gly_logical *input) {
    return gly_rule_with_child(context, node,
                               node->kind == GLY_LOGICAL_AGGREGATE
                                   ? input
                                   : replace_input(context, node->children[0], input));
}

/* The inner side, with less to aggregate if that pays. */
static gly_logical *reduce(gly_rule_context *context, gly_expr *condition,
                           const gly_logical *outer, gly_logical *inner) {
    const gly_logical *aggregate = find_aggregate(inner);
    reduction r = {.context = context};
    if (aggregate == NULL || condition == NULL) {
        return inner;
    }
    find_keys(&r, condition, outer, inner);
    if (r.key_count == 0) {
        return inner;
    }
    gly_logical *input = aggregate->children[0];
    gly_logical *semi = make_semi(&r, input);
    return is_worth_it(&r, input, semi) ? replace_input(context, inner, semi) : inner;
}

static gly_logical *change(gly_rule_context *context, gly_logical *node) {
    if (node->kind != GLY_LOGICAL_JOIN ||
        (node->join.kind != GLY_JOIN_INNER && node->join.kind != GLY_JOIN_SEMI &&
         node->join.kind != GLY_JOIN_LEFT)) {
        return node;
    }
    gly_logical *left = node->children[0], *right = node->children[1];
    gly_logical *fresh_right = reduce(context, node->join.condition, left, right);
    gly_logical *fresh_left = node->join.kind == GLY_JOIN_LEFT
                                  ? left
                                  : reduce(context, node->join.condition, right, left);
    if (fresh_left == left && fresh_right == right) {
        return node;
    }
    gly_logical **children = GLY_ARENA_ARRAY(context->arena, gly_logical *, 2);
    children[0] = fresh_left;
    children[1] = fresh_right;
    return gly_rule_with_children(context, node, children);
}

gly_logical *gly_rule_reduce_aggregate_apply(gly_rule_context *context, gly_logical *plan) {
    return gly_rule_each_node(context, plan, change);
}
