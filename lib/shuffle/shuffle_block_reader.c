/* shuffle_block_reader.c - blocks back to batches: views into the decompressed block.
 *
 * A block is checked and decompressed whole, and then handed out in slices of at most
 * GLY_BATCH_ROWS: plain columns without a copy, packed ones widened and text views made slice by
 * slice.  Bytes are foreign (disk, network): every size and offset is checked before use.
 *
 * Invariant: after load() all columns[c] pointers lie inside raw, for block_rows rows.
 */
#include "lib/base/alloc.h"
#include "lib/base/hash.h"
#include "lib/shuffle/shuffle_block_layout.h"
#include "lib/shuffle/shuffle_pack.h"

typedef struct column_view { /* one column of the current block */
    gly_block_column header;
    const uint64_t *validity; /* or NULL */
    char *data;
    const char *heap;         /* text */
    uint64_t heap_at;         /* of the next slice */
    char *slice;              /* aligned, GLY_BATCH_ROWS values: widened, realigned, or views */
    uint64_t *slice_validity; /* GLY_BATCH_ROWS bits */
} column_view;

struct gly_shuffle_block_reader {
    uint32_t column_count;
    gly_type *types;
    gly_str bytes;     /* what is left */
    uint64_t consumed; /* bytes since set, for messages */
    uint32_t block;    /* number of the current block since set */
    char *raw;
    size_t raw_capacity;
    uint32_t block_rows, next_row;
    column_view *columns;
    gly_column *output;
    gly_batch batch;
};

gly_shuffle_block_reader *gly_shuffle_block_reader_make(const gly_type *types,
                                                        uint32_t column_count) {
    gly_shuffle_block_reader *reader = GLY_NEW(gly_shuffle_block_reader);
    reader->column_count = column_count;
    reader->types = GLY_NEW_ARRAY(gly_type, column_count + 1);
    reader->columns = GLY_NEW_ARRAY(column_view, column_count + 1);
    reader->output = GLY_NEW_ARRAY(gly_column, column_count + 1);
    if (column_count > 0) {
        memcpy(reader->types, types, column_count * sizeof *types);
    }
    return reader;
}

void gly_shuffle_block_reader_free(gly_shuffle_block_reader *reader) {
    if (reader == NULL) {
        return;
    }
    for (uint32_t c = 0; c < reader->column_count; c++) {
        free(reader->columns[c].slice);
        free(reader->columns[c].slice_validity);
    }
    free(reader->raw);
    free(reader->columns);
    free(reader->output);
    free(reader->types);
    free(reader);
}

void gly_shuffle_block_reader_set(gly_shuffle_block_reader *reader, gly_str bytes) {
    reader->bytes = bytes;
    reader->consumed = 0;
    reader->block = 0;
    reader->block_rows = reader->next_row = 0;
}

static gly_status corrupt(const gly_shuffle_block_reader *reader, gly_error *err,
                          const char *what) {
    return gly_fail(err, GLY_E_CORRUPT_FILE, "block %u (at byte %llu) %s", reader->block,
                    (unsigned long long)reader->consumed, what);
}

/* ------------------------------------------------------------------ loading a block */

static gly_status check_header(gly_shuffle_block_reader *reader, gly_block_header *ret,
                               gly_error *err) {
    if (reader->bytes.size < sizeof *ret) {
        return corrupt(reader, err, "is cut off inside its header");
    }
    memcpy(ret, reader->bytes.data, sizeof *ret);
    if (ret->magic != GLY_BLOCK_MAGIC || ret->version != GLY_BLOCK_VERSION) {
        return corrupt(reader, err, "has no block header");
    }
    if (ret->stored_size > reader->bytes.size - sizeof *ret) {
        return corrupt(reader, err, "is cut off");
    }
    const char *stored = reader->bytes.data + sizeof *ret;
    uint64_t checksum = gly_hash_combine(gly_hash_checksum(stored, (size_t)ret->stored_size),
                                         gly_hash_checksum(reader->bytes.data, 32));
    if (checksum != ret->checksum) {
        return corrupt(reader, err, "does not have the checksum it should have");
    }
    if (ret->codec >= GLY_CODEC_COUNT || ret->raw_size >= GLY_BLOCK_MAX_RAW ||
        (ret->codec != GLY_CODEC_ZSTD && ret->raw_size > ret->stored_size * 1032 + 64) ||
        ret->row_count == 0) {
        return corrupt(reader, err, "has a damaged header");
    }
    if (ret->column_count != reader->column_count) {
        return corrupt(reader, err, "has another number of columns than expected");
    }
    return GLY_OK;
}

static gly_status inflate(gly_shuffle_block_reader *reader, const gly_block_header *header,
                          gly_error *err) {
    size_t size = (size_t)header->raw_size;
    if (size > reader->raw_capacity || reader->raw == NULL) {
        free(reader->raw);
        reader->raw_capacity = GLY_MAX(size, GLY_MIN(reader->raw_capacity * 2, (size_t)1 << 20));
        reader->raw = gly_alloc_aligned(reader->raw_capacity);
    }
    GLY_TRY_ADD(gly_codec_decompress((gly_codec)header->codec, reader->bytes.data + sizeof *header,
                                     (size_t)header->stored_size, reader->raw, size, err),
                err, "block %u (at byte %llu)", reader->block,
                (unsigned long long)reader->consumed);
    memset(reader->raw + size, 0, 64);
    return GLY_OK;
}

