/* map_status.h - where a map task's output lies: one file, an offset per reduce partition.
 *
 * The index travels in the completion message, not in a file: a reader asks for the byte range
 * [offsets[p], offsets[p+1]) of the file.
 */
#ifndef GLY_MAP_STATUS_H
#define GLY_MAP_STATUS_H

#include "lib/base/arena.h"

typedef struct gly_map_status {
    uint32_t map_partition;
    gly_str executor_id;
    gly_str host_id;  /* equal on processes that can open each other's files */
    gly_str endpoint; /* host:port of the executor's block service */
    gly_str path;     /* of the data file on that executor */
    uint32_t partition_count;
    uint64_t *offsets; /* partition_count + 1 */
    uint64_t row_count;
} gly_map_status;

void gly_map_status_encode(const gly_map_status *status, gly_builder *out);
GLY_NODISCARD gly_status gly_map_status_decode(gly_arena *arena, gly_str bytes, gly_map_status *ret,
                                               gly_error *err);
#endif
