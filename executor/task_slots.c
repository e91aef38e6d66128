/* task_slots.c - a queue, `cores` threads, and a count of free slots.
 *
 * Strictly first in, first out: a wide task at the head waits until enough slots are free, and
 * nothing overtakes it (it would starve).  Threads are made when the first tasks come, one per
 * waiting task, so an idle executor has none. Invariant: free_slots + the widths of running tasks =
 * cores.
 */
#include "executor/task_slots.h"

#include "lib/base/alloc.h"
#include "lib/base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

enum { STACK_BYTES = 4 << 20, KEEP_ARENA_BYTES = 256 << 10 };

struct gly_task_slots {
    gly_task_slots_callbacks callbacks;
    uint32_t cores;
    pthread_mutex_t lock;
    pthread_cond_t work;  /* for task threads */
    pthread_cond_t ended; /* a thread ended */
    gly_slot_task *head, **tail;
    uint32_t queued, free_slots, idle_threads;
    gly_slot_task **running; /* one place per thread */
    pthread_t *threads;
    uint32_t thread_count, live_threads;
    bool stopping;
};

typedef struct thread_start {
    gly_task_slots *slots;
    uint32_t index;
} thread_start;

gly_task_slots *gly_task_slots_make(uint32_t cores, const gly_task_slots_callbacks *callbacks) {
    gly_task_slots *slots = GLY_NEW(gly_task_slots);
    slots->callbacks = *callbacks;
    slots->cores = slots->free_slots = cores;
    slots->tail = &slots->head;
    slots->running = GLY_NEW_ARRAY(gly_slot_task *, cores);
    slots->threads = GLY_NEW_ARRAY(pthread_t, cores);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&slots->lock, NULL);
    pthread_cond_init(&slots->work, NULL);
    pthread_cond_init(&slots->ended, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return slots;
}

static void free_task(gly_slot_task *task) {
    gly_stage_cache_unref(task->stage);
    free(task);
}

/* The head of the queue if it may start; the caller holds the lock. */
static gly_slot_task *take_head(gly_task_slots *slots) {
    gly_slot_task *task = slots->head;
    if (task == NULL || task->width > slots->free_slots) {
        return NULL;
    }
    slots->head = task->next;
    if (slots->head == NULL) {
        slots->tail = &slots->head;
    }
    slots->queued--;
    slots->free_slots -= task->width;
    task->next = NULL;
    return task;
}

static void *work(void *argument);

/* The caller holds the lock. */
static void add_thread(gly_task_slots *slots) {
    thread_start *start = GLY_NEW(thread_start);
    *start = (thread_start){slots, slots->thread_count};
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    GLY_ASSERT(pthread_create(&slots->threads[slots->thread_count], &attributes, work, start) == 0);
    pthread_attr_destroy(&attributes);
    slots->thread_count++;
    slots->live_threads++;
}

/* Wakes or makes threads for what may start now; coming: threads that look for work anyway.  The
 * caller holds the lock. */
static void provide_threads(gly_task_slots *slots, uint32_t coming) {
    uint32_t wanted = GLY_MIN(slots->queued, slots->free_slots);
    wanted -= GLY_MIN(wanted, coming);
    for (uint32_t i = 0; i < wanted && i < slots->idle_threads; i++) {
        pthread_cond_signal(&slots->work);
    }
    for (uint32_t i = slots->idle_threads;
         i < wanted && slots->thread_count < slots->cores && !slots->stopping; i++) {
        add_thread(slots);
    }
}

static void *work(void *argument) {
    thread_start start = *(thread_start *)argument;
    free(argument);
    gly_task_slots *slots = start.slots;
    char name[16];
    snprintf(name, sizeof name, "gly-task-%u", start.index % 1000);
    pthread_setname_np(pthread_self(), name);
    gly_arena *arena = gly_arena_make();
    pthread_mutex_lock(&slots->lock);
    for (;;) {
        gly_slot_task *task = slots->stopping ? NULL : take_head(slots);
        if (task == NULL) {
            if (slots->stopping) {
                break;
            }
            slots->idle_threads++;
            pthread_cond_wait(&slots->work, &slots->lock);
            slots->idle_threads--;
            continue;
        }
        task->started_ns = gly_clock_ns();
        slots->running[start.index] = task;
        pthread_mutex_unlock(&slots->lock);

        slots->callbacks.run(slots->callbacks.context, arena, task);
        if (gly_arena_size(arena) > KEEP_ARENA_BYTES) {
            gly_arena_free(arena);
            arena = gly_arena_make();
        } else {
            gly_arena_reset(arena);
        }

        pthread_mutex_lock(&slots->lock);
        slots->running[start.index] = NULL;
        slots->free_slots += task->width;
        if (slots->queued > 0 && slots->free_slots > 1) {
            provide_threads(slots, 1); /* a wide task made room for more than the next */
        }
        free_task(task);
    }
    slots->live_threads--;
    pthread_cond_signal(&slots->ended);
    pthread_mutex_unlock(&slots->lock);
    gly_arena_free(arena);
    return NULL;
}

