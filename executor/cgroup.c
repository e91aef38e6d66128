/* cgroup.c - limits from control groups, version 2 or 1 (Documentation/admin-guide/cgroup-v2.rst
 * and cgroup-v1/ of the kernel).
 *
 * Inside a container the groups are mounted at /sys/fs/cgroup themselves; outside, our path below
 * it is in /proc/self/cgroup ("0::/path" for version 2, "5:cpu,cpuacct:/path" for a controller of
 * version 1). A group's limit binds all below it, so that of every level is looked at.  Unreadable
 * files mean: no limit.
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

/* Whether controller is in "cpu,cpuacct"; the empty list is version 2's. */
static bool lists(gly_str names, gly_str controller) {
    while (names.size > 0) {
        const char *comma = memchr(names.data, ',', names.size);
        size_t size = comma == NULL ? names.size : (size_t)(comma - names.data);
        if (gly_str_equal((gly_str){names.data, size}, controller)) {
            return true;
        }
        size_t used = GLY_MIN(size + 1, names.size);
        names = (gly_str){names.data + used, names.size - used};
    }
    return false;
}

bool gly_cgroup_parse_path(gly_str text, gly_str controller, gly_str *ret) {
    while (text.size > 0) {
        const char *end = memchr(text.data, '\n', text.size);
        gly_str line = {text.data, end == NULL ? text.size : (size_t)(end - text.data)};
        size_t used = GLY_MIN(line.size + 1, text.size);
        text = (gly_str){text.data + used, text.size - used};
        const char *first = memchr(line.data, ':', line.size);
        size_t left = first == NULL ? 0 : line.size - (size_t)(first + 1 - line.data);
        const char *second = left == 0 ? NULL : memchr(first + 1, ':', left);
        if (second == NULL) {
            continue;
        }
        gly_str names = {first + 1, (size_t)(second - first - 1)};
        gly_str path = {second + 1, line.size - (size_t)(second + 1 - line.data)};
        bool is_ours = controller.size == 0 ? names.size == 0 : lists(names, controller);
        if (is_ours && path.size > 0 && path.data[0] == '/') {
            *ret = path;
            return true;
        }
    }
    return false;
}

/* Calls look for the file of our group and of those above it, up to the mount; controller "" is
 * version 2. */
static void look_upwards(const char *controller, const char *name,
                         void (*look)(void *context, const char *text, const char *directory),
                         void *context) {
    char groups[8192], directory[4200], path[4400], text[128];
    const char *slash = controller[0] == '\0' ? "" : "/";
    gly_str group = {"/", 1};
    if (read_small("/proc/self/cgroup", groups, sizeof groups)) {
        (void)gly_cgroup_parse_path(gly_str_of(groups), gly_str_of(controller), &group);
    }
    for (size_t size = GLY_MIN(group.size, (size_t)4000);; size--) {
        bool is_level = size == 0 || size == group.size || group.data[size] == '/';
        if (is_level) {
            snprintf(directory, sizeof directory, "/sys/fs/cgroup%s%s%.*s", slash, controller,
                     (int)size, group.data);
            snprintf(path, sizeof path, "%s/%s", directory, name);
            if (read_small(path, text, sizeof text)) {
                look(context, text, directory);
            }
        }
        if (size == 0) {
            return;
        }
    }
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

static void take_memory(void *context, const char *text, const char *directory) {
    uint64_t *least = context;
    (void)directory;
    uint64_t limit = gly_cgroup_parse_limit(gly_str_of(text));
    *least = GLY_MIN(*least, limit);
}

uint64_t gly_cgroup_memory_bytes(void) {
    uint64_t least = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    look_upwards("", "memory.max", take_memory, &least);
    look_upwards("memory", "memory.limit_in_bytes", take_memory, &least);
    return least;
}

static void take_share(double *least, double allowed) {
    if (allowed > 0 && allowed < *least) {
        *least = allowed;
    }
}

static void take_cpu(void *context, const char *text, const char *directory) {
    (void)directory;
    take_share(context, gly_cgroup_parse_cpu(gly_str_of(text)));
}

/* Version 1 has two files: the quota (-1: none), and the period. */
static void take_quota(void *context, const char *text, const char *directory) {
    char path[4400], period[64], both[256];
    snprintf(path, sizeof path, "%s/cpu.cfs_period_us", directory);
    if (read_small(path, period, sizeof period)) {
        gly_str quota = gly_str_trim(gly_str_of(text));
        snprintf(both, sizeof both, "%.*s %s", (int)GLY_MIN(quota.size, (size_t)64), quota.data,
                 period);
        take_share(context, gly_cgroup_parse_cpu(gly_str_of(both)));
    }
}

uint32_t gly_cgroup_cores(void) {
    cpu_set_t set;
    double least = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    look_upwards("", "cpu.max", take_cpu, &least);
    look_upwards("cpu", "cpu.cfs_quota_us", take_quota, &least);
    return GLY_MAX((uint32_t)least, 1u);
}

uint64_t gly_cgroup_resident_bytes(void) {
    char text[128];
    if (!read_small("/proc/self/statm", text, sizeof text)) {
        return 0;
    }
    char *space = strchr(text, ' ');
    return space == NULL ? 0 : strtoull(space, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}
