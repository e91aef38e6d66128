/* expr_run.h - compiled expressions run on batches.
 *
 * gly_expr_program is immutable and shared; gly_expr_state is one worker's registers.
 */
#ifndef GLY_EXPR_RUN_H
#define GLY_EXPR_RUN_H

#include "lib/data/batch.h"
#include "lib/plan/expr.h"

typedef struct gly_expr_program gly_expr_program;
typedef struct gly_expr_state gly_expr_state;

/* Compiles expressions over a child's columns (COLUMN.column indexes the batch) to flat steps;
 * common sub-expressions once.  No AGGREGATE calls.  The program lives in the arena. */
GLY_NODISCARD gly_status gly_expr_compile(gly_arena *arena, uint32_t expr_count,
                                          gly_expr *const *exprs, gly_expr_program **ret,
                                          gly_error *err);
/* partition: for monotonically_increasing_id and rand. */
gly_expr_state *gly_expr_state_make(const gly_expr_program *program, uint32_t partition);
void gly_expr_state_free(gly_expr_state *state);

/* Evaluates all expressions for the batch's live rows.  results[i] has batch->count rows (aligned
 * with the batch, so its selection applies to them); rows that are not selected hold anything.
 * Memory: scratch and the batch itself (a plain column reference is passed through, shape kept).
 * Errors: one for the first bad live row, naming the expression and its place in the SQL. */
GLY_NODISCARD gly_status gly_expr_run(gly_expr_state *state, const gly_batch *batch,
                                      gly_arena *scratch, gly_column *results, gly_error *err);
/* The program has one BOOLEAN expression per conjunct: writes the live rows for which all are true
 * (not false, not NULL); conjuncts are reordered at run time by measured cost and selectivity.
 * ret_selection has room for GLY_BATCH_ROWS and may be the batch's own selection array. */
GLY_NODISCARD gly_status gly_expr_select(gly_expr_state *state, const gly_batch *batch,
                                         gly_arena *scratch, uint16_t *ret_selection,
                                         uint32_t *ret_count, gly_error *err);
#endif
