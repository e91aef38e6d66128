/* date.c - days since 1970-01-01 and the proleptic Gregorian calendar, and dates as text.
 *
 * Eras of 400 years with the year starting in March, so that the leap day is the last one:
 * Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms" (2013, public domain text).
 * Invariant: from_civil and to_civil are inverse over the whole int32 range of days.  Times of day
 * are in timestamp.c.
 */
#include "lib/data/date.h"

enum { DAYS_PER_ERA = 146097, DAYS_TO_EPOCH = 719468 };

int32_t gly_date_from_civil(int32_t year, int32_t month, int32_t day) {
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return (int32_t)(era * DAYS_PER_ERA + day_of_era - DAYS_TO_EPOCH);
}

void gly_date_to_civil(int32_t days, int32_t *year, int32_t *month, int32_t *day) {
    int64_t z = (int64_t)days + DAYS_TO_EPOCH;
    int64_t era = (z >= 0 ? z : z - (DAYS_PER_ERA - 1)) / DAYS_PER_ERA;
    uint32_t day_of_era = (uint32_t)(z - era * DAYS_PER_ERA);
    uint32_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint32_t day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint32_t shifted = (5 * day_of_year + 2) / 153; /* 0 = March */
    *day = (int32_t)(day_of_year - (153 * shifted + 2) / 5 + 1);
    *month = (int32_t)(shifted < 10 ? shifted + 3 : shifted - 9);
    *year = (int32_t)((int64_t)year_of_era + era * 400 + (*month <= 2));
}

static bool is_leap(int32_t year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int32_t gly_date_days_in_month(int32_t year, int32_t month) {
    static const uint8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

bool gly_date_is_valid(int32_t year, int32_t month, int32_t day) {
    return month >= 1 && month <= 12 && day >= 1 && day <= gly_date_days_in_month(year, month);
}

int32_t gly_date_add_months(int32_t days, int32_t months) {
    int32_t year, month, day;
    gly_date_to_civil(days, &year, &month, &day);
    int64_t total = (int64_t)year * 12 + (month - 1) + months;
    int64_t new_year = (total >= 0 ? total : total - 11) / 12;
    int32_t new_month = (int32_t)(total - new_year * 12) + 1;
    int32_t last = gly_date_days_in_month((int32_t)new_year, new_month);
    return gly_date_from_civil((int32_t)new_year, new_month, GLY_MIN(day, last));
}

/* Reads up to most digits at *at; false when there are fewer than least or more than most. */
static bool read_digits(gly_str text, size_t *at, size_t least, size_t most, int32_t *ret) {
    size_t start = *at;
    int32_t value = 0;
    while (*at < text.size && text.data[*at] >= '0' && text.data[*at] <= '9') {
        if (*at - start == most) {
            return false;
        }
        value = value * 10 + (text.data[*at] - '0');
        (*at)++;
    }
    *ret = value;
    return *at - start >= least;
}

bool gly_date_parse(gly_str text, int32_t *ret) {
    text = gly_str_trim(text);
    size_t at = 0;
    int32_t year, month = 1, day = 1;
    bool negative = text.size > 0 && text.data[0] == '-';
    if (negative || (text.size > 0 && text.data[0] == '+')) {
        at++;
    }
    if (!read_digits(text, &at, 4, 7, &year)) {
        return false;
    }
    if (at < text.size) {
        if (text.data[at++] != '-' || !read_digits(text, &at, 1, 2, &month)) {
            return false;
        }
        if (at < text.size) {
            if (text.data[at++] != '-' || !read_digits(text, &at, 1, 2, &day)) {
                return false;
            }
            if (at < text.size && text.data[at] != ' ' && text.data[at] != 'T') {
                return false;
            }
        }
    }
    year = negative ? -year : year;
    /* int32 days end in July of +5881580 and begin in June of -5877641 */
    if (!gly_date_is_valid(year, month, day) || year > 5881579 || year < -5877640) {
        return false;
    }
    *ret = gly_date_from_civil(year, month, day);
    return true;
}

static char *write_padded(char *out, uint32_t value, int least) {
    char digits[12];
    int count = 0;
    while (value > 0 || count < least) {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    }
    while (count > 0) {
        *out++ = digits[--count];
    }
    return out;
}

size_t gly_date_format(int32_t days, char buffer[16]) {
    int32_t year, month, day;
    gly_date_to_civil(days, &year, &month, &day);
    char *out = buffer;
    if (year < 0 || year > 9999) {
        *out++ = year < 0 ? '-' : '+';
    }
    out = write_padded(out, (uint32_t)(year < 0 ? -year : year), 4);
    *out++ = '-';
    out = write_padded(out, (uint32_t)month, 2);
    *out++ = '-';
    out = write_padded(out, (uint32_t)day, 2);
    return (size_t)(out - buffer);
}
