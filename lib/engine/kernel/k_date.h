/* k_date.h - parts of many dates at once. */
#ifndef GLY_K_DATE_H
#define GLY_K_DATE_H

#include "lib/engine/kernel/kernel.h"

typedef enum gly_k_date_part {
    GLY_K_DATE_YEAR,
    GLY_K_DATE_MONTH,
    GLY_K_DATE_DAY,
    GLY_K_DATE_QUARTER,
} gly_k_date_part;

/* out[i] = part of days[i].  False (out is garbage then) if a date lies outside years -32000 to
 * 2000000, garbage rows included: take gly_date_to_civil row by row. */
bool gly_k_date_run(gly_k_date_part part, const int32_t *days, uint32_t count, int32_t *out);

#endif
