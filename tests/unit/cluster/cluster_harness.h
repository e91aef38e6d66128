/* cluster_harness.h - a driver's endpoint, a local cluster and a record of all that was called back.
 *
 * The test program is its own executor: started with arguments it runs gly_executor_run with the
 * task function below, whose behaviour the shuffle id of the stage chooses.
 */
#ifndef GLY_CLUSTER_HARNESS_H
#define GLY_CLUSTER_HARNESS_H

#include "driver/cluster/cluster.h"
#include "driver/cluster/executor_endpoint.h"
#include "executor/executor.h"
#include "lib/base/array.h"
#include "lib/base/clock.h"
#include "lib/base/hash.h"
#include "tests/support/check.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>

typedef enum behaviour { /* shuffle_id of the stage */
    DO_NOTHING,
    DO_WAIT,        /* until cancelled */
    DO_FAIL,        /* division by zero */
    DO_RESULT,      /* `partition` bytes inline */
    DO_LARGE,       /* a file of `partition` MiB, as result_path */
    DO_FETCH,       /* reads all of inputs[0].maps[0] and returns its checksum */
    DO_FETCH_FAIL,
    DO_HANG,        /* ignores cancellation for 30 s */
    DO_MAP,         /* map status and operator rows */
    DO_MEMORY,      /* touches and frees buffers up to `partition` MiB */
    DO_LEAVE_FILE,  /* a shuffle file of the query */
    DO_SLEEP,       /* `partition` ms */
} behaviour;

typedef struct seen_executor {
    uint32_t id, cores;
    bool lost, exited, failed, expected;
    int64_t pid, start_us, exited_ms, lost_ms;
    char block_endpoint[64], local_dir[256], host_id[96];
    char reason[1024], exit_reason[4096];
    uint64_t rss_bytes;
    uint32_t heartbeats, running;
} seen_executor;

typedef struct harness {
    gly_tls_authority *authority;
    gly_executor_endpoint *endpoint;
    gly_cluster *cluster;
    char directory[64];
    pthread_mutex_t lock;
    pthread_cond_t changed;
    seen_executor executors[64]; /* by id */
    uint32_t registered_count;
    GLY_ARRAY(gly_task_update) updates;
    GLY_ARRAY(gly_arena *) arenas; /* what the updates point into */
    uint64_t next_task;
    bool count_only;
    uint64_t update_count;
} harness;

typedef struct harness_options {
    uint32_t executors, cores;
    bool plaintext;
    int64_t heartbeat_ms, liveness_ms;
    uint64_t memory_bytes;
    const char *driver_version;
} harness_options;

#define HARNESS static GLY_UNUSED

/* --- the executor's side --- */

HARNESS gly_status harness_file(gly_arena *arena, const gly_task_environment *environment,
                                const char *kind, const gly_task_spec *spec, size_t size,
                                char **ret_path, gly_error *err) {
    char *path = gly_arena_format(arena, "%s/%s-%llx-%llu.data", environment->local_dir, kind,
                                  (unsigned long long)spec->query_id,
                                  (unsigned long long)spec->task_id);
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        return gly_fail(err, GLY_E_IO, "cannot write %s", path);
    }
    uint64_t words[1024];
    for (size_t at = 0; at < size; at += sizeof words) {
        for (size_t i = 0; i < GLY_ARRAY_LEN(words); i++) {
            words[i] = gly_hash_u64(at + i);
        }
        fwrite(words, 1, GLY_MIN(sizeof words, size - at), file);
    }
    fclose(file);
    *ret_path = path;
    return GLY_OK;
}

