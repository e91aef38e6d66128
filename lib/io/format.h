/* format.h - a file format: schema, splits, a reader that pulls batches, a writer that takes them.
 *
 * One row in formats.def and one exported `const gly_format` per format.  Readers never evaluate
 * expressions themselves (that is the engine's): they prune with the simple conjuncts they
 * understand and call `select` for the exact answer.
 */
#ifndef GLY_FORMAT_H
#define GLY_FORMAT_H

#include "lib/base/budget.h"
#include "lib/data/batch.h"
#include "lib/io/fs/filesystem.h"
#include "lib/plan/expr.h"
#include "lib/plan/relation.h"

typedef struct gly_scan {
    const gly_relation_file *file;
    uint64_t split_offset, split_length;
    uint32_t option_count;
    const gly_option *options;
    const gly_schema *file_schema; /* the relation's: partition columns last */
    uint32_t partition_column_count;
    /* What is wanted: column i of the batches is file_schema field fields[i]. */
    uint32_t column_count;
    const uint32_t *fields;
    /* Conjuncts over the wanted columns (COLUMN.column indexes them); for pruning only. */
    uint32_t filter_count;
    gly_expr *const *filters;
    /* is_filter_column[i]: select() looks at column i.  NULL if there are no filters. */
    const bool *is_filter_column;
    /* The exact filter: of batch's rows (its selection respected) those that pass.  Only the filter
     * columns of the batch are filled.  ret_selection has room for GLY_BATCH_ROWS. NULL: none. */
    gly_status (*select)(void *context, const gly_batch *batch, uint16_t *ret_selection,
                         uint32_t *ret_count, gly_error *err);
    void *select_context;
    gly_budget *budget; /* for page and row-group buffers */
    /* Counters, added to by the reader (may be shared: the caller sums after close). */
    uint64_t bytes_read, rows_read, row_groups_read, row_groups_skipped;
} gly_scan;

typedef struct gly_reader gly_reader; /* opaque per format: first member is the format */

typedef struct gly_writer_options {
    uint32_t option_count;
    const gly_option *options; /* "compression", "row_group_rows", "header", "delimiter", ... */
    gly_budget *budget;
    gly_builder *token; /* where finish puts the file's token (gly_file_writer); NULL: nowhere */
} gly_writer_options;

typedef struct gly_writer gly_writer;

typedef struct gly_format {
    const char *name;      /* "parquet" */
    const char *extension; /* "parquet"; with codec where usual: ".snappy.parquet" */
    /* Fills relation->schema (file columns only), row_count and statistics from the files' own
     * metadata or a sample.  relation->files, options are set.  CSV and JSON infer or use the
     * option "schema" ("a int, b string"). */
    gly_status (*infer)(gly_arena *arena, gly_relation *relation, gly_error *err);
    /* Offsets inside one file where a split may start (row groups: the offset of their first byte);
     * NULL: anywhere (lines). */
    gly_status (*split_points)(gly_arena *arena, const gly_relation *relation, uint32_t file,
                               uint32_t *ret_count, uint64_t **ret_offsets, gly_error *err);
    gly_status (*reader_open)(gly_scan *scan, gly_reader **ret, gly_error *err);
    /* *ret is NULL at the end.  The batch is the reader's, valid until the next call. */
    gly_status (*reader_next)(gly_reader *reader, const gly_batch **ret, gly_error *err);
    /* At the end of a split: goes on with another split of the same file, keeping what was read of
     * the file's metadata and the buffers.  NULL: close and open instead. */
    gly_status (*reader_seek)(gly_reader *reader, uint64_t split_offset, uint64_t split_length,
                              gly_error *err);
    void (*reader_close)(gly_reader *reader);
    gly_status (*writer_open)(gly_str path, const gly_schema *schema,
                              const gly_writer_options *options, gly_writer **ret, gly_error *err);
    gly_status (*writer_write)(gly_writer *writer, const gly_batch *batch, gly_error *err);
    /* Completes the file; frees the writer, also on failure. */
    gly_status (*writer_finish)(gly_writer *writer, uint64_t *ret_rows, uint64_t *ret_bytes,
                                gly_error *err);
    void (*writer_abort)(gly_writer *writer);
} gly_format;

const gly_format *gly_format_find(gly_str name); /* case ignored; NULL if unknown */
/* "parquet, csv, json" for messages. */
const char *gly_format_names(void);

#endif
