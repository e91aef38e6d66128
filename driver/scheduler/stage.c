/* stage.c - making, asking, announcing and freeing stages.
 *
 * Availability of a map stage is what the map output tracker says, and nothing else: a lost
 * executor changes it without anybody telling the stage.
 * Sets and stages are freed only between steps (release_marked), so that no function has to
 * fear for the set it works on.
 * Not here: when a stage starts (dag_scheduler.c).
 */
#include "driver/scheduler/stage.h"

#include "driver/scheduler/executor_table.h"
#include "driver/scheduler/task_set.h"

static void copy_places(gly_stage *stage, const gly_scheduler_preference *preferences) {
    size_t count = 0;
    for (uint32_t p = 0; p < stage->task_count; p++) {
        count += preferences[p].executor_count + preferences[p].host_count;
    }
    if (count == 0) {
        return;
    }
    stage->first_place = GLY_NEW_ARRAY(uint32_t, stage->task_count + 1);
    stage->places = GLY_NEW_ARRAY(gly_place, count);
    uint32_t used = 0;
    for (uint32_t p = 0; p < stage->task_count; p++) {
        stage->first_place[p] = used;
        for (uint32_t i = 0; i < preferences[p].executor_count; i++) {
            stage->places[used++] = (gly_place){preferences[p].executors[i], GLY_SCHEDULER_NONE};
        }
        for (uint32_t i = 0; i < preferences[p].host_count; i++) {
            uint32_t host = gly_executor_table_host(stage->scheduler, preferences[p].hosts[i]);
            stage->places[used++] = (gly_place){GLY_SCHEDULER_NONE, host};
        }
    }
    stage->first_place[stage->task_count] = used;
}

gly_stage *gly_stage_make(gly_scheduler *scheduler, const gly_scheduler_stage *description) {
    gly_stage *stage = GLY_NEW(gly_stage);
    stage->scheduler = scheduler;
    stage->id = description->stage_id;
    stage->shuffle_id = description->shuffle_id;
    stage->task_count = description->task_count;
    stage->width = GLY_MAX(description->width, 1);
    stage->name = gly_alloc_zero(description->name.size + 1, 1);
    if (description->name.size > 0) {
        memcpy(stage->name, description->name.data, description->name.size);
    }
    stage->is_shuffle_map = description->is_shuffle_map;
    stage->is_indeterminate = description->is_indeterminate;
    stage->resubmit_ms = GLY_SCHEDULER_NEVER;
    if (stage->is_shuffle_map) {
        stage->was_completed = gly_map_output_tracker_knows(scheduler->tracker, stage->shuffle_id);
        gly_map_output_tracker_add_shuffle(scheduler->tracker, stage->shuffle_id,
                                           stage->task_count);
        stage->attempt_count =
            gly_map_output_tracker_attempts(scheduler->tracker, stage->shuffle_id);
    } else {
        stage->is_done = GLY_NEW_ARRAY(uint8_t, GLY_MAX(stage->task_count, 1));
    }
    if (description->preferences != NULL) {
        copy_places(stage, description->preferences);
    }
    gly_accumulators_init(&stage->accumulators, stage->task_count);
    gly_array_push(&scheduler->stages, stage);
    return stage;
}

void gly_stage_free(gly_stage *stage) {
    for (size_t i = 0; i < stage->sets.count; i++) {
        gly_task_set_free(stage->sets.items[i]);
    }
    gly_array_clear(&stage->sets);
    gly_array_clear(&stage->parents);
    gly_array_clear(&stage->children);
    gly_array_clear(&stage->owners);
    gly_accumulators_clear(&stage->accumulators);
    free(stage->first_place);
    free(stage->places);
    free(stage->is_done);
    free(stage->committer);
    free(stage->failure_counts);
    free(stage->name);
    free(stage);
}

bool gly_stage_has_partition(const gly_stage *stage, uint32_t partition) {
    if (!stage->is_shuffle_map) {
        return stage->is_done[partition] != 0;
    }
    return gly_map_output_tracker_has(stage->scheduler->tracker, stage->shuffle_id, partition);
}

uint32_t gly_stage_missing(const gly_stage *stage) {
    if (!stage->is_shuffle_map) {
        return stage->task_count - stage->done_count;
    }
    return gly_map_output_tracker_missing(stage->scheduler->tracker, stage->shuffle_id);
}

bool gly_stage_is_running(const gly_stage *stage, uint32_t partition) {
    for (size_t i = 0; i < stage->sets.count; i++) {
        const gly_task_set *set = stage->sets.items[i];
        if (!set->is_discarded && set->tasks[partition].running_count > 0) {
            return true;
        }
    }
    return false;
}

void gly_stage_release_set(gly_task_set *set) {
    if (set->is_zombie && set->running_count == 0 && !set->is_released) {
        set->is_released = true;
        gly_array_push(&set->scheduler->to_release, set);
    }
}

