/* parquet_reader.h - the reading half of gly_parquet_format, and the format itself. */
#ifndef GLY_PARQUET_READER_H
#define GLY_PARQUET_READER_H

#include "lib/io/format.h"

extern const gly_format gly_parquet_format;

/* The functions of gly_format of the same name; see lib/io/format.h. */
GLY_NODISCARD gly_status gly_parquet_reader_open(gly_scan *scan, gly_reader **ret, gly_error *err);
GLY_NODISCARD gly_status gly_parquet_reader_next(gly_reader *reader, const gly_batch **ret,
                                                 gly_error *err);
GLY_NODISCARD gly_status gly_parquet_reader_seek(gly_reader *reader, uint64_t split_offset,
                                                 uint64_t split_length, gly_error *err);
void gly_parquet_reader_close(gly_reader *reader);

#endif
