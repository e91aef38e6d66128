/* test_s3_scan.c - Parquet and text in an object store: right answers, few requests, clear
 * failures. */
#include "lib/base/alloc.h"
#include "lib/io/source/source.h"
#include "tests/support/fake_s3.h"
#include "tests/unit/io/io_support.h"
#include "tests/unit/io/parquet_support.h"

enum { ROWS = 20000, FILES = 6 };

static gly_fake_s3 *fake;
static gly_arena *arena;

static void free_fake(void) { gly_fake_s3_free(fake); }

static void begin(void) {
    arena = gly_arena_make();
    if (fake != NULL) {
        gly_fake_s3_forget_faults(fake);
        return;
    }
    fake = gly_fake_s3_make();
    atexit(free_fake); /* runs behind the client's own */
    setenv("AWS_ENDPOINT_URL", gly_fake_s3_endpoint(fake), 1);
    setenv("AWS_ACCESS_KEY_ID", "k", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "s", 1);
    unsetenv("AWS_ENDPOINT_URL_S3");
    unsetenv("GALLEY_S3_PATH_STYLE");
    gly_option options[] = {{GLY_STR("row_group_rows"), GLY_STR("3000")},
                            {GLY_STR("compression"), GLY_STR("none")}};
    for (int i = 0; i < FILES; i++) {
        char *path = gly_arena_format(arena, "s3://scan/cells/part-%d.parquet", i);
        gly_cell_write(gly_str_of(path), ROWS, 2, options, NULL);
    }
}

static void end(void) { gly_arena_free(arena); }

