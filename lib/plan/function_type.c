/* function_type.c - the type rules named in functions.def: coercion of arguments, result types.
 *
 * Spark 4 with ANSI on: NULL becomes anything, numbers widen, a string beside another type becomes
 * that type (integers: bigint, fractions: double), decimals follow the precision-loss rule of
 * spark.sql.decimalOperations.allowPrecisionLoss=true.  Sources: Spark's SQL reference, "ANSI
 * Compliance" (type promotion and precedence) and "Data Types" (decimal results).
 * Invariant: a rule only reads and writes types; casting is the analyzer's.
 */
#include "lib/data/value.h"
#include "lib/plan/function.h"
#include "lib/plan/function_signature.h"

typedef struct rule_call {
    gly_function_id id;
    uint32_t count;
    gly_type *types;
    const gly_value *const *literals; /* or NULL */
    gly_type *ret;
    gly_error *err;
} rule_call;

typedef gly_status rule_function(rule_call *call);

#define RULE(name) static gly_status gly_rule_##name(rule_call *call)

enum { MIN_ADJUSTED_SCALE = 6 };

/* decimals */

static gly_type adjust(int precision, int scale) {
    if (precision <= GLY_DECIMAL_MAX_PRECISION) {
        return gly_type_decimal(precision, scale);
    }
    int digits = precision - scale;
    int least = GLY_MIN(scale, MIN_ADJUSTED_SCALE);
    return gly_type_decimal(GLY_DECIMAL_MAX_PRECISION,
                            GLY_MAX(GLY_DECIMAL_MAX_PRECISION - digits, least));
}

static gly_type bounded(int precision, int scale) {
    return gly_type_decimal(GLY_MIN(precision, GLY_DECIMAL_MAX_PRECISION),
                            GLY_MIN(scale, GLY_DECIMAL_MAX_PRECISION));
}

static gly_type wider_decimal(gly_type a, gly_type b) {
    int scale = GLY_MAX(a.scale, b.scale);
    int digits = GLY_MAX(a.precision - a.scale, b.precision - b.scale);
    if (digits + scale <= GLY_DECIMAL_MAX_PRECISION) {
        return gly_type_decimal(digits + scale, scale);
    }
    return gly_type_decimal(GLY_DECIMAL_MAX_PRECISION, GLY_DECIMAL_MAX_PRECISION - digits);
}

static gly_type decimal_of_integral(gly_type type) {
    switch (type.id) {
    case GLY_TYPE_TINYINT:
        return gly_type_decimal(3, 0);
    case GLY_TYPE_SMALLINT:
        return gly_type_decimal(5, 0);
    case GLY_TYPE_INT:
        return gly_type_decimal(10, 0);
    default:
        return gly_type_decimal(20, 0);
    }
}

/* An integer literal beside a decimal has just the digits it needs. */
static gly_type decimal_of_argument(const rule_call *call, uint32_t i) {
    gly_type type = call->types[i];
    if (type.id == GLY_TYPE_DECIMAL) {
        return type;
    }
    const gly_value *literal = call->literals == NULL ? NULL : call->literals[i];
    if (literal == NULL || literal->is_null) {
        return decimal_of_integral(type);
    }
    int digits = 1;
    for (int64_t rest = literal->i64 / 10; rest != 0; rest /= 10) {
        digits++;
    }
    return gly_type_decimal(digits, 0);
}

/* messages */

static gly_status mismatch(rule_call *call, const char *expected) {
    gly_builder types = {0};
    char text[GLY_TYPE_TEXT_SIZE];
    for (uint32_t i = 0; i < call->count && i < 8; i++) {
        gly_builder_format(&types, "%s%s", i == 0 ? "" : ", ",
                           gly_type_format(call->types[i], text, sizeof text));
    }
    gly_status status =
        gly_fail(call->err, GLY_E_TYPE_MISMATCH, "Cannot apply %s to (%s): expected %s",
                 gly_function_label(call->id), types.data == NULL ? "" : types.data, expected);
    gly_builder_clear(&types);
    return status;
}

/* building blocks */

static bool is_time(gly_type type) {
    return type.id == GLY_TYPE_DATE || type.id == GLY_TYPE_TIMESTAMP ||
           type.id == GLY_TYPE_TIMESTAMP_NTZ;
}

static bool is_interval(gly_type type) {
    return type.id == GLY_TYPE_INTERVAL_MONTH || type.id == GLY_TYPE_INTERVAL_DAY;
}

