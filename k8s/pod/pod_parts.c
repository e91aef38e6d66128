/* pod_parts.c - what driver and executor pods have in common; see pod_parts.h.
 *
 * Memory: request = limit = spec.memory, so that the pod is never killed for its neighbours' sake.
 * Cpu: a request of cores and no limit, as Spark does it: idle cores of a node may be used.
 * Local disk: request = limit of ephemeral-storage = the local directory and a little for /tmp and
 * logs, so that the scheduler knows of it; the local directory's own limit is its sizeLimit.
 * No runAsUser and no fsGroup: the images name user 10001 themselves, and clusters that give out
 * user ids (OpenShift) refuse pods that ask for another; what we mount can be read by any user of
 * the pod.
 */
#include "k8s/pod/pod_parts.h"

#include "k8s/api/json_field.h"
#include "k8s/api/names.h"

#include <stdio.h>

static const char VOLUME_TLS[] = "galley-tls", VOLUME_LOCAL[] = "galley-local",
                  VOLUME_TMP[] = "galley-tmp";

/* Bytes as a quantity: "512Mi" where it is that, else digits. */
static const char *quantity(uint64_t bytes, char *buffer, size_t size) {
    static const struct {
        const char *suffix;
        int shift;
    } units[] = {{"Gi", 30}, {"Mi", 20}, {"Ki", 10}};
    for (size_t i = 0; i < GLY_ARRAY_LEN(units); i++) {
        uint64_t unit = UINT64_C(1) << units[i].shift;
        if (bytes >= unit && bytes % unit == 0) {
            snprintf(buffer, size, "%llu%s", (unsigned long long)(bytes / unit), units[i].suffix);
            return buffer;
        }
    }
    snprintf(buffer, size, "%llu", (unsigned long long)bytes);
    return buffer;
}

uint64_t gly_pod_parts_disk_budget(uint64_t local_disk_bytes) {
    return local_disk_bytes - local_disk_bytes / 32;
}

void gly_pod_parts_labels(cJSON *labels, const gly_application *application, const char *role) {
    gly_arena *arena = gly_arena_make();
    const char *name = gly_names_label(arena, application->name);
    const char *uid = gly_names_label(arena, application->uid);
    const char *const pairs[][2] = {
        {"app.kubernetes.io/name", "galley"},
        {"app.kubernetes.io/instance", name},
        {"app.kubernetes.io/component", role},
        {"app.kubernetes.io/managed-by", "galley"},
        {GLY_LABEL_APPLICATION, name},
        {GLY_LABEL_APPLICATION_UID, uid},
        {GLY_LABEL_ROLE, role},
    };
    for (size_t i = 0; i < GLY_ARRAY_LEN(pairs); i++) {
        gly_pod_template_set_text(labels, pairs[i][0], pairs[i][1]);
    }
    gly_arena_free(arena);
}

void gly_pod_parts_owner(cJSON *metadata, const gly_application *application) {
    cJSON *owners = cJSON_CreateArray();
    cJSON *owner = cJSON_CreateObject();
    cJSON_AddStringToObject(owner, "apiVersion", "galley.dev/v1alpha1");
    cJSON_AddStringToObject(owner, "kind", "GalleyApplication");
    cJSON_AddStringToObject(owner, "name", application->name);
    cJSON_AddStringToObject(owner, "uid", application->uid);
    cJSON_AddTrueToObject(owner, "controller");
    cJSON_AddFalseToObject(owner, "blockOwnerDeletion");
    cJSON_AddItemToArray(owners, owner);
    gly_pod_template_set(metadata, "ownerReferences", owners);
}

