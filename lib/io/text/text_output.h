/* text_output.h - the buffered output of the text writers. */
#ifndef GLY_TEXT_OUTPUT_H
#define GLY_TEXT_OUTPUT_H

#include "lib/io/format.h"

typedef struct gly_text_output {
    gly_file_writer *file;
    gly_builder buffer;
    uint64_t row_count;
} gly_text_output;

GLY_NODISCARD gly_status gly_text_output_open(gly_text_output *output, gly_str path,
                                              const gly_writer_options *options, gly_error *err);
/* Writes the buffer if it is large. */
GLY_NODISCARD gly_status gly_text_output_flush(gly_text_output *output, bool always,
                                               gly_error *err);
GLY_NODISCARD gly_status gly_text_output_finish(gly_text_output *output, uint64_t *ret_rows,
                                                uint64_t *ret_bytes, gly_error *err);
void gly_text_output_abort(gly_text_output *output);

#endif
