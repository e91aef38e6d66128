/* test_op_hash_join.c - every kind of join against nested loops: NULL keys, conditions, spilling,
 * skew. */
#include "tests/support/check.h"
#include "tests/support/op_harness.h"

enum { KEY, SMALL, TEXT, DOUBLE, VALUE, COLUMNS };

static gly_type types[COLUMNS];

typedef struct shape {
    uint32_t rows;
    uint32_t keys; /* distinct ones */
    bool nulls;
    int64_t stretch; /* distance of integer keys */
} shape;

static gly_op_table *make_table(gly_arena *arena, shape s, uint64_t seed) {
    gly_random random = {seed};
    types[KEY] = GLY_TYPE_OF(BIGINT);
    types[SMALL] = GLY_TYPE_OF(INT);
    types[TEXT] = GLY_TYPE_OF(STRING);
    types[DOUBLE] = GLY_TYPE_OF(DOUBLE);
    types[VALUE] = GLY_TYPE_OF(INT);
    gly_op_table *table = gly_op_harness_table(arena, types, COLUMNS, s.rows);
    for (uint32_t r = 0; r < s.rows; r++) {
        gly_value *row = table->rows[r];
        int64_t key = (int64_t)gly_random_below(&random, s.keys);
        row[KEY] = gly_value_i64(types[KEY], key * s.stretch - 5);
        row[SMALL] = gly_value_i64(types[SMALL], key % 5);
        const char *format = key % 2 == 0 ? "%d" : "the key of this row is %d";
        row[TEXT] =
            gly_value_text(types[TEXT], gly_str_of(gly_arena_format(arena, format, (int)key)));
        row[DOUBLE] =
            gly_value_f64(types[DOUBLE], key == 0 ? (r % 2 == 0 ? 0.0 : -0.0) : (double)key / 2);
        row[VALUE] = gly_value_i64(types[VALUE], (int64_t)gly_random_below(&random, 100));
        for (uint32_t c = 0; s.nulls && c < COLUMNS; c++) {
            if (gly_random_below(&random, 12) == 0) {
                row[c] = gly_value_null(types[c]);
            }
        }
    }
    return table;
}

typedef struct join_case {
    gly_join_kind kind;
    bool is_flipped;
    bool has_condition; /* probe.value < build.value */
    bool computed;      /* keys are expressions */
    uint32_t key_count;
    const int *keys;
} join_case;

static gly_physical *make_plan(gly_arena *arena, const join_case *jc) {
    gly_type output[2 * COLUMNS];
    for (uint32_t c = 0; c < 2 * COLUMNS; c++) {
        output[c] = types[c % COLUMNS];
    }
    bool has_build = gly_physical_join_puts_out_build((uint8_t)jc->kind);
    gly_physical *plan = gly_op_harness_plan(arena, GLY_PHYSICAL_HASH_JOIN, 2, output,
                                             has_build ? 2 * COLUMNS : COLUMNS);
    for (uint32_t i = 0; i < 2; i++) {
        plan->children[i] = gly_op_harness_plan(arena, GLY_PHYSICAL_VALUES, 0, types, COLUMNS);
    }
    plan->join.kind = (uint8_t)jc->kind;
    plan->join.is_flipped = jc->is_flipped;
    plan->join.key_count = jc->key_count;
    plan->join.probe_keys = GLY_ARENA_ARRAY(arena, gly_expr *, jc->key_count);
    plan->join.build_keys = GLY_ARENA_ARRAY(arena, gly_expr *, jc->key_count);
    for (uint32_t k = 0; k < jc->key_count; k++) {
        uint32_t column = (uint32_t)jc->keys[k];
        gly_expr *expr = gly_op_harness_column(arena, column, types[column]);
        if (jc->computed) {
            gly_expr **args = GLY_ARENA_ARRAY(arena, gly_expr *, 2);
            args[0] = args[1] = expr;
            expr = gly_expr_call(arena, GLY_FN_COALESCE, types[column], true, 2, args);
        }
        plan->join.probe_keys[k] = plan->join.build_keys[k] = expr;
    }
    if (jc->has_condition) {
        gly_expr **args = GLY_ARENA_ARRAY(arena, gly_expr *, 2);
        args[0] = gly_op_harness_column(arena, VALUE, types[VALUE]);
        args[1] = gly_op_harness_column(arena, COLUMNS + VALUE, types[VALUE]);
        plan->join.condition =
            gly_expr_call(arena, GLY_FN_LESS, GLY_TYPE_OF(BOOLEAN), true, 2, args);
    }
    return plan;
}