void gly_pod_parts_metadata(gly_pod_template *template, const gly_pods_context *context,
                            const char *name, const char *role) {
    const gly_application *application = context->application;
    cJSON *labels = template->labels;
    gly_pod_template_remove_labels(template, "galley.dev/");
    char attempt[16];
    snprintf(attempt, sizeof attempt, "%u", context->attempt);
    gly_pod_template_set_text(template->metadata, "name", name);
    gly_pod_template_set_text(template->metadata, "namespace", application->namespace_name);
    gly_pod_parts_labels(labels, application, role);
    gly_pod_template_set_text(labels, GLY_LABEL_ATTEMPT, attempt);
    static const char *const sparks[][2] = {/* people's dashboards select on them */
                                            {"spark-role", GLY_LABEL_ROLE},
                                            {"spark-app-selector", GLY_LABEL_APPLICATION_UID},
                                            {"spark-app-name", GLY_LABEL_APPLICATION}};
    for (size_t i = 0; i < GLY_ARRAY_LEN(sparks); i++) {
        gly_pod_template_set_text(labels, sparks[i][0],
                                  gly_json_field_string_or(labels, sparks[i][1], ""));
    }
    gly_pod_parts_owner(template->metadata, application);
    /* A node that is scaled away takes the local shuffle files along. */
    gly_pod_template_offer(template->annotations, "cluster-autoscaler.kubernetes.io/safe-to-evict",
                           cJSON_CreateString("false"));
}

static cJSON *empty_dir(uint64_t size_bytes) {
    char text[32];
    cJSON *source = cJSON_CreateObject();
    cJSON *dir = cJSON_AddObjectToObject(source, "emptyDir");
    cJSON_AddStringToObject(dir, "sizeLimit", quantity(size_bytes, text, sizeof text));
    return source;
}

/* The user's cpu request and limit are kept (as Spark's request.cores and limit.cores); a limit
 * below our request lowers it, as the API server asks for. */
static void set_cpu(cJSON *requests, const cJSON *limits, uint32_t cores) {
    char text[16];
    snprintf(text, sizeof text, "%u", cores);
    const cJSON *limit = gly_json_field_get(limits, "cpu");
    uint64_t limit_cores = cores;
    bool is_lower = cJSON_IsNumber(limit) && limit->valuedouble < cores;
    if (cJSON_IsString(limit) &&
        gly_application_parse_quantity(gly_str_of(limit->valuestring), &limit_cores)) {
        is_lower = limit_cores <= cores; /* rounded up: equal may be a little lower */
    }
    gly_pod_template_offer(requests, "cpu",
                           is_lower ? cJSON_Duplicate(limit, true) : cJSON_CreateString(text));
}

static void set_resources(gly_pod_template *template, const gly_application_role *role,
                          uint64_t disk_bytes) {
    char memory[32], disk[32];
    cJSON *resources = gly_pod_template_object(template->container, "resources");
    cJSON *const sides[] = {gly_pod_template_object(resources, "requests"),
                            gly_pod_template_object(resources, "limits")};
    quantity(role->memory_bytes, memory, sizeof memory);
    quantity(disk_bytes, disk, sizeof disk);
    for (size_t i = 0; i < GLY_ARRAY_LEN(sides); i++) {
        gly_pod_template_set_text(sides[i], "memory", memory);
        gly_pod_template_set_text(sides[i], "ephemeral-storage", disk);
    }
    set_cpu(sides[0], sides[1], role->cores);
}

static void offer_security(gly_pod_template *template) {
    cJSON *pod = gly_pod_template_object(template->spec, "securityContext");
    cJSON *seccomp = cJSON_CreateObject();
    cJSON_AddStringToObject(seccomp, "type", "RuntimeDefault");
    gly_pod_template_offer(pod, "seccompProfile", seccomp);
    gly_pod_template_offer(pod, "runAsNonRoot", cJSON_CreateTrue());
    cJSON *own = gly_pod_template_object(template->container, "securityContext");
    gly_pod_template_offer(own, "readOnlyRootFilesystem", cJSON_CreateTrue());
    if (!cJSON_IsTrue(gly_json_field_get(own, "privileged"))) {
        gly_pod_template_offer(own, "allowPrivilegeEscalation", cJSON_CreateFalse());
        cJSON *capabilities = gly_pod_template_object(own, "capabilities");
        cJSON *drop = cJSON_CreateArray();
        cJSON_AddItemToArray(drop, cJSON_CreateString("ALL"));
        gly_pod_template_offer(capabilities, "drop", drop);
    }
}

