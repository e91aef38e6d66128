/* test_s3_credentials.c - the places of credentials, in their order, and when they are read again.
 */
#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/io/fs/s3_credentials.h"
#include "tests/support/fake_s3.h"
#include "tests/unit/io/io_support.h"

#include <time.h>

static gly_arena *arena;
static gly_str directory;
static const char *names[16];
static const char *values[16];
static uint32_t variable_count;
static gly_fake_s3 *fake;
static gly_http_client *http;
static gly_s3_settings settings;
static gly_s3_provider *provider;

static const char *environment(const char *name) {
    for (uint32_t i = 0; i < variable_count; i++) {
        if (strcmp(names[i], name) == 0) {
            return values[i];
        }
    }
    return NULL;
}

static void set(const char *name, const char *value) {
    for (uint32_t i = 0; i < variable_count; i++) {
        if (strcmp(names[i], name) == 0) {
            values[i] = value;
            return;
        }
    }
    names[variable_count] = name;
    values[variable_count++] = value;
}

static void begin(void) {
    gly_error err;
    gly_http_options options = {0};
    arena = gly_arena_make();
    directory = gly_io_directory(arena);
    fake = gly_fake_s3_make();
    variable_count = 0;
    set("HOME", gly_io_path(arena, directory, "home").data);
    set("AWS_ENDPOINT_URL_STS", gly_arena_format(arena, "%s/sts", gly_fake_s3_endpoint(fake)));
    http = gly_http_client_make(&options);
    GLY_CHECK_OK(gly_s3_settings_read(arena, environment, &settings, &err), &err);
    provider = gly_s3_credentials_make(&settings, environment, http);
}

static void end(void) {
    gly_s3_credentials_free(provider);
    gly_http_client_free(http);
    gly_fake_s3_free(fake);
    gly_io_remove(directory);
    gly_arena_free(arena);
}

static const char *get(bool renew) {
    gly_error err;
    gly_s3_credentials found;
    if (gly_s3_credentials_get(provider, arena, renew, &found, &err) != GLY_OK) {
        return gly_arena_string(arena, err.message);
    }
    return gly_arena_format(arena, "%.*s/%.*s/%.*s", GLY_STR_ARG(found.access_key),
                            GLY_STR_ARG(found.secret_key), GLY_STR_ARG(found.session_token));
}

static void put_file(const char *name, const char *text) {
    gly_io_write(gly_io_path(arena, directory, name), text, strlen(text));
}

GLY_TEST(variables) {
    begin();
    GLY_CHECK(strstr(get(false), "AWS_SHARED_CREDENTIALS_FILE") != NULL);
    set("AWS_ACCESS_KEY_ID", "key\n");
    GLY_CHECK(strstr(get(false), "AWS_SECRET_ACCESS_KEY is not") != NULL);
    set("AWS_SECRET_ACCESS_KEY", "secret");
    GLY_CHECK_TEXT(get(false), "key/secret/");
    set("AWS_SESSION_TOKEN", "token");
    GLY_CHECK_TEXT(get(false), "key/secret/token");
    end();
}

GLY_TEST(files) {
    begin();
    put_file("home/.aws/credentials",
             "[default]\naws_access_key_id = k1\naws_secret_access_key=s=1\n");
    GLY_CHECK_TEXT(get(false), "k1/s=1/");
    put_file("home/.aws/credentials", "# changed\n[default]\r\naws_access_key_id=k2\r\n"
                                      "aws_secret_access_key=s2\r\naws_session_token = t2 \r\n"
                                      "[other]\naws_access_key_id=k3\naws_secret_access_key=s3\n");
    GLY_CHECK_TEXT(get(false), "k2/s2/t2");
    set("AWS_PROFILE", "other");
    GLY_CHECK_TEXT(get(true), "k3/s3/");
    set("AWS_PROFILE", "absent");
    GLY_CHECK(strstr(get(true), "profile [absent]") != NULL);
    set("AWS_SHARED_CREDENTIALS_FILE", "/does/not/exist");
    GLY_CHECK(strstr(get(true), "/does/not/exist") != NULL);
    end();
}

