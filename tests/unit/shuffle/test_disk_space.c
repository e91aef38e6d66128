/* test_disk_space.c - the disk budget of an executor: who takes too much is refused in words. */
#include "lib/shuffle/disk_space.h"

#include "lib/shuffle/scratch_file.h"
#include "tests/support/check.h"

#include <pthread.h>

GLY_TEST(counts_and_refuses) {
    gly_error error;
    gly_disk_space *space = gly_disk_space_make(1000);
    GLY_CHECK_OK(gly_disk_space_take(space, GLY_DISK_FILES, 600, &error), &error);
    GLY_CHECK_OK(gly_disk_space_take(space, GLY_DISK_SCRATCH, 400, &error), &error);
    GLY_CHECK_INT(gly_disk_space_used(space), 1000);
    GLY_CHECK_INT(gly_disk_space_take(space, GLY_DISK_SCRATCH, 1, &error), GLY_E_DISK_FULL);
    GLY_CHECK(error.retryable);
    GLY_CHECK(strstr(error.message, "spec.executor.localDisk") != NULL);
    GLY_CHECK_INT(gly_disk_space_used(space), 1000);
    gly_disk_space_give(space, GLY_DISK_SCRATCH, 400);
    GLY_CHECK_OK(gly_disk_space_take(space, GLY_DISK_FILES, 400, &error), &error);
    gly_disk_space_recount(space, 50); /* most files were deleted */
    GLY_CHECK_INT(gly_disk_space_used(space), 50);
    GLY_CHECK_OK(gly_disk_space_take(space, GLY_DISK_FILES, 950, &error), &error);
    gly_disk_space_give(space, GLY_DISK_FILES, 5000); /* never below nothing */
    GLY_CHECK_INT(gly_disk_space_used(space), 0);
    GLY_CHECK_INT(gly_disk_space_take(space, GLY_DISK_FILES, UINT64_MAX, &error), GLY_E_DISK_FULL);
    gly_disk_space_free(space);
}

GLY_TEST(without_a_limit_all_is_allowed) {
    gly_error error;
    GLY_CHECK_OK(gly_disk_space_take(NULL, GLY_DISK_FILES, UINT64_MAX, &error), &error);
    gly_disk_space_give(NULL, GLY_DISK_FILES, 1);
    GLY_CHECK_INT(gly_disk_space_used(NULL), 0);
}

GLY_TEST(scratch_files_give_back) {
    gly_error error;
    gly_disk_space *space = gly_disk_space_make(100);
    gly_scratch_file *file;
    char bytes[80] = {0};
    GLY_CHECK_OK(gly_scratch_file_open("/tmp", space, &file, &error), &error);
    GLY_CHECK_OK(gly_scratch_file_write(file, bytes, sizeof bytes, &error), &error);
    GLY_CHECK_INT(gly_scratch_file_write(file, bytes, sizeof bytes, &error), GLY_E_DISK_FULL);
    GLY_CHECK_INT(gly_scratch_file_size(file), 80);
    GLY_CHECK_INT(gly_disk_space_used(space), 80);
    gly_scratch_file_close(file);
    GLY_CHECK_INT(gly_disk_space_used(space), 0);
    gly_disk_space_free(space);
}

enum { THREADS = 4, ROUNDS = 20000 };

static void *take_and_give(void *context) {
    gly_disk_space *space = context;
    gly_error error;
    for (int i = 0; i < ROUNDS; i++) {
        gly_disk_use use = i % 2 == 0 ? GLY_DISK_SCRATCH : GLY_DISK_FILES;
        if (gly_disk_space_take(space, use, 30, &error) == GLY_OK) {
            gly_disk_space_give(space, use, 30);
        }
    }
    return NULL;
}

GLY_TEST(threads_leave_nothing_behind) {
    gly_disk_space *space = gly_disk_space_make(100);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        GLY_ASSERT(pthread_create(&threads[i], NULL, take_and_give, space) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    GLY_CHECK_INT(gly_disk_space_used(space), 0);
    gly_disk_space_free(space);
}

GLY_SUITE("disk space", counts_and_refuses, without_a_limit_all_is_allowed, scratch_files_give_back,
          threads_leave_nothing_behind)
