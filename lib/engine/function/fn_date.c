/* fn_date.c - year() to second(), truncation, differences.  Everything is in UTC.
 *
 * Weeks are ISO 8601: they start on Monday, and week 1 has the year's first Thursday.  Moving dates
 * is in fn_interval.c, patterns are in fn_date_format.c.
 */
#include "lib/engine/function/fn_date.h"

#include "lib/data/date.h"
#include "lib/engine/kernel/k_date.h"

#include <math.h>

static const int64_t SECOND = 1000000, MINUTE = 60000000, HOUR = 3600000000;

static int64_t floor_to(int64_t value, int64_t unit) {
    int64_t rest = value % unit;
    return value - (rest < 0 ? rest + unit : rest);
}

static int64_t floor_rest(int64_t value, int64_t unit) {
    int64_t rest = value % unit;
    return rest < 0 ? rest + unit : rest;
}

/* 0 = Monday; 1970-01-01 was a Thursday. */
static int32_t weekday_of(int32_t days) { return (int32_t)floor_rest((int64_t)days + 3, 7); }

static int32_t day_of_year(int32_t days) {
    int32_t year, month, day;
    gly_date_to_civil(days, &year, &month, &day);
    return days - gly_date_from_civil(year, 1, 1) + 1;
}

static int32_t week_of_year(int32_t days) {
    int32_t thursday = days - weekday_of(days) + 3; /* of the same ISO week */
    return (day_of_year(thursday) - 1) / 7 + 1;
}

/* All rows at once if that is worth it and no date is far away, else row by row. */
#define CIVIL_PART(name, part, expression)                                                         \
    gly_status gly_fn_date_##name(gly_call *call, gly_error *err) {                                \
        (void)err;                                                                                 \
        if (call->dense && call->masks[0] != 0 &&                                                  \
            gly_k_date_run(part, call->args[0].data, call->count, call->result->data)) {           \
            return GLY_OK;                                                                         \
        }                                                                                          \
        GLY_CALL_EACH(call, row) {                                                                 \
            int32_t year, month, day;                                                              \
            gly_date_to_civil(GLY_CALL_ARG(call, 0, int32_t, row), &year, &month, &day);           \
            GLY_CALL_RESULT(call, int32_t)[row] = expression;                                      \
        }                                                                                          \
        return GLY_OK;                                                                             \
    }
#define DAY_PART(name, expression)                                                                 \
    gly_status gly_fn_date_##name(gly_call *call, gly_error *err) {                                \
        (void)err;                                                                                 \
        GLY_CALL_EACH(call, row) {                                                                 \
            int32_t days = GLY_CALL_ARG(call, 0, int32_t, row);                                    \
            GLY_CALL_RESULT(call, int32_t)[row] = expression;                                      \
        }                                                                                          \
        return GLY_OK;                                                                             \
    }
#define TIME_PART(name, expression)                                                                \
    gly_status gly_fn_date_##name(gly_call *call, gly_error *err) {                                \
        (void)err;                                                                                 \
        GLY_CALL_EACH(call, row) {                                                                 \
            int64_t time = floor_rest(GLY_CALL_ARG(call, 0, int64_t, row), GLY_TIMESTAMP_DAY);     \
            GLY_CALL_RESULT(call, int32_t)[row] = (int32_t)(expression);                           \
        }                                                                                          \
        return GLY_OK;                                                                             \
    }
CIVIL_PART(year, GLY_K_DATE_YEAR, year)
CIVIL_PART(quarter, GLY_K_DATE_QUARTER, (month - 1) / 3 + 1)
CIVIL_PART(month, GLY_K_DATE_MONTH, month)
CIVIL_PART(day, GLY_K_DATE_DAY, day)
DAY_PART(dayofweek, (weekday_of(days) + 1) % 7 + 1)
DAY_PART(weekday, weekday_of(days))
DAY_PART(dayofyear, day_of_year(days))
DAY_PART(weekofyear, week_of_year(days))
TIME_PART(hour, time / HOUR)
TIME_PART(minute, time / MINUTE % 60)
TIME_PART(second, time / SECOND % 60)

gly_status gly_fn_date_datediff(gly_call *call, gly_error *err) {
    (void)err;
    GLY_CALL_EACH(call, row) {
        GLY_CALL_RESULT(call, int32_t)[row] =
            (int32_t)((uint32_t)GLY_CALL_ARG(call, 0, int32_t, row) -
                      (uint32_t)GLY_CALL_ARG(call, 1, int32_t, row));
    }
    return GLY_OK;
}

gly_status gly_fn_date_last_day(gly_call *call, gly_error *err) {
    (void)err;
    GLY_CALL_EACH(call, row) {
        int32_t year, month, day;
        gly_date_to_civil(GLY_CALL_ARG(call, 0, int32_t, row), &year, &month, &day);
        GLY_CALL_RESULT(call, int32_t)[row] =
            gly_date_from_civil(year, month, gly_date_days_in_month(year, month));
    }
    return GLY_OK;
}

