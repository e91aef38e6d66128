/* test_expr_random.c - random expressions: batches in all shapes against one row at a time.
 *
 * The expected value of a row comes from the same expression with literals in place of its columns,
 * evaluated alone.  So constants, dictionaries, selections, dense loops, narrow decimals and
 * branches must agree with the plainest way to compute.  Where a row raises, the batch must.
 */
#include "lib/base/random.h"
#include "lib/engine/evaluate.h"
#include "tests/support/check.h"
#include "tests/support/expr_case.h"

enum { ROWS = 9 };

typedef enum kind { INT, BIGINT, DOUBLE, MONEY, WIDE, TEXT, BOOLEAN, DATE, KINDS } kind;

static const char *const type_names[KINDS] = {"int",           "bigint",        "double",
                                              "decimal(12,2)", "decimal(25,4)", "string",
                                              "boolean",       "date"};
static const char *const column_names[KINDS] = {"i", "l", "d", "m", "w", "s", "b", "t"};
static const char *const pools[KINDS][8] = {
    {"0", "1", "-1", "7", "2147483647", "-2147483648", "100", "-13"},
    {"0", "1", "-1", "12", "9223372036854775807", "-9223372036854775808", "3037000500", "-7"},
    {"0", "-0.0", "1.5", "NaN", "Infinity", "-2.25", "1e308", "0.1"},
    {"0", "1.00", "-1.50", "9999999999.99", "-9999999999.99", "0.01", "12.34", "-0.05"},
    {"0", "1", "-1.5", "999999999999999999999.9999", "123456789012.3456", "0.0001", "2", "-7.77"},
    {"", "a", "abc", "12", "Gr\xc3\xb6\xc3\x9f" "e", "a long text that is not inline", "-7", "b c"},
    {"true", "false", "true", "false", "true", "false", "true", "false"},
    {"1970-01-01", "2024-02-29", "1969-12-31", "0001-01-01", "9999-12-31", "2000-06-15",
     "1900-03-01", "2024-12-31"},
};
/* %0 to %7 stand for an argument of that kind. */
static const char *const forms[KINDS][14] = {
    [INT] = {"(+ %0 %0)", "(- %0 %0)", "(* %0 %0)", "(% %0 %0)", "(case %6 %0 %0)",
             "(coalesce %0 %0)", "(length %5)", "(instr %5 %5)", "(year %7)", "(datediff %7 %7)",
             "(try_cast %5 int)", "(try_add %0 %0)", "(if %6 %0 %0)", "(try_cast %1 int)"},
    [BIGINT] = {"(+ %1 %0)", "(- %1 %1)", "(* %1 %1)", "(div %1 %1)", "(case %6 %1 %6 %1)",
                "(coalesce %1 %0)", "(cast %0 bigint)", "(& %1 %1)", "(try_multiply %1 %1)",
                "(greatest %1 %1 %0)", "(floor %2)", "(xxhash64 %5 %0 %3)", "(nullif %1 %1)"},
    [DOUBLE] = {"(+ %2 %2)", "(* %2 %2)", "(/ %0 %0)", "(cast %0 double)", "(sqrt %2)",
                "(case %6 %2 %2)", "(try_divide %2 %2)", "(least %2 %2)", "(round %2 1)",
                "(ln %2)", "(cast %3 double)"},
    [MONEY] = {"(cast %0 decimal(12,2))", "(case %6 %3 %3)", "(coalesce %3 %3)", "(abs %3)",
               "(cast (+ %3 %3) decimal(12,2))", "(try_cast (* %3 %3) decimal(12,2))",
               "(negative %3)", "(try_cast %5 decimal(12,2))", "(round %3 1)"},
    [WIDE] = {"(cast (* %3 %3) decimal(25,4))", "(case %6 %4 %4)", "(cast %3 decimal(25,4))",
              "(try_cast (* %4 %3) decimal(25,4))", "(try_cast (- %4 %4) decimal(25,4))",
              "(try_cast (/ %3 %0) decimal(25,4))", "(coalesce %4 %3)"},
    [TEXT] = {"(concat %5 %5)", "(substring %5 %0)", "(substring %5 2 3)", "(upper %5)",
              "(case %6 %5 %5)", "(coalesce %5 %5)", "(cast %0 string)", "(cast %4 string)",
              "(cast %7 string)", "(lpad %5 8 'xy')", "(replace %5 'a' %5)", "(trim %5)",
              "(reverse %5)", "(if %6 %5 null)"},
    [BOOLEAN] = {"(= %0 %0)", "(< %1 %1)", "(>= %2 %2)", "(<> %5 %5)", "(and %6 %6)",
                 "(or %6 %6 %6)", "(not %6)", "(isnull %5)", "(in %0 1 7 %0)", "(like %5 '%a%')",
                 "(> %4 %3)", "(<=> %3 %3)", "(in %5 'a' 'abc' null)", "(<= %7 %7)"},
    [DATE] = {"(date_add %7 1)", "(case %6 %7 %7)", "(coalesce %7 %7)", "(last_day %7)",
              "(trunc %7 'month')", "(cast (cast %7 timestamp) date)", "(add_months %7 -1)"},
};

