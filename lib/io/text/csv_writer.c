/* csv_writer.c - rows as CSV in Spark's dialect: quotes where needed, escaped with '\', NULL as nullValue.
 *
 * The empty text is written "" so that it reads back as itself and not as NULL.
 */
#include "lib/base/alloc.h"
#include "lib/io/text/csv.h"
#include "lib/io/text/text_output.h"

typedef struct csv_writer {
    gly_csv_options options;
    gly_text_output output;
    gly_builder cell;
    gly_builder null_value;
} csv_writer;

static void add_text(csv_writer *writer, gly_str text) {
    const gly_csv_options *options = &writer->options;
    gly_builder *out = &writer->output.buffer;
    bool quoted = text.size == 0 || gly_str_equal(text, options->null_value);
    for (size_t i = 0; i < text.size && !quoted; i++) {
        char c = text.data[i];
        quoted = c == options->separator || c == options->quote || c == '\n' || c == '\r';
    }
    if (!quoted || options->quote == '\0') {
        gly_builder_add_str(out, text);
        return;
    }
    gly_builder_add_char(out, options->quote);
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (c == options->quote || (c == options->escape && options->escape != '\0')) {
            gly_builder_add_char(out, options->escape != '\0' ? options->escape : options->quote);
        }
        gly_builder_add_char(out, c); /* a line end stays, in quotes, as RFC 4180 has it */
    }
    gly_builder_add_char(out, options->quote);
}

gly_status gly_csv_writer_open(gly_str path, const gly_schema *schema,
                               const gly_writer_options *options, gly_writer **ret,
                               gly_error *err) {
    csv_writer *writer = GLY_NEW(csv_writer);
    gly_status status =
        gly_csv_options_read(options->option_count, options->options, &writer->options, err);
    if (status == GLY_OK) {
        gly_builder_add_str(&writer->null_value, writer->options.null_value);
        writer->options.null_value = gly_builder_str(&writer->null_value);
        status = gly_text_output_open(&writer->output, path, options, err);
    }
    if (status != GLY_OK) {
        gly_builder_clear(&writer->null_value);
        free(writer);
        return status;
    }
    for (uint32_t i = 0; writer->options.header && i < schema->field_count; i++) {
        if (i > 0) {
            gly_builder_add_char(&writer->output.buffer, writer->options.separator);
        }
        add_text(writer, schema->fields[i].name);
    }
    if (writer->options.header) {
        gly_builder_add_char(&writer->output.buffer, '\n');
    }
    *ret = (gly_writer *)writer;
    return GLY_OK;
}

gly_status gly_csv_writer_write(gly_writer *opaque, const gly_batch *batch, gly_error *err) {
    csv_writer *writer = (csv_writer *)opaque;
    gly_builder *out = &writer->output.buffer;
    for (uint32_t live = 0; live < batch->selected; live++) {
        uint32_t row = gly_batch_row(batch, live);
        for (uint32_t i = 0; i < batch->column_count; i++) {
            gly_value value = gly_column_get(&batch->columns[i], row);
            if (i > 0) {
                gly_builder_add_char(out, writer->options.separator);
            }
            if (value.is_null) {
                gly_builder_add_str(out, writer->options.null_value);
            } else if (gly_type_is_text(value.type)) {
                add_text(writer, value.text);
            } else {
                gly_value_format(&value, out);
            }
        }
        gly_builder_add_char(out, '\n');
        writer->output.row_count++;
        GLY_TRY(gly_text_output_flush(&writer->output, false, err));
    }
    return GLY_OK;
}

static void clear(csv_writer *writer) {
    gly_builder_clear(&writer->cell);
    gly_builder_clear(&writer->null_value);
    free(writer);
}

gly_status gly_csv_writer_finish(gly_writer *opaque, uint64_t *ret_rows, uint64_t *ret_bytes,
                                 gly_error *err) {
    csv_writer *writer = (csv_writer *)opaque;
    gly_status status = gly_text_output_finish(&writer->output, ret_rows, ret_bytes, err);
    clear(writer);
    return status;
}

void gly_csv_writer_abort(gly_writer *opaque) {
    csv_writer *writer = (csv_writer *)opaque;
    gly_text_output_abort(&writer->output);
    clear(writer);
}