static bool is_stamp(gly_type type) {
    return type.id == GLY_TYPE_TIMESTAMP || type.id == GLY_TYPE_TIMESTAMP_NTZ;
}

static bool common_numeric(gly_type a, gly_type b, gly_type *ret) {
    bool fraction = a.id == GLY_TYPE_FLOAT || a.id == GLY_TYPE_DOUBLE || b.id == GLY_TYPE_FLOAT ||
                    b.id == GLY_TYPE_DOUBLE;
    if (fraction) {
        *ret = GLY_TYPE_OF(DOUBLE); /* float beside anything but float loses digits */
    } else if (a.id == GLY_TYPE_DECIMAL || b.id == GLY_TYPE_DECIMAL) {
        *ret = wider_decimal(a.id == GLY_TYPE_DECIMAL ? a : decimal_of_integral(a),
                             b.id == GLY_TYPE_DECIMAL ? b : decimal_of_integral(b));
    } else {
        *ret = a.id > b.id ? a : b;
    }
    return true;
}

static bool common_with_string(gly_type other, gly_type *ret) {
    if (gly_type_is_integral(other)) {
        *ret = GLY_TYPE_OF(BIGINT);
    } else if (gly_type_is_numeric(other)) {
        *ret = GLY_TYPE_OF(DOUBLE);
    } else {
        *ret = other;
    }
    return true;
}

bool gly_function_common_type(gly_type a, gly_type b, gly_type *ret) {
    if (gly_type_equal(a, b)) {
        *ret = a;
        return true;
    }
    if (a.id == GLY_TYPE_NULL || b.id == GLY_TYPE_NULL) {
        *ret = a.id == GLY_TYPE_NULL ? b : a;
        return true;
    }
    if (gly_type_is_numeric(a) && gly_type_is_numeric(b)) {
        return common_numeric(a, b, ret);
    }
    if (a.id == GLY_TYPE_STRING || b.id == GLY_TYPE_STRING) {
        return common_with_string(a.id == GLY_TYPE_STRING ? b : a, ret);
    }
    if (is_time(a) && is_time(b)) {
        bool zoned = a.id == GLY_TYPE_TIMESTAMP || b.id == GLY_TYPE_TIMESTAMP;
        *ret = zoned ? GLY_TYPE_OF(TIMESTAMP) : GLY_TYPE_OF(TIMESTAMP_NTZ);
        return true;
    }
    return false;
}

static bool common_of_arguments(rule_call *call, uint32_t first, uint32_t step, gly_type *ret) {
    gly_type common = GLY_TYPE_OF(NULL);
    for (uint32_t i = first; i < call->count; i += step) {
        if (!gly_function_common_type(common, call->types[i], &common)) {
            return false;
        }
    }
    *ret = common;
    return true;
}

/* May an argument of this type be cast to what a function wants, without being asked? */
static bool converts(gly_type from, gly_type to) {
    if (from.id == GLY_TYPE_NULL || gly_type_equal(from, to) || from.id == GLY_TYPE_STRING) {
        return true;
    }
    if (to.id == GLY_TYPE_STRING) {
        return true;
    }
    if (gly_type_is_numeric(from) && gly_type_is_numeric(to)) {
        /* ANSI: a wider integer does not silently become a narrower one, fractions never */
        return !gly_type_is_integral(to) ||
               (gly_type_is_integral(from) && (from.id <= to.id || to.id == GLY_TYPE_INT));
    }
    return is_time(from) && is_time(to);
}

static gly_status want(rule_call *call, uint32_t i, gly_type type, const char *expected) {
    if (i >= call->count) {
        return GLY_OK;
    }
    if (!converts(call->types[i], type)) {
        return mismatch(call, expected);
    }
    call->types[i] = type;
    return GLY_OK;
}

static gly_status want_all(rule_call *call, gly_type type, const char *expected) {
    for (uint32_t i = 0; i < call->count; i++) {
        GLY_TRY(want(call, i, type, expected));
    }
    return GLY_OK;
}

static void set_all(rule_call *call, uint32_t first, uint32_t step, gly_type type) {
    for (uint32_t i = first; i < call->count; i += step) {
        call->types[i] = type;
    }
}

/* arithmetic */

typedef gly_type decimal_result(gly_type a, gly_type b);

