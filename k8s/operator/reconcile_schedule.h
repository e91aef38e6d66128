/* reconcile_schedule.h - one look at one GalleySchedule: make what is due, delete what is too old,
 * write the status.  What is due is k8s/api/schedule.h; what follows from it is
 * gly_reconcile_schedule_decide.
 */
#ifndef GLY_RECONCILE_SCHEDULE_H
#define GLY_RECONCILE_SCHEDULE_H

#include "k8s/api/schedule.h"
#include "k8s/operator/operator_core.h"

typedef struct gly_schedule_run { /* an application of the schedule */
    const char *name, *uid;
    gly_application_phase phase;
    int64_t time_ms; /* scheduled, or when it was created */
    bool is_deleting;
} gly_schedule_run;

typedef struct gly_schedule_decision {
    int64_t create_ms;        /* make the application of this time; -1: none */
    int64_t last_schedule_ms; /* for the status, if everything is done */
    bool is_skipped;          /* it was time, but another one still runs (Forbid) */
    uint32_t delete_count;
    const gly_schedule_run **deletes;
    uint32_t active_count;
    const gly_schedule_run **active;
} gly_schedule_decision;

/* Pure.  runs may be in any order; they are sorted. */
void gly_reconcile_schedule_decide(gly_arena *arena, const gly_schedule *schedule,
                                   const gly_schedule_due *due, gly_schedule_run *runs,
                                   uint32_t run_count, gly_schedule_decision *ret);

/* The key is "s/<namespace>/<name>". */
void gly_reconcile_schedule_start(gly_operator_core *core, const char *namespace_name,
                                  const char *name);
/* Watch events of a schedule, and of an application that may belong to one. */
void gly_reconcile_schedule_seen(gly_operator_core *core, const cJSON *schedule);
void gly_reconcile_schedule_application_seen(gly_operator_core *core, const cJSON *application);

#endif
