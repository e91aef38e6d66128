/* parse_literal.c - numbers, intervals, DATE '...' and friends, and the names of types.
 *
 * A literal's type follows from how it is written: 1 int (bigint or decimal if it is larger), 1L 1S
 * 1Y, 1.5 and 1.5BD decimal, 1e3 and 1.5D double, 1.5F float.  Intervals become months or
 * microseconds at once.  What cannot be represented is refused here, with its place.
 */
#include "lib/data/date.h"
#include "lib/data/decimal.h"
#include "lib/data/number_text.h"
#include "lib/data/timestamp.h"
#include "lib/sql/parse/parser.h"

static int upper(char c) { return c >= 'a' && c <= 'z' ? c - 32 : c; }

/* numbers */

static gly_status make_integer(gly_parser *parser, const gly_token *token, gly_str text,
                               gly_type_id id, int64_t limit, gly_ast_expr **ret) {
    int64_t value;
    if (!gly_str_to_i64(text, &value) || value > limit || value < -limit - 1) {
        char name[GLY_TYPE_TEXT_SIZE];
        gly_type type = {.id = (uint8_t)id};
        return gly_parser_fail(parser, "this number does not fit the type %s",
                               gly_type_format(type, name, sizeof name));
    }
    *ret = gly_parser_literal(parser, token, gly_value_i64((gly_type){.id = (uint8_t)id}, value));
    return GLY_OK;
}

static gly_status make_decimal(gly_parser *parser, const gly_token *token, gly_str text,
                               gly_ast_expr **ret) {
    gly_type type;
    gly_i128 unscaled;
    if (!gly_decimal_parse_literal(text, &type, &unscaled)) {
        return gly_parser_fail(parser,
                               "this number has more than %d digits; write it as a double "
                               "(1.5D or 1e3)",
                               GLY_DECIMAL_MAX_PRECISION);
    }
    *ret = gly_parser_literal(parser, token, gly_value_decimal(type, unscaled));
    return GLY_OK;
}

static gly_status make_double(gly_parser *parser, const gly_token *token, gly_str text,
                              gly_type_id id, gly_ast_expr **ret) {
    double value;
    if (!gly_str_to_double(text, &value) || value > 1.7976931348623157e308 ||
        value < -1.7976931348623157e308 ||
        (id == GLY_TYPE_FLOAT && (value > 3.5e38 || value < -3.5e38))) {
        return gly_parser_fail(parser, "this number does not fit the type %s",
                               id == GLY_TYPE_FLOAT ? "float" : "double");
    }
    if (id == GLY_TYPE_FLOAT) {
        value = (double)(float)value;
    }
    *ret = gly_parser_literal(parser, token, gly_value_f64((gly_type){.id = (uint8_t)id}, value));
    return GLY_OK;
}

/* Without a suffix: text is digits, perhaps with a point or an exponent. */
static gly_status make_plain(gly_parser *parser, const gly_token *token, gly_str text,
                             gly_ast_expr **ret) {
    if (memchr(text.data, 'e', text.size) != NULL || memchr(text.data, 'E', text.size) != NULL) {
        return make_double(parser, token, text, GLY_TYPE_DOUBLE, ret);
    }
    if (memchr(text.data, '.', text.size) != NULL) {
        return make_decimal(parser, token, text, ret);
    }
    int64_t value;
    if (!gly_str_to_i64(text, &value)) {
        return make_decimal(parser, token, text, ret);
    }
    bool narrow = value >= INT32_MIN && value <= INT32_MAX;
    gly_type type = narrow ? GLY_TYPE_OF(INT) : GLY_TYPE_OF(BIGINT);
    *ret = gly_parser_literal(parser, token, gly_value_i64(type, value));
    return GLY_OK;
}

static gly_status make_number(gly_parser *parser, const gly_token *token, gly_str text,
                              gly_ast_expr **ret) {
    gly_str front = {text.data, text.size - 1};
    switch (upper(text.data[text.size - 1])) {
    case 'L':
        return make_integer(parser, token, front, GLY_TYPE_BIGINT, INT64_MAX, ret);
    case 'S':
        return make_integer(parser, token, front, GLY_TYPE_SMALLINT, INT16_MAX, ret);
    case 'Y':
        return make_integer(parser, token, front, GLY_TYPE_TINYINT, INT8_MAX, ret);
    case 'D':
        if (text.size >= 2 && upper(text.data[text.size - 2]) == 'B') {
            return make_decimal(parser, token, (gly_str){text.data, text.size - 2}, ret);
        }
        return make_double(parser, token, front, GLY_TYPE_DOUBLE, ret);
    case 'F':
        return make_double(parser, token, front, GLY_TYPE_FLOAT, ret);
    default:
        return make_plain(parser, token, text, ret);
    }
}

