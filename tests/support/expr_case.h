/* expr_case.h - expressions written as text, run in every shape a batch can have.
 *
 *   gly_expr_case_check((gly_expr_case_column[]){{"a", "int", "1|null|3"}, {0}},
 *                       "(+ a 1)", "2|null|4");
 *
 * Expressions: (function argument ...), a column's name, 5, 5L, 1.5 (decimal), 1.5e0 (double),
 * 'text', true, false, null, date'2024-01-31', ts'2024-01-31 12:00:00', (cast x decimal(10,2)),
 * (try_cast x int).  Arguments are coerced by the function's type rule, as the analyzer does.
 * Expected: the rows' values joined by |, or !part of the error's message.
 *
 * Each case is run with all columns flat, as dictionaries, and as constants row by row; with all
 * rows live, every other row live, and one row live; over a batch repeated until it is large.
 */
#ifndef GLY_EXPR_CASE_H
#define GLY_EXPR_CASE_H

#include "lib/plan/expr.h"

typedef struct gly_expr_case_column {
    const char *name, *type, *values; /* values joined by |; name NULL ends the list */
} gly_expr_case_column;

void gly_expr_case_check(const gly_expr_case_column *columns, const char *expression,
                         const char *expected, const char *file, int line);
/* An expression from text; ends the program if it is malformed, NULL on a type error. */
gly_expr *gly_expr_case_parse(gly_arena *arena, const gly_expr_case_column *columns,
                              const char *text, gly_error *err);

#define GLY_EXPR_CASE(columns, expression, expected)                                               \
    gly_expr_case_check(columns, expression, expected, __FILE__, __LINE__)
/* No columns: one value. */
#define GLY_EXPR_VALUE(expression, expected)                                                       \
    gly_expr_case_check(NULL, expression, expected, __FILE__, __LINE__)

#endif
