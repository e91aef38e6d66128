/* test_op_scan.c - rows written to files by tasks and scanned again: filters, splits, widths,
 * metrics. */
#include "lib/base/alloc.h"
#include "lib/engine/pipeline/shared_cache.h"
#include "lib/engine/task.h"
#include "lib/io/format.h"
#include "lib/shuffle/shuffle_block.h"
#include "tests/support/check.h"

#include <dirent.h>
#include <unistd.h>

enum { ROWS = 300000 };

typedef struct fixture {
    gly_arena *arena;
    char directory[64];
    gly_budget memory;
    gly_task_environment environment;
    uint32_t width;
    uint64_t tasks;
} fixture;

static void open_fixture(fixture *f) {
    memset(f, 0, sizeof *f);
    f->arena = gly_arena_make();
    snprintf(f->directory, sizeof f->directory, "/tmp/gly-scan-XXXXXX");
    GLY_CHECK(mkdtemp(f->directory) != NULL);
    gly_budget_init(&f->memory, NULL, (size_t)512 << 20);
    f->environment = (gly_task_environment){.memory = &f->memory,
                                            .local_dir = f->directory,
                                            .slot_count = 1,
                                            .max_direct_result_bytes = SIZE_MAX};
    f->width = 1;
}

static void close_fixture(fixture *f) {
    const gly_filesystem *filesystem;
    gly_error err;
    GLY_CHECK_OK(gly_filesystem_find(gly_str_of(f->directory), &filesystem, &err), &err);
    GLY_CHECK_OK(filesystem->remove_all(gly_str_of(f->directory), &err), &err);
    GLY_CHECK_INT(gly_budget_used(&f->memory), 0);
    gly_arena_free(f->arena);
}

static gly_status run(fixture *f, const gly_physical *plan, uint32_t partition,
                      gly_task_result *ret, gly_error *err) {
    gly_task_spec spec = {.query_id = 0xfeed,
                          .partition = partition,
                          .task_id = ++f->tasks,
                          .width = f->width,
                          .plan = plan};
    return gly_task_run(f->arena, &f->environment, &spec, ret, err);
}

static gly_physical *node(fixture *f, gly_physical_kind kind, gly_physical *child) {
    gly_physical *plan = gly_physical_make(f->arena, kind, child != NULL);
    plan->schema.field_count = 2;
    plan->schema.fields = GLY_ARENA_ARRAY(f->arena, gly_field, 2);
    plan->schema.fields[0] = (gly_field){GLY_STR("id"), GLY_TYPE_OF(BIGINT), false};
    plan->schema.fields[1] = (gly_field){GLY_STR("half"), GLY_TYPE_OF(BIGINT), true};
    plan->partition_count = child != NULL ? child->partition_count : 1;
    if (child != NULL) {
        plan->children[0] = child;
    }
    return plan;
}

static gly_expr *call(fixture *f, gly_function_id id, gly_type type, int64_t number) {
    gly_expr **args = GLY_ARENA_ARRAY(f->arena, gly_expr *, 2);
    args[0] = gly_expr_column(f->arena, 0, GLY_TYPE_OF(BIGINT), false, GLY_STR("id"));
    args[1] = gly_expr_literal(f->arena, gly_value_i64(GLY_TYPE_OF(BIGINT), number));
    return gly_expr_call(f->arena, id, type, true, 2, args);
}

/* (id, id * 2) for id from 0 to rows - 1, into <directory>/job-17. */
static gly_physical *writer(fixture *f, int64_t rows, uint32_t partitions, const char *format) {
    gly_physical *range = node(f, GLY_PHYSICAL_RANGE, NULL);
    range->schema.field_count = 1;
    range->partition_count = partitions;
    range->range.end = rows;
    range->range.step = 1;
    gly_physical *project = node(f, GLY_PHYSICAL_PROJECT, range);
    project->project.exprs = GLY_ARENA_ARRAY(f->arena, gly_expr *, 2);
    project->project.exprs[0] =
        gly_expr_column(f->arena, 0, GLY_TYPE_OF(BIGINT), false, GLY_STR("id"));
    project->project.exprs[1] = call(f, GLY_FN_MULTIPLY, GLY_TYPE_OF(BIGINT), 2);
    gly_physical *write = node(f, GLY_PHYSICAL_FILE_WRITE, project);
    write->file_write.format = gly_str_of(format);
    write->file_write.path = gly_str_of(gly_arena_format(f->arena, "%s/job-17", f->directory));
    return write;
}

