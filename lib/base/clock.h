/* clock.h - time: monotonic for measuring and timers, wall for people. */
#ifndef GLY_CLOCK_H
#define GLY_CLOCK_H

#include "lib/base/base.h"

int64_t gly_clock_ns(void);      /* monotonic nanoseconds */
int64_t gly_clock_ms(void);      /* monotonic milliseconds */
int64_t gly_clock_wall_ms(void); /* milliseconds since 1970-01-01 UTC */
int64_t gly_clock_cpu_ns(void);  /* CPU time of the calling thread */
void gly_clock_sleep_ms(int64_t ms);

#endif
