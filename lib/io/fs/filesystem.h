/* filesystem.h - files wherever they lie: one small face, one implementation per scheme.
 *
 * Paths: "s3://bucket/key", "file:///x" or plain local paths; the scheme chooses the row of
 * filesystems.def.  Thread rules: an open gly_file may be read by many threads at once; a
 * gly_file_writer belongs to one.
 */
#ifndef GLY_FILESYSTEM_H
#define GLY_FILESYSTEM_H

#include "lib/base/arena.h"

typedef struct gly_file gly_file;
typedef struct gly_file_writer gly_file_writer;
typedef struct gly_file_info {
    gly_str path; /* complete, as it can be opened */
    uint64_t size_bytes;
    int64_t modified_ms; /* since 1970 UTC; 0: unknown */
    bool is_directory;
} gly_file_info;

typedef struct gly_filesystem {
    const char *scheme; /* "file" */
    gly_status (*open)(gly_str path, gly_file **ret, gly_error *err);
    gly_status (*create)(gly_str path, gly_file_writer **ret, gly_error *err);
    gly_status (*stat)(gly_arena *arena, gly_str path, gly_file_info *ret, gly_error *err);
    /* Files below path at any depth, sorted by path; names that start with "_" or "." are hidden.
     */
    gly_status (*list)(gly_arena *arena, gly_str path, uint32_t *ret_count, gly_file_info **ret,
                       gly_error *err);
    gly_status (*rename)(gly_str from, gly_str to, gly_error *err); /* replaces; makes parents */
    gly_status (*remove_all)(gly_str path, gly_error *err);     /* file or tree; absent is fine */
    gly_status (*make_directory)(gly_str path, gly_error *err); /* with parents; present is fine */
} gly_filesystem;

struct gly_file {
    const gly_filesystem *filesystem;
    uint64_t size_bytes;
    /* Reads exactly length bytes at offset (the caller checked size_bytes). */
    gly_status (*read_at)(gly_file *file, uint64_t offset, size_t length, void *buffer,
                          gly_error *err);
    void (*close)(gly_file *file);
    gly_str path; /* for messages; owned by the file */
};

struct gly_file_writer {
    gly_status (*write)(gly_file_writer *writer, const void *bytes, size_t size, gly_error *err);
    /* Makes the file complete and visible under its path; frees the writer, also on failure. */
    gly_status (*finish)(gly_file_writer *writer, gly_error *err);
    void (*abort)(gly_file_writer *writer); /* removes what was written; frees the writer */
    gly_str path;
    uint64_t size_bytes; /* written so far */
};

/* The file system of a path, by its scheme.  UNSUPPORTED for an unknown scheme. */
GLY_NODISCARD gly_status gly_filesystem_find(gly_str path, const gly_filesystem **ret,
                                             gly_error *err);
/* Expands a path with * ? [..] and {a,b}, a directory (all files below) or a file into files.
 * PATH_NOT_FOUND if nothing is there. */
GLY_NODISCARD gly_status gly_filesystem_expand(gly_arena *arena, gly_str path, uint32_t *ret_count,
                                               gly_file_info **ret, gly_error *err);
#endif