static char *sts_answer(const char *key, int64_t seconds) {
    time_t expires = (time_t)(gly_clock_wall_ms() / 1000 + seconds);
    struct tm parts;
    char text[32];
    gmtime_r(&expires, &parts);
    GLY_CHECK(strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts) > 0);
    return gly_arena_format(
        arena,
        "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>"
        "<SessionToken>t</SessionToken><SecretAccessKey>s</SecretAccessKey>"
        "<Expiration>%s</Expiration><AccessKeyId>%s</AccessKeyId></Credentials>"
        "</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>",
        text, key);
}

GLY_TEST(web_identity) {
    begin();
    put_file("token", "ey+/=\n");
    set("AWS_WEB_IDENTITY_TOKEN_FILE", gly_io_path(arena, directory, "token").data);
    GLY_CHECK(strstr(get(false), "AWS_ROLE_ARN is not") != NULL);
    set("AWS_ROLE_ARN", "arn:aws:iam::1:role/r");
    gly_fake_s3_answer(fake, "/sts/", 200, sts_answer("k1", 3600));
    GLY_CHECK_TEXT(get(false), "k1/s/t");
    GLY_CHECK_TEXT(get(false), "k1/s/t");
    GLY_CHECK_INT(gly_fake_s3_requests(fake, "POST /sts/"), 1);
    GLY_CHECK_INT(gly_fake_s3_requests(fake, "ey"), 0); /* the token is in no URL and no header */
    gly_fake_s3_answer(fake, "/sts/", 200, sts_answer("k2", 60)); /* expires soon */
    GLY_CHECK_TEXT(get(true), "k2/s/t");
    gly_fake_s3_answer(fake, "/sts/", 200, sts_answer("k3", 3600));
    GLY_CHECK_TEXT(get(false), "k3/s/t");
    gly_fake_s3_fail(fake, "POST /sts/", 2, GLY_FAKE_STATUS, 503, "ServiceUnavailable");
    gly_fake_s3_answer(fake, "/sts/", 200, sts_answer("k4", 3600));
    GLY_CHECK_TEXT(get(true), "k4/s/t");
    gly_fake_s3_fail(fake, "POST /sts/", 1, GLY_FAKE_STATUS, 403, "AccessDenied");
    const char *message = get(true);
    GLY_CHECK(strstr(message, "AccessDenied") != NULL && strstr(message, "ey+") == NULL);
    end();
}

GLY_TEST(old_credentials_serve_while_sts_is_away) {
    begin();
    put_file("token", "ey");
    set("AWS_WEB_IDENTITY_TOKEN_FILE", gly_io_path(arena, directory, "token").data);
    set("AWS_ROLE_ARN", "arn");
    gly_fake_s3_answer(fake, "/sts/", 200, sts_answer("k1", 200)); /* less than five minutes */
    GLY_CHECK_TEXT(get(false), "k1/s/t");
    gly_fake_s3_fail(fake, "POST /sts/", 1, GLY_FAKE_STATUS, 400, "Broken");
    GLY_CHECK_TEXT(get(false), "k1/s/t");
    end();
}

GLY_TEST(parsing) {
    gly_s3_credentials found;
    GLY_CHECK(!gly_s3_credentials_parse(GLY_STR(""), GLY_STR("default"), &found));
    GLY_CHECK(!gly_s3_credentials_parse(GLY_STR("[default"), GLY_STR("default"), &found));
    GLY_CHECK(!gly_s3_credentials_parse(GLY_STR("aws_access_key_id=a\naws_secret_access_key=b"),
                                        GLY_STR("default"), &found));
    GLY_CHECK(gly_s3_credentials_parse(
        GLY_STR("[ default ]\nAWS_ACCESS_KEY_ID=a\n;x\nnonsense\naws_secret_access_key = b "),
        GLY_STR("default"), &found));
    GLY_CHECK(gly_str_equal(found.access_key, GLY_STR("a")));
    GLY_CHECK(gly_str_equal(found.secret_key, GLY_STR("b")));
}

GLY_SUITE("s3_credentials", variables, files, web_identity, old_credentials_serve_while_sts_is_away,
          parsing)
