/* test_pipeline_build.c - plans with breakers and joins, cut into pipelines and run as whole tasks.
 *
 * Operators themselves are tested in their own files; here it is the order of pipelines, what runs
 * after a probe, shared broadcast tables, and that widths, memory and stages do not change results.
 */
#include "lib/engine/pipeline/pipeline_build.h"

#include "tests/support/task_fixture.h"

#include <pthread.h>

/* ------------------------------------------------------------------ more plans */

static gly_physical *hash_join(fixture *f, gly_physical *probe, gly_physical *build,
                               gly_join_kind kind) {
    gly_physical *plan = gly_physical_make(f->arena, GLY_PHYSICAL_HASH_JOIN, 2);
    bool probe_only = kind == GLY_JOIN_SEMI || kind == GLY_JOIN_ANTI;
    uint32_t fields = probe->schema.field_count + (probe_only ? 0 : build->schema.field_count);
    gly_physical *shape = node(f, GLY_PHYSICAL_HASH_JOIN, fields, probe->partition_count, NULL);
    plan->id = shape->id;
    plan->schema = shape->schema;
    plan->partition_count = probe->partition_count;
    plan->children[0] = probe;
    plan->children[1] = build;
    plan->join.kind = (uint8_t)kind;
    plan->join.key_count = 1;
    plan->join.probe_keys = GLY_ARENA_ARRAY(f->arena, gly_expr *, 1);
    plan->join.build_keys = GLY_ARENA_ARRAY(f->arena, gly_expr *, 1);
    plan->join.probe_keys[0] = column(f, 0);
    plan->join.build_keys[0] = column(f, 0);
    return plan;
}

/* sum(column 1), count(column 1) by column 0; or over their states, columns 1 and 2. */
static gly_physical *aggregate(fixture *f, gly_physical *child, gly_aggregate_mode mode) {
    gly_physical *plan = node(f, GLY_PHYSICAL_AGGREGATE, 3, child->partition_count, child);
    plan->aggregate.group_count = 1;
    plan->aggregate.groups = GLY_ARENA_ARRAY(f->arena, gly_expr *, 1);
    plan->aggregate.groups[0] = column(f, 0);
    plan->aggregate.aggregate_count = 2;
    plan->aggregate.aggregates = GLY_ARENA_ARRAY(f->arena, gly_expr *, 2);
    static const gly_function_id functions[] = {GLY_FN_SUM, GLY_FN_COUNT};
    for (uint32_t a = 0; a < 2; a++) {
        gly_expr **args = GLY_ARENA_ARRAY(f->arena, gly_expr *, 1);
        args[0] = column(f, mode == GLY_AGGREGATE_FINAL ? 1 + a : 1);
        plan->aggregate.aggregates[a] =
            gly_expr_call(f->arena, functions[a], GLY_TYPE_OF(BIGINT), a == 0, 1, args);
        plan->aggregate.aggregates[a]->mode = (uint8_t)mode;
    }
    return plan;
}

/* (c0 % modulus, c0) */
static gly_physical *project_modulo(fixture *f, gly_physical *child, int64_t modulus) {
    gly_physical *plan = node(f, GLY_PHYSICAL_PROJECT, 2, child->partition_count, child);
    plan->project.exprs = GLY_ARENA_ARRAY(f->arena, gly_expr *, 2);
    plan->project.exprs[0] =
        call(f, GLY_FN_MODULO, GLY_TYPE_OF(BIGINT), column(f, 0), number(f, modulus));
    plan->project.exprs[1] = column(f, 0);
    return plan;
}

/* ------------------------------------------------------------------ the steps */

typedef struct steps {
    gly_task_spec spec;
    gly_task_result result;
    gly_task_state task;
    gly_pipeline_steps plan;
} steps;

static void cut(fixture *f, const gly_physical *plan, steps *ret) {
    memset(ret, 0, sizeof *ret);
    ret->spec.plan = plan;
    ret->task.arena = f->arena;
    ret->task.spec = &ret->spec;
    gly_error err;
    GLY_CHECK_OK(gly_pipeline_build_steps(&ret->task, &ret->plan, &err), &err);
}

