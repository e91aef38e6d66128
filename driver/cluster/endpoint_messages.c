/* endpoint_messages.c - between the structs of executor_endpoint.h and the messages of
 * executor.proto.
 *
 * Packing writes each command as an element of DriverMessage.commands, so that messages can be
 * concatenated.  Unpacking puts everything into one arena; strings are not copied again.
 */
#include "driver/cluster/endpoint_messages.h"

#include "lib/base/alloc.h"
#include "lib/net/protobuf_arena.h"
#include "lib/net/wire.h"

enum { COMMANDS_FIELD = 1 };

static void add_command(const Galley__DriverCommand *command, gly_builder *out) {
    size_t size = galley__driver_command__get_packed_size(command);
    gly_wire_add_header(out, COMMANDS_FIELD, size);
    uint8_t *room = (uint8_t *)gly_builder_room(out, size);
    out->size += galley__driver_command__pack(command, room);
}

void gly_endpoint_messages_add_registered(const gly_executor_endpoint_options *options,
                                          gly_builder *out) {
    Galley__Registered registered = GALLEY__REGISTERED__INIT;
    registered.has_heartbeat_ms = true;
    registered.heartbeat_ms = options->heartbeat_ms > 0 ? options->heartbeat_ms : 10000;
    registered.has_max_direct_result_bytes = true;
    registered.max_direct_result_bytes =
        options->max_direct_result_bytes > 0 ? options->max_direct_result_bytes : 1 << 20;
    registered.has_shuffle_codec = true;
    registered.shuffle_codec = options->shuffle_codec;
    registered.has_can_decommission = true;
    registered.can_decommission = options->callbacks.on_decommissioning != NULL;
    Galley__DriverCommand command = GALLEY__DRIVER_COMMAND__INIT;
    command.kind_case = GALLEY__DRIVER_COMMAND__KIND_REGISTERED;
    command.registered = &registered;
    add_command(&command, out);
}

static ProtobufCBinaryData binary(gly_str bytes) {
    return (ProtobufCBinaryData){bytes.size, (uint8_t *)bytes.data};
}

/* Texts of messages end with a zero byte, which ours need not. */
static char *text_in(gly_arena *arena, gly_str text) {
    return (char *)(uintptr_t)gly_arena_str(arena, text).data;
}

static void add_cached(const gly_executor_endpoint_stage *stage, gly_arena *arena,
                       Galley__StagePlan *plan) {
    plan->n_cached = stage->cached_count;
    plan->cached = GLY_ARENA_ARRAY(arena, Galley__CachedPartition *, stage->cached_count);
    for (uint32_t i = 0; i < stage->cached_count; i++) {
        const gly_executor_endpoint_cached *from = &stage->cached[i];
        Galley__CachedPartition *cached = GLY_ARENA_NEW(arena, Galley__CachedPartition);
        galley__cached_partition__init(cached);
        cached->cache_id = from->cache_id;
        cached->partition = from->partition;
        cached->executor_id = gly_arena_format(arena, "%u", from->executor_id);
        cached->endpoint = text_in(arena, from->endpoint);
        plan->cached[i] = cached;
    }
}

void gly_executor_endpoint_encode_stage(const gly_executor_endpoint_stage *stage,
                                        gly_builder *out) {
    gly_arena *arena = gly_arena_make();
    Galley__StagePlan plan = GALLEY__STAGE_PLAN__INIT;
    plan.query_id = stage->query_id;
    plan.stage_id = stage->stage_id;
    plan.stage_attempt = stage->stage_attempt;
    plan.plan = binary(stage->plan);
    plan.has_shuffle_id = true;
    plan.shuffle_id = stage->shuffle_id;
    plan.has_task_memory_bytes = stage->task_memory_bytes != 0;
    plan.task_memory_bytes = stage->task_memory_bytes;
    plan.n_inputs = stage->input_count;
    plan.inputs = GLY_ARENA_ARRAY(arena, Galley__StageInput *, stage->input_count);
    for (uint32_t i = 0; i < stage->input_count; i++) {
        const gly_executor_endpoint_input *from = &stage->inputs[i];
        Galley__StageInput *input = GLY_ARENA_NEW(arena, Galley__StageInput);
        galley__stage_input__init(input);
        input->shuffle_id = from->shuffle_id;
        input->n_map_statuses = from->map_count;
        input->map_statuses = GLY_ARENA_ARRAY(arena, ProtobufCBinaryData, from->map_count);
        for (uint32_t m = 0; m < from->map_count; m++) {
            input->map_statuses[m] = binary(from->map_statuses[m]);
        }
        plan.inputs[i] = input;
    }
    add_cached(stage, arena, &plan);
    Galley__DriverCommand command = GALLEY__DRIVER_COMMAND__INIT;
    command.kind_case = GALLEY__DRIVER_COMMAND__KIND_STAGE;
    command.stage = &plan;
    add_command(&command, out);
    gly_arena_free(arena);
}

