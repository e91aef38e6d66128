/* session.c - statements: views, settings, caches; queries go through query.c.
 *
 * A session owns a catalog and a layer of settings over the process's.  Invariant: a failed statement
 * leaves catalog and settings as they were.  How one query is planned and run: query.c.
 */
#include "driver/session/session.h"

#include "driver/session/query.h"
#include "driver/session/session_internal.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/io/source/source.h"
#include "lib/plan/explain.h"
#include "lib/sql/catalog/catalog.h"

#include <stdlib.h>

gly_session *gly_session_make(gly_driver *driver, const gly_config *config) {
    gly_session *session = GLY_NEW(gly_session);
    session->driver = driver;
    session->config = gly_config_make(config);
    session->catalog = gly_catalog_make();
    atomic_init(&session->running_query, 0);
    return session;
}

void gly_session_free(gly_session *session) {
    if (session == NULL) {
        return;
    }
    for (uint32_t i = 0; i < gly_catalog_count(session->catalog); i++) {
        gly_catalog_view *view = gly_catalog_at(session->catalog, i);
        if (view->cache_id != 0) {
            gly_driver_drop_cache(session->driver, view->cache_id);
        }
    }
    gly_arena_free(session->report_arena);
    gly_catalog_free(session->catalog);
    gly_config_free(session->config);
    free(session);
}

gly_config *gly_session_config(gly_session *session) { return session->config; }

gly_catalog *gly_session_catalog(gly_session *session) { return session->catalog; }

void gly_session_cancel(gly_session *session) {
    uint64_t query_id = atomic_load(&session->running_query);
    if (query_id != 0) {
        gly_driver_cancel_query(session->driver, query_id, "The query was cancelled");
    }
}

/* ---- small results made here, without a job --------------------------------------------------- */

typedef struct text_table {
    gly_arena *arena;
    gly_schema schema;
    GLY_ARRAY(gly_str) cells;
} text_table;

static void table_init(text_table *table, gly_arena *arena, uint32_t count,
                       const char *const *names) {
    *table = (text_table){.arena = arena};
    table->schema.field_count = count;
    table->schema.fields = GLY_ARENA_ARRAY(arena, gly_field, count);
    for (uint32_t i = 0; i < count; i++) {
        table->schema.fields[i] = (gly_field){gly_str_of(names[i]), GLY_TYPE_OF(STRING), true};
    }
}

static void table_add(text_table *table, gly_str cell) {
    gly_str copy = gly_arena_str(table->arena, cell);
    gly_array_push(&table->cells, copy);
}

static gly_status table_send(text_table *table, const gly_row_sink *sink, gly_error *err) {
    uint32_t width = table->schema.field_count;
    uint32_t rows = (uint32_t)(table->cells.count / width);
    gly_type *types = GLY_ARENA_ARRAY(table->arena, gly_type, width);
    for (uint32_t i = 0; i < width; i++) {
        types[i] = GLY_TYPE_OF(STRING);
    }
    gly_status status = sink->open(sink->context, &table->schema, err);
    for (uint32_t start = 0; start < rows && status == GLY_OK; start += GLY_BATCH_ROWS) {
        uint32_t count = GLY_MIN(rows - start, (uint32_t)GLY_BATCH_ROWS);
        gly_batch *batch = gly_batch_make(table->arena, types, width, count);
        for (uint32_t row = 0; row < count; row++) {
            for (uint32_t i = 0; i < width; i++) {
                gly_str cell = table->cells.items[(size_t)(start + row) * width + i];
                gly_value value = gly_value_text(GLY_TYPE_OF(STRING), cell);
                gly_column_set(table->arena, &batch->columns[i], row, &value);
            }
        }
        batch->count = batch->selected = count;
        for (uint32_t i = 0; i < width; i++) {
            batch->columns[i].count = count;
        }
        status = sink->rows(sink->context, batch, err);
    }
    gly_array_clear(&table->cells);
    return status == GLY_OK ? sink->close(sink->context, err) : status;
}

/* ---- statements --------------------------------------------------------------------------------- */

static gly_status explain(gly_session *session, gly_arena *arena, const gly_statement *statement,
                          const gly_row_sink *sink, gly_statement_report *report, gly_error *err) {
    gly_builder text = {0};
    gly_status status = gly_query_explain(session, arena, statement->inner,
                                          statement->explain_mode, report, &text, err);
    if (status == GLY_OK) {
        text_table table;
        table_init(&table, arena, 1, (const char *const[]){"plan"});
        gly_str rest = gly_builder_str(&text);
        while (rest.size > 0) { /* a row a line, so that tables show it as it is */
            const char *end = memchr(rest.data, '\n', rest.size);
            size_t size = end == NULL ? rest.size : (size_t)(end - rest.data);
            table_add(&table, (gly_str){rest.data, size});
            size_t used = end == NULL ? size : size + 1;
            rest = (gly_str){rest.data + used, rest.size - used};
        }
        status = table_send(&table, sink, err);
    }
    gly_builder_clear(&text);
    return status;
}

