/* json_writer.c - rows as JSON lines; NULL members are left out, as Spark does.
 *
 * Decimals and integers are written as numbers, NaN and infinities as strings, dates and times as text.
 */
#include "lib/base/alloc.h"
#include "lib/base/json_text.h"
#include "lib/io/text/json.h"
#include "lib/io/text/text_output.h"

#include <math.h>

typedef struct json_writer {
    gly_text_output output;
    gly_builder text;
    gly_builder *keys; /* ,"name": of each column */
    uint32_t column_count;
} json_writer;

gly_status gly_json_writer_open(gly_str path, const gly_schema *schema,
                                const gly_writer_options *options, gly_writer **ret,
                                gly_error *err) {
    (void)options;
    json_writer *writer = GLY_NEW(json_writer);
    gly_status status = gly_text_output_open(&writer->output, path, options, err);
    if (status != GLY_OK) {
        free(writer);
        return status;
    }
    writer->column_count = schema->field_count;
    writer->keys = GLY_NEW_ARRAY(gly_builder, schema->field_count);
    for (uint32_t i = 0; i < schema->field_count; i++) {
        gly_json_text_quote(schema->fields[i].name, &writer->keys[i]);
        gly_builder_add_char(&writer->keys[i], ':');
    }
    *ret = (gly_writer *)writer;
    return GLY_OK;
}

static bool is_plain(const gly_value *value) {
    gly_type type = value->type;
    if (type.id == GLY_TYPE_FLOAT || type.id == GLY_TYPE_DOUBLE) {
        return isfinite(value->f64);
    }
    return gly_type_is_numeric(type) || type.id == GLY_TYPE_BOOLEAN;
}

gly_status gly_json_writer_write(gly_writer *opaque, const gly_batch *batch, gly_error *err) {
    json_writer *writer = (json_writer *)opaque;
    gly_builder *out = &writer->output.buffer;
    for (uint32_t live = 0; live < batch->selected; live++) {
        uint32_t row = gly_batch_row(batch, live);
        bool is_first = true;
        gly_builder_add_char(out, '{');
        for (uint32_t i = 0; i < batch->column_count; i++) {
            gly_value value = gly_column_get(&batch->columns[i], row);
            if (value.is_null) {
                continue;
            }
            if (!is_first) {
                gly_builder_add_char(out, ',');
            }
            is_first = false;
            gly_builder_add_str(out, gly_builder_str(&writer->keys[i]));
            if (is_plain(&value)) {
                gly_value_format(&value, out);
            } else {
                gly_builder_reset(&writer->text);
                gly_value_format(&value, &writer->text);
                gly_json_text_quote(gly_builder_str(&writer->text), out);
            }
        }
        gly_builder_add_text(out, "}\n");
        writer->output.row_count++;
        GLY_TRY(gly_text_output_flush(&writer->output, false, err));
    }
    return GLY_OK;
}

static void clear(json_writer *writer) {
    for (uint32_t i = 0; i < writer->column_count; i++) {
        gly_builder_clear(&writer->keys[i]);
    }
    free(writer->keys);
    gly_builder_clear(&writer->text);
    free(writer);
}

gly_status gly_json_writer_finish(gly_writer *opaque, uint64_t *ret_rows, uint64_t *ret_bytes,
                                  gly_error *err) {
    json_writer *writer = (json_writer *)opaque;
    gly_status status = gly_text_output_finish(&writer->output, ret_rows, ret_bytes, err);
    clear(writer);
    return status;
}

void gly_json_writer_abort(gly_writer *opaque) {
    json_writer *writer = (json_writer *)opaque;
    gly_text_output_abort(&writer->output);
    clear(writer);
}
