/* parquet_prune.c - row-group pruning: comparisons with literals, IN, IS [NOT] NULL, AND, OR.
 *
 * The answer "may match" is always right; everything not understood is "may match".  Traps that are
 * handled here: bounds of floats leave NaN out, and NaN is the largest value in Spark; bounds of
 * text may be cut (so they are only bounds, never values); nulls never match a comparison. Which
 * bounds may be trusted at all is parquet_meta.c's business.
 */
#include "lib/io/parquet/parquet_prune.h"

#include <math.h>

enum { MOST_DEPTH = 100 };

typedef struct prune {
    const gly_parquet_bounds *(*get)(void *context, uint32_t column);
    void *context;
} prune;

static bool is_float(gly_type type) {
    return type.id == GLY_TYPE_FLOAT || type.id == GLY_TYPE_DOUBLE;
}

/* The literal as a value of the bounds' type; false if the two cannot be compared here. */
static bool same_type(const gly_value *literal, gly_type type, gly_value *ret) {
    *ret = *literal;
    if (gly_type_equal(literal->type, type)) {
        return true;
    }
    if (literal->type.id == GLY_TYPE_DECIMAL && type.id == GLY_TYPE_DECIMAL &&
        literal->type.scale == type.scale) {
        gly_i128 unscaled = gly_value_unscaled(literal);
        if (type.precision <= GLY_DECIMAL_NARROW_PRECISION && unscaled != (int64_t)unscaled) {
            return false;
        }
        *ret = gly_value_decimal(type, unscaled);
        return true;
    }
    return false;
}

static bool is_all_null(const gly_parquet_bounds *bounds) {
    return bounds->null_count == bounds->row_count;
}

static bool may_equal(const gly_parquet_bounds *bounds, const gly_value *literal) {
    gly_value value;
    if (literal->is_null || is_all_null(bounds)) {
        return false;
    }
    if (!bounds->has_bounds || !same_type(literal, bounds->min.type, &value) ||
        (is_float(value.type) && isnan(value.f64))) {
        return true;
    }
    return gly_value_compare(&bounds->min, &value) <= 0 &&
           gly_value_compare(&value, &bounds->max) <= 0;
}

/* column <function> literal */
static bool may_compare(const gly_parquet_bounds *bounds, gly_function_id function,
                        const gly_value *literal) {
    if (function == GLY_FN_EQUAL || function == GLY_FN_NULL_SAFE_EQUAL) {
        if (function == GLY_FN_NULL_SAFE_EQUAL && literal->is_null) {
            return bounds->null_count != 0;
        }
        return may_equal(bounds, literal);
    }
    gly_value value;
    if (literal->is_null || is_all_null(bounds)) {
        return false;
    }
    if (!bounds->has_bounds || !same_type(literal, bounds->min.type, &value)) {
        return true;
    }
    bool may_have_nan = is_float(value.type);
    switch (function) {
    case GLY_FN_LESS:
        return gly_value_compare(&bounds->min, &value) < 0;
    case GLY_FN_LESS_EQUAL:
        return gly_value_compare(&bounds->min, &value) <= 0 || (may_have_nan && isnan(value.f64));
    case GLY_FN_GREATER:
        return may_have_nan || gly_value_compare(&bounds->max, &value) > 0;
    case GLY_FN_GREATER_EQUAL:
        return may_have_nan || gly_value_compare(&bounds->max, &value) >= 0;
    case GLY_FN_NOT_EQUAL:
        return may_have_nan || gly_type_is_text(value.type) ||
               gly_value_compare(&bounds->min, &value) != 0 ||
               gly_value_compare(&bounds->max, &value) != 0;
    default:
        return true;
    }
}

static gly_function_id mirrored(gly_function_id function) {
    switch (function) {
    case GLY_FN_LESS:
        return GLY_FN_GREATER;
    case GLY_FN_LESS_EQUAL:
        return GLY_FN_GREATER_EQUAL;
    case GLY_FN_GREATER:
        return GLY_FN_LESS;
    case GLY_FN_GREATER_EQUAL:
        return GLY_FN_LESS_EQUAL;
    default:
        return function;
    }
}

