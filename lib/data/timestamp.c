/* timestamp.c - microseconds since the epoch to civil time and back, and timestamps as text.
 *
 * All in UTC: session time zones do not exist yet, so a TIMESTAMP and a TIMESTAMP_NTZ read alike.
 * The grammar of parse is Spark's CAST (stringToTimestamp).  Days and months are in date.c.
 */
#include "lib/data/timestamp.h"

#include "lib/data/date.h"

static int64_t floor_divide(int64_t a, int64_t b) { return a / b - (a % b < 0); }

int32_t gly_timestamp_to_date(int64_t micros) {
    return (int32_t)floor_divide(micros, GLY_TIMESTAMP_DAY);
}

int64_t gly_timestamp_from_date(int32_t days) {
    return (int64_t)((uint64_t)(int64_t)days * (uint64_t)GLY_TIMESTAMP_DAY);
}

void gly_timestamp_to_civil(int64_t micros, gly_civil *ret) {
    int64_t days = floor_divide(micros, GLY_TIMESTAMP_DAY);
    /* unsigned, because days * DAY may lie just below INT64_MIN */
    int64_t rest = (int64_t)((uint64_t)micros - (uint64_t)days * (uint64_t)GLY_TIMESTAMP_DAY);
    gly_date_to_civil((int32_t)days, &ret->year, &ret->month, &ret->day);
    ret->microsecond = (int32_t)(rest % GLY_TIMESTAMP_SECOND);
    int32_t seconds = (int32_t)(rest / GLY_TIMESTAMP_SECOND);
    ret->hour = seconds / 3600;
    ret->minute = seconds / 60 % 60;
    ret->second = seconds % 60;
}

static gly_i128 wide_from_civil(const gly_civil *civil) {
    gly_i128 days = gly_date_from_civil(civil->year, civil->month, civil->day);
    int64_t seconds = (int64_t)civil->hour * 3600 + (int64_t)civil->minute * 60 + civil->second;
    return days * GLY_TIMESTAMP_DAY + seconds * GLY_TIMESTAMP_SECOND + civil->microsecond;
}

int64_t gly_timestamp_from_civil(const gly_civil *civil) {
    return (int64_t)(gly_u128)wide_from_civil(civil);
}

bool gly_timestamp_from_civil_checked(const gly_civil *civil, int64_t *ret) {
    gly_i128 wide = wide_from_civil(civil);
    if (wide < INT64_MIN || wide > INT64_MAX) {
        return false;
    }
    *ret = (int64_t)wide;
    return true;
}

bool gly_timestamp_parse_zone(gly_str text, int32_t *ret_seconds) {
    static const char *const names[] = {"UTC", "GMT", "UT", "Z"};
    text = gly_str_trim(text);
    for (size_t i = 0; i < GLY_ARRAY_LEN(names); i++) {
        if (gly_str_starts_with(text, gly_str_of(names[i]))) {
            text.data += strlen(names[i]);
            text.size -= strlen(names[i]);
            if (text.size == 0) {
                *ret_seconds = 0;
                return true;
            }
            break;
        }
    }
    if (text.size < 2 || (text.data[0] != '+' && text.data[0] != '-')) {
        return false;
    }
    int32_t fields[3] = {0};
    int field = 0;
    int digits = 0;
    bool with_colons = memchr(text.data, ':', text.size) != NULL;
    for (size_t i = 1; i < text.size; i++) {
        char c = text.data[i];
        if (c == ':') {
            if (digits == 0 || field == 2) {
                return false;
            }
            field++;
            digits = 0;
        } else if (c >= '0' && c <= '9') {
            if (digits == 2) { /* +hhmm */
                if (with_colons || field == 2) {
                    return false;
                }
                field++;
                digits = 0;
            }
            fields[field] = fields[field] * 10 + (c - '0');
            digits++;
        } else {
            return false;
        }
    }
    if (digits == 0 || (field > 0 && digits != 2) || fields[1] > 59 || fields[2] > 59) {
        return false;
    }
    int32_t seconds = fields[0] * 3600 + fields[1] * 60 + fields[2];
    if (seconds > 18 * 3600) {
        return false;
    }
    *ret_seconds = text.data[0] == '-' ? -seconds : seconds;
    return true;
}

