/* relation.h - a table that lies in files: what io/source finds out, what plans carry.
 *
 * Plain data; filled by lib/io/source, read by the planner and (as scan splits) by the engine.
 */
#ifndef GLY_RELATION_H
#define GLY_RELATION_H

#include "lib/base/arena.h"
#include "lib/data/schema.h"
#include "lib/data/value.h"

typedef struct gly_option {
    gly_str key; /* lower case */
    gly_str value;
} gly_option;

typedef struct gly_relation_file {
    gly_str path; /* as opened by the file system layer */
    uint64_t size_bytes;
    gly_value *partition_values; /* one per partition column (dt=2024-01-01/...), or NULL */
    uint32_t split_point_count;  /* where splits may start, if the format found out on the way */
    uint64_t *split_points;
} gly_relation_file;

typedef struct gly_column_statistics {
    bool has_bounds;
    gly_value min, max;
    uint64_t null_count;     /* UINT64_MAX: unknown */
    uint64_t distinct_count; /* an estimate; 0: unknown */
} gly_column_statistics;

typedef struct gly_relation {
    gly_str format; /* "parquet", "csv", "json" */
    gly_str name;   /* for people: the view's or path's name */
    uint32_t option_count;
    gly_option *options;
    gly_schema *schema; /* file columns, then partition columns */
    uint32_t partition_column_count; /* the last ones of schema */
    uint32_t file_count;
    gly_relation_file *files;
    uint64_t row_count; /* UINT64_MAX: unknown */
    uint64_t size_bytes;
    gly_column_statistics *statistics; /* per schema field, or NULL */
} gly_relation;

/* A piece of one file, read by one task: row groups that start in [offset, offset + length), or
 * lines that start there. */
typedef struct gly_split {
    uint32_t file; /* index into the scan's files */
    uint64_t offset;
    uint64_t length;
} gly_split;

#endif
