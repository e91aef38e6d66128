/* parquet_meta.h - a Parquet file's footer: schema, row groups, column chunks, statistics.
 *
 * Only flat columns: nested ones are listed with the reason why they cannot be read.  Everything is
 * checked against the file's size when it is read, so that readers may trust offsets and counts.
 * Format: github.com/apache/parquet-format, parquet.thrift.
 */
#ifndef GLY_PARQUET_META_H
#define GLY_PARQUET_META_H

#include "lib/data/schema.h"
#include "lib/io/fs/filesystem.h"
#include "lib/io/parquet/parquet_convert.h"
#include "lib/plan/relation.h"

/* The numbers are the format's. */
typedef enum gly_parquet_encoding {
    GLY_PARQUET_PLAIN = 0,
    GLY_PARQUET_PLAIN_DICTIONARY = 2, /* the old number of RLE_DICTIONARY */
    GLY_PARQUET_RLE = 3,
    GLY_PARQUET_BIT_PACKED = 4,
    GLY_PARQUET_DELTA_BINARY_PACKED = 5,
    GLY_PARQUET_DELTA_LENGTH_BYTE_ARRAY = 6,
    GLY_PARQUET_DELTA_BYTE_ARRAY = 7,
    GLY_PARQUET_RLE_DICTIONARY = 8,
    GLY_PARQUET_BYTE_STREAM_SPLIT = 9,
} gly_parquet_encoding;

/* Bounds as the file has them: bytes in PLAIN encoding (text without length).  They are bounds, not
 * always values: long text is cut. */
typedef struct gly_parquet_statistics {
    bool has_min, has_max;
    bool is_deprecated; /* the old fields, ordered as signed values */
    gly_str min, max;
    uint64_t null_count;     /* UINT64_MAX: unknown */
    uint64_t distinct_count; /* 0: unknown */
} gly_parquet_statistics;

typedef struct gly_parquet_chunk {
    uint8_t codec;          /* the format's number */
    bool is_all_dictionary; /* the footer says that every data page is dictionary-encoded */
    bool has_plain_pages;   /* the footer says that some are not; neither: it does not say */
    bool has_dictionary;
    uint64_t offset, size; /* dictionary page included; inside the file */
    uint64_t value_count;
    uint64_t unpacked_size;
    gly_parquet_statistics statistics;
} gly_parquet_chunk;

typedef struct gly_parquet_group {
    uint64_t row_count;
    uint64_t offset;           /* of its first byte: the split point */
    gly_parquet_chunk *chunks; /* one per leaf */
} gly_parquet_group;

/* A leaf of the schema. */
typedef struct gly_parquet_leaf {
    gly_str name;     /* of the top-level field */
    uint8_t physical; /* gly_parquet_physical */
    bool is_optional;
    bool is_unsigned;     /* integers: statistics are ordered as unsigned */
    bool is_type_order;   /* min_value and max_value may be used */
    uint32_t type_length; /* FIXED */
    gly_type type;
    gly_parquet_conversion conversion; /* from physical to type */
    const char *refusal;               /* NULL: readable; else why not ("is a list") */
} gly_parquet_leaf;

typedef struct gly_parquet_meta {
    uint32_t leaf_count;
    gly_parquet_leaf *leaves;
    uint32_t group_count;
    gly_parquet_group *groups;
    uint64_t row_count;
    gly_str created_by;
} gly_parquet_meta;

/* Reads and checks the footer.  CORRUPT_FILE, FILE_FORMAT (not Parquet), UNSUPPORTED (encrypted);
 * messages name the file. */
GLY_NODISCARD gly_status gly_parquet_meta_read(gly_arena *arena, gly_file *file,
                                               gly_parquet_meta **ret, uint64_t *ret_bytes_read,
                                               gly_error *err);
/* Bounds of a chunk as values of the leaf's type; false if there are none that may be trusted.
 * FLOAT and DOUBLE: NaN may lie outside of them.  Text points into the footer. */
bool gly_parquet_meta_bounds(const gly_parquet_leaf *leaf, const gly_parquet_chunk *chunk,
                             gly_value *ret_min, gly_value *ret_max);
/* The leaf of a top-level column, case ignored (an exact match wins); leaf_count if absent. */
uint32_t gly_parquet_meta_find(const gly_parquet_meta *meta, gly_str name);

#endif
