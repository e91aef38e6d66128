/* test_commit.c - output appears at once or not at all. */
#include "lib/io/source/commit.h"
#include "tests/unit/io/io_support.h"

static gly_arena *arena;
static gly_str root;
static gly_str target;

static void begin(void) {
    arena = gly_arena_make();
    root = gly_io_directory(arena);
    target = gly_io_path(arena, root, "out");
}

static void end(void) {
    gly_io_remove(root);
    gly_arena_free(arena);
}

/* Files that readers see below the target, without its path, joined by spaces. */
static const char *visible(void) {
    uint32_t count = 0;
    gly_file_info *files = NULL;
    gly_error err;
    if (gly_io_filesystem()->list(arena, target, &count, &files, &err) != GLY_OK) {
        return "(no directory)";
    }
    gly_builder text = {0};
    gly_builder_add_text(&text, "");
    for (uint32_t i = 0; i < count; i++) {
        gly_builder_format(&text, "%s%s", i == 0 ? "" : " ", files[i].path.data + target.size + 1);
    }
    const char *result = gly_arena_string(arena, text.data);
    gly_builder_clear(&text);
    return result;
}

static bool has(const char *name) { return gly_io_exists(gly_io_path(arena, target, name)); }

static gly_commit *start(gly_write_mode mode, const char *job) {
    gly_commit *commit = NULL;
    bool skip = true;
    gly_error err;
    GLY_CHECK_OK(gly_commit_begin(target, mode, gly_str_of(job), &skip, &commit, &err), &err);
    GLY_CHECK(!skip && commit != NULL);
    return commit;
}

static gly_pending_file task_file(const gly_commit *commit, const char *name) {
    gly_str path = gly_io_path(arena, gly_commit_task_directory(commit), name);
    gly_io_write(path, name, strlen(name));
    return (gly_pending_file){.path = path};
}

static void write_job(gly_write_mode mode, const char *job) {
    gly_error err;
    gly_commit *commit = start(mode, job);
    gly_pending_file files[2] = {
        task_file(commit, gly_arena_format(arena, "0-0/part-00000-%s.parquet", job)),
        task_file(commit, gly_arena_format(arena, "1-1/part-00001-%s.parquet", job))};
    task_file(commit, "1-0/part-of-a-lost-attempt.parquet");
    GLY_CHECK_OK(gly_commit_finish(commit, 2, files, &err), &err);
}

GLY_TEST(files_appear_at_the_end) {
    begin();
    gly_error err;
    gly_commit *commit = start(GLY_WRITE_ERROR_IF_EXISTS, "j1");
    gly_pending_file file = task_file(commit, "0-0/part-00000-j1.parquet");
    GLY_CHECK_TEXT(visible(), "");
    GLY_CHECK(!has("_SUCCESS"));
    GLY_CHECK_OK(gly_commit_finish(commit, 1, &file, &err), &err);
    GLY_CHECK_TEXT(visible(), "part-00000-j1.parquet");
    GLY_CHECK(has("_SUCCESS"));
    GLY_CHECK(!has("_temporary"));
    end();
}

GLY_TEST(modes) {
    begin();
    gly_error err;
    gly_commit *commit = NULL;
    bool skip = false;
    write_job(GLY_WRITE_OVERWRITE, "j1");
    GLY_CHECK_TEXT(visible(), "part-00000-j1.parquet part-00001-j1.parquet");
    write_job(GLY_WRITE_OVERWRITE, "j2");
    GLY_CHECK_TEXT(visible(), "part-00000-j2.parquet part-00001-j2.parquet");
    write_job(GLY_WRITE_APPEND, "j3");
    GLY_CHECK_TEXT(visible(), "part-00000-j2.parquet part-00000-j3.parquet "
                              "part-00001-j2.parquet part-00001-j3.parquet");
    GLY_CHECK_INT(
        gly_commit_begin(target, GLY_WRITE_ERROR_IF_EXISTS, GLY_STR("j4"), &skip, &commit, &err),
        GLY_E_PATH_EXISTS);
    GLY_CHECK(strstr(err.message, "out") != NULL);
    GLY_CHECK_OK(gly_commit_begin(target, GLY_WRITE_IGNORE, GLY_STR("j5"), &skip, &commit, &err),
                 &err);
    GLY_CHECK(skip && commit == NULL);
    GLY_CHECK(!has("_temporary"));
    end();
}

GLY_TEST(abort_leaves_what_was_there) {
    begin();
    write_job(GLY_WRITE_OVERWRITE, "j1");
    gly_commit *commit = start(GLY_WRITE_OVERWRITE, "j2");
    task_file(commit, "0-0/part-00000-j2.parquet");
    GLY_CHECK_TEXT(visible(), "part-00000-j1.parquet part-00001-j1.parquet");
    gly_commit_abort(commit);
    GLY_CHECK_TEXT(visible(), "part-00000-j1.parquet part-00001-j1.parquet");
    GLY_CHECK(!has("_temporary"));
    gly_commit_abort(NULL);
    end();
}

GLY_TEST(a_failed_finish_puts_everything_back) {
    begin();
    write_job(GLY_WRITE_OVERWRITE, "j1");
    gly_error err;
    gly_commit *commit = start(GLY_WRITE_OVERWRITE, "j2");
    gly_pending_file files[2] = {
        task_file(commit, "0-0/part-00000-j2.parquet"),
        {.path = gly_io_path(arena, gly_commit_task_directory(commit), "gone.parquet")}};
    GLY_CHECK_INT(gly_commit_finish(commit, 2, files, &err), GLY_E_PATH_NOT_FOUND);
    GLY_CHECK_TEXT(visible(), "part-00000-j1.parquet part-00001-j1.parquet");
    GLY_CHECK(!has("_temporary"));
    end();
}

