/* application_status.c - the operator's part of the status, JSON to struct and back.
 *
 * Arrays are written whole (a merge patch knows nothing else), which is right, because they have
 * one writer.  Keys of the driver (executors, progress, display, warnings) are its own while it
 * lives; once it has ended, its last words may say what it could not write any more. Not
 * here: what the status should be (application_state.c).
 */
#include "k8s/operator/application_status.h"

#include "k8s/api/json_field.h"
#include "k8s/api/rfc3339.h"
#include "lib/base/hash.h"

static const char *const condition_types[GLY_CONDITION_COUNT] = {
    [GLY_CONDITION_READY] = "Ready",
    [GLY_CONDITION_PROGRESSING] = "Progressing",
    [GLY_CONDITION_COMPLETE] = "Complete",
    [GLY_CONDITION_FAILED] = "Failed",
};

enum { CONDITION_REASON_MAX = 1024, CONDITION_MESSAGE_MAX = 4096 };

static int64_t read_time(const cJSON *object, const char *key) {
    int64_t ms;
    return gly_rfc3339_parse(gly_str_of(gly_json_field_string_or(object, key, "")), &ms) ? ms : 0;
}

static uint32_t read_count(const cJSON *object, const char *key) {
    const cJSON *value = gly_json_field_get(object, key);
    if (!cJSON_IsNumber(value) || !(value->valuedouble >= 0 && value->valuedouble <= 1e9)) {
        return 0;
    }
    return (uint32_t)value->valuedouble;
}

void gly_application_status_read_condition(const cJSON *status, const char *type,
                                           gly_application_condition *ret) {
    *ret = (gly_application_condition){.reason = "", .message = ""};
    const cJSON *condition;
    cJSON_ArrayForEach(condition, gly_json_field_get(status, "conditions")) {
        if (strcmp(gly_json_field_string_or(condition, "type", ""), type) == 0) {
            ret->is_known = true;
            ret->is_true = strcmp(gly_json_field_string_or(condition, "status", ""), "True") == 0;
            ret->reason = gly_json_field_string_or(condition, "reason", "");
            ret->message = gly_json_field_string_or(condition, "message", "");
            ret->changed_ms = read_time(condition, "lastTransitionTime");
            return;
        }
    }
}

static void read_history(const cJSON *status, gly_application_state *ret) {
    const cJSON *history = gly_json_field_get(status, "history");
    int skip = cJSON_GetArraySize(history) - GLY_APPLICATION_HISTORY_MAX; /* the oldest */
    const cJSON *entry;
    cJSON_ArrayForEach(entry, history) {
        gly_application_phase phase;
        gly_str state = gly_str_of(gly_json_field_string_or(entry, "state", ""));
        if (skip-- > 0 || !gly_application_state_parse(state, &phase)) {
            continue;
        }
        ret->history[ret->history_count++] = (gly_application_history){
            .time_ms = read_time(entry, "time"),
            .phase = phase,
            .attempt = read_count(entry, "attempt"),
            .reason = gly_json_field_string_or(entry, "reason", ""),
        };
    }
}

void gly_application_status_read(const cJSON *object, gly_application_state *ret) {
    gly_application_state_init(ret);
    const cJSON *status = gly_json_field_get(object, "status");
    if (status == NULL) {
        return;
    }
    gly_str phase = gly_str_of(gly_json_field_string_or(status, "state", ""));
    if (!gly_application_state_parse(phase, &ret->phase)) {
        ret->phase = GLY_PHASE_NONE;
    }
    ret->attempts = read_count(status, "attempts");
    ret->failures = read_count(status, "failures");
    ret->driver_pod = gly_json_field_string_or(gly_json_field_get(status, "driver"), "pod", "");
    ret->cause = gly_json_field_string_or(status, "cause", "");
    for (int i = 0; i < GLY_CONDITION_COUNT; i++) {
        gly_application_status_read_condition(status, condition_types[i], &ret->conditions[i]);
    }
    read_history(status, ret);
    ret->start_ms = read_time(status, "startTime");
    ret->completion_ms = read_time(status, "completionTime");
    ret->observed_generation = read_count(status, "observedGeneration");
}

/* A copy of at most size bytes that ends between characters. */
static const char *bounded(gly_arena *arena, const char *text, size_t size) {
    size_t length = strnlen(text, size + 1);
    if (length <= size) {
        return text;
    }
    length = size;
    while (length > 0 && ((uint8_t)text[length] & 0xC0) == 0x80) {
        length--;
    }
    return gly_arena_str(arena, (gly_str){text, length}).data;
}

