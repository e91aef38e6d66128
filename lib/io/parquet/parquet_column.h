/* parquet_column.h - one column of a file as vectors: read or skip so many rows.
 *
 * A skip costs nothing until the next read, which then jumps over whole pages without decompressing
 * them.  Vectors are lent: they live until the next gly_parquet_column_begin.
 */
#ifndef GLY_PARQUET_COLUMN_H
#define GLY_PARQUET_COLUMN_H

#include "lib/base/array.h"
#include "lib/data/batch.h"
#include "lib/io/parquet/decode_delta.h"
#include "lib/io/parquet/decode_rle.h"
#include "lib/io/parquet/parquet_meta.h"
#include "lib/io/parquet/parquet_page.h"

typedef struct gly_parquet_column {
    const gly_parquet_leaf *leaf;
    gly_type type; /* of the vectors */
    gly_parquet_conversion conversion;
    uint32_t width;     /* bytes of a value in a vector */
    uint32_t raw_width; /* bytes of a value in a page; 0: text */
    gly_budget *budget;
    gly_parquet_pages pages;
    uint64_t rows_left;    /* of the chunk, behind the current page */
    uint64_t pending_skip; /* rows to jump over before the next read */

    /* The current page. */
    uint32_t page_left; /* rows */
    uint8_t nulls;      /* of the page: none, some, all */
    uint8_t mode;       /* how its values are encoded */
    gly_decode_rle levels, codes_stream;
    const uint8_t *cursor, *end;    /* PLAIN values */
    uint64_t value_at, value_count; /* bits, BYTE_STREAM_SPLIT */
    gly_decode_delta delta;
    gly_decode_delta_text delta_text;

    /* The dictionary of the chunk. */
    bool has_dictionary;
    uint32_t dictionary_count;
    uint64_t dictionary_id;
    gly_parquet_buffer dictionary_page, dictionary;

    /* Page memory: what a vector points into is kept until begin. */
    gly_parquet_buffer page, heap;
    bool is_page_lent, is_heap_lent;
    GLY_ARRAY(gly_parquet_buffer) lent;
    gly_parquet_buffer spare;

    /* What the vectors are made of; one allocation (memory). */
    gly_parquet_buffer memory;
    uint8_t *values, *dense;
    uint32_t *codes, *dense_codes;
    uint64_t *validity, *scratch;
} gly_parquet_column;

/* type: what is wanted; conversion: from gly_parquet_convert_widen.  ids start at first_id. */
GLY_NODISCARD gly_status gly_parquet_column_init(gly_parquet_column *column,
                                                 const gly_parquet_leaf *leaf, gly_type type,
                                                 gly_parquet_conversion conversion,
                                                 uint64_t first_id, gly_budget *budget,
                                                 uint64_t *bytes_read, gly_error *err);
void gly_parquet_column_clear(gly_parquet_column *column);
/* The next row group's chunk; what was pending is forgotten. */
void gly_parquet_column_open(gly_parquet_column *column, gly_file *file,
                             const gly_parquet_chunk *chunk);
/* Vectors read before may be overwritten now. */
void gly_parquet_column_begin(gly_parquet_column *column);
/* The next count (at most GLY_BATCH_ROWS) rows.  CORRUPT_FILE, FILE_FORMAT, OUT_OF_MEMORY, IO. */
GLY_NODISCARD gly_status gly_parquet_column_read(gly_parquet_column *column, uint32_t count,
                                                 gly_column *ret, gly_error *err);
static inline void gly_parquet_column_skip(gly_parquet_column *column, uint64_t count) {
    column->pending_skip += count;
}
/* Loads the chunk's dictionary if its first page is one; for pruning.  *ret_count 0: none. */
GLY_NODISCARD gly_status gly_parquet_column_dictionary(gly_parquet_column *column,
                                                       uint32_t *ret_count, gly_column *ret,
                                                       gly_error *err);

#endif
