/* driver_drain.c - a job that writes files has ended when nobody writes any more.
 *
 * What becomes of a job is known while some of its tasks still run: the others' after a failure,
 * the slower copies after speculation.  They have been told to end, but one that is just making its
 * file would make it after its job's temporary directory (or its list of uploads) was removed, and
 * leave it there for ever.  So the caller of such a job is told only when the last of its tasks has
 * reported its end, or its executor is gone; or after LONGEST_MS, since a task that does not hear
 * must not hold up the answer.
 *
 * Invariant: until then the tasks' records point to the job, and the scheduler does not know it any
 * more.  Owner thread.  Not here: files (lib/io/source/commit.c), kills (scheduler/).
 */
#include "driver/driver_internal.h"

#include "lib/base/clock.h"

enum { LONGEST_MS = 5000 };

static bool has_task(gly_driver *driver, const gly_driver_job *job) {
    const gly_driver_task *task;
    for (size_t i = 0; (task = gly_map_next(&driver->tasks, &i)) != NULL;) {
        if (task->job == job) {
            return true;
        }
    }
    return false;
}

void gly_driver_drain_forget(gly_driver *driver, const gly_driver_job *job) {
    gly_driver_task *task;
    for (size_t i = 0; (task = gly_map_next(&driver->tasks, &i)) != NULL;) {
        if (task->job == job) {
            task->job = NULL;
        }
    }
}

bool gly_driver_drain_begin(gly_driver *driver, gly_driver_job *job, gly_status status,
                            gly_str message) {
    if (job->request->on_file == NULL || !has_task(driver, job)) {
        return false;
    }
    gly_driver_job_fail(job, status, message);
    job->is_draining = true;
    job->drain_until_ms = gly_clock_ms() + LONGEST_MS;
    gly_array_push(&driver->draining, job);
    return true;
}

static void finish_where(gly_driver *driver, int64_t now_ms) {
    for (size_t i = driver->draining.count; i-- > 0;) {
        gly_driver_job *job = driver->draining.items[i];
        if (now_ms >= job->drain_until_ms || !has_task(driver, job)) {
            gly_array_remove_at(&driver->draining, i);
            gly_driver_drain_forget(driver, job);
            gly_driver_job_finish(job); /* from here on it is the caller's */
        }
    }
}

void gly_driver_drain_round(gly_driver *driver) {
    if (driver->draining.count > 0) {
        finish_where(driver, gly_clock_ms());
    }
}

int64_t gly_driver_drain_next_ms(const gly_driver *driver) {
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < driver->draining.count; i++) {
        next = GLY_MIN(next, driver->draining.items[i]->drain_until_ms);
    }
    return next;
}

void gly_driver_drain_end(gly_driver *driver) {
    finish_where(driver, INT64_MAX);
    gly_array_clear(&driver->draining);
}
