/* parquet_writer.h - the writing half of gly_parquet_format; see lib/io/format.h.
 *
 * Options: "compression" (none, snappy, gzip, zstd, lz4; default snappy), "row_group_rows" (default
 * 1,048,576), "row_group_bytes" (default 128 MiB).
 */
#ifndef GLY_PARQUET_WRITER_H
#define GLY_PARQUET_WRITER_H

#include "lib/io/format.h"

GLY_NODISCARD gly_status gly_parquet_writer_open(gly_str path, const gly_schema *schema,
                                                 const gly_writer_options *options,
                                                 gly_writer **ret, gly_error *err);
GLY_NODISCARD gly_status gly_parquet_writer_write(gly_writer *writer, const gly_batch *batch,
                                                  gly_error *err);
GLY_NODISCARD gly_status gly_parquet_writer_finish(gly_writer *writer, uint64_t *ret_rows,
                                                   uint64_t *ret_bytes, gly_error *err);
void gly_parquet_writer_abort(gly_writer *writer);

#endif
