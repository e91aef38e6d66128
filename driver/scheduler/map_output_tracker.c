/* map_output_tracker.c - an array of outputs for each shuffle, and the epoch.
 *
 * Losing an executor walks all outputs: that is rare, and the walk is a few nanoseconds an output,
 * while an index by executor would cost every task.  Outputs are copied in, because a completion
 * message does not outlive its step.
 * Invariant: missing_count is the number of outputs that are not available.
 * Not here: what to do about a lost output (dag_scheduler.c).
 */
#include "driver/scheduler/map_output_tracker.h"

#include "lib/base/array.h"
#include "lib/base/map.h"

typedef struct shuffle {
    uint32_t id;
    uint32_t map_count, missing_count, attempt_count;
    gly_map_output *outputs;
} shuffle;

struct gly_map_output_tracker {
    gly_map by_id;
    GLY_ARRAY(shuffle *) shuffles; /* in the order they were added */
    uint64_t epoch;
};

gly_map_output_tracker *gly_map_output_tracker_make(void) {
    gly_map_output_tracker *tracker = GLY_NEW(gly_map_output_tracker);
    tracker->epoch = 1;
    return tracker;
}

static void free_shuffle(shuffle *s) {
    for (uint32_t i = 0; i < s->map_count; i++) {
        free((void *)s->outputs[i].bytes.data);
    }
    free(s->outputs);
    free(s);
}

void gly_map_output_tracker_free(gly_map_output_tracker *tracker) {
    if (tracker == NULL) {
        return;
    }
    for (size_t i = 0; i < tracker->shuffles.count; i++) {
        free_shuffle(tracker->shuffles.items[i]);
    }
    gly_array_clear(&tracker->shuffles);
    gly_map_clear(&tracker->by_id);
    free(tracker);
}

static shuffle *find(const gly_map_output_tracker *tracker, uint32_t shuffle_id) {
    return gly_map_get(&tracker->by_id, shuffle_id);
}

static gly_map_output *find_output(const gly_map_output_tracker *tracker, uint32_t shuffle_id,
                                   uint32_t map_partition) {
    shuffle *s = find(tracker, shuffle_id);
    return s != NULL && map_partition < s->map_count ? &s->outputs[map_partition] : NULL;
}

void gly_map_output_tracker_add_shuffle(gly_map_output_tracker *tracker, uint32_t shuffle_id,
                                        uint32_t map_count) {
    shuffle *known = find(tracker, shuffle_id);
    if (known != NULL) {
        GLY_ASSERT(known->map_count == map_count);
        return;
    }
    shuffle *s = GLY_NEW(shuffle);
    s->id = shuffle_id;
    s->map_count = s->missing_count = map_count;
    s->outputs = GLY_NEW_ARRAY(gly_map_output, GLY_MAX(map_count, 1));
    gly_map_put(&tracker->by_id, shuffle_id, s);
    gly_array_push(&tracker->shuffles, s);
}

void gly_map_output_tracker_remove_shuffle(gly_map_output_tracker *tracker, uint32_t shuffle_id) {
    shuffle *s = gly_map_remove(&tracker->by_id, shuffle_id);
    for (size_t i = 0; s != NULL && i < tracker->shuffles.count; i++) {
        if (tracker->shuffles.items[i] == s) {
            gly_array_remove_at(&tracker->shuffles, i);
            free_shuffle(s);
            return;
        }
    }
}

bool gly_map_output_tracker_knows(const gly_map_output_tracker *tracker, uint32_t shuffle_id) {
    return find(tracker, shuffle_id) != NULL;
}

uint32_t gly_map_output_tracker_attempts(const gly_map_output_tracker *tracker,
                                         uint32_t shuffle_id) {
    const shuffle *s = find(tracker, shuffle_id);
    return s == NULL ? 0 : s->attempt_count;
}

void gly_map_output_tracker_count_attempt(gly_map_output_tracker *tracker, uint32_t shuffle_id) {
    shuffle *s = find(tracker, shuffle_id);
    if (s != NULL) {
        s->attempt_count++;
    }
}

