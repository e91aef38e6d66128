/* cluster_k8s.c - executors as pods.
 *
 * One thread polls a client of the API server: creations and deletions go out, several in flight,
 * and a watch of our own pods (by the application's uid and the attempt) tells what becomes of
 * them.  What follows from what is decided in pod_table.c; here is only the doing. The API server
 * may be away: registered executors and their tasks do not notice, requests wait. Invariant: the
 * pod table is touched under the lock only, which is never held during a request.
 */
#include "driver/cluster/cluster.h"

#include "driver/cluster/pod_table.h"
#include "k8s/api/names.h"
#include "k8s/client/k8s_watch.h"
#include "lib/base/array.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"

#include <pthread.h>
#include <stdio.h>

enum {
    MOST_IN_FLIGHT = 32,
    RELIST_MS = 30000,
    REQUEST_MS = 10000,
    LANDING_MS = 1500, /* at the end: for creations that are under way */
};

struct gly_cluster {
    gly_cluster_options options;
    gly_pods_context pods;
    char *driver_address;
    gly_k8s_client *client;
    gly_k8s_watch *watch;
    char *selector;
    pthread_t thread;
    pthread_mutex_t lock;
    gly_pod_table *table;
    uint32_t next_id;
    bool is_stopping;
    int64_t stop_at_ms;
    /* the thread's */
    int64_t list_began_ms; /* of the list that will be reported next */
    bool is_swept;         /* at the end: all pods of ours were told to go */
};

typedef struct pod_request { /* until its answer */
    gly_cluster *cluster;
    uint32_t executor_id;
} pod_request;

/* ---- answers ---------------------------------------------------------------------------- */

static const char *text_at(const cJSON *object, const char *outer, const char *inner) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, outer);
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, inner));
    return text == NULL ? "" : text;
}

static bool is_ours(const gly_cluster *cluster, const cJSON *pod) {
    const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(pod, "metadata");
    char attempt[16];
    snprintf(attempt, sizeof attempt, "%u", cluster->pods.attempt);
    return strcmp(text_at(metadata, "labels", GLY_LABEL_APPLICATION_UID),
                  cluster->pods.application->uid) == 0 &&
           strcmp(text_at(metadata, "labels", GLY_LABEL_ATTEMPT), attempt) == 0;
}

static void take_pod(gly_cluster *cluster, const cJSON *pod, bool by_watch) {
    gly_arena *arena = gly_arena_make();
    gly_pod_state state;
    gly_pod_state_read(arena, pod, &state);
    state.is_ours = is_ours(cluster, pod);
    if (state.is_ours && state.executor_id != 0) {
        pthread_mutex_lock(&cluster->lock);
        if (by_watch) {
            gly_pod_table_seen(cluster->table, &state, gly_clock_ms());
        } else {
            gly_pod_table_looked(cluster->table, &state, gly_clock_ms());
        }
        pthread_mutex_unlock(&cluster->lock);
    }
    gly_arena_free(arena);
}

static void on_object(void *context, gly_k8s_watch_kind event, const cJSON *object) {
    gly_cluster *cluster = context;
    if (event == GLY_K8S_WATCH_APPLIED) {
        take_pod(cluster, object, true);
        return;
    }
    const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(object, "metadata");
    uint64_t id = 0;
    const char *label = text_at(metadata, "labels", GLY_LABEL_EXECUTOR_ID);
    const char *uid = text_at(object, "metadata", "uid");
    pthread_mutex_lock(&cluster->lock);
    if (!gly_str_to_u64(gly_str_of(label), &id)) { /* after a gap only its uid is known */
        id = gly_pod_table_find_uid(cluster->table, uid);
    }
    gly_pod_table_gone(cluster->table, (uint32_t)id, uid, gly_clock_ms());
    pthread_mutex_unlock(&cluster->lock);
}

static void on_synced(void *context) {
    gly_cluster *cluster = context;
    int64_t now_ms = gly_clock_ms();
    pthread_mutex_lock(&cluster->lock);
    gly_pod_table_synced(cluster->table, cluster->list_began_ms, now_ms);
    pthread_mutex_unlock(&cluster->lock);
    cluster->list_began_ms = now_ms; /* the next list begins later than that */
}

static void tell(gly_cluster *cluster, gly_cluster_event_kind kind, uint32_t id, bool is_expected,
                 const char *code, const char *text) {
    gly_cluster_event event = {kind, id, 0, is_expected, text, code};
    cluster->options.on_event(cluster->options.context, &event);
}

