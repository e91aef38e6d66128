/* test_spill.c - spill files of a task: counted, readable anywhere, gone without a trace. */
#include "lib/engine/pipeline/spill.h"

#include "lib/base/alloc.h"
#include "lib/engine/pipeline/task_state.h"
#include "tests/support/check.h"

#include <dirent.h>
#include <unistd.h>

typedef struct fixture {
    gly_arena *arena;
    gly_budget memory;
    gly_task_environment environment;
    gly_task_spec spec;
    gly_task_result result;
    gly_task_state task;
} fixture;

static void open_fixture(fixture *f, const char *directory) {
    memset(f, 0, sizeof *f);
    f->arena = gly_arena_make();
    gly_budget_init(&f->memory, NULL, 1000);
    f->environment =
        (gly_task_environment){.memory = &f->memory, .local_dir = directory, .slot_count = 4};
    f->spec = (gly_task_spec){.query_id = 3, .task_id = 8};
    gly_task_state_init(&f->task, f->arena, &f->environment, &f->spec, &f->result);
}

static void close_fixture(fixture *f) {
    gly_task_state_clear(&f->task);
    GLY_CHECK_INT(gly_budget_used(&f->memory), 0);
    gly_arena_free(f->arena);
}

GLY_TEST(what_is_written_is_read) {
    char directory[] = "/tmp/gly-spill-XXXXXX";
    GLY_CHECK(mkdtemp(directory) != NULL);
    fixture f;
    open_fixture(&f, directory);
    GLY_CHECK_INT(gly_budget_available(&f.task.budget), 250); /* a fourth */
    gly_error err;
    gly_spill *a;
    gly_spill *b;
    GLY_CHECK_OK(gly_spill_open(&f.task, &a, &err), &err);
    GLY_CHECK_OK(gly_spill_open(&f.task, &b, &err), &err);
    char bytes[100000];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (char)(i * 7);
    }
    GLY_CHECK_OK(gly_spill_write(a, bytes, sizeof bytes, &err), &err);
    GLY_CHECK_OK(gly_spill_write(b, "x", 1, &err), &err);
    GLY_CHECK_OK(gly_spill_write(a, bytes, 10, &err), &err);
    GLY_CHECK_INT(gly_spill_size(a), sizeof bytes + 10);
    char back[50];
    GLY_CHECK_OK(gly_spill_read_at(a, 99970, 40, back, &err), &err);
    GLY_CHECK(memcmp(back, bytes + 99970, 30) == 0 && memcmp(back + 30, bytes, 10) == 0);
    GLY_CHECK_INT(gly_spill_read_at(a, 100000, 11, back, &err), GLY_E_IO);
    GLY_CHECK_INT(rmdir(directory), -1); /* the task's directory is in it */
    gly_spill_close(a);
    gly_spill_close(b);
    gly_spill_close(NULL);
    GLY_CHECK(gly_budget_try_reserve(&f.task.budget, 200)); /* left behind: cleared all the same */
    close_fixture(&f);
    GLY_CHECK_INT(f.result.metrics.spill_bytes, sizeof bytes + 11);
    GLY_CHECK_INT(f.result.metrics.spill_count, 2);
    GLY_CHECK_INT(f.result.metrics.peak_memory_bytes, 200);
    GLY_CHECK_INT(rmdir(directory), 0);
}

GLY_TEST(errors_name_the_place) {
    fixture f;
    open_fixture(&f, "/nonexistent/spills");
    gly_error err = {0};
    gly_spill *spill;
    GLY_CHECK_INT(gly_spill_open(&f.task, &spill, &err), GLY_E_PATH_NOT_FOUND);
    GLY_CHECK(strstr(err.message, "/nonexistent/spills") != NULL);
    close_fixture(&f);
}

GLY_SUITE("spill", what_is_written_is_read, errors_name_the_place)
