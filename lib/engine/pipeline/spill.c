/* spill.c - scratch files of a task: the directory made at first use, and the counters.
 *
 * The file itself is lib/shuffle/scratch_file.c.  The directory exists to show whose a deleted but
 * open file is (in /proc) and is removed by task_state.c.
 */
#include "lib/engine/pipeline/spill.h"

#include "lib/base/alloc.h"
#include "lib/shuffle/scratch_file.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

struct gly_spill {
    gly_task_state *task;
    gly_scratch_file *file;
};

static gly_status need_directory(gly_task_state *task, gly_error *err) {
    gly_status status = GLY_OK;
    pthread_mutex_lock(task->lock);
    if (task->spill_dir == NULL) {
        gly_builder path = {0};
        gly_builder_format(&path, "%s/spill-%llx-%llu", task->environment->local_dir,
                           (unsigned long long)task->spec->query_id,
                           (unsigned long long)task->spec->task_id);
        if (mkdir(path.data, 0700) == 0 || errno == EEXIST) {
            task->spill_dir = path.data;
        } else {
            status =
                gly_error_from_errno(err, errno, "cannot make the spill directory %s", path.data);
            gly_builder_clear(&path);
        }
    }
    pthread_mutex_unlock(task->lock);
    return status;
}

gly_status gly_spill_open(gly_task_state *task, gly_spill **ret, gly_error *err) {
    GLY_TRY(need_directory(task, err));
    gly_scratch_file *file;
    GLY_TRY(gly_scratch_file_open(task->spill_dir, task->environment->disk, &file, err));
    gly_spill *spill = GLY_NEW(gly_spill);
    spill->task = task;
    spill->file = file;
    atomic_fetch_add(&task->spill_files, 1);
    atomic_fetch_add(&task->spill_count, 1);
    *ret = spill;
    return GLY_OK;
}

void gly_spill_close(gly_spill *spill) {
    if (spill != NULL) {
        gly_scratch_file_close(spill->file);
        free(spill);
    }
}

gly_status gly_spill_write(gly_spill *spill, const void *bytes, size_t size, gly_error *err) {
    GLY_TRY(gly_scratch_file_write(spill->file, bytes, size, err));
    atomic_fetch_add(&spill->task->spill_bytes, size);
    return GLY_OK;
}

uint64_t gly_spill_size(const gly_spill *spill) { return gly_scratch_file_size(spill->file); }

gly_status gly_spill_read_at(gly_spill *spill, uint64_t offset, size_t size, void *buffer,
                             gly_error *err) {
    return gly_scratch_file_read_at(spill->file, offset, size, buffer, err);
}
