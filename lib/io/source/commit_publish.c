/* commit_publish.c - object stores: uploads are completed at the very end, then old objects are
 * deleted.
 *
 *   owner: writing      tasks upload, nothing is visible
 *   owner: completing   uploads are completed, all or none; a job that died here is taken back
 *   owner: replacing    OVERWRITE: the new objects are all there, the old ones go; a job that died
 * here is finished by the next one _SUCCESS, then the owner record goes
 *
 * Readers may see old and new objects together for the moment of replacing; what they never see is
 * a part of the new ones only with the old ones gone.
 */
#include "lib/io/source/commit_internal.h"

/* Deletes the visible files below the directory that are (or are not) of the job and not younger
 * than newest_ms (0: any). */
static gly_status remove_visible(gly_commit *commit, gly_str job, bool of_job, int64_t newest_ms,
                                 gly_error *err) {
    uint32_t count;
    gly_file_info *files;
    gly_status status = commit->filesystem->list(commit->arena, commit->path, &count, &files, err);
    if (status == GLY_E_PATH_NOT_FOUND) {
        return GLY_OK;
    }
    GLY_TRY(status);
    gly_str *paths = GLY_ARENA_ARRAY(commit->arena, gly_str, count + 1);
    uint32_t chosen = 0;
    for (uint32_t i = 0; i < count; i++) {
        bool is_young = newest_ms != 0 && files[i].modified_ms > newest_ms;
        if (gly_commit_is_of_job(files[i].path, job) == of_job && !is_young) {
            paths[chosen++] = files[i].path;
        }
    }
    return chosen == 0 ? GLY_OK : commit->filesystem->remove_files(chosen, paths, err);
}

gly_status gly_commit_publish_recover(gly_commit *commit, gly_str job, gly_commit_phase phase,
                                      int64_t record_ms, gly_error *err) {
    switch (phase) {
    case GLY_COMMIT_WRITING:
        return GLY_OK;
    case GLY_COMMIT_COMPLETING:
        return remove_visible(commit, job, true, 0, err);
    case GLY_COMMIT_REPLACING:
        GLY_TRY(remove_visible(commit, job, false, record_ms, err));
        return gly_commit_write_success(commit, err);
    }
    return GLY_OK;
}

/* What readers see before the job's own files appear. */
static gly_status list_old(gly_commit *commit, uint32_t *ret_count, gly_str **ret, gly_error *err) {
    uint32_t count;
    gly_file_info *files;
    *ret_count = 0;
    gly_status status = commit->filesystem->list(commit->arena, commit->path, &count, &files, err);
    if (status == GLY_E_PATH_NOT_FOUND) {
        return GLY_OK;
    }
    GLY_TRY(status);
    *ret = GLY_ARENA_ARRAY(commit->arena, gly_str, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        (*ret)[i] = files[i].path;
    }
    *ret_count = count;
    return GLY_OK;
}

gly_status gly_commit_publish_finish(gly_commit *commit, uint32_t file_count,
                                     const gly_pending_file *files, bool *ret_keep_temporary,
                                     gly_error *err) {
    uint32_t old_count = 0;
    gly_str *old = NULL;
    *ret_keep_temporary = false;
    if (commit->mode == GLY_WRITE_OVERWRITE) {
        GLY_TRY(list_old(commit, &old_count, &old, err));
    }
    GLY_TRY(gly_commit_write_owner(commit, GLY_COMMIT_COMPLETING, err));
    GLY_TRY(commit->filesystem->publish(file_count, files, err));
    *ret_keep_temporary = true; /* from here on the record lets the next job finish ours */
    if (old_count > 0) {
        GLY_TRY(gly_commit_write_owner(commit, GLY_COMMIT_REPLACING, err));
        GLY_TRY_ADD(commit->filesystem->remove_files(old_count, old, err), err,
                    "the new files are there, but the old ones could not all be removed; write "
                    "there again");
    }
    GLY_TRY(gly_commit_write_success(commit, err));
    *ret_keep_temporary = false;
    return GLY_OK;
}
