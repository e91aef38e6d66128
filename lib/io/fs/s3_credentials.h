/* s3_credentials.h - whose keys sign the requests, and when they are fetched again.
 *
 * In this order: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN); a projected
 * web-identity token (AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN), traded at STS and renewed
 * before it expires; the profile AWS_PROFILE of AWS_SHARED_CREDENTIALS_FILE or ~/.aws/credentials,
 * read again when the file changes.  Secrets never appear in messages.
 */
#ifndef GLY_S3_CREDENTIALS_H
#define GLY_S3_CREDENTIALS_H

#include "lib/io/fs/s3_settings.h"
#include "lib/net/http_client.h"

typedef struct gly_s3_provider gly_s3_provider;

typedef struct gly_s3_credentials {
    gly_str access_key, secret_key;
    gly_str session_token; /* empty: none */
} gly_s3_credentials;

/* settings and http must outlive it. */
gly_s3_provider *gly_s3_credentials_make(const gly_s3_settings *settings,
                                         gly_s3_environment environment, gly_http_client *http);
void gly_s3_credentials_free(gly_s3_provider *provider);
/* Credentials that are good now, copied into arena.  renew: what was given before was refused as
 * expired.  CONFIG says what to set when there are none.  Thread-safe. */
GLY_NODISCARD gly_status gly_s3_credentials_get(gly_s3_provider *provider, gly_arena *arena,
                                                bool renew, gly_s3_credentials *ret,
                                                gly_error *err);
/* A profile of a credentials file ("[name]", "key = value"); false if it is not there or lacks a
 * key. Texts point into the file's text. */
bool gly_s3_credentials_parse(gly_str text, gly_str profile, gly_s3_credentials *ret);

#endif
