/* schedule.c - a GalleySchedule as a struct, what is due, what is made; see schedule.h. */
#include "k8s/api/schedule.h"

#include "k8s/api/json_field.h"
#include "k8s/api/names.h"
#include "k8s/api/rfc3339.h"

static int64_t time_or(const cJSON *object, const char *key, int64_t fallback) {
    int64_t ms;
    const char *text = gly_json_field_string_or(object, key, "");
    return gly_rfc3339_parse(gly_str_of(text), &ms) ? ms : fallback;
}

static void read_metadata(gly_json_field_reader *reader, gly_json_field root, gly_schedule *ret) {
    gly_json_field metadata = gly_json_field_child(reader, root, "metadata");
    ret->name = gly_json_field_text(reader, metadata, "name", NULL);
    ret->namespace_name = gly_json_field_text(reader, metadata, "namespace", "default");
    ret->uid = gly_json_field_text(reader, metadata, "uid", "");
    const cJSON *generation = gly_json_field_get(metadata.object, "generation");
    if (cJSON_IsNumber(generation) && generation->valuedouble >= 0 &&
        generation->valuedouble < 9e15) {
        ret->generation = (int64_t)generation->valuedouble;
    }
    ret->is_deleting = gly_json_field_get(metadata.object, "deletionTimestamp") != NULL;
    ret->created_ms = time_or(metadata.object, "creationTimestamp", 0);
    const cJSON *status = gly_json_field_get(root.object, "status");
    ret->last_schedule_ms = time_or(status, "lastScheduleTime", 0);
    if (ret->name == NULL) {
        gly_json_field_fail(reader, metadata.path, "name", "the schedule has no name");
        ret->name = "";
    }
}

static void read_times(gly_json_field_reader *reader, gly_json_field spec,
                       const char *zone_directory, gly_schedule *ret) {
    gly_error err;
    ret->text = gly_json_field_text(reader, spec, "schedule", "");
    ret->time_zone_name = gly_json_field_text(reader, spec, "timeZone", "UTC");
    if (reader->status == GLY_OK &&
        gly_cron_parse(gly_str_of(ret->text), &ret->cron, &err) != GLY_OK) {
        gly_json_field_fail(reader, spec.path, "schedule", "%s", err.message);
    }
    if (reader->status == GLY_OK &&
        gly_time_zone_load(reader->arena, ret->time_zone_name, zone_directory, &ret->time_zone,
                           &err) != GLY_OK) {
        gly_json_field_fail(reader, spec.path, "timeZone", "%s", err.message);
    }
    ret->starting_deadline_ms = gly_json_field_duration(reader, spec, "startingDeadline", -1);
}

gly_status gly_schedule_read(gly_arena *arena, const cJSON *object, const char *zone_directory,
                             gly_schedule *ret, gly_error *err) {
    static const char *const policies[] = {
        [GLY_CONCURRENCY_ALLOW] = "Allow",
        [GLY_CONCURRENCY_FORBID] = "Forbid",
        [GLY_CONCURRENCY_REPLACE] = "Replace",
    };
    gly_json_field_reader reader = {arena, err, GLY_OK};
    memset(ret, 0, sizeof *ret);
    if (!cJSON_IsObject(object)) {
        return gly_fail(err, GLY_E_INVALID_ARGUMENT, "a GalleySchedule must be a JSON object");
    }
    gly_json_field root = {object, ""};
    read_metadata(&reader, root, ret);
    gly_json_field spec = gly_json_field_child(&reader, root, "spec");
    read_times(&reader, spec, zone_directory, ret);
    ret->concurrency = (gly_concurrency_policy)gly_json_field_choice(
        &reader, spec, "concurrencyPolicy", policies, GLY_ARRAY_LEN(policies),
        GLY_CONCURRENCY_ALLOW);
    ret->suspend = gly_json_field_flag(&reader, spec, "suspend", false);
    ret->successful_limit =
        gly_json_field_count(&reader, spec, "successfulRunsHistoryLimit", 0, 1000, 3);
    ret->failed_limit = gly_json_field_count(&reader, spec, "failedRunsHistoryLimit", 0, 1000, 1);
    gly_json_field template = gly_json_field_child(&reader, spec, "template");
    gly_json_field metadata = gly_json_field_child(&reader, template, "metadata");
    (void)gly_json_field_child(&reader, metadata, "labels");
    (void)gly_json_field_child(&reader, metadata, "annotations");
    if (gly_json_field_child(&reader, template, "spec").object == NULL) {
        gly_json_field_fail(&reader, "spec.template.spec", "", "there is nothing to run");
    }
    ret->template = template.object;
    return reader.status;
}

