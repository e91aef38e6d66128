/* executor.c - an executor's life: register, obey, beat, end.
 *
 * Threads: this (main) one waits for signals, sends heartbeats and deletes files; the control loop
 * reads the driver's commands; task threads run tasks; the block service has its own loop.
 * It ends when the driver says so, when the stream to the driver ends, or on a signal: tasks are
 * cancelled, what they report still goes out, the local directory is removed.  A last alarm ends
 * the process whatever hangs. The first SIGTERM only announces the end if the driver can use the
 * time: it then gives no more tasks, has our blocks taken over by others and says shutdown.  We
 * wait for that until the deadline, or a second signal.
 *
 * Invariant: the stream's end is final; an executor never looks for another driver.
 */
#include "executor/executor.h"

#include "executor/block_puller.h"
#include "executor/cgroup.h"
#include "executor/driver_client.h"
#include "executor/identify.h"
#include "executor/shuffle_service.h"
#include "executor/stage_cache.h"
#include "executor/task_runner.h"
#include "executor/task_slots.h"
#include "lib/base/array.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/engine/pipeline/block_store.h"
#include "lib/engine/pipeline/shared_cache.h"
#include "lib/net/host_identity.h"
#include "lib/net/wire.h"
#include "proto/build_version.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    RESERVE_BYTES = 32 << 20, /* of memory that tasks do not get: gRPC, code, stacks */
    RESERVE_PERCENT = 8,
    END_TASKS_MS = 400, /* cancelled tasks have this long to notice */
    END_STREAM_MS = 200,
    LAST_ALARM_S = 2,
    WATCH_MS = 10, /* between looks at resident memory while much of it is in use, else: */
    WATCH_LITTLE_MS = 25,
    SWEEP_AGAIN_MS = 2000,
    REGISTER_FIELD = 1,
    HEARTBEATS_FIELD = 3,
    DECOMMISSIONING_FIELD = 5,
};

typedef struct sweep { /* files to be deleted */
    uint64_t query_id;
    int64_t at_ms;
} sweep;

typedef struct executor {
    const gly_executor_options *options;
    gly_tls_identity own; /* that the driver signed, if we came with the bootstrap identity */
    const gly_tls_identity *identity; /* NULL: plaintext */
    char id_text[16], host_id[GLY_HOST_IDENTITY_SIZE], version[GLY_BUILD_VERSION_SIZE];
    gly_budget memory;
    gly_disk_space *disk; /* NULL: no limit */
    gly_task_environment environment;
    gly_task_runner runner;
    gly_stage_cache *stages;
    gly_task_slots *slots;
    gly_shuffle_service *shuffle;
    gly_block_puller *puller;
    gly_grpc_loop *loop;
    gly_driver_client *client;
    atomic_bool watching; /* the main thread looks at memory, as tasks run */
    int wake;             /* eventfd: the fields below changed */
    pthread_mutex_t lock;
    int64_t heartbeat_ms;
    bool registered, ending, refused, driver_gone, can_decommission;
    int64_t leave_at_ms; /* decommissioning: no later than this; 0: not.  The main thread's */
    char reason[512];
    GLY_ARRAY(sweep) sweeps;
} executor;

static void wake_main(executor *self) {
    uint64_t one = 1;
    (void)!write(self->wake, &one, sizeof one);
}

static void end_because(executor *self, bool gone, bool refused, const char *reason) {
    pthread_mutex_lock(&self->lock);
    if (!self->ending) {
        self->ending = true;
        self->refused = refused;
        self->driver_gone = gone;
        snprintf(self->reason, sizeof self->reason, "%s", reason);
    }
    pthread_mutex_unlock(&self->lock);
    wake_main(self);
}

/* --- commands, on the control loop's thread --- */

static void take_registered(executor *self, const Galley__Registered *message) {
    if (message->has_max_direct_result_bytes) {
        self->environment.max_direct_result_bytes = message->max_direct_result_bytes;
    }
    if (message->has_shuffle_codec && message->shuffle_codec < GLY_CODEC_COUNT) {
        self->environment.shuffle_codec = (gly_codec)message->shuffle_codec;
    }
    pthread_mutex_lock(&self->lock);
    self->registered = true;
    self->can_decommission = message->can_decommission;
    if (self->options->heartbeat_ms <= 0 && message->has_heartbeat_ms &&
        message->heartbeat_ms > 0) {
        self->heartbeat_ms = message->heartbeat_ms;
    }
    pthread_mutex_unlock(&self->lock);
    wake_main(self);
    if (self->options->is_bootstrap) { /* in a pod, where people read logs */
        gly_log_info("registered", GLY_LOG_INT("executor", self->options->id));
    }
}

