/* simulated_executors.c - one driver against many executors that do nothing but answer.
 *
 *   galley-simulated-executors [EXECUTORS [TASKS [TASK_MS [plain]]]]        1000 100000 100, mutual
 * TLS
 *
 * A child process plays the executors: each has a connection of its own to the driver, registers,
 * sends a heartbeat every second, and ends each task TASK_MS after its launch.  This process is a
 * whole driver with a cluster manager that starts nothing; one query has TASKS tasks.  Printed:
 * tasks per second, cpu of the scheduler's thread and of the connections' thread as parts of a
 * core, and how many executors the driver lost because it had not heard of them for three seconds.
 */
#include "driver/event/progress_counter.h"
#include "driver/session/session.h"
#include "executor/driver_client.h"
#include "lib/base/array.h"
#include "lib/base/clock.h"
#include "proto/build_version.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HEARTBEAT_MS = 1000, LOST_AFTER_MS = 3000, TICK_MS = 5, REGISTER_WITHIN_MS = 120000 };

typedef struct course {
    uint32_t executors, tasks;
    int64_t task_ms;
    gly_tls_authority *authority; /* NULL: plaintext */
} course;

/* ---- the executors ---------------------------------------------------------------------- */

typedef struct player {
    struct players *all;
    uint32_t id;
    gly_tls_identity identity;
    gly_driver_client *client;
    int64_t next_heartbeat_ms;
} player;

typedef struct due { /* a task that ends then */
    player *who;
    uint64_t task_id;
    int64_t at_ms;
} due;

typedef struct players { /* everything belongs to the loop's thread once it runs */
    course course;
    gly_grpc_loop *loop;
    player *items;
    GLY_ARRAY(due) running; /* in the order of their ends; from `first` on */
    size_t first;
    uint32_t gone;
    int64_t latest_heartbeat_ms; /* how late the latest one was */
} players;

static void send_message(player *one, const Galley__ExecutorMessage *message) {
    gly_builder bytes = {0};
    size_t size = galley__executor_message__get_packed_size(message);
    char *room = gly_builder_room(&bytes, size + 1);
    bytes.size += galley__executor_message__pack(message, (uint8_t *)room);
    gly_driver_client_send_now(one->client, gly_builder_str(&bytes));
    gly_builder_clear(&bytes);
}

static void on_command(void *context, gly_arena *arena, const Galley__DriverCommand *command) {
    player *one = context;
    players *all = one->all;
    if (command->kind_case == GALLEY__DRIVER_COMMAND__KIND_LAUNCH) {
        int64_t at_ms = gly_clock_ms() + all->course.task_ms;
        for (size_t i = 0; i < command->launch->n_task_ids; i++) {
            due end = {one, command->launch->task_ids[i], at_ms};
            gly_array_push(&all->running, end);
        }
    }
    gly_arena_free(arena);
}

static void on_gone(void *context, bool refused, const char *reason) {
    player *one = context;
    one->all->gone++;
    if (refused) {
        fprintf(stderr, "executor %u was refused: %s\n", one->id, reason);
    }
    if (one->all->gone == one->all->course.executors) {
        fprintf(stderr, "heartbeats: the latest one was sent %lld ms late\n",
                (long long)one->all->latest_heartbeat_ms);
        _exit(0);
    }
}

static void end_task(const due *task) {
    Galley__TaskMetrics metrics = GALLEY__TASK_METRICS__INIT;
    metrics.has_run_ns = 1;
    metrics.run_ns = (uint64_t)task->who->all->course.task_ms * 1000000;
    Galley__TaskUpdate update = GALLEY__TASK_UPDATE__INIT;
    update.task_id = task->task_id;
    update.metrics = &metrics;
    Galley__TaskUpdate *updates[] = {&update};
    Galley__ExecutorMessage message = GALLEY__EXECUTOR_MESSAGE__INIT;
    message.n_updates = 1;
    message.updates = updates;
    send_message(task->who, &message);
}

