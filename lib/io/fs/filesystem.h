/* filesystem.h - files wherever they lie: one small face, one implementation per scheme.
 *
 * Paths: "s3://bucket/key", "file:///x" or plain local paths; the scheme chooses the row of
 * filesystems.def.  Thread rules: an open gly_file may be read by many threads at once; a
 * gly_file_writer belongs to one.
 */
#ifndef GLY_FILESYSTEM_H
#define GLY_FILESYSTEM_H

#include "lib/base/arena.h"
#include "lib/base/budget.h"

typedef struct gly_file gly_file;
typedef struct gly_file_read gly_file_read; /* a read under way; the file system's own */
typedef struct gly_file_writer gly_file_writer;
typedef struct gly_file_info {
    gly_str path; /* complete, as it can be opened */
    uint64_t size_bytes;
    int64_t modified_ms; /* since 1970 UTC; 0: unknown */
    bool is_directory;
} gly_file_info;

/* A file that was written but must not be seen yet. */
typedef struct gly_pending_file {
    gly_str path;  /* as it was given to create */
    gly_str token; /* what its writer put into writer->token */
} gly_pending_file;

typedef struct gly_filesystem {
    const char *scheme; /* "file" */
    bool is_remote;     /* a request costs milliseconds: make few, and many at once */
    gly_status (*open)(gly_str path, gly_file **ret, gly_error *err);
    gly_status (*create)(gly_str path, gly_file_writer **ret, gly_error *err);
    gly_status (*stat)(gly_arena *arena, gly_str path, gly_file_info *ret, gly_error *err);
    /* Files below path at any depth, sorted by path; names that start with "_" or "." are hidden.
     */
    gly_status (*list)(gly_arena *arena, gly_str path, uint32_t *ret_count, gly_file_info **ret,
                       gly_error *err);
    /* As list, of all files whose paths begin with this text, in whatever directory; NULL: not
     * cheaper than list.  May be empty. */
    gly_status (*list_prefix)(gly_arena *arena, gly_str prefix, uint32_t *ret_count,
                              gly_file_info **ret, gly_error *err);
    gly_status (*rename)(gly_str from, gly_str to, gly_error *err); /* replaces; makes parents */
    gly_status (*remove_all)(gly_str path, gly_error *err);     /* file or tree; absent is fine */
    gly_status (*make_directory)(gly_str path, gly_error *err); /* with parents; present is fine */
    /* Removes a directory if nothing is in it; NULL: there are no directories. */
    void (*remove_empty)(gly_str path);

    /* Object stores, which have no cheap rename (NULL: use rename).  What is created as
     * <dir>/_temporary/<job>/<task>/<name> will be <dir>/<name>: finish leaves it invisible and
     * gives a token, publish makes it visible, and remove_all of <dir>/_temporary/<job> (or of a
     * task's part) forgets what was not published. */
    /* All or none, as far as the server lets us; files that are there are replaced. */
    gly_status (*publish)(uint32_t count, const gly_pending_file *files, gly_error *err);
    gly_status (*remove_files)(uint32_t count, const gly_str *paths, gly_error *err);
} gly_filesystem;

struct gly_file {
    const gly_filesystem *filesystem;
    uint64_t size_bytes;
    /* Reads exactly length bytes at offset (the caller checked size_bytes). */
    gly_status (*read_at)(gly_file *file, uint64_t offset, size_t length, void *buffer,
                          gly_error *err);
    void (*close)(gly_file *file); /* reads under way must be finished or cancelled */
    gly_str path;                  /* for messages; owned by the file */
    /* Files that are far away can be read ahead (NULL: they need not be; use read_at).  start_read
     * never waits; finish_read waits until buffer is filled and frees the read, also after a
     * failure. */
    gly_file_read *(*start_read)(gly_file *file, uint64_t offset, size_t length, void *buffer);
    gly_status (*finish_read)(gly_file *file, gly_file_read *read, gly_error *err);
    void (*cancel_read)(gly_file *file, gly_file_read *read);
};

struct gly_file_writer {
    gly_status (*write)(gly_file_writer *writer, const void *bytes, size_t size, gly_error *err);
    /* Makes the file complete and visible under its path; frees the writer, also on failure. */
    gly_status (*finish)(gly_file_writer *writer, gly_error *err);
    void (*abort)(gly_file_writer *writer); /* removes what was written; frees the writer */
    gly_str path;
    uint64_t size_bytes; /* written so far */
    /* May be set before the first write: what buffers are charged to, and where finish puts the
     * token of a file that is not to be seen yet (file systems with publish; needed for their
     * pending files). */
    gly_budget *budget;
    gly_builder *token;
};

/* The file system of a path, by its scheme.  UNSUPPORTED for an unknown scheme. */
GLY_NODISCARD gly_status gly_filesystem_find(gly_str path, const gly_filesystem **ret,
                                             gly_error *err);
/* Expands a path with * ? [..] and {a,b}, a directory (all files below) or a file into files.
 * PATH_NOT_FOUND if nothing is there. */
GLY_NODISCARD gly_status gly_filesystem_expand(gly_arena *arena, gly_str path, uint32_t *ret_count,
                                               gly_file_info **ret, gly_error *err);
#endif
