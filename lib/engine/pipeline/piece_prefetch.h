/* piece_prefetch.h - pieces of other hosts' shuffle files, fetched a little before they are needed.
 *
 * A few threads fetch in order, as far ahead as a number of bytes allows; whoever needs a piece
 * takes it, waits for it, or fetches it himself if nobody has begun.  Pieces come out in the order
 * they are asked for, so that a task sees its rows in the same order every time.
 */
#ifndef GLY_PIECE_PREFETCH_H
#define GLY_PIECE_PREFETCH_H

#include "lib/engine/op/operator.h"

typedef struct gly_piece_prefetch gly_piece_prefetch;

typedef struct gly_piece {
    const gly_map_status *map;
    uint64_t offset, length;
} gly_piece;

/* Starts fetching; pieces are copied, the maps are not.  ahead_bytes: most bytes that are fetched
 * and not taken; they are charged to the task's budget without asking. */
gly_piece_prefetch *gly_piece_prefetch_start(gly_task_state *task, uint32_t piece_count,
                                             const gly_piece *pieces, uint64_t ahead_bytes);
/* Moves piece's bytes to ret (which is empty); once per piece.  Thread-safe. */
GLY_NODISCARD gly_status gly_piece_prefetch_take(gly_piece_prefetch *prefetch, uint32_t piece,
                                                 gly_builder *ret, gly_error *err);
/* Waits for fetches under way; accepts NULL. */
void gly_piece_prefetch_stop(gly_piece_prefetch *prefetch);

#endif
