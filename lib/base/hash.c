/* hash.c - XXH3 for bytes, behind our own names so that the library stays in this room. */
#include "lib/base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t gly_hash_bytes(const void *bytes, size_t size) { return XXH3_64bits(bytes, size); }

uint64_t gly_hash_checksum(const void *bytes, size_t size) { return XXH3_64bits(bytes, size); }
