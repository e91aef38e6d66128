/* driver_job.c - one job between its caller and the owner thread: results, numbers, the end.
 *
 * The owner writes results and the end under the job's lock; the caller waits, hands partitions over
 * in order and fetches large ones itself, so that the owner never blocks on a socket or on the user.
 * Invariant: after is_done the owner does not touch the job.
 */
#include "driver/driver_internal.h"

#include "driver/scheduler/map_output_tracker.h"
#include "lib/base/clock.h"
#include "lib/plan/plan_codec.h"

#include <stdio.h>
#include <stdlib.h>

gly_driver_job *gly_driver_job_make(const gly_job_request *request) {
    gly_driver_job *job = GLY_NEW(gly_driver_job);
    job->request = request;
    job->stages = GLY_NEW_ARRAY(gly_driver_stage, request->stage_count);
    job->start_ns = gly_clock_ns();
    job->result_count = request->stages[request->stage_count - 1].task_count;
    job->results = GLY_NEW_ARRAY(gly_driver_result, job->result_count);
    job->arena = gly_arena_make();
    pthread_mutex_init(&job->lock, NULL);
    pthread_cond_init(&job->changed, NULL);
    return job;
}

void gly_driver_job_free(gly_driver_job *job) {
    for (uint32_t i = 0; i < job->request->stage_count; i++) {
        gly_array_clear(&job->stages[i].task_ms);
        gly_array_clear(&job->stages[i].operators);
        gly_builder_clear(&job->stages[i].encoded);
    }
    for (uint32_t i = 0; i < job->result_count; i++) {
        free(job->results[i].inline_bytes);
        free(job->results[i].path);
    }
    free(job->stages);
    free(job->results);
    gly_array_clear(&job->files);
    gly_arena_free(job->arena);
    pthread_cond_destroy(&job->changed);
    pthread_mutex_destroy(&job->lock);
    free(job);
}

void gly_driver_job_launched(gly_driver_job *job, uint32_t stage_index) {
    gly_driver_stage *stage = &job->stages[stage_index];
    stage->running++;
    stage->most_running = GLY_MAX(stage->most_running, stage->running);
}

static void add_metrics(gly_task_metrics *sum, const gly_task_update_metrics *one) {
    _Static_assert(sizeof *sum == sizeof *one, "the same measures");
    uint64_t *to = (uint64_t *)(void *)sum;
    const uint64_t *from = (const uint64_t *)(const void *)one;
    uint64_t peak = GLY_MAX(sum->peak_memory_bytes, one->peak_memory_bytes);
    for (size_t i = 0; i < sizeof *sum / sizeof *to; i++) {
        to[i] += from[i];
    }
    sum->peak_memory_bytes = peak;
}

void gly_driver_job_task_ended(gly_driver_job *job, uint32_t stage_index, uint32_t partition,
                               const gly_task_update *update) {
    gly_driver_stage *stage = &job->stages[stage_index];
    stage->running -= stage->running > 0;
    if (update->outcome == GLY_TASK_SUCCEEDED) {
        double ms = (double)update->metrics.run_ns / 1e6;
        gly_array_push(&stage->task_ms, ms);
        if (ms > stage->slowest_ms) {
            stage->slowest_ms = ms;
            stage->slowest_partition = partition;
        }
        add_metrics(&stage->metrics, &update->metrics);
    } else if (update->outcome != GLY_TASK_KILLED) {
        stage->failed_tasks++;
    }
}

void gly_driver_job_stage_ended(gly_driver_job *job, uint32_t stage_index,
                                const gly_accumulators *accumulators) {
    gly_driver_stage *stage = &job->stages[stage_index];
    stage->end_ns = gly_clock_ns();
    if (job->request->on_operator == NULL) {
        return;
    }
    stage->operators.count = 0; /* a stage may end again after lost outputs: the sums are whole */
    for (size_t i = 0; i < accumulators->operators.count; i++) {
        gly_array_push(&stage->operators, accumulators->operators.items[i]);
    }
}

static char *copy_bytes(gly_str bytes) {
    char *copy = gly_alloc(bytes.size + 1);
    if (bytes.size > 0) {
        memcpy(copy, bytes.data, bytes.size);
    }
    copy[bytes.size] = '\0';
    return copy;
}

