/* parquet_page.c - reads page headers and decompresses page bodies, whatever the bytes say.
 *
 * Invariant: nothing is allocated for a claimed size that the compressed bytes cannot have (every
 * codec has a largest ratio), nor for more than MOST_PAGE_BYTES.  What the values mean is
 * parquet_column.c's business.
 */
#include "lib/io/parquet/parquet_page.h"

#include "lib/base/alloc.h"
#include "lib/base/codec.h"
#include "lib/io/parquet/snappy_unpack.h"
#include "lib/io/parquet/thrift.h"

enum {
    READ_AHEAD_BYTES = 256 * 1024,
    FIRST_HEADER_BYTES = 256,
    MOST_HEADER_BYTES = 16 << 20,
    MOST_PAGE_BYTES = 1 << 30,
    FORCED_BYTES = 32 << 20, /* what a scan may take though the budget says no */
    BUFFER_STEP = 64 * 1024,
};

/* CompressionCodec */
enum {
    CODEC_NONE,
    CODEC_SNAPPY,
    CODEC_GZIP,
    CODEC_LZO,
    CODEC_BROTLI,
    CODEC_LZ4,
    CODEC_ZSTD,
    CODEC_LZ4_RAW
};

/* ---- buffers -------------------------------------------------------------------------------- */

gly_status gly_parquet_page_reserve(gly_parquet_buffer *buffer, size_t size, size_t kept_size,
                                    gly_error *err) {
    if (size <= buffer->capacity && buffer->data != NULL) {
        return GLY_OK;
    }
    size_t capacity = GLY_ALIGN_UP(GLY_MAX(size, (size_t)1), (size_t)BUFFER_STEP);
    if (size < BUFFER_STEP) {
        capacity = GLY_ALIGN_UP(GLY_MAX(size, (size_t)1), (size_t)1024);
    }
    if (buffer->budget != NULL && !gly_budget_try_reserve(buffer->budget, capacity)) {
        if (capacity > FORCED_BYTES) {
            return gly_fail(err, GLY_E_OUT_OF_MEMORY,
                            "%zu bytes of memory for a page were refused; give the executors more "
                            "memory or write smaller pages",
                            capacity);
        }
        gly_budget_force(buffer->budget, capacity);
    }
    uint8_t *data = gly_alloc_aligned(capacity);
    memset(data + capacity, 0, 64);
    if (kept_size > 0) {
        memcpy(data, buffer->data, kept_size);
    }
    gly_parquet_page_release(buffer);
    buffer->data = data;
    buffer->capacity = capacity;
    return GLY_OK;
}

void gly_parquet_page_release(gly_parquet_buffer *buffer) {
    if (buffer->data != NULL) {
        free(buffer->data);
        if (buffer->budget != NULL) {
            gly_budget_release(buffer->budget, buffer->capacity);
        }
    }
    buffer->data = NULL;
    buffer->capacity = 0;
}

/* ---- the window ----------------------------------------------------------------------------- */

void gly_parquet_page_open(gly_parquet_pages *pages, gly_file *file, uint64_t offset, uint64_t size,
                           uint8_t codec) {
    pages->file = file;
    pages->position = offset;
    pages->end = offset + size;
    pages->at = 0;
    pages->filled = 0;
    pages->codec = codec;
}

bool gly_parquet_page_at_end(const gly_parquet_pages *pages) {
    return pages->at == pages->filled && pages->position == pages->end;
}

static uint64_t bytes_left(const gly_parquet_pages *pages) {
    return (pages->filled - pages->at) + (pages->end - pages->position);
}

