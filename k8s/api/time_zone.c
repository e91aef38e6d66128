/* time_zone.c - time zones of the IANA data base; see time_zone.h.
 *
 * A compiled zone is a list of transitions and, for all times after the last of them, a rule in the
 * form of POSIX' TZ variable ("CET-1CEST,M3.5.0,M10.5.0/3").  Layout of a version 2 file (RFC
 * 9636):
 *
 *   header | block with 32-bit times (skipped) | header | block with 64-bit times | \n rule \n
 *   header: "TZif" version 15 zeros, six 32-bit counts: isut isstd leap time type char
 *   block:  times[time] types[time] {offset32 isdst8 index8}[type] chars[char] leaps[leap] isstd
 * isut
 *
 * Zones with leap seconds ("right/...") are refused: nobody schedules by them.
 */
#include "k8s/api/time_zone.h"

#include "k8s/api/rfc3339.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { HEADER_SIZE = 44, LARGEST_FILE = 1 << 20, DAY = 86400 };

typedef struct posix_day { /* when summer time begins or ends */
    enum { DAY_JULIAN, DAY_ZERO_BASED, DAY_OF_MONTH } kind;
    int month, week, day;
    int64_t seconds; /* into the day, local; may be negative or more than a day */
} posix_day;

struct gly_time_zone {
    uint32_t count;         /* of transitions */
    const int64_t *times;   /* ascending */
    const int64_t *offsets; /* from each on */
    int64_t first_offset;   /* before the first */
    bool has_rule, has_summer;
    int64_t standard_offset, summer_offset;
    posix_day summer_begin, summer_end;
};

typedef struct block_header {
    uint32_t isut, isstd, leap, time, type, chars;
} block_header;

