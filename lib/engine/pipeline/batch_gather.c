/* batch_gather.c - flat columns of GLY_BATCH_ROWS, appended to.
 *
 * Invariant: a validity bitmap exists once a NULL came, with bits for the rows that are there; long
 * texts lie in `texts`, which a reset empties.
 */
#include "lib/engine/pipeline/batch_gather.h"

#include "lib/base/alloc.h"

struct gly_batch_gather {
    uint32_t column_count;
    uint32_t rows;
    gly_arena *texts;
    uint64_t **bitmaps; /* per column; made at the first NULL, kept */
    gly_column *columns;
    gly_batch batch;
};

gly_batch_gather *gly_batch_gather_make(const gly_type *types, uint32_t column_count) {
    gly_batch_gather *gather = GLY_NEW(gly_batch_gather);
    gather->column_count = column_count;
    gather->texts = gly_arena_make();
    gather->bitmaps = GLY_NEW_ARRAY(uint64_t *, column_count + 1);
    gather->columns = GLY_NEW_ARRAY(gly_column, column_count + 1);
    for (uint32_t c = 0; c < column_count; c++) {
        size_t size = GLY_BATCH_ROWS * gly_type_width(types[c]);
        gather->columns[c] = (gly_column){.type = types[c], .shape = GLY_SHAPE_FLAT};
        gather->columns[c].data = gly_alloc_aligned(size);
        memset(gather->columns[c].data, 0, size + 64);
    }
    return gather;
}

void gly_batch_gather_free(gly_batch_gather *gather) {
    if (gather == NULL) {
        return;
    }
    for (uint32_t c = 0; c < gather->column_count; c++) {
        free(gather->columns[c].data);
        free(gather->bitmaps[c]);
    }
    gly_arena_free(gather->texts);
    free(gather->bitmaps);
    free(gather->columns);
    free(gather);
}

void gly_batch_gather_reset(gly_batch_gather *gather) {
    gather->rows = 0;
    gly_arena_reset(gather->texts);
    for (uint32_t c = 0; c < gather->column_count; c++) {
        gather->columns[c].validity = NULL;
    }
}

uint32_t gly_batch_gather_rows(const gly_batch_gather *gather) { return gather->rows; }

static void append_validity(gly_batch_gather *gather, uint32_t c, const gly_column *from,
                            const gly_batch *batch) {
    gly_column *to = &gather->columns[c];
    if (from->validity == NULL && to->validity == NULL) {
        return;
    }
    if (to->validity == NULL) {
        size_t bytes = gly_column_words(GLY_BATCH_ROWS) * 8;
        if (gather->bitmaps[c] == NULL) {
            gather->bitmaps[c] = gly_alloc_aligned(bytes);
        }
        to->validity = gather->bitmaps[c];
        memset(to->validity, 0xff, bytes);
    }
    for (uint32_t i = 0; i < batch->selected; i++) {
        if (gly_column_valid(from, gly_batch_row(batch, i))) {
            gly_bit_set(to->validity, gather->rows + i);
        } else {
            gly_bit_clear(to->validity, gather->rows + i);
        }
    }
}

static void append_texts(gly_batch_gather *gather, gly_text *to, const gly_column *from,
                         const gly_batch *batch) {
    const gly_text *values = from->data;
    for (uint32_t i = 0; i < batch->selected; i++) {
        uint32_t row = gly_batch_row(batch, i);
        to[i] = values[gly_column_index(from, row)];
        if (to[i].size <= GLY_TEXT_INLINE) {
            continue;
        }
        if (gly_column_valid(from, row)) {
            to[i].pointer = gly_arena_copy(gather->texts, to[i].pointer, to[i].size);
        } else {
            memset(&to[i], 0, sizeof to[i]);
        }
    }
}

#define COPY(type)                                                                                 \
    do {                                                                                           \
        const type *values = from->data;                                                           \
        type *output = (type *)to->data + gather->rows;                                            \
        if (from->shape == GLY_SHAPE_FLAT && batch->selection == NULL) {                           \
            memcpy(output, values, batch->selected * sizeof(type));                                \
            break;                                                                                 \
        }                                                                                          \
        for (uint32_t i = 0; i < batch->selected; i++) {                                           \
            output[i] = values[gly_column_index(from, gly_batch_row(batch, i))];                   \
        }                                                                                          \
    } while (0)

static void append_column(gly_batch_gather *gather, uint32_t c, const gly_batch *batch) {
    const gly_column *from = &batch->columns[c];
    gly_column *to = &gather->columns[c];
    switch (gly_type_kind(to->type)) {
    case GLY_KIND_I8:
        COPY(uint8_t);
        break;
    case GLY_KIND_I16:
        COPY(uint16_t);
        break;
    case GLY_KIND_I32:
    case GLY_KIND_F32:
        COPY(uint32_t);
        break;
    case GLY_KIND_I64:
    case GLY_KIND_F64:
        COPY(uint64_t);
        break;
    case GLY_KIND_I128:
        COPY(gly_i128);
        break;
    default:
        append_texts(gather, (gly_text *)to->data + gather->rows, from, batch);
        break;
    }
    append_validity(gather, c, from, batch);
}

void gly_batch_gather_append(gly_batch_gather *gather, const gly_batch *batch) {
    GLY_ASSERT(batch->column_count == gather->column_count &&
               batch->selected <= GLY_BATCH_ROWS - gather->rows);
    for (uint32_t c = 0; c < gather->column_count; c++) {
        append_column(gather, c, batch);
    }
    gather->rows += batch->selected;
}

const gly_batch *gly_batch_gather_batch(gly_batch_gather *gather) {
    for (uint32_t c = 0; c < gather->column_count; c++) {
        gather->columns[c].count = gather->rows;
    }
    gather->batch = (gly_batch){.column_count = gather->column_count,
                                .count = gather->rows,
                                .selected = gather->rows,
                                .columns = gather->columns};
    return &gather->batch;
}
