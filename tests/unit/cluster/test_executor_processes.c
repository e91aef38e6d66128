/* test_executor_processes.c - driver endpoint and real executor processes, over mutual TLS. */
#include "tests/unit/cluster/cluster_harness.h"

#include "lib/net/block_client.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const harness_options two = {.executors = 2, .cores = 2};

GLY_TEST(runs_tasks_and_reports_all_fields) {
    harness self;
    harness_start(&self, &two);
    printf("    registered after %.1f and %.1f ms\n", (double)self.executors[1].start_us / 1000,
           (double)self.executors[2].start_us / 1000);
    GLY_CHECK_INT(self.executors[1].cores, 2);
    GLY_CHECK_TEXT(self.executors[1].host_id, self.executors[2].host_id);
    harness_stage(&self, 1, 5, 0, DO_MAP, NULL, 0);
    gly_task_update update = harness_wait(&self, harness_launch(&self, 1, 5, 0, 3));
    GLY_CHECK_INT(update.outcome, GLY_TASK_SUCCEEDED);
    GLY_CHECK_INT(update.metrics.spill_bytes, 77);
    GLY_CHECK_INT(update.metrics.input_rows, 1000);
    GLY_CHECK_INT(update.operator_count, 2);
    GLY_CHECK_INT(update.operators[1].rows, 5);
    GLY_CHECK_INT(update.file_count, 1);
    GLY_CHECK(gly_str_equal(update.files[0].path, GLY_STR("part-0.parquet")));
    GLY_CHECK_INT(update.files[0].bytes, 99);
    gly_arena *arena = gly_arena_make();
    gly_map_status map;
    gly_error error;
    GLY_CHECK_OK(gly_map_status_decode(arena, update.map_status, &map, &error), &error);
    GLY_CHECK_INT(map.map_partition, 3);
    GLY_CHECK(gly_str_equal(map.executor_id, GLY_STR("1")));
    GLY_CHECK(gly_str_equal(map.endpoint, gly_str_of(self.executors[1].block_endpoint)));
    gly_arena_free(arena);

    harness_stage(&self, 1, 5, 1, DO_FAIL, NULL, 0);
    update = harness_wait(&self, harness_launch(&self, 1, 5, 1, 8));
    GLY_CHECK_INT(update.outcome, GLY_TASK_FAILED);
    GLY_CHECK_INT(update.status, GLY_E_DIVIDE_BY_ZERO);
    GLY_CHECK(!update.retryable);
    GLY_CHECK(gly_str_equal(update.message, GLY_STR("divisor is zero in row 8")));

    harness_stage(&self, 2, 5, 2, DO_FETCH_FAIL, NULL, 0);
    update = harness_wait(&self, harness_launch(&self, 2, 5, 2, 0));
    GLY_CHECK_INT(update.outcome, GLY_TASK_FETCH_FAILED);
    GLY_CHECK_INT(update.failed_shuffle_id, 3);
    GLY_CHECK_INT(update.failed_map_partition, 4);
    GLY_CHECK(gly_str_equal(update.failed_executor_id, GLY_STR("9")));

    update = harness_wait(&self, harness_launch(&self, 2, 5, 99, 0)); /* no such stage */
    GLY_CHECK_INT(update.status, GLY_E_PROTOCOL);
    GLY_CHECK(update.retryable);

    harness_stage(&self, 2, 5, 3, DO_RESULT, NULL, 0);
    update = harness_wait(&self, harness_launch(&self, 2, 5, 3, 900000));
    GLY_CHECK_INT(update.result.size, 900000);
    GLY_CHECK(update.result.data[899999] == 'r');
    GLY_CHECK(!gly_executor_endpoint_send_kill(self.endpoint, 17, &(uint64_t){1}, 1));
    harness_stop(&self);
}

