/* expr_case.c - the harness of expression tests: text to expressions, batches in all shapes.
 *
 * Whatever the shape and the selection, the live rows must come out the same: that is the invariant
 * under test.  Values are compared as text.
 */
#include "tests/support/expr_case.h"

#include "lib/data/decimal.h"
#include "lib/engine/evaluate.h"
#include "lib/engine/expr/expr_run.h"
#include "tests/support/check.h"

#include <ctype.h>

enum { MOST_COLUMNS = 8, MOST_ROWS = 64, MOST_ARGS = 64 };

typedef struct table {
    uint32_t column_count, row_count;
    const gly_expr_case_column *columns;
    gly_type types[MOST_COLUMNS];
    gly_value values[MOST_COLUMNS][MOST_ROWS];
} table;

/* reading expressions */

typedef struct reader {
    gly_arena *arena;
    const gly_expr_case_column *columns;
    const char *start, *at;
    gly_error *err;
} reader;

static void die(const reader *r, const char *why) {
    fprintf(stderr, "bad test expression: %s at '%s'\n", why, r->at);
    exit(1);
}

static gly_expr *read_expr(reader *r);

static gly_expr *literal(reader *r, gly_type type, const char *text, size_t size) {
    gly_str copy = gly_arena_str(r->arena, (gly_str){text, size});
    gly_value value = gly_value_text(GLY_TYPE_OF(STRING), copy);
    gly_expr *string = gly_expr_literal(r->arena, value);
    if (type.id == GLY_TYPE_STRING) {
        return string;
    }
    gly_error err = {0};
    if (gly_evaluate(r->arena, gly_expr_cast(r->arena, string, type, false), &value, &err) !=
        GLY_OK) {
        fprintf(stderr, "%s\n", err.message);
        die(r, "bad literal");
    }
    return gly_expr_literal(r->arena, value);
}

static gly_expr *read_quoted(reader *r, gly_type type) {
    const char *start = ++r->at;
    while (*r->at != '\'' && *r->at != '\0') {
        r->at++;
    }
    gly_expr *result = literal(r, type, start, (size_t)(r->at - start));
    r->at++;
    return result;
}

static gly_expr *read_number(reader *r) {
    const char *start = r->at;
    while (isalnum((unsigned char)*r->at) || *r->at == '.' || *r->at == '-' || *r->at == '+') {
        r->at++;
    }
    size_t size = (size_t)(r->at - start);
    if (start[size - 1] == 'L') {
        return literal(r, GLY_TYPE_OF(BIGINT), start, size - 1);
    }
    if (memchr(start, 'e', size) != NULL) {
        return literal(r, GLY_TYPE_OF(DOUBLE), start, size);
    }
    if (memchr(start, '.', size) != NULL) {
        gly_type type;
        gly_i128 ignored;
        if (!gly_decimal_parse_literal((gly_str){start, size}, &type, &ignored)) {
            die(r, "bad decimal");
        }
        return literal(r, type, start, size);
    }
    return literal(r, GLY_TYPE_OF(INT), start, size);
}

static gly_str read_word(reader *r) {
    const char *start = r->at;
    while (*r->at != '\0' && *r->at != ' ' && *r->at != '(' && *r->at != ')' && *r->at != '\'') {
        r->at++;
    }
    return (gly_str){start, (size_t)(r->at - start)};
}

static void skip_spaces(reader *r) {
    while (*r->at == ' ') {
        r->at++;
    }
}

static gly_type read_type(reader *r) {
    skip_spaces(r);
    const char *start = r->at;
    int depth = 0;
    while (*r->at != '\0' && (depth > 0 || *r->at != ')')) {
        depth += (*r->at == '(') - (*r->at == ')');
        r->at++;
    }
    gly_type type;
    if (!gly_type_parse((gly_str){start, (size_t)(r->at - start)}, &type)) {
        die(r, "unknown type");
    }
    return type;
}

