/* test_allocation.c - targets over time, as tables: what is there and waits, what is wanted then.
 */
#include "driver/allocation/allocation.h"
#include "tests/support/check.h"

enum { MOST = 64 };

typedef struct scene {
    gly_allocation *allocation;
    gly_allocation_executor executors[MOST];
    uint32_t count;
    uint32_t next_id;
    gly_allocation_decision last;
} scene;

static const gly_allocation_rules spark = {.is_dynamic = true,
                                           .max = 20,
                                           .backlog_ms = 1000,
                                           .sustained_ms = 1000,
                                           .idle_ms = 60000,
                                           .slots = 2,
                                           .admitted = GLY_ALLOCATION_NO_CAP};

static void add(scene *s, uint32_t count, bool is_busy, int64_t now_ms) {
    for (uint32_t i = 0; i < count; i++) {
        s->executors[s->count++] = (gly_allocation_executor){
            .id = ++s->next_id, .is_registered = true, .is_busy = is_busy, .idle_since_ms = now_ms};
    }
}

static void set_busy(scene *s, bool is_busy, int64_t now_ms) {
    for (uint32_t i = 0; i < s->count; i++) {
        s->executors[i].is_busy = is_busy;
        s->executors[i].idle_since_ms = now_ms;
    }
}

static uint32_t step(scene *s, uint64_t pending, uint64_t running, int64_t now_ms) {
    gly_allocation_input input = {.pending_tasks = pending,
                                  .running_tasks = running,
                                  .active_jobs = pending + running > 0,
                                  .executor_count = s->count,
                                  .executors = s->executors};
    s->last = gly_allocation_step(s->allocation, &input, now_ms);
    for (uint32_t i = 0; i < s->last.let_go_count; i++) {
        for (uint32_t e = 0; e < s->count; e++) {
            if (s->executors[e].id == s->last.let_go[i]) {
                s->executors[e].is_leaving = true;
            }
        }
    }
    return s->last.wanted;
}

typedef struct moment {
    int64_t now_ms;
    uint64_t pending, running;
    uint32_t wanted;
} moment;

static void play(scene *s, const moment *moments, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint32_t wanted = step(s, moments[i].pending, moments[i].running, moments[i].now_ms);
        if (wanted != moments[i].wanted) {
            fprintf(stderr, "at %lld ms %u are wanted, not %u\n", (long long)moments[i].now_ms,
                    wanted, moments[i].wanted);
        }
        CU_ASSERT(wanted == moments[i].wanted);
    }
}

GLY_TEST(a_queue_doubles_the_executors) {
    scene s = {.allocation = gly_allocation_make(&spark)};
    static const moment moments[] = {
        {0, 0, 0, 0},       {500, 100, 0, 0},   {1400, 100, 0, 0},  {1500, 100, 0, 1},
        {2400, 100, 0, 1},  {2500, 100, 0, 3},  {3500, 100, 0, 7},  {4500, 100, 0, 15},
        {5500, 100, 0, 20}, {6500, 100, 0, 20}, {7500, 100, 0, 20},
    };
    play(&s, moments, GLY_ARRAY_LEN(moments));
    gly_allocation_free(s.allocation);
}

GLY_TEST(no_more_than_the_tasks_need) {
    scene s = {.allocation = gly_allocation_make(&spark)};
    static const moment moments[] = {
        {0, 9, 0, 0},    {1000, 9, 0, 1}, {2000, 9, 0, 3}, {3000, 9, 0, 5}, /* ceil(9 / 2) */
        {4000, 5, 4, 5}, {5000, 0, 4, 2}, {5100, 0, 1, 1}, {5200, 0, 0, 0},
    };
    play(&s, moments, GLY_ARRAY_LEN(moments));
    GLY_CHECK_TEXT(s.last.why, "fewer tasks than slots");
    GLY_CHECK_INT(s.last.let_go_count, 0); /* a lower target lets nobody go */
    gly_allocation_free(s.allocation);
}

GLY_TEST(an_empty_queue_starts_again_from_one) {
    scene s = {.allocation = gly_allocation_make(&spark)};
    static const moment moments[] = {
        {0, 50, 0, 0},    {1000, 50, 0, 1}, {2000, 50, 0, 3}, {2100, 0, 6, 3},
        {3000, 50, 6, 3}, {3900, 50, 6, 3}, {4000, 50, 6, 4}, {5000, 50, 6, 6},
    };
    play(&s, moments, GLY_ARRAY_LEN(moments));
    gly_allocation_free(s.allocation);
}

GLY_TEST(the_initial_target_stays_until_the_first_job) {
    gly_allocation_rules rules = spark;
    rules.min = 1;
    rules.initial = 4;
    scene s = {.allocation = gly_allocation_make(&rules)};
    add(&s, 4, false, 0);
    GLY_CHECK_INT(step(&s, 0, 0, 0), 4);
    GLY_CHECK_INT(step(&s, 0, 0, 50000), 4);
    GLY_CHECK_INT(s.last.next_ms, 60000);
    GLY_CHECK_INT(step(&s, 0, 0, 60000), 4); /* idle for too long: the initial target is over */
    GLY_CHECK_INT(s.last.let_go_count, 0);
    GLY_CHECK_INT(step(&s, 0, 0, s.last.next_ms), 1);
    GLY_CHECK_INT(s.last.let_go_count, 3);
    GLY_CHECK_INT(s.last.let_go[0], 4); /* the newest first */
    gly_allocation_free(s.allocation);
}

