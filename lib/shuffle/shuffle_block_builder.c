/* shuffle_block_builder.c - collects rows column by column and writes them as one block.
 *
 * Appending is the hot loop of a shuffle: per column one gather into a flat buffer that doubles.
 * What makes blocks small happens at flush, per column and block: constants are stored once,
 * integers as differences from their smallest in fewer bytes, all-NULL columns as nothing; then the
 * codec runs over the whole, and is left out where it does not pay.
 *
 * Invariant: every buffer has room for `capacity` rows; a validity bitmap exists once a NULL came.
 * A text column's data are sizes, its bytes lie in the column's heap in row order.
 */
#include "lib/base/alloc.h"
#include "lib/shuffle/shuffle_block_layout.h"
#include "lib/shuffle/shuffle_pack.h"

typedef struct column_buffer {
    gly_kind kind;
    uint32_t width;
    char *data;
    uint64_t *validity; /* bits past rows are 0 */
    char *heap;
    size_t heap_size, heap_capacity;
} column_buffer;

struct gly_shuffle_block_builder {
    uint32_t column_count;
    uint32_t rows, capacity;
    size_t row_width;
    size_t heap_bytes;     /* all columns' heap_size */
    size_t held_bytes;     /* all buffers' capacities */
    uint32_t codec_misses; /* blocks in a row that the codec did not make smaller */
    uint32_t codec_rest;   /* blocks to come for which it is not tried */
    column_buffer columns[];
};

enum { FIRST_ROWS = 64, SMALL = 192, LONGEST_REST = 32, HEAP_SLACK = 16 };

gly_shuffle_block_builder *gly_shuffle_block_builder_make(const gly_type *types,
                                                          uint32_t column_count) {
    gly_shuffle_block_builder *builder =
        gly_alloc_zero(1, sizeof *builder + column_count * sizeof(column_buffer));
    builder->column_count = column_count;
    for (uint32_t c = 0; c < column_count; c++) {
        builder->columns[c].kind = gly_type_kind(types[c]);
        builder->columns[c].width = (uint32_t)gly_block_width(builder->columns[c].kind);
        builder->row_width += builder->columns[c].width;
    }
    return builder;
}

void gly_shuffle_block_builder_reset(gly_shuffle_block_builder *builder) {
    for (uint32_t c = 0; c < builder->column_count; c++) {
        column_buffer *column = &builder->columns[c];
        free(column->data);
        free(column->validity);
        free(column->heap);
        column->data = column->heap = NULL;
        column->validity = NULL;
        column->heap_size = column->heap_capacity = 0;
    }
    builder->rows = builder->capacity = 0;
    builder->heap_bytes = builder->held_bytes = 0;
}

void gly_shuffle_block_builder_free(gly_shuffle_block_builder *builder) {
    if (builder != NULL) {
        gly_shuffle_block_builder_reset(builder);
        free(builder);
    }
}

uint32_t gly_shuffle_block_builder_rows(const gly_shuffle_block_builder *builder) {
    return builder->rows;
}

size_t gly_shuffle_block_builder_size(const gly_shuffle_block_builder *builder) {
    return builder->held_bytes;
}

size_t gly_shuffle_block_builder_used(const gly_shuffle_block_builder *builder) {
    return builder->rows * builder->row_width + builder->heap_bytes;
}

/* ------------------------------------------------------------------ appending */

static uint64_t *grow_validity(uint64_t *validity, uint32_t old_capacity, uint32_t capacity) {
    size_t old_words = gly_column_words(old_capacity);
    size_t words = gly_column_words(capacity);
    validity = gly_alloc_resize(validity, words * 8);
    memset(validity + old_words, 0, (words - old_words) * 8);
    return validity;
}

static void reserve(gly_shuffle_block_builder *builder, uint32_t more) {
    uint64_t needed = (uint64_t)builder->rows + more;
    GLY_ASSERT(needed <= INT32_MAX);
    if (needed <= builder->capacity) {
        return;
    }
    uint64_t wanted = GLY_MAX(needed, (uint64_t)builder->capacity * 2);
    uint32_t capacity = (uint32_t)GLY_ALIGN_UP(GLY_MAX(wanted, (uint64_t)FIRST_ROWS), 64);
    for (uint32_t c = 0; c < builder->column_count; c++) {
        column_buffer *column = &builder->columns[c];
        column->data = gly_alloc_resize(column->data, (size_t)capacity * column->width);
        if (column->validity != NULL) {
            column->validity = grow_validity(column->validity, builder->capacity, capacity);
            builder->held_bytes += (capacity - builder->capacity) / 8;
        }
    }
    builder->held_bytes += (capacity - builder->capacity) * builder->row_width;
    builder->capacity = capacity;
}

