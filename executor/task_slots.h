/* task_slots.h - the executor's task threads: a queue in launch order, `cores` slots.
 *
 * A task of width w occupies w slots but one of these threads; its other threads are the engine's.
 */
#ifndef GLY_TASK_SLOTS_H
#define GLY_TASK_SLOTS_H

#include "executor/stage_cache.h"
#include "lib/base/arena.h"

typedef struct gly_task_slots gly_task_slots;

typedef struct gly_slot_task gly_slot_task;
struct gly_slot_task {
    gly_slot_task *next;
    uint64_t task_id, query_id;
    uint32_t stage_id, stage_attempt, partition, task_attempt, width;
    gly_stage *stage;               /* a reference; NULL if the stage is not known */
    int64_t arrived_ns, started_ns; /* started 0: queued */
    atomic_bool cancelled;
};

typedef struct gly_task_slots_callbacks {
    /* Runs the task, on a task thread; the arena is that thread's, reset after each task. */
    void (*run)(void *context, gly_arena *arena, gly_slot_task *task);
    /* A queued task was killed; runs on the killer's thread. */
    void (*killed)(void *context, gly_slot_task *task);
    void *context;
} gly_task_slots_callbacks;

gly_task_slots *gly_task_slots_make(uint32_t cores, const gly_task_slots_callbacks *callbacks);
/* Stops taking tasks, cancels all, waits for the threads up to wait_ms.  True: all ended, memory is
 * freed.  False: some still run, and everything stays as it is: the process must exit. */
bool gly_task_slots_free(gly_task_slots *slots, int64_t wait_ms);
/* A chain linked by next, in order; tasks are malloc'd and freed here after their end.  Width is
 * cut to the number of slots. */
void gly_task_slots_push(gly_task_slots *slots, gly_slot_task *first);
/* Queued ones are taken out and reported by killed; running ones see their flag. */
void gly_task_slots_kill(gly_task_slots *slots, const uint64_t *task_ids, size_t count);
void gly_task_slots_kill_query(gly_task_slots *slots, uint64_t query_id);
void gly_task_slots_kill_all(gly_task_slots *slots);

/* Whether tasks run or wait. */
bool gly_task_slots_busy(gly_task_slots *slots);

typedef struct gly_task_slots_running {
    uint64_t task_id;
    int64_t started_ns;
} gly_task_slots_running;
/* Writes at most capacity running tasks to ret and returns their number. */
uint32_t gly_task_slots_snapshot(gly_task_slots *slots, gly_task_slots_running *ret,
                                 uint32_t capacity, uint32_t *ret_queued);

#endif