GLY_TEST(kills_running_and_queued_tasks) {
    harness self;
    harness_start(&self, &(harness_options){.executors = 1, .cores = 2});
    harness_stage(&self, 1, 1, 0, DO_WAIT, NULL, 0);
    uint64_t tasks[5];
    for (int i = 0; i < 5; i++) {
        tasks[i] = harness_launch(&self, 1, 1, 0, 0);
    }
    gly_executor_endpoint_send_kill(self.endpoint, 1, &tasks[4], 1); /* queued */
    gly_task_update update = harness_wait(&self, tasks[4]);
    GLY_CHECK_INT(update.outcome, GLY_TASK_KILLED);
    GLY_CHECK_INT(update.status, GLY_E_CANCELLED);
    gly_executor_endpoint_send_kill(self.endpoint, 1, tasks, 1); /* running */
    GLY_CHECK_INT(harness_wait(&self, tasks[0]).outcome, GLY_TASK_KILLED);
    GLY_CHECK_INT(self.update_count, 2);
    gly_executor_endpoint_send_drop_query(self.endpoint, 1, 1); /* the rest */
    for (int i = 1; i < 4; i++) {
        GLY_CHECK_INT(harness_wait(&self, tasks[i]).outcome, GLY_TASK_KILLED);
    }
    harness_stop(&self);
}

GLY_TEST(wide_tasks_take_slots) {
    harness self;
    harness_start(&self, &(harness_options){.executors = 1, .cores = 3});
    harness_stage(&self, 1, 1, 0, DO_SLEEP, NULL, 0);
    harness_stage(&self, 1, 1, 1, DO_WAIT, NULL, 0);
    uint64_t narrow = harness_launch(&self, 1, 1, 1, 0);
    gly_executor_endpoint_launch wide = {.task_id = 500, .query_id = 1, .partition = 1, .width = 9};
    gly_executor_endpoint_send_launch(self.endpoint, 1, &wide, 1); /* cut to 3: must wait */
    wide.task_id = 501;
    wide.width = 2;
    gly_executor_endpoint_send_launch(self.endpoint, 1, &wide, 1); /* does not overtake */
    gly_clock_sleep_ms(100);
    GLY_CHECK_INT(self.update_count, 0);
    gly_executor_endpoint_send_kill(self.endpoint, 1, &narrow, 1);
    GLY_CHECK_INT(harness_wait(&self, 500).outcome, GLY_TASK_SUCCEEDED);
    GLY_CHECK_INT(harness_wait(&self, 501).outcome, GLY_TASK_SUCCEEDED);
    harness_stop(&self);
}

static uint64_t checksum_of(const char *path) {
    struct stat about;
    int fd = open(path, O_RDONLY);
    GLY_ASSERT(fd >= 0 && fstat(fd, &about) == 0);
    char *bytes = gly_alloc((size_t)about.st_size);
    size_t have = 0;
    ssize_t got;
    while ((got = read(fd, bytes + have, (size_t)about.st_size - have)) > 0) {
        have += (size_t)got;
    }
    close(fd);
    uint64_t sum = gly_hash_checksum(bytes, have);
    free(bytes);
    return sum;
}

