/* spill.h - unlinked temporary files of one task: where operators put what memory refused.
 *
 * A spill is written at its end and read anywhere.  The file has no name once it is open, so
 * nothing is left behind whatever happens to the process.  One thread writes a spill at a time; any
 * number of threads may read what is already written.
 */
#ifndef GLY_SPILL_H
#define GLY_SPILL_H

#include "lib/engine/op/operator.h"

typedef struct gly_spill gly_spill;

/* Makes the task's spill directory at first use.  Counts into task->spill_files, spill_count.
 * DISK_FULL when there is no room, IO otherwise.  Thread-safe. */
GLY_NODISCARD gly_status gly_spill_open(gly_task_state *task, gly_spill **ret, gly_error *err);
void gly_spill_close(gly_spill *spill); /* gives the disk space back; accepts NULL */
/* Appends.  Not buffered: write pages, not rows.  Counts into task->spill_bytes.
 * DISK_FULL names the directory. */
GLY_NODISCARD gly_status gly_spill_write(gly_spill *spill, const void *bytes, size_t size,
                                         gly_error *err);
uint64_t gly_spill_size(const gly_spill *spill); /* bytes written so far */
/* Exactly size bytes; reading past the end is an error (IO). */
GLY_NODISCARD gly_status gly_spill_read_at(gly_spill *spill, uint64_t offset, size_t size,
                                           void *buffer, gly_error *err);

#endif
