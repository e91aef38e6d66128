/* shuffle_service.c - the executor's block service and its client, wired to the local directory.
 *
 * Files of a query are named "<kind>-<query in hex>-..." directly below that directory
 * (lib/shuffle/shuffle_files.h, lib/engine/pipeline/spill.c); dropping a query deletes them by
 * name, so that nothing has to be remembered about them. Not here: the protocol
 * (lib/net/block_service.c, block_client.c).
 */
#include "executor/shuffle_service.h"

#include "lib/base/alloc.h"
#include "lib/engine/pipeline/block_store.h"
#include "lib/engine/pipeline/cached_header.h"
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

/* ---- cached partitions, as blocks without files ---- */

typedef struct served {
    gly_cached_block *block;
    gly_builder header;
} served;

static void *hold_cached(void *context, gly_str name, uint64_t *ret_size) {
    gly_shuffle_service *service = context;
    uint64_t cache_id;
    uint32_t partition;
    if (!gly_cached_header_parse_name(name, &cache_id, &partition)) {
        return NULL;
    }
    gly_cached_block *block =
        gly_block_store_hold(gly_shared_cache_blocks(service->shared), cache_id, partition);
    if (block == NULL) {
        return NULL;
    }
    served *item = GLY_NEW(served);
    item->block = block;
    gly_cached_header header = {.row_count = gly_block_store_rows(block),
                                .block_bytes = gly_block_store_size(block)};
    header.types = (gly_type *)(uintptr_t)gly_block_store_types(block, &header.column_count);
    gly_cached_header_encode(&header, &item->header);
    *ret_size = item->header.size + header.block_bytes;
    return item;
}

static bool read_cached(void *context, void *block, uint64_t offset, char *to, size_t size) {
    const served *item = block;
    (void)context;
    if (offset < item->header.size) {
        size_t part = GLY_MIN(size, (size_t)(item->header.size - offset));
        memcpy(to, item->header.data + offset, part);
        to += part;
        offset += part;
        size -= part;
    }
    if (size == 0) {
        return true;
    }
    gly_builder bytes = {0};
    gly_error ignored;
    bool is_read = gly_block_store_read(item->block, offset - item->header.size, size, &bytes,
                                        &ignored) == GLY_OK;
    if (is_read) {
        memcpy(to, bytes.data, size);
    }
    gly_builder_clear(&bytes);
    return is_read;
}

static void release_cached(void *context, void *block) {
    gly_shuffle_service *service = context;
    served *item = block;
    gly_block_store_release(gly_shared_cache_blocks(service->shared), item->block);
    gly_builder_clear(&item->header);
    free(item);
}

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
    if (options->shared != NULL) {
        server.source = (gly_block_source){hold_cached, read_cached, release_cached, service};
    }
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

static gly_status fetch_many(void *context, gly_str endpoint, gly_str executor_id,
                             const gly_fetch_range *ranges, uint32_t count, gly_builder *out,
                             gly_error *err) {
    gly_shuffle_service *service = context;
    gly_block_range *wanted = GLY_NEW_ARRAY(gly_block_range, count);
    for (uint32_t i = 0; i < count; i++) {
        wanted[i] = (gly_block_range){ranges[i].path, ranges[i].offset, ranges[i].length};
    }
    gly_status status =
        gly_block_client_fetch(service->client, endpoint, executor_id, wanted, count, out, err);
    free(wanted);
    return status;
}

static bool find_moved(void *context, gly_str path, gly_builder *texts, gly_map_status *ret) {
    gly_shuffle_service *service = context;
    return gly_moved_blocks_find(service->moved, path, texts, ret);
}

gly_fetcher gly_shuffle_service_fetcher(gly_shuffle_service *service) {
    return (gly_fetcher){fetch, service, find_moved, fetch_many};
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