static bool same_stage(const gly_executor_endpoint_launch *a,
                       const gly_executor_endpoint_launch *b) {
    return a->query_id == b->query_id && a->stage_id == b->stage_id &&
           a->stage_attempt == b->stage_attempt && a->width == b->width;
}

void gly_endpoint_messages_add_launch(const gly_executor_endpoint_launch *launches, size_t count,
                                      gly_builder *out) {
    uint64_t few_ids[64];
    uint32_t few_numbers[128];
    uint64_t *ids = count <= 64 ? few_ids : GLY_NEW_ARRAY(uint64_t, count);
    uint32_t *partitions = count <= 64 ? few_numbers : GLY_NEW_ARRAY(uint32_t, count * 2);
    uint32_t *attempts = partitions + count;
    for (size_t begin = 0, end; begin < count; begin = end) {
        for (end = begin; end < count && same_stage(&launches[begin], &launches[end]); end++) {
            ids[end] = launches[end].task_id;
            partitions[end] = launches[end].partition;
            attempts[end] = launches[end].task_attempt;
        }
        Galley__LaunchTasks launch = GALLEY__LAUNCH_TASKS__INIT;
        launch.query_id = launches[begin].query_id;
        launch.stage_id = launches[begin].stage_id;
        launch.stage_attempt = launches[begin].stage_attempt;
        launch.width = launches[begin].width;
        launch.n_task_ids = launch.n_partitions = launch.n_task_attempts = end - begin;
        launch.task_ids = ids + begin;
        launch.partitions = partitions + begin;
        launch.task_attempts = attempts + begin;
        Galley__DriverCommand command = GALLEY__DRIVER_COMMAND__INIT;
        command.kind_case = GALLEY__DRIVER_COMMAND__KIND_LAUNCH;
        command.launch = &launch;
        add_command(&command, out);
    }
    if (count > 64) {
        free(ids);
        free(partitions);
    }
}

void gly_endpoint_messages_add_kill(const uint64_t *task_ids, size_t count, gly_builder *out) {
    Galley__KillTasks kill = GALLEY__KILL_TASKS__INIT;
    kill.n_task_ids = count;
    kill.task_ids = (uint64_t *)(uintptr_t)task_ids; /* packing does not write */
    Galley__DriverCommand command = GALLEY__DRIVER_COMMAND__INIT;
    command.kind_case = GALLEY__DRIVER_COMMAND__KIND_KILL;
    command.kill = &kill;
    add_command(&command, out);
}

void gly_endpoint_messages_add_drop_stage(uint64_t query_id, uint32_t stage_id,
                                          uint32_t stage_attempt, gly_builder *out) {
    Galley__DropStage drop = GALLEY__DROP_STAGE__INIT;
    drop.query_id = query_id;
    drop.stage_id = stage_id;
    drop.stage_attempt = stage_attempt;
    Galley__DriverCommand command = GALLEY__DRIVER_COMMAND__INIT;
    command.kind_case = GALLEY__DRIVER_COMMAND__KIND_DROP_STAGE;
    command.drop_stage = &drop;
    add_command(&command, out);
}

void gly_endpoint_messages_add_drop_query(uint64_t query_id, gly_builder *out) {
    Galley__DriverCommand command = GALLEY__DRIVER_COMMAND__INIT;
    command.kind_case = GALLEY__DRIVER_COMMAND__KIND_DROP_QUERY_ID;
    command.drop_query_id = query_id;
    add_command(&command, out);
}

void gly_endpoint_messages_add_drop_cache(uint64_t cache_id, gly_builder *out) {
    Galley__DriverCommand command = GALLEY__DRIVER_COMMAND__INIT;
    command.kind_case = GALLEY__DRIVER_COMMAND__KIND_DROP_CACHE_ID;
    command.drop_cache_id = cache_id;
    add_command(&command, out);
}