static void take_launch(executor *self, const Galley__LaunchTasks *message) {
    size_t count =
        GLY_MIN(message->n_task_ids, GLY_MIN(message->n_partitions, message->n_task_attempts));
    gly_stage *stage = gly_stage_cache_get(self->stages, message->query_id, message->stage_id,
                                           message->stage_attempt);
    int64_t now = gly_clock_ns();
    gly_slot_task *first = NULL, **tail = &first;
    for (size_t i = 0; i < count; i++) {
        gly_slot_task *task = GLY_NEW(gly_slot_task);
        task->task_id = message->task_ids[i];
        task->query_id = message->query_id;
        task->stage_id = message->stage_id;
        task->stage_attempt = message->stage_attempt;
        task->partition = message->partitions[i];
        task->task_attempt = message->task_attempts[i];
        task->width = message->width;
        task->arrived_ns = now;
        if (stage != NULL) {
            gly_stage_cache_ref(stage);
            task->stage = stage;
        }
        *tail = task;
        tail = &task->next;
    }
    gly_stage_cache_unref(stage);
    gly_task_slots_push(self->slots, first);
    if (!atomic_load(&self->watching)) {
        wake_main(self);
    }
}

static void take_drop_query(executor *self, uint64_t query_id) {
    gly_task_slots_kill_query(self->slots, query_id);
    gly_stage_cache_drop_query(self->stages, query_id);
    if (self->environment.shared != NULL) {
        gly_shared_cache_drop(self->environment.shared, query_id, UINT32_MAX);
    }
    /* Twice: a task that was just finishing may still leave a file. */
    int64_t now = gly_clock_ms();
    pthread_mutex_lock(&self->lock);
    gly_array_push(&self->sweeps, ((sweep){query_id, now}));
    gly_array_push(&self->sweeps, ((sweep){query_id, now + SWEEP_AGAIN_MS}));
    pthread_mutex_unlock(&self->lock);
    wake_main(self);
}

static void take_drop_stage(executor *self, const Galley__DropStage *message) {
    gly_stage_cache_drop_stage(self->stages, message->query_id, message->stage_id,
                               message->stage_attempt);
    if (self->environment.shared != NULL) {
        gly_shared_cache_drop(self->environment.shared, message->query_id, message->stage_id);
    }
}

static void on_command(void *context, gly_arena *arena, const Galley__DriverCommand *command) {
    executor *self = context;
    switch (command->kind_case) {
    case GALLEY__DRIVER_COMMAND__KIND_STAGE:
        gly_stage_cache_put(self->stages, arena, command->stage);
        return; /* the stage keeps the arena */
    case GALLEY__DRIVER_COMMAND__KIND_LAUNCH:
        take_launch(self, command->launch);
        break;
    case GALLEY__DRIVER_COMMAND__KIND_KILL:
        gly_task_slots_kill(self->slots, command->kill->task_ids, command->kill->n_task_ids);
        break;
    case GALLEY__DRIVER_COMMAND__KIND_DROP_STAGE:
        take_drop_stage(self, command->drop_stage);
        break;
    case GALLEY__DRIVER_COMMAND__KIND_DROP_QUERY_ID:
        take_drop_query(self, command->drop_query_id);
        break;
    case GALLEY__DRIVER_COMMAND__KIND_DROP_CACHE_ID:
        if (self->environment.shared != NULL) {
            gly_block_store_drop(gly_shared_cache_blocks(self->environment.shared),
                                 command->drop_cache_id);
            char prefix[48];
            snprintf(prefix, sizeof prefix, "cache/%llx/",
                     (unsigned long long)command->drop_cache_id);
            gly_moved_blocks_drop(gly_shuffle_service_moved(self->shuffle), gly_str_of(prefix));
        }
        break;
    case GALLEY__DRIVER_COMMAND__KIND_REGISTERED:
        take_registered(self, command->registered);
        break;
    case GALLEY__DRIVER_COMMAND__KIND_PULL:
        gly_block_puller_push(self->puller, arena, command->pull);
        return; /* the order keeps the arena */
    case GALLEY__DRIVER_COMMAND__KIND_MOVED:
        gly_moved_blocks_put(gly_shuffle_service_moved(self->shuffle), command->moved);
        break;
    case GALLEY__DRIVER_COMMAND__KIND_SHUTDOWN:
        end_because(self, false, false, command->shutdown);
        break;
    default:
        fprintf(stderr, "galley-executor: a command of the driver is not known here\n");
    }
    gly_arena_free(arena);
}

