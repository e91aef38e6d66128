/* main.c - galley-operator: options, then operator.c.  Exit code 0 after SIGTERM, 1 for a start
 * that failed, 2 for wrong options.
 */
#include "k8s/operator/operator.h"
#include "lib/base/log.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

static const char *get(const char *name) { return getenv(name); }

int main(int count, char **arguments) {
    mallopt(M_ARENA_MAX, 1); /* one busy thread: a small process */
    gly_log_start("galley-operator");
    gly_arena *arena = gly_arena_make();
    gly_operator_options options;
    gly_error err;
    int code = 0;
    if (gly_operator_options_parse(arena, count, arguments, get, &options, &err) != GLY_OK) {
        gly_log_error("wrong options", GLY_LOG_ERR(&err));
        code = 2;
    } else if (options.wants_help) {
        gly_builder text = {0};
        gly_operator_options_usage(&text);
        fputs(text.data, stdout);
        gly_builder_clear(&text);
    } else if (options.wants_version) {
        puts("galley-operator 0.1.0");
    } else if (gly_operator_run(&options, &err) != GLY_OK) {
        gly_log_error("cannot run", GLY_LOG_ERR(&err));
        code = 1;
    }
    gly_arena_free(arena);
    return code;
}