uint32_t gly_map_output_tracker_missing(const gly_map_output_tracker *tracker,
                                        uint32_t shuffle_id) {
    const shuffle *s = find(tracker, shuffle_id);
    return s == NULL ? 0 : s->missing_count;
}

bool gly_map_output_tracker_has(const gly_map_output_tracker *tracker, uint32_t shuffle_id,
                                uint32_t map_partition) {
    const gly_map_output *output = find_output(tracker, shuffle_id, map_partition);
    return output != NULL && output->is_available;
}

const gly_map_output *gly_map_output_tracker_outputs(const gly_map_output_tracker *tracker,
                                                     uint32_t shuffle_id, uint32_t *ret_count) {
    const shuffle *s = find(tracker, shuffle_id);
    *ret_count = s == NULL ? 0 : s->map_count;
    return s == NULL ? NULL : s->outputs;
}

static gly_str copy_bytes(gly_str bytes) {
    char *copy = gly_alloc(GLY_MAX(bytes.size, 1));
    if (bytes.size > 0) {
        memcpy(copy, bytes.data, bytes.size);
    }
    return (gly_str){copy, bytes.size};
}

bool gly_map_output_tracker_register(gly_map_output_tracker *tracker, uint32_t shuffle_id,
                                     uint32_t map_partition, uint32_t executor_id, uint64_t task_id,
                                     gly_str bytes) {
    gly_map_output *output = find_output(tracker, shuffle_id, map_partition);
    if (output == NULL || output->is_available) {
        return false;
    }
    *output = (gly_map_output){.is_available = true,
                               .executor_id = executor_id,
                               .task_id = task_id,
                               .bytes = copy_bytes(bytes),
                               .was_there = output->was_there};
    find(tracker, shuffle_id)->missing_count--;
    return true;
}

void gly_map_output_tracker_set_cost(gly_map_output_tracker *tracker, uint32_t shuffle_id,
                                     uint32_t map_partition, uint64_t run_ns) {
    gly_map_output *output = find_output(tracker, shuffle_id, map_partition);
    if (output != NULL && output->is_available) {
        output->run_ns = run_ns;
    }
}

bool gly_map_output_tracker_move(gly_map_output_tracker *tracker, uint32_t shuffle_id,
                                 uint32_t map_partition, uint32_t from_executor_id,
                                 uint32_t to_executor_id, gly_str bytes) {
    gly_map_output *output = find_output(tracker, shuffle_id, map_partition);
    if (output == NULL || !output->is_available || output->executor_id != from_executor_id) {
        return false;
    }
    free((void *)output->bytes.data);
    output->bytes = copy_bytes(bytes);
    output->executor_id = to_executor_id;
    tracker->epoch++;
    return true;
}

static void lose_output(shuffle *s, uint32_t map_partition) {
    gly_map_output *output = &s->outputs[map_partition];
    free((void *)output->bytes.data);
    *output = (gly_map_output){.was_there = true};
    s->missing_count++;
}

uint32_t gly_map_output_tracker_lose_executor(gly_map_output_tracker *tracker, uint32_t executor_id,
                                              gly_map_output_tracker_lost lost, void *context) {
    uint32_t count = 0;
    for (size_t i = 0; i < tracker->shuffles.count; i++) {
        shuffle *s = tracker->shuffles.items[i];
        if (s->missing_count == s->map_count) {
            continue;
        }
        for (uint32_t p = 0; p < s->map_count; p++) {
            if (s->outputs[p].is_available && s->outputs[p].executor_id == executor_id) {
                lose_output(s, p);
                count++;
                if (lost != NULL) {
                    lost(context, s->id, p);
                }
            }
        }
    }
    tracker->epoch++;
    return count;
}

uint32_t gly_map_output_tracker_lose_shuffle(gly_map_output_tracker *tracker, uint32_t shuffle_id) {
    shuffle *s = find(tracker, shuffle_id);
    uint32_t count = 0;
    for (uint32_t p = 0; s != NULL && p < s->map_count; p++) {
        if (s->outputs[p].is_available) {
            lose_output(s, p);
            count++;
        }
    }
    tracker->epoch++;
    return count;
}

uint64_t gly_map_output_tracker_epoch(const gly_map_output_tracker *tracker) {
    return tracker->epoch;
}
