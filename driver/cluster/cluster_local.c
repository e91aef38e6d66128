/* cluster_local.c - executors as child processes on this machine.
 *
 * One thread spawns them, waits for them through pidfds and tells what became of each.  It spawns
 * itself because a child asks the kernel to be signalled when its parent goes, and the kernel means
 * the thread that made it.  Credentials go to a child through an inherited memory file, its output
 * into a log file of its own.  Each has its own process group: Ctrl-C is the driver's business.
 * Invariant: the table belongs to that thread; others only leave orders in the mailbox.
 */
#include "driver/cluster/cluster.h"

#include "lib/base/array.h"
#include "lib/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    INHERITED_FD = 3,
    EXIT_NOT_STARTED = 3, /* the executor's code for "could not register" (executor/executor.h) */
    LOG_TAIL = 2048,
    LOG_LINES = 5,
    MOST_ARGUMENTS = 24,
};

typedef struct child {
    uint32_t id;
    pid_t pid;
    int pidfd;
    bool killed; /* by us */
} child;

typedef struct order {
    enum { ORDER_START, ORDER_KILL } kind;
    uint32_t id;
    bool forced;
} order;

struct gly_cluster {
    gly_cluster_options options;
    char *driver_address, *program, *local_dir;
    pthread_t thread;
    int wake; /* eventfd */
    pthread_mutex_t lock;
    GLY_ARRAY(order) orders;
    uint32_t next_id;
    int64_t stop_at_ms; /* 0: not stopping; then when the rest is killed */
    bool stopping;
    /* the thread's */
    GLY_ARRAY(child) children;
};

/* --- telling --- */

static void tell(gly_cluster *cluster, gly_cluster_event_kind kind, const child *item,
                 bool expected, const char *reason) {
    if (cluster->options.on_event != NULL) {
        gly_cluster_event event = {kind, item->id, item->pid, expected, reason, ""};
        cluster->options.on_event(cluster->options.context, &event);
    }
}

static void log_path(const gly_cluster *cluster, uint32_t id, char *buffer, size_t size) {
    snprintf(buffer, size, "%s/executor-%u.log", cluster->local_dir, id);
}

/* The last lines of the executor's output, joined with " | ". */
static void log_tail(const gly_cluster *cluster, uint32_t id, char *buffer, size_t size) {
    char path[4200], text[LOG_TAIL + 1];
    log_path(cluster, id, path, sizeof path);
    buffer[0] = '\0';
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return;
    }
    off_t end = lseek(fd, 0, SEEK_END);
    ssize_t got = pread(fd, text, LOG_TAIL, end > LOG_TAIL ? end - LOG_TAIL : 0);
    close(fd);
    while (got > 0 && text[got - 1] == '\n') {
        got--;
    }
    if (got <= 0) {
        return;
    }
    text[got] = '\0';
    ssize_t begin = got;
    for (int lines = 0; begin > 0; begin--) {
        if (text[begin - 1] == '\n' && ++lines == LOG_LINES) {
            break;
        }
    }
    size_t used = 0;
    for (ssize_t i = begin; i < got && used + 4 < size; i++) {
        const char *piece = text[i] == '\n' ? " | " : (char[]){text[i], '\0'};
        used += (size_t)snprintf(buffer + used, size - used, "%s", piece);
    }
}

/* --- starting --- */

static gly_status find_program(const char *given, char **ret, gly_error *err) {
    const char *named = given != NULL ? given : getenv("GALLEY_EXECUTOR");
    if (named != NULL && named[0] != '\0') {
        *ret = gly_alloc_string(named);
        return GLY_OK;
    }
    char path[4096];
    ssize_t size = readlink("/proc/self/exe", path, sizeof path - 32);
    if (size > 0) {
        path[size] = '\0';
        char *slash = strrchr(path, '/');
        snprintf(slash + 1, 32, "galley-executor");
        if (access(path, X_OK) == 0) {
            *ret = gly_alloc_string(path);
            return GLY_OK;
        }
    }
    return gly_fail(err, GLY_E_EXECUTOR_START,
                    "the program galley-executor is not next to this one; set GALLEY_EXECUTOR to "
                    "its path");
}

