/* rule_prune_columns.c - nothing is read, moved or computed that nobody asks for.
 *
 * One walk from the root with the set of wanted columns.  Scans read wanted columns and those their
 * filters need; projections and aggregates drop what is not wanted; before a join, a sort, a
 * repartition or a union a projection drops what only the nodes below needed.  Before joins are
 * ordered the walk is made once without projections between joins: estimates want true widths.
 * Invariant: a pruned node puts out at least the wanted columns it had, in their old order.
 */
#include "lib/sql/optimize/rule.h"

static gly_logical *prune(gly_rule_context *context, gly_logical *node, const gly_id_set *wanted);

/* The child's columns down to the wanted ones, but not to none: rows without columns do not
 * travel well. */
static gly_logical *narrow(gly_rule_context *context, gly_logical *child,
                           const gly_id_set *wanted) {
    gly_id_set kept = gly_id_set_make(context->arena);
    uint32_t count = 0, cheapest = 0;
    if (context->keeps_joins_together && child->kind == GLY_LOGICAL_JOIN) {
        return child;
    }
    for (uint32_t i = 0; i < child->output_count; i++) {
        if (gly_id_set_has(wanted, child->output[i].id)) {
            gly_id_set_add(&kept, child->output[i].id);
            count++;
        }
        if (gly_type_width(child->output[i].type) <
            gly_type_width(child->output[cheapest].type)) {
            cheapest = i;
        }
    }
    if (count == 0 && child->output_count > 0) {
        gly_id_set_add(&kept, child->output[cheapest].id);
    }
    return gly_rule_keep(context, child, &kept);
}

static gly_logical *prune_scan(gly_rule_context *context, gly_logical *node,
                               const gly_id_set *wanted) {
    gly_id_set needed = gly_id_set_copy(wanted);
    for (uint32_t i = 0; i < node->scan.filter_count; i++) {
        gly_id_set_add_expr(&needed, node->scan.filters[i]);
    }
    gly_logical *scan = gly_arena_copy(context->arena, node, sizeof *node);
    scan->output = GLY_ARENA_ARRAY(context->arena, gly_output, node->output_count);
    scan->scan.fields = GLY_ARENA_ARRAY(context->arena, uint32_t, node->output_count);
    scan->output_count = 0;
    for (uint32_t i = 0; i < node->output_count; i++) {
        if (gly_id_set_has(&needed, node->output[i].id)) {
            scan->scan.fields[scan->output_count] = node->scan.fields[i];
            scan->output[scan->output_count++] = node->output[i];
        }
    }
    return scan->output_count == node->output_count ? node : scan;
}

static gly_logical *prune_cached(gly_rule_context *context, gly_logical *node,
                                 const gly_id_set *wanted) {
    gly_logical *cached = gly_arena_copy(context->arena, node, sizeof *node);
    cached->output = GLY_ARENA_ARRAY(context->arena, gly_output, node->output_count);
    cached->cached.fields = GLY_ARENA_ARRAY(context->arena, uint32_t, node->output_count);
    cached->output_count = 0;
    for (uint32_t i = 0; i < node->output_count; i++) {
        if (gly_id_set_has(wanted, node->output[i].id)) {
            cached->cached.fields[cached->output_count] = node->cached.fields[i];
            cached->output[cached->output_count++] = node->output[i];
        }
    }
    return cached->output_count == node->output_count ? node : cached;
}

static gly_logical *prune_values(gly_rule_context *context, gly_logical *node,
                                 const gly_id_set *wanted) {
    gly_logical *values = gly_rule_empty(context, node);
    values->output_count = 0;
    values->values.row_count = node->values.row_count;
    values->values.rows = GLY_ARENA_ARRAY(context->arena, gly_expr **, node->values.row_count);
    for (uint32_t r = 0; r < node->values.row_count; r++) {
        values->values.rows[r] = GLY_ARENA_ARRAY(context->arena, gly_expr *, node->output_count);
    }
    for (uint32_t i = 0; i < node->output_count; i++) {
        if (gly_id_set_has(wanted, node->output[i].id)) {
            for (uint32_t r = 0; r < node->values.row_count; r++) {
                values->values.rows[r][values->output_count] = node->values.rows[r][i];
            }
            values->output[values->output_count++] = node->output[i];
        }
    }
    return values->output_count == node->output_count ? node : values;
}

