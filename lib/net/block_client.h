/* block_client.h - reads byte ranges from the block services of other processes.
 *
 * One connection per peer, made at first use and kept.  Calls block; any number of threads may
 * call.
 */
#ifndef GLY_BLOCK_CLIENT_H
#define GLY_BLOCK_CLIENT_H

#include "lib/net/tls.h"

typedef struct gly_block_client gly_block_client;

typedef struct gly_block_range {
    gly_str path; /* absolute, on the peer */
    uint64_t offset;
    uint64_t length; /* UINT64_MAX: to the end */
} gly_block_range;

/* identity NULL: plaintext; it is copied. */
gly_block_client *gly_block_client_make(const gly_tls_identity *identity);
/* No fetch may be running.  Accepts NULL. */
void gly_block_client_free(gly_block_client *client);
/* Makes running and later fetches fail soon: the process ends. */
void gly_block_client_cancel(gly_block_client *client);

/* Appends the ranges' bytes to out, in order.  Three attempts with a short back-off where that can
 * help; then FETCH_FAILED, and out is as it was.  executor_id: decimal, must be in the peer's
 * certificate. */
GLY_NODISCARD gly_status gly_block_client_fetch(gly_block_client *client, gly_str endpoint,
                                                gly_str executor_id, const gly_block_range *ranges,
                                                size_t range_count, gly_builder *out,
                                                gly_error *err);
/* Says that the process behind this endpoint is gone: its connection is dropped. */
void gly_block_client_forget(gly_block_client *client, gly_str endpoint);

#endif
