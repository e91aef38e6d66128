/* cli_output.h - rows for people and programs: an aligned table, CSV, JSON lines. */
#ifndef GLY_CLI_OUTPUT_H
#define GLY_CLI_OUTPUT_H

#include "driver/session/session.h"

#include <stdio.h>

typedef enum gly_cli_format { GLY_CLI_TABLE, GLY_CLI_CSV, GLY_CLI_JSON } gly_cli_format;

typedef struct gly_cli_output gly_cli_output;

gly_cli_output *gly_cli_output_make(FILE *file, gly_cli_format format);
void gly_cli_output_free(gly_cli_output *output);
void gly_cli_output_set_format(gly_cli_output *output, gly_cli_format format);
/* The sink a session writes to; rows of one statement at a time. */
gly_row_sink gly_cli_output_sink(gly_cli_output *output);
/* Forgets a half-written result after an error. */
void gly_cli_output_reset(gly_cli_output *output);
uint64_t gly_cli_output_rows(const gly_cli_output *output); /* of the last statement */
bool gly_cli_output_find_format(const char *name, gly_cli_format *ret); /* table, csv, json */

#endif
