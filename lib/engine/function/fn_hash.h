/* fn_hash.h - SQL's hash() and xxhash64(): Spark's values, seed 42. */
#ifndef GLY_FN_HASH_H
#define GLY_FN_HASH_H

#include "lib/engine/function/function_table.h"

gly_function_run gly_fn_hash_murmur3, gly_fn_hash_xxhash64;
/* The standard MurmurHash3_x86_32 of bytes (rand's seeds). */
uint32_t gly_fn_hash_murmur3_bytes(const void *bytes, size_t size, uint32_t seed);

#endif
