/* reconcile_application.c - the requests around one decision of application_state.c, in order.
 *
 *   GET application -> GET driver pod -> (GET its Warnings) -> decide
 *     -> effects, one after the other -> Events -> PATCH status
 *
 * Everything is read fresh (a GET is answered by a quorum), so a decision never rests on a stale
 * watch; the status is written against the resourceVersion that was read, so two operators cannot
 * both write. Each answer comes to on_answer, which calls the function that waits for it
 * (job.next); a client that ends answers all with CANCELLED, which ends the job.  Not here: what to
 * do (application_state.c).
 */
#include "k8s/operator/reconcile_application.h"

#include "k8s/api/json_field.h"
#include "k8s/api/names.h"
#include "k8s/api/rfc3339.h"
#include "k8s/operator/application_status.h"
#include "k8s/operator/driver_creation.h"
#include "k8s/operator/event_writer.h"
#include "k8s/operator/reconcile_schedule.h"
#include "lib/base/clock.h"
#include "lib/base/hash.h"
#include "lib/base/log.h"

enum {
    WARNING_AGE_MAX_MS = 50 * 60000, /* Events live an hour; older ones may have been told before */
    PENDING_SILENT_MS = 2000,        /* before its Events are looked at */
    REFUSED_MIN_MS = 1000,
    REFUSED_MAX_MS = 30000,
    EXECUTOR_GRACE_SECONDS = 5,
    CONFLICT_DELAY_MS = 20,
};

typedef struct job {
    gly_operator_core *core;
    gly_application_record *record;
    gly_arena *arena;
    gly_builder key;
    const char *namespace_name, *name, *uid;
    cJSON *object, *pod_object, *pod_events;
    gly_application application;
    gly_application_state state;
    gly_pod_state pod;
    gly_error invalid;
    gly_application_state_input input;
    gly_application_state_output output;
    uint32_t effect, event;
    const cJSON *warning; /* of the driver, the next to be told */
    int64_t begin_ns;
    int64_t requeue_ms; /* a refusal's; -1: the output's */
    void (*next)(struct job *job, gly_k8s_response *response);
} job;

static void next_effect(job *j);
static void next_event(job *j);

/* --- the end --- */

static void set_phase(gly_operator_core *core, gly_application_record *record,
                      gly_application_phase phase) {
    if (record->phase != phase) {
        gly_operator_metrics_add(&core->metrics->applications[record->phase], -1);
        gly_operator_metrics_add(&core->metrics->applications[phase], 1);
        record->phase = phase;
    }
}

static void free_job(job *j) {
    gly_operator_core *core = j->core;
    j->record->is_active = false;
    core->in_flight--;
    if (!j->record->exists) { /* deleted meanwhile: no longer counted */
        set_phase(core, j->record, GLY_PHASE_NONE);
    }
    gly_application_table_release(core->applications, j->record);
    cJSON_Delete(j->object);
    cJSON_Delete(j->pod_object);
    cJSON_Delete(j->pod_events);
    gly_builder_clear(&j->key);
    gly_arena_free(j->arena);
    free(j);
}

/* Everything went well; object is what the server has now. */
static void finish(job *j, const cJSON *object) {
    gly_operator_core *core = j->core;
    int64_t now_ms = gly_clock_ms();
    gly_str key = gly_builder_str(&j->key);
    gly_work_queue_forget(core->queue, key);
    int64_t again_ms = j->requeue_ms >= 0 ? j->requeue_ms : j->output.requeue_ms;
    if (object != NULL) {
        j->record->done_hash = gly_application_status_hash(object);
        j->record->is_dirty |= j->record->is_seen && j->record->seen_hash != j->record->done_hash;
    }
    if (j->record->is_dirty) {
        again_ms = 0;
    }
    if (again_ms >= 0) {
        gly_work_queue_add(core->queue, key, now_ms, again_ms);
    }
    gly_operator_metrics_observe(&core->metrics->reconcile, (gly_clock_ns() - j->begin_ns) / 1000);
    free_job(j);
}

/* The watch says so, too, and only it is believed: a new one of the same name may be there already.
 */
