/* tls_secret.c - the two Secrets of an application's identity; see tls_secret.h. */
#include "k8s/pod/tls_secret.h"

#include "k8s/api/json_field.h"
#include "k8s/api/names.h"
#include "k8s/pod/pod_parts.h"

static cJSON *make(const gly_application *application, const char *name, const char *role,
                   const char *const (*entries)[2], size_t count) {
    cJSON *secret = cJSON_CreateObject();
    cJSON_AddStringToObject(secret, "apiVersion", "v1");
    cJSON_AddStringToObject(secret, "kind", "Secret");
    cJSON *metadata = cJSON_AddObjectToObject(secret, "metadata");
    cJSON_AddStringToObject(metadata, "name", name);
    cJSON_AddStringToObject(metadata, "namespace", application->namespace_name);
    gly_pod_parts_labels(cJSON_AddObjectToObject(metadata, "labels"), application, role);
    gly_pod_parts_owner(metadata, application);
    cJSON_AddStringToObject(secret, "type", "Opaque");
    cJSON_AddTrueToObject(secret, "immutable");
    cJSON *data = cJSON_AddObjectToObject(secret, "stringData");
    for (size_t i = 0; i < count; i++) {
        cJSON_AddStringToObject(data, entries[i][0], entries[i][1]);
    }
    return secret;
}

cJSON *gly_tls_secret_driver(const gly_application *application, const char *ca_certificate_pem,
                             const char *ca_key_pem) {
    gly_arena *arena = gly_arena_make();
    const char *const entries[][2] = {{"ca.crt", ca_certificate_pem}, {"ca.key", ca_key_pem}};
    cJSON *secret = make(application, gly_names_driver_tls(arena, application->name), "driver",
                         entries, GLY_ARRAY_LEN(entries));
    gly_arena_free(arena);
    return secret;
}

cJSON *gly_tls_secret_executor(const gly_application *application, const char *ca_certificate_pem,
                               const char *certificate_pem, const char *key_pem) {
    gly_arena *arena = gly_arena_make();
    const char *const entries[][2] = {
        {"ca.crt", ca_certificate_pem}, {"tls.crt", certificate_pem}, {"tls.key", key_pem}};
    cJSON *secret = make(application, gly_names_executor_tls(arena, application->name), "executor",
                         entries, GLY_ARRAY_LEN(entries));
    gly_arena_free(arena);
    return secret;
}

/* RFC 4648 section 4, padding needed. */
static const char *decode(gly_arena *arena, const char *text) {
    size_t size = strlen(text), written = 0;
    if (size % 4 != 0) {
        return NULL;
    }
    char *bytes = gly_arena_alloc(arena, size / 4 * 3 + 1);
    for (size_t i = 0; i < size; i += 4) {
        size_t padding = 0;
        uint32_t group = 0;
        for (size_t k = 0; k < 4; k++) {
            int value = gly_str_base64_digit(text[i + k]);
            if (text[i + k] == '=' && k >= 2 && i + 4 == size) {
                padding++;
                value = 0;
            } else if (value < 0 || padding > 0) {
                return NULL;
            }
            group = group << 6 | (uint32_t)value;
        }
        for (size_t k = 0; k < 3 - padding; k++) {
            bytes[written++] = (char)(group >> (16 - 8 * k));
        }
    }
    bytes[written] = '\0';
    return bytes;
}

const char *gly_tls_secret_text(gly_arena *arena, const cJSON *secret, const char *key) {
    const char *plain =
        gly_json_field_string_or(gly_json_field_get(secret, "stringData"), key, NULL);
    if (plain != NULL) {
        return gly_arena_string(arena, plain);
    }
    const char *text = gly_json_field_string_or(gly_json_field_get(secret, "data"), key, NULL);
    return text == NULL ? NULL : decode(arena, text);
}
