/* csv_reader.c - records of one split as batches.
 *
 * A record with too few cells is padded with NULLs, one with too many loses the rest, a cell that is not
 * of its type is NULL; modes DROPMALFORMED and FAILFAST drop such records or stop at them, naming the
 * byte.  A header is dropped where it is the first record of the file.
 */
#include "lib/base/alloc.h"
#include "lib/io/text/csv.h"
#include "lib/io/text/text_lines.h"

typedef struct csv_reader {
    gly_scan *scan;
    gly_csv_options options;
    gly_text_lines *lines;
    gly_text_rows rows;
    gly_csv_cell *cells;
    uint32_t field_count; /* in the file */
    bool skips_header;
} csv_reader;

gly_status gly_csv_reader_open(gly_scan *scan, gly_reader **ret, gly_error *err) {
    csv_reader *reader = GLY_NEW(csv_reader);
    reader->scan = scan;
    reader->field_count = scan->file_schema->field_count - scan->partition_column_count;
    reader->cells = GLY_NEW_ARRAY(gly_csv_cell, reader->field_count);
    gly_text_rows_init(&reader->rows, scan);
    gly_status status =
        gly_csv_options_read(scan->option_count, scan->options, &reader->options, err);
    if (status == GLY_OK) {
        status = gly_text_lines_open(scan->file->path, scan->split_offset, scan->split_length,
                                     scan->budget, &reader->lines, err);
    }
    reader->skips_header = reader->options.header && scan->split_offset == 0;
    if (status != GLY_OK) {
        gly_csv_reader_close((gly_reader *)reader);
        return status;
    }
    *ret = (gly_reader *)reader;
    return GLY_OK;
}

void gly_csv_reader_close(gly_reader *opaque) {
    csv_reader *reader = (csv_reader *)opaque;
    gly_text_lines_close(reader->lines);
    gly_text_rows_clear(&reader->rows);
    free(reader->cells);
    free(reader);
}

/* Fills the current row; false: the record is malformed (*ret_field: where, or field_count). */
static bool fill_row(csv_reader *reader, uint32_t cell_count, uint32_t *ret_field) {
    bool good = cell_count == reader->field_count;
    *ret_field = reader->field_count;
    for (uint32_t field = 0; field < reader->field_count; field++) {
        uint32_t column = reader->rows.by_field[field];
        if (column == UINT32_MAX) {
            continue;
        }
        gly_type type = reader->scan->file_schema->fields[field].type;
        gly_value value = gly_value_null(type);
        const gly_csv_cell *cell = &reader->cells[field];
        bool is_null = field >= cell_count ||
                       (!cell->is_quoted && gly_str_equal(cell->text, reader->options.null_value));
        if (!is_null && !gly_text_rows_parse(cell->text, type, &value)) {
            value = gly_value_null(type);
            good = false;
            *ret_field = field;
        }
        gly_text_rows_set(&reader->rows, column, &value);
    }
    return good;
}

static gly_status malformed(csv_reader *reader, uint64_t offset, uint32_t cell_count,
                            uint32_t field, gly_error *err) {
    gly_str path = reader->scan->file->path;
    if (field < reader->field_count) {
        char type[GLY_TYPE_TEXT_SIZE];
        const gly_field *wanted = &reader->scan->file_schema->fields[field];
        return gly_fail(err, GLY_E_CORRUPT_FILE,
                        "%.*s: the record at byte %llu has '%.*s' in column '%.*s', which is no %s",
                        GLY_STR_ARG(path), (unsigned long long)offset,
                        (int)GLY_MIN(reader->cells[field].text.size, (size_t)60),
                        reader->cells[field].text.data, GLY_STR_ARG(wanted->name),
                        gly_type_format(wanted->type, type, sizeof type));
    }
    return gly_fail(err, GLY_E_CORRUPT_FILE,
                    "%.*s: the record at byte %llu has %u cells, %u columns are expected",
                    GLY_STR_ARG(path), (unsigned long long)offset, cell_count,
                    reader->field_count);
}

/* One batch of raw rows; rows.row_count 0: the end. */
static gly_status fill_batch(csv_reader *reader, gly_error *err) {
    gly_text_rows_begin(&reader->rows);
    while (reader->rows.row_count < GLY_BATCH_ROWS) {
        gly_str line;
        uint64_t offset = 0;
        GLY_TRY(gly_text_lines_next(reader->lines, &line, &offset, err));
        if (line.data == NULL) {
            return GLY_OK;
        }
        if (line.size == 0 ||
            (reader->options.comment != '\0' && line.data[0] == reader->options.comment)) {
            continue;
        }
        if (reader->skips_header) {
            reader->skips_header = false;
            continue;
        }
        uint32_t count = gly_csv_split(reader->rows.arena, &reader->options, line, reader->cells,
                                       reader->field_count);
        uint32_t field;
        bool good = fill_row(reader, count, &field);
        if (!good && reader->options.mode == GLY_CSV_FAIL) {
            return malformed(reader, offset, count, field, err);
        }
        if (good || reader->options.mode == GLY_CSV_PERMISSIVE) {
            gly_text_rows_next(&reader->rows);
        }
    }
    return GLY_OK;
}

gly_status gly_csv_reader_next(gly_reader *opaque, const gly_batch **ret, gly_error *err) {
    csv_reader *reader = (csv_reader *)opaque;
    do {
        GLY_TRY(fill_batch(reader, err));
        reader->scan->rows_read += reader->rows.row_count;
        reader->scan->bytes_read = gly_text_lines_bytes_read(reader->lines);
        GLY_TRY(gly_text_rows_finish(&reader->rows, ret, err));
    } while (*ret == NULL && reader->rows.row_count > 0);
    return GLY_OK;
}