static bool header_is_possible(const gly_block_column *header, gly_kind kind, uint64_t size) {
    if (header->encoding >= GLY_BLOCK_ENCODING_COUNT || header->kind != kind ||
        header->has_validity > 1 || header->heap_size > size ||
        (header->heap_size != 0 && kind != GLY_KIND_TEXT)) {
        return false;
    }
    if (header->encoding == GLY_BLOCK_CONSTANT || header->encoding == GLY_BLOCK_NULLS) {
        return !header->has_validity;
    }
    if (header->encoding == GLY_BLOCK_PLAIN) {
        return true;
    }
    uint32_t width = header->packed_width;
    return kind != GLY_KIND_F32 && kind != GLY_KIND_F64 && width < gly_block_width(kind) &&
           (width == 0 ? kind == GLY_KIND_TEXT : (width & (width - 1)) == 0);
}

/* Places one column's buffers, moving *at; false if they do not lie inside the block. */
static bool place(gly_shuffle_block_reader *reader, uint32_t c, uint32_t rows, uint64_t size,
                  uint64_t *at) {
    column_view *view = &reader->columns[c];
    gly_kind kind = gly_type_kind(reader->types[c]);
    memcpy(&view->header, reader->raw + c * sizeof view->header, sizeof view->header);
    if (!header_is_possible(&view->header, kind, size)) {
        return false;
    }
    view->validity = NULL;
    *at = GLY_ALIGN_UP(*at, 8);
    if (view->header.has_validity) {
        view->validity = (const uint64_t *)(const void *)(reader->raw + *at);
        *at += gly_column_words(rows) * 8;
    }
    *at = GLY_ALIGN_UP(*at, 64);
    uint64_t data = gly_block_data_size(&view->header, gly_block_width(kind), rows);
    if (*at > size || data > size - *at || view->header.heap_size > size - *at - data) {
        return false;
    }
    view->data = reader->raw + *at;
    view->heap = view->data + data;
    view->heap_at = 0;
    *at += data + view->header.heap_size;
    return true;
}

static gly_status load(gly_shuffle_block_reader *reader, gly_error *err) {
    gly_block_header header;
    GLY_TRY(check_header(reader, &header, err));
    GLY_TRY(inflate(reader, &header, err));
    uint64_t at = (uint64_t)reader->column_count * sizeof(gly_block_column);
    if (at > header.raw_size) {
        return corrupt(reader, err, "is too small for its columns");
    }
    for (uint32_t c = 0; c < reader->column_count; c++) {
        if (!place(reader, c, header.row_count, header.raw_size, &at)) {
            return corrupt(reader, err, "has a damaged column, or one of another type");
        }
    }
    reader->block_rows = header.row_count;
    reader->next_row = 0;
    size_t whole = sizeof header + (size_t)header.stored_size;
    reader->bytes.data += whole;
    reader->bytes.size -= whole;
    reader->consumed += whole;
    reader->block++;
    return GLY_OK;
}

/* ------------------------------------------------------------------ slices */

static void *slice_buffer(column_view *view, size_t width) {
    if (view->slice == NULL) {
        view->slice = gly_alloc_aligned(GLY_BATCH_ROWS * width);
        memset(view->slice, 0, GLY_BATCH_ROWS * width + 64);
    }
    return view->slice;
}

static uint64_t *slice_validity(column_view *view, uint32_t start, uint32_t count) {
    if (view->validity == NULL) {
        return NULL;
    }
    if (start % 64 == 0) {
        return (uint64_t *)(uintptr_t)(view->validity + start / 64); /* readers do not write */
    }
    if (view->slice_validity == NULL) {
        view->slice_validity = gly_alloc_aligned(gly_column_words(GLY_BATCH_ROWS) * 8);
    }
    memset(view->slice_validity, 0, gly_column_words(count) * 8);
    for (uint32_t i = 0; i < count; i++) {
        if (gly_bit_get(view->validity, start + i)) {
            gly_bit_set(view->slice_validity, i);
        }
    }
    return view->slice_validity;
}

/* Keeps the first size bytes of 12. */
static const struct {
    uint32_t prefix;
    uint64_t rest;
} inline_masks[GLY_TEXT_INLINE + 1] = {
    {0, 0},
    {0xff, 0},
    {0xffff, 0},
    {0xffffff, 0},
    {UINT32_MAX, 0},
    {UINT32_MAX, 0xff},
    {UINT32_MAX, 0xffff},
    {UINT32_MAX, 0xffffff},
    {UINT32_MAX, 0xffffffff},
    {UINT32_MAX, UINT64_C(0xffffffffff)},
    {UINT32_MAX, UINT64_C(0xffffffffffff)},
    {UINT32_MAX, UINT64_C(0xffffffffffffff)},
    {UINT32_MAX, UINT64_MAX},
};

