/* job.h - one action of a user: a graph of stages with one wanted at its end. */
#ifndef GLY_JOB_H
#define GLY_JOB_H

#include "driver/scheduler/scheduler_internal.h"

/* Makes the job and the stages it does not share with another; starts nothing. */
gly_job *gly_job_make(gly_scheduler *scheduler, const gly_scheduler_event *event);
void gly_job_free(gly_job *job);
/* The job will end with this (the first one counts) when the step's event has been handled. */
void gly_job_end_later(gly_job *job, gly_status status, const char *error);
/* Ends it: leaves its stages, kills what nobody else wants, JOB_FINISHED. */
void gly_job_end(gly_job *job);
/* How many stages have to run, and their missing partitions. */
uint32_t gly_job_needed_stages(const gly_job *job, uint64_t *ret_tasks);

#endif
