/* task_fixture.h - a process to run tasks in, hand-made plans of BIGINT columns, and their results.
 *
 * For tests of whole tasks: included by the test program, everything is static.
 */
#ifndef GLY_TASK_FIXTURE_H
#define GLY_TASK_FIXTURE_H

#include "lib/base/alloc.h"
#include "lib/base/hash.h"
#include "lib/engine/pipeline/shared_cache.h"
#include "lib/engine/task.h"
#include "lib/shuffle/shuffle_block.h"
#include "lib/shuffle/shuffle_files.h"
#include "tests/support/check.h"

#include <dirent.h>
#include <unistd.h>

#pragma GCC diagnostic ignored "-Wunused-function"

/* ------------------------------------------------------------------ the process */

typedef struct fixture {
    gly_arena *arena;
    char directory[64];
    gly_budget memory;
    gly_task_environment environment;
    uint64_t next_task;
    uint32_t width;
    uint64_t task_memory;
    gly_task_metrics last; /* metrics of the last task */
} fixture;

static void open_fixture(fixture *f) {
    memset(f, 0, sizeof *f);
    f->arena = gly_arena_make();
    snprintf(f->directory, sizeof f->directory, "/tmp/gly-task-XXXXXX");
    GLY_CHECK(mkdtemp(f->directory) != NULL);
    gly_budget_init(&f->memory, NULL, (size_t)256 << 20);
    f->environment = (gly_task_environment){
        .memory = &f->memory,
        .local_dir = f->directory,
        .executor_id = GLY_STR("1"),
        .host_id = GLY_STR("host"),
        .endpoint = GLY_STR("127.0.0.1:1"),
        .shuffle_codec = GLY_CODEC_LZ4,
        .slot_count = 2,
        .max_direct_result_bytes = 1 << 20,
    };
    f->environment.shared = gly_shared_cache_make(&f->memory, f->directory);
    f->width = 1;
}

static uint32_t count_files(const fixture *f) {
    uint32_t count = 0;
    DIR *directory = opendir(f->directory);
    for (struct dirent *item; (item = readdir(directory)) != NULL;) {
        count += item->d_name[0] != '.';
    }
    closedir(directory);
    return count;
}

static void close_fixture(fixture *f) {
    gly_shuffle_files_remove(gly_shared_cache_files(f->environment.shared), f->directory, 1,
                             UINT32_MAX);
    GLY_CHECK_INT(count_files(f), 0);
    GLY_CHECK(rmdir(f->directory) == 0);
    gly_shared_cache_free(f->environment.shared);
    GLY_CHECK_INT(gly_budget_used(&f->memory), 0);
    gly_arena_free(f->arena);
}

static gly_status try_task(fixture *f, const gly_physical *plan, uint32_t partition,
                           uint32_t shuffle_id, uint32_t input_count, const gly_task_input *inputs,
                           const atomic_bool *cancelled, gly_task_result *ret, gly_error *err) {
    gly_task_spec spec = {.query_id = 1,
                          .stage_id = plan->id,
                          .partition = partition,
                          .task_id = ++f->next_task,
                          .width = f->width,
                          .plan = plan,
                          .shuffle_id = shuffle_id,
                          .input_count = input_count,
                          .inputs = inputs,
                          .memory_limit_bytes = f->task_memory,
                          .cancelled = cancelled};
    gly_status status = gly_task_run(f->arena, &f->environment, &spec, ret, err);
    f->last = ret->metrics;
    return status;
}

/* ------------------------------------------------------------------ plans */

enum { BIG = GLY_TYPE_BIGINT };

static gly_physical *node(fixture *f, gly_physical_kind kind, uint32_t fields, uint32_t partitions,
                          gly_physical *child) {
    static uint32_t ids = 0;
    gly_physical *plan = gly_physical_make(f->arena, kind, child != NULL);
    plan->id = ++ids;
    plan->partition_count = partitions;
    plan->schema.field_count = fields;
    plan->schema.fields = GLY_ARENA_ARRAY(f->arena, gly_field, fields + 1);
    for (uint32_t i = 0; i < fields; i++) {
        plan->schema.fields[i] = (gly_field){GLY_STR("c"), {.id = BIG}, true};
    }
    if (child != NULL) {
        plan->children[0] = child;
    }
    return plan;
}

static gly_expr *column(fixture *f, uint32_t index) {
    return gly_expr_column(f->arena, index, GLY_TYPE_OF(BIGINT), true, GLY_STR("c"));
}

static gly_expr *number(fixture *f, int64_t value) {
    return gly_expr_literal(f->arena, gly_value_i64(GLY_TYPE_OF(BIGINT), value));
}

static gly_expr *call(fixture *f, gly_function_id id, gly_type type, gly_expr *a, gly_expr *b) {
    gly_expr **args = GLY_ARENA_ARRAY(f->arena, gly_expr *, 2);
    args[0] = a;
    args[1] = b;
    return gly_expr_call(f->arena, id, type, true, 2, args);
}

static gly_physical *range(fixture *f, int64_t start, int64_t end, int64_t step,
                           uint32_t partitions) {
    gly_physical *plan = node(f, GLY_PHYSICAL_RANGE, 1, partitions, NULL);
    plan->range.start = start;
    plan->range.end = end;
    plan->range.step = step;
    return plan;
}

/* column 0 < value */
static gly_physical *filter_less(fixture *f, gly_physical *child, int64_t value) {
    gly_physical *plan =
        node(f, GLY_PHYSICAL_FILTER, child->schema.field_count, child->partition_count, child);
    plan->filter.condition =
        call(f, GLY_FN_LESS, GLY_TYPE_OF(BOOLEAN), column(f, 0), number(f, value));
    return plan;
}