static void need_validity(gly_shuffle_block_builder *builder, column_buffer *column) {
    if (column->validity == NULL) {
        column->validity = gly_alloc_zero(gly_column_words(builder->capacity), 8);
        builder->held_bytes += builder->capacity / 8;
        memset(column->validity, 0xff, builder->rows / 64 * 8);
        for (uint32_t row = builder->rows / 64 * 64; row < builder->rows; row++) {
            gly_bit_set(column->validity, row);
        }
    }
}

static void append_validity(gly_shuffle_block_builder *builder, column_buffer *to,
                            const gly_column *from, const uint16_t *rows, uint32_t count) {
    if (from->validity == NULL) {
        if (to->validity != NULL) {
            for (uint32_t i = 0; i < count; i++) {
                gly_bit_set(to->validity, builder->rows + i);
            }
        }
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (gly_column_valid(from, rows == NULL ? i : rows[i])) {
            if (to->validity != NULL) {
                gly_bit_set(to->validity, builder->rows + i);
            }
            continue;
        }
        if (to->validity == NULL) {
            need_validity(builder, to);
            for (uint32_t before = 0; before < i; before++) {
                gly_bit_set(to->validity, builder->rows + before);
            }
        }
    }
}

#define GATHER(type)                                                                               \
    do {                                                                                           \
        const type *restrict values = from->data;                                                  \
        type *restrict output = (type *)(void *)to;                                                \
        if (from->shape == GLY_SHAPE_CONSTANT) {                                                   \
            for (uint32_t i = 0; i < count; i++) {                                                 \
                output[i] = values[0];                                                             \
            }                                                                                      \
        } else if (from->shape == GLY_SHAPE_DICTIONARY) {                                          \
            for (uint32_t i = 0; i < count; i++) {                                                 \
                output[i] = values[from->codes[rows == NULL ? i : rows[i]]];                       \
            }                                                                                      \
        } else if (rows == NULL) {                                                                 \
            memcpy(output, values, count * sizeof(type));                                          \
        } else {                                                                                   \
            for (uint32_t i = 0; i < count; i++) {                                                 \
                output[i] = values[rows[i]];                                                       \
            }                                                                                      \
        }                                                                                          \
    } while (0)

static void grow_heap(gly_shuffle_block_builder *builder, column_buffer *column, size_t more) {
    size_t capacity = GLY_MAX(column->heap_capacity * 2, column->heap_size + more + HEAP_SLACK);
    capacity = GLY_MAX(capacity, (size_t)512);
    column->heap = gly_alloc_resize(column->heap, capacity);
    builder->held_bytes += capacity - column->heap_capacity;
    column->heap_capacity = capacity;
}

/* The bytes under a NULL are not looked at: a NULL becomes the empty text. */
static void gather_text(gly_shuffle_block_builder *builder, column_buffer *column,
                        const gly_column *from, const uint16_t *rows, uint32_t count) {
    const gly_text *values = from->data;
    uint32_t *sizes = (uint32_t *)(void *)column->data + builder->rows;
    size_t before = column->heap_size;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = rows == NULL ? i : rows[i];
        if (GLY_UNLIKELY(!gly_column_valid(from, row))) {
            sizes[i] = 0;
            continue;
        }
        const gly_text *text = &values[gly_column_index(from, row)];
        if (GLY_UNLIKELY(text->size + (size_t)HEAP_SLACK >
                         column->heap_capacity - column->heap_size)) {
            grow_heap(builder, column, text->size);
        }
        char *to = column->heap + column->heap_size;
        sizes[i] = text->size;
        if (text->size <= GLY_TEXT_INLINE) {
            memcpy(to, (const char *)text + 4, GLY_TEXT_INLINE); /* all of it: no call, no branch */
        } else {
            memcpy(to, text->pointer, text->size);
        }
        column->heap_size += text->size;
    }
    builder->heap_bytes += column->heap_size - before;
}

