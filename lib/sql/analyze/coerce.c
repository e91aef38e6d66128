/* coerce.c - calls and casts with types: arguments are cast as the function's type rule says.
 *
 * The rules are in lib/plan/function_type.c; here they are applied.  A cast of an untyped NULL is a
 * typed NULL.  Which casts may be written at all is Spark's table for ANSI mode (SQL reference,
 * "ANSI Compliance", CAST).  Constants are folded by the optimizer, not here.
 */
#include "lib/sql/analyze/analyzer.h"

gly_expr *gly_coerce_bigint(gly_analyzer *an, int64_t value) {
    return gly_expr_literal(an->arena, gly_value_i64(GLY_TYPE_OF(BIGINT), value));
}

gly_expr *gly_coerce_cast(gly_analyzer *an, gly_expr *arg, gly_type type) {
    if (gly_type_equal(arg->type, type)) {
        return arg;
    }
    if (arg->kind == GLY_EXPR_LITERAL && arg->value.is_null) {
        gly_expr *null = gly_expr_literal(an->arena, gly_value_null(type));
        null->line = arg->line;
        null->position = arg->position;
        return null;
    }
    return gly_expr_cast(an->arena, arg, type, false);
}

/* date + interval: the kernels want the date first. */
static void order_time_first(gly_function_id function, gly_expr **args) {
    if (function != GLY_FN_ADD && function != GLY_FN_TRY_ADD) {
        return;
    }
    gly_type_id first = (gly_type_id)args[0]->type.id;
    gly_type_id second = (gly_type_id)args[1]->type.id;
    bool time_first =
        first == GLY_TYPE_DATE || first == GLY_TYPE_TIMESTAMP || first == GLY_TYPE_TIMESTAMP_NTZ;
    bool time_second =
        second == GLY_TYPE_DATE || second == GLY_TYPE_TIMESTAMP || second == GLY_TYPE_TIMESTAMP_NTZ;
    bool interval_first = first == GLY_TYPE_INTERVAL_DAY || first == GLY_TYPE_INTERVAL_MONTH;
    bool text_second = second == GLY_TYPE_STRING;
    if ((time_second && !time_first) || (interval_first && text_second)) {
        gly_expr *swap = args[0];
        args[0] = args[1];
        args[1] = swap;
    }
}

gly_status gly_coerce_call(gly_analyzer *an, gly_function_id function, uint32_t count,
                           gly_expr **args, uint32_t line, uint32_t position, gly_expr **ret) {
    gly_type *types = GLY_ARENA_ARRAY(an->arena, gly_type, count + 1);
    const gly_value **literals = GLY_ARENA_ARRAY(an->arena, const gly_value *, count + 1);
    bool *nullable = GLY_ARENA_ARRAY(an->arena, bool, count + 1);
    gly_expr **coerced = GLY_ARENA_ARRAY(an->arena, gly_expr *, count);
    for (uint32_t i = 0; i < count; i++) {
        coerced[i] = args[i];
    }
    if (count == 2) {
        order_time_first(function, coerced);
    }
    for (uint32_t i = 0; i < count; i++) {
        types[i] = coerced[i]->type;
        literals[i] = gly_expr_is_literal(coerced[i]) ? &coerced[i]->value : NULL;
    }
    gly_type type;
    gly_status status = gly_function_types(function, count, types, literals, &type, an->err);
    if (status != GLY_OK) {
        return gly_analyze_place(an, status, line, position);
    }
    for (uint32_t i = 0; i < count; i++) {
        coerced[i] = gly_coerce_cast(an, coerced[i], types[i]);
        nullable[i] = coerced[i]->nullable;
    }
    gly_expr *call;
    if (function == GLY_FN_AND) {
        call = gly_expr_and(an->arena, count, coerced); /* flattens */
    } else {
        call = gly_expr_call(an->arena, function, type,
                             gly_function_nullable(function, count, nullable), count, coerced);
    }
    call->line = line;
    call->position = position;
    *ret = call;
    return GLY_OK;
}

typedef enum type_family {
    FAMILY_NULL,
    FAMILY_BOOLEAN,
    FAMILY_NUMBER,
    FAMILY_STRING,
    FAMILY_BINARY,
    FAMILY_DATE,
    FAMILY_TIMESTAMP,
    FAMILY_INTERVAL,
} type_family;

static type_family family_of(gly_type type) {
    if (gly_type_is_numeric(type)) {
        return FAMILY_NUMBER;
    }
    switch (type.id) {
    case GLY_TYPE_BOOLEAN:
        return FAMILY_BOOLEAN;
    case GLY_TYPE_STRING:
        return FAMILY_STRING;
    case GLY_TYPE_BINARY:
        return FAMILY_BINARY;
    case GLY_TYPE_DATE:
        return FAMILY_DATE;
    case GLY_TYPE_TIMESTAMP:
    case GLY_TYPE_TIMESTAMP_NTZ:
        return FAMILY_TIMESTAMP;
    case GLY_TYPE_INTERVAL_MONTH:
    case GLY_TYPE_INTERVAL_DAY:
        return FAMILY_INTERVAL;
    default:
        return FAMILY_NULL;
    }
}

static bool cast_exists(gly_type from, gly_type to) {
    type_family a = family_of(from), b = family_of(to);
    if (a == FAMILY_NULL || a == FAMILY_STRING || b == FAMILY_STRING) {
        return true;
    }
    switch (a) {
    case FAMILY_BOOLEAN:
        return b == FAMILY_BOOLEAN || b == FAMILY_NUMBER;
    case FAMILY_NUMBER:
        return b == FAMILY_NUMBER || b == FAMILY_BOOLEAN || b == FAMILY_TIMESTAMP;
    case FAMILY_BINARY:
        return b == FAMILY_BINARY;
    case FAMILY_DATE:
        return b == FAMILY_DATE || b == FAMILY_TIMESTAMP;
    case FAMILY_TIMESTAMP:
        return b == FAMILY_DATE || b == FAMILY_TIMESTAMP || b == FAMILY_NUMBER;
    case FAMILY_INTERVAL:
        return from.id == to.id;
    default:
        return false;
    }
}

gly_status gly_coerce_explicit(gly_analyzer *an, gly_expr *arg, gly_type type, bool is_try,
                               uint32_t line, uint32_t position, gly_expr **ret) {
    char from[GLY_TYPE_TEXT_SIZE], to[GLY_TYPE_TEXT_SIZE];
    if (!cast_exists(arg->type, type)) {
        return gly_analyze_fail(
            an, GLY_E_TYPE_MISMATCH, line, position, "A value of type %s cannot be cast to %s",
            gly_type_format(arg->type, from, sizeof from), gly_type_format(type, to, sizeof to));
    }
    bool plain =
        gly_type_equal(arg->type, type) || (arg->kind == GLY_EXPR_LITERAL && arg->value.is_null);
    if (plain) {
        *ret = gly_coerce_cast(an, arg, type);
        return GLY_OK;
    }
    *ret = gly_expr_cast(an->arena, arg, type, is_try);
    (*ret)->line = line;
    (*ret)->position = position;
    return GLY_OK;
}
