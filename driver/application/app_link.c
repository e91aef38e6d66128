/* app_link.c - one client, one watch on one object, one patch at a time.
 *
 * A timer looks four times a second whether the status has changed and the last patch is old
 * enough. A patch that fails is made again from what is true then, so nothing piles up while the
 * API server is away.  Not here: what is in the status (app_status.c), what a change means
 * (main.c).
 */
#include "driver/application/app_link.h"

#include "k8s/api/json_field.h"
#include "k8s/client/k8s_watch.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"

#include <pthread.h>
#include <stdatomic.h>

enum { LOOK_MS = 250, PATCH_EVERY_MS = 1000, PATCH_TIMEOUT_MS = 5000 };

struct gly_app_link {
    gly_app_status *status;
    void (*on_change)(void *context, const gly_application *application, uint32_t admitted);
    uint32_t attempt;
    void (*on_superseded)(void *context, uint32_t attempt);
    void *context;
    char *namespace_name, *name, *uid;
    gly_k8s_client *client;
    gly_k8s_watch *watch;
    pthread_t thread;
    atomic_bool is_stopping;
    int64_t stop_at_ms;
    pthread_mutex_t lock; /* held while on_change runs */
    bool is_held;
    /* the thread's */
    bool is_patching;
    bool is_superseded;
    int64_t next_patch_ms;
    uint32_t failures; /* patches in a row */
    char *refused;     /* what was wrong with the last state that could not be read */
};

/* The operator hands the chart's defaults over in our environment; the driver runs already, so its
 * own image and account do not matter. */
static gly_status read_application(gly_arena *arena, const cJSON *object, gly_application *ret,
                                   gly_error *err) {
    const char *image = getenv("GALLEY_EXECUTOR_IMAGE");
    gly_application_defaults defaults = {
        .driver_image = "galley-driver",
        .executor_image = image != NULL ? image : "galley-executor:dev",
        .image_pull_policy = getenv("GALLEY_EXECUTOR_PULL_POLICY"),
        .service_account = "default",
    };
    return gly_application_read(arena, object, &defaults, ret, err);
}

gly_status gly_app_link_get(const gly_k8s_config *config, gly_arena *arena,
                            const char *namespace_name, const char *name, cJSON **ret_object,
                            gly_application *ret, gly_error *err) {
    gly_k8s_client *client;
    GLY_TRY(gly_k8s_client_make(config, &client, err));
    gly_k8s_request request = {
        .method = "GET",
        .path = gly_k8s_path(arena, &GLY_K8S_APPLICATIONS, namespace_name, name, NULL, NULL)};
    int http_code = 0;
    cJSON *object = NULL;
    gly_status status = gly_k8s_client_call(client, &request, &http_code, &object, err);
    gly_k8s_client_free(client);
    if (status != GLY_OK) {
        status = http_code == 404 ? GLY_E_INVALID_ARGUMENT : GLY_E_NETWORK;
        if (err != NULL) {
            err->status = status;
        }
        cJSON_Delete(object);
        return status;
    }
    status = read_application(arena, object, ret, err);
    if (status != GLY_OK) {
        cJSON_Delete(object);
        if (err != NULL) {
            err->status = GLY_E_INVALID_ARGUMENT;
        }
        return GLY_E_INVALID_ARGUMENT;
    }
    *ret_object = object;
    return GLY_OK;
}

/* The number at status.<section>.<key>; fallback if there is no such count. */
static uint32_t read_count(const cJSON *object, const char *section, const char *key,
                           uint32_t fallback) {
    const cJSON *item = gly_json_field_find(object, "status", section, key, NULL);
    bool is_count =
        cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble < (double)UINT32_MAX;
    return is_count ? (uint32_t)item->valuedouble : fallback;
}

uint32_t gly_app_link_admitted(const cJSON *object) {
    return read_count(object, "executors", "admitted", UINT32_MAX);
}

uint32_t gly_app_link_attempt(const cJSON *object) {
    return read_count(object, "driver", "attempt", 0);
}

/* ---- changes ---------------------------------------------------------------------------- */

/* A state that cannot be read changes nothing; it is told once. */
static void refuse(gly_app_link *link, const char *message) {
    if (link->refused == NULL || strcmp(link->refused, message) != 0) {
        free(link->refused);
        link->refused = gly_alloc_string(message);
        gly_log_warn("a change of the application is ignored", GLY_LOG_STR("error", message));
        gly_app_status_warn(link->status, "InvalidChange", message, gly_clock_wall_ms());
    }
}

static void on_object(void *context, gly_k8s_watch_kind event, const cJSON *object) {
    gly_app_link *link = context;
    const char *uid = gly_json_field_string_or(gly_json_field_get(object, "metadata"), "uid", "");
    if (event != GLY_K8S_WATCH_APPLIED || strcmp(uid, link->uid) != 0) {
        return; /* deleted: the garbage collector ends us; another one of our name: not ours */
    }
    uint32_t attempt = gly_app_link_attempt(object);
    if (attempt > link->attempt && !link->is_superseded) {
        link->is_superseded = true;
        link->on_superseded(link->context, attempt);
    }
    gly_arena *arena = gly_arena_make();
    gly_application application;
    gly_error err = {0};
    if (read_application(arena, object, &application, &err) == GLY_OK) {
        pthread_mutex_lock(&link->lock);
        if (!link->is_held) {
            link->on_change(link->context, &application, gly_app_link_admitted(object));
        }
        pthread_mutex_unlock(&link->lock);
    } else {
        refuse(link, err.message);
    }
    gly_arena_free(arena);
}