static gly_function_id find_function(reader *r, gly_str name) {
    static const struct {
        const char *text;
        gly_function_id id;
    } operators[] = {{"+", GLY_FN_ADD},         {"-", GLY_FN_SUBTRACT},
                     {"*", GLY_FN_MULTIPLY},    {"/", GLY_FN_DIVIDE},
                     {"%", GLY_FN_MODULO},      {"&", GLY_FN_BIT_AND},
                     {"|", GLY_FN_BIT_OR},      {"^", GLY_FN_BIT_XOR},
                     {"~", GLY_FN_BIT_NOT},     {"=", GLY_FN_EQUAL},
                     {"<>", GLY_FN_NOT_EQUAL},  {"<", GLY_FN_LESS},
                     {"<=", GLY_FN_LESS_EQUAL}, {">", GLY_FN_GREATER},
                     {">=", GLY_FN_GREATER_EQUAL}, {"<=>", GLY_FN_NULL_SAFE_EQUAL},
                     {"in", GLY_FN_IN},         {"and", GLY_FN_AND},
                     {"or", GLY_FN_OR},         {"not", GLY_FN_NOT},
                     {"case", GLY_FN_CASE},     {"like", GLY_FN_LIKE}};
    for (size_t i = 0; i < GLY_ARRAY_LEN(operators); i++) {
        if (gly_str_equal(name, gly_str_of(operators[i].text))) {
            return operators[i].id;
        }
    }
    gly_function_id id;
    if (!gly_function_find(name, &id)) {
        die(r, "unknown function");
    }
    return id;
}

/* Casts the arguments as the function's type rule wants them. */
static gly_expr *make_call(reader *r, gly_function_id id, uint32_t count, gly_expr **args) {
    gly_type types[MOST_ARGS], result;
    const gly_value *literals[MOST_ARGS];
    for (uint32_t i = 0; i < count; i++) {
        types[i] = args[i]->type;
        literals[i] = gly_expr_is_literal(args[i]) ? &args[i]->value : NULL;
    }
    if (gly_function_types(id, count, types, literals, &result, r->err) != GLY_OK) {
        return NULL;
    }
    gly_expr **coerced = GLY_ARENA_ARRAY(r->arena, gly_expr *, count);
    for (uint32_t i = 0; i < count; i++) {
        coerced[i] = args[i];
        if (gly_type_equal(args[i]->type, types[i])) {
            continue;
        }
        coerced[i] = gly_expr_cast(r->arena, args[i], types[i], false);
        if (literals[i] != NULL) { /* as constant folding does */
            gly_value value;
            if (gly_evaluate(r->arena, coerced[i], &value, r->err) != GLY_OK) {
                return NULL;
            }
            coerced[i] = gly_expr_literal(r->arena, value);
        }
    }
    return gly_expr_call(r->arena, id, result, true, count, coerced);
}

static gly_expr *read_call(reader *r) {
    uint32_t position = (uint32_t)(r->at - r->start) + 1;
    r->at++;
    gly_str name = read_word(r);
    gly_expr *result;
    bool is_try = gly_str_equal(name, GLY_STR("try_cast"));
    if (is_try || gly_str_equal(name, GLY_STR("cast"))) {
        gly_expr *arg = read_expr(r);
        if (arg == NULL) {
            return NULL;
        }
        result = gly_expr_cast(r->arena, arg, read_type(r), is_try);
    } else {
        gly_expr *args[MOST_ARGS];
        uint32_t count = 0;
        for (skip_spaces(r); *r->at != ')'; skip_spaces(r)) {
            if (*r->at == '\0' || count == MOST_ARGS) {
                die(r, "open parenthesis");
            }
            args[count] = read_expr(r);
            if (args[count++] == NULL) {
                return NULL;
            }
        }
        result = make_call(r, find_function(r, name), count, args);
        if (result == NULL) {
            return NULL;
        }
    }
    skip_spaces(r);
    if (*r->at++ != ')') {
        die(r, "expected )");
    }
    result->line = 1;
    result->position = position;
    return result;
}