static gly_status create_view(gly_session *session, gly_arena *arena,
                              const gly_statement *statement, gly_error *err) {
    gly_catalog_view view = {.name = statement->name};
    if (!statement->or_replace && gly_catalog_find(session->catalog, statement->name) != NULL) {
        return gly_fail(err, GLY_E_PATH_EXISTS,
                        "View '%.*s' exists already: use CREATE OR REPLACE TEMPORARY VIEW",
                        GLY_STR_ARG(statement->name));
    }
    if (statement->query != NULL) {
        /* Analyzed now so that its errors show here; parsed again at each use. */
        gly_logical *plan;
        gly_analyze_options options = {.config = session->config,
                                       .catalog = session->catalog,
                                       .now_us = gly_clock_wall_ms() * 1000};
        uint32_t next_id = 1;
        GLY_TRY(gly_analyze_query(arena, &options, statement->query, &next_id, &plan, err));
        if (statement->column_count > 0 && statement->column_count != plan->output_count) {
            return gly_fail(err, GLY_E_ANALYSIS,
                            "View '%.*s' names %u columns, but its query has %u",
                            GLY_STR_ARG(statement->name), statement->column_count,
                            plan->output_count);
        }
        view.query_text = gly_query_text_of(statement);
        view.column_count = statement->column_count;
        view.columns = GLY_ARENA_ARRAY(arena, gly_str, statement->column_count);
        for (uint32_t i = 0; i < statement->column_count; i++) {
            view.columns[i] = statement->columns[i].name;
        }
    } else {
        GLY_TRY(gly_query_open_relation(arena, statement, &view.relation, err));
    }
    gly_catalog_view *old = gly_catalog_find(session->catalog, statement->name);
    if (old != NULL && old->cache_id != 0) {
        gly_driver_drop_cache(session->driver, old->cache_id);
    }
    return gly_catalog_put(session->catalog, &view, statement->or_replace, err);
}

static gly_status no_view(gly_session *session, gly_str name, gly_error *err) {
    gly_str near = gly_catalog_suggest(session->catalog, name);
    return gly_fail(err, GLY_E_TABLE_NOT_FOUND, "There is no view '%.*s'%s%.*s%s",
                    GLY_STR_ARG(name), near.size > 0 ? ": did you mean '" : "", GLY_STR_ARG(near),
                    near.size > 0 ? "'?" : "");
}

static gly_status uncache(gly_session *session, gly_str name, bool if_exists, gly_error *err) {
    gly_catalog_view *view = gly_catalog_find(session->catalog, name);
    if (view == NULL) {
        return if_exists ? GLY_OK : no_view(session, name, err);
    }
    if (view->cache_id != 0) {
        gly_driver_drop_cache(session->driver, view->cache_id);
        gly_catalog_set_cache(session->catalog, name, 0, NULL, 0, 0, 0);
    }
    return GLY_OK;
}

static gly_status drop_view(gly_session *session, const gly_statement *statement, gly_error *err) {
    if (gly_catalog_find(session->catalog, statement->name) == NULL) {
        return statement->if_exists ? GLY_OK : no_view(session, statement->name, err);
    }
    GLY_TRY(uncache(session, statement->name, true, err));
    gly_catalog_drop(session->catalog, statement->name);
    return GLY_OK;
}

static void add_setting(void *context, gly_str key, gly_str value, const char *doc) {
    (void)doc;
    table_add(context, key);
    table_add(context, value);
}

static gly_status set(gly_session *session, gly_arena *arena, const gly_statement *statement,
                      const gly_row_sink *sink, gly_error *err) {
    text_table table;
    table_init(&table, arena, 2, (const char *const[]){"key", "value"});
    if (statement->has_name && statement->has_value) {
        return gly_config_set(session->config, statement->name, statement->value, true, err);
    }
    if (!statement->has_name) {
        gly_config_each(session->config, add_setting, &table);
    } else {
        gly_str value = GLY_STR("<undefined>");
        gly_config_get(session->config, statement->name, &value);
        table_add(&table, statement->name);
        table_add(&table, value);
    }
    return table_send(&table, sink, err);
}

static gly_status reset(gly_session *session, const gly_statement *statement) {
    if (statement->has_name) {
        gly_config_unset(session->config, statement->name);
        return GLY_OK;
    }
    gly_config_unset_all(session->config);
    return GLY_OK;
}

static gly_status show_tables(gly_session *session, gly_arena *arena, const gly_row_sink *sink,
                              gly_error *err) {
    text_table table;
    table_init(&table, arena, 3, (const char *const[]){"viewName", "source", "isCached"});
    for (uint32_t i = 0; i < gly_catalog_count(session->catalog); i++) {
        const gly_catalog_view *view = gly_catalog_at(session->catalog, i);
        table_add(&table, view->name);
        table_add(&table, view->relation != NULL ? view->relation->format : GLY_STR("query"));
        table_add(&table, view->cache_id != 0 ? GLY_STR("true") : GLY_STR("false"));
    }
    return table_send(&table, sink, err);
}

