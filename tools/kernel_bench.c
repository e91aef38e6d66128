/* kernel_bench.c - nanoseconds per value of the loops that matter: galley-kernel-bench.
 *
 * Batches of 2048 rows that stay in cache, best of many rounds; for comparing versions on one
 * machine.
 */
#include "lib/base/clock.h"
#include "lib/base/random.h"
#include "lib/engine/expr/expr_run.h"
#include "lib/engine/kernel/k_arith.h"
#include "lib/engine/kernel/k_bits.h"
#include "lib/engine/kernel/k_compare.h"
#include "lib/engine/kernel/k_decimal.h"
#include "lib/engine/kernel/k_hash.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROWS = GLY_BATCH_ROWS, ROUNDS = 3000 };

#define MEASURE(name, work)                                                                        \
    do {                                                                                           \
        double best = 1e9;                                                                         \
        for (int round = 0; round < ROUNDS; round++) {                                             \
            int64_t start = gly_clock_ns();                                                        \
            work;                                                                                  \
            double ns = (double)(gly_clock_ns() - start) / ROWS;                                   \
            best = ns < best ? ns : best;                                                          \
        }                                                                                          \
        printf("%-44s %7.3f ns/row\n", name, best);                                                \
    } while (0)

typedef struct data {
    gly_batch *batch;
    gly_arena *arena, *scratch;
} data;

static gly_expr *column(data *d, uint32_t index) {
    return gly_expr_column(d->arena, index, d->batch->columns[index].type, true, GLY_STR("c"));
}

static gly_expr *call(data *d, gly_function_id id, gly_type type, gly_expr *a, gly_expr *b) {
    gly_expr **args = GLY_ARENA_ARRAY(d->arena, gly_expr *, 2);
    args[0] = a;
    args[1] = b;
    return gly_expr_call(d->arena, id, type, true, 2, args);
}

static gly_expr_state *compile(data *d, uint32_t count, gly_expr **exprs) {
    gly_error err;
    gly_expr_program *program;
    if (gly_expr_compile(d->arena, count, exprs, &program, &err) != GLY_OK) {
        printf("%s\n", err.message);
        exit(1);
    }
    return gly_expr_state_make(program, 0);
}

static void bench_run(data *d, const char *name, gly_expr *expr) {
    gly_expr_state *state = compile(d, 1, &expr);
    gly_column result;
    gly_error err;
    MEASURE(name, {
        gly_arena_reset(d->scratch);
        if (gly_expr_run(state, d->batch, d->scratch, &result, &err) != GLY_OK) {
            printf("%s\n", err.message);
            exit(1);
        }
    });
    gly_expr_state_free(state);
}

static void bench_select(data *d, const char *name, uint32_t count, gly_expr **exprs) {
    gly_expr_state *state = compile(d, count, exprs);
    gly_error err;
    uint16_t selection[ROWS];
    uint32_t selected = 0;
    MEASURE(name, {
        gly_arena_reset(d->scratch);
        if (gly_expr_select(state, d->batch, d->scratch, selection, &selected, &err) != GLY_OK) {
            printf("%s\n", err.message);
            exit(1);
        }
    });
    printf("    %u of %u rows\n", selected, ROWS);
    gly_expr_state_free(state);
}

static gly_expr *number(data *d, gly_type type, int64_t value) {
    return gly_expr_literal(d->arena, type.id == GLY_TYPE_DECIMAL
                                          ? gly_value_decimal(type, value)
                                          : gly_value_i64(type, value));
}

