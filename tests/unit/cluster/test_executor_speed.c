/* test_executor_speed.c - empty tasks through two single-core executors, idle memory, and memory under
 * stress.  Prints what it measures; its bounds are loose, as machines are shared. */
#include "tests/unit/cluster/cluster_harness.h"

static uint64_t resident_bytes(int64_t pid) {
    char path[64], line[256];
    uint64_t kib = 0;
    snprintf(path, sizeof path, "/proc/%lld/status", (long long)pid);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "VmRSS:", 6) == 0) {
            kib = strtoull(line + 6, NULL, 10);
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return kib << 10;
}

static double run_empty_tasks(harness *self, uint32_t query_id, uint32_t count, uint32_t chunk) {
    self->count_only = true;
    self->update_count = 0;
    harness_stage(self, 1, query_id, 0, DO_NOTHING, NULL, 0);
    harness_stage(self, 2, query_id, 0, DO_NOTHING, NULL, 0);
    gly_executor_endpoint_launch *launches = GLY_NEW_ARRAY(gly_executor_endpoint_launch, count);
    for (uint32_t i = 0; i < count; i++) {
        launches[i] = (gly_executor_endpoint_launch){
            .task_id = self->next_task++, .query_id = query_id, .partition = i, .width = 1};
    }
    int64_t before = gly_clock_ns();
    for (uint32_t at = 0, turn = 0; at < count; at += chunk, turn++) {
        gly_executor_endpoint_send_launch(self->endpoint, 1 + turn % 2, launches + at,
                                          GLY_MIN(chunk, count - at));
    }
    GLY_CHECK(harness_wait_count(self, count, 30000));
    double seconds = (double)(gly_clock_ns() - before) / 1e9;
    free(launches);
    return count / seconds;
}

/* The driver keeps at most `window` tasks per executor in flight, as a scheduler does. */
static double run_windowed(harness *self, uint32_t query_id, uint32_t count, uint32_t window) {
    self->count_only = true;
    self->update_count = 0;
    harness_stage(self, 1, query_id, 0, DO_NOTHING, NULL, 0);
    harness_stage(self, 2, query_id, 0, DO_NOTHING, NULL, 0);
    int64_t before = gly_clock_ns();
    uint32_t launched = 0, turn = 0;
    while (launched < count) {
        gly_executor_endpoint_launch launches[64];
        pthread_mutex_lock(&self->lock);
        while (launched - self->update_count > window && harness_wait_more(self, gly_clock_ms() + 1000)) {
        }
        uint32_t n = (uint32_t)GLY_MIN((uint64_t)GLY_MIN(window, 64u),
                                       2 * window - (launched - self->update_count));
        pthread_mutex_unlock(&self->lock);
        n = GLY_MIN(n, count - launched);
        for (uint32_t i = 0; i < n; i++) {
            launches[i] = (gly_executor_endpoint_launch){.task_id = self->next_task++,
                                                         .query_id = query_id,
                                                         .partition = launched + i,
                                                         .width = 1};
        }
        gly_executor_endpoint_send_launch(self->endpoint, 1 + turn++ % 2, launches, n);
        launched += n;
    }
    GLY_CHECK(harness_wait_count(self, count, 30000));
    return count / ((double)(gly_clock_ns() - before) / 1e9);
}

GLY_TEST(empty_tasks) {
    harness self;
    harness_start(&self, &(harness_options){.executors = 2, .cores = 1});
    printf("\n    registered after %.1f and %.1f ms, idle %.1f MB each\n",
           (double)self.executors[1].start_us / 1000, (double)self.executors[2].start_us / 1000,
           (double)resident_bytes(self.executors[1].pid) / 1e6);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    GLY_CHECK(resident_bytes(self.executors[1].pid) < 25000000);
#endif
    for (uint32_t i = 0; i < 3; i++) {
        printf("    10,000 empty tasks: %.0f/s launched 100 at a time, %.0f/s one by one, "
               "%.0f/s with 4 in flight\n",
               run_empty_tasks(&self, 3 * i, 10000, 100), run_empty_tasks(&self, 3 * i + 1, 10000, 1),
               run_windowed(&self, 3 * i + 2, 10000, 4));
    }
    GLY_CHECK(run_empty_tasks(&self, 100, 10000, 100) > 5000);
    harness_stop(&self);
}

GLY_TEST(one_task_at_a_time) {
    enum { COUNT = 2000 };
    harness self;
    harness_start(&self, &(harness_options){.executors = 1, .cores = 1});
    self.count_only = true;
    harness_stage(&self, 1, 1, 0, DO_NOTHING, NULL, 0);
    int64_t before = gly_clock_ns();
    for (uint64_t i = 1; i <= COUNT; i++) {
        harness_launch(&self, 1, 1, 0, 0);
        GLY_CHECK(harness_wait_count(&self, i, 5000));
    }
    printf("\n    launch to update: %.0f us\n", (double)(gly_clock_ns() - before) / COUNT / 1e3);
    harness_stop(&self);
}

GLY_TEST(memory_stays_below_the_limit) {
    enum { MEMORY_MIB = 256, TASKS = 120 };
    harness self;
    harness_start(&self, &(harness_options){.executors = 1,
                                            .cores = 4,
                                            .memory_bytes = (uint64_t)MEMORY_MIB << 20});
    self.count_only = true;
    harness_stage(&self, 1, 1, 0, DO_MEMORY, NULL, 0);
    for (uint32_t i = 0; i < TASKS; i++) {
        harness_launch(&self, 1, 1, 0, i % 3 == 0 ? 200 : 20 + i % 40);
    }
    uint64_t highest = 0;
    while (!harness_wait_count(&self, TASKS, 2)) {
        uint64_t now = resident_bytes(self.executors[1].pid);
        highest = GLY_MAX(highest, now);
    }
    gly_clock_sleep_ms(100);
    printf("\n    --memory %d MiB: highest resident %.0f MiB, after the tasks %.0f MiB\n",
           MEMORY_MIB, (double)highest / (1 << 20),
           (double)resident_bytes(self.executors[1].pid) / (1 << 20));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* they keep what is freed */
    GLY_CHECK(highest < (uint64_t)(MEMORY_MIB * 1.15) << 20);
#endif
    harness_stop(&self);
}

#define main harness_test_main
int harness_test_main(void);
GLY_SUITE("executor speed", empty_tasks, one_task_at_a_time, memory_stays_below_the_limit)
#undef main

int main(int argc, char **argv) {
    int code = harness_executor_main(argc, argv);
    return code >= 0 ? code : harness_test_main();
}
