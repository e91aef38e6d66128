/* task_runner.c - runs one task and reports it.
 *
 * The update is packed on the task's thread and appended to what waits for the stream: many short
 * tasks leave in one message.  After a task that used much memory, freed pages go back to the
 * system. Not here: what a task does (lib/engine), which one is next (task_slots.c).
 */
#include "executor/task_runner.h"

#include "executor/cgroup.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/net/wire.h"

#include <malloc.h>

enum { SURPLUS_BYTES = 32 << 20, IDLE_BYTES = 64 << 20, TRIM_AGAIN_BYTES = 12 << 20 };
enum { UPDATES_FIELD = 2, WATCH_FROM_BYTES = 8 << 20, TRIM_PERCENT = 80 };

static void send_update(gly_task_runner *runner, const Galley__TaskUpdate *update, bool may_wait) {
    char few[1024];
    size_t size = galley__task_update__get_packed_size(update);
    uint8_t *bytes = (uint8_t *)(size + 16 <= sizeof few ? few : gly_alloc(size + 16));
    size_t used = 0;
    bytes[used++] = UPDATES_FIELD << 3 | GLY_WIRE_BYTES;
    used += gly_wire_put_varint(bytes + used, size);
    used += galley__task_update__pack(update, bytes + used);
    gly_str message = {(const char *)bytes, used};
    if (may_wait) {
        gly_driver_client_send(runner->client, message);
    } else {
        gly_driver_client_send_now(runner->client, message);
    }
    if (bytes != (uint8_t *)few) {
        free(bytes);
    }
}

static void set_error(Galley__TaskUpdate *update, const gly_error *error, bool cancelled,
                      bool fetch_failed) {
    bool killed = error->status == GLY_E_CANCELLED && cancelled;
    update->has_outcome = true;
    update->outcome = killed         ? GALLEY__TASK_OUTCOME__KILLED
                      : fetch_failed ? GALLEY__TASK_OUTCOME__FETCH_FAILED
                                     : GALLEY__TASK_OUTCOME__FAILED;
    update->error_name = (char *)(uintptr_t)gly_error_name(error->status);
    update->message = (char *)(uintptr_t)error->message;
    update->has_retryable = true;
    update->retryable = error->retryable;
}

#define COPY_METRIC(name)                                                                          \
    do {                                                                                           \
        to->name = from->name;                                                                     \
        to->has_##name = from->name != 0;                                                          \
    } while (0)

static void set_metrics(const gly_task_metrics *from, Galley__TaskMetrics *to) {
    COPY_METRIC(run_ns);
    COPY_METRIC(cpu_ns);
    COPY_METRIC(input_rows);
    COPY_METRIC(input_bytes);
    COPY_METRIC(output_rows);
    COPY_METRIC(output_bytes);
    COPY_METRIC(shuffle_write_rows);
    COPY_METRIC(shuffle_write_bytes);
    COPY_METRIC(shuffle_read_rows);
    COPY_METRIC(shuffle_read_bytes);
    COPY_METRIC(shuffle_remote_bytes);
    COPY_METRIC(spill_bytes);
    COPY_METRIC(spill_count);
    COPY_METRIC(peak_memory_bytes);
    COPY_METRIC(row_groups_read);
    COPY_METRIC(row_groups_skipped);
}

static char *text_in(gly_arena *arena, gly_str text) {
    return (char *)gly_arena_str(arena, text).data;
}

static ProtobufCBinaryData binary(gly_str bytes) {
    return (ProtobufCBinaryData){bytes.size, (uint8_t *)(uintptr_t)bytes.data};
}

static void set_files(gly_arena *arena, const gly_task_result *result, Galley__TaskUpdate *update) {
    update->n_files = result->file_count;
    update->files = GLY_ARENA_ARRAY(arena, Galley__WrittenFile *, result->file_count);
    for (uint32_t i = 0; i < result->file_count; i++) {
        Galley__WrittenFile *file = GLY_ARENA_NEW(arena, Galley__WrittenFile);
        galley__written_file__init(file);
        file->path = text_in(arena, result->files[i].path);
        file->has_rows = file->has_bytes = true;
        file->rows = result->files[i].rows;
        file->bytes = result->files[i].bytes;
        if (result->files[i].token.size > 0) {
            file->has_token = true;
            file->token = binary(result->files[i].token);
        }
        update->files[i] = file;
    }
}

static void set_operators(gly_arena *arena, const gly_task_result *result,
                          Galley__TaskUpdate *update) {
    update->n_operator_ids = update->n_operator_rows = result->operator_count;
    update->operator_ids = GLY_ARENA_ARRAY(arena, uint32_t, result->operator_count);
    update->operator_rows = GLY_ARENA_ARRAY(arena, uint64_t, result->operator_count);
    for (uint32_t i = 0; i < result->operator_count; i++) {
        update->operator_ids[i] = result->operators[i].node_id;
        update->operator_rows[i] = result->operators[i].rows;
    }
}

static void set_result(gly_arena *arena, const gly_task_result *result, gly_builder *map_status,
                       Galley__TaskUpdate *update) {
    if (result->result.size > 0) {
        update->has_result = true;
        update->result = binary(result->result);
    }
    if (result->result_path.size > 0) {
        update->result_path = text_in(arena, result->result_path);
    }
    if (result->result_bytes > 0 || result->result_rows > 0) {
        update->has_result_bytes = update->has_result_rows = true;
        update->result_bytes = result->result_bytes;
        update->result_rows = result->result_rows;
    }
    if (result->has_map_status) {
        gly_map_status_encode(&result->map_status, map_status);
        update->has_map_status = true;
        update->map_status = binary(gly_builder_str(map_status));
    }
    if (result->file_count > 0) {
        set_files(arena, result, update);
    }
    if (result->operator_count > 0) {
        set_operators(arena, result, update);
    }
}

