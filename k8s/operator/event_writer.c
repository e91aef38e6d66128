/* event_writer.c - core/v1 Events with deterministic names. */
#include "k8s/operator/event_writer.h"

#include "k8s/api/json_field.h"
#include "k8s/api/rfc3339.h"
#include "lib/base/hash.h"
#include "lib/base/log.h"

enum { NAME_PART_MAX = 200, MESSAGE_MAX = 1000, REASON_MAX = 120 };

typedef struct writing {
    gly_operator_core *core;
    gly_arena *arena;
    const char *namespace_name, *name, *message, *time;
    void (*on_done)(void *context, bool is_cancelled);
    void *context;
} writing;

static uint64_t hash_text(uint64_t hash, const char *text) {
    return gly_hash_combine(hash, gly_hash_bytes(text, strlen(text)));
}

static const char *event_name(gly_arena *arena, const gly_event_writer_event *event) {
    uint64_t hash = hash_text(event->identity, event->uid);
    hash = hash_text(hash, event->reason);
    size_t size = strnlen(event->name, NAME_PART_MAX);
    while (size > 0 && (event->name[size - 1] == '.' || event->name[size - 1] == '-')) {
        size--; /* the cut part must end with a letter or digit */
    }
    return gly_arena_format(arena, "%.*s.%016llx", (int)size, event->name,
                            (unsigned long long)gly_hash_u64(hash));
}

static const char *cut(gly_arena *arena, const char *text, size_t limit) {
    size_t size = strnlen(text, limit + 1);
    if (size <= limit) {
        return text;
    }
    size = limit;
    while (size > 0 && ((uint8_t)text[size] & 0xC0) == 0x80) {
        size--;
    }
    return gly_arena_format(arena, "%.*s…", (int)size, text);
}

cJSON *gly_event_writer_make(gly_arena *arena, const gly_event_writer_event *event,
                             const char *reporter) {
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "apiVersion", "v1");
    cJSON_AddStringToObject(json, "kind", "Event");
    cJSON *metadata = cJSON_AddObjectToObject(json, "metadata");
    cJSON_AddStringToObject(metadata, "name", event_name(arena, event));
    cJSON_AddStringToObject(metadata, "namespace", event->namespace_name);
    cJSON *about = cJSON_AddObjectToObject(json, "involvedObject");
    cJSON_AddStringToObject(
        about, "apiVersion",
        gly_arena_format(arena, "%s/%s", event->kind->group, event->kind->version));
    cJSON_AddStringToObject(about, "kind", event->kind->kind);
    cJSON_AddStringToObject(about, "namespace", event->namespace_name);
    cJSON_AddStringToObject(about, "name", event->name);
    cJSON_AddStringToObject(about, "uid", event->uid);
    cJSON_AddStringToObject(json, "type", event->is_warning ? "Warning" : "Normal");
    cJSON_AddStringToObject(json, "reason", cut(arena, event->reason, REASON_MAX));
    cJSON_AddStringToObject(json, "message", cut(arena, event->message, MESSAGE_MAX));
    const char *time = gly_rfc3339_format(arena, event->time_ms);
    cJSON_AddStringToObject(json, "firstTimestamp", time);
    cJSON_AddStringToObject(json, "lastTimestamp", time);
    cJSON_AddNumberToObject(json, "count", 1);
    cJSON_AddStringToObject(cJSON_AddObjectToObject(json, "source"), "component",
                            GLY_OPERATOR_NAME);
    cJSON_AddStringToObject(json, "reportingComponent", "galley.dev/operator");
    cJSON_AddStringToObject(json, "reportingInstance", cut(arena, reporter, REASON_MAX));
    return json;
}

static void end(writing *w, bool is_cancelled) {
    void (*on_done)(void *, bool) = w->on_done;
    void *context = w->context;
    gly_arena_free(w->arena);
    free(w);
    on_done(context, is_cancelled);
}

static void on_refreshed(void *context, gly_k8s_response *response) {
    writing *w = context;
    gly_operator_core_count(w->core, response);
    end(w, response->status == GLY_E_CANCELLED);
}

static void on_posted(void *context, gly_k8s_response *response) {
    writing *w = context;
    gly_operator_core_count(w->core, response);
    if (response->status == GLY_E_CANCELLED) {
        end(w, true);
        return;
    }
    if (response->http_code == 409) {
        cJSON *patch = cJSON_CreateObject();
        cJSON_AddStringToObject(patch, "lastTimestamp", w->time);
        cJSON_AddStringToObject(patch, "message", w->message);
        gly_operator_core_send(
            w->core, "PATCH",
            gly_k8s_path(w->arena, &GLY_K8S_EVENTS, w->namespace_name, w->name, NULL, NULL), patch,
            GLY_K8S_MERGE_PATCH, on_refreshed, w);
        return;
    }
    if (response->status != GLY_OK) {
        gly_log_warn("an Event could not be written", GLY_LOG_STR("namespace", w->namespace_name),
                     GLY_LOG_STR("event", w->name), GLY_LOG_STR("error", response->message));
    } else {
        gly_operator_metrics_add(&w->core->metrics->events, 1);
    }
    end(w, false);
}

void gly_event_writer_send(gly_operator_core *core, const gly_event_writer_event *event,
                           void (*on_done)(void *context, bool is_cancelled), void *context) {
    writing *w = GLY_NEW(writing);
    w->core = core;
    w->arena = gly_arena_make();
    w->on_done = on_done;
    w->context = context;
    cJSON *json = gly_event_writer_make(w->arena, event, core->identity);
    const cJSON *metadata = gly_json_field_get(json, "metadata");
    w->namespace_name = gly_arena_string(w->arena, event->namespace_name);
    w->name = gly_arena_string(w->arena, gly_json_field_string_or(metadata, "name", ""));
    w->message = gly_arena_string(w->arena, gly_json_field_string_or(json, "message", ""));
    w->time = gly_rfc3339_format(w->arena, event->time_ms);
    gly_operator_core_send(
        core, "POST", gly_k8s_path(w->arena, &GLY_K8S_EVENTS, w->namespace_name, NULL, NULL, NULL),
        json, NULL, on_posted, w);
}
