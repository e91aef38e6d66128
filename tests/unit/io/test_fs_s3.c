/* test_fs_s3.c - files over a store in this process: ranges, listings, uploads, and what goes
 * wrong.
 *
 * The client belongs to the process, so all tests share one store; each has a bucket of its own.
 */
#include "lib/base/alloc.h"
#include "lib/io/fs/fs_s3.h"
#include "lib/io/fs/s3_upload.h"
#include "lib/io/source/commit.h"
#include "tests/support/fake_s3.h"
#include "tests/unit/io/io_support.h"

static gly_fake_s3 *fake;
static gly_arena *arena;
static const gly_filesystem *s3 = &gly_fs_s3;

static void free_fake(void) { gly_fake_s3_free(fake); }

static void begin(void) {
    if (fake == NULL) {
        fake = gly_fake_s3_make();
        atexit(free_fake); /* runs behind the client's own */
        setenv("AWS_ENDPOINT_URL", gly_fake_s3_endpoint(fake), 1);
        setenv("AWS_ACCESS_KEY_ID", "k", 1);
        setenv("AWS_SECRET_ACCESS_KEY", "very-secret", 1);
        setenv("AWS_SESSION_TOKEN", "session", 1);
        unsetenv("AWS_ENDPOINT_URL_S3");
        unsetenv("GALLEY_S3_PATH_STYLE");
    }
    gly_fake_s3_forget_faults(fake);
    arena = gly_arena_make();
}

static void end(void) { gly_arena_free(arena); }

static void put(const char *key, size_t size) {
    char *bytes = gly_arena_alloc(arena, size + 1);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (char)('a' + i % 23);
    }
    gly_fake_s3_put(fake, key, bytes, size);
}

static gly_file *open_path(const char *path) {
    gly_error err;
    gly_file *file = NULL;
    GLY_CHECK_OK(s3->open(gly_str_of(path), &file, &err), &err);
    return file;
}

static bool is_right(const char *bytes, uint64_t offset, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != (char)('a' + (offset + i) % 23)) {
            return false;
        }
    }
    return true;
}

GLY_TEST(ranges) {
    begin();
    gly_error err;
    put("ranges/big", 300000);
    gly_file *file = open_path("s3://ranges/big");
    char *buffer = gly_arena_alloc(arena, 300000);
    GLY_CHECK_INT(file->size_bytes, 300000);
    GLY_CHECK_OK(file->read_at(file, 299000, 1000, buffer, &err), &err);
    GLY_CHECK(is_right(buffer, 299000, 1000));
    GLY_CHECK_INT(gly_fake_s3_requests(fake, "GET /ranges/big"), 1); /* the end came with it */
    GLY_CHECK_OK(file->read_at(file, 1234, 200000, buffer, &err), &err);
    GLY_CHECK(is_right(buffer, 1234, 200000));
    GLY_CHECK_INT(gly_fake_s3_requests(fake, "GET /ranges/big"), 2);
    gly_file_read *read = file->start_read(file, 7, 100, buffer);
    gly_file_read *dropped = file->start_read(file, 0, 100000, buffer + 1000);
    file->cancel_read(file, dropped);
    GLY_CHECK_OK(file->finish_read(file, read, &err), &err);
    GLY_CHECK(is_right(buffer, 7, 100));
    file->close(file);
    char *head = gly_fake_s3_last(fake, "GET /ranges/big");
    GLY_CHECK(strstr(head, "x-amz-security-token: session") != NULL);
    GLY_CHECK(strstr(head, "very-secret") == NULL);
    free(head);
    end();
}

GLY_TEST(small_and_empty_objects) {
    begin();
    gly_error err;
    char buffer[8] = "";
    put("small/e", 0);
    put("small/s", 3);
    gly_file *file = open_path("s3://small/e");
    GLY_CHECK_INT(file->size_bytes, 0);
    file->close(file);
    file = open_path("s3a://small/s");
    GLY_CHECK_INT(file->size_bytes, 3);
    GLY_CHECK_OK(file->read_at(file, 1, 2, buffer, &err), &err);
    GLY_CHECK_TEXT(buffer, "bc");
    file->close(file);
    GLY_CHECK_INT(s3->open(GLY_STR("s3://small/absent"), &file, &err), GLY_E_PATH_NOT_FOUND);
    GLY_CHECK(strstr(err.message, "s3://small/absent does not exist") != NULL);
    GLY_CHECK_INT(s3->open(GLY_STR("s3://missing/x"), &file, &err), GLY_E_IO);
    GLY_CHECK(!err.retryable && strstr(err.message, "bucket missing") != NULL);
    end();
}

