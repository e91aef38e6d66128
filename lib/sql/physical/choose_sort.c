/* choose_sort.c - SORT, and LIMIT with what it makes of the SORT below it.
 *
 * A global order lives in one partition.  ORDER BY with a LIMIT keeps the best rows of each
 * partition first (TOPN), so that little moves.  A projection between the two is lifted above, as
 * Spark's TakeOrderedAndProject does.
 */
#include "lib/sql/physical/physical_internal.h"

/* More rows than this are sorted (and spilled) rather than kept in a heap. */
enum { MOST_TOPN_ROWS = 100000 };

static gly_status bind_keys(gly_planner *planner, const gly_logical *sort,
                            const gly_planned *input, gly_sort_key **ret, gly_error *err) {
    gly_sort_key *keys =
        gly_arena_copy(planner->arena, sort->sort.keys, sort->sort.key_count * sizeof *keys);
    for (uint32_t i = 0; i < sort->sort.key_count; i++) {
        GLY_TRY(gly_bind_expr(planner, keys[i].expr, input, NULL, &keys[i].expr, err));
    }
    *ret = keys;
    return GLY_OK;
}

/* A SORT or TOPN over planned, which it replaces. */
static gly_status add_sort(gly_planner *planner, gly_physical_kind kind, const gly_logical *sort,
                           uint64_t limit, gly_planned *planned, gly_error *err) {
    gly_physical *node = gly_physical_make(planner->arena, kind, 1);
    node->children[0] = planned->node;
    node->schema = planned->node->schema;
    node->partition_count = planned->node->partition_count;
    node->row_estimate = kind == GLY_PHYSICAL_TOPN
                             ? GLY_MIN(planned->node->row_estimate,
                                       limit * planned->node->partition_count)
                             : planned->node->row_estimate;
    node->sort.key_count = sort->sort.key_count;
    node->sort.limit = limit;
    GLY_TRY(bind_keys(planner, sort, planned, &node->sort.keys, err));
    planned->node = node;
    return GLY_OK;
}

gly_status gly_choose_sort_node(gly_planner *planner, const gly_logical *node, gly_planned *ret,
                                gly_error *err) {
    GLY_TRY(gly_choose_physical_node(planner, node->children[0], ret, err));
    if (!node->sort.is_local) {
        gly_place_exchanges_single(planner, ret);
    }
    return add_sort(planner, GLY_PHYSICAL_SORT, node, UINT64_MAX, ret, err);
}

static void add_limit(gly_planner *planner, uint64_t limit, uint64_t offset,
                      gly_planned *planned) {
    gly_physical *node = gly_physical_make(planner->arena, GLY_PHYSICAL_LIMIT, 1);
    node->children[0] = planned->node;
    node->schema = planned->node->schema;
    node->partition_count = planned->node->partition_count;
    uint64_t most = limit > UINT64_MAX / node->partition_count ? UINT64_MAX
                                                               : limit * node->partition_count;
    node->row_estimate = GLY_MIN(planned->node->row_estimate, most);
    node->limit.limit = limit;
    node->limit.offset = offset;
    planned->node = node;
}

static gly_status plan_topn(gly_planner *planner, const gly_logical *sort, uint64_t limit,
                            uint64_t offset, gly_planned *ret, gly_error *err) {
    GLY_TRY(gly_choose_physical_node(planner, sort->children[0], ret, err));
    GLY_TRY(add_sort(planner, GLY_PHYSICAL_TOPN, sort, limit + offset, ret, err));
    if (ret->node->partition_count > 1) {
        gly_place_exchanges_single(planner, ret);
        GLY_TRY(add_sort(planner, GLY_PHYSICAL_TOPN, sort, limit + offset, ret, err));
    }
    if (offset > 0) {
        add_limit(planner, limit, offset, ret);
    }
    return GLY_OK;
}

static gly_status plan_plain_limit(gly_planner *planner, const gly_logical *node,
                                   gly_planned *ret, gly_error *err) {
    uint64_t limit = node->limit.limit, offset = node->limit.offset;
    GLY_TRY(gly_choose_physical_node(planner, node->children[0], ret, err));
    if (ret->node->partition_count > 1) {
        if (limit <= UINT64_MAX - offset - 1) {
            add_limit(planner, limit + offset, 0, ret);
        }
        gly_place_exchanges_single(planner, ret);
    }
    add_limit(planner, limit, offset, ret);
    return GLY_OK;
}

static bool is_topn(const gly_logical *sort, uint64_t limit, uint64_t offset) {
    return sort->kind == GLY_LOGICAL_SORT && !sort->sort.is_local && limit <= MOST_TOPN_ROWS &&
           offset <= MOST_TOPN_ROWS;
}

gly_status gly_choose_sort_limit(gly_planner *planner, const gly_logical *node, gly_planned *ret,
                                 gly_error *err) {
    const gly_logical *child = node->children[0];
    uint64_t limit = node->limit.limit, offset = node->limit.offset;
    if (is_topn(child, limit, offset)) {
        return plan_topn(planner, child, limit, offset, ret, err);
    }
    if (child->kind != GLY_LOGICAL_PROJECT || !is_topn(child->children[0], limit, offset)) {
        return plan_plain_limit(planner, node, ret, err);
    }
    gly_planned input;
    GLY_TRY(plan_topn(planner, child->children[0], limit, offset, &input, err));
    *ret = gly_choose_physical_make(planner, GLY_PHYSICAL_PROJECT, 1, child);
    ret->node->children[0] = input.node;
    ret->node->partition_count = input.node->partition_count;
    ret->node->row_estimate = input.node->row_estimate;
    return gly_bind_exprs(planner, child->output_count, child->project.exprs, &input,
                          &ret->node->project.exprs, err);
}