GLY_TEST(what_killed_jobs_left_goes_away) {
    begin();
    write_job(GLY_WRITE_OVERWRITE, "j1");
    gly_io_write(gly_io_path(arena, target, "_temporary/j2/0-0/part-00000-j2.parquet"), "x", 1);
    GLY_CHECK_TEXT(visible(), "part-00000-j1.parquet part-00001-j1.parquet");
    write_job(GLY_WRITE_APPEND, "j3");
    GLY_CHECK(!has("_temporary"));
    /* Killed while files moved: one old file is aside, one new one is there. */
    gly_error err;
    GLY_CHECK_OK(gly_io_filesystem()->rename(
                     gly_io_path(arena, target, "part-00000-j1.parquet"),
                     gly_io_path(arena, target, "_temporary/j4.old/part-00000-j1.parquet"), &err),
                 &err);
    gly_io_write(gly_io_path(arena, target, "part-00000-j4.parquet"), "x", 1);
    gly_commit_abort(start(GLY_WRITE_APPEND, "j5"));
    GLY_CHECK_TEXT(visible(), "part-00000-j1.parquet part-00000-j3.parquet "
                              "part-00001-j1.parquet part-00001-j3.parquet");
    end();
}

/* The owner record that a process with another number or start time would have left. */
static void disown(const char *job, const char *from, const char *to) {
    gly_str path = gly_io_path(arena, target, gly_arena_format(arena, "_temporary/%s/owner", job));
    gly_str text = gly_io_read(arena, path);
    const char *at = memmem(text.data, text.size, from, strlen(from));
    GLY_CHECK(at != NULL);
    size_t before = at == NULL ? 0 : (size_t)(at - text.data);
    size_t behind = before + strlen(from);
    char *changed = gly_arena_format(arena, "%.*s%s%.*s", (int)before, text.data, to,
                                     (int)(text.size - behind), text.data + behind);
    gly_io_write(path, changed, strlen(changed));
}

GLY_TEST(jobs_that_live_are_left_alone) {
    begin();
    gly_error err;
    gly_commit *first = start(GLY_WRITE_APPEND, "j1");
    gly_pending_file file = task_file(first, "0-0/part-00000-j1.parquet");
    write_job(GLY_WRITE_APPEND, "j2");
    GLY_CHECK(gly_io_exists(file.path));
    GLY_CHECK_OK(gly_commit_finish(first, 1, &file, &err), &err);
    GLY_CHECK_TEXT(visible(), "part-00000-j1.parquet part-00000-j2.parquet part-00001-j2.parquet");
    GLY_CHECK(!has("_temporary"));
    end();
}

GLY_TEST(jobs_of_dead_processes_go_away) {
    begin();
    gly_commit *dead = start(GLY_WRITE_APPEND, "j1");
    gly_commit *elsewhere = start(GLY_WRITE_APPEND, "j2");
    task_file(dead, "0-0/part-00000-j1.parquet");
    task_file(elsewhere, "0-0/part-00000-j2.parquet");
    disown("j1", gly_arena_format(arena, "process %d", (int)getpid()), "process 2147483647");
    disown("j2", "place ", "place elsewhere-");
    write_job(GLY_WRITE_APPEND, "j3");
    GLY_CHECK(!has("_temporary/j1"));
    GLY_CHECK(has("_temporary/j2/owner")); /* nobody here can tell */
    setenv("GALLEY_APPLICATION_UID", "u-1", 1);
    disown("j2", "application ", "application u-1");
    write_job(GLY_WRITE_APPEND, "j4");
    unsetenv("GALLEY_APPLICATION_UID");
    GLY_CHECK(!has("_temporary"));
    gly_commit_abort(dead);
    gly_commit_abort(elsewhere);
    end();
}

GLY_TEST(sub_directories_are_overwritten_too) {
    begin();
    gly_io_write(gly_io_path(arena, target, "dt=1/old.parquet"), "x", 1);
    write_job(GLY_WRITE_OVERWRITE, "j1");
    GLY_CHECK_TEXT(visible(), "part-00000-j1.parquet part-00001-j1.parquet");
    end();
}

GLY_TEST(a_file_is_no_target) {
    begin();
    gly_io_write(target, "x", 1);
    gly_error err;
    gly_commit *commit = NULL;
    bool skip = false;
    GLY_CHECK_INT(gly_commit_begin(target, GLY_WRITE_OVERWRITE, GLY_STR("j"), &skip, &commit, &err),
                  GLY_E_PATH_EXISTS);
    GLY_CHECK_INT(
        gly_commit_begin(GLY_STR("/"), GLY_WRITE_OVERWRITE, GLY_STR("j"), &skip, &commit, &err),
        GLY_E_INVALID_ARGUMENT);
    end();
}

GLY_SUITE("commit", files_appear_at_the_end, modes, abort_leaves_what_was_there,
          a_failed_finish_puts_everything_back, what_killed_jobs_left_goes_away,
          jobs_that_live_are_left_alone, jobs_of_dead_processes_go_away,
          sub_directories_are_overwritten_too, a_file_is_no_target)