GLY_TEST(failures_that_pass_are_tried_again) {
    begin();
    gly_error err;
    char *buffer = gly_arena_alloc(arena, 200000);
    put("retry/k", 200000);
    gly_fake_s3_fail(fake, "GET /retry/k", 1, GLY_FAKE_STATUS, 503, "SlowDown");
    gly_fake_s3_fail(fake, "GET /retry/k", 1, GLY_FAKE_STATUS, 500, "InternalError");
    gly_file *file = open_path("s3://retry/k");
    gly_fake_s3_fail(fake, "GET /retry/k", 1, GLY_FAKE_CUT, 0, NULL);
    gly_fake_s3_fail(fake, "GET /retry/k", 1, GLY_FAKE_RESET, 0, NULL);
    gly_fake_s3_fail(fake, "GET /retry/k", 1, GLY_FAKE_STATUS, 400, "RequestTimeout");
    GLY_CHECK_OK(file->read_at(file, 0, 100000, buffer, &err), &err);
    GLY_CHECK(is_right(buffer, 0, 100000));
    file->close(file);
    end();
}

GLY_TEST(failures_that_stay_have_one_sentence) {
    begin();
    gly_error err;
    gly_file *file;
    put("stay/k", 10);
    gly_fake_s3_fail(fake, "GET /stay/k", 1, GLY_FAKE_STATUS, 403, "InvalidAccessKeyId");
    GLY_CHECK_INT(s3->open(GLY_STR("s3://stay/k"), &file, &err), GLY_E_IO);
    GLY_CHECK(!err.retryable && strstr(err.message, "s3://stay/k") != NULL &&
              strstr(err.message, "403 InvalidAccessKeyId") != NULL &&
              strstr(err.message, "AWS_ACCESS_KEY_ID") != NULL);
    gly_fake_s3_fail(fake, "GET /stay/k", 1, GLY_FAKE_STATUS, 404, "InvalidAccessKeyId");
    GLY_CHECK_INT(s3->open(GLY_STR("s3://stay/k"), &file, &err),
                  GLY_E_IO); /* as versitygw says it */
    uint32_t before = gly_fake_s3_requests(fake, "GET /stay/k");
    gly_fake_s3_fail(fake, "GET /stay/k", 100, GLY_FAKE_STATUS, 503, "SlowDown");
    GLY_CHECK_INT(s3->open(GLY_STR("s3://stay/k"), &file, &err), GLY_E_IO);
    GLY_CHECK(err.retryable && strstr(err.message, "503 SlowDown again and again") != NULL);
    GLY_CHECK_INT(gly_fake_s3_requests(fake, "GET /stay/k") - before, 8);
    end();
}

GLY_TEST(a_replaced_object_is_noticed) {
    begin();
    gly_error err;
    char *buffer = gly_arena_alloc(arena, 200000);
    put("replaced/k", 200000);
    gly_file *file = open_path("s3://replaced/k");
    put("replaced/k", 200000);
    GLY_CHECK_INT(file->read_at(file, 0, 100, buffer, &err), GLY_E_IO);
    GLY_CHECK(strstr(err.message, "changed while it was being read") != NULL);
    file->close(file);
    end();
}

static const char *list(const char *path) {
    uint32_t count = 0;
    gly_file_info *files = NULL;
    gly_error err;
    if (s3->list(arena, gly_str_of(path), &count, &files, &err) != GLY_OK) {
        return gly_arena_string(arena, err.message);
    }
    gly_builder text = {0};
    gly_builder_add_text(&text, "");
    for (uint32_t i = 0; i < count; i++) {
        gly_builder_format(&text, "%s%.*s", i == 0 ? "" : " ", GLY_STR_ARG(files[i].path));
    }
    const char *result = gly_arena_string(arena, text.data);
    gly_builder_clear(&text);
    return result;
}