static void beat(player *one, int64_t now_ms) {
    players *all = one->all;
    Galley__Heartbeat heartbeat = GALLEY__HEARTBEAT__INIT;
    Galley__Heartbeat *heartbeats[] = {&heartbeat};
    Galley__ExecutorMessage message = GALLEY__EXECUTOR_MESSAGE__INIT;
    message.n_heartbeats = 1;
    message.heartbeats = heartbeats;
    send_message(one, &message);
    all->latest_heartbeat_ms = GLY_MAX(all->latest_heartbeat_ms, now_ms - one->next_heartbeat_ms);
    one->next_heartbeat_ms = now_ms + HEARTBEAT_MS;
}

static void tick(void *context) {
    players *all = context;
    int64_t now_ms = gly_clock_ms();
    while (all->first < all->running.count && all->running.items[all->first].at_ms <= now_ms) {
        end_task(&all->running.items[all->first++]);
    }
    for (uint32_t i = 0; i < all->course.executors; i++) {
        if (all->items[i].client != NULL && now_ms >= all->items[i].next_heartbeat_ms) {
            beat(&all->items[i], now_ms);
        }
    }
}

static void start_player(player *one, const char *address) {
    gly_error err = {0};
    const gly_tls_identity *identity = NULL;
    if (one->all->course.authority != NULL) {
        char name[64];
        snprintf(name, sizeof name, GLY_TLS_EXECUTOR_PREFIX "%u", one->id);
        if (gly_tls_identity_issue(one->all->course.authority, name, &one->identity, &err) !=
            GLY_OK) {
            fprintf(stderr, "%s\n", err.message);
            _exit(1);
        }
        identity = &one->identity;
    }
    char version[GLY_BUILD_VERSION_SIZE];
    gly_build_version_text(version);
    Galley__Register hello = GALLEY__REGISTER__INIT;
    hello.id = one->id;
    hello.version = version;
    hello.has_cores = 1;
    hello.cores = 1;
    hello.host = "nowhere";
    hello.host_id = "nowhere";
    hello.block_endpoint = "127.0.0.1:1";
    hello.local_dir = "/nonexistent";
    Galley__Register *hellos[] = {&hello};
    Galley__ExecutorMessage message = GALLEY__EXECUTOR_MESSAGE__INIT;
    message.n_register_ = 1;
    message.register_ = hellos;
    gly_builder bytes = {0};
    size_t size = galley__executor_message__get_packed_size(&message);
    char *room = gly_builder_room(&bytes, size + 1);
    bytes.size += galley__executor_message__pack(&message, (uint8_t *)room);
    gly_driver_client_callbacks callbacks = {on_command, on_gone, one};
    one->next_heartbeat_ms = gly_clock_ms() + HEARTBEAT_MS;
    one->client = gly_driver_client_make(one->all->loop, address, identity, gly_builder_str(&bytes),
                                         REGISTER_WITHIN_MS, &callbacks);
    gly_driver_client_start(one->client);
    gly_builder_clear(&bytes);
}

/* The child: waits for the driver's address, then plays until the driver ends the streams. */
static void play(const course *wanted, int address_fd) {
    char address[300] = "";
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (read(address_fd, address, sizeof address - 1) <= 0) {
        _exit(1);
    }
    players all = {.course = *wanted, .items = GLY_NEW_ARRAY(player, wanted->executors)};
    all.loop = gly_grpc_loop_make("players", TICK_MS, tick, &all);
    for (uint32_t i = 0; i < wanted->executors; i++) {
        all.items[i].all = &all;
        all.items[i].id = i + 1;
        all.items[i].next_heartbeat_ms = INT64_MAX;
        start_player(&all.items[i], address);
    }
    for (;;) {
        pause();
    }
}

/* ---- a cluster manager that starts nothing ---------------------------------------------- */

struct gly_cluster {
    gly_cluster_options options;
    uint32_t count;
};

static int address_pipe = -1; /* where the children's address goes */

