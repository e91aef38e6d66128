/* test_task.c - whole tasks from hand-made plans: pipelines, shuffles, results, limits, failures.
 *
 * Plans here use only what the engine's own operators need; SQL-level behaviour is tested
 * elsewhere.
 */
#include "lib/base/clock.h"
#include "lib/engine/pipeline/block_store.h"
#include "tests/support/task_fixture.h"

#include <fcntl.h>

GLY_TEST(range_filter_project_result) {
    for (uint32_t width = 1; width <= 3; width++) {
        fixture f;
        open_fixture(&f);
        f.width = width;
        gly_physical *plan =
            result(&f, project_times_ten(&f, filter_less(&f, range(&f, 0, 100000, 1, 3), 70000)));
        rows sums = run_result(&f, plan, 0, NULL);
        GLY_CHECK_INT(sums.count, 70000);
        GLY_CHECK_INT(sums.sum[0], (int64_t)70000 * 69999 / 2);
        GLY_CHECK_INT(sums.sum[1], (int64_t)70000 * 69999 / 2 * 10);
        close_fixture(&f);
    }
}

GLY_TEST(ranges_are_cut_as_spark_cuts_them) {
    fixture f;
    open_fixture(&f);
    rows sums = run_result(&f, result(&f, range(&f, 10, -11, -3, 4)), 0, NULL);
    GLY_CHECK_INT(sums.count, 7); /* 10 7 4 1 -2 -5 -8 */
    GLY_CHECK_INT(sums.sum[0], 7);
    GLY_CHECK_INT(sums.first[0], 10);
    GLY_CHECK_INT(sums.first[6], -8);
    sums = run_result(&f, result(&f, range(&f, 5, 5, 1, 2)), 0, NULL);
    GLY_CHECK_INT(sums.count, 0);
    sums = run_result(&f, result(&f, range(&f, INT64_MAX - 2, INT64_MAX, 1, 2)), 0, NULL);
    GLY_CHECK_INT(sums.count, 2);
    GLY_CHECK_INT(sums.first[1], INT64_MAX - 1);
    close_fixture(&f);
}

GLY_TEST(values_come_in_partition_0) {
    fixture f;
    open_fixture(&f);
    gly_physical *plan = node(&f, GLY_PHYSICAL_VALUES, 2, 2, NULL);
    plan->values.row_count = 5000;
    plan->values.rows = GLY_ARENA_ARRAY(f.arena, gly_value *, 5000);
    for (int64_t i = 0; i < 5000; i++) {
        plan->values.rows[i] = GLY_ARENA_ARRAY(f.arena, gly_value, 2);
        plan->values.rows[i][0] = gly_value_i64(GLY_TYPE_OF(BIGINT), i);
        plan->values.rows[i][1] =
            i % 2 ? gly_value_null(GLY_TYPE_OF(BIGINT)) : gly_value_i64(GLY_TYPE_OF(BIGINT), -i);
    }
    rows sums = run_result(&f, result(&f, plan), 0, NULL);
    GLY_CHECK_INT(sums.count, 5000);
    GLY_CHECK_INT(sums.sum[0], 5000 * 4999 / 2);
    close_fixture(&f);
}

GLY_TEST(shuffles_bring_every_row_once) {
    static const gly_partitioning_kind kinds[] = {
        GLY_PARTITIONING_HASH, GLY_PARTITIONING_ROUND_ROBIN, GLY_PARTITIONING_SINGLE};
    for (uint32_t width = 1; width <= 3; width++) {
        for (size_t k = 0; k < GLY_ARRAY_LEN(kinds); k++) {
            for (int tight = 0; tight < 2; tight++) {
                fixture f;
                open_fixture(&f);
                f.width = width;
                f.task_memory = tight ? 64 << 10 : 0;
                uint32_t partitions = kinds[k] == GLY_PARTITIONING_SINGLE ? 1 : 17;
                gly_physical *write = shuffle_write(
                    &f, project_times_ten(&f, range(&f, 0, 60000, 1, 3)), kinds[k], partitions);
                gly_task_input input = run_maps(&f, write, 3);
                GLY_CHECK(f.last.shuffle_write_rows == 20000);
                GLY_CHECK((f.last.spill_bytes > 0) == tight);
                rows sums =
                    run_result(&f, result(&f, shuffle_read(&f, 2, partitions, false)), 1, &input);
                GLY_CHECK_INT(sums.count, 60000);
                GLY_CHECK_INT(sums.sum[0], (int64_t)60000 * 59999 / 2);
                GLY_CHECK_INT(sums.sum[1], (int64_t)60000 * 59999 / 2 * 10);
                close_fixture(&f);
            }
        }
    }
}

