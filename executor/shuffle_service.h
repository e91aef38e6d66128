/* shuffle_service.h - blocks: served to others, fetched from others, and deleted with their query.
 */
#ifndef GLY_SHUFFLE_SERVICE_H
#define GLY_SHUFFLE_SERVICE_H

#include "executor/moved_blocks.h"
#include "lib/engine/task.h"
#include "lib/net/tls.h"

typedef struct gly_shuffle_service gly_shuffle_service;

typedef struct gly_shuffle_service_options {
    const char *listen_host; /* a free port on it */
    const char *host;        /* under which others reach us */
    const char *local_dir;
    const gly_tls_identity *identity; /* NULL: plaintext */
    gly_shared_cache *shared;         /* whose open files are closed at deletion; may be NULL */
    gly_disk_space *disk;             /* counted anew after deletions; may be NULL */
} gly_shuffle_service_options;

GLY_NODISCARD gly_status gly_shuffle_service_make(const gly_shuffle_service_options *options,
                                                  gly_shuffle_service **ret, gly_error *err);
void gly_shuffle_service_free(gly_shuffle_service *service); /* no fetch runs; accepts NULL */
/* Running fetches fail soon. */
void gly_shuffle_service_cancel(gly_shuffle_service *service);
const char *gly_shuffle_service_endpoint(const gly_shuffle_service *service); /* host:port */
gly_fetcher gly_shuffle_service_fetcher(gly_shuffle_service *service);
/* What the fetcher knows of blocks that have moved. */
gly_moved_blocks *gly_shuffle_service_moved(gly_shuffle_service *service);
/* Deletes shuffle, spill and result files of the query. */
void gly_shuffle_service_drop_query(gly_shuffle_service *service, uint64_t query_id);
/* Deletes a directory and all in it. */
void gly_shuffle_service_remove_tree(const char *path);

#endif
