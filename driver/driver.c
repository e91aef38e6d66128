/* driver.c - starts and stops what a driver is made of; the doors other threads use.
 *
 * TLS authority, executor endpoint (gRPC), cluster manager (processes), event bus, and the owner
 * thread that holds the scheduler (driver_loop.c).  Invariant: only the owner thread touches the
 * scheduler; every function here posts to it or waits for it.
 */
#include "driver/driver_internal.h"

#include "lib/base/clock.h"
#include "lib/io/fs/s3_settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char *text_of(gly_str text) {
    char *copy = gly_alloc(text.size + 1);
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    return copy;
}

static void on_registered(void *context, const gly_executor_info *info) {
    gly_driver_loop_post(context, (gly_driver_message){.kind = GLY_DRIVER_REGISTERED,
                                                       .executor_id = info->id,
                                                       .cores = info->cores,
                                                       .pid = info->pid,
                                                       .text = text_of(info->host)});
}

static void on_task_updates(void *context, gly_task_update_batch batch) {
    gly_driver_loop_post(context, (gly_driver_message){.kind = GLY_DRIVER_UPDATES,
                                                       .executor_id = batch.executor_id,
                                                       .updates = batch});
}

static void on_heartbeat(void *context, const gly_executor_heartbeat *heartbeat) {
    (void)context; /* liveness is the endpoint's business */
    (void)heartbeat;
}

static void on_lost(void *context, uint32_t executor_id, const char *reason) {
    gly_driver_loop_post(context, (gly_driver_message){.kind = GLY_DRIVER_LOST,
                                                       .executor_id = executor_id,
                                                       .text = gly_alloc_string(reason)});
}

static void on_decommissioning(void *context, uint32_t executor_id, int64_t deadline_ms) {
    gly_driver_loop_post(context, (gly_driver_message){.kind = GLY_DRIVER_DECOMMISSIONING,
                                                       .executor_id = executor_id,
                                                       .id = (uint64_t)deadline_ms});
}

static void on_pulled(void *context, const gly_executor_pulled *pulled) {
    gly_driver_loop_post(context,
                         (gly_driver_message){.kind = GLY_DRIVER_PULLED,
                                              .executor_id = pulled->executor_id,
                                              .pulled = gly_driver_decommission_keep(pulled)});
}

static void on_cluster_event(void *context, const gly_cluster_event *event) {
    gly_driver_message message = {.kind = GLY_DRIVER_CLUSTER,
                                  .cluster_kind = event->kind,
                                  .executor_id = event->executor_id,
                                  .pid = event->pid,
                                  .expected = event->expected};
    message.text = event->reason == NULL ? NULL : gly_alloc_string(event->reason);
    snprintf(message.code, sizeof message.code, "%s", event->code == NULL ? "" : event->code);
    gly_driver_loop_post(context, message);
}

static bool may_identify(void *context, uint32_t executor_id, const char *pod_uid) {
    gly_driver *driver = context;
    return driver->cluster != NULL && driver->manager->owns != NULL &&
           driver->manager->owns(driver->cluster, executor_id, pod_uid);
}

enum { MOST_POOLS = 64 };

/* "interactive:3:1,batch:1:0" */
static gly_status read_pools(const gly_config *config, gly_scheduler_pool pools[MOST_POOLS],
                             uint32_t *ret_count, gly_error *err) {
    gly_str rest = gly_str_trim(gly_config_text(config, GLY_CONFIG_SCHEDULER_POOLS));
    *ret_count = 0;
    while (rest.size > 0) {
        const char *comma = memchr(rest.data, ',', rest.size);
        gly_str item = {rest.data, comma == NULL ? rest.size : (size_t)(comma - rest.data)};
        size_t used = GLY_MIN(item.size + 1, rest.size);
        rest = (gly_str){rest.data + used, rest.size - used};
        char name[64] = "";
        unsigned weight = 1;
        unsigned share = 0;
        char text[128] = "";
        memcpy(text, item.data, GLY_MIN(item.size, sizeof text - 1));
        if (*ret_count == MOST_POOLS || sscanf(text, " %63[^:]:%u:%u", name, &weight, &share) < 1) {
            return gly_fail(err, GLY_E_CONFIG, "%s cannot be '%.*s': write name:weight:minShare",
                            gly_config_key(GLY_CONFIG_SCHEDULER_POOLS), GLY_STR_ARG(item));
        }
        pools[*ret_count] =
            (gly_scheduler_pool){.name = {item.data + strspn(text, " "), strlen(name)},
                                 .weight = weight,
                                 .min_share = share};
        (*ret_count)++;
    }
    return GLY_OK;
}