GLY_TEST(fetches_blocks_between_executors) {
    enum { MIB = 100 };
    harness self;
    harness_start(&self, &two);
    harness_stage(&self, 1, 1, 0, DO_LARGE, NULL, 0);
    gly_task_update made = harness_wait(&self, harness_launch(&self, 1, 1, 0, MIB));
    GLY_CHECK_INT(made.result_bytes, (uint64_t)MIB << 20);
    char path[512];
    snprintf(path, sizeof path, "%.*s", GLY_STR_ARG(made.result_path));
    uint64_t sum = checksum_of(path);

    /* executor 2 reads it through executor 1, in three pieces with an empty one between */
    uint64_t offsets[] = {0, 12345, 12345, 50000000, (uint64_t)MIB << 20};
    gly_map_status map = {.executor_id = GLY_STR("1"),
                          .host_id = GLY_STR("h"),
                          .endpoint = gly_str_of(self.executors[1].block_endpoint),
                          .path = made.result_path,
                          .partition_count = 4,
                          .offsets = offsets};
    gly_builder encoded = {0};
    gly_map_status_encode(&map, &encoded);
    gly_str encoded_map = gly_builder_str(&encoded);
    harness_stage(&self, 2, 1, 1, DO_FETCH, &encoded_map, 1);
    int64_t before = gly_clock_ms();
    gly_task_update fetched = harness_wait(&self, harness_launch(&self, 2, 1, 1, 0));
    printf("    %d MiB between executors in %lld ms\n", MIB, (long long)(gly_clock_ms() - before));
    char expected[64];
    snprintf(expected, sizeof expected, "%llu %016llx", (unsigned long long)MIB << 20,
             (unsigned long long)sum);
    GLY_CHECK(gly_str_equal(fetched.result, gly_str_of(expected)));

    /* the driver reads it, too: from the file, as it shares the host */
    gly_builder out = {0};
    gly_error error;
    GLY_CHECK_OK(gly_executor_endpoint_fetch_block(self.endpoint, 1, made.result_path, 0,
                                                   UINT64_MAX, &out, &error),
                 &error);
    GLY_CHECK_INT(out.size, (size_t)MIB << 20);
    GLY_CHECK(gly_hash_checksum(out.data, out.size) == sum);
    gly_builder_clear(&out);

    /* a wrong range and a wrong executor id (its certificate names another) are FETCH_FAILED */
    offsets[4] += 1;
    gly_builder_reset(&encoded);
    gly_map_status_encode(&map, &encoded);
    encoded_map = gly_builder_str(&encoded);
    harness_stage(&self, 2, 1, 2, DO_FETCH, &encoded_map, 1);
    fetched = harness_wait(&self, harness_launch(&self, 2, 1, 2, 0));
    GLY_CHECK_INT(fetched.outcome, GLY_TASK_FETCH_FAILED);
    GLY_CHECK_INT(fetched.failed_shuffle_id, 7);
    gly_builder_clear(&encoded);
    harness_stop(&self);
}

GLY_TEST(drops_the_files_of_a_query) {
    harness self;
    harness_start(&self, &(harness_options){.executors = 1, .cores = 1});
    harness_stage(&self, 1, 0x1f, 0, DO_LEAVE_FILE, NULL, 0);
    harness_stage(&self, 1, 0x1f0, 0, DO_LEAVE_FILE, NULL, 0);
    uint64_t first = harness_launch(&self, 1, 0x1f, 0, 0);
    uint64_t other = harness_launch(&self, 1, 0x1f0, 0, 0);
    harness_wait(&self, first);
    harness_wait(&self, other);
    char dropped[512], kept[512];
    snprintf(dropped, sizeof dropped, "%s/shuffle-1f-%llu.data", self.executors[1].local_dir,
             (unsigned long long)first);
    snprintf(kept, sizeof kept, "%s/shuffle-1f0-%llu.data", self.executors[1].local_dir,
             (unsigned long long)other);
    GLY_CHECK(access(dropped, F_OK) == 0 && access(kept, F_OK) == 0);
    gly_executor_endpoint_send_drop_query(self.endpoint, 1, 0x1f);
    for (int i = 0; i < 200 && access(dropped, F_OK) == 0; i++) {
        gly_clock_sleep_ms(10);
    }
    GLY_CHECK(access(dropped, F_OK) != 0);
    GLY_CHECK(access(kept, F_OK) == 0);
    /* its stage is forgotten, too */
    GLY_CHECK_INT(harness_wait(&self, harness_launch(&self, 1, 0x1f, 0, 0)).status,
                  GLY_E_PROTOCOL);
    gly_executor_endpoint_shutdown(self.endpoint, 1, "the test wants it");
    GLY_CHECK(harness_wait_flag(&self, &self.executors[1].exited, 3000));
    GLY_CHECK(self.executors[1].expected);
    GLY_CHECK(access(self.executors[1].local_dir, F_OK) != 0);
    /* told by the endpoint, which may learn of the end after the cluster manager does */
    GLY_CHECK(harness_wait_flag(&self, &self.executors[1].lost, 3000));
    GLY_CHECK_TEXT(self.executors[1].reason, "executor 1: the test wants it");
    harness_stop(&self);
}

