/* selectivity.c - the fraction of rows for which a condition is true.
 *
 * Bounds and distinct counts are used where the condition compares a column with a literal;
 * otherwise the customary constants: a third for an inequality, a tenth for LIKE.  Applying a
 * condition tightens the column's bounds so that the next conjunct sees what is left.
 */
#include "lib/sql/optimize/selectivity.h"

#include "lib/base/alloc.h"

static const double UNKNOWN_EQUAL = 0.05, UNKNOWN_RANGE = 1.0 / 3, UNKNOWN_LIKE = 0.1,
                    UNKNOWN_OTHER = 0.25, UNKNOWN_NULL = 0.02;

static double clamp(double fraction) { return GLY_MIN(1, GLY_MAX(fraction, 0)); }

const gly_cardinality_column *gly_selectivity_column(const gly_cardinality_estimate *estimate,
                                                     const gly_expr *expr) {
    while (expr->kind == GLY_EXPR_CAST) {
        expr = expr->args[0];
    }
    for (uint32_t i = 0; expr->kind == GLY_EXPR_COLUMN && i < estimate->column_count; i++) {
        if (estimate->columns[i].id == expr->column) {
            return &estimate->columns[i];
        }
    }
    return NULL;
}

/* For tightening.  A column under a cast keeps its own scale only if the cast does not change it,
 * so only bare columns are tightened. */
static gly_cardinality_column *bare_column(gly_cardinality_estimate *estimate,
                                           const gly_expr *expr) {
    return expr->kind == GLY_EXPR_COLUMN
               ? (gly_cardinality_column *)gly_selectivity_column(estimate, expr)
               : NULL;
}

static double equal_literal(gly_cardinality_estimate *estimate, const gly_expr *side,
                            const gly_value *value) {
    const gly_cardinality_column *column = gly_selectivity_column(estimate, side);
    gly_cardinality_column *bare = bare_column(estimate, side);
    double number;
    if (value->is_null) {
        return 0;
    }
    if (column == NULL) {
        return UNKNOWN_EQUAL;
    }
    double fraction = (1 - column->null_fraction) / column->distinct;
    if (bare != NULL) {
        if (bare->has_bounds && gly_cardinality_number(value, &number)) {
            if (number < bare->low || number > bare->high) {
                return 0;
            }
            bare->low = bare->high = number;
        }
        bare->distinct = 1;
        bare->null_fraction = 0;
    }
    return fraction;
}

/* side < value (is_less) or side > value, with or without equality. */
static double compare_literal(gly_cardinality_estimate *estimate, const gly_expr *side,
                              const gly_value *value, bool is_less) {
    gly_cardinality_column *column = bare_column(estimate, side);
    double number;
    if (value->is_null) {
        return 0;
    }
    if (column == NULL || !column->has_bounds || !gly_cardinality_number(value, &number)) {
        return UNKNOWN_RANGE;
    }
    double span = column->high - column->low;
    double part = is_less ? number - column->low : column->high - number;
    double fraction = span <= 0 ? (part >= 0 ? 1 : 0) : clamp(part / span);
    if (fraction > 0) {
        column->low = is_less ? column->low : GLY_MAX(column->low, number);
        column->high = is_less ? GLY_MIN(column->high, number) : column->high;
        column->distinct = GLY_MAX(1, column->distinct * fraction);
    }
    fraction *= 1 - column->null_fraction;
    column->null_fraction = 0;
    return fraction;
}

static double compare(gly_cardinality_estimate *estimate, const gly_expr *call) {
    const gly_expr *left = call->args[0], *right = call->args[1];
    bool is_less = call->function == GLY_FN_LESS || call->function == GLY_FN_LESS_EQUAL;
    if (right->kind == GLY_EXPR_LITERAL) {
        return compare_literal(estimate, left, &right->value, is_less);
    }
    if (left->kind == GLY_EXPR_LITERAL) {
        return compare_literal(estimate, right, &left->value, !is_less);
    }
    return UNKNOWN_RANGE;
}