static gly_type add_result(gly_type a, gly_type b) {
    int scale = GLY_MAX(a.scale, b.scale);
    return adjust(GLY_MAX(a.precision - a.scale, b.precision - b.scale) + scale + 1, scale);
}

static gly_type multiply_result(gly_type a, gly_type b) {
    return adjust(a.precision + b.precision + 1, a.scale + b.scale);
}

static gly_type divide_result(gly_type a, gly_type b) {
    int scale = GLY_MAX(MIN_ADJUSTED_SCALE, a.scale + b.precision + 1);
    return adjust(a.precision - a.scale + b.scale + scale, scale);
}

static gly_type modulo_result(gly_type a, gly_type b) {
    int scale = GLY_MAX(a.scale, b.scale);
    return adjust(GLY_MIN(a.precision - a.scale, b.precision - b.scale) + scale, scale);
}

/* Two numbers (or strings and NULLs that become numbers).  Integers meet in the wider one. */
static gly_status arithmetic(rule_call *call, decimal_result *result) {
    gly_type *types = call->types;
    if (types[0].id == GLY_TYPE_STRING && types[1].id == GLY_TYPE_STRING) {
        return mismatch(call, "numbers; cast the strings");
    }
    for (int i = 0; i < 2; i++) {
        gly_type other = types[1 - i];
        if (types[i].id == GLY_TYPE_STRING) {
            types[i] = gly_type_is_integral(other) ? GLY_TYPE_OF(BIGINT) : GLY_TYPE_OF(DOUBLE);
        } else if (types[i].id == GLY_TYPE_NULL) {
            types[i] = gly_type_is_numeric(other) ? other : GLY_TYPE_OF(DOUBLE);
        }
    }
    if (!gly_type_is_numeric(types[0]) || !gly_type_is_numeric(types[1])) {
        return mismatch(call, "numbers");
    }
    gly_type common;
    common_numeric(types[0], types[1], &common);
    if (types[0].id == GLY_TYPE_FLOAT && types[1].id == GLY_TYPE_FLOAT) {
        common = GLY_TYPE_OF(FLOAT);
    }
    if (common.id == GLY_TYPE_DECIMAL) {
        gly_type a = decimal_of_argument(call, 0);
        gly_type b = decimal_of_argument(call, 1);
        types[0] = a;
        types[1] = b;
        *call->ret = result(a, b);
    } else {
        types[0] = types[1] = *call->ret = common;
    }
    return GLY_OK;
}

static bool has_part_of_day(const rule_call *call, uint32_t i) {
    const gly_value *literal = call->literals == NULL ? NULL : call->literals[i];
    return literal != NULL && !literal->is_null && literal->i64 % (INT64_C(86400) * 1000000) != 0;
}

/* date or timestamp, plus or minus an interval or days; base, amount: argument numbers */
static gly_status shift_time(rule_call *call, uint32_t base, uint32_t amount) {
    gly_type *types = call->types;
    if (is_interval(types[amount])) {
        if (types[base].id == GLY_TYPE_STRING || types[base].id == GLY_TYPE_NULL ||
            (types[base].id == GLY_TYPE_DATE && types[amount].id == GLY_TYPE_INTERVAL_DAY &&
             has_part_of_day(call, amount))) {
            types[base] = GLY_TYPE_OF(TIMESTAMP);
        }
        if (!is_time(types[base])) {
            return mismatch(call, "a date or timestamp and an interval");
        }
    } else {
        gly_type days = types[amount];
        bool fits = days.id == GLY_TYPE_TINYINT || days.id == GLY_TYPE_SMALLINT ||
                    days.id == GLY_TYPE_INT || days.id == GLY_TYPE_NULL;
        if (types[base].id != GLY_TYPE_DATE || !fits) {
            return mismatch(call, "a date and a number of days (int) or an interval");
        }
        types[amount] = GLY_TYPE_OF(INT);
    }
    *call->ret = types[base];
    return GLY_OK;
}

RULE(add) {
    gly_type *types = call->types;
    if (is_interval(types[0]) && is_interval(types[1])) {
        if (types[0].id != types[1].id) {
            return mismatch(call, "two intervals of one kind");
        }
        *call->ret = types[0];
        return GLY_OK;
    }
    if (is_time(types[0]) || is_interval(types[1])) {
        return shift_time(call, 0, 1);
    }
    if (is_time(types[1]) || is_interval(types[0])) {
        return shift_time(call, 1, 0);
    }
    return arithmetic(call, add_result);
}

