/* test_s3_settings.c - the variables, and what is said about wrong ones. */
#include "lib/io/fs/s3_settings.h"
#include "tests/support/check.h"

static const char *const *pairs; /* name, value, ..., NULL */

static const char *environment(const char *name) {
    for (const char *const *at = pairs; *at != NULL; at += 2) {
        if (strcmp(at[0], name) == 0) {
            return at[1];
        }
    }
    return NULL;
}

static gly_status read(gly_arena *arena, gly_s3_settings *ret, gly_error *err,
                       const char *const *given) {
    pairs = given;
    return gly_s3_settings_read(arena, environment, ret, err);
}
#define GIVEN(...) ((const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

GLY_TEST(defaults) {
    gly_arena *arena = gly_arena_make();
    gly_error err;
    gly_s3_settings settings;
    GLY_CHECK_OK(read(arena, &settings, &err, GIVEN("AWS_DEFAULT_REGION", " eu-central-1\n")),
                 &err);
    GLY_CHECK(gly_str_equal(settings.host, GLY_STR("s3.eu-central-1.amazonaws.com")));
    GLY_CHECK(
        gly_str_equal(settings.sts_endpoint, GLY_STR("https://sts.eu-central-1.amazonaws.com")));
    GLY_CHECK(settings.is_tls && !settings.is_path_style && !settings.is_anonymous);
    GLY_CHECK(settings.ca_file == NULL);
    GLY_CHECK_OK(read(arena, &settings, &err, GIVEN("AWS_ENDPOINT_URL", "http://minio:9000/")),
                 &err);
    GLY_CHECK(gly_str_equal(settings.host, GLY_STR("minio:9000")));
    GLY_CHECK(!settings.is_tls && settings.is_path_style);
    GLY_CHECK(gly_str_equal(settings.region, GLY_STR("us-east-1")));
    gly_arena_free(arena);
}

GLY_TEST(given_ones_win) {
    gly_arena *arena = gly_arena_make();
    gly_error err;
    gly_s3_settings settings;
    GLY_CHECK_OK(
        read(arena, &settings, &err,
             GIVEN("AWS_ENDPOINT_URL", "http://a", "AWS_ENDPOINT_URL_S3", "https://b:1/sub/path/",
                   "GALLEY_S3_PATH_STYLE", "false", "GALLEY_S3_ANONYMOUS", "TRUE", "AWS_CA_BUNDLE",
                   "/ca.pem", "AWS_REGION", "r1", "AWS_DEFAULT_REGION", "r2")),
        &err);
    GLY_CHECK(gly_str_equal(settings.host, GLY_STR("b:1")));
    GLY_CHECK(gly_str_equal(settings.base_path, GLY_STR("/sub/path")));
    GLY_CHECK(settings.is_tls && !settings.is_path_style && settings.is_anonymous);
    GLY_CHECK_TEXT(settings.ca_file, "/ca.pem");
    GLY_CHECK(gly_str_equal(settings.region, GLY_STR("r1")));
    gly_arena_free(arena);
}

GLY_TEST(wrong_ones_are_named) {
    gly_arena *arena = gly_arena_make();
    gly_error err;
    gly_s3_settings settings;
    GLY_CHECK_INT(read(arena, &settings, &err, GIVEN("AWS_ENDPOINT_URL", "minio:9000")),
                  GLY_E_CONFIG);
    GLY_CHECK(strstr(err.message, "AWS_ENDPOINT_URL") != NULL);
    GLY_CHECK_INT(read(arena, &settings, &err, GIVEN("AWS_ENDPOINT_URL", "http://h/a\r\nX: y")),
                  GLY_E_CONFIG);
    GLY_CHECK_INT(read(arena, &settings, &err, GIVEN("AWS_ENDPOINT_URL", "http:///x")),
                  GLY_E_CONFIG);
    GLY_CHECK_INT(read(arena, &settings, &err, GIVEN("AWS_REGION", "a/b")), GLY_E_CONFIG);
    GLY_CHECK_INT(read(arena, &settings, &err, GIVEN("GALLEY_S3_PATH_STYLE", "maybe")),
                  GLY_E_CONFIG);
    GLY_CHECK(strstr(err.message, "GALLEY_S3_PATH_STYLE") != NULL);
    gly_arena_free(arena);
}

GLY_TEST(settings_of_spark) {
    gly_error err;
    gly_config *config = gly_config_make(NULL);
    GLY_CHECK_OK(gly_config_set_pair(
                     config, GLY_STR("spark.hadoop.fs.s3a.endpoint=http://minio:9000"), &err),
                 &err);
    GLY_CHECK_OK(gly_config_set_pair(config, GLY_STR("spark.hadoop.fs.s3a.access.key=k"), &err),
                 &err);
    unsetenv("AWS_ENDPOINT_URL_S3");
    gly_s3_settings_export(config);
    GLY_CHECK_TEXT(getenv("AWS_ENDPOINT_URL_S3"), "http://minio:9000");
    GLY_CHECK_TEXT(getenv("AWS_ACCESS_KEY_ID"), "k");
    gly_config_free(config);
}

GLY_SUITE("s3_settings", defaults, given_ones_win, wrong_ones_are_named, settings_of_spark)
