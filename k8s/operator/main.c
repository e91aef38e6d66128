/* main.c - galley-operator: options, then operator.c.  Exit code 0 after SIGTERM, 1 for a start
 * that failed, 2 for wrong options.
 */
#include "k8s/api/application.h"
#include "k8s/operator/check_application.h"
#include "k8s/operator/operator.h"
#include "lib/base/log.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

static const char *get(const char *name) { return getenv(name); }

static gly_status check(gly_arena *arena, const gly_operator_options *options, gly_error *err) {
    int64_t timeout_ms;
    if (!gly_application_parse_duration(gly_str_of(options->timeout), &timeout_ms)) {
        return gly_fail(err, GLY_E_INVALID_ARGUMENT,
                        "--timeout is a duration such as 90s, not '%s'", options->timeout);
    }
    gly_k8s_config config;
    GLY_TRY(gly_k8s_config_load(arena, NULL, &config, err));
    return gly_check_application(
        &config, options->namespace_count > 0 ? options->namespaces[0] : config.namespace_name,
        options->check_application, timeout_ms, err);
}

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
    } else if (options.check_application != NULL) {
        if (check(arena, &options, &err) != GLY_OK) {
            gly_log_error("the check failed", GLY_LOG_ERR(&err));
            code = 1;
        }
    } else if (gly_operator_run(&options, &err) != GLY_OK) {
        gly_log_error("cannot run", GLY_LOG_ERR(&err));
        code = 1;
    }
    gly_arena_free(arena);
    return code;
}