RULE(subtract) {
    gly_type *types = call->types;
    if (is_interval(types[0]) && types[0].id == types[1].id) {
        *call->ret = types[0];
        return GLY_OK;
    }
    bool second_is_point = is_time(types[1]) || types[1].id == GLY_TYPE_STRING;
    bool first_is_point = is_time(types[0]) || types[0].id == GLY_TYPE_STRING;
    if (first_is_point && second_is_point && (is_time(types[0]) || is_time(types[1]))) {
        gly_type common;
        if (!gly_function_common_type(types[0], types[1], &common)) {
            return mismatch(call, "two dates or two timestamps");
        }
        types[0] = types[1] = common;
        *call->ret = GLY_TYPE_OF(INTERVAL_DAY);
        return GLY_OK;
    }
    if (is_time(types[0]) || is_interval(types[1])) {
        return shift_time(call, 0, 1);
    }
    return arithmetic(call, add_result);
}

RULE(multiply) { return arithmetic(call, multiply_result); }

RULE(divide) {
    GLY_TRY(arithmetic(call, divide_result));
    if (call->ret->id != GLY_TYPE_DECIMAL) {
        call->types[0] = call->types[1] = *call->ret = GLY_TYPE_OF(DOUBLE);
    }
    return GLY_OK;
}

RULE(modulo) { return arithmetic(call, modulo_result); }

RULE(int_divide) {
    GLY_TRY(arithmetic(call, modulo_result));
    if (call->ret->id != GLY_TYPE_DECIMAL) {
        if (!gly_type_is_integral(*call->ret)) {
            return mismatch(call, "integers or decimals");
        }
        call->types[0] = call->types[1] = GLY_TYPE_OF(BIGINT);
    }
    *call->ret = GLY_TYPE_OF(BIGINT);
    return GLY_OK;
}

RULE(same_numeric) {
    gly_type *type = &call->types[0];
    if (type->id == GLY_TYPE_STRING || type->id == GLY_TYPE_NULL) {
        *type = GLY_TYPE_OF(DOUBLE);
    }
    if (!gly_type_is_numeric(*type) && !is_interval(*type)) {
        return mismatch(call, "a number");
    }
    *call->ret = *type;
    return GLY_OK;
}

RULE(integral) {
    gly_type common = GLY_TYPE_OF(NULL);
    for (uint32_t i = 0; i < call->count; i++) {
        gly_type type = call->types[i];
        if (type.id == GLY_TYPE_STRING) {
            type = GLY_TYPE_OF(BIGINT);
        }
        if (!gly_type_is_integral(type) && type.id != GLY_TYPE_NULL) {
            return mismatch(call, "integers");
        }
        gly_function_common_type(common, type, &common);
    }
    if (common.id == GLY_TYPE_NULL) {
        common = GLY_TYPE_OF(INT);
    }
    set_all(call, 0, 1, common);
    *call->ret = common;
    return GLY_OK;
}

/* predicates */

static gly_status want_common(rule_call *call, uint32_t first, uint32_t step, gly_type *ret) {
    gly_type common;
    if (!common_of_arguments(call, first, step, &common)) {
        return mismatch(call, "types that can be brought to one type");
    }
    set_all(call, first, step, common);
    *ret = common;
    return GLY_OK;
}

RULE(compare) {
    gly_type common, *types = call->types;
    bool decimal = types[0].id == GLY_TYPE_DECIMAL || types[1].id == GLY_TYPE_DECIMAL;
    bool integral = gly_type_is_integral(types[0]) || gly_type_is_integral(types[1]);
    if (decimal && integral) { /* a literal counts as the decimal it is */
        types[0] = decimal_of_argument(call, 0);
        types[1] = decimal_of_argument(call, 1);
    }
    GLY_TRY(want_common(call, 0, 1, &common));
    *call->ret = GLY_TYPE_OF(BOOLEAN);
    return GLY_OK;
}

RULE(in) {
    gly_type common;
    *call->ret = GLY_TYPE_OF(BOOLEAN);
    return want_common(call, 0, 1, &common);
}

RULE(boolean) {
    *call->ret = GLY_TYPE_OF(BOOLEAN);
    return want_all(call, GLY_TYPE_OF(BOOLEAN), "boolean");
}

RULE(predicate) {
    *call->ret = GLY_TYPE_OF(BOOLEAN);
    return GLY_OK;
}

