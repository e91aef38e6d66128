/* op_harness.h - runs one operator alone: tables in, lines of text out.
 *
 * Input batches come in random shapes (flat, constant, dictionary, with and without selections that
 * hide garbage rows), so an operator test covers them without asking.
 */
#ifndef GLY_OP_HARNESS_H
#define GLY_OP_HARNESS_H

#include "lib/base/random.h"
#include "lib/engine/op/operator.h"

typedef struct gly_op_table {
    uint32_t column_count;
    const gly_type *types;
    uint32_t row_count;
    gly_value **rows; /* rows[r][c] */
} gly_op_table;

typedef struct gly_op_lines { /* one line per row, values with "|" between them */
    char **items;
    size_t count, capacity;
} gly_op_lines;

typedef struct gly_op_run {
    size_t memory_bytes; /* of the task; 0: no limit */
    uint32_t width;      /* 0: 1 */
    uint64_t seed;
    gly_arena *keep;      /* not NULL: the output's values are kept in `kept` */
    gly_op_table kept;    /* out */
    uint64_t spill_bytes; /* out */
    uint64_t rows_out;    /* out */
    size_t peak_bytes;    /* out */
} gly_op_run;

/* A table with room for row_count rows of NULLs. */
gly_op_table *gly_op_harness_table(gly_arena *arena, const gly_type *types, uint32_t column_count,
                                   uint32_t row_count);
/* Runs plan's operator over inputs[i] in place of children[i].  Lines in order of arrival. */
GLY_NODISCARD gly_status gly_op_harness_run(const gly_physical *plan,
                                            const gly_op_table *const *inputs, gly_op_run *run,
                                            gly_op_lines *ret, gly_error *err);
void gly_op_harness_format(const gly_value *row, uint32_t column_count, gly_builder *out);
void gly_op_harness_add(gly_op_lines *lines, const char *line); /* copies */
void gly_op_harness_sort(gly_op_lines *lines);
void gly_op_harness_clear(gly_op_lines *lines);
/* Sorts both and says whether they are equal; prints the first differences. */
bool gly_op_harness_same(gly_op_lines *actual, gly_op_lines *expected);

/* Plans */
gly_physical *gly_op_harness_plan(gly_arena *arena, gly_physical_kind kind, uint32_t child_count,
                                  const gly_type *output, uint32_t output_count);
gly_expr *gly_op_harness_column(gly_arena *arena, uint32_t column, gly_type type);

#endif
