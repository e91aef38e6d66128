/* commit.h - output that appears at once or not at all.
 *
 * <dir>/_temporary/<job id>/owner                             who writes, and how far it is
 * <dir>/_temporary/<job id>/<task>/part-00007-<job id>.<ext>  while tasks write
 * <dir>/part-...                                              after the job's commit, with _SUCCESS
 *
 * Overwrite keeps the old files until the new ones are complete.  A killed job leaves only
 * _temporary (and uploads that nobody sees), which the next job to write there removes if its owner
 * is dead; what belongs to a living one is left alone, so that jobs may append at the same time.
 */
#ifndef GLY_COMMIT_H
#define GLY_COMMIT_H

#include "lib/base/arena.h"
#include "lib/io/fs/filesystem.h"
#include "lib/plan/logical.h"

typedef struct gly_commit gly_commit;

/* Checks the mode (PATH_EXISTS for ERROR_IF_EXISTS; *ret_skip for IGNORE) and makes the temporary
 * directory.  job_id: unique text of letters, digits and "-". */
GLY_NODISCARD gly_status gly_commit_begin(gly_str path, gly_write_mode mode, gly_str job_id,
                                          bool *ret_skip, gly_commit **ret, gly_error *err);
/* Where tasks of this job write; goes into FILE_WRITE's path. */
gly_str gly_commit_task_directory(const gly_commit *commit);
/* files: complete temporary paths that won (one attempt per task), with their tokens.  Moves or
 * publishes them, removes what was there before (OVERWRITE), writes _SUCCESS.  Frees commit, also
 * on failure. */
GLY_NODISCARD gly_status gly_commit_finish(gly_commit *commit, uint32_t file_count,
                                           const gly_pending_file *files, gly_error *err);
/* Removes the temporary directory; nothing that was there before changes.  Frees commit. */
void gly_commit_abort(gly_commit *commit);

#endif