static gly_logical *prune_project(gly_rule_context *context, gly_logical *node,
                                  const gly_id_set *wanted) {
    gly_id_set below = gly_id_set_make(context->arena);
    gly_logical *project = gly_arena_copy(context->arena, node, sizeof *node);
    project->output = GLY_ARENA_ARRAY(context->arena, gly_output, node->output_count);
    project->project.exprs = GLY_ARENA_ARRAY(context->arena, gly_expr *, node->output_count);
    project->output_count = 0;
    for (uint32_t i = 0; i < node->output_count; i++) {
        if (gly_id_set_has(wanted, node->output[i].id)) {
            gly_id_set_add_expr(&below, node->project.exprs[i]);
            project->project.exprs[project->output_count] = node->project.exprs[i];
            project->output[project->output_count++] = node->output[i];
        }
    }
    gly_logical *child = prune(context, node->children[0], &below);
    return gly_rule_with_child(context,
                               project->output_count == node->output_count ? node : project, child);
}

static gly_logical *prune_aggregate(gly_rule_context *context, gly_logical *node,
                                    const gly_id_set *wanted) {
    uint32_t groups = node->aggregate.group_count, count = 0;
    gly_id_set below = gly_id_set_make(context->arena);
    gly_logical *fresh = gly_arena_copy(context->arena, node, sizeof *node);
    fresh->output = GLY_ARENA_ARRAY(context->arena, gly_output, node->output_count);
    fresh->aggregate.aggregates =
        GLY_ARENA_ARRAY(context->arena, gly_expr *, node->aggregate.aggregate_count);
    for (uint32_t i = 0; i < groups; i++) {
        gly_id_set_add_expr(&below, node->aggregate.groups[i]);
        fresh->output[i] = node->output[i];
    }
    for (uint32_t i = 0; i < node->aggregate.aggregate_count; i++) {
        bool is_last_hope =
            groups == 0 && count == 0 && i + 1 == node->aggregate.aggregate_count;
        if (gly_id_set_has(wanted, node->output[groups + i].id) || is_last_hope) {
            gly_id_set_add_expr(&below, node->aggregate.aggregates[i]);
            fresh->output[groups + count] = node->output[groups + i];
            fresh->aggregate.aggregates[count++] = node->aggregate.aggregates[i];
        }
    }
    fresh->aggregate.aggregate_count = count;
    fresh->output_count = groups + count;
    gly_logical *child = prune(context, node->children[0], &below);
    return gly_rule_with_child(
        context, count == node->aggregate.aggregate_count ? node : fresh, child);
}

static gly_logical *prune_join(gly_rule_context *context, gly_logical *node,
                               const gly_id_set *wanted) {
    gly_id_set needed = gly_id_set_copy(wanted);
    gly_id_set_add_expr(&needed, node->join.condition);
    gly_logical **children = GLY_ARENA_ARRAY(context->arena, gly_logical *, 2);
    for (uint32_t i = 0; i < 2; i++) {
        children[i] =
            narrow(context, prune(context, node->children[i], &needed), &needed);
    }
    return children[0] == node->children[0] && children[1] == node->children[1]
               ? node
               : gly_rule_with_children(context, node, children);
}