GLY_TEST(listings) {
    begin();
    gly_error err;
    gly_file_info info;
    put("list/t/b", 1);
    put("list/t/a/dt=1/x y+ä", 2);
    put("list/t/_hidden/x", 1);
    put("list/t/.x", 1);
    put("list/t/_p=1/x", 1);
    put("list/t/dir/", 0);
    put("list/tt/no", 1);
    GLY_CHECK_TEXT(list("s3://list/t"),
                   "s3://list/t/_p=1/x s3://list/t/a/dt=1/x y+ä s3://list/t/b");
    GLY_CHECK_TEXT(list("s3a://list/t/b"), "s3a://list/t/b");
    GLY_CHECK(strstr(list("s3://list/absent"), "does not exist") != NULL);
    GLY_CHECK_OK(s3->stat(arena, GLY_STR("s3://list/t"), &info, &err), &err);
    GLY_CHECK(info.is_directory);
    GLY_CHECK_OK(s3->stat(arena, GLY_STR("s3://list/t/a/dt=1/x y+ä"), &info, &err), &err);
    GLY_CHECK(!info.is_directory && info.size_bytes == 2 && info.modified_ms == 1255369800000);
    GLY_CHECK_INT(s3->stat(arena, GLY_STR("s3://list/a"), &info, &err), GLY_E_PATH_NOT_FOUND);
    gly_fake_s3_set_page(fake, 2);
    for (int i = 0; i < 7; i++) {
        put(gly_arena_format(arena, "pages/p/%d", i), 1);
    }
    GLY_CHECK_TEXT(list("s3://pages/p"),
                   "s3://pages/p/0 s3://pages/p/1 s3://pages/p/2 s3://pages/p/3 s3://pages/p/4 "
                   "s3://pages/p/5 s3://pages/p/6");
    /* Of this bucket only: stat above asks two questions at once, and the one it gives up may
     * still be on its way. */
    GLY_CHECK_INT(gly_fake_s3_requests(fake, "GET /pages"), 4);
    gly_fake_s3_set_page(fake, 0);
    end();
}

static uint32_t expand_count(const char *path, gly_status *ret_status, gly_error *err) {
    uint32_t count = 0;
    gly_file_info *files;
    *ret_status = gly_filesystem_expand(arena, gly_str_of(path), &count, &files, err);
    return count;
}

GLY_TEST(globs) {
    begin();
    gly_error err;
    gly_status status;
    put("globs/d/dt=1/a.csv", 1);
    put("globs/d/dt=2/b.csv", 1);
    put("globs/d/other/c.csv", 1);
    put("globs/x*y", 1);
    GLY_CHECK_INT(expand_count("s3://globs/d/dt=*", &status, &err), 2);
    GLY_CHECK_INT(expand_count("s3://globs/d/*/[bc].csv", &status, &err), 2);
    GLY_CHECK_INT(expand_count("s3://globs/{d/dt=1,d/other}/*", &status, &err), 2);
    GLY_CHECK_INT(expand_count("s3://globs/x*y", &status, &err), 1);
    GLY_CHECK_INT(gly_fake_s3_requests(fake, "prefix=d%2Fdt%3D HTTP"), 1); /* no more than needed */
    (void)expand_count("s3://globs/q*", &status, &err);
    GLY_CHECK_INT(status, GLY_E_PATH_NOT_FOUND);
    gly_fake_s3_fail(fake, "/globs", 8, GLY_FAKE_STATUS, 403, "AccessDenied");
    (void)expand_count("s3://globs/d", &status, &err);
    GLY_CHECK_INT(status, GLY_E_IO);
    end();
}

static gly_file_writer *create(const char *path) {
    gly_error err;
    gly_file_writer *writer = NULL;
    GLY_CHECK_OK(s3->create(gly_str_of(path), &writer, &err), &err);
    return writer;
}

static void write_bytes(gly_file_writer *writer, size_t size) {
    enum { CHUNK = 1000003 };
    gly_error err;
    char *bytes = gly_arena_alloc(arena, CHUNK + 23);
    for (size_t i = 0; i < CHUNK + 23; i++) {
        bytes[i] = (char)('a' + i % 23);
    }
    for (size_t done = 0; done < size;) {
        size_t take = GLY_MIN(size - done, (size_t)CHUNK);
        GLY_CHECK_OK(writer->write(writer, bytes + done % 23, take, &err), &err);
        done += take;
    }
}

static void check_object(const char *path, uint64_t size) {
    gly_error err;
    gly_file *file = open_path(path);
    char *buffer = gly_alloc(size + 1);
    GLY_CHECK_INT(file->size_bytes, size);
    GLY_CHECK_OK(file->read_at(file, 0, size, buffer, &err), &err);
    GLY_CHECK(is_right(buffer, 0, size));
    file->close(file);
    free(buffer);
}

