/* moved_blocks.h - blocks that other executors took over from one that left: their new places.
 *
 * A block is known by the last part of its path ("shuffle-1f-3-0-17.data"), which is unique in the
 * application, or by its whole name if it is a cached partition ("cache/1f/3").  Thread-safe.
 */
#ifndef GLY_MOVED_BLOCKS_H
#define GLY_MOVED_BLOCKS_H

#include "lib/engine/task.h"
#include "proto/galley/executor.pb-c.h"

typedef struct gly_moved_blocks gly_moved_blocks;

gly_moved_blocks *gly_moved_blocks_make(void);
void gly_moved_blocks_free(gly_moved_blocks *blocks); /* accepts NULL */
void gly_moved_blocks_put(gly_moved_blocks *blocks, const Galley__MovedBlocks *message);
/* For gly_fetcher.find_moved; costs one load while nothing has moved. */
bool gly_moved_blocks_find(gly_moved_blocks *blocks, gly_str path, gly_builder *texts,
                           gly_map_status *ret);
/* Forgets blocks whose names begin so: "shuffle-1f-", "cache/1f/". */
void gly_moved_blocks_drop(gly_moved_blocks *blocks, gly_str prefix);
/* The name by which the block of a path is known. */
gly_str gly_moved_blocks_name(gly_str path);

#endif