static void fill_scheduler_options(const gly_config *config, gly_event_bus *bus,
                                   gly_scheduler_options *ret) {
    gly_scheduler_options_default(ret);
    ret->is_fair = gly_str_equal_ignore_case(gly_config_text(config, GLY_CONFIG_SCHEDULER_MODE),
                                             GLY_STR("FAIR"));
    ret->max_task_failures = (uint32_t)gly_config_int(config, GLY_CONFIG_TASK_MAX_FAILURES);
    ret->max_stage_attempts = (uint32_t)gly_config_int(config, GLY_CONFIG_STAGE_MAX_ATTEMPTS);
    int64_t wait_ms = gly_config_int(config, GLY_CONFIG_LOCALITY_WAIT);
    ret->locality_wait_ms[GLY_LOCALITY_PROCESS] = wait_ms;
    ret->locality_wait_ms[GLY_LOCALITY_NODE] = wait_ms;
    ret->locality_wait_ms[GLY_LOCALITY_RACK] = wait_ms;
    ret->speculation = gly_config_bool(config, GLY_CONFIG_SPECULATION);
    ret->speculation_multiplier = gly_config_double(config, GLY_CONFIG_SPECULATION_MULTIPLIER);
    ret->speculation_quantile = gly_config_double(config, GLY_CONFIG_SPECULATION_QUANTILE);
    ret->exclude_on_failure = gly_config_bool(config, GLY_CONFIG_EXCLUDE_ON_FAILURE);
    ret->launch_ahead = 16;
    ret->bus = bus;
    ret->wall_offset_ms = gly_clock_wall_ms() - gly_clock_ms();
}

static gly_status start_event_log(gly_driver *driver, gly_error *err) {
    if (!gly_config_bool(driver->config, GLY_CONFIG_EVENT_LOG_ENABLED)) {
        return GLY_OK;
    }
    gly_str dir = gly_config_text(driver->config, GLY_CONFIG_EVENT_LOG_DIR);
    char name[64];
    snprintf(name, sizeof name, "galley-%lld-%d.jsonl", (long long)gly_clock_wall_ms(),
             (int)getpid());
    GLY_TRY(
        gly_event_log_open(dir.size > 0 ? dir : gly_str_of(gly_local_dir_path(driver->local_dir)),
                           gly_str_of(name), &driver->log, err));
    gly_event_bus_subscribe(driver->bus, gly_event_log_read, driver->log);
    return GLY_OK;
}

static gly_status start_cluster(gly_driver *driver, const gly_driver_options *options,
                                gly_error *err) {
    const gly_config *config = driver->config;
    gly_executor_endpoint_options endpoint = {
        .authority = driver->authority,
        .listen_address = options->listen_address,
        .heartbeat_ms = gly_config_int(config, GLY_CONFIG_HEARTBEAT_INTERVAL),
        .liveness_ms = gly_config_int(config, GLY_CONFIG_NETWORK_TIMEOUT),
        .max_direct_result_bytes = (uint64_t)gly_config_int(config, GLY_CONFIG_MAX_DIRECT_RESULT),
        .advertised_host = options->advertised_host,
        .application = gly_config_text(config, GLY_CONFIG_APP_NAME).data,
        .callbacks = {.on_registered = on_registered,
                      .on_task_updates = on_task_updates,
                      .on_heartbeat = on_heartbeat,
                      .on_lost = on_lost,
                      .may_identify = may_identify,
                      .on_decommissioning = on_decommissioning,
                      .on_pulled = on_pulled,
                      .context = driver},
    };
    gly_str codec = gly_config_text(config, GLY_CONFIG_SHUFFLE_CODEC);
    if (!gly_codec_find(codec, &endpoint.shuffle_codec)) {
        return gly_fail(err, GLY_E_CONFIG,
                        "%s cannot be '%.*s': give none, lz4, zstd, snappy or gzip",
                        gly_config_key(GLY_CONFIG_SHUFFLE_CODEC), GLY_STR_ARG(codec));
    }
    GLY_TRY(gly_executor_endpoint_make(&endpoint, &driver->endpoint, err));
    char *program = NULL;
    if (options->program_directory != NULL) {
        gly_builder path = {0};
        gly_builder_format(&path, "%s/galley-executor", options->program_directory);
        program = path.data;
    }
    gly_cluster_options cluster = {
        .driver_address = gly_executor_endpoint_address(driver->endpoint),
        .authority = driver->authority,
        .program = program,
        .cores = (uint32_t)gly_config_int(config, GLY_CONFIG_EXECUTOR_CORES),
        .memory_bytes = (uint64_t)gly_config_int(config, GLY_CONFIG_EXECUTOR_MEMORY),
        .local_dir = gly_local_dir_path(driver->local_dir),
        .heartbeat_ms = endpoint.heartbeat_ms,
        .kubernetes = options->kubernetes,
        .image_timeout_ms = gly_config_int(config, GLY_CONFIG_IMAGE_TIMEOUT),
        .on_event = on_cluster_event,
        .context = driver,
    };
    const char *name = options->cluster == NULL ? "local" : options->cluster;
    driver->manager =
        options->manager != NULL ? options->manager : gly_cluster_find(gly_str_of(name));
    if (driver->manager == NULL) {
        free(program);
        return gly_fail(err, GLY_E_CONFIG, "There is no cluster manager '%s'", name);
    }
    gly_status status = driver->manager->start(&cluster, &driver->cluster, err);
    free(program);
    return status;
}

