/* cli_options.h - the command line of `galley`. */
#ifndef GLY_CLI_OPTIONS_H
#define GLY_CLI_OPTIONS_H

#include "driver/session/result_text.h"
#include "lib/base/config.h"

typedef enum gly_cli_command {
    GLY_CLI_HELP,
    GLY_CLI_VERSION,
    GLY_CLI_RUN,      /* text is a file's path */
    GLY_CLI_SQL,      /* text is SQL */
    GLY_CLI_SHELL,
    GLY_CLI_SETTINGS, /* the list of settings */
} gly_cli_command;

typedef struct gly_cli_options {
    gly_cli_command command;
    const char *text;
    gly_result_format format;
    bool format_given;
    gly_action action;
    uint64_t limit; /* of --action show */
    bool quiet;     /* no summary after the jobs */
    gly_config *config;
} gly_cli_options;

/* config must be freed by the caller, also after a failure. */
GLY_NODISCARD gly_status gly_cli_options_parse(int count, char *const *arguments,
                                               gly_cli_options *ret, gly_error *err);
void gly_cli_options_print_help(FILE *file);

#endif
