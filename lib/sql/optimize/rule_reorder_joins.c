/* rule_reorder_joins.c - in which order inner joins are done, whatever order they were written in.
 *
 * Up to MOST_EXACT relations: dynamic programming over sets of relations (Selinger et al. 1979;
 * bushy trees; each set's best plan from all its splits).  More: greedily, the pair with the
 * smallest result first (GOO, Fegaras 1998).  Cross products only where nothing connects.
 * The cost of a join: the rows it puts out, the rows of its smaller side (built), and both sides
 * once more when neither is small enough to be broadcast (both are shuffled); without an equality
 * of both sides, all pairs of rows.
 * Invariant: the result has the same output columns in the same order (a PROJECT restores it).
 * Not here: which side is built; the physical planner sees to that with the same estimates.
 */
#include "lib/sql/optimize/join_graph.h"

enum { MOST_EXACT = 10 };

typedef struct subset {
    const gly_cardinality_estimate *estimate; /* NULL: not reached */
    double cost;
    uint64_t left; /* relations of the left part; 0: a single relation */
} subset;

typedef struct ordering {
    gly_rule_context *context;
    gly_join_graph graph;
    subset *subsets; /* exact: by set; greedy: unused */
    uint32_t parent_count;
    uint32_t *parents; /* union-find over columns, by position in columns */
    uint32_t *columns;
} ordering;

static double join_cost(const gly_rule_context *context, const gly_cardinality_estimate *left,
                        const gly_cardinality_estimate *right, double rows, bool has_key) {
    double left_bytes = gly_cardinality_bytes(left), right_bytes = gly_cardinality_bytes(right);
    double cost = rows + GLY_MIN(left->rows, right->rows);
    if (!has_key) {
        cost += left->rows * right->rows; /* every pair is looked at */
    } else if (GLY_MIN(left_bytes, right_bytes) > context->broadcast_limit) {
        cost += left->rows + right->rows;
    }
    return cost;
}

static const gly_cardinality_estimate *join_estimate(ordering *o, uint64_t left, uint64_t right,
                                                     const gly_cardinality_estimate *left_rows,
                                                     const gly_cardinality_estimate *right_rows) {
    return gly_cardinality_join(o->context->cardinality, GLY_JOIN_INNER, left_rows, right_rows,
                                gly_join_graph_between(o->context, &o->graph, left, right));
}

/* building the plan */

static uint32_t find_root(ordering *o, uint32_t id) {
    uint32_t at = 0;
    while (at < o->parent_count && o->columns[at] != id) {
        at++;
    }
    if (at == o->parent_count) {
        o->columns[at] = id;
        o->parents[at] = at;
        o->parent_count++;
    }
    while (o->parents[at] != at) {
        at = o->parents[at];
    }
    return at;
}

/* False if the equality follows from equalities checked below. */
static bool is_news(ordering *o, const gly_expr *condition) {
    if (condition->kind != GLY_EXPR_CALL || condition->function != GLY_FN_EQUAL ||
        condition->args[0]->kind != GLY_EXPR_COLUMN ||
        condition->args[1]->kind != GLY_EXPR_COLUMN ||
        !gly_type_equal(condition->args[0]->type, condition->args[1]->type)) {
        return true;
    }
    uint32_t a = find_root(o, condition->args[0]->column);
    uint32_t b = find_root(o, condition->args[1]->column);
    if (a == b) {
        return false;
    }
    o->parents[a] = b;
    return true;
}

static gly_logical *make_join(ordering *o, gly_logical *left, gly_logical *right,
                              uint64_t left_set, uint64_t right_set) {
    gly_arena *arena = o->context->arena;
    gly_logical join = {.kind = GLY_LOGICAL_JOIN, .child_count = 2};
    gly_logical **children = GLY_ARENA_ARRAY(arena, gly_logical *, 2);
    gly_expr **members;
    uint32_t kept = 0;
    gly_expr *all = gly_join_graph_between(o->context, &o->graph, left_set, right_set);
    uint32_t count = gly_rule_conjuncts(o->context, all, &members);
    for (uint32_t i = 0; i < count; i++) {
        if (is_news(o, members[i])) {
            members[kept++] = members[i];
        }
    }
    children[0] = left;
    children[1] = right;
    join.join.kind = GLY_JOIN_INNER;
    join.join.condition = gly_expr_and(arena, kept, members);
    return gly_rule_with_children(o->context, &join, children);
}

