/* reduce_side.c - the keys of a join's small side, broadcast, drop the large side's rows early.
 *
 *   large  ->  HASH_JOIN SEMI: probe large, build BroadcastExchange(PROJECT keys of small)
 *
 * Where a side may not be broadcast for the join itself (the preserved side of an outer join, the
 * left of a semi join) or is too wide for it, its keys alone still save shuffling the large side
 * (Bernstein and Chiu 1981; Spark's runtime filters).
 * Invariant: only rows without a partner are dropped; the caller sees to it that those do not count.
 */
#include "lib/sql/physical/physical_internal.h"

static gly_physical *project_keys(gly_planner *planner, gly_physical *child, uint32_t count,
                                  gly_expr **keys) {
    gly_physical *node = gly_physical_make(planner->arena, GLY_PHYSICAL_PROJECT, 1);
    node->children[0] = child;
    node->partition_count = child->partition_count;
    node->row_estimate = child->row_estimate;
    node->project.exprs = keys;
    node->schema.field_count = count;
    node->schema.fields = GLY_ARENA_ARRAY(planner->arena, gly_field, count);
    for (uint32_t i = 0; i < count; i++) {
        gly_str name = keys[i]->kind == GLY_EXPR_COLUMN ? keys[i]->name : GLY_STR("key");
        node->schema.fields[i] = (gly_field){name, keys[i]->type, keys[i]->nullable};
    }
    return node;
}

gly_status gly_reduce_side_by_keys(gly_planner *planner, gly_planned *large,
                                   gly_expr *const *large_keys, const gly_planned *small,
                                   gly_expr *const *small_keys, uint32_t key_count,
                                   double rows_after, gly_error *err) {
    gly_expr **bound;
    GLY_TRY(gly_bind_exprs(planner, key_count, small_keys, small, &bound, err));
    gly_planned keys = {.node = project_keys(planner, small->node, key_count, bound)};
    gly_place_exchanges_broadcast(planner, &keys);
    gly_physical *join = gly_physical_make(planner->arena, GLY_PHYSICAL_HASH_JOIN, 2);
    join->children[0] = large->node;
    join->children[1] = keys.node;
    join->schema = large->node->schema;
    join->partition_count = large->node->partition_count;
    join->row_estimate = gly_cardinality_round(rows_after);
    join->join.kind = GLY_JOIN_SEMI;
    join->join.is_broadcast = true;
    join->join.key_count = key_count;
    GLY_TRY(gly_bind_exprs(planner, key_count, large_keys, large, &join->join.probe_keys, err));
    join->join.build_keys = gly_choose_aggregate_columns(planner, keys.node, key_count);
    large->node = join;
    return GLY_OK;
}
