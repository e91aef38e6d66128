/* fs_local.c - the local file system behind gly_filesystem: pread, buffered writes, rename.
 *
 * Why pread and not mmap: pages of a mapping count against the container's memory and an I/O error
 * would be a SIGBUS; a pread error is a value.  A writer fills ".<name>.<unique>.tmp" next to its
 * target (hidden from listings) and renames it when it is complete, so that a file under its final
 * name is always whole.
 *
 * Invariant: paths given out (list, stat) can be opened again as they are, scheme included if the
 * caller used one.  Globbing is in filesystem.c.
 */
#include "lib/io/fs/fs_local.h"

#include "lib/base/alloc.h"
#include "lib/base/array.h"
#include "lib/base/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WRITE_BUFFER_BYTES = 256 * 1024, LARGEST_READ = 1 << 30 };

typedef struct local_file {
    gly_file base;
    int fd;
} local_file;

typedef struct local_writer {
    gly_file_writer base;
    int fd;
    char *temporary; /* where the bytes are until finish */
    char *target;
    char *buffer;
    size_t buffered;
} local_writer;

/* The path the kernel knows, NUL-terminated, to be freed. */
static char *native_path(gly_str path) {
    if (gly_str_starts_with(path, GLY_STR("file://"))) {
        path.data += 7;
        path.size -= 7;
    } else if (gly_str_starts_with(path, GLY_STR("file:"))) {
        path.data += 5;
        path.size -= 5;
    }
    char *native = gly_alloc(path.size + 1);
    if (path.size > 0) {
        memcpy(native, path.data, path.size);
    }
    native[path.size] = '\0';
    return native;
}

static void free_text(char **text) { free(*text); }
#define OWNED GLY_CLEANUP(free_text) char *

static gly_status not_there(gly_str path, gly_error *err) {
    return gly_fail(err, GLY_E_PATH_NOT_FOUND, "path %.*s does not exist", GLY_STR_ARG(path));
}

static gly_status failed(int code, const char *what, gly_str path, gly_error *err) {
    if (code == ENOENT || code == ENOTDIR) {
        return not_there(path, err);
    }
    return gly_error_from_errno(err, code, "could not %s %.*s", what, GLY_STR_ARG(path));
}

/* ---- reading -------------------------------------------------------------------------------- */

static gly_status read_at(gly_file *file, uint64_t offset, size_t length, void *buffer,
                          gly_error *err) {
    local_file *mine = (local_file *)file;
    char *to = buffer;
    while (length > 0) {
        ssize_t got = pread(mine->fd, to, GLY_MIN(length, (size_t)LARGEST_READ), (off_t)offset);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return failed(errno, "read", file->path, err);
        }
        if (got == 0) {
            return gly_fail(err, GLY_E_IO, "%.*s ends at byte %llu, %zu bytes before it should",
                            GLY_STR_ARG(file->path), (unsigned long long)offset, length);
        }
        to += got;
        offset += (uint64_t)got;
        length -= (size_t)got;
    }
    return GLY_OK;
}

static void close_file(gly_file *file) {
    if (file != NULL) {
        local_file *mine = (local_file *)file;
        close(mine->fd);
        free((char *)(uintptr_t)file->path.data);
        free(mine);
    }
}

static gly_str own_text(gly_str text) {
    char *copy = gly_alloc(text.size + 1);
    if (text.size > 0) {
        memcpy(copy, text.data, text.size);
    }
    copy[text.size] = '\0';
    return (gly_str){copy, text.size};
}

