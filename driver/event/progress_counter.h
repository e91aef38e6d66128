/* progress_counter.h - what people want to know of a running application, summed up from its
 * events.
 *
 * An event reader: give gly_progress_counter_read to the bus.  Not thread-safe: who reads it from
 * another thread copies under a lock of his own.
 */
#ifndef GLY_PROGRESS_COUNTER_H
#define GLY_PROGRESS_COUNTER_H

#include "driver/event/event.h"

typedef struct gly_progress_counter gly_progress_counter;

typedef struct gly_progress {
    uint64_t jobs; /* started so far */
    uint64_t jobs_failed;
    uint64_t job;    /* the one that started last, from 1; 0: none yet */
    bool is_running; /* it has not ended */
    uint64_t stage;  /* of it: the stages that are complete, and the one that runs */
    uint64_t stages;
    uint64_t tasks_done, tasks; /* of it; a lost map output is not done any more */
    /* of all jobs */
    uint64_t tasks_failed;     /* attempts that failed; those of lost executors and kills are not */
    uint64_t recomputed_tasks; /* ran again although they had succeeded: their output was lost */
    uint64_t spilled_bytes, shuffle_bytes;
    uint64_t executors_wanted, executors_running, executors_starting, executors_lost;
} gly_progress;

gly_progress_counter *gly_progress_counter_make(void) __attribute__((returns_nonnull));
void gly_progress_counter_free(gly_progress_counter *counter);         /* accepts NULL */
void gly_progress_counter_read(void *counter, const gly_event *event); /* a gly_event_reader */
const gly_progress *gly_progress_counter_get(const gly_progress_counter *counter);

#endif