cJSON *gly_application_status_condition(gly_arena *arena, const char *type,
                                        const gly_application_condition *condition,
                                        int64_t generation) {
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "type", type);
    cJSON_AddStringToObject(json, "status", condition->is_true ? "True" : "False");
    cJSON_AddNumberToObject(json, "observedGeneration", (double)generation);
    cJSON_AddStringToObject(json, "lastTransitionTime",
                            gly_rfc3339_format(arena, condition->changed_ms));
    const char *reason = condition->reason[0] == '\0' ? "Unknown" : condition->reason;
    cJSON_AddStringToObject(json, "reason", bounded(arena, reason, CONDITION_REASON_MAX));
    cJSON_AddStringToObject(json, "message",
                            bounded(arena, condition->message, CONDITION_MESSAGE_MAX));
    return json;
}

static void add_time(gly_arena *arena, cJSON *object, const char *key, int64_t ms) {
    if (ms == 0) {
        cJSON_AddNullToObject(object, key); /* in a merge patch: remove */
    } else {
        cJSON_AddStringToObject(object, key, gly_rfc3339_format(arena, ms));
    }
}

static cJSON *history_json(gly_arena *arena, const gly_application_state *state) {
    cJSON *array = cJSON_CreateArray();
    for (uint32_t i = 0; i < state->history_count; i++) {
        const gly_application_history *entry = &state->history[i];
        cJSON *json = cJSON_CreateObject();
        cJSON_AddStringToObject(json, "time", gly_rfc3339_format_micro(arena, entry->time_ms));
        cJSON_AddStringToObject(json, "state", gly_application_state_name(entry->phase));
        cJSON_AddNumberToObject(json, "attempt", entry->attempt);
        cJSON_AddStringToObject(json, "reason", entry->reason);
        cJSON_AddItemToArray(array, json);
    }
    return array;
}

cJSON *gly_application_status_patch(gly_arena *arena, const gly_application_state *state,
                                    const char *resource_version) {
    cJSON *patch = cJSON_CreateObject();
    cJSON *metadata = cJSON_AddObjectToObject(patch, "metadata");
    cJSON_AddStringToObject(metadata, "resourceVersion", resource_version);
    cJSON *status = cJSON_AddObjectToObject(patch, "status");
    cJSON_AddStringToObject(status, "state", gly_application_state_name(state->phase));
    cJSON_AddNumberToObject(status, "attempts", state->attempts);
    cJSON_AddNumberToObject(status, "failures", state->failures);
    if (state->driver_pod[0] == '\0') {
        cJSON_AddNullToObject(status, "driver");
    } else {
        cJSON *driver = cJSON_AddObjectToObject(status, "driver");
        cJSON_AddStringToObject(driver, "pod", state->driver_pod);
        cJSON_AddNumberToObject(driver, "attempt", state->attempts);
    }
    cJSON_AddStringToObject(status, "cause", bounded(arena, state->cause, CONDITION_MESSAGE_MAX));
    cJSON *conditions = cJSON_AddArrayToObject(status, "conditions");
    for (int i = 0; i < GLY_CONDITION_COUNT; i++) {
        if (state->conditions[i].is_known) {
            cJSON_AddItemToArray(conditions, gly_application_status_condition(
                                                 arena, condition_types[i], &state->conditions[i],
                                                 state->observed_generation));
        }
    }
    cJSON_AddItemToObject(status, "history", history_json(arena, state));
    add_time(arena, status, "startTime", state->start_ms);
    add_time(arena, status, "completionTime", state->completion_ms);
    cJSON_AddNumberToObject(status, "observedGeneration", (double)state->observed_generation);
    return patch;
}

/* Whole, not negative, and few enough digits to be printed as an integer: anything else the API
 * server would refuse, and the operator's part with it. */
static bool is_count(const cJSON *value) {
    const double most = 1e15;
    return cJSON_IsNumber(value) && value->valuedouble >= 0 && value->valuedouble < most &&
           value->valuedouble == (double)(int64_t)value->valuedouble;
}

