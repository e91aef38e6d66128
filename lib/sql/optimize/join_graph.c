/* join_graph.c - inner joins taken apart into relations and edges.
 *
 * Relations are whatever is not an inner join (a scan, an outer join, an aggregation).  An edge is
 * a conjunct of any of the joins.  Equalities of columns are closed transitively, so that relations
 * which only meet through a third can be joined directly; such edges are marked as inferred, and
 * who builds the plan leaves out what follows from what it has checked already.
 */
#include "lib/sql/optimize/join_graph.h"

enum { MOST_IN_CLASS = 16 };

bool gly_join_graph_is_inner(const gly_logical *node) {
    return node->kind == GLY_LOGICAL_JOIN && node->join.kind == GLY_JOIN_INNER &&
           node->join.hint == GLY_JOIN_HINT_NONE;
}

uint32_t gly_join_graph_count(const gly_logical *join) {
    return gly_join_graph_is_inner(join) ? gly_join_graph_count(join->children[0]) +
                                               gly_join_graph_count(join->children[1])
                                         : 1;
}

static uint32_t count_conditions(gly_rule_context *context, const gly_logical *join) {
    gly_expr **members;
    if (!gly_join_graph_is_inner(join)) {
        return 0;
    }
    return gly_rule_conjuncts(context, join->join.condition, &members) +
           count_conditions(context, join->children[0]) +
           count_conditions(context, join->children[1]);
}

static void collect(gly_rule_context *context, gly_logical *node, gly_join_graph *graph) {
    if (!gly_join_graph_is_inner(node)) {
        gly_id_set ids = gly_id_set_make(context->arena);
        gly_id_set_add_output(&ids, node);
        graph->ids[graph->relation_count] = ids;
        graph->relations[graph->relation_count++] = node;
        return;
    }
    collect(context, node->children[0], graph);
    collect(context, node->children[1], graph);
    gly_expr **members;
    uint32_t count = gly_rule_conjuncts(context, node->join.condition, &members);
    for (uint32_t i = 0; i < count; i++) {
        graph->edges[graph->edge_count++].condition = members[i];
    }
}

static uint64_t relations_of(const gly_join_graph *graph, const gly_expr *expr) {
    uint64_t set = 0;
    for (uint32_t i = 0; i < graph->relation_count; i++) {
        set |= gly_id_set_touches(&graph->ids[i], expr) ? UINT64_C(1) << i : 0;
    }
    return set;
}

static bool is_column_equality(const gly_expr *expr) {
    return expr->kind == GLY_EXPR_CALL && expr->function == GLY_FN_EQUAL &&
           expr->args[0]->kind == GLY_EXPR_COLUMN && expr->args[1]->kind == GLY_EXPR_COLUMN &&
           gly_type_equal(expr->args[0]->type, expr->args[1]->type);
}

typedef struct class_of_equals {
    uint32_t count;
    gly_expr *columns[MOST_IN_CLASS];
} class_of_equals;

static bool class_has(const class_of_equals *class, const gly_expr *column) {
    for (uint32_t i = 0; i < class->count; i++) {
        if (class->columns[i]->column == column->column) {
            return true;
        }
    }
    return false;
}

static void class_add(class_of_equals *class, gly_expr *column) {
    if (!class_has(class, column) && class->count < MOST_IN_CLASS) {
        class->columns[class->count++] = column;
    }
}

/* Adds the column equality to the class that has one of its columns, or makes one; classes that it
 * connects become one. */
static void add_equality(class_of_equals *classes, uint32_t *count, const gly_expr *equality) {
    gly_expr *a = equality->args[0], *b = equality->args[1];
    class_of_equals *home = NULL;
    for (uint32_t i = 0; i < *count; i++) {
        if (!class_has(&classes[i], a) && !class_has(&classes[i], b)) {
            continue;
        }
        if (home == NULL) {
            home = &classes[i];
            continue;
        }
        for (uint32_t k = 0; k < classes[i].count; k++) {
            class_add(home, classes[i].columns[k]);
        }
        classes[i].count = 0;
    }
    if (home == NULL) {
        home = &classes[(*count)++];
    }
    class_add(home, a);
    class_add(home, b);
}

static bool has_edge(const gly_join_graph *graph, const gly_expr *a, const gly_expr *b) {
    for (uint32_t i = 0; i < graph->edge_count; i++) {
        const gly_expr *condition = graph->edges[i].condition;
        if (is_column_equality(condition) &&
            ((condition->args[0]->column == a->column && condition->args[1]->column == b->column) ||
             (condition->args[0]->column == b->column &&
              condition->args[1]->column == a->column))) {
            return true;
        }
    }
    return false;
}