void gly_task_slots_push(gly_task_slots *slots, gly_slot_task *first) {
    if (first == NULL) {
        return;
    }
    pthread_mutex_lock(&slots->lock);
    uint32_t added = 0;
    *slots->tail = first;
    for (gly_slot_task *task = first; task != NULL; task = task->next) {
        task->width = GLY_MAX(1u, GLY_MIN(task->width, slots->cores));
        slots->tail = &task->next;
        added++;
    }
    slots->queued += added;
    provide_threads(slots, 0);
    pthread_mutex_unlock(&slots->lock);
}

/* Takes queued tasks that match out of the queue and marks the running ones; the caller holds the
 * lock. count ids, or all of query_id when ids is NULL; all is everything. */
static gly_slot_task *cancel_matching(gly_task_slots *slots, const uint64_t *ids, size_t count,
                                      uint64_t query_id, bool all) {
    gly_slot_task *removed = NULL, **removed_tail = &removed;
    gly_slot_task **link = &slots->head;
    while (*link != NULL) {
        gly_slot_task *task = *link;
        bool matches = all || (ids == NULL && task->query_id == query_id);
        for (size_t i = 0; !matches && ids != NULL && i < count; i++) {
            matches = ids[i] == task->task_id;
        }
        if (matches) {
            *link = task->next;
            task->next = NULL;
            *removed_tail = task;
            removed_tail = &task->next;
            slots->queued--;
        } else {
            link = &task->next;
        }
    }
    slots->tail = link;
    for (uint32_t i = 0; i < slots->thread_count; i++) {
        gly_slot_task *task = slots->running[i];
        if (task == NULL) {
            continue;
        }
        bool matches = all || (ids == NULL && task->query_id == query_id);
        for (size_t k = 0; !matches && ids != NULL && k < count; k++) {
            matches = ids[k] == task->task_id;
        }
        if (matches) {
            atomic_store(&task->cancelled, true);
        }
    }
    return removed;
}

static void kill_matching(gly_task_slots *slots, const uint64_t *ids, size_t count,
                          uint64_t query_id, bool all) {
    pthread_mutex_lock(&slots->lock);
    gly_slot_task *removed = cancel_matching(slots, ids, count, query_id, all);
    if (slots->queued > 0) {
        provide_threads(slots, 0); /* a wide one at the head may be gone */
    }
    pthread_mutex_unlock(&slots->lock);
    while (removed != NULL) {
        gly_slot_task *task = removed;
        removed = task->next;
        slots->callbacks.killed(slots->callbacks.context, task);
        free_task(task);
    }
}

void gly_task_slots_kill(gly_task_slots *slots, const uint64_t *task_ids, size_t count) {
    static const uint64_t none = 0;
    kill_matching(slots, task_ids == NULL ? &none : task_ids, count, 0, false);
}

void gly_task_slots_kill_query(gly_task_slots *slots, uint64_t query_id) {
    kill_matching(slots, NULL, 0, query_id, false);
}

void gly_task_slots_kill_all(gly_task_slots *slots) { kill_matching(slots, NULL, 0, 0, true); }

bool gly_task_slots_busy(gly_task_slots *slots) {
    pthread_mutex_lock(&slots->lock);
    bool busy = slots->queued > 0 || slots->free_slots < slots->cores;
    pthread_mutex_unlock(&slots->lock);
    return busy;
}

uint32_t gly_task_slots_snapshot(gly_task_slots *slots, gly_task_slots_running *ret,
                                 uint32_t capacity, uint32_t *ret_queued) {
    uint32_t count = 0;
    pthread_mutex_lock(&slots->lock);
    for (uint32_t i = 0; i < slots->thread_count && count < capacity; i++) {
        if (slots->running[i] != NULL) {
            ret[count++] =
                (gly_task_slots_running){slots->running[i]->task_id, slots->running[i]->started_ns};
        }
    }
    *ret_queued = slots->queued;
    pthread_mutex_unlock(&slots->lock);
    return count;
}

bool gly_task_slots_free(gly_task_slots *slots, int64_t wait_ms) {
    if (slots == NULL) {
        return true;
    }
    int64_t until = gly_clock_ns() + wait_ms * 1000000;
    struct timespec deadline = {until / 1000000000, until % 1000000000};
    pthread_mutex_lock(&slots->lock);
    slots->stopping = true;
    pthread_cond_broadcast(&slots->work);
    pthread_mutex_unlock(&slots->lock);
    gly_task_slots_kill_all(slots);
    pthread_mutex_lock(&slots->lock);
    while (slots->live_threads > 0 &&
           pthread_cond_timedwait(&slots->ended, &slots->lock, &deadline) != ETIMEDOUT) {
    }
    bool all_ended = slots->live_threads == 0;
    pthread_mutex_unlock(&slots->lock);
    if (!all_ended) {
        return false;
    }
    for (uint32_t i = 0; i < slots->thread_count; i++) {
        pthread_join(slots->threads[i], NULL);
    }
    pthread_cond_destroy(&slots->work);
    pthread_cond_destroy(&slots->ended);
    pthread_mutex_destroy(&slots->lock);
    free(slots->running);
    free(slots->threads);
    free(slots);
    return true;
}
