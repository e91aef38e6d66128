/* driver_creation.c - secrets and pod in the order that survives a kill between any two of them.
 *
 *   POST driver secret --201--> POST executor secret --> POST pod --> done
 *          |409                        |409                |409
 *          v                           v                   v
 *   GET it, load its authority     GET it: ours?       GET it: ours?
 *
 * The executors' identity is always issued from the authority that is in the driver's secret,
 * whoever made that.  What exists already and has another owner is refused as NameTaken: mostly a
 * deleted application of the same name whose objects the garbage collector has not reached yet, so
 * it is tried again.
 */
#include "k8s/operator/driver_creation.h"

#include "k8s/api/json_field.h"
#include "k8s/api/names.h"
#include "k8s/pod/pods.h"
#include "k8s/pod/tls_secret.h"
#include "lib/net/tls.h"

typedef struct creation {
    gly_operator_core *core;
    const gly_application *application;
    uint32_t attempt;
    gly_arena *arena;
    gly_tls_authority *authority;
    void (*on_done)(void *context, const gly_driver_creation_result *result);
    void *context;
    /* what is done with the next answer */
    void (*next)(struct creation *c, gly_k8s_response *response);
} creation;

static void post_driver_secret(creation *c);
static void post_executor_secret(creation *c);
static void post_pod(creation *c);

bool gly_driver_creation_is_ours(const cJSON *object, const char *application_uid) {
    const cJSON *owners = gly_json_field_find(object, "metadata", "ownerReferences", NULL);
    const cJSON *owner;
    cJSON_ArrayForEach(owner, owners) {
        if (strcmp(gly_json_field_string_or(owner, "uid", ""), application_uid) == 0) {
            return true;
        }
    }
    return false;
}

static void end_with(creation *c, const gly_driver_creation_result *result) {
    c->on_done(c->context, result);
    gly_tls_authority_free(c->authority);
    gly_arena_free(c->arena);
    free(c);
}

static void end(creation *c, gly_driver_creation_outcome outcome, bool is_new, const char *reason,
                const char *message) {
    gly_driver_creation_result result = {outcome, is_new, reason, message, NULL};
    end_with(c, &result);
}

static void done(creation *c, bool is_new, const cJSON *pod) {
    gly_driver_creation_result result = {GLY_CREATION_DONE, is_new, "", "", pod};
    end_with(c, &result);
}

/* Every answer comes here first. */
static void on_answer(void *context, gly_k8s_response *response) {
    creation *c = context;
    gly_operator_core_count(c->core, response);
    if (response->status == GLY_E_CANCELLED) {
        end(c, GLY_CREATION_CANCELLED, false, "", "");
        return;
    }
    c->next(c, response);
}

static void send(creation *c, const char *method, const gly_k8s_kind *kind, const char *name,
                 cJSON *body, void (*next)(creation *c, gly_k8s_response *response)) {
    c->next = next;
    gly_str path = gly_k8s_path(c->arena, kind, c->application->namespace_name, name, NULL,
                                body == NULL ? NULL : GLY_OPERATOR_MANAGER);
    gly_operator_core_send(c->core, method, path, body, NULL, on_answer, c);
}

static bool contains(const char *text, const char *part) { return strstr(text, part) != NULL; }

/* A write that was not accepted. */
static void refused(creation *c, const char *what, const gly_k8s_response *response) {
    const char *words = gly_operator_core_words(response);
    const char *message = gly_arena_format(c->arena, "%s is refused: %s", what, words);
    switch (response->http_code) {
    case 403:
        if (contains(words, "exceeded quota")) {
            end(c, GLY_CREATION_REFUSED, false, "QuotaExceeded", message);
        } else if (contains(words, "being terminated")) {
            end(c, GLY_CREATION_TROUBLE, false, "NamespaceTerminating", message);
        } else {
            end(c, GLY_CREATION_REFUSED, false, "Forbidden", message);
        }
        break;
    case 400:
    case 413:
    case 422:
        end(c, GLY_CREATION_FINAL, false, "DriverPodInvalid", message);
        break;
    default:
        end(c, GLY_CREATION_TROUBLE, false, "RequestFailed", response->message);
        break;
    }
}

static void name_taken(creation *c, const char *kind, const char *name) {
    end(c, GLY_CREATION_REFUSED, false, "NameTaken",
        gly_arena_format(c->arena,
                         "%s %s exists already and belongs to something else; delete it or "
                         "rename the application",
                         kind, name));
}

static void internal_trouble(creation *c, const gly_error *err) {
    end(c, GLY_CREATION_TROUBLE, false, "TLS", err->message);
}

/* --- the pod --- */

static const char *pod_name(creation *c) {
    return gly_names_driver_pod(c->arena, c->application->name, c->attempt);
}

static void on_pod_looked_at(creation *c, gly_k8s_response *response) {
    if (response->status != GLY_OK) { /* gone again; the next look makes it */
        end(c, GLY_CREATION_TROUBLE, false, "RequestFailed", response->message);
    } else if (gly_driver_creation_is_ours(response->body, c->application->uid)) {
        done(c, false, response->body);
    } else {
        name_taken(c, "Pod", pod_name(c));
    }
}

