/* s3_upload.h - writing an object: one PUT if it is small, else parts that go out while it grows.
 */
#ifndef GLY_S3_UPLOAD_H
#define GLY_S3_UPLOAD_H

#include "lib/io/fs/filesystem.h"

/* gly_filesystem.create.  Paths below _temporary/<job>/<task>/ become pending uploads. */
GLY_NODISCARD gly_status gly_s3_upload_create(gly_str path, gly_file_writer **ret, gly_error *err);
/* Bytes of part `number` (from 1): 10,000 of them hold more than 5 TiB. */
uint64_t gly_s3_upload_part_size(uint32_t number);

#endif
