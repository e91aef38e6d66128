/* fn_date_make.c - make_timestamp, next_day, names of days and months, numbers of seconds and back.
 *
 * A date is a number of days and a timestamp one of microseconds already, so unix_date, unix_micros
 * and their inverses only change the type.  Zones: UTC and fixed offsets.  Other dates are in
 * fn_date.c, units of time in fn_date_unit.c.
 */
#include "lib/engine/function/fn_date_make.h"

#include "lib/data/date.h"
#include "lib/data/decimal.h"

#include <math.h>
#include <stdio.h>

static int64_t floor_divide(int64_t value, int64_t unit) {
    return value / unit - (value % unit < 0);
}

static int32_t floor_rest(int64_t value, int32_t unit) {
    int32_t rest = (int32_t)(value % unit);
    return rest < 0 ? rest + unit : rest;
}

/* 0 = Monday */
static int32_t weekday_of(int32_t days) { return floor_rest((int64_t)days + 3, 7); }

/* make_timestamp */

enum { YEAR, MONTH, DAY, HOUR, MINUTE, FIELDS };

/* What is wrong with the fields, or NULL.  A second of 60 is the next minute's first. */
static const char *compose(const gly_call *call, uint32_t row, int64_t *ret) {
    int32_t fields[FIELDS];
    for (uint32_t j = 0; j < FIELDS; j++) {
        fields[j] = GLY_CALL_ARG(call, j, int32_t, row);
    }
    int64_t micros = (int64_t)gly_call_decimal(call, FIELDS, row);
    if (micros < 0 || micros > 60 * GLY_TIMESTAMP_SECOND) {
        return "The second is not between 0 and 60";
    }
    if (fields[HOUR] < 0 || fields[HOUR] > 23 || fields[MINUTE] < 0 || fields[MINUTE] > 59) {
        return "There is no such time";
    }
    if (fields[YEAR] > 300000 || fields[YEAR] < -300000 ||
        !gly_date_is_valid(fields[YEAR], fields[MONTH], fields[DAY])) {
        return "There is no such date";
    }
    gly_civil civil = {.year = fields[YEAR],
                       .month = fields[MONTH],
                       .day = fields[DAY],
                       .hour = fields[HOUR],
                       .minute = fields[MINUTE]};
    if (!gly_timestamp_from_civil_checked(&civil, ret) ||
        __builtin_add_overflow(*ret, micros, ret)) {
        return "A timestamp beyond the range of 64 bits";
    }
    return NULL;
}

/* The seventh argument: where the clock stands that shows these fields. */
static const char *apply_zone(const gly_call *call, uint32_t row, int64_t *micros) {
    int32_t seconds = 0;
    if (call->arg_count <= FIELDS + 1) {
        return NULL;
    }
    if (!gly_timestamp_parse_zone(gly_call_text(call, FIELDS + 1, row), &seconds)) {
        return "Unknown time zone";
    }
    return __builtin_sub_overflow(*micros, seconds * GLY_TIMESTAMP_SECOND, micros)
               ? "A timestamp beyond the range of 64 bits"
               : NULL;
}

static gly_status run_make(gly_call *call, bool is_try, gly_error *err) {
    GLY_CALL_EACH(call, row) {
        int64_t micros = 0;
        const char *wrong = compose(call, row, &micros);
        if (wrong == NULL) {
            const char *zone = apply_zone(call, row, &micros);
            if (zone != NULL) {
                return gly_call_fail(call, err, GLY_E_DATETIME, zone,
                                     "UTC and offsets such as '+02:00' are known");
            }
        } else if (is_try) {
            gly_call_set_null(call, row);
        } else {
            return gly_call_fail(call, err, GLY_E_DATETIME, wrong,
                                 "use try_make_timestamp to get NULL instead");
        }
        GLY_CALL_RESULT(call, int64_t)[row] = micros;
    }
    return GLY_OK;
}

gly_status gly_fn_date_make_timestamp(gly_call *call, gly_error *err) {
    return run_make(call, false, err);
}

gly_status gly_fn_date_make_try_timestamp(gly_call *call, gly_error *err) {
    return run_make(call, true, err);
}

/* numbers */

gly_status gly_fn_date_make_same32(gly_call *call, gly_error *err) {
    (void)err;
    GLY_CALL_EACH(call, row) {
        GLY_CALL_RESULT(call, int32_t)[row] = GLY_CALL_ARG(call, 0, int32_t, row);
    }
    return GLY_OK;
}

gly_status gly_fn_date_make_same64(gly_call *call, gly_error *err) {
    (void)err;
    GLY_CALL_EACH(call, row) {
        GLY_CALL_RESULT(call, int64_t)[row] = GLY_CALL_ARG(call, 0, int64_t, row);
    }
    return GLY_OK;
}

static gly_status run_unix(gly_call *call, int64_t unit) {
    GLY_CALL_EACH(call, row) {
        GLY_CALL_RESULT(call, int64_t)
        [row] = floor_divide(GLY_CALL_ARG(call, 0, int64_t, row), unit);
    }
    return GLY_OK;
}

gly_status gly_fn_date_make_unix_millis(gly_call *call, gly_error *err) {
    (void)err;
    return run_unix(call, 1000);
}

gly_status gly_fn_date_make_unix_seconds(gly_call *call, gly_error *err) {
    (void)err;
    return run_unix(call, GLY_TIMESTAMP_SECOND);
}

static gly_status overflow(const gly_call *call, gly_error *err) {
    return gly_call_fail(call, err, GLY_E_OVERFLOW, "Overflow of timestamp", NULL);
}

