/* cli_progress.c - what the events say, drawn as bars in place ten times a second.
 *
 * The reader (owner thread) only counts under a lock; a thread of our own draws, and only after a job
 * has run for a moment, so that short queries do not flicker.  Invariant: the lines drawn last are
 * erased before anything else is printed (gly_cli_progress_pause).
 */
#include "cli/cli_progress.h"

#include "lib/base/alloc.h"
#include "lib/base/clock.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { MAX_STAGES = 16, DRAW_MS = 100, QUIET_MS = 300, BAR_WIDTH = 30 };

typedef struct stage_state {
    uint64_t stage_id;
    char name[24];
    uint64_t partitions, running, done, failed;
    bool is_over;
} stage_state;

typedef struct job_state {
    bool is_active;
    uint64_t job_id;
    int64_t start_ms;
    uint32_t stage_count;
    stage_state stages[MAX_STAGES];
    uint64_t rows, shuffle_bytes, spill_bytes;
} job_state;

struct gly_cli_progress {
    bool is_live;
    pthread_mutex_t lock;
    pthread_cond_t stopped;
    pthread_t thread;
    bool stopping;
    uint64_t executors;
    job_state job; /* the newest */
    unsigned lines_drawn;
};

static stage_state *find_stage(job_state *job, uint64_t stage_id) {
    for (uint32_t i = 0; i < job->stage_count; i++) {
        if (job->stages[i].stage_id == stage_id) {
            return &job->stages[i];
        }
    }
    return NULL;
}

static void start_stage(job_state *job, const gly_event *event) {
    stage_state *stage = find_stage(job, event->stage_start.stage_id);
    if (stage == NULL && job->stage_count < MAX_STAGES) {
        stage = &job->stages[job->stage_count++];
        *stage = (stage_state){.stage_id = event->stage_start.stage_id};
        gly_str name = event->stage_start.name;
        size_t kept = GLY_MIN(name.size, sizeof stage->name - 1);
        memcpy(stage->name, name.data, kept);
        stage->partitions = event->stage_start.partitions;
    } else if (stage != NULL) { /* a further attempt: some partitions again */
        stage->done -= GLY_MIN(stage->done, event->stage_start.tasks);
        stage->is_over = false;
    }
}

static void end_task(job_state *job, const gly_event *event) {
    stage_state *stage = find_stage(job, event->task_end.stage_id);
    if (stage == NULL) {
        return;
    }
    stage->running -= stage->running > 0;
    stage->done += event->task_end.accepted;
    stage->failed += !event->task_end.accepted && event->task_end.error.size > 0;
    const uint64_t *numbers = event->task_end.numbers;
    if (numbers != NULL && event->task_end.accepted) {
        job->rows += numbers[GLY_TASK_NUMBER_INPUT_ROWS];
        job->shuffle_bytes += numbers[GLY_TASK_NUMBER_SHUFFLE_WRITE_BYTES];
        job->spill_bytes += numbers[GLY_TASK_NUMBER_SPILL_BYTES];
    }
}

static void read_event(void *context, const gly_event *event) {
    gly_cli_progress *progress = context;
    stage_state *stage;
    pthread_mutex_lock(&progress->lock);
    job_state *job = &progress->job;
    switch (event->kind) {
    case GLY_EVENT_EXECUTOR_ADDED:
        progress->executors++;
        break;
    case GLY_EVENT_EXECUTOR_REMOVED:
        progress->executors -= progress->executors > 0;
        break;
    case GLY_EVENT_JOB_START:
        *job = (job_state){.is_active = true,
                           .job_id = event->job_start.job_id,
                           .start_ms = gly_clock_ms()};
        break;
    case GLY_EVENT_JOB_END:
        job->is_active = job->is_active && job->job_id != event->job_end.job_id;
        break;
    case GLY_EVENT_STAGE_START:
        start_stage(job, event);
        break;
    case GLY_EVENT_STAGE_END:
        stage = find_stage(job, event->stage_end.stage_id);
        if (stage != NULL) {
            stage->is_over = event->stage_end.ok;
        }
        break;
    case GLY_EVENT_TASK_START:
        stage = find_stage(job, event->task_start.stage_id);
        if (stage != NULL) {
            stage->running++;
        }
        break;
    case GLY_EVENT_TASK_END:
        end_task(job, event);
        break;
    default:
        break;
    }
    pthread_mutex_unlock(&progress->lock);
}