static gly_expr *read_expr(reader *r) {
    skip_spaces(r);
    if (*r->at == '(') {
        return read_call(r);
    }
    if (*r->at == '\'') {
        return read_quoted(r, GLY_TYPE_OF(STRING));
    }
    if (isdigit((unsigned char)*r->at) || (*r->at == '-' && isdigit((unsigned char)r->at[1]))) {
        return read_number(r);
    }
    gly_str word = read_word(r);
    if (gly_str_equal(word, GLY_STR("null"))) {
        return gly_expr_literal(r->arena, gly_value_null(GLY_TYPE_OF(NULL)));
    }
    if (gly_str_equal(word, GLY_STR("true")) || gly_str_equal(word, GLY_STR("false"))) {
        return gly_expr_literal(r->arena,
                                gly_value_i64(GLY_TYPE_OF(BOOLEAN), word.data[0] == 't'));
    }
    if (*r->at == '\'') {
        static const struct {
            const char *prefix;
            gly_type_id id;
        } prefixes[] = {{"date", GLY_TYPE_DATE}, {"ts", GLY_TYPE_TIMESTAMP},
                        {"bin", GLY_TYPE_BINARY}};
        for (size_t i = 0; i < GLY_ARRAY_LEN(prefixes); i++) {
            if (gly_str_equal(word, gly_str_of(prefixes[i].prefix))) {
                return read_quoted(r, (gly_type){.id = (uint8_t)prefixes[i].id});
            }
        }
        if (gly_str_equal(word, GLY_STR("months")) || gly_str_equal(word, GLY_STR("micros"))) {
            gly_expr *number = read_quoted(r, GLY_TYPE_OF(BIGINT));
            gly_type type = word.data[1] == 'o' ? GLY_TYPE_OF(INTERVAL_MONTH)
                                                : GLY_TYPE_OF(INTERVAL_DAY);
            return gly_expr_literal(r->arena, gly_value_i64(type, number->value.i64));
        }
    }
    for (uint32_t i = 0; r->columns != NULL && r->columns[i].name != NULL; i++) {
        gly_type type;
        if (gly_str_equal(word, gly_str_of(r->columns[i].name)) &&
            gly_type_parse(gly_str_of(r->columns[i].type), &type)) {
            return gly_expr_column(r->arena, i, type, true, gly_arena_str(r->arena, word));
        }
    }
    die(r, "unknown name");
    return NULL;
}

gly_expr *gly_expr_case_parse(gly_arena *arena, const gly_expr_case_column *columns,
                              const char *text, gly_error *err) {
    reader r = {arena, columns, text, text, err};
    return read_expr(&r);
}

/* batches */

static uint32_t split(const char *text, gly_str *parts) {
    uint32_t count = 0;
    for (;;) {
        const char *end = strchr(text, '|');
        parts[count++] = end == NULL ? gly_str_of(text) : (gly_str){text, (size_t)(end - text)};
        if (end == NULL || count == MOST_ROWS) {
            return count;
        }
        text = end + 1;
    }
}

static void read_table(gly_arena *arena, const gly_expr_case_column *columns, table *ret) {
    memset(ret, 0, sizeof *ret);
    ret->columns = columns;
    ret->row_count = 1;
    for (uint32_t c = 0; columns != NULL && columns[c].name != NULL; c++) {
        gly_str parts[MOST_ROWS];
        reader r = {arena, columns, columns[c].values, columns[c].values, NULL};
        if (!gly_type_parse(gly_str_of(columns[c].type), &ret->types[c])) {
            die(&r, "unknown type of a column");
        }
        ret->row_count = split(columns[c].values, parts);
        ret->column_count = c + 1;
        for (uint32_t i = 0; i < ret->row_count; i++) {
            if (gly_str_equal(parts[i], GLY_STR("null"))) {
                ret->values[c][i] = gly_value_null(ret->types[c]);
            } else {
                ret->values[c][i] =
                    literal(&r, ret->types[c], parts[i].data, parts[i].size)->value;
            }
        }
    }
}

typedef enum shaping { FLAT, DICTIONARY, CONSTANT, MIXED, SHAPINGS } shaping;

static void fill_flat(gly_arena *arena, const table *t, uint32_t c, uint32_t first, uint32_t count,
                      gly_column *ret) {
    gly_column_make_flat(arena, t->types[c], count, ret);
    ret->count = count;
    for (uint32_t i = 0; i < count; i++) {
        gly_column_set(arena, ret, i, &t->values[c][(first + i) % t->row_count]);
    }
}

