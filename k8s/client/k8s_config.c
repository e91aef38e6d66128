/* k8s_config.c - kubeconfigs by libyaml's document tree, and the files of a pod's service account.
 *
 * A kubeconfig is other people's text: its size, the size of files that it names and libyaml's
 * depth are limited; the tree is only ever entered along the fixed paths that a kubeconfig has, so
 * aliases that form a circle do no harm.  What would change who we are or whom we trust and is not
 * supported (exec, auth-provider, impersonation, tls-server-name, proxy-url) is refused, never
 * ignored.
 */
#include "k8s/client/k8s_config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

#define POD_DIRECTORY "/var/run/secrets/kubernetes.io/serviceaccount"

enum { MOST_FILE_BYTES = 1 << 20, MOST_DEPTH = 50 };

/* --- files --- */

/* A whole regular file as text. */
static gly_status read_text(gly_arena *arena, const char *path, gly_str *ret, gly_error *err) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return gly_error_from_errno(err, errno, "cannot open %s", path);
    }
    struct stat about;
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) {
        close(fd);
        return gly_fail(err, GLY_E_IO, "%s is not a regular file", path);
    }
    gly_builder text = {0};
    ssize_t got = 1;
    while (got > 0 && text.size <= MOST_FILE_BYTES) {
        char *room = gly_builder_room(&text, 16384);
        got = read(fd, room, 16384);
        text.size += got > 0 ? (size_t)got : 0;
    }
    int read_errno = errno;
    close(fd);
    gly_status status = GLY_OK;
    if (got < 0) {
        status = gly_error_from_errno(err, read_errno, "cannot read %s", path);
    } else if (text.size > MOST_FILE_BYTES) {
        status = gly_fail(err, GLY_E_CONFIG, "%s is larger than 1 MiB", path);
    } else if (text.size > 0 && memchr(text.data, '\0', text.size) != NULL) {
        status = gly_fail(err, GLY_E_CONFIG, "%s is not a text file", path);
    } else {
        *ret = gly_arena_str(arena, gly_builder_str(&text));
    }
    gly_builder_clear(&text);
    return status;
}

/* --- base64 (RFC 4648), white space ignored --- */

/* NULL: not base64, or the text holds a NUL. */
static char *decode_base64(gly_arena *arena, const char *text) {
    char *out = gly_arena_alloc(arena, strlen(text) / 4 * 3 + 4);
    size_t size = 0, digits = 0, padding = 0;
    uint32_t bits = 0;
    for (; *text != '\0'; text++) {
        if (strchr(" \t\r\n", *text) != NULL) {
            continue;
        }
        int digit = gly_str_base64_digit(*text);
        if (*text == '=') {
            padding++;
            continue;
        }
        if (digit < 0 || padding > 0) {
            return NULL;
        }
        bits = (bits << 6) | (uint32_t)digit;
        if (++digits % 4 == 0) {
            out[size++] = (char)(bits >> 16);
            out[size++] = (char)(bits >> 8);
            out[size++] = (char)bits;
        }
    }
    if (digits % 4 == 1 || (padding > 0 && (digits + padding) % 4 != 0) || padding > 2) {
        return NULL;
    }
    if (digits % 4 == 2) {
        out[size++] = (char)(bits >> 4);
    } else if (digits % 4 == 3) {
        out[size++] = (char)(bits >> 10);
        out[size++] = (char)(bits >> 2);
    }
    out[size] = '\0';
    return memchr(out, '\0', size) == NULL ? out : NULL;
}

/* --- the YAML tree --- */

typedef struct reader {
    gly_arena *arena;
    yaml_document_t *document;
    const char *directory;
    gly_error *err;
} reader;

/* The value of a key; NULL if there is none or the node is no mapping. */
static yaml_node_t *child(const reader *in, const yaml_node_t *node, const char *key) {
    if (node == NULL || node->type != YAML_MAPPING_NODE) {
        return NULL;
    }
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        yaml_node_t *name = yaml_document_get_node(in->document, pair->key);
        if (name != NULL && name->type == YAML_SCALAR_NODE &&
            gly_str_equal(gly_str_of(key),
                          (gly_str){(char *)name->data.scalar.value, name->data.scalar.length})) {
            return yaml_document_get_node(in->document, pair->value);
        }
    }
    return NULL;
}