RULE(is_nan) {
    if (call->types[0].id != GLY_TYPE_FLOAT) {
        GLY_TRY(want(call, 0, GLY_TYPE_OF(DOUBLE), "a number"));
    }
    *call->ret = GLY_TYPE_OF(BOOLEAN);
    return GLY_OK;
}

/* conditional */

RULE(case) {
    uint32_t pairs = call->count / 2;
    gly_type common = GLY_TYPE_OF(NULL);
    for (uint32_t i = 0; i < pairs; i++) {
        if (!converts(call->types[2 * i], GLY_TYPE_OF(BOOLEAN))) {
            return mismatch(call, "a boolean after WHEN");
        }
        call->types[2 * i] = GLY_TYPE_OF(BOOLEAN);
        if (!gly_function_common_type(common, call->types[2 * i + 1], &common)) {
            return mismatch(call, "branches that can be brought to one type");
        }
    }
    bool has_else = call->count % 2 == 1;
    if (has_else && !gly_function_common_type(common, call->types[call->count - 1], &common)) {
        return mismatch(call, "branches that can be brought to one type");
    }
    set_all(call, 1, 2, common);
    if (has_else) {
        call->types[call->count - 1] = common;
    }
    *call->ret = common;
    return GLY_OK;
}

RULE(if) {
    GLY_TRY(want(call, 0, GLY_TYPE_OF(BOOLEAN), "a boolean first"));
    return want_common(call, 1, 1, call->ret);
}

RULE(least_common) { return want_common(call, 0, 1, call->ret); }
RULE(nvl2) { return want_common(call, 1, 1, call->ret); }
RULE(nullif) { return want_common(call, 0, 1, call->ret); }

/* strings */

static gly_status want_text(rule_call *call, uint32_t i) {
    if (i < call->count && call->types[i].id != GLY_TYPE_BINARY) {
        return want(call, i, GLY_TYPE_OF(STRING), "a string");
    }
    return GLY_OK;
}

RULE(like) {
    *call->ret = GLY_TYPE_OF(BOOLEAN);
    return want_all(call, GLY_TYPE_OF(STRING), "strings");
}

RULE(length) {
    *call->ret = GLY_TYPE_OF(INT);
    return want_text(call, 0);
}

RULE(string) {
    bool binary = call->id == GLY_FN_CONCAT;
    for (uint32_t i = 0; i < call->count; i++) {
        binary = binary && call->types[i].id == GLY_TYPE_BINARY;
    }
    if (binary) {
        *call->ret = GLY_TYPE_OF(BINARY);
        return GLY_OK;
    }
    *call->ret = GLY_TYPE_OF(STRING);
    return want_all(call, GLY_TYPE_OF(STRING), "strings");
}

RULE(substring) {
    GLY_TRY(want_text(call, 0));
    GLY_TRY(want(call, 1, GLY_TYPE_OF(INT), "(string, int[, int])"));
    GLY_TRY(want(call, 2, GLY_TYPE_OF(INT), "(string, int[, int])"));
    *call->ret = call->types[0];
    return GLY_OK;
}

RULE(pad) {
    GLY_TRY(want(call, 0, GLY_TYPE_OF(STRING), "(string, int[, string])"));
    GLY_TRY(want(call, 1, GLY_TYPE_OF(INT), "(string, int[, string])"));
    GLY_TRY(want(call, 2, GLY_TYPE_OF(STRING), "(string, int[, string])"));
    *call->ret = GLY_TYPE_OF(STRING);
    return GLY_OK;
}

RULE(repeat) { return gly_rule_pad(call); }

RULE(position) {
    GLY_TRY(want(call, 0, GLY_TYPE_OF(STRING), "(string, string[, int])"));
    GLY_TRY(want(call, 1, GLY_TYPE_OF(STRING), "(string, string[, int])"));
    GLY_TRY(want(call, 2, GLY_TYPE_OF(INT), "(string, string[, int])"));
    *call->ret = GLY_TYPE_OF(INT);
    return GLY_OK;
}

RULE(chr) {
    *call->ret = GLY_TYPE_OF(STRING);
    return want(call, 0, GLY_TYPE_OF(BIGINT), "an integer");
}

RULE(split_part) {
    GLY_TRY(gly_rule_position(call));
    *call->ret = GLY_TYPE_OF(STRING);
    return GLY_OK;
}