static void finish_gone(job *j) {
    gly_str key = gly_builder_str(&j->key);
    gly_work_queue_forget(j->core->queue, key);
    if (j->record->is_dirty || j->record->is_seen) {
        gly_work_queue_add(j->core->queue, key, gly_clock_ms(), 0);
    }
    free_job(j);
}

static void finish_later(job *j, const char *what, const char *why) {
    gly_log_warn("reconciling is tried again", GLY_LOG_STR("namespace", j->namespace_name),
                 GLY_LOG_STR("application", j->name), GLY_LOG_STR("at", what),
                 GLY_LOG_STR("error", why));
    gly_operator_metrics_add(&j->core->metrics->reconcile_errors, 1);
    gly_work_queue_retry(j->core->queue, gly_builder_str(&j->key), gly_clock_ms());
    free_job(j);
}

/* --- requests --- */

static void on_answer(void *context, gly_k8s_response *response) {
    job *j = context;
    gly_operator_core_count(j->core, response);
    if (response->status == GLY_E_CANCELLED) {
        free_job(j);
        return;
    }
    j->next(j, response);
}

static void send(job *j, const char *method, gly_str path, cJSON *body, const char *content_type,
                 void (*next)(job *j, gly_k8s_response *response)) {
    j->next = next;
    gly_operator_core_send(j->core, method, path, body, content_type, on_answer, j);
}

static gly_str path_of(job *j, const gly_k8s_kind *kind, const char *name, const char *subresource,
                       const char *query) {
    return gly_k8s_path(j->arena, kind, j->namespace_name, name, subresource, query);
}

/* --- the status, last --- */

static void on_status(job *j, gly_k8s_response *response) {
    if (response->http_code == 404) {
        finish_gone(j);
        return;
    }
    if (response->http_code == 409) { /* somebody else has written: look again */
        gly_operator_metrics_add(&j->core->metrics->conflicts, 1);
        gly_work_queue_add(j->core->queue, gly_builder_str(&j->key), gly_clock_ms(),
                           CONFLICT_DELAY_MS);
        free_job(j);
        return;
    }
    if (response->status != GLY_OK) {
        finish_later(j, "status", response->message);
        return;
    }
    gly_application_phase phase = j->output.next.phase;
    if (phase != j->state.phase) {
        gly_log_info("application changed its state", GLY_LOG_STR("namespace", j->namespace_name),
                     GLY_LOG_STR("application", j->name),
                     GLY_LOG_STR("from", gly_application_state_name(j->state.phase)),
                     GLY_LOG_STR("to", gly_application_state_name(phase)),
                     GLY_LOG_INT("attempt", j->output.next.attempts),
                     GLY_LOG_STR("cause", j->output.next.cause));
        if (phase == GLY_PHASE_SUCCEEDED) {
            gly_operator_metrics_add(&j->core->metrics->succeeded, 1);
        } else if (phase == GLY_PHASE_FAILED) {
            gly_operator_metrics_add(&j->core->metrics->failed, 1);
        } else if (phase == GLY_PHASE_RUNNING && j->record->pod_created_ms > 0) {
            gly_operator_metrics_observe(&j->core->metrics->start,
                                         (gly_clock_ms() - j->record->pod_created_ms) * 1000);
            j->record->pod_created_ms = 0;
        }
    }
    set_phase(j->core, j->record, phase);
    finish(j, response->body);
}

static void write_status(job *j) {
    if (gly_application_status_equal(&j->state, &j->output.next)) {
        set_phase(j->core, j->record, j->state.phase);
        finish(j, j->object);
        return;
    }
    const char *version =
        gly_json_field_string_or(gly_json_field_get(j->object, "metadata"), "resourceVersion", "");
    cJSON *patch = gly_application_status_patch(j->arena, &j->output.next, version);
    if (j->input.pod != NULL && j->pod.attempt == j->output.next.attempts) {
        gly_application_status_add_last_words(patch, j->pod.last_words);
    }
    send(j, "PATCH", path_of(j, &GLY_K8S_APPLICATIONS, j->name, "status", GLY_OPERATOR_MANAGER),
         patch, GLY_K8S_MERGE_PATCH, on_status);
}

