/* text_rows.h - what CSV and JSON share: options, schemas, typed cells, batches. */
#ifndef GLY_TEXT_ROWS_H
#define GLY_TEXT_ROWS_H

#include "lib/io/format.h"

/* --- options --- */
/* The value of an option (keys are lower case), or fallback. */
gly_str gly_text_rows_option(uint32_t count, const gly_option *options, const char *key,
                             const char *fallback);
bool gly_text_rows_flag(uint32_t count, const gly_option *options, const char *key, bool fallback);
/* Parses "a int, `b c` string, d decimal(10,2)". */
GLY_NODISCARD gly_status gly_text_rows_parse_schema(gly_arena *arena, gly_str text,
                                                    gly_schema **ret, gly_error *err);

/* --- cells --- */
/* The value of a type that text stands for; false if it is none. Text is not copied. */
bool gly_text_rows_parse(gly_str text, gly_type type, gly_value *ret);
/* The narrowest type of a text (BIGINT, DOUBLE, BOOLEAN, DATE, TIMESTAMP, STRING). */
gly_type gly_text_rows_guess(gly_str text);
/* What fits both; NULL fits all. */
gly_type gly_text_rows_merge(gly_type a, gly_type b);

/* --- batches of a scan --- */
typedef struct gly_text_rows {
    const gly_scan *scan;
    gly_arena *arena; /* of the batch; reset by begin */
    gly_batch batch;
    gly_column *columns;
    uint16_t *selection;
    uint32_t *by_field; /* file_schema field -> wanted column, or UINT32_MAX */
    uint32_t row_count;
} gly_text_rows;

void gly_text_rows_init(gly_text_rows *rows, const gly_scan *scan);
void gly_text_rows_clear(gly_text_rows *rows);
void gly_text_rows_begin(gly_text_rows *rows);
/* The cell of the current row; every wanted column must be set once.  Text is copied. */
void gly_text_rows_set(gly_text_rows *rows, uint32_t column, const gly_value *value);
/* The current row is complete. */
static inline void gly_text_rows_next(gly_text_rows *rows) { rows->row_count++; }
/* Adds partition columns and applies the scan's filter; *ret NULL if no row is left. */
GLY_NODISCARD gly_status gly_text_rows_finish(gly_text_rows *rows, const gly_batch **ret,
                                              gly_error *err);

#endif