static unsigned terminal_width(void) {
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

static void erase(gly_cli_progress *progress, gly_builder *out) {
    for (unsigned i = 0; i < progress->lines_drawn; i++) {
        gly_builder_add_text(out, "\x1b[1A\x1b[2K");
    }
    progress->lines_drawn = 0;
}

/* One line, cut at the terminal's width so that it never wraps. */
static void add_line(gly_cli_progress *progress, gly_builder *out, gly_builder *line) {
    unsigned width = terminal_width();
    size_t kept = GLY_MIN(line->size, (size_t)(width > 1 ? width - 1 : 1));
    gly_builder_add(out, line->data, kept);
    gly_builder_add_char(out, '\n');
    gly_builder_reset(line);
    progress->lines_drawn++;
}

static void draw(gly_cli_progress *progress) {
    job_state *job = &progress->job;
    gly_builder out = {0};
    gly_builder line = {0};
    char time[32];
    char rows[32];
    char shuffled[32];
    char spilled[32];
    int64_t elapsed = gly_clock_ms() - job->start_ms;
    erase(progress, &out);
    if (job->is_active && elapsed >= QUIET_MS) {
        gly_builder_format(&line, "job %llu  %s  %llu executors  %s rows  %s shuffled  %s spilled",
                           (unsigned long long)job->job_id,
                           gly_str_format_ms((double)elapsed, time, sizeof time),
                           (unsigned long long)progress->executors,
                           gly_str_format_count(job->rows, rows, sizeof rows),
                           gly_str_format_bytes(job->shuffle_bytes, shuffled, sizeof shuffled),
                           gly_str_format_bytes(job->spill_bytes, spilled, sizeof spilled));
        add_line(progress, &out, &line);
        for (uint32_t i = 0; i < job->stage_count; i++) {
            stage_state *stage = &job->stages[i];
            uint64_t total = GLY_MAX(stage->partitions, (uint64_t)1);
            uint64_t done = GLY_MIN(stage->done, total);
            size_t filled = (size_t)(done * BAR_WIDTH / total);
            size_t active = GLY_MIN((size_t)BAR_WIDTH - filled,
                                    (size_t)((stage->running * BAR_WIDTH + total - 1) / total));
            gly_builder_format(&line, "  stage %-3u %-14s [", i, stage->name);
            gly_builder_add_repeat(&line, '=', filled);
            gly_builder_add_repeat(&line, '>', active);
            gly_builder_add_repeat(&line, ' ', BAR_WIDTH - filled - active);
            gly_builder_format(&line, "] %llu/%llu tasks, %llu running",
                               (unsigned long long)stage->done,
                               (unsigned long long)stage->partitions,
                               (unsigned long long)stage->running);
            if (stage->failed > 0) {
                gly_builder_format(&line, ", %llu failed", (unsigned long long)stage->failed);
            }
            add_line(progress, &out, &line);
        }
    }
    if (out.size > 0) {
        fwrite(out.data, 1, out.size, stderr);
        fflush(stderr);
    }
    gly_builder_clear(&out);
    gly_builder_clear(&line);
}

static void *draw_until_stopped(void *context) {
    gly_cli_progress *progress = context;
    pthread_mutex_lock(&progress->lock);
    while (!progress->stopping) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += DRAW_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_cond_timedwait(&progress->stopped, &progress->lock, &until);
        if (!progress->stopping && (progress->job.is_active || progress->lines_drawn > 0)) {
            draw(progress);
        }
    }
    pthread_mutex_unlock(&progress->lock);
    return NULL;
}