/* --- Events, before it --- */

static void on_event_written(void *context, bool is_cancelled) {
    job *j = context;
    if (is_cancelled) {
        free_job(j);
        return;
    }
    next_event(j);
}

static void send_event(job *j, bool is_warning, const char *reason, const char *message,
                       uint64_t identity) {
    gly_event_writer_event event = {.kind = &GLY_K8S_APPLICATIONS,
                                    .namespace_name = j->namespace_name,
                                    .name = j->name,
                                    .uid = j->uid,
                                    .is_warning = is_warning,
                                    .reason = reason,
                                    .message = message,
                                    .identity = identity,
                                    .time_ms = j->input.now_ms};
    gly_event_writer_send(j->core, &event, on_event_written, j);
}

static uint64_t warning_hash(const cJSON *warning) {
    const char *const keys[] = {"time", "reason", "message"};
    uint64_t hash = 1;
    for (size_t i = 0; i < GLY_ARRAY_LEN(keys); i++) {
        const char *text = gly_json_field_string_or(warning, keys[i], "");
        hash = gly_hash_combine(hash, gly_hash_bytes(text, strlen(text)));
    }
    return hash;
}

/* What the driver wrote for people, each once. */
static bool send_next_warning(job *j) {
    while (j->warning != NULL) {
        const cJSON *warning = j->warning;
        j->warning = warning->next;
        int64_t time_ms;
        const char *time = gly_json_field_string_or(warning, "time", "");
        uint64_t hash = warning_hash(warning);
        if (gly_application_table_is_warned(j->record, hash) ||
            (gly_rfc3339_parse(gly_str_of(time), &time_ms) &&
             time_ms < j->input.now_ms - WARNING_AGE_MAX_MS)) {
            continue;
        }
        send_event(j, true, gly_json_field_string_or(warning, "reason", "DriverWarning"),
                   gly_json_field_string_or(warning, "message", ""), hash);
        return true;
    }
    return false;
}

static void next_event(job *j) {
    if (j->event < j->output.event_count) {
        const gly_application_event *event = &j->output.events[j->event++];
        uint64_t identity = gly_hash_combine(event->attempt, (uint64_t)j->input.generation);
        send_event(j, event->is_warning, event->reason, event->message, identity);
    } else if (!send_next_warning(j)) {
        write_status(j);
    }
}

/* --- effects, first --- */

static void on_deleted(job *j, gly_k8s_response *response) {
    if (response->status != GLY_OK && response->http_code != 404) {
        finish_later(j, "delete", response->message);
        return;
    }
    next_effect(j);
}

static void on_application_deleted(job *j, gly_k8s_response *response) {
    if (response->status != GLY_OK && response->http_code != 404 && response->http_code != 409) {
        finish_later(j, "delete", response->message);
        return;
    }
    gly_log_info("application deleted after its ttl", GLY_LOG_STR("namespace", j->namespace_name),
                 GLY_LOG_STR("application", j->name));
    finish(j, j->object);
}

static void delete_executors(job *j) {
    gly_builder query = {0};
    gly_builder_add_text(&query, "labelSelector=");
    gly_builder_format(&query, "%s%%3D%s%%2C%s%%3Dexecutor", GLY_LABEL_APPLICATION_UID,
                       gly_names_label(j->arena, j->uid), GLY_LABEL_ROLE);
    gly_str path = path_of(j, &GLY_K8S_PODS, NULL, NULL, query.data);
    gly_builder_clear(&query);
    send(j, "DELETE", path, gly_operator_core_delete_options(NULL, EXECUTOR_GRACE_SECONDS), NULL,
         on_deleted);
}

