/* cron.h - schedules in crontab's notation: minute, hour, day of month, month, day of week.
 *
 * Each field: *, ?, numbers, names (jan, mon), ranges a-b, steps /n, lists of these.  @hourly,
 * @daily,
 * @midnight, @weekly, @monthly, @yearly, @annually.  The rules are those of Kubernetes' CronJob
 * (github.com/robfig/cron): if both days are given either will do, else both must fit; "5/10" is
 * "from 5 in steps of 10".  Sunday is 0 or 7.
 *
 * Summer time, as CronJob has it: a local time that is skipped does not happen that day; one that
 * happens twice counts twice.
 */
#ifndef GLY_CRON_H
#define GLY_CRON_H

#include "k8s/api/time_zone.h"

typedef struct gly_cron { /* a bit for each number that fits */
    uint64_t minutes;
    uint32_t hours, days, months, weekdays;
    bool any_day, any_weekday; /* "*" */
} gly_cron;

/* The error names the field and its text. */
GLY_NODISCARD gly_status gly_cron_parse(gly_str text, gly_cron *ret, gly_error *err);

/* The first time after after_ms (wall clock, ms since 1970 UTC), a whole minute; false if there is
 * none within ten years ("0 0 31 2 *"). */
bool gly_cron_next(const gly_cron *cron, const gly_time_zone *zone, int64_t after_ms,
                   int64_t *ret_ms);

/* The latest time after after_ms that is not after now_ms; false if there is none. */
bool gly_cron_latest(const gly_cron *cron, const gly_time_zone *zone, int64_t after_ms,
                     int64_t now_ms, int64_t *ret_ms);

#endif
