/* s3_listing.h - what S3's answers in XML say: listings, upload ids, errors, temporary credentials.
 *
 * Pure parsing of bytes that are not trusted; CORRUPT_FILE-like failures are PROTOCOL.  Texts are
 * in the arena or in the input.  Source: Amazon S3 API Reference; AWS STS API Reference.
 */
#ifndef GLY_S3_LISTING_H
#define GLY_S3_LISTING_H

#include "lib/base/arena.h"

typedef struct gly_s3_object { /* an object, or an upload that is not complete */
    gly_str key;
    gly_str upload_id;   /* of an upload */
    uint64_t size_bytes; /* of an object */
    int64_t modified_ms; /* of an upload: when it began; 0: not told */
} gly_s3_object;

typedef struct gly_s3_listing {
    uint32_t count;
    gly_s3_object *objects;
    bool is_truncated;
    gly_str next_token;               /* ListObjectsV2 */
    gly_str next_key, next_upload_id; /* ListMultipartUploads */
} gly_s3_listing;

/* ListBucketResult or ListMultipartUploadsResult; keys are decoded if the server encoded them. */
GLY_NODISCARD gly_status gly_s3_listing_parse(gly_arena *arena, gly_str xml, gly_s3_listing *ret,
                                              gly_error *err);
/* The text of the first element of that name at any depth, decoded; data NULL if there is none (or
 * if the text is not XML). */
gly_str gly_s3_listing_find(gly_arena *arena, gly_str xml, const char *name);
/* The name of the root element; empty if there is none. */
gly_str gly_s3_listing_root(gly_str xml);
/* "2009-10-12T17:50:30.000Z" to milliseconds since 1970; 0 if it is not a time. */
int64_t gly_s3_listing_time(gly_str text);

#endif
