/* engine_bench.c - nanoseconds per row of grouping, joining and sorting: galley-engine-bench [rows]
 * [gjs] [name] [rounds].
 *
 * Operators run alone, one thread, over columns that lie in memory; input batches are views of
 * them, so what is measured is the operator and nothing else (CPU time).  Output is pulled and
 * thrown away.
 */
#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/random.h"
#include "lib/engine/op/operators.h"
#include "lib/engine/pipeline/task_state.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct data { /* columns of one table */
    uint32_t column_count;
    gly_column *columns;
    uint64_t rows;
} data;

typedef struct bench {
    gly_arena *arena;
    gly_budget memory;
    gly_task_environment environment;
    gly_task_spec spec;
    gly_task_result result;
    gly_task_state task;
    gly_worker worker;
    uint64_t rows_out;
    gly_error err;
} bench;

static void must(gly_status status, const gly_error *err) {
    if (status != GLY_OK) {
        fprintf(stderr, "%s\n", err->message);
        exit(1);
    }
}

static void open_bench(bench *b) {
    static const atomic_bool cancelled = false;
    memset(b, 0, sizeof *b);
    b->arena = gly_arena_make();
    gly_budget_init(&b->memory, NULL, SIZE_MAX);
    b->environment.memory = &b->memory;
    b->environment.local_dir = "/tmp";
    b->environment.slot_count = 1;
    b->environment.shuffle_codec = GLY_CODEC_LZ4;
    b->spec.width = 1;
    b->spec.cancelled = &cancelled;
    gly_task_state_init(&b->task, b->arena, &b->environment, &b->spec, &b->result);
    b->worker = (gly_worker){.task = &b->task, .scratch = gly_arena_make()};
}

static void close_bench(bench *b) {
    gly_task_state_clear(&b->task);
    gly_arena_free(b->worker.scratch);
    gly_arena_free(b->arena);
}

/* Rows first .. first+count of the table as a batch. */
static void view(const data *table, uint64_t first, uint32_t count, gly_column *columns,
                 gly_batch *ret) {
    for (uint32_t c = 0; c < table->column_count; c++) {
        columns[c] = table->columns[c];
        columns[c].count = count;
        if (columns[c].shape == GLY_SHAPE_DICTIONARY) {
            columns[c].codes += first;
        } else {
            columns[c].data = (char *)columns[c].data + first * gly_type_width(columns[c].type);
        }
    }
    *ret = (gly_batch){table->column_count, count, count, NULL, columns};
}

static void feed(bench *b, const data *table, uint64_t first, uint64_t rows, void *local,
                 gly_status (*take)(void *, const gly_batch *, gly_error *)) {
    gly_column columns[16];
    for (uint64_t at = first; at < first + rows; at += GLY_BATCH_ROWS) {
        gly_batch batch;
        view(table, at, (uint32_t)GLY_MIN(first + rows - at, (uint64_t)GLY_BATCH_ROWS), columns,
             &batch);
        gly_arena_reset(b->worker.scratch);
        must(take(local, &batch, &b->err), &b->err);
    }
}

static gly_status swallow(void *context, const gly_batch *batch, gly_error *err) {
    (void)err;
    ((bench *)context)->rows_out += batch->selected;
    return GLY_OK;
}

static void drain(bench *b, gly_op_node *node) {
    void *local;
    must(node->op->open_source(node, &b->worker, &local, &b->err), &b->err);
    for (const gly_batch *batch;;) {
        gly_arena_reset(b->worker.scratch);
        must(node->op->next(local, &batch, &b->err), &b->err);
        if (batch == NULL) {
            break;
        }
        b->rows_out += batch->selected;
    }
    node->op->close_source(local);
}

static void sink_all(bench *b, gly_op_node *node, const data *table, uint64_t first,
                     uint64_t rows) {
    void *local;
    must(node->op->open_sink(node, &b->worker, &local, &b->err), &b->err);
    feed(b, table, first, rows, local, node->op->sink);
    must(node->op->finish == NULL ? GLY_OK : node->op->finish(local, &b->err), &b->err);
    node->op->close_sink(local);
    must(node->op->seal(node, &b->err), &b->err);
}

static void stream_all(bench *b, gly_op_node *node, const data *table) {
    void *local;
    gly_downstream next = {swallow, b};
    must(node->op->open_stream(node, &b->worker, next, &local, &b->err), &b->err);
    feed(b, table, 0, table->rows, local, node->op->push);
    gly_arena_reset(b->worker.scratch);
    must(node->op->flush == NULL ? GLY_OK : node->op->flush(local, &b->err), &b->err);
    node->op->close_stream(local);
}

