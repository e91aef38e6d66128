/* test_k8s_config.c - kubeconfigs as people have them, and every way in which they can be wrong. */
#include "k8s/client/k8s_config.h"

#include "tests/support/check.h"

#include <sys/stat.h>
#include <unistd.h>

#define HEAD                                                                                       \
    "apiVersion: v1\nkind: Config\ncurrent-context: one\n"                                         \
    "contexts:\n- {name: one, context: {cluster: c, user: u}}\n"                                   \
    "- name: two\n  context: {cluster: d, user: v, namespace: jobs}\n"
#define CLUSTERS                                                                                   \
    "clusters:\n- {name: c, cluster: {server: 'https://10.0.0.1:6443/'}}\n"                        \
    "- name: d\n  cluster: {server: \"https://[fd00::1]/k8s/clusters/x//\", "                      \
    "insecure-skip-tls-verify: true}\n"

/* "-----BEGIN CERTIFICATE-----\nxx\n" and "-----BEGIN KEY-----\n" */
#define CERTIFICATE "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCnh4Cg=="
#define KEY "LS0tLS1CRUdJTiBLRVktLS0tLQo="

static char directory[64];

static void write_file(const char *name, const char *text) {
    if (directory[0] == '\0') {
        snprintf(directory, sizeof directory, "/tmp/galley-test-XXXXXX");
        GLY_ASSERT(mkdtemp(directory) != NULL);
    }
    char path[160];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    GLY_ASSERT(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}

static gly_status parse(gly_arena *arena, const char *text, const char *context_name,
                        gly_k8s_config *ret, gly_error *err) {
    return gly_k8s_config_parse(arena, gly_str_of(text), directory, context_name, ret, err);
}

/* The sentence that a text is refused with; "" if it is not. */
static const char *refusal(const char *text) {
    static gly_error error;
    gly_arena *arena = gly_arena_make();
    gly_k8s_config config;
    gly_status status = parse(arena, text, NULL, &config, &error);
    gly_arena_free(arena);
    return status == GLY_OK ? "" : error.message;
}

static void check_refused(const char *text, const char *words) {
    const char *sentence = refusal(text);
    if (strstr(sentence, words) == NULL) {
        fprintf(stderr, "'%s' is said, '%s' was expected of:\n%s\n", sentence, words, text);
    }
    GLY_CHECK(strstr(sentence, words) != NULL);
}

GLY_TEST(token_and_default_namespace) {
    gly_arena *arena = gly_arena_make();
    gly_k8s_config config;
    gly_error error;
    GLY_CHECK_OK(parse(arena, HEAD CLUSTERS "users: [{name: u, user: {token: abc}}]\n", NULL,
                       &config, &error),
                 &error);
    GLY_CHECK_TEXT(config.server, "https://10.0.0.1:6443");
    GLY_CHECK_TEXT(config.namespace_name, "default");
    GLY_CHECK_TEXT(config.token, "abc");
    GLY_CHECK(config.ca_pem == NULL && config.key_pem == NULL && config.token_path == NULL);
    GLY_CHECK(!config.skip_verify);
    gly_arena_free(arena);
}

GLY_TEST(another_context_by_name) {
    gly_arena *arena = gly_arena_make();
    gly_k8s_config config;
    gly_error error;
    GLY_CHECK_OK(parse(arena,
                       HEAD CLUSTERS "users:\n- name: v\n  user:\n    username: me\n"
                                     "    password: '12: 3'\n",
                       "two", &config, &error),
                 &error);
    GLY_CHECK_TEXT(config.server, "https://[fd00::1]/k8s/clusters/x");
    GLY_CHECK_TEXT(config.namespace_name, "jobs");
    GLY_CHECK_TEXT(config.user, "me");
    GLY_CHECK_TEXT(config.password, "12: 3");
    GLY_CHECK(config.skip_verify);
    GLY_CHECK(parse(arena, HEAD CLUSTERS, "three", &config, &error) == GLY_E_CONFIG);
    GLY_CHECK_TEXT(error.message, "there is no context named 'three' in contexts");
    gly_arena_free(arena);
}

GLY_TEST(certificates_as_data) {
    gly_arena *arena = gly_arena_make();
    gly_k8s_config config;
    gly_error error;
    const char *text =
        HEAD "clusters: [{name: c, cluster: {server: https://x, certificate-authority: /no/such, "
             "certificate-authority-data: " CERTIFICATE "}}]\n"
             "users:\n- name: u\n  user:\n    client-certificate-data: " CERTIFICATE
             "\n    client-key-data: >-\n      LS0tLS1CRUdJTiB\n      LRVktLS0tLQo=\n";
    GLY_CHECK_OK(parse(arena, text, NULL, &config, &error), &error);
    GLY_CHECK_TEXT(config.ca_pem, "-----BEGIN CERTIFICATE-----\nxx\n");
    GLY_CHECK_TEXT(config.certificate_pem, "-----BEGIN CERTIFICATE-----\nxx\n");
    GLY_CHECK_TEXT(config.key_pem, "-----BEGIN KEY-----\n");
    gly_arena_free(arena);
}

GLY_TEST(files_are_relative_to_the_kubeconfig) {
    gly_arena *arena = gly_arena_make();
    gly_k8s_config config;
    gly_error error;
    write_file("ca.pem", "-----BEGIN CERTIFICATE-----\n");
    write_file("mine.pem", "-----BEGIN CERTIFICATE-----\nmine\n");
    write_file("key.pem", "-----BEGIN KEY-----\n");
    const char *text =
        HEAD "clusters: [{name: c, cluster: {server: https://x, certificate-authority: ca.pem}}]\n"
             "users: [{name: u, user: {client-certificate: ./mine.pem, client-key: key.pem, "
             "token: ignored, tokenFile: the/token}}]\n";
    GLY_CHECK_OK(parse(arena, text, NULL, &config, &error), &error);
    GLY_CHECK_TEXT(config.ca_pem, "-----BEGIN CERTIFICATE-----\n");
    GLY_CHECK_TEXT(config.certificate_pem, "-----BEGIN CERTIFICATE-----\nmine\n");
    GLY_CHECK(config.token == NULL);
    char expected[160];
    snprintf(expected, sizeof expected, "%s/the/token", directory);
    GLY_CHECK_TEXT(config.token_path, expected);
    gly_arena_free(arena);
}

GLY_TEST(json_is_yaml) {
    GLY_CHECK_TEXT(
        refusal("{\"current-context\":\"a\",\"contexts\":[{\"name\":\"a\",\"context\":{"
                "\"cluster\":\"b\"}}],\"clusters\":[{\"name\":\"b\",\"cluster\":{\"server\":"
                "\"http://127.0.0.1:8001\"}}],\"users\":null}"),
        "");
}

GLY_TEST(refused_with_a_reason) {
    check_refused("", "this is no kubeconfig");
    check_refused("just a text", "this is no kubeconfig");
    check_refused("a: [b", "not valid YAML");
    check_refused("a: b", "no current-context");
    check_refused("current-context: one", "no context named 'one'");
    check_refused("current-context: [1]", "current-context is not a text (line 1)");
    check_refused(HEAD, "no cluster named 'c'");
    check_refused(HEAD CLUSTERS, "no user named 'u'");
    check_refused(HEAD "clusters: [{name: c}]", "cluster 'c' has no part named cluster");
    check_refused(HEAD "clusters: [{name: c, cluster: {}}]", "cluster 'c': it has no server");
    check_refused(HEAD "clusters: [{name: c, cluster: {server: 10.0.0.1}}]", "must start with");
    check_refused(HEAD "clusters: [{name: c, cluster: {server: \"https://a\\nb\"}}]",
                  "not a plain address");
    check_refused(HEAD "clusters: [{name: c, cluster: {server: https://a, tls-server-name: b}}]",
                  "tls-server-name is not supported");
    check_refused(HEAD "clusters: [{name: c, cluster: {server: https://a, "
                       "certificate-authority: /no/such/file}}]",
                  "cannot open /no/such/file");
    check_refused(HEAD "clusters: [{name: c, cluster: {server: https://a, "
                       "certificate-authority: /dev/zero}}]",
                  "not a regular file");
    check_refused(HEAD "clusters: [{name: c, cluster: {server: https://a, "
                       "certificate-authority-data: '!!!!'}}]",
                  "certificate-authority-data is not valid base64");
    check_refused(HEAD "clusters: [{name: c, cluster: {server: https://a, "
                       "certificate-authority-data: aGFsbG8=}}]",
                  "holds no PEM text");
}

GLY_TEST(users_that_are_refused) {
#define USER(text) HEAD CLUSTERS "users: [{name: u, user: {" text "}}]"
    check_refused(USER("exec: {command: aws}"), "user 'u': exec is not supported here");
    check_refused(USER("exec: {command: aws}"), "kubectl create token");
    check_refused(USER("auth-provider: {name: gcp}"), "auth-provider is not supported");
    check_refused(USER("token: a, as: admin"), "does not impersonate");
    check_refused(USER("client-certificate-data: " CERTIFICATE), "only good together");
    check_refused(USER("client-key-data: " KEY), "only good together");
    check_refused(USER("token: [a]"), "token is not a text");
    check_refused(USER("token: \"a\\0b\""), "token holds a NUL character");
    /* what is empty is not there */
    GLY_CHECK_TEXT(refusal(USER("token: ''")), "");
    GLY_CHECK_TEXT(refusal(USER("token: null, tokenFile: ~")), "");
    GLY_CHECK_TEXT(refusal(USER("")), "");
}

GLY_TEST(base64_edges) {
    const char *good[] = {"LS0tLS1CRUdJTiA=", "LS0tLS1CRUdJTiA", "LS0tLS1CRUdJTiAg",
                          "LS0t LS1C\\nRUdJTiA="};
    const char *bad[] = {"LS0tLS1CRUdJTiA==", "LS0tLS1CRUdJTiA=x",  "L",
                         "LS0tLS1CRUdJTiAA",  "LS0tLS1CRUdJTiA===", "LS0t-S1CRUdJTiA="};
    char text[1024];
    for (size_t i = 0; i < GLY_ARRAY_LEN(good); i++) {
        snprintf(text, sizeof text,
                 HEAD "clusters: [{name: c, cluster: {server: https://a, "
                      "certificate-authority-data: \"%s\"}}]\nusers: [{name: u, user: {}}]",
                 good[i]);
        GLY_CHECK_TEXT(refusal(text), "");
    }
    for (size_t i = 0; i < GLY_ARRAY_LEN(bad); i++) {
        snprintf(text, sizeof text,
                 HEAD "clusters: [{name: c, cluster: {server: https://a, "
                      "certificate-authority-data: \"%s\"}}]\nusers: [{name: u, user: {}}]",
                 bad[i]);
        check_refused(text, "not valid base64");
    }
}

GLY_TEST(aliases_may_form_a_circle) {
    check_refused("&a {current-context: *a}", "current-context is not a text");
    check_refused("current-context: x\ncontexts: &a [*a, *a, {name: x, context: &b {cluster: *b}}]",
                  "cluster is not a text");
}

GLY_TEST(deep_and_large_texts) {
    size_t size = 2000000;
    char *text = malloc(size + 1);
    memset(text, '[', size);
    text[size] = '\0';
    check_refused(text, "more than 1 MiB");
    text[1000000] = '\0'; /* hours, if libyaml is let loose on it */
    check_refused(text, "nested too deeply");
    for (size_t i = 1; i < 1000000; i += 2) {
        text[i] = '\n';
    }
    check_refused(text, "nested too deeply");
    for (size_t i = 0; i < 1000000; i++) {
        text[i] = "- "[i % 2];
    }
    check_refused(text, "nested too deeply");
    free(text);
}

GLY_TEST(in_a_pod) {
    gly_arena *arena = gly_arena_make();
    gly_k8s_config config;
    gly_error error;
    write_file("ca.crt", "-----BEGIN CERTIFICATE-----\n");
    write_file("token", "t1\n");
    write_file("namespace", "jobs\n");
    GLY_CHECK_OK(gly_k8s_config_load_pod(arena, directory, "10.96.0.1", "443", &config, &error),
                 &error);
    GLY_CHECK_TEXT(config.server, "https://10.96.0.1:443");
    GLY_CHECK_TEXT(config.namespace_name, "jobs");
    GLY_CHECK(config.token == NULL && strstr(config.token_path, "/token") != NULL);
    GLY_CHECK_OK(gly_k8s_config_load_pod(arena, directory, "fd00::1", "6443", &config, &error),
                 &error);
    GLY_CHECK_TEXT(config.server, "https://[fd00::1]:6443");
    GLY_CHECK(gly_k8s_config_load_pod(arena, "/no/such", "a", "1", &config, &error) != GLY_OK);
    GLY_CHECK(strstr(error.message, "the pod's service account: cannot open /no/such/ca.crt") !=
              NULL);
    gly_arena_free(arena);
}

GLY_TEST(found_by_the_environment) {
    gly_arena *arena = gly_arena_make();
    gly_k8s_config config;
    gly_error error;
    char value[200];
    write_file("config", HEAD CLUSTERS "users: [{name: u, user: {token: abc}}]\n");
    snprintf(value, sizeof value, ":%s/config:/no/such", directory);
    setenv("KUBECONFIG", value, 1);
    setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1", 1);
    GLY_CHECK_OK(gly_k8s_config_load(arena, NULL, &config, &error), &error);
    GLY_CHECK_TEXT(config.token, "abc");
    setenv("KUBECONFIG", "/no/such", 1);
    GLY_CHECK(gly_k8s_config_load(arena, NULL, &config, &error) == GLY_E_PATH_NOT_FOUND);
    GLY_CHECK(strstr(error.message, "the kubeconfig: cannot open /no/such") != NULL);
    write_file("bad", "a: b");
    snprintf(value, sizeof value, "%s/bad", directory);
    setenv("KUBECONFIG", value, 1);
    GLY_CHECK(gly_k8s_config_load(arena, NULL, &config, &error) == GLY_E_CONFIG);
    GLY_CHECK(strstr(error.message, "/bad: no current-context is set") != NULL);
    unsetenv("KUBECONFIG"); /* then it is a pod, of which this machine has no files */
    GLY_CHECK(gly_k8s_config_load(arena, NULL, &config, &error) != GLY_OK);
    GLY_CHECK(strstr(error.message, "service account") != NULL);
    unsetenv("KUBERNETES_SERVICE_HOST");
    unsetenv("HOME");
    GLY_CHECK(gly_k8s_config_load(arena, NULL, &config, &error) == GLY_E_CONFIG);
    GLY_CHECK(strstr(error.message, "no cluster to talk to") != NULL);
    gly_arena_free(arena);
    const char *names[] = {"ca.pem", "mine.pem",  "key.pem", "ca.crt",
                           "token",  "namespace", "config",  "bad"};
    for (size_t i = 0; i < GLY_ARRAY_LEN(names); i++) {
        snprintf(value, sizeof value, "%s/%s", directory, names[i]);
        unlink(value);
    }
    rmdir(directory);
}

GLY_SUITE("k8s_config", token_and_default_namespace, another_context_by_name, certificates_as_data,
          files_are_relative_to_the_kubeconfig, json_is_yaml, refused_with_a_reason,
          users_that_are_refused, base64_edges, aliases_may_form_a_circle, deep_and_large_texts,
          in_a_pod, found_by_the_environment)