static void on_trouble(void *context, const char *message) {
    tell(context, GLY_CLUSTER_WARNING, 0, true, "WatchInterrupted", message);
}

static void on_created(void *context, gly_k8s_response *response) {
    pod_request *request = context;
    pthread_mutex_lock(&request->cluster->lock);
    gly_pod_table_created(request->cluster->table, request->executor_id, response->http_code,
                          text_at(response->body, "metadata", "uid"), response->message,
                          gly_clock_ms());
    pthread_mutex_unlock(&request->cluster->lock);
    free(request);
}

static void on_deleted(void *context, gly_k8s_response *response) {
    pod_request *request = context;
    pthread_mutex_lock(&request->cluster->lock);
    gly_pod_table_deleted(request->cluster->table, request->executor_id, response->http_code,
                          gly_clock_ms());
    pthread_mutex_unlock(&request->cluster->lock);
    free(request);
}

/* A pod of that name was there already: ours if a creation was tried twice, or a stranger's. */
static void on_looked(void *context, gly_k8s_response *response) {
    pod_request *request = context;
    gly_cluster *cluster = request->cluster;
    if (response->body != NULL && response->status == GLY_OK && is_ours(cluster, response->body)) {
        take_pod(cluster, response->body, false);
    } else if (response->status == GLY_OK || response->http_code == 404) {
        char text[200];
        snprintf(text, sizeof text,
                 "the pod of executor %u cannot be created: another pod has its name",
                 request->executor_id);
        pthread_mutex_lock(&cluster->lock);
        gly_pod_table_refused(cluster->table, request->executor_id, text);
        pthread_mutex_unlock(&cluster->lock);
    }
    free(request);
}

/* ---- requests --------------------------------------------------------------------------- */

static gly_str pod_path(gly_cluster *cluster, gly_arena *arena, uint32_t id) {
    const gly_application *application = cluster->pods.application;
    const char *name = gly_names_executor_pod(arena, application->name, cluster->pods.attempt, id);
    return gly_k8s_path(arena, &GLY_K8S_PODS, application->namespace_name, name, NULL, NULL);
}

static void send(gly_cluster *cluster, gly_k8s_request *request, uint32_t id) {
    pod_request *context = GLY_NEW(pod_request);
    *context = (pod_request){cluster, id};
    request->context = context;
    request->timeout_ms = REQUEST_MS;
    gly_k8s_client_send(cluster->client, request);
}

static void create_pod(gly_cluster *cluster, gly_arena *arena, uint32_t id) {
    uint64_t memory_bytes = cluster->pods.application->executor.memory_bytes;
    pthread_mutex_lock(&cluster->lock);
    uint64_t usable_bytes = gly_pod_table_memory(cluster->table, memory_bytes);
    pthread_mutex_unlock(&cluster->lock);
    if (usable_bytes < memory_bytes) {
        gly_log_info("an executor may use less of its pod's memory, since others were killed",
                     GLY_LOG_INT("executor", id), GLY_LOG_INT("bytes", (int64_t)usable_bytes));
    }
    gly_executor_pod_request wanted = {.executor_id = id,
                                       .driver_address = cluster->driver_address,
                                       .heartbeat_ms = cluster->options.heartbeat_ms,
                                       .memory_bytes = usable_bytes};
    cJSON *pod = gly_executor_pod_make(&cluster->pods, &wanted);
    char *body = cJSON_PrintUnformatted(pod);
    cJSON_Delete(pod);
    gly_k8s_request request = {
        .method = "POST",
        .path = gly_k8s_path(arena, &GLY_K8S_PODS, cluster->pods.application->namespace_name, NULL,
                             NULL, NULL),
        .body = gly_str_of(body),
        .on_done = on_created,
    };
    send(cluster, &request, id);
    cJSON_free(body);
}

static void delete_pod(gly_cluster *cluster, gly_arena *arena, uint32_t id, bool is_forced) {
    gly_k8s_request request = {
        .method = "DELETE",
        .path = pod_path(cluster, arena, id),
        .body = is_forced ? GLY_STR("{\"gracePeriodSeconds\":0}") : (gly_str){"", 0},
        .on_done = on_deleted,
    };
    send(cluster, &request, id);
}

static void look_at_pod(gly_cluster *cluster, gly_arena *arena, uint32_t id) {
    gly_k8s_request request = {
        .method = "GET", .path = pod_path(cluster, arena, id), .on_done = on_looked};
    send(cluster, &request, id);
}

