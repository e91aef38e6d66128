/* pod_support.h - JSON for tests: written with ' for ", looked at by paths
 * ("spec/containers/0/name"). */
#ifndef GLY_POD_SUPPORT_H
#define GLY_POD_SUPPORT_H

#include "k8s/api/application.h"
#include "tests/support/check.h"

static GLY_UNUSED cJSON *parse_json(const char *text) {
    char *copy = malloc(strlen(text) + 1);
    memcpy(copy, text, strlen(text) + 1);
    for (char *c = copy; *c != '\0'; c++) {
        *c = *c == '\'' ? '"' : *c;
    }
    cJSON *json = cJSON_Parse(copy);
    if (json == NULL) {
        fprintf(stderr, "no JSON: %s\n", copy);
        abort();
    }
    free(copy);
    return json;
}

/* Steps are keys or indexes; a step "name=x" finds the entry of a list. A '~' in a key stands for
 * '/'. */
static GLY_UNUSED const cJSON *json_at(const cJSON *json, const char *path) {
    char step[128];
    while (json != NULL && *path != '\0') {
        size_t size = strcspn(path, "/");
        snprintf(step, sizeof step, "%.*s", (int)size, path);
        for (char *c = step; *c != '\0'; c++) {
            *c = *c == '~' ? '/' : *c;
        }
        path += size + (path[size] == '/' ? 1 : 0);
        char *equals = strchr(step, '=');
        if (cJSON_IsArray(json) && equals != NULL) {
            *equals = '\0';
            const cJSON *entry, *found = NULL;
            cJSON_ArrayForEach(entry, json) {
                const cJSON *value = cJSON_GetObjectItemCaseSensitive(entry, step);
                if (found == NULL && cJSON_IsString(value) &&
                    strcmp(value->valuestring, equals + 1) == 0) {
                    found = entry;
                }
            }
            json = found;
        } else if (cJSON_IsArray(json)) {
            json = cJSON_GetArrayItem(json, (int)strtol(step, NULL, 10));
        } else {
            json = cJSON_GetObjectItemCaseSensitive(json, step);
        }
    }
    return json;
}

/* "(absent)" if it is not there, else the text, or the JSON of what is no text; in a small ring. */
static GLY_UNUSED const char *text_at(const cJSON *json, const char *path) {
    static char ring[4][2048];
    static int turn;
    const cJSON *value = json_at(json, path);
    char *out = ring[turn = (turn + 1) % 4];
    if (value == NULL) {
        return "(absent)";
    }
    if (cJSON_IsString(value)) {
        snprintf(out, sizeof ring[0], "%s", value->valuestring);
    } else {
        char *printed = cJSON_PrintUnformatted(value);
        snprintf(out, sizeof ring[0], "%s", printed);
        cJSON_free(printed);
    }
    return out;
}

static GLY_UNUSED const gly_application_defaults DEFAULTS = {
    "galley-driver:dev", "galley-executor:dev", NULL, "galley-driver"};

/* An application with this spec; ends the test if it cannot be read. */
static GLY_UNUSED void read_application(gly_arena *arena, cJSON *object, gly_application *ret) {
    gly_error err;
    GLY_CHECK_OK(gly_application_read(arena, object, &DEFAULTS, ret, &err), &err);
}

static GLY_UNUSED cJSON *application_of(const char *spec) {
    cJSON *object =
        parse_json("{'apiVersion': 'galley.dev/v1alpha1', 'kind': 'GalleyApplication', 'metadata': "
                   "{'name': 'shopflow', 'namespace': 'shop', 'uid': 'uid-1', 'generation': 7}}");
    cJSON_AddItemToObject(object, "spec", parse_json(spec));
    return object;
}

#endif