GLY_TEST(broadcasts_are_read_whole_by_everyone) {
    fixture f;
    open_fixture(&f);
    gly_task_input input =
        run_maps(&f, shuffle_write(&f, range(&f, 0, 5000, 1, 4), GLY_PARTITIONING_BROADCAST, 1), 4);
    rows sums = run_result(&f, result(&f, shuffle_read(&f, 1, 3, true)), 1, &input);
    GLY_CHECK_INT(sums.count, 15000);
    close_fixture(&f);
}

GLY_TEST(equal_keys_meet) {
    fixture f;
    open_fixture(&f);
    gly_physical *write = shuffle_write(&f, range(&f, 0, 2000, 1, 2), GLY_PARTITIONING_HASH, 8);
    gly_task_input once = run_maps(&f, write, 2);
    gly_task_input twice = run_maps(&f, write, 2);
    gly_physical *read = result(&f, shuffle_read(&f, 1, 8, false));
    for (uint32_t p = 0; p < 8; p++) {
        gly_task_result a;
        gly_task_result b;
        gly_error err;
        GLY_CHECK_OK(try_task(&f, read, p, 0, 1, &once, NULL, &a, &err), &err);
        GLY_CHECK_OK(try_task(&f, read, p, 0, 1, &twice, NULL, &b, &err), &err);
        rows rows_a = {0};
        rows rows_b = {0};
        add_result(&f, &rows_a, &a, 1);
        add_result(&f, &rows_b, &b, 1);
        GLY_CHECK_INT(rows_a.hash, rows_b.hash);
        GLY_CHECK(rows_a.count > 150 && rows_a.count < 350); /* 250 on average */
    }
    close_fixture(&f);
}

GLY_TEST(small_pieces_are_put_together) {
    fixture f;
    open_fixture(&f);
    gly_physical *write = shuffle_write(&f, project_times_ten(&f, range(&f, 0, 3000, 1, 60)),
                                        GLY_PARTITIONING_HASH, 3);
    gly_task_input input = run_maps(&f, write, 60);
    for (uint32_t width = 1; width <= 2; width++) {
        f.width = width;
        rows sums = run_result(&f, result(&f, shuffle_read(&f, 2, 3, false)), 1, &input);
        GLY_CHECK_INT(sums.count, 3000);
        GLY_CHECK_INT(sums.sum[1], 3000 * 2999 / 2 * 10);
    }
    close_fixture(&f);
}

GLY_TEST(limits_stop_early) {
    fixture f;
    open_fixture(&f);
    int64_t huge = INT64_C(1) << 60; /* would not end otherwise */
    rows sums = run_result(&f, result(&f, limit(&f, range(&f, 0, huge, 1, 1), 5000, 0)), 0, NULL);
    GLY_CHECK_INT(sums.count, 5000);
    GLY_CHECK_INT(sums.sum[0], 5000 * 4999 / 2);
    sums = run_result(&f, result(&f, limit(&f, range(&f, 0, huge, 1, 1), 10, 3000)), 0, NULL);
    GLY_CHECK_INT(sums.count, 10);
    GLY_CHECK_INT(sums.first[0], 3000);
    sums = run_result(&f, result(&f, limit(&f, range(&f, 0, 100, 1, 1), UINT64_MAX, 90)), 0, NULL);
    GLY_CHECK_INT(sums.count, 10);
    sums = run_result(&f, result(&f, limit(&f, range(&f, 0, 100, 1, 1), 0, 0)), 0, NULL);
    GLY_CHECK_INT(sums.count, 0);
    f.width = 3;
    sums = run_result(&f, result(&f, limit(&f, range(&f, 0, huge, 1, 1), 100000, 7)), 0, NULL);
    GLY_CHECK_INT(sums.count, 100000);
    close_fixture(&f);
}

