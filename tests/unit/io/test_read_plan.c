/* test_read_plan.c - a file that counts its reads: what is requested, in which order, and how much
 * at once. */
#include "lib/base/alloc.h"
#include "lib/base/random.h"
#include "lib/io/fs/read_plan.h"
#include "tests/support/check.h"

enum { FILE_BYTES = 200 << 20, MOST_READS = 1000 };

struct gly_file_read {
    uint64_t offset;
    size_t size;
    uint8_t *buffer;
};

typedef struct counted_file {
    gly_file base;
    uint32_t started, direct, in_flight;
    uint64_t bytes;
    uint64_t offsets[MOST_READS];
    uint32_t fail_at; /* the read that fails; 0: none */
} counted_file;

static uint8_t byte_at(uint64_t offset) { return (uint8_t)(offset * 31 + (offset >> 13)); }

static void fill(uint8_t *to, uint64_t offset, size_t size) {
    for (size_t i = 0; i < size; i++) {
        to[i] = byte_at(offset + i);
    }
}

static gly_status read_at(gly_file *file, uint64_t offset, size_t size, void *buffer,
                          gly_error *err) {
    (void)err;
    ((counted_file *)file)->direct++;
    fill(buffer, offset, size);
    return GLY_OK;
}

static gly_file_read *start_read(gly_file *file, uint64_t offset, size_t size, void *buffer) {
    counted_file *mine = (counted_file *)file;
    GLY_CHECK(offset + size <= mine->base.size_bytes);
    GLY_ASSERT(mine->started < MOST_READS);
    mine->offsets[mine->started++] = offset;
    mine->bytes += size;
    mine->in_flight++;
    gly_file_read *read = GLY_NEW(gly_file_read);
    *read = (gly_file_read){offset, size, buffer};
    return read;
}

static gly_status finish_read(gly_file *file, gly_file_read *read, gly_error *err) {
    counted_file *mine = (counted_file *)file;
    mine->in_flight--;
    fill(read->buffer, read->offset, read->size);
    bool fails = mine->fail_at != 0 && mine->offsets[mine->fail_at - 1] == read->offset;
    free(read);
    return fails ? gly_fail(err, GLY_E_IO, "broken") : GLY_OK;
}

static void cancel_read(gly_file *file, gly_file_read *read) {
    ((counted_file *)file)->in_flight--;
    free(read);
}

static counted_file make_file(void) {
    return (counted_file){.base = {.size_bytes = FILE_BYTES,
                                   .read_at = read_at,
                                   .start_read = start_read,
                                   .finish_read = finish_read,
                                   .cancel_read = cancel_read,
                                   .path = GLY_STR("counted")}};
}

static void check_read(gly_read_plan *plan, uint64_t offset, size_t size) {
    gly_error err;
    gly_file *file = gly_read_plan_file(plan);
    uint8_t *buffer = gly_alloc(size);
    GLY_CHECK_OK(file->read_at(file, offset, size, buffer, &err), &err);
    bool is_right = true;
    for (size_t i = 0; i < size; i += i + 64 < size ? GLY_CHECK_SIZE(1, 37) : 1) {
        is_right &= buffer[i] == byte_at(offset + i);
    }
    GLY_CHECK(is_right);
    free(buffer);
}

GLY_TEST(near_ranges_are_one_request) {
    counted_file file = make_file();
    gly_read_plan *plan = gly_read_plan_make(&file.base, NULL, GLY_READ_PLAN_GAP);
    gly_read_range ranges[] = {{5000000, 1000}, {1000, 2000}, {100000, 300}, {5001000, 10}};
    gly_read_plan_add(plan, 4, ranges);
    GLY_CHECK_INT(file.started, 2);
    GLY_CHECK_INT(file.offsets[0], 1000);
    GLY_CHECK_INT(gly_read_plan_bytes(plan), 3310);
    check_read(plan, 1000, 2000);
    check_read(plan, 100000, 300);
    check_read(plan, 5000500, 510);
    check_read(plan, 150000000, 20); /* in no range */
    GLY_CHECK_INT(file.direct, 1);
    gly_read_plan_free(plan);
    GLY_CHECK_INT(file.in_flight, 0);
}

GLY_TEST(long_ranges_are_read_side_by_side) {
    counted_file file = make_file();
    gly_read_plan *plan = gly_read_plan_make(&file.base, NULL, GLY_READ_PLAN_GAP);
    gly_read_range ranges[] = {{0, 80 << 20}, {80 << 20, 80 << 20}};
    gly_read_plan_add(plan, 2, ranges);
    GLY_CHECK_INT(file.started, 8); /* 64 MiB ahead */
    GLY_CHECK_INT(file.offsets[0], 0);
    GLY_CHECK_INT(file.offsets[1], 80 << 20);
    GLY_CHECK_INT(file.offsets[2], 8 << 20);
    for (uint64_t at = 0; at < 80 << 20; at += 256 << 10) {
        check_read(plan, at, 256 << 10);
        check_read(plan, at + (80 << 20), 256 << 10);
        GLY_CHECK(file.in_flight <= 8);
    }
    GLY_CHECK_INT(file.started, 20);
    GLY_CHECK_INT(file.bytes, 160 << 20);
    GLY_CHECK_INT(file.direct, 0);
    gly_read_plan_free(plan);
}

