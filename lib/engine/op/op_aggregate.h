/* op_aggregate.h - GROUP BY: a stream when it is partial, else a pipeline breaker. */
#ifndef GLY_OP_AGGREGATE_H
#define GLY_OP_AGGREGATE_H

#include "lib/engine/op/operator.h"

extern const gly_operator gly_op_aggregate;

/* True: the pipeline builder uses the stream face (PARTIAL with keys: bounded memory, passes rows
 * through when they do not repeat).  False: sink and source. */
bool gly_op_aggregate_is_stream(const gly_physical *plan);

#endif
