/* fn_math.c - functions of doubles: the C library's, with Spark's NULLs for logarithms.
 *
 * Results may differ from Java's in the last bit where the C library rounds differently.
 */
#include "lib/engine/function/fn_math.h"

#include <math.h>

#define UNARY(name, function)                                                                      \
    gly_status gly_fn_math_##name(gly_call *call, gly_error *err) {                                \
        (void)err;                                                                                 \
        GLY_CALL_EACH(call, row) {                                                                 \
            GLY_CALL_RESULT(call, double)[row] = function(GLY_CALL_ARG(call, 0, double, row));     \
        }                                                                                          \
        return GLY_OK;                                                                             \
    }
/* NULL unless the argument is positive (NaN stays NaN). */
#define LOGARITHM(name, function)                                                                  \
    gly_status gly_fn_math_##name(gly_call *call, gly_error *err) {                                \
        (void)err;                                                                                 \
        GLY_CALL_EACH(call, row) {                                                                 \
            double value = GLY_CALL_ARG(call, 0, double, row);                                     \
            if (!gly_call_arg_valid(call, 0, row) || value <= 0) {                                 \
                gly_call_set_null(call, row);                                                      \
            } else {                                                                               \
                GLY_CALL_RESULT(call, double)[row] = function(value);                              \
            }                                                                                      \
        }                                                                                          \
        return GLY_OK;                                                                             \
    }
#define BINARY(name, function)                                                                     \
    gly_status gly_fn_math_##name(gly_call *call, gly_error *err) {                                \
        (void)err;                                                                                 \
        GLY_CALL_EACH(call, row) {                                                                 \
            GLY_CALL_RESULT(call, double)[row] = function(GLY_CALL_ARG(call, 0, double, row),      \
                                                          GLY_CALL_ARG(call, 1, double, row));     \
        }                                                                                          \
        return GLY_OK;                                                                             \
    }
#define CONSTANT(name, value)                                                                      \
    gly_status gly_fn_math_##name(gly_call *call, gly_error *err) {                                \
        (void)err;                                                                                 \
        GLY_CALL_EACH(call, row) { GLY_CALL_RESULT(call, double)[row] = value; }                   \
        return GLY_OK;                                                                             \
    }

static double sign_of(double value) {
    return value > 0 ? 1 : value < 0 ? -1 : value; /* zeros and NaN stay */
}

/* Java: pow(1, NaN) and pow(-1, infinity) are NaN; C says 1. */
static double java_pow(double base, double exponent) {
    if (isnan(exponent) || (fabs(base) == 1 && isinf(exponent))) {
        return (double)NAN;
    }
    return pow(base, exponent);
}

UNARY(sqrt, sqrt)
UNARY(exp, exp)
UNARY(sin, sin)
UNARY(cos, cos)
UNARY(tan, tan)
UNARY(asin, asin)
UNARY(acos, acos)
UNARY(atan, atan)
UNARY(sign, sign_of)
LOGARITHM(ln, log)
LOGARITHM(log10, log10)
LOGARITHM(log2, log2)
BINARY(power, java_pow)
BINARY(atan2, atan2)
CONSTANT(pi, M_PI)
CONSTANT(e, M_E)
