/* cli_options.c - words of the command line to options and settings.
 *
 * Every setting is reachable with --conf key=value; the short options are names for a few of them.
 * What a command does is in main.c, cli_run.c and cli_shell.c.
 */
#include "cli/cli_options.h"

static const char help[] =
    "galley - Apache Spark's architecture in C: a driver, executors, SQL over files\n"
    "\n"
    "  galley run FILE.sql [OPTION]...     run the statements of a file ('-': standard input)\n"
    "  galley sql \"SELECT ...\" [OPTION]... run statements given as text\n"
    "  galley shell [OPTION]...            type statements; \\? lists the shell's commands\n"
    "  galley settings                     every setting with its default\n"
    "  galley version | help\n"
    "\n"
    "options\n"
    "  --executors N        executor processes                 (spark.executor.instances, 2)\n"
    "  --cores M            task slots of one executor         (spark.executor.cores, 1)\n"
    "  --memory SIZE        memory of one executor, 512Mi, 2g  (spark.executor.memory, 1g)\n"
    "  --conf KEY=VALUE     any setting, Spark's names         (galley settings)\n"
    "  --format FORMAT      table, csv or json (one object a line)\n"
    "  --action ACTION      collect, show, count or foreach    (collect)\n"
    "  --limit N            rows of --action show              (20)\n"
    "  --event-log DIR      write every event as a JSON line into DIR\n"
    "  --progress WHEN      auto, true or false: live progress on standard error\n"
    "  --quiet              no summary after each job\n"
    "\n"
    "Rows go to standard output; progress, summaries and errors to standard error.  The exit code is 0,\n"
    "1 after an error, 2 for a wrong command line, 130 after Ctrl-C.\n";

void gly_cli_options_print_help(FILE *file) { fputs(help, file); }

static gly_status set(gly_cli_options *options, const char *key, const char *option,
                      const char *value, gly_error *err) {
    GLY_TRY_ADD(gly_config_set(options->config, gly_str_of(key), gly_str_of(value), false, err),
                err, "%s", option);
    return GLY_OK;
}

static gly_status set_positive(gly_cli_options *options, const char *key, const char *option,
                               const char *value, gly_error *err) {
    int64_t number;
    if (!gly_str_to_i64(gly_str_of(value), &number) || number < 1 || number > 100000) {
        return gly_fail(err, GLY_E_CONFIG, "%s cannot be '%s': give a whole number from 1", option,
                        value);
    }
    return set(options, key, option, value, err);
}

static gly_status set_action(gly_cli_options *options, const char *value, gly_error *err) {
    static const char *const names[] = {[GLY_ACTION_COLLECT] = "collect",
                                        [GLY_ACTION_SHOW] = "show",
                                        [GLY_ACTION_COUNT] = "count",
                                        [GLY_ACTION_FOREACH] = "foreach"};
    for (size_t i = 0; i < GLY_ARRAY_LEN(names); i++) {
        if (strcmp(value, names[i]) == 0) {
            options->action = (gly_action)i;
            return GLY_OK;
        }
    }
    return gly_fail(err, GLY_E_CONFIG,
                    "--action cannot be '%s': give collect, show, count or foreach", value);
}

