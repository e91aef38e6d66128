/* local_dir.h - the driver's own directory on the local disk, and what dead drivers left. */
#ifndef GLY_DRIVER_LOCAL_DIR_H
#define GLY_DRIVER_LOCAL_DIR_H

#include "lib/base/error.h"
#include "lib/base/str.h"

typedef struct gly_local_dir gly_local_dir;

/* Makes <base>/galley-XXXXXX (mode 0700), after removing directories below `base` whose drivers
 * ended without removing theirs.  `base`: spark.local.dir, made if it is not there; empty: TMPDIR
 * or /tmp.  The caller owns *ret. */
gly_status gly_local_dir_make(gly_str base, gly_local_dir **ret, gly_error *err);

/* Its absolute path if `base` was absolute; lives as long as the object. */
const char *gly_local_dir_path(const gly_local_dir *dir);

/* Removes the directory with all that is in it, and frees the object.  NULL is fine. */
void gly_local_dir_remove(gly_local_dir *dir);

#endif
