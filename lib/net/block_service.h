/* block_service.h - serves byte ranges of the files below one directory (proto/galley/blocks.proto).
 *
 * Its own thread, so that a slow disk does not delay heartbeats and launches.
 */
#ifndef GLY_BLOCK_SERVICE_H
#define GLY_BLOCK_SERVICE_H

#include "lib/net/tls.h"

typedef struct gly_block_service gly_block_service;

typedef struct gly_block_service_options {
    const char *address;   /* to listen on, "127.0.0.1:0" */
    const char *directory; /* only regular files below it; exists */
    const gly_tls_identity *identity; /* NULL: plaintext */
} gly_block_service_options;

GLY_NODISCARD gly_status gly_block_service_make(const gly_block_service_options *options,
                                                gly_block_service **ret, gly_error *err);
void gly_block_service_free(gly_block_service *service); /* accepts NULL */
uint16_t gly_block_service_port(const gly_block_service *service);

#endif
