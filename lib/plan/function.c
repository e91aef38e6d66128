/* function.c - the function table as code sees it: look-up by id and name, labels, NULLs, states.
 *
 * The rows are in functions.def; ids are their positions.  Look-up is linear: it happens once per
 * call in a query's text.  Type rules are in function_type.c, kernels in lib/engine/function.
 */
#include "lib/plan/function.h"

#define STRICT GLY_FUNCTION_STRICT
#define LAZY GLY_FUNCTION_LAZY
#define AGGREGATE GLY_FUNCTION_AGGREGATE
#define NONDET GLY_FUNCTION_NONDET
#define CAN_FAIL GLY_FUNCTION_CAN_FAIL
static const gly_function functions[GLY_FN_COUNT_OF_FUNCTIONS] = {
#define GLY_FUNCTION(id, name, min_args, max_args, rule, flags)                                    \
    [GLY_FN_##id] = {name, min_args, max_args, flags},
#include "lib/plan/functions.def"
#undef GLY_FUNCTION
};

static const struct {
    const char *name;
    gly_function_id id;
} aliases[] = {
    {"bit_get", GLY_FN_GETBIT},
    {"btrim", GLY_FN_TRIM},
    {"equal_null", GLY_FN_NULL_SAFE_EQUAL},
    {"make_timestamp_ltz", GLY_FN_MAKE_TIMESTAMP},
    {"try_make_timestamp_ltz", GLY_FN_TRY_MAKE_TIMESTAMP},
    {"sha", GLY_FN_SHA1},
    {"any", GLY_FN_BOOL_OR},
    {"any_value", GLY_FN_FIRST},
    {"ceiling", GLY_FN_CEIL},
    {"char", GLY_FN_CHR},
    {"char_length", GLY_FN_LENGTH},
    {"character_length", GLY_FN_LENGTH},
    {"date_diff", GLY_FN_DATEDIFF},
    {"dateadd", GLY_FN_DATE_ADD},
    {"dayofmonth", GLY_FN_DAY},
    {"every", GLY_FN_BOOL_AND},
    {"first_value", GLY_FN_FIRST},
    {"ifnull", GLY_FN_NVL},
    {"lcase", GLY_FN_LOWER},
    {"len", GLY_FN_LENGTH},
    {"like", GLY_FN_LIKE},
    {"mean", GLY_FN_AVG},
    {"position", GLY_FN_LOCATE},
    {"pow", GLY_FN_POWER},
    {"regexp", GLY_FN_RLIKE},
    {"regexp_like", GLY_FN_RLIKE},
    {"signum", GLY_FN_SIGN},
    {"some", GLY_FN_BOOL_OR},
    {"std", GLY_FN_STDDEV_SAMP},
    {"stddev", GLY_FN_STDDEV_SAMP},
    {"substr", GLY_FN_SUBSTRING},
    {"ucase", GLY_FN_UPPER},
    {"variance", GLY_FN_VAR_SAMP},
};

const gly_function *gly_function_get(gly_function_id id) {
    GLY_ASSERT((unsigned)id < GLY_FN_COUNT_OF_FUNCTIONS);
    return &functions[id];
}

const char *gly_function_label(gly_function_id id) {
    static const struct {
        gly_function_id id;
        const char *label;
    } labels[] = {
        {GLY_FN_ADD, "+"},
        {GLY_FN_SUBTRACT, "-"},
        {GLY_FN_MULTIPLY, "*"},
        {GLY_FN_DIVIDE, "/"},
        {GLY_FN_BIT_AND, "&"},
        {GLY_FN_BIT_OR, "|"},
        {GLY_FN_BIT_XOR, "^"},
        {GLY_FN_BIT_NOT, "~"},
        {GLY_FN_EQUAL, "="},
        {GLY_FN_NOT_EQUAL, "!="},
        {GLY_FN_LESS, "<"},
        {GLY_FN_LESS_EQUAL, "<="},
        {GLY_FN_GREATER, ">"},
        {GLY_FN_GREATER_EQUAL, ">="},
        {GLY_FN_NULL_SAFE_EQUAL, "<=>"},
        {GLY_FN_IN, "IN"},
        {GLY_FN_AND, "AND"},
        {GLY_FN_OR, "OR"},
        {GLY_FN_NOT, "NOT"},
        {GLY_FN_CASE, "CASE"},
        {GLY_FN_LIKE, "LIKE"},
        {GLY_FN_YEAR_OF_WEEK, "yearofweek"},
        {GLY_FN_SECOND_FRACTION, "second"},
    };
    for (size_t i = 0; i < GLY_ARRAY_LEN(labels); i++) {
        if (labels[i].id == id) {
            return labels[i].label;
        }
    }
    return gly_function_get(id)->name;
}

bool gly_function_find(gly_str name, gly_function_id *ret) {
    if (name.size == 0 || name.data[0] == '$') {
        return false;
    }
    for (int i = 0; i < GLY_FN_COUNT_OF_FUNCTIONS; i++) {
        if (gly_str_equal_ignore_case(name, gly_str_of(functions[i].name))) {
            *ret = (gly_function_id)i;
            return true;
        }
    }
    for (size_t i = 0; i < GLY_ARRAY_LEN(aliases); i++) {
        if (gly_str_equal_ignore_case(name, gly_str_of(aliases[i].name))) {
            *ret = aliases[i].id;
            return true;
        }
    }
    return false;
}

const char *gly_function_suggest(gly_str name) {
    const char *best = "";
    size_t best_distance = GLY_MAX(name.size / 3, (size_t)1) + 1;
    if (name.size > 64) {
        return best;
    }
    for (int i = 0; i < GLY_FN_COUNT_OF_FUNCTIONS; i++) {
        if (functions[i].name[0] == '$') {
            continue;
        }
        size_t distance = gly_str_distance(name, gly_str_of(functions[i].name));
        if (distance < best_distance) {
            best_distance = distance;
            best = functions[i].name;
        }
    }
    for (size_t i = 0; i < GLY_ARRAY_LEN(aliases); i++) {
        size_t distance = gly_str_distance(name, gly_str_of(aliases[i].name));
        if (distance < best_distance) {
            best_distance = distance;
            best = aliases[i].name;
        }
    }
    return best;
}

static bool any_nullable(uint32_t first, uint32_t step, uint32_t count, const bool *nullable) {
    for (uint32_t i = first; i < count; i += step) {
        if (nullable[i]) {
            return true;
        }
    }
    return false;
}

static bool all_nullable(uint32_t count, const bool *nullable) {
    for (uint32_t i = 0; i < count; i++) {
        if (!nullable[i]) {
            return false;
        }
    }
    return true;
}

bool gly_function_nullable(gly_function_id id, uint32_t count, const bool *args_nullable) {
    switch (id) {
    case GLY_FN_NULL_SAFE_EQUAL:
    case GLY_FN_IS_NULL:
    case GLY_FN_IS_NOT_NULL:
    case GLY_FN_IS_NAN:
    case GLY_FN_COUNT:
    case GLY_FN_HASH:
    case GLY_FN_XXHASH64:
    case GLY_FN_MONOTONIC_ID:
    case GLY_FN_RAND:
    case GLY_FN_PI:
    case GLY_FN_E:
        return false;
    case GLY_FN_CASE:
        return count % 2 == 0 || any_nullable(1, 2, count, args_nullable) ||
               args_nullable[count - 1];
    case GLY_FN_IF:
    case GLY_FN_NVL2:
        return any_nullable(1, 1, count, args_nullable);
    case GLY_FN_COALESCE:
    case GLY_FN_NVL:
    case GLY_FN_GREATEST:
    case GLY_FN_LEAST:
        return all_nullable(count, args_nullable);
    case GLY_FN_CONCAT_WS:
        return count > 0 && args_nullable[0];
    case GLY_FN_DIVIDE: /* they raise; Spark calls their results nullable all the same */
    case GLY_FN_INT_DIVIDE:
    case GLY_FN_MODULO:
    case GLY_FN_PMOD:
    case GLY_FN_NULLIF:
    case GLY_FN_LN:
    case GLY_FN_LOG:
    case GLY_FN_LOG10:
    case GLY_FN_LOG2:
    case GLY_FN_LOG1P:
    case GLY_FN_FACTORIAL:
    case GLY_FN_WIDTH_BUCKET:
    case GLY_FN_UNHEX:
    case GLY_FN_TRY_URL_DECODE:
    case GLY_FN_REGEXP_SUBSTR:
    case GLY_FN_CONV:
    case GLY_FN_SHA2:
    case GLY_FN_FORMAT_NUMBER:
    case GLY_FN_ELT:
    case GLY_FN_TRY_MAKE_TIMESTAMP:
    case GLY_FN_TRY_MAKE_TIMESTAMP_NTZ:
    case GLY_FN_TIMESTAMP_SECONDS:
    case GLY_FN_TRUNC:
    case GLY_FN_DATE_TRUNC:
    case GLY_FN_RAISE_ERROR:
    case GLY_FN_ASSERT_TRUE:
    case GLY_FN_TRY_ADD:
    case GLY_FN_TRY_SUBTRACT:
    case GLY_FN_TRY_MULTIPLY:
    case GLY_FN_TRY_DIVIDE:
        return true;
    default:
        break;
    }
    if ((functions[id].flags & AGGREGATE) != 0) {
        return true;
    }
    return any_nullable(0, 1, count, args_nullable);
}

uint32_t gly_function_states(gly_function_id id, gly_type argument, gly_type result,
                             gly_type states[GLY_FUNCTION_MAX_STATES]) {
    switch (id) {
    case GLY_FN_COUNT:
        states[0] = GLY_TYPE_OF(BIGINT);
        return 1;
    case GLY_FN_SUM:
        states[0] = result;
        return 1;
    case GLY_FN_AVG:
        states[0] = GLY_TYPE_OF(DOUBLE);
        if (argument.id == GLY_TYPE_DECIMAL) {
            states[0] = gly_type_decimal(
                GLY_MIN(argument.precision + 10, GLY_DECIMAL_MAX_PRECISION), argument.scale);
        }
        states[1] = GLY_TYPE_OF(BIGINT);
        return 2;
    case GLY_FN_FIRST:
        states[0] = result;
        states[1] = GLY_TYPE_OF(BOOLEAN);
        return 2;
    case GLY_FN_STDDEV_SAMP:
    case GLY_FN_STDDEV_POP:
    case GLY_FN_VAR_SAMP:
    case GLY_FN_VAR_POP:
        states[0] = states[1] = states[2] = GLY_TYPE_OF(DOUBLE);
        return 3;
    default: /* min, max, bool_and, bool_or, bit_and, bit_or, bit_xor */
        states[0] = result;
        return 1;
    }
}