static gly_status apply(gly_cli_options *options, const char *option, const char *value,
                        gly_error *err) {
    if (strcmp(option, "--executors") == 0) {
        return set_positive(options, "spark.executor.instances", option, value, err);
    }
    if (strcmp(option, "--cores") == 0) {
        return set_positive(options, "spark.executor.cores", option, value, err);
    }
    if (strcmp(option, "--memory") == 0) {
        return set(options, "spark.executor.memory", option, value, err);
    }
    if (strcmp(option, "--conf") == 0) {
        return gly_config_set_pair(options->config, gly_str_of(value), err);
    }
    if (strcmp(option, "--progress") == 0) {
        return set(options, "spark.ui.showConsoleProgress", option, value, err);
    }
    if (strcmp(option, "--event-log") == 0) {
        GLY_TRY(set(options, "spark.eventLog.enabled", option, "true", err));
        return set(options, "spark.eventLog.dir", option, value, err);
    }
    if (strcmp(option, "--action") == 0) {
        return set_action(options, value, err);
    }
    if (strcmp(option, "--limit") == 0) {
        if (!gly_str_to_u64(gly_str_of(value), &options->limit)) {
            return gly_fail(err, GLY_E_CONFIG, "--limit cannot be '%s': give a whole number",
                            value);
        }
        return GLY_OK;
    }
    if (strcmp(option, "--format") == 0) {
        options->format_given = true;
        if (!gly_result_text_find_format(value, &options->format)) {
            return gly_fail(err, GLY_E_CONFIG, "--format cannot be '%s': give table, csv or json",
                            value);
        }
        return GLY_OK;
    }
    return gly_fail(err, GLY_E_CONFIG, "There is no option '%s': see galley help", option);
}

static bool find_command(const char *word, gly_cli_command *ret) {
    static const struct {
        const char *word;
        gly_cli_command command;
    } commands[] = {{"run", GLY_CLI_RUN},         {"sql", GLY_CLI_SQL},
                    {"shell", GLY_CLI_SHELL},     {"settings", GLY_CLI_SETTINGS},
                    {"help", GLY_CLI_HELP},       {"--help", GLY_CLI_HELP},
                    {"-h", GLY_CLI_HELP},         {"version", GLY_CLI_VERSION},
                    {"--version", GLY_CLI_VERSION}};
    for (size_t i = 0; i < GLY_ARRAY_LEN(commands); i++) {
        if (strcmp(word, commands[i].word) == 0) {
            *ret = commands[i].command;
            return true;
        }
    }
    return false;
}

gly_status gly_cli_options_parse(int count, char *const *arguments, gly_cli_options *ret,
                                 gly_error *err) {
    *ret = (gly_cli_options){.command = GLY_CLI_HELP, .limit = 20};
    ret->config = gly_config_make(NULL);
    if (count < 2) {
        return GLY_OK;
    }
    if (!find_command(arguments[1], &ret->command)) {
        return gly_fail(err, GLY_E_CONFIG, "There is no command '%s': see galley help",
                        arguments[1]);
    }
    bool only_words = false;
    for (int i = 2; i < count; i++) {
        const char *word = arguments[i];
        if (!only_words && strcmp(word, "--") == 0) {
            only_words = true;
        } else if (!only_words && (strcmp(word, "--quiet") == 0 || strcmp(word, "-q") == 0)) {
            ret->quiet = true;
        } else if (!only_words && strcmp(word, "--help") == 0) {
            ret->command = GLY_CLI_HELP;
            return GLY_OK;
        } else if (!only_words && strncmp(word, "--", 2) == 0) {
            char option[64];
            const char *equals = strchr(word, '=');
            if (equals != NULL && (size_t)(equals - word) < sizeof option) {
                memcpy(option, word, (size_t)(equals - word));
                option[equals - word] = '\0';
                GLY_TRY(apply(ret, option, equals + 1, err));
            } else if (i + 1 < count) {
                GLY_TRY(apply(ret, word, arguments[++i], err));
            } else {
                return gly_fail(err, GLY_E_CONFIG, "%s needs a value: see galley help", word);
            }
        } else if (ret->text == NULL) {
            ret->text = word;
        } else {
            return gly_fail(err, GLY_E_CONFIG, "'%s' is one word too many: put SQL in quotes",
                            word);
        }
    }
    if (ret->text == NULL && (ret->command == GLY_CLI_RUN || ret->command == GLY_CLI_SQL)) {
        return gly_fail(err, GLY_E_CONFIG, "galley %s needs %s", arguments[1],
                        ret->command == GLY_CLI_RUN ? "the file to run" : "the SQL text");
    }
    return GLY_OK;
}