static int rounds = 3;
static const char *only = ""; /* a part of the names to run */

static void report(const char *name, int64_t ns, uint64_t rows, uint64_t rows_out) {
    printf("%-52s %8.2f ns/row %8.1f ms %10llu out\n", name, (double)ns / (double)rows,
           (double)ns / 1e6, (unsigned long long)rows_out);
    fflush(stdout);
}

/* Sink and source, the input cut into `parts` (each a task's share). */
static void run_breaker(const char *name, gly_physical *plan, const data *table, uint64_t parts) {
    int64_t best = INT64_MAX;
    uint64_t out = 0;
    if (strstr(name, only) == NULL) {
        return;
    }
    for (int round = 0; round < rounds; round++) {
        int64_t start = gly_clock_cpu_ns();
        out = 0;
        for (uint64_t p = 0; p < parts; p++) {
            bench b;
            open_bench(&b);
            gly_op_node node = {.op = gly_operator_find(plan->kind), .plan = plan, .task = &b.task};
            must(node.op->prepare(&node, &b.err), &b.err);
            uint64_t first = table->rows * p / parts;
            sink_all(&b, &node, table, first, table->rows * (p + 1) / parts - first);
            drain(&b, &node);
            node.op->dispose(&node);
            out += b.rows_out;
            close_bench(&b);
        }
        best = GLY_MIN(best, gly_clock_cpu_ns() - start);
    }
    report(name, best, table->rows, out);
}

static void run_stream(const char *name, gly_physical *plan, const data *table) {
    int64_t best = INT64_MAX;
    uint64_t out = 0;
    if (strstr(name, only) == NULL) {
        return;
    }
    for (int round = 0; round < rounds; round++) {
        bench b;
        open_bench(&b);
        gly_op_node node = {.op = gly_operator_find(plan->kind), .plan = plan, .task = &b.task};
        must(node.op->prepare(&node, &b.err), &b.err);
        int64_t start = gly_clock_cpu_ns();
        stream_all(&b, &node, table);
        best = GLY_MIN(best, gly_clock_cpu_ns() - start);
        node.op->dispose(&node);
        out = b.rows_out;
        close_bench(&b);
    }
    report(name, best, table->rows, out);
}

static void run_join(const char *name, gly_physical *plan, const data *probe, const data *build) {
    int64_t best_build = INT64_MAX;
    int64_t best_probe = INT64_MAX;
    uint64_t out = 0;
    char text[96];
    if (strstr(name, only) == NULL) {
        return;
    }
    for (int round = 0; round < rounds; round++) {
        bench b;
        open_bench(&b);
        gly_op_node node = {.op = gly_operator_find(plan->kind), .plan = plan, .task = &b.task};
        must(node.op->prepare(&node, &b.err), &b.err);
        int64_t start = gly_clock_cpu_ns();
        sink_all(&b, &node, build, 0, build->rows);
        int64_t built = gly_clock_cpu_ns();
        stream_all(&b, &node, probe);
        best_build = GLY_MIN(best_build, built - start);
        best_probe = GLY_MIN(best_probe, gly_clock_cpu_ns() - built);
        node.op->dispose(&node);
        out = b.rows_out;
        close_bench(&b);
    }
    snprintf(text, sizeof text, "%s: build", name);
    report(text, best_build, build->rows, 0);
    snprintf(text, sizeof text, "%s: probe", name);
    report(text, best_probe, probe->rows, out);
}

/* ---- tables ---- */

static gly_column make_column(gly_type type, uint64_t rows) {
    size_t bytes = rows * gly_type_width(type);
    return (gly_column){.type = type, .data = gly_alloc_aligned(bytes)};
}

static void free_data(data *table) {
    for (uint32_t c = 0; c < table->column_count; c++) {
        free(table->columns[c].data);
        free(table->columns[c].codes);
    }
    free(table->columns);
}

/* key: bigint as key_of gives it, value: int. */
static data make_pairs(uint64_t rows, uint64_t keys, uint64_t stretch, bool clustered) {
    gly_random random = {1};
    data table = {2, GLY_NEW_ARRAY(gly_column, 2), rows};
    table.columns[0] = make_column(GLY_TYPE_OF(BIGINT), rows);
    table.columns[1] = make_column(GLY_TYPE_OF(INT), rows);
    for (uint64_t i = 0; i < rows; i++) {
        uint64_t key = clustered ? i * keys / rows : gly_random_below(&random, keys);
        ((int64_t *)table.columns[0].data)[i] = (int64_t)(key * stretch + 1);
        ((int32_t *)table.columns[1].data)[i] = (int32_t)gly_random_below(&random, 100);
    }
    return table;
}

