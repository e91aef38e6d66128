/* operator_metrics.c - the Prometheus text exposition format, version 0.0.4.
 *
 * Memory and processor time come from /proc/self at the time of asking.
 */
#include "k8s/operator/operator_metrics.h"

#include "lib/base/clock.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static const double bounds[GLY_METRICS_BUCKETS] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                                                   1,     2.5,  5,     10,   30,  60,   300};

void gly_operator_metrics_observe(gly_operator_histogram *histogram, int64_t us) {
    size_t bucket = 0;
    while (bucket < GLY_METRICS_BUCKETS && (double)us > bounds[bucket] * 1e6) {
        bucket++;
    }
    gly_operator_metrics_add(&histogram->buckets[bucket], 1);
    gly_operator_metrics_add(&histogram->count, 1);
    gly_operator_metrics_add(&histogram->sum_us, (uint64_t)GLY_MAX(us, (int64_t)0));
}

static void head(gly_builder *out, const char *name, const char *type, const char *help) {
    gly_builder_format(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void single(gly_builder *out, const char *name, const char *type, const char *help,
                   double value) {
    head(out, name, type, help);
    gly_builder_format(out, "%s %.15g\n", name, value);
}

#define READ(field) ((double)atomic_load_explicit(&(field), memory_order_relaxed))

static void histogram(gly_builder *out, const char *name, const char *help,
                      const gly_operator_histogram *values) {
    head(out, name, "histogram", help);
    double total = 0;
    for (size_t i = 0; i < GLY_METRICS_BUCKETS; i++) {
        total += READ(values->buckets[i]);
        gly_builder_format(out, "%s_bucket{le=\"%g\"} %.15g\n", name, bounds[i], total);
    }
    total += READ(values->buckets[GLY_METRICS_BUCKETS]);
    gly_builder_format(out, "%s_bucket{le=\"+Inf\"} %.15g\n%s_sum %.6f\n%s_count %.15g\n", name,
                       total, name, READ(values->sum_us) / 1e6, name, total);
}

static double resident_bytes(void) {
    unsigned long long size = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file != NULL) {
        if (fscanf(file, "%llu %llu", &size, &resident) != 2) {
            resident = 0;
        }
        fclose(file);
    }
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static void write_process(gly_builder *out) {
    struct rusage usage;
    double seconds = 0;
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        seconds = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                  (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    }
    single(out, "process_cpu_seconds_total", "counter", "Processor time used.", seconds);
    single(out, "process_resident_memory_bytes", "gauge", "Resident memory.", resident_bytes());
}

void gly_operator_metrics_write(const gly_operator_metrics *metrics, gly_builder *out) {
    head(out, "galley_applications", "gauge", "Applications by state.");
    for (int i = GLY_PHASE_SUBMITTED; i < GLY_PHASE_COUNT; i++) {
        gly_builder_format(out, "galley_applications{state=\"%s\"} %.15g\n",
                           gly_application_state_name((gly_application_phase)i),
                           READ(metrics->applications[i]));
    }
    histogram(out, "galley_application_submit_latency_seconds",
              "From the first sight of an application to its driver pod.", &metrics->submit);
    histogram(out, "galley_application_start_latency_seconds",
              "From the driver pod's creation to its running.", &metrics->start);
    single(out, "galley_applications_submitted_total", "counter", "Driver pods created.",
           READ(metrics->submitted));
    single(out, "galley_applications_succeeded_total", "counter", "Applications that succeeded.",
           READ(metrics->succeeded));
    single(out, "galley_applications_failed_total", "counter", "Applications that failed.",
           READ(metrics->failed));
    single(out, "galley_applications_restarted_total", "counter", "Attempts after the first.",
           READ(metrics->restarted));
    single(out, "galley_schedule_runs_total", "counter", "Applications made by schedules.",
           READ(metrics->schedule_runs));
    histogram(out, "galley_reconcile_duration_seconds", "Time of one reconciliation.",
              &metrics->reconcile);
    single(out, "galley_reconcile_errors_total", "counter", "Reconciliations tried again.",
           READ(metrics->reconcile_errors));
    single(out, "galley_reconcile_conflicts_total", "counter",
           "Status writes that lost against another writer.", READ(metrics->conflicts));
    single(out, "galley_events_total", "counter", "Events written.", READ(metrics->events));
    single(out, "galley_workqueue_depth", "gauge", "Keys that wait.", READ(metrics->queue_depth));
    single(out, "galley_workqueue_in_flight", "gauge", "Reconciliations under way.",
           READ(metrics->in_flight));
    head(out, "galley_api_requests_total", "counter",
         "Requests to the API server by code; 0: no answer.");
    for (int i = 0; i < GLY_METRICS_CODES; i++) {
        if (READ(metrics->requests[i]) > 0) {
            gly_builder_format(out, "galley_api_requests_total{code=\"%d\"} %.15g\n", i,
                               READ(metrics->requests[i]));
        }
    }
    single(out, "galley_watch_lists_total", "counter", "Complete lists of a watch.",
           READ(metrics->relists));
    single(out, "galley_watch_troubles_total", "counter", "Times a watch got into trouble.",
           READ(metrics->watch_troubles));
    single(out, "galley_leader", "gauge", "1 if this operator is the leader.",
           atomic_load(&metrics->is_leader) ? 1 : 0);
    head(out, "galley_build_info", "gauge", "Constant 1.");
    gly_builder_add_text(out, "galley_build_info{version=\"0.1.0\"} 1\n");
    write_process(out);
}
