/* query.c - one query's life: logical plan, rules, physical plan, stages, a job, rows.
 *
 * The plan's memory is the statement's arena; ids come from the driver.  Invariant: whatever
 * happens, the query is ended on the executors (files, shared tables) and an INSERT is committed or
 * aborted.
 */
#include "driver/session/query.h"

#include "driver/session/explain_analyze.h"
#include "driver/session/session_internal.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/hash.h"
#include "lib/io/format.h"
#include "lib/io/source/commit.h"
#include "lib/io/source/source.h"
#include "lib/plan/explain.h"
#include "lib/shuffle/shuffle_block.h"
#include "lib/sql/catalog/catalog.h"

#include <stdio.h>
#include <unistd.h>

typedef struct planned {
    uint64_t query_id;
    gly_physical *physical;
    uint32_t stage_count;
    gly_stage_plan *stages;
    gly_explain_analyze *numbers; /* EXPLAIN ANALYZE collects here; or NULL */
} planned;

/* ---- planning ------------------------------------------------------------------------------- */

static gly_analyze_options analyze_options(gly_session *session) {
    return (gly_analyze_options){.config = session->config,
                                 .catalog = session->catalog,
                                 .now_us = gly_clock_wall_ms() * 1000};
}

static gly_status analyze(gly_session *session, gly_arena *arena, const gly_statement *statement,
                          uint32_t *next_id, gly_logical **ret, gly_error *err) {
    gly_analyze_options options = analyze_options(session);
    if (statement->kind == GLY_STATEMENT_INSERT_DIRECTORY) {
        return gly_analyze_insert(arena, &options, statement, next_id, ret, err);
    }
    return gly_analyze_query(arena, &options, statement->query, next_id, ret, err);
}

/* COUNT and SHOW are one job each: the action is part of the plan. */
static gly_logical *apply_action(gly_arena *arena, gly_logical *plan, gly_action action,
                                 uint64_t limit, uint32_t *next_id) {
    if (action == GLY_ACTION_COUNT) {
        gly_logical *count = gly_logical_make(arena, GLY_LOGICAL_AGGREGATE, 1, 1);
        count->children[0] = plan;
        count->output[0] = (gly_output){(*next_id)++, GLY_STR("count"), GLY_TYPE_OF(BIGINT), false};
        count->aggregate.aggregate_count = 1;
        count->aggregate.aggregates = GLY_ARENA_ARRAY(arena, gly_expr *, 1);
        count->aggregate.aggregates[0] =
            gly_expr_call(arena, GLY_FN_COUNT, GLY_TYPE_OF(BIGINT), false, 0, NULL);
        return count;
    }
    if (action == GLY_ACTION_SHOW) {
        gly_logical *first = gly_logical_make(arena, GLY_LOGICAL_LIMIT, 1, plan->output_count);
        first->children[0] = plan;
        memcpy(first->output, plan->output, plan->output_count * sizeof *plan->output);
        first->limit.limit = limit;
        return first;
    }
    return plan;
}

static gly_status make_physical(gly_session *session, gly_arena *arena, gly_logical *logical,
                                uint32_t *next_id, gly_physical **ret, gly_error *err) {
    GLY_TRY(gly_optimize(arena, session->config, logical, next_id, &logical, err));
    gly_physical_options options = {session->config, gly_driver_slot_count(session->driver)};
    return gly_choose_physical(arena, &options, logical, ret, err);
}

static void split(gly_session *session, gly_arena *arena, planned *plan) {
    uint32_t next_shuffle =
        gly_driver_reserve_shuffles(session->driver, gly_split_stages_count(plan->physical));
    gly_split_stages(arena, plan->physical, &next_shuffle, &plan->stage_count, &plan->stages);
}

/* ---- running -------------------------------------------------------------------------------- */

typedef struct result_reader {
    const gly_row_sink *sink;
    const gly_schema *schema;
    gly_shuffle_block_reader *reader;
    bool is_open; /* opened with the first result, so that a query that fails prints no header */
} result_reader;

