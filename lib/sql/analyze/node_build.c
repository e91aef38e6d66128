/* node_build.c - logical nodes with correct output lists, and the check that a plan is whole.
 *
 * Rules: a column that only passes through keeps its id and name; anything computed or renamed gets
 * a new id; an id occurs once in an output list.  Outer joins make the other side nullable.
 * Nodes that would change nothing are not made.
 */
#include "lib/sql/analyze/analyzer.h"

#include "lib/base/hash.h"

static gly_status wrap(gly_analyzer *an, gly_logical_kind kind, gly_logical *child,
                       gly_logical **ret) {
    GLY_TRY(gly_analyze_work(an, 1));
    gly_logical *node = gly_logical_make(an->arena, kind, 1, 0);
    node->children[0] = child;
    node->output_count = child->output_count;
    node->output = child->output; /* immutable: shared */
    *ret = node;
    return GLY_OK;
}

gly_status gly_node_build_filter(gly_analyzer *an, gly_logical *child, gly_expr *condition,
                                 gly_logical **ret) {
    gly_logical *node = child;
    if (condition != NULL) {
        GLY_TRY(wrap(an, GLY_LOGICAL_FILTER, child, &node));
        node->filter.condition = condition;
    }
    *ret = node;
    return GLY_OK;
}

/* A set of column ids (ids begin at 1), at most half full. */
typedef struct id_set {
    uint32_t mask;
    uint32_t *ids;
} id_set;

static id_set make_set(gly_analyzer *an, uint64_t most) {
    uint32_t size = 16;
    while (size < most * 2 && size < UINT32_MAX / 4) {
        size *= 2;
    }
    return (id_set){size - 1, GLY_ARENA_ARRAY(an->arena, uint32_t, size)};
}

static uint32_t *find_id(const id_set *set, uint32_t id) {
    uint32_t at = (uint32_t)gly_hash_u64(id) & set->mask;
    while (set->ids[at] != 0 && set->ids[at] != id) {
        at = (at + 1) & set->mask;
    }
    return &set->ids[at];
}

/* The output for an expression computed over child: its own id if it only passes through. */
static gly_output output_of(gly_analyzer *an, const gly_item *item, id_set *used) {
    const gly_expr *expr = item->expr;
    if (expr->kind == GLY_EXPR_COLUMN && gly_str_equal(expr->name, item->name)) {
        uint32_t *place = find_id(used, expr->column);
        if (*place == 0) {
            *place = expr->column;
            return (gly_output){expr->column, item->name, expr->type, expr->nullable};
        }
    }
    return gly_analyze_output(an, expr, item->name);
}

static bool is_identity(const gly_logical *child, uint32_t count, const gly_item *items) {
    if (count != child->output_count) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (items[i].expr->kind != GLY_EXPR_COLUMN ||
            items[i].expr->column != child->output[i].id ||
            !gly_str_equal(items[i].name, child->output[i].name)) {
            return false;
        }
    }
    return true;
}

gly_status gly_node_build_project(gly_analyzer *an, gly_logical *child, uint32_t count,
                                  const gly_item *items, gly_logical **ret) {
    if (is_identity(child, count, items)) {
        *ret = child;
        return GLY_OK;
    }
    GLY_TRY(gly_analyze_work(an, count + 1));
    gly_logical *node = gly_logical_make(an->arena, GLY_LOGICAL_PROJECT, 1, count);
    node->children[0] = child;
    node->project.exprs = GLY_ARENA_ARRAY(an->arena, gly_expr *, count);
    id_set used = make_set(an, count);
    for (uint32_t i = 0; i < count; i++) {
        node->project.exprs[i] = items[i].expr;
        node->output[i] = output_of(an, &items[i], &used);
    }
    *ret = node;
    return GLY_OK;
}

