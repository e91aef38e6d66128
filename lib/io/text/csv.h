/* csv.h - CSV files (RFC 4180 and Spark's dialect): what csv_format.c, csv_reader.c, csv_writer.c share.
 *
 * Options as in Spark: sep (or delimiter) ',', header false, inferSchema false, quote '"', escape '\',
 * nullValue '', comment, mode PERMISSIVE | DROPMALFORMED | FAILFAST, schema "a int, b string".  A line
 * end always ends a record (multiLine is not supported).
 */
#ifndef GLY_CSV_H
#define GLY_CSV_H

#include "lib/io/format.h"
#include "lib/io/text/text_rows.h"

typedef enum gly_csv_mode { GLY_CSV_PERMISSIVE, GLY_CSV_DROP, GLY_CSV_FAIL } gly_csv_mode;

typedef struct gly_csv_options {
    char separator, quote, escape, comment; /* '\0': none */
    bool header, infer;
    gly_str null_value;
    gly_csv_mode mode;
} gly_csv_options;

typedef struct gly_csv_cell {
    gly_str text;
    bool is_quoted; /* a quoted empty text is not NULL */
} gly_csv_cell;

GLY_NODISCARD gly_status gly_csv_options_read(uint32_t count, const gly_option *options,
                                              gly_csv_options *ret, gly_error *err);
/* Splits a line into at most capacity cells; returns how many there are (more than capacity: the rest
 * is not stored).  Cells point into line or, when unescaped, into the arena. */
uint32_t gly_csv_split(gly_arena *arena, const gly_csv_options *options, gly_str line,
                       gly_csv_cell *cells, uint32_t capacity);

extern const gly_format gly_csv_format;

gly_status gly_csv_reader_open(gly_scan *scan, gly_reader **ret, gly_error *err);
gly_status gly_csv_reader_next(gly_reader *reader, const gly_batch **ret, gly_error *err);
void gly_csv_reader_close(gly_reader *reader);
gly_status gly_csv_writer_open(gly_str path, const gly_schema *schema,
                               const gly_writer_options *options, gly_writer **ret,
                               gly_error *err);
gly_status gly_csv_writer_write(gly_writer *writer, const gly_batch *batch, gly_error *err);
gly_status gly_csv_writer_finish(gly_writer *writer, uint64_t *ret_rows, uint64_t *ret_bytes,
                                 gly_error *err);
void gly_csv_writer_abort(gly_writer *writer);

#endif