/* A scan of files in `partitions` partitions, each file in two splits. */
static gly_physical *scanner(fixture *f, uint32_t file_count, const gly_written_file *files,
                             int64_t less_than) {
    gly_physical *scan = node(f, GLY_PHYSICAL_SCAN, NULL);
    scan->scan.format = GLY_STR("parquet");
    scan->scan.file_count = file_count;
    scan->scan.files = GLY_ARENA_ARRAY(f->arena, gly_relation_file, file_count + 1);
    scan->scan.splits = GLY_ARENA_ARRAY(f->arena, gly_split, 2 * file_count + 1);
    scan->scan.first_split = GLY_ARENA_ARRAY(f->arena, uint32_t, 2 * file_count + 2);
    scan->scan.file_schema = gly_schema_copy(f->arena, &scan->schema);
    scan->scan.fields = GLY_ARENA_ARRAY(f->arena, uint32_t, 2);
    scan->scan.fields[1] = 1;
    scan->scan.split_count = scan->partition_count = 2 * file_count;
    for (uint32_t i = 0; i < file_count; i++) {
        scan->scan.files[i] =
            (gly_relation_file){.path = files[i].path, .size_bytes = files[i].bytes};
        uint64_t middle = files[i].bytes / 3;
        scan->scan.splits[2 * i] = (gly_split){i, 0, middle};
        scan->scan.splits[2 * i + 1] = (gly_split){i, middle, files[i].bytes - middle};
        scan->scan.first_split[2 * i + 1] = 2 * i + 1;
        scan->scan.first_split[2 * i + 2] = 2 * i + 2;
    }
    if (less_than > 0) {
        scan->scan.filter_count = 1;
        scan->scan.filters = GLY_ARENA_ARRAY(f->arena, gly_expr *, 1);
        scan->scan.filters[0] = call(f, GLY_FN_LESS, GLY_TYPE_OF(BOOLEAN), less_than);
    }
    return node(f, GLY_PHYSICAL_RESULT, scan);
}

typedef struct sums {
    uint64_t rows;
    int64_t id, twice;
    gly_task_metrics metrics;
} sums;

static sums scan_all(fixture *f, const gly_physical *plan) {
    sums all = {0};
    gly_type types[2] = {{.id = GLY_TYPE_BIGINT}, {.id = GLY_TYPE_BIGINT}};
    gly_shuffle_block_reader *reader = gly_shuffle_block_reader_make(types, 2);
    for (uint32_t p = 0; p < plan->partition_count; p++) {
        gly_task_result done;
        gly_error err;
        GLY_CHECK_OK(run(f, plan, p, &done, &err), &err);
        all.metrics.input_rows += done.metrics.input_rows;
        all.metrics.input_bytes += done.metrics.input_bytes;
        all.metrics.row_groups_read += done.metrics.row_groups_read;
        all.metrics.row_groups_skipped += done.metrics.row_groups_skipped;
        gly_shuffle_block_reader_set(reader, done.result);
        for (const gly_batch *batch;;) {
            GLY_CHECK_OK(gly_shuffle_block_reader_next(reader, &batch, &err), &err);
            if (batch == NULL) {
                break;
            }
            for (uint32_t i = 0; i < batch->count; i++) {
                all.id += gly_column_get(&batch->columns[0], i).i64;
                all.twice += gly_column_get(&batch->columns[1], i).i64;
            }
            all.rows += batch->count;
        }
    }
    gly_shuffle_block_reader_free(reader);
    return all;
}

