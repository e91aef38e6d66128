/* rule_combine_unions.c - UNION ALL of UNION ALLs becomes one; literal rows become one VALUES.
 *
 *   SELECT 1 UNION ALL SELECT 2 UNION ALL ...  ->  VALUES (1), (2), ...
 *
 * so that a long list of small SELECTs is one task and not thousands of partitions.
 */
#include "lib/sql/optimize/rule.h"

/* PROJECT of literals over VALUES without columns is VALUES. */
static gly_logical *literal_rows(gly_rule_context *context, gly_logical *node) {
    const gly_logical *child = node->children[0];
    if (child->kind != GLY_LOGICAL_VALUES || child->output_count != 0 ||
        child->values.row_count != 1 || node->output_count == 0) {
        return node;
    }
    for (uint32_t i = 0; i < node->output_count; i++) {
        if (node->project.exprs[i]->kind != GLY_EXPR_LITERAL) {
            return node;
        }
    }
    gly_logical *values = gly_rule_empty(context, node);
    values->values.row_count = 1;
    values->values.rows = GLY_ARENA_ARRAY(context->arena, gly_expr **, 1);
    values->values.rows[0] = node->project.exprs;
    return values;
}

static gly_logical *flatten(gly_rule_context *context, gly_logical *node) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < node->child_count; i++) {
        const gly_logical *child = node->children[i];
        count += child->kind == GLY_LOGICAL_UNION ? child->child_count : 1;
    }
    if (count == node->child_count) {
        return node;
    }
    gly_logical *all = gly_logical_make(context->arena, GLY_LOGICAL_UNION, count,
                                        node->output_count);
    memcpy(all->output, node->output, node->output_count * sizeof *node->output);
    count = 0;
    for (uint32_t i = 0; i < node->child_count; i++) {
        gly_logical *child = node->children[i];
        bool is_union = child->kind == GLY_LOGICAL_UNION;
        for (uint32_t k = 0; k < (is_union ? child->child_count : 1); k++) {
            all->children[count++] = is_union ? child->children[k] : child;
        }
    }
    return all;
}

static bool are_values(const gly_logical *node) {
    for (uint32_t i = 0; i < node->child_count; i++) {
        if (node->children[i]->kind != GLY_LOGICAL_VALUES) {
            return false;
        }
    }
    return true;
}

static gly_logical *join_values(gly_rule_context *context, gly_logical *node) {
    gly_logical *values = gly_rule_empty(context, node);
    uint32_t count = 0;
    for (uint32_t i = 0; i < node->child_count; i++) {
        count += node->children[i]->values.row_count;
    }
    values->values.rows = GLY_ARENA_ARRAY(context->arena, gly_expr **, count);
    for (uint32_t i = 0; i < node->child_count; i++) {
        const gly_logical *child = node->children[i];
        for (uint32_t r = 0; r < child->values.row_count; r++) {
            values->values.rows[values->values.row_count++] = child->values.rows[r];
        }
    }
    return values;
}

static gly_logical *change(gly_rule_context *context, gly_logical *node) {
    if (node->kind == GLY_LOGICAL_PROJECT) {
        return literal_rows(context, node);
    }
    if (node->kind != GLY_LOGICAL_UNION) {
        return node;
    }
    node = flatten(context, node);
    return are_values(node) ? join_values(context, node) : node;
}

gly_logical *gly_rule_combine_unions_apply(gly_rule_context *context, gly_logical *plan) {
    return gly_rule_each_node(context, plan, change);
}
