/* test_local_dir.c - what a killed driver leaves is removed by the next one, and nothing else. */
#include "driver/local_dir.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/check.h"

/* Of this test alone, removed when it ends. */
static const char *base(void) {
    static char path[] = "/tmp/test_local_dir-XXXXXX";
    static bool is_made;
    if (!is_made) {
        GLY_CHECK(mkdtemp(path) != NULL);
        is_made = true;
    }
    return path;
}

static bool is_there(const char *path) {
    struct stat info;
    return stat(path, &info) == 0;
}

static void write_file(const char *directory, const char *name) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    GLY_CHECK(fd >= 0);
    close(fd);
}

static gly_local_dir *make(void) {
    gly_local_dir *dir = NULL;
    gly_error err = {0};
    GLY_CHECK_OK(gly_local_dir_make(gly_str_of(base()), &dir, &err), &err);
    return dir;
}

/* A process that makes a directory, says which, and ends as it is told to. */
static void leave_one(char ret_path[256], bool waits, pid_t *ret_pid) {
    int ends[2];
    GLY_CHECK_INT(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        gly_local_dir *dir = NULL;
        gly_error err = {0};
        if (gly_local_dir_make(gly_str_of(base()), &dir, &err) == GLY_OK) {
            const char *path = gly_local_dir_path(dir);
            (void)!write(ends[1], path, strlen(path) + 1);
        }
        if (waits) {
            pause();
        }
        _exit(0); /* without gly_local_dir_remove, as if killed */
    }
    close(ends[1]);
    ssize_t size = read(ends[0], ret_path, 255);
    GLY_CHECK(size > 1);
    close(ends[0]);
    if (waits) {
        *ret_pid = pid;
    } else {
        waitpid(pid, NULL, 0);
    }
}

GLY_TEST(one_driver) {
    gly_local_dir *dir = make();
    char path[256];
    snprintf(path, sizeof path, "%s", gly_local_dir_path(dir));
    GLY_CHECK(is_there(path));
    write_file(path, "executor-1.log");
    gly_local_dir_remove(dir);
    GLY_CHECK(!is_there(path));
    gly_local_dir_remove(NULL);
}

GLY_TEST(dead_are_removed) {
    char dead[256];
    leave_one(dead, false, NULL);
    write_file(dead, "executor-1.log");
    GLY_CHECK(is_there(dead));
    gly_local_dir *dir = make();
    GLY_CHECK(!is_there(dead));
    GLY_CHECK(is_there(gly_local_dir_path(dir)));
    gly_local_dir_remove(dir);
}

GLY_TEST(living_stay) {
    char living[256];
    pid_t pid = 0;
    leave_one(living, true, &pid);
    gly_local_dir *dir = make();
    gly_local_dir *other = make();
    GLY_CHECK(is_there(living));
    GLY_CHECK(is_there(gly_local_dir_path(dir)));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    gly_local_dir_remove(other);
    other = make();
    GLY_CHECK(!is_there(living));
    GLY_CHECK(is_there(gly_local_dir_path(dir)));
    gly_local_dir_remove(other);
    gly_local_dir_remove(dir);
}

/* Not made by a driver, or just being made. */
GLY_TEST(others_stay) {
    char path[256];
    snprintf(path, sizeof path, "%s/galley-notes", base());
    GLY_CHECK_INT(mkdir(path, 0700), 0);
    write_file(path, "owner.new");
    char link[256];
    snprintf(link, sizeof link, "%s/galley-link", base());
    char outside[256];
    snprintf(outside, sizeof outside, "%s/outside", base());
    GLY_CHECK_INT(mkdir(outside, 0700), 0);
    write_file(outside, "owner");
    GLY_CHECK_INT(symlink(outside, link), 0);
    gly_local_dir *dir = make();
    GLY_CHECK(is_there(path));
    GLY_CHECK(is_there(outside));
    GLY_CHECK(is_there(link));
    gly_local_dir_remove(dir);
}

GLY_TEST(refuses_what_cannot_be) {
    gly_local_dir *dir = NULL;
    gly_error err = {0};
    GLY_CHECK(gly_local_dir_make(gly_str_of("/proc/galley-none"), &dir, &err) != GLY_OK);
    GLY_CHECK(strstr(err.message, "spark.local.dir") != NULL);
    char command[300];
    snprintf(command, sizeof command, "rm -rf '%s'", base());
    GLY_CHECK_INT(system(command), 0);
}

GLY_SUITE("local_dir", one_driver, dead_are_removed, living_stay, others_stay,
          refuses_what_cannot_be)
