/* rfc3339.c - time stamps of Kubernetes' objects; see rfc3339.h.
 *
 * The calendar is counted in 400-year eras of 146,097 days that begin on a March 1st, so that the
 * leap day is the last of its year.  Leap seconds ("60") are taken as the next second.
 */
#include "k8s/api/rfc3339.h"

int64_t gly_rfc3339_days(int64_t year, int month, int day) {
    year -= month <= 2 ? 1 : 0;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

void gly_rfc3339_date(int64_t days, int64_t *ret_year, int *ret_month, int *ret_day) {
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    *ret_day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
    *ret_month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    *ret_year = year_of_era + era * 400 + (*ret_month <= 2 ? 1 : 0);
}

/* count digits at *position. */
static bool read_digits(gly_str text, size_t *position, int count, int *ret) {
    int value = 0;
    for (int i = 0; i < count; i++, (*position)++) {
        if (*position >= text.size || text.data[*position] < '0' || text.data[*position] > '9') {
            return false;
        }
        value = value * 10 + (text.data[*position] - '0');
    }
    *ret = value;
    return true;
}

static bool read_char(gly_str text, size_t *position, const char *allowed) {
    if (*position >= text.size || text.data[*position] == '\0' ||
        strchr(allowed, text.data[*position]) == NULL) {
        return false;
    }
    (*position)++;
    return true;
}

static int read_fraction_ms(gly_str text, size_t *position) {
    int ms = 0, scale = 100;
    for (; *position < text.size && text.data[*position] >= '0' && text.data[*position] <= '9';
         (*position)++) {
        ms += scale * (text.data[*position] - '0');
        scale /= 10;
    }
    return ms;
}

bool gly_rfc3339_parse(gly_str text, int64_t *ret_ms) {
    size_t at = 0;
    int year, month, day, hour, minute, second, ms = 0;
    if (!read_digits(text, &at, 4, &year) || !read_char(text, &at, "-") ||
        !read_digits(text, &at, 2, &month) || !read_char(text, &at, "-") ||
        !read_digits(text, &at, 2, &day) || !read_char(text, &at, "Tt ") ||
        !read_digits(text, &at, 2, &hour) || !read_char(text, &at, ":") ||
        !read_digits(text, &at, 2, &minute) || !read_char(text, &at, ":") ||
        !read_digits(text, &at, 2, &second)) {
        return false;
    }
    if (read_char(text, &at, ".")) {
        size_t start = at;
        ms = read_fraction_ms(text, &at);
        if (at == start) {
            return false;
        }
    }
    int64_t offset_minutes = 0;
    if (!read_char(text, &at, "Zz")) {
        bool is_west = at < text.size && text.data[at] == '-';
        int offset_hour, offset_minute;
        if (!read_char(text, &at, "+-") || !read_digits(text, &at, 2, &offset_hour) ||
            !read_char(text, &at, ":") || !read_digits(text, &at, 2, &offset_minute) ||
            offset_hour > 23 || offset_minute > 59) {
            return false;
        }
        offset_minutes = (offset_hour * 60 + offset_minute) * (is_west ? -1 : 1);
    }
    int64_t check_year;
    int check_month, check_day;
    if (at != text.size || year < 1 || month < 1 || month > 12 || day < 1 || day > 31 ||
        hour > 23 || minute > 59 || second > 60) {
        return false;
    }
    int64_t days = gly_rfc3339_days(year, month, day);
    gly_rfc3339_date(days, &check_year, &check_month, &check_day);
    if (check_month != month) {
        return false; /* February 30th */
    }
    *ret_ms = (((days * 24 + hour) * 60 + minute - offset_minutes) * 60 + second) * 1000 + ms;
    return true;
}

static const char *format(gly_arena *arena, int64_t ms, bool with_micro) {
    int64_t seconds = ms / 1000, rest = ms % 1000;
    if (rest < 0) {
        rest += 1000;
        seconds--;
    }
    int64_t days = seconds / 86400, in_day = seconds % 86400, year;
    if (in_day < 0) {
        in_day += 86400;
        days--;
    }
    int month, day;
    gly_rfc3339_date(days, &year, &month, &day);
    const char *fraction = with_micro ? gly_arena_format(arena, ".%03d000", (int)rest) : "";
    return gly_arena_format(arena, "%04lld-%02d-%02dT%02d:%02d:%02d%sZ", (long long)year, month,
                            day, (int)(in_day / 3600), (int)(in_day / 60 % 60), (int)(in_day % 60),
                            fraction);
}

const char *gly_rfc3339_format(gly_arena *arena, int64_t ms) { return format(arena, ms, false); }

const char *gly_rfc3339_format_micro(gly_arena *arena, int64_t ms) {
    return format(arena, ms, true);
}
