/* executor_options.c - the executor's command line.
 *
 * Every option has one value (but --bootstrap); unknown ones are refused, as a misspelt limit must
 * not pass silently.  What the control group allows is a limit to --memory, never the other way
 * round: beyond it the kernel kills.
 */
#include "executor/cgroup.h"
#include "executor/executor.h"

#include <stdio.h>
#include <stdlib.h>

enum { CONNECT_TIMEOUT_MS = 15000, GRACE_MS = 25000 };

typedef enum value_kind { TEXT, NUMBER, BYTES, FLAG } value_kind;

const char *gly_executor_help(void) {
    return "galley-executor - runs tasks for a Galley driver\n"
           "\n"
           "  --driver HOST:PORT    where the driver listens for executors (needed)\n"
           "  --id N                number of this executor, unique in the application (needed)\n"
           "  --local-dir DIR       for shuffle and spill files; emptied at the end (needed)\n"
           "  --cores N             tasks at once (default: what the control group allows)\n"
           "  --memory SIZE         memory in all, as 512m or 4g (default and maximum: as above)\n"
           "  --disk SIZE           what shuffle, spill, cached and result files may take "
           "together\n"
           "                        (default: as much as there is)\n"
           "  --host NAME           under which other executors reach us (default 127.0.0.1)\n"
           "  --listen HOST         address to bind to (default: all, if --host is not loopback)\n"
           "  --heartbeat-ms N      time between heartbeats (default: as the driver says)\n"
           "  --connect-timeout-ms N  how long to try to reach the driver (default 15000)\n"
           "  --tls-dir DIR         ca.crt, tls.crt, tls.key; without it the connection is "
           "plaintext\n"
           "  --tls-fd N            the same, inherited through a descriptor\n"
           "  --bootstrap           what --tls-dir holds is only good for asking the driver for "
           "an\n"
           "                        identity of our own; needs GALLEY_POD_UID in the environment\n"
           "  --grace-ms N          how long after SIGTERM blocks may be handed over (default "
           "25000)\n"
           "  --parent-pid N        end when this process does\n"
           "  --spawned-ns N        monotonic clock when we were started, for statistics\n"
           "  --help, --version\n";
}

static gly_status parse_number(const char *option, const char *text, bool bytes, uint64_t *ret,
                               gly_error *err) {
    bool good =
        bytes ? gly_str_to_bytes(gly_str_of(text), ret) : gly_str_to_u64(gly_str_of(text), ret);
    if (!good || *ret > INT64_MAX) {
        return gly_fail(err, GLY_E_INVALID_ARGUMENT, "%s needs a %s, not \"%s\"; see --help",
                        option, bytes ? "size such as 512m or 4g" : "number", text);
    }
    return GLY_OK;
}

typedef struct parsed {
    const char *driver, *local_dir, *host, *listen, *tls_dir;
    uint64_t id, cores, memory, disk, heartbeat, timeout, tls_fd, parent, spawned, grace;
    bool bootstrap;
} parsed;

static gly_status parse_all(int argc, char **argv, parsed *values, gly_error *err) {
    const struct {
        const char *name;
        value_kind kind;
        void *to;
    } known[] = {
        {"--driver", TEXT, &values->driver},
        {"--local-dir", TEXT, &values->local_dir},
        {"--host", TEXT, &values->host},
        {"--listen", TEXT, &values->listen},
        {"--tls-dir", TEXT, &values->tls_dir},
        {"--id", NUMBER, &values->id},
        {"--cores", NUMBER, &values->cores},
        {"--memory", BYTES, &values->memory},
        {"--disk", BYTES, &values->disk},
        {"--bootstrap", FLAG, &values->bootstrap},
        {"--grace-ms", NUMBER, &values->grace},
        {"--heartbeat-ms", NUMBER, &values->heartbeat},
        {"--connect-timeout-ms", NUMBER, &values->timeout},
        {"--tls-fd", NUMBER, &values->tls_fd},
        {"--parent-pid", NUMBER, &values->parent},
        {"--spawned-ns", NUMBER, &values->spawned},
    };
    for (int i = 1; i < argc; i++) {
        size_t k = 0;
        while (k < GLY_ARRAY_LEN(known) && strcmp(known[k].name, argv[i]) != 0) {
            k++;
        }
        if (k == GLY_ARRAY_LEN(known)) {
            return gly_fail(err, GLY_E_INVALID_ARGUMENT, "there is no option \"%s\"; see --help",
                            argv[i]);
        }
        if (known[k].kind == FLAG) {
            *(bool *)known[k].to = true;
            continue;
        }
        if (i + 1 >= argc || argv[i + 1][0] == '\0') {
            return gly_fail(err, GLY_E_INVALID_ARGUMENT, "%s needs a value; see --help", argv[i]);
        }
        if (known[k].kind == TEXT) {
            *(const char **)known[k].to = argv[i + 1];
        } else {
            GLY_TRY(parse_number(argv[i], argv[i + 1], known[k].kind == BYTES, known[k].to, err));
        }
        i++;
    }
    return GLY_OK;
}