RULE(regexp_extract) { return gly_rule_split_part(call); }

/* overlay(text, text, int[, int]): both texts are strings or both bytes. */
RULE(overlay) {
    const char *expected = "(string, string, int[, int]) or (bytes, bytes, int[, int])";
    gly_type *types = call->types;
    bool binary = types[0].id == GLY_TYPE_BINARY || types[1].id == GLY_TYPE_BINARY;
    for (uint32_t i = 0; i < 2; i++) {
        if (binary && types[i].id != GLY_TYPE_BINARY && types[i].id != GLY_TYPE_NULL) {
            return mismatch(call, expected);
        }
        types[i] = binary ? GLY_TYPE_OF(BINARY) : GLY_TYPE_OF(STRING);
    }
    for (uint32_t i = 2; i < call->count; i++) {
        if (!gly_type_is_numeric(types[i])) {
            GLY_TRY(want(call, i, GLY_TYPE_OF(INT), expected));
        }
        types[i] = GLY_TYPE_OF(INT);
    }
    *call->ret = types[0];
    return GLY_OK;
}

/* elt(number, value, ...): bytes if all values are bytes, else strings. */
RULE(elt) {
    bool binary = true;
    for (uint32_t i = 1; i < call->count; i++) {
        binary = binary && call->types[i].id == GLY_TYPE_BINARY;
    }
    if (!gly_type_is_numeric(call->types[0])) {
        GLY_TRY(want(call, 0, GLY_TYPE_OF(INT), "(int, string, ...)"));
    }
    call->types[0] = GLY_TYPE_OF(INT);
    *call->ret = binary ? GLY_TYPE_OF(BINARY) : GLY_TYPE_OF(STRING);
    set_all(call, 1, 1, *call->ret);
    return GLY_OK;
}

/* math */

RULE(round) {
    gly_type *type = &call->types[0];
    if (type->id == GLY_TYPE_STRING || type->id == GLY_TYPE_NULL) {
        *type = GLY_TYPE_OF(DOUBLE);
    }
    if (!gly_type_is_numeric(*type)) {
        return mismatch(call, "a number and a constant int");
    }
    GLY_TRY(want(call, 1, GLY_TYPE_OF(INT), "a number and a constant int"));
    *call->ret = *type;
    if (type->id != GLY_TYPE_DECIMAL) {
        return GLY_OK;
    }
    int64_t digits = 0;
    if (call->count > 1) {
        const gly_value *literal = call->literals == NULL ? NULL : call->literals[1];
        if (literal == NULL || !gly_type_is_integral(literal->type) || literal->is_null) {
            return gly_fail(call->err, GLY_E_TYPE_MISMATCH,
                            "The number of digits of %s must be a constant integer when a "
                            "decimal is rounded",
                            gly_function_label(call->id));
        }
        digits = GLY_MIN(GLY_MAX(literal->i64, (int64_t)-38), (int64_t)38);
    }
    int whole = type->precision - type->scale + 1;
    if (digits < 0) {
        *call->ret = bounded((int)GLY_MAX((int64_t)whole, 1 - digits), 0);
    } else {
        int scale = (int)GLY_MIN((int64_t)type->scale, digits);
        *call->ret = bounded(whole + scale, scale);
    }
    return GLY_OK;
}

RULE(floor) {
    gly_type *type = &call->types[0];
    if (type->id == GLY_TYPE_DECIMAL) {
        *call->ret = type->scale == 0 ? *type : bounded(type->precision - type->scale + 1, 0);
        return GLY_OK;
    }
    if (gly_type_is_integral(*type)) {
        *type = GLY_TYPE_OF(BIGINT);
    } else {
        GLY_TRY(want(call, 0, GLY_TYPE_OF(DOUBLE), "a number"));
    }
    *call->ret = GLY_TYPE_OF(BIGINT);
    return GLY_OK;
}

RULE(double) {
    *call->ret = GLY_TYPE_OF(DOUBLE);
    if (call->id == GLY_FN_RAND) {
        return want_all(call, GLY_TYPE_OF(BIGINT), "an integer seed");
    }
    for (uint32_t i = 0; i < call->count; i++) {
        gly_type type = call->types[i];
        if (!gly_type_is_numeric(type) && type.id != GLY_TYPE_STRING && type.id != GLY_TYPE_NULL) {
            return mismatch(call, "numbers");
        }
        call->types[i] = GLY_TYPE_OF(DOUBLE);
    }
    return GLY_OK;
}

