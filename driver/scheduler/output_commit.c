/* output_commit.c - one committer for each partition of a stage, across all its attempts.
 *
 * A refused attempt ends KILLED (it does not count as a failure) and its task is tried again later,
 * should the committer fail.  The table is made when the first task of a stage asks: most
 * stages write no files.
 */
#include "driver/scheduler/output_commit.h"

#include "driver/scheduler/stage.h"

bool gly_output_commit_request(gly_attempt *attempt) {
    gly_stage *stage = attempt->set->stage;
    if (attempt->is_killed || attempt->set->is_discarded ||
        gly_stage_has_partition(stage, attempt->partition)) {
        return false;
    }
    if (stage->committer == NULL) {
        stage->committer = GLY_NEW_ARRAY(uint64_t, stage->task_count);
    }
    uint64_t *committer = &stage->committer[attempt->partition];
    if (*committer == 0) {
        *committer = attempt->task_id + 1;
    }
    return *committer == attempt->task_id + 1;
}

void gly_output_commit_release(gly_attempt *attempt) {
    gly_stage *stage = attempt->set->stage;
    if (stage->committer != NULL && stage->committer[attempt->partition] == attempt->task_id + 1) {
        stage->committer[attempt->partition] = 0;
    }
}