static gly_status start_cluster(const gly_cluster_options *options, gly_cluster **ret,
                                gly_error *err) {
    gly_cluster *cluster = GLY_NEW(gly_cluster);
    cluster->options = *options;
    *ret = cluster;
    size_t size = strlen(options->driver_address);
    return write(address_pipe, options->driver_address, size) == (ssize_t)size
               ? GLY_OK
               : gly_fail(err, GLY_E_IO, "the players cannot be told the address");
}

static gly_status request_executors(gly_cluster *cluster, uint32_t count, uint32_t *ret_ids,
                                    gly_error *err) {
    (void)err;
    for (uint32_t i = 0; i < count; i++) {
        ret_ids[i] = ++cluster->count;
    }
    return GLY_OK;
}

static void kill_executor(gly_cluster *cluster, uint32_t executor_id, bool forced) {
    (void)cluster;
    (void)executor_id;
    (void)forced;
}

static void stop_cluster(gly_cluster *cluster, int64_t grace_ms) {
    (void)grace_ms;
    free(cluster);
}

static const gly_cluster_manager simulated = {.name = "simulated",
                                              .start = start_cluster,
                                              .request = request_executors,
                                              .kill = kill_executor,
                                              .stop = stop_cluster};

/* ---- the driver ------------------------------------------------------------------------- */

/* CPU milliseconds of our threads with that name so far. */
static double thread_cpu_ms(const char *name) {
    double sum = 0;
    DIR *tasks = opendir("/proc/self/task");
    for (const struct dirent *entry; tasks != NULL && (entry = readdir(tasks)) != NULL;) {
        char path[300];
        char line[512];
        snprintf(path, sizeof path, "/proc/self/task/%s/stat", entry->d_name);
        FILE *file = fopen(path, "r");
        if (file == NULL) {
            continue;
        }
        char comm[32] = "";
        unsigned long user = 0;
        unsigned long system = 0;
        if (fgets(line, sizeof line, file) != NULL &&
            sscanf(line, "%*d (%31[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", comm,
                   &user, &system) == 3 &&
            strcmp(comm, name) == 0) {
            sum += (double)(user + system) * 1000 / (double)sysconf(_SC_CLK_TCK);
        }
        fclose(file);
    }
    if (tasks != NULL) {
        closedir(tasks);
    }
    return sum;
}

static gly_status no_schema(void *context, const gly_schema *schema, gly_error *err) {
    (void)context;
    (void)schema;
    (void)err;
    return GLY_OK;
}

static gly_status no_rows(void *context, const gly_batch *batch, gly_error *err) {
    (void)context;
    (void)batch;
    (void)err;
    return GLY_OK;
}

static gly_status no_end(void *context, gly_error *err) {
    (void)context;
    (void)err;
    return GLY_OK;
}

static void set(gly_config *config, gly_config_id id, const char *format, long long value) {
    char text[64];
    snprintf(text, sizeof text, format, value);
    gly_error err;
    GLY_ASSERT(gly_config_set(config, gly_str_of(gly_config_key(id)), gly_str_of(text), false,
                              &err) == GLY_OK);
}

/* A line that bench/k8s/run.py reads. */
static void print_measure(const char *name, double value) {
    printf("{\"measure\": \"%s\", \"value\": %.3f}\n", name, value);
}

static void wait_for_executors(gly_progress_counter *counter, uint32_t count, int64_t start_ms) {
    const gly_progress *now = gly_progress_counter_get(counter);
    while (*(volatile const uint64_t *)&now->executors_running < count &&
           gly_clock_ms() - start_ms < REGISTER_WITHIN_MS) {
        gly_clock_sleep_ms(10);
    }
    printf("%llu executors registered in %.1f s\n", (unsigned long long)now->executors_running,
           (double)(gly_clock_ms() - start_ms) / 1000);
}