static void set_s3(gly_pod_template *template, const gly_application_s3 *s3) {
    if (s3->endpoint != NULL || s3->region != NULL || s3->credentials_secret != NULL ||
        !s3->path_style) { /* spec.s3 is there */
        gly_pod_template_set_env(template, "GALLEY_S3_PATH_STYLE",
                                 s3->path_style ? "true" : "false");
    }
    if (s3->endpoint != NULL) {
        gly_pod_template_set_env(template, "AWS_ENDPOINT_URL", s3->endpoint);
    }
    if (s3->region != NULL) {
        gly_pod_template_set_env(template, "AWS_REGION", s3->region);
    }
    if (s3->credentials_secret != NULL) {
        gly_pod_template_add_env_secret(template, s3->credentials_secret);
    }
}

void gly_pod_parts_container(gly_pod_template *template, const gly_application *application,
                             const gly_application_role *role) {
    static const char *const fields[][2] = {{"GALLEY_POD_NAME", "metadata.name"},
                                            {"GALLEY_POD_UID", "metadata.uid"},
                                            {"GALLEY_POD_IP", "status.podIP"},
                                            {"GALLEY_NODE_NAME", "spec.nodeName"}};
    cJSON *spec = template->spec, *container = template->container;
    gly_pod_template_set_text(container, "image", role->image);
    if (role->image_pull_policy != NULL) {
        gly_pod_template_set_text(container, "imagePullPolicy", role->image_pull_policy);
    }
    for (size_t i = 0; i < GLY_ARRAY_LEN(fields); i++) {
        gly_pod_template_set_env_field(template, fields[i][0], fields[i][1]);
    }
    gly_pod_template_set_env(template, "GALLEY_APPLICATION_UID", application->uid);
    set_s3(template, &application->s3);
    bool is_local_ours = gly_pod_template_offer_volume(
        template, VOLUME_LOCAL, empty_dir(role->local_disk_bytes), GLY_PATH_LOCAL);
    gly_pod_template_offer_volume(template, VOLUME_TMP, empty_dir(GLY_POD_PARTS_TMP), "/tmp");
    set_resources(template, role,
                  GLY_POD_PARTS_TMP + GLY_POD_PARTS_LOGS +
                      (is_local_ours ? role->local_disk_bytes : 0));
    offer_security(template);
    /* Where a container left no word of its own the end of its log stands in (pod_state.c). */
    gly_pod_template_set_text(container, "terminationMessagePath", "/dev/termination-log");
    gly_pod_template_set_text(container, "terminationMessagePolicy", "FallbackToLogsOnError");
    gly_pod_template_set_text(spec, "restartPolicy", "Never");
    gly_pod_template_offer(spec, "enableServiceLinks", cJSON_CreateFalse());
    gly_pod_template_offer(spec, "terminationGracePeriodSeconds", cJSON_CreateNumber(30));
    static const char *const not_ours[] = {"livenessProbe", "startupProbe"};
    for (size_t i = 0; i < GLY_ARRAY_LEN(not_ours); i++) { /* none may kill a busy executor */
        cJSON_DeleteItemFromObjectCaseSensitive(container, not_ours[i]);
    }
}

void gly_pod_parts_tls(gly_pod_template *template, const char *secret) {
    cJSON *source = cJSON_CreateObject();
    cJSON *files = cJSON_AddObjectToObject(source, "secret");
    cJSON_AddStringToObject(files, "secretName", secret);
    cJSON_AddNumberToObject(files, "defaultMode", 0444);
    gly_pod_template_set_volume(template, VOLUME_TLS, source, GLY_PATH_TLS, true);
}
