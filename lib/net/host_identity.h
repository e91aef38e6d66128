/* host_identity.h - which file system a process sees, as a text that can be compared. */
#ifndef GLY_HOST_IDENTITY_H
#define GLY_HOST_IDENTITY_H

#include "lib/base/base.h"

enum { GLY_HOST_IDENTITY_SIZE = 96 };

/* Equal in two processes iff they run on one booted machine in one mount namespace, so that a path
 * means the same file to both.  Two containers on one node differ.  Returns buffer. */
const char *gly_host_identity_read(char buffer[GLY_HOST_IDENTITY_SIZE]);

#endif
