/* fn_math.c - functions of doubles: the C library's, with Spark's NULLs for logarithms.
 *
 * Results may differ from Java's in the last bit where the C library rounds differently.  asinh,
 * acosh and atanh are Spark's formulas, not the C library's better ones: digits are to agree.
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
            GLY_CALL_RESULT(call, double)                                                          \
            [row] =                                                                                \
                function(GLY_CALL_ARG(call, 0, double, row), GLY_CALL_ARG(call, 1, double, row));  \
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

static double java_asinh(double x) { return isinf(x) && x < 0 ? x : log(x + sqrt(x * x + 1)); }
static double java_acosh(double x) { return log(x + sqrt(x * x - 1)); }
static double java_atanh(double x) { return 0.5 * (log1p(x) - log1p(-x)); }
/* The C library's own cbrt says 3.0000000000000004 for 27. */
static double cube_root(double x) { return (double)cbrtl((long double)x); }
static double to_degrees(double x) { return x * 57.29577951308232; }
static double to_radians(double x) { return x * 0.017453292519943295; }
static double cotangent(double x) { return 1 / tan(x); }
static double secant(double x) { return 1 / cos(x); }
static double cosecant(double x) { return 1 / sin(x); }

UNARY(sqrt, sqrt)
UNARY(exp, exp)
UNARY(sin, sin)
UNARY(cos, cos)
UNARY(tan, tan)
UNARY(asin, asin)
UNARY(acos, acos)
UNARY(atan, atan)
UNARY(sign, sign_of)
UNARY(expm1, expm1)
UNARY(cbrt, cube_root)
UNARY(rint, rint)
UNARY(degrees, to_degrees)
UNARY(radians, to_radians)
UNARY(sinh, sinh)
UNARY(cosh, cosh)
UNARY(tanh, tanh)
UNARY(asinh, java_asinh)
UNARY(acosh, java_acosh)
UNARY(atanh, java_atanh)
UNARY(cot, cotangent)
UNARY(sec, secant)
UNARY(csc, cosecant)
LOGARITHM(ln, log)
LOGARITHM(log10, log10)
LOGARITHM(log2, log2)
BINARY(power, java_pow)
BINARY(atan2, atan2)
BINARY(hypot, hypot)
CONSTANT(pi, M_PI)
CONSTANT(e, M_E)

/* (x) or (base, x); base 1 divides by zero, which is infinite or no number, not an error. */
gly_status gly_fn_math_log(gly_call *call, gly_error *err) {
    (void)err;
    uint32_t last = call->arg_count - 1;
    GLY_CALL_EACH(call, row) {
        bool valid =
            gly_call_arg_valid(call, last, row) && !(GLY_CALL_ARG(call, last, double, row) <= 0);
        double base = M_E;
        if (last > 0) {
            base = gly_call_arg_valid(call, 0, row) ? GLY_CALL_ARG(call, 0, double, row) : 0;
        }
        if (!valid || base <= 0) {
            gly_call_set_null(call, row);
            continue;
        }
        double result = log(GLY_CALL_ARG(call, last, double, row));
        GLY_CALL_RESULT(call, double)[row] = last > 0 ? result / log(base) : result;
    }
    return GLY_OK;
}

gly_status gly_fn_math_log1p(gly_call *call, gly_error *err) {
    (void)err;
    GLY_CALL_EACH(call, row) {
        double value = GLY_CALL_ARG(call, 0, double, row);
        if (!gly_call_arg_valid(call, 0, row) || value <= -1) {
            gly_call_set_null(call, row);
        } else {
            GLY_CALL_RESULT(call, double)[row] = log1p(value);
        }
    }
    return GLY_OK;
}

gly_status gly_fn_math_factorial(gly_call *call, gly_error *err) {
    (void)err;
    GLY_CALL_EACH(call, row) {
        int32_t number = GLY_CALL_ARG(call, 0, int32_t, row);
        int64_t result = 1;
        if (number < 0 || number > 20) {
            gly_call_set_null(call, row);
        }
        for (int32_t i = 2; i <= number && number <= 20; i++) {
            result *= i;
        }
        GLY_CALL_RESULT(call, int64_t)[row] = result;
    }
    return GLY_OK;
}

/* The number of the bucket of `count` equal ones between low and high; high may be the lower. */
static int64_t bucket_of(double value, double low, double high, int64_t count) {
    if (low > high) {
        value = -value;
        low = -low;
        high = -high;
    }
    if (value < low) {
        return 0;
    }
    if (value >= high) {
        return count + 1;
    }
    double number = (double)count * (value - low) / (high - low);
    return number >= (double)count ? count : (int64_t)number + 1;
}

gly_status gly_fn_math_width_bucket(gly_call *call, gly_error *err) {
    (void)err;
    GLY_CALL_EACH(call, row) {
        double value = GLY_CALL_ARG(call, 0, double, row);
        double low = GLY_CALL_ARG(call, 1, double, row), high = GLY_CALL_ARG(call, 2, double, row);
        int64_t count = GLY_CALL_ARG(call, 3, int64_t, row);
        if (count <= 0 || count == INT64_MAX || isnan(value) || !isfinite(low) || !isfinite(high) ||
            low == high) {
            gly_call_set_null(call, row);
            GLY_CALL_RESULT(call, int64_t)[row] = 0;
        } else {
            GLY_CALL_RESULT(call, int64_t)[row] = bucket_of(value, low, high, count);
        }
    }
    return GLY_OK;
}
