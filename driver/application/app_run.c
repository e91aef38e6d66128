/* app_run.c - one session, statement after statement, until the first error.
 *
 * Rows are the only thing on standard output; everything else is a log line.  Invariant: a
 * statement that fails leaves nothing half-written (driver/session/query.c).
 */
#include "driver/application/app_run.h"

#include "driver/session/result_text.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/io/fs/filesystem.h"

enum { LARGEST_TEXT = 16 << 20 };

static gly_status read_file(gly_str path, gly_builder *ret, gly_error *err) {
    const gly_filesystem *filesystem;
    gly_file *file;
    GLY_TRY(gly_filesystem_find(path, &filesystem, err));
    GLY_TRY(filesystem->open(path, &file, err));
    gly_status status = GLY_OK;
    if (file->size_bytes > LARGEST_TEXT) {
        status =
            gly_fail(err, GLY_E_INVALID_ARGUMENT, "%.*s is larger than 16 MiB", GLY_STR_ARG(path));
    } else {
        size_t size = (size_t)file->size_bytes;
        char *room = gly_builder_room(ret, size + 1);
        status = file->read_at(file, 0, size, room, err);
        if (status == GLY_OK) {
            room[size] = '\0';
            ret->size += size;
        }
    }
    file->close(file);
    return status;
}

gly_status gly_app_run_load(const gly_application *application, const char *job_directory,
                            gly_builder *ret, gly_error *err) {
    if (application->sql != NULL) {
        gly_builder_add_text(ret, application->sql);
        return GLY_OK;
    }
    if (application->sql_file != NULL) {
        GLY_TRY_ADD(read_file(gly_str_of(application->sql_file), ret, err), err, "spec.sqlFile");
        return GLY_OK;
    }
    if (application->config_map == NULL) {
        return gly_fail(err, GLY_E_INVALID_ARGUMENT,
                        "spec has no SQL: give sql, sqlFile or configMap");
    }
    gly_builder path = {0};
    gly_builder_format(&path, "%s/%s", job_directory, application->config_map_key);
    gly_status status = read_file(gly_builder_str(&path), ret, err);
    gly_builder_clear(&path);
    if (status == GLY_E_PATH_NOT_FOUND) {
        return gly_fail(err, GLY_E_INVALID_ARGUMENT,
                        "spec.configMap: there is no ConfigMap \"%s\" with a key \"%s\" in "
                        "namespace %s",
                        application->config_map, application->config_map_key,
                        application->namespace_name);
    }
    return status;
}

static void log_report(const gly_statement_report *report, const gly_progress *before,
                       const gly_progress *after, int64_t start_ms) {
    uint64_t tasks = 0;
    uint64_t failed = 0;
    for (uint32_t i = 0; report->has_job && i < report->job.stage_count; i++) {
        tasks += report->job.stages[i].task_count;
        failed += report->job.stages[i].failed_tasks;
    }
    gly_log_info("statement finished", GLY_LOG_INT("ms", gly_clock_ms() - start_ms),
                 GLY_LOG_INT("stages", report->has_job ? report->job.stage_count : 0),
                 GLY_LOG_INT("tasks", tasks), GLY_LOG_INT("failedTasks", failed),
                 GLY_LOG_INT("recomputedTasks", after->recomputed_tasks - before->recomputed_tasks),
                 GLY_LOG_INT("shuffleBytes", after->shuffle_bytes - before->shuffle_bytes),
                 GLY_LOG_INT("spillBytes", after->spilled_bytes - before->spilled_bytes));
    if (report->path.size > 0) {
        gly_arena *arena = gly_arena_make();
        gly_log_info("written", GLY_LOG_STR("path", gly_arena_str(arena, report->path).data),
                     GLY_LOG_INT("rows", report->rows), GLY_LOG_INT("bytes", report->bytes),
                     GLY_LOG_INT("files", report->files));
        gly_arena_free(arena);
    }
}

static gly_status run_statement(gly_session *session, const gly_statement *statement,
                                gly_result_text *output, gly_app_status *status, gly_error *err) {
    gly_statement_report report = {0};
    gly_row_sink sink = gly_result_text_sink(output);
    gly_progress before;
    gly_progress after;
    int64_t start_ms = gly_clock_ms();
    gly_app_status_progress(status, &before);
    gly_status result =
        gly_session_run(session, statement, GLY_ACTION_COLLECT, 0, &sink, &report, err);
    if (fflush(stdout) != 0 && result == GLY_OK) {
        result = gly_fail(err, GLY_E_IO, "The result could not be written to standard output");
    }
    if (result != GLY_OK) {
        gly_result_text_reset(output);
        return result;
    }
    gly_app_status_progress(status, &after);
    log_report(&report, &before, &after, start_ms);
    return GLY_OK;
}

gly_status gly_app_run_text(gly_session *session, gly_str text, const char *format,
                            gly_app_status *status, uint32_t *ret_statements, gly_error *err) {
    gly_result_format as = GLY_RESULT_TABLE;
    *ret_statements = 0;
    if (!gly_result_text_find_format(format, &as)) {
        return gly_fail(err, GLY_E_INVALID_ARGUMENT,
                        "spec.output cannot be '%s': give table, csv or json", format);
    }
    gly_arena *arena = gly_arena_make();
    gly_result_text *output = gly_result_text_make(stdout, as);
    uint32_t count = 0;
    gly_statement *statements;
    gly_status result = gly_parse_script(arena, text, &count, &statements, err);
    for (uint32_t i = 0; result == GLY_OK && i < count; i++) {
        result = run_statement(session, &statements[i], output, status, err);
        *ret_statements += result == GLY_OK;
    }
    gly_result_text_free(output);
    gly_arena_free(arena);
    return result;
}
