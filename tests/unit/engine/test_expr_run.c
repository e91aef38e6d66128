/* test_expr_run.c - NULLs, shapes, branches, errors: what is the same for all functions. */
#include "lib/engine/expr/expr_run.h"
#include "tests/support/check.h"
#include "tests/support/expr_case.h"

#include "lib/engine/evaluate.h"

static const gly_expr_case_column numbers[] = {{"a", "int", "1|null|3|0|-5|7"},
                                               {"b", "int", "2|2|null|0|5|7"},
                                               {"s", "string", "x|null|hello world, long|x|y|"},
                                               {"d", "double", "1.5|null|0|NaN|-0.0|Infinity"},
                                               {"t", "boolean", "true|null|false|true|false|null"},
                                               {"u", "boolean", "true|true|null|false|false|null"},
                                               {0}};

GLY_TEST(nulls_spread) {
    GLY_EXPR_CASE(numbers, "(+ a 1)", "2|null|4|1|-4|8");
    GLY_EXPR_CASE(numbers, "(+ a b)", "3|null|null|0|0|14");
    GLY_EXPR_CASE(numbers, "(* (+ a b) (+ a b))", "9|null|null|0|0|196");
    GLY_EXPR_CASE(numbers, "(+ a null)", "null");
    GLY_EXPR_CASE(numbers, "(isnull a)", "false|true|false|false|false|false");
    GLY_EXPR_CASE(numbers, "(isnotnull (+ a b))", "true|false|false|true|true|true");
}

GLY_TEST(three_valued_logic) {
    GLY_EXPR_CASE(numbers, "(and t u)", "true|null|false|false|false|null");
    GLY_EXPR_CASE(numbers, "(or t u)", "true|true|null|true|false|null");
    GLY_EXPR_CASE(numbers, "(not t)", "false|null|true|false|true|null");
    GLY_EXPR_CASE(numbers, "(and t null)", "null|null|false|null|false|null");
    GLY_EXPR_CASE(numbers, "(or t null)", "true|null|null|true|null|null");
    GLY_EXPR_CASE(numbers, "(and true true)", "true");
    GLY_EXPR_CASE(numbers, "(or false false)", "false");
    GLY_EXPR_CASE(numbers, "(and true null)", "null");
    /* with branches that can raise */
    GLY_EXPR_CASE(numbers, "(and t (> (+ a b) 2))", "true|null|false|false|false|null");
    GLY_EXPR_CASE(numbers, "(or t (> (+ a b) 2))", "true|null|null|true|false|true");
    GLY_EXPR_CASE(numbers, "(and (> (+ a b) 2) t u)", "true|null|false|false|false|null");
}

GLY_TEST(branches_do_not_raise_elsewhere) {
    GLY_EXPR_CASE(numbers, "(case (<> a 0) (div 10 a))", "10|null|3|null|-2|1");
    GLY_EXPR_CASE(numbers, "(if (= a 0) -1L (div 10 a))", "10|null|3|-1|-2|1");
    GLY_EXPR_CASE(numbers, "(and (<> a 0) (> (div 10 a) 2))", "true|null|true|false|false|false");
    GLY_EXPR_CASE(numbers, "(or (= a 0) (> (div 10 a) 2))", "true|null|true|true|false|false");
    GLY_EXPR_CASE(numbers, "(coalesce b (div 10 (- a 3)))", "!Division by zero");
    GLY_EXPR_CASE(numbers, "(coalesce b (div 10 (- a 4)))", "2|2|-10|0|5|7");
    GLY_EXPR_CASE(numbers, "(div 10 a)", "!Division by zero in 'div(10, ");
    GLY_EXPR_CASE(numbers, "(case (= a 99) (div 1 0) true 5L)", "5");
}

GLY_TEST(case_and_friends) {
    GLY_EXPR_CASE(numbers, "(case (> a 2) 'big' (= a 1) s 'none')",
                  "x|none|big|none|none|big");
    GLY_EXPR_CASE(numbers, "(case t a)", "1|null|null|0|null|null");
    GLY_EXPR_CASE(numbers, "(case t s u 'u')", "x|u|null|x|null|null");
    GLY_EXPR_CASE(numbers, "(coalesce a b)", "1|2|3|0|-5|7");
    GLY_EXPR_CASE(numbers, "(coalesce a 100)", "1|100|3|0|-5|7");
    GLY_EXPR_CASE(numbers, "(coalesce null null)", "null");
    GLY_EXPR_CASE(numbers, "(nvl s 'none')", "x|none|hello world, long|x|y|");
    GLY_EXPR_CASE(numbers, "(nvl2 s 'some' 'none')", "some|none|some|some|some|some");
    GLY_EXPR_CASE(numbers, "(nullif a b)", "1|null|3|null|-5|null");
    GLY_EXPR_CASE(numbers, "(if t 'yes' 'no')", "yes|no|no|yes|no|no");
    GLY_EXPR_CASE(numbers, "(greatest a b)", "2|2|3|0|5|7");
    GLY_EXPR_CASE(numbers, "(least a b 3)", "1|2|3|0|-5|3");
    GLY_EXPR_CASE(numbers, "(greatest d 1.0e0)", "1.5|1.0|1.0|NaN|1.0|Infinity");
}

