/* timestamp.h - microseconds since the epoch, civil times and their text.  The zone is UTC. */
#ifndef GLY_TIMESTAMP_H
#define GLY_TIMESTAMP_H

#include "lib/base/str.h"

typedef struct gly_civil {
    int32_t year;
    int32_t month, day;           /* 1-12, 1-31 */
    int32_t hour, minute, second; /* 0-23, 0-59, 0-59 */
    int32_t microsecond;
} gly_civil;

#define GLY_TIMESTAMP_SECOND INT64_C(1000000)
#define GLY_TIMESTAMP_DAY (INT64_C(86400) * GLY_TIMESTAMP_SECOND)

void gly_timestamp_to_civil(int64_t micros, gly_civil *ret);
/* Wraps silently beyond int64 microseconds; gly_timestamp_from_civil_checked says so. */
int64_t gly_timestamp_from_civil(const gly_civil *civil);
bool gly_timestamp_from_civil_checked(const gly_civil *civil, int64_t *ret);
/* The day a moment falls on, and midnight of a day. */
int32_t gly_timestamp_to_date(int64_t micros);
int64_t gly_timestamp_from_date(int32_t days); /* wraps beyond year 294247 */
/* "2024-01-31 12:34:56.789[Z|+01:00]", as Spark's CAST; zone offsets are applied. */
bool gly_timestamp_parse(gly_str text, int64_t *ret);
/* "Z", "UTC", "GMT+1", "+01:00", "-8": offset in seconds; false for names of regions. */
bool gly_timestamp_parse_zone(gly_str text, int32_t *ret_seconds);
/* "2024-01-31 12:34:56.789" (trailing zeros of the fraction dropped). */
size_t gly_timestamp_format(int64_t micros, char buffer[40]);

#endif