GLY_TEST(writing) {
    begin();
    gly_error err;
    gly_file_writer *writer = create("s3://writing/small");
    write_bytes(writer, 5000);
    GLY_CHECK(!gly_fake_s3_has(fake, "writing/small"));
    GLY_CHECK_OK(writer->finish(writer, &err), &err);
    check_object("s3://writing/small", 5000);
    GLY_CHECK_INT(gly_fake_s3_requests(fake, "POST /writing/small"), 0);
    size_t large = (size_t)50 << 20;
    gly_budget budget;
    gly_budget_init(&budget, NULL, (size_t)20 << 20);
    writer = create("s3://writing/large");
    writer->budget = &budget;
    gly_fake_s3_fail(fake, "PUT /writing/large?partNumber=3", 1, GLY_FAKE_LOSE_ANSWER, 0, NULL);
    gly_fake_s3_fail(fake, "POST /writing/large?uploadId", 1, GLY_FAKE_LOSE_ANSWER, 0, NULL);
    write_bytes(writer, large);
    GLY_CHECK_INT(writer->size_bytes, large);
    GLY_CHECK_OK(writer->finish(writer, &err), &err);
    GLY_CHECK_INT(gly_budget_used(&budget), 0);
    GLY_CHECK(gly_budget_peak(&budget) <= (size_t)20 << 20);
    check_object("s3://writing/large", large);
    GLY_CHECK_INT(gly_fake_s3_uploads(fake), 0);
    writer = create("s3://writing/empty");
    GLY_CHECK_OK(writer->finish(writer, &err), &err);
    check_object("s3://writing/empty", 0);
    writer = create("s3://writing/gone");
    write_bytes(writer, (size_t)20 << 20);
    writer->abort(writer);
    GLY_CHECK(!gly_fake_s3_has(fake, "writing/gone"));
    GLY_CHECK_INT(gly_fake_s3_uploads(fake), 0);
    end();
}

GLY_TEST(part_sizes) {
    uint64_t sum = 0;
    for (uint32_t i = 1; i <= 10000; i++) {
        sum += gly_s3_upload_part_size(i);
    }
    GLY_CHECK(sum >= UINT64_C(5) << 40);
    GLY_CHECK_INT(gly_s3_upload_part_size(1), 8 << 20);
    GLY_CHECK(gly_s3_upload_part_size(10000) <= UINT64_C(5) << 30);
}

GLY_TEST(failed_writes_leave_nothing) {
    begin();
    gly_error err;
    gly_file_writer *writer = create("s3://failing/k");
    write_bytes(writer, (size_t)9 << 20);
    gly_fake_s3_fail(fake, "PUT /failing/k?partNumber=2", 1, GLY_FAKE_STATUS, 403, "AccessDenied");
    GLY_CHECK_INT(writer->finish(writer, &err), GLY_E_IO);
    GLY_CHECK(strstr(err.message, "AccessDenied") != NULL);
    GLY_CHECK_INT(gly_fake_s3_uploads(fake), 0);
    GLY_CHECK(!gly_fake_s3_has(fake, "failing/k"));
    end();
}

/* ---- commits ------------------------------------------------------------------------------------
 */

static gly_commit *start(const char *path, gly_write_mode mode, const char *job) {
    gly_commit *commit = NULL;
    bool skip = true;
    gly_error err;
    GLY_CHECK_OK(gly_commit_begin(gly_str_of(path), mode, gly_str_of(job), &skip, &commit, &err),
                 &err);
    GLY_CHECK(!skip && commit != NULL);
    return commit;
}

static gly_pending_file task_file(const gly_commit *commit, const char *name, size_t size) {
    gly_error err;
    gly_builder token = {0};
    gly_str path = gly_io_path(arena, gly_commit_task_directory(commit), name);
    gly_file_writer *writer = create(path.data);
    writer->token = &token;
    write_bytes(writer, size);
    GLY_CHECK_OK(writer->finish(writer, &err), &err);
    gly_pending_file file = {path, gly_arena_str(arena, gly_builder_str(&token))};
    gly_builder_clear(&token);
    return file;
}

