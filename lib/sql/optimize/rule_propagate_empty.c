/* rule_propagate_empty.c - what is known to have no rows is not computed.
 *
 * WHERE false, LIMIT 0 and VALUES without rows become an empty VALUES, and so does what is above
 * them as far as it cannot have rows either.
 */
#include "lib/sql/optimize/rule.h"

static bool has_false(uint32_t count, gly_expr *const *conditions) {
    for (uint32_t i = 0; i < count; i++) {
        if (gly_rule_is_false(conditions[i])) {
            return true;
        }
    }
    return false;
}

static gly_logical *change_join(gly_rule_context *context, gly_logical *node) {
    bool left = gly_rule_is_empty(node->children[0]), right = gly_rule_is_empty(node->children[1]);
    bool never = node->join.condition != NULL && gly_rule_is_false(node->join.condition);
    switch (node->join.kind) {
    case GLY_JOIN_INNER:
    case GLY_JOIN_SEMI:
        return left || right || never ? gly_rule_empty(context, node) : node;
    case GLY_JOIN_LEFT:
        return left ? gly_rule_empty(context, node) : node;
    case GLY_JOIN_RIGHT:
        return right ? gly_rule_empty(context, node) : node;
    case GLY_JOIN_FULL:
        return left && right ? gly_rule_empty(context, node) : node;
    case GLY_JOIN_ANTI:
    case GLY_JOIN_NULL_AWARE_ANTI:
        return left ? gly_rule_empty(context, node) : right ? node->children[0] : node;
    }
    return node;
}

/* A projection that gives child's columns the union's ids and names. */
static gly_logical *rename_branch(gly_rule_context *context, const gly_logical *node,
                                  gly_logical *child) {
    gly_logical *project =
        gly_logical_make(context->arena, GLY_LOGICAL_PROJECT, 1, node->output_count);
    project->children[0] = child;
    memcpy(project->output, node->output, node->output_count * sizeof *node->output);
    project->project.exprs = GLY_ARENA_ARRAY(context->arena, gly_expr *, node->output_count);
    for (uint32_t i = 0; i < node->output_count; i++) {
        project->project.exprs[i] = gly_rule_column(context, &child->output[i]);
    }
    return project;
}

static gly_logical *change_union(gly_rule_context *context, gly_logical *node) {
    gly_logical **kept = GLY_ARENA_ARRAY(context->arena, gly_logical *, node->child_count);
    uint32_t count = 0;
    for (uint32_t i = 0; i < node->child_count; i++) {
        if (!gly_rule_is_empty(node->children[i])) {
            kept[count++] = node->children[i];
        }
    }
    if (count == node->child_count) {
        return node;
    }
    if (count == 0) {
        return gly_rule_empty(context, node);
    }
    if (count == 1) {
        return rename_branch(context, node, kept[0]);
    }
    gly_logical *fewer = gly_arena_copy(context->arena, node, sizeof *node);
    fewer->child_count = count;
    fewer->children = kept;
    return fewer;
}

static gly_logical *change(gly_rule_context *context, gly_logical *node) {
    switch (node->kind) {
    case GLY_LOGICAL_SCAN:
        return has_false(node->scan.filter_count, node->scan.filters)
                   ? gly_rule_empty(context, node)
                   : node;
    case GLY_LOGICAL_FILTER: {
        gly_expr **members;
        uint32_t count = gly_rule_conjuncts(context, node->filter.condition, &members);
        return has_false(count, members) || gly_rule_is_empty(node->children[0])
                   ? gly_rule_empty(context, node)
                   : node;
    }
    case GLY_LOGICAL_LIMIT:
        if (node->limit.limit == 0) {
            return gly_rule_empty(context, node);
        }
        return gly_rule_is_empty(node->children[0]) ? gly_rule_empty(context, node) : node;
    case GLY_LOGICAL_PROJECT:
    case GLY_LOGICAL_SORT:
    case GLY_LOGICAL_REPARTITION:
        return gly_rule_is_empty(node->children[0]) ? gly_rule_empty(context, node) : node;
    case GLY_LOGICAL_AGGREGATE:
        return node->aggregate.group_count > 0 && gly_rule_is_empty(node->children[0])
                   ? gly_rule_empty(context, node)
                   : node;
    case GLY_LOGICAL_JOIN:
        return change_join(context, node);
    case GLY_LOGICAL_UNION:
        return change_union(context, node);
    default:
        return node;
    }
}

gly_logical *gly_rule_propagate_empty_apply(gly_rule_context *context, gly_logical *plan) {
    return gly_rule_each_node(context, plan, change);
}