static gly_status open_file(gly_str path, gly_file **ret, gly_error *err) {
    OWNED native = native_path(path);
    int fd = open(native, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return failed(errno, "open", path, err);
    }
    struct stat info;
    if (fstat(fd, &info) != 0) {
        gly_status status = failed(errno, "stat", path, err);
        close(fd);
        return status;
    }
    if (S_ISDIR(info.st_mode)) {
        close(fd);
        return gly_fail(err, GLY_E_IO, "%.*s is a directory, not a file", GLY_STR_ARG(path));
    }
    local_file *mine = GLY_NEW(local_file);
    mine->base = (gly_file){.filesystem = &gly_fs_local,
                            .size_bytes = (uint64_t)info.st_size,
                            .read_at = read_at,
                            .close = close_file,
                            .path = own_text(path)};
    mine->fd = fd;
    *ret = &mine->base;
    return GLY_OK;
}

/* ---- writing -------------------------------------------------------------------------------- */

static gly_status write_all(local_writer *mine, const char *bytes, size_t size, gly_error *err) {
    while (size > 0) {
        ssize_t put = write(mine->fd, bytes, GLY_MIN(size, (size_t)LARGEST_READ));
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put < 0) {
            return gly_error_from_errno(err, errno, "could not write %.*s",
                                        GLY_STR_ARG(mine->base.path));
        }
        bytes += put;
        size -= (size_t)put;
    }
    return GLY_OK;
}

static gly_status writer_write(gly_file_writer *writer, const void *bytes, size_t size,
                               gly_error *err) {
    local_writer *mine = (local_writer *)writer;
    if (size == 0) {
        return GLY_OK;
    }
    if (mine->buffered + size > WRITE_BUFFER_BYTES) {
        GLY_TRY(write_all(mine, mine->buffer, mine->buffered, err));
        mine->buffered = 0;
    }
    if (size >= WRITE_BUFFER_BYTES) {
        GLY_TRY(write_all(mine, bytes, size, err));
    } else {
        memcpy(mine->buffer + mine->buffered, bytes, size);
        mine->buffered += size;
    }
    writer->size_bytes += size;
    return GLY_OK;
}

static void free_writer(local_writer *mine) {
    if (mine->fd >= 0) {
        close(mine->fd);
    }
    free((char *)(uintptr_t)mine->base.path.data);
    free(mine->temporary);
    free(mine->target);
    free(mine->buffer);
    free(mine);
}

static void writer_abort(gly_file_writer *writer) {
    if (writer != NULL) {
        local_writer *mine = (local_writer *)writer;
        unlink(mine->temporary);
        free_writer(mine);
    }
}

static gly_status complete(local_writer *mine, gly_error *err) {
    GLY_TRY(write_all(mine, mine->buffer, mine->buffered, err));
    int fd = mine->fd;
    mine->fd = -1;
    if (close(fd) != 0) {
        return gly_error_from_errno(err, errno, "could not close %.*s",
                                    GLY_STR_ARG(mine->base.path));
    }
    if (rename(mine->temporary, mine->target) != 0) {
        return gly_error_from_errno(err, errno, "could not put %.*s in its place",
                                    GLY_STR_ARG(mine->base.path));
    }
    return GLY_OK;
}

static gly_status writer_finish(gly_file_writer *writer, gly_error *err) {
    local_writer *mine = (local_writer *)writer;
    gly_status status = complete(mine, err);
    if (status != GLY_OK) {
        unlink(mine->temporary);
    }
    free_writer(mine);
    return status;
}

/* mkdir -p of everything before the last slash (or of all of it). */
static gly_status make_parents(char *native, bool whole, gly_str path, gly_error *err) {
    size_t size = strlen(native);
    for (size_t i = 1; i <= size; i++) {
        bool at_end = i == size;
        if ((native[i] != '/' && !at_end) || (at_end && !whole)) {
            continue;
        }
        char kept = native[i];
        native[i] = '\0';
        int result = mkdir(native, 0777);
        int code = errno;
        struct stat info;
        bool is_there = result == 0 || (stat(native, &info) == 0 && S_ISDIR(info.st_mode));
        native[i] = kept;
        if (!is_there) {
            return gly_error_from_errno(err, code, "could not make the directory of %.*s",
                                        GLY_STR_ARG(path));
        }
    }
    return GLY_OK;
}

