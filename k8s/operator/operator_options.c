/* operator_options.c - one table of flags, which is also the help text and the names of the
 * variables.
 *
 * --driver-image X, --driver-image=X and GALLEY_DRIVER_IMAGE=X are the same; a flag goes before the
 * variable.  Lists repeat the flag or have commas.
 */
#include "k8s/operator/operator_options.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>

typedef enum option_kind { TEXT, LIST, FLAG, COUNT } option_kind;

typedef struct flag_def {
    const char *name, *value_name, *doc;
    option_kind kind;
    size_t offset;
} flag_def;

#define AT(field) offsetof(gly_operator_options, field)
static const flag_def options[] = {
    {"namespace", "NAME", "namespace to watch; repeatable; none: all", LIST, AT(namespaces)},
    {"driver-image", "IMAGE", "image of drivers without spec.image.driver (galley-driver:dev)",
     TEXT, AT(driver_image)},
    {"executor-image", "IMAGE",
     "image of executors without spec.image.executor (galley-executor:dev)", TEXT,
     AT(executor_image)},
    {"image-pull-policy", "POLICY", "Always, IfNotPresent or Never, where spec.image says nothing",
     TEXT, AT(image_pull_policy)},
    {"driver-service-account", "NAME", "of drivers without spec.serviceAccount (galley-driver)",
     TEXT, AT(driver_service_account)},
    {"leader-elect", "true|false", "only one of several operators works (true)", FLAG,
     AT(leader_elect)},
    {"lease-namespace", "NAME", "where the lease is (our own namespace)", TEXT,
     AT(lease_namespace)},
    {"lease-name", "NAME", "name of the lease (galley-operator)", TEXT, AT(lease_name)},
    {"metrics-address", "HOST:PORT",
     "where /metrics, /healthz and /readyz are served (0.0.0.0:8080); off: nowhere", TEXT,
     AT(metrics_address)},
    {"max-concurrent", "N", "reconciliations at a time (48)", COUNT, AT(max_concurrent)},
    {"check-application", "NAME",
     "no operator: wait until this application (of --namespace) has ended; exit code 0 if it "
     "succeeded",
     TEXT, AT(check_application)},
    {"timeout", "DURATION", "how long --check-application waits (120s)", TEXT, AT(timeout)},
    {"help", NULL, "this text", FLAG, AT(wants_help)},
    {"version", NULL, "the version", FLAG, AT(wants_version)},
};

static void variable_of(const flag_def *option, char *ret, size_t size) {
    size_t at = (size_t)snprintf(ret, size, "GALLEY_");
    for (const char *c = option->name; *c != '\0' && at + 1 < size; c++) {
        ret[at++] = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
    }
    ret[at] = '\0';
}

static void add_namespaces(gly_arena *arena, gly_operator_options *ret, gly_str text) {
    while (text.size > 0) {
        const char *comma = memchr(text.data, ',', text.size);
        size_t size = comma == NULL ? text.size : (size_t)(comma - text.data);
        gly_str name = gly_str_trim((gly_str){text.data, size});
        if (name.size > 0) {
            const char **grown =
                gly_arena_alloc(arena, (ret->namespace_count + 1) * sizeof *ret->namespaces);
            if (ret->namespace_count > 0) {
                memcpy(grown, ret->namespaces, ret->namespace_count * sizeof *grown);
            }
            grown[ret->namespace_count++] = gly_arena_str(arena, name).data;
            ret->namespaces = grown;
        }
        size_t used = comma == NULL ? size : size + 1;
        text = (gly_str){text.data + used, text.size - used};
    }
}

static gly_status set(gly_arena *arena, const flag_def *option, const char *source,
                      const char *value, gly_operator_options *ret, gly_error *err) {
    void *field = (char *)ret + option->offset;
    uint64_t number;
    switch (option->kind) {
    case TEXT:
        *(const char **)field = value;
        break;
    case LIST:
        add_namespaces(arena, ret, gly_str_of(value));
        break;
    case FLAG:
        if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0) {
            return gly_fail(err, GLY_E_INVALID_ARGUMENT, "%s is true or false, not '%s'", source,
                            value);
        }
        *(bool *)field = value[0] == 't';
        break;
    case COUNT:
        if (!gly_str_to_u64(gly_str_of(value), &number) || number < 1 || number > 1000) {
            return gly_fail(err, GLY_E_INVALID_ARGUMENT, "%s is a number from 1 to 1000, not '%s'",
                            source, value);
        }
        *(uint32_t *)field = (uint32_t)number;
        break;
    }
    return GLY_OK;
}