static uint32_t read_u32(const char *bytes) {
    const unsigned char *b = (const unsigned char *)bytes;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static int64_t read_time(const char *bytes, size_t width) {
    if (width == 4) {
        return (int32_t)read_u32(bytes);
    }
    return (int64_t)((uint64_t)read_u32(bytes) << 32 | read_u32(bytes + 4));
}

static bool read_header(gly_str bytes, size_t at, block_header *ret, char *ret_version) {
    if (bytes.size < at + HEADER_SIZE || memcmp(bytes.data + at, "TZif", 4) != 0) {
        return false;
    }
    const char *counts = bytes.data + at + 20;
    *ret_version = bytes.data[at + 4];
    *ret = (block_header){read_u32(counts),      read_u32(counts + 4),  read_u32(counts + 8),
                          read_u32(counts + 12), read_u32(counts + 16), read_u32(counts + 20)};
    const uint32_t all[] = {ret->isut, ret->isstd, ret->leap, ret->time, ret->type, ret->chars};
    for (size_t i = 0; i < GLY_ARRAY_LEN(all); i++) {
        if (all[i] > LARGEST_FILE) {
            return false;
        }
    }
    return true;
}

static size_t block_size(const block_header *header, size_t width) {
    return header->time * (width + 1) + header->type * (size_t)6 + header->chars +
           header->leap * (width + 4) + header->isstd + header->isut;
}

static bool read_block(gly_arena *arena, gly_str block, const block_header *header, size_t width,
                       gly_time_zone *zone) {
    if (block.size < block_size(header, width) || header->type == 0 || header->leap != 0) {
        return false;
    }
    const char *types = block.data + header->time * width;
    const char *infos = types + header->time;
    int64_t *times = GLY_ARENA_ARRAY(arena, int64_t, header->time + 1);
    int64_t *offsets = GLY_ARENA_ARRAY(arena, int64_t, header->time + 1);
    for (uint32_t i = 0; i < header->time; i++) {
        unsigned char type = (unsigned char)types[i];
        times[i] = read_time(block.data + i * width, width);
        if (type >= header->type || (i > 0 && times[i] <= times[i - 1])) {
            return false;
        }
        offsets[i] = (int32_t)read_u32(infos + (size_t)type * 6);
    }
    zone->count = header->time;
    zone->times = times;
    zone->offsets = offsets;
    zone->first_offset = (int32_t)read_u32(infos);
    for (uint32_t i = 0; i < header->type; i++) {
        int64_t offset = (int32_t)read_u32(infos + (size_t)i * 6);
        if (offset < -2 * DAY || offset > 2 * DAY) {
            return false;
        }
    }
    return true;
}

/* -- the rule, POSIX.1 section 8.3 with RFC 9636's extensions -- */

static bool take(gly_str *text, char c) {
    if (text->size == 0 || text->data[0] != c) {
        return false;
    }
    *text = (gly_str){text->data + 1, text->size - 1};
    return true;
}

static bool take_number(gly_str *text, int largest, int *ret) {
    int value = 0;
    size_t digits = 0;
    while (digits < text->size && digits < 4 && text->data[digits] >= '0' &&
           text->data[digits] <= '9') {
        value = value * 10 + (text->data[digits++] - '0');
    }
    *text = (gly_str){text->data + digits, text->size - digits};
    *ret = value;
    return digits > 0 && value <= largest;
}

static bool take_name(gly_str *text) {
    size_t size = 0;
    if (take(text, '<')) {
        while (size < text->size && text->data[size] != '>') {
            size++;
        }
        *text = (gly_str){text->data + size, text->size - size};
        return take(text, '>');
    }
    while (size < text->size &&
           ((text->data[size] | 0x20) >= 'a' && (text->data[size] | 0x20) <= 'z')) {
        size++;
    }
    *text = (gly_str){text->data + size, text->size - size};
    return size >= 3;
}

/* [+-]hh[:mm[:ss]] in seconds. */
static bool take_time(gly_str *text, int64_t *ret) {
    bool is_negative = take(text, '-');
    if (!is_negative) {
        take(text, '+');
    }
    int hours, minutes = 0, seconds = 0;
    if (!take_number(text, 167, &hours) ||
        (take(text, ':') && (!take_number(text, 59, &minutes) ||
                             (take(text, ':') && !take_number(text, 59, &seconds))))) {
        return false;
    }
    int64_t value = hours * 3600 + minutes * 60 + seconds;
    *ret = is_negative ? -value : value;
    return true;
}

static bool take_day(gly_str *text, posix_day *ret) {
    ret->seconds = 2 * 3600;
    bool is_good;
    if (take(text, 'M')) {
        ret->kind = DAY_OF_MONTH;
        is_good = take_number(text, 12, &ret->month) && ret->month >= 1 && take(text, '.') &&
                  take_number(text, 5, &ret->week) && ret->week >= 1 && take(text, '.') &&
                  take_number(text, 6, &ret->day);
    } else if (take(text, 'J')) {
        ret->kind = DAY_JULIAN;
        is_good = take_number(text, 365, &ret->day) && ret->day >= 1;
    } else {
        ret->kind = DAY_ZERO_BASED;
        is_good = take_number(text, 365, &ret->day);
    }
    return is_good && (!take(text, '/') || take_time(text, &ret->seconds));
}

static bool read_rule(gly_str text, gly_time_zone *zone) {
    int64_t west; /* POSIX counts to the west */
    if (!take_name(&text) || !take_time(&text, &west)) {
        return false;
    }
    zone->has_rule = true;
    zone->standard_offset = -west;
    if (text.size == 0) {
        return true;
    }
    zone->has_summer = true;
    zone->summer_offset = zone->standard_offset + 3600;
    if (!take_name(&text)) {
        return false;
    }
    if (text.size > 0 && text.data[0] != ',') {
        if (!take_time(&text, &west)) {
            return false;
        }
        zone->summer_offset = -west;
    }
    return take(&text, ',') && take_day(&text, &zone->summer_begin) && take(&text, ',') &&
           take_day(&text, &zone->summer_end) && text.size == 0;
}

static bool is_leap(int64_t year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

/* Local seconds since 1970 at which that day's rule strikes in a year. */
static int64_t day_seconds(const posix_day *rule, int64_t year) {
    int64_t days = gly_rfc3339_days(year, 1, 1);
    if (rule->kind == DAY_ZERO_BASED) {
        days += rule->day;
    } else if (rule->kind == DAY_JULIAN) { /* February 29th is not counted */
        days += rule->day - 1 + (is_leap(year) && rule->day >= 60 ? 1 : 0);
    } else {
        int64_t first = gly_rfc3339_days(year, rule->month, 1);
        int64_t next_month = rule->month == 12 ? gly_rfc3339_days(year + 1, 1, 1)
                                               : gly_rfc3339_days(year, rule->month + 1, 1);
        int64_t weekday = ((first + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
        days = first + (rule->day - weekday + 7) % 7 + (rule->week - 1) * 7;
        if (days >= next_month) { /* week 5 is the last one */
            days -= 7;
        }
    }
    return days * DAY + rule->seconds;
}

static gly_time_zone_span at_rule(const gly_time_zone *zone, int64_t utc) {
    gly_time_zone_span span = {zone->standard_offset, INT64_MAX};
    if (!zone->has_summer) {
        return span;
    }
    int64_t year, latest = INT64_MIN;
    int month, day;
    gly_rfc3339_date(utc / DAY, &year, &month, &day);
    for (int64_t y = year - 1; y <= year + 1; y++) {
        const struct {
            int64_t time, offset;
        } changes[] = {
            {day_seconds(&zone->summer_end, y) - zone->summer_offset, zone->standard_offset},
            {day_seconds(&zone->summer_begin, y) - zone->standard_offset, zone->summer_offset},
        };
        for (size_t i = 0; i < GLY_ARRAY_LEN(changes); i++) {
            if (changes[i].time <= utc && changes[i].time >= latest) {
                latest = changes[i].time;
                span.offset = changes[i].offset;
            } else if (changes[i].time > utc) {
                span.until = GLY_MIN(span.until, changes[i].time);
            }
        }
    }
    return span;
}

gly_time_zone_span gly_time_zone_at(const gly_time_zone *zone, int64_t utc_seconds) {
    uint32_t low = 0, high = zone->count; /* the first transition after utc_seconds */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (zone->times[middle] <= utc_seconds) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == zone->count && zone->has_rule) {
        return at_rule(zone, utc_seconds);
    }
    return (gly_time_zone_span){low == 0 ? zone->first_offset : zone->offsets[low - 1],
                                low == zone->count ? INT64_MAX : zone->times[low]};
}

gly_status gly_time_zone_parse(gly_arena *arena, gly_str bytes, const gly_time_zone **ret,
                               gly_error *err) {
    gly_time_zone *zone = GLY_ARENA_NEW(arena, gly_time_zone);
    block_header header;
    char version;
    size_t at = HEADER_SIZE, width = 4;
    bool is_good = read_header(bytes, 0, &header, &version);
    if (is_good && version >= '2') {
        size_t second = at + block_size(&header, width);
        is_good = read_header(bytes, second, &header, &version);
        at = second + HEADER_SIZE;
        width = 8;
    }
    is_good = is_good && at <= bytes.size &&
              read_block(arena, (gly_str){bytes.data + at, bytes.size - at}, &header, width, zone);
    if (is_good && width == 8) {
        at += block_size(&header, width);
        gly_str rest = {bytes.data + at, bytes.size - at};
        const char *end = take(&rest, '\n') ? memchr(rest.data, '\n', rest.size) : NULL;
        is_good = end != NULL && (end == rest.data ||
                                  read_rule((gly_str){rest.data, (size_t)(end - rest.data)}, zone));
    }
    if (!is_good) {
        return gly_fail(err, GLY_E_CORRUPT_FILE, "this is no time zone file without leap seconds");
    }
    *ret = zone;
    return GLY_OK;
}

static bool is_plain_name(const char *name) {
    for (const char *c = name; *c != '\0'; c++) {
        bool is_letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                         (*c >= '0' && *c <= '9') || *c == '_' || *c == '+' || *c == '-';
        bool is_inner_slash = *c == '/' && c != name && c[1] != '\0' && c[1] != '/';
        if (!is_letter && !is_inner_slash) {
            return false;
        }
    }
    return strlen(name) <= 64;
}

gly_status gly_time_zone_load(gly_arena *arena, const char *name, const char *directory,
                              const gly_time_zone **ret, gly_error *err) {
    if (name[0] == '\0' || strcmp(name, "UTC") == 0) {
        *ret = GLY_ARENA_NEW(arena, gly_time_zone);
        return GLY_OK;
    }
    if (!is_plain_name(name)) {
        return gly_fail(err, GLY_E_INVALID_ARGUMENT,
                        "'%.64s' is no time zone; write UTC or Europe/Zurich", name);
    }
    const char *path = gly_arena_format(
        arena, "%s/%s", directory != NULL ? directory : "/usr/share/zoneinfo", name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return gly_fail(err, GLY_E_INVALID_ARGUMENT,
                        errno == ENOENT ? "there is no time zone '%s'; write UTC or Europe/Zurich"
                                        : "the file of time zone '%s' cannot be opened",
                        name);
    }
    char *bytes = gly_arena_alloc(arena, 65536);
    size_t size = 0;
    ssize_t count = 0;
    while (size < 65536 && (count = read(fd, bytes + size, 65536 - size)) > 0) {
        size += (size_t)count;
    }
    close(fd);
    if (count < 0) {
        return gly_fail(err, GLY_E_INVALID_ARGUMENT, "the file of time zone '%s' cannot be read",
                        name);
    }
    GLY_TRY_ADD(gly_time_zone_parse(arena, (gly_str){bytes, size}, ret, err), err, "time zone '%s'",
                name);
    return GLY_OK;
}