static gly_logical *prune_union(gly_rule_context *context, gly_logical *node,
                                const gly_id_set *wanted) {
    gly_logical *fresh = gly_logical_make(context->arena, GLY_LOGICAL_UNION, node->child_count,
                                          node->output_count);
    uint32_t *kept = GLY_ARENA_ARRAY(context->arena, uint32_t, node->output_count + 1);
    fresh->output_count = 0;
    for (uint32_t i = 0; i < node->output_count; i++) {
        bool is_last_hope = fresh->output_count == 0 && i + 1 == node->output_count;
        if (gly_id_set_has(wanted, node->output[i].id) || is_last_hope) {
            kept[fresh->output_count] = i;
            fresh->output[fresh->output_count++] = node->output[i];
        }
    }
    bool changed = fresh->output_count < node->output_count;
    for (uint32_t k = 0; k < node->child_count; k++) {
        gly_logical *child = node->children[k];
        gly_id_set below = gly_id_set_make(context->arena);
        for (uint32_t i = 0; i < fresh->output_count; i++) {
            gly_id_set_add(&below, child->output[kept[i]].id);
        }
        gly_logical *pruned = prune(context, child, &below);
        gly_logical *project =
            gly_logical_make(context->arena, GLY_LOGICAL_PROJECT, 1, fresh->output_count);
        bool fits = pruned->output_count == fresh->output_count;
        project->children[0] = pruned;
        project->project.exprs =
            GLY_ARENA_ARRAY(context->arena, gly_expr *, fresh->output_count);
        for (uint32_t i = 0; i < fresh->output_count; i++) {
            project->output[i] = child->output[kept[i]];
            project->project.exprs[i] = gly_rule_column(context, &project->output[i]);
            fits = fits && pruned->output[i].id == project->output[i].id;
        }
        fresh->children[k] = fits ? pruned : project;
        changed |= fresh->children[k] != child;
    }
    return changed ? fresh : node;
}

/* A node that hands its child's columns on and needs some itself. */
static gly_logical *prune_over(gly_rule_context *context, gly_logical *node, bool is_narrowing,
                               const gly_id_set *needed) {
    gly_logical *child = prune(context, node->children[0], needed);
    return gly_rule_with_child(context, node,
                               is_narrowing ? narrow(context, child, needed) : child);
}

static gly_logical *prune(gly_rule_context *context, gly_logical *node,
                          const gly_id_set *wanted) {
    gly_id_set needed;
    switch (node->kind) {
    case GLY_LOGICAL_SCAN:
        return prune_scan(context, node, wanted);
    case GLY_LOGICAL_CACHED:
        return prune_cached(context, node, wanted);
    case GLY_LOGICAL_VALUES:
        return prune_values(context, node, wanted);
    case GLY_LOGICAL_PROJECT:
        return prune_project(context, node, wanted);
    case GLY_LOGICAL_AGGREGATE:
        return prune_aggregate(context, node, wanted);
    case GLY_LOGICAL_JOIN:
        return prune_join(context, node, wanted);
    case GLY_LOGICAL_UNION:
        return prune_union(context, node, wanted);
    case GLY_LOGICAL_FILTER:
        needed = gly_id_set_copy(wanted);
        gly_id_set_add_expr(&needed, node->filter.condition);
        return prune_over(context, node, false, &needed);
    case GLY_LOGICAL_LIMIT:
        return prune_over(context, node, false, wanted);
    case GLY_LOGICAL_SORT:
        needed = gly_id_set_copy(wanted);
        for (uint32_t i = 0; i < node->sort.key_count; i++) {
            gly_id_set_add_expr(&needed, node->sort.keys[i].expr);
        }
        return prune_over(context, node, true, &needed);
    case GLY_LOGICAL_REPARTITION:
        needed = gly_id_set_copy(wanted);
        for (uint32_t i = 0; i < node->repartition.expr_count; i++) {
            gly_id_set_add_expr(&needed, node->repartition.exprs[i]);
        }
        return prune_over(context, node, true, &needed);
    case GLY_LOGICAL_WRITE:
        needed = gly_id_set_make(context->arena);
        gly_id_set_add_output(&needed, node->children[0]);
        return gly_rule_with_child(
            context, node,
            gly_rule_keep(context, prune(context, node->children[0], &needed), &needed));
    case GLY_LOGICAL_RANGE:
    case GLY_LOGICAL_COUNT:
        return node;
    }
    return node;
}

gly_logical *gly_rule_prune_columns_apply(gly_rule_context *context, gly_logical *plan) {
    gly_id_set wanted = gly_id_set_make(context->arena);
    gly_id_set_add_output(&wanted, plan);
    return gly_rule_keep(context, prune(context, plan, &wanted), &wanted);
}
