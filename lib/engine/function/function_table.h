/* function_table.h - which code computes which function id or cast.
 *
 * Adding a function: a line in lib/plan/functions.def, the function in a fn_*.c, a line in
 * function_table.c.
 */
#ifndef GLY_FUNCTION_TABLE_H
#define GLY_FUNCTION_TABLE_H

#include "lib/engine/function/call.h"

enum {
    GLY_KERNEL_VECTOR = 1, /* computes garbage rows without harm: may be run over all rows */
    GLY_KERNEL_NARROW = 2, /* reads call->narrow; may write call->result_narrow */
    GLY_KERNEL_NULLS = 4,  /* sees NULL arguments and decides itself (functions not STRICT) */
    GLY_KERNEL_NONDET = 8, /* never shared, never folded, never computed per dictionary entry */
    GLY_KERNEL_SHAPELESS = 16, /* looks at validity only: arguments come in any shape */
};

typedef gly_status gly_function_run(gly_call *call, gly_error *err);
/* Looks at the expression once (literal patterns, lists): memory in the arena, freed with it. */
typedef gly_status gly_function_prepare(gly_arena *arena, const gly_expr *expr, const void **ret,
                                        gly_error *err);

typedef struct gly_function_kernel {
    gly_function_run *run;         /* NULL: not a plain function (LAZY, AGGREGATE) */
    gly_function_prepare *prepare; /* or NULL */
    unsigned flags;
} gly_function_kernel;

/* For a CALL or CAST node with its final argument types; UNSUPPORTED if there is no code for it. */
GLY_NODISCARD gly_status gly_function_table_find(const gly_expr *expr,
                                                 const gly_function_kernel **ret, gly_error *err);

#endif
