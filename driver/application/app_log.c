/* app_log.c - which events people read in a log, and with which fields.
 *
 * Runs on the scheduler's thread, so it is a handful of lines a stage; a task that fails is a line,
 * which the limit of failures bounds.
 */
#include "driver/application/app_log.h"

#include "driver/scheduler/scheduler.h"
#include "lib/base/arena.h"
#include "lib/base/log.h"

static uint64_t number(const uint64_t *numbers, gly_task_number which) {
    return numbers == NULL ? 0 : numbers[which];
}

static void log_stage_end(const gly_event *event, gly_arena *arena) {
    const uint64_t *numbers = event->stage_end.numbers;
    gly_log_info(
        event->stage_end.ok ? "stage finished" : "stage stopped",
        GLY_LOG_INT("job", event->stage_end.job_id),
        GLY_LOG_INT("stage", event->stage_end.stage_id),
        GLY_LOG_INT("attempt", event->stage_end.stage_attempt),
        GLY_LOG_INT("ms", event->stage_end.duration_ms),
        GLY_LOG_INT("inputRows", number(numbers, GLY_TASK_NUMBER_INPUT_ROWS)),
        GLY_LOG_INT("shuffleReadBytes", number(numbers, GLY_TASK_NUMBER_SHUFFLE_READ_BYTES)),
        GLY_LOG_INT("shuffleWriteBytes", number(numbers, GLY_TASK_NUMBER_SHUFFLE_WRITE_BYTES)),
        GLY_LOG_INT("spillBytes", number(numbers, GLY_TASK_NUMBER_SPILL_BYTES)),
        GLY_LOG_INT("peakMemoryBytes", number(numbers, GLY_TASK_NUMBER_PEAK_MEMORY_BYTES)),
        GLY_LOG_STR("error", gly_arena_str(arena, event->stage_end.error).data));
}

static void log_job_end(const gly_event *event, gly_arena *arena) {
    const char *error = gly_arena_str(arena, event->job_end.error).data;
    if (event->job_end.ok) {
        gly_log_info("job finished", GLY_LOG_INT("job", event->job_end.job_id),
                     GLY_LOG_INT("ms", event->job_end.duration_ms));
    } else {
        gly_log_error("job failed", GLY_LOG_INT("job", event->job_end.job_id),
                      GLY_LOG_INT("ms", event->job_end.duration_ms), GLY_LOG_STR("error", error));
    }
}

/* One that left in good order took nothing along. */
static void log_removed(const gly_event *event, const char *reason) {
    const gly_log_field fields[] = {
        GLY_LOG_INT("executor", event->executor_removed.executor_id),
        GLY_LOG_INT("runningTasks", event->executor_removed.running_tasks),
        GLY_LOG_INT("lostOutputs", event->executor_removed.lost_outputs),
        GLY_LOG_STR("reason", reason),
        {0},
    };
    bool is_harmless =
        event->executor_removed.running_tasks == 0 && event->executor_removed.lost_outputs == 0;
    gly_log_level level = is_harmless ? GLY_LOG_INFO : GLY_LOG_WARN;
    if (gly_log_enabled(level)) {
        gly_log_write(level, is_harmless ? "executor gone" : "executor lost", fields);
    }
}

static void log_executor_event(const gly_event *event, gly_arena *arena) {
    switch (event->kind) {
    case GLY_EVENT_EXECUTOR_ADDED:
        gly_log_info("executor added", GLY_LOG_INT("executor", event->executor_added.executor_id),
                     GLY_LOG_STR("host", gly_arena_str(arena, event->executor_added.host).data),
                     GLY_LOG_INT("slots", event->executor_added.slots));
        break;
    case GLY_EVENT_EXECUTOR_REMOVED:
        log_removed(event, gly_arena_str(arena, event->executor_removed.reason).data);
        break;
    case GLY_EVENT_ALLOCATION:
        gly_log_info("executors wanted", GLY_LOG_INT("wanted", event->allocation.wanted),
                     GLY_LOG_INT("before", event->allocation.previous),
                     GLY_LOG_INT("registered", event->allocation.running),
                     GLY_LOG_INT("letGo", event->allocation.let_go),
                     GLY_LOG_INT("pendingTasks", event->allocation.pending_tasks),
                     GLY_LOG_INT("runningTasks", event->allocation.running_tasks),
                     GLY_LOG_STR("reason", gly_arena_str(arena, event->allocation.reason).data));
        break;
    default:
        gly_log_warn(gly_arena_str(arena, event->warning.message).data,
                     GLY_LOG_STR("reason", gly_arena_str(arena, event->warning.reason).data),
                     GLY_LOG_INT("executor", event->warning.executor_id));
        break;
    }
}

void gly_app_log_read(void *unused, const gly_event *event) {
    (void)unused;
    if (event->kind == GLY_EVENT_TASK_START ||
        (event->kind == GLY_EVENT_TASK_END &&
         (event->task_end.error.size == 0 || event->task_end.end == GLY_TASK_END_LOST))) {
        return; /* there are many of these; that an executor was lost is told once */
    }
    gly_arena *arena = gly_arena_make();
    switch (event->kind) {
    case GLY_EVENT_JOB_START:
        gly_log_info("job started", GLY_LOG_INT("job", event->job_start.job_id),
                     GLY_LOG_INT("stages", event->job_start.stages),
                     GLY_LOG_INT("tasks", event->job_start.tasks),
                     GLY_LOG_STR("sql", gly_arena_str(arena, event->job_start.name).data));
        break;
    case GLY_EVENT_JOB_END:
        log_job_end(event, arena);
        break;
    case GLY_EVENT_STAGE_START:
        gly_log_info("stage started", GLY_LOG_INT("job", event->stage_start.job_id),
                     GLY_LOG_INT("stage", event->stage_start.stage_id),
                     GLY_LOG_INT("attempt", event->stage_start.stage_attempt),
                     GLY_LOG_INT("tasks", event->stage_start.tasks),
                     GLY_LOG_INT("partitions", event->stage_start.partitions),
                     GLY_LOG_STR("writes", gly_arena_str(arena, event->stage_start.name).data));
        break;
    case GLY_EVENT_STAGE_END:
        log_stage_end(event, arena);
        break;
    case GLY_EVENT_TASK_END:
        gly_log_warn("task failed", GLY_LOG_INT("task", event->task_end.task_id),
                     GLY_LOG_INT("stage", event->task_end.stage_id),
                     GLY_LOG_INT("partition", event->task_end.partition),
                     GLY_LOG_INT("attempt", event->task_end.attempt),
                     GLY_LOG_INT("executor", event->task_end.executor_id),
                     GLY_LOG_STR("error", gly_arena_str(arena, event->task_end.error).data));
        break;
    case GLY_EVENT_EXECUTOR_ADDED:
    case GLY_EVENT_EXECUTOR_REMOVED:
    case GLY_EVENT_ALLOCATION:
    case GLY_EVENT_WARNING:
        log_executor_event(event, arena);
        break;
    default:
        break;
    }
    gly_arena_free(arena);
}
