/* function.h - the function table: look-up by name, arity, type rules, flags.
 *
 * Adding one: a line in functions.def, its kernel in lib/engine/function/, a tests/sql file.
 */
#ifndef GLY_FUNCTION_H
#define GLY_FUNCTION_H

#include "lib/base/arena.h"
#include "lib/data/type.h"

typedef enum gly_function_id {
#define GLY_FUNCTION(id, name, min_args, max_args, rule, flags) GLY_FN_##id,
#include "lib/plan/functions.def"
#undef GLY_FUNCTION
    GLY_FN_COUNT_OF_FUNCTIONS
} gly_function_id;

enum {
    GLY_FUNCTION_STRICT = 1,
    GLY_FUNCTION_LAZY = 2,
    GLY_FUNCTION_AGGREGATE = 4,
    GLY_FUNCTION_NONDET = 8,
    GLY_FUNCTION_CAN_FAIL = 16,
};

typedef struct gly_function {
    const char *name;
    int min_args;
    int max_args; /* -1: any number */
    unsigned flags;
} gly_function;

const gly_function *gly_function_get(gly_function_id id);
/* For people: "+" for $add, "AND" for $and, else the name. */
const char *gly_function_label(gly_function_id id);
/* May the result be NULL, given which arguments may? */
bool gly_function_nullable(gly_function_id id, uint32_t count, const bool *args_nullable);
/* By SQL name, any case, aliases included ("substr", "pow", "mean").  False if unknown. */
bool gly_function_find(gly_str name, gly_function_id *ret);
/* The nearest known name, for "did you mean"; "" if none is near. */
const char *gly_function_suggest(gly_str name);

/* Decides the result type and the types the arguments must be cast to.
 * types: in: argument types (GLY_TYPE_NULL for an untyped NULL); out: what to cast each to.
 * literals[i]: argument i is a literal (for round's scale, decimal literals); may be NULL.
 * DECIMAL operands of + - * / % keep their own precision and scale (as in Spark): the kernel
 * brings them to the result type.  Comparisons, CASE, COALESCE, IN get one common type.
 * Errors: WRONG_ARGUMENTS, TYPE_MISMATCH with the SQL names of the types. */
struct gly_value;
GLY_NODISCARD gly_status gly_function_types(gly_function_id id, uint32_t count, gly_type *types,
                                            const struct gly_value *const *literals,
                                            gly_type *ret_type, gly_error *err);
/* Spark's least common type of two (ANSI): false if there is none. */
bool gly_function_common_type(gly_type a, gly_type b, gly_type *ret);
/* How many state columns an aggregate has and their types, given its (coerced) argument type.
 *   count -> bigint | sum -> sum type (see rule sum), nullable | avg -> sum (double or decimal), bigint
 *   min, max, bit_and/or/xor, first -> the value, nullable (first: + boolean "seen") | variance family -> count
 *   double, mean double, m2 double | bool_and/or -> boolean, nullable */
enum { GLY_FUNCTION_MAX_STATES = 3 };
uint32_t gly_function_states(gly_function_id id, gly_type argument, gly_type result,
                             gly_type states[GLY_FUNCTION_MAX_STATES]);

#endif