static void on_pod(creation *c, gly_k8s_response *response) {
    if (response->status == GLY_OK) {
        done(c, true, response->body);
    } else if (response->http_code == 409 && strcmp(response->reason, "AlreadyExists") == 0) {
        send(c, "GET", &GLY_K8S_PODS, pod_name(c), NULL, on_pod_looked_at);
    } else if (response->http_code == 409) { /* quota was changed meanwhile */
        end(c, GLY_CREATION_TROUBLE, false, "RequestFailed", response->message);
    } else {
        refused(c, gly_arena_format(c->arena, "driver pod %s", pod_name(c)), response);
    }
}

static void post_pod(creation *c) {
    gly_pods_context context = {.application = c->application, .attempt = c->attempt};
    send(c, "POST", &GLY_K8S_PODS, NULL, gly_driver_pod_make(&context), on_pod);
}

/* --- the executors' secret --- */

static const char *executor_secret_name(creation *c) {
    return gly_names_executor_tls(c->arena, c->application->name);
}

static void on_executor_secret_looked_at(creation *c, gly_k8s_response *response) {
    if (response->status != GLY_OK) {
        end(c, GLY_CREATION_TROUBLE, false, "RequestFailed", response->message);
    } else if (gly_driver_creation_is_ours(response->body, c->application->uid)) {
        post_pod(c);
    } else {
        name_taken(c, "Secret", executor_secret_name(c));
    }
}

static void on_executor_secret(creation *c, gly_k8s_response *response) {
    if (response->status == GLY_OK) {
        post_pod(c);
    } else if (response->http_code == 409) {
        send(c, "GET", &GLY_K8S_SECRETS, executor_secret_name(c), NULL,
             on_executor_secret_looked_at);
    } else {
        refused(c, gly_arena_format(c->arena, "Secret %s", executor_secret_name(c)), response);
    }
}

static void post_executor_secret(creation *c) {
    gly_error err;
    gly_tls_identity identity;
    if (gly_tls_identity_issue(c->authority, GLY_TLS_BOOTSTRAP_NAME, &identity, &err) != GLY_OK) {
        internal_trouble(c, &err);
        return;
    }
    cJSON *secret = gly_tls_secret_executor(c->application, identity.authority_pem,
                                            identity.certificate_pem, identity.key_pem);
    gly_tls_identity_clear(&identity);
    send(c, "POST", &GLY_K8S_SECRETS, NULL, secret, on_executor_secret);
}

/* --- the driver's secret --- */

static const char *driver_secret_name(creation *c) {
    return gly_names_driver_tls(c->arena, c->application->name);
}

static void on_driver_secret_looked_at(creation *c, gly_k8s_response *response) {
    if (response->http_code == 404 && c->authority == NULL) {
        post_driver_secret(c); /* somebody deleted it */
        return;
    }
    if (response->status != GLY_OK) {
        end(c, GLY_CREATION_TROUBLE, false, "RequestFailed", response->message);
        return;
    }
    if (!gly_driver_creation_is_ours(response->body, c->application->uid)) {
        name_taken(c, "Secret", driver_secret_name(c));
        return;
    }
    const char *certificate = gly_tls_secret_text(c->arena, response->body, "ca.crt");
    const char *key = gly_tls_secret_text(c->arena, response->body, "ca.key");
    gly_tls_authority_free(c->authority);
    c->authority = NULL;
    gly_error err;
    if (certificate == NULL || key == NULL ||
        gly_tls_authority_load(certificate, key, &c->authority, &err) != GLY_OK) {
        end(c, GLY_CREATION_REFUSED, false, "SecretUnusable",
            gly_arena_format(c->arena,
                             "Secret %s holds no usable certificate authority; delete it, and it "
                             "is made again",
                             driver_secret_name(c)));
        return;
    }
    post_executor_secret(c);
}

static void on_driver_secret(creation *c, gly_k8s_response *response) {
    if (response->status == GLY_OK) {
        post_executor_secret(c);
    } else if (response->http_code == 409) {
        send(c, "GET", &GLY_K8S_SECRETS, driver_secret_name(c), NULL, on_driver_secret_looked_at);
    } else {
        refused(c, gly_arena_format(c->arena, "Secret %s", driver_secret_name(c)), response);
    }
}

static void post_driver_secret(creation *c) {
    gly_error err;
    char *certificate = NULL, *key = NULL;
    if (gly_tls_authority_make(&c->authority, &err) != GLY_OK ||
        gly_tls_authority_export(c->authority, &certificate, &key, &err) != GLY_OK) {
        internal_trouble(c, &err);
        return;
    }
    cJSON *secret = gly_tls_secret_driver(c->application, certificate, key);
    free(certificate);
    gly_tls_text_wipe(key);
    send(c, "POST", &GLY_K8S_SECRETS, NULL, secret, on_driver_secret);
}

void gly_driver_creation_start(
    gly_operator_core *core, const gly_application *application, uint32_t attempt,
    void (*on_done)(void *context, const gly_driver_creation_result *result), void *context) {
    creation *c = GLY_NEW(creation);
    *c = (creation){.core = core,
                    .application = application,
                    .attempt = attempt,
                    .arena = gly_arena_make(),
                    .on_done = on_done,
                    .context = context};
    if (attempt > 1) { /* they are there */
        send(c, "GET", &GLY_K8S_SECRETS, driver_secret_name(c), NULL, on_driver_secret_looked_at);
    } else {
        post_driver_secret(c);
    }
}
