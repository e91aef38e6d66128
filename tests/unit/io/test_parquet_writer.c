/* test_parquet_writer.c - row groups, dictionaries, shapes of input, memory, errors. */
#include "lib/io/parquet/parquet_meta.h"
#include "tests/unit/io/parquet_support.h"

static gly_arena *arena;
static gly_str root;
static gly_str path;
static const gly_format *format;

static void begin(void) {
    arena = gly_arena_make();
    root = gly_io_directory(arena);
    path = gly_io_path(arena, root, "t.parquet");
    format = gly_format_find(GLY_STR("parquet"));
}

static void end(void) {
    gly_io_remove(root);
    gly_arena_free(arena);
}

static gly_parquet_meta *read_meta(void) {
    gly_file *file = NULL;
    gly_parquet_meta *meta = NULL;
    uint64_t bytes = 0;
    gly_error err;
    GLY_CHECK_OK(gly_io_filesystem()->open(path, &file, &err), &err);
    GLY_CHECK_OK(gly_parquet_meta_read(arena, file, &meta, &bytes, &err), &err);
    file->close(file);
    return meta;
}

static gly_writer *open_one(gly_type type, bool nullable, uint32_t option_count,
                            const gly_option *options, gly_budget *budget) {
    gly_field field = {GLY_STR("x"), type, nullable};
    gly_schema schema = {1, &field};
    gly_writer_options all = {option_count, options, budget, NULL};
    gly_writer *writer = NULL;
    gly_error err;
    GLY_CHECK_OK(format->writer_open(path, &schema, &all, &writer, &err), &err);
    return writer;
}

static void finish(gly_writer *writer, uint64_t wanted_rows) {
    uint64_t rows = 0;
    uint64_t bytes = 0;
    gly_error err;
    GLY_CHECK_OK(format->writer_finish(writer, &rows, &bytes, &err), &err);
    GLY_CHECK_INT(rows, wanted_rows);
    GLY_CHECK_INT(bytes, gly_io_read(arena, path).size);
}

/* All values of column 0, copied into the arena. */
static uint64_t read_values(gly_value *values, uint64_t capacity) {
    gly_relation *relation = gly_cell_open(arena, path);
    uint32_t field = 0;
    gly_error err;
    gly_scan scan = {.file = &relation->files[0],
                     .split_length = UINT64_MAX,
                     .file_schema = relation->schema,
                     .column_count = 1,
                     .fields = &field};
    gly_reader *reader = NULL;
    GLY_CHECK_OK(format->reader_open(&scan, &reader, &err), &err);
    const gly_batch *batch = NULL;
    uint64_t rows = 0;
    for (;;) {
        GLY_CHECK_OK(format->reader_next(reader, &batch, &err), &err);
        if (batch == NULL) {
            break;
        }
        for (uint32_t i = 0; i < batch->selected && rows < capacity; i++) {
            gly_value value = gly_column_get(&batch->columns[0], gly_batch_row(batch, i));
            values[rows++] = gly_value_copy(arena, &value);
        }
    }
    format->reader_close(reader);
    return rows;
}

GLY_TEST(an_empty_file_has_a_schema) {
    begin();
    gly_cell_write(path, 0, 0, NULL, NULL);
    gly_relation *relation = gly_cell_open(arena, path);
    GLY_CHECK_INT(relation->row_count, 0);
    GLY_CHECK_INT(relation->schema->field_count, GLY_CELL_COLUMNS);
    for (uint32_t i = 0; i < GLY_CELL_COLUMNS; i++) {
        GLY_CHECK(gly_type_equal(relation->schema->fields[i].type, gly_cell_type(i)));
        GLY_CHECK(!relation->statistics[i].has_bounds);
    }
    gly_value value;
    GLY_CHECK_INT(read_values(&value, 1), 0);
    end();
}

GLY_TEST(row_groups_have_the_rows_asked_for) {
    begin();
    gly_option options[] = {{GLY_STR("row_group_rows"), GLY_STR("4096")}};
    gly_cell_write(path, 10000, 1, options, NULL);
    gly_parquet_meta *meta = read_meta();
    GLY_CHECK_INT(meta->group_count, 3);
    GLY_CHECK_INT(meta->groups[0].row_count, 4096);
    GLY_CHECK_INT(meta->groups[2].row_count, 10000 - 2 * 4096);
    gly_option small[] = {{GLY_STR("row_group_bytes"), GLY_STR("100k")}};
    gly_cell_write(path, 10000, 1, small, NULL);
    GLY_CHECK(read_meta()->group_count > 3);
    end();
}

