/* block_service.h - serves byte ranges of the files below one directory
 * (proto/galley/blocks.proto), and of blocks that are no files.
 *
 * Its own thread, so that a slow disk does not delay heartbeats and launches.  With TLS, callers
 * must show a certificate of the driver or of an executor of this application; the bootstrap
 * certificate is refused.
 */
#ifndef GLY_BLOCK_SERVICE_H
#define GLY_BLOCK_SERVICE_H

#include "lib/net/tls.h"

typedef struct gly_block_service gly_block_service;

/* Blocks with names of their own, which do not begin with a slash.  Called on the service's thread.
 */
typedef struct gly_block_source {
    /* NULL: there is no such block.  What is held stays as it is until release. */
    void *(*hold)(void *context, gly_str name, uint64_t *ret_size);
    bool (*read)(void *context, void *block, uint64_t offset, char *to, size_t size);
    void (*release)(void *context, void *block);
    void *context;
} gly_block_source;

typedef struct gly_block_service_options {
    const char *address;              /* to listen on, "127.0.0.1:0" */
    const char *directory;            /* only regular files below it; exists */
    const gly_tls_identity *identity; /* NULL: plaintext */
    gly_block_source source;          /* hold NULL: files only */
} gly_block_service_options;

GLY_NODISCARD gly_status gly_block_service_make(const gly_block_service_options *options,
                                                gly_block_service **ret, gly_error *err);
void gly_block_service_free(gly_block_service *service); /* accepts NULL */
uint16_t gly_block_service_port(const gly_block_service *service);

#endif
