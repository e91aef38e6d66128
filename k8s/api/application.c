/* application.c - a GalleyApplication as a struct; see application.h.
 *
 * Read, defaulted and validated in one pass; the first error wins and names its field.  The
 * defaults are those of k8s/crd/galleyapplication.yaml.  The pod templates are only looked over:
 * that what k8s/pod/pod_template.c walks has the shape it expects; the rest of them is the API
 * server's matter.
 */
#include "k8s/api/application.h"

#include "k8s/api/json_field.h"

enum { MOST_EXECUTORS = 10000, MOST_CORES = 1024, MOST_CONF = 1000 };
#define LEAST_MEMORY (UINT64_C(32) << 20)
#define LEAST_DISK (UINT64_C(16) << 20)

static void check_text_map(gly_json_field_reader *reader, gly_json_field parent, const char *key) {
    gly_json_field map = gly_json_field_child(reader, parent, key);
    const cJSON *entry;
    cJSON_ArrayForEach(entry, map.object) {
        if (!cJSON_IsString(entry)) {
            gly_json_field_fail(reader, map.path, entry->string, "must be a text");
        }
    }
}

static void check_object_list(gly_json_field_reader *reader, gly_json_field parent,
                              const char *key) {
    const cJSON *list = gly_json_field_get(parent.object, key);
    if (list == NULL) {
        return;
    }
    if (!cJSON_IsArray(list)) {
        gly_json_field_fail(reader, parent.path, key, "must be a list");
        return;
    }
    const cJSON *entry;
    int index = 0;
    cJSON_ArrayForEach(entry, list) {
        if (!cJSON_IsObject(entry)) {
            gly_json_field_fail(reader, parent.path, key, "entry %d must be an object", index);
            return;
        }
        index++;
    }
}

static const cJSON *read_template(gly_json_field_reader *reader, gly_json_field role) {
    gly_json_field template = gly_json_field_child(reader, role, "template");
    gly_json_field metadata = gly_json_field_child(reader, template, "metadata");
    check_text_map(reader, metadata, "labels");
    check_text_map(reader, metadata, "annotations");
    gly_json_field spec = gly_json_field_child(reader, template, "spec");
    (void)gly_json_field_child(reader, spec, "securityContext");
    static const char *const lists[] = {"containers", "initContainers", "volumes"};
    for (size_t i = 0; i < GLY_ARRAY_LEN(lists); i++) {
        check_object_list(reader, spec, lists[i]);
    }
    const cJSON *container;
    int index = 0;
    cJSON_ArrayForEach(container, gly_json_field_get(spec.object, "containers")) {
        gly_json_field field = {
            container, gly_arena_format(reader->arena, "%s.containers[%d]", spec.path, index)};
        check_object_list(reader, field, "env");
        check_object_list(reader, field, "envFrom");
        check_object_list(reader, field, "volumeMounts");
        (void)gly_json_field_child(reader, field, "securityContext");
        gly_json_field resources = gly_json_field_child(reader, field, "resources");
        (void)gly_json_field_child(reader, resources, "requests");
        (void)gly_json_field_child(reader, resources, "limits");
        index++;
    }
    return template.object;
}

static void read_role(gly_json_field_reader *reader, gly_json_field spec, const char *key,
                      const gly_application_role *defaults, gly_application_role *ret) {
    gly_json_field role = gly_json_field_child(reader, spec, key);
    gly_json_field image = gly_json_field_child(reader, spec, "image");
    ret->image = gly_json_field_text(reader, image, key, defaults->image);
    ret->image_pull_policy =
        gly_json_field_text(reader, image, "pullPolicy", defaults->image_pull_policy);
    ret->cores = gly_json_field_count(reader, role, "cores", 1, MOST_CORES, defaults->cores);
    ret->memory_bytes =
        gly_json_field_bytes(reader, role, "memory", LEAST_MEMORY, defaults->memory_bytes);
    ret->local_disk_bytes =
        gly_json_field_bytes(reader, role, "localDisk", LEAST_DISK, defaults->local_disk_bytes);
    ret->template = read_template(reader, role);
    if (ret->image == NULL) {
        gly_json_field_fail(reader, image.path, key,
                            "no image is given, and the operator has no default for it");
    }
}