GLY_TEST(unions_read_their_childrens_partitions) {
    fixture f;
    open_fixture(&f);
    gly_physical *both = gly_physical_make(f.arena, GLY_PHYSICAL_UNION, 2);
    both->children[0] = range(&f, 0, 100, 1, 3);
    both->children[1] = filter_less(&f, range(&f, 1000, 1200, 1, 2), 1150);
    both->schema = both->children[0]->schema;
    both->partition_count = 5;
    rows sums = run_result(&f, result(&f, both), 0, NULL);
    GLY_CHECK_INT(sums.count, 250);
    GLY_CHECK_INT(sums.sum[0], 100 * 99 / 2 + 150 * 1000 + 150 * 149 / 2);
    /* and the rows of every node are counted */
    gly_task_result done;
    gly_error err;
    GLY_CHECK_OK(try_task(&f, result(&f, both), 4, 0, 0, NULL, NULL, &done, &err), &err);
    GLY_CHECK_INT(done.operator_count, 4);
    GLY_CHECK_INT(done.operators[1].node_id, both->id);
    GLY_CHECK_INT(done.operators[1].rows, 50);
    GLY_CHECK_INT(done.operators[2].rows, 50);
    GLY_CHECK_INT(done.operators[3].rows, 100);
    GLY_CHECK_INT(try_task(&f, result(&f, both), 5, 0, 0, NULL, NULL, &done, &err), GLY_E_INTERNAL);
    close_fixture(&f);
}

GLY_TEST(large_results_become_files) {
    fixture f;
    open_fixture(&f);
    f.environment.max_direct_result_bytes = 1000;
    for (uint32_t width = 1; width <= 2; width++) {
        f.width = width;
        gly_task_result done;
        gly_error err;
        gly_physical *plan = result(&f, range(&f, 0, 500000, 1, 1));
        GLY_CHECK_OK(try_task(&f, plan, 0, 0, 0, NULL, NULL, &done, &err), &err);
        GLY_CHECK(done.result_path.size > 0 && done.result.size == 0);
        rows sums = {0};
        add_result(&f, &sums, &done, 1);
        GLY_CHECK_INT(sums.count, 500000);
        GLY_CHECK_INT(sums.sum[0], (int64_t)500000 * 499999 / 2);
    }
    close_fixture(&f);
}

/* Flips a byte of the file at offset. */
static void damage(gly_str path, uint64_t offset) {
    char name[256];
    snprintf(name, sizeof name, "%.*s", GLY_STR_ARG(path));
    int fd = open(name, O_RDWR);
    char byte;
    GLY_CHECK(pread(fd, &byte, 1, (off_t)offset) == 1);
    byte ^= 1;
    GLY_CHECK(pwrite(fd, &byte, 1, (off_t)offset) == 1);
    close(fd);
}

