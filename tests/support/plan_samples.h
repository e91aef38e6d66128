/* plan_samples.h - physical plans for tests: one of every kind of node, well formed. */
#ifndef GLY_PLAN_SAMPLES_H
#define GLY_PLAN_SAMPLES_H

#include "lib/plan/physical.h"

/* A scan of columns k bigint, v double, s string with one filter, two files, three splits. */
gly_physical *gly_plan_samples_scan(gly_arena *arena);
/* kind over scans as it needs them; NULL for a kind that does not exist. */
gly_physical *gly_plan_samples_node(gly_arena *arena, gly_physical_kind kind);
/* partial aggregate, exchange, final aggregate, sort, result; ids given. */
gly_physical *gly_plan_samples_query(gly_arena *arena);
gly_physical *gly_plan_samples_exchange(gly_arena *arena, gly_physical *child,
                                        gly_partitioning_kind kind, uint32_t count);

#endif
