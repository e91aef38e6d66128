/* unwrap_cast.c - so that statistics, partitions and dictionaries see the bare column.
 *
 * The cast must be an order-preserving injection (int to bigint, decimal(15,2) to decimal(17,2),
 * date to timestamp ...).  The literal must survive the way to the narrow type and back; the engine
 * itself is asked.  Then a op narrow says exactly what cast(a) op literal said.
 */
#include "lib/sql/optimize/unwrap_cast.h"

#include "lib/engine/evaluate.h"

static int whole_digits(gly_type type) {
    switch (type.id) {
    case GLY_TYPE_TINYINT:
        return 3;
    case GLY_TYPE_SMALLINT:
        return 5;
    case GLY_TYPE_INT:
        return 10;
    default:
        return 19;
    }
}

/* Different values stay different and in order. */
static bool is_widening(gly_type from, gly_type to) {
    bool is_whole = gly_type_is_integral(from);
    if (is_whole && gly_type_is_integral(to)) {
        return from.id < to.id;
    }
    if (is_whole && to.id == GLY_TYPE_DECIMAL) {
        return to.precision - to.scale >= whole_digits(from);
    }
    if (is_whole && to.id == GLY_TYPE_DOUBLE) {
        return from.id <= GLY_TYPE_INT;
    }
    if (from.id == GLY_TYPE_DECIMAL && to.id == GLY_TYPE_DECIMAL) {
        return to.scale >= from.scale && to.precision - to.scale >= from.precision - from.scale;
    }
    return (from.id == GLY_TYPE_FLOAT && to.id == GLY_TYPE_DOUBLE) ||
           (from.id == GLY_TYPE_DATE &&
            (to.id == GLY_TYPE_TIMESTAMP || to.id == GLY_TYPE_TIMESTAMP_NTZ));
}

static gly_expr *column_below(gly_expr *expr) {
    if (expr->kind == GLY_EXPR_CAST && expr->args[0]->kind == GLY_EXPR_COLUMN &&
        is_widening(expr->args[0]->type, expr->type)) {
        return expr->args[0];
    }
    return NULL;
}

/* Between integers the engine need not be asked: long IN lists stay cheap. */
static gly_expr *narrow_integer(gly_rule_context *context, const gly_expr *literal,
                                gly_type type) {
    int bits = type.id == GLY_TYPE_TINYINT ? 8 : type.id == GLY_TYPE_SMALLINT ? 16 : 32;
    int64_t value = literal->value.i64, most = (INT64_C(1) << (bits - 1)) - 1;
    if (value > most || value < -most - 1) {
        return NULL;
    }
    gly_expr *result = gly_expr_literal(context->arena, gly_value_i64(type, value));
    result->line = literal->line;
    result->position = literal->position;
    return result;
}

/* literal as the narrow type, or NULL if it is not exactly one of its values. */
static gly_expr *narrow_literal(gly_rule_context *context, gly_expr *literal, gly_type type) {
    gly_value narrow, back;
    if (literal->kind != GLY_EXPR_LITERAL) {
        return NULL;
    }
    if (literal->value.is_null) {
        return gly_expr_literal(context->arena, gly_value_null(type));
    }
    if (gly_type_is_integral(type) && gly_type_is_integral(literal->type)) {
        return narrow_integer(context, literal, type);
    }
    gly_expr *cast = gly_expr_cast(context->arena, literal, type, true);
    if (gly_evaluate(context->arena, cast, &narrow, NULL) != GLY_OK || narrow.is_null) {
        return NULL;
    }
    gly_expr *result = gly_expr_literal(context->arena, narrow);
    cast = gly_expr_cast(context->arena, result, literal->type, true);
    if (gly_evaluate(context->arena, cast, &back, NULL) != GLY_OK || back.is_null ||
        !gly_type_equal(back.type, literal->value.type) ||
        gly_value_compare(&back, &literal->value) != 0) {
        return NULL;
    }
    result->line = literal->line;
    result->position = literal->position;
    return result;
}

gly_expr *gly_unwrap_cast_comparison(gly_rule_context *context, gly_expr *expr) {
    switch (expr->function) {
    case GLY_FN_EQUAL:
    case GLY_FN_NOT_EQUAL:
    case GLY_FN_LESS:
    case GLY_FN_LESS_EQUAL:
    case GLY_FN_GREATER:
    case GLY_FN_GREATER_EQUAL:
    case GLY_FN_NULL_SAFE_EQUAL:
        break;
    default:
        return expr;
    }
    gly_expr *column = column_below(expr->args[0]);
    if (column == NULL) {
        return expr;
    }
    gly_expr *args[] = {column, narrow_literal(context, expr->args[1], column->type)};
    return args[1] == NULL ? expr
                           : gly_rule_call(context, expr->function, expr->type, expr, 2, args);
}

gly_expr *gly_unwrap_cast_in(gly_rule_context *context, gly_expr *expr) {
    gly_expr *column = column_below(expr->args[0]);
    if (column == NULL) {
        return expr;
    }
    gly_expr **args = GLY_ARENA_ARRAY(context->arena, gly_expr *, expr->arg_count);
    args[0] = column;
    for (uint32_t i = 1; i < expr->arg_count; i++) {
        args[i] = narrow_literal(context, expr->args[i], column->type);
        if (args[i] == NULL) {
            return expr;
        }
    }
    return gly_rule_call(context, GLY_FN_IN, expr->type, expr, expr->arg_count, args);
}
