/* rule_push_filter.c - conditions go down to where their columns come from, at best into the scan.
 *
 * One walk from the root carries the conjuncts.  What may pass where:
 *   PROJECT      with the expressions put in, if those are deterministic
 *   AGGREGATE    conditions on group columns (never without groups: that has one row)
 *   UNION        to every branch;  SORT, REPARTITION: always;  LIMIT: never
 *   JOIN inner   to the side they belong to; conditions over both sides become the join's
 *   JOIN outer   from above to the preserved side; from ON to the other side
 *   SEMI, ANTI   from above to the left; from ON to the right (SEMI: also to the left)
 * Nondeterministic conditions stay.  Conditions that may raise an error pass neither joins nor
 * aggregates nor into scans, so that they are never asked about rows that the query as written would
 * have dropped first.
 * Invariant: a row passes all conditions that were above it; inner conditions come first.
 */
#include "lib/sql/optimize/rule.h"

typedef struct conjuncts {
    uint32_t count;
    gly_expr **items;
} conjuncts;

static gly_logical *push(gly_rule_context *context, gly_logical *node, conjuncts above);

static conjuncts make_list(gly_rule_context *context, uint32_t most) {
    return (conjuncts){0, GLY_ARENA_ARRAY(context->arena, gly_expr *, most)};
}

static void add(conjuncts *list, gly_expr *conjunct) { list->items[list->count++] = conjunct; }

static bool contains(uint32_t count, gly_expr *const *exprs, const gly_expr *expr) {
    for (uint32_t i = 0; i < count; i++) {
        if (gly_expr_equal(exprs[i], expr)) {
            return true;
        }
    }
    return false;
}

/* FILTER(rest) over child; the old node if it says the same. */
static gly_logical *put_filter(gly_rule_context *context, gly_logical *old, gly_logical *child,
                               conjuncts rest) {
    gly_logical *fresh = gly_rule_filter(context, child, rest.count, rest.items);
    if (old->kind == GLY_LOGICAL_FILTER && fresh->kind == GLY_LOGICAL_FILTER &&
        old->children[0] == child &&
        gly_expr_equal(old->filter.condition, fresh->filter.condition)) {
        return old;
    }
    return fresh;
}

static gly_logical *push_children(gly_rule_context *context, gly_logical *node) {
    gly_logical **children = NULL;
    for (uint32_t i = 0; i < node->child_count; i++) {
        gly_logical *child = push(context, node->children[i], (conjuncts){0});
        if (child != node->children[i] && children == NULL) {
            children = gly_arena_copy(context->arena, node->children,
                                      node->child_count * sizeof *children);
        }
        if (children != NULL) {
            children[i] = child;
        }
    }
    return children == NULL ? node : gly_rule_with_children(context, node, children);
}

static gly_logical *push_filter(gly_rule_context *context, gly_logical *node, conjuncts above) {
    gly_expr **own;
    uint32_t own_count = gly_rule_conjuncts(context, node->filter.condition, &own);
    conjuncts moving = make_list(context, own_count + above.count);
    conjuncts staying = make_list(context, own_count + above.count);
    for (uint32_t i = 0; i < own_count + above.count; i++) {
        gly_expr *conjunct = i < own_count ? own[i] : above.items[i - own_count];
        add(gly_expr_is_deterministic(conjunct) ? &moving : &staying, conjunct);
    }
    gly_logical *child = push(context, node->children[0], moving);
    if (staying.count == 0) {
        /* The child made its own FILTER of what it did not take; keep this node if it is that. */
        bool is_same = child->kind == GLY_LOGICAL_FILTER &&
                       child->children[0] == node->children[0] &&
                       gly_expr_equal(child->filter.condition, node->filter.condition);
        return is_same ? node : child;
    }
    return put_filter(context, node, child, staying);
}

static gly_logical *push_scan(gly_rule_context *context, gly_logical *node, conjuncts above) {
    conjuncts rest = make_list(context, above.count);
    gly_logical *scan = node;
    for (uint32_t i = 0; i < above.count; i++) {
        gly_expr *conjunct = above.items[i];
        if (gly_expr_can_fail(conjunct)) {
            add(&rest, conjunct);
            continue;
        }
        if (contains(scan->scan.filter_count, scan->scan.filters, conjunct)) {
            continue;
        }
        if (scan == node) {
            scan = gly_arena_copy(context->arena, node, sizeof *node);
            scan->scan.filters = GLY_ARENA_ARRAY(context->arena, gly_expr *,
                                                 node->scan.filter_count + above.count);
            for (uint32_t k = 0; k < node->scan.filter_count; k++) {
                scan->scan.filters[k] = node->scan.filters[k];
            }
        }
        scan->scan.filters[scan->scan.filter_count++] = conjunct;
    }
    return gly_rule_filter(context, scan, rest.count, rest.items);
}

