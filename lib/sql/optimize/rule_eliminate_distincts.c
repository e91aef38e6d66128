/* rule_eliminate_distincts.c - DISTINCT over rows that are distinct already is a projection.
 *
 *   AGGREGATE [a, b, s] () over AGGREGATE [a, b] (s)  ->  PROJECT [a, b, s]
 *
 * Rows are known to be distinct when they contain all group columns of an AGGREGATE below, with
 * only FILTER, SORT, LIMIT and plain projections in between.
 */
#include "lib/sql/optimize/rule.h"

/* Is a row of node determined by the columns in ids? */
static bool is_unique(const gly_logical *node, const gly_id_set *ids) {
    gly_id_set own = gly_id_set_copy(ids);
    for (;;) {
        switch (node->kind) {
        case GLY_LOGICAL_FILTER:
        case GLY_LOGICAL_SORT:
        case GLY_LOGICAL_LIMIT:
        case GLY_LOGICAL_REPARTITION:
            node = node->children[0];
            break;
        case GLY_LOGICAL_PROJECT: {
            gly_id_set below = gly_id_set_make(own.arena);
            for (uint32_t i = 0; i < node->output_count; i++) {
                if (gly_id_set_has(&own, node->output[i].id) &&
                    node->project.exprs[i]->kind == GLY_EXPR_COLUMN) {
                    gly_id_set_add(&below, node->project.exprs[i]->column);
                }
            }
            own = below;
            node = node->children[0];
            break;
        }
        case GLY_LOGICAL_AGGREGATE:
            for (uint32_t i = 0; i < node->aggregate.group_count; i++) {
                if (!gly_id_set_has(&own, node->output[i].id)) {
                    return false;
                }
            }
            return true;
        case GLY_LOGICAL_VALUES:
            return node->values.row_count <= 1;
        default:
            return false;
        }
    }
}

static gly_logical *change(gly_rule_context *context, gly_logical *node) {
    if (node->kind != GLY_LOGICAL_AGGREGATE || node->aggregate.aggregate_count > 0 ||
        node->aggregate.group_count == 0) {
        return node;
    }
    gly_id_set ids = gly_id_set_make(context->arena);
    for (uint32_t i = 0; i < node->aggregate.group_count; i++) {
        if (node->aggregate.groups[i]->kind == GLY_EXPR_COLUMN) {
            gly_id_set_add(&ids, node->aggregate.groups[i]->column);
        }
    }
    if (!is_unique(node->children[0], &ids)) {
        return node;
    }
    gly_logical *project =
        gly_logical_make(context->arena, GLY_LOGICAL_PROJECT, 1, node->output_count);
    project->children[0] = node->children[0];
    memcpy(project->output, node->output, node->output_count * sizeof *node->output);
    project->project.exprs = node->aggregate.groups;
    return project;
}

gly_logical *gly_rule_eliminate_distincts_apply(gly_rule_context *context, gly_logical *plan) {
    return gly_rule_each_node(context, plan, change);
}