/* Sets *ret to a scalar's text, NULL if it is absent, empty or null. */
static gly_status text_of(const reader *in, const yaml_node_t *node, const char *key,
                          const char **ret) {
    *ret = NULL;
    const yaml_node_t *value = child(in, node, key);
    if (value == NULL) {
        return GLY_OK;
    }
    if (value->type != YAML_SCALAR_NODE) {
        return gly_fail(in->err, GLY_E_CONFIG, "%s is not a text (line %zu)", key,
                        value->start_mark.line + 1);
    }
    gly_str text = {(char *)value->data.scalar.value, value->data.scalar.length};
    if (memchr(text.data, '\0', text.size) != NULL) {
        return gly_fail(in->err, GLY_E_CONFIG, "%s holds a NUL character", key);
    }
    bool is_plain = value->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    bool is_null =
        is_plain && (gly_str_equal(text, GLY_STR("null")) || gly_str_equal(text, GLY_STR("~")));
    if (text.size > 0 && !is_null) {
        *ret = gly_arena_str(in->arena, text).data;
    }
    return GLY_OK;
}

/* The mapping below "what" of the entry of a list that has this name. */
static gly_status named(const reader *in, const char *list, const char *what, const char *name,
                        const yaml_node_t **ret) {
    const yaml_node_t *items = child(in, yaml_document_get_root_node(in->document), list);
    if (items != NULL && items->type == YAML_SEQUENCE_NODE) {
        for (yaml_node_item_t *item = items->data.sequence.items.start;
             item < items->data.sequence.items.top; item++) {
            const yaml_node_t *entry = yaml_document_get_node(in->document, *item);
            const char *found;
            GLY_TRY(text_of(in, entry, "name", &found));
            if (found != NULL && strcmp(found, name) == 0) {
                *ret = child(in, entry, what);
                if (*ret == NULL || (*ret)->type != YAML_MAPPING_NODE) {
                    return gly_fail(in->err, GLY_E_CONFIG, "%s '%s' has no part named %s", what,
                                    name, what);
                }
                return GLY_OK;
            }
        }
    }
    return gly_fail(in->err, GLY_E_CONFIG, "there is no %s named '%s' in %s", what, name, list);
}

static gly_status refuse(const reader *in, const yaml_node_t *node, const char *key,
                         const char *advice) {
    if (child(in, node, key) != NULL) {
        return gly_fail(in->err, GLY_E_UNSUPPORTED, "%s is not supported here; %s", key, advice);
    }
    return GLY_OK;
}

static const char *resolve(const reader *in, const char *path) {
    return path[0] == '/' ? path : gly_arena_format(in->arena, "%s/%s", in->directory, path);
}

/* key-data as base64, or the file that key names: data wins, as for kubectl. */
static gly_status pem_of(const reader *in, const yaml_node_t *node, const char *key,
                         const char **ret) {
    const char *data, *path;
    *ret = NULL;
    GLY_TRY(text_of(in, node, gly_arena_format(in->arena, "%s-data", key), &data));
    GLY_TRY(text_of(in, node, key, &path));
    if (data != NULL) {
        *ret = decode_base64(in->arena, data);
        if (*ret == NULL) {
            return gly_fail(in->err, GLY_E_CONFIG, "%s-data is not valid base64", key);
        }
    } else if (path != NULL) {
        gly_str text;
        GLY_TRY_ADD(read_text(in->arena, resolve(in, path), &text, in->err), in->err, "%s", key);
        *ret = text.data;
    }
    if (*ret != NULL && strstr(*ret, "-----BEGIN ") == NULL) {
        return gly_fail(in->err, GLY_E_CONFIG, "%s holds no PEM text (-----BEGIN ...)", key);
    }
    return GLY_OK;
}

/* --- the parts of a kubeconfig --- */

static gly_status check_server(const char *server, gly_error *err) {
    if (strncmp(server, "https://", 8) != 0 && strncmp(server, "http://", 7) != 0) {
        return gly_fail(err, GLY_E_CONFIG, "the server '%s' must start with https:// or http://",
                        server);
    }
    for (const char *at = server; *at != '\0'; at++) {
        if (*at <= ' ' || *at > '~' || *at == '?' || *at == '#' || *at == '@') {
            return gly_fail(err, GLY_E_CONFIG, "the server '%s' is not a plain address", server);
        }
    }
    return GLY_OK;
}