/* A memory file with the executor's certificate and key; -1 without one and with err set. */
static int make_credentials(gly_cluster *cluster, uint32_t id, gly_error *err) {
    char name[64];
    snprintf(name, sizeof name, GLY_TLS_EXECUTOR_PREFIX "%u", id);
    gly_tls_identity identity;
    if (gly_tls_identity_issue(cluster->options.authority, name, &identity, err) != GLY_OK) {
        return -1;
    }
    gly_builder bytes = {0};
    gly_tls_identity_encode(&identity, &bytes);
    int fd = memfd_create("galley-identity", MFD_CLOEXEC);
    if (fd < 0 || write(fd, bytes.data, bytes.size) != (ssize_t)bytes.size ||
        lseek(fd, 0, SEEK_SET) != 0) {
        (void)gly_error_from_errno(err, errno, "cannot hand a certificate to executor %u", id);
        if (fd >= 0) {
            close(fd);
        }
        fd = -1;
    }
    explicit_bzero(bytes.data, bytes.size);
    gly_builder_clear(&bytes);
    gly_tls_identity_clear(&identity);
    return fd;
}

typedef struct command_line {
    char texts[8][64];
    char directory[4200];
    char *arguments[MOST_ARGUMENTS];
} command_line;

static void make_command_line(const gly_cluster *cluster, uint32_t id, bool encrypted,
                              command_line *line) {
    const gly_cluster_options *options = &cluster->options;
    snprintf(line->texts[0], 64, "%u", id);
    snprintf(line->texts[1], 64, "%u", options->cores);
    snprintf(line->texts[2], 64, "%llu", (unsigned long long)options->memory_bytes);
    snprintf(line->texts[3], 64, "%lld", (long long)options->heartbeat_ms);
    snprintf(line->texts[4], 64, "%lld", (long long)getpid());
    snprintf(line->texts[5], 64, "%lld", (long long)gly_clock_ns());
    snprintf(line->texts[6], 64, "%d", INHERITED_FD);
    snprintf(line->directory, sizeof line->directory, "%s/executor-%u", cluster->local_dir, id);
    char *const arguments[] = {cluster->program,
                               "--driver", cluster->driver_address,
                               "--id", line->texts[0],
                               "--cores", line->texts[1],
                               "--memory", line->texts[2],
                               "--heartbeat-ms", line->texts[3],
                               "--parent-pid", line->texts[4],
                               "--spawned-ns", line->texts[5],
                               "--local-dir", line->directory,
                               encrypted ? "--tls-fd" : NULL, line->texts[6], NULL};
    _Static_assert(GLY_ARRAY_LEN(arguments) <= MOST_ARGUMENTS, "room for all arguments");
    memcpy(line->arguments, arguments, sizeof arguments);
}

static int spawn(gly_cluster *cluster, child *item, int credentials) {
    char log[4200];
    log_path(cluster, item->id, log, sizeof log);
    command_line line;
    make_command_line(cluster, item->id, credentials >= 0, &line);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    if (credentials >= 0) {
        posix_spawn_file_actions_adddup2(&actions, credentials, INHERITED_FD);
    }
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETSIGDEF);
    int error = posix_spawn(&item->pid, cluster->program, &actions, &attributes, line.arguments,
                            environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return error;
}

static void start_child(gly_cluster *cluster, uint32_t id) {
    child item = {.id = id, .pidfd = -1};
    gly_error error;
    int credentials = -1;
    if (cluster->options.authority != NULL &&
        (credentials = make_credentials(cluster, id, &error)) < 0) {
        tell(cluster, GLY_CLUSTER_FAILED, &item, false, error.message);
        return;
    }
    char reason[4400];
    int failure = spawn(cluster, &item, credentials);
    if (credentials >= 0) {
        close(credentials);
    }
    if (failure == 0) {
        item.pidfd = (int)syscall(SYS_pidfd_open, item.pid, 0);
        if (item.pidfd < 0) {
            failure = errno;
            kill(item.pid, SIGKILL);
            waitpid(item.pid, NULL, 0);
        }
    }
    if (failure != 0) {
        item.pid = 0;
        snprintf(reason, sizeof reason, "cannot start %s as executor %u: %s", cluster->program, id,
                 strerror(failure));
        tell(cluster, GLY_CLUSTER_FAILED, &item, false, reason);
        return;
    }
    gly_array_push(&cluster->children, item);
    tell(cluster, GLY_CLUSTER_STARTED, &item, true, "");
}

