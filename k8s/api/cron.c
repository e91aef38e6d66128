/* cron.c - schedules in crontab's notation; see cron.h.
 *
 * The search goes from span to span of constant UTC offset (time_zone.h), and within a span by
 * days, hours and minutes of local time, so that summer time needs no rule of its own.
 */
#include "k8s/api/cron.h"

#include "k8s/api/rfc3339.h"

enum { DAY = 86400, HORIZON_DAYS = 3660 };

typedef struct field {
    const char *title;
    int least, most;
    const char *const *names; /* of least and on, or NULL */
    int name_count;
} field;

static const char *const MONTHS[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                     "jul", "aug", "sep", "oct", "nov", "dec"};
static const char *const WEEKDAYS[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
static const field FIELDS[] = {
    {"minute", 0, 59, NULL, 0},         {"hour", 0, 23, NULL, 0},
    {"day of month", 1, 31, NULL, 0},   {"month", 1, 12, MONTHS, 12},
    {"day of week", 0, 7, WEEKDAYS, 7},
};

static gly_str cut(gly_str *rest, char separator) {
    const char *end = rest->size == 0 ? NULL : memchr(rest->data, separator, rest->size);
    gly_str part = {rest->data, end == NULL ? rest->size : (size_t)(end - rest->data)};
    *rest = end == NULL ? (gly_str){rest->data + rest->size, 0}
                        : (gly_str){end + 1, rest->size - part.size - 1};
    return part;
}

static bool read_value(const field *f, gly_str text, int *ret) {
    uint64_t number;
    if (gly_str_to_u64(text, &number)) {
        *ret = (int)GLY_MIN(number, UINT64_C(1000));
        return text.size <= 4 && text.data[0] >= '0' && text.data[0] <= '9' && *ret >= f->least &&
               *ret <= f->most;
    }
    for (int i = 0; i < f->name_count; i++) {
        if (gly_str_equal_ignore_case(text, gly_str_of(f->names[i]))) {
            *ret = f->least + i;
            return true;
        }
    }
    return false;
}

/* One part of a list: "*", "*" with a step, "5", "5/10", "1-5", "1-5/2". */
static bool read_part(const field *f, gly_str part, uint64_t *bits, bool *is_any) {
    gly_str step_text = part;
    gly_str range = cut(&step_text, '/');
    bool has_step = range.size < part.size;
    int first = f->least, last = f->most == 7 ? 6 : f->most, step = 1;
    if (has_step) {
        uint64_t number;
        if (!gly_str_to_u64(step_text, &number) || number == 0 || number > 1000 ||
            step_text.data[0] == '+') {
            return false;
        }
        step = (int)number;
    }
    if (gly_str_equal(range, GLY_STR("*")) || gly_str_equal(range, GLY_STR("?"))) {
        *is_any = *is_any || step == 1;
    } else {
        gly_str end = range;
        gly_str begin = cut(&end, '-');
        bool has_end = begin.size < range.size;
        if (!read_value(f, begin, &first)) {
            return false;
        }
        if (has_end) {
            if (!read_value(f, end, &last)) {
                return false;
            }
            last = f->most == 7 && last == 0 && first > 0 ? 7 : last; /* fri-sun */
        } else if (!has_step) {
            last = first;
        }
        if (first > last) {
            return false;
        }
    }
    for (int value = first; value <= last; value += step) {
        *bits |= UINT64_C(1) << (f->most == 7 ? value % 7 : value);
    }
    return true;
}

static gly_status read_field(const field *f, gly_str text, uint64_t *ret_bits, bool *ret_any,
                             gly_error *err) {
    gly_str rest = text;
    *ret_bits = 0;
    *ret_any = false;
    do {
        gly_str part = cut(&rest, ',');
        bool is_cut_short = rest.size == 0 && text.data[text.size - 1] == ',';
        if (!read_part(f, part, ret_bits, ret_any) || is_cut_short) {
            return gly_fail(err, GLY_E_INVALID_ARGUMENT,
                            "the %s '%.*s' must consist of %d to %d%s, *, ranges (a-b), steps (/n) "
                            "and commas",
                            f->title, (int)GLY_MIN(text.size, (size_t)60), text.data, f->least,
                            f->most, f->names != NULL ? " or names" : "");
        }
    } while (rest.size > 0);
    return GLY_OK;
}

static gly_str expand(gly_str text) {
    static const char *const macros[][2] = {
        {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"},
        {"@weekly", "0 0 * * 0"}, {"@daily", "0 0 * * *"},    {"@midnight", "0 0 * * *"},
        {"@hourly", "0 * * * *"},
    };
    for (size_t i = 0; i < GLY_ARRAY_LEN(macros); i++) {
        if (gly_str_equal(text, gly_str_of(macros[i][0]))) {
            return gly_str_of(macros[i][1]);
        }
    }
    return text;
}

gly_status gly_cron_parse(gly_str text, gly_cron *ret, gly_error *err) {
    gly_str rest = expand(gly_str_trim(text));
    uint64_t bits[GLY_ARRAY_LEN(FIELDS)] = {0};
    bool any[GLY_ARRAY_LEN(FIELDS)] = {false};
    size_t count = 0;
    while (rest.size > 0 && rest.data[0] != '@') {
        gly_str part = cut(&rest, ' ');
        if (part.size == 0) {
            continue;
        }
        if (count < GLY_ARRAY_LEN(FIELDS)) {
            GLY_TRY(read_field(&FIELDS[count], part, &bits[count], &any[count], err));
        }
        count++;
    }
    if (count != GLY_ARRAY_LEN(FIELDS)) {
        return gly_fail(err, GLY_E_INVALID_ARGUMENT,
                        "'%.*s' must have five fields (minute, hour, day of month, month, day of "
                        "week) or be @hourly, @daily, @weekly, @monthly or @yearly",
                        (int)GLY_MIN(text.size, (size_t)100), text.data);
    }
    *ret = (gly_cron){
        bits[0], (uint32_t)bits[1], (uint32_t)bits[2], (uint32_t)bits[3], (uint32_t)bits[4], any[2],
        any[4]};
    return GLY_OK;
}

static bool day_fits(const gly_cron *cron, int64_t days) {
    int64_t year;
    int month, day;
    gly_rfc3339_date(days, &year, &month, &day);
    int weekday = (int)(((days + 4) % 7 + 7) % 7);
    if ((cron->months >> month & 1) == 0) {
        return false;
    }
    bool by_day = cron->days >> day & 1, by_weekday = cron->weekdays >> weekday & 1;
    return cron->any_day || cron->any_weekday ? by_day && by_weekday : by_day || by_weekday;
}

/* The first local minute that fits, at or after from and before limit (local seconds). */
static bool next_local(const gly_cron *cron, int64_t from, int64_t limit, int64_t *ret) {
    int64_t days = from / DAY, in_day = from % DAY;
    if (in_day < 0) {
        in_day += DAY;
        days--;
    }
    for (; days * DAY < limit; days++, in_day = 0) {
        if (!day_fits(cron, days)) {
            continue;
        }
        for (int64_t minute = (in_day + 59) / 60; minute < 1440; minute++) {
            if ((cron->hours >> (minute / 60) & 1) == 0) {
                minute += 59 - minute % 60; /* the next hour */
            } else if (cron->minutes >> (minute % 60) & 1) {
                *ret = days * DAY + minute * 60;
                return *ret < limit;
            }
        }
    }
    return false;
}

bool gly_cron_next(const gly_cron *cron, const gly_time_zone *zone, int64_t after_ms,
                   int64_t *ret_ms) {
    if (after_ms < 0 || after_ms > INT64_C(253402300800000)) { /* year 10000 */
        return false;
    }
    int64_t from = after_ms / 60000 * 60 + 60;
    int64_t end = from + (int64_t)HORIZON_DAYS * DAY;
    while (from < end) {
        gly_time_zone_span span = gly_time_zone_at(zone, from);
        int64_t until = GLY_MIN(span.until, end), local;
        if (next_local(cron, from + span.offset, until + span.offset, &local)) {
            *ret_ms = (local - span.offset) * 1000;
            return true;
        }
        from = until;
    }
    return false;
}

bool gly_cron_latest(const gly_cron *cron, const gly_time_zone *zone, int64_t after_ms,
                     int64_t now_ms, int64_t *ret_ms) {
    /* Back in windows that grow, so that a year's absence costs no more than some hundred steps. */
    for (int64_t window = 600000;; window *= 8) {
        bool is_all = window >= now_ms - after_ms;
        int64_t from = is_all ? after_ms : now_ms - window, found;
        if (gly_cron_next(cron, zone, from, &found) && found <= now_ms) {
            do {
                *ret_ms = found;
            } while (gly_cron_next(cron, zone, found, &found) && found <= now_ms);
            return true;
        }
        if (is_all) {
            return false;
        }
    }
}