HARNESS gly_status harness_fetch_all(gly_arena *arena, const gly_task_environment *environment,
                                     const gly_map_status *map, gly_task_result *ret,
                                     gly_error *err) {
    gly_builder out = {0};
    for (uint32_t p = 0; p < map->partition_count; p++) {
        gly_status status = environment->fetcher.fetch(
            environment->fetcher.context, map->endpoint, map->executor_id, map->path,
            map->offsets[p], map->offsets[p + 1] - map->offsets[p], &out, err);
        if (status != GLY_OK) {
            ret->fetch_failed = true;
            ret->failed_shuffle_id = 7;
            ret->failed_map_partition = map->map_partition;
            ret->failed_executor_id = map->executor_id;
            gly_builder_clear(&out);
            return status;
        }
    }
    ret->result = gly_str_of(
        gly_arena_format(arena, "%zu %016llx", out.size,
                         (unsigned long long)gly_hash_checksum(out.data, out.size)));
    gly_builder_clear(&out);
    return GLY_OK;
}

HARNESS gly_status harness_use_memory(const gly_task_environment *environment,
                                      const gly_task_spec *spec) {
    /* Buffers of many sizes, as operators make them, all from the budget, freed in another order. */
    enum { MOST = 4096 };
    void *buffers[MOST];
    size_t sizes[MOST], count = 0;
    uint64_t wanted = (uint64_t)spec->partition << 20, held = 0;
    gly_budget budget;
    gly_budget_init(&budget, environment->memory, SIZE_MAX);
    for (; count < MOST && held < wanted; count++) {
        static const size_t kinds[] = {4096, 20000, 65536, 150000, 262144, 1 << 20, 8 << 20};
        sizes[count] = kinds[(spec->task_id % 2 == 0 ? count * 5 : 0) % GLY_ARRAY_LEN(kinds) / 2 +
                             spec->task_id % 4];
        if (!gly_budget_try_reserve(&budget, sizes[count])) {
            break;
        }
        buffers[count] = gly_alloc(sizes[count]);
        memset(buffers[count], 1, sizes[count]);
        held += sizes[count];
    }
    for (size_t i = 0; i < count; i++) {
        size_t at = (i * 2) % count + (i * 2 >= count && count % 2 == 0);
        free(buffers[at]);
        gly_budget_release(&budget, sizes[at]);
    }
    return GLY_OK;
}

HARNESS gly_status harness_task(gly_arena *arena, const gly_task_environment *environment,
                                const gly_task_spec *spec, gly_task_result *ret, gly_error *err) {
    char *path;
    switch ((behaviour)spec->shuffle_id) {
    case DO_NOTHING:
        return GLY_OK;
    case DO_WAIT:
        while (!atomic_load(spec->cancelled)) {
            gly_clock_sleep_ms(1);
        }
        return gly_fail(err, GLY_E_CANCELLED, "cancelled");
    case DO_FAIL:
        return gly_fail(err, GLY_E_DIVIDE_BY_ZERO, "divisor is zero in row %u", spec->partition);
    case DO_RESULT:
        ret->result = (gly_str){memset(gly_arena_alloc(arena, spec->partition), 'r',
                                       spec->partition),
                                spec->partition};
        ret->result_bytes = spec->partition;
        ret->result_rows = 1;
        return GLY_OK;
    case DO_LARGE:
        GLY_TRY(harness_file(arena, environment, "result", spec, (size_t)spec->partition << 20,
                             &path, err));
        ret->result_path = gly_str_of(path);
        ret->result_bytes = (uint64_t)spec->partition << 20;
        return GLY_OK;
    case DO_FETCH:
        return harness_fetch_all(arena, environment, &spec->inputs[0].maps[0], ret, err);
    case DO_FETCH_FAIL:
        ret->fetch_failed = true;
        ret->failed_shuffle_id = 3;
        ret->failed_map_partition = 4;
        ret->failed_executor_id = GLY_STR("9");
        return gly_fail(err, GLY_E_FETCH_FAILED, "block is gone");
    case DO_HANG:
        gly_clock_sleep_ms(30000);
        return GLY_OK;
    case DO_MAP:
        ret->has_map_status = true;
        ret->map_status = (gly_map_status){.map_partition = spec->partition,
                                           .executor_id = environment->executor_id,
                                           .host_id = environment->host_id,
                                           .endpoint = environment->endpoint,
                                           .path = GLY_STR("/x"),
                                           .partition_count = 2,
                                           .offsets = (uint64_t[]){0, 10, 30},
                                           .row_count = 5};
        ret->map_status.offsets = gly_arena_copy(arena, ret->map_status.offsets, 24);
        ret->operator_count = 2;
        ret->operators = GLY_ARENA_ARRAY(arena, gly_task_operator_rows, 2);
        ret->operators[0] = (gly_task_operator_rows){1, 100};
        ret->operators[1] = (gly_task_operator_rows){2, 5};
        ret->file_count = 1;
        ret->files = GLY_ARENA_NEW(arena, gly_written_file);
        ret->files[0] = (gly_written_file){.path = GLY_STR("part-0.parquet"), .rows = 5, .bytes = 99};
        ret->metrics.spill_bytes = 77;
        ret->metrics.input_rows = 1000;
        return GLY_OK;
    case DO_MEMORY:
        ret->metrics.peak_memory_bytes = (uint64_t)spec->partition << 20;
        return harness_use_memory(environment, spec);
    case DO_LEAVE_FILE:
        return harness_file(arena, environment, "shuffle", spec, 1000, &path, err);
    case DO_SLEEP:
        gly_clock_sleep_ms(spec->partition);
        return GLY_OK;
    }
    return gly_fail(err, GLY_E_INTERNAL, "unknown behaviour");
}

