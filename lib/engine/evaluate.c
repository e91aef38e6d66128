/* evaluate.c - one expression without columns to one value; the engine's only door for lib/sql.
 *
 * It compiles and runs the expression over one row, so folding at planning time and running give
 * the same results and the same errors.
 */
#include "lib/engine/evaluate.h"

#include "lib/engine/expr/expr_run.h"

gly_status gly_evaluate(gly_arena *arena, gly_expr *expr, gly_value *ret, gly_error *err) {
    if (expr->kind == GLY_EXPR_LITERAL) {
        *ret = expr->value;
        return GLY_OK;
    }
    gly_arena *scratch = gly_arena_make();
    gly_expr_program *program;
    gly_status status = gly_expr_compile(scratch, 1, &expr, &program, err);
    if (status == GLY_OK) {
        gly_expr_state *state = gly_expr_state_make(program, 0);
        gly_batch batch = {.count = 1, .selected = 1};
        gly_column column;
        status = gly_expr_run(state, &batch, scratch, &column, err);
        if (status == GLY_OK) {
            gly_value value = gly_column_get(&column, 0);
            *ret = gly_value_copy(arena, &value);
        }
        gly_expr_state_free(state);
    }
    gly_arena_free(scratch);
    return status;
}
