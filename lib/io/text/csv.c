/* csv.c - the CSV format: options, splitting a line, names and types of columns.
 *
 * Without inferSchema every column is a string, as in Spark; with it the first SAMPLE_LINES lines
 * of the first file decide.  Reading rows: csv_reader.c; writing: csv_writer.c.
 */
#include "lib/io/text/csv.h"

#include "lib/base/array.h"
#include "lib/io/text/text_lines.h"

enum { SAMPLE_LINES = 10000, MOST_COLUMNS = 20000 };

static gly_status read_char(uint32_t count, const gly_option *options, const char *key,
                            const char *fallback, char *ret, gly_error *err) {
    gly_str text = gly_text_rows_option(count, options, key, fallback);
    if (gly_str_equal(text, GLY_STR("\\t"))) {
        text = GLY_STR("\t");
    }
    if (text.size > 1) {
        return gly_fail(err, GLY_E_INVALID_ARGUMENT,
                        "The CSV option %s cannot be '%.*s': give one character", key,
                        GLY_STR_ARG(text));
    }
    *ret = text.size == 0 ? '\0' : text.data[0];
    return GLY_OK;
}

gly_status gly_csv_options_read(uint32_t count, const gly_option *options, gly_csv_options *ret,
                                gly_error *err) {
    *ret = (gly_csv_options){0};
    gly_str separator = gly_text_rows_option(count, options, "delimiter", ",");
    char fallback[3] = {0};
    memcpy(fallback, separator.data, GLY_MIN(separator.size, (size_t)2));
    GLY_TRY(read_char(count, options, "sep", fallback, &ret->separator, err));
    GLY_TRY(read_char(count, options, "quote", "\"", &ret->quote, err));
    GLY_TRY(read_char(count, options, "escape", "\\", &ret->escape, err));
    GLY_TRY(read_char(count, options, "comment", "", &ret->comment, err));
    if (ret->separator == '\0') {
        return gly_fail(err, GLY_E_INVALID_ARGUMENT,
                        "The CSV option sep cannot be empty: give one character");
    }
    ret->header = gly_text_rows_flag(count, options, "header", false);
    ret->infer = gly_text_rows_flag(count, options, "inferschema", false);
    ret->null_value = gly_text_rows_option(count, options, "nullvalue", "");
    gly_str mode = gly_text_rows_option(count, options, "mode", "PERMISSIVE");
    if (gly_str_equal_ignore_case(mode, GLY_STR("FAILFAST"))) {
        ret->mode = GLY_CSV_FAIL;
    } else if (gly_str_equal_ignore_case(mode, GLY_STR("DROPMALFORMED"))) {
        ret->mode = GLY_CSV_DROP;
    }
    return GLY_OK;
}

/* A quoted cell that starts behind its quote; returns where it ends (behind the closing quote). */
static size_t take_quoted(gly_arena *arena, const gly_csv_options *options, gly_str line,
                          size_t start, gly_str *ret) {
    char *copy = NULL;
    size_t size = 0;
    size_t i = start;
    for (; i < line.size; i++) {
        char c = line.data[i];
        char next = i + 1 < line.size ? line.data[i + 1] : '\0';
        bool is_escape = c == options->escape && options->escape != '\0' &&
                         (next == options->quote || next == options->escape);
        bool is_double = c == options->quote && next == options->quote;
        if (is_escape || is_double) {
            if (copy == NULL) {
                copy = gly_arena_alloc(arena, line.size - start);
                memcpy(copy, line.data + start, size);
            }
            c = next;
            i++;
        } else if (c == options->quote) {
            break;
        }
        if (copy != NULL) {
            copy[size] = c;
        }
        size++;
    }
    *ret = (gly_str){copy == NULL ? line.data + start : copy, size};
    return GLY_MIN(i + 1, line.size);
}

uint32_t gly_csv_split(gly_arena *arena, const gly_csv_options *options, gly_str line,
                       gly_csv_cell *cells, uint32_t capacity) {
    uint32_t count = 0;
    size_t at = 0;
    for (;;) {
        gly_csv_cell cell = {.text = {line.data + at, 0}};
        if (at < line.size && options->quote != '\0' && line.data[at] == options->quote) {
            cell.is_quoted = true;
            at = take_quoted(arena, options, line, at + 1, &cell.text);
            while (at < line.size && line.data[at] != options->separator) {
                at++; /* what stands between the closing quote and the separator is dropped */
            }
        } else {
            const char *end =
                at == line.size ? NULL : memchr(line.data + at, options->separator, line.size - at);
            cell.text.size = end == NULL ? line.size - at : (size_t)(end - line.data - at);
            at += cell.text.size;
        }
        if (count < capacity) {
            cells[count] = cell;
        }
        count++;
        if (at >= line.size) {
            return count;
        }
        at++; /* the separator; one at the very end opens a last, empty cell */
    }
}

