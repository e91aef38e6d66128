/* join_state.h - what the faces of a hash join share; op_hash_join.c and join_rest.c only. */
#ifndef GLY_JOIN_STATE_H
#define GLY_JOIN_STATE_H

#include "lib/engine/op/join_build.h"
#include "lib/engine/op/operator.h"
#include "lib/engine/pipeline/shared_cache.h"

typedef struct gly_join_state { /* node->state */
    gly_op_node *node;
    gly_budget budget;
    gly_join_spec spec;
    gly_expr_program *build_program; /* NULL: the build keys are plain columns */
    /* Layout of build rows: plain columns of the child, then keys. */
    uint32_t layout_count, plain_count;
    gly_type *layout_types;
    uint32_t *layout_source; /* the child's column, or the key's number from plain_count on */
    uint32_t *layout_keys;
    gly_join_build *build; /* NULL until the first sink opens */
    bool is_shared;        /* a broadcast in the executor's shared cache */
    bool is_builder, is_published;
    gly_shared_entry *entry;
    pthread_mutex_t lock;
    atomic_bool is_spilling;
    GLY_ARRAY(gly_partition_spill *) build_spills;
    GLY_ARRAY(gly_partition_spill *) probe_spills;
    uint32_t spilled_mask;                  /* partitions that are not in memory; set by seal */
    atomic_uint next_store, next_partition; /* of the source */
} gly_join_state;

/* Whether build rows without a match are put out. */
bool gly_join_rest_keeps_build(const gly_join_state *join);
/* The source face (join_rest.c): unmatched build rows and spilled partitions. */
bool gly_join_rest_is_needed(gly_op_node *node);
gly_status gly_join_rest_open(gly_op_node *node, gly_worker *worker, void **ret_local,
                              gly_error *err);
gly_status gly_join_rest_next(void *local, const gly_batch **ret, gly_error *err);
void gly_join_rest_close(void *local);

#endif