/* Whole months if the days agree or both are the last; else parts of a month of 31 days. */
static double months_between(int64_t a, int64_t b) {
    gly_civil x, y;
    gly_timestamp_to_civil(a, &x);
    gly_timestamp_to_civil(b, &y);
    double months = ((double)x.year - y.year) * 12 + (x.month - y.month);
    bool both_last = x.day == gly_date_days_in_month(x.year, x.month) &&
                     y.day == gly_date_days_in_month(y.year, y.month);
    if (x.day == y.day || both_last) {
        return months;
    }
    int64_t seconds = (int64_t)(x.day - y.day) * 86400 +
                      floor_rest(a, GLY_TIMESTAMP_DAY) / SECOND -
                      floor_rest(b, GLY_TIMESTAMP_DAY) / SECOND;
    double exact = months + (double)seconds / (31 * 86400.0);
    return floor(exact * 1e8 + 0.5) / 1e8;
}

gly_status gly_fn_date_months_between(gly_call *call, gly_error *err) {
    (void)err;
    GLY_CALL_EACH(call, row) {
        GLY_CALL_RESULT(call, double)[row] = months_between(GLY_CALL_ARG(call, 0, int64_t, row),
                                                            GLY_CALL_ARG(call, 1, int64_t, row));
    }
    return GLY_OK;
}

/* truncation */

typedef enum unit {
    UNIT_NONE,
    UNIT_YEAR,
    UNIT_QUARTER,
    UNIT_MONTH,
    UNIT_WEEK,
    UNIT_DAY,
    UNIT_HOUR,
    UNIT_MINUTE,
    UNIT_SECOND,
    UNIT_MILLISECOND,
    UNIT_MICROSECOND,
} unit;

static unit find_unit(gly_str name) {
    static const struct {
        const char *name;
        unit unit;
    } units[] = {{"year", UNIT_YEAR},       {"yyyy", UNIT_YEAR},     {"yy", UNIT_YEAR},
                 {"quarter", UNIT_QUARTER}, {"month", UNIT_MONTH},   {"mon", UNIT_MONTH},
                 {"mm", UNIT_MONTH},        {"week", UNIT_WEEK},     {"day", UNIT_DAY},
                 {"dd", UNIT_DAY},          {"hour", UNIT_HOUR},     {"minute", UNIT_MINUTE},
                 {"second", UNIT_SECOND},   {"millisecond", UNIT_MILLISECOND},
                 {"microsecond", UNIT_MICROSECOND}};
    for (size_t i = 0; i < GLY_ARRAY_LEN(units); i++) {
        if (gly_str_equal_ignore_case(name, gly_str_of(units[i].name))) {
            return units[i].unit;
        }
    }
    return UNIT_NONE;
}

static int32_t truncate_date(int32_t days, unit to) {
    int32_t year, month, day;
    if (to == UNIT_WEEK) {
        return days - weekday_of(days);
    }
    gly_date_to_civil(days, &year, &month, &day);
    month = to == UNIT_YEAR ? 1 : to == UNIT_QUARTER ? (month - 1) / 3 * 3 + 1 : month;
    return gly_date_from_civil(year, month, 1);
}

gly_status gly_fn_date_trunc_date(gly_call *call, gly_error *err) {
    (void)err;
    GLY_CALL_EACH(call, row) {
        unit to = find_unit(gly_call_text(call, 1, row));
        if (to == UNIT_NONE || to > UNIT_WEEK) {
            gly_call_set_null(call, row); /* Spark: NULL for units a date does not have */
            GLY_CALL_RESULT(call, int32_t)[row] = 0;
        } else {
            GLY_CALL_RESULT(call, int32_t)[row] =
                truncate_date(GLY_CALL_ARG(call, 0, int32_t, row), to);
        }
    }
    return GLY_OK;
}

static int64_t truncate_stamp(int64_t micros, unit to) {
    switch (to) {
    case UNIT_MICROSECOND:
        return micros;
    case UNIT_MILLISECOND:
        return floor_to(micros, 1000);
    case UNIT_SECOND:
        return floor_to(micros, SECOND);
    case UNIT_MINUTE:
        return floor_to(micros, MINUTE);
    case UNIT_HOUR:
        return floor_to(micros, HOUR);
    case UNIT_DAY:
        return floor_to(micros, GLY_TIMESTAMP_DAY);
    default:
        return gly_timestamp_from_date(truncate_date(gly_timestamp_to_date(micros), to));
    }
}

gly_status gly_fn_date_trunc_timestamp(gly_call *call, gly_error *err) {
    (void)err;
    GLY_CALL_EACH(call, row) {
        unit to = find_unit(gly_call_text(call, 0, row));
        if (to == UNIT_NONE) {
            gly_call_set_null(call, row);
            GLY_CALL_RESULT(call, int64_t)[row] = 0;
        } else {
            GLY_CALL_RESULT(call, int64_t)[row] =
                truncate_stamp(GLY_CALL_ARG(call, 1, int64_t, row), to);
        }
    }
    return GLY_OK;
}

gly_status gly_fn_date_make_date(gly_call *call, gly_error *err) {
    GLY_CALL_EACH(call, row) {
        int32_t year = GLY_CALL_ARG(call, 0, int32_t, row);
        int32_t month = GLY_CALL_ARG(call, 1, int32_t, row);
        int32_t day = GLY_CALL_ARG(call, 2, int32_t, row);
        if (!gly_date_is_valid(year, month, day) || year > 5881579 || year < -5877640) {
            return gly_call_fail(call, err, GLY_E_DATETIME, "There is no such date", NULL);
        }
        GLY_CALL_RESULT(call, int32_t)[row] = gly_date_from_civil(year, month, day);
    }
    return GLY_OK;
}
