/* reconcile_schedule.c - GalleySchedules, as CronJob does it.
 *
 *   GET schedule -> LIST its applications -> decide -> create -> deletes -> Event -> PATCH status
 *
 * The application is made before lastScheduleTime says so, under a name that holds its time: killed
 * between the two, the next operator finds it there.  With Forbid lastScheduleTime is left alone,
 * so that the run is made up for when the earlier one ends, if its starting deadline allows.
 */
#include "k8s/operator/reconcile_schedule.h"

#include "k8s/api/json_field.h"
#include "k8s/api/names.h"
#include "k8s/api/rfc3339.h"
#include "k8s/operator/application_status.h"
#include "k8s/operator/event_writer.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"

#include <stdlib.h>

enum { LOOK_AT_MOST_MS = 3600000, LOOK_AFTER_WRITE_MS = 1000, ACTIVE_SHOWN_MAX = 50 };

/* --- deciding --- */

static int newest_first(const void *a, const void *b) {
    const gly_schedule_run *left = a, *right = b;
    if (left->time_ms != right->time_ms) {
        return left->time_ms > right->time_ms ? -1 : 1;
    }
    return strcmp(left->name, right->name);
}

void gly_reconcile_schedule_decide(gly_arena *arena, const gly_schedule *schedule,
                                   const gly_schedule_due *due, gly_schedule_run *runs,
                                   uint32_t run_count, gly_schedule_decision *ret) {
    *ret = (gly_schedule_decision){.create_ms = -1, .last_schedule_ms = schedule->last_schedule_ms};
    ret->deletes = GLY_ARENA_ARRAY(arena, const gly_schedule_run *, run_count + 1);
    ret->active = GLY_ARENA_ARRAY(arena, const gly_schedule_run *, run_count + 1);
    if (run_count > 0) {
        qsort(runs, run_count, sizeof *runs, newest_first);
    }
    const char *name =
        due->due_ms < 0 ? "" : gly_schedule_application_name(arena, schedule, due->due_ms);
    bool exists = false;
    uint32_t succeeded = 0, failed = 0;
    for (uint32_t i = 0; i < run_count; i++) {
        const gly_schedule_run *run = &runs[i];
        exists = exists || strcmp(run->name, name) == 0;
        bool is_too_old =
            (run->phase == GLY_PHASE_SUCCEEDED && ++succeeded > schedule->successful_limit) ||
            (run->phase == GLY_PHASE_FAILED && ++failed > schedule->failed_limit);
        if (is_too_old && !run->is_deleting) {
            ret->deletes[ret->delete_count++] = run;
        } else if (!gly_application_state_is_ended(run->phase)) {
            ret->active[ret->active_count++] = run;
        }
    }
    if (due->due_ms < 0) {
        return;
    }
    if (exists) {
        ret->last_schedule_ms = due->due_ms;
        return;
    }
    if (schedule->concurrency == GLY_CONCURRENCY_FORBID && ret->active_count > 0) {
        ret->is_skipped = true;
        return;
    }
    if (schedule->concurrency == GLY_CONCURRENCY_REPLACE) {
        for (uint32_t i = 0; i < ret->active_count; i++) {
            if (!ret->active[i]->is_deleting) {
                ret->deletes[ret->delete_count++] = ret->active[i];
            }
        }
        ret->active_count = 0;
    }
    ret->create_ms = ret->last_schedule_ms = due->due_ms;
}

/* --- doing --- */

typedef struct look {
    gly_operator_core *core;
    gly_arena *arena;
    gly_builder key;
    const char *namespace_name, *name, *uid;
    cJSON *object, *list;
    gly_schedule schedule;
    gly_error invalid;
    bool is_valid;
    int64_t now_ms;
    gly_schedule_due due;
    gly_schedule_decision decision;
    uint32_t deleted;
    const char *cause, *reason; /* of the condition Ready */
    const char *event_reason, *event_message;
    bool event_is_warning;
    uint64_t event_identity;
    void (*next)(struct look *l, gly_k8s_response *response);
} look;

static void next_delete(look *l);

static void free_look(look *l) {
    l->core->in_flight--;
    cJSON_Delete(l->object);
    cJSON_Delete(l->list);
    gly_builder_clear(&l->key);
    gly_arena_free(l->arena);
    free(l);
}

static void finish(look *l, int64_t again_ms) {
    gly_str key = gly_builder_str(&l->key);
    gly_work_queue_forget(l->core->queue, key);
    if (again_ms >= 0) {
        gly_work_queue_add(l->core->queue, key, gly_clock_ms(),
                           GLY_MIN(GLY_MAX(again_ms, (int64_t)1), (int64_t)LOOK_AT_MOST_MS));
    }
    free_look(l);
}