gly_status gly_parse_literal_number(gly_parser *parser, bool negative, gly_ast_expr **ret) {
    const gly_token *token = gly_parser_peek(parser);
    gly_str text = token->text;
    if (negative) {
        token = &parser->tokens[parser->at - 1]; /* the sign: where the literal begins */
        text = gly_str_of(gly_arena_format(parser->arena, "-%.*s", GLY_STR_ARG(text)));
    }
    GLY_TRY(make_number(parser, token, text, ret));
    (void)gly_parser_take(parser, GLY_TOKEN_NUMBER);
    return GLY_OK;
}

/* DATE '...' */

gly_status gly_parse_literal_typed(gly_parser *parser, gly_type type, gly_ast_expr **ret) {
    const gly_token *token = gly_parser_peek(parser);
    const gly_token *string = gly_parser_peek_at(parser, 1);
    int64_t value = 0;
    int32_t days = 0;
    bool good;
    if (type.id == GLY_TYPE_DATE) {
        good = gly_date_parse(gly_str_trim(string->value), &days);
        value = days;
    } else {
        good = gly_timestamp_parse(gly_str_trim(string->value), &value);
    }
    if (!good) {
        char name[GLY_TYPE_TEXT_SIZE];
        return gly_fail(
            parser->err, GLY_E_PARSE, "'%.*s' is not a %s (line %u, column %u); write it as %s",
            (int)GLY_MIN(string->value.size, (size_t)64), string->value.data,
            gly_type_format(type, name, sizeof name), string->line, string->position,
            type.id == GLY_TYPE_DATE ? "DATE '2024-01-31'" : "TIMESTAMP '2024-01-31 12:34:56'");
    }
    (void)gly_parser_take(parser, GLY_TOKEN_WORD);
    (void)gly_parser_take(parser, GLY_TOKEN_STRING);
    *ret = gly_parser_literal(parser, token, gly_value_i64(type, value));
    return GLY_OK;
}

/* intervals */

typedef struct interval {
    int64_t months, micros;
    bool has_months, has_micros;
} interval;

/* Months of a unit, or 0; microseconds of it in *ret_micros, or 0. */
static int64_t unit_of(gly_str word, int64_t *ret_micros) {
    static const struct {
        const char *name;
        int64_t months, micros;
    } units[] = {
        {"year", 12, 0},
        {"month", 1, 0},
        {"week", 0, 7 * GLY_TIMESTAMP_DAY},
        {"day", 0, GLY_TIMESTAMP_DAY},
        {"hour", 0, 3600 * GLY_TIMESTAMP_SECOND},
        {"minute", 0, 60 * GLY_TIMESTAMP_SECOND},
        {"second", 0, GLY_TIMESTAMP_SECOND},
        {"millisecond", 0, 1000},
        {"microsecond", 0, 1},
    };
    for (size_t i = 0; i < GLY_ARRAY_LEN(units); i++) {
        gly_str name = gly_str_of(units[i].name);
        bool plural = word.size == name.size + 1 && upper(word.data[name.size]) == 'S';
        if (gly_str_equal_ignore_case(name, (gly_str){word.data, word.size - plural})) {
            *ret_micros = units[i].micros;
            return units[i].months;
        }
    }
    *ret_micros = 0;
    return 0;
}

