/* block_sink.h - the workers' half of operators whose rows stay as blocks: CollectResult and
 * InMemoryTableWrite. */
#ifndef GLY_BLOCK_SINK_H
#define GLY_BLOCK_SINK_H

#include "lib/engine/op/operators.h"

/* The first member of such an operator's state. */
typedef struct gly_block_sink {
    gly_type *types; /* of the child's columns; in the task's arena */
    uint64_t rows;
    /* Takes over a copy of a worker's block (format: lib/shuffle/shuffle_block.h), with the task's
     * lock held. */
    gly_status (*append)(gly_op_node *node, gly_str block, gly_error *err);
} gly_block_sink;

/* Fills `sink`, which lives in the node's state. */
void gly_block_sink_prepare(gly_op_node *node, gly_block_sink *sink,
                            gly_status (*append)(gly_op_node *, gly_str, gly_error *));

/* The operator's open_sink, sink, finish and close_sink. */
gly_status gly_block_sink_open(gly_op_node *node, gly_worker *worker, void **ret_local,
                               gly_error *err);
gly_status gly_block_sink_take(void *context, const gly_batch *batch, gly_error *err);
gly_status gly_block_sink_finish(void *context, gly_error *err);
void gly_block_sink_close(void *context);

#endif