static void on_trouble(void *context, const char *message) {
    (void)context;
    gly_log_warn("the application cannot be watched", GLY_LOG_STR("error", message));
}

/* ---- status ----------------------------------------------------------------------------- */

static void on_patched(void *context, gly_k8s_response *response) {
    gly_app_link *link = context;
    link->is_patching = false;
    if (response->status == GLY_OK) {
        link->failures = 0;
        return;
    }
    gly_app_status_put_back(link->status);
    link->failures++;
    if (link->failures == 1 && response->status != GLY_E_CANCELLED) {
        gly_log_warn("the status cannot be written", GLY_LOG_STR("error", response->message));
    }
    int64_t wait_ms = PATCH_EVERY_MS * (int64_t)GLY_MIN(link->failures, 10);
    link->next_patch_ms = gly_clock_ms() + wait_ms;
}

static void patch(gly_app_link *link) {
    gly_builder body = {0};
    if (!link->is_superseded && gly_app_status_take(link->status, &body)) {
        gly_arena *arena = gly_arena_make();
        gly_k8s_request request = {
            .method = "PATCH",
            .path = gly_k8s_path(arena, &GLY_K8S_APPLICATIONS, link->namespace_name, link->name,
                                 "status", "fieldManager=galley-driver"),
            .body = gly_builder_str(&body),
            .content_type = GLY_K8S_MERGE_PATCH,
            .timeout_ms = PATCH_TIMEOUT_MS,
            .max_attempts = 1,
            .on_done = on_patched,
            .context = link,
        };
        link->is_patching = true;
        link->next_patch_ms = gly_clock_ms() + PATCH_EVERY_MS;
        gly_k8s_client_send(link->client, &request);
        gly_arena_free(arena);
    }
    gly_builder_clear(&body);
}

static void look(void *context) {
    gly_app_link *link = context;
    if (!link->is_patching && gly_clock_ms() >= link->next_patch_ms) {
        patch(link);
    }
    gly_k8s_client_after(link->client, LOOK_MS, look, link);
}

/* The last word: once, whatever the pace. */
static void say_the_last(gly_app_link *link) {
    bool was_sent = false;
    while (gly_clock_ms() < link->stop_at_ms) {
        if (!link->is_patching) {
            if (was_sent && link->failures == 0) {
                return;
            }
            if (!was_sent || gly_clock_ms() >= link->next_patch_ms) {
                patch(link);
                was_sent = true;
                if (!link->is_patching) {
                    return; /* nothing has changed */
                }
            }
        }
        gly_k8s_client_poll(link->client, 50);
    }
}

static void *run(void *context) {
    gly_app_link *link = context;
    pthread_setname_np(pthread_self(), "gly-status");
    gly_builder field = {0};
    gly_builder_format(&field, "metadata.name=%s", link->name);
    gly_k8s_watch_options options = {.kind = &GLY_K8S_APPLICATIONS,
                                     .namespace_name = link->namespace_name,
                                     .field_selector = field.data,
                                     .on_object = on_object,
                                     .on_trouble = on_trouble,
                                     .context = link};
    link->watch = gly_k8s_watch_start(link->client, &options);
    gly_builder_clear(&field);
    look(link);
    while (!atomic_load(&link->is_stopping)) {
        gly_k8s_client_poll(link->client, -1);
    }
    gly_k8s_watch_stop(link->watch);
    say_the_last(link);
    gly_k8s_client_free(link->client);
    return NULL;
}

/* ---- life ------------------------------------------------------------------------------- */

static void free_link(gly_app_link *link) {
    pthread_mutex_destroy(&link->lock);
    free(link->namespace_name);
    free(link->name);
    free(link->uid);
    free(link->refused);
    free(link);
}

gly_status gly_app_link_start(const gly_app_link_options *options, gly_app_link **ret,
                              gly_error *err) {
    gly_app_link *link = GLY_NEW(gly_app_link);
    link->status = options->status;
    link->on_change = options->on_change;
    link->attempt = options->attempt;
    link->on_superseded = options->on_superseded;
    link->context = options->context;
    link->namespace_name = gly_alloc_string(options->namespace_name);
    link->name = gly_alloc_string(options->name);
    link->uid = gly_alloc_string(options->uid);
    atomic_init(&link->is_stopping, false);
    pthread_mutex_init(&link->lock, NULL);
    gly_status status = gly_k8s_client_make(options->config, &link->client, err);
    if (status == GLY_OK && pthread_create(&link->thread, NULL, run, link) != 0) {
        gly_k8s_client_free(link->client);
        status = gly_fail(err, GLY_E_INTERNAL, "The thread for the status could not be started");
    }
    if (status != GLY_OK) {
        free_link(link);
        return status;
    }
    *ret = link;
    return GLY_OK;
}

void gly_app_link_hold(gly_app_link *link) {
    pthread_mutex_lock(&link->lock);
    link->is_held = true;
    pthread_mutex_unlock(&link->lock);
}

void gly_app_link_stop(gly_app_link *link, int64_t grace_ms) {
    if (link == NULL) {
        return;
    }
    link->stop_at_ms = gly_clock_ms() + grace_ms;
    atomic_store(&link->is_stopping, true);
    gly_k8s_client_wake(link->client);
    pthread_join(link->thread, NULL);
    free_link(link);
}
