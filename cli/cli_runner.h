/* cli_runner.h - one driver and one session behind the commands: runs statements, prints what they
 * give, reports errors and summaries, turns Ctrl-C into a cancellation. */
#ifndef GLY_CLI_RUNNER_H
#define GLY_CLI_RUNNER_H

#include "cli/cli_options.h"
#include "cli/cli_progress.h"

typedef struct gly_cli_runner {
    const gly_cli_options *options;
    gly_driver *driver;
    gly_session *session;
    gly_result_text *output;
    gly_cli_progress *progress;
    bool timing;       /* \timing: print the time of each statement */
    bool interrupted;  /* the last statement ended by Ctrl-C */
} gly_cli_runner;

/* Blocks SIGINT and SIGTERM in every thread started later; call it first in main. */
void gly_cli_runner_block_signals(void);
GLY_NODISCARD gly_status gly_cli_runner_start(const gly_cli_options *options, gly_cli_runner *ret,
                                              gly_error *err);
/* Ends executors and frees; safe on a half-started runner. */
void gly_cli_runner_stop(gly_cli_runner *runner);
/* Runs the statements of text; the first error is printed and ends it. False after an error. */
bool gly_cli_runner_text(gly_cli_runner *runner, gly_str text);
void gly_cli_runner_print_error(const gly_error *err);

#endif
