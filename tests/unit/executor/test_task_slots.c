/* test_task_slots.c - order, widths, kills and the end of the executor's task threads. */
#include "executor/task_slots.h"

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "tests/support/check.h"

#include <pthread.h>

typedef struct record {
    atomic_uint run, killed, running_width, most_width;
    atomic_bool hold; /* tasks wait while it is set and they are not cancelled */
    uint64_t order[4096];
    pthread_mutex_t lock;
    uint32_t count;
} record;

static void run(void *context, gly_arena *arena, gly_slot_task *task) {
    record *self = context;
    gly_arena_alloc(arena, 100000);
    unsigned now = atomic_fetch_add(&self->running_width, task->width) + task->width;
    unsigned most = atomic_load(&self->most_width);
    while (now > most && !atomic_compare_exchange_weak(&self->most_width, &most, now)) {
    }
    pthread_mutex_lock(&self->lock);
    if (self->count < GLY_ARRAY_LEN(self->order)) {
        self->order[self->count++] = task->task_id;
    }
    pthread_mutex_unlock(&self->lock);
    while (atomic_load(&self->hold) && !atomic_load(&task->cancelled)) {
        gly_clock_sleep_ms(1);
    }
    atomic_fetch_sub(&self->running_width, task->width);
    atomic_fetch_add(&self->run, 1);
}

static void killed(void *context, gly_slot_task *task) {
    record *self = context;
    (void)task;
    atomic_fetch_add(&self->killed, 1);
}

static gly_task_slots *make(record *self, uint32_t cores) {
    memset(self, 0, sizeof *self);
    pthread_mutex_init(&self->lock, NULL);
    gly_task_slots_callbacks callbacks = {run, killed, self};
    return gly_task_slots_make(cores, &callbacks);
}

static void push(gly_task_slots *slots, uint64_t id, uint64_t query_id, uint32_t width) {
    gly_slot_task *task = GLY_NEW(gly_slot_task);
    task->task_id = id;
    task->query_id = query_id;
    task->width = width;
    task->arrived_ns = gly_clock_ns();
    gly_task_slots_push(slots, task);
}

static bool wait_for(atomic_uint *value, unsigned wanted) {
    for (int i = 0; i < 5000 && atomic_load(value) < wanted; i++) {
        gly_clock_sleep_ms(1);
    }
    return atomic_load(value) == wanted;
}

GLY_TEST(one_core_keeps_the_order) {
    record self;
    gly_task_slots *slots = make(&self, 1);
    for (uint64_t i = 0; i < 1000; i++) {
        push(slots, i, 1, 1);
    }
    GLY_CHECK(wait_for(&self.run, 1000));
    for (uint64_t i = 0; i < 1000; i++) {
        GLY_CHECK_INT(self.order[i], i);
    }
    GLY_CHECK(!gly_task_slots_busy(slots));
    GLY_CHECK(gly_task_slots_free(slots, 1000));
}

GLY_TEST(widths_never_exceed_the_slots) {
    record self;
    gly_task_slots *slots = make(&self, 4);
    for (uint64_t i = 0; i < 2000; i++) {
        push(slots, i, 1, 1 + (uint32_t)(i * 7 % 6)); /* 5 and 6 are cut to 4, 0 never */
    }
    GLY_CHECK(wait_for(&self.run, 2000));
    GLY_CHECK(atomic_load(&self.most_width) <= 4);
    GLY_CHECK(gly_task_slots_free(slots, 1000));
}

GLY_TEST(kills_by_id_query_and_all) {
    record self;
    gly_task_slots *slots = make(&self, 2);
    atomic_store(&self.hold, true);
    for (uint64_t i = 1; i <= 10; i++) {
        push(slots, i, i % 2, 1);
    }
    GLY_CHECK(wait_for(&self.running_width, 2));
    gly_task_slots_running running[8];
    uint32_t queued;
    GLY_CHECK_INT(gly_task_slots_snapshot(slots, running, 8, &queued), 2);
    GLY_CHECK_INT(queued, 8);
    GLY_CHECK_INT(gly_task_slots_snapshot(slots, running, 1, &queued), 1);
    uint64_t ids[] = {9, 10, 77};
    gly_task_slots_kill(slots, ids, 3);
    GLY_CHECK_INT(atomic_load(&self.killed), 2);
    gly_task_slots_kill(slots, NULL, 0);
    gly_task_slots_kill_query(slots, 0); /* 2 runs; 4, 6, 8 wait */
    GLY_CHECK_INT(atomic_load(&self.killed), 5);
    GLY_CHECK(wait_for(&self.run, 1));
    push(slots, 11, 5, 1);
    gly_task_slots_kill_all(slots);
    GLY_CHECK(wait_for(&self.run, 3)); /* 1, and 3 which came after 2; 2 before */
    GLY_CHECK_INT(atomic_load(&self.killed) + atomic_load(&self.run), 11);
    GLY_CHECK(gly_task_slots_free(slots, 1000));
}

GLY_TEST(a_wide_one_makes_room_for_many) {
    record self;
    gly_task_slots *slots = make(&self, 4);
    atomic_store(&self.hold, true);
    push(slots, 1, 1, 4);
    for (uint64_t i = 2; i <= 9; i++) {
        push(slots, i, 1, 1);
    }
    GLY_CHECK(wait_for(&self.running_width, 4));
    uint64_t first = 1;
    gly_task_slots_kill(slots, &first, 1);
    GLY_CHECK(wait_for(&self.run, 1));
    GLY_CHECK(wait_for(&self.running_width, 4));
    atomic_store(&self.hold, false);
    GLY_CHECK(wait_for(&self.run, 9));
    GLY_CHECK(gly_task_slots_free(slots, 1000));
}

GLY_TEST(ends_with_tasks_inside) {
    record self;
    gly_task_slots *slots = make(&self, 2);
    atomic_store(&self.hold, true);
    for (uint64_t i = 0; i < 6; i++) {
        push(slots, i, 1, 1);
    }
    GLY_CHECK(gly_task_slots_free(slots, 2000)); /* cancels, waits */
    GLY_CHECK_INT(atomic_load(&self.killed) + atomic_load(&self.run), 6);
    slots = make(&self, 3); /* never used: no threads */
    GLY_CHECK(gly_task_slots_free(slots, 0));
    GLY_CHECK(gly_task_slots_free(NULL, 0));
}

GLY_SUITE("task slots", one_core_keeps_the_order, widths_never_exceed_the_slots,
          kills_by_id_query_and_all, a_wide_one_makes_room_for_many, ends_with_tasks_inside)
