/* parquet_page.h - the pages of one column chunk: headers, bodies, decompression, buffers.
 *
 *   chunk := [dictionary page] data page*      page := header (Thrift) body
 *
 * A chunk is read through a window (READ_AHEAD bytes, more if a page is larger), not at once:
 * memory per column stays near one page.
 */
#ifndef GLY_PARQUET_PAGE_H
#define GLY_PARQUET_PAGE_H

#include "lib/base/budget.h"
#include "lib/io/fs/filesystem.h"

/* Aligned memory, 64 readable bytes behind, charged to a budget (which may be NULL). */
typedef struct gly_parquet_buffer {
    uint8_t *data;
    size_t capacity;
    gly_budget *budget;
} gly_parquet_buffer;

/* Makes room for size bytes; the contents are lost unless kept_size says how many to keep.
 * Small needs cannot be refused (a scan cannot spill), large ones can: OUT_OF_MEMORY. */
GLY_NODISCARD gly_status gly_parquet_page_reserve(gly_parquet_buffer *buffer, size_t size,
                                                  size_t kept_size, gly_error *err);
void gly_parquet_page_release(gly_parquet_buffer *buffer);

typedef enum gly_parquet_page_type {
    GLY_PARQUET_PAGE_DATA = 0,
    GLY_PARQUET_PAGE_INDEX = 1,
    GLY_PARQUET_PAGE_DICTIONARY = 2,
    GLY_PARQUET_PAGE_DATA_V2 = 3,
} gly_parquet_page_type;

typedef struct gly_parquet_page_header {
    uint8_t type; /* gly_parquet_page_type */
    uint32_t unpacked_size, packed_size;
    uint32_t value_count; /* nulls included */
    int32_t encoding;
    int32_t level_encoding;                    /* v1: of the definition levels */
    uint32_t null_count;                       /* v2; UINT32_MAX: unknown */
    uint32_t definition_size, repetition_size; /* v2: bytes of levels, never compressed */
    bool is_compressed;                        /* v2 may say no */
} gly_parquet_page_header;

typedef struct gly_parquet_pages {
    gly_file *file;
    uint64_t position, end; /* of the chunk in the file: not yet in the window */
    gly_parquet_buffer window;
    size_t at, filled;    /* unread bytes of the window: [at, filled) */
    uint64_t *bytes_read; /* counter */
    uint8_t codec;
} gly_parquet_pages;

/* Starts over with another chunk; the window's memory is kept. */
void gly_parquet_page_open(gly_parquet_pages *pages, gly_file *file, uint64_t offset, uint64_t size,
                           uint8_t codec);
/* True if the chunk has no more bytes. */
bool gly_parquet_page_at_end(const gly_parquet_pages *pages);
/* Reads the next header; then body or skip must follow. */
GLY_NODISCARD gly_status gly_parquet_page_next(gly_parquet_pages *pages,
                                               gly_parquet_page_header *ret, gly_error *err);
/* The first header of a chunk that was opened, perhaps cut short; false if it cannot be read. */
bool gly_parquet_page_peek(gly_parquet_pages *pages, gly_parquet_page_header *ret);
/* The page's bytes, decompressed into buffer (v2: levels first, then values). */
GLY_NODISCARD gly_status gly_parquet_page_body(gly_parquet_pages *pages,
                                               const gly_parquet_page_header *header,
                                               gly_parquet_buffer *buffer, gly_error *err);
GLY_NODISCARD gly_status gly_parquet_page_skip(gly_parquet_pages *pages,
                                               const gly_parquet_page_header *header,
                                               gly_error *err);
/* Snappy, gzip, ...: the codec behind the format's number; UNSUPPORTED if we have none. */
GLY_NODISCARD gly_status gly_parquet_page_check_codec(uint8_t codec, gly_error *err);

#endif