static void on_gone(void *context, bool refused, const char *reason) {
    end_because(context, true, refused, reason);
}

/* --- starting --- */

static gly_status prepare_directory(const char *path, gly_error *err) {
    struct stat about;
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        return gly_error_from_errno(err, errno, "cannot make the local directory %s", path);
    }
    if (stat(path, &about) != 0 || !S_ISDIR(about.st_mode) || access(path, W_OK | X_OK) != 0) {
        return gly_fail(err, GLY_E_EXECUTOR_START,
                        "the local directory %s is not a directory we can write to", path);
    }
    return GLY_OK;
}

static size_t budget_of(uint64_t memory_bytes) {
    uint64_t reserve = GLY_MAX((uint64_t)RESERVE_BYTES, memory_bytes / 100 * RESERVE_PERCENT);
    return (size_t)(memory_bytes > 2 * reserve ? memory_bytes - reserve : memory_bytes / 2);
}

static void watch_reserved(void *context) { gly_task_runner_watch_memory(context); }

static void report_pulled(void *context, gly_str message) {
    gly_driver_client_send(((executor *)context)->client, message);
}

static gly_status find_identity(executor *self, int signals, gly_error *err) {
    const gly_executor_options *options = self->options;
    self->identity = options->encrypted ? &options->identity : NULL;
    if (!options->is_bootstrap) {
        return GLY_OK;
    }
    gly_identify_options asked = {.driver_address = options->driver_address,
                                  .bootstrap = &options->identity,
                                  .executor_id = options->id,
                                  .pod_uid = getenv("GALLEY_POD_UID"),
                                  .timeout_ms = options->connect_timeout_ms,
                                  .stop_fd = signals};
    GLY_TRY(gly_identify_run(&asked, &self->own, err));
    self->identity = &self->own;
    return GLY_OK;
}

/* Where others are to reach us from elsewhere, every address of ours will do. */
static const char *listen_host(const gly_executor_options *options, const char *host) {
    if (options->listen_host != NULL) {
        return options->listen_host;
    }
    bool is_loopback =
        strncmp(host, "127.", 4) == 0 || strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0;
    return is_loopback ? host : strchr(host, ':') != NULL ? "::" : "0.0.0.0";
}

static gly_status start_parts(executor *self, gly_error *err) {
    const gly_executor_options *options = self->options;
    const char *host = options->host == NULL ? "127.0.0.1" : options->host;
    gly_budget_init(&self->memory, NULL, budget_of(options->memory_bytes));
    gly_shared_cache *shared = gly_shared_cache_make(&self->memory, options->local_dir);
    self->disk = options->disk_bytes > 0 ? gly_disk_space_make(options->disk_bytes) : NULL;
    gly_block_store_set_disk(gly_shared_cache_blocks(shared), self->disk);
    gly_shuffle_service_options shuffle = {
        .listen_host = listen_host(options, host),
        .host = host,
        .local_dir = options->local_dir,
        .identity = self->identity,
        .shared = shared,
        .disk = self->disk,
    };
    self->environment = (gly_task_environment){
        .memory = &self->memory,
        .disk = self->disk,
        .local_dir = options->local_dir,
        .executor_id = gly_str_of(self->id_text),
        .host_id = gly_str_of(self->host_id),
        .shuffle_codec = GLY_CODEC_LZ4,
        .shared = shared,
        .slot_count = options->cores,
        .max_direct_result_bytes = 1 << 20,
    };
    GLY_TRY(gly_shuffle_service_make(&shuffle, &self->shuffle, err));
    self->environment.endpoint = gly_str_of(gly_shuffle_service_endpoint(self->shuffle));
    self->environment.fetcher = gly_shuffle_service_fetcher(self->shuffle);
    gly_block_puller_options puller = {&self->environment, report_pulled, self};
    self->puller = gly_block_puller_make(&puller);
    self->stages = gly_stage_cache_make();
    self->runner.environment = &self->environment;
    self->runner.run_task = options->run_task;
    self->runner.memory_bytes = options->memory_bytes;
    pthread_mutex_init(&self->runner.trim_lock, NULL);
    self->memory.watch = watch_reserved;
    self->memory.watch_context = &self->runner;
    self->memory.watch_step = GLY_TASK_RUNNER_WATCH_BYTES;
    gly_task_slots_callbacks callbacks = {gly_task_runner_run, gly_task_runner_killed,
                                          &self->runner};
    self->slots = gly_task_slots_make(options->cores, &callbacks);
    return GLY_OK;
}

