/* date_pattern.c - Java's DateTimeFormatter patterns, the letters Spark documents.
 *
 * A pattern becomes items: a letter and how often it stands there, or literal bytes.  Reading
 * follows Java: a field of two letters has two digits, one letter any number; a number directly
 * followed by another number (yyyyMMdd) has as many digits as letters; a fraction has one to as
 * many digits as S. Zones are UTC only, so zone letters print Z, +00:00 or UTC and read offsets.
 */
#include "lib/engine/function/date_pattern.h"

typedef struct item {
    char letter; /* 0: literal */
    uint32_t count;
    gly_str literal;
} item;

struct gly_date_pattern {
    uint32_t item_count;
    item *items;
};

static const char *const months[] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};
static const char *const weekdays[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                       "Friday", "Saturday", "Sunday"};
static const char *const quarters[] = {"1st quarter", "2nd quarter", "3rd quarter", "4th quarter"};

static gly_status check_item(const item *checked, gly_error *err) {
    static const struct {
        char letter;
        uint32_t most;
    } letters[] = {{'y', 6}, {'u', 6}, {'M', 4}, {'L', 4}, {'d', 2}, {'D', 3}, {'H', 2}, {'h', 2},
                   {'K', 2}, {'k', 2}, {'m', 2}, {'s', 2}, {'S', 9}, {'a', 1}, {'E', 4}, {'Q', 4},
                   {'q', 4}, {'X', 5}, {'x', 5}, {'Z', 5}, {'z', 4}, {'V', 2}, {'G', 3}, {'F', 1},
                   {'O', 4}};
    for (size_t i = 0; i < GLY_ARRAY_LEN(letters); i++) {
        if (letters[i].letter == checked->letter) {
            if (checked->count <= letters[i].most) {
                return GLY_OK;
            }
            return gly_fail(err, GLY_E_DATETIME,
                            "The date pattern has %u times the letter %c, which may stand at most "
                            "%u times",
                            checked->count, checked->letter, letters[i].most);
        }
    }
    return gly_fail(err, GLY_E_DATETIME, "The date pattern has the letter %c, which is not known",
                    checked->letter);
}

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/* 'text' and '' from at on; returns the offset behind, or 0 if the quote is not closed. */
static size_t read_quoted(gly_arena *arena, gly_str text, size_t at, item *ret) {
    char *bytes = gly_arena_alloc(arena, text.size);
    size_t size = 0;
    if (at + 1 < text.size && text.data[at + 1] == '\'') {
        bytes[0] = '\'';
        ret->literal = (gly_str){bytes, 1};
        return at + 2;
    }
    for (size_t i = at + 1; i < text.size; i++) {
        if (text.data[i] != '\'') {
            bytes[size++] = text.data[i];
        } else if (i + 1 < text.size && text.data[i + 1] == '\'') {
            bytes[size++] = '\'';
            i++;
        } else {
            ret->literal = (gly_str){bytes, size};
            return i + 1;
        }
    }
    return 0;
}

gly_status gly_date_pattern_compile(gly_arena *arena, gly_str text, const gly_date_pattern **ret,
                                    gly_error *err) {
    gly_date_pattern *pattern = GLY_ARENA_NEW(arena, gly_date_pattern);
    pattern->items = GLY_ARENA_ARRAY(arena, item, text.size + 1);
    for (size_t at = 0; at < text.size;) {
        item *next = &pattern->items[pattern->item_count];
        char c = text.data[at];
        if (is_letter(c)) {
            next->letter = c;
            for (; at < text.size && text.data[at] == c; at++) {
                next->count++;
            }
            GLY_TRY(check_item(next, err));
        } else if (c == '\'') {
            at = read_quoted(arena, text, at, next);
            if (at == 0) {
                return gly_fail(err, GLY_E_DATETIME, "The date pattern has an open quote");
            }
        } else if (c == '[' || c == ']') { /* optional parts: printed always, read always */
            at++;
            continue;
        } else {
            next->literal = gly_arena_str(arena, (gly_str){text.data + at, 1});
            at++;
        }
        pattern->item_count++;
    }
    *ret = pattern;
    return GLY_OK;
}