/* The beginning of main: the exit code of an executor, or -1 if this is the test. */
HARNESS int harness_executor_main(int argc, char **argv) {
    if (argc < 2) {
        return -1;
    }
    gly_executor_set_up_memory();
    gly_executor_options options;
    gly_error error = {0};
    if (gly_executor_parse(argc, argv, &options, &error) != GLY_OK) {
        fprintf(stderr, "galley-executor: %s\n", error.message);
        return GLY_EXECUTOR_EXIT_USAGE;
    }
    options.run_task = harness_task;
    options.version = getenv("HARNESS_VERSION");
    int code = gly_executor_run(&options);
    gly_tls_identity_clear(&options.identity);
    return code;
}

/* --- the driver's side --- */

HARNESS void harness_on_registered(void *context, const gly_executor_info *info) {
    harness *self = context;
    pthread_mutex_lock(&self->lock);
    seen_executor *seen = &self->executors[info->id];
    seen->id = info->id;
    seen->cores = info->cores;
    seen->pid = info->pid;
    seen->start_us = info->start_us;
    snprintf(seen->block_endpoint, sizeof seen->block_endpoint, "%.*s",
             GLY_STR_ARG(info->block_endpoint));
    snprintf(seen->local_dir, sizeof seen->local_dir, "%.*s", GLY_STR_ARG(info->local_dir));
    snprintf(seen->host_id, sizeof seen->host_id, "%.*s", GLY_STR_ARG(info->host_id));
    self->registered_count++;
    pthread_cond_broadcast(&self->changed);
    pthread_mutex_unlock(&self->lock);
}

HARNESS void harness_on_updates(void *context, gly_task_update_batch batch) {
    harness *self = context;
    pthread_mutex_lock(&self->lock);
    self->update_count += batch.count;
    if (!self->count_only) {
        for (uint32_t i = 0; i < batch.count; i++) {
            gly_array_push(&self->updates, batch.updates[i]);
        }
        gly_array_push(&self->arenas, batch.arena);
    } else {
        gly_arena_free(batch.arena);
    }
    pthread_cond_broadcast(&self->changed);
    pthread_mutex_unlock(&self->lock);
}

HARNESS void harness_on_heartbeat(void *context, const gly_executor_heartbeat *heartbeat) {
    harness *self = context;
    pthread_mutex_lock(&self->lock);
    seen_executor *seen = &self->executors[heartbeat->executor_id];
    seen->heartbeats++;
    seen->rss_bytes = GLY_MAX(seen->rss_bytes, heartbeat->rss_bytes);
    seen->running = heartbeat->running_count;
    pthread_cond_broadcast(&self->changed);
    pthread_mutex_unlock(&self->lock);
}

