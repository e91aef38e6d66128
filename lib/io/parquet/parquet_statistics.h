/* parquet_statistics.h - smallest and largest value of a column chunk that is being written.
 *
 * Values come in their physical form (PLAIN bytes), so that a dictionary can be added as a whole.
 */
#ifndef GLY_PARQUET_STATISTICS_H
#define GLY_PARQUET_STATISTICS_H

#include "lib/data/text.h"
#include "lib/io/parquet/parquet_convert.h"
#include "lib/io/parquet/thrift.h"

typedef struct gly_parquet_range {
    uint8_t physical; /* gly_parquet_physical; FIXED: signed big-endian numbers */
    uint32_t width;   /* of FIXED */
    bool has_values;  /* NaN does not count */
    int64_t min_integer, max_integer;
    double min_double, max_double;
    gly_builder min, max; /* FIXED and text; text is kept up to TEXT_BYTES, cut on writing */
    bool is_min_cut, is_max_cut;
} gly_parquet_range;

void gly_parquet_statistics_clear(gly_parquet_range *range); /* frees; zeroed but for the type */
/* INT32, INT64, FLOAT, DOUBLE, FIXED: packed; BOOLEAN: bytes. */
void gly_parquet_statistics_add(gly_parquet_range *range, const void *values, size_t count);
void gly_parquet_statistics_add_text(gly_parquet_range *range, const gly_text *values,
                                     size_t count);
void gly_parquet_statistics_add_bytes(gly_parquet_range *range, gly_str value);
/* Writes the members of the struct Statistics, without its end. */
void gly_parquet_statistics_write(const gly_parquet_range *range, uint64_t null_count,
                                  gly_thrift_writer *writer);

#endif