/* --- ending --- */

static void signal_child(child *item, int number) {
    item->killed = true;
    (void)syscall(SYS_pidfd_send_signal, item->pidfd, number, NULL, 0);
}

/* The child at this index has ended. */
static void reap(gly_cluster *cluster, size_t index) {
    child item = cluster->children.items[index];
    siginfo_t info = {0};
    if (waitid(P_PIDFD, (id_t)item.pidfd, &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0) {
        return;
    }
    close(item.pidfd);
    gly_array_remove_at(&cluster->children, index);
    char tail[LOG_TAIL * 2] = "", reason[LOG_TAIL * 2 + 200];
    bool by_signal = info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED;
    bool expected = item.killed || (!by_signal && info.si_status == 0);
    if (!expected) {
        log_tail(cluster, item.id, tail, sizeof tail);
    }
    if (by_signal) {
        const char *name = sigabbrev_np(info.si_status);
        snprintf(reason, sizeof reason, "executor %u was killed by signal %d (SIG%s)%s%s", item.id,
                 info.si_status, name == NULL ? "?" : name, tail[0] == '\0' ? "" : ": ", tail);
    } else {
        snprintf(reason, sizeof reason, "executor %u ended with exit code %d%s%s", item.id,
                 info.si_status, tail[0] == '\0' ? "" : ": ", tail);
    }
    bool never_started = !by_signal && !item.killed &&
                         (info.si_status == EXIT_NOT_STARTED || info.si_status == 127);
    tell(cluster, never_started ? GLY_CLUSTER_FAILED : GLY_CLUSTER_EXITED, &item, expected, reason);
}

static void obey(gly_cluster *cluster, const order *item) {
    if (item->kind == ORDER_START) {
        start_child(cluster, item->id);
        return;
    }
    for (size_t i = 0; i < cluster->children.count; i++) {
        if (cluster->children.items[i].id == item->id) {
            signal_child(&cluster->children.items[i], item->forced ? SIGKILL : SIGTERM);
        }
    }
}

/* Takes the mailbox; returns whether the cluster is stopping. */
static bool read_mailbox(gly_cluster *cluster, int64_t *ret_stop_at_ms) {
    uint64_t ignored;
    (void)!read(cluster->wake, &ignored, sizeof ignored);
    pthread_mutex_lock(&cluster->lock);
    order *orders = cluster->orders.items;
    size_t count = cluster->orders.count;
    memset(&cluster->orders, 0, sizeof cluster->orders);
    bool stopping = cluster->stopping;
    *ret_stop_at_ms = cluster->stop_at_ms;
    pthread_mutex_unlock(&cluster->lock);
    for (size_t i = 0; i < count; i++) {
        if (!stopping || orders[i].kind == ORDER_KILL) {
            obey(cluster, &orders[i]);
        }
    }
    free(orders);
    return stopping;
}

static void *watch(void *argument) {
    gly_cluster *cluster = argument;
    pthread_setname_np(pthread_self(), "gly-cluster");
    GLY_ARRAY(struct pollfd) polled = {0};
    bool told_to_end = false, killed = false;
    for (;;) {
        int64_t stop_at_ms = 0;
        bool stopping = read_mailbox(cluster, &stop_at_ms);
        if (stopping && cluster->children.count == 0) {
            break;
        }
        if (stopping && !told_to_end) {
            told_to_end = true;
            for (size_t i = 0; i < cluster->children.count; i++) {
                signal_child(&cluster->children.items[i], SIGTERM);
            }
        }
        int timeout = -1;
        if (stopping && !killed) {
            int64_t left = stop_at_ms - gly_clock_ms();
            killed = left <= 0;
            for (size_t i = 0; killed && i < cluster->children.count; i++) {
                signal_child(&cluster->children.items[i], SIGKILL);
            }
            timeout = killed ? -1 : (int)GLY_MIN(left, 1000);
        }
        polled.count = 0;
        gly_array_push(&polled, ((struct pollfd){cluster->wake, POLLIN, 0}));
        for (size_t i = 0; i < cluster->children.count; i++) {
            gly_array_push(&polled,
                           ((struct pollfd){cluster->children.items[i].pidfd, POLLIN, 0}));
        }
        if (poll(polled.items, polled.count, timeout) <= 0) {
            continue;
        }
        for (size_t i = polled.count - 1; i > 0; i--) { /* backwards: reaping removes */
            if (polled.items[i].revents != 0) {
                reap(cluster, i - 1);
            }
        }
    }
    gly_array_clear(&polled);
    return NULL;
}

/* --- the four verbs --- */

static void wake_up(gly_cluster *cluster) {
    uint64_t one = 1;
    (void)!write(cluster->wake, &one, sizeof one);
}

static gly_status start_cluster(const gly_cluster_options *options, gly_cluster **ret,
                                gly_error *err) {
    char *program;
    GLY_TRY(find_program(options->program, &program, err));
    gly_cluster *cluster = GLY_NEW(gly_cluster);
    cluster->options = *options;
    cluster->program = program;
    cluster->driver_address = gly_alloc_string(options->driver_address);
    cluster->local_dir = gly_alloc_string(options->local_dir);
    cluster->next_id = 1;
    cluster->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    GLY_ASSERT(cluster->wake >= 0);
    pthread_mutex_init(&cluster->lock, NULL);
    GLY_ASSERT(pthread_create(&cluster->thread, NULL, watch, cluster) == 0);
    *ret = cluster;
    return GLY_OK;
}

static gly_status request_executors(gly_cluster *cluster, uint32_t count, uint32_t *ret_ids,
                                    gly_error *err) {
    if (access(cluster->program, X_OK) != 0) {
        return gly_error_from_errno(err, errno, "cannot run %s as an executor", cluster->program);
    }
    pthread_mutex_lock(&cluster->lock);
    for (uint32_t i = 0; i < count; i++) {
        order item = {.kind = ORDER_START, .id = cluster->next_id++};
        ret_ids[i] = item.id;
        gly_array_push(&cluster->orders, item);
    }
    pthread_mutex_unlock(&cluster->lock);
    wake_up(cluster);
    return GLY_OK;
}

static void kill_executor(gly_cluster *cluster, uint32_t executor_id, bool forced) {
    pthread_mutex_lock(&cluster->lock);
    order item = {.kind = ORDER_KILL, .id = executor_id, .forced = forced};
    gly_array_push(&cluster->orders, item);
    pthread_mutex_unlock(&cluster->lock);
    wake_up(cluster);
}

static void stop_cluster(gly_cluster *cluster, int64_t grace_ms) {
    if (cluster == NULL) {
        return;
    }
    pthread_mutex_lock(&cluster->lock);
    cluster->stopping = true;
    cluster->stop_at_ms = gly_clock_ms() + grace_ms;
    pthread_mutex_unlock(&cluster->lock);
    wake_up(cluster);
    pthread_join(cluster->thread, NULL);
    close(cluster->wake);
    gly_array_clear(&cluster->orders);
    gly_array_clear(&cluster->children);
    pthread_mutex_destroy(&cluster->lock);
    free(cluster->program);
    free(cluster->driver_address);
    free(cluster->local_dir);
    free(cluster);
}

extern const gly_cluster_manager gly_cluster_local;
const gly_cluster_manager gly_cluster_local = {
    .name = "local",
    .exit_report_ms = 150,
    .start = start_cluster,
    .request = request_executors,
    .kill = kill_executor,
    .stop = stop_cluster,
};
