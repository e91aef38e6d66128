/* application.h - a GalleyApplication as a struct: read from JSON, defaulted, validated.
 *
 * The CustomResourceDefinition refuses most of what is wrong at kubectl apply; this is the second
 * look, for what a schema cannot see and for objects that were made before it.  Unknown fields are ignored.
 */
#ifndef GLY_APPLICATION_H
#define GLY_APPLICATION_H

#include "lib/base/arena.h"

#include <cjson/cJSON.h>

typedef enum gly_restart_type {
    GLY_RESTART_NEVER,
    GLY_RESTART_ON_FAILURE,
    GLY_RESTART_ON_INFRASTRUCTURE_FAILURE,
    GLY_RESTART_ALWAYS,
} gly_restart_type;

typedef struct gly_application_conf {
    const char *key, *value;
} gly_application_conf;

typedef struct gly_application_role { /* spec.driver, spec.executor */
    const char *image;
    const char *image_pull_policy; /* or NULL */
    uint32_t cores;
    uint64_t memory_bytes;
    uint64_t local_disk_bytes;
    const cJSON *template; /* PodTemplateSpec or NULL; points into the object that was read */
} gly_application_role;

typedef struct gly_application_s3 { /* spec.s3; NULL where not given */
    const char *endpoint, *region;
    const char *credentials_secret; /* with keys AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY[, AWS_SESSION_TOKEN] */
    bool path_style;
} gly_application_s3;

typedef struct gly_application_allocation { /* spec.dynamicAllocation */
    bool is_dynamic;
    uint32_t min, initial, max;
    int64_t backlog_ms, sustained_backlog_ms, idle_ms;
} gly_application_allocation;

typedef struct gly_application {
    const char *namespace_name, *name, *uid;
    int64_t generation;
    bool is_deleting;
    const char *service_account; /* of the driver; spec.serviceAccount, or the chart's default */
    /* one of */
    const char *sql;
    const char *sql_file;                   /* s3://… or a path in the image */
    const char *config_map, *config_map_key;
    gly_application_role driver, executor;
    uint32_t executors; /* when not dynamic */
    gly_application_allocation allocation;
    gly_application_s3 s3;
    uint32_t conf_count;
    const gly_application_conf *conf;
    gly_restart_type restart_type;
    uint32_t max_attempts; /* all together, the first included; Always: no limit */
    int64_t backoff_ms;
    bool suspend;
    int64_t ttl_ms; /* after it finished; -1: kept */
    const char *output; /* "table" (default), "csv" or "json": results of SELECT on the driver's stdout */
} gly_application;

typedef struct gly_application_defaults { /* from the operator's flags, that is, the chart */
    const char *driver_image, *executor_image, *image_pull_policy, *service_account;
} gly_application_defaults;

/* Texts point into object or arena; object must outlive ret.  The error names the field
 * ("spec.executor.memory: '12 apples' is no quantity; write 512Mi or 2Gi"). */
GLY_NODISCARD gly_status gly_application_read(gly_arena *arena, const cJSON *object,
                                              const gly_application_defaults *defaults,
                                              gly_application *ret, gly_error *err);

/* "512Mi", "2G", "1500m", "0.5" as bytes or units (rounded up). */
GLY_NODISCARD bool gly_application_parse_quantity(gly_str text, uint64_t *ret);
/* "30s", "1h30m", "500ms" (Go's form) in ms. */
GLY_NODISCARD bool gly_application_parse_duration(gly_str text, int64_t *ret_ms);

#endif
