/* operator_metrics.h - counters of the operator and their Prometheus text.
 *
 * Written by the operator's thread, read by the HTTP server's: relaxed atomics, no locks.
 */
#ifndef GLY_OPERATOR_METRICS_H
#define GLY_OPERATOR_METRICS_H

#include "k8s/operator/application_state.h"

#include <stdatomic.h>

enum { GLY_METRICS_BUCKETS = 14, GLY_METRICS_CODES = 600 };

typedef struct gly_operator_histogram {
    atomic_uint_fast64_t buckets[GLY_METRICS_BUCKETS + 1]; /* the last: above all bounds */
    atomic_uint_fast64_t count, sum_us;
} gly_operator_histogram;

typedef struct gly_operator_metrics {
    atomic_int_fast64_t applications[GLY_PHASE_COUNT];
    gly_operator_histogram submit, start, reconcile;
    atomic_uint_fast64_t reconcile_errors, conflicts, events, schedule_runs;
    atomic_uint_fast64_t submitted, succeeded, failed, restarted;
    atomic_uint_fast64_t requests[GLY_METRICS_CODES]; /* by HTTP code; 0: no answer */
    atomic_uint_fast64_t relists, watch_troubles;
    atomic_int_fast64_t queue_depth, in_flight;
    atomic_bool is_leader;
} gly_operator_metrics;

#define gly_operator_metrics_add(counter, value)                                                   \
    atomic_fetch_add_explicit((counter), (value), memory_order_relaxed)
void gly_operator_metrics_observe(gly_operator_histogram *histogram, int64_t us);
void gly_operator_metrics_write(const gly_operator_metrics *metrics, gly_builder *out);

#endif