static gly_status start_parts(gly_driver *driver, const gly_driver_options *options,
                              gly_error *err) {
    const gly_config *config = driver->config;
    driver->bus = gly_event_bus_make();
    GLY_TRY(
        gly_local_dir_make(gly_config_text(config, GLY_CONFIG_LOCAL_DIR), &driver->local_dir, err));
    GLY_TRY(start_event_log(driver, err));
    if (driver->authority == NULL && gly_config_bool(config, GLY_CONFIG_TLS_ENABLED)) {
        GLY_TRY(gly_tls_authority_make(&driver->authority, err));
    }
    GLY_TRY(start_cluster(driver, options, err));
    gly_scheduler_options scheduler;
    gly_scheduler_pool pools[MOST_POOLS];
    fill_scheduler_options(config, driver->bus, &scheduler);
    GLY_TRY(read_pools(config, pools, &scheduler.pool_count, err));
    scheduler.pools = pools;
    driver->scheduler = gly_scheduler_make(&scheduler);
    if (pthread_create(&driver->thread, NULL, gly_driver_loop_run, driver) != 0) {
        return gly_fail(err, GLY_E_INTERNAL, "The scheduler thread could not be started");
    }
    driver->has_thread = true;
    return GLY_OK;
}

gly_status gly_driver_start(const gly_config *config, const char *program_directory,
                            gly_driver **ret, gly_error *err) {
    gly_driver_options options = {.config = config, .program_directory = program_directory};
    return gly_driver_start_with(&options, ret, err);
}

gly_status gly_driver_start_with(const gly_driver_options *options, gly_driver **ret,
                                 gly_error *err) {
    const gly_config *config = options->config;
    gly_s3_settings_export(config); /* executors inherit the environment */
    gly_driver *driver = GLY_NEW(gly_driver);
    driver->config = config;
    driver->authority = options->authority;
    gly_allocation_rules rules;
    gly_driver_read_allocation(config, &rules);
    rules = options->allocation != NULL ? *options->allocation : rules;
    driver->allocation = gly_allocation_make(&rules);
    driver->slot_count = GLY_MAX(rules.is_dynamic ? rules.max : rules.fixed, 1) *
                         (uint32_t)gly_config_int(config, GLY_CONFIG_EXECUTOR_CORES);
    pthread_mutex_init(&driver->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&driver->arrived, &attributes);
    pthread_condattr_destroy(&attributes);
    atomic_init(&driver->next_id, 1);
    atomic_init(&driver->next_shuffle, 1);
    gly_status status = start_parts(driver, options, err);
    if (status != GLY_OK) {
        gly_driver_stop(driver);
        return status;
    }
    *ret = driver;
    return GLY_OK;
}

