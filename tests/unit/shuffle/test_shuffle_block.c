/* test_shuffle_block.c - every kind, shape and null pattern through blocks and back; damage. */
#include "lib/base/alloc.h"
#include "lib/base/hash.h"
#include "lib/base/random.h"
#include "lib/shuffle/shuffle_block.h"
#include "tests/support/check.h"

static const gly_type types[] = {
    {.id = GLY_TYPE_BOOLEAN},
    {.id = GLY_TYPE_SMALLINT},
    {.id = GLY_TYPE_INT},
    {.id = GLY_TYPE_BIGINT},
    {.id = GLY_TYPE_FLOAT},
    {.id = GLY_TYPE_DOUBLE},
    {.id = GLY_TYPE_DECIMAL, .precision = 38, .scale = 2},
    {.id = GLY_TYPE_STRING},
    {.id = GLY_TYPE_DATE},
};
enum { COLUMNS = GLY_ARRAY_LEN(types) };

typedef enum pattern { RANDOM, CONSTANT, NARROW, NULLS, SOME_NULLS, LONG_CONSTANT } pattern;

/* What row `row` of column `c` holds, as text of 16 bytes at most: the same on both sides. */
static uint64_t seed(uint32_t c, uint64_t row, pattern p) {
    uint64_t h = gly_hash_u64(row * 131 + c + 1);
    return p == CONSTANT || p == LONG_CONSTANT ? 77
           : p == NARROW                       ? 1000 + h % (c % 3 == 0   ? 200
                                                             : c % 3 == 1 ? 300
                                                                          : 1 << 20)
                                               : h;
}
static bool is_null(uint32_t c, uint64_t row, pattern p) {
    return p == NULLS || (p == SOME_NULLS && gly_hash_u64(row * 7 + c) % 3 == 0);
}

static gly_text text_of(gly_arena *arena, uint64_t h, pattern p) {
    size_t size = p == LONG_CONSTANT ? 40 : p == CONSTANT ? 5 : h % 40;
    char *bytes = gly_arena_alloc(arena, size + 1);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (char)('a' + (h >> (i % 50)) % 26);
    }
    return gly_text_make(bytes, size);
}

static void store(gly_arena *arena, gly_column *column, uint32_t at, uint32_t c, uint64_t row,
                  pattern p) {
    uint64_t h = seed(c, row, p);
    switch (gly_type_kind(types[c])) {
    case GLY_KIND_I8:
        ((int8_t *)column->data)[at] = (int8_t)(h & 1);
        break;
    case GLY_KIND_I16:
        ((int16_t *)column->data)[at] = (int16_t)h;
        break;
    case GLY_KIND_I32:
        ((int32_t *)column->data)[at] = (int32_t)h;
        break;
    case GLY_KIND_I64:
        ((int64_t *)column->data)[at] = (int64_t)h;
        break;
    case GLY_KIND_I128: {
        gly_i128 wide = p == NARROW ? (gly_i128)h : (gly_i128)h << 40;
        ((gly_i128 *)column->data)[at] = wide;
        break;
    }
    case GLY_KIND_F32:
        ((float *)column->data)[at] = (float)(h % 1000) / 4;
        break;
    case GLY_KIND_F64:
        ((double *)column->data)[at] = (double)h;
        break;
    default:
        ((gly_text *)column->data)[at] = text_of(arena, h, p);
        break;
    }
}

/* A batch of rows first .. first+count-1 in the given shape. */
static gly_batch *make(gly_arena *arena, uint64_t first, uint32_t count, pattern p,
                       gly_shape shape) {
    gly_batch *batch = GLY_ARENA_NEW(arena, gly_batch);
    batch->column_count = COLUMNS;
    batch->count = batch->selected = count;
    batch->columns = GLY_ARENA_ARRAY(arena, gly_column, COLUMNS);
    for (uint32_t c = 0; c < COLUMNS; c++) {
        gly_column *column = &batch->columns[c];
        size_t width = gly_type_width(types[c]);
        column->type = types[c];
        column->shape = (uint8_t)shape;
        column->count = count;
        column->data = gly_arena_alloc_aligned(arena, count * width + width);
        for (uint32_t i = 0; i < count; i++) {
            store(arena, column, i, c, first + i, p);
        }
        if (shape == GLY_SHAPE_DICTIONARY) {
            column->codes = gly_arena_alloc_aligned(arena, count * 4);
            column->dictionary_count = count;
            for (uint32_t i = 0; i < count; i++) {
                column->codes[i] = i;
            }
        }
        if (p == NULLS || p == SOME_NULLS) {
            column->validity = GLY_ARENA_ARRAY(arena, uint64_t, gly_column_words(count));
            for (uint32_t i = 0; i < count; i++) {
                if (!is_null(c, first + i, p)) {
                    gly_bit_set(column->validity, i);
                }
            }
        }
    }
    return batch;
}