static void finish_later(look *l, const char *why) {
    gly_log_warn("reconciling is tried again", GLY_LOG_STR("namespace", l->namespace_name),
                 GLY_LOG_STR("schedule", l->name), GLY_LOG_STR("error", why));
    gly_operator_metrics_add(&l->core->metrics->reconcile_errors, 1);
    gly_work_queue_retry(l->core->queue, gly_builder_str(&l->key), gly_clock_ms());
    free_look(l);
}

static void on_answer(void *context, gly_k8s_response *response) {
    look *l = context;
    gly_operator_core_count(l->core, response);
    if (response->status == GLY_E_CANCELLED) {
        free_look(l);
        return;
    }
    l->next(l, response);
}

static void send(look *l, const char *method, gly_str path, cJSON *body, const char *content_type,
                 void (*next)(look *l, gly_k8s_response *response)) {
    l->next = next;
    gly_operator_core_send(l->core, method, path, body, content_type, on_answer, l);
}

static int64_t next_look_ms(const look *l) {
    return !l->is_valid || l->due.next_ms < 0 ? -1 : l->due.next_ms - gly_clock_wall_ms();
}

static void on_status(look *l, gly_k8s_response *response) {
    if (response->http_code == 404) {
        finish(l, -1);
    } else if (response->http_code == 409) {
        finish(l, LOOK_AFTER_WRITE_MS);
    } else if (response->status != GLY_OK) {
        finish_later(l, response->message);
    } else {
        finish(l, next_look_ms(l));
    }
}

static void add_time(look *l, cJSON *status, const char *key, int64_t ms) {
    if (ms <= 0) {
        cJSON_AddNullToObject(status, key);
    } else {
        cJSON_AddStringToObject(status, key, gly_rfc3339_format(l->arena, ms));
    }
}

static cJSON *status_of(look *l) {
    cJSON *status = cJSON_CreateObject();
    bool has_next = l->is_valid && !l->schedule.suspend;
    add_time(l, status, "lastScheduleTime", l->is_valid ? l->decision.last_schedule_ms : 0);
    add_time(l, status, "nextScheduleTime", has_next ? l->due.next_ms : 0);
    cJSON_AddStringToObject(status, "cause", l->cause);
    const cJSON *generation = gly_json_field_find(l->object, "metadata", "generation", NULL);
    int64_t number = cJSON_IsNumber(generation) ? (int64_t)generation->valuedouble : 0;
    cJSON_AddNumberToObject(status, "observedGeneration", (double)number);
    cJSON *active = cJSON_AddArrayToObject(status, "active");
    for (uint32_t i = 0; i < l->decision.active_count && i < ACTIVE_SHOWN_MAX; i++) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "name", l->decision.active[i]->name);
        cJSON_AddStringToObject(item, "uid", l->decision.active[i]->uid);
        cJSON_AddItemToArray(active, item);
    }
    gly_application_condition ready;
    const cJSON *old = gly_json_field_get(l->object, "status");
    gly_application_status_read_condition(old, "Ready", &ready);
    bool is_true = l->is_valid && !l->schedule.suspend;
    if (!ready.is_known || ready.is_true != is_true) {
        ready.changed_ms = l->now_ms;
    }
    ready.is_true = is_true;
    ready.reason = l->reason;
    ready.message = l->cause;
    cJSON_AddItemToArray(cJSON_AddArrayToObject(status, "conditions"),
                         gly_application_status_condition(l->arena, "Ready", &ready, number));
    return status;
}

/* What a merge patch would change: keys that are null must be absent, others equal. */
static bool is_unchanged(const cJSON *old, const cJSON *new) {
    const cJSON *item;
    cJSON_ArrayForEach(item, new) {
        const cJSON *was = gly_json_field_get(old, item->string);
        if (cJSON_IsNull(item) ? was != NULL : !cJSON_Compare(was, item, true)) {
            return false;
        }
    }
    return true;
}

static void write_status(look *l) {
    cJSON *status = status_of(l);
    if (is_unchanged(gly_json_field_get(l->object, "status"), status)) {
        cJSON_Delete(status);
        finish(l, next_look_ms(l));
        return;
    }
    cJSON *patch = cJSON_CreateObject();
    const cJSON *metadata = gly_json_field_get(l->object, "metadata");
    cJSON_AddStringToObject(cJSON_AddObjectToObject(patch, "metadata"), "resourceVersion",
                            gly_json_field_string_or(metadata, "resourceVersion", ""));
    cJSON_AddItemToObject(patch, "status", status);
    send(l, "PATCH",
         gly_k8s_path(l->arena, &GLY_K8S_SCHEDULES, l->namespace_name, l->name, "status",
                      GLY_OPERATOR_MANAGER),
         patch, GLY_K8S_MERGE_PATCH, on_status);
}

static void on_event(void *context, bool is_cancelled) {
    look *l = context;
    if (is_cancelled) {
        free_look(l);
        return;
    }
    write_status(l);
}

