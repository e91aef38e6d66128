/* pod_template.c - a pod begun from the user's PodTemplateSpec; see pod_template.h.
 *
 * The order of merging is Spark's: the user's template first, ours over it for what must hold.
 * gly_application_read has looked over the template; what has an odd shape all the same is
 * replaced.
 */
#include "k8s/pod/pod_template.h"

#include "k8s/api/json_field.h"

void gly_pod_template_set(cJSON *object, const char *key, cJSON *value) {
    cJSON_DeleteItemFromObjectCaseSensitive(object, key);
    cJSON_AddItemToObject(object, key, value);
}

void gly_pod_template_set_text(cJSON *object, const char *key, const char *value) {
    gly_pod_template_set(object, key, cJSON_CreateString(value));
}

void gly_pod_template_offer(cJSON *object, const char *key, cJSON *value) {
    if (gly_json_field_get(object, key) != NULL) {
        cJSON_Delete(value);
    } else {
        gly_pod_template_set(object, key, value);
    }
}

cJSON *gly_pod_template_object(cJSON *parent, const char *key) {
    cJSON *value = cJSON_GetObjectItemCaseSensitive(parent, key);
    if (!cJSON_IsObject(value)) {
        value = cJSON_CreateObject();
        gly_pod_template_set(parent, key, value);
    }
    return value;
}

cJSON *gly_pod_template_array(cJSON *parent, const char *key) {
    cJSON *value = cJSON_GetObjectItemCaseSensitive(parent, key);
    if (!cJSON_IsArray(value)) {
        value = cJSON_CreateArray();
        gly_pod_template_set(parent, key, value);
    }
    return value;
}

static bool has_text(const cJSON *object, const char *key, const char *text) {
    const char *value = gly_json_field_string_or(object, key, NULL);
    return value != NULL && strcmp(value, text) == 0;
}

/* Entries of a list of objects whose key has that value. */
static void remove_entries(cJSON *list, const char *key, const char *value) {
    cJSON *entry = list->child;
    while (entry != NULL) {
        cJSON *next = entry->next;
        if (has_text(entry, key, value)) {
            cJSON_Delete(cJSON_DetachItemViaPointer(list, entry));
        }
        entry = next;
    }
}

static const cJSON *find_entry(const cJSON *list, const char *key, const char *value) {
    const cJSON *entry;
    cJSON_ArrayForEach(entry, list) {
        if (has_text(entry, key, value)) {
            return entry;
        }
    }
    return NULL;
}

static cJSON *find_container(cJSON *containers, const char *name, const char *spark_name) {
    const char *const names[] = {name, spark_name};
    for (size_t i = 0; i < GLY_ARRAY_LEN(names); i++) {
        cJSON *found = (cJSON *)find_entry(containers, "name", names[i]);
        if (found != NULL) {
            return found;
        }
    }
    cJSON *container;
    cJSON_ArrayForEach(container, containers) {
        if (cJSON_IsObject(container) &&
            gly_json_field_string_or(container, "name", "")[0] == '\0') {
            return container;
        }
    }
    return NULL;
}

static void remove_what_is_no_object(cJSON *list) {
    cJSON *entry = list->child;
    while (entry != NULL) {
        cJSON *next = entry->next;
        if (!cJSON_IsObject(entry)) {
            cJSON_Delete(cJSON_DetachItemViaPointer(list, entry));
        }
        entry = next;
    }
}

void gly_pod_template_begin(const cJSON *template, const char *container_name,
                            const char *spark_name, gly_pod_template *ret) {
    cJSON *pod = cJSON_CreateObject();
    cJSON_AddStringToObject(pod, "apiVersion", "v1");
    cJSON_AddStringToObject(pod, "kind", "Pod");
    const cJSON *spec = gly_json_field_get(template, "spec");
    const cJSON *metadata = gly_json_field_get(template, "metadata");
    ret->pod = pod;
    ret->metadata = cJSON_AddObjectToObject(pod, "metadata");
    static const char *const maps[] = {"labels", "annotations"};
    for (size_t i = 0; i < GLY_ARRAY_LEN(maps); i++) { /* nothing else of it is a template's */
        const cJSON *map = gly_json_field_get(metadata, maps[i]);
        if (cJSON_IsObject(map)) {
            cJSON_AddItemToObject(ret->metadata, maps[i], cJSON_Duplicate(map, true));
        }
    }
    ret->labels = gly_pod_template_object(ret->metadata, "labels");
    ret->annotations = gly_pod_template_object(ret->metadata, "annotations");
    if (cJSON_IsObject(spec)) {
        cJSON_AddItemToObject(pod, "spec", cJSON_Duplicate(spec, true));
    }
    ret->spec = gly_pod_template_object(pod, "spec");
    cJSON *containers = gly_pod_template_array(ret->spec, "containers");
    remove_what_is_no_object(containers);
    ret->container = find_container(containers, container_name, spark_name);
    if (ret->container == NULL) {
        ret->container = cJSON_CreateObject();
    } else {
        cJSON_DetachItemViaPointer(containers, ret->container);
    }
    cJSON *ordered = cJSON_CreateArray(); /* `kubectl logs` shows the first */
    cJSON_AddItemToArray(ordered, ret->container);
    while (containers->child != NULL) {
        cJSON_AddItemToArray(ordered, cJSON_DetachItemViaPointer(containers, containers->child));
    }
    gly_pod_template_set(ret->spec, "containers", ordered);
    gly_pod_template_set_text(ret->container, "name", container_name);
    ret->env = cJSON_CreateArray();
}