bool gly_driver_job_take(gly_driver_job *job, uint32_t stage_index, uint32_t partition,
                         uint32_t executor_id, const gly_task_update *update, gly_error *err) {
    uint64_t limit = job->request->max_result_bytes;
    GLY_ASSERT(stage_index == job->request->stage_count - 1 && partition < job->result_count);
    job->result_bytes += update->result_bytes;
    if (limit > 0 && job->result_bytes > limit) {
        char have[32];
        char most[32];
        (void)!gly_fail(err, GLY_E_RESULT_TOO_LARGE,
                        "The result is larger than %s: %s of it have come, %s are allowed; write "
                        "it to files, add a LIMIT, or raise the setting",
                        gly_config_key(GLY_CONFIG_MAX_RESULT_SIZE),
                        gly_str_format_bytes(job->result_bytes, have, sizeof have),
                        gly_str_format_bytes(limit, most, sizeof most));
        return false;
    }
    pthread_mutex_lock(&job->lock);
    gly_driver_result *result = &job->results[partition];
    result->executor_id = executor_id;
    result->size_bytes = update->result_bytes;
    if (update->result_path.size > 0) {
        result->path = copy_bytes(update->result_path);
    } else {
        result->inline_bytes = copy_bytes(update->result);
        result->inline_size = update->result.size;
    }
    for (uint32_t i = 0; i < update->file_count; i++) {
        gly_written_file file = {gly_arena_str(job->arena, update->files[i].path),
                                 update->files[i].rows, update->files[i].bytes,
                                 gly_arena_str(job->arena, update->files[i].token)};
        gly_array_push(&job->files, file);
    }
    result->is_done = true;
    pthread_cond_signal(&job->changed);
    pthread_mutex_unlock(&job->lock);
    return true;
}

void gly_driver_job_fail(gly_driver_job *job, gly_status status, gly_str message) {
    pthread_mutex_lock(&job->lock);
    if (status != GLY_OK) {
        (void)!gly_fail(&job->error, status, "%.*s", GLY_STR_ARG(message));
    }
    pthread_mutex_unlock(&job->lock);
}

void gly_driver_job_finish(gly_driver_job *job) {
    pthread_mutex_lock(&job->lock);
    job->end_ns = gly_clock_ns();
    job->is_done = true;
    pthread_cond_signal(&job->changed);
    pthread_mutex_unlock(&job->lock);
}

gly_str gly_driver_job_encode_stage(gly_driver_job *job, gly_driver *driver, uint32_t stage_index,
                                    uint32_t stage_attempt) {
    gly_driver_stage *stage = &job->stages[stage_index];
    uint64_t epoch = gly_scheduler_epoch(driver->scheduler) + driver->cache_moves;
    if (stage->is_encoded && stage->encoded_attempt == stage_attempt &&
        stage->encoded_epoch == epoch) {
        return gly_builder_str(&stage->encoded);
    }
    const gly_stage_plan *plan = &job->request->stages[stage_index];
    gly_builder bytes = {0};
    gly_plan_codec_encode(plan->plan, &bytes);
    gly_arena *arena = gly_arena_make();
    gly_executor_endpoint_input *inputs =
        GLY_ARENA_ARRAY(arena, gly_executor_endpoint_input, plan->parent_count);
    for (uint32_t i = 0; i < plan->parent_count; i++) {
        uint32_t shuffle_id = job->request->stages[plan->parents[i]].shuffle_id;
        uint32_t count = 0;
        const gly_map_output *outputs =
            gly_scheduler_map_outputs(driver->scheduler, shuffle_id, &count);
        gly_str *statuses = GLY_ARENA_ARRAY(arena, gly_str, count);
        for (uint32_t map = 0; map < count; map++) {
            statuses[map] = outputs[map].bytes;
        }
        inputs[i] = (gly_executor_endpoint_input){shuffle_id, count, statuses};
    }
    gly_executor_endpoint_stage message = {
        .query_id = job->request->query_id,
        .stage_id = stage->stage_id,
        .stage_attempt = stage_attempt,
        .plan = gly_builder_str(&bytes),
        .shuffle_id = plan->shuffle_id,
        .input_count = plan->parent_count,
        .inputs = inputs,
        .task_memory_bytes =
            (uint64_t)gly_config_int(job->request->config, GLY_CONFIG_OPERATOR_MEMORY_CAP),
    };
    message.cached =
        gly_driver_cache_places(driver, arena, plan->plan, &message.cached_count);
    gly_builder_reset(&stage->encoded);
    gly_executor_endpoint_encode_stage(&message, &stage->encoded);
    stage->encoded_attempt = stage_attempt;
    stage->encoded_epoch = epoch;
    stage->is_encoded = true;
    gly_arena_free(arena);
    gly_builder_clear(&bytes);
    return gly_builder_str(&stage->encoded);
}