gly_status gly_node_build_aggregate(gly_analyzer *an, gly_logical *child, uint32_t group_count,
                                    const gly_item *groups, uint32_t aggregate_count,
                                    gly_expr **aggregates, gly_logical **ret) {
    GLY_TRY(gly_analyze_work(an, group_count + aggregate_count + 1));
    gly_logical *node =
        gly_logical_make(an->arena, GLY_LOGICAL_AGGREGATE, 1, group_count + aggregate_count);
    node->children[0] = child;
    node->aggregate.group_count = group_count;
    node->aggregate.groups = GLY_ARENA_ARRAY(an->arena, gly_expr *, group_count);
    node->aggregate.aggregate_count = aggregate_count;
    node->aggregate.aggregates = aggregates;
    id_set used = make_set(an, group_count);
    for (uint32_t i = 0; i < group_count; i++) {
        node->aggregate.groups[i] = groups[i].expr;
        node->output[i] = output_of(an, &groups[i], &used);
    }
    for (uint32_t i = 0; i < aggregate_count; i++) {
        gly_builder name = {0};
        gly_expr_format(aggregates[i], false, &name);
        gly_str text = gly_builder_str(&name);
        text.size = GLY_MIN(text.size, (size_t)256); /* for EXPLAIN only */
        node->output[group_count + i] =
            gly_analyze_output(an, aggregates[i], gly_arena_str(an->arena, text));
        gly_builder_clear(&name);
    }
    *ret = node;
    return GLY_OK;
}

gly_status gly_node_build_distinct(gly_analyzer *an, gly_logical *child, gly_logical **ret) {
    gly_item *groups = GLY_ARENA_ARRAY(an->arena, gly_item, child->output_count);
    for (uint32_t i = 0; i < child->output_count; i++) {
        groups[i] = (gly_item){child->output[i].name, gly_analyze_column(an, &child->output[i])};
    }
    return gly_node_build_aggregate(an, child, child->output_count, groups, 0, NULL, ret);
}

gly_status gly_node_build_join(gly_analyzer *an, gly_join_kind kind, gly_logical *left,
                               gly_logical *right, gly_expr *condition, gly_logical **ret) {
    bool left_only =
        kind == GLY_JOIN_SEMI || kind == GLY_JOIN_ANTI || kind == GLY_JOIN_NULL_AWARE_ANTI;
    uint32_t right_count = left_only ? 0 : right->output_count;
    GLY_TRY(gly_analyze_work(an, left->output_count + right_count + 1));
    gly_logical *node =
        gly_logical_make(an->arena, GLY_LOGICAL_JOIN, 2, left->output_count + right_count);
    node->children[0] = left;
    node->children[1] = right;
    node->join.kind = kind;
    node->join.condition = condition;
    for (uint32_t i = 0; i < left->output_count; i++) {
        node->output[i] = left->output[i];
        node->output[i].nullable =
            left->output[i].nullable || kind == GLY_JOIN_RIGHT || kind == GLY_JOIN_FULL;
    }
    for (uint32_t i = 0; i < right_count; i++) {
        gly_output *output = &node->output[left->output_count + i];
        *output = right->output[i];
        output->nullable = output->nullable || kind == GLY_JOIN_LEFT || kind == GLY_JOIN_FULL;
    }
    *ret = node;
    return GLY_OK;
}

gly_status gly_node_build_sort(gly_analyzer *an, gly_logical *child, uint32_t key_count,
                               gly_sort_key *keys, bool is_local, gly_logical **ret) {
    gly_logical *node = child;
    if (key_count > 0) {
        GLY_TRY(wrap(an, GLY_LOGICAL_SORT, child, &node));
        node->sort.key_count = key_count;
        node->sort.keys = keys;
        node->sort.is_local = is_local;
    }
    *ret = node;
    return GLY_OK;
}

gly_status gly_node_build_repartition(gly_analyzer *an, gly_logical *child, uint32_t expr_count,
                                      gly_expr **exprs, uint32_t partition_count,
                                      gly_logical **ret) {
    gly_logical *node;
    GLY_TRY(wrap(an, GLY_LOGICAL_REPARTITION, child, &node));
    node->repartition.expr_count = expr_count;
    node->repartition.exprs = exprs;
    node->repartition.partition_count = partition_count;
    *ret = node;
    return GLY_OK;
}

/* the check */

typedef struct check {
    id_set known; /* what the children put out */
    uint32_t missing;
} check;

