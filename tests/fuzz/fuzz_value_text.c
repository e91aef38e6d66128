/* fuzz_value_text.c - everything that reads a value from a user's text: dates, timestamps, numbers,
 * decimals, date patterns, LIKE patterns.  What is read must print and read back. */
#include "lib/data/date.h"
#include "lib/data/decimal.h"
#include "lib/data/number_text.h"
#include "lib/engine/evaluate.h"
#include "lib/engine/function/date_pattern.h"

#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_values(gly_str text) {
    int32_t days, days_again;
    int64_t micros, micros_again;
    double number, number_again;
    gly_i128 decimal;
    gly_type type;
    char buffer[64];
    if (gly_date_parse(text, &days)) {
        size_t used = gly_date_format(days, buffer);
        GLY_ASSERT(gly_date_parse((gly_str){buffer, used}, &days_again) && days == days_again);
    }
    if (gly_timestamp_parse(text, &micros)) {
        size_t used = gly_timestamp_format(micros, buffer);
        GLY_ASSERT(gly_timestamp_parse((gly_str){buffer, used}, &micros_again));
    }
    if (gly_number_text_parse_double(text, &number)) {
        size_t used = gly_number_text_double(number, buffer);
        GLY_ASSERT(gly_number_text_parse_double((gly_str){buffer, used}, &number_again));
        GLY_ASSERT(number == number_again || isnan(number));
    }
    if (gly_decimal_parse(text, gly_type_decimal(38, 10), &decimal)) {
        gly_i128 again;
        size_t used = gly_decimal_format(decimal, 10, buffer);
        GLY_ASSERT(gly_decimal_parse((gly_str){buffer, used}, gly_type_decimal(38, 10), &again));
        GLY_ASSERT(decimal == again);
    }
    (void)gly_decimal_parse_literal(text, &type, &decimal);
}

static void evaluate(gly_arena *arena, gly_function_id id, gly_type type, uint32_t count,
                     const gly_str *texts) {
    gly_expr **args = GLY_ARENA_ARRAY(arena, gly_expr *, count);
    for (uint32_t i = 0; i < count; i++) {
        args[i] = gly_expr_literal(arena, gly_value_text(GLY_TYPE_OF(STRING), texts[i]));
    }
    gly_value value;
    gly_error err;
    (void)!gly_evaluate(arena, gly_expr_call(arena, id, type, true, count, args), &value, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    gly_str text = {(const char *)data, size};
    gly_arena *arena = gly_arena_make();
    const gly_date_pattern *pattern;
    int64_t micros;
    size_t half = size / 2;
    gly_str parts[3] = {{text.data, half}, {text.data + half, size - half}, GLY_STR("$0-$1")};
    read_values(text);
    if (gly_date_pattern_compile(arena, parts[0], &pattern, NULL) == GLY_OK) {
        gly_builder out = {0};
        (void)gly_date_pattern_parse(pattern, parts[1], &micros);
        gly_date_pattern_format(pattern, INT64_C(1700000000123456), &out);
        gly_builder_clear(&out);
    }
    evaluate(arena, GLY_FN_LIKE, GLY_TYPE_OF(BOOLEAN), 2, parts);
    evaluate(arena, GLY_FN_REGEXP_REPLACE, GLY_TYPE_OF(STRING), 3, parts);
    evaluate(arena, GLY_FN_INITCAP, GLY_TYPE_OF(STRING), 1, parts);
    evaluate(arena, GLY_FN_UPPER, GLY_TYPE_OF(STRING), 1, parts);
    gly_arena_free(arena);
    return 0;
}
