/* parquet_copy.c - galley-parquet-copy: reads Parquet, writes it again with our writer.
 *
 *   galley-parquet-copy FROM TO [OPTION=VALUE]...
 *
 * Options are the writer's: compression=zstd row_group_rows=1000.
 */
#include "lib/io/format.h"
#include "lib/io/source/source.h"

#include <inttypes.h>
#include <stdio.h>

static gly_status copy_file(const gly_relation *relation, uint32_t file, const uint32_t *fields,
                            gly_budget *budget, gly_writer *writer, gly_error *err) {
    const gly_format *format = gly_format_find(relation->format);
    gly_scan scan = {.file = &relation->files[file],
                     .split_length = UINT64_MAX,
                     .file_schema = relation->schema,
                     .partition_column_count = relation->partition_column_count,
                     .column_count = relation->schema->field_count,
                     .fields = fields,
                     .budget = budget};
    gly_reader *reader;
    GLY_TRY(format->reader_open(&scan, &reader, err));
    const gly_batch *batch = NULL;
    gly_status status;
    while ((status = format->reader_next(reader, &batch, err)) == GLY_OK && batch != NULL) {
        status = format->writer_write(writer, batch, err);
        if (status != GLY_OK) {
            break;
        }
    }
    format->reader_close(reader);
    return status;
}

static gly_status run(gly_arena *arena, int argc, char **argv, gly_error *err) {
    gly_str path = gly_str_of(argv[1]);
    gly_relation *relation;
    gly_budget budget;
    gly_budget_init(&budget, NULL, SIZE_MAX);
    GLY_TRY(gly_source_open(arena, GLY_STR("parquet"), path, 1, &path, 0, NULL, &relation, err));
    const gly_format *format = gly_format_find(relation->format);
    gly_writer_options options = {.budget = &budget};
    gly_option *list = GLY_ARENA_ARRAY(arena, gly_option, (size_t)argc);
    for (int i = 3; i < argc; i++) {
        size_t size = strcspn(argv[i], "=");
        bool has_value = argv[i][size] == '=';
        list[options.option_count++] =
            (gly_option){{argv[i], size}, gly_str_of(has_value ? argv[i] + size + 1 : "true")};
    }
    options.options = list;
    uint32_t *fields = GLY_ARENA_ARRAY(arena, uint32_t, relation->schema->field_count);
    for (uint32_t i = 0; i < relation->schema->field_count; i++) {
        fields[i] = i;
    }
    gly_writer *writer;
    GLY_TRY(format->writer_open(gly_str_of(argv[2]), relation->schema, &options, &writer, err));
    for (uint32_t i = 0; i < relation->file_count; i++) {
        gly_status status = copy_file(relation, i, fields, &budget, writer, err);
        if (status != GLY_OK) {
            format->writer_abort(writer);
            return status;
        }
    }
    uint64_t rows = 0;
    uint64_t bytes = 0;
    GLY_TRY(format->writer_finish(writer, &rows, &bytes, err));
    printf("%" PRIu64 " rows, %" PRIu64 " bytes\n", rows, bytes);
    return GLY_OK;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: galley-parquet-copy FROM TO [OPTION=VALUE]...\n");
        return 2;
    }
    gly_error err;
    gly_arena *arena = gly_arena_make();
    gly_status status = run(arena, argc, argv, &err);
    if (status != GLY_OK) {
        fprintf(stderr, "galley-parquet-copy: %s\n", err.message);
    }
    gly_arena_free(arena);
    return status == GLY_OK ? 0 : 1;
}