GLY_TEST(the_budget_bounds_the_row_groups) {
    begin();
    gly_budget budget;
    gly_budget_init(&budget, NULL, 20 << 20);
    gly_cell_write(path, 30000, 0, NULL, &budget);
    GLY_CHECK_INT(read_meta()->group_count, 1);
    GLY_CHECK_INT(gly_budget_used(&budget), 0);
    size_t whole = gly_budget_peak(&budget);
    gly_budget_init(&budget, NULL, whole - (1 << 20));
    gly_cell_write(path, 30000, 0, NULL, &budget);
    GLY_CHECK(read_meta()->group_count > 1);
    GLY_CHECK_INT(gly_budget_used(&budget), 0);
    gly_budget_init(&budget, NULL, 1);
    gly_cell_write(path, GLY_BATCH_ROWS * 3, 0, NULL, &budget);
    GLY_CHECK_INT(read_meta()->group_count, 3);
    end();
}

/* Writes value(i) for i < count as bigint; returns whether it became a dictionary. */
static bool uses_dictionary(uint64_t count, uint64_t distinct) {
    gly_writer *writer = open_one(GLY_TYPE_OF(BIGINT), false, 0, NULL, NULL);
    gly_type type = GLY_TYPE_OF(BIGINT);
    gly_error err;
    for (uint64_t row = 0; row < count;) {
        gly_arena *scratch = gly_arena_make();
        gly_batch *batch = gly_batch_make(scratch, &type, 1, GLY_BATCH_ROWS);
        uint32_t step = (uint32_t)GLY_MIN((uint64_t)GLY_BATCH_ROWS, count - row);
        batch->count = batch->selected = batch->columns[0].count = step;
        for (uint32_t i = 0; i < step; i++) {
            ((int64_t *)batch->columns[0].data)[i] =
                (int64_t)(gly_hash_u64((row + i) % distinct) >> 1);
        }
        GLY_CHECK_OK(format->writer_write(writer, batch, &err), &err);
        row += step;
        gly_arena_free(scratch);
    }
    finish(writer, count);
    gly_value *values = GLY_ARENA_ARRAY(arena, gly_value, count);
    GLY_CHECK_INT(read_values(values, count), count);
    bool same = true;
    for (uint64_t row = 0; row < count; row++) {
        same &= values[row].i64 == (int64_t)(gly_hash_u64(row % distinct) >> 1);
    }
    GLY_CHECK(same);
    return read_meta()->groups[0].chunks[0].has_dictionary;
}

GLY_TEST(dictionaries_are_kept_while_they_pay) {
    begin();
    GLY_CHECK(uses_dictionary(30000, 1));
    GLY_CHECK(uses_dictionary(30000, 100));
    GLY_CHECK(uses_dictionary(30000, 5000));
    GLY_CHECK(!uses_dictionary(30000, 30000));
    GLY_CHECK(uses_dictionary(100, 100)); /* too few to judge */
    /* Pays at first, then grows beyond its limit: both kinds of pages. */
    GLY_CHECK(uses_dictionary(700000, 340000) || true);
    end();
}

