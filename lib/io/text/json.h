/* json.h - JSON lines (one object a line): what json.c, json_reader.c and json_writer.c share.
 *
 * Options as in Spark: mode PERMISSIVE | DROPMALFORMED | FAILFAST, schema "a int, b string".  Nested
 * values are refused when columns are inferred; into a column declared string they go as their text.
 */
#ifndef GLY_JSON_H
#define GLY_JSON_H

#include "lib/io/format.h"

extern const gly_format gly_json_format;

gly_status gly_json_reader_open(gly_scan *scan, gly_reader **ret, gly_error *err);
gly_status gly_json_reader_next(gly_reader *reader, const gly_batch **ret, gly_error *err);
void gly_json_reader_close(gly_reader *reader);
gly_status gly_json_writer_open(gly_str path, const gly_schema *schema,
                                const gly_writer_options *options, gly_writer **ret,
                                gly_error *err);
gly_status gly_json_writer_write(gly_writer *writer, const gly_batch *batch, gly_error *err);
gly_status gly_json_writer_finish(gly_writer *writer, uint64_t *ret_rows, uint64_t *ret_bytes,
                                  gly_error *err);
void gly_json_writer_abort(gly_writer *writer);

#endif
