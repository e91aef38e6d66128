/* speculation.c - when speculation_quantile of a set's tasks are done, a task that runs longer than
 * speculation_multiplier times their median gets a second copy on another executor.
 *
 * The first copy to succeed wins and the other is killed (task_set.c).  The median is kept in two
 * heaps, so that a result costs O(log n).  Unlike Spark a copy asks for another executor, not for
 * another host: several executors of one machine are common here.
 * Not here: where the copy runs (task_scheduler.c); Spark's efficiency rules are not implemented.
 */
#include "driver/scheduler/speculation.h"

#include "driver/scheduler/task_set.h"

/* low: the smaller half as a heap of negated values, high: the larger half as a heap. */

static void heap_push(int64_t *items, size_t count) { /* the new one is items[count - 1] */
    for (size_t i = count - 1; i > 0 && items[i] < items[(i - 1) / 2]; i = (i - 1) / 2) {
        int64_t swapped = items[i];
        items[i] = items[(i - 1) / 2];
        items[(i - 1) / 2] = swapped;
    }
}

static void heap_sink(int64_t *items, size_t count) {
    for (size_t i = 0; 2 * i + 1 < count;) {
        size_t child = 2 * i + 1;
        if (child + 1 < count && items[child + 1] < items[child]) {
            child++;
        }
        if (items[i] <= items[child]) {
            return;
        }
        int64_t swapped = items[i];
        items[i] = items[child];
        items[child] = swapped;
        i = child;
    }
}

static void add(gly_median *median, int64_t value) {
    if (median->low.count == 0 || value <= -median->low.items[0]) {
        gly_array_push(&median->low, -value);
        heap_push(median->low.items, median->low.count);
    } else {
        gly_array_push(&median->high, value);
        heap_push(median->high.items, median->high.count);
    }
    if (median->low.count > median->high.count + 1) {
        int64_t top = -median->low.items[0];
        median->low.items[0] = median->low.items[--median->low.count];
        heap_sink(median->low.items, median->low.count);
        gly_array_push(&median->high, top);
        heap_push(median->high.items, median->high.count);
    } else if (median->high.count > median->low.count) {
        int64_t top = median->high.items[0];
        median->high.items[0] = median->high.items[--median->high.count];
        heap_sink(median->high.items, median->high.count);
        gly_array_push(&median->low, -top);
        heap_push(median->low.items, median->low.count);
    }
}

int64_t gly_speculation_median(const gly_task_set *set) {
    return set->durations.low.count == 0 ? 0 : -set->durations.low.items[0];
}

void gly_speculation_record(gly_task_set *set, int64_t duration_ms) {
    if (set->scheduler->options.speculation && !set->is_zombie) {
        add(&set->durations, duration_ms);
    }
}

static void check_set(gly_task_set *set) {
    const gly_scheduler_options *options = &set->scheduler->options;
    uint32_t finished = set->missing_count - GLY_MIN(set->remaining_count, set->missing_count);
    uint32_t wanted = (uint32_t)(options->speculation_quantile * set->missing_count);
    if (set->missing_count < 2 || finished < GLY_MAX(wanted, 1) || set->durations.low.count == 0) {
        return;
    }
    int64_t threshold =
        (int64_t)(options->speculation_multiplier * (double)gly_speculation_median(set));
    threshold = GLY_MAX(threshold, options->speculation_min_ms);
    for (gly_attempt *attempt = set->attempts; attempt != NULL; attempt = attempt->next_of_set) {
        const gly_task *task = &set->tasks[attempt->partition];
        if (task->state == GLY_TASK_RUNNING && task->running_count == 1 && !attempt->is_killed &&
            set->scheduler->now_ms - attempt->launched_ms > threshold) {
            gly_task_set_speculate(set, attempt->partition);
        }
    }
}

void gly_speculation_check(gly_scheduler *scheduler) {
    if (!scheduler->options.speculation || scheduler->now_ms < scheduler->next_speculation_ms) {
        return;
    }
    scheduler->next_speculation_ms = scheduler->now_ms + scheduler->options.speculation_interval_ms;
    for (size_t i = 0; i < scheduler->live_sets.count; i++) {
        check_set(scheduler->live_sets.items[i]);
    }
}

int64_t gly_speculation_next_ms(const gly_scheduler *scheduler) {
    bool is_watching = scheduler->options.speculation && scheduler->live_sets.count > 0 &&
                       scheduler->running_tasks > 0;
    return is_watching ? scheduler->next_speculation_ms : GLY_SCHEDULER_NEVER;
}