static void write_event(look *l) {
    if (l->event_reason == NULL) {
        write_status(l);
        return;
    }
    gly_event_writer_event event = {.kind = &GLY_K8S_SCHEDULES,
                                    .namespace_name = l->namespace_name,
                                    .name = l->name,
                                    .uid = l->uid,
                                    .is_warning = l->event_is_warning,
                                    .reason = l->event_reason,
                                    .message = l->event_message,
                                    .identity = l->event_identity,
                                    .time_ms = l->now_ms};
    gly_event_writer_send(l->core, &event, on_event, l);
}

static void say(look *l, bool is_warning, const char *reason, const char *message,
                int64_t identity) {
    l->event_is_warning = is_warning;
    l->event_reason = reason;
    l->event_message = message;
    l->event_identity = (uint64_t)identity;
}

static void on_deleted(look *l, gly_k8s_response *response) {
    if (response->status != GLY_OK && response->http_code != 404 && response->http_code != 409) {
        finish_later(l, response->message);
        return;
    }
    next_delete(l);
}

static void next_delete(look *l) {
    if (l->deleted == l->decision.delete_count) {
        write_event(l);
        return;
    }
    const gly_schedule_run *run = l->decision.deletes[l->deleted++];
    send(l, "DELETE",
         gly_k8s_path(l->arena, &GLY_K8S_APPLICATIONS, l->namespace_name, run->name, NULL, NULL),
         gly_operator_core_delete_options(run->uid, -1), NULL, on_deleted);
}

static void on_created(look *l, gly_k8s_response *response) {
    const char *name = gly_schedule_application_name(l->arena, &l->schedule, l->decision.create_ms);
    if (response->status == GLY_OK) {
        gly_operator_metrics_add(&l->core->metrics->schedule_runs, 1);
        say(l, false, "ApplicationCreated",
            gly_arena_format(l->arena, "Created application %s.", name), l->decision.create_ms);
        gly_schedule_run *run = GLY_ARENA_NEW(l->arena, gly_schedule_run);
        run->name = name;
        run->uid = gly_arena_string(
            l->arena,
            gly_json_field_string_or(gly_json_field_get(response->body, "metadata"), "uid", ""));
        l->decision.active[l->decision.active_count++] = run;
    } else if (response->http_code == 409 || response->http_code == 422 ||
               response->http_code == 400 || response->http_code == 403) {
        /* Taken, or the template is not accepted: this run is lost, the next may be better. */
        l->reason = "ApplicationRefused";
        l->cause = gly_arena_format(l->arena, "application %s is refused: %s", name,
                                    gly_operator_core_words(response));
        say(l, true, l->reason, l->cause, l->decision.create_ms);
    } else {
        finish_later(l, response->message);
        return;
    }
    next_delete(l);
}

static void act(look *l) {
    if (l->due.late_ms >= 0) {
        say(l, true, "MissedSchedule",
            gly_arena_format(l->arena, "Missed the run of %s: its starting deadline has passed.",
                             gly_rfc3339_format(l->arena, l->due.late_ms)),
            l->due.late_ms);
    }
    if (l->decision.is_skipped) {
        l->reason = "ApplicationStillRuns";
        l->cause = gly_arena_format(
            l->arena, "the run of %s waits: concurrencyPolicy is Forbid and %s runs",
            gly_rfc3339_format(l->arena, l->due.due_ms), l->decision.active[0]->name);
        say(l, false, l->reason, l->cause, l->due.due_ms);
    }
    if (l->decision.create_ms < 0) {
        next_delete(l);
        return;
    }
    send(l, "POST",
         gly_k8s_path(l->arena, &GLY_K8S_APPLICATIONS, l->namespace_name, NULL, NULL,
                      GLY_OPERATOR_MANAGER),
         gly_schedule_application(&l->schedule, l->decision.create_ms), NULL, on_created);
}

/* The applications of the list that this schedule owns. */
static uint32_t read_runs(look *l, gly_schedule_run *runs) {
    uint32_t count = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, gly_json_field_get(l->list, "items")) {
        const cJSON *metadata = gly_json_field_get(item, "metadata");
        const cJSON *owner;
        bool is_ours = false;
        cJSON_ArrayForEach(owner, gly_json_field_get(metadata, "ownerReferences")) {
            is_ours |= strcmp(gly_json_field_string_or(owner, "uid", ""), l->uid) == 0;
        }
        if (!is_ours) {
            continue;
        }
        gly_schedule_run *run = &runs[count++];
        *run = (gly_schedule_run){.name = gly_json_field_string_or(metadata, "name", ""),
                                  .uid = gly_json_field_string_or(metadata, "uid", "")};
        run->is_deleting = gly_json_field_get(metadata, "deletionTimestamp") != NULL;
        gly_application_state state;
        gly_application_status_read(item, &state);
        run->phase = state.phase;
        const char *time = gly_json_field_string_or(
            gly_json_field_get(metadata, "annotations"), GLY_ANNOTATION_SCHEDULED,
            gly_json_field_string_or(metadata, "creationTimestamp", ""));
        if (!gly_rfc3339_parse(gly_str_of(time), &run->time_ms)) {
            run->time_ms = 0;
        }
    }
    return count;
}