GLY_TEST(comparisons) {
    GLY_EXPR_CASE(numbers, "(= a b)", "false|null|null|true|false|true");
    GLY_EXPR_CASE(numbers, "(<> a b)", "true|null|null|false|true|false");
    GLY_EXPR_CASE(numbers, "(< a b)", "true|null|null|false|true|false");
    GLY_EXPR_CASE(numbers, "(>= a b)", "false|null|null|true|false|true");
    GLY_EXPR_CASE(numbers, "(< 0 a)", "true|null|true|false|false|true");
    GLY_EXPR_CASE(numbers, "(<=> a b)", "false|false|false|true|false|true");
    GLY_EXPR_CASE(numbers, "(<=> a null)", "false|true|false|false|false|false");
    GLY_EXPR_CASE(numbers, "(= s 'x')", "true|null|false|true|false|false");
    GLY_EXPR_CASE(numbers, "(> s 'hello world, long')", "true|null|false|true|true|false");
    GLY_EXPR_CASE(numbers, "(<= s 'hello world, longer')", "false|null|true|false|false|true");
    GLY_EXPR_CASE(numbers, "(= d d)", "true|null|true|true|true|true");
    GLY_EXPR_CASE(numbers, "(> d 1.0e0)", "true|null|false|true|false|true");
    GLY_EXPR_CASE(numbers, "(= d 0.0e0)", "false|null|true|false|true|false");
    GLY_EXPR_CASE(numbers, "(isnan d)", "false|false|false|true|false|false");
}

GLY_TEST(membership) {
    GLY_EXPR_CASE(numbers, "(in a 1 7)", "true|null|false|false|false|true");
    GLY_EXPR_CASE(numbers, "(in a 1 null)", "true|null|null|null|null|null");
    GLY_EXPR_CASE(numbers, "(in a 1 2 3 4 5 6 7 8 9)", "true|null|true|false|false|true");
    GLY_EXPR_CASE(numbers, "(in s 'x' 'hello world, long')", "true|null|true|true|false|false");
    GLY_EXPR_CASE(numbers, "(in a b 1)", "true|null|null|true|false|true");
    GLY_EXPR_CASE(numbers, "(in d 0.0e0 1.5e0)", "true|null|true|false|true|false");
}

static const gly_expr_case_column wide[] = {
    {"p", "decimal(15,2)", "10.00|null|-5.25|999999999999.99|0.01|1.00"},
    {"q", "decimal(15,2)", "0.05|0.10|null|0.00|0.07|-1.00"},
    {"w", "decimal(38,6)", "1.000000|null|99999999999999999999999999999999.999999|-1.5|0|3"},
    {0}};

GLY_TEST(decimals_narrow_and_wide) {
    GLY_EXPR_CASE(wide, "(* p (- 1 q))", "9.5000|null|null|999999999999.9900|0.0093|2.0000");
    GLY_EXPR_CASE(wide, "(* (* p (- 1 q)) (+ 1 q))",
                  "9.975000|null|null|999999999999.990000|0.009951|0.000000");
    GLY_EXPR_CASE(wide, "(+ w 1)", "!Overflow of decimal(38,6) in '(w + 1)' (line 1, column 1)");
    GLY_EXPR_CASE(wide, "(try_add w 1)", "2.000000|null|null|-0.500000|1.000000|4.000000");
    GLY_EXPR_CASE(wide, "(> (* p (- 1 q)) 1)", "true|null|null|true|false|true");
    GLY_EXPR_CASE(wide, "(/ p 3)",
                  "3.333333|null|-1.750000|333333333333.330000|0.003333|0.333333");
    GLY_EXPR_CASE(wide, "(/ p q)", "!Division by zero in ");
    GLY_EXPR_CASE(wide, "(try_divide p q)",
                  "200.000000000000000000|null|null|null|0.142857142857142857|"
                  "-1.000000000000000000");
}

