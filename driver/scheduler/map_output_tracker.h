/* map_output_tracker.h - where the output of every map task lies, and since when.
 *
 * The epoch grows whenever outputs are lost: a task carries the epoch of its launch, so that what
 * it says about an executor (a fetch failure, a finished map output) can be told from news about
 * what came later.  Pattern: Spark's MapOutputTrackerMaster.
 */
#ifndef GLY_MAP_OUTPUT_TRACKER_H
#define GLY_MAP_OUTPUT_TRACKER_H

#include "lib/base/str.h"

struct gly_map_output {
    bool is_available;
    uint32_t executor_id;
    uint64_t task_id; /* that wrote it */
    gly_str bytes;    /* encoded gly_map_status, owned by the tracker */
    uint64_t run_ns;  /* what it cost; 0: not known */
    bool was_there;   /* it is made for the second time (or more often) */
};
typedef struct gly_map_output gly_map_output;

typedef struct gly_map_output_tracker gly_map_output_tracker;

gly_map_output_tracker *gly_map_output_tracker_make(void);
void gly_map_output_tracker_free(gly_map_output_tracker *tracker);

/* Known shuffles keep their outputs: a stage computed by an earlier job is skipped. */
void gly_map_output_tracker_add_shuffle(gly_map_output_tracker *tracker, uint32_t shuffle_id,
                                        uint32_t map_count);
void gly_map_output_tracker_remove_shuffle(gly_map_output_tracker *tracker, uint32_t shuffle_id);
bool gly_map_output_tracker_knows(const gly_map_output_tracker *tracker, uint32_t shuffle_id);
/* How many attempts of the map stage were started, in all jobs: attempt numbers never repeat. */
uint32_t gly_map_output_tracker_attempts(const gly_map_output_tracker *tracker,
                                         uint32_t shuffle_id);
void gly_map_output_tracker_count_attempt(gly_map_output_tracker *tracker, uint32_t shuffle_id);
/* Outputs still missing; 0 for a shuffle that is not known. */
uint32_t gly_map_output_tracker_missing(const gly_map_output_tracker *tracker, uint32_t shuffle_id);
bool gly_map_output_tracker_has(const gly_map_output_tracker *tracker, uint32_t shuffle_id,
                                uint32_t map_partition);
const gly_map_output *gly_map_output_tracker_outputs(const gly_map_output_tracker *tracker,
                                                     uint32_t shuffle_id, uint32_t *ret_count);

/* Copies bytes.  False if the shuffle or partition is unknown or already available. */
bool gly_map_output_tracker_register(gly_map_output_tracker *tracker, uint32_t shuffle_id,
                                     uint32_t map_partition, uint32_t executor_id, uint64_t task_id,
                                     gly_str bytes);
/* What the task took: dear outputs are saved first when their executor leaves. */
void gly_map_output_tracker_set_cost(gly_map_output_tracker *tracker, uint32_t shuffle_id,
                                     uint32_t map_partition, uint64_t run_ns);
/* Another executor took a block over.  False if from_executor_id does not hold it. */
bool gly_map_output_tracker_move(gly_map_output_tracker *tracker, uint32_t shuffle_id,
                                 uint32_t map_partition, uint32_t from_executor_id,
                                 uint32_t to_executor_id, gly_str bytes);
/* Called for every output that is unregistered. */
typedef void (*gly_map_output_tracker_lost)(void *context, uint32_t shuffle_id,
                                            uint32_t map_partition);
/* All outputs of an executor, shuffles in the order they were added; returns how many, and starts a
 * new epoch.  lost may be NULL. */
uint32_t gly_map_output_tracker_lose_executor(gly_map_output_tracker *tracker, uint32_t executor_id,
                                              gly_map_output_tracker_lost lost, void *context);
/* All outputs of a shuffle (an indeterminate stage that must run again whole). */
uint32_t gly_map_output_tracker_lose_shuffle(gly_map_output_tracker *tracker, uint32_t shuffle_id);
uint64_t gly_map_output_tracker_epoch(const gly_map_output_tracker *tracker);

#endif
