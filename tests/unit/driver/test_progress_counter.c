/* test_progress_counter.c - what events add up to. */
#include "driver/event/progress_counter.h"
#include "driver/scheduler/scheduler.h"
#include "tests/support/check.h"

static void start_job(gly_progress_counter *counter, uint64_t job, uint64_t stages,
                      uint64_t tasks) {
    gly_event event = {.kind = GLY_EVENT_JOB_START};
    event.job_start.job_id = job;
    event.job_start.stages = stages;
    event.job_start.tasks = tasks;
    gly_progress_counter_read(counter, &event);
}

static void end_job(gly_progress_counter *counter, uint64_t job, bool ok) {
    gly_event event = {.kind = GLY_EVENT_JOB_END};
    event.job_end.job_id = job;
    event.job_end.ok = ok;
    gly_progress_counter_read(counter, &event);
}

static void start_stage(gly_progress_counter *counter, uint64_t job, uint64_t stage,
                        uint64_t partitions) {
    gly_event event = {.kind = GLY_EVENT_STAGE_START};
    event.stage_start.job_id = job;
    event.stage_start.stage_id = stage;
    event.stage_start.tasks = event.stage_start.partitions = partitions;
    gly_progress_counter_read(counter, &event);
}

static void end_stage(gly_progress_counter *counter, uint64_t stage, bool ok) {
    gly_event event = {.kind = GLY_EVENT_STAGE_END};
    event.stage_end.stage_id = stage;
    event.stage_end.ok = ok;
    gly_progress_counter_read(counter, &event);
}

static void start_task(gly_progress_counter *counter, uint64_t stage, uint64_t partition) {
    gly_event event = {.kind = GLY_EVENT_TASK_START};
    event.task_start.stage_id = stage;
    event.task_start.partition = partition;
    gly_progress_counter_read(counter, &event);
}

static void end_task(gly_progress_counter *counter, uint64_t stage, uint64_t partition,
                     gly_task_end end, bool accepted) {
    uint64_t numbers[GLY_TASK_NUMBER_COUNT] = {0};
    numbers[GLY_TASK_NUMBER_SPILL_BYTES] = 10;
    numbers[GLY_TASK_NUMBER_SHUFFLE_WRITE_BYTES] = 100;
    gly_event event = {.kind = GLY_EVENT_TASK_END};
    event.task_end.stage_id = stage;
    event.task_end.partition = partition;
    event.task_end.end = end;
    event.task_end.accepted = accepted;
    event.task_end.numbers = end == GLY_TASK_END_OK ? numbers : NULL;
    gly_progress_counter_read(counter, &event);
}

GLY_TEST(counts_a_job) {
    gly_progress_counter *counter = gly_progress_counter_make();
    const gly_progress *now = gly_progress_counter_get(counter);
    GLY_CHECK_INT(now->jobs, 0);
    start_job(counter, 7, 2, 5);
    start_stage(counter, 7, 3, 4);
    GLY_CHECK(now->is_running && now->stage == 1 && now->stages == 2 && now->tasks == 5);
    for (uint64_t p = 0; p < 4; p++) {
        start_task(counter, 3, p);
        end_task(counter, 3, p, GLY_TASK_END_OK, true);
    }
    GLY_CHECK_INT(now->tasks_done, 4);
    end_stage(counter, 3, true);
    start_stage(counter, 7, 4, 1);
    GLY_CHECK_INT(now->stage, 2);
    start_task(counter, 4, 0);
    end_task(counter, 4, 0, GLY_TASK_END_FAILED, false);
    start_task(counter, 4, 0);
    end_task(counter, 4, 0, GLY_TASK_END_OK, true);
    end_stage(counter, 4, true);
    end_job(counter, 7, true);
    GLY_CHECK(!now->is_running && now->tasks_done == 5 && now->tasks_failed == 1);
    GLY_CHECK_INT(now->stage, 2);
    GLY_CHECK_INT(now->recomputed_tasks, 0);
    GLY_CHECK_INT(now->spilled_bytes, 50);
    GLY_CHECK_INT(now->shuffle_bytes, 500);
    start_job(counter, 8, 1, 1);
    GLY_CHECK(now->jobs == 2 && now->job == 2 && now->tasks_done == 0 && now->stage == 0);
    end_job(counter, 8, false);
    GLY_CHECK_INT(now->jobs_failed, 1);
    gly_progress_counter_free(counter);
}

GLY_TEST(counts_what_runs_again) {
    gly_progress_counter *counter = gly_progress_counter_make();
    const gly_progress *now = gly_progress_counter_get(counter);
    start_job(counter, 1, 2, 4);
    start_stage(counter, 1, 0, 3);
    for (uint64_t p = 0; p < 3; p++) {
        start_task(counter, 0, p);
        end_task(counter, 0, p, GLY_TASK_END_OK, true);
    }
    end_stage(counter, 0, true);
    start_task(counter, 0, 1); /* its output was lost */
    GLY_CHECK_INT(now->recomputed_tasks, 1);
    GLY_CHECK_INT(now->tasks_done, 2);
    end_task(counter, 0, 1, GLY_TASK_END_LOST, false);
    start_task(counter, 0, 1); /* the same one once more */
    GLY_CHECK_INT(now->recomputed_tasks, 1);
    end_task(counter, 0, 1, GLY_TASK_END_OK, false); /* too late: not accepted */
    GLY_CHECK_INT(now->tasks_done, 2);
    end_task(counter, 0, 1, GLY_TASK_END_OK, true);
    GLY_CHECK_INT(now->tasks_done, 3);
    GLY_CHECK_INT(now->tasks_failed, 0);
    start_task(counter, 99, 5); /* of a stage nobody announced */
    start_task(counter, 0, 77);
    GLY_CHECK_INT(now->recomputed_tasks, 1);
    gly_progress_counter_free(counter);
}

GLY_SUITE("progress_counter", counts_a_job, counts_what_runs_again)
