/* block_place.h - where a block is read from: what the stage said, or where it was moved since. */
#ifndef GLY_BLOCK_PLACE_H
#define GLY_BLOCK_PLACE_H

#include "lib/engine/task.h"

typedef struct gly_block_place {
    gly_map_status now; /* executor_id, host_id, endpoint and path count */
    gly_builder texts;  /* what `now` may point into */
} gly_block_place;

/* Starts with the stage's word, corrected by what is known by now.  place is zeroed, or was used
 * before. */
void gly_block_place_set(gly_block_place *place, const gly_task_environment *environment,
                         const gly_map_status *said);
/* Asks again, after a failure: true if the block lies elsewhere than we thought. */
bool gly_block_place_has_moved(gly_block_place *place, const gly_task_environment *environment);
void gly_block_place_clear(gly_block_place *place);

#endif
