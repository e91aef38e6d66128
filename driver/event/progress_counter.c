/* progress_counter.c - jobs, stages, tasks and executors, counted as their events pass.
 *
 * Which partitions of a stage have succeeded is a bit each, so that a task that starts for a
 * partition that is done already is known to be a recomputation.  The bits of a job go with the
 * job. Invariant: tasks_done is the number of bits that are set in the stages of the last job.
 */
#include "driver/event/progress_counter.h"

#include "lib/base/array.h"

typedef struct stage_bits {
    uint64_t job_id, stage_id, partitions;
    bool is_complete;
    uint8_t *done; /* a bit for each partition */
} stage_bits;

struct gly_progress_counter {
    gly_progress now;
    uint64_t last_job_id;
    GLY_ARRAY(stage_bits) stages; /* of jobs that run */
};

gly_progress_counter *gly_progress_counter_make(void) { return GLY_NEW(gly_progress_counter); }

void gly_progress_counter_free(gly_progress_counter *counter) {
    if (counter != NULL) {
        for (size_t i = 0; i < counter->stages.count; i++) {
            free(counter->stages.items[i].done);
        }
        gly_array_clear(&counter->stages);
        free(counter);
    }
}

const gly_progress *gly_progress_counter_get(const gly_progress_counter *counter) {
    return &counter->now;
}

static stage_bits *find_stage(gly_progress_counter *counter, uint64_t stage_id) {
    for (size_t i = counter->stages.count; i-- > 0;) {
        if (counter->stages.items[i].stage_id == stage_id) {
            return &counter->stages.items[i];
        }
    }
    return NULL;
}

static void start_stage(gly_progress_counter *counter, const gly_event *event) {
    stage_bits *stage = find_stage(counter, event->stage_start.stage_id);
    if (stage == NULL) {
        stage_bits fresh = {.job_id = event->stage_start.job_id,
                            .stage_id = event->stage_start.stage_id,
                            .partitions = event->stage_start.partitions};
        fresh.done = GLY_NEW_ARRAY(uint8_t, fresh.partitions / 8 + 1);
        gly_array_push(&counter->stages, fresh);
        stage = &counter->stages.items[counter->stages.count - 1];
    }
    stage->is_complete = false;
}

static void count_stages(gly_progress_counter *counter) {
    uint64_t complete = 0;
    uint64_t known = 0;
    for (size_t i = 0; i < counter->stages.count; i++) {
        if (counter->stages.items[i].job_id == counter->last_job_id) {
            complete += counter->stages.items[i].is_complete;
            known++;
        }
    }
    counter->now.stage = GLY_MIN(complete + (complete < known), counter->now.stages);
}

static void end_stage(gly_progress_counter *counter, const gly_event *event) {
    stage_bits *stage = find_stage(counter, event->stage_end.stage_id);
    if (stage != NULL && event->stage_end.ok) {
        stage->is_complete = true;
    }
}

/* Sets or clears the bit of a partition; whether it was set before. */
static bool mark(gly_progress_counter *counter, uint64_t stage_id, uint64_t partition, bool done) {
    stage_bits *stage = find_stage(counter, stage_id);
    if (stage == NULL || partition >= stage->partitions) {
        return false;
    }
    uint8_t bit = (uint8_t)(1u << (partition % 8));
    bool was = (stage->done[partition / 8] & bit) != 0;
    if (was != done) {
        stage->done[partition / 8] ^= bit;
        if (stage->job_id == counter->last_job_id) {
            counter->now.tasks_done += done ? 1 : (uint64_t)-1;
        }
    }
    return was;
}

static void end_task(gly_progress_counter *counter, const gly_event *event) {
    static const char *const codes[] = {"OK", "FAILED", "FETCH_FAILED", "KILLED", "LOST"};
    enum { OK, FAILED, FETCH_FAILED, KILLED, LOST };
    _Static_assert(GLY_ARRAY_LEN(codes) == LOST + 1, "gly_task_end of scheduler.h");
    uint32_t end = event->task_end.end;
    if (end == OK && event->task_end.accepted) {
        (void)mark(counter, event->task_end.stage_id, event->task_end.partition, true);
    }
    counter->now.tasks_failed += end == FAILED || end == FETCH_FAILED;
    if (event->task_end.numbers != NULL) {
        counter->now.spilled_bytes += event->task_end.numbers[GLY_TASK_NUMBER_SPILL_BYTES];
        counter->now.shuffle_bytes += event->task_end.numbers[GLY_TASK_NUMBER_SHUFFLE_WRITE_BYTES];
    }
}

static void end_job(gly_progress_counter *counter, uint64_t job_id, bool is_ok) {
    counter->now.jobs_failed += !is_ok;
    counter->now.is_running &= job_id != counter->last_job_id;
    for (size_t i = counter->stages.count; i-- > 0;) {
        if (counter->stages.items[i].job_id == job_id) {
            free(counter->stages.items[i].done);
            gly_array_remove_at(&counter->stages, i);
        }
    }
}

static void start_job(gly_progress_counter *counter, const gly_event *event) {
    gly_progress *now = &counter->now;
    counter->last_job_id = event->job_start.job_id;
    now->jobs++;
    now->job = now->jobs;
    now->is_running = true;
    now->stages = event->job_start.stages;
    now->tasks = event->job_start.tasks;
    now->stage = now->tasks_done = 0;
}

void gly_progress_counter_read(void *context, const gly_event *event) {
    gly_progress_counter *counter = context;
    switch (event->kind) {
    case GLY_EVENT_JOB_START:
        start_job(counter, event);
        break;
    case GLY_EVENT_JOB_END:
        end_job(counter, event->job_end.job_id, event->job_end.ok);
        break;
    case GLY_EVENT_STAGE_START:
        start_stage(counter, event);
        count_stages(counter);
        break;
    case GLY_EVENT_STAGE_END:
        end_stage(counter, event);
        count_stages(counter);
        break;
    case GLY_EVENT_TASK_START:
        counter->now.recomputed_tasks +=
            mark(counter, event->task_start.stage_id, event->task_start.partition, false);
        break;
    case GLY_EVENT_TASK_END:
        end_task(counter, event);
        break;
    case GLY_EVENT_EXECUTORS:
        counter->now.executors_wanted = event->executors.wanted;
        counter->now.executors_running = event->executors.running;
        counter->now.executors_starting = event->executors.starting;
        counter->now.executors_lost = event->executors.lost;
        break;
    default:
        break;
    }
}