/* amount: "3", "-1.5"; fractions for seconds only. */
static bool add_unit(interval *total, gly_str amount, gly_str unit) {
    int64_t micros;
    int64_t months = unit_of(unit, &micros);
    gly_type type =
        gly_type_decimal(GLY_DECIMAL_NARROW_PRECISION, micros == GLY_TIMESTAMP_SECOND ? 6 : 0);
    gly_type written;
    gly_i128 number;
    amount = gly_str_trim(amount);
    if (amount.size > 1 && amount.data[0] == '+') {
        amount = (gly_str){amount.data + 1, amount.size - 1};
    }
    if ((months == 0 && micros == 0) || amount.size > 40 ||
        !gly_decimal_parse_literal(amount, &written, &number) || written.scale > type.scale ||
        !gly_decimal_parse(amount, type, &number)) {
        return false;
    }
    int64_t value = (int64_t)number;
    if (months != 0) {
        total->has_months = true;
        return !__builtin_mul_overflow(value, months, &value) &&
               !__builtin_add_overflow(total->months, value, &total->months);
    }
    total->has_micros = true;
    if (type.scale == 0 && __builtin_mul_overflow(value, micros, &value)) {
        return false;
    }
    return !__builtin_add_overflow(total->micros, value, &total->micros);
}

static gly_str next_word(gly_str *text) {
    *text = gly_str_trim(*text);
    size_t size = 0;
    while (size < text->size && text->data[size] != ' ' && text->data[size] != '\t') {
        size++;
    }
    gly_str word = {text->data, size};
    *text = (gly_str){text->data + size, text->size - size};
    return word;
}

/* '1 day 2 hours' */
static bool add_words(interval *total, gly_str text) {
    gly_str word = next_word(&text);
    if (gly_str_equal_ignore_case(word, GLY_STR("interval"))) {
        word = next_word(&text);
    }
    while (word.size > 0) {
        gly_str unit = next_word(&text);
        if (unit.size == 0 || !add_unit(total, word, unit)) {
            return false;
        }
        word = next_word(&text);
    }
    return total->has_months || total->has_micros;
}

/* '[-]a-b' YEAR TO MONTH; '[-]d h:m:s' with fields from..to of day, hour, minute, second. */
static bool add_range(interval *total, gly_str text, gly_str from, gly_str to) {
    static const char *const fields[] = {"day", "hour", "minute", "second"};
    text = gly_str_trim(text);
    bool negative = text.size > 0 && text.data[0] == '-';
    if (text.size > 0 && (negative || text.data[0] == '+')) {
        text = (gly_str){text.data + 1, text.size - 1};
    }
    bool months = gly_str_equal_ignore_case(from, GLY_STR("year"));
    if (months != gly_str_equal_ignore_case(to, GLY_STR("month"))) {
        return false;
    }
    size_t field = 0, last = 1;
    for (size_t i = 0; i < 4 && !months; i++) {
        field = gly_str_equal_ignore_case(from, gly_str_of(fields[i])) ? i : field;
        last = gly_str_equal_ignore_case(to, gly_str_of(fields[i])) ? i : last;
    }
    interval sum = {0};
    size_t at = 0;
    for (; field <= last; field++) {
        size_t end = at;
        char stop = months ? '-' : field == 0 ? ' ' : ':';
        while (end < text.size && (field == last || text.data[end] != stop)) {
            end++;
        }
        gly_str unit = months ? (field == 0 ? from : to) : gly_str_of(fields[field]);
        gly_str part = {text.data + at, end - at};
        if (at > text.size || part.size == 0 || part.data[0] == '-' ||
            !add_unit(&sum, part, unit)) {
            return false;
        }
        at = end + 1;
    }
    sum.months = negative ? -sum.months : sum.months;
    sum.micros = negative ? -sum.micros : sum.micros;
    *total = sum;
    return true;
}

/* INTERVAL '3' MONTH: how Spark names an interval of one unit. */
static gly_str interval_name(gly_parser *parser, gly_str amount, gly_str unit, bool negative) {
    static const char *const units[] = {"YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"};
    int64_t number;
    for (size_t i = 0; i < GLY_ARRAY_LEN(units); i++) {
        gly_str name = gly_str_of(units[i]);
        bool plural = unit.size == name.size + 1;
        if (unit.size < name.size || !gly_str_to_i64(gly_str_trim(amount), &number) ||
            number == INT64_MIN ||
            !gly_str_equal_ignore_case(name, (gly_str){unit.data, unit.size - plural})) {
            continue;
        }
        number = negative ? -number : number;
        return gly_str_of(gly_arena_format(parser->arena, "INTERVAL '%s%0*lld' %s",
                                           number < 0 ? "-" : "", i >= 3 ? 2 : 1,
                                           (long long)(number < 0 ? -number : number), units[i]));
    }
    return (gly_str){"", 0};
}