static gly_status check(const parsed *values, gly_error *err) {
    enum { LEAST_MEMORY = 32 << 20, MOST_CORES = 4096 };
    if (values->driver == NULL || values->local_dir == NULL || values->id > UINT32_MAX) {
        return gly_fail(err, GLY_E_INVALID_ARGUMENT,
                        "--driver, --id and --local-dir are needed; see --help");
    }
    if (values->cores == 0 || values->cores > MOST_CORES) {
        return gly_fail(err, GLY_E_INVALID_ARGUMENT,
                        "--cores must be 1 to %d, not %llu; see --help", MOST_CORES,
                        (unsigned long long)values->cores);
    }
    if (values->bootstrap && (values->tls_dir == NULL || getenv("GALLEY_POD_UID") == NULL)) {
        return gly_fail(err, GLY_E_INVALID_ARGUMENT,
                        "--bootstrap needs --tls-dir, and GALLEY_POD_UID in the environment; see "
                        "--help");
    }
    if (values->memory < LEAST_MEMORY) {
        return gly_fail(err, GLY_E_INVALID_ARGUMENT,
                        "--memory must be at least 32m, not %llu bytes; see --help",
                        (unsigned long long)values->memory);
    }
    return GLY_OK;
}

gly_status gly_executor_parse(int argc, char **argv, gly_executor_options *ret, gly_error *err) {
    parsed values = {.id = UINT64_MAX,
                     .tls_fd = UINT64_MAX,
                     .timeout = CONNECT_TIMEOUT_MS,
                     .cores = gly_cgroup_cores(),
                     .grace = GRACE_MS,
                     .memory = gly_cgroup_memory_bytes()};
    uint64_t most_memory = values.memory;
    GLY_TRY(parse_all(argc, argv, &values, err));
    if (values.memory > most_memory) {
        fprintf(stderr,
                "galley-executor: --memory of %llu bytes is more than this machine or container "
                "has: %llu are used\n",
                (unsigned long long)values.memory, (unsigned long long)most_memory);
        values.memory = most_memory;
    }
    GLY_TRY(check(&values, err));
    *ret = (gly_executor_options){
        .driver_address = values.driver,
        .id = (uint32_t)values.id,
        .cores = (uint32_t)values.cores,
        .memory_bytes = values.memory,
        .disk_bytes = values.disk,
        .grace_ms = (int64_t)values.grace,
        .is_bootstrap = values.bootstrap,
        .local_dir = values.local_dir,
        .host = values.host,
        .listen_host = values.listen,
        .heartbeat_ms = (int64_t)values.heartbeat,
        .connect_timeout_ms = (int64_t)values.timeout,
        .parent_pid = (int64_t)values.parent,
        .spawned_ns = (int64_t)values.spawned,
    };
    if (values.tls_fd != UINT64_MAX) {
        GLY_TRY(gly_tls_identity_read_fd((int)values.tls_fd, &ret->identity, err));
        ret->encrypted = true;
    } else if (values.tls_dir != NULL) {
        GLY_TRY(gly_tls_identity_read_dir(values.tls_dir, &ret->identity, err));
        ret->encrypted = true;
    }
    return GLY_OK;
}
