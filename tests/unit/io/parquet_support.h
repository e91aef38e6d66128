/* parquet_support.h - a table made from row numbers, written with our writer; scans of it. */
#ifndef GLY_PARQUET_SUPPORT_H
#define GLY_PARQUET_SUPPORT_H

#include "lib/base/hash.h"
#include "lib/data/batch.h"
#include "lib/io/format.h"
#include "lib/io/source/source.h"
#include "tests/unit/io/io_support.h"

/* One column of each type that Parquet files have; column c of row r is gly_parquet_cell(c, r). */
enum { GLY_CELL_COLUMNS = 17 };

static inline gly_type gly_cell_type(uint32_t column) {
    const gly_type types[GLY_CELL_COLUMNS] = {
        GLY_TYPE_OF(BIGINT),        GLY_TYPE_OF(INT),       GLY_TYPE_OF(BOOLEAN),
        GLY_TYPE_OF(TINYINT),       GLY_TYPE_OF(SMALLINT),  GLY_TYPE_OF(FLOAT),
        GLY_TYPE_OF(DOUBLE),        GLY_TYPE_OF(DATE),      GLY_TYPE_OF(TIMESTAMP),
        GLY_TYPE_OF(TIMESTAMP_NTZ), gly_type_decimal(5, 2), gly_type_decimal(18, 4),
        gly_type_decimal(38, 6),    GLY_TYPE_OF(STRING),    GLY_TYPE_OF(BINARY),
        GLY_TYPE_OF(STRING),        GLY_TYPE_OF(STRING),
    };
    return types[column];
}

/* Column 0 is the row number and column 1 is not null; in others every fifth row or whole stretches
 * are NULL.  Columns 13, 15: few distinct texts; 14, 16: many. */
static inline gly_value gly_cell(gly_arena *arena, uint32_t column, uint64_t row) {
    gly_type type = gly_cell_type(column);
    uint64_t hash = gly_hash_u64(row * 31 + column);
    bool is_null = column > 1 && (hash % 5 == 0 || (column == 15 && row / 300 % 3 == 1));
    if (is_null) {
        return gly_value_null(type);
    }
    int64_t number = (int64_t)(hash >> 1);
    switch (column) {
    case 0:
        return gly_value_i64(type, (int64_t)row);
    case 1:
        return gly_value_i64(type, (int32_t)(row / 10 % 1000) - 500);
    case 2:
        return gly_value_i64(type, (int64_t)(hash >> 8 & 1));
    case 3:
        return gly_value_i64(type, (int8_t)number);
    case 4:
        return gly_value_i64(type, (int16_t)number);
    case 5:
        return gly_value_f64(type, (double)(float)((double)(int32_t)number / 7));
    case 6:
        return gly_value_f64(type, (double)number / 3);
    case 7:
        return gly_value_i64(type, (int64_t)(hash % 40000) - 20000);
    case 8:
    case 9:
        return gly_value_i64(type, number % 4000000000000000 - 2000000000000000);
    case 10:
        return gly_value_decimal(type,
                                 number % 200000 - 100000 == -100000 ? 0 : number % 199999 - 99999);
    case 11:
        return gly_value_decimal(type, number % 999999999999999999 / (row % 2 == 0 ? 1 : -3));
    case 12:
        return gly_value_decimal(type, (gly_i128)number * number * (row % 2 == 0 ? 1 : -1) /
                                           (row % 7 + 1) % ((gly_i128)number + 1) * 1000003);
    case 13:
    case 15:
        return gly_value_text(
            type, gly_str_of(gly_arena_format(arena, "city number %d", (int)(hash % 37))));
    default:
        return gly_value_text(type, gly_str_of(gly_arena_format(arena, "%.*s%llu", (int)(hash % 20),
                                                                "abcdefghijklmnopqrstuvwxyz",
                                                                (unsigned long long)hash)));
    }
}

static inline gly_schema *gly_cell_schema(gly_arena *arena) {
    gly_schema *schema = GLY_ARENA_NEW(arena, gly_schema);
    schema->field_count = GLY_CELL_COLUMNS;
    schema->fields = GLY_ARENA_ARRAY(arena, gly_field, GLY_CELL_COLUMNS);
    for (uint32_t i = 0; i < GLY_CELL_COLUMNS; i++) {
        schema->fields[i] =
            (gly_field){gly_str_of(gly_arena_format(arena, "c%u", i)), gly_cell_type(i), i > 1};
    }
    return schema;
}

/* Rows first .. first+count-1 as a batch of flat columns. */
static inline gly_batch *gly_cell_batch(gly_arena *arena, uint64_t first, uint32_t count) {
    gly_type types[GLY_CELL_COLUMNS];
    for (uint32_t i = 0; i < GLY_CELL_COLUMNS; i++) {
        types[i] = gly_cell_type(i);
    }
    gly_batch *batch = gly_batch_make(arena, types, GLY_CELL_COLUMNS, GLY_BATCH_ROWS);
    batch->count = batch->selected = count;
    for (uint32_t c = 0; c < GLY_CELL_COLUMNS; c++) {
        batch->columns[c].count = count;
        for (uint32_t r = 0; r < count; r++) {
            gly_value value = gly_cell(arena, c, first + r);
            gly_column_set(arena, &batch->columns[c], r, &value);
        }
    }
    return batch;
}

static inline void gly_cell_write(gly_str path, uint64_t row_count, uint32_t option_count,
                                  const gly_option *options, gly_budget *budget) {
    gly_error err;
    gly_arena *arena = gly_arena_make();
    gly_schema *schema = gly_cell_schema(arena);
    const gly_format *format = gly_format_find(GLY_STR("parquet"));
    gly_writer_options all = {option_count, options, budget, NULL};
    gly_writer *writer = NULL;
    GLY_CHECK_OK(format->writer_open(path, schema, &all, &writer, &err), &err);
    gly_arena *scratch = gly_arena_make();
    for (uint64_t row = 0; row < row_count; row += GLY_BATCH_ROWS) {
        uint32_t count = (uint32_t)GLY_MIN((uint64_t)GLY_BATCH_ROWS, row_count - row);
        GLY_CHECK_OK(format->writer_write(writer, gly_cell_batch(scratch, row, count), &err), &err);
        gly_arena_reset(scratch);
    }
    uint64_t rows = 0;
    uint64_t bytes = 0;
    GLY_CHECK_OK(format->writer_finish(writer, &rows, &bytes, &err), &err);
    GLY_CHECK_INT(rows, row_count);
    gly_arena_free(scratch);
    gly_arena_free(arena);
}

static inline gly_relation *gly_cell_open(gly_arena *arena, gly_str path) {
    gly_error err;
    gly_relation *relation = NULL;
    GLY_CHECK_OK(
        gly_source_open(arena, GLY_STR("parquet"), path, 1, &path, 0, NULL, &relation, &err), &err);
    return relation;
}

/* True if the value in the batch is the cell. */
static inline bool gly_cell_matches(gly_arena *scratch, const gly_column *column, uint32_t row,
                                    uint32_t cell_column, uint64_t cell_row) {
    gly_value have = gly_column_get(column, row);
    gly_value want = gly_cell(scratch, cell_column, cell_row);
    return gly_type_equal(have.type, want.type) && gly_value_equal(&have, &want);
}

#endif