void gly_endpoint_messages_add_pull(const gly_executor_endpoint_pull *pull, const char *endpoint,
                                    const char *host_id, gly_builder *out) {
    gly_arena *arena = gly_arena_make();
    Galley__PullBlock message = GALLEY__PULL_BLOCK__INIT;
    message.transfer_id = pull->transfer_id;
    message.executor_id = gly_arena_format(arena, "%u", pull->from_executor_id);
    message.endpoint = (char *)(uintptr_t)endpoint;
    message.host_id = (char *)(uintptr_t)host_id;
    message.path = text_in(arena, pull->path);
    message.has_size_bytes = pull->size_bytes > 0;
    message.size_bytes = pull->size_bytes;
    message.has_map_status = pull->map_status.size > 0;
    message.map_status = binary(pull->map_status);
    Galley__DriverCommand command = GALLEY__DRIVER_COMMAND__INIT;
    command.kind_case = GALLEY__DRIVER_COMMAND__KIND_PULL;
    command.pull = &message;
    add_command(&command, out);
    gly_arena_free(arena);
}

void gly_endpoint_messages_add_moved(uint32_t executor_id, const char *endpoint,
                                     const char *host_id, const gly_str *paths, uint32_t count,
                                     gly_builder *out) {
    gly_arena *arena = gly_arena_make();
    Galley__MovedBlocks message = GALLEY__MOVED_BLOCKS__INIT;
    message.executor_id = gly_arena_format(arena, "%u", executor_id);
    message.host_id = (char *)(uintptr_t)host_id; /* packing does not write */
    message.endpoint = (char *)(uintptr_t)endpoint;
    message.n_paths = count;
    message.paths = GLY_ARENA_ARRAY(arena, char *, count);
    for (uint32_t i = 0; i < count; i++) {
        message.paths[i] = text_in(arena, paths[i]);
    }
    Galley__DriverCommand command = GALLEY__DRIVER_COMMAND__INIT;
    command.kind_case = GALLEY__DRIVER_COMMAND__KIND_MOVED;
    command.moved = &message;
    add_command(&command, out);
    gly_arena_free(arena);
}

void gly_endpoint_messages_add_shutdown(const char *reason, gly_builder *out) {
    Galley__DriverCommand command = GALLEY__DRIVER_COMMAND__INIT;
    command.kind_case = GALLEY__DRIVER_COMMAND__KIND_SHUTDOWN;
    command.shutdown = (char *)(uintptr_t)reason;
    add_command(&command, out);
}

/* --- from executors --- */

Galley__ExecutorMessage *gly_endpoint_messages_unpack(gly_arena *arena, gly_str bytes) {
    gly_protobuf_arena allocator;
    gly_protobuf_arena_init(&allocator, arena, bytes.size * 64 + 65536);
    return galley__executor_message__unpack(&allocator.allocator, bytes.size,
                                            (const uint8_t *)bytes.data);
}

static gly_str text_of(const char *text) {
    return text == NULL ? (gly_str){"", 0} : gly_str_of(text);
}

static gly_str bytes_of(bool present, ProtobufCBinaryData data) {
    return present && data.len > 0 ? (gly_str){(const char *)data.data, data.len}
                                   : (gly_str){"", 0};
}

void gly_endpoint_messages_read_register(const Galley__Register *message, gly_executor_info *ret) {
    *ret = (gly_executor_info){
        .id = message->id,
        .cores = message->cores,
        .memory_bytes = message->memory_bytes,
        .budget_bytes = message->budget_bytes,
        .pid = message->pid,
        .start_us = message->start_us,
        .host = text_of(message->host),
        .host_id = text_of(message->host_id),
        .block_endpoint = text_of(message->block_endpoint),
        .local_dir = text_of(message->local_dir),
        .version = text_of(message->version),
    };
}

void gly_endpoint_messages_read_heartbeat(gly_arena *arena, uint32_t executor_id,
                                          const Galley__Heartbeat *message,
                                          gly_executor_heartbeat *ret) {
    gly_executor_running_task *running =
        GLY_ARENA_ARRAY(arena, gly_executor_running_task, message->n_running);
    for (size_t i = 0; i < message->n_running; i++) {
        const Galley__RunningTask *task = message->running[i];
        running[i] =
            (gly_executor_running_task){task->task_id, task->run_ns, task->peak_memory_bytes};
    }
    *ret = (gly_executor_heartbeat){
        .executor_id = executor_id,
        .rss_bytes = message->rss_bytes,
        .memory_used_bytes = message->memory_used_bytes,
        .queued_count = message->queued_count,
        .running_count = (uint32_t)message->n_running,
        .running = running,
    };
}

void gly_endpoint_messages_read_pulled(uint32_t executor_id, const Galley__BlockPulled *message,
                                       gly_executor_pulled *ret) {
    *ret = (gly_executor_pulled){
        .executor_id = executor_id,
        .transfer_id = message->transfer_id,
        .error = text_of(message->error),
        .path = text_of(message->path),
        .map_status = bytes_of(message->has_map_status, message->map_status),
    };
}

