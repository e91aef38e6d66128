/* driver_pod.c - the driver's pod as JSON; see driver_pod.h and k8s/README.md.
 *
 * The SQL is not in it: the driver reads the GalleyApplication itself, so that a long one meets no
 * limit of a command line.  A ConfigMap is mounted as optional, because a pod that waits for a
 * volume says nothing in its status: the driver starts and says which file is missing.
 */
#include "k8s/pod/driver_pod.h"

#include "k8s/api/names.h"

static void set_job(gly_pod_template *template, const gly_application *application) {
    if (application->config_map == NULL) {
        return;
    }
    cJSON *source = cJSON_CreateObject();
    cJSON *map = cJSON_AddObjectToObject(source, "configMap");
    cJSON_AddStringToObject(map, "name", application->config_map);
    cJSON_AddTrueToObject(map, "optional");
    cJSON *item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "key", application->config_map_key);
    cJSON_AddStringToObject(item, "path", application->config_map_key);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(map, "items"), item);
    gly_pod_template_set_volume(template, "galley-job", source, GLY_PATH_JOB, true);
}

cJSON *gly_driver_pod_make(const gly_pods_context *context) {
    const gly_application *application = context->application;
    gly_arena *arena = gly_arena_make();
    gly_pod_template template;
    gly_pod_template_begin(application->driver.template, GLY_CONTAINER_DRIVER,
                           "spark-kubernetes-driver", &template);
    gly_pod_parts_metadata(&template, context,
                           gly_names_driver_pod(arena, application->name, context->attempt),
                           "driver");
    gly_pod_parts_container(&template, application, &application->driver);
    gly_pod_parts_tls(&template, gly_names_driver_tls(arena, application->name));
    set_job(&template, application);
    /* What the chart says where the application does not: the driver makes the executors' pods. */
    gly_pod_template_set_env(&template, "GALLEY_EXECUTOR_IMAGE", application->executor.image);
    if (application->executor.image_pull_policy != NULL) {
        gly_pod_template_set_env(&template, "GALLEY_EXECUTOR_PULL_POLICY",
                                 application->executor.image_pull_policy);
    }
    const char *const command[] = {"galley-driver"};
    const char *const args[] = {"--application", application->name,
                                "--namespace",   application->namespace_name,
                                "--attempt",     gly_arena_format(arena, "%u", context->attempt)};
    gly_pod_template_set(template.container, "command",
                         cJSON_CreateStringArray(command, (int)GLY_ARRAY_LEN(command)));
    gly_pod_template_set(template.container, "args",
                         cJSON_CreateStringArray(args, (int)GLY_ARRAY_LEN(args)));
    gly_pod_template_set_text(template.spec, "serviceAccountName", application->service_account);
    gly_pod_template_set(template.spec, "automountServiceAccountToken", cJSON_CreateTrue());
    gly_pod_template_finish(&template);
    gly_arena_free(arena);
    return template.pod;
}
