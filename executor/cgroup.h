/* cgroup.h - what the container allows this process: memory and processors. */
#ifndef GLY_CGROUP_H
#define GLY_CGROUP_H

#include "lib/base/str.h"

/* Smaller of memory.max of our control group and the machine's memory. */
uint64_t gly_cgroup_memory_bytes(void);
/* Whole processors of cpu.max and of the affinity mask, at least 1. */
uint32_t gly_cgroup_cores(void);
/* Resident bytes of this process. */
uint64_t gly_cgroup_resident_bytes(void);
/* The parsing, for tests: "max" or a number; "quota period" in processors (0: no limit). */
uint64_t gly_cgroup_parse_limit(gly_str text);
double gly_cgroup_parse_cpu(gly_str text);

#endif
