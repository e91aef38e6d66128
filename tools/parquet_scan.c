/* parquet_scan.c - galley-parquet-scan: how fast a Parquet file is read, per set of columns.
 *
 *   galley-parquet-scan FILE [--repeat N] [COLUMN[,COLUMN...]]...
 *
 * Without columns: every column alone, then all together.  One thread; the best of N runs.  Values
 * are decoded to vectors and not looked at.
 */
#include "lib/base/clock.h"
#include "lib/io/format.h"
#include "lib/io/source/source.h"

#include <stdio.h>
#include <stdlib.h>

static gly_status scan_once(const gly_relation *relation, uint32_t count, const uint32_t *fields,
                            uint64_t *ret_rows, gly_error *err) {
    const gly_format *format = gly_format_find(relation->format);
    gly_budget budget;
    gly_budget_init(&budget, NULL, SIZE_MAX);
    *ret_rows = 0;
    for (uint32_t f = 0; f < relation->file_count; f++) {
        gly_scan scan = {.file = &relation->files[f],
                         .split_length = UINT64_MAX,
                         .option_count = relation->option_count,
                         .options = relation->options,
                         .file_schema = relation->schema,
                         .partition_column_count = relation->partition_column_count,
                         .column_count = count,
                         .fields = fields,
                         .budget = &budget};
        gly_reader *reader;
        GLY_TRY(format->reader_open(&scan, &reader, err));
        const gly_batch *batch = NULL;
        gly_status status;
        while ((status = format->reader_next(reader, &batch, err)) == GLY_OK && batch != NULL) {
            *ret_rows += batch->selected;
        }
        format->reader_close(reader);
        GLY_TRY(status);
    }
    return GLY_OK;
}

static gly_status measure(const gly_relation *relation, const char *name, uint32_t count,
                          const uint32_t *fields, int repeat, gly_error *err) {
    int64_t best = INT64_MAX;
    uint64_t rows = 0;
    for (int i = 0; i < repeat; i++) {
        int64_t start = gly_clock_cpu_ns();
        GLY_TRY(scan_once(relation, count, fields, &rows, err));
        best = GLY_MIN(best, gly_clock_cpu_ns() - start);
    }
    best = GLY_MAX(best, (int64_t)1);
    printf("%-24.60s %12llu rows %9.2f ms %9.1f M rows/s %8.2f ns/row\n", name,
           (unsigned long long)rows, (double)best / 1e6, (double)rows * 1e3 / (double)best,
           rows == 0 ? 0.0 : (double)best / (double)rows);
    return GLY_OK;
}

static gly_status measure_named(const gly_relation *relation, const char *names, int repeat,
                                gly_error *err) {
    uint32_t fields[256];
    uint32_t count = 0;
    for (const char *at = names; *at != '\0';) {
        size_t size = strcspn(at, ",");
        gly_str name = {at, size};
        uint32_t field = gly_schema_find(relation->schema, name);
        if (field == relation->schema->field_count || count == GLY_ARRAY_LEN(fields)) {
            return gly_fail(err, GLY_E_COLUMN_NOT_FOUND, "there is no column %.*s",
                            GLY_STR_ARG(name));
        }
        fields[count++] = field;
        at += size + (at[size] == ',');
    }
    return measure(relation, names, count, fields, repeat, err);
}

static gly_status run(gly_arena *arena, int argc, char **argv, gly_error *err) {
    gly_str path = gly_str_of(argv[1]);
    gly_relation *relation;
    int repeat = 3;
    bool has_names = false;
    GLY_TRY(gly_source_open(arena, GLY_STR("parquet"), path, 1, &path, 0, NULL, &relation, err));
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--repeat") == 0 && i + 1 < argc) {
            int64_t value = 1;
            (void)gly_str_to_i64(gly_str_of(argv[++i]), &value);
            repeat = (int)GLY_MAX(value, (int64_t)1);
        } else {
            has_names = true;
            GLY_TRY(measure_named(relation, argv[i], repeat, err));
        }
    }
    if (has_names) {
        return GLY_OK;
    }
    uint32_t count = relation->schema->field_count;
    uint32_t *all = GLY_ARENA_ARRAY(arena, uint32_t, count);
    for (uint32_t i = 0; i < count; i++) {
        all[i] = i;
        const char *name = gly_arena_str(arena, relation->schema->fields[i].name).data;
        GLY_TRY(measure(relation, name, 1, &all[i], repeat, err));
    }
    return measure(relation, "all columns", count, all, repeat, err);
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: galley-parquet-scan FILE [--repeat N] [COLUMN[,COLUMN...]]...\n");
        return 2;
    }
    gly_error err;
    gly_arena *arena = gly_arena_make();
    gly_status status = run(arena, argc, argv, &err);
    if (status != GLY_OK) {
        fprintf(stderr, "galley-parquet-scan: %s\n", err.message);
    }
    gly_arena_free(arena);
    return status == GLY_OK ? 0 : 1;
}