static void encode_registration(executor *self, gly_builder *out) {
    const gly_executor_options *options = self->options;
    char host[256] = "";
    if (gethostname(host, sizeof host - 1) != 0) {
        snprintf(host, sizeof host, "unknown");
    }
    Galley__Register message = GALLEY__REGISTER__INIT;
    message.id = options->id;
    message.version = self->version;
    message.has_cores = message.has_memory_bytes = message.has_budget_bytes = true;
    message.cores = options->cores;
    message.memory_bytes = options->memory_bytes;
    message.budget_bytes = self->memory.limit_bytes;
    message.has_pid = message.has_start_us = true;
    message.pid = getpid();
    message.start_us = options->spawned_ns > 0 ? (gly_clock_ns() - options->spawned_ns) / 1000 : 0;
    message.host = host;
    message.host_id = self->host_id;
    message.block_endpoint = (char *)(uintptr_t)self->environment.endpoint.data;
    message.local_dir = (char *)(uintptr_t)options->local_dir;
    size_t size = galley__register__get_packed_size(&message);
    gly_wire_add_header(out, REGISTER_FIELD, size);
    out->size += galley__register__pack(&message, (uint8_t *)gly_builder_room(out, size));
}

static void connect_to_driver(executor *self) {
    gly_builder registration = {0};
    encode_registration(self, &registration);
    self->loop = gly_grpc_loop_make("gly-control", 0, NULL, NULL);
    gly_driver_client_callbacks callbacks = {on_command, on_gone, self};
    const gly_executor_options *options = self->options;
    self->client = gly_driver_client_make(self->loop, options->driver_address, self->identity,
                                          gly_builder_str(&registration),
                                          options->connect_timeout_ms, &callbacks);
    gly_builder_clear(&registration);
    self->runner.client = self->client; /* before any task can come */
    gly_driver_client_start(self->client);
}

/* --- the main thread --- */

static void send_heartbeat(executor *self) {
    enum { MOST = 256 };
    gly_task_slots_running running[MOST];
    Galley__RunningTask tasks[MOST];
    Galley__RunningTask *list[MOST];
    Galley__Heartbeat heartbeat = GALLEY__HEARTBEAT__INIT;
    uint32_t queued = 0;
    uint32_t count = gly_task_slots_snapshot(self->slots, running, MOST, &queued);
    int64_t now = gly_clock_ns();
    for (uint32_t i = 0; i < count; i++) {
        galley__running_task__init(&tasks[i]);
        tasks[i].task_id = running[i].task_id;
        tasks[i].has_run_ns = true;
        tasks[i].run_ns = (uint64_t)(now - running[i].started_ns);
        list[i] = &tasks[i];
    }
    heartbeat.has_rss_bytes = heartbeat.has_memory_used_bytes = heartbeat.has_queued_count = true;
    heartbeat.rss_bytes = gly_cgroup_resident_bytes();
    heartbeat.memory_used_bytes = gly_budget_used(&self->memory);
    heartbeat.queued_count = queued;
    heartbeat.n_running = count;
    heartbeat.running = list;
    gly_builder message = {0};
    size_t size = galley__heartbeat__get_packed_size(&heartbeat);
    gly_wire_add_header(&message, HEARTBEATS_FIELD, size);
    message.size +=
        galley__heartbeat__pack(&heartbeat, (uint8_t *)gly_builder_room(&message, size));
    gly_driver_client_send_now(self->client, gly_builder_str(&message));
    gly_builder_clear(&message);
}

