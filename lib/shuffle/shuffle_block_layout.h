/* shuffle_block_layout.h - the bytes of a block; internal to its builder and its reader.
 *
 *   header     40 bytes, below
 *   stored     header.stored_size bytes: raw_size bytes, compressed with header.codec
 *
 *   raw =      column_count column headers of 24 bytes
 *              then per column, in order:
 *                validity   8-aligned: (rows + 63) / 64 words, if has_validity
 *                data       64-aligned: PLAIN rows * width | CONSTANT 1 * width |
 *                           PACKED rows * packed_width | NULLS nothing
 *                heap       text only: all bytes, one text after the other (CONSTANT: one text)
 *
 * The data of a text column are the sizes (u32); packed_width 0: all are `base`.  Views are made
 * when a block is read: sizes and bytes are less to compress, copy and send.  Little-endian
 * throughout.
 */
#ifndef GLY_SHUFFLE_BLOCK_LAYOUT_H
#define GLY_SHUFFLE_BLOCK_LAYOUT_H

#include "lib/shuffle/shuffle_block.h"

enum { GLY_BLOCK_MAGIC = 0x31425347, GLY_BLOCK_VERSION = 1 }; /* "GSB1" */
#define GLY_BLOCK_MAX_RAW (UINT64_C(1) << 31)

typedef struct gly_block_header {
    uint32_t magic;
    uint8_t version;
    uint8_t codec; /* gly_codec */
    uint16_t zero;
    uint32_t column_count;
    uint32_t row_count;
    uint64_t raw_size;
    uint64_t stored_size;
    uint64_t checksum; /* XXH3 of the stored bytes, combined with XXH3 of the 32 bytes above */
} gly_block_header;

typedef enum gly_block_encoding {
    GLY_BLOCK_PLAIN,
    GLY_BLOCK_CONSTANT,
    GLY_BLOCK_PACKED,
    GLY_BLOCK_NULLS, /* every row is NULL */
    GLY_BLOCK_ENCODING_COUNT
} gly_block_encoding;

typedef struct gly_block_column {
    uint8_t encoding;
    uint8_t kind; /* gly_kind, to find out if the reader expects another schema */
    uint8_t packed_width;
    uint8_t has_validity;
    uint32_t zero;
    int64_t base;       /* PACKED */
    uint64_t heap_size; /* text */
} gly_block_column;

_Static_assert(sizeof(gly_block_header) == 40 && sizeof(gly_block_column) == 24,
               "block layouts have no holes");

/* Bytes of one value in data. */
static inline size_t gly_block_width(gly_kind kind) {
    return kind == GLY_KIND_TEXT ? sizeof(uint32_t) : gly_kind_width(kind);
}

static inline uint64_t gly_block_data_size(const gly_block_column *column, size_t width,
                                           uint64_t rows) {
    switch (column->encoding) {
    case GLY_BLOCK_PLAIN:
        return rows * width;
    case GLY_BLOCK_CONSTANT:
        return width;
    case GLY_BLOCK_PACKED:
        return rows * column->packed_width;
    default:
        return 0;
    }
}

#endif