/* ---- the naive one ---- */

static bool keys_match(const join_case *jc, const gly_value *probe, const gly_value *build) {
    for (uint32_t k = 0; k < jc->key_count; k++) {
        const gly_value *a = &probe[jc->keys[k]];
        const gly_value *b = &build[jc->keys[k]];
        if (a->is_null || b->is_null || gly_value_compare(a, b) != 0) {
            return false;
        }
    }
    if (jc->has_condition) {
        return !probe[VALUE].is_null && !build[VALUE].is_null &&
               probe[VALUE].i64 < build[VALUE].i64;
    }
    return true;
}

static void put(const join_case *jc, const gly_value *probe, const gly_value *build,
                gly_op_lines *ret) {
    gly_value row[2 * COLUMNS];
    bool has_build = gly_physical_join_puts_out_build((uint8_t)jc->kind);
    for (uint32_t c = 0; c < COLUMNS; c++) {
        gly_value *p = &row[jc->is_flipped ? COLUMNS + c : c];
        gly_value *b = &row[jc->is_flipped ? c : COLUMNS + c];
        *p = probe == NULL ? gly_value_null(types[c]) : probe[c];
        if (has_build) {
            *b = build == NULL ? gly_value_null(types[c]) : build[c];
        }
    }
    gly_builder line = {0};
    gly_op_harness_format(row, has_build ? 2 * COLUMNS : COLUMNS, &line);
    gly_op_harness_add(ret, line.data);
    gly_builder_clear(&line);
}

static void expect(const join_case *jc, const gly_op_table *probe, const gly_op_table *build,
                   gly_op_lines *ret) {
    bool *matched = calloc(build->row_count + 1, 1);
    bool build_null = false;
    for (uint32_t b = 0; b < build->row_count; b++) {
        build_null = build_null || build->rows[b][jc->keys[0]].is_null;
    }
    for (uint32_t p = 0; p < probe->row_count; p++) {
        const gly_value *row = probe->rows[p];
        bool any = false;
        for (uint32_t b = 0; b < build->row_count; b++) {
            if (keys_match(jc, row, build->rows[b])) {
                any = matched[b] = true;
                if (gly_physical_join_puts_out_build((uint8_t)jc->kind)) {
                    put(jc, row, build->rows[b], ret);
                }
            }
        }
        bool unknown = build->row_count > 0 && (build_null || row[jc->keys[0]].is_null);
        if ((jc->kind == GLY_JOIN_SEMI && any) || (jc->kind == GLY_JOIN_ANTI && !any) ||
            (jc->kind == GLY_JOIN_NULL_AWARE_ANTI && !any && !unknown) ||
            ((jc->kind == GLY_JOIN_LEFT || jc->kind == GLY_JOIN_FULL) && !any)) {
            put(jc, row, NULL, ret);
        }
    }
    for (uint32_t b = 0; b < build->row_count; b++) {
        if (!matched[b] && (jc->kind == GLY_JOIN_RIGHT || jc->kind == GLY_JOIN_FULL)) {
            put(jc, NULL, build->rows[b], ret);
        }
    }
    free(matched);
}

static void check_join(const join_case *jc, const gly_op_table *probe, const gly_op_table *build,
                       gly_op_run *run) {
    gly_arena *arena = gly_arena_make();
    gly_error err = {0};
    gly_op_lines actual = {0};
    gly_op_lines expected = {0};
    const gly_op_table *inputs[] = {probe, build};
    gly_physical *plan = make_plan(arena, jc);
    GLY_CHECK_OK(gly_op_harness_run(plan, inputs, run, &actual, &err), &err);
    expect(jc, probe, build, &expected);
    bool same = gly_op_harness_same(&actual, &expected);
    if (!same) {
        fprintf(stderr,
                "kind %d flipped %d condition %d computed %d keys %u[%d] probe %u build %u\n",
                jc->kind, jc->is_flipped, jc->has_condition, jc->computed, jc->key_count,
                jc->keys[0], probe->row_count, build->row_count);
    }
    GLY_CHECK(same);
    gly_op_harness_clear(&actual);
    gly_op_harness_clear(&expected);
    gly_arena_free(arena);
}

