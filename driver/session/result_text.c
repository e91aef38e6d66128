/* result_text.c - rows as an aligned table, CSV (RFC 4180) or JSON lines.
 *
 * A table needs its widths before its first line, so the first SAMPLE_ROWS rows are held back; later
 * rows use those widths and stick out if they are wider.  Invariant: nothing of a statement is
 * printed twice, and a CSV or JSON row is printed as soon as it comes.
 */
#include "driver/session/result_text.h"

#include "lib/base/alloc.h"
#include "lib/base/json_text.h"

#include <math.h>

enum { SAMPLE_ROWS = 1000, WIDEST_CELL = 200 };

struct gly_result_text {
    FILE *file;
    gly_result_format format;
    const gly_schema *schema;
    gly_builder line;
    gly_builder held;      /* cells of held rows, each followed by a NUL */
    size_t *widths;
    uint64_t row_count;
    uint64_t held_rows;
    bool widths_fixed;
};

gly_result_text *gly_result_text_make(FILE *file, gly_result_format format) {
    gly_result_text *output = GLY_NEW(gly_result_text);
    output->file = file;
    output->format = format;
    return output;
}

void gly_result_text_free(gly_result_text *output) {
    if (output == NULL) {
        return;
    }
    gly_builder_clear(&output->line);
    gly_builder_clear(&output->held);
    free(output->widths);
    free(output);
}

void gly_result_text_set_format(gly_result_text *output, gly_result_format format) {
    output->format = format;
}

uint64_t gly_result_text_rows(const gly_result_text *output) { return output->row_count; }

void gly_result_text_reset(gly_result_text *output) {
    gly_builder_reset(&output->held);
    output->held_rows = 0;
    output->schema = NULL;
}

bool gly_result_text_find_format(const char *name, gly_result_format *ret) {
    static const struct {
        const char *name;
        gly_result_format format;
    } formats[] = {{"table", GLY_RESULT_TABLE}, {"csv", GLY_RESULT_CSV},
                   {"json", GLY_RESULT_JSON},   {"jsonl", GLY_RESULT_JSON}};
    for (size_t i = 0; i < GLY_ARRAY_LEN(formats); i++) {
        if (strcmp(name, formats[i].name) == 0) {
            *ret = formats[i].format;
            return true;
        }
    }
    return false;
}