GLY_TEST(damaged_and_missing_shuffle_files_are_fetch_failures) {
    fixture f;
    open_fixture(&f);
    gly_physical *write = shuffle_write(&f, range(&f, 0, 9000, 1, 3), GLY_PARTITIONING_HASH, 4);
    gly_task_input input = run_maps(&f, write, 3);
    gly_physical *read = result(&f, shuffle_read(&f, 1, 4, false));
    damage(input.maps[1].path, input.maps[1].offsets[2] + 50);
    gly_task_result done;
    gly_error err;
    GLY_CHECK_INT(try_task(&f, read, 2, 0, 1, &input, NULL, &done, &err), GLY_E_FETCH_FAILED);
    GLY_CHECK(done.fetch_failed);
    GLY_CHECK_INT(done.failed_shuffle_id, 7);
    GLY_CHECK_INT(done.failed_map_partition, 1);
    GLY_CHECK(gly_str_equal(done.failed_executor_id, GLY_STR("1")));
    GLY_CHECK(strstr(err.message, "checksum") != NULL);
    GLY_CHECK_OK(try_task(&f, read, 1, 0, 1, &input, NULL, &done, &err), &err);
    GLY_CHECK(!done.fetch_failed);
    gly_map_status *gone = (gly_map_status *)(uintptr_t)&input.maps[2];
    gone->path = GLY_STR("/nonexistent/shuffle.data");
    GLY_CHECK_INT(try_task(&f, read, 1, 0, 1, &input, NULL, &done, &err), GLY_E_FETCH_FAILED);
    GLY_CHECK_INT(done.failed_map_partition, 2);
    gone->host_id = GLY_STR("elsewhere");
    GLY_CHECK_INT(try_task(&f, read, 1, 0, 1, &input, NULL, &done, &err), GLY_E_FETCH_FAILED);
    close_fixture(&f);
}

/* A fetcher that reads local files, as if they were remote; fails when told to. */
typedef struct remote {
    fixture *f;
    atomic_int calls;
    bool fails;
    int slow_ms;
    int fails_at; /* the how manieth call fails; 0: none */
    atomic_int batches, batched_pieces;
    bool batches_fail;
    const char *moved_from, *moved_to; /* find_moved */
} remote;

static gly_status fetch(void *context, gly_str endpoint, gly_str executor_id, gly_str path,
                        uint64_t offset, uint64_t length, gly_builder *out, gly_error *err) {
    remote *from = context;
    (void)executor_id;
    int number_of_call = atomic_fetch_add(&from->calls, 1) + 1;
    if (from->slow_ms > 0) {
        gly_clock_sleep_ms(from->slow_ms);
    }
    if (from->fails || number_of_call == from->fails_at) {
        return gly_fail(err, GLY_E_FETCH_FAILED, "%.*s does not answer", GLY_STR_ARG(endpoint));
    }
    char *room = gly_builder_room(out, length);
    GLY_TRY(gly_shuffle_files_read_at(gly_shared_cache_files(from->f->environment.shared), path,
                                      offset, length, room, err));
    out->size += length;
    return GLY_OK;
}

GLY_TEST(other_hosts_are_fetched_from) {
    fixture f;
    open_fixture(&f);
    gly_physical *write = shuffle_write(&f, range(&f, 0, 9000, 1, 3), GLY_PARTITIONING_HASH, 4);
    gly_task_input input = run_maps(&f, write, 3);
    remote from = {.f = &f};
    f.environment.fetcher = (gly_fetcher){.fetch = fetch, .context = &from};
    f.environment.host_id = GLY_STR("another");
    f.environment.endpoint = GLY_STR("127.0.0.1:2");
    f.environment.executor_id = GLY_STR("2");
    rows sums = run_result(&f, result(&f, shuffle_read(&f, 1, 4, false)), 1, &input);
    GLY_CHECK_INT(sums.count, 9000);
    GLY_CHECK_INT(sums.sum[0], 9000 * 8999 / 2);
    GLY_CHECK_INT(atomic_load(&from.calls), 12);
    GLY_CHECK(f.last.shuffle_remote_bytes == f.last.shuffle_read_bytes);
    from.fails = true;
    gly_task_result done;
    gly_error err;
    GLY_CHECK_INT(
        try_task(&f, result(&f, shuffle_read(&f, 1, 4, false)), 0, 0, 1, &input, NULL, &done, &err),
        GLY_E_FETCH_FAILED);
    GLY_CHECK(done.fetch_failed && strstr(err.message, "does not answer") != NULL);
    close_fixture(&f);
}

