/* test_reconcile_schedule.c - what follows from a time that is due and the runs there are. */
#include "k8s/operator/reconcile_schedule.h"
#include "tests/support/check.h"

enum { MINUTE = 60000 };

typedef struct scene {
    gly_arena *arena;
    gly_schedule schedule;
    gly_schedule_due due;
    gly_schedule_run runs[8];
    uint32_t run_count;
    gly_schedule_decision decision;
} scene;

static void scene_init(scene *s) {
    memset(s, 0, sizeof *s);
    s->arena = gly_arena_make();
    s->schedule = (gly_schedule){.namespace_name = "n",
                                 .name = "tick",
                                 .uid = "u",
                                 .successful_limit = 3,
                                 .failed_limit = 1,
                                 .last_schedule_ms = 100 * MINUTE};
    s->due = (gly_schedule_due){.due_ms = -1, .late_ms = -1, .next_ms = 105 * MINUTE};
}

static void add_run(scene *s, const char *name, gly_application_phase phase, int64_t minute) {
    s->runs[s->run_count++] =
        (gly_schedule_run){.name = name, .uid = name, .phase = phase, .time_ms = minute * MINUTE};
}

static void decide(scene *s) {
    gly_reconcile_schedule_decide(s->arena, &s->schedule, &s->due, s->runs, s->run_count,
                                  &s->decision);
}

static bool deletes(const scene *s, const char *name) {
    for (uint32_t i = 0; i < s->decision.delete_count; i++) {
        if (strcmp(s->decision.deletes[i]->name, name) == 0) {
            return true;
        }
    }
    return false;
}

GLY_TEST(nothing_is_due) {
    scene s;
    scene_init(&s);
    add_run(&s, "tick-100", GLY_PHASE_RUNNING, 100);
    decide(&s);
    GLY_CHECK_INT(s.decision.create_ms, -1);
    GLY_CHECK_INT(s.decision.last_schedule_ms, 100 * MINUTE);
    GLY_CHECK_INT(s.decision.active_count, 1);
    GLY_CHECK_INT(s.decision.delete_count, 0);
    gly_arena_free(s.arena);
}

GLY_TEST(allow_makes_another) {
    scene s;
    scene_init(&s);
    s.due.due_ms = 101 * MINUTE;
    add_run(&s, "tick-100", GLY_PHASE_RUNNING, 100);
    decide(&s);
    GLY_CHECK_INT(s.decision.create_ms, 101 * MINUTE);
    GLY_CHECK_INT(s.decision.last_schedule_ms, 101 * MINUTE);
    GLY_CHECK_INT(s.decision.active_count, 1);
    gly_arena_free(s.arena);
}

GLY_TEST(what_was_made_before_a_kill_is_not_made_twice) {
    scene s;
    scene_init(&s);
    s.due.due_ms = 101 * MINUTE;
    add_run(&s, gly_schedule_application_name(s.arena, &s.schedule, s.due.due_ms), GLY_PHASE_NONE,
            101);
    decide(&s);
    GLY_CHECK_INT(s.decision.create_ms, -1);
    GLY_CHECK_INT(s.decision.last_schedule_ms, 101 * MINUTE);
    gly_arena_free(s.arena);
}

GLY_TEST(forbid_waits_and_keeps_the_time) {
    scene s;
    scene_init(&s);
    s.schedule.concurrency = GLY_CONCURRENCY_FORBID;
    s.due.due_ms = 101 * MINUTE;
    add_run(&s, "tick-100", GLY_PHASE_SUSPENDED, 100);
    decide(&s);
    GLY_CHECK(s.decision.is_skipped);
    GLY_CHECK_INT(s.decision.create_ms, -1);
    GLY_CHECK_INT(s.decision.last_schedule_ms, 100 * MINUTE);
    s.runs[0].phase = GLY_PHASE_SUCCEEDED;
    decide(&s);
    GLY_CHECK_INT(s.decision.create_ms, 101 * MINUTE);
    gly_arena_free(s.arena);
}

GLY_TEST(replace_deletes_what_runs) {
    scene s;
    scene_init(&s);
    s.schedule.concurrency = GLY_CONCURRENCY_REPLACE;
    s.due.due_ms = 101 * MINUTE;
    add_run(&s, "tick-99", GLY_PHASE_STARTING, 99);
    add_run(&s, "tick-100", GLY_PHASE_RUNNING, 100);
    s.runs[1].is_deleting = true;
    add_run(&s, "tick-98", GLY_PHASE_SUCCEEDED, 98);
    decide(&s);
    GLY_CHECK_INT(s.decision.create_ms, 101 * MINUTE);
    GLY_CHECK_INT(s.decision.delete_count, 1);
    GLY_CHECK(deletes(&s, "tick-99"));
    gly_arena_free(s.arena);
}

GLY_TEST(history_limits_keep_the_newest) {
    scene s;
    scene_init(&s);
    s.schedule.successful_limit = 2;
    s.schedule.failed_limit = 0;
    add_run(&s, "a", GLY_PHASE_SUCCEEDED, 10);
    add_run(&s, "b", GLY_PHASE_SUCCEEDED, 30);
    add_run(&s, "c", GLY_PHASE_SUCCEEDED, 20);
    add_run(&s, "d", GLY_PHASE_FAILED, 40);
    add_run(&s, "e", GLY_PHASE_RUNNING, 5);
    decide(&s);
    GLY_CHECK_INT(s.decision.delete_count, 2);
    GLY_CHECK(deletes(&s, "a") && deletes(&s, "d"));
    GLY_CHECK_INT(s.decision.active_count, 1);
    gly_arena_free(s.arena);
}

GLY_SUITE("reconcile_schedule", nothing_is_due, allow_makes_another,
          what_was_made_before_a_kill_is_not_made_twice, forbid_waits_and_keeps_the_time,
          replace_deletes_what_runs, history_limits_keep_the_newest)
