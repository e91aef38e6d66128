/* job.c - jobs own nothing but their place in the graph of stages.
 *
 * A map stage whose shuffle another live job computes already is shared: it gets a second owner and
 * runs once.  Ending a job is put off to the end of the step (end_later), because whatever finds
 * the reason - a failed task among a lost executor's - is in the middle of walking its stages.
 * Not here: when stages start (dag_scheduler.c).
 */
#include "driver/scheduler/job.h"

#include "driver/scheduler/pool.h"
#include "driver/scheduler/stage.h"

static gly_stage *find_or_make_stage(gly_scheduler *scheduler, gly_job *job,
                                     const gly_scheduler_stage *description) {
    gly_stage *stage = description->is_shuffle_map
                           ? gly_map_get(&scheduler->stages_by_shuffle, description->shuffle_id)
                           : NULL;
    if (stage != NULL) {
        GLY_ASSERT(stage->id == description->stage_id &&
                   stage->task_count == description->task_count);
        return stage;
    }
    stage = gly_stage_make(scheduler, description);
    if (stage->is_shuffle_map) {
        gly_map_put(&scheduler->stages_by_shuffle, stage->shuffle_id, stage);
    }
    for (uint32_t i = 0; i < description->parent_count; i++) {
        gly_stage *parent = job->stages[description->parents[i]];
        GLY_ASSERT(parent->is_shuffle_map);
        gly_array_push(&stage->parents, parent);
        gly_array_push(&parent->children, stage);
    }
    return stage;
}

gly_job *gly_job_make(gly_scheduler *scheduler, const gly_scheduler_event *event) {
    gly_job *job = GLY_NEW(gly_job);
    job->id = event->job.job_id;
    job->sequence = scheduler->job_sequence++;
    job->pool = gly_pool_find(scheduler, event->job.pool);
    job->started_ms = scheduler->now_ms;
    job->stage_count = event->job.stage_count;
    job->stages = GLY_NEW_ARRAY(gly_stage *, job->stage_count);
    GLY_ASSERT(event->job.final_stage < job->stage_count);
    for (uint32_t i = 0; i < job->stage_count; i++) {
        const gly_scheduler_stage *description = &event->job.stages[i];
        for (uint32_t p = 0; p < description->parent_count; p++) {
            GLY_ASSERT(description->parents[p] < i);
        }
        job->stages[i] = find_or_make_stage(scheduler, job, description);
        gly_stage_owner owner = {job, i};
        gly_array_push(&job->stages[i]->owners, owner);
    }
    job->final_stage = job->stages[event->job.final_stage];
    gly_map_put(&scheduler->jobs, job->id, job);
    gly_array_push(&scheduler->job_list, job);
    return job;
}

void gly_job_free(gly_job *job) {
    free(job->stages);
    free(job->error);
    free(job);
}

void gly_job_end_later(gly_job *job, gly_status status, const char *error) {
    if (job->is_finishing) {
        return;
    }
    job->is_finishing = true;
    job->status = status;
    job->error = error == NULL ? NULL : gly_alloc_string(error);
    gly_array_push(&job->final_stage->scheduler->to_finish, job);
}

static void leave_stage(gly_job *job, gly_stage *stage) {
    bool is_last = stage->owners.count == 1;
    if (is_last && stage->state == GLY_STAGE_RUNNING) {
        gly_stage_announce_end(stage, stage->live_set,
                               job->error == NULL ? "not needed any more" : job->error);
    }
    for (size_t i = 0; i < stage->owners.count; i++) {
        if (stage->owners.items[i].job == job) {
            gly_array_remove_at(&stage->owners, i);
            break;
        }
    }
    if (is_last) {
        gly_stage_detach(stage);
    }
}

void gly_job_end(gly_job *job) {
    gly_scheduler *scheduler = job->final_stage->scheduler;
    uint64_t recomputed = 0;
    for (uint32_t i = 0; i < job->stage_count; i++) {
        recomputed += job->stages[i]->recomputed_tasks;
    }
    for (uint32_t i = job->stage_count; i-- > 0;) { /* readers before what they read */
        leave_stage(job, job->stages[i]);
    }
    gly_scheduler_action action = {.kind = GLY_SCHEDULER_JOB_FINISHED};
    action.job.job_id = job->id;
    action.job.status = job->status;
    action.job.recomputed_tasks = recomputed;
    if (job->error != NULL) {
        action.job.error = gly_scheduler_keep_text(scheduler, "%s", job->error);
    }
    gly_scheduler_add_action(scheduler, &action);
    gly_event event = {.kind = GLY_EVENT_JOB_END};
    event.job_end.job_id = job->id;
    event.job_end.ok = job->status == GLY_OK;
    event.job_end.duration_ms = (uint64_t)(scheduler->now_ms - job->started_ms);
    event.job_end.recomputed_tasks = recomputed;
    event.job_end.error = action.job.error;
    gly_scheduler_publish(scheduler, &event);
    (void)gly_map_remove(&scheduler->jobs, job->id);
    for (size_t i = 0; i < scheduler->job_list.count; i++) {
        if (scheduler->job_list.items[i] == job) {
            gly_array_remove_at(&scheduler->job_list, i);
            break;
        }
    }
    gly_job_free(job);
}

uint32_t gly_job_needed_stages(const gly_job *job, uint64_t *ret_tasks) {
    uint8_t *is_needed = GLY_NEW_ARRAY(uint8_t, job->stage_count);
    uint32_t needed = 0;
    *ret_tasks = 0;
    for (uint32_t i = job->stage_count; i-- > 0;) {
        const gly_stage *stage = job->stages[i];
        bool is_read = stage == job->final_stage;
        for (uint32_t child = i + 1; child < job->stage_count && !is_read; child++) {
            for (size_t p = 0; is_needed[child] && p < job->stages[child]->parents.count; p++) {
                is_read |= job->stages[child]->parents.items[p] == stage;
            }
        }
        if (is_read && !gly_stage_is_available(stage)) {
            is_needed[i] = 1;
            needed++;
            *ret_tasks += gly_stage_missing(stage);
        }
    }
    free(is_needed);
    return needed;
}