static bool same(gly_arena *arena, const gly_column *column, uint32_t at, uint32_t c, uint64_t row,
                 pattern p) {
    if (is_null(c, row, p) || !gly_column_valid(column, at)) {
        return is_null(c, row, p) == !gly_column_valid(column, at);
    }
    char memory[32] = {0};
    gly_column one = {.type = types[c], .data = memory};
    store(arena, &one, 0, c, row, p);
    size_t width = gly_type_width(types[c]);
    const char *value = (char *)column->data + gly_column_index(column, at) * width;
    if (gly_type_is_text(types[c])) {
        return gly_text_equal((const gly_text *)(const void *)value, one.data);
    }
    return memcmp(value, memory, width) == 0;
}

static void check_back(gly_str bytes, const uint64_t *rows, uint64_t row_count, pattern p) {
    gly_arena *arena = gly_arena_make();
    gly_shuffle_block_reader *reader = gly_shuffle_block_reader_make(types, COLUMNS);
    gly_shuffle_block_reader_set(reader, bytes);
    uint64_t done = 0;
    uint64_t wrong = 0;
    const gly_batch *batch;
    gly_error err;
    for (;;) {
        GLY_CHECK_OK(gly_shuffle_block_reader_next(reader, &batch, &err), &err);
        if (batch == NULL) {
            break;
        }
        GLY_CHECK(batch->count <= GLY_BATCH_ROWS && batch->count > 0);
        for (uint32_t c = 0; c < COLUMNS; c++) {
            GLY_CHECK_INT(batch->columns[c].count, batch->count);
            GLY_CHECK_INT((uintptr_t)batch->columns[c].data % 8, 0);
            for (uint32_t i = 0; i < batch->count; i++) {
                wrong += !same(arena, &batch->columns[c], i, c, rows[done + i], p);
            }
        }
        done += batch->count;
        gly_arena_reset(arena);
    }
    GLY_CHECK_INT(done, row_count);
    GLY_CHECK_INT(wrong, 0);
    gly_shuffle_block_reader_free(reader);
    gly_arena_free(arena);
}

static void round_trip(pattern p, gly_shape shape, gly_codec codec, uint32_t batches) {
    gly_arena *arena = gly_arena_make();
    gly_shuffle_block_builder *builder = gly_shuffle_block_builder_make(types, COLUMNS);
    gly_builder out = {0};
    gly_error err;
    uint64_t *rows = gly_alloc((size_t)batches * GLY_BATCH_ROWS * sizeof *rows);
    uint64_t total = 0;
    for (uint32_t b = 0; b < batches; b++) {
        uint32_t count = b % 3 == 2 ? 1 : GLY_BATCH_ROWS;
        gly_batch *batch = make(arena, b * 10000, count, p, shape);
        uint16_t picked[GLY_BATCH_ROWS];
        uint32_t n = 0;
        for (uint32_t i = 0; i < count; i++) {
            if (b % 2 == 0 || i % 3 != 1) {
                picked[n++] = (uint16_t)i;
                rows[total++] = b * 10000 + i;
            }
        }
        if (b % 4 == 3) { /* as the batch's own selection */
            batch->selection = picked;
            batch->selected = n;
            gly_shuffle_block_builder_append(builder, batch, NULL, 0);
        } else if (n == count && b % 4 == 0) {
            gly_shuffle_block_builder_append(builder, batch, NULL, 0);
        } else {
            gly_shuffle_block_builder_append(builder, batch, picked, n);
        }
        if (b % 5 == 4) {
            GLY_CHECK_OK(gly_shuffle_block_builder_flush(builder, codec, &out, &err), &err);
        }
    }
    GLY_CHECK_OK(gly_shuffle_block_builder_flush(builder, codec, &out, &err), &err);
    GLY_CHECK_OK(gly_shuffle_block_builder_flush(builder, codec, &out, &err), &err); /* empty */
    size_t whole;
    size_t needed;
    GLY_CHECK_OK(gly_shuffle_block_measure(gly_builder_str(&out), &whole, &needed, &err), &err);
    GLY_CHECK_INT(whole, out.size);
    check_back(gly_builder_str(&out), rows, total, p);
    free(rows);
    gly_builder_clear(&out);
    gly_shuffle_block_builder_free(builder);
    gly_arena_free(arena);
}

GLY_TEST(all_patterns_and_shapes) {
    static const gly_codec codecs[] = {GLY_CODEC_NONE, GLY_CODEC_LZ4, GLY_CODEC_ZSTD,
                                       GLY_CODEC_SNAPPY};
    for (int p = RANDOM; p <= LONG_CONSTANT; p++) {
        for (size_t c = 0; c < GLY_ARRAY_LEN(codecs); c++) {
            round_trip((pattern)p, GLY_SHAPE_FLAT, codecs[c], 11);
            round_trip((pattern)p, GLY_SHAPE_DICTIONARY, codecs[c], 6);
        }
    }
}