/* All keys of a bucket; to be compared. */
static const char *keys_of(const char *bucket) {
    char *all = gly_fake_s3_keys(fake);
    gly_builder text = {0};
    gly_builder_add_text(&text, "");
    char *rest = all;
    for (char *key; (key = strsep(&rest, " ")) != NULL;) {
        size_t size = strlen(bucket);
        if (strncmp(key, bucket, size) == 0 && key[size] == '/') {
            gly_builder_format(&text, "%s%s", text.size == 0 ? "" : " ", key + size + 1);
        }
    }
    const char *result = gly_arena_format(arena, "%s", text.data == NULL ? "" : text.data);
    gly_builder_clear(&text);
    free(all);
    return result;
}

static void write_job(const char *path, gly_write_mode mode, const char *job) {
    gly_error err;
    gly_commit *commit = start(path, mode, job);
    gly_pending_file files[2] = {
        task_file(commit, gly_arena_format(arena, "0-0/part-0-%s.x", job), 100),
        task_file(commit, gly_arena_format(arena, "1-2/part-1-%s.x", job), (size_t)9 << 20)};
    task_file(commit, gly_arena_format(arena, "1-1/part-1-%s.x", job), 50); /* a lost attempt */
    GLY_CHECK_OK(gly_commit_finish(commit, 2, files, &err), &err);
}

GLY_TEST(output_appears_at_the_end) {
    begin();
    gly_error err;
    gly_commit *commit = start("s3://out1/d/", GLY_WRITE_ERROR_IF_EXISTS, "1-1");
    gly_pending_file file = task_file(commit, "0-0/part-0-1-1.x", 10);
    GLY_CHECK_TEXT(keys_of("out1"),
                   "d/_temporary/1-1/0-0/part-0-1-1.x.upload d/_temporary/1-1/owner");
    GLY_CHECK_INT(gly_fake_s3_uploads(fake), 1);
    GLY_CHECK_OK(gly_commit_finish(commit, 1, &file, &err), &err);
    GLY_CHECK_TEXT(keys_of("out1"), "d/_SUCCESS d/part-0-1-1.x");
    GLY_CHECK_INT(gly_fake_s3_uploads(fake), 0);
    check_object("s3://out1/d/part-0-1-1.x", 10);
    gly_commit *none = NULL;
    bool skip;
    GLY_CHECK_INT(gly_commit_begin(GLY_STR("s3://out1/d"), GLY_WRITE_ERROR_IF_EXISTS,
                                   GLY_STR("2-1"), &skip, &none, &err),
                  GLY_E_PATH_EXISTS);
    end();
}

GLY_TEST(overwriting_and_appending) {
    begin();
    write_job("s3://out2/d", GLY_WRITE_OVERWRITE, "1-1");
    write_job("s3://out2/d", GLY_WRITE_APPEND, "1-11");
    GLY_CHECK_TEXT(keys_of("out2"),
                   "d/_SUCCESS d/part-0-1-1.x d/part-0-1-11.x d/part-1-1-1.x d/part-1-1-11.x");
    write_job("s3://out2/d", GLY_WRITE_OVERWRITE, "1-2");
    GLY_CHECK_TEXT(keys_of("out2"), "d/_SUCCESS d/part-0-1-2.x d/part-1-1-2.x");
    gly_commit_abort(start("s3://out2/d", GLY_WRITE_OVERWRITE, "1-3"));
    GLY_CHECK_TEXT(keys_of("out2"), "d/_SUCCESS d/part-0-1-2.x d/part-1-1-2.x");
    GLY_CHECK_INT(gly_fake_s3_uploads(fake), 0);
    write_job("s3://out2root", GLY_WRITE_OVERWRITE, "1-4");
    GLY_CHECK_TEXT(keys_of("out2root"), "_SUCCESS part-0-1-4.x part-1-1-4.x");
    end();
}

GLY_TEST(a_commit_that_fails_takes_everything_back) {
    begin();
    gly_error err;
    write_job("s3://out3/d", GLY_WRITE_OVERWRITE, "1-1");
    gly_commit *commit = start("s3://out3/d", GLY_WRITE_OVERWRITE, "1-2");
    gly_pending_file files[2] = {task_file(commit, "0-0/part-0-1-2.x", 10),
                                 task_file(commit, "1-1/part-1-1-2.x", 10)};
    gly_fake_s3_fail(fake, "POST /out3/d/part-1-1-2.x?uploadId", 1, GLY_FAKE_STATUS, 403,
                     "AccessDenied");
    GLY_CHECK_INT(gly_commit_finish(commit, 2, files, &err), GLY_E_IO);
    GLY_CHECK_TEXT(keys_of("out3"), "d/_SUCCESS d/part-0-1-1.x d/part-1-1-1.x");
    GLY_CHECK_INT(gly_fake_s3_uploads(fake), 0);
    end();
}

