/* json_field.c - fields of a JSON object with a type, a default and limits; see json_field.h.
 *
 * Everything here reads what a user or another program wrote: no value is trusted to have the type
 * that its schema promises.  Quantities and durations are parsed in quantity.c.
 */
#include "k8s/api/json_field.h"

#include "k8s/api/application.h"

#include <math.h>
#include <stdio.h>

static const char *join(gly_arena *arena, const char *path, const char *key) {
    if (path[0] == '\0') {
        return gly_arena_string(arena, key);
    }
    return gly_arena_format(arena, "%s.%s", path, key);
}

void gly_json_field_fail(gly_json_field_reader *reader, const char *path, const char *key,
                         const char *format, ...) {
    if (reader->status != GLY_OK) {
        return;
    }
    char sentence[640];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    reader->status = gly_fail(reader->err, GLY_E_INVALID_ARGUMENT, "%s%s%s: %s", path,
                              path[0] != '\0' && key[0] != '\0' ? "." : "", key, sentence);
}

const cJSON *gly_json_field_get(const cJSON *object, const char *key) {
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNull(value) ? NULL : value;
}

const cJSON *gly_json_field_find(const cJSON *object, ...) {
    va_list keys;
    va_start(keys, object);
    const char *key;
    while (object != NULL && (key = va_arg(keys, const char *)) != NULL) {
        object = cJSON_IsObject(object) ? gly_json_field_get(object, key) : NULL;
    }
    va_end(keys);
    return object;
}

const char *gly_json_field_string_or(const cJSON *object, const char *key, const char *fallback) {
    const cJSON *value = gly_json_field_get(object, key);
    return cJSON_IsString(value) ? value->valuestring : fallback;
}

gly_json_field gly_json_field_child(gly_json_field_reader *reader, gly_json_field parent,
                                    const char *key) {
    gly_json_field child = {gly_json_field_get(parent.object, key),
                            join(reader->arena, parent.path, key)};
    if (child.object != NULL && !cJSON_IsObject(child.object)) {
        gly_json_field_fail(reader, child.path, "", "must be an object");
        child.object = NULL;
    }
    return child;
}

const char *gly_json_field_text(gly_json_field_reader *reader, gly_json_field parent,
                                const char *key, const char *fallback) {
    const cJSON *value = gly_json_field_get(parent.object, key);
    if (value == NULL || reader->status != GLY_OK) {
        return fallback;
    }
    if (!cJSON_IsString(value)) {
        gly_json_field_fail(reader, parent.path, key, "must be a text");
        return fallback;
    }
    return value->valuestring[0] == '\0' ? fallback : value->valuestring;
}

bool gly_json_field_flag(gly_json_field_reader *reader, gly_json_field parent, const char *key,
                         bool fallback) {
    const cJSON *value = gly_json_field_get(parent.object, key);
    if (value == NULL || reader->status != GLY_OK) {
        return fallback;
    }
    if (!cJSON_IsBool(value)) {
        gly_json_field_fail(reader, parent.path, key, "must be true or false");
        return fallback;
    }
    return cJSON_IsTrue(value);
}

uint32_t gly_json_field_count(gly_json_field_reader *reader, gly_json_field parent, const char *key,
                              uint32_t least, uint32_t most, uint32_t fallback) {
    const cJSON *value = gly_json_field_get(parent.object, key);
    if (value == NULL || reader->status != GLY_OK) {
        return fallback;
    }
    if (!cJSON_IsNumber(value)) {
        gly_json_field_fail(reader, parent.path, key, "must be a number from %u to %u", least,
                            most);
        return fallback;
    }
    double number = value->valuedouble;
    if (!(number >= least && number <= most) || number != floor(number)) {
        gly_json_field_fail(reader, parent.path, key,
                            "must be a whole number from %u to %u, not %g", least, most, number);
        return fallback;
    }
    return (uint32_t)number;
}

uint64_t gly_json_field_bytes(gly_json_field_reader *reader, gly_json_field parent, const char *key,
                              uint64_t least, uint64_t fallback) {
    const cJSON *value = gly_json_field_get(parent.object, key);
    if (value == NULL || reader->status != GLY_OK) {
        return fallback;
    }
    uint64_t bytes = 0;
    const char *text = "";
    char number[32];
    bool is_good = false;
    if (cJSON_IsString(value)) {
        text = value->valuestring;
        is_good = gly_application_parse_quantity(gly_str_of(text), &bytes);
    } else if (cJSON_IsNumber(value)) {
        snprintf(number, sizeof number, "%.0f", value->valuedouble);
        text = number;
        is_good = gly_application_parse_quantity(gly_str_of(text), &bytes);
    }
    if (!is_good) {
        gly_json_field_fail(reader, parent.path, key, "'%.60s' is no quantity; write 512Mi or 2Gi",
                            text);
        return fallback;
    }
    if (bytes < least || bytes > INT64_MAX) {
        char limit[32];
        gly_str_format_bytes(least, limit, sizeof limit);
        gly_json_field_fail(reader, parent.path, key,
                            bytes < least
                                ? "%.60s is %llu bytes, at least %s are needed; write 512Mi or 2Gi"
                                : "%.60s is %llu bytes, which is more than there can be",
                            text, (unsigned long long)bytes, limit);
        return fallback;
    }
    return bytes;
}

int64_t gly_json_field_duration(gly_json_field_reader *reader, gly_json_field parent,
                                const char *key, int64_t fallback_ms) {
    const cJSON *value = gly_json_field_get(parent.object, key);
    if (value == NULL || reader->status != GLY_OK) {
        return fallback_ms;
    }
    int64_t ms = 0;
    if (!cJSON_IsString(value) ||
        !gly_application_parse_duration(gly_str_of(value->valuestring), &ms)) {
        gly_json_field_fail(reader, parent.path, key,
                            "'%.60s' is no duration; write 500ms, 30s, 10m or 1h30m",
                            cJSON_IsString(value) ? value->valuestring : "");
        return fallback_ms;
    }
    return ms;
}

uint32_t gly_json_field_choice(gly_json_field_reader *reader, gly_json_field parent,
                               const char *key, const char *const *names, uint32_t count,
                               uint32_t fallback) {
    const cJSON *value = gly_json_field_get(parent.object, key);
    if (value == NULL || reader->status != GLY_OK) {
        return fallback;
    }
    gly_builder list = {0};
    for (uint32_t i = 0; i < count; i++) {
        if (cJSON_IsString(value) && strcmp(value->valuestring, names[i]) == 0) {
            gly_builder_clear(&list);
            return i;
        }
        gly_builder_format(&list, "%s%s", i == 0 ? "" : i + 1 == count ? " or " : ", ", names[i]);
    }
    gly_json_field_fail(reader, parent.path, key, "must be %s, not '%.60s'", list.data,
                        cJSON_IsString(value) ? value->valuestring : "");
    gly_builder_clear(&list);
    return fallback;
}