static gly_status make_interval(gly_parser *parser, const gly_token *token, const interval *total,
                                gly_ast_expr **ret) {
    if (total->has_months && total->has_micros) {
        return gly_parser_refuse(parser, token,
                                 "Intervals that mix months and days are not supported; add two "
                                 "intervals one after the other");
    }
    if (total->months > INT32_MAX || total->months < INT32_MIN) {
        return gly_parser_fail(parser, "this interval is too long");
    }
    gly_type type = total->has_months ? GLY_TYPE_OF(INTERVAL_MONTH) : GLY_TYPE_OF(INTERVAL_DAY);
    *ret = gly_parser_literal(
        parser, token, gly_value_i64(type, total->has_months ? total->months : total->micros));
    return GLY_OK;
}

static gly_status bad_interval(gly_parser *parser) {
    return gly_parser_fail(parser, "expected an interval such as INTERVAL '3' MONTH, INTERVAL 90 "
                                   "DAYS or INTERVAL '1 02:03:04' DAY TO SECOND");
}

/* One amount (string or number token, its sign taken) and its unit. */
static gly_status read_interval_part(gly_parser *parser, bool negative, interval *total,
                                     bool *ret_was_range) {
    const gly_token *amount = gly_parser_peek(parser);
    gly_str text = amount->kind == GLY_TOKEN_STRING ? amount->value : amount->text;
    *ret_was_range = false;
    if (amount->kind == GLY_TOKEN_STRING && gly_parser_peek_at(parser, 1)->kind == GLY_TOKEN_WORD) {
        int64_t micros;
        gly_str unit = gly_parser_peek_at(parser, 1)->text;
        if (unit_of(unit, &micros) == 0 && micros == 0) {
            return add_words(total, text) ? (gly_parser_take(parser, GLY_TOKEN_STRING), GLY_OK)
                                          : bad_interval(parser);
        }
    } else if (amount->kind == GLY_TOKEN_STRING) {
        return add_words(total, text) ? (gly_parser_take(parser, GLY_TOKEN_STRING), GLY_OK)
                                      : bad_interval(parser);
    }
    const gly_token *unit = gly_parser_peek_at(parser, 1);
    if (unit->kind != GLY_TOKEN_WORD) {
        return bad_interval(parser);
    }
    const gly_token *to = gly_parser_peek_at(parser, 2);
    const gly_token *last = gly_parser_peek_at(parser, 3);
    if (to->kind == GLY_TOKEN_WORD && to->keyword == GLY_KW_TO && last->kind == GLY_TOKEN_WORD &&
        amount->kind == GLY_TOKEN_STRING) {
        if (!add_range(total, text, unit->text, last->text)) {
            return bad_interval(parser);
        }
        parser->at += 4;
        *ret_was_range = true;
        return GLY_OK;
    }
    interval part = {0};
    if (!add_unit(&part, text, unit->text)) {
        return bad_interval(parser);
    }
    parser->at += 2;
    total->has_months = total->has_months || part.has_months;
    total->has_micros = total->has_micros || part.has_micros;
    if (__builtin_add_overflow(total->months, negative ? -part.months : part.months,
                               &total->months) ||
        __builtin_add_overflow(total->micros, negative ? -part.micros : part.micros,
                               &total->micros)) {
        return bad_interval(parser);
    }
    return GLY_OK;
}

static bool is_unit(const gly_token *token) {
    int64_t micros = 0;
    return token->kind == GLY_TOKEN_WORD && (unit_of(token->text, &micros) != 0 || micros != 0);
}