static int drive(const course *wanted) {
    gly_config *config = gly_config_make(NULL);
    set(config, GLY_CONFIG_EXECUTOR_COUNT, "%lld", wanted->executors);
    set(config, GLY_CONFIG_HEARTBEAT_INTERVAL, "%lldms", HEARTBEAT_MS);
    set(config, GLY_CONFIG_NETWORK_TIMEOUT, "%lldms", LOST_AFTER_MS);
    set(config, GLY_CONFIG_MAX_RESULT_SIZE, "%lld", 0);
    set(config, GLY_CONFIG_TLS_ENABLED, wanted->authority != NULL ? "true" : "false", 0);
    gly_driver_options options = {
        .config = config, .manager = &simulated, .authority = wanted->authority};
    gly_driver *driver;
    gly_error err = {0};
    int64_t start_ms = gly_clock_ms();
    if (gly_driver_start_with(&options, &driver, &err) != GLY_OK) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    gly_progress_counter *counter = gly_progress_counter_make();
    gly_driver_subscribe(driver, gly_progress_counter_read, counter);
    wait_for_executors(counter, wanted->executors, start_ms);
    gly_session *session = gly_session_make(driver, config);
    gly_row_sink sink = {no_schema, no_rows, no_end, NULL};
    char sql[128];
    snprintf(sql, sizeof sql, "SELECT id FROM range(0, %u, 1, %u)", wanted->tasks, wanted->tasks);
    double scheduler_ms = thread_cpu_ms("gly-driver");
    double endpoint_ms = thread_cpu_ms("gly-endpoint");
    start_ms = gly_clock_ms();
    gly_status status =
        gly_session_run_script(session, gly_str_of(sql), GLY_ACTION_FOREACH, 0, &sink, &err);
    double wall_ms = (double)(gly_clock_ms() - start_ms);
    scheduler_ms = thread_cpu_ms("gly-driver") - scheduler_ms;
    endpoint_ms = thread_cpu_ms("gly-endpoint") - endpoint_ms;
    const gly_progress *end = gly_progress_counter_get(counter);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    if (status != GLY_OK) {
        fprintf(stderr, "%s\n", err.message);
    }
    printf("%u tasks of %lld ms on %u executors: %.2f s, %.0f tasks/s\n", wanted->tasks,
           (long long)wanted->task_ms, wanted->executors, wall_ms / 1000,
           (double)wanted->tasks / wall_ms * 1000);
    printf("scheduler thread %.2f core (%.1f us a task), connections %.2f core, driver %.0f MiB\n",
           scheduler_ms / wall_ms, scheduler_ms * 1000 / wanted->tasks, endpoint_ms / wall_ms,
           (double)usage.ru_maxrss / 1024);
    print_measure("tasks/s with simulated executors", (double)wanted->tasks / wall_ms * 1000);
    print_measure("scheduler thread, of a core", scheduler_ms / wall_ms);
    print_measure("connections thread, of a core", endpoint_ms / wall_ms);
    print_measure("executors lost to missed heartbeats", (double)end->executors_lost);
    bool is_good = status == GLY_OK && end->executors_lost == 0 && scheduler_ms < wall_ms;
    gly_session_free(session);
    gly_driver_stop(driver);
    gly_progress_counter_free(counter);
    gly_config_free(config);
    return is_good ? 0 : 1;
}

static uint32_t argument(int count, char **arguments, int index, uint32_t fallback) {
    uint64_t value;
    bool is_given = index < count && gly_str_to_u64(gly_str_of(arguments[index]), &value) &&
                    value > 0 && value < 100000000;
    return is_given ? (uint32_t)value : fallback;
}

int main(int count, char **arguments) {
    course wanted = {.executors = argument(count, arguments, 1, 1000),
                     .tasks = argument(count, arguments, 2, 100000),
                     .task_ms = argument(count, arguments, 3, 100)};
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    gly_error err = {0};
    bool is_plain = count > 4 && strcmp(arguments[4], "plain") == 0;
    if (!is_plain && gly_tls_authority_make(&wanted.authority, &err) != GLY_OK) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    int ends[2];
    if (pipe(ends) != 0) {
        return 1;
    }
    pid_t child = fork(); /* before any thread is there */
    if (child == 0) {
        close(ends[1]);
        play(&wanted, ends[0]);
    }
    close(ends[0]);
    address_pipe = ends[1];
    int exit_code = drive(&wanted);
    int status;
    waitpid(child, &status, 0);
    fflush(stdout);
    _exit(exit_code);
}
