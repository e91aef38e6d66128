/* read_plan.h - reading ahead what is known to be needed: ranges of a far file, in few large
 * requests.
 *
 * The ranges of a group (a row group's column chunks, a stretch of text) are joined where the gap
 * is small and cut where they are long; the pieces are requested in the order in which they will be
 * needed, several in flight, as far as memory allows, those of later groups behind those of earlier
 * ones.  Readers read through gly_read_plan_file as if it were the file.  Belongs to one thread.
 */
#ifndef GLY_READ_PLAN_H
#define GLY_READ_PLAN_H

#include "lib/io/fs/filesystem.h"

typedef struct gly_read_plan gly_read_plan;

typedef struct gly_read_range {
    uint64_t offset, size; /* inside the file; not empty */
} gly_read_range;

enum {
    GLY_READ_PLAN_GAP = 1 << 20,    /* bytes worth reading for nothing, to save a request */
    GLY_READ_PLAN_PIECE = 8 << 20,  /* of one request, at most */
    GLY_READ_PLAN_AHEAD = 64 << 20, /* in flight or waiting to be used, at most */
};

/* file must have start_read and outlive the plan.  budget (NULL: not counted) is charged with what
 * is read ahead; only what is needed at once is forced through.  gap_bytes: ranges that are nearer
 * to each other are joined. */
gly_read_plan *gly_read_plan_make(gly_file *file, gly_budget *budget, uint64_t gap_bytes);
void gly_read_plan_free(gly_read_plan *plan); /* accepts NULL; cancels what is in flight */
/* One more group, to be read after those before.  Each range is read from its start to its end
 * (parts may be left out); ranges of one group are read side by side, at about the same pace. */
void gly_read_plan_add(gly_read_plan *plan, uint32_t count, const gly_read_range *ranges);
/* The oldest group is not needed any more. */
void gly_read_plan_drop(gly_read_plan *plan);
/* Bytes of all groups that were added and not dropped. */
uint64_t gly_read_plan_bytes(const gly_read_plan *plan);
/* Where to read; what is in no group is read directly.  Closing it does nothing. */
gly_file *gly_read_plan_file(gly_read_plan *plan);

#endif
