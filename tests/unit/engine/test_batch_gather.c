/* test_batch_gather.c - rows of every kind and shape, NULLs that come late, selections, reuse. */
#include "lib/engine/pipeline/batch_gather.h"

#include "tests/support/check.h"

static const gly_type types[] = {
    {.id = GLY_TYPE_INT},     {.id = GLY_TYPE_STRING},   {.id = GLY_TYPE_DECIMAL, .precision = 30},
    {.id = GLY_TYPE_BOOLEAN}, {.id = GLY_TYPE_SMALLINT}, {.id = GLY_TYPE_DOUBLE}};
enum { COLUMNS = GLY_ARRAY_LEN(types) };

static gly_value value_of(gly_arena *arena, uint32_t c, int64_t row, bool with_nulls) {
    if (with_nulls && (row + c) % 3 == 0) {
        return gly_value_null(types[c]);
    }
    switch (types[c].id) {
    case GLY_TYPE_STRING: {
        char *text =
            gly_arena_format(arena, row % 2 ? "%lld" : "a long text for %lld", (long long)row);
        return gly_value_text(types[c], gly_str_of(text));
    }
    case GLY_TYPE_DECIMAL:
        return gly_value_decimal(types[c], (gly_i128)row << 70);
    case GLY_TYPE_DOUBLE:
        return gly_value_f64(types[c], (double)row / 4);
    case GLY_TYPE_BOOLEAN:
        return gly_value_i64(types[c], row & 1);
    default:
        return gly_value_i64(types[c], row);
    }
}

static void append(gly_batch_gather *gather, int64_t first, uint32_t count, bool with_nulls,
                   bool every_second) {
    gly_arena *arena = gly_arena_make();
    gly_column columns[COLUMNS];
    uint16_t selection[GLY_BATCH_ROWS];
    uint32_t live = 0;
    for (uint32_t c = 0; c < COLUMNS; c++) {
        gly_column_make_flat(arena, types[c], count, &columns[c]);
        columns[c].count = count;
        for (uint32_t row = 0; row < count; row++) {
            gly_value value = value_of(arena, c, first + row, with_nulls);
            gly_column_set(arena, &columns[c], row, &value);
        }
    }
    for (uint32_t row = 0; row < count; row += 2) {
        selection[live++] = (uint16_t)row;
    }
    gly_batch batch = {COLUMNS, count, every_second ? live : count, every_second ? selection : NULL,
                       columns};
    gly_batch_gather_append(gather, &batch);
    memset(columns[0].data, 0xee, count * 4);
    gly_arena_free(arena); /* nothing of it is looked at any more */
}

static void check(gly_batch_gather *gather, uint32_t at, int64_t row, bool with_nulls) {
    gly_arena *arena = gly_arena_make();
    const gly_batch *batch = gly_batch_gather_batch(gather);
    for (uint32_t c = 0; c < COLUMNS; c++) {
        gly_value expected = value_of(arena, c, row, with_nulls);
        gly_value value = gly_column_get(&batch->columns[c], at);
        GLY_CHECK(gly_value_equal(&value, &expected));
    }
    gly_arena_free(arena);
}

GLY_TEST(rows_arrive) {
    gly_batch_gather *gather = gly_batch_gather_make(types, COLUMNS);
    for (int round = 0; round < 3; round++) {
        gly_batch_gather_reset(gather);
        append(gather, 100, 1, round == 2, false);
        GLY_CHECK_INT(gly_batch_gather_rows(gather), 1);
        check(gather, 0, 100, round == 2);
        if (GLY_BATCH_ROWS < 200) {
            continue;
        }
        append(gather, 1000, 70, false, true);
        append(gather, 2000, 90, true, false);
        append(gather, 3000, 3, false, false);
        GLY_CHECK_INT(gly_batch_gather_rows(gather), 1 + 35 + 90 + 3);
        check(gather, 0, 100, round == 2);
        for (uint32_t i = 0; i < 35; i++) {
            check(gather, 1 + i, 1000 + 2 * i, false);
        }
        for (uint32_t i = 0; i < 90; i++) {
            check(gather, 36 + i, 2000 + i, true);
        }
        check(gather, 128, 3002, false);
        GLY_CHECK_INT(gly_batch_gather_batch(gather)->selected, 129);
    }
    gly_batch_gather_free(gather);
    gly_batch_gather_free(NULL);
}

GLY_TEST(constants_are_spread) {
    gly_type type = GLY_TYPE_OF(STRING);
    gly_text view = gly_text_make("thirteen bytes", 14);
    uint64_t valid = 0;
    gly_column column = {.type = type, .shape = GLY_SHAPE_CONSTANT, .count = 2, .data = &view};
    gly_batch batch = {1, 2, 2, NULL, &column};
    gly_batch_gather *gather = gly_batch_gather_make(&type, 1);
    gly_batch_gather_append(gather, &batch);
    const gly_batch *all = gly_batch_gather_batch(gather);
    GLY_CHECK(gly_text_equal((gly_text *)all->columns[0].data + 1, &view));
    gly_batch_gather_reset(gather);
    column.validity = &valid;
    gly_batch_gather_append(gather, &batch);
    all = gly_batch_gather_batch(gather);
    GLY_CHECK(!gly_column_valid(&all->columns[0], 0) && !gly_column_valid(&all->columns[0], 1));
    gly_batch_gather_free(gather);
}

GLY_SUITE("batch gather", rows_arrive, constants_are_spread)