/* The same number of rows in each of `parts` ranges, every range with its own keys. */
static data make_parts(uint64_t rows, uint64_t keys, uint64_t parts) {
    gly_random random = {1};
    data table = make_pairs(rows, keys, 1, false);
    for (uint64_t i = 0; i < rows; i++) {
        uint64_t part = i * parts / rows;
        ((int64_t *)table.columns[0].data)[i] =
            (int64_t)(gly_random_below(&random, keys / parts) * parts + part);
    }
    return table;
}

static data make_unique(uint64_t rows, uint64_t stretch) {
    data table = make_pairs(rows, rows, stretch, true);
    gly_random random = {2};
    int64_t *keys = table.columns[0].data;
    for (uint64_t i = rows; i > 1; i--) {
        uint64_t j = gly_random_below(&random, i);
        int64_t held = keys[i - 1];
        keys[i - 1] = keys[j];
        keys[j] = held;
    }
    return table;
}

static data make_texts(uint64_t rows, uint64_t keys) {
    gly_random random = {3};
    data table = make_pairs(rows, keys, 1, false);
    char *bytes = gly_alloc(rows * 20); /* stay until the end */
    gly_column text = make_column(GLY_TYPE_OF(STRING), rows);
    for (uint64_t i = 0; i < rows; i++) {
        unsigned key = (unsigned)gly_random_below(&random, keys);
        snprintf(bytes + i * 20, 20, "Customer#%09u", key);
        ((gly_text *)text.data)[i] = gly_text_make(bytes + i * 20, 18);
    }
    free(table.columns[0].data);
    table.columns[0] = text;
    return table;
}

/* Two flags as dictionaries, and four decimals. */
static data make_flags(uint64_t rows) {
    gly_random random = {4};
    data table = {6, GLY_NEW_ARRAY(gly_column, 6), rows};
    for (uint32_t c = 0; c < 2; c++) {
        table.columns[c] = make_column(GLY_TYPE_OF(STRING), 3);
        table.columns[c].shape = GLY_SHAPE_DICTIONARY;
        table.columns[c].dictionary_count = 3 - c;
        table.columns[c].dictionary_id = c + 1;
        table.columns[c].codes = gly_alloc_aligned(rows * 4);
        for (uint32_t i = 0; i < 3; i++) {
            ((gly_text *)table.columns[c].data)[i] = gly_text_make("ANR" + i, 1);
        }
        for (uint64_t i = 0; i < rows; i++) {
            table.columns[c].codes[i] = (uint32_t)gly_random_below(&random, 3 - c);
        }
    }
    for (uint32_t c = 2; c < 6; c++) {
        table.columns[c] = make_column(gly_type_decimal(15, 2), rows);
        for (uint64_t i = 0; i < rows; i++) {
            ((int64_t *)table.columns[c].data)[i] = (int64_t)gly_random_below(&random, 10000000);
        }
    }
    return table;
}

/* ---- plans ---- */

static gly_physical *make_plan(gly_arena *arena, gly_physical_kind kind, uint32_t children,
                               const gly_type *types, uint32_t count) {
    gly_physical *plan = gly_physical_make(arena, kind, children);
    plan->schema.field_count = count;
    plan->schema.fields = GLY_ARENA_ARRAY(arena, gly_field, count);
    for (uint32_t i = 0; i < count; i++) {
        plan->schema.fields[i] = (gly_field){GLY_STR("c"), types[i], true};
    }
    return plan;
}

static gly_expr *column_of(gly_arena *arena, const data *table, uint32_t c) {
    return gly_expr_column(arena, c, table->columns[c].type, true, GLY_STR("c"));
}

typedef struct call {
    gly_function_id function;
    int column;
} call;