static gly_status open_sink(result_reader *result, gly_error *err) {
    if (result->is_open) {
        return GLY_OK;
    }
    result->is_open = true;
    return result->sink->open(result->sink->context, result->schema, err);
}

static gly_status take_result(void *context, uint32_t partition, gly_str blocks, gly_error *err) {
    result_reader *result = context;
    (void)partition;
    GLY_TRY(open_sink(result, err));
    gly_shuffle_block_reader_set(result->reader, blocks);
    for (;;) {
        const gly_batch *batch;
        GLY_TRY(gly_shuffle_block_reader_next(result->reader, &batch, err));
        if (batch == NULL) {
            return GLY_OK;
        }
        GLY_TRY(result->sink->rows(result->sink->context, batch, err));
    }
}

static gly_status run_job(gly_session *session, const gly_statement *statement, const planned *plan,
                          gly_job_request *request, gly_statement_report *report, gly_error *err) {
    request->query_id = plan->query_id;
    request->description = gly_str_trim(statement->text);
    request->stage_count = plan->stage_count;
    request->stages = plan->stages;
    request->config = session->config;
    if (plan->numbers != NULL) {
        request->on_operator = gly_explain_analyze_add;
        request->operator_context = plan->numbers;
    }
    atomic_store(&session->running_query, plan->query_id);
    gly_status status = gly_driver_run_job(session->driver, request, &report->job, err);
    atomic_store(&session->running_query, 0);
    report->has_job = true;
    gly_driver_end_query(session->driver, plan->query_id);
    return status;
}

/* A cache whose executor died is computed again before it is read. */
static gly_status repair_caches(gly_session *session, gly_arena *arena, gly_error *err) {
    for (uint32_t i = 0; i < gly_catalog_count(session->catalog); i++) {
        gly_catalog_view *view = gly_catalog_at(session->catalog, i);
        if (view->cache_id != 0 && !gly_driver_has_cache(session->driver, view->cache_id)) {
            gly_statement again = {.kind = GLY_STATEMENT_CACHE,
                                   .name = gly_arena_str(arena, view->name),
                                   .text = GLY_STR("CACHE TABLE again after an executor was lost")};
            gly_driver_drop_cache(session->driver, view->cache_id);
            gly_catalog_set_cache(session->catalog, again.name, 0, NULL, 0, 0, 0);
            gly_statement_report report = {0};
            GLY_TRY(gly_query_cache(session, arena, &again, &report, err));
        }
    }
    return GLY_OK;
}

static bool has_lost_cache(gly_session *session) {
    for (uint32_t i = 0; i < gly_catalog_count(session->catalog); i++) {
        const gly_catalog_view *view = gly_catalog_at(session->catalog, i);
        if (view->cache_id != 0 && !gly_driver_has_cache(session->driver, view->cache_id)) {
            return true;
        }
    }
    return false;
}

/* *ret_shown: the sink has been given something. */
static gly_status run_query(gly_session *session, gly_arena *arena, const gly_statement *statement,
                            gly_action action, uint64_t limit, const gly_row_sink *sink,
                            gly_statement_report *report, bool *ret_shown, gly_error *err) {
    uint32_t next_id = 1;
    gly_logical *logical;
    GLY_TRY(repair_caches(session, arena, err));
    GLY_TRY(analyze(session, arena, statement, &next_id, &logical, err));
    logical = apply_action(arena, logical, action, limit, &next_id);
    planned plan = {.query_id = gly_driver_next_id(session->driver)};
    GLY_TRY(make_physical(session, arena, logical, &next_id, &plan.physical, err));
    split(session, arena, &plan);
    const gly_schema *schema = &plan.physical->schema;
    gly_type *types = GLY_ARENA_ARRAY(arena, gly_type, schema->field_count);
    for (uint32_t i = 0; i < schema->field_count; i++) {
        types[i] = schema->fields[i].type;
    }
    result_reader reader = {.sink = sink,
                            .schema = schema,
                            .reader = gly_shuffle_block_reader_make(types, schema->field_count)};
    gly_job_request request = {
        .on_result = take_result,
        .context = &reader,
        .max_result_bytes =
            action == GLY_ACTION_FOREACH
                ? 0
                : (uint64_t)GLY_MAX(gly_config_int(session->config, GLY_CONFIG_MAX_RESULT_SIZE), 0),
    };
    gly_status status = run_job(session, statement, &plan, &request, report, err);
    *ret_shown = reader.is_open;
    status = status == GLY_OK ? open_sink(&reader, err) : status;
    gly_shuffle_block_reader_free(reader.reader);
    return status == GLY_OK ? sink->close(sink->context, err) : status;
}

