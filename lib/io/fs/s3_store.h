/* s3_store.h - operations on a bucket that are more than one request: listings in pages, many
 * deletes.
 *
 * Used by fs_s3.c, s3_upload.c and s3_publish.c only.
 */
#ifndef GLY_S3_STORE_H
#define GLY_S3_STORE_H

#include "lib/io/fs/s3_call.h"
#include "lib/io/fs/s3_listing.h"

/* Many requests, up to 32 in flight.  build fills request i (texts in arena); take looks at its
 * outcome and says OK, or the failure that ends the batch (those in flight are still awaited and
 * taken). */
typedef struct gly_s3_batch {
    uint32_t count;
    void (*build)(void *context, gly_arena *arena, uint32_t index, gly_s3_request *ret);
    gly_status (*take)(void *context, uint32_t index, gly_status status,
                       const gly_s3_response *response, gly_error *err);
    void *context;
} gly_s3_batch;
GLY_NODISCARD gly_status gly_s3_store_batch(const gly_s3_batch *batch, gly_error *err);

/* Objects whose keys begin with prefix, in pages of 1000; at most `most` of them (0: all). */
GLY_NODISCARD gly_status gly_s3_store_list(gly_arena *arena, gly_str bucket, gly_str prefix,
                                           uint32_t most, uint32_t *ret_count, gly_s3_object **ret,
                                           gly_error *err);
/* One such request, for who wants to have it in flight; the answer is a listing of one page. */
gly_s3_call *gly_s3_store_start_list(gly_str bucket, gly_str prefix, uint32_t most);
/* Absent ones are fine. */
GLY_NODISCARD gly_status gly_s3_store_delete(gly_str bucket, uint32_t count, const gly_str *keys,
                                             gly_error *err);
/* Aborts every upload of exactly these keys. */
GLY_NODISCARD gly_status gly_s3_store_abort_uploads(gly_str bucket, uint32_t count,
                                                    const gly_str *keys, gly_error *err);
GLY_NODISCARD gly_status gly_s3_store_put(gly_str bucket, gly_str key, gly_str body,
                                          gly_error *err);

#endif