static void read_source(gly_json_field_reader *reader, gly_json_field spec, gly_application *ret) {
    ret->sql = gly_json_field_text(reader, spec, "sql", NULL);
    ret->sql_file = gly_json_field_text(reader, spec, "sqlFile", NULL);
    gly_json_field map = gly_json_field_child(reader, spec, "configMap");
    ret->config_map = gly_json_field_text(reader, map, "name", NULL);
    ret->config_map_key = gly_json_field_text(reader, map, "key", NULL);
    if (map.object != NULL && ret->config_map == NULL) {
        gly_json_field_fail(reader, map.path, "name", "the ConfigMap's name is missing");
    }
    if (map.object != NULL && ret->config_map_key == NULL) {
        gly_json_field_fail(reader, map.path, "key", "the key in ConfigMap '%s' is missing",
                            ret->config_map);
    }
    int given = (ret->sql != NULL) + (ret->sql_file != NULL) + (map.object != NULL);
    if (given != 1) {
        gly_json_field_fail(reader, spec.path, "",
                            "exactly one of sql, sqlFile and configMap says what to run; %s", //
                            given == 0 ? "none is given" : "more than one is given");
    }
}

static void read_executors(gly_json_field_reader *reader, gly_json_field spec,
                           gly_application *ret) {
    gly_application_allocation *allocation = &ret->allocation;
    gly_json_field dynamic = gly_json_field_child(reader, spec, "dynamicAllocation");
    ret->executors = gly_json_field_count(reader, spec, "executors", 0, MOST_EXECUTORS, 2);
    allocation->is_dynamic = dynamic.object != NULL;
    if (!allocation->is_dynamic) {
        return;
    }
    if (gly_json_field_get(spec.object, "executors") != NULL) {
        gly_json_field_fail(reader, spec.path, "executors",
                            "cannot be given together with dynamicAllocation; set "
                            "dynamicAllocation.min and .max instead");
    }
    allocation->min = gly_json_field_count(reader, dynamic, "min", 0, MOST_EXECUTORS, 0);
    allocation->max = gly_json_field_count(reader, dynamic, "max", 1, MOST_EXECUTORS, 10);
    allocation->initial =
        gly_json_field_count(reader, dynamic, "initial", 0, MOST_EXECUTORS, allocation->min);
    if (allocation->min > allocation->max) {
        gly_json_field_fail(reader, dynamic.path, "min", "%u is more than max, which is %u",
                            allocation->min, allocation->max);
    }
    if (allocation->initial < allocation->min || allocation->initial > allocation->max) {
        gly_json_field_fail(reader, dynamic.path, "initial",
                            "%u is not between min (%u) and max (%u)", allocation->initial,
                            allocation->min, allocation->max);
    }
    allocation->backlog_ms = gly_json_field_duration(reader, dynamic, "backlogTimeout", 1000);
    allocation->sustained_backlog_ms =
        gly_json_field_duration(reader, dynamic, "sustainedBacklogTimeout", allocation->backlog_ms);
    allocation->idle_ms = gly_json_field_duration(reader, dynamic, "idleTimeout", 60000);
    const struct {
        const char *key;
        int64_t ms;
    } times[] = {{"backlogTimeout", allocation->backlog_ms},
                 {"sustainedBacklogTimeout", allocation->sustained_backlog_ms},
                 {"idleTimeout", allocation->idle_ms}};
    for (size_t i = 0; i < GLY_ARRAY_LEN(times); i++) {
        if (times[i].ms <= 0) {
            gly_json_field_fail(reader, dynamic.path, times[i].key, "must be more than 0");
        }
    }
}

static void read_s3(gly_json_field_reader *reader, gly_json_field spec, gly_application_s3 *ret) {
    gly_json_field s3 = gly_json_field_child(reader, spec, "s3");
    ret->endpoint = gly_json_field_text(reader, s3, "endpoint", NULL);
    ret->region = gly_json_field_text(reader, s3, "region", NULL);
    ret->credentials_secret = gly_json_field_text(reader, s3, "credentialsSecret", NULL);
    ret->path_style = gly_json_field_flag(reader, s3, "pathStyle", true);
    if (ret->endpoint != NULL &&
        !gly_str_starts_with(gly_str_of(ret->endpoint), GLY_STR("http://")) &&
        !gly_str_starts_with(gly_str_of(ret->endpoint), GLY_STR("https://"))) {
        gly_json_field_fail(reader, s3.path, "endpoint",
                            "'%.100s' must begin with http:// or https://", ret->endpoint);
    }
}

