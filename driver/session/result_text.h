/* result_text.h - rows for people and programs: an aligned table, CSV, JSON lines. */
#ifndef GLY_RESULT_TEXT_H
#define GLY_RESULT_TEXT_H

#include "driver/session/session.h"

#include <stdio.h>

typedef enum gly_result_format { GLY_RESULT_TABLE, GLY_RESULT_CSV, GLY_RESULT_JSON } gly_result_format;

typedef struct gly_result_text gly_result_text;

gly_result_text *gly_result_text_make(FILE *file, gly_result_format format);
void gly_result_text_free(gly_result_text *output);
void gly_result_text_set_format(gly_result_text *output, gly_result_format format);
/* The sink a session writes to; rows of one statement at a time. */
gly_row_sink gly_result_text_sink(gly_result_text *output);
/* Forgets a half-written result after an error. */
void gly_result_text_reset(gly_result_text *output);
uint64_t gly_result_text_rows(const gly_result_text *output); /* of the last statement */
bool gly_result_text_find_format(const char *name, gly_result_format *ret); /* table, csv, json */

#endif
