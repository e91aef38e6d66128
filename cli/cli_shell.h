/* cli_shell.h - the interactive shell, also fed from a pipe. */
#ifndef GLY_CLI_SHELL_H
#define GLY_CLI_SHELL_H

#include "cli/cli_options.h"
#include "cli/cli_runner.h"

/* Reads statements until the end of input or \q; returns the exit code. */
int gly_cli_shell_run(gly_cli_runner *runner);

#endif