static void driver_refused(job *j, const gly_driver_creation_result *result) {
    gly_log_warn("driver pod refused", GLY_LOG_STR("namespace", j->namespace_name),
                 GLY_LOG_STR("application", j->name), GLY_LOG_STR("reason", result->reason),
                 GLY_LOG_STR("error", result->message));
    bool is_final = result->outcome == GLY_CREATION_FINAL;
    bool is_passing = strcmp(result->reason, "NameTaken") == 0 && j->record->refusals < 3;
    int64_t delay_ms = REFUSED_MIN_MS;
    for (uint32_t i = 0; i < j->record->refusals && delay_ms < REFUSED_MAX_MS; i++) {
        delay_ms *= 2;
    }
    j->record->refusals++;
    if (!is_final) {
        j->requeue_ms = GLY_MIN(delay_ms, (int64_t)REFUSED_MAX_MS);
    }
    if (is_passing) { /* the garbage collector is at it */
        finish(j, NULL);
        return;
    }
    gly_application_state_refused(j->arena, &j->input, gly_arena_string(j->arena, result->reason),
                                  gly_arena_string(j->arena, result->message), is_final,
                                  &j->output);
    j->event = 0;
    next_event(j);
}

static void on_driver_created(void *context, const gly_driver_creation_result *result) {
    job *j = context;
    switch (result->outcome) {
    case GLY_CREATION_DONE:
        j->record->refusals = 0;
        if (result->pod != NULL) { /* so that its own notice is no news */
            gly_pod_state pod;
            gly_pod_state_read(j->arena, result->pod, &pod);
            gly_application_table_put_pod(j->record, j->uid, &pod);
        }
        if (result->is_new) {
            j->record->pod_created_ms = gly_clock_ms();
            gly_operator_metrics_add(&j->core->metrics->submitted, 1);
            if (j->output.next.attempts > 1) {
                gly_operator_metrics_add(&j->core->metrics->restarted, 1);
            } else if (j->record->first_seen_ms > 0) {
                gly_operator_metrics_observe(
                    &j->core->metrics->submit,
                    (j->record->pod_created_ms - j->record->first_seen_ms) * 1000);
            }
        }
        if (!result->is_new) { /* it may have ended long ago, and nothing else would say so */
            j->requeue_ms = 1;
        }
        next_effect(j);
        break;
    case GLY_CREATION_REFUSED:
    case GLY_CREATION_FINAL:
        driver_refused(j, result);
        break;
    case GLY_CREATION_TROUBLE:
        finish_later(j, "create driver", result->message);
        break;
    case GLY_CREATION_CANCELLED:
        free_job(j);
        break;
    }
}

static void next_effect(job *j) {
    if (j->effect == j->output.effect_count) {
        next_event(j);
        return;
    }
    const gly_application_effect *effect = &j->output.effects[j->effect++];
    switch (effect->kind) {
    case GLY_EFFECT_CREATE_DRIVER:
        gly_driver_creation_start(j->core, &j->application, j->output.next.attempts,
                                  on_driver_created, j);
        break;
    case GLY_EFFECT_DELETE_POD:
        send(j, "DELETE", path_of(j, &GLY_K8S_PODS, effect->pod, NULL, NULL),
             gly_operator_core_delete_options(NULL, -1), NULL, on_deleted);
        break;
    case GLY_EFFECT_DELETE_EXECUTORS:
        delete_executors(j);
        break;
    case GLY_EFFECT_DELETE_APPLICATION:
        send(j, "DELETE", path_of(j, &GLY_K8S_APPLICATIONS, j->name, NULL, NULL),
             gly_operator_core_delete_options(j->uid, -1), NULL, on_application_deleted);
        break;
    }
}

/* --- reading --- */

static void decide(job *j) {
    gly_application_stray *strays;
    j->input.stray_count =
        gly_application_table_strays(j->arena, j->record, j->state.attempts, &strays);
    j->input.strays = strays;
    gly_application_state_step(j->arena, &j->input, &j->output);
    j->warning =
        j->input.is_deleting ? NULL : gly_json_field_find(j->object, "status", "warnings", NULL);
    j->warning = cJSON_IsArray(j->warning) ? j->warning->child : NULL;
    next_effect(j);
}

