/* commit_rename.c - where files can be renamed, a job's output becomes visible in renames at the
 * very end.
 *
 *   <dir>/_temporary/<job>.old/...  OVERWRITE: what was there, while the new files move in
 *
 * Invariant: a failed finish leaves the files that were there before, and a job that was killed
 * while its files moved is undone by the next one: old files go back, new ones (which have the
 * job's id in their names) go away.
 */
#include "lib/base/array.h"
#include "lib/io/source/commit_internal.h"

typedef struct move {
    gly_str from, to;
} move;
typedef GLY_ARRAY(move) move_list;

static gly_str old_directory(gly_commit *commit, gly_str job) {
    return gly_str_of(gly_arena_format(commit->arena, "%.*s/%.*s.old",
                                       GLY_STR_ARG(commit->temporary), GLY_STR_ARG(job)));
}

gly_status gly_commit_rename_recover(gly_commit *commit, gly_str job, gly_error *err) {
    const gly_filesystem *filesystem = commit->filesystem;
    gly_arena *arena = commit->arena;
    gly_str old = old_directory(commit, job);
    uint32_t count;
    gly_file_info *files;
    gly_status status = filesystem->list(arena, old, &count, &files, err);
    if (status == GLY_E_PATH_NOT_FOUND || (status == GLY_OK && count == 0)) {
        return GLY_OK; /* it was killed before its files moved */
    }
    GLY_TRY(status);
    for (uint32_t i = 0; i < count; i++) {
        gly_str relative = {files[i].path.data + old.size + 1, files[i].path.size - old.size - 1};
        GLY_TRY(
            filesystem->rename(files[i].path, gly_commit_join(arena, commit->path, relative), err));
    }
    GLY_TRY(filesystem->list(arena, commit->path, &count, &files, err));
    for (uint32_t i = 0; i < count; i++) {
        if (gly_commit_is_of_job(files[i].path, job)) {
            GLY_TRY(filesystem->remove_all(files[i].path, err));
        }
    }
    return GLY_OK;
}

static gly_str file_name(gly_str path) {
    size_t start = path.size;
    while (start > 0 && path.data[start - 1] != '/') {
        start--;
    }
    return (gly_str){path.data + start, path.size - start};
}

static gly_status do_move(gly_commit *commit, gly_str from, gly_str to, move_list *done,
                          gly_error *err) {
    GLY_TRY(commit->filesystem->rename(from, to, err));
    gly_array_push(done, ((move){from, to}));
    return GLY_OK;
}

/* Every file readers see now, to the same relative place below `old`. */
static gly_status move_old(gly_commit *commit, move_list *done, gly_error *err) {
    uint32_t count;
    gly_file_info *files;
    gly_str old = old_directory(commit, commit->job);
    GLY_TRY(commit->filesystem->list(commit->arena, commit->path, &count, &files, err));
    for (uint32_t i = 0; i < count; i++) {
        gly_str relative = {files[i].path.data + commit->path.size + 1,
                            files[i].path.size - commit->path.size - 1};
        gly_str to = gly_commit_join(commit->arena, old, relative);
        GLY_TRY(do_move(commit, files[i].path, to, done, err));
    }
    return GLY_OK;
}

static gly_status move_new(gly_commit *commit, uint32_t file_count, const gly_pending_file *files,
                           move_list *done, gly_error *err) {
    for (uint32_t i = 0; i < file_count; i++) {
        gly_str to = gly_commit_join(commit->arena, commit->path, file_name(files[i].path));
        GLY_TRY(do_move(commit, files[i].path, to, done, err));
    }
    return gly_commit_write_success(commit, err);
}

gly_status gly_commit_rename_finish(gly_commit *commit, uint32_t file_count,
                                    const gly_pending_file *files, bool *ret_keep_temporary,
                                    gly_error *err) {
    move_list done = {0};
    gly_status status = GLY_OK;
    *ret_keep_temporary = false;
    if (commit->mode == GLY_WRITE_OVERWRITE) {
        status = move_old(commit, &done, err);
    }
    if (status == GLY_OK) {
        status = move_new(commit, file_count, files, &done, err);
    }
    if (status != GLY_OK) { /* back to where everything was, newest move first */
        for (size_t i = done.count; i-- > 0;) {
            gly_error ignored;
            if (commit->filesystem->rename(done.items[i].to, done.items[i].from, &ignored) !=
                GLY_OK) {
                gly_error_add(err, "%.*s could not be put back and is still %.*s",
                              GLY_STR_ARG(done.items[i].from), GLY_STR_ARG(done.items[i].to));
                *ret_keep_temporary = true; /* it has the only copy of something */
            }
        }
    }
    gly_array_clear(&done);
    return status;
}