GLY_TEST(constant_columns_and_no_columns) {
    gly_arena *arena = gly_arena_make();
    gly_error err;
    gly_builder out = {0};
    gly_type type = GLY_TYPE_OF(STRING);
    gly_shuffle_block_builder *builder = gly_shuffle_block_builder_make(&type, 1);
    gly_value value = gly_value_text(type, GLY_STR("a text that is longer than twelve"));
    gly_text view = gly_text_make(value.text.data, value.text.size);
    gly_column column = {
        .type = type, .shape = GLY_SHAPE_CONSTANT, .count = GLY_BATCH_ROWS, .data = &view};
    gly_batch batch = {1, GLY_BATCH_ROWS, GLY_BATCH_ROWS, NULL, &column};
    for (int i = 0; i < 5; i++) {
        gly_shuffle_block_builder_append(builder, &batch, NULL, 0);
    }
    GLY_CHECK_OK(gly_shuffle_block_builder_flush(builder, GLY_CODEC_NONE, &out, &err), &err);
    GLY_CHECK(out.size < 200);
    gly_shuffle_block_reader *reader = gly_shuffle_block_reader_make(&type, 1);
    gly_shuffle_block_reader_set(reader, gly_builder_str(&out));
    const gly_batch *back;
    uint32_t rows = 0;
    for (;;) {
        GLY_CHECK_OK(gly_shuffle_block_reader_next(reader, &back, &err), &err);
        if (back == NULL) {
            break;
        }
        GLY_CHECK_INT(back->columns[0].shape, GLY_SHAPE_CONSTANT);
        GLY_CHECK(gly_text_equal(back->columns[0].data, &view));
        rows += back->count;
    }
    GLY_CHECK_INT(rows, 5 * GLY_BATCH_ROWS);
    gly_shuffle_block_reader_free(reader);
    gly_shuffle_block_builder_free(builder);
    /* rows without columns: count(*) over an exchange */
    gly_builder_reset(&out);
    builder = gly_shuffle_block_builder_make(NULL, 0);
    reader = gly_shuffle_block_reader_make(NULL, 0);
    gly_batch bare = {0, GLY_BATCH_ROWS, GLY_BATCH_ROWS, NULL, NULL};
    gly_shuffle_block_builder_append(builder, &bare, NULL, 0);
    GLY_CHECK_OK(gly_shuffle_block_builder_flush(builder, GLY_CODEC_LZ4, &out, &err), &err);
    gly_shuffle_block_reader_set(reader, gly_builder_str(&out));
    GLY_CHECK_OK(gly_shuffle_block_reader_next(reader, &back, &err), &err);
    GLY_CHECK(back != NULL && back->count == GLY_BATCH_ROWS && back->column_count == 0);
    gly_shuffle_block_reader_free(reader);
    gly_shuffle_block_builder_free(builder);
    gly_builder_clear(&out);
    gly_arena_free(arena);
}

/* Reads all of bytes; the status of the first failure. */
static gly_status drain(gly_str bytes, gly_error *err) {
    gly_shuffle_block_reader *reader = gly_shuffle_block_reader_make(types, COLUMNS);
    gly_shuffle_block_reader_set(reader, bytes);
    const gly_batch *batch;
    gly_status status;
    do {
        status = gly_shuffle_block_reader_next(reader, &batch, err);
    } while (status == GLY_OK && batch != NULL);
    gly_shuffle_block_reader_free(reader);
    return status;
}

GLY_TEST(damage_is_found) {
    gly_arena *arena = gly_arena_make();
    gly_error err = {0};
    gly_builder out = {0};
    gly_shuffle_block_builder *builder = gly_shuffle_block_builder_make(types, COLUMNS);
    gly_shuffle_block_builder_append(
        builder, make(arena, 0, GLY_MIN(100, GLY_BATCH_ROWS), RANDOM, GLY_SHAPE_FLAT), NULL, 0);
    GLY_CHECK_OK(gly_shuffle_block_builder_flush(builder, GLY_CODEC_LZ4, &out, &err), &err);
    for (size_t i = 0; i < out.size; i += i < 300 ? 1 : 37) {
        out.data[i] ^= 0x10;
        GLY_CHECK_INT(drain(gly_builder_str(&out), &err), GLY_E_CORRUPT_FILE);
        out.data[i] ^= 0x10;
        if (i > 0) {
            GLY_CHECK_INT(drain((gly_str){out.data, i}, &err), GLY_E_CORRUPT_FILE);
        }
    }
    GLY_CHECK_INT(drain(gly_builder_str(&out), &err), GLY_OK);
    /* signed again, so that the damage is looked at: must fail or read, never crash */
    gly_random random = {1};
    for (int round = 0; round < 2000; round++) {
        char *copy = gly_alloc(out.size);
        memcpy(copy, out.data, out.size);
        copy[8 + gly_random_below(&random, out.size - 8)] = (char)gly_random_u64(&random);
        gly_shuffle_block_sign(copy, out.size);
        gly_status status = drain((gly_str){copy, out.size}, &err);
        GLY_CHECK(status == GLY_OK || status == GLY_E_CORRUPT_FILE);
        free(copy);
    }
    gly_shuffle_block_builder_free(builder);
    gly_builder_clear(&out);
    gly_arena_free(arena);
}

GLY_SUITE("shuffle block", all_patterns_and_shapes, constant_columns_and_no_columns,
          damage_is_found)
