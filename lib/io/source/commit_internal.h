/* commit_internal.h - what the files of a commit share: by renames, by publishing, after a death.
 */
#ifndef GLY_COMMIT_INTERNAL_H
#define GLY_COMMIT_INTERNAL_H

#include "lib/io/source/commit.h"
#include "lib/io/source/commit_owner.h"

struct gly_commit {
    const gly_filesystem *filesystem;
    gly_arena *arena;
    gly_str path;      /* without slashes at the end */
    gly_str temporary; /* <path>/_temporary */
    gly_str job;       /* its id */
    gly_str directory; /* <path>/_temporary/<job> */
    gly_write_mode mode;
};

gly_str gly_commit_join(gly_arena *arena, gly_str directory, gly_str name);
/* Is the name of the path's file made by this job ("part-00007-<job>.parquet")? */
bool gly_commit_is_of_job(gly_str path, gly_str job);
GLY_NODISCARD gly_status gly_commit_write_owner(gly_commit *commit, gly_commit_phase phase,
                                                gly_error *err);
GLY_NODISCARD gly_status gly_commit_write_success(gly_commit *commit, gly_error *err);

/* File systems that rename: old files aside, new files in. */
GLY_NODISCARD gly_status gly_commit_rename_finish(gly_commit *commit, uint32_t file_count,
                                                  const gly_pending_file *files,
                                                  bool *ret_keep_temporary, gly_error *err);
/* Puts back what a dead job had moved aside. */
GLY_NODISCARD gly_status gly_commit_rename_recover(gly_commit *commit, gly_str job, gly_error *err);

/* Object stores: new files appear, old files go. */
GLY_NODISCARD gly_status gly_commit_publish_finish(gly_commit *commit, uint32_t file_count,
                                                   const gly_pending_file *files,
                                                   bool *ret_keep_temporary, gly_error *err);
/* Takes back (COMPLETING) or goes on (REPLACING) where a dead job stopped at record_ms. */
GLY_NODISCARD gly_status gly_commit_publish_recover(gly_commit *commit, gly_str job,
                                                    gly_commit_phase phase, int64_t record_ms,
                                                    gly_error *err);

/* What other jobs left below _temporary: dead ones' is put right and removed. */
GLY_NODISCARD gly_status gly_commit_recover(gly_commit *commit, gly_error *err);

#endif
