/* main.c - the program galley-executor: the command line, then executor.c with the engine's tasks.
 */
#include "executor/executor.h"
#include "lib/base/log.h"
#include "proto/build_version.h"

#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv) {
    gly_executor_set_up_memory();
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(gly_executor_help(), stdout);
        return GLY_EXECUTOR_EXIT_OK;
    }
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        char version[GLY_BUILD_VERSION_SIZE];
        printf("galley-executor %s\n", gly_build_version_text(version));
        return GLY_EXECUTOR_EXIT_OK;
    }
    gly_executor_options options;
    gly_error error = {0};
    if (gly_executor_parse(argc, argv, &options, &error) != GLY_OK) {
        fprintf(stderr, "galley-executor: %s\n", error.message);
        return GLY_EXECUTOR_EXIT_USAGE;
    }
    gly_log_start("galley-executor");
    if (options.is_bootstrap) { /* in a pod, where people read logs */
        gly_log_info("starting", GLY_LOG_INT("executor", options.id));
    }
    options.run_task = gly_task_run;
    int code = gly_executor_run(&options);
    fflush(NULL);
    _exit(code); /* libraries' own threads need no good-bye */
}
