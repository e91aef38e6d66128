/* date.h - civil dates, proleptic Gregorian (Hinnant's algorithms), and their text. */
#ifndef GLY_DATE_H
#define GLY_DATE_H

#include "lib/base/str.h"
#include "lib/data/timestamp.h"

int32_t gly_date_from_civil(int32_t year, int32_t month, int32_t day); /* days since 1970-01-01 */
void gly_date_to_civil(int32_t days, int32_t *year, int32_t *month, int32_t *day);
bool gly_date_is_valid(int32_t year, int32_t month, int32_t day);
int32_t gly_date_days_in_month(int32_t year, int32_t month);
int32_t gly_date_add_months(int32_t days, int32_t months); /* the day is clamped */
/* "2024-01-31" (also "2024-1-3", "2024-01", "2024", and "2024-01-31T..." / " ..." as CAST does). */
bool gly_date_parse(gly_str text, int32_t *ret);
size_t gly_date_format(int32_t days, char buffer[16]); /* bytes written, no NUL */

#endif
