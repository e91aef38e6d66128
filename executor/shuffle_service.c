/* shuffle_service.c - the executor's block service and its client, wired to the local directory.
 *
 * Files of a query are named "<kind>-<query in hex>-..." directly below that directory
 * (lib/shuffle/shuffle_files.h, lib/engine/pipeline/spill.c); dropping a query deletes them by
 * name, so that nothing has to be remembered about them. Not here: the protocol
 * (lib/net/block_service.c, block_client.c).
 */
#include "executor/shuffle_service.h"

#include "lib/base/alloc.h"
#include "lib/engine/pipeline/shared_cache.h"
#include "lib/net/block_client.h"
#include "lib/net/block_service.h"
#include "lib/shuffle/shuffle_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct gly_shuffle_service {
    gly_block_service *server;
    gly_block_client *client;
    gly_moved_blocks *moved;
    gly_disk_space *disk;
    gly_shared_cache *shared;
    char *local_dir;
    char endpoint[300];
};

gly_status gly_shuffle_service_make(const gly_shuffle_service_options *options,
                                    gly_shuffle_service **ret, gly_error *err) {
    gly_shuffle_service *service = GLY_NEW(gly_shuffle_service);
    service->local_dir = gly_alloc_string(options->local_dir);
    service->shared = options->shared;
    service->moved = gly_moved_blocks_make();
    service->disk = options->disk;
    service->client = gly_block_client_make(options->identity);
    char address[300];
    bool is_v6 = strchr(options->listen_host, ':') != NULL;
    snprintf(address, sizeof address, is_v6 ? "[%s]:0" : "%s:0", options->listen_host);
    gly_block_service_options server = {
        .address = address, .directory = options->local_dir, .identity = options->identity};
    gly_status status = gly_block_service_make(&server, &service->server, err);
    if (status != GLY_OK) {
        gly_shuffle_service_free(service);
        return status;
    }
    bool has_colon = strchr(options->host, ':') != NULL;
    snprintf(service->endpoint, sizeof service->endpoint, has_colon ? "[%s]:%u" : "%s:%u",
             options->host, gly_block_service_port(service->server));
    *ret = service;
    return GLY_OK;
}

void gly_shuffle_service_free(gly_shuffle_service *service) {
    if (service != NULL) {
        gly_block_service_free(service->server);
        gly_block_client_free(service->client);
        gly_moved_blocks_free(service->moved);
        free(service->local_dir);
        free(service);
    }
}

void gly_shuffle_service_cancel(gly_shuffle_service *service) {
    gly_block_client_cancel(service->client);
}

const char *gly_shuffle_service_endpoint(const gly_shuffle_service *service) {
    return service->endpoint;
}

static gly_status fetch(void *context, gly_str endpoint, gly_str executor_id, gly_str path,
                        uint64_t offset, uint64_t length, gly_builder *out, gly_error *err) {
    gly_shuffle_service *service = context;
    gly_block_range range = {path, offset, length};
    return gly_block_client_fetch(service->client, endpoint, executor_id, &range, 1, out, err);
}

static bool find_moved(void *context, gly_str path, gly_builder *texts, gly_map_status *ret) {
    gly_shuffle_service *service = context;
    return gly_moved_blocks_find(service->moved, path, texts, ret);
}

gly_fetcher gly_shuffle_service_fetcher(gly_shuffle_service *service) {
    return (gly_fetcher){fetch, service, find_moved};
}

gly_moved_blocks *gly_shuffle_service_moved(gly_shuffle_service *service) { return service->moved; }

/* Deletes what is below the descriptor, which is closed.  prefix_of: only entries of that query at
 * this level; NULL: all. */
static void remove_below(int directory, const char *prefix_of, int depth) {
    DIR *entries = directory < 0 ? NULL : fdopendir(directory);
    if (entries == NULL) {
        if (directory >= 0) {
            close(directory);
        }
        return;
    }
    struct dirent *entry;
    while ((entry = readdir(entries)) != NULL) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
            continue;
        }
        if (prefix_of != NULL) {
            const char *dash = strchr(name, '-');
            if (dash == NULL || strncmp(dash, prefix_of, strlen(prefix_of)) != 0) {
                continue;
            }
        }
        if (unlinkat(directory, name, 0) != 0 && depth < 16) {
            int below = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            remove_below(below, NULL, depth + 1);
            (void)unlinkat(directory, name, AT_REMOVEDIR);
        }
    }
    closedir(entries);
}

/* What the files directly below the local directory take; all with names are there. */
static void recount(gly_shuffle_service *service) {
    uint64_t bytes = 0;
    DIR *entries = opendir(service->local_dir);
    struct dirent *entry;
    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        struct stat about;
        if (fstatat(dirfd(entries), entry->d_name, &about, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(about.st_mode)) {
            bytes += (uint64_t)about.st_size;
        }
    }
    if (entries != NULL) {
        closedir(entries);
        gly_disk_space_recount(service->disk, bytes);
    }
}

void gly_shuffle_service_drop_query(gly_shuffle_service *service, uint64_t query_id) {
    if (service->shared != NULL) {
        gly_shuffle_files_remove(gly_shared_cache_files(service->shared), service->local_dir,
                                 query_id, UINT32_MAX);
    }
    char middle[32], shuffles[48];
    snprintf(middle, sizeof middle, "-%llx-", (unsigned long long)query_id);
    snprintf(shuffles, sizeof shuffles, "shuffle%s", middle);
    gly_moved_blocks_drop(service->moved, gly_str_of(shuffles));
    remove_below(open(service->local_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), middle, 0);
    if (service->disk != NULL) {
        recount(service);
    }
}

void gly_shuffle_service_remove_tree(const char *path) {
    remove_below(open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), NULL, 0);
    (void)rmdir(path);
}
