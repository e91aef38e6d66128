/* commit.c - a job's output becomes visible in renames at the very end.
 *
 *   <dir>/_temporary/<job>/...      tasks write here (hidden from readers)
 *   <dir>/_temporary/<job>.old/...  OVERWRITE: what was there, while the new files move in
 *
 * OVERWRITE moves the old files aside, moves the new ones in and only then removes the old; if a
 * move fails, what was moved goes back.  Invariant: abort and a failed finish leave the files that
 * were there before.  What a killed job left below _temporary is removed by the next begin; if it
 * was killed while files moved, begin first puts the old ones back.
 */
#include "lib/io/source/commit.h"

#include "lib/base/alloc.h"
#include "lib/base/array.h"
#include "lib/base/clock.h"
#include "lib/io/fs/filesystem.h"

struct gly_commit {
    const gly_filesystem *filesystem;
    gly_arena *arena;
    gly_str path;      /* without slashes at the end */
    gly_str temporary; /* <path>/_temporary */
    gly_str directory; /* <path>/_temporary/<job> */
    gly_str old;       /* <path>/_temporary/<job>.old */
    gly_write_mode mode;
};

typedef struct move {
    gly_str from, to;
} move;
typedef GLY_ARRAY(move) move_list;

static void free_commit(gly_commit *commit) {
    gly_arena_free(commit->arena);
    free(commit);
}

static gly_str join(gly_arena *arena, gly_str directory, gly_str name) {
    return gly_str_of(
        gly_arena_format(arena, "%.*s/%.*s", GLY_STR_ARG(directory), GLY_STR_ARG(name)));
}

/* Is something there already: a file, or a directory with files that readers would see? */
static gly_status has_output(gly_arena *arena, const gly_filesystem *filesystem, gly_str path,
                             bool *ret, gly_error *err) {
    gly_file_info info;
    gly_error ignored;
    *ret = false;
    if (filesystem->stat(arena, path, &info, &ignored) != GLY_OK) {
        return GLY_OK;
    }
    if (!info.is_directory) {
        *ret = true;
        return GLY_OK;
    }
    uint32_t count;
    gly_file_info *files;
    GLY_TRY(filesystem->list(arena, path, &count, &files, err));
    bool has_success =
        filesystem->stat(arena, join(arena, path, GLY_STR("_SUCCESS")), &info, &ignored) == GLY_OK;
    *ret = count > 0 || has_success;
    return GLY_OK;
}

/* A job was killed while its files moved: <job>.old has files.  Puts them back and removes those
 * new files that had arrived (their names have the job's id). */
static gly_status recover(gly_commit *commit, gly_error *err) {
    const gly_filesystem *filesystem = commit->filesystem;
    gly_arena *arena = commit->arena;
    gly_file_info info;
    gly_error ignored;
    uint32_t count;
    gly_file_info *files;
    if (filesystem->stat(arena, commit->temporary, &info, &ignored) != GLY_OK) {
        return GLY_OK;
    }
    GLY_TRY(filesystem->list(arena, commit->temporary, &count, &files, err));
    for (uint32_t i = 0; i < count; i++) {
        size_t skip = commit->temporary.size + 1;
        gly_str rest = {files[i].path.data + skip, files[i].path.size - skip};
        const char *slash = memchr(rest.data, '/', rest.size);
        gly_str top = {rest.data, slash == NULL ? 0 : (size_t)(slash - rest.data)};
        if (!gly_str_ends_with(top, GLY_STR(".old"))) {
            continue;
        }
        gly_str relative = {slash + 1, rest.size - top.size - 1};
        GLY_TRY(filesystem->rename(files[i].path, join(arena, commit->path, relative), err));
        uint32_t present_count;
        gly_file_info *present;
        GLY_TRY(filesystem->list(arena, commit->path, &present_count, &present, err));
        for (uint32_t p = 0; p < present_count; p++) {
            const char *id =
                memmem(present[p].path.data, present[p].path.size, top.data, top.size - 4);
            if (id != NULL) {
                GLY_TRY(filesystem->remove_all(present[p].path, err));
            }
        }
    }
    return GLY_OK;
}