/* (c0, c0 * 10) */
static gly_physical *project_times_ten(fixture *f, gly_physical *child) {
    gly_physical *plan = node(f, GLY_PHYSICAL_PROJECT, 2, child->partition_count, child);
    plan->project.exprs = GLY_ARENA_ARRAY(f->arena, gly_expr *, 2);
    plan->project.exprs[0] = column(f, 0);
    plan->project.exprs[1] =
        call(f, GLY_FN_MULTIPLY, GLY_TYPE_OF(BIGINT), column(f, 0), number(f, 10));
    return plan;
}

static gly_physical *limit(fixture *f, gly_physical *child, uint64_t rows, uint64_t offset) {
    gly_physical *plan =
        node(f, GLY_PHYSICAL_LIMIT, child->schema.field_count, child->partition_count, child);
    plan->limit.limit = rows;
    plan->limit.offset = offset;
    return plan;
}

static gly_physical *result(fixture *f, gly_physical *child) {
    return node(f, GLY_PHYSICAL_RESULT, child->schema.field_count, child->partition_count, child);
}

static gly_physical *shuffle_write(fixture *f, gly_physical *child, gly_partitioning_kind kind,
                                   uint32_t partitions) {
    gly_physical *plan =
        node(f, GLY_PHYSICAL_SHUFFLE_WRITE, child->schema.field_count, partitions, child);
    gly_partitioning *partitioning = &plan->exchange.partitioning;
    partitioning->kind = (uint8_t)kind;
    partitioning->partition_count = partitions;
    partitioning->expr_count = kind == GLY_PARTITIONING_HASH;
    partitioning->exprs = GLY_ARENA_ARRAY(f->arena, gly_expr *, 1);
    partitioning->exprs[0] = column(f, 0);
    return plan;
}

static gly_physical *shuffle_read(fixture *f, uint32_t fields, uint32_t partitions,
                                  bool is_broadcast) {
    gly_physical *plan = node(f, GLY_PHYSICAL_SHUFFLE_READ, fields, partitions, NULL);
    plan->shuffle_read.shuffle_id = 7;
    plan->shuffle_read.is_broadcast = is_broadcast;
    return plan;
}

/* Runs all maps of a stage. */
static gly_task_input run_maps(fixture *f, const gly_physical *plan, uint32_t maps) {
    gly_map_status *statuses = GLY_ARENA_ARRAY(f->arena, gly_map_status, maps);
    for (uint32_t m = 0; m < maps; m++) {
        gly_task_result done;
        gly_error err;
        GLY_CHECK_OK(try_task(f, plan, m, 7, 0, NULL, NULL, &done, &err), &err);
        GLY_CHECK(done.has_map_status);
        statuses[m] = done.map_status;
    }
    return (gly_task_input){7, maps, statuses};
}

/* ------------------------------------------------------------------ results */

typedef struct rows {
    uint64_t count;
    int64_t sum[4];    /* per column */
    uint64_t hash;     /* of the rows, whatever their order */
    int64_t first[64]; /* column 0 of the first rows */
} rows;

static void add_blocks(rows *sums, gly_str bytes, uint32_t columns) {
    gly_type types[4] = {{.id = BIG}, {.id = BIG}, {.id = BIG}, {.id = BIG}};
    gly_shuffle_block_reader *reader = gly_shuffle_block_reader_make(types, columns);
    gly_shuffle_block_reader_set(reader, bytes);
    const gly_batch *batch;
    gly_error err;
    for (;;) {
        GLY_CHECK_OK(gly_shuffle_block_reader_next(reader, &batch, &err), &err);
        if (batch == NULL) {
            break;
        }
        for (uint32_t i = 0; i < batch->count; i++) {
            uint64_t hash = 1;
            for (uint32_t c = 0; c < columns; c++) {
                int64_t value = gly_column_get(&batch->columns[c], i).i64;
                sums->sum[c] = (int64_t)((uint64_t)sums->sum[c] + (uint64_t)value);
                hash = gly_hash_u64(hash + (uint64_t)value);
                if (c == 0 && sums->count < GLY_ARRAY_LEN(sums->first)) {
                    sums->first[sums->count] = value;
                }
            }
            sums->hash += hash;
            sums->count++;
        }
    }
    gly_shuffle_block_reader_free(reader);
}

static void add_result(fixture *f, rows *sums, const gly_task_result *done, uint32_t columns) {
    uint64_t before = sums->count;
    if (done->result_path.size == 0) {
        GLY_CHECK_INT(done->result.size, done->result_bytes);
        add_blocks(sums, done->result, columns);
    } else {
        char *bytes = gly_alloc(done->result_bytes);
        gly_error err;
        GLY_CHECK_OK(gly_shuffle_files_read_at(gly_shared_cache_files(f->environment.shared),
                                               done->result_path, 0, done->result_bytes, bytes,
                                               &err),
                     &err);
        add_blocks(sums, (gly_str){bytes, done->result_bytes}, columns);
        free(bytes);
    }
    GLY_CHECK_INT(sums->count - before, done->result_rows);
}

/* Runs all partitions of a stage that ends with a result. */
static rows run_result(fixture *f, const gly_physical *plan, uint32_t input_count,
                       const gly_task_input *inputs) {
    rows sums = {0};
    for (uint32_t p = 0; p < plan->partition_count; p++) {
        gly_task_result done;
        gly_error err;
        GLY_CHECK_OK(try_task(f, plan, p, 0, input_count, inputs, NULL, &done, &err), &err);
        add_result(f, &sums, &done, plan->schema.field_count);
    }
    return sums;
}

#endif
