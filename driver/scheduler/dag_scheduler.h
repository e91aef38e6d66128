/* dag_scheduler.h - parents first: when stages start, and what their tasks' ends mean for them. */
#ifndef GLY_DAG_SCHEDULER_H
#define GLY_DAG_SCHEDULER_H

#include "driver/scheduler/scheduler_internal.h"

void gly_dag_scheduler_submit_job(gly_scheduler *scheduler, const gly_scheduler_event *event);
void gly_dag_scheduler_cancel_job(gly_scheduler *scheduler, uint64_t job_id, gly_str reason);
/* No executor is alive and none will come. */
void gly_dag_scheduler_fail_all(gly_scheduler *scheduler, gly_str message);

/* The attempt has ended (gly_attempt_end was called); what now?  True if its result counts. */
bool gly_dag_scheduler_task_ok(gly_attempt *attempt, const gly_scheduler_event *event);
void gly_dag_scheduler_task_failed(gly_attempt *attempt, gly_status status, bool retryable,
                                   gly_str message);
void gly_dag_scheduler_fetch_failed(gly_attempt *attempt, const gly_scheduler_event *event);

/* The outputs on this executor are gone; returns how many. */
uint32_t gly_dag_scheduler_lose_outputs(gly_scheduler *scheduler, gly_executor *executor);
/* The stage has lost outputs: its readers that run stop, those that wait make sure it runs. */
void gly_dag_scheduler_check_readers(gly_stage *stage);
/* A RUNNING stage's attempt becomes a zombie; the next starts at resubmit_ms. */
void gly_dag_scheduler_fail_attempt(gly_stage *stage, int64_t resubmit_ms, const char *error);
/* Ends every job that wants this stage. */
void gly_dag_scheduler_fail_stage(gly_stage *stage, gly_status status, const char *error);
/* Does what the event has made due: ends jobs, resubmits failed stages, starts ready ones. */
void gly_dag_scheduler_drain(gly_scheduler *scheduler);
int64_t gly_dag_scheduler_next_ms(const gly_scheduler *scheduler);

#endif
