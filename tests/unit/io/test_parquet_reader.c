/* test_parquet_reader.c - scans of files we wrote: projections, filters, skips, splits, damage. */
#include "lib/base/random.h"
#include "tests/unit/io/parquet_support.h"

static gly_arena *arena;
static gly_str root;
static gly_str path;
static const gly_format *format;

enum { ROWS = GLY_BATCH_ROWS == 2 ? 1501 : 20011 };

static void begin(uint32_t option_count, const gly_option *options) {
    arena = gly_arena_make();
    root = gly_io_directory(arena);
    path = gly_io_path(arena, root, "t.parquet");
    format = gly_format_find(GLY_STR("parquet"));
    gly_cell_write(path, ROWS, option_count, options, NULL);
}

static void end(void) {
    gly_io_remove(root);
    gly_arena_free(arena);
}

/* What select() does: keeps rows whose column 0 (the row number) fits. */
typedef struct keep {
    uint64_t modulus, from, to; /* row % modulus == 0, from <= row < to */
    uint64_t seen;
    uint32_t column_count;
} keep;

static bool fits(const keep *wanted, uint64_t row) {
    return row % wanted->modulus == 0 && row >= wanted->from && row < wanted->to;
}

static gly_status select_rows(void *context, const gly_batch *batch, uint16_t *ret_selection,
                              uint32_t *ret_count, gly_error *err) {
    (void)err;
    keep *wanted = context;
    GLY_CHECK_INT(batch->column_count, wanted->column_count);
    *ret_count = 0;
    for (uint32_t i = 0; i < batch->selected; i++) {
        uint32_t row = gly_batch_row(batch, i);
        gly_value value = gly_column_get(&batch->columns[wanted->column_count - 1], row);
        wanted->seen++;
        if (fits(wanted, (uint64_t)value.i64)) {
            ret_selection[(*ret_count)++] = (uint16_t)row;
        }
    }
    return GLY_OK;
}

/* Scans the given file columns and then column 0; checks every value.  Returns the rows. */
static uint64_t check_scan(uint32_t count, const uint32_t *columns, keep *wanted,
                           gly_budget *budget) {
    gly_error err;
    gly_relation *relation = gly_cell_open(arena, path);
    uint32_t fields[GLY_CELL_COLUMNS + 1];
    bool is_filter[GLY_CELL_COLUMNS + 1] = {false};
    memcpy(fields, columns, count * sizeof *fields);
    fields[count] = 0;
    is_filter[count] = true;
    gly_scan scan = {.file = &relation->files[0],
                     .split_length = UINT64_MAX,
                     .file_schema = relation->schema,
                     .column_count = count + 1,
                     .fields = fields,
                     .budget = budget};
    if (wanted != NULL) {
        wanted->column_count = count + 1;
        wanted->seen = 0;
        scan.select = select_rows;
        scan.select_context = wanted;
        scan.is_filter_column = is_filter;
    }
    gly_reader *reader = NULL;
    GLY_CHECK_OK(format->reader_open(&scan, &reader, &err), &err);
    gly_arena *scratch = gly_arena_make();
    uint64_t rows = 0;
    uint64_t last = UINT64_MAX;
    const gly_batch *batch = NULL;
    bool all_match = true;
    for (;;) {
        GLY_CHECK_OK(format->reader_next(reader, &batch, &err), &err);
        if (batch == NULL) {
            break;
        }
        GLY_CHECK(batch->selected > 0 && batch->selected <= batch->count &&
                  batch->count <= GLY_BATCH_ROWS);
        for (uint32_t i = 0; i < batch->selected; i++) {
            uint32_t at = gly_batch_row(batch, i);
            uint64_t row = (uint64_t)gly_column_get(&batch->columns[count], at).i64;
            all_match &= last == UINT64_MAX || row > last;
            all_match &= wanted == NULL || fits(wanted, row);
            last = row;
            for (uint32_t c = 0; c < count; c++) {
                GLY_CHECK_INT(batch->columns[c].count, batch->count);
                bool match = gly_cell_matches(scratch, &batch->columns[c], at, columns[c], row);
                if (!match && all_match) {
                    fprintf(stderr, "column %u differs in row %llu\n", columns[c],
                            (unsigned long long)row);
                }
                all_match &= match;
            }
        }
        rows += batch->selected;
        gly_arena_reset(scratch);
    }
    GLY_CHECK(all_match);
    format->reader_close(reader);
    gly_arena_free(scratch);
    return rows;
}