gly_cli_progress *gly_cli_progress_start(gly_driver *driver, bool is_live) {
    gly_cli_progress *progress = GLY_NEW(gly_cli_progress);
    progress->is_live = is_live;
    pthread_mutex_init(&progress->lock, NULL);
    pthread_cond_init(&progress->stopped, NULL);
    gly_driver_subscribe(driver, read_event, progress);
    if (is_live && pthread_create(&progress->thread, NULL, draw_until_stopped, progress) != 0) {
        progress->is_live = false;
    }
    return progress;
}

void gly_cli_progress_pause(gly_cli_progress *progress) {
    gly_builder out = {0};
    pthread_mutex_lock(&progress->lock);
    progress->job.is_active = false;
    erase(progress, &out);
    if (out.size > 0) {
        fwrite(out.data, 1, out.size, stderr);
        fflush(stderr);
    }
    pthread_mutex_unlock(&progress->lock);
    gly_builder_clear(&out);
}

void gly_cli_progress_stop(gly_cli_progress *progress) {
    if (progress == NULL) {
        return;
    }
    gly_cli_progress_pause(progress);
    pthread_mutex_lock(&progress->lock);
    progress->stopping = true;
    pthread_cond_signal(&progress->stopped);
    pthread_mutex_unlock(&progress->lock);
    if (progress->is_live) {
        pthread_join(progress->thread, NULL);
        progress->is_live = false;
    }
}

void gly_cli_progress_free(gly_cli_progress *progress) {
    if (progress != NULL) {
        pthread_mutex_destroy(&progress->lock);
        pthread_cond_destroy(&progress->stopped);
        free(progress);
    }
}

void gly_cli_progress_print_summary(const gly_job_summary *summary) {
    gly_builder out = {0};
    char text[6][32];
    gly_builder_format(&out, "job %u: %u stage%s, ", summary->job_id, summary->stage_count,
                       summary->stage_count == 1 ? "" : "s");
    for (uint32_t i = 0; i < summary->stage_count; i++) {
        gly_builder_format(&out, "%s%u", i == 0 ? "" : " + ", summary->stages[i].task_count);
    }
    bool is_one = summary->stage_count == 1 && summary->stages[0].task_count == 1;
    gly_builder_format(&out, " task%s, %s\n", is_one ? "" : "s",
                       gly_str_format_ms(summary->wall_ms, text[0], sizeof text[0]));
    gly_builder_format(&out, "  %-5s %-18s %6s %6s %6s %9s %11s %11s %10s %10s %10s\n", "stage",
                       "writes", "tasks", "waves", "failed", "time", "task median", "slowest",
                       "rows in", "shuffled", "spilled");
    for (uint32_t i = 0; i < summary->stage_count; i++) {
        const gly_stage_summary *stage = &summary->stages[i];
        const gly_task_metrics *metrics = &stage->metrics;
        uint64_t rows = metrics->input_rows + metrics->shuffle_read_rows;
        gly_builder_format(
            &out, "  %-5u %-18s %6u %6u %6u %9s %11s %11s %10s %10s %10s", i, stage->name,
            stage->task_count, stage->wave_count, stage->failed_tasks,
            gly_str_format_ms(stage->wall_ms, text[0], sizeof text[0]),
            gly_str_format_ms(stage->median_task_ms, text[1], sizeof text[1]),
            gly_str_format_ms(stage->slowest_task_ms, text[2], sizeof text[2]),
            gly_str_format_count(rows, text[3], sizeof text[3]),
            gly_str_format_bytes(metrics->shuffle_write_bytes, text[4], sizeof text[4]),
            gly_str_format_bytes(metrics->spill_bytes, text[5], sizeof text[5]));
        double skew = stage->median_task_ms > 0 ? stage->slowest_task_ms / stage->median_task_ms : 1;
        gly_builder_format(&out, "  skew %.1fx (task %u)\n", skew, stage->slowest_partition);
    }
    fwrite(out.data, 1, out.size, stderr);
    fflush(stderr);
    gly_builder_clear(&out);
}
