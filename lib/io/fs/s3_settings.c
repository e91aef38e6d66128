/* s3_settings.c - the variables that all S3 tools know, checked once.
 *
 * Why the environment and not a parameter: executors are other processes, on other machines, and
 * secrets travel to them as their pods' variables and files, never through plans or messages.
 */
#include "lib/io/fs/s3_settings.h"

#include <stdlib.h>

gly_str gly_s3_settings_get(gly_s3_environment environment, const char *name) {
    const char *value = environment(name);
    return value == NULL ? (gly_str){"", 0} : gly_str_trim(gly_str_of(value));
}

static gly_status read_flag(gly_s3_environment environment, const char *name, bool normally,
                            bool *ret, gly_error *err) {
    gly_str text = gly_s3_settings_get(environment, name);
    if (gly_str_equal_ignore_case(text, GLY_STR("true")) || gly_str_equal(text, GLY_STR("1"))) {
        *ret = true;
    } else if (gly_str_equal_ignore_case(text, GLY_STR("false")) ||
               gly_str_equal(text, GLY_STR("0"))) {
        *ret = false;
    } else if (text.size == 0) {
        *ret = normally;
    } else {
        return gly_fail(err, GLY_E_CONFIG, "%s is \"%.*s\"; it must be true or false", name,
                        GLY_STR_ARG(text));
    }
    return GLY_OK;
}

/* Only characters that can stand in a URL's host and path: nothing may break out of a header. */
static bool is_safe(gly_str text) {
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c <= ' ' || c >= 0x7F || strchr("\"<>\\^`{|}@?#", c) != NULL) {
            return false;
        }
    }
    return text.size > 0;
}

static gly_status split_endpoint(gly_str url, gly_s3_settings *ret, gly_error *err) {
    bool is_http = gly_str_starts_with(url, GLY_STR("http://"));
    ret->is_tls = gly_str_starts_with(url, GLY_STR("https://"));
    if ((!is_http && !ret->is_tls) || !is_safe(url)) {
        return gly_fail(err, GLY_E_CONFIG,
                        "AWS_ENDPOINT_URL is \"%.*s\"; it must be http://HOST[:PORT] or "
                        "https://HOST[:PORT]",
                        GLY_STR_ARG(url));
    }
    ret->scheme = ret->is_tls ? GLY_STR("https") : GLY_STR("http");
    size_t skip = ret->scheme.size + 3;
    gly_str rest = {url.data + skip, url.size - skip};
    while (rest.size > 0 && rest.data[rest.size - 1] == '/') {
        rest.size--;
    }
    const char *slash = memchr(rest.data, '/', rest.size);
    ret->host = (gly_str){rest.data, slash == NULL ? rest.size : (size_t)(slash - rest.data)};
    ret->base_path = (gly_str){rest.data + ret->host.size, rest.size - ret->host.size};
    if (ret->host.size == 0) {
        return gly_fail(err, GLY_E_CONFIG, "AWS_ENDPOINT_URL is \"%.*s\", which names no host",
                        GLY_STR_ARG(url));
    }
    return GLY_OK;
}

gly_status gly_s3_settings_read(gly_arena *arena, gly_s3_environment environment,
                                gly_s3_settings *ret, gly_error *err) {
    *ret = (gly_s3_settings){0};
    gly_str region = gly_s3_settings_get(environment, "AWS_REGION");
    if (region.size == 0) {
        region = gly_s3_settings_get(environment, "AWS_DEFAULT_REGION");
    }
    if (region.size == 0) {
        region = GLY_STR("us-east-1");
    }
    if (!is_safe(region) || memchr(region.data, '/', region.size) != NULL) {
        return gly_fail(err, GLY_E_CONFIG, "AWS_REGION is \"%.*s\", which is no name of a region",
                        GLY_STR_ARG(region));
    }
    ret->region = gly_arena_str(arena, region);
    gly_str endpoint = gly_s3_settings_get(environment, "AWS_ENDPOINT_URL_S3");
    if (endpoint.size == 0) {
        endpoint = gly_s3_settings_get(environment, "AWS_ENDPOINT_URL");
    }
    bool is_own = endpoint.size > 0;
    if (!is_own) {
        endpoint = gly_str_of(
            gly_arena_format(arena, "https://s3.%.*s.amazonaws.com", GLY_STR_ARG(region)));
    }
    GLY_TRY(split_endpoint(gly_arena_str(arena, endpoint), ret, err));
    GLY_TRY(read_flag(environment, "GALLEY_S3_PATH_STYLE", is_own, &ret->is_path_style, err));
    GLY_TRY(read_flag(environment, "GALLEY_S3_ANONYMOUS", false, &ret->is_anonymous, err));
    gly_str sts = gly_s3_settings_get(environment, "AWS_ENDPOINT_URL_STS");
    ret->sts_endpoint = sts.size > 0
                            ? gly_arena_str(arena, sts)
                            : gly_str_of(gly_arena_format(arena, "https://sts.%.*s.amazonaws.com",
                                                          GLY_STR_ARG(region)));
    gly_str bundle = gly_s3_settings_get(environment, "AWS_CA_BUNDLE");
    ret->ca_file = bundle.size == 0 ? NULL : gly_arena_str(arena, bundle).data;
    return GLY_OK;
}

void gly_s3_settings_export(const gly_config *config) {
    static const struct {
        const char *key, *variable;
    } names[] = {
        {"spark.hadoop.fs.s3a.endpoint", "AWS_ENDPOINT_URL_S3"},
        {"spark.hadoop.fs.s3a.endpoint.region", "AWS_REGION"},
        {"spark.hadoop.fs.s3a.access.key", "AWS_ACCESS_KEY_ID"},
        {"spark.hadoop.fs.s3a.secret.key", "AWS_SECRET_ACCESS_KEY"},
        {"spark.hadoop.fs.s3a.session.token", "AWS_SESSION_TOKEN"},
        {"spark.hadoop.fs.s3a.path.style.access", "GALLEY_S3_PATH_STYLE"},
    };
    for (size_t i = 0; i < GLY_ARRAY_LEN(names); i++) {
        gly_str value;
        if (gly_config_get(config, gly_str_of(names[i].key), &value) && value.size > 0) {
            gly_builder text = {0};
            bool is_bare = i == 0 && memmem(value.data, value.size, "://", 3) == NULL;
            gly_builder_format(&text, "%s%.*s", is_bare ? "https://" : "", GLY_STR_ARG(value));
            setenv(names[i].variable, text.data, 1);
            gly_builder_clear(&text);
        }
    }
}
