/* rule_push_limit.c - LIMIT nearer to where rows come from.
 *
 *   LIMIT over LIMIT      one LIMIT
 *   LIMIT over PROJECT    below it, unless a SORT is there (TOPN wants the two together)
 *   LIMIT n over l LEFT JOIN r   n rows of l are enough; the LIMIT above stays
 *
 * Not into the branches of a UNION: the planner's limit of each partition already stops them, and a
 * LIMIT of the branch would bring its rows to one partition first.
 */
#include "lib/sql/optimize/rule.h"

static gly_logical *make_limit(gly_rule_context *context, gly_logical *child, uint64_t limit,
                               uint64_t offset) {
    gly_logical *node =
        gly_logical_make(context->arena, GLY_LOGICAL_LIMIT, 1, child->output_count);
    node->children[0] = child;
    memcpy(node->output, child->output, child->output_count * sizeof *child->output);
    node->limit.limit = limit;
    node->limit.offset = offset;
    return node;
}

static uint64_t add_capped(uint64_t a, uint64_t b) { return a > UINT64_MAX - b ? UINT64_MAX : a + b; }

/* outer LIMIT over inner LIMIT. */
static gly_logical *merge(gly_rule_context *context, gly_logical *outer, gly_logical *inner) {
    uint64_t left = inner->limit.limit == UINT64_MAX ? UINT64_MAX
                    : inner->limit.limit > outer->limit.offset
                        ? inner->limit.limit - outer->limit.offset
                        : 0;
    return make_limit(context, inner->children[0], GLY_MIN(left, outer->limit.limit),
                      add_capped(inner->limit.offset, outer->limit.offset));
}

static bool has_few_rows(const gly_logical *node, uint64_t most) {
    while (node->kind == GLY_LOGICAL_PROJECT) {
        node = node->children[0];
    }
    return (node->kind == GLY_LOGICAL_LIMIT && node->limit.limit <= most) ||
           (node->kind == GLY_LOGICAL_VALUES && node->values.row_count <= most);
}

/* A LIMIT on the left of a join that may have more rows. */
static gly_logical *limit_left(gly_rule_context *context, gly_logical *join, uint64_t most) {
    if (has_few_rows(join->children[0], most)) {
        return join;
    }
    gly_logical **children = gly_arena_copy(context->arena, join->children, 2 * sizeof *children);
    children[0] = make_limit(context, children[0], most, 0);
    return gly_rule_with_children(context, join, children);
}

static gly_logical *change(gly_rule_context *context, gly_logical *node) {
    if (node->kind != GLY_LOGICAL_LIMIT) {
        return node;
    }
    gly_logical *child = node->children[0];
    uint64_t most = add_capped(node->limit.limit, node->limit.offset);
    switch (child->kind) {
    case GLY_LOGICAL_LIMIT:
        return merge(context, node, child);
    case GLY_LOGICAL_PROJECT:
        if (child->children[0]->kind == GLY_LOGICAL_SORT) {
            return node;
        }
        return gly_rule_with_child(
            context, child,
            make_limit(context, child->children[0], node->limit.limit, node->limit.offset));
    case GLY_LOGICAL_JOIN:
        return most == UINT64_MAX || child->join.kind != GLY_JOIN_LEFT
                   ? node
                   : gly_rule_with_child(context, node, limit_left(context, child, most));
    default:
        return node;
    }
}

gly_logical *gly_rule_push_limit_apply(gly_rule_context *context, gly_logical *plan) {
    return gly_rule_each_node(context, plan, change);
}