static double equal(gly_cardinality_estimate *estimate, const gly_expr *call) {
    const gly_expr *left = call->args[0], *right = call->args[1];
    if (right->kind == GLY_EXPR_LITERAL) {
        return equal_literal(estimate, left, &right->value);
    }
    if (left->kind == GLY_EXPR_LITERAL) {
        return equal_literal(estimate, right, &left->value);
    }
    const gly_cardinality_column *a = gly_selectivity_column(estimate, left);
    const gly_cardinality_column *b = gly_selectivity_column(estimate, right);
    double distinct = GLY_MAX(a == NULL ? 1 : a->distinct, b == NULL ? 1 : b->distinct);
    return a == NULL && b == NULL ? UNKNOWN_EQUAL : 1 / distinct;
}

static double in_list(gly_cardinality_estimate *estimate, const gly_expr *call) {
    const gly_cardinality_column *column = gly_selectivity_column(estimate, call->args[0]);
    gly_cardinality_column *bare = bare_column(estimate, call->args[0]);
    double count = call->arg_count - 1;
    double fraction = column == NULL ? UNKNOWN_EQUAL * count : count / column->distinct;
    if (bare != NULL) {
        bare->distinct = GLY_MIN(bare->distinct, count);
    }
    return clamp(fraction);
}

/* On a copy, so that what holds under NOT or in one branch of OR does not tighten the columns. */
static double without_effect(const gly_cardinality_estimate *estimate, const gly_expr *condition) {
    size_t size = estimate->column_count * sizeof *estimate->columns;
    gly_cardinality_estimate copy = *estimate;
    copy.columns = gly_alloc(size + 1);
    memcpy(copy.columns, estimate->columns, size);
    double fraction = gly_selectivity_apply(&copy, condition);
    free(copy.columns);
    return fraction;
}

static double any_of(gly_cardinality_estimate *estimate, const gly_expr *call) {
    double none = 1;
    for (uint32_t i = 0; i < call->arg_count; i++) {
        none *= 1 - without_effect(estimate, call->args[i]);
    }
    return 1 - none;
}

static double null_test(gly_cardinality_estimate *estimate, const gly_expr *call) {
    gly_cardinality_column *column = bare_column(estimate, call->args[0]);
    double nulls = column == NULL ? UNKNOWN_NULL : column->null_fraction;
    if (call->function == GLY_FN_IS_NULL) {
        return nulls;
    }
    if (column != NULL) {
        column->null_fraction = 0;
    }
    return 1 - nulls;
}

static double call_selectivity(gly_cardinality_estimate *estimate, const gly_expr *call) {
    double all = 1;
    switch (call->function) {
    case GLY_FN_AND:
        for (uint32_t i = 0; i < call->arg_count; i++) {
            all *= gly_selectivity_apply(estimate, call->args[i]);
        }
        return all;
    case GLY_FN_OR:
        return any_of(estimate, call);
    case GLY_FN_NOT:
        return 1 - without_effect(estimate, call->args[0]);
    case GLY_FN_EQUAL:
    case GLY_FN_NULL_SAFE_EQUAL:
        return equal(estimate, call);
    case GLY_FN_NOT_EQUAL: {
        gly_expr same = *call;
        same.function = GLY_FN_EQUAL;
        return 1 - without_effect(estimate, &same);
    }
    case GLY_FN_LESS:
    case GLY_FN_LESS_EQUAL:
    case GLY_FN_GREATER:
    case GLY_FN_GREATER_EQUAL:
        return compare(estimate, call);
    case GLY_FN_IN:
        return in_list(estimate, call);
    case GLY_FN_IS_NULL:
    case GLY_FN_IS_NOT_NULL:
        return null_test(estimate, call);
    case GLY_FN_LIKE:
    case GLY_FN_RLIKE:
    case GLY_FN_STARTSWITH:
    case GLY_FN_ENDSWITH:
    case GLY_FN_CONTAINS:
        return UNKNOWN_LIKE;
    default:
        return UNKNOWN_OTHER;
    }
}

double gly_selectivity_apply(gly_cardinality_estimate *estimate, const gly_expr *condition) {
    if (condition->kind == GLY_EXPR_LITERAL) {
        return condition->value.is_null || condition->value.i64 == 0 ? 0 : 1;
    }
    if (condition->kind != GLY_EXPR_CALL) {
        return 0.5;
    }
    return clamp(call_selectivity(estimate, condition));
}
