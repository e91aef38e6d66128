/* op_union.c - UNION ALL: one task reads one child's partition, so batches only pass through.
 *
 * The pipeline builder goes down into the right child (gly_op_union_child); the stream exists so
 * that the node's rows are counted, and gives columns the union's types.
 */
#include "lib/engine/op/op_union.h"

#include "lib/base/alloc.h"
#include "lib/engine/op/operators.h"

gly_status gly_op_union_child(const gly_physical *plan, uint32_t partition, uint32_t *ret_child,
                              uint32_t *ret_partition, gly_error *err) {
    uint32_t left = partition;
    for (uint32_t c = 0; c < plan->child_count; c++) {
        if (left < plan->children[c]->partition_count) {
            *ret_child = c;
            *ret_partition = left;
            return GLY_OK;
        }
        left -= plan->children[c]->partition_count;
    }
    return gly_fail(err, GLY_E_INTERNAL, "a union of %u partitions has no partition %u",
                    plan->partition_count, partition);
}

static gly_status open_stream(gly_op_node *node, gly_worker *worker, gly_downstream next,
                              void **ret_local, gly_error *err) {
    (void)node, (void)worker, (void)err;
    gly_downstream *local = GLY_NEW(gly_downstream);
    *local = next;
    *ret_local = local;
    return GLY_OK;
}

static gly_status push(void *local, const gly_batch *batch, gly_error *err) {
    return gly_downstream_push(local, batch, err);
}

const gly_operator gly_op_union = {
    .name = "Union", .open_stream = open_stream, .push = push, .close_stream = free};