/* The scanner's place: which field of year, month, day, hour, minute, second, fraction. */
typedef struct fields {
    int32_t values[7];
    int field;
    int digits;
    gly_str zone;
} fields;

static bool close_field(const fields *scan) {
    if (scan->field == 6) {
        return true;
    }
    return scan->field == 0 ? scan->digits >= 4 && scan->digits <= 7
                            : scan->digits >= 1 && scan->digits <= 2;
}

static bool scan_fields(gly_str text, size_t at, fields *scan) {
    static const char *const separators[] = {"-", "-", " T", ":", ":", "."};
    for (; at < text.size; at++) {
        char c = text.data[at];
        if (c >= '0' && c <= '9') {
            if (scan->field != 6 ? scan->digits >= 7 : scan->digits >= 6) {
                if (scan->field != 6) {
                    return false;
                }
                continue; /* beyond microseconds: cut */
            }
            scan->values[scan->field] = scan->values[scan->field] * 10 + (c - '0');
            scan->digits++;
            continue;
        }
        if (!close_field(scan)) {
            return false;
        }
        if (scan->field < 6 && c != '\0' && strchr(separators[scan->field], c) != NULL) {
            scan->field++;
            scan->digits = 0;
            continue;
        }
        if (scan->field < 5) {
            return false;
        }
        scan->zone = gly_str_trim((gly_str){text.data + at, text.size - at});
        break;
    }
    for (int i = scan->digits; scan->field == 6 && i < 6; i++) {
        scan->values[6] *= 10;
    }
    return close_field(scan);
}

bool gly_timestamp_parse(gly_str text, int64_t *ret) {
    text = gly_str_trim(text);
    bool negative = text.size > 0 && text.data[0] == '-';
    bool has_sign = negative || (text.size > 0 && text.data[0] == '+');
    fields scan = {.values = {0, 1, 1, 0, 0, 0, 0}};
    scan.values[1] = scan.values[2] = 0;
    if (!scan_fields(text, has_sign ? 1 : 0, &scan)) {
        return false;
    }
    if (scan.field < 1) {
        scan.values[1] = 1;
    }
    if (scan.field < 2) {
        scan.values[2] = 1;
    }
    int32_t zone_seconds = 0;
    if (scan.zone.size > 0 && !gly_timestamp_parse_zone(scan.zone, &zone_seconds)) {
        return false;
    }
    gly_civil civil = {negative ? -scan.values[0] : scan.values[0],
                       scan.values[1],
                       scan.values[2],
                       scan.values[3],
                       scan.values[4],
                       scan.values[5],
                       scan.values[6]};
    if (!gly_date_is_valid(civil.year, civil.month, civil.day) || civil.hour > 23 ||
        civil.minute > 59 || civil.second > 59 || civil.year > 294247 || civil.year < -290308) {
        return false;
    }
    int64_t micros;
    return gly_timestamp_from_civil_checked(&civil, &micros) &&
           !__builtin_sub_overflow(micros, zone_seconds * GLY_TIMESTAMP_SECOND, ret);
}

size_t gly_timestamp_format(int64_t micros, char buffer[40]) {
    gly_civil civil;
    gly_timestamp_to_civil(micros, &civil);
    size_t size = gly_date_format(gly_timestamp_to_date(micros), buffer);
    const int32_t parts[3] = {civil.hour, civil.minute, civil.second};
    for (int i = 0; i < 3; i++) {
        buffer[size++] = i == 0 ? ' ' : ':';
        buffer[size++] = (char)('0' + parts[i] / 10);
        buffer[size++] = (char)('0' + parts[i] % 10);
    }
    if (civil.microsecond != 0) {
        buffer[size++] = '.';
        int32_t rest = civil.microsecond;
        for (int32_t unit = 100000; rest > 0; unit /= 10) {
            buffer[size++] = (char)('0' + rest / unit);
            rest %= unit;
        }
    }
    return size;
}