static void remove_link(gly_stage **links, size_t *count, const gly_stage *stage) {
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        if (links[i] != stage) {
            links[kept++] = links[i];
        }
    }
    *count = kept;
}

static void free_if_unused(gly_stage *stage) {
    if (stage->owners.count == 0 && stage->sets.count == 0) {
        remove_link(stage->scheduler->stages.items, &stage->scheduler->stages.count, stage);
        gly_stage_free(stage);
    }
}

void gly_stage_release_marked(gly_scheduler *scheduler) {
    for (size_t i = 0; i < scheduler->to_release.count; i++) {
        gly_task_set *set = scheduler->to_release.items[i];
        gly_stage *stage = set->stage;
        for (size_t s = 0; s < stage->sets.count; s++) {
            if (stage->sets.items[s] == set) {
                gly_array_remove_at(&stage->sets, s);
                break;
            }
        }
        gly_task_set_free(set);
        if (stage->sets.count == 0 && stage->owners.count == 0) {
            gly_array_push(&scheduler->to_release_stages, stage);
        }
    }
    scheduler->to_release.count = 0;
    for (size_t i = 0; i < scheduler->to_release_stages.count; i++) {
        bool is_repeated = false;
        for (size_t before = 0; before < i; before++) {
            is_repeated |=
                scheduler->to_release_stages.items[before] == scheduler->to_release_stages.items[i];
        }
        if (!is_repeated) {
            free_if_unused(scheduler->to_release_stages.items[i]);
        }
    }
    scheduler->to_release_stages.count = 0;
}

void gly_stage_detach(gly_stage *stage) {
    gly_scheduler *scheduler = stage->scheduler;
    for (size_t i = 0; i < stage->sets.count; i++) {
        gly_task_set_stop(stage->sets.items[i], true, "the job has ended");
    }
    for (size_t i = 0; i < stage->parents.count; i++) {
        gly_stage *parent = stage->parents.items[i];
        remove_link(parent->children.items, &parent->children.count, stage);
    }
    for (size_t i = 0; i < stage->children.count; i++) {
        gly_stage *child = stage->children.items[i];
        remove_link(child->parents.items, &child->parents.count, stage);
    }
    stage->parents.count = stage->children.count = 0;
    remove_link(scheduler->to_submit.items, &scheduler->to_submit.count, stage);
    remove_link(scheduler->resubmits.items, &scheduler->resubmits.count, stage);
    if (stage->is_shuffle_map &&
        gly_map_get(&scheduler->stages_by_shuffle, stage->shuffle_id) == stage) {
        (void)gly_map_remove(&scheduler->stages_by_shuffle, stage->shuffle_id);
    }
    stage->state = GLY_STAGE_IDLE;
    gly_array_push(&scheduler->to_release_stages, stage);
}

static void fill_action(gly_scheduler_action *action, const gly_stage *stage,
                        const gly_task_set *set) {
    action->stage.job_id = stage->owners.items[0].job->id;
    action->stage.stage_index = stage->owners.items[0].stage_index;
    action->stage.stage_id = stage->id;
    action->stage.stage_attempt = set->attempt;
    action->stage.task_count = set->missing_count;
}

void gly_stage_announce_start(const gly_stage *stage) {
    const gly_task_set *set = stage->live_set;
    gly_scheduler_action action = {.kind = GLY_SCHEDULER_STAGE_STARTED};
    fill_action(&action, stage, set);
    gly_scheduler_add_action(stage->scheduler, &action);
    gly_event event = {.kind = GLY_EVENT_STAGE_START};
    event.stage_start.job_id = action.stage.job_id;
    event.stage_start.stage_id = stage->id;
    event.stage_start.stage_attempt = set->attempt;
    event.stage_start.name = gly_str_of(stage->name);
    event.stage_start.tasks = set->missing_count;
    event.stage_start.partitions = stage->task_count;
    gly_scheduler_publish(stage->scheduler, &event);
}

void gly_stage_announce_end(const gly_stage *stage, const gly_task_set *set, const char *error) {
    gly_scheduler_action action = {.kind = GLY_SCHEDULER_STAGE_COMPLETED};
    fill_action(&action, stage, set);
    action.stage.ok = error == NULL;
    if (error != NULL) {
        action.stage.error = gly_scheduler_keep_text(stage->scheduler, "%s", error);
    }
    action.stage.accumulators = &stage->accumulators;
    gly_scheduler_add_action(stage->scheduler, &action);
    gly_event event = {.kind = GLY_EVENT_STAGE_END};
    event.stage_end.job_id = action.stage.job_id;
    event.stage_end.stage_id = stage->id;
    event.stage_end.stage_attempt = set->attempt;
    event.stage_end.ok = error == NULL;
    event.stage_end.duration_ms = (uint64_t)(stage->scheduler->now_ms - set->started_ms);
    event.stage_end.error = action.stage.error;
    event.stage_end.numbers = stage->accumulators.values;
    gly_scheduler_publish(stage->scheduler, &event);
}