GLY_TEST(one_value) {
    gly_arena *arena = gly_arena_make();
    gly_error err = {0};
    gly_expr *expr =
        gly_expr_case_parse(arena, NULL, "(concat 'a long text that ' 'is built')", &err);
    gly_value value;
    GLY_CHECK_OK(gly_evaluate(arena, expr, &value, &err), &err);
    GLY_CHECK(gly_str_equal(value.text, GLY_STR("a long text that is built")));
    expr = gly_expr_case_parse(arena, NULL, "(+ 1 (/ 2 0))", &err);
    GLY_CHECK_INT(gly_evaluate(arena, expr, &value, &err), GLY_E_DIVIDE_BY_ZERO);
    GLY_CHECK(strstr(err.message, "(line 1, column 6): use try_divide") != NULL);
    gly_arena_free(arena);
}

/* Conjuncts in any order give the same rows, and a raising one stays behind its guard. */
GLY_TEST(conjuncts_keep_guards) {
    gly_arena *arena = gly_arena_make();
    gly_error err = {0};
    gly_expr_case_column columns[] = {{"a", "int", "0"}, {"b", "int", "0"}, {0}};
    gly_expr *exprs[3] = {
        gly_expr_case_parse(arena, columns, "(<> a 0)", &err),
        gly_expr_case_parse(arena, columns, "(> (div 100 a) 3)", &err),
        gly_expr_case_parse(arena, columns, "(< b 5)", &err),
    };
    gly_expr_program *program;
    GLY_CHECK_OK(gly_expr_compile(arena, 3, exprs, &program, &err), &err);
    gly_expr_state *state = gly_expr_state_make(program, 0);
    gly_type types[2] = {GLY_TYPE_OF(INT), GLY_TYPE_OF(INT)};
    gly_batch *batch = gly_batch_make(arena, types, 2, GLY_BATCH_ROWS);
    batch->count = batch->selected = GLY_BATCH_ROWS;
    int32_t *a = batch->columns[0].data, *b = batch->columns[1].data;
    for (uint32_t i = 0; i < GLY_BATCH_ROWS; i++) {
        a[i] = (int32_t)(i * 7 % 50);
        b[i] = (int32_t)(i % 10);
    }
    batch->columns[0].count = batch->columns[1].count = GLY_BATCH_ROWS;
    gly_arena *scratch = gly_arena_make();
    for (int round = 0; round < 200; round++) {
        uint16_t selection[GLY_BATCH_ROWS];
        uint32_t count, wanted = 0;
        GLY_CHECK_OK(gly_expr_select(state, batch, scratch, selection, &count, &err), &err);
        for (uint32_t i = 0; i < GLY_BATCH_ROWS; i++) {
            if (a[i] != 0 && 100 / a[i] > 3 && b[i] < 5) {
                GLY_CHECK(wanted < count && selection[wanted] == i);
                wanted++;
            }
        }
        GLY_CHECK_INT(count, wanted);
        gly_arena_reset(scratch);
    }
    gly_arena_free(scratch);
    gly_expr_state_free(state);
    gly_arena_free(arena);
}

/* An entry that no row uses raises (the harness adds one that is 0): rows are computed instead. */
GLY_TEST(unused_entries_do_not_raise) {
    static const gly_expr_case_column columns[] = {
        {"a", "int", "1|2|5|-5|10"}, {"s", "string", "1|2|33|4|5"}, {0}};
    GLY_EXPR_CASE(columns, "(div 10 a)", "10|5|2|-2|1");
    GLY_EXPR_CASE(columns, "(cast s int)", "1|2|33|4|5"); /* '' is no number */
    GLY_EXPR_CASE(columns, "(concat s ' is a long number')",
                  "1 is a long number|2 is a long number|33 is a long number|4 is a long number|"
                  "5 is a long number");
}

/* Branches that raise on purpose raise only when they are taken. */
GLY_TEST(raising_branches) {
    GLY_EXPR_CASE(numbers, "(case (= a 99) (cast (raise_error 'no') int) true b)",
                  "2|2|null|0|5|7");
    GLY_EXPR_CASE(numbers, "(case (= a 7) (cast (raise_error 'no') int) true b)", "!no (line 1");
}