static void bench_expressions(data *d) {
    gly_type boolean = GLY_TYPE_OF(BOOLEAN), date = GLY_TYPE_OF(DATE);
    gly_type money = gly_type_decimal(15, 2), bigint = GLY_TYPE_OF(BIGINT);
    bench_run(d, "bigint + bigint", call(d, GLY_FN_ADD, bigint, column(d, 0), column(d, 1)));
    bench_run(d, "bigint * bigint (small values)",
              call(d, GLY_FN_MULTIPLY, bigint, column(d, 0), column(d, 1)));
    gly_expr *less = call(d, GLY_FN_SUBTRACT, gly_type_decimal(16, 2),
                          number(d, gly_type_decimal(1, 0), 1), column(d, 4));
    gly_expr *price =
        call(d, GLY_FN_MULTIPLY, gly_type_decimal(32, 4), column(d, 3), less);
    gly_expr *taxed = call(d, GLY_FN_MULTIPLY, gly_type_decimal(38, 6), price,
                           call(d, GLY_FN_ADD, gly_type_decimal(16, 2),
                                number(d, gly_type_decimal(1, 0), 1), column(d, 5)));
    bench_run(d, "price * (1 - discount)", price);
    bench_run(d, "price * (1 - discount) * (1 + tax)", taxed);
    gly_expr *q6[4] = {
        call(d, GLY_FN_GREATER_EQUAL, boolean, column(d, 2), number(d, date, 8766)),
        call(d, GLY_FN_LESS, boolean, column(d, 2), number(d, date, 9131)),
        call(d, GLY_FN_GREATER_EQUAL, boolean, column(d, 4), number(d, money, 5)),
        call(d, GLY_FN_LESS_EQUAL, boolean, column(d, 4), number(d, money, 7)),
    };
    bench_select(d, "select date >= x", 1, q6);
    bench_select(d, "select Q6's four conjuncts", 4, q6);
}

static gly_expr *text(data *d, const char *value) {
    return gly_expr_literal(d->arena, gly_value_text(GLY_TYPE_OF(STRING), gly_str_of(value)));
}

static void bench_texts(data *d) {
    gly_type boolean = GLY_TYPE_OF(BOOLEAN), bigint = GLY_TYPE_OF(BIGINT);
    gly_type integer = GLY_TYPE_OF(INT);
    gly_expr *likes[1] = {call(d, GLY_FN_LIKE, boolean, column(d, 6),
                               text(d, "%special%requests%"))};
    bench_select(d, "select comment like '%special%requests%'", 1, likes);
    gly_expr *equal[1] = {call(d, GLY_FN_EQUAL, boolean, column(d, 7), text(d, "AIR"))};
    bench_select(d, "select mode = 'AIR' (flat)", 1, equal);
    gly_expr *coded[1] = {call(d, GLY_FN_EQUAL, boolean, column(d, 8), text(d, "AIR"))};
    bench_select(d, "select mode = 'AIR' (dictionary)", 1, coded);
    gly_expr **one = GLY_ARENA_ARRAY(d->arena, gly_expr *, 3);
    one[0] = column(d, 2);
    bench_run(d, "year(date)", gly_expr_call(d->arena, GLY_FN_YEAR, integer, true, 1, one));
    gly_expr **branches = GLY_ARENA_ARRAY(d->arena, gly_expr *, 3);
    branches[0] = coded[0];
    branches[1] = column(d, 0);
    branches[2] = number(d, bigint, 0);
    bench_run(d, "case when mode = 'AIR' then x else 0 end",
              gly_expr_call(d->arena, GLY_FN_CASE, bigint, true, 3, branches));
    branches = GLY_ARENA_ARRAY(d->arena, gly_expr *, 3);
    branches[0] = column(d, 6);
    branches[1] = number(d, integer, 1);
    branches[2] = number(d, integer, 2);
    bench_run(d, "substring(comment, 1, 2)",
              gly_expr_call(d->arena, GLY_FN_SUBSTRING, GLY_TYPE_OF(STRING), true, 3, branches));
}