GLY_TEST(later_groups_wait_for_room) {
    counted_file file = make_file();
    gly_budget budget;
    gly_budget_init(&budget, NULL, (size_t)64 << 20);
    gly_read_plan *plan = gly_read_plan_make(&file.base, &budget, GLY_READ_PLAN_GAP);
    gly_read_range one = {0, 8 << 20};
    gly_read_range two = {16 << 20, 8 << 20};
    gly_read_range three = {32 << 20, 16 << 20};
    gly_read_plan_add(plan, 1, &one);
    gly_read_plan_add(plan, 1, &two);
    gly_read_plan_add(plan, 1, &three);
    uint32_t before = file.started;
    GLY_CHECK(before >= 2 && before <= 4); /* a quarter of what is free, each time */
    GLY_CHECK(gly_budget_used(&budget) <= (size_t)32 << 20);
    check_read(plan, 0, 8 << 20);
    check_read(plan, 16 << 20, 8 << 20);
    gly_read_plan_drop(plan);
    gly_read_plan_drop(plan);
    check_read(plan, 32 << 20, 16 << 20); /* needed now: started, whatever the budget says */
    GLY_CHECK_INT(file.direct, 0);
    gly_read_plan_free(plan);
    GLY_CHECK_INT(gly_budget_used(&budget), 0);
}

GLY_TEST(a_full_budget_does_not_stop_reading) {
    counted_file file = make_file();
    gly_budget budget;
    gly_budget_init(&budget, NULL, 1000);
    gly_read_plan *plan = gly_read_plan_make(&file.base, &budget, GLY_READ_PLAN_GAP);
    gly_read_range range = {100, 20 << 20};
    gly_read_plan_add(plan, 1, &range);
    GLY_CHECK_INT(file.started, 0);
    check_read(plan, 100, 20 << 20);
    GLY_CHECK_INT(file.started, 3);
    GLY_CHECK_INT(gly_budget_used(&budget), 0);
    gly_read_plan_free(plan);
}

GLY_TEST(parts_that_are_left_out_are_given_up) {
    counted_file file = make_file();
    gly_read_plan *plan = gly_read_plan_make(&file.base, NULL, GLY_READ_PLAN_GAP);
    gly_read_range range = {0, 160 << 20};
    gly_read_plan_add(plan, 1, &range);
    check_read(plan, 0, 10);
    check_read(plan, 100 << 20, 10);
    check_read(plan, (160 << 20) - 10, 10);
    GLY_CHECK_INT(file.direct, 0);
    gly_read_plan_drop(plan);
    GLY_CHECK_INT(file.in_flight, 0);
    gly_read_plan_free(plan);
}

GLY_TEST(failures_come_to_who_reads) {
    counted_file file = make_file();
    gly_error err = {0};
    uint8_t buffer[10];
    gly_read_plan *plan = gly_read_plan_make(&file.base, NULL, GLY_READ_PLAN_GAP);
    gly_read_range range = {0, 16 << 20};
    file.fail_at = 2;
    gly_read_plan_add(plan, 1, &range);
    gly_file *source = gly_read_plan_file(plan);
    check_read(plan, 0, 10);
    GLY_CHECK_INT(source->read_at(source, 8 << 20, 10, buffer, &err), GLY_E_IO);
    GLY_CHECK_INT(source->read_at(source, 8 << 20, 10, buffer, &err), GLY_E_IO);
    gly_read_plan_free(plan);
    GLY_CHECK_INT(file.in_flight, 0);
}

GLY_TEST(any_ranges_and_reads_are_right) {
    gly_random random = {20240101};
    for (int round = 0; round < 200; round++) {
        counted_file file = make_file();
        gly_read_plan *plan =
            gly_read_plan_make(&file.base, NULL, gly_random_below(&random, 1 << 20));
        for (int g = 0; g < 3; g++) {
            gly_read_range ranges[6]; /* may touch and overlap */
            for (int i = 0; i < 6; i++) {
                ranges[i].offset = gly_random_below(&random, 40 << 20);
                ranges[i].size = 1 + gly_random_below(&random, i == 0 ? 20 << 20 : 100000);
            }
            gly_read_plan_add(plan, 6, ranges);
            for (int i = 0; i < 6; i++) {
                uint64_t at = ranges[i].offset;
                while (at < ranges[i].offset + ranges[i].size) {
                    uint64_t left = ranges[i].offset + ranges[i].size - at;
                    size_t size = (size_t)GLY_MIN(left, 1 + gly_random_below(&random, 300000));
                    check_read(plan, at, size);
                    at += size + (gly_random_below(&random, 4) == 0 ? 9000000 : 0);
                }
            }
            if (g > 0) {
                gly_read_plan_drop(plan);
            }
        }
        gly_read_plan_free(plan);
        GLY_CHECK_INT(file.in_flight, 0);
    }
}

GLY_SUITE("read_plan", near_ranges_are_one_request, long_ranges_are_read_side_by_side,
          later_groups_wait_for_room, a_full_budget_does_not_stop_reading,
          parts_that_are_left_out_are_given_up, failures_come_to_who_reads,
          any_ranges_and_reads_are_right)