static gly_status read_cluster(const reader *in, const yaml_node_t *cluster, gly_k8s_config *ret) {
    const char *server, *verify;
    GLY_TRY(text_of(in, cluster, "server", &server));
    if (server == NULL) {
        return gly_fail(in->err, GLY_E_CONFIG, "it has no server");
    }
    GLY_TRY(check_server(server, in->err));
    size_t size = strlen(server);
    while (server[size - 1] == '/') {
        size--;
    }
    ret->server = gly_arena_str(in->arena, (gly_str){server, size}).data;
    GLY_TRY(pem_of(in, cluster, "certificate-authority", &ret->ca_pem));
    GLY_TRY(text_of(in, cluster, "insecure-skip-tls-verify", &verify));
    ret->skip_verify =
        verify != NULL && gly_str_equal_ignore_case(gly_str_of(verify), GLY_STR("true"));
    GLY_TRY(refuse(in, cluster, "tls-server-name", "use a server name that is in its certificate"));
    return refuse(in, cluster, "proxy-url", "set the environment variable https_proxy");
}

static gly_status read_user(const reader *in, const yaml_node_t *user, gly_k8s_config *ret) {
    static const char advice[] =
        "Galley runs no credential programs: use a client certificate, or a token from "
        "'kubectl create token'";
    GLY_TRY(refuse(in, user, "exec", advice));
    GLY_TRY(refuse(in, user, "auth-provider", advice));
    GLY_TRY(refuse(in, user, "as", "Galley does not impersonate"));
    GLY_TRY(pem_of(in, user, "client-certificate", &ret->certificate_pem));
    GLY_TRY(pem_of(in, user, "client-key", &ret->key_pem));
    if ((ret->certificate_pem == NULL) != (ret->key_pem == NULL)) {
        return gly_fail(in->err, GLY_E_CONFIG,
                        "client-certificate and client-key are only good together");
    }
    const char *path;
    GLY_TRY(text_of(in, user, "tokenFile", &path));
    GLY_TRY(text_of(in, user, "token", &ret->token));
    if (path != NULL) { /* it wins over token, as for kubectl */
        ret->token_path = resolve(in, path);
        ret->token = NULL;
    }
    GLY_TRY(text_of(in, user, "username", &ret->user));
    return text_of(in, user, "password", &ret->password);
}

static gly_status read_context(const reader *in, const char *context_name, gly_k8s_config *ret) {
    const yaml_node_t *context, *cluster, *user;
    const char *cluster_name, *user_name;
    GLY_TRY(named(in, "contexts", "context", context_name, &context));
    GLY_TRY(text_of(in, context, "cluster", &cluster_name));
    GLY_TRY(text_of(in, context, "user", &user_name));
    GLY_TRY(text_of(in, context, "namespace", &ret->namespace_name));
    if (ret->namespace_name == NULL) {
        ret->namespace_name = "default";
    }
    if (cluster_name == NULL) {
        return gly_fail(in->err, GLY_E_CONFIG, "the context '%s' names no cluster", context_name);
    }
    GLY_TRY(named(in, "clusters", "cluster", cluster_name, &cluster));
    GLY_TRY_ADD(read_cluster(in, cluster, ret), in->err, "cluster '%s'", cluster_name);
    if (user_name != NULL) {
        GLY_TRY(named(in, "users", "user", user_name, &user));
        GLY_TRY_ADD(read_user(in, user, ret), in->err, "user '%s'", user_name);
    }
    return GLY_OK;
}

static gly_status read_document(const reader *in, const char *context_name, gly_k8s_config *ret) {
    const yaml_node_t *root = yaml_document_get_root_node(in->document);
    if (root == NULL || root->type != YAML_MAPPING_NODE) {
        return gly_fail(in->err, GLY_E_CONFIG, "this is no kubeconfig");
    }
    const char *current = context_name;
    if (current == NULL) {
        GLY_TRY(text_of(in, root, "current-context", &current));
    }
    if (current == NULL) {
        return gly_fail(in->err, GLY_E_CONFIG,
                        "no current-context is set: run 'kubectl config use-context NAME'");
    }
    return read_context(in, current, ret);
}

/* False: deeper than any kubeconfig.  libyaml takes time by the square of the depth, so this is
 * found out before the tree is made. */
static bool is_shallow(gly_str text) {
    yaml_parser_t parser;
    yaml_event_t event;
    size_t depth = 0;
    bool goes_on = yaml_parser_initialize(&parser) != 0;
    yaml_parser_set_input_string(&parser, (const unsigned char *)text.data, text.size);
    while (goes_on && depth <= MOST_DEPTH && yaml_parser_parse(&parser, &event)) {
        yaml_event_type_t type = event.type;
        yaml_event_delete(&event);
        depth += type == YAML_MAPPING_START_EVENT || type == YAML_SEQUENCE_START_EVENT;
        depth -= type == YAML_MAPPING_END_EVENT || type == YAML_SEQUENCE_END_EVENT;
        goes_on = type != YAML_STREAM_END_EVENT && type != YAML_DOCUMENT_END_EVENT;
    }
    yaml_parser_delete(&parser);
    return depth <= MOST_DEPTH;
}

