/* k_date.c - year, month, day and quarter of dates, without branches and vectorized.
 *
 * Neri and Schneider, "Euclidean affine functions and their application to calendar algorithms"
 * (2022): divisions become multiplications and shifts of 32-bit numbers.  Days are shifted by 82
 * eras of 400 years so that they are positive.  Any date: lib/data/date.c.
 */
#include "lib/engine/kernel/k_date.h"

enum { ERAS = 82, DAYS_PER_ERA = 146097, SHIFT = 719468 + DAYS_PER_ERA * ERAS, YEARS = 400 * ERAS };

GLY_KERNEL_INLINE int32_t part_of(gly_k_date_part part, int32_t days) {
    uint32_t n = (uint32_t)days + SHIFT;
    uint32_t n1 = 4 * n + 3;
    uint32_t century = n1 / DAYS_PER_ERA;
    uint32_t day_of_century = n1 % DAYS_PER_ERA / 4;
    uint64_t p2 = UINT64_C(2939745) * (4 * day_of_century + 3);
    uint32_t year_of_century = (uint32_t)(p2 >> 32);
    uint32_t day_of_year = (uint32_t)p2 / 2939745 / 4; /* the year starts in March */
    uint32_t n3 = 2141 * day_of_year + 197913;
    uint32_t next_year = day_of_year >= 306;
    if (part == GLY_K_DATE_YEAR) {
        return (int32_t)(100 * century + year_of_century + next_year) - YEARS;
    }
    if (part == GLY_K_DATE_DAY) {
        return (int32_t)(n3 % 65536 / 2141 + 1);
    }
    uint32_t month = n3 / 65536 - 12 * next_year;
    return (int32_t)(part == GLY_K_DATE_MONTH ? month : (month + 2) / 3);
}

#define LOOP(part)                                                                                 \
    for (uint32_t i = 0; i < count; i++) {                                                         \
        z[i] = part_of(part, x[i]);                                                                \
    }

GLY_KERNEL_CLONES
bool gly_k_date_run(gly_k_date_part part, const int32_t *days, uint32_t count, int32_t *out) {
    const int32_t *restrict x = days;
    int32_t *restrict z = out;
    uint32_t far = 0;
    for (uint32_t i = 0; i < count; i++) {
        far |= (uint32_t)x[i] + 11900000u > 740000000u;
    }
    if (far != 0) {
        return false;
    }
    switch (part) {
    case GLY_K_DATE_YEAR:
        LOOP(GLY_K_DATE_YEAR)
        return true;
    case GLY_K_DATE_MONTH:
        LOOP(GLY_K_DATE_MONTH)
        return true;
    case GLY_K_DATE_DAY:
        LOOP(GLY_K_DATE_DAY)
        return true;
    case GLY_K_DATE_QUARTER:
        LOOP(GLY_K_DATE_QUARTER)
        return true;
    }
    GLY_UNREACHABLE();
}