gly_status gly_query_run(gly_session *session, gly_arena *arena, const gly_statement *statement,
                         gly_action action, uint64_t limit, const gly_row_sink *sink,
                         gly_statement_report *report, gly_error *err) {
    bool is_shown = false;
    gly_status status =
        run_query(session, arena, statement, action, limit, sink, report, &is_shown, err);
    if (status == GLY_E_FETCH_FAILED && !is_shown && has_lost_cache(session)) {
        /* Partitions of a cached table were lost while it was read: repaired, it goes again. */
        status = run_query(session, arena, statement, action, limit, sink, report, &is_shown, err);
    }
    return status;
}

/* ---- INSERT --------------------------------------------------------------------------------- */

typedef struct written {
    GLY_ARRAY(gly_pending_file) files;
    gly_statement_report *report;
    gly_arena *arena;
} written;

static void take_file(void *context, const gly_written_file *file) {
    written *files = context;
    gly_pending_file pending = {gly_arena_str(files->arena, file->path),
                                gly_arena_str(files->arena, file->token)};
    gly_array_push(&files->files, pending);
    files->report->rows += file->rows;
    files->report->bytes += file->bytes;
    files->report->files++;
}

static gly_physical *find_file_write(gly_physical *root) {
    return root->kind == GLY_PHYSICAL_FILE_WRITE ? root : NULL;
}

static gly_status run_insert(gly_session *session, gly_arena *arena, const gly_statement *statement,
                             planned *plan, gly_statement_report *report, gly_error *err) {
    uint32_t next_id = 1;
    gly_logical *logical;
    GLY_TRY(repair_caches(session, arena, err));
    GLY_TRY(analyze(session, arena, statement, &next_id, &logical, err));
    gly_str path = logical->write.path;
    GLY_TRY(make_physical(session, arena, logical, &next_id, &plan->physical, err));
    gly_physical *write = find_file_write(plan->physical);
    GLY_ASSERT(write != NULL);
    bool skip = false;
    gly_commit *commit;
    /* Other drivers may write to the same directory in this very millisecond. */
    unsigned salt = (unsigned)gly_hash_u64((uint64_t)gly_clock_ns() ^ (uint64_t)getpid() << 40);
    char *job_id = gly_arena_format(arena, "%llx%04x-%llx", (long long)gly_clock_wall_ms(), salt & 0xFFFF,
                                    (unsigned long long)plan->query_id);
    GLY_TRY(gly_commit_begin(path, (gly_write_mode)write->file_write.mode, gly_str_of(job_id),
                             &skip, &commit, err));
    report->path = path;
    if (skip) {
        return GLY_OK;
    }
    write->file_write.path = gly_arena_str(arena, gly_commit_task_directory(commit));
    written files = {.report = report, .arena = arena};
    gly_job_request request = {.on_file = take_file, .context = &files};
    split(session, arena, plan);
    gly_status status = run_job(session, statement, plan, &request, report, err);
    if (status == GLY_OK) {
        status = gly_commit_finish(commit, (uint32_t)files.files.count, files.files.items, err);
    } else {
        gly_commit_abort(commit);
    }
    write->file_write.path = path; /* for people */
    gly_array_clear(&files.files);
    return status;
}

