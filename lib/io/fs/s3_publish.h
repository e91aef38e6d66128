/* s3_publish.h - uploads that wait for their job's commit. */
#ifndef GLY_S3_PUBLISH_H
#define GLY_S3_PUBLISH_H

#include "lib/io/fs/filesystem.h"
#include "lib/io/fs/s3_call.h"

typedef struct gly_s3_upload_parts { /* what completes an upload */
    gly_str bucket, key, upload_id;
    bool was_retried;    /* it may have been begun more than once: there may be a second one */
    uint64_t size_bytes; /* 0: not known */
    uint32_t part_count;
    gly_str *etags;
} gly_s3_upload_parts;

/* Appends the token of an upload: upload id, flag, ETags, a line each. */
void gly_s3_publish_token(const gly_s3_upload_parts *parts, gly_builder *out);
/* gly_filesystem.publish */
GLY_NODISCARD gly_status gly_s3_publish_files(uint32_t count, const gly_pending_file *files,
                                              gly_error *err);
/* CompleteMultipartUpload of one. */
GLY_NODISCARD gly_status gly_s3_publish_one(const gly_s3_upload_parts *parts, gly_error *err);

#endif