static bool check_comparison(const prune *from, const gly_expr *expr) {
    const gly_expr *left = expr->args[0];
    const gly_expr *right = expr->args[1];
    gly_function_id function = expr->function;
    if (left->kind == GLY_EXPR_LITERAL) {
        const gly_expr *swap = left;
        left = right;
        right = swap;
        function = mirrored(function);
    }
    if (left->kind != GLY_EXPR_COLUMN || right->kind != GLY_EXPR_LITERAL) {
        return true;
    }
    const gly_parquet_bounds *bounds = from->get(from->context, left->column);
    return bounds == NULL || may_compare(bounds, function, &right->value);
}

static bool check_in(const prune *from, const gly_expr *expr) {
    if (expr->args[0]->kind != GLY_EXPR_COLUMN) {
        return true;
    }
    const gly_parquet_bounds *bounds = from->get(from->context, expr->args[0]->column);
    for (uint32_t i = 1; i < expr->arg_count; i++) {
        if (bounds == NULL || expr->args[i]->kind != GLY_EXPR_LITERAL ||
            may_equal(bounds, &expr->args[i]->value)) {
            return true;
        }
    }
    return false;
}

static bool check_null(const prune *from, const gly_expr *expr) {
    if (expr->args[0]->kind != GLY_EXPR_COLUMN) {
        return true;
    }
    const gly_parquet_bounds *bounds = from->get(from->context, expr->args[0]->column);
    if (bounds == NULL) {
        return true;
    }
    return expr->function == GLY_FN_IS_NULL ? bounds->null_count != 0 : !is_all_null(bounds);
}

/* long: one case per kind of conjunct */
static bool check(const prune *from, const gly_expr *expr, int depth) {
    if (depth > MOST_DEPTH) {
        return true;
    }
    if (expr->kind == GLY_EXPR_LITERAL && expr->type.id == GLY_TYPE_BOOLEAN) {
        return !expr->value.is_null && expr->value.i64 != 0;
    }
    if (expr->kind == GLY_EXPR_COLUMN && expr->type.id == GLY_TYPE_BOOLEAN) {
        gly_value yes = gly_value_i64(GLY_TYPE_OF(BOOLEAN), 1);
        const gly_parquet_bounds *bounds = from->get(from->context, expr->column);
        return bounds == NULL || may_equal(bounds, &yes);
    }
    if (expr->kind != GLY_EXPR_CALL) {
        return true;
    }
    switch (expr->function) {
    case GLY_FN_AND:
        for (uint32_t i = 0; i < expr->arg_count; i++) {
            if (!check(from, expr->args[i], depth + 1)) {
                return false;
            }
        }
        return true;
    case GLY_FN_OR:
        for (uint32_t i = 0; i < expr->arg_count; i++) {
            if (check(from, expr->args[i], depth + 1)) {
                return true;
            }
        }
        return expr->arg_count == 0;
    case GLY_FN_EQUAL:
    case GLY_FN_NOT_EQUAL:
    case GLY_FN_LESS:
    case GLY_FN_LESS_EQUAL:
    case GLY_FN_GREATER:
    case GLY_FN_GREATER_EQUAL:
    case GLY_FN_NULL_SAFE_EQUAL:
        return check_comparison(from, expr);
    case GLY_FN_IN:
        return check_in(from, expr);
    case GLY_FN_IS_NULL:
    case GLY_FN_IS_NOT_NULL:
        return check_null(from, expr);
    default:
        return true;
    }
}

bool gly_parquet_prune_may_match(const gly_expr *conjunct,
                                 const gly_parquet_bounds *(*get)(void *context, uint32_t column),
                                 void *context) {
    prune from = {get, context};
    return check(&from, conjunct, 0);
}