static gly_status show_functions(gly_arena *arena, const gly_row_sink *sink, gly_error *err) {
    text_table table;
    table_init(&table, arena, 1, (const char *const[]){"function"});
    for (int i = 0; i < GLY_FN_COUNT_OF_FUNCTIONS; i++) {
        const char *name = gly_function_get((gly_function_id)i)->name;
        if (name[0] != '$') {
            table_add(&table, gly_str_of(name));
        }
    }
    return table_send(&table, sink, err);
}

static gly_status describe(gly_session *session, gly_arena *arena, const gly_statement *statement,
                           bool only_names, const gly_row_sink *sink, gly_error *err) {
    gly_logical *plan;
    GLY_TRY(gly_query_analyze_described(session, arena, statement, &plan, err));
    text_table table;
    if (only_names) {
        table_init(&table, arena, 1, (const char *const[]){"col_name"});
    } else {
        table_init(&table, arena, 3, (const char *const[]){"col_name", "data_type", "nullable"});
    }
    for (uint32_t i = 0; i < plan->output_count; i++) {
        char type[GLY_TYPE_TEXT_SIZE];
        table_add(&table, plan->output[i].name);
        if (!only_names) {
            table_add(&table,
                      gly_str_of(gly_type_format(plan->output[i].type, type, sizeof type)));
            table_add(&table, plan->output[i].nullable ? GLY_STR("true") : GLY_STR("false"));
        }
    }
    return table_send(&table, sink, err);
}

static gly_status clear_cache(gly_session *session, gly_error *err) {
    for (uint32_t i = 0; i < gly_catalog_count(session->catalog); i++) {
        GLY_TRY(uncache(session, gly_catalog_at(session->catalog, i)->name, true, err));
    }
    return GLY_OK;
}

static gly_status run(gly_session *session, gly_arena *arena, const gly_statement *statement,
                      gly_action action, uint64_t limit, const gly_row_sink *sink,
                      gly_statement_report *report, gly_error *err) {
    switch (statement->kind) {
    case GLY_STATEMENT_QUERY:
        return gly_query_run(session, arena, statement, action, limit, sink, report, err);
    case GLY_STATEMENT_INSERT_DIRECTORY:
        return gly_query_insert(session, arena, statement, report, err);
    case GLY_STATEMENT_CACHE:
        return gly_query_cache(session, arena, statement, report, err);
    case GLY_STATEMENT_EXPLAIN:
        return explain(session, arena, statement, sink, report, err);
    case GLY_STATEMENT_CREATE_VIEW:
        return create_view(session, arena, statement, err);
    case GLY_STATEMENT_DROP_VIEW:
        return drop_view(session, statement, err);
    case GLY_STATEMENT_SET:
        return set(session, arena, statement, sink, err);
    case GLY_STATEMENT_RESET:
        return reset(session, statement);
    case GLY_STATEMENT_UNCACHE:
        return uncache(session, statement->name, statement->if_exists, err);
    case GLY_STATEMENT_CLEAR_CACHE:
        return clear_cache(session, err);
    case GLY_STATEMENT_SHOW_TABLES:
        return show_tables(session, arena, sink, err);
    case GLY_STATEMENT_SHOW_FUNCTIONS:
        return show_functions(arena, sink, err);
    case GLY_STATEMENT_SHOW_COLUMNS:
        return describe(session, arena, statement, true, sink, err);
    case GLY_STATEMENT_DESCRIBE:
        return describe(session, arena, statement, false, sink, err);
    }
    return gly_fail(err, GLY_E_UNSUPPORTED, "This statement is not supported");
}

gly_status gly_session_run(gly_session *session, const gly_statement *statement, gly_action action,
                           uint64_t limit, const gly_row_sink *sink, gly_statement_report *report,
                           gly_error *err) {
    gly_statement_report unwanted;
    report = report == NULL ? &unwanted : report;
    *report = (gly_statement_report){0};
    gly_arena_free(session->report_arena);
    session->report_arena = gly_arena_make(); /* the statement's and its report's memory */
    return run(session, session->report_arena, statement, action, limit, sink, report, err);
}

gly_status gly_session_run_script(gly_session *session, gly_str text, gly_action action,
                                  uint64_t limit, const gly_row_sink *sink, gly_error *err) {
    gly_arena *arena = gly_arena_make();
    uint32_t count;
    gly_statement *statements;
    gly_status status = gly_parse_script(arena, text, &count, &statements, err);
    for (uint32_t i = 0; status == GLY_OK && i < count; i++) {
        status = gly_session_run(session, &statements[i], action, limit, sink, NULL, err);
    }
    gly_arena_free(arena);
    return status;
}