gly_status gly_query_insert(gly_session *session, gly_arena *arena, const gly_statement *statement,
                            gly_statement_report *report, gly_error *err) {
    planned plan = {.query_id = gly_driver_next_id(session->driver)};
    return run_insert(session, arena, statement, &plan, report, err);
}

/* ---- CACHE ---------------------------------------------------------------------------------- */

/* The statement that gives a view's rows; its own query, or SELECT * FROM the view. */
static gly_status view_query(gly_arena *arena, const gly_statement *statement, gly_statement **ret,
                             gly_error *err) {
    uint32_t count;
    char *text = gly_arena_format(arena, "SELECT * FROM `%.*s`", GLY_STR_ARG(statement->name));
    return gly_parse_script(arena, gly_str_of(text), &count, ret, err);
}

gly_status gly_query_cache(gly_session *session, gly_arena *arena, const gly_statement *statement,
                           gly_statement_report *report, gly_error *err) {
    if (statement->query != NULL) { /* CACHE TABLE v AS SELECT ... makes the view, too */
        gly_catalog_view view = {.name = statement->name, .query_text = statement->query_text};
        GLY_TRY(gly_catalog_put(session->catalog, &view, true, err));
    }
    gly_catalog_view *view = gly_catalog_find(session->catalog, statement->name);
    if (view != NULL && view->cache_id != 0) {
        return GLY_OK; /* as Spark: caching a cached table does nothing */
    }
    gly_statement *select;
    uint32_t next_id = 1;
    gly_logical *logical;
    GLY_TRY(view_query(arena, statement, &select, err));
    GLY_TRY(analyze(session, arena, select, &next_id, &logical, err));
    gly_schema *schema = gly_logical_schema(arena, logical);
    planned plan = {.query_id = gly_driver_next_id(session->driver)};
    GLY_TRY(make_physical(session, arena, logical, &next_id, &plan.physical, err));
    uint64_t cache_id = gly_driver_next_id(session->driver);
    gly_physical *write = gly_physical_make(arena, GLY_PHYSICAL_CACHE_WRITE, 1);
    GLY_ASSERT(plan.physical->kind == GLY_PHYSICAL_RESULT);
    write->children[0] = plan.physical->children[0];
    write->id = plan.physical->id;
    write->schema = plan.physical->schema;
    write->partition_count = plan.physical->partition_count;
    write->row_estimate = UINT64_MAX;
    write->cached.cache_id = cache_id;
    write->cached.table = statement->name;
    plan.physical = write;
    split(session, arena, &plan);
    gly_job_request request = {.cache_id = cache_id};
    GLY_TRY(run_job(session, statement, &plan, &request, report, err));
    const gly_stage_summary *last = &report->job.stages[report->job.stage_count - 1];
    gly_catalog_set_cache(session->catalog, statement->name, cache_id, schema,
                          plan.stages[plan.stage_count - 1].task_count, last->metrics.output_rows,
                          last->metrics.output_bytes);
    return GLY_OK;
}

/* ---- EXPLAIN, DESCRIBE, CREATE VIEW --------------------------------------------------------- */

/* Runs the query for its numbers; its rows are nobody's.  An INSERT writes its files. */
static gly_status explain_analyzed(gly_session *session, gly_arena *arena,
                                   const gly_statement *statement, planned *plan,
                                   gly_statement_report *report, gly_builder *out, gly_error *err) {
    if (statement->kind == GLY_STATEMENT_INSERT_DIRECTORY) {
        GLY_TRY(run_insert(session, arena, statement, plan, report, err));
    } else {
        uint32_t next_id = 1;
        gly_logical *logical;
        gly_job_request request = {0};
        GLY_TRY(repair_caches(session, arena, err));
        GLY_TRY(analyze(session, arena, statement, &next_id, &logical, err));
        GLY_TRY(make_physical(session, arena, logical, &next_id, &plan->physical, err));
        split(session, arena, plan);
        GLY_TRY(run_job(session, statement, plan, &request, report, err));
    }
    gly_explain_analyze_write(plan->numbers, plan->physical, plan->stage_count, plan->stages,
                              &report->job, out);
    return GLY_OK;
}