static const flag_def *find(gly_str name) {
    for (size_t i = 0; i < GLY_ARRAY_LEN(options); i++) {
        if (gly_str_equal(name, gly_str_of(options[i].name))) {
            return &options[i];
        }
    }
    return NULL;
}

static gly_status parse_arguments(gly_arena *arena, int count, char **arguments,
                                  gly_operator_options *ret, bool *ret_has_namespaces,
                                  gly_error *err) {
    for (int i = 1; i < count; i++) {
        const char *text = arguments[i];
        if (strncmp(text, "--", 2) != 0) {
            return gly_fail(err, GLY_E_INVALID_ARGUMENT,
                            "'%s' is no option of galley-operator; see --help", text);
        }
        const char *equals = strchr(text, '=');
        gly_str name = {text + 2, equals == NULL ? strlen(text + 2) : (size_t)(equals - text - 2)};
        const flag_def *option = find(name);
        if (option == NULL) {
            return gly_fail(err, GLY_E_INVALID_ARGUMENT,
                            "--%.*s is no option of galley-operator; see --help",
                            GLY_STR_ARG(name));
        }
        const char *value = equals == NULL ? NULL : equals + 1;
        if (value == NULL && option->kind == FLAG) {
            value = "true";
        } else if (value == NULL) {
            if (i + 1 == count) {
                return gly_fail(err, GLY_E_INVALID_ARGUMENT, "--%s needs a value (%s)",
                                option->name, option->value_name);
            }
            value = arguments[++i];
        }
        if (option->kind == LIST && !*ret_has_namespaces) {
            *ret_has_namespaces = true; /* the variable's are replaced, not added to */
            ret->namespace_count = 0;
        }
        GLY_TRY(set(arena, option, gly_arena_format(arena, "--%s", option->name), value, ret, err));
    }
    return GLY_OK;
}

gly_status gly_operator_options_parse(gly_arena *arena, int count, char **arguments,
                                      const char *(*get)(const char *name),
                                      gly_operator_options *ret, gly_error *err) {
    *ret = (gly_operator_options){.driver_image = "galley-driver:dev",
                                  .executor_image = "galley-executor:dev",
                                  .driver_service_account = "galley-driver",
                                  .leader_elect = true,
                                  .lease_name = "galley-operator",
                                  .metrics_address = "0.0.0.0:8080",
                                  .max_concurrent = 48,
                                  .timeout = "120s"};
    for (size_t i = 0; i < GLY_ARRAY_LEN(options); i++) {
        char name[64];
        variable_of(&options[i], name, sizeof name);
        const char *value = options[i].value_name == NULL ? NULL : get(name);
        if (value != NULL && value[0] != '\0') {
            GLY_TRY(set(arena, &options[i], gly_arena_string(arena, name), value, ret, err));
        }
    }
    bool has_namespaces = false;
    GLY_TRY(parse_arguments(arena, count, arguments, ret, &has_namespaces, err));
    const char *policy = ret->image_pull_policy;
    if (policy != NULL && strcmp(policy, "Always") != 0 && strcmp(policy, "IfNotPresent") != 0 &&
        strcmp(policy, "Never") != 0) {
        return gly_fail(err, GLY_E_INVALID_ARGUMENT,
                        "--image-pull-policy is Always, IfNotPresent or Never, not '%s'", policy);
    }
    if (strcmp(ret->metrics_address, "off") == 0) {
        ret->metrics_address = NULL;
    }
    return GLY_OK;
}

void gly_operator_options_usage(gly_builder *out) {
    gly_builder_add_text(out, "galley-operator: runs GalleyApplications and GalleySchedules\n\n");
    for (size_t i = 0; i < GLY_ARRAY_LEN(options); i++) {
        char variable[64], left[64];
        variable_of(&options[i], variable, sizeof variable);
        snprintf(left, sizeof left, "--%s %s", options[i].name,
                 options[i].value_name == NULL ? "" : options[i].value_name);
        gly_builder_format(out, "  %-36s %s\n", left, options[i].doc);
        if (options[i].value_name != NULL) {
            gly_builder_format(out, "  %-36s %s\n", "", variable);
        }
    }
    gly_builder_add_text(out,
                         "\nLogs are JSON lines on stderr; GALLEY_LOG_LEVEL is debug, info, warn, "
                         "error or off.\nThe API server: the pod's service account, else "
                         "KUBECONFIG or ~/.kube/config.\n");
}