/* Makes the next size bytes (which the chunk has) lie in the window. */
static gly_status need(gly_parquet_pages *pages, size_t size, gly_error *err) {
    size_t have = pages->filled - pages->at;
    if (have >= size) {
        return GLY_OK;
    }
    if (have > 0 && pages->at > 0) {
        memmove(pages->window.data, pages->window.data + pages->at, have);
    }
    pages->at = 0;
    pages->filled = have;
    uint64_t left = pages->end - pages->position;
    if (size > pages->window.capacity) {
        size_t room = GLY_MAX(size + READ_AHEAD_BYTES / 2, (size_t)READ_AHEAD_BYTES);
        room = (size_t)GLY_MIN((uint64_t)room, have + left);
        GLY_TRY(gly_parquet_page_reserve(&pages->window, room, have, err));
    }
    size_t more = (size_t)GLY_MIN(left, (uint64_t)(pages->window.capacity - have));
    GLY_TRY(
        pages->file->read_at(pages->file, pages->position, more, pages->window.data + have, err));
    pages->position += more;
    pages->filled = have + more;
    if (pages->bytes_read != NULL) {
        *pages->bytes_read += more;
    }
    return GLY_OK;
}

/* ---- headers -------------------------------------------------------------------------------- */

static uint32_t read_size(gly_thrift_reader *thrift, const gly_thrift_field *field) {
    int32_t value = gly_thrift_read_i32(thrift, field);
    if (value < 0 && thrift->problem == NULL) {
        thrift->problem = "a page header has a negative size";
    }
    return value < 0 ? 0 : (uint32_t)value;
}

static void read_data_header(gly_thrift_reader *thrift, gly_parquet_page_header *ret) {
    gly_thrift_field field = {0};
    while (gly_thrift_next_field(thrift, &field)) {
        switch (field.id) {
        case 1:
            ret->value_count = read_size(thrift, &field);
            break;
        case 2:
            ret->encoding = gly_thrift_read_i32(thrift, &field);
            break;
        case 3:
            ret->level_encoding = gly_thrift_read_i32(thrift, &field);
            break;
        default:
            gly_thrift_skip(thrift, &field);
        }
    }
}

static void read_data_header_v2(gly_thrift_reader *thrift, gly_parquet_page_header *ret) {
    gly_thrift_field field = {0};
    while (gly_thrift_next_field(thrift, &field)) {
        switch (field.id) {
        case 1:
            ret->value_count = read_size(thrift, &field);
            break;
        case 2:
            ret->null_count = read_size(thrift, &field);
            break;
        case 4:
            ret->encoding = gly_thrift_read_i32(thrift, &field);
            break;
        case 5:
            ret->definition_size = read_size(thrift, &field);
            break;
        case 6:
            ret->repetition_size = read_size(thrift, &field);
            break;
        case 7:
            ret->is_compressed = gly_thrift_read_bool(thrift, &field);
            break;
        default:
            gly_thrift_skip(thrift, &field);
        }
    }
}

static void read_header(gly_thrift_reader *thrift, gly_parquet_page_header *ret) {
    *ret = (gly_parquet_page_header){.type = UINT8_MAX,
                                     .encoding = -1,
                                     .level_encoding = 3,
                                     .null_count = UINT32_MAX,
                                     .is_compressed = true};
    gly_thrift_field field = {0};
    while (gly_thrift_next_field(thrift, &field)) {
        switch (field.id) {
        case 1: {
            int32_t type = gly_thrift_read_i32(thrift, &field);
            ret->type = type >= 0 && type < UINT8_MAX ? (uint8_t)type : UINT8_MAX;
            break;
        }
        case 2:
            ret->unpacked_size = read_size(thrift, &field);
            break;
        case 3:
            ret->packed_size = read_size(thrift, &field);
            break;
        case 5:
        case 7: /* a dictionary header begins with the same two members */
            if (gly_thrift_enter_struct(thrift, &field)) {
                read_data_header(thrift, ret);
            }
            break;
        case 8:
            if (gly_thrift_enter_struct(thrift, &field)) {
                read_data_header_v2(thrift, ret);
            }
            break;
        default:
            gly_thrift_skip(thrift, &field);
        }
    }
}