/* writing */

static void add_number(gly_builder *out, int64_t value, uint32_t width) {
    if (value < 0) {
        gly_builder_add_char(out, '-');
        value = -value;
    }
    gly_builder_format(out, "%0*lld", (int)width, (long long)value);
}

static void add_name(gly_builder *out, const char *name, uint32_t count) {
    gly_builder_add(out, name, count < 4 ? 3 : strlen(name));
}

static void add_year(gly_builder *out, int32_t year, uint32_t count) {
    if (count == 2) {
        add_number(out, (year % 100 + 100) % 100, 2);
        return;
    }
    if (count >= 4 && year > 9999) {
        gly_builder_add_char(out, '+');
    }
    add_number(out, year, count);
}

static void add_fraction(gly_builder *out, int32_t microsecond, uint32_t count) {
    char digits[9];
    int64_t rest = (int64_t)microsecond * 1000;
    for (int i = 8; i >= 0; i--, rest /= 10) {
        digits[i] = (char)('0' + rest % 10);
    }
    gly_builder_add(out, digits, count);
}

static void add_zone(gly_builder *out, char letter, uint32_t count) {
    static const char *const lower[] = {"+00", "+0000", "+00:00", "+0000", "+00:00"};
    if (letter == 'X') {
        gly_builder_add_char(out, 'Z');
    } else if (letter == 'x') {
        gly_builder_add_text(out, lower[count - 1]);
    } else if (letter == 'Z') {
        gly_builder_add_text(out, count < 4 ? "+0000" : count == 4 ? "GMT" : "Z");
    } else {
        gly_builder_add_text(out, letter == 'O'   ? "GMT"
                                  : count == 4 && letter == 'z' ? "Coordinated Universal Time"
                                                  : "UTC");
    }
}

static void add_quarter(gly_builder *out, int32_t month, uint32_t count) {
    int32_t quarter = (month - 1) / 3;
    if (count <= 2) {
        add_number(out, quarter + 1, count);
    } else if (count == 3) {
        gly_builder_format(out, "Q%d", quarter + 1);
    } else {
        gly_builder_add_text(out, quarters[quarter]);
    }
}

static void add_item(gly_builder *out, const item *shown, const gly_civil *civil, int32_t days) {
    uint32_t count = shown->count;
    switch (shown->letter) {
    case 'y':
    case 'u':
        add_year(out, civil->year, count);
        return;
    case 'M':
    case 'L':
        if (count > 2) {
            add_name(out, months[civil->month - 1], count);
        } else {
            add_number(out, civil->month, count);
        }
        return;
    case 'd':
        add_number(out, civil->day, count);
        return;
    case 'D':
        add_number(out, days - gly_date_from_civil(civil->year, 1, 1) + 1, count);
        return;
    case 'F':
        add_number(out, (civil->day - 1) / 7 + 1, count);
        return;
    case 'H':
        add_number(out, civil->hour, count);
        return;
    case 'k':
        add_number(out, civil->hour == 0 ? 24 : civil->hour, count);
        return;
    case 'K':
        add_number(out, civil->hour % 12, count);
        return;
    case 'h':
        add_number(out, civil->hour % 12 == 0 ? 12 : civil->hour % 12, count);
        return;
    case 'm':
        add_number(out, civil->minute, count);
        return;
    case 's':
        add_number(out, civil->second, count);
        return;
    case 'S':
        add_fraction(out, civil->microsecond, count);
        return;
    case 'a':
        gly_builder_add_text(out, civil->hour < 12 ? "AM" : "PM");
        return;
    case 'E':
        add_name(out, weekdays[(int32_t)((((int64_t)days + 3) % 7 + 7) % 7)], count);
        return;
    case 'Q':
    case 'q':
        add_quarter(out, civil->month, count);
        return;
    case 'G':
        gly_builder_add_text(out, civil->year > 0 ? "AD" : "BC");
        return;
    default:
        add_zone(out, shown->letter, count);
        return;
    }
}