HARNESS void harness_on_lost(void *context, uint32_t executor_id, const char *reason) {
    harness *self = context;
    pthread_mutex_lock(&self->lock);
    seen_executor *seen = &self->executors[executor_id];
    seen->lost = true;
    seen->lost_ms = gly_clock_ms();
    snprintf(seen->reason, sizeof seen->reason, "%s", reason);
    pthread_cond_broadcast(&self->changed);
    pthread_mutex_unlock(&self->lock);
}

HARNESS void harness_on_event(void *context, const gly_cluster_event *event) {
    harness *self = context;
    pthread_mutex_lock(&self->lock);
    seen_executor *seen = &self->executors[event->executor_id];
    if (event->kind != GLY_CLUSTER_STARTED) {
        seen->exited = true;
        seen->failed = event->kind == GLY_CLUSTER_FAILED;
        seen->expected = event->expected;
        seen->exited_ms = gly_clock_ms();
        snprintf(seen->exit_reason, sizeof seen->exit_reason, "%s", event->reason);
    } else {
        seen->pid = event->pid;
    }
    pthread_cond_broadcast(&self->changed);
    pthread_mutex_unlock(&self->lock);
}

/* Waits under the lock. */
HARNESS bool harness_wait_more(harness *self, int64_t until_ms) {
    int64_t left = until_ms - gly_clock_ms();
    if (left <= 0) {
        return false;
    }
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    int64_t ns = until.tv_nsec + left * 1000000;
    until.tv_sec += ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    pthread_cond_timedwait(&self->changed, &self->lock, &until);
    return true;
}

/* Waits until *flag holds; false after timeout_ms. */
HARNESS bool harness_wait_flag(harness *self, const bool *flag, int64_t timeout_ms) {
    int64_t until = gly_clock_ms() + timeout_ms;
    pthread_mutex_lock(&self->lock);
    while (!*flag && harness_wait_more(self, until)) {
    }
    bool holds = *flag;
    pthread_mutex_unlock(&self->lock);
    return holds;
}

HARNESS bool harness_wait_count(harness *self, uint64_t count, int64_t timeout_ms) {
    int64_t until = gly_clock_ms() + timeout_ms;
    pthread_mutex_lock(&self->lock);
    while (self->update_count < count && harness_wait_more(self, until)) {
    }
    bool reached = self->update_count >= count;
    pthread_mutex_unlock(&self->lock);
    return reached;
}

/* Starts count more and waits for their registration or failure; returns the first id. */
HARNESS uint32_t harness_add(harness *self, uint32_t count) {
    gly_error error;
    uint32_t ids[64];
    GLY_CHECK_OK(gly_cluster_find(GLY_STR("local"))->request(self->cluster, count, ids, &error),
                 &error);
    int64_t until = gly_clock_ms() + 20000;
    pthread_mutex_lock(&self->lock);
    for (uint32_t i = 0; i < count;) {
        const seen_executor *seen = &self->executors[ids[i]];
        if (seen->id != 0 || seen->exited) {
            i++;
        } else if (!harness_wait_more(self, until)) {
            break;
        }
    }
    pthread_mutex_unlock(&self->lock);
    return ids[0];
}