GLY_TEST(notices_a_killed_executor_at_once) {
    harness self;
    harness_start(&self, &two);
    int64_t killed_ms = gly_clock_ms();
    kill((pid_t)self.executors[2].pid, SIGKILL);
    GLY_CHECK(harness_wait_flag(&self, &self.executors[2].lost, 5000));
    GLY_CHECK(harness_wait_flag(&self, &self.executors[2].exited, 5000));
    printf("    lost after %lld ms, exit told after %lld ms\n",
           (long long)(self.executors[2].lost_ms - killed_ms),
           (long long)(self.executors[2].exited_ms - killed_ms));
    /* Mostly 1 ms: told by its connection, not by heartbeats. */
    GLY_CHECK(self.executors[2].lost_ms - killed_ms < 1000);
    GLY_CHECK_TEXT(self.executors[2].exit_reason, "executor 2 was killed by signal 9 (SIGKILL)");
    GLY_CHECK(!self.executors[2].expected);
    GLY_CHECK(!harness_stage(&self, 2, 1, 0, DO_NOTHING, NULL, 0));
    /* a new one takes its place */
    uint32_t id = harness_add(&self, 1);
    GLY_CHECK_INT(id, 3);
    harness_stage(&self, 3, 1, 0, DO_NOTHING, NULL, 0);
    GLY_CHECK_INT(harness_wait(&self, harness_launch(&self, 3, 1, 0, 0)).outcome,
                  GLY_TASK_SUCCEEDED);
    harness_stop(&self);
}

GLY_TEST(silence_is_loss) {
    harness self;
    harness_start(&self, &(harness_options){
                             .executors = 1, .cores = 1, .heartbeat_ms = 50, .liveness_ms = 400});
    gly_clock_sleep_ms(600);
    pthread_mutex_lock(&self.lock);
    bool is_alive = !self.executors[1].lost && self.executors[1].heartbeats >= 5;
    pthread_mutex_unlock(&self.lock);
    GLY_CHECK(is_alive);
    kill((pid_t)self.executors[1].pid, SIGSTOP);
    GLY_CHECK(harness_wait_flag(&self, &self.executors[1].lost, 3000));
    GLY_CHECK(strstr(self.executors[1].reason, "nothing was heard") != NULL);
    kill((pid_t)self.executors[1].pid, SIGCONT); /* it finds its stream cut and goes */
    GLY_CHECK(harness_wait_flag(&self, &self.executors[1].exited, 3000));
    harness_stop(&self);
}

GLY_TEST(sigterm_is_graceful) {
    harness self;
    harness_start(&self, &(harness_options){.executors = 1, .cores = 1});
    harness_stage(&self, 1, 1, 0, DO_WAIT, NULL, 0);
    uint64_t task = harness_launch(&self, 1, 1, 0, 0);
    gly_clock_sleep_ms(50);
    gly_cluster_find(GLY_STR("local"))->kill(self.cluster, 1, false);
    GLY_CHECK_INT(harness_wait(&self, task).outcome, GLY_TASK_KILLED);
    GLY_CHECK(harness_wait_flag(&self, &self.executors[1].exited, 3000));
    GLY_CHECK(harness_wait_flag(&self, &self.executors[1].lost, 3000));
    GLY_CHECK(strstr(self.executors[1].reason, "SIGTERM") != NULL);
    GLY_CHECK(access(self.executors[1].local_dir, F_OK) != 0);
    harness_stop(&self);
}

GLY_TEST(a_hanging_task_does_not_keep_the_executor) {
    harness self;
    harness_start(&self, &(harness_options){.executors = 1, .cores = 1});
    harness_stage(&self, 1, 1, 0, DO_HANG, NULL, 0);
    harness_launch(&self, 1, 1, 0, 0);
    gly_clock_sleep_ms(50);
    int64_t before = gly_clock_ms();
    gly_executor_endpoint_shutdown(self.endpoint, 1, "enough");
    GLY_CHECK(harness_wait_flag(&self, &self.executors[1].exited, 3000));
    GLY_CHECK(self.executors[1].exited_ms - before < GLY_CHECK_SIZE(1500, 2900));
    harness_stop(&self);
}

