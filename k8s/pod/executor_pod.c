/* executor_pod.c - an executor's pod as JSON; see executor_pod.h and k8s/README.md.
 *
 * An executor talks to no API server, so it gets no token.  Executors are spread over the nodes as
 * far as there is room, unless the user's template says how.  There is no readiness probe: the
 * driver knows of an executor when it registers, which is sooner than any probe would say.
 */
#include "k8s/pod/executor_pod.h"

#include "k8s/api/json_field.h"
#include "k8s/api/names.h"

static void offer_spread(gly_pod_template *template) {
    const cJSON *selector_labels = template->labels;
    cJSON *constraint = cJSON_CreateObject();
    cJSON_AddNumberToObject(constraint, "maxSkew", 1);
    cJSON_AddStringToObject(constraint, "topologyKey", "kubernetes.io/hostname");
    cJSON_AddStringToObject(constraint, "whenUnsatisfiable", "ScheduleAnyway");
    cJSON *labels = cJSON_AddObjectToObject(cJSON_AddObjectToObject(constraint, "labelSelector"),
                                            "matchLabels");
    static const char *const keys[] = {GLY_LABEL_APPLICATION_UID, GLY_LABEL_ROLE};
    for (size_t i = 0; i < GLY_ARRAY_LEN(keys); i++) {
        cJSON_AddStringToObject(labels, keys[i],
                                gly_json_field_string_or(selector_labels, keys[i], ""));
    }
    cJSON *list = cJSON_CreateArray();
    cJSON_AddItemToArray(list, constraint);
    gly_pod_template_offer(template->spec, "topologySpreadConstraints", list);
}

/* Between SIGTERM and SIGKILL an executor hands its blocks over to others; the last seconds are for
 * its own end. */
static int64_t grace_ms(const gly_pod_template *template) {
    const cJSON *seconds = gly_json_field_get(template->spec, "terminationGracePeriodSeconds");
    double given = cJSON_IsNumber(seconds) ? cJSON_GetNumberValue(seconds) : 30;
    return given <= 3 ? 0 : given > 86400 ? 86400000 : (int64_t)(given * 900) - 2000;
}

/* The executor keeps to --memory, but for at most 15 % (what the allocator holds between tasks):
 * the pod's limit, at which the kernel kills, is above that. */
static uint64_t memory_bytes(const gly_application_role *role,
                             const gly_executor_pod_request *request) {
    uint64_t bytes = request->memory_bytes > 0 ? request->memory_bytes : role->memory_bytes;
    return bytes / 115 * 100;
}

static void set_command(gly_pod_template *template, gly_arena *arena,
                        const gly_application_role *role, const gly_executor_pod_request *request) {
    const char *const command[] = {"galley-executor"};
    const char *const args[] = {
        "--driver",
        request->driver_address,
        "--id",
        gly_arena_format(arena, "%u", request->executor_id),
        "--cores",
        gly_arena_format(arena, "%u", role->cores),
        "--memory",
        gly_arena_format(arena, "%llu", (unsigned long long)memory_bytes(role, request)),
        "--disk",
        gly_arena_format(arena, "%llu",
                         (unsigned long long)gly_pod_parts_disk_budget(role->local_disk_bytes)),
        "--local-dir",
        GLY_PATH_LOCAL,
        "--host",
        "$(GALLEY_POD_IP)",
        "--tls-dir",
        GLY_PATH_TLS,
        "--grace-ms",
        gly_arena_format(arena, "%lld", (long long)grace_ms(template)),
    };
    cJSON *list = cJSON_CreateStringArray(args, (int)GLY_ARRAY_LEN(args));
    cJSON_AddItemToArray(list, cJSON_CreateString("--bootstrap"));
    if (request->heartbeat_ms > 0) {
        cJSON_AddItemToArray(list, cJSON_CreateString("--heartbeat-ms"));
        cJSON_AddItemToArray(list, cJSON_CreateString(gly_arena_format(
                                       arena, "%lld", (long long)request->heartbeat_ms)));
    }
    gly_pod_template_set(template->container, "command", cJSON_CreateStringArray(command, 1));
    gly_pod_template_set(template->container, "args", list);
}

cJSON *gly_executor_pod_make(const gly_pods_context *context,
                             const gly_executor_pod_request *request) {
    const gly_application *application = context->application;
    gly_arena *arena = gly_arena_make();
    gly_pod_template template;
    const char *id = gly_arena_format(arena, "%u", request->executor_id);
    gly_pod_template_begin(application->executor.template, GLY_CONTAINER_EXECUTOR,
                           "spark-kubernetes-executor", &template);
    gly_pod_parts_metadata(
        &template, context,
        gly_names_executor_pod(arena, application->name, context->attempt, request->executor_id),
        "executor");
    gly_pod_template_set_text(template.labels, GLY_LABEL_EXECUTOR_ID, id);
    gly_pod_template_set_text(template.labels, "spark-exec-id", id);
    gly_pod_parts_container(&template, application, &application->executor);
    gly_pod_parts_tls(&template, gly_names_executor_tls(arena, application->name));
    set_command(&template, arena, &application->executor, request);
    gly_pod_template_offer(template.spec, "automountServiceAccountToken", cJSON_CreateFalse());
    offer_spread(&template);
    gly_pod_template_finish(&template);
    gly_arena_free(arena);
    return template.pod;
}