/* The newest Warning; times compare as texts. */
static void on_pod_events(job *j, gly_k8s_response *response) {
    if (response->status == GLY_OK) {
        j->pod_events = response->body;
        response->body = NULL;
        const cJSON *event;
        const char *newest = "";
        cJSON_ArrayForEach(event, gly_json_field_get(j->pod_events, "items")) {
            const char *time = gly_json_field_string_or(event, "lastTimestamp", "");
            if (time[0] == '\0') {
                time = gly_json_field_string_or(event, "eventTime", "");
            }
            if (strcmp(time, newest) >= 0) {
                newest = time;
                j->input.pod_warning_reason = gly_json_field_string_or(event, "reason", "Warning");
                j->input.pod_warning = gly_json_field_string_or(event, "message", "");
            }
        }
    }
    decide(j);
}

static void ask_for_pod_events(job *j) {
    gly_builder query = {0};
    gly_builder_format(&query, "fieldSelector=involvedObject.uid%%3D%s%%2Ctype%%3DWarning&limit=20",
                       j->pod.uid);
    gly_str path = path_of(j, &GLY_K8S_EVENTS, NULL, NULL, query.data);
    gly_builder_clear(&query);
    send(j, "GET", path, NULL, NULL, on_pod_events);
}

static void on_pod(job *j, gly_k8s_response *response) {
    if (response->http_code != 404 && response->status != GLY_OK) {
        finish_later(j, "driver pod", response->message);
        return;
    }
    if (response->status == GLY_OK && gly_driver_creation_is_ours(response->body, j->uid)) {
        j->pod_object = response->body;
        response->body = NULL;
        gly_pod_state_read(j->arena, j->pod_object, &j->pod);
        j->input.pod = &j->pod;
        if (j->pod.phase == GLY_POD_PENDING && j->pod.trouble[0] == '\0' &&
            j->pod.node[0] != '\0' && j->input.now_ms - j->pod.created_ms > PENDING_SILENT_MS) {
            ask_for_pod_events(j);
            return;
        }
    }
    decide(j);
}

static void read_application(job *j) {
    const cJSON *metadata = gly_json_field_get(j->object, "metadata");
    const cJSON *generation = gly_json_field_get(metadata, "generation");
    j->uid = gly_json_field_string_or(metadata, "uid", "");
    gly_application_status_read(j->object, &j->state);
    gly_status status =
        gly_application_read(j->arena, j->object, &j->core->defaults, &j->application, &j->invalid);
    j->input = (gly_application_state_input){
        .now_ms = gly_clock_wall_ms(),
        .generation = cJSON_IsNumber(generation) ? (int64_t)generation->valuedouble : 0,
        .name = j->name,
        .is_deleting = gly_json_field_get(metadata, "deletionTimestamp") != NULL,
        .application = status == GLY_OK ? &j->application : NULL,
        .invalid = j->invalid.message,
        .state = &j->state,
    };
}

static void on_application(job *j, gly_k8s_response *response) {
    if (response->http_code == 404) {
        finish_gone(j);
        return;
    }
    if (response->status != GLY_OK || response->body == NULL) {
        finish_later(j, "application", response->message);
        return;
    }
    j->object = response->body;
    response->body = NULL;
    read_application(j);
    gly_application_table_is_uid(j->record, j->uid);
    if (j->input.is_deleting || j->state.attempts == 0) {
        decide(j);
        return;
    }
    const char *pod = gly_names_driver_pod(j->arena, j->name, j->state.attempts);
    send(j, "GET", path_of(j, &GLY_K8S_PODS, pod, NULL, NULL), NULL, NULL, on_pod);
}

void gly_reconcile_application_key(const char *namespace_name, const char *name,
                                   gly_builder *ret_key) {
    gly_builder_format(ret_key, "a/%s/%s", namespace_name, name);
}

void gly_reconcile_application_start(gly_operator_core *core, const char *namespace_name,
                                     const char *name) {
    gly_application_record *record =
        gly_application_table_get(core->applications, namespace_name, name);
    if (record->is_active) {
        record->is_dirty = true; /* looked at again when the present one ends */
        return;
    }
    job *j = GLY_NEW(job);
    j->core = core;
    j->record = record;
    j->arena = gly_arena_make();
    j->begin_ns = gly_clock_ns();
    j->namespace_name = gly_arena_string(j->arena, namespace_name);
    j->name = gly_arena_string(j->arena, name);
    j->requeue_ms = -1;
    j->output.requeue_ms = -1;
    gly_reconcile_application_key(namespace_name, name, &j->key);
    record->is_active = true;
    record->is_dirty = record->is_seen = false;
    core->in_flight++;
    send(j, "GET", path_of(j, &GLY_K8S_APPLICATIONS, name, NULL, NULL), NULL, NULL, on_application);
}