/* Deletes what is due; returns when the next is (INT64_MAX: none). */
static int64_t run_sweeps(executor *self, int64_t now) {
    for (;;) {
        int64_t next = INT64_MAX;
        uint64_t query_id = 0;
        bool due = false;
        pthread_mutex_lock(&self->lock);
        for (size_t i = 0; i < self->sweeps.count && !due; i++) {
            if (self->sweeps.items[i].at_ms <= now) {
                query_id = self->sweeps.items[i].query_id;
                gly_array_remove_at(&self->sweeps, i);
                due = true;
            } else {
                next = GLY_MIN(next, self->sweeps.items[i].at_ms);
            }
        }
        pthread_mutex_unlock(&self->lock);
        if (!due) {
            return next;
        }
        gly_shuffle_service_drop_query(self->shuffle, query_id);
    }
}

/* Looks at resident memory while tasks run, and once after; returns when to look again. */
static int64_t watch_memory(executor *self, int64_t now) {
    bool busy = gly_task_slots_busy(self->slots);
    bool before = atomic_exchange(&self->watching, busy);
    if (!busy && gly_task_slots_busy(self->slots)) {
        return now; /* a task came in between: its launch did not wake us */
    }
    if (busy || before) {
        gly_task_runner_watch_memory(&self->runner);
    }
    bool much = gly_budget_used(&self->memory) > self->memory.limit_bytes / 4;
    return busy ? now + (much ? WATCH_MS : WATCH_LITTLE_MS) : INT64_MAX;
}

static void announce_end(executor *self) {
    int64_t grace_ms = self->options->grace_ms;
    self->leave_at_ms = gly_clock_ms() + grace_ms;
    Galley__Decommissioning said = GALLEY__DECOMMISSIONING__INIT;
    said.has_deadline_ms = true;
    said.deadline_ms = grace_ms;
    gly_builder message = {0};
    size_t size = galley__decommissioning__get_packed_size(&said);
    gly_wire_add_header(&message, DECOMMISSIONING_FIELD, size);
    uint8_t *room = (uint8_t *)gly_builder_room(&message, size);
    message.size += galley__decommissioning__pack(&said, room);
    gly_driver_client_send_now(self->client, gly_builder_str(&message));
    gly_builder_clear(&message);
}

static void take_signal(executor *self, int number) {
    pthread_mutex_lock(&self->lock);
    bool may_wait = self->registered && self->can_decommission && !self->ending;
    pthread_mutex_unlock(&self->lock);
    if (number == SIGTERM && may_wait && self->leave_at_ms == 0 && self->options->grace_ms > 0) {
        announce_end(self);
        return;
    }
    char reason[64];
    snprintf(reason, sizeof reason, "it was ended by signal %d (SIG%s)", number,
             sigabbrev_np(number));
    end_because(self, false, false, reason);
}

static void wait_for_end(executor *self, int signals) {
    int64_t next_heartbeat = 0;
    for (;;) {
        int64_t now = gly_clock_ms();
        pthread_mutex_lock(&self->lock);
        bool ending = self->ending, registered = self->registered;
        int64_t interval = self->heartbeat_ms;
        pthread_mutex_unlock(&self->lock);
        if (ending) {
            return;
        }
        if (registered && now >= next_heartbeat) {
            send_heartbeat(self);
            next_heartbeat = now + interval;
        }
        int64_t wake_at = run_sweeps(self, now);
        if (registered) {
            wake_at = GLY_MIN(wake_at, next_heartbeat);
        }
        wake_at = GLY_MIN(wake_at, watch_memory(self, now));
        if (self->leave_at_ms > 0 && now >= self->leave_at_ms) {
            end_because(self, false, false, "its time to hand over its blocks is up");
            return;
        }
        wake_at = self->leave_at_ms > 0 ? GLY_MIN(wake_at, self->leave_at_ms) : wake_at;
        struct pollfd polled[2] = {{self->wake, POLLIN, 0}, {signals, POLLIN, 0}};
        int64_t wait = wake_at == INT64_MAX ? -1 : GLY_MAX(wake_at - gly_clock_ms(), 0);
        (void)poll(polled, 2, (int)GLY_MIN(wait, 3600000));
        uint64_t ignored;
        (void)!read(self->wake, &ignored, sizeof ignored);
        struct signalfd_siginfo info;
        if (read(signals, &info, sizeof info) == (ssize_t)sizeof info) {
            take_signal(self, (int)info.ssi_signo);
        }
    }
}

