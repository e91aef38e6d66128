/* host_identity.h - which file system a process sees, as a text that can be compared. */
#ifndef GLY_HOST_IDENTITY_H
#define GLY_HOST_IDENTITY_H

#include "lib/base/base.h"

enum { GLY_HOST_IDENTITY_SIZE = 192 };

/* Equal in two processes iff they run on one booted machine in one mount namespace, so that a path
 * means the same file to both.  Two containers on one node differ, also in sandboxes that make up
 * boot id and inode numbers: a pod's uid (GALLEY_POD_UID) is part of the text.
 * GALLEY_HOST_IDENTITY=process makes every process a host of its own (to try on one machine what
 * happens between several).  Returns buffer. */
const char *gly_host_identity_read(char buffer[GLY_HOST_IDENTITY_SIZE]);

#endif
