/* s3_credentials.c - the chain of places where credentials may be, and what is remembered of them.
 *
 * Invariant: what the provider holds is replaced under its lock and copied out under it.
 * Environment variables are read each time (they cost nothing), the file when its identity, size or
 * time changed, the token's credentials when less than five minutes are left.
 */
#include "lib/io/fs/s3_credentials.h"

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/io/fs/s3_listing.h"
#include "lib/io/fs/sigv4.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LARGEST_FILE = 1 << 20, RENEW_BEFORE_MS = 5 * 60 * 1000, STS_TRIES = 5 };

struct gly_s3_provider {
    const gly_s3_settings *settings;
    gly_s3_environment environment;
    gly_http_client *http;
    pthread_mutex_t lock;
    gly_arena *arena; /* of what is held */
    gly_s3_credentials held;
    bool has_held;
    int64_t expires_ms; /* wall; of web identity */
    struct stat file;   /* the held profile's */
};

gly_s3_provider *gly_s3_credentials_make(const gly_s3_settings *settings,
                                         gly_s3_environment environment, gly_http_client *http) {
    gly_s3_provider *provider = GLY_NEW(gly_s3_provider);
    provider->settings = settings;
    provider->environment = environment;
    provider->http = http;
    provider->arena = gly_arena_make();
    pthread_mutex_init(&provider->lock, NULL);
    return provider;
}

void gly_s3_credentials_free(gly_s3_provider *provider) {
    if (provider != NULL) {
        pthread_mutex_destroy(&provider->lock);
        gly_arena_free(provider->arena);
        free(provider);
    }
}

static gly_s3_credentials copy(gly_arena *arena, const gly_s3_credentials *from) {
    return (gly_s3_credentials){gly_arena_str(arena, from->access_key),
                                gly_arena_str(arena, from->secret_key),
                                gly_arena_str(arena, from->session_token)};
}

static void hold(gly_s3_provider *provider, const gly_s3_credentials *found) {
    gly_arena *arena = gly_arena_make();
    provider->held = copy(arena, found);
    provider->has_held = true;
    gly_arena_free(provider->arena);
    provider->arena = arena;
}

/* ---- files --------------------------------------------------------------------------------------
 */

static gly_status read_file(gly_arena *arena, const char *path, const char *variable,
                            struct stat *ret_info, gly_str *ret, gly_error *err) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return gly_error_from_errno(err, errno, "could not open %s, which %s names", path,
                                    variable);
    }
    char *bytes = gly_arena_alloc(arena, LARGEST_FILE);
    size_t size = 0;
    ssize_t got = fstat(fd, ret_info);
    while (got >= 0 && size < LARGEST_FILE) {
        got = read(fd, bytes + size, LARGEST_FILE - size);
        if (got == 0) {
            break;
        }
        size += got > 0 ? (size_t)got : 0;
    }
    int code = errno;
    close(fd);
    if (got < 0) {
        return gly_error_from_errno(err, code, "could not read %s, which %s names", path, variable);
    }
    *ret = (gly_str){bytes, size};
    return GLY_OK;
}

static bool next_line(gly_str *rest, gly_str *ret) {
    if (rest->size == 0) {
        return false;
    }
    const char *end = memchr(rest->data, '\n', rest->size);
    size_t size = end == NULL ? rest->size : (size_t)(end - rest->data);
    *ret = gly_str_trim((gly_str){rest->data, size});
    size_t skip = GLY_MIN(size + 1, rest->size);
    *rest = (gly_str){rest->data + skip, rest->size - skip};
    return true;
}

static void take_setting(gly_str line, gly_s3_credentials *into) {
    const char *equals = memchr(line.data, '=', line.size);
    if (equals == NULL) {
        return;
    }
    size_t size = (size_t)(equals - line.data);
    gly_str key = gly_str_trim((gly_str){line.data, size});
    gly_str value = gly_str_trim((gly_str){equals + 1, line.size - size - 1});
    if (gly_str_equal_ignore_case(key, GLY_STR("aws_access_key_id"))) {
        into->access_key = value;
    } else if (gly_str_equal_ignore_case(key, GLY_STR("aws_secret_access_key"))) {
        into->secret_key = value;
    } else if (gly_str_equal_ignore_case(key, GLY_STR("aws_session_token"))) {
        into->session_token = value;
    }
}

bool gly_s3_credentials_parse(gly_str text, gly_str profile, gly_s3_credentials *ret) {
    gly_str line;
    bool is_inside = false;
    *ret = (gly_s3_credentials){{"", 0}, {"", 0}, {"", 0}};
    while (next_line(&text, &line)) {
        if (line.size == 0 || line.data[0] == '#' || line.data[0] == ';') {
            continue;
        }
        if (line.data[0] == '[') {
            const char *end = memchr(line.data, ']', line.size);
            size_t size = end == NULL ? 0 : (size_t)(end - line.data) - 1;
            gly_str name = gly_str_trim((gly_str){line.data + 1, size});
            is_inside = end != NULL && gly_str_equal(name, profile);
        } else if (is_inside) {
            take_setting(line, ret);
        }
    }
    return ret->access_key.size > 0 && ret->secret_key.size > 0;
}