static gly_status run_timestamp(gly_call *call, int64_t unit, gly_error *err) {
    GLY_CALL_EACH(call, row) {
        int64_t *out = &GLY_CALL_RESULT(call, int64_t)[row];
        if (__builtin_mul_overflow(GLY_CALL_ARG(call, 0, int64_t, row), unit, out)) {
            return overflow(call, err);
        }
    }
    return GLY_OK;
}

gly_status gly_fn_date_make_timestamp_millis(gly_call *call, gly_error *err) {
    return run_timestamp(call, 1000, err);
}

/* A double is cut, and held at the ends of the range; a decimal must be exact. */
static int64_t micros_of(double seconds) {
    double micros = seconds * 1e6;
    if (micros >= 0x1p63) {
        return INT64_MAX;
    }
    return micros < -0x1p63 ? INT64_MIN : (int64_t)micros;
}

static gly_status run_decimal_seconds(gly_call *call, gly_error *err) {
    int scale = call->args[0].type.scale;
    GLY_CALL_EACH(call, row) {
        gly_i128 value = gly_call_decimal(call, 0, row);
        if (scale > 6) {
            gly_i128 unit = gly_decimal_power(scale - 6);
            if (value % unit != 0) {
                return gly_call_fail(call, err, GLY_E_DATETIME,
                                     "A part of a microsecond would be lost",
                                     "round the seconds to 6 digits");
            }
            value /= unit;
        } else if (__builtin_mul_overflow(value, gly_decimal_power(6 - scale), &value)) {
            return overflow(call, err);
        }
        if (value < INT64_MIN || value > INT64_MAX) {
            return overflow(call, err);
        }
        GLY_CALL_RESULT(call, int64_t)[row] = (int64_t)value;
    }
    return GLY_OK;
}

gly_status gly_fn_date_make_timestamp_seconds(gly_call *call, gly_error *err) {
    if (call->args[0].type.id == GLY_TYPE_DECIMAL) {
        return run_decimal_seconds(call, err);
    }
    if (call->args[0].type.id == GLY_TYPE_BIGINT) {
        return run_timestamp(call, GLY_TIMESTAMP_SECOND, err);
    }
    GLY_CALL_EACH(call, row) {
        double seconds = GLY_CALL_ARG(call, 0, double, row);
        if (!isfinite(seconds)) {
            gly_call_set_null(call, row);
            seconds = 0;
        }
        GLY_CALL_RESULT(call, int64_t)[row] = micros_of(seconds);
    }
    return GLY_OK;
}

/* The second of the minute in microseconds, as decimal(8,6). */
gly_status gly_fn_date_make_second_fraction(gly_call *call, gly_error *err) {
    (void)err;
    GLY_CALL_EACH(call, row) {
        int64_t micros = GLY_CALL_ARG(call, 0, int64_t, row);
        gly_call_put_decimal(call, row, floor_rest(micros, (int32_t)(60 * GLY_TIMESTAMP_SECOND)));
    }
    return GLY_OK;
}

/* days of the week */

/* "MO", "mon", "Monday": 0 = Monday; -1: none */
static int32_t find_day(gly_str name) {
    static const char *const days[] = {"monday", "tuesday",  "wednesday", "thursday",
                                       "friday", "saturday", "sunday"};
    for (int32_t i = 0; i < 7; i++) {
        gly_str day = gly_str_of(days[i]);
        if ((name.size == 2 || name.size == 3 || name.size == day.size) &&
            gly_str_equal_ignore_case(name, (gly_str){day.data, name.size})) {
            return i;
        }
    }
    return -1;
}

gly_status gly_fn_date_make_next_day(gly_call *call, gly_error *err) {
    GLY_CALL_EACH(call, row) {
        int32_t days = GLY_CALL_ARG(call, 0, int32_t, row);
        int32_t wanted = find_day(gly_call_text(call, 1, row));
        if (wanted < 0) {
            char what[160];
            gly_str name = gly_call_excerpt(gly_call_text(call, 1, row));
            snprintf(what, sizeof what, "'%.*s' is no day of the week", GLY_STR_ARG(name));
            return gly_call_fail(call, err, GLY_E_INVALID_ARGUMENT, what,
                                 "write 'MO', 'MON' or 'MONDAY'");
        }
        int64_t next = (int64_t)days + 1 + floor_rest((int64_t)wanted - weekday_of(days) - 1, 7);
        GLY_CALL_RESULT(call, int32_t)[row] = (int32_t)next;
    }
    return GLY_OK;
}

gly_status gly_fn_date_make_dayname(gly_call *call, gly_error *err) {
    static const char *const names[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    (void)err;
    GLY_CALL_EACH(call, row) {
        const char *name = names[weekday_of(GLY_CALL_ARG(call, 0, int32_t, row))];
        gly_call_put_view(call, row, gly_str_of(name));
    }
    return GLY_OK;
}

gly_status gly_fn_date_make_monthname(gly_call *call, gly_error *err) {
    static const char *const names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    (void)err;
    GLY_CALL_EACH(call, row) {
        int32_t year, month, day;
        gly_date_to_civil(GLY_CALL_ARG(call, 0, int32_t, row), &year, &month, &day);
        gly_call_put_view(call, row, gly_str_of(names[month - 1]));
    }
    return GLY_OK;
}

/* The year of the ISO week's Thursday. */
gly_status gly_fn_date_make_year_of_week(gly_call *call, gly_error *err) {
    (void)err;
    GLY_CALL_EACH(call, row) {
        int32_t days = GLY_CALL_ARG(call, 0, int32_t, row), year, month, day;
        gly_date_to_civil((int32_t)GLY_MIN((int64_t)days - weekday_of(days) + 3, INT32_MAX), &year,
                          &month, &day);
        GLY_CALL_RESULT(call, int32_t)[row] = year;
    }
    return GLY_OK;
}
