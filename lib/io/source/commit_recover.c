/* commit_recover.c - jobs that died below the same directory: their files are put right and
 * removed.
 *
 * A job is dead if its owner is (commit_owner.h), if nobody owns it any more (owner records go
 * last), or if its owner is out of sight and the record a week old.  Invariant: nothing of a job
 * that may live is touched.
 */
#include "lib/base/array.h"
#include "lib/base/clock.h"
#include "lib/io/source/commit_internal.h"

#define OLDEST_MS (INT64_C(7) * 24 * 3600 * 1000)
enum { LARGEST_RECORD = 4096 };

typedef struct other_job {
    gly_str job;    /* without ".old" */
    gly_str record; /* path of its owner record; empty: none */
    int64_t record_ms;
} other_job;
typedef GLY_ARRAY(other_job) job_list;

static other_job *job_named(job_list *jobs, gly_str name) {
    for (size_t i = 0; i < jobs->count; i++) {
        if (gly_str_equal(jobs->items[i].job, name)) {
            return &jobs->items[i];
        }
    }
    gly_array_push(jobs, ((other_job){.job = name}));
    return &jobs->items[jobs->count - 1];
}

static void collect(const gly_commit *commit, uint32_t count, const gly_file_info *files,
                    job_list *ret) {
    size_t skip = commit->temporary.size + 1;
    for (uint32_t i = 0; i < count; i++) {
        gly_str path = files[i].path;
        gly_str rest = {path.data + skip, path.size - skip};
        const char *slash = memchr(rest.data, '/', rest.size);
        if (slash == NULL) {
            continue; /* not ours */
        }
        gly_str name = {rest.data, (size_t)(slash - rest.data)};
        if (gly_str_ends_with(name, GLY_STR(".old"))) {
            name.size -= 4;
        }
        other_job *job = job_named(ret, name);
        if (gly_str_equal((gly_str){rest.data + name.size, rest.size - name.size},
                          GLY_STR("/owner"))) {
            job->record = path;
            job->record_ms = files[i].modified_ms;
        }
    }
}

static gly_status read_record(gly_commit *commit, gly_str path, gly_str *ret, gly_error *err) {
    gly_file *file;
    *ret = (gly_str){"", 0};
    GLY_TRY(commit->filesystem->open(path, &file, err));
    size_t size = (size_t)GLY_MIN(file->size_bytes, (uint64_t)LARGEST_RECORD);
    char *bytes = gly_arena_alloc(commit->arena, size + 1);
    gly_status status = file->read_at(file, 0, size, bytes, err);
    file->close(file);
    *ret = (gly_str){bytes, size};
    return status;
}

static gly_status recover_job(gly_commit *commit, const other_job *job, gly_error *err) {
    gly_commit_phase phase = GLY_COMMIT_WRITING;
    gly_commit_life life = GLY_COMMIT_DEAD;
    if (job->record.size > 0) {
        gly_str text;
        gly_status status = read_record(commit, job->record, &text, err);
        if (status == GLY_E_PATH_NOT_FOUND) {
            return GLY_OK; /* it just ended */
        }
        GLY_TRY(status);
        life = gly_commit_owner_look(text, &phase);
    }
    bool is_old = job->record_ms != 0 && gly_clock_wall_ms() - job->record_ms > OLDEST_MS;
    if (life == GLY_COMMIT_ALIVE || (life == GLY_COMMIT_UNKNOWN && !is_old)) {
        return GLY_OK;
    }
    if (commit->filesystem->publish != NULL) {
        GLY_TRY(gly_commit_publish_recover(commit, job->job, phase, job->record_ms, err));
    } else {
        GLY_TRY(gly_commit_rename_recover(commit, job->job, err));
    }
    gly_str directory = gly_commit_join(commit->arena, commit->temporary, job->job);
    gly_str old = gly_str_of(gly_arena_format(commit->arena, "%.*s.old", GLY_STR_ARG(directory)));
    if (commit->filesystem->publish == NULL) {
        GLY_TRY(commit->filesystem->remove_all(old, err));
    }
    return commit->filesystem->remove_all(directory, err);
}

gly_status gly_commit_recover(gly_commit *commit, gly_error *err) {
    uint32_t count;
    gly_file_info *files;
    gly_status status =
        commit->filesystem->list(commit->arena, commit->temporary, &count, &files, err);
    if (status == GLY_E_PATH_NOT_FOUND) {
        return GLY_OK;
    }
    GLY_TRY(status);
    job_list jobs = {0};
    collect(commit, count, files, &jobs);
    for (size_t i = 0; status == GLY_OK && i < jobs.count; i++) {
        if (!gly_str_equal(jobs.items[i].job, commit->job)) {
            status = recover_job(commit, &jobs.items[i], err);
        }
    }
    gly_array_clear(&jobs);
    return status;
}