static gly_physical *make_aggregate(gly_arena *arena, const data *table, uint32_t keys,
                                    const call *calls, uint32_t call_count,
                                    gly_aggregate_mode mode) {
    gly_type types[64];
    uint32_t count = 0;
    gly_expr **groups = GLY_ARENA_ARRAY(arena, gly_expr *, keys);
    gly_expr **aggregates = GLY_ARENA_ARRAY(arena, gly_expr *, call_count);
    for (uint32_t k = 0; k < keys; k++) {
        groups[k] = column_of(arena, table, k);
        types[count++] = groups[k]->type;
    }
    for (uint32_t i = 0; i < call_count; i++) {
        gly_expr **args = GLY_ARENA_ARRAY(arena, gly_expr *, 1);
        bool has_argument = calls[i].column >= 0;
        gly_type argument = GLY_TYPE_OF(NULL);
        gly_type result = GLY_TYPE_OF(BIGINT);
        gly_error err;
        if (has_argument) {
            args[0] = column_of(arena, table, (uint32_t)calls[i].column);
            argument = args[0]->type;
            gly_type coerced = argument;
            must(gly_function_types(calls[i].function, 1, &coerced, NULL, &result, &err), &err);
        }
        aggregates[i] = gly_expr_call(arena, calls[i].function, result, true, has_argument, args);
        aggregates[i]->mode = (uint8_t)mode;
        if (mode == GLY_AGGREGATE_PARTIAL) {
            count += gly_function_states(calls[i].function, argument, result, types + count);
        } else {
            types[count++] = result;
        }
    }
    gly_physical *plan = make_plan(arena, GLY_PHYSICAL_AGGREGATE, 1, types, count);
    plan->children[0] = make_plan(arena, GLY_PHYSICAL_VALUES, 0, types, 0);
    plan->children[0]->row_estimate = UINT64_MAX;
    plan->aggregate.group_count = keys;
    plan->aggregate.groups = groups;
    plan->aggregate.aggregate_count = call_count;
    plan->aggregate.aggregates = aggregates;
    plan->aggregate.skip_allowed = true;
    return plan;
}

static gly_physical *make_join(gly_arena *arena, const data *probe, const data *build,
                               gly_join_kind kind) {
    gly_type types[16];
    uint32_t count = 0;
    for (uint32_t c = 0; c < probe->column_count; c++) {
        types[count++] = probe->columns[c].type;
    }
    gly_physical *left = make_plan(arena, GLY_PHYSICAL_VALUES, 0, types, count);
    for (uint32_t c = 0; c < build->column_count; c++) {
        types[count++] = build->columns[c].type;
    }
    gly_physical *right =
        make_plan(arena, GLY_PHYSICAL_VALUES, 0, types + probe->column_count, build->column_count);
    bool both = gly_physical_join_puts_out_build((uint8_t)kind);
    gly_physical *plan =
        make_plan(arena, GLY_PHYSICAL_HASH_JOIN, 2, types, both ? count : probe->column_count);
    plan->children[0] = left;
    plan->children[1] = right;
    plan->join.kind = (uint8_t)kind;
    plan->join.key_count = 1;
    plan->join.probe_keys = GLY_ARENA_ARRAY(arena, gly_expr *, 1);
    plan->join.build_keys = GLY_ARENA_ARRAY(arena, gly_expr *, 1);
    plan->join.probe_keys[0] = column_of(arena, probe, 0);
    plan->join.build_keys[0] = column_of(arena, build, 0);
    return plan;
}

static gly_physical *make_sort(gly_arena *arena, const data *table, uint64_t limit) {
    gly_type types[16];
    for (uint32_t c = 0; c < table->column_count; c++) {
        types[c] = table->columns[c].type;
    }
    gly_physical *plan =
        make_plan(arena, limit == UINT64_MAX ? GLY_PHYSICAL_SORT : GLY_PHYSICAL_TOPN, 1, types,
                  table->column_count);
    plan->sort.limit = limit;
    plan->sort.key_count = 1;
    plan->sort.keys = GLY_ARENA_ARRAY(arena, gly_sort_key, 1);
    plan->sort.keys[0].expr = column_of(arena, table, 0);
    return plan;
}

static const call sum_call[] = {{GLY_FN_SUM, 1}};
static const call flag_calls[] = {{GLY_FN_SUM, 2}, {GLY_FN_SUM, 3},   {GLY_FN_SUM, 4},
                                  {GLY_FN_SUM, 5}, {GLY_FN_AVG, 2},   {GLY_FN_AVG, 3},
                                  {GLY_FN_AVG, 4}, {GLY_FN_COUNT, -1}};
static const call plain_calls[] = {
    {GLY_FN_SUM, 1}, {GLY_FN_COUNT, -1}, {GLY_FN_MIN, 0}, {GLY_FN_MAX, 0}, {GLY_FN_AVG, 1}};