static void fill_texts(data *d, gly_random *random) {
    static const char *const modes[] = {"AIR", "MAIL", "SHIP", "TRUCK", "RAIL", "FOB", "REG AIR"};
    static const char *const words[] = {"the", "special", "quickly", "furious", "deposits",
                                        "requests", "packages", "sleep", "carefully", "ironic"};
    gly_column *comments = &d->batch->columns[6], *flat = &d->batch->columns[7];
    gly_column *coded = &d->batch->columns[8];
    uint32_t *codes = gly_arena_alloc_aligned(d->arena, ROWS * sizeof *codes);
    for (uint32_t i = 0; i < ROWS; i++) {
        gly_builder out = {0};
        for (int w = 0; w < 7; w++) {
            gly_builder_format(&out, "%s ", words[gly_random_below(random, 10)]);
        }
        gly_value value = gly_value_text(GLY_TYPE_OF(STRING),
                                         gly_arena_str(d->arena, gly_builder_str(&out)));
        gly_column_set(d->arena, comments, i, &value);
        gly_builder_clear(&out);
        codes[i] = (uint32_t)gly_random_below(random, GLY_ARRAY_LEN(modes));
        value = gly_value_text(GLY_TYPE_OF(STRING), gly_str_of(modes[codes[i]]));
        gly_column_set(d->arena, flat, i, &value);
        if (i < GLY_ARRAY_LEN(modes)) {
            value.text = gly_str_of(modes[i]);
            gly_column_set(d->arena, coded, i, &value);
        }
    }
    coded->shape = GLY_SHAPE_DICTIONARY;
    coded->codes = codes;
    coded->dictionary_count = GLY_ARRAY_LEN(modes);
    coded->dictionary_id = 1;
}

static void bench_kernels(data *d) {
    int64_t *a = d->batch->columns[0].data, *b = d->batch->columns[1].data;
    int32_t *dates = d->batch->columns[2].data, limit = 9000;
    static int64_t out[ROWS];
    static uint8_t bytes[ROWS + 64];
    static uint64_t bits[ROWS / 64 + 1], hashes[ROWS];
    static uint16_t selection[ROWS + 8];
    MEASURE("kernel: i64 add, checked", gly_k_arith_run(GLY_K_ADD, GLY_KIND_I64, a, UINT32_MAX, b,
                                                        UINT32_MAX, ROWS, out));
    MEASURE("kernel: i64 multiply, bounds first",
            gly_k_arith_run(GLY_K_MULTIPLY, GLY_KIND_I64, a, UINT32_MAX, b, UINT32_MAX, ROWS, out));
    MEASURE("kernel: i32 < constant to bytes",
            gly_k_compare_run(GLY_K_LESS, GLY_KIND_I32, dates, &limit, 0, ROWS, bytes));
    MEASURE("kernel: bytes to bits", gly_k_bits_from_bytes(bytes, ROWS, bits));
    MEASURE("kernel: bits to selection", gly_k_bits_to_selection(bits, ROWS, selection));
    MEASURE("kernel: hash i64",
            gly_k_hash_column(&d->batch->columns[0], NULL, ROWS, hashes, false));
}

int main(void) {
    gly_arena *arena = gly_arena_make(), *scratch = gly_arena_make();
    gly_type money = gly_type_decimal(15, 2);
    gly_type types[] = {GLY_TYPE_OF(BIGINT), GLY_TYPE_OF(BIGINT), GLY_TYPE_OF(DATE), money, money,
                        money, GLY_TYPE_OF(STRING), GLY_TYPE_OF(STRING), GLY_TYPE_OF(STRING)};
    data d = {gly_batch_make(arena, types, 9, ROWS), arena, scratch};
    gly_random random = {1};
    d.batch->count = d.batch->selected = ROWS;
    for (uint32_t i = 0; i < ROWS; i++) {
        ((int64_t *)d.batch->columns[0].data)[i] = (int64_t)gly_random_below(&random, 1000000);
        ((int64_t *)d.batch->columns[1].data)[i] = (int64_t)gly_random_below(&random, 1000000);
        ((int32_t *)d.batch->columns[2].data)[i] = 8000 + (int32_t)gly_random_below(&random, 2500);
        ((int64_t *)d.batch->columns[3].data)[i] = (int64_t)gly_random_below(&random, 10000000);
        ((int64_t *)d.batch->columns[4].data)[i] = (int64_t)gly_random_below(&random, 11);
        ((int64_t *)d.batch->columns[5].data)[i] = (int64_t)gly_random_below(&random, 9);
    }
    fill_texts(&d, &random);
    for (uint32_t c = 0; c < 9; c++) {
        d.batch->columns[c].count = ROWS;
    }
    bench_kernels(&d);
    bench_expressions(&d);
    bench_texts(&d);
    gly_arena_free(scratch);
    gly_arena_free(arena);
    return 0;
}
