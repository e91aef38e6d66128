/* disk_space.c - two counters and one limit.
 *
 * Scratch files give back exactly what they took.  Files with names are deleted by name, by whoever
 * drops their query, perhaps while a killed task still writes: what they take is therefore counted
 * anew after every deletion, and errors of a moment do not add up.
 *
 * Invariant: a take that succeeded found room for all its bytes.
 */
#include "lib/shuffle/disk_space.h"

#include "lib/base/alloc.h"
#include "lib/base/str.h"

#include <stdatomic.h>

struct gly_disk_space {
    uint64_t limit;
    atomic_uint_fast64_t used[GLY_DISK_USES];
};

gly_disk_space *gly_disk_space_make(uint64_t limit_bytes) {
    gly_disk_space *space = GLY_NEW(gly_disk_space);
    space->limit = limit_bytes;
    for (int i = 0; i < GLY_DISK_USES; i++) {
        atomic_init(&space->used[i], 0);
    }
    return space;
}

void gly_disk_space_free(gly_disk_space *space) { free(space); }

static gly_status refuse(const gly_disk_space *space, uint64_t used, uint64_t bytes,
                         gly_error *err) {
    char have[32], most[32], more[32];
    return gly_fail(err, GLY_E_DISK_FULL,
                    "The executor's local disk is full: %s of %s are in use by shuffle, spill, "
                    "cached and result files, and %s more are needed; give executors more disk "
                    "(spec.executor.localDisk, --disk) or memory, or use more executors",
                    gly_str_format_bytes(used, have, sizeof have),
                    gly_str_format_bytes(space->limit, most, sizeof most),
                    gly_str_format_bytes(bytes, more, sizeof more));
}

gly_status gly_disk_space_take(gly_disk_space *space, gly_disk_use use, uint64_t bytes,
                               gly_error *err) {
    if (space == NULL) {
        return GLY_OK;
    }
    uint64_t ours = atomic_fetch_add(&space->used[use], bytes) + bytes;
    uint64_t others = atomic_load(&space->used[1 - use]);
    if (others > space->limit || ours > space->limit - others) {
        gly_disk_space_give(space, use, bytes);
        return refuse(space, gly_disk_space_used(space), bytes, err);
    }
    return GLY_OK;
}

void gly_disk_space_give(gly_disk_space *space, gly_disk_use use, uint64_t bytes) {
    if (space == NULL) {
        return;
    }
    uint64_t used = atomic_load(&space->used[use]);
    while (!atomic_compare_exchange_weak(&space->used[use], &used, used - GLY_MIN(used, bytes))) {
    }
}

void gly_disk_space_recount(gly_disk_space *space, uint64_t file_bytes) {
    if (space != NULL) {
        atomic_store(&space->used[GLY_DISK_FILES], file_bytes);
    }
}

uint64_t gly_disk_space_used(const gly_disk_space *space) {
    gly_disk_space *counters = (gly_disk_space *)(uintptr_t)space; /* loading needs no const */
    return space == NULL ? 0
                         : atomic_load(&counters->used[GLY_DISK_SCRATCH]) +
                               atomic_load(&counters->used[GLY_DISK_FILES]);
}