static void bench_groups(gly_arena *arena, uint64_t rows) {
    data random = make_pairs(rows, rows / 4, 1, false);
    data clustered = make_pairs(rows, rows / 4, 1, true);
    data parts = make_parts(rows, rows / 4, 200);
    data unique = make_unique(rows, 1);
    data few = make_pairs(rows, 1000, 1, false);
    gly_physical *complete = make_aggregate(arena, &random, 1, sum_call, 1, GLY_AGGREGATE_COMPLETE);
    gly_physical *partial = make_aggregate(arena, &random, 1, sum_call, 1, GLY_AGGREGATE_PARTIAL);
    run_breaker("group: random keys, 4 rows each", complete, &random, 1);
    run_breaker("group: the same, clustered", complete, &clustered, 1);
    run_breaker("group: the same, in 200 parts", complete, &parts, 200);
    run_breaker("group: all keys different", complete, &unique, 1);
    run_breaker("group: 1000 keys", complete, &few, 1);
    run_stream("partial: random keys, 4 rows each", partial, &random);
    run_stream("partial: the same, clustered", partial, &clustered);
    run_stream("partial: all keys different", partial, &unique);
    run_stream("partial: 1000 keys", partial, &few);
    data some = make_pairs(rows, 100000, 1, false);
    run_stream("partial: 100000 keys", partial, &some);
    free_data(&some);
    run_breaker("no keys: sum count min max avg",
                make_aggregate(arena, &few, 0, plain_calls, 5, GLY_AGGREGATE_COMPLETE), &few, 1);
    free_data(&random);
    free_data(&clustered);
    free_data(&parts);
    free_data(&unique);
    free_data(&few);
    data texts = make_texts(rows, rows / 10);
    run_breaker("group: text keys, 10 rows each",
                make_aggregate(arena, &texts, 1, sum_call, 1, GLY_AGGREGATE_COMPLETE), &texts, 1);
    free_data(&texts);
    data flags = make_flags(rows);
    run_breaker("group: two dictionaries, 8 aggregates",
                make_aggregate(arena, &flags, 2, flag_calls, 8, GLY_AGGREGATE_COMPLETE), &flags, 1);
    free_data(&flags);
}

static void bench_joins(gly_arena *arena, uint64_t rows) {
    uint64_t probes = rows * 6 / 10;
    uint64_t builds = rows * 15 / 100;
    data probe = make_pairs(probes, builds, 4, true);
    data build = make_unique(builds, 4);
    run_join("join: sparse keys, clustered probe", make_join(arena, &probe, &build, GLY_JOIN_INNER),
             &probe, &build);
    free_data(&probe);
    probe = make_pairs(probes, builds, 4, false);
    run_join("join: sparse keys, random probe", make_join(arena, &probe, &build, GLY_JOIN_INNER),
             &probe, &build);
    free_data(&probe);
    free_data(&build);
    probe = make_pairs(probes, builds, 1000003, false);
    build = make_unique(builds, 1000003);
    run_join("join: hashed keys, random probe", make_join(arena, &probe, &build, GLY_JOIN_INNER),
             &probe, &build);
    run_join("semi join: hashed keys", make_join(arena, &probe, &build, GLY_JOIN_SEMI), &probe,
             &build);
    data misses = make_pairs(probes, builds, 1000033, false);
    run_join("join: hashed keys, no matches", make_join(arena, &misses, &build, GLY_JOIN_INNER),
             &misses, &build);
    data many = make_pairs(builds, builds / 4, 1000003, false);
    run_join("join: hashed keys, 4 matches each", make_join(arena, &probe, &many, GLY_JOIN_INNER),
             &probe, &many);
    free_data(&probe);
    free_data(&build);
    free_data(&misses);
    free_data(&many);
}

static void bench_sorts(gly_arena *arena, uint64_t rows) {
    data table = make_unique(rows, 1000003);
    run_breaker("sort: random bigint, two columns", make_sort(arena, &table, UINT64_MAX), &table,
                1);
    run_breaker("first 100: random bigint", make_sort(arena, &table, 100), &table, 1);
    free_data(&table);
    data texts = make_texts(rows / 4, rows / 4);
    run_breaker("sort: text, two columns", make_sort(arena, &texts, UINT64_MAX), &texts, 1);
    free_data(&texts);
}

int main(int argc, char **argv) {
    uint64_t rows = argc > 1 ? strtoull(argv[1], NULL, 10) : 10000000;
    const char *what = argc > 2 ? argv[2] : "gjs";
    only = argc > 3 ? argv[3] : "";
    rounds = argc > 4 ? (int)strtol(argv[4], NULL, 10) : rounds;
    gly_arena *arena = gly_arena_make();
    if (strchr(what, 'g') != NULL) {
        bench_groups(arena, rows);
    }
    if (strchr(what, 'j') != NULL) {
        bench_joins(arena, rows);
    }
    if (strchr(what, 's') != NULL) {
        bench_sorts(arena, rows);
    }
    gly_arena_free(arena);
    return 0;
}
