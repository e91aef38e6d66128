/* build_version.h - which build this is: driver and executors must be the same one.
 *
 * Plans travel with numbers from our tables (functions, operators, types), so the version carries a
 * hash of those tables: two builds that number them differently refuse each other by name.
 */
#ifndef GLY_BUILD_VERSION_H
#define GLY_BUILD_VERSION_H

#include "lib/base/base.h"

enum { GLY_BUILD_VERSION_SIZE = 64 };

/* "0.1.0-protocol1-3f2a9c01" into buffer, which is returned. */
const char *gly_build_version_text(char buffer[GLY_BUILD_VERSION_SIZE]);

#endif
