/* check_application.c - asks for one application twice a second until it has come to an end.
 *
 * A poll instead of a watch: it lives for seconds, and must not be wrong about an application that
 * is deleted and made again while it looks.
 */
#include "k8s/operator/check_application.h"

#include "k8s/api/json_field.h"
#include "k8s/client/k8s_client.h"
#include "k8s/client/k8s_path.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"

#include <stdio.h>

enum { ASK_EVERY_MS = 500, ANSWER_MS = 5000, STATE_SIZE = 32, CAUSE_SIZE = 512 };

typedef struct seen {
    char state[STATE_SIZE], cause[CAUSE_SIZE];
} seen;

static void remember(const cJSON *object, seen *ret) {
    const cJSON *status = gly_json_field_get(object, "status");
    char state[STATE_SIZE];
    snprintf(state, sizeof state, "%s", gly_json_field_string_or(status, "state", ""));
    snprintf(ret->cause, sizeof ret->cause, "%s", gly_json_field_string_or(status, "cause", ""));
    if (strcmp(state, ret->state) != 0) {
        gly_log_info("the application's state", GLY_LOG_STR("state", state),
                     GLY_LOG_STR("cause", ret->cause));
        memcpy(ret->state, state, sizeof state);
    }
}

static gly_status ask_until(gly_k8s_client *client, const gly_k8s_request *request,
                            const char *name, int64_t end_ms, gly_error *err) {
    seen last = {.state = ""};
    for (;;) {
        cJSON *object = NULL;
        int http_code = 0;
        gly_status status = gly_k8s_client_call(client, request, &http_code, &object, err);
        if (status == GLY_OK) {
            remember(object, &last);
        }
        cJSON_Delete(object);
        if (status == GLY_OK && strcmp(last.state, "Succeeded") == 0) {
            return GLY_OK;
        }
        if (status == GLY_OK && strcmp(last.state, "Failed") == 0) {
            return gly_fail(err, GLY_E_INTERNAL, "The application %s has failed: %s", name,
                            last.cause);
        }
        if (status != GLY_OK && (http_code == 401 || http_code == 403)) {
            return status;
        }
        if (gly_clock_ms() >= end_ms) {
            return status != GLY_OK
                       ? status
                       : gly_fail(err, GLY_E_TIMEOUT,
                                  "The application %s has not ended in time; its state is '%s'%s%s",
                                  name, last.state,
                                  last.cause[0] == '\0' ? "" : ", its cause: ", last.cause);
        }
        gly_clock_sleep_ms(ASK_EVERY_MS);
    }
}

gly_status gly_check_application(const gly_k8s_config *config, const char *namespace_name,
                                 const char *name, int64_t timeout_ms, gly_error *err) {
    gly_k8s_client *client;
    GLY_TRY(gly_k8s_client_make(config, &client, err));
    gly_arena *arena = gly_arena_make();
    gly_k8s_request request = {
        .method = "GET",
        .path = gly_k8s_path(arena, &GLY_K8S_APPLICATIONS, namespace_name, name, NULL, NULL),
        .timeout_ms = ANSWER_MS,
        .max_attempts = 1};
    gly_status status = ask_until(client, &request, name, gly_clock_ms() + timeout_ms, err);
    gly_arena_free(arena);
    gly_k8s_client_free(client);
    return status;
}