RULE(hash_int) {
    *call->ret = GLY_TYPE_OF(INT);
    return GLY_OK;
}

RULE(hash_long) {
    *call->ret = GLY_TYPE_OF(BIGINT);
    return GLY_OK;
}

/* dates and times */

RULE(date_part) {
    *call->ret = GLY_TYPE_OF(INT);
    return want(call, 0, GLY_TYPE_OF(DATE), "a date");
}

RULE(time_part) {
    *call->ret = GLY_TYPE_OF(INT);
    if (call->types[0].id == GLY_TYPE_TIMESTAMP_NTZ) {
        return GLY_OK;
    }
    return want(call, 0, GLY_TYPE_OF(TIMESTAMP), "a timestamp");
}

RULE(date_add) {
    GLY_TRY(want(call, 0, GLY_TYPE_OF(DATE), "(date, int)"));
    GLY_TRY(want(call, 1, GLY_TYPE_OF(INT), "(date, int)"));
    *call->ret = GLY_TYPE_OF(DATE);
    return GLY_OK;
}

RULE(datediff) {
    *call->ret = GLY_TYPE_OF(INT);
    return want_all(call, GLY_TYPE_OF(DATE), "(end date, start date)");
}

RULE(months_between) {
    *call->ret = GLY_TYPE_OF(DOUBLE);
    return want_all(call, GLY_TYPE_OF(TIMESTAMP), "(timestamp, timestamp)");
}

RULE(last_day) {
    *call->ret = GLY_TYPE_OF(DATE);
    return want(call, 0, GLY_TYPE_OF(DATE), "a date");
}

RULE(trunc) {
    *call->ret = GLY_TYPE_OF(DATE);
    GLY_TRY(want(call, 0, GLY_TYPE_OF(DATE), "(date, unit)"));
    return want(call, 1, GLY_TYPE_OF(STRING), "(date, unit)");
}

RULE(date_trunc) {
    GLY_TRY(want(call, 0, GLY_TYPE_OF(STRING), "(unit, timestamp)"));
    if (call->types[1].id != GLY_TYPE_TIMESTAMP_NTZ) {
        GLY_TRY(want(call, 1, GLY_TYPE_OF(TIMESTAMP), "(unit, timestamp)"));
    }
    *call->ret = call->types[1];
    return GLY_OK;
}

RULE(date_format) {
    *call->ret = GLY_TYPE_OF(STRING);
    if (!is_stamp(call->types[0])) {
        GLY_TRY(want(call, 0, GLY_TYPE_OF(TIMESTAMP), "(timestamp, format)"));
    }
    return want(call, 1, GLY_TYPE_OF(STRING), "(timestamp, format)");
}

RULE(to_date) {
    *call->ret = GLY_TYPE_OF(DATE);
    return want_all(call, GLY_TYPE_OF(STRING), "(string[, format])");
}

RULE(to_timestamp) {
    *call->ret = GLY_TYPE_OF(TIMESTAMP);
    return want_all(call, GLY_TYPE_OF(STRING), "(string[, format])");
}

RULE(unix_timestamp) {
    *call->ret = GLY_TYPE_OF(BIGINT);
    if (call->count > 0 && call->types[0].id == GLY_TYPE_DATE) {
        call->types[0] = GLY_TYPE_OF(TIMESTAMP);
    } else if (call->count > 0 && !is_stamp(call->types[0])) {
        GLY_TRY(want(call, 0, GLY_TYPE_OF(STRING), "(string or timestamp[, format])"));
    }
    return want(call, 1, GLY_TYPE_OF(STRING), "(string or timestamp[, format])");
}

RULE(from_unixtime) {
    *call->ret = GLY_TYPE_OF(STRING);
    GLY_TRY(want(call, 0, GLY_TYPE_OF(BIGINT), "(seconds[, format])"));
    return want(call, 1, GLY_TYPE_OF(STRING), "(seconds[, format])");
}

RULE(make_date) {
    *call->ret = GLY_TYPE_OF(DATE);
    return want_all(call, GLY_TYPE_OF(INT), "(year, month, day)");
}

