/* quantity.c - Kubernetes' quantities ("512Mi") and Go's durations ("1h30m"); declared in
 * application.h.
 *
 * Grammar of quantities: k8s.io/apimachinery/pkg/api/resource, without exponents and without the
 * suffixes below milli.  Everything is done in integers: thousandths, rounded up to the next unit.
 */
#include "k8s/api/application.h"

/* Digits with an optional fraction; at most 15 digits before the point, so that nothing overflows.
 * *ret_nanos: the fraction in 1e-9 (further digits are rounded up). */
static bool read_decimal(gly_str text, size_t *position, uint64_t *ret_whole, uint32_t *ret_nanos) {
    size_t i = *position, whole_digits = 0, fraction_digits = 0;
    uint64_t whole = 0, nanos = 0;
    bool is_rest = false;
    for (; i < text.size && text.data[i] >= '0' && text.data[i] <= '9'; i++) {
        whole = whole * 10 + (uint64_t)(text.data[i] - '0');
        if (whole != 0 || whole_digits == 0) {
            whole_digits++;
        }
        if (whole > UINT64_C(20000000000000000)) {
            return false;
        }
    }
    if (i < text.size && text.data[i] == '.') {
        i++;
        for (; i < text.size && text.data[i] >= '0' && text.data[i] <= '9'; i++) {
            if (fraction_digits < 9) {
                nanos = nanos * 10 + (uint64_t)(text.data[i] - '0');
            } else {
                is_rest = is_rest || text.data[i] != '0';
            }
            fraction_digits++;
        }
        if (fraction_digits == 0) {
            return false;
        }
    }
    for (size_t digits = fraction_digits; digits < 9; digits++) {
        nanos *= 10;
    }
    nanos += is_rest ? 1 : 0;
    if (nanos == UINT64_C(1000000000)) {
        nanos = 0;
        whole++;
    }
    *position = i;
    *ret_whole = whole;
    *ret_nanos = (uint32_t)nanos;
    return whole_digits > 0;
}

bool gly_application_parse_quantity(gly_str text, uint64_t *ret) {
    static const struct {
        const char *suffix;
        uint64_t thousandths;
    } units[] = {
        {"", 1000},
        {"m", 1},
        {"k", UINT64_C(1000) * 1000},
        {"M", UINT64_C(1000) * 1000000},
        {"G", UINT64_C(1000) * 1000000000},
        {"T", UINT64_C(1000) * 1000000000000},
        {"P", UINT64_C(1000) * 1000000000000000},
        {"Ki", UINT64_C(1000) << 10},
        {"Mi", UINT64_C(1000) << 20},
        {"Gi", UINT64_C(1000) << 30},
        {"Ti", UINT64_C(1000) << 40},
        {"Pi", UINT64_C(1000) << 50},
    };
    size_t position = 0;
    uint64_t whole;
    uint32_t nanos;
    if (!read_decimal(text, &position, &whole, &nanos)) {
        return false;
    }
    gly_str suffix = {text.data + position, text.size - position};
    for (size_t i = 0; i < GLY_ARRAY_LEN(units); i++) {
        if (gly_str_equal(suffix, gly_str_of(units[i].suffix))) {
            gly_u128 nano_thousandths =
                ((gly_u128)whole * 1000000000u + nanos) * units[i].thousandths;
            gly_u128 value = (nano_thousandths + (gly_u128)1000000000000u - 1) / 1000000000000u;
            if (value > UINT64_MAX) {
                return false;
            }
            *ret = (uint64_t)value;
            return true;
        }
    }
    return false;
}

bool gly_application_parse_duration(gly_str text, int64_t *ret_ms) {
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
    size_t position = 0;
    gly_u128 total_nanos = 0; /* in 1e-9 ms */
    if (gly_str_equal(text, GLY_STR("0"))) {
        *ret_ms = 0;
        return true;
    }
    if (text.size == 0 || text.size > 64) {
        return false;
    }
    while (position < text.size) {
        uint64_t whole;
        uint32_t nanos;
        if (!read_decimal(text, &position, &whole, &nanos)) {
            return false;
        }
        size_t end = position;
        while (end < text.size && text.data[end] >= 'a' && text.data[end] <= 'z') {
            end++;
        }
        gly_str unit = {text.data + position, end - position};
        size_t i = 0;
        while (i < GLY_ARRAY_LEN(units) && !gly_str_equal(unit, gly_str_of(units[i].name))) {
            i++;
        }
        if (i == GLY_ARRAY_LEN(units)) {
            return false;
        }
        total_nanos += ((gly_u128)whole * 1000000000u + nanos) * (gly_u128)units[i].ms;
        position = end;
    }
    gly_u128 ms = (total_nanos + 999999999u) / 1000000000u;
    if (ms > (gly_u128)INT64_C(3153600000000)) { /* a hundred years: no overflow in a sum of two */
        return false;
    }
    *ret_ms = (int64_t)ms;
    return true;
}
