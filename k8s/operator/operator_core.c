/* operator_core.c - requests as the reconcilers send them. */
#include "k8s/operator/operator_core.h"

#include "k8s/api/json_field.h"

void gly_operator_core_send(gly_operator_core *core, const char *method, gly_str path, cJSON *body,
                            const char *content_type,
                            void (*on_done)(void *context, gly_k8s_response *response),
                            void *context) {
    char *text = body == NULL ? NULL : cJSON_PrintUnformatted(body);
    cJSON_Delete(body);
    gly_k8s_request request = {.method = method,
                               .path = path,
                               .body = text == NULL ? (gly_str){0} : gly_str_of(text),
                               .content_type = content_type,
                               .on_done = on_done,
                               .context = context};
    gly_k8s_client_send(core->client, &request);
    cJSON_free(text);
}

void gly_operator_core_count(gly_operator_core *core, const gly_k8s_response *response) {
    int code = response->http_code;
    if (code < 0 || code >= GLY_METRICS_CODES) {
        code = 0;
    }
    gly_operator_metrics_add(&core->metrics->requests[code], 1);
}

const char *gly_operator_core_words(const gly_k8s_response *response) {
    const char *words = gly_json_field_string_or(response->body, "message", "");
    return words[0] == '\0' ? response->message : words;
}

cJSON *gly_operator_core_delete_options(const char *uid, int grace_seconds) {
    cJSON *options = cJSON_CreateObject();
    cJSON_AddStringToObject(options, "kind", "DeleteOptions");
    cJSON_AddStringToObject(options, "apiVersion", "v1");
    cJSON_AddStringToObject(options, "propagationPolicy", "Background");
    if (grace_seconds >= 0) {
        cJSON_AddNumberToObject(options, "gracePeriodSeconds", grace_seconds);
    }
    if (uid != NULL) {
        cJSON_AddStringToObject(cJSON_AddObjectToObject(options, "preconditions"), "uid", uid);
    }
    return options;
}
