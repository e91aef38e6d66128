/* clock.c - the real clocks.  State machines take `now` as a parameter and never call this. */
#include "lib/base/clock.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int64_t read_clock(clockid_t id) {
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t gly_clock_ns(void) { return read_clock(CLOCK_MONOTONIC); }

int64_t gly_clock_ms(void) { return gly_clock_ns() / 1000000; }

int64_t gly_clock_wall_ms(void) { return read_clock(CLOCK_REALTIME) / 1000000; }

int64_t gly_clock_cpu_ns(void) { return read_clock(CLOCK_THREAD_CPUTIME_ID); }

/* Field 22 of /proc/self/stat: the start in ticks since boot; field 2, the name, may hold blanks. */
int64_t gly_clock_process_ms(void) {
    char text[1024];
    int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0) {
        close(fd);
    }
    if (size <= 0) {
        return -1;
    }
    text[size] = '\0';
    const char *at = strrchr(text, ')');
    for (int field = 2; at != NULL && field < 22; field++) {
        at = strchr(at + 1, ' ');
    }
    int64_t per_second = sysconf(_SC_CLK_TCK);
    if (at == NULL || per_second <= 0) {
        return -1;
    }
    return read_clock(CLOCK_BOOTTIME) / 1000000 - strtoll(at, NULL, 10) * 1000 / per_second;
}

void gly_clock_sleep_ms(int64_t ms) {
    struct timespec span = {ms / 1000, (ms % 1000) * 1000000};
    nanosleep(&span, NULL);
}
