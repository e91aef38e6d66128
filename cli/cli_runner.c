/* cli_runner.c - statements in, rows, summaries and errors out.
 *
 * Signals are blocked in every thread and taken by one of our own with sigwait, so that no library is
 * interrupted: the first SIGINT cancels the running statement, a SIGTERM or a SIGINT while nothing
 * runs outside the shell ends the program through the normal way out (executors are ended, nothing
 * half-written stays visible).
 */
#include "cli/cli_runner.h"

#include "lib/base/clock.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

static void make_signal_set(sigset_t *set) {
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
}

void gly_cli_runner_block_signals(void) {
    sigset_t set;
    make_signal_set(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void *wait_for_signals(void *context) {
    gly_cli_runner *runner = context;
    sigset_t set;
    make_signal_set(&set);
    for (;;) {
        int number;
        if (sigwait(&set, &number) != 0) {
            return NULL;
        }
        runner->interrupted = true;
        gly_session_cancel(runner->session);
    }
}

gly_status gly_cli_runner_start(const gly_cli_options *options, gly_cli_runner *ret,
                                gly_error *err) {
    *ret = (gly_cli_runner){.options = options};
    GLY_TRY(gly_driver_start(options->config, NULL, &ret->driver, err));
    ret->session = gly_session_make(ret->driver, options->config);
    ret->output = gly_result_text_make(stdout, options->format);
    gly_str progress = gly_config_text(options->config, GLY_CONFIG_PROGRESS);
    bool is_live = gly_str_equal(progress, GLY_STR("true")) ||
                   (gly_str_equal(progress, GLY_STR("auto")) && isatty(STDERR_FILENO));
    ret->progress = gly_cli_progress_start(ret->driver, is_live);
    pthread_t thread;
    if (pthread_create(&thread, NULL, wait_for_signals, ret) != 0) {
        return gly_fail(err, GLY_E_INTERNAL, "The signal thread could not be started");
    }
    pthread_detach(thread);
    return GLY_OK;
}

void gly_cli_runner_stop(gly_cli_runner *runner) {
    gly_cli_progress_stop(runner->progress);
    gly_session_free(runner->session);
    gly_driver_stop(runner->driver);
    gly_cli_progress_free(runner->progress);
    gly_result_text_free(runner->output);
}

void gly_cli_runner_print_error(const gly_error *err) {
    fflush(stdout);
    fprintf(stderr, "error: %s\n", err->message);
}

static void print_report(gly_cli_runner *runner, const gly_statement_report *report) {
    char rows[32];
    char bytes[32];
    if (report->has_job && !runner->options->quiet &&
        (isatty(STDERR_FILENO) || report->path.size > 0)) {
        gly_cli_progress_print_summary(&report->job);
    }
    if (report->path.size > 0) {
        fprintf(stderr, "%s rows, %s in %llu files: %.*s\n",
                gly_str_format_count(report->rows, rows, sizeof rows),
                gly_str_format_bytes(report->bytes, bytes, sizeof bytes),
                (unsigned long long)report->files, GLY_STR_ARG(report->path));
    }
}

static bool run_statement(gly_cli_runner *runner, const gly_statement *statement) {
    gly_error err = {0};
    gly_statement_report report = {0};
    gly_row_sink sink = gly_result_text_sink(runner->output);
    int64_t start = gly_clock_ns();
    runner->interrupted = false;
    gly_status status = gly_session_run(runner->session, statement, runner->options->action,
                                        runner->options->limit, &sink, &report, &err);
    gly_cli_progress_pause(runner->progress);
    fflush(stdout);
    if (status != GLY_OK) {
        gly_result_text_reset(runner->output);
        gly_cli_runner_print_error(&err);
        return false;
    }
    print_report(runner, &report);
    if (runner->timing) {
        char time[32];
        fprintf(stderr, "Time: %s\n",
                gly_str_format_ms((double)(gly_clock_ns() - start) / 1e6, time, sizeof time));
    }
    return true;
}

bool gly_cli_runner_text(gly_cli_runner *runner, gly_str text) {
    gly_error err = {0};
    gly_arena *arena = gly_arena_make();
    uint32_t count;
    gly_statement *statements;
    bool good = true;
    if (gly_parse_script(arena, text, &count, &statements, &err) != GLY_OK) {
        gly_cli_runner_print_error(&err);
        good = false;
        count = 0;
    }
    for (uint32_t i = 0; i < count && good; i++) {
        good = run_statement(runner, &statements[i]);
    }
    gly_arena_free(arena);
    return good;
}