static void read_conf(gly_json_field_reader *reader, gly_json_field spec, gly_application *ret) {
    gly_json_field conf = gly_json_field_child(reader, spec, "conf");
    uint32_t count = 0;
    const cJSON *entry;
    cJSON_ArrayForEach(entry, conf.object) { count++; }
    if (count > MOST_CONF) {
        gly_json_field_fail(reader, conf.path, "", "has %u settings, %d are allowed", count,
                            MOST_CONF);
        return;
    }
    gly_application_conf *settings =
        GLY_ARENA_ARRAY(reader->arena, gly_application_conf, GLY_MAX(count, 1u));
    cJSON_ArrayForEach(entry, conf.object) {
        if (!cJSON_IsString(entry)) {
            gly_json_field_fail(reader, conf.path, entry->string,
                                "must be a text; put quotes around it");
            return;
        }
        settings[ret->conf_count++] = (gly_application_conf){entry->string, entry->valuestring};
    }
    ret->conf = settings;
}

static void read_restart(gly_json_field_reader *reader, gly_json_field spec, gly_application *ret) {
    static const char *const types[] = {
        [GLY_RESTART_NEVER] = "Never",
        [GLY_RESTART_ON_FAILURE] = "OnFailure",
        [GLY_RESTART_ON_INFRASTRUCTURE_FAILURE] = "OnInfrastructureFailure",
        [GLY_RESTART_ALWAYS] = "Always",
    };
    gly_json_field policy = gly_json_field_child(reader, spec, "restartPolicy");
    ret->restart_type = (gly_restart_type)gly_json_field_choice(
        reader, policy, "type", types, GLY_ARRAY_LEN(types), GLY_RESTART_NEVER);
    ret->max_attempts = gly_json_field_count(reader, policy, "maxAttempts", 1, 1000, 3);
    ret->backoff_ms = gly_json_field_duration(reader, policy, "backoff", 30000);
}

static void read_metadata(gly_json_field_reader *reader, const cJSON *object,
                          gly_application *ret) {
    gly_json_field metadata =
        gly_json_field_child(reader, (gly_json_field){object, ""}, "metadata");
    ret->name = gly_json_field_text(reader, metadata, "name", NULL);
    ret->namespace_name = gly_json_field_text(reader, metadata, "namespace", "default");
    ret->uid = gly_json_field_text(reader, metadata, "uid", "");
    const cJSON *generation = gly_json_field_get(metadata.object, "generation");
    if (cJSON_IsNumber(generation) && generation->valuedouble >= 0 &&
        generation->valuedouble < 9e15) {
        ret->generation = (int64_t)generation->valuedouble;
    }
    ret->is_deleting = gly_json_field_get(metadata.object, "deletionTimestamp") != NULL;
    if (ret->name == NULL) {
        gly_json_field_fail(reader, metadata.path, "name", "the application has no name");
        ret->name = "";
    }
}

gly_status gly_application_read(gly_arena *arena, const cJSON *object,
                                const gly_application_defaults *defaults, gly_application *ret,
                                gly_error *err) {
    gly_json_field_reader reader = {arena, err, GLY_OK};
    memset(ret, 0, sizeof *ret);
    if (!cJSON_IsObject(object)) {
        return gly_fail(err, GLY_E_INVALID_ARGUMENT, "a GalleyApplication must be a JSON object");
    }
    read_metadata(&reader, object, ret);
    gly_json_field spec = gly_json_field_child(&reader, (gly_json_field){object, ""}, "spec");
    if (spec.object == NULL) {
        gly_json_field_fail(&reader, "spec", "", "the application has no spec");
    }
    gly_application_role driver = {defaults->driver_image, defaults->image_pull_policy, 1,
                                   UINT64_C(512) << 20,    UINT64_C(1) << 30,           NULL};
    gly_application_role executor = {defaults->executor_image, defaults->image_pull_policy, 1,
                                     UINT64_C(1) << 30,        UINT64_C(10) << 30,          NULL};
    read_source(&reader, spec, ret);
    read_role(&reader, spec, "driver", &driver, &ret->driver);
    read_role(&reader, spec, "executor", &executor, &ret->executor);
    read_executors(&reader, spec, ret);
    read_s3(&reader, spec, &ret->s3);
    read_conf(&reader, spec, ret);
    read_restart(&reader, spec, ret);
    const cJSON *template_spec = gly_json_field_get(ret->driver.template, "spec");
    const char *account = gly_json_field_string_or(
        template_spec, "serviceAccountName",
        defaults->service_account != NULL ? defaults->service_account : "default");
    ret->service_account = gly_json_field_text(&reader, spec, "serviceAccount", account);
    ret->suspend = gly_json_field_flag(&reader, spec, "suspend", false);
    ret->ttl_ms = gly_json_field_duration(&reader, spec, "ttlAfterFinished", -1);
    static const char *const outputs[] = {"table", "csv", "json"};
    ret->output =
        outputs[gly_json_field_choice(&reader, spec, "output", outputs, GLY_ARRAY_LEN(outputs), 0)];
    return reader.status;
}