static void infer_edges(gly_rule_context *context, gly_join_graph *graph) {
    uint32_t class_count = 0, own_count = graph->edge_count, most = own_count;
    class_of_equals *classes = GLY_ARENA_ARRAY(context->arena, class_of_equals, own_count);
    for (uint32_t i = 0; i < own_count; i++) {
        if (is_column_equality(graph->edges[i].condition)) {
            add_equality(classes, &class_count, graph->edges[i].condition);
        }
    }
    for (uint32_t i = 0; i < class_count; i++) {
        most += classes[i].count * classes[i].count;
    }
    gly_join_edge *edges = GLY_ARENA_ARRAY(context->arena, gly_join_edge, most);
    memcpy(edges, graph->edges, own_count * sizeof *edges);
    graph->edges = edges;
    for (uint32_t i = 0; i < class_count; i++) {
        for (uint32_t a = 0; a < classes[i].count; a++) {
            for (uint32_t b = a + 1; b < classes[i].count; b++) {
                gly_expr *args[] = {classes[i].columns[a], classes[i].columns[b]};
                if (!has_edge(graph, args[0], args[1])) {
                    edges[graph->edge_count++] = (gly_join_edge){
                        .condition = gly_rule_call(context, GLY_FN_EQUAL, GLY_TYPE_OF(BOOLEAN),
                                                   args[0], 2, args),
                        .is_inferred = true};
                }
            }
        }
    }
}

void gly_join_graph_make(gly_rule_context *context, gly_logical *join, gly_join_graph *ret) {
    gly_join_graph graph = {0};
    uint32_t relation_count = gly_join_graph_count(join);
    GLY_ASSERT(relation_count <= GLY_JOIN_GRAPH_MAX);
    graph.relations = GLY_ARENA_ARRAY(context->arena, gly_logical *, relation_count);
    graph.ids = GLY_ARENA_ARRAY(context->arena, gly_id_set, relation_count);
    graph.edges =
        GLY_ARENA_ARRAY(context->arena, gly_join_edge, count_conditions(context, join));
    collect(context, join, &graph);
    infer_edges(context, &graph);
    for (uint32_t i = 0; i < graph.edge_count; i++) {
        gly_join_edge *edge = &graph.edges[i];
        edge->relations = relations_of(&graph, edge->condition);
        edge->is_loose = (edge->relations & (edge->relations - 1)) == 0 ||
                         !gly_expr_is_deterministic(edge->condition);
    }
    *ret = graph;
}

static bool is_between(const gly_join_edge *edge, uint64_t left, uint64_t right) {
    return !edge->is_loose && (edge->relations & ~(left | right)) == 0 &&
           (edge->relations & left) != 0 && (edge->relations & right) != 0;
}

bool gly_join_graph_has_key(const gly_join_graph *graph, uint64_t left, uint64_t right) {
    for (uint32_t i = 0; i < graph->edge_count; i++) {
        const gly_expr *condition = graph->edges[i].condition;
        if (!is_between(&graph->edges[i], left, right) || condition->kind != GLY_EXPR_CALL ||
            condition->function != GLY_FN_EQUAL) {
            continue;
        }
        uint64_t first = relations_of(graph, condition->args[0]);
        uint64_t second = relations_of(graph, condition->args[1]);
        if (first != 0 && second != 0 && (((first & ~left) == 0 && (second & ~right) == 0) ||
                                          ((first & ~right) == 0 && (second & ~left) == 0))) {
            return true;
        }
    }
    return false;
}

bool gly_join_graph_connects(const gly_join_graph *graph, uint64_t left, uint64_t right) {
    for (uint32_t i = 0; i < graph->edge_count; i++) {
        if (is_between(&graph->edges[i], left, right)) {
            return true;
        }
    }
    return false;
}

gly_expr *gly_join_graph_between(gly_rule_context *context, const gly_join_graph *graph,
                                 uint64_t left, uint64_t right) {
    gly_expr **found = GLY_ARENA_ARRAY(context->arena, gly_expr *, graph->edge_count);
    uint32_t count = 0;
    for (uint32_t i = 0; i < graph->edge_count; i++) {
        if (is_between(&graph->edges[i], left, right)) {
            found[count++] = graph->edges[i].condition;
        }
    }
    return gly_expr_and(context->arena, count, found);
}