void gly_pod_template_finish(gly_pod_template *template) {
    cJSON *users = gly_pod_template_array(template->container, "env");
    while (users->child != NULL) {
        cJSON *entry = cJSON_DetachItemViaPointer(users, users->child);
        const char *name = gly_json_field_string_or(entry, "name", "");
        if (!cJSON_IsObject(entry) || find_entry(template->env, "name", name) != NULL) {
            cJSON_Delete(entry);
        } else {
            cJSON_AddItemToArray(template->env, entry);
        }
    }
    gly_pod_template_set(template->container, "env", template->env);
    template->env = NULL;
}

void gly_pod_template_remove_labels(gly_pod_template *template, const char *prefix) {
    cJSON *label = template->labels->child;
    while (label != NULL) {
        cJSON *next = label->next;
        if (gly_str_starts_with(gly_str_of(label->string), gly_str_of(prefix))) {
            cJSON_Delete(cJSON_DetachItemViaPointer(template->labels, label));
        }
        label = next;
    }
}

static void add_env(gly_pod_template *template, cJSON *entry) {
    remove_entries(template->env, "name", gly_json_field_string_or(entry, "name", ""));
    cJSON_AddItemToArray(template->env, entry);
}

void gly_pod_template_set_env(gly_pod_template *template, const char *name, const char *value) {
    cJSON *entry = cJSON_CreateObject();
    cJSON_AddStringToObject(entry, "name", name);
    cJSON_AddStringToObject(entry, "value", value);
    add_env(template, entry);
}

void gly_pod_template_set_env_field(gly_pod_template *template, const char *name,
                                    const char *field_path) {
    cJSON *entry = cJSON_CreateObject();
    cJSON_AddStringToObject(entry, "name", name);
    cJSON *field = cJSON_AddObjectToObject(cJSON_AddObjectToObject(entry, "valueFrom"), "fieldRef");
    cJSON_AddStringToObject(field, "fieldPath", field_path);
    add_env(template, entry);
}

void gly_pod_template_add_env_secret(gly_pod_template *template, const char *secret) {
    cJSON *entry = cJSON_CreateObject();
    cJSON_AddStringToObject(cJSON_AddObjectToObject(entry, "secretRef"), "name", secret);
    cJSON_AddItemToArray(gly_pod_template_array(template->container, "envFrom"), entry);
}

static void add_mount(gly_pod_template *template, const char *name, const char *mount_path,
                      bool read_only) {
    cJSON *mount = cJSON_CreateObject();
    cJSON_AddStringToObject(mount, "name", name);
    cJSON_AddStringToObject(mount, "mountPath", mount_path);
    if (read_only) {
        cJSON_AddTrueToObject(mount, "readOnly");
    }
    cJSON_AddItemToArray(gly_pod_template_array(template->container, "volumeMounts"), mount);
}

void gly_pod_template_set_volume(gly_pod_template *template, const char *name, cJSON *source,
                                 const char *mount_path, bool read_only) {
    cJSON *volumes = gly_pod_template_array(template->spec, "volumes");
    cJSON *mounts = gly_pod_template_array(template->container, "volumeMounts");
    remove_entries(volumes, "name", name);
    remove_entries(mounts, "name", name);
    remove_entries(mounts, "mountPath", mount_path);
    cJSON_AddStringToObject(source, "name", name);
    cJSON_AddItemToArray(volumes, source);
    add_mount(template, name, mount_path, read_only);
}

bool gly_pod_template_offer_volume(gly_pod_template *template, const char *name, cJSON *source,
                                   const char *mount_path) {
    cJSON *volumes = gly_pod_template_array(template->spec, "volumes");
    cJSON *mounts = gly_pod_template_array(template->container, "volumeMounts");
    if (find_entry(mounts, "mountPath", mount_path) != NULL) {
        cJSON_Delete(source);
        return false;
    }
    bool is_users = find_entry(volumes, "name", name) != NULL;
    if (is_users) {
        cJSON_Delete(source);
    } else {
        cJSON_AddStringToObject(source, "name", name);
        cJSON_AddItemToArray(volumes, source);
    }
    remove_entries(mounts, "name", name);
    add_mount(template, name, mount_path, false);
    return !is_users;
}