/* Fetches a large result; one that moves meanwhile (its executor leaves) is looked for again. */
static gly_status fetch_result(gly_driver_job *job, gly_driver *driver, uint32_t partition,
                               gly_builder *out, gly_error *err) {
    enum { MOST_MOVES = 5 };
    gly_status status = GLY_OK;
    for (int i = 0; i < MOST_MOVES; i++) {
        pthread_mutex_lock(&job->lock);
        const gly_driver_result *result = &job->results[partition];
        uint32_t executor_id = result->executor_id;
        char *path = gly_alloc_string(result->path);
        pthread_mutex_unlock(&job->lock);
        status = gly_executor_endpoint_fetch_block(driver->endpoint, executor_id, gly_str_of(path),
                                                   0, UINT64_MAX, out, err);
        free(path);
        pthread_mutex_lock(&job->lock);
        bool has_moved = job->results[partition].executor_id != executor_id;
        pthread_mutex_unlock(&job->lock);
        if (status == GLY_OK || !has_moved) {
            break;
        }
    }
    return status;
}

/* Hands one partition to the caller; the job's lock is not held. */
static gly_status deliver(gly_driver_job *job, gly_driver *driver, uint32_t partition,
                          gly_error *err) {
    gly_driver_result *result = &job->results[partition];
    const gly_job_request *request = job->request;
    gly_builder fetched = {0};
    gly_str blocks = {result->inline_bytes, result->inline_size};
    pthread_mutex_lock(&job->lock);
    bool is_large = result->path != NULL; /* which changes when its executor leaves */
    pthread_mutex_unlock(&job->lock);
    if (is_large && request->on_result != NULL) {
        gly_status status = fetch_result(job, driver, partition, &fetched, err);
        if (status != GLY_OK) {
            gly_error_add(err, "The result of task %u cannot be fetched", partition);
            gly_builder_clear(&fetched);
            return status;
        }
        blocks = gly_builder_str(&fetched);
    }
    gly_status status = request->on_result == NULL
                            ? GLY_OK
                            : request->on_result(request->context, partition, blocks, err);
    gly_builder_clear(&fetched);
    pthread_mutex_lock(&job->lock);
    result->is_delivered = true;
    free(result->inline_bytes);
    result->inline_bytes = NULL;
    pthread_mutex_unlock(&job->lock);
    return status;
}

gly_status gly_driver_job_wait(gly_driver_job *job, gly_driver *driver, gly_error *err) {
    uint32_t next = 0;
    gly_status own = GLY_OK; /* the caller's own failure: the job is cancelled for it */
    pthread_mutex_lock(&job->lock);
    for (;;) {
        bool is_ready = own == GLY_OK && next < job->result_count && job->results[next].is_done &&
                        job->error.status == GLY_OK;
        if (is_ready) {
            pthread_mutex_unlock(&job->lock);
            own = deliver(job, driver, next++, err);
            if (own != GLY_OK) {
                gly_driver_cancel_query(driver, job->request->query_id,
                                        "the result could not be taken");
            }
            pthread_mutex_lock(&job->lock);
        } else if (job->is_done) {
            break;
        } else {
            pthread_cond_wait(&job->changed, &job->lock);
        }
    }
    pthread_mutex_unlock(&job->lock);
    return own != GLY_OK ? own : gly_error_copy(err, &job->error);
}

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

void gly_driver_job_summarize(const gly_driver_job *job, gly_job_summary *ret) {
    const gly_job_request *request = job->request;
    *ret = (gly_job_summary){.job_id = (uint32_t)job->job_id,
                             .wall_ms = (double)(job->end_ns - job->start_ns) / 1e6,
                             .recomputed_tasks = job->recomputed_tasks};
    ret->stage_count = GLY_MIN(request->stage_count, (uint32_t)GLY_JOB_MAX_STAGES);
    for (uint32_t i = 0; i < ret->stage_count; i++) {
        gly_driver_stage *stage = &job->stages[i];
        gly_stage_summary *to = &ret->stages[i];
        size_t count = stage->task_ms.count;
        if (count > 0) {
            qsort(stage->task_ms.items, count, sizeof *stage->task_ms.items, compare_doubles);
        }
        uint32_t tasks = request->stages[i].task_count;
        *to = (gly_stage_summary){
            .stage = i,
            .name = gly_physical_name(request->stages[i].plan->kind),
            .task_count = tasks,
            .attempts = stage->attempts,
            .failed_tasks = stage->failed_tasks,
            .wave_count = stage->most_running == 0
                              ? 0
                              : (tasks + stage->most_running - 1) / stage->most_running,
            .wall_ms = stage->end_ns == 0 ? 0 : (double)(stage->end_ns - stage->start_ns) / 1e6,
            .median_task_ms = count == 0 ? 0 : stage->task_ms.items[count / 2],
            .slowest_task_ms = stage->slowest_ms,
            .slowest_partition = stage->slowest_partition,
            .metrics = stage->metrics,
        };
    }
}