static gly_status run_task(gly_task_runner *runner, gly_arena *arena, gly_slot_task *task,
                           gly_task_result *ret, gly_error *err) {
    if (task->stage == NULL) {
        gly_status status =
            gly_fail(err, GLY_E_PROTOCOL,
                     "task %llu was launched before its stage (query %llu, stage "
                     "%u, attempt %u) was sent, or after it was dropped",
                     (unsigned long long)task->task_id, (unsigned long long)task->query_id,
                     task->stage_id, task->stage_attempt);
        err->retryable = true;
        return status;
    }
    const gly_stage_plan *plan;
    GLY_TRY(gly_stage_cache_plan(task->stage, &plan, err));
    gly_task_spec spec = {
        .query_id = task->query_id,
        .stage_id = task->stage_id,
        .stage_attempt = task->stage_attempt,
        .partition = task->partition,
        .task_attempt = task->task_attempt,
        .task_id = task->task_id,
        .width = task->width,
        .plan = plan->plan,
        .shuffle_id = plan->shuffle_id,
        .input_count = plan->input_count,
        .inputs = plan->inputs,
        .cached_count = plan->cached_count,
        .cached = plan->cached,
        .memory_limit_bytes = plan->task_memory_bytes,
        .cancelled = &task->cancelled,
    };
    return runner->run_task(arena, runner->environment, &spec, ret, err);
}

static bool wants_trim(gly_task_runner *runner) {
    uint64_t resident = gly_cgroup_resident_bytes();
    uint64_t used = gly_budget_used(runner->environment->memory);
    size_t floor = atomic_load(&runner->trimmed_bytes);
    while (resident < floor &&
           !atomic_compare_exchange_weak(&runner->trimmed_bytes, &floor, (size_t)resident)) {
    }
    bool near_limit = resident > runner->memory_bytes / 100 * TRIM_PERCENT &&
                      resident > (uint64_t)floor + TRIM_AGAIN_BYTES;
    bool idle_surplus = used == 0 && resident > IDLE_BYTES;
    return (near_limit || idle_surplus) && resident > used + SURPLUS_BYTES;
}

/* glibc keeps freed memory below the top of its heaps: two tasks of different habits would need
 * twice the memory.  Who finds another thread at it waits, rather than allocate meanwhile; what a
 * trim did not find is not looked for again before TRIM_AGAIN_BYTES more are resident. */
void gly_task_runner_watch_memory(gly_task_runner *runner) {
    if (!wants_trim(runner)) {
        return;
    }
    pthread_mutex_lock(&runner->trim_lock);
    if (wants_trim(runner)) {
        malloc_trim(0);
        atomic_store(&runner->trimmed_bytes, (size_t)gly_cgroup_resident_bytes());
    }
    pthread_mutex_unlock(&runner->trim_lock);
}

void gly_task_runner_run(void *context, gly_arena *arena, gly_slot_task *task) {
    gly_task_runner *runner = context;
    gly_task_result result = {0};
    gly_error error = {0};
    gly_builder map_status = {0};
    gly_status status = run_task(runner, arena, task, &result, &error);

    Galley__TaskUpdate update = GALLEY__TASK_UPDATE__INIT;
    Galley__TaskMetrics metrics = GALLEY__TASK_METRICS__INIT;
    update.task_id = task->task_id;
    update.has_queue_ns = true;
    update.queue_ns = (uint64_t)(task->started_ns - task->arrived_ns);
    if (result.metrics.run_ns == 0) {
        result.metrics.run_ns = (uint64_t)(gly_clock_ns() - task->started_ns);
    }
    set_metrics(&result.metrics, &metrics);
    update.metrics = &metrics;
    if (status == GLY_OK) {
        set_result(arena, &result, &map_status, &update);
    } else {
        error.status = status;
        set_error(&update, &error, atomic_load(&task->cancelled), result.fetch_failed);
        if (result.fetch_failed) {
            update.has_failed_shuffle_id = update.has_failed_map_partition = true;
            update.failed_shuffle_id = result.failed_shuffle_id;
            update.failed_map_partition = result.failed_map_partition;
            update.failed_executor_id = text_in(arena, result.failed_executor_id);
        }
        if (result.operator_count > 0) {
            set_operators(arena, &result, &update);
        }
    }
    send_update(runner, &update, true);
    gly_builder_clear(&map_status);
    if (result.metrics.peak_memory_bytes >= WATCH_FROM_BYTES) {
        gly_task_runner_watch_memory(runner);
    }
}

void gly_task_runner_killed(void *context, gly_slot_task *task) {
    Galley__TaskUpdate update = GALLEY__TASK_UPDATE__INIT;
    update.task_id = task->task_id;
    update.has_outcome = true;
    update.outcome = GALLEY__TASK_OUTCOME__KILLED;
    update.error_name = (char *)(uintptr_t)gly_error_name(GLY_E_CANCELLED);
    char text[] = "the task was killed before it started";
    update.message = text;
    send_update(context, &update, false);
}
