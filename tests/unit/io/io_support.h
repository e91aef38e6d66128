/* io_support.h - a temporary directory per test program, and small files in it. */
#ifndef GLY_IO_SUPPORT_H
#define GLY_IO_SUPPORT_H

#include "lib/base/arena.h"
#include "lib/io/fs/filesystem.h"
#include "tests/support/check.h"

#include <stdlib.h>
#include <unistd.h>

/* A fresh directory; removed by gly_io_remove. */
static inline gly_str gly_io_directory(gly_arena *arena) {
    const char *base = getenv("TMPDIR");
    char *path = gly_arena_format(arena, "%s/galley-io-XXXXXX", base == NULL ? "/tmp" : base);
    if (mkdtemp(path) == NULL) {
        fprintf(stderr, "no temporary directory can be made at %s\n", path);
        exit(1);
    }
    return gly_str_of(path);
}

static inline const gly_filesystem *gly_io_filesystem(void) {
    const gly_filesystem *filesystem = NULL;
    gly_error err;
    GLY_CHECK_OK(gly_filesystem_find(GLY_STR("/"), &filesystem, &err), &err);
    return filesystem;
}

static inline void gly_io_remove(gly_str path) {
    gly_error err;
    GLY_CHECK_OK(gly_io_filesystem()->remove_all(path, &err), &err);
}

static inline gly_str gly_io_path(gly_arena *arena, gly_str directory, const char *name) {
    return gly_str_of(gly_arena_format(arena, "%.*s/%s", GLY_STR_ARG(directory), name));
}

static inline void gly_io_write(gly_str path, const void *bytes, size_t size) {
    gly_error err;
    gly_file_writer *writer = NULL;
    GLY_CHECK_OK(gly_io_filesystem()->create(path, &writer, &err), &err);
    GLY_CHECK_OK(writer->write(writer, bytes, size, &err), &err);
    GLY_CHECK_OK(writer->finish(writer, &err), &err);
}

static inline gly_str gly_io_read(gly_arena *arena, gly_str path) {
    gly_error err;
    gly_file *file = NULL;
    GLY_CHECK_OK(gly_io_filesystem()->open(path, &file, &err), &err);
    char *bytes = gly_arena_alloc(arena, file->size_bytes + 1);
    GLY_CHECK_OK(file->read_at(file, 0, file->size_bytes, bytes, &err), &err);
    gly_str result = {bytes, file->size_bytes};
    file->close(file);
    return result;
}

static inline bool gly_io_exists(gly_str path) {
    gly_arena *arena = gly_arena_make();
    gly_file_info info;
    gly_error err;
    bool result = gly_io_filesystem()->stat(arena, path, &info, &err) == GLY_OK;
    gly_arena_free(arena);
    return result;
}

#endif