/* The most bytes one compressed byte can become, by codec; zstd has no limit worth checking. */
static uint64_t largest_ratio(uint8_t codec) {
    switch (codec) {
    case CODEC_NONE:
        return 1;
    case CODEC_SNAPPY:
        return 32;
    case CODEC_GZIP:
        return 1100;
    case CODEC_LZ4:
    case CODEC_LZ4_RAW:
        return 256;
    default:
        return MOST_PAGE_BYTES;
    }
}

static gly_status check_header(const gly_parquet_pages *pages,
                               const gly_parquet_page_header *header, gly_error *err) {
    uint64_t levels = (uint64_t)header->definition_size + header->repetition_size;
    if (header->packed_size > bytes_left(pages)) {
        return gly_fail(err, GLY_E_CORRUPT_FILE, "a page of %u bytes does not fit the %llu left",
                        header->packed_size, (unsigned long long)bytes_left(pages));
    }
    if (header->unpacked_size > MOST_PAGE_BYTES ||
        header->unpacked_size >
            (uint64_t)header->packed_size * largest_ratio(pages->codec) + 1024) {
        return gly_fail(err, GLY_E_CORRUPT_FILE,
                        "a page claims that its %u bytes decompress to %u bytes",
                        header->packed_size, header->unpacked_size);
    }
    if (levels > header->packed_size || levels > header->unpacked_size) {
        return gly_fail(err, GLY_E_CORRUPT_FILE, "the levels of a page are larger than the page");
    }
    return GLY_OK;
}

gly_status gly_parquet_page_next(gly_parquet_pages *pages, gly_parquet_page_header *ret,
                                 gly_error *err) {
    uint64_t left = bytes_left(pages);
    size_t wanted = (size_t)GLY_MIN(left, (uint64_t)FIRST_HEADER_BYTES);
    if (left == 0) {
        return gly_fail(err, GLY_E_CORRUPT_FILE, "the column chunk ends too early");
    }
    for (;;) {
        GLY_TRY(need(pages, wanted, err));
        size_t have = pages->filled - pages->at;
        gly_thrift_reader thrift;
        gly_thrift_open(&thrift, pages->window.data + pages->at, have);
        read_header(&thrift, ret);
        if (thrift.problem == NULL) {
            pages->at = (size_t)(thrift.cursor - pages->window.data);
            return check_header(pages, ret, err);
        }
        if (!thrift.is_short || have >= left || have >= MOST_HEADER_BYTES) {
            return gly_fail(err, GLY_E_CORRUPT_FILE, "a page header cannot be read: %s",
                            thrift.problem);
        }
        wanted = (size_t)GLY_MIN(left, (uint64_t)have * 4);
    }
}

bool gly_parquet_page_peek(gly_parquet_pages *pages, gly_parquet_page_header *ret) {
    gly_thrift_reader thrift;
    if (bytes_left(pages) == 0 || need(pages, (size_t)bytes_left(pages), NULL) != GLY_OK) {
        return false;
    }
    gly_thrift_open(&thrift, pages->window.data + pages->at, pages->filled - pages->at);
    read_header(&thrift, ret);
    return thrift.problem == NULL;
}

/* ---- bodies --------------------------------------------------------------------------------- */

gly_status gly_parquet_page_check_codec(uint8_t codec, gly_error *err) {
    static const char *const names[] = {"", "", "", "LZO", "BROTLI"};
    switch (codec) {
    case CODEC_NONE:
    case CODEC_SNAPPY:
    case CODEC_GZIP:
    case CODEC_LZ4:
    case CODEC_ZSTD:
    case CODEC_LZ4_RAW:
        return GLY_OK;
    default:
        return gly_fail(err, GLY_E_FILE_FORMAT,
                        "its compression codec %s is not supported; snappy, zstd, gzip and lz4 are",
                        codec < GLY_ARRAY_LEN(names) ? names[codec] : "is unknown and");
    }
}

