/* local_dir.c - the driver's own directory on the local disk, and what dead drivers left.
 *
 * Executors' directories, logs and the event log lie below <base>/galley-XXXXXX, which goes with
 * the driver.  A driver that is killed with SIGKILL cannot remove it, so the next one does: each
 * directory holds a file `owner` that its driver keeps locked (flock(2)), and the kernel drops the
 * lock with the process, however that ends.  A directory whose `owner` can be locked has no driver.
 *
 * Invariant: a directory that has a file `owner` with that name was locked before it had it (the
 * file is locked under another name, then renamed), so one that is just being made is never taken
 * for a dead one; and a directory without the file, or of another user, is never touched.
 */
#include "driver/local_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/io/fs/filesystem.h"

struct gly_local_dir {
    char *path;
    int owner_fd; /* locked as long as this driver lives; -1 if the file system has no locks */
};

static const char PREFIX[] = "galley-";

static void remove_tree(const char *path) {
    const gly_filesystem *filesystem;
    if (gly_filesystem_find(gly_str_of(path), &filesystem, NULL) == GLY_OK) {
        (void)!filesystem->remove_all(gly_str_of(path), NULL);
    }
}

/* True if it was made by a driver of this user that is no more. */
static bool is_abandoned(int base_fd, const char *name) {
    struct stat info;
    if (strncmp(name, PREFIX, sizeof PREFIX - 1) != 0 ||
        fstatat(base_fd, name, &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(info.st_mode) ||
        info.st_uid != geteuid()) {
        return false;
    }
    char owner[300];
    if ((size_t)snprintf(owner, sizeof owner, "%s/owner", name) >= sizeof owner) {
        return false;
    }
    int fd = openat(base_fd, owner, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return false;
    }
    bool is_dead = flock(fd, LOCK_EX | LOCK_NB) == 0;
    close(fd);
    return is_dead;
}

static void remove_abandoned(const char *base) {
    DIR *dir = opendir(base);
    if (dir == NULL) {
        return;
    }
    struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        if (is_abandoned(dirfd(dir), entry->d_name)) {
            gly_builder path = {0};
            gly_builder_add_text(&path, base);
            gly_builder_add_text(&path, "/");
            gly_builder_add_text(&path, entry->d_name);
            remove_tree(path.data);
            gly_builder_clear(&path);
        }
    }
    closedir(dir);
}

/* Best effort: without it the directory merely stays should the driver be killed. */
static int lock_owner(const char *path) {
    gly_builder fresh = {0};
    gly_builder owner = {0};
    gly_builder_add_text(&fresh, path);
    gly_builder_add_text(&fresh, "/owner.new");
    gly_builder_add_text(&owner, path);
    gly_builder_add_text(&owner, "/owner");
    int fd = open(fresh.data, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0 && (flock(fd, LOCK_EX | LOCK_NB) != 0 || rename(fresh.data, owner.data) != 0)) {
        close(fd);
        fd = -1;
    }
    gly_builder_clear(&fresh);
    gly_builder_clear(&owner);
    return fd;
}

gly_status gly_local_dir_make(gly_str base, gly_local_dir **ret, gly_error *err) {
    gly_builder path = {0};
    if (base.size > 0) {
        gly_builder_add_str(&path, base);
        if (mkdir(path.data, 0700) != 0 && errno != EEXIST) {
            gly_status status = gly_error_from_errno(
                err, errno, "The local directory %s (spark.local.dir) cannot be made", path.data);
            gly_builder_clear(&path);
            return status;
        }
    } else {
        const char *fallback = getenv("TMPDIR");
        gly_builder_add_text(&path, fallback != NULL && fallback[0] == '/' ? fallback : "/tmp");
    }
    remove_abandoned(path.data);
    gly_builder_add_text(&path, "/");
    gly_builder_add_text(&path, PREFIX);
    gly_builder_add_text(&path, "XXXXXX");
    if (mkdtemp(path.data) == NULL) {
        gly_status status = gly_error_from_errno(
            err, errno, "A directory for shuffle files cannot be made as %s", path.data);
        gly_builder_clear(&path);
        return status;
    }
    gly_local_dir *dir = GLY_NEW(gly_local_dir);
    dir->path = path.data;
    dir->owner_fd = lock_owner(dir->path);
    *ret = dir;
    return GLY_OK;
}

const char *gly_local_dir_path(const gly_local_dir *dir) { return dir->path; }

void gly_local_dir_remove(gly_local_dir *dir) {
    if (dir == NULL) {
        return;
    }
    remove_tree(dir->path);
    if (dir->owner_fd >= 0) {
        close(dir->owner_fd);
    }
    free(dir->path);
    free(dir);
}