gly_status gly_parse_literal_interval(gly_parser *parser, gly_ast_expr **ret) {
    const gly_token *token = gly_parser_peek(parser);
    const gly_token *next = gly_parser_peek_at(parser, 1);
    bool negative = next->kind == '-' && (gly_parser_peek_at(parser, 2)->kind == GLY_TOKEN_NUMBER ||
                                          gly_parser_peek_at(parser, 2)->kind == GLY_TOKEN_STRING);
    *ret = NULL;
    if (next->kind != GLY_TOKEN_STRING && next->kind != GLY_TOKEN_NUMBER && !negative) {
        return GLY_OK;
    }
    if (next->kind == GLY_TOKEN_NUMBER && !is_unit(gly_parser_peek_at(parser, 2))) {
        return GLY_OK;
    }
    (void)gly_parser_take(parser, GLY_TOKEN_WORD);
    const gly_token *amount = gly_parser_peek_at(parser, negative ? 1 : 0);
    uint32_t start = parser->at;
    interval total = {0};
    bool more = true;
    while (more) {
        negative = gly_parser_take(parser, '-');
        bool was_range;
        GLY_TRY(read_interval_part(parser, negative, &total, &was_range));
        uint32_t sign = gly_parser_is(parser, '-') ? 1 : 0;
        uint16_t kind = gly_parser_peek_at(parser, sign)->kind;
        more = !was_range && (kind == GLY_TOKEN_NUMBER || kind == GLY_TOKEN_STRING) && sign == 0 &&
               is_unit(gly_parser_peek_at(parser, 1));
    }
    GLY_TRY(make_interval(parser, token, &total, ret));
    bool has_sign = parser->tokens[start].kind == '-';
    if (parser->at == start + 2 + has_sign) {
        (*ret)->name =
            interval_name(parser, amount->kind == GLY_TOKEN_STRING ? amount->value : amount->text,
                          parser->tokens[start + 1 + has_sign].text, has_sign);
    }
    return GLY_OK;
}

/* types */

gly_status gly_parse_literal_type(gly_parser *parser, gly_type *ret) {
    static const char *const nested[] = {"array", "map", "struct", "variant"};
    const gly_token *token = gly_parser_peek(parser);
    if (token->kind != GLY_TOKEN_WORD && token->kind != GLY_TOKEN_QUOTED) {
        return gly_parser_fail(parser, "expected a type such as int, string or decimal(10,2)");
    }
    gly_builder text = {0};
    gly_builder_add_str(&text, token->kind == GLY_TOKEN_WORD ? token->text : token->value);
    const gly_token *next = gly_parser_peek_at(parser, 1);
    uint32_t taken = 1;
    bool two_words =
        next->kind == GLY_TOKEN_WORD &&
        (gly_str_equal_ignore_case(next->text, GLY_STR("precision")) ||
         (gly_str_equal_ignore_case(token->text, GLY_STR("interval")) && is_unit(next)));
    if (two_words) {
        gly_builder_format(&text, " %.*s", GLY_STR_ARG(next->text));
        taken = 2;
    } else if (next->kind == '(' && gly_parser_peek_at(parser, 2)->kind == GLY_TOKEN_NUMBER) {
        gly_builder_format(&text, "(%.*s", GLY_STR_ARG(gly_parser_peek_at(parser, 2)->text));
        taken = 3;
        if (gly_parser_peek_at(parser, 3)->kind == ',' &&
            gly_parser_peek_at(parser, 4)->kind == GLY_TOKEN_NUMBER) {
            gly_builder_format(&text, ",%.*s", GLY_STR_ARG(gly_parser_peek_at(parser, 4)->text));
            taken = 5;
        }
        gly_builder_add_char(&text, ')');
        if (gly_parser_peek_at(parser, taken)->kind != ')') {
            parser->at += taken;
            gly_builder_clear(&text);
            return gly_parser_expect(parser, ')');
        }
        taken++;
    }
    gly_str name = gly_builder_str(&text);
    bool known = gly_type_parse(name, ret);
    if (!known && (gly_str_equal_ignore_case(token->text, GLY_STR("char")) ||
                   gly_str_equal_ignore_case(token->text, GLY_STR("character")) ||
                   gly_str_equal_ignore_case(token->text, GLY_STR("varchar")))) {
        *ret = GLY_TYPE_OF(STRING);
        known = true;
    }
    gly_builder_clear(&text);
    if (known) {
        parser->at += taken;
        return GLY_OK;
    }
    for (size_t i = 0; i < GLY_ARRAY_LEN(nested); i++) {
        if (gly_str_equal_ignore_case(token->text, gly_str_of(nested[i]))) {
            return gly_parser_refuse(parser, token, "The type %s is not supported yet", nested[i]);
        }
    }
    return gly_parser_fail(parser, "expected a type such as int, string or decimal(10,2)");
}