static uint32_t read_be32(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Hadoop's framing of LZ4: (u32be unpacked size, u32be packed size, block)*, as parquet-mr wrote
 * it. */
static bool unpack_hadoop_lz4(const uint8_t *input, size_t size, uint8_t *output,
                              size_t output_size) {
    while (size >= 8) {
        size_t unpacked = read_be32(input);
        size_t packed = read_be32(input + 4);
        input += 8;
        size -= 8;
        if (packed > size || unpacked > output_size ||
            gly_codec_decompress(GLY_CODEC_LZ4, input, packed, output, unpacked, NULL) != GLY_OK) {
            return false;
        }
        input += packed;
        size -= packed;
        output += unpacked;
        output_size -= unpacked;
    }
    return size == 0 && output_size == 0;
}

static gly_status unpack(uint8_t codec, const uint8_t *input, size_t size, uint8_t *output,
                         size_t output_size, gly_error *err) {
    static const gly_codec codecs[] = {
        [CODEC_NONE] = GLY_CODEC_NONE, [CODEC_SNAPPY] = GLY_CODEC_SNAPPY,
        [CODEC_GZIP] = GLY_CODEC_GZIP, [CODEC_LZ4] = GLY_CODEC_LZ4,
        [CODEC_ZSTD] = GLY_CODEC_ZSTD, [CODEC_LZ4_RAW] = GLY_CODEC_LZ4,
    };
    GLY_TRY(gly_parquet_page_check_codec(codec, err));
    if (codec == CODEC_SNAPPY) {
        if (!gly_snappy_unpack(input, size, output, output_size)) {
            return gly_fail(
                err, GLY_E_CORRUPT_FILE,
                "%zu bytes do not decompress with snappy to the %zu bytes they should be", size,
                output_size);
        }
        return GLY_OK;
    }
    if (codec == CODEC_LZ4 && unpack_hadoop_lz4(input, size, output, output_size)) {
        return GLY_OK;
    }
    return gly_codec_decompress(codecs[codec], input, size, output, output_size, err);
}

gly_status gly_parquet_page_body(gly_parquet_pages *pages, const gly_parquet_page_header *header,
                                 gly_parquet_buffer *buffer, gly_error *err) {
    GLY_TRY(need(pages, header->packed_size, err));
    GLY_TRY(gly_parquet_page_reserve(buffer, header->unpacked_size, 0, err));
    const uint8_t *input = pages->window.data + pages->at;
    size_t levels = 0;
    if (header->type == GLY_PARQUET_PAGE_DATA_V2) {
        levels = (size_t)header->definition_size + header->repetition_size;
        memcpy(buffer->data, input, levels);
    }
    size_t packed = header->packed_size - levels;
    size_t unpacked = header->unpacked_size - levels;
    bool is_stored = header->type == GLY_PARQUET_PAGE_DATA_V2 && !header->is_compressed;
    if (unpacked > 0 || packed > 0) {
        if (unpacked > 0 || is_stored || pages->codec == CODEC_NONE) {
            GLY_TRY(unpack(is_stored ? CODEC_NONE : pages->codec, input + levels, packed,
                           buffer->data + levels, unpacked, err));
        }
    }
    memset(buffer->data + header->unpacked_size, 0, 64); /* over-reads see the same every time */
    pages->at += header->packed_size;
    return GLY_OK;
}

gly_status gly_parquet_page_skip(gly_parquet_pages *pages, const gly_parquet_page_header *header,
                                 gly_error *err) {
    size_t have = pages->filled - pages->at;
    if (header->packed_size > bytes_left(pages)) {
        return gly_fail(err, GLY_E_CORRUPT_FILE, "a page is larger than its column chunk");
    }
    if (header->packed_size <= have) {
        pages->at += header->packed_size;
        return GLY_OK;
    }
    pages->position += header->packed_size - have;
    pages->at = pages->filled = 0;
    return GLY_OK;
}
