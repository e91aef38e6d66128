/* scratch_file.c - O_TMPFILE where the file system has it, else a file that is unlinked at once.
 *
 * Invariant: size is what was completely written; a failed write leaves it where it was, so that
 * the next one overwrites the torn bytes; size bytes are taken from the disk space.
 */
#include "lib/shuffle/scratch_file.h"

#include "lib/base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

struct gly_scratch_file {
    int fd;
    atomic_uint_fast64_t size;
    gly_disk_space *disk;
    char *directory;
};

gly_status gly_scratch_file_open(const char *directory, gly_disk_space *disk,
                                 gly_scratch_file **ret, gly_error *err) {
    int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 && errno != ENOSPC && errno != ENOENT && errno != EMFILE && errno != ENFILE) {
        char path[4096];
        int length = snprintf(path, sizeof path, "%s/spill-XXXXXX", directory);
        if (length < 0 || (size_t)length >= sizeof path) {
            return gly_fail(err, GLY_E_IO, "the path of the spill directory is too long: %s",
                            directory);
        }
        fd = mkostemp(path, O_CLOEXEC);
        if (fd >= 0) {
            unlink(path);
        }
    }
    if (fd < 0) {
        return gly_error_from_errno(err, errno, "cannot make a spill file in %s", directory);
    }
    gly_scratch_file *file = GLY_NEW(gly_scratch_file);
    file->fd = fd;
    file->disk = disk;
    file->directory = gly_alloc_string(directory);
    atomic_init(&file->size, 0);
    *ret = file;
    return GLY_OK;
}

void gly_scratch_file_close(gly_scratch_file *file) {
    if (file != NULL) {
        close(file->fd);
        gly_disk_space_give(file->disk, GLY_DISK_SCRATCH, atomic_load(&file->size));
        free(file->directory);
        free(file);
    }
}

gly_status gly_scratch_file_write(gly_scratch_file *file, const void *bytes, size_t size,
                                  gly_error *err) {
    uint64_t at = atomic_load(&file->size);
    size_t done = 0;
    GLY_TRY(gly_disk_space_take(file->disk, GLY_DISK_SCRATCH, size, err));
    while (done < size) {
        ssize_t wrote =
            pwrite(file->fd, (const char *)bytes + done, size - done, (off_t)(at + done));
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote <= 0) {
            gly_disk_space_give(file->disk, GLY_DISK_SCRATCH, size);
            return gly_error_from_errno(err, wrote == 0 ? ENOSPC : errno,
                                        "cannot spill %zu bytes to %s; give spark.local.dir more "
                                        "room or the executors more memory",
                                        size, file->directory);
        }
        done += (size_t)wrote;
    }
    atomic_store(&file->size, at + size);
    return GLY_OK;
}

uint64_t gly_scratch_file_size(const gly_scratch_file *file) {
    return atomic_load(&((gly_scratch_file *)(uintptr_t)file)->size);
}

gly_status gly_scratch_file_read_at(gly_scratch_file *file, uint64_t offset, size_t size,
                                    void *buffer, gly_error *err) {
    size_t done = 0;
    while (done < size) {
        ssize_t got = pread(file->fd, (char *)buffer + done, size - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return gly_error_from_errno(err, errno, "cannot read a spill file in %s",
                                        file->directory);
        }
        if (got == 0) {
            return gly_fail(err, GLY_E_IO,
                            "a spill file in %s ends at byte %llu, before byte %llu that was to "
                            "be read",
                            file->directory, (unsigned long long)(offset + done),
                            (unsigned long long)(offset + size));
        }
        done += (size_t)got;
    }
    return GLY_OK;
}