static void free_all(executor *self) {
    gly_grpc_loop_free(self->loop);
    gly_driver_client_free(self->client);
    gly_block_puller_free(self->puller);
    gly_shuffle_service_free(self->shuffle);
    gly_stage_cache_free(self->stages);
    gly_shared_cache_free(self->environment.shared);
    gly_disk_space_free(self->disk);
    gly_array_clear(&self->sweeps);
    gly_tls_identity_clear(&self->own);
    pthread_mutex_destroy(&self->runner.trim_lock);
    pthread_mutex_destroy(&self->lock);
    close(self->wake);
    free(self);
}

static int end_all(executor *self) {
    alarm(LAST_ALARM_S); /* SIGALRM's default action: whatever hangs below, we are gone then */
    gly_shuffle_service_cancel(self->shuffle);
    bool tasks_ended = gly_task_slots_free(self->slots, END_TASKS_MS);
    gly_block_puller_free(self->puller);
    self->puller = NULL;
    gly_driver_client_close(self->client, self->reason, self->driver_gone ? 0 : END_STREAM_MS);
    gly_shuffle_service_remove_tree(self->options->local_dir);
    int code = !self->driver_gone ? GLY_EXECUTOR_EXIT_OK
               : self->refused    ? GLY_EXECUTOR_EXIT_NOT_STARTED
                                  : GLY_EXECUTOR_EXIT_DRIVER_GONE;
    if (self->driver_gone) {
        fprintf(
            stderr, "galley-executor %u: %s %s\n", self->options->id,
            self->refused ? "could not register at the driver:" : "lost its driver:", self->reason);
    }
    if (!tasks_ended) {
        fflush(NULL);
        _exit(code); /* a task does not hear: its memory is in use */
    }
    free_all(self);
    return code;
}

/* Few heaps, and big buffers mapped one by one, so that what tasks free goes back to the system:
 * resident memory must follow the budget. */
void gly_executor_set_up_memory(void) {
    enum { MOST_HEAPS = 4, MAP_FROM_BYTES = 128 << 10, TRIM_FROM_BYTES = 1 << 20 };
    mallopt(M_ARENA_MAX, MOST_HEAPS);
    mallopt(M_MMAP_THRESHOLD, MAP_FROM_BYTES);
    mallopt(M_TRIM_THRESHOLD, TRIM_FROM_BYTES);
}

int gly_executor_run(const gly_executor_options *options) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL); /* all threads inherit it */
    signal(SIGPIPE, SIG_IGN);
    int signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (options->parent_pid != 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != options->parent_pid) {
            return GLY_EXECUTOR_EXIT_DRIVER_GONE;
        }
    }
    executor *self = GLY_NEW(executor); /* lives as long as the process: threads may outlast us */
    self->options = options;
    self->heartbeat_ms = options->heartbeat_ms > 0 ? options->heartbeat_ms : 10000;
    self->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    GLY_ASSERT(signals >= 0 && self->wake >= 0);
    pthread_mutex_init(&self->lock, NULL);
    snprintf(self->id_text, sizeof self->id_text, "%u", options->id);
    gly_host_identity_read(self->host_id);
    gly_build_version_text(self->version);
    if (options->version != NULL) {
        snprintf(self->version, sizeof self->version, "%s", options->version);
    }
    gly_error error = {0};
    gly_status status = prepare_directory(options->local_dir, &error);
    if (status == GLY_OK) {
        status = find_identity(self, signals, &error);
    }
    if (status == GLY_OK) {
        status = start_parts(self, &error);
    }
    if (status != GLY_OK) {
        fprintf(stderr, "galley-executor %u: %s\n", options->id, error.message);
        free_all(self);
        return status == GLY_E_CANCELLED ? GLY_EXECUTOR_EXIT_OK : GLY_EXECUTOR_EXIT_NOT_STARTED;
    }
    connect_to_driver(self);
    wait_for_end(self, signals);
    return end_all(self);
}
