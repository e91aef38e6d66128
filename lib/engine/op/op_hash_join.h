/* op_hash_join.h - equi-joins: sink for the build side, stream for the probe side, source for the
 * rest. */
#ifndef GLY_OP_HASH_JOIN_H
#define GLY_OP_HASH_JOIN_H

#include "lib/engine/op/operator.h"

extern const gly_operator gly_op_hash_join;

/* Called before the join's build pipeline would run.  *ret_needed false: the table is there already
 * (a broadcast that another task of this executor has built; may wait for it), so neither the build
 * pipeline nor seal must run.  Always true for joins that are no broadcast. */
GLY_NODISCARD gly_status gly_op_hash_join_needs_build(gly_op_node *node, bool *ret_needed,
                                                      gly_error *err);

#endif