/* The table's rows as entries, backwards, with one more that no row uses. */
static void fill_dictionary(gly_arena *arena, const table *t, uint32_t c, uint32_t first,
                            uint32_t count, gly_column *ret) {
    gly_column entries;
    gly_column_make_flat(arena, t->types[c], t->row_count + 1, &entries);
    for (uint32_t i = 0; i < t->row_count; i++) {
        if (!t->values[c][i].is_null) {
            gly_column_set(arena, &entries, t->row_count - 1 - i, &t->values[c][i]);
        }
    }
    *ret = entries;
    ret->shape = GLY_SHAPE_DICTIONARY;
    ret->count = count;
    ret->dictionary_count = t->row_count + 1;
    ret->dictionary_id = 1000 + c;
    ret->validity = NULL;
    ret->codes = gly_arena_alloc_aligned(arena, count * sizeof(uint32_t));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = (first + i) % t->row_count;
        ret->codes[i] = t->row_count - 1 - row;
        if (t->values[c][row].is_null) {
            gly_column_need_validity(arena, ret, count);
            gly_bit_clear(ret->validity, i);
        }
    }
}

static void fill_column(gly_arena *arena, const table *t, shaping how, uint32_t c, uint32_t first,
                        uint32_t count, gly_column *ret) {
    if (how == CONSTANT) {
        gly_column_constant(arena, &t->values[c][first % t->row_count], count, ret);
    } else if (how == DICTIONARY || (how == MIXED && c % 2 == 1)) {
        fill_dictionary(arena, t, c, first, count, ret);
    } else {
        fill_flat(arena, t, c, first, count, ret);
    }
}

typedef struct expectation {
    const char *expression, *file;
    int line;
    uint32_t count;
    gly_str rows[MOST_ROWS];
    const char *error; /* or NULL */
} expectation;

static void report(const expectation *e, shaping how, const char *what, uint32_t row,
                   const char *actual) {
    static const char *const names[] = {"flat", "dictionary", "constant", "mixed"};
    fprintf(stderr, "%s:%d: %s (%s, %s, row %u) is\n  '%s'\n", e->file, e->line, e->expression,
            names[how], what, row, actual);
    CU_FAIL("expression");
}

static bool row_matches(const expectation *e, const table *t, const gly_column *column,
                        uint32_t row, uint32_t first, bool constant, gly_builder *shown) {
    gly_value value = gly_column_get(column, row);
    uint32_t source = (constant ? first : first + row) % t->row_count;
    gly_builder_reset(shown);
    gly_value_format(&value, shown);
    gly_str expected = e->rows[e->count == 1 ? 0 : source];
    return gly_str_equal(gly_builder_str(shown), expected);
}

/* Runs one batch and checks it; false after a failure. */
static bool run_batch(const expectation *e, const table *t, gly_expr_state *state, shaping how,
                      const char *what, gly_batch *batch, uint32_t first) {
    gly_arena *scratch = gly_arena_make();
    gly_column result;
    gly_error err = {0};
    gly_builder shown = {0};
    bool good = true;
    gly_status status = gly_expr_run(state, batch, scratch, &result, &err);
    if (e->error != NULL) {
        /* not every row raises: only batches with all rows must */
        if (status == GLY_OK && batch->selection == NULL && how != CONSTANT &&
            batch->count >= t->row_count) {
            report(e, how, what, 0, "no error");
            good = false;
        } else if (status != GLY_OK && strstr(err.message, e->error) == NULL) {
            report(e, how, what, 0, err.message);
            good = false;
        }
    } else if (status != GLY_OK) {
        report(e, how, what, 0, err.message);
        good = false;
    } else {
        for (uint32_t i = 0; i < batch->selected && good; i++) {
            uint32_t row = gly_batch_row(batch, i);
            if (!row_matches(e, t, &result, row, first, how == CONSTANT, &shown)) {
                report(e, how, what, row, shown.data);
                good = false;
            }
        }
    }
    if (good && e->error == NULL && result.type.id == GLY_TYPE_BOOLEAN) {
        uint16_t selection[GLY_BATCH_ROWS];
        uint32_t count = 0, wanted = 0;
        GLY_CHECK_OK(gly_expr_select(state, batch, scratch, selection, &count, &err), &err);
        for (uint32_t i = 0; i < batch->selected; i++) {
            uint32_t row = gly_batch_row(batch, i);
            gly_value value = gly_column_get(&result, row);
            if (!value.is_null && value.i64 != 0) {
                if (wanted >= count || selection[wanted] != row) {
                    report(e, how, "select", row, "not selected");
                    good = false;
                    break;
                }
                wanted++;
            }
        }
        if (good && wanted != count) {
            report(e, how, "select", 0, "selected too much");
            good = false;
        }
    }
    gly_builder_clear(&shown);
    gly_arena_free(scratch);
    return good;
}

