/* main.c - the `galley` program: a driver of its own, executors beside it, one command.
 *
 * Commands are in cli_options.c; statements run through cli_runner.c.  The exit code is 0, 1 after an
 * error, 2 for a wrong command line, 130 after Ctrl-C.
 */
#include "cli/cli_shell.h"

#include "lib/base/alloc.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static gly_status read_all(const char *path, gly_builder *out, gly_error *err) {
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    if (file == NULL) {
        return gly_error_from_errno(err, errno, "The file %s cannot be read", path);
    }
    size_t got;
    do {
        char *room = gly_builder_room(out, 65536);
        got = fread(room, 1, 65536, file);
        out->size += got;
        out->data[out->size] = '\0';
    } while (got > 0);
    bool failed = ferror(file) != 0;
    int reason = errno;
    if (file != stdin) {
        fclose(file);
    }
    return failed ? gly_error_from_errno(err, reason, "The file %s cannot be read", path) : GLY_OK;
}

static void print_setting(void *context, gly_str key, gly_str value, const char *doc) {
    (void)context;
    printf("%-42.*s %-10.*s %s\n", GLY_STR_ARG(key), GLY_STR_ARG(value), doc);
}

static int run(const gly_cli_options *options) {
    gly_error err = {0};
    gly_builder script = {0};
    gly_cli_runner runner = {0};
    int exit_code = 1;
    if (options->command == GLY_CLI_RUN &&
        read_all(options->text, &script, &err) != GLY_OK) {
        gly_cli_runner_print_error(&err);
    } else if (gly_cli_runner_start(options, &runner, &err) != GLY_OK) {
        gly_cli_runner_print_error(&err);
    } else if (options->command == GLY_CLI_SHELL) {
        exit_code = gly_cli_shell_run(&runner);
    } else {
        gly_str text = options->command == GLY_CLI_RUN ? gly_builder_str(&script)
                                                       : gly_str_of(options->text);
        exit_code = gly_cli_runner_text(&runner, text) ? 0 : runner.interrupted ? 130 : 1;
    }
    gly_cli_runner_stop(&runner);
    gly_builder_clear(&script);
    return exit_code;
}

/* Large buffers go back to the system when they are freed, and threads share few heaps: a driver that
 * has handed over a large result is small again. */
static void set_up_memory(void) {
    enum { MOST_HEAPS = 2, MAP_FROM_BYTES = 256 << 10, TRIM_FROM_BYTES = 1 << 20 };
    mallopt(M_ARENA_MAX, MOST_HEAPS);
    mallopt(M_MMAP_THRESHOLD, MAP_FROM_BYTES);
    mallopt(M_TRIM_THRESHOLD, TRIM_FROM_BYTES);
}

int main(int count, char **arguments) {
    set_up_memory();
    gly_cli_runner_block_signals();
    gly_error err = {0};
    gly_cli_options options;
    int exit_code = 0;
    if (gly_cli_options_parse(count, arguments, &options, &err) != GLY_OK) {
        gly_cli_runner_print_error(&err);
        exit_code = 2;
    } else if (options.command == GLY_CLI_HELP) {
        gly_cli_options_print_help(stdout);
    } else if (options.command == GLY_CLI_VERSION) {
        puts("galley 0.1.0");
    } else if (options.command == GLY_CLI_SETTINGS) {
        gly_config_each(options.config, print_setting, NULL);
    } else {
        exit_code = run(&options);
    }
    gly_config_free(options.config);
    fflush(stdout);
    _exit(exit_code); /* the driver is stopped; leave libraries' own threads where they are */
}