/* --- what the watches see --- */

static void add_to_queue(gly_operator_core *core, const char *namespace_name, const char *name) {
    gly_builder key = {0};
    gly_reconcile_application_key(namespace_name, name, &key);
    gly_work_queue_add(core->queue, gly_builder_str(&key), gly_clock_ms(), 0);
    gly_builder_clear(&key);
}

void gly_reconcile_application_seen(gly_operator_core *core, const cJSON *application,
                                    bool is_deleted) {
    const cJSON *metadata = gly_json_field_get(application, "metadata");
    const char *namespace_name = gly_json_field_string_or(metadata, "namespace", "");
    const char *name = gly_json_field_string_or(metadata, "name", "");
    gly_application_record *record =
        gly_application_table_get(core->applications, namespace_name, name);
    if (is_deleted) {
        gly_reconcile_schedule_application_seen(core, application);
        if (record->exists) {
            set_phase(core, record, GLY_PHASE_NONE);
            record->exists = false;
        }
        gly_application_table_release(core->applications, record);
        return;
    }
    record->exists = true;
    gly_application_table_is_uid(record, gly_json_field_string_or(metadata, "uid", ""));
    uint64_t hash = gly_application_status_hash(application);
    if (record->first_seen_ms == 0) {
        record->first_seen_ms = gly_clock_ms();
    }
    if (record->seen_hash != hash) {
        gly_reconcile_schedule_application_seen(core, application);
    }
    record->seen_hash = hash;
    if (record->is_active) {
        record->is_seen = true;
    } else if (hash != record->done_hash) {
        add_to_queue(core, namespace_name, name);
    }
}

/* Name and uid of the application that owns a driver pod; false: none does. */
static bool owner_of(const cJSON *metadata, const char **ret_name, const char **ret_uid) {
    const cJSON *owner;
    cJSON_ArrayForEach(owner, gly_json_field_get(metadata, "ownerReferences")) {
        if (strcmp(gly_json_field_string_or(owner, "kind", ""), GLY_K8S_APPLICATIONS.kind) == 0) {
            *ret_name = gly_json_field_string_or(owner, "name", "");
            *ret_uid = gly_json_field_string_or(owner, "uid", "");
            return true;
        }
    }
    return false;
}

/* Only the name is sure in a deletion after a gap; then every record is asked, which is rare. */
void gly_reconcile_application_pod_seen(gly_operator_core *core, const cJSON *pod,
                                        bool is_deleted) {
    const cJSON *metadata = gly_json_field_get(pod, "metadata");
    const char *namespace_name = gly_json_field_string_or(metadata, "namespace", "");
    const char *pod_name = gly_json_field_string_or(metadata, "name", "");
    const char *name, *uid = "";
    gly_application_record *record;
    bool is_changed = true;
    if (owner_of(metadata, &name, &uid)) {
        record = gly_application_table_get(core->applications, namespace_name, name);
    } else {
        record = gly_application_table_with_pod(core->applications, namespace_name, pod_name);
        if (record == NULL) {
            return;
        }
        name = record->name;
    }
    if (is_deleted) {
        gly_application_table_remove_pod(record, pod_name);
    } else {
        gly_arena *arena = gly_arena_make();
        gly_pod_state state;
        gly_pod_state_read(arena, pod, &state);
        is_changed = gly_application_table_put_pod(record, uid, &state);
        gly_arena_free(arena);
    }
    if (!record->exists) {
        gly_application_table_release(core->applications, record);
    } else if (record->is_active) {
        record->is_dirty = record->is_dirty || is_changed;
    } else if (is_changed) {
        add_to_queue(core, namespace_name, name);
    }
}