gly_schedule_due gly_schedule_look(const gly_schedule *schedule, int64_t now_ms) {
    gly_schedule_due due = {-1, -1, -1};
    int64_t after = schedule->last_schedule_ms, found;
    if (after == 0) {
        after = schedule->created_ms;
    }
    if (schedule->suspend || schedule->is_deleting) {
        return due;
    }
    if (after > 0 && gly_cron_latest(&schedule->cron, schedule->time_zone, after, now_ms, &found)) {
        if (schedule->starting_deadline_ms >= 0 &&
            now_ms - found > schedule->starting_deadline_ms) {
            due.late_ms = found;
        } else {
            due.due_ms = found;
        }
    }
    if (gly_cron_next(&schedule->cron, schedule->time_zone, now_ms, &found)) {
        due.next_ms = found;
    }
    return due;
}

const char *gly_schedule_application_name(gly_arena *arena, const gly_schedule *schedule,
                                          int64_t due_ms) {
    return gly_names_scheduled(arena, schedule->name, due_ms / 60000);
}

static void copy_map(const cJSON *from, cJSON *to) {
    const cJSON *entry;
    cJSON_ArrayForEach(entry, from) {
        if (cJSON_IsString(entry)) {
            cJSON_DeleteItemFromObjectCaseSensitive(to, entry->string);
            cJSON_AddStringToObject(to, entry->string, entry->valuestring);
        }
    }
}

static void set_text(cJSON *object, const char *key, const char *value) {
    cJSON_DeleteItemFromObjectCaseSensitive(object, key);
    cJSON_AddStringToObject(object, key, value);
}

cJSON *gly_schedule_application(const gly_schedule *schedule, int64_t due_ms) {
    gly_arena *arena = gly_arena_make();
    cJSON *application = cJSON_CreateObject();
    cJSON_AddStringToObject(application, "apiVersion", "galley.dev/v1alpha1");
    cJSON_AddStringToObject(application, "kind", "GalleyApplication");
    cJSON *metadata = cJSON_AddObjectToObject(application, "metadata");
    cJSON_AddStringToObject(metadata, "name",
                            gly_schedule_application_name(arena, schedule, due_ms));
    cJSON_AddStringToObject(metadata, "namespace", schedule->namespace_name);
    const cJSON *given = gly_json_field_get(schedule->template, "metadata");
    cJSON *labels = cJSON_AddObjectToObject(metadata, "labels");
    copy_map(gly_json_field_get(given, "labels"), labels);
    set_text(labels, GLY_LABEL_SCHEDULE, gly_names_label(arena, schedule->name));
    cJSON *annotations = cJSON_AddObjectToObject(metadata, "annotations");
    copy_map(gly_json_field_get(given, "annotations"), annotations);
    set_text(annotations, GLY_ANNOTATION_SCHEDULED, gly_rfc3339_format(arena, due_ms));
    cJSON *owner = cJSON_CreateObject();
    cJSON_AddStringToObject(owner, "apiVersion", "galley.dev/v1alpha1");
    cJSON_AddStringToObject(owner, "kind", "GalleySchedule");
    cJSON_AddStringToObject(owner, "name", schedule->name);
    cJSON_AddStringToObject(owner, "uid", schedule->uid);
    cJSON_AddTrueToObject(owner, "controller");
    cJSON_AddFalseToObject(owner, "blockOwnerDeletion");
    cJSON_AddItemToArray(cJSON_AddArrayToObject(metadata, "ownerReferences"), owner);
    const cJSON *spec = gly_json_field_get(schedule->template, "spec");
    cJSON_AddItemToObject(application, "spec", cJSON_Duplicate(spec, true));
    gly_arena_free(arena);
    return application;
}