GLY_TEST(remote_pieces_are_fetched_ahead_and_in_order) {
    fixture f;
    open_fixture(&f);
    gly_physical *write = shuffle_write(&f, range(&f, 0, 40000, 1, 40), GLY_PARTITIONING_SINGLE, 1);
    gly_task_input input = run_maps(&f, write, 40);
    gly_physical *read = result(&f, shuffle_read(&f, 1, 1, false));
    remote from = {.f = &f, .slow_ms = 5};
    f.environment.fetcher = (gly_fetcher){.fetch = fetch, .context = &from};
    f.environment.host_id = GLY_STR("another");
    f.environment.endpoint = GLY_STR("127.0.0.1:2");
    for (uint32_t width = 1; width <= 2; width++) {
        f.width = width;
        f.task_memory = width == 1 ? 0 : 4000; /* hardly anything ahead */
        rows sums = run_result(&f, read, 1, &input);
        GLY_CHECK_INT(sums.count, 40000);
        GLY_CHECK_INT(sums.sum[0], (int64_t)40000 * 39999 / 2);
        GLY_CHECK(f.last.shuffle_remote_bytes == f.last.shuffle_read_bytes);
        for (size_t i = 0; width == 1 && i < GLY_ARRAY_LEN(sums.first); i++) {
            GLY_CHECK_INT(sums.first[i], i);
        }
    }
    gly_task_result done;
    gly_error err;
    for (int at = 1; at < 40; at += 6) { /* whichever fails, the task fails and nothing hangs */
        atomic_store(&from.calls, 0);
        from.fails_at = at;
        GLY_CHECK_INT(try_task(&f, read, 0, 0, 1, &input, NULL, &done, &err), GLY_E_FETCH_FAILED);
        GLY_CHECK(done.fetch_failed && done.failed_map_partition < 40);
    }
    from.fails_at = 0; /* a task that does not want them all leaves the rest */
    atomic_store(&from.calls, 0);
    GLY_CHECK_OK(try_task(&f, result(&f, limit(&f, shuffle_read(&f, 1, 1, false), 5, 0)), 0, 0, 1,
                          &input, NULL, &done, &err),
                 &err);
    GLY_CHECK_INT(done.result_rows, 5);
    GLY_CHECK(atomic_load(&from.calls) < 40);
    close_fixture(&f);
}

static gly_status fetch_many(void *context, gly_str endpoint, gly_str executor_id,
                             const gly_fetch_range *ranges, uint32_t count, gly_builder *out,
                             gly_error *err) {
    remote *from = context;
    atomic_fetch_add(&from->batches, 1);
    atomic_fetch_add(&from->batched_pieces, (int)count);
    if (from->batches_fail) {
        return gly_fail(err, GLY_E_FETCH_FAILED, "no batches today");
    }
    for (uint32_t i = 0; i < count; i++) {
        GLY_TRY(fetch(context, endpoint, executor_id, ranges[i].path, ranges[i].offset,
                      ranges[i].length, out, err));
    }
    return GLY_OK;
}

GLY_TEST(many_small_pieces_come_in_few_round_trips) {
    fixture f;
    open_fixture(&f);
    gly_physical *write = shuffle_write(&f, range(&f, 0, 40000, 1, 40), GLY_PARTITIONING_SINGLE, 1);
    gly_task_input input = run_maps(&f, write, 40);
    gly_physical *read = result(&f, shuffle_read(&f, 1, 1, false));
    remote from = {.f = &f};
    f.environment.fetcher =
        (gly_fetcher){.fetch = fetch, .context = &from, .fetch_many = fetch_many};
    f.environment.host_id = GLY_STR("another");
    f.environment.endpoint = GLY_STR("127.0.0.1:2");
    for (int round = 0; round < 4; round++) {
        f.width = 1 + (uint32_t)round % 2;
        from.batches_fail = round >= 2; /* then each comes alone */
        atomic_store(&from.batches, 0);
        atomic_store(&from.calls, 0);
        rows sums = run_result(&f, read, 1, &input);
        GLY_CHECK_INT(sums.count, 40000);
        GLY_CHECK_INT(sums.sum[0], (int64_t)40000 * 39999 / 2);
        GLY_CHECK_INT(atomic_load(&from.calls), 40);
        GLY_CHECK(atomic_load(&from.batches) <= 3);
        GLY_CHECK(f.last.shuffle_remote_bytes == f.last.shuffle_read_bytes);
        for (size_t i = 0; f.width == 1 && i < GLY_ARRAY_LEN(sums.first); i++) {
            GLY_CHECK_INT(sums.first[i], i);
        }
    }
    gly_task_result done;
    gly_error err;
    for (int at = 1; at < 40; at += 7) { /* one that cannot be had, in the batch and alone */
        atomic_store(&from.calls, 0);
        from.batches_fail = true;
        from.fails_at = at;
        GLY_CHECK_INT(try_task(&f, read, 0, 0, 1, &input, NULL, &done, &err), GLY_E_FETCH_FAILED);
        GLY_CHECK(done.fetch_failed && strstr(err.message, "does not answer") != NULL);
    }
    close_fixture(&f);
}