void gly_date_pattern_format(const gly_date_pattern *pattern, int64_t micros, gly_builder *out) {
    gly_civil civil;
    gly_timestamp_to_civil(micros, &civil);
    int32_t days = gly_timestamp_to_date(micros);
    for (uint32_t i = 0; i < pattern->item_count; i++) {
        const item *shown = &pattern->items[i];
        if (shown->letter == 0) {
            gly_builder_add_str(out, shown->literal);
        } else {
            add_item(out, shown, &civil, days);
        }
    }
}

/* reading */

typedef struct scan {
    gly_str text;
    size_t at;
    gly_civil civil;
    int32_t day_of_year; /* 0: not given */
    int32_t hour12;      /* -1: not given */
    int32_t half;        /* 0 AM, 1 PM, -1: not given */
    int32_t zone_seconds;
} scan;

static bool is_number(const item *next) {
    return next->letter != 0 && strchr("yudDHhKkmsSF", next->letter) != NULL;
}

static bool is_numeric(const item *next) {
    return is_number(next) || (next->letter != 0 && strchr("MLQq", next->letter) != NULL &&
                               next->count <= 2);
}

static bool read_number(scan *s, uint32_t least, uint32_t most, int32_t *ret) {
    int64_t value = 0;
    uint32_t digits = 0;
    while (digits < most && s->at < s->text.size && s->text.data[s->at] >= '0' &&
           s->text.data[s->at] <= '9') {
        value = value * 10 + (s->text.data[s->at++] - '0');
        digits++;
    }
    *ret = (int32_t)value;
    return digits >= least && value <= INT32_MAX;
}

static bool read_name(scan *s, const char *const *names, int count, bool whole, int32_t *ret) {
    for (int i = 0; i < count; i++) {
        size_t size = whole ? strlen(names[i]) : 3;
        if (s->text.size - s->at >= size &&
            gly_str_equal_ignore_case((gly_str){s->text.data + s->at, size},
                                      (gly_str){names[i], size})) {
            s->at += size;
            *ret = i;
            return true;
        }
    }
    return false;
}

static bool read_fraction(scan *s, uint32_t most) {
    int64_t value = 0;
    uint32_t digits = 0;
    while (digits < most && s->at < s->text.size && s->text.data[s->at] >= '0' &&
           s->text.data[s->at] <= '9') {
        value = value * 10 + (s->text.data[s->at++] - '0');
        digits++;
    }
    if (digits == 0) {
        return false;
    }
    for (; digits < 9; digits++) {
        value *= 10;
    }
    s->civil.microsecond = (int32_t)(value / 1000);
    return true;
}

static bool read_zone(scan *s) {
    size_t end = s->at;
    while (end < s->text.size && s->text.data[end] != ' ' && s->text.data[end] != ']') {
        end++;
    }
    gly_str zone = {s->text.data + s->at, end - s->at};
    s->at = end;
    return gly_timestamp_parse_zone(zone, &s->zone_seconds);
}

static bool read_year(scan *s, const item *next, bool adjacent) {
    int32_t year;
    bool negative = s->at < s->text.size && s->text.data[s->at] == '-';
    s->at += negative || (s->at < s->text.size && s->text.data[s->at] == '+');
    uint32_t most = adjacent || next->count == 2 ? next->count : 7;
    if (!read_number(s, next->count == 2 ? 2 : next->count, most, &year)) {
        return false;
    }
    year = next->count == 2 ? 2000 + year : year;
    s->civil.year = negative ? -year : year;
    return true;
}

