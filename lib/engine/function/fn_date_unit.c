/* fn_date_unit.c - timestampadd(unit, number, time) and timestampdiff(unit, start, end).
 *
 * Months keep the day of the month, or take the last one of a shorter month; a difference counts
 * whole units and cuts what is left, toward zero.  The parser turns the unit's word into a text.
 */
#include "lib/engine/function/fn_date_unit.h"

#include "lib/data/date.h"

#include <stdio.h>

/* Either months or microseconds. */
typedef struct time_unit {
    const char *name;
    int64_t months;
    int64_t micros;
    bool only_add;
} time_unit;

static const time_unit *find_unit(gly_str name) {
    static const time_unit units[] = {
        {"microsecond", 0, 1, false},
        {"millisecond", 0, 1000, false},
        {"second", 0, GLY_TIMESTAMP_SECOND, false},
        {"minute", 0, 60 * GLY_TIMESTAMP_SECOND, false},
        {"hour", 0, 3600 * GLY_TIMESTAMP_SECOND, false},
        {"day", 0, GLY_TIMESTAMP_DAY, false},
        {"dayofyear", 0, GLY_TIMESTAMP_DAY, true},
        {"week", 0, 7 * GLY_TIMESTAMP_DAY, false},
        {"month", 1, 0, false},
        {"quarter", 3, 0, false},
        {"year", 12, 0, false},
    };
    for (size_t i = 0; i < GLY_ARRAY_LEN(units); i++) {
        if (gly_str_equal_ignore_case(name, gly_str_of(units[i].name))) {
            return &units[i];
        }
    }
    return NULL;
}

static gly_status no_unit(const gly_call *call, gly_str name, gly_error *err) {
    char what[160];
    snprintf(what, sizeof what, "'%.*s' is no unit of time", GLY_STR_ARG(gly_call_excerpt(name)));
    return gly_call_fail(call, err, GLY_E_INVALID_ARGUMENT, what,
                         "write YEAR, QUARTER, MONTH, WEEK, DAY, HOUR, MINUTE, SECOND, "
                         "MILLISECOND or MICROSECOND");
}

/* false if it leaves the range */
static bool add_months(int64_t micros, int64_t months, int64_t *ret) {
    gly_civil civil;
    gly_timestamp_to_civil(micros, &civil);
    int64_t month = (int64_t)civil.year * 12 + civil.month - 1 + months;
    int64_t year = month / 12 - (month % 12 < 0);
    if (year < -300000 || year > 300000) {
        return false;
    }
    civil.year = (int32_t)year;
    civil.month = (int32_t)(month - year * 12) + 1;
    civil.day = GLY_MIN(civil.day, gly_date_days_in_month(civil.year, civil.month));
    return gly_timestamp_from_civil_checked(&civil, ret);
}

static bool add_units(int64_t micros, int64_t number, const time_unit *unit, int64_t *ret) {
    int64_t amount;
    if (unit->months != 0) {
        return !__builtin_mul_overflow(number, unit->months, &amount) && amount <= INT32_MAX &&
               amount >= INT32_MIN && add_months(micros, amount, ret);
    }
    return !__builtin_mul_overflow(number, unit->micros, &amount) &&
           !__builtin_add_overflow(micros, amount, ret);
}

gly_status gly_fn_date_unit_add(gly_call *call, gly_error *err) {
    GLY_CALL_EACH(call, row) {
        gly_str name = gly_call_text(call, 0, row);
        const time_unit *unit = find_unit(name);
        if (unit == NULL) {
            return no_unit(call, name, err);
        }
        if (!add_units(GLY_CALL_ARG(call, 2, int64_t, row), GLY_CALL_ARG(call, 1, int64_t, row),
                       unit, &GLY_CALL_RESULT(call, int64_t)[row])) {
            return gly_call_fail(call, err, GLY_E_OVERFLOW, "Overflow of timestamp", NULL);
        }
    }
    return GLY_OK;
}

/* How far into its month a moment is. */
static int64_t in_month(int64_t micros, int32_t day) {
    int64_t rest = micros % GLY_TIMESTAMP_DAY;
    return (day + (rest < 0)) * GLY_TIMESTAMP_DAY + rest;
}

/* Whole months from start to end: as many as start can be moved without passing end. */
static int64_t months_between(int64_t start, int64_t end) {
    gly_civil a, b;
    gly_timestamp_to_civil(start, &a);
    gly_timestamp_to_civil(end, &b);
    int64_t months = ((int64_t)b.year - a.year) * 12 + b.month - a.month;
    int64_t rest_a = in_month(start, a.day), rest_b = in_month(end, b.day);
    if (months > 0 && rest_b < rest_a) {
        months--;
    } else if (months < 0 && rest_b > rest_a) {
        months++;
    }
    return months;
}

gly_status gly_fn_date_unit_diff(gly_call *call, gly_error *err) {
    GLY_CALL_EACH(call, row) {
        gly_str name = gly_call_text(call, 0, row);
        int64_t start = GLY_CALL_ARG(call, 1, int64_t, row);
        int64_t end = GLY_CALL_ARG(call, 2, int64_t, row);
        const time_unit *unit = find_unit(name);
        if (unit == NULL || unit->only_add) {
            return no_unit(call, name, err);
        }
        GLY_CALL_RESULT(call, int64_t)
        [row] = unit->months != 0 ? months_between(start, end) / unit->months
                                  : (int64_t)(((gly_i128)end - start) / unit->micros);
    }
    return GLY_OK;
}