/* Columns on a terminal: code points, which is right for all but wide and combining characters. */
static size_t display_width(const char *text) {
    size_t width = 0;
    for (; *text != '\0'; text++) {
        width += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return width;
}

static bool is_right_aligned(gly_type type) { return gly_type_is_numeric(type); }

static void add_cell(gly_result_text *output, gly_type type, const char *text, size_t width) {
    size_t used = display_width(text);
    size_t padding = used < width ? width - used : 0;
    if (is_right_aligned(type)) {
        gly_builder_add_repeat(&output->line, ' ', padding);
        gly_builder_add_text(&output->line, text);
    } else {
        gly_builder_add_text(&output->line, text);
        gly_builder_add_repeat(&output->line, ' ', padding);
    }
}

static gly_status put_line(gly_result_text *output, gly_error *err) {
    gly_builder_add_char(&output->line, '\n');
    size_t size = output->line.size;
    size_t written = fwrite(output->line.data, 1, size, output->file);
    gly_builder_reset(&output->line);
    if (written != size) {
        return gly_fail(err, GLY_E_IO, "The result could not be written to the output");
    }
    return GLY_OK;
}

static gly_status put_rule(gly_result_text *output, gly_error *err) {
    gly_builder_add_char(&output->line, '+');
    for (uint32_t i = 0; i < output->schema->field_count; i++) {
        gly_builder_add_repeat(&output->line, '-', output->widths[i] + 2);
        gly_builder_add_char(&output->line, '+');
    }
    return put_line(output, err);
}

static gly_status put_table_row(gly_result_text *output, const char *const *cells,
                                gly_error *err) {
    gly_builder_add_char(&output->line, '|');
    for (uint32_t i = 0; i < output->schema->field_count; i++) {
        gly_builder_add_char(&output->line, ' ');
        add_cell(output, output->schema->fields[i].type, cells[i], output->widths[i]);
        gly_builder_add_text(&output->line, " |");
    }
    return put_line(output, err);
}

/* Prints the header and the held rows; from here on the widths stand. */
static gly_status put_held(gly_result_text *output, gly_error *err) {
    uint32_t count = output->schema->field_count;
    const char **cells = GLY_NEW_ARRAY(const char *, count);
    char **names = GLY_NEW_ARRAY(char *, count);
    for (uint32_t i = 0; i < count; i++) {
        gly_str name = output->schema->fields[i].name;
        names[i] = gly_alloc(name.size + 1);
        memcpy(names[i], name.data, name.size);
        names[i][name.size] = '\0';
        cells[i] = names[i];
        output->widths[i] = GLY_MAX(output->widths[i], display_width(names[i]));
    }
    output->widths_fixed = true;
    gly_status status = put_rule(output, err);
    status = status != GLY_OK ? status : put_table_row(output, cells, err);
    status = status != GLY_OK ? status : put_rule(output, err);
    const char *cell = output->held.data;
    for (uint64_t row = 0; row < output->held_rows && status == GLY_OK; row++) {
        for (uint32_t i = 0; i < count; i++) {
            cells[i] = cell;
            cell += strlen(cell) + 1;
        }
        status = put_table_row(output, cells, err);
    }
    gly_builder_reset(&output->held);
    output->held_rows = 0;
    for (uint32_t i = 0; i < count; i++) {
        free(names[i]);
    }
    free(names);
    free(cells);
    return status;
}

static void add_csv_text(gly_builder *line, gly_str text) {
    bool quoted = text.size == 0;
    for (size_t i = 0; i < text.size && !quoted; i++) {
        quoted = strchr(",\"\n\r", text.data[i]) != NULL && text.data[i] != '\0';
    }
    if (!quoted) {
        gly_builder_add_str(line, text);
        return;
    }
    gly_builder_add_char(line, '"');
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '"') {
            gly_builder_add_char(line, '"');
        }
        gly_builder_add_char(line, text.data[i]);
    }
    gly_builder_add_char(line, '"');
}

static void add_json_value(gly_builder *line, const gly_value *value) {
    gly_type type = value->type;
    bool is_plain = gly_type_is_integral(type) || type.id == GLY_TYPE_BOOLEAN ||
                    type.id == GLY_TYPE_DECIMAL ||
                    ((type.id == GLY_TYPE_FLOAT || type.id == GLY_TYPE_DOUBLE) &&
                     isfinite(value->f64));
    if (value->is_null) {
        gly_builder_add_text(line, "null");
    } else if (is_plain) {
        gly_value_format(value, line);
    } else {
        gly_builder text = {0};
        gly_value_format(value, &text);
        gly_builder_add_char(line, '"');
        gly_json_text_escape(gly_builder_str(&text), line);
        gly_builder_add_char(line, '"');
        gly_builder_clear(&text);
    }
}

static gly_status put_delimited_row(gly_result_text *output, const gly_batch *batch, uint32_t row,
                                    gly_error *err) {
    gly_builder *line = &output->line;
    gly_builder text = {0};
    bool is_json = output->format == GLY_RESULT_JSON;
    if (is_json) {
        gly_builder_add_char(line, '{');
    }
    for (uint32_t i = 0; i < batch->column_count; i++) {
        gly_value value = gly_column_get(&batch->columns[i], row);
        if (i > 0) {
            gly_builder_add_char(line, ',');
        }
        if (is_json) {
            gly_builder_add_char(line, '"');
            gly_json_text_escape(output->schema->fields[i].name, line);
            gly_builder_add_text(line, "\":");
            add_json_value(line, &value);
        } else if (!value.is_null) { /* NULL is empty, the empty string is "" */
            gly_builder_reset(&text);
            gly_value_format(&value, &text);
            add_csv_text(line, gly_builder_str(&text));
        }
    }
    if (is_json) {
        gly_builder_add_char(line, '}');
    }
    gly_builder_clear(&text);
    return put_line(output, err);
}

