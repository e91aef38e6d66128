/* fuzz_parquet_column.c - any bytes as the pages of one column: every type, encoding and codec.
 *
 * fuzz_parquet.c rarely gets behind a footer; here the footer's part is made up from the first
 * eight bytes: type, length, nullability, codec, rows, how the column is read.  The rest is the
 * chunk.
 */
#include "lib/base/alloc.h"
#include "lib/io/parquet/parquet_column.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t sink;

typedef struct memory_file {
    gly_file base;
    const uint8_t *bytes;
} memory_file;

static gly_status read_memory(gly_file *file, uint64_t offset, size_t length, void *buffer,
                              gly_error *err) {
    (void)err;
    GLY_ASSERT(offset <= file->size_bytes && length <= file->size_bytes - offset);
    memcpy(buffer, ((memory_file *)file)->bytes + offset, length);
    return GLY_OK;
}

static void touch(const gly_column *column) {
    for (uint32_t i = 0; i < column->count; i++) {
        gly_value value = gly_column_get(column, i);
        if (value.is_null) {
            continue;
        }
        if (gly_type_is_text(value.type)) {
            for (size_t b = 0; b < value.text.size; b++) {
                sink += (unsigned char)value.text.data[b];
            }
        } else {
            sink += (uint64_t)value.i64;
        }
    }
}

static void read_column(gly_parquet_column *column, uint64_t rows, uint8_t pattern) {
    gly_error err;
    uint64_t step = 0;
    while (rows > 0) {
        uint32_t count = pattern < 128 ? GLY_BATCH_ROWS : 1 + pattern * 7 % 300;
        count = (uint32_t)GLY_MIN(rows, (uint64_t)GLY_MIN(count, (uint32_t)GLY_BATCH_ROWS));
        gly_parquet_column_begin(column);
        rows -= count;
        if (++step % 4 == 0 && pattern % 2 == 1) {
            gly_parquet_column_skip(column, count);
            continue;
        }
        gly_column vector;
        if (gly_parquet_column_read(column, count, &vector, &err) != GLY_OK) {
            return;
        }
        touch(&vector);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const gly_parquet_annotation notes[] = {
        {.converted = -1},                            /* nothing */
        {.converted = 0},                             /* text */
        {.converted = 5, .precision = 9, .scale = 2}, /* decimals */
        {.converted = 5, .precision = 18, .scale = 0},
        {.converted = 5, .precision = 38, .scale = 10},
        {.converted = 6}, /* date */
        {.converted = 9}, /* timestamps */
        {.converted = 10},
        {.converted = 11}, /* unsigned */
        {.converted = 13},
        {.converted = 14},
        {.converted = 15},
        {.converted = -1, .logical = 8, .unit = 3}, /* nanoseconds */
        {.converted = -1, .logical = 14},           /* UUID */
        {.converted = -1, .logical = 15},           /* half float */
    };
    if (size < 8) {
        return 0;
    }
    gly_parquet_leaf leaf = {.name = GLY_STR("x"),
                             .physical = data[0] % 8,
                             .is_optional = (data[1] & 1) != 0,
                             .type_length = data[0] % 8 == 7 ? 1 + data[2] % 20 : 0};
    const gly_parquet_annotation *note = &notes[data[3] % GLY_ARRAY_LEN(notes)];
    leaf.refusal = gly_parquet_convert_type(leaf.physical, leaf.type_length, note, &leaf.type,
                                            &leaf.conversion, &leaf.is_unsigned);
    static const uint8_t codecs[] = {0, 1, 2, 5, 6, 7};
    uint64_t rows = 1 + (uint64_t)data[4] * (1 + data[5] % 64);
    gly_parquet_chunk chunk = {
        .codec = codecs[data[6] % GLY_ARRAY_LEN(codecs)], .size = size - 8, .value_count = rows};
    if (leaf.refusal != NULL) {
        return 0;
    }
    memory_file file = {.base = {.size_bytes = size - 8, .read_at = read_memory}};
    file.bytes = data + 8;
    gly_budget budget;
    gly_error err;
    gly_budget_init(&budget, NULL, (size_t)256 << 20);
    gly_parquet_column column;
    if (gly_parquet_column_init(&column, &leaf, leaf.type, leaf.conversion, 1, &budget, NULL,
                                &err) == GLY_OK) {
        gly_parquet_column_open(&column, &file.base, &chunk);
        read_column(&column, rows, data[7]);
    }
    gly_parquet_column_clear(&column);
    if (gly_budget_used(&budget) != 0) {
        abort(); /* memory was not given back */
    }
    return 0;
}
