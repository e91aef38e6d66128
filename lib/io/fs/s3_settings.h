/* s3_settings.h - where the object store is and how it is spoken to, from the environment.
 *
 *   AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL    http(s)://host[:port]; else Amazon's own, by region
 *   AWS_REGION, AWS_DEFAULT_REGION           else us-east-1
 *   GALLEY_S3_PATH_STYLE                     true with an endpoint of one's own, else false
 *   GALLEY_S3_ANONYMOUS                      true: requests are not signed
 *   AWS_CA_BUNDLE                            PEM file of authorities to trust
 */
#ifndef GLY_S3_SETTINGS_H
#define GLY_S3_SETTINGS_H

#include "lib/base/arena.h"
#include "lib/base/config.h"

/* getenv, or a test's. */
typedef const char *(*gly_s3_environment)(const char *name);

typedef struct gly_s3_settings {
    gly_str scheme;    /* "https" */
    gly_str host;      /* with port, without bucket */
    gly_str base_path; /* of the endpoint, without a slash at its end; usually empty */
    gly_str region;
    gly_str sts_endpoint; /* "https://sts.us-east-1.amazonaws.com" */
    const char *ca_file;  /* NULL: the system's */
    bool is_tls, is_path_style, is_anonymous;
} gly_s3_settings;

/* CONFIG for a value that is no good; the sentence names the variable. */
GLY_NODISCARD gly_status gly_s3_settings_read(gly_arena *arena, gly_s3_environment environment,
                                              gly_s3_settings *ret, gly_error *err);
/* The variable's value without white space around it; empty if it is not set. */
gly_str gly_s3_settings_get(gly_s3_environment environment, const char *name);
/* Spark's spark.hadoop.fs.s3a.* settings become the variables above, for this process and the
 * executors it starts.  Call it at the start, while there is one thread. */
void gly_s3_settings_export(const gly_config *config);

#endif