static gly_status begin(gly_commit *commit, bool *ret_skip, gly_error *err) {
    const gly_filesystem *filesystem = commit->filesystem;
    gly_file_info info;
    gly_error ignored;
    bool is_there;
    *ret_skip = false;
    GLY_TRY(recover(commit, err));
    GLY_TRY(has_output(commit->arena, filesystem, commit->path, &is_there, err));
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
    if (filesystem->stat(commit->arena, commit->path, &info, &ignored) == GLY_OK &&
        !info.is_directory) {
        return gly_fail(err, GLY_E_PATH_EXISTS,
                        "%.*s is a file; the output of a query is a directory",
                        GLY_STR_ARG(commit->path));
    }
    GLY_TRY(filesystem->remove_all(commit->temporary, err)); /* of jobs that were killed */
    return filesystem->make_directory(commit->directory, err);
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
    commit->temporary = join(commit->arena, path, GLY_STR("_temporary"));
    commit->directory = join(commit->arena, commit->temporary, job_id);
    commit->old =
        gly_str_of(gly_arena_format(commit->arena, "%.*s.old", GLY_STR_ARG(commit->directory)));
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
    GLY_TRY(commit->filesystem->list(commit->arena, commit->path, &count, &files, err));
    for (uint32_t i = 0; i < count; i++) {
        gly_str relative = {files[i].path.data + commit->path.size + 1,
                            files[i].path.size - commit->path.size - 1};
        GLY_TRY(
            do_move(commit, files[i].path, join(commit->arena, commit->old, relative), done, err));
    }
    return GLY_OK;
}

static gly_status write_success(gly_commit *commit, gly_error *err) {
    gly_file_writer *writer;
    gly_str path = join(commit->arena, commit->path, GLY_STR("_SUCCESS"));
    GLY_TRY(commit->filesystem->create(path, &writer, err));
    return writer->finish(writer, err);
}

static gly_status move_new(gly_commit *commit, uint32_t file_count, const gly_str *files,
                           move_list *done, gly_error *err) {
    for (uint32_t i = 0; i < file_count; i++) {
        gly_str to = join(commit->arena, commit->path, file_name(files[i]));
        GLY_TRY(do_move(commit, files[i], to, done, err));
    }
    return write_success(commit, err);
}

gly_status gly_commit_finish(gly_commit *commit, uint32_t file_count, const gly_str *files,
                             gly_error *err) {
    move_list done = {0};
    gly_status status = GLY_OK;
    if (commit->mode == GLY_WRITE_OVERWRITE) {
        status = move_old(commit, &done, err);
    }
    if (status == GLY_OK) {
        status = move_new(commit, file_count, files, &done, err);
    }
    bool is_restored = true;
    if (status != GLY_OK) { /* back to where everything was, newest move first */
        for (size_t i = done.count; i-- > 0;) {
            gly_error ignored;
            if (commit->filesystem->rename(done.items[i].to, done.items[i].from, &ignored) !=
                GLY_OK) {
                gly_error_add(err, "%.*s could not be put back and is still %.*s",
                              GLY_STR_ARG(done.items[i].from), GLY_STR_ARG(done.items[i].to));
                is_restored = false;
            }
        }
    }
    gly_array_clear(&done);
    if (is_restored) {
        gly_commit_abort(commit);
    } else {
        free_commit(commit); /* _temporary keeps the only copy of something */
    }
    return status;
}

void gly_commit_abort(gly_commit *commit) {
    if (commit != NULL) {
        gly_error ignored;
        (void)!commit->filesystem->remove_all(commit->temporary, &ignored);
        free_commit(commit);
    }
}
