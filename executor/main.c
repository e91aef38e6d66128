/* main.c - the program galley-executor: memory settings, the command line, then executor.c.
 *
 * glibc's allocator is told to keep few heaps and to map big buffers one by one, so that what tasks
 * free goes back to the system: an executor's resident memory must follow its budget.
 */
#include "executor/executor.h"
#include "proto/build_version.h"

#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

enum { MOST_HEAPS = 4, MAP_FROM_BYTES = 256 << 10, TRIM_FROM_BYTES = 1 << 20 };

int main(int argc, char **argv) {
    mallopt(M_ARENA_MAX, MOST_HEAPS);
    mallopt(M_MMAP_THRESHOLD, MAP_FROM_BYTES);
    mallopt(M_TRIM_THRESHOLD, TRIM_FROM_BYTES);
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
    options.run_task = gly_task_run;
    int code = gly_executor_run(&options);
    fflush(NULL);
    _exit(code); /* libraries' own threads need no good-bye */
}