static const int by_key[] = {KEY};
static const int by_small[] = {SMALL};
static const int by_text[] = {TEXT};
static const int by_double[] = {DOUBLE};
static const int by_two[] = {TEXT, KEY};
static const struct {
    const int *keys;
    uint32_t count;
} keyings[] = {{by_key, 1}, {by_small, 1}, {by_text, 1}, {by_double, 1}, {by_two, 2}};

static void check_all_kinds(const gly_op_table *probe, const gly_op_table *build, gly_op_run *run) {
    for (int kind = GLY_JOIN_INNER; kind <= GLY_JOIN_NULL_AWARE_ANTI; kind++) {
        for (size_t k = 0; k < GLY_ARRAY_LEN(keyings); k++) {
            bool is_set = !gly_physical_join_puts_out_build((uint8_t)kind);
            if (kind == GLY_JOIN_NULL_AWARE_ANTI && keyings[k].count > 1) {
                continue;
            }
            join_case jc = {.kind = (gly_join_kind)kind,
                            .key_count = keyings[k].count,
                            .keys = keyings[k].keys};
            run->seed += 1;
            check_join(&jc, probe, build, run);
            jc.is_flipped = !is_set;
            jc.computed = true;
            jc.has_condition = kind != GLY_JOIN_NULL_AWARE_ANTI;
            check_join(&jc, probe, build, run);
        }
    }
}

GLY_TEST(joins_like_nested_loops) {
    static const shape probes[] = {{0, 1, false, 1},
                                   {1, 1, true, 1},
                                   {GLY_CHECK_SIZE(700, 200), GLY_CHECK_SIZE(300, 100), true, 1},
                                   {GLY_CHECK_SIZE(900, 150), 100, false, 1000}};
    static const shape builds[] = {{0, 1, false, 1},
                                   {2, 1, false, 1},
                                   {GLY_CHECK_SIZE(400, 150), GLY_CHECK_SIZE(300, 100), true, 1},
                                   {GLY_CHECK_SIZE(300, 100), 100, false, 1000}};
    gly_arena *arena = gly_arena_make();
    for (size_t i = 0; i < GLY_ARRAY_LEN(probes); i++) {
        for (size_t j = 0; j < GLY_ARRAY_LEN(builds); j++) {
            gly_op_table *probe = make_table(arena, probes[i], i + 1);
            gly_op_table *build = make_table(arena, builds[j], j + 100);
            gly_op_run run = {.width = 1 + (i + j) % 3};
            check_all_kinds(probe, build, &run);
        }
    }
    gly_arena_free(arena);
}

GLY_TEST(spills_and_is_still_right) {
    gly_arena *arena = gly_arena_make();
    const uint32_t probe_rows = GLY_CHECK_SIZE(2300, 300);
    const uint32_t build_rows = GLY_CHECK_SIZE(600, 240);
    gly_op_table *probe = make_table(arena, (shape){probe_rows, build_rows / 2, true, 7}, 1);
    gly_op_table *build = make_table(arena, (shape){build_rows, build_rows / 2, true, 7}, 2);
    for (uint32_t width = 1; width <= 3; width += 2) {
        gly_op_run run = {.width = width, .memory_bytes = GLY_CHECK_SIZE(20, 8) << 10};
        check_all_kinds(probe, build, &run);
        GLY_CHECK(run.spill_bytes > 0);
        run.memory_bytes = 1; /* everything in chunks of one batch */
        check_all_kinds(probe, build, &run);
        GLY_CHECK(run.spill_bytes > 0);
    }
    gly_arena_free(arena);
}

/* One key everywhere: one partition, long chains, more output than input. */
GLY_TEST(equal_keys_survive) {
    gly_arena *arena = gly_arena_make();
    gly_op_table *probe = make_table(arena, (shape){40, 1, false, 1}, 1);
    gly_op_table *build = make_table(
        arena, (shape){GLY_MIN(GLY_BATCH_ROWS + 52, GLY_CHECK_SIZE(500, 150)), 1, false, 1}, 2);
    for (size_t memory = 0; memory < 2; memory++) {
        gly_op_run run = {.width = 1, .memory_bytes = memory};
        check_all_kinds(probe, build, &run);
        check_all_kinds(build, probe, &run);
    }
    gly_arena_free(arena);
}

GLY_SUITE("op_hash_join", joins_like_nested_loops, spills_and_is_still_right, equal_keys_survive)