static void describe(const steps *cutting, char *text, size_t size) {
    static const char *const kinds[] = {"run", "left", "seal", "build"};
    size_t at = 0;
    for (uint32_t s = 0; s < cutting->plan.step_count; s++) {
        const gly_step *step = &cutting->plan.steps[s];
        at += (size_t)snprintf(text + at, size - at, "%s%s", s > 0 ? "; " : "", kinds[step->kind]);
        if (step->kind == GLY_STEP_BUILD) {
            at += (size_t)snprintf(text + at, size - at, " or %u", step->skip_to);
        } else if (step->kind == GLY_STEP_SEAL) {
            at += (size_t)snprintf(text + at, size - at, " %s", step->node->op->name);
        } else {
            at += (size_t)snprintf(text + at, size - at, " %s", step->pipeline.source->op->name);
            for (uint32_t i = 0; i < step->pipeline.stream_count; i++) {
                at += (size_t)snprintf(text + at, size - at, ">%s",
                                       step->pipeline.streams[i]->op->name);
            }
            at += (size_t)snprintf(text + at, size - at, ">%s", step->pipeline.sink->op->name);
        }
    }
}

GLY_TEST(joins_in_joins_run_in_the_right_order) {
    fixture f;
    open_fixture(&f);
    /* (range join (filter range join range)) joined to range, aggregated */
    gly_physical *inner = hash_join(&f, filter_less(&f, range(&f, 0, 9, 1, 1), 5),
                                    range(&f, 0, 9, 1, 1), GLY_JOIN_INNER);
    gly_physical *outer =
        hash_join(&f, inner, limit(&f, range(&f, 0, 9, 1, 1), 3, 0), GLY_JOIN_LEFT);
    gly_physical *plan = result(&f, aggregate(&f, outer, GLY_AGGREGATE_COMPLETE));
    steps cutting;
    cut(&f, plan, &cutting);
    char text[1000];
    describe(&cutting, text, sizeof text);
    GLY_CHECK_TEXT(text, "build or 3; run Range>Limit>HashJoin; seal HashJoin; "
                         "build or 6; run Range>HashJoin; seal HashJoin; "
                         "run Range>Filter>HashJoin>HashJoin>HashAggregate; "
                         "left HashJoin>HashJoin>HashAggregate; left HashJoin>HashAggregate; "
                         "seal HashAggregate; run HashAggregate>CollectResult; "
                         "seal CollectResult");
    GLY_CHECK_INT(cutting.plan.node_count, 9);
    GLY_CHECK(cutting.plan.nodes[0]->plan == plan);
    close_fixture(&f);
}

GLY_TEST(plans_that_are_too_deep_are_refused) {
    fixture f;
    open_fixture(&f);
    gly_physical *plan = range(&f, 0, 10, 1, 1);
    plan->schema.field_count = 1;
    for (int i = 0; i < 2000; i++) {
        plan = filter_less(&f, plan, 5); /* streams may be as many as they like */
    }
    steps cutting;
    cut(&f, result(&f, plan), &cutting);
    GLY_CHECK_INT(cutting.plan.step_count, 2);
    plan = project_times_ten(&f, plan);
    for (int i = 0; i < 2000; i++) {
        plan = aggregate(&f, plan, GLY_AGGREGATE_COMPLETE);
    }
    gly_task_result done;
    gly_error err;
    GLY_CHECK_INT(try_task(&f, result(&f, plan), 0, 0, 0, NULL, NULL, &done, &err),
                  GLY_E_UNSUPPORTED);
    close_fixture(&f);
}

/* ------------------------------------------------------------------ whole queries */

GLY_TEST(aggregation_in_two_stages) {
    for (uint32_t width = 1; width <= 3; width++) {
        for (int tight = 0; tight < 2; tight++) {
            fixture f;
            open_fixture(&f);
            f.width = width;
            f.task_memory = tight ? 300 << 10 : 0;
            gly_physical *maps =
                shuffle_write(&f,
                              aggregate(&f, project_modulo(&f, range(&f, 0, 200000, 1, 3), 5000),
                                        GLY_AGGREGATE_PARTIAL),
                              GLY_PARTITIONING_HASH, 5);
            gly_task_input input = run_maps(&f, maps, 3);
            gly_physical *final =
                result(&f, aggregate(&f, shuffle_read(&f, 3, 5, false), GLY_AGGREGATE_FINAL));
            rows sums = run_result(&f, final, 1, &input);
            GLY_CHECK_INT(sums.count, 5000);
            GLY_CHECK_INT(sums.sum[0], 5000 * 4999 / 2);
            GLY_CHECK_INT(sums.sum[1], (int64_t)200000 * 199999 / 2);
            GLY_CHECK_INT(sums.sum[2], 200000);
            close_fixture(&f);
        }
    }
}