/* Conditions no single join could take: over the finished tree. */
static gly_logical *add_loose(ordering *o, gly_logical *plan) {
    gly_expr **loose = GLY_ARENA_ARRAY(o->context->arena, gly_expr *, o->graph.edge_count);
    uint32_t count = 0;
    for (uint32_t i = 0; i < o->graph.edge_count; i++) {
        if (o->graph.edges[i].is_loose && !o->graph.edges[i].is_inferred) {
            loose[count++] = o->graph.edges[i].condition;
        }
    }
    return gly_rule_filter(o->context, plan, count, loose);
}

/* exact */

static void try_split(ordering *o, uint64_t set, uint64_t left) {
    uint64_t right = set & ~left;
    subset *a = &o->subsets[left], *b = &o->subsets[right], *whole = &o->subsets[set];
    if (whole->estimate == NULL) {
        whole->estimate = join_estimate(o, left, right, a->estimate, b->estimate);
        whole->cost = -1;
    }
    double cost = a->cost + b->cost +
                  join_cost(o->context, a->estimate, b->estimate, whole->estimate->rows,
                            gly_join_graph_has_key(&o->graph, left, right));
    if (whole->cost < 0 || cost < whole->cost) {
        whole->cost = cost;
        whole->left = left;
    }
}

static void try_splits(ordering *o, uint64_t set, bool connected_only) {
    uint64_t first = set & (~set + 1);
    for (uint64_t left = (set - 1) & set; left != 0; left = (left - 1) & set) {
        uint64_t right = set & ~left;
        if ((left & first) == 0 || o->subsets[left].estimate == NULL ||
            o->subsets[right].estimate == NULL) {
            continue; /* each split once: the left part has the first relation */
        }
        if (!connected_only || gly_join_graph_connects(&o->graph, left, right)) {
            try_split(o, set, left);
        }
    }
}

static bool is_connected(const gly_join_graph *graph, uint64_t set) {
    uint64_t reached = set & (~set + 1), before = 0;
    while (reached != before) {
        before = reached;
        for (uint32_t i = 0; i < graph->relation_count; i++) {
            uint64_t one = UINT64_C(1) << i;
            if ((set & one) != 0 && (reached & one) == 0 &&
                gly_join_graph_connects(graph, reached, one)) {
                reached |= one;
            }
        }
    }
    return reached == set;
}

static gly_logical *build_subset(ordering *o, uint64_t set) {
    uint64_t left = o->subsets[set].left;
    if (left == 0) {
        return o->graph.relations[__builtin_ctzll(set)];
    }
    gly_logical *first = build_subset(o, left);
    gly_logical *second = build_subset(o, set & ~left);
    return make_join(o, first, second, left, set & ~left);
}

static gly_logical *order_exactly(ordering *o) {
    uint32_t count = o->graph.relation_count;
    uint64_t all = (UINT64_C(1) << count) - 1;
    o->subsets = GLY_ARENA_ARRAY(o->context->arena, subset, all + 1);
    for (uint32_t i = 0; i < count; i++) {
        o->subsets[UINT64_C(1) << i].estimate =
            gly_cardinality_of(o->context->cardinality, o->graph.relations[i]);
    }
    bool whole_is_connected = is_connected(&o->graph, all);
    for (uint64_t set = 1; set <= all; set++) {
        if ((set & (set - 1)) == 0) {
            continue;
        }
        try_splits(o, set, true);
        if (o->subsets[set].estimate == NULL && !whole_is_connected) {
            try_splits(o, set, false);
        }
    }
    if (o->subsets[all].estimate == NULL) {
        return NULL; /* conditions over three relations only: leave the order as it is */
    }
    return build_subset(o, all);
}

/* greedy */

typedef struct part {
    uint64_t set;
    gly_logical *plan;
    const gly_cardinality_estimate *estimate;
} part;

typedef struct pair { /* of two parts */
    double rows;
    bool is_known, is_connected;
} pair;

typedef struct merging {
    ordering *order;
    uint32_t count;
    part *parts;
    pair *pairs; /* [a * GLY_JOIN_GRAPH_MAX + b], a < b */
} merging;

static pair *pair_of(merging *m, uint32_t a, uint32_t b) {
    pair *known = &m->pairs[a * GLY_JOIN_GRAPH_MAX + b];
    if (!known->is_known) {
        const part *left = &m->parts[a], *right = &m->parts[b];
        gly_expr *condition =
            gly_join_graph_between(m->order->context, &m->order->graph, left->set, right->set);
        known->is_known = true;
        known->is_connected = condition != NULL;
        known->rows = gly_cardinality_join_rows(left->estimate, right->estimate, condition);
    }
    return known;
}

