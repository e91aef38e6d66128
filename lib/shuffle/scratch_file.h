/* scratch_file.h - a file without a name: gone when closed, whatever happens to the process. */
#ifndef GLY_SCRATCH_FILE_H
#define GLY_SCRATCH_FILE_H

#include "lib/shuffle/disk_space.h"

typedef struct gly_scratch_file gly_scratch_file;

/* In directory, which must exist.  What is written is taken from disk (NULL: not counted) until the
 * file is closed.  DISK_FULL or IO. */
GLY_NODISCARD gly_status gly_scratch_file_open(const char *directory, gly_disk_space *disk,
                                               gly_scratch_file **ret, gly_error *err);
void gly_scratch_file_close(gly_scratch_file *file); /* accepts NULL */
/* Appends; one thread at a time. */
GLY_NODISCARD gly_status gly_scratch_file_write(gly_scratch_file *file, const void *bytes,
                                                size_t size, gly_error *err);
uint64_t gly_scratch_file_size(const gly_scratch_file *file);
/* Exactly size bytes of what was written; any thread. */
GLY_NODISCARD gly_status gly_scratch_file_read_at(gly_scratch_file *file, uint64_t offset,
                                                  size_t size, void *buffer, gly_error *err);

#endif