static void append_column(gly_shuffle_block_builder *builder, column_buffer *column,
                          const gly_column *from, const uint16_t *rows, uint32_t count) {
    char *to = column->data + (size_t)builder->rows * column->width;
    if (column->kind == GLY_KIND_TEXT) {
        gather_text(builder, column, from, rows, count);
    } else {
        switch (column->width) {
        case 1:
            GATHER(uint8_t);
            break;
        case 2:
            GATHER(uint16_t);
            break;
        case 4:
            GATHER(uint32_t);
            break;
        case 8:
            GATHER(uint64_t);
            break;
        default:
            GATHER(gly_i128);
            break;
        }
    }
    append_validity(builder, column, from, rows, count);
}

void gly_shuffle_block_builder_append(gly_shuffle_block_builder *builder, const gly_batch *batch,
                                      const uint16_t *rows, uint32_t row_count) {
    GLY_ASSERT(batch->column_count == builder->column_count);
    if (rows == NULL) {
        rows = batch->selection;
        row_count = batch->selected;
    }
    reserve(builder, row_count);
    for (uint32_t c = 0; c < batch->column_count; c++) {
        append_column(builder, &builder->columns[c], &batch->columns[c], rows, row_count);
    }
    builder->rows += row_count;
}

/* ------------------------------------------------------------------ flushing */

static bool all_null(const column_buffer *column, uint32_t rows) {
    if (column->validity == NULL) {
        return false;
    }
    for (size_t word = 0; word < gly_column_words(rows); word++) {
        if (column->validity[word] != 0) {
            return false;
        }
    }
    return true;
}

static bool is_constant(const column_buffer *column, uint32_t rows) {
    size_t width = column->width;
    if (column->validity != NULL ||
        memcmp(column->data, column->data + width, (rows - 1) * width) != 0) {
        return false;
    }
    if (column->kind != GLY_KIND_TEXT || column->heap_size == 0) {
        return true;
    }
    size_t size = column->heap_size / rows; /* equal sizes: is the heap one text, repeated? */
    return memcmp(column->heap, column->heap + size, column->heap_size - size) == 0;
}

static void choose(const column_buffer *column, uint32_t rows, gly_block_column *ret) {
    *ret = (gly_block_column){.kind = (uint8_t)column->kind};
    if (all_null(column, rows)) {
        ret->encoding = GLY_BLOCK_NULLS;
        return;
    }
    ret->has_validity = column->validity != NULL;
    if (is_constant(column, rows)) {
        ret->encoding = GLY_BLOCK_CONSTANT;
        ret->heap_size = column->heap_size / rows;
        return;
    }
    ret->heap_size = column->heap_size;
    bool is_text = column->kind == GLY_KIND_TEXT;
    uint64_t range;
    int64_t base;
    if (gly_shuffle_pack_range(is_text ? GLY_KIND_I32 : column->kind, column->data, rows, &base,
                               &range)) {
        uint32_t width = is_text && range == 0 ? 0 : gly_shuffle_pack_width(range);
        if (width < column->width) {
            ret->encoding = GLY_BLOCK_PACKED;
            ret->packed_width = (uint8_t)width;
            ret->base = base;
        }
    }
}

static size_t raw_size(const gly_shuffle_block_builder *builder, const gly_block_column *headers) {
    size_t at = builder->column_count * sizeof(gly_block_column);
    for (uint32_t c = 0; c < builder->column_count; c++) {
        at = GLY_ALIGN_UP(at, 8);
        at += headers[c].has_validity ? gly_column_words(builder->rows) * 8 : 0;
        at = GLY_ALIGN_UP(at, 64);
        at += gly_block_data_size(&headers[c], builder->columns[c].width, builder->rows);
        at += headers[c].heap_size;
    }
    return at;
}

static size_t pad(char *raw, size_t at, size_t alignment) {
    size_t aligned = GLY_ALIGN_UP(at, alignment);
    memset(raw + at, 0, aligned - at);
    return aligned;
}

static void write_raw(const gly_shuffle_block_builder *builder, const gly_block_column *headers,
                      char *raw) {
    size_t at = builder->column_count * sizeof(gly_block_column);
    if (at > 0) {
        memcpy(raw, headers, at);
    }
    for (uint32_t c = 0; c < builder->column_count; c++) {
        const column_buffer *column = &builder->columns[c];
        at = pad(raw, at, 8);
        if (headers[c].has_validity) {
            size_t size = gly_column_words(builder->rows) * 8;
            memcpy(raw + at, column->validity, size);
            at += size;
        }
        at = pad(raw, at, 64);
        size_t size = gly_block_data_size(&headers[c], column->width, builder->rows);
        gly_kind kind = column->kind == GLY_KIND_TEXT ? GLY_KIND_I32 : column->kind;
        if (headers[c].encoding == GLY_BLOCK_PACKED && size > 0) {
            gly_shuffle_pack_narrow(kind, column->data, builder->rows, headers[c].base,
                                    headers[c].packed_width, raw + at);
        } else if (size > 0) {
            memcpy(raw + at, column->data, size);
        }
        at += size;
        if (headers[c].heap_size > 0) {
            memcpy(raw + at, column->heap, headers[c].heap_size);
            at += headers[c].heap_size;
        }
    }
}

