/* fs_s3.h - object stores that speak Amazon's S3 protocol: "s3://bucket/key", "s3a://bucket/key".
 */
#ifndef GLY_FS_S3_H
#define GLY_FS_S3_H

#include "lib/io/fs/filesystem.h"

extern const gly_filesystem gly_fs_s3;

#endif
