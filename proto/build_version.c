/* build_version.c - the version that executors and driver compare.
 *
 * Not here: the comparison and its message (driver/cluster/executor_endpoint.c).
 */
#include "proto/build_version.h"

#include "lib/base/hash.h"

#include <stdio.h>

#define RELEASE "0.1.0"
enum { PROTOCOL = 1 };

/* The names in their order decide the numbers. */
static const char tables[] =
#define GLY_FUNCTION(id, ...) #id " "
#include "lib/plan/functions.def"
#undef GLY_FUNCTION
#define GLY_OPERATOR(id, ...) #id " "
#include "lib/plan/operators.def"
#undef GLY_OPERATOR
#define GLY_TYPE(id, ...) #id " "
#include "lib/data/types.def"
#undef GLY_TYPE
#define GLY_CODEC(id, ...) #id " "
#include "lib/base/codecs.def"
#undef GLY_CODEC
    "";

const char *gly_build_version_text(char buffer[GLY_BUILD_VERSION_SIZE]) {
    snprintf(buffer, GLY_BUILD_VERSION_SIZE, "%s-protocol%d-%08x", RELEASE, PROTOCOL,
             (unsigned)gly_hash_bytes(tables, sizeof tables));
    return buffer;
}