/* A hidden name next to target that no other writer uses: opened with O_EXCL. */
static int open_temporary(const char *target, char **ret_path) {
    const char *slash = strrchr(target, '/');
    size_t parent = slash == NULL ? 0 : (size_t)(slash - target) + 1;
    size_t room = strlen(target) + 64;
    char *path = gly_alloc(room);
    int fd = -1;
    for (int attempt = 0; attempt < 100 && fd < 0; attempt++) {
        snprintf(path, room, "%.*s.%s.%ld.%lld.%d.tmp", (int)parent, target, target + parent,
                 (long)getpid(), (long long)gly_clock_ns(), attempt);
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0 && errno != EEXIST) {
            break;
        }
    }
    *ret_path = path;
    return fd;
}

static gly_status create_file(gly_str path, gly_file_writer **ret, gly_error *err) {
    char *target = native_path(path);
    char *temporary = NULL;
    gly_status status = make_parents(target, false, path, err);
    int fd = -1;
    if (status == GLY_OK) {
        fd = open_temporary(target, &temporary);
        if (fd < 0) {
            status = gly_error_from_errno(err, errno, "could not create %.*s", GLY_STR_ARG(path));
        }
    }
    if (status != GLY_OK) {
        free(target);
        free(temporary);
        return status;
    }
    local_writer *mine = GLY_NEW(local_writer);
    mine->base = (gly_file_writer){.write = writer_write,
                                   .finish = writer_finish,
                                   .abort = writer_abort,
                                   .path = own_text(path)};
    mine->fd = fd;
    mine->temporary = temporary;
    mine->target = target;
    mine->buffer = gly_alloc(WRITE_BUFFER_BYTES);
    *ret = &mine->base;
    return GLY_OK;
}

/* ---- names ---------------------------------------------------------------------------------- */

static gly_status stat_path(gly_arena *arena, gly_str path, gly_file_info *ret, gly_error *err) {
    OWNED native = native_path(path);
    struct stat info;
    if (stat(native, &info) != 0) {
        return failed(errno, "look at", path, err);
    }
    *ret = (gly_file_info){.path = gly_arena_str(arena, path),
                           .size_bytes = S_ISDIR(info.st_mode) ? 0 : (uint64_t)info.st_size,
                           .modified_ms =
                               (int64_t)info.st_mtim.tv_sec * 1000 + info.st_mtim.tv_nsec / 1000000,
                           .is_directory = S_ISDIR(info.st_mode)};
    return GLY_OK;
}

/* "_x" and ".x" are hidden, but "_x=1" is a partition directory, as in Spark. */
static bool is_hidden(const char *name) {
    return name[0] == '.' || (name[0] == '_' && strchr(name, '=') == NULL);
}

typedef GLY_ARRAY(gly_file_info) info_list;
typedef GLY_ARRAY(gly_str) path_list;

static gly_status list_one(gly_arena *arena, gly_str directory, path_list *directories,
                           info_list *files, gly_error *err) {
    OWNED native = native_path(directory);
    DIR *handle = opendir(native);
    if (handle == NULL) {
        return failed(errno, "list", directory, err);
    }
    gly_status status = GLY_OK;
    while (status == GLY_OK) {
        errno = 0;
        struct dirent *entry = readdir(handle);
        if (entry == NULL) {
            status = errno == 0 ? GLY_OK : failed(errno, "list", directory, err);
            break;
        }
        if (is_hidden(entry->d_name)) {
            continue;
        }
        bool has_slash = directory.size > 0 && directory.data[directory.size - 1] == '/';
        gly_str path = gly_str_of(gly_arena_format(arena, "%.*s%s%s", GLY_STR_ARG(directory),
                                                   has_slash ? "" : "/", entry->d_name));
        gly_file_info info;
        gly_error ignored;
        if (stat_path(arena, path, &info, &ignored) != GLY_OK) {
            continue; /* gone since, or a dangling link */
        }
        if (info.is_directory) {
            gly_array_push(directories, info.path);
        } else {
            gly_array_push(files, info);
        }
    }
    closedir(handle);
    return status;
}

