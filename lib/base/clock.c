/* clock.c - the real clocks.  State machines take `now` as a parameter and never call this. */
#include "lib/base/clock.h"

#include <time.h>

static int64_t read_clock(clockid_t id) {
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t gly_clock_ns(void) { return read_clock(CLOCK_MONOTONIC); }

int64_t gly_clock_ms(void) { return gly_clock_ns() / 1000000; }

int64_t gly_clock_wall_ms(void) { return read_clock(CLOCK_REALTIME) / 1000000; }

int64_t gly_clock_cpu_ns(void) { return read_clock(CLOCK_THREAD_CPUTIME_ID); }

void gly_clock_sleep_ms(int64_t ms) {
    struct timespec span = {ms / 1000, (ms % 1000) * 1000000};
    nanosleep(&span, NULL);
}
