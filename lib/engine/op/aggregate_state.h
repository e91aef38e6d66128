/* aggregate_state.h - what the faces of an aggregation share; op_aggregate.c and aggregate_*.c
 * only. */
#ifndef GLY_AGGREGATE_STATE_H
#define GLY_AGGREGATE_STATE_H

#include "lib/base/array.h"
#include "lib/engine/expr/expr_run.h"
#include "lib/engine/op/operator.h"
#include "lib/engine/table/agg_groups.h"
#include "lib/engine/table/partition_spill.h"

typedef struct gly_aggregation gly_aggregation;

/* One partition's share of groups that must be merged: rows of workers' tables and spilled rows. */
typedef struct gly_aggregate_work {
    uint32_t partition, level;
    gly_partition_spill **spills; /* NULL: the workers' */
    uint32_t spill_count;
} gly_aggregate_work;

typedef struct gly_aggregate_sinker { /* one worker's sink; lives on in the aggregation's list after
                                         finish */
    gly_aggregation *owner;
    gly_worker *worker; /* while it is open */
    uint32_t index;
    gly_expr_state *expr;
    gly_agg_groups groups;
    gly_partition_spill *spill;
    uint8_t **sorted; /* the table's rows by partition, when several tables are merged */
    size_t sorted_bytes;
    uint64_t starts[GLY_PARTITION_SPILL_COUNT + 1];
    bool is_finished;
} gly_aggregate_sinker;

struct gly_aggregation { /* node->state */
    gly_op_node *node;
    gly_budget budget;
    uint32_t key_count;
    gly_type *keys;
    gly_agg_plan plan;
    uint32_t expr_count;
    gly_expr **exprs;          /* keys, then the plan's inputs */
    gly_expr_program *program; /* NULL: all are plain columns */
    pthread_mutex_t lock;
    GLY_ARRAY(gly_aggregate_sinker *) sinkers; /* all that were opened */
    GLY_ARRAY(gly_aggregate_work) works;       /* for the source, last first */
    GLY_ARRAY(gly_partition_spill *) sub_spills;
    gly_aggregate_sinker *direct; /* the only table: put out as it is */
    bool is_direct_taken;
};

/* NULL when all expressions are plain columns. */
gly_expr_state *gly_aggregate_state_make_expr(const gly_aggregation *a);
/* Keys and inputs of a batch, aligned with it. */
gly_status gly_aggregate_state_evaluate(const gly_aggregation *a, gly_expr_state *expr,
                                        const gly_batch *batch, gly_arena *scratch, gly_column *ret,
                                        gly_error *err);
/* Writes all groups to disk by partition (*spill is made when NULL) and frees their memory. */
gly_status gly_aggregate_state_spill(gly_aggregation *a, gly_agg_groups *groups,
                                     gly_partition_spill **spill, uint32_t level, gly_error *err);
/* Adds a batch, spilling the groups when memory is refused. */
gly_status gly_aggregate_state_add(gly_aggregation *a, gly_agg_groups *groups,
                                   const gly_column *keys, const gly_agg_batch *rows, bool is_merge,
                                   gly_partition_spill **spill, uint32_t level, gly_arena *scratch,
                                   gly_error *err);

/* The source face (aggregate_source.c). */
gly_status gly_aggregate_source_open(gly_op_node *node, gly_worker *worker, void **ret_local,
                                     gly_error *err);
gly_status gly_aggregate_source_next(void *local, const gly_batch **ret, gly_error *err);
void gly_aggregate_source_close(void *local);

/* The stream face (aggregate_stream.c). */
gly_status gly_aggregate_stream_open(gly_op_node *node, gly_worker *worker, gly_downstream next,
                                     void **ret_local, gly_error *err);
gly_status gly_aggregate_stream_push(void *local, const gly_batch *batch, gly_error *err);
gly_status gly_aggregate_stream_flush(void *local, gly_error *err);
void gly_aggregate_stream_close(void *local);

#endif