static bool read_item(scan *s, const item *next, bool adjacent) {
    uint32_t least = next->count, most = adjacent || next->count > 1 ? next->count : 9;
    int32_t number;
    switch (next->letter) {
    case 'y':
    case 'u':
        return read_year(s, next, adjacent);
    case 'M':
    case 'L':
        if (next->count > 2) {
            if (!read_name(s, months, 12, next->count == 4, &number)) {
                return false;
            }
            s->civil.month = number + 1;
            return true;
        }
        return read_number(s, least, most, &s->civil.month);
    case 'd':
        return read_number(s, least, most, &s->civil.day);
    case 'D':
        return read_number(s, least, GLY_MAX(most, 3u), &s->day_of_year) && s->day_of_year > 0;
    case 'H':
        return read_number(s, least, most, &s->civil.hour);
    case 'k':
        return read_number(s, least, most, &s->civil.hour) &&
               (s->civil.hour == 24 ? (s->civil.hour = 0, true) : s->civil.hour > 0);
    case 'h':
        return read_number(s, least, most, &s->hour12) && s->hour12 >= 1 && s->hour12 <= 12 &&
               (s->hour12 %= 12, true);
    case 'K':
        return read_number(s, least, most, &s->hour12) && s->hour12 <= 11;
    case 'm':
        return read_number(s, least, most, &s->civil.minute);
    case 's':
        return read_number(s, least, most, &s->civil.second);
    case 'S':
        return read_fraction(s, next->count);
    case 'a': {
        static const char *const halves[] = {"AM ", "PM "};
        if (s->text.size - s->at < 2) {
            return false;
        }
        for (int i = 0; i < 2; i++) {
            if (gly_str_equal_ignore_case((gly_str){s->text.data + s->at, 2},
                                          (gly_str){halves[i], 2})) {
                s->half = i;
                s->at += 2;
                return true;
            }
        }
        return false;
    }
    case 'E':
        return read_name(s, weekdays, 7, next->count == 4, &number);
    case 'X':
    case 'x':
    case 'Z':
    case 'z':
    case 'V':
    case 'O':
        return read_zone(s);
    default:
        return false; /* Q, G, F: only for writing */
    }
}

static bool finish(scan *s, int64_t *ret) {
    gly_civil *civil = &s->civil;
    if (s->hour12 >= 0) {
        civil->hour = s->hour12 + (s->half == 1 ? 12 : 0);
    }
    if (civil->hour > 23 || civil->minute > 59 || civil->second > 59 || civil->year > 294247 ||
        civil->year < -290307) {
        return false;
    }
    int32_t extra_days = 0;
    if (s->day_of_year > 0) {
        int32_t length = gly_date_days_in_month(civil->year, 2) + 337;
        civil->month = civil->day = 1;
        extra_days = s->day_of_year - 1;
        if (extra_days >= length) {
            return false;
        }
    }
    int64_t micros;
    return gly_date_is_valid(civil->year, civil->month, civil->day) &&
           gly_timestamp_from_civil_checked(civil, &micros) &&
           !__builtin_add_overflow(micros, extra_days * GLY_TIMESTAMP_DAY, &micros) &&
           !__builtin_sub_overflow(micros, s->zone_seconds * GLY_TIMESTAMP_SECOND, ret);
}

bool gly_date_pattern_parse(const gly_date_pattern *pattern, gly_str text, int64_t *ret_micros) {
    scan s = {.text = text, .hour12 = -1, .half = -1};
    s.civil = (gly_civil){.year = 1970, .month = 1, .day = 1};
    for (uint32_t i = 0; i < pattern->item_count; i++) {
        const item *next = &pattern->items[i];
        if (next->letter == 0) {
            if (text.size - s.at < next->literal.size ||
                memcmp(text.data + s.at, next->literal.data, next->literal.size) != 0) {
                return false;
            }
            s.at += next->literal.size;
            continue;
        }
        bool adjacent = is_numeric(next) && i + 1 < pattern->item_count &&
                        is_numeric(&pattern->items[i + 1]);
        if (!read_item(&s, next, adjacent)) {
            return false;
        }
    }
    return s.at == text.size && finish(&s, ret_micros);
}
