/* evaluate.h - one expression without columns to one value: constant folding, VALUES, SET.
 *
 * The only door of the engine that lib/sql may use.
 */
#ifndef GLY_EVALUATE_H
#define GLY_EVALUATE_H

#include "lib/plan/expr.h"

GLY_NODISCARD gly_status gly_evaluate(gly_arena *arena, gly_expr *expr, gly_value *ret,
                                      gly_error *err);
#endif