gly_status gly_query_explain(gly_session *session, gly_arena *arena, const gly_statement *statement,
                             gly_explain_mode mode, gly_statement_report *report, gly_builder *out,
                             gly_error *err) {
    if (statement->kind != GLY_STATEMENT_QUERY &&
        statement->kind != GLY_STATEMENT_INSERT_DIRECTORY) {
        return gly_fail(err, GLY_E_UNSUPPORTED,
                        "EXPLAIN shows queries and INSERT, not this kind of statement");
    }
    if (mode == GLY_EXPLAIN_ANALYZE) {
        planned plan = {.query_id = gly_driver_next_id(session->driver),
                        .numbers = gly_explain_analyze_make()};
        gly_status status = explain_analyzed(session, arena, statement, &plan, report, out, err);
        gly_explain_analyze_free(plan.numbers);
        return status;
    }
    uint32_t next_id = 1;
    gly_logical *logical;
    gly_physical *physical;
    GLY_TRY(analyze(session, arena, statement, &next_id, &logical, err));
    if (mode == GLY_EXPLAIN_EXTENDED) {
        gly_builder_add_text(out, "== Analyzed Logical Plan ==\n");
        gly_explain_logical(logical, out);
        GLY_TRY(gly_optimize(arena, session->config, logical, &next_id, &logical, err));
        gly_builder_add_text(out, "\n== Optimized Logical Plan ==\n");
        gly_explain_logical(logical, out);
        gly_builder_add_char(out, '\n');
    }
    GLY_TRY(make_physical(session, arena, logical, &next_id, &physical, err));
    if (mode == GLY_EXPLAIN_FORMATTED) {
        gly_explain_formatted(physical, out);
    } else {
        gly_explain_physical(physical, out);
    }
    return GLY_OK;
}

gly_status gly_query_analyze_described(gly_session *session, gly_arena *arena,
                                       const gly_statement *statement, gly_logical **ret,
                                       gly_error *err) {
    uint32_t next_id = 1;
    gly_statement *select = NULL;
    if (statement->query != NULL) {
        return analyze(session, arena, statement, &next_id, ret, err);
    }
    GLY_TRY(view_query(arena, statement, &select, err));
    return analyze(session, arena, select, &next_id, ret, err);
}

gly_status gly_query_open_relation(gly_arena *arena, const gly_statement *statement,
                                   gly_relation **ret, gly_error *err) {
    gly_str path = statement->path;
    for (uint32_t i = 0; i < statement->option_count; i++) {
        if (gly_str_equal(statement->options[i].key, GLY_STR("path"))) {
            path = statement->options[i].value;
        }
    }
    if (path.size == 0) {
        return gly_fail(err, GLY_E_ANALYSIS, "View '%.*s' needs OPTIONS (path '...')",
                        GLY_STR_ARG(statement->name));
    }
    uint32_t option_count = statement->option_count;
    gly_option *options = GLY_ARENA_ARRAY(arena, gly_option, option_count + 1);
    if (option_count > 0) {
        memcpy(options, statement->options, option_count * sizeof *options);
    }
    if (statement->column_count > 0) { /* CREATE VIEW v (a int, b string) USING csv */
        gly_builder schema = {0};
        for (uint32_t i = 0; i < statement->column_count; i++) {
            char type[GLY_TYPE_TEXT_SIZE];
            gly_builder_format(&schema, "%s`%.*s` %s", i == 0 ? "" : ", ",
                               GLY_STR_ARG(statement->columns[i].name),
                               gly_type_format(statement->columns[i].type, type, sizeof type));
        }
        options[option_count++] =
            (gly_option){GLY_STR("schema"), gly_arena_str(arena, gly_builder_str(&schema))};
        gly_builder_clear(&schema);
    }
    return gly_source_open(arena, statement->format, statement->name, 1, &path, option_count,
                           options, ret, err);
}

gly_str gly_query_text_of(const gly_statement *statement) { return statement->query_text; }
