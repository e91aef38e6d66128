/* op_sort.c - not there yet: says so when a plan needs it. */
#include "lib/engine/op/operators.h"

static gly_status prepare(gly_op_node *node, gly_error *err) {
    return gly_fail(err, GLY_E_UNSUPPORTED, "%s is not supported yet", node->op->name);
}

const gly_operator gly_op_sort = {.name = "Sort", .prepare = prepare};