static void generate(gly_random *random, kind wanted, int depth, gly_builder *out) {
    uint64_t choice = gly_random_below(random, 10);
    if (depth == 0 || choice < 3) {
        if (choice == 0 && (wanted == INT || wanted == BOOLEAN)) {
            gly_builder_add_text(out, pools[wanted][gly_random_below(random, 4)]);
        } else {
            gly_builder_add_text(out, column_names[wanted]);
        }
        return;
    }
    uint64_t count = 0;
    while (count < 14 && forms[wanted][count] != NULL) {
        count++;
    }
    for (const char *at = forms[wanted][gly_random_below(random, count)]; *at != '\0'; at++) {
        if (*at == '%' && at[1] >= '0' && at[1] <= '7') {
            generate(random, (kind)(*++at - '0'), depth - 1, out);
        } else {
            gly_builder_add_char(out, *at);
        }
    }
}

typedef struct row_values {
    gly_value values[KINDS];
} row_values;

static gly_expr *put_value(void *context, gly_arena *arena, gly_expr *expr) {
    const row_values *row = context;
    if (expr->kind != GLY_EXPR_COLUMN) {
        return NULL;
    }
    gly_value value = row->values[expr->column];
    value.type = expr->type;
    return gly_expr_literal(arena, value);
}

static void read_row(gly_arena *arena, char *const *cells, uint32_t row, row_values *ret) {
    for (int k = 0; k < KINDS; k++) {
        gly_type type;
        gly_error err;
        GLY_CHECK(gly_type_parse(gly_str_of(type_names[k]), &type));
        ret->values[k] = gly_value_null(type);
        const char *cell = cells[k * ROWS + row];
        if (strcmp(cell, "null") != 0) {
            gly_expr *text = gly_expr_literal(
                arena, gly_value_text(GLY_TYPE_OF(STRING), gly_str_of(cell)));
            GLY_CHECK_OK(gly_evaluate(arena, gly_expr_cast(arena, text, type, false),
                                      &ret->values[k], &err),
                         &err);
        }
    }
}

/* The rows' values joined by |, or "!" if one raises. */
static void expect(gly_arena *arena, const gly_expr_case_column *columns, char *const *cells,
                   const char *expression, gly_builder *out) {
    gly_error err;
    gly_expr *expr = gly_expr_case_parse(arena, columns, expression, &err);
    if (expr == NULL) {
        gly_builder_add_text(out, "?");
        return;
    }
    for (uint32_t row = 0; row < ROWS; row++) {
        row_values values;
        gly_value value;
        read_row(arena, cells, row, &values);
        gly_expr *alone = gly_expr_rewrite(arena, expr, put_value, &values);
        if (gly_evaluate(arena, alone, &value, &err) != GLY_OK) {
            gly_builder_reset(out);
            gly_builder_add_char(out, '!');
            return;
        }
        gly_builder_add_text(out, row == 0 ? "" : "|");
        gly_value_format(&value, out);
    }
}

static void run_seed(uint64_t seed) {
    gly_random random = {seed};
    gly_arena *arena = gly_arena_make();
    char *cells[KINDS * ROWS];
    gly_expr_case_column columns[KINDS + 1] = {0};
    uint64_t extremes = gly_random_below(&random, 4); /* mostly tame values: errors hide the rest */
    for (int k = 0; k < KINDS; k++) {
        gly_builder values = {0};
        for (uint32_t row = 0; row < ROWS; row++) {
            uint64_t pick = gly_random_below(&random, 8);
            bool wild = (k == INT || k == BIGINT || k == MONEY || k == WIDE || k == DATE) &&
                        (pick == 4 || pick == 5 || pick == 3) && extremes != 0;
            const char *text = gly_random_below(&random, 6) == 0 ? "null"
                                                                 : pools[k][wild ? 1 : pick];
            cells[k * ROWS + row] = gly_arena_string(arena, text);
            gly_builder_format(&values, "%s%s", row == 0 ? "" : "|", text);
        }
        columns[k] = (gly_expr_case_column){column_names[k], type_names[k],
                                            gly_arena_string(arena, values.data)};
        gly_builder_clear(&values);
    }
    for (int i = 0; i < 6; i++) {
        gly_builder expression = {0}, expected = {0};
        generate(&random, (kind)gly_random_below(&random, KINDS), 4, &expression);
        expect(arena, columns, cells, expression.data, &expected);
        if (expected.data[0] != '?') {
            gly_expr_case_check(columns, expression.data, expected.data, __FILE__, (int)seed);
        }
        gly_builder_clear(&expression);
        gly_builder_clear(&expected);
    }
    gly_arena_free(arena);
}

GLY_TEST(random_expressions) {
    const char *first = getenv("GLY_SEED"), *count = getenv("GLY_SEEDS");
    uint64_t start = first == NULL ? 1 : strtoull(first, NULL, 10);
    uint64_t seeds = count == NULL ? 150 : strtoull(count, NULL, 10);
    for (uint64_t seed = start; seed < start + seeds; seed++) {
        run_seed(seed);
    }
}

GLY_SUITE("expr_random", random_expressions)