/* timestampadd('HOUR', number, timestamp) */
RULE(timestampadd) {
    const char *expected = "(unit, bigint, timestamp)";
    if (!gly_type_is_numeric(call->types[1])) {
        GLY_TRY(want(call, 1, GLY_TYPE_OF(BIGINT), expected));
    }
    call->types[1] = GLY_TYPE_OF(BIGINT);
    if (call->types[2].id != GLY_TYPE_TIMESTAMP_NTZ) {
        GLY_TRY(want(call, 2, GLY_TYPE_OF(TIMESTAMP), expected));
    }
    *call->ret = call->types[2];
    return want(call, 0, GLY_TYPE_OF(STRING), expected);
}

RULE(signature) {
    const char *expected;
    if (!gly_function_signature_apply(call->id, call->count, call->types, call->ret, &expected)) {
        return mismatch(call, expected);
    }
    return GLY_OK;
}

/* errors on purpose */

RULE(raise_error) {
    *call->ret = GLY_TYPE_OF(NULL);
    return want(call, 0, GLY_TYPE_OF(STRING), "a message");
}

RULE(assert_true) {
    *call->ret = GLY_TYPE_OF(NULL);
    GLY_TRY(want(call, 0, GLY_TYPE_OF(BOOLEAN), "(boolean[, message])"));
    return want(call, 1, GLY_TYPE_OF(STRING), "(boolean[, message])");
}

RULE(test) {
    *call->ret = GLY_TYPE_OF(BIGINT);
    return want(call, 0, GLY_TYPE_OF(BIGINT), "(milliseconds) or (bytes)");
}

/* aggregates */

RULE(count) {
    *call->ret = GLY_TYPE_OF(BIGINT);
    return GLY_OK;
}

RULE(sum) {
    gly_type *type = &call->types[0];
    if (gly_type_is_integral(*type)) {
        *type = *call->ret = GLY_TYPE_OF(BIGINT);
    } else if (type->id == GLY_TYPE_DECIMAL) {
        *call->ret = bounded(type->precision + 10, type->scale);
    } else if (is_interval(*type)) {
        return mismatch(call, "a number");
    } else {
        return gly_rule_double(call);
    }
    return GLY_OK;
}

RULE(avg) {
    gly_type *type = &call->types[0];
    if (type->id == GLY_TYPE_DECIMAL) {
        *call->ret = bounded(type->precision + 4, type->scale + 4);
        return GLY_OK;
    }
    return gly_rule_double(call);
}

/* bit_and, bit_or, bit_xor: integers, and no text. */
RULE(bits) {
    if (call->types[0].id == GLY_TYPE_STRING) {
        return mismatch(call, "an integer");
    }
    return gly_rule_integral(call);
}

RULE(any) {
    *call->ret = call->types[0];
    return GLY_OK;
}

static rule_function *const rules[GLY_FN_COUNT_OF_FUNCTIONS] = {
#define GLY_FUNCTION(id, name, min_args, max_args, rule, flags) [GLY_FN_##id] = gly_rule_##rule,
#include "lib/plan/functions.def"
#undef GLY_FUNCTION
};

static gly_status check_arity(gly_function_id id, uint32_t count, gly_error *err) {
    const gly_function *function = gly_function_get(id);
    if (count >= (uint32_t)function->min_args &&
        (function->max_args < 0 || count <= (uint32_t)function->max_args)) {
        return GLY_OK;
    }
    const char *label = gly_function_label(id);
    if (function->max_args < 0) {
        return gly_fail(err, GLY_E_WRONG_ARGUMENTS,
                        "Function %s takes at least %d argument%s, but was given %u", label,
                        function->min_args, function->min_args == 1 ? "" : "s", count);
    }
    if (function->min_args == function->max_args) {
        return gly_fail(err, GLY_E_WRONG_ARGUMENTS,
                        "Function %s takes %d argument%s, but was given %u", label,
                        function->min_args, function->min_args == 1 ? "" : "s", count);
    }
    return gly_fail(err, GLY_E_WRONG_ARGUMENTS,
                    "Function %s takes %d to %d arguments, but was given %u", label,
                    function->min_args, function->max_args, count);
}

gly_status gly_function_types(gly_function_id id, uint32_t count, gly_type *types,
                              const struct gly_value *const *literals, gly_type *ret_type,
                              gly_error *err) {
    GLY_TRY(check_arity(id, count, err));
    gly_type result = GLY_TYPE_OF(NULL);
    rule_call call = {id, count, types, literals, &result, err};
    GLY_TRY(rules[id](&call));
    *ret_type = result;
    return GLY_OK;
}