/* All selections of one batch. */
static bool run_selections(const expectation *e, const table *t, gly_expr_state *state,
                           shaping how, gly_batch *batch, uint32_t first) {
    uint16_t selection[GLY_BATCH_ROWS];
    batch->selection = NULL;
    batch->selected = batch->count;
    if (!run_batch(e, t, state, how, "all rows", batch, first)) {
        return false;
    }
    batch->selection = selection;
    batch->selected = 0;
    for (uint32_t i = 1; i < batch->count; i += 2) {
        selection[batch->selected++] = (uint16_t)i;
    }
    if (!run_batch(e, t, state, how, "every other row", batch, first)) {
        return false;
    }
    for (uint32_t i = 0; i < GLY_MIN(batch->count, t->row_count); i++) {
        selection[0] = (uint16_t)(batch->count - 1 - i);
        batch->selected = 1;
        if (!run_batch(e, t, state, how, "one row", batch, first)) {
            return false;
        }
    }
    return true;
}

static void run_shaping(const expectation *e, const table *t, gly_expr_program *program,
                        shaping how, uint32_t rows_per_batch) {
    gly_expr_state *state = gly_expr_state_make(program, 0);
    uint32_t most = GLY_MIN(rows_per_batch, (uint32_t)GLY_BATCH_ROWS);
    uint32_t total = how == CONSTANT ? t->row_count : GLY_MAX(most, t->row_count);
    gly_arena *arena = gly_arena_make();
    for (uint32_t first = 0; first < total; first += how == CONSTANT ? 1 : most) {
        gly_batch batch = {.column_count = t->column_count};
        batch.columns = GLY_ARENA_ARRAY(arena, gly_column, t->column_count);
        batch.count = GLY_MIN(most, how == CONSTANT ? 3 : total - first);
        for (uint32_t c = 0; c < t->column_count; c++) {
            fill_column(arena, t, how, c, first, batch.count, &batch.columns[c]);
        }
        if (!run_selections(e, t, state, how, &batch, first)) {
            break;
        }
    }
    gly_arena_free(arena);
    gly_expr_state_free(state);
}

void gly_expr_case_check(const gly_expr_case_column *columns, const char *expression,
                         const char *expected, const char *file, int line) {
    gly_arena *arena = gly_arena_make();
    gly_error err = {0};
    table t;
    read_table(arena, columns, &t);
    expectation e = {.expression = expression, .file = file, .line = line};
    if (expected[0] == '!') {
        e.error = expected + 1;
    } else {
        e.count = split(expected, e.rows);
        if (e.count != 1 && e.count != t.row_count) {
            report(&e, FLAT, "expected rows", 0, "their number is wrong");
        }
    }
    gly_expr *expr = gly_expr_case_parse(arena, columns, expression, &err);
    gly_expr_program *program = NULL;
    gly_status status =
        expr == NULL ? err.status : gly_expr_compile(arena, 1, &expr, &program, &err);
    if (status != GLY_OK) {
        if (e.error == NULL || strstr(err.message, e.error) == NULL) {
            report(&e, FLAT, "compile", 0, err.message);
        }
    } else {
        for (int how = 0; how < SHAPINGS; how++) {
            run_shaping(&e, &t, program, how, t.row_count);
            run_shaping(&e, &t, program, how, 257);
        }
    }
    CU_PASS("expression");
    gly_arena_free(arena);
}