/* Data that does not compress (packed random keys) is not tried at every block: after each miss the
 * codec rests twice as long. */
static bool codec_is_worth_trying(gly_shuffle_block_builder *builder, gly_codec codec,
                                  size_t size) {
    if (codec == GLY_CODEC_NONE || size <= SMALL) {
        return false;
    }
    if (builder->codec_rest > 0) {
        builder->codec_rest--;
        return false;
    }
    return true;
}

static void note_codec_result(gly_shuffle_block_builder *builder, bool is_smaller) {
    builder->codec_misses = is_smaller ? 0 : builder->codec_misses + 1;
    builder->codec_rest =
        is_smaller ? 0 : GLY_MIN(1u << GLY_MIN(builder->codec_misses, 10u), (uint32_t)LONGEST_REST);
}

/* Compresses the raw bytes at block + raw_at to where they are stored; if that saves less than a
 * sixteenth, they are stored as they are. */
static gly_status compress(gly_shuffle_block_builder *builder, gly_codec codec, char *block,
                           size_t raw_at, size_t size, gly_block_header *header, gly_error *err) {
    size_t stored = size;
    char *to = block + sizeof *header;
    if (codec_is_worth_trying(builder, codec, size)) {
        GLY_TRY(gly_codec_compress(codec, block + raw_at, size, to, raw_at - sizeof *header,
                                   &stored, err));
        note_codec_result(builder, stored + size / 16 < size);
    }
    header->codec = (uint8_t)codec;
    if (stored + size / 16 >= size) {
        memmove(to, block + raw_at, size);
        stored = size;
        header->codec = GLY_CODEC_NONE;
    }
    header->raw_size = size;
    header->stored_size = stored;
    return GLY_OK;
}

gly_status gly_shuffle_block_builder_flush(gly_shuffle_block_builder *builder, gly_codec codec,
                                           gly_builder *out, gly_error *err) {
    if (builder->rows == 0) {
        return GLY_OK;
    }
    gly_block_column *headers = gly_alloc((builder->column_count + 1) * sizeof(gly_block_column));
    for (uint32_t c = 0; c < builder->column_count; c++) {
        choose(&builder->columns[c], builder->rows, &headers[c]);
    }
    size_t size = raw_size(builder, headers);
    if (size > GLY_BLOCK_MAX_RAW - 1) {
        free(headers);
        return gly_fail(err, GLY_E_UNSUPPORTED,
                        "%u rows with %zu bytes of text are more than one block may have (2 GiB)",
                        builder->rows, size);
    }
    if (gly_codec_bound(codec, size) == SIZE_MAX) {
        codec = GLY_CODEC_NONE;
    }
    gly_block_header header = {.magic = GLY_BLOCK_MAGIC,
                               .version = GLY_BLOCK_VERSION,
                               .column_count = builder->column_count,
                               .row_count = builder->rows};
    size_t raw_at = sizeof header + gly_codec_bound(codec, size);
    char *block = gly_builder_room(out, raw_at + 64 + size);
    raw_at += GLY_ALIGN_UP((uintptr_t)(block + raw_at), 64) - (uintptr_t)(block + raw_at);
    write_raw(builder, headers, block + raw_at);
    free(headers);
    GLY_TRY(compress(builder, codec, block, raw_at, size, &header, err));
    memcpy(block, &header, sizeof header);
    gly_shuffle_block_sign(block, sizeof header + header.stored_size);
    out->size += sizeof header + header.stored_size;
    out->data[out->size] = '\0';
    builder->rows = 0;
    builder->heap_bytes = 0;
    for (uint32_t c = 0; c < builder->column_count; c++) {
        column_buffer *column = &builder->columns[c];
        column->heap_size = 0;
        builder->held_bytes -= column->validity != NULL ? builder->capacity / 8 : 0;
        free(column->validity);
        column->validity = NULL;
    }
    return GLY_OK;
}