/* probe: 0 .. 99,999; build: 50,000 .. 149,999, every second one. */
static rows join_rows(fixture *f, gly_join_kind kind) {
    return run_result(
        f, result(f, hash_join(f, range(f, 0, 100000, 1, 1), range(f, 50000, 150000, 2, 1), kind)),
        0, NULL);
}

GLY_TEST(what_is_left_after_the_probe_comes_out) {
    static const struct {
        gly_join_kind kind;
        uint64_t count;
    } cases[] = {{GLY_JOIN_INNER, 25000}, {GLY_JOIN_LEFT, 100000}, {GLY_JOIN_RIGHT, 50000},
                 {GLY_JOIN_FULL, 125000}, {GLY_JOIN_SEMI, 25000},  {GLY_JOIN_ANTI, 75000}};
    for (uint32_t width = 1; width <= 3; width++) {
        for (int tight = 0; tight < 2; tight++) {
            for (size_t c = 0; c < GLY_ARRAY_LEN(cases); c++) {
                fixture f;
                open_fixture(&f);
                f.width = width;
                f.task_memory = tight ? 500 << 10 : 0;
                rows sums = join_rows(&f, cases[c].kind);
                GLY_CHECK_INT(sums.count, cases[c].count);
                GLY_CHECK((f.last.spill_bytes > 0) == tight);
                close_fixture(&f);
            }
        }
    }
}

GLY_TEST(a_limit_above_a_join_stops_both_pipelines) {
    fixture f;
    open_fixture(&f);
    gly_physical *join = hash_join(&f, range(&f, 0, INT64_C(1) << 50, 1, 1),
                                   range(&f, 0, 1000, 1, 1), GLY_JOIN_LEFT);
    rows sums = run_result(&f, result(&f, limit(&f, join, 5000, 10)), 0, NULL);
    GLY_CHECK_INT(sums.count, 5000);
    close_fixture(&f);
}

/* ------------------------------------------------------------------ broadcast tables */

typedef struct broadcast_task {
    fixture *f;
    const gly_physical *plan;
    gly_task_input *input;
    uint32_t partition;
    uint64_t rows, read_rows;
} broadcast_task;

static void *run_broadcast_task(void *context) {
    broadcast_task *task = context;
    gly_arena *arena = gly_arena_make();
    gly_task_spec spec = {.query_id = 1,
                          .stage_id = 50,
                          .partition = task->partition,
                          .task_id = 1000 + task->partition,
                          .width = 1,
                          .plan = task->plan,
                          .input_count = 1,
                          .inputs = task->input};
    gly_task_result done;
    gly_error err;
    GLY_CHECK_OK(gly_task_run(arena, &task->f->environment, &spec, &done, &err), &err);
    task->rows = done.result_rows;
    task->read_rows = done.metrics.shuffle_read_rows;
    gly_arena_free(arena);
    return NULL;
}

GLY_TEST(a_broadcast_table_is_built_once) {
    fixture f;
    open_fixture(&f);
    gly_task_input input =
        run_maps(&f, shuffle_write(&f, range(&f, 0, 4000, 1, 2), GLY_PARTITIONING_BROADCAST, 1), 2);
    gly_physical *join =
        hash_join(&f, range(&f, 0, 8000, 1, 4), shuffle_read(&f, 1, 1, true), GLY_JOIN_INNER);
    join->join.is_broadcast = true;
    gly_physical *plan = result(&f, join);
    broadcast_task tasks[4];
    pthread_t threads[4];
    for (uint32_t p = 0; p < 4; p++) {
        tasks[p] = (broadcast_task){&f, plan, &input, p, 0, 0};
        pthread_create(&threads[p], NULL, run_broadcast_task, &tasks[p]);
    }
    uint64_t total = 0;
    uint64_t builders = 0;
    for (uint32_t p = 0; p < 4; p++) {
        pthread_join(threads[p], NULL);
        total += tasks[p].rows;
        builders += tasks[p].read_rows > 0;
    }
    GLY_CHECK_INT(total, 4000);
    GLY_CHECK_INT(builders, 1);
    gly_shared_cache_drop(f.environment.shared, 1, UINT32_MAX);
    GLY_CHECK_INT(gly_budget_used(&f.memory), 0);
    close_fixture(&f);
}

GLY_SUITE("pipelines", joins_in_joins_run_in_the_right_order, plans_that_are_too_deep_are_refused,
          aggregation_in_two_stages, what_is_left_after_the_probe_comes_out,
          a_limit_above_a_join_stops_both_pipelines, a_broadcast_table_is_built_once)