GLY_TEST(what_tasks_write_is_scanned) {
    for (uint32_t width = 1; width <= 3; width++) {
        fixture f;
        open_fixture(&f);
        f.width = width;
        gly_physical *write = writer(&f, ROWS, 2, "parquet");
        gly_written_file files[16];
        uint32_t file_count = 0;
        uint64_t rows = 0;
        for (uint32_t p = 0; p < 2; p++) {
            gly_task_result done;
            gly_error err;
            GLY_CHECK_OK(run(&f, write, p, &done, &err), &err);
            GLY_CHECK(done.file_count >= 1 && done.file_count <= width);
            for (uint32_t i = 0; i < done.file_count; i++) {
                GLY_CHECK(strstr(gly_arena_format(f.arena, "%.*s", GLY_STR_ARG(done.files[i].path)),
                                 p == 0 ? "/part-00000-job-17" : "/part-00001-job-17") != NULL);
                rows += done.files[i].rows;
                files[file_count++] = done.files[i];
            }
            GLY_CHECK_INT(done.metrics.output_rows, ROWS / 2);
        }
        GLY_CHECK_INT(rows, ROWS);
        sums all = scan_all(&f, scanner(&f, file_count, files, 0));
        GLY_CHECK_INT(all.rows, ROWS);
        GLY_CHECK_INT(all.id, (int64_t)ROWS * (ROWS - 1) / 2);
        GLY_CHECK_INT(all.twice, (int64_t)ROWS * (ROWS - 1));
        GLY_CHECK(all.metrics.input_bytes > 0 && all.metrics.input_rows >= ROWS);
        sums some = scan_all(&f, scanner(&f, file_count, files, 1000));
        GLY_CHECK_INT(some.rows, 1000);
        GLY_CHECK_INT(some.twice, 1000 * 999);
        GLY_CHECK(some.metrics.row_groups_skipped > 0);
        close_fixture(&f);
    }
}

GLY_TEST(only_partition_0_writes_an_empty_file) {
    fixture f;
    open_fixture(&f);
    gly_physical *write = writer(&f, 0, 2, "parquet");
    gly_task_result done;
    gly_error err;
    GLY_CHECK_OK(run(&f, write, 0, &done, &err), &err);
    GLY_CHECK_INT(done.file_count, 1);
    GLY_CHECK_INT(done.files[0].rows, 0);
    sums all = scan_all(&f, scanner(&f, 1, done.files, 0));
    GLY_CHECK_INT(all.rows, 0);
    GLY_CHECK_OK(run(&f, write, 1, &done, &err), &err);
    GLY_CHECK_INT(done.file_count, 0);
    close_fixture(&f);
}

static uint32_t count_entries(const char *path) {
    uint32_t count = 0;
    DIR *directory = opendir(path);
    for (struct dirent *item; directory != NULL && (item = readdir(directory)) != NULL;) {
        count += item->d_name[0] != '.';
    }
    if (directory != NULL) {
        closedir(directory);
    }
    return count;
}

GLY_TEST(a_failed_write_leaves_nothing) {
    for (uint32_t width = 1; width <= 2; width++) {
        fixture f;
        open_fixture(&f);
        f.width = width;
        gly_physical *write = writer(&f, INT64_MAX / 2 + 200000, 1, "parquet");
        write->children[0]->children[0]->range.start = INT64_MAX / 2 - 200000; /* overflows */
        gly_task_result done;
        gly_error err;
        GLY_CHECK_INT(run(&f, write, 0, &done, &err), GLY_E_OVERFLOW);
        GLY_CHECK_INT(count_entries(write->file_write.path.data), 0);
        close_fixture(&f);
    }
}

GLY_TEST(missing_things_are_named) {
    fixture f;
    open_fixture(&f);
    gly_task_result done;
    gly_error err;
    GLY_CHECK_INT(run(&f, writer(&f, 1, 1, "punch cards"), 0, &done, &err), GLY_E_FILE_FORMAT);
    GLY_CHECK(strstr(err.message, "punch cards") != NULL && strstr(err.message, "parquet") != NULL);
    gly_written_file gone = {.path = GLY_STR("/nonexistent/a.parquet"), .rows = 10, .bytes = 1000};
    GLY_CHECK_INT(run(&f, scanner(&f, 1, &gone, 0), 0, &done, &err), GLY_E_PATH_NOT_FOUND);
    GLY_CHECK(strstr(err.message, "/nonexistent/a.parquet") != NULL);
    close_fixture(&f);
}

GLY_SUITE("scan and file write", what_tasks_write_is_scanned, only_partition_0_writes_an_empty_file,
          a_failed_write_leaves_nothing, missing_things_are_named)
