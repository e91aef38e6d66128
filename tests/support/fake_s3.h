/* fake_s3.h - an HTTP server in this process that behaves like an object store, and misbehaves on
 * demand.
 *
 * Objects and uploads are in memory; signatures are not looked at.  Faults: the next `count`
 * requests whose "METHOD /target" contains `match` get one.  All functions may be called by any
 * thread.
 */
#ifndef GLY_FAKE_S3_H
#define GLY_FAKE_S3_H

#include "lib/base/str.h"

typedef struct gly_fake_s3 gly_fake_s3;

typedef enum gly_fake_fault {
    GLY_FAKE_STATUS,      /* answers `status` with <Error><Code>code */
    GLY_FAKE_CUT,         /* the body ends in the middle, then the connection */
    GLY_FAKE_RESET,       /* the connection ends without an answer */
    GLY_FAKE_LOSE_ANSWER, /* the request is done, but the connection ends without an answer */
} gly_fake_fault;

gly_fake_s3 *gly_fake_s3_make(void);
void gly_fake_s3_free(gly_fake_s3 *fake);
const char *gly_fake_s3_endpoint(const gly_fake_s3 *fake); /* "http://127.0.0.1:12345" */

void gly_fake_s3_fail(gly_fake_s3 *fake, const char *match, uint32_t count, gly_fake_fault fault,
                      uint32_t status, const char *code);
void gly_fake_s3_forget_faults(gly_fake_s3 *fake);
/* A plain answer for every request whose target begins with this path (an STS, for example). */
void gly_fake_s3_answer(gly_fake_s3 *fake, const char *path, uint32_t status, const char *body);
/* Keys of a page of a listing, at most; 0: 1000. */
void gly_fake_s3_set_page(gly_fake_s3 *fake, uint32_t keys);

/* bucket_key: "bucket/key". */
void gly_fake_s3_put(gly_fake_s3 *fake, const char *bucket_key, const void *bytes, size_t size);
bool gly_fake_s3_has(gly_fake_s3 *fake, const char *bucket_key);
/* All keys, sorted, joined by spaces; to be freed. */
char *gly_fake_s3_keys(gly_fake_s3 *fake);
uint32_t gly_fake_s3_uploads(gly_fake_s3 *fake); /* that are not complete */
/* Requests whose "METHOD /target" contains match, since the beginning. */
uint32_t gly_fake_s3_requests(gly_fake_s3 *fake, const char *match);
/* The last request's head that contained match, to be freed; NULL: none. */
char *gly_fake_s3_last(gly_fake_s3 *fake, const char *match);

#endif