gly_status gly_k8s_config_parse(gly_arena *arena, gly_str text, const char *directory,
                                const char *context_name, gly_k8s_config *ret, gly_error *err) {
    *ret = (gly_k8s_config){0};
    if (text.size > MOST_FILE_BYTES) {
        return gly_fail(err, GLY_E_CONFIG, "a kubeconfig of more than 1 MiB is not read");
    }
    if (!is_shallow(text)) {
        return gly_fail(err, GLY_E_CONFIG, "it is nested too deeply for a kubeconfig");
    }
    yaml_parser_t parser;
    yaml_document_t document;
    if (!yaml_parser_initialize(&parser)) {
        return gly_fail(err, GLY_E_OUT_OF_MEMORY, "no memory for reading YAML");
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text.data, text.size);
    gly_status status;
    if (!yaml_parser_load(&parser, &document)) {
        status = gly_fail(err, GLY_E_CONFIG, "it is not valid YAML: %s (line %zu)",
                          parser.problem != NULL ? parser.problem : "unknown problem",
                          parser.problem_mark.line + 1);
    } else {
        reader in = {arena, &document, directory, err};
        status = read_document(&in, context_name, ret);
        yaml_document_delete(&document);
    }
    yaml_parser_delete(&parser);
    return status;
}

/* --- where it is --- */

gly_status gly_k8s_config_load_pod(gly_arena *arena, const char *directory, const char *host,
                                   const char *port, gly_k8s_config *ret, gly_error *err) {
    *ret = (gly_k8s_config){0};
    bool is_v6 = strchr(host, ':') != NULL;
    ret->server = gly_arena_format(arena, "https://%s%s%s:%s", is_v6 ? "[" : "", host,
                                   is_v6 ? "]" : "", port);
    GLY_TRY(check_server(ret->server, err));
    gly_str ca, namespace_name;
    GLY_TRY_ADD(read_text(arena, gly_arena_format(arena, "%s/ca.crt", directory), &ca, err), err,
                "the pod's service account");
    ret->ca_pem = ca.data;
    ret->token_path = gly_arena_format(arena, "%s/token", directory);
    ret->namespace_name = "default";
    if (read_text(arena, gly_arena_format(arena, "%s/namespace", directory), &namespace_name,
                  NULL) == GLY_OK) {
        namespace_name = gly_str_trim(namespace_name);
        if (namespace_name.size > 0) {
            ret->namespace_name = gly_arena_str(arena, namespace_name).data;
        }
    }
    return GLY_OK;
}

static const char *directory_of(gly_arena *arena, const char *path) {
    const char *slash = strrchr(path, '/');
    if (slash == NULL) {
        return ".";
    }
    return slash == path ? "/" : gly_arena_str(arena, (gly_str){path, (size_t)(slash - path)}).data;
}

gly_status gly_k8s_config_load(gly_arena *arena, const char *context_name, gly_k8s_config *ret,
                               gly_error *err) {
    const char *path = getenv("KUBECONFIG");
    const char *host = getenv("KUBERNETES_SERVICE_HOST");
    const char *port = getenv("KUBERNETES_SERVICE_PORT");
    const char *home = getenv("HOME");
    if (path != NULL) {
        path += strspn(path, ":");
        path = gly_arena_str(arena, (gly_str){path, strcspn(path, ":")}).data;
    }
    if (path == NULL || path[0] == '\0') {
        if (host != NULL && host[0] != '\0' && context_name == NULL) {
            return gly_k8s_config_load_pod(arena, POD_DIRECTORY, host, port != NULL ? port : "443",
                                           ret, err);
        }
        if (home == NULL || home[0] == '\0') {
            return gly_fail(err, GLY_E_CONFIG,
                            "no cluster to talk to: neither KUBECONFIG nor HOME is set, and this "
                            "is no pod");
        }
        path = gly_arena_format(arena, "%s/.kube/config", home);
    }
    gly_str text;
    GLY_TRY_ADD(read_text(arena, path, &text, err), err, "the kubeconfig");
    GLY_TRY_ADD(
        gly_k8s_config_parse(arena, text, directory_of(arena, path), context_name, ret, err), err,
        "the kubeconfig %s", path);
    return GLY_OK;
}
