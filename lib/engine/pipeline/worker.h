/* worker.h - runs one pipeline with one or more threads. */
#ifndef GLY_PIPELINE_WORKER_H
#define GLY_PIPELINE_WORKER_H

#include "lib/engine/pipeline/pipeline_build.h"

/* Runs the pipeline to its end: all workers' sinks are finished, nothing is sealed.  The calling
 * thread is worker 0.  The first error stops all workers and is the one returned. */
GLY_NODISCARD gly_status gly_worker_run(gly_task_state *task, const gly_pipeline *pipeline,
                                        gly_error *err);
#endif