static void visit_column(void *context, uint32_t column) {
    check *state = context;
    if (*find_id(&state->known, column) == 0) {
        state->missing = column;
    }
}

static check start_check(gly_analyzer *an, const gly_logical *node) {
    uint64_t count = 0;
    for (uint32_t i = 0; i < node->child_count; i++) {
        count += node->children[i]->output_count;
    }
    check state = {make_set(an, count), 0};
    for (uint32_t i = 0; i < node->child_count; i++) {
        for (uint32_t j = 0; j < node->children[i]->output_count; j++) {
            uint32_t id = node->children[i]->output[j].id;
            *find_id(&state.known, id) = id;
        }
    }
    return state;
}

static void check_expr(check *state, const gly_expr *expr) {
    if (expr != NULL) {
        gly_expr_each_column(expr, visit_column, state);
    }
}

static void check_exprs(check *state, uint32_t count, gly_expr *const *exprs) {
    for (uint32_t i = 0; i < count; i++) {
        check_expr(state, exprs[i]);
    }
}

static uint32_t missing_column(gly_analyzer *an, const gly_logical *node) {
    if (node->kind == GLY_LOGICAL_UNION || node->child_count == 0) {
        return 0;
    }
    check state = start_check(an, node);
    switch (node->kind) {
    case GLY_LOGICAL_FILTER:
        check_expr(&state, node->filter.condition);
        break;
    case GLY_LOGICAL_PROJECT:
        check_exprs(&state, node->output_count, node->project.exprs);
        break;
    case GLY_LOGICAL_AGGREGATE:
        check_exprs(&state, node->aggregate.group_count, node->aggregate.groups);
        check_exprs(&state, node->aggregate.aggregate_count, node->aggregate.aggregates);
        break;
    case GLY_LOGICAL_JOIN:
        check_expr(&state, node->join.condition);
        break;
    case GLY_LOGICAL_SORT:
        for (uint32_t i = 0; i < node->sort.key_count; i++) {
            check_expr(&state, node->sort.keys[i].expr);
        }
        break;
    case GLY_LOGICAL_REPARTITION:
        check_exprs(&state, node->repartition.expr_count, node->repartition.exprs);
        break;
    default:
        break;
    }
    return state.missing;
}

/* A condition may name only the two sides; what else it names belongs to a query further out. */
static gly_status check_pending(gly_analyzer *an, const gly_logical *plan,
                                const gly_pending_join *join) {
    gly_logical node = {.kind = GLY_LOGICAL_JOIN, .child_count = 2};
    gly_logical *children[2] = {(gly_logical *)plan, join->plan};
    node.children = children;
    node.join.condition = join->condition;
    if (missing_column(an, &node) == 0) {
        return GLY_OK;
    }
    return gly_analyze_fail(an, GLY_E_UNSUPPORTED, join->condition->line, join->condition->position,
                            "A subquery inside a subquery may not be compared with columns of the "
                            "outermost query");
}

gly_status gly_node_build_pending(gly_analyzer *an, gly_logical *plan, const gly_pending *pending,
                                  bool reducing, gly_logical **ret) {
    for (uint32_t i = 0; i < pending->count; i++) {
        const gly_pending_join *join = &pending->joins[i];
        bool reduces = join->kind != GLY_JOIN_INNER && join->kind != GLY_JOIN_LEFT;
        if (reduces == reducing) {
            GLY_TRY(check_pending(an, plan, join));
            GLY_TRY(gly_node_build_join(an, join->kind, plan, join->plan, join->condition, &plan));
        }
    }
    *ret = plan;
    return GLY_OK;
}

gly_status gly_node_build_check(gly_analyzer *an, const gly_logical *plan) {
    uint32_t missing = missing_column(an, plan);
    if (missing != 0) {
        return gly_fail(an->err, GLY_E_INTERNAL,
                        "The analyzer made a plan that is not whole: %s names column #%u, which "
                        "nothing below it has; please report the query",
                        gly_logical_name(plan->kind), missing);
    }
    for (uint32_t i = 0; i < plan->child_count; i++) {
        GLY_TRY(gly_node_build_check(an, plan->children[i]));
    }
    return GLY_OK;
}
