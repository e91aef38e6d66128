/* disk_space.h - how much disk the files of one executor may take together: shuffle files, spills,
 * cached partitions, large results.
 *
 * Who writes takes first.  On Kubernetes the limit is the pod's spec.executor.localDisk: a task
 * that would exceed it fails with a sentence, where the node would evict the whole pod.  NULL
 * instead of a space: no limit, nothing counted.  Thread-safe.
 */
#ifndef GLY_DISK_SPACE_H
#define GLY_DISK_SPACE_H

#include "lib/base/base.h"

typedef struct gly_disk_space gly_disk_space;

typedef enum gly_disk_use {
    GLY_DISK_SCRATCH, /* files without a name: given back when closed */
    GLY_DISK_FILES,   /* files with one: counted again now and then (gly_disk_space_recount) */
    GLY_DISK_USES
} gly_disk_use;

gly_disk_space *gly_disk_space_make(uint64_t limit_bytes); /* UINT64_MAX: only counts */
void gly_disk_space_free(gly_disk_space *space);           /* accepts NULL */
/* DISK_FULL (retryable: another executor may have room) with a sentence about the budget. */
GLY_NODISCARD gly_status gly_disk_space_take(gly_disk_space *space, gly_disk_use use,
                                             uint64_t bytes, gly_error *err);
void gly_disk_space_give(gly_disk_space *space, gly_disk_use use, uint64_t bytes);
/* What the files with names really take, after some were deleted. */
void gly_disk_space_recount(gly_disk_space *space, uint64_t file_bytes);
uint64_t gly_disk_space_used(const gly_disk_space *space);

#endif
