/* source.h - from a path and a format to a relation, and from a relation to task splits. */
#ifndef GLY_SOURCE_H
#define GLY_SOURCE_H

#include "lib/plan/relation.h"

/* Lists, reads metadata, finds Hive partition columns (dt=2024-01-01/).  Errors name the path;
 * PATH_NOT_FOUND, FILE_FORMAT, CORRUPT_FILE. `name` is what people call it. */
GLY_NODISCARD gly_status gly_source_open(gly_arena *arena, gly_str format, gly_str name,
                                         uint32_t path_count, const gly_str *paths,
                                         uint32_t option_count, const gly_option *options,
                                         gly_relation **ret, gly_error *err);

/* Which splits each task reads: pieces of at most max_split_bytes that start at split points,
 * small files packed together with open_cost_bytes each, as Spark's FilePartition (128 MiB, 4 MiB;
 * and at least min_partitions if there are that many pieces).  ret_first_split has partition_count
 * + 1 entries. */
typedef struct gly_source_splits {
    uint32_t split_count;
    gly_split *splits;
    uint32_t partition_count;
    uint32_t *first_split;
} gly_source_splits;
GLY_NODISCARD gly_status gly_source_plan_splits(gly_arena *arena, const gly_relation *relation,
                                                uint64_t max_split_bytes, uint64_t open_cost_bytes,
                                                uint32_t min_partitions, gly_source_splits *ret,
                                                gly_error *err);
#endif