static int compare_infos(const void *a, const void *b) {
    return gly_str_compare(((const gly_file_info *)a)->path, ((const gly_file_info *)b)->path);
}

enum { MOST_DIRECTORIES = 1000000 }; /* a link that points upwards must not list for ever */

static gly_status list_path(gly_arena *arena, gly_str path, uint32_t *ret_count,
                            gly_file_info **ret, gly_error *err) {
    gly_file_info top;
    GLY_TRY(stat_path(arena, path, &top, err));
    info_list files = {0};
    path_list directories = {0};
    gly_status status = GLY_OK;
    if (top.is_directory) {
        gly_array_push(&directories, path);
    } else {
        gly_array_push(&files, top);
    }
    for (size_t i = 0; status == GLY_OK && i < directories.count; i++) {
        gly_str next = directories.items[i];
        if (i >= MOST_DIRECTORIES) {
            status = gly_fail(err, GLY_E_IO, "%.*s has more than %d directories below it",
                              GLY_STR_ARG(path), MOST_DIRECTORIES);
            break;
        }
        status = list_one(arena, next, &directories, &files, err);
    }
    if (status == GLY_OK) {
        if (files.count > 1) {
            qsort(files.items, files.count, sizeof *files.items, compare_infos);
        }
        *ret_count = (uint32_t)files.count;
        *ret = gly_arena_copy(arena, files.items, files.count * sizeof *files.items);
    }
    gly_array_clear(&files);
    gly_array_clear(&directories);
    return status;
}

static gly_status rename_path(gly_str from, gly_str to, gly_error *err) {
    OWNED native_from = native_path(from);
    OWNED native_to = native_path(to);
    GLY_TRY(make_parents(native_to, false, to, err));
    if (rename(native_from, native_to) != 0) {
        return failed(errno, "rename", from, err);
    }
    return GLY_OK;
}

/* Removes what lies in directory; true if everything went.  Depth is bounded by PATH_MAX. */
static bool empty_directory(int parent_fd, const char *name) {
    int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *handle = fd < 0 ? NULL : fdopendir(fd);
    if (handle == NULL) {
        if (fd >= 0) {
            close(fd);
        }
        return false;
    }
    bool all_gone = true;
    struct dirent *entry;
    while ((entry = readdir(handle)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        if (unlinkat(fd, entry->d_name, 0) == 0 || errno == ENOENT) {
            continue;
        }
        if (!empty_directory(fd, entry->d_name) ||
            (unlinkat(fd, entry->d_name, AT_REMOVEDIR) != 0 && errno != ENOENT)) {
            all_gone = false;
        }
    }
    closedir(handle);
    return all_gone;
}

static gly_status remove_path(gly_str path, gly_error *err) {
    OWNED native = native_path(path);
    if (unlink(native) == 0 || errno == ENOENT || errno == ENOTDIR) {
        return GLY_OK;
    }
    if (errno != EISDIR && errno != EPERM) {
        return failed(errno, "remove", path, err);
    }
    empty_directory(AT_FDCWD, native);
    if (rmdir(native) != 0 && errno != ENOENT) {
        return failed(errno, "remove", path, err);
    }
    return GLY_OK;
}

static gly_status make_directory(gly_str path, gly_error *err) {
    OWNED native = native_path(path);
    return make_parents(native, true, path, err);
}

static void remove_empty(gly_str path) {
    OWNED native = native_path(path);
    (void)!rmdir(native);
}

const gly_filesystem gly_fs_local = {
    .scheme = "file",
    .open = open_file,
    .create = create_file,
    .stat = stat_path,
    .list = list_path,
    .rename = rename_path,
    .remove_all = remove_path,
    .make_directory = make_directory,
    .remove_empty = remove_empty,
};
