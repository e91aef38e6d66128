/* split_stages.h - a physical plan cut at its EXCHANGE nodes into stages.
 *
 * What lies below an exchange becomes a stage rooted in SHUFFLE_WRITE; a SHUFFLE_READ leaf takes
 * its place above.  An exchange with two parents becomes one stage that is read twice.
 */
#ifndef GLY_SPLIT_STAGES_H
#define GLY_SPLIT_STAGES_H

#include "lib/plan/physical.h"

typedef struct gly_stage_plan {
    uint32_t stage;        /* its index; parents have smaller ones, the result stage is the last */
    uint32_t shuffle_id;   /* of what it writes; 0 for the result stage */
    gly_physical *plan;    /* root: SHUFFLE_WRITE, or RESULT, FILE_WRITE, CACHE_WRITE */
    uint32_t task_count;   /* one for each partition of plan */
    uint32_t parent_count; /* stages it reads, each once */
    uint32_t *parents;     /* their indexes, ascending */
    uint32_t *parent_shuffle_ids; /* what SHUFFLE_READ leaves of this plan name */
    bool is_result;
    bool is_broadcast; /* every reader reads all of its output */
} gly_stage_plan;

/* How many shuffle ids gly_split_stages will take: one for each exchange. */
uint32_t gly_split_stages_count(const gly_physical *root);

/* root: as gly_choose_physical made it (with ids); it is not changed, stages share its nodes.
 * next_shuffle_id: in: the first id to use (at least 1); out: the first one not used.
 * The SHUFFLE_READ of an exchange has the exchange's node id, the SHUFFLE_WRITE a new one. */
void gly_split_stages(gly_arena *arena, gly_physical *root, uint32_t *next_shuffle_id,
                      uint32_t *ret_count, gly_stage_plan **ret);

#endif
