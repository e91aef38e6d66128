/* parquet_encode.h - one column of a row group that is being written: vectors in, pages out.
 *
 * Pages are kept compressed in memory until the row group is complete, because the dictionary,
 * which comes first in the file, is only then known.
 */
#ifndef GLY_PARQUET_ENCODE_H
#define GLY_PARQUET_ENCODE_H

#include "lib/base/codec.h"
#include "lib/data/batch.h"
#include "lib/data/schema.h"
#include "lib/io/parquet/parquet_dictionary.h"
#include "lib/io/parquet/parquet_statistics.h"

typedef struct gly_parquet_encoder {
    gly_str name;
    gly_type type;
    bool is_optional;
    uint8_t physical;
    uint32_t type_length; /* FIXED */
    uint32_t width;       /* bytes of a fixed-width physical value; 0: text */
    gly_codec codec;

    bool may_use_dictionary; /* false once it did not pay */
    bool uses_dictionary;    /* in the current page */
    bool has_plain_pages;    /* in this chunk */
    gly_parquet_dictionary dictionary;
    gly_parquet_range range;

    /* The page under construction. */
    uint32_t page_rows, page_values;
    uint32_t *codes;    /* page_values of them, if uses_dictionary */
    uint64_t *validity; /* page_rows bits */
    gly_builder plain;  /* values, if not */

    /* The finished pages of the chunk: headers and bodies. */
    gly_builder pages;
    uint64_t unpacked_size;
    uint64_t row_count, value_count; /* of the finished pages and the current one */
    uint32_t dictionary_pages, plain_pages;

    /* Codes of the input's dictionary in ours: memo[code] - 1; 0: not known yet. */
    uint64_t memo_id;
    uint32_t memo_count, memo_capacity;
    uint32_t *memo;

    gly_builder scratch, packed;
    void *stage; /* GLY_BATCH_ROWS physical values */
} gly_parquet_encoder;

/* UNSUPPORTED if Parquet has no such type. */
GLY_NODISCARD gly_status gly_parquet_encode_init(gly_parquet_encoder *encoder,
                                                 const gly_field *field, gly_codec codec,
                                                 gly_error *err);
void gly_parquet_encode_clear(gly_parquet_encoder *encoder);
/* Adds the batch's live rows of column. */
GLY_NODISCARD gly_status gly_parquet_encode_add(gly_parquet_encoder *encoder,
                                                const gly_batch *batch, const gly_column *column,
                                                gly_error *err);
/* Ends the chunk: the last page, then *ret_dictionary holds the dictionary page (or nothing) and
 * encoder->pages the data pages.  Counts are in the encoder until reset. */
GLY_NODISCARD gly_status gly_parquet_encode_finish(gly_parquet_encoder *encoder,
                                                   gly_builder *ret_dictionary, gly_error *err);
void gly_parquet_encode_reset(gly_parquet_encoder *encoder); /* for the next row group */
size_t gly_parquet_encode_memory(const gly_parquet_encoder *encoder);
/* Bytes the chunk would have now, about. */
size_t gly_parquet_encode_size(const gly_parquet_encoder *encoder);
/* Appends count values of width bits in the RLE/bit-packing hybrid. */
void gly_parquet_encode_rle(gly_builder *out, const uint32_t *values, uint32_t count,
                            unsigned width);
/* Bits needed for values 0 .. count-1; at least 1. */
unsigned gly_parquet_encode_width(uint32_t count);

#endif
