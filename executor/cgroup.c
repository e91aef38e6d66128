/* cgroup.c - limits from control groups v2 (Documentation/admin-guide/cgroup-v2.rst of the kernel).
 *
 * Inside a container the group is mounted at /sys/fs/cgroup itself; outside, its path is in
 * /proc/self/cgroup.  Version 1 and unreadable files mean: no limit.
 */
#include "executor/cgroup.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static bool read_small(const char *path, char *buffer, size_t size) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    ssize_t got = read(fd, buffer, size - 1);
    close(fd);
    buffer[got > 0 ? got : 0] = '\0';
    return got > 0;
}

static bool read_limit_file(const char *name, char *buffer, size_t size) {
    char group[1024], path[2048];
    snprintf(path, sizeof path, "/sys/fs/cgroup/%s", name);
    if (read_small(path, buffer, size)) {
        return true;
    }
    if (!read_small("/proc/self/cgroup", group, sizeof group) || strncmp(group, "0::/", 4) != 0) {
        return false;
    }
    group[strcspn(group, "\n")] = '\0';
    snprintf(path, sizeof path, "/sys/fs/cgroup%s/%s", group + 3, name);
    return read_small(path, buffer, size);
}

uint64_t gly_cgroup_parse_limit(gly_str text) {
    uint64_t value;
    return gly_str_to_u64(gly_str_trim(text), &value) ? value : UINT64_MAX;
}

double gly_cgroup_parse_cpu(gly_str text) {
    text = gly_str_trim(text);
    const char *space = memchr(text.data, ' ', text.size);
    uint64_t quota, period;
    if (space == NULL ||
        !gly_str_to_u64((gly_str){text.data, (size_t)(space - text.data)}, &quota) ||
        !gly_str_to_u64((gly_str){space + 1, text.size - (size_t)(space + 1 - text.data)},
                        &period) ||
        period == 0) {
        return 0;
    }
    return (double)quota / (double)period;
}

uint64_t gly_cgroup_memory_bytes(void) {
    char text[64];
    uint64_t machine =
        (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    if (!read_limit_file("memory.max", text, sizeof text)) {
        return machine;
    }
    uint64_t limit = gly_cgroup_parse_limit(gly_str_of(text));
    return GLY_MIN(limit, machine);
}

uint32_t gly_cgroup_cores(void) {
    char text[64];
    cpu_set_t set;
    uint32_t cores = sched_getaffinity(0, sizeof set, &set) == 0 ? (uint32_t)CPU_COUNT(&set) : 1;
    if (read_limit_file("cpu.max", text, sizeof text)) {
        double allowed = gly_cgroup_parse_cpu(gly_str_of(text));
        if (allowed > 0 && allowed < cores) {
            cores = (uint32_t)allowed;
        }
    }
    return GLY_MAX(cores, 1u);
}

uint64_t gly_cgroup_resident_bytes(void) {
    char text[128];
    if (!read_small("/proc/self/statm", text, sizeof text)) {
        return 0;
    }
    char *space = strchr(text, ' ');
    return space == NULL ? 0 : strtoull(space, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}
