/* cli_shell.c - statements typed at a prompt: history, editing, backslash commands.
 *
 * libedit does the editing; its history is kept in ~/.galley_history.  A statement ends with ';' at
 * the end of a line outside quotes and comments.  From a pipe the same loop reads plain lines without
 * prompts, which is how the SQL tests talk to one session.  Ctrl-C cancels the running query (the
 * runner's signal thread) and clears a half-typed statement; it never ends the shell.
 */
#include "cli/cli_shell.h"

#include "lib/base/alloc.h"

#include <editline/readline.h>
#include <stdlib.h>
#include <unistd.h>

static const char commands[] =
    "  \\?             this list\n"
    "  \\q             leave (also Ctrl-D)\n"
    "  \\timing [on|off]  print how long each statement took\n"
    "  \\format F      table, csv or json\n"
    "  \\echo TEXT     print TEXT\n"
    "  \\views         SHOW VIEWS\n"
    "Statements end with ';'.  Ctrl-C cancels the running statement.\n";

/* True if text ends a statement: a ';' outside quotes and comments, then only white space. */
static bool is_complete(gly_str text) {
    char quote = '\0';
    bool line_comment = false;
    int block_comment = 0;
    bool complete = false;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        char next = i + 1 < text.size ? text.data[i + 1] : '\0';
        if (line_comment) {
            line_comment = c != '\n';
        } else if (block_comment > 0) {
            if (c == '*' && next == '/') {
                block_comment--;
                i++;
            }
        } else if (quote != '\0') {
            if (c == '\\' && quote != '`') {
                i++;
            } else if (c == quote) {
                quote = '\0';
            }
        } else if (c == '-' && next == '-') {
            line_comment = true;
        } else if (c == '/' && next == '*') {
            block_comment++;
            i++;
        } else if (c == '\'' || c == '"' || c == '`') {
            quote = c;
            complete = false;
        } else if (c == ';') {
            complete = true;
        } else if (strchr(" \t\r\n", c) == NULL) {
            complete = false;
        }
    }
    return complete && quote == '\0' && block_comment == 0;
}

static bool is_blank(gly_str text) { return gly_str_trim(text).size == 0; }

/* A backslash command; false to leave the shell. */
static bool run_command(gly_cli_runner *runner, gly_str line) {
    gly_str word = line;
    const char *space = memchr(line.data, ' ', line.size);
    gly_str rest = {"", 0};
    if (space != NULL) {
        word.size = (size_t)(space - line.data);
        rest = gly_str_trim((gly_str){space + 1, line.size - word.size - 1});
    }
    if (gly_str_equal(word, GLY_STR("\\q"))) {
        return false;
    }
    if (gly_str_equal(word, GLY_STR("\\timing"))) {
        runner->timing = rest.size == 0 ? !runner->timing : gly_str_equal(rest, GLY_STR("on"));
        fprintf(stderr, "Timing is %s.\n", runner->timing ? "on" : "off");
    } else if (gly_str_equal(word, GLY_STR("\\format"))) {
        char name[16] = "";
        gly_result_format format;
        memcpy(name, rest.data, GLY_MIN(rest.size, sizeof name - 1));
        if (gly_result_text_find_format(name, &format)) {
            gly_result_text_set_format(runner->output, format);
        } else {
            fprintf(stderr, "\\format cannot be '%s': give table, csv or json\n", name);
        }
    } else if (gly_str_equal(word, GLY_STR("\\echo"))) {
        printf("%.*s\n", GLY_STR_ARG(rest));
        fflush(stdout);
    } else if (gly_str_equal(word, GLY_STR("\\views"))) {
        gly_cli_runner_text(runner, GLY_STR("SHOW VIEWS"));
    } else {
        if (!gly_str_equal(word, GLY_STR("\\?"))) {
            fprintf(stderr, "There is no command '%.*s':\n", GLY_STR_ARG(word));
        }
        fputs(commands, stderr);
    }
    return true;
}

static char *history_path(void) {
    const char *home = getenv("HOME");
    if (home == NULL) {
        return NULL;
    }
    gly_builder path = {0};
    gly_builder_format(&path, "%s/.galley_history", home);
    return path.data;
}

/* One line without its newline, or NULL at the end; freed by the caller. */
static char *read_line(bool is_terminal, bool is_first) {
    if (is_terminal) {
        return readline(is_first ? "galley> " : "     -> ");
    }
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length = getline(&line, &capacity, stdin);
    if (length < 0) {
        free(line);
        return NULL;
    }
    if (length > 0 && line[length - 1] == '\n') {
        line[length - 1] = '\0';
    }
    return line;
}

int gly_cli_shell_run(gly_cli_runner *runner) {
    bool is_terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    char *path = is_terminal ? history_path() : NULL;
    if (is_terminal) {
        rl_initialize();
        using_history();
        stifle_history(1000);
        if (path != NULL) {
            read_history(path);
        }
        fputs("Galley's shell: statements end with ';', \\? lists commands, \\q leaves.\n", stderr);
    }
    gly_builder statement = {0};
    int exit_code = 0;
    for (;;) {
        char *line = read_line(is_terminal, is_blank(gly_builder_str(&statement)));
        if (line == NULL) {
            break;
        }
        gly_str text = gly_str_trim(gly_str_of(line));
        if (is_blank(gly_builder_str(&statement)) && text.size > 0 && text.data[0] == '\\') {
            bool goes_on = run_command(runner, text);
            free(line);
            if (!goes_on) {
                break;
            }
            continue;
        }
        gly_builder_add_text(&statement, line);
        gly_builder_add_char(&statement, '\n');
        free(line);
        if (!is_complete(gly_builder_str(&statement))) {
            continue;
        }
        if (is_terminal) {
            gly_str whole = gly_str_trim(gly_builder_str(&statement));
            char *entry = gly_alloc(whole.size + 1);
            for (size_t i = 0; i < whole.size; i++) {
                entry[i] = whole.data[i] == '\n' ? ' ' : whole.data[i];
            }
            entry[whole.size] = '\0';
            add_history(entry);
            free(entry);
        }
        exit_code = gly_cli_runner_text(runner, gly_builder_str(&statement)) ? 0 : 1;
        gly_builder_reset(&statement);
    }
    if (!is_blank(gly_builder_str(&statement))) {
        exit_code = gly_cli_runner_text(runner, gly_builder_str(&statement)) ? 0 : 1;
    }
    if (path != NULL) {
        write_history(path);
        free(path);
    }
    gly_builder_clear(&statement);
    return is_terminal ? 0 : exit_code;
}