/* Does what is due; returns when to look again. */
static int64_t work(gly_cluster *cluster) {
    gly_arena *arena = gly_arena_make();
    GLY_ARRAY(gly_pod_table_action) actions = {0};
    size_t count;
    pthread_mutex_lock(&cluster->lock);
    const gly_pod_table_action *due = gly_pod_table_take(cluster->table, gly_clock_ms(), &count);
    for (size_t i = 0; i < count; i++) {
        gly_pod_table_action action = due[i];
        action.text = gly_arena_string(arena, action.text);
        action.code = gly_arena_string(arena, action.code);
        gly_array_push(&actions, action);
    }
    pthread_mutex_unlock(&cluster->lock);
    for (size_t i = 0; i < actions.count; i++) {
        const gly_pod_table_action *action = &actions.items[i];
        switch (action->kind) {
        case GLY_POD_TABLE_CREATE:
            create_pod(cluster, arena, action->executor_id);
            break;
        case GLY_POD_TABLE_LOOK:
            look_at_pod(cluster, arena, action->executor_id);
            break;
        case GLY_POD_TABLE_DELETE:
            delete_pod(cluster, arena, action->executor_id, action->is_forced);
            break;
        case GLY_POD_TABLE_TELL:
            tell(cluster, action->event, action->executor_id, action->is_expected, action->code,
                 action->text);
            break;
        }
    }
    gly_array_clear(&actions);
    gly_arena_free(arena);
    pthread_mutex_lock(&cluster->lock);
    int64_t next_ms = gly_pod_table_next_ms(cluster->table);
    pthread_mutex_unlock(&cluster->lock);
    return next_ms;
}

/* ---- the thread ------------------------------------------------------------------------- */

static void on_swept(void *context, gly_k8s_response *response) {
    (void)response;
    ((gly_cluster *)context)->is_swept = true;
}

/* All pods of this attempt go, those that we do not know of as well. */
static void sweep(gly_cluster *cluster) {
    gly_arena *arena = gly_arena_make();
    gly_builder path = {0};
    gly_builder_add_str(&path,
                        gly_k8s_path(arena, &GLY_K8S_PODS,
                                     cluster->pods.application->namespace_name, NULL, NULL, NULL));
    gly_k8s_path_add_query(&path, "labelSelector", cluster->selector);
    gly_k8s_request request = {
        .method = "DELETE",
        .path = gly_builder_str(&path),
        .timeout_ms = REQUEST_MS,
        .on_done = on_swept,
        .context = cluster,
    };
    gly_k8s_client_send(cluster->client, &request);
    gly_builder_clear(&path);
    gly_arena_free(arena);
}

static void leave(gly_cluster *cluster) {
    int64_t landed_by_ms = gly_clock_ms() + LANDING_MS;
    pthread_mutex_lock(&cluster->lock);
    gly_pod_table_stop(cluster->table);
    uint32_t in_flight = gly_pod_table_in_flight(cluster->table);
    pthread_mutex_unlock(&cluster->lock);
    while (in_flight > 0 && gly_clock_ms() < landed_by_ms) {
        gly_k8s_client_poll(cluster->client, 50);
        pthread_mutex_lock(&cluster->lock);
        in_flight = gly_pod_table_in_flight(cluster->table);
        pthread_mutex_unlock(&cluster->lock);
    }
    sweep(cluster);
    while (!cluster->is_swept && gly_clock_ms() < cluster->stop_at_ms) {
        gly_k8s_client_poll(cluster->client, 50);
    }
}

static void *run(void *context) {
    gly_cluster *cluster = context;
    pthread_setname_np(pthread_self(), "gly-cluster");
    gly_k8s_watch_options options = {
        .kind = &GLY_K8S_PODS,
        .namespace_name = cluster->pods.application->namespace_name,
        .label_selector = cluster->selector,
        .relist_ms = RELIST_MS,
        .on_object = on_object,
        .on_synced = on_synced,
        .on_trouble = on_trouble,
        .context = cluster,
    };
    cluster->list_began_ms = gly_clock_ms();
    cluster->watch = gly_k8s_watch_start(cluster->client, &options);
    for (;;) {
        int64_t next_ms = work(cluster);
        pthread_mutex_lock(&cluster->lock);
        bool is_stopping = cluster->is_stopping;
        pthread_mutex_unlock(&cluster->lock);
        if (is_stopping) {
            break;
        }
        int64_t wait_ms = next_ms == INT64_MAX ? -1 : GLY_MAX(next_ms - gly_clock_ms(), 0);
        gly_k8s_client_poll(cluster->client, wait_ms);
    }
    leave(cluster);
    gly_k8s_watch_stop(cluster->watch);
    gly_k8s_client_free(
        cluster->client); /* what is under way is cancelled: its contexts are freed */
    return NULL;
}

