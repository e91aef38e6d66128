/* parquet_dump.c - galley-parquet-dump: the rows of a Parquet file or directory as JSON arrays.
 *
 *   galley-parquet-dump PATH [--schema] [COLUMN]...
 *
 * One line per row.  DATE is days, timestamps are microseconds, DECIMAL is text, BINARY is text of
 * hexadecimal digits, NaN and infinities are text: exact, for tools that compare.
 */
#include "lib/data/decimal.h"
#include "lib/io/format.h"
#include "lib/io/source/source.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static void print_text(gly_str text) {
    putchar('"');
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c == '"' || c == '\\') {
            printf("\\%c", c);
        } else if (c < 0x20) {
            printf("\\u%04x", c);
        } else {
            putchar(c);
        }
    }
    putchar('"');
}

static void print_hex(gly_str text) {
    putchar('"');
    for (size_t i = 0; i < text.size; i++) {
        printf("%02x", (unsigned char)text.data[i]);
    }
    putchar('"');
}

static void print_value(const gly_value *value) {
    if (value->is_null) {
        fputs("null", stdout);
        return;
    }
    char buffer[48];
    switch (value->type.id) {
    case GLY_TYPE_BOOLEAN:
        fputs(value->i64 != 0 ? "true" : "false", stdout);
        break;
    case GLY_TYPE_FLOAT:
    case GLY_TYPE_DOUBLE:
        if (isnan(value->f64)) {
            fputs("\"NaN\"", stdout);
        } else if (isinf(value->f64)) {
            fputs(value->f64 > 0 ? "\"Infinity\"" : "\"-Infinity\"", stdout);
        } else {
            printf("%.17g", value->f64);
        }
        break;
    case GLY_TYPE_DECIMAL:
        print_text((gly_str){
            buffer, gly_decimal_format(gly_value_unscaled(value), value->type.scale, buffer)});
        break;
    case GLY_TYPE_STRING:
        print_text(value->text);
        break;
    case GLY_TYPE_BINARY:
        print_hex(value->text);
        break;
    default:
        printf("%" PRId64, value->i64);
    }
}

static void print_batch(const gly_batch *batch) {
    for (uint32_t live = 0; live < batch->selected; live++) {
        uint32_t row = gly_batch_row(batch, live);
        putchar('[');
        for (uint32_t c = 0; c < batch->column_count; c++) {
            gly_value value = gly_column_get(&batch->columns[c], row);
            fputs(c == 0 ? "" : ",", stdout);
            print_value(&value);
        }
        fputs("]\n", stdout);
    }
}

static gly_status dump(const gly_relation *relation, uint32_t count, const uint32_t *fields,
                       gly_error *err) {
    const gly_format *format = gly_format_find(relation->format);
    gly_budget budget;
    gly_budget_init(&budget, NULL, SIZE_MAX);
    for (uint32_t f = 0; f < relation->file_count; f++) {
        gly_scan scan = {.file = &relation->files[f],
                         .split_length = UINT64_MAX,
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
            print_batch(batch);
        }
        format->reader_close(reader);
        GLY_TRY(status);
    }
    return GLY_OK;
}

static void print_schema(const gly_relation *relation) {
    printf("rows: %" PRIu64 "\n", relation->row_count);
    for (uint32_t i = 0; i < relation->schema->field_count; i++) {
        const gly_field *field = &relation->schema->fields[i];
        char type[GLY_TYPE_TEXT_SIZE];
        gly_builder text = {0};
        if (relation->statistics != NULL && relation->statistics[i].has_bounds) {
            gly_builder_add_text(&text, " from ");
            gly_value_format_sql(&relation->statistics[i].min, &text);
            gly_builder_add_text(&text, " to ");
            gly_value_format_sql(&relation->statistics[i].max, &text);
        }
        if (relation->statistics != NULL && relation->statistics[i].null_count != UINT64_MAX) {
            gly_builder_format(&text, ", %" PRIu64 " nulls", relation->statistics[i].null_count);
        }
        if (relation->statistics != NULL && relation->statistics[i].distinct_count > 0) {
            gly_builder_format(&text, ", about %" PRIu64 " distinct",
                               relation->statistics[i].distinct_count);
        }
        printf("%.*s: %s%s%s\n", GLY_STR_ARG(field->name),
               gly_type_format(field->type, type, sizeof type), field->nullable ? "" : " not null",
               text.data == NULL ? "" : text.data);
        gly_builder_clear(&text);
    }
}

static gly_status run(gly_arena *arena, int argc, char **argv, gly_error *err) {
    gly_str path = gly_str_of(argv[1]);
    gly_relation *relation;
    GLY_TRY(gly_source_open(arena, GLY_STR("parquet"), path, 1, &path, 0, NULL, &relation, err));
    uint32_t *fields =
        GLY_ARENA_ARRAY(arena, uint32_t, relation->schema->field_count + (uint32_t)argc);
    uint32_t count = 0;
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--schema") == 0) {
            print_schema(relation);
            return GLY_OK;
        }
        fields[count] = gly_schema_find(relation->schema, gly_str_of(argv[i]));
        if (fields[count++] == relation->schema->field_count) {
            return gly_fail(err, GLY_E_COLUMN_NOT_FOUND, "there is no column %s", argv[i]);
        }
    }
    for (uint32_t i = 0; argc == 2 && i < relation->schema->field_count; i++) {
        fields[count++] = i;
    }
    return dump(relation, count, fields, err);
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: galley-parquet-dump PATH [--schema] [COLUMN]...\n");
        return 2;
    }
    gly_error err;
    gly_arena *arena = gly_arena_make();
    gly_status status = run(arena, argc, argv, &err);
    if (status != GLY_OK) {
        fprintf(stderr, "galley-parquet-dump: %s\n", err.message);
    }
    gly_arena_free(arena);
    return status == GLY_OK ? 0 : 1;
}
