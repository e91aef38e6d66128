/* json_reader.c - objects of one split as batches.
 *
 * Members are found by name (case-insensitive, as columns are); absent ones are NULL, a value that is not
 * of its column's type is NULL, a line that is no object is a row of NULLs; modes DROPMALFORMED and
 * FAILFAST drop such lines or stop at them.
 */
#include "lib/base/alloc.h"
#include "lib/io/text/json.h"
#include "lib/io/text/json_scan.h"
#include "lib/io/text/text_lines.h"
#include "lib/io/text/text_rows.h"

typedef struct json_reader {
    gly_scan *scan;
    gly_text_lines *lines;
    gly_text_rows rows;
    gly_value *values; /* of the current row, by wanted column */
    bool is_drop, is_fail, is_bad;
} json_reader;

gly_status gly_json_reader_open(gly_scan *scan, gly_reader **ret, gly_error *err) {
    json_reader *reader = GLY_NEW(json_reader);
    gly_str mode = gly_text_rows_option(scan->option_count, scan->options, "mode", "PERMISSIVE");
    reader->scan = scan;
    reader->is_drop = gly_str_equal_ignore_case(mode, GLY_STR("DROPMALFORMED"));
    reader->is_fail = gly_str_equal_ignore_case(mode, GLY_STR("FAILFAST"));
    reader->values = GLY_NEW_ARRAY(gly_value, scan->column_count);
    gly_text_rows_init(&reader->rows, scan);
    gly_status status = gly_text_lines_open(scan->file->path, scan->split_offset,
                                            scan->split_length, scan->budget, &reader->lines, err);
    if (status != GLY_OK) {
        gly_json_reader_close((gly_reader *)reader);
        return status;
    }
    *ret = (gly_reader *)reader;
    return GLY_OK;
}

void gly_json_reader_close(gly_reader *opaque) {
    json_reader *reader = (json_reader *)opaque;
    gly_text_lines_close(reader->lines);
    gly_text_rows_clear(&reader->rows);
    free(reader->values);
    free(reader);
}

static void take_member(void *context, const gly_json_member *member) {
    json_reader *reader = context;
    uint32_t field = gly_schema_find(reader->scan->file_schema, member->key);
    if (field == reader->scan->file_schema->field_count ||
        reader->rows.by_field[field] == UINT32_MAX || member->kind == GLY_JSON_NULL) {
        return;
    }
    gly_type type = reader->scan->file_schema->fields[field].type;
    gly_value *value = &reader->values[reader->rows.by_field[field]];
    gly_str text = member->kind == GLY_JSON_TRUE    ? GLY_STR("true")
                   : member->kind == GLY_JSON_FALSE ? GLY_STR("false")
                                                    : member->text;
    if (!gly_text_rows_parse(text, type, value)) {
        *value = gly_value_null(type);
        reader->is_bad = true;
    }
}

static gly_status fill_batch(json_reader *reader, gly_error *err) {
    const gly_scan *scan = reader->scan;
    uint32_t file_fields = scan->file_schema->field_count - scan->partition_column_count;
    gly_text_rows_begin(&reader->rows);
    while (reader->rows.row_count < GLY_BATCH_ROWS) {
        gly_str line;
        uint64_t offset = 0;
        GLY_TRY(gly_text_lines_next(reader->lines, &line, &offset, err));
        if (line.data == NULL) {
            return GLY_OK;
        }
        if (gly_str_trim(line).size == 0) {
            continue;
        }
        for (uint32_t i = 0; i < scan->column_count; i++) {
            reader->values[i] = gly_value_null(scan->file_schema->fields[scan->fields[i]].type);
        }
        reader->is_bad = false;
        bool good = gly_json_scan_object(reader->rows.arena, line, take_member, reader) &&
                    !reader->is_bad;
        if (!good && reader->is_fail) {
            return gly_fail(err, GLY_E_CORRUPT_FILE,
                            "%.*s: the line at byte %llu is not a JSON object of the expected "
                            "types: '%.*s'",
                            GLY_STR_ARG(scan->file->path), (unsigned long long)offset,
                            (int)GLY_MIN(line.size, (size_t)80), line.data);
        }
        if (!good && reader->is_drop) {
            continue;
        }
        for (uint32_t i = 0; i < scan->column_count; i++) {
            if (scan->fields[i] < file_fields) {
                gly_text_rows_set(&reader->rows, i, &reader->values[i]);
            }
        }
        gly_text_rows_next(&reader->rows);
    }
    return GLY_OK;
}

gly_status gly_json_reader_next(gly_reader *opaque, const gly_batch **ret, gly_error *err) {
    json_reader *reader = (json_reader *)opaque;
    do {
        GLY_TRY(fill_batch(reader, err));
        reader->scan->rows_read += reader->rows.row_count;
        reader->scan->bytes_read = gly_text_lines_bytes_read(reader->lines);
        GLY_TRY(gly_text_rows_finish(&reader->rows, ret, err));
    } while (*ret == NULL && reader->rows.row_count > 0);
    return GLY_OK;
}