/* Files that are at moved_from's place have gone to moved_to. */
static bool find_moved(void *context, gly_str path, gly_builder *texts, gly_map_status *ret) {
    remote *from = context;
    if (from->moved_from == NULL || !gly_str_starts_with(path, gly_str_of(from->moved_from))) {
        return false;
    }
    size_t prefix = strlen(from->moved_from);
    gly_builder_add_text(texts, from->moved_to);
    gly_builder_add(texts, path.data + prefix, path.size - prefix);
    ret->path = gly_builder_str(texts);
    ret->endpoint = GLY_STR("127.0.0.1:3");
    ret->executor_id = GLY_STR("3");
    return true;
}

GLY_TEST(blocks_that_moved_are_read_at_their_new_place) {
    fixture f;
    open_fixture(&f);
    gly_physical *write = shuffle_write(&f, range(&f, 0, 9000, 1, 3), GLY_PARTITIONING_HASH, 4);
    gly_task_input input = run_maps(&f, write, 3);
    gly_physical *read = result(&f, shuffle_read(&f, 1, 4, false));
    char elsewhere[300], command[1000];
    snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere/", f.directory);
    snprintf(command, sizeof command, "mkdir '%s' && mv '%s'/shuffle-*.data '%s'", elsewhere,
             f.directory, elsewhere);
    GLY_ASSERT(system(command) == 0);
    char here[300];
    snprintf(here, sizeof here, "%s/shuffle", f.directory);
    char there[300];
    snprintf(there, sizeof there, "%s/elsewhere/shuffle", f.directory);
    remote from = {.f = &f, .moved_from = here, .moved_to = there};
    gly_task_result done;
    gly_error err;
    for (int round = 0; round < 3; round++) {
        f.environment.fetcher = (gly_fetcher){.fetch = fetch, .context = &from};
        f.environment.fetcher.find_moved = round < 2 ? find_moved : NULL;
        f.environment.fetcher.fetch_many = round == 1 ? fetch_many : NULL;
        f.environment.host_id = round == 0 ? input.maps[0].host_id : GLY_STR("another");
        f.environment.endpoint = GLY_STR("127.0.0.1:2");
        if (round == 2) { /* nobody says where they are */
            GLY_CHECK_INT(try_task(&f, read, 0, 0, 1, &input, NULL, &done, &err),
                          GLY_E_FETCH_FAILED);
            continue;
        }
        rows sums = run_result(&f, read, 1, &input);
        GLY_CHECK_INT(sums.count, 9000);
        GLY_CHECK_INT(sums.sum[0], 9000 * 8999 / 2);
    }
    f.environment.fetcher.find_moved = find_moved;
    from.fails = true; /* who failed is who has it now */
    GLY_CHECK_INT(try_task(&f, read, 0, 0, 1, &input, NULL, &done, &err), GLY_E_FETCH_FAILED);
    GLY_CHECK(gly_str_equal(done.failed_executor_id, GLY_STR("3")));
    snprintf(command, sizeof command, "mv '%s'* '%s' && rmdir '%s'", elsewhere, f.directory,
             elsewhere);
    GLY_ASSERT(system(command) == 0);
    close_fixture(&f);
}

