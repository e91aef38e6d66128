/* date.h - civil dates and times, proleptic Gregorian (Hinnant's algorithms), and their text. */
#ifndef GLY_DATE_H
#define GLY_DATE_H

#include "lib/base/str.h"

typedef struct gly_civil {
    int32_t year;
    int32_t month, day;           /* 1-12, 1-31 */
    int32_t hour, minute, second; /* 0-23, 0-59, 0-59 */
    int32_t microsecond;
} gly_civil;

int32_t gly_date_from_civil(int32_t year, int32_t month, int32_t day); /* days since 1970-01-01 */
void gly_date_to_civil(int32_t days, int32_t *year, int32_t *month, int32_t *day);
bool gly_date_is_valid(int32_t year, int32_t month, int32_t day);
int32_t gly_date_days_in_month(int32_t year, int32_t month);
int32_t gly_date_add_months(int32_t days, int32_t months); /* the day is clamped */
/* "2024-01-31" (also "2024-1-3", "2024-01", "2024", and "2024-01-31T..." / " ..." as CAST does). */
bool gly_date_parse(gly_str text, int32_t *ret);
size_t gly_date_format(int32_t days, char buffer[16]); /* bytes written, no NUL */

void gly_timestamp_to_civil(int64_t micros, gly_civil *ret);
int64_t gly_timestamp_from_civil(const gly_civil *civil);
/* "2024-01-31 12:34:56.789[Z|+01:00]", as Spark's CAST; zone offsets are applied. */
bool gly_timestamp_parse(gly_str text, int64_t *ret);
/* "2024-01-31 12:34:56.789" (trailing zeros of the fraction dropped). */
size_t gly_timestamp_format(int64_t micros, char buffer[40]);

#endif