/* Cells of one table row appended to held, control characters made visible, long ones cut. */
static void hold_row(gly_result_text *output, const gly_batch *batch, uint32_t row) {
    for (uint32_t i = 0; i < batch->column_count; i++) {
        gly_value value = gly_column_get(&batch->columns[i], row);
        gly_builder text = {0};
        if (value.is_null) {
            gly_builder_add_text(&text, "NULL");
        } else {
            gly_value_format(&value, &text);
        }
        gly_str cell = gly_builder_str(&text);
        size_t kept = GLY_MIN(cell.size, (size_t)WIDEST_CELL * 4);
        size_t start = output->held.size;
        size_t width = 0;
        for (size_t at = 0; at < kept && width < WIDEST_CELL; at++) {
            char c = cell.data[at];
            if (c == '\n') {
                gly_builder_add_text(&output->held, "\\n");
            } else {
                gly_builder_add_char(&output->held, (unsigned char)c < ' ' ? ' ' : c);
            }
            width += ((unsigned char)c & 0xc0) != 0x80;
        }
        gly_builder_add_char(&output->held, '\0');
        output->widths[i] =
            GLY_MAX(output->widths[i], display_width(output->held.data + start));
        gly_builder_clear(&text);
    }
    output->held_rows++;
}

static gly_status open_result(void *context, const gly_schema *schema, gly_error *err) {
    gly_result_text *output = context;
    gly_result_text_reset(output);
    output->schema = schema;
    output->row_count = 0;
    output->widths_fixed = false;
    free(output->widths);
    output->widths = GLY_NEW_ARRAY(size_t, schema->field_count);
    if (output->format == GLY_RESULT_CSV) {
        for (uint32_t i = 0; i < schema->field_count; i++) {
            if (i > 0) {
                gly_builder_add_char(&output->line, ',');
            }
            add_csv_text(&output->line, schema->fields[i].name);
        }
        return put_line(output, err);
    }
    return GLY_OK;
}

static gly_status put_rows(void *context, const gly_batch *batch, gly_error *err) {
    gly_result_text *output = context;
    for (uint32_t live = 0; live < batch->selected; live++) {
        uint32_t row = gly_batch_row(batch, live);
        output->row_count++;
        if (output->format != GLY_RESULT_TABLE) {
            GLY_TRY(put_delimited_row(output, batch, row, err));
            continue;
        }
        hold_row(output, batch, row);
        if (output->widths_fixed || output->held_rows >= SAMPLE_ROWS) {
            if (!output->widths_fixed) {
                GLY_TRY(put_held(output, err));
                continue;
            }
            const char *cell = output->held.data;
            const char **cells = GLY_NEW_ARRAY(const char *, batch->column_count);
            for (uint32_t i = 0; i < batch->column_count; i++) {
                cells[i] = cell;
                cell += strlen(cell) + 1;
            }
            gly_status status = put_table_row(output, cells, err);
            free(cells);
            gly_builder_reset(&output->held);
            output->held_rows = 0;
            GLY_TRY(status);
        }
    }
    return GLY_OK;
}

static gly_status close_result(void *context, gly_error *err) {
    gly_result_text *output = context;
    if (output->format == GLY_RESULT_TABLE && output->schema->field_count > 0) {
        if (!output->widths_fixed) {
            GLY_TRY(put_held(output, err));
        }
        GLY_TRY(put_rule(output, err));
    }
    output->schema = NULL;
    fflush(output->file);
    return GLY_OK;
}

gly_row_sink gly_result_text_sink(gly_result_text *output) {
    return (gly_row_sink){open_result, put_rows, close_result, output};
}
