/* test_source.c - tables of several files: schema checks, partition columns, splits. */
#include "tests/unit/io/parquet_support.h"

static gly_arena *arena;
static gly_str root;

static void begin(void) {
    arena = gly_arena_make();
    root = gly_io_directory(arena);
}

static void end(void) {
    gly_io_remove(root);
    gly_arena_free(arena);
}

static gly_status open_source(const char *name, gly_relation **ret, gly_error *err) {
    gly_str path = gly_io_path(arena, root, name);
    return gly_source_open(arena, GLY_STR("Parquet"), GLY_STR("t"), 1, &path, 0, NULL, ret, err);
}

/* A file with one bigint or string column "x" of one row. */
static void write_one(const char *name, gly_type type, bool nullable, int64_t number) {
    gly_error err;
    const gly_format *format = gly_format_find(GLY_STR("parquet"));
    gly_field field = {GLY_STR("x"), type, nullable};
    gly_schema schema = {1, &field};
    gly_writer_options options = {0};
    gly_writer *writer = NULL;
    GLY_CHECK_OK(
        format->writer_open(gly_io_path(arena, root, name), &schema, &options, &writer, &err),
        &err);
    gly_batch *batch = gly_batch_make(arena, &type, 1, GLY_BATCH_ROWS);
    batch->count = batch->selected = batch->columns[0].count = 1;
    gly_value value = type.id == GLY_TYPE_STRING ? gly_value_text(type, GLY_STR("text"))
                                                 : gly_value_i64(type, number);
    gly_column_set(arena, &batch->columns[0], 0, &value);
    GLY_CHECK_OK(format->writer_write(writer, batch, &err), &err);
    uint64_t rows;
    uint64_t bytes;
    GLY_CHECK_OK(format->writer_finish(writer, &rows, &bytes, &err), &err);
}

GLY_TEST(several_files_are_one_table) {
    begin();
    write_one("t/a.parquet", GLY_TYPE_OF(BIGINT), false, 5);
    write_one("t/b.parquet", GLY_TYPE_OF(BIGINT), true, -7);
    write_one("t/c.parquet", GLY_TYPE_OF(INT), false, 100);
    gly_relation *relation = NULL;
    gly_error err;
    GLY_CHECK_OK(open_source("t", &relation, &err), &err);
    GLY_CHECK_INT(relation->file_count, 3);
    GLY_CHECK_INT(relation->row_count, 3);
    GLY_CHECK(gly_str_equal(relation->format, GLY_STR("parquet")));
    GLY_CHECK_INT(relation->schema->field_count, 1);
    GLY_CHECK(relation->schema->fields[0].nullable);
    GLY_CHECK_INT(relation->schema->fields[0].type.id, GLY_TYPE_BIGINT);
    GLY_CHECK_INT(relation->statistics[0].min.i64, -7);
    GLY_CHECK_INT(relation->statistics[0].max.i64, 100);
    write_one("t/d.parquet", GLY_TYPE_OF(STRING), false, 0);
    GLY_CHECK_INT(open_source("t", &relation, &err), GLY_E_FILE_FORMAT);
    GLY_CHECK(strstr(err.message, "d.parquet") != NULL && strstr(err.message, "string") != NULL);
    end();
}

GLY_TEST(partition_directories_are_columns) {
    begin();
    write_one("t/dt=2024-01-31/n=1/a.parquet", GLY_TYPE_OF(BIGINT), false, 1);
    write_one("t/dt=2024-02-01/n=__HIVE_DEFAULT_PARTITION__/a.parquet", GLY_TYPE_OF(BIGINT), false,
              2);
    write_one("t/dt=2024-02-01/n=77/b.parquet", GLY_TYPE_OF(BIGINT), false, 3);
    gly_relation *relation = NULL;
    gly_error err;
    GLY_CHECK_OK(open_source("t", &relation, &err), &err);
    GLY_CHECK_INT(relation->schema->field_count, 3);
    GLY_CHECK_INT(relation->partition_column_count, 2);
    GLY_CHECK_INT(relation->schema->fields[1].type.id, GLY_TYPE_DATE);
    GLY_CHECK(!relation->schema->fields[1].nullable);
    GLY_CHECK_INT(relation->schema->fields[2].type.id, GLY_TYPE_INT);
    GLY_CHECK(relation->schema->fields[2].nullable);
    GLY_CHECK_INT(relation->files[0].partition_values[0].i64, 19753);
    GLY_CHECK_INT(relation->files[0].partition_values[1].i64, 1);
    GLY_CHECK_INT(relation->files[1].partition_values[1].i64, 77);
    GLY_CHECK(relation->files[2].partition_values[1].is_null);
    /* Read one of them: a constant column. */
    uint32_t fields[] = {1, 0, 2};
    gly_scan scan = {.file = &relation->files[1],
                     .split_length = UINT64_MAX,
                     .file_schema = relation->schema,
                     .partition_column_count = 2,
                     .column_count = 3,
                     .fields = fields};
    const gly_format *format = gly_format_find(GLY_STR("parquet"));
    gly_reader *reader = NULL;
    const gly_batch *batch = NULL;
    GLY_CHECK_OK(format->reader_open(&scan, &reader, &err), &err);
    GLY_CHECK_OK(format->reader_next(reader, &batch, &err), &err);
    GLY_CHECK(batch != NULL && batch->count == 1);
    GLY_CHECK_INT(gly_column_get(&batch->columns[0], 0).i64, 19754);
    GLY_CHECK_INT(gly_column_get(&batch->columns[1], 0).i64, 3);
    GLY_CHECK_INT(gly_column_get(&batch->columns[2], 0).i64, 77);
    format->reader_close(reader);
    /* Named directly, a partition is no column; below a glob the rest is. */
    GLY_CHECK_OK(open_source("t/dt=2024-01-31/n=1", &relation, &err), &err);
    GLY_CHECK_INT(relation->partition_column_count, 0);
    GLY_CHECK_OK(open_source("t/dt=*", &relation, &err), &err);
    GLY_CHECK_INT(relation->partition_column_count, 1);
    end();
}