/* Are the expressions behind the columns of conjunct deterministic? */
static bool may_put_in(gly_rule_context *context, const gly_logical *project,
                       const gly_expr *conjunct) {
    gly_id_set used = gly_id_set_make(context->arena);
    gly_id_set_add_expr(&used, conjunct);
    for (uint32_t i = 0; i < project->output_count; i++) {
        if (gly_id_set_has(&used, project->output[i].id) &&
            !gly_expr_is_deterministic(project->project.exprs[i])) {
            return false;
        }
    }
    return true;
}

static gly_logical *push_project(gly_rule_context *context, gly_logical *node, conjuncts above) {
    conjuncts below = make_list(context, above.count), rest = make_list(context, above.count);
    for (uint32_t i = 0; i < above.count; i++) {
        if (may_put_in(context, node, above.items[i])) {
            add(&below, gly_rule_substitute(context, above.items[i], node->output_count,
                                            node->output, node->project.exprs));
        } else {
            add(&rest, above.items[i]);
        }
    }
    gly_logical *child = push(context, node->children[0], below);
    return gly_rule_filter(context, gly_rule_with_child(context, node, child), rest.count,
                           rest.items);
}

static gly_logical *push_aggregate(gly_rule_context *context, gly_logical *node,
                                   conjuncts above) {
    conjuncts below = make_list(context, above.count), rest = make_list(context, above.count);
    uint32_t groups = node->aggregate.group_count;
    gly_id_set group_ids = gly_id_set_make(context->arena);
    for (uint32_t i = 0; i < groups; i++) {
        if (gly_expr_is_deterministic(node->aggregate.groups[i])) {
            gly_id_set_add(&group_ids, node->output[i].id);
        }
    }
    for (uint32_t i = 0; i < above.count; i++) {
        gly_expr *conjunct = above.items[i];
        if (groups > 0 && gly_id_set_covers(&group_ids, conjunct) &&
            !gly_expr_can_fail(conjunct)) {
            add(&below, gly_rule_substitute(context, conjunct, groups, node->output,
                                            node->aggregate.groups));
        } else {
            add(&rest, conjunct);
        }
    }
    gly_logical *child = push(context, node->children[0], below);
    return gly_rule_filter(context, gly_rule_with_child(context, node, child), rest.count,
                           rest.items);
}

static gly_logical *push_union(gly_rule_context *context, gly_logical *node, conjuncts above) {
    if (above.count == 0) {
        return push_children(context, node);
    }
    gly_logical **children =
        GLY_ARENA_ARRAY(context->arena, gly_logical *, node->child_count);
    gly_expr **columns = GLY_ARENA_ARRAY(context->arena, gly_expr *, node->output_count);
    for (uint32_t i = 0; i < node->child_count; i++) {
        conjuncts below = make_list(context, above.count);
        for (uint32_t c = 0; c < node->output_count; c++) {
            columns[c] = gly_rule_column(context, &node->children[i]->output[c]);
        }
        for (uint32_t k = 0; k < above.count; k++) {
            add(&below, gly_rule_substitute(context, above.items[k], node->output_count,
                                            node->output, columns));
        }
        children[i] = push(context, node->children[i], below);
    }
    return gly_rule_with_children(context, node, children);
}

typedef struct sides {
    gly_id_set left_ids, right_ids;
    conjuncts left, right, condition, above;
} sides;

enum { LEFT_SIDE = 1, RIGHT_SIDE = 2 };

/* Which side alone a conjunct is about; 0: both, or none, or it must not move. */
static int side_of(const sides *s, const gly_expr *conjunct) {
    if (gly_expr_can_fail(conjunct) || !gly_expr_is_deterministic(conjunct)) {
        return 0;
    }
    bool left = gly_id_set_touches(&s->left_ids, conjunct);
    bool right = gly_id_set_touches(&s->right_ids, conjunct);
    return left && !right ? LEFT_SIDE : right && !left ? RIGHT_SIDE : 0;
}