GLY_TEST(idle_executors_go_after_their_time) {
    gly_allocation_rules rules = spark;
    rules.min = 1;
    scene s = {.allocation = gly_allocation_make(&rules)};
    add(&s, 4, true, 0);
    GLY_CHECK_INT(step(&s, 0, 8, 0), 1);
    set_busy(&s, false, 10000);
    s.executors[2].idle_since_ms = 20000;
    GLY_CHECK_INT(step(&s, 0, 0, 10000), 1);
    GLY_CHECK_INT(s.last.next_ms, 70000);
    step(&s, 0, 0, 69999);
    GLY_CHECK_INT(s.last.let_go_count, 0);
    step(&s, 0, 0, 70000);
    GLY_CHECK_INT(s.last.let_go_count, 3);
    GLY_CHECK_TEXT(s.last.why, "idle");
    step(&s, 0, 0, 80000); /* the last one is the minimum */
    GLY_CHECK_INT(s.last.let_go_count, 0);
    gly_allocation_free(s.allocation);
}

GLY_TEST(data_that_is_needed_keeps_an_executor) {
    scene s = {.allocation = gly_allocation_make(&spark)};
    add(&s, 3, false, 0);
    s.executors[0].has_cache = true;
    s.executors[1].has_shuffle = true;
    s.executors[1].shuffle_bytes = 10;
    step(&s, 0, 0, 60000);
    step(&s, 0, 0, 60100);
    GLY_CHECK_INT(s.last.let_go_count, 0); /* let go in the step before */
    GLY_CHECK(!s.executors[0].is_leaving && !s.executors[1].is_leaving);
    GLY_CHECK(s.executors[2].is_leaving);
    gly_allocation_rules rules = spark;
    rules.can_migrate = true;
    gly_allocation_set_rules(s.allocation, &rules);
    step(&s, 0, 0, 60200);
    GLY_CHECK(!s.executors[0].is_leaving && s.executors[1].is_leaving);
    gly_allocation_free(s.allocation);
}

GLY_TEST(executors_that_never_come_are_given_up) {
    scene s = {.allocation = gly_allocation_make(&spark)};
    add(&s, 2, false, 0);
    s.executors[0].is_registered = false;
    s.executors[1].is_busy = true;
    step(&s, 0, 2, 60000);
    GLY_CHECK_INT(s.last.wanted, 0 + 0);
    GLY_CHECK(s.executors[0].is_leaving && !s.executors[1].is_leaving);
    gly_allocation_free(s.allocation);
}

GLY_TEST(fixed_follows_scaling) {
    gly_allocation_rules rules = {.fixed = 4, .slots = 1, .admitted = GLY_ALLOCATION_NO_CAP};
    scene s = {.allocation = gly_allocation_make(&rules)};
    GLY_CHECK_INT(step(&s, 0, 0, 0), 4);
    GLY_CHECK_INT(s.last.next_ms, GLY_ALLOCATION_NEVER);
    add(&s, 4, true, 0);
    GLY_CHECK_INT(step(&s, 1000, 4, 10000), 4);
    s.executors[1].is_busy = false; /* id 2, but with shuffle data */
    s.executors[1].has_shuffle = true;
    s.executors[1].shuffle_bytes = 1000;
    s.executors[2].has_shuffle = s.executors[3].has_shuffle = true;
    s.executors[0].has_shuffle = true;
    s.executors[0].shuffle_bytes = 5;
    s.executors[2].shuffle_bytes = 900;
    s.executors[3].shuffle_bytes = 900;
    rules.fixed = 2;
    gly_allocation_set_rules(s.allocation, &rules);
    GLY_CHECK_INT(step(&s, 1000, 4, 10100), 2);
    GLY_CHECK_TEXT(s.last.why, "scaled");
    GLY_CHECK_INT(s.last.let_go_count, 2);
    GLY_CHECK_INT(s.last.let_go[0], 2); /* idle */
    GLY_CHECK_INT(s.last.let_go[1], 1); /* least to move */
    GLY_CHECK_INT(step(&s, 1000, 4, 10200), 2);
    GLY_CHECK_INT(s.last.let_go_count, 0);
    rules.fixed = 6;
    gly_allocation_set_rules(s.allocation, &rules);
    GLY_CHECK_INT(step(&s, 1000, 2, 10300), 6);
    GLY_CHECK_INT(s.last.previous, 2);
    gly_allocation_free(s.allocation);
}

GLY_TEST(admission_is_a_cap) {
    gly_allocation_rules rules = spark;
    rules.min = 3;
    rules.admitted = 2;
    scene s = {.allocation = gly_allocation_make(&rules)};
    static const moment moments[] = {{0, 50, 0, 2}, {1000, 50, 0, 2}, {2000, 50, 0, 2}};
    play(&s, moments, GLY_ARRAY_LEN(moments));
    GLY_CHECK_INT(s.last.next_ms, GLY_ALLOCATION_NEVER);
    rules.admitted = 5;
    gly_allocation_set_rules(s.allocation, &rules);
    static const moment later[] = {
        {2100, 50, 0, 3}, {3000, 50, 0, 4}, {4000, 50, 0, 5}, {5000, 50, 0, 5}};
    play(&s, later, GLY_ARRAY_LEN(later));
    add(&s, 5, true, 5000);
    rules.admitted = 1;
    gly_allocation_set_rules(s.allocation, &rules);
    GLY_CHECK_INT(step(&s, 50, 10, 5100), 1);
    GLY_CHECK_INT(s.last.let_go_count, 4);
    gly_allocation_free(s.allocation);
}

GLY_SUITE("allocation", a_queue_doubles_the_executors, no_more_than_the_tasks_need,
          an_empty_queue_starts_again_from_one, the_initial_target_stays_until_the_first_job,
          idle_executors_go_after_their_time, data_that_is_needed_keeps_an_executor,
          executors_that_never_come_are_given_up, fixed_follows_scaling, admission_is_a_cap)