static gly_type partition_type(const char *first, const char *second) {
    gly_relation *relation = NULL;
    gly_error err;
    gly_io_remove(gly_io_path(arena, root, "p"));
    write_one(gly_arena_format(arena, "p/k=%s/a.parquet", first), GLY_TYPE_OF(BIGINT), false, 1);
    write_one(gly_arena_format(arena, "p/k=%s/b.parquet", second), GLY_TYPE_OF(BIGINT), false, 1);
    GLY_CHECK_OK(open_source("p", &relation, &err), &err);
    return relation->schema->fields[1].type;
}

GLY_TEST(partition_values_have_the_narrowest_type) {
    begin();
    GLY_CHECK_INT(partition_type("1", "2").id, GLY_TYPE_INT);
    GLY_CHECK_INT(partition_type("1", "3000000000").id, GLY_TYPE_BIGINT);
    GLY_CHECK_INT(partition_type("1", "2.5").id, GLY_TYPE_DOUBLE);
    GLY_CHECK_INT(partition_type("2024-01-01", "2025-12-31").id, GLY_TYPE_DATE);
    GLY_CHECK_INT(partition_type("2024-01-01 10:00:00", "2025-12-31 11:30:00").id,
                  GLY_TYPE_TIMESTAMP);
    GLY_CHECK_INT(partition_type("a", "1").id, GLY_TYPE_STRING);
    GLY_CHECK_INT(partition_type("2024-01-01", "7").id, GLY_TYPE_STRING);
    GLY_CHECK_INT(partition_type("a%20b", "c%2Fd").id, GLY_TYPE_STRING);
    end();
}

GLY_TEST(errors_name_the_path) {
    begin();
    gly_relation *relation = NULL;
    gly_error err;
    GLY_CHECK_INT(open_source("nothing", &relation, &err), GLY_E_PATH_NOT_FOUND);
    GLY_CHECK(strstr(err.message, "nothing does not exist") != NULL);
    gly_io_write(gly_io_path(arena, root, "bad/x.parquet"), "PAR1 and then nothing", 21);
    GLY_CHECK_INT(open_source("bad", &relation, &err), GLY_E_CORRUPT_FILE);
    GLY_CHECK(strstr(err.message, "x.parquet") != NULL);
    write_one("mix/k=1/a.parquet", GLY_TYPE_OF(BIGINT), false, 1);
    write_one("mix/b.parquet", GLY_TYPE_OF(BIGINT), false, 1);
    GLY_CHECK_INT(open_source("mix", &relation, &err), GLY_E_FILE_FORMAT);
    GLY_CHECK_INT(
        gly_source_open(arena, GLY_STR("orc"), GLY_STR("t"), 1, &root, 0, NULL, &relation, &err),
        GLY_E_UNSUPPORTED);
    GLY_CHECK(strstr(err.message, "parquet") != NULL);
    end();
}

/* Files of the given sizes; formats decide where to cut, so this is a table of whole files. */
static void check_plan(uint32_t file_count, const uint64_t *sizes, uint64_t target,
                       uint32_t min_partitions, uint32_t wanted) {
    gly_relation relation = {.format = GLY_STR("parquet"), .file_count = file_count};
    relation.files = GLY_ARENA_ARRAY(arena, gly_relation_file, file_count);
    for (uint32_t i = 0; i < file_count; i++) {
        relation.files[i].path = gly_io_path(arena, root, "one.parquet");
        relation.files[i].size_bytes = sizes[i];
        relation.size_bytes += sizes[i];
    }
    gly_source_splits splits;
    gly_error err;
    GLY_CHECK_OK(gly_source_plan_splits(arena, &relation, target, 4, min_partitions, &splits, &err),
                 &err);
    GLY_CHECK_INT(splits.partition_count, wanted);
    GLY_CHECK_INT(splits.first_split[0], 0);
    GLY_CHECK_INT(splits.first_split[splits.partition_count], splits.split_count);
    uint64_t bytes = 0;
    for (uint32_t p = 0; p < splits.partition_count; p++) {
        GLY_CHECK(splits.first_split[p] < splits.first_split[p + 1]);
    }
    for (uint32_t s = 0; s < splits.split_count; s++) {
        bytes += splits.splits[s].length;
    }
    GLY_CHECK_INT(bytes, relation.size_bytes);
}

GLY_TEST(small_files_are_packed) {
    begin();
    write_one("one.parquet", GLY_TYPE_OF(BIGINT), false, 1);
    check_plan(1, (uint64_t[]){100}, 1000, 1, 1);
    check_plan(4, (uint64_t[]){100, 100, 100, 100}, 1000, 1, 1);
    check_plan(4, (uint64_t[]){100, 100, 100, 100}, 210, 1, 2);
    check_plan(4, (uint64_t[]){100, 100, 100, 100}, 100, 1, 4);
    check_plan(4, (uint64_t[]){100, 100, 100, 100}, 1000, 2, 2);
    check_plan(4, (uint64_t[]){100, 100, 100, 100}, 1000, 4, 4);
    check_plan(3, (uint64_t[]){10, 10, 10}, 1000, 8, 3);
    end();
}

GLY_SUITE("source", several_files_are_one_table, partition_directories_are_columns,
          partition_values_have_the_narrowest_type, errors_name_the_path, small_files_are_packed)