void gly_driver_stop(gly_driver *driver) {
    if (driver == NULL) {
        return;
    }
    if (driver->has_thread) {
        gly_driver_loop_post(driver, (gly_driver_message){.kind = GLY_DRIVER_STOP});
        pthread_join(driver->thread, NULL);
    }
    gly_executor_endpoint_free(
        driver->endpoint); /* ends the streams: executors leave by themselves */
    if (driver->cluster != NULL) {
        driver->manager->stop(driver->cluster, 2000);
    }
    gly_driver_loop_free(driver);
    gly_scheduler_free(driver->scheduler);
    gly_error err = {0};
    if (driver->log != NULL && gly_event_log_close(driver->log, &err) != GLY_OK) {
        fprintf(stderr, "warning: %s\n", err.message);
    }
    gly_event_bus_free(driver->bus);
    gly_tls_authority_free(driver->authority);
    gly_local_dir_remove(driver->local_dir);
    pthread_cond_destroy(&driver->arrived);
    pthread_mutex_destroy(&driver->lock);
    free(driver);
}

gly_status gly_driver_run_job(gly_driver *driver, const gly_job_request *request,
                              gly_job_summary *summary, gly_error *err) {
    gly_driver_job *job = gly_driver_job_make(request);
    pthread_mutex_lock(&driver->lock);
    gly_array_push(&driver->delivering, job);
    pthread_mutex_unlock(&driver->lock);
    gly_driver_loop_post(driver, (gly_driver_message){.kind = GLY_DRIVER_SUBMIT, .job = job});
    gly_status status = gly_driver_job_wait(job, driver, err);
    if (summary != NULL) {
        gly_driver_job_summarize(job, summary);
    }
    for (size_t i = 0; status == GLY_OK && request->on_file != NULL && i < job->files.count; i++) {
        request->on_file(request->context, &job->files.items[i]);
    }
    for (uint32_t i = 0; request->on_operator != NULL && i < request->stage_count; i++) {
        for (size_t at = 0; at < job->stages[i].operators.count; at++) {
            const gly_operator_rows *rows = &job->stages[i].operators.items[at];
            request->on_operator(request->operator_context, i, rows->node_id, rows->rows);
        }
    }
    pthread_mutex_lock(&driver->lock);
    for (size_t i = 0; i < driver->delivering.count; i++) {
        if (driver->delivering.items[i] == job) {
            gly_array_remove_at(&driver->delivering, i);
            break;
        }
    }
    pthread_mutex_unlock(&driver->lock);
    gly_driver_job_free(job);
    return status;
}

void gly_driver_set_allocation(gly_driver *driver, const gly_allocation_rules *rules) {
    gly_driver_loop_post(driver,
                         (gly_driver_message){.kind = GLY_DRIVER_ALLOCATE, .rules = *rules});
}

void gly_driver_cancel_query(gly_driver *driver, uint64_t query_id, const char *reason) {
    gly_driver_loop_post(driver, (gly_driver_message){.kind = GLY_DRIVER_CANCEL,
                                                      .id = query_id,
                                                      .text = gly_alloc_string(reason)});
}

void gly_driver_end_query(gly_driver *driver, uint64_t query_id) {
    gly_driver_loop_post(driver,
                         (gly_driver_message){.kind = GLY_DRIVER_END_QUERY, .id = query_id});
}

void gly_driver_drop_cache(gly_driver *driver, uint64_t cache_id) {
    gly_driver_cache_remove(driver, cache_id);
    gly_driver_loop_post(driver,
                         (gly_driver_message){.kind = GLY_DRIVER_DROP_CACHE, .id = cache_id});
}

bool gly_driver_has_cache(gly_driver *driver, uint64_t cache_id) {
    return gly_driver_cache_is_complete(driver, cache_id);
}

uint64_t gly_driver_next_id(gly_driver *driver) { return atomic_fetch_add(&driver->next_id, 1); }

uint32_t gly_driver_reserve_shuffles(gly_driver *driver, uint32_t count) {
    return (uint32_t)atomic_fetch_add(&driver->next_shuffle, count);
}

uint32_t gly_driver_slot_count(const gly_driver *driver) { return driver->slot_count; }

void gly_driver_subscribe(gly_driver *driver, gly_event_reader reader, void *context) {
    gly_driver_loop_post(driver, (gly_driver_message){.kind = GLY_DRIVER_SUBSCRIBE,
                                                      .reader = reader,
                                                      .reader_context = context});
}

const char *gly_driver_local_dir(const gly_driver *driver) {
    return gly_local_dir_path(driver->local_dir);
}