/* ---- the verbs -------------------------------------------------------------------------- */

static void free_cluster(gly_cluster *cluster) {
    gly_pod_table_free(cluster->table);
    pthread_mutex_destroy(&cluster->lock);
    free(cluster->driver_address);
    free(cluster->selector);
    free(cluster);
}

static gly_status start_cluster(const gly_cluster_options *options, gly_cluster **ret,
                                gly_error *err) {
    if (options->kubernetes == NULL) {
        return gly_fail(err, GLY_E_CONFIG,
                        "Executor pods need an application: start galley-driver");
    }
    gly_cluster *cluster = GLY_NEW(gly_cluster);
    cluster->options = *options;
    cluster->pods =
        (gly_pods_context){options->kubernetes->application, options->kubernetes->attempt};
    cluster->driver_address = gly_alloc_string(options->driver_address);
    gly_builder selector = {0};
    gly_builder_format(&selector, "%s=%s,%s=%u,%s=executor", GLY_LABEL_APPLICATION_UID,
                       cluster->pods.application->uid, GLY_LABEL_ATTEMPT, cluster->pods.attempt,
                       GLY_LABEL_ROLE);
    cluster->selector = selector.data;
    gly_pod_table_options table = {.image_timeout_ms = options->image_timeout_ms,
                                   .max_in_flight = MOST_IN_FLIGHT};
    cluster->table = gly_pod_table_make(&table);
    cluster->next_id = 1;
    pthread_mutex_init(&cluster->lock, NULL);
    gly_status status = gly_k8s_client_make(options->kubernetes->config, &cluster->client, err);
    if (status == GLY_OK && pthread_create(&cluster->thread, NULL, run, cluster) != 0) {
        gly_k8s_client_free(cluster->client);
        status = gly_fail(err, GLY_E_INTERNAL, "The thread for executor pods could not be started");
    }
    if (status != GLY_OK) {
        free_cluster(cluster);
        return status;
    }
    *ret = cluster;
    return GLY_OK;
}

static gly_status request_executors(gly_cluster *cluster, uint32_t count, uint32_t *ret_ids,
                                    gly_error *err) {
    (void)err;
    int64_t now_ms = gly_clock_ms();
    pthread_mutex_lock(&cluster->lock);
    for (uint32_t i = 0; i < count; i++) {
        ret_ids[i] = cluster->next_id++;
        gly_pod_table_want(cluster->table, ret_ids[i], now_ms);
    }
    pthread_mutex_unlock(&cluster->lock);
    gly_k8s_client_wake(cluster->client);
    return GLY_OK;
}

static void kill_executor(gly_cluster *cluster, uint32_t executor_id, bool is_forced) {
    pthread_mutex_lock(&cluster->lock);
    gly_pod_table_kill(cluster->table, executor_id, is_forced, gly_clock_ms());
    pthread_mutex_unlock(&cluster->lock);
    gly_k8s_client_wake(cluster->client);
}

static bool owns_executor(gly_cluster *cluster, uint32_t executor_id, const char *pod_uid) {
    pthread_mutex_lock(&cluster->lock);
    bool owns = gly_pod_table_owns(cluster->table, executor_id, pod_uid);
    pthread_mutex_unlock(&cluster->lock);
    return owns;
}

static void stop_cluster(gly_cluster *cluster, int64_t grace_ms) {
    if (cluster == NULL) {
        return;
    }
    pthread_mutex_lock(&cluster->lock);
    cluster->is_stopping = true;
    cluster->stop_at_ms = gly_clock_ms() + LANDING_MS + grace_ms;
    pthread_mutex_unlock(&cluster->lock);
    gly_k8s_client_wake(cluster->client);
    pthread_join(cluster->thread, NULL);
    free_cluster(cluster);
}

extern const gly_cluster_manager gly_cluster_k8s;
const gly_cluster_manager gly_cluster_k8s = {
    .name = "k8s",
    .exit_report_ms = 2000, /* kubelet and API server need a second to say why a container ended */
    .start = start_cluster,
    .request = request_executors,
    .kill = kill_executor,
    .owns = owns_executor,
    .stop = stop_cluster,
};