GLY_TEST(cancelled_tasks_stop_and_leave_nothing) {
    for (uint32_t width = 1; width <= 2; width++) {
        fixture f;
        open_fixture(&f);
        f.width = width;
        f.task_memory = 1 << 20;
        atomic_bool cancelled = true;
        gly_task_result done;
        gly_error err;
        gly_physical *endless = range(&f, 0, INT64_MAX, 1, 1);
        GLY_CHECK_INT(try_task(&f, result(&f, endless), 0, 0, 0, NULL, &cancelled, &done, &err),
                      GLY_E_CANCELLED);
        gly_physical *write = shuffle_write(&f, endless, GLY_PARTITIONING_HASH, 3);
        GLY_CHECK_INT(try_task(&f, write, 0, 7, 0, NULL, &cancelled, &done, &err), GLY_E_CANCELLED);
        GLY_CHECK_INT(count_files(&f), 0);
        close_fixture(&f);
    }
}

GLY_TEST(the_first_error_wins_and_everything_is_disposed) {
    for (uint32_t width = 1; width <= 3; width++) {
        fixture f;
        open_fixture(&f);
        f.width = width;
        f.environment.max_direct_result_bytes = 100;
        /* c0 * 10 overflows far into the range, after blocks were made and a file was opened */
        int64_t start = INT64_MAX / 10 - 300000;
        gly_physical *plan = project_times_ten(&f, range(&f, start, start + 400000, 1, 1));
        gly_task_result done;
        gly_error err;
        GLY_CHECK_INT(try_task(&f, result(&f, plan), 0, 0, 0, NULL, NULL, &done, &err),
                      GLY_E_OVERFLOW);
        f.task_memory = 200 << 10;
        GLY_CHECK_INT(try_task(&f, shuffle_write(&f, plan, GLY_PARTITIONING_HASH, 9), 0, 7, 0, NULL,
                               NULL, &done, &err),
                      GLY_E_OVERFLOW);
        GLY_CHECK(!done.has_map_status);
        GLY_CHECK_INT(count_files(&f), 0);
        close_fixture(&f);
    }
}

GLY_TEST(bad_plans_are_refused) {
    fixture f;
    open_fixture(&f);
    gly_task_result done;
    gly_error err;
    gly_physical *bare = range(&f, 0, 10, 1, 1);
    GLY_CHECK_INT(try_task(&f, bare, 0, 0, 0, NULL, NULL, &done, &err), GLY_E_INTERNAL);
    gly_physical *exchange = node(&f, GLY_PHYSICAL_EXCHANGE, 1, 1, bare);
    GLY_CHECK_INT(try_task(&f, result(&f, exchange), 0, 0, 0, NULL, NULL, &done, &err),
                  GLY_E_INTERNAL);
    GLY_CHECK_INT(try_task(&f, result(&f, bare), 3, 0, 0, NULL, NULL, &done, &err), GLY_E_INTERNAL);
    GLY_CHECK_INT(
        try_task(&f, result(&f, shuffle_read(&f, 1, 1, false)), 0, 0, 0, NULL, NULL, &done, &err),
        GLY_E_INTERNAL);
    close_fixture(&f);
}

static gly_physical *cached(fixture *f, gly_physical_kind kind, gly_physical *child,
                            uint32_t fields) {
    gly_physical *plan = node(f, kind, fields, 2, child);
    plan->cached.cache_id = 5;
    plan->cached.table = GLY_STR("t");
    plan->cached.fields = GLY_ARENA_ARRAY(f->arena, uint32_t, 1);
    plan->cached.fields[0] = 1;
    return plan;
}

