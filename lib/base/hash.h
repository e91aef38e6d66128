/* hash.h - 64-bit hashes of integers and bytes, for tables and partitions inside Galley.
 *
 * Not SQL's hash() and xxhash64(), which are Spark's own rules (lib/engine/function/fn_hash.c).
 * Bit budget of a row hash: bits 63-48 salt / Bloom tag, the 8 below radix partition, low bits
 * directory.  The shuffle partition comes from gly_hash_remix, or the tables behind degenerate.
 */
#ifndef GLY_HASH_H
#define GLY_HASH_H

#include "lib/base/base.h"

/* Two xorshift-multiply rounds (Stafford's mix13 constants, public domain). */
static inline uint64_t gly_hash_u64(uint64_t value) {
    value ^= value >> 32;
    value *= UINT64_C(0xd6e8feb86659fd93);
    value ^= value >> 32;
    value *= UINT64_C(0xd6e8feb86659fd93);
    value ^= value >> 32;
    return value;
}

static inline uint64_t gly_hash_combine(uint64_t a, uint64_t b) {
    return (((a << 27) | (a >> 37)) * UINT64_C(0x9e3779b97f4a7c15)) ^ b;
}

/* Independent of the bits that hash tables use. */
static inline uint64_t gly_hash_remix(uint64_t hash) {
    hash *= UINT64_C(0xff51afd7ed558ccd);
    hash ^= hash >> 33;
    return hash * UINT64_C(0xc4ceb9fe1a85ec53);
}

uint64_t gly_hash_bytes(const void *bytes, size_t size);    /* XXH3-64 */
uint64_t gly_hash_checksum(const void *bytes, size_t size); /* XXH3-64, for stored blocks */

#define GLY_HASH_NULL UINT64_C(0xa3b195354a39b70d)

#endif