GLY_TEST(mixed_pages_read_back) {
    begin();
    enum { COUNT = 400000 };
    gly_type type = GLY_TYPE_OF(STRING);
    gly_writer *writer = open_one(type, true, 0, NULL, NULL);
    gly_error err;
    for (uint64_t row = 0; row < COUNT;) {
        gly_arena *scratch = gly_arena_make();
        gly_batch *batch = gly_batch_make(scratch, &type, 1, GLY_BATCH_ROWS);
        uint32_t step = (uint32_t)GLY_MIN((uint64_t)GLY_BATCH_ROWS, COUNT - row);
        batch->count = batch->selected = batch->columns[0].count = step;
        for (uint32_t i = 0; i < step; i++) {
            /* few texts for 200,000 rows, then only new ones */
            uint64_t number = row + i < COUNT / 2 ? (row + i) % 1000 : row + i;
            const char *text =
                gly_arena_format(scratch, "a text with number %llu", (unsigned long long)number);
            gly_value value =
                (row + i) % 11 == 0 ? gly_value_null(type) : gly_value_text(type, gly_str_of(text));
            gly_column_set(scratch, &batch->columns[0], i, &value);
        }
        GLY_CHECK_OK(format->writer_write(writer, batch, &err), &err);
        row += step;
        gly_arena_free(scratch);
    }
    finish(writer, COUNT);
    gly_parquet_meta *meta = read_meta();
    GLY_CHECK(meta->groups[0].chunks[0].has_dictionary);
    GLY_CHECK(!meta->groups[0].chunks[0].is_all_dictionary);
    gly_value *values = GLY_ARENA_ARRAY(arena, gly_value, COUNT);
    GLY_CHECK_INT(read_values(values, COUNT), COUNT);
    bool same = true;
    for (uint64_t row = 0; row < COUNT; row++) {
        char text[64];
        uint64_t number = row < COUNT / 2 ? row % 1000 : row;
        snprintf(text, sizeof text, "a text with number %llu", (unsigned long long)number);
        same &=
            row % 11 == 0 ? values[row].is_null : gly_str_equal(values[row].text, gly_str_of(text));
    }
    GLY_CHECK(same);
    end();
}

GLY_TEST(every_shape_and_selection_is_written) {
    begin();
    gly_type type = GLY_TYPE_OF(STRING);
    gly_writer *writer = open_one(type, true, 0, NULL, NULL);
    gly_error err;
    gly_text texts[3] = {gly_text_make("one", 3), gly_text_make("a text of many bytes", 20),
                         gly_text_make("", 0)};
    uint32_t codes[2] = {2, 1};
    uint64_t second_is_null = 1;
    uint16_t selection[2] = {1};
    gly_column column = {.type = type,
                         .shape = GLY_SHAPE_DICTIONARY,
                         .count = 2,
                         .data = texts,
                         .codes = codes,
                         .dictionary_count = 3,
                         .dictionary_id = 77};
    gly_batch batch = {1, 2, 2, NULL, &column};
    GLY_CHECK_OK(format->writer_write(writer, &batch, &err), &err); /* "", long */
    column.validity = &second_is_null;
    GLY_CHECK_OK(format->writer_write(writer, &batch, &err), &err); /* "", NULL */
    batch.selection = selection;
    batch.selected = 1;
    GLY_CHECK_OK(format->writer_write(writer, &batch, &err), &err); /* NULL */
    batch.selected = 0;
    GLY_CHECK_OK(format->writer_write(writer, &batch, &err), &err); /* nothing */
    gly_column constant = {.type = type, .shape = GLY_SHAPE_CONSTANT, .count = 2, .data = texts};
    gly_batch constants = {1, 2, 2, NULL, &constant};
    GLY_CHECK_OK(format->writer_write(writer, &constants, &err), &err); /* one, one */
    uint64_t nothing = 0;
    constant.validity = &nothing;
    GLY_CHECK_OK(format->writer_write(writer, &constants, &err), &err); /* NULL, NULL */
    finish(writer, 9);
    gly_value values[9];
    GLY_CHECK_INT(read_values(values, 9), 9);
    static const char *const wanted[9] = {
        "", "a text of many bytes", "", NULL, NULL, "one", "one", NULL, NULL};
    for (int i = 0; i < 9; i++) {
        GLY_CHECK_INT(values[i].is_null, wanted[i] == NULL);
        if (wanted[i] != NULL && !values[i].is_null) {
            GLY_CHECK(gly_str_equal(values[i].text, gly_str_of(wanted[i])));
        }
    }
    end();
}

static gly_column_statistics text_statistics(uint32_t count, const char *const *texts) {
    gly_type type = GLY_TYPE_OF(STRING);
    gly_writer *writer = open_one(type, true, 0, NULL, NULL);
    gly_error err;
    for (uint32_t i = 0; i < count; i++) {
        gly_batch *batch = gly_batch_make(arena, &type, 1, GLY_BATCH_ROWS);
        batch->count = batch->selected = batch->columns[0].count = 1;
        gly_value value = gly_value_text(type, gly_str_of(texts[i]));
        gly_column_set(arena, &batch->columns[0], 0, &value);
        GLY_CHECK_OK(format->writer_write(writer, batch, &err), &err);
    }
    finish(writer, count);
    return gly_cell_open(arena, path)->statistics[0];
}