/* Views of count texts that lie one after the other; reads up to 12 bytes past the heap's end (raw
 * has padding).  False if they do not lie in the heap. */
static bool make_views(column_view *view, const uint32_t *sizes, uint32_t count, gly_text *ret) {
    uint64_t at = view->heap_at;
    uint64_t end = view->header.heap_size;
    for (uint32_t i = 0; i < count; i++) {
        const char *bytes = view->heap + at;
        if (GLY_UNLIKELY(sizes[i] > end - at)) {
            return false;
        }
        at += sizes[i];
        ret[i].size = sizes[i];
        memcpy(ret[i].prefix, bytes, 4);
        if (sizes[i] > GLY_TEXT_INLINE) {
            ret[i].pointer = bytes;
            continue;
        }
        uint32_t prefix;
        uint64_t rest;
        memcpy(&prefix, bytes, 4);
        memcpy(&rest, bytes + 4, 8);
        prefix &= inline_masks[sizes[i]].prefix;
        rest &= inline_masks[sizes[i]].rest;
        memcpy(ret[i].prefix, &prefix, 4);
        memcpy(ret[i].rest, &rest, 8);
    }
    view->heap_at = at;
    return true;
}

static bool slice_text(column_view *view, uint32_t start, uint32_t count, gly_column *ret) {
    uint32_t widened[GLY_BATCH_ROWS];
    const uint32_t *sizes = widened;
    if (view->header.encoding == GLY_BLOCK_CONSTANT) {
        view->heap_at = 0;
        count = 1;
        memcpy(widened, view->data, sizeof widened[0]);
    } else if (view->header.encoding == GLY_BLOCK_PLAIN) {
        sizes = (const uint32_t *)(const void *)view->data + start;
    } else if (view->header.packed_width == 0) {
        for (uint32_t i = 0; i < count; i++) {
            widened[i] = (uint32_t)view->header.base;
        }
    } else {
        gly_shuffle_pack_widen(GLY_KIND_I32, view->data + (size_t)start * view->header.packed_width,
                               count, view->header.base, view->header.packed_width, widened);
    }
    ret->data = slice_buffer(view, sizeof(gly_text));
    return make_views(view, sizes, count, ret->data);
}

static const uint64_t no_row_valid[1] = {0};

static bool slice(column_view *view, gly_type type, uint32_t start, uint32_t count,
                  gly_column *ret) {
    gly_kind kind = gly_type_kind(type);
    size_t width = gly_kind_width(kind);
    *ret = (gly_column){.type = type, .shape = GLY_SHAPE_FLAT, .count = count};
    if (view->header.encoding == GLY_BLOCK_NULLS) {
        ret->shape = GLY_SHAPE_CONSTANT;
        ret->data = slice_buffer(view, width);
        memset(ret->data, 0, width);
        ret->validity = (uint64_t *)(uintptr_t)no_row_valid; /* readers do not write */
        return true;
    }
    if (view->header.encoding == GLY_BLOCK_CONSTANT) {
        ret->shape = GLY_SHAPE_CONSTANT;
        ret->data = view->data;
        return kind != GLY_KIND_TEXT || slice_text(view, start, count, ret);
    }
    ret->validity = slice_validity(view, start, count);
    if (kind == GLY_KIND_TEXT) {
        return slice_text(view, start, count, ret);
    }
    if (view->header.encoding == GLY_BLOCK_PACKED) {
        ret->data = slice_buffer(view, width);
        gly_shuffle_pack_widen(kind, view->data + (size_t)start * view->header.packed_width, count,
                               view->header.base, view->header.packed_width, ret->data);
        return true;
    }
    ret->data = view->data + (size_t)start * width;
    if ((size_t)start * width % 64 != 0) { /* batches smaller than 64 rows: tests only */
        ret->data = memcpy(slice_buffer(view, width), ret->data, count * width);
    }
    return true;
}

gly_status gly_shuffle_block_reader_next(gly_shuffle_block_reader *reader, const gly_batch **ret,
                                         gly_error *err) {
    if (reader->next_row == reader->block_rows) {
        if (reader->bytes.size == 0) {
            *ret = NULL;
            return GLY_OK;
        }
        reader->block_rows = reader->next_row = 0;
        GLY_TRY(load(reader, err));
    }
    uint32_t count = GLY_MIN(reader->block_rows - reader->next_row, (uint32_t)GLY_BATCH_ROWS);
    for (uint32_t c = 0; c < reader->column_count; c++) {
        if (!slice(&reader->columns[c], reader->types[c], reader->next_row, count,
                   &reader->output[c])) {
            return corrupt(reader, err, "has a text longer than its bytes");
        }
    }
    reader->next_row += count;
    reader->batch = (gly_batch){.column_count = reader->column_count,
                                .count = count,
                                .selected = count,
                                .columns = reader->output};
    *ret = &reader->batch;
    return GLY_OK;
}
