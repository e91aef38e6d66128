/* schedule.h - a GalleySchedule as a struct: read from JSON, defaulted, validated; what is due;
 * what is made.
 *
 * Everything is decided from the object, its last time and the clock, so that an operator that was
 * away, or killed after it made an application, comes to the same result (the application's name
 * holds its time).
 */
#ifndef GLY_SCHEDULE_H
#define GLY_SCHEDULE_H

#include "k8s/api/cron.h"

#include <cjson/cJSON.h>

typedef enum gly_concurrency_policy {
    GLY_CONCURRENCY_ALLOW,
    GLY_CONCURRENCY_FORBID,  /* skips the new one */
    GLY_CONCURRENCY_REPLACE, /* deletes the old one */
} gly_concurrency_policy;

typedef struct gly_schedule {
    const char *namespace_name, *name, *uid;
    int64_t generation;
    bool is_deleting;
    int64_t created_ms;       /* wall clock; 0: unknown */
    int64_t last_schedule_ms; /* status.lastScheduleTime; 0: none */
    const char *text;         /* spec.schedule */
    gly_cron cron;
    const char *time_zone_name; /* "UTC" */
    const gly_time_zone *time_zone;
    gly_concurrency_policy concurrency;
    bool suspend;
    int64_t starting_deadline_ms; /* -1: none */
    uint32_t successful_limit, failed_limit;
    const cJSON *template; /* {metadata, spec}; points into the object that was read */
} gly_schedule;

/* Texts point into object or arena; object must outlive ret.  zone_directory: NULL for the
 * system's. The error names the field.  The template's spec is looked at when an application is
 * made of it. */
GLY_NODISCARD gly_status gly_schedule_read(gly_arena *arena, const cJSON *object,
                                           const char *zone_directory, gly_schedule *ret,
                                           gly_error *err);

typedef struct gly_schedule_due {
    int64_t due_ms;  /* make the application of this time; -1: none is due (or suspended) */
    int64_t late_ms; /* it was due then, but its starting deadline has passed; -1: none */
    int64_t next_ms; /* when to look again; -1: never (suspended, or no such day) */
} gly_schedule_due;

/* Of several missed times only the latest is due, as with CronJob. */
gly_schedule_due gly_schedule_look(const gly_schedule *schedule, int64_t now_ms);

/* "<schedule>-<minutes since 1970>", of legal length. */
const char *gly_schedule_application_name(gly_arena *arena, const gly_schedule *schedule,
                                          int64_t due_ms);
/* The GalleyApplication of that time, ready to be posted: template's labels, annotations and spec,
 * owned by the schedule.  Free it with cJSON_Delete. */
cJSON *gly_schedule_application(const gly_schedule *schedule, int64_t due_ms);

/* On an application: its time (RFC 3339). */
#define GLY_ANNOTATION_SCHEDULED "galley.dev/scheduled-time"

#endif
