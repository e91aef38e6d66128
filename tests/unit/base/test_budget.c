/* test_budget.c - reservations up and down the tree, what is given back first, and who looks. */
#include "lib/base/budget.h"

#include <pthread.h>

#include "tests/support/check.h"

GLY_TEST(counts_at_every_level) {
    gly_budget process, task;
    gly_budget_init(&process, NULL, 100);
    gly_budget_init(&task, &process, 80);
    GLY_CHECK(gly_budget_try_reserve(&task, 60));
    GLY_CHECK_INT(gly_budget_used(&process), 60);
    GLY_CHECK_INT(gly_budget_available(&task), 20);
    GLY_CHECK(!gly_budget_try_reserve(&task, 21));
    GLY_CHECK_INT(gly_budget_used(&task), 60);
    GLY_CHECK(gly_budget_try_reserve(&process, 30));
    GLY_CHECK(!gly_budget_try_reserve(&task, 11)); /* the parent says no: nothing stays counted */
    GLY_CHECK_INT(gly_budget_used(&task), 60);
    GLY_CHECK_INT(gly_budget_used(&process), 90);
    GLY_CHECK(!gly_budget_try_reserve(&task, SIZE_MAX));
    gly_budget_force(&task, 50);
    GLY_CHECK_INT(gly_budget_peak(&process), 140);
    GLY_CHECK_INT(gly_budget_available(&task), 0);
    gly_budget_release(&task, 110);
    gly_budget_release(&process, 30);
    GLY_CHECK_INT(gly_budget_used(&process), 0);
}

static size_t give_back(void *context, size_t bytes) {
    gly_budget_release(context, 50);
    return bytes;
}

GLY_TEST(asks_before_it_refuses) {
    gly_budget process;
    gly_budget_init(&process, NULL, 100);
    GLY_CHECK(gly_budget_try_reserve(&process, 90));
    process.reclaim = give_back;
    process.reclaim_context = &process;
    GLY_CHECK(gly_budget_try_reserve(&process, 20));
    GLY_CHECK_INT(gly_budget_used(&process), 60);
    gly_budget_release(&process, 60);
}

static void count_look(void *context) { atomic_fetch_add((atomic_int *)context, 1); }

enum { THREADS = 4, ROUNDS = 10000, STEP = 1000, PIECE = 10 };

static void *reserve_and_release(void *context) {
    for (int i = 0; i < ROUNDS; i++) {
        if (gly_budget_try_reserve(context, PIECE)) {
            gly_budget_release(context, PIECE);
        }
    }
    return NULL;
}

/* However little is held at a time, and by whom: once a step of what was ever reserved. */
GLY_TEST(looks_once_a_step) {
    gly_budget process, task;
    atomic_int looks = 0;
    gly_budget_init(&process, NULL, 100);
    gly_budget_init(&task, &process, SIZE_MAX);
    process.watch = count_look;
    process.watch_context = &looks;
    process.watch_step = STEP;
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        GLY_CHECK_INT(pthread_create(&threads[i], NULL, reserve_and_release, &task), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    GLY_CHECK_INT(atomic_load(&looks), THREADS * ROUNDS * PIECE / STEP);
    gly_budget_force(&task, 5 * STEP); /* one reservation, one look */
    GLY_CHECK_INT(atomic_load(&looks), THREADS * ROUNDS * PIECE / STEP + 1);
}

GLY_SUITE("budget", counts_at_every_level, asks_before_it_refuses, looks_once_a_step)