static gly_status status_of(gly_task_outcome outcome, const char *name) {
    if (outcome == GLY_TASK_SUCCEEDED) {
        return GLY_OK;
    }
    for (int status = GLY_OK + 1; name != NULL && status < GLY_STATUS_COUNT; status++) {
        if (strcmp(gly_error_name((gly_status)status), name) == 0) {
            return (gly_status)status;
        }
    }
    return outcome == GLY_TASK_KILLED         ? GLY_E_CANCELLED
           : outcome == GLY_TASK_FETCH_FAILED ? GLY_E_FETCH_FAILED
                                              : GLY_E_INTERNAL;
}

static void read_metrics(const Galley__TaskMetrics *from, gly_task_update_metrics *to) {
    *to = (gly_task_update_metrics){
        .run_ns = from->run_ns,
        .cpu_ns = from->cpu_ns,
        .input_rows = from->input_rows,
        .input_bytes = from->input_bytes,
        .output_rows = from->output_rows,
        .output_bytes = from->output_bytes,
        .shuffle_write_rows = from->shuffle_write_rows,
        .shuffle_write_bytes = from->shuffle_write_bytes,
        .shuffle_read_rows = from->shuffle_read_rows,
        .shuffle_read_bytes = from->shuffle_read_bytes,
        .shuffle_remote_bytes = from->shuffle_remote_bytes,
        .spill_bytes = from->spill_bytes,
        .spill_count = from->spill_count,
        .peak_memory_bytes = from->peak_memory_bytes,
        .row_groups_read = from->row_groups_read,
        .row_groups_skipped = from->row_groups_skipped,
    };
}

static void read_update(gly_arena *arena, const Galley__TaskUpdate *from, gly_task_update *to) {
    gly_task_outcome outcome = (unsigned)from->outcome <= GLY_TASK_FETCH_FAILED
                                   ? (gly_task_outcome)from->outcome
                                   : GLY_TASK_FAILED;
    *to = (gly_task_update){
        .task_id = from->task_id,
        .outcome = outcome,
        .status = status_of(outcome, from->error_name),
        .retryable = from->retryable,
        .message = text_of(from->message),
        .queue_ns = from->queue_ns,
        .result = bytes_of(from->has_result, from->result),
        .result_path = text_of(from->result_path),
        .result_bytes = from->result_bytes,
        .result_rows = from->result_rows,
        .map_status = bytes_of(from->has_map_status, from->map_status),
        .file_count = (uint32_t)from->n_files,
        .operator_count = (uint32_t)GLY_MIN(from->n_operator_ids, from->n_operator_rows),
        .failed_shuffle_id = from->failed_shuffle_id,
        .failed_map_partition = from->failed_map_partition,
        .failed_executor_id = text_of(from->failed_executor_id),
    };
    if (outcome == GLY_TASK_FETCH_FAILED && from->failed_shuffle_id == UINT32_MAX) {
        /* A cached partition is gone: no map task makes it again, but it may have moved. */
        to->outcome = GLY_TASK_FAILED;
        to->retryable = true;
    }
    if (from->metrics != NULL) {
        read_metrics(from->metrics, &to->metrics);
    }
    if (to->file_count > 0) {
        gly_task_update_file *files = GLY_ARENA_ARRAY(arena, gly_task_update_file, to->file_count);
        for (uint32_t i = 0; i < to->file_count; i++) {
            const Galley__WrittenFile *file = from->files[i];
            files[i] = (gly_task_update_file){text_of(file->path), file->rows, file->bytes,
                                              bytes_of(file->has_token, file->token)};
        }
        to->files = files;
    }
    if (to->operator_count > 0) {
        gly_task_update_operator *operators =
            GLY_ARENA_ARRAY(arena, gly_task_update_operator, to->operator_count);
        for (uint32_t i = 0; i < to->operator_count; i++) {
            operators[i] =
                (gly_task_update_operator){from->operator_ids[i], from->operator_rows[i]};
        }
        to->operators = operators;
    }
}

void gly_endpoint_messages_read_updates(gly_arena *arena, uint32_t executor_id,
                                        const Galley__ExecutorMessage *message,
                                        gly_task_update_batch *ret) {
    gly_task_update *updates = GLY_ARENA_ARRAY(arena, gly_task_update, message->n_updates);
    for (size_t i = 0; i < message->n_updates; i++) {
        read_update(arena, message->updates[i], &updates[i]);
    }
    *ret = (gly_task_update_batch){arena, executor_id, (uint32_t)message->n_updates, updates};
}