static bool is_same_file(const struct stat *a, const struct stat *b) {
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* *ret_found false: no such file, and none was named. */
static gly_status from_file(gly_s3_provider *provider, bool renew, bool *ret_found,
                            gly_error *err) {
    gly_str named = gly_s3_settings_get(provider->environment, "AWS_SHARED_CREDENTIALS_FILE");
    gly_str home = gly_s3_settings_get(provider->environment, "HOME");
    gly_str profile = gly_s3_settings_get(provider->environment, "AWS_PROFILE");
    gly_arena *scratch = gly_arena_make();
    const char *path = named.size > 0
                           ? gly_arena_str(scratch, named).data
                           : gly_arena_format(scratch, "%.*s/.aws/credentials", GLY_STR_ARG(home));
    struct stat info;
    gly_status status = GLY_OK;
    *ret_found = stat(path, &info) == 0 || named.size > 0;
    bool is_known = *ret_found && provider->has_held && !renew && stat(path, &info) == 0 &&
                    is_same_file(&info, &provider->file);
    if (*ret_found && !is_known) {
        gly_s3_credentials found;
        gly_str text = {"", 0};
        profile = profile.size > 0 ? profile : GLY_STR("default");
        status = read_file(scratch, path, "AWS_SHARED_CREDENTIALS_FILE", &info, &text, err);
        if (status == GLY_OK && !gly_s3_credentials_parse(text, profile, &found)) {
            status = gly_fail(err, GLY_E_CONFIG,
                              "%s has no aws_access_key_id and aws_secret_access_key in its "
                              "profile [%.*s]; AWS_PROFILE chooses the profile",
                              path, GLY_STR_ARG(profile));
        }
        if (status == GLY_OK) {
            hold(provider, &found);
            provider->file = info;
        }
    }
    gly_arena_free(scratch);
    return status;
}

/* ---- web identity -------------------------------------------------------------------------------
 */

static void add_parameter(gly_builder *body, const char *name, gly_str value) {
    gly_builder_format(body, "%s%s=", body->size == 0 ? "" : "&", name);
    gly_sigv4_encode(value, false, body);
}

static gly_status take_answer(gly_s3_provider *provider, const gly_http_response *response,
                              gly_arena *scratch, gly_error *err) {
    gly_str xml = gly_builder_str(&response->body);
    if (response->status != 200) {
        gly_str code = gly_s3_listing_find(scratch, xml, "Code");
        gly_str message = gly_s3_listing_find(scratch, xml, "Message");
        gly_status status = gly_fail(
            err, GLY_E_CONFIG,
            "STS at %.*s did not accept the token of AWS_WEB_IDENTITY_TOKEN_FILE for AWS_ROLE_ARN: "
            "%u %.*s %.*s; check the role and its trust policy",
            GLY_STR_ARG(provider->settings->sts_endpoint), response->status,
            (int)GLY_MIN(code.size, (size_t)64), code.data, (int)GLY_MIN(message.size, (size_t)256),
            message.data);
        if (err != NULL) {
            err->retryable = response->status >= 500;
        }
        return status;
    }
    gly_s3_credentials found = {gly_s3_listing_find(scratch, xml, "AccessKeyId"),
                                gly_s3_listing_find(scratch, xml, "SecretAccessKey"),
                                gly_s3_listing_find(scratch, xml, "SessionToken")};
    gly_str expiration = gly_s3_listing_find(scratch, xml, "Expiration");
    int64_t expires_ms = gly_s3_listing_time(expiration);
    if (found.access_key.size == 0 || found.secret_key.size == 0 || expires_ms == 0) {
        return gly_fail(err, GLY_E_PROTOCOL, "STS at %.*s answered without credentials",
                        GLY_STR_ARG(provider->settings->sts_endpoint));
    }
    hold(provider, &found);
    provider->expires_ms = expires_ms;
    return GLY_OK;
}

static gly_status ask_sts(gly_s3_provider *provider, gly_str body, gly_arena *scratch,
                          gly_error *err) {
    static const char *const headers[] = {"Content-Type: application/x-www-form-urlencoded",
                                          "Accept: application/xml"};
    gly_http_request request = {
        .method = "POST",
        .url = gly_arena_format(scratch, "%.*s/", GLY_STR_ARG(provider->settings->sts_endpoint)),
        .header_count = GLY_ARRAY_LEN(headers),
        .headers = headers,
        .body = body};
    gly_status status = GLY_OK;
    for (int64_t tries = 0; tries < STS_TRIES; tries++) {
        gly_error own = {0};
        gly_http_response response = {0};
        status = gly_http_client_run(provider->http, &request, &response, &own);
        if (status != GLY_OK) {
            gly_error_add(&own, "STS at %.*s could not be asked for credentials",
                          GLY_STR_ARG(provider->settings->sts_endpoint));
        } else {
            status = take_answer(provider, &response, scratch, &own);
        }
        gly_http_client_response_clear(&response);
        if (status == GLY_OK || !own.retryable || tries + 1 == STS_TRIES) {
            return status == GLY_OK ? GLY_OK : gly_error_copy(err, &own);
        }
        gly_clock_sleep_ms(INT64_C(100) << tries);
    }
    return status;
}

static gly_status from_web_identity(gly_s3_provider *provider, gly_str token_file, bool renew,
                                    gly_error *err) {
    int64_t now_ms = gly_clock_wall_ms();
    if (provider->has_held && !renew && provider->expires_ms - now_ms > RENEW_BEFORE_MS) {
        return GLY_OK;
    }
    gly_str role = gly_s3_settings_get(provider->environment, "AWS_ROLE_ARN");
    gly_str name = gly_s3_settings_get(provider->environment, "AWS_ROLE_SESSION_NAME");
    if (role.size == 0) {
        return gly_fail(err, GLY_E_CONFIG,
                        "AWS_WEB_IDENTITY_TOKEN_FILE is set but AWS_ROLE_ARN is not; set both");
    }
    gly_arena *scratch = gly_arena_make();
    gly_str token = {"", 0};
    struct stat info;
    gly_status status = read_file(scratch, gly_arena_str(scratch, token_file).data,
                                  "AWS_WEB_IDENTITY_TOKEN_FILE", &info, &token, err);
    if (status == GLY_OK) {
        gly_builder body = {0};
        add_parameter(&body, "Action", GLY_STR("AssumeRoleWithWebIdentity"));
        add_parameter(&body, "Version", GLY_STR("2011-06-15"));
        add_parameter(&body, "RoleArn", role);
        add_parameter(&body, "RoleSessionName", name.size > 0 ? name : GLY_STR("galley"));
        add_parameter(&body, "WebIdentityToken", gly_str_trim(token));
        status = ask_sts(provider, gly_builder_str(&body), scratch, err);
        explicit_bzero(body.data, body.size);
        gly_builder_clear(&body);
    }
    gly_arena_free(scratch);
    if (status != GLY_OK && provider->has_held && !renew && provider->expires_ms > now_ms) {
        return GLY_OK; /* what we have is still good; the next request tries again */
    }
    return status;
}

/* ---- the chain ----------------------------------------------------------------------------------
 */

static gly_status find(gly_s3_provider *provider, bool renew, gly_s3_credentials *ret,
                       gly_error *err) {
    gly_s3_environment environment = provider->environment;
    gly_s3_credentials own = {gly_s3_settings_get(environment, "AWS_ACCESS_KEY_ID"),
                              gly_s3_settings_get(environment, "AWS_SECRET_ACCESS_KEY"),
                              gly_s3_settings_get(environment, "AWS_SESSION_TOKEN")};
    if (own.access_key.size > 0 && own.secret_key.size > 0) {
        *ret = own;
        return GLY_OK;
    }
    if (own.access_key.size > 0 || own.secret_key.size > 0) {
        return gly_fail(err, GLY_E_CONFIG, "%s is set but %s is not; S3 needs both",
                        own.access_key.size > 0 ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY",
                        own.access_key.size > 0 ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID");
    }
    gly_str token_file = gly_s3_settings_get(environment, "AWS_WEB_IDENTITY_TOKEN_FILE");
    if (token_file.size > 0) {
        GLY_TRY(from_web_identity(provider, token_file, renew, err));
        *ret = provider->held;
        return GLY_OK;
    }
    bool is_found;
    GLY_TRY(from_file(provider, renew, &is_found, err));
    if (is_found) {
        *ret = provider->held;
        return GLY_OK;
    }
    return gly_fail(err, GLY_E_CONFIG,
                    "there are no credentials for S3: set AWS_ACCESS_KEY_ID and "
                    "AWS_SECRET_ACCESS_KEY, or AWS_SHARED_CREDENTIALS_FILE, or "
                    "AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN, or GALLEY_S3_ANONYMOUS=true for "
                    "a public bucket");
}

gly_status gly_s3_credentials_get(gly_s3_provider *provider, gly_arena *arena, bool renew,
                                  gly_s3_credentials *ret, gly_error *err) {
    gly_s3_credentials found;
    pthread_mutex_lock(&provider->lock);
    gly_status status = find(provider, renew, &found, err);
    if (status == GLY_OK) {
        *ret = copy(arena, &found);
    }
    pthread_mutex_unlock(&provider->lock);
    return status;
}
