/* rfc3339.h - the time stamps of Kubernetes' objects: "2026-11-21T08:30:00Z", with or without a
 * fraction. */
#ifndef GLY_RFC3339_H
#define GLY_RFC3339_H

#include "lib/base/arena.h"

/* Milliseconds since 1970-01-01 UTC, of year 1 to 9999; offsets ("+02:00") are applied; a fraction
 * is cut to milliseconds. */
GLY_NODISCARD bool gly_rfc3339_parse(gly_str text, int64_t *ret_ms);
/* Without a fraction, as metav1.Time is written. */
const char *gly_rfc3339_format(gly_arena *arena, int64_t ms);
/* With microseconds, as metav1.MicroTime (Lease, Event) is written. */
const char *gly_rfc3339_format_micro(gly_arena *arena, int64_t ms);

/* Days since 1970-01-01 of a date of the Gregorian calendar, and back. */
int64_t gly_rfc3339_days(int64_t year, int month, int day);
void gly_rfc3339_date(int64_t days, int64_t *ret_year, int *ret_month, int *ret_day);

#endif
