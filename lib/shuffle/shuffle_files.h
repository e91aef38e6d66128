/* shuffle_files.h - names of shuffle files, and a few of them kept open.
 *
 * A stage of 200 tasks behind 200 maps reads 40,000 pieces of 200 files: an executor opens each
 * file once and reads pieces by offset.  All functions are thread-safe.
 */
#ifndef GLY_SHUFFLE_FILES_H
#define GLY_SHUFFLE_FILES_H

#include "lib/base/arena.h"

typedef struct gly_shuffle_files gly_shuffle_files;

gly_shuffle_files *gly_shuffle_files_make(uint32_t max_open) __attribute__((returns_nonnull));
void gly_shuffle_files_free(gly_shuffle_files *files); /* accepts NULL */
/* Exactly size bytes at offset; opens path if it is not open.  PATH_NOT_FOUND, IO. */
GLY_NODISCARD gly_status gly_shuffle_files_read_at(gly_shuffle_files *files, gly_str path,
                                                   uint64_t offset, size_t size, void *buffer,
                                                   gly_error *err);
/* "<local_dir>/shuffle-<query>-<shuffle>-<map partition>-<task id>.data" (query in hex). */
char *gly_shuffle_files_path(gly_arena *arena, const char *local_dir, uint64_t query_id,
                             uint32_t shuffle_id, uint32_t map_partition, uint64_t task_id);
/* Closes and deletes the files of one shuffle, or of all shuffles of the query (shuffle_id
 * UINT32_MAX), whatever map tasks wrote them.  Returns how many were deleted. */
uint32_t gly_shuffle_files_remove(gly_shuffle_files *files, const char *local_dir,
                                  uint64_t query_id, uint32_t shuffle_id);

#endif