/* Two dictionaries after another, under one id and under two, large and small. */
GLY_TEST(dictionaries_are_remembered) {
    gly_arena *arena = gly_arena_make(), *scratch = gly_arena_make();
    gly_error err = {0};
    gly_expr_case_column columns[] = {{"s", "string", ""}, {0}};
    gly_expr *expr = gly_expr_case_parse(
        arena, columns, "(concat (upper (substring s 1 20)) ' and then some')", &err);
    gly_expr_program *program;
    GLY_CHECK_OK(gly_expr_compile(arena, 1, &expr, &program, &err), &err);
    gly_expr_state *state = gly_expr_state_make(program, 0);
    uint64_t last_id = 0;
    for (int round = 0; round < 12; round++) {
        uint32_t entries = round < 6 ? 3 : 5000, count = GLY_MIN(GLY_BATCH_ROWS, 1500);
        gly_column dictionary;
        gly_arena *own = gly_arena_make(); /* the dictionary's bytes move between batches */
        gly_column_make_flat(own, GLY_TYPE_OF(STRING), entries, &dictionary);
        for (uint32_t i = 0; i < entries; i++) {
            const char *text = gly_arena_format(own, "entry number %u of %d, a long text", i,
                                                round / 3);
            gly_value value = gly_value_text(GLY_TYPE_OF(STRING), gly_str_of(text));
            gly_column_set(own, &dictionary, i, &value);
        }
        dictionary.shape = GLY_SHAPE_DICTIONARY;
        dictionary.dictionary_count = entries;
        dictionary.dictionary_id = 7 + (uint64_t)round / 3;
        dictionary.count = count;
        dictionary.codes = gly_arena_alloc(own, count * sizeof(uint32_t));
        for (uint32_t i = 0; i < count; i++) {
            dictionary.codes[i] = (i * 31 + (uint32_t)round) % entries;
        }
        gly_batch batch = {.column_count = 1, .count = count, .selected = count,
                           .columns = &dictionary};
        gly_column result;
        GLY_CHECK_OK(gly_expr_run(state, &batch, scratch, &result, &err), &err);
        for (uint32_t i = 0; i < count; i++) {
            char wanted[80], start[24];
            snprintf(start, sizeof start, "ENTRY NUMBER %u OF %d, ", dictionary.codes[i],
                     round / 3);
            snprintf(wanted, sizeof wanted, "%.20s and then some", start);
            gly_value value = gly_column_get(&result, i);
            if (!gly_str_equal(value.text, gly_str_of(wanted))) {
                fprintf(stderr, "round %d row %u: %.*s\n", round, i, GLY_STR_ARG(value.text));
                GLY_CHECK(false);
                break;
            }
        }
        if (result.shape == GLY_SHAPE_DICTIONARY && round % 3 == 2) {
            GLY_CHECK(result.dictionary_id == last_id);
        }
        last_id = result.shape == GLY_SHAPE_DICTIONARY ? result.dictionary_id : last_id;
        gly_arena_reset(scratch);
        gly_arena_free(own);
    }
    gly_expr_state_free(state);
    gly_arena_free(scratch);
    gly_arena_free(arena);
}

GLY_TEST(numbers_of_rows) {
    gly_arena *arena = gly_arena_make(), *scratch = gly_arena_make();
    gly_error err = {0};
    gly_expr *exprs[3] = {gly_expr_case_parse(arena, NULL, "(monotonically_increasing_id)", &err),
                          gly_expr_case_parse(arena, NULL, "(rand 42L)", &err),
                          gly_expr_case_parse(arena, NULL, "(rand 42L)", &err)};
    gly_expr_program *program;
    GLY_CHECK_OK(gly_expr_compile(arena, 3, exprs, &program, &err), &err);
    gly_expr_state *state = gly_expr_state_make(program, 3);
    double first = 0;
    for (int round = 0; round < 2; round++) {
        gly_batch batch = {.count = 2, .selected = 2};
        gly_column results[3];
        GLY_CHECK_OK(gly_expr_run(state, &batch, scratch, results, &err), &err);
        for (uint32_t i = 0; i < 2; i++) {
            GLY_CHECK_INT(gly_column_get(&results[0], i).i64,
                          (INT64_C(3) << 33) + round * 2 + i);
            double a = gly_column_get(&results[1], i).f64, b = gly_column_get(&results[2], i).f64;
            GLY_CHECK(a == b && a >= 0 && a < 1); /* equal seeds, two streams */
            GLY_CHECK(a != first);
            first = a;
        }
    }
    gly_expr_state_free(state);
    state = gly_expr_state_make(program, 0);
    gly_batch batch = {.count = 1, .selected = 1};
    gly_column results[3];
    GLY_CHECK_OK(gly_expr_run(state, &batch, scratch, results, &err), &err);
    GLY_CHECK(gly_column_get(&results[1], 0).f64 == 0.619189370225301); /* Spark's rand(42) */
    gly_expr_state_free(state);
    gly_arena_free(scratch);
    gly_arena_free(arena);
}

GLY_SUITE("expr_run", unused_entries_do_not_raise, raising_branches, dictionaries_are_remembered,
          numbers_of_rows, nulls_spread, three_valued_logic, branches_do_not_raise_elsewhere,
          case_and_friends, comparisons, membership, decimals_narrow_and_wide, one_value,
          conjuncts_keep_guards)