static void on_list(look *l, gly_k8s_response *response) {
    if (response->status != GLY_OK) {
        finish_later(l, response->message);
        return;
    }
    l->list = response->body;
    response->body = NULL;
    int size = cJSON_GetArraySize(gly_json_field_get(l->list, "items"));
    gly_schedule_run *runs = GLY_ARENA_ARRAY(l->arena, gly_schedule_run, (size_t)size + 1);
    uint32_t count = read_runs(l, runs);
    l->due = gly_schedule_look(&l->schedule, l->now_ms);
    /* One more place than there are runs: the one that is made now. */
    gly_reconcile_schedule_decide(l->arena, &l->schedule, &l->due, runs, count, &l->decision);
    l->reason = l->schedule.suspend ? "Suspended" : "Scheduled";
    act(l);
}

static void on_schedule(look *l, gly_k8s_response *response) {
    if (response->http_code == 404) {
        finish(l, -1);
        return;
    }
    if (response->status != GLY_OK || response->body == NULL) {
        finish_later(l, response->message);
        return;
    }
    l->object = response->body;
    response->body = NULL;
    l->uid = gly_json_field_string_or(gly_json_field_get(l->object, "metadata"), "uid", "");
    l->is_valid = gly_schedule_read(l->arena, l->object, NULL, &l->schedule, &l->invalid) == GLY_OK;
    if (l->is_valid && l->schedule.is_deleting) {
        finish(l, -1);
        return;
    }
    if (!l->is_valid) {
        l->reason = "InvalidSpec";
        l->cause = l->invalid.message;
        const cJSON *generation = gly_json_field_find(l->object, "metadata", "generation", NULL);
        say(l, true, l->reason, l->cause,
            cJSON_IsNumber(generation) ? (int64_t)generation->valuedouble : 0);
        write_event(l);
        return;
    }
    gly_builder query = {0};
    gly_builder_format(&query, "labelSelector=%s%%3D%s", GLY_LABEL_SCHEDULE,
                       gly_names_label(l->arena, l->name));
    gly_str path =
        gly_k8s_path(l->arena, &GLY_K8S_APPLICATIONS, l->namespace_name, NULL, NULL, query.data);
    gly_builder_clear(&query);
    send(l, "GET", path, NULL, NULL, on_list);
}

void gly_reconcile_schedule_start(gly_operator_core *core, const char *namespace_name,
                                  const char *name) {
    look *l = GLY_NEW(look);
    l->core = core;
    l->arena = gly_arena_make();
    l->namespace_name = gly_arena_string(l->arena, namespace_name);
    l->name = gly_arena_string(l->arena, name);
    l->now_ms = gly_clock_wall_ms();
    l->cause = l->reason = "";
    l->due = (gly_schedule_due){-1, -1, -1};
    gly_builder_format(&l->key, "s/%s/%s", namespace_name, name);
    core->in_flight++;
    send(l, "GET", gly_k8s_path(l->arena, &GLY_K8S_SCHEDULES, namespace_name, name, NULL, NULL),
         NULL, NULL, on_schedule);
}

static void add_to_queue(gly_operator_core *core, const char *namespace_name, const char *name) {
    gly_builder key = {0};
    gly_builder_format(&key, "s/%s/%s", namespace_name, name);
    gly_work_queue_add(core->queue, gly_builder_str(&key), gly_clock_ms(), 0);
    gly_builder_clear(&key);
}

void gly_reconcile_schedule_seen(gly_operator_core *core, const cJSON *schedule) {
    const cJSON *metadata = gly_json_field_get(schedule, "metadata");
    add_to_queue(core, gly_json_field_string_or(metadata, "namespace", ""),
                 gly_json_field_string_or(metadata, "name", ""));
}

void gly_reconcile_schedule_application_seen(gly_operator_core *core, const cJSON *application) {
    const cJSON *metadata = gly_json_field_get(application, "metadata");
    const cJSON *owner;
    cJSON_ArrayForEach(owner, gly_json_field_get(metadata, "ownerReferences")) {
        if (strcmp(gly_json_field_string_or(owner, "kind", ""), GLY_K8S_SCHEDULES.kind) == 0) {
            add_to_queue(core, gly_json_field_string_or(metadata, "namespace", ""),
                         gly_json_field_string_or(owner, "name", ""));
        }
    }
}
