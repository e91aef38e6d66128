/* cgroup.h - what the container allows this process: memory and processors. */
#ifndef GLY_CGROUP_H
#define GLY_CGROUP_H

#include "lib/base/str.h"

/* Smallest of the machine's memory and the limits of our control group and those above it
 * (memory.max or memory.limit_in_bytes). */
uint64_t gly_cgroup_memory_bytes(void);
/* Whole processors of cpu.max or cpu.cfs_quota_us and of the affinity mask, at least 1. */
uint32_t gly_cgroup_cores(void);
/* Resident bytes of this process. */
uint64_t gly_cgroup_resident_bytes(void);
/* The parsing, for tests: "max" or a number; "quota period" in processors (0: no limit). */
uint64_t gly_cgroup_parse_limit(gly_str text);
double gly_cgroup_parse_cpu(gly_str text);
/* The path of a controller's group in the text of /proc/self/cgroup ("": version 2). */
bool gly_cgroup_parse_path(gly_str text, gly_str controller, gly_str *ret);

#endif