static void place_from_on(sides *s, gly_join_kind kind, gly_expr *conjunct) {
    int side = side_of(s, conjunct);
    bool may_left = kind == GLY_JOIN_INNER || kind == GLY_JOIN_RIGHT || kind == GLY_JOIN_SEMI;
    bool may_right = kind == GLY_JOIN_INNER || kind == GLY_JOIN_LEFT || kind == GLY_JOIN_SEMI ||
                     kind == GLY_JOIN_ANTI;
    if (side == LEFT_SIDE && may_left) {
        add(&s->left, conjunct);
    } else if (side == RIGHT_SIDE && may_right) {
        add(&s->right, conjunct);
    } else {
        add(&s->condition, conjunct);
    }
}

static void place_from_above(sides *s, gly_join_kind kind, gly_expr *conjunct) {
    int side = side_of(s, conjunct);
    bool may_left = kind != GLY_JOIN_RIGHT && kind != GLY_JOIN_FULL;
    bool may_right = kind == GLY_JOIN_INNER || kind == GLY_JOIN_RIGHT;
    bool is_over_both = gly_id_set_touches(&s->left_ids, conjunct) &&
                        gly_id_set_touches(&s->right_ids, conjunct);
    if (side == LEFT_SIDE && may_left) {
        add(&s->left, conjunct);
    } else if (side == RIGHT_SIDE && may_right) {
        add(&s->right, conjunct);
    } else if (kind == GLY_JOIN_INNER && is_over_both) {
        add(&s->condition, conjunct);
    } else {
        add(&s->above, conjunct);
    }
}

static gly_logical *push_join(gly_rule_context *context, gly_logical *node, conjuncts above) {
    gly_expr **own;
    uint32_t own_count = gly_rule_conjuncts(context, node->join.condition, &own);
    uint32_t most = own_count + above.count;
    sides s = {.left_ids = gly_id_set_make(context->arena),
               .right_ids = gly_id_set_make(context->arena),
               .left = make_list(context, most),
               .right = make_list(context, most),
               .condition = make_list(context, most),
               .above = make_list(context, most)};
    gly_id_set_add_output(&s.left_ids, node->children[0]);
    gly_id_set_add_output(&s.right_ids, node->children[1]);
    for (uint32_t i = 0; i < own_count; i++) {
        place_from_on(&s, node->join.kind, own[i]);
    }
    for (uint32_t i = 0; i < above.count; i++) {
        place_from_above(&s, node->join.kind, above.items[i]);
    }
    gly_logical *left = push(context, node->children[0], s.left);
    gly_logical *right = push(context, node->children[1], s.right);
    gly_logical *join = node;
    if (left != node->children[0] || right != node->children[1]) {
        gly_logical **children = GLY_ARENA_ARRAY(context->arena, gly_logical *, 2);
        children[0] = left;
        children[1] = right;
        join = gly_rule_with_children(context, node, children);
    }
    if (s.condition.count != own_count || above.count > 0) {
        gly_expr *condition =
            gly_expr_and(context->arena, s.condition.count, s.condition.items);
        bool is_same = condition == NULL
                           ? node->join.condition == NULL
                           : node->join.condition != NULL &&
                                 gly_expr_equal(condition, node->join.condition);
        if (!is_same) {
            join = join == node ? gly_arena_copy(context->arena, node, sizeof *node) : join;
            join->join.condition = condition;
        }
    }
    return gly_rule_filter(context, join, s.above.count, s.above.items);
}

static gly_logical *push(gly_rule_context *context, gly_logical *node, conjuncts above) {
    switch (node->kind) {
    case GLY_LOGICAL_FILTER:
        return push_filter(context, node, above);
    case GLY_LOGICAL_SCAN:
        return push_scan(context, node, above);
    case GLY_LOGICAL_PROJECT:
        return push_project(context, node, above);
    case GLY_LOGICAL_AGGREGATE:
        return push_aggregate(context, node, above);
    case GLY_LOGICAL_JOIN:
        return push_join(context, node, above);
    case GLY_LOGICAL_UNION:
        return push_union(context, node, above);
    case GLY_LOGICAL_SORT:
    case GLY_LOGICAL_REPARTITION:
        return gly_rule_with_child(context, node, push(context, node->children[0], above));
    default:
        return gly_rule_filter(context, push_children(context, node), above.count, above.items);
    }
}

gly_logical *gly_rule_push_filter_apply(gly_rule_context *context, gly_logical *plan) {
    return push(context, plan, (conjuncts){0});
}
