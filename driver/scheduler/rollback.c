/* rollback.c - never mix rows of two runs of a stage that may give other rows each time.
 *
 * If some readers have read the old outputs and others would read the new ones, rows would be lost
 * or doubled.  So all outputs of the stage are thrown away, and with them everything that was
 * computed from them, down to the results; results that were already given to the user cannot be
 * taken back: then the job fails (Spark: SPARK-23207, SPARK-25341).
 * A stage that never completed has had no reader, and its missing tasks simply run.
 */
#include "driver/scheduler/rollback.h"

#include "driver/scheduler/dag_scheduler.h"
#include "driver/scheduler/stage.h"
#include "driver/scheduler/task_set.h"

typedef GLY_ARRAY(gly_stage *) stage_list;

static void add_once(stage_list *list, gly_stage *stage) {
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i] == stage) {
            return;
        }
    }
    gly_array_push(list, stage);
}

static void discard_sets(gly_stage *stage) {
    for (size_t i = 0; i < stage->sets.count; i++) {
        gly_task_set_stop(stage->sets.items[i], true, "its input is computed again");
    }
}

static void roll_back_reader(gly_stage *reader) {
    gly_dag_scheduler_fail_attempt(reader, reader->scheduler->now_ms,
                                   "the stage it reads gives other rows when it runs again");
    discard_sets(reader);
    if (reader->is_shuffle_map) {
        (void)gly_map_output_tracker_lose_shuffle(reader->scheduler->tracker, reader->shuffle_id);
    }
}

bool gly_rollback_prepare(gly_stage *stage) {
    if (!stage->is_indeterminate || !stage->is_shuffle_map || !stage->was_completed) {
        return true;
    }
    stage_list affected = {0};
    gly_array_push(&affected, stage);
    bool is_possible = true;
    for (size_t i = 0; i < affected.count; i++) {
        gly_stage *current = affected.items[i];
        is_possible &= current->is_shuffle_map || current->done_count == 0;
        for (size_t c = 0; c < current->children.count; c++) {
            add_once(&affected, current->children.items[c]);
        }
    }
    for (size_t i = 1; is_possible && i < affected.count; i++) {
        roll_back_reader(affected.items[i]);
    }
    if (is_possible) {
        discard_sets(stage);
        (void)gly_map_output_tracker_lose_shuffle(stage->scheduler->tracker, stage->shuffle_id);
        stage->was_completed = false;
    } else {
        gly_str text = gly_scheduler_keep_text(
            stage->scheduler,
            "stage %u lost outputs and gives other rows when it runs again, but results computed "
            "from the old ones are already out; run the query again",
            stage->id);
        gly_dag_scheduler_fail_stage(stage, GLY_E_STAGE_FAILED, text.data);
    }
    gly_array_clear(&affected);
    return is_possible;
}
