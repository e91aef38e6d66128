/* fn_interval.c - moving dates and timestamps by days, months and microseconds.
 *
 * A month interval keeps the day of the month, or takes the last one (2024-01-31 + 1 month is
 * 2024-02-29); a day interval added to a DATE counts its whole days.  Everything is computed in 64
 * bits and checked once at the end against the result's type.
 */
#include "lib/engine/function/fn_interval.h"

#include "lib/data/date.h"

#include <stdio.h>

static bool is_time(gly_type type) {
    return type.id == GLY_TYPE_DATE || type.id == GLY_TYPE_TIMESTAMP ||
           type.id == GLY_TYPE_TIMESTAMP_NTZ;
}

static gly_status overflow(const gly_call *call, gly_error *err) {
    char what[64];
    char type[GLY_TYPE_TEXT_SIZE];
    snprintf(what, sizeof what, "Overflow of %s",
             gly_type_format(call->expr->type, type, sizeof type));
    return gly_call_fail(call, err, GLY_E_OVERFLOW, what, NULL);
}

static bool add_months_to_date(int64_t days, int64_t months, int64_t *ret) {
    int32_t year, month, day;
    if (months > 200000000 || months < -200000000) {
        return false;
    }
    gly_date_to_civil((int32_t)days, &year, &month, &day);
    int64_t total = (int64_t)year * 12 + months;
    if (total / 12 > 5881578 || total / 12 < -5877639) {
        return false;
    }
    *ret = gly_date_add_months((int32_t)days, (int32_t)months);
    return true;
}

static bool shift_date(gly_type amount_type, int64_t days, int64_t amount, int64_t *ret) {
    if (amount_type.id == GLY_TYPE_INTERVAL_MONTH) {
        return add_months_to_date(days, amount, ret);
    }
    if (amount_type.id == GLY_TYPE_INTERVAL_DAY) {
        amount /= GLY_TIMESTAMP_DAY;
    }
    *ret = days + amount;
    return *ret >= INT32_MIN && *ret <= INT32_MAX;
}

static bool shift_stamp(gly_type amount_type, int64_t micros, int64_t amount, int64_t *ret) {
    if (amount_type.id != GLY_TYPE_INTERVAL_MONTH) {
        return !__builtin_add_overflow(micros, amount, ret);
    }
    int32_t date = gly_timestamp_to_date(micros);
    int64_t time = (int64_t)((uint64_t)micros - (uint64_t)gly_timestamp_from_date(date));
    int64_t days;
    return add_months_to_date(date, amount, &days) &&
           !__builtin_mul_overflow(days, GLY_TIMESTAMP_DAY, &days) &&
           !__builtin_add_overflow(days, time, ret);
}

/* One row of + (sign 1) or - (sign -1); false if the result does not fit. */
static bool compute(const gly_call *call, int sign, uint32_t row, int64_t *ret) {
    gly_type a_type = call->args[0].type, b_type = call->args[1].type;
    int64_t a = gly_call_integer(call, 0, row), b = gly_call_integer(call, 1, row);
    if (is_time(a_type) && is_time(b_type)) { /* only -: the time between */
        if (__builtin_sub_overflow(a, b, ret)) {
            return false;
        }
        if (a_type.id == GLY_TYPE_DATE && call->expr->type.id == GLY_TYPE_INTERVAL_DAY) {
            return !__builtin_mul_overflow(*ret, GLY_TIMESTAMP_DAY, ret);
        }
        return true;
    }
    if (sign < 0 && __builtin_sub_overflow((int64_t)0, b, &b)) {
        return false;
    }
    if (!is_time(a_type) && !is_time(b_type)) { /* two intervals */
        if (__builtin_add_overflow(a, b, ret)) {
            return false;
        }
        return gly_type_width(call->expr->type) == 8 || (*ret >= INT32_MIN && *ret <= INT32_MAX);
    }
    bool swapped = !is_time(a_type);
    gly_type base = swapped ? b_type : a_type, amount = swapped ? a_type : b_type;
    int64_t start = swapped ? b : a, by = swapped ? a : b;
    return base.id == GLY_TYPE_DATE ? shift_date(amount, start, by, ret)
                                    : shift_stamp(amount, start, by, ret);
}

static void put(gly_call *call, uint32_t row, int64_t value) {
    if (gly_type_width(call->result->type) == 4) {
        GLY_CALL_RESULT(call, int32_t)[row] = (int32_t)value;
    } else {
        GLY_CALL_RESULT(call, int64_t)[row] = value;
    }
}

static gly_status run(gly_call *call, int sign, bool is_try, gly_error *err) {
    GLY_CALL_EACH(call, row) {
        int64_t value = 0;
        if (compute(call, sign, row, &value)) {
            put(call, row, value);
        } else if (is_try) {
            gly_call_set_null(call, row);
        } else {
            return overflow(call, err);
        }
    }
    return GLY_OK;
}

gly_status gly_fn_interval_add(gly_call *call, gly_error *err) { return run(call, 1, false, err); }
gly_status gly_fn_interval_subtract(gly_call *call, gly_error *err) {
    return run(call, -1, false, err);
}
gly_status gly_fn_interval_try_add(gly_call *call, gly_error *err) {
    return run(call, 1, true, err);
}
gly_status gly_fn_interval_try_subtract(gly_call *call, gly_error *err) {
    return run(call, -1, true, err);
}
gly_status gly_fn_interval_date_add(gly_call *call, gly_error *err) {
    return run(call, 1, false, err);
}
gly_status gly_fn_interval_date_sub(gly_call *call, gly_error *err) {
    return run(call, -1, false, err);
}

gly_status gly_fn_interval_add_months(gly_call *call, gly_error *err) {
    GLY_CALL_EACH(call, row) {
        int64_t value;
        if (!add_months_to_date(gly_call_integer(call, 0, row), gly_call_integer(call, 1, row),
                                &value)) {
            return overflow(call, err);
        }
        put(call, row, value);
    }
    return GLY_OK;
}

static gly_status negate(gly_call *call, bool only_negative, gly_error *err) {
    GLY_CALL_EACH(call, row) {
        int64_t value = gly_call_integer(call, 0, row);
        int64_t least = gly_type_width(call->result->type) == 4 ? INT32_MIN : INT64_MIN;
        if (value == least) {
            return overflow(call, err);
        }
        put(call, row, only_negative && value >= 0 ? value : -value);
    }
    return GLY_OK;
}

gly_status gly_fn_interval_negate(gly_call *call, gly_error *err) {
    return negate(call, false, err);
}
gly_status gly_fn_interval_abs(gly_call *call, gly_error *err) { return negate(call, true, err); }