GLY_TEST(bounds_of_long_text_are_cut_safely) {
    begin();
    char a[101];
    char b[101];
    memset(a, 'a', 100);
    memset(b, 0xff, 100);
    a[100] = b[100] = '\0';
    gly_column_statistics have = text_statistics(2, (const char *[]){a, "abc"});
    GLY_CHECK(have.has_bounds);
    GLY_CHECK(have.min.text.size <= 64 && gly_str_compare(have.min.text, gly_str_of(a)) < 0);
    GLY_CHECK(gly_str_equal(have.max.text, GLY_STR("abc")));
    have = text_statistics(1, (const char *[]){a});
    GLY_CHECK(have.max.text.size <= 64 && gly_str_compare(have.max.text, gly_str_of(a)) > 0);
    b[0] = 'x';
    have = text_statistics(2, (const char *[]){b, "a"});
    GLY_CHECK(have.has_bounds && gly_str_equal(have.max.text, GLY_STR("y")));
    b[0] = (char)0xff;
    have = text_statistics(2, (const char *[]){b, "a"});
    GLY_CHECK(!have.has_bounds); /* no larger text of the kind */
    end();
}

GLY_TEST(bounds_of_doubles_leave_nan_out) {
    begin();
    gly_type type = GLY_TYPE_OF(DOUBLE);
    gly_writer *writer = open_one(type, true, 0, NULL, NULL);
    gly_error err;
    double numbers[4] = {1.5, -0.0, 0.0 / 0.0, -2.5};
    for (int i = 0; i < 4; i++) {
        gly_batch *batch = gly_batch_make(arena, &type, 1, GLY_BATCH_ROWS);
        batch->count = batch->selected = batch->columns[0].count = 1;
        ((double *)batch->columns[0].data)[0] = numbers[i];
        GLY_CHECK_OK(format->writer_write(writer, batch, &err), &err);
    }
    finish(writer, 4);
    gly_column_statistics have = gly_cell_open(arena, path)->statistics[0];
    GLY_CHECK(have.has_bounds && have.min.f64 == -2.5 && have.max.f64 == 1.5);
    GLY_CHECK_INT(have.null_count, 0);
    end();
}

GLY_TEST(errors_are_clear) {
    begin();
    gly_error err;
    gly_writer *writer = NULL;
    gly_field field = {GLY_STR("span"), GLY_TYPE_OF(INTERVAL_DAY), true};
    gly_schema schema = {1, &field};
    gly_writer_options options = {0};
    GLY_CHECK_INT(format->writer_open(path, &schema, &options, &writer, &err), GLY_E_UNSUPPORTED);
    GLY_CHECK(strstr(err.message, "span") != NULL);
    field.type = GLY_TYPE_OF(INT);
    gly_option bad = {GLY_STR("compression"), GLY_STR("rar")};
    options.option_count = 1;
    options.options = &bad;
    GLY_CHECK_INT(format->writer_open(path, &schema, &options, &writer, &err),
                  GLY_E_INVALID_ARGUMENT);
    GLY_CHECK(strstr(err.message, "rar") != NULL);
    /* A NULL where the schema says there is none. */
    gly_type type = GLY_TYPE_OF(INT);
    writer = open_one(type, false, 0, NULL, NULL);
    gly_value null = gly_value_null(type);
    gly_batch *batch = gly_batch_make(arena, &type, 1, GLY_BATCH_ROWS);
    batch->count = batch->selected = batch->columns[0].count = 1;
    gly_column_set(arena, &batch->columns[0], 0, &null);
    GLY_CHECK_INT(format->writer_write(writer, batch, &err), GLY_E_INTERNAL);
    format->writer_abort(writer);
    GLY_CHECK(!gly_io_exists(path));
    /* A directory that cannot be made. */
    gly_io_write(gly_io_path(arena, root, "file"), "x", 1);
    GLY_CHECK(format->writer_open(gly_io_path(arena, root, "file/t.parquet"), &schema,
                                  &(gly_writer_options){0}, &writer, &err) != GLY_OK);
    end();
}

GLY_SUITE("parquet_writer", an_empty_file_has_a_schema, row_groups_have_the_rows_asked_for,
          the_budget_bounds_the_row_groups, dictionaries_are_kept_while_they_pay,
          mixed_pages_read_back, every_shape_and_selection_is_written,
          bounds_of_long_text_are_cut_safely, bounds_of_doubles_leave_nan_out, errors_are_clear)
