/* text_output.c - rows are formatted into a buffer that goes to the file a megabyte at a time.
 *
 * Invariant: after finish or abort nothing of the output is left in memory.
 */
#include "lib/io/text/text_output.h"

enum { FLUSH_BYTES = 1 << 20 };

gly_status gly_text_output_open(gly_text_output *output, gly_str path,
                                const gly_writer_options *options, gly_error *err) {
    const gly_filesystem *filesystem;
    *output = (gly_text_output){0};
    GLY_TRY(gly_filesystem_find(path, &filesystem, err));
    GLY_TRY(filesystem->create(path, &output->file, err));
    output->file->budget = options->budget;
    output->file->token = options->token;
    return GLY_OK;
}

gly_status gly_text_output_flush(gly_text_output *output, bool always, gly_error *err) {
    if (output->buffer.size < FLUSH_BYTES && !always) {
        return GLY_OK;
    }
    gly_status status =
        output->file->write(output->file, output->buffer.data, output->buffer.size, err);
    gly_builder_reset(&output->buffer);
    return status;
}

gly_status gly_text_output_finish(gly_text_output *output, uint64_t *ret_rows,
                                  uint64_t *ret_bytes, gly_error *err) {
    gly_status status = output->buffer.size > 0 ? gly_text_output_flush(output, true, err) : GLY_OK;
    if (status != GLY_OK) {
        gly_text_output_abort(output);
        return status;
    }
    *ret_rows = output->row_count;
    *ret_bytes = output->file->size_bytes;
    gly_builder_clear(&output->buffer);
    return output->file->finish(output->file, err);
}

void gly_text_output_abort(gly_text_output *output) {
    gly_builder_clear(&output->buffer);
    output->file->abort(output->file);
}