static bool is_record(const gly_csv_options *options, gly_str line) {
    return line.size > 0 && !(options->comment != '\0' && line.data[0] == options->comment);
}

static void name_columns(gly_arena *arena, gly_schema *schema, const gly_csv_cell *cells,
                         uint32_t count, bool is_header) {
    schema->field_count = count;
    schema->fields = GLY_ARENA_ARRAY(arena, gly_field, count);
    for (uint32_t i = 0; i < count; i++) {
        schema->fields[i].name = is_header && cells[i].text.size > 0
                                     ? gly_arena_str(arena, cells[i].text)
                                     : gly_str_of(gly_arena_format(arena, "_c%u", i));
        schema->fields[i].nullable = true;
    }
}

static void widen(gly_schema *schema, const gly_csv_options *options, const gly_csv_cell *cells,
                  uint32_t count) {
    for (uint32_t i = 0; i < GLY_MIN(count, schema->field_count); i++) {
        if (!gly_str_equal(cells[i].text, options->null_value)) {
            gly_type guess = gly_text_rows_guess(cells[i].text);
            schema->fields[i].type = gly_text_rows_merge(schema->fields[i].type, guess);
        }
    }
}

static gly_status sample(gly_arena *arena, const gly_csv_options *options, gly_text_lines *lines,
                         gly_schema *schema, gly_error *err) {
    gly_csv_cell *cells = GLY_ARENA_ARRAY(arena, gly_csv_cell, MOST_COLUMNS);
    gly_arena *scratch = gly_arena_make();
    gly_status status = GLY_OK;
    bool is_named = false;
    for (uint32_t i = 0; i < SAMPLE_LINES && status == GLY_OK && (options->infer || !is_named);) {
        gly_str line;
        status = gly_text_lines_next(lines, &line, NULL, err);
        if (status != GLY_OK || line.data == NULL) {
            break;
        }
        if (!is_record(options, line)) {
            continue;
        }
        gly_arena_reset(scratch);
        uint32_t count = GLY_MIN(gly_csv_split(scratch, options, line, cells, MOST_COLUMNS),
                                 (uint32_t)MOST_COLUMNS);
        bool is_header = !is_named && options->header;
        if (!is_named) {
            name_columns(arena, schema, cells, count, options->header);
            is_named = true;
        }
        if (!is_header && options->infer) {
            widen(schema, options, cells, count);
        }
        i++;
    }
    gly_arena_free(scratch);
    for (uint32_t i = 0; i < schema->field_count; i++) {
        if (schema->fields[i].type.id == GLY_TYPE_NULL) {
            schema->fields[i].type = GLY_TYPE_OF(STRING);
        }
    }
    return status;
}

static gly_status infer(gly_arena *arena, gly_relation *relation, gly_error *err) {
    gly_csv_options options;
    GLY_TRY(gly_csv_options_read(relation->option_count, relation->options, &options, err));
    gly_str text = gly_text_rows_option(relation->option_count, relation->options, "schema", "");
    relation->row_count = UINT64_MAX;
    relation->statistics = NULL;
    if (text.size > 0) {
        return gly_text_rows_parse_schema(arena, text, &relation->schema, err);
    }
    relation->schema = GLY_ARENA_NEW(arena, gly_schema);
    for (uint32_t i = 0; i < relation->file_count && relation->schema->field_count == 0; i++) {
        gly_text_lines *lines;
        GLY_TRY(gly_text_lines_open(relation->files[i].path, 0, GLY_TEXT_LINES_SAMPLE, NULL, &lines,
                                    err));
        gly_status status = sample(arena, &options, lines, relation->schema, err);
        gly_text_lines_close(lines);
        GLY_TRY(status);
    }
    if (relation->schema->field_count == 0) {
        return gly_fail(err, GLY_E_FILE_FORMAT,
                        "%.*s has no line, so its columns are not known: give the option schema, "
                        "as in \"id bigint, name string\"",
                        GLY_STR_ARG(relation->name));
    }
    return GLY_OK;
}

const gly_format gly_csv_format = {
    .name = "csv",
    .extension = "csv",
    .infer = infer,
    .reader_open = gly_csv_reader_open,
    .reader_next = gly_csv_reader_next,
    .reader_close = gly_csv_reader_close,
    .writer_open = gly_csv_writer_open,
    .writer_write = gly_csv_writer_write,
    .writer_finish = gly_csv_writer_finish,
    .writer_abort = gly_csv_writer_abort,
};
