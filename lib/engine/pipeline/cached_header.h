/* cached_header.h - what goes before a cached partition's blocks when another executor reads them.
 *
 *   | "GCP1" | columns u32 | rows u64 | bytes of blocks u64 | columns x (id, precision, scale) |
 *
 * Little-endian.  The partition's name for fetchers is "cache/<cache id in hex>/<partition>".
 */
#ifndef GLY_CACHED_HEADER_H
#define GLY_CACHED_HEADER_H

#include "lib/base/arena.h"
#include "lib/data/type.h"

enum { GLY_CACHED_HEADER_FIXED = 24, GLY_CACHED_HEADER_TYPE = 3, GLY_CACHED_NAME_SIZE = 48 };

typedef struct gly_cached_header {
    uint32_t column_count;
    uint64_t row_count, block_bytes;
    gly_type *types;
} gly_cached_header;

void gly_cached_header_encode(const gly_cached_header *header, gly_builder *out);
/* The fixed part: *ret has no types yet, and *ret_size is the size of the whole header. */
GLY_NODISCARD gly_status gly_cached_header_decode(gly_str fixed, gly_cached_header *ret,
                                                  size_t *ret_size, gly_error *err);
/* The rest; types lie in the arena. */
GLY_NODISCARD gly_status gly_cached_header_decode_types(gly_arena *arena, gly_str rest,
                                                        gly_cached_header *ret, gly_error *err);
const char *gly_cached_header_name(char buffer[GLY_CACHED_NAME_SIZE], uint64_t cache_id,
                                   uint32_t partition);
bool gly_cached_header_parse_name(gly_str name, uint64_t *ret_cache_id, uint32_t *ret_partition);

#endif
