/* op_union.h - which child's which partition a UNION's partition is. */
#ifndef GLY_OP_UNION_H
#define GLY_OP_UNION_H

#include "lib/engine/op/operator.h"

/* A union's partitions are its children's, one child after the other. */
GLY_NODISCARD gly_status gly_op_union_child(const gly_physical *plan, uint32_t partition,
                                            uint32_t *ret_child, uint32_t *ret_partition,
                                            gly_error *err);
#endif
