/* shuffle_files.c - a small table of open files with the least recently used one closed first.
 *
 * Reads run outside the lock: an entry that is being read has readers > 0 and is not closed.  If
 * all are in use, a file is opened for one read only.
 *
 * Invariant: slots[i].path == NULL means free; at most max_open slots hold a descriptor.
 */
#include "lib/shuffle/shuffle_files.h"

#include "lib/base/alloc.h"
#include "lib/base/hash.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

typedef struct slot {
    char *path;
    uint64_t hash;
    int fd;
    uint32_t readers;
    bool is_dropped; /* removed while it was read: the last reader closes it */
    uint64_t used_at;
} slot;

struct gly_shuffle_files {
    pthread_mutex_t lock;
    uint32_t max_open;
    uint64_t clock;
    slot slots[];
};

gly_shuffle_files *gly_shuffle_files_make(uint32_t max_open) {
    gly_shuffle_files *files = gly_alloc_zero(1, sizeof *files + max_open * sizeof(slot));
    files->max_open = max_open;
    pthread_mutex_init(&files->lock, NULL);
    return files;
}

static void clear_slot(slot *entry) {
    close(entry->fd);
    free(entry->path);
    *entry = (slot){0};
}

void gly_shuffle_files_free(gly_shuffle_files *files) {
    if (files == NULL) {
        return;
    }
    for (uint32_t i = 0; i < files->max_open; i++) {
        if (files->slots[i].path != NULL) {
            clear_slot(&files->slots[i]);
        }
    }
    pthread_mutex_destroy(&files->lock);
    free(files);
}

/* The slot that has the file open, or else the one to put it into (free or least recently used),
 * or NULL if all are being read. */
static slot *find_slot(gly_shuffle_files *files, gly_str path, uint64_t hash, bool *ret_found) {
    slot *victim = NULL;
    for (uint32_t i = 0; i < files->max_open; i++) {
        slot *entry = &files->slots[i];
        if (entry->path == NULL) {
            victim = entry;
            continue;
        }
        if (entry->hash == hash && !entry->is_dropped &&
            gly_str_equal(gly_str_of(entry->path), path)) {
            *ret_found = true;
            return entry;
        }
        if (entry->readers == 0 &&
            (victim == NULL || (victim->path != NULL && entry->used_at < victim->used_at))) {
            victim = entry;
        }
    }
    *ret_found = false;
    return victim;
}

static gly_status open_path(gly_str path, int *ret, gly_error *err) {
    char name[4096];
    if (path.size >= sizeof name || memchr(path.data, '\0', path.size) != NULL) {
        return gly_fail(err, GLY_E_PATH_NOT_FOUND, "the path of a shuffle file is too long");
    }
    memcpy(name, path.data, path.size);
    name[path.size] = '\0';
    *ret = open(name, O_RDONLY | O_CLOEXEC);
    return *ret >= 0 ? GLY_OK : gly_error_from_errno(err, errno, "cannot open %s", name);
}

static gly_status read_exactly(int fd, gly_str path, uint64_t offset, size_t size, void *buffer,
                               gly_error *err) {
    size_t done = 0;
    while (done < size) {
        ssize_t got = pread(fd, (char *)buffer + done, size - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return gly_error_from_errno(err, errno, "cannot read %.*s", GLY_STR_ARG(path));
        }
        if (got == 0) {
            return gly_fail(err, GLY_E_IO, "%.*s ends before byte %llu", GLY_STR_ARG(path),
                            (unsigned long long)(offset + size));
        }
        done += (size_t)got;
    }
    return GLY_OK;
}

/* Takes a reader's place in an open slot; NULL: *ret_fd was opened for this read only. */
static gly_status take(gly_shuffle_files *files, gly_str path, slot **ret, int *ret_fd,
                       gly_error *err) {
    uint64_t hash = gly_hash_bytes(path.data, path.size);
    bool found;
    pthread_mutex_lock(&files->lock);
    slot *entry = find_slot(files, path, hash, &found);
    gly_status status = GLY_OK;
    if (!found) { /* opening under the lock: rare, and nobody opens a file twice */
        status = open_path(path, ret_fd, err);
        if (status == GLY_OK && entry != NULL) {
            if (entry->path != NULL) {
                clear_slot(entry);
            }
            entry->path = gly_alloc(path.size + 1);
            memcpy(entry->path, path.data, path.size);
            entry->path[path.size] = '\0';
            entry->hash = hash;
            entry->fd = *ret_fd;
        }
    }
    if (status == GLY_OK && entry != NULL) {
        entry->readers++;
        entry->used_at = ++files->clock;
        *ret_fd = entry->fd;
    }
    pthread_mutex_unlock(&files->lock);
    *ret = entry;
    return status;
}

gly_status gly_shuffle_files_read_at(gly_shuffle_files *files, gly_str path, uint64_t offset,
                                     size_t size, void *buffer, gly_error *err) {
    slot *entry;
    int fd = -1;
    GLY_TRY(take(files, path, &entry, &fd, err));
    gly_status status = read_exactly(fd, path, offset, size, buffer, err);
    if (entry == NULL) {
        close(fd);
        return status;
    }
    pthread_mutex_lock(&files->lock);
    entry->readers--;
    if (entry->readers == 0 && entry->is_dropped) {
        clear_slot(entry);
    }
    pthread_mutex_unlock(&files->lock);
    return status;
}

char *gly_shuffle_files_path(gly_arena *arena, const char *local_dir, uint64_t query_id,
                             uint32_t shuffle_id, uint32_t map_partition, uint64_t task_id) {
    return gly_arena_format(arena, "%s/shuffle-%llx-%u-%u-%llu.data", local_dir,
                            (unsigned long long)query_id, shuffle_id, map_partition,
                            (unsigned long long)task_id);
}

static void drop_open(gly_shuffle_files *files, gly_str prefix) {
    pthread_mutex_lock(&files->lock);
    for (uint32_t i = 0; i < files->max_open; i++) {
        slot *entry = &files->slots[i];
        if (entry->path == NULL || !gly_str_starts_with(gly_str_of(entry->path), prefix)) {
            continue;
        }
        entry->is_dropped = true;
        if (entry->readers == 0) {
            clear_slot(entry);
        }
    }
    pthread_mutex_unlock(&files->lock);
}

uint32_t gly_shuffle_files_remove(gly_shuffle_files *files, const char *local_dir,
                                  uint64_t query_id, uint32_t shuffle_id) {
    gly_builder prefix = {0};
    gly_builder_format(&prefix, "%s/shuffle-%llx-", local_dir, (unsigned long long)query_id);
    if (shuffle_id != UINT32_MAX) {
        gly_builder_format(&prefix, "%u-", shuffle_id);
    }
    gly_str name_prefix = gly_builder_str(&prefix);
    name_prefix.data += strlen(local_dir) + 1;
    name_prefix.size -= strlen(local_dir) + 1;
    uint32_t removed = 0;
    DIR *directory = opendir(local_dir);
    for (struct dirent *item; directory != NULL && (item = readdir(directory)) != NULL;) {
        if (gly_str_starts_with(gly_str_of(item->d_name), name_prefix)) {
            removed += unlinkat(dirfd(directory), item->d_name, 0) == 0;
        }
    }
    if (directory != NULL) {
        closedir(directory);
    }
    drop_open(files, gly_builder_str(&prefix));
    gly_builder_clear(&prefix);
    return removed;
}
