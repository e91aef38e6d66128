/* partition_paths.h - Hive partition columns in paths: .../dt=2024-01-01/part-0.parquet. */
#ifndef GLY_PARTITION_PATHS_H
#define GLY_PARTITION_PATHS_H

#include "lib/plan/relation.h"

typedef struct gly_partition_paths {
    uint32_t column_count;
    gly_field *columns; /* names and the common types of all values */
    gly_value **values; /* values[file][column] */
} gly_partition_paths;

/* base_depths[i]: how many components of paths[i] are the table's own directory; "name=value"
 * directories behind it are partitions.  All files must have the same names in the same order:
 * FILE_FORMAT otherwise.  Types: int, bigint, double, date, timestamp, else string; the value
 * __HIVE_DEFAULT_PARTITION__ is NULL; %XX is decoded. */
GLY_NODISCARD gly_status gly_partition_paths_find(gly_arena *arena, uint32_t file_count,
                                                  const gly_str *paths, const uint32_t *base_depths,
                                                  gly_partition_paths *ret, gly_error *err);

#endif