static const uint32_t all_columns[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

static uint64_t count_fitting(const keep *wanted) {
    uint64_t count = 0;
    for (uint64_t row = 0; row < ROWS; row++) {
        count += fits(wanted, row);
    }
    return count;
}

GLY_TEST(every_type_in_every_codec) {
    static const char *const codecs[] = {"none", "snappy", "gzip", "zstd", "lz4"};
    for (size_t i = 0; i < GLY_ARRAY_LEN(codecs); i++) {
        gly_option options[] = {{GLY_STR("compression"), gly_str_of(codecs[i])},
                                {GLY_STR("row_group_rows"), GLY_STR("7000")}};
        begin(2, options);
        GLY_CHECK_INT(check_scan(GLY_CELL_COLUMNS, all_columns, NULL, NULL), ROWS);
        end();
    }
}

GLY_TEST(any_columns_in_any_order) {
    begin(0, NULL);
    GLY_CHECK_INT(check_scan(0, all_columns, NULL, NULL), ROWS);
    GLY_CHECK_INT(check_scan(1, (uint32_t[]){13}, NULL, NULL), ROWS);
    GLY_CHECK_INT(check_scan(3, (uint32_t[]){16, 2, 16}, NULL, NULL), ROWS);
    end();
}

GLY_TEST(filters_read_the_rest_only_where_rows_survive) {
    gly_option options[] = {{GLY_STR("row_group_rows"), GLY_STR("6500")}};
    begin(1, options);
    keep cases[] = {
        {.modulus = 1, .from = 0, .to = UINT64_MAX},
        {.modulus = 1, .from = 0, .to = 0},
        {.modulus = 7, .from = 0, .to = UINT64_MAX},
        {.modulus = 997, .from = 0, .to = UINT64_MAX},
        {.modulus = 1, .from = ROWS - 3, .to = UINT64_MAX},
        {.modulus = 1, .from = ROWS / 2, .to = ROWS / 2 + 5},
        {.modulus = 3001, .from = 1, .to = UINT64_MAX},
        {.modulus = 1, .from = 5000, .to = 5001},
    };
    for (size_t i = 0; i < GLY_ARRAY_LEN(cases); i++) {
        uint64_t rows = check_scan(GLY_CELL_COLUMNS, all_columns, &cases[i], NULL);
        GLY_CHECK_INT(rows, count_fitting(&cases[i]));
        GLY_CHECK_INT(cases[i].seen, ROWS);
    }
    end();
}

GLY_TEST(tiny_budgets_do_not_fail) {
    begin(0, NULL);
    gly_budget budget;
    gly_budget_init(&budget, NULL, 1000);
    GLY_CHECK_INT(check_scan(GLY_CELL_COLUMNS, all_columns, NULL, &budget), ROWS);
    GLY_CHECK_INT(gly_budget_used(&budget), 0);
    GLY_CHECK(gly_budget_peak(&budget) > 1000);
    end();
}

GLY_TEST(splits_cover_the_file_once) {
    gly_option options[] = {{GLY_STR("row_group_rows"), GLY_STR("300")}};
    begin(1, options);
    gly_relation *relation = gly_cell_open(arena, path);
    gly_source_splits splits;
    gly_error err;
    GLY_CHECK_OK(gly_source_plan_splits(arena, relation, ROWS * 10, 0, 4, &splits, &err), &err);
    GLY_CHECK(splits.split_count > 2);
    uint64_t rows = 0;
    uint64_t sought = 0;
    uint64_t groups = 0;
    uint64_t sum = 0;
    uint32_t field = 0;
    for (uint32_t s = 0; s < splits.split_count; s++) {
        gly_scan scan = {.file = &relation->files[0],
                         .split_offset = splits.splits[s].offset,
                         .split_length = splits.splits[s].length,
                         .file_schema = relation->schema,
                         .column_count = 1,
                         .fields = &field};
        gly_reader *reader = NULL;
        GLY_CHECK_OK(format->reader_open(&scan, &reader, &err), &err);
        const gly_batch *batch = NULL;
        while (format->reader_next(reader, &batch, &err) == GLY_OK && batch != NULL) {
            for (uint32_t i = 0; i < batch->count; i++) {
                sum += (uint64_t)gly_column_get(&batch->columns[0], i).i64;
            }
            rows += batch->selected;
        }
        /* The same again with seek, from where it ended. */
        uint64_t once = 0;
        uint64_t twice = 0;
        uint64_t half = scan.split_length / 2;
        GLY_CHECK_OK(format->reader_seek(reader, splits.splits[s].offset, half, &err), &err);
        while (format->reader_next(reader, &batch, &err) == GLY_OK && batch != NULL) {
            once += batch->selected;
        }
        GLY_CHECK_OK(format->reader_seek(reader, splits.splits[s].offset + half,
                                         splits.splits[s].length - half, &err),
                     &err);
        while (format->reader_next(reader, &batch, &err) == GLY_OK && batch != NULL) {
            twice += batch->selected;
        }
        format->reader_close(reader);
        sought += once + twice;
        groups += scan.row_groups_read;
    }
    GLY_CHECK_INT(sought, ROWS);
    GLY_CHECK_INT(rows, ROWS);
    GLY_CHECK_INT(sum, (uint64_t)ROWS * (ROWS - 1) / 2);
    GLY_CHECK(groups > 2);
    end();
}

static gly_expr *compare(gly_function_id function, uint32_t column, gly_value value) {
    gly_expr **args = GLY_ARENA_ARRAY(arena, gly_expr *, 2);
    args[0] = gly_expr_column(arena, column, value.type, true, GLY_STR("x"));
    args[1] = gly_expr_literal(arena, value);
    return gly_expr_call(arena, function, GLY_TYPE_OF(BOOLEAN), true, 2, args);
}

/* Rows that the row groups left over by pruning have; no exact filter. */
static uint64_t scan_pruned(gly_expr *filter, uint32_t column, uint64_t *ret_skipped) {
    gly_relation *relation = gly_cell_open(arena, path);
    gly_error err;
    bool is_filter = true;
    gly_scan scan = {.file = &relation->files[0],
                     .split_length = UINT64_MAX,
                     .file_schema = relation->schema,
                     .column_count = 1,
                     .fields = &column,
                     .filter_count = 1,
                     .filters = &filter,
                     .is_filter_column = &is_filter};
    gly_reader *reader = NULL;
    GLY_CHECK_OK(format->reader_open(&scan, &reader, &err), &err);
    uint64_t rows = 0;
    const gly_batch *batch = NULL;
    while (format->reader_next(reader, &batch, &err) == GLY_OK && batch != NULL) {
        rows += batch->selected;
    }
    format->reader_close(reader);
    *ret_skipped = scan.row_groups_skipped;
    return rows;
}

GLY_TEST(row_groups_are_pruned) {
    gly_option options[] = {{GLY_STR("row_group_rows"), GLY_STR("500")}};
    begin(1, options);
    uint64_t skipped = 0;
    gly_type bigint = GLY_TYPE_OF(BIGINT);
    uint64_t rows = scan_pruned(compare(GLY_FN_LESS, 0, gly_value_i64(bigint, 400)), 0, &skipped);
    GLY_CHECK(rows >= 400 && rows <= 400 + 2 * GLY_MAX(500, GLY_BATCH_ROWS));
    GLY_CHECK(skipped > 0);
    rows = scan_pruned(compare(GLY_FN_EQUAL, 0, gly_value_i64(bigint, ROWS)), 0, &skipped);
    GLY_CHECK_INT(rows, 0);
    rows = scan_pruned(compare(GLY_FN_GREATER_EQUAL, 0, gly_value_i64(bigint, 0)), 0, &skipped);
    GLY_CHECK_INT(rows, ROWS);
    GLY_CHECK_INT(skipped, 0);
    gly_value city = gly_value_text(GLY_TYPE_OF(STRING), GLY_STR("d"));
    rows = scan_pruned(compare(GLY_FN_GREATER, 0, city), 13, &skipped);
    GLY_CHECK_INT(rows, 0);
    gly_value small = gly_value_decimal(gly_type_decimal(38, 6), 5);
    rows = scan_pruned(compare(GLY_FN_EQUAL, 0, small), 12, &skipped);
    GLY_CHECK(rows > 0);
    end();
}

GLY_TEST(statistics_are_those_of_the_rows) {
    gly_option options[] = {{GLY_STR("row_group_rows"), GLY_STR("3000")}};
    begin(1, options);
    gly_relation *relation = gly_cell_open(arena, path);
    GLY_CHECK_INT(relation->row_count, ROWS);
    gly_arena *scratch = gly_arena_make();
    for (uint32_t c = 0; c < GLY_CELL_COLUMNS; c++) {
        uint64_t nulls = 0;
        gly_value min = gly_value_null(gly_cell_type(c));
        gly_value max = min;
        for (uint64_t row = 0; row < ROWS; row++) {
            gly_value value = gly_cell(scratch, c, row);
            nulls += value.is_null;
            if (!value.is_null && (min.is_null || gly_value_compare(&value, &min) < 0)) {
                min = value;
            }
            if (!value.is_null && (max.is_null || gly_value_compare(&value, &max) > 0)) {
                max = value;
            }
        }
        const gly_column_statistics *have = &relation->statistics[c];
        GLY_CHECK_INT(have->null_count, nulls);
        GLY_CHECK(have->has_bounds);
        GLY_CHECK(gly_value_compare(&have->min, &min) == 0);
        GLY_CHECK(gly_value_compare(&have->max, &max) == 0);
        GLY_CHECK_INT(relation->schema->fields[c].nullable, c > 1);
    }
    gly_arena_free(scratch);
    end();
}

GLY_TEST(missing_columns_are_null_and_types_may_widen) {
    begin(0, NULL);
    gly_relation *relation = gly_cell_open(arena, path);
    gly_schema schema = *relation->schema;
    schema.fields = gly_arena_copy(arena, schema.fields, sizeof(gly_field) * schema.field_count);
    schema.fields[2].name = GLY_STR("not there");
    schema.fields[1].type = GLY_TYPE_OF(BIGINT);
    schema.fields[5].type = GLY_TYPE_OF(DOUBLE);
    schema.fields[10].type = gly_type_decimal(20, 2);
    uint32_t fields[] = {1, 2, 5, 10};
    gly_error err;
    gly_scan scan = {.file = &relation->files[0],
                     .split_length = UINT64_MAX,
                     .file_schema = &schema,
                     .column_count = 4,
                     .fields = fields};
    gly_reader *reader = NULL;
    GLY_CHECK_OK(format->reader_open(&scan, &reader, &err), &err);
    const gly_batch *batch = NULL;
    GLY_CHECK_OK(format->reader_next(reader, &batch, &err), &err);
    for (uint32_t i = 0; i < batch->count; i++) {
        gly_value plain = gly_cell(arena, 1, i);
        GLY_CHECK_INT(gly_column_get(&batch->columns[0], i).i64, plain.i64);
        GLY_CHECK(gly_column_get(&batch->columns[1], i).is_null);
        gly_value number = gly_cell(arena, 5, i);
        gly_value wide = gly_column_get(&batch->columns[2], i);
        GLY_CHECK(number.is_null ? wide.is_null : wide.f64 == number.f64);
        gly_value decimal = gly_cell(arena, 10, i);
        wide = gly_column_get(&batch->columns[3], i);
        GLY_CHECK(decimal.is_null ? wide.is_null : wide.i128 == gly_value_unscaled(&decimal));
    }
    format->reader_close(reader);
    schema.fields[0].type = GLY_TYPE_OF(STRING);
    fields[0] = 0;
    GLY_CHECK_INT(format->reader_open(&scan, &reader, &err), GLY_E_FILE_FORMAT);
    GLY_CHECK(strstr(err.message, "c0") != NULL && strstr(err.message, "bigint") != NULL);
    end();
}

/* Opens and reads whatever is in bytes; must only fail with an error. */
static gly_status read_all(const void *bytes, size_t size, gly_error *err) {
    gly_io_write(path, bytes, size);
    gly_arena *own = gly_arena_make();
    gly_relation *relation = NULL;
    gly_status status =
        gly_source_open(own, GLY_STR("parquet"), path, 1, &path, 0, NULL, &relation, err);
    if (status == GLY_OK) {
        uint32_t fields[64];
        uint32_t count = GLY_MIN(relation->schema->field_count, 64u);
        for (uint32_t i = 0; i < count; i++) {
            fields[i] = i;
        }
        gly_scan scan = {.file = &relation->files[0],
                         .split_length = UINT64_MAX,
                         .file_schema = relation->schema,
                         .column_count = count,
                         .fields = fields};
        gly_reader *reader = NULL;
        status = format->reader_open(&scan, &reader, err);
        if (status == GLY_OK) {
            const gly_batch *batch = NULL;
            uint64_t rows = 0;
            do {
                status = format->reader_next(reader, &batch, err);
                rows += batch == NULL || status != GLY_OK ? 0 : batch->selected;
            } while (status == GLY_OK && batch != NULL && rows < 1000000);
            format->reader_close(reader);
        }
    }
    gly_arena_free(own);
    return status;
}

GLY_TEST(damage_is_an_error_that_names_the_place) {
    arena = gly_arena_make();
    root = gly_io_directory(arena);
    path = gly_io_path(arena, root, "t.parquet");
    format = gly_format_find(GLY_STR("parquet"));
    gly_cell_write(path, 400, 0, NULL, NULL);
    gly_str good = gly_io_read(arena, path);
    gly_error err = {0};
    gly_random random = {99};
    for (size_t size = 0; size < good.size; size += 1 + size / 40) {
        gly_status status = read_all(good.data, size, &err);
        GLY_CHECK(status == GLY_E_CORRUPT_FILE || status == GLY_E_FILE_FORMAT);
        GLY_CHECK(strstr(err.message, "t.parquet") != NULL);
    }
    char *bad = gly_arena_alloc(arena, good.size);
    int failures = 0;
    for (int round = 0; round < 1500; round++) {
        memcpy(bad, good.data, good.size);
        int flips = 1 + (int)gly_random_below(&random, 3);
        for (int i = 0; i < flips; i++) {
            bad[gly_random_below(&random, good.size)] ^= (char)(1 << gly_random_below(&random, 8));
        }
        err.message[0] = '\0';
        gly_status status = read_all(bad, good.size, &err);
        failures += status != GLY_OK;
        if (status == GLY_E_CORRUPT_FILE) {
            GLY_CHECK(strstr(err.message, "t.parquet") != NULL);
        }
    }
    GLY_CHECK(failures > 200);
    GLY_CHECK_INT(read_all("no such format at all", 21, &err), GLY_E_FILE_FORMAT);
    GLY_CHECK_INT(read_all("", 0, &err), GLY_E_FILE_FORMAT);
    GLY_CHECK_INT(read_all(good.data, good.size, &err), GLY_OK);
    end();
}

GLY_SUITE("parquet_reader", every_type_in_every_codec, any_columns_in_any_order,
          filters_read_the_rest_only_where_rows_survive, tiny_budgets_do_not_fail,
          splits_cover_the_file_once, row_groups_are_pruned, statistics_are_those_of_the_rows,
          missing_columns_are_null_and_types_may_widen, damage_is_an_error_that_names_the_place)