GLY_TEST(refuses_other_builds_by_name) {
    harness self;
    harness_start(&self, &(harness_options){.cores = 1});
    setenv("HARNESS_VERSION", "9.9.9-other", 1);
    harness_add(&self, 1);
    unsetenv("HARNESS_VERSION");
    GLY_CHECK(harness_wait_flag(&self, &self.executors[1].exited, 3000));
    GLY_CHECK(self.executors[1].failed);
    GLY_CHECK_INT(self.registered_count, 0);
    GLY_CHECK(strstr(self.executors[1].exit_reason, "is build 9.9.9-other, but the driver is build "
                                                    "0.1.0-") != NULL);
    harness_stop(&self);
}

/* Dials the driver by hand, with an identity of our choice, as executor `id`. */
static int dial_as(harness *self, const gly_tls_identity *identity, const char *id, char *reason,
                   size_t reason_size) {
    int output[2];
    GLY_ASSERT(pipe(output) == 0);
    int handed[2];
    GLY_ASSERT(pipe(handed) == 0);
    pid_t child = fork();
    if (child == 0) {
        gly_builder bytes = {0};
        gly_tls_identity_encode(identity, &bytes);
        (void)!write(handed[1], bytes.data, bytes.size);
        close(handed[1]);
        dup2(output[1], 2);
        char fd[16], directory[128];
        snprintf(fd, sizeof fd, "%d", handed[0]);
        snprintf(directory, sizeof directory, "%s/stranger", self->directory);
        execl("/proc/self/exe", "executor", "--driver",
              gly_executor_endpoint_address(self->endpoint), "--id", id, "--local-dir", directory,
              "--connect-timeout-ms", "500", "--tls-fd", fd, NULL);
        _exit(99);
    }
    close(output[1]);
    close(handed[0]);
    close(handed[1]);
    size_t used = 0;
    ssize_t got;
    while ((got = read(output[0], reason + used, reason_size - 1 - used)) > 0) {
        used += (size_t)got;
    }
    reason[used] = '\0';
    close(output[0]);
    int status;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

GLY_TEST(refuses_strangers) {
    harness self;
    gly_error error;
    char reason[8192];
    harness_start(&self, &(harness_options){.cores = 1});
    gly_tls_authority *other;
    gly_tls_identity identity;
    /* another authority */
    GLY_CHECK_OK(gly_tls_authority_make(&other, &error), &error);
    GLY_CHECK_OK(gly_tls_identity_issue(other, "galley-executor-1", &identity, &error), &error);
    GLY_CHECK_INT(dial_as(&self, &identity, "1", reason, sizeof reason),
                  GLY_EXECUTOR_EXIT_NOT_STARTED);
    gly_tls_identity_clear(&identity);
    gly_tls_authority_free(other);
    /* our authority, but somebody else's number */
    GLY_CHECK_OK(gly_tls_identity_issue(self.authority, "galley-executor-2", &identity, &error),
                 &error);
    GLY_CHECK_INT(dial_as(&self, &identity, "1", reason, sizeof reason),
                  GLY_EXECUTOR_EXIT_NOT_STARTED);
    GLY_CHECK(strstr(reason, "its certificate is for \"galley-executor-2\"") != NULL);
    gly_tls_identity_clear(&identity);
    GLY_CHECK_INT(self.registered_count, 0);
    harness_stop(&self);
}

GLY_TEST(no_orphans_after_the_driver_was_killed) {
    int told[2];
    GLY_ASSERT(pipe(told) == 0);
    pid_t driver = fork();
    if (driver == 0) {
        harness self;
        harness_start(&self, &(harness_options){.executors = 2, .cores = 1});
        harness_stage(&self, 1, 1, 0, DO_WAIT, NULL, 0);
        harness_launch(&self, 1, 1, 0, 0);
        gly_clock_sleep_ms(50);
        int64_t facts[2] = {self.executors[1].pid, self.executors[2].pid};
        (void)!write(told[1], facts, sizeof facts);
        (void)!write(told[1], self.directory, sizeof self.directory);
        pause();
        _exit(0);
    }
    int64_t facts[2] = {0};
    char directory[64] = "";
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* the orphans' ends are ours to see */
    GLY_CHECK_INT(read(told[0], facts, sizeof facts), sizeof facts);
    GLY_CHECK_INT(read(told[0], directory, sizeof directory), sizeof directory);
    int64_t before = gly_clock_ms();
    kill(driver, SIGKILL);
    waitpid(driver, NULL, 0);
    int left = 2;
    while (left > 0 && gly_clock_ms() - before < 5000) {
        pid_t ended = waitpid(-1, NULL, WNOHANG);
        left -= ended == facts[0] || ended == facts[1];
        gly_clock_sleep_ms(1);
    }
    GLY_CHECK_INT(left, 0);
    printf("    both executors ended %lld ms after the driver\n",
           (long long)(gly_clock_ms() - before));
    GLY_CHECK(gly_clock_ms() - before < 1000);
    char path[128];
    snprintf(path, sizeof path, "%s/executor-1", directory);
    GLY_CHECK(access(path, F_OK) != 0);
    snprintf(path, sizeof path, "rm -rf '%s'", directory);
    (void)!system(path);
    close(told[0]);
    close(told[1]);
}

GLY_TEST(a_program_that_is_no_executor) {
    harness self;
    gly_error error;
    harness_start(&self, &(harness_options){.cores = 1});
    const gly_cluster_manager *local = gly_cluster_find(GLY_STR("local"));
    gly_cluster_options options = {.driver_address = "127.0.0.1:1",
                                   .program = "/bin/false",
                                   .cores = 1,
                                   .memory_bytes = 64 << 20,
                                   .local_dir = self.directory,
                                   .on_event = harness_on_event,
                                   .context = &self};
    gly_cluster *cluster;
    uint32_t id;
    GLY_CHECK_OK(local->start(&options, &cluster, &error), &error);
    GLY_CHECK_OK(local->request(cluster, 1, &id, &error), &error);
    GLY_CHECK(harness_wait_flag(&self, &self.executors[1].exited, 3000));
    GLY_CHECK_TEXT(self.executors[1].exit_reason, "executor 1 ended with exit code 1");
    local->stop(cluster, 100);
    options.program = "/nowhere/galley-executor";
    GLY_CHECK_OK(local->start(&options, &cluster, &error), &error);
    GLY_CHECK_INT(local->request(cluster, 1, &id, &error), GLY_E_PATH_NOT_FOUND);
    local->stop(cluster, 100);
    GLY_CHECK(gly_cluster_find(GLY_STR("moon")) == NULL);
    harness_stop(&self);
}

GLY_TEST(plaintext_works) {
    harness self;
    harness_start(&self, &(harness_options){.executors = 2, .cores = 1, .plaintext = true});
    printf("    registered after %.1f and %.1f ms\n", (double)self.executors[1].start_us / 1000,
           (double)self.executors[2].start_us / 1000);
    harness_stage(&self, 1, 1, 0, DO_NOTHING, NULL, 0);
    GLY_CHECK_INT(harness_wait(&self, harness_launch(&self, 1, 1, 0, 0)).outcome,
                  GLY_TASK_SUCCEEDED);
    harness_stop(&self);
}

/* CUnit's main, but for executors. */
#define main harness_test_main
int harness_test_main(void);
/* first: it forks, which gRPC does not like once it has threads */
GLY_SUITE("executor processes", no_orphans_after_the_driver_was_killed,
          runs_tasks_and_reports_all_fields, kills_running_and_queued_tasks,
          wide_tasks_take_slots, fetches_blocks_between_executors, drops_the_files_of_a_query,
          notices_a_killed_executor_at_once, silence_is_loss, sigterm_is_graceful,
          a_hanging_task_does_not_keep_the_executor, refuses_other_builds_by_name,
          refuses_strangers, a_program_that_is_no_executor, plaintext_works)
#undef main

int main(int argc, char **argv) {
    int code = harness_executor_main(argc, argv);
    return code >= 0 ? code : harness_test_main();
}