/* A job whose process died: the owner record names another start time. */
static void kill_owner(const char *owner, const char *phase) {
    gly_str text = gly_str_of("galley 1\nphase writing\n");
    gly_file *file = open_path(gly_arena_format(arena, "s3://%s", owner));
    gly_error err;
    char *bytes = gly_arena_alloc(arena, file->size_bytes + 1);
    GLY_CHECK_OK(file->read_at(file, 0, file->size_bytes, bytes, &err), &err);
    bytes[file->size_bytes] = '\0';
    file->close(file);
    GLY_CHECK(gly_str_starts_with(gly_str_of(bytes), text));
    char *place = strstr(bytes, "place");
    char *process = strstr(bytes, "process");
    char *changed = gly_arena_format(arena, "galley 1\nphase %s\n%.*sprocess 2147483647 1\n", phase,
                                     (int)(process - place), place);
    gly_fake_s3_put(fake, owner, changed, strlen(changed));
}

GLY_TEST(dead_jobs_are_cleaned_up) {
    begin();
    gly_error err;
    write_job("s3://out4/d", GLY_WRITE_OVERWRITE, "1-1");
    gly_commit *dead = start("s3://out4/d", GLY_WRITE_APPEND, "1-2");
    task_file(dead, "0-0/part-0-1-2.x", 10);
    gly_commit *alive = start("s3://out4/d", GLY_WRITE_APPEND, "1-3");
    gly_pending_file file = task_file(alive, "0-0/part-0-1-3.x", 10);
    kill_owner("out4/d/_temporary/1-2/owner", "writing");
    write_job("s3://out4/d", GLY_WRITE_APPEND, "1-4");
    GLY_CHECK_INT(gly_fake_s3_uploads(fake), 1); /* the living job's */
    GLY_CHECK_OK(gly_commit_finish(alive, 1, &file, &err), &err);
    GLY_CHECK_TEXT(keys_of("out4"), "d/_SUCCESS d/part-0-1-1.x d/part-0-1-3.x d/part-0-1-4.x "
                                    "d/part-1-1-1.x d/part-1-1-4.x");
    GLY_CHECK_INT(gly_fake_s3_uploads(fake), 0);
    gly_commit_abort(dead);
    end();
}

GLY_TEST(jobs_that_died_while_committing) {
    begin();
    write_job("s3://out5/d", GLY_WRITE_OVERWRITE, "1-1");
    gly_commit *dead = start("s3://out5/d", GLY_WRITE_OVERWRITE, "1-2");
    task_file(dead, "0-0/part-0-1-2.x", 10);
    put("out5/d/part-1-1-2.x", 10); /* one was completed already */
    kill_owner("out5/d/_temporary/1-2/owner", "completing");
    gly_commit_abort(start("s3://out5/d", GLY_WRITE_APPEND, "1-3"));
    GLY_CHECK_TEXT(keys_of("out5"), "d/_SUCCESS d/part-0-1-1.x d/part-1-1-1.x");
    GLY_CHECK_INT(gly_fake_s3_uploads(fake), 0);
    gly_commit *replacing = start("s3://out5/d", GLY_WRITE_OVERWRITE, "1-4");
    put("out5/d/part-0-1-4.x", 10);
    kill_owner("out5/d/_temporary/1-4/owner", "replacing");
    gly_commit_abort(start("s3://out5/d", GLY_WRITE_APPEND, "1-5"));
    GLY_CHECK_TEXT(keys_of("out5"), "d/_SUCCESS d/part-0-1-4.x");
    gly_commit_abort(dead);
    gly_commit_abort(replacing);
    end();
}

GLY_SUITE("fs_s3", ranges, small_and_empty_objects, failures_that_pass_are_tried_again,
          failures_that_stay_have_one_sentence, a_replaced_object_is_noticed, listings, globs,
          writing, part_sizes, failed_writes_leave_nothing, output_appears_at_the_end,
          overwriting_and_appending, a_commit_that_fails_takes_everything_back,
          dead_jobs_are_cleaned_up, jobs_that_died_while_committing)