/* Reads some columns of a split and compares every cell; returns the rows. */
static uint64_t check_file(const gly_relation *relation, uint32_t file, uint32_t column_count,
                           uint64_t offset, uint64_t length, gly_budget *budget) {
    gly_error err;
    const gly_format *format = gly_format_find(GLY_STR("parquet"));
    uint32_t fields[GLY_CELL_COLUMNS];
    for (uint32_t i = 0; i < column_count; i++) {
        fields[i] = i;
    }
    gly_scan scan = {.file = &relation->files[file],
                     .split_offset = offset,
                     .split_length = length,
                     .file_schema = relation->schema,
                     .column_count = column_count,
                     .fields = fields,
                     .budget = budget};
    gly_reader *reader = NULL;
    const gly_batch *batch = NULL;
    uint64_t rows = 0;
    bool all_match = true;
    gly_arena *scratch = gly_arena_make();
    GLY_CHECK_OK(format->reader_open(&scan, &reader, &err), &err);
    for (;;) {
        GLY_CHECK_OK(format->reader_next(reader, &batch, &err), &err);
        if (batch == NULL) {
            break;
        }
        for (uint32_t i = 0; i < batch->selected; i++) {
            uint32_t at = gly_batch_row(batch, i);
            uint64_t row = (uint64_t)gly_column_get(&batch->columns[0], at).i64;
            for (uint32_t c = 0; c < column_count; c++) {
                all_match &= gly_cell_matches(scratch, &batch->columns[c], at, c, row);
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

GLY_TEST(all_cells_in_few_requests) {
    begin();
    uint32_t before = gly_fake_s3_requests(fake, "GET /scan/cells/");
    gly_relation *relation = gly_cell_open(arena, GLY_STR("s3://scan/cells"));
    GLY_CHECK_INT(relation->file_count, FILES);
    GLY_CHECK_INT(relation->row_count, ROWS * FILES);
    uint32_t planned = gly_fake_s3_requests(fake, "GET /scan/cells/") - before;
    GLY_CHECK(planned >= FILES &&
              planned <= FILES + 4 * GLY_CELL_COLUMNS); /* footers, dictionaries */
    before += planned;
    gly_budget budget;
    gly_budget_init(&budget, NULL, (size_t)64 << 20);
    GLY_CHECK_INT(check_file(relation, 1, GLY_CELL_COLUMNS, 0, UINT64_MAX, &budget), ROWS);
    GLY_CHECK_INT(gly_budget_used(&budget), 0);
    uint32_t used = gly_fake_s3_requests(fake, "GET /scan/cells/") - before;
    GLY_CHECK(used <= 1 + 2 * 7); /* the footer, and a request or two a row group */
    GLY_CHECK_INT(check_file(relation, 2, 3, 0, UINT64_MAX, NULL), ROWS);
    gly_budget_init(&budget, NULL, 1000); /* nothing is read ahead, nothing is refused */
    GLY_CHECK_INT(check_file(relation, 3, GLY_CELL_COLUMNS, 0, UINT64_MAX, &budget), ROWS);
    GLY_CHECK_INT(gly_budget_used(&budget), 0);
    end();
}

GLY_TEST(splits_read_every_row_once) {
    begin();
    gly_error err;
    gly_relation *relation = gly_cell_open(arena, GLY_STR("s3a://scan/cells"));
    gly_source_splits splits;
    uint32_t before = gly_fake_s3_requests(fake, "");
    GLY_CHECK_OK(gly_source_plan_splits(arena, relation, 400000, 1000, 1, &splits, &err), &err);
    GLY_CHECK_INT(gly_fake_s3_requests(fake, "") - before, 0); /* the footers were read before */
    GLY_CHECK(splits.split_count > FILES);
    uint64_t rows = 0;
    for (uint32_t i = 0; i < splits.split_count; i++) {
        const gly_split *split = &splits.splits[i];
        rows += check_file(relation, split->file, 4, split->offset, split->length, NULL);
    }
    GLY_CHECK_INT(rows, ROWS * FILES);
    end();
}

GLY_TEST(failures_name_the_file) {
    begin();
    gly_error err;
    gly_relation *relation = NULL;
    gly_str path = GLY_STR("s3://scan/cells");
    gly_fake_s3_fail(fake, "GET /scan/cells/part-4", 1, GLY_FAKE_STATUS, 403, "AccessDenied");
    GLY_CHECK_INT(
        gly_source_open(arena, GLY_STR("parquet"), path, 1, &path, 0, NULL, &relation, &err),
        GLY_E_IO);
    GLY_CHECK(strstr(err.message, "part-4.parquet") != NULL);
    gly_fake_s3_fail(fake, "GET /scan/cells/part-2", 1, GLY_FAKE_CUT, 0, NULL);
    gly_fake_s3_fail(fake, "GET /scan/cells/part-3", 2, GLY_FAKE_STATUS, 503, "SlowDown");
    GLY_CHECK_OK(
        gly_source_open(arena, GLY_STR("parquet"), path, 1, &path, 0, NULL, &relation, &err), &err);
    end();
}

GLY_TEST(text_is_read_ahead_too) {
    begin();
    gly_error err;
    gly_builder text = {0};
    for (int i = 0; i < 2000000; i++) {
        gly_builder_format(&text, "%d,line\n", i);
    }
    gly_fake_s3_put(fake, "text/t/a.csv", text.data, text.size);
    gly_str path = GLY_STR("s3://text/t");
    gly_option schema = {GLY_STR("schema"), GLY_STR("i bigint, t string")};
    gly_relation *relation = NULL;
    GLY_CHECK_OK(
        gly_source_open(arena, GLY_STR("csv"), path, 1, &path, 1, &schema, &relation, &err), &err);
    const gly_format *format = gly_format_find(GLY_STR("csv"));
    int64_t sum = 0;
    uint64_t half = text.size / 2 + 3;
    uint32_t before = gly_fake_s3_requests(fake, "GET /text/t/a.csv");
    for (int part = 0; part < 2; part++) {
        uint32_t fields[] = {0};
        gly_scan scan = {.file = &relation->files[0],
                         .split_offset = part * half,
                         .split_length = half,
                         .option_count = 1,
                         .options = &schema,
                         .file_schema = relation->schema,
                         .column_count = 1,
                         .fields = fields};
        gly_reader *reader = NULL;
        const gly_batch *batch = NULL;
        GLY_CHECK_OK(format->reader_open(&scan, &reader, &err), &err);
        for (;;) {
            GLY_CHECK_OK(format->reader_next(reader, &batch, &err), &err);
            if (batch == NULL) {
                break;
            }
            for (uint32_t i = 0; i < batch->selected; i++) {
                sum += gly_column_get(&batch->columns[0], gly_batch_row(batch, i)).i64;
            }
        }
        format->reader_close(reader);
    }
    GLY_CHECK_INT(sum, INT64_C(1999999000000));
    uint32_t used = gly_fake_s3_requests(fake, "GET /text/t/a.csv") - before;
    GLY_CHECK(used <= 2 * (1 + 1 + half / (8 << 20) + 1));
    gly_builder_clear(&text);
    end();
}

GLY_SUITE("s3_scan", all_cells_in_few_requests, splits_read_every_row_once, failures_name_the_file,
          text_is_read_ahead_too)