/* Starts everything and waits until all executors are registered, if there are any. */
HARNESS void harness_start(harness *self, const harness_options *options) {
    gly_error error;
    *self = (harness){.next_task = 1};
    pthread_mutex_init(&self->lock, NULL);
    pthread_cond_init(&self->changed, NULL);
    snprintf(self->directory, sizeof self->directory, "/tmp/galley-test-XXXXXX");
    GLY_ASSERT(mkdtemp(self->directory) != NULL);
    if (!options->plaintext) {
        GLY_CHECK_OK(gly_tls_authority_make(&self->authority, &error), &error);
    }
    gly_executor_endpoint_options endpoint = {
        .authority = self->authority,
        .version = options->driver_version,
        .heartbeat_ms = options->heartbeat_ms,
        .liveness_ms = options->liveness_ms,
        .shuffle_codec = GLY_CODEC_LZ4,
        .callbacks = {harness_on_registered, harness_on_updates, harness_on_heartbeat,
                      harness_on_lost, self},
    };
    GLY_CHECK_OK(gly_executor_endpoint_make(&endpoint, &self->endpoint, &error), &error);
    gly_cluster_options cluster = {
        .driver_address = gly_executor_endpoint_address(self->endpoint),
        .authority = self->authority,
        .program = "/proc/self/exe",
        .cores = options->cores,
        .memory_bytes = options->memory_bytes == 0 ? 256 << 20 : options->memory_bytes,
        .local_dir = self->directory,
        .heartbeat_ms = options->heartbeat_ms,
        .on_event = harness_on_event,
        .context = self,
    };
    char program[4096];
    ssize_t size = readlink("/proc/self/exe", program, sizeof program - 1);
    program[size] = '\0';
    cluster.program = program;
    GLY_CHECK_OK(gly_cluster_find(GLY_STR("local"))->start(&cluster, &self->cluster, &error),
                 &error);
    if (options->executors > 0) {
        harness_add(self, options->executors);
        GLY_CHECK_INT(self->registered_count, options->executors);
    }
}

HARNESS void harness_stop(harness *self) {
    gly_cluster_find(GLY_STR("local"))->stop(self->cluster, 3000);
    gly_executor_endpoint_free(self->endpoint);
    gly_tls_authority_free(self->authority);
    for (size_t i = 0; i < self->arenas.count; i++) {
        gly_arena_free(self->arenas.items[i]);
    }
    gly_array_clear(&self->arenas);
    gly_array_clear(&self->updates);
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", self->directory);
    (void)!system(command);
    pthread_mutex_destroy(&self->lock);
    pthread_cond_destroy(&self->changed);
}

/* Sends a stage with that behaviour to an executor. */
HARNESS bool harness_stage(harness *self, uint32_t executor_id, uint64_t query_id,
                           uint32_t stage_id, behaviour what, const gly_str *map_statuses,
                           uint32_t map_count) {
    gly_executor_endpoint_input input = {7, map_count, map_statuses};
    gly_executor_endpoint_stage stage = {.query_id = query_id,
                                         .stage_id = stage_id,
                                         .shuffle_id = (uint32_t)what,
                                         .input_count = map_count > 0 ? 1 : 0,
                                         .inputs = &input};
    gly_builder bytes = {0};
    gly_executor_endpoint_encode_stage(&stage, &bytes);
    bool sent =
        gly_executor_endpoint_send_stage(self->endpoint, executor_id, gly_builder_str(&bytes));
    gly_builder_clear(&bytes);
    return sent;
}

/* Launches one task and returns its id. */
HARNESS uint64_t harness_launch(harness *self, uint32_t executor_id, uint64_t query_id,
                                uint32_t stage_id, uint32_t partition) {
    gly_executor_endpoint_launch launch = {.task_id = self->next_task++,
                                           .query_id = query_id,
                                           .stage_id = stage_id,
                                           .partition = partition,
                                           .width = 1};
    GLY_CHECK(gly_executor_endpoint_send_launch(self->endpoint, executor_id, &launch, 1));
    return launch.task_id;
}

/* The update of that task, waiting up to 20 s; ends the program if none comes. */
HARNESS gly_task_update harness_wait(harness *self, uint64_t task_id) {
    int64_t until = gly_clock_ms() + 20000;
    gly_task_update found = {0};
    pthread_mutex_lock(&self->lock);
    for (bool more = true; found.task_id == 0 && more;) {
        for (size_t i = 0; i < self->updates.count; i++) {
            if (self->updates.items[i].task_id == task_id) {
                found = self->updates.items[i];
            }
        }
        more = found.task_id != 0 || harness_wait_more(self, until);
    }
    pthread_mutex_unlock(&self->lock);
    if (found.task_id == 0) {
        fprintf(stderr, "no update of task %llu came\n", (unsigned long long)task_id);
        exit(1);
    }
    return found;
}

#endif