/* The pair with the fewest rows; a connected one if there is any. */
static void find_best_pair(merging *m, uint32_t *ret_a, uint32_t *ret_b) {
    const pair *best = NULL;
    for (uint32_t a = 0; a < m->count; a++) {
        for (uint32_t b = a + 1; b < m->count; b++) {
            const pair *one = pair_of(m, a, b);
            if (best == NULL || one->is_connected > best->is_connected ||
                (one->is_connected == best->is_connected && one->rows < best->rows)) {
                best = one;
                *ret_a = a;
                *ret_b = b;
            }
        }
    }
}

/* Part a becomes a JOIN b; the last part takes b's place. */
static void merge_pair(merging *m, uint32_t a, uint32_t b) {
    part *left = &m->parts[a], *right = &m->parts[b];
    left->estimate =
        join_estimate(m->order, left->set, right->set, left->estimate, right->estimate);
    left->plan = make_join(m->order, left->plan, right->plan, left->set, right->set);
    left->set |= right->set;
    uint32_t last = --m->count;
    m->parts[b] = m->parts[last];
    for (uint32_t i = 0; i < m->count; i++) {
        m->pairs[GLY_MIN(a, i) * GLY_JOIN_GRAPH_MAX + GLY_MAX(a, i)].is_known = false;
        m->pairs[GLY_MIN(b, i) * GLY_JOIN_GRAPH_MAX + GLY_MAX(b, i)].is_known = false;
    }
}

static gly_logical *order_greedily(ordering *o) {
    merging m = {.order = o, .count = o->graph.relation_count};
    m.parts = GLY_ARENA_ARRAY(o->context->arena, part, m.count);
    m.pairs = GLY_ARENA_ARRAY(o->context->arena, pair,
                              (size_t)GLY_JOIN_GRAPH_MAX * GLY_JOIN_GRAPH_MAX);
    for (uint32_t i = 0; i < m.count; i++) {
        m.parts[i] = (part){UINT64_C(1) << i, o->graph.relations[i],
                            gly_cardinality_of(o->context->cardinality, o->graph.relations[i])};
    }
    while (m.count > 1) {
        uint32_t a = 0, b = 1;
        find_best_pair(&m, &a, &b);
        merge_pair(&m, a, b);
    }
    return m.parts[0].plan;
}

/* plan with original's columns in original's order. */
static gly_logical *restore_order(gly_rule_context *context, gly_logical *plan,
                                  const gly_logical *original) {
    gly_logical *project =
        gly_logical_make(context->arena, GLY_LOGICAL_PROJECT, 1, original->output_count);
    bool is_same = plan->output_count == original->output_count;
    project->children[0] = plan;
    project->project.exprs = GLY_ARENA_ARRAY(context->arena, gly_expr *, original->output_count);
    for (uint32_t i = 0; i < original->output_count; i++) {
        uint32_t at = gly_logical_find(plan, original->output[i].id);
        GLY_ASSERT(at < plan->output_count);
        is_same &= at == i;
        project->output[i] = plan->output[at];
        project->project.exprs[i] = gly_rule_column(context, &plan->output[at]);
    }
    return is_same ? plan : project;
}

static gly_logical *walk(gly_rule_context *context, gly_logical *node);

static gly_logical *reorder(gly_rule_context *context, gly_logical *join) {
    ordering o = {.context = context};
    gly_join_graph_make(context, join, &o.graph);
    for (uint32_t i = 0; i < o.graph.relation_count; i++) {
        o.graph.relations[i] = walk(context, o.graph.relations[i]);
    }
    o.columns = GLY_ARENA_ARRAY(context->arena, uint32_t, 2 * o.graph.edge_count);
    o.parents = GLY_ARENA_ARRAY(context->arena, uint32_t, 2 * o.graph.edge_count);
    gly_logical *plan =
        o.graph.relation_count <= MOST_EXACT ? order_exactly(&o) : order_greedily(&o);
    return plan == NULL ? join : restore_order(context, add_loose(&o, plan), join);
}

static gly_logical *walk(gly_rule_context *context, gly_logical *node) {
    if (gly_join_graph_is_inner(node)) {
        uint32_t count = gly_join_graph_count(node);
        if (count > 2 && count <= GLY_JOIN_GRAPH_MAX) {
            return reorder(context, node);
        }
    }
    gly_logical **children = NULL;
    for (uint32_t i = 0; i < node->child_count; i++) {
        gly_logical *child = walk(context, node->children[i]);
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

gly_logical *gly_rule_reorder_joins_apply(gly_rule_context *context, gly_logical *plan) {
    return walk(context, plan);
}
