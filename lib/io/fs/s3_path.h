/* s3_path.h - "s3://bucket/key", and where files go that are not to be seen yet. */
#ifndef GLY_S3_PATH_H
#define GLY_S3_PATH_H

#include "lib/base/arena.h"

typedef struct gly_s3_path {
    gly_str scheme; /* "s3" or "s3a", as written */
    gly_str bucket;
    gly_str key; /* empty: the bucket itself */
} gly_s3_path;

/* Texts point into path.  INVALID_ARGUMENT if there is no bucket or its name cannot be one. */
GLY_NODISCARD gly_status gly_s3_path_parse(gly_str path, gly_s3_path *ret, gly_error *err);
/* The key as the prefix of what is below it: with one "/" at its end, or empty. */
gly_str gly_s3_path_prefix(gly_arena *arena, gly_str key);
/* Is key "<dir>/_temporary/<job>/<task>/<name>"?  Then *ret is "<dir>/<name>". */
bool gly_s3_path_pending(gly_arena *arena, gly_str key, gly_str *ret);
/* The object that says that an upload may exist: the pending key with ".upload" behind it. */
gly_str gly_s3_path_record(gly_arena *arena, gly_str pending_key);
/* The pending key of such an object; false if it is none. */
bool gly_s3_path_of_record(gly_str key, gly_str *ret);

#endif
