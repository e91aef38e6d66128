/* op_topn.c - ORDER BY ... LIMIT: the first rows only, in order. */
#include "lib/engine/op/operators.h"
#include "lib/engine/op/sort_common.h"

static gly_status prepare(gly_op_node *node, gly_error *err) {
    return gly_sort_common_prepare(node, node->plan->sort.limit, err);
}

const gly_operator gly_op_topn = {
    .name = "TakeOrdered",
    .prepare = prepare,
    .dispose = gly_sort_common_dispose,
    .open_source = gly_sort_common_open_source,
    .next = gly_sort_common_next,
    .close_source = gly_sort_common_close_source,
    .open_sink = gly_sort_common_open_sink,
    .sink = gly_sort_common_sink,
    .finish = gly_sort_common_finish,
    .close_sink = gly_sort_common_close_sink,
    .seal = gly_sort_common_seal,
};
