/* op_hash_join.c - not there yet: says so when a plan needs it. */
#include "lib/engine/op/op_hash_join.h"
#include "lib/engine/op/operators.h"

static gly_status prepare(gly_op_node *node, gly_error *err) {
    return gly_fail(err, GLY_E_UNSUPPORTED, "%s is not supported yet", node->op->name);
}

gly_status gly_op_hash_join_needs_build(gly_op_node *node, bool *ret_needed, gly_error *err) {
    (void)node;
    (void)err;
    *ret_needed = true;
    return GLY_OK;
}

const gly_operator gly_op_hash_join = {.name = "HashJoin", .prepare = prepare};