GLY_TEST(cached_tables_are_read_back_from_memory_and_disk) {
    for (uint32_t width = 1; width <= 2; width++) {
        fixture f;
        open_fixture(&f);
        f.width = width;
        gly_physical *write = cached(&f, GLY_PHYSICAL_CACHE_WRITE,
                                     project_times_ten(&f, range(&f, 0, 300000, 1, 2)), 2);
        gly_task_result done;
        gly_error err;
        for (uint32_t p = 0; p < 2; p++) {
            GLY_CHECK_OK(try_task(&f, write, p, 0, 0, NULL, NULL, &done, &err), &err);
            GLY_CHECK_INT(done.result_rows, 150000);
        }
        gly_block_store *store = gly_shared_cache_blocks(f.environment.shared);
        uint64_t memory;
        uint64_t disk;
        gly_block_store_usage(store, &memory, &disk);
        GLY_CHECK(memory > 0 && disk == 0);
        GLY_CHECK_INT(gly_budget_used(&f.memory), memory);
        gly_physical *read = result(&f, cached(&f, GLY_PHYSICAL_CACHED, NULL, 1));
        rows sums = run_result(&f, read, 0, NULL);
        GLY_CHECK_INT(sums.count, 300000);
        GLY_CHECK_INT(sums.sum[0], (int64_t)300000 * 299999 / 2 * 10);
        /* a task that needs all of the memory drives them to disk */
        GLY_CHECK(gly_budget_try_reserve(&f.memory, f.memory.limit_bytes));
        gly_block_store_usage(store, &memory, &disk);
        GLY_CHECK(memory == 0 && disk > 0);
        gly_budget_release(&f.memory, f.memory.limit_bytes);
        rows again = run_result(&f, read, 0, NULL);
        GLY_CHECK_INT(again.hash, sums.hash);
        gly_block_store_drop(store, 5);
        GLY_CHECK_INT(try_task(&f, read, 1, 0, 0, NULL, NULL, &done, &err), GLY_E_FETCH_FAILED);
        GLY_CHECK(done.fetch_failed && done.failed_shuffle_id == UINT32_MAX &&
                  done.failed_map_partition == 1);
        close_fixture(&f);
    }
}

GLY_TEST(what_is_too_large_to_collect_is_cached_on_disk) {
    fixture f;
    open_fixture(&f);
    f.task_memory = 100 << 10;
    gly_physical *write =
        cached(&f, GLY_PHYSICAL_CACHE_WRITE, project_times_ten(&f, range(&f, 0, 300000, 1, 2)), 2);
    gly_task_result done;
    gly_error err;
    for (uint32_t p = 0; p < 2; p++) {
        GLY_CHECK_OK(try_task(&f, write, p, 0, 0, NULL, NULL, &done, &err), &err);
        GLY_CHECK_INT(done.result_rows, 150000);
        GLY_CHECK(done.metrics.peak_memory_bytes <= 100 << 10);
    }
    uint64_t memory;
    uint64_t disk;
    gly_block_store_usage(gly_shared_cache_blocks(f.environment.shared), &memory, &disk);
    GLY_CHECK(memory == 0 && disk > 100 << 10);
    rows sums = run_result(&f, result(&f, cached(&f, GLY_PHYSICAL_CACHED, NULL, 1)), 0, NULL);
    GLY_CHECK_INT(sums.count, 300000);
    GLY_CHECK_INT(sums.sum[0], (int64_t)300000 * 299999 / 2 * 10);
    close_fixture(&f);
}

GLY_SUITE("task", many_small_pieces_come_in_few_round_trips,
          blocks_that_moved_are_read_at_their_new_place, range_filter_project_result,
          ranges_are_cut_as_spark_cuts_them, values_come_in_partition_0,
          shuffles_bring_every_row_once, broadcasts_are_read_whole_by_everyone, equal_keys_meet,
          small_pieces_are_put_together, limits_stop_early, unions_read_their_childrens_partitions,
          large_results_become_files, damaged_and_missing_shuffle_files_are_fetch_failures,
          other_hosts_are_fetched_from, remote_pieces_are_fetched_ahead_and_in_order,
          cancelled_tasks_stop_and_leave_nothing, the_first_error_wins_and_everything_is_disposed,
          bad_plans_are_refused, cached_tables_are_read_back_from_memory_and_disk,
          what_is_too_large_to_collect_is_cached_on_disk)
