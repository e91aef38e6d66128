/* executor.h - one executor: connects to its driver, runs the tasks it is given, serves blocks.
 *
 * main.c parses the command line and calls gly_executor_run with the engine's gly_task_run; tests
 * give a task function of their own.
 */
#ifndef GLY_EXECUTOR_H
#define GLY_EXECUTOR_H

#include "lib/engine/task.h"
#include "lib/net/tls.h"

enum {                           /* exit codes */
       GLY_EXECUTOR_EXIT_OK = 0, /* the driver said so, or a signal did */
       GLY_EXECUTOR_EXIT_USAGE = 2,
       GLY_EXECUTOR_EXIT_NOT_STARTED = 3, /* could not register: stderr says why */
       GLY_EXECUTOR_EXIT_DRIVER_GONE = 4,
};

/* gly_task_run's type. */
typedef gly_status (*gly_executor_task_function)(gly_arena *arena,
                                                 const gly_task_environment *environment,
                                                 const gly_task_spec *spec, gly_task_result *ret,
                                                 gly_error *err);

typedef struct gly_executor_options {
    const char *driver_address;
    uint32_t id, cores;
    uint64_t memory_bytes;
    uint64_t disk_bytes;   /* 0: no limit */
    const char *local_dir; /* made if missing; its content is removed at the end */
    const char *host;      /* name or address under which others reach us; NULL: 127.0.0.1 */
    const char
        *listen_host;     /* to bind the block service to; NULL: loopback, or all if host is not */
    const char *version;  /* NULL: this build's */
    int64_t heartbeat_ms; /* 0: as the driver says */
    int64_t connect_timeout_ms;
    int64_t parent_pid; /* not 0: end when that process does */
    int64_t spawned_ns; /* gly_clock_ns() of whoever started us; 0: not known */
    int64_t grace_ms;   /* between SIGTERM and the end, if the driver takes over our blocks */
    bool encrypted;
    gly_tls_identity identity; /* if encrypted */
    bool is_bootstrap;         /* identity serves to ask the driver for our own */
    gly_executor_task_function run_task;
} gly_executor_options;

/* Reads the command line.  Texts point into argv.  The message of an error ends with how to get
 * help. */
GLY_NODISCARD gly_status gly_executor_parse(int argc, char **argv, gly_executor_options *ret,
                                            gly_error *err);
const char *gly_executor_help(void);

/* Settings of glibc's allocator; first thing in main. */
void gly_executor_set_up_memory(void);

/* Runs until the driver or a signal ends it; the process should exit with the returned code at
 * once. To be called once per process, from its main thread, before other threads are made. */
int gly_executor_run(const gly_executor_options *options);

#endif