/* Of the keys `names` of `from`: counts, or short texts. */
static void copy_known(cJSON *status, const cJSON *from, const char *key, bool is_text,
                       const char *const *names, size_t count) {
    enum { LONGEST = 64 };
    const cJSON *source = gly_json_field_get(from, key);
    cJSON *target = cJSON_CreateObject();
    for (size_t i = 0; i < count; i++) {
        const cJSON *value = gly_json_field_get(source, names[i]);
        if (is_text && cJSON_IsString(value) && strlen(value->valuestring) <= LONGEST) {
            cJSON_AddStringToObject(target, names[i], value->valuestring);
        } else if (!is_text && is_count(value)) {
            cJSON_AddNumberToObject(target, names[i], value->valuedouble);
        }
    }
    if (target->child != NULL) {
        cJSON_AddItemToObject(status, key, target);
    } else {
        cJSON_Delete(target);
    }
}

void gly_application_status_add_last_words(cJSON *patch, const char *words) {
    static const char *const executors[] = {"wanted", "running", "pending", "lost"};
    static const char *const progress[] = {
        "job",         "jobs",  "stage",           "stages",       "tasksDone",
        "tasksFailed", "tasks", "recomputedTasks", "spilledBytes", "shuffleBytes"};
    static const char *const display[] = {"stage", "tasks", "executors", "spill"};
    cJSON *parsed = words[0] == '{' ? cJSON_Parse(words) : NULL;
    const cJSON *from = gly_json_field_get(parsed, "status");
    cJSON *status = cJSON_GetObjectItemCaseSensitive(patch, "status");
    copy_known(status, from, "executors", false, executors, GLY_ARRAY_LEN(executors));
    copy_known(status, from, "progress", false, progress, GLY_ARRAY_LEN(progress));
    copy_known(status, from, "display", true, display, GLY_ARRAY_LEN(display));
    cJSON_Delete(parsed);
}

static bool condition_equal(const gly_application_condition *a,
                            const gly_application_condition *b) {
    return a->is_known == b->is_known && a->is_true == b->is_true &&
           strcmp(a->reason, b->reason) == 0 && strcmp(a->message, b->message) == 0;
}

bool gly_application_status_equal(const gly_application_state *a, const gly_application_state *b) {
    for (int i = 0; i < GLY_CONDITION_COUNT; i++) {
        if (!condition_equal(&a->conditions[i], &b->conditions[i])) {
            return false;
        }
    }
    /* Times and history change with the phase only. */
    return a->phase == b->phase && a->attempts == b->attempts && a->failures == b->failures &&
           a->history_count == b->history_count &&
           a->observed_generation == b->observed_generation &&
           (a->start_ms == 0) == (b->start_ms == 0) &&
           (a->completion_ms == 0) == (b->completion_ms == 0) &&
           strcmp(a->driver_pod, b->driver_pod) == 0 && strcmp(a->cause, b->cause) == 0;
}

static uint64_t hash_text(uint64_t hash, const char *text) {
    return gly_hash_combine(hash, gly_hash_bytes(text, strlen(text)));
}

uint64_t gly_application_status_hash(const cJSON *object) {
    const cJSON *metadata = gly_json_field_get(object, "metadata");
    const cJSON *status = gly_json_field_get(object, "status");
    uint64_t hash = read_count(metadata, "generation");
    hash = hash_text(hash, gly_json_field_string_or(metadata, "uid", ""));
    hash = hash_text(hash, gly_json_field_string_or(metadata, "deletionTimestamp", ""));
    hash = hash_text(hash, gly_json_field_string_or(status, "state", ""));
    hash = hash_text(hash, gly_json_field_string_or(status, "cause", ""));
    hash = gly_hash_combine(hash, read_count(status, "attempts"));
    hash = gly_hash_combine(hash, read_count(status, "observedGeneration"));
    hash =
        hash_text(hash, gly_json_field_string_or(gly_json_field_get(status, "driver"), "pod", ""));
    const cJSON *item;
    cJSON_ArrayForEach(item, gly_json_field_get(status, "conditions")) {
        hash = hash_text(hash, gly_json_field_string_or(item, "reason", ""));
        hash = hash_text(hash, gly_json_field_string_or(item, "status", ""));
    }
    cJSON_ArrayForEach(item, gly_json_field_get(status, "warnings")) {
        hash = hash_text(hash, gly_json_field_string_or(item, "time", ""));
        hash = hash_text(hash, gly_json_field_string_or(item, "reason", ""));
        hash = hash_text(hash, gly_json_field_string_or(item, "message", ""));
    }
    return hash;
}
