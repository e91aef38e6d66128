/* commit.c - the beginning and the end of a job's output, whatever file system it lies in.
 *
 * How files become visible is commit_rename.c's or commit_publish.c's business, what dead jobs left
 * commit_recover.c's.  Invariant: abort and a failed finish leave the files that were there before.
 */
#include "lib/base/alloc.h"
#include "lib/io/source/commit_internal.h"

static void free_commit(gly_commit *commit) {
    gly_arena_free(commit->arena);
    free(commit);
}

gly_str gly_commit_join(gly_arena *arena, gly_str directory, gly_str name) {
    return gly_str_of(
        gly_arena_format(arena, "%.*s/%.*s", GLY_STR_ARG(directory), GLY_STR_ARG(name)));
}

bool gly_commit_is_of_job(gly_str path, gly_str job) {
    size_t start = path.size;
    while (start > 0 && path.data[start - 1] != '/') {
        start--;
    }
    const char *end = path.data + path.size;
    const char *from = path.data + start;
    const char *found = memmem(from, (size_t)(end - from), job.data, job.size);
    if (found == NULL || found == from || found[-1] != '-') {
        return false;
    }
    const char *behind = found + job.size; /* another job's id may begin like this one's */
    return behind == end || *behind == '.' ||
           (*behind == '-' && behind + 1 < end && behind[1] == 'c');
}

/* ---- small files --------------------------------------------------------------------------------
 */

static gly_status write_file(gly_commit *commit, gly_str path, gly_str text, gly_error *err) {
    gly_file_writer *writer;
    GLY_TRY(commit->filesystem->create(path, &writer, err));
    gly_status status = writer->write(writer, text.data, text.size, err);
    if (status != GLY_OK) {
        writer->abort(writer);
        return status;
    }
    return writer->finish(writer, err);
}

gly_status gly_commit_write_owner(gly_commit *commit, gly_commit_phase phase, gly_error *err) {
    gly_builder text = {0};
    gly_commit_owner_format(phase, &text);
    gly_str path = gly_commit_join(commit->arena, commit->directory, GLY_STR("owner"));
    gly_status status = write_file(commit, path, gly_builder_str(&text), err);
    gly_builder_clear(&text);
    return status;
}

gly_status gly_commit_write_success(gly_commit *commit, gly_error *err) {
    gly_str path = gly_commit_join(commit->arena, commit->path, GLY_STR("_SUCCESS"));
    return write_file(commit, path, (gly_str){"", 0}, err);
}

/* ---- beginning ----------------------------------------------------------------------------------
 */

/* Is something there already: a file, or a directory with files that readers would see?  A
 * directory is listed only if the mode wants to know. */
static gly_status has_output(gly_commit *commit, bool *ret, bool *ret_is_file, gly_error *err) {
    const gly_filesystem *filesystem = commit->filesystem;
    gly_file_info info;
    *ret = *ret_is_file = false;
    gly_status status = filesystem->stat(commit->arena, commit->path, &info, err);
    if (status == GLY_E_PATH_NOT_FOUND) {
        return GLY_OK;
    }
    GLY_TRY(status);
    *ret_is_file = !info.is_directory;
    bool must_know = commit->mode == GLY_WRITE_ERROR_IF_EXISTS || commit->mode == GLY_WRITE_IGNORE;
    if (!info.is_directory || !must_know) {
        *ret = !info.is_directory;
        return GLY_OK;
    }
    uint32_t count;
    gly_file_info *files;
    GLY_TRY(filesystem->list(commit->arena, commit->path, &count, &files, err));
    gly_error ignored;
    gly_str success = gly_commit_join(commit->arena, commit->path, GLY_STR("_SUCCESS"));
    *ret = count > 0 || filesystem->stat(commit->arena, success, &info, &ignored) == GLY_OK;
    return GLY_OK;
}

static gly_status begin(gly_commit *commit, bool *ret_skip, gly_error *err) {
    bool is_there;
    bool is_file;
    *ret_skip = false;
    GLY_TRY(gly_commit_recover(commit, err));
    GLY_TRY(has_output(commit, &is_there, &is_file, err));
    if (is_there && commit->mode == GLY_WRITE_ERROR_IF_EXISTS) {
        return gly_fail(err, GLY_E_PATH_EXISTS,
                        "path %.*s already exists; write with mode overwrite or append, or to "
                        "another path",
                        GLY_STR_ARG(commit->path));
    }
    if (is_there && commit->mode == GLY_WRITE_IGNORE) {
        *ret_skip = true;
        return GLY_OK;
    }
    if (is_file) {
        return gly_fail(err, GLY_E_PATH_EXISTS,
                        "%.*s is a file; the output of a query is a directory",
                        GLY_STR_ARG(commit->path));
    }
    return gly_commit_write_owner(commit, GLY_COMMIT_WRITING, err);
}

gly_status gly_commit_begin(gly_str path, gly_write_mode mode, gly_str job_id, bool *ret_skip,
                            gly_commit **ret, gly_error *err) {
    const gly_filesystem *filesystem;
    GLY_TRY(gly_filesystem_find(path, &filesystem, err));
    while (path.size > 1 && path.data[path.size - 1] == '/') {
        path.size--;
    }
    if (path.size == 0 || gly_str_equal(path, GLY_STR("/"))) {
        return gly_fail(err, GLY_E_INVALID_ARGUMENT, "\"%.*s\" is no directory to write to",
                        GLY_STR_ARG(path));
    }
    gly_commit *commit = GLY_NEW(gly_commit);
    commit->filesystem = filesystem;
    commit->arena = gly_arena_make();
    commit->path = gly_arena_str(commit->arena, path);
    commit->temporary = gly_commit_join(commit->arena, path, GLY_STR("_temporary"));
    commit->job = gly_arena_str(commit->arena, job_id);
    commit->directory = gly_commit_join(commit->arena, commit->temporary, job_id);
    commit->mode = mode;
    gly_status status = begin(commit, ret_skip, err);
    if (status != GLY_OK || *ret_skip) {
        free_commit(commit);
        *ret = NULL;
        return status;
    }
    *ret = commit;
    return GLY_OK;
}

gly_str gly_commit_task_directory(const gly_commit *commit) { return commit->directory; }

/* ---- the end ------------------------------------------------------------------------------------
 */

gly_status gly_commit_finish(gly_commit *commit, uint32_t file_count, const gly_pending_file *files,
                             gly_error *err) {
    bool keep_temporary;
    gly_status status =
        commit->filesystem->publish != NULL
            ? gly_commit_publish_finish(commit, file_count, files, &keep_temporary, err)
            : gly_commit_rename_finish(commit, file_count, files, &keep_temporary, err);
    if (keep_temporary) {
        free_commit(commit);
    } else {
        gly_commit_abort(commit);
    }
    return status;
}

void gly_commit_abort(gly_commit *commit) {
    if (commit != NULL) {
        const gly_filesystem *filesystem = commit->filesystem;
        gly_error ignored;
        if (filesystem->publish == NULL) {
            gly_str old = gly_str_of(
                gly_arena_format(commit->arena, "%.*s.old", GLY_STR_ARG(commit->directory)));
            (void)!filesystem->remove_all(old, &ignored);
        }
        (void)!filesystem->remove_all(commit->directory, &ignored);
        if (filesystem->remove_empty != NULL) {
            filesystem->remove_empty(commit->temporary);
        }
        free_commit(commit);
    }
}
