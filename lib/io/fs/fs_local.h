/* fs_local.h - files of the local machine: "file:///x" or plain paths. */
#ifndef GLY_FS_LOCAL_H
#define GLY_FS_LOCAL_H

#include "lib/io/fs/filesystem.h"

/* Writers write to "<path>.<pid>.<number>.tmp" next to the target and rename it at finish, so a
 * reader never sees half a file. */
extern const gly_filesystem gly_fs_local;

#endif
